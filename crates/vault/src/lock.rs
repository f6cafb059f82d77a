//! One program per profile: an advisory lock on the file `lock`, which the system lifts when the program ends.

use crate::error::OpenError;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// Held as long as the profile is open.
#[derive(Debug)]
pub(crate) struct ProfileLock {
    _file: File,
}

impl ProfileLock {
    pub(crate) fn take(profile: &Path) -> Result<Self, OpenError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(profile.join("lock"))
            .map_err(crate::StoreError::from)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::ProfileInUse),
            Err(TryLockError::Error(error)) => Err(crate::StoreError::from(error).into()),
        }
    }
}
