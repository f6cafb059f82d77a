//! What stands for a camera and a microphone: color bars in which something moves, and a tone.

use codec::i420::{I420, Plane};
use codec::opus;
use codec::sample::{test_card, tone};
use codec::vp8::{self, Tuning};
use rounds::{Loudness, Outgoing, Round};
use rounds_proto::signal::{Kind, Layer, Source, Step, TrackWish};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;

/// In columns and rows.
pub(super) const SIZE: (u16, u16) = (640, 360);
const FRAMES_PER_SECOND: u32 = 20;
/// RTP's clock of pictures.
const CLOCK: u32 = 90_000;

/// Devices that are on until they are dropped.
pub(super) struct Devices(Vec<AbortHandle>);

impl Drop for Devices {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// What a camera sees: its width, its height and the number of the picture.
type Sight = fn(u16, u16, u32) -> I420;

/// Publishes both.
pub(super) async fn turned_on(round: &Round, encrypted: bool, layers: &[(Step, u16, u16, u32)]) -> Devices {
    seeing(round, encrypted, layers, test_card).await
}

/// Publishes both, with a camera whose pictures take all the bits that it may use.
pub(super) async fn turned_on_in_a_storm(round: &Round, encrypted: bool, layers: &[(Step, u16, u16, u32)]) -> Devices {
    seeing(round, encrypted, layers, storm).await
}

/// Nothing of it is like the picture before.
fn storm(width: u16, height: u16, number: u32) -> I420 {
    let mut drop = number.wrapping_mul(2_654_435_761);
    let planes = [(width, height), (width / 2, height / 2), (width / 2, height / 2)].map(|(width, height)| {
        let bytes = (0..usize::from(width) * usize::from(height)).map(|_| {
            drop = drop.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            drop.to_be_bytes()[0]
        });
        Plane { bytes: bytes.collect(), stride: usize::from(width) }
    });
    I420::new(width, height, planes).expect("the planes were made for this size")
}

async fn seeing(round: &Round, encrypted: bool, layers: &[(Step, u16, u16, u32)], sight: Sight) -> Devices {
    let layers: Vec<_> = layers
        .iter()
        .map(|&(step, width, height, bitrate)| Layer {
            step,
            width: width.into(),
            height: height.into(),
            bitrate,
            ssrc: 0,
        })
        .collect();
    let sizes: Vec<_> = layers.iter().map(|layer| (layer.step, layer.width, layer.height, layer.bitrate)).collect();
    let camera = TrackWish {
        cid: "camera".to_owned(),
        kind: Kind::Video,
        source: Source::Camera,
        codec: "vp8".to_owned(),
        width: SIZE.0.into(),
        height: SIZE.1.into(),
        layers,
        encrypted,
        muted: false,
    };
    let microphone = TrackWish {
        cid: "microphone".to_owned(),
        kind: Kind::Audio,
        source: Source::Microphone,
        codec: "opus".to_owned(),
        width: 0,
        height: 0,
        layers: Vec::new(),
        encrypted,
        muted: false,
    };
    let (camera, microphone) = (round.publish(camera).await, round.publish(microphone).await);
    let mut tasks = vec![tokio::spawn(talk(microphone)).abort_handle()];
    for (step, width, height, bitrate) in sizes {
        let size = (u16::try_from(width).expect("it was one"), u16::try_from(height).expect("it was one"));
        tasks.push(tokio::spawn(film(camera.clone(), step, size, bitrate, sight)).abort_handle());
    }
    Devices(tasks)
}

/// The size that is sent where there is one.
pub(super) const ONE: [(Step, u16, u16, u32); 1] = [(Step::High, SIZE.0, SIZE.1, 450_000)];

async fn film(camera: Outgoing, step: Step, (width, height): (u16, u16), bitrate: u32, sight: Sight) {
    let mut encoder = vp8::Encoder::new(Tuning::Camera, bitrate, FRAMES_PER_SECOND);
    let mut pace = tokio::time::interval(Duration::from_secs(1) / FRAMES_PER_SECOND);
    // Who was held up does not encode what was missed.
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut key = true;
    for number in 0_u32.. {
        loop {
            tokio::select! {
                biased;
                () = camera.key_wanted(step) => key = true,
                _ = pace.tick() => break,
            }
        }
        let timestamp = number.wrapping_mul(CLOCK / FRAMES_PER_SECOND);
        let picture = sight(width, height, number);
        let encoded = encoder.encode(&picture, u64::from(timestamp), key).expect("it can be encoded");
        key = camera.send_picture(step, &encoded.bytes, timestamp).await.is_err();
    }
}

async fn talk(microphone: Outgoing) {
    let mut encoder = opus::Encoder::new(32_000, 0).expect("a rate that there is");
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    for number in 0_u32.. {
        pace.tick().await;
        let samples = tone(440, u64::from(number) * 960);
        let Some(packet) = encoder.encode(&samples).expect("it can be encoded") else { continue };
        let loudness = Loudness { below: 9, voice: true };
        // Before the server has a place for it nobody hears it.
        let _not_yet = microphone.send_sound(&packet, number.wrapping_mul(960), loudness).await;
    }
}
