//! The receiving side of one person: the ring of keys, what is refused, and how they stand.

use super::codec::{BadFrame, Codec, LARGEST_DATA, unescaped};
use super::iv::{IV_BYTES, Iv, behind};
use super::key::{FrameKey, KeyDigest, Material};
use super::members::State;
use super::memory::{Memory, is_after};
use super::{IV_MARK, OVERHEAD, TAG_BYTES};
use livekit_protocol::EncryptedPacket;
use model::round::{KeyTrust, MediaKey};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// More frames in a row than these cannot be opened, and the person's key has failed (client-sdk-js
/// `src/e2ee/constants.ts`, `DECRYPTION_FAILURE_TOLERANCE`). Whoever stops trying needs another key to go on; trying
/// further costs little and ends by itself when the right frames come.
pub const FAILURE_TOLERANCE: u32 = 10;
/// So many ratchets are tried before a frame counts as failed (Element Call, `matrixKeyProvider.ts`).
pub const RATCHET_WINDOW: u8 = 10;
/// An older key is kept for so long after the first frame or packet under a newer one, for those that are under way.
pub const OLD_KEY_KEPT: Duration = Duration::from_secs(10);
/// So many IVs of frames are remembered under each key, and as many of packets.
pub const REMEMBERED: usize = 4096;
/// So long after a key was found missing it is asked for, each time.
pub const ASK_AFTER: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(45)];

/// After the last of these times it is asked for again so long after each time, while frames or packets still fail.
pub const ASK_AGAIN: Duration = Duration::from_secs(60);
/// So many late frames in a row are none that are under way: somebody began anew under an old key. Five seconds of sound.
pub const MOST_LATE: u32 = 250;

/// A frame whose timestamp lies further behind the newest of its source is late, in seconds.
const LATE_SECONDS: u32 = 5;
/// A camera that is turned on once a minute for a day, in three sizes, has 4,320 sources; nobody has as many under one
/// key.
const MOST_SOURCES: usize = 4096;
/// Where everybody has the same key, so much more of each is remembered.
const ROUND: usize = 16;
/// No more keys of one person are told apart, ratcheted ones with them: a new one each minute for 45 days.
const MOST_KEYS: usize = 65_536;

/// What opens the frames and data packets of one person.
#[derive(Debug)]
pub struct Opener {
    whose: Whose,
    ring: BTreeMap<u8, Slot>,
    newest: Option<u8>,
    /// Digests of all keys that ever were: those in the ring, and those that are wiped and not taken again.
    known: BTreeSet<KeyDigest>,
    /// Of keys of an earlier stay, which may be taken again.
    past: BTreeMap<KeyDigest, Past>,
    sources: BTreeMap<u32, Source>,
    /// Keys from devices that their owner did not sign may be used.
    unsigned_allowed: bool,
    asks: bool,
    /// Since the last frame that could be opened.
    failures: u32,
    last_failure: Failure,
    /// Late frames since then.
    late: u32,
    /// Data packets since the last one that could be opened.
    packet_failures: u32,
    wanted: Option<Wanted>,
    numbers: u64,
}

/// Whose frames are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    One,
    /// With one key for all. Their clocks differ, and who sent a packet only the server says.
    Everybodys,
}

#[derive(Debug)]
struct Slot {
    /// As it came.
    given: KeyDigest,
    /// What it was ratcheted to, in order.
    ratcheted: Vec<KeyDigest>,
    /// In use.
    key: FrameKey,
    /// What `key` is derived from; none of a shared key, which nobody ratchets.
    material: Option<Material>,
    trust: KeyTrust,
    /// In the order in which they first came.
    number: u64,
    memory: Memory,
    /// When it is wiped, a newer one being in use.
    ends: Option<Duration>,
}

/// What is known of a key of somebody who left.
#[derive(Debug, Clone)]
struct Past {
    memory: Memory,
    sources: Vec<(u32, Source)>,
}

