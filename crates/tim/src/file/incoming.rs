//! A file on its way in.
//!
//! Ciphertext waits on disk until its hash is known to be right; only then it is decrypted into the sink. So no byte that
//! was altered leaves, no clear byte is on disk, and memory holds one piece of what comes and one of what goes: while a
//! part is decrypted, the next one is fetched.

use super::form::{Described, LARGEST_THUMBNAIL, LONGEST_LIST, Part, Parts, thumbnail_by};
use super::wire::{Attempts, Trouble, Wire};
use super::{FileError, Progress, described_by, in_parts, study};
use crate::conversation::{Conversation, MessageId};
use attachment::{Check, Key, Keystream};
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufWriter};
use tokio::sync::watch;
use tokio::task::JoinSet;

const PIECE: usize = 256 * 1024;
/// A file whose sender names no size may have this one.
pub(super) const LARGEST_UNSAID: u64 = 4 * 1024 * 1024 * 1024;

/// Where the bytes of a file go.
pub trait Sink: Send {
    /// The next bytes, in their order. Each was checked; the file is whole when [`Incoming::fetch`] has said so.
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, io::Result<()>>;
}

/// A file of a message. Dropping the future of [`Incoming::fetch`] ends the download.
pub struct Incoming {
    pub(super) wire: Wire,
    pub(super) file: Described,
    /// Where nobody says how long it is, it may be so long, in bytes.
    pub(super) most: u64,
    pub(super) progress: watch::Sender<Progress>,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Incoming([not shown])")
    }
}

impl Conversation {
    /// The file of a message. Nothing is fetched yet.
    ///
    /// # Errors
    /// [`FileError::NotFound`] when the message has none, [`FileError::Form`] when its form is not known.
    pub fn file(&self, message: &MessageId) -> Result<Incoming, FileError> {
        let item = self.item(message).ok_or(FileError::NotFound)?;
        let event = item.as_event().ok_or(FileError::NotFound)?;
        let message = event.content().as_message().ok_or(FileError::NotFound)?;
        let parts = event.original_json().filter(|_| !message.is_edited()).and_then(|json| in_parts(json.json().get()));
        let file = parts.or_else(|| described_by(message.msgtype())).ok_or(FileError::NotFound)??;
        Ok(self.incoming(file, LARGEST_UNSAID))
    }

    /// The small picture of a message, or of its study. Nothing is fetched yet.
    ///
    /// # Errors
    /// [`FileError::NotFound`] when the message has none, [`FileError::Form`] when its form is not known.
    pub fn thumbnail(&self, message: &MessageId) -> Result<Incoming, FileError> {
        let item = self.item(message).ok_or(FileError::NotFound)?;
        let event = item.as_event().ok_or(FileError::NotFound)?;
        let message = event.content().as_message().ok_or(FileError::NotFound)?;
        let json = event.original_json().filter(|_| !message.is_edited());
        let of_study = json.and_then(|json| study::thumbnail(json.json().get()));
        let file = of_study.or_else(|| thumbnail_by(message.msgtype())).ok_or(FileError::NotFound)??;
        Ok(self.incoming(file, LARGEST_THUMBNAIL))
    }

    fn incoming(&self, file: Described, most: u64) -> Incoming {
        let progress = watch::Sender::new(Progress { moved: 0, total: file.size });
        Incoming { wire: self.wire.clone(), file, most, progress }
    }
}

impl Incoming {
    /// Its name, cleaned.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// Its media type as the sender says, where that is one.
    #[must_use]
    pub fn mimetype(&self) -> Option<&str> {
        self.file.mimetype.as_deref()
    }

    /// Bytes as the sender says.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.file.size
    }

    /// How far it is, now and from now on.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Fetches, checks and decrypts it into `sink`, part after part. Gives its length.
    ///
    /// # Errors
    /// [`FileError`]; the sink then holds a beginning of the file, which is to be thrown away.
    pub async fn fetch(&self, sink: &mut dyn Sink) -> Result<u64, FileError> {
        let parts = self.parts().await?;
        let (mut coming, mut length) = (parts.iter().cloned(), 0);
        // Of its own, so that another core may look at what comes while this one decrypts. Dropping it ends it.
        let mut ahead = JoinSet::new();
        let begin = |ahead: &mut JoinSet<_>, part: Option<Part>, before| {
            let Some(part) = part else { return };
            let (line, most) = (self.line(), part.size.unwrap_or(self.most));
            ahead.spawn(async move {
                let arrived = line.arrive(&part, most, before).await?;
                Ok::<_, FileError>((part, arrived))
            });
        };
        begin(&mut ahead, coming.next(), 0);
        while let Some(arrived) = ahead.join_next().await {
            let (part, arrived) = arrived.map_err(|error| FileError::Sink(error.to_string()))??;
            length += arrived.length;
            begin(&mut ahead, coming.next(), length);
            decrypt(&self.file.key, &part, &arrived, sink).await?;
        }
        Ok(length)
    }

    /// The parts of the file, also where they are listed in a file of their own.
    pub(super) async fn parts(&self) -> Result<Cow<'_, [Part]>, FileError> {
        match &self.file.parts {
            Parts::Here(parts) => Ok(Cow::Borrowed(parts)),
            Parts::Listed { key, list, whole } => {
                let arrived = self.line().arrive(list, LONGEST_LIST, 0).await?;
                let mut bytes = Collected::default();
                decrypt(key, list, &arrived, &mut bytes).await?;
                whole.listed(&bytes.0).map(Cow::Owned)
            }
        }
    }

    pub(super) fn line(&self) -> Line {
        Line { wire: self.wire.clone(), progress: self.progress.clone() }
    }
}

