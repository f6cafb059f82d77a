//! An OpenID provider that can be told to lie. It signs ES256 by itself, so that nothing of what is
//! tested also makes the expectation.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    extract::{Form, Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jiff::Timestamp;
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use platform::{
    Egress, Platform, Session,
    discovery::PlatformParts,
    oidc::{Purpose, SignInAttempt, SignInError, Tokens},
};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use crate::peer::{Moved, Shelf, serve};

/// What the provider does, and what it has seen.
pub(crate) struct Behavior {
    issuer: String,
    /// `iss` on the redirect; none when empty.
    pub(crate) redirect_iss: Option<String>,
    /// Changes the claims of the next ID tokens.
    pub(crate) claims: Value,
    /// Sign with a key that is not published.
    pub(crate) foreign_key: bool,
    /// Sign not at all.
    pub(crate) unsigned: bool,
    /// The error on the redirect.
    pub(crate) redirect_error: Option<&'static str>,
    pub(crate) expires_in: u64,
    /// Answer refreshes with this status.
    pub(crate) refresh_status: Option<u16>,
    pub(crate) logouts: Vec<String>,
    pub(crate) refreshes: usize,
    /// Refreshes that have arrived, answered or not.
    pub(crate) arrived: usize,
    authorized: Option<Authorize>,
    spent: BTreeSet<String>,
    issued: usize,
    over: bool,
}

#[derive(Clone)]
pub(crate) struct Provider {
    behavior: Arc<Mutex<Behavior>>,
    /// Refreshes wait here while a test holds it.
    pub(crate) gate: Arc<AsyncMutex<()>>,
    pub(crate) platform: Platform,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        // The issuer is only known once the port is.
        let behavior = Arc::new(Mutex::new(Behavior {
            issuer: String::new(),
            redirect_iss: None,
            claims: json!({}),
            foreign_key: false,
            unsigned: false,
            redirect_error: None,
            expires_in: 300,
            refresh_status: None,
            logouts: Vec::new(),
            refreshes: 0,
            arrived: 0,
            authorized: None,
            spent: BTreeSet::new(),
            issued: 0,
            over: false,
        }));
        let gate = Arc::new(AsyncMutex::new(()));
        let app = Router::new()
            .route("/realm/.well-known/openid-configuration", get(metadata))
            .route("/realm/jwks", get(keys))
            .route("/realm/authorize", get(authorize))
            .route("/realm/token", post(token))
            .route("/realm/logout", post(logout))
            .with_state((Arc::clone(&behavior), Arc::clone(&gate)));
        let base = serve(app).await;
        let issuer = base.join("realm").expect("a plain path").to_string();
        {
            let mut behavior = behavior.lock().expect("no handler panics");
            behavior.redirect_iss = Some(issuer.clone());
            behavior.issuer = issuer.clone();
        }
        let platform = Platform::from_parts(PlatformParts {
            organization: Some("Klinikverbund Eschenland".to_owned()),
            issuer,
            client_id: "konsil".to_owned(),
            fhir: None,
            dicomweb: None,
            matrix: None,
            rounds: None,
            directory: None,
        })
        .expect("the parts are addresses");
        Self { behavior, gate, platform }
    }

    pub(crate) fn behavior(&self) -> MutexGuard<'_, Behavior> {
        self.behavior.lock().expect("no handler panics")
    }

    /// Signs in with a browser that follows every redirect.
    pub(crate) async fn sign_in(&self, egress: &Egress, purpose: Purpose) -> Result<Tokens, SignInError> {
        let attempt = SignInAttempt::begin(egress, &self.platform, purpose).await?;
        let browser = tokio::spawn(browse(attempt.url().clone()));
        let result = attempt.finish().await;
        let status = browser.await.expect("the browser does not panic");
        assert_eq!(status, 200, "the browser ends on a page");
        result
    }

    /// A session whose first access token is `token-1`.
    pub(crate) async fn session(&self, moved: &Moved) -> (Egress, Session, Arc<Shelf>) {
        let egress = moved.egress();
        let tokens = self.sign_in(&egress, Purpose::SignIn).await.expect("the provider is honest");
        let shelf = Arc::new(Shelf::default());
        let session = Session::open(&egress, &self.platform, tokens, Arc::clone(&shelf) as _).await;
        (egress, session, shelf)
    }
}

/// Goes where a browser would go, and gives the last status.
pub(crate) async fn browse(url: Url) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().expect("plain settings");
    client.get(url).send().await.expect("the listener answers").status().as_u16()
}

/// Where the provider sends the browser after the sign-in, without going there.
pub(crate) async fn redirect_of(url: Url) -> Url {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("plain settings");
    let answer = client.get(url).send().await.expect("the provider answers");
    let place = answer.headers()["location"].to_str().expect("an address is text");
    Url::parse(place).expect("the redirect is absolute")
}

type Shared = (Arc<Mutex<Behavior>>, Arc<AsyncMutex<()>>);

async fn metadata(State((behavior, _)): State<Shared>) -> Json<Value> {
    let issuer = behavior.lock().expect("no handler panics").issuer.clone();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "end_session_endpoint": format!("{issuer}/logout"),
        "authorization_response_iss_parameter_supported": true,
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256", "a-new-one"],
    }))
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a small number is a P-256 scalar")
}

