//! The resources with all their versions, in memory, and with a folder in a journal on disk.

use super::element::stamp;
use super::refusal::Refusal;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One version of a resource.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) number: u32,
    pub(crate) at: Timestamp,
    /// `None` is a deletion.
    pub(crate) body: Option<Arc<Value>>,
    /// True when the recipe wrote it, not a person.
    pub(crate) seeded: bool,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// There was none before.
    Created,
    /// A new version.
    Updated,
    /// The content is what was there: no new version.
    Unchanged,
}

/// One line's worth of change.
#[derive(Debug, Clone)]
struct Write {
    kind: String,
    id: String,
    version: Version,
}

type Resources = BTreeMap<String, BTreeMap<String, Vec<Version>>>;

/// All resources at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    resources: Resources,
    last_id: u64,
    writes: Vec<Write>,
}

impl Shelf {
    /// All versions, oldest first.
    pub(crate) fn versions(&self, kind: &str, id: &str) -> &[Version] {
        self.resources.get(kind).and_then(|all| all.get(id)).map_or(&[], Vec::as_slice)
    }

    /// The newest version, a deletion included.
    pub(crate) fn newest(&self, kind: &str, id: &str) -> Option<&Version> {
        self.versions(kind, id).last()
    }

    /// The resource, unless it is missing or deleted.
    pub(crate) fn current(&self, kind: &str, id: &str) -> Option<&Arc<Value>> {
        self.newest(kind, id)?.body.as_ref()
    }

    /// All present resources of a type in the order of their ids.
    pub(crate) fn all(&self, kind: &str) -> impl Iterator<Item = (&str, &Arc<Value>)> {
        let versions = self.resources.get(kind).into_iter().flatten();
        versions.filter_map(|(id, versions)| Some((id.as_str(), versions.last()?.body.as_ref()?)))
    }

    /// An id that nobody has. Digits only, as HAPI gives them.
    pub(crate) fn fresh_id(&mut self) -> String {
        self.last_id = self.last_id.max(1000) + 1;
        self.last_id.to_string()
    }

    /// Stores a version, unless nothing changed.
    pub(crate) fn write(&mut self, kind: &str, id: &str, mut body: Value, at: Timestamp, seeded: bool) -> Done {
        body["id"] = json!(id);
        let before = self.newest(kind, id);
        let number = before.map_or(1, |version| version.number + 1);
        let present = before.and_then(|version| version.body.as_ref());
        if present.is_some_and(|present| same(present, &body)) {
            return Done::Unchanged;
        }
        let done = if present.is_some() { Done::Updated } else { Done::Created };
        let meta = &mut body["meta"];
        meta["versionId"] = json!(number.to_string());
        meta["lastUpdated"] = json!(stamp(at));
        self.push(kind, id, Version { number, at, body: Some(Arc::new(body)), seeded });
        done
    }

    /// Marks a resource as deleted. False when there is none.
    pub(crate) fn delete(&mut self, kind: &str, id: &str, at: Timestamp) -> bool {
        let Some(number) = self.newest(kind, id).filter(|version| version.body.is_some()).map(|version| version.number)
        else {
            return false;
        };
        self.push(kind, id, Version { number: number + 1, at, body: None, seeded: false });
        true
    }

    fn push(&mut self, kind: &str, id: &str, version: Version) {
        self.writes.push(Write { kind: kind.to_owned(), id: id.to_owned(), version: version.clone() });
        self.keep(kind, id, version);
    }

    fn keep(&mut self, kind: &str, id: &str, version: Version) {
        if let Ok(number) = id.parse::<u64>() {
            self.last_id = self.last_id.max(number);
        }
        self.resources.entry(kind.to_owned()).or_default().entry(id.to_owned()).or_default().push(version);
    }
}

/// Whether two bodies differ in nothing but what the server writes.
fn same(left: &Value, right: &Value) -> bool {
    plain(left) == plain(right)
}

fn plain(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(meta) = body.get_mut("meta").and_then(Value::as_object_mut) {
        meta.remove("versionId");
        meta.remove("lastUpdated");
        if meta.is_empty() {
            body.as_object_mut().map(|body| body.remove("meta"));
        }
    }
    body
}

/// Why the journal can not be opened.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder can not be read or written.
    #[error("the folder can not be used: {0}")]
    Folder(#[from] std::io::Error),
    /// A line in the middle is broken.
    #[error("line {0} of the journal is damaged")]
    Damaged(usize),
}

/// The shelf, its lock and its journal.
#[derive(Debug)]
pub(crate) struct Store {
    shelf: Mutex<Shelf>,
    journal: Option<Mutex<File>>,
}

impl Store {
    /// An empty store that forgets.
    pub(crate) fn in_memory() -> Self {
        Self { shelf: Mutex::new(Shelf::default()), journal: None }
    }

    /// A store that keeps its journal in this file.
    pub(crate) fn kept(path: &Path) -> Result<Self, JournalError> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // What follows the last line break was being written when the process died, and was never
        // acknowledged. It may end within a letter.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut shelf = Shelf::default();
        for (number, line) in (1..).zip(bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n')) {
            if !line.is_empty() {
                load(&mut shelf, line).ok_or(JournalError::Damaged(number))?;
            }
        }
        if whole < bytes.len() {
            shorten(&mut file, u64::try_from(whole).map_err(std::io::Error::other)?)?;
        }
        Ok(Self { shelf: Mutex::new(shelf), journal: Some(Mutex::new(file)) })
    }

    /// The resources for reading.
    pub(crate) fn read(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the resources all or nothing: when `change` refuses, or the journal can not be
    /// written, everything is as before.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Shelf) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut shelf = self.read();
        let mut trial = shelf.clone();
        let answer = change(&mut trial)?;
        let writes = std::mem::take(&mut trial.writes);
        if let Some(journal) = self.journal.as_ref().filter(|_| !writes.is_empty()) {
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            let line = format!("{}\n", json!(writes.iter().map(line).collect::<Vec<_>>()));
            append(&mut journal, line.as_bytes()).map_err(|error| Refusal::Storage(error.to_string()))?;
        }
        *shelf = trial;
        Ok(answer)
    }
}

