//! The desk behind the window. It opens while the page loads; the keyring may wait for a person.

use app::{Appearance, Desk, DeskOptions, Pages, Policy, WorkerProgram};
use contract::{Failure, Request};
use std::{path::PathBuf, sync::Arc};
use tauri::{AppHandle, Emitter, Manager as _};
use tokio::sync::{Notify, watch};

/// The page's origin on this system, and the scheme's address as the page writes it. Both ways of bulk bytes are open to
/// this origin only.
#[cfg(not(any(windows, target_os = "android")))]
const PAGE: (&str, &str) = ("tauri://localhost", "bulk://localhost");
#[cfg(any(windows, target_os = "android"))]
const PAGE: (&str, &str) = ("http://tauri.localhost", "http://bulk.localhost");

/// The desk once it is open, or why it is not.
#[derive(Clone)]
pub(crate) struct DeskSlot {
    opened: watch::Receiver<Option<Result<Desk, Failure>>>,
    again: Arc<Notify>,
}

impl DeskSlot {
    /// Opens the desk in the background and passes its facts to the page.
    pub(crate) fn open(
        app: AppHandle,
        profile: PathBuf,
        policy: Policy,
        appearance: Appearance,
        ca: Vec<PathBuf>,
    ) -> Self {
        let (tell, opened) = watch::channel(None);
        let again = Arc::new(Notify::new());
        let asked = again.clone();
        tauri::async_runtime::spawn(async move {
            loop {
                match open(profile.clone(), policy.clone(), appearance, &ca).await {
                    Ok(desk) => {
                        serve(&app, &desk);
                        tell.send_replace(Some(Ok(desk)));
                        break;
                    }
                    Err(failure) => {
                        tell.send_replace(Some(Err(failure)));
                        asked.notified().await;
                        tell.send_replace(None);
                    }
                }
            }
            // The receiver outlives this task only as long as the sender does.
            tell.closed().await;
        });
        Self { opened, again }
    }

    /// The desk that takes a request. A start after one that failed opens it again: meanwhile the keyring may be
    /// unlocked, or the other program closed.
    pub(crate) async fn desk_for(&self, request: &Request) -> Result<Desk, Failure> {
        let mut opened = self.opened.clone();
        if matches!(request, Request::Start) && opened.borrow_and_update().as_ref().is_some_and(Result::is_err) {
            self.again.notify_one();
            if opened.changed().await.is_err() {
                return Err(internal());
            }
        }
        self.desk().await
    }

    /// Waits until it is open.
    pub(crate) async fn desk(&self) -> Result<Desk, Failure> {
        let mut opened = self.opened.clone();
        match opened.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or_else(|| Err(internal())),
            Err(_closed) => Err(internal()),
        }
    }
}

/// Connects an open desk with what is around the window.
fn serve(app: &AppHandle, desk: &Desk) {
    match app.path().download_dir() {
        Ok(downloads) => desk.saves_into(downloads),
        Err(error) => tracing::warn!(%error, "this system names no folder for downloads"),
    }
    crate::outward::follow(app.clone(), desk);
    pass_on(app.clone(), desk);
}

fn internal() -> Failure {
    Failure::new(contract::FailureCode::Internal, "the desk is gone")
}

async fn open(profile: PathBuf, policy: Policy, appearance: Appearance, ca: &[PathBuf]) -> Result<Desk, Failure> {
    if let Err(error) = app::log::start(&profile) {
        return Err(Failure::new(contract::FailureCode::Internal, error.to_string()));
    }
    let roots = tokio::task::spawn_blocking(app::system_roots)
        .await
        .map_err(|error| Failure::new(contract::FailureCode::Internal, error.to_string()))??;
    let program =
        std::env::current_exe().map_err(|error| Failure::new(contract::FailureCode::Internal, error.to_string()))?;
    let (origin, scheme) = PAGE;
    let options = DeskOptions {
        profile,
        roots: Arc::from(roots),
        egress: app::egress_options(ca)?,
        worker: WorkerProgram::of(program),
        pages: Pages::Browser,
        policy,
        appearance,
        origins: vec![origin.to_owned()],
        scheme: Some(scheme.to_owned()),
        sound: app::system_sound(),
        capture: app::system_capture(),
        look_every: app::LOOK_EVERY,
    };
    Desk::open(options).await.map_err(|error| error.failure())
}

fn pass_on(app: AppHandle, desk: &Desk) {
    let mut events = desk.events();
    tauri::async_runtime::spawn(async move {
        loop {
            match events.recv().await {
                Ok(event) => {
                    if let Err(error) = app.emit("desk", event) {
                        tracing::warn!(%error, "a fact did not reach the page");
                    }
                }
                // Facts carry whole views: the next one makes up for those that were missed.
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    });
}
