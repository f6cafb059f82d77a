//! What this person is seen by: a source of pictures, encoded in the layers that somebody wants.
//!
//! One blocking task takes pictures and encodes them, so that nothing else waits for an encoder; what it makes goes to the round
//! and, small, to the own tile.

use super::pictures::Gallery;
use super::scene::OWN_PICTURE;
use bytes::Bytes;
use codec::I420;
use codec::sample::test_card;
use codec::vp8::{self, Encoded, Tuning};
use rounds::{Outgoing, OutgoingError, Picture, Round};
use rounds_proto::frame::Codec;
use rounds_proto::signal::{CodecWanted, Kind, Layer, Source, Step, TrackWish};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// What the track is called between us and the media server.
pub(super) const CAMERA: &str = "camera";

const FRAMES_PER_SECOND: u32 = 15;
/// RTP's clock of pictures.
const TICKS: u32 = 90_000;
/// Encoded pictures that wait to be sent.
const WAITING: usize = 4;
/// Of what the line carries, the voice has this first, in bits per second.
const VOICE: f64 = 48_000.0;
/// Of what is left the pictures take this part.
const PICTURES: f64 = 0.9;

/// Whatever gives pictures.
pub(super) trait VideoSource: Send {
    /// The next picture; none once there are no more.
    fn next(&mut self) -> Option<I420>;
}

/// Color bars in which something moves.
pub(super) struct TestCard {
    number: u32,
}

impl TestCard {
    pub(super) fn new() -> Self {
        Self { number: 0 }
    }
}

impl VideoSource for TestCard {
    fn next(&mut self) -> Option<I420> {
        let (width, height) = LAYERS[1].size;
        self.number = self.number.wrapping_add(1);
        Some(test_card(width, height, self.number))
    }
}

/// A size that is encoded.
struct Size {
    step: Step,
    size: (u16, u16),
    bits_per_second: u32,
}

/// As client-sdk-js makes them of a picture of 360 rows (`computeDefaultSimulcastPresets`).
const LAYERS: [Size; 2] = [
    Size { step: Step::Low, size: (320, 180), bits_per_second: 160_000 },
    Size { step: Step::High, size: (640, 360), bits_per_second: 450_000 },
];

/// A camera that is on, until it is dropped.
pub(super) struct Camera {
    shared: Arc<Shared>,
    _sending: JoinSet<()>,
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
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
    }
}

