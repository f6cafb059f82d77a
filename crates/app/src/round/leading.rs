//! Who shows images in a round, and how what they show crosses to the others. Pure: time is an argument.
//!
//! - [`Lead`]: the presenter. Whoever is told a higher epoch by the presenter or by a moderator takes it; of two who began
//!   at the same time the smaller identity shows.
//! - [`Telling`]: what this person shows, as words that go out.
//! - [`Watching`]: what another one shows, from the words that came in.

use super::presentation;
use contract::{Presentation, PresentedMark};
use model::round::MemberId;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A presenter who has been gone so long shows no longer.
pub(super) const GONE: Duration = Duration::from_secs(3);
/// Whoever shows says so every five seconds; one who was not heard for so long shows no longer.
const SILENT: Duration = Duration::from_secs(13);
/// Who began within this time of somebody else began together with them.
const TOGETHER: Duration = Duration::from_secs(3);
/// Sixty a second at most.
const STEP: Duration = Duration::from_millis(16);
/// After the last movement comes all of it, and while a hand does not rest so often.
const RESTING: Duration = Duration::from_millis(100);
const MOVING: Duration = Duration::from_millis(500);
/// All of it, although nothing moves.
const AGAIN: Duration = Duration::from_secs(5);
/// Bytes of a word on the lossy channel.
const LONGEST_POINT: usize = 1_000;
/// No honest round changes its presenter so often. A greater step would leave no number for the next one.
const LONGEST_STEP: u32 = 100_000;
/// Measurements that are shown at the same time.
const MOST_MARKS: usize = 64;
/// Measurements that are known, those that are gone among them.
const MOST_KEPT: usize = 1_024;
/// Bytes of a case's name.
const LONGEST_CASE: usize = 1_024;

/// Who shows.
#[derive(Debug, Default)]
pub(super) struct Lead {
    epoch: u32,
    who: Option<MemberId>,
    /// Who named them. They may take the images back as long as nothing is shown.
    giver: Option<MemberId>,
    since: Option<Instant>,
    gone: Option<Instant>,
    /// When the presenter was heard last.
    heard: Option<Instant>,
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
        moderates || self.who.as_ref().is_none_or(|who| who == member) || self.giver.as_ref() == Some(member)
    }

    /// This device names a presenter, or nobody.
    pub(super) fn set(&mut self, me: &MemberId, who: Option<MemberId>, now: Instant) {
        self.take(self.epoch.saturating_add(1), me, who, now);
    }

    /// This device shows on, above an epoch that somebody knows.
    pub(super) fn rise_above(&mut self, epoch: u32) {
        self.epoch = self.epoch.max(epoch).saturating_add(1);
    }

    /// Whether a number of an epoch can be one: no honest round changes its presenter so often.
    pub(super) fn is_near(&self, epoch: u32) -> bool {
        epoch.saturating_sub(self.epoch) <= LONGEST_STEP
    }

    /// The presenter was heard.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = Some(now);
    }

    /// They show: they were not only named.
    pub(super) fn shows(&mut self) {
        self.giver = None;
    }

    /// Nobody shows, as far as this device can know.
    pub(super) fn lose(&mut self) {
        (self.who, self.giver, self.gone) = (None, None, None);
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
        let newer = epoch > self.epoch && self.is_near(epoch);
        // They were missing for a while, or their end was not heard: nobody else has taken over.
        let back = epoch == self.epoch && epoch > 0 && self.who.is_none() && who.as_ref() == Some(from);
        let together = epoch == self.epoch
            && who.as_ref() == Some(from)
            && self.who.as_ref().is_some_and(|known| from < known)
            && self.since.is_some_and(|since| now.duration_since(since) <= TOGETHER);
        if together || back || newer && self.may_take(from, moderates) {
            self.take(epoch, from, who, now);
            return true;
        }
        false
    }

    fn take(&mut self, epoch: u32, by: &MemberId, who: Option<MemberId>, now: Instant) {
        self.giver = Some(by.clone()).filter(|by| who.as_ref().is_some_and(|who| who != by));
        (self.epoch, self.who, self.since, self.gone, self.heard) = (epoch, who, Some(now), None, Some(now));
    }

    /// Whether the presenter is there. True when they have been gone for too long and show no longer.
    pub(super) fn look(&mut self, me: Option<&MemberId>, there: impl Fn(&MemberId) -> bool, now: Instant) -> bool {
        let here = self.who.is_some() && self.who.as_ref() == me;
        let silent = !here && self.heard.is_some_and(|heard| now.duration_since(heard) >= SILENT);
        if self.who.is_some() && silent {
            self.lose();
            return true;
        }
        if self.who.as_ref().is_none_or(there) {
            self.gone = None;
            return false;
        }
        let gone = *self.gone.get_or_insert(now);
        let over = now.duration_since(gone) >= GONE;
        if over {
            self.lose();
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
    /// A measurement, or that it is gone.
    Mark(Map<String, Value>),
}

/// Numbers of the last words of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) shows: u64,
    points: u64,
    marks: u64,
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
    numbers: Numbers,
    /// Measurements as the others know them, and how often each was said.
    marks: BTreeMap<String, PresentedMark>,
    revisions: BTreeMap<String, u32>,
    last: Option<Instant>,
    /// When all of it is due.
    rest: Option<Instant>,
    /// Since when movements were told and not all of it.
    moving: Option<Instant>,
}

