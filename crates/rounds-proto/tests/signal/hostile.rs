//! A server that says nonsense: nothing panics, nothing runs for ever, nothing grows without end.

use crate::captures::{ALL, lines};
use crate::script::{ME, Script, millis, person, update};
use livekit_protocol as lk;
use livekit_protocol::signal_response::Message as Response;
use prost::Message;
use rounds_proto::signal::{Cause, Fact, How, Input, Output};
use std::time::Duration;

/// Knuth's numbers (MMIX): the same sequence on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).expect("31 bits") % end.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.next() & 0xff).expect("8 bits")
    }
}

/// A round that is up; whatever ends or breaks it is followed by another.
fn feed(script: &mut Script, frame: &[u8]) {
    if script.course.is_over()
        || script.outputs.iter().any(|output| matches!(output, Output::Fact(Fact::Interrupted { .. })))
    {
        *script = Script::connected();
    }
    script.outputs.clear();
    script.bytes(frame);
    while let Some((peer, offer)) = script.wishes.pop() {
        let sdp = rounds_proto::signal::Sdp::new("offer".to_owned());
        script.input(Input::Offer { peer, offer, sdp });
    }
    assert!(script.outputs.len() < 10_000, "{} outputs follow one frame", script.outputs.len());
    script.pass(millis(1));
}

fn frames() -> Vec<Vec<u8>> {
    let lines = ALL.iter().flat_map(|(name, _parts)| lines(name));
    lines.filter(|line| line.dir == "s2c").map(|line| line.bytes()).collect()
}

#[test]
fn recorded_frames_with_changed_bytes_break_nothing() {
    let mut chance = Chance(1);
    let mut script = Script::connected();
    for frame in frames() {
        for _round in 0..8 {
            let mut changed = frame.clone();
            for _change in 0..=chance.below(4) {
                if changed.is_empty() {
                    break;
                }
                let at = chance.below(changed.len());
                match chance.below(4) {
                    0 => changed[at] = chance.byte(),
                    1 => changed[at] ^= 1 << chance.below(8),
                    2 => changed.insert(at, chance.byte()),
                    _ => {
                        changed.remove(at);
                    }
                }
            }
            feed(&mut script, &changed);
        }
    }
}

#[test]
fn recorded_frames_that_end_early_break_nothing() {
    let mut chance = Chance(2);
    let mut script = Script::connected();
    for frame in frames() {
        for _round in 0..8 {
            feed(&mut script, &frame[..chance.below(frame.len())]);
        }
    }
}

#[test]
fn bytes_of_chance_break_nothing_as_first_message_or_later() {
    let mut chance = Chance(3);
    let mut script = Script::connected();
    for _round in 0..2_000 {
        let length = chance.below(200);
        let bytes: Vec<u8> = (0..length).map(|_index| chance.byte()).collect();
        feed(&mut script, &bytes);
        let mut first = Script::new();
        first.input(Input::Join);
        first.greet();
        first.bytes(&bytes);
        assert_eq!(first.interruptions().len(), 1, "no first message: {bytes:?}");
    }
}

#[test]
fn inputs_in_any_order_break_nothing() {
    let frames = frames();
    let mut chance = Chance(4);
    for _round in 0..40 {
        let mut script = Script::new();
        for _step in 0..200 {
            script.chance = chance.next();
            script.outputs.clear();
            let (socket, peer) = (script.socket, script.peer);
            match chance.below(12) {
                0 => script.input(Input::Join),
                1 => {
                    if let Some(socket) = socket {
                        script.input(Input::SocketOpened(socket));
                    }
                }
                2 if chance.below(8) == 0 => script.close_if_any(),
                3 => {
                    if !script.wishes.is_empty() {
                        script.make_offer("offer");
                    }
                }
                4 => {
                    if let Some(peer) = peer {
                        let states = [
                            rounds_proto::signal::PeerState::IceConnected,
                            rounds_proto::signal::PeerState::Connected,
                            rounds_proto::signal::PeerState::Connected,
                            rounds_proto::signal::PeerState::Failed,
                        ];
                        script.input(Input::Peer(peer, states[chance.below(4)]));
                    }
                }
                5 => script.input(Input::Publish(crate::script::microphone())),
                6 => script.input(Input::Unpublish("mic")),
                7 => script.pass(millis(u64::try_from(chance.below(3_000)).expect("small"))),
                _ => {
                    if socket.is_some() {
                        script.bytes(&frames[chance.below(frames.len())]);
                    }
                }
            }
        }
    }
}

