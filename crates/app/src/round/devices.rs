//! What a person is heard, hears and is seen with, and what of their screens they can show: the lists, and what they chose.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capture::{Camera, Surface, SurfaceKind, TestCard, VideoSource};
use contract::{MediaStopped, RoundDeviceKind, RoundDeviceView, RoundSurfaceView, RoundSurfacesView};
use model::device::{DeviceError, DeviceId};
use serde::{Deserialize, Serialize};
use sound::{Choice, Devices};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::film::CAMERA_SIZE;

/// What stands for the system's own device among the ids.
const OF_THE_SYSTEM: &str = "system";
/// And for the test picture.
const CARD: &str = "test-card";
/// Of a small picture of a screen, in pixels.
const PREVIEW: (u16, u16) = (320, 200);
/// In percent.
const PREVIEW_QUALITY: u8 = 80;
/// A computer with many windows shows some of them without a picture.
const PREVIEWS: Duration = Duration::from_secs(2);
/// More are not offered.
const SURFACES: usize = 60;

/// Ids of what a person chose, as they are kept; none is the system's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeptDevices {
    microphone: Option<String>,
    speaker: Option<String>,
    camera: Option<String>,
}

impl KeptDevices {
    /// Takes an id of a list. Gives the choice; none where it is no id.
    pub(super) fn take(&mut self, what: RoundDeviceKind, id: &str) -> Option<Chosen> {
        let kept = (id != OF_THE_SYSTEM).then(|| id.to_owned());
        let sound = |id: &str| {
            let own = (id == OF_THE_SYSTEM).then_some(Choice::System);
            own.or_else(|| DeviceId::parse(id).map(Choice::Device))
        };
        Some(match what {
            RoundDeviceKind::Microphone => {
                let chosen = Chosen::Microphone(sound(id)?);
                self.microphone = kept;
                chosen
            }
            RoundDeviceKind::Speaker => {
                let chosen = Chosen::Speaker(sound(id)?);
                self.speaker = kept;
                chosen
            }
            RoundDeviceKind::Camera => {
                let chosen = Chosen::Camera(CameraChoice::of(id)?);
                self.camera = kept;
                chosen
            }
        })
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chosen {
    Microphone(Choice),
    Speaker(Choice),
    Camera(CameraChoice),
}

/// What a person wants to be seen by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum CameraChoice {
    /// The system's first camera.
    #[default]
    First,
    /// This one while it is there, else the first.
    Device(DeviceId),
    /// The test picture.
    Card,
}

impl CameraChoice {
    fn of(id: &str) -> Option<Self> {
        match id {
            OF_THE_SYSTEM => Some(Self::First),
            CARD => Some(Self::Card),
            id => DeviceId::parse(id).map(Self::Device),
        }
    }

    /// None for the test picture, and where there is none.
    fn meant<'a>(&self, cameras: &'a [Camera]) -> Option<&'a Camera> {
        match self {
            Self::Card => None,
            Self::First => cameras.first(),
            Self::Device(id) => cameras.iter().find(|camera| camera.id == *id).or_else(|| cameras.first()),
        }
    }
}

/// Which devices a person wants.
#[derive(Clone, Default)]
pub(super) struct Choices {
    pub(super) microphone: Choice,
    pub(super) speaker: Choice,
    pub(super) camera: CameraChoice,
}

impl Choices {
    pub(super) fn of(kept: &KeptDevices) -> Self {
        let sound =
            |id: &Option<String>| id.as_deref().and_then(DeviceId::parse).map_or(Choice::System, Choice::Device);
        let camera = kept.camera.as_deref().and_then(CameraChoice::of);
        Self { microphone: sound(&kept.microphone), speaker: sound(&kept.speaker), camera: camera.unwrap_or_default() }
    }
}

/// Microphones or speakers with the system's own in front; none where there is none.
pub(super) fn listed(devices: &Devices, kind: sound::Kind, choice: &Choice) -> Vec<RoundDeviceView> {
    let all = devices.all(kind);
    if all.is_empty() {
        return Vec::new();
    }
    // One that is chosen and not there is not shown: the system's stands for it.
    let chosen = all.iter().find(|device| *choice == Choice::Device(device.id.clone()));
    let own = RoundDeviceView { id: OF_THE_SYSTEM.to_owned(), name: None, chosen: chosen.is_none() };
    let others = all.iter().map(|device| RoundDeviceView {
        id: device.id.as_str().to_owned(),
        name: Some(device.name.clone()),
        chosen: chosen.is_some_and(|chosen| chosen.id == device.id),
    });
    std::iter::once(own).chain(others).collect()
}

