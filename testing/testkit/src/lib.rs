#![doc = include_str!("../README.md")]
//!
//! [`Platform`] answers, [`DeskKit`] and [`AccountKit`] ask, [`browser`] signs in, [`phi`] watches the log. [`Detour`],
//! [`PlatformProcess`], [`SmallDisk`] and [`BadLine`] make what goes wrong; [`tim`] is a TI-Messenger's proxy. A test's own
//! executable calls [`main`] and so becomes each of them.

// The futures of chat are deep.
#![recursion_limit = "256"]

mod account;
mod account_process;
mod bad_line;
pub mod browser;
mod desk;
mod desk_process;
mod detour;
mod fhir;
pub mod misbehaving;
pub mod phi;
mod platform;
mod platform_process;
mod rest;
mod roots;
mod small_disk;
pub mod tim;

pub use account::{AccountKit, AccountPlace};
pub use account_process::{ACCOUNT, Act, Answer, Came, Said, Spent};
pub use bad_line::{BadLine, Condition, Passed};
pub use desk::{DeskKit, DeskPlace, Seen, find_in_files};
pub use desk_process::{CAMERA, Fetched, Happening, MICROPHONE, WINDOW};
pub use detour::{Detour, Spoiled};
pub use fhir::FhirDoor;
pub use platform::Platform;
pub use platform_process::{PlatformProcess, lasting_port};
pub use small_disk::SmallDisk;

use std::process::ExitCode;

/// Time after which something awaited counts as not coming. Long, because a slow computer is no fault.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(90);

/// The test program: `account`, `desk`, `platform`, `browser URL`, a decode worker of either kind, or what the shipped program does without a window.
#[must_use]
pub fn main() -> ExitCode {
    let first = std::env::args().nth(1).unwrap_or_default();
    let done = match first.as_str() {
        ACCOUNT => account_process::main(),
        "browser" => browser::main(),
        "desk" => desk_process::main(),
        "platform" => platform_process::main(),
        app::worker::ARGUMENT => app::worker::main().map_err(Into::into),
        misbehaving::ARGUMENT => misbehaving::main().map_err(Into::into),
        word if app::door::is_command(word) => return app::door::main(),
        _ => return app::door::main(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(_said_by_the_exit_code) => ExitCode::FAILURE,
    }
}
