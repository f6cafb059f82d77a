//! What a page wants and has not got, and in which order it comes: the frame on screen first, then its neighbors, in
//! the direction of the last scrolling twice as far as against it, since a reader who moves on seldom turns at once.
//! `ui/src/imaging/prefetch.ts` keeps the same order for the scheme.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// The wishes of one page, one a series.
#[derive(Debug, Default)]
pub(super) struct Wants {
    series: BTreeMap<u32, Wanted>,
    /// The series that was asked for last.
    latest: Option<u32>,
}

#[derive(Debug)]
struct Wanted {
    frames: BTreeSet<u32>,
    near: u32,
    /// Where the reader goes: to greater numbers, to smaller ones, or nowhere.
    scrolling: Ordering,
    /// Nothing of this wish has been fetched.
    first: bool,
}

/// A frame whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) series: u32,
    pub(super) frame: u32,
    /// The first of its wish: the one that a person waits for.
    pub(super) first: bool,
}

impl Wants {
    /// A wish replaces the former one of its series; the two together say which way the reader scrolls.
    pub(super) fn want(&mut self, series: u32, (first, last): (u32, u32), near: u32) {
        // A hostile range must not make a large set.
        let last = last.min(first.saturating_add(100_000));
        let scrolling = self.series.get(&series).map_or(Ordering::Equal, |former| near.cmp(&former.near));
        self.series.insert(series, Wanted { frames: (first..=last).collect(), near, scrolling, first: true });
        self.latest = Some(series);
    }

    pub(super) fn forget(&mut self, series: u32) {
        self.series.remove(&series);
    }

    pub(super) fn knows(&self, series: u32) -> bool {
        self.series.contains_key(&series)
    }

    /// Takes the most urgent frame of the series asked for last, then of the others.
    pub(super) fn next(&mut self) -> Option<Next> {
        let open = |wanted: &Wanted| !wanted.frames.is_empty();
        let latest = self.latest.filter(|series| self.series.get(series).is_some_and(open));
        let series = latest.or_else(|| self.series.iter().find(|(_, wanted)| open(wanted)).map(|(id, _)| *id))?;
        let wanted = self.series.get_mut(&series)?;
        let frame = wanted.most_urgent()?;
        wanted.frames.remove(&frame);
        Some(Next { series, frame, first: std::mem::take(&mut wanted.first) })
    }
}

impl Wanted {
    fn most_urgent(&self) -> Option<u32> {
        // On each side the cost grows with the distance.
        let before = self.frames.range(..self.near).next_back();
        let after = self.frames.range(self.near..).next();
        before.into_iter().chain(after).copied().min_by_key(|frame| self.cost(*frame))
    }

    /// Twice the distance, or four times against the scrolling; of two that cost the same the later one comes first.
    fn cost(&self, frame: u32) -> u64 {
        let side = frame.cmp(&self.near);
        let against = side != Ordering::Equal && side == self.scrolling.reverse();
        let distance = u64::from(frame.abs_diff(self.near));
        distance * if against { 4 } else { 2 } - u64::from(side == Ordering::Greater)
    }
}

#[cfg(test)]
mod tests {
    use super::Wants;

    /// Everything that is wanted, in the order in which it comes.
    fn order(wants: &mut Wants) -> Vec<u32> {
        std::iter::from_fn(|| wants.next()).map(|next| next.frame).collect()
    }

    // The orders are those that `ui/src/imaging/prefetch.test.ts` expects of the scheme.

    #[test]
    fn frames_come_nearest_first_on_both_sides_when_nobody_scrolls() {
        let mut wants = Wants::default();
        wants.want(1, (0, 6), 3);
        assert_eq!(order(&mut wants), [3, 4, 2, 5, 1, 6, 0], "the later one of two");
        wants.want(1, (0, 6), 3);
        assert_eq!(order(&mut wants), [3, 4, 2, 5, 1, 6, 0], "a wish at the same place is no scrolling");
    }

    #[test]
    fn frames_come_twice_as_far_ahead_as_behind_while_somebody_scrolls_on() {
        let mut wants = Wants::default();
        wants.want(1, (0, 9), 3);
        wants.want(1, (0, 9), 4);
        assert_eq!(order(&mut wants), [4, 5, 6, 3, 7, 8, 2, 9, 1, 0], "to the end");
        wants.want(1, (0, 9), 6);
        wants.want(1, (0, 9), 5);
        // The mirror image, but that of two which cost the same the later one comes first.
        assert_eq!(order(&mut wants), [5, 4, 6, 3, 2, 7, 1, 0, 8, 9], "and to the beginning");
    }

    #[test]
    fn only_the_scrolling_in_the_same_series_counts() {
        let mut wants = Wants::default();
        wants.want(1, (0, 9), 9);
        wants.want(2, (0, 4), 2);
        assert_eq!(order(&mut wants)[..5], [2, 3, 1, 4, 0], "a series asked for anew");
        wants.want(1, (0, 2), 0);
        wants.forget(1);
        wants.want(1, (4, 6), 5);
        assert_eq!(order(&mut wants), [5, 6, 4], "a series that was dropped meanwhile");
    }

    #[test]
    fn the_series_asked_for_last_comes_first_and_each_wish_has_one_first_frame() {
        let mut wants = Wants::default();
        wants.want(1, (0, 2), 0);
        wants.want(2, (4, 5), 5);
        let all: Vec<_> =
            std::iter::from_fn(|| wants.next()).map(|next| (next.series, next.frame, next.first)).collect();
        let expected = [(2, 5, true), (2, 4, false), (1, 0, true), (1, 1, false), (1, 2, false)];
        assert_eq!(all, expected, "series, frame, and whether a person waits for it");
    }

    #[test]
    fn a_range_of_all_numbers_is_cut() {
        let mut wants = Wants::default();
        wants.want(1, (0, u32::MAX), u32::MAX);
        assert_eq!(order(&mut wants).len(), 100_001, "a hostile range makes no large set");
    }
}
