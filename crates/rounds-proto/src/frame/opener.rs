//! The receiving side of one person: the ring of keys, what is refused, and how they stand.

use super::codec::{BadFrame, Codec, LARGEST_DATA, unescaped};
use super::iv::{IV_BYTES, Iv, Seen, behind, later};
use super::key::{FrameKey, Material};
use super::members::State;
use super::{IV_MARK, OVERHEAD, TAG_BYTES};
use livekit_protocol::EncryptedPacket;
use model::round::{KeyTrust, MediaKey};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

/// More frames in a row than these cannot be opened, and the person's key has failed (client-sdk-js
/// `src/e2ee/constants.ts`, `DECRYPTION_FAILURE_TOLERANCE`). Whoever stops trying needs another key to go on; trying
/// further costs little and ends by itself when the right frames come.
pub const FAILURE_TOLERANCE: u32 = 10;
/// So many ratchets are tried before a frame counts as failed (Element Call, `matrixKeyProvider.ts`).
pub const RATCHET_WINDOW: u8 = 10;
/// An older key is kept for so long after a newer one came, for frames that are under way.
pub const OLD_KEY_KEPT: Duration = Duration::from_secs(10);
/// So many IVs are remembered under each key.
pub const REMEMBERED: usize = 4096;
/// So long after a key was found missing it is asked for, each time.
pub const ASK_AFTER: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(45)];

/// A frame whose timestamp lies further behind the newest of its source is late, in seconds.
const LATE_SECONDS: u32 = 5;
/// A camera that is turned on once a minute for a day, in three sizes, has 4,320 sources; nobody has as many under one
/// key.
const MOST_SOURCES: usize = 4096;

/// What opens the frames and data packets of one person.
#[derive(Debug)]
pub struct Opener {
    ring: BTreeMap<u8, Slot>,
    newest: Option<u8>,
    sources: BTreeMap<u32, Source>,
    /// Keys from devices that their owner did not sign may be used.
    unsigned_allowed: bool,
    asks: bool,
    /// Since the last frame that could be opened.
    failures: u32,
    last_failure: Failure,
    /// Data packets since the last one that could be opened.
    packet_failures: u32,
    wanted: Option<Wanted>,
    numbers: u64,
}

#[derive(Debug)]
struct Slot {
    /// As it came, to know it again.
    given: FrameKey,
    /// In use: `given`, or what it was ratcheted to.
    key: FrameKey,
    /// What `key` is derived from; none of a shared key, which nobody ratchets.
    material: Option<Material>,
    trust: KeyTrust,
    number: u64,
    frames: Seen,
    /// By source, the latest timestamp whose IV was forgotten: without its IV, nothing up to it can be told from a
    /// repetition.
    frame_floors: BTreeMap<u32, u32>,
    packets: Seen,
    /// The latest time of a packet whose IV was forgotten.
    packet_floor: Option<u32>,
    /// When it is wiped, a newer one having come.
    ends: Option<Duration>,
}

/// What is known of an SSRC that was authenticated.
#[derive(Debug, Clone, Copy)]
struct Source {
    newest: u32,
    /// From the first timestamp under the slot's key to the newest, in ticks.
    passed: u32,
    /// The latest slot that it was used under.
    slot: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Missing,
    Wrong,
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    since: Duration,
    asked: usize,
}

/// What became of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// For the decoder.
    Frame(Vec<u8>),
    /// Silence, which is not encrypted.
    Empty,
    /// The server made it, so that a decoder ends well. It is in clear, so nothing of it is used.
    Injected,
}

