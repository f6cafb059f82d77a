//! What this person is seen by: a camera, or a screen or window, encoded in the layers that somebody wants.
//!
//! One blocking task opens the source, takes its pictures and encodes them, so that nothing else waits for a device or an
//! encoder; what it makes goes to the round and, of a camera, small to the own tile.

use super::devices::why;
use super::pictures::Gallery;
use super::scene::OWN_PICTURE;
use bytes::Bytes;
use capture::{Size, VideoSource};
use codec::I420;
use codec::i420::fitted;
use codec::vp8::{self, Encoded, Tuning};
use contract::{MediaStopped, OwnMediaView};
use model::device::DeviceError;
use rounds::{Outgoing, OutgoingError, Picture, Round};
use rounds_proto::frame::Codec;
use rounds_proto::signal::{CodecWanted, Kind, Layer, Source, Step, TrackWish};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// RTP's clock of pictures: ticks in a millisecond (RFC 7741 §4.1).
const TICKS: u64 = 90;
/// Encoded pictures that wait to be sent.
const WAITING: usize = 4;
/// Of what the line carries, the voice has this first, in bits per second.
const VOICE: f64 = 48_000.0;
/// Of what is left the pictures take this part.
const PICTURES: f64 = 0.9;
/// A face has this much beside a screen, in bits per second, as long as the line carries twice as much.
const FACE: u32 = 60_000;
/// Nothing is encoded for less.
const LEAST: u32 = 30_000;
/// What stands still is sent so often once more: at each time it becomes sharper.
const SHARPER: u8 = 6;
/// And later so often: who came meanwhile, and what was lost.
const STILL: Duration = Duration::from_secs(1);
/// A source that is silent for so long is stuck; cameras wait for less by themselves.
const SILENT: Duration = Duration::from_secs(6);
/// And one that is being opened: the operating system may ask the person first.
const ASKING: Duration = Duration::from_secs(65);
/// A picture that comes a little early is not left out.
const EARLY: f64 = 0.8;

/// What a camera is asked for.
pub(super) const CAMERA_SIZE: Size = Size { width: 640, height: 360 };

/// A size that is encoded.
struct Part {
    step: Step,
    /// The longest and the shortest side at most.
    within: (u16, u16),
    bits_per_second: u32,
}

/// How a kind of source is sent.
struct Manner {
    /// What its tracks are called between us and the media server, with a number behind it.
    name: &'static str,
    source: Source,
    tuning: Tuning,
    pictures_per_second: u32,
    parts: [Part; 2],
    /// A picture that is the same again is sent seldom.
    rests: bool,
}

/// As client-sdk-js makes layers of a picture of 360 rows (`computeDefaultSimulcastPresets`).
const FACES: Manner = Manner {
    name: "camera",
    source: Source::Camera,
    tuning: Tuning::Camera,
    pictures_per_second: 15,
    parts: [
        Part { step: Step::Low, within: (320, 180), bits_per_second: 160_000 },
        Part { step: Step::High, within: (640, 360), bits_per_second: 450_000 },
    ],
    rests: false,
};

/// As client-sdk-js does with a screen of 1080 rows: all of it, and at half the size.
const SCREENS: Manner = Manner {
    name: "screen",
    source: Source::Screen,
    tuning: Tuning::Screen,
    pictures_per_second: 10,
    parts: [
        Part { step: Step::Low, within: (960, 600), bits_per_second: 400_000 },
        Part { step: Step::High, within: (1920, 1200), bits_per_second: 2_500_000 },
    ],
    rests: true,
};

/// A source and what it is called, made on the task that films.
type Opens = Box<dyn FnOnce() -> Result<(Box<dyn VideoSource>, Option<String>), DeviceError> + Send>;

/// What a seat films. All of it can be stopped at once, whatever else is under way.
#[derive(Clone, Default)]
pub(super) struct Films(Arc<Mutex<Filmed>>);

#[derive(Default)]
struct Filmed {
    /// Counts them.
    number: u32,
    all: Vec<Weak<Shared>>,
    /// The seat is left.
    over: bool,
}

impl Films {
    /// Nobody sees anything of it from now on; each [`Film`] is told to be over soon.
    pub(super) fn stop(&self) {
        let all = std::mem::take(&mut self.filmed().all);
        for shared in all.iter().filter_map(Weak::upgrade) {
            shared.stop();
        }
    }

    /// The same for ever.
    pub(super) fn end(&self) {
        self.filmed().over = true;
        self.stop();
    }

