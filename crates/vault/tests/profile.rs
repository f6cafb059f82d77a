//! A profile as its user meets it: kept, sealed, in one hand, and whole after every interruption.

use model::Phi;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use vault::{KeyringError, KeyringRoot, Limits, OpenError, Root, RootKeyStore, StoreError, Table, Unreadable, Vault};

/// A keyring that holds one root, as every profile of these tests needs.
#[derive(Debug, Default)]
struct Pocket(Mutex<Option<Root>>);

impl Pocket {
    fn content(&self) -> MutexGuard<'_, Option<Root>> {
        self.0.lock().expect("no test panics with the pocket open")
    }

    fn with(byte: u8) -> Self {
        Self(Mutex::new(Some(Root::new([byte; 32]))))
    }
}

impl RootKeyStore for Pocket {
    fn load(&self, _: &str) -> Result<Option<Root>, KeyringError> {
        Ok(self.content().clone())
    }

    fn save(&self, _: &str, root: &Root) -> Result<(), KeyringError> {
        *self.content() = Some(root.clone());
        Ok(())
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("the system gives temporary folders")
}

fn open(folder: &Path) -> Vault {
    Vault::open(folder, &Pocket::with(7)).expect("the profile opens")
}

fn value(vault: &Vault, table: Table, key: &str) -> Option<Vec<u8>> {
    vault.get(table, key).expect("the store answers").map(Phi::into_revealed)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Every needle that lies in the clear somewhere under `folder`.
fn found_in_the_clear<'a>(folder: &Path, needles: &[&'a str]) -> Vec<&'a str> {
    let contents: Vec<Vec<u8>> =
        files(folder).iter().map(|path| fs::read(path).expect("the file is readable")).collect();
    let names: Vec<String> = files(folder).iter().map(|path| path.display().to_string()).collect();
    needles
        .iter()
        .copied()
        .filter(|needle| {
            let utf16: Vec<u8> = needle.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
            contents.iter().any(|bytes| holds(bytes, needle.as_bytes()) || holds(bytes, &utf16))
                || names.iter().any(|name| name.contains(needle))
        })
        .collect()
}

