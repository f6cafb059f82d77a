//! The sound system of the computer that the program runs on.

use crate::device::System;
use std::sync::Arc;

#[cfg(not(target_os = "linux"))]
mod cpal;
#[cfg(target_os = "linux")]
pub mod pulse;

/// This computer's.
#[must_use]
pub fn own() -> Arc<dyn System> {
    #[cfg(target_os = "linux")]
    return Arc::new(pulse::Pulse::default());
    #[cfg(not(target_os = "linux"))]
    return Arc::new(cpal::Cpal);
}
