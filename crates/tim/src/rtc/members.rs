//! Who is in a round, from the state of its room: what everybody says of themselves, and who is still in the room.
//!
//! ```text
//! state, sticky events ──▶ places ──(in the room? not over? newest of a device?)──▶ members, oldest first
//! ```

use super::wire::{Focus, MEMBER, Membership, Selection, member, sticky};
use model::round::MemberId;
use ruma::{DeviceId, OwnedUserId, UserId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Places that are remembered. More devices than this are in no round; a hostile room has thousands.
const MOST_PLACES: usize = 512;

/// Where a membership was said: what is said there next replaces it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    State(String),
    Sticky(OwnedUserId, String),
}

/// Everything that is known of memberships in a room.
#[derive(Debug, Default)]
pub(crate) struct Members {
    places: BTreeMap<Place, Membership>,
    in_room: BTreeSet<OwnedUserId>,
    // State that came by itself before all of it was known, and is newer than what the question for it brings.
    told: BTreeSet<(String, String)>,
    whole: bool,
}

/// A member as the room says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) membership: Membership,
    /// Where their media is.
    pub(crate) focus: Option<Focus>,
}

impl Members {
    /// Takes a state event that came by itself. Tells whether it may have changed who is there.
    pub(crate) fn take_state(&mut self, event: &Value) -> bool {
        let (Some(kind), Some(key)) = (event["type"].as_str(), event["state_key"].as_str()) else { return false };
        if !matches!(kind, MEMBER | "m.room.member") {
            return false;
        }
        // Beyond that number an answer may be older than what came, until the next change.
        if !self.whole && self.told.len() < 2 * MOST_PLACES {
            self.told.insert((kind.to_owned(), key.to_owned()));
        }
        self.set(kind, key, event);
        true
    }

    /// Takes a room's whole state, which was asked for after this began to hear of changes.
    pub(crate) fn take_all(&mut self, state: &[Value]) {
        for event in state {
            if let (Some(kind), Some(key)) = (event["type"].as_str(), event["state_key"].as_str())
                && !self.told.contains(&(kind.to_owned(), key.to_owned()))
            {
                self.set(kind, key, event);
            }
        }
        self.told.clear();
        self.whole = true;
    }

    fn set(&mut self, kind: &str, key: &str, event: &Value) {
        match kind {
            MEMBER => self.put(Place::State(key.to_owned()), member(event)),
            "m.room.member" => {
                let Ok(user) = UserId::parse(key) else { return };
                if event["content"]["membership"] == "join" {
                    self.in_room.insert(user);
                } else {
                    self.in_room.remove(&user);
                }
            }
            _ => {}
        }
    }

    /// Takes a sticky event. Tells whether it may have changed who is there.
    pub(crate) fn take_sticky(&mut self, event: &Value) -> bool {
        let Some(((user, key), membership)) = sticky(event) else { return false };
        let place = Place::Sticky(user, key);
        // Lines of a conversation come again, and not always in their order.
        let older = |new: &Membership| self.places.get(&place).is_some_and(|known| known.since_ms > new.since_ms);
        if membership.as_ref().is_some_and(older) {
            return false;
        }
        self.put(place, membership);
        true
    }

    fn put(&mut self, place: Place, membership: Option<Membership>) {
        match membership {
            Some(membership) if self.places.len() < MOST_PLACES || self.places.contains_key(&place) => {
                self.places.insert(place, membership);
            }
            Some(_) => tracing::warn!("a round has more members than are looked at"),
            None => drop(self.places.remove(&place)),
        }
    }

    /// Whether the state under this key says that somebody is there.
    pub(crate) fn says(&self, state_key: &str, now_ms: u64) -> bool {
        let said = self.places.get(&Place::State(state_key.to_owned()));
        said.is_some_and(|membership| membership.until_ms > now_ms)
    }

    /// Who is there, who came first in front. One device is there once.
    pub(crate) fn now(&self, now_ms: u64) -> Vec<Found> {
        let mut newest: BTreeMap<&MemberId, &Membership> = BTreeMap::new();
        for membership in self.there(now_ms) {
            let one = newest.entry(&membership.id).or_insert(membership);
            if one.since_ms < membership.since_ms {
                *one = membership;
            }
        }
        let mut found: Vec<&Membership> = newest.into_values().collect();
        found.sort_by(|a, b| a.since_ms.cmp(&b.since_ms).then_with(|| a.id.cmp(&b.id)));
        let oldest = found.first().and_then(|membership| membership.foci.first()).cloned();
        let found = found.into_iter().map(|membership| {
            let focus = match membership.selection {
                Selection::Own => membership.foci.first().cloned(),
                Selection::Oldest => oldest.clone(),
            };
            Found { membership: membership.clone(), focus }
        });
        found.collect()
    }

    /// Whether somebody is in the room.
    pub(crate) fn is_in_room(&self, user: &UserId) -> bool {
        self.in_room.contains(user)
    }

    /// When the next membership is over.
    pub(crate) fn next_end_ms(&self, now_ms: u64) -> Option<u64> {
        self.there(now_ms).map(|membership| membership.until_ms).min()
    }

