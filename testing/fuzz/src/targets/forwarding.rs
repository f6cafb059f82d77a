//! One track from its publisher to its listeners: packets of any payload and number, wishes and feedback of anybody.

use crate::tape::{Ink, Tape};
use sfu::door::{Passed, Passing};
use sfu::rooms::{Kind, Layer};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const LISTENERS: u8 = 3;
/// One packet is sent again at most so often (README of `sfu`).
const MOST_TIMES: usize = 4;
/// Of each layer at most so many key frames are asked for at once, and then two a second.
const REQUESTS_AT_ONCE: u128 = 4;
const BETWEEN_REQUESTS: u128 = 500;
/// Timestamps can be compared over less than half of their range.
const COMPARED: Duration = Duration::from_secs(3600);

const PACKET: u8 = 0;
const WISH: u8 = 1;
const MUTE: u8 = 2;
const MISSING: u8 = 3;
const LOST: u8 = 4;
const PASS: u8 = 5;
const REPORT: u8 = 6;
const ACTS: u8 = 7;

#[derive(Default)]
struct Listener {
    sequences: BTreeSet<u64>,
    /// The layer and the time of what was sent last, and the timestamp of the newest.
    last: Option<(Layer, Instant)>,
    newest: Option<(u64, u32)>,
    again: usize,
    muted: bool,
    wish: Option<Option<Layer>>,
}

pub(crate) fn track(input: &[u8]) {
    let mut tape = Tape::new(input);
    let kind = if tape.yes() { Kind::Audio } else { Kind::Video };
    let mut passing = Passing::new(kind, LISTENERS);
    let mut listeners: Vec<Listener> = (0..LISTENERS).map(|_| Listener::default()).collect();
    let (mut numbers, mut timestamps) = ([u64::from(tape.short()); 3], [tape.word(); 3]);
    let mut seen = BTreeSet::new();
    let (began, mut now, mut requests) = (Instant::now(), Instant::now(), 0);
    while let Some(act) = tape.act(ACTS) {
        let which = usize::from(tape.byte());
        match act {
            PACKET => {
                let at = if kind == Kind::Audio { 0 } else { which % 3 };
                let (number, time) = (tape.short().cast_signed(), tape.word());
                let step = if number == 0 { 1 } else { number };
                let number = numbers[at].saturating_add_signed(step.into());
                numbers[at] = numbers[at].max(number);
                timestamps[at] = timestamps[at].wrapping_add(time);
                // What comes twice is left out by the stack (RFC 3711 §3.3.2).
                let payload = tape.bytes();
                if seen.insert((at, number)) {
                    let layer = Layer::ALL[at];
                    let passed = passing.packet(layer, (number, timestamps[at]), payload, now);
                    let begins = kind == Kind::Audio || begins(payload);
                    passed.into_iter().for_each(|one| listeners[one.listener].take(one, layer, begins, now));
                }
            }
            WISH => {
                let listener = &mut listeners[which % usize::from(LISTENERS)];
                let wish = Layer::ALL.get(usize::from(tape.byte()) % 4).copied();
                listener.wish = Some(wish);
                passing.wish(which % usize::from(LISTENERS), wish);
            }
            MUTE => {
                let muted = which & 1 == 1;
                listeners.iter_mut().for_each(|listener| listener.muted = muted);
                passing.mute(muted);
            }
            MISSING => {
                let at = which % usize::from(LISTENERS);
                let listener = &mut listeners[at];
                listener.again += passing.missing(at, tape.short(), tape.short(), now);
                let most = MOST_TIMES * listener.sequences.len();
                assert!(listener.again <= most, "{} of {most} packets are sent again", listener.again);
            }
            LOST => passing.lost_picture(which % usize::from(LISTENERS), now),
            PASS => {
                now += tape.pause();
                requests += passing.requests(now);
                let most = 3 * (REQUESTS_AT_ONCE + (now - began).as_millis() / BETWEEN_REQUESTS + 1);
                let asked = u128::try_from(requests).unwrap_or(u128::MAX);
                assert!(asked <= most, "{asked} key frames are asked for, and {most} at most");
            }
            _ => {
                passing.report(u32::from(tape.byte() % 4), tape.word(), tape.word());
                for (expected, missing) in passing.losses() {
                    assert!(missing <= expected, "{missing} of {expected} are missing");
                }
            }
        }
    }
}

