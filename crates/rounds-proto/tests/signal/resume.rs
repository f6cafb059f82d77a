//! A session that goes on over a new socket.

use crate::script::{
    ME, Script, answer, ben, camera, join, leave, microphone, millis, options, published, sections, track, trickle,
    update,
};
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use prost::Message;
use rounds_proto::signal::{Candidate, Cause, Fact, How, Input, OfferWish, Output, PeerState, Sdp};
use std::time::Duration;

fn reconnect() -> Response {
    Response::Reconnect(lk::ReconnectResponse { last_message_seq: 7, ..Default::default() })
}

/// A round whose socket is lost and asked for again.
fn lost() -> Script {
    let mut script = Script::connected();
    script.close();
    script.pass(Duration::ZERO);
    script
}

#[test]
fn a_lost_socket_is_opened_again_for_the_same_participant() {
    let mut script = lost();
    let (_base, request) = script.last_open().expect("a socket");
    assert!(request.reconnect, "a resume");
    assert_eq!(request.participant_sid, ME, "of ours");
    assert_eq!(request.reconnect_reason(), lk::ReconnectReason::RrSignalDisconnected, "as the socket was lost");
    assert_eq!(request.publisher_offer, None, "without an offer");
    let touched = script.outputs.iter().any(|output| matches!(output, Output::Drop(_) | Output::Build { .. }));
    assert!(!touched, "sound and picture go on");
    assert_eq!(script.interruptions(), [(Cause::SocketClosed, How::Resume, Duration::ZERO)], "at once");
}

#[test]
fn the_server_is_reminded_and_offered_new_ways() {
    let mut script = Script::connected();
    script.server(update(vec![ben(1)]));
    script.input(Input::Publish(microphone()));
    script.server(published("mic", track("TR_mic", lk::TrackType::Audio)));
    script.make_offer("second offer");
    script.server(answer(2, &[]));
    script.input(Input::Channel(script.peer_no(), "_reliable", 1));
    script.input(Input::Subscribe("TR_bencam", false));
    script.close();
    script.pass(Duration::ZERO);
    script.open();
    script.outputs.clear();
    script.server(reconnect());
    let sent = script.sent();
    let Some(Request::SyncState(sync)) = sent.first() else { panic!("{sent:?}") };
    let sdp = |description: &Option<lk::SessionDescription>| description.as_ref().map(|d| d.sdp.clone());
    assert_eq!(sdp(&sync.offer).as_deref(), Some("second offer"), "the last answered offer");
    assert_eq!(sdp(&sync.answer).as_deref(), Some("answer 2"), "and its answer");
    let subscription = sync.subscription.as_ref().expect("subscriptions");
    assert_eq!(
        (subscription.track_sids.as_slice(), subscription.subscribe),
        (&["TR_bencam".to_owned()][..], false),
        "what is not wished"
    );
    assert_eq!(sync.publish_tracks[0].cid, "mic", "our tracks");
    assert_eq!((sync.data_channels[0].label.as_str(), sync.data_channels[0].id), ("_reliable", 1), "our channels");
    let offers = script.offers();
    assert_eq!((offers[0].offer, offers[0].restart_ice), (3, true), "a restart of ICE");
    let facts = script.facts();
    assert!(facts.contains(&Fact::Resumed { last_message: 7 }), "told, with the last message: {facts:?}");
}

#[test]
fn a_server_may_resume_without_a_word_about_it() {
    let mut script = lost();
    script.open();
    script.server(update(vec![ben(1)]));
    assert_eq!(script.offers().len(), 1, "an offer");
    assert_eq!(script.course.others().count(), 1, "and the message counts");
}

#[test]
fn candidates_of_the_new_ways_wait_for_the_new_answer() {
    let mut script = lost();
    script.open();
    script.server(reconnect());
    script.server(trickle("candidate:1 1 udp 1 127.0.0.1 1 typ host"));
    script.make_offer("second offer");
    script.server(trickle("candidate:2 1 udp 1 127.0.0.1 1 typ host"));
    assert_eq!(script.candidates(), [], "the old answer does not know them");
    script.server(answer(2, &[]));
    assert_eq!(script.candidates().len(), 2, "the new one does");
}

#[test]
fn a_resume_that_fails_becomes_a_new_join_elsewhere() {
    let mut script = Script::with(options(&["wss://one.test", "wss://two.test"]));
    script.connect();
    script.close();
    script.pass(Duration::ZERO);
    assert_eq!(script.last_open().expect("a socket").0, "wss://one.test/rtc/v1", "first where the session is");
    script.interruptions();
    script.input(Input::SocketRefused(script.socket_no(), Some(503)));
    let again = [(Cause::SocketRefused(Some(503)), How::Rejoin, millis(300))];
    assert!(script.outputs.iter().any(|output| matches!(output, Output::Drop(_))), "nothing is kept");
    assert_eq!(script.interruptions(), again, "then anew");
    script.pass(millis(300));
    script.make_offer("first offer");
    assert_eq!(script.last_open().expect("a socket").0, "wss://two.test/rtc/v1", "elsewhere");
}

