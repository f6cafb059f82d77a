//! What was done to messages and is not at the homeserver: changes, deletions, reactions.
//!
//! The library shows each of them as done from the first moment, and says nothing of one that waits or was refused. So
//! the room's queue is followed here as well, and a line says what has become of what was done to it.

use super::{Conversation, ConversationError, Sending, SendingFailed, Shared};
use crate::queue::Queues;
use matrix_sdk::Room;
use matrix_sdk::send_queue::{LocalEcho, LocalEchoContent, RoomSendQueueUpdate, SendHandle, SendRedactionHandle};
use matrix_sdk_ui::timeline::EventTimelineItem;
use ruma::{EventId, OwnedEventId, OwnedTransactionId};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

/// What reaches the homeserver in this time was never seen waiting: a line that says so for a moment would jump.
const UNSEEN: Duration = Duration::from_millis(1500);

/// Something that was done to a message and has not reached the homeserver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// What.
    pub act: Act,
    /// How far it is.
    pub sending: Sending,
}

/// What can be done to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It says something else.
    Change,
    /// It is deleted for everyone.
    Deletion,
    /// A reaction.
    Reaction,
}

/// What of the queue concerns messages that the homeserver has.
#[derive(Default)]
pub(super) struct Acts {
    queued: BTreeMap<OwnedTransactionId, Queued>,
    /// Messages of which a change was given up: the library goes on showing it.
    undone: BTreeSet<OwnedEventId>,
}

struct Queued {
    /// The message.
    of: OwnedEventId,
    act: Act,
    state: State,
    handle: Handle,
}

#[derive(Clone, Copy)]
enum State {
    OnItsWay(Instant),
    Waiting,
    Failed(SendingFailed),
}

#[derive(Clone)]
enum Handle {
    Event(SendHandle),
    Redaction { of: OwnedEventId, handle: SendRedactionHandle },
}

impl Queued {
    fn shown(&self) -> Option<Pending> {
        let sending = match self.state {
            State::OnItsWay(_) => return None,
            State::Waiting => Sending::Waiting,
            State::Failed(why) => Sending::Failed(why),
        };
        Some(Pending { act: self.act, sending })
    }
}

impl Acts {
    /// What is said at a message: what failed before what waits.
    pub(super) fn of(&self, message: &EventId) -> Option<Pending> {
        let of_it = || self.queued.values().filter(|queued| queued.of == message).filter_map(Queued::shown);
        of_it().find(|pending| matches!(pending.sending, Sending::Failed(_))).or_else(|| of_it().next())
    }

    /// Whether a change of a message was given up, and none made since.
    pub(super) fn is_undone(&self, message: &EventId) -> bool {
        self.undone.contains(message)
    }

    fn add(&mut self, id: OwnedTransactionId, queued: Queued) {
        if matches!((queued.act, &queued.handle), (Act::Change | Act::Deletion, Handle::Event(_))) {
            self.undone.remove(&queued.of);
        }
        // What was read with the whole queue may be told once more.
        self.queued.entry(id).or_insert(queued);
    }

    /// What stands behind [`Acts::of`].
    fn behind(&self, message: &EventId) -> Vec<(State, Handle)> {
        let Some(shown) = self.of(message) else { return Vec::new() };
        let same = self.queued.values().filter(|queued| queued.of == message && queued.act == shown.act);
        same.map(|queued| (queued.state, queued.handle.clone())).collect()
    }

    /// When the next of them has been on its way for so long that it is said.
    fn due(&self) -> Option<Instant> {
        let since = self.queued.values().filter_map(|queued| match queued.state {
            State::OnItsWay(since) => Some(since + UNSEEN),
            State::Waiting | State::Failed(_) => None,
        });
        since.min()
    }

    fn grow_old(&mut self) {
        let now = Instant::now();
        for queued in self.queued.values_mut() {
            if matches!(queued.state, State::OnItsWay(since) if since + UNSEEN <= now) {
                queued.state = State::Waiting;
            }
        }
    }
}

impl Shared {
    pub(super) fn acts(&self) -> MutexGuard<'_, Acts> {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Conversation {
    /// Tries again what was done to a message and not taken.
    pub(super) async fn retry_act(&self, event: &EventTimelineItem) -> Result<(), ConversationError> {
        let message = event.event_id().ok_or(ConversationError::TooLate)?;
        let behind = self.shared.acts().behind(message);
        if behind.is_empty() {
            return Err(ConversationError::TooLate);
        }
        for (state, handle) in behind {
            match handle {
                Handle::Event(handle) => {
                    handle.unwedge().await.map_err(|error| ConversationError::Failed(error.to_string()))?;
                }
                Handle::Redaction { of, handle } => self.redact_again(event, state, of, &handle).await?,
            }
        }
        self.wire.queues.look();
        Ok(())
    }

