//! How people stand with their keys, and whom to ask.

use super::{Peer, frame_key, media_key, member, millis, nth_key, secs, trusted, vectors};
use livekit_protocol::EncryptedPacket;
use model::round::{KeyTrust, MemberId};
use rounds_proto::frame::{
    Codec, KeyUsed, Members, OpenError, Opened, Opener, OwnKeys, SealError, State, UnsignedDevices,
};
use std::collections::BTreeSet;

const SOUND: &[u8] = b"\x78sound";

fn list(names: &[&str]) -> BTreeSet<MemberId> {
    names.iter().map(|name| member(name)).collect()
}

fn members(names: &[&str]) -> Members {
    let mut members = Members::with_keys_of_each(UnsignedDevices::Ask);
    members.set_members(secs(0), &list(names));
    members
}

fn opens(members: &mut Members, who: &str, frame: &[u8]) -> Result<Opened, OpenError> {
    members.open(secs(0), &member(who), Codec::Opus, frame)
}

#[test]
fn whoever_is_no_member_is_neither_heard_nor_seen() {
    let mut members = members(&["adler"]);
    members.set_key(secs(0), &member("fremd"), &nth_key(1), KeyTrust::OwnerSigned);
    let mut stranger = Peer::with(&nth_key(1));
    for who in ["fremd", "niemand"] {
        assert_eq!(members.state(&member(who)), State::Unassigned, "{who}");
        let got = opens(&mut members, who, &stranger.says(secs(0), 0));
        assert_eq!(got, Err(OpenError::Unassigned), "{who}");
    }
    assert_eq!(members.states().count(), 1, "the member alone");
    assert_eq!(members.to_be_asked(secs(60)), [member("adler")], "nobody asks strangers");

    members.set_members(secs(61), &list(&["adler", "fremd"]));
    assert_eq!(members.state(&member("fremd")), State::Encrypted, "the key had come before the membership");
    let got = members.open(secs(61), &member("fremd"), Codec::Opus, &stranger.says(secs(0), 1));
    assert_eq!(got, Ok(Opened::Frame(SOUND.to_vec())), "heard");
}

#[test]
fn keys_of_people_who_never_come_do_not_fill_the_memory() {
    let mut members = members(&["adler"]);
    for n in 0..300 {
        members.set_key(secs(n), &member(&format!("fremd{n:03}")), &nth_key(1), KeyTrust::OwnerSigned);
    }
    let everybody: BTreeSet<MemberId> = (0..300).map(|n| member(&format!("fremd{n:03}"))).collect();
    members.set_members(secs(300), &everybody);
    let with_key = members.states().filter(|(_, state)| *state == State::Encrypted).count();
    assert_eq!(with_key, 256, "those that came last");
    assert_eq!(members.state(&member("fremd043")), State::KeyMissing, "the first ones went");
    assert_eq!(members.state(&member("fremd044")), State::Encrypted, "300 - 256 = 44");
}

#[test]
fn whoever_leaves_is_silent_at_once_and_forgotten_after_ten_seconds() {
    let adler = member("adler");
    for (back, expected) in [(millis(9_999), State::Encrypted), (secs(10), State::KeyMissing)] {
        let mut members = members(&["adler"]);
        let mut peer = Peer::with(&nth_key(1));
        members.set_key(secs(0), &adler, &nth_key(1), KeyTrust::OwnerSigned);
        let first = peer.says(secs(0), 0);
        assert!(opens(&mut members, "adler", &first).is_ok(), "a member");
        members.set_members(secs(0), &list(&[]));
        assert_eq!(members.state(&adler), State::Unassigned, "left");
        assert_eq!(opens(&mut members, "adler", &peer.says(secs(0), 1)), Err(OpenError::Unassigned), "left");
        assert_eq!(members.deadline(), Some(secs(10)), "then it is wiped");
        members.set_members(back, &list(&["adler"]));
        assert_eq!(members.state(&adler), expected, "back after {back:?}");
        if expected == State::Encrypted {
            let again = members.open(back, &adler, Codec::Opus, &first);
            assert_eq!(again, Err(OpenError::Repeated), "what was heard is remembered");
        }
    }
    let mut members = members(&["adler"]);
    members.set_key(secs(0), &adler, &nth_key(1), KeyTrust::OwnerSigned);
    members.forget(&adler);
    assert_eq!(members.state(&adler), State::Unassigned, "forgotten at once where that is asked for");
}

