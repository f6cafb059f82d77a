//! What a message said before it was changed.

use super::lines::{Body, is_forged, said};
use super::{Conversation, ConversationError, MessageId};
use crate::list::moment;
use crate::text::Block;
use jiff::Timestamp;
use matrix_sdk::deserialized_responses::TimelineEvent;
use matrix_sdk::room::{IncludeRelations, RelationsOptions};
use ruma::api::Direction;
use ruma::events::relation::RelationType;
use ruma::events::room::message::{MessageType, OriginalSyncRoomMessageEvent, Relation};
use ruma::events::{AnySyncMessageLikeEvent, AnySyncTimelineEvent, SyncMessageLikeEvent};

/// Answers that are read at most: a message that was changed more often than this is somebody's play.
const MOST_PAGES: usize = 20;

/// A text that a message had.
#[derive(Clone, PartialEq, Eq)]
pub struct Version {
    /// Since when, as the homeserver says.
    pub at: Timestamp,
    /// What it said.
    pub blocks: Vec<Block>,
}

impl std::fmt::Debug for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Version([not shown])")
    }
}

impl Conversation {
    /// What a message has said so far, oldest first. What was changed by anybody but its author, or cannot be decrypted
    /// here, is left out.
    ///
    /// # Errors
    /// [`ConversationError::NotFound`] for what the homeserver does not have, [`ConversationError::Failed`] when it does
    /// not answer.
    pub async fn versions(&self, message: &MessageId) -> Result<Vec<Version>, ConversationError> {
        let item = self.event(message)?;
        let id = item.event_id().ok_or(ConversationError::NotFound)?;
        let failed = |error: matrix_sdk::Error| ConversationError::Failed(error.to_string());
        let original = self.room.load_or_fetch_event(id, None).await.map_err(failed)?;
        let Some(first) = written(&original) else { return Ok(Vec::new()) };
        let mut versions: Vec<Version> = version(&first, &first.content.msgtype).into_iter().collect();
        let mut from = None;
        for _ in 0..MOST_PAGES {
            let options = RelationsOptions {
                from,
                dir: Direction::Forward,
                limit: Some(ruma::uint!(100)),
                include_relations: IncludeRelations::RelationsOfType(RelationType::Replacement),
                ..RelationsOptions::default()
            };
            let found = self.room.relations(id.to_owned(), options).await.map_err(failed)?;
            for change in found.chunk.iter().filter_map(written).filter(|change| change.sender == first.sender) {
                if let Some(Relation::Replacement(new)) = &change.content.relates_to {
                    versions.extend(version(&change, &new.new_content.msgtype));
                }
            }
            from = found.next_batch_token;
            if from.is_none() {
                break;
            }
        }
        versions.sort_by_key(|version| version.at);
        Ok(versions)
    }
}

fn written(event: &TimelineEvent) -> Option<OriginalSyncRoomMessageEvent> {
    if is_forged(event.encryption_info().map(AsRef::as_ref)) {
        return None;
    }
    match event.raw().deserialize().ok()? {
        AnySyncTimelineEvent::MessageLike(AnySyncMessageLikeEvent::RoomMessage(SyncMessageLikeEvent::Original(
            event,
        ))) => Some(event),
        AnySyncTimelineEvent::MessageLike(_) | AnySyncTimelineEvent::State(_) => None,
    }
}

fn version(event: &OriginalSyncRoomMessageEvent, said_then: &MessageType) -> Option<Version> {
    match said(said_then, None) {
        Body::Text { blocks, .. } | Body::Emote(blocks) => Some(Version { at: moment(event.origin_server_ts), blocks }),
        Body::File { .. }
        | Body::Form(_)
        | Body::Redacted { .. }
        | Body::Undecryptable(_)
        | Body::Repeated
        | Body::Unsupported { .. } => None,
    }
}
