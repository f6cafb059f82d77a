//! Cameras, screens and windows that are none: cameras that show the test card or a file, windows that show what a test
//! paints, and all that can happen to them. For tests, and for a desk without a computer's own.

use crate::card::TestCard;
use crate::device::{Camera, Size, Surface, SurfaceKind, System, VideoSource};
use crate::y4m::Y4m;
use codec::I420;
use model::device::{DeviceError, DeviceId, told_apart};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a computer has, in memory. Its copies are the same one.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    cameras: Vec<Filmed>,
    surfaces: Vec<Painted>,
    /// Why no screen can be taken.
    hindered: Option<DeviceError>,
    next: u32,
}

struct Filmed {
    camera: Camera,
    shows: Option<Y4m>,
    refuses: Option<DeviceError>,
}

struct Painted {
    surface: Surface,
    picture: I420,
    /// How often it was painted.
    version: u64,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inside = self.inside();
        write!(f, "Memory({} cameras, {} surfaces)", inside.cameras.len(), inside.surfaces.len())
    }
}

impl Memory {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another camera, which shows the test card, or a file.
    pub fn plug(&self, name: &str, shows: Option<Y4m>) -> DeviceId {
        let mut inside = self.inside();
        let id = inside.id("camera");
        let camera = Camera { id: id.clone(), name: name.to_owned() };
        inside.cameras.push(Filmed { camera, shows, refuses: None });
        id
    }

    /// A camera is pulled out.
    pub fn unplug(&self, camera: &DeviceId) {
        self.inside().cameras.retain(|filmed| filmed.camera.id != *camera);
    }

    /// A camera cannot be opened from now on, or can again.
    pub fn refuse(&self, camera: &DeviceId, why: Option<DeviceError>) {
        for filmed in self.inside().cameras.iter_mut().filter(|filmed| filmed.camera.id == *camera) {
            filmed.refuses = why;
        }
    }

    /// No screen can be taken from now on, or they can again.
    pub fn hinder(&self, why: Option<DeviceError>) {
        self.inside().hindered = why;
    }

    /// A screen, or a window with a title.
    pub fn show(&self, kind: SurfaceKind, title: Option<&str>, picture: I420) -> DeviceId {
        let mut inside = self.inside();
        let id = inside.id("surface");
        let size = Size { width: picture.width().into(), height: picture.height().into() };
        let surface = Surface { id: id.clone(), kind, title: title.map(str::to_owned), size };
        inside.surfaces.push(Painted { surface, picture, version: 0 });
        id
    }

    /// A screen or a window shows something else, maybe at another size.
    pub fn paint(&self, surface: &DeviceId, picture: I420) {
        for painted in self.inside().surfaces.iter_mut().filter(|painted| painted.surface.id == *surface) {
            painted.surface.size = Size { width: picture.width().into(), height: picture.height().into() };
            painted.picture = picture.clone();
            painted.version += 1;
        }
    }

    /// A window is closed.
    pub fn close(&self, surface: &DeviceId) {
        self.inside().surfaces.retain(|painted| painted.surface.id != *surface);
    }
}

impl Inside {
    fn id(&mut self, of: &str) -> DeviceId {
        self.next += 1;
        DeviceId::parse(&format!("{of}-{}", self.next)).expect("it is short")
    }
}

impl System for Memory {
    fn cameras(&self) -> Result<Vec<Camera>, DeviceError> {
        let cameras = self.inside().cameras.iter().map(|filmed| filmed.camera.clone()).collect();
        Ok(told_apart(cameras, |camera: &mut Camera| &mut camera.name))
    }

    fn film(&self, camera: &DeviceId, size: Size) -> Result<Box<dyn VideoSource>, DeviceError> {
        let inside = self.inside();
        let filmed = inside.cameras.iter().find(|filmed| filmed.camera.id == *camera).ok_or(DeviceError::NoneThere)?;
        if let Some(why) = filmed.refuses {
            return Err(why);
        }
        let shows = filmed.shows.clone();
        Ok(Box::new(Film { of: self.clone(), camera: camera.clone(), shows, card: TestCard::new(size) }))
    }

    fn surfaces(&self) -> Result<Vec<Surface>, DeviceError> {
        let inside = self.inside();
        let all = || inside.surfaces.iter().map(|painted| painted.surface.clone()).collect();
        inside.hindered.map_or_else(|| Ok(all()), Err)
    }

    fn share(&self, surface: &DeviceId) -> Result<Box<dyn VideoSource>, DeviceError> {
        let there = self.surfaces()?.iter().any(|known| known.id == *surface);
        there.then_some(()).ok_or(DeviceError::NoneThere)?;
        Ok(Box::new(Look { of: self.clone(), surface: surface.clone(), seen: None }))
    }
}

struct Film {
    of: Memory,
    camera: DeviceId,
    shows: Option<Y4m>,
    card: TestCard,
}

impl VideoSource for Film {
    fn next(&mut self) -> Result<Option<I420>, DeviceError> {
        if !self.of.inside().cameras.iter().any(|filmed| filmed.camera.id == self.camera) {
            return Err(DeviceError::Lost);
        }
        self.shows.as_mut().map_or_else(|| self.card.next(), Y4m::next)
    }
}

struct Look {
    of: Memory,
    surface: DeviceId,
    seen: Option<u64>,
}

impl VideoSource for Look {
    fn next(&mut self) -> Result<Option<I420>, DeviceError> {
        let inside = self.of.inside();
        if let Some(why) = inside.hindered {
            return Err(why);
        }
        let painted = inside.surfaces.iter().find(|painted| painted.surface.id == self.surface);
        let painted = painted.ok_or(DeviceError::Lost)?;
        if self.seen.replace(painted.version) == Some(painted.version) {
            return Ok(None);
        }
        Ok(Some(painted.picture.clone()))
    }
}
