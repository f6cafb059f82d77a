//! One's own voice: a thread that hears a microphone while it is wanted, and gives packets.
//!
//! The microphone is closed whenever nobody needs it, so that the system's sign that it is open goes out. Who is muted for
//! a moment keeps it, and so does whoever wants to be told that they speak while muted.

use crate::device::{Choice, Device, Kind};
use crate::ends;
use crate::playout::Echo;
use crate::rate::Rate;
use crate::seat::{Clock, Fate, Orders, Place, Seat, TRY_AGAIN};
use crate::speech::{Heard, Mouth, Settings, Speech};
use crate::{SILENCE, System, TICK};
use codec::opus::{EncodeError, RATE};
use model::device::DeviceError;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{mpsc, watch};

/// Whoever is muted for no longer keeps the microphone: they are heard at once when they speak again.
pub const KEPT: Duration = Duration::from_secs(10);

/// A second of sound waits for a busy thread, at the highest rate there is.
const MOST: usize = 384_000;
/// Packets wait so long for whoever sends them: a second.
const WAITING: usize = 50;
/// A microphone that gives nothing is looked at so often.
const LOOK: Duration = Duration::from_millis(50);
/// What is played comes in pieces, and waits. If in so many ticks never fewer than so many of it waited, it is too many.
const LOOKED_AT: usize = 200;
const PLAYED_HELD: usize = 2;

/// Whether one's own voice is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The microphone is closed.
    #[default]
    No,
    /// Others hear it.
    Yes,
    /// Others do not.
    Muted {
        /// The microphone stays open, to tell when somebody speaks who believes to be heard.
        notice: bool,
    },
}

/// Why a microphone was not begun with.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// No encoder.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// No thread.
    #[error("the system gives no thread")]
    Thread(#[from] io::Error),
}

/// A microphone with one's own voice. It is closed when this is dropped.
#[derive(Debug)]
pub struct Capture {
    orders: Arc<Orders>,
    wishes: Arc<Wishes>,
    seat: watch::Receiver<Seat>,
    thread: Option<JoinHandle<()>>,
}

/// Closes a microphone at once, wherever its [`Capture`] is, and whatever was wanted of it last.
#[derive(Debug, Clone)]
pub struct Shutter {
    orders: Arc<Orders>,
    wishes: Arc<Wishes>,
}

impl Shutter {
    /// Nothing of what is heard leaves once this has returned, until the voice is wanted again.
    pub fn close(&self) {
        self.wishes.want(Wanted::No);
        self.orders.wake();
    }

    /// Nobody hears it once this has returned; where it is open it stays so, to notice who speaks all the same.
    pub fn mute(&self) {
        let mut wanted = self.wishes.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if *wanted == Wanted::Yes {
            *wanted = Wanted::Muted { notice: true };
        }
        drop(wanted);
        self.orders.wake();
    }
}

/// What comes of a [`Capture`], for whoever sends it.
pub struct Hearing {
    heard: mpsc::Receiver<Heard>,
    wishes: Arc<Wishes>,
}

impl Hearing {
    /// The next packet or notice; none when the capture was dropped. Whoever takes none for a second loses some, and what
    /// waits when the voice is not wanted any more is not given.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            let heard = self.heard.recv().await?;
            let given = match &heard {
                Heard::Packet(_) => self.wishes.wanted() == Wanted::Yes,
                Heard::Notice(_) => true,
            };
            if given {
                return Some(heard);
            }
        }
    }
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hearing({} wait)", self.heard.len())
    }
}

/// What the handle wants of the thread, and what it says.
#[derive(Debug, Default)]
struct Wishes {
    wanted: Mutex<Wanted>,
    /// Bits in a second; 0 before one was wished.
    bits: AtomicU32,
    loss: AtomicU8,
    /// A float's bits.
    level: AtomicU32,
    /// Packets that nobody took in time.
    dropped: AtomicU64,
}

impl Wishes {
    fn wanted(&self) -> Wanted {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn want(&self, wanted: Wanted) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = wanted;
    }
}

