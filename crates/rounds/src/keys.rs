//! The keys of a round, shared by everything that sends and receives in it.

use model::round::{KeyTrust, MediaKey, MemberId};
use rounds_proto::frame::{
    Codec, DataSealer, FrameKey, KeyUsed, Members, OpenError, Opened, OwnKeys, SealError, Sealer, SourceTaken, State,
    UnsignedDevices,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How the frames of a round are encrypted.
#[derive(Debug)]
pub enum Encryption {
    /// Not at all, as a meeting of LiveKit's without a key is.
    None,
    /// All share one key.
    Shared(FrameKey),
    /// Each person has keys of their own; they come by [`crate::Round::set_key`].
    OfEach(UnsignedDevices),
}

/// The keys, and the clock that all of the round share.
#[derive(Debug, Clone)]
pub(crate) struct Keys(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    began: Instant,
    ring: Option<Mutex<Ring>>,
}

#[derive(Debug)]
struct Ring {
    shared: Option<FrameKey>,
    members: Members,
    own: OwnKeys,
}

impl Keys {
    pub(crate) fn new(encryption: Encryption) -> Self {
        let (shared, members) = match encryption {
            Encryption::None => return Self(Arc::new(Shared { began: Instant::now(), ring: None })),
            Encryption::Shared(key) => (Some(key.clone()), Members::with_shared_key(key)),
            Encryption::OfEach(unsigned) => (None, Members::with_keys_of_each(unsigned)),
        };
        let ring = Ring { shared, members, own: OwnKeys::new() };
        let keys = Self(Arc::new(Shared { began: Instant::now(), ring: Some(Mutex::new(ring)) }));
        keys.begin_anew();
        keys
    }

    /// Since the round began.
    pub(crate) fn now(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// The instant of a time of [`Keys::now`].
    pub(crate) fn instant(&self, at: Duration) -> Instant {
        self.0.began + at
    }

    pub(crate) fn encrypts(&self) -> bool {
        self.0.ring.is_some()
    }

    /// For another peer connection: no source of the last one is used again. Where each has keys of their own, another
    /// one is due.
    pub(crate) fn begin_anew(&self) {
        if let Some(mut ring) = self.ring() {
            ring.own = OwnKeys::new();
            if let Some(key) = ring.shared.clone() {
                // Nothing was used yet.
                let _first = ring.own.set_shared(self.now(), 0, key);
            }
        }
    }

    /// Whether each person has keys of their own.
    pub(crate) fn are_of_each(&self) -> bool {
        self.ring().is_some_and(|ring| ring.shared.is_none())
    }

    pub(crate) fn set_own(&self, key: &MediaKey) -> Result<(), KeyUsed> {
        let now = self.now();
        self.ring().map_or(Ok(()), |mut ring| ring.own.set(now, key))
    }

    /// Everything that the members are told goes through here.
    pub(crate) fn members<T>(&self, act: impl FnOnce(Duration, &mut Members) -> T) -> Option<T> {
        let now = self.now();
        self.ring().map(|mut ring| act(now, &mut ring.members))
    }

    pub(crate) fn set_members(&self, members: &BTreeSet<MemberId>) {
        self.members(|now, known| known.set_members(now, members));
    }

    pub(crate) fn set_key(&self, from: &MemberId, key: &MediaKey, trust: KeyTrust) {
        self.members(|now, known| known.set_key(now, from, key, trust));
    }

    pub(crate) fn states(&self) -> Vec<(MemberId, State)> {
        let states = self.members(|_now, known| known.states().map(|(id, state)| (id.clone(), state)).collect());
        states.unwrap_or_default()
    }

    /// A frame of somebody; as it is where nothing is encrypted.
    pub(crate) fn open(&self, who: &MemberId, codec: Codec, frame: Vec<u8>) -> Result<Opened, OpenError> {
        match self.members(|now, known| known.open(now, who, codec, &frame)) {
            Some(opened) => opened,
            None if frame.is_empty() => Ok(Opened::Empty),
            None => Ok(Opened::Frame(frame)),
        }
    }

    /// What seals the frames of a source that nobody used before; none where nothing is encrypted.
    pub(crate) fn sealer(&self, source: u32, codec: Codec) -> Result<Option<Sealer>, SourceTaken> {
        self.ring().map(|mut ring| ring.own.sealer(source, codec, rand::random())).transpose()
    }

    pub(crate) fn data_sealer(&self) -> Option<DataSealer> {
        // One of four billion is taken.
        self.ring().and_then(|mut ring| (0..4).find_map(|_| ring.own.data_sealer(rand::random(), rand::random()).ok()))
    }

    /// Seals with the key that is in force.
    pub(crate) fn seal<T>(
        &self,
        act: impl FnOnce(&mut OwnKeys, Duration) -> Result<T, SealError>,
    ) -> Result<Option<T>, SealError> {
        let now = self.now();
        self.ring().map(|mut ring| act(&mut ring.own, now)).transpose()
    }

    fn ring(&self) -> Option<MutexGuard<'_, Ring>> {
        self.0.ring.as_ref().map(|ring| ring.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