    /// The names of a device in the round.
    pub(crate) fn of_device(&self, user: &UserId, device: &DeviceId, now_ms: u64) -> Vec<MemberId> {
        let found = self.there(now_ms).filter(|membership| membership.user == user && membership.device == device);
        let ids: BTreeSet<MemberId> = found.map(|membership| membership.id.clone()).collect();
        ids.into_iter().collect()
    }

    fn there(&self, now_ms: u64) -> impl Iterator<Item = &Membership> {
        self.places
            .values()
            .filter(move |membership| membership.until_ms > now_ms && self.in_room.contains(&membership.user))
    }
}

#[cfg(test)]
mod tests {
    use super::Members;
    use serde_json::{Value, json};

    const NOW: u64 = 1_795_000_000_000;

    fn joined(user: &str, membership: &str) -> Value {
        json!({ "type": "m.room.member", "state_key": user, "sender": user, "content": { "membership": membership } })
    }

    fn there(user: &str, device: &str, since_ms: u64, selection: &str) -> Value {
        json!({
            "type": "org.matrix.msc3401.call.member", "sender": user, "state_key": format!("_{user}_{device}_m.call"),
            "origin_server_ts": since_ms,
            "content": {
                "application": "m.call", "call_id": "", "scope": "m.room", "device_id": device, "expires": 14_400_000,
                "created_ts": since_ms,
                "focus_active": { "type": "livekit", "focus_selection": selection },
                "foci_preferred": [{ "type": "livekit", "livekit_service_url": format!("https://{device}.example") }]
            }
        })
    }

    fn ids(members: &Members, now_ms: u64) -> Vec<String> {
        members.now(now_ms).iter().map(|found| found.membership.id.to_string()).collect()
    }

    #[test]
    fn whoever_came_first_stands_in_front_and_decides_for_those_who_leave_it_to_the_oldest() {
        let mut members = Members::default();
        members.take_all(&[
            joined("@a:s", "join"),
            joined("@b:s", "join"),
            there("@a:s", "a", NOW - 5, "oldest_membership"),
            there("@b:s", "b", NOW - 9, "oldest_membership"),
            there("@a:s", "c", NOW - 1, "multi_sfu"),
        ]);
        assert_eq!(ids(&members, NOW), ["@b:s:b", "@a:s:a", "@a:s:c"], "oldest first");
        let foci: Vec<String> = members.now(NOW).iter().filter_map(|f| Some(f.focus.clone()?.service.into())).collect();
        assert_eq!(foci, ["https://b.example/", "https://b.example/", "https://c.example/"], "each where it says");
    }

    #[test]
    fn whoever_is_not_in_the_room_or_whose_time_is_over_is_not_there() {
        let mut members = Members::default();
        members.take_all(&[joined("@a:s", "join"), there("@a:s", "a", NOW, "x"), there("@b:s", "b", NOW, "x")]);
        assert_eq!(ids(&members, NOW), ["@a:s:a"], "the other one is not in the room");
        assert_eq!(members.next_end_ms(NOW), Some(NOW + 14_400_000), "four hours");
        assert_eq!(ids(&members, NOW + 14_400_000), [""; 0], "and then nobody");
        assert!(members.take_state(&joined("@b:s", "join")), "it matters");
        assert_eq!(ids(&members, NOW), ["@a:s:a", "@b:s:b"], "in the room, and there");
        for gone in ["leave", "ban", "invite"] {
            members.take_state(&joined("@a:s", gone));
            assert_eq!(ids(&members, NOW), ["@b:s:b"], "{gone}");
        }
        let mut left = there("@b:s", "b", NOW, "x");
        left["content"] = json!({});
        assert!(members.take_state(&left), "it matters");
        assert_eq!(ids(&members, NOW), [""; 0], "everybody has left");
    }

    #[test]
    fn what_came_by_itself_is_newer_than_an_answer() {
        let mut members = Members::default();
        let mut left = there("@a:s", "a", NOW, "x");
        left["content"] = json!({});
        members.take_state(&left);
        members.take_all(&[joined("@a:s", "join"), there("@a:s", "a", NOW, "x")]);
        assert_eq!(ids(&members, NOW), [""; 0], "the answer was on its way when it left");
        assert!(!members.says("_@a:s_a_m.call", NOW), "its state says so");
        members.take_state(&there("@a:s", "a", NOW, "x"));
        assert!(members.says("_@a:s_a_m.call", NOW), "and so it does when it is there");
    }

    #[test]
    fn a_device_is_there_once_and_a_hostile_room_does_not_fill_the_memory() {
        let mut members = Members::default();
        members.take_state(&joined("@a:s", "join"));
        let mut old = there("@a:s", "a", NOW - 9, "x");
        old["state_key"] = json!("_@a:s_a");
        members.take_state(&old);
        members.take_state(&there("@a:s", "a", NOW, "x"));
        assert_eq!(ids(&members, NOW), ["@a:s:a"], "under both keys it is one");
        assert_eq!(members.now(NOW)[0].membership.since_ms, NOW, "as it said last");
        for number in 0..2000 {
            members.take_state(&there("@a:s", &format!("d{number}"), NOW, "x"));
        }
        assert_eq!(members.now(NOW).len(), 511, "one place of 512 is the other key of the first");
        for event in [Value::Null, json!([]), json!({ "type": 7, "state_key": "" }), json!({ "type": "m.room.name" })] {
            assert!(!members.take_state(&event) && !members.take_sticky(&event), "{event}");
        }
    }
}