#[test]
fn a_server_that_does_not_know_the_session_is_joined_again() {
    let mut script = lost();
    script.open();
    script.interruptions();
    script.server(leave(lk::leave_request::Action::Reconnect, lk::DisconnectReason::StateMismatch));
    let cause = Cause::ServerAsked(rounds_proto::signal::ServerReason::StateMismatch);
    assert_eq!(script.interruptions(), [(cause, How::Rejoin, millis(300))], "livekit-server, roommanager.go");
    let mut script = lost();
    script.open();
    script.interruptions();
    script.server(join(Vec::new()));
    assert_eq!(script.interruptions(), [(Cause::BadFirstMessage, How::Rejoin, millis(300))], "a join is no resume");
}

#[test]
fn each_step_of_a_resume_has_its_time() {
    let mut script = lost();
    script.interruptions();
    script.pass(millis(4_999));
    assert_eq!(script.interruptions(), [], "a dead node is not waited for long");
    script.pass(millis(1));
    assert_eq!(script.interruptions(), [(Cause::SocketTimeout, How::Rejoin, millis(300))], "the socket");
    let mut script = lost();
    script.open();
    script.interruptions();
    script.pass(Duration::from_secs(5));
    assert_eq!(script.interruptions(), [(Cause::NoFirstMessage, How::Rejoin, millis(300))], "the first message");
    let mut script = lost();
    script.open();
    script.server(reconnect());
    script.flowing = true;
    script.make_offer("second offer");
    script.interruptions();
    script.pass(millis(10_000));
    script.server(Response::Pong(0));
    script.pass(millis(4_999));
    assert_eq!(script.interruptions(), [], "the answer has 15 s");
    script.pass(millis(1));
    assert_eq!(script.interruptions(), [(Cause::NoAnswer, How::Rejoin, millis(300))], "and no more");
}

#[test]
fn a_lost_peer_connection_is_resumed_with_new_ways() {
    for state in [PeerState::Disconnected, PeerState::Failed] {
        let mut script = Script::connected();
        script.peer(state);
        assert_eq!(script.interruptions(), [(Cause::PeerLost, How::Resume, Duration::ZERO)], "{state:?}");
        script.pass(Duration::ZERO);
        let (_base, request) = script.last_open().expect("a socket");
        assert_eq!(request.reconnect_reason(), lk::ReconnectReason::RrPublisherFailed, "{state:?}");
        script.open();
        script.server(reconnect());
        script.flowing = true;
        script.make_offer("second offer");
        script.server(answer(2, &[]));
        script.outputs.clear();
        script.pass(millis(10_000));
        script.server(Response::Pong(0));
        script.pass(millis(4_999));
        assert_eq!(script.interruptions(), [], "{state:?}: it has 15 s");
        script.pass(millis(1));
        assert_eq!(script.interruptions(), [(Cause::PeerTimeout, How::Rejoin, millis(300))], "{state:?}: and no more");
    }
}

#[test]
fn a_session_that_never_stood_is_not_resumed() {
    let mut script = Script::new();
    script.input(Input::Join);
    script.greet();
    script.server(join(Vec::new()));
    script.server(answer(1, &[]));
    script.peer(PeerState::Failed);
    assert_eq!(script.interruptions(), [(Cause::PeerFailed, How::Rejoin, Duration::ZERO)], "built again");
}

#[test]
fn what_was_under_way_is_offered_again() {
    let mut script = Script::connected();
    script.server(sections(1, 0));
    script.make_offer("second offer");
    script.close();
    script.pass(Duration::ZERO);
    script.open();
    script.outputs.clear();
    script.server(reconnect());
    let offers = script.offers();
    // W3C WebRTC has no rollback that keeps `mid`s: the third is a whole offer, without the wishes of the second again.
    let again = OfferWish {
        peer: script.peer_no(),
        offer: 3,
        audios: 0,
        videos: 0,
        add: Vec::new(),
        remove: Vec::new(),
        restart_ice: true,
    };
    assert_eq!(offers, [again], "on top of the second, whose sections are there");
    let sent = script.sent();
    let Some(Request::SyncState(sync)) = sent.first() else { panic!("{sent:?}") };
    assert_eq!(sync.offer.as_ref().map(|offer| offer.sdp.as_str()), Some("first offer"), "it was never answered");
    script.server(answer(2, &[]));
    assert_eq!(script.course.counts().stale_answers, 1, "and is not any more");
}

