//! Chat by the program's own client, on each homeserver: the evaluation platform's, and Synapse where one runs.

/// Makes three tests of each fact, an `async fn(&Home)` of the same module: `FACT::on_the_sandbox`,
/// `FACT::on_synapse`, which says SKIPPED, loudly, where Synapse does not run, and `FACT::behind_the_proxy`, a
/// TI-Messenger's proxy before a Synapse with its rules where one runs and before the sandbox else.
macro_rules! on_each_homeserver {
    ($($fact:ident),+ $(,)?) => { $(
        mod $fact {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_the_sandbox() {
                super::$fact(&$crate::chat::Home::sandbox().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_synapse() {
                if let Some(home) = $crate::chat::Home::synapse().await {
                    super::$fact(&home).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn behind_the_proxy() {
                let home = $crate::chat::Home::behind(testkit::tim::Unknown::NotFound).await;
                super::$fact(&home).await;
                $crate::chat::proxy::assert_known(home.proxy());
            }
        }
    )+ };
}

mod broken;
mod cases;
mod delayed;
mod desks;
mod devices;
mod directory;
mod doors;
mod encryption;
mod faults;
mod federation;
mod files;
mod forms;
mod kept_key;
mod killed;
mod naming;
mod notices;
mod past;
mod peer;
mod permission;
mod pictures;
mod proxy;
mod replays;
mod rooms;
pub(crate) mod rtc;
mod saving;
mod signals;
mod single_sign_on;
mod storage;
mod studies;
mod talking;
mod trust;
mod uploads;
mod verification;

use crate::client::plain;
use crate::servers::Servers;
use futures_util::StreamExt as _;
use reqwest::Method;
use sandbox::Options;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;
use testkit::tim::{TimProxy, Unknown};
use testkit::{PATIENCE, Platform};
use tim::{
    Account, AccountOptions, Body, Conversation, Homeserver, Line, Membership, Message, NewConversation, SessionStore,
    SessionStoreError, SignIn, StoredSession,
};
use tokio::time::timeout;
use url::Url;
use zeroize::Zeroizing;

/// A homeserver that accounts sign in to.
pub(crate) struct Home {
    homeserver: Homeserver,
    /// Where another program than ours reaches it.
    direct: Url,
    proxy: Option<TimProxy>,
    /// People are made as they are needed; the evaluation platform has its own.
    registers: bool,
    /// Its folder, where it is a real server.
    folder: &'static str,
    /// Answers as long as it is held.
    _platform: Option<Platform>,
}

/// Keeps the newest session, and what is being sent, as a vault would.
#[derive(Default)]
pub(crate) struct Shelf(Mutex<Option<StoredSession>>, Arc<uploads::Journal>);

impl SessionStore for Shelf {
    fn save(&self, session: &StoredSession) -> Result<(), SessionStoreError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.clone());
        Ok(())
    }
}

impl Shelf {
    fn kept(&self) -> StoredSession {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone().expect("a session was kept")
    }
}

/// A device of somebody, with its own folder.
pub(crate) struct Device {
    pub(crate) account: Account,
    folder: TempDir,
    shelf: Arc<Shelf>,
}

impl Home {
    /// The evaluation platform's homeserver.
    pub(crate) async fn sandbox() -> Self {
        Self::of(found(Platform::shared().url.trim_start_matches("http://")).await, false)
    }

    /// The homeserver of a platform of the test's own.
    pub(crate) async fn at(platform: &Platform) -> Self {
        Self::of(found(platform.url.trim_start_matches("http://")).await, false)
    }

    /// An evaluation platform of the test's own in the place of the shared one, where other tests have signed people in
    /// before: only somebody's first device confirms itself.
    pub(crate) async fn untouched(&self) -> Option<Self> {
        if self.registers || self._platform.is_some() {
            return None;
        }
        let platform = Platform::start(Options::default()).await.expect("a platform starts");
        let homeserver = found(platform.url.trim_start_matches("http://")).await;
        Some(Self { _platform: Some(platform), ..Self::of(homeserver, false) })
    }

    /// Synapse, where it runs.
    pub(crate) async fn synapse() -> Option<Self> {
        Self::server("synapse").await
    }

    async fn server(server: &'static str) -> Option<Self> {
        let address = Servers::with(&[server])?.address(server);
        let name = format!("127.0.0.1:{}", address.port().expect("it has a port of its own"));
        Some(Self { folder: server, ..Self::of(found(&name).await, true) })
    }

    fn of(homeserver: Homeserver, registers: bool) -> Self {
        Self { direct: homeserver.base.clone(), homeserver, proxy: None, registers, folder: "synapse", _platform: None }
    }

    /// A TI-Messenger: its proxy before a Synapse with its rules, or where none runs before an evaluation platform of the
    /// test's own.
    pub(crate) async fn behind(unknown: Unknown) -> Self {
        let servers = std::env::var_os("KONSIL_SERVERS").is_some();
        let home = if servers { Self::server("synapse-tim").await } else { None };
        let home = if let Some(home) = home {
            home
        } else {
            let platform = Platform::start(Options::default()).await.expect("a platform starts");
            let homeserver = found(platform.url.trim_start_matches("http://")).await;
            Self { _platform: Some(platform), ..Self::of(homeserver, false) }
        };
        let proxy = TimProxy::before(&home.direct, unknown).await.expect("a proxy starts");
        let through = found(proxy.address.trim_start_matches("http://")).await;
        assert_eq!(through.base.as_str().trim_end_matches('/'), proxy.address, "all goes through the proxy");
        let homeserver = Homeserver { server_name: home.homeserver.server_name.clone(), ..through };
        Self { homeserver, proxy: Some(proxy), ..home }
    }

    /// The same homeserver past the proxy.
    pub(crate) fn past_the_proxy(&self) -> Self {
        let past = Self::of(Homeserver { base: self.direct.clone(), ..self.homeserver.clone() }, self.registers);
        Self { folder: self.folder, ..past }
    }

    /// Whether it says whose people are insured: plain Synapse has no such interface.
    pub(crate) fn knows_the_insured(&self) -> bool {
        !self.registers || self.folder != "synapse"
    }

    /// The proxy before it.
    pub(crate) fn proxy(&self) -> &TimProxy {
        self.proxy.as_ref().expect("it stands behind a proxy")
    }

    /// Somebody with an account here. Synapse remembers people of earlier tests, so each test has its own.
    pub(crate) async fn person(&self, user: &str) -> String {
        if !self.registers {
            return user.to_owned();
        }
        let user = format!("{user}-{}", uuid::Uuid::new_v4().simple());
        let request = json!({
            "username": user, "password": sandbox::PASSWORD, "inhibit_login": true, "auth": { "type": "m.login.dummy" },
        });
        let asked = plain().post(self.address("/_matrix/client/v3/register")).json(&request);
        let status = asked.send().await.expect("it answers").status();
        assert_eq!(status, 200, "{user} has an account");
        user
    }

    /// A user id here.
    pub(crate) fn id(&self, user: &str) -> String {
        format!("@{user}:{}", self.homeserver.server_name)
    }

    /// A new device of `user`, signed in and following.
    pub(crate) async fn device(&self, user: &str) -> Device {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let shelf = Arc::new(Shelf::default());
        let device = Device { account: self.signs_in(&folder, &shelf, user).await, folder, shelf };
        device.ready().await;
        device
    }

    async fn signs_in(&self, folder: &TempDir, shelf: &Arc<Shelf>, user: &str) -> Account {
        let way = SignIn::Password { user, password: sandbox::PASSWORD };
        let account = Account::sign_in(options(folder, shelf), &self.homeserver, way, "a test").await;
        account.expect("the person may sign in")
    }

    /// What another program would ask, with a token of its own.
    pub(crate) async fn ask(&self, user: &str, path: &str) -> Value {
        let token = self.token(user).await;
        let answer = plain().get(self.address(path)).bearer_auth(token).send().await.expect("it answers");
        answer.json().await.expect("JSON")
    }

    /// What another program does with a token of its own: the status and the answer. Without a body it asks.
    pub(crate) async fn does(&self, method: Method, token: &str, path: &str, body: &Value) -> (u16, Value) {
        let asked = plain().request(method, self.address(path)).bearer_auth(token);
        let asked = if body.is_null() { asked } else { asked.json(body) };
        let answer = asked.send().await.expect("it answers");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// A room that another program makes.
    pub(crate) async fn create(&self, user: &str, request: &Value) -> String {
        let token = self.token(user).await;
        let asked = plain().post(self.address("/_matrix/client/v3/createRoom")).bearer_auth(token).json(request);
        let answer: Value = asked.send().await.expect("it answers").json().await.expect("JSON");
        answer["room_id"].as_str().expect("a room").to_owned()
    }

    /// An encrypted event with this content, as whoever has a token of its sender can write it.
    pub(crate) async fn put_encrypted(&self, user: &str, room: &str, content: &Value) {
        let token = self.token(user).await;
        let path = format!("/_matrix/client/v3/rooms/{room}/send/m.room.encrypted/{:032x}", rand::random::<u128>());
        let asked = plain().put(self.address(&path)).bearer_auth(token).json(content);
        let answer = asked.send().await.expect("it answers");
        assert!(answer.status().is_success(), "it is taken: {}", answer.status());
    }

    /// What lies in the homeserver's folder of uploads.
    pub(crate) fn uploads(&self) -> Vec<PathBuf> {
        let folders = if self.registers {
            vec![Servers::folder(self.folder).join("store").join("media")]
        } else {
            // The evaluation platform's lie under names of their own, also those of other tests.
            let names = std::fs::read_dir(std::env::temp_dir()).expect("it can be read").flatten();
            let uploads = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("konsil-sandbox-media-");
            names.filter(|entry| uploads(&entry.file_name())).map(|entry| entry.path()).collect()
        };
        folders.iter().flat_map(|folder| files_below(folder)).collect()
    }

    fn address(&self, path: &str) -> Url {
        self.direct.join(path).expect("a path")
    }

    async fn token(&self, user: &str) -> String {
        let login = json!({
            "type": "m.login.password", "password": sandbox::PASSWORD,
            "identifier": { "type": "m.id.user", "user": user },
        });
        let asked = plain().post(self.address("/_matrix/client/v3/login")).json(&login);
        let session: Value = asked.send().await.expect("it answers").json().await.expect("JSON");
        session["access_token"].as_str().expect("a token").to_owned()
    }
}

fn files_below(folder: &std::path::Path) -> Vec<PathBuf> {
    // A folder of another test may go away meanwhile.
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

async fn found(server_name: &str) -> Homeserver {
    let http = |_url: &Url| Some(plain());
    Homeserver::discover(&http, server_name).await.expect("a homeserver answers")
}

fn options(folder: &TempDir, shelf: &Arc<Shelf>) -> AccountOptions {
    AccountOptions {
        folder: folder.path().join("chat"),
        key: Zeroizing::new([7; 32]),
        http: plain(),
        transfers: plain(),
        sessions: shelf.clone(),
        uploads: Some(shelf.1.clone()),
    }
}

impl Device {
    async fn ready(&self) {
        let mut state = self.account.state();
        let ready = state.wait_for(|state| *state == tim::SyncState::Ready);
        timeout(PATIENCE, ready).await.expect("the homeserver answers in time").expect("the account lives");
    }

    /// The program ends and begins again: nothing is left but what is on disk.
    pub(crate) async fn restarted(self) -> Self {
        self.restarted_with(plain()).await
    }

    /// The same after something that happens in between.
    pub(crate) async fn restarted_after(self, meanwhile: impl Future<Output = ()>) -> Self {
        let Self { account, folder, shelf } = self;
        drop(account);
        meanwhile.await;
        let account = Account::restore(options(&folder, &shelf), &shelf.kept()).await.expect("it goes on");
        Self { account, folder, shelf }
    }

    /// The same with another client for files.
    pub(crate) async fn restarted_with(self, transfers: reqwest::Client) -> Self {
        let Self { account, folder, shelf } = self;
        drop(account);
        let options = AccountOptions { transfers, ..options(&folder, &shelf) };
        let account = Account::restore(options, &shelf.kept()).await.expect("it goes on");
        Self { account, folder, shelf }
    }

    /// The session as it is kept for the next start.
    pub(crate) fn kept(&self) -> Zeroizing<Vec<u8>> {
        self.shelf.kept().to_bytes()
    }

    /// What is written down about files that are being sent.
    pub(crate) fn journal(&self) -> &uploads::Journal {
        &self.shelf.1
    }

    /// Where its stores lie.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("chat")
    }

    /// A new sign-in in the place of this one, as after a session that ended.
    pub(crate) async fn signed_in_again(self, home: &Home, user: &str) -> Self {
        let Self { account, folder, shelf } = self;
        drop(account);
        Self { account: home.signs_in(&folder, &shelf, user).await, folder, shelf }
    }

    /// The same device again, after a session that ended softly.
    pub(crate) async fn signed_in_softly(self, user: &str) -> Self {
        let Self { account, folder, shelf } = self;
        drop(account);
        let way = SignIn::Password { user, password: sandbox::PASSWORD };
        let account = Account::sign_in_again(options(&folder, &shelf), &shelf.kept(), way).await;
        Self { account: account.expect("the person may sign in"), folder, shelf }
    }

    /// Waits until the list has what is wanted.
    pub(crate) async fn sees<T>(&self, what: &str, mut wanted: impl FnMut(&[tim::Row]) -> Option<T>) -> T {
        let mut changes = pin!(self.account.list_changes());
        let found = timeout(PATIENCE, async {
            loop {
                if let Some(found) = wanted(&self.account.rows().await) {
                    return found;
                }
                changes.next().await.expect("the account lives");
            }
        });
        found.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"))
    }

    /// Asks again at each change of the list until there is an answer.
    pub(crate) async fn eventually<T>(&self, what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
        let mut changes = pin!(self.account.list_changes());
        let found = timeout(PATIENCE, async {
            loop {
                if let Some(found) = ask().await {
                    return found;
                }
                // Keys come without a change of the list.
                let _told = timeout(std::time::Duration::from_millis(200), changes.next()).await;
            }
        });
        found.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"))
    }

    /// Takes the invitation to a room.
    pub(crate) async fn comes_to(&self, room: &str) {
        let invited = |rows: &[tim::Row]| {
            rows.iter().any(|row| row.id == room && matches!(row.membership, Membership::Invited { .. })).then_some(())
        };
        self.sees("the invitation", invited).await;
        self.account.join(room).await.expect("whoever was asked may come");
        let joined = |rows: &[tim::Row]| {
            rows.iter().any(|row| row.id == room && row.membership == Membership::Joined).then_some(())
        };
        self.sees("the room", joined).await;
    }

    pub(crate) async fn opens(&self, room: &str) -> Conversation {
        self.account.conversation(room).await.expect("the room can be opened")
    }
}

/// Two people in a conversation of their own.
pub(crate) async fn pair(home: &Home, first: &str, second: &str) -> Pair {
    let (first, second) = (home.person(first).await, home.person(second).await);
    let (one, other) = (home.device(&first).await, home.device(&second).await);
    let room = one.account.begin(NewConversation::Direct(&home.id(&second))).await.expect("it may be begun");
    other.comes_to(&room).await;
    Pair { first, one, other, room }
}

pub(crate) struct Pair {
    /// User name of the first.
    pub(crate) first: String,
    pub(crate) one: Device,
    pub(crate) other: Device,
    pub(crate) room: String,
}

/// Waits until all lines together are as wanted: for a moment they may be few, while the library reads them anew.
pub(crate) async fn reads(conversation: &Conversation, what: &str, wanted: impl Fn(&[Line]) -> bool) {
    let mut changes = conversation.changes();
    let found = timeout(PATIENCE, async {
        loop {
            changes.borrow_and_update();
            if wanted(&conversation.lines()) {
                return;
            }
            changes.changed().await.expect("the conversation lives");
        }
    });
    found.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"));
}

/// How many messages have this text.
pub(crate) fn count(lines: &[Line], wanted: &str) -> usize {
    lines.iter().filter(|line| matches!(line, Line::Message(message) if text(message) == Some(wanted))).count()
}

/// Waits until the conversation has a message that fits.
pub(crate) async fn sees(
    conversation: &Conversation,
    what: &str,
    mut wanted: impl FnMut(&Message) -> bool,
) -> Box<Message> {
    let mut changes = conversation.changes();
    let found = timeout(PATIENCE, async {
        loop {
            changes.borrow_and_update();
            let lines = conversation.lines();
            let found = lines.into_iter().find_map(|line| match line {
                Line::Message(message) if wanted(&message) => Some(message),
                Line::Message(_) | Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => None,
            });
            if let Some(found) = found {
                return found;
            }
            changes.changed().await.expect("the conversation lives");
        }
    });
    found.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"))
}

/// The text of a message, as it was typed.
pub(crate) fn text(message: &Message) -> Option<&str> {
    match &message.body {
        Body::Text { source, .. } => Some(&source.text),
        Body::Emote(_)
        | Body::File { .. }
        | Body::Form(_)
        | Body::Redacted { .. }
        | Body::Undecryptable(_)
        | Body::Repeated
        | Body::Unsupported { .. } => None,
    }
}

pub(crate) fn says<'a>(wanted: &'a str) -> impl FnMut(&Message) -> bool + 'a {
    move |message| text(message) == Some(wanted)
}
