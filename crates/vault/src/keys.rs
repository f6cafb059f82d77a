//! Keys of one purpose each, derived from the root, and the keyed hash that hides row keys.

use crate::root::Root;
use hkdf::Hkdf;
use hkdf::hmac::{Hmac, Mac};
use rand::TryRngCore;
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// What a key is for. A key of one purpose opens nothing of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Values in tables.
    Values,
    /// Keyed hashes of row keys.
    Names,
    /// Entries of the journal.
    Journal,
    /// Frames in files.
    Frames,
    /// Private keys that sign decisions.
    Signing,
    /// The stores of chat, which seal themselves.
    Chat,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::Names => "names",
            Self::Journal => "journal",
            Self::Frames => "frames",
            Self::Signing => "signing",
            Self::Chat => "chat",
        }
    }
}

/// A key of 256 bits.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// All keys of a profile.
pub(crate) struct Keys {
    pub(crate) values: Key,
    pub(crate) journal: Key,
    pub(crate) frames: Key,
    pub(crate) signing: Key,
    pub(crate) chat: Key,
    names: Key,
}

impl Keys {
    pub(crate) fn derive(root: &Root) -> Self {
        Self {
            values: key(root, Purpose::Values),
            journal: key(root, Purpose::Journal),
            frames: key(root, Purpose::Frames),
            signing: key(root, Purpose::Signing),
            chat: key(root, Purpose::Chat),
            names: key(root, Purpose::Names),
        }
    }

    /// What stands for `row` of `table` on the disk: HMAC-SHA256 (RFC 2104).
    pub(crate) fn hidden(&self, table: &str, row: &str) -> [u8; 32] {
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(self.names.as_slice()).expect("HMAC takes a key of any length");
        mac.update(table.as_bytes());
        mac.update(&[0]);
        mac.update(row.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[not shown]")
    }
}

// RFC 5869 with an empty salt: the root is uniformly random, so extraction needs none.
fn key(root: &Root, purpose: Purpose) -> Key {
    let mut key = Zeroizing::new([0; 32]);
    let info = format!("konsil/1/{}", purpose.word());
    Hkdf::<Sha256>::new(None, root.reveal())
        .expand(info.as_bytes(), key.as_mut_slice())
        .expect("32 bytes are within HKDF's limit of 255 blocks");
    key
}

/// Fresh random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).expect("the operating system always has randomness after boot");
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Purpose, key};
    use crate::root::Root;

    #[test]
    fn keys_are_hkdf_of_the_root() {
        // Computed with Python: hmac.new(b"\0"*32, bytes(range(32)), sha256), then one expand step per purpose.
        for (purpose, expected) in [(Purpose::Values, EXPECTED_VALUES), (Purpose::Signing, EXPECTED_SIGNING)] {
            let root = Root::new(std::array::from_fn(|i| u8::try_from(i).expect("32 indices fit a byte")));
            let hex: String = key(&root, purpose).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "{purpose:?}");
        }
    }

    const EXPECTED_VALUES: &str = "77223f0d8fcd47be69b77617dfbec3c20e80b1467757fd5dd0455532180ca248";
    const EXPECTED_SIGNING: &str = "2e949915a22d0ee94becc08852a5c2f965afd273f8b8e31a5c9edb9181132659";
}
