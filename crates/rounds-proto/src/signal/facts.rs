//! What a round tells whoever shows it.

use super::address::Token;
use super::people::{Identity, Permissions, Person, Track};
use super::reason::{Cause, Reason, ServerReason};
use livekit_protocol as lk;
use std::time::Duration;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// The server let us in, for the first time or after everything was built again. Everything that was known of
    /// people and tracks before is replaced by this.
    Joined(Box<Joined>),
    /// Sound and picture can flow.
    Connected,
    /// The session goes on over a new socket.
    Resumed {
        /// The last number of ours that the server has of the reliable channel; what came after it is sent again.
        last_message: u32,
    },
    /// Something broke, and another attempt follows.
    Interrupted {
        /// What broke.
        cause: Cause,
        /// Whether sound and picture stay as they are meanwhile.
        how: How,
        /// The number of the attempt that follows, from 1 to 10.
        attempt: u32,
        /// When it follows.
        at: Duration,
    },
    /// Somebody came, or is different from before.
    Person(Person),
    /// Somebody left.
    PersonLeft {
        /// The person's `sid`.
        person: String,
        /// The person's identity.
        identity: Identity,
        /// As the server says.
        reason: ServerReason,
    },
    /// A track of somebody else.
    Track {
        /// The `sid` of its publisher.
        person: String,
        /// Its `sid`.
        track: String,
        /// What became of it.
        what: TrackFact,
    },
    /// A track comes through this section of the session description, or no longer. Sections are used again for
    /// others: nothing is to be tied to a `mid`.
    Bound {
        /// The section.
        mid: String,
        /// The `sid` of the track; none if the section is empty.
        track: Option<String>,
    },
    /// A track of ours.
    Own {
        /// As it was wished.
        cid: String,
        /// What became of it.
        what: OwnFact,
    },
    /// What we may do is different from before.
    Permissions(Permissions),
    /// Who speaks: everyone, the loudest first.
    Speakers(Vec<Speaker>),
    /// How well people are connected; those who are not named are as before.
    Quality(Vec<PersonQuality>),
    /// The server holds back a track because the line is narrow, or sends it again.
    Stream {
        /// Its `sid`.
        track: String,
        /// Held back.
        paused: bool,
    },
    /// The publisher lets us receive a track, or no longer.
    Allowed {
        /// Its `sid`.
        track: String,
        /// Whether.
        allowed: bool,
    },
    /// A track that was wished cannot be received.
    Unavailable {
        /// Its `sid`.
        track: String,
        /// Why.
        why: SubscriptionFailure,
    },
    /// The server refused a request of ours; where it was for a place for a track, [`OwnFact::Refused`] says so.
    Refused(Refusal),
    /// The number of people in the room as the server counts them, and whether somebody records.
    Room {
        /// With ourselves.
        people: u32,
        /// The server records. It has only what is encrypted, and still everyone is to see it.
        recording: bool,
    },
    /// A newer token, to be kept where the old one is.
    TokenRefreshed(Token),
    /// The end. Nothing follows.
    Left(Reason),
}

/// With what a round begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// Whether this is not the first time.
    pub again: bool,
    /// The room's `sid`.
    pub room: String,
    /// The room's name, an untrusted text of at most 128 characters.
    pub room_name: String,
    /// Ourselves.
    pub me: Person,
    /// Everyone else, in the order of their `sid`s.
    pub others: Vec<Person>,
    /// The end of frames that the server itself puts in, in clear. They are dropped.
    pub sif_trailer: Vec<u8>,
    /// As the server calls its version, an untrusted text of at most 128 characters.
    pub server_version: String,
    /// The node that holds the room, an untrusted text of at most 128 characters.
    pub server_node: String,
}

/// How a round goes on after an interruption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A new socket for the same session; sound and picture are not touched.
    Resume,
    /// A new peer connection and a new join.
    Rejoin,
}

