//! A file on its way out.

use super::form::{BYTES, LISTED, MOST_INLINE, MOST_PARTS, Part, encrypted_file, parts_event, parts_list};
use super::handed;
use super::journal::{Entry, Interrupted, Note, Restored};
use super::study::{self, NewStudy};
use super::wire::{Attempts, Trouble, Wire};
use super::{FileError, Progress};
use crate::ConversationError;
use crate::conversation::Conversation;
use crate::form::NewDocument;
use crate::name::{clean_file, clean_media_type};
use attachment::{Encryptor, Key, Seal};
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use matrix_sdk::Room;
use ruma::UInt;
use ruma::events::room::message::{
    AudioInfo, AudioMessageEventContent, FileInfo, FileMessageEventContent, ImageMessageEventContent, MessageType,
    RoomMessageEventContent, VideoInfo, VideoMessageEventContent,
};
use ruma::events::room::{ImageInfo, MediaSource, ThumbnailInfo};
use ruma::events::{AnyMessageLikeEventContent, Mentions};
use ruma::serde::Raw;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

const MIB: u64 = 1024 * 1024;

/// Makes the readable text of a file in parts.
pub type Fallback = Arc<dyn Fn(&str, usize) -> String + Send + Sync>;

/// A file to send.
#[derive(Clone)]
pub struct NewFile {
    /// Its name; a path before it is left out.
    pub name: String,
    /// Its media type, where it is known.
    pub mimetype: Option<String>,
    /// Bytes.
    pub size: u64,
    /// When it was last changed, in milliseconds since 1970: a file of which this is another one is not gone on with.
    pub modified: Option<i64>,
    /// Width and height in pixels of a picture or a video.
    pub picture: Option<(u32, u32)>,
    /// What programs that do not know files in parts show, by the cleaned name and the number of parts.
    pub fallback: Fallback,
}

impl std::fmt::Debug for NewFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewFile([not shown])")
    }
}

/// A picture, small: what others see of it before they ask for all of it.
#[derive(Clone)]
pub struct Thumbnail {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub mimetype: String,
    /// Width and height in pixels.
    pub size: (u32, u32),
}

impl Thumbnail {
    /// What is said about it, once it was uploaded.
    pub(super) fn info(&self, part: &Part) -> ThumbnailInfo {
        let (width, height) = self.size;
        let mut info = ThumbnailInfo::new();
        (info.width, info.height) = (Some(width.into()), Some(height.into()));
        (info.mimetype, info.size) = (Some(self.mimetype.clone()), part.size.and_then(UInt::new));
        info
    }
}

impl std::fmt::Debug for Thumbnail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Thumbnail([not shown])")
    }
}

/// When a file goes in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Splitting {
    /// The largest file that goes as one upload, in bytes.
    pub whole: u64,
    /// Length of a part; none when a file goes as one upload or not at all, since only this program reads parts.
    pub part: Option<u64>,
}

impl Default for Splitting {
    fn default() -> Self {
        Self { whole: 64 * MIB, part: Some(32 * MIB) }
    }
}

/// Where the bytes of a file come from.
pub trait Source: Send {
    /// The bytes from `offset` on. Asked again where an upload has to begin anew; what was given before is dropped.
    fn read_from(&mut self, offset: u64) -> BoxFuture<'_, io::Result<BoxStream<'static, io::Result<Bytes>>>>;
}

/// A file that is being sent. It remembers the parts that are done: dropping the future of [`Outgoing::send`] pauses
/// it, and calling that again goes on with the first part that is not done. So does the next start of the program, by
/// [`crate::Account::interruptions`], unless [`Outgoing::note`] was struck.
pub struct Outgoing {
    pub(super) conversation: Room,
    wire: Wire,
    pub(super) file: NewFile,
    /// What programs that do not know files in parts show.
    pub(super) body: String,
    /// Length of each part but the last; the whole length where there is one.
    pub(super) part: u64,
    pub(super) whole: bool,
    pub(super) key: Key,
    pub(super) done: Vec<Part>,
    /// The file in which the parts are listed, where they are many.
    pub(super) list: Option<(Key, Part)>,
    pub(super) study: Option<NewStudy>,
    document: Option<NewDocument>,
    /// The file in which the study's images are listed.
    pub(super) index: Option<(Key, Part)>,
    thumbnail: Option<Thumbnail>,
    /// The file that the small picture is.
    shown: Option<(Key, Part)>,
    /// Milliseconds since 1970.
    pub(super) begun: i64,
    /// The same; when the message was about to be handed to the send queue.
    pub(super) handed: Option<i64>,
    note: Note,
    sent: bool,
    progress: watch::Sender<Progress>,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outgoing([not shown])")
    }
}

