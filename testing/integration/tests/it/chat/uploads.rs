//! Files that go on after the program has ended: what is done is not sent again, and the message is sent once.

use super::files::{MIB, SMALL_PARTS, Shelf, Trouble, bytes, fetched, file, hash, sees_file};
use super::{Device, Home, Pair, pair, reads, says, sees};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tim::{Body, Conversation, Entries, Interrupted, Line, UploadJournal, UploadJournalError};
use zeroize::Zeroizing;

on_each_homeserver! {
    an_upload_that_the_end_of_the_program_broke_off_goes_on_after_the_last_whole_part,
    a_message_that_was_handed_over_before_the_end_of_the_program_is_sent_once,
    a_message_that_was_not_handed_over_before_the_end_of_the_program_is_sent_once,
    a_file_that_was_given_up_does_not_come_back_with_the_next_start,
    an_entry_that_cannot_be_read_keeps_no_other_file_away,
    a_part_counts_as_done_only_when_it_is_written_down,
}

/// Keeps entries as a vault would, and fails where it is told to.
#[derive(Default)]
pub(crate) struct Journal {
    entries: Mutex<BTreeMap<String, Vec<u8>>>,
    fault: Mutex<Fault>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    /// Nothing is removed: the program ended before.
    Keeps,
    /// There is no space for so many bytes.
    Full(usize),
}

impl Journal {
    fn entries(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self) -> std::sync::MutexGuard<'_, Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UploadJournal for Journal {
    fn write(&self, id: &str, entry: &[u8]) -> Result<(), UploadJournalError> {
        if let Fault::Full(most) = *self.fault()
            && entry.len() > most
        {
            return Err(UploadJournalError::DiskFull);
        }
        self.entries().insert(id.to_owned(), entry.to_vec());
        Ok(())
    }

    fn remove(&self, id: &str) -> Result<(), UploadJournalError> {
        if *self.fault() != Fault::Keeps {
            self.entries().remove(id);
        }
        Ok(())
    }

    fn read(&self) -> Result<Entries, UploadJournalError> {
        let entries = self.entries();
        let sound = entries.iter().map(|(id, entry)| (id.clone(), Zeroizing::new(entry.clone()))).collect();
        Ok(Entries { sound, damaged: 0 })
    }
}

/// The only file that a start has found.
fn only(device: &Device) -> Interrupted {
    let [file] = device.account.interruptions().files.as_slice() else { panic!("one file was broken off") };
    file.clone()
}

/// Sends the only file that a start has found.
async fn goes_on(mine: &Conversation, device: &Device, shelf: &mut Shelf) {
    let mut outgoing = mine.take_up(&only(device)).await.expect("it may go on");
    outgoing.send(shelf).await.expect("it goes");
}

/// So many files stand in a conversation once something that was sent after them has come.
async fn has_files(mine: &Conversation, theirs: &Conversation, count: usize, what: &str) {
    mine.send("danach", None).await.expect("it is taken");
    sees(theirs, "the message after it", says("danach")).await;
    let is_file = |line: &Line| match line {
        Line::Message(message) => matches!(message.body, Body::File { .. }),
        Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => false,
    };
    reads(theirs, what, |lines| lines.iter().filter(|line| is_file(line)).count() == count).await;
}

async fn an_upload_that_the_end_of_the_program_broke_off_goes_on_after_the_last_whole_part(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-rosenpfad").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let length = 3 * MIB + 5;
    let sent = bytes(length);
    let new = tim::NewFile { modified: Some(1_700_000_000_000), ..file("CT.zip", "application/zip", length) };
    let mut outgoing = mine.attach(new, SMALL_PARTS).await.expect("it is taken");
    let cut = 2 * MIB + 400_000;
    let mut shelf = Shelf::of(&sent).with(cut, Trouble::StandsStill);
    let mut progress = outgoing.progress();
    tokio::select! {
        done = outgoing.send(&mut shelf) => panic!("it stands still: {done:?}"),
        seen = progress.wait_for(|progress| progress.moved == cut) => drop(seen.expect("it lives")),
    }
    drop((outgoing, mine));
    let one = one.restarted().await;

    let found = only(&one);
    assert_eq!((found.name(), found.size(), found.done()), ("CT.zip", length, 2 * MIB), "two parts are done");
    assert_eq!((found.conversation(), found.modified()), (room.as_str(), Some(1_700_000_000_000)), "what it was");
    let mine = one.opens(&room).await;
    let mut shelf = Shelf::of(&sent);
    goes_on(&mine, &one, &mut shelf).await;
    assert_eq!(shelf.read(), [2 * MIB, 3 * MIB], "whole parts were not read again");
    let message = sees_file(&theirs, "CT.zip").await;
    let arrived = fetched(&theirs, &message.id).await.expect("it comes");
    assert_eq!(hash(&arrived), hash(&sent), "the bytes are those that were sent");
    assert!(one.journal().entries().is_empty(), "nothing of it is kept any more");
}