    /// The library has no way of trying a deletion again. One that was refused is tried as an empty text: the message is
    /// older than the homeserver lets it be (gemSpec_TI-M_Basis A_28358, A_25577-01).
    async fn redact_again(
        &self,
        event: &EventTimelineItem,
        state: State,
        of: OwnedEventId,
        handle: &SendRedactionHandle,
    ) -> Result<(), ConversationError> {
        let State::Failed(why) = state else { return Ok(()) };
        let given_up = handle.abort().await.map_err(|error| ConversationError::Failed(error.to_string()))?;
        if !given_up {
            return Err(ConversationError::TooLate);
        }
        match why {
            SendingFailed::NotAllowed | SendingFailed::Refused if event.event_id() == Some(&*of) => {
                self.empty(&event.identifier()).await
            }
            SendingFailed::NotAllowed | SendingFailed::Refused | SendingFailed::TooLarge | SendingFailed::Other => {
                let queued = self.room.send_queue().redact(of, None).await;
                queued.map(|_handle| ()).map_err(|error| ConversationError::Failed(error.to_string()))
            }
        }
    }

    /// Gives up what was done to a message and not taken: it is as it was.
    pub(super) async fn cancel_act(&self, event: &EventTimelineItem) -> Result<(), ConversationError> {
        let message = event.event_id().ok_or(ConversationError::TooLate)?;
        let behind = self.shared.acts().behind(message);
        let mut given_up = !behind.is_empty();
        for (_, handle) in behind {
            let aborted = match handle {
                Handle::Event(handle) => handle.abort().await,
                Handle::Redaction { handle, .. } => handle.abort().await,
            };
            given_up &= aborted.map_err(|error| ConversationError::Failed(error.to_string()))?;
        }
        self.wire.queues.look();
        if given_up { Ok(()) } else { Err(ConversationError::TooLate) }
    }

    /// A message that is deleted leaves no change behind that would reach the homeserver before it.
    pub(super) async fn give_up_changes(&self, message: &EventId) -> Result<(), ConversationError> {
        self.give_up(message, |_state| true).await
    }

    /// A change takes the place of one that was not taken.
    pub(super) async fn give_up_failed_changes(&self, message: &EventId) -> Result<(), ConversationError> {
        self.give_up(message, |state| matches!(state, State::Failed(_))).await
    }

    async fn give_up(&self, message: &EventId, which: fn(State) -> bool) -> Result<(), ConversationError> {
        let changes: Vec<Handle> = {
            let acts = self.shared.acts();
            let of_it = acts.queued.values().filter(|queued| queued.of == message && queued.act == Act::Change);
            of_it.filter(|queued| which(queued.state)).map(|queued| queued.handle.clone()).collect()
        };
        for handle in changes {
            if let Handle::Event(handle) = handle {
                handle.abort().await.map_err(|error| ConversationError::Failed(error.to_string()))?;
            }
        }
        Ok(())
    }
}

/// Follows a room's queue.
pub(super) async fn follow(room: Room, shared: Arc<Shared>, queues: Arc<Queues>) {
    let mut updates = match room.send_queue().subscribe().await {
        Ok((_read_below, updates)) => updates,
        Err(error) => {
            tracing::warn!(%error, "what becomes of changes and deletions is not known");
            return;
        }
    };
    read(&room, &shared).await;
    loop {
        let due = shared.acts().due();
        let update = tokio::select! {
            update = updates.recv() => update,
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                shared.acts().grow_old();
                shared.changed();
                continue;
            }
        };
        match update {
            Ok(update) => take(&room, &shared, &queues, update).await,
            Err(RecvError::Lagged(_)) => read(&room, &shared).await,
            Err(RecvError::Closed) => return,
        }
    }
}

/// Reads the whole queue. What it holds from before waits.
async fn read(room: &Room, shared: &Shared) {
    let echoes = match room.send_queue().subscribe().await {
        Ok((echoes, _followed)) => echoes,
        Err(error) => {
            tracing::warn!(%error, "what waits in a conversation could not be read");
            return;
        }
    };
    let mut found = BTreeMap::new();
    for echo in echoes {
        let id = echo.transaction_id.clone();
        if let Some(queued) = queued(room, echo, State::Waiting).await {
            found.insert(id, queued);
        }
    }
    let mut acts = shared.acts();
    for (id, queued) in &mut found {
        if let Some(known) = acts.queued.get(id) {
            queued.state = known.state;
        }
    }
    acts.queued = found;
    drop(acts);
    shared.changed();
}

