//! What was sent once is not heard twice, and no IV leaves twice.

use super::{Peer, media_key, nth_key, secs, trusted, vectors};
use model::round::KeyTrust;
use rounds_proto::frame::{Codec, OpenError, Opened, Opener, OwnKeys, REMEMBERED, SealError, Sealer, SourceTaken};

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
