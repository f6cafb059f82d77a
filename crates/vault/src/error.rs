//! What can go wrong: one enum for opening a profile, one for using it, one for the keyring.
//!
//! No text of these errors carries a value, a row key or a secret.

use std::io;
use thiserror::Error;

/// Why a profile could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another program holds the profile.
    #[error("another program uses this profile")]
    ProfileInUse,
    /// The keyring of the operating system did not give or keep the root.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The store is there and cannot be read; nothing of it was changed.
    #[error("the local store cannot be read: {0}")]
    Unreadable(Unreadable),
    /// No space left.
    #[error("no space left on this device")]
    DiskFull,
    /// The system refused for another reason.
    #[error("the profile could not be opened: {0}")]
    Failed(String),
}

/// Why a value could not be read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// No space left; what was there before is still there.
    #[error("no space left on this device")]
    DiskFull,
    /// What is stored cannot be read; nothing of it was changed.
    #[error("the local store cannot be read: {0}")]
    Unreadable(Unreadable),
    /// A row key is empty, holds NUL or is longer than 1,024 bytes.
    #[error("a row key is empty, holds NUL or is too long")]
    Key,
    /// The system refused for another reason.
    #[error("the local store failed: {0}")]
    Failed(String),
}

/// In which way a store is unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// The keyring has no root for a store that holds values.
    #[error("its key is missing from the keyring")]
    RootMissing,
    /// The keyring's root is not the one the store was sealed with.
    #[error("the key in the keyring is another one")]
    RootWrong,
    /// A byte was changed or lost.
    #[error("it is damaged")]
    Damaged,
    /// A newer program wrote it.
    #[error("a newer program wrote it")]
    Newer,
}

/// What the keyring of the operating system did.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyringError {
    /// There is no keyring to ask: no session bus, no secret service, no credential store.
    #[error("no keyring is available: {0}")]
    Missing(String),
    /// It is there and locked, or the person refused.
    #[error("the keyring is locked or refused: {0}")]
    Locked(String),
    /// It took the root and did not give it back.
    #[error("the keyring did not keep what was written")]
    NotKept,
    /// It holds something that is no root, or several entries.
    #[error("the keyring holds something else: {0}")]
    Foreign(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // The message of a failed conversion could quote a value, so only SQLite's own texts pass.
        let Some(fault) = error.sqlite_error() else {
            return Self::Failed("the database answered in an unexpected shape".to_owned());
        };
        // Under a full disk SQLite also fails to grow its shared-memory file, which it reports as an I/O fault.
        if fault.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE {
            return Self::DiskFull;
        }
        if fault.code == rusqlite::ErrorCode::DiskFull {
            Self::DiskFull
        } else if matches!(fault.code, rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) {
            Self::Unreadable(Unreadable::Damaged)
        } else {
            Self::Failed(format!("SQLite {}", fault.extended_code))
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            Self::DiskFull
        } else {
            Self::Failed(error.kind().to_string())
        }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::DiskFull,
            StoreError::Unreadable(why) => Self::Unreadable(why),
            StoreError::Key => Self::Failed("a row key of our own was refused".to_owned()),
            StoreError::Failed(detail) => Self::Failed(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StoreError;
    use std::io;

    #[test]
    fn a_full_disk_is_told_apart_from_other_faults() {
        // 28 is ENOSPC and 122 is EDQUOT on Linux (errno(3)).
        #[cfg(target_os = "linux")]
        for code in [28, 122] {
            let error = StoreError::from(io::Error::from_raw_os_error(code));
            assert!(matches!(error, StoreError::DiskFull), "errno {code} gave {error:?}");
        }
        let denied = StoreError::from(io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(matches!(denied, StoreError::Failed(_)), "a refusal is no full disk: {denied:?}");
    }
}
