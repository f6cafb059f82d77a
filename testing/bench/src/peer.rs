//! Somebody else's program in a process of its own, driven line by line (`peer.mjs` of a folder of `testing/peers`).

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use testkit::PATIENCE;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{interval, timeout};

/// The other program.
pub(crate) struct Peer {
    /// Of matrix-js-sdk: the user id.
    pub(crate) user: String,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    next: u64,
    _child: Child,
}

impl Peer {
    /// matrix-js-sdk, signed in.
    pub(crate) async fn of(peers: &Path, platform: &str, user: &str) -> Result<Self> {
        let mut peer = Self::start(peers, "matrix-js")?;
        let login = json!({ "do": "login", "base": platform, "user": user, "password": sandbox::PASSWORD });
        peer.user = peer.does(login).await?["user"].as_str().context("it is signed in")?.to_owned();
        Ok(peer)
    }

    pub(crate) fn start(peers: &Path, name: &str) -> Result<Self> {
        let mut node = Command::new("node");
        node.arg("peer.mjs").current_dir(peers.join(name)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = node.stderr(Stdio::null()).kill_on_drop(true).spawn().context("start the other program")?;
        let input = child.stdin.take().context("it is a pipe")?;
        let lines = BufReader::new(child.stdout.take().context("it is a pipe")?).lines();
        Ok(Self { user: String::new(), input, lines, next: 0, _child: child })
    }

    pub(crate) async fn does(&mut self, mut act: Value) -> Result<Value> {
        self.next += 1;
        act["id"] = json!(self.next);
        self.input.write_all(format!("{act}\n").as_bytes()).await?;
        let answer = self.lines.next_line().await?.context("the other program ended")?;
        let answer: Value = serde_json::from_str(&answer)?;
        match answer["error"].as_str() {
            Some(error) => bail!("{}: {error}", act["do"]),
            None => Ok(answer["ok"].clone()),
        }
    }

    /// Asks again until there is an answer that is not false.
    pub(crate) async fn until(&mut self, act: Value) -> Result<Value> {
        let mut look = interval(Duration::from_millis(100));
        let found = timeout(PATIENCE, async {
            loop {
                look.tick().await;
                if let Ok(answer) = self.does(act.clone()).await
                    && answer != json!(false)
                {
                    return answer;
                }
            }
        });
        found.await.with_context(|| format!("not in time: {act}"))
    }
}
