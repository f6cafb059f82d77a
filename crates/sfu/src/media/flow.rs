//! One track from its publisher to all who hear it: which layers arrive, who gets which, and when a key frame is asked
//! for.

use super::forward::{Forward, Head, Rewritten};
use crate::rooms::{Kind, Layer, Listener, Route, Seat};
use std::time::{Duration, Instant};
use str0m::media::{Mid, Pt, Rid};

/// A key frame of one layer is asked for at most this often: each costs as much as many frames.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(50);
/// Whoever waits for a key frame asks again after this.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// A layer that was silent for this long is not sent any more.
const SILENT_AFTER: Duration = Duration::from_millis(1500);

#[derive(Debug)]
pub(super) struct Flow {
    pub(super) kind: Kind,
    pub(super) from: Seat,
    pub(super) mid: Mid,
    pub(super) muted: bool,
    sources: [Source; 3],
    pub(super) listeners: Vec<Down>,
}

/// One layer as it arrives.
#[derive(Debug, Default)]
struct Source {
    rid: Option<Rid>,
    heard: Option<Instant>,
    asked: Option<Instant>,
    /// A key frame is wanted and was not asked for yet.
    wanted: bool,
    first: u64,
    newest: u64,
    count: u64,
}

/// One who hears.
#[derive(Debug)]
pub(super) struct Down {
    pub(super) seat: Seat,
    pub(super) mid: Mid,
    wish: Option<Layer>,
    pub(super) forward: Forward,
    /// The listener's number for the codec (RFC 3551 §3); none while it is not looked up.
    pub(super) codec: Option<Pt>,
    asked: Option<Instant>,
}

impl Flow {
    pub(super) fn new(route: &Route) -> Self {
        let mut flow = Self {
            kind: route.kind,
            from: route.from,
            mid: Mid::from(route.mid.as_str()),
            muted: route.muted,
            sources: Default::default(),
            listeners: Vec::new(),
        };
        flow.update(route);
        flow
    }

    /// Takes over who hears, and keeps the numbering of those who heard before.
    pub(super) fn update(&mut self, route: &Route) {
        self.mid = Mid::from(route.mid.as_str());
        self.muted = route.muted;
        if self.muted {
            self.listeners.iter_mut().for_each(|down| down.forward.pause());
        }
        let mut former = std::mem::take(&mut self.listeners);
        for Listener { seat, mid, layer } in &route.to {
            let mid = Mid::from(mid.as_str());
            let known = former.iter().position(|down| down.seat == *seat && down.mid == mid);
            let mut down = match known {
                Some(at) => former.swap_remove(at),
                None => Down::new(*seat, mid, self.kind),
            };
            if layer.is_none() {
                down.forward.pause();
            }
            if down.wish != *layer {
                down.asked = None;
            }
            down.wish = *layer;
            self.listeners.push(down);
        }
    }

    /// Notes a packet, and of which layer's stream it is.
    pub(super) fn arrived(&mut self, head: &Head, rid: Option<Rid>) {
        let source = &mut self.sources[head.layer.index()];
        source.rid = rid;
        source.heard = Some(head.arrived);
        if source.count == 0 {
            source.first = head.sequence;
        }
        source.newest = source.newest.max(head.sequence);
        source.count += 1;
        if head.begins {
            source.wanted = false;
        }
    }

    /// What becomes of a packet at each who hears.
    pub(super) fn forward(&mut self, head: Head) -> Vec<(usize, Rewritten)> {
        if self.muted {
            return Vec::new();
        }
        let alive = self.alive(head.arrived);
        let listeners = self.listeners.iter_mut().enumerate();
        listeners
            .filter_map(|(at, down)| {
                let target = target(alive, down.wish?)?;
                // Its layer has ended: another one may begin.
                if down.forward.layer().is_some_and(|layer| !alive[layer.index()]) {
                    down.forward.pause();
                }
                Some((at, down.forward.packet(head, target)?))
            })
            .collect()
    }

    /// A listener lost its picture.
    pub(super) fn lost_picture(&mut self, seat: Seat, mid: Mid) {
        let layer = self.listeners.iter().find(|down| down.seat == seat && down.mid == mid);
        if let Some(layer) = layer.and_then(|down| down.forward.layer()) {
            self.sources[layer.index()].wanted = true;
        }
    }

    /// Of which streams a key frame is to be asked for by now.
    pub(super) fn requests(&mut self, now: Instant) -> Vec<Option<Rid>> {
        if self.kind == Kind::Audio || self.muted {
            return Vec::new();
        }
        let alive = self.alive(now);
        for down in &mut self.listeners {
            let Some(target) = down.wish.and_then(|wish| target(alive, wish)) else { continue };
            let waits = down.forward.layer() != Some(target);
            if waits && down.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= ASK_AGAIN) {
                down.asked = Some(now);
                self.sources[target.index()].wanted = true;
            }
        }
        let due = self.sources.iter_mut().filter(|source| {
            source.wanted
                && source.heard.is_some()
                && source.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= BETWEEN_REQUESTS)
        });
        due.map(|source| {
            source.wanted = false;
            source.asked = Some(now);
            source.rid
        })
        .collect()
    }

    /// How many packets were expected since the last time, and how many of them are missing.
    pub(super) fn arrival(&mut self) -> (u64, u64) {
        let mut sum = (0_u64, 0_u64);
        for source in self.sources.iter_mut().filter(|source| source.count > 0) {
            let expected = source.newest.saturating_sub(source.first) + 1;
            sum.0 += expected;
            sum.1 += expected.saturating_sub(source.count);
            source.first = source.newest + 1;
            source.count = 0;
        }
        sum
    }

    fn alive(&self, now: Instant) -> [bool; 3] {
        [0, 1, 2].map(|at: usize| {
            self.sources[at].heard.is_some_and(|heard| now.saturating_duration_since(heard) < SILENT_AFTER)
        })
    }
}

impl Down {
    fn new(seat: Seat, mid: Mid, kind: Kind) -> Self {
        let clock = match kind {
            Kind::Audio => 48_000,
            Kind::Video => 90_000,
        };
        Self { seat, mid, wish: None, forward: Forward::new(clock), codec: None, asked: None }
    }
}

/// The largest layer that arrives and is not larger than wished, else the smallest that arrives.
fn target(alive: [bool; 3], wish: Layer) -> Option<Layer> {
    let arriving = || Layer::ALL.into_iter().filter(|layer| alive[layer.index()]);
    arriving().filter(|layer| *layer <= wish).max().or_else(|| arriving().min())
}
