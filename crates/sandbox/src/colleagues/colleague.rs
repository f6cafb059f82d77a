//! [`Colleague`]: an invented person at a desk of their own, which is the whole application without its window. What is
//! done here is what a person does at the page, by the same requests.

use super::ColleagueError;
use super::browser;
use app::{Appearance, Desk, DeskOptions, Pages, Policy, WorkerProgram};
use contract::{ChatStateView, ChatView, ConversationView, Event, RecoveryView, Reply, Request, SessionView};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

/// What a desk does by itself is done in this time, also on a busy computer.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often somebody who waits for messages shows that they are there. A desk where nobody is locks.
const THERE: Duration = Duration::from_secs(60);

/// Somebody at a desk.
pub(super) struct Colleague {
    pub(super) person: String,
    desk: Desk,
    facts: Receiver<Event>,
    there: Interval,
}

impl Colleague {
    /// Opens a desk below `folder` and signs in at the platform of this address, by a browser.
    pub(super) async fn sign_in(person: &str, address: &str, folder: &Path) -> Result<Self, ColleagueError> {
        let options = DeskOptions {
            profile: folder.join("desks").join(person),
            roots: Arc::from(app::passing_roots()),
            egress: app::EgressOptions::default(),
            // They show images and decode none.
            worker: WorkerProgram::of(std::env::current_exe()?),
            pages: Pages::Link,
            policy: Policy::default(),
            appearance: Appearance::default(),
            origins: Vec::new(),
            scheme: None,
            sound: app::no_sound(),
            capture: app::test_capture(),
            look_every: app::LOOK_EVERY,
        };
        let desk = Desk::open(options).await?;
        let mut there = interval(THERE);
        there.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let facts = desk.events();
        let mut colleague = Self { person: person.to_owned(), desk, facts, there };
        colleague.asks(Request::SignIn { address: address.to_owned() }).await?;
        if let SessionView::Waiting { link, .. } = colleague.session().await? {
            browser::sign_in(&link, person).await?;
        }
        colleague.until_in_chat().await?;
        Ok(colleague)
    }

    async fn until_in_chat(&mut self) -> Result<(), ColleagueError> {
        let in_chat = async {
            loop {
                match self.chat().await?.state {
                    ChatStateView::Ready => return Ok(()),
                    ChatStateView::Stopped { failure } => return Err(failure.into()),
                    ChatStateView::Absent | ChatStateView::Connecting | ChatStateView::Offline { .. } => {}
                }
                if let SessionView::SignedOut { failure: Some(failure), .. } = self.session().await? {
                    return Err(failure.into());
                }
                self.hears().await?;
            }
        };
        timeout(PATIENCE, in_chat).await.map_err(|_elapsed| ColleagueError::Late)?
    }

    /// Makes the key that another device of theirs can be opened with, and takes note of it.
    pub(super) async fn recovery_key(&mut self) -> Result<String, ColleagueError> {
        let known = async {
            while self.chat().await?.recovery == RecoveryView::Unknown {
                self.hears().await?;
            }
            Ok::<_, ColleagueError>(())
        };
        timeout(PATIENCE, known).await.map_err(|_elapsed| ColleagueError::Late)??;
        let Reply::RecoveryKey(made) = self.asks(Request::SetUpRecovery).await? else {
            return Err(ColleagueError::Answer);
        };
        Ok(made.key)
    }

    /// Their desk, for what goes on beside everything else.
    pub(super) fn desk(&self) -> Desk {
        self.desk.clone()
    }

    /// Takes a request to its end.
    pub(super) async fn asks(&self, request: Request) -> Result<Reply, ColleagueError> {
        Ok(self.desk.call(request).await?)
    }

    async fn session(&self) -> Result<SessionView, ColleagueError> {
        let Reply::Started(start) = self.asks(Request::Start).await? else { return Err(ColleagueError::Answer) };
        Ok(start.session)
    }

    /// The list of conversations.
    pub(super) async fn chat(&self) -> Result<ChatView, ColleagueError> {
        let Reply::Chat(chat) = self.asks(Request::OpenChat).await? else { return Err(ColleagueError::Answer) };
        Ok(chat)
    }

    /// A conversation, in the place of the one before.
    pub(super) async fn opens(&self, conversation: &str) -> Result<ConversationView, ColleagueError> {
        let Reply::Conversation(view) =
            self.asks(Request::OpenConversation { conversation: conversation.to_owned() }).await?
        else {
            return Err(ColleagueError::Answer);
        };
        Ok(view)
    }

    /// Waits until chat, or who sits here, is another than before. A desk that has locked is unlocked.
    pub(super) async fn hears(&mut self) -> Result<(), ColleagueError> {
        loop {
            let fact = tokio::select! {
                fact = self.facts.recv() => fact,
                _ = self.there.tick() => {
                    // A desk that has locked says so below.
                    let _locked = self.desk.call(Request::Touch).await;
                    continue;
                }
            };
            match fact {
                Ok(Event::SessionChanged(SessionView::Locked { waiting: false, .. })) => self.unlocks().await?,
                Ok(
                    Event::SessionChanged(_)
                    | Event::ChatChanged(_)
                    | Event::ConversationChanged(_)
                    | Event::RoundsChanged(_),
                )
                | Err(RecvError::Lagged(_)) => return Ok(()),
                Ok(
                    Event::SettingsChanged(_)
                    | Event::ConnectionChanged(_)
                    | Event::TodayChanged(_)
                    | Event::PreloadChanged(_)
                    | Event::CasesChanged(_)
                    | Event::CaseChanged(_)
                    | Event::ImagesChanged(_)
                    | Event::DecisionChanged(_)
                    | Event::MessagesArrived(_)
                    | Event::ConversationWanted(_)
                    | Event::ReceivedStudyChanged(_)
                    | Event::Presented(_),
                ) => {}
                Err(RecvError::Closed) => return Err(ColleagueError::Gone),
            }
        }
    }

    async fn unlocks(&self) -> Result<(), ColleagueError> {
        self.asks(Request::Unlock).await?;
        if let SessionView::Locked { link: Some(link), .. } = self.session().await? {
            browser::sign_in(&link, &self.person).await?;
        }
        Ok(())
    }
}