/// Cameras, and the test picture behind them, which nobody is seen by without having chosen it.
pub(super) fn cameras_listed(cameras: &[Camera], choice: &CameraChoice) -> Vec<RoundDeviceView> {
    let chosen = choice.meant(cameras);
    let listed = cameras.iter().map(|camera| RoundDeviceView {
        id: camera.id.as_str().to_owned(),
        name: Some(camera.name.clone()),
        chosen: chosen == Some(camera),
    });
    let card = RoundDeviceView { id: CARD.to_owned(), name: None, chosen: *choice == CameraChoice::Card };
    listed.chain(std::iter::once(card)).collect()
}

/// A source and what it is called.
type Opened = (Box<dyn VideoSource>, Option<String>);

/// Opens what a person wants to be seen by. Takes its time.
pub(super) fn open_camera(system: &Arc<dyn capture::System>, choice: &CameraChoice) -> Result<Opened, DeviceError> {
    if *choice == CameraChoice::Card {
        return Ok((Box::new(TestCard::new(CAMERA_SIZE)), None));
    }
    let cameras = system.cameras()?;
    let camera = choice.meant(&cameras).ok_or(DeviceError::NoneThere)?;
    Ok((system.film(&camera.id, CAMERA_SIZE)?, Some(camera.name.clone())))
}

/// Opens a screen or a window. Takes its time.
pub(super) fn open_surface(system: &Arc<dyn capture::System>, id: &DeviceId) -> Result<Opened, DeviceError> {
    let surface = system.surfaces()?.into_iter().find(|surface| surface.id == *id).ok_or(DeviceError::Lost)?;
    let name = match surface.kind {
        SurfaceKind::Screen => None,
        SurfaceKind::Window => Some(surface.title.unwrap_or_default()),
    };
    Ok((system.share(id)?, name))
}

/// Screens and windows, and how they look. Takes its time.
pub(super) fn surfaces(system: &Arc<dyn capture::System>) -> RoundSurfacesView {
    let began = Instant::now();
    match system.surfaces() {
        Ok(surfaces) => {
            let surfaces = surfaces.into_iter().take(SURFACES).map(|surface| {
                let preview = (began.elapsed() < PREVIEWS).then(|| preview(system, &surface)).flatten();
                RoundSurfaceView {
                    id: surface.id.as_str().to_owned(),
                    window: surface.kind == SurfaceKind::Window,
                    name: surface.title,
                    width: surface.size.width,
                    height: surface.size.height,
                    preview,
                }
            });
            RoundSurfacesView { surfaces: surfaces.collect(), hindered: None }
        }
        Err(error) => {
            tracing::warn!(%error, "screens cannot be shown");
            RoundSurfacesView { surfaces: Vec::new(), hindered: Some(why(error)) }
        }
    }
}

/// None where it gives no picture at the moment.
fn preview(system: &Arc<dyn capture::System>, surface: &Surface) -> Option<String> {
    let picture = system.share(&surface.id).ok()?.next().ok()??;
    let picture = picture.scaled_within(PREVIEW).unwrap_or(picture);
    let colors = capture::rgb(&picture)?;
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, PREVIEW_QUALITY);
    encoder.encode(&colors, picture.width(), picture.height(), jpeg_encoder::ColorType::Rgb).ok()?;
    Some(STANDARD.encode(file))
}

