//! Which servers `cargo xtask servers up` has started, and the discovery document that makes a platform of them.

use axum::{Json, Router, routing::get};
use serde_json::{Value, json};
use std::{
    io::Write as _,
    path::PathBuf,
    sync::{OnceLock, mpsc},
};
use testkit::PATIENCE;
use url::Url;

/// A token that nobody issued: HAPI and Orthanc take any.
pub(crate) const ANY_TOKEN: &str = "a-token";

/// The servers of this run.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    list: Value,
}

impl Servers {
    /// The servers, if all that a test needs are there.
    pub(crate) fn with(needed: &[&str]) -> Option<Self> {
        let Some(file) = std::env::var_os("KONSIL_SERVERS").map(PathBuf::from) else {
            skipped("KONSIL_SERVERS names no list of servers; start them with `cargo xtask servers up`");
            return None;
        };
        let text = std::fs::read_to_string(&file).expect("KONSIL_SERVERS names a file that can be read");
        let list: Value = serde_json::from_str(&text).expect("the list of servers is JSON");
        if let Some(missing) = needed.iter().find(|name| !list[**name].is_object()) {
            skipped(&format!("{missing} does not run; start it with `cargo xtask servers up`"));
            return None;
        }
        Some(Self { list })
    }

    /// Where a server is.
    pub(crate) fn address(&self, name: &str) -> Url {
        let address = self.list[name]["address"].as_str().expect("the list tells addresses");
        Url::parse(address).expect("an address is a URL")
    }

    /// What else is to be known of a server, such as a key.
    pub(crate) fn word(&self, server: &str, name: &str) -> String {
        self.list[server][name].as_str().expect("the list tells it").to_owned()
    }

    /// A port of a server beside that of its address.
    pub(crate) fn port(&self, server: &str, name: &str) -> u16 {
        let port = self.list[server][name].as_u64().and_then(|port| u16::try_from(port).ok());
        port.expect("the list tells it")
    }

    /// Where a server that was started here keeps what is its own.
    pub(crate) fn folder(name: &str) -> PathBuf {
        let list = std::env::var_os("KONSIL_SERVERS").map(PathBuf::from).expect("the servers were found by it");
        list.parent().expect("it is a file").join(name)
    }

    /// The address of a discovery document that names all three, as a person would type it. It answers until the test
    /// process ends.
    pub(crate) fn discovery(&self) -> &'static str {
        static ADDRESS: OnceLock<String> = OnceLock::new();
        ADDRESS.get_or_init(|| serve(self.document()))
    }

    /// The same with Synapse as its homeserver.
    pub(crate) fn discovery_with_chat(&self) -> &'static str {
        static ADDRESS: OnceLock<String> = OnceLock::new();
        ADDRESS.get_or_init(|| {
            let port = self.address("synapse").port().expect("it has a port of its own");
            let mut document = self.document();
            document["matrix"] = json!({ "server_name": format!("127.0.0.1:{port}") });
            serve(document)
        })
    }

    /// The same with another way to the image archive.
    pub(crate) fn discovery_by(&self, archive: &str) -> String {
        let mut document = self.document();
        document["dicomweb"] = json!({ "base": archive });
        serve(document)
    }

    fn document(&self) -> Value {
        let part = |name: &str| json!({ "base": self.address(name).as_str() });
        json!({
            "v": 1,
            "organisation": { "name": "Klinikverbund Eschenland", "support": {} },
            "oidc": { "issuer": self.address("keycloak").as_str(), "client_id": "konsil" },
            "fhir": part("hapi"),
            "dicomweb": part("orthanc"),
        })
    }
}

/// Answers until the test process ends.
fn serve(document: Value) -> String {
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
}

/// Says so past the test harness, which keeps the output of tests that pass to itself.
pub(crate) fn skipped(why: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    // Nothing is lost if nobody reads it.
    let _unheard = writeln!(std::io::stderr(), "SKIPPED {name}: {why}");
}
