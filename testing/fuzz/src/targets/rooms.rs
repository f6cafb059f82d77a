//! The rooms of the media server: clients that say anything, come and go.

use crate::recorded::{self, Said};
use crate::tape::{Ink, Tape};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use flate2::Compression;
use flate2::write::GzEncoder;
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use livekit_protocol::wrapped_join_request::Compression as Packing;
use prost::Message as _;
use sfu::rooms::{AdminError, Effect, MOST_PEOPLE, MOST_ROOMS, MOST_TRACKS, Moment, Rooms, Seat};
use sfu::token::Grants;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::time::{Duration, Instant};

/// What is told of one track is no longer, in bytes: three texts of 256, three layers said twice, sixteen numbers.
const LONGEST_TRACK: usize = 2048;
/// What one act leads to: everybody may be told of every track of everybody else, twice, and of everybody.
const MOST_EFFECTS: usize = MOST_PEOPLE * (2 * MOST_PEOPLE * MOST_TRACKS + 2 * MOST_PEOPLE);

const JOIN: u8 = 0;
const FRAME: u8 = 1;
const DATA: u8 = 2;
const TICK: u8 = 3;
const CONNECTED: u8 = 4;
const LOST: u8 = 5;
const LOUD: u8 = 6;
const LINE: u8 = 7;
const MUTE: u8 = 8;
const REMOVE: u8 = 9;
const REFUSED: u8 = 10;
const MISBEHAVED: u8 = 11;
const ACTS: u8 = 12;

struct House {
    rooms: Rooms,
    began: Instant,
    passed: Duration,
    last: u64,
    /// Who is there, by seat, with the room.
    seated: BTreeMap<Seat, (String, String)>,
    /// Nothing is said to whose socket is closed.
    closed: BTreeSet<Seat>,
    /// The last track that was told of.
    track: String,
}

pub(crate) fn clients(input: &[u8]) {
    let mut tape = Tape::new(input);
    let mut house = House {
        rooms: Rooms::new([7; 32], "stun:127.0.0.1:1".to_owned()),
        began: Instant::now(),
        passed: Duration::ZERO,
        last: 0,
        seated: BTreeMap::new(),
        closed: BTreeSet::new(),
        track: String::new(),
    };
    while let Some(act) = tape.act(ACTS) {
        house.act(act, &mut tape);
        house.drain();
        house.check();
    }
}

impl House {
    fn now(&self) -> Moment {
        let unix_millis = i64::try_from(self.passed.as_millis()).unwrap_or(i64::MAX);
        Moment { at: self.began + self.passed, unix_millis }
    }

    /// One of those who are there, or a seat that nobody has.
    fn seat(&self, tape: &mut Tape<'_>) -> Seat {
        let at = usize::from(tape.byte());
        self.seated.keys().nth(at % self.seated.len().max(1)).copied().unwrap_or(Seat(u64::MAX))
    }

    fn act(&mut self, act: u8, tape: &mut Tape<'_>) {
        let now = self.now();
        match act {
            JOIN => self.join(tape),
            FRAME => {
                let seat = self.seat(tape);
                match sfu::wire::request(tape.bytes()) {
                    Ok(Some(request)) => self.rooms.said(seat, request, now),
                    Ok(None) => {}
                    Err(_) => self.rooms.misbehaved(seat, now),
                }
            }
            DATA => {
                let seat = self.seat(tape);
                self.data(seat, tape.bytes());
            }
            TICK => {
                self.passed += tape.pause();
                let now = self.now();
                self.rooms.tick(now);
                assert!(self.rooms.due().is_none_or(|due| due > now.at), "what was due is done");
            }
            CONNECTED => self.rooms.connected(self.seat(tape)),
            LOST => {
                let seat = self.seat(tape);
                self.rooms.lost(seat, now);
            }
            LOUD => {
                let seat = self.seat(tape);
                self.rooms.loudness(seat, tape.byte());
            }
            LINE => {
                let seat = self.seat(tape);
                let ways = [(tape.long(), tape.long()), (tape.word().into(), tape.word().into())];
                self.rooms.line(seat, ways, tape.yes());
            }
            MUTE => {
                let (room, identity) = self.place(tape);
                let (track, muted) = (self.track.clone(), tape.yes());
                let was = self.track_of(&room, &track).is_some_and(|track| track.muted);
                let done = self.rooms.mute(&room, &identity, &track, muted, now);
                assert!(muted || !was || done.is_err(), "nobody is unmuted by somebody else");
                assert!(!matches!(done, Err(AdminError::Unmute)) || !muted, "muting is allowed");
            }
            REMOVE => {
                let (room, identity) = self.place(tape);
                let _there = self.rooms.remove(&room, &identity, now);
                assert!(
                    self.rooms.people(&room).iter().all(|one| one.identity != identity),
                    "who was sent out is gone"
                );
            }
            REFUSED => {
                let seat = self.seat(tape);
                self.rooms.refused(seat, now);
            }
            _ => {
                let seat = self.seat(tape);
                self.rooms.misbehaved(seat, now);
            }
        }
    }

