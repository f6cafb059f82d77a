//! Who gets which layer of what may come.

use super::{Came, TooMuch};
use crate::signal::{Layer, Step};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

/// Voices have this first, in bits per second.
pub(super) const SOUND: f64 = 70_000.0;
/// A picture of so many pixels takes this much times their number to the power of [`SIZE_POWER`], in bits per second, where
/// its publisher does not say: within a third of client-sdk-js' layers (`options.ts`, `VideoPresets`).
const SIZE_BITS: f64 = 43.0;
const SIZE_POWER: f64 = 0.75;
/// Of a picture without a size nothing is known but that it is one.
const UNKNOWN: f64 = 640.0 * 360.0;
/// In bits per second: sums in another order differ by less.
const ROUNDING: f64 = 1.0;
/// The smallest layer of the most important one is shown where it takes up to so much of what there is, beside nothing else.
const NEARLY: f64 = 1.25;
/// Over so long it is measured what a layer takes. The first time holds the key frame by which it begins, and does not count.
const MEASURED: Duration = Duration::from_secs(1);
/// What takes more than was known is known to at once, nearly; what takes less may be standing still.
const RISES: f64 = 0.5;
const FALLS: f64 = 0.05;

/// What a picture is to whoever looks, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Somebody shows it to all, and it is to be read.
    Screen,
    /// Somebody who speaks, or has just spoken.
    Speaker,
    /// Somebody else.
    Face,
}

/// A picture that somebody sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The track's `sid`.
    pub track: String,
    /// What it is.
    pub rank: Rank,
    /// How large it is shown, in pixels (width times height): of two of one rank the larger one goes first.
    pub shown: u64,
    /// As the publisher says, the smallest first.
    pub layers: Vec<Layer>,
    /// The largest layer that is of use; none while the picture is not shown.
    pub most: Option<Step>,
}

/// The layer that is to be asked for of each picture that is shown, by the track's `sid`; none where it is held back.
pub type Allotted = BTreeMap<String, Option<Step>>;

impl Wanted {
    /// Those that are of use, the smallest first; the smallest in any case.
    fn layers(&self) -> impl Iterator<Item = &Layer> {
        let most = self.most;
        let is_of_use = move |number: usize, layer: &Layer| most.is_some_and(|most| number == 0 || layer.step <= most);
        self.layers.iter().enumerate().filter(move |(number, layer)| is_of_use(*number, layer)).map(|(_, layer)| layer)
    }

    fn is_first(&self, layer: &Layer) -> bool {
        self.layers.first().is_some_and(|first| first.step == layer.step)
    }

    /// The layer of a picture of this size in pixels, as nearly as it can be told.
    fn of_size(&self, pixels: u32) -> Option<Step> {
        let far = |layer: &&Layer| (size(layer) / f64::from(pixels)).ln().abs();
        self.layers.iter().min_by(|one, other| far(one).total_cmp(&far(other))).map(|layer| layer.step)
    }
}

/// In pixels.
fn size(layer: &Layer) -> f64 {
    let size = f64::from(layer.width) * f64::from(layer.height);
    if size > 0.0 { size } else { UNKNOWN }
}

/// What its publisher says that it takes, else what its size says, in bits per second.
fn published(layer: &Layer) -> f64 {
    if layer.bitrate > 0 { f64::from(layer.bitrate) } else { SIZE_BITS * size(layer).powf(SIZE_POWER) }
}

/// Layers in the order in which they are given: a screen's as far as they go, then the smallest of each other picture, then
/// the rest.
pub(super) fn turns(wanted: &[Wanted]) -> Vec<(&Wanted, &Layer)> {
    let mut sorted: Vec<&Wanted> = wanted.iter().collect();
    sorted.sort_by_key(|wanted| (wanted.rank, Reverse(wanted.shown), &wanted.track));
    let (screens, others): (Vec<_>, Vec<_>) = sorted.into_iter().partition(|wanted| wanted.rank == Rank::Screen);
    let mut turns = Vec::new();
    for screen in screens {
        turns.extend(screen.layers().map(|layer| (screen, layer)));
    }
    for other in &others {
        turns.extend(other.layers().take(1).map(|layer| (*other, layer)));
    }
    for other in &others {
        turns.extend(other.layers().skip(1).map(|layer| (*other, layer)));
    }
    turns
}

/// What layers take.
#[derive(Debug, Default)]
pub(super) struct Costs {
    known: BTreeMap<(String, Step), Cost>,
    measuring: BTreeMap<String, Measuring>,
}

/// In bits per second.
#[derive(Debug, Clone, Copy)]
enum Cost {
    /// As it was measured where the line had room.
    Seen(f64),
    /// It was more than there was.
    More(f64),
}

#[derive(Debug)]
struct Measuring {
    step: Step,
    since: Duration,
    bits: f64,
    /// The layer came before that, too.
    settled: bool,
}

