//! What of others' pictures is asked for where the line is narrow: never more than it takes, so that voices come in time.
//!
//! A media server sends what it is asked for, and what does not fit the line stands before its narrowest place, in front of
//! the voices. Two things tell: how much longer than the least voices are under way ([`Downlink::hear`]), and what is lost.
//!
//! ```text
//!              the line is full: less than came through
//!   unlimited ──────────────────────────────────────────▶ limited ──┐ quiet for a while: one layer more.
//!        ▲                                                 │  ▲     │ It holds for 5 s, and stays; or it was
//!        └──── nothing more is wanted, and all comes ──────┘  └─────┘ too much, and is tried again later
//! ```
//!
//! Loss without a queue says nothing: radio loses packets at any rate. A queue that does not become shorter with less from us
//! is not ours, and is not fought for.
//!
//! Times are durations since any fixed instant of a clock that never goes back.

mod layers;
mod queue;

pub use layers::{Allotted, Rank, Wanted};

use crate::signal::{Layer, Step};
use layers::{Costs, Held, SOUND, turns};
use queue::Queue;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// There is never less than this to ask for, in bits per second.
pub const LEAST: f64 = 60_000.0;
/// How often [`Downlink::look`] is to be called.
pub const LOOK: Duration = Duration::from_millis(250);
/// A packet that comes so soon after one behind it was overtaken; one that was lost takes longer to be sent again.
const OVERTAKEN: Duration = Duration::from_millis(20);
/// More numbers that are missing are not remembered.
const MOST_HOLES: usize = 64;
/// RFC 3550 appendix A.1, `MAX_DROPOUT`: whoever jumps further has begun anew.
const JUMP: i16 = 3000;
/// After such a pause nothing is missing.
const PAUSE: Duration = Duration::from_secs(1);

/// What comes through, and what is lost, is of so long.
const MEASURED: Duration = Duration::from_secs(1);
/// Loss is a part of so many packets at least, and of so many where something is tried.
const LOSS_OF: u32 = 25;
const LOSS_TRIED_OF: u32 = 100;
/// A queue of this length fills the line, where it stands for so long.
const LONG_QUEUE: Duration = Duration::from_millis(120);
const LASTS: Duration = Duration::from_secs(1);
/// A queue that has become so much shorter drains, as behind a key frame, and does not stand.
const SHORTER: f64 = 0.8;
/// A queue of this length fills it too where so much is lost for so long: there is no room for a longer one.
const SHORT_QUEUE: Duration = Duration::from_millis(25);
const LOSS: f64 = 0.08;
const LOSS_LASTS: Duration = Duration::from_secs(2);
/// Where no voice is there, it does where so much is lost.
const LOSS_ALONE: f64 = 0.25;
/// What is asked for then, as a part of what comes through and of what was asked for.
const LESS: f64 = 0.85;
/// It takes so long until less comes, and the time of the queue.
const DRAINS: Duration = Duration::from_secs(1);
/// And so long until it is seen what has come of it.
const SETTLES: Duration = Duration::from_secs(3);
/// What stands after less was asked for so often is not ours where so much less comes through than at first, which would not
/// be so from a full line, and nothing is lost, or nearly as much as at first.
const NOT_OURS: u32 = 2;
const LESS_COMES: f64 = 0.75;
const NO_LOSS: f64 = 0.03;
const STAYED: f64 = 0.5;
/// From one attempt to the next.
const ATTEMPTS: Duration = Duration::from_secs(15);
/// So long must one hold.
const HOLDS: Duration = Duration::from_secs(5);
/// It fails with a queue of this length that stands so long, where one that drains becomes so much shorter meanwhile, or with
/// so much more loss than before.
const TOO_LONG: Duration = Duration::from_millis(50);
const TOO_LONG_LASTS: Duration = Duration::from_millis(250);
const STILL_DRAINS: f64 = 0.9;
const MORE_LOSS: f64 = 0.03;
/// It takes so much more than there was.
const MORE: f64 = 1.2;
/// What was too much is tried again after this, or later where it is far above the limit; then after twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(240);
/// And so is what is nearly as large, meanwhile.
const AS_LARGE: f64 = 0.8;
/// The worst loss without a queue is forgotten by so much at each look.
const FORGETS: f64 = 0.98;

