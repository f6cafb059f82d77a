//! Keys of frames, and what they are derived from.

use super::{TAG_BYTES, iv::Iv};
use aes_gcm::{AeadInPlace as _, Aes128Gcm, KeyInit as _};
use hkdf::Hkdf;
use model::round::MediaKey;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// client-sdk-js `src/e2ee/constants.ts`.
const SALT: &[u8] = b"LKFrameEncryptionKey";
/// client-sdk-js `src/e2ee/utils.ts`, `getAlgoOptions`: 128 bytes of zero.
const HKDF_INFO: [u8; 128] = [0; 128];
/// The same place.
const PBKDF2_ITERATIONS: u32 = 100_000;

/// What the key of frames is derived from.
pub struct Material {
    derivation: Derivation,
    secret: Zeroizing<Vec<u8>>,
}

#[derive(Clone, Copy)]
enum Derivation {
    /// HKDF-SHA256 (RFC 5869), for random bytes.
    Hkdf,
    /// PBKDF2-HMAC-SHA256 (RFC 8018), for what a person typed.
    Pbkdf2,
}

/// An empty passphrase protects nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the passphrase is empty")]
pub struct NoPassphrase;

impl Material {
    /// From random bytes.
    #[must_use]
    pub fn from_key(key: &MediaKey) -> Self {
        Self { derivation: Derivation::Hkdf, secret: Zeroizing::new(key.reveal().to_vec()) }
    }

    /// From what a person typed. Each key of it, and each ratchet, takes 100,000 rounds of SHA-256, so tens of
    /// milliseconds.
    ///
    /// # Errors
    /// [`NoPassphrase`] when there is none.
    pub fn from_passphrase(text: &str) -> Result<Self, NoPassphrase> {
        if text.is_empty() {
            return Err(NoPassphrase);
        }
        Ok(Self { derivation: Derivation::Pbkdf2, secret: Zeroizing::new(text.as_bytes().to_vec()) })
    }

    /// The key of its frames.
    #[must_use]
    pub fn frame_key(&self) -> FrameKey {
        let mut key = Zeroizing::new([0; 16]);
        self.derive(&mut *key);
        FrameKey(key)
    }

    /// The next one. It can be computed from this one, and this one not from it (client-sdk-js `src/e2ee/utils.ts`,
    /// `ratchet`).
    #[must_use]
    pub fn ratcheted(&self) -> Self {
        let mut secret = Zeroizing::new(vec![0; 32]);
        self.derive(&mut secret);
        Self { derivation: self.derivation, secret }
    }

    fn derive(&self, out: &mut [u8]) {
        match self.derivation {
            Derivation::Hkdf => Hkdf::<Sha256>::new(Some(SALT), &self.secret)
                .expand(&HKDF_INFO, out)
                .expect("HKDF-SHA256 gives up to 8160 bytes"),
            Derivation::Pbkdf2 => pbkdf2::pbkdf2_hmac::<Sha256>(&self.secret, SALT, PBKDF2_ITERATIONS, out),
        }
    }
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Material([not shown])")
    }
}

/// By which a key is known again that is not kept.
pub(super) type KeyDigest = [u8; 32];

/// The AES-128 key of frames.
#[derive(Clone, PartialEq, Eq)]
pub struct FrameKey(Zeroizing<[u8; 16]>);

impl FrameKey {
    /// For comparing it with another program's.
    #[must_use]
    pub fn reveal(&self) -> &[u8; 16] {
        &self.0
    }

    pub(super) fn digest(&self) -> KeyDigest {
        Sha256::digest(*self.0).into()
    }

    /// Encrypts `body` where it lies.
    pub(super) fn seal(&self, iv: &Iv, clear: &[u8], body: &mut [u8]) -> [u8; TAG_BYTES] {
        self.cipher()
            .encrypt_in_place_detached(iv.bytes().into(), clear, body)
            .expect("AES-GCM takes 64 GiB, and a frame is far smaller")
            .into()
    }

    /// Decrypts `body` where it lies; leaves it alone and says false when `tag` is not its own.
    pub(super) fn open(&self, iv: &Iv, clear: &[u8], body: &mut [u8], tag: &[u8; TAG_BYTES]) -> bool {
        self.cipher().decrypt_in_place_detached(iv.bytes().into(), clear, body, tag.into()).is_ok()
    }

    // Made for each frame, so that round keys and the hash key lie in memory no longer than they are needed.
    fn cipher(&self) -> Aes128Gcm {
        Aes128Gcm::new(self.0.as_ref().into())
    }
}

impl std::fmt::Debug for FrameKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FrameKey([not shown])")
    }
}
