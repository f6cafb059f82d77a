//! Whatever a server sends, the answer is a verdict.

use super::{Random, frame_key, nth_key, opener_with, secs, trusted, vectors};
use livekit_protocol::EncryptedPacket;
use rounds_proto::frame::{
    BadFrame, Codec, LARGEST_DATA, LARGEST_FRAME, OpenError, Opened, Opener, OwnKeys, SealError, State,
};

const CODECS: [Codec; 4] = [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264];

#[test]
fn short_frames_are_refused() {
    let mut random = Random(1);
    let mut opener = trusted(&nth_key(0));
    for codec in CODECS {
        for length in 1..=40 {
            for frame in [vec![0; length], vec![0xff; length], random.bytes(length)] {
                let got = opener.open(secs(0), codec, &[], &frame);
                assert!(got.is_err(), "{codec:?} {frame:02x?}: {got:?}");
            }
        }
    }
}

#[test]
fn random_bytes_are_refused() {
    let mut random = Random(2);
    let mut opener = trusted(&nth_key(0));
    for round in 0..2000 {
        let length = 1 + random.below(300);
        let mut frame = random.bytes(length);
        // Half of them look right at the end, and a third of them at the start.
        if round % 2 == 0 {
            frame.extend_from_slice(&[12, 0]);
        }
        if round % 3 == 0 {
            frame.splice(..0, [0, 0, 0, 1, 0x65, 0x88]);
        }
        for codec in CODECS {
            let got = opener.open(secs(0), codec, &[], &frame);
            assert!(got.is_err(), "{codec:?} {frame:02x?}: {got:?}");
        }
    }
}

#[test]
fn a_changed_header_is_refused() {
    for frame in &vectors().frames {
        let clear = match frame.codec() {
            Codec::Opus => 1,
            Codec::Vp8 if frame.plain.0[0] & 1 == 0 => 10,
            Codec::Vp8 => 3,
            // Enough to change each byte of a delta frame's, and parameter sets of a key frame's.
            Codec::H264 => 6,
            Codec::Vp9 => 0,
        };
        let mut opener = frame.opener();
        for bit in 0..clear * 8 {
            let mut changed = frame.encrypted.0.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let got = opener.open(secs(0), frame.codec(), &[], &changed);
            assert!(got.is_err(), "{} bit {bit}: {got:?}", frame.codec);
        }
        let got = opener.open(secs(0), frame.codec(), &[], &frame.encrypted.0);
        assert_eq!(got, Ok(Opened::Frame(frame.opened().to_vec())), "{} itself", frame.codec);
    }
}

#[test]
fn a_frame_that_names_another_key_is_not_opened() {
    let frame = &vectors().frames[0];
    let mut changed = frame.encrypted.0.clone();
    *changed.last_mut().expect("there is a trailer") = 9;
    let got = frame.opener().open(secs(0), frame.codec(), &[], &changed);
    assert_eq!(got, Err(OpenError::NoKey { index: 9 }), "there is one at 0 only");
    let mut clear = frame.encrypted.0.clone();
    let mark = clear.len() - 2;
    clear[mark] = 13;
    let got = frame.opener().open(secs(0), frame.codec(), &[], &clear);
    assert_eq!(got, Err(OpenError::NotEncrypted), "an IV has 12 bytes");
}

#[test]
fn no_change_of_a_frame_makes_another_frame() {
    let mut random = Random(3);
    for frame in &vectors().frames {
        let mut opener = frame.opener();
        for _ in 0..60 {
            let changed = mutated(&mut random, &frame.encrypted.0);
            match opener.open(secs(0), frame.codec(), &[], &changed) {
                // An escape that changes nothing may come or go.
                Ok(Opened::Frame(plain)) => assert!(plain == frame.opened(), "{}: {changed:02x?}", frame.codec),
                Ok(Opened::Empty) => assert!(changed.is_empty(), "{}: {changed:02x?}", frame.codec),
                Ok(Opened::Injected) => panic!("there is no trailer to know them by"),
                Err(_) => {}
            }
        }
    }
}

#[test]
fn no_change_of_a_data_packet_makes_another_packet() {
    let mut random = Random(4);
    for data in &vectors().data {
        let mut opener = opener_with(&data.key, data.key_index);
        for _ in 0..300 {
            let packet = EncryptedPacket {
                encryption_type: 1,
                iv: if random.below(3) == 0 { mutated(&mut random, &data.iv.0) } else { data.iv.0.clone() },
                key_index: if random.below(9) == 0 { 256 + u32::from(random.byte()) } else { data.key_index.into() },
                encrypted_value: mutated(&mut random, &data.encrypted_value.0),
            };
            if let Ok(plain) = opener.open_data(secs(0), &packet) {
                assert_eq!(plain, data.plain.0, "{packet:?}");
            }
        }
    }
}

