//! What a person does in a conversation.

use super::lines::is_young;
use super::{Conversation, MessageId};
use crate::clock;
use crate::sync::SyncState;
use crate::typed::Typed;
use matrix_sdk::deserialized_responses::TimelineEvent;
use matrix_sdk::room::edit::EditedContent;
use matrix_sdk::room::reply::{EnforceThread, Reply};
use matrix_sdk::room::{IncludeRelations, RelationsOptions};
use matrix_sdk_ui::timeline::{self, EventTimelineItem, TimelineEventItemId, TimelineItem};
use ruma::api::client::receipt::create_receipt::v3::ReceiptType;
use ruma::events::Mentions;
use ruma::events::relation::RelationType;
use ruma::events::room::message::{
    AddMentions, ReplacementMetadata, RoomMessageEventContent, RoomMessageEventContentWithoutRelation,
};
use ruma::{EventId, OwnedEventId, OwnedUserId};
use std::sync::Arc;
use std::time::Duration;

/// An encrypted event has 64 KiB at most; its text is written in base64 and stands beside keys.
pub(crate) const LONGEST_TEXT: usize = 32 * 1024;
/// How long a deletion waits to learn what else there is to delete: the person waits for it.
const ANSWER: Duration = Duration::from_secs(5);

/// Why something could not be done in a conversation.
#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    /// No such conversation, or no such message in it.
    #[error("there is no such conversation or message")]
    NotFound,
    /// Whether it is encrypted could not be learned, so nothing was sent.
    #[error("it is not known whether the conversation is encrypted")]
    EncryptionUnknown,
    /// Somebody's identity has changed, and the person has not decided yet.
    #[error("the identity of somebody in the conversation has changed")]
    IdentityChanged,
    /// It is not encrypted and not public.
    #[error("the conversation is not encrypted")]
    NotEncrypted,
    /// This person may not do it here.
    #[error("it is not for this person to do")]
    NotAllowed,
    /// Nothing was typed.
    #[error("there is no text")]
    Empty,
    /// The text is longer than a message may be.
    #[error("the text is too long")]
    TooLong,
    /// Whoever is named does not stand in the text, or is no Matrix user.
    #[error("somebody who is named cannot be")]
    Naming,
    /// A reaction that is not one emoji.
    #[error("a reaction is one emoji")]
    Reaction,
    /// The message is not in a state that allows it.
    #[error("the message cannot be changed any more")]
    TooLate,
    /// No space to keep it until it is sent.
    #[error("no space to keep it")]
    DiskFull,
    /// This device or the homeserver refused.
    #[error("it could not be done: {0}")]
    Failed(String),
}

impl From<timeline::Error> for ConversationError {
    fn from(error: timeline::Error) -> Self {
        if crate::disk::is_full(&error) { Self::DiskFull } else { Self::Failed(error.to_string()) }
    }
}

impl Conversation {
    /// Sends a text. It is on disk when this returns, and goes out as soon as the homeserver answers.
    ///
    /// # Errors
    /// [`ConversationError`]; nothing is sent then.
    pub async fn send(&self, text: impl Into<Typed>, reply_to: Option<&str>) -> Result<(), ConversationError> {
        let content = self.written(&text.into()).await?;
        match reply_to {
            None => {
                self.timeline().send(RoomMessageEventContent::from(content).into()).await?;
            }
            Some(event) => {
                let event = EventId::parse(event).map_err(|_error| ConversationError::NotFound)?;
                // TIM has no threads (gemSpec_TI-M_Basis A_25395-02), and another program may have begun one.
                let reply = Reply {
                    event_id: event,
                    enforce_thread: EnforceThread::Unthreaded,
                    add_mentions: AddMentions::Yes,
                };
                let content = self.room.make_reply_event(content, reply).await;
                let content = content.map_err(|error| ConversationError::Failed(error.to_string()))?;
                self.timeline().send(content.into()).await?;
            }
        }
        Ok(())
    }

    /// Changes an own message. Whom it named before is named still and does not hear of it again.
    ///
    /// # Errors
    /// [`ConversationError`]; the message is unchanged then.
    pub async fn edit(&self, message: &MessageId, text: impl Into<Typed>) -> Result<(), ConversationError> {
        let content = self.written(&text.into()).await?;
        let event = self.event(message)?;
        if !event.is_editable() {
            return Err(ConversationError::NotAllowed);
        }
        let before = self.named_before(&event);
        let content = content.add_mentions(before.silent());
        if let Some(id) = event.event_id() {
            self.give_up_failed_changes(id).await?;
        }
        match event.identifier() {
            TimelineEventItemId::EventId(id) => {
                // By hand: the library compares with what was written first, and would tell people at each change.
                let content = content.make_replacement(ReplacementMetadata::new(id, before.mentions));
                self.timeline().send(content.into()).await?;
            }
            id @ TimelineEventItemId::TransactionId(_) => {
                self.timeline().edit(&id, EditedContent::RoomMessage(content)).await?;
            }
        }
        Ok(())
    }