impl Capture {
    /// Begins with a closed microphone; [`Capture::want`] opens the one that `choice` means. What `echo` says is played is
    /// taken out. `clock` says how long the microphone was closed.
    ///
    /// # Errors
    /// [`CaptureError`]
    pub fn start(
        system: Arc<dyn System>,
        choice: Choice,
        settings: Settings,
        clock: Clock,
        echo: Option<Echo>,
    ) -> Result<(Self, Hearing), CaptureError> {
        let speech = Speech::new(settings)?;
        let orders = Orders::new(choice);
        let wishes = Arc::new(Wishes::default());
        let (tell, heard) = mpsc::channel(WAITING);
        let (told, seat) = watch::channel(Seat::default());
        let (its_orders, its_wishes) = (Arc::clone(&orders), Arc::clone(&wishes));
        let thread = std::thread::Builder::new().name("capture".to_owned()).spawn(move || {
            let place = Place::new(system, Kind::Microphone, its_orders, told);
            let closed = Some(clock());
            Hearer {
                place,
                wishes: its_wishes,
                speech,
                clock,
                echo,
                tell,
                closed,
                muted: None,
                loss: 0,
                least: usize::MAX,
                since: 0,
            }
            .run();
        })?;
        let hearing = Hearing { heard, wishes: Arc::clone(&wishes) };
        Ok((Self { orders, wishes, seat, thread: Some(thread) }, hearing))
    }

    /// Whether the voice is wanted from now on.
    pub fn want(&self, wanted: Wanted) {
        self.wishes.want(wanted);
        self.orders.wake();
    }

    /// For whoever has to close it without waiting for whoever has this.
    #[must_use]
    pub fn shutter(&self) -> Shutter {
        Shutter { orders: Arc::clone(&self.orders), wishes: Arc::clone(&self.wishes) }
    }

    /// Another microphone from now on.
    pub fn choose(&self, choice: Choice) {
        self.orders.choose(choice);
    }

    /// Another bit rate from now on, within [`codec::opus::Encoder::BIT_RATES`].
    pub fn set_bitrate(&self, bits_per_second: u32) {
        self.wishes.bits.store(bits_per_second, Ordering::Relaxed);
    }

    /// How many of 100 packets the line loses, by what others report.
    pub fn set_loss(&self, percent: u8) {
        self.wishes.loss.store(percent, Ordering::Relaxed);
    }

    /// For a meter, from 0 to 1; 0 while the microphone is closed.
    #[must_use]
    pub fn level(&self) -> f32 {
        f32::from_bits(self.wishes.level.load(Ordering::Relaxed))
    }

    /// Which microphone is in use, and what comes of it.
    #[must_use]
    pub fn seat(&self) -> watch::Receiver<Seat> {
        self.seat.clone()
    }

    /// Packets that nobody took in time.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.wishes.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.orders.end();
        if let Some(thread) = self.thread.take() {
            // It panicked, and said so.
            let _ended = thread.join();
        }
    }
}

struct Hearer {
    place: Place,
    wishes: Arc<Wishes>,
    speech: Speech,
    clock: Clock,
    echo: Option<Echo>,
    tell: mpsc::Sender<Heard>,
    /// Since when the microphone is closed.
    closed: Option<Duration>,
    /// Since when nobody is to hear.
    muted: Option<Duration>,
    /// As the encoder knows it.
    loss: u8,
    /// Ticks that were played and waited, at least, in the last `since` ticks that were heard.
    least: usize,
    since: usize,
}

impl Hearer {
    fn run(mut self) {
        while !self.place.orders.ends() {
            if self.wanted().is_none() {
                self.place.closed();
                std::thread::park();
                continue;
            }
            let heard = self.place.meant().and_then(|device| self.hear(device));
            if let Err(error) = heard {
                self.place.failed(error);
                std::thread::park_timeout(TRY_AGAIN);
            }
        }
        self.place.closed();
    }

