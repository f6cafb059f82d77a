//! The database: its tables, its settings, and which errors its state gives.

use crate::StoreError;
use crate::error::Unreadable;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;

/// Counts up when the tables change; a program refuses what a newer one wrote.
const VERSION: i64 = 1;
const PAGE: u64 = 4096;

/// Opens or makes the database.
pub(crate) fn open(path: &Path, bytes: Option<u64>) -> Result<Connection, StoreError> {
    let mut db = Connection::open(path)?;
    // Reading the header first turns a file that is no database into an error before anything is written.
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > VERSION {
        return Err(StoreError::Unreadable(Unreadable::Newer));
    }
    db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))?;
    // FULL syncs the write-ahead log at every commit: a commit that returned survives a power cut.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "secure_delete", "ON")?;
    db.pragma_update(None, "foreign_keys", "ON")?;
    if let Some(bytes) = bytes {
        let pages = i64::try_from(bytes / PAGE).unwrap_or(i64::MAX);
        db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, i64>(0))?;
    }
    if version == 0 {
        let tx = db.transaction()?;
        tx.execute_batch(
            "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
             CREATE TABLE rows (
                 id INTEGER PRIMARY KEY,
                 tab TEXT NOT NULL, hidden BLOB NOT NULL, name BLOB NOT NULL, UNIQUE (tab, hidden)
             ) STRICT;
             CREATE TABLE chunks (
                 row INTEGER NOT NULL REFERENCES rows (id) ON DELETE CASCADE,
                 number INTEGER NOT NULL, sealed BLOB NOT NULL, UNIQUE (row, number)
             ) STRICT;
             CREATE TABLE journal (
                 seq INTEGER PRIMARY KEY AUTOINCREMENT, stream BLOB NOT NULL, name BLOB NOT NULL, sealed BLOB NOT NULL
             ) STRICT;
             CREATE INDEX journal_stream ON journal (stream, seq);",
        )?;
        tx.pragma_update(None, "user_version", VERSION)?;
        tx.commit()?;
    }
    Ok(db)
}

/// A value that may lie in the clear: the profile's id, the sealed check.
pub(crate) fn meta(db: &Connection, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(db.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0)).optional()?)
}

/// Writes such a value.
pub(crate) fn set_meta(db: &Connection, name: &str, value: &[u8]) -> Result<(), StoreError> {
    db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", params![name, value])?;
    Ok(())
}