#[test]
fn a_missing_key_is_asked_for_after_2_and_5_and_15_and_45_seconds() {
    let mut members = Members::with_keys_of_each(UnsignedDevices::Ask);
    members.set_members(secs(100), &list(&["adler", "bieber"]));
    members.set_key(secs(100), &member("bieber"), &nth_key(0), KeyTrust::OwnerSigned);
    assert_eq!(members.state(&member("adler")), State::KeyMissing, "no key yet");
    for due in [2, 5, 15, 45] {
        let due = secs(100 + due);
        assert_eq!(members.deadline(), Some(due), "the next time");
        assert_eq!(members.to_be_asked(due - millis(1)), [], "not before {due:?}");
        assert_eq!(members.to_be_asked(due), [member("adler")], "at {due:?}");
        assert_eq!(members.to_be_asked(due), [], "once");
    }
    assert_eq!(members.deadline(), None, "no more");
    assert_eq!(members.to_be_asked(secs(100_000)), [], "no more");
}

#[test]
fn who_was_asleep_asks_once() {
    let mut members = members(&["adler"]);
    assert_eq!(members.to_be_asked(secs(20)), [member("adler")], "three times were due");
    assert_eq!(members.deadline(), Some(secs(45)), "the last");
}

#[test]
fn a_key_that_comes_ends_the_asking() {
    let mut members = members(&["adler"]);
    assert_eq!(members.to_be_asked(secs(2)), [member("adler")], "missing");
    members.set_key(secs(3), &member("adler"), &nth_key(0), KeyTrust::OwnerSigned);
    assert_eq!((members.deadline(), members.to_be_asked(secs(60))), (None, vec![]), "there");
}

#[test]
fn nobody_asks_for_the_key_of_somebody_who_left() {
    let mut members = members(&["adler"]);
    members.set_members(secs(1), &list(&[]));
    assert_eq!(members.deadline(), Some(secs(11)), "only to be forgotten");
    assert_eq!((members.to_be_asked(secs(6)), members.deadline()), (vec![], Some(secs(11))), "nobody");
    members.set_members(secs(7), &list(&["adler"]));
    assert_eq!(members.deadline(), Some(secs(9)), "back without a key: 2 s from here");
}

#[test]
fn a_data_packet_without_its_key_asks_and_is_no_failure() {
    let adler = member("adler");
    let mut members = members(&["adler"]);
    members.set_key(secs(0), &adler, &nth_key(1), KeyTrust::OwnerSigned);
    let mut keys = OwnKeys::new();
    keys.set(secs(0), &nth_key(2)).expect("the first");
    let mut sealer = keys.data_sealer(1, 0).expect("the first");
    for n in 0..20 {
        let packet = sealer.seal(&mut keys, secs(0), b"point", n).expect("small");
        let got = members.open_data(secs(10), &adler, &packet);
        assert_eq!(got, Err(OpenError::NoKey { index: 2 }), "packet {n}");
        let got = members.open_data(secs(10), &adler, &EncryptedPacket { key_index: 1, ..packet.clone() });
        assert_eq!(got, Err(OpenError::WrongKey), "packet {n}");
        let got = members.open_data(secs(10), &member("fremd"), &packet);
        assert_eq!(got, Err(OpenError::Unassigned), "packet {n}");
    }
    assert_eq!((members.state(&adler), members.deadline()), (State::Encrypted, Some(secs(12))), "asked for");
}

