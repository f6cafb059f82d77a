//! Who this device is: its id, and the keys with which persons sign on it.
//!
//! A private key is random, made once per person, and sealed under a key derived from the root in the keyring; so it
//! is exactly as safe as an entry of its own in the keyring would be, and works where a keyring takes one entry only.

use crate::error::{StoreError, Unreadable};
use crate::keys::random;
use crate::store::Vault;
use p256::ecdsa::SigningKey;
use std::sync::{MutexGuard, PoisonError};
use zeroize::Zeroizing;

const SIGNING: &str = "signing";
const DEVICE: &str = "device";

impl Vault {
    /// The P-256 key with which `person` (the subject of the identity provider) signs on this device. Made at the
    /// first call.
    ///
    /// # Errors
    /// [`StoreError`]; a key that cannot be read is never replaced.
    pub fn signing_key(&self, person: &str) -> Result<SigningKey, StoreError> {
        let _one = self.making();
        if let Some(bytes) = self.read(SIGNING, &self.keys.signing, person)? {
            let bytes = Zeroizing::new(bytes.into_revealed());
            return SigningKey::from_slice(&bytes).map_err(|_why| StoreError::Unreadable(Unreadable::Damaged));
        }
        let (bytes, key) = loop {
            let bytes = Zeroizing::new(random::<32>());
            // Zero and numbers at or above the order of the group are no keys; both are rarer than 1 in 2^32.
            if let Ok(key) = SigningKey::from_slice(bytes.as_slice()) {
                break (bytes, key);
            }
        };
        self.write(SIGNING, &self.keys.signing, &[(person, bytes.as_slice())])?;
        Ok(key)
    }

    /// The id of this device in this profile: 32 hexadecimal digits, made at the first call.
    ///
    /// # Errors
    /// [`StoreError`] when it can be neither read nor written.
    pub fn device_id(&self) -> Result<String, StoreError> {
        let _one = self.making();
        if let Some(id) = self.read(DEVICE, &self.keys.values, DEVICE)? {
            return String::from_utf8(id.into_revealed()).map_err(|_why| StoreError::Unreadable(Unreadable::Damaged));
        }
        let id: String = random::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        self.write(DEVICE, &self.keys.values, &[(DEVICE, id.as_bytes())])?;
        Ok(id)
    }

    // Two callers that both find nothing would make two keys, and one of them would sign with the lost one.
    fn making(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
