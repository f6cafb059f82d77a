//! What was sent once is not heard twice, and no IV leaves twice.

use super::{Input, Peer, media_key, member, nth_key, secs, trusted, vectors};
use livekit_protocol::EncryptedPacket;
use model::round::KeyTrust;
use rounds_proto::frame::{
    Codec, Material, Members, OpenError, Opened, Opener, OwnKeys, REMEMBERED, SealError, Sealer, SourceTaken,
    UnsignedDevices,
};
use std::collections::BTreeSet;

/// A frame of `codec` that its header lets pass.
const PICTURE: &[u8] = &[0x51, 2, 0, 6, 16, 144, 0, 24, 7];

/// Somebody with `sources` streams of the same codec.
struct Sender {
    keys: OwnKeys,
    sealers: Vec<Sealer>,
}

impl Sender {
    fn new(codec: Codec, sources: u32) -> Self {
        let mut keys = OwnKeys::new();
        keys.set(secs(0), &nth_key(1)).expect("the first");
        let sealers = (0..sources).map(|n| keys.sealer(n, codec, 0).expect("each is another")).collect();
        Self { keys, sealers }
    }

    fn sends(&mut self, source: usize, timestamp: u32) -> Vec<u8> {
        self.sealers[source].seal(&mut self.keys, secs(9), PICTURE, timestamp).expect("timestamps rise")
    }
}

fn opens(opener: &mut Opener, codec: Codec, frame: &[u8]) -> Result<(), OpenError> {
    opener.open(secs(0), codec, &[], frame).map(|opened| {
        assert_eq!(opened, Opened::Frame(PICTURE.to_vec()), "what was sent");
    })
}

#[test]
fn a_frame_opens_once() {
    for frame in &vectors().frames {
        let mut opener = frame.opener();
        assert!(opener.open(secs(0), frame.codec(), &[], &frame.encrypted.0).is_ok(), "{}", frame.codec);
        for _ in 0..3 {
            let got = opener.open(secs(0), frame.codec(), &[], &frame.encrypted.0);
            assert_eq!(got, Err(OpenError::Repeated), "{}", frame.codec);
        }
    }
}

#[test]
fn frames_may_come_in_another_order_within_five_seconds() {
    // RFC 7587 §4.1 and RFC 7741 §4.1 have 48,000 and 90,000 ticks in a second.
    for (codec, ticks) in [(Codec::Opus, 5 * 48_000), (Codec::Vp8, 5 * 90_000)] {
        for newest in [1_000_000, 0, 7, ticks, u32::MAX] {
            let mut sender = Sender::new(codec, 1);
            let mut sent = |behind: u32| sender.sends(0, newest.wrapping_sub(behind));
            let (late, in_time, newest_frame) = (sent(ticks + 1), sent(ticks), sent(0));
            let mut opener = trusted(&nth_key(1));
            assert_eq!(opens(&mut opener, codec, &newest_frame), Ok(()), "{codec:?} {newest}");
            assert_eq!(opens(&mut opener, codec, &late), Err(OpenError::Late), "{codec:?} {newest}: one tick too late");
            assert_eq!(opens(&mut opener, codec, &in_time), Ok(()), "{codec:?} {newest}: just in time");
        }
    }
}

#[test]
fn each_source_has_its_own_time() {
    let mut sender = Sender::new(Codec::Vp8, 2);
    let mut opener = trusted(&nth_key(1));
    let (first, other) = (sender.sends(0, 90_000_000), sender.sends(1, 5));
    assert_eq!(opens(&mut opener, Codec::Vp8, &first), Ok(()), "16 minutes ahead");
    assert_eq!(opens(&mut opener, Codec::Vp8, &other), Ok(()), "another stream");
}

#[test]
fn a_forged_frame_leaves_no_trace() {
    let mut sender = Sender::new(Codec::Vp8, 1);
    let (first, second) = (sender.sends(0, 1000), sender.sends(0, 2000));
    let mut opener = trusted(&nth_key(1));
    // The second frame's own IV, and one far ahead of it, with a tag that is neither's.
    let iv = second.len() - 14;
    let mut ahead = second.clone();
    ahead[iv + 4] = 0x70;
    let mut broken = second.clone();
    broken[iv - 1] ^= 1;
    for forged in [&ahead, &broken] {
        assert_eq!(opens(&mut opener, Codec::Vp8, forged), Err(OpenError::WrongKey), "forged");
    }
    assert_eq!(opens(&mut opener, Codec::Vp8, &second), Ok(()), "it is no repetition");
    assert_eq!(opens(&mut opener, Codec::Vp8, &first), Ok(()), "nor late");
}

