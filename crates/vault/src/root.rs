//! The root: 32 random bytes in the keyring of the operating system, from which every key comes.

use crate::error::KeyringError;
use keyring_core::{CredentialStore, Entry, Error};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::{Zeroize, Zeroizing};

/// The service name under which the keyring lists the roots.
pub const SERVICE: &str = "de.konsil";

/// A root. It does not print and is wiped when dropped.
#[derive(Clone)]
pub struct Root(Zeroizing<[u8; 32]>);

impl Root {
    /// Takes 32 bytes that a source of randomness or a keyring gave.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for keeping them in a keyring.
    #[must_use]
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[not shown]")
    }
}

/// Where roots are kept. `profile` is the id of the profile that asks.
///
/// Both calls block, and may wait for a person who answers a dialog of the operating system.
pub trait RootKeyStore {
    /// The profile's root, or `None` when the place holds none.
    ///
    /// # Errors
    /// [`KeyringError`] when it cannot be told.
    fn load(&self, profile: &str) -> Result<Option<Root>, KeyringError>;

    /// Keeps a root. Called once in the life of a profile.
    ///
    /// # Errors
    /// [`KeyringError`] when it was not kept.
    fn save(&self, profile: &str, root: &Root) -> Result<(), KeyringError>;
}

/// Roots in a credential store of `keyring-core`.
#[derive(Debug, Clone)]
pub struct KeyringRoot {
    store: Arc<CredentialStore>,
}

impl KeyringRoot {
    /// The keyring of this operating system: Secret Service, Windows Credential Manager, macOS Keychain.
    /// Blocks for a round trip on the session bus.
    ///
    /// # Errors
    /// [`KeyringError::Missing`] when there is none.
    pub fn system() -> Result<Self, KeyringError> {
        system_store().map(Self::new).map_err(refusal)
    }

    /// Roots in `store`; tests pass `keyring_core::mock::Store`.
    #[must_use]
    pub fn new(store: Arc<CredentialStore>) -> Self {
        Self { store }
    }

    fn entry(&self, profile: &str) -> Result<Entry, KeyringError> {
        Entry::new_in_store(&self.store, SERVICE, profile).map_err(refusal)
    }
}

impl RootKeyStore for KeyringRoot {
    fn load(&self, profile: &str) -> Result<Option<Root>, KeyringError> {
        match self.entry(profile)?.get_secret() {
            Ok(mut bytes) => {
                let root = <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Root::new);
                bytes.zeroize();
                root.map(Some).ok_or_else(|| KeyringError::Foreign("an entry of another length".to_owned()))
            }
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(refusal(error)),
        }
    }

    fn save(&self, profile: &str, root: &Root) -> Result<(), KeyringError> {
        self.entry(profile)?.set_secret(root.reveal()).map_err(refusal)
    }
}

/// Roots in the process alone: what is sealed under them cannot be opened by anybody after it.
#[derive(Debug, Default)]
pub struct MemoryRoots(Mutex<BTreeMap<String, Root>>);

impl RootKeyStore for MemoryRoots {
    fn load(&self, profile: &str) -> Result<Option<Root>, KeyringError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(profile).cloned())
    }

    fn save(&self, profile: &str, root: &Root) -> Result<(), KeyringError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(profile.to_owned(), root.clone());
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "windows")]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

// The variants that carry what was read are described in our words, because their content may be a secret.
fn refusal(error: Error) -> KeyringError {
    match error {
        Error::PlatformFailure(cause) => KeyringError::Missing(cause.to_string()),
        Error::NoStorageAccess(cause) => KeyringError::Locked(cause.to_string()),
        Error::NoEntry => KeyringError::NotKept,
        Error::BadEncoding(_) | Error::BadDataFormat(..) => KeyringError::Foreign("an unreadable entry".to_owned()),
        Error::Ambiguous(entries) => KeyringError::Foreign(format!("{} entries", entries.len())),
        Error::BadStoreFormat(_) => KeyringError::Foreign("a store of another format".to_owned()),
        Error::NoDefaultStore => KeyringError::Missing("no store is set".to_owned()),
        Error::TooLong(what, limit) => KeyringError::Missing(format!("{what} may have {limit} characters")),
        Error::Invalid(what, _) | Error::NotSupportedByStore(what) => KeyringError::Missing(what),
        // `keyring_core::Error` is open; what it may gain is a refusal until somebody reads what it means.
        _ => KeyringError::Missing("an unknown refusal".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyringRoot, Root, RootKeyStore, SERVICE};
    use crate::KeyringError;
    use keyring_core::{Entry, Error, mock};
    use std::sync::Arc;

    fn keyring() -> (KeyringRoot, Arc<keyring_core::CredentialStore>) {
        let store: Arc<keyring_core::CredentialStore> = mock::Store::new().expect("the mock store opens");
        (KeyringRoot::new(store.clone()), store)
    }

    fn fail_next(store: &Arc<keyring_core::CredentialStore>, error: Error) {
        let entry = Entry::new_in_store(store, SERVICE, "p").expect("the mock store builds entries");
        let credential: &mock::Cred = entry.as_any().downcast_ref().expect("a mock credential");
        credential.set_error(error);
    }

    #[test]
    fn a_root_that_was_kept_comes_back() {
        let (roots, _) = keyring();
        assert!(roots.load("p").expect("the keyring answers").is_none(), "nothing was kept yet");
        roots.save("p", &Root::new([0xA5; 32])).expect("the keyring keeps it");
        let back = roots.load("p").expect("the keyring answers").expect("the root is there");
        assert_eq!(back.reveal(), &[0xA5; 32], "the same bytes come back");
        assert!(roots.load("q").expect("the keyring answers").is_none(), "another profile has another entry");
    }

    #[test]
    fn refusals_of_the_keyring_are_told_apart() {
        let (roots, store) = keyring();
        fail_next(&store, Error::NoStorageAccess("locked".into()));
        let locked = roots.load("p").expect_err("the keyring is locked");
        assert_eq!(locked, KeyringError::Locked("locked".to_owned()), "a locked keyring");
        fail_next(&store, Error::PlatformFailure("no bus".into()));
        let missing = roots.save("p", &Root::new([1; 32])).expect_err("there is no bus");
        assert_eq!(missing, KeyringError::Missing("no bus".to_owned()), "a missing keyring");
        fail_next(&store, Error::BadEncoding(b"secret bytes".to_vec()));
        let foreign = roots.load("p").expect_err("the entry is unreadable");
        assert!(!format!("{foreign} {foreign:?}").contains("secret"), "what was read does not print: {foreign:?}");
    }

    #[test]
    fn an_entry_of_another_length_is_no_root() {
        let (roots, store) = keyring();
        Entry::new_in_store(&store, SERVICE, "p")
            .and_then(|entry| entry.set_secret(&[7; 31]))
            .expect("the mock store keeps any bytes");
        assert!(matches!(roots.load("p"), Err(KeyringError::Foreign(_))), "31 bytes are no root");
    }
}
