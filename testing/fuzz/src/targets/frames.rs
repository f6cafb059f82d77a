//! Frames and data packets of two people: genuine ones, changed ones, old ones, other people's, and keys that lie.

use crate::tape::{Ink, Tape};
use livekit_protocol::EncryptedPacket;
use model::round::{KeyTrust, MediaKey, MemberId};
use rounds_proto::frame::{
    Codec, DataSealer, Material, Members, OpenError, Opened, OwnKeys, Sealer, State, UnsignedDevices,
};
use std::collections::BTreeSet;
use std::time::Duration;

const PEOPLE: usize = 2;
const CODECS: [Codec; 4] = [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264];
/// What ends the frames that the server makes.
const TRAILER: [u8; 8] = *b"injected";
/// More than this is no use to anybody, and each is kept.
const MOST_SEALED: usize = 512;

const FRESH: u8 = 0;
const SEAL: u8 = 1;
const DELIVER: u8 = 2;
const CHANGED: u8 = 3;
const RAW: u8 = 4;
const KEY: u8 = 5;
const FORGED_KEY: u8 = 6;
const MEMBERS: u8 = 7;
const PASS: u8 = 8;
const FORGET: u8 = 9;
const ALLOW: u8 = 10;
const DATA: u8 = 11;
const DELIVER_DATA: u8 = 12;
const CHANGED_DATA: u8 = 13;
const ASK: u8 = 14;
const RAW_DATA: u8 = 15;
const ACTS: u8 = 16;

struct Person {
    id: MemberId,
    keys: OwnKeys,
    sealers: Vec<Sealer>,
    data: DataSealer,
    timestamps: [u32; 4],
    millis: u32,
    index: u8,
    /// Nobody lied about their keys, and they never left: what they send has to open.
    honest: bool,
    has_key: bool,
}

struct SealedFrame {
    who: usize,
    codec: usize,
    plain: Vec<u8>,
    wire: Vec<u8>,
}

struct SealedPacket {
    plain: Vec<u8>,
    wire: EncryptedPacket,
}

struct Round {
    members: Members,
    shared: bool,
    people: Vec<Person>,
    joined: BTreeSet<MemberId>,
    now: Duration,
    frames: Vec<SealedFrame>,
    packets: Vec<SealedPacket>,
    /// By whose frame it was taken for, and its number.
    opened: BTreeSet<(usize, usize)>,
    heard: BTreeSet<(usize, usize)>,
    secrets: u64,
}

/// Members of a round, with a key each or one for all.
pub(crate) fn members(input: &[u8]) {
    let mut tape = Tape::new(input);
    let mode = tape.byte() % 3;
    let key = Material::from_key(&media_key(0, u64::MAX)).frame_key();
    let mut members = match mode {
        0 => Members::with_keys_of_each(UnsignedDevices::Ask),
        1 => Members::with_keys_of_each(UnsignedDevices::Allow),
        _ => Members::with_shared_key(key.clone()),
    };
    members.set_sif_trailer(&TRAILER);
    let shared = mode == 2;
    let people = (0..PEOPLE).map(|at| person(at, shared.then(|| key.clone()))).collect();
    let mut round = Round {
        members,
        shared,
        people,
        joined: BTreeSet::new(),
        now: Duration::ZERO,
        frames: Vec::new(),
        packets: Vec::new(),
        opened: BTreeSet::new(),
        heard: BTreeSet::new(),
        secrets: 0,
    };
    while let Some(act) = tape.act(ACTS) {
        round.act(act, &mut tape);
        round.check();
    }
}

fn person(at: usize, shared: Option<rounds_proto::frame::FrameKey>) -> Person {
    let mut keys = OwnKeys::new();
    let first = u32::try_from(at * 10).expect("two people");
    let sealers = (first..).zip(CODECS).map(|(source, codec)| keys.sealer(source, codec, 7)).collect::<Result<_, _>>();
    let sealers = sealers.expect("sources of their own");
    let data = keys.data_sealer(first + 9, 7).expect("a source of its own");
    let has_key = shared.is_some();
    if let Some(key) = shared {
        keys.set_shared(Duration::ZERO, 0, key).expect("a key that is new");
    }
    let id = MemberId::parse(&format!("@person{at}:rounds.test:DEVICE")).expect("a name");
    Person { id, keys, sealers, data, timestamps: [0; 4], millis: 0, index: 0, honest: true, has_key }
}

