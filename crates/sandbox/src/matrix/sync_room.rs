//! What `/sync` says of one room, and whose devices somebody has to look at again.

use super::filter::EventFilter;
use super::room::{Event, Membership, Room};
use super::show::{Viewer, stripped};
use super::state::{Account, Stamped, State};
use super::sync::token;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Data that was set after a position.
pub(crate) fn newer(data: &BTreeMap<String, Stamped>, since: u64, filter: EventFilter<'_>) -> Vec<Value> {
    let fresh = data.iter().filter(|(kind, data)| data.at > since && filter.keeps_kind(kind));
    fresh.map(|(kind, data)| json!({ "type": kind, "content": data.content })).collect()
}

/// People with whom somebody shares a room, as far as something changed with them.
#[derive(Debug, Default)]
pub(crate) struct Mates {
    /// Their devices have to be asked for: keys changed, or they have come into a shared room.
    pub(crate) changed: Vec<String>,
    /// No room is shared with them any more.
    pub(crate) left: Vec<String>,
}

impl Mates {
    pub(crate) fn of(state: &State, user: &str, since: u64) -> Self {
        let shared = |position: u64| -> BTreeSet<&str> {
            let inside = |room: &&Room| room.membership_at(user, position) == Some(Membership::Join);
            state.rooms.values().filter(inside).flat_map(|room| room.joined(position)).collect()
        };
        let now = shared(u64::MAX);
        let moved = state.rooms.values().any(|room| room.members_at > since && room.membership(user).is_some());
        let then = if moved { shared(since) } else { now.clone() };
        let keys_at = |mate: &str| state.accounts.get(mate).map_or(0, |account| account.keys_at);
        let mut changed: BTreeSet<&str> =
            now.iter().copied().filter(|mate| *mate != user && !then.contains(mate)).collect();
        changed.extend(now.iter().copied().chain([user]).filter(|mate| keys_at(mate) > since));
        // A signature of somebody's own changes what they are told of the other one's keys.
        let vouched = state.accounts.get(user).into_iter().flat_map(|account| &account.vouched);
        changed.extend(vouched.filter(|(_, (at, _))| *at > since).map(|(mate, _)| mate.as_str()));
        Self {
            changed: changed.into_iter().map(str::to_owned).collect(),
            left: then.difference(&now).filter(|mate| **mate != user).map(|mate| (*mate).to_owned()).collect(),
        }
    }
}

/// How one device looks at its rooms.
pub(crate) struct Look<'a> {
    pub(crate) account: &'a Account,
    pub(crate) viewer: Viewer<'a>,
    /// The part `room` of the filter.
    pub(crate) filter: &'a Value,
    pub(crate) since: Option<u64>,
    pub(crate) full: bool,
    pub(crate) position: u64,
}

