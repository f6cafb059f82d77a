//! The state machine itself: what follows from what.

mod greeting;
mod message;

use super::address::Token;
use super::facts::{Fact, How, OwnFact, Refusal};
use super::io::{
    Candidate, Counts, Frame, Input, LONGEST_CANDIDATE, Options, OptionsError, Output, PeerNo, PeerState, Sdp,
    SocketNo, View,
};
use super::offers::{Late, Offers};
use super::own::{OwnTracks, TrackWish};
use super::people::{Identity, MOST_PEOPLE, Person, Roster};
use super::pulse::{Pulse, Verdict};
use super::reason::{Cause, Reason, pause};
use super::wire;
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Client-sdk-js, `RTCEngine.ts`: the socket has to be open.
const SOCKET: Duration = Duration::from_secs(15);
/// The same for a resume: the node that has the session may be dead, and everyone is silent until another is asked. Where
/// there is no network, it is asked for so long, too.
const SOCKET_AGAIN: Duration = Duration::from_secs(5);
/// Client-sdk-js, `SignalClient.ts`: the first message has to be there after the socket is open.
const FIRST_MESSAGE: Duration = Duration::from_secs(5);
/// Client-sdk-js, `RTCEngine.ts`: the peer connection has to be connected after the join.
const PEER: Duration = Duration::from_secs(15);
/// DTLS takes two round trips. webrtc-rs 0.21.1 stops repeating its messages where one was lost, and then hangs for
/// ever; a new peer connection takes less time than waiting to be sure. A line on which that is too short gets twice the
/// time at each attempt, up to [`PEER`].
const HANDSHAKE: Duration = Duration::from_millis(1500);
/// So long has a round to hold before its next failure counts as the first again.
const STEADY: Duration = Duration::from_secs(10);
/// More frames of one socket that cannot be read are not waited for.
const MOST_BAD_FRAMES: u32 = 16;
/// More candidates are not kept waiting.
const MOST_WAITING: usize = 64;
/// More wishes about tracks are not kept.
const MOST_WISHES: usize = 2 * MOST_PEOPLE;
/// More servers are not tried.
const MOST_SERVERS: usize = 8;
/// No offer of ours is longer, in bytes: it travels in an address, and livekit-server reads 1 MB of it.
const LONGEST_OFFER: usize = 512 * 1024;
/// No trailer of frames is longer, in bytes; LiveKit's has 44.
const LONGEST_TRAILER: usize = 256;
/// Data channels of one peer connection.
const MOST_CHANNELS: usize = 8;

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
    /// When the session was interrupted that is being resumed.
    interrupted: Duration,
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
            interrupted: Duration::ZERO,
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
        if self.up().is_some() {
            self.own.wait_from(now);
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
            Stage::Opening { since, how, .. } => Some(*since + socket_time(*how)),
            Stage::Greeting { since, .. } => Some(*since + FIRST_MESSAGE),
            Stage::Up { .. } => self.pulse.as_ref().map(Pulse::due),
            Stage::Waiting { until, .. } => Some(*until),
        };
        let peer = self.peer.as_ref().filter(|_peer| self.watches_peer());
        let handshake = peer.and_then(|peer| peer.handshake).map(|since| since + self.handshake_time());
        let until = peer.and_then(|peer| peer.until);
        let offer = peer.and_then(|peer| peer.offers.due());
        let place = self.own.due().filter(|_due| self.up().is_some());
        [stage, handshake, until, offer, place, self.steady_at].into_iter().flatten().min()
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

    /// Whose track comes through a section, as far as the server is believed: this is whose key opens its frames.
    #[must_use]
    pub fn who_at(&self, mid: &str) -> Option<&Identity> {
        self.track_at(mid).and_then(|track| self.roster.owner(track)).map(|person| &person.identity)
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
            None => self.fail(now, chance, How::Resume, Cause::SocketRefused(None)),
            Some(_) => self.fail(now, chance, How::Rejoin, Cause::SocketRefused(status)),
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
            PeerState::Broken => self.fail(now, chance, How::Rejoin, Cause::PeerFailed),
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
        if self.own.has(&cid) {
            // A fact of this name would be taken for one about the track that is there.
            self.counts.refused += 1;
        } else if !self.own.wish(wish) {
            self.counts.refused += 1;
            self.fact(Fact::Own { cid, what: OwnFact::Unpublished });
        } else if self.up().is_some() {
            let requests = self.own.ask();
            self.send_all(requests);
        }
    }

    fn on_unpublish(&mut self, cid: &str) {
        self.end_own(cid, OwnFact::Unpublished);
    }

    /// A track of ours is not sent any more.
    fn end_own(&mut self, cid: &str, what: OwnFact) {
        let Some(own) = self.own.remove(cid) else { return };
        if own.in_peer
            && let Some(peer) = &mut self.peer
        {
            // There is no message for it: the section that stops sending says it.
            peer.offers.unwant_sender(cid);
        }
        self.fact(Fact::Own { cid: cid.to_owned(), what });
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
            Stage::Opening { since, how, .. } if since + socket_time(how) <= now => {
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
        if self.up().is_some() {
            for cid in self.own.late(now) {
                self.end_own(&cid, OwnFact::Refused(Refusal::NoAnswer));
            }
        }
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
        let cause = if peer.handshake.is_some_and(|since| since + self.handshake_time() <= now) {
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

    fn handshake_time(&self) -> Duration {
        HANDSHAKE.saturating_mul(2_u32.saturating_pow(self.attempt)).min(PEER)
    }

    /// While a lost socket is replaced, the peer connection has time.
    fn watches_peer(&self) -> bool {
        match self.stage {
            Stage::Building | Stage::Up { .. } => true,
            Stage::Opening { how, .. } | Stage::Greeting { how, .. } => how == How::Rejoin,
            Stage::New | Stage::Waiting { .. } | Stage::Left => false,
        }
    }

    /// Something broke. The first failure since the round held for 10 s is answered by a resume, by as many sockets as the
    /// network refuses in 5 s; what fails then is built again, so that no session that breaks each time uses up all
    /// attempts. A session in
    /// which the server has not said whether it has a place for a track is built again, too.
    fn fail(&mut self, now: Duration, chance: u64, how: How, cause: Cause) {
        let resuming = match self.stage {
            Stage::Opening { how, .. } | Stage::Greeting { how, .. } => how == How::Resume,
            Stage::New | Stage::Building | Stage::Up { .. } | Stage::Waiting { .. } | Stage::Left => false,
        };
        let whole = self.peer.as_ref().is_some_and(|peer| peer.was_connected && peer.offers.answered().is_some());
        // A request for a place, or its answer, may have gone with the socket, and a place is not asked for twice.
        let lasts = self.me.is_some() && whole && !self.own.is_waiting();
        let Some(pause) = pause(self.attempt, chance) else {
            self.leave(Reason::GaveUp(cause));
            return;
        };
        let is_first = self.attempt == 0;
        let no_network = resuming && cause == Cause::SocketRefused(None);
        let in_time = now + pause <= self.interrupted + SOCKET_AGAIN;
        let resumes = how == How::Resume && lasts && (is_first || (no_network && in_time));
        let how = if resumes { How::Resume } else { How::Rejoin };
        if is_first {
            self.interrupted = now;
        }
        let elsewhere = !resumes && matches!(self.stage, Stage::Opening { .. } | Stage::Greeting { .. });
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
            self.next_server();
        }
        self.attempt += 1;
        self.steady_at = None;
        let at = now + pause;
        self.fact(Fact::Interrupted { cause, how, attempt: self.attempt, at });
        self.stage = Stage::Waiting { how, until: at, cause };
    }

    fn next_server(&mut self) {
        self.server = (self.server + 1) % self.options.servers.len();
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
        let connected = self.peer.as_ref().is_some_and(|peer| peer.connected && !peer.offers.is_restarting());
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

    /// Whether this is about ourselves, in this stay or an earlier one that the server has not ended yet.
    fn is_ours(&self, person: &lk::ParticipantInfo) -> bool {
        self.me.as_ref().is_some_and(|me| me.identity.as_str() == person.identity)
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

fn socket_time(how: How) -> Duration {
    match how {
        How::Resume => SOCKET_AGAIN,
        How::Rejoin => SOCKET,
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
