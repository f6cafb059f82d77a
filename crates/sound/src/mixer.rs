//! All voices of a round as one: each with its own jitter buffer, decoder and volume, and a limiter over their sum.
//!
//! No device, no thread and no clock: whoever has a speaker asks for 10 ms after 10 ms and says what time it is.

use crate::level::Meter;
use crate::limiter::Limiter;
use crate::{SILENCE, TICK, Tick};
use codec::opus::{DecodeError, Decoder, FRAME, Samples};
use rounds_proto::jitter::{Jitter, Moment, Tally};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

/// A voice becomes no louder.
pub const LOUDEST: f32 = 2.0;

/// Packets longer than any of 20 ms are no voice (RFC 6716 §3.2.1).
const LONGEST: usize = 1_276;
/// Where two moments become one, so many samples go from the one to the other: 10 ms.
const JOINT: usize = 480;
/// And so many fewer or more than a moment may be left out, so that the voice's waves fit: 5 ms, two of a low voice.
const FIT: usize = 240;
/// Waves are compared at each so manieth place, and at each so manieth sample.
const COARSE: usize = 4;
/// A voice comes out of silence in so many samples: 2 ms, without a click.
const RISE: usize = 96;

/// Which voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct VoiceNo(u64);

/// How it went with a voice so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Of its packets, in moments of 20 ms.
    pub jitter: Tally,
    /// Packets that were no voice; their moments were made up.
    pub damaged: u64,
}

/// All voices.
#[derive(Debug, Default)]
pub struct Mixer {
    voices: BTreeMap<VoiceNo, Voice>,
    next: u64,
    limiter: Limiter,
}

impl Mixer {
    /// A voice joins; its packets come by [`Mixer::put`].
    ///
    /// # Errors
    /// [`DecodeError`] when there is no memory for a decoder.
    pub fn join(&mut self) -> Result<VoiceNo, DecodeError> {
        let voice = Voice::new()?;
        let number = VoiceNo(self.next);
        self.next += 1;
        self.voices.insert(number, voice);
        Ok(number)
    }

    /// A voice leaves, and with it what was still to be played.
    pub fn leave(&mut self, voice: VoiceNo) {
        self.voices.remove(&voice);
    }

    /// A packet that arrived `at` (of the clock that [`Mixer::next`] is given), with RTP's number and time; empty for 20 ms
    /// of silence. It may be anything. One of a voice that left is dropped.
    pub fn put(&mut self, voice: VoiceNo, at: Duration, sequence: u16, timestamp: u32, bytes: Vec<u8>) {
        let Some(voice) = self.voices.get_mut(&voice) else { return };
        if bytes.len() > LONGEST {
            voice.damaged += 1;
            return;
        }
        voice.jitter.push(at, sequence, timestamp, bytes);
    }

    /// How loud a voice is played, from 0 to [`LOUDEST`]; 1 is as it came.
    pub fn set_volume(&mut self, voice: VoiceNo, volume: f32) {
        if let Some(voice) = self.voices.get_mut(&voice)
            && volume.is_finite()
        {
            voice.volume = volume.clamp(0.0, LOUDEST);
        }
    }

    /// For a meter, from 0 to 1: how loud a voice is by itself, whatever its volume.
    #[must_use]
    pub fn level(&self, voice: VoiceNo) -> f32 {
        self.voices.get(&voice).map_or(0.0, |voice| voice.meter.shown())
    }

    /// How it went with a voice.
    #[must_use]
    pub fn account(&self, voice: VoiceNo) -> Option<Account> {
        self.voices.get(&voice).map(|voice| Account { jitter: voice.jitter.tally(), damaged: voice.damaged })
    }

    /// The next 10 ms of all voices, to be played at `now`, within ±1.
    pub fn next(&mut self, now: Duration) -> Tick {
        let mut sum = SILENCE;
        for voice in self.voices.values_mut() {
            voice.add(now, &mut sum);
        }
        self.limiter.limit(&sum)
    }
}

/// One voice.
struct Voice {
    jitter: Jitter,
    decoder: Decoder,
    /// Decoded and not yet played.
    ready: VecDeque<f32>,
    silent: bool,
    volume: f32,
    /// What the volume was at the end of the tick before.
    was: f32,
    meter: Meter,
    damaged: u64,
}

