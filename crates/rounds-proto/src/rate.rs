//! How fast we may send: an estimate of what the way to the server carries, from what it says of packets that arrived.
//!
//! Two things are known of each packet: when it left and when it arrived, by two clocks that need not agree. From them
//! follow how much comes through, and how much longer than the least that a packet was under way it is under way now,
//! which is how long the queue before the narrowest place is.
//!
//! ```text
//!             the queue grows                      it is empty, or it was waited for
//!   Growing ──────────────────▶ Draining ────────────────────────────────────▶ Growing
//! ```
//!
//! While the queue grows, what comes through *is* what the way carries: that is the one moment at which it can be
//! measured, and it is remembered. Growing is quick far below it and slow near it; where nothing queues above it, the way
//! has become wider. Loss says little: radio loses packets at any rate, and whoever slows down for it ends at the floor
//! (webrtc-rs' own estimator uses 2.7 % of a way that loses every fifth packet). So loss counts only where there is more
//! of it than there was at a lower rate.
//!
//! Times are durations since any fixed instant of a clock that never goes back.

use std::collections::VecDeque;
use std::time::Duration;

/// Voice and little else, in bits per second.
pub const LEAST: f64 = 60_000.0;
/// Nothing of ours needs more, in bits per second.
pub const MOST: f64 = 8_000_000.0;
/// Where an estimate begins, in bits per second.
pub const START: f64 = 1_000_000.0;

/// Over so long it is measured what comes through.
const MEASURED: Duration = Duration::from_millis(500);
/// As many are more than [`MOST`] can be.
const MOST_RECENT: usize = 4096;
/// For so long the least time under way is remembered: routes change.
const LEAST_KEPT: Duration = Duration::from_secs(20);
/// A queue stands before all packets of so long.
const MOMENTS: Duration = Duration::from_millis(150);
/// Who sends less of what they may does not fill the way.
const FILLS: f64 = 0.75;
/// A queue of this length counts for them too.
const LONG_QUEUE: Duration = Duration::from_millis(200);
/// A queue that is longer is one of ours.
const QUEUE: Duration = Duration::from_millis(50);
/// A queue that is shorter is none.
const EMPTY: Duration = Duration::from_millis(15);
/// Draining is waited for no longer: the queue may be somebody else's.
const LONGEST_DRAIN: Duration = Duration::from_secs(2);
/// Between two steps of growing.
const STEP: Duration = Duration::from_millis(100);
/// Each step, where what the way carries is not known, or is far.
const QUICK: f64 = 1.08;
/// Each step near it.
const SLOW: f64 = 1.006;
/// From this part of what the way carried on, growing is slow.
const NEAR: f64 = 0.9;
/// Above this part of it without a queue, the way has become wider.
const BEYOND: f64 = 1.08;
/// What is drained is replaced by so much less than comes through.
const DRAIN: f64 = 0.8;
/// After draining we go on with this part of what the way carries.
const RESUMED: f64 = 0.95;
/// More loss than at the best of times, by this part of all packets, is ours.
const OWN_LOSS: f64 = 0.06;
/// The best of times lie within this.
const LOSS_KEPT: Duration = Duration::from_secs(20);
/// Loss is a part of so many packets at least.
const LOSS_OF: usize = 40;
/// Loss is told of what left within this: a voice alone has fifty packets a second.
const TOLD: Duration = Duration::from_secs(4);
/// That the way was full is told for so long.
const FULL_TOLD: Duration = Duration::from_secs(30);
/// What is not sent cannot be measured: no estimate is further above what is sent.
const HEADROOM: f64 = 2.0;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// With its headers.
    pub bytes: usize,
    /// When it left, by our clock.
    pub departure: Duration,
    /// When it arrived, by the other's clock; none where it was lost.
    pub arrival: Option<Duration>,
}

