//! Who shows images in a round, and how what they show crosses to the others. Pure: time is an argument.
//!
//! - [`Lead`]: the presenter. Whoever is told a higher epoch by the presenter or by a moderator takes it; of two who began
//!   at the same time the smaller identity shows.
//! - [`Telling`]: what this person shows, as words that go out.
//! - [`Watching`]: what another one shows, from the words that came in.

use super::presentation;
use contract::Presentation;
use model::round::MemberId;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// A presenter who has been gone so long shows no longer.
pub(super) const GONE: Duration = Duration::from_secs(3);
/// Who began within this time of somebody else began together with them.
const TOGETHER: Duration = Duration::from_secs(3);
/// Sixty a second at most.
const STEP: Duration = Duration::from_millis(16);
/// After the last movement comes all of it.
const RESTING: Duration = Duration::from_millis(100);
/// All of it, although nothing moves.
const AGAIN: Duration = Duration::from_secs(5);
/// Bytes of a word on the lossy channel.
const LONGEST_POINT: usize = 1_000;
/// No honest round changes its presenter so often. A greater step would leave no number for the next one.
const LONGEST_STEP: u32 = 100_000;
/// Bytes of a case's name.
const LONGEST_CASE: usize = 1_024;

/// Who shows.
#[derive(Debug, Default)]
pub(super) struct Lead {
    epoch: u32,
    who: Option<MemberId>,
    since: Option<Instant>,
    gone: Option<Instant>,
}

impl Lead {
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    pub(super) fn who(&self) -> Option<&MemberId> {
        self.who.as_ref()
    }

    /// Whether this member may begin to show.
    pub(super) fn may_take(&self, member: &MemberId, moderates: bool) -> bool {
        moderates || self.who.as_ref().is_none_or(|who| who == member)
    }

    /// This device names a presenter, or nobody. Gives the epoch.
    pub(super) fn set(&mut self, who: Option<MemberId>, now: Instant) -> u32 {
        self.take(self.epoch.saturating_add(1), who, now);
        self.epoch
    }

    /// Somebody names a presenter, or nobody. True when it is taken for true.
    pub(super) fn hear(
        &mut self,
        from: &MemberId,
        moderates: bool,
        epoch: u32,
        who: Option<MemberId>,
        now: Instant,
    ) -> bool {
        let newer = epoch > self.epoch && (self.epoch == 0 || epoch - self.epoch <= LONGEST_STEP);
        let together = epoch == self.epoch
            && who.as_ref() == Some(from)
            && self.who.as_ref().is_some_and(|known| from < known)
            && self.since.is_some_and(|since| now.duration_since(since) <= TOGETHER);
        if together || newer && self.may_take(from, moderates) {
            self.take(epoch, who, now);
            return true;
        }
        false
    }

    fn take(&mut self, epoch: u32, who: Option<MemberId>, now: Instant) {
        (self.epoch, self.who, self.since, self.gone) = (epoch, who, Some(now), None);
    }

    /// Whether the presenter is there. True when they have been gone for too long and show no longer.
    pub(super) fn look(&mut self, there: impl Fn(&MemberId) -> bool, now: Instant) -> bool {
        if self.who.as_ref().is_none_or(there) {
            self.gone = None;
            return false;
        }
        let gone = *self.gone.get_or_insert(now);
        let over = now.duration_since(gone) >= GONE;
        if over {
            (self.who, self.gone) = (None, None);
        }
        over
    }
}

/// A word that is to go out.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// All of it, reliably.
    Show(Map<String, Value>),
    /// A movement.
    Point(Map<String, Value>),
}

/// What this person shows, as it goes out.
#[derive(Debug)]
pub(super) struct Telling {
    /// As it is on the screen.
    now: Presentation,
    /// As the others know it.
    told: Option<Presentation>,
    /// What is common to all its words, as bytes.
    around: usize,
    /// Numbers of the last words.
    shows: u64,
    points: u64,
    last: Option<Instant>,
    /// When all of it is due.
    rest: Option<Instant>,
}

