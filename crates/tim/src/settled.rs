//! Up to which answer of the homeserver every line is on this disk.
//!
//! The library keeps the token of an answer first and writes its lines afterwards, in a task of its own. A program that
//! ends in between goes on after the token at its next start: the lines never come again, and nothing marks the gap. So
//! the token is kept a second time when the lines are written, and a start goes on from there. What then comes twice is
//! one line all the same, since an event is known by its id.

use matrix_sdk::Client;
use matrix_sdk::sync::SyncResponse;
use matrix_sdk_base::{StateStoreDataKey, StateStoreDataValue};
use ruma::{OwnedEventId, OwnedRoomId};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

const KEY: &[u8] = b"de.konsil.settled";
/// How long lines may take to be written. Later answers try again.
const PATIENCE: Duration = Duration::from_secs(10);

/// An answer whose lines may not be on disk yet.
#[derive(Debug)]
pub(crate) struct Answered {
    token: String,
    // The last line of each conversation that has new ones.
    lines: Vec<(OwnedRoomId, OwnedEventId)>,
}

impl Answered {
    pub(crate) fn of(answer: &SyncResponse) -> Self {
        let joined = answer.rooms.joined.iter().map(|(room, update)| (room, &update.timeline));
        let left = answer.rooms.left.iter().map(|(room, update)| (room, &update.timeline));
        let last = joined.chain(left).filter_map(|(room, timeline)| {
            let event = timeline.events.iter().rev().find_map(|event| event.event_id())?;
            Some((room.clone(), event))
        });
        Self { token: answer.next_batch.clone(), lines: last.collect() }
    }

    /// Waits until its lines are written, and keeps its token.
    pub(crate) async fn settle(self, client: &Client) {
        match tokio::time::timeout(PATIENCE, written(client, &self.lines)).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(_elapsed) => {
                tracing::warn!("lines of an answer were not written in time");
                return;
            }
        }
        if let Err(error) = client.state_store().set_custom_value_no_read(KEY, self.token.into_bytes()).await {
            tracing::warn!(%error, "up to where all is written could not be kept");
        }
    }
}

/// False when nobody writes any more.
async fn written(client: &Client, lines: &[(OwnedRoomId, OwnedEventId)]) -> bool {
    let mut updates = client.event_cache().subscribe_to_room_generic_updates();
    for (room, event) in lines {
        let Some(room) = client.get_room(room) else { continue };
        let Ok((cache, _drop_handles)) = room.event_cache().await else { continue };
        // Found means written: who looks waits for who writes.
        while !matches!(cache.find_event(event).await, Ok(Some(_))) {
            if matches!(updates.recv().await, Err(RecvError::Closed)) {
                return false;
            }
        }
    }
    true
}

/// Before a session begins: it goes on from the last answer whose lines are all written.
pub(crate) async fn go_back(client: &Client) {
    let store = client.state_store();
    let token = match store.get_custom_value(KEY).await {
        Ok(Some(token)) => String::from_utf8(token).ok(),
        Ok(None) => None,
        Err(error) => {
            tracing::warn!(%error, "up to where all is written could not be read");
            None
        }
    };
    let Some(token) = token else { return };
    let kept = store.set_kv_data(StateStoreDataKey::SyncToken, StateStoreDataValue::SyncToken(token)).await;
    if let Err(error) = kept {
        tracing::warn!(%error, "chat goes on where the library thinks it was");
    }
}
