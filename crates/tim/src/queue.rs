//! When what waits in a room may be sent.
//!
//! A room's queue is closed from the start and as long as there is no network, and the library's own ways of opening all
//! of them at once are not used: somebody's identity may have changed while this program did not run or had no network,
//! and what waits would be sent to whoever made the new one. It is opened once an answer of the homeserver has told who
//! has changed, and as long as nobody has.

use crate::sync::SyncState;
use futures_util::{FutureExt as _, StreamExt as _};
use matrix_sdk::{Client, Room, RoomMemberships, RoomState};
use matrix_sdk_base::crypto::IdentityState;
use ruma::OwnedRoomId;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// How long a homeserver is left alone that did not say who is in a room.
const AGAIN: Duration = Duration::from_secs(5);

/// The queues of an account.
pub(crate) struct Queues {
    state: watch::Receiver<SyncState>,
    /// Rooms whose conversations are open, and how often: what is written there goes at once.
    open: Mutex<BTreeMap<OwnedRoomId, usize>>,
    again: Notify,
}

/// A room whose conversation is open, until it is dropped.
pub(crate) struct Entered {
    queues: Arc<Queues>,
    room: OwnedRoomId,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut open = self.queues.rooms();
        match open.get_mut(&self.room) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(open.remove(&self.room)),
        }
    }
}

impl Queues {
    pub(crate) fn new(state: watch::Receiver<SyncState>) -> Arc<Self> {
        Arc::new(Self { state, open: Mutex::default(), again: Notify::new() })
    }

    /// A conversation is opened.
    pub(crate) fn enter(self: &Arc<Self>, room: &Room) -> Entered {
        let room = room.room_id().to_owned();
        *self.rooms().entry(room.clone()).or_default() += 1;
        self.look();
        Entered { queues: self.clone(), room }
    }

    /// Something may be sent that could not be sent before, or no longer.
    pub(crate) fn look(&self) {
        self.again.notify_one();
    }

    fn rooms(&self) -> MutexGuard<'_, BTreeMap<OwnedRoomId, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the homeserver answers.
    pub(crate) fn is_ready(&self) -> bool {
        *self.state.borrow() == SyncState::Ready
    }

    /// Opens a room's queue if nobody in it has changed, and closes it otherwise. False when it could not be learned who
    /// is in it; the queue stays as it is.
    pub(crate) async fn settle(&self, room: &Room) -> bool {
        match is_held(room).await {
            Ok(true) => {
                set(room, false);
                true
            }
            Ok(false) => {
                if self.is_ready() {
                    set(room, true);
                }
                true
            }
            Err(error) => {
                tracing::debug!(%error, "who is in a room is not known");
                false
            }
        }
    }

    /// Settles the queues of open conversations and those in which something waits. False when it could not be learned
    /// of one who is in its room.
    async fn settle_all(&self, client: &Client) -> bool {
        let (mut rooms, mut settled): (BTreeSet<OwnedRoomId>, bool) = (self.rooms().keys().cloned().collect(), true);
        match client.state_store().load_rooms_with_unsent_requests().await {
            Ok(waiting) => rooms.extend(waiting),
            Err(error) => {
                tracing::warn!(%error, "which messages wait to be sent is not known");
                settled = false;
            }
        }
        for room in rooms.iter().filter_map(|room| client.get_room(room)) {
            settled &= self.settle(&room).await;
        }
        settled
    }
}

/// Closes the queues that there are, and those that will be made.
pub(crate) async fn close(client: &Client) {
    client.send_queue().set_enabled(false).await;
}

/// Follows the homeserver and the identities of people.
pub(crate) async fn follow(client: Client, queues: Arc<Queues>) {
    let mut state = queues.state.clone();
    let identities = match client.encryption().user_identities_stream().await {
        Ok(identities) => identities.map(drop).left_stream(),
        Err(error) => {
            tracing::warn!(%error, "a changed identity is noticed late");
            futures_util::stream::pending().right_stream()
        }
    };
    let mut identities = pin!(identities);
    loop {
        let ready = *state.borrow_and_update() == SyncState::Ready;
        let settled = !ready || queues.settle_all(&client).await;
        tokio::select! {
            () = tokio::time::sleep(AGAIN), if !settled => {}
            () = queues.again.notified() => {}
            identity = identities.next() => if identity.is_none() { return },
            changed = state.changed() => if changed.is_err() { return },
        }
    }
}

/// Opens or closes a room's queue.
pub(crate) fn set(room: &Room, open: bool) {
    let queue = room.send_queue();
    if queue.is_enabled() != open {
        queue.set_enabled(open);
    }
}

/// Whether somebody in a room has changed and nothing is decided about them yet.
///
/// # Errors
/// When it cannot be learned now who is in it.
pub(crate) async fn is_held(room: &Room) -> Result<bool, matrix_sdk::Error> {
    if room.state() != RoomState::Joined {
        return Ok(false);
    }
    // The library's stream takes a room whose people it cannot learn for an empty one.
    room.members(RoomMemberships::ACTIVE).await?;
    let mut changes = Box::pin(room.subscribe_to_identity_status_changes().await?);
    let so_far = changes.next().now_or_never().flatten();
    Ok(so_far.into_iter().flatten().any(|change| match change.changed_to {
        IdentityState::PinViolation | IdentityState::VerificationViolation => true,
        IdentityState::Pinned | IdentityState::Verified => false,
    }))
}