/// What of one track came since the last look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    /// The track's `sid`.
    pub track: String,
    /// With all headers.
    pub bytes: u32,
    /// Packets that came.
    pub packets: u32,
    /// Packets that did not.
    pub lost: u32,
    /// The size of the last key frame of a picture, width times height; 0 where it is not known, and of sound.
    pub pixels: u32,
}

/// Counts what is missing of one stream, by its packets' numbers (RFC 3550 §5.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    highest: Option<(u16, Duration)>,
    /// Numbers that are missing, and since when.
    holes: VecDeque<(u16, Duration)>,
    lost: u32,
}

impl Missing {
    /// Takes the number of a packet, and when it came. One that was sent again, since it was missing, was lost all the same.
    pub fn take(&mut self, arrival: Duration, number: u16) {
        let Some((highest, at)) = self.highest else {
            self.highest = Some((number, arrival));
            return;
        };
        let ahead = number.wrapping_sub(highest).cast_signed();
        if !(-JUMP..=0).contains(&ahead) {
            self.highest = Some((number, arrival));
        }
        // What was lost before a picture was held back says nothing of the line now.
        if (1..=JUMP).contains(&ahead) && arrival.saturating_sub(at) < PAUSE {
            let missing = ahead.unsigned_abs() - 1;
            self.lost = self.lost.saturating_add(missing.into());
            let holes = (1..=missing).take(MOST_HOLES).map(|ahead| (highest.wrapping_add(ahead), arrival));
            self.holes.extend(holes);
            self.holes.drain(..self.holes.len().saturating_sub(MOST_HOLES));
        } else if let Some(place) = self.holes.iter().position(|(hole, _)| *hole == number)
            && let Some((_, since)) = self.holes.remove(place)
            && arrival.saturating_sub(since) <= OVERTAKEN
        {
            self.lost = self.lost.saturating_sub(1);
        }
    }

    /// Those that were missing since this was asked last.
    pub fn lost(&mut self) -> u32 {
        std::mem::take(&mut self.lost)
    }
}

/// What the line takes, and who gets what of it.
#[derive(Debug, Default)]
pub struct Downlink {
    queue: Queue,
    costs: Costs,
    /// The looks of the last second.
    recent: VecDeque<Looked>,
    /// In bits per second, voices among them; none where nothing is known to be too much.
    limit: Option<f64>,
    long: Standing,
    /// Since when too much is lost for the queue that there is.
    lossy: Option<Duration>,
    lowered: Option<Lowered>,
    attempt: Option<Attempt>,
    /// When the next one may be made.
    next_attempt: Duration,
    too_much: BTreeMap<(String, Step), TooMuch>,
    /// Where nothing stood and nothing was tried.
    worst_loss: f64,
    /// Nothing stands, and nothing is being tried: what is free may be given.
    calm: bool,
    /// Something else is asked for than when it was last looked what could be tried.
    changed: bool,
    /// What a picture had before more was tried in vain; it comes back when everything is quiet.
    owed: Option<(String, Option<Step>)>,
    allotted: Allotted,
}

/// What came since the look before.
#[derive(Debug)]
struct Looked {
    /// The look before.
    since: Duration,
    at: Duration,
    /// In bits.
    pictures: f64,
    /// In bits.
    sound: f64,
    packets: u32,
    lost: u32,
}

/// That less is asked for.
#[derive(Debug, Clone, Copy)]
struct Lowered {
    at: Duration,
    queue: Duration,
    /// How often it was asked for less, one after the other.
    times: u32,
    /// What came through the first time, in bits per second, and the part that was lost.
    first: (f64, f64),
}

/// A layer more than is known to fit.
#[derive(Debug)]
struct Attempt {
    track: String,
    step: Step,
    before: Option<Step>,
    since: Duration,
    long: Standing,
    /// Packets that came meanwhile, and that did not.
    packets: (u32, u32),
}

/// A queue that does not become shorter: since when, and how long it was then.
#[derive(Debug, Default)]
struct Standing(Option<(Duration, Duration)>);

