//! Cameras by Video4Linux.

use crate::convert::{Damaged, Layout, Raw};
use crate::device::{Camera, Size, VideoSource, title};
use codec::I420;
use model::device::{DeviceError, DeviceId, told_apart};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use v4l::buffer::Type;
use v4l::capability::Flags;
use v4l::format::FourCC;
use v4l::io::mmap::Stream;
use v4l::io::traits::CaptureStream as _;
use v4l::video::Capture as _;
use v4l::{Device, context};

/// What is understood, the best first: what is not compressed costs the least to read, and every camera has one of these.
const FORMATS: [([u8; 4], Layout); 3] = [(*b"NV12", Layout::Nv12), (*b"YUYV", Layout::Yuyv), (*b"MJPG", Layout::Jpeg)];
/// Whatever the camera says, no picture takes longer.
const PATIENCE: Duration = Duration::from_secs(5);
const BUFFERS: u32 = 4;

pub(super) fn all() -> Vec<Camera> {
    told_apart(known().into_iter().map(|(camera, _path)| camera).collect(), |camera: &mut Camera| &mut camera.name)
}

/// Nodes that give pictures: a camera has others for what describes them.
fn known() -> Vec<(Camera, PathBuf)> {
    let mut nodes: Vec<_> =
        context::enum_devices().into_iter().map(|node| (node.index(), node.path().to_owned())).collect();
    nodes.sort();
    nodes.into_iter().filter_map(|(_index, path)| Some((camera(&path)?, path))).collect()
}

fn camera(path: &PathBuf) -> Option<Camera> {
    let device = Device::with_path(path).ok()?;
    let can = device.query_caps().ok()?;
    if !can.capabilities.contains(Flags::VIDEO_CAPTURE | Flags::STREAMING) {
        return None;
    }
    // A node that gives pictures has formats for them; the one for what describes them has none of these.
    let formats = device.enum_formats().ok()?;
    formats.iter().find(|format| FORMATS.iter().any(|(known, _)| format.fourcc == FourCC::new(known)))?;
    let name = title(&can.card)?;
    // The port that it is plugged into tells two of one make apart.
    let id = DeviceId::parse(&title(&format!("{} {}", can.bus, can.card))?)?;
    Some(Camera { id, name })
}

pub(super) fn open(camera: &DeviceId, size: Size) -> Result<Box<dyn VideoSource>, DeviceError> {
    let (_camera, path) = known().into_iter().find(|(known, _)| known.id == *camera).ok_or(DeviceError::NoneThere)?;
    let device = Device::with_path(path).map_err(|error| why(&error))?;
    let offered = device.enum_formats().map_err(|error| why(&error))?;
    let offered = |wanted: &[u8; 4]| offered.iter().any(|format| format.fourcc == FourCC::new(wanted));
    let mut refused = DeviceError::Unusable;
    // A camera that gives 5 pictures a second uncompressed gives 30 of them compressed.
    let large = size.width > 640;
    let order = FORMATS.iter().filter(|(_, layout)| large == (*layout == Layout::Jpeg));
    for (four, layout) in order.chain(FORMATS.iter().filter(|(_, layout)| large != (*layout == Layout::Jpeg))) {
        if !offered(four) {
            continue;
        }
        match set(&device, *four, size) {
            Ok((width, height, stride)) => {
                let mut stream =
                    Stream::with_buffers(&device, Type::VideoCapture, BUFFERS).map_err(|error| why(&error))?;
                stream.set_timeout(PATIENCE);
                let shape = Shape { layout: *layout, width, height, stride };
                return Ok(Box::new(Film { stream, shape, damaged: Damaged::default() }));
            }
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// Gives the size that the camera takes, and its stride.
fn set(device: &Device, four: [u8; 4], size: Size) -> Result<(u32, u32, usize), DeviceError> {
    let wanted = v4l::Format::new(size.width, size.height, FourCC::new(&four));
    let taken = device.set_format(&wanted).map_err(|error| why(&error))?;
    if taken.fourcc != wanted.fourcc {
        return Err(DeviceError::Unusable);
    }
    Ok((taken.width, taken.height, usize::try_from(taken.stride).unwrap_or(usize::MAX)))
}

struct Shape {
    layout: Layout,
    width: u32,
    height: u32,
    stride: usize,
}

struct Film {
    stream: Stream<'static>,
    shape: Shape,
    damaged: Damaged,
}

impl VideoSource for Film {
    fn next(&mut self) -> Result<Option<I420>, DeviceError> {
        let (bytes, about) = self.stream.next().map_err(|error| why(&error))?;
        let used = usize::try_from(about.bytesused).unwrap_or(usize::MAX).min(bytes.len());
        let Shape { layout, width, height, stride } = self.shape;
        let bytes = bytes.get(..used).unwrap_or(bytes);
        self.damaged.read(&Raw { layout, width, height, stride, bytes })
    }

    fn waits(&self) -> bool {
        true
    }
}

fn why(error: &io::Error) -> DeviceError {
    match error.raw_os_error() {
        // <asm-generic/errno-base.h>: EBUSY; EACCES and EPERM; ENODEV and ENXIO.
        Some(16) => DeviceError::Busy,
        Some(13 | 1) => DeviceError::Denied,
        Some(19 | 6) => DeviceError::Lost,
        _ if error.kind() == io::ErrorKind::NotFound => DeviceError::NoneThere,
        _ if error.kind() == io::ErrorKind::TimedOut => DeviceError::Lost,
        _ => DeviceError::Unusable,
    }
}
