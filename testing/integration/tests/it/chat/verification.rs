//! Two sides that compare what they show trust each other, and nobody is trusted otherwise.

use super::{Device, Home, Pair, pair, says, sees};
use crate::client::plain;
use serde_json::json;
use std::time::Duration;
use testkit::PATIENCE;
use tim::{
    Body, ConversationError, Counterpart, DeviceTrust, Line, NewConversation, Proof, ProofError, ProofWay,
    RecoveryState, Symbols, Verification, VerificationEnd, VerificationError, VerificationState,
};
use tokio::time::{interval, timeout};

on_each_homeserver! {
    two_own_devices_confirm_each_other_and_the_new_one_reads_the_past,
    two_people_confirm_each_other_in_their_conversation,
    a_mismatch_trusts_nobody,
    who_refuses_is_heard_by_who_asked,
    what_another_program_says_of_its_end_is_told_as_what_it_is,
    who_shares_only_a_group_is_asked_in_a_conversation_as_the_ti_messenger_wants_it,
    a_new_identity_is_noticed_and_nothing_is_sent_until_the_person_has_decided,
    a_changed_identity_that_was_never_confirmed_holds_messages_too,
    who_gives_up_a_new_identity_has_lost_nothing,
}

/// Waits until the comparison at a device is what is wanted.
pub(super) async fn reaches<T>(device: &Device, what: &str, wanted: impl Fn(&Verification) -> Option<T>) -> T {
    let mut told = device.account.verification();
    let found = timeout(PATIENCE, async {
        loop {
            let found = told.borrow_and_update().as_ref().and_then(&wanted);
            if let Some(found) = found {
                return found;
            }
            told.changed().await.expect("the account lives");
        }
    });
    found.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"))
}

/// Waits for a state without content.
pub(super) async fn comes_to(device: &Device, state: &VerificationState) {
    reaches(device, &format!("{state:?}"), |told| (told.state == *state).then_some(())).await;
}

pub(super) async fn shows(device: &Device) -> Symbols {
    reaches(device, "something to compare", |told| match &told.state {
        VerificationState::Comparing(symbols) => Some(symbols.clone()),
        VerificationState::Waiting
        | VerificationState::Asked
        | VerificationState::Agreeing
        | VerificationState::Confirming
        | VerificationState::Done
        | VerificationState::Ended(_) => None,
    })
    .await
}

/// From the question, which has been asked, to what both show.
async fn show_the_same(asks: &Device, asked: &Device) {
    comes_to(asked, &VerificationState::Asked).await;
    asked.account.accept_verification().await.expect("it is asked");
    let (one, other) = (shows(asks).await, shows(asked).await);
    assert_eq!(one, other, "nobody sits between the two");
    assert!(one.emoji.is_some_and(|emoji| emoji.iter().all(|place| *place < 64)), "seven of the table's 64");
    assert!(one.numbers.iter().all(|number| (1000..=9191).contains(number)), "13 bits each, and 1000");
}

/// Both say that it is the same.
async fn confirm(asks: &Device, asked: &Device) {
    asks.account.compare_verification(true).await.expect("it can be said");
    comes_to(asks, &VerificationState::Confirming).await;
    asked.account.compare_verification(true).await.expect("it can be said");
    comes_to(asks, &VerificationState::Done).await;
    comes_to(asked, &VerificationState::Done).await;
}

