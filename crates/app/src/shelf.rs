//! [`Shelf`]: what the desk has read of the platform, sealed in the vault for one person at one platform.
//! It is what opens when nobody answers.
//!
//! The record is kept and not its view: views are made anew with the words, rules and age of today.
//! What is kept is bounded in age, number and size, goes at sign-out, and goes when somebody else signs
//! in on this profile. A loss of it is no loss: the platform has the original.

use crate::session::Taken;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use vault::{StoreError, Table, Vault};

/// From one weekly board to the next.
const OLDEST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Of a board of forty cases the record and what lies here of the images, and what is around them.
const MOST: usize = 120;
const BYTES: usize = 128 << 20;
/// One record; a larger one is mostly scanned letters.
const LARGEST: usize = 16 << 20;
const INDEX: &str = "index";
const CASE: &str = "case/";
const IMAGES: &str = "images/";

/// Whose records: one person at one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner(String);

impl Owner {
    pub(crate) fn of(taken: &Taken) -> Self {
        Self(format!("{} {}", taken.platform.issuer, taken.session.person().subject))
    }

    /// The key of what is this person's alone.
    pub(crate) fn key(&self, what: &str) -> String {
        // A subject may hold a slash, but no control character.
        format!("{}\u{1f}{what}", self.0)
    }
}

/// The key of a patient's record.
pub(crate) fn case(patient: &str) -> String {
    format!("{CASE}{patient}")
}

/// The key of what is known of a patient's images that lie here.
pub(crate) fn images(patient: &str) -> String {
    format!("{IMAGES}{patient}")
}

/// Every method blocks.
pub(crate) struct Shelf {
    vault: Arc<Vault>,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    /// Who sits at the desk. Nobody else's records are given or taken: a reading that ends after its person has left
    /// leaves nothing behind.
    seated: Option<Owner>,
    index: Index,
}

/// What is there, so that age and size are known without opening everything.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Index(BTreeMap<String, Entry>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    read: Timestamp,
    used: Timestamp,
    bytes: usize,
}

impl Shelf {
    /// The shelf of a profile, without what is too old.
    pub(crate) fn open(vault: Arc<Vault>, now: Timestamp) -> Self {
        let index = match vault.get(Table::Records, INDEX) {
            Ok(None) => Some(Index::default()),
            Ok(Some(bytes)) => serde_json::from_slice(bytes.reveal()).ok(),
            Err(_) => None,
        };
        let shelf = Self { vault, inside: Mutex::default() };
        match index {
            Some(index) => shelf.inside().index = index,
            // Without its index nothing would ever grow old.
            None => shelf.clear(),
        }
        shelf.expire(now);
        shelf
    }

    /// Keeps a value that was read at `read`, in the place of a former one.
    pub(crate) fn put(&self, owner: &Owner, what: &str, read: Timestamp, value: &impl Serialize) {
        let key = owner.key(what);
        let bytes = match serde_json::to_vec(value) {
            Ok(bytes) if bytes.len() <= LARGEST => bytes,
            Ok(_) => {
                tracing::info!("a record is too large to be kept");
                return self.forget(owner, what);
            }
            Err(error) => {
                tracing::error!(kind = ?error.classify(), "a record cannot be written down");
                return;
            }
        };
        let mut inside = self.inside();
        if inside.seated.as_ref() != Some(owner) {
            return;
        }
        let index = &mut inside.index;
        let entry = Entry { read, used: read, bytes: bytes.len() };
        index.0.insert(key.clone(), entry);
        let crowded = index.crowded(&key);
        for key in &crowded {
            index.0.remove(key);
        }
        let kept = written(index).and_then(|list| {
            self.vault.put_all(Table::Records, &[(key.as_str(), bytes.as_slice()), (INDEX, list.as_slice())])
        });
        if let Err(error) = kept {
            tracing::warn!(%error, "a record was not kept");
            index.0.remove(&key);
            self.remove(&[key]);
        }
        self.remove(&crowded);
    }

    /// A value that is not too old, with the time when it was read.
    pub(crate) fn get<T: DeserializeOwned>(&self, owner: &Owner, what: &str, now: Timestamp) -> Option<(Timestamp, T)> {
        let key = owner.key(what);
        let read = {
            let mut inside = self.inside();
            if inside.seated.as_ref() != Some(owner) {
                return None;
            }
            let entry = inside.index.0.get_mut(&key).filter(|entry| !entry.old(now))?;
            entry.used = now;
            entry.read
        };
        let bytes = self.vault.get(Table::Records, &key);
        let value = match bytes {
            Ok(bytes) => bytes.and_then(|bytes| serde_json::from_slice(bytes.reveal()).ok()),
            Err(error) => {
                tracing::warn!(%error, "a kept record cannot be read");
                None
            }
        };
        if value.is_none() {
            // Damaged, or of another form than this version's.
            self.forget(owner, what);
        }
        Some((read, value?))
    }

