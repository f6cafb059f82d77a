//! One's own voice, from 10 ms of a microphone at 48 kHz to packets: what is played is taken out of it, then noise, then
//! it is made as loud as others are; it is encoded, and looked at for what a person should be told.
//!
//! No device, no thread and no clock: whoever has them hands in each 10 ms.

use crate::level::{self, Meter, Talk};
use crate::{SILENCE, TICK, Tick};
use codec::opus::{EncodeError, Encoder, FRAME, RATE, Samples};
use sonora::config::{
    AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, MaxProcessingRate, NoiseSuppression, Pipeline,
};
use sonora::{AudioProcessing, Config, StreamConfig};
use std::fmt;
use std::time::Duration;

/// From here on a sample is at the end of what a microphone can say.
const FULL: f32 = 0.999;
/// So many of them in 10 ms are a clipped 10 ms: one alone is a click.
const FULL_SAMPLES: usize = 3;
/// A clipped 10 ms counts so much, another takes 1 off, and at [`CLIPS`] it is told: 5 of them near each other.
const CLIPPED: u32 = 20;
const CLIPS: u32 = 90;
/// 10 ms of zeros, so many, are a microphone that is switched off or not allowed: 5 s. A room is never as quiet.
const DEAD: u32 = 500;
/// 10 ms of speech, so many, while muted, are somebody who believes to be heard: half a second.
const MEANT: u32 = 50;
/// What is told is not told again for so many times 10 ms: 15 s.
const AGAIN: u32 = 1_500;
/// From here on what is sent follows what is played, by the detector of WebRTC: from 0 to 1.
const FOLLOWS: f64 = 0.5;
/// 10 ms in which it does, so many more than those in which it does not, are an echo: 3 s.
const ECHOES: u32 = 300;

/// What is done with a voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What the speaker plays is taken out.
    pub echo: bool,
    /// Steady noise is taken out.
    pub noise: bool,
    /// A faint voice is made louder and a loud one fainter.
    pub gain: bool,
    /// Of Opus, within [`Encoder::BIT_RATES`].
    pub bits_per_second: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { echo: true, noise: true, gain: true, bits_per_second: 32_000 }
    }
}

/// Whether others hear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouth {
    /// They do.
    Open,
    /// They do not; it is only noticed that somebody speaks.
    Shut,
}

/// What a person should be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The microphone is too loud: it cuts the voice off.
    Clips,
    /// The microphone has given nothing but zeros for 5 s.
    Silent,
    /// After [`Notice::Silent`]: it gives something.
    HeardAgain,
    /// Somebody speaks who is muted.
    SpeaksWhileMuted,
    /// Others hear themselves: what is played goes back to them although it is taken out.
    Echo,
}

/// 20 ms of one's own voice for a track of sound.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet {
    /// Opus.
    pub bytes: Vec<u8>,
    /// RTP's clock of 48 kHz, modulo 2³², from 0 where the voice began. It goes on where nothing is sent.
    pub timestamp: u32,
    /// Decibels below full scale, 0 to 127, which is silence (RFC 6464).
    pub below: u8,
    /// Somebody speaks in it.
    pub voice: bool,
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, timestamp, below, voice } = self;
        write!(f, "Packet({} bytes, at {timestamp}, -{below} dB, voice: {voice})", bytes.len())
    }
}

/// What came of 10 ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// To be sent.
    Packet(Packet),
    /// To be told.
    Notice(Notice),
}

/// One's own voice.
pub struct Speech {
    processing: AudioProcessing,
    encoder: Encoder,
    /// The first half of a packet.
    half: Option<Tick>,
    timestamp: u32,
    meter: Meter,
    talk: Talk,
    /// Somebody spoke in the first half.
    spoke: bool,
    clipped: u32,
    dead: u32,
    meant: u32,
    echoes: u32,
    /// 10 ms until each may be told again.
    clips_told: u32,
    muted_told: u32,
    echo_told: u32,
}

impl fmt::Debug for Speech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Speech(at {})", self.timestamp)
    }
}

impl Speech {
    /// # Errors
    /// [`EncodeError`] when there is no memory for an encoder.
    pub fn new(settings: Settings) -> Result<Self, EncodeError> {
        Ok(Self {
            processing: processing(settings),
            encoder: Encoder::new(settings.bits_per_second, 0)?,
            half: None,
            timestamp: 0,
            meter: Meter::default(),
            talk: Talk::default(),
            spoke: false,
            clipped: 0,
            dead: 0,
            meant: 0,
            echoes: 0,
            clips_told: 0,
            muted_told: 0,
            echo_told: 0,
        })
    }

    /// From the next packet on, within [`Encoder::BIT_RATES`].
    ///
    /// # Errors
    /// [`EncodeError`]
    pub fn set_bitrate(&mut self, bits_per_second: u32) -> Result<(), EncodeError> {
        self.encoder.set_bitrate(bits_per_second)
    }

    /// How many of 100 packets the line loses: so much goes into the copies of lost ones.
    ///
    /// # Errors
    /// [`EncodeError`]
    pub fn set_loss(&mut self, percent: u8) -> Result<(), EncodeError> {
        self.encoder.set_loss(percent)
    }

    /// Takes the next 10 ms that a speaker plays, before its echo comes to [`Speech::hear`].
    pub fn played(&mut self, tick: &Tick) {
        let mut out = SILENCE;
        // It says only that formats do not fit, and there is one.
        let _fits = self.processing.process_render_f32(&[tick], &mut [&mut out]);
    }

