//! Sends a large file through chat and fetches it again, and says what that took: peak memory above idle, and speed
//! beside that of `curl` with the same homeserver. `cargo run -p integration --example large_file [MIB [HOMESERVER]]`;
//! 2 GiB unless told otherwise, on the evaluation platform unless another homeserver is named, which has to let people
//! register.
#![recursion_limit = "256"]
#![expect(clippy::print_stdout, reason = "a command line tool talks to the terminal")]

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use testkit::PlatformProcess;
use tim::{
    Account, AccountOptions, Body, Homeserver, Line, MessageId, NewConversation, NewFile, SessionStore,
    SessionStoreError, SignIn, Sink, Source, Splitting, StoredSession,
};
use zeroize::Zeroizing;

const MIB: u64 = 1024 * 1024;
const STEP: usize = 256 * 1024;
const PIECE: u64 = STEP as u64;

struct Forgetful;

impl SessionStore for Forgetful {
    fn save(&self, _session: &StoredSession) -> Result<(), SessionStoreError> {
        Ok(())
    }
}

/// A file that is nowhere: no two pieces are the same, and each costs little.
struct Made(u64);

impl Made {
    fn piece(offset: u64, size: u64) -> Bytes {
        let mut piece = vec![0; usize::try_from(PIECE.min(size - offset)).expect("a piece")];
        piece[..8].copy_from_slice(&offset.to_le_bytes());
        piece.into()
    }

    fn hash(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for offset in (0..self.0).step_by(STEP) {
            digest.update(Self::piece(offset, self.0));
        }
        digest.finalize().into()
    }
}

