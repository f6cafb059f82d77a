//! How long what comes stands before the narrowest place of the line, from the voices that come.
//!
//! Each packet of a voice says when it was made (RFC 3550 §5.1), by a clock that need not agree with ours. How much longer
//! than the least it is under way is a queue: the line's, where all voices are late, and else one voice's own. What is late
//! by chance is so packet by packet, so the fastest of a moment counts.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Opus' clock (RFC 7587 §4.1), in ticks per second.
const CLOCK: f64 = 48_000.0;
/// A queue stands before all packets of so long.
const MOMENT: Duration = Duration::from_millis(300);
/// Whoever says nothing sends a packet each 400 ms (RFC 7587 §3.1.3); who sends less is not there, unless it is still queued.
const THERE: Duration = Duration::from_millis(600);
/// A voice that has just begun says nothing of the line.
const STEADY: Duration = Duration::from_secs(1);
/// After so much silence, in seconds, a voice begins anew: whoever forwards it has set its clock.
const SILENCE: f64 = 2.0;
/// A clock that goes off by more than this was set, in seconds.
const SET: f64 = 10.0;
/// For so many seconds the least is remembered: routes change, and clocks drift by some milliseconds.
const KEPT: u64 = 60;
/// And for so many what a voice began with, which is what others said a moment before.
const KEPT_AT_FIRST: u64 = 5;
/// More packets of one moment are of nobody who speaks.
const MOST_RECENT: usize = 64;
/// More voices are not listened to.
const MOST_STREAMS: usize = 64;

/// What is known of the queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    streams: BTreeMap<u32, Stream>,
    /// As it was last known, in seconds.
    last: f64,
}

/// A voice. Times under way are in seconds, and none when it begins.
#[derive(Debug)]
struct Stream {
    begun: Duration,
    arrived: Duration,
    timestamp: u32,
    /// When its last packet was made: by its own clock, which is set to ours when it begins. In seconds.
    made: f64,
    /// When packets of the last moment came, and how long they were under way.
    recent: VecDeque<(Duration, f64)>,
    /// The least of each second, and until which second it is remembered.
    least: VecDeque<(u64, f64)>,
}

impl Queue {
    /// Takes a packet of a voice.
    pub(super) fn hear(&mut self, arrival: Duration, stream: u32, timestamp: u32) {
        let goes_on = self.streams.get_mut(&stream).is_some_and(|known| known.hear(arrival, timestamp));
        if !goes_on && (self.streams.len() < MOST_STREAMS || self.streams.contains_key(&stream)) {
            // It comes into the queue that there is.
            self.streams.insert(stream, Stream::new(arrival, timestamp, self.last));
        }
    }

    /// How long the queue is; none where no voice is there.
    pub(super) fn look(&mut self, now: Duration) -> Option<Duration> {
        self.streams.retain(|_, stream| now.saturating_sub(stream.arrived).as_secs() < KEPT);
        let steady = self.streams.values().filter(|stream| now.saturating_sub(stream.begun) >= STEADY);
        let queues = steady.filter_map(|stream| {
            let queue = stream.queue(now)?;
            let silent = now.saturating_sub(stream.arrived).as_secs_f64();
            (silent < THERE.as_secs_f64() + queue).then_some(queue)
        });
        let queue = queues.reduce(f64::min);
        self.last = queue.unwrap_or(0.0);
        Duration::try_from_secs_f64(queue?).ok()
    }

    /// What stands now is taken for the way's own length.
    pub(super) fn forget(&mut self, now: Duration) {
        for stream in self.streams.values_mut() {
            if let Some(fastest) = stream.fastest(now) {
                stream.least = VecDeque::from([(now.as_secs().saturating_add(KEPT), fastest)]);
            }
        }
        self.last = 0.0;
    }
}

impl Stream {
    fn new(arrival: Duration, timestamp: u32, queue: f64) -> Self {
        let second = arrival.as_secs();
        Self {
            begun: arrival,
            arrived: arrival,
            timestamp,
            made: arrival.as_secs_f64(),
            recent: VecDeque::from([(arrival, 0.0)]),
            least: VecDeque::from([(second.saturating_add(KEPT_AT_FIRST), -queue), (second.saturating_add(KEPT), 0.0)]),
        }
    }

    /// False where it begins anew.
    fn hear(&mut self, arrival: Duration, timestamp: u32) -> bool {
        let passed = f64::from(timestamp.wrapping_sub(self.timestamp).cast_signed()) / CLOCK;
        let pause = arrival.saturating_sub(self.arrived).as_secs_f64();
        if passed > SILENCE || (passed - pause).abs() > SET {
            return false;
        }
        (self.arrived, self.timestamp) = (arrival, timestamp);
        self.made += passed;
        let under_way = arrival.as_secs_f64() - self.made;
        self.recent.push_back((arrival, under_way));
        while self.recent.len() > MOST_RECENT
            || self.recent.front().is_some_and(|&(at, _)| arrival.saturating_sub(at) > MOMENT)
        {
            self.recent.pop_front();
        }
        let until = arrival.as_secs().saturating_add(KEPT);
        match self.least.back_mut() {
            Some((last, least)) if *last == until => *least = least.min(under_way),
            Some(_) | None => self.least.push_back((until, under_way)),
        }
        self.least.retain(|&(until, _)| until >= arrival.as_secs());
        true
    }

    fn queue(&self, now: Duration) -> Option<f64> {
        let least = self.least.iter().map(|&(_, least)| least).reduce(f64::min)?;
        Some((self.fastest(now)? - least).max(0.0))
    }

    /// Of the last moment, or the last where none came in it.
    fn fastest(&self, now: Duration) -> Option<f64> {
        let last = self.recent.iter().filter(|&&(at, _)| now.saturating_sub(at) <= MOMENT);
        let fastest = last.map(|&(_, under_way)| under_way).reduce(f64::min);
        fastest.or_else(|| self.recent.back().map(|&(_, under_way)| under_way))
    }
}
