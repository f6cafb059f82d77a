//! Devices that are none: microphones that hear what a function says and speakers that remember what they played, with a
//! clock that a test moves, or that runs by itself. For tests, and for a computer that has no sound.

use crate::device::{Device, Devices, Kind, Opened, Running, System};
use crate::ends::{Feed, Tap};
use model::device::{DeviceError, DeviceId};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a device does at once.
pub const STEP: Duration = Duration::from_millis(10);

/// So many steps are in a second.
const STEPS: u64 = 100;
/// A speaker remembers a minute, at any rate.
const REMEMBERED: usize = 60;
/// Whoever serves a device is waited for in a step: without it a busy computer would be another result.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked at.
const GLANCE: Duration = Duration::from_micros(100);

/// What a microphone hears: the value of a sample, from -1 to 1, by its number.
pub type Signal = Box<dyn FnMut(u64) -> f32 + Send>;

/// A sound system in memory. Its copies are the same one.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    devices: Devices,
    parts: Vec<Part>,
    watchers: Vec<(u64, Box<dyn Fn() + Send>)>,
    next: u64,
    steps: u64,
}

struct Part {
    id: DeviceId,
    rate: u32,
    channels: u16,
    refuses: Option<DeviceError>,
    /// Steps that it makes at once.
    at_once: u64,
    end: End,
    /// Which opening has it.
    user: Option<u64>,
}

enum End {
    Microphone { signal: Signal, at: u64, tap: Option<Tap> },
    Speaker { remembered: VecDeque<f32>, feed: Option<Feed> },
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inside = self.inside();
        write!(f, "Memory({} devices, {} steps)", inside.parts.len(), inside.steps)
    }
}

impl Memory {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plugs a microphone in. The first one becomes the system's.
    ///
    /// # Panics
    /// When `name` is no [`DeviceId`].
    pub fn plug_microphone(&self, name: &str, rate: u32, channels: u16, signal: Signal) -> DeviceId {
        self.plug(Kind::Microphone, name, rate, channels, End::Microphone { signal, at: 0, tap: None })
    }

    /// Plugs a speaker in. The first one becomes the system's.
    ///
    /// # Panics
    /// When `name` is no [`DeviceId`].
    pub fn plug_speaker(&self, name: &str, rate: u32, channels: u16) -> DeviceId {
        let end = End::Speaker { remembered: VecDeque::new(), feed: None };
        self.plug(Kind::Speaker, name, rate, channels, end)
    }

    fn plug(&self, kind: Kind, name: &str, rate: u32, channels: u16, end: End) -> DeviceId {
        let id = DeviceId::parse(name).expect("a device of a test has a name");
        let device = Device { id: id.clone(), name: name.to_owned() };
        let mut inside = self.inside();
        let Devices { microphones, speakers, microphone, speaker } = &mut inside.devices;
        let (all, own) = match kind {
            Kind::Microphone => (microphones, microphone),
            Kind::Speaker => (speakers, speaker),
        };
        all.push(device);
        own.get_or_insert_with(|| id.clone());
        inside.parts.push(Part { id: id.clone(), rate, channels, refuses: None, at_once: 1, end, user: None });
        inside.ring();
        id
    }

    /// Pulls a device out: whoever has it hears that it is gone, and the first that is left becomes the system's.
    pub fn unplug(&self, id: &DeviceId) {
        let mut inside = self.inside();
        let devices = &mut inside.devices;
        devices.microphones.retain(|device| device.id != *id);
        devices.speakers.retain(|device| device.id != *id);
        if devices.microphone.as_ref() == Some(id) {
            devices.microphone = devices.microphones.first().map(|device| device.id.clone());
        }
        if devices.speaker.as_ref() == Some(id) {
            devices.speaker = devices.speakers.first().map(|device| device.id.clone());
        }
        for part in inside.parts.iter().filter(|part| part.id == *id) {
            part.lose(DeviceError::Lost);
        }
        inside.parts.retain(|part| part.id != *id);
        inside.ring();
    }

    /// Makes a device the system's.
    pub fn set_own(&self, kind: Kind, id: &DeviceId) {
        let mut inside = self.inside();
        match kind {
            Kind::Microphone => inside.devices.microphone = Some(id.clone()),
            Kind::Speaker => inside.devices.speaker = Some(id.clone()),
        }
        inside.ring();
    }

