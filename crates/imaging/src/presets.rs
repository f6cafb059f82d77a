//! Windows that a reader expects under the digits, by modality.

use crate::lut::{VoiFunction, Window};

/// A window of ours under a name that the page has words for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preset {
    /// `soft-tissue`, `lung`, …
    pub key: &'static str,
    /// Window Width in Hounsfield units.
    pub width: f64,
    /// Window Center in Hounsfield units.
    pub center: f64,
}

impl Preset {
    /// The preset as a window.
    #[must_use]
    pub const fn window(&self) -> Window {
        Window { center: self.center, width: self.width, function: VoiFunction::Linear, explanation: None }
    }
}

const CT: [Preset; 6] = [
    Preset { key: "soft-tissue", width: 400.0, center: 40.0 },
    Preset { key: "lung", width: 1500.0, center: -600.0 },
    Preset { key: "liver", width: 150.0, center: 90.0 },
    Preset { key: "bone", width: 2500.0, center: 480.0 },
    Preset { key: "brain", width: 80.0, center: 40.0 },
    Preset { key: "mediastinum", width: 350.0, center: 50.0 },
];

/// The presets of a modality in the order of the digits. Only computed tomography has values on an
/// absolute scale; elsewhere there are none.
#[must_use]
pub fn of(modality: &str) -> &'static [Preset] {
    match modality {
        "CT" => &CT,
        _ => &[],
    }
}
