//! Where a day begins in a conversation, or what was not read, however long ago it was.

use super::{Conversation, ConversationError, PAGE};
use crate::Account;
use jiff::Timestamp;
use matrix_sdk::Room;
use matrix_sdk_ui::timeline::{TimelineEventFocusThreadMode, TimelineFocus};
use ruma::api::Direction;
use ruma::api::client::message::get_message_events;
use ruma::api::client::room::get_event_by_timestamp;
use ruma::api::error::ErrorKind;
use ruma::{EventId, MilliSecondsSinceUnixEpoch, OwnedEventId, UInt};
use std::sync::atomic::{AtomicBool, Ordering};

/// Events in one answer while a day is looked for, which is what common homeservers give at most.
const STRIDE: u32 = 1000;

impl Account {
    /// Opens a conversation around the first event at or after a moment. It does not follow what is written from now on:
    /// [`Account::conversation`] does.
    ///
    /// The homeserver is asked for the event (client-server API v1.11 §10.6.3); one that does not answer that, as behind
    /// a TI-Messenger's proxy, is asked for its events from the newest on, which takes as long as there are many.
    ///
    /// # Errors
    /// [`ConversationError::NotFound`] when nothing came after that moment, and what else [`Account::conversation`] says.
    pub async fn conversation_from(&self, id: &str, moment: Timestamp) -> Result<Conversation, ConversationError> {
        let room = self.room(id).ok_or(ConversationError::NotFound)?;
        let event = match by_timestamp(&room, moment, &self.finds_by_time).await? {
            Some(event) => event,
            None => by_paging(&room, moment).await?.ok_or(ConversationError::NotFound)?,
        };
        Conversation::open(room, self, around(event), None).await
    }

    /// Opens a conversation around the last event that was read, as [`Conversation::unread_before`] tells it. It does
    /// not follow what is written from now on: [`Account::conversation`] does.
    ///
    /// # Errors
    /// [`ConversationError::NotFound`] when the homeserver has no such event, and what else [`Account::conversation`]
    /// says.
    pub async fn conversation_unread(&self, id: &str, read_to: &str) -> Result<Conversation, ConversationError> {
        let room = self.room(id).ok_or(ConversationError::NotFound)?;
        let event = EventId::parse(read_to).map_err(|_no_id| ConversationError::NotFound)?;
        Conversation::open(room, self, around(event.clone()), Some(event)).await
    }
}

fn around(target: OwnedEventId) -> TimelineFocus {
    TimelineFocus::Event {
        target,
        num_context_events: PAGE,
        thread_mode: TimelineEventFocusThreadMode::Automatic { hide_threaded_events: false },
    }
}

/// None when the homeserver does not say it: it may not know the question, or not have such an event.
async fn by_timestamp(
    room: &Room,
    moment: Timestamp,
    knows_it: &AtomicBool,
) -> Result<Option<OwnedEventId>, ConversationError> {
    let Ok(milliseconds) = UInt::try_from(moment.as_millisecond()) else { return Ok(None) };
    if !knows_it.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let at = MilliSecondsSinceUnixEpoch(milliseconds);
    let request = get_event_by_timestamp::v1::Request::since(room.room_id().to_owned(), at);
    let error = match room.client().send(request).await {
        Ok(answer) => return Ok(Some(answer.event_id)),
        Err(error) => error,
    };
    match error.client_api_error_kind() {
        Some(ErrorKind::NotFound) => Ok(None),
        // Once is enough.
        Some(_) => {
            tracing::debug!(%error, "the homeserver does not find events by their time");
            knows_it.store(false, Ordering::Relaxed);
            Ok(None)
        }
        None if error.as_client_api_error().is_some() => {
            knows_it.store(false, Ordering::Relaxed);
            Ok(None)
        }
        None => Err(ConversationError::Failed(error.to_string())),
    }
}

async fn by_paging(room: &Room, moment: Timestamp) -> Result<Option<OwnedEventId>, ConversationError> {
    let mut found = None;
    let mut from = None;
    loop {
        let mut request = get_message_events::v3::Request::new(room.room_id().to_owned(), Direction::Backward);
        request.from = from;
        request.limit = UInt::from(STRIDE);
        let answer = room.client().send(request).await;
        let answer = answer.map_err(|error| ConversationError::Failed(error.to_string()))?;
        for event in &answer.chunk {
            let at = event.get_field::<MilliSecondsSinceUnixEpoch>("origin_server_ts").ok().flatten();
            let id = event.get_field::<OwnedEventId>("event_id").ok().flatten();
            let (Some(at), Some(id)) = (at, id) else { continue };
            if i64::from(at.0) < moment.as_millisecond() {
                return Ok(found);
            }
            found = Some(id);
        }
        // An empty page may stand before one that is not (client-server API v1.11 §10.5.3).
        match answer.end {
            Some(end) => from = Some(end),
            None => return Ok(found),
        }
    }
}