#[test]
fn values_come_back_after_the_program_ended() {
    let folder = folder();
    let roots = Pocket::default();
    let big: Vec<u8> = (0..3_000_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    let vault = Vault::open(folder.path(), &roots).expect("a new profile opens");
    vault.put(Table::Settings, "pat-auenwald", b"first").expect("the value is kept");
    vault.put(Table::Settings, "pat-auenwald", b"second").expect("the value is replaced");
    vault.put(Table::Records, "pat-auenwald", &big).expect("a large value is kept");
    vault.put(Table::Settings, "pat-birkenlicht", b"").expect("an empty value is kept");
    vault.put(Table::Settings, "gone", b"x").expect("the value is kept");
    assert!(vault.delete(Table::Settings, "gone").expect("the value goes"), "there was one to remove");
    drop(vault);

    let vault = Vault::open(folder.path(), &roots).expect("the profile opens again");
    assert_eq!(value(&vault, Table::Settings, "pat-auenwald").as_deref(), Some(&b"second"[..]), "the newer value");
    assert!(value(&vault, Table::Records, "pat-auenwald") == Some(big), "the large value, whole");
    assert_eq!(value(&vault, Table::Settings, "pat-birkenlicht").as_deref(), Some(&b""[..]), "the empty value");
    assert_eq!(value(&vault, Table::Settings, "gone"), None, "what was removed");
    assert_eq!(value(&vault, Table::Secrets, "pat-auenwald"), None, "another table");
    let keys: Vec<String> =
        vault.keys(Table::Settings).expect("the keys open").into_iter().map(Phi::into_revealed).collect();
    assert_eq!(keys, ["pat-auenwald", "pat-birkenlicht"], "the keys of the table, sorted");
    assert!(!vault.delete(Table::Settings, "gone").expect("the store answers"), "nothing is left to remove");
    vault.clear(Table::Settings).expect("the table is emptied");
    assert_eq!(vault.keys(Table::Settings).expect("the keys open"), [], "an emptied table has no keys");
}

#[test]
fn nothing_of_a_person_lies_in_the_clear() {
    let needles = [
        "Auenwald",
        "X110127457",
        "eyJhbGciOiJFUzI1NiJ9",
        "Durvalumab",
        "pat-auenwald",
        "case/auenwald",
        "1.2.276.0.99.1",
        "dr-falkenried",
    ];
    let folder = folder();
    let roots = Pocket::default();
    let vault = Vault::open(folder.path(), &roots).expect("a new profile opens");
    let text = "Auenwald, Gernot, X110127457: Durvalumab";
    vault.put(Table::Settings, "pat-auenwald", text.as_bytes()).expect("kept");
    vault.put(Table::Records, "pat-auenwald", text.repeat(60_000).as_bytes()).expect("kept");
    vault.put(Table::Secrets, "dr-falkenried", b"eyJhbGciOiJFUzI1NiJ9").expect("kept");
    let seq = vault.journal_append("case/auenwald", text.as_bytes()).expect("kept");
    vault.journal_append("case/auenwald", text.as_bytes()).expect("kept");
    vault.journal_compact("case/auenwald", seq).expect("compacted");
    vault.frame_put("1.2.276.0.99.1/0", text.repeat(60_000).as_bytes()).expect("kept");
    vault.signing_key("dr-falkenried").expect("made");
    vault.delete(Table::Settings, "pat-auenwald").expect("removed");

    let root = roots.load("").expect("the pocket answers").expect("a root was made");
    let bytes: Vec<u8> = files(folder.path()).iter().flat_map(|path| fs::read(path).expect("readable")).collect();
    assert!(bytes.len() > 2_000_000, "the search looks at the values: {} bytes", bytes.len());
    assert_eq!(found_in_the_clear(folder.path(), &needles), [""; 0], "while the program runs");
    assert!(!bytes.windows(32).any(|window| window == root.reveal()), "the root is in the keyring alone");
    drop(vault);
    assert_eq!(found_in_the_clear(folder.path(), &needles), [""; 0], "after it ended");

    fs::write(folder.path().join("window.json"), "Auenwald").expect("a file is written");
    assert_eq!(found_in_the_clear(folder.path(), &needles), ["Auenwald"], "the search finds what is there");
}

#[test]
fn threads_share_one_vault() {
    let folder = folder();
    let vault = open(folder.path());
    std::thread::scope(|scope| {
        for n in 0..4 {
            let vault = &vault;
            scope.spawn(move || {
                for m in 0..20 {
                    vault.journal_append("shared", format!("{n}/{m}").as_bytes()).expect("kept");
                    vault.frame_put(&format!("{n}/{m}"), &[n; 1000]).expect("kept");
                }
            });
        }
    });
    assert_eq!(vault.journal_read("shared").expect("readable").len(), 80, "no entry took another's place");
    assert!(vault.frame_get("3/19").expect("readable").is_some(), "the frames are there");
}

#[test]
fn a_profile_is_in_one_hand() {
    let folder = folder();
    let first = open(folder.path());
    let second = Vault::open(folder.path(), &Pocket::with(7));
    assert!(matches!(second, Err(OpenError::ProfileInUse)), "the second program is refused: {second:?}");
    drop(first);
    open(folder.path());
}

#[test]
fn a_store_without_its_root_is_refused_and_left_alone() {
    let folder = folder();
    let vault = open(folder.path());
    vault.put(Table::Settings, "pat-auenwald", b"text").expect("kept");
    drop(vault);

    let other = Vault::open(folder.path(), &Pocket::with(8));
    assert!(matches!(other, Err(OpenError::Unreadable(Unreadable::RootWrong))), "another root: {other:?}");
    let roots = Pocket::default();
    let none = Vault::open(folder.path(), &roots);
    assert!(matches!(none, Err(OpenError::Unreadable(Unreadable::RootMissing))), "no root: {none:?}");
    assert!(roots.load("").expect("the pocket answers").is_none(), "no new root takes the place of the lost one");
    assert_eq!(value(&open(folder.path()), Table::Settings, "pat-auenwald").as_deref(), Some(&b"text"[..]), "kept");
}

#[test]
fn a_keyring_that_does_not_keep_is_found_out_at_the_first_start() {
    struct Sieve;
    impl RootKeyStore for Sieve {
        fn load(&self, _: &str) -> Result<Option<Root>, KeyringError> {
            Ok(None)
        }
        fn save(&self, _: &str, _: &Root) -> Result<(), KeyringError> {
            Ok(())
        }
    }
    let folder = folder();
    let refused = Vault::open(folder.path(), &Sieve);
    assert!(matches!(refused, Err(OpenError::Keyring(KeyringError::NotKept))), "{refused:?}");
    Vault::open(folder.path(), &Pocket::default()).expect("a better keyring starts the same profile");
}

#[test]
fn a_locked_keyring_is_told_and_another_attempt_works() {
    use keyring_core::{Entry, Error, mock};
    let folder = folder();
    let store: std::sync::Arc<keyring_core::CredentialStore> = mock::Store::new().expect("the mock store opens");
    let roots = KeyringRoot::new(store.clone());
    drop(Vault::open(folder.path(), &roots).expect("a new profile opens"));
    let db = rusqlite::Connection::open(folder.path().join("vault.sqlite3")).expect("the database opens");
    let id: Vec<u8> = db
        .query_row("SELECT value FROM meta WHERE name = 'profile'", [], |row| row.get(0))
        .expect("the profile has an id");
    drop(db);
    let id = String::from_utf8(id).expect("the id is text");
    let entry = Entry::new_in_store(&store, vault::SERVICE, &id).expect("the root lies under the profile's id");
    entry
        .as_any()
        .downcast_ref::<mock::Cred>()
        .expect("a mock credential")
        .set_error(Error::NoStorageAccess("locked".into()));
    let locked = Vault::open(folder.path(), &roots);
    assert!(matches!(locked, Err(OpenError::Keyring(KeyringError::Locked(_)))), "{locked:?}");
    Vault::open(folder.path(), &roots).expect("once it is unlocked the profile opens");
}

#[test]
fn a_changed_value_is_an_error() {
    let folder = folder();
    let vault = open(folder.path());
    vault.put(Table::Settings, "a", b"value of a").expect("kept");
    vault.put(Table::Settings, "b", b"value of b").expect("kept");
    vault.journal_append("s", b"entry").expect("kept");
    vault.journal_append("s", b"entry").expect("kept");
    let db = rusqlite::Connection::open(folder.path().join("vault.sqlite3")).expect("a second reader opens");
    let is_damaged = |found: Option<StoreError>| matches!(found, Some(StoreError::Unreadable(Unreadable::Damaged)));

    db.execute("UPDATE chunks SET row = 3 - row, number = number + 10", []).expect("two values are swapped");
    assert!(is_damaged(vault.get(Table::Settings, "a").err()), "a value of another row");
    db.execute("UPDATE chunks SET row = 3 - row, number = number - 10", []).expect("they are swapped back");
    assert_eq!(value(&vault, Table::Settings, "a").as_deref(), Some(&b"value of a"[..]), "each in its own place");
    db.execute("UPDATE chunks SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB)", [])
        .expect("a byte is changed");
    assert!(is_damaged(vault.get(Table::Settings, "a").err()), "a changed byte");
    db.execute("DELETE FROM chunks", []).expect("the content is removed");
    assert!(is_damaged(vault.get(Table::Settings, "a").err()), "a row without content");
    db.execute("UPDATE journal SET sealed = (SELECT sealed FROM journal WHERE seq = 1) WHERE seq = 2", [])
        .expect("an entry is repeated");
    assert!(is_damaged(vault.journal_read("s").err()), "an entry under another's number");
}

#[test]
fn a_damaged_value_is_put_aside_once_and_keeps_no_other_away() {
    let folder = folder();
    let vault = open(folder.path());
    for key in ["c", "a", "b", "d"] {
        vault.put(Table::Uploads, key, format!("value of {key}").as_bytes()).expect("kept");
    }
    vault.put(Table::Settings, "a", b"of another table").expect("kept");
    let db = rusqlite::Connection::open(folder.path().join("vault.sqlite3")).expect("a second reader opens");
    db.execute("UPDATE chunks SET sealed = CAST(substr(sealed, 1, 30) || x'00' AS BLOB) WHERE row = 2", [])
        .expect("the value of a is cut");
    db.execute("UPDATE rows SET name = CAST(substr(name, 1, 30) || x'00' AS BLOB) WHERE id = 3", [])
        .expect("the name of b is cut");
    let found = |vault: &Vault| {
        let sound = vault.sound(Table::Uploads).expect("the table is read");
        let keys: Vec<String> = sound.values.iter().map(|(key, _)| key.reveal().clone()).collect();
        let values: Vec<String> =
            sound.values.iter().map(|(_, value)| String::from_utf8_lossy(value.reveal()).into_owned()).collect();
        (keys, values, sound.damaged)
    };
    let (keys, values, damaged) = found(&vault);
    assert_eq!((keys, damaged), (vec!["c".to_owned(), "d".to_owned()], 2), "the others, and how many are not");
    assert_eq!(values, ["value of c", "value of d"], "as they were written");
    assert_eq!(found(&vault).2, 0, "they are told once");
    let kept: i64 = db.query_row("SELECT count(*) FROM rows", [], |row| row.get(0)).expect("the rows are counted");
    assert_eq!(kept, 5, "nothing was removed");
    assert_eq!(value(&vault, Table::Settings, "a").as_deref(), Some(&b"of another table"[..]), "untouched");
}

#[test]
fn a_damaged_database_gives_errors_and_no_wrong_value() {
    let folder = folder();
    let path = folder.path().join("vault.sqlite3");
    let vault = open(folder.path());
    for n in 0..40 {
        vault.put(Table::Records, &format!("row-{n}"), format!("value {n} ").repeat(40).as_bytes()).expect("kept");
    }
    drop(vault);
    let whole = fs::read(&path).expect("the database is readable");
    for at in (0..whole.len()).step_by(173) {
        let mut changed = whole.clone();
        changed[at] ^= 0x5A;
        fs::write(&path, &changed).expect("the file is written");
        if let Ok(vault) = Vault::open(folder.path(), &Pocket::with(7)) {
            for n in 0..40 {
                if let Ok(Some(found)) = vault.get(Table::Records, &format!("row-{n}")) {
                    let expected = format!("value {n} ").repeat(40);
                    assert_eq!(found.reveal().as_slice(), expected.as_bytes(), "byte {at} of the file was changed");
                }
            }
        }
    }
    for (name, content) in
        [("text", b"this is no database, and long enough".repeat(40)), ("half", whole[..5000].to_vec())]
    {
        fs::write(&path, &content).expect("the file is written");
        let refused = Vault::open(folder.path(), &Pocket::with(7));
        assert!(matches!(refused, Err(OpenError::Unreadable(Unreadable::Damaged))), "{name}: {refused:?}");
        assert!(fs::read(&path).expect("readable") == content, "{name}: the file is left as it was");
    }
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let folder = folder();
    let limits = Limits { store: Some(300_000), ..Limits::default() };
    let vault = Vault::open_limited(folder.path(), &Pocket::with(7), limits).expect("the profile opens");
    for n in 0..4 {
        vault.frame_put(&format!("series/{n}"), &[n; 10_000]).expect("kept");
    }
    vault.put(Table::Settings, "pat-auenwald", b"typed").expect("kept");
    let mut appended = Vec::new();
    let full = loop {
        match vault.journal_append("case", &[b'x'; 4000]) {
            Ok(seq) => appended.push(seq),
            Err(error) => break error,
        }
        assert!(appended.len() < 200, "300 kB hold no more than 75 entries of 4 kB");
    };
    assert!(matches!(full, StoreError::DiskFull), "{full:?}");
    let large = vault.put(Table::Settings, "pat-auenwald", &[1; 500_000]);
    assert!(matches!(large, Err(StoreError::DiskFull)), "{large:?}");
    assert_eq!(
        value(&vault, Table::Settings, "pat-auenwald").as_deref(),
        Some(&b"typed"[..]),
        "the former value stays"
    );
    let kept: Vec<_> = vault.journal_read("case").expect("readable").into_iter().map(|entry| entry.seq).collect();
    assert_eq!(kept, appended, "every acknowledged entry stays");
    assert!(vault.frames_bytes().expect("readable") < 40_000, "cached frames made room before anybody was refused");
    vault.journal_compact("case", appended[appended.len() - 1]).expect("forgetting makes room");
    vault.journal_append("case", b"again").expect("and then writing works");
}

#[test]
fn the_journal_keeps_its_order_and_forgets_only_what_it_is_told() {
    let folder = folder();
    let vault = open(folder.path());
    for n in 0..5 {
        vault.journal_append("a", format!("a{n}").as_bytes()).expect("kept");
        vault.journal_append("b", format!("b{n}").as_bytes()).expect("kept");
    }
    let entries = vault.journal_read("a").expect("readable");
    vault.journal_compact("a", entries[2].seq).expect("compacted");
    let left: Vec<String> = vault
        .journal_read("a")
        .expect("readable")
        .into_iter()
        .map(|entry| String::from_utf8(entry.value.into_revealed()).expect("text"))
        .collect();
    assert_eq!(left, ["a3", "a4"], "the entries after the mark");
    assert_eq!(vault.journal_read("b").expect("readable").len(), 5, "another stream is untouched");
    vault.journal_compact("a", entries[4].seq).expect("compacted");
    vault.journal_compact("b", vault.journal_last("b").expect("readable").expect("an entry").seq).expect("compacted");
    assert_eq!(vault.journal_streams().expect("readable"), [], "no stream holds entries");
    drop(vault);
    let vault = open(folder.path());
    let next = vault.journal_append("a", b"later").expect("kept");
    assert!(next > entries[4].seq, "a number is never used twice: {next:?}");
    assert_eq!(vault.journal_streams().expect("readable"), [Phi::new("a".to_owned())], "one stream holds an entry");
}

#[test]
fn a_frame_that_is_only_asked_about_counts_as_used() {
    let folder = folder();
    let limits = Limits { frames: 100_000, ..Limits::default() };
    let vault = Vault::open_limited(folder.path(), &Pocket::with(7), limits).expect("the profile opens");
    for n in 0..9 {
        vault.frame_put(&format!("series/{n}"), &[n; 10_000]).expect("kept");
    }
    let size = vault.frame_touch("series/0").expect("readable").expect("it is here");
    assert_eq!(size * 9, vault.frames_bytes().expect("readable"), "what each of nine takes");
    assert_eq!(vault.frame_touch("series/9").expect("readable"), None, "what is not here takes nothing");
    for n in 9..12 {
        vault.frame_put(&format!("series/{n}"), &[n; 10_000]).expect("kept");
    }
    assert_eq!(vault.frame_touch("series/0").expect("readable"), Some(size), "it stayed");
    assert_eq!(vault.frame_touch("series/1").expect("readable"), None, "the longest unused one went in its place");
    assert_eq!(vault.frames_limit(), 100_000, "the bound is known");
}

#[test]
fn the_frame_cache_stays_within_its_bounds() {
    let folder = folder();
    let limits = Limits { frames: 100_000, ..Limits::default() };
    let open = || Vault::open_limited(folder.path(), &Pocket::with(7), limits).expect("the profile opens");
    let vault = open();
    for n in 0..9 {
        vault.frame_put(&format!("series/{n}"), &[n; 10_000]).expect("kept");
    }
    assert!(vault.frame_get("series/0").expect("readable").is_some(), "the first frame is used again");
    for n in 9..12 {
        vault.frame_put(&format!("series/{n}"), &[n; 10_000]).expect("kept");
    }
    assert!(vault.frames_bytes().expect("readable") <= 100_000, "the bound holds");
    assert_eq!(vault.frame_get("series/0").expect("readable"), Some(vec![0; 10_000]), "what was used stays");
    assert_eq!(vault.frame_get("series/1").expect("readable"), None, "the longest unused frame went");
    vault.frame_put("huge", &[1; 200_000]).expect("a frame above the bound is no error");
    assert_eq!(vault.frame_get("huge").expect("readable"), None, "and is not kept");
    drop(vault);

    let vault = open();
    assert_eq!(vault.frame_get("series/11").expect("readable"), Some(vec![11; 10_000]), "frames outlive the program");
    let on_disk: u64 =
        files(&folder.path().join("frames")).iter().map(|path| fs::metadata(path).expect("readable").len()).sum();
    assert_eq!(vault.frames_bytes().expect("readable"), on_disk, "what is counted is what lies there");
    for path in files(&folder.path().join("frames")) {
        let mut bytes = fs::read(&path).expect("readable");
        bytes[60] ^= 1;
        fs::write(&path, bytes).expect("written");
    }
    assert_eq!(vault.frame_get("series/11").expect("readable"), None, "a changed frame is no frame");
    vault.frames_clear().expect("emptied");
    assert!(files(&folder.path().join("frames")).is_empty(), "nothing is left");
}

#[test]
fn large_frames_are_kept_in_chunks() {
    let folder = folder();
    let vault = open(folder.path());
    let frame: Vec<u8> = (0..5_000_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    vault.frame_put("slide/0", &frame).expect("kept");
    assert!(vault.frame_get("slide/0").expect("readable") == Some(frame), "the same bytes come back");
}

#[test]
fn a_person_signs_with_one_key_and_a_device_has_one_id() {
    let folder = folder();
    let vault = open(folder.path());
    let keys: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| vault.signing_key("falkenried").expect("made"))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "all callers get the same key");
    let device = vault.device_id().expect("made");
    assert!(vault.signing_key("weidenlohe").expect("made") != keys[0], "another person has another key");
    drop(vault);
    let vault = open(folder.path());
    assert!(vault.signing_key("falkenried").expect("read") == keys[0], "the key outlives the program");
    assert_eq!(vault.device_id().expect("read"), device, "the id outlives the program");
}