fn media_key(index: u8, secret: u64) -> MediaKey {
    MediaKey::new(index, secret.to_be_bytes().repeat(4)).expect("32 bytes")
}

impl Round {
    fn act(&mut self, act: u8, tape: &mut Tape<'_>) {
        let at = usize::from(tape.byte()) % PEOPLE;
        match act {
            FRESH => {
                if let Some(number) = self.seal(at, tape) {
                    let codec = self.frames[number].codec;
                    let wire = self.frames[number].wire.clone();
                    let got = self.open(at, CODECS[codec], &wire);
                    let person = &self.people[at];
                    let expected = person.honest && person.has_key && self.joined.contains(&person.id);
                    let injected = wire.ends_with(&TRAILER);
                    assert!(!expected || injected || got.is_ok(), "what was sealed opens: {got:?}");
                }
            }
            SEAL => {
                self.seal(at, tape);
            }
            DELIVER | CHANGED => {
                let Some(mut wire) = self.picked(tape) else { return };
                let codec = CODECS[usize::from(tape.byte()) % CODECS.len()];
                if act == CHANGED {
                    change(&mut wire, tape);
                }
                let _judged = self.open(at, codec, &wire);
            }
            RAW => {
                let codec = CODECS[usize::from(tape.byte()) % CODECS.len()];
                let _judged = self.open(at, codec, tape.bytes());
            }
            KEY => self.key(at),
            FORGED_KEY => {
                // Of somebody else, an old one, or one that nobody has.
                let (index, secret) = (tape.byte(), u64::from(tape.byte()));
                let trust = if tape.yes() { KeyTrust::OwnerSigned } else { KeyTrust::Unsigned };
                self.people[at].honest = self.shared && self.people[at].honest;
                let id = self.people[at].id.clone();
                self.members.set_key(self.now, &id, &media_key(index, secret), trust);
            }
            MEMBERS => {
                let mask = tape.byte();
                let ids = self.people.iter().enumerate();
                self.joined =
                    ids.filter(|(at, _)| mask & (1 << at) != 0).map(|(_, person)| person.id.clone()).collect();
                for person in &mut self.people {
                    let stays = self.joined.contains(&person.id) || self.members.state(&person.id) == State::Unassigned;
                    person.honest &= stays || self.shared;
                }
                self.members.set_members(self.now, &self.joined);
            }
            PASS => self.now += tape.pause(),
            FORGET => {
                let id = self.people[at].id.clone();
                self.people[at].honest = false;
                self.members.forget(&id);
                self.joined.remove(&id);
            }
            ALLOW => self.members.allow_unsigned(&self.people[at].id.clone()),
            DATA => {
                let payload = tape.bytes();
                self.seal_data(at, payload, u32::from(tape.short()));
            }
            DELIVER_DATA | CHANGED_DATA => {
                let number = usize::from(tape.byte());
                let Some(packet) = self.packets.get(number % self.packets.len().max(1)) else { return };
                let mut wire = packet.wire.clone();
                if act == CHANGED_DATA {
                    match tape.byte() % 3 {
                        0 => change(&mut wire.iv, tape),
                        1 => change(&mut wire.encrypted_value, tape),
                        _ => wire.key_index = tape.word(),
                    }
                }
                self.hear(at, &wire);
            }
            RAW_DATA => {
                let iv = tape.bytes().to_vec();
                let packet = EncryptedPacket {
                    iv,
                    key_index: tape.word(),
                    encrypted_value: tape.bytes().to_vec(),
                    ..EncryptedPacket::default()
                };
                self.hear(at, &packet);
            }
            _ => {
                let asked = self.members.to_be_asked(self.now);
                assert!(asked.iter().all(|who| self.joined.contains(who)), "only members are asked");
                assert!(self.members.to_be_asked(self.now).is_empty(), "and each once at a time");
            }
        }
    }

    /// A new key that its owner uses and all get.
    fn key(&mut self, at: usize) {
        if self.shared {
            return;
        }
        self.secrets += 1;
        let person = &mut self.people[at];
        person.index = person.index.wrapping_add(1);
        let key = media_key(person.index, self.secrets << 8);
        person.keys.set(self.now, &key).expect("a key that is new");
        person.has_key = true;
        let id = person.id.clone();
        self.members.set_key(self.now, &id, &key, KeyTrust::OwnerSigned);
    }

