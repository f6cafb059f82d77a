//! How far fetching ahead is: of each case what is here and what is lacking, and what the page is told of it. It reads
//! no clock.

use contract::{Failure, FailureCode, PreloadCaseState, PreloadCaseView, PreloadState, PreloadView};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// After so many images in a row that the archive did not give, the rest of their series is not asked for.
const LOST_IN_A_ROW: u32 = 3;
/// The speed is that of so long.
const WINDOW: SignedDuration = SignedDuration::from_secs(10);
/// Said of a shorter time it would be a guess.
const SHORTEST: SignedDuration = SignedDuration::from_secs(2);

/// How far the cases of an agenda are.
#[derive(Default)]
pub(super) struct Progress {
    cases: Vec<CaseProgress>,
    /// The case whose images come.
    current: Option<usize>,
    waiting: bool,
    ended: Option<Ended>,
    /// Images in a row that did not come, by case and series.
    lost: BTreeMap<(usize, usize), u32>,
    /// Pixels that were fetched, not encoded and as they lie here: how large the others will be.
    fetched: (u64, u64),
    /// Since when images come without a pause, and what came last.
    since: Option<Timestamp>,
    recent: VecDeque<(Timestamp, u64)>,
}

/// Why nothing more is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Everything was asked for.
    Asked,
    /// There is no room.
    Full { disk: bool },
}

/// How far one case is.
#[derive(Default)]
pub(super) struct CaseProgress {
    pub(super) patient: String,
    /// Images that the record names, where it says how many.
    pub(super) named: Option<u32>,
    /// The archive has said what there is.
    pub(super) looked: bool,
    pub(super) images: u32,
    pub(super) here: u32,
    /// Bytes of those that are here.
    pub(super) bytes: u64,
    /// Bytes of the pixels of the others, not encoded.
    pub(super) lacking: u64,
    pub(super) refused: u32,
    pub(super) unconfirmed: u32,
    pub(super) missing: u32,
    pub(super) failure: Option<Failure>,
    /// When the last image came.
    pub(super) at: Option<Timestamp>,
    /// It is written down that everything is here.
    pub(super) noted: bool,
}

impl CaseProgress {
    fn is_whole(&self) -> bool {
        self.looked && self.failure.is_none() && self.here == self.images
    }

    /// Images in all, as far as that is known.
    fn known(&self) -> Option<u32> {
        if self.looked { Some(self.images) } else { self.named.map(|named| named.max(self.images)) }
    }

    pub(super) fn wants(&mut self, raw: u64, here: Option<u64>) {
        self.images += 1;
        match here {
            Some(bytes) => {
                self.here += 1;
                self.bytes += bytes;
            }
            None => self.lacking += raw,
        }
    }

    fn view(&self, coming: bool) -> PreloadCaseView {
        let state = if self.is_whole() {
            if self.images == 0 { PreloadCaseState::Without } else { PreloadCaseState::Here }
        } else if coming {
            PreloadCaseState::Coming
        } else {
            PreloadCaseState::Lacking
        };
        PreloadCaseView {
            patient: self.patient.clone(),
            state,
            refused: self.refused,
            unconfirmed: self.unconfirmed,
            missing: self.missing,
            failure: self.failure.clone(),
        }
    }
}

impl Progress {
    pub(super) fn of(cases: Vec<CaseProgress>) -> Self {
        Self { cases, ..Self::default() }
    }

    /// What was said about an earlier attempt stays true of what is lacking still.
    pub(super) fn after(mut self, former: &Self) -> Self {
        for case in self.cases.iter_mut().filter(|case| !case.is_whole()) {
            if let Some(former) = former.cases.iter().find(|former| former.patient == case.patient) {
                case.missing = former.missing;
                case.failure.clone_from(&former.failure);
            }
        }
        let same = self.cases.iter().map(|case| &case.patient).eq(former.cases.iter().map(|case| &case.patient));
        self.ended = former.ended.filter(|_| same);
        self
    }

