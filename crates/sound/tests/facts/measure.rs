//! How much of a tone is in a sound, by Goertzel's algorithm, and its frequency by counting where it crosses zero; chance
//! from a fixed seed.

use std::f64::consts::TAU;

/// The amplitude of `hz` in samples of `rate`.
pub(crate) fn amplitude(samples: &[f32], rate: u32, hz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hz / f64::from(rate)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        let next = f64::from(*sample) + coefficient * last - before;
        (before, last) = (last, next);
    }
    let power = last * last + before * before - coefficient * last * before;
    2.0 * power.max(0.0).sqrt() / count(samples.len())
}

/// How often in a second it rises through zero.
pub(crate) fn crossings(samples: &[f32], rate: u32) -> f64 {
    let rises = samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    count(rises) * f64::from(rate) / count(samples.len())
}

/// Its mean power.
pub(crate) fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / count(samples.len())
}

/// In decibels.
pub(crate) fn decibels(power: f64) -> f64 {
    10.0 * power.max(1e-30).log10()
}

pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("few"))
}

/// A sine's sample.
pub(crate) fn sine(hz: f64, rate: u32, at: u64, amplitude: f64) -> f32 {
    let at = f64::from(u32::try_from(at).expect("no test is so long"));
    narrow((TAU * hz * at / f64::from(rate)).sin() * amplitude)
}

#[expect(clippy::cast_possible_truncation, reason = "a sample is as exact as a float")]
pub(crate) fn narrow(sample: f64) -> f32 {
    sample as f32
}

#[expect(clippy::cast_possible_truncation, reason = "it is kept within 16 bits before")]
pub(crate) fn integer(sample: f32) -> i16 {
    (sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16
}

/// A linear congruential generator with the numbers of Numerical Recipes.
pub(crate) struct Chance(pub(crate) u32);

impl Chance {
    pub(crate) fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0
    }

    /// From 0 to 1.
    pub(crate) fn part(&mut self) -> f64 {
        f64::from(self.bits() >> 8) / f64::from(1_u32 << 24)
    }

    /// From -1 to 1.
    pub(crate) fn noise(&mut self) -> f32 {
        narrow(self.part() * 2.0 - 1.0)
    }
}

/// Noise that comes and goes like syllables, four in a second with a pause after each seventh: what speech looks like to
/// whatever looks for it. Samples are of 48 kHz.
pub(crate) struct Babble {
    chance: Chance,
    at: u32,
    low: f32,
}

impl Babble {
    pub(crate) fn new(seed: u32) -> Self {
        Self { chance: Chance(seed), at: 0, low: 0.0 }
    }

    pub(crate) fn next(&mut self) -> f32 {
        let syllable = self.at / 12_000;
        let part = f64::from(self.at % 12_000) / 12_000.0;
        self.at += 1;
        let envelope = if syllable % 8 == 7 { 0.0 } else { (part * TAU / 2.0).sin() };
        // Like a voice it has more of the low than of the high.
        self.low += 0.2 * (self.chance.noise() - self.low);
        self.low * narrow(envelope)
    }
}

/// Vowels, four in a second with a pause after each seventh: pulses of a throat, 110 to 150 in a second, through the
/// resonances of a mouth (Peterson and Barney 1952, men). Samples are of 48 kHz.
pub(crate) struct Vowels {
    at: u32,
    phase: f64,
    state: [[f64; 2]; 3],
}

impl Vowels {
    const RESONANCES: [[f64; 3]; 4] =
        [[730.0, 1_090.0, 2_440.0], [270.0, 2_290.0, 3_010.0], [570.0, 840.0, 2_410.0], [530.0, 1_840.0, 2_480.0]];

    pub(crate) fn new() -> Self {
        Self { at: 0, phase: 0.0, state: [[0.0; 2]; 3] }
    }

    pub(crate) fn next(&mut self) -> f32 {
        let syllable = self.at / 12_000;
        let part = f64::from(self.at % 12_000) / 12_000.0;
        self.at += 1;
        let loudness = if syllable % 8 == 7 { 0.0 } else { (part * TAU / 2.0).sin() };
        self.phase += (110.0 + 40.0 * (1.0 - part)) / 48_000.0;
        let pulse = if self.phase >= 1.0 { 1.0 } else { 0.0 };
        self.phase %= 1.0;
        let mut sample = pulse * loudness;
        let which = usize::try_from(syllable % 4).expect("four");
        for (hz, state) in Self::RESONANCES[which].into_iter().zip(&mut self.state) {
            // A two-pole resonator, 80 Hz wide.
            let radius = (-TAU / 2.0 * 80.0 / 48_000.0).exp();
            let out = sample + 2.0 * radius * (TAU * hz / 48_000.0).cos() * state[0] - radius * radius * state[1];
            *state = [out, state[0]];
            sample = out * (1.0 - radius);
        }
        narrow(sample * 150.0)
    }
}
