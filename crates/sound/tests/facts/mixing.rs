//! The voices of others, without a device.

use crate::measure::{Chance, amplitude, count, crossings, power};
use codec::opus::Encoder;
use codec::sample;
use sound::mixer::{Mixer, VoiceNo};
use std::time::Duration;

const PACKET: Duration = Duration::from_millis(20);
const TICK: Duration = Duration::from_millis(10);
const WAY: Duration = Duration::from_millis(30);

/// Packets of a tone.
fn tone(hz: u32, count: u64) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(32_000, 20).expect("there is memory");
    let encode = |packet: u64| encoder.encode(&sample::tone(hz, packet * 960)).expect("it is encoded");
    (0..count).map(encode).map(|packet| packet.expect("a tone is no silence")).collect()
}

/// When which packet of a voice arrives.
struct Arrival {
    at: Duration,
    voice: VoiceNo,
    number: u64,
    bytes: Vec<u8>,
}

fn steady(voice: VoiceNo, packets: &[Vec<u8>]) -> Vec<Arrival> {
    let at = |number: u64| PACKET * u32::try_from(number).expect("few") + WAY;
    (0..).zip(packets).map(|(number, bytes)| Arrival { at: at(number), voice, number, bytes: bytes.clone() }).collect()
}

/// What is played until the last packet was.
fn play(mixer: &mut Mixer, mut arrivals: Vec<Arrival>) -> Vec<f32> {
    arrivals.sort_by_key(|arrival| arrival.at);
    let last = arrivals.last().map_or(Duration::ZERO, |arrival| arrival.at);
    let (mut now, mut played, mut arrivals) = (Duration::ZERO, Vec::new(), arrivals.into_iter().peekable());
    while now <= last {
        while let Some(Arrival { at, voice, number, bytes }) = arrivals.next_if(|arrival| arrival.at <= now) {
            // Both wrap on the way.
            let sequence = u16::try_from((number + 65_500) % 65_536).expect("16 bits");
            let timestamp = u32::try_from(number * 960).expect("few").wrapping_add(u32::MAX - 50_000);
            mixer.put(voice, at, sequence, timestamp, bytes);
        }
        played.extend(mixer.next(now));
        now += TICK;
    }
    played
}

fn join(mixer: &mut Mixer) -> VoiceNo {
    mixer.join().expect("there is memory")
}

/// Parts of 10 ms, after the first second, with less than a quarter of the usual power.
fn gaps(played: &[f32]) -> f64 {
    let ticks: Vec<f64> = played[48_000..].chunks_exact(480).map(power).collect();
    let mut sorted = ticks.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted[sorted.len() / 2];
    count(ticks.iter().filter(|tick| **tick < usual / 4.0).count()) / count(ticks.len())
}

#[test]
fn a_tone_comes_out_as_it_was_put_in() {
    let mut mixer = Mixer::default();
    let voice = join(&mut mixer);
    let played = play(&mut mixer, steady(voice, &tone(440, 150)));
    let (tone, hertz) = (amplitude(&played[48_000..], 48_000, 440.0), crossings(&played[48_000..], 48_000));
    // Half, pressed by nothing.
    assert!((0.35..0.6).contains(&tone), "amplitude {tone}");
    assert!((hertz - 440.0).abs() < 2.0, "{hertz} Hz");
    assert_eq!(gaps(&played), 0.0, "nothing is missing");
    assert!((0.6..=1.0).contains(&mixer.level(voice)), "level {}", mixer.level(voice));
}

#[test]
fn three_voices_are_each_heard_and_nothing_is_cut_off() {
    for (volume, least) in [(0.3, 0.09), (1.0, 0.15)] {
        let mut mixer = Mixer::default();
        let mut arrivals = Vec::new();
        for hz in [440, 1_000, 2_300] {
            let voice = join(&mut mixer);
            mixer.set_volume(voice, volume);
            arrivals.extend(steady(voice, &tone(hz, 150)));
        }
        let played = play(&mut mixer, arrivals);
        for hz in [440.0, 1_000.0, 2_300.0] {
            let heard = amplitude(&played[48_000..], 48_000, hz);
            assert!(heard > least, "{hz} Hz at volume {volume}: {heard}");
        }
        let other = amplitude(&played[48_000..], 48_000, 700.0);
        assert!(other < 0.01, "nobody said 700 Hz: {other}");
        let peak = played.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!(peak < 1.0, "three voices of one half are 1.5, and what leaves is {peak}");
    }
}

