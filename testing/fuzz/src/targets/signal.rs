//! A round's signalling: whatever a server says, and in whatever order sockets and peer connections behave.

use crate::recorded::{self, Said};
use crate::tape::{Ink, Tape};
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use model::round::MemberId;
use prost::Message as _;
use rounds_proto::signal::{
    Candidate, Course, Encryption, Fact, IceHosts, Input, Kind, Layer, Options, Output, OwnFact, PeerNo, PeerState,
    Person, Sdp, Sections, ServerUrl, SocketNo, Source, Step, Token, TrackWish, View,
};
use std::collections::BTreeMap;
use std::time::Duration;

const SERVERS: [&str; 2] = ["wss://rounds.test", "wss://other.rounds.test/path"];
const ICE_HOST: &str = "turn.rounds.test";
/// More people are not let in, nor more tracks of one of them (`people.rs`).
const MOST_PEOPLE: usize = 1000;
const MOST_TRACKS: usize = 200;
/// A token that came with a frame travels in the next address; nothing else that leaves is longer (`wire.rs`).
const LONGEST_URL: usize = 1024 * 1024;
/// Sixteen attempts at one moment would be a loop: ten are allowed, and the first has no pause.
const AT_ONCE: u32 = 16;

const FRAME: u8 = 0;
const OFFER: u8 = 1;
const OPENED: u8 = 2;
const PASS: u8 = 3;
const PEER: u8 = 4;
const REFUSED: u8 = 5;
const CLOSED: u8 = 6;
const CAMERA: u8 = 7;
const UNPUBLISH: u8 = 8;
const SUBSCRIBE: u8 = 9;
const VIEW: u8 = 10;
const STALE: u8 = 11;
const CHANNEL: u8 = 12;
const CANDIDATE: u8 = 13;
const PACKETS: u8 = 14;
const RESIZE: u8 = 15;
const NEGOTIATE: u8 = 16;
const LEAVE: u8 = 17;
const TOKEN: u8 = 18;
const MUTE: u8 = 19;
const ACTS: u8 = 20;

struct Shell {
    course: Course,
    now: Duration,
    socket: Option<SocketNo>,
    former: Option<SocketNo>,
    peer: Option<PeerNo>,
    wish: Option<(PeerNo, u32)>,
    /// Nothing follows [`Fact::Left`].
    left: bool,
    outputs: usize,
    /// About tracks of others, and sections that carry one.
    wishes: usize,
    bound: usize,
    /// The ids that the server gave to the microphone and the camera.
    own: BTreeMap<String, String>,
}

/// A round from its join on, with a microphone that its owner muted.
pub(crate) fn course(input: &[u8]) {
    let mut tape = Tape::new(input);
    let options = Options {
        servers: SERVERS.iter().map(|url| ServerUrl::parse(url).expect("the address of a server")).collect(),
        ice_hosts: IceHosts::new([ICE_HOST]),
        version: "1".to_owned(),
        system: "linux".to_owned(),
        auto_subscribe: tape.yes(),
        adaptive_stream: true,
        sections: Sections::default(),
    };
    let token = Token::parse("first.token".to_owned()).expect("a token");
    let mut shell = Shell {
        course: Course::new(options, token).expect("options that fit"),
        now: Duration::ZERO,
        socket: None,
        former: None,
        peer: None,
        wish: None,
        left: false,
        outputs: 0,
        wishes: 0,
        bound: 0,
        own: BTreeMap::new(),
    };
    shell.handle(1, Input::Publish(wish("mic", Kind::Audio, true)));
    shell.handle(1, Input::Join);
    while let Some(act) = tape.act(ACTS) {
        shell.act(act, &mut tape);
    }
    // However it stands, it comes to an end or waits for something.
    shell.pass(Duration::from_secs(600));
}

fn wish(cid: &str, kind: Kind, muted: bool) -> TrackWish {
    let (source, codec) = match kind {
        Kind::Audio => (Source::Microphone, "opus"),
        Kind::Video => (Source::Camera, "vp8"),
    };
    TrackWish {
        cid: cid.to_owned(),
        kind,
        source,
        codec: codec.to_owned(),
        width: 640,
        height: 360,
        layers: Vec::new(),
        encrypted: true,
        muted,
    }
}