#[test]
fn what_comes_from_something_replaced_is_not_looked_at() {
    let mut script = Script::connected();
    let (socket, peer) = (script.socket_no(), script.peer_no());
    script.server(leave(lk::leave_request::Action::Reconnect, lk::DisconnectReason::UnknownReason));
    script.pass(Duration::ZERO);
    script.greet();
    script.let_in();
    script.outputs.clear();
    let before = script.course.counts().stale_inputs;
    let frame = lk::SignalResponse { message: Some(update(vec![ben(1)])) }.encode_to_vec();
    script.input(Input::Received(socket, &frame));
    script.input(Input::SocketClosed(socket));
    script.input(Input::SocketRefused(socket, Some(401)));
    script.input(Input::SocketOpened(socket));
    script.input(Input::Peer(peer, PeerState::Failed));
    script.input(Input::Packets(peer));
    script.input(Input::Negotiate(peer));
    script.input(Input::Offer { peer, offer: 1, sdp: Sdp::new("old".to_owned()) });
    assert_eq!(script.outputs, [], "nothing follows");
    assert_eq!(script.course.counts().stale_inputs - before, 8, "and all of it is counted");
}

#[test]
fn a_change_of_mute_during_the_gap_is_told_afterwards() {
    let mut script = Script::connected();
    script.input(Input::Publish(microphone()));
    script.server(published("mic", track("TR_mic", lk::TrackType::Audio)));
    script.make_offer("second offer");
    script.server(answer(2, &[]));
    script.close();
    script.input(Input::Mute("mic", true));
    script.pass(Duration::ZERO);
    script.open();
    script.outputs.clear();
    script.server(reconnect());
    let muted = script.sent().iter().any(|request| matches!(request, Request::Mute(mute) if mute.muted));
    assert!(muted, "nobody is to hear what was muted: {:?}", script.sent());
}

#[test]
fn a_resume_whose_socket_closes_is_not_tried_twice() {
    for opened in [false, true] {
        let mut script = lost();
        if opened {
            script.open();
        }
        script.interruptions();
        script.close();
        assert_eq!(script.interruptions(), [(Cause::SocketClosed, How::Rejoin, millis(300))], "opened: {opened}");
    }
}

#[test]
fn a_session_that_was_resumed_may_be_resumed_again_once_it_held() {
    for (held, again) in [(9_999, (How::Rejoin, millis(300))), (10_000, (How::Resume, Duration::ZERO))] {
        let mut script = lost();
        script.flowing = true;
        script.open();
        script.server(reconnect());
        script.make_offer("second offer");
        script.server(answer(2, &[]));
        script.interruptions();
        script.pass(millis(held));
        script.close();
        let (how, pause) = again;
        assert_eq!(script.interruptions(), [(Cause::SocketClosed, how, pause)], "after {held} ms");
    }
}

#[test]
fn a_network_that_is_away_does_not_cost_the_session_at_once() {
    let mut script = Script::with(options(&["wss://one.test", "wss://two.test"]));
    script.connect();
    script.close();
    script.interruptions();
    // Client-sdk-js of August 2026, `DefaultReconnectPolicy.ts`: 300, 1200 and 2700 ms; 4800 ms more would be 9 s.
    let pauses = [(How::Resume, 300), (How::Resume, 1_200), (How::Resume, 2_700), (How::Rejoin, 4_800)];
    for (how, pause) in pauses {
        let due = script.course.due().expect("another attempt");
        script.until(due);
        assert_eq!(script.last_open().expect("a socket").0, "wss://one.test/rtc/v1", "where the session is");
        script.outputs.clear();
        script.input(Input::SocketRefused(script.socket_no(), None));
        let dropped = script.outputs.iter().any(|output| matches!(output, Output::Drop(_)));
        assert_eq!(dropped, how == How::Rejoin, "sound and picture are kept while it is resumed");
        assert_eq!(script.interruptions(), [(Cause::SocketRefused(None), how, millis(pause))], "{pause} ms");
    }
    let mut script = Script::connected();
    script.close();
    script.pass(Duration::ZERO);
    script.input(Input::SocketRefused(script.socket_no(), None));
    script.pass(millis(300));
    script.open();
    script.outputs.clear();
    script.server(reconnect());
    assert_eq!(script.facts(), [Fact::Resumed { last_message: 7 }], "it is back, and the session with it");
}

#[test]
fn a_peer_connection_that_is_lost_during_a_resume_has_its_time() {
    let mut script = lost();
    script.open();
    script.server(reconnect());
    script.flowing = true;
    script.peer(PeerState::Disconnected);
    script.make_offer("second offer");
    script.server(answer(2, &[]));
    script.interruptions();
    script.pass(millis(10_000));
    script.server(Response::Pong(0));
    script.pass(millis(4_999));
    assert_eq!(script.interruptions(), [], "new ways take time");
    script.pass(millis(1));
    assert_eq!(script.interruptions(), [(Cause::PeerTimeout, How::Rejoin, millis(300))], "and not for ever");
}