impl Source for Made {
    fn read_from(&mut self, offset: u64) -> BoxFuture<'_, io::Result<BoxStream<'static, io::Result<Bytes>>>> {
        let size = self.0;
        let pieces = (offset..size).step_by(STEP).map(move |at| Ok(Self::piece(at, size)));
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

/// Gives the speed in MB/s.
fn say(what: &str, size: u64, idle: u64, begun: Instant) -> anyhow::Result<f64> {
    let (seconds, peak) = (begun.elapsed().as_secs_f64(), memory("VmHWM")?);
    let speed = size as f64 / 1e6 / seconds;
    println!(
        "{what}: {} MiB in {seconds:.1} s, {speed:.0} MB/s, peak {peak} MiB, {} MiB above idle",
        size / MIB,
        peak.saturating_sub(idle)
    );
    Ok(speed)
}

/// What `curl` reaches with uploads of the same length, in clear, and with fetching them: MB/s.
async fn curl(homeserver: &Homeserver, user: &str, folder: &Path, size: u64, part: u64) -> anyhow::Result<(f64, f64)> {
    let login = json!({
        "type": "m.login.password", "password": sandbox::PASSWORD,
        "identifier": { "type": "m.id.user", "user": user },
    });
    let http = reqwest::Client::builder().no_proxy().build()?;
    let asked = http.post(homeserver.base.join("/_matrix/client/v3/login")?).json(&login).send();
    let session: Value = asked.await?.json().await?;
    let token = format!("Authorization: Bearer {}", session["access_token"].as_str().context("a token")?);
    let path = folder.join("part");
    tokio::fs::write(&path, vec![1; usize::try_from(part)?]).await?;
    let upload = homeserver.base.join("/_matrix/media/v3/upload")?;
    let (mut addresses, begun) = (Vec::new(), Instant::now());
    let times = size.div_ceil(part);
    for _ in 0..times {
        let mut curl = tokio::process::Command::new("curl");
        curl.args(["--silent", "--fail", "--noproxy", "*", "--request", "POST", "--header", &token]);
        curl.args(["--header", "Content-Type: application/octet-stream", "--header", "Expect:", "--upload-file"]);
        let done = curl.arg(&path).arg(upload.as_str()).output().await.context("curl has to be installed")?;
        ensure!(done.status.success(), "curl could not upload: {}", done.status);
        let answer: Value = serde_json::from_slice(&done.stdout)?;
        let address =
            answer["content_uri"].as_str().and_then(|uri| uri.strip_prefix("mxc://")).context("an address")?;
        addresses.push(homeserver.base.join(&format!("/_matrix/client/v1/media/download/{address}"))?);
    }
    let speed = |begun: Instant| (times * part) as f64 / 1e6 / begun.elapsed().as_secs_f64();
    let sent = speed(begun);
    let begun = Instant::now();
    for address in addresses {
        let mut curl = tokio::process::Command::new("curl");
        curl.args(["--silent", "--fail", "--noproxy", "*", "--header", &token, "--output", "/dev/null"]);
        let done = curl.arg(address.as_str()).status().await?;
        ensure!(done.success(), "curl could not download: {done}");
    }
    Ok((sent, speed(begun)))
}

/// An account on a homeserver that lets people register.
async fn register(homeserver: &Homeserver, user: &str) -> anyhow::Result<String> {
    let user = format!("{user}-{}", uuid::Uuid::new_v4().simple());
    let request = json!({
        "username": user, "password": sandbox::PASSWORD, "inhibit_login": true, "auth": { "type": "m.login.dummy" },
    });
    let http = reqwest::Client::builder().no_proxy().build()?;
    let asked = http.post(homeserver.base.join("/_matrix/client/v3/register")?).json(&request).send();
    asked.await?.error_for_status()?;
    Ok(user)
}

async fn account(homeserver: &Homeserver, user: &str, folder: &Path) -> anyhow::Result<Account> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let options = AccountOptions {
        folder: folder.join(user),
        key: Zeroizing::new([7; 32]),
        transfers: http.clone(),
        http,
        sessions: Arc::new(Forgetful),
        uploads: None,
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
    let (platform, name) = match std::env::args().nth(2) {
        Some(name) => (None, name),
        None => {
            // In a process of its own, whose memory does not count.
            let program = std::env::current_exe()?.with_file_name("../konsil-test");
            let program = program.to_str().context("a path")?;
            let platform = PlatformProcess::start(program, &folder.path().join("platform")).await?;
            let name = platform.url.trim_start_matches("http://").to_owned();
            (Some(platform), name)
        }
    };
    let homeserver = Homeserver::discover(&|_url| reqwest::Client::builder().no_proxy().build().ok(), &name).await?;
    let (mut first, mut second) = ("dr-falkenried".to_owned(), "dr-sonnkaya".to_owned());
    if platform.is_none() {
        (first, second) = (register(&homeserver, &first).await?, register(&homeserver, &second).await?);
    }
    let one = account(&homeserver, &first, folder.path()).await?;
    let other = account(&homeserver, &second, folder.path()).await?;
    let room = one.begin(NewConversation::Direct(&format!("@{second}:{}", homeserver.server_name))).await?;
    let asked = other.list_changes();
    let mut asked = std::pin::pin!(asked);
    while !other.rows().await.iter().any(|row| row.id == room) {
        asked.next().await.context("the account lives")?;
    }
    other.join(&room).await?;
    let (mine, theirs) = (one.conversation(&room).await?, other.conversation(&room).await?);
    // That somebody came is a line, too.
    let mut lines = mine.changes();
    loop {
        lines.borrow_and_update();
        if mine.members().await.len() > 1 {
            break;
        }
        lines.changed().await?;
    }

    let (size, idle) = (mib * MIB, memory("VmRSS")?);
    println!("idle: {idle} MiB, the two accounts together");
    let new = NewFile {
        name: "large.bin".to_owned(),
        mimetype: None,
        size,
        modified: None,
        picture: None,
        fallback: Arc::new(|name, parts| format!("{name} in {parts} parts")),
    };
    let mut outgoing = mine.attach(new, Splitting::default()).await?;
    let parts = outgoing.parts();
    println!("uploads: {parts}");
    forget_peak()?;
    let begun = Instant::now();
    outgoing.send(&mut Made(size)).await?;
    let sent = say("sent", size, idle, begun)?;

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
    let fetched = say("fetched", size, idle, begun)?;
    ensure!(<[u8; 32]>::from(hashed.0.finalize()) == Made(size).hash(), "what came is not what was sent");
    println!("what came is what was sent");
    let part = size.div_ceil(parts as u64);
    let (up, down) = curl(&homeserver, &first, folder.path(), size, part).await?;
    println!("curl: {up:.0} MB/s up, {down:.0} MB/s down");
    println!("beside curl: {:.0} % up, {:.0} % down", sent / up * 100.0, fetched / down * 100.0);
    Ok(())
}
