//! Cameras, screens and windows: how they are called, why one gives nothing, and the seam to the system that has them.

use codec::I420;
use std::fmt;
use thiserror::Error;

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CaptureError {
    /// The computer has none, or no window system whose screens can be taken.
    #[error("there is no such source of pictures")]
    NoneThere,
    /// Another program has it for itself.
    #[error("another program uses it")]
    Busy,
    /// The system does not allow it: the person may, in its settings.
    #[error("the system does not allow it")]
    Denied,
    /// It was there and is gone: unplugged, or closed.
    #[error("it is gone")]
    Lost,
    /// It speaks no format that is known here, or fails for a reason of its own.
    #[error("it cannot be used")]
    Unusable,
}

/// The name of a source between programs. A camera's is the same one after a restart and a replugging.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(String);

impl SourceId {
    /// From 1 to 1,024 bytes without control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=1024).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    /// As it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Camera {
    /// For settings.
    pub id: SourceId,
    /// For people, in its maker's words.
    pub name: String,
}

/// What of a screen it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SurfaceKind {
    /// All that a display shows.
    Screen,
    /// What one program shows.
    Window,
}

/// A screen or a window that can be shown to others.
#[derive(Clone, PartialEq, Eq)]
pub struct Surface {
    /// As long as it is there.
    pub id: SourceId,
    /// Which of both.
    pub kind: SurfaceKind,
    /// A window's, as its program writes it.
    pub title: Option<String>,
    /// In pixels.
    pub size: Size,
}

impl fmt::Debug for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A title may name a patient.
        write!(f, "Surface({:?}, {:?}, {:?} [title not shown])", self.id, self.kind, self.size)
    }
}

/// Columns and rows in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Whatever gives pictures. It stays on the thread that opened it.
pub trait VideoSource {
    /// The next picture; none where nothing has changed since the last one, or where it cannot be read. A screen gives what
    /// it shows at the moment.
    ///
    /// # Errors
    /// [`CaptureError`]. After that there are no more.
    fn next(&mut self) -> Result<Option<I420>, CaptureError>;

    /// Whether [`VideoSource::next`] waits for a picture, as cameras do: whoever asks too seldom gets old ones.
    fn waits(&self) -> bool {
        false
    }
}

/// What has cameras and screens: the computer's own ([`crate::system::own`]), or [`crate::memory::Memory`]. All of it may
/// take its time.
pub trait System: fmt::Debug + Send + Sync + 'static {
    /// Cameras in the system's order.
    ///
    /// # Errors
    /// [`CaptureError`]
    fn cameras(&self) -> Result<Vec<Camera>, CaptureError>;

    /// Opens a camera, at a size near `size`.
    ///
    /// # Errors
    /// [`CaptureError`]
    fn film(&self, camera: &SourceId, size: Size) -> Result<Box<dyn VideoSource>, CaptureError>;

    /// Whole screens, and then windows with the foremost in front.
    ///
    /// # Errors
    /// [`CaptureError::NoneThere`] where screens cannot be taken at all.
    fn surfaces(&self) -> Result<Vec<Surface>, CaptureError>;

    /// Opens a screen or a window.
    ///
    /// # Errors
    /// [`CaptureError`]
    fn share(&self, surface: &SourceId) -> Result<Box<dyn VideoSource>, CaptureError>;
}

/// A title as it may be shown: one line without control characters, of 120 characters at most. None where nothing is left.
pub(crate) fn title(said: &str) -> Option<String> {
    let line: String = said.chars().filter(|one| !one.is_control()).take(120).collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Two cameras of one name get numbers, by which a person tells them apart.
pub(crate) fn told_apart(mut cameras: Vec<Camera>) -> Vec<Camera> {
    for at in 0..cameras.len() {
        let (before, from_here) = cameras.split_at_mut(at);
        if let Some(camera) = from_here.first_mut() {
            let bare = camera.name.clone();
            let mut number = 2;
            while before.iter().any(|other| other.name == camera.name) {
                camera.name = format!("{bare} ({number})");
                number += 1;
            }
        }
    }
    cameras
}

#[cfg(test)]
mod tests {
    use super::{Camera, SourceId, Surface, SurfaceKind, title, told_apart};
    use crate::Size;

    #[test]
    fn two_cameras_of_one_name_are_told_apart() {
        let camera = |id: &str| Camera { id: SourceId::parse(id).expect("an id"), name: "HD Webcam".to_owned() };
        let names: Vec<_> =
            told_apart(vec![camera("1"), camera("2"), camera("3")]).into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["HD Webcam", "HD Webcam (2)", "HD Webcam (3)"], "by numbers");
    }

    #[test]
    fn a_title_is_one_line_and_is_not_printed() {
        assert_eq!(title(" Befund\n\u{7}Auenwald "), Some("BefundAuenwald".to_owned()), "one line");
        assert_eq!(title("\n \t"), None, "nothing");
        assert_eq!(title(&"x".repeat(500)).map(|title| title.len()), Some(120), "not longer than this");
        let size = Size { width: 4, height: 3 };
        let id = SourceId::parse("window:1").expect("an id");
        let shown = format!("{:?}", Surface { id, kind: SurfaceKind::Window, title: title("Auenwald"), size });
        assert!(!shown.contains("Auenwald"), "a title may name a patient: {shown}");
    }
}
