//! Lengths, positions in the patient and the scale bar.

use crate::{Frame, Spacing};

/// Unit of a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Millimeters.
    Millimeter,
    /// Pixels: the spacing is not known.
    Pixel,
}

/// A length with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Length {
    /// How many.
    pub value: f64,
    /// Of what.
    pub unit: Unit,
}

/// The distance of two image points (column, row).
pub fn length(spacing: Option<Spacing>, from: [f64; 2], to: [f64; 2]) -> Length {
    let (columns, rows) = (to[0] - from[0], to[1] - from[1]);
    match spacing {
        Some(s) => Length { value: (columns * s.columns).hypot(rows * s.rows), unit: Unit::Millimeter },
        None => Length { value: columns.hypot(rows), unit: Unit::Pixel },
    }
}

/// The patient coordinates of an image point (PS3.3 C.7.6.2.1.1), in mm.
pub fn patient_from_image(frame: &Frame, spacing: Spacing, [column, row]: [f64; 2]) -> Option<[f64; 3]> {
    let (position, orientation) = (frame.position?, frame.orientation?);
    // The equation counts from the center of the first pixel, which is at (0.5, 0.5).
    let (i, j) = ((column - 0.5) * spacing.columns, (row - 0.5) * spacing.rows);
    let point: [f64; 3] = std::array::from_fn(|k| position[k] + orientation[k] * i + orientation[k + 3] * j);
    point.iter().all(|p| p.is_finite()).then_some(point)
}

/// Where a plane lies along its normal, in mm: z for axial, y for coronal, x for sagittal planes.
///
/// The normal is taken in the direction in which its strongest component is positive, so that the
/// number has the sign of the patient axis whatever the direction of rows and columns.
pub fn plane_position(frame: &Frame) -> Option<f64> {
    let ([a, b, c, d, e, f], position) = (frame.orientation?, frame.position?);
    let normal = [b * f - c * e, c * d - a * f, a * e - b * d];
    let strongest = normal.into_iter().max_by(|x, y| x.abs().total_cmp(&y.abs()))?;
    let sign = if strongest < 0.0 { -1.0 } else { 1.0 };
    let along = sign * (normal[0] * position[0] + normal[1] * position[1] + normal[2] * position[2]);
    along.is_finite().then_some(along)
}

/// A scale bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScaleBar {
    /// Its length on the screen in device pixels.
    pub px: f64,
    /// What it stands for, in cm: 1, 2 or 5 times a power of ten.
    pub cm: f64,
}

/// The longest round bar of at most a third of the width; it is never shorter than an eighth of it.
pub fn scale_bar(mm_per_px: f64, width: f64) -> Option<ScaleBar> {
    let most = width / 3.0 * mm_per_px / 10.0;
    if !(most.is_finite() && most > 0.0) {
        return None;
    }
    let decade = 10f64.powf(most.log10().floor());
    // A third of the width may be a power of ten itself: the logarithm then errs by the last bit.
    let cm = [10.0, 5.0, 2.0, 1.0, 0.5].into_iter().map(|step| step * decade).find(|cm| *cm <= most * (1.0 + 1e-12))?;
    Some(ScaleBar { px: cm * 10.0 / mm_per_px, cm })
}