#[test]
fn keys_that_could_have_two_meanings_are_refused() {
    let folder = folder();
    let vault = open(folder.path());
    let long = "x".repeat(1025);
    for key in ["", "a\0b", &long] {
        assert!(matches!(vault.put(Table::Settings, key, b""), Err(StoreError::Key)), "{} bytes", key.len());
        assert!(matches!(vault.frame_get(key), Err(StoreError::Key)), "{} bytes", key.len());
    }
}

/// Names the profile to the process that the next test starts and kills.
const CHILD: &str = "KONSIL_TEST_APPENDS_IN";

/// What that process does: it appends until it is killed, and says what was taken.
fn append_without_end(folder: &Path) {
    let vault = open(folder);
    let mut out = std::io::stdout();
    for n in vault.journal_read("case").expect("readable").len().. {
        vault.journal_append("case", format!("Auenwald {n}").as_bytes()).expect("kept");
        writeln!(out, "ack {n}").and_then(|()| out.flush()).expect("the parent listens");
    }
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    // The process that is killed is this test again.
    if let Some(folder) = std::env::var_os(CHILD) {
        return append_without_end(Path::new(&folder));
    }
    let folder = folder();
    // xorshift with a fixed seed chooses the moments.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut acknowledged = 0;
    for round in 0..12 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut child = Command::new(std::env::current_exe().expect("this test has a path"))
            .args(["--exact", "what_was_acknowledged_survives_kill_9", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is ours")).lines().map_while(Result::ok);
        let acks = |line: &String| line.rsplit_once("ack ").and_then(|(_, n)| n.parse::<usize>().ok());
        let wanted = usize::try_from(1 + state % 25).expect("below 26");
        let mut seen = lines.by_ref().filter_map(|line| acks(&line)).take(wanted).last();
        child.kill().expect("the child is killed");
        seen = lines.filter_map(|line| acks(&line)).last().or(seen);
        child.wait().expect("the child has ended");
        acknowledged = seen.expect("the child appended something") + 1;

        assert_eq!(found_in_the_clear(folder.path(), &["Auenwald"]), [""; 0], "round {round}: nothing in the clear");
        let entries = open(folder.path()).journal_read("case").expect("the journal is readable");
        assert!(
            (acknowledged..=acknowledged + 1).contains(&entries.len()),
            "round {round}: {} entries for {acknowledged} acknowledgments",
            entries.len()
        );
        for (n, entry) in entries.iter().enumerate() {
            assert_eq!(entry.value.reveal().as_slice(), format!("Auenwald {n}").as_bytes(), "round {round}");
        }
    }
    assert!(acknowledged >= 12, "each round acknowledged something: {acknowledged}");
}

/// Needs a Secret Service of its own; `README.md` says how to start one.
#[test]
fn the_secret_service_keeps_the_root() {
    if std::env::var_os("KONSIL_TEST_SECRET_SERVICE").is_none() {
        writeln!(std::io::stderr(), "SKIPPED: the Secret Service is tested when KONSIL_TEST_SECRET_SERVICE=1")
            .expect("standard error takes a line");
        return;
    }
    let folder = folder();
    let roots = KeyringRoot::system().expect("a Secret Service answers");
    let vault = Vault::open(folder.path(), &roots).expect("the root is written and read back");
    vault.put(Table::Secrets, "token", b"kept").expect("kept");
    drop(vault);
    let again = KeyringRoot::system().expect("a Secret Service answers");
    let vault = Vault::open(folder.path(), &again).expect("the root comes back");
    assert_eq!(value(&vault, Table::Secrets, "token").as_deref(), Some(&b"kept"[..]), "the value opens");
}