impl Conversation {
    /// Asks for the largest file that can be sent, in bytes; the homeserver's answer is kept.
    ///
    /// # Errors
    /// [`FileError`] where the homeserver does not say.
    pub fn largest_file(&self, splitting: Splitting) -> BoxFuture<'static, Result<u64, FileError>> {
        let wire = self.wire.clone();
        async move { Ok(largest(wire.limit().await?, splitting)) }.boxed()
    }

    /// Makes a file ready to be sent: whether the conversation and the homeserver take it. Nothing leaves yet.
    ///
    /// # Errors
    /// [`FileError`]; [`FileError::TooLarge`] says what would be taken.
    pub async fn attach(&self, file: NewFile, splitting: Splitting) -> Result<Outgoing, FileError> {
        let outgoing = self.outgoing(file, splitting).await?;
        outgoing.write_down().await?;
        Ok(outgoing)
    }

    async fn outgoing(&self, file: NewFile, splitting: Splitting) -> Result<Outgoing, FileError> {
        if file.size == 0 {
            return Err(FileError::Empty);
        }
        self.takes_files().await?;
        let limit = self.wire.limit().await?;
        let (part, whole) = divided(file.size, limit, splitting)?;
        let progress = watch::Sender::new(Progress { moved: 0, total: Some(file.size) });
        let file = NewFile {
            name: clean_file(&file.name),
            mimetype: file.mimetype.as_deref().and_then(clean_media_type),
            ..file
        };
        let parts = usize::try_from(file.size.div_ceil(part)).unwrap_or(usize::MAX);
        Ok(Outgoing {
            conversation: self.room.clone(),
            wire: self.wire.clone(),
            body: (file.fallback)(&file.name, parts),
            file,
            part,
            whole,
            key: Key::new(rand::random()),
            done: Vec::new(),
            list: None,
            study: None,
            document: None,
            index: None,
            thumbnail: None,
            shown: None,
            begun: jiff::Timestamp::now().as_millisecond(),
            handed: None,
            note: Note::of_new_file(self.wire.journal.clone()),
            sent: false,
            progress,
        })
    }

    /// Whether a file may be sent here.
    async fn takes_files(&self) -> Result<(), FileError> {
        self.check_encryption().await?;
        // A public room takes text in clear, and the key of a file would be text.
        if !self.room.encryption_state().is_encrypted() {
            return Err(ConversationError::NotEncrypted.into());
        }
        if self.may_send().await { Ok(()) } else { Err(FileError::NotAllowed) }
    }

    /// Goes on with a file that the end of the program broke off. Its bytes have to be those that they were.
    ///
    /// # Errors
    /// [`FileError::NotFound`] when it goes to another room; else as [`Conversation::attach`].
    pub async fn take_up(&self, interrupted: &Interrupted) -> Result<Outgoing, FileError> {
        let entry = &interrupted.entry;
        if entry.room != self.room.room_id() {
            return Err(FileError::NotFound);
        }
        self.takes_files().await?;
        let Restored { key, done, list, study, index } = entry.restored()?;
        let moved = done.iter().filter_map(|part| part.size).sum();
        let body = entry.body.clone();
        Ok(Outgoing {
            conversation: self.room.clone(),
            wire: self.wire.clone(),
            file: NewFile {
                name: entry.name.clone(),
                mimetype: entry.mimetype.clone(),
                size: entry.size,
                modified: entry.modified,
                picture: entry.picture,
                fallback: Arc::new(move |_name, _parts| body.clone()),
            },
            body: entry.body.clone(),
            part: entry.part,
            whole: entry.whole,
            key,
            done,
            list,
            study,
            document: None,
            index,
            thumbnail: None,
            shown: None,
            begun: entry.begun,
            handed: entry.handed,
            note: interrupted.note(),
            sent: false,
            progress: watch::Sender::new(Progress { moved, total: Some(entry.size) }),
        })
    }

    /// The same for the file of a study: what is said about it stands beside the file.
    ///
    /// # Errors
    /// As [`Conversation::attach`].
    pub async fn attach_study(
        &self,
        file: NewFile,
        study: NewStudy,
        splitting: Splitting,
    ) -> Result<Outgoing, FileError> {
        let outgoing = Outgoing { study: Some(study), ..self.outgoing(file, splitting).await? };
        outgoing.write_down().await?;
        Ok(outgoing)
    }

    /// The same for a document of a case. It does not go on after the program has ended: it is short, and the record has
    /// it.
    ///
    /// # Errors
    /// [`FileError`], as [`Conversation::attach`].
    pub async fn attach_document(
        &self,
        file: NewFile,
        document: NewDocument,
        splitting: Splitting,
    ) -> Result<Outgoing, FileError> {
        let outgoing = self.outgoing(file, splitting).await?;
        Ok(Outgoing { document: Some(document), note: Note::of_new_file(None), ..outgoing })
    }
}