impl fmt::Debug for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Voice(volume {}, {:?})", self.volume, self.jitter.tally())
    }
}

impl Voice {
    fn new() -> Result<Self, DecodeError> {
        Ok(Self {
            jitter: Jitter::default(),
            decoder: Decoder::new()?,
            ready: VecDeque::with_capacity(2 * FRAME),
            silent: true,
            volume: 1.0,
            was: 1.0,
            meter: Meter::default(),
            damaged: 0,
        })
    }

    fn add(&mut self, now: Duration, sum: &mut Tick) {
        while self.ready.len() < TICK {
            self.more(now);
        }
        let mut tick = SILENCE;
        for (place, sample) in tick.iter_mut().zip(self.ready.drain(..TICK)) {
            *place = sample;
        }
        self.meter.look(&tick);
        // The volume goes to where it should be within the tick, which is heard as no click.
        let step = (self.volume - self.was) / TICK as f32;
        for (place, sample) in sum.iter_mut().zip(tick) {
            self.was += step;
            *place += sample * self.was;
        }
        self.was = self.volume;
    }

    fn more(&mut self, now: Duration) {
        let samples = match self.jitter.pull(now) {
            Moment::Packet(bytes) => self.decoded(&bytes).to_vec(),
            Moment::Copy(bytes) => {
                let copy = self.decoder.recover(&bytes);
                self.or_made_up(copy).to_vec()
            }
            Moment::Both(first, second) => {
                let both = [self.decoded(&first), self.decoded(&second)].concat();
                shortened(&both)
            }
            Moment::MadeUp => self.made_up().to_vec(),
            Moment::Silence => return self.fall_silent(),
        };
        let begins = std::mem::replace(&mut self.silent, false);
        self.ready.extend(samples.iter().enumerate().map(|(at, sample)| match at {
            at if begins && at < RISE => sample * (at as f32 / RISE as f32),
            _ => *sample,
        }));
    }

    /// Fades what would have come, and is silent from then on.
    fn fall_silent(&mut self) {
        if std::mem::replace(&mut self.silent, true) {
            self.ready.extend([0.0; FRAME]);
            return;
        }
        let goes_on = self.made_up();
        self.ready.extend(goes_on.iter().enumerate().map(|(at, sample)| sample * (1.0 - at as f32 / FRAME as f32)));
    }

    fn decoded(&mut self, bytes: &[u8]) -> [f32; FRAME] {
        if bytes.is_empty() {
            return [0.0; FRAME];
        }
        let samples = self.decoder.decode(bytes);
        self.or_made_up(samples)
    }

    fn or_made_up(&mut self, samples: Result<Samples, DecodeError>) -> [f32; FRAME] {
        match samples {
            Ok(samples) => floats(&samples),
            Err(_) => {
                self.damaged += 1;
                self.made_up()
            }
        }
    }

    fn made_up(&mut self) -> [f32; FRAME] {
        self.decoder.conceal().map_or([0.0; FRAME], |samples| floats(&samples))
    }
}

fn floats(samples: &Samples) -> [f32; FRAME] {
    samples.map(|sample| f32::from(sample) / 32_768.0)
}

/// Two moments in about the time of one: what is left out is as long as a moment and so much more or less that the waves
/// before and after it fit.
fn shortened(both: &[f32]) -> Vec<f32> {
    let likeness = |left_out: usize| {
        let pairs = both.iter().zip(both.iter().skip(left_out)).take(JOINT).step_by(COARSE);
        let (mut like, mut energy) = (0.0_f32, 1e-9_f32);
        for (before, after) in pairs {
            like += before * after;
            energy += after * after;
        }
        like / energy.sqrt()
    };
    let left_out = (FRAME - FIT..=FRAME + FIT)
        .step_by(COARSE)
        .max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)))
        .unwrap_or(FRAME);
    let (before, after) = (both.iter(), both.iter().skip(left_out));
    let joint = before.zip(after).take(JOINT).enumerate().map(|(at, (before, after))| {
        let part = at as f32 / JOINT as f32;
        before * (1.0 - part) + after * part
    });
    joint.chain(both.iter().skip(left_out + JOINT).copied()).collect()
}
