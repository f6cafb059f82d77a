//! Recorded rounds: every frame of the server is read, and leads to where the recording ended.

use crate::script::{Script, answer, options, sent};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use prost::Message;
use rounds_proto::signal::{
    Candidate, Encryption, Fact, How, Input, Kind, Layer, Output, OwnFact, PeerState, Quality, Reason, ServerReason,
    Source, Step, TrackFact, TrackWish, View,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// All recordings, with those that belong together in one.
pub(crate) const ALL: [(&str, &[&str]); 7] = [
    ("solo", &[include_str!("../captures/solo.jsonl")]),
    ("duo-alice", &[include_str!("../captures/duo-alice.jsonl")]),
    ("duo-bob", &[include_str!("../captures/duo-bob.jsonl")]),
    ("e2ee", &[include_str!("../captures/e2ee.jsonl")]),
    ("resume", &[include_str!("../captures/resume.jsonl"), include_str!("../captures/rejoin.jsonl")]),
    ("rust-alice", &[include_str!("../captures/rust-alice.jsonl")]),
    ("rust-bob", &[include_str!("../captures/rust-bob.jsonl")]),
];

/// The offer that ours makes and the recorded client did not: it waits 20 ms after each track, and ours does not.
const ONE_MORE: &str = "one more";

/// A line of a recording.
#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    /// In milliseconds.
    t: f64,
    pub(crate) dir: String,
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    b64: String,
    join_request: Option<Inner>,
}

#[derive(Debug, Deserialize)]
struct Inner {
    b64: String,
}

impl Line {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        STANDARD.decode(&self.b64).expect("base64")
    }

    fn request(&self) -> Request {
        let whole = lk::SignalRequest::decode(self.bytes().as_slice()).expect("a request");
        whole.message.expect("a known request")
    }

    pub(crate) fn join(&self) -> lk::JoinRequest {
        let inner = self.join_request.as_ref().expect("a join request");
        lk::JoinRequest::decode(STANDARD.decode(&inner.b64).expect("base64").as_slice()).expect("a join request")
    }
}

pub(crate) fn lines(name: &str) -> Vec<Line> {
    let (_name, parts) = ALL.iter().find(|(known, _parts)| *known == name).expect("a recording of this name");
    let lines = parts.iter().flat_map(|part| part.lines());
    lines.map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// A recording that is played to a round.
struct Replay {
    script: Script,
    facts: Vec<Fact>,
    sent: Vec<Request>,
    /// `sid` to `cid` of our own tracks.
    own: BTreeMap<String, String>,
    offers: Vec<String>,
    /// Of the last answer.
    mids: BTreeMap<String, String>,
    /// By so many offers ours is ahead of the recorded client.
    ahead: u32,
    /// `cid` by kind.
    wished: BTreeMap<i32, String>,
}

/// Plays a recording. What the recorded client did, our shell does too; `before` may add what left no message.
fn replay(name: &str, mut before: impl FnMut(&Line, &mut Replay)) -> Replay {
    let mut script = Script::with(options(&["wss://rounds.test"]));
    script.flowing = true;
    let mut replay = Replay {
        script,
        facts: Vec::new(),
        sent: Vec::new(),
        own: BTreeMap::new(),
        offers: Vec::new(),
        mids: BTreeMap::new(),
        ahead: 0,
        wished: BTreeMap::new(),
    };
    let lines = lines(name);
    for (index, line) in lines.iter().enumerate() {
        before(line, &mut replay);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "recordings take seconds")]
        let time = std::time::Duration::from_micros((line.t.max(0.0) * 1000.0) as u64);
        if time > replay.script.now {
            replay.script.until(time);
        }
        match line.dir.as_str() {
            "open" => replay.open(line),
            "s2c" => replay.server(line),
            "c2s" => replay.client(line.request()),
            "close" => {
                // The recorded client began again by itself, as after this message.
                let next = lines.iter().skip(index + 1).find(|line| line.dir == "open").map(Line::join);
                if next.is_some_and(|next| !next.reconnect) {
                    let action = lk::leave_request::Action::Reconnect;
                    replay.script.server(crate::script::leave(action, lk::DisconnectReason::UnknownReason));
                } else {
                    replay.script.close();
                }
            }
            other => panic!("{other} is no direction"),
        }
        let rest = lines.iter().skip(index + 1).take_while(|line| line.dir != "open");
        if rest.filter(|line| line.dir == "c2s" && line.kind == "offer").count() == 0 {
            replay.answer_ourselves();
        }
        replay.look(line);
    }
    replay
}