impl Script {
    fn close_if_any(&mut self) {
        if self.socket.is_some() {
            self.close();
        }
    }
}

#[test]
fn a_frame_has_an_end() {
    let mut script = Script::connected();
    let long = |length: usize| {
        let message = Response::RefreshToken("R".repeat(length));
        lk::SignalResponse { message: Some(message) }.encode_to_vec()
    };
    script.bytes(&long(2 * 1024 * 1024 - 16));
    assert_eq!(script.course.counts().bad_frames, 0, "2 MiB can be read");
    script.bytes(&long(2 * 1024 * 1024));
    assert_eq!(script.course.counts().bad_frames, 1, "more cannot");
    assert_eq!(script.facts(), [], "and no token is so long");
}

#[test]
fn a_frame_is_not_crowded() {
    let mut script = Script::connected();
    // Each takes 2 bytes here and hundreds when it is built.
    let participants = vec![lk::ParticipantInfo::default(); 250_000];
    script.server(update(participants));
    assert_eq!(script.course.counts().bad_frames, 1, "a quarter of a million people");
    assert_eq!(script.facts(), [], "nobody is told of");
    let room = (0..900).map(|n| person(&format!("PA_{n}"), &format!("id{n}"), 1)).collect();
    script.server(update(room));
    assert_eq!(script.course.others().count(), 900, "a large room is none");
}

#[test]
fn a_server_that_only_says_nonsense_is_given_up() {
    let mut script = Script::connected();
    for _frame in 0..16 {
        script.bytes(&[0xff]);
    }
    assert_eq!(script.interruptions(), [], "some is borne");
    script.bytes(&[0xff]);
    assert_eq!(script.interruptions(), [(Cause::Garbled, How::Rejoin, Duration::ZERO)], "not more");
}

#[test]
fn what_is_unknown_is_counted_and_not_refused() {
    let mut script = Script::connected();
    // Field 127 of the response, as of a message that will be added.
    script.bytes(&[0xfa, 0x07, 0x02, 0x08, 0x01]);
    assert_eq!(script.course.counts().unknown_messages, 1, "a message");
    assert_eq!(script.course.counts().unknown_bytes, 5, "of five bytes");
    // A room update whose room has a field 100 with the number 7.
    script.bytes(&[0x5a, 0x05, 0x0a, 0x03, 0xa0, 0x06, 0x07]);
    assert_eq!(script.course.counts().unknown_bytes, 5 + 3, "a field inside of a known message");
    assert!(matches!(script.facts().as_slice(), [Fact::Room { .. }]), "which is understood without it");
}

#[test]
fn messages_without_a_meaning_here_are_counted() {
    let mut script = Script::connected();
    let offer = lk::SessionDescription { r#type: "offer".to_owned(), sdp: "v=0".to_owned(), ..Default::default() };
    script.server(Response::Offer(offer));
    script.server(crate::script::join(Vec::new()));
    script.server(Response::Reconnect(Default::default()));
    script.server(Response::StoreDataBlobResponse(Default::default()));
    assert_eq!((script.course.counts().unexpected, script.facts()), (4, Vec::new()), "and nothing follows");
    assert_eq!(script.course.me().map(|me| me.sid.as_str()), Some(ME), "we are who we were");
}

#[test]
fn a_refreshed_token_that_is_none_is_not_kept() {
    let mut script = Script::connected();
    script.server(Response::RefreshToken("evil\r\nX-Admin: 1".to_owned()));
    assert_eq!(script.facts(), [], "not told");
    script.server(Response::RefreshToken("second.token".to_owned()));
    script.close();
    script.pass(Duration::ZERO);
    let token = script.outputs.iter().find_map(|output| match output {
        Output::Open { token, .. } => Some(token.authorization().to_string()),
        _ => None,
    });
    assert_eq!(token.as_deref(), Some("Bearer second.token"), "the newest good one opens the next socket");
}
