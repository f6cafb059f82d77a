//! The jitter buffer of a voice: whatever number, time and moment of arrival packets have.

use crate::tape::{Ink, Tape};
use rounds_proto::jitter::{Jitter, LONGEST, MOMENT, Moment, TICKS};
use std::collections::BTreeMap;
use std::time::Duration;

const PACKET: u8 = 0;
const NEXT: u8 = 1;
const PULL: u8 = 2;
const JUMP: u8 = 3;
const ACTS: u8 = 4;
/// No packet of a moment that is further off is taken for one of the same row (`jitter.rs`).
const SAME_ROW: i64 = 3000;

struct Voice {
    jitter: Jitter,
    now: Duration,
    sequence: u16,
    timestamp: u32,
    /// Of each packet by its number here: the moment it is of, and how often it was played and copied.
    packets: BTreeMap<u32, (u32, u32, u32)>,
    played: Option<u32>,
    /// Nobody jumped so far, so moments are played in their order.
    one_row: bool,
}

pub(crate) fn voice(input: &[u8]) {
    let mut tape = Tape::new(input);
    let (sequence, timestamp) = (tape.short(), tape.word());
    let mut voice = Voice {
        jitter: Jitter::default(),
        now: Duration::ZERO,
        sequence,
        timestamp,
        packets: BTreeMap::new(),
        played: None,
        one_row: true,
    };
    let mut furthest = 0_i64;
    while let Some(act) = tape.act(ACTS) {
        match act {
            // Near where the row stands, in number and in time.
            PACKET => {
                let (number, moments) = (i64::from(tape.byte().cast_signed()), i64::from(tape.byte().cast_signed()));
                let sequence = voice.sequence.wrapping_add_signed(i16::try_from(number).unwrap_or_default());
                let ticks = i32::try_from(moments).unwrap_or_default() * TICKS.cast_signed() / 2;
                let timestamp = voice.timestamp.wrapping_add_signed(ticks);
                furthest = furthest.max(number.abs()).max(moments.abs());
                voice.push(sequence, timestamp, usize::from(tape.byte() % 32));
            }
            NEXT => {
                voice.sequence = voice.sequence.wrapping_add(1);
                voice.timestamp = voice.timestamp.wrapping_add(TICKS);
                voice.push(voice.sequence, voice.timestamp, 40);
            }
            PULL => {
                for _moment in 0..=tape.byte() % 16 {
                    voice.now += MOMENT;
                    voice.pull();
                }
            }
            _ => {
                let (sequence, timestamp) = (tape.short(), tape.word());
                voice.now += Duration::from_millis(tape.byte().into());
                voice.one_row = false;
                voice.push(sequence, timestamp, 40);
            }
        }
    }
    assert!(furthest < SAME_ROW, "a byte reaches no further");
    // Nobody says anything any more.
    for _moment in 0..4000 {
        voice.now += MOMENT;
        voice.pull();
    }
    assert_eq!(voice.pull(), Moment::Silence, "in the end there is silence");
}

impl Voice {
    fn push(&mut self, sequence: u16, timestamp: u32, more: usize) {
        let number = u32::try_from(self.packets.len()).unwrap_or(u32::MAX);
        let mut bytes = number.to_be_bytes().to_vec();
        bytes.resize(4 + more, 0);
        self.packets.insert(number, (timestamp, 0, 0));
        self.jitter.push(self.now, sequence, timestamp, bytes);
        let wait = self.jitter.wait();
        assert!((MOMENT..=LONGEST).contains(&wait), "a packet waits {wait:?}");
    }

    fn pull(&mut self) -> Moment {
        let before = self.jitter.tally();
        let moment = self.jitter.pull(self.now);
        let after = self.jitter.tally();
        let sums = |tally: rounds_proto::jitter::Tally| tally.played + tally.copied + tally.made_up + tally.drawn_out;
        assert!(sums(after) >= sums(before) && sums(after) <= sums(before) + 2, "one moment, or two in one");
        match &moment {
            Moment::Packet(bytes) => self.play(bytes),
            Moment::Both(first, second) => {
                self.play(first);
                // An empty one is a moment of silence, and has no number here.
                self.play(second);
            }
            Moment::Copy(bytes) => {
                let packet = self.packets.get_mut(&number(bytes)).expect("a packet that came");
                packet.2 += 1;
                assert_eq!(packet.2, 1, "one copy of a packet is played");
                assert_eq!(packet.1, 0, "before the packet itself");
            }
            Moment::MadeUp | Moment::Silence => {}
        }
        moment
    }

    fn play(&mut self, bytes: &[u8]) {
        let packet = self.packets.get_mut(&number(bytes)).expect("a packet that came");
        packet.1 += 1;
        assert_eq!(packet.1, 1, "a packet is played once");
        let time = packet.0;
        if let Some(before) = self.played.filter(|_time| self.one_row) {
            let ahead = time.wrapping_sub(before).cast_signed();
            // A packet may begin within a moment.
            assert!(ahead > -TICKS.cast_signed(), "moments are played in their order: {before} and then {time}");
        }
        self.played = Some(time);
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(u32::MAX, |number| u32::from_be_bytes(*number))
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let begun = |sequence: u16, timestamp: u32| Ink::default().short(sequence).word(timestamp);
    let talk = |mut ink: Ink, packets: u32| {
        for _packet in 0..packets {
            ink = ink.byte(NEXT).byte(PULL).byte(0);
        }
        ink
    };
    let late = |ink: Ink| {
        let ink = ink.byte(PACKET).byte(2).byte(4).byte(9).byte(PACKET).byte(1).byte(2).byte(1);
        ink.byte(PULL).byte(5).byte(PACKET).byte(255).byte(254).byte(3)
    };
    vec![
        talk(begun(0, 0), 30).dry(),
        talk(late(talk(begun(65_530, u32::MAX - 4000), 10)), 10).dry(),
        // Silence of the sender's, by DTX: numbers go on, the clock jumps.
        talk(talk(begun(7, 7), 5).byte(PACKET).byte(1).byte(100).byte(0).byte(PULL).byte(15), 5).dry(),
        talk(talk(begun(7, 7), 5).byte(JUMP).short(40_000).word(1 << 31).byte(200), 5).dry(),
    ]
}