/// One to three changes: a bit, a byte, an end cut off, bytes added, bytes taken out, bytes doubled.
fn mutated(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        let end = (at + 1 + random.below(20)).min(bytes.len());
        match random.below(6) {
            _ if bytes.is_empty() => bytes.push(random.byte()),
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.byte(),
            2 => bytes.truncate(at),
            3 => {
                let more = random.below(20);
                bytes.splice(at..at, random.bytes(more));
            }
            4 => drop(bytes.drain(at..end)),
            _ => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    bytes
}

#[test]
fn what_is_too_large_is_refused_on_both_sides() {
    let mut keys = OwnKeys::new();
    keys.set_shared(secs(0), 0, frame_key("hkdf16")).expect("the first");
    let mut sealer = keys.sealer(1, Codec::Opus, 0).expect("the first");
    let largest = vec![0x78; LARGEST_FRAME - 30];
    let sealed = sealer.seal(&mut keys, secs(0), &largest, 0).expect("30 bytes are added");
    let mut opener = opener_with("hkdf16", 0);
    assert!(opener.open(secs(0), Codec::Opus, &[], &sealed) == Ok(Opened::Frame(largest)), "the limit is allowed");
    let more = vec![0x78; LARGEST_FRAME + 1];
    let large = BadFrame::Large { bytes: LARGEST_FRAME + 1 };
    assert_eq!(opener.open(secs(0), Codec::Opus, &[], &more), Err(OpenError::Frame(large)), "one byte more");
    assert_eq!(sealer.seal(&mut keys, secs(0), &more[30..], 1), Err(SealError::Frame(large)), "with the trailer");

    let mut sealer = keys.data_sealer(2, 0).expect("the first");
    let large = BadFrame::Large { bytes: LARGEST_DATA + 1 };
    let got = sealer.seal(&mut keys, secs(0), &vec![0; LARGEST_DATA - 15], 0);
    assert_eq!(got, Err(SealError::Frame(large)), "with the tag");
    let mut packet = sealer.seal(&mut keys, secs(0), &vec![0; LARGEST_DATA - 16], 0).expect("the limit");
    assert!(opener.open_data(secs(0), &packet).is_ok(), "the limit is allowed");
    packet.encrypted_value.push(0);
    assert_eq!(opener.open_data(secs(0), &packet), Err(OpenError::Frame(large)), "one byte more");
}

#[test]
fn parameter_sets_may_be_longer_than_a_byte_can_count() {
    // Old revisions of libwebrtc kept the length of the readable start in 8 bits.
    for length in [100, 253, 254, 300, 70_000] {
        let sps = [&[0, 0, 0, 1, 0x67][..], &vec![0x55; length]].concat();
        let frame = [&sps[..], &[0, 0, 0, 1, 0x65, 0x88, 1, 2, 3, 0, 0, 1, 0x41, 9]].concat();
        let mut keys = OwnKeys::new();
        keys.set_shared(secs(0), 0, frame_key("hkdf16")).expect("the first");
        let mut sealer = keys.sealer(1, Codec::H264, 0).expect("the first");
        let sealed = sealer.seal(&mut keys, secs(0), &frame, 0).expect("a frame");
        assert!(sealed.starts_with(&[&sps[..], &[0, 0, 0, 1, 0x65, 0x88]].concat()), "{length}: readable to the slice");
        let after = &sealed[sps.len() + 6..];
        assert!(!after.windows(3).any(|three| three == [0, 0, 1]), "{length}: the second slice is hidden");
        let got = opener_with("hkdf16", 0).open(secs(0), Codec::H264, &[], &sealed);
        assert!(got == Ok(Opened::Frame(frame)), "{length}: it comes back");
    }
}

#[test]
fn what_is_no_frame_is_not_encrypted() {
    let mut keys = OwnKeys::new();
    let mut sealer = keys.sealer(1, Codec::H264, 0).expect("the first");
    assert_eq!(sealer.seal(&mut keys, secs(0), &[1], 0), Err(SealError::NoKey), "first of all there is no key");
    keys.set_shared(secs(0), 0, frame_key("hkdf16")).expect("the first");
    let got = sealer.seal(&mut keys, secs(0), &[0, 0, 0, 1, 0x67, 1, 2], 0);
    assert_eq!(got, Err(SealError::Frame(BadFrame::NoSlice)), "parameter sets alone");
    let mut sealer = keys.sealer(2, Codec::Vp8, 0).expect("another source");
    for frame in [&[0x50, 1, 2, 3, 4, 5, 6, 7, 8][..], &[0x51, 2]] {
        let got = sealer.seal(&mut keys, secs(0), frame, 0);
        assert_eq!(got, Err(SealError::Frame(BadFrame::Short)), "RFC 6386 §9.1 has 10 and 3 bytes: {frame:?}");
    }
}

#[test]
fn frames_in_clear_are_dropped_and_end_in_failure() {
    let mut opener: Opener = trusted(&nth_key(0));
    let clear = &vectors().frames[0].plain.0;
    for frames in 1..=11 {
        assert_eq!(opener.open(secs(0), Codec::Vp8, &[], clear), Err(OpenError::NotEncrypted), "frame {frames}");
    }
    assert_eq!(opener.state(), State::Failed, "somebody sends in clear");
}
