//! Recorded clients (livekit-client 2.23, webrtc-rs) say to the rooms what they said to livekit-server 1.13.3.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use livekit_protocol as lk;
use livekit_protocol::signal_response::Message as Response;
use prost::Message as _;
use serde::Deserialize;
use sfu::rooms::{Effect, Moment, Rooms, Seat};
use sfu::token::Grants;
use std::time::{Duration, Instant};

#[derive(Deserialize)]
struct Line {
    dir: String,
    #[serde(default)]
    b64: String,
    join_request: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    b64: String,
}

/// Plays the client's half of a recording until its first socket ends; gives what it was told.
fn replay(recording: &str) -> Vec<Response> {
    let mut rooms = Rooms::new([7; 32], "stun:127.0.0.1:1".to_owned());
    let (began, mut said, mut opened) = (Instant::now(), Vec::new(), false);
    for (step, line) in (0_u64..).zip(recording.lines()) {
        let Ok(line) = serde_json::from_str::<Line>(line) else { continue };
        let now = Moment { at: began + Duration::from_millis(step * 50), unix_millis: 0 };
        match line.dir.as_str() {
            "open" if opened => break,
            "open" => {
                opened = true;
                let inner = line.join_request.map_or(line.b64, |inner| inner.b64);
                let join = STANDARD.decode(inner).expect("base64");
                let join = lk::JoinRequest::decode(join.as_slice()).expect("a join request");
                let (identity, room) = ("me".to_owned(), "round".to_owned());
                let grants = Grants { identity, room, join: true, publish: true, subscribe: true, ..Grants::default() };
                rooms.join(Seat(1), grants, join, String::new(), now).expect("there is room");
            }
            "c2s" => {
                let frame = STANDARD.decode(line.b64).expect("base64");
                let request = sfu::wire::request(&frame).expect("a message").expect("a known one");
                rooms.said(Seat(1), request, now);
            }
            _ => {}
        }
        rooms.tick(now);
        while let Some(effect) = rooms.effect() {
            match effect {
                Effect::Say { message, .. } => said.push(*message),
                Effect::Answer { to, id, .. } => rooms.answered(to, id, String::new(), &[], now),
                Effect::Close { .. } => {}
            }
        }
    }
    said
}

#[test]
fn recorded_clients_are_answered_and_never_sent_away() {
    let recordings = [
        include_str!("../../rounds-proto/tests/captures/solo.jsonl"),
        include_str!("../../rounds-proto/tests/captures/duo-alice.jsonl"),
        include_str!("../../rounds-proto/tests/captures/duo-bob.jsonl"),
        include_str!("../../rounds-proto/tests/captures/e2ee.jsonl"),
        include_str!("../../rounds-proto/tests/captures/rust-alice.jsonl"),
        include_str!("../../rounds-proto/tests/captures/rust-bob.jsonl"),
    ];
    for (at, recording) in recordings.into_iter().enumerate() {
        let said = replay(recording);
        assert!(matches!(said.first(), Some(Response::Join(_))), "recording {at}: what is said first");
        let count = |wanted: fn(&Response) -> bool| said.iter().filter(|message| wanted(message)).count();
        assert_eq!(count(|message| matches!(message, Response::Leave(_))), 0, "recording {at}: nobody is sent away");
        // Each of them publishes a microphone and a camera.
        assert_eq!(count(|message| matches!(message, Response::TrackPublished(_))), 2, "recording {at}: tracks");
        assert!(count(|message| matches!(message, Response::Answer(_))) > 0, "recording {at}: answers");
    }
}
