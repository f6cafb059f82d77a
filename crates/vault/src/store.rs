//! [`Vault`]: opening a profile, and values in tables.

use crate::error::{KeyringError, OpenError, StoreError, Unreadable};
use crate::frames::Frames;
use crate::keys::{Key, Keys, random};
use crate::lock::ProfileLock;
use crate::root::{Root, RootKeyStore};
use crate::schema;
use crate::seal::{Damaged, open, open_chunks, place, seal, seal_chunks};
use model::Phi;
use rusqlite::{Connection, OptionalExtension, params};
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// What a value is. Each has its own rows; the same key in two tables is two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Tokens and whatever else signs a person in.
    Secrets,
    /// Records of the platform, kept for showing them at once.
    Records,
    /// What a person chose in the settings.
    Settings,
    /// What a person measured on images.
    Measurements,
    /// Files that are being sent: they go on after a restart.
    Uploads,
    /// Decisions that a person wants to sign once the platform can be reached.
    Marks,
}

/// What of a table can be opened, and how much cannot.
#[derive(Debug, Default)]
pub struct Sound {
    /// Keys and values, sorted by key.
    pub values: Vec<(Phi<String>, Phi<Vec<u8>>)>,
    /// Values that were changed on the disk and are put aside.
    pub damaged: usize,
}

impl Table {
    const fn word(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::Records => "records",
            Self::Settings => "settings",
            Self::Measurements => "measurements",
            Self::Uploads => "uploads",
            Self::Marks => "marks",
        }
    }
}

/// How much a profile may take of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of `frames/`; the frames unused for the longest time go first.
    pub frames: u64,
    /// Bytes of the database; above it a write fails as on a full disk. `None` leaves it to the disk.
    pub store: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frames: 4 << 30, store: None }
    }
}

/// An open profile. Every method blocks.
pub struct Vault {
    pub(crate) keys: Keys,
    pub(crate) frames: Frames,
    pub(crate) making: Mutex<()>,
    folder: std::path::PathBuf,
    db: Mutex<Connection>,
    _lock: ProfileLock,
}

impl Vault {
    /// Opens the profile in `profile`, or makes it. Blocks on the keyring, which may wait for a person.
    ///
    /// # Errors
    /// [`OpenError`]; in every case what the profile held is unchanged.
    pub fn open(profile: &Path, roots: &dyn RootKeyStore) -> Result<Self, OpenError> {
        Self::open_limited(profile, roots, Limits::default())
    }

