//! Files of a conversation between the page and `tim`: what the page may do with them, and what goes over the door.
//!
//! A file that is sent comes from the page piece by piece as it is asked for, and is encrypted and uploaded as it comes;
//! one that is opened goes to the page as it may take it. Nothing of either is on this computer in clear.

use super::study::{Layout, Packed};
use super::uploads::BrokenOff;
use super::{Up, talk::Open};
use crate::Desk;
use axum::extract::ws::{Message, WebSocket};
use bytes::{Buf as _, Bytes};
use contract::{
    Failure, FailureCode, FileDoorView, FileHeard, FileSaid, OutgoingStateView, OutgoingView, StudyLabelView,
};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, SplitSink, SplitStream};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tim::{Conversation, FileError, Incoming, MessageId, NewFile, Note, Outgoing, Progress, Splitting};
use tokio::sync::{Mutex as Turn, Semaphore, mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;

/// The longest piece of a file in one message.
pub(super) const PIECE: usize = 256 * 1024;
/// Before a piece from the page stands where in the file it begins, in 8 bytes, little endian.
pub(super) const HEADER: usize = 8;
/// So much of a file is asked for ahead.
const AHEAD: u64 = 1024 * 1024;
/// How often the page is told how far a file is.
pub(super) const TELL: Duration = Duration::from_millis(500);
/// Files that are being sent at a time, or wait for it.
const MOST_OUTGOING: usize = 16;

/// The files of a desk that are being sent, by their ids.
#[derive(Default)]
pub(super) struct Files {
    sending: BTreeMap<String, Arc<Sending>>,
    /// Studies whose images are being fetched from the archive first.
    pub(super) gathering: BTreeMap<String, Arc<super::study::Gathering>>,
    /// What the end of a former run broke off.
    pub(super) broken_off: BrokenOff,
}

/// A file that is being sent.
pub(super) struct Sending {
    conversation: String,
    name: String,
    pub(super) size: u64,
    pub(super) modified: Option<i64>,
    study: Option<SentStudy>,
    pub(super) supply: Supply,
    /// Begun again, since the file had changed.
    anew: bool,
    pub(super) note: Note,
    outgoing: Arc<Turn<Outgoing>>,
    progress: watch::Receiver<Progress>,
    stand: Mutex<Stand>,
}

/// What is known of a study that is sent.
pub(super) struct SentStudy {
    pub(super) label: StudyLabelView,
    /// Where in its file the images lie that its small picture shows.
    pub(super) shown: Vec<Range<u64>>,
}

/// Where the bytes of a file come from.
pub(super) enum Supply {
    /// The page has them.
    Page,
    /// The page has those of the images, and the archive around them is made here.
    Packed(Arc<Layout>),
    /// They are here.
    Held(Arc<Turn<dyn tim::Source>>),
}

enum Stand {
    /// The page has not opened the door, or has closed it.
    Waiting,
    Sending(AbortHandle),
    Failed(Failure),
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Stand::Sending(task) = self.stand.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

impl Sending {
    fn shown(&self) -> Vec<Range<u64>> {
        self.study.as_ref().map(|study| study.shown.clone()).unwrap_or_default()
    }

    fn stands(&self, stand: Stand) {
        *self.stand.lock().unwrap_or_else(PoisonError::into_inner) = stand;
    }

    /// Takes the place of what was under way; one task at a time sends a file.
    fn turns(&self, stand: Stand) {
        let former = std::mem::replace(&mut *self.stand.lock().unwrap_or_else(PoisonError::into_inner), stand);
        if let Stand::Sending(task) = former {
            task.abort();
        }
    }

    pub(super) fn stop(&self) {
        self.turns(Stand::Waiting);
    }
}

impl Files {
    /// The files that are being sent into a conversation, in the order in which they were begun.
    pub(super) fn views(&self, conversation: &str) -> Vec<OutgoingView> {
        let of = self.sending.iter().filter(|(_, sending)| sending.conversation == conversation);
        let sending = of.map(|(id, sending)| OutgoingView {
            id: id.clone(),
            name: sending.name.clone(),
            size: sending.size,
            study: sending.study.as_ref().map(|study| study.label.clone()),
            held: matches!(sending.supply, Supply::Held(_)),
            anew: sending.anew,
            state: match &*sending.stand.lock().unwrap_or_else(PoisonError::into_inner) {
                Stand::Waiting => OutgoingStateView::Waiting,
                Stand::Sending(_) => OutgoingStateView::Sending { sent: sending.progress.borrow().moved },
                Stand::Failed(failure) => OutgoingStateView::Failed { failure: failure.clone() },
            },
        });
        let gathering = self.gathering.iter().filter_map(|(id, gathering)| gathering.view(id, conversation));
        let broken_off = self.broken_off.views(conversation);
        let mut all: Vec<OutgoingView> = sending.chain(gathering).chain(broken_off).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    fn count(&self) -> usize {
        self.sending.len() + self.gathering.len()
    }
}

/// A file as the page names it.
pub(crate) struct Begun {
    pub(crate) name: String,
    pub(crate) size: u64,
    /// Milliseconds since 1970.
    pub(crate) modified: Option<i64>,
    pub(crate) mimetype: Option<String>,
    pub(crate) picture: Option<(u32, u32)>,
}

impl Desk {
    // In a box where it is made: the answer that awaits it is as large as all of its branches.
    pub(crate) fn begin_attachment<'a>(
        &'a self,
        conversation: &'a str,
        file: Begun,
    ) -> BoxFuture<'a, Result<FileDoorView, Failure>> {
        async move {
            let open = self.conversation(conversation)?;
            self.room_for_a_file()?;
            let outgoing = match self.take_up_file(&open.conversation, &file).await? {
                Some(outgoing) => outgoing,
                None => self.new_outgoing(&open.conversation, file).await?,
            };
            let id = self.outgoing_id();
            self.put_outgoing(&id, conversation, outgoing, None, Supply::Page, false);
            self.tell_files(conversation).await;
            self.upload_door(&id)
        }
        .boxed()
    }

    pub(super) async fn new_outgoing(&self, conversation: &Conversation, file: Begun) -> Result<Outgoing, Failure> {
        let Begun { name, size, modified, mimetype, picture } = file;
        let fallback = Arc::new(move |name: &str, parts| fallback(name, size, parts));
        let new = NewFile { name, mimetype, size, modified, picture, fallback };
        conversation.attach(new, Splitting::default()).await.map_err(|error| of_file(&error))
    }

    pub(super) fn room_for_a_file(&self) -> Result<(), Failure> {
        if self.0.chat.state().files.count() < MOST_OUTGOING {
            return Ok(());
        }
        Err(Failure::new(FailureCode::Conflict, "too many files at a time"))
    }

    /// Rising, so that the page shows files in the order of their beginning.
    pub(super) fn outgoing_id(&self) -> String {
        format!("{:08x}", self.next_serial())
    }

    pub(super) fn put_outgoing(
        &self,
        id: &str,
        conversation: &str,
        outgoing: Outgoing,
        study: Option<SentStudy>,
        supply: Supply,
        anew: bool,
    ) {
        let sending = Arc::new(Sending {
            conversation: conversation.to_owned(),
            name: outgoing.name().to_owned(),
            size: outgoing.size(),
            modified: outgoing.modified(),
            study,
            supply,
            anew,
            note: outgoing.note(),
            progress: outgoing.progress(),
            outgoing: Arc::new(Turn::new(outgoing)),
            stand: Mutex::new(Stand::Waiting),
        });
        self.0.chat.state().files.sending.insert(id.to_owned(), sending);
    }

    /// The door for its bytes; none where they are here.
    pub(crate) async fn resume_attachment(
        &self,
        conversation: &str,
        id: &str,
    ) -> Result<Option<FileDoorView>, Failure> {
        if let Some(resumed) = self.resume_broken_off(conversation, id).await {
            return resumed.map(|()| None);
        }
        let sending = self.sending(conversation, id)?;
        if let Supply::Held(held) = &sending.supply {
            self.send_held(id, &sending, held.clone());
            self.tell_files(conversation).await;
            return Ok(None);
        }
        sending.stop();
        self.tell_files(conversation).await;
        self.upload_door(id).map(Some)
    }

    pub(crate) async fn cancel_attachment(&self, conversation: &str, id: &str) -> Result<(), Failure> {
        let gathering = self.0.chat.state().files.gathering.remove(id);
        if gathering.is_none() && !self.cancel_broken_off(conversation, id).await? {
            let sending = self.sending(conversation, id)?;
            self.0.chat.state().files.sending.remove(id);
            sending.stop();
            // It goes on after a restart no more.
            sending.note.strike().await.map_err(|error| of_file(&error))?;
        }
        self.tell_files(conversation).await;
        Ok(())
    }

    pub(crate) fn open_attachment(&self, conversation: &str, message: String) -> Result<FileDoorView, Failure> {
        let open = self.conversation(conversation)?;
        self.given(open.conversation.file(&MessageId(message)))
    }

    /// The small picture of a message.
    pub(crate) fn open_thumbnail(&self, conversation: &str, message: String) -> Result<FileDoorView, Failure> {
        let open = self.conversation(conversation)?;
        self.given(open.conversation.thumbnail(&MessageId(message)))
    }

    /// The door by which the page gets what comes.
    fn given(&self, incoming: Result<Incoming, FileError>) -> Result<FileDoorView, Failure> {
        let up = self.up()?;
        let incoming = incoming.map_err(|error| of_file(&error))?;
        let (desk, mut shut) = (self.clone(), self.0.files.shut());
        let socket = self.0.files.ticket(move |socket| {
            async move {
                tokio::select! {
                    () = desk.give(socket, &incoming, &up) => {}
                    // It holds the account, and whoever comes after this person has another one.
                    _ = shut.changed() => {}
                }
            }
            .boxed()
        });
        Ok(FileDoorView { attachment: None, socket })
    }

    pub(super) fn sending(&self, conversation: &str, id: &str) -> Result<Arc<Sending>, Failure> {
        self.up()?;
        let sending = self.0.chat.state().files.sending.get(id).cloned();
        let sending = sending.filter(|sending| sending.conversation == conversation);
        sending.ok_or_else(|| Failure::new(FailureCode::NotFound, "no such file is being sent"))
    }

    pub(super) fn upload_door(&self, id: &str) -> Result<FileDoorView, Failure> {
        self.up()?;
        let (desk, name) = (self.clone(), id.to_owned());
        let socket = self.0.files.ticket(move |socket| {
            async move {
                let sending = desk.0.chat.state().files.sending.get(&name).cloned();
                let Some(sending) = sending else { return };
                let (go, start) = tokio::sync::oneshot::channel::<()>();
                let taking = desk.clone().take(socket, name, Arc::downgrade(&sending));
                let task = tokio::spawn(async move {
                    if start.await.is_ok() {
                        taking.await;
                    }
                });
                // A page that opens the door again ends what it began before.
                sending.turns(Stand::Sending(task.abort_handle()));
                let _task_lives = go.send(());
            }
            .boxed()
        });
        Ok(FileDoorView { attachment: Some(id.to_owned()), socket })
    }

    /// Sends a file whose bytes the page gives.
    async fn take(self, socket: WebSocket, id: String, sending: std::sync::Weak<Sending>) {
        let Some((outgoing, conversation, size, mut progress, layout, images)) = sending.upgrade().map(|sending| {
            let layout = match &sending.supply {
                Supply::Packed(layout) => Some(layout.clone()),
                Supply::Page | Supply::Held(_) => None,
            };
            let (outgoing, conversation) = (sending.outgoing.clone(), sending.conversation.clone());
            (outgoing, conversation, sending.size, sending.progress.clone(), layout, sending.shown())
        }) else {
            return;
        };
        let (mut say, hear) = socket.split();
        let (words, mut asked) = mpsc::channel::<FileSaid>(16);
        let (pieces, given) = mpsc::channel(8);
        let mut source: Box<dyn tim::Source> = match layout {
            None => Box::new(Page::new(words, given, size)),
            Some(layout) => Box::new(Packed::new(layout.clone(), Page::new(words, given, layout.members_size()))),
        };
        let mut heard = None;
        let sent = {
            let send = async {
                let mut outgoing = outgoing.lock().await;
                if outgoing.is_picture() {
                    self.look_at_picture(&mut outgoing, &mut *source).await?;
                }
                self.look_at_study(&mut outgoing, &mut *source, &images).await?;
                outgoing.send(&mut *source).await
            };
            let mut send = std::pin::pin!(send);
            let mut hearing = std::pin::pin!(hear_pieces(hear, pieces));
            let mut shown = tokio::time::interval(TELL);
            shown.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    sent = &mut send => break sent,
                    end = &mut hearing, if heard.is_none() => heard = Some(end),
                    Some(word) = asked.recv() => {
                        // A page that is gone gives nothing, which the reading notices.
                        let _gone = say.send(text(&word)).await;
                    }
                    _ = shown.tick() => {
                        if progress.has_changed().unwrap_or(false) {
                            progress.mark_unchanged();
                            self.tell_files(&conversation).await;
                        }
                    }
                }
            }
        };
        let last = match sent {
            Ok(()) => {
                if let Some(sending) = sending.upgrade() {
                    // Forgotten below, which must not end this task.
                    sending.stands(Stand::Waiting);
                }
                self.0.chat.state().files.sending.remove(&id);
                FileSaid::Done { size }
            }
            // To close the door is to pause.
            Err(FileError::Source(_)) if heard == Some(Hearing::Left) => {
                if let Some(sending) = sending.upgrade() {
                    sending.stands(Stand::Waiting);
                }
                self.tell_files(&conversation).await;
                return;
            }
            Err(error) => {
                let failure = of_file(&error);
                tracing::warn!(code = ?failure.code, "a file was not sent");
                if let Some(sending) = sending.upgrade() {
                    sending.stands(Stand::Failed(failure.clone()));
                }
                FileSaid::Failed { failure }
            }
        };
        let _gone = say.send(text(&last)).await;
        let _gone = say.close().await;
        self.tell_files(&conversation).await;
    }

    /// Sends a file whose bytes are here.
    pub(super) fn send_held_now(&self, id: &str) {
        let sending = self.0.chat.state().files.sending.get(id).cloned();
        if let Some(sending) = sending
            && let Supply::Held(held) = &sending.supply
        {
            self.send_held(id, &sending, held.clone());
        }
    }

    fn send_held(&self, id: &str, sending: &Arc<Sending>, held: Arc<Turn<dyn tim::Source>>) {
        let (desk, id) = (self.clone(), id.to_owned());
        let (outgoing, conversation) = (sending.outgoing.clone(), sending.conversation.clone());
        let (mut progress, place, images) = (sending.progress.clone(), Arc::downgrade(sending), sending.shown());
        let (go, start) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let _started = start.await;
            let sent = {
                let send = async {
                    let (mut outgoing, mut source) = (outgoing.lock().await, held.lock().await);
                    desk.look_at_study(&mut outgoing, &mut *source, &images).await?;
                    outgoing.send(&mut *source).await
                };
                let mut send = std::pin::pin!(send);
                let mut shown = tokio::time::interval(TELL);
                shown.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    tokio::select! {
                        sent = &mut send => break sent,
                        _ = shown.tick() => {
                            if progress.has_changed().unwrap_or(false) {
                                progress.mark_unchanged();
                                desk.tell_files(&conversation).await;
                            }
                        }
                    }
                }
            };
            match sent {
                Ok(()) => {
                    if let Some(sending) = place.upgrade() {
                        // Forgotten below, which must not end this task.
                        sending.stands(Stand::Waiting);
                    }
                    desk.0.chat.state().files.sending.remove(&id);
                }
                Err(error) => {
                    let failure = of_file(&error);
                    tracing::warn!(code = ?failure.code, "what was here was not sent");
                    if let Some(sending) = place.upgrade() {
                        sending.stands(Stand::Failed(failure));
                    }
                }
            }
            desk.tell_files(&conversation).await;
        });
        sending.turns(Stand::Sending(task.abort_handle()));
        let _task_lives = go.send(());
    }

    /// Gives a file to the page.
    async fn give(&self, socket: WebSocket, incoming: &Incoming, up: &Arc<Up>) {
        let (mut say, hear) = socket.split();
        let about = FileSaid::File {
            name: incoming.name().to_owned(),
            mimetype: incoming.mimetype().map(str::to_owned),
            size: incoming.size(),
        };
        if say.send(text(&about)).await.is_err() {
            return;
        }
        let credit = Arc::new(Semaphore::new(0));
        let mut basket = Basket { say, credit: credit.clone(), desk: self.clone(), up: up.clone() };
        let fetched = tokio::select! {
            fetched = incoming.fetch(&mut basket) => fetched,
            // A page that went away wants nothing more.
            () = hear_credit(hear, &credit) => return,
        };
        let last = match fetched {
            Ok(size) => FileSaid::Done { size },
            Err(error) => {
                let failure = if self.is_locked() { Failure::new(FailureCode::Locked, "") } else { of_file(&error) };
                tracing::warn!(code = ?failure.code, "a file did not come");
                FileSaid::Failed { failure }
            }
        };
        let _gone = basket.say.send(text(&last)).await;
        let _gone = basket.say.close().await;
    }

    /// Tells the open conversation anew, if it is this one.
    pub(super) async fn tell_files(&self, conversation: &str) {
        let open: Option<Arc<Open>> = self.conversation(conversation).ok();
        if let Some(open) = open {
            self.tell_now(&open).await;
        }
    }

    /// Ends all transfers, and what was given out for others.
    pub(super) fn stop_files(&self) {
        self.0.files.close();
        let files = std::mem::take(&mut self.0.chat.state().files);
        drop(files);
    }
}

