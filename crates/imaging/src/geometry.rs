//! Where pixels lie in the patient: planes, letters of orientation, lengths.
//!
//! Patient coordinates are millimeters in the system of PS3.3 C.7.6.2.1.1: x grows to the patient's
//! left, y to the back, z to the head. Pixel coordinates are `(column, row)` from 0, and name the
//! center of a pixel.

use crate::instance::FrameFacts;

/// A point or a direction in the patient.
pub type Vec3 = [f64; 3];

/// Two orientations are the same when no component differs by more than this; decimal strings of
/// 16 characters and rounding by scanners stay below it.
pub const ORIENTATION_TOLERANCE: f64 = 1e-3;

/// A direction has a second letter from this share of its length on, about 6 degrees off the axis.
/// PS3.3 C.7.6.1.1.1 names no threshold; smaller tilts would put two letters on every head scan.
pub const SECOND_LETTER: f64 = 0.1;

/// The scalar product.
#[must_use]
pub fn dot(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// The vector product.
#[must_use]
pub fn cross(a: Vec3, b: Vec3) -> Vec3 {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// `a - b`.
#[must_use]
pub fn subtract(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// The length of a vector.
#[must_use]
pub fn norm(a: Vec3) -> f64 {
    dot(a, a).sqrt()
}

/// The direction of a vector; `None` for the zero vector and for numbers that are none.
#[must_use]
pub fn unit(a: Vec3) -> Option<Vec3> {
    let length = norm(a);
    (length.is_finite() && length > f64::EPSILON).then(|| a.map(|c| c / length))
}

/// The normal of an Image Orientation (Patient): row direction times column direction, so that an
/// axial image of a patient lying on the back has a normal towards the head.
#[must_use]
pub fn normal(orientation: &[f64; 6]) -> Option<Vec3> {
    let [a, b, c, d, e, f] = *orientation;
    unit(cross([a, b, c], [d, e, f]))
}

/// Whether two orientations are the same within [`ORIENTATION_TOLERANCE`].
#[must_use]
pub fn same_orientation(a: &[f64; 6], b: &[f64; 6]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= ORIENTATION_TOLERANCE)
}

/// The letters towards which a direction points, PS3.3 C.7.6.1.1.1: R right, L left, A anterior,
/// P posterior, F feet, H head. The greatest component comes first; a second letter follows from
/// [`SECOND_LETTER`] on. Empty for the zero vector.
#[must_use]
pub fn letters(direction: Vec3) -> String {
    let Some(direction) = unit(direction) else { return String::new() };
    let letter = |axis: usize| match (axis, direction[axis] < 0.0) {
        (0, true) => 'R',
        (0, false) => 'L',
        (1, true) => 'A',
        (1, false) => 'P',
        (_, true) => 'F',
        (_, false) => 'H',
    };
    let mut axes = [0, 1, 2];
    axes.sort_by(|&a, &b| direction[b].abs().total_cmp(&direction[a].abs()));
    axes.iter()
        .take(2)
        .enumerate()
        .filter(|&(rank, &axis)| rank == 0 || direction[axis].abs() >= SECOND_LETTER)
        .map(|(_, &axis)| letter(axis))
        .collect()
}

/// The four letters at the edges of a picture as it is stored: left, right, top, bottom.
#[must_use]
pub fn edge_letters(orientation: &[f64; 6]) -> [String; 4] {
    let [a, b, c, d, e, f] = *orientation;
    [letters([-a, -b, -c]), letters([a, b, c]), letters([-d, -e, -f]), letters([d, e, f])]
}

/// Where a distance in millimeters comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Calibration {
    /// Pixel Spacing in a plane of the patient.
    Patient,
    /// Pixel Spacing of a projection, calibrated by the device or by a fiducial (PS3.3 10.7.1.1).
    Calibrated,
    /// At the detector or on the film: lengths in the patient are shorter by an unknown factor.
    Detector,
}

/// Distance of neighboring pixels in millimeters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spacing {
    /// Between rows: the first value of Pixel Spacing, along a column (PS3.3 10.7.1.3).
    pub between_rows: f64,
    /// Between columns: the second value.
    pub between_columns: f64,
    /// What the millimeters are worth.
    pub calibration: Calibration,
}

