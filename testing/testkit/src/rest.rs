//! How often a process gets up after a rest: what an idle program costs a battery.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::runtime::Builder;

/// What follows closer than this belongs to the same waking: a message takes several turns through store and network.
const REST: Duration = Duration::from_millis(50);

/// Counts.
#[derive(Debug)]
pub(crate) struct Rest {
    wakes: AtomicU64,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    /// Threads of the runtime that are at work.
    busy: usize,
    /// Since when none is.
    since: Instant,
}

impl Rest {
    /// Watches the threads of a runtime that is built after this.
    pub(crate) fn watched(runtime: &mut Builder) -> Arc<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        // Each of them begins at work.
        let now = Mutex::new(Now { busy: threads, since: Instant::now() });
        let rest = Arc::new(Self { wakes: AtomicU64::new(0), now });
        let (lies_down, gets_up) = (rest.clone(), rest.clone());
        runtime
            .worker_threads(threads)
            .on_thread_park(move || lies_down.lies_down())
            .on_thread_unpark(move || gets_up.gets_up());
        rest
    }

    /// How often the process got up.
    pub(crate) fn wakes(&self) -> u64 {
        self.wakes.load(Ordering::Relaxed)
    }

    fn lies_down(&self) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.busy = now.busy.saturating_sub(1);
        now.since = Instant::now();
    }

    fn gets_up(&self) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.busy == 0 && now.since.elapsed() >= REST {
            self.wakes.fetch_add(1, Ordering::Relaxed);
        }
        now.busy += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Now, REST, Rest};
    use std::{
        sync::{Mutex, atomic::AtomicU64},
        time::Instant,
    };

    #[test]
    fn turns_that_follow_each_other_are_one_waking() {
        let rest = Rest { wakes: AtomicU64::new(0), now: Mutex::new(Now { busy: 2, since: Instant::now() }) };
        rest.lies_down();
        rest.gets_up();
        assert_eq!(rest.wakes(), 0, "the other thread was at work");
        rest.lies_down();
        rest.lies_down();
        let long_ago = Instant::now().checked_sub(REST * 2).expect("the computer runs that long");
        rest.now.lock().expect("nobody panicked").since = long_ago;
        rest.gets_up();
        rest.lies_down();
        rest.gets_up();
        assert_eq!(rest.wakes(), 1, "the second turn came at once");
    }
}
