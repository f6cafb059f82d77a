#![doc = include_str!("../README.md")]
// The futures of matrix-sdk are deep.
#![recursion_limit = "256"]

mod account;
mod arrivals;
mod case;
mod clock;
mod conversation;
mod devices;
mod disk;
mod file;
mod form;
mod generation;
mod homeserver;
mod insurance;
mod list;
mod name;
mod openid;
mod people;
mod permission;
mod person;
mod proof;
mod queue;
mod recovery;
mod reset;
mod rooms;
mod rtc;
mod secrets;
mod settled;
mod signals;
mod sync;
mod text;
mod typed;
mod verification;

pub use account::{Account, AccountError, AccountOptions, SessionStore, SessionStoreError, SignIn, StoredSession};
pub use arrivals::{Arrival, Attention};
pub use case::{CaseLink, Pinned, Presence};
pub use conversation::{
    Act, Body, Change, ChangeKind, ChangedIdentity, Conversation, ConversationError, Device, Earlier, Encryption, Line,
    Loud, Message, MessageId, Naming, Pending, Picture, Reaction, Replied, Rights, Sending, SendingFailed,
    Undecryptable, Version,
};
pub use devices::{DeviceTrust, OwnDevice};
pub use file::{
    Entries, Fallback, FileError, InMemory, Incoming, Interrupted, Interruptions, Kept, NewFile, NewStudy, Note,
    Outgoing, Progress, Sink, Source, Splitting, Spool, StudyLabel, Thumbnail, UploadJournal, UploadJournalError,
};
pub use form::{Answer, Answered, DocumentFile, Form, Kind as FormKind, Moment, NewDocument, Structured};
pub use homeserver::{Clients, Homeserver, HomeserverError, SignInWay};
pub use list::{Kind, Last, LastKind, Membership, Row};
pub use openid::{OpenId, OpenIdToken};
pub use people::FoundPeople;
pub use permission::{Everybody, Permissions};
pub use person::Person;
pub use proof::{Demand, Proof, ProofError, ProofWay};
pub use recovery::{RecoveryError, RecoveryKey, RecoveryState};
pub use rooms::NewConversation;
pub use rtc::{
    CallNews, Calls, Focus, Member, Missed, MissedWhy, Round, RoundError, RoundEvent, Running, RunningChanges,
};
pub use signals::Signals;
pub use sync::SyncState;
pub use text::{Block, Span};
pub use typed::{Named, Typed, Whom};
pub use verification::{Counterpart, Symbols, Verification, VerificationEnd, VerificationError, VerificationState};
