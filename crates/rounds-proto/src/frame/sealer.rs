//! The sending side: own keys, and what encrypts frames and data packets under them.

use super::codec::{BadFrame, Codec, LARGEST_DATA, LARGEST_FRAME, escaped, with_long_start_codes};
use super::iv::{Iv, Ivs, NoIv};
use super::key::{FrameKey, KeyDigest, Material};
use super::{IV_MARK, OVERHEAD, TAG_BYTES};
use livekit_protocol::{EncryptedPacket, encryption};
use model::round::MediaKey;
use std::collections::BTreeSet;
use std::time::Duration;

/// So long after it was handed out an own key is used, that the others may have it by then (matrix-js-sdk
/// `RTCEncryptionManager.ts`, `useKeyDelay`).
pub const OWN_KEY_DELAY: Duration = Duration::from_secs(1);

/// The keys under which this device sends: the one in force, and those that were handed out after it.
#[derive(Debug, Default)]
pub struct OwnKeys {
    /// In the order in which they come into force.
    keys: Vec<OwnKey>,
    /// Digests of all that ever were; secrets stay out of it.
    used: BTreeSet<KeyDigest>,
    sources: BTreeSet<u32>,
}

#[derive(Debug)]
struct OwnKey {
    index: u8,
    key: FrameKey,
    number: usize,
    from: Duration,
}

/// The key was in use before. Its IVs would come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key was used before")]
pub struct KeyUsed;

/// Something is sent under this number already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source has a sealer already")]
pub struct SourceTaken;

/// Why a frame cannot leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No key was handed out.
    #[error("there is no own key")]
    NoKey,
    /// It is no frame of its codec.
    #[error(transparent)]
    Frame(#[from] BadFrame),
    /// The timestamp lies before that of the last frame. A track that begins anew needs a source of its own.
    #[error("the timestamp went back")]
    TimestampWentBack,
    /// The timestamps of the source went around once under this key, after 13 hours of picture or 24 of sound. A new
    /// key is due.
    #[error("the key has no IV left for the source")]
    KeySpent,
}

impl From<NoIv> for SealError {
    fn from(none: NoIv) -> Self {
        match none {
            NoIv::WentBack => Self::TimestampWentBack,
            NoIv::Spent => Self::KeySpent,
        }
    }
}

impl OwnKeys {
    /// None yet. Made anew at each join, with sources that are drawn anew.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a key that was handed out at `now`. The first is in force at once, since nothing else could be sent; each
    /// other after [`OWN_KEY_DELAY`]. The newest one again changes nothing.
    ///
    /// # Errors
    /// [`KeyUsed`] when it was in use before.
    pub fn set(&mut self, now: Duration, key: &MediaKey) -> Result<(), KeyUsed> {
        self.take(now, key.index, Material::from_key(key).frame_key())
    }

    /// Takes a key that all of a round share; LiveKit's clients put it at index 0.
    ///
    /// # Errors
    /// [`KeyUsed`] when it was in use before.
    pub fn set_shared(&mut self, now: Duration, index: u8, key: FrameKey) -> Result<(), KeyUsed> {
        self.take(now, index, key)
    }

    /// Encrypts frames of `codec` that are sent with the SSRC `source`. Both `source` and `first_count`, where the
    /// counter of the IV begins, are random.
    ///
    /// # Errors
    /// [`SourceTaken`] when there is a sealer of this source.
    pub fn sealer(&mut self, source: u32, codec: Codec, first_count: u16) -> Result<Sealer, SourceTaken> {
        Ok(Sealer { codec, ivs: self.ivs(source, first_count)? })
    }

    /// Encrypts data packets. `source` and `first_count` are random; LiveKit's own clients draw the former for each
    /// packet, and nobody reads it.
    ///
    /// # Errors
    /// [`SourceTaken`] when there is a sealer of this source.
    pub fn data_sealer(&mut self, source: u32, first_count: u16) -> Result<DataSealer, SourceTaken> {
        Ok(DataSealer { ivs: self.ivs(source, first_count)? })
    }

    /// The index of the key in force at `now`.
    #[must_use]
    pub fn index(&self, now: Duration) -> Option<u8> {
        self.place(now).and_then(|place| self.keys.get(place)).map(|key| key.index)
    }

