//! What others' programs may say, and how much of it is listened to: words of known topics from members, newer than the
//! last, 120 a second and 256 kB of each kind from each. Pure.
//!
//! Of what is too much the newest waits for the next second, since each word of a kind replaces the one before. Who says
//! ten times too much is not listened to for a while.

use model::round::MemberId;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// In one [`WINDOW`].
const MOST_WORDS: u32 = 120;
const MOST_BYTES: usize = 256 * 1000;
const WINDOW: Duration = Duration::from_secs(1);
/// So many times too much is no mistake.
const FLOOD: u32 = 10;
const DEAF: Duration = Duration::from_secs(10);

/// What a word is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    /// The state of the person who says it.
    Me,
    /// Who shows images.
    Lead,
    /// What is shown.
    Show,
    /// What has moved of it.
    Point,
    /// What was measured on it.
    Mark,
    /// What somebody sees of it.
    Seen,
    /// What a moderator wants of somebody.
    Ask,
}

impl Topic {
    const ALL: [Self; 7] = [Self::Me, Self::Lead, Self::Show, Self::Point, Self::Mark, Self::Seen, Self::Ask];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Me => "konsil.me",
            Self::Lead => "konsil.lead",
            Self::Show => "konsil.show",
            Self::Point => "konsil.point",
            Self::Mark => "konsil.mark",
            Self::Seen => "konsil.seen",
            Self::Ask => "konsil.ask",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// Whether it may be lost on its way.
    pub(super) fn is_lossy(self) -> bool {
        match self {
            Self::Point => true,
            Self::Me | Self::Lead | Self::Show | Self::Mark | Self::Seen | Self::Ask => false,
        }
    }
}

/// A word that is listened to.
#[derive(Debug, PartialEq)]
pub(super) struct Heard {
    pub(super) from: MemberId,
    pub(super) topic: Topic,
    pub(super) said: Value,
}

#[derive(Debug, Default)]
pub(super) struct Ears {
    by: BTreeMap<(MemberId, Topic), Ear>,
    /// Words that were not listened to.
    unheard: u64,
}

#[derive(Debug)]
struct Ear {
    since: Instant,
    words: u32,
    bytes: usize,
    /// The newest beyond what is listened to.
    kept: Option<Value>,
    /// The number of the last word.
    last: u64,
    deaf_until: Option<Instant>,
}

impl Ears {
    /// Forgets whoever is no member any more.
    pub(super) fn set_members(&mut self, there: &BTreeSet<MemberId>) {
        self.by.retain(|(who, _topic), _ear| there.contains(who));
    }

    /// Somebody counts from the beginning.
    pub(super) fn forget(&mut self, whom: &MemberId) {
        self.by.retain(|(who, _topic), _ear| who != whom);
    }

    /// How many words were not listened to.
    pub(super) fn unheard(&self) -> u64 {
        self.unheard
    }

    /// A word of a member. None where it is of an unknown kind, not of this round, old, or too much.
    pub(super) fn hear(
        &mut self,
        from: &MemberId,
        topic: &str,
        payload: &[u8],
        session: &str,
        now: Instant,
    ) -> Option<Heard> {
        let topic = Topic::of(topic)?;
        let ear = self.by.entry((from.clone(), topic)).or_insert_with(|| Ear {
            since: now,
            words: 0,
            bytes: 0,
            kept: None,
            last: 0,
            deaf_until: None,
        });
        if now.duration_since(ear.since) >= WINDOW {
            (ear.since, ear.words, ear.bytes) = (now, 0, 0);
        }
        (ear.words, ear.bytes) = (ear.words.saturating_add(1), ear.bytes.saturating_add(payload.len()));
        if ear.deaf_until.is_some_and(|until| now < until) {
            self.unheard += 1;
            return None;
        }
        if ear.words > MOST_WORDS * FLOOD || ear.bytes > MOST_BYTES * FLOOD as usize {
            tracing::warn!(topic = topic.name(), "somebody in a round says far too much and is not listened to");
            (ear.deaf_until, ear.kept) = (Some(now + DEAF), None);
            self.unheard += 1;
            return None;
        }
        let said: Value = serde_json::from_slice(payload).ok()?;
        let number = said["seq"].as_u64().filter(|number| *number > ear.last)?;
        if said["v"] != 1 || said["session"] != session {
            return None;
        }
        ear.last = number;
        if ear.words > MOST_WORDS || ear.bytes > MOST_BYTES {
            self.unheard += 1;
            ear.kept = Some(said);
            return None;
        }
        Some(Heard { from: from.clone(), topic, said })
    }

