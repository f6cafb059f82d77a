//! Paints a PET series: uptake, point spread, noise, and lesions whose measured SUVmax is the recipe's.

use super::grid::Grid;
use super::numbers::{as_f64, ceil_index, size, to_f32, to_i16, to_i32};
use super::paint::{self, Body};
use super::recipe::Object;
use super::shapes::{Point, Solid};

/// Half-life of fluorine-18 in seconds.
pub(crate) const HALF_LIFE_S: f64 = 6586.2;

/// What a PET scanner knows beside the uptake.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan {
    /// Full width at half maximum of the point spread function in mm.
    pub(crate) psf_fwhm_mm: f64,
    /// Standard deviation of the noise, relative to the value.
    pub(crate) noise_rel: f64,
    /// Bq/ml of SUV 1.
    pub(crate) bqml_per_suv: f64,
    /// Seed of the noise.
    pub(crate) seed: u64,
}

/// One slice as it is stored.
#[derive(Debug)]
pub(crate) struct PetSlice {
    /// Rescale Slope as it is written: a decimal string of at most 16 characters.
    pub(crate) slope: String,
    /// Stored values.
    pub(crate) values: Vec<i16>,
}

/// SUV that one unit of painted value stands for.
const UNIT: f64 = 1e-4;

struct Lesion {
    object: usize,
    center: Point,
    radii: Point,
    suv: f64,
    /// How much hotter it is painted than it shall look.
    factor: f64,
}

/// Paints the whole series; it is small (2 million voxels), and the point spread needs neighbors.
pub(crate) fn volume(grid: &Grid, objects: &[&Object], scan: Scan) -> Vec<PetSlice> {
    let solids: Vec<(Solid, f64)> = objects.iter().filter_map(|o| Some((Solid::of(o)?, o.suv?))).collect();
    let mut lesions = lesions(objects, &solids);
    let mut image = Vec::new();
    for _ in 0..8 {
        image = blurred(grid, &solids, &lesions, scan);
        add_noise(grid, &mut image, scan);
        let mut settled = true;
        let found: Vec<f64> = lesions.iter().map(|l| maximum(grid, &image, l, &lesions)).collect();
        for (lesion, found) in lesions.iter_mut().zip(found) {
            if found > 0.0 {
                settled &= (found / lesion.suv - 1.0).abs() < 0.005;
                lesion.factor = (lesion.factor * lesion.suv / found).clamp(0.5, 4.0);
            }
        }
        if settled {
            break;
        }
    }
    let area = grid.size[0] * grid.size[1];
    image.chunks_exact(area).map(|slice| stored(slice, scan.bqml_per_suv)).collect()
}

fn lesions(objects: &[&Object], solids: &[(Solid, f64)]) -> Vec<Lesion> {
    let mut lesions = Vec::new();
    for object in objects.iter().filter(|o| o.lesion.is_some()) {
        let (Some(solid), Some(suv)) = (Solid::of(object), object.suv) else { continue };
        let Solid::Ellipsoid { center, radii } = solid else { continue };
        if let Some(index) = solids.iter().position(|(s, _)| *s == solid) {
            lesions.push(Lesion { object: index, center, radii, suv, factor: 1.0 });
        }
    }
    lesions
}

fn blurred(grid: &Grid, solids: &[(Solid, f64)], lesions: &[Lesion], scan: Scan) -> Vec<f32> {
    let bodies: Vec<Body> = solids
        .iter()
        .enumerate()
        .map(|(i, (solid, suv))| {
            let factor = lesions.iter().find(|l| l.object == i).map_or(1.0, |l| l.factor);
            Body { solid: *solid, value: to_i32(suv * factor / UNIT) }
        })
        .collect();
    let [columns, rows, slices] = grid.size;
    let mut image = vec![0.0_f32; columns * rows * slices];
    let unit = to_f32(UNIT / f64::from(paint::samples(grid)));
    for (k, slice) in image.chunks_exact_mut(columns * rows).enumerate() {
        paint::slice(grid, k, 0, &bodies, |j, sums| {
            for (voxel, sum) in slice[j * columns..].iter_mut().zip(sums) {
                #[expect(clippy::cast_precision_loss, reason = "24 bits hold an SUV of 160 in these units")]
                let sum = *sum as f32;
                *voxel = sum * unit;
            }
        });
    }
    let sigma = scan.psf_fwhm_mm / 2.354_82;
    let distance = grid.step.iter().map(|s| s * s).sum::<f64>().sqrt();
    convolve(&mut image, columns, 1, &kernel(sigma / grid.spacing[0]));
    convolve(&mut image, rows, columns, &kernel(sigma / grid.spacing[1]));
    convolve(&mut image, slices, columns * rows, &kernel(sigma / distance));
    image
}