    /// As [`Vault::open`], with limits of the caller's.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_limited(profile: &Path, roots: &dyn RootKeyStore, limits: Limits) -> Result<Self, OpenError> {
        make_private_dir(profile)?;
        let lock = ProfileLock::take(profile)?;
        let db = schema::open(&profile.join("vault.sqlite3"), limits.store)?;
        let keys = Keys::derive(&root(&db, roots)?);
        make_private_dir(&profile.join("frames"))?;
        let frames = Frames::open(profile.join("frames"), limits.frames);
        let folder = profile.to_path_buf();
        Ok(Self { keys, frames, making: Mutex::new(()), folder, db: Mutex::new(db), _lock: lock })
    }

    /// Folder and key of the chat stores, which seal themselves and are of this profile alone.
    #[must_use]
    pub fn chat_store(&self) -> (std::path::PathBuf, Zeroizing<[u8; 32]>) {
        (self.folder.join("chat"), self.keys.chat.clone())
    }

    /// Writes a value in the place of any former one. On the disk when it returns.
    ///
    /// # Errors
    /// [`StoreError`]; the former value is then still there.
    pub fn put(&self, table: Table, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.put_all(table, &[(key, value)])
    }

    /// Writes several values, all or none.
    ///
    /// # Errors
    /// As [`Vault::put`].
    pub fn put_all(&self, table: Table, values: &[(&str, &[u8])]) -> Result<(), StoreError> {
        self.write(table.word(), &self.keys.values, values)
    }

    /// The value of `key`, or `None`.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when it was changed on the disk.
    pub fn get(&self, table: Table, key: &str) -> Result<Option<Phi<Vec<u8>>>, StoreError> {
        self.read(table.word(), &self.keys.values, key)
    }

    /// Removes a value; true when there was one.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn delete(&self, table: Table, key: &str) -> Result<bool, StoreError> {
        let hidden = self.keys.hidden(table.word(), checked(key)?);
        self.with_room(|db| {
            let removed =
                db.execute("DELETE FROM rows WHERE tab = ?1 AND hidden = ?2", params![table.word(), hidden])?;
            Ok(removed > 0)
        })
    }

    /// Removes every value of a table, for signing out.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses; then nothing is removed.
    pub fn clear(&self, table: Table) -> Result<(), StoreError> {
        self.with_room(|db| {
            db.execute("DELETE FROM rows WHERE tab = ?1", [table.word()])?;
            Ok(())
        })
    }

    /// The keys of a table, sorted.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when one was changed on the disk.
    pub fn keys(&self, table: Table) -> Result<Vec<Phi<String>>, StoreError> {
        let db = self.db();
        let mut query = db.prepare_cached("SELECT hidden, name FROM rows WHERE tab = ?1")?;
        let rows = query
            .query_map([table.word()], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        let mut keys = rows
            .iter()
            .map(|(hidden, name)| opened_name(&self.keys.values, table.word(), hidden, name))
            .collect::<Result<Vec<_>, _>>()?;
        keys.sort();
        Ok(keys.into_iter().map(Phi::new).collect())
    }

    /// All values of a table that can be opened. One that was changed on the disk does not keep the others away: it is put
    /// aside, so that it stays on the disk and is not counted another time.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read, or the disk refuses.
    pub fn sound(&self, table: Table) -> Result<Sound, StoreError> {
        let rows = self
            .db()
            .prepare_cached("SELECT id, hidden, name FROM rows WHERE tab = ?1")?
            .query_map([table.word()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?)))?
            .collect::<Result<Vec<(i64, Vec<u8>, Vec<u8>)>, _>>()?;
        let mut sound = Sound::default();
        for (row, hidden, name) in rows {
            let opened = opened_name(&self.keys.values, table.word(), &hidden, &name)
                .and_then(|key| Ok(self.get(table, &key)?.map(|value| (key, value))));
            match opened {
                Ok(Some((key, value))) => sound.values.push((Phi::new(key), value)),
                // Removed since, or under a name that is not its own.
                Ok(None) | Err(StoreError::Unreadable(_)) => {
                    sound.damaged += self.put_aside(table, row)?;
                }
                Err(error) => return Err(error),
            }
        }
        sound.values.sort_by(|(one, _), (other, _)| one.reveal().cmp(other.reveal()));
        Ok(sound)
    }

    fn put_aside(&self, table: Table, row: i64) -> Result<usize, StoreError> {
        let aside = format!("{}/aside", table.word());
        self.with_room(|db| Ok(db.execute("UPDATE OR REPLACE rows SET tab = ?1 WHERE id = ?2", params![aside, row])?))
    }

    pub(crate) fn write(&self, table: &str, with: &Key, values: &[(&str, &[u8])]) -> Result<(), StoreError> {
        self.with_room(|db| {
            let tx = db.transaction()?;
            for (key, value) in values {
                let hidden = self.keys.hidden(table, checked(key)?);
                tx.execute("DELETE FROM rows WHERE tab = ?1 AND hidden = ?2", params![table, hidden])?;
                let name = sealed_name(with, table, &hidden, key);
                tx.execute("INSERT INTO rows (tab, hidden, name) VALUES (?1, ?2, ?3)", params![table, hidden, name])?;
                let row = tx.last_insert_rowid();
                let mut insert = tx.prepare_cached("INSERT INTO chunks (row, number, sealed) VALUES (?1, ?2, ?3)")?;
                for (number, sealed) in (0_i64..).zip(seal_chunks(with, &place(table, key.as_bytes()), value)) {
                    insert.execute(params![row, number, sealed])?;
                }
            }
            tx.commit()?;
            Ok(())
        })
    }

    /// Writes, and on a full disk once more after making room: what a person typed is worth more than cached frames
    /// and than the space that the write-ahead log keeps for its next use.
    pub(crate) fn with_room<T>(
        &self,
        write: impl Fn(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let first = write(&mut self.db());
        if !matches!(first, Err(StoreError::DiskFull)) {
            return first;
        }
        // Neither has to succeed: the second attempt tells whether there is room.
        let _ = self.frames.give_up_half();
        let _ = self.db().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_row| Ok(()));
        write(&mut self.db())
    }

    pub(crate) fn read(&self, table: &str, with: &Key, key: &str) -> Result<Option<Phi<Vec<u8>>>, StoreError> {
        let hidden = self.keys.hidden(table, checked(key)?);
        let db = self.db();
        let row: Option<i64> = db
            .prepare_cached("SELECT id FROM rows WHERE tab = ?1 AND hidden = ?2")?
            .query_row(params![table, hidden], |row| row.get(0))
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        let chunks = db
            .prepare_cached("SELECT sealed FROM chunks WHERE row = ?1 ORDER BY number")?
            .query_map([row], |row| row.get::<_, Vec<u8>>(0))?
            .collect::<Result<Vec<_>, _>>()?;
        drop(db);
        let plain = open_chunks(with, &place(table, key.as_bytes()), chunks.iter().map(Vec::as_slice))?;
        Ok(Some(Phi::new(plain)))
    }

    // A panic while the lock was held leaves no half-written transaction: SQLite rolls it back when it is dropped.
    pub(crate) fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

