//! The jitter buffer of one voice: packets come when they come, and every 20 ms something has to be played.
//!
//! How long a packet waits is the price of having it in time. It follows what is seen of the way: the time that 97 of 100
//! packets were late at most, those that were lost and sent again among them. Where it has to become longer a moment is
//! drawn out, where it may become shorter two moments become one; both in silence where there is some.
//!
//! What is missing when its moment comes is made up from the packet after it, which carries a rougher copy (RFC 6716
//! §2.1.7), or from what was before. A sender that says nothing in silence (RFC 7587 §3.1.3, DTX) is not one whose packets
//! are lost: the numbers tell, which go on where the clock jumps.
//!
//! Times are durations since any fixed instant of a clock that never goes back.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// What is played at once.
pub const MOMENT: Duration = Duration::from_millis(20);
/// The same in RTP's clock of 48 kHz (RFC 7587 §4.1).
pub const TICKS: u32 = 960;
/// No packet waits longer by intention.
pub const LONGEST: Duration = Duration::from_millis(250);

/// Every packet waits so long at least.
const SHORTEST: Duration = Duration::from_millis(20);
/// What is seen of the way is what the last packets show, so many: ten seconds of talk.
const SEEN: usize = 500;
/// So many of a thousand packets are to come in time.
const IN_TIME: usize = 970;
/// How late packets are is looked at again after so many.
const LOOK_AGAIN: u32 = 10;
/// The wait may be further from what it should be, before something is done.
const SLACK: Duration = Duration::from_millis(20);
/// From here on it is done in speech too.
const TOO_MUCH: Duration = Duration::from_millis(60);
/// In speech, not more often.
const STRETCHED: Duration = Duration::from_millis(160);
/// So many moments in a row are made up before there is silence: no vowel is longer without a breath.
const MADE_UP: u32 = 6;
/// A packet of silence has no more bytes, encryption taken off.
const QUIET: usize = 8;
/// More packets do not wait.
const MOST: usize = 250;

/// What is to be played in the next 20 ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// This packet.
    Packet(Vec<u8>),
    /// The rougher copy of what is missing, out of this packet, which is played afterwards.
    Copy(Vec<u8>),
    /// Two packets in the time of one.
    Both(Vec<u8>, Vec<u8>),
    /// What the decoder makes up from what was before.
    MadeUp,
    /// Nothing.
    Silence,
}

/// How it went so far, in moments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Played as they were sent, two in one counted twice.
    pub played: u64,
    /// Taken from the copy in the packet after.
    pub copied: u64,
    /// Made up, of what was lost or late.
    pub made_up: u64,
    /// Drawn out, so that more comes in time.
    pub drawn_out: u64,
    /// Packets that came after their moment.
    pub late: u64,
}

/// The packets of one voice.
#[derive(Debug, Default)]
pub struct Jitter {
    waiting: BTreeMap<i64, Waiting>,
    /// The number that came last in order, and its time.
    highest: Option<(i64, i64)>,
    /// The time that is played next, and the number of the last packet that was played.
    next: Option<(i64, i64)>,
    /// Seconds between a packet's own time and its arrival.
    transits: VecDeque<f64>,
    until_look: u32,
    wait: Duration,
    made_up: u32,
    /// Of these it is not known yet whether anything was lost: whoever stops talking is made up for as well.
    unsure: u64,
    stretched: Duration,
    tally: Tally,
}

#[derive(Debug)]
struct Waiting {
    time: i64,
    bytes: Vec<u8>,
}