pub(super) fn text(said: &FileSaid) -> Message {
    Message::Text(serde_json::to_string(said).expect("a word is plain text").into())
}

/// The file as the page gives it.
pub(super) struct Page {
    words: mpsc::Sender<FileSaid>,
    pieces: Arc<Turn<Given>>,
    size: u64,
}

impl Page {
    /// It asks by `words`, and `given` is what the page answers.
    pub(super) fn new(
        words: mpsc::Sender<FileSaid>,
        given: mpsc::Receiver<io::Result<(u64, Bytes)>>,
        size: u64,
    ) -> Self {
        Self { words, pieces: Arc::new(Turn::new(Given { pieces: given, next: 0, asked: 0 })), size }
    }
}

struct Given {
    pieces: mpsc::Receiver<io::Result<(u64, Bytes)>>,
    /// Where the next piece has to begin.
    next: u64,
    /// How far the page was asked.
    asked: u64,
}

impl tim::Source for Page {
    fn read_from(&mut self, offset: u64) -> BoxFuture<'_, io::Result<BoxStream<'static, io::Result<Bytes>>>> {
        let (words, pieces, size) = (self.words.clone(), self.pieces.clone(), self.size);
        async move {
            {
                let mut given = pieces.lock().await;
                if given.next != offset || given.asked < offset {
                    (given.next, given.asked) = (offset, offset);
                }
            }
            let state = (words, pieces, size);
            let read = futures_util::stream::try_unfold(state, |(words, pieces, size)| async move {
                let piece = pieces.lock().await.next_piece(&words, size).await?;
                Ok(piece.map(|piece| (piece, (words, pieces, size))))
            });
            Ok(read.boxed())
        }
        .boxed()
    }
}

