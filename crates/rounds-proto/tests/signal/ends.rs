//! How a round ends, and what a server may ask for instead.

use crate::script::{Script, join, leave, millis, options};
use livekit_protocol as lk;
use livekit_protocol::leave_request::Action;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use rounds_proto::signal::{Cause, Fact, How, Input, Output, Reason, ServerReason};
use std::time::Duration;

/// `DisconnectReason` of `livekit_models.proto`, by number.
const REASONS: [(i32, ServerReason); 19] = [
    (0, ServerReason::Unknown),
    (1, ServerReason::ClientInitiated),
    (2, ServerReason::DuplicateIdentity),
    (3, ServerReason::ServerShutdown),
    (4, ServerReason::Removed),
    (5, ServerReason::RoomDeleted),
    (6, ServerReason::StateMismatch),
    (7, ServerReason::JoinFailure),
    (8, ServerReason::Migration),
    (9, ServerReason::SignalClose),
    (10, ServerReason::RoomClosed),
    (11, ServerReason::UserUnavailable),
    (12, ServerReason::UserRejected),
    (13, ServerReason::SipTrunkFailure),
    (14, ServerReason::ConnectionTimeout),
    (15, ServerReason::MediaFailure),
    (16, ServerReason::AgentError),
    (17, ServerReason::Unknown),
    (-1, ServerReason::Unknown),
];

#[test]
fn a_server_that_disconnects_says_why() {
    for (wire, reason) in REASONS {
        let mut script = Script::connected();
        script.server(Response::Leave(lk::LeaveRequest { reason: wire, ..Default::default() }));
        // Shutdown, state mismatch, failed join, migration, closed signalling and a timeout are troubles of the server.
        if [3, 6, 7, 8, 9, 14].contains(&wire) {
            let cause = Cause::ServerAsked(reason);
            assert_eq!(script.interruptions(), [(cause, How::Rejoin, Duration::ZERO)], "{wire}: another may be well");
        } else {
            assert_eq!(script.facts().last(), Some(&Fact::Left(Reason::Server(reason))), "{wire}");
            assert!(script.course.is_over(), "{wire}");
        }
    }
}

#[test]
fn a_server_that_shuts_down_sends_us_to_the_next() {
    let mut script = Script::with(options(&["wss://one.test", "wss://two.test", "wss://three.test"]));
    script.connect();
    for host in ["wss://two.test/rtc/v1", "wss://three.test/rtc/v1"] {
        script.server(leave(Action::Disconnect, lk::DisconnectReason::ServerShutdown));
        let due = script.course.due().expect("another attempt");
        script.until(due);
        script.make_offer("offer");
        assert_eq!(script.last_open().expect("a socket").0, host, "in turn, and none is left out");
        script.open();
    }
}

#[test]
fn a_server_may_ask_to_resume_or_to_begin_again() {
    for (action, how) in [(Action::Resume, How::Resume), (Action::Reconnect, How::Rejoin)] {
        let mut script = Script::connected();
        script.server(leave(action, lk::DisconnectReason::Migration));
        let cause = Cause::ServerAsked(ServerReason::Migration);
        let farewells = script.sent().iter().filter(|request| matches!(request, Request::Leave(_))).count();
        assert_eq!(farewells, usize::from(how == How::Rejoin), "{action:?}: only a session that ends is left");
        assert_eq!(script.interruptions(), [(cause, how, Duration::ZERO)], "{action:?}");
    }
    let mut script = Script::connected();
    script.server(Response::Leave(lk::LeaveRequest { action: 9, ..Default::default() }));
    assert!(script.course.is_over(), "an action that nobody knows is an end");
}

#[test]
fn whoever_leaves_says_so_and_drops_everything() {
    let mut script = Script::connected();
    script.input(Input::Leave);
    let order: Vec<_> = script
        .outputs
        .iter()
        .map(|output| match output {
            Output::Send(..) => "send",
            Output::Close(_) => "close",
            Output::Drop(_) => "drop",
            Output::Fact(Fact::Left(Reason::ByUs)) => "left",
            _ => "other",
        })
        .collect();
    assert_eq!(order, ["send", "close", "drop", "left"], "in this order");
    let sent = script.sent();
    let [Request::Leave(farewell)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(farewell.reason(), lk::DisconnectReason::ClientInitiated, "by our wish");
}

#[test]
fn one_can_leave_at_any_step() {
    type Step = fn(&mut Script);
    let steps: [(&str, Step); 6] = [
        ("before the join", |_script| {}),
        ("while an offer is made", |script| script.input(Input::Join)),
        ("while the socket opens", |script| {
            script.input(Input::Join);
            script.make_offer("offer");
        }),
        ("while the server is silent", |script| {
            script.input(Input::Join);
            script.greet();
        }),
        ("once in", |script| {
            script.input(Input::Join);
            script.greet();
            script.server(join(Vec::new()));
        }),
        ("while waiting", |script| {
            script.connect();
            script.close();
        }),
    ];
    for (what, step) in steps {
        let mut script = Script::new();
        step(&mut script);
        script.outputs.clear();
        script.input(Input::Leave);
        assert_eq!(script.facts().last(), Some(&Fact::Left(Reason::ByUs)), "{what}");
        assert_eq!(script.course.due(), None, "{what}: nothing is waited for");
    }
}

#[test]
fn nothing_follows_the_end() {
    let mut script = Script::connected();
    script.input(Input::Leave);
    script.outputs.clear();
    script.input(Input::Join);
    script.close();
    script.server(join(Vec::new()));
    script.input(Input::Due);
    script.input(Input::Leave);
    script.input(Input::Publish(crate::script::microphone()));
    script.pass(millis(60_000));
    assert_eq!(script.outputs, [], "nothing");
}

#[test]
fn a_server_that_moves_us_to_another_room_is_left() {
    let mut script = Script::connected();
    let room = Some(lk::Room { sid: "RM_2".to_owned(), ..Default::default() });
    let moved = lk::RoomMovedResponse { room, token: "other.token".to_owned(), ..Default::default() };
    script.server(Response::RoomMoved(moved));
    assert_eq!(script.facts().last(), Some(&Fact::Left(Reason::Moved)), "keys belong to one room");
}
