//! A picture and a sound that everybody can recognize: color bars with something that moves, and a tone. They are
//! functions of their number, so that whoever receives them can tell which one it was.

use crate::I420;
use crate::i420::{Channel, Plane};
use crate::opus::{FRAME, RATE, Samples};
use std::f64::consts::TAU;

/// Five of SMPTE's bars at 75 % (EG 1): gray, cyan, green, magenta and blue, as red, green and blue.
pub const BARS: [[u8; 3]; 5] = [[191, 191, 191], [0, 191, 191], [0, 191, 0], [191, 0, 191], [0, 0, 191]];

/// What moves: white, a square of an eighth of the height.
const MARKER: [u8; 3] = [255, 255, 255];
const MARKER_PART: u16 = 8;
/// Columns that it moves from picture to picture.
const STEP: u64 = 8;

/// Number `number` of a series of test cards: upright [`BARS`], and at the bottom a white square that runs from left to
/// right and begins again.
///
/// # Panics
/// When a side is 0.
#[must_use]
pub fn test_card(width: u16, height: u16, number: u32) -> I420 {
    let size = usize::from(height / MARKER_PART).max(2);
    let (left, top) = marker(width, height, number);
    let white = yuv(MARKER);
    let bars = BARS.map(yuv);
    let planes = Channel::ALL.map(|channel| {
        let (columns, rows) = channel.size(width, height);
        let (n, per_sample) = match channel {
            Channel::Y => (0, 1),
            Channel::U => (1, 2),
            Channel::V => (2, 2),
        };
        let bare: Vec<u8> = (0..columns).map(|x| bars[x * bars.len() / columns][n]).collect();
        let mut marked = bare.clone();
        let (from, to) = (left / per_sample, (left + size) / per_sample);
        for sample in marked.iter_mut().take(to).skip(from) {
            *sample = white[n];
        }
        let bytes = (0..rows).flat_map(|y| if y * per_sample < top { &bare } else { &marked }).copied().collect();
        Plane { bytes, stride: columns }
    });
    I420::new(width, height, planes).expect("the planes were made for this size")
}

/// Column and row of the white square's upper left corner in [`test_card`].
#[must_use]
pub fn marker(width: u16, height: u16, number: u32) -> (usize, usize) {
    let size = (height / MARKER_PART).max(2);
    let places = u64::from(width.saturating_sub(size)) + 1;
    let left = u16::try_from(u64::from(number) * STEP % places).unwrap_or(u16::MAX);
    (usize::from(left), usize::from(height.saturating_sub(size)))
}

/// Half of the full amplitude.
const AMPLITUDE: f64 = 16_384.0;

/// 20 ms of a sine of `hz` at half of the full amplitude, from sample `first_sample` of it on.
#[must_use]
pub fn tone(hz: u32, first_sample: u64) -> Samples {
    let mut samples = [0; FRAME];
    for (at, sample) in (first_sample % u64::from(RATE)..).zip(&mut samples) {
        // A tone of whole hertz is the same in every second, and of a wave only the part that has begun counts.
        let begun = u32::try_from(at * u64::from(hz) % u64::from(RATE)).unwrap_or(0);
        *sample = quantized((TAU * f64::from(begun) / f64::from(RATE)).sin() * AMPLITUDE);
    }
    samples
}

#[expect(clippy::cast_possible_truncation, reason = "no sine is larger than its amplitude, which 16 bits hold")]
fn quantized(sample: f64) -> i16 {
    sample.round() as i16
}

/// ITU-R BT.601-7 §2.5.1, in thousandths: luma from 16 to 235, differences of color around 128.
fn yuv([red, green, blue]: [u8; 3]) -> [u8; 3] {
    let [red, green, blue] = [red, green, blue].map(i32::from);
    let of_255 = |thousandths: i32, middle: i32| {
        let rounded = (thousandths + 255_000 * middle + 127_500) / 255_000;
        u8::try_from(rounded).expect("the coefficients keep between 16 and 240")
    };
    [
        of_255(65_481 * red + 128_553 * green + 24_966 * blue, 16),
        of_255(-37_797 * red - 74_203 * green + 112_000 * blue, 128),
        of_255(112_000 * red - 93_786 * green - 18_214 * blue, 128),
    ]
}