    /// The content of a message that says it.
    async fn written(&self, typed: &Typed) -> Result<RoomMessageEventContentWithoutRelation, ConversationError> {
        let own = self.room.own_user_id();
        let content = typed.content(own)?;
        self.check_encryption().await?;
        // Others would not be told, and a homeserver does not refuse it.
        if content.mentions.as_ref().is_some_and(|mentions| mentions.room) && !self.loud().await.has(own.as_str()) {
            return Err(ConversationError::NotAllowed);
        }
        Ok(content)
    }

    /// Deletes a message for everyone, with all its changes (gemSpec_TI-M_Basis A_28355). One that is older than a day
    /// becomes an empty text instead, since no redaction of it is taken (A_28358, A_25577-01). One that the homeserver
    /// does not have yet is given up.
    ///
    /// # Errors
    /// [`ConversationError`].
    pub async fn redact(&self, message: &MessageId) -> Result<(), ConversationError> {
        let event = self.event(message)?;
        if let Some(id) = event.event_id() {
            self.give_up_changes(id).await?;
        }
        let now = clock::now(*self.clock.borrow());
        match event.identifier() {
            TimelineEventItemId::EventId(id) if is_young(&event, now) => {
                let edited = event.content().as_message().is_some_and(|message| message.is_edited());
                let edits = if edited { self.edits_of(&id).await } else { Vec::new() };
                for event in edits.into_iter().chain([id]) {
                    // By the queue: it waits for the network like a message.
                    let queued = self.room.send_queue().redact(event, None).await;
                    queued.map_err(|error| ConversationError::Failed(error.to_string()))?;
                }
                Ok(())
            }
            id @ TimelineEventItemId::EventId(_) => self.empty(&id).await,
            TimelineEventItemId::TransactionId(_) => self.cancel(message).await,
        }
    }

    /// Puts an empty text in the place of a message.
    pub(super) async fn empty(&self, message: &TimelineEventItemId) -> Result<(), ConversationError> {
        self.check_encryption().await?;
        let nothing = RoomMessageEventContentWithoutRelation::text_plain("").add_mentions(Mentions::new());
        self.timeline().edit(message, EditedContent::RoomMessage(nothing)).await?;
        Ok(())
    }

