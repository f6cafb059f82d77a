//! A whole media server without sockets: descriptions go to the stack, and datagrams come from whoever passed ICE's check.

use crate::recorded::{self, Said};
use crate::tape::{Ink, Tape};
use hmac::{Hmac, Mac as _};
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use prost::Message as _;
use sfu::door::{Doing, Whole};
use sfu::rooms::{Moment, Seat};
use sfu::token::Grants;
use sha1::Sha1;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const JOIN: u8 = 0;
const FRAME: u8 = 1;
const OFFER: u8 = 2;
const CHECK: u8 = 3;
const DATAGRAM: u8 = 4;
const TICK: u8 = 5;
const ACTS: u8 = 6;

/// Nobody needs more datagrams for one act: a description has no media, and a handshake some flights.
const MOST_DATAGRAMS: usize = 200;
const STEPS: u32 = 400;

struct House {
    whole: Whole,
    began: Instant,
    passed: Duration,
    last: u64,
    seats: Vec<Seat>,
    /// Of the last answer: the name and the password of ICE.
    ice: Option<(String, String)>,
    /// Where anything came from.
    known: BTreeSet<SocketAddr>,
}

pub(crate) fn server(input: &[u8]) {
    let mut tape = Tape::new(input);
    let began = Instant::now();
    let mut house = House {
        whole: Whole::new(address(1), address(2), began),
        began,
        passed: Duration::ZERO,
        last: 0,
        seats: Vec::new(),
        ice: None,
        known: BTreeSet::new(),
    };
    while let Some(act) = tape.act(ACTS) {
        house.act(act, &mut tape);
        house.drain();
    }
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

impl House {
    fn now(&self) -> Moment {
        Moment { at: self.began + self.passed, unix_millis: 0 }
    }

    fn act(&mut self, act: u8, tape: &mut Tape<'_>) {
        let who = tape.byte();
        let seat = self.seats.get(usize::from(who) % self.seats.len().max(1)).copied();
        match act {
            JOIN => {
                let request = lk::JoinRequest::decode(tape.bytes()).unwrap_or_default();
                // The check is of those who offer; and a stack costs some milliseconds.
                if self.last >= 4 {
                    return;
                }
                self.last += 1;
                let grants = Grants {
                    identity: format!("person {}", who % 3),
                    room: "round".to_owned(),
                    join: true,
                    publish: true,
                    subscribe: true,
                    ..Grants::default()
                };
                let resumes = request.reconnect;
                let joined = self.whole.join(Seat(self.last), grants, request, self.now());
                if joined.is_ok() && !resumes {
                    self.seats.push(Seat(self.last));
                }
            }
            FRAME => {
                let frame = tape.bytes();
                if let Some(seat) = seat {
                    self.whole.frame(seat, frame, self.now());
                }
            }
            OFFER => {
                let offer = lk::SessionDescription {
                    r#type: "offer".to_owned(),
                    sdp: tape.text(),
                    id: 2,
                    ..lk::SessionDescription::default()
                };
                let frame = lk::SignalRequest { message: Some(Request::Offer(offer)) }.encode_to_vec();
                if let Some(seat) = seat {
                    self.whole.frame(seat, &frame, self.now());
                }
            }
            CHECK => {
                let from = address(1000 + u16::from(who));
                if let Some(check) = self.ice.as_ref().map(|(name, password)| check(name, password)) {
                    self.receive(from, &check);
                }
            }
            DATAGRAM => self.receive(address(1000 + u16::from(who)), tape.bytes()),
            _ => {
                let end = self.passed + tape.pause();
                for step in 0.. {
                    let due = self.whole.due().map(|due| due.saturating_duration_since(self.began));
                    let Some(due) = due.filter(|due| *due <= end) else { break };
                    assert!(step < STEPS * (1 + u32::try_from(end.as_secs()).unwrap_or(60)), "it never rests");
                    self.passed = self.passed.max(due);
                    self.whole.tick(self.now());
                    self.drain();
                }
                self.passed = end;
            }
        }
    }

    fn receive(&mut self, from: SocketAddr, datagram: &[u8]) {
        self.known.insert(from);
        self.whole.datagram(from, datagram, self.now());
    }

    fn drain(&mut self) {
        while let Some(doing) = self.whole.output() {
            match doing {
                Doing::Frame(_, frame) => {
                    let said = lk::SignalResponse::decode(frame.as_slice()).expect("what is said can be read");
                    if let Some(Response::Answer(answer)) = said.message {
                        let after = |name: &str| {
                            let line = answer.sdp.lines().find_map(|line| line.strip_prefix(name));
                            line.map(str::to_owned)
                        };
                        self.ice = after("a=ice-ufrag:").zip(after("a=ice-pwd:"));
                    }
                }
                Doing::Close(seat) => self.seats.retain(|one| *one != seat),
            }
        }
        let mut sent = 0;
        while let Some((to, _)) = self.whole.sent() {
            sent += 1;
            assert!(self.known.contains(&to), "nothing goes to an address from which nothing came");
            assert!(sent <= MOST_DATAGRAMS, "one act leads to {sent} datagrams");
        }
        assert_eq!(self.whole.rooms().people("round").len(), self.seats.len(), "who is there has a socket");
    }
}

/// A check of ICE with everything that it needs (RFC 8445 §7.2.2, RFC 8489 §14).
fn check(name: &str, password: &str) -> Vec<u8> {
    let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    message.extend([7; 12]);
    let add = |message: &mut Vec<u8>, kind: u16, value: &[u8]| {
        message.extend(kind.to_be_bytes());
        message.extend(u16::try_from(value.len()).unwrap_or_default().to_be_bytes());
        message.extend(value);
        message.resize(message.len().next_multiple_of(4), 0);
    };
    let say_length = |message: &mut Vec<u8>, more: usize| {
        let length = u16::try_from(message.len() - 20 + more).unwrap_or_default().to_be_bytes();
        message[2..4].copy_from_slice(&length);
    };
    add(&mut message, 0x0006, format!("{name}:NzI7").as_bytes());
    add(&mut message, 0x0024, &[0x6e, 0, 1, 0xff]);
    add(&mut message, 0x802a, &[9; 8]);
    add(&mut message, 0x0025, &[]);
    say_length(&mut message, 24);
    let mut mac = <Hmac<Sha1> as hmac::Mac>::new_from_slice(password.as_bytes()).expect("HMAC takes any key");
    mac.update(&message);
    let mac = mac.finalize().into_bytes();
    add(&mut message, 0x0008, &mac);
    say_length(&mut message, 8);
    let fingerprint = crc32(&message) ^ 0x5354_554e;
    add(&mut message, 0x8028, &fingerprint.to_be_bytes());
    message
}

/// ITU-T V.42 §8.1.1.6.2.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _bit: u8| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for recording in recorded::all() {
        let mut ink = Ink::default();
        let mut offers = 0;
        for said in recording {
            match said {
                Said::Open(join) => ink = ink.byte(JOIN).byte(0).bytes(&join).byte(CHECK).byte(1),
                Said::Client(frame) => {
                    let whole = lk::SignalRequest::decode(frame.as_slice()).unwrap_or_default();
                    if let Some(Request::Offer(offer)) = whole.message {
                        offers += 1;
                        if offers < 3 {
                            ink = ink.byte(OFFER).byte(0).bytes(offer.sdp.as_bytes());
                        }
                    } else if frame.len() < 500 {
                        ink = ink.byte(FRAME).byte(0).bytes(&frame);
                    }
                }
                Said::Server(_) | Said::Close => {}
            }
        }
        // RFC 9147 §4: a record of a handshake; RFC 3550: packets of RTP and RTCP; RFC 8489: a message of STUN.
        let hello =
            [&[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24, 1, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 12][..], &[3; 12]];
        let (sound, report) =
            ([&[0x80, 111, 0, 1][..], &[5; 30]].concat(), [&[0x81, 201, 0, 7][..], &[5; 28]].concat());
        let check = check("name", "password");
        let ink = ink.byte(CHECK).byte(1).byte(TICK).byte(0).short(60);
        let ink = ink.byte(DATAGRAM).byte(1).bytes(&hello.concat()).byte(DATAGRAM).byte(1).bytes(&sound);
        let ink = ink.byte(DATAGRAM).byte(1).bytes(&report).byte(DATAGRAM).byte(2).bytes(&check);
        seeds.push(ink.byte(TICK).byte(0).short(7000).dry());
    }
    seeds
}