/// Half of a normalized Gaussian, integrated over each voxel by nine points.
fn kernel(sigma: f64) -> Vec<f32> {
    let reach = ceil_index(3.5 * sigma, 64);
    let weight = |i: usize| -> f64 {
        (0..9_u32)
            .map(|s| {
                let x = as_f64(i) + (f64::from(s) - 4.0) / 9.0;
                (-x * x / (2.0 * sigma * sigma)).exp()
            })
            .sum()
    };
    let weights: Vec<f64> = (0..=reach).map(weight).collect();
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.iter().map(|w| to_f32(w / total)).collect()
}

/// Convolves along one axis in place; outside the volume there is nothing.
fn convolve(image: &mut [f32], length: usize, stride: usize, kernel: &[f32]) {
    let mut line = vec![0.0_f32; length];
    for block in image.chunks_exact_mut(length * stride) {
        for offset in 0..stride {
            for (i, value) in line.iter_mut().enumerate() {
                *value = block[offset + i * stride];
            }
            for i in 0..length {
                let mut sum = line[i] * kernel[0];
                for (d, weight) in kernel.iter().enumerate().skip(1) {
                    let before = if i >= d { line[i - d] } else { 0.0 };
                    let after = if i + d < length { line[i + d] } else { 0.0 };
                    sum += weight * (before + after);
                }
                block[offset + i * stride] = sum;
            }
        }
    }
}

fn add_noise(grid: &Grid, image: &mut [f32], scan: Scan) {
    let [columns, rows, _] = grid.size;
    let relative = to_f32(scan.noise_rel);
    for (line, row) in image.chunks_exact_mut(columns).enumerate() {
        let noise = paint::noise(scan.seed, line / rows, line % rows);
        for (voxel, noise) in row.iter_mut().zip(noise) {
            *voxel = (*voxel * (1.0 + relative * noise)).max(0.0);
        }
    }
}

/// The hottest voxel whose center lies in the lesion and not in reach of a hotter one.
fn maximum(grid: &Grid, image: &[f32], lesion: &Lesion, all: &[Lesion]) -> f64 {
    const REACH_MM: f64 = 5.0;
    let inside = |p: Point, l: &Lesion, margin: f64| {
        (0..3).map(|i| ((p[i] - l.center[i]) / (l.radii[i] + margin)).powi(2)).sum::<f64>() <= 1.0
    };
    let [columns, rows, slices] = grid.size;
    let mut best = 0.0_f64;
    for k in 0..slices {
        if (grid.position(k)[2] - lesion.center[2]).abs() > lesion.radii[2] {
            continue;
        }
        for j in 0..rows {
            for i in 0..columns {
                let p = grid.at(as_f64(i), as_f64(j), as_f64(k));
                let hotter = |l: &&Lesion| l.suv > lesion.suv && inside(p, l, REACH_MM);
                if inside(p, lesion, 0.0) && !all.iter().any(|l| hotter(&l)) {
                    best = best.max(f64::from(image[(k * rows + j) * columns + i]));
                }
            }
        }
    }
    best
}

fn stored(slice: &[f32], bqml_per_suv: f64) -> PetSlice {
    let highest = slice.iter().copied().fold(0.0_f32, f32::max);
    let wanted = (f64::from(highest) * bqml_per_suv / 32_767.0).max(1e-6);
    // Rounded up, so that the highest value still fits into 15 bits.
    let slope = format!("{:.8e}", wanted * 1.000_001);
    let exact: f64 = slope.parse().expect("a formatted number is a number");
    let values = slice.iter().map(|v| to_i16(f64::from(*v) * bqml_per_suv / exact)).collect();
    PetSlice { slope, values }
}

/// Bq/ml of SUV 1: the activity that is left at the start of the scan, over the weight in g.
///
/// With Decay Correction START the dose is decayed from injection to the start of the acquisition
/// (PS3.3 C.8.9.1.1.5; QIBA's vendor-neutral pseudo-code).
pub(crate) fn bqml_per_suv(injected_mbq: f64, uptake_min: f64, weight_kg: f64) -> f64 {
    injected_mbq * 1e6 * (-std::f64::consts::LN_2 * uptake_min * 60.0 / HALF_LIFE_S).exp() / (weight_kg * 1000.0)
}

/// Number of slices of a series, for its header.
pub(crate) fn slices(matrix: [u32; 3]) -> usize {
    size(matrix[2])
}