impl Replay {
    fn look(&mut self, line: &Line) {
        self.sent.extend(self.script.outputs.iter().filter_map(sent));
        for fact in self.script.facts() {
            if let Fact::Own { cid, what: OwnFact::Published { track } } = &fact {
                self.own.insert(track.clone(), cid.clone());
            }
            let unasked = matches!(fact, Fact::Interrupted { .. })
                && line.dir == "s2c"
                && !["reconnect", "leave"].contains(&line.kind.as_str());
            assert!(!unasked, "{} at {} interrupts: {fact:?}", line.kind, line.t);
            self.facts.push(fact);
        }
    }

    fn open(&mut self, line: &Line) {
        let join = line.join();
        if self.script.peer.is_none() {
            for track in &join.add_track_requests {
                self.script.input(Input::Publish(wish(track)));
            }
            self.script.input(Input::Join);
        } else if !self.script.outputs.iter().any(|o| matches!(o, Output::Open { .. } | Output::Build { .. })) {
            let due = self.script.course.due().expect("another attempt follows");
            self.script.until(due.max(self.script.now));
        }
        if let Some(offer) = &join.publisher_offer {
            self.ahead = 0;
            self.script.make_offer(&offer.sdp);
        }
        let (_base, request) = self.script.last_open().expect("a socket is asked for where one was opened");
        assert_eq!(request.reconnect, join.reconnect, "a session goes on where the recorded one did");
        assert_eq!(request.participant_sid, join.participant_sid, "as the same participant");
        let sdp = |request: &lk::JoinRequest| request.publisher_offer.as_ref().map(|offer| offer.sdp.clone());
        assert_eq!(sdp(&request), sdp(&join), "with the same offer");
        self.script.open();
    }

    fn server(&mut self, line: &Line) {
        let bytes = line.bytes();
        if line.kind == "reconnect" && self.script.course.due().is_some() && self.is_up() {
            // The recording of the second socket begins with this message.
            self.script.close();
            let due = self.script.course.due().expect("another attempt follows");
            self.script.until(due.max(self.script.now));
            self.script.open();
        }
        if line.kind == "answer" {
            let whole = lk::SignalResponse::decode(bytes.as_slice()).expect("a response");
            let Some(Response::Answer(mut answer)) = whole.message else { panic!("an answer is one") };
            self.mids = answer.mid_to_track_id.clone().into_iter().collect();
            if self.ahead == 0 {
                self.script.bytes(&bytes);
            } else {
                answer.id += self.ahead;
                self.script.server(Response::Answer(answer));
            }
        } else {
            self.script.bytes(&bytes);
        }
        if line.kind == "answer" {
            self.script.peer(PeerState::IceConnected);
            self.script.peer(PeerState::Connected);
        }
    }

    /// Where ours offers once more than the recorded client, the server has nothing to change.
    fn answer_ourselves(&mut self) {
        while self.is_up()
            && let Some((_peer, offer)) = self.script.wishes.last().copied()
            && offer > 1
        {
            self.script.make_offer(ONE_MORE);
            let mids = self.mids.clone();
            let mids: Vec<_> = mids.iter().map(|(mid, track)| (mid.as_str(), track.as_str())).collect();
            self.script.server(answer(offer, &mids));
        }
    }

    /// Whether no socket was opened since the last message.
    fn is_up(&self) -> bool {
        !self.script.outputs.iter().any(|output| matches!(output, Output::Open { .. }))
            && !matches!(self.facts.last(), Some(Fact::Interrupted { .. }))
    }

