//! The store of chat on a disk that is full, and on one that has damaged it.

use super::{Device, Home, Pair, Shelf, count, options, pair, says, sees};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use testkit::{PATIENCE, Platform, SmallDisk};
use tim::{
    Account, AccountError, Body, ConversationError, Earlier, Line, MessageId, NewConversation, Sending, SyncState,
};
use tokio::time::{interval, timeout};

/// Texts that a full disk takes at most, of some 25 kB each: room that the store has already.
const MOST: usize = 400;

async fn home() -> (Platform, Home) {
    let platform = Platform::start(sandbox::Options::default()).await.expect("a platform starts");
    let home = Home::at(&platform).await;
    (platform, home)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_takes_no_message_that_it_could_lose_and_a_start_with_room_goes_on() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let Some(disk) = SmallDisk::mount(&place.path().join("disk"), 64 * 1024) else {
        let _unheard = writeln!(std::io::stderr(), "SKIPPED a full disk: this process may not mount a file system");
        return;
    };
    let (_platform, home) = home().await;
    let (shelf, folder) = (Arc::<Shelf>::default(), tempfile::tempdir_in(&disk.folder).expect("a folder on it"));
    let one = Device { account: home.signs_in(&folder, &shelf, "dr-falkenried").await, folder, shelf };
    one.ready().await;
    let other = home.device("dr-sonnkaya").await;
    let direct = home.id("dr-sonnkaya");
    let room = one.account.begin(NewConversation::Direct(&direct)).await.expect("it may be begun");
    other.comes_to(&room).await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    mine.send("vorher", None).await.expect("it is taken");
    sees(&theirs, "the message", says("vorher")).await;

    disk.fill().expect("the disk takes what it can");
    let mut taken = Vec::new();
    let refused = loop {
        let text = format!("{} {}", taken.len(), "wichtig ".repeat(3_000));
        match mine.send(text.trim(), None).await {
            Ok(()) => taken.push(text.trim().to_owned()),
            Err(error) => break error,
        }
        assert!(taken.len() < MOST, "a full disk takes no {MOST} long texts");
    };
    assert!(matches!(refused, ConversationError::DiskFull), "it says why: {refused:?}");
    let mut calls = interval(Duration::from_millis(500));
    let mut state = one.account.state();
    let full = timeout(PATIENCE, async {
        // What there is room for in the store is taken still.
        while *state.borrow_and_update() != SyncState::DiskFull {
            theirs.send(&"Ruf ".repeat(6_000), None).await.expect("the other's disk has room");
            calls.tick().await;
        }
    });
    full.await.expect("it says that it cannot keep what comes");
    sees(&mine, "what was there", says("vorher")).await;

    theirs.send("jetzt?", None).await.expect("it is taken");
    disk.make_room().expect("the filler is ours");
    drop(mine);
    let one = one.restarted().await;
    one.ready().await;
    let mine = one.opens(&room).await;
    sees(&mine, "what came meanwhile", says("jetzt?")).await;
    let arrived = timeout(PATIENCE, async {
        let mut look = interval(Duration::from_millis(200));
        loop {
            look.tick().await;
            // An answer of a homeserver has ten lines of a conversation: what lies before them is asked for.
            if matches!(theirs.earlier(), Earlier::More | Earlier::Failed) {
                theirs.load_earlier();
            }
            for message in failed(&mine) {
                // It may have gone meanwhile.
                let _again = mine.retry(&message).await;
            }
            let lines = theirs.lines();
            if taken.iter().all(|text| count(&lines, text) > 0) {
                return taken.iter().map(|text| count(&lines, text)).max();
            }
        }
    });
    let most = arrived.await.expect("what was taken arrives");
    assert!(most.is_none_or(|most| most == 1), "each of it once: {most:?}");
    mine.send("nachher", None).await.expect("there is room");
    sees(&theirs, "the next", says("nachher")).await;
}

fn failed(conversation: &tim::Conversation) -> Vec<MessageId> {
    let failed = conversation.lines().into_iter().filter_map(|line| match line {
        Line::Message(message) if matches!(message.sending, Sending::Failed(_)) => Some(message.id),
        Line::Message(_) | Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => None,
    });
    failed.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_is_kept_aside_and_the_backup_gives_back_what_it_could_read() {
    let (_platform, home) = home().await;
    let Pair { one, other, room, first } = pair(&home, "dr-falkenried", "dr-sonnkaya").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    theirs.send("vorher", None).await.expect("it is taken");
    sees(&mine, "the message", says("vorher")).await;
    let key = one.account.set_up_recovery().await.expect("it is the first");
    let kept =
        async || home.ask(&first, "/_matrix/client/v3/room_keys/version").await["count"].as_u64().filter(|n| *n > 0);
    one.eventually("that the key of the message is in the backup", kept).await;

    drop(mine);
    let Device { account, folder, shelf } = one;
    drop(account);
    let chat = folder.path().join("chat");
    for file in ["matrix-sdk-crypto.sqlite3-wal", "matrix-sdk-crypto.sqlite3-shm"] {
        // There may be none.
        let _gone = std::fs::remove_file(chat.join(file));
    }
    std::fs::write(chat.join("matrix-sdk-crypto.sqlite3"), [0x55; 4096]).expect("it can be written");
    let refused = Account::restore(options(&folder, &shelf), &shelf.kept()).await;
    assert!(matches!(refused, Err(AccountError::Store(_))), "it is said: {refused:?}");

    let one = Device { account: home.signs_in(&folder, &shelf, &first).await, folder, shelf };
    one.ready().await;
    let aside = one.folder().with_file_name("chat-aside-1").join("matrix-sdk-crypto.sqlite3");
    assert!(aside.is_file(), "the damaged store is kept");
    let mine = one.opens(&room).await;
    sees(&mine, "a message without its key", |m| matches!(m.body, Body::Undecryptable(_))).await;
    one.account.recover(key.reveal()).await.expect("the key is the right one");
    sees(&mine, "what the damaged store could read", says("vorher")).await;
}
