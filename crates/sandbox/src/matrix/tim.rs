//! What a TI-Messenger server refuses beyond Matrix, with the statuses of gematik's reference proxy and of the module
//! that Synapse takes for it.

use super::ask::{members, texts};
use super::refusal::Refusal;
use super::room::{Event, Membership, Room};
use super::state::State;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A_26202, A_26203: the room versions that may be made. The first is the default of A_26248.
pub(crate) const ROOM_VERSIONS: [&str; 2] = ["10", "9"];

/// A_28358: how long a message may be redacted.
const REDACTABLE: SignedDuration = SignedDuration::from_hours(24);

/// Who may be contacted by whom (A_26389).
pub(crate) const PERMISSIONS: &str = "de.gematik.tim.account.permissionconfig.pro.v1";

/// A_25395-02 and A_26228-01.
pub(crate) fn check_message(kind: &str, content: &Value) -> Result<(), Refusal> {
    let relation = &content["m.relates_to"];
    if relation["rel_type"] == "m.thread" {
        return Err(Refusal::bad("M_FORBIDDEN", "Message threading is not supported"));
    }
    if kind == "m.reaction" {
        if relation["rel_type"] != "m.annotation" {
            return Err(Refusal::bad("M_UNKNOWN", "RelType must be 'm.annotation'"));
        }
        if !relation["key"].as_str().is_some_and(is_one_emoji) {
            return Err(Refusal::bad("M_BAD_JSON", "Reaction key must not be longer than one emoji"));
        }
    }
    Ok(())
}

/// A_28271 for the join rule; patients' conversations are never readable by everybody.
pub(crate) fn check_state(kind: &str, content: &Value) -> Result<(), Refusal> {
    let public = kind == "m.room.join_rules" && content["join_rule"] == "public";
    let readable = kind == "m.room.history_visibility" && content["history_visibility"] == "world_readable";
    if public || readable {
        return Err(Refusal::bad("M_INVALID_ROOM_STATE", "This room state is not allowed"));
    }
    Ok(())
}

/// A_28358.
pub(crate) fn check_redaction(target: &Event, now: Timestamp) -> Result<(), Refusal> {
    if now.as_millisecond() - target.milliseconds > i64::try_from(REDACTABLE.as_millis()).unwrap_or(i64::MAX) {
        return Err(Refusal::forbidden("Event cannot be redacted, it is older than 24h"));
    }
    Ok(())
}

/// Whether `by` may invite `target`, as A_26021-01 has the server judge it. One answer for all causes: who asks does
/// not learn whether somebody exists or has blocked them.
pub(crate) fn may_invite(state: &State, room: Option<&Room>, by: &str, target: &str) -> bool {
    let Some(account) = state.accounts.get(target) else { return false };
    let allowed = account.data.get(PERMISSIONS).is_none_or(|setting| allows(&setting.content, by));
    allowed && !room.is_some_and(|room| is_full_pair(state, room))
}

/// Exceptions invert the default.
fn allows(setting: &Value, by: &str) -> bool {
    let (_, server) = by.split_once(':').unwrap_or(("", ""));
    let excepted = setting["userExceptions"].get(by).is_some() || setting["serverExceptions"].get(server).is_some();
    (setting["defaultSetting"] != "block all") != excepted
}

/// A direct conversation stays one of two.
fn is_full_pair(state: &State, room: &Room) -> bool {
    let present = |membership: &Membership| matches!(membership, Membership::Join | Membership::Invite);
    let inside: Vec<&str> =
        room.members(u64::MAX).filter(|(_, membership)| present(membership)).map(|(user, _)| user).collect();
    let direct = |user: &&str| {
        let data = state.accounts.get(*user).and_then(|account| account.data.get("m.direct"));
        data.is_some_and(|data| members(&data.content).any(|(_, rooms)| texts(rooms).any(|one| one == room.id)))
    };
    inside.len() >= 2 && inside.iter().any(direct)
}

/// What A_26389 gives somebody who has set nothing.
pub(crate) fn default_account_data(kind: &str) -> Option<Value> {
    (kind == PERMISSIONS).then(|| json!({ "defaultSetting": "allow all" }))
}

/// One emoji: one pictograph, flag or keycap with its modifiers. The joined families count as one.
fn is_one_emoji(text: &str) -> bool {
    let mut bases = 0;
    let mut joined = false;
    let mut flags = 0;
    for letter in text.chars() {
        match u32::from(letter) {
            // Variation selector, skin tone, enclosing keycap, tags of a flag.
            0xFE0F | 0x1F3FB..=0x1F3FF | 0x20E3 | 0xE0020..=0xE007F => {}
            0x200D => joined = true,
            0x1F1E6..=0x1F1FF => flags += 1,
            0x00A9 | 0x00AE | 0x203C..=0x3299 | 0x1F000..=0x1FAFF => {
                if !joined {
                    bases += 1;
                }
                joined = false;
            }
            _ => return false,
        }
    }
    matches!((bases, flags), (1, 0) | (0, 2))
}

#[cfg(test)]
mod tests {
    use super::{allows, is_one_emoji};
    use serde_json::json;

    #[test]
    fn a_reaction_is_one_emoji() {
        // What the TI-Messenger module of a real server takes and refuses.
        for good in ["👍", "👍🏽", "❤️", "🇩🇪", "👩‍⚕️"] {
            assert!(is_one_emoji(good), "{good} is one emoji");
        }
        for bad in ["", "👍👍", "ok", "1", "👍 ", "a👍"] {
            assert!(!is_one_emoji(bad), "{bad:?} is none");
        }
    }

    #[test]
    fn exceptions_invert_the_default() {
        let by = "@a:one.example";
        for (setting, expected) in [
            (json!({ "defaultSetting": "allow all" }), true),
            (json!({ "defaultSetting": "block all" }), false),
            (json!({ "defaultSetting": "block all", "userExceptions": { by: {} } }), true),
            (json!({ "defaultSetting": "allow all", "serverExceptions": { "one.example": {} } }), false),
            (json!({ "defaultSetting": "block all", "serverExceptions": { "two.example": {} } }), false),
        ] {
            assert_eq!(allows(&setting, by), expected, "{setting}");
        }
    }
}
