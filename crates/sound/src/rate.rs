//! From one sample rate to another, by a windowed sinc in as many phases as the ratio of the rates has.
//!
//! Whoever captures gets 48 kHz whatever the microphone has, and a speaker gets its own rate. What lies above the lower
//! of both rates' halves is taken out, since it would come back as another tone.

use std::f32::consts::PI;

/// Rates of devices, in hertz.
pub const RATES: std::ops::RangeInclusive<u32> = 8_000..=384_000;

/// Zero crossings of the sinc on each side.
const CROSSINGS: u16 = 24;
/// The filter's edge, as a part of the lower of both halves; what is between is where it falls.
const EDGE: f32 = 0.92;
/// Kaiser's β: about 90 dB.
const BETA: f32 = 9.0;
/// More phases are of no device's rate: 44.1 kHz has 160, 11.025 has 640.
const MOST_PHASES: u32 = 1_000;

/// A stream of samples on its way to another rate.
pub struct Rate {
    /// A row of taps for each phase; empty where the rates are the same.
    phases: Vec<Vec<f32>>,
    /// Phases to go on for each sample that leaves.
    step: usize,
    phase: usize,
    /// What is still needed of what came.
    held: Vec<f32>,
}

impl std::fmt::Debug for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rate({} phases, step {})", self.phases.len(), self.step)
    }
}

impl Rate {
    /// From `from` to `to` hertz. None for rates outside of [`RATES`] and for a ratio that no device has.
    #[must_use]
    pub fn new(from: u32, to: u32) -> Option<Self> {
        if !RATES.contains(&from) || !RATES.contains(&to) {
            return None;
        }
        let shared = divisor(from, to);
        let (step, count) = (from / shared, to / shared);
        if count > MOST_PHASES {
            return None;
        }
        let same = from == to;
        // Below 1 where the rate falls: the sinc is wider by as much.
        let lower = (to as f32 / from as f32).min(1.0);
        let phases = if same { Vec::new() } else { (0..count).map(|phase| taps(lower, phase, count)).collect() };
        let held = vec![0.0; phases.first().map_or(0, |row: &Vec<f32>| row.len() / 2 - 1)];
        Some(Self { phases, step: usize::try_from(step).ok()?, phase: 0, held })
    }

    /// Takes samples and puts those of the other rate behind `out`.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        if self.phases.is_empty() {
            out.extend_from_slice(samples);
            return;
        }
        self.held.extend_from_slice(samples);
        let mut at = 0;
        while let Some(row) = self.phases.get(self.phase)
            && let Some(window) = self.held.get(at..at + row.len())
        {
            out.push(row.iter().zip(window).map(|(tap, sample)| tap * sample).sum());
            let next = self.phase + self.step;
            at += next / self.phases.len();
            self.phase = next % self.phases.len();
        }
        self.held.drain(..at.min(self.held.len()));
    }
}

/// The taps for a sample that lies `phase` of `count` parts behind the one in the middle.
fn taps(lower: f32, phase: u32, count: u32) -> Vec<f32> {
    let half = (f32::from(CROSSINGS) / lower).ceil();
    let part = phase as f32 / count as f32;
    let places = std::iter::successors(Some(1.0 - half), |place| Some(place + 1.0)).take_while(|place| *place <= half);
    let mut row: Vec<f32> = places
        .map(|place| {
            let away = place - part;
            sinc(EDGE * lower * away) * kaiser(away / half)
        })
        .collect();
    // Silence stays silence, and a constant stays what it is in each phase.
    let sum: f32 = row.iter().sum();
    for tap in &mut row {
        *tap /= sum;
    }
    row
}

fn sinc(x: f32) -> f32 {
    if x.abs() < 1e-6 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Kaiser's window from -1 to 1.
fn kaiser(x: f32) -> f32 {
    let inside = (1.0 - x * x).max(0.0).sqrt();
    bessel(BETA * inside) / bessel(BETA)
}

/// The modified Bessel function of order 0, by its series (Abramowitz and Stegun 9.6.12).
fn bessel(x: f32) -> f32 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut k) = (1.0_f32, 1.0_f32, 1.0_f32);
    while term > sum * 1e-8 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

fn divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { divisor(b, a % b) }
}
