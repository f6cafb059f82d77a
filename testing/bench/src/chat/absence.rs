//! Many encrypted messages after an absence: processor time until each of them is read, ours beside matrix-js-sdk's.
//!
//! Both were members before it, with keys of their own. Ours begins as a program that is started, matrix-js-sdk as one
//! that was cut off, since it keeps no keys on a disk without a browser. Both read back in pages of fifty.

use super::{Bench, room, spent, unexpected};
use crate::figures::Figures;
use crate::peer::Peer;
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::json;
use std::time::Instant;
use testkit::{AccountKit, Act, Answer};

const ROOMS: usize = 20;
const MESSAGES: usize = 10_000;

pub(super) async fn measure(bench: &Bench<'_>, figures: &mut Figures) -> Result<()> {
    let rooms_count = bench.amount(ROOMS, 5);
    let each = bench.amount(MESSAGES, 200) / rooms_count;
    let messages = rooms_count * each;
    let sender = bench.account("dr-falkenried").await?;
    let place = bench.place(bench.fresh.path().join("absent"), "dr-sonnkaya")?;
    let absent = AccountKit::open(&place).await?;
    let mut peer = match bench.peers {
        Some(peers) => Some(Peer::of(peers, bench.platform, "dr-ahlefels").await?),
        None => None,
    };
    let mut rooms = Vec::new();
    for number in 0..rooms_count {
        let room = room(&sender, Act::BeginGroup(format!("Gruppe {number}"))).await?;
        sender.does(Act::Invite { room: room.clone(), user: absent.user.clone() }).await?;
        absent.does(Act::Join(room.clone())).await?;
        if let Some(peer) = &mut peer {
            sender.does(Act::Invite { room: room.clone(), user: peer.user.clone() }).await?;
            peer.until(json!({ "do": "join", "room": room })).await?;
        }
        sender.does(Act::Members { room: room.clone(), count: if peer.is_some() { 3 } else { 2 } }).await?;
        rooms.push(room);
    }
    absent.close().await?;
    if let Some(peer) = &mut peer {
        peer.does(json!({ "do": "away" })).await?;
    }
    println!("{messages} messages are sent");
    sender.does(Act::SendMany { rooms: rooms.clone(), count: each }).await?;
    sender.close().await?;

    let began = Instant::now();
    let back = AccountKit::open(&place).await?;
    // Membership and the beginning are lines as well; a text is what is counted.
    let read = try_join_all(rooms.iter().map(|room| back.does(Act::Read { room: room.clone(), count: each }))).await?;
    let wall = began.elapsed().as_secs_f64();
    let ours = spent(&back).await?;
    for answer in &read {
        let Answer::Read(count) = answer else { return unexpected(answer) };
        ensure!(*count >= each, "{count} of {each} were read");
    }
    figures.note(format!("chat: {messages} messages after an absence, ours, wall"), wall, "s");
    figures.note(format!("chat: {messages} messages after an absence, ours, processor"), ours.processor / 1000.0, "s");
    figures.note(format!("chat: {messages} messages after an absence, ours, memory"), ours.peak, "MiB");
    back.close().await?;

    let Some(mut peer) = peer else {
        println!("SKIPPED matrix-js-sdk: no folder of other programs is named");
        return Ok(());
    };
    let answer = peer.does(json!({ "do": "back", "rooms": rooms, "count": each })).await?;
    let number = |name: &str| answer[name].as_f64().with_context(|| format!("it says {name}"));
    let (read, wall, processor) = (number("read")?, number("wall")?, number("processor")?);
    ensure!(read >= messages as f64, "matrix-js-sdk read {read} of {messages}");
    figures.note(format!("chat: {messages} messages after an absence, matrix-js-sdk, wall"), wall / 1000.0, "s");
    let name = format!("chat: {messages} messages after an absence, matrix-js-sdk, processor");
    figures.note(name, processor / 1000.0, "s");
    let name = "chat: processor after an absence, to matrix-js-sdk".to_owned();
    let (ratio, third) = (ours.processor / processor, 1.0 / 3.0);
    if bench.quick {
        figures.note(name, ratio, "x")
    } else {
        figures.at_most(name, ratio, "x", third)
    }
    Ok(())
}