    /// A device is not opened from now on, or is again.
    pub fn refuse(&self, id: &DeviceId, why: Option<DeviceError>) {
        let mut inside = self.inside();
        for part in inside.parts.iter_mut().filter(|part| part.id == *id) {
            part.refuses = why;
        }
        inside.ring();
    }

    /// A device moves its samples only every so many steps, and then all of them.
    pub fn move_at_once(&self, id: &DeviceId, steps: u64) {
        for part in self.inside().parts.iter_mut().filter(|part| part.id == *id) {
            part.at_once = steps.max(1);
        }
    }

    /// Somebody has the device open.
    #[must_use]
    pub fn is_open(&self, id: &DeviceId) -> bool {
        self.inside().parts.iter().any(|part| part.id == *id && part.user.is_some())
    }

    /// What a speaker played since it was asked last, at its rate, the first channel; a minute at most.
    #[must_use]
    pub fn played(&self, id: &DeviceId) -> Vec<f32> {
        let mut inside = self.inside();
        let speaker = inside.parts.iter_mut().find(|part| part.id == *id);
        match speaker.map(|part| &mut part.end) {
            Some(End::Speaker { remembered, .. }) => remembered.drain(..).collect(),
            Some(End::Microphone { .. }) | None => Vec::new(),
        }
    }

    /// The clock: so much was stepped.
    #[must_use]
    pub fn now(&self) -> Duration {
        let steps = self.inside().steps;
        Duration::from_millis(steps * 10)
    }

    /// All devices go on by [`STEP`]; whoever serves them is waited for.
    pub fn step(&self) {
        self.go_on(PATIENCE);
    }

    /// The clock runs by itself until what this gives is dropped.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn run(&self) -> std::io::Result<impl Running + Send + use<>> {
        let ends = Arc::new(AtomicBool::new(false));
        let (memory, its_end) = (self.clone(), Arc::clone(&ends));
        let thread = std::thread::Builder::new().name("sound in memory".to_owned()).spawn(move || {
            let began = Instant::now();
            let mut due = Duration::ZERO;
            while !its_end.load(Ordering::Acquire) {
                memory.go_on(Duration::ZERO);
                due += STEP;
                std::thread::park_timeout(due.saturating_sub(began.elapsed()));
            }
        })?;
        Ok(Clockwork { ends, thread: Some(thread) })
    }

    fn go_on(&self, patience: Duration) {
        let (count, steps) = {
            let mut inside = self.inside();
            inside.steps += 1;
            (inside.parts.len(), inside.steps - 1)
        };
        // First what is played, then what is heard of it.
        for kind in [Kind::Speaker, Kind::Microphone] {
            for place in 0..count {
                self.move_one(kind, place, steps, patience);
            }
        }
    }

    fn move_one(&self, kind: Kind, place: usize, steps: u64, patience: Duration) {
        let until = Instant::now() + patience;
        let mut inside = self.inside();
        let Some(Part { id, rate, channels, at_once, end, user: Some(user), .. }) = inside.parts.get_mut(place) else {
            return;
        };
        if !(steps + 1).is_multiple_of(*at_once) {
            return;
        }
        let (id, user, channels) = (id.clone(), *user, *channels);
        let wide = u64::from(*rate);
        let samples = usize::try_from(wide * (steps + 1) / STEPS - wide * (steps + 1 - *at_once) / STEPS).unwrap_or(0);
        // Out of the lock: whoever serves the device may ask for the list of devices meanwhile.
        match (kind, end) {
            (Kind::Speaker, End::Speaker { feed, .. }) => {
                let Some(mut feed) = feed.take() else { return };
                drop(inside);
                settle(until, || feed.is_settled(), || feed.wake());
                let mut buffer = vec![0.0; samples * usize::from(channels)];
                feed.take(&mut buffer, channels, |sample| sample);
                settle(until, || feed.is_settled(), || feed.wake());
                let mut inside = self.inside();
                if let Some(Part { end: End::Speaker { remembered, feed: its_feed }, rate, .. }) =
                    inside.used(&id, user)
                {
                    remembered.extend(buffer.iter().step_by(usize::from(channels)));
                    let most = usize::try_from(*rate).unwrap_or(0) * REMEMBERED;
                    let over = remembered.len().saturating_sub(most);
                    remembered.drain(..over);
                    *its_feed = Some(feed);
                }
            }
            (Kind::Microphone, End::Microphone { signal, at, tap }) => {
                let Some(mut tap) = tap.take() else { return };
                let mut heard = Vec::with_capacity(samples * usize::from(channels));
                for _ in 0..samples {
                    let sample = signal(*at);
                    *at += 1;
                    heard.extend(std::iter::repeat_n(sample, usize::from(channels)));
                }
                drop(inside);
                tap.put(&heard, channels, |sample| sample);
                settle(until, || tap.is_settled(), || tap.wake());
                let mut inside = self.inside();
                if let Some(Part { end: End::Microphone { tap: its_tap, .. }, .. }) = inside.used(&id, user) {
                    *its_tap = Some(tap);
                }
            }
            (Kind::Speaker, End::Microphone { .. }) | (Kind::Microphone, End::Speaker { .. }) => {}
        }
    }

    fn open(&self, id: &DeviceId, set: impl FnOnce(&mut End) -> bool) -> Result<Opened, DeviceError> {
        let mut inside = self.inside();
        inside.next += 1;
        let user = inside.next;
        let part = inside.parts.iter_mut().find(|part| part.id == *id).ok_or(DeviceError::NoneThere)?;
        if let Some(why) = part.refuses {
            return Err(why);
        }
        if part.user.is_some() {
            return Err(DeviceError::Busy);
        }
        if !set(&mut part.end) {
            return Err(DeviceError::Unusable);
        }
        part.user = Some(user);
        let in_use = InUse { memory: self.clone(), id: id.clone(), user };
        Ok(Opened { rate: part.rate, running: Box::new(in_use) })
    }
}