#[test]
fn a_new_key_that_did_not_come_is_asked_for() {
    let mut opener = trusted(&nth_key(4));
    let (mut old, mut new) = (Peer::with(&nth_key(4)), Peer::with(&nth_key(5)));
    for n in 1..=11 {
        assert_eq!(opener.state(), State::Encrypted, "{n}: for ten frames nobody is alarmed");
        let got = opener.open(secs(30), Codec::Opus, &[], &new.says(secs(0), n));
        assert_eq!(got, Err(OpenError::NoKey { index: 5 }), "{n}");
    }
    assert_eq!((opener.state(), opener.deadline()), (State::KeyMissing, Some(secs(32))), "2 s after the first of them");
    assert!(opener.is_to_be_asked(secs(32)), "due");
    // The index of a key is not authenticated: a frame that opens shows that nothing is missing.
    assert!(opener.open(secs(33), Codec::Opus, &[], &old.says(secs(0), 0)).is_ok(), "the old key is in use");
    assert_eq!((opener.state(), opener.deadline()), (State::Encrypted, None), "so nothing is missing");
}

#[test]
fn a_key_that_opens_nothing_has_failed_after_eleven_frames() {
    // client-sdk-js `ParticipantKeyHandler.ts`: more failures in a row than `failureTolerance`, which is 10.
    let mut opener = Opener::new(secs(0));
    opener.set_key(secs(0), &media_key(1, &[9; 16]), KeyTrust::OwnerSigned);
    let mut peer = Peer::with(&nth_key(1));
    for n in 0..11 {
        assert_eq!((opener.state(), opener.deadline()), (State::Encrypted, None), "after {n} frames");
        let got = opener.open(secs(7), Codec::Opus, &[], &peer.says(secs(0), n));
        assert_eq!(got, Err(OpenError::WrongKey), "frame {n}");
    }
    assert_eq!((opener.state(), opener.deadline()), (State::Failed, Some(secs(9))), "and the right one is asked for");
    opener.set_key(secs(8), &nth_key(1), KeyTrust::OwnerSigned);
    assert_eq!((opener.state(), opener.deadline()), (State::Encrypted, None), "it came");
    assert!(opener.open(secs(8), Codec::Opus, &[], &peer.says(secs(0), 11)).is_ok(), "it opens");
}

#[test]
fn a_failed_key_that_opens_a_frame_is_good_again() {
    let mut opener = trusted(&nth_key(1));
    let (mut right, mut wrong) = (Peer::with(&nth_key(1)), Peer::with(&media_key(1, &[9; 16])));
    for n in 0..20 {
        let got = opener.open(secs(0), Codec::Opus, &[], &wrong.says(secs(0), n));
        assert_eq!(got, Err(OpenError::WrongKey), "frame {n}");
    }
    assert_eq!(opener.state(), State::Failed, "20 in a row");
    assert!(opener.open(secs(0), Codec::Opus, &[], &right.says(secs(0), 0)).is_ok(), "its own frame");
    assert_eq!((opener.state(), opener.deadline()), (State::Encrypted, None), "good again");
    for n in 20..30 {
        let got = opener.open(secs(0), Codec::Opus, &[], &wrong.says(secs(0), n));
        assert_eq!(got, Err(OpenError::WrongKey), "frame {n}");
    }
    assert_eq!(opener.state(), State::Encrypted, "only frames in a row count");
}

#[test]
fn a_key_of_an_unsigned_device_waits_for_a_person() {
    let adler = member("adler");
    let mut members = members(&["adler"]);
    members.set_key(secs(0), &adler, &nth_key(1), KeyTrust::Unsigned);
    let mut peer = Peer::with(&nth_key(1));
    let frame = peer.says(secs(0), 0);
    for _ in 0..20 {
        assert_eq!(opens(&mut members, "adler", &frame), Err(OpenError::Unverified), "not heard");
        assert_eq!(members.state(&adler), State::Verifying, "and that is no failure");
    }
    assert_eq!(members.to_be_asked(secs(60)), [], "the key is there");
    members.allow_unsigned(&adler);
    assert_eq!(members.state(&adler), State::Encrypted, "a person decided");
    assert_eq!(opens(&mut members, "adler", &frame), Ok(Opened::Frame(SOUND.to_vec())), "heard");
}

