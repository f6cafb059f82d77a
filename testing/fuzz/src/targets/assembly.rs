//! Frames of VP8 out of packets of any payload, number and time.

use crate::tape::{Ink, Tape};
use rounds_proto::assembly::{Frames, Part, Whole};
use rounds_proto::frame::LARGEST_FRAME;
use std::time::Duration;

const NEXT: u8 = 0;
const PACKET: u8 = 1;
const REPEATED: u8 = 2;
const PASS: u8 = 3;
const SKIP: u8 = 4;
const ACTS: u8 = 5;

pub(crate) fn stream(input: &[u8]) {
    let mut tape = Tape::new(input);
    let mut frames = Frames::default();
    let mut now = Duration::ZERO;
    let (mut sequence, mut timestamp) = (tape.short(), tape.word());
    let mut last: Option<Part> = None;
    let (mut pushed, mut given) = (0_usize, 0_usize);
    while let Some(act) = tape.act(ACTS) {
        let kind = tape.byte();
        let part = match act {
            NEXT => {
                sequence = sequence.wrapping_add(1);
                timestamp = timestamp.wrapping_add(u32::from(kind & 2) * 1500);
                Part { sequence, timestamp, marker: kind & 1 == 1, payload: tape.bytes().to_vec().into() }
            }
            PACKET => {
                let sequence = sequence.wrapping_add(tape.short());
                let timestamp = timestamp.wrapping_add(tape.word());
                Part { sequence, timestamp, marker: kind & 1 == 1, payload: tape.bytes().to_vec().into() }
            }
            REPEATED => match last.clone() {
                Some(part) => part,
                None => continue,
            },
            PASS => {
                now += tape.pause() / 16;
                continue;
            }
            _ => {
                frames.skip_to_key();
                assert!(frames.awaits_key(), "the next one is a key frame");
                continue;
            }
        };
        last = Some(part.clone());
        pushed += part.payload.len();
        let awaited = frames.awaits_key();
        let out = frames.push(now, part);
        check(&out, awaited);
        given += out.iter().map(|whole| whole.bytes.len()).sum::<usize>();
        assert!(given <= pushed, "no byte comes out twice");
    }
}

fn check(out: &[Whole], awaited: bool) {
    if let Some(first) = out.first() {
        assert!(!awaited || first.key, "what comes after a loss is a key frame");
    }
    for whole in out {
        assert!((1..=LARGEST_FRAME).contains(&whole.bytes.len()), "a frame of {} bytes", whole.bytes.len());
        assert_eq!(whole.key, whole.bytes.first().is_some_and(|first| first & 1 == 0), "as its first bit says");
        assert!(!whole.gap || whole.key, "behind a gap there is a key frame");
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let begun = |sequence: u16| Ink::default().short(sequence).word(u32::MAX - 2000);
    let frame = |ink: Ink, first: u8| {
        let ink = ink.byte(NEXT).byte(2).bytes(&[0x90, 0xf0, 0x81, 2, 9, 0x21, first, 7, 7]);
        ink.byte(NEXT).byte(0).bytes(&[0x00, 8, 8]).byte(NEXT).byte(1).bytes(&[0x00, 9])
    };
    let whole = frame(frame(frame(begun(65_533), 0), 1), 1).byte(REPEATED).byte(0);
    let lost = frame(begun(9), 0).byte(PACKET).byte(1).short(3).word(3000).bytes(&[0x10, 1, 5]);
    let lost = frame(lost.byte(PASS).byte(0).short(6000), 1);
    let lost = frame(lost.byte(PASS).byte(0).short(6000), 0).byte(SKIP).byte(0);
    let jumped = frame(begun(9), 0).byte(PACKET).byte(1).short(20_000).word(3000).bytes(&[0x10, 0, 5]);
    let padded = frame(begun(9), 0).byte(NEXT).byte(0).bytes(&[]).byte(NEXT).byte(1).bytes(&[0x90, 0x80]);
    vec![whole.dry(), frame(lost, 1).dry(), frame(jumped, 0).dry(), frame(padded, 1).dry()]
}
