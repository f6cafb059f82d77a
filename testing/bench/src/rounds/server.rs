//! What a media server takes of the processor for each packet that it hands on: the platform's own, alone in a process,
//! and LiveKit's, with the same people.

use super::Rounds;
use super::held::spent;
use super::people::{Counted, Film, Person, Place, key, voice};
use super::runtime;
use crate::figures::Figures;
use anyhow::{Context, Result};
use clap::Args;
use rounds::Encryption;
use serde_json::Value;
use sfu::Sfu;
use sfu::token::SigningKey;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

const KEY: &str = "own";
/// How many are there, and how many of them are seen and heard.
const ROUNDS: [(usize, usize); 4] = [(2, 2), (5, 5), (10, 6), (25, 6)];
/// Until all have what they want.
const SETTLE: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(20);

/// The platform's own media server alone.
#[derive(Debug, Args)]
pub(crate) struct MediaServer {
    /// What signs the tokens of those who are let in.
    #[arg(long)]
    secret: String,
}

impl MediaServer {
    pub(crate) fn run(self) -> Result<()> {
        runtime()?.block_on(async {
            let key = SigningKey::new(KEY, Zeroizing::new(self.secret.into_bytes()))?;
            let server = Sfu::start(sfu::Options { key, media_port: 0 }).await?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            println!("ws://{}", listener.local_addr()?);
            std::io::stdout().flush()?;
            axum::serve(listener, server.router()).await?;
            Ok(())
        })
    }
}

/// It in a process of its own, which ends with this.
pub(super) struct Own {
    process: Child,
    address: String,
    secret: String,
}

impl Drop for Own {
    fn drop(&mut self) {
        // It has no state.
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

impl Own {
    pub(super) fn start() -> Result<Self> {
        let secret = uuid::Uuid::new_v4().simple().to_string();
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.args(["media-server", "--secret", &secret]).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(process.stdout.take().context("it is a pipe")?).read_line(&mut address)?;
        Ok(Self { process, address: address.trim().to_owned(), secret })
    }

    pub(super) fn process(&self) -> u32 {
        self.process.id()
    }

    /// A new room.
    pub(super) fn place(&self) -> Result<Place> {
        Place::new(&self.address, KEY, &self.secret)
    }
}

/// LiveKit's server of the list.
pub(super) struct LiveKit {
    pub(super) process: u32,
    address: String,
    key: String,
    secret: String,
}

impl LiveKit {
    pub(super) fn of(list: &Path) -> Result<Self> {
        let list: Value = serde_json::from_slice(&std::fs::read(list)?)?;
        let entry = &list["livekit"];
        let word =
            |name: &str| Ok::<_, anyhow::Error>(entry[name].as_str().with_context(|| name.to_owned())?.to_owned());
        let process = entry["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).context("its process")?;
        Ok(Self {
            process,
            address: word("address")?.replacen("http", "ws", 1),
            key: word("key")?,
            secret: word("secret")?,
        })
    }

    /// A new room.
    pub(super) fn place(&self) -> Result<Place> {
        Place::new(&self.address, &self.key, &self.secret)
    }
}

pub(super) async fn measure(bench: &Rounds, figures: &mut Figures) -> Result<()> {
    let (face, voice) = (Film::face()?, voice()?);
    let rounds = if bench.quick { &ROUNDS[..1] } else { &ROUNDS[..] };
    for &(people, seen) in rounds {
        let name = |what: &str| format!("{people} people, {seen} of them seen and heard: {what}");
        let own = Own::start()?;
        let ours = packet(own.process(), own.place()?, people, seen, (&face, &voice)).await?;
        drop(own);
        figures.note(name("processor time for a packet of the platform's own server"), ours.micros, "µs");
        figures.note(name("packets a second by it"), ours.per_second, "1/s");
        let Some(list) = &bench.servers else {
            println!("SKIPPED LiveKit's server: it is not in a list of servers");
            continue;
        };
        let livekit = LiveKit::of(list)?;
        let theirs = packet(livekit.process, livekit.place()?, people, seen, (&face, &voice)).await?;
        figures.note(name("the same of LiveKit's server"), theirs.micros, "µs");
        figures.note(name("packets a second by it, LiveKit"), theirs.per_second, "1/s");
        figures.at_most(name("ours to LiveKit's"), ours.micros / theirs.micros, "times", 1.0);
    }
    Ok(())
}

struct Packets {
    /// Of the processor, for each.
    micros: f64,
    per_second: f64,
}

async fn packet(
    process: u32,
    place: Place,
    people: usize,
    seen: usize,
    (face, voice): (&Arc<Film>, &Arc<Vec<Vec<u8>>>),
) -> Result<Packets> {
    let key = key()?;
    let counted = Arc::new(Counted::default());
    let mut all = Vec::new();
    for number in 0..people {
        let how = Encryption::Shared(key.clone());
        let mut person = Person::joins(&place, &format!("person-{number}"), how, &counted).await?;
        if number < seen {
            person.is_seen(face).await;
            person.is_heard(voice).await;
        }
        all.push(person);
    }
    goes_on(SETTLE).await;
    let (before, time) = (received(&all).await, spent(process)?);
    goes_on(MEASURED).await;
    let (after, later) = (received(&all).await, spent(process)?);
    for person in all {
        person.leaves().await;
    }
    let packets = after.saturating_sub(before);
    let count = f64::from(u32::try_from(packets).unwrap_or(u32::MAX)).max(1.0);
    let micros = later.saturating_sub(time).as_secs_f64() * 1e6 / count;
    Ok(Packets { micros, per_second: count / MEASURED.as_secs_f64() })
}

/// The round does, for so long.
async fn goes_on(time: Duration) {
    let _over = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

async fn received(all: &[Person]) -> u64 {
    let mut packets = 0_u64;
    for person in all {
        packets = packets.saturating_add(person.traffic().await.packets_received);
    }
    packets
}
