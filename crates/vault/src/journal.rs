//! The journal: append-only, synced before it answers. What a person typed survives here until it is safe elsewhere.

use crate::error::StoreError;
use crate::seal::{open, place, seal};
use crate::store::{Vault, checked, opened_name, sealed_name};
use model::Phi;
use rusqlite::{OptionalExtension, params};

/// The number of an entry. Numbers rise over all streams and are never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(i64);

impl Seq {
    /// As a number, for writing it down.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its number.
    pub seq: Seq,
    /// What was appended.
    pub value: Phi<Vec<u8>>,
}

const TABLE: &str = "journal";

impl Vault {
    /// Appends an entry to a stream. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; then the entry is not there.
    pub fn journal_append(&self, stream: &str, value: &[u8]) -> Result<Seq, StoreError> {
        let hidden = self.keys.hidden(TABLE, checked(stream)?);
        let name = sealed_name(&self.keys.journal, TABLE, &hidden, stream);
        self.with_room(|db| {
            let tx = db.transaction()?;
            // The number is part of what is sealed, so it is known before the row is written.
            let last: Option<i64> = tx
                .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'journal'")?
                .query_row([], |row| row.get(0))
                .optional()?;
            let seq = last.unwrap_or(0) + 1;
            let sealed = seal(&self.keys.journal, &entry_place(&hidden, seq), value);
            tx.prepare_cached("INSERT INTO journal (seq, stream, name, sealed) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![seq, hidden, name, sealed])?;
            tx.commit()?;
            Ok(Seq(seq))
        })
    }

    /// The entries of a stream, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when one was changed on the disk.
    pub fn journal_read(&self, stream: &str) -> Result<Vec<JournalEntry>, StoreError> {
        let hidden = self.keys.hidden(TABLE, checked(stream)?);
        let rows = self
            .db()
            .prepare_cached("SELECT seq, sealed FROM journal WHERE stream = ?1 ORDER BY seq")?
            .query_map(params![hidden], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(|(seq, sealed)| self.opened(&hidden, seq, &sealed)).collect()
    }

    /// The newest entry of a stream.
    ///
    /// # Errors
    /// As [`Vault::journal_read`].
    pub fn journal_last(&self, stream: &str) -> Result<Option<JournalEntry>, StoreError> {
        let hidden = self.keys.hidden(TABLE, checked(stream)?);
        let row = self
            .db()
            .prepare_cached("SELECT seq, sealed FROM journal WHERE stream = ?1 ORDER BY seq DESC LIMIT 1")?
            .query_row(params![hidden], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()?;
        row.map(|(seq, sealed)| self.opened(&hidden, seq, &sealed)).transpose()
    }

    /// The streams that hold entries, sorted: what was being written when the program ended.
    ///
    /// # Errors
    /// As [`Vault::journal_read`].
    pub fn journal_streams(&self) -> Result<Vec<Phi<String>>, StoreError> {
        let rows = self
            .db()
            .prepare_cached("SELECT stream, name FROM journal GROUP BY stream")?
            .query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        let mut streams = rows
            .iter()
            .map(|(hidden, name)| opened_name(&self.keys.journal, TABLE, hidden, name))
            .collect::<Result<Vec<_>, _>>()?;
        streams.sort();
        Ok(streams.into_iter().map(Phi::new).collect())
    }

    /// Forgets the entries of a stream up to and including `through`, once they are safe elsewhere.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is forgotten.
    pub fn journal_compact(&self, stream: &str, through: Seq) -> Result<(), StoreError> {
        let hidden = self.keys.hidden(TABLE, checked(stream)?);
        self.with_room(|db| {
            db.execute("DELETE FROM journal WHERE stream = ?1 AND seq <= ?2", params![hidden, through.0])?;
            Ok(())
        })
    }

    fn opened(&self, hidden: &[u8], seq: i64, sealed: &[u8]) -> Result<JournalEntry, StoreError> {
        let value = open(&self.keys.journal, &entry_place(hidden, seq), sealed)?;
        Ok(JournalEntry { seq: Seq(seq), value: Phi::new(value) })
    }
}

// The row key of an entry is its stream's hidden name and its number, both of fixed length.
fn entry_place(hidden: &[u8], seq: i64) -> Vec<u8> {
    place(TABLE, &[hidden, &seq.to_be_bytes()].concat())
}