impl Shell {
    fn act(&mut self, act: u8, tape: &mut Tape<'_>) {
        let chance = u64::from(tape.byte());
        match act {
            FRAME => {
                let frame = tape.bytes();
                if let Some(socket) = self.socket {
                    self.handle(chance, Input::Received(socket, frame));
                }
            }
            STALE => {
                let frame = tape.bytes();
                if let Some(socket) = self.former {
                    let before = self.outputs;
                    self.handle(chance, Input::Received(socket, frame));
                    assert_eq!(self.outputs, before, "what comes from a replaced socket changes nothing");
                }
            }
            OFFER => {
                let sdp = Sdp::new(tape.text());
                if let Some((peer, offer)) = self.wish.take() {
                    self.handle(chance, Input::Offer { peer, offer, sdp });
                }
            }
            OPENED => self.with_socket(chance, Input::SocketOpened),
            CLOSED => self.with_socket(chance, Input::SocketClosed),
            REFUSED => {
                let status = Some(tape.short()).filter(|status| *status > 0);
                self.with_socket(chance, |socket| Input::SocketRefused(socket, status));
            }
            PASS => {
                let time = tape.pause();
                self.pass(time);
            }
            PEER => {
                let states = [
                    PeerState::IceConnected,
                    PeerState::Connected,
                    PeerState::Disconnected,
                    PeerState::Failed,
                    PeerState::Broken,
                ];
                let state = states[usize::from(tape.byte()) % states.len()];
                self.with_peer(chance, |peer| Input::Peer(peer, state));
            }
            CAMERA => self.handle(chance, Input::Publish(wish("cam", Kind::Video, false))),
            UNPUBLISH => self.handle(chance, Input::Unpublish("cam")),
            MUTE => self.handle(chance, Input::Mute("cam", chance & 1 == 1)),
            RESIZE => {
                let (width, height) = (tape.word(), tape.word());
                let layer = Layer { step: Step::Low, width, height, bitrate: 1, ssrc: 1 };
                self.handle(chance, Input::Resize { cid: "cam", width, height, layers: vec![layer] });
            }
            SUBSCRIBE => self.handle(chance, Input::Subscribe(&tape.text(), chance & 1 == 1)),
            VIEW => {
                let shown = chance & 1 == 1;
                let view = View { shown, step: Step::High, width: 0, height: 0, fps: 0, priority: tape.word() };
                self.handle(chance, Input::View(&tape.text(), view));
            }
            CHANNEL => {
                let (id, label) = (tape.short(), tape.text());
                self.with_peer(chance, |peer| Input::Channel(peer, &label, id));
            }
            CANDIDATE => {
                let candidate = Candidate { candidate: tape.text(), ..Candidate::default() };
                self.with_peer(chance, |peer| Input::Candidate(peer, candidate));
            }
            PACKETS => self.with_peer(chance, Input::Packets),
            NEGOTIATE => self.with_peer(chance, Input::Negotiate),
            TOKEN => {
                if let Ok(token) = Token::parse(tape.text()) {
                    self.handle(chance, Input::Token(token));
                }
            }
            LEAVE if chance == 0x99 => self.handle(chance, Input::Leave),
            _ => {}
        }
    }

