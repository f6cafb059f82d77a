//! The program's own clients without a desk around them, signed in as a person: for facts about one client alone.

use platform::{
    Egress, Session, Time,
    dicomweb::DicomwebClient,
    discovery::discover,
    egress::EgressOptions,
    fhir::FhirClient,
    oidc::{Purpose, SignInAttempt, SignInError, StoredTokens, TokenStore, TokenStoreError, Tokens},
};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};
use testkit::{Platform, browser};
use url::Url;

pub(crate) fn egress() -> Egress {
    Egress::new(EgressOptions::default()).expect("the default options hold")
}

/// What another program than ours asks with.
pub(crate) fn plain() -> reqwest::Client {
    // Several callers of one process may want to be first.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client for loopback")
}

/// A clock that a test puts forward.
#[derive(Clone, Default)]
pub(crate) struct Ahead(Arc<AtomicI64>);

impl Ahead {
    pub(crate) fn egress(&self) -> Egress {
        let ahead = self.0.clone();
        let now = move || jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead.load(Ordering::Relaxed));
        let options = EgressOptions { time: Time::system().with_now(now), ..EgressOptions::default() };
        Egress::new(options).expect("the options hold")
    }

    pub(crate) fn put_forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
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

/// What discovery says of a platform.
pub(crate) async fn found(egress: &Egress, platform: &Platform) -> platform::Platform {
    discover(egress, &platform.url).await.expect("a platform")
}

/// Takes a sign-in to its end.
pub(crate) async fn sign_in(
    egress: &Egress,
    platform: &platform::Platform,
    user: &str,
    purpose: Purpose,
) -> Result<Tokens, SignInError> {
    let attempt = SignInAttempt::begin(egress, platform, purpose).await?;
    let (page, user) = (attempt.url().clone(), user.to_owned());
    let walked = tokio::spawn(async move { browser::walk(&page, &user, sandbox::PASSWORD, None).await });
    let tokens = attempt.finish().await;
    let end = walked.await.expect("the browser does not panic").expect("the browser signs in");
    assert_eq!(end.url.host_str(), Some("127.0.0.1"), "the browser comes back to this computer");
    tokens
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

/// A session, and the shelf that holds its newest tokens.
pub(crate) async fn session(egress: &Egress, platform: &platform::Platform, user: &str) -> (Session, Arc<Shelf>) {
    let tokens = sign_in(egress, platform, user, Purpose::SignIn).await.expect("the person signs in");
    let shelf = Arc::new(Shelf::default());
    (Session::open(egress, platform, tokens, shelf.clone()).await, shelf)
}

/// The records of a platform in the name of `user`.
pub(crate) async fn records(platform: &Platform, user: &str) -> (FhirClient, Url) {
    let egress = egress();
    let platform = found(&egress, platform).await;
    let (session, _shelf) = session(&egress, &platform, user).await;
    let base = platform.fhir.clone().expect("it has records");
    (FhirClient::new(&egress, base.clone(), &session), base)
}

/// The image archive of a platform in the name of `user`.
pub(crate) async fn archive(platform: &Platform, user: &str) -> DicomwebClient {
    let egress = egress();
    let platform = found(&egress, platform).await;
    let (session, _shelf) = session(&egress, &platform, user).await;
    DicomwebClient::new(&egress, platform.dicomweb.clone().expect("it has images"), &session)
}
