//! Calls to rounds: who calls this person, and who of those whom this person called does not come. Pure.

use std::collections::BTreeMap;
use tim::{Person, Running};

/// Calls that wait for an answer; a hostile homeserver has thousands.
const MOST: usize = 32;
/// Milliseconds.
const AGAIN_MS: u64 = 60_000;
/// Who is named of those who do not come.
const MOST_DECLINED: usize = 64;

/// Somebody calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// The room's id.
    pub(super) room: String,
    /// Its own.
    pub(super) id: String,
    pub(super) by: Person,
    pub(super) direct: bool,
    /// In milliseconds of the Unix epoch.
    pub(super) until_ms: u64,
}

/// All that is known of calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By conversation.
    coming: BTreeMap<String, Call>,
    /// Until when nobody is told once more of who calls where, by conversation and person.
    told: BTreeMap<(String, String), u64>,
    /// The one by which this person called: the conversation, and its own id.
    own: Option<(String, String)>,
    declined: Vec<Person>,
}

impl Calls {
    /// Somebody calls. Gives whether that is worth a notice: who calls again and again is told once a minute.
    pub(super) fn called(&mut self, call: Call, now_ms: u64) -> bool {
        self.told.retain(|_who, until| *until > now_ms);
        let (has_place, who) = (self.coming.len() < MOST, (call.room.clone(), call.by.id.clone()));
        if !has_place && !self.coming.contains_key(&call.room) {
            return false;
        }
        self.coming.insert(call.room.clone(), call);
        let is_news = self.told.len() < MOST && !self.told.contains_key(&who);
        if is_news {
            self.told.insert(who, now_ms.saturating_add(AGAIN_MS));
        }
        is_news
    }

    /// Somebody does not come: this person, as they said on another device, or one whom they called.
    pub(super) fn declined(&mut self, room: &str, id: &str, by: Person) {
        if by.own {
            self.answer(room, id);
        } else if self.own.as_ref().is_some_and(|own| (own.0.as_str(), own.1.as_str()) == (room, id))
            && self.declined.len() < MOST_DECLINED
            && !self.declined.iter().any(|known| known.id == by.id)
        {
            self.declined.push(by);
        }
    }

    /// Another round than before: who did not come to that one is nobody's matter any more.
    pub(super) fn begin(&mut self) {
        (self.own, self.declined) = (None, Vec::new());
    }

    /// This person has called.
    pub(super) fn set_own(&mut self, room: String, id: String) {
        self.own = Some((room, id));
    }

    /// The call to a conversation's round.
    pub(super) fn of(&self, room: &str) -> Option<&Call> {
        self.coming.get(room)
    }

    /// It is answered; a later one is not.
    pub(super) fn answer(&mut self, room: &str, id: &str) {
        if self.coming.get(room).is_some_and(|call| call.id == id) {
            self.coming.remove(room);
        }
    }

    /// This person comes.
    pub(super) fn follow(&mut self, room: &str) {
        self.coming.remove(room);
    }

    /// Calls that go on, the first to end in front: whoever calls is in that round, and this person is not.
    pub(super) fn going_on(&self, now_ms: u64, running: &[Running], entered: Option<&str>) -> Vec<&Call> {
        let goes_on = |call: &&Call| {
            let round = running.iter().find(|round| round.room == call.room);
            let there = |round: &Running| {
                round.people.iter().any(|person| person.id == call.by.id)
                    && !round.people.iter().any(|person| person.own)
            };
            call.until_ms > now_ms && round.is_some_and(there) && entered != Some(call.room.as_str())
        };
        let mut calls: Vec<_> = self.coming.values().filter(goes_on).collect();
        calls.sort_by_key(|call| call.until_ms);
        calls
    }

    /// Who of those who were called does not come, and did not come after all.
    pub(super) fn not_coming<'a>(&'a self, there: &'a [String]) -> impl Iterator<Item = &'a Person> {
        self.declined.iter().filter(|person| !there.contains(&person.id))
    }

    /// When the next call ends, after which there is one less.
    pub(super) fn next_end_ms(&mut self, now_ms: u64) -> Option<u64> {
        self.coming.retain(|_room, call| call.until_ms > now_ms);
        self.coming.values().map(|call| call.until_ms).min()
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, Calls};
    use tim::{Person, Running};