    fn client(&mut self, request: Request) {
        match request {
            Request::Offer(offer) => {
                if self.script.wishes.is_empty() {
                    self.script.input(Input::Negotiate(self.script.peer_no()));
                }
                self.offers.push(offer.sdp.clone());
                let wish = self.script.wishes.last().expect("an offer can be made");
                self.ahead = wish.1.checked_sub(offer.id).expect("ours offers as often, or more often");
                self.script.make_offer(&offer.sdp);
            }
            Request::Trickle(trickle) => {
                let json: serde_json::Value = serde_json::from_str(&trickle.candidate_init).expect("JSON");
                let candidate = json["candidate"].as_str().expect("a candidate").to_owned();
                let candidate = Candidate { candidate, mid: Some("0".to_owned()), line: Some(0), ufrag: None };
                self.script.input(Input::Candidate(self.script.peer_no(), candidate));
            }
            Request::AddTrack(track) => {
                // The recorded client names its tracks afresh where it begins again.
                let earlier = self.wished.insert(track.r#type, track.cid.clone());
                if let Some(cid) = earlier {
                    self.script.input(Input::Unpublish(&cid));
                }
                self.script.input(Input::Publish(wish(&track)));
            }
            Request::Mute(mute) => {
                if let Some(cid) = self.own.get(&mute.sid).cloned() {
                    self.script.input(Input::Mute(&cid, mute.muted));
                }
            }
            Request::Subscription(wish) => {
                for track in &wish.track_sids {
                    self.script.input(Input::Subscribe(track, wish.subscribe));
                }
            }
            Request::TrackSetting(setting) => {
                let step = match setting.quality {
                    0 => Step::Low,
                    1 => Step::Medium,
                    _ => Step::High,
                };
                for track in &setting.track_sids {
                    let view = View {
                        shown: !setting.disabled,
                        step,
                        width: setting.width,
                        height: setting.height,
                        fps: setting.fps,
                        priority: setting.priority,
                    };
                    self.script.input(Input::View(track, view));
                }
            }
            Request::Leave(_) => self.script.input(Input::Leave),
            // Our own clock pings; our own resume synchronizes; the rest is for trials or says what is so anyway.
            Request::Ping(_)
            | Request::PingReq(_)
            | Request::SyncState(_)
            | Request::SubscriptionPermission(_)
            | Request::Simulate(_) => {}
            other => panic!("no recording has {other:?}"),
        }
    }

    fn left(&self) -> Option<Reason> {
        self.facts.iter().find_map(|fact| match fact {
            Fact::Left(reason) => Some(*reason),
            _ => None,
        })
    }

    /// What came through which section, in order.
    fn bound(&self) -> Vec<(&str, Option<&str>)> {
        let bound = self.facts.iter().filter_map(|fact| match fact {
            Fact::Bound { mid, track } => Some((mid.as_str(), track.as_deref())),
            _ => None,
        });
        bound.collect()
    }

    fn muted(&self) -> Vec<(&str, bool)> {
        let muted = self.facts.iter().filter_map(|fact| match fact {
            Fact::Track { track, what: TrackFact::Muted(muted), .. } => Some((track.as_str(), *muted)),
            _ => None,
        });
        muted.collect()
    }

    fn kinds(&self) -> Vec<&'static str> {
        let one_more = |request: &&Request| matches!(request, Request::Offer(offer) if offer.sdp == ONE_MORE);
        let sent = self.sent.iter().filter(|request| !one_more(request));
        let mut kinds: Vec<_> = sent.map(kind).filter(|kind| !kind.starts_with("ping")).collect();
        // Ours tells again after a resume what is muted; the recorded client waits for what the server takes it for.
        if let Some(at) = kinds.iter().position(|kind| *kind == "syncState") {
            let mutes = kinds[at + 1..].iter().take_while(|kind| **kind == "mute").count();
            kinds.drain(at + 1..=at + mutes);
        }
        kinds
    }
}

fn wish(track: &lk::AddTrackRequest) -> TrackWish {
    let layer = |layer: &lk::VideoLayer| Layer {
        step: match layer.quality {
            0 => Step::Low,
            1 => Step::Medium,
            _ => Step::High,
        },
        width: layer.width,
        height: layer.height,
        bitrate: layer.bitrate,
        ssrc: layer.ssrc,
    };
    let video = track.r#type == 1;
    TrackWish {
        cid: track.cid.clone(),
        kind: if video { Kind::Video } else { Kind::Audio },
        source: if video { Source::Camera } else { Source::Microphone },
        codec: if video { "vp8" } else { "opus" }.to_owned(),
        width: track.width,
        height: track.height,
        layers: track.layers.iter().map(layer).collect(),
        encrypted: track.encryption == 1,
        muted: track.muted,
    }
}

