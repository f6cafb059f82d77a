//! The loop that follows the homeserver by `/sync`.
//!
//! `Client::sync` waits a second between two answers that come close to each other; this loop does not, so that a
//! message is seen as soon as it is there.

use crate::account::SessionStore;
use matrix_sdk::config::SyncSettings;
use matrix_sdk::{Client, SessionChange};
use ruma::api::client::filter::FilterDefinition;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{broadcast, watch};

/// How chat is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncState {
    /// The first answer is awaited.
    Connecting,
    /// The homeserver answers.
    Ready,
    /// It does not, since then. It is asked again, ever more rarely.
    Offline {
        /// Since when.
        since: SystemTime,
    },
    /// The homeserver ended the session; the person must sign in again.
    Ended,
}

/// How long a homeserver may hold its answer back when there is nothing to tell.
const LONG_POLL: Duration = Duration::from_secs(20);
/// The first pause after a failure, doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Follows the homeserver until the session ends or the task is dropped.
pub(crate) async fn follow(client: Client, state: watch::Sender<SyncState>) {
    // Without lazy loading a homeserver sends no summary of a room, and nobody's number of members is known.
    let filter = FilterDefinition::with_lazy_loading();
    let settings = SyncSettings::default().filter(filter.into());
    let mut pause = FIRST_PAUSE;
    // A homeserver that has nothing to tell would hold the first answer back, and chat would seem to wait for it.
    let mut poll = Duration::ZERO;
    loop {
        // Never cancelled: an answer is taken whole, or the next one repeats it.
        match client.sync_once(settings.clone().timeout(poll)).await {
            Ok(_) => {
                let before = state.send_replace(SyncState::Ready);
                if before != SyncState::Ready {
                    // What could not be sent in the meantime is tried again.
                    client.send_queue().set_enabled(true).await;
                }
                (pause, poll) = (FIRST_PAUSE, LONG_POLL);
            }
            Err(error) => {
                tracing::debug!(kind = %kind(&error), "sync failed");
                if *state.borrow() == SyncState::Ended {
                    return;
                }
                state.send_if_modified(|state| match state {
                    SyncState::Offline { .. } | SyncState::Ended => false,
                    SyncState::Connecting | SyncState::Ready => {
                        *state = SyncState::Offline { since: SystemTime::now() };
                        true
                    }
                });
                tokio::time::sleep(spread(pause)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                poll = Duration::ZERO;
            }
        }
    }
}

/// Keeps refreshed tokens at once, and notices the end of the session.
pub(crate) async fn watch_session(client: Client, state: watch::Sender<SyncState>, sessions: Arc<dyn SessionStore>) {
    let mut changes = client.subscribe_to_session_changes();
    loop {
        match changes.recv().await {
            Ok(SessionChange::UnknownToken(_)) => {
                state.send_replace(SyncState::Ended);
                return;
            }
            Ok(SessionChange::TokensRefreshed) | Err(broadcast::error::RecvError::Lagged(_)) => {
                crate::account::keep(&client, sessions.as_ref());
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Half to whole: computers of a house that lost its network do not all come back in the same instant.
fn spread(pause: Duration) -> Duration {
    pause.mul_f64(rand::Rng::random_range(&mut rand::rng(), 0.5..1.0))
}

fn kind(error: &matrix_sdk::Error) -> String {
    error.client_api_error_kind().map_or_else(|| "no answer".to_owned(), |kind| kind.errcode().to_string())
}