/// The largest file that [`divided`] takes.
fn largest(limit: u64, splitting: Splitting) -> u64 {
    let Some(part) = splitting.part else { return limit };
    most_in_parts(part.min(limit / MIB * MIB), limit).max(limit.min(splitting.whole))
}

/// The list of the parts has to be taken as well.
fn most_in_parts(part: u64, limit: u64) -> u64 {
    part.saturating_mul(MOST_PARTS.min(limit / LISTED))
}

/// Length of a part, and whether it is the whole file.
fn divided(size: u64, limit: u64, splitting: Splitting) -> Result<(u64, bool), FileError> {
    if size <= limit && (size <= splitting.whole || splitting.part.is_none()) {
        return Ok((size, true));
    }
    let Some(part) = splitting.part else { return Err(FileError::TooLarge { limit }) };
    // Whole MiB, so that a reader that fetches by range meets no odd places.
    let part = part.min(limit / MIB * MIB);
    let most = most_in_parts(part, limit);
    if part == 0 {
        Err(FileError::TooLarge { limit })
    } else if size > most {
        Err(FileError::TooLarge { limit: most })
    } else {
        Ok((part, false))
    }
}

impl Outgoing {
    /// Whether it goes as a picture that others show: of this type by its name, and as one upload.
    #[must_use]
    pub fn is_picture(&self) -> bool {
        self.whole && self.study.is_none() && kind(self.file.mimetype.as_deref()) == Kind::Image
    }

    /// Whether a part of it is done already.
    #[must_use]
    pub fn begun(&self) -> bool {
        !self.done.is_empty()
    }

    /// It is a picture of this width and height, and goes with a small one.
    pub fn shows(&mut self, size: (u32, u32), thumbnail: Option<Thumbnail>) {
        self.file.picture = Some(size);
        self.thumbnail = thumbnail;
    }

    /// It is a study and goes with a small picture of some of its images.
    pub fn shows_images(&mut self, thumbnail: Thumbnail) {
        self.thumbnail = Some(thumbnail);
    }

    /// Whether it goes with a small picture.
    #[must_use]
    pub fn has_thumbnail(&self) -> bool {
        self.thumbnail.is_some()
    }

    /// It is no picture, whatever its name says: it goes as a file that nobody shows.
    pub fn is_no_picture(&mut self) {
        self.file.picture = None;
        self.file.mimetype = None;
    }

    /// How far it is, now and from now on.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Its name, cleaned.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// Its place in the journal of files that are being sent.
    #[must_use]
    pub fn note(&self) -> Note {
        self.note.clone()
    }