impl System for Memory {
    fn devices(&self) -> Result<Devices, DeviceError> {
        Ok(self.inside().devices.clone())
    }

    fn watch(&self, changed: Box<dyn Fn() + Send>) -> Box<dyn Running + Send> {
        let mut inside = self.inside();
        inside.next += 1;
        let number = inside.next;
        inside.watchers.push((number, changed));
        Box::new(Watching { memory: self.clone(), number })
    }

    fn listen(&self, microphone: &DeviceId, new: Tap) -> Result<Opened, DeviceError> {
        self.open(microphone, |end| match end {
            End::Microphone { tap, .. } => {
                *tap = Some(new);
                true
            }
            End::Speaker { .. } => false,
        })
    }

    fn play(&self, speaker: &DeviceId, new: Feed) -> Result<Opened, DeviceError> {
        self.open(speaker, |end| match end {
            End::Speaker { feed, .. } => {
                *feed = Some(new);
                true
            }
            End::Microphone { .. } => false,
        })
    }
}

impl Inside {
    fn used(&mut self, id: &DeviceId, user: u64) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.id == *id && part.user == Some(user))
    }

    fn ring(&self) {
        for (_, changed) in &self.watchers {
            changed();
        }
    }
}

impl Part {
    fn lose(&self, why: DeviceError) {
        match &self.end {
            End::Microphone { tap: Some(tap), .. } => tap.lose(why),
            End::Speaker { feed: Some(feed), .. } => feed.lose(why),
            End::Microphone { tap: None, .. } | End::Speaker { feed: None, .. } => {}
        }
    }
}

/// Waits for whoever serves a device.
fn settle(until: Instant, is_settled: impl Fn() -> bool, wake: impl Fn()) {
    while !is_settled() && Instant::now() < until {
        wake();
        std::thread::park_timeout(GLANCE);
    }
}

struct Watching {
    memory: Memory,
    number: u64,
}

impl Running for Watching {}

impl Drop for Watching {
    fn drop(&mut self) {
        self.memory.inside().watchers.retain(|(number, _)| *number != self.number);
    }
}

struct InUse {
    memory: Memory,
    id: DeviceId,
    user: u64,
}

impl Running for InUse {}

impl Drop for InUse {
    fn drop(&mut self) {
        if let Some(part) = self.memory.inside().used(&self.id, self.user) {
            part.user = None;
            match &mut part.end {
                End::Microphone { tap, .. } => *tap = None,
                End::Speaker { feed, .. } => *feed = None,
            }
        }
    }
}

struct Clockwork {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Running for Clockwork {}

impl Drop for Clockwork {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It panicked, and said so.
            let _ended = thread.join();
        }
    }
}