impl Telling {
    /// `around` is how long an envelope without anything in it is. Numbers go on from those before.
    pub(super) fn new(now: Presentation, around: usize, numbers: Numbers) -> Self {
        let (marks, revisions) = (BTreeMap::new(), BTreeMap::new());
        Self { now, told: None, around, numbers, marks, revisions, last: None, rest: None, moving: None }
    }

    /// Numbers of the last words.
    pub(super) fn numbers(&self) -> Numbers {
        self.numbers
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

    /// What is to be said now; to be asked again until there is nothing.
    pub(super) fn next(&mut self, now: Instant) -> Option<Said> {
        if let Some(said) = self.next_mark() {
            return Some(Said::Mark(said));
        }
        let soon = self.last.is_some_and(|last| now < last + STEP);
        let moved = self.told.as_ref() != Some(&self.now);
        let rests = self.rest.is_some_and(|rest| now >= rest);
        if soon || !moved && !rests {
            return None;
        }
        self.last = Some(now);
        if let Some(point) = self.point().filter(|_| moved && !rests) {
            self.numbers.points += 1;
            self.told = Some(self.now.clone());
            let moving = *self.moving.get_or_insert(now);
            self.rest = Some((now + RESTING).min(moving + MOVING));
            return Some(Said::Point(numbered(point, self.numbers.points)));
        }
        self.told = Some(self.now.clone());
        (self.rest, self.moving) = (Some(now + AGAIN), None);
        Some(Said::Show(self.whole()))
    }

    /// All of it, for somebody who has just come.
    pub(super) fn whole(&mut self) -> Map<String, Value> {
        self.numbers.shows += 1;
        let mut said = numbered(presentation::written(&self.now), self.numbers.shows);
        // A movement that arrives late is older than this.
        said.insert("after".to_owned(), json!(self.numbers.points));
        said
    }

    /// All measurements, for somebody who has just come.
    pub(super) fn all_marks(&mut self) -> Vec<Map<String, Value>> {
        let marks: Vec<_> = self.marks.values().cloned().collect();
        marks.iter().map(|mark| self.mark_said(mark)).collect()
    }

    fn next_mark(&mut self) -> Option<Map<String, Value>> {
        let shown = self.now.marks.iter().take(MOST_MARKS);
        let fresh = shown.clone().find(|mark| self.marks.get(&mark.id) != Some(mark)).cloned();
        if let Some(mark) = fresh {
            self.marks.insert(mark.id.clone(), mark.clone());
            *self.revisions.entry(mark.id.clone()).or_default() += 1;
            return Some(self.mark_said(&mark));
        }
        let gone = self.marks.keys().find(|id| shown.clone().all(|mark| &mark.id != *id)).cloned()?;
        self.marks.remove(&gone);
        let revision = self.revisions.entry(gone.clone()).or_default();
        *revision += 1;
        let Value::Object(said) = json!({"id": gone, "rev": *revision, "del": true}) else { return None };
        self.numbers.marks += 1;
        Some(numbered(said, self.numbers.marks))
    }

    fn mark_said(&mut self, mark: &PresentedMark) -> Map<String, Value> {
        let revision = self.revisions.get(&mark.id).copied().unwrap_or_default();
        self.numbers.marks += 1;
        numbered(presentation::mark_written(mark, revision), self.numbers.marks)
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
    /// Measurements by their ids, with their revisions; none where one is gone.
    marks: BTreeMap<String, (u32, Option<PresentedMark>)>,
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
        if self.case() != Some(case) {
            // Ids of another case's measurements mean nothing here.
            self.marks.clear();
        }
        self.case = Some(case.to_owned());
        self.presentation = Some(presentation);
        self.put_marks();
        true
    }

    /// A word of the presenter about a measurement. True when it was taken.
    pub(super) fn mark(&mut self, said: &Value) -> bool {
        let Some((id, revision, mark)) = presentation::mark_read(said) else { return false };
        // A measurement may be said before the case it belongs to is shown.
        let fits = said["case"].as_str().is_some_and(|case| self.case().is_none_or(|shown| shown == case));
        let known = self.marks.get(&id).map(|(revision, _mark)| *revision);
        let room = known.is_some() || self.marks.len() < MOST_KEPT;
        if !fits || !room || known.is_some_and(|known| revision <= known) {
            return false;
        }
        self.marks.insert(id, (revision, mark));
        self.put_marks();
        true
    }

    fn put_marks(&mut self) {
        if let Some(presentation) = &mut self.presentation {
            let marks = self.marks.values().filter_map(|(_revision, mark)| mark.clone());
            presentation.marks = marks.take(MOST_MARKS).collect();
        }
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
