//! Where the voxels of a series lie in the patient (PS3.3 C.7.6.2.1.1).

use super::numbers::as_f64;
use super::recipe::{Object, Orientation, SeriesRecipe};
use super::shapes::Point;

/// A stack of slices: positions of voxel centers in mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Grid {
    /// Center of the first voxel of the first slice.
    pub(crate) origin: Point,
    /// Direction of increasing column index.
    pub(crate) row: Point,
    /// Direction of increasing row index.
    pub(crate) column: Point,
    /// From one slice to the next, in mm.
    pub(crate) step: Point,
    /// Distance of columns and of rows in mm.
    pub(crate) spacing: [f64; 2],
    /// Columns, rows, slices.
    pub(crate) size: [usize; 3],
}

impl Grid {
    /// The grid of a series. The field of view is centered on the body; one smaller than the body is
    /// moved half-way to the lesions, as a technologist would plan it.
    pub(crate) fn of(series: &SeriesRecipe, objects: &[&Object]) -> Self {
        let size = series.matrix.map(super::numbers::size);
        let [dx, dy, dz] = series.spacing_mm;
        let center = center(objects, as_f64(size[1]) * dy);
        let half = |n: usize, d: f64| (as_f64(n) - 1.0) / 2.0 * d;
        let top = series.top_z_mm.unwrap_or_else(|| half(size[1], dy));
        let (row, column, step, middle) = match series.orientation {
            Orientation::Axial => {
                let middle = [center[0], center[1], top - half(size[2], dz)];
                ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -dz], middle)
            }
            Orientation::Sagittal => {
                let middle = [center[0], center[1], top - half(size[1], dy)];
                ([0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [dz, 0.0, 0.0], middle)
            }
            Orientation::ObliqueAxial => {
                let (sin, cos) = series.tilt_deg.to_radians().sin_cos();
                let middle = [center[0], center[1], top - half(size[2], dz)];
                ([1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, -sin * dz, -cos * dz], middle)
            }
        };
        let mut origin = middle;
        for i in 0..3 {
            origin[i] -= row[i] * half(size[0], dx) + column[i] * half(size[1], dy) + step[i] * half(size[2], 1.0);
        }
        Self { origin, row, column, step, spacing: [dx, dy], size }
    }

    /// Center of the first voxel of a slice: Image Position (Patient).
    pub(crate) fn position(&self, slice: usize) -> Point {
        self.at(0.0, 0.0, as_f64(slice))
    }

    /// A point by fractional column, row and slice index.
    pub(crate) fn at(&self, column: f64, row: f64, slice: f64) -> Point {
        let mut p = self.origin;
        for (i, p) in p.iter_mut().enumerate() {
            *p +=
                self.row[i] * column * self.spacing[0] + self.column[i] * row * self.spacing[1] + self.step[i] * slice;
        }
        p
    }
}

fn center(objects: &[&Object], field: f64) -> [f64; 2] {
    let first = objects.first();
    let number = |v: &Vec<f64>, i: usize| v.get(i).copied().unwrap_or(0.0);
    // Two breasts have no body around them: the middle of both is between them.
    if objects.iter().any(|o| o.name.starts_with("breast ")) {
        return [0.0, first.map_or(0.0, |o| number(&o.center_mm, 1))];
    }
    let body = first.map_or([0.0, 0.0], |o| [number(&o.center_mm, 0), number(&o.center_mm, 1)]);
    let height = first.map_or(0.0, |o| 2.0 * number(&o.radii_mm, 1));
    let lesions: Vec<f64> = objects.iter().filter(|o| o.lesion.is_some()).map(|o| number(&o.center_mm, 1)).collect();
    if field >= height || lesions.is_empty() {
        return body;
    }
    [body[0], (body[1] + lesions.iter().sum::<f64>() / as_f64(lesions.len())) / 2.0]
}