#[test]
fn what_is_forgotten_is_refused() {
    // A microphone is muted, and the camera goes on until the sound's IV is no longer remembered.
    let mut sender = Sender::new(Codec::Vp8, 2);
    let mut opener = trusted(&nth_key(1));
    let muted = sender.sends(0, 500);
    assert_eq!(opens(&mut opener, Codec::Vp8, &muted), Ok(()), "the last before it is muted");
    for n in 0..REMEMBERED {
        assert_eq!(opens(&mut opener, Codec::Vp8, &muted), Err(OpenError::Repeated), "remembered while there is room");
        let frame = sender.sends(1, u32::try_from(n).expect("few"));
        assert_eq!(opens(&mut opener, Codec::Vp8, &frame), Ok(()), "frame {n}");
    }
    assert_eq!(opens(&mut opener, Codec::Vp8, &muted), Err(OpenError::Late), "4,096 others came");
    assert_eq!(opens(&mut opener, Codec::Vp8, &sender.sends(0, 501)), Ok(()), "heard again");
}

#[test]
fn forgotten_data_packets_are_refused() {
    let mut keys = OwnKeys::new();
    keys.set(secs(0), &nth_key(1)).expect("the first");
    let mut sealer = keys.data_sealer(1, 0).expect("the first");
    let mut packet = |millis| sealer.seal(&mut keys, secs(0), b"point", millis).expect("small");
    let mut opener = trusted(&nth_key(1));
    let (held_back, first) = (packet(0), packet(1));
    for n in 0..=4096 {
        let packet = if n == 0 { first.clone() } else { packet(1 + n) };
        assert_eq!(opener.open_data(secs(0), &packet), Ok(b"point".to_vec()), "packet {n}");
    }
    assert_eq!(opener.open_data(secs(0), &first), Err(OpenError::Late), "4,096 others came");
    assert_eq!(opener.open_data(secs(0), &held_back), Err(OpenError::Late), "what was held back is older");
}

#[test]
fn a_key_that_comes_again_forgets_nothing() {
    let mut sender = Sender::new(Codec::Vp8, 1);
    let frame = sender.sends(0, 0);
    let mut opener = trusted(&nth_key(1));
    assert_eq!(opens(&mut opener, Codec::Vp8, &frame), Ok(()), "once");
    opener.set_key(secs(0), &nth_key(1), KeyTrust::OwnerSigned);
    assert_eq!(opens(&mut opener, Codec::Vp8, &frame), Err(OpenError::Repeated), "the same key");

    opener.set_key(secs(0), &media_key(2, nth_key(1).reveal()), KeyTrust::OwnerSigned);
    let mut elsewhere = frame.clone();
    *elsewhere.last_mut().expect("there is a trailer") = 2;
    assert_eq!(opens(&mut opener, Codec::Vp8, &elsewhere), Err(OpenError::Repeated), "the same key elsewhere");
    assert_eq!(opens(&mut opener, Codec::Vp8, &frame), Err(OpenError::NoKey { index: 1 }), "it is in one place only");
}

#[test]
fn what_was_held_back_is_late_under_an_older_key_too() {
    let mut peer = Peer::with(&nth_key(1));
    let (held_back, late) = (peer.says(secs(0), 480_000 - 240_001), peer.says(secs(0), 480_000 - 240_000));
    let ahead = peer.says(secs(0), 480_001);
    let mut opener = trusted(&nth_key(1));
    opener.set_key(secs(0), &nth_key(2), KeyTrust::OwnerSigned);
    let newer = Peer::with(&nth_key(2)).says(secs(0), 480_000);
    let mut open = |frame: &[u8]| opener.open(secs(0), Codec::Opus, &[], frame).map(|_| ());
    assert_eq!(open(&newer), Ok(()), "the newer key is in use");
    assert_eq!(open(&held_back), Err(OpenError::Late), "more than 5 s");
    assert_eq!(open(&late), Ok(()), "5 s");
    assert_eq!(open(&ahead), Err(OpenError::Late), "an older key is not used after a newer one");
}