fn kind(request: &Request) -> &'static str {
    match request {
        Request::Offer(_) => "offer",
        Request::Trickle(_) => "trickle",
        Request::AddTrack(_) => "addTrack",
        Request::Mute(_) => "mute",
        Request::Subscription(_) => "subscription",
        Request::TrackSetting(_) => "trackSetting",
        Request::Leave(_) => "leave",
        Request::SyncState(_) => "syncState",
        Request::Ping(_) => "ping",
        Request::PingReq(_) => "pingReq",
        Request::SubscriptionPermission(_) => "subscriptionPermission",
        Request::Simulate(_) => "simulate",
        _ => "other",
    }
}

/// What the recorded client sent, without what ours does not send: pings by another clock and a permission that is
/// the usual one.
fn recorded_kinds(name: &str) -> Vec<String> {
    let lines = lines(name).into_iter().filter(|line| line.dir == "c2s");
    lines.map(|line| line.kind).filter(|kind| !kind.starts_with("ping") && kind != "subscriptionPermission").collect()
}

fn nothing(_line: &Line, _replay: &mut Replay) {}

#[test]
fn every_recorded_frame_of_a_server_is_understood_to_the_last_byte() {
    for (name, _parts) in ALL {
        let replay = replay(name, nothing);
        let counts = replay.script.course.counts();
        assert!(counts.frames > 10, "{name} was played");
        assert_eq!(counts.bad_frames, 0, "{name}: {counts:?}");
        assert_eq!(counts.unknown_messages, 0, "{name}: {counts:?}");
        assert_eq!(counts.unknown_bytes, 0, "{name}: {counts:?}");
        assert_eq!(counts.stale_answers, 0, "{name}: {counts:?}");
        assert_eq!(counts.unexpected, 0, "{name}: {counts:?}");
        assert_eq!(counts.refused, 0, "{name}: {counts:?}");
        assert!(counts.dropped_ice_urls >= 3, "{name}: Twilio's and Google's addresses are not used");
    }
}

#[test]
fn every_recorded_frame_of_a_client_is_a_request_of_its_kind() {
    for (name, _parts) in ALL {
        for line in lines(name) {
            match line.dir.as_str() {
                "c2s" => {
                    let request = line.request();
                    assert_eq!(kind(&request), line.kind, "{name} at {}", line.t);
                    let again = lk::SignalRequest { message: Some(request) }.encoded_len();
                    assert_eq!(again, line.bytes().len(), "{name} at {}: nothing is left over", line.t);
                }
                "open" => {
                    let join = line.join();
                    assert_ne!(join.reconnect, join.publisher_offer.is_some(), "{name}: a join offers, a resume not");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn alone_in_a_room_one_publishes_mutes_stops_and_leaves() {
    let replay = replay("solo", |line, replay| {
        if line.kind == "offer" && line.dir == "c2s" && replay.offers.len() == 2 {
            let cid = replay.own["TR_VCYbzcZ958q6DL"].clone();
            replay.script.input(Input::Unpublish(&cid));
        }
    });
    let me = replay.script.course.me().expect("we were in");
    assert_eq!((me.sid.as_str(), me.identity.as_str()), ("PA_7YznmXKb3eNP", "alice"), "who we were");
    let tracks: Vec<_> = me.tracks.values().map(|track| (track.sid.as_str(), track.muted)).collect();
    assert_eq!(tracks, [("TR_AMgtgdC6MtVCGA", false)], "the microphone is left");
    assert_eq!(replay.own.keys().collect::<Vec<_>>(), ["TR_AMgtgdC6MtVCGA", "TR_VCYbzcZ958q6DL"], "both had places");
    assert_eq!(replay.script.course.others().count(), 0, "nobody else came");
    let speakers: Vec<usize> = replay
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Speakers(speakers) => Some(speakers.len()),
            _ => None,
        })
        .collect();
    assert_eq!(speakers, [1, 0], "we spoke and stopped");
    let quality = replay.facts.iter().find_map(|fact| match fact {
        Fact::Quality(qualities) => Some(qualities[0].quality),
        _ => None,
    });
    assert_eq!(quality, Some(Quality::Excellent), "a line on one machine");
    assert_eq!(replay.left(), Some(Reason::ByUs), "we left");
    assert_eq!(replay.kinds(), recorded_kinds("solo"), "the same was sent in the same order");
}

#[test]
fn the_first_in_a_room_sees_another_come_be_muted_by_wish_and_go() {
    let replay = replay("duo-alice", nothing);
    let (mic, cam) = ("TR_AMf5EvEhuyYVmq", "TR_VCXu7wqKb6fEFB");
    let bound = [("0", Some(mic)), ("3", Some(cam)), ("3", None), ("3", Some(cam)), ("0", None), ("3", None)];
    assert_eq!(replay.bound(), bound, "bound, unsubscribed, bound again, and gone");
    let left: Vec<_> = replay
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::PersonLeft { person, identity, reason } => Some((person.as_str(), identity.as_str(), *reason)),
            _ => None,
        })
        .collect();
    assert_eq!(left, [("PA_hAb66HnwmYuo", "bob", ServerReason::ClientInitiated)], "bob left by himself");
    assert_eq!(replay.script.course.others().count(), 0, "and is gone");
    let wanted: Vec<_> = replay
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Own { what: OwnFact::Wanted(codecs), .. } => Some(codecs[0].clone()),
            _ => None,
        })
        .map(|codec| (codec.low, codec.medium, codec.high))
        .collect();
    let steps = [(true, true, true), (true, false, false), (false, false, false)];
    assert_eq!(wanted, steps, "all layers, then the lowest, then none when nobody is there");
    assert_eq!(replay.left(), Some(Reason::ByUs), "alice left");
    assert_eq!(replay.kinds(), recorded_kinds("duo-alice"), "the same was sent in the same order");
}

