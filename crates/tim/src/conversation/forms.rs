//! Structured messages on their way out.

use super::{Body, Conversation, ConversationError, Line, MessageId};
use crate::case::CaseLink;
use crate::form::{Answer, Form, Structured, written};
use ruma::events::AnyMessageLikeEventContent;
use ruma::serde::Raw;
use ruma::{EventId, OwnedEventId};

impl Conversation {
    /// Sends a structured message about a case. The text is for programs that do not know the form. It is on disk when
    /// this returns, and goes out as soon as the homeserver answers.
    ///
    /// # Errors
    /// [`ConversationError`]; nothing is sent then. [`ConversationError::NotEncrypted`] also where a text might go.
    pub async fn send_form(&self, form: &Form, case: Option<&CaseLink>, text: &str) -> Result<(), ConversationError> {
        self.enqueue(form, case, text, None).await
    }

    /// Answers a structured message of somebody else.
    ///
    /// # Errors
    /// [`ConversationError`]; nothing is sent then. [`ConversationError::NotFound`] where there is nothing to answer.
    pub async fn answer_form(&self, message: &MessageId, answer: Answer, text: &str) -> Result<(), ConversationError> {
        let (event, asked) = self.form(message).ok_or(ConversationError::NotFound)?;
        let to = asked.form.kind().ok_or(ConversationError::NotFound)?;
        self.enqueue(&Form::Answer { to, answer }, asked.case.as_ref(), text, Some(&event)).await
    }

    /// The structured message behind a line, and its event's id.
    fn form(&self, message: &MessageId) -> Option<(OwnedEventId, Structured)> {
        self.lines().into_iter().find_map(|line| match line {
            Line::Message(line) if line.id == *message => match line.body {
                Body::Form(form) if !matches!(form.form, Form::Answer { .. }) => {
                    Some((EventId::parse(line.event?).ok()?, *form))
                }
                Body::Form(_)
                | Body::Text { .. }
                | Body::Emote(_)
                | Body::File { .. }
                | Body::Redacted { .. }
                | Body::Undecryptable(_)
                | Body::Repeated
                | Body::Unsupported { .. } => None,
            },
            Line::Message(_) | Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => None,
        })
    }

    async fn enqueue(
        &self,
        form: &Form,
        case: Option<&CaseLink>,
        text: &str,
        answers: Option<&EventId>,
    ) -> Result<(), ConversationError> {
        self.check_encryption().await?;
        if !self.room.encryption_state().is_encrypted() {
            return Err(ConversationError::NotEncrypted);
        }
        let content = written(form, case, text, answers).ok_or(ConversationError::TooLong)?;
        let raw = Raw::new(&content).map_err(|error| ConversationError::Failed(error.to_string()))?;
        let raw: Raw<AnyMessageLikeEventContent> = raw.cast_unchecked();
        let queued = self.room.send_queue().send_raw(raw, "m.room.message".to_owned()).await;
        queued.map(|_handle| ()).map_err(|error| ConversationError::Failed(error.to_string()))
    }
}
