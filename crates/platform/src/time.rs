//! [`Time`]: the clock and the pause as arguments, so that a test moves the one and skips the other.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use jiff::Timestamp;

type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where "now" and "wait" come from.
#[derive(Clone)]
pub struct Time {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    wait: Arc<dyn Fn(Duration) -> Pause + Send + Sync>,
}

impl Time {
    /// The computer's clock, and real pauses.
    #[must_use]
    pub fn system() -> Self {
        Self { now: Arc::new(Timestamp::now), wait: Arc::new(|pause| Box::pin(tokio::time::sleep(pause))) }
    }

    /// The same pauses with another clock.
    #[must_use]
    pub fn with_now(mut self, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.now = Arc::new(now);
        self
    }

    /// The same clock with other pauses.
    #[must_use]
    pub fn with_wait<F>(mut self, wait: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.wait = Arc::new(move |pause| Box::pin(wait(pause)));
        self
    }

    /// The time of day.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Waits.
    pub(crate) async fn wait(&self, pause: Duration) {
        (self.wait)(pause).await;
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Time")
    }
}
