//! Microphones and speakers: how they are called, which one is meant, and the seam to the system that has them.

use crate::ends::{Feed, Tap};
use model::device::{DeviceError, DeviceId};
use std::fmt;

/// A microphone or a speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// For settings.
    pub id: DeviceId,
    /// For people, in the system's words.
    pub name: String,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Gives sound.
    Microphone,
    /// Takes sound.
    Speaker,
}

/// Which device somebody wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Choice {
    /// The system's own, also when that becomes another one.
    #[default]
    System,
    /// This one while it is there, else the system's.
    Device(DeviceId),
}

/// What a computer has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Devices {
    /// In the system's order.
    pub microphones: Vec<Device>,
    /// In the system's order.
    pub speakers: Vec<Device>,
    /// The system's own microphone.
    pub microphone: Option<DeviceId>,
    /// The system's own speaker.
    pub speaker: Option<DeviceId>,
}

impl Devices {
    /// All of a kind.
    #[must_use]
    pub fn all(&self, kind: Kind) -> &[Device] {
        match kind {
            Kind::Microphone => &self.microphones,
            Kind::Speaker => &self.speakers,
        }
    }

    /// The device that a choice means: the chosen one if it is there, else the system's, else the first.
    #[must_use]
    pub fn meant(&self, kind: Kind, choice: &Choice) -> Option<&Device> {
        let all = self.all(kind);
        let own = match kind {
            Kind::Microphone => &self.microphone,
            Kind::Speaker => &self.speaker,
        };
        let of = |id: &DeviceId| all.iter().find(|device| device.id == *id);
        let chosen = match choice {
            Choice::System => None,
            Choice::Device(id) => of(id),
        };
        chosen.or_else(|| own.as_ref().and_then(of)).or_else(|| all.first())
    }
}

/// What has devices: a computer's sound system, or [`crate::memory::Memory`].
///
/// A device that was opened calls [`Tap::put`] or [`Feed::take`] from a thread of its own until it is dropped; both take
/// no lock and no memory. When it ends by itself it says so by `lose`.
pub trait System: fmt::Debug + Send + Sync + 'static {
    /// What is there.
    ///
    /// # Errors
    /// [`DeviceError::NoneThere`] where no sound system runs.
    fn devices(&self) -> Result<Devices, DeviceError>;

    /// Calls `changed` whenever the answer of [`System::devices`] may be another, until what it gives is dropped. A system
    /// that does not run when it is asked may never call.
    fn watch(&self, changed: Box<dyn Fn() + Send>) -> Box<dyn Running + Send>;

    /// Lets a microphone give.
    ///
    /// # Errors
    /// [`DeviceError`]
    fn listen(&self, microphone: &DeviceId, tap: Tap) -> Result<Opened, DeviceError>;

    /// Lets a speaker take.
    ///
    /// # Errors
    /// [`DeviceError`]
    fn play(&self, speaker: &DeviceId, feed: Feed) -> Result<Opened, DeviceError>;
}

/// Ends when it is dropped, before the drop returns.
pub trait Running {}

/// A device that runs.
pub struct Opened {
    /// Its rate in hertz.
    pub rate: u32,
    /// Closes it.
    pub running: Box<dyn Running>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({} Hz)", self.rate)
    }
}