impl From<Damaged> for StoreError {
    fn from(_: Damaged) -> Self {
        Self::Unreadable(Unreadable::Damaged)
    }
}

/// The text of a row key, kept so that [`Vault::keys`] can tell it.
pub(crate) fn sealed_name(key: &Key, table: &str, hidden: &[u8], name: &str) -> Vec<u8> {
    seal(key, &name_place(table, hidden), name.as_bytes())
}

/// Opens what [`sealed_name`] made.
pub(crate) fn opened_name(key: &Key, table: &str, hidden: &[u8], sealed: &[u8]) -> Result<String, StoreError> {
    let bytes = open(key, &name_place(table, hidden), sealed)?;
    String::from_utf8(bytes).map_err(|_why| StoreError::Unreadable(Unreadable::Damaged))
}

/// A row key that can be part of associated data without a second meaning.
pub(crate) fn checked(key: &str) -> Result<&str, StoreError> {
    if key.is_empty() || key.len() > 1024 || key.contains('\0') { Err(StoreError::Key) } else { Ok(key) }
}

fn name_place(table: &str, hidden: &[u8]) -> Vec<u8> {
    place(&format!("{table}/names"), hidden)
}

// The profile's id is written before the root, and the check after it: a crash between any two of them leaves a
// profile without values, which the next start completes.
fn root(db: &Connection, roots: &dyn RootKeyStore) -> Result<Root, OpenError> {
    let profile = match schema::meta(db, "profile")? {
        Some(id) => String::from_utf8(id).map_err(|_why| OpenError::Unreadable(Unreadable::Damaged))?,
        None => {
            let id: String = random::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
            schema::set_meta(db, "profile", id.as_bytes())?;
            id
        }
    };
    let check_place = place("meta", b"check");
    match (roots.load(&profile)?, schema::meta(db, "check")?) {
        (Some(root), Some(check)) => {
            let plain = open(&Keys::derive(&root).values, &check_place, &check);
            if plain.as_deref() == Ok(profile.as_bytes()) {
                Ok(root)
            } else {
                Err(OpenError::Unreadable(Unreadable::RootWrong))
            }
        }
        (None, Some(_)) => Err(OpenError::Unreadable(Unreadable::RootMissing)),
        (found, None) => {
            let root = match found {
                Some(root) => root,
                None => new_root(&profile, roots)?,
            };
            let check = seal(&Keys::derive(&root).values, &check_place, profile.as_bytes());
            schema::set_meta(db, "check", &check)?;
            Ok(root)
        }
    }
}

// A keyring that answers "no entry" may still be unable to keep one, so the root counts only when it came back.
fn new_root(profile: &str, roots: &dyn RootKeyStore) -> Result<Root, OpenError> {
    let root = Root::new(random());
    roots.save(profile, &root)?;
    match roots.load(profile)? {
        Some(back) if back.reveal() == root.reveal() => Ok(root),
        Some(_) | None => Err(KeyringError::NotKept.into()),
    }
}

fn make_private_dir(path: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.create(path)?)
}
