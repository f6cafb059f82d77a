//! What leaves the window when messages arrive: notices and the number beside the program's picture. Their words are the
//! page's; nothing here says what was written, or whom it is about.

use super::{Up, views};
use crate::Desk;
use contract::{ArrivalView, Event, Failure, WantedView};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tim::{Arrival, Attention};
use tokio::sync::broadcast::error::RecvError;

/// What arrives together is one notice.
const GATHER: Duration = Duration::from_millis(700);

/// What a shell shows outside its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outward {
    /// A notice of the system.
    Notice {
        /// One line.
        title: String,
        /// A second one.
        body: Option<String>,
        /// The conversation that a click opens, by [`Desk::want_conversation`].
        conversation: Option<String>,
    },
    /// How many messages are meant for the person and unread.
    Unread(u32),
}

/// Who wants quiet: the person, and each part of the program for as long as it holds a [`Quiet`].
#[derive(Debug, Default)]
pub(super) struct Quieter {
    person: bool,
    parts: Arc<AtomicUsize>,
}

impl Quieter {
    pub(super) fn holds(&self) -> bool {
        self.person || self.parts.load(Ordering::Relaxed) > 0
    }
}

/// Nothing outside the window says that messages arrive, until this is dropped.
#[derive(Debug)]
pub struct Quiet(Arc<AtomicUsize>);

impl Drop for Quiet {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Desk {
    /// What a shell shows outside its window, from now on.
    #[must_use]
    pub fn outward(&self) -> tokio::sync::broadcast::Receiver<Outward> {
        self.0.outward.subscribe()
    }

    /// A notice of this conversation was clicked.
    pub fn want_conversation(&self, conversation: String) {
        self.tell(Event::ConversationWanted(WantedView { conversation }));
    }

    /// For a part of the program during which nobody wants to be disturbed.
    #[must_use]
    pub fn quiet(&self) -> Quiet {
        let parts = self.0.chat.state().quieter.parts.clone();
        parts.fetch_add(1, Ordering::Relaxed);
        Quiet(parts)
    }

    pub(crate) async fn set_quiet(&self, quiet: bool) {
        self.0.chat.state().quieter.person = quiet;
        if let Ok(up) = self.up() {
            self.publish_list(&up).await;
        }
    }

    pub(crate) fn show_notice(&self, title: String, body: Option<String>, conversation: Option<String>) {
        self.put_outward(Outward::Notice { title, body, conversation });
    }

    pub(super) fn put_outward(&self, outward: Outward) {
        // A shell without a place for it does not listen.
        let _unheard = self.0.outward.send(outward);
    }

    pub(crate) async fn set_attention(&self, id: &str, attention: contract::Attention) -> Result<(), Failure> {
        let up = self.up()?;
        let attention = match attention {
            contract::Attention::All => Attention::All,
            contract::Attention::Mentions => Attention::Mentions,
            contract::Attention::Nothing => Attention::Nothing,
        };
        up.account.set_attention(id, attention).await.map_err(|error| super::of_account(&error))?;
        self.publish_list(&up).await;
        self.tell_open_conversation().await;
        Ok(())
    }

    /// Tells what arrives, a while of it together.
    pub(super) async fn follow_arrivals(&self, up: &Up) {
        let mut arrivals = up.account.arrivals();
        loop {
            let mut gathered: BTreeMap<String, Gathered> = BTreeMap::new();
            match arrivals.recv().await {
                // What came in quiet is not told after it.
                Ok(_) if !self.wants_notices() => continue,
                Ok(arrival) => gather(&mut gathered, arrival),
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            }
            tokio::time::sleep(GATHER).await;
            while let Ok(arrival) = arrivals.try_recv() {
                gather(&mut gathered, arrival);
            }
            for (id, gathered) in gathered {
                self.tell_arrival(up, id, &gathered);
            }
        }
    }

    /// Somebody calls to a round, which is a notice of its own unless this person wants none of that conversation.
    pub(crate) async fn tell_call(&self, up: &Up, conversation: &str, kind: tim::Kind, sender: tim::Person) {
        if !self.wants_notices() || up.account.attention(conversation).await == Attention::Nothing {
            return;
        }
        let (conversation, mention, invitation, call) = (conversation.to_owned(), false, false, true);
        let arrival =
            Arrival { conversation: conversation.clone(), kind, sender: Some(sender), mention, invitation, call };
        let gathered = Gathered { arrival, count: 1, several: false, mention };
        self.tell_arrival(up, conversation, &gathered);
    }

    fn wants_notices(&self) -> bool {
        let wanted = self.state().settings.notices;
        wanted && !self.0.chat.state().quieter.holds()
    }

    fn tell_arrival(&self, up: &Up, id: String, gathered: &Gathered) {
        let names = self.state().settings.notice_names;
        let Gathered { arrival, count, several, mention } = gathered;
        let (count, several, mention) = (*count, *several, *mention);
        if self.is_locked() {
            let invitation = arrival.invitation;
            let call = arrival.call;
            let view = ArrivalView { conversation: None, kind: None, sender: None, count, mention, invitation, call };
            self.tell(Event::MessagesArrived(view));
            return;
        }
        let cases = self.0.chat.state().cases.view(&id, &up.account.pinned(&id));
        let kind = views::kind(arrival.kind, &cases);
        // The name of a group may be anything; a person's is theirs.
        let sender = arrival.sender.as_ref().filter(|_| names && !several).map(views::sender);
        let (invitation, call) = (arrival.invitation, arrival.call);
        let (conversation, kind) = (Some(id), Some(kind));
        self.tell(Event::MessagesArrived(ArrivalView { conversation, kind, sender, count, mention, invitation, call }));
    }
}

/// What arrived in one conversation.
struct Gathered {
    arrival: Arrival,
    count: u32,
    several: bool,
    mention: bool,
}

fn gather(all: &mut BTreeMap<String, Gathered>, arrival: Arrival) {
    match all.get_mut(&arrival.conversation) {
        Some(gathered) => {
            gathered.count = gathered.count.saturating_add(1);
            gathered.mention |= arrival.mention;
            let id = |arrival: &Arrival| arrival.sender.as_ref().map(|sender| sender.id.clone());
            gathered.several |= id(&gathered.arrival) != id(&arrival);
        }
        None => {
            let (id, mention) = (arrival.conversation.clone(), arrival.mention);
            all.insert(id, Gathered { arrival, count: 1, several: false, mention });
        }
    }
}
