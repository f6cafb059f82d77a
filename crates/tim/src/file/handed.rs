//! Whether the message of a file went to the send queue before the program ended.
//!
//! The library chooses transaction ids itself, so a message that is handed over a second time would be a second message.
//! What tells is the message's content: where the first part of the file lies stands in no other message. The queue is
//! looked through before it begins to send; after that the homeserver is asked for what this person has sent since.

use super::FileError;
use super::journal::{Interrupted, Interruptions};
use matrix_sdk::room::MessagesOptions;
use matrix_sdk::{Client, Room};
use matrix_sdk_base::store::QueuedRequestKind;
use ruma::uint;

/// The homeserver's clock may differ from this computer's by so many milliseconds.
const CLOCKS: i64 = 24 * 60 * 60 * 1000;
/// Of a conversation in which more was said since then the rest is not looked through.
const MOST_PAGES: usize = 20;

/// Strikes the entries whose message waits in the send queue. It has to be called before the queue sends.
pub(crate) async fn strike_queued(client: &Client, interruptions: &mut Interruptions) {
    let mut left = Vec::new();
    for file in std::mem::take(&mut interruptions.files) {
        let queued = match (client.get_room(&file.entry.room), file.entry.handed) {
            (Some(room), Some(_)) => in_queue(&room, file.entry.mark()).await,
            (None, _) | (_, None) => Ok(false),
        };
        match queued {
            Ok(true) => strike(&file).await,
            Ok(false) => left.push(file),
            Err(error) => {
                tracing::error!(%error, "what waits to be sent cannot be looked through");
                left.push(file);
            }
        }
    }
    interruptions.files = left;
}

async fn strike(file: &Interrupted) {
    if let Err(error) = file.note().strike().await {
        tracing::warn!(%error, "a file that was sent stays in the journal");
    }
}

/// Whether a message with this mark waits in the queue, or was sent after `handed` (milliseconds since 1970).
pub(super) async fn is_there(room: &Room, mark: Option<&str>, handed: i64) -> Result<bool, FileError> {
    Ok(in_queue(room, mark).await? || was_sent(room, mark, handed).await?)
}

async fn in_queue(room: &Room, mark: Option<&str>) -> Result<bool, FileError> {
    let Some(mark) = mark else { return Ok(false) };
    let client = room.client();
    let queued = client.state_store().load_send_queue_requests(room.room_id()).await;
    let queued = queued.map_err(|error| FileError::Sink(error.to_string()))?;
    Ok(queued.iter().any(|request| match &request.kind {
        QueuedRequestKind::Event { content } => content.raw().0.json().get().contains(mark),
        QueuedRequestKind::MediaUpload { .. } | QueuedRequestKind::Redaction { .. } => false,
    }))
}

async fn was_sent(room: &Room, mark: Option<&str>, handed: i64) -> Result<bool, FileError> {
    let Some(mark) = mark else { return Ok(false) };
    let own = room.own_user_id();
    let mut from = None;
    for _page in 0..MOST_PAGES {
        let mut options = MessagesOptions::backward().from(from.as_deref());
        options.limit = uint!(100);
        let page = room.messages(options).await.map_err(|error| FileError::Unreachable(error.to_string()))?;
        let found = |event: &matrix_sdk::deserialized_responses::TimelineEvent| {
            event.sender().as_deref() == Some(own) && event.raw().json().get().contains(mark)
        };
        if page.chunk.iter().any(found) {
            return Ok(true);
        }
        let earlier = |event: &matrix_sdk::deserialized_responses::TimelineEvent| {
            event.timestamp().is_some_and(|at| i64::from(at.0) + CLOCKS < handed)
        };
        if page.chunk.iter().any(earlier) || page.end.is_none() || page.chunk.is_empty() {
            return Ok(false);
        }
        from = page.end;
    }
    Ok(false)
}
