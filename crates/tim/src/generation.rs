//! Which generation of this program wrote a store: an older program does not touch what a newer one wrote, because the
//! library would open it and misread it.

use std::io;
use std::path::Path;

/// Raised with each version of the library whose stores the one before cannot read.
const OWN: u32 = 1;
const FILE: &str = "generation";

/// Why a store is not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GenerationError {
    /// A newer program wrote it.
    #[error("the store is of generation {0}, and this program knows {OWN}")]
    Newer(u32),
    /// It cannot be told.
    #[error("the generation of the store cannot be read")]
    Unreadable,
    /// The disk says no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Marks a folder as this program's, unless a newer one was there.
pub(crate) async fn claim(folder: &Path) -> Result<(), GenerationError> {
    match check(folder).await? {
        Some(OWN) => Ok(()),
        // Of before there were numbers, or older: the library brings it up to date.
        Some(_) | None => Ok(tokio::fs::write(folder.join(FILE), OWN.to_string()).await?),
    }
}

/// Of which generation a folder is, if it is of one that this program reads.
pub(crate) async fn check(folder: &Path) -> Result<Option<u32>, GenerationError> {
    let found = match tokio::fs::read_to_string(folder.join(FILE)).await {
        Ok(text) => text.trim().parse().map_err(|_error| GenerationError::Unreadable)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // Half a letter is no number.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(GenerationError::Unreadable),
        Err(error) => return Err(error.into()),
    };
    if found > OWN { Err(GenerationError::Newer(found)) } else { Ok(Some(found)) }
}

#[cfg(test)]
mod tests {
    use super::{FILE, GenerationError, claim};

    #[tokio::test]
    async fn a_folder_of_a_newer_program_is_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        claim(folder.path()).await.expect("a new folder is taken");
        claim(folder.path()).await.expect("and the own one again");
        let file = folder.path().join(FILE);
        std::fs::write(&file, "2").expect("it can be written");
        let refused = claim(folder.path()).await;
        assert!(matches!(refused, Err(GenerationError::Newer(2))), "it is a newer one's: {refused:?}");
        assert_eq!(std::fs::read_to_string(&file).expect("it can be read"), "2", "and stays so");
        std::fs::write(&file, "?").expect("it can be written");
        assert!(matches!(claim(folder.path()).await, Err(GenerationError::Unreadable)), "nobody knows whose it is");
    }
}