    fn person(id: &str, own: bool) -> Person {
        Person { id: id.to_owned(), name: id.to_owned(), own, ambiguous: false }
    }

    fn call(id: &str) -> Call {
        Call {
            room: "!board".to_owned(),
            id: id.to_owned(),
            by: person("@sonnkaya", false),
            direct: false,
            until_ms: 60,
        }
    }

    fn round(people: &[(&str, bool)]) -> [Running; 1] {
        let people = people.iter().map(|(id, own)| person(id, *own)).collect();
        [Running { room: "!board".to_owned(), people, since_ms: 0 }]
    }

    #[test]
    fn a_call_goes_on_while_whoever_calls_is_there_and_this_person_is_not() {
        let mut calls = Calls::default();
        calls.called(call("$call"), 0);
        let shown = |now, running: &[Running], entered| calls.going_on(now, running, entered).len();
        let there = round(&[("@sonnkaya", false)]);
        assert_eq!(shown(10, &there, None), 1, "it goes on");
        assert_eq!(shown(60, &there, None), 0, "it has lasted long enough");
        assert_eq!(shown(10, &[], None), 0, "the round is over, or is not known yet");
        assert_eq!(shown(10, &round(&[("@brunnengold", false)]), None), 0, "whoever called has left");
        assert_eq!(
            shown(10, &round(&[("@sonnkaya", false), ("@me", true)]), None),
            0,
            "this person is there elsewhere"
        );
        assert_eq!(shown(10, &there, Some("!board")), 0, "or on the way in here");
        assert_eq!(calls.next_end_ms(10), Some(60), "it ends by its time");
        assert_eq!(calls.next_end_ms(60), None, "and is forgotten");
    }

    #[test]
    fn who_calls_again_and_again_is_told_once_a_minute() {
        let mut calls = Calls::default();
        let told: Vec<_> = [0, 10, 59_999, 60_000, 60_001].map(|now| calls.called(call("$call"), now)).to_vec();
        assert_eq!(told, [true, false, false, true, false], "and shown each time");
        let by = Call { by: person("@brunnengold", false), ..call("$other") };
        assert!(calls.called(by, 60_002), "another person's is another call");
    }

    #[test]
    fn what_this_person_answers_is_the_call_that_was_there() {
        let mut calls = Calls::default();
        calls.called(call("$first"), 0);
        calls.called(call("$second"), 0);
        calls.answer("!board", "$first");
        assert_eq!(calls.of("!board").map(|call| call.id.as_str()), Some("$second"), "a later one goes on");
    }

    #[test]
    fn what_this_person_declined_on_another_device_is_silent_here_and_a_later_call_is_not() {
        let mut calls = Calls::default();
        calls.called(call("$first"), 0);
        calls.declined("!board", "$other", person("@me", true));
        assert!(calls.of("!board").is_some(), "that was another call");
        calls.declined("!board", "$first", person("@me", true));
        assert_eq!(calls.of("!board"), None, "declined");
        calls.called(call("$second"), 0);
        assert_eq!(calls.of("!board").map(|call| call.id.as_str()), Some("$second"), "and called again");
        calls.declined("!board", "$second", person("@stranger", false));
        assert!(calls.of("!board").is_some(), "nobody else declines for this person");
    }

    #[test]
    fn who_does_not_come_is_known_once_until_they_come_after_all() {
        let mut calls = Calls::default();
        calls.declined("!board", "$mine", person("@brunnengold", false));
        assert_eq!(calls.not_coming(&[]).count(), 0, "nobody was called");
        calls.set_own("!board".to_owned(), "$mine".to_owned());
        calls.declined("!board", "$mine", person("@brunnengold", false));
        calls.declined("!board", "$mine", person("@brunnengold", false));
        calls.declined("!board", "$older", person("@silbertal", false));
        calls.declined("!another", "$mine", person("@silbertal", false));
        let names: Vec<_> = calls.not_coming(&[]).map(|person| person.id.as_str()).collect();
        assert_eq!(names, ["@brunnengold"], "to this call in this conversation, once");
        assert_eq!(calls.not_coming(&["@brunnengold".to_owned()]).count(), 0, "they have come");
        calls.begin();
        assert_eq!(calls.not_coming(&[]).count(), 0, "another round");
    }
}
