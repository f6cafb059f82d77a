//! The application without a window: one [`Desk`] takes every [`contract::Request`], answers with a
//! [`contract::Reply`] and tells facts as [`contract::Event`]s that carry whole view models.
//!
//! Start reading here: [`Desk`] (who is at the desk and what they may ask), [`record`] (from FHIR to
//! view models), [`images`] (from DICOMweb through the decode workers to the bulk pipe), [`decision`]
//! (draft, merge, signature). [`worker`] and [`log`] are what every shell's `main` needs beside it.
//!
//! # Invariants
//! - Nothing here knows a window, JavaScript or Tauri.
//! - View models are made here and nowhere else.
//! - Whatever a person typed is in the vault's journal before `SaveDraft` is answered.
//! - No log line holds anything of the record: ids of ours, codes and counts only.

// The futures of chat are deep.
#![recursion_limit = "256"]

mod around;
mod cases;
mod chat;
pub mod decision;
mod decisions;
mod desk;
mod documents;
pub mod door;
mod failures;
pub mod images;
pub mod log;
mod loopback;
mod machine;
mod measurements;
mod newer;
mod preload;
pub mod record;
pub mod round;
mod session;
mod settings;
mod shelf;
mod tasks;
mod text_blocks;
mod today;
#[cfg(test)]
mod validator;
pub mod worker;

pub use chat::{FileDoor, Outward, Quiet, Serve};
pub use desk::{Appearance, Desk, DeskOptions, OpenDeskError, Pages, Policy};
pub use images::{BulkServer, BulkSession, WorkerProgram};
pub use machine::egress_options;
pub use newer::LOOK_EVERY;
pub use platform::egress::EgressOptions;

use std::sync::Arc;

/// This computer's microphones and speakers.
#[must_use]
pub fn system_sound() -> Arc<dyn sound::System> {
    sound::system::own()
}

/// No microphone and no speaker.
#[must_use]
pub fn no_sound() -> Arc<dyn sound::System> {
    Arc::new(sound::memory::Memory::default())
}

/// This computer's cameras, screens and windows.
#[must_use]
pub fn system_capture() -> Arc<dyn capture::System> {
    capture::system::own()
}

/// A camera that shows the test picture, and no screen.
#[must_use]
pub fn test_capture() -> Arc<dyn capture::System> {
    let memory = capture::memory::Memory::default();
    memory.plug("test picture", None);
    Arc::new(memory)
}

/// The roots of this system's keyring. Blocks for a round trip to it.
///
/// # Errors
/// [`contract::FailureCode::KeyringUnavailable`] when there is none.
pub fn system_roots() -> Result<Box<dyn vault::RootKeyStore + Send + Sync>, contract::Failure> {
    match vault::KeyringRoot::system() {
        Ok(roots) => Ok(Box::new(roots)),
        Err(error) => Err(contract::Failure::new(contract::FailureCode::KeyringUnavailable, error.to_string())),
    }
}

/// Roots that live as long as the process: nobody opens such a profile again.
#[must_use]
pub fn passing_roots() -> Box<dyn vault::RootKeyStore + Send + Sync> {
    Box::new(vault::MemoryRoots::default())
}