    /// The same cases for another attempt.
    pub(super) fn again(&self) -> Self {
        let again = |case: &CaseProgress| CaseProgress {
            patient: case.patient.clone(),
            named: case.named,
            looked: case.looked,
            images: case.images,
            here: case.here,
            bytes: case.bytes,
            lacking: case.lacking,
            refused: case.refused,
            unconfirmed: case.unconfirmed,
            at: case.at,
            ..CaseProgress::default()
        };
        Self::of(self.cases.iter().map(again).collect())
    }

    pub(super) fn patients(&self) -> Vec<String> {
        self.cases.iter().map(|case| case.patient.clone()).collect()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.cases.iter().all(CaseProgress::is_whole)
    }

    /// The archive has said what there is of a case; its images follow.
    pub(super) fn looked(&mut self, at: usize, refused: u32, unconfirmed: u32, failure: Option<Failure>) {
        let case = &mut self.cases[at];
        (case.looked, case.refused, case.unconfirmed, case.failure) = (true, refused, unconfirmed, failure);
        (case.images, case.here, case.bytes, case.lacking, case.missing) = (0, 0, 0, 0, 0);
    }

    pub(super) fn cannot_look(&mut self, at: usize, failure: Failure) {
        self.cases[at].failure = Some(failure);
    }

    pub(super) fn wants(&mut self, at: usize, raw: u64, here: Option<u64>) {
        self.cases[at].wants(raw, here);
    }

