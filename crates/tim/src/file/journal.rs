//! What is written down about a file that is being sent, so that it goes on after the program has ended.
//!
//! An entry is on disk before the first byte leaves, again before a part counts as done, and once more before the message
//! is handed to the send queue; it is removed when the queue has the message. A program that ends between the last two
//! leaves an entry that says "handed over": whether the message went is then looked up ([`super::handed`]).

use super::form::{Part, PartForm, encrypted_file, unlocked};
use super::outgoing::Outgoing;
use super::study::NewStudy;
use super::{FileError, StudyLabel};
use attachment::Key;
use ruma::OwnedRoomId;
use ruma::events::room::EncryptedFile;
use ruma::serde::Base64;
use ruma::serde::base64::UrlSafe;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The version that is written, and the only one that is read.
const VERSION: u64 = 1;

/// Keeps entries about files that are being sent, sealed: they hold keys and names. Each call may block for the disk, and
/// what was written is there after a crash.
pub trait UploadJournal: Send + Sync + 'static {
    /// Writes an entry in the place of a former one with this id.
    ///
    /// # Errors
    /// [`UploadJournalError`]; the former entry is then still there.
    fn write(&self, id: &str, entry: &[u8]) -> Result<(), UploadJournalError>;

    /// Removes an entry, if there is one.
    ///
    /// # Errors
    /// [`UploadJournalError`]; the entry is then still there.
    fn remove(&self, id: &str) -> Result<(), UploadJournalError>;

    /// All entries that can be opened, and how many cannot. Those are put aside, and not counted another time.
    ///
    /// # Errors
    /// [`UploadJournalError`] when none can be read.
    fn read(&self) -> Result<Entries, UploadJournalError>;
}

/// What an [`UploadJournal`] holds.
#[derive(Default)]
pub struct Entries {
    /// Those that can be opened, by their ids.
    pub sound: BTreeMap<String, Zeroizing<Vec<u8>>>,
    /// How many cannot.
    pub damaged: usize,
}

impl std::fmt::Debug for Entries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entries([not shown])")
    }
}

/// The journal did not do it.
#[derive(Debug, thiserror::Error)]
pub enum UploadJournalError {
    /// No space.
    #[error("no space for the journal")]
    DiskFull,
    /// Another reason.
    #[error("the journal failed: {0}")]
    Failed(String),
}

impl From<UploadJournalError> for FileError {
    fn from(error: UploadJournalError) -> Self {
        match error {
            UploadJournalError::DiskFull => Self::DiskFull,
            UploadJournalError::Failed(why) => Self::Sink(why),
        }
    }
}

/// The place of one file in the journal. Clones are the same place.
#[derive(Clone)]
pub struct Note(Arc<Place>);

struct Place {
    id: String,
    /// None where nothing outlives the run.
    journal: Option<Arc<dyn UploadJournal>>,
    /// A write that is still under way when the file is given up must not bring the entry back.
    struck: Mutex<bool>,
}

impl std::fmt::Debug for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Note([not shown])")
    }
}

impl Note {
    pub(super) fn new(id: String, journal: Option<Arc<dyn UploadJournal>>) -> Self {
        Self(Arc::new(Place { id, journal, struck: Mutex::new(false) }))
    }

    pub(super) fn of_new_file(journal: Option<Arc<dyn UploadJournal>>) -> Self {
        Self::new(format!("{:032x}", rand::random::<u128>()), journal)
    }

    /// Removes the entry: the file does not go on after a restart.
    ///
    /// # Errors
    /// [`FileError`]; the file is then offered again by the next start.
    pub async fn strike(&self) -> Result<(), FileError> {
        self.on_disk(|place, journal| {
            let mut struck = place.struck.lock().unwrap_or_else(PoisonError::into_inner);
            *struck = true;
            journal.remove(&place.id)
        })
        .await
    }

    pub(super) async fn write(&self, entry: Zeroizing<Vec<u8>>) -> Result<(), FileError> {
        self.on_disk(move |place, journal| {
            let struck = place.struck.lock().unwrap_or_else(PoisonError::into_inner);
            if *struck { Ok(()) } else { journal.write(&place.id, &entry) }
        })
        .await
    }

    async fn on_disk(
        &self,
        what: impl FnOnce(&Place, &dyn UploadJournal) -> Result<(), UploadJournalError> + Send + 'static,
    ) -> Result<(), FileError> {
        let place = self.0.clone();
        let done = tokio::task::spawn_blocking(move || match &place.journal {
            Some(journal) => what(place.as_ref(), journal.as_ref()),
            None => Ok(()),
        });
        let done = done.await.map_err(|error| UploadJournalError::Failed(error.to_string()))?;
        Ok(done?)
    }
}