/// Why a frame or a packet is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It comes from somebody who is no member of the round.
    #[error("the sender is no member of the round")]
    Unassigned,
    /// It is no frame of its codec.
    #[error(transparent)]
    Frame(#[from] BadFrame),
    /// It has no trailer of an encrypted frame.
    #[error("it is not encrypted")]
    NotEncrypted,
    /// There is no key at the index that it names.
    #[error("there is no key {index}")]
    NoKey {
        /// That index.
        index: u8,
    },
    /// The key came from a device that its owner did not sign, and nobody has allowed that.
    #[error("the key's device is not signed by its owner")]
    Unverified,
    /// Its IV was there before.
    #[error("it was sent before")]
    Repeated,
    /// It lies more than 5 s behind the newest of its source, or its IV would be one that may have been forgotten.
    #[error("it is late")]
    Late,
    /// It comes from one SSRC more than anybody needs.
    #[error("the sender has too many sources")]
    TooManySources,
    /// It was not encrypted with this key, or was changed on its way.
    #[error("the key does not open it")]
    WrongKey,
}

/// An encrypted frame, taken apart.
struct Parts<'a> {
    clear: &'a [u8],
    /// Ciphertext and nothing else.
    body: Vec<u8>,
    tag: [u8; TAG_BYTES],
    iv: Iv,
    index: u8,
}

impl Opener {
    /// Of somebody whose key is waited for from `now` on.
    #[must_use]
    pub fn new(now: Duration) -> Self {
        let mut opener = Self::silent();
        opener.asks = true;
        opener.want(now);
        opener
    }

    /// Of somebody whom nobody can be asked about.
    pub(super) fn silent() -> Self {
        Self {
            ring: BTreeMap::new(),
            newest: None,
            sources: BTreeMap::new(),
            unsigned_allowed: false,
            asks: false,
            failures: 0,
            last_failure: Failure::Missing,
            packet_failures: 0,
            wanted: None,
            numbers: 0,
        }
    }

    /// Takes a key that came at `now` and puts it in its place. Each older one is kept for [`OLD_KEY_KEPT`]. A key that
    /// is there changes nothing but what is known of its device.
    ///
    /// Keys have to be given in the order in which they were sent; their indices do not tell, since whoever joins again
    /// may begin at 0 again.
    pub fn set_key(&mut self, now: Duration, key: &MediaKey, trust: KeyTrust) {
        let material = Material::from_key(key);
        self.set(now, key.index, material.frame_key(), Some(material), trust);
    }

    /// Takes a key that all of a round share; LiveKit's clients put it at index 0.
    pub fn set_shared(&mut self, now: Duration, index: u8, key: FrameKey) {
        self.set(now, index, key, None, KeyTrust::OwnerSigned);
    }

    /// Uses keys from devices that their owner did not sign: a person decided so, or a policy.
    pub fn allow_unsigned(&mut self) {
        self.unsigned_allowed = true;
    }

    /// Opens a frame that was put together again from its packets, H.264 with start codes of 4 bytes. `sif_trailer` is
    /// that of the join response; empty, there is none.
    ///
    /// # Errors
    /// [`OpenError`] when it has to be dropped. Whatever is dropped leaves no trace but in the person's [`State`].
    pub fn open(&mut self, now: Duration, codec: Codec, sif_trailer: &[u8], frame: &[u8]) -> Result<Opened, OpenError> {
        if is_injected(frame, sif_trailer) {
            return Ok(Opened::Injected);
        }
        if frame.is_empty() {
            return Ok(Opened::Empty);
        }
        self.expire(now);
        let mut parts = Parts::of(codec, frame).inspect_err(|_| self.failed(now, Failure::Wrong))?;
        let index = parts.index;
        let Some(slot) = self.ring.get(&index) else {
            self.failed(now, Failure::Missing);
            return Err(OpenError::NoKey { index });
        };
        if !self.trusts(slot.trust) {
            return Err(OpenError::Unverified);
        }
        self.check_frame(slot, &parts.iv, codec.clock_hz())?;
        // Once a key has failed, frames that nobody can open cost no more than one attempt each.
        let ratchets = if self.failures < FAILURE_TOLERANCE { RATCHET_WINDOW } else { 0 };
        if !self.decrypt(index, &parts.iv, parts.clear, &mut parts.body, &parts.tag, ratchets) {
            self.failed(now, Failure::Wrong);
            return Err(OpenError::WrongKey);
        }
        // What is remembered was authenticated: nobody without the key can fill the memory or move the newest time.
        self.remember_frame(index, parts.iv);
        self.succeeded();
        Ok(Opened::Frame([parts.clear, &parts.body].concat()))
    }

