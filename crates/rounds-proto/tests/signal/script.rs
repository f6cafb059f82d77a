//! A shell that does nothing by itself: it keeps what the round asks for, until the script says what happened.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use flate2::read::GzDecoder;
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use prost::Message;
use rounds_proto::signal::{
    Candidate, Cause, Course, Fact, How, IceHosts, Input, Kind, Layer, OfferWish, Options, Output, PeerNo, PeerState,
    Sdp, Sections, ServerUrl, SocketNo, Source, Step, Token, TrackWish,
};
use std::io::Read as _;
use std::time::Duration;

pub(crate) const ME: &str = "PA_me";
pub(crate) const BEN: &str = "PA_ben";

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) struct Script {
    pub(crate) course: Course,
    pub(crate) now: Duration,
    pub(crate) chance: u64,
    /// Everything that was asked for, in order.
    pub(crate) outputs: Vec<Output>,
    pub(crate) socket: Option<SocketNo>,
    pub(crate) peer: Option<PeerNo>,
    /// Offers that are asked for and not made.
    pub(crate) wishes: Vec<(PeerNo, u32)>,
    /// Packets flow while time passes.
    pub(crate) flowing: bool,
    interruptions: Vec<(Cause, How, Duration)>,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self::with(options(&["wss://rounds.test"]))
    }

    pub(crate) fn with(options: Options) -> Self {
        let token = Token::parse("first.token".to_owned()).expect("a token");
        Self {
            course: Course::new(options, token).expect("options that fit"),
            now: Duration::ZERO,
            chance: 0,
            outputs: Vec::new(),
            socket: None,
            peer: None,
            wishes: Vec::new(),
            flowing: false,
            interruptions: Vec::new(),
        }
    }

    /// A round with nobody else and a connected peer connection.
    pub(crate) fn connected() -> Self {
        let mut script = Self::new();
        script.connect();
        script.outputs.clear();
        script
    }

    /// The same with Ben, who has a microphone and a camera.
    pub(crate) fn with_ben() -> Self {
        let mut script = Self::connected();
        script.server(update(vec![ben(1)]));
        script.outputs.clear();
        script
    }

    pub(crate) fn connect(&mut self) {
        self.input(Input::Join);
        self.greet();
        self.let_in();
    }

    /// From the wish for a first offer to an open socket.
    pub(crate) fn greet(&mut self) {
        self.make_offer("first offer");
        self.open();
    }

    /// From an open socket to a connected peer connection.
    pub(crate) fn let_in(&mut self) {
        self.server(join(Vec::new()));
        self.server(answer(1, &[]));
        self.peer(PeerState::IceConnected);
        self.peer(PeerState::Connected);
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.course.handle(self.now, self.chance, input);
        while let Some(output) = self.course.poll() {
            match &output {
                Output::Build { peer, offer, .. } => {
                    self.peer = Some(*peer);
                    self.wishes = vec![(*peer, *offer)];
                }
                Output::Offer(wish) => self.wishes = vec![(wish.peer, wish.offer)],
                Output::Open { socket, .. } => self.socket = Some(*socket),
                Output::IceServers(..)
                | Output::Send(..)
                | Output::Close(_)
                | Output::Answer { .. }
                | Output::Candidate(..)
                | Output::Drop(_) => {}
                Output::Fact(Fact::Interrupted { cause, how, at, .. }) => {
                    self.interruptions.push((*cause, *how, *at - self.now));
                }
                Output::Fact(_) => {}
            }
            self.outputs.push(output);
        }
    }

    pub(crate) fn peer_no(&self) -> PeerNo {
        self.peer.expect("a peer connection was asked for")
    }

    pub(crate) fn socket_no(&self) -> SocketNo {
        self.socket.expect("a socket was asked for")
    }

    pub(crate) fn open(&mut self) {
        self.input(Input::SocketOpened(self.socket_no()));
    }

    pub(crate) fn close(&mut self) {
        self.input(Input::SocketClosed(self.socket_no()));
    }

    pub(crate) fn server(&mut self, message: Response) {
        let frame = lk::SignalResponse { message: Some(message) }.encode_to_vec();
        self.bytes(&frame);
    }

    pub(crate) fn bytes(&mut self, frame: &[u8]) {
        self.input(Input::Received(self.socket_no(), frame));
    }

    pub(crate) fn peer(&mut self, state: PeerState) {
        self.input(Input::Peer(self.peer_no(), state));
    }

    /// The peer connection makes the offer that is waited for.
    pub(crate) fn make_offer(&mut self, sdp: &str) {
        let (peer, offer) = self.wishes.pop().expect("an offer is wished");
        self.input(Input::Offer { peer, offer, sdp: Sdp::new(sdp.to_owned()) });
    }

    /// Time passes, and whatever is due happens on the way.
    pub(crate) fn until(&mut self, time: Duration) {
        let mut at_once = 0;
        loop {
            let due = self.course.due().unwrap_or(Duration::MAX);
            let packets = if self.flowing { self.now + millis(200) } else { Duration::MAX };
            let next = due.min(packets);
            if next > time {
                break;
            }
            // An attempt without a pause is due at once; more would be a loop.
            at_once = if next > self.now { 0 } else { at_once + 1 };
            assert!(at_once < 4, "what was due at {:?} is due again and again", self.now);
            self.now = next.max(self.now);
            if due <= packets {
                self.input(Input::Due);
            } else if let Some(peer) = self.peer {
                self.input(Input::Packets(peer));
            }
        }
        self.now = time;
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.until(self.now + time);
    }

    /// What was told since the last look.
    pub(crate) fn facts(&mut self) -> Vec<Fact> {
        let facts = self.outputs.iter().filter_map(|output| match output {
            Output::Fact(fact) => Some(fact.clone()),
            _ => None,
        });
        let facts = facts.collect();
        self.outputs.clear();
        facts
    }

    pub(crate) fn sent(&self) -> Vec<Request> {
        self.outputs.iter().filter_map(sent).collect()
    }

    pub(crate) fn offers(&self) -> Vec<OfferWish> {
        let offers = self.outputs.iter().filter_map(|output| match output {
            Output::Offer(wish) => Some(wish.clone()),
            _ => None,
        });
        offers.collect()
    }

    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let candidates = self.outputs.iter().filter_map(|output| match output {
            Output::Candidate(_, candidate) => Some(candidate.clone()),
            _ => None,
        });
        candidates.collect()
    }

    /// The address and the request of the last socket.
    pub(crate) fn last_open(&self) -> Option<(String, lk::JoinRequest)> {
        let url = self.outputs.iter().rev().find_map(|output| match output {
            Output::Open { url, .. } => Some(url.as_str().to_owned()),
            _ => None,
        })?;
        let (base, query) = url.split_once("?join_request=").expect("a request in the address");
        let wrapped = URL_SAFE.decode(query).expect("base64url");
        let wrapped = lk::WrappedJoinRequest::decode(wrapped.as_slice()).expect("a wrapped request");
        assert_eq!(wrapped.compression(), lk::wrapped_join_request::Compression::Gzip, "as it says");
        let mut request = Vec::new();
        GzDecoder::new(wrapped.join_request.as_slice()).read_to_end(&mut request).expect("RFC 1952");
        let request = lk::JoinRequest::decode(request.as_slice()).expect("a request");
        Some((base.to_owned(), request))
    }

    /// The interruptions since the last look: how it goes on, and after how long. The rest is forgotten.
    pub(crate) fn interruptions(&mut self) -> Vec<(Cause, How, Duration)> {
        self.outputs.clear();
        std::mem::take(&mut self.interruptions)
    }
}

