//! The cameras and screens of the computer that the program runs on.

use crate::device::{Camera, Size, Surface, System, VideoSource};
use model::device::{DeviceError, DeviceId};
use std::sync::Arc;

#[cfg(not(target_os = "linux"))]
mod nokhwa;
#[cfg(target_os = "linux")]
mod v4l;
#[cfg(target_os = "linux")]
mod x11;
#[cfg(not(target_os = "linux"))]
mod xcap;

#[cfg(not(target_os = "linux"))]
use self::{nokhwa as cameras, xcap as screens};
#[cfg(target_os = "linux")]
use self::{v4l as cameras, x11 as screens};

/// This computer's.
#[must_use]
pub fn own() -> Arc<dyn System> {
    Arc::new(Own { display: None })
}

/// This computer's cameras, and the screens of an X server that is named as in `DISPLAY`.
#[cfg(target_os = "linux")]
#[must_use]
pub fn of_display(display: &str) -> Arc<dyn System> {
    Arc::new(Own { display: Some(display.to_owned()) })
}

#[derive(Debug)]
struct Own {
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only an X server has a name"))]
    display: Option<String>,
}

impl System for Own {
    fn cameras(&self) -> Result<Vec<Camera>, DeviceError> {
        #[cfg(target_os = "linux")]
        return Ok(cameras::all());
        #[cfg(not(target_os = "linux"))]
        cameras::all()
    }

    fn film(&self, camera: &DeviceId, size: Size) -> Result<Box<dyn VideoSource>, DeviceError> {
        cameras::open(camera, size)
    }

    fn surfaces(&self) -> Result<Vec<Surface>, DeviceError> {
        #[cfg(target_os = "linux")]
        return screens::all(self.display.as_deref());
        #[cfg(not(target_os = "linux"))]
        screens::all()
    }

    fn share(&self, surface: &DeviceId) -> Result<Box<dyn VideoSource>, DeviceError> {
        #[cfg(target_os = "linux")]
        return screens::open(self.display.as_deref(), surface);
        #[cfg(not(target_os = "linux"))]
        screens::open(surface)
    }
}
