//! The check before a round: how loud the microphone hears this person, a tone from the speaker, and the own voice back.
//! Nothing of it leaves the computer, and devices close when nobody has looked at it for a while.

use super::devices::Choices;
use super::voice::own;
use codec::opus::{Encoder, FRAME, Samples};
use contract::{OwnMediaView, RoundCheckView};
use sound::{Capture, Clock, Heard, Hearing, Playout, Seat, Settings, System, Voice, Wanted};
use std::f32::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// A page that has gone looks no more: microphone and speaker close.
pub(super) const UNWATCHED: Duration = Duration::from_secs(2);
/// The tone: as an orchestra tunes, not loud, for this long.
const HERTZ: f32 = 440.0;
const LOUD: f32 = 0.25;
const TICK: Duration = Duration::from_millis(20);
const TICKS: usize = 50;
/// It swells and fades in so many ticks: a cut tone clicks.
const FADE: usize = 4;
const RATE: f32 = 48_000.0;

/// A check that goes on.
pub(super) struct Check {
    capture: Option<Capture>,
    seat: Option<watch::Receiver<Seat>>,
    playout: Option<Arc<Playout>>,
    clock: Clock,
    /// Whether the own voice is played back.
    listen: Arc<AtomicBool>,
    pub(super) looked: Instant,
    tasks: JoinSet<()>,
}

impl Check {
    pub(super) fn start(system: &Arc<dyn System>, choices: Choices) -> Self {
        let began = Instant::now();
        let clock: Clock = Arc::new(move || began.elapsed());
        let (playout, echo) = match Playout::start(system.clone(), choices.speaker, clock.clone()) {
            Ok((playout, echo)) => (Some(Arc::new(playout)), Some(echo)),
            Err(error) => {
                tracing::error!(%error, "the speaker cannot be checked");
                (None, None)
            }
        };
        let listen = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        let begun = Capture::start(system.clone(), choices.microphone, Settings::default(), clock.clone(), echo);
        let capture = match begun {
            Ok((capture, hearing)) => {
                capture.want(Wanted::Yes);
                tasks.spawn(play_back(hearing, playout.clone(), listen.clone(), clock.clone()));
                Some(capture)
            }
            Err(error) => {
                tracing::error!(%error, "the microphone cannot be checked");
                None
            }
        };
        let seat = capture.as_ref().map(Capture::seat);
        Self { capture, seat, playout, clock, listen, looked: Instant::now(), tasks }
    }

    /// Another device from now on.
    pub(super) fn choose(&self, choices: &Choices) {
        if let Some(capture) = &self.capture {
            capture.choose(choices.microphone.clone());
        }
        if let Some(playout) = &self.playout {
            playout.choose(choices.speaker.clone());
        }
    }

    /// What is heard now. `listen` plays the own voice back.
    pub(super) fn look(&mut self, listen: bool) -> RoundCheckView {
        self.looked = Instant::now();
        self.listen.store(listen, Ordering::Relaxed);
        RoundCheckView { microphone: self.microphone(), level: self.capture.as_ref().map_or(0.0, Capture::level) }
    }

    fn microphone(&self) -> OwnMediaView {
        own(self.seat.as_ref().map(|seat| seat.borrow().clone()))
    }

    /// Plays the tone once.
    pub(super) fn play_tone(&mut self) {
        if let Some(playout) = self.playout.clone() {
            self.tasks.spawn(play_tone(playout, self.clock.clone()));
        }
    }
}

async fn play_back(mut hearing: Hearing, playout: Option<Arc<Playout>>, listen: Arc<AtomicBool>, clock: Clock) {
    let mut voice: Option<Voice> = None;
    let mut sequence: u16 = 0;
    while let Some(heard) = hearing.next().await {
        let Heard::Packet(packet) = heard else { continue };
        if !listen.load(Ordering::Relaxed) {
            voice = None;
            continue;
        }
        if voice.is_none() {
            voice = playout.as_ref().and_then(|playout| playout.voice().ok());
        }
        if let Some(voice) = &voice {
            sequence = sequence.wrapping_add(1);
            voice.put(sequence, packet.timestamp, packet.bytes, clock());
        }
    }
}