    fn with_socket<'a>(&mut self, chance: u64, input: impl FnOnce(SocketNo) -> Input<'a>) {
        if let Some(socket) = self.socket {
            self.handle(chance, input(socket));
        }
    }

    fn with_peer<'a>(&mut self, chance: u64, input: impl FnOnce(PeerNo) -> Input<'a>) {
        if let Some(peer) = self.peer {
            self.handle(chance, input(peer));
        }
    }

    /// The time goes on, and whatever is due happens on the way.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut at_once = 0;
        while let Some(due) = self.course.due().filter(|due| *due <= end) {
            at_once = if due > self.now { 0 } else { at_once + 1 };
            assert!(at_once < AT_ONCE, "what is due at {:?} is due again and again", self.now);
            self.now = self.now.max(due);
            self.handle(u64::from(at_once), Input::Due);
        }
        self.now = end;
    }

    fn handle(&mut self, chance: u64, input: Input<'_>) {
        let size = if let Input::Received(_, frame) = input { frame.len() } else { 0 };
        let was_over = self.course.is_over();
        let before = self.course.others().map(|person| person.tracks.len() + 1).sum::<usize>();
        let (sent_to, outputs, bound) = (self.socket, self.outputs, self.bound);
        self.wishes += usize::from(matches!(input, Input::Subscribe(..) | Input::View(..)));
        self.course.handle(self.now, chance, input);
        while let Some(output) = self.course.poll() {
            assert!(!self.left, "nothing follows the end: {output:?}");
            self.outputs += 1;
            self.take(output, sent_to);
        }
        // Each thing that a frame names takes two bytes of it, and what goes was there before.
        let (told, known) = (self.outputs - outputs, 2 * before + self.wishes + bound);
        assert!(told <= 100 + size + known, "{told} outputs of a frame of {size} bytes with {known} known");
        assert!(!was_over || self.course.is_over(), "the end is the end");
        assert_eq!(self.left, self.course.is_over(), "the end is told");
        assert!(!self.left || self.course.due().is_none(), "and nothing is waited for behind it");
        let mut people = 0;
        for person in self.course.others() {
            people += 1;
            sound(person);
        }
        assert!(people <= MOST_PEOPLE, "{people} people");
        self.course.me().into_iter().for_each(sound);
    }

    fn take(&mut self, output: Output, sent_to: Option<SocketNo>) {
        match output {
            Output::Build { peer, offer, .. } => {
                self.peer = Some(peer);
                self.wish = Some((peer, offer));
            }
            Output::Offer(wish) => {
                assert_eq!(Some(wish.peer), self.peer, "an offer of the peer connection that there is");
                self.wish = Some((wish.peer, wish.offer));
            }
            Output::Open { socket, url, token } => {
                let ours = SERVERS.iter().any(|server| url.as_str().starts_with(&format!("{server}/rtc/v1?")));
                assert!(ours, "only our servers are visited");
                assert!(url.as_str().len() <= LONGEST_URL, "an address of {} bytes", url.as_str().len());
                assert!(!token.authorization().contains(['\r', '\n']), "a header is one line");
                self.former = self.socket.replace(socket);
            }
            Output::Send(socket, frame) => {
                assert!(Some(socket) == sent_to || Some(socket) == self.socket, "through a socket that there is");
                let request = lk::SignalRequest::decode(frame.as_bytes()).expect("what we send can be read");
                self.sent(&request.message.expect("and says something"));
            }
            Output::IceServers(peer, servers) => {
                assert_eq!(Some(peer), self.peer, "for the peer connection that there is");
                let foreign = servers
                    .iter()
                    .flat_map(|server| &server.urls)
                    .find(|url| !url.to_ascii_lowercase().contains(ICE_HOST));
                assert_eq!(foreign, None, "no other host is asked");
            }
            Output::Answer { peer, mids, .. } => {
                assert_eq!(Some(peer), self.peer, "for the peer connection that there is");
                assert!(mids.len() <= 2 * MOST_PEOPLE, "{} sections", mids.len());
                self.bound = mids.len();
            }
            Output::Candidate(peer, candidate) => {
                assert_eq!(Some(peer), self.peer, "for the peer connection that there is");
                assert!(!candidate.candidate.contains(['\r', '\n']), "a candidate is one line");
            }
            Output::Close(_) | Output::Drop(_) => {}
            Output::Fact(fact) => self.fact(&fact),
        }
    }

    /// The microphone was muted by its owner, and nobody opened it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most of what is sent has nothing to do with the microphone")]
    fn sent(&self, request: &Request) {
        match request {
            Request::AddTrack(track) => assert!(track.cid != "mic" || track.muted, "it is announced as muted"),
            Request::Mute(mute) => {
                // A server may give both the same id, and is then told of the camera.
                let named = |cid: &str| self.own.get(cid) == Some(&mute.sid);
                assert!(mute.muted || !named("mic") || named("cam"), "it is not opened");
            }
            Request::SyncState(state) => {
                assert!(state.data_channels.len() <= 8, "{} channels", state.data_channels.len());
            }
            _ => {}
        }
    }

    fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Own { cid, what: OwnFact::Published { track } } => {
                self.own.insert(cid.clone(), track.clone());
            }
            Fact::Left(_) => self.left = true,
            Fact::Interrupted { at, attempt, .. } => {
                assert!(*at >= self.now && (1..=10).contains(attempt), "attempt {attempt} at {at:?}");
            }
            Fact::Joined(joined) => {
                assert!(joined.others.len() <= MOST_PEOPLE, "{} people", joined.others.len());
                assert!(joined.sif_trailer.len() <= 256, "a trailer of {} bytes", joined.sif_trailer.len());
                shown(&joined.room_name);
                shown(&joined.server_version);
                shown(&joined.server_node);
            }
            Fact::Person(person) => sound(person),
            Fact::Speakers(speakers) => {
                assert!(speakers.len() <= MOST_PEOPLE + 1, "{} speakers", speakers.len());
                assert!(speakers.iter().all(|speaker| (0.0..=1.0).contains(&speaker.level)), "levels from 0 to 1");
            }
            Fact::Quality(qualities) => assert!(qualities.len() <= MOST_PEOPLE, "{} people", qualities.len()),
            Fact::Connected
            | Fact::Resumed { .. }
            | Fact::PersonLeft { .. }
            | Fact::Track { .. }
            | Fact::Bound { .. }
            | Fact::Own { .. }
            | Fact::Permissions(_)
            | Fact::Stream { .. }
            | Fact::Allowed { .. }
            | Fact::Unavailable { .. }
            | Fact::Refused(_)
            | Fact::Room { .. }
            | Fact::TokenRefreshed(_) => {}
        }
    }
}