#[test]
fn timestamps_do_not_go_around_twice() {
    let mut sender = Sender::new(Codec::Vp8, 1);
    let mut opener = trusted(&nth_key(1));
    let (first, held_back) = (sender.sends(0, 0), sender.sends(0, 1000));
    for frame in [first, sender.sends(0, 0x7000_0000), sender.sends(0, 0xe000_0000)] {
        assert_eq!(opens(&mut opener, Codec::Vp8, &frame), Ok(()), "each is less than half of 32 bits ahead");
    }
    // By its timestamp alone it is ahead of the newest, as if 13 hours had gone by.
    assert_eq!(opens(&mut opener, Codec::Vp8, &held_back), Err(OpenError::Late), "it is 12 hours old");
    let end = sender.sends(0, 0xffff_ffff);
    assert_eq!(opens(&mut opener, Codec::Vp8, &end), Ok(()), "the last timestamp under this key");
    let more = sender.sealers[0].seal(&mut sender.keys, secs(9), PICTURE, 0);
    assert_eq!(more, Err(SealError::KeySpent), "and an honest sender has no more");
    sender.keys.set(secs(9), &nth_key(2)).expect("another");
    assert!(sender.sealers[0].seal(&mut sender.keys, secs(10), PICTURE, 0).is_ok(), "a new key has all of them");
}

#[test]
fn a_new_key_may_come_after_any_silence() {
    let mut sender = Sender::new(Codec::Vp8, 1);
    let mut opener = trusted(&nth_key(1));
    let before = sender.sends(0, 1000);
    assert_eq!(opens(&mut opener, Codec::Vp8, &before), Ok(()), "then the camera is off for 10 hours");
    opener.set_key(secs(36_000), &nth_key(2), KeyTrust::OwnerSigned);
    let mut keys = OwnKeys::new();
    keys.set(secs(0), &nth_key(2)).expect("the first");
    let mut sealer = keys.sealer(0, Codec::Vp8, 1).expect("the first");
    let time = 1000 + 36_000 * 90_000;
    let mut sent = |timestamp| sealer.seal(&mut keys, secs(0), PICTURE, timestamp).expect("a frame");
    let (held_back, after) = (sent(time - 450_001), sent(time));
    assert_eq!(opens(&mut opener, Codec::Vp8, &after), Ok(()), "3,240,000,000 ticks, more than half of 32 bits");
    assert_eq!(opens(&mut opener, Codec::Vp8, &held_back), Err(OpenError::Late), "and time goes on from there");
}

#[test]
fn nobody_needs_more_sources_than_are_remembered() {
    let mut sender = Sender::new(Codec::Vp8, 4097);
    let mut opener = trusted(&nth_key(1));
    for source in 0..4096 {
        let frame = sender.sends(source, 0);
        assert_eq!(opens(&mut opener, Codec::Vp8, &frame), Ok(()), "source {source}");
    }
    let frame = sender.sends(4096, 0);
    assert_eq!(opens(&mut opener, Codec::Vp8, &frame), Err(OpenError::TooManySources), "one more");
    assert_eq!(opens(&mut opener, Codec::Vp8, &sender.sends(5, 1)), Ok(()), "known ones go on");
}

#[test]
fn sources_of_a_key_that_is_gone_are_forgotten() {
    for (index, now) in [(2, secs(10)), (1, secs(0))] {
        let mut sender = Sender::new(Codec::Vp8, 4096);
        let mut opener = trusted(&nth_key(1));
        for source in 0..4096 {
            let frame = sender.sends(source, 0);
            assert_eq!(opens(&mut opener, Codec::Vp8, &frame), Ok(()), "source {source}");
        }
        // After 10 s, or at once where the new key takes the old one's place.
        let key = media_key(index, nth_key(2).reveal());
        opener.set_key(secs(0), &key, KeyTrust::OwnerSigned);
        let mut keys = OwnKeys::new();
        keys.set(secs(0), &key).expect("the first");
        let mut sealer = keys.sealer(9999, Codec::Vp8, 0).expect("the first");
        let frame = sealer.seal(&mut keys, secs(0), PICTURE, 0).expect("a frame");
        let got = opener.open(now, Codec::Vp8, &[], &frame);
        assert_eq!(got, Ok(Opened::Frame(PICTURE.to_vec())), "there is room, at {now:?}");
    }
}

#[test]
fn timestamps_are_counted_from_the_first_one_however_frames_come() {
    let mut sender = Sender::new(Codec::Vp8, 1);
    let mut opener = trusted(&nth_key(1));
    let (first, held_back, newest) = (sender.sends(0, 0), sender.sends(0, 10), sender.sends(0, 450_000));
    let steps = [0x7000_0000, 0xe000_0000, 0xffff_ffff].map(|timestamp| sender.sends(0, timestamp));
    for frame in [newest, first].iter().chain(&steps) {
        assert_eq!(opens(&mut opener, Codec::Vp8, frame), Ok(()), "each is new");
    }
    assert_eq!(opens(&mut opener, Codec::Vp8, &held_back), Err(OpenError::Late), "it is 13 hours old");
}

