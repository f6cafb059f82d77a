//! One offer at a time, its answer, and candidates in both directions.

use crate::script::{Script, answer, camera, join, microphone, millis, published, sections, track, trickle};
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use rounds_proto::signal::{Candidate, Cause, Fact, How, Input, Output};
use std::time::Duration;

fn ours(candidate: &str) -> Candidate {
    let ufrag = Some("abcd".to_owned());
    Candidate { candidate: candidate.to_owned(), mid: Some("0".to_owned()), line: Some(0), ufrag }
}

fn candidates_sent(script: &Script) -> Vec<String> {
    let sent = script.sent().into_iter().filter_map(|request| match request {
        Request::Trickle(trickle) => Some(trickle.candidate_init),
        _ => None,
    });
    sent.collect()
}

#[test]
fn a_requirement_of_nothing_is_a_wish_for_an_offer() {
    let mut script = Script::connected();
    script.server(sections(0, 0));
    let offers = script.offers();
    assert_eq!(offers.len(), 1, "an offer");
    let wish = &offers[0];
    assert_eq!((wish.offer, wish.audios, wish.videos, wish.restart_ice), (2, 0, 0, false), "the next, as it is");
    script.make_offer("second offer");
    let sent = script.sent();
    let [Request::Offer(offer)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((offer.id, offer.sdp.as_str(), offer.r#type.as_str()), (2, "second offer", "offer"), "it goes out");
}

#[test]
fn missing_sections_are_added_before_the_offer() {
    let mut script = Script::connected();
    script.server(sections(1, 2));
    assert_eq!((script.offers()[0].audios, script.offers()[0].videos), (1, 2), "as many as are missing");
}

#[test]
fn what_is_wished_while_an_offer_is_under_way_waits_for_the_next() {
    let mut script = Script::connected();
    script.server(sections(0, 0));
    script.server(sections(0, 1));
    script.make_offer("second offer");
    script.server(sections(2, 0));
    script.input(Input::Negotiate(script.peer_no()));
    assert_eq!(script.offers().len(), 1, "one at a time");
    script.server(answer(2, &[]));
    let offers = script.offers();
    assert_eq!(offers.len(), 2, "then one for all");
    assert_eq!((offers[1].offer, offers[1].audios, offers[1].videos), (3, 2, 1), "with everything");
    script.make_offer("third offer");
    script.server(answer(3, &[]));
    assert_eq!(script.offers().len(), 2, "and no more");
}

#[test]
fn an_answer_to_another_offer_is_not_set() {
    let mut script = Script::connected();
    let answers = |script: &Script| script.outputs.iter().filter(|o| matches!(o, Output::Answer { .. })).count();
    script.server(answer(1, &[]));
    assert_eq!(answers(&script), 0, "the first is answered already");
    script.server(sections(0, 0));
    script.server(answer(2, &[]));
    assert_eq!(answers(&script), 0, "the second is not made yet");
    script.make_offer("second offer");
    for id in [1, 3, u32::MAX] {
        script.server(answer(id, &[]));
    }
    let offer =
        lk::SessionDescription { r#type: "offer".to_owned(), sdp: "v=0".to_owned(), id: 2, ..Default::default() };
    script.server(Response::Answer(offer));
    assert_eq!(answers(&script), 0, "others, and what is none");
    assert_eq!(script.course.counts().stale_answers, 6, "all are counted");
    script.server(answer(2, &[]));
    script.server(answer(2, &[]));
    assert_eq!(answers(&script), 1, "its own answer, once");
}

#[test]
fn a_server_that_does_not_number_means_the_last_offer() {
    let mut script = Script::connected();
    script.server(answer(0, &[]));
    script.server(sections(0, 0));
    script.make_offer("second offer");
    script.outputs.clear();
    script.server(answer(0, &[]));
    assert!(matches!(script.outputs.first(), Some(Output::Answer { .. })), "it is set: {:?}", script.outputs);
    assert_eq!(script.course.counts().stale_answers, 1, "but not while none is pending");
}

#[test]
fn an_offer_without_an_answer_ends_the_peer_connection() {
    let mut script = Script::connected();
    script.flowing = true;
    script.server(sections(0, 0));
    script.pass(millis(14_000));
    script.server(Response::Pong(0));
    script.make_offer("second offer");
    script.outputs.clear();
    script.pass(millis(14_000));
    script.server(Response::Pong(0));
    script.pass(millis(999));
    assert_eq!(script.interruptions(), [], "it has 15 s");
    script.pass(millis(1));
    assert_eq!(script.interruptions(), [(Cause::NoAnswer, How::Rejoin, Duration::ZERO)], "and no more");
}

#[test]
fn sections_without_end_are_not_added() {
    let mut script = Script::connected();
    script.server(sections(u32::MAX, u32::MAX));
    assert_eq!((script.offers()[0].audios, script.offers()[0].videos), (200, 200), "not at once");
    for id in 2..12 {
        script.make_offer("offer");
        script.server(answer(id, &[]));
        script.server(sections(u32::MAX, 0));
    }
    let all: u32 = script.offers().iter().map(|wish| wish.audios).sum();
    assert_eq!(all, 1000 - 3, "and not in all, with those of the first offer");
}

#[test]
fn candidates_of_the_server_wait_for_their_answer() {
    let mut script = Script::new();
    script.input(Input::Join);
    script.greet();
    script.server(join(Vec::new()));
    script.server(trickle("candidate:1 1 udp 1 127.0.0.1 1 typ host"));
    assert_eq!(script.candidates(), [], "too early");
    script.server(answer(1, &[]));
    let order: Vec<_> =
        script.outputs.iter().filter(|o| matches!(o, Output::Answer { .. } | Output::Candidate(..))).collect();
    assert!(matches!(order.as_slice(), [Output::Answer { .. }, Output::Candidate(..)]), "after it: {order:?}");
    script.outputs.clear();
    script.server(trickle("candidate:2 1 udp 1 127.0.0.1 1 typ host"));
    let later = script.candidates();
    assert_eq!(later[0].candidate, "candidate:2 1 udp 1 127.0.0.1 1 typ host", "later ones at once");
    assert_eq!((later[0].mid.as_deref(), later[0].line), (Some("0"), Some(0)), "with their section");
}

#[test]
fn candidates_that_are_none_are_dropped() {
    let mut script = Script::connected();
    let long = format!("candidate:{}", "1".repeat(1100));
    for candidate in ["", "candidate:1\r\na=evil", long.as_str()] {
        script.server(trickle(candidate));
    }
    for candidate_init in ["", "{", "[]", "null", "{\"candidate\":5}", "\u{0}"] {
        let candidate_init = candidate_init.to_owned();
        script.server(Response::Trickle(lk::TrickleRequest { candidate_init, r#final: true, ..Default::default() }));
    }
    let target = lk::SignalTarget::Subscriber.into();
    let candidate_init = "{\"candidate\":\"candidate:1\"}".to_owned();
    script.server(Response::Trickle(lk::TrickleRequest { candidate_init, target, ..Default::default() }));
    assert_eq!(script.candidates(), [], "none is added");
    assert_eq!(script.course.counts().refused, 7, "five that are no JSON of one, two that are no line");
}

#[test]
fn our_candidates_wait_for_the_server_and_go_in_order() {
    let mut script = Script::new();
    script.input(Input::Join);
    script.make_offer("offer");
    script.input(Input::Candidate(script.peer_no(), ours("candidate:1")));
    script.open();
    script.input(Input::Candidate(script.peer_no(), ours("candidate:2")));
    assert_eq!(candidates_sent(&script), Vec::<String>::new(), "nobody is there");
    script.server(join(Vec::new()));
    script.input(Input::Candidate(script.peer_no(), ours("candidate:3")));
    let sent = candidates_sent(&script);
    let parsed: Vec<serde_json::Value> = sent.iter().map(|sent| serde_json::from_str(sent).expect("JSON")).collect();
    let lines: Vec<_> = parsed.iter().map(|json| json["candidate"].as_str().unwrap_or_default()).collect();
    assert_eq!(lines, ["candidate:1", "candidate:2", "candidate:3"], "all of them");
    // W3C WebRTC §4.8.1.1: the members of RTCIceCandidateInit.
    assert_eq!(parsed[0]["sdpMid"], "0", "sdpMid");
    assert_eq!(parsed[0]["sdpMLineIndex"], 0, "sdpMLineIndex");
    assert_eq!(parsed[0]["usernameFragment"], "abcd", "usernameFragment");
}

#[test]
fn our_candidates_do_not_overtake_the_offer_they_belong_to() {
    let mut script = Script::connected();
    script.server(sections(0, 0));
    script.input(Input::Candidate(script.peer_no(), ours("candidate:1")));
    script.make_offer("second offer");
    let kinds: Vec<_> = script.sent().iter().map(|request| matches!(request, Request::Offer(_))).collect();
    assert_eq!(kinds, [true, false], "first the offer");
}

#[test]
fn a_section_that_changes_its_track_is_told_and_an_empty_one_too() {
    let mut script = Script::connected();
    for (id, mids) in
        [(2, vec![("0", "TR_a"), ("3", "TR_b")]), (3, vec![("0", "TR_a"), ("3", "TR_c")]), (4, vec![("3", "TR_c")])]
    {
        script.server(sections(0, 0));
        script.make_offer("offer");
        script.server(answer(id, &mids));
    }
    let bound: Vec<_> = script
        .facts()
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::Bound { mid, track } => Some((mid, track)),
            _ => None,
        })
        .collect();
    let told = |mid: &str, track: Option<&str>| (mid.to_owned(), track.map(str::to_owned));
    let expected = [told("0", Some("TR_a")), told("3", Some("TR_b")), told("3", Some("TR_c")), told("0", None)];
    assert_eq!(bound, expected, "each change once");
    assert_eq!((script.course.track_at("3"), script.course.track_at("0")), (Some("TR_c"), None), "and can be asked");
}

#[test]
fn a_new_track_is_offered_once_the_server_has_a_place_for_it() {
    let mut script = Script::connected();
    script.input(Input::Publish(microphone()));
    script.input(Input::Publish(camera()));
    let asked = script.sent().iter().filter(|request| matches!(request, Request::AddTrack(_))).count();
    assert_eq!((asked, script.offers().len()), (2, 0), "asked, not offered");
    script.server(published("mic", track("TR_mic", lk::TrackType::Audio)));
    script.server(published("cam", track("TR_cam", lk::TrackType::Video)));
    assert_eq!(script.offers()[0].add, ["mic"], "the first at once");
    script.make_offer("second offer");
    script.server(answer(2, &[]));
    assert_eq!(script.offers()[1].add, ["cam"], "the second with the next offer");
}

#[test]
fn a_track_that_goes_before_its_sender_was_ordered_leaves_no_trace() {
    let mut script = Script::connected();
    script.server(sections(0, 0));
    script.input(Input::Publish(microphone()));
    script.server(published("mic", track("TR_mic", lk::TrackType::Audio)));
    script.input(Input::Unpublish("mic"));
    script.make_offer("second offer");
    script.server(answer(2, &[]));
    let offers = script.offers();
    let touched = offers.iter().any(|wish| !wish.add.is_empty() || !wish.remove.is_empty());
    assert!(!touched, "no sender is added or stopped: {offers:?}");
}

#[test]
fn no_more_is_kept_of_an_answer_than_there_can_be() {
    let mut script = Script::new();
    script.input(Input::Join);
    script.greet();
    script.server(join(Vec::new()));
    for n in 0..100 {
        script.server(trickle(&format!("candidate:{n} 1 udp 1 127.0.0.1 1 typ host")));
    }
    let mids: Vec<_> = (0..3000).map(|n| (format!("{n}"), format!("TR_{n}"))).collect();
    let mids: Vec<_> =
        mids.iter().map(|(mid, track)| (mid.as_str(), track.as_str())).chain([("a b", "TR_1")]).collect();
    script.server(answer(1, &mids));
    let bound = script.outputs.iter().filter(|o| matches!(o, Output::Fact(Fact::Bound { .. }))).count();
    assert_eq!((script.candidates().len(), bound), (64, 2000), "candidates and sections");
    assert_eq!(script.course.counts().refused, 36 + 1001, "the rest is counted");
}
