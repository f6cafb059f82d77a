//! Rounds that go on in this person's conversations, as far as this device knows: what sync has brought, and no question
//! to the homeserver.

use super::members::Members;
use super::wire::MEMBER;
use crate::account::Account;
use crate::person::Person;
use matrix_sdk::Room;
use matrix_sdk::deserialized_responses::RawAnySyncOrStrippedState;
use matrix_sdk::event_handler::EventHandlerDropGuard;
use matrix_sdk::ruma::events::room::member::MembershipState;
use ruma::UserId;
use ruma::events::AnySyncStateEvent;
use ruma::serde::Raw;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// A round that somebody is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The room's id.
    pub room: String,
    /// Who is in it, once each, who came first in front.
    pub people: Vec<Person>,
    /// Since when, in milliseconds of the Unix epoch, as the first of them says it.
    pub since_ms: u64,
}

impl Account {
    /// Rounds that go on now, the oldest first. They change with what [`Account::running_changes`] tells, and by their
    /// time: a membership that was not ended ends by itself.
    pub async fn running(&self) -> Vec<Running> {
        let mut running = Vec::new();
        for room in self.client.joined_rooms() {
            running.extend(of_room(&room).await);
        }
        running.sort_by(|a: &Running, b| a.since_ms.cmp(&b.since_ms).then_with(|| a.room.cmp(&b.room)));
        running
    }

    /// Tells when who is in a round, or in a conversation, may have changed.
    pub fn running_changes(&self) -> RunningChanges {
        let (changed, changes) = watch::channel(());
        let handler = self.client.add_event_handler(move |event: Raw<AnySyncStateEvent>| {
            let kind = event.get_field::<String>("type").ok().flatten();
            if kind.is_some_and(|kind| matches!(kind.as_str(), MEMBER | "m.room.member")) {
                changed.send_replace(());
            }
            std::future::ready(())
        });
        RunningChanges { changes, _handler: self.client.event_handler_drop_guard(handler) }
    }
}

/// Changes of who is in a round, for as long as somebody waits for them.
pub struct RunningChanges {
    changes: watch::Receiver<()>,
    _handler: EventHandlerDropGuard,
}

impl std::fmt::Debug for RunningChanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RunningChanges")
    }
}

impl RunningChanges {
    /// Waits for the next one; false where there is none any more.
    pub async fn happen(&mut self) -> bool {
        self.changes.changed().await.is_ok()
    }
}

async fn of_room(room: &Room) -> Option<Running> {
    let said = match room.get_state_events(MEMBER.into()).await {
        Ok(said) => said,
        Err(error) => {
            tracing::debug!(%error, "whether a round goes on could not be read");
            return None;
        }
    };
    let mut state: Vec<Value> = said.iter().filter_map(value).collect();
    // Mostly there is none.
    if state.is_empty() {
        return None;
    }
    let senders: BTreeSet<_> = state.iter().filter_map(|event| event["sender"].as_str().map(str::to_owned)).collect();
    for sender in senders {
        if is_there(room, &sender).await {
            state.push(json!({
                "type": "m.room.member", "state_key": sender, "sender": sender, "content": { "membership": "join" },
            }));
        }
    }
    let mut members = Members::default();
    members.take_all(&state);
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let found = members.now(u64::try_from(now_ms).unwrap_or(u64::MAX));
    let since_ms = found.first()?.membership.since_ms;
    let (mut people, mut seen) = (Vec::new(), BTreeSet::new());
    for one in found {
        if seen.insert(one.membership.user.clone()) {
            people.push(Person::of_member(room, &one.membership.user).await);
        }
    }
    Some(Running { room: room.room_id().to_string(), people, since_ms })
}

fn value(state: &RawAnySyncOrStrippedState) -> Option<Value> {
    match state {
        RawAnySyncOrStrippedState::Sync(event) => event.deserialize_as_unchecked().ok(),
        // Of rooms that this person is not in.
        RawAnySyncOrStrippedState::Stripped(_) => None,
    }
}

/// Whoever is not known to have left: members are not all known from the beginning.
async fn is_there(room: &Room, user: &str) -> bool {
    let Ok(user) = UserId::parse(user) else { return false };
    match room.get_member_no_sync(&user).await {
        Ok(Some(member)) => *member.membership() == MembershipState::Join,
        Ok(None) | Err(_) => true,
    }
}
