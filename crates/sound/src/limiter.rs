//! Keeps a sum of voices within full scale without cutting it off: what is louder than half of it is pressed together,
//! smoothly, and the louder the more.
//!
//! It works in milliseconds and knows the one that comes, so it is fainter before the loud one begins, and never clips.

use crate::{SILENCE, TICK, Tick};

/// Samples of a millisecond.
const SPAN: usize = 48;
/// The gain rises so much in a millisecond: 1 dB in 20.
const RECOVERY: f32 = 1.005_8;

/// One millisecond late.
#[derive(Clone)]
pub(crate) struct Limiter {
    /// The last millisecond, which has not left yet.
    held: [f32; SPAN],
    /// What it may be multiplied by at most.
    held_gain: f32,
    /// What it is multiplied by where it begins.
    gain: f32,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { held: [0.0; SPAN], held_gain: 1.0, gain: 1.0 }
    }
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Limiter({})", self.gain)
    }
}

impl Limiter {
    /// The 10 ms that end a millisecond before those that come.
    pub(crate) fn limit(&mut self, sum: &Tick) -> Tick {
        let mut out = SILENCE;
        for (span, place) in sum.chunks_exact(SPAN).zip(out.chunks_exact_mut(SPAN)) {
            let comes = allowed(span);
            // Both ends of a millisecond are within what it allows, and so is the line between them.
            let end = (self.gain * RECOVERY).min(self.held_gain).min(comes);
            let step = (end - self.gain) / SPAN as f32;
            for (place, sample) in place.iter_mut().zip(&self.held) {
                *place = (sample * self.gain).clamp(-1.0, 1.0);
                self.gain += step;
            }
            self.gain = end;
            self.held.copy_from_slice(span);
            self.held_gain = comes;
        }
        out
    }
}

/// The gain at which the loudest sample is where the curve has it: itself up to one half, and 1 - 1/(4 x) above, which
/// begins with the same slope and never reaches 1.
fn allowed(span: &[f32]) -> f32 {
    let peak = span.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    if peak <= 0.5 { 1.0 } else { (1.0 - 0.25 / peak) / peak }
}

const _: () = assert!(TICK.is_multiple_of(SPAN), "a tick is whole milliseconds");