    /// Opens a data packet; what comes out is an encoded `EncryptedPacketPayload`.
    ///
    /// Its IV names no track, and its time is the sender's own, so a packet is not late by its age: reliable ones come
    /// when they can. Only repetitions are refused, and what is so old that its IV is forgotten. The person's [`State`]
    /// is about frames; a packet changes nothing of it.
    ///
    /// # Errors
    /// [`OpenError`] when it has to be dropped.
    pub fn open_data(&mut self, now: Duration, packet: &EncryptedPacket) -> Result<Vec<u8>, OpenError> {
        self.expire(now);
        let bytes = packet.encrypted_value.len();
        if bytes > LARGEST_DATA {
            return Err(BadFrame::Large { bytes }.into());
        }
        // `encryption_type` is not looked at: client-sdk-js leaves it out.
        let iv: [u8; IV_BYTES] = packet.iv.as_slice().try_into().or(Err(OpenError::NotEncrypted))?;
        let iv = Iv::new(iv);
        let index = u8::try_from(packet.key_index).or(Err(OpenError::NotEncrypted))?;
        let (body, tag) = packet.encrypted_value.split_last_chunk::<TAG_BYTES>().ok_or(BadFrame::Short)?;
        let Some(slot) = self.ring.get(&index) else {
            self.want(now);
            return Err(OpenError::NoKey { index });
        };
        if !self.trusts(slot.trust) {
            return Err(OpenError::Unverified);
        }
        if slot.packets.has(&iv) {
            return Err(OpenError::Repeated);
        }
        if slot.packet_floor.is_some_and(|floor| !is_after(floor, iv.timestamp())) {
            return Err(OpenError::Late);
        }
        let mut body = body.to_vec();
        let ratchets = if self.packet_failures < FAILURE_TOLERANCE { RATCHET_WINDOW } else { 0 };
        if !self.decrypt(index, &iv, &[], &mut body, tag, ratchets) {
            self.packet_failures = self.packet_failures.saturating_add(1);
            return Err(OpenError::WrongKey);
        }
        if let Some(slot) = self.ring.get_mut(&index)
            && let Some(forgotten) = slot.packets.add(iv, REMEMBERED)
        {
            slot.packet_floor = Some(risen(slot.packet_floor, forgotten.timestamp()));
        }
        self.packet_failures = 0;
        Ok(body)
    }

    /// How the person stands.
    #[must_use]
    pub fn state(&self) -> State {
        let Some(newest) = self.newest.and_then(|index| self.ring.get(&index)) else {
            return State::KeyMissing;
        };
        if self.failures > FAILURE_TOLERANCE {
            return match self.last_failure {
                Failure::Missing => State::KeyMissing,
                Failure::Wrong => State::Failed,
            };
        }
        if self.trusts(newest.trust) { State::Encrypted } else { State::Verifying }
    }

    /// True when the person's key is to be asked for, once for each time of [`ASK_AFTER`] that has come.
    pub fn is_to_be_asked(&mut self, now: Duration) -> bool {
        let Some(wanted) = &mut self.wanted else {
            return false;
        };
        let due = ASK_AFTER.iter().filter(|after| now >= wanted.since.saturating_add(**after)).count();
        let is_due = due > wanted.asked;
        wanted.asked = due.max(wanted.asked);
        is_due
    }