/// A file whose sending the end of the program broke off.
#[derive(Clone)]
pub struct Interrupted {
    pub(super) entry: Entry,
    note: Note,
}

impl std::fmt::Debug for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupted([not shown])")
    }
}

impl Interrupted {
    /// The room that it goes to.
    #[must_use]
    pub fn conversation(&self) -> &str {
        self.entry.room.as_str()
    }

    /// Its name, cleaned.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// Bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.entry.size
    }

    /// When it was last changed, as it was said when it was begun.
    #[must_use]
    pub fn modified(&self) -> Option<i64> {
        self.entry.modified
    }

    /// Bytes of the parts that are done.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.entry.done.iter().map(|part| part.size).sum()
    }

    /// The study that it is.
    #[must_use]
    pub fn study(&self) -> Option<StudyLabel> {
        self.entry.study.as_ref().map(StudyEntry::label)
    }

    /// Whether it is this study, image for image.
    #[must_use]
    pub fn is_study(&self, study: &NewStudy) -> bool {
        let same = |entry: &StudyEntry| entry.uid == study.uid && entry.index.as_bytes() == study.index;
        self.entry.study.as_ref().is_some_and(same)
    }

    /// Its place in the journal.
    #[must_use]
    pub fn note(&self) -> Note {
        self.note.clone()
    }
}

/// What a former run has left unsent.
#[derive(Debug, Clone, Default)]
pub struct Interruptions {
    /// Files that can go on, those first that were begun first.
    pub files: Vec<Interrupted>,
    /// Entries that could not be read: files that were being sent, and nobody knows which.
    pub unreadable: usize,
}

/// Reads what a former run has left.
pub(crate) async fn interruptions(journal: Option<Arc<dyn UploadJournal>>) -> Interruptions {
    let Some(journal) = journal else { return Interruptions::default() };
    let read = tokio::task::spawn_blocking(move || journal.read().map(|entries| (entries, journal))).await;
    let (entries, journal) = match read {
        Ok(Ok(read)) => read,
        Ok(Err(error)) => {
            tracing::error!(%error, "files that were being sent are not known");
            return Interruptions::default();
        }
        Err(error) => {
            tracing::error!(%error, "files that were being sent are not known");
            return Interruptions::default();
        }
    };
    let mut found = Interruptions { files: Vec::new(), unreadable: entries.damaged };
    for (id, bytes) in entries.sound {
        match serde_json::from_slice::<Entry>(&bytes).ok().filter(|entry| entry.v == VERSION) {
            Some(entry) => found.files.push(Interrupted { entry, note: Note::new(id, Some(journal.clone())) }),
            // Of a newer version: it stays, and goes on there.
            None => found.unreadable += 1,
        }
    }
    if found.unreadable > 0 {
        tracing::warn!(entries = found.unreadable, "entries about files that were being sent cannot be read");
    }
    found.files.sort_by_key(|file| file.entry.begun);
    found
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    v: u64,
    pub(super) room: OwnedRoomId,
    pub(super) name: String,
    pub(super) mimetype: Option<String>,
    pub(super) size: u64,
    pub(super) modified: Option<i64>,
    pub(super) picture: Option<(u32, u32)>,
    /// What programs that do not know files in parts show.
    pub(super) body: String,
    pub(super) part: u64,
    pub(super) whole: bool,
    key: Base64<UrlSafe, [u8; 32]>,
    done: Vec<PartForm>,
    list: Option<EncryptedFile>,
    study: Option<StudyEntry>,
    index: Option<EncryptedFile>,
    /// Milliseconds since 1970.
    pub(super) begun: i64,
    /// The same; when the message was about to be handed to the send queue.
    pub(super) handed: Option<i64>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.key);
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct StudyEntry {
    modality: Vec<String>,
    images: u32,
    series: u32,
    uid: String,
    /// JSON: which image lies where.
    index: String,
    body: String,
}

impl StudyEntry {
    fn label(&self) -> StudyLabel {
        StudyLabel { modality: self.modality.clone(), images: self.images, series: self.series }
    }
}

/// What an entry holds beside plain values.
pub(super) struct Restored {
    pub(super) key: Key,
    pub(super) done: Vec<Part>,
    pub(super) list: Option<(Key, Part)>,
    pub(super) study: Option<NewStudy>,
    pub(super) index: Option<(Key, Part)>,
}