    /// Each frame ends with its number, by which it is known again.
    fn seal(&mut self, at: usize, tape: &mut Tape<'_>) -> Option<usize> {
        let codec = usize::from(tape.byte()) % CODECS.len();
        let passed = u32::from(tape.short());
        let number = self.frames.len();
        let start: &[u8] = match CODECS[codec] {
            Codec::H264 => &[0, 0, 1, 0x65, 0x88],
            Codec::Opus | Codec::Vp8 | Codec::Vp9 => &[],
        };
        let mut plain = [start, tape.bytes()].concat();
        plain.resize(plain.len().max(10), 0);
        plain.extend(u32::try_from(number).ok()?.to_be_bytes());
        if number >= MOST_SEALED {
            return None;
        }
        let person = &mut self.people[at];
        person.timestamps[codec] = person.timestamps[codec].wrapping_add(passed);
        let timestamp = person.timestamps[codec];
        let sealed = person.sealers[codec].seal(&mut person.keys, self.now, &plain, timestamp);
        let Ok(wire) = sealed else {
            assert!(!person.has_key, "a good frame leaves where there is a key: {sealed:?}");
            return None;
        };
        assert!(!plain.is_empty() && wire.len() > plain.len(), "a trailer is behind it");
        if CODECS[codec] == Codec::H264 {
            let clear = collapsed(&wire);
            let starts = clear.windows(3).filter(|three| *three == [0, 0, 1]).count();
            let plain = collapsed(&plain);
            let before = plain.windows(3).filter(|three| *three == [0, 0, 1]).count();
            assert!(starts <= before, "no ciphertext looks like a start code");
        }
        self.frames.push(SealedFrame { who: at, codec, plain, wire });
        Some(number)
    }

    fn seal_data(&mut self, at: usize, payload: &[u8], passed: u32) {
        let number = self.packets.len();
        if number >= MOST_SEALED {
            return;
        }
        let plain = [payload, &u32::try_from(number).unwrap_or_default().to_be_bytes()].concat();
        let person = &mut self.people[at];
        person.millis = person.millis.wrapping_add(passed);
        if let Ok(wire) = person.data.seal(&mut person.keys, self.now, &plain, person.millis) {
            self.packets.push(SealedPacket { plain, wire });
        }
    }

    fn picked(&self, tape: &mut Tape<'_>) -> Option<Vec<u8>> {
        let number = usize::from(tape.short());
        Some(self.frames.get(number % self.frames.len().max(1))?.wire.clone())
    }

    /// What comes out is what somebody sealed, and comes out once.
    fn open(&mut self, at: usize, codec: Codec, wire: &[u8]) -> Result<(), OpenError> {
        let id = self.people[at].id.clone();
        let plain = match self.members.open(self.now, &id, codec, wire)? {
            Opened::Frame(plain) => plain,
            Opened::Empty => {
                assert!(wire.is_empty(), "only nothing is silence");
                return Ok(());
            }
            Opened::Injected => {
                assert!(wire.ends_with(&TRAILER), "the server made it");
                return Ok(());
            }
        };
        assert!(self.joined.contains(&id), "nothing of a stranger is opened");
        let number = number(&plain).filter(|number| *number < self.frames.len()).expect("somebody sealed it");
        let frame = &self.frames[number];
        assert_eq!(CODECS[frame.codec], codec, "as a frame of its codec");
        assert_eq!(collapsed(&frame.plain), collapsed(&plain), "and it is as it was");
        let key = if self.shared { 0 } else { at };
        assert!(self.opened.insert((key, number)), "and once: frame {number} of {}", frame.who);
        Ok(())
    }

    fn hear(&mut self, at: usize, packet: &EncryptedPacket) {
        let id = self.people[at].id.clone();
        let Ok(plain) = self.members.open_data(self.now, &id, packet) else { return };
        assert!(self.joined.contains(&id), "nothing of a stranger is opened");
        let number = number(&plain).filter(|number| *number < self.packets.len()).expect("somebody sealed it");
        assert_eq!(self.packets[number].plain, plain, "and it is as it was");
        let key = if self.shared { 0 } else { at };
        assert!(self.heard.insert((key, number)), "and once: packet {number}");
    }

