//! What it takes to wait: how often an account with an open conversation gets up while nothing happens.

use super::{Bench, room, spent};
use crate::figures::Figures;
use anyhow::Result;
use std::time::Duration;
use testkit::Act;
use tokio::time::Instant;

/// How long a homeserver holds an answer back (`crates/tim/src/sync.rs`).
const LONG_POLL: Duration = Duration::from_secs(20);
const POLLS: usize = 6;

pub(super) async fn measure(bench: &Bench<'_>, figures: &mut Figures) -> Result<()> {
    let polls = u32::try_from(bench.amount(POLLS, 2))?;
    let (one, other) = (bench.account("dr-falkenried").await?, bench.account("dr-sonnkaya").await?);
    let room = room(&one, Act::Begin(other.user.clone())).await?;
    other.does(Act::Join(room.clone())).await?;
    one.does(Act::Members { room: room.clone(), count: 2 }).await?;
    one.does(Act::Send { room: room.clone(), text: "Bis morgen.".to_owned() }).await?;
    other.does(Act::Watch(room.clone())).await?;
    other.does(Act::Read { room, count: 1 }).await?;
    // One tick, one long poll; within the first, what follows a message has come to rest.
    let mut poll = tokio::time::interval_at(Instant::now() + LONG_POLL, LONG_POLL);
    poll.tick().await;
    let before = spent(&other).await?;
    for _ in 0..polls {
        poll.tick().await;
    }
    let after = spent(&other).await?;
    // One for each question of ours.
    let wakes = after.wakes.saturating_sub(before.wakes).saturating_sub(1);
    figures.at_most("chat: idle, wakes in a long poll".to_owned(), wakes as f64 / f64::from(polls), "", 2.0);
    let processor = (after.processor - before.processor) / f64::from(polls);
    figures.note("chat: idle, processor in a long poll".to_owned(), processor, "ms");
    figures.note("chat: idle, memory".to_owned(), after.memory, "MiB");
    Ok(())
}
