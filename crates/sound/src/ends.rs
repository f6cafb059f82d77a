//! The two ends of a device's callback. A callback runs where nothing may wait: it takes no lock and no memory, it fills
//! or empties a ring and wakes whoever is at its other end.

use model::device::DeviceError;
use rtrb::{Consumer, Producer, RingBuffer};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::thread::Thread;

/// What both ends know of each other.
struct Shared {
    /// Whoever is at the other end.
    waits: Thread,
    /// Why the device ended, by [`code`]; 0 while it runs.
    lost: AtomicU8,
    /// Samples that were moved at once at most.
    largest: AtomicUsize,
    /// Samples that were too many or too few.
    missed: AtomicUsize,
    /// How often samples were moved, and how many of these times the other end has dealt with; none before it began.
    moves: AtomicUsize,
    dealt: AtomicUsize,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            waits: std::thread::current(),
            lost: AtomicU8::new(0),
            largest: AtomicUsize::new(0),
            missed: AtomicUsize::new(0),
            moves: AtomicUsize::new(0),
            dealt: AtomicUsize::new(usize::MAX),
        })
    }

    fn lose(&self, why: DeviceError) {
        self.lost.store(code(why), Ordering::Release);
        self.waits.unpark();
    }

    fn moved(&self, samples: usize, missed: usize) {
        self.largest.fetch_max(samples, Ordering::Relaxed);
        self.missed.fetch_add(missed, Ordering::Relaxed);
        self.moves.fetch_add(1, Ordering::Release);
        self.waits.unpark();
    }

    fn is_dealt_with(&self) -> bool {
        self.dealt.load(Ordering::Acquire) == self.moves.load(Ordering::Acquire)
    }

    fn lost(&self) -> Option<DeviceError> {
        let code = self.lost.load(Ordering::Acquire);
        ERRORS.into_iter().find(|error| self::code(*error) == code)
    }
}

const ERRORS: [DeviceError; 5] =
    [DeviceError::NoneThere, DeviceError::Busy, DeviceError::Denied, DeviceError::Lost, DeviceError::Unusable];

fn code(why: DeviceError) -> u8 {
    match why {
        DeviceError::NoneThere => 1,
        DeviceError::Busy => 2,
        DeviceError::Denied => 3,
        DeviceError::Lost => 4,
        DeviceError::Unusable => 5,
    }
}

/// What a microphone's callback gives to.
pub struct Tap {
    ring: Producer<f32>,
    shared: Arc<Shared>,
}

/// Whoever hears a microphone.
pub(crate) struct Ear {
    ring: Consumer<f32>,
    shared: Arc<Shared>,
}

/// What a speaker's callback takes from.
pub struct Feed {
    ring: Consumer<f32>,
    shared: Arc<Shared>,
}

/// Whoever speaks to a speaker.
pub(crate) struct Mouth {
    ring: Producer<f32>,
    shared: Arc<Shared>,
}

/// For a microphone, whose samples wake this thread. So many samples wait at most.
pub(crate) fn tap(most: usize) -> (Tap, Ear) {
    let (give, take) = RingBuffer::new(most);
    let shared = Shared::new();
    (Tap { ring: give, shared: Arc::clone(&shared) }, Ear { ring: take, shared })
}

/// For a speaker, whose hunger wakes this thread. So many samples wait at most.
pub(crate) fn feed(most: usize) -> (Feed, Mouth) {
    let (give, take) = RingBuffer::new(most);
    let shared = Shared::new();
    (Feed { ring: take, shared: Arc::clone(&shared) }, Mouth { ring: give, shared })
}

impl Tap {
    /// For another callback.
    #[must_use]
    pub fn ended(&self) -> Ended {
        Ended(Arc::clone(&self.shared))
    }

    /// Gives what was heard, the channels of a moment side by side, each made a number from -1 to 1 by `number`. What
    /// finds no place is lost.
    pub fn put<S: Copy>(&mut self, interleaved: &[S], channels: u16, number: impl Fn(S) -> f32) {
        let channels = channels.max(1);
        let (mut moments, mut missed) = (0, 0);
        for moment in interleaved.chunks_exact(usize::from(channels)) {
            let sum: f32 = moment.iter().map(|sample| number(*sample)).sum();
            moments += 1;
            missed += usize::from(self.ring.push(sum / f32::from(channels)).is_err());
        }
        self.shared.moved(moments, missed);
    }

