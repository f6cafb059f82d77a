//! A room: its events in one order, its state at any moment of it, and who sees what of it.
//!
//! Pure: positions and times are arguments. Every event has a position in the server's one stream; "at" a position
//! means with everything up to and including it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How somebody stands to a room (`m.room.member`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Membership {
    Invite,
    Join,
    Knock,
    Leave,
    Ban,
}

impl Membership {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Invite, Self::Join, Self::Knock, Self::Leave, Self::Ban].into_iter().find(|one| one.word() == text)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::Join => "join",
            Self::Knock => "knock",
            Self::Leave => "leave",
            Self::Ban => "ban",
        }
    }
}

/// An event before it has a place.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) sender: String,
    pub(crate) kind: String,
    pub(crate) state_key: Option<String>,
    pub(crate) content: Value,
    pub(crate) redacts: Option<String>,
    /// The device and its transaction, which sees its own event by that.
    pub(crate) transaction: Option<(String, String)>,
}

impl Draft {
    pub(crate) fn state(sender: &str, kind: &str, key: &str, content: Value) -> Self {
        Self {
            sender: sender.to_owned(),
            kind: kind.to_owned(),
            state_key: Some(key.to_owned()),
            content,
            redacts: None,
            transaction: None,
        }
    }
}

/// An event in its place.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) at: u64,
    pub(crate) milliseconds: i64,
    pub(crate) sender: String,
    pub(crate) kind: String,
    pub(crate) state_key: Option<String>,
    pub(crate) content: Value,
    pub(crate) redacts: Option<String>,
    /// The redaction that emptied it.
    pub(crate) redacted_by: Option<String>,
    /// The state event that it replaced.
    pub(crate) replaces: Option<usize>,
    pub(crate) transaction: Option<(String, String)>,
}

impl Event {
    /// Relation type and target.
    pub(crate) fn relation(&self) -> Option<(&str, &str)> {
        let relation = &self.content["m.relates_to"];
        Some((relation["rel_type"].as_str()?, relation["event_id"].as_str()?))
    }

    pub(crate) fn membership(&self) -> Option<Membership> {
        let text = self.content["membership"].as_str().filter(|_| self.kind == "m.room.member")?;
        Membership::parse(text)
    }
}

/// A read receipt.
#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    pub(crate) event: String,
    pub(crate) milliseconds: i64,
    pub(crate) at: u64,
    pub(crate) thread: Option<String>,
}

/// A room.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) id: String,
    events: Vec<Event>,
    ids: BTreeMap<String, usize>,
    /// For each kind and state key the events that set it, oldest first.
    state: BTreeMap<(String, String), Vec<usize>>,
    relations: BTreeMap<String, Vec<usize>>,
    /// By user and kind of receipt.
    pub(crate) receipts: BTreeMap<(String, String), Receipt>,
    pub(crate) typing: BTreeMap<String, Timestamp>,
    pub(crate) typing_at: u64,
    /// When a membership changed last, and when anything did.
    pub(crate) members_at: u64,
    pub(crate) touched: u64,
}

impl Room {
    pub(crate) fn new(id: String) -> Self {
        Self {
            id,
            events: Vec::new(),
            ids: BTreeMap::new(),
            state: BTreeMap::new(),
            relations: BTreeMap::new(),
            receipts: BTreeMap::new(),
            typing: BTreeMap::new(),
            typing_at: 0,
            members_at: 0,
            touched: 0,
        }
    }

    /// Puts an event at the end.
    pub(crate) fn push(&mut self, id: String, at: u64, time: Timestamp, draft: Draft) -> &Event {
        let place = self.events.len();
        let mut replaces = None;
        if let Some(key) = &draft.state_key {
            let history = self.state.entry((draft.kind.clone(), key.clone())).or_default();
            replaces = history.last().copied();
            history.push(place);
        }
        let event = Event {
            id: id.clone(),
            at,
            milliseconds: time.as_millisecond(),
            sender: draft.sender,
            kind: draft.kind,
            state_key: draft.state_key,
            content: draft.content,
            redacts: draft.redacts,
            redacted_by: None,
            replaces,
            transaction: draft.transaction,
        };
        if let Some((_, target)) = event.relation() {
            self.relations.entry(target.to_owned()).or_default().push(place);
        }
        if event.membership().is_some() {
            self.members_at = at;
        }
        self.touched = at;
        self.ids.insert(id, place);
        self.events.push(event);
        self.events.last().expect("an event was put there")
    }

