//! One's own voice, without a device.

use crate::measure::{Babble, Chance, Vowels, amplitude, crossings, decibels, power, sine};
use codec::opus::Decoder;
use sound::speech::{Mouth, Speech};
use sound::{Heard, Notice, Packet, SILENCE, Settings, TICK, Tick, level};
use std::time::Duration;

/// Nothing is done with it.
const BARE: Settings = Settings { echo: false, noise: false, gain: false, bits_per_second: 32_000 };

fn tick(mut sample: impl FnMut() -> f32) -> Tick {
    let mut tick = SILENCE;
    tick.fill_with(&mut sample);
    tick
}

fn tone(hz: f64, amplitude: f64) -> impl FnMut() -> Tick {
    let mut at = 0;
    move || {
        tick(|| {
            at += 1;
            sine(hz, 48_000, at - 1, amplitude)
        })
    }
}

fn hear(speech: &mut Speech, ticks: usize, mouth: Mouth, mut sound: impl FnMut() -> Tick) -> Vec<Heard> {
    let mut heard = Vec::new();
    for _ in 0..ticks {
        speech.hear(&sound(), mouth, &mut heard);
    }
    heard
}

fn packets(heard: &[Heard]) -> Vec<Packet> {
    let packet = |heard: &Heard| match heard {
        Heard::Packet(packet) => Some(packet.clone()),
        Heard::Notice(_) => None,
    };
    heard.iter().filter_map(packet).collect()
}

fn notices(heard: &[Heard]) -> Vec<Notice> {
    let notice = |heard: &Heard| match heard {
        Heard::Packet(_) => None,
        Heard::Notice(notice) => Some(*notice),
    };
    heard.iter().filter_map(notice).collect()
}

#[test]
fn a_tone_of_440_hz_is_in_the_packets() {
    let mut speech = Speech::new(BARE).expect("there is memory");
    let heard = packets(&hear(&mut speech, 200, Mouth::Open, tone(440.0, 0.5)));
    assert_eq!(heard.len(), 100, "20 ms are in a packet");
    let mut decoder = Decoder::new().expect("there is memory");
    let decoded: Vec<f32> = heard
        .iter()
        .flat_map(|packet| decoder.decode(&packet.bytes).expect("it was encoded"))
        .map(|sample| f32::from(sample) / 32_768.0)
        .collect();
    let second = &decoded[48_000..];
    let (tone, hertz) = (amplitude(second, 48_000, 440.0), crossings(second, 48_000));
    assert!((0.35..0.65).contains(&tone), "amplitude {tone}");
    assert!((hertz - 440.0).abs() < 2.0, "{hertz} Hz");
}

#[test]
fn the_level_is_what_rfc_6464_says() {
    // Root mean square of a sine is its amplitude less 3.01 dB; of a square it is its amplitude.
    let mut half = tone(1_000.0, 0.5);
    let mut full = tone(1_000.0, 1.0);
    assert_eq!(level::below(&full()), 3, "a sine at full scale");
    assert_eq!(level::below(&half()), 9, "a sine at half of it");
    let mut sign = -1.0;
    let square = tick(|| {
        sign = -sign;
        sign
    });
    assert_eq!(level::below(&square), 0, "a square at full scale is the overload point");
    assert_eq!(level::below(&SILENCE), 127, "silence");
    assert_eq!(level::below(&[]), 127, "nothing");
    assert_eq!(level::below(&[1e-9; TICK]), 127, "fainter than can be said");
    let mut speech = Speech::new(BARE).expect("there is memory");
    let heard = packets(&hear(&mut speech, 20, Mouth::Open, half));
    assert!(heard.iter().all(|packet| packet.below == 9), "each packet says it: {heard:?}");
}

#[test]
fn a_meter_is_full_at_full_scale_and_empty_60_db_below() {
    for (amplitude, shown) in [(1.0, 0.95), (0.1, 0.616), (0.001, 0.0), (0.0, 0.0)] {
        let mut speech = Speech::new(BARE).expect("there is memory");
        hear(&mut speech, 2, Mouth::Open, tone(1_000.0, amplitude));
        // (60 - 3.01 + 20 log a) / 60.
        assert!((speech.level() - shown).abs() < 0.005, "{amplitude}: {}", speech.level());
    }
}

#[test]
fn the_clock_goes_on_where_nothing_is_sent() {
    let mut speech = Speech::new(BARE).expect("there is memory");
    let first = packets(&hear(&mut speech, 10, Mouth::Open, tone(440.0, 0.5)));
    let times: Vec<u32> = first.iter().map(|packet| packet.timestamp).collect();
    assert_eq!(times, [0, 960, 1_920, 2_880, 3_840], "960 in a packet of 20 ms");
    let quiet = packets(&hear(&mut speech, 400, Mouth::Open, || SILENCE));
    assert!(quiet.len() < 60, "of 200 packets of silence few are sent: {}", quiet.len());
    let muted = hear(&mut speech, 100, Mouth::Shut, tone(440.0, 0.5));
    assert_eq!(packets(&muted), [], "who is muted sends nothing");
    speech.pass(Duration::from_millis(3_010));
    let last = packets(&hear(&mut speech, 4, Mouth::Open, tone(440.0, 0.5)));
    // 5 + 200 + 50 packets, and 150 in the time that the microphone was closed.
    assert_eq!(last.first().map(|packet| packet.timestamp), Some(960 * 405), "it went on by all of it");
}