#[test]
fn whoever_joins_a_running_round_has_its_tracks_with_the_first_answer() {
    let replay = replay("duo-bob", nothing);
    let joined = replay.facts.iter().find_map(|fact| match fact {
        Fact::Joined(joined) => Some(joined),
        _ => None,
    });
    let joined = joined.expect("the server let us in");
    assert_eq!(joined.others.len(), 1, "alice was there");
    assert_eq!(joined.others[0].identity.as_str(), "alice", "alice was there");
    assert_eq!(joined.room_name, "cap-duo", "the room");
    assert_eq!(joined.server_version, "1.13.3", "the server");
    let alice: Vec<_> = replay.script.course.others().collect();
    let tracks: Vec<_> = alice[0].tracks.values().map(|track| (track.sid.as_str(), track.kind, track.source)).collect();
    let expected =
        [("TR_AM4nWxjCzGLd7g", Kind::Audio, Source::Microphone), ("TR_VC8vKERke4USj3", Kind::Video, Source::Camera)];
    assert_eq!(tracks, expected, "alice publishes both to the end");
    assert_eq!(alice[0].tracks["TR_VC8vKERke4USj3"].width, 1280, "in 720p");
    assert!(alice[0].tracks["TR_VC8vKERke4USj3"].simulcast, "in several layers");
    let layers = &alice[0].tracks["TR_VC8vKERke4USj3"].layers;
    let layers: Vec<_> = layers.iter().map(|layer| (layer.step, layer.width, layer.height)).collect();
    assert_eq!(layers, [(Step::Low, 320, 180), (Step::Medium, 640, 360), (Step::High, 1280, 720)], "in these");
    let bound = [("0", Some("TR_AM4nWxjCzGLd7g")), ("3", Some("TR_VC8vKERke4USj3"))];
    assert_eq!(replay.bound(), bound, "both came with the first answer and stayed");
    assert_eq!(replay.muted(), [], "nobody muted");
    assert_eq!(replay.left(), Some(Reason::ByUs), "bob left");
}

#[test]
fn tracks_that_are_encrypted_say_so() {
    let replay = replay("e2ee", nothing);
    let published: Vec<_> = replay
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Track { what: TrackFact::Published(track), .. } => {
                Some((track.sid.as_str(), track.mime_type.as_str(), track.encryption))
            }
            _ => None,
        })
        .collect();
    let expected =
        [("TR_AMuGNRNgotw4sH", "audio/opus", Encryption::Gcm), ("TR_VCgwPbvw5ez9YJ", "video/VP8", Encryption::Gcm)];
    assert_eq!(published, expected, "bob's tracks");
    let asked: Vec<_> = replay
        .sent
        .iter()
        .filter_map(|request| match request {
            Request::AddTrack(track) => Some((track.encryption, track.disable_red)),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [(1, true), (1, true)], "ours ask for AES-GCM, and for no redundancy");
    assert_eq!(replay.script.course.others().count(), 0, "bob left before us");
    assert_eq!(replay.kinds(), recorded_kinds("e2ee"), "the same was sent in the same order");
}

