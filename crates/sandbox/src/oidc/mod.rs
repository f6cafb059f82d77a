//! The OpenID provider: authorization code with PKCE, ES256 tokens, claims in Keycloak's shape.
//!
//! OpenID Connect Core 1.0 §3.1, RFC 6749, RFC 7636 (S256 only), RFC 8252 (loopback redirect with any
//! port), RFC 9207 (`iss` on the redirect), RFC 9068 (access tokens).

mod keys;
mod ledger;
mod page;

pub(crate) use keys::{Keys, TokenError, challenge, handle};

use crate::clock::Clock;
use crate::discovery::CLIENT_ID;
use crate::matrix::CALLBACK as HOMESERVER_CALLBACK;
use crate::people::{PASSWORD, Person};
use axum::extract::{Form, Query, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::SignedDuration;
use ledger::{Exchange, GrantError, Issued, Ledger, Request, Session};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use url::Url;

/// The client that the platform's homeserver is: it sends browsers here and gets them back at one address.
pub(crate) const HOMESERVER_CLIENT: &str = "konsil-homeserver";

/// The audience of access tokens: the platform's FHIR and DICOMweb servers.
pub(crate) const AUDIENCE: &str = "konsil-platform";

const COOKIE_NAME: &str = "KONSIL_SANDBOX_SESSION";

/// The provider.
#[derive(Debug)]
pub(crate) struct Provider {
    issuer: String,
    keys: Arc<Keys>,
    clock: Clock,
    people: Vec<Person>,
    access_seconds: u32,
    ledger: Mutex<Ledger>,
}

impl Provider {
    /// A provider at `{origin}/oidc`.
    pub(crate) fn new(origin: &str, keys: Arc<Keys>, clock: Clock, people: Vec<Person>, access_seconds: u32) -> Self {
        let issuer = format!("{origin}/oidc");
        Self { issuer, keys, clock, people, access_seconds, ledger: Mutex::new(Ledger::default()) }
    }

    /// Ends all sessions: refresh tokens are refused from here on.
    pub(crate) fn end_all(&self) {
        self.ledger().end_all();
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Exchanges a code for the platform's homeserver: the user name, and the nonce of the request.
    pub(crate) fn redeem(&self, code: &str, verifier: &str, redirect_uri: &str) -> Option<(String, Option<String>)> {
        let refresh = (keys::handle(), keys::handle());
        let exchange =
            Exchange { client: HOMESERVER_CLIENT, code, challenge: &keys::challenge(verifier), redirect_uri, refresh };
        let issued = self.ledger().exchange(exchange, self.clock.now()).ok()?;
        Some((issued.session.username, issued.nonce))
    }

    /// Whether `uri` is a redirect of this client. The program listens on any loopback port (RFC 8252 §7.3), the
    /// homeserver at its one address.
    fn redirects(&self, client: &str, uri: &str) -> bool {
        match client {
            CLIENT_ID => is_loopback(uri),
            HOMESERVER_CLIENT => {
                let origin = self.issuer.strip_suffix("/oidc").unwrap_or(&self.issuer);
                uri.strip_prefix(origin) == Some(HOMESERVER_CALLBACK)
            }
            _ => false,
        }
    }

    fn person(&self, username: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.username == username)
    }
}

/// The provider's routes below `/oidc`.
pub(crate) fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/oidc/.well-known/openid-configuration", get(configuration))
        .route("/oidc/certs", get(certs))
        .route("/oidc/auth", get(authorize))
        .route("/oidc/login", post(login))
        .route("/oidc/token", post(token))
        .route("/oidc/userinfo", get(userinfo).post(userinfo))
        .route("/oidc/revoke", post(revoke))
        .route("/oidc/logout", get(logout).post(logout_form))
        .with_state(provider)
}

type Shared = State<Arc<Provider>>;