    /// Gives its number.
    fn add(&self, shared: &Arc<Shared>) -> u32 {
        let mut filmed = self.filmed();
        filmed.number += 1;
        filmed.all.retain(|former| former.strong_count() > 0);
        filmed.all.push(Arc::downgrade(shared));
        if filmed.over {
            shared.stop();
        }
        filmed.number
    }

    fn filmed(&self) -> MutexGuard<'_, Filmed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A computer's cameras, which one film has at a time: a device is not free before its former user has closed it.
#[derive(Clone, Default)]
pub(super) struct Cameras(Arc<Mutex<()>>);

impl Cameras {
    /// Waits until nobody else has one; held as long as the device is.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A camera or a screen that is on, until it is dropped.
pub(super) struct Film {
    /// Each has its own: what is said of a former one is not taken for this one's.
    cid: String,
    manner: &'static Manner,
    shared: Arc<Shared>,
    state: watch::Receiver<State>,
    /// Nobody films any more.
    gone: bool,
    /// What is encoded, until somebody sends it.
    made: Option<mpsc::Receiver<Made>>,
    sending: JoinSet<()>,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Opening,
    Open { width: u16, height: u16, name: Option<String> },
    Over(MediaStopped),
}

struct Shared {
    stopped: AtomicBool,
    /// Whether somebody wants each layer.
    wanted: [AtomicBool; 2],
    /// Whether a picture of each layer is wanted that depends on no other.
    keys: [AtomicBool; 2],
    /// Of the own tile.
    own_key: AtomicBool,
    /// What both may have together, in bits per second.
    budget: AtomicU32,
    outgoing: OnceLock<Outgoing>,
    began: Instant,
    /// When the source was heard of last, in milliseconds since then.
    beat: AtomicU64,
}

impl Drop for Film {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl Film {
    /// Opens a camera, which the own tile shows.
    pub(super) fn of_camera(films: &Films, cameras: &Cameras, gallery: Gallery, opens: Opens) -> Self {
        Self::start(films, &FACES, Some((gallery, cameras.clone())), opens)
    }

    /// Opens a screen or a window.
    pub(super) fn of_screen(films: &Films, opens: Opens) -> Self {
        Self::start(films, &SCREENS, None, opens)
    }

    fn start(films: &Films, manner: &'static Manner, own: Option<(Gallery, Cameras)>, opens: Opens) -> Self {
        let shared = Arc::new(Shared {
            stopped: AtomicBool::new(false),
            // Until it is said who wants what, all is sent.
            wanted: [const { AtomicBool::new(true) }; 2],
            keys: [const { AtomicBool::new(true) }; 2],
            own_key: AtomicBool::new(true),
            budget: AtomicU32::new(manner.parts.iter().map(|part| part.bits_per_second).sum()),
            outgoing: OnceLock::new(),
            began: Instant::now(),
            beat: AtomicU64::new(0),
        });
        let number = films.add(&shared);
        let (made, coming) = mpsc::channel(WAITING);
        let (tell, state) = watch::channel(State::Opening);
        let mut sending = JoinSet::new();
        // It ends by itself once this is dropped.
        sending.spawn_blocking({
            let shared = shared.clone();
            move || {
                let (gallery, cameras) = own.unzip();
                let _alone = cameras.as_ref().map(Cameras::alone);
                let run = Run { manner, shared: &shared, gallery: gallery.as_ref(), made: &made, tell: &tell };
                if let Err(error) = run.film(opens) {
                    tracing::warn!(%error, of = manner.name, "there are no more pictures");
                    tell.send_replace(State::Over(why(error)));
                }
            }
        });
        let cid = format!("{}-{number}", manner.name);
        Self { cid, manner, shared, state, gone: false, made: Some(coming), sending }
    }

    /// What its track is called between us and the media server.
    pub(super) fn cid(&self) -> &str {
        &self.cid
    }

    /// Waits until it is open, or is over.
    pub(super) async fn changed(&mut self) {
        if self.gone {
            return std::future::pending().await;
        }
        self.gone = self.state.changed().await.is_err();
    }

    /// Whether somebody wants to see it.
    pub(super) fn is_seen(&self) -> bool {
        self.shared.wanted.iter().any(|wanted| wanted.load(Ordering::Relaxed))
    }

    /// Whether its source has not been heard of for too long. What it waits for may never come.
    pub(super) fn is_stuck(&self) -> bool {
        let patience = if *self.state.borrow() == State::Opening { ASKING } else { SILENT };
        let beat = Duration::from_millis(self.shared.beat.load(Ordering::Relaxed));
        self.shared.began.elapsed().saturating_sub(beat) > patience
    }

