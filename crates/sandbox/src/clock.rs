//! The platform's clock, which a test may put forward, and the board's time zone.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The system's clock and how far it was put forward. Clones share the offset.
///
/// Tokens and sessions expire by this clock, so that a test sees an expiry without waiting for it.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// The system's time, not put forward.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// The time that the platform believes in.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.0.load(Ordering::SeqCst));
        Timestamp::now().saturating_add(ahead).expect("a signed duration has no calendar units")
    }

    /// Puts the clock forward.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// Europe/Berlin by the rule in force since 1996, so that the platform's times do not depend on a
/// time zone database being installed.
#[must_use]
pub fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("the rule is a valid POSIX time zone")
}
