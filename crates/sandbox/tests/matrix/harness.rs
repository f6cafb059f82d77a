//! A running platform, signed-in devices, and a browser that keeps cookies.

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, Url};
use sandbox::{ChatOptions, Options, PASSWORD, Running, Sandbox};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the program under test listens for the browser; nobody needs to be there.
pub(crate) const LISTENER: &str = "http://127.0.0.1:49153/chat";

/// Three of the invented people.
pub(crate) const AMINA: &str = "dr-falkenried";
pub(crate) const LEYLA: &str = "dr-sonnkaya";
pub(crate) const IVO: &str = "dr-kranichbach";

/// A platform with one client.
pub(crate) struct Home {
    pub(crate) running: Running,
    pub(crate) client: Client,
    transactions: AtomicU32,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// The body of an answer that is in order.
    #[track_caller]
    pub(crate) fn good(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// Checks that this refuses with a status and a code.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, text(&self.body["errcode"])), (status, code), "{}", self.body);
        assert!(self.body["error"].is_string(), "a refusal has a sentence");
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl Home {
    pub(crate) async fn start() -> Self {
        Self::with(ChatOptions::default()).await
    }

    pub(crate) async fn with(chat: ChatOptions) -> Self {
        // A second test of the same process finds the provider installed.
        rustls::crypto::ring::default_provider().install_default().ok();
        let options = Options { chat, ..Options::default() };
        let running = Sandbox::start(options).await.expect("the platform starts on a free port");
        let builder = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let client = builder.build().expect("a client without special wishes can be made");
        Self { running, client, transactions: AtomicU32::new(0) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url)
    }

    pub(crate) fn user(&self, username: &str) -> String {
        self.running.matrix().user_id(username)
    }

    /// A request below `/_matrix`.
    pub(crate) async fn ask(&self, method: Method, path: &str, token: Option<&str>, body: Option<&Value>) -> Reply {
        let mut request = self.client.request(method, self.url(&format!("/_matrix{path}")));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        reply(request).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask(Method::POST, &format!("/client/v3{path}"), None, Some(body)).await
    }

    pub(crate) async fn login(&self, username: &str, more: Value) -> Reply {
        let mut body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": username },
            "password": PASSWORD,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name.as_str()] = value.clone();
        }
        self.post("/login", &body).await
    }

    /// A device of somebody who has signed in by password.
    pub(crate) async fn device(&self, username: &str) -> Device<'_> {
        let body = self.login(username, json!({})).await.good();
        Device {
            home: self,
            user: text(&body["user_id"]).to_owned(),
            id: text(&body["device_id"]).to_owned(),
            token: text(&body["access_token"]).to_owned(),
        }
    }

    pub(crate) fn transaction(&self) -> String {
        format!("t{}", self.transactions.fetch_add(1, Ordering::Relaxed))
    }
}

async fn reply(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.expect("the platform answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("the answer is text");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Reply { status, headers, body }
}

/// A signed-in device.
pub(crate) struct Device<'a> {
    pub(crate) home: &'a Home,
    pub(crate) user: String,
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Device<'_> {
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        self.home.ask(method, &format!("/client/v3{path}"), Some(&self.token), body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.ask(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// A request below `/_matrix/client/v1`.
    pub(crate) async fn newer(&self, path: &str) -> Reply {
        self.home.ask(Method::GET, &format!("/client/v1{path}"), Some(&self.token), None).await
    }

    pub(crate) async fn create(&self, body: &Value) -> String {
        text(&self.post("/createRoom", body).await.good()["room_id"]).to_owned()
    }

    /// A room with somebody in it.
    pub(crate) async fn room_with(&self, other: &Device<'_>, more: Value) -> String {
        let mut body = json!({ "invite": [other.user] });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name.as_str()] = value.clone();
        }
        let room = self.create(&body).await;
        other.join(&room).await.good();
        room
    }

    pub(crate) async fn join(&self, room: &str) -> Reply {
        self.post(&format!("/rooms/{room}/join"), &json!({})).await
    }

    pub(crate) async fn send(&self, room: &str, kind: &str, content: &Value) -> Reply {
        self.put(&format!("/rooms/{room}/send/{kind}/{}", self.home.transaction()), content).await
    }

    /// Says something, and gives the event's id.
    pub(crate) async fn say(&self, room: &str, body: &str) -> String {
        let sent = self.send(room, "m.room.message", &json!({ "msgtype": "m.text", "body": body })).await;
        text(&sent.good()["event_id"]).to_owned()
    }

    /// Says something where it may not.
    pub(crate) async fn say_refused(&self, room: &str) {
        let sent = self.send(room, "m.room.message", &json!({ "msgtype": "m.text", "body": "x" })).await;
        sent.refused(403, "M_FORBIDDEN");
    }

    pub(crate) async fn sync(&self, query: &str) -> Value {
        self.get(&format!("/sync?{query}")).await.good()
    }

    /// The token of everything that has happened.
    pub(crate) async fn caught_up(&self) -> String {
        text(&self.sync("timeout=0").await["next_batch"]).to_owned()
    }

    pub(crate) async fn data(&self, kind: &str) -> Reply {
        self.get(&format!("/user/{}/account_data/{kind}", self.user)).await
    }
}

