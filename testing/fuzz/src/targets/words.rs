//! The words of a round: data packets of anybody, in rounds with keys and without.

use crate::tape::{Ink, Tape};
use livekit_protocol as lk;
use model::round::{KeyTrust, MediaKey, MemberId};
use prost::Message as _;
use rounds_proto::frame::{DataSealer, Members, OwnKeys, UnsignedDevices};
use rounds_proto::words::{Hearing, LONGEST_TOPIC};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const RAW: u8 = 0;
const SEALED: u8 = 1;
const AGAIN: u8 = 2;
const PASS: u8 = 3;
const ACTS: u8 = 4;

const ANNA: &str = "@anna:rounds.test:DEVICE";

pub(crate) fn words(input: &[u8]) {
    let mut tape = Tape::new(input);
    let keyed = tape.yes();
    let anna = MemberId::parse(ANNA).expect("a name");
    let key = MediaKey::new(1, vec![7; 16]).expect("16 bytes");
    let mut members = Members::with_keys_of_each(UnsignedDevices::Ask);
    members.set_members(Duration::ZERO, &BTreeSet::from([anna.clone()]));
    members.set_key(Duration::ZERO, &anna, &key, KeyTrust::OwnerSigned);
    let mut keys = OwnKeys::new();
    keys.set(Duration::ZERO, &key).expect("a key that is new");
    let mut sealer = keys.data_sealer(1, 1).expect("a source of its own");
    let (mut now, mut hearing) = (Duration::ZERO, Hearing::default());
    let mut said: Vec<Vec<u8>> = Vec::new();
    let mut sealed = BTreeSet::new();
    let mut heard: BTreeMap<String, u32> = BTreeMap::new();
    while let Some(act) = tape.act(ACTS) {
        let packet = match act {
            RAW => tape.bytes().to_vec(),
            SEALED => {
                let (sequence, millis) = (u32::from(tape.byte()), u32::from(tape.short()));
                let payload = tape.bytes();
                let inner = inner(sequence, payload);
                sealed.extend(payload_of(&inner));
                said_by_anna(&mut sealer, &mut keys, now, (sequence, millis), &inner)
            }
            AGAIN => said.get(usize::from(tape.byte()) % said.len().max(1)).cloned().unwrap_or_default(),
            _ => {
                now += tape.pause();
                continue;
            }
        };
        let again = said.contains(&packet);
        if let Some(word) = hearing.hear(now, keyed.then_some(&mut members), &packet) {
            let read = lk::DataPacket::decode(packet.as_slice()).expect("what was heard can be read");
            let one_line = !word.topic.chars().any(char::is_control);
            assert!(one_line && word.topic.len() <= LONGEST_TOPIC, "a topic is one line and has an end");
            if keyed {
                assert_eq!(word.from, anna, "nobody else has a key");
                assert!(!again, "and nothing is heard twice");
                assert!(sealed.contains(&word.payload), "it was sealed");
            }
            if read.sequence > 0 {
                let before = heard.insert(read.participant_sid, read.sequence);
                assert!(before.is_none_or(|before| before < read.sequence), "numbers of one stay rise");
            }
        }
        if said.len() < 256 {
            said.push(packet);
        }
    }
}

fn user(topic: &str, payload: &[u8]) -> lk::encrypted_packet_payload::Value {
    let topic = Some(topic.to_owned()).filter(|topic| !topic.is_empty());
    lk::encrypted_packet_payload::Value::User(lk::UserPacket {
        payload: payload.to_vec(),
        topic,
        ..lk::UserPacket::default()
    })
}

/// What is sealed: half of the time a word, else bytes that may be one.
fn inner(sequence: u32, payload: &[u8]) -> Vec<u8> {
    if sequence & 1 == 0 {
        return lk::EncryptedPacketPayload { value: Some(user("konsil.me", payload)) }.encode_to_vec();
    }
    payload.to_vec()
}

fn payload_of(inner: &[u8]) -> Option<Vec<u8>> {
    let value = lk::EncryptedPacketPayload::decode(inner).ok()?.value?;
    let lk::encrypted_packet_payload::Value::User(user) = value else { return None };
    Some(user.payload)
}

fn said_by_anna(
    sealer: &mut DataSealer,
    keys: &mut OwnKeys,
    now: Duration,
    (sequence, millis): (u32, u32),
    inner: &[u8],
) -> Vec<u8> {
    let value = sealer.seal(keys, now, inner, millis).ok().map(lk::data_packet::Value::EncryptedPacket);
    lk::DataPacket {
        participant_identity: ANNA.to_owned(),
        participant_sid: "PA_anna".to_owned(),
        sequence,
        value,
        ..lk::DataPacket::default()
    }
    .encode_to_vec()
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let clear = lk::DataPacket {
        participant_identity: ANNA.to_owned(),
        participant_sid: "PA_anna".to_owned(),
        sequence: 3,
        value: Some(lk::data_packet::Value::User(lk::UserPacket {
            payload: b"word".to_vec(),
            topic: Some("konsil.me".to_owned()),
            ..lk::UserPacket::default()
        })),
        ..lk::DataPacket::default()
    };
    let sealed =
        lk::EncryptedPacket { iv: vec![7; 12], key_index: 1, encrypted_value: vec![8; 40], ..Default::default() };
    let forged = lk::DataPacket { value: Some(lk::data_packet::Value::EncryptedPacket(sealed)), ..clear.clone() };
    let inner = lk::EncryptedPacketPayload { value: Some(user("konsil.ask", b"again")) }.encode_to_vec();
    let seed = |keyed: u8| {
        let ink = Ink::default().byte(keyed).byte(RAW).bytes(&clear.encode_to_vec());
        let ink = ink.byte(RAW).bytes(&forged.encode_to_vec()).byte(SEALED).byte(2).short(7).bytes(b"first");
        let ink = ink.byte(AGAIN).byte(2).byte(PASS).short(900).byte(SEALED).byte(5).short(8).bytes(&inner);
        ink.byte(AGAIN).byte(0).byte(SEALED).byte(1).short(9).bytes(b"late").dry()
    };
    vec![seed(0), seed(1)]
}