/// What is kept of somebody who left, so that nothing of theirs is opened twice. No secret is in it.
#[derive(Debug)]
pub(super) struct History {
    /// Not taken again.
    wiped: BTreeSet<KeyDigest>,
    past: BTreeMap<KeyDigest, Past>,
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
    /// The last time, if there was one.
    asked_at: Duration,
    /// Something failed after it.
    still_fails: bool,
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
            whose: Whose::One,
            ring: BTreeMap::new(),
            newest: None,
            known: BTreeSet::new(),
            past: BTreeMap::new(),
            sources: BTreeMap::new(),
            unsigned_allowed: false,
            asks: false,
            failures: 0,
            last_failure: Failure::Missing,
            late: 0,
            packet_failures: 0,
            wanted: None,
            numbers: 0,
        }
    }

    /// Of all who have one key.
    pub(super) fn of_everybody(now: Duration, index: u8, key: FrameKey) -> Self {
        let mut opener = Self { whose: Whose::Everybodys, ..Self::silent() };
        opener.set_shared(now, index, key);
        opener
    }

    /// Of somebody who is back.
    pub(super) fn after(history: History) -> Self {
        Self { known: history.wiped, past: history.past, ..Self::silent() }
    }

    /// What has to be kept of somebody who leaves; none where nothing was opened.
    pub(super) fn into_history(self) -> Option<History> {
        let Self { ring, known: mut wiped, mut past, sources, .. } = self;
        for slot in ring.into_values() {
            let names = [Some(slot.given), slot.ratcheted.last().copied()];
            let is_unused = slot.memory.is_empty();
            let of_slot = |source: &(&u32, &Source)| source.1.slot == slot.number;
            let sources = sources.iter().filter(of_slot).map(|(source, state)| (*source, *state)).collect();
            let of_key = Past { memory: slot.memory.condensed(), sources };
            // One that a newer key replaced stays wiped.
            for name in names.into_iter().flatten().filter(|_name| slot.ends.is_none()) {
                wiped.remove(&name);
                if !is_unused {
                    past.insert(name, of_key.clone());
                }
            }
        }
        (!wiped.is_empty() || !past.is_empty()).then_some(History { wiped, past })
    }

    /// Takes a key that came at `now` and puts it in its place. Older ones are kept for [`OLD_KEY_KEPT`] from when this
    /// one is first used. A key that is there keeps its turn: it only moves to another index, unless a later key has
    /// that, and its device may be known better. One that was wiped is not taken again, since what it opened is
    /// forgotten.
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
        let got = self.open_encrypted(now, codec, frame);
        self.judge(now, &got);
        got
    }

    fn open_encrypted(&mut self, now: Duration, codec: Codec, frame: &[u8]) -> Result<Opened, OpenError> {
        let mut parts = Parts::of(codec, frame)?;
        let index = parts.index;
        let Some(slot) = self.ring.get(&index) else {
            return Err(OpenError::NoKey { index });
        };
        if !self.trusts(slot.trust) {
            return Err(OpenError::Unverified);
        }
        self.check_frame(slot, &parts.iv, codec.clock_hz())?;
        // Once a key has failed, frames that nobody can open cost no more than one attempt each.
        let ratchets = if self.failures < FAILURE_TOLERANCE { RATCHET_WINDOW } else { 0 };
        if !self.decrypt(index, &parts.iv, parts.clear, &mut parts.body, &parts.tag, ratchets) {
            return Err(OpenError::WrongKey);
        }
        // What is remembered was authenticated: nobody without the key can fill the memory or move the newest time.
        self.remember_frame(index, parts.iv);
        self.is_used(now, index);
        Ok(Opened::Frame([parts.clear, &parts.body].concat()))
    }

    /// Opens a data packet; what comes out is an encoded `EncryptedPacketPayload`.
    ///
    /// Its IV names no track, and its time is the sender's own, so a packet is not late by its age: reliable ones come
    /// when they can. Only repetitions are refused, and what is so old that its IV is forgotten. The person's [`State`]
    /// is about frames; a packet changes nothing of it. Without its key, or after more than [`FAILURE_TOLERANCE`] in a
    /// row that the key does not open, the key is asked for.
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
            self.note_failure();
            return Err(OpenError::NoKey { index });
        };
        if !self.trusts(slot.trust) {
            return Err(OpenError::Unverified);
        }
        slot.memory.check_packet(&iv)?;
        let mut body = body.to_vec();
        let ratchets = if self.packet_failures < FAILURE_TOLERANCE { RATCHET_WINDOW } else { 0 };
        if !self.decrypt(index, &iv, &[], &mut body, tag, ratchets) {
            self.packet_failures = self.packet_failures.saturating_add(1);
            if self.packet_failures > FAILURE_TOLERANCE {
                self.want(now);
            }
            self.note_failure();
            return Err(OpenError::WrongKey);
        }
        let (most, has_floor) = (self.breadth() * REMEMBERED, self.whose == Whose::One);
        if let Some(slot) = self.ring.get_mut(&index) {
            slot.memory.add_packet(iv, most, has_floor);
        }
        self.is_used(now, index);
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

    /// True when the person's key is to be asked for, once for each time of [`ASK_AFTER`] that has come, and then each
    /// [`ASK_AGAIN`] if something failed meanwhile.
    pub fn is_to_be_asked(&mut self, now: Duration) -> bool {
        let Some(wanted) = &mut self.wanted else {
            return false;
        };
        let due = ASK_AFTER.iter().filter(|after| now >= wanted.since.saturating_add(**after)).count();
        let is_due = due > wanted.asked || wanted.again_at().is_some_and(|at| at <= now);
        if is_due {
            *wanted = Wanted { asked: due.max(wanted.asked), asked_at: now, still_fails: false, ..*wanted };
        }
        is_due
    }

    /// When [`Opener::is_to_be_asked`] changes its answer by itself, or a key has to be wiped.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let ask = self.wanted.and_then(|wanted| match ASK_AFTER.get(wanted.asked) {
            Some(after) => Some(wanted.since.saturating_add(*after)),
            None => wanted.again_at(),
        });
        self.ring.values().filter_map(|slot| slot.ends).chain(ask).min()
    }

    /// Wipes the keys whose time is over.
    pub fn expire(&mut self, now: Duration) {
        while let Some(index) = self.ring.iter().find(|(_, slot)| slot.ends.is_some_and(|ends| ends <= now)) {
            let index = *index.0;
            self.remove(index);
        }
    }

    /// Notes what became of a frame of this person that another opener opened.
    pub(super) fn judge(&mut self, now: Duration, got: &Result<Opened, OpenError>) {
        match got {
            Ok(Opened::Frame(_)) => self.succeeded(),
            Err(OpenError::Frame(_) | OpenError::NotEncrypted | OpenError::WrongKey) => {
                self.failed(now, Failure::Wrong);
            }
            Err(OpenError::NoKey { .. }) => self.failed(now, Failure::Missing),
            Err(OpenError::Late) => self.is_late(now),
            Ok(Opened::Empty | Opened::Injected)
            | Err(OpenError::Unassigned | OpenError::Unverified | OpenError::Repeated | OpenError::TooManySources) => {}
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
        let name = key.digest();
        if self.known.contains(&name) {
            self.set_again(index, &name, trust);
        } else if self.known.len() < MOST_KEYS {
            let slot = self.slot(key, material, trust);
            self.remove(index);
            self.ring.insert(index, slot);
            self.newest = Some(index);
            self.packet_failures = 0;
            self.succeeded();
        }
    }

    /// The index is not authenticated: the same key in two places would open each frame twice, so it moves.
    fn set_again(&mut self, index: u8, name: &KeyDigest, trust: KeyTrust) {
        let Some(place) = self.ring.iter().find(|(_, slot)| slot.was(name)).map(|(place, _)| *place) else {
            return;
        };
        let Some(slot) = self.ring.get_mut(&place) else { return };
        slot.trust = trust;
        let number = slot.number;
        if place == index || self.ring.get(&index).is_some_and(|there| there.number > number) {
            return;
        }
        if let Some(slot) = self.ring.remove(&place) {
            self.remove(index);
            self.ring.insert(index, slot);
        }
        if self.newest == Some(place) {
            self.newest = Some(index);
        }
    }

    fn slot(&mut self, key: FrameKey, material: Option<Material>, trust: KeyTrust) -> Slot {
        let number = self.numbers;
        self.numbers += 1;
        let given = key.digest();
        self.known.insert(given);
        let past = self.past.remove(&given).map_or_else(Default::default, |past| {
            for (source, state) in past.sources {
                self.sources.entry(source).or_insert(Source { slot: number, ..state });
            }
            past.memory
        });
        Slot { given, ratcheted: Vec::new(), key, material, trust, number, memory: past, ends: None }
    }

    /// The sender uses the key at `index`: older ones are only waited for.
    fn is_used(&mut self, now: Duration, index: u8) {
        let Some(number) = self.ring.get(&index).map(|slot| slot.number) else { return };
        for older in self.ring.values_mut().filter(|slot| slot.number < number) {
            older.ends.get_or_insert(now.saturating_add(OLD_KEY_KEPT));
        }
    }

    fn breadth(&self) -> usize {
        match self.whose {
            Whose::One => 1,
            Whose::Everybodys => ROUND,
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
        slot.memory.check(iv)?;
        let Some(source) = self.sources.get(&iv.source()) else {
            // Of this key alone: those of an older one are forgotten with it, after this frame.
            let sources = self.sources.values().filter(|source| source.slot == slot.number).count();
            let room = sources < self.breadth() * MOST_SOURCES;
            return if room { Ok(()) } else { Err(OpenError::TooManySources) };
        };
        let time = iv.timestamp();
        // The first frame under a later key is newer than all others, however long the source was silent.
        if slot.number > source.slot {
            return Ok(());
        }
        let is_old = behind(source.newest, time) > LATE_SECONDS * clock_hz;
        // What seems to lie ahead was there before if timestamps would have gone around under the key for it, or if the
        // source has a later key: then this key's timestamps all lie behind.
        let is_around = is_after(source.newest, time)
            && (slot.number < source.slot || source.passed.checked_add(time.wrapping_sub(source.newest)).is_none());
        if is_old || is_around { Err(OpenError::Late) } else { Ok(()) }
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
        let Some(slot) = self.ring.get(&index) else {
            return false;
        };
        if slot.key.open(iv, clear, body, tag) {
            return true;
        }
        if self.known.len() >= MOST_KEYS {
            return false;
        }
        let mut tried: Option<Material> = None;
        for _ in 0..ratchets {
            let Some(material) = tried.as_ref().or(slot.material.as_ref()).map(Material::ratcheted) else {
                return false;
            };
            let key = material.frame_key();
            if key.open(iv, clear, body, tag) {
                return self.ratchet_to(index, key, material);
            }
            tried = Some(material);
        }
        false
    }

    /// Whether the key at `index` becomes this one: not where another was this one before, since then its memory would
    /// be another's.
    fn ratchet_to(&mut self, index: u8, key: FrameKey, material: Material) -> bool {
        let name = key.digest();
        if !self.known.insert(name) {
            return false;
        }
        let past = self.past.remove(&name);
        let Some(slot) = self.ring.get_mut(&index) else { return false };
        if let Some(past) = past {
            slot.memory.absorb(&past.memory);
        }
        slot.ratcheted.push(name);
        slot.key = key;
        slot.material = Some(material);
        true
    }

    fn remember_frame(&mut self, index: u8, iv: Iv) {
        let most = self.breadth() * REMEMBERED;
        let Some(slot) = self.ring.get_mut(&index) else {
            return;
        };
        slot.memory.add_frame(iv, most);
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
        self.late = 0;
        self.wanted = None;
    }

    /// A few frames are late; where all of them are, the key is of no use any more.
    fn is_late(&mut self, now: Duration) {
        self.late = self.late.saturating_add(1);
        if self.late >= MOST_LATE {
            self.failures = self.failures.max(FAILURE_TOLERANCE);
            self.failed(now, Failure::Wrong);
        }
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
        self.note_failure();
    }

    fn note_failure(&mut self) {
        if let Some(wanted) = &mut self.wanted {
            wanted.still_fails = true;
        }
    }

    fn want(&mut self, now: Duration) {
        if self.asks && self.wanted.is_none() {
            self.wanted = Some(Wanted { since: now, asked: 0, asked_at: now, still_fails: false });
        }
    }
}

/// Whether the server made the frame (client-sdk-js `FrameCryptor.ts`, `isFrameServerInjected`).
pub(super) fn is_injected(frame: &[u8], sif_trailer: &[u8]) -> bool {
    !sif_trailer.is_empty() && frame.ends_with(sif_trailer)
}

impl Wanted {
    /// When it is to be asked for once more, all times of [`ASK_AFTER`] being over.
    fn again_at(&self) -> Option<Duration> {
        let is_over = self.asked >= ASK_AFTER.len();
        (is_over && self.still_fails).then(|| self.asked_at.saturating_add(ASK_AGAIN))
    }
}

impl Slot {
    fn was(&self, name: &KeyDigest) -> bool {
        self.given == *name || self.ratcheted.contains(name)
    }
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