fn sound(person: &Person) {
    shown(&person.name);
    assert!(person.tracks.len() <= MOST_TRACKS, "{} tracks", person.tracks.len());
    assert!(!person.identity.as_str().chars().any(char::is_control), "an identity is one line");
    for track in person.tracks.values() {
        shown(&track.name);
        shown(&track.mime_type);
        let known = matches!(track.encryption, Encryption::None | Encryption::Gcm | Encryption::Custom);
        assert!(known && track.sid.len() <= 128, "a track's id of {} bytes", track.sid.len());
    }
}

/// A name for people's eyes.
fn shown(name: &str) {
    assert!(name.chars().count() <= 128 && !name.chars().any(char::is_control), "a name has an end and one line");
}

/// Recordings, as frames to a shell that does its part.
pub(crate) fn courses() -> Vec<Vec<u8>> {
    let begun = || Ink::default().byte(0).byte(OFFER).byte(1).bytes(b"v=0").byte(OPENED).byte(1);
    let connected = |ink: Ink| ink.byte(PEER).byte(1).byte(0).byte(PEER).byte(1).byte(1);
    let mut seeds = vec![begun().dry()];
    for recording in recorded::all() {
        let mut ink = begun();
        let mut again = false;
        for said in recording {
            match said {
                Said::Open(_) if again => ink = ink.byte(PASS).byte(1).short(500).byte(OPENED).byte(1),
                Said::Open(_) => again = true,
                Said::Server(frame) => {
                    let frame = small(&frame);
                    ink = ink.byte(FRAME).byte(1).bytes(&frame);
                    if frame.first() == Some(&0x12) {
                        ink = connected(ink);
                    }
                }
                Said::Client(_) => ink = ink.byte(OFFER).byte(1).bytes(b"v=0"),
                Said::Close => ink = ink.byte(CLOSED).byte(1),
            }
        }
        seeds.push(ink.byte(PASS).byte(1).short(20_000).dry());
    }
    for message in messages() {
        let join = lk::SignalResponse { message: Some(join()) }.encode_to_vec();
        let frame = lk::SignalResponse { message: Some(message) }.encode_to_vec();
        let ink = connected(begun().byte(FRAME).byte(1).bytes(&join)).byte(CAMERA).byte(1);
        seeds.push(ink.byte(FRAME).byte(1).bytes(&frame).byte(CLOSED).byte(1).byte(PASS).byte(1).short(900).dry());
    }
    seeds
}

/// A description says nothing to the course, and is most of a recording.
fn small(frame: &[u8]) -> Vec<u8> {
    let mut whole = lk::SignalResponse::decode(frame).unwrap_or_default();
    if let Some(Response::Answer(answer)) = &mut whole.message {
        "v=0".clone_into(&mut answer.sdp);
    }
    whole.encode_to_vec()
}

fn person(sid: &str) -> lk::ParticipantInfo {
    let track = |sid: &str, kind: lk::TrackType| lk::TrackInfo {
        sid: sid.to_owned(),
        r#type: kind.into(),
        name: "\u{202e}name".to_owned(),
        ..lk::TrackInfo::default()
    };
    lk::ParticipantInfo {
        sid: sid.to_owned(),
        identity: format!("@{sid}:test:D"),
        name: "Somebody".to_owned(),
        version: 3,
        tracks: vec![track("TR_A", lk::TrackType::Audio), track("TR_V", lk::TrackType::Video)],
        ..lk::ParticipantInfo::default()
    }
}

fn join() -> Response {
    Response::Join(lk::JoinResponse {
        room: Some(lk::Room { sid: "RM_1".to_owned(), ..lk::Room::default() }),
        participant: Some(lk::ParticipantInfo { tracks: Vec::new(), ..person("PA_me") }),
        other_participants: vec![person("PA_ben")],
        ice_servers: vec![lk::IceServer {
            urls: vec!["turn:turn.rounds.test:443?transport=tcp".to_owned(), "stun:elsewhere.test".to_owned()],
            ..lk::IceServer::default()
        }],
        ping_interval: 5,
        ping_timeout: 15,
        sif_trailer: vec![7; 44],
        ..lk::JoinResponse::default()
    })
}