    /// What it is, and once it is open it is sent.
    pub(super) async fn settle(&mut self, round: &Round) -> OwnMediaView {
        let state = self.state.borrow_and_update().clone();
        match state {
            State::Opening | State::Open { .. } if self.gone => OwnMediaView::Stopped { why: MediaStopped::DeviceLost },
            State::Opening => OwnMediaView::Opening,
            State::Over(why) => OwnMediaView::Stopped { why },
            State::Open { width, height, name } => {
                let size = (width, height);
                if let Some(made) = self.made.take() {
                    self.publish(round, size, made).await;
                } else {
                    // The others choose by it what they want of it.
                    let (width, height, layers) = self.layers(size);
                    round.resize(&self.cid, width, height, layers).await;
                }
                OwnMediaView::On { device: name }
            }
        }
    }

    /// Of a picture of this size: columns and rows as they are sent at most, and each layer.
    fn layers(&self, size: (u16, u16)) -> (u32, u32, Vec<Layer>) {
        let layers = self.manner.parts.iter().map(|part| {
            let (width, height) = fitted(size, part.within);
            let (width, height) = (width.into(), height.into());
            Layer { step: part.step, width, height, bitrate: part.bits_per_second, ssrc: 0 }
        });
        let layers: Vec<_> = layers.collect();
        let (width, height) = layers.last().map_or((0, 0), |layer| (layer.width, layer.height));
        (width, height, layers)
    }

    async fn publish(&mut self, round: &Round, size: (u16, u16), made: mpsc::Receiver<Made>) {
        let (width, height, layers) = self.layers(size);
        let wish = TrackWish {
            cid: self.cid.clone(),
            kind: Kind::Video,
            source: self.manner.source,
            codec: "vp8".to_owned(),
            width,
            height,
            layers,
            encrypted: true,
            muted: false,
        };
        let outgoing = round.publish(wish).await;
        for (part, index) in self.manner.parts.iter().zip(0..) {
            let (outgoing, shared) = (outgoing.clone(), self.shared.clone());
            self.sending.spawn(async move {
                loop {
                    outgoing.key_wanted(part.step).await;
                    shared.want_key(index);
                }
            });
        }
        // It is published once.
        let _first = self.shared.outgoing.set(outgoing.clone());
        self.sending.spawn(send(self.manner, outgoing, self.shared.clone(), made));
    }

    /// Which layers somebody receives.
    pub(super) fn set_wanted(&self, wanted: &[CodecWanted]) {
        let Some(wanted) = wanted.iter().find(|wanted| wanted.codec.is_empty() || wanted.codec == "vp8") else {
            return;
        };
        let [low, high] = &self.shared.wanted;
        low.store(wanted.low || wanted.medium, Ordering::Relaxed);
        high.store(wanted.high, Ordering::Relaxed);
    }

    /// Who wants what is not known any more: all is sent until it is said again.
    pub(super) fn want_all(&self) {
        for wanted in &self.shared.wanted {
            wanted.store(true, Ordering::Relaxed);
        }
    }

    /// The own tile wants a picture that depends on no other.
    pub(super) fn want_own_key(&self) {
        self.shared.own_key.store(true, Ordering::Relaxed);
    }