#[test]
fn a_volume_is_of_one_voice_only() {
    let mut mixer = Mixer::default();
    let (first, second) = (join(&mut mixer), join(&mut mixer));
    let arrivals =
        || [steady(first, &tone(440, 150)), steady(second, &tone(1_000, 150))].into_iter().flatten().collect();
    mixer.set_volume(first, 0.0);
    let played = play(&mut mixer, arrivals());
    let heard = |hz: f64| amplitude(&played[48_000..], 48_000, hz);
    // What is left is the other one's coding.
    assert!(heard(440.0) < 1e-3, "the voice at 0 is gone: {}", heard(440.0));
    assert!(heard(1_000.0) > 0.35, "the other one is not: {}", heard(1_000.0));
    assert!(mixer.level(first) > 0.6, "and its level is seen all the same");
}

#[test]
fn a_volume_of_two_is_twice_as_loud_and_no_other_is_taken() {
    let mut heard = Vec::new();
    for volume in [0.25, 0.5, f32::NAN, -1.0, 70.0] {
        let mut mixer = Mixer::default();
        let (voice, quiet) = (join(&mut mixer), tone(440, 100));
        mixer.set_volume(voice, volume);
        let played = play(&mut mixer, steady(voice, &quiet));
        heard.push(amplitude(&played[48_000..], 48_000, 440.0));
    }
    assert!((heard[1] / heard[0] - 2.0).abs() < 0.05, "{heard:?}");
    assert!((heard[2] / heard[0] - 4.0).abs() < 0.15, "what is no number is not taken: {heard:?}");
    assert!(heard[3] < 1e-4, "below 0 is 0: {heard:?}");
    assert!(heard[4] > heard[2] && heard[4] < 1.1, "above 2 is 2, and within full scale: {heard:?}");
}

#[test]
fn a_line_that_loses_a_fifth_is_made_up_for_less_than_a_twentieth() {
    let mut mixer = Mixer::default();
    let (voice, mut chance) = (join(&mut mixer), Chance(20));
    let mut arrivals = steady(voice, &tone(440, 3_000));
    let all = arrivals.len();
    arrivals.retain(|_| chance.part() >= 0.2);
    let lost = count(all - arrivals.len()) / count(all);
    assert!((0.18..0.22).contains(&lost), "a fifth is lost: {lost}");
    let played = play(&mut mixer, arrivals);
    let account = mixer.account(voice).expect("it is here").jitter;
    let number = |moments: u64| count(usize::try_from(moments).expect("few"));
    let made_up = number(account.made_up + account.drawn_out);
    let part = made_up / (made_up + number(account.played + account.copied));
    // A fifth of a fifth has no copy either, since the packet with it was lost too.
    assert!(part < 0.05, "{part} is made up: {account:?}");
    assert!(account.copied > 300, "most come from copies: {account:?}");
    // Two in a row are a twenty-fifth; the decoder fades in the first of them and comes back in the moment after.
    let gaps = gaps(&played);
    assert!(gaps < 0.08, "the tone is missing in {gaps} of all moments");
}