#[test]
fn the_time_for_a_pong_begins_with_the_socket() {
    let mut script = Script::connected();
    script.flowing = true;
    script.pass(millis(12_000));
    script.close();
    script.pass(Duration::ZERO);
    script.open();
    script.server(reconnect());
    script.make_offer("second offer");
    script.server(answer(2, &[]));
    script.interruptions();
    script.pass(millis(14_900));
    assert_eq!(script.interruptions(), [], "the old one's does not count");
    script.pass(millis(200));
    assert_eq!(script.interruptions().len(), 1, "the new one's does");
}

#[test]
fn candidates_of_before_are_not_used_after_a_resume() {
    let mut script = Script::connected();
    script.server(sections(0, 0));
    let ours = Candidate { candidate: "candidate:1".to_owned(), ..Candidate::default() };
    script.input(Input::Candidate(script.peer_no(), ours));
    script.close();
    script.pass(Duration::ZERO);
    script.open();
    script.server(reconnect());
    script.server(trickle("candidate:2 1 udp 1 127.0.0.1 1 typ host"));
    script.close();
    script.pass(millis(300));
    script.greet();
    script.server(join(Vec::new()));
    script.server(answer(1, &[]));
    let trickled = script.sent().iter().any(|request| matches!(request, Request::Trickle(_)));
    assert!(!trickled, "ours belong to an offer that was never sent");
    assert_eq!(script.candidates(), [], "the server's to an answer that never came");
}

#[test]
fn an_offer_that_comes_too_late_is_not_sent() {
    let mut script = Script::connected();
    script.server(sections(0, 0));
    let (peer, old) = script.wishes.pop().expect("a wish");
    script.close();
    script.pass(Duration::ZERO);
    script.open();
    script.server(reconnect());
    script.outputs.clear();
    script.input(Input::Offer { peer, offer: old, sdp: Sdp::new("late".to_owned()) });
    assert_eq!(script.sent(), [], "the old one has no new ways");
    script.make_offer("third offer");
    assert!(matches!(script.sent().as_slice(), [Request::Offer(offer)] if offer.id == 3), "the new one has");
}

#[test]
fn a_peer_connection_that_broke_is_not_resumed() {
    let mut script = Script::connected();
    script.peer(PeerState::Broken);
    assert_eq!(script.interruptions(), [(Cause::PeerFailed, How::Rejoin, Duration::ZERO)], "it is built again");
}

#[test]
fn what_a_lost_socket_may_have_taken_along_is_said_again() {
    let mut script = Script::with_ben();
    script.input(Input::Publish(microphone()));
    script.input(Input::Publish(camera()));
    script.server(published("mic", track("TR_mic", lk::TrackType::Audio)));
    script.server(published("cam", track("TR_cam", lk::TrackType::Video)));
    script.input(Input::Subscribe("TR_benmic", true));
    script.input(Input::Mute("mic", true));
    script.input(Input::Resize { cid: "cam", width: 1280, height: 720, layers: camera().layers });
    script.close();
    script.pass(Duration::ZERO);
    script.open();
    script.outputs.clear();
    script.server(reconnect());
    let sent = script.sent();
    let mutes = sent.iter().filter_map(|request| match request {
        Request::Mute(mute) => Some((mute.sid.as_str(), mute.muted)),
        _ => None,
    });
    assert_eq!(mutes.collect::<Vec<_>>(), [("TR_mic", true), ("TR_cam", false)], "of each track");
    let size = sent.iter().find_map(|request| match request {
        Request::UpdateVideoTrack(size) => Some((size.track_sid.as_str(), size.width, size.height)),
        _ => None,
    });
    assert_eq!(size, Some(("TR_cam", 1280, 720)), "the size it has");
    let wishes = sent.iter().filter_map(|request| match request {
        Request::Subscription(wish) => Some((wish.track_sids.clone(), wish.subscribe)),
        _ => None,
    });
    let wishes: Vec<_> = wishes.collect();
    assert_eq!(wishes, [(vec!["TR_benmic".to_owned()], true)], "the wish, although it is what the server does anyway");
}

#[test]
fn a_session_that_owes_a_place_for_a_track_is_built_again() {
    let mut script = Script::connected();
    script.input(Input::Publish(microphone()));
    script.close();
    let how = [(Cause::SocketClosed, How::Rejoin, Duration::ZERO)];
    assert_eq!(script.interruptions(), how, "the request or its answer is lost");
    script.pass(Duration::ZERO);
    script.make_offer("first offer");
    let (_base, request) = script.last_open().expect("a socket");
    assert_eq!(request.add_track_requests[0].cid, "mic", "and it is made again");
}