    fn set_budget(&self, bits_per_second: u32) {
        self.shared.budget.store(bits_per_second, Ordering::Relaxed);
    }
}

impl Shared {
    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(outgoing) = self.outgoing.get() {
            outgoing.end();
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn set_beat(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.beat.store(now, Ordering::Relaxed);
    }

    fn want_key(&self, part: usize) {
        if let Some(key) = self.keys.get(part) {
            key.store(true, Ordering::Relaxed);
        }
    }
}

/// Shares out what the line carries, in bits per second: a screen is what others look at, and a face has the rest.
pub(super) fn share_out(carries: f64, camera: Option<&Film>, screen: Option<&Film>) {
    let all = ((carries - VOICE) * PICTURES).clamp(f64::from(LEAST), 10_000_000.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between the two limits")]
    let all = all as u32;
    let Some(screen) = screen else {
        if let Some(camera) = camera {
            camera.set_budget(all);
        }
        return;
    };
    let face = if camera.is_some() && all > 2 * FACE { FACE } else { 0 };
    let most: u32 = SCREENS.parts.iter().map(|part| part.bits_per_second).sum();
    let shown = (all - face).min(most);
    screen.set_budget(shown);
    if let Some(camera) = camera {
        camera.set_budget((all - shown).max(LEAST));
    }
}

struct Made {
    part: usize,
    encoded: Encoded,
    timestamp: u32,
}

async fn send(manner: &Manner, outgoing: Outgoing, shared: Arc<Shared>, mut coming: mpsc::Receiver<Made>) {
    while let Some(Made { part, encoded, timestamp }) = coming.recv().await {
        if shared.is_stopped() {
            return;
        }
        let Some(Part { step, .. }) = manner.parts.get(part) else { continue };
        match outgoing.send_picture(*step, &encoded.bytes, timestamp).await {
            Ok(()) => {}
            // What follows depends on it.
            Err(OutgoingError::NotSent | OutgoingError::Slow | OutgoingError::Seal(_) | OutgoingError::Cut) => {
                shared.want_key(part);
            }
        }
    }
}

/// On the task that films.
struct Run<'a> {
    manner: &'a Manner,
    shared: &'a Shared,
    gallery: Option<&'a Gallery>,
    made: &'a mpsc::Sender<Made>,
    tell: &'a watch::Sender<State>,
}

impl Run<'_> {
    /// Until it is stopped.
    fn film(&self, opens: Opens) -> Result<(), DeviceError> {
        if self.shared.is_stopped() {
            return Ok(());
        }
        let (mut source, name) = opens()?;
        let mut encoders =
            self.manner.parts.each_ref().map(|part| {
                vp8::Encoder::new(self.manner.tuning, part.bits_per_second, self.manner.pictures_per_second)
            });
        let mut pace = Pace::new(self.manner, source.waits());
        let mut latest: Option<I420> = None;
        while !self.shared.is_stopped() {
            pace.wait();
            if !pace.looks(self.is_wanted() || latest.is_none()) {
                continue;
            }
            let new = source.next()?.filter(is_encodable);
            self.shared.set_beat();
            let is_new = new.is_some();
            latest = new.or(latest);
            let Some(picture) = &latest else { continue };
            let (width, height) = (picture.width(), picture.height());
            let open = State::Open { width, height, name: name.clone() };
            self.tell.send_if_modified(|state| {
                let another = *state != open;
                *state = open;
                another
            });
            // A line that has too much to carry gets nothing more, so that what it carries is not for nothing.
            let carried = !self.shared.outgoing.get().is_some_and(Outgoing::is_slow);
            if !carried && self.gallery.is_none() {
                pace.owe();
                continue;
            }
            if pace.is_due(is_new, carried && self.is_key_wanted()) {
                self.encode(picture, &mut encoders, &mut pace, carried);
            }
        }
        Ok(())
    }

    fn is_key_wanted(&self) -> bool {
        let wanted = self.shared.wanted.iter().zip(&self.shared.keys);
        let (mut wanted, load) = (wanted, |flag: &AtomicBool| flag.load(Ordering::Relaxed));
        wanted.any(|(wanted, key)| load(wanted) && load(key))
    }

    /// Whether anybody looks: others, or this person at their own tile.
    fn is_wanted(&self) -> bool {
        self.gallery.is_some() || self.shared.wanted.iter().any(|wanted| wanted.load(Ordering::Relaxed))
    }