impl Spacing {
    /// The spacing that lengths in a frame may use; `None` where the object gives none, since a
    /// guessed spacing would look like a measured one.
    ///
    /// Projections carry the spacing at the detector in Imager Pixel Spacing. Their Pixel Spacing is
    /// worth more only if it is marked as calibrated or differs from the detector's
    /// (PS3.3 10.7.1.3, 10.7.1.1).
    #[must_use]
    pub fn of(facts: &FrameFacts, modality: &str) -> Option<Self> {
        let spacing = |[between_rows, between_columns]: [f64; 2], calibration| {
            let usable = |v: f64| v.is_finite() && v > 0.0;
            (usable(between_rows) && usable(between_columns)).then_some(Self {
                between_rows,
                between_columns,
                calibration,
            })
        };
        if let Some(pixel) = facts.pixel_spacing {
            let calibration = match facts.imager_pixel_spacing {
                _ if facts.calibration_type.is_some() => Calibration::Calibrated,
                Some(imager) if pixel.iter().zip(imager).any(|(a, b)| (a - b).abs() > 1e-6 * b.abs()) => {
                    Calibration::Calibrated
                }
                Some(_) => Calibration::Detector,
                None if is_projection(modality) => Calibration::Detector,
                None => Calibration::Patient,
            };
            if let Some(found) = spacing(pixel, calibration) {
                return Some(found);
            }
        }
        facts
            .imager_pixel_spacing
            .or(facts.nominal_scanned_pixel_spacing)
            .and_then(|imager| spacing(imager, Calibration::Detector))
    }

    /// Length in millimeters between two points of one frame, given as `(column, row)`.
    #[must_use]
    pub fn length(&self, from: [f64; 2], to: [f64; 2]) -> f64 {
        let across = (to[0] - from[0]) * self.between_columns;
        let down = (to[1] - from[1]) * self.between_rows;
        across.hypot(down)
    }
}

/// Modalities whose images are shadows on a detector.
fn is_projection(modality: &str) -> bool {
    matches!(modality, "CR" | "DX" | "MG" | "RG" | "XA" | "RF" | "IO" | "PX" | "RTIMAGE")
}

/// A frame's plane in the patient, PS3.3 C.7.6.2.1.1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    /// Center of the first pixel.
    pub origin: Vec3,
    /// Direction in which the column index grows.
    pub along_row: Vec3,
    /// Direction in which the row index grows.
    pub along_column: Vec3,
    /// Millimeters between rows.
    pub between_rows: f64,
    /// Millimeters between columns.
    pub between_columns: f64,
}

impl Plane {
    /// The plane of a frame; `None` where position, orientation or Pixel Spacing is missing or
    /// degenerate.
    #[must_use]
    pub fn of(facts: &FrameFacts) -> Option<Self> {
        let [a, b, c, d, e, f] = facts.orientation?;
        let along_row = unit([a, b, c])?;
        let along_column = unit([d, e, f])?;
        unit(cross(along_row, along_column))?;
        let [between_rows, between_columns] = facts.pixel_spacing?;
        let usable = |v: f64| v.is_finite() && v > 0.0;
        (usable(between_rows) && usable(between_columns)).then_some(Self {
            origin: facts.position?,
            along_row,
            along_column,
            between_rows,
            between_columns,
        })
    }

    /// The normal, towards which the slices of a stack are ordered.
    #[must_use]
    pub fn normal(&self) -> Vec3 {
        let normal = cross(self.along_row, self.along_column);
        unit(normal).unwrap_or(normal)
    }

    /// The point in the patient of a pixel `(column, row)`, equation C.7.6.2.1-1.
    #[must_use]
    pub fn patient_from_pixel(&self, [column, row]: [f64; 2]) -> Vec3 {
        std::array::from_fn(|i| {
            self.origin[i]
                + self.along_row[i] * self.between_columns * column
                + self.along_column[i] * self.between_rows * row
        })
    }