    /// Takes the next 10 ms of a microphone, numbers from -1 to 1, and puts behind `heard` what comes of it: a packet every
    /// second time at most, none in silence and none with a shut mouth.
    pub fn hear(&mut self, tick: &Tick, mouth: Mouth, heard: &mut Vec<Heard>) {
        self.look(tick, mouth, heard);
        let mut clean = SILENCE;
        if self.processing.process_capture_f32(&[tick], &mut [&mut clean]).is_err() {
            clean = *tick;
        }
        self.meter.look(&clean);
        let speaks = self.talk.look(&clean);
        match mouth {
            Mouth::Open => {
                self.meant = 0;
                self.notice_echo(heard);
            }
            Mouth::Shut => {
                self.echoes = 0;
                self.notice_meant(speaks, heard);
            }
        }
        let Some(first) = self.half.take() else {
            self.half = Some(clean);
            self.spoke = speaks;
            return;
        };
        let timestamp = self.timestamp;
        self.timestamp = timestamp.wrapping_add(rounds_proto::jitter::TICKS);
        if mouth == Mouth::Shut {
            return;
        }
        let whole = [first, clean].concat();
        // Twenty milliseconds that could not be encoded are as if lost.
        if let Ok(Some(bytes)) = self.encoder.encode(&integers(&whole)) {
            let voice = self.spoke || speaks;
            heard.push(Heard::Packet(Packet { bytes, timestamp, below: level::below(&whole), voice }));
        }
    }

    /// The clock goes on by `time`, in which the microphone was closed.
    pub fn pass(&mut self, time: Duration) {
        let moments = time.as_millis() / rounds_proto::jitter::MOMENT.as_millis();
        let ticks = moments * u128::from(rounds_proto::jitter::TICKS) % (1 << 32);
        self.timestamp = self.timestamp.wrapping_add(u32::try_from(ticks).unwrap_or(0));
        (self.half, self.meter, self.dead, self.clipped, self.meant) = (None, Meter::default(), 0, 0, 0);
        self.echoes = 0;
    }

    /// For a meter, from 0 to 1: what others hear, also while they do not.
    #[must_use]
    pub fn level(&self) -> f32 {
        self.meter.shown()
    }

    /// What the microphone itself gives.
    fn look(&mut self, tick: &Tick, mouth: Mouth, heard: &mut Vec<Heard>) {
        self.clips_told = self.clips_told.saturating_sub(1);
        let full = tick.iter().filter(|sample| sample.abs() >= FULL).count();
        self.clipped = if full >= FULL_SAMPLES { self.clipped + CLIPPED } else { self.clipped.saturating_sub(1) };
        if self.clipped >= CLIPS {
            self.clipped = 0;
            if self.clips_told == 0 {
                self.clips_told = AGAIN;
                heard.push(Heard::Notice(Notice::Clips));
            }
        }
        if mouth == Mouth::Shut {
            // Nobody is to hear anything; whoever speaks to nobody afterwards is told.
            self.dead = 0;
        } else if tick.iter().all(|sample| *sample == 0.0) {
            self.dead = self.dead.saturating_add(1);
            if self.dead == DEAD {
                heard.push(Heard::Notice(Notice::Silent));
            }
        } else {
            if self.dead >= DEAD {
                heard.push(Heard::Notice(Notice::HeardAgain));
            }
            self.dead = 0;
        }
    }

    fn notice_meant(&mut self, speaks: bool, heard: &mut Vec<Heard>) {
        self.muted_told = self.muted_told.saturating_sub(1);
        self.meant = if speaks { self.meant + 1 } else { 0 };
        if self.meant >= MEANT && self.muted_told == 0 {
            self.muted_told = AGAIN;
            heard.push(Heard::Notice(Notice::SpeaksWhileMuted));
        }
    }

    fn notice_echo(&mut self, heard: &mut Vec<Heard>) {
        self.echo_told = self.echo_told.saturating_sub(1);
        let follows = self.processing.statistics().residual_echo_likelihood.is_some_and(|part| part > FOLLOWS);
        self.echoes = if follows { self.echoes + 1 } else { self.echoes.saturating_sub(1) };
        if self.echoes >= ECHOES && self.echo_told == 0 {
            (self.echoes, self.echo_told) = (0, AGAIN);
            heard.push(Heard::Notice(Notice::Echo));
        }
    }
}

fn processing(settings: Settings) -> AudioProcessing {
    // Half of its own bounds: what is 50 dB louder is the room and not the voice.
    let gain = AdaptiveDigital { max_gain_db: 25.0, initial_gain_db: 6.0, ..AdaptiveDigital::default() };
    let config = Config {
        pipeline: Pipeline {
            maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
            multi_channel_render: false,
            multi_channel_capture: false,
            ..Pipeline::default()
        },
        high_pass_filter: (settings.echo || settings.noise).then_some(HighPassFilter { apply_in_full_band: true }),
        echo_canceller: settings.echo.then(EchoCanceller::default),
        noise_suppression: settings.noise.then(NoiseSuppression::default),
        gain_controller2: settings
            .gain
            .then(|| GainController2 { adaptive_digital: Some(gain), ..GainController2::default() }),
        ..Config::default()
    };
    let format = StreamConfig::new(RATE, 1);
    AudioProcessing::builder().config(config).capture_config(format).render_config(format).echo_detector(true).build()
}

/// For the encoder.
fn integers(samples: &[f32]) -> Samples {
    let mut whole = [0; FRAME];
    for (place, sample) in whole.iter_mut().zip(samples) {
        *place = integer(*sample);
    }
    whole
}

#[expect(clippy::cast_possible_truncation, reason = "it is kept within 16 bits before")]
fn integer(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

const _: () = assert!(FRAME == 2 * TICK, "a packet is two ticks");
