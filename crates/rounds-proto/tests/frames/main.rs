//! Frames as the other side of a round has them: LiveKit's JavaScript client, a server that does what it likes, and
//! people whose keys come late, twice or never.

mod bad_input;
mod other_client;
mod people;
mod replays;

use model::round::{KeyTrust, MediaKey, MemberId};
use rounds_proto::frame::{Codec, FrameKey, Material, Opener, OwnKeys, Sealer};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

/// What client-sdk-js 2.23.0 wrote; its own cryptor opened every frame again.
#[derive(Deserialize)]
struct Vectors {
    derive: Vec<Derivation>,
    frames: Vec<Frame>,
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Derivation {
    name: String,
    input: Input,
    aes128: Hex,
    ratchet1_aes128: Hex,
    ratchet2_aes128: Hex,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Input {
    Hex(Hex),
    Utf8(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame {
    key: String,
    key_index: u8,
    codec: String,
    ssrc: u32,
    rtp_timestamp: u32,
    plain: Hex,
    encrypted: Hex,
    /// What comes out where that is not `plain`.
    decrypted: Option<Hex>,
}

#[derive(Deserialize)]
struct Data {
    key: String,
    #[serde(rename = "keyIndex")]
    key_index: u8,
    plain: Hex,
    iv: Hex,
    encrypted_value: Hex,
}

struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2).unwrap_or_default(), 16);
        let bytes: Result<_, _> = (0..text.len()).step_by(2).map(byte).collect();
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

impl Frame {
    fn codec(&self) -> Codec {
        match self.codec.as_str() {
            "vp8" => Codec::Vp8,
            "opus" => Codec::Opus,
            _ => Codec::H264,
        }
    }

    fn opened(&self) -> &[u8] {
        &self.decrypted.as_ref().unwrap_or(&self.plain).0
    }

    /// Whoever has the key that it names, at the index that it names.
    fn opener(&self) -> Opener {
        opener_with(&self.key, self.key_index)
    }
}

fn vectors() -> &'static Vectors {
    static VECTORS: OnceLock<Vectors> = OnceLock::new();
    VECTORS.get_or_init(|| {
        serde_json::from_str(include_str!("../vectors/frame-encryption.json")).expect("the vectors are JSON")
    })
}

impl Derivation {
    fn material(&self) -> Material {
        match &self.input {
            Input::Hex(secret) => Material::from_key(&media_key(0, &secret.0)),
            Input::Utf8(text) => Material::from_passphrase(text).expect("there is one"),
        }
    }
}

/// A key of the vectors, derived once, since a passphrase takes its time.
fn frame_key(name: &str) -> FrameKey {
    static KEYS: OnceLock<BTreeMap<&'static str, FrameKey>> = OnceLock::new();
    let derived = || vectors().derive.iter().map(|one| (one.name.as_str(), one.material().frame_key())).collect();
    KEYS.get_or_init(derived)[name].clone()
}

fn opener_with(name: &str, index: u8) -> Opener {
    let mut opener = Opener::new(secs(0));
    opener.set_shared(secs(0), index, frame_key(name));
    opener
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn media_key(index: u8, secret: &[u8]) -> MediaKey {
    MediaKey::new(index, secret.to_vec()).expect("16 to 64 bytes")
}

/// A key that differs for each `n`, at index `n`.
fn nth_key(n: u8) -> MediaKey {
    media_key(n, &[n.wrapping_add(100); 16])
}

fn member(name: &str) -> MemberId {
    MemberId::parse(name).expect("a name")
}

/// Somebody who sends sound.
struct Peer {
    keys: OwnKeys,
    sealer: Sealer,
}

impl Peer {
    fn with(key: &MediaKey) -> Self {
        let mut keys = OwnKeys::new();
        keys.set(secs(0), key).expect("the first");
        let sealer = keys.sealer(7, Codec::Opus, 0).expect("the first");
        Self { keys, sealer }
    }

    /// An encrypted frame of sound.
    fn says(&mut self, now: Duration, timestamp: u32) -> Vec<u8> {
        self.sealer.seal(&mut self.keys, now, b"\x78sound", timestamp).expect("timestamps rise")
    }
}

/// Somebody whose key came from a device that their owner signed.
fn trusted(key: &MediaKey) -> Opener {
    let mut opener = Opener::new(secs(0));
    opener.set_key(secs(0), key, KeyTrust::OwnerSigned);
    opener
}

/// Numerical Recipes' generator, so that each run tries the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("64 bits");
        usize::try_from(self.next() % end).expect("less than a usize")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }
}
