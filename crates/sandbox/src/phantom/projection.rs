//! Paints projections: a chest X-ray by integrating attenuation along y, and mammograms.

use super::numbers::{as_f64, size, to_u16};
use super::paint::noise;
use super::recipe::{Object, SeriesRecipe};
use super::shapes::{Line, Solid};

/// Bits that a detector delivers.
pub(crate) const BITS: u16 = 12;
const HIGHEST: f64 = 4095.0;

/// A chest X-ray, posterior to anterior, seen as if facing the patient.
pub(crate) fn chest(series: &SeriesRecipe, objects: &[&Object], seed: u64) -> Vec<u16> {
    let solids: Vec<Solid> = objects.iter().filter(|o| o.hu.is_some()).filter_map(|o| Solid::of(o)).collect();
    let attenuation: Vec<f64> = objects
        .iter()
        .filter(|o| Solid::of(o).is_some())
        .filter_map(|o| o.hu)
        .map(|hu| {
            // Water at an effective energy of 70 keV; calcium absorbs more than its density.
            let mu = 0.0193 * (1.0 + hu / 1000.0);
            if hu > 100.0 { mu * 1.35 } else { mu }
        })
        .collect();
    let mut line = Line::default();
    let coarse = |x: f64, z: f64| {
        line.trace([x, -1000.0, z], [0.0, 1.0, 0.0], solids.iter());
        let mut sum = 0.0;
        for pair in line.stretches.windows(2) {
            let ((from, top), (to, _)) = (pair[0], pair[1]);
            if let Some(mu) = top.and_then(|i| attenuation.get(i)) {
                sum += mu * (to - from);
            }
        }
        // The film-like curve of a presentation image: dark lungs, no clipped mediastinum.
        HIGHEST * (1.0 - (-sum / 2.6).exp()).powf(1.4)
    };
    enlarge(series, 2, coarse, seed, 14.0)
}

/// A mammogram of the left breast: the chest wall at the left edge of the image.
pub(crate) fn breast(series: &SeriesRecipe, objects: &[&Object], seed: u64) -> Vec<u16> {
    let mass = objects.iter().find_map(|o| Some((o.radius_mm?, o.contrast?)));
    let oblique = series.view.as_deref() == Some("MLO");
    let width = f64::from(series.matrix[0]) * series.spacing_mm[0];
    let tissue = move |x: f64, z: f64| {
        // x runs from the chest wall, y from the middle downwards.
        let (x, y) = (x + width / 2.0, -z);
        let rim = (x / 118.0).powi(2) + (y / 94.0).powi(2);
        let muscle = oblique && y < -28.0 - (x - 8.0) * 1.5;
        if rim >= 1.0 && !muscle {
            return 40.0;
        }
        let thickness = (1.0 - rim).max(0.0).powf(0.35);
        let gland = (1.0 - (((x - 55.0) / 55.0).powi(2) + (y / 55.0).powi(2))).clamp(0.0, 1.0);
        let texture =
            0.5 * cloud(x / 14.0, y / 14.0, 1) + 0.3 * cloud(x / 5.0, y / 5.0, 2) + 0.2 * cloud(x / 1.8, y / 1.8, 3);
        let mut value = 500.0 + 900.0 * thickness + (250.0 + 950.0 * gland) * texture * thickness;
        if muscle {
            value = value.max(2300.0 + 200.0 * texture);
        }
        if let Some((radius, contrast)) = mass {
            value *= 1.0 + contrast * spiculated(x - 62.0, y + 36.0, radius);
        }
        if rim > 0.985 && rim < 1.0 {
            value += 250.0;
        }
        value
    };
    enlarge(series, 4, tissue, seed, 18.0)
}

/// 1 in the core, 0 far away, with rays that reach out of the edge.
fn spiculated(x: f64, y: f64, radius: f64) -> f64 {
    let (r, angle) = (x.hypot(y), y.atan2(x));
    let edge = radius * (1.0 + 0.06 * (7.0 * angle).sin() + 0.04 * (13.0 * angle + 1.0).sin());
    let core = ((edge - r) / 1.5 + 0.5).clamp(0.0, 1.0);
    let ray = (11.0 * angle).cos().max(0.0).powi(6) * (1.0 - (r - radius) / (0.9 * radius)).clamp(0.0, 1.0);
    core.max(0.45 * ray)
}

/// Smooth noise between 0 and 1.
fn cloud(x: f64, y: f64, seed: i64) -> f64 {
    let (fx, fy) = (x.floor(), y.floor());
    let corner = |dx: f64, dy: f64| {
        let (i, j) = (super::numbers::to_i32(fx + dx), super::numbers::to_i32(fy + dy));
        let mut h = (i64::from(i) * 374_761_393 + i64::from(j) * 668_265_263 + seed * 2_147_483_647).unsigned_abs();
        h = (h ^ (h >> 13)).wrapping_mul(1_274_126_177);
        f64::from(u16::try_from((h >> 16) & 0xFFFF).expect("masked to 16 bits")) / 65_535.0
    };
    let ease = |t: f64| t * t * (3.0 - 2.0 * t);
    let (tx, ty) = (ease(x - fx), ease(y - fy));
    let top = corner(0.0, 0.0) * (1.0 - tx) + corner(1.0, 0.0) * tx;
    let bottom = corner(0.0, 1.0) * (1.0 - tx) + corner(1.0, 1.0) * tx;
    top * (1.0 - ty) + bottom * ty
}

/// Evaluates `value` (x to the patient's left, z up, from the middle of the image) on a coarser grid,
/// interpolates linearly and adds noise: a projection has no detail below the coarse grid.
fn enlarge(
    series: &SeriesRecipe,
    by: usize,
    mut value: impl FnMut(f64, f64) -> f64,
    seed: u64,
    noise_sd: f64,
) -> Vec<u16> {
    let (columns, rows) = (size(series.matrix[0]), size(series.matrix[1]));
    let [dx, dy, _] = series.spacing_mm;
    let (coarse_columns, coarse_rows) = (columns / by + 2, rows / by + 2);
    let mut coarse = Vec::with_capacity(coarse_columns * coarse_rows);
    for j in 0..coarse_rows {
        for i in 0..coarse_columns {
            let x = (as_f64(i * by) - (as_f64(columns) - 1.0) / 2.0) * dx;
            let z = ((as_f64(rows) - 1.0) / 2.0 - as_f64(j * by)) * dy;
            coarse.push(value(x, z));
        }
    }
    let mut image = Vec::with_capacity(columns * rows);
    for j in 0..rows {
        let (above, ty) = (j / by * coarse_columns, as_f64(j % by) / as_f64(by));
        let below = above + coarse_columns;
        let noise = noise(seed, 0, j);
        for (i, noise) in noise.iter().enumerate().take(columns) {
            let (left, tx) = (i / by, as_f64(i % by) / as_f64(by));
            let top = coarse[above + left] * (1.0 - tx) + coarse[above + left + 1] * tx;
            let bottom = coarse[below + left] * (1.0 - tx) + coarse[below + left + 1] * tx;
            let value = top * (1.0 - ty) + bottom * ty + f64::from(*noise) * noise_sd;
            image.push(to_u16(value.clamp(0.0, HIGHEST)));
        }
    }
    image
}
