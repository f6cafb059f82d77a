//! The invented colleagues in chat. Two of them answer: each sits at a desk of their own, which is the application
//! without its window, signs in by a browser as anybody does, and is driven by the recipe's script. What was written in
//! the past days is written by clients that are there for this alone.
//!
//! The desks know nothing of the platform's inside. Who arranges the past knows what [`Homeserver`] lets whoever runs it
//! arrange: when it was, and who sits in a room from the start. Nothing else of the platform knows the application.

mod answer;
mod author;
mod browser;
mod colleague;
mod history;
mod images;
mod round;
mod script;

use crate::matrix::Homeserver;
use crate::seed::{Plan, recipe};
use colleague::Colleague;
use contract::{Failure, FailureCode};
use futures_util::{FutureExt as _, future::BoxFuture, future::join_all};
use script::Script;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Why somebody is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ColleagueError {
    /// Signing in or beginning a room failed.
    #[error(transparent)]
    Account(#[from] tim::AccountError),
    /// Writing failed.
    #[error(transparent)]
    Conversation(#[from] tim::ConversationError),
    /// The homeserver is not found.
    #[error(transparent)]
    Homeserver(#[from] tim::HomeserverError),
    /// A second device is not theirs.
    #[error(transparent)]
    Recovery(#[from] tim::RecoveryError),
    /// A place on disk or a thread is missing.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// A desk does not open.
    #[error(transparent)]
    Desk(#[from] app::OpenDeskError),
    /// A desk refuses.
    #[error("a desk refuses: {0:?}")]
    Refused(FailureCode),
    /// A desk answers something else than it was asked.
    #[error("a desk answers something else than it was asked")]
    Answer,
    /// A desk tells nothing any more.
    #[error("a desk has ended")]
    Gone,
    /// A desk takes too long.
    #[error("a desk takes too long")]
    Late,
    /// Nobody was signed in.
    #[error(transparent)]
    Browser(#[from] browser::BrowserError),
}

impl From<Failure> for ColleagueError {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure.code)
    }
}

/// The colleagues at work. They have a runtime of their own: whatever a desk has begun ends with it.
#[derive(Debug)]
pub(crate) struct Colleagues {
    runtime: Option<Runtime>,
    // Removed with this value.
    _folder: TempDir,
}

/// How long what a desk is writing may take when it ends.
const ENDING: Duration = Duration::from_secs(2);

/// Where they find what they need.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The platform's origin.
    pub(crate) url: String,
    /// The demonstration.
    pub(crate) plan: Plan,
    /// Where their places on disk may lie; the system's temporary folder otherwise.
    pub(crate) folder: Option<PathBuf>,
}

impl Colleagues {
    /// Lets them sign in, and write the past as soon as the demonstration's user has a device.
    pub(crate) fn at_work(home: Arc<Homeserver>, around: Surroundings) -> std::io::Result<Self> {
        let folder = match &around.folder {
            Some(folder) => tempfile::tempdir_in(folder)?,
            None => tempfile::tempdir()?,
        };
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("colleagues").enable_all().build()?;
        runtime.spawn(live(home, around, folder.path().to_owned()));
        Ok(Self { runtime: Some(runtime), _folder: folder })
    }

    /// Ends them, and waits until nothing of theirs is written any more.
    pub(crate) async fn end(mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A thread that cannot be had leaves the rest to the end of the process.
            let _ended = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(ENDING)).await;
        }
    }
}

impl Drop for Colleagues {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

// In a box: the futures of chat are deeper than the compiler looks from another crate by itself.
fn live(home: Arc<Homeserver>, around: Surroundings, folder: PathBuf) -> BoxFuture<'static, ()> {
    async move {
        if let Err(error) = living(&home, &around, &folder).await {
            tracing::warn!(%error, "the colleagues are not there");
        }
    }
    .boxed()
}

async fn living(home: &Homeserver, around: &Surroundings, folder: &Path) -> Result<(), ColleagueError> {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let recipe = recipe::conversations();
    let mut at_desks = Vec::new();
    let mut keys = BTreeMap::new();
    for script in Script::all(recipe) {
        let mut colleague = Colleague::sign_in(&script.person, &around.url, folder).await?;
        keys.insert(script.person.clone(), colleague.recovery_key().await?);
        at_desks.push((script, colleague));
    }
    let Some(user) = crate::people::people().into_iter().next() else { return Ok(()) };
    home.device_of(&user.username).await;
    let past = past(home, around, folder, &keys).await?;
    drop(keys);
    let them: BTreeSet<String> = at_desks.iter().map(|(script, _)| home.user_id(&script.person)).collect();
    let them = &them;
    let all = at_desks.into_iter().map(|(script, colleague)| {
        let past = past.clone();
        async move {
            if let Err(error) = answer::answer(colleague, script, past, them).await {
                tracing::warn!(%error, "a colleague is gone");
            }
        }
    });
    join_all(all).await;
    Ok(())
}

/// Writes what was written in the past days, with the links to cases of the record first.
async fn past(
    home: &Homeserver,
    around: &Surroundings,
    folder: &Path,
    keys: &BTreeMap<String, String>,
) -> Result<history::Past, ColleagueError> {
    let recipe = recipe::conversations();
    let found = tim::Homeserver::discover(&|_url| Some(author::http()), home.server_name()).await?;
    let mut authors = BTreeMap::new();
    for person in history::authors(recipe) {
        let key = keys.get(person).map(String::as_str);
        authors.insert(person.to_owned(), author::sign_in(&found, person, folder, key).await?);
    }
    let past = history::write(home, &authors, recipe, around.plan, &format!("{}/fhir", around.url)).await?;
    // They have said everything.
    for account in authors.into_values() {
        account.sign_out().await;
    }
    Ok(past)
}
