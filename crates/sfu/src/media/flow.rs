//! One track from its publisher to all who hear it: which layers arrive, who gets which, and when a key frame is asked
//! for.

use super::forward::{Forward, Head, Rewritten};
use super::history::History;
use super::loss::Loss;
use crate::rooms::{Kind, Layer, Listener, Route, Seat};
use std::time::{Duration, Instant};
use str0m::media::{Mid, Pt, Rid};

/// A key frame of one layer is asked for at most so often at once, and then at most once in such a time: each costs as
/// much as many frames, and all who hear pay for it.
const REQUESTS_AT_ONCE: u8 = 4;
const BETWEEN_REQUESTS: Duration = Duration::from_millis(500);
/// A listener that lost its picture is heeded at most this often: it asks again while it has none.
const BETWEEN_LOSSES: Duration = Duration::from_millis(500);
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
    /// How many requests are left, as of when.
    requests: Option<(u8, Instant)>,
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
    /// None while it is not looked up.
    pub(super) codec: Option<Codec>,
    /// Of what the stack does not keep.
    pub(super) history: History,
    asked: Option<Instant>,
    lost: Option<Instant>,
}

/// How a codec is sent to a listener.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codec {
    /// The listener's number for it (RFC 3551 §3).
    pub(super) number: Pt,
    /// Lost packets come again in a stream of their own (RFC 4588), by the stack.
    pub(super) repairs: bool,
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

    /// Takes over who hears, and keeps the numbering of those who heard before; says to whom nothing is sent any more.
    pub(super) fn update(&mut self, route: &Route) -> Vec<(Seat, Mid)> {
        self.mid = Mid::from(route.mid.as_str());
        self.muted = route.muted;
        let mut paused = Vec::new();
        let mut former = std::mem::take(&mut self.listeners);
        for Listener { seat, mid, layer } in &route.to {
            let mid = Mid::from(mid.as_str());
            let known = former.iter().position(|down| down.seat == *seat && down.mid == mid);
            let mut down = match known {
                Some(at) => former.swap_remove(at),
                None => Down::new(*seat, mid, self.kind),
            };
            if layer.is_none() || self.muted {
                // What was said last is of use to whoever misses it.
                if self.kind == Kind::Video && down.forward.layer().is_some() {
                    down.history = History::default();
                    paused.push((*seat, mid));
                }
                down.forward.pause();
            }
            if down.wish != *layer {
                down.asked = None;
            }
            down.wish = *layer;
            self.listeners.push(down);
        }
        paused
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
    pub(super) fn lost_picture(&mut self, seat: Seat, mid: Mid, now: Instant) {
        let Some(down) = self.listeners.iter_mut().find(|down| down.seat == seat && down.mid == mid) else { return };
        if down.lost.is_some_and(|lost| now.saturating_duration_since(lost) < BETWEEN_LOSSES) {
            return;
        }
        if let Some(layer) = down.forward.layer() {
            down.lost = Some(now);
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
        let sources = self.sources.iter_mut().filter(|source| source.wanted && source.heard.is_some());
        let due = sources.filter_map(|source| {
            source.requests = Some(allowed(source.requests, now)?);
            source.wanted = false;
            Some(source.rid)
        });
        due.collect()
    }

    /// How many packets were expected since the last time, and how many of them are missing.
    pub(super) fn arrival(&mut self) -> Loss {
        let mut sum = Loss::default();
        for source in self.sources.iter_mut().filter(|source| source.count > 0) {
            let expected = source.newest.saturating_sub(source.first) + 1;
            sum.add(Loss { expected, missing: expected.saturating_sub(source.count) });
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
        Self {
            seat,
            mid,
            wish: None,
            forward: Forward::new(clock),
            codec: None,
            history: History::default(),
            asked: None,
            lost: None,
        }
    }
}

/// What is left of the requests after one more, and as of when; none where there is none left.
fn allowed(left: Option<(u8, Instant)>, now: Instant) -> Option<(u8, Instant)> {
    let (left, since) = left.unwrap_or((REQUESTS_AT_ONCE, now));
    let earned = now.saturating_duration_since(since).as_millis() / BETWEEN_REQUESTS.as_millis();
    let earned = u8::try_from(earned).unwrap_or(u8::MAX);
    let since = if earned > 0 { now } else { since };
    Some((left.saturating_add(earned).min(REQUESTS_AT_ONCE).checked_sub(1)?, since))
}

/// The largest layer that arrives and is not larger than wished, else the smallest that arrives.
fn target(alive: [bool; 3], wish: Layer) -> Option<Layer> {
    let arriving = || Layer::ALL.into_iter().filter(|layer| alive[layer.index()]);
    arriving().filter(|layer| *layer <= wish).max().or_else(|| arriving().min())
}

#[cfg(test)]
mod tests {
    use super::{BETWEEN_REQUESTS, Flow, Head, REQUESTS_AT_ONCE};
    use crate::rooms::{Kind, Layer, Listener, Route, Seat};
    use std::time::{Duration, Instant};
    use str0m::media::Mid;

    /// One picture in one size, which so many people see.
    fn shown(people: u64, now: Instant) -> Flow {
        let to = (1..=people).map(|seat| Listener { seat: Seat(seat), mid: "0".to_owned(), layer: Some(Layer::High) });
        let mut flow = Flow::new(&Route {
            track: "TR_1".to_owned(),
            kind: Kind::Video,
            from: Seat(0),
            mid: "0".to_owned(),
            muted: false,
            to: to.collect(),
        });
        let sent = sends(&mut flow, 0, now);
        assert_eq!(u64::try_from(sent).ok(), Some(people), "everybody begins with the key frame");
        flow
    }

    fn sends(flow: &mut Flow, sequence: u64, arrived: Instant) -> usize {
        let head = Head { layer: Layer::Low, sequence, timestamp: 0, arrived, begins: sequence == 0, picture: None };
        flow.arrived(&head, None);
        flow.forward(head).len()
    }

    #[test]
    fn a_lost_picture_is_asked_for_at_once() {
        let now = Instant::now();
        let mut flow = shown(2, now);
        assert_eq!(flow.requests(now).len(), 0, "nobody misses anything");
        flow.lost_picture(Seat(1), Mid::from("0"), now);
        assert_eq!(flow.requests(now).len(), 1, "of the publisher");
        assert_eq!(flow.requests(now).len(), 0, "once");
    }

    #[test]
    fn a_crowd_that_loses_its_picture_costs_two_key_frames_a_second() {
        let began = Instant::now();
        let mut flow = shown(24, began);
        let mut asked = 0;
        for step in 1..=200 {
            let now = began + Duration::from_millis(50) * step;
            sends(&mut flow, step.into(), now);
            (1..=24).for_each(|seat| flow.lost_picture(Seat(seat), Mid::from("0"), now));
            asked += flow.requests(now).len();
        }
        let steady = Duration::from_secs(10).as_millis() / BETWEEN_REQUESTS.as_millis();
        let most = u128::from(REQUESTS_AT_ONCE) + steady;
        assert!((steady..=most).contains(&u128::try_from(asked).unwrap_or(u128::MAX)), "{asked} in ten seconds");
    }

    #[test]
    fn one_who_loses_pictures_all_the_time_is_heeded_twice_a_second() {
        let began = Instant::now();
        let mut flow = shown(1, began);
        let mut asked = 0;
        for step in 1..=2000 {
            let now = began + Duration::from_millis(1) * step;
            flow.lost_picture(Seat(1), Mid::from("0"), now);
            asked += flow.requests(now).len();
        }
        // One each 500 ms from the first millisecond on.
        assert_eq!(asked, 4, "in two seconds");
    }
}