/// The estimate.
#[derive(Debug)]
pub struct Rate {
    target: f64,
    state: State,
    /// What the way carried when it was last full.
    capacity: Option<f64>,
    recent: VecDeque<Sent>,
    /// Times under way with when they were, each smaller than all before it: a window's least is its first.
    least: VecDeque<(Duration, f64)>,
    losses: VecDeque<(Duration, f64)>,
    queue: Duration,
    grown: Duration,
    loss: f64,
    /// When packets left, and whether they were lost.
    told: VecDeque<(Duration, bool)>,
    /// When a queue last showed what the way carries, and how much that was.
    full: Option<(Duration, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Growing,
    Draining { since: Duration },
}

impl Default for Rate {
    fn default() -> Self {
        Self::new(START)
    }
}

impl Rate {
    /// Begins with so many bits per second.
    #[must_use]
    pub fn new(start: f64) -> Self {
        Self {
            target: start.clamp(LEAST, MOST),
            state: State::Growing,
            capacity: None,
            recent: VecDeque::new(),
            least: VecDeque::new(),
            losses: VecDeque::new(),
            queue: Duration::ZERO,
            grown: Duration::ZERO,
            loss: 0.0,
            told: VecDeque::new(),
            full: None,
        }
    }

    /// So many bits per second may leave, everything counted: between [`LEAST`] and [`MOST`].
    #[must_use]
    pub fn target(&self) -> f64 {
        self.target
    }

    /// How long what leaves now stands before the narrowest place, as far as it is known.
    #[must_use]
    pub fn queue(&self) -> Duration {
        self.queue
    }

    /// What the way carried when a queue last showed it, in bits per second; none where that is longer ago than half a minute.
    #[must_use]
    pub fn full(&self, now: Duration) -> Option<f64> {
        self.full.filter(|&(at, _)| now.saturating_sub(at) < FULL_TOLD).map(|(_, carried)| carried)
    }

    /// The part of all packets that was lost in the last seconds, from 0 to 1; 0 where too few left to tell.
    #[must_use]
    pub fn loss(&self) -> f64 {
        if self.told.len() < LOSS_OF {
            return 0.0;
        }
        share(self.told.iter().filter(|&&(_, lost)| lost).count(), self.told.len())
    }

    /// Takes what became of packets, in the order in which they left.
    pub fn take(&mut self, now: Duration, packets: &[Sent]) {
        if packets.is_empty() {
            return;
        }
        for packet in packets {
            self.recent.push_back(*packet);
            if let Some(under_way) = under_way(packet) {
                self.note_least(now, under_way);
            }
        }
        let newest = packets.iter().map(|packet| packet.departure).max().unwrap_or(now);
        self.told.extend(packets.iter().map(|packet| (packet.departure, packet.arrival.is_none())));
        while self.told.len() > MOST_RECENT
            || self.told.front().is_some_and(|&(at, _)| at.saturating_add(TOLD) < newest)
        {
            self.told.pop_front();
        }
        let old = |packet: &Sent| packet.departure.saturating_add(MEASURED) < newest;
        while self.recent.len() > MOST_RECENT || self.recent.front().is_some_and(old) {
            self.recent.pop_front();
        }
        self.measure_queue();
        let own_loss = self.measure_loss(now);
        let Some(through) = self.through() else { return };
        match self.state {
            State::Growing if self.queue > QUEUE => {
                let sent = self.sent().unwrap_or(through);
                if sent >= self.target * FILLS {
                    (self.capacity, self.full) = (Some(through), Some((now, through)));
                    self.state = State::Draining { since: now };
                    self.drain(through);
                } else if self.queue > LONG_QUEUE {
                    // The way may carry less than what is sent, which is then found out.
                    self.set(sent * RESUMED);
                    self.grown = now;
                }
                // Else what comes through is what is sent, and says nothing of what the way carries: packets are late for
                // another reason, such as a machine that is busy.
            }
            State::Growing if own_loss > OWN_LOSS => {
                // The narrowest place has no room for a queue: it throws away what it cannot carry.
                self.capacity = Some(through);
                self.set(through);
                self.grown = now;
            }
            State::Growing => self.grow(now),
            State::Draining { since } => {
                let waited = now.saturating_sub(since);
                if self.queue < EMPTY || waited > LONGEST_DRAIN {
                    if waited > LONGEST_DRAIN {
                        // It does not become shorter with less from us: it is not ours.
                        self.least.clear();
                    }
                    self.state = State::Growing;
                    self.grown = now;
                    self.set(self.capacity.unwrap_or(through) * RESUMED);
                } else {
                    // A full way shows what it carries for as long as it is full.
                    if self.queue > QUEUE {
                        (self.capacity, self.full) = (Some(through), Some((now, through)));
                    }
                    self.drain(self.capacity.unwrap_or(through));
                }
            }
        }
    }

    fn drain(&mut self, through: f64) {
        // A queue of half a second is gone in about one.
        let over = self.queue.as_secs_f64().min(0.5);
        self.set(through * (DRAIN - over * 0.8));
    }