async fn two_own_devices_confirm_each_other_and_the_new_one_reads_the_past(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Pair { one, other, room, first } = pair(home, "dr-kranichbach", "ebbelund").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    theirs.send("vorher", None).await.expect("it is taken");
    sees(&mine, "the message", says("vorher")).await;
    let alone = one.account.verify_own_device(None).await;
    assert!(matches!(alone, Err(VerificationError::Nobody)), "there is no other device: {alone:?}");
    let _key = one.account.set_up_recovery().await.expect("it is the first");

    let new = home.device(&first).await;
    let past = new.opens(&room).await;
    sees(&past, "a message without its key", |m| matches!(m.body, Body::Undecryptable(_))).await;
    // A question from a device whose keys are not known yet is not heard.
    one.eventually("that the old device knows the new one", async || {
        let devices = one.account.devices().await.ok()?;
        devices.iter().any(|device| device.trust == DeviceTrust::Unconfirmed).then_some(())
    })
    .await;
    new.eventually("that the new device knows the old one", async || new.account.verify_own_device(None).await.ok())
        .await;
    comes_to(&one, &VerificationState::Asked).await;
    let with = reaches(&one, "who asks", |told| Some(told.with.clone())).await;
    let named = Counterpart::OwnDevice { name: Some("a test".to_owned()) };
    assert_eq!(with, named, "the other device, under its name");
    show_the_same(&new, &one).await;
    confirm(&new, &one).await;

    sees(&past, "the past", says("vorher")).await;
    new.eventually("that the new device takes part", async || {
        (new.account.recovery_state() == RecoveryState::Ready).then_some(())
    })
    .await;
    one.eventually("that both are confirmed", async || {
        let devices = one.account.devices().await.ok()?;
        (devices.len() == 2 && devices.iter().all(|device| device.trust == DeviceTrust::Confirmed)).then_some(())
    })
    .await;
}

async fn two_people_confirm_each_other_in_their_conversation(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Pair { one, other, room, first } = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    assert_eq!((mine.confirmed(), theirs.confirmed()), (Vec::new(), Vec::new()), "nobody knows the other");
    let second = other.account.user();
    one.account.verify_person(&second).await.expect("it can be asked");
    comes_to(&other, &VerificationState::Asked).await;
    let with = reaches(&other, "who asks", |told| Some(told.with.clone())).await;
    let Counterpart::Person(person) = with else { panic!("somebody else: {with:?}") };
    assert_eq!(person.id, home.id(&first), "who asked");
    show_the_same(&one, &other).await;
    confirm(&one, &other).await;
    one.eventually("that the other is confirmed", async || (mine.confirmed() == [second.clone()]).then_some(())).await;
    let first = home.id(&first);
    other.eventually("that the first is", async || (theirs.confirmed() == [first.clone()]).then_some(())).await;
    let message = |line: &Line| match line {
        Line::Message(_) => true,
        Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => false,
    };
    assert!(!theirs.lines().iter().any(message), "what programs said to each other is no line");
    let rows = other.account.rows().await;
    assert!(rows.iter().all(|row| row.last.is_none()), "nor the last one of the conversation");
    assert_eq!(rows.len(), 1, "it went through the conversation that there was");
}

async fn who_shares_only_a_group_is_asked_in_a_conversation_as_the_ti_messenger_wants_it(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let (first, second) = (home.person("dr-falkenried").await, home.person("dr-heidekorn").await);
    let (one, other) = (home.device(&first).await, home.device(&second).await);
    let group = one.account.begin(NewConversation::Group { name: "Lungenteam" }).await.expect("it may be begun");
    one.account.invite(&group, &other.account.user()).await.expect("they may be asked");
    other.comes_to(&group).await;
    one.account.verify_person(&other.account.user()).await.expect("it can be asked");
    let room = one.account.conversation_with(&other.account.user()).expect("there is one of the two now");
    assert_ne!(room, group, "not the group");
    let path = format!("/_matrix/client/v3/rooms/{room}/state");
    let state = home.ask(&first, &path).await;
    let of = |kind: &str| state.as_array()?.iter().find(|event| event["type"] == kind).cloned();
    let create = of("m.room.create").expect("each room has one");
    assert_eq!(create["content"]["type"], "de.gematik.tim.roomtype.default.v1", "gemSpec_TI-M_Basis A_25814-01");
    assert_eq!(create["content"]["room_version"], "10", "A_26203");
    other.comes_to(&room).await;
    show_the_same(&one, &other).await;
}

