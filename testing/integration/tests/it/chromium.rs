//! Signing in with a real browser: Chromium shows the provider's own page, a person's fields are filled and sent, and
//! the browser finds its way back to this computer by itself, cookies and scripts included.

use crate::{
    client::{egress, found, plain, signed_in_by},
    platforms::on_each_platform,
    servers::skipped,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{path::PathBuf, process::Stdio};
use testkit::{PATIENCE, Platform};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};
use url::Url;

on_each_platform![a_real_browser_signs_in_and_finds_its_way_back];

/// Fills and sends the form once it is there; answers true when it did.
const SIGN_IN: &str = r"new Promise((done) => {
    const look = () => {
        const password = document.querySelector('input[type=password]')
        if (!password || document.readyState !== 'complete') return setTimeout(look, 50)
        document.querySelector('input[name=username]').value = USER
        password.value = PASSWORD
        done(true)
        setTimeout(() => password.form.querySelector('[type=submit]').click())
    }
    look()
})";

/// Pages between the first and the one that stays.
const ATTEMPTS: u64 = 100;

/// A browser without a window, with a profile of its own.
struct Chromium {
    // Dropped with this value, and with it the browser.
    _process: Child,
    _profile: tempfile::TempDir,
    tools: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Chromium {
    /// Opens `page`; nothing where there is no browser.
    async fn open(page: &Url) -> Option<Self> {
        let program = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(program_of);
        let Some(program) = program else {
            skipped("there is no Chromium");
            return None;
        };
        let profile = tempfile::tempdir().expect("a folder");
        let mut process = Command::new(program)
            // Its own sandbox needs rights that a container does not give; only loopback is asked here.
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(page.as_str())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the browser starts");
        let mut lines = BufReader::new(process.stderr.take().expect("it is piped")).lines();
        let tools = timeout(PATIENCE, async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(address) = line.strip_prefix("DevTools listening on ") {
                    return Url::parse(address.trim()).expect("an address");
                }
            }
            panic!("the browser ended early")
        });
        let tools = tools.await.expect("the browser listens in time");
        // What it says later must be read, or it would wait for ever.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let list = format!("http://127.0.0.1:{}/json/list", tools.port().expect("a port"));
        let pages: Value = plain().get(list).send().await.expect("an answer").json().await.expect("a list");
        let page = pages.as_array().into_iter().flatten().find(|target| target["type"] == "page").expect("a page");
        let (tools, _) = connect_async(page["webSocketDebuggerUrl"].as_str().expect("an address")).await.expect("open");
        Some(Self { _process: process, _profile: profile, tools })
    }

    /// The value of an expression on the page, once a page stays long enough to give one.
    async fn evaluate(&mut self, expression: &str) -> Value {
        for id in 1..=ATTEMPTS {
            let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
            let command = json!({"id": id, "method": "Runtime.evaluate", "params": parameters});
            self.tools.send(Message::text(command.to_string())).await.expect("the browser listens");
            let answer = timeout(PATIENCE, self.answer(id)).await.expect("the browser answers in time");
            // A page that gives way to another takes its promise with it.
            if answer["error"].is_null() && answer["result"]["exceptionDetails"].is_null() {
                return answer["result"]["result"]["value"].clone();
            }
        }
        panic!("no page stayed")
    }

    async fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.tools.next().await.expect("the browser lives").expect("a whole message");
            let Message::Text(text) = message else { continue };
            let answer: Value = serde_json::from_str(&text).expect("the browser says JSON");
            if answer["id"] == id {
                return answer;
            }
        }
    }
}

fn program_of(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

async fn a_real_browser_signs_in_and_finds_its_way_back(platform: &Platform) {
    let user = "dr-sonnkaya";
    let egress = egress();
    let found = found(&egress, platform).await;
    let session = signed_in_by(&egress, &found, async move |page: Url| {
        let mut browser = Chromium::open(&page).await?;
        let script = SIGN_IN
            .replace("USER", &json!(user).to_string())
            .replace("PASSWORD", &json!(sandbox::PASSWORD).to_string());
        assert_eq!(browser.evaluate(&script).await, json!(true), "the form is sent");
        Some(browser)
    });
    let Some(session) = session.await else { return };
    assert_eq!(session.person().login.as_deref(), Some(user), "who came back");
    session.end().await;
}
