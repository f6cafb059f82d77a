//! What goes into a round and what comes out of it.

use super::address::{IceHosts, IceServer, JoinUrl, ServerUrl, Token};
use super::facts::Fact;
use super::offers::OfferWish;
use super::own::{Layer, Step, TrackWish};
use super::wire;
use std::fmt;
use thiserror::Error;

/// No candidate is longer, in bytes.
pub(super) const LONGEST_CANDIDATE: usize = 1024;

/// What does not change during a round.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the round is; another one is tried where one fails. One to eight.
    pub servers: Vec<ServerUrl>,
    /// Whose STUN and TURN servers may be asked.
    pub ice_hosts: IceHosts,
    /// This program's version, for the server's log.
    pub version: String,
    /// `linux`, `windows`, `macos`, for the server's log.
    pub system: String,
    /// Whether everything that others publish is received without being asked for.
    pub auto_subscribe: bool,
    /// Whether the server waits for [`Input::View`] before it sends pictures.
    pub adaptive_stream: bool,
    /// Sections that receive, in the first offer.
    pub sections: Sections,
}

/// So many sections that only receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sections {
    /// For sound, at most 50.
    pub audios: u32,
    /// For pictures, at most 50.
    pub videos: u32,
}

impl Default for Sections {
    /// Three of each, as client-sdk-js has them: what more is needed, the server asks for.
    fn default() -> Self {
        Self { audios: 3, videos: 3 }
    }
}

/// Why a round cannot be begun with these options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// None, or more than eight.
    #[error("not one to eight servers")]
    Servers,
    /// More than 50 of a kind.
    #[error("more than 50 sections of a kind")]
    Sections,
}

/// Numbers the sockets of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketNo(pub(super) u32);

/// Numbers the peer connections of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerNo(pub(super) u32);

/// A description of a session (RFC 8866). It holds a password of ICE, so it does not print.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sdp(pub(super) String);

impl Sdp {
    /// Takes a description as it is.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sdp({} bytes)", self.0.len())
    }
}

/// A binary message of a WebSocket. It may hold a description, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(pub(super) Vec<u8>);

impl Frame {
    /// All of it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// All of it.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.0.len())
    }
}

/// `RTCIceCandidateInit` (W3C WebRTC §4.8.1.1). It holds addresses, so it does not print.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Candidate {
    /// `candidate:…` (RFC 8839 §5.1), at most 1,024 bytes.
    pub candidate: String,
    /// The section it is for.
    pub mid: Option<String>,
    /// The number of the section it is for, from 0.
    pub line: Option<u16>,
    /// The generation of ICE that it belongs to.
    pub ufrag: Option<String>,
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Candidate(..)")
    }
}

impl Candidate {
    pub(super) fn read(json: &str) -> Option<Self> {
        if json.len() > 2 * LONGEST_CANDIDATE {
            return None;
        }
        let value: serde_json::Value = serde_json::from_str(json).ok()?;
        let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
        let candidate = text("candidate")?;
        let line = value.get("sdpMLineIndex").and_then(serde_json::Value::as_u64);
        // A line break would begin a line of its own in a description.
        let sound = candidate.len() <= LONGEST_CANDIDATE && !candidate.chars().any(char::is_control);
        sound.then(|| Self {
            candidate,
            mid: text("sdpMid").filter(|mid| wire::is_mid(mid)),
            line: line.and_then(|line| u16::try_from(line).ok()),
            ufrag: text("usernameFragment").filter(|ufrag| wire::is_id(ufrag)),
        })
    }

    pub(super) fn written(&self) -> String {
        serde_json::json!({
            "candidate": self.candidate,
            "sdpMid": self.mid,
            "sdpMLineIndex": self.line,
            "usernameFragment": self.ufrag,
        })
        .to_string()
    }
}

/// `RTCPeerConnectionState` and the one state of ICE that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerState {
    /// ICE has a pair; DTLS begins.
    IceConnected,
    /// Sound and picture can flow.
    Connected,
    /// The server does not answer any more.
    Disconnected,
    /// It will not recover by itself.
    Failed,
    /// It refused a description or broke otherwise, and is of no use any more.
    Broken,
}

/// How a track of somebody else is to be sent to us (`UpdateTrackSettings`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Whether at all.
    pub shown: bool,
    /// In which of its layers, where no size is named.
    pub step: Step,
    /// The size that it is shown at, in pixels; 0 where the layer is named.
    pub width: u32,
    /// The size that it is shown at, in pixels; 0 where the layer is named.
    pub height: u32,
    /// Pictures per second; 0 for all.
    pub fps: u32,
    /// 1 goes before everything else where the line is narrow; 0 leaves it to the server.
    pub priority: u32,
}