    fn check(&self) {
        let members: Vec<_> = self.members.states().map(|(id, _state)| id.clone()).collect();
        assert!(members.iter().eq(self.joined.iter()), "each member has a state, and nobody else");
        for person in &self.people {
            let assigned = self.members.state(&person.id) != State::Unassigned;
            assert_eq!(assigned, self.joined.contains(&person.id), "who is a member is assigned");
        }
    }
}

fn number(plain: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(*plain.last_chunk()?)).ok()
}

fn change(bytes: &mut Vec<u8>, tape: &mut Tape<'_>) {
    let (kind, place, byte) = (tape.byte() % 4, usize::from(tape.short()), tape.byte());
    let place = place % bytes.len().max(1);
    match kind {
        0 => bytes.iter_mut().skip(place).take(1).for_each(|there| *there ^= byte),
        1 => bytes.insert(place.min(bytes.len()), byte),
        2 => bytes.truncate(place),
        // Trailer, index and mark lie at the end.
        _ => bytes.iter_mut().rev().skip(place % 32).take(1).for_each(|there| *there = byte),
    }
}

/// Start codes of three bytes: a receiver sees longer ones than were sent, and they mean the same.
fn collapsed(frame: &[u8]) -> Vec<u8> {
    let mut short: Vec<u8> = Vec::with_capacity(frame.len());
    for byte in frame {
        if *byte == 1 {
            while short.ends_with(&[0, 0, 0]) {
                short.pop();
            }
        }
        short.push(*byte);
    }
    short
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let begun = |mode: u8| {
        let ink = Ink::default().byte(mode).byte(MEMBERS).byte(0).byte(3);
        ink.byte(KEY).byte(0).byte(KEY).byte(1)
    };
    let fresh =
        |ink: Ink, at: u8, codec: u8, frame: &[u8]| ink.byte(FRESH).byte(at).byte(codec).short(960).bytes(frame);
    let mut seeds = Vec::new();
    for mode in 0..3 {
        let mut ink = begun(mode);
        for (codec, frame) in (0..).zip([&b"sound"[..], &[0x10, 2, 0, 0x9d, 1, 0x2a, 4, 0, 4, 0, 7], &[9; 20], &[0; 9]])
        {
            ink = fresh(ink, codec % 2, codec, frame);
            ink = ink.byte(DELIVER).byte(codec % 2).short(codec.into()).byte(codec);
            ink = ink.byte(CHANGED).byte(codec % 2).short(codec.into()).byte(codec).byte(3).short(1).byte(5);
        }
        ink = ink.byte(DATA).byte(0).bytes(b"word").short(5).byte(DELIVER_DATA).byte(0).byte(0);
        ink = ink.byte(DELIVER_DATA).byte(0).byte(0).byte(CHANGED_DATA).byte(0).byte(0).byte(2).word(300);
        ink = ink.byte(PASS).byte(0).short(2000).byte(ASK).byte(0);
        seeds.push(fresh(ink, 0, 1, &[1; 12]).dry());
    }
    // A person leaves and is back; an old key comes again; another one's key; frames that nobody sealed.
    let ink = fresh(begun(0), 0, 0, b"before").byte(MEMBERS).byte(0).byte(2).byte(PASS).byte(0).short(11_000);
    let ink = ink.byte(MEMBERS).byte(0).byte(3).byte(FORGED_KEY).byte(0).byte(1).byte(1).byte(1);
    seeds.push(ink.byte(DELIVER).byte(0).short(0).byte(0).byte(FORGET).byte(0).byte(ALLOW).byte(1).dry());
    let ink = begun(1).byte(SEAL).byte(0).byte(2).short(3).bytes(&[5; 30]).byte(KEY).byte(0);
    let ink = fresh(ink.byte(PASS).byte(0).short(1500), 0, 2, &[6; 30]).byte(PASS).byte(0).short(12_000);
    seeds.push(ink.byte(DELIVER).byte(0).short(0).byte(2).byte(RAW).byte(0).byte(1).bytes(&[0x0c; 60]).dry());
    let ink = begun(0).byte(RAW_DATA).byte(1).bytes(&[7; 12]).word(1).bytes(&[8; 40]);
    seeds.push(ink.byte(RAW).byte(1).byte(3).bytes(&[0, 0, 0, 1, 0x65, 0, 0, 3, 1, 0, 0, 3]).dry());
    seeds
}
