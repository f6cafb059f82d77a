//! The whole program without its window, and its clients one by one, against a platform, by topic.
//!
//! What holds on every platform is listed in `on_each_platform!` and runs twice; `KONSIL_SERVERS` names the servers of
//! the second time. The other tests need no platform, or one whose clock they move.

// The futures of chat are deep.
#![recursion_limit = "256"]

mod client;
mod demonstration;
mod platforms;
mod program;
mod servers;

mod cases;
mod chat;
mod decision;
mod faults;
mod images;
mod marks;
mod network;
mod offline;
mod profile;
mod rounds;
mod session;
mod tasks;

mod archive;
mod chromium;
mod pictures;
mod provider;
mod records;
mod searches;

mod bulk;
mod door;
mod levers;
mod newer;
mod part10;
mod peculiarities;
mod preload;

use contract::{Failure, FailureCode, Reply};
use tempfile::TempDir;
use testkit::{DeskKit, DeskPlace, Platform};

/// The demonstration's user: moderates and may sign.
const MODERATOR: &str = "dr-falkenried";
/// Writes decisions and signs none.
const COORDINATOR: &str = "taubengruen";

/// A place of the test's own; the folder lives as long as the first value.
fn place() -> (TempDir, DeskPlace) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = DeskPlace::under(env!("CARGO_BIN_EXE_konsil-test"), folder.path());
    (folder, place)
}

async fn opened(place: &DeskPlace, user: &str) -> DeskKit {
    DeskKit::open(place, user).await.expect("the desk opens")
}

/// A desk at which `user` is signed in at the shared platform.
async fn at_work(user: &str) -> (TempDir, DeskKit) {
    at_work_on(Platform::shared(), user).await
}

/// A desk at which `user` is signed in at `platform`.
async fn at_work_on(platform: &Platform, user: &str) -> (TempDir, DeskKit) {
    let (folder, place) = place();
    let desk = opened(&place, user).await;
    desk.sign_in(&platform.url).await.expect("the person may sign in");
    (folder, desk)
}

fn code(answer: &Result<Reply, Failure>) -> Option<FailureCode> {
    answer.as_ref().err().map(|failure| failure.code)
}

/// The demonstration's recipe of a patient, the independent source of what a case must show.
fn recipe(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("the recipe is JSON")
}
