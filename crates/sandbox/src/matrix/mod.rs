//! The homeserver: Matrix' client-server API up to v1.11 for the invented people, on `/sync` v2.
//!
//! It answers as Synapse with the TI-Messenger's rules does, so that a client which works here works there. Chat is
//! in memory only, with a folder as well: who starts the platform again starts with empty rooms. There is no
//! federation, so there is one order of events and no state resolution.
//!
//! One lock holds the whole state, and one number counts everything that happens; a waiting `/sync` wakes on each.

mod arrange;
mod ask;
mod backup;
mod create;
mod delayed;
mod devices;
mod filter;
mod history;
mod keys;
mod login;
mod media;
mod membership;
mod openid;
mod personal;
mod powers;
mod profile;
mod push;
mod receipts;
mod refusal;
mod room;
mod route;
mod rtc;
mod send;
mod sessions;
mod show;
mod signing;
mod sso;
mod state;
mod sync;
mod sync_room;
mod tim;
mod to_device;

pub use media::MediaError;
pub(crate) use route::router;
pub use rtc::{Rounds, Sfu};
pub(crate) use sso::CALLBACK;

use crate::clock::Clock;
use crate::oidc::Provider;
use crate::people::Person;
use ask::Session;
use jiff::SignedDuration;
use media::Media;
use refusal::Refusal;
use serde_json::json;
use sessions::TokenRefusal;
use state::State;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// What can be chosen of the homeserver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatOptions {
    /// How long an access token lives that can be refreshed.
    pub access_token_seconds: u32,
    /// The largest file that is taken, in bytes.
    pub upload_limit: u64,
    /// Where rounds are held.
    pub rounds: Rounds,
}

impl Default for ChatOptions {
    fn default() -> Self {
        Self { access_token_seconds: 600, upload_limit: 50 * 1024 * 1024, rounds: Rounds::Here }
    }
}

/// Requests that are to be refused for coming too fast.
#[derive(Debug, Default)]
struct Limit {
    left: u32,
    path: String,
    retry_after: Duration,
}

/// The homeserver. Dropping it removes what was uploaded.
pub struct Homeserver {
    origin: String,
    name: String,
    options: ChatOptions,
    /// What holds rounds, by its address and secret; none where there are none.
    sfu: Option<Sfu>,
    clock: Clock,
    provider: Arc<Provider>,
    state: Mutex<State>,
    attempts: Mutex<sso::Attempts>,
    media: Media,
    limit: Mutex<Limit>,
    /// The date of what is sent, while a past is being written.
    stamp: Mutex<Option<jiff::Timestamp>>,
    news: watch::Sender<u64>,
    /// Tells that what is sent later is another than before, or at another time.
    put_off: Notify,
    closing: watch::Sender<bool>,
}

impl std::fmt::Debug for Homeserver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its state holds tokens.
        formatter.debug_struct("Homeserver").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Homeserver {
    /// A homeserver at `origin` whose rounds `sfu` holds, and whose uploads lie in `folder`, or in the system's temporary
    /// folder.
    pub(crate) fn new(
        origin: &str,
        options: ChatOptions,
        sfu: Option<Sfu>,
        clock: Clock,
        provider: Arc<Provider>,
        people: &[Person],
        folder: Option<&Path>,
    ) -> Result<Self, MediaError> {
        let name = server_name(origin);
        let state = State::new(&name, people);
        Ok(Self {
            origin: origin.to_owned(),
            options,
            sfu,
            clock,
            provider,
            news: watch::Sender::new(state.position()),
            state: Mutex::new(state),
            attempts: Mutex::default(),
            media: Media::open(folder)?,
            limit: Mutex::default(),
            stamp: Mutex::default(),
            put_off: Notify::new(),
            closing: watch::Sender::new(false),
            name,
        })
    }

    /// The server name: what stands behind the colon of everybody's id.
    #[must_use]
    pub fn server_name(&self) -> &str {
        &self.name
    }

    /// Somebody's id on this server.
    #[must_use]
    pub fn user_id(&self, username: &str) -> String {
        format!("@{username}:{}", self.name)
    }

    /// Lets nobody invite this person whom the person has not allowed (A_26389).
    pub(crate) fn close_account(&self, username: &str) {
        let user = self.user_id(username);
        self.change(|state| state.set_data(&user, None, tim::PERMISSIONS, json!({ "defaultSetting": "block all" })));
    }

    /// Answers the next `count` requests whose path contains `path` with 429 and this `Retry-After`.
    pub fn limit_next(&self, count: u32, path: &str, retry_after: Duration) {
        *self.limit() = Limit { left: count, path: path.to_owned(), retry_after };
    }

    /// Answers all waiting requests at once from here on, since nobody waits for a server that stops.
    pub fn stop_waiting(&self) {
        self.closing.send_replace(true);
    }

    fn limit(&self) -> MutexGuard<'_, Limit> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The refusal of a request that is to come too fast.
    fn limited(&self, path: &str) -> Option<Refusal> {
        let mut limit = self.limit();
        if limit.left == 0 || !path.contains(&limit.path) {
            return None;
        }
        limit.left -= 1;
        let milliseconds = u64::try_from(limit.retry_after.as_millis()).unwrap_or(u64::MAX);
        let status = axum::http::StatusCode::TOO_MANY_REQUESTS;
        let refusal = Refusal::new(status, "M_LIMIT_EXCEEDED", "Too Many Requests");
        Some(refusal.with("retry_after_ms", json!(milliseconds)))
    }

    /// The state for reading. What changes it goes through [`Self::change`].
    fn read(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes who waits for news. A change checks everything before it changes anything.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (answer, position) = {
            let mut state = self.read();
            let answer = change(&mut state);
            (answer, state.position())
        };
        self.news.send_if_modified(|seen| {
            let more = *seen < position;
            *seen = position.max(*seen);
            more
        });
        answer
    }

    /// Whose token this is.
    fn session(&self, token: &str) -> Result<Session, Refusal> {
        let now = self.clock.now();
        let mut state = self.read();
        let checked = state.tokens.check(token, now);
        let (user, device) = checked.map_err(|refusal| match refusal {
            TokenRefusal::Expired => Refusal::unknown_token("Access token has expired", true),
            TokenRefusal::Unknown | TokenRefusal::Spent => {
                Refusal::unknown_token("Invalid access token passed.", false)
            }
        })?;
        state.device(&user, &device)?.seen = Some(now);
        Ok(Session { user, device })
    }

    /// When an access token that is given out now expires.
    fn token_end(&self) -> jiff::Timestamp {
        self.clock.now() + SignedDuration::from_secs(i64::from(self.options.access_token_seconds))
    }
}

/// Host and port of an origin.
fn server_name(origin: &str) -> String {
    origin.split_once("://").map_or(origin, |(_, rest)| rest).trim_end_matches('/').to_owned()
}
