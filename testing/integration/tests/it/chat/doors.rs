//! Files as the page sends and gets them: by requests, and by the door on the loopback address.

use super::Home;
use super::files::{Basket, Shelf, bytes, file};
use crate::bulk::{Socket, knock};
use crate::{MODERATOR, at_work_on, code, opened};
use contract::{
    ChatView, ConversationMembership, FailureCode, FileDoorView, FileHeard, FileSaid, LineView, MessageBodyView,
    OutgoingStateView, Reply, Request,
};
use futures_util::{SinkExt as _, StreamExt as _};
use sandbox::Options;
use tempfile::TempDir;
use testkit::{DeskKit, DeskPlace, PATIENCE, Platform, find_in_files};
use tim::{Body, Conversation, NewConversation, Splitting};
use tokio_tungstenite::tungstenite::Message;

/// When the page's files were last changed.
const CHANGED: i64 = 1_700_000_000_000;

/// A desk and, at another program, the person that it is in conversation with.
pub(super) struct Talk {
    pub(super) platform: Platform,
    pub(super) folder: TempDir,
    pub(super) desk: DeskKit,
    pub(super) room: String,
    pub(super) other: super::Device,
}

pub(super) async fn talk() -> Talk {
    talk_on(Platform::start(Options::default()).await.expect("it starts")).await
}

pub(super) async fn talk_on(platform: Platform) -> Talk {
    let home = Home::at(&platform).await;
    let (folder, desk) = at_work_on(&platform, MODERATOR).await;
    let other = home.device("dr-sonnkaya").await;
    let room = other.account.begin(NewConversation::Direct(&home.id(MODERATOR))).await.expect("it may be begun");
    let invited = |view: &ChatView| {
        let asked = |membership: &ConversationMembership| matches!(membership, ConversationMembership::Invited { .. });
        view.conversations.iter().any(|row| row.id == room && asked(&row.membership)).then_some(())
    };
    desk.eventually("the invitation", |seen| seen.chat.as_ref().and_then(invited)).await;
    done(&desk, Request::JoinConversation { conversation: room.clone() }).await;
    let joined = |view: &ChatView| {
        view.conversations
            .iter()
            .any(|row| row.id == room && row.membership == ConversationMembership::Joined)
            .then_some(())
    };
    desk.eventually("the conversation", |seen| seen.chat.as_ref().and_then(joined)).await;
    let opened = desk.call(Request::OpenConversation { conversation: room.clone() }).await;
    assert!(matches!(opened, Ok(Reply::Conversation(_))), "it opens");
    Talk { platform, folder, desk, room, other }
}

impl Talk {
    /// Begins a file and gives its door.
    async fn begins(&self, name: &str, size: u64) -> FileDoorView {
        let begin = Request::BeginAttachment {
            conversation: self.room.clone(),
            name: name.to_owned(),
            size,
            modified: Some(CHANGED),
            mimetype: Some("application/pdf".to_owned()),
            width: None,
            height: None,
        };
        door(self.desk.call(begin).await)
    }

    /// The line of a file.
    pub(super) async fn message_of(&self, name: &str) -> String {
        self.desk.eventually(name, |seen| file_line(seen.conversation.as_ref()?, name)).await
    }

    /// Asks for the file of a line.
    async fn asks_for(&self, name: &str) -> FileDoorView {
        let message = self.message_of(name).await;
        door(self.desk.call(Request::OpenAttachment { conversation: self.room.clone(), message }).await)
    }
}

fn file_line(view: &contract::ConversationView, wanted: &str) -> Option<String> {
    view.lines.iter().find_map(|line| match line {
        LineView::Message(message) => match &message.body {
            MessageBodyView::File { name, .. } if name == wanted && message.event.is_some() => Some(message.id.clone()),
            MessageBodyView::File { .. }
            | MessageBodyView::Text { .. }
            | MessageBodyView::Emote { .. }
            | MessageBodyView::Form { .. }
            | MessageBodyView::Redacted { .. }
            | MessageBodyView::Undecryptable { .. }
            | MessageBodyView::Repeated
            | MessageBodyView::Unsupported { .. } => None,
        },
        LineView::Day { .. } | LineView::Unread { .. } | LineView::Notice { .. } => None,
    })
}

