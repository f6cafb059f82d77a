//! The state machine itself: what comes in, what goes out, and what follows from what.

use super::address::{IceHosts, IceServer, JoinUrl, ServerUrl, Token};
use super::facts::{
    CodecWanted, Fact, How, Joined, OwnFact, PersonQuality, Quality, Refusal, Speaker, SubscriptionFailure, TrackFact,
};
use super::offers::{Late, OfferWish, Offers};
use super::own::{Layer, OwnTracks, Step, TrackWish};
use super::people::{MOST_PEOPLE, MOST_TRACKS, Permissions, Person, Roster};
use super::pulse::{Pulse, Verdict};
use super::reason::{Cause, Reason, ServerReason, pause};
use super::wire;
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// Client-sdk-js, `RTCEngine.ts`: the socket has to be open.
const SOCKET: Duration = Duration::from_secs(15);
/// Client-sdk-js, `SignalClient.ts`: the first message has to be there after the socket is open.
const FIRST_MESSAGE: Duration = Duration::from_secs(5);
/// Client-sdk-js, `RTCEngine.ts`: the peer connection has to be connected after the join.
const PEER: Duration = Duration::from_secs(15);
/// DTLS takes two round trips. webrtc-rs 0.21.1 stops repeating its messages where one was lost, and then hangs for
/// ever; a new peer connection takes less time than waiting to be sure.
const HANDSHAKE: Duration = Duration::from_millis(1500);
/// So long has a round to hold before its next failure counts as the first again.
const STEADY: Duration = Duration::from_secs(10);
/// More frames of one socket that cannot be read are not waited for.
const MOST_BAD_FRAMES: u32 = 16;
/// More candidates are not kept waiting.
const MOST_WAITING: usize = 64;
/// No candidate is longer, in bytes.
const LONGEST_CANDIDATE: usize = 1024;
/// More wishes about tracks are not kept.
const MOST_WISHES: usize = 2 * MOST_PEOPLE;
/// More servers are not tried.
const MOST_SERVERS: usize = 8;
/// No offer of ours is longer, in bytes: it travels in an address, and livekit-server reads 1 MB.
const LONGEST_OFFER: usize = 512 * 1024;
/// No trailer of frames is longer, in bytes; LiveKit's has 44.
const LONGEST_TRAILER: usize = 256;
/// Data channels of one peer connection.
const MOST_CHANNELS: usize = 8;

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
pub struct SocketNo(u32);

/// Numbers the peer connections of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerNo(u32);

