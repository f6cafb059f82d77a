//! Whether it is the disk that says no.

use std::error::Error;
use std::io;

/// SQLite's words for `SQLITE_FULL`: the library hands its errors on without their codes.
const FULL: &str = "database or disk is full";

/// Whether an error, or what it comes from, is a full disk.
pub(crate) fn is_full(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let full = |error: &io::Error| error.kind() == io::ErrorKind::StorageFull;
        if error.to_string().contains(FULL) || error.downcast_ref().is_some_and(full) {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_full;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("the store says no")]
    struct Store(#[source] io::Error);

    #[test]
    fn a_full_disk_is_known_behind_other_errors() {
        assert!(is_full(&Store(io::ErrorKind::StorageFull.into())), "as the system says it");
        assert!(is_full(&Store(io::Error::other("database or disk is full"))), "as SQLite says it");
        assert!(!is_full(&Store(io::Error::other("disk I/O error"))), "another fault of a disk");
    }
}