#[test]
fn a_source_has_one_sealer_and_its_timestamps_rise() {
    let mut keys = OwnKeys::new();
    keys.set(secs(0), &nth_key(1)).expect("the first");
    let mut sealer = keys.sealer(1, Codec::Vp8, 0).expect("the first");
    assert_eq!(keys.sealer(1, Codec::Vp8, 9).err(), Some(SourceTaken), "its IVs would come again");
    assert_eq!(keys.data_sealer(1, 9).err(), Some(SourceTaken), "data packets have the same key");
    assert!(sealer.seal(&mut keys, secs(0), PICTURE, 10).is_ok(), "a frame");
    let got = sealer.seal(&mut keys, secs(0), PICTURE, 9);
    assert_eq!(got, Err(SealError::TimestampWentBack), "an IV of before might come again");
    let same: Vec<_> = (0..3).map(|_| sealer.seal(&mut keys, secs(0), PICTURE, 10)).collect();
    assert!(same.iter().all(Result::is_ok), "the same picture in parts has one timestamp");
    assert!(same[0] != same[1] && same[1] != same[2], "and IVs that differ");
}

#[test]
fn a_stay_that_a_server_ends_and_begins_again_is_not_played_again() {
    let (adler, everybody) = (member("adler"), BTreeSet::from([member("adler"), member("bieber")]));
    let heard = |members: &mut Members, now, who: &str, frame: &[u8]| {
        members.open(now, &member(who), Codec::Opus, frame).map(|_| ())
    };
    let mut shared = Members::with_shared_key(Material::from_key(&nth_key(1)).frame_key());
    let mut of_each = Members::with_keys_of_each(UnsignedDevices::Ask);
    of_each.set_key(secs(0), &adler, &nth_key(1), KeyTrust::OwnerSigned);
    for (what, members) in [("shared", &mut shared), ("of each", &mut of_each)] {
        let index = if what == "shared" { 0 } else { 1 };
        let mut peer = Peer::with(&media_key(index, nth_key(1).reveal()));
        members.set_members(secs(0), &BTreeSet::from([adler.clone()]));
        let (early, held_back, frame) = (peer.says(secs(0), 0), peer.says(secs(0), 1), peer.says(secs(0), 2));
        assert_eq!(heard(members, secs(0), "adler", &early), Ok(()), "{what}: once");
        assert_eq!(heard(members, secs(0), "adler", &frame), Ok(()), "{what}: once");
        members.set_members(secs(1), &BTreeSet::new());
        members.set_members(secs(60), &everybody);
        members.set_key(secs(60), &adler, &nth_key(1), KeyTrust::OwnerSigned);
        for again in [&early, &frame] {
            assert!(heard(members, secs(60), "adler", again).is_err(), "{what}: it was heard a minute ago");
            assert!(heard(members, secs(60), "bieber", again).is_err(), "{what}: nor is it another's");
        }
        let held_back = heard(members, secs(60), "adler", &held_back);
        let expected = if what == "shared" { Ok(()) } else { Err(OpenError::Late) };
        assert_eq!(held_back, expected, "{what}: only how far a key of one person was used is kept");
        assert_eq!(heard(members, secs(60), "adler", &peer.says(secs(0), 3)), Ok(()), "{what}: and the person goes on");
    }
}

#[test]
fn a_data_packet_of_an_earlier_stay_is_refused() {
    let adler = member("adler");
    let mut members = Members::with_keys_of_each(UnsignedDevices::Ask);
    members.set_members(secs(0), &BTreeSet::from([adler.clone()]));
    members.set_key(secs(0), &adler, &nth_key(1), KeyTrust::OwnerSigned);
    let mut keys = OwnKeys::new();
    keys.set(secs(0), &nth_key(1)).expect("the first");
    let mut sealer = keys.data_sealer(1, 0).expect("the first");
    let mut packet = |millis| sealer.seal(&mut keys, secs(0), b"point", millis).expect("small");
    let (first, second) = (packet(5), packet(6));
    assert!(members.open_data(secs(0), &adler, &first).is_ok(), "once");
    members.forget(&adler);
    members.set_members(secs(0), &BTreeSet::from([adler.clone()]));
    members.set_key(secs(0), &adler, &nth_key(1), KeyTrust::OwnerSigned);
    assert_eq!(members.open_data(secs(0), &adler, &first), Err(OpenError::Late), "it was there before");
    assert!(members.open_data(secs(0), &adler, &second).is_ok(), "later ones were not");
}

