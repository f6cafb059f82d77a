//! The directory below `/vzd`: a door that takes OpenID tokens of the homeserver, and searches of services and people
//! with their addresses in chat, as gematik's VZD-FHIR has them.

use super::rest::{Answer, known};
use super::search::{Pages, Query};
use super::{Refusal, Store, acceptable, pairs, refuse, respond, seed, text};
use crate::clock::Clock;
use crate::matrix::Homeserver;
use crate::oidc::{bearer, handle};
use crate::seed::listed;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a token of the directory is valid (`FHIR_VZD_HOWTO_Authenticate`).
const LIFE: SignedDuration = SignedDuration::from_hours(24);
/// What can be searched (`FHIR_VZD_HOWTO_Search`).
const SEARCHED: [&str; 3] = ["HealthcareService", "PractitionerRole", "Endpoint"];

/// The directory.
pub(crate) struct Directory {
    origin: String,
    base: String,
    clock: Clock,
    homeserver: Arc<Homeserver>,
    store: Store,
    pages: Mutex<Pages>,
    tokens: Mutex<BTreeMap<String, Timestamp>>,
}

impl Directory {
    /// A directory at `{origin}/vzd` for the people of this homeserver.
    pub(crate) fn new(origin: &str, clock: Clock, homeserver: Arc<Homeserver>) -> Self {
        let store = Store::in_memory();
        let filled = seed(&store, listed::resources(homeserver.server_name()), &clock);
        filled.expect("a store in memory takes everything");
        Self {
            origin: origin.to_owned(),
            base: format!("{origin}/vzd/search"),
            clock,
            homeserver,
            store,
            pages: Mutex::default(),
            tokens: Mutex::default(),
        }
    }

    fn tokens(&self) -> MutexGuard<'_, BTreeMap<String, Timestamp>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Answer, Refusal> {
        let now = self.clock.now();
        let valid = bearer(headers).is_some_and(|token| self.tokens().get(token).is_some_and(|until| *until > now));
        if !valid {
            return Err(Refusal::Unauthorized("A token of /tim-authenticate is needed".to_owned()));
        }
        if method != Method::GET {
            return Err(Refusal::Method(method.to_string()));
        }
        let mut pairs = pairs(uri.query().unwrap_or_default().as_bytes());
        acceptable(headers, &pairs)?;
        let link = format!("{}{}", self.origin, uri.path_and_query().map_or("", |path| path.as_str()));
        let name = uri.path().trim_start_matches("/vzd/search").trim_matches('/');
        let shelf = self.store.read();
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if name.is_empty() && pairs.iter().any(|(name, _)| name == "_getpages") {
            return Ok(Answer::of(200, pages.further(&pairs, &shelf, &self.base, now, &link)?));
        }
        if !SEARCHED.contains(&name) {
            return Err(Refusal::NotFound(format!("There is nothing at {name}")));
        }
        let words = pairs.iter().find(|(name, _)| name == "_text").map(|(_, words)| words.clone());
        pairs.retain(|(name, _)| name != "_text");
        let query = Query::parse(known(name)?, &pairs)?.with_words(&words.unwrap_or_default());
        Ok(Answer::of(200, pages.first(query, &shelf, &self.base, now, &link)))
    }
}

/// The directory's routes.
pub(crate) fn router(directory: Arc<Directory>) -> Router {
    Router::new()
        .route("/vzd/tim-authenticate", get(authenticate))
        .route("/vzd/search", any(search))
        .route("/vzd/search/{*path}", any(search))
        .with_state(directory)
}

/// Somebody shows a token of the homeserver, and gets one of the directory.
async fn authenticate(State(directory): State<Arc<Directory>>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = pairs(uri.query().unwrap_or_default().as_bytes());
    let domain = asked.iter().find(|(name, _)| name == "mxId").map_or("", |(_, domain)| domain.as_str());
    let shown = text(&headers, "x-matrix-openid-token").unwrap_or_default();
    if domain != directory.homeserver.server_name() || directory.homeserver.shown_by(shown).is_none() {
        return refuse(&Refusal::Unauthorized("The OpenID token is not known to this homeserver".to_owned()));
    }
    let (token, now) = (handle(), directory.clock.now());
    let mut tokens = directory.tokens();
    tokens.retain(|_, until| *until > now);
    tokens.insert(token.clone(), now + LIFE);
    Json(json!({ "access_token": token, "token_type": "bearer", "expires_in": LIFE.as_secs() })).into_response()
}

async fn search(State(directory): State<Arc<Directory>>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    match directory.answer(&method, &uri, &headers) {
        Ok(answer) => respond(&directory.base, answer, &method, &headers),
        Err(refusal) => refuse(&refusal),
    }
}
