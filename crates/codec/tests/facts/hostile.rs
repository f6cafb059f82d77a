//! Bytes that nobody encoded: no crash, no picture of a size that is not allowed, and what is good afterwards is good.

use crate::judge::Seed;
use codec::opus;
use codec::sample::{test_card, tone};
use codec::vp8::{self, DecodeError, Encoder, LONGEST_SIDE, Tuning};

/// Frames of two sizes with a few key frames in them.
fn frames() -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(Tuning::Screen, 500_000, 20);
    (0..24)
        .map(|number| {
            let card = if number < 12 { test_card(161, 97, number) } else { test_card(64, 128, number) };
            encoder.encode(&card, u64::from(number) * 4500, number % 5 == 0).expect("a good picture").bytes
        })
        .collect()
}

/// One of several ways to be wrong.
fn mutate(seed: &mut Seed, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut frame = frames[seed.below(frames.len())].clone();
    let length = frame.len();
    match seed.below(6) {
        0 => frame.truncate(seed.below(length + 1)),
        1 => (0..=seed.below(8)).for_each(|_| frame[seed.below(length)] ^= 1 << seed.below(8)),
        // In the part that says how the rest is to be read.
        2 => (0..=seed.below(4)).for_each(|_| frame[seed.below(length.min(24))] = seed.byte()),
        3 => {
            let other = &frames[seed.below(frames.len())];
            frame.truncate(seed.below(length));
            frame.extend_from_slice(&other[seed.below(other.len())..]);
        }
        4 => frame = (0..seed.below(300)).map(|_| seed.byte()).collect(),
        // A key frame's size.
        _ => (6..10).for_each(|at| frame[at.min(length - 1)] = seed.byte() & 1),
    }
    frame
}

#[test]
fn frames_that_were_changed_never_spoil_what_comes_after() {
    let frames = frames();
    let good = |decoder: &mut vp8::Decoder| decoder.decode(&frames[0]).expect("a key frame").expect("shown").tight();
    let expected = good(&mut vp8::Decoder::new());
    let (mut decoder, mut seed) = (vp8::Decoder::new(), Seed(9));
    let (mut shown, mut refused) = (0, 0);
    for round in 0..6000 {
        match decoder.decode(&mutate(&mut seed, &frames)) {
            Ok(Some(picture)) => {
                assert!(picture.width() <= LONGEST_SIDE && picture.height() <= LONGEST_SIDE, "round {round}");
                // Every sample can be read.
                let read: usize = codec::i420::Channel::ALL.iter().map(|c| picture.rows(*c).flatten().count()).sum();
                assert!(read > 0, "round {round}");
                shown += 1;
            }
            Ok(None) => {}
            Err(_) => {
                refused += 1;
                if round % 7 == 0 {
                    let again = decoder.decode(&frames[1]).map(|_| ());
                    assert_eq!(again, Err(DecodeError::NoKeyFrame), "nothing is built on what failed");
                    assert_eq!(good(&mut decoder), expected, "round {round}: a key frame is as always");
                }
            }
        }
    }
    assert!(shown > 100 && refused > 1000, "both happen: {shown} shown, {refused} refused");
}

#[test]
fn a_frame_that_was_cut_shows_nothing() {
    let frames = frames();
    for length in 0..frames[0].len() - 64 {
        let got = vp8::Decoder::new().decode(&frames[0][..length]).map(|_| ());
        assert!(got.is_err(), "{length} of {} bytes", frames[0].len());
    }
}

#[test]
fn a_decoder_begins_with_a_key_frame() {
    let frames = frames();
    let mut decoder = vp8::Decoder::new();
    assert_eq!(decoder.decode(&frames[1]).map(|_| ()), Err(DecodeError::NoKeyFrame), "nothing to build on");
    assert_eq!(decoder.decode(&[]).map(|_| ()), Err(DecodeError::Short), "nothing at all");
    assert!(decoder.decode(&frames[0]).is_ok_and(|shown| shown.is_some()), "a key frame");
    assert!(decoder.decode(&frames[1]).is_ok_and(|shown| shown.is_some()), "and the next");
}

#[test]
fn a_header_that_claims_a_huge_picture_costs_nothing() {
    let mut frame = frames()[0].clone();
    // RFC 6386 §9.1: fourteen bits a side, all set.
    frame[6..10].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    let got = vp8::Decoder::new().decode(&frame).map(|_| ());
    assert_eq!(got, Err(DecodeError::Size { width: 16_383, height: 16_383 }), "refused by its header");
}

#[cfg(target_os = "linux")]
#[test]
fn sizes_that_change_with_every_frame_take_no_more_memory_than_one() {
    #[expect(clippy::disallowed_methods, reason = "the test asks Linux for its own peak")]
    let peak = || {
        let status = std::fs::read("/proc/self/status").expect("Linux has it");
        let status = String::from_utf8(status).expect("text");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak").trim();
        line.split(' ').next().and_then(|kilobytes| kilobytes.parse::<u32>().ok()).expect("a number") / 1000
    };
    let key = frames()[0].clone();
    let mut decoder = vp8::Decoder::new();
    let before = peak();
    for number in 0..60_u16 {
        let mut frame = key.clone();
        let [low, high] = (LONGEST_SIDE - number).to_le_bytes();
        frame[6..10].copy_from_slice(&[low, high, low, high]);
        // Too few bytes for so large a picture: the memory was there before that is found.
        assert!(decoder.decode(&frame).is_err(), "size {number}");
    }
    let after = peak();
    // Four pictures of 25 MB with their borders, and what is known of each macroblock; other tests run beside this one.
    assert!(after < before + 400, "{before} MB before, {after} MB after");
}

#[test]
fn packets_of_sound_that_were_changed_give_an_error_or_twenty_milliseconds() {
    let mut encoder = opus::Encoder::new(32_000, 20).expect("memory");
    let packets: Vec<Vec<u8>> = (0..40)
        .map(|number| encoder.encode(&tone(440, number * 960)).expect("sound").expect("nobody is silent"))
        .collect();
    let (mut decoder, mut seed) = (opus::Decoder::new().expect("memory"), Seed(10));
    let (mut heard, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let packet = mutate(&mut seed, &packets);
        let got = if seed.below(4) == 0 { decoder.recover(&packet) } else { decoder.decode(&packet) };
        if got.is_ok() { heard += 1 } else { refused += 1 }
    }
    assert!(heard > 1000 && refused > 1000, "both happen: {heard} heard, {refused} refused");
    decoder.decode(&packets[0]).expect("a good packet is as always");
}

#[test]
fn packets_of_another_duration_are_refused() {
    let mut decoder = opus::Decoder::new().expect("memory");
    let mut ask = |packet: &[u8]| decoder.decode(packet).map(|_| ());
    assert_eq!(ask(&[]), Err(opus::DecodeError::Empty), "nothing");
    // RFC 6716 §3.1, table 2: configuration 0 is SILK, narrowband, 10 ms; 3 is 60 ms. The upper five bits say it.
    assert_eq!(ask(&[0]), Err(opus::DecodeError::Duration { samples: 480 }), "10 ms");
    assert_eq!(ask(&[3 << 3]), Err(opus::DecodeError::Duration { samples: 2880 }), "60 ms");
    // §3.2.5: code 3 with 48 frames of 2.5 ms.
    assert_eq!(ask(&[(16 << 3) | 3, 48]), Err(opus::DecodeError::Duration { samples: 5760 }), "120 ms");
    // Two frames of 10 ms, said to be equally long, in an odd number of bytes.
    assert_eq!(ask(&[1, 0]), Err(opus::DecodeError::Damaged), "a length that does not fit");
}