pub(super) fn door(answer: Result<Reply, contract::Failure>) -> FileDoorView {
    match answer {
        Ok(Reply::FileDoor(door)) => door,
        other => panic!("a door: {other:?}"),
    }
}

pub(super) async fn done(desk: &DeskKit, request: Request) {
    let answer = desk.call(request).await;
    assert!(matches!(answer, Ok(Reply::Done)), "it is done: {answer:?}");
}

pub(super) async fn page(door: &FileDoorView) -> Socket {
    knock(&door.socket, Some(DeskKit::ORIGIN), None).await.expect("the page gets through")
}

pub(super) async fn hears(socket: &mut Socket) -> Message {
    let next = tokio::time::timeout(PATIENCE, socket.next()).await.expect("it is said in time");
    next.expect("the door is open").expect("it can be heard")
}

pub(super) fn word(message: &Message) -> FileSaid {
    serde_json::from_str(message.to_text().expect("a word")).expect("a known word")
}

pub(super) async fn give(socket: &mut Socket, file: &[u8], offset: u64, length: u64) {
    assert!(length <= 256 * 1024, "no more than a piece: {length}");
    let from = usize::try_from(offset).expect("a small file");
    let to = from + usize::try_from(length).expect("a piece");
    let piece = [&offset.to_le_bytes()[..], &file[from..to]].concat();
    socket.send(Message::Binary(piece.into())).await.expect("the door is open");
}

/// Gives a file as it is asked for; with `until`, the page goes away when it was asked for more than that.
pub(super) async fn gives(mut socket: Socket, file: &[u8], until: u64) -> Option<FileSaid> {
    loop {
        match word(&hears(&mut socket).await) {
            FileSaid::Read { offset, .. } if offset >= until => return None,
            FileSaid::Read { offset, length } => give(&mut socket, file, offset, length).await,
            FileSaid::File { .. } | FileSaid::Studies { .. } | FileSaid::Moved { .. } | FileSaid::Saved { .. } => {
                panic!("it is being sent")
            }
            last @ (FileSaid::Done { .. } | FileSaid::Failed { .. }) => return Some(last),
        }
    }
}

/// Takes a file with a credit of `credit` bytes at a time.
pub(super) async fn takes(mut socket: Socket, credit: u64) -> (Vec<u8>, FileSaid) {
    let FileSaid::File { size, .. } = word(&hears(&mut socket).await) else { panic!("what comes is said first") };
    assert!(size.is_some(), "and how much it is");
    let (mut file, mut left) = (Vec::new(), 0);
    loop {
        if left < 256 * 1024 {
            let word = serde_json::to_string(&FileHeard::Credit { bytes: credit }).expect("a word");
            socket.send(Message::Text(word.into())).await.expect("the door is open");
            left += credit;
        }
        let message = hears(&mut socket).await;
        let Message::Binary(piece) = &message else { return (file, word(&message)) };
        left = left.checked_sub(piece.len() as u64).expect("never more than the credit");
        file.extend_from_slice(piece);
    }
}

