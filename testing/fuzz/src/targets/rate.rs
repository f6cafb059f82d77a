//! The estimate of the way: whatever a server reports of packets.

use crate::tape::{Ink, Tape};
use rounds_proto::rate::{LEAST, MOST, Rate, Sent};
use std::time::Duration;

pub(crate) fn estimate(input: &[u8]) {
    let mut tape = Tape::new(input);
    let mut rate = Rate::new(tape.word().into());
    let (mut now, mut departure) = (Duration::ZERO, Duration::ZERO);
    while let Some(reports) = tape.act(64) {
        now += tape.pause();
        let mut packets = Vec::new();
        for _report in 0..reports {
            let kind = tape.byte();
            departure = match kind & 3 {
                0 => departure + Duration::from_micros(tape.short().into()),
                1 => departure.saturating_sub(Duration::from_millis(tape.short().into())),
                2 => now,
                // The clock of whoever reports, or ours, as far off as numbers go.
                _ => Duration::from_micros(tape.long() >> (tape.byte() % 64)),
            };
            let arrival = match kind >> 2 & 3 {
                0 => Some(departure + Duration::from_micros(tape.word().into())),
                1 => None,
                2 => Some(Duration::from_millis(tape.word().into())),
                _ => Some(Duration::from_micros(tape.long())),
            };
            let bytes = match kind >> 4 & 3 {
                0 => 1200,
                1 => usize::from(tape.short()),
                2 => 0,
                _ => usize::try_from(tape.long()).unwrap_or(usize::MAX),
            };
            packets.push(Sent { bytes, departure, arrival });
        }
        rate.take(now, &packets);
        let (target, loss) = (rate.target(), rate.loss());
        assert!((LEAST..=MOST).contains(&target), "{target} bits a second");
        assert!((0.0..=1.0).contains(&loss), "a part of {loss} is lost");
        let _queue = rate.queue();
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let begun = || Ink::default().word(1_000_000);
    // Twenty reports of ten packets, each 20 ms under way and a little longer each time.
    let growing = |by: u32, kind: u8| {
        let mut ink = begun();
        for step in 0..20 {
            ink = ink.byte(10).short(100);
            for _packet in 0..10 {
                ink = ink.byte(kind).short(10_000);
                if kind >> 2 & 3 == 0 {
                    ink = ink.word(20_000 + step * by);
                }
            }
        }
        ink.dry()
    };
    vec![growing(0, 0), growing(9000, 0), growing(0, 0b0100), begun().byte(1).short(9).byte(0xff).dry()]
}
