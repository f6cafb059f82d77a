//! From the wish to enter to the first picture and the first sound, encrypted and with the key in hand, beside livekit-client
//! without encryption in Chromium, on the same server and in turns.
//!
//! Ours counts to the first picture that is decoded and to the first packet of sound in clear; livekit-client's to the first
//! picture that Chromium hands to the compositor (`requestVideoFrameCallback`) and to its first packet of sound.

use super::Rounds;
use super::people::{Counted, Film, PATIENCE, Person, Place, key, voice};
use super::server::LiveKit;
use crate::figures::Figures;
use crate::peer::Peer;
use anyhow::{Context, Result};
use codec::vp8::Decoder;
use rounds::{Encryption, Received};
use rounds_proto::frame::FrameKey;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

const RUNS: usize = 20;

/// In milliseconds.
#[derive(Debug, Clone, Copy)]
struct First {
    picture: f64,
    sound: f64,
}

/// One of them.
type Time = fn(&First) -> f64;

pub(super) async fn measure(bench: &Rounds, figures: &mut Figures) -> Result<()> {
    let Some(list) = &bench.servers else {
        println!("SKIPPED: LiveKit's server is not in a list of servers");
        return Ok(());
    };
    let livekit = LiveKit::of(list)?;
    let key = key()?;
    let (closed, open) = (livekit.place()?, livekit.place()?);
    let (film, voice, counted) = (Film::face()?, voice()?, Arc::new(Counted::default()));
    let mut hosts = Vec::new();
    for (place, how) in [(&closed, Encryption::Shared(key.clone())), (&open, Encryption::None)] {
        let mut host = Person::joins(place, "host", how, &counted).await?;
        host.is_seen(&film).await;
        host.is_heard(&voice).await;
        hosts.push(host);
    }
    let runs = if bench.quick { 3 } else { RUNS };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut peer = bench.peers.as_deref().map(|peers| Peer::start(peers, "livekit-js")).transpose()?;
    for run in 0..runs {
        ours.push(enters(&closed, &format!("ours-{run}"), &key).await?);
        if let Some(peer) = &mut peer {
            theirs.push(browser(peer, &open, &format!("theirs-{run}")).await?);
        }
    }
    for host in hosts {
        host.leaves().await;
    }
    let kinds: [(&str, Time); 2] = [("picture", |first| first.picture), ("sound", |first| first.sound)];
    for (what, of) in kinds {
        let (mine, other) = (Spread::of(ours.iter().map(of)), Spread::of(theirs.iter().map(of)));
        figures.note(format!("first {what}, the middle of {runs}"), mine.p50, "ms");
        figures.note(format!("first {what}, 95 of 100"), mine.p95, "ms");
        if theirs.is_empty() {
            println!("SKIPPED livekit-client: it is not installed");
            continue;
        }
        figures.note(format!("first {what} of livekit-client, the middle"), other.p50, "ms");
        figures.note(format!("first {what} of livekit-client, 95 of 100"), other.p95, "ms");
        figures.at_most(format!("first {what}, the middle to livekit-client's"), mine.p50 / other.p50, "times", 0.7);
        figures.at_most(format!("first {what}, 95 of 100 to livekit-client's"), mine.p95 / other.p95, "times", 0.7);
    }
    Ok(())
}

async fn enters(place: &Place, name: &str, key: &FrameKey) -> Result<First> {
    let began = Instant::now();
    let (round, received) = place.join(name, Encryption::Shared(key.clone()))?;
    let Received { mut events, mut pictures, mut sounds } = received;
    let mut decoder = Decoder::new();
    let (mut picture, mut sound) = (None, None);
    let first = async {
        while picture.is_none() || sound.is_none() {
            tokio::select! {
                Some(seen) = pictures.recv() => {
                    if picture.is_none() && decoder.decode(&seen.bytes).is_ok_and(|shown| shown.is_some()) {
                        picture = Some(began.elapsed());
                    }
                }
                Some(_heard) = sounds.recv() => {
                    sound.get_or_insert_with(|| began.elapsed());
                }
                event = events.recv() => {
                    event.context("the round ended")?;
                }
            }
        }
        Ok::<_, anyhow::Error>(())
    };
    tokio::time::timeout(PATIENCE, first).await.context("nothing came")??;
    round.leave().await;
    let millis = |time: Option<Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
    Ok(First { picture: millis(picture), sound: millis(sound) })
}

async fn browser(peer: &mut Peer, place: &Place, name: &str) -> Result<First> {
    let act = json!({ "do": "first", "url": place.address, "token": place.token(name)? });
    let answer = tokio::time::timeout(PATIENCE, peer.does(act)).await.context("nothing came")??;
    let figure = |name: &str| answer[name].as_f64().with_context(|| format!("no {name}: {answer}"));
    Ok(First { picture: figure("picture")?, sound: figure("sound")? })
}

struct Spread {
    p50: f64,
    p95: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |hundredths: usize| values.get((values.len() * hundredths / 100).min(values.len().saturating_sub(1)));
        let at = |hundredths| at(hundredths).copied().unwrap_or(f64::NAN);
        Self { p50: at(50), p95: at(95) }
    }
}
