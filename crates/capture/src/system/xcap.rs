//! Screens and windows of Windows and macOS.

use crate::convert::{Layout, Raw};
use crate::device::{Size, Surface, SurfaceKind, VideoSource, title};
use codec::I420;
use model::device::{DeviceError, DeviceId};
use xcap::{Monitor, Window, XCapError};

/// Smaller ones are panels, hints and what programs hide.
const SMALLEST: u32 = 64;
const PIXEL: usize = 4;

pub(super) fn all() -> Result<Vec<Surface>, DeviceError> {
    let mut monitors = Monitor::all().map_err(|error| why(&error))?;
    monitors.sort_by_key(|monitor| !monitor.is_primary().unwrap_or(false));
    let screens = monitors.iter().filter_map(|monitor| screen(monitor).ok().flatten());
    // The foremost come first.
    let windows = Window::all().map_err(|error| why(&error))?;
    let windows = windows.iter().filter_map(|one| window(one).ok().flatten());
    Ok(screens.chain(windows).collect())
}

pub(super) fn open(surface: &DeviceId) -> Result<Box<dyn VideoSource>, DeviceError> {
    let what = match surface.as_str().split_once(':') {
        Some(("screen", number)) => {
            let monitors = Monitor::all().map_err(|error| why(&error))?;
            monitors.into_iter().find(|one| one.id().is_ok_and(|id| id.to_string() == number)).map(What::Screen)
        }
        Some(("window", number)) => of_number(number)?.map(What::Window),
        _ => None,
    };
    Ok(Box::new(Look { what: what.ok_or(DeviceError::NoneThere)?, last: Vec::new() }))
}

fn of_number(number: &str) -> Result<Option<Window>, DeviceError> {
    let windows = Window::all().map_err(|error| why(&error))?;
    Ok(windows.into_iter().find(|one| one.id().is_ok_and(|id| id.to_string() == number)))
}

fn screen(monitor: &Monitor) -> Result<Option<Surface>, XCapError> {
    let size = Size { width: monitor.width()?, height: monitor.height()? };
    let id = DeviceId::parse(&format!("screen:{}", monitor.id()?));
    Ok(id.map(|id| Surface { id, kind: SurfaceKind::Screen, title: None, size }))
}

fn window(window: &Window) -> Result<Option<Surface>, XCapError> {
    let size = Size { width: window.width()?, height: window.height()? };
    if window.is_minimized()? || size.width < SMALLEST || size.height < SMALLEST {
        return Ok(None);
    }
    let named = title(&window.title()?).or_else(|| title(&window.app_name().unwrap_or_default()));
    let id = DeviceId::parse(&format!("window:{}", window.id()?));
    Ok(id.map(|id| Surface { id, kind: SurfaceKind::Window, title: named, size }))
}

enum What {
    Screen(Monitor),
    Window(Window),
}

struct Look {
    what: What,
    /// The pixels before.
    last: Vec<u8>,
}

impl VideoSource for Look {
    fn next(&mut self) -> Result<Option<I420>, DeviceError> {
        let picture = match &self.what {
            What::Screen(monitor) => monitor.capture_image(),
            What::Window(window) if window.is_minimized().unwrap_or(false) => return Ok(None),
            What::Window(window) => window.capture_image(),
        };
        let picture = match (picture, &self.what) {
            (Ok(picture), _) => picture,
            (Err(error), What::Screen(_)) => return Err(why(&error)),
            (Err(error), What::Window(window)) => {
                // Why a window gives nothing is not said; one that is closed is not listed any longer.
                let number = window.id().map_err(|_cause| DeviceError::Lost)?.to_string();
                let there = of_number(&number)?.is_some();
                return Err(if there { why(&error) } else { DeviceError::Lost });
            }
        };
        let (width, height) = (picture.width(), picture.height());
        let pixels = picture.into_raw();
        if pixels == self.last {
            return Ok(None);
        }
        self.last = pixels;
        let stride = usize::try_from(width).unwrap_or(usize::MAX).saturating_mul(PIXEL);
        Raw { layout: Layout::Rgbx, width, height, stride, bytes: &self.last }.i420().map(Some)
    }
}

fn why(error: &XCapError) -> DeviceError {
    tracing::warn!(%error, "a screen or a window");
    match error {
        XCapError::NotSupported => DeviceError::NoneThere,
        // On macOS a program that may not look is given no picture; on Windows nothing forbids it.
        _ if cfg!(target_os = "macos") => DeviceError::Denied,
        _ => DeviceError::Unusable,
    }
}
