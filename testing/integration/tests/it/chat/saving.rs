//! Files of messages that the program saves: as they were sent, under a name that is free, or not at all.

use super::doors::{Talk, door, hears, page, talk, word};
use super::files::{Shelf, bytes, file};
use crate::bulk::Socket;
use contract::{FailureCode, FileHeard, FileSaid, Request};
use futures_util::{SinkExt as _, StreamExt as _};
use std::io::Write as _;
use std::time::Duration;
use testkit::{PATIENCE, SmallDisk};
use tokio::time::{interval, timeout};
use tokio_tungstenite::tungstenite::Message;

impl Talk {
    /// The other sends a file in parts of one MiB.
    async fn is_sent(&self, name: &str, content: &[u8]) {
        let theirs = self.other.opens(&self.room).await;
        let new = file(name, "application/zip", content.len() as u64);
        let mut outgoing = theirs.attach(new, super::files::SMALL_PARTS).await.expect("it is taken");
        outgoing.send(&mut Shelf::of(content)).await.expect("it goes");
    }

    /// The page has a file saved.
    async fn saves(&self, name: &str) -> Socket {
        let message = self.message_of(name).await;
        let save = Request::SaveAttachment { conversation: self.room.clone(), message };
        page(&door(self.desk.call(save).await)).await
    }

    /// Waits until nothing lies among the downloads: what was being written when it was stopped goes a moment later.
    async fn keeps_nothing(&self, why: &str) {
        let gone = timeout(PATIENCE, async {
            let mut look = interval(Duration::from_millis(20));
            while !self.downloads().is_empty() {
                look.tick().await;
            }
        });
        gone.await.unwrap_or_else(|_elapsed| panic!("{why}: {:?}", self.downloads()));
    }

    /// Names and lengths of what lies among the downloads.
    fn downloads(&self) -> Vec<(String, u64)> {
        let entries = std::fs::read_dir(self.folder.path().join("downloads")).into_iter().flatten().flatten();
        let seen = |entry: std::fs::DirEntry| {
            let length = entry.metadata().map(|found| found.len()).unwrap_or_default();
            (entry.file_name().to_string_lossy().into_owned(), length)
        };
        let mut all: Vec<_> = entries.map(seen).collect();
        all.sort();
        all
    }
}

/// Hears until all of a file is there; gives its first bytes.
async fn comes(socket: &mut Socket) -> Result<Vec<u8>, FileSaid> {
    loop {
        let message = hears(socket).await;
        if let Message::Binary(head) = &message {
            return Ok(head.to_vec());
        }
        match word(&message) {
            FileSaid::File { .. } | FileSaid::Moved { .. } => {}
            other @ (FileSaid::Read { .. }
            | FileSaid::Studies { .. }
            | FileSaid::Saved { .. }
            | FileSaid::Done { .. }
            | FileSaid::Failed { .. }) => return Err(other),
        }
    }
}

async fn keeps(socket: &mut Socket) -> FileSaid {
    let keep = serde_json::to_string(&FileHeard::Keep).expect("a word");
    socket.send(Message::Text(keep.into())).await.expect("the door is open");
    word(&hears(socket).await)
}

/// Closes the door and waits until the other side is gone.
async fn leaves(mut socket: Socket) {
    let _closed = socket.close(None).await;
    while let Some(Ok(_)) = socket.next().await {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_saved_lies_among_the_downloads_as_it_was_sent() {
    let talk = talk().await;
    let sent = bytes(3_000_007);
    talk.is_sent("CT.zip", &sent).await;
    for expected in ["CT.zip", "CT (1).zip"] {
        let mut socket = talk.saves("CT.zip").await;
        let head = comes(&mut socket).await.expect("it comes");
        assert_eq!(head, &sent[..64], "the page sees how it begins");
        let saved = keeps(&mut socket).await;
        assert_eq!(saved, FileSaid::Saved { name: expected.to_owned() }, "and hears its name");
        let lies = std::fs::read(talk.folder.path().join("downloads").join(expected)).expect("it is there");
        assert!(lies == sent, "as it was sent");
    }
    let all = [("CT (1).zip".to_owned(), 3_000_007), ("CT.zip".to_owned(), 3_000_007)];
    assert_eq!(talk.downloads(), all, "and nothing else lies there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_wanted_or_not_right_leaves_nothing_behind() {
    let talk = talk().await;
    let sent = bytes(3_000_007);
    talk.is_sent("CT.zip", &sent).await;
    let mut socket = talk.saves("CT.zip").await;
    comes(&mut socket).await.expect("it comes");
    let [(half, _)] = talk.downloads().try_into().expect("one file lies there");
    assert!(half.starts_with('.') && half.ends_with(".konsil-part"), "under no name that anybody opens: {half}");
    leaves(socket).await;
    talk.keeps_nothing("it was not kept").await;

    let mut socket = talk.saves("CT.zip").await;
    let first = word(&hears(&mut socket).await);
    assert!(matches!(first, FileSaid::File { size: Some(3_000_007), .. }), "what comes is said first");
    leaves(socket).await;
    talk.keeps_nothing("it was stopped").await;

    let mut socket = talk.saves("CT.zip").await;
    comes(&mut socket).await.expect("it comes");
    super::doors::done(&talk.desk, Request::Lock).await;
    let FileSaid::Failed { failure } = keeps(&mut socket).await else { panic!("it ends") };
    assert_eq!(failure.code, FailureCode::Locked, "nothing is saved behind a lock");
    leaves(socket).await;
    talk.keeps_nothing("nor left there").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_runs_full_is_said_and_keeps_no_half_file() {
    let talk = talk().await;
    let sent = bytes(3_000_007);
    talk.is_sent("CT.zip", &sent).await;
    let Some(_disk) = SmallDisk::mount(&talk.folder.path().join("downloads"), 2 * 1024) else {
        let _unheard = writeln!(std::io::stderr(), "SKIPPED a full disk: this process may not mount a file system");
        return;
    };
    let mut socket = talk.saves("CT.zip").await;
    let Err(FileSaid::Failed { failure }) = comes(&mut socket).await else { panic!("it ends") };
    assert_eq!(failure.code, FailureCode::DiskFull, "and says why");
    leaves(socket).await;
    talk.keeps_nothing("nothing is left there").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_cannot_be_written_is_said() {
    let talk = talk().await;
    talk.is_sent("CT.zip", &bytes(5_000)).await;
    // In the place of the folder.
    std::fs::write(talk.folder.path().join("downloads"), "a file").expect("written");
    let mut socket = talk.saves("CT.zip").await;
    let Err(FileSaid::Failed { failure }) = comes(&mut socket).await else { panic!("it ends") };
    assert_eq!(failure.code, FailureCode::FileNotSaved, "and the page has words for it");
}