/// A description of a session (RFC 8866). It holds a password of ICE, so it does not print.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sdp(String);

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
pub struct Frame(Vec<u8>);

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
    fn read(json: &str) -> Option<Self> {
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

    fn written(&self) -> String {
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
    /// It will not recover by itself, or it refused a description.
    Failed,
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
    /// It is [`Course::due`].
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
    /// A track of ours is to be sent.
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
    /// These STUN and TURN servers may be used by it, and no others of the server's.
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
    /// Set the answer. If that fails, [`PeerState::Failed`] tells.
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

#[derive(Debug)]
enum Stage {
    New,
    Building,
    Opening { socket: SocketNo, how: How, since: Duration },
    Greeting { socket: SocketNo, how: How, since: Duration },
    Up { socket: SocketNo },
    Waiting { how: How, until: Duration, cause: Cause },
    Left,
}

#[derive(Debug)]
struct Peer {
    no: PeerNo,
    offers: Offers,
    connected: bool,
    was_connected: bool,
    /// When ICE was connected, while DTLS is not.
    handshake: Option<Duration>,
    /// When it has to be connected.
    until: Option<Duration>,
    /// Of the server, until there is the answer that they belong to.
    early: Vec<Candidate>,
    /// Ours, until the server has the offer that they belong to.
    waiting: Vec<Candidate>,
    channels: Vec<lk::DataChannelInfo>,
    bound: BTreeMap<String, String>,
}

/// A round, from the join to the end.
#[derive(Debug)]
pub struct Course {
    options: Options,
    token: Token,
    stage: Stage,
    outputs: VecDeque<Output>,
    peer: Option<Peer>,
    last_peer: u32,
    last_socket: u32,
    server: usize,
    attempt: u32,
    steady_at: Option<Duration>,
    joined: bool,
    me: Option<Person>,
    roster: Roster,
    own: OwnTracks,
    subscriptions: BTreeMap<String, bool>,
    views: BTreeMap<String, View>,
    speakers: BTreeMap<String, f32>,
    pulse: Option<Pulse>,
    bad_frames: u32,
    counts: Counts,
}

impl Course {
    /// A round that waits for [`Input::Join`].
    ///
    /// # Errors
    ///
    /// [`OptionsError`] where the options have no end or no beginning.
    pub fn new(options: Options, token: Token) -> Result<Self, OptionsError> {
        if !(1..=MOST_SERVERS).contains(&options.servers.len()) {
            return Err(OptionsError::Servers);
        }
        if options.sections.audios > 50 || options.sections.videos > 50 {
            return Err(OptionsError::Sections);
        }
        Ok(Self {
            options,
            token,
            stage: Stage::New,
            outputs: VecDeque::new(),
            peer: None,
            last_peer: 0,
            last_socket: 0,
            server: 0,
            attempt: 0,
            steady_at: None,
            joined: false,
            me: None,
            roster: Roster::default(),
            own: OwnTracks::default(),
            subscriptions: BTreeMap::new(),
            views: BTreeMap::new(),
            speakers: BTreeMap::new(),
            pulse: None,
            bad_frames: 0,
            counts: Counts::default(),
        })
    }

    /// Takes what happened.
    ///
    /// `now` counts from any fixed moment and does not run backwards. `chance` is any random number, another one each
    /// time; it moves attempts apart that would come to a server at the same moment.
    pub fn handle(&mut self, now: Duration, chance: u64, input: Input<'_>) {
        if matches!(self.stage, Stage::Left) {
            return;
        }
        match input {
            Input::Join => self.on_join(now),
            Input::Token(token) => self.token = token,
            Input::Due => self.on_due(now, chance),
            Input::SocketOpened(socket) => self.on_opened(now, socket),
            Input::SocketRefused(socket, status) => self.on_refused(now, chance, socket, status),
            Input::SocketClosed(socket) => {
                if self.is_current(socket) {
                    self.fail(now, chance, How::Resume, Cause::SocketClosed);
                }
            }
            Input::Received(socket, frame) => self.on_frame(now, chance, socket, frame),
            Input::Offer { peer, offer, sdp } => self.on_offer(now, chance, peer, offer, sdp),
            Input::Negotiate(peer) => {
                if let Some(peer) = self.current(peer) {
                    peer.offers.want();
                }
            }
            Input::Candidate(peer, candidate) => self.on_candidate(peer, candidate),
            Input::Peer(peer, state) => self.on_peer(now, chance, peer, state),
            Input::Channel(peer, label, id) => self.on_channel(peer, label, id),
            Input::Packets(peer) => {
                if self.current(peer).is_some()
                    && let Some(pulse) = &mut self.pulse
                {
                    pulse.packet(now);
                }
            }
            Input::Publish(wish) => self.on_publish(wish),
            Input::Unpublish(cid) => self.on_unpublish(cid),
            Input::Mute(cid, muted) => {
                if let Some(own) = self.own.by_cid(cid) {
                    own.wish.muted = muted;
                }
                self.tell_mutes();
            }
            Input::Resize { cid, width, height, layers } => {
                let request = self.own.by_cid(cid).and_then(|own| own.resize(width, height, layers));
                self.send_all(request);
            }
            Input::Subscribe(track, wanted) => self.on_subscribe(track, wanted),
            Input::View(track, view) => self.on_view(track, view),
            Input::Leave => self.leave(Reason::ByUs),
        }
        self.next_offer(now);
        self.note_steady(now);
    }

    /// The next thing to do; none until something is handled again.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Due`] is to come, if nothing else comes before; none if nothing is waited for.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        let stage = match &self.stage {
            Stage::New | Stage::Building | Stage::Left => None,
            Stage::Opening { since, .. } => Some(*since + SOCKET),
            Stage::Greeting { since, .. } => Some(*since + FIRST_MESSAGE),
            Stage::Up { .. } => self.pulse.as_ref().map(Pulse::due),
            Stage::Waiting { until, .. } => Some(*until),
        };
        let peer = self.peer.as_ref().filter(|_peer| self.watches_peer());
        let handshake = peer.and_then(|peer| peer.handshake).map(|since| since + HANDSHAKE);
        let until = peer.and_then(|peer| peer.until);
        let offer = peer.and_then(|peer| peer.offers.due());
        [stage, handshake, until, offer, self.steady_at].into_iter().flatten().min()
    }

    /// Whether the round is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Left)
    }

    /// Ourselves; none before the first join.
    #[must_use]
    pub fn me(&self) -> Option<&Person> {
        self.me.as_ref()
    }

    /// Everyone else, in the order of their `sid`s.
    pub fn others(&self) -> impl Iterator<Item = &Person> {
        self.roster.people()
    }

    /// The track that comes through a section.
    #[must_use]
    pub fn track_at(&self, mid: &str) -> Option<&str> {
        self.peer.as_ref()?.bound.get(mid).map(String::as_str)
    }

    /// What was not as expected.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn on_join(&mut self, now: Duration) {
        if matches!(self.stage, Stage::New) {
            self.build(now);
        }
    }

    /// A new peer connection, and nothing of an old one.
    fn build(&mut self, now: Duration) {
        self.drop_peer();
        self.last_peer = self.last_peer.saturating_add(1);
        let no = PeerNo(self.last_peer);
        let sections = self.options.sections;
        let offers = Offers::first(now, sections.audios, sections.videos);
        let senders = self.own.begin_again();
        self.put(Output::Build { peer: no, offer: offers.last(), sections, senders });
        self.peer = Some(Peer {
            no,
            offers,
            connected: false,
            was_connected: false,
            handshake: None,
            until: None,
            early: Vec::new(),
            waiting: Vec::new(),
            channels: Vec::new(),
            bound: BTreeMap::new(),
        });
        self.stage = Stage::Building;
    }

    fn on_offer(&mut self, now: Duration, chance: u64, peer: PeerNo, offer: u32, sdp: Sdp) {
        let building = matches!(self.stage, Stage::Building);
        let socket = self.up();
        let Some(peer) = self.current(peer) else { return };
        if sdp.0.len() > LONGEST_OFFER {
            self.fail(now, chance, How::Rejoin, Cause::NoOffer);
            return;
        }
        if !peer.offers.made(socket.map(|_socket| now), offer, &sdp) {
            self.counts.stale_inputs += 1;
            return;
        }
        if building {
            self.open_with_offer(now, offer, &sdp);
        } else {
            self.send(Request::Offer(wire::description("offer", &sdp.0, offer)));
            self.send_candidates();
        }
    }

    fn open_with_offer(&mut self, now: Duration, offer: u32, sdp: &Sdp) {
        let request = lk::JoinRequest {
            publisher_offer: Some(wire::description("offer", &sdp.0, offer)),
            add_track_requests: self.own.ask_with_offer(),
            ..wire::join_request(&self.options)
        };
        self.open(now, How::Rejoin, &request);
    }

    fn open_again(&mut self, now: Duration, cause: Cause) {
        let reason = match cause {
            Cause::PeerLost | Cause::PeerFailed | Cause::PeerTimeout | Cause::HandshakeStuck => {
                lk::ReconnectReason::RrPublisherFailed
            }
            Cause::SocketClosed
            | Cause::SocketRefused(_)
            | Cause::SocketTimeout
            | Cause::NoFirstMessage
            | Cause::BadFirstMessage
            | Cause::Garbled
            | Cause::NoPong
            | Cause::Silent => lk::ReconnectReason::RrSignalDisconnected,
            Cause::NoOffer | Cause::NoAnswer | Cause::ServerAsked(_) => lk::ReconnectReason::RrUnknown,
        };
        let request = lk::JoinRequest {
            reconnect: true,
            reconnect_reason: i32::from(reason),
            participant_sid: self.me.as_ref().map(|me| me.sid.clone()).unwrap_or_default(),
            ..wire::join_request(&self.options)
        };
        self.open(now, How::Resume, &request);
    }

    fn open(&mut self, now: Duration, how: How, request: &lk::JoinRequest) {
        let Some(server) = self.options.servers.get(self.server % self.options.servers.len()) else { return };
        let url = wire::join_url(server, request);
        self.last_socket = self.last_socket.saturating_add(1);
        let socket = SocketNo(self.last_socket);
        self.bad_frames = 0;
        self.put(Output::Open { socket, url, token: self.token.clone() });
        self.stage = Stage::Opening { socket, how, since: now };
    }

    fn on_opened(&mut self, now: Duration, socket: SocketNo) {
        if let Stage::Opening { socket: opening, how, .. } = self.stage
            && opening == socket
        {
            self.stage = Stage::Greeting { socket, how, since: now };
        } else {
            self.counts.stale_inputs += 1;
        }
    }

    fn on_refused(&mut self, now: Duration, chance: u64, socket: SocketNo, status: Option<u16>) {
        if !self.is_current(socket) {
            return;
        }
        // livekit-server, `rtcservice.go`: who may not come in is told so before the upgrade.
        match status {
            Some(401) => self.leave(Reason::TokenRefused),
            Some(403) => self.leave(Reason::NotAllowed),
            Some(404) if !self.joined && self.options.servers.len() == 1 => self.leave(Reason::NoServer),
            _ => self.fail(now, chance, How::Rejoin, Cause::SocketRefused(status)),
        }
    }

    fn on_candidate(&mut self, no: PeerNo, candidate: Candidate) {
        let up = self.up().is_some();
        let Some(peer) = self.current(no) else { return };
        if candidate.candidate.is_empty() || candidate.candidate.len() > LONGEST_CANDIDATE {
            return;
        }
        // The server is to have the offer before a candidate of its generation.
        if up && !peer.offers.is_making() {
            self.send(trickle(&candidate));
        } else if peer.waiting.len() < MOST_WAITING {
            peer.waiting.push(candidate);
        } else {
            self.counts.refused += 1;
        }
    }

    fn send_candidates(&mut self) {
        let waiting = self.peer.as_mut().map(|peer| std::mem::take(&mut peer.waiting)).unwrap_or_default();
        for candidate in waiting {
            self.send(trickle(&candidate));
        }
    }

    fn on_peer(&mut self, now: Duration, chance: u64, no: PeerNo, state: PeerState) {
        let up = self.up().is_some();
        let Some(peer) = self.current(no) else { return };
        match state {
            PeerState::IceConnected => {
                if !peer.was_connected && peer.handshake.is_none() {
                    peer.handshake = Some(now);
                }
            }
            PeerState::Connected => {
                let news = !peer.connected;
                peer.connected = true;
                peer.was_connected = true;
                peer.handshake = None;
                peer.until = None;
                if news {
                    self.put(Output::Fact(Fact::Connected));
                }
            }
            PeerState::Disconnected | PeerState::Failed => {
                peer.connected = false;
                if !peer.was_connected {
                    if state == PeerState::Failed {
                        self.fail(now, chance, How::Rejoin, Cause::PeerFailed);
                    }
                } else if !up || peer.offers.is_restarting() {
                    // A session that is being resumed is given the time for it.
                    peer.until.get_or_insert(now + PEER);
                } else {
                    self.fail(now, chance, How::Resume, Cause::PeerLost);
                }
            }
        }
    }

    fn on_channel(&mut self, no: PeerNo, label: &str, id: u16) {
        let Some(peer) = self.current(no) else { return };
        if peer.channels.len() < MOST_CHANNELS && wire::is_id(label) {
            peer.channels.push(lk::DataChannelInfo {
                label: label.to_owned(),
                id: u32::from(id),
                target: i32::from(lk::SignalTarget::Publisher),
            });
        }
    }

    fn on_publish(&mut self, wish: TrackWish) {
        let cid = wish.cid.clone();
        if !self.own.wish(wish) {
            self.counts.refused += 1;
            self.fact(Fact::Own { cid, what: OwnFact::Unpublished });
        } else if self.up().is_some() {
            let requests = self.own.ask();
            self.send_all(requests);
        }
    }

    fn on_unpublish(&mut self, cid: &str) {
        let Some(own) = self.own.remove(cid) else { return };
        if own.in_peer
            && let Some(peer) = &mut self.peer
        {
            // There is no message for it: the section that stops sending says it.
            peer.offers.unwant_sender(cid);
        }
        self.fact(Fact::Own { cid: cid.to_owned(), what: OwnFact::Unpublished });
    }

    fn on_subscribe(&mut self, track: &str, wanted: bool) {
        if !keep(&mut self.subscriptions, track, wanted) {
            self.counts.refused += 1;
        } else if let Some(request) = self.subscription(track) {
            self.send(request);
        }
    }

    fn on_view(&mut self, track: &str, view: View) {
        if self.views.get(track) == Some(&view) {
            return;
        }
        if !keep(&mut self.views, track, view) {
            self.counts.refused += 1;
        } else if let Some(request) = self.track_setting(track) {
            self.send(request);
        }
    }

    /// What the server is told of a wish, as soon as there is the track.
    fn subscription(&self, track: &str) -> Option<Request> {
        let subscribe = *self.subscriptions.get(track)?;
        let owner = self.roster.owner(track)?;
        let track_sids = vec![track.to_owned()];
        let tracks = lk::ParticipantTracks { participant_sid: owner.sid.clone(), track_sids: track_sids.clone() };
        Some(Request::Subscription(lk::UpdateSubscription { track_sids, subscribe, participant_tracks: vec![tracks] }))
    }

    fn track_setting(&self, track: &str) -> Option<Request> {
        let view = self.views.get(track)?;
        self.roster.owner(track)?;
        Some(Request::TrackSetting(lk::UpdateTrackSettings {
            track_sids: vec![track.to_owned()],
            disabled: !view.shown,
            quality: view.step.wire(),
            width: view.width,
            height: view.height,
            fps: view.fps,
            priority: view.priority,
        }))
    }

    fn on_due(&mut self, now: Duration, chance: u64) {
        match self.stage {
            Stage::New | Stage::Building | Stage::Left => {}
            Stage::Opening { since, .. } if since + SOCKET <= now => {
                self.fail(now, chance, How::Rejoin, Cause::SocketTimeout);
            }
            Stage::Greeting { since, .. } if since + FIRST_MESSAGE <= now => {
                self.fail(now, chance, How::Rejoin, Cause::NoFirstMessage);
            }
            Stage::Opening { .. } | Stage::Greeting { .. } => {}
            Stage::Up { .. } => self.on_pulse(now, chance),
            Stage::Waiting { how, until, cause } if until <= now => match how {
                How::Resume => self.open_again(now, cause),
                How::Rejoin => self.build(now),
            },
            Stage::Waiting { .. } => {}
        }
        self.on_peer_due(now, chance);
        if self.steady_at.is_some_and(|at| at <= now) {
            self.steady_at = None;
            self.attempt = 0;
        }
    }

    fn on_pulse(&mut self, now: Duration, chance: u64) {
        match self.pulse.as_ref().map_or(Verdict::Fine, |pulse| pulse.check(now)) {
            Verdict::Fine => {}
            Verdict::Silent => self.fail(now, chance, How::Resume, Cause::Silent),
            Verdict::NoPong => self.fail(now, chance, How::Resume, Cause::NoPong),
            Verdict::Ping => {
                let Some((timestamp, rtt)) = self.pulse.as_mut().map(|pulse| pulse.ping(now)) else { return };
                // Servers before protocol 9 know the first only, and the second measures the round trip.
                self.send(Request::Ping(timestamp));
                self.send(Request::PingReq(lk::Ping { timestamp, rtt }));
            }
        }
    }

    fn on_peer_due(&mut self, now: Duration, chance: u64) {
        if !self.watches_peer() {
            return;
        }
        let Some(peer) = &self.peer else { return };
        let cause = if peer.handshake.is_some_and(|since| since + HANDSHAKE <= now) {
            Cause::HandshakeStuck
        } else if peer.until.is_some_and(|until| until <= now) {
            Cause::PeerTimeout
        } else {
            match peer.offers.late(now) {
                Some(Late::Offer) => Cause::NoOffer,
                Some(Late::Answer) => Cause::NoAnswer,
                None => return,
            }
        };
        self.fail(now, chance, How::Rejoin, cause);
    }

    /// While a lost socket is replaced, the peer connection has time.
    fn watches_peer(&self) -> bool {
        match self.stage {
            Stage::Building | Stage::Up { .. } => true,
            Stage::Opening { how, .. } | Stage::Greeting { how, .. } => how == How::Rejoin,
            Stage::New | Stage::Waiting { .. } | Stage::Left => false,
        }
    }

    fn on_frame(&mut self, now: Duration, chance: u64, socket: SocketNo, frame: &[u8]) {
        let how = match self.stage {
            Stage::Greeting { socket: current, how, .. } if current == socket => Some(how),
            Stage::Up { socket: current } if current == socket => None,
            Stage::New
            | Stage::Building
            | Stage::Opening { .. }
            | Stage::Greeting { .. }
            | Stage::Up { .. }
            | Stage::Waiting { .. }
            | Stage::Left => {
                self.counts.stale_inputs += 1;
                return;
            }
        };
        self.counts.frames += 1;
        let Some(read) = wire::read(frame) else {
            self.counts.bad_frames += 1;
            self.bad_frames += 1;
            if how.is_some() {
                self.fail(now, chance, How::Rejoin, Cause::BadFirstMessage);
            } else if self.bad_frames > MOST_BAD_FRAMES {
                self.fail(now, chance, How::Rejoin, Cause::Garbled);
            }
            return;
        };
        self.counts.unknown_bytes += u64::try_from(read.unknown).unwrap_or_default();
        if let Some(pulse) = &mut self.pulse {
            pulse.heard(now);
        }
        match (read.message, how) {
            (Some(message), None) => self.on_message(now, chance, message),
            (Some(message), Some(how)) => self.on_first(now, chance, socket, how, message),
            (None, None) => self.counts.unknown_messages += 1,
            (None, Some(_)) => {
                self.counts.unknown_messages += 1;
                self.fail(now, chance, How::Rejoin, Cause::BadFirstMessage);
            }
        }
    }

    /// The first message decides what the socket is (client-sdk-js, `SignalClient.validateFirstMessage`).
    #[expect(clippy::wildcard_enum_match_arm, reason = "the protocol's list grows; nothing else may be first")]
    fn on_first(&mut self, now: Duration, chance: u64, socket: SocketNo, how: How, message: Response) {
        match (message, how) {
            (Response::Leave(leave), _) => self.on_leave(now, chance, &leave),
            (Response::Join(join), How::Rejoin) => self.on_joined(now, chance, socket, join),
            (Response::Reconnect(reconnect), How::Resume) => self.on_reconnected(now, socket, Some(reconnect)),
            (Response::Join(_) | Response::Reconnect(_), _) => {
                self.fail(now, chance, How::Rejoin, Cause::BadFirstMessage);
            }
            // A server that goes on with a session may say so by going on.
            (other, How::Resume) => {
                self.on_reconnected(now, socket, None);
                self.on_message(now, chance, other);
            }
            (_, How::Rejoin) => self.fail(now, chance, How::Rejoin, Cause::BadFirstMessage),
        }
    }

    fn on_joined(&mut self, now: Duration, chance: u64, socket: SocketNo, join: lk::JoinResponse) {
        let (me, left_out) = join.participant.map_or((None, 1), Person::of);
        self.counts.refused += left_out;
        let room = join.room.unwrap_or_default();
        let Some(me) = me.filter(|_me| wire::is_id(&room.sid)) else {
            // Also a server that is busy and names another one: its address is not ours, so it is not followed.
            self.fail(now, chance, How::Rejoin, Cause::BadFirstMessage);
            return;
        };
        self.stage = Stage::Up { socket };
        self.pulse = Some(Pulse::new(now, join.ping_interval, join.ping_timeout));
        self.roster.clear();
        self.speakers.clear();
        let mut unsaid = Vec::new();
        for other in join.other_participants {
            self.roster.take(other, &mut unsaid, &mut self.counts.refused);
        }
        let server = join.server_info.unwrap_or_default();
        let mut sif_trailer = join.sif_trailer;
        sif_trailer.truncate(LONGEST_TRAILER);
        let joined = Joined {
            again: self.joined,
            room: room.sid,
            room_name: wire::name(&room.name),
            me: me.clone(),
            others: self.roster.people().cloned().collect(),
            sif_trailer,
            server_version: wire::name(&server.version),
            server_node: wire::name(&server.node_id),
        };
        self.joined = true;
        self.me = Some(me);
        self.fact(Fact::Joined(Box::new(joined)));
        self.use_ice_servers(join.ice_servers);
        if let Some(peer) = &mut self.peer {
            peer.offers.heard(now);
            if !peer.connected {
                peer.until = Some(now + PEER);
            }
        }
        self.send_candidates();
        let requests = self.own.ask();
        self.send_all(requests);
        self.send_wishes();
    }

    fn on_reconnected(&mut self, now: Duration, socket: SocketNo, said: Option<lk::ReconnectResponse>) {
        self.stage = Stage::Up { socket };
        if let Some(pulse) = &mut self.pulse {
            pulse.renew(now);
        }
        let said = said.unwrap_or_default();
        self.use_ice_servers(said.ice_servers);
        let sync = self.sync_state();
        self.send(Request::SyncState(sync));
        if let Some(peer) = &mut self.peer {
            peer.offers.want_restart();
            if !peer.connected {
                peer.until = Some(now + PEER);
            }
        }
        self.fact(Fact::Resumed { last_message: said.last_message_seq });
        self.tell_mutes();
        let requests = self.own.ask();
        self.send_all(requests);
        self.send_wishes();
    }

    /// `SyncState` for a single peer connection: our last answered offer, and its answer (`livekit_rtc.proto`).
    fn sync_state(&self) -> lk::SyncState {
        let answered = self.peer.as_ref().and_then(|peer| peer.offers.answered());
        // The wishes that differ from what the server does by itself (client-sdk-js, `RTCEngine.sendSyncState`).
        let different = self.subscriptions.iter().filter(|(_track, wanted)| **wanted != self.options.auto_subscribe);
        let hidden = self.views.iter().filter(|(_track, view)| !view.shown);
        lk::SyncState {
            offer: answered.map(|(offer, _answer)| wire::description("offer", &offer.0, 0)),
            answer: answered.map(|(_offer, answer)| wire::description("answer", &answer.0, 0)),
            subscription: Some(lk::UpdateSubscription {
                track_sids: different.map(|(track, _wanted)| track.clone()).collect(),
                subscribe: !self.options.auto_subscribe,
                participant_tracks: Vec::new(),
            }),
            publish_tracks: self.own.known(),
            data_channels: self.peer.as_ref().map(|peer| peer.channels.clone()).unwrap_or_default(),
            track_sids_disabled: hidden.map(|(track, _view)| track.clone()).collect(),
            ..Default::default()
        }
    }

    /// All wishes about others' tracks, for a server that may not know them.
    fn send_wishes(&mut self) {
        let differs = self.subscriptions.iter().filter(|(_track, wanted)| **wanted != self.options.auto_subscribe);
        let mut requests: Vec<Request> = differs.filter_map(|(track, _wanted)| self.subscription(track)).collect();
        requests.extend(self.views.keys().filter_map(|track| self.track_setting(track)));
        self.send_all(requests);
    }

    fn use_ice_servers(&mut self, offered: Vec<lk::IceServer>) {
        let (kept, dropped) = self.options.ice_hosts.keep(offered);
        self.counts.dropped_ice_urls += dropped;
        if let Some(no) = self.peer.as_ref().map(|peer| peer.no) {
            self.put(Output::IceServers(no, kept));
        }
    }

    fn on_message(&mut self, now: Duration, chance: u64, message: Response) {
        match message {
            Response::Answer(answer) => self.on_answer(answer),
            Response::Trickle(trickle) => self.on_trickle(&trickle),
            Response::Update(update) => self.on_update(update.participants),
            Response::TrackPublished(said) => self.on_track_published(said),
            Response::TrackUnpublished(said) => self.on_track_unpublished(&said.track_sid),
            Response::Leave(leave) => self.on_leave(now, chance, &leave),
            Response::Mute(mute) => self.on_muted(&mute),
            Response::SpeakersChanged(said) => self.on_speakers(&said.speakers),
            Response::RoomUpdate(said) => {
                let room = said.room.unwrap_or_default();
                self.fact(Fact::Room { people: room.num_participants, recording: room.active_recording });
            }
            Response::ConnectionQuality(said) => self.on_quality(said.updates),
            Response::StreamStateUpdate(said) => self.on_streams(said.stream_states),
            Response::SubscribedQualityUpdate(said) => self.on_qualities(said),
            Response::SubscriptionPermissionUpdate(said) => {
                self.track_fact(&said.track_sid, |track| Fact::Allowed { track, allowed: said.allowed });
            }
            Response::SubscriptionResponse(said) => {
                let why = SubscriptionFailure::of(said.err);
                self.track_fact(&said.track_sid, |track| Fact::Unavailable { track, why });
            }
            Response::RequestResponse(said) => {
                if let Some(refusal) = Refusal::of(said.reason) {
                    self.fact(Fact::Refused(refusal));
                }
            }
            Response::TrackSubscribed(said) => self.own_fact(&said.track_sid, OwnFact::Subscribed),
            Response::RefreshToken(token) => match Token::parse(token) {
                Ok(token) => {
                    self.token = token.clone();
                    self.fact(Fact::TokenRefreshed(token));
                }
                Err(_error) => self.counts.refused += 1,
            },
            Response::Pong(_) | Response::PongResp(_) => {
                if let Some(pulse) = &mut self.pulse {
                    pulse.pong(now);
                }
            }
            Response::MediaSectionsRequirement(said) => self.on_sections(&said),
            Response::RoomMoved(_) => self.leave(Reason::Moved),
            // A second join or resume on one socket, an offer to a client that alone offers, and what rounds do not
            // have: data tracks, blobs, audio in several codecs.
            Response::Join(_)
            | Response::Reconnect(_)
            | Response::Offer(_)
            | Response::SubscribedAudioCodecUpdate(_)
            | Response::PublishDataTrackResponse(_)
            | Response::UnpublishDataTrackResponse(_)
            | Response::DataTrackSubscriberHandles(_)
            | Response::StoreDataBlobResponse(_)
            | Response::GetDataBlobResponse(_) => self.counts.unexpected += 1,
        }
    }

    fn on_answer(&mut self, answer: lk::SessionDescription) {
        let Some(peer) = &mut self.peer else { return };
        let sdp = Sdp(answer.sdp);
        if answer.r#type != "answer" || !peer.offers.answer(answer.id, &sdp) {
            self.counts.stale_answers += 1;
            return;
        }
        let mut bound = BTreeMap::new();
        for (mid, track) in answer.mid_to_track_id.into_iter().collect::<BTreeMap<_, _>>() {
            if wire::is_mid(&mid) && wire::is_id(&track) && bound.len() < 2 * MOST_PEOPLE {
                bound.insert(mid, track);
            } else {
                self.counts.refused += 1;
            }
        }
        let no = peer.no;
        let early = std::mem::take(&mut peer.early);
        let before = std::mem::replace(&mut peer.bound, bound.clone());
        let mids = bound.iter().map(|(mid, track)| (mid.clone(), track.clone())).collect();
        self.put(Output::Answer { peer: no, sdp, mids });
        for candidate in early {
            self.put(Output::Candidate(no, candidate));
        }
        for mid in before.keys().filter(|mid| !bound.contains_key(*mid)) {
            self.fact(Fact::Bound { mid: mid.clone(), track: None });
        }
        for (mid, track) in bound {
            if before.get(&mid) != Some(&track) {
                self.fact(Fact::Bound { mid, track: Some(track) });
            }
        }
    }

    fn on_trickle(&mut self, trickle: &lk::TrickleRequest) {
        let Some(peer) = &mut self.peer else { return };
        if trickle.target != i32::from(lk::SignalTarget::Publisher) {
            self.counts.unexpected += 1;
            return;
        }
        let Some(candidate) = Candidate::read(&trickle.candidate_init) else {
            // The end of candidates may come without one.
            self.counts.refused += u64::from(!trickle.candidate_init.is_empty());
            return;
        };
        if candidate.candidate.is_empty() {
            return;
        }
        if !peer.offers.holds_candidates() {
            let no = peer.no;
            self.put(Output::Candidate(no, candidate));
        } else if peer.early.len() < MOST_WAITING {
            peer.early.push(candidate);
        } else {
            self.counts.refused += 1;
        }
    }

    fn on_update(&mut self, people: Vec<lk::ParticipantInfo>) {
        let mut facts = Vec::new();
        for person in people {
            if self.me.as_ref().is_some_and(|me| me.sid == person.sid) {
                self.on_me(person);
            } else {
                self.roster.take(person, &mut facts, &mut self.counts.refused);
            }
        }
        for fact in facts {
            self.on_person_fact(fact);
        }
    }

    fn on_person_fact(&mut self, fact: Fact) {
        let mut requests = Vec::new();
        match &fact {
            Fact::Track { track, what: TrackFact::Published(_), .. } => {
                let differs =
                    self.subscriptions.get(track).is_some_and(|wanted| *wanted != self.options.auto_subscribe);
                requests.extend(self.subscription(track).filter(|_request| differs));
                requests.extend(self.track_setting(track));
            }
            Fact::Track { track, what: TrackFact::Unpublished, .. } => {
                self.subscriptions.remove(track);
                self.views.remove(track);
            }
            Fact::PersonLeft { person, .. } => {
                self.speakers.remove(person);
            }
            Fact::Joined(_)
            | Fact::Connected
            | Fact::Resumed { .. }
            | Fact::Interrupted { .. }
            | Fact::Person(_)
            | Fact::Track { what: TrackFact::Muted(_), .. }
            | Fact::Bound { .. }
            | Fact::Own { .. }
            | Fact::Permissions(_)
            | Fact::Speakers(_)
            | Fact::Quality(_)
            | Fact::Stream { .. }
            | Fact::Allowed { .. }
            | Fact::Unavailable { .. }
            | Fact::Refused(_)
            | Fact::Room { .. }
            | Fact::TokenRefreshed(_)
            | Fact::Left(_) => {}
        }
        self.fact(fact);
        self.send_all(requests);
    }

    fn on_me(&mut self, wire: lk::ParticipantInfo) {
        let (me, left_out) = Person::of(wire);
        self.counts.refused += left_out;
        let (Some(me), Some(before)) = (me, &self.me) else { return };
        if !me.is_at_least(before) {
            return;
        }
        let permissions: Option<Permissions> = (me.permissions != before.permissions).then(|| me.permissions.clone());
        self.me = Some(me);
        if let Some(permissions) = permissions {
            self.fact(Fact::Permissions(permissions));
        }
    }

    fn on_track_published(&mut self, said: lk::TrackPublishedResponse) {
        let cid = said.cid.clone();
        let Some(track) = self.own.published(said) else {
            self.counts.unexpected += 1;
            return;
        };
        self.fact(Fact::Own { cid, what: OwnFact::Published { track } });
        self.tell_mutes();
        let without_sender = self.own.without_sender();
        if let Some(peer) = &mut self.peer {
            for cid in without_sender {
                peer.offers.want_sender(cid);
            }
        }
    }

    fn on_track_unpublished(&mut self, track: &str) {
        let Some(cid) = self.own.by_sid(track).map(|own| own.wish.cid.clone()) else {
            self.counts.unexpected += 1;
            return;
        };
        self.on_unpublish(&cid);
    }

    fn on_muted(&mut self, mute: &lk::MuteTrackRequest) {
        if !mute.muted {
            self.counts.unmutes_refused += 1;
            return;
        }
        let Some(own) = self.own.by_sid(&mute.sid) else {
            self.counts.unexpected += 1;
            return;
        };
        own.wish.muted = true;
        let cid = own.wish.cid.clone();
        self.fact(Fact::Own { cid, what: OwnFact::MutedByServer });
        self.tell_mutes();
    }

    fn on_speakers(&mut self, changed: &[lk::SpeakerInfo]) {
        for speaker in changed {
            if !speaker.active {
                self.speakers.remove(&speaker.sid);
            } else if wire::is_id(&speaker.sid)
                && (self.speakers.len() < MOST_PEOPLE || self.speakers.contains_key(&speaker.sid))
            {
                let level = if speaker.level.is_finite() { speaker.level.clamp(0.0, 1.0) } else { 0.0 };
                self.speakers.insert(speaker.sid.clone(), level);
            } else {
                self.counts.refused += 1;
            }
        }
        let mut speakers: Vec<Speaker> =
            self.speakers.iter().map(|(person, level)| Speaker { person: person.clone(), level: *level }).collect();
        speakers.sort_by(|a, b| b.level.total_cmp(&a.level));
        self.fact(Fact::Speakers(speakers));
    }

    fn on_quality(&mut self, updates: Vec<lk::ConnectionQualityInfo>) {
        let said = updates.into_iter().take(MOST_PEOPLE).filter(|update| wire::is_id(&update.participant_sid));
        let qualities: Vec<PersonQuality> = said
            .filter_map(|update| {
                Some(PersonQuality { quality: Quality::of(update.quality)?, person: update.participant_sid })
            })
            .collect();
        self.fact(Fact::Quality(qualities));
    }

    fn on_streams(&mut self, streams: Vec<lk::StreamStateInfo>) {
        for stream in streams.into_iter().take(2 * MOST_TRACKS) {
            match lk::StreamState::try_from(stream.state) {
                Ok(lk::StreamState::Active) => {
                    self.track_fact(&stream.track_sid, |t| Fact::Stream { track: t, paused: false })
                }
                Ok(lk::StreamState::Paused) => {
                    self.track_fact(&stream.track_sid, |t| Fact::Stream { track: t, paused: true })
                }
                Err(_unknown) => self.counts.unexpected += 1,
            }
        }
    }

    fn on_qualities(&mut self, said: lk::SubscribedQualityUpdate) {
        let wanted = |codec: &str, qualities: &[lk::SubscribedQuality]| {
            let on = |step: Step| qualities.iter().any(|quality| quality.quality == step.wire() && quality.enabled);
            CodecWanted { codec: wire::name(codec), low: on(Step::Low), medium: on(Step::Medium), high: on(Step::High) }
        };
        #[expect(deprecated, reason = "a server that knows one codec only says it there")]
        let codecs = if said.subscribed_codecs.is_empty() {
            vec![wanted("", &said.subscribed_qualities)]
        } else {
            said.subscribed_codecs.iter().take(8).map(|codec| wanted(&codec.codec, &codec.qualities)).collect()
        };
        self.own_fact(&said.track_sid, OwnFact::Wanted(codecs));
    }

    fn on_sections(&mut self, said: &lk::MediaSectionsRequirement) {
        let Some(peer) = &mut self.peer else { return };
        // 0 and 0 is a wish too: the spare sections are enough, and an offer lets the server fill them.
        if !peer.offers.want_sections(said.num_audios, said.num_videos) {
            self.counts.refused += 1;
        }
    }

    fn on_leave(&mut self, now: Duration, chance: u64, leave: &lk::LeaveRequest) {
        use lk::leave_request::Action;
        let reason = ServerReason::of(leave.reason);
        match Action::try_from(leave.action) {
            Ok(Action::Resume) => self.fail(now, chance, How::Resume, Cause::ServerAsked(reason)),
            Ok(Action::Reconnect) => self.fail(now, chance, How::Rejoin, Cause::ServerAsked(reason)),
            Ok(Action::Disconnect) | Err(_) => self.leave(Reason::Server(reason)),
        }
    }

    /// Something broke. A session can be resumed once; what fails then is built again.
    fn fail(&mut self, now: Duration, chance: u64, how: How, cause: Cause) {
        let resuming = match self.stage {
            Stage::Opening { how, .. } | Stage::Greeting { how, .. } => how == How::Resume,
            Stage::New | Stage::Building | Stage::Up { .. } | Stage::Waiting { .. } | Stage::Left => false,
        };
        let whole = self.peer.as_ref().is_some_and(|peer| peer.was_connected && peer.offers.answered().is_some());
        let how = if how == How::Resume && self.me.is_some() && whole && !resuming { How::Resume } else { How::Rejoin };
        let Some(pause) = pause(self.attempt, chance) else {
            self.leave(Reason::GaveUp(cause));
            return;
        };
        let elsewhere = !matches!(self.stage, Stage::Up { .. } | Stage::Building);
        self.close_socket(how == How::Rejoin);
        if how == How::Rejoin {
            self.drop_peer();
            self.pulse = None;
        } else if let Some(peer) = &mut self.peer {
            peer.offers.lost();
            peer.waiting.clear();
            peer.early.clear();
        }
        if elsewhere {
            self.server = (self.server + 1) % self.options.servers.len();
        }
        self.attempt += 1;
        self.steady_at = None;
        let at = now + pause;
        self.fact(Fact::Interrupted { cause, how, attempt: self.attempt, at });
        self.stage = Stage::Waiting { how, until: at, cause };
    }

    /// The end.
    fn leave(&mut self, reason: Reason) {
        self.close_socket(true);
        self.drop_peer();
        self.pulse = None;
        self.steady_at = None;
        self.fact(Fact::Left(reason));
        self.stage = Stage::Left;
    }

    /// `farewell` tells the server, so that the others do not wait for somebody who is gone.
    fn close_socket(&mut self, farewell: bool) {
        match self.stage {
            Stage::Opening { socket, .. } | Stage::Greeting { socket, .. } => self.put(Output::Close(socket)),
            Stage::Up { socket } => {
                if farewell {
                    self.send(Request::Leave(lk::LeaveRequest {
                        reason: i32::from(lk::DisconnectReason::ClientInitiated),
                        ..Default::default()
                    }));
                }
                self.put(Output::Close(socket));
            }
            Stage::New | Stage::Building | Stage::Waiting { .. } | Stage::Left => {}
        }
    }

    fn drop_peer(&mut self) {
        if let Some(peer) = self.peer.take() {
            self.put(Output::Drop(peer.no));
        }
    }

    fn next_offer(&mut self, now: Duration) {
        if self.up().is_some()
            && let Some(peer) = &mut self.peer
            && let Some(wish) = peer.offers.next(now, peer.no)
        {
            self.put(Output::Offer(wish));
        }
    }

    fn note_steady(&mut self, now: Duration) {
        let connected = self.peer.as_ref().is_some_and(|peer| peer.connected);
        if self.attempt == 0 || !connected || self.up().is_none() {
            self.steady_at = None;
        } else {
            self.steady_at.get_or_insert(now + STEADY);
        }
    }

    fn own_fact(&mut self, track: &str, what: OwnFact) {
        match self.own.by_sid(track).map(|own| own.wish.cid.clone()) {
            Some(cid) => self.fact(Fact::Own { cid, what }),
            None => self.counts.unexpected += 1,
        }
    }

    fn track_fact(&mut self, track: &str, fact: impl FnOnce(String) -> Fact) {
        if wire::is_id(track) {
            self.fact(fact(track.to_owned()));
        } else {
            self.counts.refused += 1;
        }
    }

    /// The socket that takes messages.
    fn up(&self) -> Option<SocketNo> {
        match self.stage {
            Stage::Up { socket } => Some(socket),
            Stage::New
            | Stage::Building
            | Stage::Opening { .. }
            | Stage::Greeting { .. }
            | Stage::Waiting { .. }
            | Stage::Left => None,
        }
    }

    fn is_current(&mut self, socket: SocketNo) -> bool {
        let current = match self.stage {
            Stage::Opening { socket, .. } | Stage::Greeting { socket, .. } | Stage::Up { socket } => Some(socket),
            Stage::New | Stage::Building | Stage::Waiting { .. } | Stage::Left => None,
        };
        self.counts.stale_inputs += u64::from(current != Some(socket));
        current == Some(socket)
    }

    fn current(&mut self, no: PeerNo) -> Option<&mut Peer> {
        let peer = self.peer.as_mut().filter(|peer| peer.no == no);
        if peer.is_none() {
            self.counts.stale_inputs += 1;
        }
        peer
    }

    fn tell_mutes(&mut self) {
        if self.up().is_some() {
            let requests = self.own.tell_mutes();
            self.send_all(requests);
        }
    }

    fn send_all(&mut self, requests: impl IntoIterator<Item = Request>) {
        for request in requests {
            self.send(request);
        }
    }

    fn send(&mut self, request: Request) {
        if let Some(socket) = self.up() {
            self.put(Output::Send(socket, Frame(wire::written(request))));
        }
    }

    fn fact(&mut self, fact: Fact) {
        self.put(Output::Fact(fact));
    }

    fn put(&mut self, output: Output) {
        self.outputs.push_back(output);
    }
}

fn trickle(candidate: &Candidate) -> Request {
    Request::Trickle(lk::TrickleRequest {
        candidate_init: candidate.written(),
        target: i32::from(lk::SignalTarget::Publisher),
        r#final: false,
    })
}

/// Keeps a wish about a track; not one too many, and none about what cannot be a track.
fn keep<T>(wishes: &mut BTreeMap<String, T>, track: &str, wish: T) -> bool {
    let room = wishes.len() < MOST_WISHES || wishes.contains_key(track);
    let kept = room && wire::is_id(track);
    if kept {
        wishes.insert(track.to_owned(), wish);
    }
    kept
}