    /// Patients whose record is kept, and when it was read.
    pub(crate) fn cases(&self, owner: &Owner, now: Timestamp) -> BTreeMap<String, Timestamp> {
        let beginning = owner.key(CASE);
        let inside = self.inside();
        if inside.seated.as_ref() != Some(owner) {
            return BTreeMap::new();
        }
        let entries = inside.index.0.iter();
        entries
            .filter(|(_, entry)| !entry.old(now))
            .filter_map(|(key, entry)| Some((key.strip_prefix(&beginning)?.to_owned(), entry.read)))
            .collect()
    }

    /// Removes a value.
    pub(crate) fn forget(&self, owner: &Owner, what: &str) {
        let key = owner.key(what);
        self.drop_where(|found, _| *found == key);
    }

    /// Removes what is too old.
    pub(crate) fn expire(&self, now: Timestamp) {
        self.drop_where(|_, entry| entry.old(now));
    }

    /// Somebody sits down: what belongs to anybody else is removed.
    pub(crate) fn seat(&self, owner: Owner) {
        let mine = owner.key("");
        self.drop_where(|key, _| !key.starts_with(&mine));
        self.inside().seated = Some(owner);
    }

    /// Nobody sits here; what is kept waits for the same person.
    pub(crate) fn leave(&self) {
        self.inside().seated = None;
    }

    /// Removes everything.
    pub(crate) fn clear(&self) {
        let mut inside = self.inside();
        *inside = Inside::default();
        if let Err(error) = self.vault.clear(Table::Records) {
            tracing::error!(%error, "the kept records could not be removed");
        }
    }

    fn drop_where(&self, goes: impl Fn(&String, &Entry) -> bool) {
        let mut inside = self.inside();
        let index = &mut inside.index;
        let gone: Vec<String> =
            index.0.iter().filter(|(key, entry)| goes(key, entry)).map(|(key, _)| key.clone()).collect();
        if gone.is_empty() {
            return;
        }
        index.0.retain(|key, _| !gone.contains(key));
        // The values go first: a row that the index does not know would stay for ever.
        self.remove(&gone);
        let kept = written(index).and_then(|list| self.vault.put(Table::Records, INDEX, &list));
        if let Err(error) = kept {
            tracing::warn!(%error, "the list of kept records was not written");
        }
    }

    fn remove(&self, keys: &[String]) {
        for key in keys {
            if let Err(error) = self.vault.delete(Table::Records, key) {
                tracing::warn!(%error, "a kept record could not be removed");
            }
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn written(index: &Index) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(index).map_err(|error| StoreError::Failed(error.to_string()))
}

impl Index {
    /// What has to go for what was just kept: unused for the longest time first.
    fn crowded(&self, kept: &str) -> Vec<String> {
        let mut others: Vec<(&String, &Entry)> = self.0.iter().filter(|(key, _)| *key != kept).collect();
        others.sort_by_key(|(_, entry)| entry.used);
        let mut bytes: usize = self.0.values().map(|entry| entry.bytes).sum();
        let mut count = self.0.len();
        let mut gone = Vec::new();
        for (key, entry) in others {
            if count <= MOST && bytes <= BYTES {
                break;
            }
            count -= 1;
            bytes -= entry.bytes;
            gone.push(key.clone());
        }
        gone
    }
}

impl Entry {
    /// A clock that was put back makes nothing younger than it is: what comes from the future is old.
    fn old(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.read);
        age > OLDEST || age < -SignedDuration::from_hours(24)
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, OLDEST, Owner, Shelf, case};
    use jiff::{SignedDuration, Timestamp};
    use std::{
        collections::BTreeMap,
        path::Path,
        sync::{Arc, Mutex, MutexGuard},
    };
    use vault::{KeyringError, Root, RootKeyStore, Table, Vault};

    /// A keyring in memory.
    #[derive(Default)]
    struct Roots(Mutex<BTreeMap<String, [u8; 32]>>);

    impl Roots {
        fn roots(&self) -> MutexGuard<'_, BTreeMap<String, [u8; 32]>> {
            self.0.lock().expect("no test panics while it holds this")
        }
    }

    impl RootKeyStore for Roots {
        fn load(&self, profile: &str) -> Result<Option<Root>, KeyringError> {
            Ok(self.roots().get(profile).copied().map(Root::new))
        }

        fn save(&self, profile: &str, root: &Root) -> Result<(), KeyringError> {
            self.roots().insert(profile.to_owned(), *root.reveal());
            Ok(())
        }
    }

    fn vault(profile: &Path, roots: &Roots) -> Arc<Vault> {
        Arc::new(Vault::open(profile, roots).expect("a profile opens"))
    }

