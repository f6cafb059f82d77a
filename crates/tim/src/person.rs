//! A person in a conversation.

use crate::name::clean;
use matrix_sdk::Room;
use matrix_sdk_ui::timeline::{Profile, TimelineDetails};
use ruma::UserId;

/// A person in a conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Matrix user id.
    pub id: String,
    /// The name as the homeserver gives it, cleaned; the local part of the id where there is none.
    pub name: String,
    /// Whether it is the signed-in person.
    pub own: bool,
    /// Whether somebody else in the conversation has the same name.
    pub ambiguous: bool,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person([not shown])")
    }
}

impl Person {
    pub(crate) fn new(id: &UserId, name: Option<&str>, ambiguous: bool, own: &UserId) -> Self {
        let name = name.map(clean).filter(|name| !name.is_empty()).unwrap_or_else(|| id.localpart().to_owned());
        Self { id: id.to_string(), name, own: id == own, ambiguous }
    }

    /// With the profile that a timeline has.
    pub(crate) fn of_profile(id: &UserId, profile: &TimelineDetails<Profile>, own: &UserId) -> Self {
        match profile {
            TimelineDetails::Ready(profile) => {
                Self::new(id, profile.display_name.as_deref(), profile.display_name_ambiguous, own)
            }
            TimelineDetails::Unavailable | TimelineDetails::Pending | TimelineDetails::Error(_) => {
                Self::new(id, None, false, own)
            }
        }
    }

    /// With what this device knows of the room's members, without asking the homeserver.
    pub(crate) async fn of_member(room: &Room, id: &UserId) -> Self {
        let own = room.own_user_id();
        match room.get_member_no_sync(id).await {
            Ok(Some(member)) => Self::new(id, member.display_name(), member.name_ambiguous(), own),
            Ok(None) | Err(_) => Self::new(id, None, false, own),
        }
    }
}
