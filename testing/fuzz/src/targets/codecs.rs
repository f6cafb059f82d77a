//! Decoders of sound and picture: whatever a peer encoded, or did not.

use crate::tape::{Ink, Tape};
use codec::i420::Channel;
use codec::sample::{test_card, tone};
use codec::vp8::{DecodeError, Decoder, Encoder, LONGEST_SIDE, Tuning};
use std::sync::OnceLock;

/// A larger picture costs a tenth of a second, and says no more.
const LARGEST: u32 = 512 * 512;

/// Frames of two sizes, with key frames in them.
fn frames() -> &'static [Vec<u8>] {
    static FRAMES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let mut encoder = Encoder::new(Tuning::Screen, 300_000, 20);
        let card = |number| if number < 4 { test_card(65, 49, number) } else { test_card(32, 64, number) };
        let encoded = (0..8).map(|number| encoder.encode(&card(number), u64::from(number) * 4500, number % 5 == 0));
        encoded.map(|encoded| encoded.expect("a good picture").bytes).collect()
    })
}

pub(crate) fn vp8(input: &[u8]) {
    let mut tape = Tape::new(input);
    let mut decoder = Decoder::new();
    while let Some(_frame) = tape.act(1) {
        let frame = tape.bytes();
        if is_large(frame) {
            continue;
        }
        match decoder.decode(frame) {
            Ok(Some(picture)) => {
                let (width, height) = (picture.width(), picture.height());
                assert!(width <= LONGEST_SIDE && height <= LONGEST_SIDE, "a picture of {width} × {height}");
                let samples = |channel: Channel| picture.rows(channel).flatten().count();
                let expected = |channel: Channel| channel.size(width, height);
                for channel in Channel::ALL {
                    let (columns, rows) = expected(channel);
                    assert_eq!(samples(channel), columns * rows, "each sample can be read");
                }
            }
            Ok(None) => {}
            Err(_damaged) => {
                let again = decoder.decode(&frames()[1]).map(|_| ());
                assert_eq!(again, Err(DecodeError::NoKeyFrame), "nothing is built on what failed");
            }
        }
    }
    static GOOD: OnceLock<codec::I420> = OnceLock::new();
    let good = |decoder: &mut Decoder| decoder.decode(&frames()[0]).expect("a key frame").expect("shown").tight();
    let expected = GOOD.get_or_init(|| good(&mut Decoder::new()));
    assert!(&good(&mut decoder) == expected, "a key frame is as always");
}

/// RFC 6386 §9.1: a key frame says its size behind its start code.
fn is_large(frame: &[u8]) -> bool {
    let side = |at: usize| frame.get(at..at + 2).map_or(0, |two| u16::from_le_bytes([two[0], two[1]]) & 0x3fff);
    let (width, height) = (side(6), side(8));
    let allowed = width <= LONGEST_SIDE && height <= LONGEST_SIDE;
    frame.first().is_some_and(|first| first & 1 == 0) && allowed && u32::from(width) * u32::from(height) > LARGEST
}

pub(crate) fn pictures() -> Vec<Vec<u8>> {
    let all = frames().iter().fold(Ink::default(), |ink, frame| ink.byte(0).bytes(frame));
    let mut seeds = vec![all.dry()];
    seeds.extend(frames().iter().map(|frame| Ink::default().byte(0).bytes(frame).dry()));
    seeds.push(Ink::default().byte(0).bytes(&[0x10, 0, 0, 0x9d, 1, 0x2a, 0xff, 0x3f, 0xff, 0x3f]).dry());
    seeds
}

fn packets() -> &'static [Vec<u8>] {
    static PACKETS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    PACKETS.get_or_init(|| {
        let mut encoder = codec::opus::Encoder::new(32_000, 20).expect("libopus makes an encoder");
        let encoded = (0..10).filter_map(|number| encoder.encode(&tone(440, number * 960)).expect("good sound"));
        encoded.collect()
    })
}

pub(crate) fn opus(input: &[u8]) {
    let mut tape = Tape::new(input);
    let mut decoder = codec::opus::Decoder::new().expect("libopus makes a decoder");
    while let Some(act) = tape.act(3) {
        let packet = tape.bytes();
        let heard = match act {
            0 => decoder.decode(packet),
            1 => decoder.recover(packet),
            _ => decoder.conceal(),
        };
        assert!(act < 2 || heard.is_ok(), "what is missing can always be made up: {heard:?}");
        assert!(!packet.is_empty() || act == 2 || heard.is_err(), "nothing is no packet");
    }
    for packet in packets() {
        let heard = decoder.decode(packet);
        assert!(heard.is_ok(), "a good packet is heard after whatever came: {heard:?}");
    }
}

pub(crate) fn sounds() -> Vec<Vec<u8>> {
    let all = packets().iter().fold(Ink::default(), |ink, packet| ink.byte(0).bytes(packet));
    let lost = packets()
        .iter()
        .step_by(2)
        .fold(Ink::default(), |ink, packet| ink.byte(1).bytes(packet).byte(0).bytes(packet).byte(2).bytes(&[]));
    vec![all.dry(), lost.dry(), Ink::default().byte(0).bytes(&[(16 << 3) | 3, 48]).byte(0).bytes(&[1, 0]).dry()]
}