    /// When [`Opener::is_to_be_asked`] changes its answer by itself, or a key has to be wiped.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let ask = self.wanted.and_then(|wanted| Some(wanted.since.saturating_add(*ASK_AFTER.get(wanted.asked)?)));
        self.ring.values().filter_map(|slot| slot.ends).chain(ask).min()
    }

    /// Wipes the keys whose time is over.
    pub fn expire(&mut self, now: Duration) {
        while let Some(index) = self.ring.iter().find(|(_, slot)| slot.ends.is_some_and(|ends| ends <= now)) {
            let index = *index.0;
            self.remove(index);
        }
    }

    /// Asks for nothing any more.
    pub(super) fn stop_waiting(&mut self) {
        self.asks = false;
        self.wanted = None;
    }

    /// Begins to wait for a key, where one is missing.
    pub(super) fn wait_from(&mut self, now: Duration) {
        self.asks = true;
        if self.newest.is_none() {
            self.want(now);
        }
    }

    fn set(&mut self, now: Duration, index: u8, key: FrameKey, material: Option<Material>, trust: KeyTrust) {
        self.expire(now);
        if let Some(slot) = self.ring.get_mut(&index)
            && (slot.given == key || slot.key == key)
        {
            slot.trust = trust;
            return;
        }
        // The index is not authenticated: the same key in two places would open each frame twice, so it moves.
        let place = self.ring.iter().find(|(_, slot)| slot.given == key).map(|(place, _)| *place);
        let slot = match place.and_then(|place| self.ring.remove(&place)) {
            Some(slot) => Slot { trust, ends: None, ..slot },
            None => self.slot(key, material, trust),
        };
        self.remove(index);
        for other in self.ring.values_mut() {
            other.ends = Some(other.ends.unwrap_or(now.saturating_add(OLD_KEY_KEPT)));
        }
        self.ring.insert(index, slot);
        self.newest = Some(index);
        self.packet_failures = 0;
        self.succeeded();
    }

    fn slot(&mut self, key: FrameKey, material: Option<Material>, trust: KeyTrust) -> Slot {
        let number = self.numbers;
        self.numbers += 1;
        Slot {
            given: key.clone(),
            key,
            material,
            trust,
            number,
            frames: Seen::default(),
            frame_floors: BTreeMap::new(),
            packets: Seen::default(),
            packet_floor: None,
            ends: None,
        }
    }

    fn remove(&mut self, index: u8) {
        if let Some(gone) = self.ring.remove(&index) {
            self.sources.retain(|_, source| source.slot != gone.number);
        }
    }

    fn trusts(&self, trust: KeyTrust) -> bool {
        match trust {
            KeyTrust::OwnerSigned => true,
            KeyTrust::Unsigned => self.unsigned_allowed,
        }
    }

    fn check_frame(&self, slot: &Slot, iv: &Iv, clock_hz: u32) -> Result<(), OpenError> {
        if slot.frames.has(iv) {
            return Err(OpenError::Repeated);
        }
        let Some(source) = self.sources.get(&iv.source()) else {
            return if self.sources.len() < MOST_SOURCES { Ok(()) } else { Err(OpenError::TooManySources) };
        };
        let time = iv.timestamp();
        // The first frame under a later key is newer than all others, however long the source was silent.
        if slot.number > source.slot {
            return Ok(());
        }
        let is_old = behind(source.newest, time) > LATE_SECONDS * clock_hz;
        let is_forgotten = slot.frame_floors.get(&iv.source()).is_some_and(|floor| !is_after(*floor, time));
        // What seems to lie ahead was there before if timestamps would have gone around under the key for it, or if the
        // source has a later key: then this key's timestamps all lie behind.
        let is_around = is_after(source.newest, time)
            && (slot.number < source.slot || source.passed.checked_add(time.wrapping_sub(source.newest)).is_none());
        if is_old || is_forgotten || is_around { Err(OpenError::Late) } else { Ok(()) }
    }

    /// Decrypts with the key at `index`, or with what it becomes in as many `ratchets`.
    fn decrypt(
        &mut self,
        index: u8,
        iv: &Iv,
        clear: &[u8],
        body: &mut [u8],
        tag: &[u8; TAG_BYTES],
        ratchets: u8,
    ) -> bool {
        let Some(slot) = self.ring.get_mut(&index) else {
            return false;
        };
        if slot.key.open(iv, clear, body, tag) {
            return true;
        }
        let mut tried: Option<Material> = None;
        for _ in 0..ratchets {
            let Some(material) = tried.as_ref().or(slot.material.as_ref()).map(Material::ratcheted) else {
                return false;
            };
            let key = material.frame_key();
            if key.open(iv, clear, body, tag) {
                slot.key = key;
                slot.material = Some(material);
                return true;
            }
            tried = Some(material);
        }
        false
    }

    fn remember_frame(&mut self, index: u8, iv: Iv) {
        let Some(slot) = self.ring.get_mut(&index) else {
            return;
        };
        if let Some(forgotten) = slot.frames.add(iv, REMEMBERED) {
            let floor = slot.frame_floors.get(&forgotten.source()).copied();
            slot.frame_floors.insert(forgotten.source(), risen(floor, forgotten.timestamp()));
        }
        let (time, number) = (iv.timestamp(), slot.number);
        let first = Source { newest: time, passed: 0, slot: number };
        let source = self.sources.entry(iv.source()).or_insert(first);
        match number.cmp(&source.slot) {
            Ordering::Greater => *source = first,
            // An older key's frame lies behind, or it would have been refused.
            Ordering::Less => {}
            Ordering::Equal if is_after(source.newest, time) => {
                source.passed = source.passed.saturating_add(time.wrapping_sub(source.newest));
                source.newest = time;
            }
            Ordering::Equal => source.passed = source.passed.max(behind(source.newest, time)),
        }
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.wanted = None;
    }

    fn failed(&mut self, now: Duration, failure: Failure) {
        self.failures = self.failures.saturating_add(1);
        self.last_failure = failure;
        // A key that is not there is waited for from the first frame on; a wrong one only when it is known to be wrong.
        let is_wanted = match failure {
            Failure::Missing => true,
            Failure::Wrong => self.failures > FAILURE_TOLERANCE,
        };
        if is_wanted {
            self.want(now);
        }
    }

    fn want(&mut self, now: Duration) {
        if self.asks && self.wanted.is_none() {
            self.wanted = Some(Wanted { since: now, asked: 0 });
        }
    }
}

