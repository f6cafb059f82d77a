//! What a viewport shows, in terms that hold in every other viewport: which point is in its middle, how high its field
//! is, how the image is turned. Two people who look at one image agree on these, whatever their windows' sizes.

use super::letters::perpendicular;
use super::{Placement, Raster, Turn};
use crate::{Frame, Spacing};

/// Where an image lies in the patient: what turns its columns and rows into millimeters and back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    /// Image Position (Patient): the center of the first pixel, in mm.
    pub origin: [f64; 3],
    /// Direction of a row: where columns run to.
    pub row: [f64; 3],
    /// Direction of a column: where rows run to.
    pub column: [f64; 3],
    spacing: Spacing,
}

impl Plane {
    /// The plane of a frame; none unless its position, its orientation and its spacing are all known and sound. A plane
    /// of which one of them is guessed would put a pointer elsewhere in the patient.
    pub fn of(frame: &Frame, spacing: Option<Spacing>) -> Option<Self> {
        let (origin, orientation, spacing) = (frame.position?, frame.orientation?, spacing?);
        let [a, b, c, d, e, f] = orientation;
        let sound = origin.iter().all(|v| v.is_finite()) && perpendicular(&orientation);
        sound.then_some(Self { origin, row: [a, b, c], column: [d, e, f], spacing })
    }

    /// The patient coordinates of an image point (PS3.3 C.7.6.2.1.1).
    pub fn patient_from_image(&self, [column, row]: [f64; 2]) -> [f64; 3] {
        // The equation counts from the center of the first pixel, which is at (0.5, 0.5).
        let (i, j) = ((column - 0.5) * self.spacing.columns, (row - 0.5) * self.spacing.rows);
        std::array::from_fn(|k| self.origin[k] + self.row[k] * i + self.column[k] * j)
    }

    /// The image point that is nearest to a point of the patient.
    pub fn image_from_patient(&self, point: [f64; 3]) -> [f64; 2] {
        let from_origin = std::array::from_fn(|k| point[k] - self.origin[k]);
        let (along_row, along_column) = (dot(from_origin, self.row), dot(from_origin, self.column));
        // Stored directions are perpendicular units to a few digits only: with their own lengths and angle the way back
        // ends where the way there began.
        let (rows, mixed, columns) =
            (dot(self.row, self.row), dot(self.row, self.column), dot(self.column, self.column));
        let determinant = rows * columns - mixed * mixed;
        let i = (along_row * columns - along_column * mixed) / determinant;
        let j = (along_column * rows - along_row * mixed) / determinant;
        [i / self.spacing.columns + 0.5, j / self.spacing.rows + 0.5]
    }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// What points and lengths of an image are told in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ground {
    /// Millimeters in the patient.
    Patient(Plane),
    /// Pixels from the outer corner of the first one, with a third number of 0; lengths in pixels of the finer spacing.
    Pixels,
}

impl Ground {
    /// The plane of a frame where it has one.
    pub fn of(frame: &Frame, spacing: Option<Spacing>) -> Self {
        Plane::of(frame, spacing).map_or(Self::Pixels, Self::Patient)
    }

    /// The plane, if it is one.
    pub fn plane(&self) -> Option<Plane> {
        match self {
            Self::Patient(plane) => Some(*plane),
            Self::Pixels => None,
        }
    }

    /// An image point (column, row) as it is told.
    pub fn point(&self, image: [f64; 2]) -> [f64; 3] {
        match self {
            Self::Patient(plane) => plane.patient_from_image(image),
            Self::Pixels => [image[0], image[1], 0.0],
        }
    }

    /// The image point of one that was told.
    pub fn image(&self, point: [f64; 3]) -> [f64; 2] {
        match self {
            Self::Patient(plane) => plane.image_from_patient(point),
            Self::Pixels => [point[0], point[1]],
        }
    }

    /// How long a pixel of the finer spacing is.
    fn finer(&self) -> f64 {
        match self {
            Self::Patient(plane) => plane.spacing.rows.min(plane.spacing.columns),
            Self::Pixels => 1.0,
        }
    }
}

/// The part of an image that a viewport shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// What is in the middle.
    pub center: [f64; 3],
    /// Height of what is visible, whichever direction of the image that is.
    pub height: f64,
}

impl Field {
    /// The field of a placement in a viewport of this size.
    pub fn of(placement: &Placement, ground: &Ground, raster: Raster, size: [f64; 2]) -> Self {
        let now = placement.resolved(raster, size);
        Self { center: ground.point(now.center(raster)), height: size[1] / now.zoom * ground.finer() }
    }

    /// The placement that shows this field in a viewport of this size, as far as the zoom that a person can reach goes.
    pub fn placement(&self, turn: Turn, ground: &Ground, raster: Raster, size: [f64; 2]) -> Placement {
        let zoom = (size[1] * ground.finer() / self.height).clamp(Placement::ZOOM_MIN, Placement::ZOOM_MAX);
        Placement::centered(raster, turn, zoom, ground.image(self.center))
    }
}
