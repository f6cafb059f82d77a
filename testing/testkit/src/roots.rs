//! Roots beside a profile, in place of the system's keyring: they outlive the process as a keyring
//! does, and a test can take them away.

use std::{fs, path::PathBuf};
use vault::{KeyringError, Root, RootKeyStore};

/// One file a profile.
#[derive(Debug, Clone)]
pub(crate) struct FolderRoots(pub(crate) PathBuf);

impl RootKeyStore for FolderRoots {
    fn load(&self, profile: &str) -> Result<Option<Root>, KeyringError> {
        let Ok(bytes) = fs::read(self.0.join(profile)) else { return Ok(None) };
        let root = <[u8; 32]>::try_from(bytes.as_slice());
        root.map(|root| Some(Root::new(root))).map_err(|_length| KeyringError::Foreign("not 32 bytes".to_owned()))
    }

    fn save(&self, profile: &str, root: &Root) -> Result<(), KeyringError> {
        let written = fs::create_dir_all(&self.0).and_then(|()| fs::write(self.0.join(profile), root.reveal()));
        written.map_err(|error| KeyringError::Missing(error.to_string()))
    }
}
