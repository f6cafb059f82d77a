//! Rounds: what one shows and says, the other sees and hears, with our client or livekit-client in a browser as the other
//! person.
//!
//! A fact is written once and tried on LiveKit's server and on the evaluation platform's own: `FACT::on_livekit` and
//! `FACT::on_the_platform_s_own`. The first says SKIPPED, loudly, where that server does not run.

/// Makes both tests of each fact: an `async fn(Place)`, the same with a browser in it, or an `async fn(Table)`.
macro_rules! on_each_media_server {
    (with a browser: $($fact:ident),+ $(,)?) => {
        on_each_media_server! { @ $crate::rounds::Place::with_a_browser, $($fact),+ }
    };
    (in a conversation: $($fact:ident),+ $(,)?) => {
        on_each_media_server! { @ $crate::rounds::table::Table::with, $($fact),+ }
    };
    (@ $made:path, $($fact:ident),+) => { $(
        mod $fact {
            use $crate::rounds::Server;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_livekit() {
                if let Some(place) = $made(Server::LiveKit).await {
                    super::$fact(place).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_the_platform_s_own() {
                if let Some(place) = $made(Server::Own).await {
                    super::$fact(place).await;
                }
            }
        }
    )+ };
    ($($fact:ident),+ $(,)?) => {
        on_each_media_server! { @ $crate::rounds::Place::on, $($fact),+ }
    };
}

mod browser;
mod calling;
mod desks;
mod devices;
mod faults;
mod helping;
mod images;
mod joining;
mod media;
mod members;
mod microphones;
mod moderating;
mod powers;
mod sharing;
mod table;
mod tickets;

use crate::program::Program;
use crate::servers::Servers;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use model::round::MemberId;
use rounds::{Encryption, Event, Options, Picture, Received, Round, Sound};
use rounds_proto::signal::{self, Fact, IceHosts, Kind, Sections, ServerUrl, Step, Token, Track, TrackFact, View};
use serde_json::{Value, json};
use sfu::Sfu;
use sfu::token::SigningKey;
use sha2::Sha256;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use testkit::{BadLine, PATIENCE};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// What holds a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    /// The server `livekit` of the list.
    LiveKit,
    /// The crate `sfu`, as the evaluation platform has it.
    Own,
}

/// A round of the test's own.
#[derive(Debug, Clone)]
struct Place {
    address: String,
    key: String,
    secret: String,
    room: String,
    /// Where its media is.
    udp: u16,
    /// 0 where there is none by TCP.
    tcp: u16,
    /// The server in the test's process; it ends with the last who knows of it.
    _hosted: Option<Arc<Hosted>>,
}

#[derive(Debug)]
struct Hosted {
    _server: Sfu,
    _answering: JoinSet<()>,
}

impl Place {
    /// None, loudly, where the server is missing.
    async fn on(server: Server) -> Option<Self> {
        match server {
            Server::LiveKit => Self::livekit(),
            Server::Own => Some(Self::own().await),
        }
    }

    /// None, loudly, where the server or the browser is missing.
    async fn with_a_browser(server: Server) -> Option<Self> {
        let _installed = Program::folder("livekit-js")?;
        Self::on(server).await
    }

    async fn own() -> Self {
        let secret = uuid::Uuid::new_v4().simple().to_string();
        let key = SigningKey::new("own", Zeroizing::new(secret.clone().into_bytes())).expect("32 letters");
        let server = Sfu::start(sfu::Options { key, media_port: 0 }).await.expect("there are free ports");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a free port");
        let address = format!("ws://{}", listener.local_addr().expect("it is bound"));
        let (udp, router) = (server.media_address().port(), server.router());
        let mut answering = JoinSet::new();
        answering.spawn(async move { axum::serve(listener, router).await.expect("it answers until the test ends") });
        let hosted = Some(Arc::new(Hosted { _server: server, _answering: answering }));
        let room = uuid::Uuid::new_v4().to_string();
        Self { address, key: "own".to_owned(), secret, room, udp, tcp: 0, _hosted: hosted }
    }

    fn livekit() -> Option<Self> {
        let servers = Servers::with(&["livekit"])?;
        let address = servers.address("livekit").to_string().replacen("http", "ws", 1);
        let word = |name: &str| servers.word("livekit", name);
        let room = uuid::Uuid::new_v4().to_string();
        let port = |name: &str| servers.port("livekit", name);
        let (udp, tcp) = (port("udp_port"), port("tcp_port"));
        Some(Self { address, key: word("key"), secret: word("secret"), room, udp, tcp, _hosted: None })
    }

    /// A line to it that can be made bad.
    async fn line(&self) -> BadLine {
        BadLine::before(&self.address, self.udp, self.tcp).await.expect("there are free ports")
    }

    /// RFC 7519 with LiveKit's grant of one room, and with `more` in it.
    fn token_with(&self, identity: &str, more: &Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
        let mut video = json!({ "room": self.room, "roomJoin": true });
        for (name, value) in more.as_object().expect("an object") {
            video[name] = value.clone();
        }
        let claims = json!({
            "iss": self.key, "sub": identity, "name": identity, "nbf": now - 10, "exp": now + 600, "video": video,
        });
        self.signed("HS256", &claims)
    }

    /// RFC 7515 §7.1.
    fn signed(&self, algorithm: &str, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": algorithm, "typ": "JWT" })), part(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).expect("a key of any length");
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    fn token(&self, identity: &str) -> String {
        self.token_with(identity, &json!({}))
    }

    fn options(&self, token: String, encryption: Encryption) -> Options {
        let server = ServerUrl::parse(&self.address).expect("the server's address");
        options(server, Token::parse(token).expect("a token"), encryption)
    }

    /// Our client joins.
    fn joins(&self, identity: &str, encryption: Encryption) -> Ours {
        Ours::of(self.options(self.token(identity), encryption))
    }
}

/// How our client joins.
fn options(server: ServerUrl, token: Token, encryption: Encryption) -> Options {
    let http = reqwest::Client::builder().no_proxy().http1_only().build().expect("a client");
    Options {
        signal: signal::Options {
            servers: vec![server],
            ice_hosts: IceHosts::new(["127.0.0.1"]),
            version: "0.1.0".to_owned(),
            system: "linux".to_owned(),
            auto_subscribe: true,
            adaptive_stream: false,
            sections: Sections::default(),
        },
        token,
        http,
        encryption,
    }
}

/// Our client in a round, and what it has heard so far.
struct Ours {
    round: Round,
    received: Received,
    facts: Vec<Event>,
    /// Pictures that were wished for, by the `sid`s of their tracks.
    shown: BTreeSet<String>,
}

impl Ours {
    fn of(options: Options) -> Self {
        let (round, received) = Round::join(options).expect("the options are good");
        Self { round, received, facts: Vec::new(), shown: BTreeSet::new() }
    }

    /// Shows each picture that there is, as a page does: what nobody shows does not come where a machine that does much else
    /// looks like a narrow line.
    async fn show(&mut self, event: &Event) {
        let Event::Fact(fact) = event else { return };
        let tracks: Vec<&Track> = if let Fact::Track { what: TrackFact::Published(track), .. } = fact {
            vec![track]
        } else if let Fact::Joined(joined) = fact {
            joined.others.iter().flat_map(|other| other.tracks.values()).collect()
        } else if let Fact::Person(person) = fact {
            person.tracks.values().collect()
        } else {
            return;
        };
        for track in tracks.into_iter().filter(|track| track.kind == Kind::Video) {
            if self.shown.insert(track.sid.clone()) {
                let whole = View { shown: true, step: Step::High, width: 0, height: 0, fps: 0, priority: 0 };
                self.round.view(&track.sid, whole).await;
            }
        }
    }

    /// The next event that fits, from those that nobody has taken yet.
    async fn sees<T>(&mut self, what: &str, fits: impl Fn(&Event) -> Option<T>) -> T {
        self.sees_within(PATIENCE, what, fits).await
    }

    async fn sees_within<T>(&mut self, patience: Duration, what: &str, fits: impl Fn(&Event) -> Option<T>) -> T {
        if let Some(place) = self.facts.iter().position(|event| fits(event).is_some()) {
            return fits(&self.facts.remove(place)).expect("it did a moment ago");
        }
        let found = timeout(patience, async {
            loop {
                let event =
                    self.received.events.recv().await.unwrap_or_else(|| panic!("the round ended before {what}"));
                self.show(&event).await;
                if let Some(found) = fits(&event) {
                    return found;
                }
                self.facts.push(event);
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_elapsed) => panic!("not in time: {what}; seen so far: {:?}", self.facts),
        }
    }

    async fn comes_in(&mut self) {
        self.sees("that it is let in", |event| matches!(event, Event::Fact(Fact::Joined(_))).then_some(())).await;
        self.sees("that sound and picture can flow", |event| {
            matches!(event, Event::Fact(Fact::Connected)).then_some(())
        })
        .await;
    }

    /// The `sid` of somebody's picture.
    async fn track_of(&mut self, who: &str) -> String {
        let sid = self.sees("who it is", |event| {
            let Event::Fact(Fact::Person(person)) = event else { return None };
            (person.identity.as_str() == who).then(|| person.sid.clone())
        });
        let sid = sid.await;
        self.sees("the person's picture", |event| {
            let Event::Fact(Fact::Track { person, track, what: TrackFact::Published(published) }) = event else {
                return None;
            };
            (*person == sid && published.kind == Kind::Video).then(|| track.clone())
        })
        .await
    }

    /// Takes pictures until one fits.
    async fn looks<T>(&mut self, what: &str, mut fits: impl FnMut(&Picture) -> Option<T>) -> T {
        let found = timeout(PATIENCE, async {
            loop {
                tokio::select! {
                    picture = self.received.pictures.recv() => {
                        let picture = picture.unwrap_or_else(|| panic!("the round ended: {what}"));
                        if let Some(found) = fits(&picture) {
                            return found;
                        }
                    }
                    Some(event) = self.received.events.recv() => {
                        self.show(&event).await;
                        self.facts.push(event);
                    }
                }
            }
        });
        found.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"))
    }

    /// Takes so many pictures; gives before how many of them others are missing.
    async fn shows(&mut self, what: &str, pictures: u32) -> u32 {
        let (mut shown, mut gaps) = (0, 0);
        self.looks(what, |picture| {
            shown += 1;
            gaps += u32::from(picture.gap);
            (shown == pictures).then_some(())
        })
        .await;
        gaps
    }

    /// Takes sound until it fits.
    async fn listens<T>(&mut self, what: &str, mut fits: impl FnMut(&Sound) -> Option<T>) -> T {
        let found = timeout(PATIENCE, async {
            loop {
                let sound = self.received.sounds.recv().await.unwrap_or_else(|| panic!("the round ended: {what}"));
                if let Some(found) = fits(&sound) {
                    return found;
                }
            }
        });
        found.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"))
    }

    async fn leaves(mut self) {
        self.round.leave().await;
        self.sees("the end", |event| matches!(event, Event::Fact(Fact::Left(_))).then_some(())).await;
    }
}

fn member(name: &str) -> MemberId {
    MemberId::parse(name).expect("a name")
}
