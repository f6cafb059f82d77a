//! Whether the server still lives.

use crate::script::{Script, join_response, millis};
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use rounds_proto::signal::{Cause, How, Input};
use std::time::Duration;

fn pings(script: &Script) -> Vec<(&'static str, i64, i64)> {
    let pings = script.sent().into_iter().filter_map(|request| match request {
        Request::Ping(timestamp) => Some(("ping", timestamp, 0)),
        Request::PingReq(ping) => Some(("ping_req", ping.timestamp, ping.rtt)),
        _ => None,
    });
    pings.collect()
}

fn pong(script: &mut Script, timestamp: i64) {
    script.server(Response::Pong(timestamp));
    script.server(Response::PongResp(lk::Pong { last_ping_timestamp: timestamp, timestamp }));
}

#[test]
fn both_pings_go_out_at_the_servers_interval_with_the_last_round_trip() {
    let mut script = Script::connected();
    script.pass(Duration::from_secs(5));
    assert_eq!(pings(&script), [("ping", 5000, 0), ("ping_req", 5000, 0)], "after 5 s");
    script.pass(millis(30));
    pong(&mut script, 5000);
    script.outputs.clear();
    script.until(millis(10_000));
    assert_eq!(pings(&script), [("ping", 10_000, 0), ("ping_req", 10_000, 30)], "after 10 s, with 30 ms");
}

#[test]
fn without_a_pong_and_without_a_packet_two_seconds_are_enough() {
    let mut script = Script::connected();
    script.pass(millis(6_999));
    assert_eq!(script.interruptions(), [], "a ping is on its way");
    script.pass(millis(1));
    assert_eq!(script.interruptions(), [(Cause::Silent, How::Resume, Duration::ZERO)], "2 s after it");
}

#[test]
fn any_word_of_the_server_is_a_sign_of_life() {
    let mut script = Script::connected();
    script.pass(millis(6_500));
    script.server(crate::script::update(Vec::new()));
    script.pass(millis(1_900));
    assert_eq!(script.interruptions(), [], "1.9 s after the word");
    script.pass(millis(200));
    assert_eq!(script.interruptions().len(), 1, "2.1 s after it");
}

#[test]
fn packets_that_stop_are_asked_about_at_once() {
    let mut script = Script::connected();
    script.flowing = true;
    script.pass(millis(1_000));
    script.flowing = false;
    script.pass(millis(400));
    assert_eq!(pings(&script), [], "a pause of speech");
    script.pass(millis(200));
    assert_eq!(pings(&script).len(), 2, "a stop");
    script.pass(millis(2_000));
    assert_eq!(script.interruptions(), [(Cause::Silent, How::Resume, Duration::ZERO)], "no answer for 2 s");
}

#[test]
fn a_stop_that_the_server_answers_for_is_asked_about_once() {
    let mut script = Script::connected();
    script.flowing = true;
    script.pass(millis(1_000));
    script.flowing = false;
    script.pass(millis(600));
    pong(&mut script, 1_500);
    script.outputs.clear();
    script.pass(millis(4_000));
    assert_eq!((pings(&script), script.interruptions()), (Vec::new(), Vec::new()), "everyone is mute");
    script.until(millis(6_600));
    pong(&mut script, 6_500);
    script.flowing = true;
    script.pass(millis(500));
    script.flowing = false;
    script.outputs.clear();
    script.pass(millis(600));
    assert_eq!(pings(&script).len(), 2, "the next stop is another one");
}

#[test]
fn with_packets_the_servers_own_time_counts() {
    let mut script = Script::connected();
    script.flowing = true;
    script.pass(millis(14_900));
    assert_eq!(script.interruptions(), [], "packets flow");
    script.pass(millis(200));
    assert_eq!(script.interruptions(), [(Cause::NoPong, How::Resume, Duration::ZERO)], "15 s without a pong");
}

#[test]
fn intervals_that_cannot_be_meant_are_brought_to_ones_that_can() {
    for (interval, first_ping) in [(0, 5), (-3, 5), (i32::MAX, 60), (1, 1)] {
        let mut script = Script::new();
        script.input(Input::Join);
        script.greet();
        let response = lk::JoinResponse { ping_interval: interval, ping_timeout: 120, ..join_response(Vec::new()) };
        script.server(Response::Join(response));
        script.server(crate::script::answer(1, &[]));
        script.peer(rounds_proto::signal::PeerState::Connected);
        script.outputs.clear();
        script.flowing = true;
        script.until(Duration::from_secs(first_ping) - millis(1));
        assert_eq!(pings(&script), [], "{interval}: not yet");
        script.until(Duration::from_secs(first_ping));
        assert_eq!(pings(&script).len(), 2, "{interval}: after {first_ping} s");
    }
}
