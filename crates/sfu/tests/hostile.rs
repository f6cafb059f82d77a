//! What no client says: it is refused or passed over, and nothing grows by it.

use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use sfu::rooms::{Effect, JoinError, MOST_PEOPLE, MOST_TRACKS, Moment, Rooms, Seat};
use sfu::token::Grants;
use std::time::Instant;

fn now() -> Moment {
    Moment { at: Instant::now(), unix_millis: 0 }
}

fn grants(identity: &str) -> Grants {
    let (identity, room) = (identity.to_owned(), "round".to_owned());
    Grants { identity, room, join: true, publish: true, subscribe: true, ..Grants::default() }
}

fn join(rooms: &mut Rooms, seat: u64) -> Result<(), JoinError> {
    let request = lk::JoinRequest::default();
    rooms.join(Seat(seat), grants(&seat.to_string()), request, String::new(), now())
}

#[test]
fn noise_is_no_message() {
    for frame in [&[0xff; 64][..], &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], &[0x08]] {
        assert!(sfu::wire::request(frame).is_err(), "{} bytes", frame.len());
    }
    // Two bytes for each empty element would be hundreds in memory.
    assert!(sfu::wire::request(&[0x2a, 0x00].repeat(400_000)).is_err(), "a crowd");
}

#[test]
fn a_description_of_a_megabyte_ends_the_stay() {
    let mut rooms = Rooms::new([7; 32], "stun:127.0.0.1:1".to_owned());
    join(&mut rooms, 1).expect("there is room");
    let offer = lk::SessionDescription { sdp: "v=0\r\n".repeat(200_000), ..lk::SessionDescription::default() };
    rooms.said(Seat(1), Request::Offer(offer), now());
    let closed = std::iter::from_fn(|| rooms.effect()).any(|effect| matches!(effect, Effect::Close { .. }));
    assert!(closed && rooms.people("round").is_empty(), "nobody is left");
}

#[test]
fn nobody_gets_more_tracks_or_places_than_there_are() {
    let mut rooms = Rooms::new([7; 32], "stun:127.0.0.1:1".to_owned());
    join(&mut rooms, 1).expect("there is room");
    let mut published = 0;
    for cid in 0..200 {
        let track = lk::AddTrackRequest { cid: format!("track {cid}"), ..lk::AddTrackRequest::default() };
        rooms.said(Seat(1), Request::AddTrack(track), now());
    }
    while let Some(effect) = rooms.effect() {
        if let Effect::Say { message, .. } = effect {
            published += usize::from(matches!(*message, lk::signal_response::Message::TrackPublished(_)));
        }
    }
    assert_eq!(published, MOST_TRACKS, "of 200");
    for seat in 2..=25 {
        join(&mut rooms, seat).expect("there is room");
    }
    assert_eq!(join(&mut rooms, 26), Err(JoinError::Full), "after {MOST_PEOPLE}");
}

#[test]
fn what_is_told_of_a_track_has_an_end() {
    let long = || "x".repeat(1000);
    let layer = |rid: &str| lk::VideoLayer { rid: rid.to_owned(), ..lk::VideoLayer::default() };
    let codec = lk::SimulcastCodec { codec: "vp8".to_owned(), cid: "cam".to_owned(), ..lk::SimulcastCodec::default() };
    let track = lk::AddTrackRequest { cid: "cam".to_owned(), ..lk::AddTrackRequest::default() };
    let with = |codec: lk::SimulcastCodec| lk::AddTrackRequest { simulcast_codecs: vec![codec], ..track.clone() };
    for (what, request) in [
        ("a layer's name", lk::AddTrackRequest { layers: vec![layer(&long())], ..track.clone() }),
        ("a copy's name", with(lk::SimulcastCodec { cid: long(), ..codec.clone() })),
        ("a codec's name", with(lk::SimulcastCodec { codec: long(), ..codec.clone() })),
        ("a copy's layer's name", with(lk::SimulcastCodec { layers: vec![layer(&long())], ..codec.clone() })),
        ("a copy's layers", with(lk::SimulcastCodec { layers: vec![layer("q"); 4], ..codec.clone() })),
    ] {
        let mut rooms = Rooms::new([7; 32], "stun:127.0.0.1:1".to_owned());
        join(&mut rooms, 1).expect("there is room");
        rooms.said(Seat(1), Request::AddTrack(request), now());
        let said: Vec<Effect> = std::iter::from_fn(|| rooms.effect()).collect();
        let refused = said.iter().any(|effect| {
            let Effect::Say { message, .. } = effect else { return false };
            matches!(**message, lk::signal_response::Message::RequestResponse(_))
        });
        assert!(refused, "{what} is refused");
    }
}

#[test]
fn whoever_was_sent_away_is_told_nothing_more() {
    let mut rooms = Rooms::new([7; 32], "stun:127.0.0.1:1".to_owned());
    join(&mut rooms, 1).expect("there is room");
    rooms.misbehaved(Seat(1), now());
    let closed = std::iter::from_fn(|| rooms.effect()).filter(|effect| matches!(effect, Effect::Close { .. })).count();
    assert_eq!(closed, 1, "the socket is closed");
    // Frames that came before it was, and its end.
    rooms.misbehaved(Seat(1), now());
    rooms.refused(Seat(1), now());
    rooms.lost(Seat(1), now());
    assert!(rooms.effect().is_none(), "and nothing follows");
}
