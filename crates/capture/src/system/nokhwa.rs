//! Cameras by Media Foundation and AVFoundation.

use crate::convert::{Damaged, Layout, Raw};
use crate::device::{Camera, Size, VideoSource, title};
use codec::I420;
use model::device::{DeviceError, DeviceId, told_apart};
use nokhwa::utils::{
    ApiBackend, CameraFormat, CameraIndex, CameraInfo, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};
use nokhwa::{Camera as Device, NokhwaError, query};

/// What is understood.
const FORMATS: [FrameFormat; 4] = [FrameFormat::NV12, FrameFormat::YUYV, FrameFormat::MJPEG, FrameFormat::RAWRGB];
/// Pictures in a second that a camera is asked for.
const RATE: u32 = 30;
/// How long a person has to answer the operating system whether this program may see.
#[cfg(target_os = "macos")]
const ANSWER: std::time::Duration = std::time::Duration::from_secs(60);

pub(super) fn all() -> Result<Vec<Camera>, DeviceError> {
    let found = known()?.into_iter().filter_map(|about| {
        // What the system calls it stays the same over a restart.
        Some(Camera { id: DeviceId::parse(&title(&about.misc())?)?, name: title(&about.human_name())? })
    });
    Ok(told_apart(found.collect(), |camera: &mut Camera| &mut camera.name))
}

fn known() -> Result<Vec<CameraInfo>, DeviceError> {
    query(ApiBackend::Auto).map_err(|error| why(&error))
}

pub(super) fn open(camera: &DeviceId, size: Size) -> Result<Box<dyn VideoSource>, DeviceError> {
    #[cfg(target_os = "macos")]
    may_see()?;
    let about = known()?.into_iter().find(|about| title(&about.misc()).as_deref() == Some(camera.as_str()));
    let index: CameraIndex = about.ok_or(DeviceError::NoneThere)?.index().clone();
    let near = CameraFormat::new(Resolution::new(size.width, size.height), FrameFormat::NV12, RATE);
    let wanted = RequestedFormat::with_formats(RequestedFormatType::Closest(near), &FORMATS);
    let mut device = Device::new(index, wanted).map_err(|error| why(&error))?;
    device.open_stream().map_err(|error| why(&error))?;
    Ok(Box::new(Film { device, damaged: Damaged::default() }))
}

/// Asks the person where they have not been asked yet.
#[cfg(target_os = "macos")]
fn may_see() -> Result<(), DeviceError> {
    if nokhwa::nokhwa_check() {
        return Ok(());
    }
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    nokhwa::nokhwa_initialize(move |may| drop(tell.try_send(may)));
    told.recv_timeout(ANSWER).unwrap_or(false).then_some(()).ok_or(DeviceError::Denied)
}

struct Film {
    device: Device,
    damaged: Damaged,
}

impl VideoSource for Film {
    fn next(&mut self) -> Result<Option<I420>, DeviceError> {
        let picture = self.device.frame().map_err(|error| why(&error))?;
        let (width, height) = (picture.resolution().width(), picture.resolution().height());
        let columns = usize::try_from(width).unwrap_or(usize::MAX);
        let (layout, of_a_pixel) = match picture.source_frame_format() {
            FrameFormat::NV12 => (Layout::Nv12, 1),
            FrameFormat::YUYV => (Layout::Yuyv, 2),
            FrameFormat::MJPEG => (Layout::Jpeg, 1),
            FrameFormat::RAWRGB => (Layout::Rgb, 3),
            FrameFormat::GRAY | FrameFormat::RAWBGR => return Err(DeviceError::Unusable),
        };
        let stride = columns.saturating_mul(of_a_pixel);
        self.damaged.read(&Raw { layout, width, height, stride, bytes: picture.buffer() })
    }

    fn waits(&self) -> bool {
        true
    }
}

/// The library has the systems' reasons as text only: numbers of Windows' headers (`winerror.h`, `mferror.h`) are found in it.
fn why(error: &NokhwaError) -> DeviceError {
    let said = error.to_string().to_uppercase();
    let says = |numbers: &[&str]| numbers.iter().any(|number| said.contains(number));
    tracing::warn!(%error, "a camera");
    if says(&["80070005"]) {
        return DeviceError::Denied;
    }
    // MF_E_HW_MFT_FAILED_START_STREAMING, and MF_E_VIDEO_RECORDING_DEVICE_PREEMPTED.
    if says(&["C00D3704", "C00D3EA3"]) {
        return DeviceError::Busy;
    }
    // MF_E_VIDEO_RECORDING_DEVICE_INVALIDATED.
    if says(&["C00D3EA2"]) || matches!(error, NokhwaError::ReadFrameError(_)) {
        return DeviceError::Lost;
    }
    DeviceError::Unusable
}
