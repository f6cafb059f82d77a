//! The open conversation, and what a person does in it.

use super::typed::typed;
use super::{Up, views};
use crate::Desk;
use contract::{ConversationView, Event, Failure, FailureCode, MessageVersionsView, NamedView, PastView};
use futures_util::{FutureExt as _, future::BoxFuture};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tim::{Attention, Conversation, ConversationError, MessageId, Splitting, Structured};
use tokio::task::AbortHandle;

/// What happens together is told together.
const GATHER: Duration = Duration::from_millis(25);

/// A conversation on the screen, and the task that tells it.
pub(super) struct Open {
    pub(super) conversation: Conversation,
    place: Place,
    /// Bytes, once the homeserver has said so.
    largest_file: OnceLock<u64>,
    task: AbortHandle,
}

/// Where a conversation is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It follows what is written.
    Now,
    /// At a day of its past.
    Day(Date),
    /// Where what was not read begins.
    Unread,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Desk {
    /// Opens a conversation in the place of the former one.
    pub(crate) fn open_conversation<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<ConversationView, Failure>> {
        async move {
            let up = self.up()?;
            self.0.chat.searching.notify_waiters();
            if let Some(open) = self.talk().filter(|open| open.conversation.id() == id && open.place == Place::Now) {
                return Ok(self.conversation_view(&open).await);
            }
            let conversation = up.account.conversation(id).await.map_err(|error| of_conversation(&error))?;
            self.put_on_the_screen(&up, conversation, Place::Now).await
        }
        .boxed()
    }

    /// Opens a conversation at a day of its past. Whoever opens or closes one meanwhile gives it up.
    pub(crate) fn open_day<'a>(
        &'a self,
        id: &'a str,
        day: &'a str,
    ) -> BoxFuture<'a, Result<ConversationView, Failure>> {
        async move {
            let up = self.up()?;
            let day: Date = day.parse().map_err(|error| Failure::new(FailureCode::InvalidInput, format!("{error}")))?;
            let begins = day.to_zoned(TimeZone::system());
            let begins =
                begins.map_err(|error| Failure::new(FailureCode::InvalidInput, error.to_string()))?.timestamp();
            let given_up = self.0.chat.searching.notified();
            let conversation = tokio::select! {
                found = up.account.conversation_from(id, begins) => found.map_err(|error| of_conversation(&error))?,
                () = given_up => return Err(Failure::new(FailureCode::NotFound, "the search was given up")),
            };
            self.put_on_the_screen(&up, conversation, Place::Day(day)).await
        }
        .boxed()
    }

    /// Opens the open conversation where what was not read begins. Whoever opens or closes one meanwhile gives it up.
    pub(crate) fn open_unread<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<ConversationView, Failure>> {
        async move {
            let up = self.up()?;
            let open = self.conversation(id)?;
            let read_to = open.conversation.unread_before();
            let read_to = read_to.ok_or_else(|| Failure::new(FailureCode::NotFound, "nothing before it is unread"))?;
            let given_up = self.0.chat.searching.notified();
            let conversation = tokio::select! {
                found = up.account.conversation_unread(id, &read_to) => found.map_err(|error| of_conversation(&error))?,
                () = given_up => return Err(Failure::new(FailureCode::NotFound, "the search was given up")),
            };
            self.put_on_the_screen(&up, conversation, Place::Unread).await
        }
        .boxed()
    }

    async fn put_on_the_screen(
        &self,
        up: &Arc<Up>,
        conversation: Conversation,
        place: Place,
    ) -> Result<ConversationView, Failure> {
        self.0.chat.state().cases.forget_checks();
        let desk = self.clone();
        let (give, given) = tokio::sync::oneshot::channel::<std::sync::Weak<Open>>();
        let task = tokio::spawn(async move {
            if let Ok(open) = given.await {
                tokio::join!(desk.tell_conversation(open.clone()), desk.learn_largest_file(open));
            }
        })
        .abort_handle();
        let open = Arc::new(Open { conversation, place, largest_file: OnceLock::new(), task });
        let view = self.conversation_view(&open).await;
        // Another conversation, or another person, may have come in between.
        if !Arc::ptr_eq(up, &self.up()?) {
            return Err(Failure::new(FailureCode::SessionEnded, "chat began anew"));
        }
        {
            let mut chat = self.0.chat.state();
            (chat.open, chat.reopen) = (Some(open.clone()), None);
        }
        let _task_lives = give.send(Arc::downgrade(&open));
        Ok(view)
    }

    pub(crate) fn close_conversation(&self) {
        self.0.chat.searching.notify_waiters();
        let mut chat = self.0.chat.state();
        (chat.open, chat.reopen) = (None, None);
    }

    /// The id of the conversation that is open, unless it is in its past.
    pub(super) fn followed(&self) -> Option<String> {
        self.talk().filter(|open| open.place == Place::Now).map(|open| open.conversation.id())
    }

    fn talk(&self) -> Option<Arc<Open>> {
        self.0.chat.state().open.clone()
    }

    pub(super) fn conversation(&self, id: &str) -> Result<Arc<Open>, Failure> {
        self.up()?;
        let open = self.talk().filter(|open| open.conversation.id() == id);
        open.ok_or_else(|| Failure::new(FailureCode::NotFound, "the conversation is not open"))
    }

    async fn tell_conversation(&self, open: std::sync::Weak<Open>) {
        let Some(mut changes) = open.upgrade().map(|open| open.conversation.changes()) else { return };
        while changes.changed().await.is_ok() {
            tokio::time::sleep(GATHER).await;
            let Some(open) = open.upgrade() else { return };
            self.tell_now(&open).await;
        }
    }

    /// So that a person hears of a limit before sending. Without an answer the limit is told when a file is begun.
    async fn learn_largest_file(&self, open: std::sync::Weak<Open>) {
        let Some(asking) = open.upgrade().map(|open| open.conversation.largest_file(Splitting::default())) else {
            return;
        };
        let Ok(largest) = asking.await else { return };
        let Some(open) = open.upgrade() else { return };
        if open.largest_file.set(largest).is_ok() {
            self.tell_now(&open).await;
        }
    }

    pub(super) async fn tell_now(&self, open: &Open) {
        let view = self.conversation_view(open).await;
        self.tell(Event::ConversationChanged(view));
    }

    async fn conversation_view(&self, open: &Open) -> ConversationView {
        let id = open.conversation.id();
        let (draft, cases, outgoing) = {
            let chat = self.0.chat.state();
            let cases = chat.cases.view(&id, &open.conversation.pinned());
            (chat.drafts.get(&id).cloned(), cases, chat.files.views(&id))
        };
        let attention = match self.up() {
            Ok(up) => up.account.attention(&id).await,
            // Chat has just ended; nothing of it is told any more.
            Err(_ended) => Attention::default(),
        };
        let pinned = open.conversation.pinned();
        let forms = |said: &Structured| self.form_context(&id, &pinned, said);
        let mut view = views::conversation(&open.conversation, draft, cases, attention, &forms).await;
        let day = match open.place {
            Place::Now | Place::Unread => None,
            Place::Day(day) => Some(day.to_string()),
        };
        view.past = open.conversation.later().map(|later| PastView { day, later: views::beyond(later) });
        view.outgoing = outgoing;
        view.largest_file = open.largest_file.get().copied();
        view
    }

    /// What is known of the open conversation's case has changed.
    pub(super) async fn tell_open_conversation(&self) {
        if let Some(open) = self.talk() {
            self.tell_now(&open).await;
        }
    }

    pub(crate) fn load_earlier(&self, id: &str) -> Result<(), Failure> {
        self.conversation(id)?.conversation.load_earlier();
        Ok(())
    }

    pub(crate) fn load_later(&self, id: &str) -> Result<(), Failure> {
        self.conversation(id)?.conversation.load_later();
        Ok(())
    }

    pub(crate) async fn send_message(
        &self,
        id: &str,
        text: String,
        named: &[NamedView],
        reply_to: Option<&str>,
    ) -> Result<(), Failure> {
        let open = self.conversation(id)?;
        let typed = typed(text, named)?;
        open.conversation.send(typed, reply_to).await.map_err(|error| of_conversation(&error))
    }

    pub(crate) async fn edit_message(
        &self,
        id: &str,
        message: String,
        text: String,
        named: &[NamedView],
    ) -> Result<(), Failure> {
        let open = self.conversation(id)?;
        let typed = typed(text, named)?;
        open.conversation.edit(&MessageId(message), typed).await.map_err(|error| of_conversation(&error))
    }

    pub(crate) async fn redact_message(&self, id: &str, message: String) -> Result<(), Failure> {
        let open = self.conversation(id)?;
        open.conversation.redact(&MessageId(message)).await.map_err(|error| of_conversation(&error))
    }

    pub(crate) async fn toggle_reaction(&self, id: &str, message: String, key: &str) -> Result<(), Failure> {
        let open = self.conversation(id)?;
        open.conversation.toggle_reaction(&MessageId(message), key).await.map_err(|error| of_conversation(&error))
    }

    pub(crate) async fn retry_message(&self, id: &str, message: String) -> Result<(), Failure> {
        let open = self.conversation(id)?;
        open.conversation.retry(&MessageId(message)).await.map_err(|error| of_conversation(&error))
    }

    pub(crate) async fn cancel_message(&self, id: &str, message: String) -> Result<(), Failure> {
        let open = self.conversation(id)?;
        open.conversation.cancel(&MessageId(message)).await.map_err(|error| of_conversation(&error))
    }

    pub(crate) fn open_versions<'a>(
        &'a self,
        id: &'a str,
        message: String,
    ) -> BoxFuture<'a, Result<MessageVersionsView, Failure>> {
        async move {
            let open = self.conversation(id)?;
            let versions = open.conversation.versions(&MessageId(message)).await;
            let versions = versions.map_err(|error| of_conversation(&error))?;
            Ok(views::versions(&versions, &open.conversation).await)
        }
        .boxed()
    }

    pub(crate) async fn mark_read(&self, id: &str) -> Result<(), Failure> {
        let open = self.conversation(id)?;
        // Who looks at the past has not read what is new.
        if open.place != Place::Now {
            return Ok(());
        }
        open.conversation.mark_read().await.map_err(|error| of_conversation(&error))
    }

    pub(crate) async fn set_typing(&self, id: &str, typing: bool) -> Result<(), Failure> {
        self.conversation(id)?.conversation.set_typing(typing).await;
        Ok(())
    }

    pub(crate) async fn join_conversation(&self, id: &str) -> Result<(), Failure> {
        self.up()?.account.join(id).await.map_err(|error| super::of_account(&error))
    }

    pub(crate) async fn leave_conversation(&self, id: &str) -> Result<(), Failure> {
        let up = self.up()?;
        if self.talk().is_some_and(|open| open.conversation.id() == id) {
            self.close_conversation();
        }
        up.account.leave(id).await.map_err(|error| super::of_account(&error))
    }

    /// Keeps what was typed, sealed with the conversation.
    pub(crate) async fn keep_message_draft(&self, id: &str, text: String, named: &[NamedView]) -> Result<(), Failure> {
        let up = self.up()?;
        let typed = typed(text, named)?;
        up.account.keep_draft(id, typed.clone()).await.map_err(|error| super::of_account(&error))?;
        let mut chat = self.0.chat.state();
        if typed.text.is_empty() {
            chat.drafts.remove(id);
        } else {
            chat.drafts.insert(id.to_owned(), typed);
        }
        Ok(())
    }

    pub(super) async fn load_drafts(&self, up: &Up) {
        let drafts = up.account.drafts().await;
        self.0.chat.state().drafts = drafts;
    }
}

pub(super) fn of_conversation(error: &ConversationError) -> Failure {
    let code = match error {
        ConversationError::NotFound => FailureCode::NotFound,
        ConversationError::EncryptionUnknown => FailureCode::PlatformUnreachable,
        ConversationError::IdentityChanged => FailureCode::IdentityChanged,
        ConversationError::NotEncrypted | ConversationError::NotAllowed => FailureCode::NotAllowed,
        ConversationError::Empty | ConversationError::Naming | ConversationError::Reaction => FailureCode::InvalidInput,
        ConversationError::TooLong => FailureCode::MessageTooLong,
        ConversationError::TooLate => FailureCode::Conflict,
        ConversationError::DiskFull => FailureCode::DiskFull,
        ConversationError::Failed(_) => FailureCode::PlatformFailed,
    };
    Failure::new(code, error.to_string())
}