impl Telling {
    /// `around` is how long an envelope without anything in it is. Numbers go on from those before.
    pub(super) fn new(now: Presentation, around: usize, (shows, points): (u64, u64)) -> Self {
        Self { now, told: None, around, shows, points, last: None, rest: None }
    }

    /// Numbers of the last words.
    pub(super) fn numbers(&self) -> (u64, u64) {
        (self.shows, self.points)
    }

    pub(super) fn put(&mut self, now: Presentation) {
        self.now = now;
    }

    /// When [`Telling::next`] has something to say.
    pub(super) fn due(&self) -> Option<Instant> {
        let moved = self.told.as_ref() != Some(&self.now);
        let moves = self.last.map(|last| last + STEP).filter(|_| moved);
        moves.into_iter().chain(self.rest).min()
    }

    /// What is to be said now.
    pub(super) fn next(&mut self, now: Instant) -> Option<Said> {
        let soon = self.last.is_some_and(|last| now < last + STEP);
        let moved = self.told.as_ref() != Some(&self.now);
        let rests = self.rest.is_some_and(|rest| now >= rest);
        if soon || !moved && !rests {
            return None;
        }
        self.last = Some(now);
        if let Some(point) = self.point().filter(|_| moved) {
            self.points += 1;
            self.told = Some(self.now.clone());
            self.rest = Some(now + RESTING);
            return Some(Said::Point(numbered(point, self.points)));
        }
        self.told = Some(self.now.clone());
        self.rest = Some(now + AGAIN);
        Some(Said::Show(self.whole()))
    }

    /// All of it, for somebody who has just come.
    pub(super) fn whole(&mut self) -> Map<String, Value> {
        self.shows += 1;
        let mut said = numbered(presentation::written(&self.now), self.shows);
        // A movement that arrives late is older than this.
        said.insert("after".to_owned(), json!(self.points));
        said
    }

    fn point(&self) -> Option<Map<String, Value>> {
        let said = presentation::moved(self.told.as_ref()?, &self.now)?;
        let length = serde_json::to_string(&said).map_or(usize::MAX, |text| text.len());
        // Room for a number and an epoch.
        (length.saturating_add(self.around).saturating_add(48) <= LONGEST_POINT).then_some(said)
    }
}

fn numbered(mut said: Map<String, Value>, number: u64) -> Map<String, Value> {
    said.insert("seq".to_owned(), json!(number));
    said
}

/// What the presenter shows.
#[derive(Debug, Default)]
pub(super) struct Watching {
    /// Of which case, as `base|reference`.
    case: Option<String>,
    presentation: Option<Presentation>,
    shows: u64,
    points: u64,
}

impl Watching {
    pub(super) fn case(&self) -> Option<&str> {
        self.case.as_deref()
    }

    pub(super) fn presentation(&self) -> Option<&Presentation> {
        self.presentation.as_ref()
    }

    /// The number of the last word that said all of it.
    pub(super) fn shows(&self) -> u64 {
        self.shows
    }

    /// A word of the presenter that says all of it. True when it is newer than what was known.
    pub(super) fn show(&mut self, said: &Value) -> bool {
        let (Some(number), Some(case)) = (said["seq"].as_u64(), said["case"].as_str()) else { return false };
        if number <= self.shows || case.len() > LONGEST_CASE {
            return false;
        }
        let Some(presentation) = presentation::read(said) else { return false };
        self.shows = number;
        self.points = self.points.max(said["after"].as_u64().unwrap_or_default());
        self.case = Some(case.to_owned());
        self.presentation = Some(presentation);
        true
    }

    /// A word of the presenter that says what has moved. True when it was taken.
    pub(super) fn point(&mut self, said: &Value) -> bool {
        let Some(number) = said["seq"].as_u64().filter(|number| *number > self.points) else { return false };
        // Of another case it would be drawn over this one's images.
        if said["case"].as_str().is_none_or(|case| Some(case) != self.case()) {
            return false;
        }
        let Some(moved) = self.presentation.as_ref().and_then(|known| presentation::moved_by(said, known)) else {
            return false;
        };
        self.points = number;
        self.presentation = Some(moved);
        true
    }
}
