#![doc = include_str!("../README.md")]

use aes::Aes256;
use aes::cipher::{KeyIvInit as _, StreamCipher as _, StreamCipherSeek as _};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

// Client-server API v1.11 §11.12.1.10.1: the upper half of the block is random, the lower half counts 64 bits.
type Cipher = ctr::Ctr64BE<Aes256>;

/// The secret of a file.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// From 32 bytes, which have to be random.
    #[must_use]
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }

    /// For the encrypted event that carries it.
    #[must_use]
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key([not shown])")
    }
}

/// What a reader needs beside the key: where the counter began, and what the ciphertext is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// The first counter block.
    pub iv: [u8; 16],
    /// SHA-256 of the ciphertext.
    pub sha256: [u8; 32],
}

/// The bytes are not those that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not those that were sent")]
pub struct Altered;

/// Encrypts a stream.
pub struct Encryptor {
    iv: [u8; 16],
    cipher: Cipher,
    digest: Sha256,
}

impl std::fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encryptor([not shown])")
    }
}

impl Encryptor {
    /// A stream of its own: `nonce` is random and was never used with this key.
    #[must_use]
    pub fn new(key: &Key, nonce: [u8; 8]) -> Self {
        let mut iv = [0; 16];
        iv[..8].copy_from_slice(&nonce);
        Self { iv, cipher: Cipher::new(key.reveal().into(), &iv.into()), digest: Sha256::new() }
    }

    /// Encrypts the next bytes where they lie.
    pub fn push(&mut self, bytes: &mut [u8]) {
        self.cipher.apply_keystream(bytes);
        self.digest.update(bytes);
    }

    /// After the last bytes.
    #[must_use]
    pub fn finish(self) -> Seal {
        Seal { iv: self.iv, sha256: self.digest.finalize().into() }
    }
}

/// Decrypts a stream.
pub struct Decryptor {
    cipher: Cipher,
    digest: Sha256,
    expected: [u8; 32],
}

impl std::fmt::Debug for Decryptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decryptor([not shown])")
    }
}

impl Decryptor {
    /// For the stream that `seal` describes.
    #[must_use]
    pub fn new(key: &Key, seal: &Seal) -> Self {
        Self { cipher: Cipher::new(key.reveal().into(), &seal.iv.into()), digest: Sha256::new(), expected: seal.sha256 }
    }

    /// Decrypts the next bytes where they lie. They are good only when [`Decryptor::finish`] says so.
    pub fn push(&mut self, bytes: &mut [u8]) {
        self.digest.update(&*bytes);
        self.cipher.apply_keystream(bytes);
    }

    /// After the last bytes.
    ///
    /// # Errors
    /// [`Altered`] when all of it together is not what was sent.
    pub fn finish(self) -> Result<(), Altered> {
        same(self.digest, &self.expected)
    }
}

/// The cipher from any place of a stream on, for whoever needs a range of it. It says nothing about whether the bytes
/// are those that were sent.
pub struct Keystream(Cipher);

impl std::fmt::Debug for Keystream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keystream([not shown])")
    }
}

impl Keystream {
    /// From byte `offset` of the stream that began with the counter block `iv`.
    #[must_use]
    pub fn at(key: &Key, iv: &[u8; 16], offset: u64) -> Self {
        let mut cipher = Cipher::new(key.reveal().into(), iv.into());
        cipher.seek(offset);
        Self(cipher)
    }

    /// Encrypts or decrypts the next bytes where they lie.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        self.0.apply_keystream(bytes);
    }
}

/// Looks at ciphertext without decrypting it.
#[derive(Debug, Default)]
pub struct Check(Sha256);

impl Check {
    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// After the last bytes.
    ///
    /// # Errors
    /// [`Altered`] when they are not those of `seal`.
    pub fn finish(self, seal: &Seal) -> Result<(), Altered> {
        same(self.0, &seal.sha256)
    }
}

fn same(digest: Sha256, expected: &[u8; 32]) -> Result<(), Altered> {
    let found: [u8; 32] = digest.finalize().into();
    if found == *expected { Ok(()) } else { Err(Altered) }
}

/// SHA-256 over the hashes of a file's parts in their order: no part can be left out, doubled or moved.
#[must_use]
pub fn root<'a>(hashes: impl IntoIterator<Item = &'a [u8; 32]>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for hash in hashes {
        digest.update(hash);
    }
    digest.finalize().into()
}