#[test]
fn a_key_of_an_unsigned_device_is_used_once_its_owner_signed_it_or_where_policy_allows() {
    let adler = member("adler");
    let mut signed = members(&["adler"]);
    signed.set_key(secs(0), &adler, &nth_key(1), KeyTrust::Unsigned);
    signed.set_key(secs(1), &adler, &nth_key(1), KeyTrust::OwnerSigned);
    assert_eq!(signed.state(&adler), State::Encrypted, "signed since");
    signed.set_key(secs(1), &adler, &nth_key(1), KeyTrust::Unsigned);
    assert_eq!(signed.state(&adler), State::Verifying, "and the signature is gone");

    let mut allowed = Members::with_keys_of_each(UnsignedDevices::Allow);
    allowed.set_key(secs(0), &adler, &nth_key(1), KeyTrust::Unsigned);
    allowed.set_members(secs(0), &list(&["adler"]));
    assert_eq!(allowed.state(&adler), State::Encrypted, "policy allows it");
}

#[test]
fn an_own_key_is_used_one_second_after_it_was_handed_out() {
    let mut peer = Peer::with(&nth_key(1));
    assert_eq!(peer.keys.index(secs(0)), Some(1), "the first at once: nothing else could be sent");
    assert_eq!(peer.keys.set(secs(50), &nth_key(2)), Ok(()), "the second");
    assert_eq!(peer.keys.set(millis(50_400), &nth_key(3)), Ok(()), "and a third");
    for (at, index) in [(50_000, 1), (50_999, 1), (51_000, 2), (51_399, 2), (51_400, 3), (90_000, 3)] {
        assert_eq!(peer.keys.index(millis(at)), Some(index), "at {at} ms");
        let frame = peer.says(millis(at), u32::try_from(at).expect("small"));
        assert_eq!(frame.last(), Some(&index), "at {at} ms");
    }
}

#[test]
fn an_old_key_opens_frames_for_ten_seconds_after_a_newer_one_is_used() {
    let mut opener = trusted(&nth_key(1));
    let (mut old, mut new) = (Peer::with(&nth_key(1)), Peer::with(&nth_key(2)));
    opener.set_key(secs(50), &nth_key(2), KeyTrust::OwnerSigned);
    assert_eq!(opener.deadline(), None, "nobody uses the newer one yet");
    for (now, frame, expected) in [
        (secs(99), old.says(secs(0), 0), Ok(Opened::Frame(SOUND.to_vec()))),
        (secs(100), new.says(secs(0), 3), Ok(Opened::Frame(SOUND.to_vec()))),
        (millis(109_999), old.says(secs(0), 1), Ok(Opened::Frame(SOUND.to_vec()))),
        (secs(110), old.says(secs(0), 2), Err(OpenError::NoKey { index: 1 })),
        (secs(110), new.says(secs(0), 4), Ok(Opened::Frame(SOUND.to_vec()))),
    ] {
        assert_eq!(opener.open(now, Codec::Opus, &[], &frame), expected, "at {now:?}");
    }
    assert_eq!(opener.deadline(), None, "wiped");
}

#[test]
fn a_ring_has_256_places_and_begins_again() {
    let mut opener = trusted(&nth_key(0));
    for n in 1..=255 {
        opener.set_key(secs(0), &nth_key(n), KeyTrust::OwnerSigned);
    }
    for n in [0, 1, 128, 255] {
        let frame = Peer::with(&nth_key(n)).says(secs(0), 0);
        // Each key's frames name another one's IVs, which is no repetition.
        let mut opener = trusted(&nth_key(n));
        assert!(opener.open(secs(0), Codec::Opus, &[], &frame).is_ok(), "alone: {n}");
    }
    let last = Peer::with(&nth_key(255)).says(secs(0), 0);
    assert!(opener.open(secs(0), Codec::Opus, &[], &last).is_ok(), "the last of 256");
    opener.set_key(secs(1), &media_key(0, &[1; 32]), KeyTrust::OwnerSigned);
    let again = Peer::with(&media_key(0, &[1; 32])).says(secs(0), 1);
    assert!(opener.open(secs(1), Codec::Opus, &[], &again).is_ok(), "index 0 again, another key");
    let first = Peer::with(&nth_key(0)).says(secs(0), 2);
    assert_eq!(opener.open(secs(1), Codec::Opus, &[], &first), Err(OpenError::WrongKey), "the first one is gone");
}

