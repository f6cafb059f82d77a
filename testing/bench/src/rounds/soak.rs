//! A round that goes on for as long as is wanted: whether memory, threads and sockets stay what they are.
//!
//! Two people are seen at 180 rows and heard, a third shows a screen of 1080 rows, and the rest look and listen; every ten
//! seconds one of them leaves and another comes. The media server is the platform's own, in a process of its own.

use super::held::{held, judged};
use super::people::{Counted, Film, Person, key, voice};
use super::runtime;
use super::server::Own;
use anyhow::{Context, Result, ensure};
use clap::Args;
use rounds::Encryption;
use rounds_proto::signal::Source;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// So often somebody leaves and somebody comes.
const CHURN: Duration = Duration::from_secs(10);
/// So often it is measured.
const EVERY: Duration = Duration::from_secs(5);

/// How long, and with how many.
#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// How long.
    #[arg(long, default_value_t = 5)]
    minutes: u32,
    /// How many people, from 4 to 100.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u8).range(4..=100))]
    people: u8,
}

impl Soak {
    pub(crate) fn run(&self) -> Result<()> {
        runtime()?.block_on(self.soak())
    }

    async fn soak(&self) -> Result<()> {
        let (time, people) = (Duration::from_secs(60) * self.minutes, usize::from(self.people));
        let server = Own::start()?;
        let place = server.place()?;
        let key = key()?;
        let how = || Encryption::Shared(key.clone());
        let counted = Arc::new(Counted::default());
        let (face, screen, voice) = (Film::face()?, Film::screen()?, voice()?);
        let mut showing = Vec::new();
        for name in ["first", "second"] {
            let mut person = Person::joins(&place, name, how(), &counted).await?;
            person.is_seen(&face).await;
            person.is_heard(&voice).await;
            showing.push(person);
        }
        let mut person = Person::joins(&place, "screen", how(), &counted).await?;
        person.shows(Source::Screen, &screen).await;
        showing.push(person);
        let (mut listeners, mut number) = (Vec::new(), 0_u64);
        while showing.len() + listeners.len() < people {
            listeners.push(Person::joins(&place, &format!("listener-{number}"), how(), &counted).await?);
            number += 1;
        }
        let began = Instant::now();
        let (mut here, mut there) = (Vec::new(), Vec::new());
        let (mut churn, mut measure) = (tokio::time::interval(CHURN), tokio::time::interval(EVERY));
        let mut seen = (0, 0);
        while began.elapsed() < time {
            tokio::select! {
                _ = churn.tick() => {
                    listeners.remove(0).leaves().await;
                    listeners.push(Person::joins(&place, &format!("listener-{number}"), how(), &counted).await?);
                    number += 1;
                }
                _ = measure.tick() => {
                    let (ours, theirs) = (held(std::process::id(), began)?, held(server.process(), began)?);
                    let now = (counted.pictures.load(Ordering::Relaxed), counted.sounds.load(Ordering::Relaxed));
                    println!(
                        "{:5.0} s: {} pictures and {} packets of sound came; people {:.1} MB, {} threads, {} sockets; \
                         server {:.1} MB, {} threads, {} sockets",
                        began.elapsed().as_secs_f64(), now.0 - seen.0, now.1 - seen.1,
                        ours.megabytes, ours.threads, ours.sockets, theirs.megabytes, theirs.threads, theirs.sockets,
                    );
                    ensure!(here.len() < 3 || now.0 > seen.0 && now.1 > seen.1, "nothing comes any more");
                    seen = now;
                    here.push(ours);
                    there.push(theirs);
                }
            }
        }
        let (pictures, gaps) = (counted.pictures.load(Ordering::Relaxed), counted.gaps.load(Ordering::Relaxed));
        println!(
            "{number} came to look and listen; {pictures} pictures came, and before {gaps} of them others were missing"
        );
        let holds = judged("people", &here) & judged("server", &there);
        for person in showing.into_iter().chain(listeners) {
            person.leaves().await;
        }
        let left = held(server.process(), began).context("the server goes on")?;
        println!(
            "when all have left, the server has {:.1} MB, {} threads, {} sockets",
            left.megabytes, left.threads, left.sockets
        );
        ensure!(holds, "something grew");
        Ok(())
    }
}
