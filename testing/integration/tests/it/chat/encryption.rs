//! Keys of messages: on a new device, after recovery, and what is never sent in clear.

use super::{Home, Pair, pair, says, sees};
use serde_json::json;
use tim::{Body, ConversationError, Encryption, Line, RecoveryError, RecoveryState};

on_each_homeserver! {
    a_new_device_reads_everything_once_it_has_the_recovery_key,
    keys_of_a_former_device_are_set_aside_by_a_sign_in_and_removed_by_a_sign_out,
    a_conversation_says_how_many_devices_can_read_it,
    nothing_is_sent_into_a_room_that_is_not_encrypted,
}

pub(super) async fn a_new_device_reads_everything_once_it_has_the_recovery_key(home: &Home) {
    let Pair { one, other, room, first } = pair(home, "dr-kranichbach", "ebbelund").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    for line in ["eins", "zwei", "drei"] {
        theirs.send(line, None).await.expect("it is taken");
        sees(&mine, line, says(line)).await;
    }
    let key = one.account.set_up_recovery().await.expect("it is the first");
    assert!(key.reveal().split_whitespace().all(|group| group.len() <= 4), "in groups that can be written down");
    drop(mine);
    one.account.sign_out().await;

    let new = home.device(&first).await;
    let mine = new.opens(&room).await;
    sees(&mine, "a message without its key", |m| matches!(m.body, Body::Undecryptable(_))).await;
    new.eventually("that it knows what would help", async || {
        (new.account.recovery_state() == RecoveryState::KeyNeeded).then_some(())
    })
    .await;
    let wrong = new.account.recover("EsTc LWnU 9hAV PvxK").await;
    assert!(matches!(wrong, Err(RecoveryError::WrongKey)), "a wrong key is called so: {wrong:?}");
    new.account.recover(key.reveal()).await.expect("the right key opens it");
    for line in ["eins", "zwei", "drei"] {
        sees(&mine, line, says(line)).await;
    }
    let none = mine.lines().iter().all(|line| match line {
        Line::Message(message) => !matches!(message.body, Body::Undecryptable(_)),
        Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => true,
    });
    assert!(none, "every line has healed where it stood");
    new.eventually("that this device takes part", async || {
        (new.account.recovery_state() == RecoveryState::Ready).then_some(())
    })
    .await;
}

async fn keys_of_a_former_device_are_set_aside_by_a_sign_in_and_removed_by_a_sign_out(home: &Home) {
    let person = home.person("dr-falkenried").await;
    let one = home.device(&person).await;
    let folder = one.folder();
    let one = one.signed_in_again(home, &person).await;
    let aside = folder.with_file_name("chat-aside-1");
    assert!(aside.join("matrix-sdk-crypto.sqlite3").is_file(), "the former keys are still there");
    one.account.sign_out().await;
    assert!(!folder.exists() && !aside.exists(), "nothing is left after a sign-out");
}

async fn a_conversation_says_how_many_devices_can_read_it(home: &Home) {
    let Pair { one, other: _other, room, .. } = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let mine = one.opens(&room).await;
    mine.send("eins", None).await.expect("it is taken");
    sees(&mine, "the homeserver's answer", |m| says("eins")(m) && m.event.is_some()).await;
    let Encryption::On { devices, .. } = mine.encryption().await else { panic!("it is encrypted") };
    assert!(devices >= 2, "one's own and the other's: {devices}");
}

async fn nothing_is_sent_into_a_room_that_is_not_encrypted(home: &Home) {
    let person = home.person("dr-falkenried").await;
    let one = home.device(&person).await;
    // As another program would make it.
    let room = home.create(&person, &json!({ "preset": "private_chat", "room_version": "10" })).await;
    let marked = |rows: &[tim::Row]| rows.iter().any(|row| row.id == room && row.public).then_some(());
    one.sees("the room with its mark", marked).await;
    let mine = one.opens(&room).await;
    let refused = mine.send("geheim", None).await;
    assert!(matches!(refused, Err(ConversationError::NotEncrypted)), "it is refused: {refused:?}");
    let raw = home.ask(&person, &format!("/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=20")).await;
    assert!(!raw.to_string().contains("geheim"), "and never left");
}
