//! The platform's clock, which a test may put forward, and the board's time zone.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use tokio::sync::watch;

/// The system's clock and how far it was put forward. Clones share the offset.
///
/// Tokens and sessions expire by this clock, so that a test sees an expiry without waiting for it.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<watch::Sender<i64>>);

impl Clock {
    /// The system's time, not put forward.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// The time that the platform believes in.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(*self.0.borrow());
        Timestamp::now().saturating_add(ahead).expect("a signed duration has no calendar units")
    }

    /// Tells when it is put forward.
    pub(crate) fn moves(&self) -> watch::Receiver<i64> {
        self.0.subscribe()
    }

    /// Puts the clock forward.
    pub fn advance(&self, seconds: i64) {
        self.0.send_modify(|ahead| *ahead = ahead.saturating_add(seconds));
    }
}

/// Europe/Berlin by the rule in force since 1996, so that the platform's times do not depend on a
/// time zone database being installed.
#[must_use]
pub fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("the rule is a valid POSIX time zone")
}
