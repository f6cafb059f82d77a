//! Capturing and playing with devices in memory.

use crate::measure::{Babble, amplitude, count, crossings, decibels, integer, power, sine};
use codec::opus::{Decoder, Encoder};
use codec::sample;
use futures_util::FutureExt as _;
use sound::memory::Memory;
use sound::mixer::Account;
use sound::{
    Capture, Choice, Clock, DeviceError, DeviceId, Heard, Hearing, Kind, Notice, Packet, Playout, Seat, Settings,
    System, Voice, Wanted, Watch,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

const BARE: Settings = Settings { echo: false, noise: false, gain: false, bits_per_second: 32_000 };

fn clock(memory: &Memory) -> Clock {
    let memory = memory.clone();
    Arc::new(move || memory.now())
}

fn tone(hz: f64, rate: u32) -> sound::memory::Signal {
    Box::new(move |at| sine(hz, rate, at, 0.5))
}

fn capture(memory: &Memory) -> (Capture, Hearing) {
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

async fn packet(hearing: &mut Hearing) -> Packet {
    loop {
        match hearing.next().await.expect("the thread runs") {
            Heard::Packet(packet) => return packet,
            Heard::Notice(_) => {}
        }
    }
}

/// So many packets go from a microphone to a voice.
async fn talk(memory: &Memory, hearing: &mut Hearing, voice: &Voice, packets: u32) {
    for _ in 0..packets {
        memory.step();
        memory.step();
        let Packet { bytes, timestamp, .. } = packet(hearing).await;
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
        let ((capture, mut hearing), playout) = (capture(&memory), playout(&memory));
        let voice = playout.voice().expect("there is memory");
        capture.want(Wanted::Yes);
        seated(capture.seat(), |seat| is_open(seat, &microphone)).await;
        seated(playout.seat(), |seat| is_open(seat, &speaker)).await;
        // The first packet is whole only after the filter has filled.
        memory.step();
        talk(&memory, &mut hearing, &voice, 150).await;
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
async fn a_speaker_that_takes_much_at_once_is_served_as_evenly_as_any() {
    let memory = Memory::default();
    let speaker = memory.plug_speaker("loudspeaker", 48_000, 2);
    memory.move_at_once(&speaker, 10);
    let playout = playout(&memory);
    let voice = playout.voice().expect("there is memory");
    seated(playout.seat(), |seat| is_open(seat, &speaker)).await;
    let mut encoder = Encoder::new(32_000, 0).expect("there is memory");
    let mut before = Account::default();
    for number in 0..400_u16 {
        let packet = encoder.encode(&sample::tone(440, u64::from(number) * 960)).expect("it is encoded");
        voice.put(number, u32::from(number) * 960, packet.expect("a tone is no silence"), memory.now());
        memory.step();
        memory.step();
        if number == 100 {
            // It is known by then what the speaker takes.
            before = voice.account();
            let _before = memory.played(&speaker);
        }
    }
    let (after, played) = (voice.account().jitter, memory.played(&speaker));
    assert_eq!(after.made_up + after.drawn_out, before.jitter.made_up + before.jitter.drawn_out, "{after:?}");
    // 299 were put since, and five go at once.
    let played_since = after.played - before.jitter.played;
    assert!((294..=304).contains(&played_since), "nothing is hurried or held up: {before:?} and {after:?}");
    let parts = played.chunks_exact(4_800);
    let least = parts.map(|part| amplitude(part, 48_000, 440.0)).fold(1.0, f64::min);
    assert!(least > 0.35, "the tone is whole: {least}");
}

#[tokio::test]
async fn a_speaker_that_is_gone_is_replaced_and_the_round_goes_on() {
    let memory = Memory::default();
    let microphone = memory.plug_microphone("headset", 48_000, 1, tone(440.0, 48_000));
    let (first, second) = (memory.plug_speaker("first", 48_000, 2), memory.plug_speaker("second", 44_100, 2));
    let ((capture, mut hearing), playout) = (capture(&memory), playout(&memory));
    let voice = playout.voice().expect("there is memory");
    capture.want(Wanted::Yes);
    seated(capture.seat(), |seat| is_open(seat, &microphone)).await;
    seated(playout.seat(), |seat| is_open(seat, &first)).await;
    talk(&memory, &mut hearing, &voice, 50).await;
    memory.unplug(&first);
    let seat = seated(playout.seat(), |seat| is_open(seat, &second)).await;
    let Seat::Open { lost: Some(lost), .. } = seat else { panic!("it is said what was lost: {seat:?}") };
    assert_eq!(lost.name, "first", "by its name");
    talk(&memory, &mut hearing, &voice, 100).await;
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
        let (capture, _hearing) = capture(&memory);
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
    let (capture, mut hearing) = capture(&memory);
    assert!(!memory.is_open(&microphone), "nobody wanted it");
    capture.want(Wanted::Yes);
    seated(capture.seat(), |seat| is_open(seat, &microphone)).await;
    memory.step();
    memory.step();
    let first = packet(&mut hearing).await.timestamp;
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
    let later = packet(&mut hearing).await.timestamp - first;
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
    let (capture, mut hearing) = capture(&memory);
    capture.want(Wanted::Muted { notice: true });
    seated(capture.seat(), |seat| is_open(seat, &microphone)).await;
    for _ in 0..200 {
        memory.step();
    }
    let told = hearing.next().await.expect("the thread runs");
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
    let (capture, mut hearing) = capture(&memory);
    capture.want(Wanted::Yes);
    let clockwork = memory.run().expect("there is a thread");
    let mut times = Vec::new();
    for _ in 0..10 {
        times.push(packet(&mut hearing).await.timestamp);
    }
    drop(clockwork);
    assert!(times.windows(2).all(|pair| pair[1] == pair[0] + 960), "packet after packet: {times:?}");
}

/// Decibels of what is played beside a microphone, and of what leaves by it, of the last six of twelve seconds.
async fn beside_a_speaker(told: bool, at_once: u64) -> (f64, f64) {
    let memory = Memory::default();
    let speaker = memory.plug_speaker("loudspeaker", 44_100, 2);
    memory.move_at_once(&speaker, at_once);
    // Between them are 30 ms of air and a third of the loudness.
    let air: Arc<Mutex<VecDeque<f32>>> = Arc::new(Mutex::new(vec![0.0; 1_323].into()));
    let heard = Arc::clone(&air);
    let signal = move |_| heard.lock().expect("no test failed").pop_front().unwrap_or(0.0) / 3.0;
    let microphone = memory.plug_microphone("microphone", 44_100, 1, Box::new(signal));
    let system: Arc<dyn System> = Arc::new(memory.clone());
    let (playout, echo) = Playout::start(Arc::clone(&system), Choice::System, clock(&memory)).expect("a thread");
    let settings = Settings { noise: false, gain: false, ..Settings::default() };
    let (capture, mut hearing) = Capture::start(system, Choice::System, settings, clock(&memory), told.then_some(echo))
        .expect("there is a thread");
    let voice = playout.voice().expect("there is memory");
    capture.want(Wanted::Yes);
    seated(playout.seat(), |seat| is_open(seat, &speaker)).await;
    seated(capture.seat(), |seat| is_open(seat, &microphone)).await;
    let (mut far, mut encoder) = (Babble::new(8), Encoder::new(32_000, 0).expect("there is memory"));
    let mut decoder = Decoder::new().expect("there is memory");
    let (mut played, mut sent, mut packets) = (Vec::new(), Vec::new(), 0);
    for number in 0..600_u16 {
        let samples = std::array::from_fn(|_| integer(far.next()));
        let packet = encoder.encode(&samples).expect("it is encoded").unwrap_or_default();
        voice.put(number, u32::from(number) * 960, packet, memory.now());
        for _ in 0..2 {
            memory.step();
            let now = memory.played(&speaker);
            air.lock().expect("no test failed").extend(&now);
            if number > 300 {
                played.extend(now);
            }
        }
        // What is silence is not sent, so it is not waited for. A task that never waits is told at some time that nothing
        // has come.
        tokio::task::yield_now().await;
        while let Some(Some(Heard::Packet(packet))) = hearing.next().now_or_never() {
            let samples = decoder.decode(&packet.bytes).expect("it was encoded");
            packets += 1;
            if number > 300 {
                sent.extend(samples.map(|sample| f32::from(sample) / 32_768.0));
            }
        }
    }
    // In the same time; what was not sent is silence.
    let came = decibels(power(&played) / 9.0);
    let sent = decibels(power(&sent) * count(sent.len()) / 48_000.0 / (count(played.len()) / 44_100.0));
    assert!(packets > 30, "something is always sent: {packets}");
    (came, sent)
}

#[tokio::test]
async fn what_a_speaker_plays_does_not_leave_by_the_microphone_beside_it() {
    for at_once in [1, 4, 10] {
        let (came, sent) = beside_a_speaker(true, at_once).await;
        assert!(came > -40.0, "it is loud beside the speaker: {came} dB");
        assert!(came - sent > 20.0, "{came} dB come and {sent} are sent, {at_once} steps at once");
    }
    let (came, sent) = beside_a_speaker(false, 1).await;
    assert!((came - sent).abs() < 6.0, "who does not know what is played hears it: {came} and {sent} dB");
}

#[tokio::test]
async fn who_takes_no_packets_loses_some_and_holds_nobody_up() {
    let memory = Memory::default();
    let microphone = memory.plug_microphone("headset", 48_000, 1, tone(440.0, 48_000));
    let (capture, mut hearing) = capture(&memory);
    capture.want(Wanted::Yes);
    seated(capture.seat(), |seat| is_open(seat, &microphone)).await;
    for _ in 0..300 {
        memory.step();
    }
    let first = packet(&mut hearing).await;
    assert!(first.timestamp <= 960, "the oldest are kept: {}", first.timestamp);
    capture.want(Wanted::No);
    seated(capture.seat(), |seat| *seat == Seat::Closed).await;
    assert!((90..=110).contains(&capture.dropped()), "of 150 packets 50 wait: {}", capture.dropped());
    drop(capture);
    let mut left = 0;
    while hearing.next().await.is_some() {
        left += 1;
    }
    assert_eq!(left, 0, "what waits leaves no more when the voice is not wanted, and then it ends");
}

#[test]
fn an_id_is_a_line_of_text() {
    assert!(DeviceId::parse("alsa_output.pci-0000_00_1f.3.analog-stereo").is_some(), "as PulseAudio has them");
    for bad in ["", "a\nb", "\0", &"x".repeat(1_025)] {
        assert!(DeviceId::parse(bad).is_none(), "{bad:?}");
    }
}