/// One of each kind that says something to a client.
fn messages() -> Vec<Response> {
    let track_sid = || "TR_V".to_owned();
    let leave = |action: lk::leave_request::Action, reason: lk::DisconnectReason| {
        Response::Leave(lk::LeaveRequest { action: action.into(), reason: reason.into(), ..Default::default() })
    };
    let published = lk::TrackPublishedResponse {
        cid: "mic".to_owned(),
        track: Some(lk::TrackInfo { sid: "TR_M".to_owned(), ..lk::TrackInfo::default() }),
    };
    vec![
        Response::Answer(lk::SessionDescription {
            r#type: "answer".to_owned(),
            sdp: "v=0".to_owned(),
            id: 1,
            mid_to_track_id: [("3".to_owned(), track_sid())].into(),
        }),
        Response::Trickle(lk::TrickleRequest {
            candidate_init: r#"{"candidate":"candidate:1 1 udp 1 127.0.0.1 7 typ host","sdpMid":"0"}"#.to_owned(),
            ..Default::default()
        }),
        Response::Update(lk::ParticipantUpdate { participants: vec![person("PA_cem"), person("PA_ben")] }),
        Response::TrackPublished(published),
        Response::TrackUnpublished(lk::TrackUnpublishedResponse { track_sid: "TR_M".to_owned() }),
        leave(lk::leave_request::Action::Reconnect, lk::DisconnectReason::ServerShutdown),
        leave(lk::leave_request::Action::Resume, lk::DisconnectReason::SignalClose),
        leave(lk::leave_request::Action::Disconnect, lk::DisconnectReason::RoomDeleted),
        Response::Mute(lk::MuteTrackRequest { sid: "TR_M".to_owned(), muted: false }),
        Response::SpeakersChanged(lk::SpeakersChanged {
            speakers: vec![lk::SpeakerInfo { sid: "PA_ben".to_owned(), level: f32::NAN, active: true }],
        }),
        Response::RoomUpdate(lk::RoomUpdate { room: Some(lk::Room::default()) }),
        Response::ConnectionQuality(lk::ConnectionQualityUpdate {
            updates: vec![lk::ConnectionQualityInfo { participant_sid: "PA_ben".to_owned(), ..Default::default() }],
        }),
        Response::StreamStateUpdate(lk::StreamStateUpdate {
            stream_states: vec![lk::StreamStateInfo { track_sid: track_sid(), ..Default::default() }],
        }),
        Response::SubscribedQualityUpdate(lk::SubscribedQualityUpdate { track_sid: track_sid(), ..Default::default() }),
        Response::SubscriptionPermissionUpdate(lk::SubscriptionPermissionUpdate {
            track_sid: track_sid(),
            ..Default::default()
        }),
        Response::SubscriptionResponse(lk::SubscriptionResponse { track_sid: track_sid(), err: 1 }),
        Response::RequestResponse(lk::RequestResponse { reason: 2, ..Default::default() }),
        Response::TrackSubscribed(lk::TrackSubscribed { track_sid: track_sid() }),
        Response::RefreshToken("second.token".to_owned()),
        Response::Pong(1),
        Response::PongResp(lk::Pong::default()),
        Response::MediaSectionsRequirement(lk::MediaSectionsRequirement { num_audios: 3, num_videos: u32::MAX }),
        Response::RoomMoved(lk::RoomMovedResponse::default()),
        Response::Reconnect(lk::ReconnectResponse::default()),
    ]
}

/// Texts that become addresses, headers and names.
pub(crate) fn address(input: &[u8]) {
    let text = String::from_utf8_lossy(input).into_owned();
    if let Ok(url) = ServerUrl::parse(&text) {
        let host = url.host();
        assert!(!host.is_empty() && text.contains(host), "an address names its host");
        assert!(url.http().starts_with("http://") || url.http().starts_with("https://"), "for HTTP as well");
        let clear = text.starts_with("ws://");
        let here = host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        assert!(!clear || here, "nothing travels in clear to another machine");
        assert!(!text.contains(['?', '#', '@', '\\', ' ']), "no query, no fragment, no name of a user");
    }
    if let Ok(member) = MemberId::parse(&text) {
        assert_eq!(member.as_str(), text, "a name is kept as it is");
    }
    if let Ok(token) = Token::parse(text) {
        assert!(token.authorization().bytes().all(|byte| (0x20..0x7f).contains(&byte)), "a header of one line");
    }
}

pub(crate) fn addresses() -> Vec<Vec<u8>> {
    [
        "wss://rounds.test",
        "wss://rounds.test:7880/livekit/sfu",
        "ws://127.0.0.1:7880",
        "ws://[::1]:7880/a%20b",
        "ws://localhost",
        "@adler:klinikum.example:KONSIL01",
        "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
