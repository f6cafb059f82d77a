//! `m.login.sso`: the homeserver as a client of the platform's OpenID provider.
//!
//! The browser goes from here to the provider, comes back with a code, and is sent to the client's loopback listener
//! with a login token. The provider's own cookie carries the session, so somebody who has just signed in is asked
//! nothing. The code is exchanged by a call and not by HTTP, since both ends are one process.

use super::ask::Params;
use super::refusal::Refusal;
use super::{Homeserver, route::Shared};
use crate::oidc::{HOMESERVER_CLIENT, challenge, handle};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use url::{Host, Url};

/// Synapse names a provider `oidc-` and the id of its settings.
pub(crate) const PROVIDER_ID: &str = "oidc-konsil";

/// The cookie that ties the callback to the browser which began, so that nobody is signed in by another one's link.
const COOKIE_NAME: &str = "oidc_session";

/// How long the provider's page may stay open.
const ATTEMPT: SignedDuration = SignedDuration::from_hours(1);

/// A browser that was sent to the provider.
struct Attempt {
    cookie: String,
    nonce: String,
    verifier: String,
    redirect_url: Url,
    until: Timestamp,
}

/// Browsers at the provider, by state.
#[derive(Default)]
pub(crate) struct Attempts(BTreeMap<String, Attempt>);

impl Homeserver {
    /// The organization that runs the provider.
    pub(crate) fn provider_name(&self) -> &'static str {
        crate::discovery::ORGANIZATION
    }

    fn callback(&self) -> String {
        format!("{}{CALLBACK}", self.origin)
    }

    /// The authorization request (OpenID Connect Core §3.1.2.1, with RFC 7636).
    fn authorization(&self, state: &str, nonce: &str, challenge: &str) -> Url {
        let mut url = Url::parse(&format!("{}/oidc/auth", self.origin)).expect("the platform's origin is a URL");
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", HOMESERVER_CLIENT)
            .append_pair("redirect_uri", &self.callback())
            .append_pair("scope", "openid profile")
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256");
        url
    }

    fn attempts(&self) -> std::sync::MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Where the provider sends the browser back to.
pub(crate) const CALLBACK: &str = "/_synapse/client/oidc/callback";

/// With one provider nobody has to choose.
pub(crate) async fn redirect(State(home): State<Shared>, query: Params) -> Result<Response, Refusal> {
    begin(&home, &query)
}

pub(crate) async fn redirect_to(
    State(home): State<Shared>,
    Path(provider): Path<String>,
    query: Params,
) -> Result<Response, Refusal> {
    if provider != PROVIDER_ID {
        return Err(Refusal::not_found("Unknown identity provider"));
    }
    begin(&home, &query)
}

fn begin(home: &Homeserver, query: &Params) -> Result<Response, Refusal> {
    let wished = query.get("redirectUrl").ok_or_else(|| Refusal::missing("redirectUrl"))?;
    let Some(redirect_url) = loopback(wished) else {
        return Err(Refusal::bad("M_INVALID_PARAM", "redirectUrl must be a loopback address"));
    };
    let (state, cookie, nonce, verifier) = (handle(), handle(), handle(), handle());
    let target = home.authorization(&state, &nonce, &challenge(&verifier));
    let now = home.clock.now();
    let attempt = Attempt { cookie: cookie.clone(), nonce, verifier, redirect_url, until: now + ATTEMPT };
    let mut attempts = home.attempts();
    attempts.0.retain(|_, attempt| attempt.until > now);
    attempts.0.insert(state, attempt);
    let set = format!("{COOKIE_NAME}={cookie}; Path=/_synapse/client/oidc; HttpOnly; SameSite=Lax; Max-Age=3600");
    Ok(found(target.as_str(), &set))
}

/// The browser comes back from the provider.
pub(crate) async fn callback(State(home): State<Shared>, headers: HeaderMap, query: Params) -> Response {
    let now = home.clock.now();
    let state = query.get("state").unwrap_or_default();
    let attempt = {
        let mut attempts = home.attempts();
        let own = attempts.0.get(state).is_some_and(|attempt| cookies(&headers).any(|value| value == attempt.cookie));
        own.then(|| attempts.0.remove(state)).flatten()
    };
    let Some(attempt) = attempt.filter(|attempt| attempt.until > now) else {
        return failed("invalid_session", "This browser has no sign-in under way.");
    };
    if let Some(error) = query.get("error") {
        return failed(error, query.get("error_description").unwrap_or_default());
    }
    // RFC 9207 §2.4: an answer of another issuer is refused before its code is used.
    let issuer = format!("{}/oidc", home.origin);
    if query.get("iss") != Some(issuer.as_str()) {
        return failed("invalid_token", "The answer comes from another issuer.");
    }
    let code = query.get("code").unwrap_or_default();
    let redeemed = home.provider.redeem(code, &attempt.verifier, &home.callback());
    let Some((username, nonce)) = redeemed else {
        return failed("invalid_token", "The provider does not know the code.");
    };
    if nonce.as_deref() != Some(attempt.nonce.as_str()) {
        return failed("invalid_token", "The answer belongs to another sign-in.");
    }
    let token = handle();
    home.read().tokens.promise(token.clone(), &home.user_id(&username), now);
    let mut target = attempt.redirect_url;
    target.query_pairs_mut().append_pair("loginToken", &token);
    let gone = format!("{COOKIE_NAME}=; Path=/_synapse/client/oidc; HttpOnly; SameSite=Lax; Max-Age=0");
    found(target.as_str(), &gone)
}

fn found(target: &str, cookie: &str) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    let headers = response.headers_mut();
    headers.insert(LOCATION, target.parse().expect("a URL has only ASCII"));
    headers.insert(SET_COOKIE, cookie.parse().expect("a handle is a valid cookie value"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn failed(error: &str, why: &str) -> Response {
    let html = crate::oidc::failure_page(&format!("{error}: {why}"));
    (StatusCode::BAD_REQUEST, [(CACHE_CONTROL, "no-store")], Html(html)).into_response()
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

/// A login token goes to a program on the same computer and nowhere else.
fn loopback(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "http" && url.username().is_empty())?;
    let here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    (here && url.password().is_none()).then_some(url)
}
