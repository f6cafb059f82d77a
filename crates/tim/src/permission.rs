//! Who may invite this person: the permission configuration of the TI-Messenger (gemSpec_TI-M_Pro A_26389), kept as
//! account data, judged by the homeserver (A_26021-01) and here once more (A_25046).

use crate::account::{Account, AccountError, of_sdk};
use crate::insurance::Insurances;
use matrix_sdk::{Client, Room, RoomState};
use ruma::events::{AnyGlobalAccountDataEventContent, GlobalAccountDataEventType};
use ruma::serde::Raw;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::broadcast;

const KIND: &str = "de.gematik.tim.account.permissionconfig.pro.v1";
/// The one group that the TI-Messenger knows.
const INSURED: &str = "isInsuredPerson";

/// Whom the exceptions are from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Everybody {
    /// Everybody may invite, except those who are named.
    #[default]
    Allowed,
    /// Nobody may, except those who are named.
    Blocked,
}

/// Who may invite this person. Exceptions invert what holds for everybody.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// What holds for those who are not named.
    pub everybody: Everybody,
    /// Matrix user ids.
    pub users: BTreeSet<String>,
    /// Server names.
    pub servers: BTreeSet<String>,
    /// Insured people, who are patients.
    pub insured: bool,
    // Groups that this version does not know are written back as they were.
    groups: BTreeSet<String>,
}

impl std::fmt::Debug for Permissions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permissions").field("everybody", &self.everybody).finish_non_exhaustive()
    }
}

impl Permissions {
    /// None when it is no permission configuration.
    fn read(content: &Value) -> Option<Self> {
        let everybody = match content["defaultSetting"].as_str()? {
            "allow all" => Everybody::Allowed,
            "block all" => Everybody::Blocked,
            _ => return None,
        };
        let keys =
            |member: &str| content[member].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
        // The schema does not say which, so servers write objects and the reference client writes texts.
        let group = |one: &Value| one.as_str().or_else(|| one["groupName"].as_str()).map(str::to_owned);
        let mut groups: BTreeSet<String> =
            content["groupExceptions"].as_array().into_iter().flatten().filter_map(group).collect();
        let insured = groups.remove(INSURED);
        Some(Self { everybody, users: keys("userExceptions"), servers: keys("serverExceptions"), insured, groups })
    }

    fn write(&self) -> Value {
        let keyed = |names: &BTreeSet<String>| -> Map<String, Value> {
            names.iter().map(|name| (name.clone(), json!({}))).collect()
        };
        let insured = self.insured.then_some(INSURED);
        let groups: Vec<Value> = insured
            .into_iter()
            .chain(self.groups.iter().map(String::as_str))
            .map(|name| json!({ "groupName": name }))
            .collect();
        json!({
            "defaultSetting": match self.everybody {
                Everybody::Allowed => "allow all",
                Everybody::Blocked => "block all",
            },
            "serverExceptions": keyed(&self.servers),
            "userExceptions": keyed(&self.users),
            "groupExceptions": groups,
        })
    }

    /// Whether this person may invite; `insured` says whether they are one of the insured, where that is known. Where
    /// it is not, what the homeserver has let through is let through here.
    #[must_use]
    pub fn allows(&self, user: &str, insured: Option<bool>) -> bool {
        let in_group = if self.insured { insured } else { Some(false) };
        match (self.everybody, self.names(user), in_group) {
            (Everybody::Allowed, named, in_group) => !named && in_group != Some(true),
            (Everybody::Blocked, true, _) | (Everybody::Blocked, false, Some(true) | None) => true,
            // Those of another group that may cannot be told from others.
            (Everybody::Blocked, false, Some(false)) => !self.groups.is_empty(),
        }
    }

    fn names(&self, user: &str) -> bool {
        self.users.contains(user) || self.servers.contains(server_of(user))
    }

    /// Whether it depends on who is insured whether this person may invite.
    fn asks_about(&self, user: &str) -> bool {
        self.insured && !self.names(user)
    }
}

impl Account {
    /// Who may invite this person, as the homeserver has it.
    ///
    /// # Errors
    /// [`AccountError`] when it does not answer.
    pub async fn permissions(&self) -> Result<Permissions, AccountError> {
        let found = self.client.account().fetch_account_data(kind()).await.map_err(|error| of_sdk(&error))?;
        // What cannot be read protects nobody; the homeserver takes it for nothing as well.
        Ok(found.and_then(|content| of_raw(&content)).unwrap_or_default())
    }

    /// Decides who may invite this person.
    ///
    /// # Errors
    /// [`AccountError`] when the homeserver refuses or does not answer; nothing has changed then.
    pub async fn set_permissions(&self, permissions: &Permissions) -> Result<(), AccountError> {
        let content = Raw::new(&permissions.write()).map_err(|error| AccountError::Store(error.to_string()))?;
        let set = self.client.account().set_account_data_raw(kind(), content.cast_unchecked()).await;
        set.map_err(|error| of_sdk(&error))?;
        Ok(())
    }
}

fn server_of(user: &str) -> &str {
    user.split_once(':').map_or("", |(_, server)| server)
}

fn kind() -> GlobalAccountDataEventType {
    GlobalAccountDataEventType::from(KIND)
}

fn of_raw(content: &Raw<AnyGlobalAccountDataEventContent>) -> Option<Permissions> {
    Permissions::read(&serde_json::from_str(content.json().get()).ok()?)
}

