//! A large file from one account to another and back out of the homeserver: speed, encryption included, beside `curl`'s
//! with uploads of the same length in clear, and memory above idle.

use super::{Bench, room, spent, took, unexpected};
use crate::figures::Figures;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;
use testkit::{AccountKit, Act, Answer};
use url::Url;

const MIB: usize = 1024 * 1024;
const WHOLE: usize = 2048 * MIB;
/// What a file in parts is sent in (`docs/decisions/0029-files-of-chat-are-streams.md`).
const PART: usize = 32 * MIB;

pub(super) async fn measure(bench: &Bench<'_>, figures: &mut Figures) -> Result<()> {
    let size = bench.amount(WHOLE, 128 * MIB);
    let (sender, receiver) = (bench.account("dr-falkenried").await?, bench.account("dr-sonnkaya").await?);
    let room = room(&sender, Act::Begin(receiver.user.clone())).await?;
    receiver.does(Act::Join(room.clone())).await?;
    sender.does(Act::Members { room: room.clone(), count: 2 }).await?;
    // The first message of a conversation brings its keys, and what is needed for it.
    sender.does(Act::Send { room: room.clone(), text: "Hier kommt es.".to_owned() }).await?;
    receiver.does(Act::Read { room: room.clone(), count: 1 }).await?;

    let (bytes, name) = (u64::try_from(size)?, "groß.bin".to_owned());
    let idle = idles(&sender).await?;
    let sent = took(&sender, Act::SendFile { room: room.clone(), name: name.clone(), size: bytes }).await?;
    let sending = spent(&sender).await?.peak - idle;
    let idle = idles(&receiver).await?;
    let answer = receiver.does(Act::Fetch { room, name }).await?;
    let Answer::Fetched { seconds: fetched, size: came } = answer else { return unexpected(&answer) };
    ensure!(came == bytes, "{came} of {bytes} bytes came");
    let fetching = spent(&receiver).await?.peak - idle;
    let speed = |seconds: f64| size as f64 / 1e6 / seconds;
    let (up, down) = curl(bench.platform, bench.fresh.path(), size).await?;
    let length = size / MIB;
    for (what, seconds, theirs) in [("sending", sent, up), ("fetching", fetched, down)] {
        figures.note(format!("chat: {what} {length} MiB"), speed(seconds), "MB/s");
        figures.note(format!("chat: {what} {length} MiB by curl, in clear"), speed(theirs), "MB/s");
        figures.at_least(format!("chat: {what} to curl"), theirs / seconds, "x", 0.7);
    }
    for (what, above) in [("sending", sending), ("fetching", fetching)] {
        let name = format!("chat: memory above idle, {what} {length} MiB");
        if bench.quick { figures.note(name, above, "MiB") } else { figures.at_most(name, above, "MiB", 16.0) }
    }
    Ok(())
}

/// Memory at rest; its peak begins anew.
async fn idles(account: &AccountKit) -> Result<f64> {
    account.does(Act::ForgetPeak).await?;
    Ok(spent(account).await?.memory)
}

/// Seconds of `curl` for uploads of the same length, and for fetching them into files, since ours has each part on disk
/// before it gives out a byte.
async fn curl(platform: &str, folder: &Path, size: usize) -> Result<(f64, f64)> {
    let base = Url::parse(platform)?;
    let login = json!({
        "type": "m.login.password", "password": sandbox::PASSWORD,
        "identifier": { "type": "m.id.user", "user": "dr-falkenried" },
    });
    let http = reqwest::Client::builder().no_proxy().build()?;
    let session: Value = http.post(base.join("/_matrix/client/v3/login")?).json(&login).send().await?.json().await?;
    let token = format!("Authorization: Bearer {}", session["access_token"].as_str().context("a token")?);
    let path = folder.join("part");
    tokio::fs::write(&path, vec![1; PART]).await?;
    let upload = base.join("/_matrix/media/v3/upload")?;
    let (mut addresses, began) = (Vec::new(), Instant::now());
    for _ in 0..size.div_ceil(PART) {
        let mut curl = tokio::process::Command::new("curl");
        curl.args(["--silent", "--fail", "--noproxy", "*", "--request", "POST", "--header", &token]);
        curl.args(["--header", "Content-Type: application/octet-stream", "--header", "Expect:", "--upload-file"]);
        let done = curl.arg(&path).arg(upload.as_str()).output().await.context("curl has to be installed")?;
        ensure!(done.status.success(), "curl could not upload: {}", done.status);
        let answer: Value = serde_json::from_slice(&done.stdout)?;
        let address = answer["content_uri"].as_str().and_then(|uri| uri.strip_prefix("mxc://"));
        let address = address.context("an address")?;
        addresses.push(base.join(&format!("/_matrix/client/v1/media/download/{address}"))?);
    }
    let sent = began.elapsed().as_secs_f64();
    let began = Instant::now();
    for address in addresses {
        let mut curl = tokio::process::Command::new("curl");
        curl.args(["--silent", "--fail", "--noproxy", "*", "--header", &token, "--output"]).arg(&path);
        let done = curl.arg(address.as_str()).status().await?;
        ensure!(done.success(), "curl could not download: {done}");
    }
    Ok((sent, began.elapsed().as_secs_f64()))
}