/// What the shell did or saw.
#[derive(Debug)]
pub enum Input<'a> {
    /// The round begins. Once.
    Join,
    /// There is a newer token, for the next socket.
    Token(Token),
    /// It is [`Course::due`](super::Course::due).
    Due,
    /// A socket is open.
    SocketOpened(SocketNo),
    /// A socket was not opened: by the server with this HTTP status, or by the network.
    SocketRefused(SocketNo, Option<u16>),
    /// A socket is closed, by whomever.
    SocketClosed(SocketNo),
    /// A binary message came.
    Received(SocketNo, &'a [u8]),
    /// An offer was made, by the wish of this number.
    Offer {
        /// By which peer connection.
        peer: PeerNo,
        /// Of [`Output::Build`] or [`OfferWish`].
        offer: u32,
        /// The description.
        sdp: Sdp,
    },
    /// The peer connection wants to negotiate for a reason of its own.
    Negotiate(PeerNo),
    /// The peer connection found a way to reach it.
    Candidate(PeerNo, Candidate),
    /// The peer connection is in another state.
    Peer(PeerNo, PeerState),
    /// A data channel of the peer connection has this label and id; a session that goes on names them.
    Channel(PeerNo, &'a str, u16),
    /// Packets of sound or picture came. Told at least each 250 ms as long as some come, and not for each.
    Packets(PeerNo),
    /// A track of ours is to be sent. A second wish with the `cid` of a track that is there changes nothing.
    Publish(TrackWish),
    /// A track of ours is not to be sent any more.
    Unpublish(&'a str),
    /// A track of ours is muted or not.
    Mute(&'a str, bool),
    /// The picture of a track of ours has another size.
    Resize {
        /// Of the track.
        cid: &'a str,
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// As in [`TrackWish`].
        layers: Vec<Layer>,
    },
    /// A track of somebody else is to be received or not.
    Subscribe(&'a str, bool),
    /// A track of somebody else is to be sent like this.
    View(&'a str, View),
    /// We leave.
    Leave,
}

/// What the shell is to do, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Make a peer connection with the data channels `_reliable`, `_lossy` and `_data_track`, senders for these tracks
    /// of ours and so many sections that receive, and an offer.
    ///
    /// The offer goes back by [`Input::Offer`] as it was created; `set_local_description` is held back until this peer
    /// connection's first [`Output::IceServers`], since it begins to gather candidates, and only then it is known which
    /// STUN and TURN servers may be asked. That comes with the join, so before the answer. Later offers are set as soon
    /// as they are created.
    Build {
        /// Its number.
        peer: PeerNo,
        /// The number of the offer.
        offer: u32,
        /// Sections that only receive.
        sections: Sections,
        /// Tracks of ours, by `cid`.
        senders: Vec<String>,
    },
    /// These STUN and TURN servers may be used by it, and no others of the server's; none, if the list is empty. The first
    /// after [`Output::Build`] lets the first offer be set.
    IceServers(PeerNo, Vec<IceServer>),
    /// Open a WebSocket.
    Open {
        /// Its number.
        socket: SocketNo,
        /// Its address.
        url: JoinUrl,
        /// Whose [`Token::authorization`] is the header `Authorization`.
        token: Token,
    },
    /// Send a binary message.
    Send(SocketNo, Frame),
    /// Close a socket; nothing of it is wanted any more.
    Close(SocketNo),
    /// Make another offer.
    Offer(OfferWish),
    /// Set the answer. If that fails, [`PeerState::Broken`] tells.
    Answer {
        /// Of which peer connection.
        peer: PeerNo,
        /// The description.
        sdp: Sdp,
        /// All sections that carry something: `mid` and the track's `sid`. Complete each time.
        mids: Vec<(String, String)>,
    },
    /// Add a candidate of the server's.
    Candidate(PeerNo, Candidate),
    /// Close a peer connection; nothing of it is wanted any more.
    Drop(PeerNo),
    /// Something to be shown.
    Fact(Fact),
}

/// What was not as expected, for a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that came.
    pub frames: u64,
    /// Frames that were too long, crowded or unreadable.
    pub bad_frames: u64,
    /// Messages of a kind that is unknown here.
    pub unknown_messages: u64,
    /// Bytes of fields that are unknown here.
    pub unknown_bytes: u64,
    /// Messages that have no meaning here: of two peer connections, of data tracks, for unknown tracks.
    pub unexpected: u64,
    /// Answers to other offers than the last.
    pub stale_answers: u64,
    /// What came from a replaced socket or peer connection.
    pub stale_inputs: u64,
    /// Addresses of ICE servers that nobody named.
    pub dropped_ice_urls: u64,
    /// People, tracks, sections, candidates and wishes beyond measure.
    pub refused: u64,
    /// Requests of the server to open what its owner muted.
    pub unmutes_refused: u64,
}