    fn grow(&mut self, now: Duration) {
        if now.saturating_sub(self.grown) < STEP {
            return;
        }
        let steps = (now.saturating_sub(self.grown).as_secs_f64() / STEP.as_secs_f64()).min(3.0);
        self.grown = now;
        let near = self.capacity.is_some_and(|capacity| (capacity * NEAR..capacity * BEYOND).contains(&self.target));
        if self.queue < EMPTY && self.capacity.is_some_and(|capacity| self.target >= capacity * BEYOND) {
            self.capacity = None;
        }
        // What queues is about to be measured.
        let by = if near || self.queue > EMPTY { SLOW } else { QUICK };
        let limit = self.sent().map_or(MOST, |sent| sent * HEADROOM);
        let grown = self.target * by.powf(steps);
        if grown <= limit {
            self.set(grown);
        }
    }

    fn set(&mut self, target: f64) {
        self.target = target.clamp(LEAST, MOST);
    }

    fn note_least(&mut self, now: Duration, under_way: f64) {
        while self.least.back().is_some_and(|&(_, seconds)| seconds >= under_way) {
            self.least.pop_back();
        }
        self.least.push_back((now, under_way));
        while self.least.front().is_some_and(|&(at, _)| at + LEAST_KEPT < now) && self.least.len() > 1 {
            self.least.pop_front();
        }
    }

    /// From the fastest of the packets that arrived in the last moments: a machine that is busy makes some of them late,
    /// and a queue all.
    fn measure_queue(&mut self) {
        let Some(newest) = self.recent.iter().filter_map(|packet| packet.arrival).max() else { return };
        let last =
            self.recent.iter().filter(|packet| packet.arrival.is_some_and(|at| at.saturating_add(MOMENTS) >= newest));
        let fastest = last.filter_map(under_way).reduce(f64::min);
        if let (Some(fastest), Some(&(_, least))) = (fastest, self.least.front()) {
            self.queue = Duration::from_secs_f64((fastest - least).max(0.0));
        }
    }

    /// How much of the loss is more than there was at the best of times.
    fn measure_loss(&mut self, now: Duration) -> f64 {
        if self.recent.len() < LOSS_OF {
            return 0.0;
        }
        let lost = self.recent.iter().filter(|packet| packet.arrival.is_none()).count();
        self.loss = share(lost, self.recent.len());
        while self.losses.back().is_some_and(|&(_, part)| part >= self.loss) {
            self.losses.pop_back();
        }
        self.losses.push_back((now, self.loss));
        while self.losses.front().is_some_and(|&(at, _)| at + LOSS_KEPT < now) && self.losses.len() > 1 {
            self.losses.pop_front();
        }
        self.loss - self.losses.front().map_or(0.0, |&(_, part)| part)
    }

    /// What came through of late, in bits per second.
    fn through(&self) -> Option<f64> {
        let arrivals = || self.recent.iter().filter_map(|packet| packet.arrival);
        let (first, last) = (arrivals().min()?, arrivals().max()?);
        // One packet marks the beginning and is not of it.
        let arrived = self.recent.iter().filter(|packet| packet.arrival.is_some()).skip(1);
        let bytes = arrived.fold(0_usize, |sum, packet| sum.saturating_add(packet.bytes));
        per_second(bytes, last.checked_sub(first)?)
    }

    /// What was sent of late, in bits per second.
    fn sent(&self) -> Option<f64> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        let bytes = self.recent.iter().skip(1).fold(0_usize, |sum, packet| sum.saturating_add(packet.bytes));
        per_second(bytes, last.departure.checked_sub(first.departure)?)
    }
}

/// In seconds, by two clocks.
fn under_way(packet: &Sent) -> Option<f64> {
    packet.arrival.map(|arrival| arrival.as_secs_f64() - packet.departure.as_secs_f64())
}

fn per_second(bytes: usize, time: Duration) -> Option<f64> {
    // A handful of packets says nothing of a rate.
    const SHORTEST: Duration = Duration::from_millis(50);
    let bits = f64::from(u32::try_from(bytes).ok()?) * 8.0;
    (time >= SHORTEST && bits > 0.0).then(|| bits / time.as_secs_f64())
}

fn share(part: usize, of: usize) -> f64 {
    let number = |count: usize| u32::try_from(count).map_or(f64::MAX, f64::from);
    number(part) / number(of).max(1.0)
}
