//! What LiveKit's JavaScript client encrypts is opened, and what is encrypted here is byte for byte the same.

use super::{Frame, Hex, frame_key, opener_with, secs, vectors};
use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes128Gcm, KeyInit as _};
use livekit_protocol::EncryptedPacket;
use model::round::KeyTrust;
use rounds_proto::frame::{Codec, NoCodec, OpenError, Opened, Opener, OwnKeys};

/// The frames that one cryptor of the other client wrote, one after another.
fn runs() -> Vec<&'static [Frame]> {
    let same = |one: &Frame, other: &Frame| (&one.key, &one.codec) == (&other.key, &other.codec);
    vectors().frames.chunk_by(same).collect()
}

#[test]
fn keys_are_derived_as_the_other_client_derives_them() {
    for one in &vectors().derive {
        let first = one.material();
        let (second, third) = (first.ratcheted(), first.ratcheted().ratcheted());
        for (material, Hex(expected), ratchets) in
            [(first, &one.aes128, 0), (second, &one.ratchet1_aes128, 1), (third, &one.ratchet2_aes128, 2)]
        {
            assert_eq!(material.frame_key().reveal().as_slice(), expected, "{}, {ratchets} ratchets", one.name);
        }
    }
}

#[test]
fn frames_of_the_other_client_open() {
    let mut opened = 0;
    for run in runs() {
        // Their timestamps go around the end of 32 bits.
        let mut opener = run[0].opener();
        for frame in run {
            let got = opener.open(secs(0), frame.codec(), &[], &frame.encrypted.0);
            assert_eq!(got, Ok(Opened::Frame(frame.opened().to_vec())), "{} {}", frame.codec, frame.rtp_timestamp);
            opened += 1;
        }
    }
    assert_eq!(opened, 48, "all that were recorded");
}

#[test]
fn frames_are_encrypted_to_the_same_bytes_as_by_the_other_client() {
    for run in runs() {
        let first = &run[0];
        let mut keys = OwnKeys::new();
        keys.set_shared(secs(0), first.key_index, frame_key(&first.key)).expect("the first");
        // Where its counter began was random, and is told by the first IV.
        let mut sealer = keys.sealer(first.ssrc, first.codec(), count_of(first)).expect("the first");
        for frame in run {
            let sealed = sealer.seal(&mut keys, secs(0), &frame.plain.0, frame.rtp_timestamp);
            assert!(sealed.as_ref() == Ok(&frame.encrypted.0), "{} {}", frame.codec, frame.rtp_timestamp);
        }
    }
}

/// `timestamp - (count mod 0xFFFF)` are the last four bytes of the IV, before the trailer's two.
fn count_of(frame: &Frame) -> u16 {
    let mut bytes = frame.encrypted.0.clone();
    if frame.codec() == Codec::H264 {
        // ITU-T H.264 §7.4.1, from the front, so that each zero counts once.
        let mut at = 0;
        while let Some(found) = bytes[at..].windows(3).position(|three| three == [0, 0, 3]) {
            bytes.remove(at + found + 2);
            at += found + 2;
        }
    }
    let (_, trailer) = bytes.split_last_chunk::<6>().expect("longer");
    let last = u32::from_be_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
    u16::try_from(frame.rtp_timestamp.wrapping_sub(last)).expect("a count is below 0xFFFF")
}

#[test]
fn data_packets_of_the_other_client_open_once() {
    for data in &vectors().data {
        // client-sdk-js leaves `encryption_type` out.
        let packet = EncryptedPacket {
            encryption_type: 0,
            iv: data.iv.0.clone(),
            key_index: data.key_index.into(),
            encrypted_value: data.encrypted_value.0.clone(),
        };
        let mut opener = opener_with(&data.key, data.key_index);
        assert_eq!(opener.open_data(secs(0), &packet).as_ref(), Ok(&data.plain.0), "{}", data.key);
        assert_eq!(opener.open_data(secs(0), &packet), Err(OpenError::Repeated), "{}", data.key);
    }
}

