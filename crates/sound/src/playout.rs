//! What others say, out of a speaker: a thread that mixes as fast as the speaker takes, and the handles to its voices.
//!
//! A speaker that is gone is replaced by the system's, and where there is none the voices go on unheard, so that nobody is
//! late when one comes.

use crate::device::{Choice, Device, Kind};
use crate::ends::{self, Mouth};
use crate::mixer::{Account, Mixer, VoiceNo};
use crate::rate::Rate;
use crate::seat::{Clock, Fate, Orders, Place, Seat, TRY_AGAIN};
use crate::{System, TICK, Tick};
use codec::opus::{DecodeError, RATE};
use model::device::DeviceError;
use rtrb::{Consumer, Producer, RingBuffer};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// So much lies ready beside what the speaker takes at once, in ticks of 10 ms: a busy computer wakes a thread late. It
/// grows with each time that it was too late.
const SPARE: usize = 2;
const MOST_SPARE: usize = 10;
/// What a speaker takes at once is what it took in so long: many take much when they begin.
const SEEN: Duration = Duration::from_secs(2);
/// A speaker that begins is not late.
const BEGINS: Duration = Duration::from_millis(500);
/// No speaker's samples lie ready longer than this many ticks.
const MOST: usize = 100;
/// How long a tick is.
const PACE: Duration = Duration::from_millis(10);
/// Nobody waits longer for a speaker that takes nothing: the thread looks around.
const LOOK: Duration = Duration::from_millis(20);
/// What a speaker plays waits so long for the microphone, in ticks; then what is oldest is of no use.
const ECHO: usize = 50;

/// What is played, for [`crate::Capture`]: it takes it out of what the microphone hears.
pub struct Echo(pub(crate) Consumer<f32>);

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Echo")
    }
}

/// A speaker with the voices of a round. It falls silent when it is dropped.
#[derive(Debug)]
pub struct Playout {
    mixer: Arc<Mutex<Mixer>>,
    orders: Arc<Orders>,
    seat: watch::Receiver<Seat>,
    starved: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Playout {
    /// Begins to play by the speaker that `choice` means. `clock` is the one that packets are given the time of.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(system: Arc<dyn System>, choice: Choice, clock: Clock) -> io::Result<(Self, Echo)> {
        let (echo_in, echo_out) = RingBuffer::new(ECHO * TICK);
        let mixer = Arc::new(Mutex::new(Mixer::default()));
        let orders = Orders::new(choice);
        let (told, seat) = watch::channel(Seat::default());
        let starved = Arc::new(AtomicUsize::new(0));
        let (its_orders, its_mixer, its_starved) = (Arc::clone(&orders), Arc::clone(&mixer), Arc::clone(&starved));
        let thread = std::thread::Builder::new().name("playout".to_owned()).spawn(move || {
            let place = Place::new(system, Kind::Speaker, its_orders, told);
            Player { place, mixer: its_mixer, clock, echo: echo_in, starved: its_starved }.run();
        })?;
        Ok((Self { mixer, orders, seat, starved, thread: Some(thread) }, Echo(echo_out)))
    }

    /// Another speaker from now on.
    pub fn choose(&self, choice: Choice) {
        self.orders.choose(choice);
    }

    /// Which speaker is in use, and what comes of it.
    #[must_use]
    pub fn seat(&self) -> watch::Receiver<Seat> {
        self.seat.clone()
    }

    /// Samples that the speaker wanted and that were not mixed in time, since it was opened.
    #[must_use]
    pub fn starved(&self) -> usize {
        self.starved.load(Ordering::Relaxed)
    }

    /// A voice that is played until it is dropped.
    ///
    /// # Errors
    /// [`DecodeError`] when there is no memory for a decoder.
    pub fn voice(&self) -> Result<Voice, DecodeError> {
        let number = locked(&self.mixer).join()?;
        Ok(Voice { mixer: Arc::clone(&self.mixer), number })
    }
}

impl Drop for Playout {
    fn drop(&mut self) {
        self.orders.end();
        if let Some(thread) = self.thread.take() {
            // It panicked, and said so.
            let _ended = thread.join();
        }
    }
}

/// One person's voice.
pub struct Voice {
    mixer: Arc<Mutex<Mixer>>,
    number: VoiceNo,
}

impl Voice {
    /// A packet that arrived `at` by the playout's clock, with RTP's number and time, as a round gives it: out of order,
    /// twice or damaged too; empty for 20 ms of silence.
    pub fn put(&self, sequence: u16, timestamp: u32, bytes: impl Into<Vec<u8>>, at: Duration) {
        let bytes = bytes.into();
        locked(&self.mixer).put(self.number, at, sequence, timestamp, bytes);
    }

    /// From 0 to [`crate::mixer::LOUDEST`]; 1 is as it came.
    pub fn set_volume(&self, volume: f32) {
        locked(&self.mixer).set_volume(self.number, volume);
    }

    /// For a meter, from 0 to 1.
    #[must_use]
    pub fn level(&self) -> f32 {
        locked(&self.mixer).level(self.number)
    }

