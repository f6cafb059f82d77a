//! What the camera sees before a round: small pictures for this person alone. Nothing of it leaves the computer, and the
//! camera closes when nobody has looked for a while.

use super::check::UNWATCHED;
use super::devices::{CameraChoice, open_camera, why};
use super::film::Cameras;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capture::VideoSource;
use codec::I420;
use contract::{OwnMediaView, RoundSightView};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// From picture to picture.
const EVERY: Duration = Duration::from_millis(100);
/// A camera that does not open is tried again so often.
const AGAIN: Duration = Duration::from_secs(3);
/// In pixels at most.
const SMALL: (u16, u16) = (320, 240);
/// In percent.
const QUALITY: u8 = 75;

/// A camera that is looked through. It closes when this is dropped.
pub(super) struct Sight {
    seen: Arc<Mutex<Seen>>,
    looking: JoinHandle<()>,
}

struct Seen {
    view: RoundSightView,
    looked: Instant,
    ends: bool,
}

impl Drop for Sight {
    fn drop(&mut self) {
        locked(&self.seen).ends = true;
    }
}

impl Sight {
    pub(super) fn start(system: &Arc<dyn capture::System>, cameras: &Cameras, choice: CameraChoice) -> Self {
        let view = RoundSightView { camera: OwnMediaView::Opening, picture: None };
        let seen = Arc::new(Mutex::new(Seen { view, looked: Instant::now(), ends: false }));
        let (system, cameras, its) = (system.clone(), cameras.clone(), seen.clone());
        // It ends by itself once this is dropped.
        let looking = tokio::task::spawn_blocking(move || {
            while is_wanted(&its) {
                let tried = Instant::now();
                {
                    let _alone = cameras.alone();
                    let opened = open_camera(&system, &choice);
                    let ended = opened.and_then(|(source, name)| film(&its, source, name));
                    if let Err(error) = ended {
                        tracing::warn!(%error, "a camera could not be looked through");
                        let camera = OwnMediaView::Stopped { why: why(error) };
                        locked(&its).view = RoundSightView { camera, picture: None };
                    }
                }
                // Another program may let it go.
                while is_wanted(&its) && tried.elapsed() < AGAIN {
                    std::thread::sleep(EVERY);
                }
            }
        });
        Self { seen, looking }
    }

    /// What it sees now.
    pub(super) fn look(&self) -> RoundSightView {
        let mut seen = locked(&self.seen);
        seen.looked = Instant::now();
        seen.view.clone()
    }

    /// Nobody has looked for a while: it has closed, or does.
    pub(super) fn is_unwatched(&self) -> bool {
        self.looking.is_finished() || locked(&self.seen).looked.elapsed() >= UNWATCHED
    }
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_wanted(seen: &Mutex<Seen>) -> bool {
    let seen = locked(seen);
    !seen.ends && seen.looked.elapsed() < UNWATCHED
}

fn film(
    seen: &Mutex<Seen>,
    mut source: Box<dyn VideoSource>,
    name: Option<String>,
) -> Result<(), model::device::DeviceError> {
    let mut last: Option<Instant> = None;
    while is_wanted(seen) {
        let picture = source.next()?;
        let due = last.is_none_or(|last| last.elapsed() >= EVERY);
        if let Some(picture) = picture.as_ref().filter(|_| due).and_then(small) {
            last = Some(Instant::now());
            let camera = OwnMediaView::On { device: name.clone() };
            locked(seen).view = RoundSightView { camera, picture: Some(picture) };
        }
        if !source.waits() {
            std::thread::sleep(EVERY);
        }
    }
    Ok(())
}

fn small(picture: &I420) -> Option<String> {
    let scaled = picture.scaled_within(SMALL);
    let picture = scaled.as_ref().unwrap_or(picture);
    let colors = capture::rgb(picture)?;
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, QUALITY);
    encoder.encode(&colors, picture.width(), picture.height(), jpeg_encoder::ColorType::Rgb).ok()?;
    Some(STANDARD.encode(file))
}

#[cfg(test)]
mod tests {
    use super::{CameraChoice, Cameras, Sight, UNWATCHED};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use capture::memory::Memory;
    use contract::{MediaStopped, OwnMediaView};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    async fn until<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = find() {
                return found;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{what}");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_person_sees_themselves_small_and_the_camera_closes_when_nobody_looks() {
        let memory = Memory::default();
        memory.plug("HD Webcam", None);
        let system: Arc<dyn capture::System> = Arc::new(memory.clone());
        let cameras = Cameras::default();
        let sight = Sight::start(&system, &cameras, CameraChoice::First);
        let seen = until("a picture", || Some(sight.look()).filter(|seen| seen.picture.is_some())).await;
        assert_eq!(seen.camera, OwnMediaView::On { device: Some("HD Webcam".to_owned()) }, "by this camera");
        let file = STANDARD.decode(seen.picture.expect("it has one")).expect("base64");
        assert_eq!(file.get(..2), Some([0xff, 0xd8].as_slice()), "a JPEG file");
        let closed = tokio::task::spawn_blocking(move || drop(cameras.alone()));
        tokio::time::timeout(UNWATCHED * 5, closed).await.expect("in time").expect("no panic");
        assert!(sight.is_unwatched(), "since nobody looked");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn why_a_camera_shows_nothing_is_said() {
        let system: Arc<dyn capture::System> = Arc::new(Memory::default());
        let sight = Sight::start(&system, &Cameras::default(), CameraChoice::First);
        let stopped = OwnMediaView::Stopped { why: MediaStopped::NoDevice };
        until("it is said", || Some(sight.look().camera).filter(|camera| *camera == stopped)).await;
    }
}