    /// The own changes of a message. Without an answer there are none: the message itself is deleted all the same.
    async fn edits_of(&self, event: &EventId) -> Vec<OwnedEventId> {
        let options = RelationsOptions {
            include_relations: IncludeRelations::RelationsOfType(RelationType::Replacement),
            limit: Some(ruma::uint!(100)),
            ..RelationsOptions::default()
        };
        match tokio::time::timeout(ANSWER, self.room.relations(event.to_owned(), options)).await {
            Ok(Ok(found)) => {
                let own = self.room.own_user_id();
                let mine = |event: &&TimelineEvent| {
                    event.raw().get_field::<OwnedUserId>("sender").ok().flatten().is_some_and(|sender| sender == own)
                };
                found.chunk.iter().filter(mine).filter_map(TimelineEvent::event_id).collect()
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "changes of a deleted message stay at the homeserver");
                Vec::new()
            }
            Err(_elapsed) => {
                tracing::warn!("changes of a deleted message stay at the homeserver: no answer in time");
                Vec::new()
            }
        }
    }

    /// Adds a reaction, or takes it back.
    ///
    /// # Errors
    /// [`ConversationError::Reaction`] for anything but one emoji (gemSpec_TI-M_Basis A_26227-01).
    pub async fn toggle_reaction(&self, message: &MessageId, key: &str) -> Result<(), ConversationError> {
        if !is_one_emoji(key) {
            return Err(ConversationError::Reaction);
        }
        let id = self.event(message)?.identifier();
        self.timeline().toggle_reaction(&id, key).await?;
        Ok(())
    }

    /// Tries a message again that was not taken, or what was done to one.
    ///
    /// # Errors
    /// [`ConversationError::TooLate`] when the homeserver has it by now.
    pub async fn retry(&self, message: &MessageId) -> Result<(), ConversationError> {
        self.check_identities().await?;
        let event = self.event(message)?;
        let Some(handle) = event.local_echo_send_handle() else { return self.retry_act(&event).await };
        handle.unwedge().await.map_err(|error| ConversationError::Failed(error.to_string()))?;
        self.wire.queues.look();
        Ok(())
    }

    /// Gives up a message that the homeserver does not have yet, or what was done to one: that is then as it was.
    ///
    /// # Errors
    /// [`ConversationError::TooLate`] when it has it by now.
    pub async fn cancel(&self, message: &MessageId) -> Result<(), ConversationError> {
        let event = self.event(message)?;
        let Some(handle) = event.local_echo_send_handle() else { return self.cancel_act(&event).await };
        let aborted = handle.abort().await.map_err(|error| ConversationError::Failed(error.to_string()))?;
        // The message that could not go held up those behind it.
        self.wire.queues.look();
        if aborted { Ok(()) } else { Err(ConversationError::TooLate) }
    }

    /// Everything up to the last line was read. Others are told only if the person wants it (gemSpec_TI-M_Basis
    /// A_25436: off by default).
    ///
    /// # Errors
    /// [`ConversationError::Failed`] when the homeserver did not take it.
    pub async fn mark_read(&self) -> Result<(), ConversationError> {
        let read = if self.signals().receipts { ReceiptType::Read } else { ReceiptType::ReadPrivate };
        {
            let mut read = self.shared.read();
            read.is_seen = true;
            read.is_over |= *self.follows.borrow() == SyncState::Ready;
        }
        let failed = |error: matrix_sdk::Error| ConversationError::Failed(error.to_string());
        self.timeline().mark_as_read(read).await.map_err(failed)?;
        // The last event may be one without a line, such as a reaction: a mark there would be before no line.
        let last = self.shared.items().iter().rev().find_map(|item| super::event_of(item).map(ToOwned::to_owned));
        if let Some(last) = last {
            self.timeline().send_single_receipt(ReceiptType::FullyRead, last).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Tells the others that this person is writing, or no longer. Nobody is told unless the person wants it
    /// (gemSpec_TI-M_Basis A_25436).
    pub async fn set_typing(&self, typing: bool) {
        if !self.signals().typing {
            return;
        }
        if let Err(error) = self.room.typing_notice(typing).await {
            tracing::debug!(%error, "nobody was told who is writing");
        }
    }

    /// Nothing leaves in clear, nor to somebody who may be somebody else: a room whose encryption cannot be learned gets
    /// nothing.
    pub(crate) async fn check_encryption(&self) -> Result<(), ConversationError> {
        let state = self.room.latest_encryption_state().await.map_err(|_error| ConversationError::EncryptionUnknown)?;
        if state.is_unknown() {
            Err(ConversationError::EncryptionUnknown)
        } else if !state.is_encrypted() && !self.is_open_to_everyone() {
            Err(ConversationError::NotEncrypted)
        } else {
            self.check_identities().await
        }
    }

    /// TIM allows clear text in public rooms only (gemSpec_TI-M_Basis A_25324-01).
    fn is_open_to_everyone(&self) -> bool {
        matches!(self.room.join_rule(), Some(ruma::room::JoinRule::Public))
    }

    pub(super) fn event(&self, message: &MessageId) -> Result<EventTimelineItem, ConversationError> {
        let item: Option<Arc<TimelineItem>> = self.item(message);
        item.and_then(|item| item.as_event().cloned()).ok_or(ConversationError::NotFound)
    }
}

/// One emoji of Unicode, with its skin tone and whatever else is joined to it. The TIM proxy takes no digit, not even
/// within one.
fn is_one_emoji(key: &str) -> bool {
    emojis::get(key).is_some() && !key.contains(|c: char| c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::is_one_emoji;

    #[test]
    fn a_reaction_is_one_emoji_and_no_word() {
        for key in ["👍", "👍🏽", "❤️", "❤", "👩‍⚕️", "🇩🇪", "✅", "👀"] {
            assert!(is_one_emoji(key), "{key} is one");
        }
        for key in [
            "",
            "ok",
            "1",
            "1️⃣",
            "+1",
            "👍 👍",
            "👍👍",
            "❤️🙏",
            "———",
            "…",
            "€",
            "\u{1F3FD}\u{1F3FD}",
            "\u{200D}",
            "a👍",
            ":-)",
        ] {
            assert!(!is_one_emoji(key), "{key:?} is none");
        }
    }
}