    /// Bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.file.size
    }

    /// When it was last changed, as it was said.
    #[must_use]
    pub fn modified(&self) -> Option<i64> {
        self.file.modified
    }

    /// In how many uploads it goes.
    #[must_use]
    pub fn parts(&self) -> usize {
        usize::try_from(self.file.size.div_ceil(self.part)).unwrap_or(usize::MAX)
    }

    /// Uploads what is not done, and hands the message to the send queue.
    ///
    /// # Errors
    /// [`FileError`]; parts that are done stay done, and calling this again goes on.
    pub async fn send(&mut self, source: &mut dyn Source) -> Result<(), FileError> {
        while self.offset() < self.file.size {
            let offset = self.offset();
            let length = self.part.min(self.file.size - offset);
            let part = self.upload(source, &self.key, offset, length, &self.progress).await?;
            self.done.push(part);
            // A part that is not on disk here is not done: after a crash nobody would know it.
            if let Err(error) = self.write_down().await {
                self.done.pop();
                return Err(error);
            }
        }
        if self.done.len() > MOST_INLINE && self.list.is_none() {
            let list = parts_list(&self.done).map_err(|error| ConversationError::Failed(error.to_string()))?;
            self.list = Some(self.upload_aside(list).await?);
            self.write_down().await?;
        }
        if let Some(study) = &self.study
            && self.index.is_none()
        {
            self.index = Some(self.upload_aside(study.index.clone()).await?);
            self.write_down().await?;
        }
        if let Some(thumbnail) = &self.thumbnail
            && self.shown.is_none()
        {
            self.shown = Some(self.upload_aside(thumbnail.bytes.clone()).await?);
        }
        if !self.sent {
            self.hand_over().await?;
            self.sent = true;
        }
        if let Err(error) = self.note.strike().await {
            // The next start finds out that it was sent.
            tracing::warn!(%error, "a file that was sent stays in the journal");
        }
        Ok(())
    }

    /// Hands the message over once, also where it is not known whether that was done.
    async fn hand_over(&mut self) -> Result<(), FileError> {
        if let Some(handed) = self.handed {
            let entry = Entry::of(self);
            if handed::is_there(&self.conversation, entry.mark(), handed).await? {
                return Ok(());
            }
        }
        self.handed = Some(jiff::Timestamp::now().as_millisecond());
        self.write_down().await?;
        self.enqueue().await
    }

    /// Into the journal, as it is.
    async fn write_down(&self) -> Result<(), FileError> {
        self.note.write(Entry::of(self).bytes()?).await
    }

    /// A short file that goes with the one that is sent. The person is told of that one and not of this.
    async fn upload_aside(&self, bytes: Vec<u8>) -> Result<(Key, Part), FileError> {
        let (key, length) = (Key::new(rand::random()), bytes.len() as u64);
        let progress = watch::Sender::new(Progress { moved: 0, total: Some(length) });
        let part = self.upload(&mut InMemory(bytes.into()), &key, 0, length, &progress).await?;
        Ok((key, part))
    }

    fn offset(&self) -> u64 {
        self.done.iter().filter_map(|part| part.size).sum()
    }

    async fn upload(
        &self,
        source: &mut dyn Source,
        key: &Key,
        offset: u64,
        length: u64,
        progress: &watch::Sender<Progress>,
    ) -> Result<Part, FileError> {
        let mut attempts = Attempts::default();
        loop {
            progress.send_modify(|progress| progress.moved = offset);
            match self.attempt(source, key, offset, length, progress).await {
                Ok(part) => return Ok(part),
                Err(trouble) => self.wire.after(&mut attempts, trouble).await?,
            }
        }
    }

    async fn attempt(
        &self,
        source: &mut dyn Source,
        key: &Key,
        offset: u64,
        length: u64,
        progress: &watch::Sender<Progress>,
    ) -> Result<Part, Trouble> {
        let read = source.read_from(offset).await.map_err(|error| Trouble::Final(unreadable(&error)))?;
        let end = Arc::new(Mutex::new(End::Open));
        let sending = Sending {
            read,
            // Never the same counter twice under one key: each attempt has an IV of its own.
            encryptor: Some(Encryptor::new(key, rand::random())),
            left: length,
            end: end.clone(),
            progress: progress.clone(),
        };
        let body = reqwest::Body::wrap_stream(futures_util::stream::try_unfold(sending, Sending::next));
        let uploaded = self.wire.upload(length, body, progress.subscribe()).await;
        let end = std::mem::replace(&mut *end.lock().unwrap_or_else(PoisonError::into_inner), End::Open);
        match (end, uploaded) {
            (End::Fault(fault), _) => Err(Trouble::Final(fault)),
            (End::Sealed(seal), Ok(url)) => Ok(Part { url, seal, size: Some(length) }),
            // An answer before the last byte is none to this file.
            (End::Open, Ok(_url)) => Err(Trouble::Final(FileError::Changed)),
            (End::Sealed(_) | End::Open, Err(trouble)) => Err(trouble),
        }
    }

    /// The message goes by the send queue: it is on disk before this returns, and waits for the network there.
    async fn enqueue(&self) -> Result<(), FileError> {
        let unwritten = |error: serde_json::Error| ConversationError::Failed(error.to_string());
        let mut content = match self.done.as_slice() {
            [part] if self.whole => serde_json::to_value(self.ordinary(part)).map_err(unwritten)?,
            parts => {
                let mimetype = self.file.mimetype.as_deref().unwrap_or(BYTES);
                let list = self.list.as_ref().map(|(key, part)| encrypted_file(key, part));
                parts_event(&self.body, &self.file.name, mimetype, &self.key, parts, list)
            }
        };
        if let (Some(study), Some((key, part))) = (&self.study, &self.index) {
            let small = self.thumbnail.as_ref().zip(self.shown.as_ref()).map(|(small, (key, part))| (small, key, part));
            content[study::MARK] = study::block(study, encrypted_file(key, part), small).map_err(unwritten)?;
        }
        if let (Some(document), Some(content)) = (&self.document, content.as_object_mut())
            && let serde_json::Value::Object(blocks) =
                document.blocks(&self.file.name, self.file.mimetype.as_deref(), self.file.size)
        {
            content.extend(blocks);
        }
        let content: Raw<AnyMessageLikeEventContent> = raw(&content)?.cast_unchecked();
        let queued = self.conversation.send_queue().send_raw(content, "m.room.message".to_owned()).await;
        queued.map_err(|error| ConversationError::Failed(error.to_string()))?;
        // The conversation may have been closed since.
        self.wire.queues.look();
        Ok(())
    }

    /// The message that every program knows.
    fn ordinary(&self, part: &Part) -> RoomMessageEventContent {
        let (name, source) = (self.file.name.clone(), encrypted_file(&self.key, part));
        let (mimetype, size) = (self.file.mimetype.clone(), UInt::new(self.file.size));
        let (width, height) = self.file.picture.map(|(w, h)| (w.into(), h.into())).unzip();
        let message = match kind(self.file.mimetype.as_deref()) {
            Kind::Image => {
                let mut info = ImageInfo::new();
                (info.mimetype, info.size, info.width, info.height) = (mimetype, size, width, height);
                if let (Some(thumbnail), Some((key, part))) = (&self.thumbnail, &self.shown) {
                    info.thumbnail_info = Some(Box::new(thumbnail.info(part)));
                    info.thumbnail_source = Some(MediaSource::Encrypted(Box::new(encrypted_file(key, part))));
                }
                MessageType::Image(ImageMessageEventContent::encrypted(name, source).info(Box::new(info)))
            }
            Kind::Video => {
                let mut info = VideoInfo::new();
                (info.mimetype, info.size, info.width, info.height) = (mimetype, size, width, height);
                MessageType::Video(VideoMessageEventContent::encrypted(name, source).info(Box::new(info)))
            }
            Kind::Audio => {
                let mut info = AudioInfo::new();
                (info.mimetype, info.size) = (mimetype, size);
                MessageType::Audio(AudioMessageEventContent::encrypted(name, source).info(Box::new(info)))
            }
            Kind::Other => {
                let mut info = FileInfo::new();
                (info.mimetype, info.size) = (mimetype, size);
                let mut file = FileMessageEventContent::encrypted(name, source).info(Box::new(info));
                if let Some(study) = &self.study {
                    file.filename = Some(std::mem::replace(&mut file.body, study.body.clone()));
                }
                MessageType::File(file)
            }
        };
        // Always with mentions: without them other programs look for names in the text.
        RoomMessageEventContent::new(message).add_mentions(Mentions::new())
    }
}