    /// Everything has been looked at, and images begin to come.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.since = Some(now);
    }

    /// Whether an image is worth asking for.
    pub(super) fn goes_for(&mut self, of: (usize, usize), raw: u64, room: u64) -> bool {
        if matches!(self.ended, Some(Ended::Full { .. })) {
            return false;
        }
        if self.lost.get(&of).is_some_and(|lost| *lost >= LOST_IN_A_ROW) {
            self.gives_up(of.0, raw);
            return false;
        }
        // Encoded it takes less as a rule; never more, but for a few bytes.
        if self.bytes().saturating_add(raw) > room {
            self.is_full(Ended::Full { disk: false });
            return false;
        }
        self.current = Some(of.0);
        true
    }

    pub(super) fn came(&mut self, of: (usize, usize), raw: u64, bytes: u64, now: Timestamp) {
        let case = &mut self.cases[of.0];
        case.here += 1;
        case.bytes += bytes;
        case.lacking = case.lacking.saturating_sub(raw);
        case.at = Some(now);
        self.lost.remove(&of);
        self.fetched = (self.fetched.0 + raw, self.fetched.1 + bytes);
        self.waiting = false;
        self.since.get_or_insert(now);
        self.recent.push_back((now, bytes));
        while self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            self.recent.pop_front();
        }
    }

    pub(super) fn lost(&mut self, of: (usize, usize), raw: u64, code: FailureCode) {
        self.waiting = false;
        self.cases[of.0].failure = Some(Failure::new(code, ""));
        self.gives_up(of.0, raw);
        // An image that nobody can show says nothing about the next one.
        let own = [
            FailureCode::EncodingUnsupported,
            FailureCode::ImageDamaged,
            FailureCode::ImageTruncated,
            FailureCode::DecoderStopped,
            FailureCode::NotDisplayable,
            FailureCode::NotDicom,
            FailureCode::TooLarge,
        ];
        if !own.contains(&code) {
            *self.lost.entry(of).or_default() += 1;
        }
    }

    fn gives_up(&mut self, at: usize, raw: u64) {
        let case = &mut self.cases[at];
        case.missing += 1;
        case.lacking = case.lacking.saturating_sub(raw);
    }

    /// Nobody answers for the time being.
    pub(super) fn waits(&mut self) {
        self.waiting = true;
        self.since = None;
        self.recent.clear();
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }

    pub(super) fn goes_on(&mut self) {
        self.waiting = false;
    }

    pub(super) fn is_full(&mut self, how: Ended) {
        self.ended = Some(how);
    }

    pub(super) fn end(&mut self) {
        self.ended = self.ended.or(Some(Ended::Asked));
        self.current = None;
    }

    /// The patient of a case of which everything is here and nobody has noted it, and since when.
    pub(super) fn completes(&mut self, at: usize, now: Timestamp) -> Option<(String, Timestamp)> {
        let case = &mut self.cases[at];
        if case.noted || !case.is_whole() {
            return None;
        }
        case.noted = true;
        Some((case.patient.clone(), *case.at.get_or_insert(now)))
    }

    fn bytes(&self) -> u64 {
        self.cases.iter().map(|case| case.bytes).sum()
    }

    /// About the bytes that what is lacking will take: as large as what came, in relation.
    fn lacking(&self) -> Option<u64> {
        let lacking: u64 = self.cases.iter().map(|case| case.lacking).sum();
        if !self.cases.iter().all(|case| case.looked) {
            return None;
        }
        let (raw, bytes) = self.fetched;
        if raw == 0 {
            return Some(lacking);
        }
        u64::try_from(u128::from(lacking) * u128::from(bytes) / u128::from(raw)).ok()
    }

    fn rate(&self, now: Timestamp) -> Option<u64> {
        let long = now.duration_since(self.since?).min(WINDOW);
        if long < SHORTEST {
            return None;
        }
        let bytes: u64 = self.recent.iter().map(|(_, bytes)| bytes).sum();
        let millis = u64::try_from(long.as_millis()).ok()?;
        bytes.checked_mul(1000)?.checked_div(millis).filter(|rate| *rate > 0)
    }

    fn state(&self, running: bool, now: Timestamp) -> PreloadState {
        if running {
            if self.waiting {
                return PreloadState::Waiting;
            }
            let rate = self.rate(now);
            let seconds = self.lacking().zip(rate).map(|(lacking, rate)| lacking.div_ceil(rate));
            return PreloadState::Running { rate, seconds: seconds.and_then(|seconds| u32::try_from(seconds).ok()) };
        }
        if self.is_complete() {
            let at = self.cases.iter().filter(|case| case.images > 0).filter_map(|case| case.at).max();
            return PreloadState::Done { at: at.map(|at| at.to_string()) };
        }
        let whole = self.cases.iter().filter(|case| case.is_whole()).count();
        let count = |cases: usize| u32::try_from(cases).unwrap_or(u32::MAX);
        match self.ended {
            None => PreloadState::Idle,
            Some(Ended::Asked) => PreloadState::Partly { cases: count(self.cases.len() - whole) },
            Some(Ended::Full { disk }) => PreloadState::Full { cases: count(whole), disk },
        }
    }

    /// What the page is told.
    pub(super) fn view(&self, session: &str, serial: u32, running: bool, now: Timestamp) -> PreloadView {
        let coming = |at: usize| running && self.current == Some(at);
        PreloadView {
            serial,
            session: session.to_owned(),
            state: self.state(running, now),
            images: self.cases.iter().map(|case| case.here).sum(),
            of: self.cases.iter().map(CaseProgress::known).sum(),
            bytes: self.bytes(),
            of_bytes: self.lacking().map(|lacking| self.bytes() + lacking),
            cases: self.cases.iter().enumerate().map(|(at, case)| case.view(coming(at))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CaseProgress, Ended, Progress};
    use contract::{FailureCode, PreloadCaseState, PreloadState};
    use jiff::{SignedDuration, Timestamp};

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    fn two_cases() -> Progress {
        let case =
            |patient: &str, named| CaseProgress { patient: patient.to_owned(), named, ..CaseProgress::default() };
        Progress::of(vec![case("a", Some(3)), case("b", None)])
    }

    #[test]
    fn a_size_is_said_once_it_is_known_and_never_made_up() {
        let mut progress = two_cases();
        let view = progress.view("s", 1, false, at(0));
        assert_eq!((view.of, view.of_bytes), (None, None), "the record does not say it of the second case");
        progress.looked(1, 0, 0, None);
        progress.wants(1, 1000, None);
        let view = progress.view("s", 1, false, at(0));
        assert_eq!((view.of, view.of_bytes), (Some(4), None), "three that are named and one that is there");
        progress.looked(0, 0, 0, None);
        progress.wants(0, 1000, Some(400));
        progress.wants(0, 1000, None);
        let view = progress.view("s", 1, true, at(0));
        assert_eq!((view.images, view.of), (1, Some(3)), "as the archive says");
        assert_eq!((view.bytes, view.of_bytes), (400, Some(2400)), "pixels count whole while nothing has come");
        progress.begin(at(0));
        progress.came((0, 0), 1000, 500, at(1));
        let view = progress.view("s", 1, true, at(1));
        assert_eq!((view.bytes, view.of_bytes), (900, Some(1400)), "the last will be half its size as well");
    }

    #[test]
    fn speed_and_rest_are_said_of_the_last_seconds_and_begin_anew_after_a_pause() {
        let mut progress = two_cases();
        for case in 0..2 {
            progress.looked(case, 0, 0, None);
            for _ in 0..10 {
                progress.wants(case, 1000, None);
            }
        }
        progress.begin(at(0));
        progress.came((0, 0), 1000, 1000, at(1));
        let said = |progress: &Progress, now| {
            let state = progress.view("s", 1, true, at(now)).state;
            let PreloadState::Running { rate, seconds } = state else { panic!("it runs: {state:?}") };
            (rate, seconds)
        };
        assert_eq!(said(&progress, 1), (None, None), "one second says nothing");
        for second in 2..=4 {
            progress.came((0, 0), 1000, 1000, at(second));
        }
        assert_eq!(said(&progress, 4), (Some(1000), Some(16)), "a thousand bytes a second, sixteen thousand to come");
        progress.waits();
        assert_eq!(progress.view("s", 1, true, at(60)).state, PreloadState::Waiting, "nobody answers");
        progress.came((0, 0), 1000, 1000, at(60));
        assert_eq!(said(&progress, 61), (None, None), "the pause is no slowness");
    }

    #[test]
    fn what_was_said_of_an_attempt_holds_for_what_is_lacking_still() {
        let mut former = two_cases();
        for case in 0..2 {
            former.looked(case, 0, 0, None);
            former.wants(case, 1000, None);
        }
        former.came((0, 0), 1000, 1000, at(5));
        former.lost((1, 0), 1000, FailureCode::PlatformFailed);
        former.end();
        assert_eq!(former.view("s", 1, false, at(9)).state, PreloadState::Partly { cases: 1 }, "one case lacks one");
        let mut fresh = two_cases();
        fresh.looked(0, 0, 0, None);
        fresh.wants(0, 1000, Some(1000));
        let view = fresh.after(&former).view("s", 1, false, at(9));
        assert_eq!(view.state, PreloadState::Partly { cases: 1 }, "still");
        assert_eq!(view.cases[0].state, PreloadCaseState::Here, "the first is here");
        let lost = (view.cases[1].missing, view.cases[1].failure.as_ref().map(|failure| failure.code));
        assert_eq!(lost, (1, Some(FailureCode::PlatformFailed)), "and why the second is not");
    }

    #[test]
    fn a_case_without_images_lacks_nothing() {
        let mut progress = two_cases();
        progress.looked(0, 0, 0, None);
        progress.looked(1, 1, 0, None);
        let view = progress.view("s", 1, false, at(0));
        assert_eq!((view.state, view.of), (PreloadState::Done { at: None }, Some(0)), "there is nothing to fetch");
        assert_eq!(view.cases[1].state, PreloadCaseState::Without, "another person's study is none of hers");
        progress.is_full(Ended::Full { disk: true });
        assert_eq!(progress.completes(0, at(7)), Some(("a".to_owned(), at(7))), "and it is noted once");
        assert_eq!(progress.completes(0, at(8)), None, "once");
    }
}
