//! A file that came and is read here and there: its ciphertext waits on this device, each part checked when it arrived.

use super::incoming::{Arrived, LARGEST_UNSAID, of_disk};
use super::{FileError, Incoming};
use attachment::{Key, Keystream};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

/// The ciphertext of a file on this device. Dropping this removes it. Nothing of it is on disk in clear.
pub struct Kept {
    key: Key,
    parts: Vec<KeptPart>,
}

struct KeptPart {
    at: u64,
    length: u64,
    iv: [u8; 16],
    /// None where what came was not what was sent.
    arrived: Option<Arrived>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept([not shown])")
    }
}

impl Incoming {
    /// Fetches and checks all of it. A part that is not what was sent is left out, the others can be read.
    ///
    /// # Errors
    /// [`FileError`]; [`FileError::Altered`] when no part is what was sent.
    pub async fn keep(&self) -> Result<Kept, FileError> {
        let (mut parts, mut at) = (Vec::new(), 0);
        for part in self.parts().await?.iter() {
            let arrived = match self.line().arrive(part, part.size.unwrap_or(LARGEST_UNSAID), at).await {
                Ok(arrived) => Some(arrived),
                Err(FileError::Altered) => None,
                Err(error) => return Err(error),
            };
            let length = arrived.as_ref().map(|arrived| arrived.length).or(part.size).ok_or(FileError::Altered)?;
            parts.push(KeptPart { at, length, iv: part.seal.iv, arrived });
            at += length;
        }
        if parts.iter().all(|part| part.arrived.is_none()) {
            return Err(FileError::Altered);
        }
        Ok(Kept { key: self.file.key.clone(), parts })
    }
}

impl Kept {
    /// Its length in bytes, with what is missing of it.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.parts.last().map_or(0, |last| last.at + last.length)
    }

    /// Reads and decrypts `length` bytes from `at` on. It waits for the disk: not for a task.
    ///
    /// # Errors
    /// [`FileError::Altered`] where a part of the range is missing or the file ends before it.
    pub fn read(&self, at: u64, length: usize) -> Result<Vec<u8>, FileError> {
        let end = at.checked_add(length as u64).filter(|end| *end <= self.size()).ok_or(FileError::Altered)?;
        let mut bytes = vec![0; length];
        for part in &self.parts {
            let (from, to) = (at.max(part.at), end.min(part.at + part.length));
            if from >= to {
                continue;
            }
            let arrived = part.arrived.as_ref().ok_or(FileError::Altered)?;
            let within = from - part.at;
            let place = |offset: u64| usize::try_from(offset - at).map_err(|_far| FileError::Altered);
            let piece = bytes.get_mut(place(from)?..place(to)?).ok_or(FileError::Altered)?;
            let mut file = File::open(&arrived.path).map_err(|error| of_disk(&error))?;
            file.seek(SeekFrom::Start(within)).map_err(|error| of_disk(&error))?;
            file.read_exact(piece).map_err(|error| of_disk(&error))?;
            Keystream::at(&self.key, &part.iv, within).apply(piece);
        }
        Ok(bytes)
    }
}