async fn play_tone(playout: Arc<Playout>, clock: Clock) {
    let (Ok(voice), Ok(mut encoder)) = (playout.voice(), Encoder::new(64_000, 0)) else { return };
    let mut pace = interval(TICK);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for tick in 0..TICKS {
        pace.tick().await;
        let Ok(Some(packet)) = encoder.encode(&tone(tick)) else { continue };
        let (Ok(sequence), Ok(timestamp)) = (u16::try_from(tick), u32::try_from(tick * FRAME)) else { return };
        voice.put(sequence, timestamp, packet, clock());
    }
    // What was given last is still to be heard.
    tokio::time::sleep(TICK * 10).await;
}

/// 20 ms of it.
fn tone(tick: usize) -> Samples {
    let swell = |at: usize| {
        let whole = FADE * FRAME;
        let (from, to) = (at.min(whole), (TICKS * FRAME - at).min(whole));
        part(from.min(to), whole)
    };
    std::array::from_fn(|sample| {
        let at = tick * FRAME + sample;
        let sound = (TAU * HERTZ * part(at, 1) / RATE).sin() * LOUD * swell(at);
        #[expect(clippy::cast_possible_truncation, reason = "it is a quarter as loud as it could be")]
        let sample = (sound * f32::from(i16::MAX)) as i16;
        sample
    })
}

#[expect(clippy::cast_precision_loss, reason = "a second of samples is exact in a float")]
fn part(of: usize, whole: usize) -> f32 {
    of as f32 / whole as f32
}

#[cfg(test)]
mod tests {
    use super::{Check, FRAME, TICKS, tone};
    use crate::round::devices::Choices;
    use codec::opus::{Decoder, Encoder};
    use contract::OwnMediaView;
    use sound::System;
    use sound::memory::Memory;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    #[test]
    fn the_tone_is_440_hertz_and_goes_through_the_coder_as_it_is() {
        let (mut encoder, mut decoder) = (Encoder::new(64_000, 0).expect("a coder"), Decoder::new().expect("a coder"));
        let (mut crossings, mut last) = (0_u32, 0);
        for tick in 0..TICKS {
            let packet = encoder.encode(&tone(tick)).expect("it encodes").expect("no silence");
            for sample in decoder.decode(&packet).expect("it decodes") {
                crossings += u32::from(last < 0 && sample >= 0);
                last = sample;
            }
        }
        let seconds = f64::from(u32::try_from(TICKS * FRAME).expect("few")) / 48_000.0;
        let hertz = f64::from(crossings) / seconds;
        assert!((hertz - 440.0).abs() < 8.0, "{hertz} Hz");
        assert_eq!(
            (tone(0)[0], tone(TICKS - 1)[FRAME - 1].abs() < 40),
            (0, true),
            "it begins and ends without a click"
        );
    }

    /// A microphone with a voice in it, and a speaker.
    fn devices() -> (Memory, sound::DeviceId) {
        let memory = Memory::default();
        // Syllables: what stays the same is taken for the noise of a room.
        let voice = |at: u64| {
            let (syllable, phase) = ((at / 9_600).is_multiple_of(2), at as f32 * 0.13);
            if syllable { phase.sin() * 0.3 * (at as f32 * 0.031).cos() } else { 0.0 }
        };
        memory.plug_microphone("Headset", 48_000, 1, Box::new(voice));
        let speaker = memory.plug_speaker("Speaker", 48_000, 1);
        (memory, speaker)
    }

    async fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_meter_moves_with_the_voice_and_the_own_voice_comes_back_only_when_it_is_wanted() {
        let (memory, speaker) = devices();
        let _running = memory.run().expect("a thread");
        let system: Arc<dyn System> = Arc::new(memory.clone());
        let mut check = Check::start(&system, Choices::default());
        until("the microphone opens", || matches!(check.look(false).microphone, OwnMediaView::On { .. })).await;
        until("the meter moves", || check.look(false).level > 0.02).await;
        let loud = |samples: Vec<f32>| samples.iter().any(|sample| sample.abs() > 0.01);
        assert!(!loud(memory.played(&speaker)), "nobody wants to hear themselves");
        check.play_tone();
        until("the tone", || loud(memory.played(&speaker))).await;
        until("the own voice", || {
            check.look(true);
            loud(memory.played(&speaker))
        })
        .await;
    }
}