#[test]
fn a_wait_that_becomes_longer_and_shorter_is_not_heard_as_a_hole() {
    let mut mixer = Mixer::default();
    let (voice, mut chance) = (join(&mut mixer), Chance(31));
    let mut packets = tone(440, 2_400);
    packets.extend(tone(1_000, 100));
    packets.splice(1_000..1_020, tone(2_300, 20));
    let mut arrivals = steady(voice, &packets);
    for arrival in &mut arrivals[500..1_000] {
        // A way that is bad for ten seconds: up to 150 ms late.
        arrival.at += Duration::from_millis(150).mul_f64(chance.part());
    }
    let played = play(&mut mixer, arrivals);
    // When another tone begins it is heard after the way, the wait, and the 10 ms that are played at once.
    let late = |from: u32, hz: f64| {
        let sent = usize::try_from(from).expect("few") * 960;
        let heard = (sent..).step_by(480).find(|at| amplitude(&played[*at..at + 480], 48_000, hz) > 0.25);
        (heard.expect("it is heard") - sent) / 48
    };
    assert!(late(0, 440.0) <= 80, "at first: {} ms", late(0, 440.0));
    assert!(late(1_000, 2_300.0) >= 130, "after the bad way: {} ms", late(1_000, 2_300.0));
    assert!(late(2_400, 1_000.0) <= 110, "at the end: {} ms", late(2_400, 1_000.0));
    let account = mixer.account(voice).expect("it is here").jitter;
    // From the thirtieth second on the wait becomes shorter, in the midst of the tone.
    let after = &played[48_000 * 22..48_000 * 48];
    let (holes, hertz) = (gaps(after), crossings(after, 48_000));
    assert!(holes < 0.001, "{holes} of it is a hole: {account:?}");
    assert!((hertz - 440.0).abs() < 3.0, "the waves fit: {hertz} Hz");
}

#[test]
fn order_and_doubles_are_not_heard() {
    let mut mixer = Mixer::default();
    let voice = join(&mut mixer);
    let packets = tone(440, 500);
    let mut arrivals = steady(voice, &packets);
    arrivals
        .extend(steady(voice, &packets).into_iter().map(|arrival| Arrival { at: arrival.at + TICK / 2, ..arrival }));
    for arrival in &mut arrivals {
        // Each third is overtaken by the one after it.
        if arrival.number % 3 == 0 {
            arrival.at += Duration::from_millis(25);
        }
    }
    let played = play(&mut mixer, arrivals);
    let account = mixer.account(voice).expect("it is here");
    assert_eq!(gaps(&played), 0.0, "nothing is missing: {account:?}");
    let heard = amplitude(&played[96_000..], 48_000, 440.0);
    assert!(heard > 0.35, "and the tone is one: {heard}");
    assert_eq!(account.damaged, 0, "all of them are good");
}

#[test]
fn a_packet_that_is_none_is_dropped_and_hurts_nobody_else() {
    let mut mixer = Mixer::default();
    let (good, bad) = (join(&mut mixer), join(&mut mixer));
    let mut chance = Chance(77);
    let garbage: Vec<Vec<u8>> = (0..500)
        .map(|number: usize| {
            let length = [0, 1, 2, 9, 40, 200, 1_276, 1_277, 5_000][number % 9];
            (0..length).map(|_| u8::try_from(chance.bits() >> 24).expect("8 bits")).collect()
        })
        .collect();
    let arrivals = [steady(good, &tone(440, 500)), steady(bad, &garbage)].into_iter().flatten().collect();
    let played = play(&mut mixer, arrivals);
    assert!(played.iter().all(|sample| sample.abs() <= 1.0), "all of it are numbers within full scale");
    let account = mixer.account(bad).expect("it is here");
    assert!(account.damaged > 100, "it is counted: {account:?}");
    assert_eq!(mixer.account(good).expect("it is here").damaged, 0, "by voice");
    mixer.set_volume(bad, 0.0);
    let after = play(&mut mixer, steady(good, &tone(440, 500)).into_iter().skip(499).collect());
    assert!(after.iter().all(|sample| sample.is_finite()), "and it goes on");
}

#[test]
fn a_voice_that_left_is_not_heard_and_its_packets_are_dropped() {
    let mut mixer = Mixer::default();
    let voice = join(&mut mixer);
    play(&mut mixer, steady(voice, &tone(440, 50)));
    mixer.leave(voice);
    let played = play(&mut mixer, steady(voice, &tone(440, 50)));
    assert!(played[480..].iter().all(|sample| *sample == 0.0), "silence");
    assert_eq!(mixer.account(voice), None, "nobody");
    assert_ne!(join(&mut mixer), voice, "a number is of one voice only");
}

#[test]
fn samples_do_not_print() {
    let mut mixer = Mixer::default();
    let voice = join(&mut mixer);
    play(&mut mixer, steady(voice, &tone(440, 50)));
    let text = format!("{mixer:?}");
    assert!(text.len() < 400, "a mixer is its voices and what became of them: {text}");
}