/// What became of somebody's track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrackFact {
    /// It is there.
    Published(Track),
    /// Its publisher muted it, or no longer.
    Muted(bool),
    /// It is gone.
    Unpublished,
}

/// What became of a track of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnFact {
    /// The server has a place for it.
    Published {
        /// Its `sid`.
        track: String,
    },
    /// Somebody receives it.
    Subscribed,
    /// What of it is wanted. Layers that nobody wants are not to be encoded.
    Wanted(Vec<CodecWanted>),
    /// The server muted it: nothing is to be sent, and the person is to be told.
    MutedByServer,
    /// The server has no place for it. It is gone; the person is to be told, since nobody hears or sees it.
    Refused(Refusal),
    /// It is gone, by our wish or by the server's.
    Unpublished,
}

/// Which layers of a track are wanted in one codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecWanted {
    /// `vp8`, `opus` …; an untrusted text of at most 128 characters, empty if not said.
    pub codec: String,
    /// The layer `q`.
    pub low: bool,
    /// The layer `h`.
    pub medium: bool,
    /// The layer `f`.
    pub high: bool,
}

/// Somebody who speaks.
#[derive(Debug, Clone, PartialEq)]
pub struct Speaker {
    /// The person's `sid`.
    pub person: String,
    /// From 0 to 1, the loudest.
    pub level: f32,
}

/// `ConnectionQuality` of `livekit_models.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// Sound and picture suffer.
    Poor,
    /// Some is lost.
    Good,
    /// Nothing to complain of.
    Excellent,
    /// Nothing comes through.
    Lost,
}

/// How well somebody is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonQuality {
    /// The person's `sid`.
    pub person: String,
    /// As the server judges.
    pub quality: Quality,
}

/// `SubscriptionError` of `livekit_models.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionFailure {
    /// Not said.
    Unknown,
    /// We have no codec for it.
    Codec,
    /// There is no such track.
    NotFound,
}

/// `RequestResponse.Reason` of `livekit_rtc.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not said, or with a reason that is none for what we ask.
    Other,
    /// There is no such track.
    NotFound,
    /// The token does not allow it.
    NotAllowed,
    /// The server has too much already.
    LimitExceeded,
    /// The server does not do this.
    Unsupported,
    /// The server did not answer: within 10 s, for a track of ours.
    NoAnswer,
}

impl Refusal {
    /// None where it is no refusal.
    pub(super) fn of(wire: i32) -> Option<Self> {
        use lk::request_response::Reason;
        match Reason::try_from(wire) {
            Ok(Reason::Ok | Reason::Queued) => None,
            Ok(Reason::NotFound) => Some(Self::NotFound),
            Ok(Reason::NotAllowed) => Some(Self::NotAllowed),
            Ok(Reason::LimitExceeded) => Some(Self::LimitExceeded),
            Ok(Reason::UnsupportedType) => Some(Self::Unsupported),
            Ok(
                Reason::UnclassifiedError
                | Reason::InvalidHandle
                | Reason::InvalidName
                | Reason::DuplicateHandle
                | Reason::DuplicateName
                | Reason::InvalidRequest,
            )
            | Err(_) => Some(Self::Other),
        }
    }
}

impl SubscriptionFailure {
    pub(super) fn of(wire: i32) -> Self {
        match lk::SubscriptionError::try_from(wire) {
            Ok(lk::SubscriptionError::SeCodecUnsupported) => Self::Codec,
            Ok(lk::SubscriptionError::SeTrackNotfound) => Self::NotFound,
            Ok(lk::SubscriptionError::SeUnknown) | Err(_) => Self::Unknown,
        }
    }
}

impl Quality {
    pub(super) fn of(wire: i32) -> Option<Self> {
        Some(match lk::ConnectionQuality::try_from(wire).ok()? {
            lk::ConnectionQuality::Poor => Self::Poor,
            lk::ConnectionQuality::Good => Self::Good,
            lk::ConnectionQuality::Excellent => Self::Excellent,
            lk::ConnectionQuality::Lost => Self::Lost,
        })
    }
}
