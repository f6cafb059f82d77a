//! Sends a large file through chat on the evaluation platform and fetches it again, and says what that took: peak memory
//! above idle, and speed. `cargo run -p integration --example large_file [MIB]`; 2 GiB unless told otherwise.
#![recursion_limit = "256"]
#![expect(clippy::print_stdout, reason = "a command line tool talks to the terminal")]

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use sha2::{Digest as _, Sha256};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::PlatformProcess;
use tim::{
    Account, AccountOptions, Body, Homeserver, Line, MessageId, NewConversation, NewFile, SessionStore,
    SessionStoreError, SignIn, Sink, Source, Splitting, StoredSession,
};
use zeroize::Zeroizing;

const MIB: u64 = 1024 * 1024;
const PIECE: u64 = 256 * 1024;

struct Forgetful;

impl SessionStore for Forgetful {
    fn save(&self, _session: &StoredSession) -> Result<(), SessionStoreError> {
        Ok(())
    }
}

/// A file that is nowhere: each piece follows from its place.
struct Made(u64);

impl Made {
    fn piece(offset: u64, size: u64) -> Bytes {
        let mut state = offset ^ 0x9E37_79B9_7F4A_7C15;
        let mut piece = vec![0; usize::try_from(PIECE.min(size - offset)).expect("a piece")];
        for eight in piece.chunks_mut(8) {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            eight.copy_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes()[..eight.len()]);
        }
        piece.into()
    }

    fn hash(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for offset in (0..self.0).step_by(PIECE as usize) {
            digest.update(Self::piece(offset, self.0));
        }
        digest.finalize().into()
    }
}

impl Source for Made {
    fn read_from(&mut self, offset: u64) -> BoxFuture<'_, io::Result<BoxStream<'static, io::Result<Bytes>>>> {
        let size = self.0;
        let pieces = (offset..size).step_by(PIECE as usize).map(move |at| Ok(Self::piece(at, size)));
        Box::pin(std::future::ready(Ok(stream::iter(pieces).boxed())))
    }
}

struct Hashed(Sha256);

impl Sink for Hashed {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, io::Result<()>> {
        self.0.update(&bytes);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// A line of /proc/self/status, in MiB.
fn memory(name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("memory is told by Linux alone")?;
    let kib: u64 = line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").parse()?;
    Ok(kib / 1024)
}

/// The peak begins anew.
fn forget_peak() -> anyhow::Result<()> {
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}

fn say(what: &str, size: u64, idle: u64, begun: Instant) -> anyhow::Result<()> {
    let (seconds, peak) = (begun.elapsed().as_secs_f64(), memory("VmHWM")?);
    let speed = size as f64 / 1e6 / seconds;
    println!(
        "{what}: {} MiB in {seconds:.1} s, {speed:.0} MB/s, peak {peak} MiB, {} MiB above idle",
        size / MIB,
        peak - idle
    );
    Ok(())
}

async fn account(homeserver: &Homeserver, user: &str, folder: &std::path::Path) -> anyhow::Result<Account> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let options = AccountOptions {
        folder: folder.join(user),
        key: Zeroizing::new([7; 32]),
        transfers: http.clone(),
        http,
        sessions: Arc::new(Forgetful),
    };
    let way = SignIn::Password { user, password: sandbox::PASSWORD };
    let account = Account::sign_in(options, homeserver, way, "large_file").await?;
    account.state().wait_for(|state| *state == tim::SyncState::Ready).await?;
    Ok(account)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let mib = std::env::args().nth(1).map_or(Ok(2048), |text| text.parse::<u64>())?;
    let folder = tempfile::tempdir()?;
    // In a process of its own, whose memory does not count.
    let program = std::env::current_exe()?.with_file_name("../konsil-test");
    let platform = PlatformProcess::start(program.to_str().context("a path")?, &folder.path().join("platform")).await?;
    let name = platform.url.trim_start_matches("http://").to_owned();
    let homeserver = Homeserver::discover(&|_url| reqwest::Client::builder().no_proxy().build().ok(), &name).await?;
    let one = account(&homeserver, "dr-falkenried", folder.path()).await?;
    let other = account(&homeserver, "dr-sonnkaya", folder.path()).await?;
    let room = one.begin(NewConversation::Direct(&format!("@dr-sonnkaya:{name}"))).await?;
    let asked = other.list_changes();
    let mut asked = std::pin::pin!(asked);
    while !other.rows().await.iter().any(|row| row.id == room) {
        asked.next().await.context("the account lives")?;
    }
    other.join(&room).await?;
    let (mine, theirs) = (one.conversation(&room).await?, other.conversation(&room).await?);
    while mine.members().await.len() < 2 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let (size, idle) = (mib * MIB, memory("VmRSS")?);
    println!("idle: {idle} MiB, the two accounts together");
    let new = NewFile {
        name: "large.bin".to_owned(),
        mimetype: None,
        size,
        picture: None,
        fallback: Arc::new(|name, parts| format!("{name} in {parts} parts")),
    };
    let mut outgoing = mine.attach(new, Splitting::default()).await?;
    println!("uploads: {}", outgoing.parts());
    forget_peak()?;
    let begun = Instant::now();
    outgoing.send(&mut Made(size)).await?;
    say("sent", size, idle, begun)?;

    let mut changes = theirs.changes();
    let message = loop {
        changes.borrow_and_update();
        let found: Option<MessageId> = theirs.lines().into_iter().find_map(|line| match line {
            Line::Message(message) if matches!(message.body, Body::File { .. }) => Some(message.id),
            Line::Message(_) | Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => None,
        });
        if let Some(found) = found {
            break found;
        }
        changes.changed().await?;
    };
    forget_peak()?;
    let (begun, mut hashed) = (Instant::now(), Hashed(Sha256::new()));
    theirs.file(&message)?.fetch(&mut hashed).await?;
    say("fetched", size, idle, begun)?;
    ensure!(<[u8; 32]>::from(hashed.0.finalize()) == Made(size).hash(), "what came is not what was sent");
    println!("what came is what was sent");
    Ok(())
}
