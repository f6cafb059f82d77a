//! The demonstration, as a running sandbox gives it away: for the validator, and to fill a real server with it.

use crate::servers::{Shelf, egress};
use platform::{
    Egress, Session,
    dicomweb::DicomwebClient,
    discovery::discover,
    fhir::FhirClient,
    oidc::{Purpose, SignInAttempt},
};
use serde_json::Value;
use std::{path::PathBuf, sync::Arc};
use testkit::browser;
use url::Url;

/// Resources of one type are no more than this.
const MOST: usize = 5000;

/// A running sandbox, seen through the program's own clients.
pub(crate) struct Demonstration {
    pub(crate) fhir: FhirClient,
    pub(crate) dicomweb: DicomwebClient,
}

impl Demonstration {
    pub(crate) async fn open() -> Self {
        let egress = egress();
        let platform = discover(&egress, &testkit::Platform::shared().url).await.expect("the sandbox is a platform");
        let session = signed_in(&egress, &platform).await;
        let fhir = FhirClient::new(&egress, platform.fhir.clone().expect("it has records"), &session);
        let dicomweb = DicomwebClient::new(&egress, platform.dicomweb.clone().expect("it has images"), &session);
        Self { fhir, dicomweb }
    }

    /// Every resource of every type that it declares.
    pub(crate) async fn resources(&self) -> Vec<Value> {
        let statement = self.fhir.capabilities().await.expect("a CapabilityStatement");
        let kinds = statement["rest"][0]["resource"].as_array().cloned().unwrap_or_default();
        let mut all = Vec::new();
        for kind in kinds.iter().filter_map(|resource| resource["type"].as_str()) {
            let found = self.fhir.search(kind, &[("_count", "200")], MOST).await.expect("a search for all");
            assert!(!found.more && !found.truncated && found.damaged == 0, "all of {kind}: {found:?}");
            all.extend(found.matches);
        }
        assert!(all.len() > 100, "a whole board is more than {} resources", all.len());
        all
    }
}

async fn signed_in(egress: &Egress, platform: &platform::Platform) -> Session {
    let session = signed_in_by(egress, platform, async |page: Url| {
        browser::walk(&page, "dr-falkenried", sandbox::PASSWORD, None).await.ok()
    });
    session.await.expect("the browser signs in")
}

/// Signs in with a browser: what it gives is kept until it has come back. Nothing if there is no browser.
pub(crate) async fn signed_in_by<B>(
    egress: &Egress,
    platform: &platform::Platform,
    open: impl AsyncFnOnce(Url) -> Option<B>,
) -> Option<Session> {
    let attempt = SignInAttempt::begin(egress, platform, Purpose::SignIn).await.expect("the sign-in begins");
    let page = attempt.url().clone();
    // The listener already waits for the browser; nobody comes back if there is none.
    let finished = tokio::spawn(attempt.finish());
    let Some(_open) = open(page).await else {
        finished.abort();
        return None;
    };
    let tokens = finished.await.expect("it does not panic").expect("the person signs in");
    Some(Session::open(egress, platform, tokens, Arc::new(Shelf::default())).await)
}

/// Writes a file for each: `cargo xtask fhir-check` names the folder in `KONSIL_FHIR_OUT`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demonstration_is_given_to_the_validator() {
    let Some(folder) = std::env::var_os("KONSIL_FHIR_OUT").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for resource in Demonstration::open().await.resources().await {
        let name = |member: &str| resource[member].as_str().expect("type and id are texts").to_owned();
        let file = folder.join(format!("demonstration-{}-{}.json", name("resourceType"), name("id")));
        std::fs::write(file, resource.to_string()).expect("the file can be written");
    }
}