#[test]
fn data_packets_are_encrypted_to_the_same_bytes_as_by_the_other_client() {
    for data in &vectors().data {
        let word =
            |at: usize| u32::from_be_bytes(data.iv.0[at..at + 4].try_into().expect("an IV has three words of 4 bytes"));
        let (source, millis, last) = (word(0), word(4), word(8));
        let count = u16::try_from(millis.wrapping_sub(last)).expect("a count is below 0xFFFF");
        let mut keys = OwnKeys::new();
        keys.set_shared(secs(0), data.key_index, frame_key(&data.key)).expect("the first");
        let mut sealer = keys.data_sealer(source, count).expect("the first");
        let packet = sealer.seal(&mut keys, secs(0), &data.plain.0, millis).expect("small enough");
        assert_eq!((&packet.iv, packet.key_index), (&data.iv.0, data.key_index.into()), "{}", data.key);
        assert_eq!(packet.encrypted_value, data.encrypted_value.0, "{}", data.key);
    }
}

#[test]
fn a_key_that_was_ratcheted_without_a_word_is_followed() {
    let one = &vectors().derive[0];
    let super::Input::Hex(Hex(secret)) = &one.input else { panic!("the first key comes from bytes") };
    let mut opener = Opener::new(secs(0));
    opener.set_key(secs(0), &super::media_key(5, secret), KeyTrust::OwnerSigned);
    // The second ratchet's key is the other client's, and so the frame is written without any code of ours.
    let iv = [0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 9];
    let cipher = Aes128Gcm::new(one.ratchet2_aes128.0.as_slice().into());
    let body = cipher.encrypt(&iv.into(), Payload { msg: b"sound", aad: b"\x78" }).expect("small enough");
    let frame = [b"\x78".as_slice(), &body, &iv, &[12, 5]].concat();
    let got = opener.open(secs(0), Codec::Opus, &[], &frame);
    assert_eq!(got, Ok(Opened::Frame(b"\x78sound".to_vec())), "two steps on");
}

#[test]
fn silence_is_empty_on_both_sides() {
    let mut keys = OwnKeys::new();
    keys.set_shared(secs(0), 0, frame_key("hkdf16")).expect("the first");
    let mut sealer = keys.sealer(1, Codec::Opus, 0).expect("the first");
    assert_eq!(sealer.seal(&mut keys, secs(0), &[], 0), Ok(Vec::new()), "client-sdk-js passes empty frames on");
    assert_eq!(opener_with("hkdf16", 0).open(secs(0), Codec::Opus, &[], &[]), Ok(Opened::Empty), "likewise");
}

#[test]
fn nothing_of_vp9_stays_readable_and_av1_is_refused() {
    let mut keys = OwnKeys::new();
    keys.set_shared(secs(0), 0, frame_key("hkdf16")).expect("the first");
    let mut sealer = keys.sealer(1, Codec::Vp9, 0).expect("the first");
    let sealed = sealer.seal(&mut keys, secs(0), b"picture", 0).expect("a frame");
    // client-sdk-js `FrameCryptor.ts`, `getUnencryptedBytes`.
    assert_eq!(sealed.len(), 7 + 16 + 12 + 2, "no byte is doubled");
    assert!(!sealed.starts_with(b"p"), "nor in clear");
    let got = opener_with("hkdf16", 0).open(secs(0), Codec::Vp9, &[], &sealed);
    assert_eq!(got, Ok(Opened::Frame(b"picture".to_vec())), "it comes back");
    assert_eq!(Codec::of_media_type("video/AV1"), Err(NoCodec::Av1), "as client-sdk-js does");
    assert_eq!(Codec::of_media_type("video/H264"), Ok(Codec::H264), "written as in SDP");
    assert_eq!(Codec::of_media_type("audio/red"), Err(NoCodec::Unknown), "encrypted rounds have no RED");
}
