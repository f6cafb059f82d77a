//! Geometry of the scene, without a GPU: where an image lies in its viewport, what lies where in the patient.
//!
//! Image coordinates are continuous: the pixel in column 0 and row 0 covers 0..1 × 0..1, its center is
//! (0.5, 0.5), as in PS3.3 C.18.6.1.2. Screen coordinates are device pixels from the viewport's top
//! left corner, downwards. Patient coordinates are DICOM's: x to the left hand, y to the back, z to the head.

mod field;
mod letters;
mod measure;
mod placement;

pub use field::{Field, Ground, Plane};
pub use letters::{Letters, letters};
pub use measure::{Length, ScaleBar, Unit, length, patient_from_image, plane_position, scale_bar};
pub use placement::{Mapping, Placement, Raster, Turn};
