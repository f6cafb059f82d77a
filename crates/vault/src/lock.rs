//! One program per profile: an advisory lock on the file `lock`, which the system lifts when the program ends.

use crate::error::OpenError;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

/// A program that was killed while it started a child leaves the lock to that child until it runs its own program,
/// which is a moment later.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

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
        let mut left = ATTEMPTS;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if left == 0 => return Err(OpenError::ProfileInUse),
                Err(TryLockError::WouldBlock) => {
                    left -= 1;
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::Error(error)) => return Err(crate::StoreError::from(error).into()),
            }
        }
    }
}
