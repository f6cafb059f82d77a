//! A program that is killed at any moment: what it took is sent once, and nothing that came to it is lost.
//!
//! `cargo xtask kill` does it more often, and from another beginning.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sandbox::Options;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use testkit::{AccountKit, AccountPlace, Act, Answer, PATIENCE, Platform, Said};
use tokio::time::{Instant, interval, timeout_at};

/// How often it is killed, and from which number the moments come.
const KILLS: (&str, u64) = ("KONSIL_KILLS", 20);
const SEED: (&str, u64) = ("KONSIL_KILL_SEED", 8);
/// The latest moment after the start, in milliseconds.
const LATEST: u64 = 1200;
/// What is sent until then, at most: the end reads all of it.
const TEXTS: usize = 8;
/// Between two of them.
const PACE: Duration = Duration::from_millis(LATEST / 10);
const FILE: u64 = 300_000;

fn number((name, otherwise): (&str, u64)) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn place(folder: &Path, platform: &Platform, user: &str) -> AccountPlace {
    AccountPlace {
        program: env!("CARGO_BIN_EXE_konsil-test").into(),
        folder: folder.join(user),
        homeserver: platform.url.trim_start_matches("http://").to_owned(),
        user: user.to_owned(),
    }
}

/// Sends one text after the other until it is over; gives those that were taken.
async fn writes(account: &AccountKit, room: &str, mark: &str, end: Instant) -> Vec<String> {
    let (mut taken, mut pace) = (Vec::new(), interval(PACE));
    for count in 0..TEXTS {
        pace.tick().await;
        let text = format!("{mark}-{count}");
        let sent = account.does(Act::Send { room: room.to_owned(), text: text.clone() });
        match timeout_at(end, sent).await {
            Ok(Ok(_)) => taken.push(text),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    taken
}

/// Sends a file; gives its name if its message was taken.
async fn uploads(account: &AccountKit, room: &str, round: u64, end: Instant) -> Option<String> {
    let name = format!("{round}.bin");
    let sent = account.does(Act::SendFile { room: room.to_owned(), name: name.clone(), size: FILE + round });
    matches!(timeout_at(end, sent).await, Ok(Ok(_))).then_some(name)
}

async fn room(account: &AccountKit, act: Act) -> String {
    let Ok(Answer::Room(room)) = account.does(act).await else { panic!("a conversation begins") };
    room
}

/// What stands in a conversation: the events of each text. A line that cannot be read has none.
#[derive(Default)]
struct Shown {
    events: BTreeMap<Option<String>, BTreeSet<String>>,
    /// Events that stand there more than once.
    again: Vec<String>,
}

async fn lines(account: &AccountKit, room: &str, own: bool) -> Shown {
    let answer = account.does(Act::Lines(room.to_owned())).await.expect("it reads");
    let Answer::Lines(lines) = answer else { panic!("lines") };
    let mut shown = Shown::default();
    for Said { text, event, .. } in lines.into_iter().filter(|line| line.own == own) {
        let Some(event) = event else { continue };
        if !shown.events.entry(text).or_default().insert(event.clone()) {
            shown.again.push(event);
        }
    }
    shown
}

/// Waits until all that is wanted is there and can be read; gives what is there in the end.
async fn until(account: &AccountKit, room: &str, own: bool, wanted: &[String]) -> Shown {
    let (mut look, end) = (interval(Duration::from_millis(200)), Instant::now() + PATIENCE);
    loop {
        look.tick().await;
        let found = lines(account, room, own).await;
        let whole = wanted.iter().all(|text| found.events.contains_key(&Some(text.clone())));
        if (whole && found.again.is_empty() && !found.events.contains_key(&None)) || Instant::now() >= end {
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_at_any_moment_has_sent_what_it_took_once_and_reads_everything() {
    let platform = Platform::start(Options::default()).await.expect("a platform starts");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (killed, other) =
        (place(folder.path(), &platform, "dr-falkenried"), place(folder.path(), &platform, "dr-sonnkaya"));
    let other = AccountKit::open(&other).await.expect("the other one signs in");
    let first = AccountKit::open(&killed).await.expect("the person signs in");
    let room = room(&first, Act::Begin(other.user.clone())).await;
    other.does(Act::Join(room.clone())).await.expect("the other one comes");
    first.does(Act::Members { room: room.clone(), count: 2 }).await.expect("it is seen");
    first.kill().await.expect("the process ends");

    let mut moments = StdRng::seed_from_u64(number(SEED));
    let (mut taken, mut files, mut came) = (Vec::new(), Vec::new(), Vec::new());
    let kills = number(KILLS).max(1);
    let mut round = 0;
    while round < kills || ((taken.is_empty() || files.is_empty()) && round < 5 * kills) {
        // A slow machine is given longer lives.
        let latest = LATEST * (1 + round / kills);
        let end = Instant::now() + Duration::from_millis(moments.random_range(0..latest));
        // Somebody writes all the time, also while it starts.
        let (mark, theirs) = (format!("an {round}"), format!("von {round}"));
        let life = async {
            let Ok(account) = timeout_at(end, AccountKit::open(&killed)).await else { return (Vec::new(), None) };
            let account = account.expect("what is left of a killed program is no obstacle");
            let life = tokio::join!(writes(&account, &room, &theirs, end), uploads(&account, &room, round, end));
            timeout_at(end, std::future::pending::<()>()).await.expect_err("it lives until then");
            account.kill().await.expect("the process ends");
            life
        };
        let never = Instant::now() + PATIENCE;
        let ((texts, file), mine) = tokio::join!(life, writes(&other, &room, &mark, never));
        taken.extend(texts);
        files.extend(file);
        came.extend(mine);
        round += 1;
    }
    assert!(!taken.is_empty() && !files.is_empty(), "something was taken before an end: {}", taken.len());

    let last = AccountKit::open(&killed).await.expect("it starts");
    let all: Vec<String> = taken.iter().chain(&files).cloned().collect();
    let arrived = until(&other, &room, false, &all).await;
    let own = until(&last, &room, true, &all).await;
    let read = until(&last, &room, false, &came).await;
    let seen = [
        ("the other one", &arrived, &all),
        ("the killed one of its own", &own, &all),
        ("the killed one of the other's", &read, &came),
    ];
    for (who, shown, wanted) in seen {
        let events = &shown.events;
        let missing: Vec<_> = wanted.iter().filter(|text| !events.contains_key(&Some((*text).clone()))).collect();
        assert!(missing.is_empty(), "{who} has all {}: {missing:?}", wanted.len());
        assert!(!events.contains_key(&None), "{who} has no line that cannot be read: {:?}", events.get(&None));
        let twice: Vec<_> = events.iter().filter(|(_, events)| events.len() > 1).collect();
        assert!(twice.is_empty(), "{who} has nothing that was sent twice: {twice:?}");
        assert!(shown.again.is_empty(), "{who} has each event in one line: {:?}", shown.again);
    }
    for name in &files {
        let fetched = other.does(Act::Fetch { room: room.clone(), name: name.clone() }).await;
        let Ok(Answer::Fetched { size, .. }) = fetched else { panic!("{name} comes: {fetched:?}") };
        let round: u64 = name.trim_end_matches(".bin").parse().expect("a round");
        assert_eq!(size, FILE + round, "the bytes of {name}");
    }
}