impl Costs {
    /// Takes what came up to `now` of what was asked for. What comes over a full line is less than what is sent.
    pub(super) fn learn(&mut self, now: Duration, came: &[Came], wanted: &[Wanted], asked: &Allotted, full: bool) {
        self.known.retain(|(track, _), _| wanted.iter().any(|one| &one.track == track));
        self.measuring.retain(|track, _| wanted.iter().any(|one| &one.track == track));
        for came in came.iter().filter(|came| came.packets > 0 && came.pixels > 0) {
            let Some(wanted) = wanted.iter().find(|wanted| wanted.track == came.track) else { continue };
            let Some(step) = wanted.of_size(came.pixels) else { continue };
            let measuring = self.measuring.entry(came.track.clone()).or_insert_with(|| Measuring::new(now, step));
            let is_asked = asked.get(&came.track) == Some(&Some(step));
            if measuring.step != step || !is_asked || full {
                *measuring = Measuring::new(now, step);
                continue;
            }
            // What was lost was sent all the same.
            let sent = f64::from(came.packets.saturating_add(came.lost)) / f64::from(came.packets);
            measuring.bits += f64::from(came.bytes) * 8.0 * sent;
            let passed = now.saturating_sub(measuring.since);
            if passed < MEASURED {
                continue;
            }
            let seen = measuring.bits / passed.as_secs_f64();
            if std::mem::replace(&mut measuring.settled, true) {
                let cost = self.known.entry((came.track.clone(), step)).or_insert(Cost::Seen(seen));
                *cost = Cost::Seen(match *cost {
                    Cost::Seen(known) => known + (seen - known) * if seen > known { RISES } else { FALLS },
                    Cost::More(_) => seen,
                });
            }
            (measuring.since, measuring.bits) = (now, 0.0);
        }
    }

    /// Another layer of this picture is asked for.
    pub(super) fn changes(&mut self, track: &str) {
        self.measuring.remove(track);
    }

    /// What a layer takes, in bits per second.
    pub(super) fn of(&self, wanted: &Wanted, layer: &Layer) -> f64 {
        match self.known.get(&(wanted.track.clone(), layer.step)) {
            Some(Cost::Seen(known)) => *known,
            Some(Cost::More(than)) => published(layer).max(*than),
            None => published(layer),
        }
    }

    /// What a layer takes beside the one below it, in bits per second.
    pub(super) fn more(&self, wanted: &Wanted, layer: &Layer) -> f64 {
        let below = wanted.layers.iter().take_while(|below| below.step < layer.step).last();
        self.of(wanted, layer) - below.map_or(0.0, |below| self.of(wanted, below))
    }

    /// A layer took more than there was, in bits per second.
    pub(super) fn is_more(&mut self, wanted: &Wanted, layer: &Layer, than: f64) {
        let cost = self.of(wanted, layer).max(than);
        self.known.insert((wanted.track.clone(), layer.step), Cost::More(cost));
    }

    /// A layer came without a queue where so much was left for it, in bits per second.
    pub(super) fn fits(&mut self, wanted: &Wanted, layer: &Layer, into: f64) {
        let cost = self.of(wanted, layer).min(into);
        self.known.insert((wanted.track.clone(), layer.step), Cost::Seen(cost));
    }

    /// What is left of `room` beside what others than `track` have been given, in bits per second.
    pub(super) fn left(&self, room: f64, wanted: &[Wanted], allotted: &Allotted, track: &str) -> f64 {
        let others = wanted.iter().filter(|one| one.track != track);
        (room - self.sum(others, allotted)).max(0.0)
    }

    fn sum<'a>(&self, wanted: impl Iterator<Item = &'a Wanted>, allotted: &Allotted) -> f64 {
        let given = |one: &Wanted| allotted.get(&one.track).copied().flatten();
        let layers = wanted.filter_map(|one| {
            let layer = one.layers.iter().find(|layer| Some(layer.step) == given(one))?;
            Some(self.of(one, layer))
        });
        layers.sum()
    }

    /// What fits into `room`, in bits per second.
    pub(super) fn allot(&self, room: f64, wanted: &[Wanted], held: &Held<'_>) -> Allotted {
        let room = room.max(held.least(self, wanted));
        let mut given: BTreeMap<&str, (Step, f64)> = BTreeMap::new();
        let mut taken = 0.0;
        let turns = turns(wanted).into_iter().filter(|(one, layer)| held.lets(one, layer));
        for (number, (one, layer)) in turns.enumerate() {
            let room = if number == 0 { room * NEARLY } else { room };
            let cost = self.of(one, layer);
            let before = given.get(one.track.as_str()).map(|(_, cost)| *cost);
            let more = (cost - before.unwrap_or(0.0)).max(0.0);
            if (one.is_first(layer) || before.is_some()) && taken + more <= room + ROUNDING {
                taken += more;
                given.insert(&one.track, (layer.step, before.unwrap_or(0.0) + more));
            }
        }
        let shown = wanted.iter().filter(|one| one.most.is_some());
        shown.map(|one| (one.track.clone(), given.get(one.track.as_str()).map(|(step, _)| *step))).collect()
    }
}

/// What is given already.
pub(super) enum Held<'a> {
    /// It is to become less: nothing is given that was not.
    Less(&'a Allotted),
    /// It stays, and no more is given.
    Same(&'a Allotted),
    /// It stays, and more may be given, but of these only the smallest layers.
    More(&'a Allotted, &'a BTreeMap<(String, Step), TooMuch>),
}

impl Held<'_> {
    fn lets(&self, one: &Wanted, layer: &Layer) -> bool {
        let has =
            |held: &Allotted| held.get(&one.track).is_some_and(|held| held.is_some_and(|held| held >= layer.step));
        match self {
            Self::Less(held) | Self::Same(held) => has(held),
            Self::More(held, too_much) => {
                has(held) || one.is_first(layer) || !too_much.contains_key(&(one.track.clone(), layer.step))
            }
        }
    }

    /// What is there and does no harm stays, whatever is known of it, unless something more important comes.
    fn least(&self, costs: &Costs, wanted: &[Wanted]) -> f64 {
        match self {
            Self::Less(_) => 0.0,
            Self::Same(held) | Self::More(held, _) => costs.sum(wanted.iter(), held),
        }
    }
}

impl Measuring {
    fn new(since: Duration, step: Step) -> Self {
        Self { step, since, bits: 0.0, settled: false }
    }
}