async fn a_message_that_was_handed_over_before_the_end_of_the_program_is_sent_once(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-lerchenhain").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let sent = bytes(2 * MIB + 5);
    let mut outgoing =
        mine.attach(file("CT.zip", "application/zip", 2 * MIB + 5), SMALL_PARTS).await.expect("it is taken");
    *one.journal().fault() = Fault::Keeps;
    outgoing.send(&mut Shelf::of(&sent)).await.expect("it goes");
    // Its own queue knows that it went.
    sees_file(&mine, "CT.zip").await;
    drop((outgoing, mine));
    let one = one.restarted().await;

    let mine = one.opens(&room).await;
    let mut shelf = Shelf::of(&sent);
    goes_on(&mine, &one, &mut shelf).await;
    assert_eq!(shelf.read(), [0_u64; 0], "nothing of it is read");
    has_files(&mine, &theirs, 1, "one message and no second one").await;

    // The queue of the run that ended has it, or has sent it meanwhile.
    let new = file("MRT.zip", "application/zip", 2 * MIB + 5);
    let mut outgoing = mine.attach(new, SMALL_PARTS).await.expect("it is taken");
    outgoing.send(&mut Shelf::of(&sent)).await.expect("it goes");
    drop((outgoing, mine));
    let one = one.restarted().await;
    let mine = one.opens(&room).await;
    for file in &one.account.interruptions().files {
        let mut outgoing = mine.take_up(file).await.expect("it may go on");
        outgoing.send(&mut Shelf::of(&sent)).await.expect("it goes");
    }
    sees_file(&theirs, "MRT.zip").await;
    has_files(&mine, &theirs, 2, "one message of each").await;
}

async fn a_message_that_was_not_handed_over_before_the_end_of_the_program_is_sent_once(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-ahlefels").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let sent = bytes(2 * MIB + 5);
    let mut outgoing =
        mine.attach(file("CT.zip", "application/zip", 2 * MIB + 5), SMALL_PARTS).await.expect("it is taken");
    *one.journal().fault() = Fault::Keeps;
    outgoing.send(&mut Shelf::of(&sent)).await.expect("it goes");
    // Its own queue knows that it went.
    sees_file(&mine, "CT.zip").await;
    // An entry that says "handed over" about a message that nobody has.
    let changed: BTreeMap<String, Vec<u8>> = one
        .journal()
        .entries()
        .iter()
        .map(|(id, entry)| {
            let mut entry: serde_json::Value = serde_json::from_slice(entry).expect("JSON");
            assert!(entry["handed"].is_i64(), "it was handed over");
            for part in entry["done"].as_array_mut().expect("its parts") {
                part["url"] = format!("{}x", part["url"].as_str().expect("an address")).into();
            }
            (id.clone(), serde_json::to_vec(&entry).expect("JSON"))
        })
        .collect();
    *one.journal().entries() = changed;
    drop((outgoing, mine));
    let one = one.restarted().await;
    let mine = one.opens(&room).await;
    *one.journal().fault() = Fault::None;
    goes_on(&mine, &one, &mut Shelf::of(&sent)).await;
    has_files(&mine, &theirs, 2, "the message that nobody had, too").await;
    assert!(one.journal().entries().is_empty(), "nothing of it is kept any more");
}

async fn a_file_that_was_given_up_does_not_come_back_with_the_next_start(home: &Home) {
    let Pair { one, other: _other, room, .. } = pair(home, "dr-falkenried", "prof-sturmwald").await;
    let mine = one.opens(&room).await;
    let outgoing = mine.attach(file("CT.zip", "application/zip", 70_000), SMALL_PARTS).await.expect("it is taken");
    assert_eq!(one.journal().entries().len(), 1, "it is written down before anything of it leaves");
    let readable = one.journal().entries().values().any(|entry| String::from_utf8_lossy(entry).contains("CT.zip"));
    assert!(readable, "what is written down is sealed by the journal and by nobody else");
    outgoing.note().strike().await.expect("it is given up");
    drop((outgoing, mine));
    let one = one.restarted().await;
    assert!(one.account.interruptions().files.is_empty(), "nothing is offered");
}

async fn an_entry_that_cannot_be_read_keeps_no_other_file_away(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "pd-brunnengold").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let sent = bytes(70_000);
    let outgoing = mine.attach(file("befund.pdf", "application/pdf", 70_000), SMALL_PARTS).await.expect("it is taken");
    one.journal().entries().insert("half".to_owned(), b"{\"v\":1,\"room\"".to_vec());
    one.journal().entries().insert("newer".to_owned(), b"{\"v\":2}".to_vec());
    drop((outgoing, mine));
    let one = one.restarted().await;
    assert_eq!(one.account.interruptions().unreadable, 2, "both are counted");
    let mine = one.opens(&room).await;
    goes_on(&mine, &one, &mut Shelf::of(&sent)).await;
    let message = sees_file(&theirs, "befund.pdf").await;
    let arrived = fetched(&theirs, &message.id).await.expect("it comes");
    assert_eq!(hash(&arrived), hash(&sent), "the bytes are those that were sent");
}

async fn a_part_counts_as_done_only_when_it_is_written_down(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-kieselhof").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let length = 2 * MIB + 5;
    let sent = bytes(length);
    let mut outgoing = mine.attach(file("CT.zip", "application/zip", length), SMALL_PARTS).await.expect("it is taken");
    let first = one.journal().entries().values().map(Vec::len).max().expect("an entry");
    *one.journal().fault() = Fault::Full(first);
    let mut shelf = Shelf::of(&sent);
    let refused = outgoing.send(&mut shelf).await;
    assert!(matches!(refused, Err(tim::FileError::DiskFull)), "it says so: {refused:?}");
    *one.journal().fault() = Fault::None;
    outgoing.send(&mut shelf).await.expect("it goes on once there is room");
    assert_eq!(shelf.read(), [0, 0, MIB, 2 * MIB], "the part that was not written down was sent again");
    let message = sees_file(&theirs, "CT.zip").await;
    let arrived = fetched(&theirs, &message.id).await.expect("it comes");
    assert_eq!(hash(&arrived), hash(&sent), "the bytes are those that were sent");
}