impl Listener {
    fn take(&mut self, passed: Passed, layer: Layer, begins: bool, now: Instant) {
        assert!(!self.muted && self.wish != Some(None), "nothing leaves that nobody wishes");
        assert!(self.sequences.insert(passed.sequence), "no number comes twice: {}", passed.sequence);
        let Some((newest, timestamp)) = self.newest else {
            assert!(begins, "the first packet begins a picture");
            (self.newest, self.last) = (Some((passed.sequence, passed.timestamp)), Some((layer, now)));
            return;
        };
        if let Some((former, at)) = self.last
            && former != layer
        {
            assert!(begins, "a layer begins with a key frame");
            assert_eq!(passed.sequence, newest + 1, "and its numbers go on");
            let ahead = passed.timestamp.wrapping_sub(timestamp);
            assert!((1..1 << 31).contains(&ahead) || now - at > COMPARED, "and so does its time");
        }
        if passed.sequence > newest {
            self.newest = Some((passed.sequence, passed.timestamp));
        }
        self.last = Some((layer, now));
    }
}

/// Whether a payload is the first of a key frame (RFC 7741 §4.2 and §4.3).
fn begins(payload: &[u8]) -> bool {
    let Some((first, mut rest)) = payload.split_first() else { return false };
    let mut skip = |bytes: usize| rest = rest.get(bytes..).unwrap_or_default();
    if first & 0x80 != 0 {
        let extension = payload.get(1).copied().unwrap_or_default();
        skip(1);
        if extension & 0x80 != 0 {
            let long = payload.get(2).is_some_and(|byte| byte & 0x80 != 0);
            skip(if long { 2 } else { 1 });
        }
        skip(usize::from(extension & 0x40 != 0));
        skip(usize::from(extension & 0x30 != 0));
    }
    first & 0x17 == 0x10 && rest.first().is_some_and(|byte| byte & 1 == 0)
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    const KEY: [u8; 7] = [0x90, 0xf0, 0x81, 0x02, 9, 0x21, 0x10];
    const DELTA: [u8; 7] = [0x90, 0xf0, 0x81, 0x03, 9, 0x21, 0x11];
    let begun = |kind: u8| Ink::default().byte(kind).short(65_530).word(u32::MAX - 9000);
    let packet = |ink: Ink, layer: u8, payload: &[u8]| ink.byte(PACKET).byte(layer).short(0).word(3000).bytes(payload);
    let mut ink = begun(0);
    for layer in [0, 0, 1, 2] {
        for payload in [&KEY[..], &DELTA, &[0x10, 0], &[0x00, 1], &[0x90, 0x80, 5, 0]] {
            ink = packet(ink, layer, payload).byte(PASS).byte(0).short(40);
        }
        ink = ink.byte(LOST).byte(1).byte(MISSING).byte(0).short(1003).short(0xff).byte(PASS).byte(0).short(300);
    }
    let whole = ink.byte(WISH).byte(1).byte(0).byte(WISH).byte(2).byte(3);
    let whole = packet(packet(whole, 2, &KEY), 0, &KEY).byte(MUTE).byte(1).byte(MUTE).byte(0);
    let whole = packet(whole.byte(PASS).byte(0).short(1600), 0, &KEY);
    let sound = (0..20).fold(begun(1), |ink, _| packet(ink, 0, &[7; 20]));
    let sound = sound.byte(MISSING).byte(0).short(1010).short(0xaaaa).byte(REPORT).byte(0).byte(1).word(100).word(5);
    vec![whole.dry(), sound.byte(REPORT).byte(0).byte(1).word(200).word(9).dry()]
}
