//! Microphones, speakers, cameras and screens: how one is named between programs, and why one does not serve.

use std::fmt;
use thiserror::Error;

/// Why a device gives or takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DeviceError {
    /// The computer has none, or no system that runs and has them.
    #[error("there is no such device")]
    NoneThere,
    /// Another program has it for itself.
    #[error("another program uses the device")]
    Busy,
    /// The system does not allow it: the person may, in its settings.
    #[error("the system does not allow it")]
    Denied,
    /// It was there and is gone: unplugged, closed, or its system ended.
    #[error("the device is gone")]
    Lost,
    /// It speaks no format that is known here, or fails for a reason of its own.
    #[error("the device cannot be used")]
    Unusable,
}

/// A device's name between programs: of what is plugged in the same one after a restart and a replugging.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(String);

impl DeviceId {
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

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Two devices of one name get numbers, by which a person tells them apart.
#[must_use]
pub fn told_apart<D>(mut devices: Vec<D>, name: impl Fn(&mut D) -> &mut String) -> Vec<D> {
    for at in 0..devices.len() {
        let (before, from_here) = devices.split_at_mut(at);
        if let Some(device) = from_here.first_mut() {
            let called = name(device);
            let bare = called.clone();
            let mut number = 2;
            while before.iter_mut().any(|other| name(other) == called) {
                *called = format!("{bare} ({number})");
                number += 1;
            }
        }
    }
    devices
}

#[cfg(test)]
mod tests {
    use super::{DeviceId, told_apart};

    #[test]
    fn two_devices_of_one_name_are_told_apart() {
        let all = ["HD Webcam", "HD Webcam", "Kamera", "HD Webcam"].map(str::to_owned).to_vec();
        let names = ["HD Webcam", "HD Webcam (2)", "Kamera", "HD Webcam (3)"];
        assert_eq!(told_apart(all, |name| name), names, "by numbers");
    }

    #[test]
    fn an_id_is_one_line_of_some_length() {
        assert!(DeviceId::parse("usb-0000:00:14.0-1 HD Webcam").is_some(), "as systems write them");
        for refused in ["", "two\nlines", &"x".repeat(1025)] {
            assert_eq!(DeviceId::parse(refused), None, "{refused:?}");
        }
    }
}