pub(crate) fn sent(output: &Output) -> Option<Request> {
    let Output::Send(_, frame) = output else { return None };
    lk::SignalRequest::decode(frame.as_bytes()).expect("what is sent can be read").message
}

pub(crate) fn options(servers: &[&str]) -> Options {
    Options {
        servers: servers.iter().map(|server| ServerUrl::parse(server).expect("an address")).collect(),
        ice_hosts: IceHosts::new(["turn.hospital.test"]),
        version: "0.1.0".to_owned(),
        system: "linux".to_owned(),
        auto_subscribe: true,
        adaptive_stream: false,
        sections: Sections::default(),
    }
}

pub(crate) fn microphone() -> TrackWish {
    TrackWish {
        cid: "mic".to_owned(),
        kind: Kind::Audio,
        source: Source::Microphone,
        codec: "opus".to_owned(),
        width: 0,
        height: 0,
        layers: Vec::new(),
        encrypted: true,
        muted: false,
    }
}

pub(crate) fn camera() -> TrackWish {
    let layer = |step, width, height, bitrate| Layer { step, width, height, bitrate, ssrc: 0 };
    TrackWish {
        cid: "cam".to_owned(),
        kind: Kind::Video,
        source: Source::Camera,
        codec: "vp8".to_owned(),
        width: 640,
        height: 360,
        layers: vec![layer(Step::Low, 320, 180, 160_000), layer(Step::Medium, 640, 360, 450_000)],
        encrypted: true,
        muted: false,
    }
}