#[test]
fn a_lost_socket_is_resumed_and_a_forced_rejoin_or_a_shutdown_begins_again() {
    let replay = replay("resume", nothing);
    let course: Vec<_> = replay
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Joined(joined) => Some(format!("joined as {} with {}", joined.me.sid, joined.others[0].sid)),
            Fact::Interrupted { how, .. } => Some(format!("interrupted, {how:?}")),
            Fact::Resumed { .. } => Some("resumed".to_owned()),
            Fact::Left(reason) => Some(format!("left, {reason:?}")),
            _ => None,
        })
        .collect();
    let expected = [
        "joined as PA_RxcM2hVt9VWp with PA_ucMDJMh3aBa9",
        "interrupted, Resume",
        "resumed",
        "interrupted, Rejoin",
        "joined as PA_YRkXDDcQzupZ with PA_ucMDJMh3aBa9",
        "interrupted, Rejoin",
    ];
    assert_eq!(course, expected, "the course of the recording");
    let others: Vec<_> = replay.script.course.others().map(|person| person.tracks.keys().cloned()).collect();
    let tracks: Vec<String> = others.into_iter().flatten().collect();
    assert_eq!(tracks, ["TR_AMNCNWSg5YVFVm", "TR_VCBXsruBi7Yv7i"], "bob publishes to the end");
    let last: BTreeMap<_, _> = replay.bound().into_iter().collect();
    assert_eq!(
        last.get("9"),
        Some(&Some("TR_VCBXsruBi7Yv7i")),
        "his picture came through a section that was asked for"
    );
    let sync = replay.sent.iter().find_map(|request| match request {
        Request::SyncState(sync) => Some(sync),
        _ => None,
    });
    let recorded = lines("resume").into_iter().find(|line| line.kind == "syncState").map(|line| line.request());
    let (Some(sync), Some(Request::SyncState(recorded))) = (sync, recorded) else { panic!("both synchronize") };
    let tracks = |sync: &lk::SyncState| {
        let sids = sync.publish_tracks.iter().filter_map(|said| said.track.as_ref().map(|track| track.sid.clone()));
        sids.collect::<Vec<_>>()
    };
    assert_eq!(tracks(sync), tracks(&recorded), "the same tracks of ours");
    assert_eq!(sync.subscription, recorded.subscription, "the same subscriptions");
    let own = sync.offer.as_ref().map(|offer| offer.sdp.clone());
    assert_eq!(own.as_deref(), Some(ONE_MORE), "the offer that was answered last");
    assert!(sync.answer.as_ref().is_some_and(|answer| answer.r#type == "answer"), "with its answer");
}

#[test]
fn the_recorded_client_on_webrtc_rs_and_ours_send_the_same() {
    for (name, other, stays) in [("rust-alice", "PA_QRSqVZqGwFuE", 0), ("rust-bob", "PA_dg4R2YxmyWry", 1)] {
        let replay = replay(name, nothing);
        assert_eq!(replay.kinds(), recorded_kinds(name), "{name}: in the same order");
        assert_eq!(
            replay.script.course.others().filter(|person| person.sid == other).count(),
            stays,
            "{name}: at the end"
        );
        assert!(replay.facts.contains(&Fact::Resumed { last_message: 0 }), "{name}: resumed");
        assert_eq!(replay.own.len(), 2, "{name}: both tracks had places with the join");
        assert_eq!(replay.left(), Some(Reason::ByUs), "{name}: left");
    }
}

#[test]
fn a_round_without_a_resume_has_no_time_to_lose_at_the_first_failure() {
    let replay = replay("resume", nothing);
    let pauses: Vec<_> = replay
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Interrupted { how, attempt, .. } => Some((*how, *attempt)),
            _ => None,
        })
        .collect();
    // 5 s lie between the first two, and less before the server shuts down: less than makes a round steady.
    let expected = [(How::Resume, 1), (How::Rejoin, 2), (How::Rejoin, 3)];
    assert_eq!(pauses, expected, "each failure follows the one before");
}
