//! Capturing and playing with devices in memory.

use crate::measure::{Babble, amplitude, crossings, sine};
use sound::memory::Memory;
use sound::{
    Capture, Choice, Clock, DeviceError, DeviceId, Heard, Kind, Notice, Packet, Playout, Seat, Settings, Voice, Wanted,
    Watch,
};
use std::sync::Arc;

const BARE: Settings = Settings { echo: false, noise: false, gain: false, bits_per_second: 32_000 };

fn clock(memory: &Memory) -> Clock {
    let memory = memory.clone();
    Arc::new(move || memory.now())
}

fn tone(hz: f64, rate: u32) -> sound::memory::Signal {
    Box::new(move |at| sine(hz, rate, at, 0.5))
}

fn capture(memory: &Memory) -> Capture {
    Capture::start(Arc::new(memory.clone()), Choice::System, BARE, clock(memory), None).expect("there is a thread")
}

fn playout(memory: &Memory) -> Playout {
    let system = Arc::new(memory.clone());
    Playout::start(system, Choice::System, clock(memory)).expect("there is a thread").0
}

/// Waits until a device is in use that fits.
async fn seated(mut seat: tokio::sync::watch::Receiver<Seat>, fits: impl FnMut(&Seat) -> bool) -> Seat {
    seat.wait_for(fits).await.expect("the thread runs").clone()
}

fn is_open(seat: &Seat, id: &DeviceId) -> bool {
    matches!(seat, Seat::Open { device, .. } if device.id == *id)
}

async fn packet(capture: &mut Capture) -> Packet {
    loop {
        match capture.next().await.expect("the thread runs") {
            Heard::Packet(packet) => return packet,
            Heard::Notice(_) => {}
        }
    }
}

/// So many packets go from a microphone to a voice.
async fn talk(memory: &Memory, capture: &mut Capture, voice: &Voice, packets: u32) {
    for _ in 0..packets {
        memory.step();
        memory.step();
        let Packet { bytes, timestamp, .. } = packet(capture).await;
        let number = u16::try_from(timestamp / 960 % 65_536).expect("16 bits");
        voice.put(number, timestamp, bytes, memory.now());
    }
}

#[tokio::test]
async fn a_tone_goes_from_a_microphone_to_a_speaker_at_any_rate() {
    for (from, to) in [(48_000, 48_000), (44_100, 96_000), (16_000, 44_100), (96_000, 16_000)] {
        let memory = Memory::default();
        let microphone = memory.plug_microphone("headset", from, 2, tone(440.0, from));
        let speaker = memory.plug_speaker("loudspeaker", to, 2);
        let (mut capture, playout) = (capture(&memory), playout(&memory));
        let voice = playout.voice().expect("there is memory");
        capture.want(Wanted::Yes);
        seated(capture.seat(), |seat| is_open(seat, &microphone)).await;
        seated(playout.seat(), |seat| is_open(seat, &speaker)).await;
        // The first packet is whole only after the filter has filled.
        memory.step();
        talk(&memory, &mut capture, &voice, 150).await;
        let played = memory.played(&speaker);
        let second = &played[played.len() - usize::try_from(to).expect("fits")..];
        let (heard, hertz) = (amplitude(second, to, 440.0), crossings(second, to));
        assert!((0.35..0.6).contains(&heard), "{from} to {to}: amplitude {heard}");
        assert!((hertz - 440.0).abs() < 2.0, "{from} to {to}: {hertz} Hz");
        assert!(capture.level() > 0.6 && voice.level() > 0.6, "both meters show it");
        assert_eq!(voice.account().damaged, 0, "nothing is damaged");
        assert_eq!(playout.starved(), 0, "the speaker always had something to play");
    }
}

