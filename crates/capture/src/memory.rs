//! Cameras, screens and windows that are none: cameras that show the test card or a file, windows that show what a test
//! paints, and all that can happen to them. For tests, and for a desk without a computer's own.

use crate::card::TestCard;
use crate::device::{Camera, CaptureError, Size, SourceId, Surface, SurfaceKind, System, VideoSource, told_apart};
use crate::y4m::Y4m;
use codec::I420;
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
    hindered: Option<CaptureError>,
    next: u32,
}

struct Filmed {
    camera: Camera,
    shows: Option<Y4m>,
    refuses: Option<CaptureError>,
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
    pub fn plug(&self, name: &str, shows: Option<Y4m>) -> SourceId {
        let mut inside = self.inside();
        let id = inside.id("camera");
        let camera = Camera { id: id.clone(), name: name.to_owned() };
        inside.cameras.push(Filmed { camera, shows, refuses: None });
        id
    }

    /// A camera is pulled out.
    pub fn unplug(&self, camera: &SourceId) {
        self.inside().cameras.retain(|filmed| filmed.camera.id != *camera);
    }

    /// A camera cannot be opened from now on, or can again.
    pub fn refuse(&self, camera: &SourceId, why: Option<CaptureError>) {
        for filmed in self.inside().cameras.iter_mut().filter(|filmed| filmed.camera.id == *camera) {
            filmed.refuses = why;
        }
    }

    /// No screen can be taken from now on, or they can again.
    pub fn hinder(&self, why: Option<CaptureError>) {
        self.inside().hindered = why;
    }

    /// A screen, or a window with a title.
    pub fn show(&self, kind: SurfaceKind, title: Option<&str>, picture: I420) -> SourceId {
        let mut inside = self.inside();
        let id = inside.id("surface");
        let size = Size { width: picture.width().into(), height: picture.height().into() };
        let surface = Surface { id: id.clone(), kind, title: title.map(str::to_owned), size };
        inside.surfaces.push(Painted { surface, picture, version: 0 });
        id
    }

    /// A screen or a window shows something else, maybe at another size.
    pub fn paint(&self, surface: &SourceId, picture: I420) {
        for painted in self.inside().surfaces.iter_mut().filter(|painted| painted.surface.id == *surface) {
            painted.surface.size = Size { width: picture.width().into(), height: picture.height().into() };
            painted.picture = picture.clone();
            painted.version += 1;
        }
    }

    /// A window is closed.
    pub fn close(&self, surface: &SourceId) {
        self.inside().surfaces.retain(|painted| painted.surface.id != *surface);
    }
}

impl Inside {
    fn id(&mut self, of: &str) -> SourceId {
        self.next += 1;
        SourceId::parse(&format!("{of}-{}", self.next)).expect("it is short")
    }
}

impl System for Memory {
    fn cameras(&self) -> Result<Vec<Camera>, CaptureError> {
        Ok(told_apart(self.inside().cameras.iter().map(|filmed| filmed.camera.clone()).collect()))
    }

    fn film(&self, camera: &SourceId, size: Size) -> Result<Box<dyn VideoSource>, CaptureError> {
        let inside = self.inside();
        let filmed = inside.cameras.iter().find(|filmed| filmed.camera.id == *camera).ok_or(CaptureError::NoneThere)?;
        if let Some(why) = filmed.refuses {
            return Err(why);
        }
        let shows = filmed.shows.clone();
        Ok(Box::new(Film { of: self.clone(), camera: camera.clone(), shows, card: TestCard::new(size) }))
    }

    fn surfaces(&self) -> Result<Vec<Surface>, CaptureError> {
        let inside = self.inside();
        let all = || inside.surfaces.iter().map(|painted| painted.surface.clone()).collect();
        inside.hindered.map_or_else(|| Ok(all()), Err)
    }

    fn share(&self, surface: &SourceId) -> Result<Box<dyn VideoSource>, CaptureError> {
        let there = self.surfaces()?.iter().any(|known| known.id == *surface);
        there.then_some(()).ok_or(CaptureError::NoneThere)?;
        Ok(Box::new(Look { of: self.clone(), surface: surface.clone(), seen: None }))
    }
}

struct Film {
    of: Memory,
    camera: SourceId,
    shows: Option<Y4m>,
    card: TestCard,
}

impl VideoSource for Film {
    fn next(&mut self) -> Result<Option<I420>, CaptureError> {
        if !self.of.inside().cameras.iter().any(|filmed| filmed.camera.id == self.camera) {
            return Err(CaptureError::Lost);
        }
        self.shows.as_mut().map_or_else(|| self.card.next(), Y4m::next)
    }
}

struct Look {
    of: Memory,
    surface: SourceId,
    seen: Option<u64>,
}

impl VideoSource for Look {
    fn next(&mut self) -> Result<Option<I420>, CaptureError> {
        let inside = self.of.inside();
        if let Some(why) = inside.hindered {
            return Err(why);
        }
        let painted = inside.surfaces.iter().find(|painted| painted.surface.id == self.surface);
        let painted = painted.ok_or(CaptureError::Lost)?;
        if self.seen.replace(painted.version) == Some(painted.version) {
            return Ok(None);
        }
        Ok(Some(painted.picture.clone()))
    }
}
