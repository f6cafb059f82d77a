//! How near two pictures or two sounds are, and pictures that are hard to encode.

use codec::I420;
use codec::i420::{Channel, Plane};
use codec::opus::{RATE, Samples};

/// A sequence that looks like chance and is the same each time (Numerical Recipes' generator).
pub(crate) struct Seed(pub(crate) u32);

impl Seed {
    pub(crate) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The lower bits repeat soon.
        self.0 >> 8
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).expect("24 bits") % end
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// The mean difference of two planes' samples, of 255.
pub(crate) fn difference<A: AsRef<[u8]>, B: AsRef<[u8]>>(channel: Channel, one: &I420<A>, other: &I420<B>) -> f64 {
    let (mut sum, mut count) = (0_u32, 0_u32);
    for (one, other) in one.rows(channel).zip(other.rows(channel)) {
        for (one, other) in one.iter().zip(other) {
            sum += u32::from(one.abs_diff(*other));
            count += 1;
        }
    }
    f64::from(sum) / f64::from(count)
}

/// The ratio of luma to its error, in decibels.
pub(crate) fn decibels<A: AsRef<[u8]>, B: AsRef<[u8]>>(one: &I420<A>, other: &I420<B>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_u32);
    for (one, other) in one.rows(Channel::Y).zip(other.rows(Channel::Y)) {
        for (one, other) in one.iter().zip(other) {
            sum += f64::from(one.abs_diff(*other)).powi(2);
            count += 1;
        }
    }
    10.0 * (255.0 * 255.0 * f64::from(count) / sum).log10()
}

/// A picture of luma alone.
pub(crate) fn gray(width: u16, height: u16, luma: Vec<u8>) -> I420 {
    let (columns, rows) = Channel::U.size(width, height);
    let color = || Plane { bytes: vec![128; columns * rows], stride: columns };
    I420::new(width, height, [Plane { bytes: luma, stride: usize::from(width) }, color(), color()]).expect("it fits")
}

/// A slope that moves, under the noise of a camera in the evening.
pub(crate) fn evening(width: u16, height: u16, number: usize, seed: &mut Seed) -> I420 {
    let luma = (0..usize::from(height)).flat_map(|y| {
        (0..usize::from(width)).map(move |x| u8::try_from(((x + 3 * number) / 3 + y / 2) % 256 / 2 + 60).expect("187"))
    });
    let luma = luma.map(|luma| luma + seed.byte() % 8).collect();
    gray(width, height, luma)
}

/// A page of what looks like small letters: strokes of one pixel and of one and a half, black on white.
pub(crate) fn page(width: u16, height: u16, seed: &mut Seed) -> I420 {
    let (columns, rows) = (usize::from(width), usize::from(height));
    let mut luma = vec![235; columns * rows];
    for top in (8..rows - 20).step_by(28) {
        for left in (60..columns - 74).step_by(12) {
            if seed.below(6) == 0 {
                continue;
            }
            for _ in 0..3 {
                let (x, y) = (left + seed.below(9), top + seed.below(14));
                let upright = seed.below(2) == 0;
                for step in 0..9 {
                    let at = if upright { (top + step) * columns + x } else { y * columns + left + step };
                    luma[at] = 20;
                    luma[at + 1] = luma[at + 1].min(90);
                }
            }
        }
    }
    gray(width, height, luma)
}

/// The part of a sound's power that lies at `hz`, from 0 to 1 (Goertzel, 1958).
pub(crate) fn part_at(hz: f64, samples: &[i16]) -> f64 {
    let turn = std::f64::consts::TAU * hz / f64::from(RATE);
    let (mut one, mut two, mut power) = (0.0, 0.0, 0.0);
    for sample in samples.iter().copied().map(f64::from) {
        (one, two) = (sample + 2.0 * turn.cos() * one - two, one);
        power += sample * sample;
    }
    let at_hz = one * one + two * two - 2.0 * turn.cos() * one * two;
    let count = u32::try_from(samples.len()).expect("a few seconds");
    2.0 * at_hz / (f64::from(count) * power)
}

/// The power of what two sounds differ by.
pub(crate) fn error(one: &Samples, other: &Samples) -> f64 {
    one.iter().zip(other).map(|(one, other)| (f64::from(*one) - f64::from(*other)).powi(2)).sum()
}