/// What a person is told of it.
pub(super) fn why(error: DeviceError) -> MediaStopped {
    match error {
        DeviceError::NoneThere => MediaStopped::NoDevice,
        DeviceError::Busy => MediaStopped::DeviceBusy,
        DeviceError::Denied => MediaStopped::DeviceDenied,
        DeviceError::Lost | DeviceError::Unusable => MediaStopped::DeviceLost,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        CameraChoice, Choices, Chosen, KeptDevices, cameras_listed, listed, open_camera, open_surface, surfaces,
    };
    use capture::memory::Memory as Sight;
    use capture::{SurfaceKind, System as _};
    use codec::i420::{Channel, I420, Plane};
    use contract::{MediaStopped, RoundDeviceKind};
    use model::device::DeviceError;
    use sound::memory::Memory;
    use sound::{Choice, System as _};
    use std::sync::Arc;

    #[test]
    fn the_systems_own_device_is_the_choice_until_another_is_made() {
        let memory = Memory::default();
        let headset = memory.plug_microphone("Headset", 48_000, 1, Box::new(|_| 0.0)).as_str().to_owned();
        let devices = memory.devices().expect("there are some");
        let mut kept = KeptDevices::default();
        let shown = |kept: &KeptDevices| {
            let all = listed(&devices, sound::Kind::Microphone, &Choices::of(kept).microphone);
            all.into_iter().map(|device| (device.id, device.name, device.chosen)).collect::<Vec<_>>()
        };
        let own = |chosen| ("system".to_owned(), None, chosen);
        let other = |chosen| (headset.clone(), Some("Headset".to_owned()), chosen);
        assert_eq!(shown(&kept), [own(true), other(false)], "at first");
        assert!(kept.take(RoundDeviceKind::Microphone, &headset).is_some(), "it is one");
        assert_eq!(shown(&kept), [own(false), other(true)], "the chosen one");
        let back = kept.take(RoundDeviceKind::Microphone, "system");
        assert_eq!(back, Some(Chosen::Microphone(Choice::System)), "and back");
        assert_eq!(shown(&kept), [own(true), other(false)], "as at first");
        assert_eq!(kept.take(RoundDeviceKind::Microphone, ""), None, "that is no id");
        assert_eq!(listed(&devices, sound::Kind::Speaker, &Choice::System), [], "there is no speaker");
    }

    #[test]
    fn nobody_is_seen_by_the_test_picture_without_having_chosen_it() {
        let memory = Sight::default();
        let system: Arc<dyn capture::System> = Arc::new(memory.clone());
        let mut kept = KeptDevices::default();
        let shown = |kept: &KeptDevices| {
            let cameras = memory.cameras().expect("they are listed");
            let all = cameras_listed(&cameras, &Choices::of(kept).camera);
            all.into_iter().map(|device| (device.name, device.chosen)).collect::<Vec<_>>()
        };
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(shown(&kept), [(None, false)], "a computer without a camera");
        let opened = open_camera(&system, &Choices::of(&kept).camera).map(|(_source, name)| name);
        assert_eq!(opened, Err(DeviceError::NoneThere), "so nobody is seen");
        kept.take(RoundDeviceKind::Camera, "test-card").expect("it is one");
        assert_eq!(shown(&kept), [(None, true)], "chosen");
        memory.plug("HD Webcam", None);
        let second = memory.plug("Dokumentenkamera", None);
        assert_eq!(
            shown(&kept),
            [(named("HD Webcam"), false), (named("Dokumentenkamera"), false), (None, true)],
            "still"
        );
        kept = KeptDevices::default();
        assert_eq!(
            shown(&kept),
            [(named("HD Webcam"), true), (named("Dokumentenkamera"), false), (None, false)],
            "the first"
        );
        let chosen = kept.take(RoundDeviceKind::Camera, second.as_str());
        assert_eq!(chosen, Some(Chosen::Camera(CameraChoice::Device(second.clone()))), "another");
        let kept: KeptDevices = serde_json::from_value(serde_json::to_value(&kept).expect("text")).expect("as it was");
        let opened = open_camera(&system, &Choices::of(&kept).camera).map(|(_source, name)| name);
        assert_eq!(opened, Ok(named("Dokumentenkamera")), "and after a restart");
        memory.unplug(&second);
        let opened = open_camera(&system, &Choices::of(&kept).camera).map(|(_source, name)| name);
        assert_eq!(opened, Ok(named("HD Webcam")), "while it is not there, the first stands for it");
    }

    #[test]
    fn what_can_be_shown_is_listed_with_how_it_looks_and_what_hinders_it_is_said() {
        let memory = Sight::default();
        let system: Arc<dyn capture::System> = Arc::new(memory.clone());
        let gray = |width: u16, height: u16| {
            let planes = Channel::ALL.map(|channel| {
                let (columns, rows) = channel.size(width, height);
                Plane { bytes: vec![128; columns * rows], stride: columns }
            });
            I420::new(width, height, planes).expect("it fits")
        };
        memory.show(SurfaceKind::Screen, None, gray(1920, 1080));
        let window = memory.show(SurfaceKind::Window, Some("Befund"), gray(400, 300));
        let view = surfaces(&system);
        let shown: Vec<_> =
            view.surfaces.iter().map(|one| (one.window, one.name.as_deref(), one.width, one.height)).collect();
        assert_eq!(shown, [(false, None, 1920, 1080), (true, Some("Befund"), 400, 300)], "both");
        // JPEG's first bytes (ITU-T T.81 B.1.1.3) in base64.
        assert!(
            view.surfaces.iter().all(|one| one.preview.as_deref().is_some_and(|file| file.starts_with("/9j/"))),
            "small"
        );
        assert!(!format!("{view:?}").contains("Befund"), "a title may name a patient");
        let opened = open_surface(&system, &window).map(|(_source, name)| name);
        assert_eq!(opened, Ok(Some("Befund".to_owned())), "by its title");
        memory.close(&window);
        assert_eq!(open_surface(&system, &window).map(|_| ()), Err(DeviceError::Lost), "closed meanwhile");
        for (error, hindered) in
            [(DeviceError::NoneThere, MediaStopped::NoDevice), (DeviceError::Denied, MediaStopped::DeviceDenied)]
        {
            memory.hinder(Some(error));
            let view = surfaces(&system);
            assert_eq!((view.surfaces.len(), view.hindered), (0, Some(hindered)), "{error}");
        }
    }
}