/// Adds a line and waits until it is on disk. A line that does not fit is taken away again, so that the
/// next one does not follow half of it.
fn append(journal: &mut File, line: &[u8]) -> std::io::Result<()> {
    let length = journal.metadata()?.len();
    let written = journal.write_all(line).and_then(|()| journal.sync_data());
    if written.is_err() {
        shorten(journal, length)?;
    }
    written
}

fn shorten(journal: &mut File, length: u64) -> std::io::Result<()> {
    journal.set_len(length)?;
    journal.seek(SeekFrom::End(0))?;
    Ok(())
}

fn line(write: &Write) -> Value {
    json!({
        "kind": write.kind,
        "id": write.id,
        "number": write.version.number,
        "at": write.version.at.to_string(),
        "seeded": write.version.seeded,
        "body": write.version.body.as_deref(),
    })
}

fn load(shelf: &mut Shelf, line: &[u8]) -> Option<()> {
    let writes: Vec<Value> = serde_json::from_slice(line).ok()?;
    for write in &writes {
        let body = write.get("body").filter(|body| body.is_object()).cloned().map(Arc::new);
        let version = Version {
            number: u32::try_from(write["number"].as_u64()?).ok()?,
            at: write["at"].as_str()?.parse().ok()?,
            body,
            seeded: write["seeded"].as_bool()?,
        };
        shelf.keep(write["kind"].as_str()?, write["id"].as_str()?, version);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{Done, JournalError, Refusal, Store};
    use jiff::Timestamp;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn note(text: &str) -> Value {
        json!({ "resourceType": "Task", "id": "t", "note": [{ "text": text }] })
    }

    #[test]
    fn the_same_content_makes_no_version() {
        let store = Store::in_memory();
        let done = |text: &str| store.change(|shelf| Ok(shelf.write("Task", "t", note(text), NOW, false)));
        assert_eq!(done("a"), Ok(Done::Created), "the first is new");
        assert_eq!(done("a"), Ok(Done::Unchanged), "nothing changed");
        assert_eq!(done("b"), Ok(Done::Updated), "the text changed");
        assert_eq!(store.read().versions("Task", "t").len(), 2, "two versions are kept");
    }

    #[test]
    fn a_refused_change_leaves_nothing_behind() {
        let store = Store::in_memory();
        let refused: Result<(), Refusal> = store.change(|shelf| {
            shelf.write("Task", "t", note("a"), NOW, false);
            Err(Refusal::Conflict("the second part does not fit".to_owned()))
        });
        assert!(refused.is_err(), "the change was refused");
        assert!(store.read().current("Task", "t").is_none(), "the first part is gone as well");
    }

    #[test]
    fn the_journal_brings_back_versions_and_deletions() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("fhir.jsonl");
        let store = Store::kept(&path).expect("a new journal");
        let writes = store.change(|shelf| {
            shelf.write("Task", "t", note("a"), NOW, true);
            shelf.write("Task", "t", note("b"), NOW, false);
            shelf.write("Task", "u", note("c"), NOW, false);
            shelf.delete("Task", "u", NOW);
            Ok(())
        });
        assert_eq!(writes, Ok(()), "the change is stored");
        drop(store);
        let store = Store::kept(&path).expect("the journal can be read");
        let shelf = store.read();
        let texts: Vec<_> = shelf.versions("Task", "t").iter().filter_map(|version| version.body.clone()).collect();
        assert_eq!(texts.len(), 2, "both versions are there");
        assert_eq!(texts.last().map(|body| body["note"][0]["text"].clone()), Some(json!("b")), "the newest is last");
        assert!(shelf.current("Task", "u").is_none(), "the deleted one stays deleted");
    }

    #[test]
    fn half_a_line_at_the_end_was_never_acknowledged_and_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("fhir.jsonl");
        let store = Store::kept(&path).expect("a new journal");
        let done = store.change(|shelf| Ok(shelf.write("Task", "t", note("a"), NOW, false)));
        assert_eq!(done, Ok(Done::Created), "the change is stored");
        drop(store);
        let mut bytes = std::fs::read(&path).expect("the journal can be read");
        bytes.extend_from_slice(b"[{\"kind\":\"T\xc3");
        std::fs::write(&path, bytes).expect("the journal can be damaged");
        let store = Store::kept(&path).expect("the journal can still be read");
        let done = store.change(|shelf| Ok(shelf.write("Task", "t", note("b"), NOW, false)));
        assert_eq!(done, Ok(Done::Updated), "writing goes on");
        drop(store);
        let store = Store::kept(&path).expect("the journal is whole again");
        assert_eq!(store.read().versions("Task", "t").len(), 2, "both acknowledged versions are there");
    }

    #[test]
    fn a_broken_line_in_the_middle_is_named() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("fhir.jsonl");
        std::fs::write(&path, "[]\n{\n[]\n").expect("a journal can be written");
        assert!(matches!(Store::kept(&path), Err(JournalError::Damaged(2))), "the second line is broken");
    }
}
