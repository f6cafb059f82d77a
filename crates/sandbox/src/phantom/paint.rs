//! Paints slices: averages of 2 × 2 × 2 or more samples a voxel, row by row, and Gaussian noise.

use std::sync::OnceLock;

use super::grid::Grid;
use super::numbers::{as_f64, ceil_index};
use super::shapes::{Line, Solid};

/// A shape with the value that is painted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    /// Where.
    pub(crate) solid: Solid,
    /// What, in the unit of the caller.
    pub(crate) value: i32,
}

/// Where samples lie across slices, in slice distances: two are enough below 2 mm, thicker slices need
/// four, or a lesion would measure half a millimeter too long.
fn across(grid: &Grid) -> &'static [f64] {
    let distance = grid.step.iter().map(|s| s * s).sum::<f64>().sqrt();
    if distance < 2.0 { &[-0.25, 0.25] } else { &[-0.375, -0.125, 0.125, 0.375] }
}

/// Samples that one voxel averages.
pub(crate) fn samples(grid: &Grid) -> i32 {
    4 * i32::try_from(across(grid).len()).expect("two or four")
}

/// Paints one slice. `row` gets the index of each row and the sum of the samples of each voxel.
///
/// Each row is traced along four or eight lines (two in row direction, the others across slices) with
/// two samples a voxel on each. Only changes between shapes are written, so that a prefix sum fills the row: voxels
/// inside one shape get its value exactly, voxels at an edge their share.
pub(crate) fn slice(grid: &Grid, k: usize, background: i32, bodies: &[Body], mut row: impl FnMut(usize, &[i32])) {
    let columns = grid.size[0];
    let step = grid.spacing[0];
    let (across, samples) = (across(grid), samples(grid));
    let mut line = Line::default();
    let mut changes = vec![0_i32; columns + 2];
    for j in 0..grid.size[1] {
        changes.fill(0);
        changes[0] = background * samples;
        for (dj, dk) in across.iter().flat_map(|dk| [(-0.25, *dk), (0.25, *dk)]) {
            let start = grid.at(0.0, as_f64(j) + dj, as_f64(k) + dk);
            line.trace(start, grid.row, bodies.iter().map(|b| &b.solid));
            let mut before = background;
            for &(from, top) in &line.stretches {
                let value = top.and_then(|i| bodies.get(i)).map_or(background, |b| b.value);
                // Sample s lies at (s / 2 - 1/4) voxels.
                let s = ceil_index((from / step + 0.25) * 2.0, columns * 2);
                let change = value - before;
                before = value;
                let voxel = s / 2;
                if s.is_multiple_of(2) {
                    changes[voxel] += 2 * change;
                } else {
                    changes[voxel] += change;
                    changes[voxel + 1] += change;
                }
            }
        }
        let mut sum = 0;
        for change in &mut changes[..columns] {
            sum += *change;
            *change = sum;
        }
        row(j, &changes[..columns]);
    }
}

const NOISE: usize = 1 << 16;

/// Longest row that noise is asked for.
const LONGEST_ROW: usize = 4096;

/// Gaussian noise of standard deviation 1 for a row of at most 4096 voxels, the same in every run.
///
/// A row starts somewhere in one table of normal deviates: drawing each voxel would cost more than
/// painting it, and 65 536 values at random starts show no pattern.
pub(crate) fn noise(seed: u64, slice: usize, row: usize) -> &'static [f32] {
    static TABLE: OnceLock<Vec<f32>> = OnceLock::new();
    let table = TABLE.get_or_init(table);
    let start = mix(seed ^ (as_u64(slice) << 32) ^ as_u64(row)) % as_u64(NOISE);
    let start = usize::try_from(start).expect("below the length of the table");
    &table[start..start + LONGEST_ROW]
}

fn table() -> Vec<f32> {
    let mut state = 0x4B6F_6E73_696C_u64;
    let mut uniform = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        // 53 bits, never 0, so that its logarithm is finite.
        (as_f64(usize::try_from(mix(state) >> 11).unwrap_or(1)) + 1.0) / 9_007_199_254_740_993.0
    };
    (0..NOISE + LONGEST_ROW)
        .map(|_| {
            let (u, v) = (uniform(), uniform());
            // Box and Muller's transform.
            super::numbers::to_f32((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos())
        })
        .collect()
}

/// Steele, Lea and Flood's SplitMix64 finalizer.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn as_u64(index: usize) -> u64 {
    u64::try_from(index).expect("an index has at most 64 bits")
}