/// The bodies of messages in a list of events.
pub(crate) fn bodies(events: &Value) -> Vec<&str> {
    events.as_array().into_iter().flatten().filter_map(|event| event["content"]["body"].as_str()).collect()
}

/// The kinds of a list of events.
pub(crate) fn kinds(events: &Value) -> Vec<&str> {
    events.as_array().into_iter().flatten().map(|event| text(&event["type"])).collect()
}

/// A browser: follows redirects, keeps cookies by their path, and stops at a page or at the program's listener.
pub(crate) struct Browser<'a> {
    home: &'a Home,
    cookies: Vec<(String, String)>,
}

/// Where the browser stopped.
pub(crate) struct Stop {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) page: String,
}

impl Stop {
    pub(crate) fn login_token(&self) -> Option<String> {
        let mut pairs = self.url.query_pairs();
        pairs.find(|(name, _)| name == "loginToken").map(|(_, value)| value.into_owned())
    }
}

impl<'a> Browser<'a> {
    pub(crate) fn new(home: &'a Home) -> Self {
        Self { home, cookies: Vec::new() }
    }

    pub(crate) async fn open(&mut self, url: &str) -> Stop {
        let url = Url::parse(url).expect("an address");
        self.walk(self.home.client.get(url.clone()), url).await
    }

    pub(crate) async fn submit(&mut self, url: &str, form: &[(&str, &str)]) -> Stop {
        let url = Url::parse(url).expect("an address");
        self.walk(self.home.client.post(url.clone()).form(form), url).await
    }

    async fn walk(&mut self, request: reqwest::RequestBuilder, mut url: Url) -> Stop {
        let mut request = request;
        loop {
            let own = self.cookies.iter().filter(|(path, _)| url.path().starts_with(path.as_str()));
            let cookie: Vec<&str> = own.map(|(_, pair)| pair.as_str()).collect();
            let response = request.header(COOKIE, cookie.join("; ")).send().await.expect("the platform answers");
            for value in response.headers().get_all(SET_COOKIE) {
                self.keep(value.to_str().unwrap_or_default());
            }
            let status = response.status().as_u16();
            let Some(target) = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()) else {
                let page = response.text().await.expect("the answer is text");
                return Stop { url, status, page };
            };
            url = url.join(target).expect("a redirect names an address");
            if url.as_str().starts_with(LISTENER) {
                return Stop { url, status, page: String::new() };
            }
            request = self.home.client.get(url.clone());
        }
    }

    fn keep(&mut self, line: &str) {
        let mut parts = line.split("; ");
        let pair = parts.next().unwrap_or_default().to_owned();
        let path = parts.find_map(|part| part.strip_prefix("Path=")).unwrap_or("/").to_owned();
        let name = format!("{}=", pair.split('=').next().unwrap_or_default());
        self.cookies.retain(|(_, known)| !known.starts_with(&name));
        self.cookies.push((path, pair));
    }
}