#[test]
fn a_microphone_that_is_too_loud_is_noticed_once() {
    let mut speech = Speech::new(BARE).expect("there is memory");
    let loud = hear(&mut speech, 300, Mouth::Open, tone(440.0, 0.9));
    assert_eq!(notices(&loud), [], "loud is no fault");
    let mut shouted = tone(440.0, 3.0);
    let clipped = hear(&mut speech, 500, Mouth::Open, || shouted().map(|sample| sample.clamp(-1.0, 1.0)));
    assert_eq!(notices(&clipped), [Notice::Clips], "told once in 5 s");
    let mut click = Chance(1);
    let clicks = hear(&mut speech, 3_000, Mouth::Open, || {
        let mut tick = tick(|| click.noise() * 0.1);
        tick[7] = 1.0;
        tick
    });
    assert_eq!(notices(&clicks), [], "single samples are clicks");
}

#[test]
fn a_microphone_that_gives_zeros_for_5_s_is_noticed() {
    let mut speech = Speech::new(BARE).expect("there is memory");
    assert_eq!(notices(&hear(&mut speech, 499, Mouth::Open, || SILENCE)), [], "4.99 s");
    assert_eq!(notices(&hear(&mut speech, 1, Mouth::Open, || SILENCE)), [Notice::Silent], "5 s");
    assert_eq!(notices(&hear(&mut speech, 2_000, Mouth::Open, || SILENCE)), [], "it was said");
    // The least that 16 bits can say.
    let mut chance = Chance(3);
    let faint = hear(&mut speech, 1_000, Mouth::Open, || tick(|| chance.noise().signum() / 32_768.0));
    assert_eq!(notices(&faint), [Notice::HeardAgain], "a quiet room is not silent");
}

#[test]
fn who_speaks_while_muted_is_told_and_who_is_quiet_is_not() {
    let mut speech = Speech::new(Settings::default()).expect("there is memory");
    let mut room = Chance(9);
    let quiet = hear(&mut speech, 1_000, Mouth::Shut, || tick(|| room.noise() * 0.002));
    assert_eq!(notices(&quiet), [], "a room is not speech");
    let mut babble = Babble::new(4);
    let spoken = hear(&mut speech, 300, Mouth::Shut, || tick(|| babble.next()));
    assert_eq!(notices(&spoken), [Notice::SpeaksWhileMuted], "three seconds of speech");
    let heard = hear(&mut speech, 300, Mouth::Open, || tick(|| babble.next()));
    assert_eq!(notices(&heard), [], "who is heard is told nothing");
    let voiced = packets(&heard).iter().filter(|packet| packet.voice).count();
    assert!(voiced > 100, "the packets say that somebody speaks: {voiced} of 150");
}

/// Decibels of what comes out of the packets, after the first `skipped`.
fn loudness(packets: &[Packet], skipped: usize) -> f64 {
    let mut decoder = Decoder::new().expect("there is memory");
    let sounds: Vec<_> = packets.iter().map(|packet| decoder.decode(&packet.bytes).expect("it was encoded")).collect();
    let samples: Vec<f32> = sounds[skipped..].iter().flatten().map(|sample| f32::from(*sample) / 32_768.0).collect();
    decibels(power(&samples))
}

#[test]
fn steady_noise_is_taken_out_and_a_voice_is_not() {
    let silent = |noise| Settings { echo: false, noise, gain: false, ..Settings::default() };
    let sent = |noise: bool, mut sound: Box<dyn FnMut() -> f32>| {
        let mut speech = Speech::new(silent(noise)).expect("there is memory");
        loudness(&packets(&hear(&mut speech, 600, Mouth::Open, || tick(&mut sound))), 200)
    };
    let fan = || {
        let mut chance = Chance(13);
        Box::new(move || chance.noise() * 0.05)
    };
    let voice = || {
        let mut babble = Babble::new(13);
        Box::new(move || babble.next())
    };
    let (with, without) = (sent(true, fan()), sent(false, fan()));
    // The library says 12 dB for this setting.
    assert!(without - with > 9.0, "noise: {without} dB, and {with} with it taken out");
    let (with, without) = (sent(true, voice()), sent(false, voice()));
    assert!(without - with < 3.0, "a voice: {without} dB, and {with} with noise taken out");
}

#[test]
fn a_faint_voice_becomes_louder_and_a_loud_one_is_not_cut_off() {
    let sent = |gain: bool, factor: f32| {
        let settings = Settings { echo: false, noise: false, gain, ..Settings::default() };
        let mut speech = Speech::new(settings).expect("there is memory");
        let mut vowels = Vowels::new();
        let heard = hear(&mut speech, 1_500, Mouth::Open, || tick(|| (vowels.next() * factor).clamp(-1.0, 1.0)));
        let packets = packets(&heard);
        (loudness(&packets, packets.len() / 2), notices(&heard))
    };
    let ((with, _), (without, _)) = (sent(true, 0.1), sent(false, 0.1));
    assert!(with - without > 6.0, "faint: {without} dB, and {with} made louder");
    let ((with, told), (without, _)) = (sent(true, 1.5), sent(false, 1.5));
    assert!((with - without).abs() < 6.0 && with < -6.0, "loud: {without} dB, and {with} after it");
    assert_eq!(told, [], "and nothing is told");
}

#[test]
fn what_is_heard_does_not_print() {
    let packet = Packet { bytes: vec![171; 3], timestamp: 960, below: 20, voice: true };
    let text = format!("{packet:?} {:?}", Heard::Packet(packet.clone()));
    assert!(!text.contains("171") && text.contains("3 bytes"), "{text}");
}
