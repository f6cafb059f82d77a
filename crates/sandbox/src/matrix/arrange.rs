//! What whoever runs the homeserver may arrange, as an administrator's interface offers it elsewhere: who sits in a
//! room from the start, and when a past was.

use super::Homeserver;
use super::membership::{Change, change};
use super::room::Membership;
use jiff::Timestamp;

impl Homeserver {
    /// Waits until somebody has a device that can read encrypted messages.
    pub(crate) async fn device_of(&self, username: &str) {
        let user = self.user_id(username);
        let mut news = self.news.subscribe();
        loop {
            let there = self.read().accounts.get(&user).is_some_and(|account| {
                account.devices.values().any(|device| device.keys.is_some()) && account.cross.contains_key("master_key")
            });
            if there || news.changed().await.is_err() {
                return;
            }
        }
    }

    /// Makes somebody a member of a room without being asked; its creator is who invites.
    pub(crate) fn seat(&self, room: &str, username: &str) {
        let user = self.user_id(username);
        let now = self.event_time();
        self.change(|state| {
            let Some(founder) = state
                .rooms
                .get(room)
                .and_then(|room| room.state("m.room.create", "").map(|event| event.sender.clone()))
            else {
                return;
            };
            for (by, membership) in [(founder.as_str(), Membership::Invite), (user.as_str(), Membership::Join)] {
                let content = state.member_content(&user, membership);
                if let Err(refusal) = change(state, Change { by, room, target: &user, content }, now) {
                    tracing::warn!(?refusal, "somebody could not be seated");
                    return;
                }
            }
        });
    }

    /// Whether somebody is in a room.
    pub(crate) fn is_member(&self, room: &str, username: &str) -> bool {
        let user = self.user_id(username);
        self.read().rooms.get(room).is_some_and(|room| room.membership(&user) == Some(Membership::Join))
    }

    /// What is sent from here on is dated so; with nothing, it is dated when it comes.
    pub(crate) fn stamp(&self, time: Option<Timestamp>) {
        *self.stamp.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = time;
    }

    /// The time that events get.
    pub(super) fn event_time(&self) -> Timestamp {
        let stamp = *self.stamp.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        stamp.unwrap_or_else(|| self.clock.now())
    }
}
