//! The loop that follows the homeserver by `/sync`.
//!
//! `Client::sync` waits a second between two answers that come close to each other; this loop does not, so that a
//! message is seen as soon as it is there.

use crate::account::SessionStore;
use crate::queue::{self, Queues};
use crate::settled::Answered;
use matrix_sdk::config::SyncSettings;
use matrix_sdk::task_monitor::{BackgroundTaskFailure, BackgroundTaskFailureReason};
use matrix_sdk::{Client, RefreshTokenError, SessionChange};
use ruma::OwnedRoomId;
use ruma::api::client::filter::{Filter, FilterDefinition};
use ruma::presence::PresenceState;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

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
    /// It answers, and this disk has no room to keep what it says. Following has ended; the account is to be restored
    /// when there is room. What was kept can be read.
    DiskFull,
    /// A part of the library ended that may not, so that nothing that comes would be shown. Following has ended; the
    /// account is to be restored, which goes on from what is on disk.
    Broken,
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
    let mut filter = FilterDefinition::with_lazy_loading();
    // Who follows is "online" for everybody who shares a room, unless it is said otherwise (gemSpec_TI-M_Basis A_25436).
    filter.presence = Filter::ignore_all();
    let settings = SyncSettings::default().filter(filter.into()).set_presence(PresenceState::Offline);
    let mut pause = FIRST_PAUSE;
    // A homeserver that has nothing to tell would hold the first answer back, and chat would seem to wait for it.
    let mut poll = Duration::ZERO;
    let mut unsettled: Option<Answered> = None;
    while *state.borrow() != SyncState::Broken {
        let settling = async {
            if let Some(answered) = unsettled.take() {
                answered.settle(&client).await;
            }
        };
        // Never cancelled: an answer is taken whole, or the next one repeats it.
        let (answered, ()) = tokio::join!(client.sync_once(settings.clone().timeout(poll)), settling);
        match answered {
            Ok(answer) => {
                unsettled = Some(Answered::of(&answer));
                // What could not be sent in the meantime is tried again by `queue::follow`.
                state.send_if_modified(|state| {
                    *state != SyncState::Broken && std::mem::replace(state, SyncState::Ready) != SyncState::Ready
                });
                (pause, poll) = (FIRST_PAUSE, LONG_POLL);
            }
            Err(error) => {
                tracing::debug!(kind = %kind(&error), "sync failed");
                if matches!(*state.borrow(), SyncState::Ended | SyncState::Broken) {
                    return;
                }
                if crate::disk::is_full(&error) {
                    // What the library holds and what is on disk differ from here on: a new start reads what is on disk.
                    state.send_replace(SyncState::DiskFull);
                    return;
                }
                // First: what is written from now on waits until it is known who has changed meanwhile.
                queue::close(&client).await;
                state.send_if_modified(|state| match state {
                    SyncState::Offline { .. } | SyncState::DiskFull | SyncState::Broken | SyncState::Ended => false,
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

/// The library's name for the part that follows threads.
const THREADS: &str = "event_cache::thread_subscriber";

/// Notices that a part of the library has ended by a fault of its own. The library catches it, tells it and begins the
/// part not again: without the one that takes new lines, every conversation would stand still and say nothing of it
/// (seen; matrix-rust-sdk #6882 tells of the same).
pub(crate) async fn watch_parts(
    mut failures: broadcast::Receiver<BackgroundTaskFailure>,
    state: watch::Sender<SyncState>,
) {
    loop {
        match failures.recv().await {
            Ok(BackgroundTaskFailure { task, reason: BackgroundTaskFailureReason::Panic { .. } }) => {
                tracing::error!(part = %task.name, "a part of chat has ended");
                state.send_replace(SyncState::Broken);
                return;
            }
            // The part that follows threads ends at once, as there are none (A_25395-02).
            Ok(BackgroundTaskFailure { task, reason: BackgroundTaskFailureReason::EarlyTermination })
                if task.name == THREADS => {}
            Ok(failure) => tracing::warn!(part = %failure.task.name, "a part of chat has failed"),
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Tries again what a homeserver could not take that answers otherwise: too many requests, or a fault of its own. A
/// room's queue stands still after each failure. When the homeserver does not answer at all, `queue::follow` does it.
pub(crate) async fn send_again(client: Client, queues: Arc<Queues>) {
    let mut failures = client.send_queue().subscribe_errors();
    let mut pauses: BTreeMap<OwnedRoomId, (Instant, Duration)> = BTreeMap::new();
    let mut waiting = JoinSet::new();
    loop {
        let failed = match failures.recv().await {
            Ok(failed) => failed,
            Err(broadcast::error::RecvError::Lagged(_)) => continue,
            Err(broadcast::error::RecvError::Closed) => return,
        };
        // Ends that are over.
        while waiting.try_join_next().is_some() {}
        if !failed.is_recoverable || !queues.is_ready() {
            continue;
        }
        let pause = match pauses.get(&failed.room_id) {
            // One failure after the other.
            Some((last, pause)) if last.elapsed() < *pause * 3 + LONG_POLL => (*pause * 2).min(LONGEST_PAUSE),
            Some(_) | None => FIRST_PAUSE,
        };
        pauses.insert(failed.room_id.clone(), (Instant::now(), pause));
        if let Some(room) = client.get_room(&failed.room_id) {
            let queues = queues.clone();
            waiting.spawn(async move {
                tokio::time::sleep(spread(pause)).await;
                while !queues.settle(&room).await {
                    tokio::time::sleep(LONGEST_PAUSE).await;
                }
            });
        }
    }
}

/// Keeps refreshed tokens at once, and notices the end of the session.
pub(crate) async fn watch_session(
    client: Client,
    state: watch::Sender<SyncState>,
    softly: Arc<AtomicBool>,
    sessions: Arc<dyn SessionStore>,
) {
    let mut changes = client.subscribe_to_session_changes();
    loop {
        match changes.recv().await {
            Ok(SessionChange::UnknownToken(unknown)) => {
                // The library says so as well when the question for new tokens was lost on the way.
                if is_over(&client).await {
                    softly.store(unknown.soft_logout, Ordering::SeqCst);
                    state.send_replace(SyncState::Ended);
                    return;
                }
            }
            Ok(SessionChange::TokensRefreshed) | Err(broadcast::error::RecvError::Lagged(_)) => {
                crate::account::keep(&client, sessions.as_ref());
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Whether the homeserver itself says that the session cannot be refreshed.
async fn is_over(client: &Client) -> bool {
    match client.matrix_auth().refresh_access_token().await {
        Ok(()) => false,
        Err(RefreshTokenError::MatrixAuth(error)) => {
            error.as_client_api_error().is_some_and(|error| matches!(error.status_code.as_u16(), 400 | 401 | 403))
        }
        Err(_) => true,
    }
}

/// Half to whole: computers of a house that lost its network do not all come back in the same instant.
fn spread(pause: Duration) -> Duration {
    pause.mul_f64(rand::Rng::random_range(&mut rand::rng(), 0.5..1.0))
}

fn kind(error: &matrix_sdk::Error) -> String {
    error.client_api_error_kind().map_or_else(|| "no answer".to_owned(), |kind| kind.errcode().to_string())
}