impl Entry {
    pub(super) fn of(outgoing: &Outgoing) -> Self {
        let file = &outgoing.file;
        let aside = |file: &Option<(Key, Part)>| file.as_ref().map(|(key, part)| encrypted_file(key, part));
        Self {
            v: VERSION,
            room: outgoing.conversation.room_id().to_owned(),
            name: file.name.clone(),
            mimetype: file.mimetype.clone(),
            size: file.size,
            modified: file.modified,
            picture: file.picture,
            body: outgoing.body.clone(),
            part: outgoing.part,
            whole: outgoing.whole,
            key: Base64::new(*outgoing.key.reveal()),
            done: outgoing.done.iter().map(PartForm::of).collect(),
            list: aside(&outgoing.list),
            study: outgoing.study.as_ref().map(|study| StudyEntry {
                modality: study.label.modality.clone(),
                images: study.label.images,
                series: study.label.series,
                uid: study.uid.clone(),
                // It is JSON.
                index: String::from_utf8_lossy(&study.index).into_owned(),
                body: study.body.clone(),
            }),
            index: aside(&outgoing.index),
            begun: outgoing.begun,
            handed: outgoing.handed,
        }
    }

    pub(super) fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, FileError> {
        let unwritten = |error: serde_json::Error| FileError::Sink(error.to_string());
        serde_json::to_vec(self).map(Zeroizing::new).map_err(unwritten)
    }

    pub(super) fn restored(&self) -> Result<Restored, FileError> {
        let aside = |file: &Option<EncryptedFile>| file.as_ref().map(|file| unlocked(file, None)).transpose();
        let done: Vec<Part> = self.done.iter().cloned().map(Part::from).collect();
        let length: u64 = done.iter().filter_map(|part| part.size).sum();
        // Sealed entries are what was written; one that does not add up is of another program.
        let sound = self.part > 0 && length <= self.size && done.iter().all(|part| part.size.is_some_and(|s| s > 0));
        if !sound {
            return Err(FileError::Form);
        }
        Ok(Restored {
            key: Key::new(*self.key.as_inner()),
            done,
            list: aside(&self.list)?,
            study: self.study.as_ref().map(|study| NewStudy {
                label: study.label(),
                uid: study.uid.clone(),
                index: study.index.clone().into_bytes(),
                body: study.body.clone(),
            }),
            index: aside(&self.index)?,
        })
    }

    /// What is in the message of this file and in no other: where an upload of it lies. None until one is done.
    pub(super) fn mark(&self) -> Option<&str> {
        let list = self.list.as_ref().map(|list| list.url.as_str());
        list.or_else(|| self.done.first().map(|part| part.url.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Base64, Entry, FileError, Part, PartForm, VERSION};
    use attachment::Seal;

    fn entry(sizes: &[u64]) -> Entry {
        let part = |(number, size): (usize, &u64)| {
            let number = u8::try_from(number).expect("few parts");
            let seal = Seal { iv: [number; 16], sha256: [number; 32] };
            PartForm::of(&Part { url: format!("mxc://tim.example/{number}").into(), seal, size: Some(*size) })
        };
        Entry {
            v: VERSION,
            room: ruma::RoomId::parse("!raum:tim.example").expect("a room"),
            name: "CT.zip".to_owned(),
            mimetype: None,
            size: 1_048_583,
            modified: Some(1_700_000_000_000),
            picture: None,
            body: "Datei CT.zip".to_owned(),
            part: 1_048_576,
            whole: false,
            key: Base64::new([9; 32]),
            done: sizes.iter().enumerate().map(part).collect(),
            list: None,
            study: None,
            index: None,
            begun: 1,
            handed: None,
        }
    }

    #[test]
    fn an_entry_reads_back_as_it_was_written() {
        let bytes = entry(&[1_048_576]).bytes().expect("JSON");
        let read: Entry = serde_json::from_slice(&bytes).expect("an entry");
        assert_eq!(
            (read.name.as_str(), read.size, read.modified),
            ("CT.zip", 1_048_583, Some(1_700_000_000_000)),
            "it"
        );
        assert_eq!(read.mark(), Some("mxc://tim.example/0"), "its message is known by its first part");
        let restored = read.restored().expect("it adds up");
        assert_eq!(restored.key.reveal(), &[9; 32], "the key");
        let [part] = restored.done.as_slice() else { panic!("one part") };
        assert_eq!((part.seal.iv, part.seal.sha256, part.size), ([0; 16], [0; 32], Some(1_048_576)), "the part");
        assert_eq!(entry(&[]).mark(), None, "of a file of which nothing is there no message can be");
    }

    #[test]
    fn an_entry_that_does_not_add_up_is_none() {
        for (what, sizes) in [("more than the file", &[1_048_576, 8][..]), ("a part without bytes", &[0])] {
            assert!(matches!(entry(sizes).restored(), Err(FileError::Form)), "{what}");
        }
    }
}