pub(crate) fn join_response(others: Vec<lk::ParticipantInfo>) -> lk::JoinResponse {
    lk::JoinResponse {
        room: Some(lk::Room { sid: "RM_1".to_owned(), name: "board".to_owned(), ..Default::default() }),
        participant: Some(person(ME, "me", 1)),
        other_participants: others,
        ping_interval: 5,
        ping_timeout: 15,
        ..Default::default()
    }
}

pub(crate) fn join(others: Vec<lk::ParticipantInfo>) -> Response {
    Response::Join(join_response(others))
}

pub(crate) fn answer(id: u32, mids: &[(&str, &str)]) -> Response {
    Response::Answer(lk::SessionDescription {
        r#type: "answer".to_owned(),
        sdp: format!("answer {id}"),
        id,
        mid_to_track_id: mids.iter().map(|(mid, track)| ((*mid).to_owned(), (*track).to_owned())).collect(),
    })
}

pub(crate) fn person(sid: &str, identity: &str, version: u32) -> lk::ParticipantInfo {
    lk::ParticipantInfo {
        sid: sid.to_owned(),
        identity: identity.to_owned(),
        name: identity.to_owned(),
        state: lk::participant_info::State::Active.into(),
        version,
        permission: Some(lk::ParticipantPermission {
            can_subscribe: true,
            can_publish: true,
            can_publish_data: true,
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(crate) fn track(sid: &str, kind: lk::TrackType) -> lk::TrackInfo {
    let source = match kind {
        lk::TrackType::Audio => lk::TrackSource::Microphone,
        lk::TrackType::Video => lk::TrackSource::Camera,
        lk::TrackType::Data => lk::TrackSource::Unknown,
    };
    lk::TrackInfo { sid: sid.to_owned(), r#type: kind.into(), source: source.into(), ..Default::default() }
}

pub(crate) fn ben(version: u32) -> lk::ParticipantInfo {
    lk::ParticipantInfo {
        tracks: vec![track("TR_benmic", lk::TrackType::Audio), track("TR_bencam", lk::TrackType::Video)],
        ..person(BEN, "ben", version)
    }
}

pub(crate) fn update(participants: Vec<lk::ParticipantInfo>) -> Response {
    Response::Update(lk::ParticipantUpdate { participants })
}

pub(crate) fn published(cid: &str, track_info: lk::TrackInfo) -> Response {
    Response::TrackPublished(lk::TrackPublishedResponse { cid: cid.to_owned(), track: Some(track_info) })
}

pub(crate) fn sections(num_audios: u32, num_videos: u32) -> Response {
    Response::MediaSectionsRequirement(lk::MediaSectionsRequirement { num_audios, num_videos })
}

pub(crate) fn trickle(candidate: &str) -> Response {
    let candidate_init = serde_json::json!({ "candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0 }).to_string();
    Response::Trickle(lk::TrickleRequest { candidate_init, ..Default::default() })
}

pub(crate) fn leave(action: lk::leave_request::Action, reason: lk::DisconnectReason) -> Response {
    Response::Leave(lk::LeaveRequest { action: action.into(), reason: reason.into(), ..Default::default() })
}