    /// The device has ended.
    pub fn lose(&self, why: DeviceError) {
        self.shared.lose(why);
    }

    /// All that was given was dealt with, or nobody hears any more.
    pub(crate) fn is_settled(&self) -> bool {
        self.shared.is_dealt_with() || self.ring.is_abandoned()
    }

    pub(crate) fn wake(&self) {
        self.shared.waits.unpark();
    }
}

impl Ear {
    /// How often samples were moved: to be said to `deal` when those were dealt with.
    pub(crate) fn moves(&self) -> usize {
        self.shared.moves.load(Ordering::Acquire)
    }

    pub(crate) fn deal(&self, moves: usize) {
        self.shared.dealt.store(moves, Ordering::Release);
    }

    /// Puts all that was heard behind `out`. What is no number is silence.
    pub(crate) fn take(&mut self, out: &mut Vec<f32>) {
        while let Ok(sample) = self.ring.pop() {
            out.push(if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 });
        }
    }

    pub(crate) fn lost(&self) -> Option<DeviceError> {
        self.shared.lost()
    }
}

impl Feed {
    /// For another callback.
    #[must_use]
    pub fn ended(&self) -> Ended {
        Ended(Arc::clone(&self.shared))
    }

    /// Takes what is to be played, the channels of a moment side by side: the same for the first two, silence for others.
    /// `number` makes it what the device wants of a number from -1 to 1. What is not there is silence.
    pub fn take<S: Copy>(&mut self, interleaved: &mut [S], channels: u16, number: impl Fn(f32) -> S) {
        let channels = usize::from(channels.max(1));
        let (mut moments, mut missed) = (0, 0);
        for moment in interleaved.chunks_exact_mut(channels) {
            let sample = self.ring.pop().unwrap_or_else(|_empty| {
                missed += 1;
                0.0
            });
            moments += 1;
            for (channel, place) in moment.iter_mut().enumerate() {
                *place = number(if channel < 2 { sample } else { 0.0 });
            }
        }
        self.shared.moved(moments, missed);
    }

    /// The device has ended.
    pub fn lose(&self, why: DeviceError) {
        self.shared.lose(why);
    }

    /// All that was taken is there again, or nobody gives any more.
    pub(crate) fn is_settled(&self) -> bool {
        self.shared.is_dealt_with() || self.ring.is_abandoned()
    }

    pub(crate) fn wake(&self) {
        self.shared.waits.unpark();
    }
}

impl Mouth {
    /// How often samples were moved: to be said to `deal` when those were dealt with.
    pub(crate) fn moves(&self) -> usize {
        self.shared.moves.load(Ordering::Acquire)
    }

    pub(crate) fn deal(&self, moves: usize) {
        self.shared.dealt.store(moves, Ordering::Release);
    }

    /// Samples that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.ring.buffer().capacity() - self.ring.slots()
    }

    /// Says what is to be played; what finds no place is lost.
    pub(crate) fn give(&mut self, samples: &[f32]) {
        let (_given, _left) = self.ring.push_partial_slice(samples);
    }

    /// Samples that the device took at once, at most, since this was asked last.
    pub(crate) fn largest(&self) -> usize {
        self.shared.largest.swap(0, Ordering::Relaxed)
    }

    /// Samples that were not there in time.
    pub(crate) fn missed(&self) -> usize {
        self.shared.missed.load(Ordering::Relaxed)
    }

    pub(crate) fn lost(&self) -> Option<DeviceError> {
        self.shared.lost()
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Feed")
    }
}

/// Says that a device ended, where another callback than that of its samples hears it.
pub struct Ended(Arc<Shared>);

impl Ended {
    /// The device has ended.
    pub fn lose(&self, why: DeviceError) {
        self.0.lose(why);
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ended")
    }
}

/// Says that devices changed, from any thread.
#[derive(Debug, Clone)]
pub(crate) struct Bell {
    rung: Arc<AtomicBool>,
    waits: Thread,
}

impl Bell {
    /// Wakes this thread.
    pub(crate) fn here() -> Self {
        Self { rung: Arc::default(), waits: std::thread::current() }
    }

    pub(crate) fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.waits.unpark();
    }

    /// True once after it rang.
    pub(crate) fn answer(&self) -> bool {
        self.rung.swap(false, Ordering::AcqRel)
    }
}