    fn take(&mut self, now: Duration, index: u8, key: FrameKey) -> Result<(), KeyUsed> {
        if self.keys.last().is_some_and(|last| last.index == index && last.key == key) {
            return Ok(());
        }
        let number = self.used.len();
        if !self.used.insert(key.digest()) {
            return Err(KeyUsed);
        }
        let from = if self.keys.is_empty() { now } else { now.saturating_add(OWN_KEY_DELAY) };
        self.keys.push(OwnKey { index, key, number, from });
        Ok(())
    }

    fn ivs(&mut self, source: u32, first_count: u16) -> Result<Ivs, SourceTaken> {
        if self.sources.insert(source) { Ok(Ivs::new(source, first_count)) } else { Err(SourceTaken) }
    }

    fn place(&self, now: Duration) -> Option<usize> {
        self.keys.iter().rposition(|key| key.from <= now)
    }

    /// The key in force. Those before it are wiped.
    fn in_force(&mut self, now: Duration) -> Result<&OwnKey, SealError> {
        let place = self.place(now).ok_or(SealError::NoKey)?;
        self.keys.drain(..place);
        self.keys.first().ok_or(SealError::NoKey)
    }
}

/// Encrypts the frames of one stream. Simulcast has a stream, so a sealer, for each of its layers.
#[derive(Debug)]
pub struct Sealer {
    codec: Codec,
    ivs: Ivs,
}

impl Sealer {
    /// Encrypts one frame, which then is cut into packets that have the sealer's SSRC and this RTP timestamp. An empty
    /// frame, as Opus has them in silence, stays empty.
    ///
    /// What comes out of H.264 is one access unit of Annex B whose last bytes may be zeros that belong to it.
    ///
    /// # Errors
    /// [`SealError`] when the frame must not leave.
    pub fn seal(
        &mut self,
        keys: &mut OwnKeys,
        now: Duration,
        frame: &[u8],
        timestamp: u32,
    ) -> Result<Vec<u8>, SealError> {
        if frame.is_empty() {
            return Ok(Vec::new());
        }
        let own = keys.in_force(now)?;
        let (clear, body) = frame.split_at(self.codec.clear_bytes(frame)?);
        let iv = self.ivs.next(own.number, timestamp)?;
        let sealed = if self.codec.is_escaped() {
            let clear = with_long_start_codes(clear);
            let rest = sealed(own, &iv, &clear, body);
            [clear, escaped(&rest)].concat()
        } else {
            [clear, &sealed(own, &iv, clear, body)].concat()
        };
        // A receiver has the same limit.
        if sealed.len() > LARGEST_FRAME {
            return Err(BadFrame::Large { bytes: sealed.len() }.into());
        }
        Ok(sealed)
    }
}

/// Encrypts data packets.
#[derive(Debug)]
pub struct DataSealer {
    ivs: Ivs,
}

impl DataSealer {
    /// Encrypts one packet, `payload` being an encoded `EncryptedPacketPayload` of `livekit_models.proto`. Nothing of
    /// it is readable, so nothing is authenticated beside it.
    ///
    /// `millis` are the milliseconds since 1970, modulo 2³², of a clock that never goes back. They have to go on where
    /// they were after the program begins again with the same key: a receiver who has forgotten the first packets takes
    /// none of an earlier time ([`super::OpenError::Late`]).
    ///
    /// # Errors
    /// [`SealError`] when it must not leave.
    pub fn seal(
        &mut self,
        keys: &mut OwnKeys,
        now: Duration,
        payload: &[u8],
        millis: u32,
    ) -> Result<EncryptedPacket, SealError> {
        let bytes = payload.len().saturating_add(TAG_BYTES);
        if bytes > LARGEST_DATA {
            return Err(BadFrame::Large { bytes }.into());
        }
        let own = keys.in_force(now)?;
        let iv = self.ivs.next(own.number, millis)?;
        let mut encrypted_value = payload.to_vec();
        let tag = own.key.seal(&iv, &[], &mut encrypted_value);
        encrypted_value.extend_from_slice(&tag);
        Ok(EncryptedPacket {
            encryption_type: encryption::Type::Gcm.into(),
            iv: iv.bytes().to_vec(),
            key_index: u32::from(own.index),
            encrypted_value,
        })
    }
}

/// `body` encrypted, with its trailer.
fn sealed(own: &OwnKey, iv: &Iv, clear: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + OVERHEAD);
    out.extend_from_slice(body);
    let tag = own.key.seal(iv, clear, &mut out);
    out.extend_from_slice(&tag);
    out.extend_from_slice(iv.bytes());
    out.extend_from_slice(&[IV_MARK, own.index]);
    out
}