async fn keys() -> Json<Value> {
    let key = key(7);
    let point = key.verifying_key().to_encoded_point(false);
    let coordinate = |bytes: Option<&p256::FieldBytes>| BASE64.encode(bytes.expect("the point is not at infinity"));
    Json(json!({"keys": [{
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k",
        "x": coordinate(point.x()), "y": coordinate(point.y()),
    }]}))
}

#[derive(Deserialize)]
struct Authorize {
    client_id: String,
    redirect_uri: String,
    response_type: String,
    scope: String,
    state: String,
    nonce: String,
    code_challenge: String,
    code_challenge_method: String,
    max_age: Option<String>,
}

async fn authorize(State((behavior, _)): State<Shared>, Query(query): Query<Authorize>) -> Response {
    if query.client_id != "konsil"
        || query.response_type != "code"
        || query.code_challenge_method != "S256"
        || !query.scope.split(' ').any(|scope| scope == "openid")
    {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let mut behavior = behavior.lock().expect("no handler panics");
    let mut back = Url::parse(&query.redirect_uri).expect("the client sends an address");
    back.query_pairs_mut().append_pair("state", &query.state);
    match behavior.redirect_error {
        Some(error) => back.query_pairs_mut().append_pair("error", error),
        None => back.query_pairs_mut().append_pair("code", "the-code"),
    };
    if let Some(iss) = &behavior.redirect_iss {
        back.query_pairs_mut().append_pair("iss", iss);
    }
    behavior.authorized = Some(query);
    Redirect::to(back.as_str()).into_response()
}

#[derive(Deserialize)]
struct Token {
    grant_type: String,
    client_id: String,
    code: Option<String>,
    code_verifier: Option<String>,
    redirect_uri: Option<String>,
    refresh_token: Option<String>,
}

async fn token(State((behavior, gate)): State<Shared>, Form(form): Form<Token>) -> Response {
    let refused = || (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    if form.client_id != "konsil" {
        return refused();
    }
    if form.grant_type == "refresh_token" {
        behavior.lock().expect("no handler panics").arrived += 1;
        let _turn = gate.lock().await;
        let mut behavior = behavior.lock().expect("no handler panics");
        behavior.refreshes += 1;
        if let Some(status) = behavior.refresh_status {
            return StatusCode::from_u16(status).expect("tests name real statuses").into_response();
        }
        let given = form.refresh_token.unwrap_or_default();
        // Keycloak with revokeRefreshToken: a token that comes back ends the whole session.
        if behavior.over || !behavior.spent.insert(given) {
            behavior.over = true;
            return refused();
        }
        return Json(behavior.tokens(None)).into_response();
    }
    let mut behavior = behavior.lock().expect("no handler panics");
    let Some(asked) = behavior.authorized.take() else { return refused() };
    let verifier = form.code_verifier.unwrap_or_default();
    // RFC 7636 §4.6.
    let proved = BASE64.encode(Sha256::digest(verifier)) == asked.code_challenge;
    if !proved || form.code.as_deref() != Some("the-code") || form.redirect_uri.as_ref() != Some(&asked.redirect_uri) {
        return refused();
    }
    Json(behavior.tokens(Some(asked))).into_response()
}

async fn logout(State((behavior, _)): State<Shared>, body: String) -> StatusCode {
    behavior.lock().expect("no handler panics").logouts.push(body);
    StatusCode::NO_CONTENT
}

impl Behavior {
    fn tokens(&mut self, asked: Option<Authorize>) -> Value {
        self.issued += 1;
        let now = Timestamp::now().as_second();
        let mut claims = json!({
            "iss": self.issuer, "aud": "konsil", "sub": "f3a1", "iat": now, "exp": now + 300,
            "name": "Amina Falkenried", "given_name": "Amina", "family_name": "Falkenried", "prefix": "Dr. med.",
            "gender": "female", "preferred_username": "falkenried", "fhirUser": "PractitionerRole/dr-falkenried",
            "realm_access": {"roles": ["physician", "offline_access"]}, "roles": ["moderator", "physician"],
        });
        if let Some(asked) = asked {
            claims["nonce"] = json!(asked.nonce);
            // OpenID Connect Core 1.0 §2: auth_time is required when max_age was asked for.
            if asked.max_age.is_some() {
                claims["auth_time"] = json!(now);
            }
        }
        for (name, value) in self.claims.as_object().expect("tests set an object") {
            claims[name] = value.clone();
        }
        json!({
            "access_token": format!("token-{}", self.issued),
            "refresh_token": format!("refresh-{}", self.issued),
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "id_token": self.sign(&claims),
        })
    }

    /// RFC 7515 §5.1.
    fn sign(&self, claims: &Value) -> String {
        let alg = if self.unsigned { "none" } else { "ES256" };
        let header = json!({"alg": alg, "typ": "JWT", "kid": "k"});
        let input = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        if self.unsigned {
            return format!("{input}.");
        }
        let signature: Signature = key(if self.foreign_key { 8 } else { 7 }).sign(input.as_bytes());
        format!("{input}.{}", BASE64.encode(signature.to_bytes()))
    }
}
