//! Sound that is encoded and decoded again, and sound that is lost.

use crate::judge::{error, part_at};
use codec::opus::{Decoder, Encoder, FRAME, RATE, Samples};
use codec::sample::tone;
use std::f64::consts::TAU;

fn tones(hz: u32) -> impl Iterator<Item = Samples> {
    (0..).step_by(FRAME).map(move |first| tone(hz, first))
}

/// Something like a voice: a pitch that glides, its overtones, four syllables a second.
fn voice(number: u32) -> Samples {
    let mut samples = [0; FRAME];
    for (n, sample) in (number * 960..).zip(&mut samples) {
        let second = f64::from(n) / f64::from(RATE);
        let phase = TAU * (140.0 * second + 4.0 * (TAU * second).sin());
        let loud = 5000.0 * (0.6 - 0.4 * (TAU * 4.0 * second).cos());
        let sum: f64 = (1..12_u32).map(|k| (phase * f64::from(k)).sin() / f64::from(k)).sum();
        #[expect(clippy::cast_possible_truncation, reason = "some thousands")]
        let value = (loud * sum) as i16;
        *sample = value;
    }
    samples
}

#[test]
fn a_tone_is_the_same_at_whatever_sample_it_is_cut() {
    let whole: Vec<i16> = tones(440).take(50).flatten().collect();
    // At 48 kHz a second of 440 Hz is whole waves, and a quarter of a wave of 400 Hz is 30 samples.
    assert_eq!(tone(440, 48_000), tone(440, 0), "a second later");
    assert_eq!(tone(440, 960)[..], whole[960..1920], "the second frame");
    assert_eq!((tone(400, 0)[0], tone(400, 0)[30], tone(400, 0)[90]), (0, 16_384, -16_384), "half of the amplitude");
    assert!(part_at(440.0, &whole) > 0.999, "nothing but 440 Hz");
}

#[test]
fn a_tone_of_440_hertz_is_found_again() {
    for bits in [16_000, 32_000, 64_000] {
        let (mut encoder, mut decoder) = (Encoder::new(bits, 10).expect("memory"), Decoder::new().expect("memory"));
        let mut heard = Vec::new();
        for samples in tones(440).take(60) {
            let packet = encoder.encode(&samples).expect("sound").expect("nobody is silent");
            heard.extend(decoder.decode(&packet).expect("it was just encoded"));
        }
        // The first fifth of a second is the coders' beginning.
        let heard = &heard[10 * FRAME..];
        let (at, beside) = (part_at(440.0, heard), part_at(466.0, heard));
        assert!(at > 0.9 && beside < 0.01, "{bits} bit/s: {at:.3} at 440 Hz, {beside:.3} a semitone above");
    }
}

#[test]
fn a_voice_takes_no_more_bits_than_were_asked_for_and_more_where_it_may() {
    let mut encoder = Encoder::new(16_000, 0).expect("memory");
    let mut former = 0;
    for bits in [16_000, 24_000, 32_000, 64_000] {
        encoder.set_bitrate(bits).expect("a rate");
        let packets = (0..100).filter_map(|number| encoder.encode(&voice(number)).expect("sound"));
        let sent: usize = packets.map(|packet| packet.len()).sum();
        // 100 packets are two seconds.
        let sent = u32::try_from(sent).expect("few") * 4;
        assert!(sent * 10 < bits * 11 && sent > former, "{sent} bit/s of {bits}, {former} at the rate below");
        former = sent;
    }
}

#[test]
fn a_lost_packet_comes_back_with_the_next_one() {
    let (mut encoder, mut whole) = (Encoder::new(24_000, 20).expect("memory"), Decoder::new().expect("memory"));
    let (mut recovering, mut concealing) = (Decoder::new().expect("memory"), Decoder::new().expect("memory"));
    let packets: Vec<Vec<u8>> =
        (0..200).map(|number| encoder.encode(&voice(number)).expect("sound").expect("nobody is silent")).collect();
    let (mut recovered, mut concealed, mut silence) = (0.0, 0.0, 0.0);
    for (number, packet) in packets.iter().enumerate() {
        let said = whole.decode(packet).expect("it was just encoded");
        // Every fifth one is lost, once there is something.
        if number > 20 && number % 5 == 0 {
            recovered += error(&said, &recovering.recover(&packets[number + 1]).expect("the next one is good"));
            concealed += error(&said, &concealing.conceal().expect("always"));
            silence += error(&said, &[0; FRAME]);
            continue;
        }
        recovering.decode(packet).expect("it was just encoded");
        concealing.decode(packet).expect("it was just encoded");
    }
    assert!(recovered < silence / 2.0, "by its copy: error {recovered:.3e}, of silence {silence:.3e}");
    assert!(recovered < concealed, "by its copy: error {recovered:.3e}, going on without one {concealed:.3e}");
}

#[test]
fn nothing_is_sent_while_nobody_speaks() {
    let (mut encoder, mut decoder) = (Encoder::new(32_000, 10).expect("memory"), Decoder::new().expect("memory"));
    for number in 0..20 {
        assert!(encoder.encode(&voice(number)).expect("sound").is_some(), "a voice, {number}");
    }
    let mut sent = 0;
    for _ in 0..200 {
        if let Some(packet) = encoder.encode(&[0; FRAME]).expect("silence") {
            decoder.decode(&packet).expect("it was just encoded");
            sent += 1;
        }
    }
    // Four seconds: a beginning of some tenths, and two packets every 400 ms.
    assert!((5..50).contains(&sent), "{sent} of 200 packets");
    assert!(encoder.encode(&voice(20)).expect("sound").is_some(), "and a voice at once");
}

#[test]
fn what_is_made_up_fades() {
    let (mut encoder, mut decoder) = (Encoder::new(32_000, 0).expect("memory"), Decoder::new().expect("memory"));
    for number in 0..30 {
        let packet = encoder.encode(&voice(number)).expect("sound").expect("nobody is silent");
        decoder.decode(&packet).expect("it was just encoded");
    }
    let powers: Vec<f64> = (0..50).map(|_| error(&decoder.conceal().expect("always"), &[0; FRAME])).collect();
    assert!(powers[0] > 0.0, "the voice goes on");
    assert!(powers[49] < powers[0] / 20.0, "and is faint after a second: {:.3e} of {:.3e}", powers[49], powers[0]);
}