/// As what a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image,
    Video,
    Audio,
    Other,
}

fn kind(mimetype: Option<&str>) -> Kind {
    match mimetype.and_then(|mimetype| mimetype.split_once('/')) {
        // A drawing in XML is a program; nobody shows it unasked.
        Some(("image", "svg+xml")) | None => Kind::Other,
        Some(("image", _)) => Kind::Image,
        Some(("video", _)) => Kind::Video,
        Some(("audio", _)) => Kind::Audio,
        Some(_) => Kind::Other,
    }
}

fn raw<T: serde::Serialize>(content: &T) -> Result<Raw<T>, FileError> {
    Raw::new(content).map_err(|error| ConversationError::Failed(error.to_string()).into())
}

/// What is sent lies in memory.
pub struct InMemory(pub Bytes);

impl std::fmt::Debug for InMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InMemory([not shown])")
    }
}

impl Source for InMemory {
    fn read_from(&mut self, offset: u64) -> BoxFuture<'_, io::Result<BoxStream<'static, io::Result<Bytes>>>> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let rest = self.0.slice(from..);
        Box::pin(std::future::ready(Ok(futures_util::stream::iter([Ok(rest)]).boxed())))
    }
}

/// A part on its way: what is read, encrypted and counted piece by piece.
struct Sending {
    read: BoxStream<'static, io::Result<Bytes>>,
    encryptor: Option<Encryptor>,
    left: u64,
    end: Arc<Mutex<End>>,
    progress: watch::Sender<Progress>,
}