/// Whether the server made the frame (client-sdk-js `FrameCryptor.ts`, `isFrameServerInjected`).
pub(super) fn is_injected(frame: &[u8], sif_trailer: &[u8]) -> bool {
    !sif_trailer.is_empty() && frame.ends_with(sif_trailer)
}

/// Whether `timestamp` is later than `floor`.
fn is_after(floor: u32, timestamp: u32) -> bool {
    floor != timestamp && later(floor, timestamp) == timestamp
}

fn risen(floor: Option<u32>, timestamp: u32) -> u32 {
    floor.map_or(timestamp, |floor| later(floor, timestamp))
}

impl<'a> Parts<'a> {
    fn of(codec: Codec, frame: &'a [u8]) -> Result<Self, OpenError> {
        let (clear, rest) = frame.split_at(codec.clear_bytes(frame)?);
        let mut body = if codec.is_escaped() { unescaped(rest) } else { rest.to_vec() };
        let start = body.len().checked_sub(OVERHEAD).ok_or(BadFrame::Short)?;
        let trailer = body.split_off(start);
        let (tag, trailer) = trailer.split_first_chunk::<TAG_BYTES>().ok_or(BadFrame::Short)?;
        let (iv, trailer) = trailer.split_first_chunk::<IV_BYTES>().ok_or(BadFrame::Short)?;
        match trailer {
            [IV_MARK, index] => Ok(Self { clear, body, tag: *tag, iv: Iv::new(*iv), index: *index }),
            _ => Err(OpenError::NotEncrypted),
        }
    }
}
