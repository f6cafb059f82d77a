//! How loud something is, and whether somebody speaks.

use crate::Tick;

/// The meter's lower end, in decibels below full scale.
const METER: f32 = 60.0;
/// A meter falls so much in 10 ms: all of it in a second.
const FALL: f32 = 0.01;

/// Speech is so many decibels above what is heard between words,
const ABOVE: f32 = 9.0;
/// and no fainter than this below full scale.
const FAINTEST: f32 = 50.0;
/// What is heard between words rises no faster, in decibels for 10 ms: 2 dB in a second,
const RISE: f32 = 0.02;
/// and no room is fainter.
const QUIETEST: f32 = 75.0;
/// So many times 10 ms somebody still speaks: the gaps between words.
const HANG: u32 = 30;

/// Decibels below full scale of the root mean square, from 0 to 127, which is silence (RFC 6464 §3; a full-scale sine has
/// 3).
#[must_use]
pub fn below(samples: &[f32]) -> u8 {
    whole(exact(samples))
}

/// The same unrounded.
fn exact(samples: &[f32]) -> f32 {
    let energy: f32 = samples.iter().map(|sample| sample * sample).sum();
    let mean = energy / (samples.len().max(1) as f32);
    (-10.0 * mean.max(1e-13).log10()).clamp(0.0, 127.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is kept between 0 and 127 before")]
fn whole(below: f32) -> u8 {
    below.clamp(0.0, 127.0).round() as u8
}

/// What a meter shows, from 0 to 1: it rises at once and falls in a second.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meter(f32);

impl Meter {
    /// Looks at the next 10 ms.
    pub fn look(&mut self, tick: &Tick) {
        let shown = (1.0 - exact(tick) / METER).clamp(0.0, 1.0);
        self.0 = shown.max(self.0 - FALL);
    }

    /// From 0, which is 60 dB below full scale, to 1.
    #[must_use]
    pub fn shown(self) -> f32 {
        self.0
    }
}

/// Whether somebody speaks, by how much louder it is than between words.
#[derive(Debug, Clone, Copy)]
pub struct Talk {
    /// Of the room, in decibels below full scale.
    quiet: f32,
    hang: u32,
}

impl Default for Talk {
    fn default() -> Self {
        Self { quiet: QUIETEST, hang: 0 }
    }
}

impl Talk {
    /// Looks at the next 10 ms; true while somebody speaks.
    pub fn look(&mut self, tick: &Tick) -> bool {
        let below = exact(tick);
        // It becomes fainter at once and louder slowly, so that speech stays above it.
        self.quiet = below.max(self.quiet - RISE).min(QUIETEST);
        let speaks = below < FAINTEST && below + ABOVE < self.quiet;
        self.hang = if speaks { HANG } else { self.hang.saturating_sub(1) };
        self.hang > 0
    }
}