/// As this device knows it from the homeserver's last word.
pub(crate) async fn known(client: &Client) -> Permissions {
    let kept = client.account().account_data_raw(kind()).await.ok().flatten();
    kept.and_then(|content| of_raw(&content)).unwrap_or_default()
}

/// Whether somebody invites who may not.
pub(crate) async fn is_unwanted(room: &Room, permissions: &Permissions, insurances: &Insurances) -> bool {
    if room.state() != RoomState::Invited {
        return false;
    }
    // Nobody is named: then nobody is refused.
    let Ok(invite) = room.invite_details().await else { return false };
    let user = invite.inviter_id.as_str();
    let insured = if permissions.asks_about(user) { insurances.has(server_of(user)).await } else { None };
    !permissions.allows(user, insured)
}

/// Refuses invitations of those who may not invite (A_25046), until the task is dropped.
pub(crate) async fn refuse_unwanted(client: Client, insurances: Arc<Insurances>) {
    let mut updates = client.subscribe_to_all_room_updates();
    loop {
        let invited = client.invited_rooms();
        if !invited.is_empty() {
            let permissions = known(&client).await;
            for room in invited {
                if is_unwanted(&room, &permissions, &insurances).await {
                    match room.leave().await {
                        Ok(()) => tracing::info!("an invitation of somebody who may not invite was refused"),
                        // It is in no list, and is refused with the next change.
                        Err(error) => tracing::warn!(code = ?of_sdk(&error), "an invitation could not be refused"),
                    }
                }
            }
        }
        match updates.recv().await {
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => updates = updates.resubscribe(),
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Everybody, Permissions};
    use serde_json::{Value, json};

    fn read(content: &Value) -> Permissions {
        Permissions::read(content).expect("a permission configuration")
    }

    #[test]
    fn exceptions_invert_what_holds_for_everybody() {
        // permissionConfig_V1.json of gematik's api-ti-messenger.
        for (content, by, allowed) in [
            (json!({ "defaultSetting": "allow all" }), "@a:one.example", true),
            (json!({ "defaultSetting": "block all" }), "@a:one.example", false),
            (
                json!({ "defaultSetting": "block all", "userExceptions": { "@a:one.example": {} } }),
                "@a:one.example",
                true,
            ),
            (
                json!({ "defaultSetting": "block all", "userExceptions": { "@a:one.example": {} } }),
                "@b:one.example",
                false,
            ),
            (
                json!({ "defaultSetting": "allow all", "serverExceptions": { "one.example": {} } }),
                "@a:one.example",
                false,
            ),
            (
                json!({ "defaultSetting": "allow all", "serverExceptions": { "one.example": {} } }),
                "@a:two.example:8448",
                true,
            ),
            (
                json!({ "defaultSetting": "block all", "serverExceptions": { "two.example:8448": {} } }),
                "@a:two.example:8448",
                true,
            ),
        ] {
            assert_eq!(read(&content).allows(by, None), allowed, "{by} by {content}");
        }
    }

    #[test]
    fn groups_are_read_in_both_forms_and_written_as_objects() {
        for groups in [json!([{ "groupName": "isInsuredPerson" }]), json!(["isInsuredPerson"])] {
            let read = read(&json!({ "defaultSetting": "allow all", "groupExceptions": groups }));
            assert!(read.insured, "{groups}");
            let written = read.write();
            assert_eq!(
                written["groupExceptions"],
                json!([{ "groupName": "isInsuredPerson" }]),
                "as servers parse them"
            );
        }
        let newer = read(&json!({ "defaultSetting": "block all", "groupExceptions": ["isSomethingNew"] }));
        assert!(!newer.insured, "another group");
        assert_eq!(newer.write()["groupExceptions"], json!([{ "groupName": "isSomethingNew" }]), "and it is kept");
        assert!(newer.allows("@a:one.example", None), "who may be of it the homeserver has judged");
    }

    #[test]
    fn a_group_inverts_what_holds_for_everybody_and_where_it_is_not_known_the_homeserver_has_judged() {
        let group = |everybody: &str| {
            read(&json!({
                "defaultSetting": everybody, "userExceptions": { "@named:one.example": {} },
                "groupExceptions": [{ "groupName": "isInsuredPerson" }],
            }))
        };
        let (open, shut) = (group("allow all"), group("block all"));
        for (insured, by_open, by_shut) in [(Some(true), false, true), (Some(false), true, false), (None, true, true)] {
            let found = [&open, &shut].map(|permissions| permissions.allows("@a:one.example", insured));
            assert_eq!(found, [by_open, by_shut], "insured: {insured:?}");
        }
        let named = [&open, &shut].map(|permissions| permissions.allows("@named:one.example", Some(true)));
        assert_eq!(named, [false, true], "twice an exception is one");
        assert!(
            open.asks_about("@a:one.example") && !open.asks_about("@named:one.example"),
            "it is asked where it counts"
        );
        assert!(!read(&json!({ "defaultSetting": "block all" })).asks_about("@a:one.example"), "and only there");
    }

    #[test]
    fn what_is_written_is_read_again_and_what_is_no_configuration_is_none() {
        let all = Permissions {
            everybody: Everybody::Blocked,
            users: ["@a:one.example".to_owned()].into(),
            servers: ["two.example".to_owned()].into(),
            insured: true,
            ..Permissions::default()
        };
        assert_eq!(Permissions::read(&all.write()), Some(all), "the same");
        for content in [json!({}), json!({ "defaultSetting": "sometimes" }), json!([]), json!(null)] {
            assert_eq!(Permissions::read(&content), None, "{content}");
        }
    }
}