async fn take(room: &Room, shared: &Shared, queues: &Queues, update: RoomSendQueueUpdate) {
    match update {
        RoomSendQueueUpdate::NewLocalEvent(echo) => {
            let id = echo.transaction_id.clone();
            if let Some(queued) = queued(room, echo, State::OnItsWay(Instant::now())).await {
                shared.acts().add(id, queued);
            }
        }
        RoomSendQueueUpdate::CancelledLocalEvent { transaction_id } => {
            let known = {
                let mut acts = shared.acts();
                let given_up = acts.queued.remove(&transaction_id);
                if let Some(Queued { of, act: Act::Change | Act::Deletion, handle: Handle::Event(_), .. }) = &given_up {
                    acts.undone.insert(of.clone());
                }
                given_up.is_some()
            };
            if known {
                shared.changed();
            }
        }
        RoomSendQueueUpdate::SentEvent { transaction_id, .. } => {
            let shown = shared.acts().queued.remove(&transaction_id).and_then(|queued| queued.shown());
            if shown.is_some() {
                shared.changed();
            }
        }
        RoomSendQueueUpdate::SendError { transaction_id, error, is_recoverable } => {
            let state = if is_recoverable { State::Waiting } else { State::Failed(SendingFailed::of(&error)) };
            let known = shared.acts().queued.get_mut(&transaction_id).map(|queued| queued.state = state).is_some();
            if known {
                shared.changed();
                // What is behind it goes on: it is no message whose place in the order counts.
                if !is_recoverable {
                    queues.look();
                }
            } else {
                // What was done to a message that was on its way is queued without a word.
                read(room, shared).await;
            }
        }
        RoomSendQueueUpdate::RetryEvent { transaction_id } => {
            let now = State::OnItsWay(Instant::now());
            let known = shared.acts().queued.get_mut(&transaction_id).map(|queued| queued.state = now).is_some();
            if known {
                shared.changed();
            }
        }
        RoomSendQueueUpdate::ReplacedLocalEvent { .. } | RoomSendQueueUpdate::MediaUpload { .. } => {}
    }
}

/// What of a request concerns a message that the homeserver has.
async fn queued(room: &Room, echo: LocalEcho, state: State) -> Option<Queued> {
    match echo.content {
        LocalEchoContent::Event { serialized_event, send_handle, send_error } => {
            let (content, kind) = serialized_event.raw();
            let (of, act) = done(kind, content.json().get())?;
            let state = send_error.map_or(state, |error| State::Failed(SendingFailed::of_queue(&error)));
            Some(Queued { of, act, state, handle: Handle::Event(send_handle) })
        }
        LocalEchoContent::Redaction { redacts, send_handle, send_error, .. } => {
            let (of, act) = match relation(room, &redacts).await {
                Some(Related { rel_type, event_id }) if rel_type == "m.replace" => (event_id, Act::Deletion),
                Some(Related { rel_type, event_id }) if rel_type == "m.annotation" => (event_id, Act::Reaction),
                Some(_) | None => (redacts.clone(), Act::Deletion),
            };
            let state = send_error.map_or(state, |error| State::Failed(SendingFailed::of_queue(&error)));
            Some(Queued { of, act, state, handle: Handle::Redaction { of: redacts, handle: send_handle } })
        }
        // Its message says that it waits.
        LocalEchoContent::React { .. } => None,
    }
}

#[derive(Deserialize)]
struct Content {
    #[serde(rename = "m.relates_to")]
    relates_to: Related,
    #[serde(rename = "m.new_content")]
    new_content: Option<NewContent>,
}

#[derive(Deserialize)]
struct Related {
    rel_type: String,
    event_id: OwnedEventId,
}

#[derive(Deserialize)]
struct NewContent {
    body: String,
}

/// What an event that waits does to which message; none for a message of its own.
fn done(kind: &str, content: &str) -> Option<(OwnedEventId, Act)> {
    let content: Content = serde_json::from_str(content).ok()?;
    let act = match (kind, content.relates_to.rel_type.as_str()) {
        ("m.reaction", "m.annotation") => Act::Reaction,
        ("m.room.message", "m.replace") => {
            let empty = content.new_content.is_some_and(|new| new.body.trim().is_empty());
            if empty { Act::Deletion } else { Act::Change }
        }
        _ => return None,
    };
    Some((content.relates_to.event_id, act))
}

/// To which message an event belongs that is to be deleted.
async fn relation(room: &Room, event: &EventId) -> Option<Related> {
    let (cache, _drop_handles) = room.event_cache().await.ok()?;
    let found = cache.find_event(event).await.ok()??;
    found.raw().get_field::<Content>("content").ok().flatten().map(|content| content.relates_to)
}

#[cfg(test)]
mod tests {
    use super::{Act, done};
    use serde_json::json;

    #[test]
    fn what_waits_is_known_for_what_it_does_to_a_message() {
        let replacing = |body: &str| {
            json!({
                "msgtype": "m.text", "body": format!("* {body}"), "m.new_content": { "msgtype": "m.text", "body": body },
                "m.relates_to": { "rel_type": "m.replace", "event_id": "$a:b" },
            })
        };
        let reaction = json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": "$a:b", "key": "👍" } });
        let reply =
            json!({ "msgtype": "m.text", "body": "x", "m.relates_to": { "m.in_reply_to": { "event_id": "$a:b" } } });
        let act = |kind: &str, content: &serde_json::Value| {
            done(kind, &content.to_string()).map(|(of, act)| (of.to_string(), act))
        };
        for (kind, content, wanted) in [
            ("m.room.message", replacing("x"), Some(Act::Change)),
            // gemSpec_TI-M_Basis A_25577-01.
            ("m.room.message", replacing(""), Some(Act::Deletion)),
            ("m.reaction", reaction, Some(Act::Reaction)),
            ("m.room.message", reply, None),
            ("m.room.message", json!({ "msgtype": "m.text", "body": "x" }), None),
        ] {
            assert_eq!(act(kind, &content), wanted.map(|act| ("$a:b".to_owned(), act)), "{content}");
        }
    }
}