#[test]
fn where_all_share_a_key_it_is_everybodys_at_index_0() {
    let mut members = Members::with_shared_key(frame_key("pbkdf2"));
    members.set_members(secs(0), &list(&["adler", "bieber"]));
    let frame = vectors().frames.iter().find(|frame| frame.key == "pbkdf2").expect("there are some");
    for (who, expected) in [("adler", Ok(Opened::Frame(frame.opened().to_vec()))), ("bieber", Err(OpenError::Repeated))]
    {
        assert_eq!(members.state(&member(who)), State::Encrypted, "{who}");
        let got = members.open(secs(0), &member(who), frame.codec(), &frame.encrypted.0);
        assert_eq!(got, expected, "{who}: once in the round");
    }
    members.set_key(secs(0), &member("adler"), &nth_key(0), KeyTrust::OwnerSigned);
    let mut other = Peer::with(&nth_key(0));
    for n in 0..20 {
        let got = opens(&mut members, "adler", &other.says(secs(0), n));
        assert_eq!(got, Err(OpenError::WrongKey), "there is no other key");
    }
    assert_eq!(members.state(&member("adler")), State::Failed, "another passphrase");
    assert_eq!((members.deadline(), members.to_be_asked(secs(60))), (None, vec![]), "and nobody to ask");
}

#[test]
fn what_the_server_made_is_recognized_before_all_else() {
    let trailer = [0xde, 0xad, 0xbe, 0xef];
    let mut members = members(&["adler"]);
    members.set_sif_trailer(&trailer);
    members.set_key(secs(0), &member("adler"), &nth_key(1), KeyTrust::OwnerSigned);
    // client-sdk-js `sifPayload.ts`: what LiveKit's server sends for whoever has left.
    let silence = [&[0xf8, 0xff, 0xfe][..], &[0; 77], &trailer].concat();
    for who in ["adler", "gone"] {
        for n in 0..20 {
            assert_eq!(opens(&mut members, who, &silence), Ok(Opened::Injected), "{who} {n}");
        }
    }
    assert_eq!(members.state(&member("adler")), State::Encrypted, "that is no failure");
    members.set_sif_trailer(&[]);
    assert_eq!(
        opens(&mut members, "adler", &silence),
        Err(OpenError::NotEncrypted),
        "without a trailer there are none"
    );
    let frame = Peer::with(&nth_key(1)).says(secs(0), 0);
    assert_eq!(opens(&mut members, "adler", &frame), Ok(Opened::Frame(SOUND.to_vec())), "nor is every frame one");
}

#[test]
fn an_own_key_is_never_used_twice() {
    let mut keys = OwnKeys::new();
    assert_eq!(keys.set(secs(0), &nth_key(1)), Ok(()), "the first");
    assert_eq!(keys.set(secs(5), &nth_key(1)), Ok(()), "again the same: nothing changes");
    assert_eq!(keys.set(secs(6), &nth_key(2)), Ok(()), "another");
    assert_eq!(keys.set(secs(9), &nth_key(1)), Err(KeyUsed), "the first one again");
    let moved = media_key(9, nth_key(2).reveal());
    assert_eq!(keys.set(secs(9), &moved), Err(KeyUsed), "nor at another index");
    assert_eq!(keys.index(secs(20)), Some(2), "the last good one holds");
    let mut none = OwnKeys::new();
    let mut sealer = none.sealer(1, Codec::Opus, 0).expect("the first");
    assert_eq!(sealer.seal(&mut none, secs(0), SOUND, 0), Err(SealError::NoKey), "there is none");
}