    /// When [`Ears::ripe`] has something.
    pub(super) fn due(&self) -> Option<Instant> {
        self.by.values().filter(|ear| ear.kept.is_some()).map(|ear| ear.since + WINDOW).min()
    }

    /// What waited for its second to be over.
    pub(super) fn ripe(&mut self, now: Instant) -> Option<Heard> {
        let ripe = |ear: &Ear| ear.kept.is_some() && now.duration_since(ear.since) >= WINDOW;
        let ((from, topic), ear) = self.by.iter_mut().find(|(_whose, ear)| ripe(ear))?;
        let said = ear.kept.take()?;
        Some(Heard { from: from.clone(), topic: *topic, said })
    }
}

#[cfg(test)]
mod tests {
    use super::{Ears, Topic};
    use model::round::MemberId;
    use std::time::{Duration, Instant};

    fn word(number: u64) -> Vec<u8> {
        serde_json::json!({"v": 1, "session": "!room", "seq": number}).to_string().into_bytes()
    }

    fn somebody() -> MemberId {
        MemberId::parse("@a:h:ONE").expect("a name")
    }

    /// The numbers that are heard of so many words said at once.
    fn heard(ears: &mut Ears, numbers: std::ops::RangeInclusive<u64>, now: Instant) -> Vec<u64> {
        let hear = |number| ears.hear(&somebody(), "konsil.point", &word(number), "!room", now);
        numbers.filter_map(hear).filter_map(|heard| heard.said["seq"].as_u64()).collect()
    }

    #[test]
    fn of_more_than_120_words_in_a_second_the_newest_is_heard_when_it_is_over() {
        let (mut ears, now) = (Ears::default(), Instant::now());
        assert_eq!(heard(&mut ears, 1..=200, now), (1..=120).collect::<Vec<_>>());
        let later = now + Duration::from_secs(1);
        assert_eq!((ears.due(), ears.unheard()), (Some(later), 80));
        assert_eq!(ears.ripe(now), None);
        let ripe = ears.ripe(later).expect("it waited");
        assert_eq!((ripe.topic, ripe.said["seq"].as_u64()), (Topic::Point, Some(200)));
        assert_eq!((ears.ripe(later), ears.due()), (None, None));
        assert_eq!(heard(&mut ears, 201..=202, later), [201, 202], "and so are those of the next");
    }

    #[test]
    fn who_says_ten_times_too_much_is_not_heard_for_ten_seconds() {
        let (mut ears, now) = (Ears::default(), Instant::now());
        heard(&mut ears, 1..=1_201, now);
        assert_eq!(ears.due(), None, "nor is the newest of it");
        assert!(heard(&mut ears, 1_202..=1_203, now + Duration::from_secs(9)).is_empty());
        assert_eq!(heard(&mut ears, 1_204..=1_204, now + Duration::from_secs(10)), [1_204]);
    }

    #[test]
    fn large_words_count_by_their_bytes() {
        let (mut ears, now) = (Ears::default(), Instant::now());
        let large = |number: u64| {
            let said = serde_json::json!({"v": 1, "session": "!room", "seq": number, "more": "x".repeat(11_000)});
            said.to_string().into_bytes()
        };
        let heard =
            (1..=40).filter(|number| ears.hear(&somebody(), "konsil.show", &large(*number), "!room", now).is_some());
        assert_eq!(heard.count(), 23, "of eleven kilobytes each");
    }

    #[test]
    fn what_is_old_or_of_another_round_or_of_an_unknown_kind_is_not_heard() {
        let (mut ears, now) = (Ears::default(), Instant::now());
        let mut hear = |topic: &str, payload: &[u8]| ears.hear(&somebody(), topic, payload, "!room", now).is_some();
        assert!(hear("konsil.me", &word(7)));
        assert!(!hear("konsil.me", &word(7)), "said again");
        assert!(!hear("konsil.me", &word(6)), "older");
        assert!(!hear("konsil.me", br#"{"v":1,"session":"!elsewhere","seq":9}"#), "another round's");
        assert!(!hear("konsil.me", br#"{"v":2,"session":"!room","seq":9}"#), "of a later form");
        assert!(!hear("konsil.me", b"\xff\xfe"), "no text");
        assert!(!hear("konsil.later", &word(8)), "unknown");
        assert!(hear("konsil.me", &word(8)));
    }
}