#[tokio::test]
async fn a_speaker_that_is_gone_is_replaced_and_the_round_goes_on() {
    let memory = Memory::default();
    let microphone = memory.plug_microphone("headset", 48_000, 1, tone(440.0, 48_000));
    let (first, second) = (memory.plug_speaker("first", 48_000, 2), memory.plug_speaker("second", 44_100, 2));
    let (mut capture, playout) = (capture(&memory), playout(&memory));
    let voice = playout.voice().expect("there is memory");
    capture.want(Wanted::Yes);
    seated(capture.seat(), |seat| is_open(seat, &microphone)).await;
    seated(playout.seat(), |seat| is_open(seat, &first)).await;
    talk(&memory, &mut capture, &voice, 50).await;
    memory.unplug(&first);
    let seat = seated(playout.seat(), |seat| is_open(seat, &second)).await;
    let Seat::Open { lost: Some(lost), .. } = seat else { panic!("it is said what was lost: {seat:?}") };
    assert_eq!(lost.name, "first", "by its name");
    talk(&memory, &mut capture, &voice, 100).await;
    let played = memory.played(&second);
    let heard = amplitude(&played[played.len() - 44_100..], 44_100, 440.0);
    assert!(heard > 0.35, "the same voice goes on: {heard}");
}

#[tokio::test]
async fn without_a_speaker_voices_go_on_and_the_first_one_plugged_in_is_taken() {
    let memory = Memory::default();
    let playout = playout(&memory);
    let seat = seated(playout.seat(), |seat| matches!(seat, Seat::Failed { .. })).await;
    assert_eq!(seat, Seat::Failed { error: DeviceError::NoneThere, lost: None }, "there is none");
    let voice = playout.voice().expect("there is memory");
    voice.put(1, 960, Vec::new(), memory.now());
    let speaker = memory.plug_speaker("loudspeaker", 48_000, 2);
    seated(playout.seat(), |seat| is_open(seat, &speaker)).await;
    memory.step();
    assert_eq!(memory.played(&speaker).len(), 480, "it plays");
}

#[tokio::test]
async fn a_chosen_device_is_used_while_it_is_there() {
    let memory = Memory::default();
    let (first, second) = (memory.plug_speaker("first", 48_000, 2), memory.plug_speaker("second", 48_000, 2));
    let playout = playout(&memory);
    seated(playout.seat(), |seat| is_open(seat, &first)).await;
    playout.choose(Choice::Device(second.clone()));
    seated(playout.seat(), |seat| is_open(seat, &second)).await;
    assert!(!memory.is_open(&first), "the other one is closed");
    memory.unplug(&second);
    seated(playout.seat(), |seat| is_open(seat, &first)).await;
    let back = memory.plug_speaker("second", 48_000, 2);
    seated(playout.seat(), |seat| is_open(seat, &back)).await;
    playout.choose(Choice::System);
    seated(playout.seat(), |seat| is_open(seat, &first)).await;
    memory.set_own(Kind::Speaker, &back);
    seated(playout.seat(), |seat| is_open(seat, &back)).await;
    drop(playout);
    assert!(!memory.is_open(&back), "closed with the playout");
}

#[tokio::test]
async fn a_microphone_that_may_not_be_used_says_why_and_is_tried_again() {
    let memory = Memory::default();
    let microphone = memory.plug_microphone("headset", 48_000, 1, tone(440.0, 48_000));
    for why in [DeviceError::Denied, DeviceError::Busy, DeviceError::Unusable] {
        memory.refuse(&microphone, Some(why));
        let capture = capture(&memory);
        capture.want(Wanted::Yes);
        let seat = seated(capture.seat(), |seat| matches!(seat, Seat::Failed { .. })).await;
        assert_eq!(seat, Seat::Failed { error: why, lost: None }, "as the system says");
        memory.refuse(&microphone, None);
        seated(capture.seat(), |seat| is_open(seat, &microphone)).await;
        capture.want(Wanted::No);
        seated(capture.seat(), |seat| *seat == Seat::Closed).await;
    }
}