#[test]
fn a_key_that_was_wiped_is_not_taken_again() {
    let mut opener = trusted(&nth_key(1));
    let (mut old, mut new) = (Peer::with(&nth_key(1)), Peer::with(&nth_key(2)));
    let open = |opener: &mut Opener, now, frame: &[u8]| opener.open(now, Codec::Opus, &[], frame).map(|_| ());
    let first = old.says(secs(0), 0);
    assert_eq!(open(&mut opener, secs(0), &first), Ok(()), "heard");
    opener.set_key(secs(0), &nth_key(2), KeyTrust::OwnerSigned);
    assert_eq!(open(&mut opener, secs(0), &new.says(secs(0), 1)), Ok(()), "the newer key is in use");
    for (now, index) in [(secs(5), 1), (secs(5), 2), (secs(12), 1), (secs(12), 2), (secs(12), 3)] {
        let again = media_key(index, nth_key(1).reveal());
        opener.set_key(now, &again, KeyTrust::OwnerSigned);
        let mut elsewhere = first.clone();
        *elsewhere.last_mut().expect("there is a trailer") = index;
        assert!(open(&mut opener, now, &elsewhere).is_err(), "at {index}: it was heard before");
    }
    assert_eq!(open(&mut opener, secs(60), &new.says(secs(0), 2)), Ok(()), "the key in use did not end");
    assert_eq!(opener.deadline(), None, "nor does it");
}

#[test]
fn a_picture_does_not_come_again_as_a_data_packet_nor_the_other_way_round() {
    // Of a VP9 frame nothing is readable, and of a data packet neither.
    let mut keys = OwnKeys::new();
    keys.set(secs(0), &nth_key(1)).expect("the first");
    let mut pictures = keys.sealer(1, Codec::Vp9, 0).expect("the first");
    let mut packets = keys.data_sealer(2, 0).expect("another");
    let picture = pictures.seal(&mut keys, secs(0), PICTURE, 9).expect("a frame");
    let packet = packets.seal(&mut keys, secs(0), PICTURE, 9).expect("small");
    let (rest, trailer) = picture.split_at(picture.len() - 14);
    let as_packet = EncryptedPacket { iv: trailer[..12].to_vec(), encrypted_value: rest.to_vec(), ..packet.clone() };
    let as_picture = [&packet.encrypted_value[..], &packet.iv, &[12, 1]].concat();
    let mut opener = trusted(&nth_key(1));
    assert_eq!(opens(&mut opener, Codec::Vp9, &picture), Ok(()), "the picture");
    assert_eq!(opener.open_data(secs(0), &packet), Ok(PICTURE.to_vec()), "the packet");
    assert_eq!(opener.open_data(secs(0), &as_packet), Err(OpenError::Repeated), "the picture as a packet");
    assert_eq!(opens(&mut opener, Codec::Vp9, &as_picture), Err(OpenError::Repeated), "the packet as a picture");
}

#[test]
fn a_key_that_another_was_ratcheted_to_is_known() {
    let ratchet = vectors().derive.iter().find(|one| one.name == "hkdf16").expect("one of 16 bytes");
    let material = ratchet.material();
    let (given, ratcheted) = (material.frame_key(), material.ratcheted().frame_key());
    let Input::Hex(secret) = &ratchet.input else { panic!("it is bytes") };
    let mut keys = OwnKeys::new();
    keys.set_shared(secs(0), 1, ratcheted.clone()).expect("the first");
    let frame =
        keys.sealer(7, Codec::Vp8, 0).expect("the first").seal(&mut keys, secs(0), PICTURE, 0).expect("a frame");
    let elsewhere = [&frame[..frame.len() - 1], &[2]].concat();
    // The ratcheted key comes after the key was ratcheted to it, or before.
    let mut opener = trusted(&media_key(1, &secret.0));
    assert_eq!(opens(&mut opener, Codec::Vp8, &frame), Ok(()), "ratcheted once");
    opener.set_shared(secs(0), 2, ratcheted.clone());
    assert_eq!(opens(&mut opener, Codec::Vp8, &elsewhere), Err(OpenError::Repeated), "it moved with its memory");
    opener.set_shared(secs(0), 3, given);
    assert!(
        opens(&mut opener, Codec::Vp8, &[&frame[..frame.len() - 1], &[3]].concat()).is_err(),
        "and with what it was"
    );
    let mut opener = trusted(&media_key(1, &secret.0));
    opener.set_shared(secs(0), 2, ratcheted);
    assert_eq!(opens(&mut opener, Codec::Vp8, &elsewhere), Ok(()), "it has a place of its own");
    assert_eq!(opens(&mut opener, Codec::Vp8, &frame), Err(OpenError::WrongKey), "the other does not become it");
}