#[test]
fn nothing_prints_a_secret() {
    // 171 is the byte of each secret, and 4086b464 begins the key that HKDF makes of the vectors' first.
    let mut keys = OwnKeys::new();
    keys.set_shared(secs(0), 3, frame_key("hkdf16")).expect("the first");
    let mut opener = trusted(&media_key(7, &[171; 16]));
    opener.set_shared(secs(0), 3, frame_key("hkdf16"));
    let members = Members::with_shared_key(frame_key("hkdf16"));
    let material = &vectors().derive[0].material();
    let all = format!("{keys:?} {opener:?} {members:?} {material:?} {:?} {:?}", frame_key("hkdf16"), nth_key(1));
    for secret in ["171", "64, 134, 180, 100", "4086b4", "101, 101"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[test]
fn a_key_is_asked_for_each_minute_while_something_fails() {
    let mut members = members(&["adler"]);
    let mut unknown = Peer::with(&nth_key(5));
    assert_eq!(members.to_be_asked(secs(45)), [member("adler")], "the last of the four times");
    assert_eq!(members.deadline(), None, "nothing comes from them");
    let frame = unknown.says(secs(0), 0);
    assert_eq!(
        members.open(secs(50), &member("adler"), Codec::Opus, &frame),
        Err(OpenError::NoKey { index: 5 }),
        "a frame"
    );
    assert_eq!((members.deadline(), members.to_be_asked(secs(104))), (Some(secs(105)), vec![]), "60 s after 45 s");
    assert_eq!(members.to_be_asked(secs(105)), [member("adler")], "asked");
    assert_eq!((members.deadline(), members.to_be_asked(secs(300))), (None, vec![]), "and no frame since");
    let mut keys = OwnKeys::new();
    keys.set(secs(0), &nth_key(6)).expect("the first");
    let packet = keys.data_sealer(1, 0).expect("the first").seal(&mut keys, secs(0), b"point", 0).expect("small");
    let got = members.open_data(secs(400), &member("adler"), &packet);
    assert_eq!(got, Err(OpenError::NoKey { index: 6 }), "a packet counts, too");
    assert_eq!(members.to_be_asked(secs(400)), [member("adler")], "a minute is long over");
}

#[test]
fn more_than_ten_packets_that_a_key_does_not_open_ask_for_another() {
    let mut opener = Opener::new(secs(0));
    opener.set_key(secs(0), &media_key(1, &[9; 16]), KeyTrust::OwnerSigned);
    let mut keys = OwnKeys::new();
    keys.set(secs(0), &nth_key(1)).expect("the first");
    let mut sealer = keys.data_sealer(1, 0).expect("the first");
    for n in 0..11 {
        assert_eq!(opener.deadline(), None, "after {n} packets");
        let packet = sealer.seal(&mut keys, secs(0), b"point", n).expect("small");
        assert_eq!(opener.open_data(secs(7), &packet), Err(OpenError::WrongKey), "packet {n}");
    }
    assert_eq!((opener.state(), opener.deadline()), (State::Encrypted, Some(secs(9))), "asked for, and no state");
}

#[test]
fn two_hundred_and_fifty_late_frames_are_a_failure() {
    // A program that began again under its old key, with timestamps of its own.
    let mut opener = trusted(&nth_key(1));
    let first = Peer::with(&nth_key(1)).says(secs(0), 10_000_000);
    assert!(opener.open(secs(0), Codec::Opus, &[], &first).is_ok(), "10,000,000 ticks are 208 s");
    let mut again = Peer::with(&nth_key(1));
    for n in 0..250 {
        assert_eq!((opener.state(), opener.deadline()), (State::Encrypted, None), "after {n} frames");
        let got = opener.open(secs(20), Codec::Opus, &[], &again.says(secs(0), n * 960));
        assert_eq!(got, Err(OpenError::Late), "frame {n}");
    }
    assert_eq!((opener.state(), opener.deadline()), (State::Failed, Some(secs(22))), "another key is asked for");
    assert!(opener.open(secs(20), Codec::Opus, &[], &again.says(secs(0), 10_000_001)).is_ok(), "one that is not late");
    assert_eq!((opener.state(), opener.deadline()), (State::Encrypted, None), "heals it");
}