async fn configuration(State(provider): Shared) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/certs"),
        "end_session_endpoint": format!("{issuer}/logout"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "name", "given_name",
            "family_name", "preferred_username", "gender", "email", "roles", "realm_access", "fhirUser"],
        "prompt_values_supported": ["none", "login"],
        "ui_locales_supported": ["de", "en"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn certs(State(provider): Shared) -> Json<Value> {
    Json(provider.keys.jwks())
}

#[derive(Debug, Default, Deserialize)]
struct Authorize {
    client_id: Option<String>,
    response_type: Option<String>,
    redirect_uri: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    prompt: Option<String>,
    max_age: Option<i64>,
    login_hint: Option<String>,
    ui_locales: Option<String>,
}

async fn authorize(State(provider): Shared, headers: HeaderMap, Query(query): Query<Authorize>) -> Response {
    let english = english(query.ui_locales.as_deref(), &headers);
    // RFC 6749 §4.1.2.1: nothing is redirected to an address that is not the client's.
    let client = query.client_id.clone().unwrap_or_default();
    if ![CLIENT_ID, HOMESERVER_CLIENT].contains(&client.as_str()) {
        return page(StatusCode::BAD_REQUEST, page::failed(english, "client_id"));
    }
    let Some(redirect_uri) = query.redirect_uri.clone().filter(|uri| provider.redirects(&client, uri)) else {
        return page(StatusCode::BAD_REQUEST, page::failed(english, "redirect_uri"));
    };
    let refuse = |error: &str, why: &str| {
        let pairs = [("error", error), ("error_description", why)];
        back(&redirect_uri, query.state.as_deref(), &provider.issuer, &pairs)
    };
    if query.response_type.as_deref() != Some("code") {
        return refuse("unsupported_response_type", "Only response_type=code is supported");
    }
    let scope = query.scope.clone().unwrap_or_default();
    if !scope.split(' ').any(|word| word == "openid") {
        return refuse("invalid_scope", "Missing scope: openid");
    }
    let Some(challenge) = query.code_challenge.clone() else {
        return refuse("invalid_request", "Missing parameter: code_challenge");
    };
    if query.code_challenge_method.as_deref() != Some("S256") {
        return refuse("invalid_request", "Invalid parameter: code_challenge_method");
    }
    // RFC 7636 §4.2: the S256 challenge has 43 characters.
    if challenge.len() != 43 {
        return refuse("invalid_request", "Invalid parameter: code_challenge");
    }
    let request = Request {
        client,
        redirect_uri: redirect_uri.clone(),
        state: query.state.clone(),
        nonce: query.nonce.clone(),
        challenge,
        scope,
        login_hint: query.login_hint.clone(),
        english,
    };
    let now = provider.clock.now();
    let session = cookie(&headers).and_then(|id| provider.ledger().session(&id, now).cloned());
    let prompt = query.prompt.as_deref().unwrap_or_default();
    // OpenID Connect Core §3.1.2.1: after `max_age` seconds, or on prompt=login, the person proves
    // to be there again.
    let fresh = session.as_ref().filter(|session| {
        prompt != "login"
            && query
                .max_age
                .is_none_or(|age| now.duration_since(session.since) <= SignedDuration::from_secs(age.max(0)))
            && query.max_age != Some(0)
    });
    if let Some(session) = fresh {
        return answer(&provider, request, session);
    }
    if prompt == "none" {
        return refuse("login_required", "Authentication is required");
    }
    let username = session.as_ref().map(|session| session.username.clone()).or(request.login_hint.clone());
    let handle = keys::handle();
    provider.ledger().wait(handle.clone(), request, now);
    let html = page::login(&page::Login {
        action: &format!("{}/login?page={handle}", provider.issuer),
        username: username.as_deref().unwrap_or_default(),
        again: session.is_some(),
        wrong: false,
        english,
        people: &provider.people,
    });
    page(StatusCode::OK, html)
}

#[derive(Debug, Deserialize)]
struct OpenPage {
    page: String,
}

#[derive(Debug, Deserialize)]
struct Credentials {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

async fn login(
    State(provider): Shared,
    headers: HeaderMap,
    Query(open): Query<OpenPage>,
    Form(credentials): Form<Credentials>,
) -> Response {
    let now = provider.clock.now();
    let Some(request) = provider.ledger().waiting(&open.page, now) else {
        let english = english(None, &headers);
        return page(StatusCode::BAD_REQUEST, page::failed(english, "expired"));
    };
    let username = credentials.username.trim().to_lowercase();
    let known = provider.people.iter().find(|person| person.username == username || person.email == username);
    let Some(person) = known.filter(|_| credentials.password == PASSWORD) else {
        let html = page::login(&page::Login {
            action: &format!("{}/login?page={}", provider.issuer, open.page),
            username: &username,
            again: false,
            wrong: true,
            english: request.english,
            people: &provider.people,
        });
        return page(StatusCode::OK, html);
    };
    if let Some(old) = cookie(&headers) {
        let same = provider.ledger().session(&old, now).is_some_and(|session| session.username == person.username);
        if !same {
            provider.ledger().end(&old);
        }
    }
    let session = provider.ledger().sign_in(&open.page, keys::handle(), &person.username, now);
    let mut response = answer(&provider, request, &session);
    let cookie = format!("{COOKIE_NAME}={}; Path=/oidc; HttpOnly; SameSite=Lax", session.id);
    response.headers_mut().insert(SET_COOKIE, cookie.parse().expect("a handle is a valid cookie value"));
    response
}

/// The redirect that carries the code.
fn answer(provider: &Provider, request: Request, session: &Session) -> Response {
    let code = keys::handle();
    let response = {
        let pairs = [("code", code.as_str()), ("session_state", session.id.get(..16).unwrap_or_default())];
        back(&request.redirect_uri, request.state.as_deref(), &provider.issuer, &pairs)
    };
    provider.ledger().promise(code, request, session, provider.clock.now());
    response
}

fn back(redirect_uri: &str, state: Option<&str>, issuer: &str, pairs: &[(&str, &str)]) -> Response {
    let mut url = Url::parse(redirect_uri).expect("the redirect was parsed when the request was checked");
    url.query_pairs_mut()
        .extend_pairs(pairs)
        .extend_pairs(state.map(|state| ("state", state)))
        .append_pair("iss", issuer);
    // 303 turns the form's POST into a GET at the client.
    let mut response = Redirect::to(url.as_str()).into_response();
    response.headers_mut().insert(CACHE_CONTROL, axum::http::HeaderValue::from_static("no-store"));
    response
}

#[derive(Debug, Default, Deserialize)]
struct TokenRequest {
    grant_type: Option<String>,
    client_id: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    refresh_token: Option<String>,
}

async fn token(State(provider): Shared, Form(form): Form<TokenRequest>) -> Response {
    if form.client_id.as_deref() != Some(CLIENT_ID) {
        return oauth_error(StatusCode::UNAUTHORIZED, "invalid_client", "Invalid client credentials");
    }
    let now = provider.clock.now();
    let issued = match form.grant_type.as_deref() {
        Some("authorization_code") => {
            let Some(verifier) = form.code_verifier.filter(|verifier| (43..=128).contains(&verifier.len())) else {
                return oauth_error(StatusCode::BAD_REQUEST, "invalid_grant", "PKCE code verifier not specified");
            };
            let exchange = Exchange {
                client: CLIENT_ID,
                code: &form.code.unwrap_or_default(),
                challenge: &keys::challenge(&verifier),
                redirect_uri: &form.redirect_uri.unwrap_or_default(),
                refresh: (keys::handle(), keys::handle()),
            };
            provider.ledger().exchange(exchange, now)
        }
        Some("refresh_token") => {
            provider.ledger().refresh(&form.refresh_token.unwrap_or_default(), &keys::handle(), now)
        }
        Some(_) | None => {
            return oauth_error(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Unsupported grant_type");
        }
    };
    match issued {
        Ok(issued) => tokens(&provider, &issued),
        Err(error) => refused(&error),
    }
}

fn refused(error: &GrantError) -> Response {
    oauth_error(StatusCode::BAD_REQUEST, "invalid_grant", &error.to_string())
}

fn tokens(provider: &Provider, issued: &Issued) -> Response {
    let person = provider.person(&issued.session.username).expect("only known people have sessions");
    let now = provider.clock.now().as_second();
    let until = now + i64::from(provider.access_seconds);
    let mut access = claims(person);
    access.extend([
        ("iss".to_owned(), json!(provider.issuer)),
        ("aud".to_owned(), json!(AUDIENCE)),
        ("typ".to_owned(), json!("Bearer")),
        ("azp".to_owned(), json!(CLIENT_ID)),
        ("client_id".to_owned(), json!(CLIENT_ID)),
        ("jti".to_owned(), json!(keys::handle())),
        ("sid".to_owned(), json!(issued.session.id)),
        ("iat".to_owned(), json!(now)),
        ("exp".to_owned(), json!(until)),
        ("auth_time".to_owned(), json!(issued.session.since.as_second())),
        ("scope".to_owned(), json!(issued.scope)),
    ]);
    let access_token = provider.keys.sign("at+jwt", &json!(access));
    let mut id = claims(person);
    id.extend([
        ("iss".to_owned(), json!(provider.issuer)),
        ("aud".to_owned(), json!(CLIENT_ID)),
        ("typ".to_owned(), json!("ID")),
        ("azp".to_owned(), json!(CLIENT_ID)),
        ("sid".to_owned(), json!(issued.session.id)),
        ("iat".to_owned(), json!(now)),
        ("exp".to_owned(), json!(until)),
        ("auth_time".to_owned(), json!(issued.session.since.as_second())),
        ("at_hash".to_owned(), json!(keys::at_hash(&access_token))),
    ]);
    id.extend(issued.nonce.iter().map(|nonce| ("nonce".to_owned(), json!(nonce))));
    let body = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": provider.access_seconds,
        "refresh_token": issued.refresh,
        "refresh_expires_in": ledger::IDLE.as_secs(),
        "id_token": provider.keys.sign("JWT", &json!(id)),
        "scope": issued.scope,
        "session_state": issued.session.id.get(..16),
    });
    ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// What every token says about a person.
fn claims(person: &Person) -> BTreeMap<String, Value> {
    BTreeMap::from([
        ("sub".to_owned(), json!(person.subject())),
        ("name".to_owned(), json!(person.name)),
        ("given_name".to_owned(), json!(person.given)),
        ("family_name".to_owned(), json!(person.family)),
        ("preferred_username".to_owned(), json!(person.username)),
        ("gender".to_owned(), json!(person.gender)),
        ("email".to_owned(), json!(person.email)),
        ("email_verified".to_owned(), json!(true)),
        ("realm_access".to_owned(), json!({ "roles": person.roles })),
        ("roles".to_owned(), json!(person.roles)),
        ("fhirUser".to_owned(), json!(person.fhir_user())),
    ])
}

async fn userinfo(State(provider): Shared, headers: HeaderMap) -> Response {
    let now = provider.clock.now();
    let found = bearer(&headers)
        .and_then(|token| provider.keys.access(token, &provider.issuer, now).ok())
        .filter(|claims| claims["sid"].as_str().is_some_and(|sid| provider.ledger().session(sid, now).is_some()));
    let person = found.and_then(|claims| provider.person(claims["preferred_username"].as_str().unwrap_or_default()));
    match person {
        Some(person) => Json(claims(person)).into_response(),
        None => {
            let challenge = [(WWW_AUTHENTICATE, "Bearer realm=\"konsil\", error=\"invalid_token\"")];
            (challenge, oauth_error(StatusCode::UNAUTHORIZED, "invalid_token", "Token verification failed"))
                .into_response()
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Revoke {
    token: Option<String>,
}

/// RFC 7009: an unknown token is no error.
async fn revoke(State(provider): Shared, Form(form): Form<Revoke>) -> StatusCode {
    let session = form.token.and_then(|token| provider.ledger().session_of(&token));
    if let Some(session) = session {
        provider.ledger().end(&session);
    }
    StatusCode::OK
}

#[derive(Debug, Default, Deserialize)]
struct Logout {
    id_token_hint: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
    ui_locales: Option<String>,
    refresh_token: Option<String>,
    confirmed: Option<String>,
}

async fn logout(State(provider): Shared, headers: HeaderMap, Query(query): Query<Logout>) -> Response {
    end_session(&provider, &headers, &query)
}

async fn logout_form(State(provider): Shared, headers: HeaderMap, Form(form): Form<Logout>) -> Response {
    // Keycloak ends a session in the background when it gets the refresh token.
    if let Some(token) = &form.refresh_token {
        let session = provider.ledger().session_of(token);
        return match session {
            Some(session) => {
                provider.ledger().end(&session);
                StatusCode::NO_CONTENT.into_response()
            }
            None => refused(&GrantError::Session),
        };
    }
    end_session(&provider, &headers, &form)
}

/// OpenID Connect RP-Initiated Logout 1.0.
fn end_session(provider: &Provider, headers: &HeaderMap, query: &Logout) -> Response {
    let english = english(query.ui_locales.as_deref(), headers);
    // An ID token that has expired still says whose session is meant (§2).
    let hinted = query.id_token_hint.as_deref().and_then(|token| provider.keys.verify(token).ok());
    let session = match hinted.as_ref().and_then(|claims| claims["sid"].as_str()) {
        Some(session) => session.to_owned(),
        None => match cookie(headers) {
            Some(session) if query.confirmed.is_some() => session,
            Some(_) => {
                let action = format!("{}/logout", provider.issuer);
                return page(StatusCode::OK, page::ask_sign_out(english, &action));
            }
            None => return page(StatusCode::OK, page::signed_out(english)),
        },
    };
    provider.ledger().end(&session);
    let target = query.post_logout_redirect_uri.as_deref().filter(|uri| hinted.is_some() && is_loopback(uri));
    let mut response = match target.and_then(|uri| Url::parse(uri).ok()) {
        Some(mut url) => {
            if let Some(state) = &query.state {
                url.query_pairs_mut().append_pair("state", state);
            }
            Redirect::to(url.as_str()).into_response()
        }
        None => page(StatusCode::OK, page::signed_out(english)),
    };
    let gone = format!("{COOKIE_NAME}=; Path=/oidc; HttpOnly; SameSite=Lax; Max-Age=0");
    response.headers_mut().insert(SET_COOKIE, gone.parse().expect("the cookie has only ASCII"));
    response
}

fn oauth_error(status: StatusCode, error: &str, description: &str) -> Response {
    let body = Json(json!({ "error": error, "error_description": description }));
    (status, [(CACHE_CONTROL, "no-store")], body).into_response()
}

/// The provider's page for a sign-in that failed elsewhere on the platform.
pub(crate) fn failure_page(why: &str) -> String {
    page::failed(false, why)
}

fn page(status: StatusCode, html: String) -> Response {
    let headers = [
        ("cache-control", "no-store"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
        ),
        ("referrer-policy", "no-referrer"),
    ];
    (status, headers, Html(html)).into_response()
}

/// RFC 8252 §7.3: the loopback address with any port. `localhost` is another name and is refused,
/// as Keycloak refuses what is not in its list.
fn is_loopback(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| {
        url.scheme() == "http"
            && url.host_str() == Some("127.0.0.1")
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

fn english(ui_locales: Option<&str>, headers: &HeaderMap) -> bool {
    let accepted = headers.get("accept-language").and_then(|value| value.to_str().ok());
    let wished = ui_locales.or(accepted).unwrap_or("de");
    let first = wished.split([' ', ',', ';']).find(|word| word.starts_with("de") || word.starts_with("en"));
    first.is_some_and(|word| word.starts_with("en"))
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value.to_owned())
}

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
