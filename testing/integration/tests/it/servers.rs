//! Which servers there are, and how a test reaches them: a session for each, and a platform made of all three.

use axum::{Json, Router, routing::get};
use jiff::{Timestamp, ToSpan as _};
use platform::{
    Egress, Platform, Session,
    egress::EgressOptions,
    oidc::{StoredTokens, TokenStore, TokenStoreError},
};
use serde_json::{Value, json};
use std::{
    io::Write as _,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
};
use testkit::PATIENCE;
use url::Url;

/// The servers of this run.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    list: Value,
}

impl Servers {
    /// The servers, if all that a test needs are there.
    pub(crate) fn with(needed: &[&str]) -> Option<Self> {
        let Some(file) = std::env::var_os("KONSIL_SERVERS").map(PathBuf::from) else {
            skipped("KONSIL_SERVERS names no list of servers");
            return None;
        };
        let text = std::fs::read_to_string(&file).expect("KONSIL_SERVERS names a file that can be read");
        let list: Value = serde_json::from_str(&text).expect("the list of servers is JSON");
        if let Some(missing) = needed.iter().find(|name| !list[**name].is_object()) {
            skipped(&format!("{missing} does not run"));
            return None;
        }
        Some(Self { list })
    }

    /// Where a server is.
    pub(crate) fn address(&self, name: &str) -> Url {
        let address = self.list[name]["address"].as_str().expect("the list tells addresses");
        Url::parse(address).expect("an address is a URL")
    }

    /// A platform of what runs, without a discovery document. What does not run is absent.
    pub(crate) fn platform(&self) -> Platform {
        let base = |name: &str| self.list[name]["address"].as_str().map(str::to_owned);
        let parts = platform::discovery::PlatformParts {
            organization: Some("Klinikverbund Eschenland".to_owned()),
            issuer: base("keycloak").unwrap_or_else(|| "http://127.0.0.1:9/realms/konsil".to_owned()),
            client_id: "konsil".to_owned(),
            fhir: base("hapi"),
            dicomweb: base("orthanc"),
            matrix: None,
            rounds: None,
            directory: None,
        };
        Platform::from_parts(parts).expect("loopback addresses are allowed")
    }

    /// A session whose token nobody issued, for servers that take any.
    pub(crate) fn session(&self, egress: &Egress) -> Session {
        let platform = self.platform();
        let person = json!({
            "subject": "test", "name": "Test", "given": null, "family": null, "prefix": null, "gender": null,
            "login": null, "roles": ["physician"], "fhir_user": null
        });
        let kept = json!({
            "v": 1, "issuer": platform.issuer, "client_id": platform.client_id, "access": "a-token",
            "expires_at": (Timestamp::now() + 12.hours()).to_string(), "refresh": null, "id_token": "none",
            "authenticated_at": null, "person": person
        });
        let stored = StoredTokens::from_bytes(kept.to_string().as_bytes()).expect("it has the form of a kept session");
        Session::restore(egress, &platform, stored, Arc::new(Shelf::default())).expect("it is of this platform")
    }

    /// The address of a discovery document that names all three, as a person would type it. It answers until the test
    /// process ends.
    pub(crate) fn discovery(&self) -> &'static str {
        static ADDRESS: OnceLock<String> = OnceLock::new();
        let part = |name: &str| json!({ "base": self.address(name).as_str() });
        let document = json!({
            "v": 1,
            "organisation": { "name": "Klinikverbund Eschenland", "support": {} },
            "oidc": { "issuer": self.address("keycloak").as_str(), "client_id": "konsil" },
            "fhir": part("hapi"),
            "dicomweb": part("orthanc"),
        });
        ADDRESS.get_or_init(|| {
            let (tell, started) = mpsc::sync_channel(1);
            // A runtime of its own, since each test's ends with it.
            let spawned = std::thread::Builder::new().name("discovery".to_owned()).spawn(move || {
                let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
                runtime.block_on(async move {
                    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                    let port = listener.local_addr().expect("it is bound").port();
                    tell.send(format!("http://127.0.0.1:{port}")).expect("the test waits");
                    let app = Router::new().route("/.well-known/konsil", get(async move || Json(document.clone())));
                    axum::serve(listener, app).await.expect("it answers until the process ends");
                });
            });
            spawned.expect("a thread can be started");
            started.recv_timeout(PATIENCE).expect("the document is served in time")
        })
    }
}

/// Says so past the test harness, which keeps the output of tests that pass to itself.
pub(crate) fn skipped(why: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    // Nothing is lost if nobody reads it.
    let _unheard = writeln!(std::io::stderr(), "SKIPPED {name}: {why}; start them with `cargo xtask servers up`");
}

pub(crate) fn egress() -> Egress {
    Egress::new(EgressOptions::default()).expect("the default options hold")
}

/// Keeps the newest session, as a vault would.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<Option<Vec<u8>>>);

impl Shelf {
    pub(crate) fn kept(&self) -> Option<StoredTokens> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(|bytes| StoredTokens::from_bytes(bytes).expect("what was kept can be read"))
    }
}

impl TokenStore for Shelf {
    fn save(&self, tokens: &StoredTokens) -> Result<(), TokenStoreError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokens.to_bytes().to_vec());
        Ok(())
    }

    fn wipe(&self) -> Result<(), TokenStoreError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

/// What another program than ours asks with.
pub(crate) fn client() -> reqwest::Client {
    // Several callers of one process may want to be first.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client for loopback")
}
