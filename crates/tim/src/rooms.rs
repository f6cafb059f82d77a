//! Beginning conversations, in the form that TIM servers take (gemSpec_TI-M_Basis A_25814-01, A_26338-02, A_25481;
//! the reference client's request).

use crate::account::{Account, AccountError, of_sdk};
use crate::list::has_own_name;
use matrix_sdk::Room;
use ruma::api::client::room::create_room::v3::{CreationContent, Request, RoomPreset};
use ruma::events::AnyInitialStateEvent;
use ruma::serde::Raw;
use ruma::{OwnedUserId, RoomVersionId, UserId};
use serde_json::{Value, json};
use std::sync::PoisonError;
use std::time::Duration;

/// How long a new room is awaited.
const ECHO: Duration = Duration::from_secs(5);

/// The type of a room for talking.
const ROOM_TYPE: &str = "de.gematik.tim.roomtype.default.v1";

/// The name that a room bears beside the standard one.
const OWN_NAME: &str = "de.gematik.tim.room.name";

/// A conversation to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewConversation<'a> {
    /// With one person, by user id.
    Direct(&'a str),
    /// With several, under a name. A name is not encrypted: it never names a patient.
    Group {
        /// Its name.
        name: &'a str,
    },
}

impl Account {
    /// Begins a conversation, end-to-end encrypted from its first event. Gives the room's id.
    ///
    /// # Errors
    /// [`AccountError`] when the homeserver refuses or does not answer.
    pub async fn begin(&self, new: NewConversation<'_>) -> Result<String, AccountError> {
        let (invite, name) = match new {
            NewConversation::Direct(user) => (vec![person(user)?], None),
            NewConversation::Group { name } => (Vec::new(), Some(name)),
        };
        let mut creation = CreationContent::new();
        creation.room_type = Some(ROOM_TYPE.into());
        let mut request = Request::new();
        request.preset = Some(RoomPreset::PrivateChat);
        // A homeserver's own default may be a version that TIM servers refuse to make.
        request.room_version = Some(RoomVersionId::V10);
        request.creation_content = Some(raw(&creation)?);
        request.is_direct = !invite.is_empty();
        request.invite = invite.clone();
        request.initial_state = initial_state(name).iter().map(initial).collect::<Result<_, _>>()?;
        request.power_level_content_override = Some(
            raw(&json!({ "events": { "org.matrix.msc3401.call.member": 0, "m.room.encryption": 100 } }))?
                .cast_unchecked(),
        );
        let room = self.client.create_room(request).await.map_err(|error| of_sdk(&error))?;
        if let [person] = invite.as_slice() {
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            begun.insert(person.clone(), room.room_id().to_owned());
        }
        if !invite.is_empty() {
            // Else a verification would begin a conversation of its own.
            room.set_is_direct(true).await.map_err(|error| of_sdk(&error))?;
        }
        // Until the sync brings it, the room has no name and is in no list; a busy homeserver brings its name later than
        // the room. A sync that hangs keeps nobody from writing.
        let whole = async {
            let room = self.client.await_room_remote_echo(room.room_id()).await;
            let mut changes = room.subscribe_info();
            while name.is_some() && room.name().is_none() && changes.next().await.is_some() {}
        };
        if tokio::time::timeout(ECHO, whole).await.is_err() {
            tracing::debug!("a room that was begun has not come by the sync");
        }
        Ok(room.room_id().to_string())
    }

    /// Asks one more person to come.
    ///
    /// # Errors
    /// [`AccountError`]; the homeserver does not say why it refuses.
    pub async fn invite(&self, room: &str, user: &str) -> Result<(), AccountError> {
        let room: Room = self.room(room).ok_or_else(|| AccountError::Refused("M_NOT_FOUND".to_owned()))?;
        room.invite_user_by_id(&person(user)?).await.map_err(|error| of_sdk(&error))
    }

    /// Sends somebody away.
    ///
    /// # Errors
    /// [`AccountError`] when the homeserver refuses or does not answer.
    pub async fn remove(&self, room: &str, user: &str) -> Result<(), AccountError> {
        let room: Room = self.room(room).ok_or_else(|| AccountError::Refused("M_NOT_FOUND".to_owned()))?;
        room.kick_user(&person(user)?, None).await.map_err(|error| of_sdk(&error))
    }

    /// Gives a group another name. A name is not encrypted: it never names a patient.
    ///
    /// # Errors
    /// As [`Account::remove`].
    pub async fn rename(&self, room: &str, name: &str) -> Result<(), AccountError> {
        let room: Room = self.room(room).ok_or_else(|| AccountError::Refused("M_NOT_FOUND".to_owned()))?;
        // Both names, as in the beginning (gemSpec_TI-M_Basis A_26338-02).
        if has_own_name(&room) {
            let own = room.send_state_event_raw(OWN_NAME, "", json!({ "name": name })).await;
            own.map_err(|error| of_sdk(&error))?;
        }
        room.set_name(name.to_owned()).await.map_err(|error| of_sdk(&error))?;
        Ok(())
    }
}

fn person(user: &str) -> Result<OwnedUserId, AccountError> {
    UserId::parse(user).map_err(|_error| AccountError::Refused("M_INVALID_PARAM".to_owned()))
}

fn raw<T: serde::Serialize>(value: &T) -> Result<Raw<T>, AccountError> {
    Raw::new(value).map_err(|error| AccountError::Store(error.to_string()))
}

fn initial(state: &Value) -> Result<Raw<AnyInitialStateEvent>, AccountError> {
    Ok(raw(state)?.cast_unchecked())
}

/// Encryption first: a room without it never exists, not for a moment.
fn initial_state(name: Option<&str>) -> Vec<Value> {
    let state = |kind: &str, content: Value| json!({ "type": kind, "state_key": "", "content": content });
    let mut all = vec![
        state("m.room.encryption", json!({ "algorithm": "m.megolm.v1.aes-sha2" })),
        state("m.room.history_visibility", json!({ "history_visibility": "invited" })),
        state("de.gematik.tim.room.default.v1", json!({})),
    ];
    // Both names, the same value: older programs read the one, newer ones the other.
    if let Some(name) = name {
        all.push(state(OWN_NAME, json!({ "name": name })));
        all.push(state("m.room.name", json!({ "name": name })));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::initial_state;

    #[test]
    fn a_room_is_encrypted_from_its_first_state_and_bears_both_names() {
        let state = initial_state(Some("Lungenteam"));
        assert_eq!(state[0]["type"], "m.room.encryption", "first of all");
        assert_eq!(state[1]["content"]["history_visibility"], "invited", "as TIM wants it");
        let names: Vec<_> = state.iter().filter(|s| s["content"]["name"] == "Lungenteam").map(|s| &s["type"]).collect();
        assert_eq!(names, ["de.gematik.tim.room.name", "m.room.name"], "both, with the same value");
        assert_eq!(initial_state(None).len(), 3, "a conversation with one person has no name");
    }
}