impl Given {
    async fn next_piece(&mut self, words: &mpsc::Sender<FileSaid>, size: u64) -> io::Result<Option<Bytes>> {
        if self.next >= size {
            return Ok(None);
        }
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        while self.asked < size.min(self.next + AHEAD) {
            let length = (size - self.asked).min(PIECE as u64);
            let word = FileSaid::Read { offset: self.asked, length };
            words.send(word).await.map_err(|_closed| gone())?;
            self.asked += length;
        }
        loop {
            let (offset, piece) = self.pieces.recv().await.ok_or_else(gone)??;
            // What was asked for before an attempt that failed is passed over.
            if offset == self.next && !piece.is_empty() {
                self.next += piece.len() as u64;
                return Ok(Some(piece));
            }
        }
    }
}

/// How hearing the page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hearing {
    /// The page went away.
    Left,
    /// It said that it cannot read the file any more.
    Unreadable,
}

pub(super) async fn hear_pieces(
    mut hear: SplitStream<WebSocket>,
    pieces: mpsc::Sender<io::Result<(u64, Bytes)>>,
) -> Hearing {
    while let Some(Ok(message)) = hear.next().await {
        let piece = match message {
            Message::Binary(mut bytes) if bytes.len() > HEADER => Ok((bytes.get_u64_le(), bytes)),
            Message::Text(word) => match serde_json::from_str(&word) {
                Ok(FileHeard::Unreadable) => {
                    let _ended = pieces.send(Err(io::Error::other("the page cannot read it any more"))).await;
                    return Hearing::Unreadable;
                }
                Ok(FileHeard::Credit { .. } | FileHeard::Keep) | Err(_) => continue,
            },
            Message::Close(_) => return Hearing::Left,
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => continue,
        };
        if pieces.send(piece).await.is_err() {
            break;
        }
    }
    Hearing::Left
}

