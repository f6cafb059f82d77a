//! Why a round is interrupted, and why it ends.

use livekit_protocol as lk;
use std::time::Duration;

/// Client-sdk-js of August 2026, `DefaultReconnectPolicy.ts`: the pauses before each attempt, in milliseconds.
const PAUSES: [u64; 10] = [0, 300, 1200, 2700, 4800, 7000, 7000, 7000, 7000, 7000];
/// The most that chance adds to a pause, in milliseconds.
const JITTER: u64 = 1000;

/// The pause before attempt number `attempt`, counted from 0; none after the last.
///
/// `chance` is any random number. The first two pauses have no chance in them, as in `DefaultReconnectPolicy.ts`:
/// one person's lost socket is to be back at once, and whoever fails twice shares a server's failure with others.
#[must_use]
pub(super) fn pause(attempt: u32, chance: u64) -> Option<Duration> {
    let millis = *PAUSES.get(usize::try_from(attempt).ok()?)?;
    let jitter = if attempt < 2 { 0 } else { chance % (JITTER + 1) };
    Some(Duration::from_millis(millis + jitter))
}

/// What interrupted a round, or kept it from beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The socket closed without a word.
    SocketClosed,
    /// The server answered the request for a socket with this HTTP status, or not at all.
    SocketRefused(Option<u16>),
    /// The socket was not open after 15 s.
    SocketTimeout,
    /// The socket was open, and nothing came through it for 5 s.
    NoFirstMessage,
    /// The first message was none that may be first.
    BadFirstMessage,
    /// Too much of what came could not be read.
    Garbled,
    /// No pong for as long as the server itself allows.
    NoPong,
    /// Neither a word from the server nor a packet of sound or picture for 2 s.
    Silent,
    /// The peer connection made no offer within 15 s.
    NoOffer,
    /// The server answered no offer within 15 s.
    NoAnswer,
    /// The peer connection was not connected 15 s after the server let us in.
    PeerTimeout,
    /// ICE was connected, and DTLS was not done 1.5 s later; 3, 6, 12 and 15 s later after so many failures in a row.
    HandshakeStuck,
    /// The peer connection failed before it was ever connected, or refused what the server answered.
    PeerFailed,
    /// The peer connection lost the server.
    PeerLost,
    /// The server asked for it, or ended the session for a reason of its own.
    ServerAsked(ServerReason),
}

/// Why a round is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// We left.
    ByUs,
    /// The server ended it.
    Server(ServerReason),
    /// The token is not, or no longer, accepted (HTTP 401). A new one opens a new round.
    TokenRefused,
    /// The token is good for something else (HTTP 403).
    NotAllowed,
    /// No server of rounds is there, or one that does not speak `/rtc/v1` (HTTP 404).
    NoServer,
    /// The server wanted to move us to another room. Keys and people belong to one room, so we do not go.
    Moved,
    /// Every attempt failed, the last for this cause.
    GaveUp(Cause),
}

/// `DisconnectReason` of `livekit_models.proto`, in our words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerReason {
    /// None was given, or one that this program does not know.
    Unknown,
    /// The participant asked for it.
    ClientInitiated,
    /// The same identity joined from elsewhere.
    DuplicateIdentity,
    /// The server shuts down.
    ServerShutdown,
    /// Somebody with the right to do so removed the participant.
    Removed,
    /// The room was deleted.
    RoomDeleted,
    /// The server does not know the session that was to be resumed.
    StateMismatch,
    /// The join did not succeed.
    JoinFailure,
    /// The room moves to another node of the server.
    Migration,
    /// The signalling connection was closed.
    SignalClose,
    /// Everyone left, and the room was closed.
    RoomClosed,
    /// The one who was called did not answer.
    UserUnavailable,
    /// The one who was called declined.
    UserRejected,
    /// The telephone line failed.
    SipTrunkFailure,
    /// The server heard nothing from the participant.
    ConnectionTimeout,
    /// Sound or picture failed.
    MediaFailure,
    /// A program in the room failed.
    AgentError,
}

impl ServerReason {
    /// Whether a server that disconnects for this means the participant or the room. Everything else is a trouble of
    /// its own, and is joined again.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::ServerShutdown
            | Self::StateMismatch
            | Self::JoinFailure
            | Self::Migration
            | Self::SignalClose
            | Self::ConnectionTimeout => false,
            Self::Unknown
            | Self::ClientInitiated
            | Self::DuplicateIdentity
            | Self::Removed
            | Self::RoomDeleted
            | Self::RoomClosed
            | Self::UserUnavailable
            | Self::UserRejected
            | Self::SipTrunkFailure
            | Self::MediaFailure
            | Self::AgentError => true,
        }
    }

    pub(super) fn of(wire: i32) -> Self {
        let Ok(reason) = lk::DisconnectReason::try_from(wire) else { return Self::Unknown };
        match reason {
            lk::DisconnectReason::UnknownReason => Self::Unknown,
            lk::DisconnectReason::ClientInitiated => Self::ClientInitiated,
            lk::DisconnectReason::DuplicateIdentity => Self::DuplicateIdentity,
            lk::DisconnectReason::ServerShutdown => Self::ServerShutdown,
            lk::DisconnectReason::ParticipantRemoved => Self::Removed,
            lk::DisconnectReason::RoomDeleted => Self::RoomDeleted,
            lk::DisconnectReason::StateMismatch => Self::StateMismatch,
            lk::DisconnectReason::JoinFailure => Self::JoinFailure,
            lk::DisconnectReason::Migration => Self::Migration,
            lk::DisconnectReason::SignalClose => Self::SignalClose,
            lk::DisconnectReason::RoomClosed => Self::RoomClosed,
            lk::DisconnectReason::UserUnavailable => Self::UserUnavailable,
            lk::DisconnectReason::UserRejected => Self::UserRejected,
            lk::DisconnectReason::SipTrunkFailure => Self::SipTrunkFailure,
            lk::DisconnectReason::ConnectionTimeout => Self::ConnectionTimeout,
            lk::DisconnectReason::MediaFailure => Self::MediaFailure,
            lk::DisconnectReason::AgentError => Self::AgentError,
        }
    }
}