    /// How it went so far.
    #[must_use]
    pub fn account(&self) -> Account {
        locked(&self.mixer).account(self.number).unwrap_or_default()
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        locked(&self.mixer).leave(self.number);
    }
}

impl fmt::Debug for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Voice({:?})", self.number)
    }
}

/// Held for a tick's mix at most. The device's callback never asks for it.
fn locked(mixer: &Mutex<Mixer>) -> MutexGuard<'_, Mixer> {
    mixer.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Player {
    place: Place,
    mixer: Arc<Mutex<Mixer>>,
    clock: Clock,
    echo: Producer<f32>,
    starved: Arc<AtomicUsize>,
}

impl Player {
    fn run(mut self) {
        while !self.place.orders.ends() {
            let played = self.place.meant().and_then(|device| self.play(device));
            if let Err(error) = played {
                self.place.failed(error);
                self.go_on_unheard();
            }
        }
        self.place.closed();
    }

    /// Plays until the device is gone, another one is meant, or all ends.
    fn play(&mut self, device: Device) -> Result<(), DeviceError> {
        // For the highest rate there is.
        let (feed, mut mouth) = ends::feed(MOST * TICK * 8);
        let opened = self.place.system().play(&device.id, feed)?;
        let mut rate = Rate::new(RATE, opened.rate).ok_or(DeviceError::Unusable)?;
        let of_tick = usize::try_from(opened.rate / 100).unwrap_or(TICK);
        self.place.opened(&device);
        let mut reserve = Reserve::new(of_tick, (self.clock)());
        let mut samples = Vec::with_capacity(of_tick * 2);
        loop {
            if self.place.orders.ends() {
                return Ok(());
            }
            if let Some(error) = mouth.lost() {
                self.place.lost(device, error);
                return Ok(());
            }
            if self.place.bell.answer() {
                match self.place.look(&device) {
                    Fate::Stays => {}
                    Fate::Another => return Ok(()),
                    Fate::Gone => {
                        self.place.lost(device, DeviceError::Lost);
                        return Ok(());
                    }
                }
            }
            let (moves, now) = (mouth.moves(), (self.clock)());
            let wanted = reserve.wanted(&mouth, now);
            while mouth.waiting() < wanted {
                let tick = self.next(reserve.time(now, wanted - mouth.waiting()));
                samples.clear();
                rate.push(&tick, &mut samples);
                mouth.give(&samples);
            }
            mouth.deal(moves);
            self.starved.store(mouth.missed(), Ordering::Relaxed);
            std::thread::park_timeout(LOOK);
        }
    }

    fn next(&mut self, now: Duration) -> Tick {
        let tick = locked(&self.mixer).next(now);
        // Where nobody captures it fills up, and whoever begins to takes what is old out first.
        let _full = self.echo.push_entire_slice(&tick);
        tick
    }

    /// There is no speaker: the voices go on at the pace of this thread, until it is time to try again.
    fn go_on_unheard(&mut self) {
        let began = Instant::now();
        let mut ticks = 0;
        while began.elapsed() < TRY_AGAIN && !self.place.orders.ends() && !self.place.bell.answer() {
            while PACE * ticks < began.elapsed() {
                let _unheard = self.next((self.clock)());
                ticks += 1;
            }
            std::thread::park_timeout((PACE * ticks).saturating_sub(began.elapsed()));
        }
    }
}

/// How much lies ready for a speaker.
struct Reserve {
    /// Samples of 10 ms.
    of_tick: usize,
    /// In ticks.
    spare: usize,
    missed: usize,
    /// Samples taken at once, at most, in the span of [`SEEN`] that runs, and in the one before.
    seen: usize,
    before: usize,
    began: Duration,
    since: Duration,
    /// Of the last tick.
    time: Duration,
}

impl Reserve {
    fn new(of_tick: usize, now: Duration) -> Self {
        Self { of_tick, spare: SPARE, missed: 0, seen: 0, before: 0, began: now, since: now, time: Duration::ZERO }
    }

    /// Samples that are to lie ready.
    fn wanted(&mut self, mouth: &Mouth, now: Duration) -> usize {
        let missed = mouth.missed();
        if missed > self.missed && now.saturating_sub(self.began) > BEGINS {
            self.spare = (self.spare + 1).min(MOST_SPARE);
        }
        self.missed = missed;
        self.seen = self.seen.max(mouth.largest());
        let wanted = self.seen.max(self.before) + self.spare * self.of_tick;
        if now.saturating_sub(self.since) >= SEEN {
            (self.before, self.seen, self.since) = (self.seen, 0, now);
        }
        wanted.min(MOST * self.of_tick)
    }

    /// What time it is for the next tick, when so many samples are missing. A speaker that takes much at once would else
    /// have many ticks at one time and then none: the last of them is of now, those before it are each a tick older.
    fn time(&mut self, now: Duration, missing: usize) -> Duration {
        let later = u32::try_from(missing.saturating_sub(1) / self.of_tick.max(1)).unwrap_or(u32::MAX);
        self.time = self.time.max(now.saturating_sub(PACE.saturating_mul(later)));
        self.time
    }
}