impl Standing {
    /// For how long one that is longer than `than` has stood.
    fn look(&mut self, now: Duration, queue: Option<Duration>, than: Duration, shorter: f64) -> Duration {
        let queue = queue.filter(|queue| *queue > than);
        self.0 = queue.map(|queue| match self.0 {
            Some((since, before)) if queue >= before.mul_f64(shorter) => (since, before),
            Some(_) | None => (now, queue),
        });
        self.0.map_or(Duration::ZERO, |(since, _)| now.saturating_sub(since))
    }
}

/// That a layer did not fit.
#[derive(Debug, Clone, Copy)]
struct TooMuch {
    since: Duration,
    pause: Duration,
    /// What it takes beside the layer below it, in bits per second.
    more: f64,
}

impl TooMuch {
    /// Whether it may be tried again: later where it is far above the limit, in bits per second.
    fn is_ripe(&self, now: Duration, limit: f64) -> bool {
        let pause = self.pause.mul_f64(1.0 + (self.more / limit).clamp(0.0, 8.0));
        now.saturating_sub(self.since) >= pause.min(LONGEST_PAUSE)
    }
}

impl Downlink {
    /// Takes a packet of a voice: when it came, a number of its stream, and its timestamp of 48 kHz.
    pub fn hear(&mut self, arrival: Duration, stream: u32, timestamp: u32) {
        self.queue.hear(arrival, stream, timestamp);
    }

    /// Looks at what came since the last time, and at the pictures that there are.
    pub fn look(&mut self, now: Duration, came: &[Came], wanted: &[Wanted]) -> &Allotted {
        self.too_much.retain(|(track, _), _| wanted.iter().any(|one| &one.track == track));
        self.attempt.take_if(|attempt| !wanted.iter().any(|one| one.track == attempt.track && one.most.is_some()));
        self.note(now, came, wanted);
        let (queue, loss) = (self.queue.look(now), self.loss());
        let stands = queue.is_some_and(|queue| queue > TOO_LONG);
        self.costs.learn(now, came, wanted, &self.allotted, stands || loss > LOSS);
        if self.fails(now, queue) {
            self.give_up(now, queue.unwrap_or_default(), wanted);
        } else if self.is_full(now, queue, loss) {
            self.lower(now, queue.unwrap_or_default(), loss, wanted);
        } else if !stands {
            if self.attempt.is_none() {
                self.worst_loss = loss.max(self.worst_loss * FORGETS);
            }
            self.widen(now, wanted);
        }
        let settled = self.lowered.is_none_or(|lowered| now.saturating_sub(lowered.at) >= SETTLES);
        if settled && !stands {
            // Asking for less has helped.
            self.lowered = None;
        }
        self.calm = settled && !stands && self.attempt.is_none();
        self.allot(wanted)
    }

    /// Shares out what the line is known to take: others are shown than before.
    pub fn allot(&mut self, wanted: &[Wanted]) -> &Allotted {
        let mut before = std::mem::take(&mut self.allotted);
        if self.calm {
            before.extend(self.owed.take());
        }
        let held =
            if self.calm || self.limit.is_none() { Held::More(&before, &self.too_much) } else { Held::Same(&before) };
        let mut allotted = self.costs.allot(self.room(self.limit.unwrap_or(f64::INFINITY)), wanted, &held);
        if let Some(Attempt { track, step, .. }) = &self.attempt
            && let Some(given) = allotted.get_mut(track)
        {
            *given = (*given).max(Some(*step));
        }
        self.change_to(allotted, &before);
        &self.allotted
    }

    fn change_to(&mut self, allotted: Allotted, before: &Allotted) {
        for (track, step) in &allotted {
            if before.get(track) != Some(step) {
                self.costs.changes(track);
                self.changed = true;
            }
        }
        self.allotted = allotted;
    }

    /// What is asked for at most, in bits per second, voices among them; none where nothing is known to be too much.
    #[must_use]
    pub fn limit(&self) -> Option<f64> {
        self.limit
    }

