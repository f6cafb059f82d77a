//! livekit-client in a headless Chromium as somebody else's program.

use super::{Place, peers};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use testkit::PATIENCE;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Five colors across the middle of a picture.
pub(super) type Colors = [[i32; 3]; 5];

/// Where it is installed.
pub(super) fn folder() -> Option<PathBuf> {
    peers().map(|folder| folder.join("livekit-js")).filter(|folder| folder.join("node_modules").is_dir())
}

/// One more person in the round.
pub(super) struct Browser {
    lines: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>, u64)>,
    _child: Child,
}

impl Browser {
    fn open() -> Self {
        let folder = folder().expect("the round's place was made, so it is there");
        let mut node = Command::new("node");
        node.arg("peer.mjs").current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        if std::env::var_os("KONSIL_PEER_LOG").is_none() {
            node.stderr(Stdio::null());
        }
        let mut child = node.spawn().expect("node can be started");
        let stdin = child.stdin.take().expect("it is a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("it is a pipe")).lines();
        Self { lines: Mutex::new((stdin, stdout, 0)), _child: child }
    }

    /// Joins; `how` says with which key.
    pub(super) async fn joins(place: &Place, identity: &str, how: &Value) -> Self {
        let browser = Self::open();
        let mut act = json!({ "do": "join", "url": place.address, "token": place.token(identity) });
        for (name, value) in how.as_object().expect("an object") {
            act[name] = value.clone();
        }
        browser.does(act).await;
        browser
    }

    pub(super) async fn does(&self, mut act: Value) -> Value {
        let mut lines = self.lines.lock().await;
        lines.2 += 1;
        act["id"] = json!(lines.2);
        lines.0.write_all(format!("{act}\n").as_bytes()).await.expect("it listens");
        let answer = loop {
            let line =
                timeout(PATIENCE, lines.1.next_line()).await.unwrap_or_else(|_elapsed| panic!("no answer: {act}"));
            let line = line.expect("it can be read").unwrap_or_else(|| panic!("it ended: {act}"));
            let answer: Value = serde_json::from_str(&line).expect("JSON");
            // Another one is of an act that was not waited for.
            if answer["id"] == act["id"] {
                break answer;
            }
        };
        assert!(answer["error"].is_null(), "{}: {}", act["do"], answer["error"]);
        answer["ok"].clone()
    }

    /// Asks again until the answer is what is wanted.
    pub(super) async fn until<T>(&self, what: &str, act: Value, wanted: impl Fn(&Value) -> Option<T>) -> T {
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(100));
        let mut last = Value::Null;
        let found = timeout(PATIENCE, async {
            loop {
                pause.tick().await;
                last = self.does(act.clone()).await;
                if let Some(found) = wanted(&last) {
                    return found;
                }
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_elapsed) => {
                let errors = self.does(json!({ "do": "errors" })).await;
                let tracks = self.does(json!({ "do": "tracks" })).await;
                panic!("not in time: {what}; the last answer: {last}; its errors: {errors}; what it receives: {tracks}")
            }
        }
    }

    /// Waits until somebody's picture has these colors.
    pub(super) async fn sees(&self, who: &str, colors: &Colors) {
        let act = json!({ "do": "pixels", "who": who });
        self.until("the picture", act, |picture| {
            let enough = picture["frames"].as_u64()? > 10;
            (enough && near(&picture["colors"], colors)).then_some(())
        })
        .await;
    }

    /// Waits until somebody's sound is a tone of so many hertz.
    pub(super) async fn hears(&self, who: &str, hz: i64) {
        let act = json!({ "do": "peak", "who": who });
        self.until("the sound", act, |peak| {
            // The measurement's own width, and the device's clock.
            (peak["db"].as_i64()? > -40 && (peak["hz"].as_i64()? - hz).abs() <= 9).then_some(())
        })
        .await;
    }
}

/// Video is no copy: every part may be off by this.
fn near(seen: &Value, colors: &Colors) -> bool {
    colors.iter().enumerate().all(|(at, color)| {
        color
            .iter()
            .enumerate()
            .all(|(part, value)| seen[at][part].as_i64().is_some_and(|seen| (seen - i64::from(*value)).abs() < 40))
    })
}
