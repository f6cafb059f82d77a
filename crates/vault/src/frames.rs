//! The frame cache: one sealed file per frame, the longest unused ones removed when the folder grows too large.
//!
//! It is a cache and not synced: a file that is missing, cut or changed counts as a frame that is not there.

use crate::error::StoreError;
use crate::keys::random;
use crate::seal::{CHUNK, OVERHEAD, open_chunks, place, seal_chunks};
use crate::store::{Vault, checked};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

const TABLE: &str = "frames";

/// What is known of the folder.
#[derive(Debug)]
pub(crate) struct Frames {
    folder: PathBuf,
    limit: u64,
    index: Mutex<Option<Index>>,
}

/// Which frames are there, how large they are, and in which order they were used.
#[derive(Debug, Default)]
struct Index {
    bytes: u64,
    clock: u64,
    by_name: BTreeMap<String, (u64, u64)>,
    by_use: BTreeMap<u64, String>,
}

impl Index {
    fn touch(&mut self, name: &str, size: u64) {
        self.forget(name);
        self.clock += 1;
        self.bytes += size;
        self.by_name.insert(name.to_owned(), (self.clock, size));
        self.by_use.insert(self.clock, name.to_owned());
    }

    fn forget(&mut self, name: &str) {
        if let Some((used, size)) = self.by_name.remove(name) {
            self.by_use.remove(&used);
            self.bytes -= size;
        }
    }

    fn oldest(&self) -> Option<String> {
        self.by_use.values().next().cloned()
    }
}

impl Frames {
    pub(crate) fn open(folder: PathBuf, limit: u64) -> Self {
        Self { folder, limit, index: Mutex::new(None) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(&name[..2]).join(name)
    }

    // The folder is read at the first use and not at the start, because it can hold a hundred thousand files.
    fn with_index<T>(&self, f: impl FnOnce(&mut Index) -> T) -> Result<T, StoreError> {
        let mut guard = self.guard();
        let index = match guard.as_mut() {
            Some(index) => index,
            None => guard.insert(scan(&self.folder)?),
        };
        Ok(f(index))
    }

    fn guard(&self) -> MutexGuard<'_, Option<Index>> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.with_index(|index| index.forget(name))?;
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn shrink(&self, limit: u64) -> Result<(), StoreError> {
        loop {
            let oldest = self.with_index(|index| if index.bytes > limit { index.oldest() } else { None })?;
            match oldest {
                Some(name) => self.remove(&name)?,
                None => return Ok(()),
            }
        }
    }

    /// Removes the frames unused for the longest time, until half of the bytes are left.
    pub(crate) fn give_up_half(&self) -> Result<(), StoreError> {
        let bytes = self.with_index(|index| index.bytes)?;
        self.shrink(bytes / 2)
    }
}

impl Vault {
    /// Keeps a frame. A frame larger than the whole cache is not kept.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] and the like; the cache then lacks the frame and holds no half of it.
    pub fn frame_put(&self, key: &str, frame: &[u8]) -> Result<(), StoreError> {
        let name = self.frame_name(key)?;
        let sealed = seal_chunks(&self.keys.frames, &place(TABLE, key.as_bytes()), frame).concat();
        let size = u64::try_from(sealed.len()).unwrap_or(u64::MAX);
        if size > self.frames.limit {
            return self.frames.remove(&name);
        }
        // Read before the file is written: a first scan would find the file and count it twice.
        self.frames.with_index(|_| ())?;
        let path = self.frames.path(&name);
        fs::create_dir_all(self.frames.folder.join(&name[..2]))?;
        let suffix: String = random::<4>().iter().map(|byte| format!("{byte:02x}")).collect();
        let unfinished = path.with_extension(format!("{suffix}.tmp"));
        if let Err(error) = fs::write(&unfinished, &sealed).and_then(|()| fs::rename(&unfinished, &path)) {
            // The first error is the one that matters; what is left over goes at the next scan.
            let _ = fs::remove_file(&unfinished);
            return Err(error.into());
        }
        self.frames.with_index(|index| index.touch(&name, size))?;
        self.frames.shrink(self.frames.limit)
    }

    /// A frame that was kept, or `None`. What cannot be read is removed and counts as not there.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn frame_get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = self.frame_name(key)?;
        let sealed = match fs::read(self.frames.path(&name)) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let chunks = sealed.chunks(CHUNK + OVERHEAD);
        let Ok(frame) = open_chunks(&self.keys.frames, &place(TABLE, key.as_bytes()), chunks) else {
            self.frames.remove(&name)?;
            return Ok(None);
        };
        let size = u64::try_from(sealed.len()).unwrap_or(u64::MAX);
        self.frames.with_index(|index| index.touch(&name, size))?;
        Ok(Some(frame))
    }

    /// The bytes that a frame takes here, without reading it; that counts as a use. `None` when it is not there.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be read.
    pub fn frame_touch(&self, key: &str) -> Result<Option<u64>, StoreError> {
        let name = self.frame_name(key)?;
        self.frames.with_index(|index| {
            let (_, size) = *index.by_name.get(&name)?;
            index.touch(&name, size);
            Some(size)
        })
    }

    /// Removes every frame, for signing out.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn frames_clear(&self) -> Result<(), StoreError> {
        let names = self.frames.with_index(|index| index.by_name.keys().cloned().collect::<Vec<_>>())?;
        names.iter().try_for_each(|name| self.frames.remove(name))
    }

    /// Bytes that the cache takes.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be read.
    pub fn frames_bytes(&self) -> Result<u64, StoreError> {
        self.frames.with_index(|index| index.bytes)
    }

    /// Bytes that the cache may take.
    #[must_use]
    pub fn frames_limit(&self) -> u64 {
        self.frames.limit
    }

    fn frame_name(&self, key: &str) -> Result<String, StoreError> {
        Ok(self.keys.hidden(TABLE, checked(key)?).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

// Files come in the order in which they were last written, the nearest thing to their last use that every file
// system keeps.
fn scan(folder: &Path) -> Result<Index, StoreError> {
    let mut found: Vec<(SystemTime, String, u64)> = Vec::new();
    for shelf in fs::read_dir(folder)? {
        let shelf = shelf?;
        if !shelf.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(shelf.path())? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            if name.len() == 64 {
                let meta = file.metadata()?;
                found.push((meta.modified()?, name, meta.len()));
            } else if name.ends_with(".tmp") {
                fs::remove_file(file.path())?;
            }
        }
    }
    found.sort();
    let mut index = Index::default();
    for (_, name, size) in &found {
        index.touch(name, *size);
    }
    Ok(index)
}