async fn hear_credit(mut hear: SplitStream<WebSocket>, credit: &Semaphore) {
    while let Some(Ok(message)) = hear.next().await {
        match message {
            Message::Text(word) => {
                if let Ok(FileHeard::Credit { bytes }) = serde_json::from_str(&word) {
                    // More than this is no credit but an end of it.
                    let room = (1 << 30_usize) - credit.available_permits().min(1 << 30);
                    credit.add_permits(usize::try_from(bytes).unwrap_or(usize::MAX).min(room));
                }
            }
            Message::Close(_) => return,
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
        }
    }
}

/// The page as it takes a file.
struct Basket {
    say: SplitSink<WebSocket, Message>,
    credit: Arc<Semaphore>,
    desk: Desk,
    up: Arc<Up>,
}

impl tim::Sink for Basket {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, io::Result<()>> {
        async move {
            let length = u32::try_from(bytes.len()).map_err(|_long| io::Error::other("a long piece"))?;
            let permits = self.credit.acquire_many(length).await.map_err(|_closed| io::ErrorKind::NotConnected)?;
            permits.forget();
            // Behind a lock nothing leaves, and nothing for whoever comes after this person.
            if self.desk.is_locked() || !self.desk.up().is_ok_and(|up| Arc::ptr_eq(&up, &self.up)) {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            self.say.send(Message::Binary(bytes)).await.map_err(|_gone| io::ErrorKind::NotConnected.into())
        }
        .boxed()
    }
}

/// What programs that do not know files in parts show. It is a message and not a word of the page, so it is written
/// here, in the language of the house.
fn fallback(name: &str, size: u64, parts: usize) -> String {
    let tenths = |unit: u64| size.saturating_mul(10).div_ceil(unit);
    let (tenths, unit) = if size >= 1_000_000_000 { (tenths(1_000_000_000), "GB") } else { (tenths(1_000_000), "MB") };
    let (whole, tenth) = (tenths / 10, tenths % 10);
    format!("Datei {name}, {whole},{tenth} {unit}, in {parts} Teilen verschlüsselt. Zum Öffnen wird Konsil gebraucht.")
}

pub(super) fn of_file(error: &FileError) -> Failure {
    let code = match error {
        FileError::Conversation(error) => return super::talk::of_conversation(error),
        FileError::NotFound => FailureCode::NotFound,
        FileError::NotAllowed => FailureCode::NotAllowed,
        FileError::Refused(code) => super::of_refusal(code),
        FileError::Empty => FailureCode::InvalidInput,
        FileError::TooLarge { limit } => return Failure::new(FailureCode::FileTooLarge, limit.to_string()),
        FileError::Source(_) | FileError::Changed => FailureCode::FileUnreadable,
        FileError::Form => FailureCode::AnswerUnreadable,
        FileError::Altered => FailureCode::FileAltered,
        FileError::Sink(_) => FailureCode::Internal,
        FileError::DiskFull => FailureCode::DiskFull,
        FileError::Unreachable(_) => FailureCode::PlatformUnreachable,
    };
    Failure::new(code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::fallback;

    #[test]
    fn the_readable_text_names_size_and_parts() {
        let text = "Datei CT.zip, 2,0 GB, in 60 Teilen verschlüsselt. Zum Öffnen wird Konsil gebraucht.";
        assert_eq!(fallback("CT.zip", 2_000_000_000, 60), text, "as the form says");
        assert!(fallback("CT.zip", 71_200_000, 3).contains("71,2 MB"), "in megabytes below that");
    }
}
