//! A program that nobody here wrote, driven line by line: `testing/peers` says what each of them can do.

use crate::servers::skipped;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use testkit::PATIENCE;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// One of them, as long as it runs.
pub(crate) struct Program {
    lines: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>, u64)>,
    _child: Child,
}

impl Program {
    /// Where it is installed; none, loudly, where it is not.
    pub(crate) fn folder(name: &str) -> Option<PathBuf> {
        let folder = std::env::var_os("KONSIL_PEERS").map(|folder| PathBuf::from(folder).join(name));
        let installed = folder.filter(|folder| folder.join("node_modules").is_dir());
        if installed.is_none() {
            skipped(&format!("KONSIL_PEERS names no folder with {name}; `cargo xtask test desk` installs it"));
        }
        installed
    }

    /// Starts it; none, loudly, where that is not possible.
    pub(crate) fn start(name: &str) -> Option<Self> {
        let mut node = Command::new("node");
        node.arg("peer.mjs").current_dir(Self::folder(name)?);
        node.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        if std::env::var_os("KONSIL_PEER_LOG").is_none() {
            node.stderr(Stdio::null());
        }
        let mut child = match node.spawn() {
            Ok(child) => child,
            Err(error) => {
                skipped(&format!("node cannot be started: {error}"));
                return None;
            }
        };
        // Both were asked for, so both are there.
        let (stdin, stdout) = (child.stdin.take()?, child.stdout.take()?);
        let stdout = BufReader::new(stdout).lines();
        Some(Self { lines: Mutex::new((stdin, stdout, 0)), _child: child })
    }

    pub(crate) async fn asks(&self, mut act: Value) -> Result<Value, String> {
        let mut lines = self.lines.lock().await;
        lines.2 += 1;
        act["id"] = json!(lines.2);
        lines.0.write_all(format!("{act}\n").as_bytes()).await.expect("it listens");
        loop {
            let line =
                timeout(PATIENCE, lines.1.next_line()).await.unwrap_or_else(|_elapsed| panic!("no answer: {act}"));
            let line = line.expect("it can be read").unwrap_or_else(|| panic!("it ended: {act}"));
            let answer: Value = serde_json::from_str(&line).expect("JSON");
            // Another one is of an act that was not waited for.
            if answer["id"] == act["id"] {
                return match answer["error"].as_str() {
                    Some(error) => Err(error.to_owned()),
                    None => Ok(answer["ok"].clone()),
                };
            }
        }
    }

    pub(crate) async fn does(&self, act: Value) -> Value {
        let said = act["do"].clone();
        self.asks(act).await.unwrap_or_else(|error| panic!("{said}: {error}"))
    }

    /// Asks again until the answer is what is wanted.
    pub(crate) async fn until<T>(&self, what: &str, act: Value, wanted: impl Fn(&Value) -> Option<T>) -> T {
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(100));
        let mut last = Err("it was not asked".to_owned());
        let found = timeout(PATIENCE, async {
            loop {
                pause.tick().await;
                last = self.asks(act.clone()).await;
                if let Some(found) = last.as_ref().ok().and_then(&wanted) {
                    return found;
                }
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_elapsed) => panic!("not in time: {what}; the last answer: {last:?}"),
        }
    }
}