impl Jitter {
    /// How long packets wait by intention.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait.max(SHORTEST)
    }

    /// How it went so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Takes a packet with RTP's number and time. An empty one is of a moment of silence.
    pub fn push(&mut self, now: Duration, sequence: u16, timestamp: u32, bytes: Vec<u8>) {
        let (number, time) = match self.highest {
            None => (i64::from(sequence), i64::from(timestamp)),
            Some((number, time)) => (
                number + ahead(i64::from(sequence), number, 1 << 16),
                time + ahead(i64::from(timestamp), time, 1 << 32),
            ),
        };
        let jumped = self.highest.is_some_and(|(highest, last)| {
            (number - highest).abs() > 3000 || (time - last).abs() > i64::from(TICKS) * 3000
        });
        if jumped {
            // Somebody began anew.
            let tally = self.tally;
            *self = Self { tally, ..Self::default() };
            return self.push(now, sequence, timestamp, bytes);
        }
        if self.highest.is_none_or(|(highest, _)| number > highest) {
            self.highest = Some((number, time));
        }
        self.note(now.as_secs_f64() - seconds(time));
        if let Some((next, last)) = self.next {
            let unsure = std::mem::take(&mut self.unsure);
            // The next number in its own time: the sender was silent, and nothing was missing.
            if time < next || number != last + 1 {
                self.tally.made_up += unsure;
            }
        }
        if self.next.is_some_and(|(next, _)| time < next) {
            self.tally.late += 1;
            return;
        }
        self.waiting.insert(number, Waiting { time, bytes });
        while self.waiting.len() > MOST {
            self.waiting.pop_first();
        }
    }

    /// Gives what is to be played at `now`; called every 20 ms.
    pub fn pull(&mut self, now: Duration) -> Moment {
        let Some((time, last)) = self.next else { return self.begin(now) };
        self.drop_late(time);
        let Some((&first, head)) = self.waiting.first_key_value() else { return self.wait_for_more(now) };
        let (head_time, quiet) = (head.time, head.bytes.len() <= QUIET);
        let played = self.delay(now, time);
        let should = self.wait();
        if head_time > time {
            if first == last + 1 {
                // Nothing is missing: the sender is silent, which is the moment to change the wait.
                let gap = head_time - time;
                if played + SLACK < should {
                    self.tally.drawn_out += 1;
                    return Moment::Silence;
                }
                let skips = played > should + SLACK && gap > 2 * i64::from(TICKS);
                self.next = Some((time + i64::from(TICKS) * if skips { 2 } else { 1 }, last));
                return Moment::Silence;
            }
            return self.make_up(time, last, first, head_time);
        }
        let may = quiet || now.saturating_sub(self.stretched) >= STRETCHED;
        if may && played + if quiet { SLACK } else { TOO_MUCH } < should {
            self.stretched = now;
            self.tally.drawn_out += 1;
            return Moment::MadeUp;
        }
        let Some((number, head)) = self.waiting.pop_first() else { return Moment::Silence };
        self.made_up = 0;
        self.tally.played += 1;
        let after = head.time + i64::from(TICKS);
        if may && played > should + if quiet { SLACK } else { TOO_MUCH } {
            let follows = self.waiting.first_key_value().is_some_and(|(_, next)| next.time == after);
            if follows && let Some((second, next)) = self.waiting.pop_first() {
                self.stretched = now;
                self.tally.played += 1;
                self.next = Some((after + i64::from(TICKS), second));
                return Moment::Both(head.bytes, next.bytes);
            }
        }
        self.next = Some((after, number));
        if head.bytes.is_empty() { Moment::Silence } else { Moment::Packet(head.bytes) }
    }

    /// Numbers that rise while times fall are nobody's who talks: what is over is not played after what came later.
    fn drop_late(&mut self, time: i64) {
        while let Some(head) = self.waiting.first_entry().filter(|head| head.get().time + i64::from(TICKS) <= time) {
            head.remove();
            self.tally.late += 1;
        }
    }

    /// Plays the first packet once it has waited.
    fn begin(&mut self, now: Duration) -> Moment {
        let Some((&number, head)) = self.waiting.first_key_value() else { return Moment::Silence };
        let time = head.time;
        if self.delay(now, time) < self.wait() {
            return Moment::Silence;
        }
        self.next = Some((time, number - 1));
        self.pull(now)
    }

    /// Nothing is there: what comes later is played later. Whoever stops talking is not made up for long.
    fn wait_for_more(&mut self, now: Duration) -> Moment {
        let Some((time, last)) = self.next else { return Moment::Silence };
        self.made_up += 1;
        if self.made_up <= MADE_UP {
            if self.delay(now, time) > self.wait() + MOMENT {
                self.unsure += 1;
                self.next = Some((time + i64::from(TICKS), last));
            }
            return Moment::MadeUp;
        }
        // Silence goes on with the clock, so that the next word is not late by all of it.
        if self.delay(now, time) > self.wait() {
            self.next = Some((time + i64::from(TICKS), last));
        }
        Moment::Silence
    }

    /// The packet of this moment is missing, and a later one is there.
    fn make_up(&mut self, time: i64, last: i64, first: i64, head_time: i64) -> Moment {
        let after = time + i64::from(TICKS);
        // Numbers of lost packets are passed as their moments are.
        let passed = (last + 1).min(first - 1);
        self.next = Some((after, passed));
        self.made_up += 1;
        if head_time == after
            && let Some(head) = self.waiting.get(&first).filter(|head| !head.bytes.is_empty())
        {
            self.tally.copied += 1;
            self.made_up = 0;
            return Moment::Copy(head.bytes.clone());
        }
        self.tally.made_up += 1;
        if self.made_up <= MADE_UP { Moment::MadeUp } else { Moment::Silence }
    }

    /// How long after the fastest packets' way the moment `time` is, if it is played now.
    fn delay(&self, now: Duration, time: i64) -> Duration {
        let fastest = self.transits.iter().copied().fold(f64::INFINITY, f64::min);
        let delay = now.as_secs_f64() - seconds(time) - fastest;
        Duration::try_from_secs_f64(delay.max(0.0)).unwrap_or(LONGEST)
    }

    fn note(&mut self, transit: f64) {
        self.transits.push_back(transit);
        if self.transits.len() > SEEN {
            self.transits.pop_front();
        }
        if self.until_look > 0 && self.transits.len() > 50 {
            self.until_look -= 1;
            return;
        }
        self.until_look = LOOK_AGAIN;
        let mut sorted: Vec<f64> = self.transits.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let fastest = sorted.first().copied().unwrap_or_default();
        let place = (sorted.len() * IN_TIME / 1000).min(sorted.len().saturating_sub(1));
        let late = sorted.get(place).copied().unwrap_or_default() - fastest;
        let late = Duration::try_from_secs_f64(late.max(0.0)).unwrap_or(LONGEST);
        self.wait = (late + MOMENT / 2).clamp(SHORTEST, LONGEST);
    }
}

/// How far a wrapping number is ahead of one that does not wrap.
fn ahead(wrapped: i64, last: i64, modulus: i64) -> i64 {
    (wrapped - last + modulus / 2).rem_euclid(modulus) - modulus / 2
}

/// Of RTP's clock. No voice lasts so long that a double would not be exact.
fn seconds(time: i64) -> f64 {
    let whole = time.div_euclid(48_000);
    let rest = time.rem_euclid(48_000);
    let number = |part: i64| i32::try_from(part).map_or(0.0, f64::from);
    number(whole) + number(rest) / 48_000.0
}
