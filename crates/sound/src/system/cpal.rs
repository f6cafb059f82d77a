//! The sound of Windows (WASAPI) and macOS (Core Audio), by `cpal`.
//!
//! A device runs in its own format, which is the one that both systems share among programs; it is brought to 48 kHz
//! elsewhere. Neither system tells through `cpal` that a device was plugged in, so the list is looked at from time to time.

use crate::device::{Device, Devices, Kind, Opened, Running, System};
use crate::ends::{Feed, Tap};
use ::cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use ::cpal::{BufferSize, ErrorKind, FromSample, Sample as _, SampleFormat, SizedSample, StreamConfig};
use model::device::{DeviceError, DeviceId, told_apart};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the list of devices is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// A device that does not begin in this time does not.
const PATIENCE: Duration = Duration::from_secs(5);

/// This computer's.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cpal;

impl System for Cpal {
    fn devices(&self) -> Result<Devices, DeviceError> {
        let host = ::cpal::default_host();
        let list = |devices: Vec<::cpal::Device>| {
            told_apart(devices.iter().filter_map(device).collect(), |device| &mut device.name)
        };
        let microphones = host.input_devices().map_err(|error| of_cpal(&error))?.collect();
        let speakers = host.output_devices().map_err(|error| of_cpal(&error))?.collect();
        Ok(Devices {
            microphones: list(microphones),
            speakers: list(speakers),
            microphone: host.default_input_device().as_ref().and_then(id),
            speaker: host.default_output_device().as_ref().and_then(id),
        })
    }

    fn watch(&self, changed: Box<dyn Fn() + Send>) -> Box<dyn Running + Send> {
        let ends = Arc::new(AtomicBool::new(false));
        let (its_end, its) = (Arc::clone(&ends), *self);
        let thread = std::thread::Builder::new().name("sound devices".to_owned()).spawn(move || {
            let mut known = its.devices();
            while !its_end.load(Ordering::Acquire) {
                std::thread::park_timeout(LOOK);
                let there = its.devices();
                if there != known {
                    known = there;
                    changed();
                }
            }
        });
        // Without a thread nobody is told, and a device that ends says so itself.
        Box::new(Looking { ends, thread: thread.ok() })
    }

    fn listen(&self, microphone: &DeviceId, tap: Tap) -> Result<Opened, DeviceError> {
        let device = find(Kind::Microphone, microphone)?;
        let supported = device.default_input_config().map_err(|error| of_cpal(&error))?;
        let config = StreamConfig { buffer_size: BufferSize::Default, ..supported.config() };
        #[expect(clippy::wildcard_enum_match_arm, reason = "the crate's enum is open")]
        let begin = match supported.sample_format() {
            SampleFormat::F32 => hear::<f32>,
            SampleFormat::F64 => hear::<f64>,
            SampleFormat::I8 => hear::<i8>,
            SampleFormat::I16 => hear::<i16>,
            SampleFormat::I24 => hear::<::cpal::I24>,
            SampleFormat::I32 => hear::<i32>,
            SampleFormat::U8 => hear::<u8>,
            SampleFormat::U16 => hear::<u16>,
            SampleFormat::U32 => hear::<u32>,
            _ => return Err(DeviceError::Unusable),
        };
        let stream = begin(&device, config, tap).map_err(|error| of_cpal(&error))?;
        stream.play().map_err(|error| of_cpal(&error))?;
        Ok(Opened { rate: supported.sample_rate(), running: Box::new(Open(stream)) })
    }

    fn play(&self, speaker: &DeviceId, feed: Feed) -> Result<Opened, DeviceError> {
        let device = find(Kind::Speaker, speaker)?;
        let supported = device.default_output_config().map_err(|error| of_cpal(&error))?;
        let config = StreamConfig { buffer_size: BufferSize::Default, ..supported.config() };
        #[expect(clippy::wildcard_enum_match_arm, reason = "the crate's enum is open")]
        let begin = match supported.sample_format() {
            SampleFormat::F32 => say::<f32>,
            SampleFormat::F64 => say::<f64>,
            SampleFormat::I8 => say::<i8>,
            SampleFormat::I16 => say::<i16>,
            SampleFormat::I24 => say::<::cpal::I24>,
            SampleFormat::I32 => say::<i32>,
            SampleFormat::U8 => say::<u8>,
            SampleFormat::U16 => say::<u16>,
            SampleFormat::U32 => say::<u32>,
            _ => return Err(DeviceError::Unusable),
        };
        let stream = begin(&device, config, feed).map_err(|error| of_cpal(&error))?;
        stream.play().map_err(|error| of_cpal(&error))?;
        Ok(Opened { rate: supported.sample_rate(), running: Box::new(Open(stream)) })
    }
}

fn hear<S>(device: &::cpal::Device, config: StreamConfig, tap: Tap) -> Result<::cpal::Stream, ::cpal::Error>
where
    S: SizedSample,
    f32: FromSample<S>,
{
    let channels = config.channels;
    let ended = tap.ended();
    let mut tap = tap;
    device.build_input_stream(
        config,
        move |samples: &[S], _| tap.put(samples, channels, f32::from_sample),
        move |error| {
            if let Some(why) = end_of(&error) {
                ended.lose(why);
            }
        },
        Some(PATIENCE),
    )
}

fn say<S>(device: &::cpal::Device, config: StreamConfig, feed: Feed) -> Result<::cpal::Stream, ::cpal::Error>
where
    S: SizedSample + FromSample<f32>,
{
    let channels = config.channels;
    let ended = feed.ended();
    let mut feed = feed;
    device.build_output_stream(
        config,
        move |samples: &mut [S], _| feed.take(samples, channels, S::from_sample),
        move |error| {
            if let Some(why) = end_of(&error) {
                ended.lose(why);
            }
        },
        Some(PATIENCE),
    )
}

fn id(device: &::cpal::Device) -> Option<DeviceId> {
    DeviceId::parse(&device.id().ok()?.to_string())
}

fn device(device: &::cpal::Device) -> Option<Device> {
    let name = device.description().ok()?.name().to_owned();
    Some(Device { id: id(device)?, name })
}

fn find(kind: Kind, wanted: &DeviceId) -> Result<::cpal::Device, DeviceError> {
    let host = ::cpal::default_host();
    let mut devices = match kind {
        Kind::Microphone => host.input_devices(),
        Kind::Speaker => host.output_devices(),
    }
    .map_err(|error| of_cpal(&error))?;
    devices.find(|device| id(device).as_ref() == Some(wanted)).ok_or(DeviceError::NoneThere)
}

struct Open(#[expect(dead_code, reason = "it is there to be dropped")] ::cpal::Stream);

impl Running for Open {}

struct Looking {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Running for Looking {}

impl Drop for Looking {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It panicked, and said so.
            let _ended = thread.join();
        }
    }
}

/// What an error of a running device ends; a moment without sound, or another route that it took by itself, ends nothing.
#[expect(clippy::wildcard_enum_match_arm, reason = "the crate's enum is open")]
fn end_of(error: &::cpal::Error) -> Option<DeviceError> {
    match error.kind() {
        ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => None,
        ErrorKind::PermissionDenied => Some(DeviceError::Denied),
        // It is opened anew, by its own name if it is still there.
        _ => Some(DeviceError::Lost),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the crate's enum is open")]
fn of_cpal(error: &::cpal::Error) -> DeviceError {
    match error.kind() {
        ErrorKind::DeviceBusy => DeviceError::Busy,
        ErrorKind::PermissionDenied => DeviceError::Denied,
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => DeviceError::NoneThere,
        _ => DeviceError::Unusable,
    }
}