    fn note(&mut self, now: Duration, came: &[Came], wanted: &[Wanted]) {
        let since = self.recent.back().map_or(now, |before| before.at);
        let mut look = Looked { since, at: now, pictures: 0.0, sound: 0.0, packets: 0, lost: 0 };
        for came in came {
            let is_picture = wanted.iter().any(|one| one.track == came.track);
            *(if is_picture { &mut look.pictures } else { &mut look.sound }) += f64::from(came.bytes) * 8.0;
            look.packets = look.packets.saturating_add(came.packets);
            look.lost = look.lost.saturating_add(came.lost);
        }
        self.recent.push_back(look);
        self.recent.retain(|look| now.saturating_sub(look.at) < MEASURED);
    }

    /// What came through, in bits per second.
    fn through(&self) -> f64 {
        self.per_second(|look| look.pictures + look.sound)
    }

    fn per_second(&self, bits: impl Fn(&Looked) -> f64) -> f64 {
        let (Some(first), Some(last)) = (self.recent.front(), self.recent.back()) else { return 0.0 };
        // Looks may be late.
        let span = last.at.saturating_sub(first.since).max(MEASURED);
        self.recent.iter().map(bits).sum::<f64>() / span.as_secs_f64()
    }

    /// What a limit leaves for pictures, in bits per second.
    fn room(&self, limit: f64) -> f64 {
        (limit - self.per_second(|look| look.sound).max(SOUND)).max(0.0)
    }

    /// From 0 to 1.
    fn loss(&self) -> f64 {
        let sum = |part: fn(&Looked) -> u32| self.recent.iter().map(part).fold(0, u32::saturating_add);
        part((sum(|look| look.packets), sum(|look| look.lost)), LOSS_OF)
    }

    fn is_full(&mut self, now: Duration, queue: Option<Duration>, loss: f64) -> bool {
        let stands = self.long.look(now, queue, LONG_QUEUE, SHORTER);
        let is_lossy = queue.map_or(loss > LOSS_ALONE, |queue| queue > SHORT_QUEUE && loss > LOSS);
        self.lossy = is_lossy.then(|| self.lossy.unwrap_or(now));
        let lossy = self.lossy.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        stands >= LASTS || lossy >= LOSS_LASTS
    }

    /// Asks for less, unless what was asked for less has not come through the queue yet.
    fn lower(&mut self, now: Duration, queue: Duration, loss: f64, wanted: &[Wanted]) {
        let before = self.lowered;
        if before.is_some_and(|before| now.saturating_sub(before.at) < DRAINS + before.queue) {
            return;
        }
        let through = self.through();
        let (times, first) = before.map_or((0, (through, loss)), |before| (before.times, before.first));
        (self.long, self.lossy) = (Standing::default(), None);
        let in_vain = through < first.0 * LESS_COMES && (loss < NO_LOSS || loss > first.1 * STAYED);
        let nothing = self.allotted.values().all(Option::is_none);
        if nothing || (times >= NOT_OURS && in_vain) {
            self.queue.forget(now);
            self.lowered = None;
            return;
        }
        let limit = (through.min(self.limit.unwrap_or(f64::INFINITY)) * LESS).max(LEAST);
        self.lowered = Some(Lowered { at: now, queue, times: times + 1, first });
        (self.limit, self.attempt, self.owed, self.next_attempt) = (Some(limit), None, None, now + ATTEMPTS);
        let before = std::mem::take(&mut self.allotted);
        let allotted = self.costs.allot(self.room(limit), wanted, &Held::Less(&before));
        self.change_to(allotted, &before);
        for (one, layer) in turns(wanted) {
            let is_less = |step: &Step| *step >= layer.step && self.allotted.get(&one.track) < Some(&Some(layer.step));
            if before.get(&one.track).copied().flatten().is_some_and(|step| is_less(&step)) {
                let too_much = TooMuch { since: now, pause: FIRST_PAUSE, more: self.costs.more(one, layer) };
                let known = self.too_much.entry((one.track.clone(), layer.step)).or_insert(too_much);
                known.since = now;
            }
        }
    }

    /// Whether what is tried is too much.
    fn fails(&mut self, now: Duration, queue: Option<Duration>) -> bool {
        let (Some(attempt), Some(look)) = (&mut self.attempt, self.recent.back()) else { return false };
        let (came, lost) = attempt.packets;
        attempt.packets = (came.saturating_add(look.packets), lost.saturating_add(look.lost));
        let stands = attempt.long.look(now, queue, TOO_LONG, STILL_DRAINS);
        stands >= TOO_LONG_LASTS || part(attempt.packets, LOSS_TRIED_OF) > self.worst_loss + MORE_LOSS
    }