    pub(crate) fn event(&self, id: &str) -> Option<&Event> {
        self.ids.get(id).and_then(|place| self.events.get(*place))
    }

    pub(crate) fn replaced_by(&self, event: &Event) -> Option<&Event> {
        event.replaces.and_then(|place| self.events.get(place))
    }

    /// The events after `from`, up to and including `to`.
    pub(crate) fn between(&self, from: u64, to: u64) -> &[Event] {
        let first = self.events.partition_point(|event| event.at <= from);
        let end = self.events.partition_point(|event| event.at <= to);
        self.events.get(first..end.max(first)).unwrap_or_default()
    }

    /// What relates to an event, oldest first.
    pub(crate) fn related(&self, id: &str) -> impl DoubleEndedIterator<Item = &Event> {
        let places = self.relations.get(id).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|place| self.events.get(*place))
    }

    /// The newest edit of an event by its sender.
    pub(crate) fn edit_of(&self, event: &Event) -> Option<&Event> {
        let mut edits = self.related(&event.id).rev();
        edits.find(|edit| {
            edit.sender == event.sender
                && edit.kind == event.kind
                && edit.redacted_by.is_none()
                && edit.relation().is_some_and(|(kind, _)| kind == "m.replace")
        })
    }

    fn setter_at(&self, history: &[usize], position: u64) -> Option<&Event> {
        let after = history.partition_point(|place| self.events.get(*place).is_some_and(|event| event.at <= position));
        let place = after.checked_sub(1).and_then(|last| history.get(last))?;
        self.events.get(*place)
    }

    /// A state event as it was at a position.
    pub(crate) fn state_at(&self, kind: &str, key: &str, position: u64) -> Option<&Event> {
        let history = self.state.get(&(kind.to_owned(), key.to_owned()))?;
        self.setter_at(history, position)
    }

    /// The current state event.
    pub(crate) fn state(&self, kind: &str, key: &str) -> Option<&Event> {
        self.state_at(kind, key, u64::MAX)
    }

    /// The content of a current state event; null where there is none.
    pub(crate) fn content(&self, kind: &str, key: &str) -> &Value {
        self.state(kind, key).map_or(&Value::Null, |event| &event.content)
    }

    /// The whole state at a position.
    pub(crate) fn whole_state(&self, position: u64) -> impl Iterator<Item = &Event> {
        self.state.values().filter_map(move |history| self.setter_at(history, position))
    }

    /// Everybody with a membership at a position.
    pub(crate) fn members(&self, position: u64) -> impl Iterator<Item = (&str, Membership)> {
        let from = ("m.room.member".to_owned(), String::new());
        let members = self.state.range(from..).take_while(|((kind, _), _)| kind == "m.room.member");
        members.filter_map(move |((_, user), history)| {
            Some((user.as_str(), self.setter_at(history, position)?.membership()?))
        })
    }

    /// Everybody who is joined at a position.
    pub(crate) fn joined(&self, position: u64) -> impl Iterator<Item = &str> {
        self.members(position).filter(|(_, membership)| *membership == Membership::Join).map(|(user, _)| user)
    }

    pub(crate) fn membership_at(&self, user: &str, position: u64) -> Option<Membership> {
        self.state_at("m.room.member", user, position)?.membership()
    }

    pub(crate) fn membership(&self, user: &str) -> Option<Membership> {
        self.membership_at(user, u64::MAX)
    }

    /// Up to which position somebody may read: members to the end, who left to there, others not at all.
    pub(crate) fn horizon(&self, user: &str) -> Option<u64> {
        match self.membership(user)? {
            Membership::Join => Some(u64::MAX),
            Membership::Leave | Membership::Ban => self.state("m.room.member", user).map(|event| event.at),
            Membership::Invite | Membership::Knock => None,
        }
    }

    /// Whether somebody may see an event (client-server API, "Room history visibility").
    pub(crate) fn shows(&self, user: &str, event: &Event) -> bool {
        if self.membership_at(user, event.at) == Some(Membership::Join) {
            return true;
        }
        // Everybody sees what happened to their own membership.
        if event.kind == "m.room.member" && event.state_key.as_deref() == Some(user) {
            return true;
        }
        // An event that changes the visibility, or one's own membership, is judged by the more generous side.
        [event.at.saturating_sub(1), event.at].into_iter().any(|position| {
            let membership = self.membership_at(user, position);
            match self.visibility_at(position) {
                "world_readable" => true,
                "joined" => membership == Some(Membership::Join),
                "invited" => matches!(membership, Some(Membership::Join | Membership::Invite)),
                _ => self.joined_since(user, position),
            }
        })
    }

    fn visibility_at(&self, position: u64) -> &str {
        let event = self.state_at("m.room.history_visibility", "", position);
        event.and_then(|event| event.content["history_visibility"].as_str()).unwrap_or("shared")
    }

    /// Whether somebody was joined at a position or at any time after it.
    pub(crate) fn joined_since(&self, user: &str, position: u64) -> bool {
        let history = self.state.get(&("m.room.member".to_owned(), user.to_owned()));
        let mut memberships = history.into_iter().flatten().filter_map(|place| self.events.get(*place));
        self.membership_at(user, position) == Some(Membership::Join)
            || memberships.any(|event| event.at > position && event.membership() == Some(Membership::Join))
    }

    /// Empties an event as the redaction algorithm of room versions 9 and 10 says.
    pub(crate) fn redact(&mut self, target: &str, redaction: &str) {
        let Some(event) = self.ids.get(target).and_then(|place| self.events.get_mut(*place)) else { return };
        if event.redacted_by.is_some() {
            return;
        }
        let kept: &[&str] = match event.kind.as_str() {
            "m.room.member" => &["membership", "join_authorised_via_users_server"],
            "m.room.create" => &["creator"],
            "m.room.join_rules" => &["join_rule", "allow"],
            "m.room.power_levels" => {
                &["ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default"]
            }
            "m.room.history_visibility" => &["history_visibility"],
            _ => &[],
        };
        let content: Map<String, Value> = event
            .content
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| kept.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if let Some((_, related)) = event.relation() {
            // What is empty relates to nothing: it is no edit and no reaction any more.
            let related = related.to_owned();
            let place = self.ids.get(target).copied();
            if let Some(places) = self.relations.get_mut(&related) {
                places.retain(|one| Some(*one) != place);
            }
        }
        event.content = Value::Object(content);
        event.redacted_by = Some(redaction.to_owned());
    }

    /// How many messages of others came after the last one that somebody has read.
    pub(crate) fn unread(&self, user: &str) -> usize {
        let receipts = ["m.read", "m.read.private"].into_iter();
        let receipts = receipts.filter_map(|kind| self.receipts.get(&(user.to_owned(), kind.to_owned())));
        let read = receipts.filter_map(|receipt| self.event(&receipt.event)).map(|event| event.at).max();
        let joined = self.state("m.room.member", user).map(|event| event.at);
        let after = read.max(joined).unwrap_or_default();
        let fresh = self.between(after, u64::MAX).iter();
        fresh.filter(|event| event.sender != user && event.notifies()).count()
    }

    /// The receipts after a position that somebody may see.
    pub(crate) fn receipts_after(&self, position: u64, user: &str) -> Option<Value> {
        let mut content = json!({});
        for ((owner, kind), receipt) in &self.receipts {
            if receipt.at > position && (owner == user || kind != "m.read.private") {
                let mut entry = json!({ "ts": receipt.milliseconds });
                if let Some(thread) = &receipt.thread {
                    entry["thread_id"] = json!(thread);
                }
                content[receipt.event.as_str()][kind.as_str()][owner.as_str()] = entry;
            }
        }
        content.as_object().is_some_and(|entries| !entries.is_empty()).then_some(content)
    }

    /// Ends what nobody has repeated in time. True when somebody stopped typing.
    pub(crate) fn stop_typing(&mut self, now: Timestamp) -> bool {
        let before = self.typing.len();
        self.typing.retain(|_, until| *until > now);
        self.typing.len() != before
    }

    /// Up to five people by whom a room without a name is called: members, else those who were there.
    pub(crate) fn heroes(&self, user: &str) -> Vec<&str> {
        let others: BTreeSet<(bool, &str)> = self
            .members(u64::MAX)
            .filter(|(member, _)| *member != user)
            .map(|(member, membership)| (!matches!(membership, Membership::Join | Membership::Invite), member))
            .collect();
        let somebody = others.iter().any(|(gone, _)| !gone);
        others.into_iter().filter(|(gone, _)| !(*gone && somebody)).map(|(_, member)| member).take(5).collect()
    }
}

impl Event {
    /// What the predefined push rules notify of, as far as a server sees it in an encrypted room.
    fn notifies(&self) -> bool {
        let message = matches!(self.kind.as_str(), "m.room.message" | "m.room.encrypted");
        message && self.redacted_by.is_none() && self.relation().is_none_or(|(kind, _)| kind != "m.replace")
    }
}