    /// The pixel `(column, row)` of the point's foot in the plane, and the point's distance from the
    /// plane along the normal, in millimeters. Directions that are not quite at right angles, as
    /// rounded decimal strings are, cost no exactness.
    #[must_use]
    pub fn pixel_from_patient(&self, point: Vec3) -> ([f64; 2], f64) {
        let offset = subtract(point, self.origin);
        let (along, down) = (dot(offset, self.along_row), dot(offset, self.along_column));
        let skew = dot(self.along_row, self.along_column);
        let scale = 1.0 - skew * skew;
        (
            [
                (along - skew * down) / (scale * self.between_columns),
                (down - skew * along) / (scale * self.between_rows),
            ],
            dot(offset, self.normal()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Calibration, Plane, Spacing, edge_letters, letters, normal};
    use crate::instance::FrameFacts;

    #[test]
    fn directions_have_the_letters_of_the_standard() {
        // PS3.3 C.7.6.1.1.1: "+x increasing to the left hand side of the patient, +y increasing to
        // the posterior side, +z increasing toward the head".
        for (direction, expected) in [
            ([1.0, 0.0, 0.0], "L"),
            ([-1.0, 0.0, 0.0], "R"),
            ([0.0, 2.0, 0.0], "P"),
            ([0.0, -1.0, 0.0], "A"),
            ([0.0, 0.0, 0.5], "H"),
            ([0.0, 0.0, -1.0], "F"),
            ([0.6, 0.8, 0.0], "PL"),
            ([0.0, -0.9, -0.4358899], "AF"),
            ([0.0, 0.05, 0.9987], "H"),
            ([0.0, 0.0, 0.0], ""),
            ([f64::NAN, 0.0, 0.0], ""),
        ] {
            assert_eq!(letters(direction), expected, "{direction:?}");
        }
    }

    #[test]
    fn an_axial_picture_shows_the_right_side_left_and_the_front_on_top() {
        assert_eq!(edge_letters(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]), ["R", "L", "A", "P"], "axial, on the back");
        assert_eq!(edge_letters(&[0.0, 1.0, 0.0, 0.0, 0.0, -1.0]), ["A", "P", "H", "F"], "sagittal");
    }

    #[test]
    fn the_normal_of_an_axial_image_points_to_the_head() {
        assert_eq!(normal(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]), Some([0.0, 0.0, 1.0]), "row times column");
        assert_eq!(normal(&[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]), None, "parallel directions span no plane");
    }

    #[test]
    fn pixels_map_to_the_patient_and_back() {
        // By hand: 4 columns of 0.5 mm along the row (y), 10 rows of 2 mm along the column (-z).
        let plane = Plane {
            origin: [10.0, -20.0, 30.0],
            along_row: [0.0, 1.0, 0.0],
            along_column: [0.0, 0.0, -1.0],
            between_rows: 2.0,
            between_columns: 0.5,
        };
        assert_eq!(plane.patient_from_pixel([4.0, 10.0]), [10.0, -18.0, 10.0], "equation C.7.6.2.1-1");
        assert_eq!(plane.pixel_from_patient([7.0, -18.0, 10.0]), ([4.0, 10.0], 3.0), "3 mm along the normal -x");
    }

    #[test]
    fn lengths_use_row_and_column_spacing_apart() {
        let spacing = Spacing { between_rows: 2.0, between_columns: 0.5, calibration: Calibration::Patient };
        assert!((spacing.length([0.0, 0.0], [6.0, 2.0]) - 5.0).abs() < 1e-12, "3 mm across, 4 mm down");
    }

    #[test]
    fn millimeters_at_the_detector_are_told_from_those_in_the_patient() {
        let facts = |pixel, imager, calibrated: Option<&str>| FrameFacts {
            pixel_spacing: pixel,
            imager_pixel_spacing: imager,
            calibration_type: calibrated.map(str::to_owned),
            ..FrameFacts::default()
        };
        let of = |facts: &FrameFacts, modality| Spacing::of(facts, modality).map(|s| (s.between_rows, s.calibration));
        let (a, b) = (Some([0.1, 0.1]), Some([0.2, 0.2]));
        assert_eq!(of(&facts(a, None, None), "CT"), Some((0.1, Calibration::Patient)), "a slice");
        assert_eq!(of(&facts(a, Some([0.1, 0.1]), None), "DX"), Some((0.1, Calibration::Detector)), "equal values");
        assert_eq!(of(&facts(a, b, None), "DX"), Some((0.1, Calibration::Calibrated)), "different values");
        assert_eq!(of(&facts(a, None, Some("FIDUCIAL")), "XA"), Some((0.1, Calibration::Calibrated)), "marked");
        assert_eq!(of(&facts(a, None, None), "CR"), Some((0.1, Calibration::Detector)), "unmarked projection");
        assert_eq!(of(&facts(None, b, None), "DX"), Some((0.2, Calibration::Detector)), "only the detector's");
        assert_eq!(of(&facts(None, None, None), "US"), None, "missing stays missing");
        assert_eq!(of(&facts(Some([0.0, 0.1]), None, None), "CT"), None, "zero is no spacing");
    }
}
