//! From the rate of a device to another one.

use crate::measure::{amplitude, decibels, power, sine};
use sound::rate::Rate;

fn through(from: u32, to: u32, hz: f64) -> Vec<f32> {
    let mut rate = Rate::new(from, to).expect("a device has this rate");
    let mut out = Vec::new();
    let samples: Vec<f32> = (0..u64::from(from)).map(|at| sine(hz, from, at, 0.5)).collect();
    // In uneven pieces, as devices give them.
    for piece in samples.chunks(371) {
        rate.push(piece, &mut out);
    }
    // Half a second, which is whole waves, away from the ends, where the filter is half empty.
    let half = usize::try_from(to / 2).expect("fits");
    out[2_000..2_000 + half].to_vec()
}

#[test]
fn a_tone_is_as_loud_at_another_rate_and_nothing_is_added() {
    for (from, to) in [
        (44_100, 48_000),
        (16_000, 48_000),
        (96_000, 48_000),
        (48_000, 44_100),
        (48_000, 16_000),
        (48_000, 96_000),
        (11_025, 48_000),
        (48_000, 48_000),
        (192_000, 48_000),
        (8_000, 48_000),
    ] {
        for hz in [440.0, 3_000.0] {
            let heard = through(from, to, hz);
            let tone = amplitude(&heard, to, hz);
            assert!((tone - 0.5).abs() < 0.003, "{hz} Hz from {from} to {to}: amplitude {tone}");
            let rest = decibels((power(&heard) - tone * tone / 2.0).abs() / 0.125);
            assert!(rest < -70.0, "{hz} Hz from {from} to {to}: the rest is at {rest} dB");
        }
    }
}

#[test]
fn what_a_lower_rate_cannot_hold_does_not_come_back_as_another_tone() {
    // 30 kHz would be 18 at 48 kHz, 13 would be 3 at 16.
    for (from, to, hz) in [(96_000, 48_000, 30_000.0), (48_000, 16_000, 13_000.0), (48_000, 44_100, 23_500.0)] {
        let heard = decibels(power(&through(from, to, hz)) / 0.125);
        assert!(heard < -70.0, "{hz} Hz from {from} to {to} is heard at {heard} dB");
    }
}

#[test]
fn as_many_seconds_leave_as_came() {
    for (from, to) in [(44_100, 48_000), (48_000, 44_100), (96_000, 48_000), (16_000, 48_000)] {
        let mut rate = Rate::new(from, to).expect("a device has this rate");
        let mut out = Vec::new();
        rate.push(&vec![0.25; usize::try_from(from).expect("fits") * 10], &mut out);
        let missing = usize::try_from(to).expect("fits") * 10 - out.len();
        assert!(missing < 200, "{from} to {to}: the filter holds {missing} samples back");
        let middle = out[out.len() / 2];
        assert!((middle - 0.25).abs() < 1e-4, "a constant stays: {middle}");
    }
}

#[test]
fn a_rate_that_no_device_has_is_refused() {
    for (from, to) in [(0, 48_000), (48_000, 0), (7_999, 48_000), (47_999, 48_000), (48_000, 384_001)] {
        assert!(Rate::new(from, to).is_none(), "{from} to {to}");
    }
}