impl Look<'_> {
    fn user(&self) -> &str {
        &self.viewer.session.user
    }

    /// In which part of the answer a room stands, and with what. Nothing when nothing is new.
    pub(crate) fn room(&self, room: &Room) -> Option<(&'static str, Value)> {
        let own = room.state("m.room.member", self.user())?;
        let since = self.since.unwrap_or(0);
        match own.membership()? {
            Membership::Join => self.joined(room).map(|shown| ("join", shown)),
            Membership::Invite => (own.at > since || self.full).then(|| ("invite", invitation(room, own))),
            Membership::Leave | Membership::Ban => {
                let told = match self.since {
                    Some(since) => own.at > since,
                    None => self.filter["include_leave"] == json!(true),
                };
                let forgotten = self.account.forgotten.contains(&room.id);
                (told && !forgotten).then(|| ("leave", self.left(room, own.at)))
            }
            Membership::Knock => None,
        }
    }

    fn joined(&self, room: &Room) -> Option<Value> {
        let user = self.user();
        let since = self.since.unwrap_or(0);
        let fresh = self.since.is_none() || room.membership_at(user, since) != Some(Membership::Join);
        let data = self.account.room_data.get(&room.id);
        let data_since = if fresh { 0 } else { since };
        let data = data.map(|data| newer(data, data_since, EventFilter(&self.filter["account_data"])));
        let data = data.unwrap_or_default();
        if !fresh && !self.full && room.touched <= since && data.is_empty() {
            return None;
        }
        let (mut shown, quiet) = self.events(room, u64::MAX, fresh);
        let ephemeral = self.ephemeral(room, if fresh { 0 } else { since });
        if quiet && !fresh && !self.full && ephemeral.is_empty() && data.is_empty() {
            return None;
        }
        shown["ephemeral"] = json!({ "events": ephemeral });
        shown["account_data"] = json!({ "events": data });
        shown["unread_notifications"] = json!({ "notification_count": room.unread(user), "highlight_count": 0 });
        let limited = shown["timeline"]["limited"] == json!(true);
        let lazy = EventFilter(&self.filter["state"]).lazy();
        if lazy && (fresh || self.full || limited || room.members_at > since) {
            shown["summary"] = summary(room, user);
        }
        Some(shown)
    }

    fn left(&self, room: &Room, end: u64) -> Value {
        let since = self.since.unwrap_or(0);
        let fresh = self.since.is_none() || room.membership_at(self.user(), since) != Some(Membership::Join);
        let (mut shown, _) = self.events(room, end, fresh);
        shown["account_data"] = json!({ "events": [] });
        shown
    }

    /// Timeline and state up to a position, and whether both are empty.
    fn events(&self, room: &Room, end: u64, fresh: bool) -> (Value, bool) {
        let user = self.user();
        let filter = EventFilter(&self.filter["timeline"]);
        let limit = filter.limit(10);
        let since = if fresh { 0 } else { self.since.unwrap_or(0) };
        let seen = room.between(since, end).iter().rev();
        let seen = seen.filter(|event| filter.keeps(event) && room.shows(user, event));
        let mut timeline: Vec<&Event> = seen.take(limit + 1).collect();
        let more = timeline.len() > limit;
        timeline.truncate(limit);
        timeline.reverse();
        // Who comes in later than a token has a gap before the first event, whatever is in it.
        let limited = more || (fresh && self.since.is_some());
        let start = timeline.first().map_or(self.position.min(end), |event| event.at - 1);
        let state = self.state(room, (since, start, end), fresh || self.full, &timeline);
        let quiet = timeline.is_empty() && state.is_empty();
        let events: Vec<Value> = timeline.iter().map(|event| self.viewer.show_in_sync(room, event)).collect();
        let shown = json!({
            "timeline": { "events": events, "limited": limited, "prev_batch": token(start) },
            "state": { "events": state },
        });
        (shown, quiet)
    }

    /// The state at the start of the timeline, as far as it is new; and what changed in events that the timeline
    /// leaves out, so that state and timeline together are the present.
    fn state(&self, room: &Room, (since, start, end): (u64, u64, u64), whole: bool, timeline: &[&Event]) -> Vec<Value> {
        let user = self.user();
        if !room.joined_since(user, 0) {
            // Who refused an invitation learns nothing of the room.
            return Vec::new();
        }
        let filter = EventFilter(&self.filter["state"]);
        let shown: BTreeSet<&str> = timeline.iter().map(|event| event.id.as_str()).collect();
        let mut wanted: BTreeSet<&str> = timeline.iter().map(|event| event.sender.as_str()).collect();
        if whole {
            wanted.insert(user);
            if !is_named(room) {
                wanted.extend(room.heroes(user));
            }
        }
        let mut state: Vec<&Event> = Vec::new();
        for newest in room.whole_state(end) {
            let key = newest.state_key.as_deref().unwrap_or_default();
            let chosen = if newest.at > start && shown.contains(newest.id.as_str()) {
                room.state_at(&newest.kind, key, start)
            } else {
                Some(newest)
            };
            let Some(event) = chosen.filter(|event| filter.keeps(event)) else { continue };
            let told = if filter.lazy() && event.kind == "m.room.member" {
                wanted.contains(key)
            } else {
                whole || event.at > since
            };
            if told {
                state.push(event);
            }
        }
        state.sort_by_key(|event| event.at);
        state.into_iter().map(|event| self.viewer.show_in_sync(room, event)).collect()
    }

    fn ephemeral(&self, room: &Room, since: u64) -> Vec<Value> {
        let filter = EventFilter(&self.filter["ephemeral"]);
        let mut events = Vec::new();
        if let Some(content) = room.receipts_after(since, self.user()).filter(|_| filter.keeps_kind("m.receipt")) {
            events.push(json!({ "type": "m.receipt", "content": content }));
        }
        let told = room.typing_at > since && (since > 0 || !room.typing.is_empty());
        if told && filter.keeps_kind("m.typing") {
            let users: Vec<&String> = room.typing.keys().collect();
            events.push(json!({ "type": "m.typing", "content": { "user_ids": users } }));
        }
        events
    }
}

/// How many are in a room, and by whom it is called when it has no name.
fn summary(room: &Room, user: &str) -> Value {
    let count = |wanted| room.members(u64::MAX).filter(|(_, membership)| *membership == wanted).count();
    let mut summary = json!({
        "m.joined_member_count": count(Membership::Join),
        "m.invited_member_count": count(Membership::Invite),
    });
    if !is_named(room) {
        summary["m.heroes"] = json!(room.heroes(user));
    }
    summary
}

fn is_named(room: &Room) -> bool {
    room.content("m.room.name", "")["name"].as_str().is_some_and(|name| !name.is_empty())
}

/// What somebody sees of a room who is invited into it.
fn invitation(room: &Room, own: &Event) -> Value {
    let kinds = [
        "m.room.create",
        "m.room.join_rules",
        "m.room.canonical_alias",
        "m.room.avatar",
        "m.room.encryption",
        "m.room.name",
        "m.room.topic",
    ];
    let state = kinds.iter().filter_map(|kind| room.state(kind, ""));
    let inviter = room.state("m.room.member", &own.sender).filter(|event| event.id != own.id);
    let mut events: Vec<Value> = state.chain(inviter).map(stripped).collect();
    let mut invite = stripped(own);
    invite["event_id"] = json!(own.id);
    invite["origin_server_ts"] = json!(own.milliseconds);
    events.push(invite);
    json!({ "invite_state": { "events": events } })
}