async fn a_mismatch_trusts_nobody(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    one.account.verify_person(&other.account.user()).await.expect("it can be asked");
    let busy = one.account.verify_person(&other.account.user()).await;
    assert!(matches!(busy, Err(VerificationError::Busy)), "one at a time: {busy:?}");
    show_the_same(&one, &other).await;
    other.account.compare_verification(true).await.expect("one side sees the same");
    one.account.compare_verification(false).await.expect("the other one does not");
    comes_to(&one, &VerificationState::Ended(VerificationEnd::Mismatch)).await;
    comes_to(&other, &VerificationState::Ended(VerificationEnd::Mismatch)).await;
    let late = one.account.compare_verification(true).await;
    assert!(matches!(late, Err(VerificationError::TooLate)), "it is over: {late:?}");
    assert_eq!((mine.confirmed(), theirs.confirmed()), (Vec::new(), Vec::new()), "nobody is trusted");
    one.account.leave_verification().await;
    assert!(one.account.verification().borrow().is_none(), "what has ended is forgotten");
}

async fn who_refuses_is_heard_by_who_asked(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Pair { one, other, .. } = pair(home, "dr-falkenried", "dr-heidekorn").await;
    one.account.verify_person(&other.account.user()).await.expect("it can be asked");
    comes_to(&other, &VerificationState::Asked).await;
    other.account.leave_verification().await;
    comes_to(&one, &VerificationState::Ended(VerificationEnd::Refused)).await;
    one.account.verify_person(&other.account.user()).await.expect("it can be asked again");
    show_the_same(&one, &other).await;
}

