//! What a speaker plays comes back by the microphone of the same room, and is taken out again.

use crate::measure::{Babble, Chance, count, decibels, power};
use codec::opus::Decoder;
use sound::speech::{Mouth, Notice, Speech};
use sound::{Heard, SILENCE, Settings, TICK};

/// A room: the sound arrives after 25 ms and then by a hundred ways more, each later and fainter.
struct Room {
    ways: Vec<(usize, f32)>,
    played: Vec<f32>,
}

impl Room {
    fn new() -> Self {
        let mut chance = Chance(11);
        let later = (1..100_u16).map(|way| {
            let after = 1_200 + usize::from(way) * 60 + usize::try_from(chance.bits() >> 27).expect("5 bits");
            // 60 dB in 300 ms.
            (after, chance.noise() * 0.25 * (-f32::from(way) * 60.0 / 48.0 / 300.0 * 6.9).exp())
        });
        Self { ways: std::iter::once((1_200, 0.4)).chain(later).collect(), played: Vec::new() }
    }

    fn play(&mut self, sample: f32) -> f32 {
        self.played.push(sample);
        let now = self.played.len() - 1;
        self.ways.iter().filter_map(|(after, part)| Some(self.played.get(now.checked_sub(*after)?)? * part)).sum()
    }
}

/// Ten seconds of somebody far away, and what a microphone beside the speaker sends of it in the last five.
fn sent_back(settings: Settings, told: bool) -> (f64, f64) {
    let (came, sent, _notices) = in_a_room(settings, told, 1_000);
    (came, sent)
}

/// Ten seconds, and more for notices: the detector's memory is as long. With what the person at the microphone is told.
fn in_a_room(settings: Settings, told: bool, ticks: u32) -> (f64, f64, Vec<Notice>) {
    let mut notices = Vec::new();
    let mut speech = Speech::new(settings).expect("there is memory");
    let mut decoder = Decoder::new().expect("there is memory");
    let (mut far, mut room, mut own) = (Babble::new(5), Room::new(), Chance(6));
    let (mut came, mut sent) = (Vec::new(), Vec::new());
    for number in 0..ticks {
        let (mut played, mut heard) = (SILENCE, SILENCE);
        for (played, heard) in played.iter_mut().zip(&mut heard) {
            *played = far.next();
            *heard = room.play(*played) + own.noise() * 0.000_3;
        }
        if told {
            speech.played(&played);
        }
        let mut out = Vec::new();
        speech.hear(&heard, Mouth::Open, &mut out);
        notices.extend(out.iter().filter_map(|heard| match heard {
            Heard::Packet(_) => None,
            Heard::Notice(notice) => Some(*notice),
        }));
        if number < 500 {
            continue;
        }
        came.extend(heard);
        if number % 2 == 1 {
            let packet = out.iter().find_map(|heard| match heard {
                Heard::Packet(packet) => Some(&packet.bytes),
                Heard::Notice(_) => None,
            });
            // Nothing is sent of silence.
            let samples = packet.map_or([0; 2 * TICK], |bytes| decoder.decode(bytes).expect("it was encoded"));
            sent.extend(samples.map(|sample| f32::from(sample) / 32_768.0));
        }
    }
    (decibels(power(&came)), decibels(power(&sent)), notices)
}

#[test]
fn others_who_hear_themselves_are_told_of_and_an_echo_that_is_taken_out_is_not() {
    let bare = Settings { echo: false, noise: false, gain: false, ..Settings::default() };
    let (.., notices) = in_a_room(bare, true, 1_500);
    assert_eq!(notices, [Notice::Echo], "it goes back as it is played, told once in 15 s");
    let (.., notices) = in_a_room(Settings::default(), true, 3_000);
    assert_eq!(notices, [], "it is taken out");
}

#[test]
fn an_echo_falls_by_20_db_and_more() {
    let only_echo = Settings { echo: true, noise: false, gain: false, ..Settings::default() };
    let (came, sent) = sent_back(only_echo, true);
    assert!(came > -40.0, "the echo is loud: {came} dB");
    assert!(came - sent > 20.0, "{came} dB come and {sent} are sent");
    let (came, sent) = sent_back(only_echo, false);
    assert!(came - sent < 6.0, "without knowing what is played it stays: {came} and {sent} dB");
    let (came, sent) = sent_back(Settings::default(), true);
    assert!(came - sent > 20.0, "with noise and gain looked after as well: {came} and {sent} dB");
}

#[test]
fn who_speaks_beside_a_speaker_is_heard() {
    let settings = Settings { echo: true, noise: false, gain: false, ..Settings::default() };
    let mut speech = Speech::new(settings).expect("there is memory");
    let mut decoder = Decoder::new().expect("there is memory");
    let (mut far, mut near, mut room) = (Babble::new(5), Babble::new(21), Room::new());
    let (mut said, mut sent) = (Vec::new(), Vec::new());
    for number in 0..1_000 {
        let (mut played, mut heard) = (SILENCE, SILENCE);
        // First the other side speaks for five seconds, then this one.
        for (played, heard) in played.iter_mut().zip(&mut heard) {
            *played = if number < 500 { far.next() } else { 0.0 };
            let voice = if number < 520 { 0.0 } else { near.next() };
            *heard = room.play(*played) + voice;
            said.push(voice);
        }
        speech.played(&played);
        let mut out = Vec::new();
        speech.hear(&heard, Mouth::Open, &mut out);
        for heard in out {
            let Heard::Packet(packet) = heard else { continue };
            if packet.timestamp >= 520 * 480 {
                let samples = decoder.decode(&packet.bytes).expect("it was encoded");
                sent.extend(samples.map(|sample| f32::from(sample) / 32_768.0));
            }
        }
    }
    // What was not sent is silence.
    let (said, sent) = (power(&said) * count(said.len()), power(&sent) * count(sent.len()));
    let lost = decibels(said) - decibels(sent);
    assert!(lost.abs() < 3.0, "a voice loses {lost} dB");
}