    fn give_up(&mut self, now: Duration, queue: Duration, wanted: &[Wanted]) {
        let Some(Attempt { track, step, before, .. }) = self.attempt.take() else { return };
        if let Some(given) = self.allotted.get_mut(&track) {
            // Until the queue is gone that it has brought: another layer would begin with a key frame in it.
            *given = None;
            self.costs.changes(&track);
            self.owed = Some((track.clone(), before));
        }
        (self.long, self.next_attempt) = (Standing::default(), now + ATTEMPTS);
        self.lowered = Some(Lowered { at: now, queue, times: 0, first: (self.through(), self.loss()) });
        let (Some((one, layer)), Some(limit)) = (layer_of(wanted, &track, step), self.limit) else { return };
        let left = self.costs.left(self.room(limit), wanted, &self.allotted, &track);
        self.costs.is_more(one, layer, left * MORE);
        let key = (track, step);
        let pause = self.too_much.get(&key).map_or(FIRST_PAUSE, |before| (before.pause * 2).min(LONGEST_PAUSE));
        self.too_much.insert(key, TooMuch { since: now, pause, more: self.costs.more(one, layer) });
    }

    /// Tries one step more where everything has been quiet, and keeps what has held.
    fn widen(&mut self, now: Duration, wanted: &[Wanted]) {
        let Some(limit) = self.limit else { return };
        if let Some(Attempt { track, step, since, .. }) = &self.attempt {
            if now.saturating_sub(*since) < HOLDS {
                return;
            }
            let limit = limit.max(self.through());
            if let Some((one, layer)) = layer_of(wanted, track, *step) {
                self.costs.fits(one, layer, self.costs.left(self.room(limit), wanted, &self.allotted, track));
            }
            self.too_much.remove(&(track.clone(), *step));
            (self.limit, self.attempt, self.next_attempt) = (Some(limit), None, now);
        }
        if std::mem::take(&mut self.changed) {
            self.next_attempt = self.next_attempt.max(now + SETTLES);
        }
        if now < self.next_attempt {
            return;
        }
        let given = |one: &Wanted| self.allotted.get(&one.track).copied().flatten();
        let mut missing = turns(wanted).into_iter().filter(|(one, layer)| given(one) < Some(layer.step)).peekable();
        if missing.peek().is_none() {
            // That little is wanted says nothing of the line.
            if self.through() >= limit * LESS {
                self.limit = None;
                self.too_much.clear();
            }
            return;
        }
        // Nothing as large as what is too much, and nothing above it.
        let unripe = |known: &&TooMuch| !known.is_ripe(now, limit);
        let most = self.too_much.values().filter(unripe).map(|known| known.more).fold(f64::INFINITY, f64::min);
        let mut above: Vec<&str> = Vec::new();
        let next = missing.find(|(one, layer)| {
            let known = self.too_much.get(&(one.track.clone(), layer.step));
            let fits = known.is_none_or(|known| known.is_ripe(now, limit))
                && self.costs.more(one, layer) < most * AS_LARGE
                && !above.contains(&one.track.as_str());
            if !fits {
                above.push(&one.track);
            }
            fits
        });
        if let Some((one, layer)) = next {
            let (track, before, long) = (one.track.clone(), given(one), Standing::default());
            self.attempt = Some(Attempt { track, step: layer.step, before, since: now, long, packets: (0, 0) });
        }
    }
}

/// The part that did not come; none where it is one of too few packets.
fn part((came, lost): (u32, u32), least: u32) -> f64 {
    let all = came.saturating_add(lost);
    if all < least { 0.0 } else { f64::from(lost) / f64::from(all) }
}

fn layer_of<'a>(wanted: &'a [Wanted], track: &str, step: Step) -> Option<(&'a Wanted, &'a Layer)> {
    let one = wanted.iter().find(|one| one.track == track)?;
    Some((one, one.layers.iter().find(|layer| layer.step == step)?))
}
