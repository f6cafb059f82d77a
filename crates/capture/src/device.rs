//! Cameras, screens and windows: how they are called, why one gives nothing, and the seam to the system that has them.

use codec::I420;
use model::device::{DeviceError, DeviceId};
use std::fmt;

/// A camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Camera {
    /// For settings.
    pub id: DeviceId,
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
    pub id: DeviceId,
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
    /// [`DeviceError`]. After that there are no more.
    fn next(&mut self) -> Result<Option<I420>, DeviceError>;

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
    /// [`DeviceError`]
    fn cameras(&self) -> Result<Vec<Camera>, DeviceError>;

    /// Opens a camera, at a size near `size`.
    ///
    /// # Errors
    /// [`DeviceError`]
    fn film(&self, camera: &DeviceId, size: Size) -> Result<Box<dyn VideoSource>, DeviceError>;

    /// Whole screens, and then windows with the foremost in front.
    ///
    /// # Errors
    /// [`DeviceError::NoneThere`] where screens cannot be taken at all.
    fn surfaces(&self) -> Result<Vec<Surface>, DeviceError>;

    /// Opens a screen or a window.
    ///
    /// # Errors
    /// [`DeviceError`]
    fn share(&self, surface: &DeviceId) -> Result<Box<dyn VideoSource>, DeviceError>;
}

/// A title as it may be shown: one line without control characters, of 120 characters at most. None where nothing is left.
pub(crate) fn title(said: &str) -> Option<String> {
    let line: String = said.chars().filter(|one| !one.is_control()).take(120).collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Surface, SurfaceKind, title};
    use crate::Size;
    use model::device::DeviceId;

    #[test]
    fn a_title_is_one_line_and_is_not_printed() {
        assert_eq!(title(" Befund\n\u{7}Auenwald "), Some("BefundAuenwald".to_owned()), "one line");
        assert_eq!(title("\n \t"), None, "nothing");
        assert_eq!(title(&"x".repeat(500)).map(|title| title.len()), Some(120), "not longer than this");
        let size = Size { width: 4, height: 3 };
        let id = DeviceId::parse("window:1").expect("an id");
        let shown = format!("{:?}", Surface { id, kind: SurfaceKind::Window, title: title("Auenwald"), size });
        assert!(!shown.contains("Auenwald"), "a title may name a patient: {shown}");
    }
}