    /// `carried`: the line takes it. Else it is for the own tile alone.
    fn encode(&self, picture: &I420, encoders: &mut [vp8::Encoder; 2], pace: &mut Pace, carried: bool) {
        let (shared, stamp) = (self.shared, pace.stamp());
        let wanted = shared.wanted.each_ref().map(|wanted| carried && wanted.load(Ordering::Relaxed));
        let rates = rates(self.manner, shared.budget.load(Ordering::Relaxed), wanted);
        let own_key = self.gallery.is_some() && shared.own_key.swap(false, Ordering::Relaxed);
        for (index, (part, encoder)) in self.manner.parts.iter().zip(encoders).enumerate() {
            let (Some(wanted), Some(key), Some(rate)) = (wanted.get(index), shared.keys.get(index), rates.get(index))
            else {
                continue;
            };
            let own = self.gallery.filter(|_| part.step == Step::Low);
            let sent = *wanted && *rate > 0;
            // Whoever wants it again begins with a whole one.
            let key_wanted = key.swap(!sent, Ordering::Relaxed);
            if own.is_none() && !sent {
                continue;
            }
            let _as_before = encoder.set_bitrate((*rate).max(LEAST));
            let force_key = (sent && key_wanted) || (own.is_some() && own_key);
            let encoded = match picture.scaled_within(part.within) {
                Some(small) => encoder.encode(&small, stamp, force_key),
                None => encoder.encode(picture, stamp, force_key),
            };
            let encoded = match encoded {
                Ok(encoded) => encoded,
                Err(error) => {
                    tracing::warn!(%error, "a picture could not be encoded");
                    key.fetch_or(force_key, Ordering::Relaxed);
                    continue;
                }
            };
            // RTP's stamps are modulo 2³².
            let timestamp = u32::try_from(stamp & u64::from(u32::MAX)).unwrap_or_default();
            if let Some(gallery) = own {
                gallery.put(OWN_PICTURE, &shown(&encoded, timestamp, pace.began));
            }
            if sent && self.made.try_send(Made { part: index, encoded, timestamp }).is_err() {
                key.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// When a picture is taken, and whether it is sent.
struct Pace {
    began: Instant,
    /// From picture to picture.
    every: Duration,
    /// The source gives no picture before it has one.
    source_waits: bool,
    rests: bool,
    number: u32,
    last: Option<Instant>,
    looked: Option<Instant>,
    stamp: u64,
    /// So often it is sent again although nothing has changed.
    again: u8,
}

impl Pace {
    fn new(manner: &Manner, source_waits: bool) -> Self {
        Self {
            began: Instant::now(),
            every: Duration::from_secs(1) / manner.pictures_per_second,
            source_waits,
            rests: manner.rests,
            number: 0,
            last: None,
            looked: None,
            stamp: 0,
            again: 0,
        }
    }

    fn wait(&mut self) {
        if self.source_waits {
            return;
        }
        let due = self.every * self.number;
        std::thread::sleep(due.saturating_sub(self.began.elapsed()));
        // A computer that was asleep or too slow leaves out what is past.
        let passed = self.began.elapsed().as_nanos() / self.every.as_nanos().max(1);
        self.number = u32::try_from(passed).unwrap_or(u32::MAX).max(self.number).saturating_add(1);
    }

    /// Whether the source is looked at now. Where nobody wants its pictures that is seldom: whether it is still there.
    fn looks(&mut self, wanted: bool) -> bool {
        let now = Instant::now();
        let looks = wanted || self.source_waits || self.looked.is_none_or(|looked| now.duration_since(looked) >= STILL);
        if looks {
            self.looked = Some(now);
        }
        looks
    }

    /// Something was not sent that is to be, as soon as it can.
    fn owe(&mut self) {
        self.again = self.again.max(1);
    }

    /// Whether this picture is sent.
    fn is_due(&mut self, is_new: bool, key_wanted: bool) -> bool {
        let now = Instant::now();
        let since = self.last.map(|last| now.duration_since(last));
        if is_new {
            self.again = SHARPER;
        }
        let due = if self.rests {
            is_new || key_wanted || self.again > 0 || since.is_none_or(|since| since >= STILL)
        } else {
            is_new && since.is_none_or(|since| since.as_secs_f64() >= self.every.as_secs_f64() * EARLY)
        };
        if due {
            self.last = Some(now);
            self.again -= u8::from(!is_new && self.again > 0);
        }
        due
    }

    /// For this picture, in ticks of RTP's clock; later than the last one.
    fn stamp(&mut self) -> u64 {
        let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_mul(TICKS) / 1000;
        self.stamp = now.max(self.stamp + 1);
        self.stamp
    }
}

/// A window may be smaller than what an encoder takes: what was seen of it before stays.
fn is_encodable(picture: &I420) -> bool {
    picture.width().min(picture.height()) >= vp8::SHORTEST_SIDE
}

/// Bits per second for each part; of 0 it is left out.
fn rates(manner: &Manner, budget: u32, wanted: [bool; 2]) -> [u32; 2] {
    let [low, high] = &manner.parts;
    if manner.rests {
        // Letters are read from the large one; the small one has at most a sixth beside it.
        let small = if wanted[1] { (budget / 6).min(low.bits_per_second) } else { budget.min(low.bits_per_second) };
        let small = if wanted[0] { small } else { 0 };
        return [small, (budget - small).min(high.bits_per_second)];
    }
    let large = if budget < 2 * low.bits_per_second { 0 } else { budget - low.bits_per_second };
    [budget.min(low.bits_per_second), large.min(high.bits_per_second)]
}

fn shown(encoded: &Encoded, timestamp: u32, began: Instant) -> Picture {
    Picture {
        track: OWN_PICTURE.to_owned(),
        codec: Codec::Vp8,
        key: encoded.key,
        gap: false,
        timestamp,
        at: began.elapsed(),
        bytes: Bytes::copy_from_slice(&encoded.bytes),
    }
}