    /// What is to be done with a voice; nothing, if the microphone is to be closed.
    fn wanted(&mut self) -> Option<Mouth> {
        match self.wishes.wanted() {
            Wanted::No => {
                self.muted = None;
                None
            }
            Wanted::Yes => {
                self.muted = None;
                Some(Mouth::Open)
            }
            Wanted::Muted { notice: true } => Some(Mouth::Shut),
            Wanted::Muted { notice: false } => {
                // A microphone that is closed already is not opened for it.
                let open = self.closed.is_none();
                let since = *self.muted.get_or_insert_with(|| (self.clock)());
                (open && (self.clock)().saturating_sub(since) < KEPT).then_some(Mouth::Shut)
            }
        }
    }

    /// Hears until the device is gone, another one is meant, or it is to be closed.
    fn hear(&mut self, device: Device) -> Result<(), DeviceError> {
        let (tap, mut ear) = ends::tap(MOST);
        let opened = self.place.system().listen(&device.id, tap)?;
        let mut rate = Rate::new(opened.rate, RATE).ok_or(DeviceError::Unusable)?;
        self.place.opened(&device);
        self.open();
        let (mut raw, mut samples) = (Vec::new(), Vec::new());
        let ended = loop {
            let Some(mouth) = self.wanted() else { break None };
            if self.place.orders.ends() {
                break None;
            }
            let moves = ear.moves();
            raw.clear();
            ear.take(&mut raw);
            rate.push(&raw, &mut samples);
            self.listen(&mut samples, mouth);
            ear.deal(moves);
            if let Some(error) = ear.lost() {
                break Some(error);
            }
            if self.place.bell.answer() {
                match self.place.look(&device) {
                    Fate::Stays => {}
                    Fate::Another => break None,
                    Fate::Gone => break Some(DeviceError::Lost),
                }
            }
            std::thread::park_timeout(LOOK);
        };
        drop(opened);
        self.close();
        if let Some(error) = ended {
            self.place.lost(device, error);
        }
        Ok(())
    }

    fn open(&mut self) {
        if let Some(since) = self.closed.take() {
            self.speech.pass((self.clock)().saturating_sub(since));
        }
        // What was played before has no echo any more.
        while self.echo.as_mut().is_some_and(|Echo(played)| played.pop().is_ok()) {}
        (self.least, self.since) = (usize::MAX, 0);
    }

    fn close(&mut self) {
        self.closed = Some((self.clock)());
        self.wishes.level.store(0, Ordering::Relaxed);
    }

    fn listen(&mut self, samples: &mut Vec<f32>, mouth: Mouth) {
        self.obey();
        let mut heard = Vec::new();
        for samples in samples.chunks_exact(TICK) {
            self.hear_played();
            let mut tick = SILENCE;
            tick.copy_from_slice(samples);
            self.speech.hear(&tick, mouth, &mut heard);
        }
        samples.drain(..samples.len() / TICK * TICK);
        self.wishes.level.store(self.speech.level().to_bits(), Ordering::Relaxed);
        for heard in heard {
            if self.tell.try_send(heard).is_err() {
                self.wishes.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn obey(&mut self) {
        // libopus refuses none of them.
        let bits = self.wishes.bits.swap(0, Ordering::Relaxed);
        if bits > 0 {
            let _set = self.speech.set_bitrate(bits);
        }
        let loss = self.wishes.loss.load(Ordering::Relaxed);
        if loss != self.loss {
            self.loss = loss;
            let _set = self.speech.set_loss(loss);
        }
    }

    /// For each tick that is heard one that was played, so that the way between them stays as long as it is. What piles up
    /// because the speaker's clock is the faster one is caught up with from time to time.
    fn hear_played(&mut self) {
        let Some(Echo(played)) = &mut self.echo else { return };
        let waiting = played.slots() / TICK;
        self.least = self.least.min(waiting);
        self.since += 1;
        let mut ticks = 1;
        if self.since >= LOOKED_AT {
            ticks += self.least.saturating_sub(PLAYED_HELD);
            (self.least, self.since) = (usize::MAX, 0);
        }
        let mut tick = SILENCE;
        for _ in 0..ticks.min(waiting) {
            if played.pop_entire_slice(&mut tick).is_ok() {
                self.speech.played(&tick);
            }
        }
    }
}