/// How the body of an upload ended.
enum End {
    /// Not at its last byte.
    Open,
    Sealed(Seal),
    Fault(FileError),
}

impl Sending {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut piece = match self.read.next().await {
            Some(Ok(piece)) => BytesMut::from(piece),
            Some(Err(error)) => {
                self.ends(End::Fault(unreadable(&error)));
                return Err(error);
            }
            None => {
                self.ends(End::Fault(FileError::Changed));
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        // What follows belongs to the next part.
        piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        let length = piece.len() as u64;
        self.left -= length;
        if let Some(encryptor) = &mut self.encryptor {
            encryptor.push(&mut piece);
        }
        if self.left == 0
            && let Some(encryptor) = self.encryptor.take()
        {
            // Here and not at the next call: a body whose length is known is not asked after its last byte.
            self.ends(End::Sealed(encryptor.finish()));
        }
        self.progress.send_modify(|progress| progress.moved += length);
        Ok(Some((piece.freeze(), self)))
    }

    fn ends(&self, end: End) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }
}

fn unreadable(error: &io::Error) -> FileError {
    if error.kind() == io::ErrorKind::UnexpectedEof { FileError::Changed } else { FileError::Source(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::{FileError, MIB, Splitting, divided, largest};

    /// Sizes and limits in MiB; the expected answer is the decided form written down.
    #[test]
    fn a_file_goes_whole_where_that_fits_and_else_in_parts_of_whole_mebibytes() {
        let parts = Splitting::default();
        let never = Splitting { part: None, ..parts };
        type Case = (u64, u64, Splitting, Result<(u64, bool), u64>);
        let cases: [Case; 10] = [
            (64 * MIB, 100 * MIB, parts, Ok((64 * MIB, true))),
            (64 * MIB + 1, 100 * MIB, parts, Ok((32 * MIB, false))),
            (50 * MIB, 50 * MIB, parts, Ok((50 * MIB, true))),
            (50 * MIB + 1, 50 * MIB, parts, Ok((32 * MIB, false))),
            (30 * MIB, 20 * MIB + 5, parts, Ok((20 * MIB, false))),
            (2 * MIB, MIB - 1, parts, Err(MIB - 1)),
            (4096 * MIB + 1, 50 * MIB, parts, Ok((32 * MIB, false))),
            (262_144 * MIB + 1, 50 * MIB, parts, Err(262_144 * MIB)),
            (80 * MIB, 100 * MIB, never, Ok((80 * MIB, true))),
            (101 * MIB, 100 * MIB, never, Err(100 * MIB)),
        ];
        for (size, limit, splitting, expected) in cases {
            let found = divided(size, limit, splitting).map_err(|error| {
                let FileError::TooLarge { limit } = error else { panic!("of {size} with {limit}: {error}") };
                limit
            });
            assert_eq!(found, expected, "{size} bytes where {limit} are taken");
        }
    }

    #[test]
    fn the_largest_file_is_the_one_that_is_just_taken() {
        let parts = Splitting::default();
        let never = Splitting { part: None, ..parts };
        for (limit, splitting, expected) in [
            (50 * MIB, parts, 262_144 * MIB),
            (20 * MIB + 5, parts, 163_840 * MIB),
            (8 * 1024 * MIB, parts, 262_144 * MIB),
            (MIB - 1, parts, MIB - 1),
            (100 * MIB, never, 100 * MIB),
        ] {
            let found = largest(limit, splitting);
            assert_eq!(found, expected, "where {limit} bytes are taken");
            assert!(divided(found, limit, splitting).is_ok(), "{found} bytes go");
            assert!(divided(found + 1, limit, splitting).is_err(), "one more does not");
        }
    }
}
