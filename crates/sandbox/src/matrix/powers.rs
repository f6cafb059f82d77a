//! Power levels: who may do what in a room, and which change of them is allowed (room version 10, "Authorization
//! rules").

use super::ask::members;
use super::refusal::Refusal;
use super::room::Room;
use serde_json::Value;
use std::collections::BTreeSet;

/// The levels of a room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Powers<'a> {
    content: &'a Value,
    creator: &'a str,
}

/// What a level of its own is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Invite,
    Kick,
    Ban,
    Redact,
}

impl Act {
    fn word(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::Kick => "kick",
            Self::Ban => "ban",
            Self::Redact => "redact",
        }
    }

    fn otherwise(self) -> i64 {
        match self {
            Self::Invite => 0,
            Self::Kick | Self::Ban | Self::Redact => 50,
        }
    }
}

impl<'a> Powers<'a> {
    pub(crate) fn of(room: &'a Room) -> Self {
        let creator = room.state("m.room.create", "").map_or("", |event| event.sender.as_str());
        Self { content: room.content("m.room.power_levels", ""), creator }
    }

    pub(crate) fn user(self, user: &str) -> i64 {
        if self.content.is_null() {
            return if user == self.creator { 100 } else { 0 };
        }
        let own = self.content["users"][user].as_i64();
        own.or_else(|| self.content["users_default"].as_i64()).unwrap_or(0)
    }

    /// What sending an event of this kind needs.
    pub(crate) fn event(self, kind: &str, state: bool) -> i64 {
        let (default, otherwise) = if state { ("state_default", 50) } else { ("events_default", 0) };
        let otherwise = if self.content.is_null() { 0 } else { otherwise };
        let own = self.content["events"][kind].as_i64();
        own.or_else(|| self.content[default].as_i64()).unwrap_or(otherwise)
    }

    pub(crate) fn act(self, act: Act) -> i64 {
        self.content[act.word()].as_i64().unwrap_or(act.otherwise())
    }

    pub(crate) fn may(self, user: &str, act: Act) -> bool {
        self.user(user) >= self.act(act)
    }

    pub(crate) fn may_send(self, user: &str, kind: &str, state: bool) -> Result<(), Refusal> {
        let (has, needs) = (self.user(user), self.event(kind, state));
        if has >= needs {
            return Ok(());
        }
        let verb = if state { "state " } else { "" };
        Err(Refusal::forbidden(format!(
            "You don't have permission to post that {verb}to the room. user_level ({has}) < send_level ({needs})"
        )))
    }

    /// Whether somebody may replace these levels by `new`: no level above one's own is given or taken.
    pub(crate) fn may_change(self, user: &str, new: &Value) -> Result<(), Refusal> {
        check_form(new)?;
        let own = self.user(user);
        let refused = || Refusal::forbidden("You don't have permission to add ops level greater than your own");
        let names = ["users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"];
        for name in names {
            change(self.content[name].as_i64(), new[name].as_i64(), own).ok_or_else(refused)?;
        }
        for name in ["events", "users"] {
            let (old, new) = (&self.content[name], &new[name]);
            let keys: BTreeSet<&String> = members(old).chain(members(new)).map(|(key, _)| key).collect();
            for key in keys {
                let (before, after) = (old[key].as_i64(), new[key].as_i64());
                change(before, after, own).ok_or_else(refused)?;
                // Nobody takes away the level of another one who has as much.
                let peer = name == "users" && key != user && before != after && before.is_some_and(|old| old >= own);
                if peer {
                    return Err(Refusal::forbidden("You don't have permission to remove ops level equal to your own"));
                }
            }
        }
        Ok(())
    }
}

fn change(before: Option<i64>, after: Option<i64>, own: i64) -> Option<()> {
    let within = |level: Option<i64>| level.is_none_or(|level| level <= own);
    (before == after || within(before) && within(after)).then_some(())
}

/// Room version 10: levels are integers, never text.
fn check_form(content: &Value) -> Result<(), Refusal> {
    let refused = || Refusal::bad("M_BAD_JSON", "Power levels must be integers");
    for (name, value) in members(content) {
        let whole = match name.as_str() {
            "users" | "events" | "notifications" => {
                value.is_object() && members(value).all(|(_, level)| level.is_i64())
            }
            "users_default" | "events_default" | "state_default" | "ban" | "redact" | "kick" | "invite" => {
                value.is_i64()
            }
            _ => true,
        };
        if !whole {
            return Err(refused());
        }
    }
    Ok(())
}
