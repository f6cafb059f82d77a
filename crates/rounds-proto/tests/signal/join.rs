//! The way into a round, and a server that stops at each step of it.

use crate::script::{ME, Script, answer, camera, join, join_response, microphone, millis, options, update};
use livekit_protocol as lk;
use livekit_protocol::signal_response::Message as Response;
use prost::Message;
use rounds_proto::signal::{
    Cause, Fact, How, Input, Layer, Output, PeerState, Reason, Sections, Source, Step, Token, TrackWish,
};
use std::time::Duration;

#[test]
fn the_first_request_carries_the_offer_and_the_tracks() {
    let mut script = Script::new();
    script.input(Input::Publish(microphone()));
    script.input(Input::Publish(camera()));
    script.input(Input::Join);
    let Some(Output::Build { offer: 1, sections, senders, .. }) = script.outputs.first() else {
        panic!("a peer connection comes first: {:?}", script.outputs)
    };
    assert_eq!(*sections, Sections { audios: 3, videos: 3 }, "spare sections");
    assert_eq!(senders, &["mic", "cam"], "and our own tracks");
    script.make_offer("first offer");
    let (base, request) = script.last_open().expect("then a socket");
    assert_eq!(base, "wss://rounds.test/rtc/v1", "the path of one peer connection");
    let offer = request.publisher_offer.expect("with the offer");
    assert_eq!((offer.r#type.as_str(), offer.sdp.as_str(), offer.id), ("offer", "first offer", 1), "of number 1");
    let client = request.client_info.expect("and who we are");
    assert_eq!((client.sdk(), client.protocol), (lk::client_info::Sdk::Rust, 17), "to be given ICE over TCP");
    assert!(request.connection_settings.is_some_and(|settings| settings.auto_subscribe), "unset would mean no");
    let cids: Vec<_> = request.add_track_requests.iter().map(|track| track.cid.as_str()).collect();
    assert_eq!(cids, ["mic", "cam"], "and both tracks");
    let camera = &request.add_track_requests[1];
    assert_eq!((camera.r#type(), camera.source()), (lk::TrackType::Video, lk::TrackSource::Camera), "a camera");
    assert_eq!((camera.encryption(), camera.disable_red), (lk::encryption::Type::Gcm, true), "encrypted");
    assert_eq!(camera.layers.len(), 2, "in two layers");
    assert_eq!(camera.simulcast_codecs[0].codec, "vp8", "as VP8");
    assert!(!request.reconnect, "a new session");
}

#[test]
fn the_newest_token_opens_the_socket() {
    let mut script = Script::new();
    script.input(Input::Token(Token::parse("newer.token".to_owned()).expect("a token")));
    script.input(Input::Join);
    script.make_offer("offer");
    let token = script.outputs.iter().find_map(|output| match output {
        Output::Open { token, .. } => Some(token.authorization().to_string()),
        _ => None,
    });
    assert_eq!(token.as_deref(), Some("Bearer newer.token"), "and no older one");
}

#[test]
fn a_round_is_joined_once_the_server_says_so_and_connected_once_the_peer_is() {
    let mut script = Script::new();
    script.input(Input::Join);
    script.greet();
    assert_eq!(script.facts(), [], "nothing is known yet");
    script.server(join(vec![crate::script::ben(3)]));
    let facts = script.facts();
    let [Fact::Joined(joined)] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!((joined.me.sid.as_str(), joined.room_name.as_str(), joined.again), (ME, "board", false), "ourselves");
    assert_eq!(joined.others[0].tracks.len(), 2, "and Ben with his tracks");
    script.server(answer(1, &[("0", "TR_benmic")]));
    let answered: Vec<_> = script.outputs.drain(..).collect();
    let Some(Output::Answer { mids, sdp, .. }) = answered.first() else { panic!("{answered:?}") };
    assert_eq!(mids, &[("0".to_owned(), "TR_benmic".to_owned())], "the map goes with the answer");
    assert_eq!(sdp.as_str(), "answer 1", "as it came");
    script.peer(PeerState::IceConnected);
    script.peer(PeerState::Connected);
    assert_eq!(script.facts(), [Fact::Connected], "now sound can flow");
}

#[test]
fn a_round_begins_once() {
    let mut script = Script::new();
    script.input(Input::Join);
    script.input(Input::Join);
    assert_eq!(script.outputs.len(), 1, "one peer connection");
}

/// Brings a round to a step, and lets the time of the step pass without a word.
fn late(step: impl FnOnce(&mut Script), time: Duration) -> Vec<(Cause, How, Duration)> {
    let mut script = Script::new();
    script.input(Input::Join);
    step(&mut script);
    script.outputs.clear();
    script.pass(time - millis(1));
    assert_eq!(script.interruptions(), [], "1 ms before {time:?}");
    script.pass(millis(1));
    script.interruptions()
}

#[test]
fn no_step_of_a_join_takes_longer_than_its_time() {
    let again = |cause| [(cause, How::Rejoin, Duration::ZERO)];
    let none = late(|_script| {}, Duration::from_secs(15));
    assert_eq!(none, again(Cause::NoOffer), "the offer");
    let socket = late(|script| script.make_offer("offer"), Duration::from_secs(15));
    assert_eq!(socket, again(Cause::SocketTimeout), "the socket");
    let first = late(Script::greet, Duration::from_secs(5));
    assert_eq!(first, again(Cause::NoFirstMessage), "the first message");
    let quiet = late(
        |script| {
            script.greet();
            script.flowing = true;
            let join = lk::JoinResponse { ping_timeout: 120, ..join_response(Vec::new()) };
            script.server(Response::Join(join));
        },
        Duration::from_secs(15),
    );
    assert_eq!(quiet, again(Cause::PeerTimeout), "the answer and the connection");
    let stuck = late(
        |script| {
            script.greet();
            script.server(join(Vec::new()));
            script.server(answer(1, &[]));
            script.peer(PeerState::IceConnected);
        },
        millis(1500),
    );
    assert_eq!(stuck, again(Cause::HandshakeStuck), "DTLS");
}

#[test]
fn a_server_that_closes_at_any_step_is_asked_again() {
    for step in 0..4 {
        let mut script = Script::new();
        script.input(Input::Join);
        script.make_offer("offer");
        if step > 0 {
            script.open();
        }
        if step > 1 {
            script.server(join(Vec::new()));
        }
        if step > 2 {
            script.server(answer(1, &[]));
        }
        script.outputs.clear();
        script.close();
        let closed = [(Cause::SocketClosed, How::Rejoin, Duration::ZERO)];
        let dropped = script.outputs.iter().any(|output| matches!(output, Output::Drop(_)));
        assert!(dropped, "step {step}: the peer connection is not kept");
        assert_eq!(script.interruptions(), closed, "step {step}");
        script.pass(Duration::ZERO);
        assert!(matches!(script.outputs.first(), Some(Output::Build { offer: 1, .. })), "step {step}: a new one");
    }
}

#[test]
fn a_first_message_that_is_none_is_a_failure() {
    let whole = lk::SignalResponse { message: Some(join(Vec::new())) }.encode_to_vec();
    let unknown = [0xfa, 0x07, 0x01, 0x00];
    let nobody = lk::SignalResponse { message: Some(Response::Join(lk::JoinResponse::default())) }.encode_to_vec();
    let busy = lk::JoinResponse { alternative_url: "wss://elsewhere.test".to_owned(), ..Default::default() };
    let busy = lk::SignalResponse { message: Some(Response::Join(busy)) }.encode_to_vec();
    let other = lk::SignalResponse { message: Some(update(Vec::new())) }.encode_to_vec();
    let resumed = lk::SignalResponse { message: Some(Response::Reconnect(Default::default())) }.encode_to_vec();
    for (what, frame) in [
        ("half a join", &whole[..whole.len() / 2]),
        ("an unknown message", &unknown),
        ("nothing", &[]),
        ("a join of nobody", &nobody),
        ("another server's address", &busy),
        ("another message", &other),
        ("the resume of a session that is none", &resumed),
    ] {
        let mut script = Script::new();
        script.input(Input::Join);
        script.greet();
        script.bytes(frame);
        assert_eq!(script.interruptions(), [(Cause::BadFirstMessage, How::Rejoin, Duration::ZERO)], "{what}");
    }
}

#[test]
fn a_status_that_is_final_ends_the_round() {
    let ends = [(401, Reason::TokenRefused), (403, Reason::NotAllowed), (404, Reason::NoServer)];
    for (status, reason) in ends {
        let mut script = Script::new();
        script.input(Input::Join);
        script.make_offer("offer");
        script.input(Input::SocketRefused(script.socket_no(), Some(status)));
        assert_eq!(script.facts().last(), Some(&Fact::Left(reason)), "HTTP {status}");
        assert_eq!(script.course.due(), None, "HTTP {status}: nothing is waited for");
    }
    for status in [None, Some(500), Some(503), Some(429)] {
        let mut script = Script::new();
        script.input(Input::Join);
        script.make_offer("offer");
        script.input(Input::SocketRefused(script.socket_no(), status));
        let again = [(Cause::SocketRefused(status), How::Rejoin, Duration::ZERO)];
        assert_eq!(script.interruptions(), again, "{status:?} may pass");
    }
}

/// Fails until the round gives up; the pauses in milliseconds.
fn pauses(chance: u64) -> (Vec<u64>, Option<Fact>) {
    let mut script = Script::new();
    script.chance = chance;
    script.input(Input::Join);
    let mut pauses = Vec::new();
    for _attempt in 0..20 {
        script.make_offer("offer");
        script.input(Input::SocketRefused(script.socket_no(), None));
        if script.course.is_over() {
            break;
        }
        let due = script.course.due().expect("another attempt");
        let pause = u64::try_from((due - script.now).as_millis()).expect("a short time");
        pauses.push(pause);
        script.until(due);
    }
    (pauses, script.facts().pop())
}

#[test]
fn attempts_come_more_and_more_slowly_and_end() {
    // Client-sdk-js of August 2026, `DefaultReconnectPolicy.ts`.
    let (without, end) = pauses(0);
    assert_eq!(without, [0, 300, 1200, 2700, 4800, 7000, 7000, 7000, 7000, 7000], "without chance");
    assert_eq!(end, Some(Fact::Left(Reason::GaveUp(Cause::SocketRefused(None)))), "then it is given up");
    let (with, _end) = pauses(1000);
    assert_eq!(with, [0, 300, 2200, 3700, 5800, 8000, 8000, 8000, 8000, 8000], "at most one second later");
    let (wrapped, _end) = pauses(1001);
    assert_eq!(wrapped, without, "whatever the number");
}

#[test]
fn a_round_that_held_for_ten_seconds_begins_to_count_anew() {
    for (held, attempt) in [(9_000, 2), (11_000, 1)] {
        let mut script = Script::connected();
        script.flowing = true;
        script.close();
        script.pass(Duration::ZERO);
        script.open();
        script.server(Response::Reconnect(Default::default()));
        script.make_offer("second offer");
        script.server(answer(2, &[]));
        script.pass(millis(held / 2));
        script.server(Response::Pong(0));
        script.pass(millis(held / 2));
        script.outputs.clear();
        script.close();
        let attempts: Vec<u32> = script
            .facts()
            .iter()
            .filter_map(|fact| match fact {
                Fact::Interrupted { attempt, .. } => Some(*attempt),
                _ => None,
            })
            .collect();
        assert_eq!(attempts, [attempt], "after {held} ms");
    }
}

#[test]
fn where_one_server_fails_the_next_is_tried() {
    let mut script = Script::with(options(&["wss://one.test", "wss://two.test"]));
    script.input(Input::Join);
    let mut hosts = Vec::new();
    for _attempt in 0..3 {
        script.make_offer("offer");
        hosts.push(script.last_open().expect("a socket").0);
        script.input(Input::SocketRefused(script.socket_no(), Some(404)));
        let due = script.course.due().expect("another attempt");
        script.until(due);
    }
    assert_eq!(hosts, ["wss://one.test/rtc/v1", "wss://two.test/rtc/v1", "wss://one.test/rtc/v1"], "in turn");
}

#[test]
fn a_peer_connection_may_still_find_its_way() {
    let mut script = Script::new();
    script.input(Input::Join);
    script.greet();
    script.server(join(Vec::new()));
    script.server(answer(1, &[]));
    script.peer(PeerState::Disconnected);
    assert_eq!(script.interruptions(), [], "it has its 15 s");
    script.peer(PeerState::Connected);
    assert_eq!(script.facts(), [Fact::Connected], "and may come back");
}

#[test]
fn the_join_of_three_tracks_fits_into_a_request_line() {
    // nginx, `large_client_header_buffers`: 8,192 bytes for the whole line. The offer is a recorded client's with two
    // pictures and a sound; livekit-client's are three times as long as those of webrtc-rs.
    let offer = crate::captures::lines("duo-alice")
        .iter()
        .filter(|line| line.dir == "open")
        .find_map(|line| line.join().publisher_offer)
        .expect("a recorded join offers")
        .sdp;
    assert!(offer.len() > 8_192, "it would not fit as it is: {} bytes", offer.len());
    let step = |step, width, height| Layer { step, width, height, bitrate: 1_700_000, ssrc: 0x1234_5678 };
    let layers = vec![step(Step::Low, 320, 180), step(Step::Medium, 640, 360), step(Step::High, 1280, 720)];
    let cid = |cid: &str| format!("{cid}-0f8fad5b-d9cb-469f-a165-70867728950e");
    let mut script = Script::new();
    script.input(Input::Publish(TrackWish { cid: cid("mic"), ..microphone() }));
    script.input(Input::Publish(TrackWish { cid: cid("cam"), layers: layers.clone(), ..camera() }));
    let screen = TrackWish { cid: cid("screen"), source: Source::Screen, layers: vec![layers[2]], ..camera() };
    script.input(Input::Publish(screen));
    script.input(Input::Join);
    script.make_offer(&offer);
    let length = script.outputs.iter().find_map(|output| match output {
        Output::Open { url, .. } => Some(url.as_str().len()),
        _ => None,
    });
    let length = length.expect("a socket");
    assert!(length < 4_000, "{length} characters");
    let (_base, request) = script.last_open().expect("a socket");
    assert_eq!(request.publisher_offer.map(|offer| offer.sdp), Some(offer), "the same offer comes out");
    let layers: Vec<_> = request.add_track_requests.iter().map(|track| track.layers.len()).collect();
    assert_eq!(layers, [0, 3, 1], "and the same tracks");
}

#[test]
fn a_slow_handshake_gets_twice_the_time_at_each_attempt() {
    let mut script = Script::new();
    script.input(Input::Join);
    for time in [1_500, 3_000, 6_000, 12_000] {
        script.greet();
        script.server(Response::Join(lk::JoinResponse { ping_timeout: 120, ..join_response(Vec::new()) }));
        script.server(answer(1, &[]));
        script.flowing = true;
        script.interruptions();
        script.peer(PeerState::IceConnected);
        script.pass(millis(time - 1));
        assert_eq!(script.interruptions(), [], "{time} ms are not over");
        script.pass(millis(1));
        let causes: Vec<_> = script.interruptions().into_iter().map(|(cause, _how, _pause)| cause).collect();
        assert_eq!(causes, [Cause::HandshakeStuck], "after {time} ms");
        // The first attempt has no pause, so its offer is wished by then.
        if script.wishes.is_empty() {
            let due = script.course.due().expect("another attempt");
            script.until(due);
        }
    }
}