/// By which the parts of one file come.
#[derive(Clone)]
pub(super) struct Line {
    wire: Wire,
    progress: watch::Sender<Progress>,
}

impl Line {
    pub(super) async fn arrive(&self, part: &Part, most: u64, before: u64) -> Result<Arrived, FileError> {
        let mut attempts = Attempts::default();
        loop {
            self.progress.send_modify(|progress| progress.moved = before);
            match self.attempt(part, most).await {
                Ok(arrived) => return Ok(arrived),
                Err(trouble) => self.wire.after(&mut attempts, trouble).await?,
            }
        }
    }

    /// Ciphertext of a part on disk, its hash and its length checked.
    async fn attempt(&self, part: &Part, most: u64) -> Result<Arrived, Trouble> {
        let mut answer = self.wire.download(&part.url).await?;
        let final_ = |error: FileError| Trouble::Final(error);
        if answer.content_length().is_some_and(|length| length > most) {
            return Err(final_(FileError::Altered));
        }
        let (mut arrived, file) = Arrived::begin(&self.wire.folder).await.map_err(final_)?;
        let mut file = BufWriter::with_capacity(PIECE, file);
        let mut check = Check::default();
        while let Some(piece) = Wire::piece(&mut answer).await? {
            arrived.length += piece.len() as u64;
            if arrived.length > most {
                return Err(final_(FileError::Altered));
            }
            check.push(&piece);
            file.write_all(&piece).await.map_err(|error| final_(of_disk(&error)))?;
            self.progress.send_modify(|progress| progress.moved += piece.len() as u64);
        }
        file.flush().await.map_err(|error| final_(of_disk(&error)))?;
        if part.size.is_some_and(|size| size != arrived.length) {
            return Err(final_(FileError::Altered));
        }
        check.finish(&part.seal).map_err(|altered| final_(altered.into()))?;
        Ok(arrived)
    }
}

/// What arrived and was checked goes into the sink.
async fn decrypt(key: &Key, part: &Part, arrived: &Arrived, sink: &mut dyn Sink) -> Result<(), FileError> {
    let mut file = File::open(&arrived.path).await.map_err(|error| of_disk(&error))?;
    let (mut stream, mut left) = (Keystream::at(key, &part.seal.iv, 0), arrived.length);
    loop {
        let mut piece = BytesMut::with_capacity(PIECE);
        while piece.len() < PIECE && file.read_buf(&mut piece).await.map_err(|error| of_disk(&error))? > 0 {}
        if piece.is_empty() {
            // The disk has to have kept what was checked.
            return if left == 0 { Ok(()) } else { Err(FileError::Altered) };
        }
        left = left.checked_sub(piece.len() as u64).ok_or(FileError::Altered)?;
        stream.apply(&mut piece);
        sink.write(piece.freeze()).await.map_err(|error| of_disk(&error))?;
    }
}

/// What is short enough for the memory.
#[derive(Default)]
struct Collected(Vec<u8>);

impl Sink for Collected {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, io::Result<()>> {
        self.0.extend_from_slice(&bytes);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Ciphertext on disk. Dropping this removes it.
pub(super) struct Arrived {
    pub(super) path: PathBuf,
    pub(super) length: u64,
}

impl Arrived {
    async fn begin(folder: &std::path::Path) -> Result<(Self, File), FileError> {
        tokio::fs::create_dir_all(folder).await.map_err(|error| of_disk(&error))?;
        let path = folder.join(format!("{:032x}", rand::random::<u128>()));
        let file = File::create_new(&path).await.map_err(|error| of_disk(&error))?;
        Ok((Self { path, length: 0 }, file))
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "ciphertext stays behind");
        }
    }
}

pub(super) fn of_disk(error: &io::Error) -> FileError {
    if error.kind() == io::ErrorKind::StorageFull { FileError::DiskFull } else { FileError::Sink(error.to_string()) }
}
