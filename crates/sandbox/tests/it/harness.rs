//! A running platform, a browser that walks the sign-in page, and a FHIR client for tests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, StatusCode, Url};
use sandbox::{Options, PASSWORD, Running, Sandbox};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// The day of all tests, so that dates can be written down.
pub(crate) const TODAY: &str = "2026-11-24";
/// The redirect of the client under test; nobody needs to listen there.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:49152/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub(crate) fn client() -> Client {
    // A second test of the same process finds the provider installed.
    rustls::crypto::ring::default_provider().install_default().ok();
    let builder = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    builder.build().expect("a client without special wishes can be made")
}

/// A platform with one client.
pub(crate) struct Platform {
    pub(crate) running: Running,
    pub(crate) client: Client,
}

/// Tokens of a sign-in, and the browser's cookie.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) id: String,
    pub(crate) cookie: String,
}

/// What came back from FHIR.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Ids of the entries of a searchset with this search mode.
    pub(crate) fn ids(&self, mode: &str) -> Vec<String> {
        let entries = self.body["entry"].as_array().into_iter().flatten();
        let chosen = entries.filter(|entry| entry["search"]["mode"] == mode);
        chosen
            .map(|entry| format!("{}/{}", text(&entry["resource"]["resourceType"]), text(&entry["resource"]["id"])))
            .collect()
    }

    pub(crate) fn next(&self) -> Option<String> {
        let links = self.body["link"].as_array().into_iter().flatten();
        let mut next = links.filter(|link| link["relation"] == "next");
        next.next().map(|link| text(&link["url"]))
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Platform {
    pub(crate) async fn start() -> Self {
        Self::with(None).await
    }

    pub(crate) async fn with(folder: Option<&Path>) -> Self {
        let options = Options {
            folder: folder.map(Path::to_owned),
            today: Some(TODAY.parse().expect("a date")),
            board_start: Some("15:00".parse().expect("a time")),
            ..Options::default()
        };
        let running = Sandbox::start(options).await.expect("the platform starts on a free port");
        Self { running, client: client() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url)
    }

    /// The authorization request of a well-behaved client, with some parameters replaced or, when
    /// empty, left out.
    pub(crate) fn authorize(&self, changes: &[(&str, &str)]) -> Url {
        let challenge = challenge(VERIFIER);
        let mut pairs = BTreeMap::from([
            ("client_id", "konsil"),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", "openid profile"),
            ("state", "state-1"),
            ("nonce", "nonce-1"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]);
        pairs.extend(changes.iter().copied());
        pairs.retain(|_, value| !value.is_empty());
        let mut url = Url::parse(&self.url("/oidc/auth")).expect("the platform's address is a URL");
        url.query_pairs_mut().extend_pairs(pairs);
        url
    }

    pub(crate) async fn get(&self, url: impl reqwest::IntoUrl, cookie: &str) -> (StatusCode, HeaderMap, String) {
        let response = self.client.get(url).header(COOKIE, cookie).send().await.expect("the platform answers");
        let (status, headers) = (response.status(), response.headers().clone());
        (status, headers, response.text().await.expect("the answer is text"))
    }

    pub(crate) async fn post(&self, url: &str, form: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
        let response = self.client.post(url).form(form).send().await.expect("the platform answers");
        let (status, headers) = (response.status(), response.headers().clone());
        (status, headers, response.text().await.expect("the answer is text"))
    }

    /// Walks the login page as a person would and follows the redirect: what the client's listener
    /// gets, and the browser's cookie.
    pub(crate) async fn walk(&self, url: Url, username: &str) -> (BTreeMap<String, String>, String) {
        let (status, _, page) = self.get(url, "").await;
        assert_eq!(status, 200, "the login page opens");
        let (_, headers, _) = self.post(&form_action(&page), &[("username", username), ("password", PASSWORD)]).await;
        let cookie = headers.get(SET_COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        (redirected(&headers), cookie.split(';').next().unwrap_or_default().to_owned())
    }

    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut all = vec![("client_id", "konsil")];
        all.extend_from_slice(form);
        let (status, _, body) = self.post(&self.url("/oidc/token"), &all).await;
        (status, serde_json::from_str(&body).expect("the token endpoint answers JSON"))
    }

    pub(crate) async fn exchange(&self, code: &str, verifier: &str) -> (StatusCode, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
        ];
        self.token(&form).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> (StatusCode, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub(crate) async fn sign_in(&self, username: &str) -> Tokens {
        let (got, cookie) = self.walk(self.authorize(&[]), username).await;
        let (status, body) = self.exchange(&got["code"], VERIFIER).await;
        assert_eq!(status, 200, "the code is exchanged: {body}");
        Tokens {
            access: text(&body["access_token"]),
            refresh: text(&body["refresh_token"]),
            id: text(&body["id_token"]),
            cookie,
        }
    }

    pub(crate) async fn fhir(&self, username: &str) -> Fhir<'_> {
        Fhir { platform: self, token: self.sign_in(username).await.access }
    }
}

/// A FHIR client with somebody's token.
pub(crate) struct Fhir<'a> {
    pub(crate) platform: &'a Platform,
    pub(crate) token: String,
}

impl Fhir<'_> {
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Reply {
        let base = self.platform.url("/fhir");
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{base}/{path}") };
        let bearer = format!("Bearer {}", self.token);
        let mut request = self.platform.client.request(method, url).header(AUTHORIZATION, bearer);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/fhir+json").body(body.to_string());
        }
        let response = request.send().await.expect("the platform answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("the answer is text");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("the answer is JSON") };
        Reply { status, headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, &[], None).await
    }

    pub(crate) async fn put(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        self.ask(Method::PUT, path, headers, Some(body)).await
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        self.ask(Method::POST, path, headers, Some(body)).await
    }
}

/// Checks that a reply refuses with this status and says so in an OperationOutcome.
#[track_caller]
pub(crate) fn refused(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{}", reply.body);
    assert_eq!(reply.body["resourceType"], "OperationOutcome", "each refusal is an OperationOutcome");
    assert_eq!(reply.body["issue"][0]["severity"], "error", "and an error");
}

/// The S256 challenge of RFC 7636 §4.2.
pub(crate) fn challenge(verifier: &str) -> String {
    B64.encode(Sha256::digest(verifier.as_bytes()))
}

pub(crate) fn verifier() -> &'static str {
    VERIFIER
}

/// The claims of a token, unchecked.
pub(crate) fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("a JWS has three parts");
    serde_json::from_slice(&B64.decode(part).expect("base64url")).expect("claims are JSON")
}

/// Where the first form of a page goes.
pub(crate) fn form_action(page: &str) -> String {
    let (_, rest) = page.split_once("action=\"").expect("the page has a form");
    let (action, _) = rest.split_once('"').expect("the attribute ends");
    action.replace("&amp;", "&")
}

/// The query of the address that a redirect names.
pub(crate) fn redirected(headers: &HeaderMap) -> BTreeMap<String, String> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let url = Url::parse(location).expect("the answer is a redirect");
    assert!(location.starts_with(REDIRECT), "the redirect goes to the client: {location}");
    url.query_pairs().into_owned().collect()
}

/// A resource to write: a draft decision without special contents.
pub(crate) fn draft(id: &str, words: &str) -> Value {
    json!({
        "resourceType": "CarePlan",
        "id": id,
        "status": "draft",
        "intent": "plan",
        "description": words,
        "subject": { "reference": "Patient/pat-auenwald" },
    })
}
