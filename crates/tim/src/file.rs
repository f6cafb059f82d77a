//! Files in a conversation: sent and fetched as streams, whatever their size.
//!
//! The library's own calls hold a file several times over; these hold one piece of it. A file goes as one encrypted
//! upload and the ordinary `m.file`, `m.image`, `m.video` or `m.audio`; what is larger than the homeserver takes, or
//! than 64 MiB, goes in parts.

mod form;
mod handed;
mod incoming;
mod journal;
mod kept;
mod outgoing;
mod spool;
mod study;
mod wire;

pub(crate) use form::picture_of;
pub use incoming::{Incoming, Sink};
pub use journal::{Entries, Interrupted, Interruptions, Note, UploadJournal, UploadJournalError};
pub use kept::Kept;
pub use outgoing::{Fallback, InMemory, NewFile, Outgoing, Source, Splitting, Thumbnail};
pub use spool::Spool;
pub use study::{NewStudy, StudyLabel};

pub(crate) use form::{described_by, in_parts};
pub(crate) use handed::strike_queued;
pub(crate) use journal::interruptions;
pub(crate) use study::{DescribedStudy, read as study_said};
pub(crate) use wire::{Wire, forget_arrived};

use crate::ConversationError;

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that were handed to the network, or that came from it.
    pub moved: u64,
    /// Of so many, as far as that is known.
    pub total: Option<u64>,
}

/// Why a file was not sent or fetched.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The conversation does not take it.
    #[error(transparent)]
    Conversation(#[from] ConversationError),
    /// No such message, or it has no file.
    #[error("there is no such file")]
    NotFound,
    /// This person may not write here.
    #[error("this person may not write here")]
    NotAllowed,
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is larger than the homeserver takes.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The largest that would be taken, in bytes.
        limit: u64,
    },
    /// It could not be read where it comes from.
    #[error("the file cannot be read: {0}")]
    Source(String),
    /// It has another length than was said.
    #[error("the file has changed while it was read")]
    Changed,
    /// The sender's program wrote a form that this one does not know.
    #[error("the file has a form that is not known")]
    Form,
    /// It is not what was sent.
    #[error("the file is not what was sent")]
    Altered,
    /// It could not be written where it goes.
    #[error("the file cannot be written: {0}")]
    Sink(String),
    /// No space for what arrives.
    #[error("no space for the file")]
    DiskFull,
    /// The homeserver does not answer.
    #[error("the homeserver cannot be reached: {0}")]
    Unreachable(String),
    /// The homeserver says no.
    #[error("the homeserver refused: {0}")]
    Refused(String),
}

impl From<attachment::Altered> for FileError {
    fn from(_altered: attachment::Altered) -> Self {
        Self::Altered
    }
}