#[tokio::test]
async fn a_microphone_is_open_only_while_it_is_needed() {
    let memory = Memory::default();
    let microphone = memory.plug_microphone("headset", 48_000, 1, tone(440.0, 48_000));
    let mut capture = capture(&memory);
    assert!(!memory.is_open(&microphone), "nobody wanted it");
    capture.want(Wanted::Yes);
    seated(capture.seat(), |seat| is_open(seat, &microphone)).await;
    memory.step();
    memory.step();
    let first = packet(&mut capture).await.timestamp;
    capture.want(Wanted::Muted { notice: false });
    for _ in 0..900 {
        memory.step();
    }
    assert!(memory.is_open(&microphone), "muted for 9 s: whoever speaks is heard at once");
    for _ in 0..110 {
        memory.step();
    }
    seated(capture.seat(), |seat| *seat == Seat::Closed).await;
    assert!(!memory.is_open(&microphone), "after 10 s the system's sign goes out");
    assert_eq!(capture.level(), 0.0, "and the meter is empty");
    for _ in 0..200 {
        memory.step();
    }
    capture.want(Wanted::Yes);
    seated(capture.seat(), |seat| is_open(seat, &microphone)).await;
    memory.step();
    memory.step();
    let later = packet(&mut capture).await.timestamp - first;
    // 1,210 steps of 480, a packet less or more.
    assert!((1_190 * 480..=1_220 * 480).contains(&later), "the clock went on: {later}");
    capture.want(Wanted::No);
    seated(capture.seat(), |seat| *seat == Seat::Closed).await;
    capture.want(Wanted::Muted { notice: false });
    memory.step();
    assert!(!memory.is_open(&microphone), "for somebody who is muted it is not opened");
}

#[tokio::test]
async fn who_wants_to_be_told_keeps_the_microphone_and_is_told() {
    let memory = Memory::default();
    let mut babble = Babble::new(3);
    let microphone = memory.plug_microphone("headset", 48_000, 1, Box::new(move |_| babble.next()));
    let mut capture = capture(&memory);
    capture.want(Wanted::Muted { notice: true });
    seated(capture.seat(), |seat| is_open(seat, &microphone)).await;
    for _ in 0..200 {
        memory.step();
    }
    let told = capture.next().await.expect("the thread runs");
    assert_eq!(told, Heard::Notice(Notice::SpeaksWhileMuted), "and nothing of it is sent");
}

#[tokio::test]
async fn what_is_plugged_in_and_out_is_told() {
    let memory = Memory::default();
    let mut watch = Watch::start(Arc::new(memory.clone())).expect("there is a thread");
    assert_eq!(watch.devices().expect("it runs").speakers, [], "nothing yet");
    let speaker = memory.plug_speaker("loudspeaker", 48_000, 2);
    let devices = watch.changed().await.expect("it runs");
    assert_eq!(devices.speakers.first().map(|device| device.name.as_str()), Some("loudspeaker"), "it is there");
    assert_eq!(devices.speaker.as_ref(), Some(&speaker), "and the system's");
    memory.unplug(&speaker);
    let devices = watch.changed().await.expect("it runs");
    assert_eq!((devices.speakers.len(), devices.speaker), (0, None), "it is gone");
}

#[tokio::test]
async fn devices_in_memory_can_have_a_clock_of_their_own() {
    let memory = Memory::default();
    memory.plug_microphone("headset", 48_000, 1, tone(440.0, 48_000));
    let mut capture = capture(&memory);
    capture.want(Wanted::Yes);
    let clockwork = memory.run().expect("there is a thread");
    let mut times = Vec::new();
    for _ in 0..10 {
        times.push(packet(&mut capture).await.timestamp);
    }
    drop(clockwork);
    assert!(times.windows(2).all(|pair| pair[1] == pair[0] + 960), "packet after packet: {times:?}");
}

#[test]
fn an_id_is_a_line_of_text() {
    assert!(DeviceId::parse("alsa_output.pci-0000_00_1f.3.analog-stereo").is_some(), "as PulseAudio has them");
    for bad in ["", "a\nb", "\0", &"x".repeat(1_025)] {
        assert!(DeviceId::parse(bad).is_none(), "{bad:?}");
    }
}
