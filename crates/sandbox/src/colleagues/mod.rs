//! The invented colleagues in chat. Each signs in to the homeserver as anybody does, with devices and keys of its own,
//! so that what they write is as encrypted as anything: first what they wrote in the past days, then two of them answer.
//!
//! They know nothing of the platform's inside but what [`Homeserver`] lets whoever runs it arrange: when a room's past
//! was, and who sits in it from the start.

mod history;
mod script;

use crate::matrix::Homeserver;
use crate::people::PASSWORD;
use crate::seed::{Plan, recipe};
use futures_util::{FutureExt as _, future::BoxFuture};
use script::Script;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tim::{Account, AccountError, AccountOptions, SessionStore, SessionStoreError, SignIn, StoredSession, SyncState};
use zeroize::Zeroizing;

/// Why somebody is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ColleagueError {
    /// Signing in or beginning a room failed.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Writing failed.
    #[error(transparent)]
    Conversation(#[from] tim::ConversationError),
    /// The homeserver is not found.
    #[error(transparent)]
    Homeserver(#[from] tim::HomeserverError),
    /// No temporary folder.
    #[error(transparent)]
    Folder(#[from] std::io::Error),
}

/// Somebody with an open session.
pub(crate) struct Colleague {
    pub(crate) account: Account,
    // Removed with this value.
    _folder: TempDir,
}

/// They live as long as the process: nothing of theirs outlives it.
struct Forgetful;

impl SessionStore for Forgetful {
    fn save(&self, _session: &StoredSession) -> Result<(), SessionStoreError> {
        Ok(())
    }
}

/// Waits until the demonstration's user has a device, writes the past, the links to cases of the record at `fhir` first, and lets the colleagues answer from then on.
// In a box: the futures of chat are deeper than the compiler looks from another crate by itself.
pub(crate) fn live(home: Arc<Homeserver>, plan: Plan, folder: Option<PathBuf>, fhir: String) -> BoxFuture<'static, ()> {
    living(home, plan, folder, fhir).boxed()
}

async fn living(home: Arc<Homeserver>, plan: Plan, folder: Option<PathBuf>, fhir: String) {
    let Some(user) = crate::people::people().into_iter().next() else { return };
    home.device_of(&user.username).await;
    match arrive(&home, plan, folder.as_deref(), &fhir).await {
        Ok((scripts, past)) => script::answer(scripts, past).await,
        Err(error) => tracing::warn!(%error, "the colleagues are not there"),
    }
}

type Arrived = (Vec<(Script, Colleague)>, history::Past);

async fn arrive(home: &Homeserver, plan: Plan, folder: Option<&Path>, fhir: &str) -> Result<Arrived, ColleagueError> {
    let recipe = recipe::conversations();
    let found = tim::Homeserver::discover(&|_url| Some(http()), home.server_name()).await?;
    let mut colleagues = BTreeMap::new();
    for person in history::authors(recipe) {
        colleagues.insert(person.to_owned(), sign_in(&found, person, folder).await?);
    }
    let past = history::write(home, &colleagues, recipe, plan, fhir).await?;
    let scripts = Script::all(recipe)
        .into_iter()
        .filter_map(|script| {
            let colleague = colleagues.remove(&script.person)?;
            Some((script, colleague))
        })
        .collect();
    // The authors of the past alone have said everything.
    for colleague in colleagues.into_values() {
        colleague.account.sign_out().await;
    }
    Ok((scripts, past))
}

async fn sign_in(
    homeserver: &tim::Homeserver,
    person: &str,
    folder: Option<&Path>,
) -> Result<Colleague, ColleagueError> {
    let place = match folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let options = AccountOptions {
        folder: place.path().join("chat"),
        key: Zeroizing::new(rand::random()),
        http: http(),
        transfers: http(),
        sessions: Arc::new(Forgetful),
        uploads: None,
    };
    let way = SignIn::Password { user: person, password: PASSWORD };
    let account = Account::sign_in(options, homeserver, way, "Konsil").await?;
    let mut state = account.state();
    // An account that ends instead of beginning shows it at the first request.
    let _ready = state.wait_for(|state| matches!(state, SyncState::Ready | SyncState::Ended)).await;
    Ok(Colleague { account, _folder: place })
}

/// They ask nobody but this computer.
fn http() -> reqwest::Client {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client for loopback needs nothing of the system")
}