    fn hours(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000 + hours)
    }

    fn shelf(vault: Arc<Vault>, name: &str, now: Timestamp) -> Shelf {
        let shelf = Shelf::open(vault, now);
        shelf.seat(owner(name));
        shelf
    }

    fn owner(name: &str) -> Owner {
        Owner(format!("https://id.example/realm {name}"))
    }

    #[test]
    fn what_is_kept_is_there_after_a_restart_with_its_time_and_only_for_its_owner() {
        let (folder, roots) = (tempfile::tempdir().expect("a folder"), Roots::default());
        let first = shelf(vault(folder.path(), &roots), "a", hours(0));
        first.put(&owner("a"), &case("p"), hours(0), &"record");
        drop(first);
        let shelf = shelf(vault(folder.path(), &roots), "a", hours(1));
        assert_eq!(shelf.get(&owner("a"), &case("p"), hours(1)), Some((hours(0), "record".to_owned())), "as it was");
        assert_eq!(shelf.cases(&owner("a"), hours(1)), BTreeMap::from([("p".to_owned(), hours(0))]), "and listed");
        assert_eq!(shelf.get::<String>(&owner("b"), &case("p"), hours(1)), None, "nothing of it for somebody else");
        assert!(shelf.cases(&owner("b"), hours(1)).is_empty(), "nor that it is there");
    }

    #[test]
    fn a_week_is_the_longest_that_anything_is_kept() {
        let (folder, roots) = (tempfile::tempdir().expect("a folder"), Roots::default());
        let vault = vault(folder.path(), &roots);
        let shelf = shelf(vault.clone(), "a", hours(0));
        shelf.put(&owner("a"), &case("p"), hours(0), &"record");
        let late = hours(0) + OLDEST + SignedDuration::from_secs(1);
        assert_eq!(shelf.get::<String>(&owner("a"), &case("p"), late), None, "it is not shown");
        drop(shelf);
        let _shelf = Shelf::open(vault.clone(), late);
        let left = vault.keys(Table::Records).expect("the keys open");
        assert_eq!(left.len(), 1, "and after a start only the list of what is kept is left");
    }

    #[test]
    fn the_cases_unused_for_the_longest_time_make_room() {
        let (folder, roots) = (tempfile::tempdir().expect("a folder"), Roots::default());
        let shelf = shelf(vault(folder.path(), &roots), "a", hours(0));
        for number in 0..MOST {
            let at = hours(0) + SignedDuration::from_mins(i64::try_from(number).expect("few"));
            shelf.put(&owner("a"), &case(&number.to_string()), at, &number);
        }
        let now = hours(2);
        assert_eq!(shelf.get(&owner("a"), &case("0"), now).map(|(_, kept)| kept), Some(0_usize), "the first is used");
        shelf.put(&owner("a"), &case("one more"), now, &0);
        let cases = shelf.cases(&owner("a"), now);
        assert_eq!(cases.len(), MOST, "no more than that");
        assert!(cases.contains_key("0") && !cases.contains_key("1"), "the second was unused for longer");
    }

    #[test]
    fn somebody_else_s_records_go_when_a_person_signs_in_and_all_at_sign_out() {
        let (folder, roots) = (tempfile::tempdir().expect("a folder"), Roots::default());
        let vault = vault(folder.path(), &roots);
        let shelf = shelf(vault.clone(), "ab", hours(0));
        shelf.put(&owner("ab"), &case("p"), hours(0), &"record");
        shelf.leave();
        shelf.seat(owner("ab"));
        assert!(shelf.get::<String>(&owner("ab"), &case("p"), hours(0)).is_some(), "one's own stays");
        shelf.seat(owner("a"));
        shelf.seat(owner("ab"));
        assert_eq!(shelf.get::<String>(&owner("ab"), &case("p"), hours(0)), None, "somebody else was here");
        shelf.put(&owner("ab"), &case("p"), hours(0), &"record");
        shelf.clear();
        shelf.put(&owner("ab"), &case("late"), hours(0), &"read before, kept after");
        assert!(vault.keys(Table::Records).expect("the keys open").is_empty(), "nothing is left");
    }

    #[test]
    fn a_list_that_cannot_be_read_takes_everything_with_it() {
        let (folder, roots) = (tempfile::tempdir().expect("a folder"), Roots::default());
        let vault = vault(folder.path(), &roots);
        shelf(vault.clone(), "a", hours(0)).put(&owner("a"), &case("p"), hours(0), &"record");
        vault.put(Table::Records, "index", b"[").expect("a write");
        let shelf = shelf(vault.clone(), "a", hours(0));
        assert_eq!(shelf.get::<String>(&owner("a"), &case("p"), hours(0)), None, "it is not shown");
        assert!(vault.keys(Table::Records).expect("the keys open").is_empty(), "and does not stay");
    }
}