    fn place(&self, tape: &mut Tape<'_>) -> (String, String) {
        let seat = self.seat(tape);
        self.seated.get(&seat).cloned().unwrap_or_default()
    }

    fn track_of(&self, room: &str, sid: &str) -> Option<lk::TrackInfo> {
        let people = self.rooms.people(room).into_iter();
        people.flat_map(|person| person.tracks).find(|track| track.sid == sid)
    }

    fn join(&mut self, tape: &mut Tape<'_>) {
        let (who, rights) = (tape.byte(), tape.byte());
        let may = |bit: u8| rights & (1 << bit) == 0;
        let room = format!("room {}", who >> 6);
        let identity = format!("person {}", who & 0x3f);
        let grants = Grants {
            identity: identity.clone(),
            name: "Somebody".to_owned(),
            room: room.clone(),
            join: may(0),
            publish: may(1),
            subscribe: may(2),
            publish_data: may(3),
            hidden: !may(4),
            sources: if may(5) { Vec::new() } else { vec!["camera".to_owned()] },
            ..Grants::default()
        };
        let request = lk::JoinRequest::decode(tape.bytes()).unwrap_or_else(|_none| lk::JoinRequest {
            connection_settings: Some(lk::ConnectionSettings { auto_subscribe: true, ..Default::default() }),
            ..Default::default()
        });
        self.last += 1;
        let (seat, resumes) = (Seat(self.last), request.reconnect);
        let allowed = grants.join;
        let joined = self.rooms.join(seat, grants, request, String::new(), self.now());
        assert!(allowed || joined.is_err(), "who may not come in does not");
        if joined.is_ok() && !resumes {
            self.seated.insert(seat, (room, identity));
        }
    }

    /// Whom it reaches, and in whose name.
    fn data(&mut self, seat: Seat, packet: &[u8]) {
        let Some((to, signed)) = self.rooms.data(seat, packet) else { return };
        let (room, identity) = self.seated.get(&seat).expect("who is not there says nothing");
        assert!(!to.contains(&seat), "nobody hears themselves");
        for listener in to {
            let theirs = self.seated.get(&listener).map(|(room, _)| room);
            assert_eq!(theirs, Some(room), "what is said stays in the room");
        }
        let read = lk::DataPacket::decode(signed.as_slice()).expect("it can be read still");
        assert_eq!(&read.participant_identity, identity, "nobody speaks in another's name");
        #[expect(deprecated, reason = "the protocol's older clients say it")]
        let speaks = matches!(read.value, Some(lk::data_packet::Value::Speaker(_)));
        assert!(!speaks, "who speaks is the server's to say");
    }