async fn what_another_program_says_of_its_end_is_told_as_what_it_is(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let mine = one.opens(&room).await;
    let second = other.account.user();
    let name = second.trim_start_matches('@').split(':').next().expect("a name").to_owned();
    let token = home.token(&name).await;
    // The codes are the specification's (client-server API v1.11 §11.12.2.1, m.key.verification.cancel).
    for (code, end) in [
        ("m.timeout", VerificationEnd::Timeout),
        ("m.user", VerificationEnd::Refused),
        ("m.mismatched_sas", VerificationEnd::Mismatch),
        ("m.mismatched_commitment", VerificationEnd::Mismatch),
        ("m.key_mismatch", VerificationEnd::Mismatch),
        ("m.user_mismatch", VerificationEnd::Mismatch),
        ("m.accepted", VerificationEnd::Elsewhere),
        ("m.unknown_method", VerificationEnd::Failed),
        ("m.unexpected_message", VerificationEnd::Failed),
        ("org.example.tired", VerificationEnd::Failed),
    ] {
        one.account.verify_person(&second).await.expect("it can be asked");
        let question =
            reaches(&one, "the question", |told| (told.state == VerificationState::Waiting).then(|| told.id.clone()))
                .await;
        let content = json!({
            "code": code, "reason": code, "m.relates_to": { "rel_type": "m.reference", "event_id": question },
        });
        let path = format!("/_matrix/client/v3/rooms/{room}/send/m.key.verification.cancel/{}", uuid::Uuid::new_v4());
        let sent = plain().put(home.address(&path)).bearer_auth(&token).json(&content).send().await;
        assert!(sent.expect("it answers").status().is_success(), "another program may say so: {code}");
        comes_to(&one, &VerificationState::Ended(end)).await;
    }
    assert_eq!(mine.confirmed(), Vec::<String>::new(), "nobody is trusted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_in_which_nobody_says_anything_ends_after_a_minute() {
    let home = Home::sandbox().await.untouched().await.expect("a platform of its own");
    let Pair { one, other, room, .. } = pair(&home, "dr-falkenried", "dr-heidekorn").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    one.account.verify_person(&other.account.user()).await.expect("it can be asked");
    show_the_same(&one, &other).await;
    // Both hear from their homeserver all the time, which is when they look at their clocks.
    let talk = async {
        let mut calls = interval(Duration::from_secs(5));
        loop {
            calls.tick().await;
            theirs.send("noch da?", None).await.expect("it is taken");
        }
    };
    let ended = VerificationState::Ended(VerificationEnd::Timeout);
    tokio::select! {
        () = async { comes_to(&one, &ended).await; comes_to(&other, &ended).await } => {}
        () = talk => {}
    }
    let late = one.account.compare_verification(true).await;
    assert!(matches!(late, Err(VerificationError::TooLate)), "it is over: {late:?}");
    assert_eq!((mine.confirmed(), theirs.confirmed()), (Vec::new(), Vec::new()), "nobody is trusted");
}

/// Gives somebody a new identity, by the password as the homeserver asks it.
pub(super) async fn gets_a_new_identity(device: &Device) {
    let asked = device.account.reset_identity(None).await;
    let Err(ProofError::Needed(demand)) = asked else { panic!("who asks is to be proved: {asked:?}") };
    assert_eq!(demand.way, ProofWay::Password, "as these homeservers do");
    let wrong = Proof::Password { session: &demand.session, password: "wrong" };
    let refused = device.account.reset_identity(Some(wrong)).await;
    let Err(ProofError::Wrong(demand)) = refused else { panic!("a wrong password is called so: {refused:?}") };
    let right = Proof::Password { session: &demand.session, password: sandbox::PASSWORD };
    device.account.reset_identity(Some(right)).await.expect("the right one does it");
}

async fn a_new_identity_is_noticed_and_nothing_is_sent_until_the_person_has_decided(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    one.account.verify_person(&other.account.user()).await.expect("it can be asked");
    show_the_same(&one, &other).await;
    confirm(&one, &other).await;
    let second = other.account.user();
    one.eventually("that the other is confirmed", async || (mine.confirmed() == [second.clone()]).then_some(())).await;

    gets_a_new_identity(&other).await;
    let changed =
        one.eventually("that somebody has changed", async || mine.changed_identities().await.into_iter().next()).await;
    assert_eq!((changed.person.id, changed.was_confirmed), (second.clone(), true), "who, and that it was confirmed");
    assert_eq!(mine.confirmed(), Vec::<String>::new(), "the new identity is not");
    let refused = mine.send("geheim", None).await;
    assert!(matches!(refused, Err(ConversationError::IdentityChanged)), "nothing is sent: {refused:?}");

    mine.accept_identity(&second).await.expect("the person may decide so");
    one.eventually("that it is decided", async || mine.changed_identities().await.is_empty().then_some(())).await;
    mine.send("wieder", None).await.expect("it goes again");
    sees(&theirs, "the message", says("wieder")).await;
    let none = theirs.lines().iter().all(|line| !format!("{line:?}").contains("geheim"));
    assert!(none, "what was refused never came");
}

async fn a_changed_identity_that_was_never_confirmed_holds_messages_too(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let mine = one.opens(&room).await;
    mine.send("eins", None).await.expect("it is taken");
    let theirs = other.opens(&room).await;
    sees(&theirs, "the message", says("eins")).await;
    gets_a_new_identity(&other).await;
    let changed =
        one.eventually("that somebody has changed", async || mine.changed_identities().await.into_iter().next()).await;
    assert!(!changed.was_confirmed, "it was only known");
    // The question is still there after a restart.
    drop(mine);
    let one = one.restarted().await;
    let mine = one.opens(&room).await;
    let refused = mine.send("zwei", None).await;
    assert!(matches!(refused, Err(ConversationError::IdentityChanged)), "nothing is sent: {refused:?}");
}

async fn who_gives_up_a_new_identity_has_lost_nothing(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Pair { one, other, room, first } = pair(home, "dr-kranichbach", "ebbelund").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    theirs.send("vorher", None).await.expect("it is taken");
    sees(&mine, "the message", says("vorher")).await;
    let key = one.account.set_up_recovery().await.expect("it is the first");
    let new = home.device(&first).await;
    let asked = new.account.reset_identity(None).await;
    assert!(matches!(asked, Err(ProofError::Needed(_))), "who asks is to be proved: {asked:?}");
    new.account.recover(key.reveal()).await.expect("the key was found again, and is still good");
    sees(&new.opens(&room).await, "the past", says("vorher")).await;
    assert!(theirs.changed_identities().await.is_empty(), "nobody was told of a change");
}