impl Camera {
    /// Publishes it and begins.
    pub(super) async fn start(round: &Round, gallery: Gallery, source: Box<dyn VideoSource>) -> Self {
        let layers = LAYERS.iter().map(|layer| Layer {
            step: layer.step,
            width: layer.size.0.into(),
            height: layer.size.1.into(),
            bitrate: layer.bits_per_second,
            ssrc: 0,
        });
        let wish = TrackWish {
            cid: CAMERA.to_owned(),
            kind: Kind::Video,
            source: Source::Camera,
            codec: "vp8".to_owned(),
            width: LAYERS[1].size.0.into(),
            height: LAYERS[1].size.1.into(),
            layers: layers.collect(),
            encrypted: true,
            muted: false,
        };
        let outgoing = round.publish(wish).await;
        let shared = Arc::new(Shared {
            stopped: AtomicBool::new(false),
            // Until it is said who wants what, all is sent.
            wanted: [const { AtomicBool::new(true) }; 2],
            keys: [const { AtomicBool::new(true) }; 2],
            own_key: AtomicBool::new(true),
            budget: AtomicU32::new(LAYERS.iter().map(|layer| layer.bits_per_second).sum()),
        });
        let (made, coming) = mpsc::channel(WAITING);
        let mut sending = JoinSet::new();
        for (index, layer) in LAYERS.iter().enumerate() {
            let (outgoing, shared) = (outgoing.clone(), shared.clone());
            sending.spawn(async move {
                loop {
                    outgoing.key_wanted(layer.step).await;
                    if let Some(key) = shared.keys.get(index) {
                        key.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
        sending.spawn(send(outgoing, shared.clone(), coming));
        // It ends by itself once this is dropped.
        sending.spawn_blocking({
            let shared = shared.clone();
            move || film(source, &shared, &gallery, &made)
        });
        Self { shared, _sending: sending }
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

    /// The own tile wants a picture that depends on no other.
    pub(super) fn want_own_key(&self) {
        self.shared.own_key.store(true, Ordering::Relaxed);
    }

    /// What the line carries, in bits per second.
    pub(super) fn set_line(&self, carries: f64) {
        let budget = ((carries - VOICE) * PICTURES).clamp(30_000.0, 2_000_000.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between the two limits")]
        self.shared.budget.store(budget as u32, Ordering::Relaxed);
    }
}

struct Made {
    layer: usize,
    encoded: Encoded,
    timestamp: u32,
}

async fn send(outgoing: Outgoing, shared: Arc<Shared>, mut coming: mpsc::Receiver<Made>) {
    while let Some(Made { layer, encoded, timestamp }) = coming.recv().await {
        let Some(Size { step, .. }) = LAYERS.get(layer) else { continue };
        match outgoing.send_picture(*step, &encoded.bytes, timestamp).await {
            Ok(()) => {}
            // What follows depends on it.
            Err(OutgoingError::NotSent | OutgoingError::Slow | OutgoingError::Seal(_) | OutgoingError::Cut) => {
                if let Some(key) = shared.keys.get(layer) {
                    key.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}

/// Runs until the camera is dropped, or the source has no more.
fn film(mut source: Box<dyn VideoSource>, shared: &Shared, gallery: &Gallery, made: &mpsc::Sender<Made>) {
    let mut encoders =
        LAYERS.each_ref().map(|layer| vp8::Encoder::new(Tuning::Camera, layer.bits_per_second, FRAMES_PER_SECOND));
    let (began, mut number) = (Instant::now(), 0_u32);
    while !shared.stopped.load(Ordering::Relaxed) {
        let due = Duration::from_secs(1) * number / FRAMES_PER_SECOND;
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        let Some(picture) = source.next() else { return };
        let timestamp = number.wrapping_mul(TICKS / FRAMES_PER_SECOND);
        let budget = shared.budget.load(Ordering::Relaxed);
        let own_key = shared.own_key.swap(false, Ordering::Relaxed);
        for (index, (layer, encoder)) in LAYERS.iter().zip(&mut encoders).enumerate() {
            let (Some(wanted), Some(key)) = (shared.wanted.get(index), shared.keys.get(index)) else { continue };
            let (own, wanted) = (layer.step == Step::Low, wanted.load(Ordering::Relaxed));
            if !own && (!wanted || budget < LAYERS[0].bits_per_second * 2) {
                // Whoever wants it again begins with a whole one.
                key.store(true, Ordering::Relaxed);
                continue;
            }
            let share = if own { budget } else { budget.saturating_sub(LAYERS[0].bits_per_second) };
            let _as_before = encoder.set_bitrate(share.min(layer.bits_per_second));
            let force_key = key.swap(false, Ordering::Relaxed) || (own && own_key);
            let encoded = match small(&picture, layer.size) {
                Some(small) => encoder.encode(&small, u64::from(timestamp), force_key),
                None => encoder.encode(&picture, u64::from(timestamp), force_key),
            };
            let encoded = match encoded {
                Ok(encoded) => encoded,
                Err(error) => {
                    tracing::warn!(%error, "a picture could not be encoded");
                    continue;
                }
            };
            if own {
                gallery.put(OWN_PICTURE, &shown(&encoded, timestamp, began));
            }
            if wanted && made.try_send(Made { layer: index, encoded, timestamp }).is_err() {
                key.store(true, Ordering::Relaxed);
            }
        }
        number = number.wrapping_add(1);
        // A computer that was asleep or too slow leaves out what is past.
        let late = began.elapsed().as_secs_f64() * f64::from(FRAMES_PER_SECOND) - f64::from(number);
        if late > 1.0 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number above one")]
            let skipped = late as u32;
            number = number.wrapping_add(skipped);
        }
    }
}

/// None where it has that size.
fn small(picture: &I420, (width, height): (u16, u16)) -> Option<I420> {
    if (picture.width(), picture.height()) == (width, height) {
        return None;
    }
    super::pictures::scaled(picture, (width, height))
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
