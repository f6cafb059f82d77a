//! From the send call to the decrypted line in the receiver's timeline, same server: our program and matrix-js-sdk, each
//! as sender and as receiver, in turns. Clocks are this machine's.

use super::{Bench, median, room, unexpected};
use crate::figures::Figures;
use crate::peer::Peer;
use anyhow::{Context as _, Result};
use serde_json::json;
use testkit::{AccountKit, Act, Answer, PATIENCE};
use tokio::time::timeout;

/// The first messages of a conversation carry its keys.
const WARM: usize = 3;
/// Messages from each to each.
const MESSAGES: usize = 200;

pub(super) async fn measure(bench: &Bench<'_>, figures: &mut Figures) -> Result<()> {
    let messages = bench.amount(MESSAGES, 20);
    let sender = bench.account("dr-falkenried").await?;
    let receiver = bench.account("dr-sonnkaya").await?;
    let ours = room(&sender, Act::Begin(receiver.user.clone())).await?;
    joined(&sender, &receiver, &ours).await?;
    let Some(peers) = bench.peers else {
        println!("SKIPPED matrix-js-sdk: no folder of other programs is named");
        let mut times = Vec::new();
        for number in 0..messages + WARM {
            let text = format!("{number}");
            let sent = sends(&sender, &ours, &text).await?;
            times.push(arrives(&receiver, &ours, &text).await? - sent);
        }
        figures.note("chat: ours to ours, middle".to_owned(), median(times.split_off(WARM)), "ms");
        return Ok(());
    };
    let mut peer_sender = Peer::of(peers, bench.platform, "dr-rosenpfad").await?;
    let mut peer_receiver = Peer::of(peers, bench.platform, "dr-ahlefels").await?;
    let to_peer = room(&sender, Act::Begin(peer_receiver.user.clone())).await?;
    peer_receiver.until(json!({ "do": "join", "room": to_peer })).await?;
    sender.does(Act::Members { room: to_peer.clone(), count: 2 }).await?;
    let from_peer = begins(&mut peer_sender, &receiver.user).await?;
    receiver.does(Act::Join(from_peer.clone())).await?;
    receiver.does(Act::Watch(from_peer.clone())).await?;
    let between = begins(&mut peer_sender, &peer_receiver.user).await?;
    peer_receiver.until(json!({ "do": "join", "room": between })).await?;
    for room in [&from_peer, &between] {
        peer_sender.until(json!({ "do": "members", "room": room, "count": 2 })).await?;
    }
    peer_receiver.does(json!({ "do": "watch" })).await?;

    let (mut own, mut out, mut coming, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for number in 0..messages + WARM {
        let text = format!("Nachricht {number}");
        let sent = sends(&sender, &ours, &text).await?;
        own.push(arrives(&receiver, &ours, &text).await? - sent);
        let sent = sends(&sender, &to_peer, &text).await?;
        out.push(peer_arrives(&mut peer_receiver, &to_peer, &text).await? - sent);
        let sent = peer_sends(&mut peer_sender, &from_peer, &text).await?;
        coming.push(arrives(&receiver, &from_peer, &text).await? - sent);
        let sent = peer_sends(&mut peer_sender, &between, &text).await?;
        others.push(peer_arrives(&mut peer_receiver, &between, &text).await? - sent);
    }
    let [own, out, coming, others] = [own, out, coming, others].map(|mut times| median(times.split_off(WARM)));
    for (who, time) in
        [("ours to ours", own), ("ours to theirs", out), ("theirs to ours", coming), ("theirs to theirs", others)]
    {
        figures.note(format!("chat: send to seen, {who}, middle of {messages}"), time, "ms");
    }
    figures.at_most("chat: ours to ours, to theirs to theirs".to_owned(), own / others, "x", 1.0);
    figures.at_most("chat: received by ours to by theirs, from ours".to_owned(), own / out, "x", 1.0);
    figures.at_most("chat: received by ours to by theirs, from theirs".to_owned(), coming / others, "x", 1.0);
    Ok(())
}

async fn joined(sender: &AccountKit, receiver: &AccountKit, room: &str) -> Result<()> {
    receiver.does(Act::Join(room.to_owned())).await?;
    sender.does(Act::Members { room: room.to_owned(), count: 2 }).await?;
    receiver.does(Act::Watch(room.to_owned())).await?;
    Ok(())
}

async fn begins(peer: &mut Peer, with: &str) -> Result<String> {
    let begun = peer.does(json!({ "do": "create", "user": with })).await?;
    Ok(begun.as_str().context("a room")?.to_owned())
}

async fn sends(account: &AccountKit, room: &str, text: &str) -> Result<f64> {
    let answer = account.does(Act::Send { room: room.to_owned(), text: text.to_owned() }).await?;
    let Answer::Sent(at) = answer else { return unexpected(&answer) };
    Ok(at)
}

async fn arrives(account: &AccountKit, room: &str, text: &str) -> Result<f64> {
    let mut came = account.came();
    let found = timeout(PATIENCE, came.wait_for(|came| came.iter().any(|one| one.room == room && one.text == text)));
    let found = found.await.context("a message does not arrive")??;
    let one = found.iter().find(|one| one.room == room && one.text == text).context("it was there")?;
    Ok(one.at)
}

async fn peer_sends(peer: &mut Peer, room: &str, text: &str) -> Result<f64> {
    let sent = peer.does(json!({ "do": "sendAt", "room": room, "text": text })).await?;
    sent.as_f64().context("a time")
}

/// The other program says it when it has come, so that nobody asks meanwhile.
async fn peer_arrives(peer: &mut Peer, room: &str, text: &str) -> Result<f64> {
    let came = timeout(PATIENCE, peer.does(json!({ "do": "arrived", "room": room, "text": text })));
    came.await.context("a message does not arrive")??.as_f64().context("a time")
}