    fn drain(&mut self) {
        let mut effects = 0;
        while let Some(effect) = self.rooms.effect() {
            effects += 1;
            assert!(effects <= MOST_EFFECTS, "one act leads to {effects} others");
            match effect {
                Effect::Say { to, message } => {
                    assert!(!self.closed.contains(&to), "nothing is said to a socket that is closed");
                    self.hear(&message);
                }
                Effect::Answer { to, id, carried, changed, .. } => {
                    assert!(changed.iter().all(|mid| carried.contains_key(mid)), "what changed carries something");
                    let now = self.now();
                    self.rooms.answered(to, id, "v=0".to_owned(), &["candidate:1".to_owned()], now);
                }
                Effect::Close { seat } => {
                    self.closed.insert(seat);
                    self.seated.remove(&seat);
                }
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest names no track")]
    fn hear(&mut self, message: &Response) {
        match message {
            Response::Update(update) => {
                for track in update.participants.iter().flat_map(|person| &person.tracks) {
                    let length = track.encoded_len();
                    assert!(length <= LONGEST_TRACK, "a track of {length} bytes is told to everybody");
                    self.track.clone_from(&track.sid);
                }
            }
            Response::TrackPublished(said) => {
                let length = said.encoded_len();
                assert!(length <= LONGEST_TRACK, "a track of {length} bytes is kept");
            }
            _ => {}
        }
    }

    fn check(&mut self) {
        let names: BTreeSet<&String> = self.seated.values().map(|(room, _)| room).collect();
        assert!(names.len() <= MOST_ROOMS, "{} rooms", names.len());
        let mut seats = 0;
        for room in names {
            let people = self.rooms.people(room);
            seats += people.len();
            assert!(people.len() <= MOST_PEOPLE, "{} people", people.len());
            for person in people {
                assert!(person.tracks.len() <= MOST_TRACKS, "{} tracks", person.tracks.len());
            }
        }
        assert_eq!(seats, self.seated.len(), "who is there has a socket, and the other way round");
        if !self.rooms.routes_changed() {
            return;
        }
        let mut taken = BTreeSet::new();
        for route in self.rooms.routes() {
            let Some((room, _)) = self.seated.get(&route.from) else { panic!("a track of somebody who left") };
            for listener in &route.to {
                assert!(listener.seat != route.from, "nobody hears themselves");
                let theirs = self.seated.get(&listener.seat).map(|(room, _)| room);
                assert_eq!(theirs, Some(room), "what is sent stays in the room");
                assert!(taken.insert((listener.seat, listener.mid.clone())), "a section carries one track");
            }
        }
    }
}

/// The parameter of an address.
pub(crate) fn join(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(request) = sfu::wire::join_request(&text) {
        // What was read can be packed and read again.
        let wrapped =
            lk::WrappedJoinRequest { compression: i32::from(Packing::None), join_request: request.encode_to_vec() };
        let again = sfu::wire::join_request(&URL_SAFE.encode(wrapped.encode_to_vec()));
        assert!(again.is_err() || again == Ok(request), "it says the same again");
    }
    // A mutation of base64 seldom is any, so the bytes behind it are tried as well.
    let packed = URL_SAFE.encode(input);
    let _read = sfu::wire::join_request(&packed);
    let wrapped = lk::WrappedJoinRequest { compression: i32::from(Packing::Gzip), join_request: gzipped(input) };
    let _read = sfu::wire::join_request(&URL_SAFE.encode(wrapped.encode_to_vec()));
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("a vector takes what is written to it");
    encoder.finish().expect("a vector takes what is written to it")
}

/// Of a description what the rooms look at.
fn small(sdp: &mut String) {
    let looked_at = ["v=", "m=", "a=mid", "a=send", "a=recv", "a=inactive", "a=msid:", "a=rid"];
    let lines = sdp.lines().filter(|line| looked_at.iter().any(|start| line.starts_with(start)));
    *sdp = lines.map(|line| format!("{line}\r\n")).collect();
}

fn small_request(frame: &[u8]) -> Vec<u8> {
    let mut whole = lk::SignalRequest::decode(frame).unwrap_or_default();
    if let Some(Request::Offer(offer)) = &mut whole.message {
        small(&mut offer.sdp);
    }
    whole.encode_to_vec()
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for recording in recorded::all() {
        let mut ink = Ink::default().byte(JOIN).byte(1).byte(0).bytes(&[]);
        for said in recording {
            match said {
                Said::Open(join) => {
                    let mut join = lk::JoinRequest::decode(join.as_slice()).unwrap_or_default();
                    join.publisher_offer.iter_mut().for_each(|offer| small(&mut offer.sdp));
                    ink = ink.byte(JOIN).byte(2).byte(0).bytes(&join.encode_to_vec()).byte(CONNECTED).byte(0);
                }
                Said::Client(frame) => {
                    ink = ink.byte(FRAME).byte(1).bytes(&small_request(&frame)).byte(TICK).short(50);
                }
                Said::Server(_) => {}
                Said::Close => ink = ink.byte(LOST).byte(1),
            }
        }
        seeds.push(ink.dry());
    }
    // Two people, of whom one shows and the other sees; each kind of request.
    let shown = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=sendonly\r\na=msid:- cam\r\na=rid:q send\r\n";
    let seen = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=recvonly\r\n";
    let frame = |request: Request| lk::SignalRequest { message: Some(request) }.encode_to_vec();
    let offer = |sdp: &str| frame(Request::Offer(lk::SessionDescription { sdp: sdp.to_owned(), ..Default::default() }));
    let layer = lk::VideoLayer { width: 640, height: 360, rid: "q".to_owned(), ..lk::VideoLayer::default() };
    let add = lk::AddTrackRequest {
        cid: "cam".to_owned(),
        r#type: lk::TrackType::Video.into(),
        source: lk::TrackSource::Camera.into(),
        layers: vec![layer.clone()],
        simulcast_codecs: vec![lk::SimulcastCodec {
            codec: "vp8".to_owned(),
            cid: "cam".to_owned(),
            layers: vec![layer],
            ..lk::SimulcastCodec::default()
        }],
        ..lk::AddTrackRequest::default()
    };
    let begun = || {
        let ink = Ink::default().byte(JOIN).byte(1).byte(0).bytes(&[]).byte(JOIN).byte(2).byte(0).bytes(&[]);
        let ink = ink.byte(FRAME).byte(0).bytes(&frame(Request::AddTrack(add.clone())));
        let ink = ink.byte(FRAME).byte(0).bytes(&offer(shown)).byte(TICK).short(40);
        ink.byte(FRAME).byte(1).bytes(&offer(seen)).byte(TICK).short(40)
    };
    let requests = [
        Request::Mute(lk::MuteTrackRequest::default()),
        Request::Subscription(lk::UpdateSubscription { track_sids: vec!["TR_".to_owned()], ..Default::default() }),
        Request::TrackSetting(lk::UpdateTrackSettings { width: 9, height: 9, ..Default::default() }),
        Request::SubscriptionPermission(lk::SubscriptionPermission {
            track_permissions: vec![lk::TrackPermission::default()],
            ..Default::default()
        }),
        Request::UpdateMetadata(lk::UpdateParticipantMetadata::default()),
        Request::UpdateVideoTrack(lk::UpdateLocalVideoTrack::default()),
        Request::Ping(7),
        Request::Leave(lk::LeaveRequest::default()),
    ];
    for request in requests {
        seeds.push(begun().byte(FRAME).byte(1).bytes(&frame(request)).byte(TICK).short(6000).dry());
    }
    let user = lk::UserPacket { payload: b"word".to_vec(), ..lk::UserPacket::default() };
    let packet = lk::DataPacket {
        value: Some(lk::data_packet::Value::User(user)),
        participant_identity: "person 2".to_owned(),
        ..lk::DataPacket::default()
    };
    let ink = begun().byte(DATA).byte(0).bytes(&packet.encode_to_vec());
    let ink = ink.byte(LOUD).byte(0).byte(9).byte(LINE).byte(1).long(100).long(3).word(1).word(1).byte(0);
    let ink = ink.byte(MUTE).byte(0).byte(1).byte(MUTE).byte(0).byte(0).byte(TICK).short(500);
    let ink = ink.byte(REMOVE).byte(0).byte(JOIN).byte(1).byte(16).bytes(&[]);
    seeds.push(ink.byte(REFUSED).byte(0).byte(MISBEHAVED).byte(0).byte(LOST).byte(0).dry());
    // A crowd.
    let crowd = (0..30).fold(Ink::default(), |ink, who| ink.byte(JOIN).byte(who).byte(0).bytes(&[]));
    seeds.push(crowd.byte(TICK).short(400).dry());
    seeds
}

pub(crate) fn joins() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for said in recorded::all().flatten() {
        if let Said::Open(join) = said {
            let mut join = lk::JoinRequest::decode(join.as_slice()).unwrap_or_default();
            join.publisher_offer.iter_mut().for_each(|offer| small(&mut offer.sdp));
            let join = join.encode_to_vec();
            let wrap = |compression: Packing, join_request: Vec<u8>| {
                lk::WrappedJoinRequest { compression: i32::from(compression), join_request }.encode_to_vec()
            };
            let (plain, packed) = (wrap(Packing::None, join.clone()), wrap(Packing::Gzip, gzipped(&join)));
            seeds.extend([URL_SAFE.encode(&plain).into_bytes(), URL_SAFE.encode(&packed).into_bytes(), plain, packed]);
        }
    }
    seeds
}