async fn fetched(conversation: &Conversation, wanted: &str) -> Vec<u8> {
    let is = |message: &tim::Message| matches!(&message.body, Body::File { name, .. } if name == wanted);
    let message = super::sees(conversation, wanted, is).await;
    let mut basket = Basket::default();
    conversation.file(&message.id).expect("it has one").fetch(&mut basket).await.expect("it comes");
    basket.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_goes_out_and_comes_in_by_the_door_and_is_nowhere_on_the_disk() {
    let talk = talk().await;
    let theirs = talk.other.opens(&talk.room).await;
    let sent = "Adenokarzinom des Rektums. ".repeat(60_000).into_bytes();
    let size = sent.len() as u64;
    let door = talk.begins("../Befund.pdf", size).await;
    let begun = talk
        .desk
        .eventually("the file in the conversation", |seen| seen.conversation.as_ref()?.outgoing.first().cloned());
    let begun = begun.await;
    assert_eq!((begun.name.as_str(), begun.size), ("Befund.pdf", size), "its name without a path, and its size");
    assert_eq!(Some(&begun.id), door.attachment.as_ref(), "by the id of the answer");
    let last = gives(page(&door).await, &sent, u64::MAX).await;
    assert_eq!(last, Some(FileSaid::Done { size }), "all of it went");
    talk.desk
        .eventually("the message in its place", |seen| {
            let view = seen.conversation.as_ref()?;
            file_line(view, "Befund.pdf").filter(|_| view.outgoing.is_empty())
        })
        .await;
    assert!(fetched(&theirs, "Befund.pdf").await == sent, "the other has what the page gave");

    let reply = "Kein Anhalt für Lebermetastasen. ".repeat(50_000).into_bytes();
    let new = file("Leber.pdf", "application/pdf", reply.len() as u64);
    let mut outgoing = theirs.attach(new, Splitting::default()).await.expect("it is taken");
    outgoing.send(&mut Shelf::of(&reply)).await.expect("it goes");
    let door = talk.asks_for("Leber.pdf").await;
    assert_eq!(door.attachment, None, "nothing is sent");
    let (came, last) = takes(page(&door).await, 300_000).await;
    assert!(came == reply, "the page has what the other sent");
    assert_eq!(last, FileSaid::Done { size: reply.len() as u64 }, "and knows that it is whole");

    drop(talk.desk);
    let needles = ["Adenokarzinom".to_owned(), "Lebermetastasen".to_owned()];
    let found = find_in_files(&talk.folder.path().join("profile"), &needles).expect("the profile can be read");
    assert_eq!(found, None, "nothing of them lies readable on the disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_paused_or_stopped_goes_on_or_is_given_up() {
    let talk = talk().await;
    let sent = bytes(3_000_000);
    let door = talk.begins("Befund.pdf", 3_000_000).await;
    let id = door.attachment.clone().expect("it is sent");
    let state = |seen: &testkit::Seen| Some(seen.conversation.as_ref()?.outgoing.first()?.state.clone());
    let mut socket = page(&door).await;
    let FileSaid::Read { offset: 0, length } = word(&hears(&mut socket).await) else { panic!("from the beginning") };
    give(&mut socket, &sent, 0, length).await;
    talk.desk
        .eventually("that it is on its way", |seen| {
            matches!(state(seen)?, OutgoingStateView::Sending { .. }).then_some(())
        })
        .await;
    let gone = gives(socket, &sent, 1_500_000).await;
    assert_eq!(gone, None, "the page went away in the middle");
    talk.desk.eventually("the pause", |seen| matches!(state(seen)?, OutgoingStateView::Waiting).then_some(())).await;
    let resume = Request::ResumeAttachment { conversation: talk.room.clone(), attachment: id.clone() };
    let mut socket = page(&door_of(&talk, resume.clone()).await).await;
    assert!(matches!(word(&hears(&mut socket).await), FileSaid::Read { .. }), "it asks again");
    let unreadable = serde_json::to_string(&FileHeard::Unreadable).expect("a word");
    socket.send(Message::Text(unreadable.into())).await.expect("the door is open");
    let failed = talk.desk.eventually("the failure", |seen| match state(seen)? {
        OutgoingStateView::Failed { failure } => Some(failure.code),
        OutgoingStateView::Waiting
        | OutgoingStateView::Gathering { .. }
        | OutgoingStateView::Interrupted { .. }
        | OutgoingStateView::Sending { .. } => None,
    });
    assert_eq!(failed.await, FailureCode::FileUnreadable, "the line says why");

    let again = door_of(&talk, resume).await;
    let last = gives(page(&again).await, &sent, u64::MAX).await;
    assert_eq!(last, Some(FileSaid::Done { size: 3_000_000 }), "it went on");
    let theirs = talk.other.opens(&talk.room).await;
    assert!(fetched(&theirs, "Befund.pdf").await == sent, "the other has all of it, once");

    let door = talk.begins("Doch nicht.pdf", 3_000_000).await;
    let id = door.attachment.clone().expect("it is sent");
    let mut socket = page(&door).await;
    assert!(matches!(word(&hears(&mut socket).await), FileSaid::Read { offset: 0, .. }), "it asks for the beginning");
    done(&talk.desk, Request::CancelAttachment { conversation: talk.room.clone(), attachment: id }).await;
    talk.desk
        .eventually("no file any more", |seen| seen.conversation.as_ref()?.outgoing.is_empty().then_some(()))
        .await;
    let view = talk.desk.seen().conversation.expect("it is open");
    assert_eq!(file_line(&view, "Doch nicht.pdf"), None, "nothing of it was sent");
}

/// The program ends in the middle of a file and begins again.
async fn ends_in(talk: Talk, name: &str, sent: &[u8]) -> (Talk, String) {
    let door = talk.begins(name, sent.len() as u64).await;
    let gone = gives(page(&door).await, sent, 40 * 1024 * 1024).await;
    assert_eq!(gone, None, "the page went away in the second part");
    let Talk { platform, folder, desk, room, other } = talk;
    desk.kill().await.expect("it ends");
    let place = DeskPlace::under(env!("CARGO_BIN_EXE_konsil-test"), folder.path());
    let desk = opened(&place, MODERATOR).await;
    let joined = |view: &ChatView| view.conversations.iter().any(|row| row.id == room).then_some(());
    desk.eventually("the conversation", |seen| seen.chat.as_ref().and_then(joined)).await;
    let open = desk.call(Request::OpenConversation { conversation: room.clone() }).await;
    let Ok(Reply::Conversation(view)) = open else { panic!("it opens: {:?}", code(&open)) };
    let [broken_off] = view.outgoing.as_slice() else { panic!("one file was broken off") };
    let sent = OutgoingStateView::Interrupted { sent: 32 * 1024 * 1024 };
    assert_eq!((broken_off.name.as_str(), &broken_off.state), (name, &sent), "one part is there");
    let id = broken_off.id.clone();
    (Talk { platform, folder, desk, room, other }, id)
}

impl Talk {
    async fn takes_up(&self, id: &str, size: u64, modified: i64) -> FileDoorView {
        let take_up = Request::TakeUpAttachment {
            conversation: self.room.clone(),
            attachment: id.to_owned(),
            name: "CT.zip".to_owned(),
            size,
            modified: Some(modified),
            mimetype: Some("application/zip".to_owned()),
        };
        door(self.desk.call(take_up).await)
    }

    /// The offset at which the page is asked first.
    async fn sends(&self, door: &FileDoorView, sent: &[u8]) -> u64 {
        let mut socket = page(door).await;
        let FileSaid::Read { offset, length } = word(&hears(&mut socket).await) else { panic!("it asks") };
        give(&mut socket, sent, offset, length).await;
        let last = gives(socket, sent, u64::MAX).await;
        assert_eq!(last, Some(FileSaid::Done { size: sent.len() as u64 }), "all of it is there");
        offset
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_chosen_again_after_a_restart_goes_on_after_the_last_whole_part() {
    // More than 64 MiB go in parts of 32.
    let sent = bytes(66 * 1024 * 1024);
    let (talk, id) = ends_in(talk().await, "CT.zip", &sent).await;
    let door = talk.takes_up(&id, sent.len() as u64, CHANGED).await;
    assert_eq!(talk.sends(&door, &sent).await, 32 * 1024 * 1024, "the part that is done is not asked for");
    let theirs = talk.other.opens(&talk.room).await;
    assert!(fetched(&theirs, "CT.zip").await == sent, "the other has what the page gave");

    let (talk, id) = ends_in(talk, "MRT.zip", &sent).await;
    done(&talk.desk, Request::CancelAttachment { conversation: talk.room.clone(), attachment: id }).await;
    let view = talk.desk.eventually("no file any more", |seen| {
        let view = seen.conversation.as_ref()?;
        view.outgoing.is_empty().then(|| view.clone())
    });
    assert_eq!(file_line(&view.await, "MRT.zip"), None, "what was given up is not sent");
    drop(talk.desk);
    let needles = ["CT.zip".to_owned(), "MRT.zip".to_owned()];
    let found = find_in_files(&talk.folder.path().join("profile"), &needles).expect("the profile can be read");
    assert_eq!(found, None, "not even a name lies readable on the disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_has_changed_since_is_begun_anew_and_says_so() {
    let sent = bytes(66 * 1024 * 1024);
    let (talk, id) = ends_in(talk().await, "CT.zip", &sent).await;
    let changed = bytes(66 * 1024 * 1024 - 1);
    let door = talk.takes_up(&id, changed.len() as u64, CHANGED + 1).await;
    let anew = talk.desk.eventually("that it begins anew", |seen| {
        let file = seen.conversation.as_ref()?.outgoing.first()?;
        file.anew.then(|| (file.id.clone(), file.size))
    });
    assert_eq!(anew.await, (id, changed.len() as u64), "the line says so");
    assert_eq!(talk.sends(&door, &changed).await, 0, "from its first byte");
    let theirs = talk.other.opens(&talk.room).await;
    assert!(fetched(&theirs, "CT.zip").await == changed, "the other has the file as it is");
}

async fn door_of(talk: &Talk, request: Request) -> FileDoorView {
    door(talk.desk.call(request).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_page_opens_the_door_of_a_file_once_and_nothing_comes_behind_a_lock() {
    let talk = talk().await;
    let theirs = talk.other.opens(&talk.room).await;
    let mut outgoing =
        theirs.attach(file("Leber.pdf", "application/pdf", 5_000), Splitting::default()).await.expect("it is taken");
    outgoing.send(&mut Shelf::of(&bytes(5_000))).await.expect("it goes");
    let open = talk.asks_for("Leber.pdf").await.socket;
    let (base, token) = open.split_once("token=").expect("a token");
    assert!(base.starts_with("ws://127.0.0.1:"), "the loopback address and no name: {base}");
    let own = Some(DeskKit::ORIGIN);
    let other = format!("{base}token={}", "0".repeat(token.len()));
    for (what, address, origin, host) in [
        ("another origin", open.as_str(), Some("http://evil.example"), None),
        ("no origin", open.as_str(), None, None),
        ("a name that leads here by DNS", open.as_str(), own, Some("konsil.evil.example")),
        ("another token", other.as_str(), own, None),
    ] {
        assert_eq!(knock(address, origin, host).await.err(), Some(403), "{what}");
    }
    let socket = knock(&open, own, None).await.expect("the page itself, after all those who tried");
    assert_eq!(knock(&open, own, None).await.err(), Some(403), "the same token again");
    assert_eq!(takes(socket, 300_000).await.0, bytes(5_000), "the file");

    let before = talk.asks_for("Leber.pdf").await;
    done(&talk.desk, Request::Lock).await;
    let (came, last) = takes(page(&before).await, 300_000).await;
    let FileSaid::Failed { failure } = last else { panic!("it ends: {last:?}") };
    assert_eq!((came.len(), failure.code), (0, FailureCode::Locked), "nothing leaves behind a lock");
}
