//! A simulated line: a media server that sends what it is asked for, the narrowest place with a queue before it, and a client
//! that looks at what comes. Chance has a fixed seed.

use rounds_proto::downlink::{Allotted, Came, Downlink, LOOK, Missing, Rank, Wanted};
use rounds_proto::signal::{Layer, Step};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// From the server to the client, and back.
const PROPAGATION: Duration = Duration::from_millis(20);
/// Until the server has a key frame of another layer.
const KEY_FRAME: Duration = Duration::from_millis(120);
const PACKET: u32 = 1200;
const VOICE_PACKET: u32 = 150;

#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// From when on it carries how many bits per second.
    pub(crate) carries: Vec<(u64, f64)>,
    /// What waits longer is lost.
    pub(crate) room: Duration,
    /// The part that is lost by chance, and from which second on.
    pub(crate) loss: f64,
    pub(crate) loses_from: u64,
    /// So much longer a packet is under way at most, by chance.
    pub(crate) jitter: Duration,
    /// In each of so many milliseconds nothing passes for so many.
    pub(crate) stalls: Option<(u64, u64)>,
    /// From when on the way itself is so much longer, in seconds.
    pub(crate) longer: Option<(u64, Duration)>,
}

pub(crate) fn line(carries: f64) -> Line {
    let room = Duration::from_millis(800);
    Line {
        carries: vec![(0, carries)],
        room,
        loss: 0.0,
        loses_from: 0,
        jitter: Duration::ZERO,
        stalls: None,
        longer: None,
    }
}

/// A picture as its publisher makes it.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) track: &'static str,
    pub(crate) rank: Rank,
    /// Width, height, bits per second; the smallest first.
    pub(crate) layers: Vec<(Step, u32, u32, u32)>,
    pub(crate) per_second: u32,
    /// Its publisher says what its layers take.
    pub(crate) says: bool,
    /// In which seconds it is there.
    pub(crate) there: (u64, u64),
}

pub(crate) fn camera(track: &'static str) -> Picture {
    let layers = vec![(Step::Low, 320, 180, 160_000), (Step::High, 640, 360, 450_000)];
    Picture { track, rank: Rank::Face, layers, per_second: 15, says: true, there: (0, u64::MAX) }
}

pub(crate) fn screen(track: &'static str) -> Picture {
    let layers = vec![(Step::Low, 960, 600, 400_000), (Step::High, 1920, 1200, 2_500_000)];
    Picture { track, rank: Rank::Screen, layers, per_second: 10, says: true, there: (0, u64::MAX) }
}

/// A voice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice {
    /// In which seconds it is there.
    pub(crate) there: (u64, u64),
    /// From when on its own way to the server is so much longer.
    pub(crate) late: Option<(u64, Duration)>,
    /// Its clock is set at random with each packet.
    pub(crate) hostile: bool,
    /// Where its clock begins.
    pub(crate) clock: u32,
}

pub(crate) const VOICE: Voice = Voice { there: (0, u64::MAX), late: None, hostile: false, clock: 7_000 };

/// What was at a look.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) at: Duration,
    /// What waited before the narrowest place all the time since the look before.
    pub(crate) queue: Duration,
    pub(crate) limit: Option<f64>,
    pub(crate) asked: Allotted,
    /// What the server sent since the look before, in bits per second.
    pub(crate) sent: f64,
    /// Packets of sound that came since the look before, and that did not.
    pub(crate) heard: u32,
    pub(crate) unheard: u32,
}

pub(crate) struct Chance(u32);

impl Chance {
    pub(crate) fn new(seed: u32) -> Self {
        Self(seed)
    }

    pub(crate) fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0
    }

    pub(crate) fn part(&mut self) -> f64 {
        f64::from(self.bits() >> 8) / f64::from(1_u32 << 24)
    }
}

/// A packet on its way. `of` is a picture's number, or a voice's behind them.
struct Flying {
    arrival: Duration,
    of: usize,
    bytes: u32,
    number: u16,
    timestamp: u32,
    pixels: Option<u32>,
}

/// How a picture is being sent.
#[derive(Debug, Clone, Default)]
struct Sending {
    layer: Option<usize>,
    /// What it is to be, and from when on.
    change: Option<(Duration, Option<usize>)>,
    key: bool,
    /// When the next picture is due, in milliseconds.
    next: u64,
}

/// What came of one track since the last look.
#[derive(Debug, Clone, Default)]
struct Counted {
    bytes: u32,
    packets: u32,
    missing: Missing,
    lost: u32,
    pixels: u32,
    /// The number of the next packet that is sent.
    next: u16,
}

pub(crate) fn run(line: &Line, pictures: &[Picture], voices: &[Voice], seconds: u64) -> Vec<Seen> {
    let mut downlink = Downlink::default();
    let mut chance = Chance(11);
    let mut sending = vec![Sending::default(); pictures.len()];
    let mut counted = vec![Counted::default(); pictures.len() + voices.len()];
    let mut flying: VecDeque<Flying> = VecDeque::new();
    let (mut free_at, mut seen, mut sent_bits) = (Duration::ZERO, Vec::new(), 0.0);
    let mut queue = Duration::MAX;
    let mut wanted_before = BTreeSet::new();
    let mut next_look = LOOK;
    for millis in 1..seconds * 1000 {
        let now = Duration::from_millis(millis);
        let carries = line.carries.iter().rev().find(|(from, _)| *from <= now.as_secs()).map_or(1e9, |(_, bits)| *bits);
        let longer = line.longer.filter(|(from, _)| *from <= now.as_secs()).map_or(Duration::ZERO, |(_, by)| by);
        queue = queue.min(free_at.saturating_sub(now));
        let mut leaves = Vec::new();
        for (number, voice) in voices.iter().enumerate() {
            let there = (voice.there.0..voice.there.1).contains(&now.as_secs());
            if there && (millis + 3 * u64::try_from(number).expect("few")).is_multiple_of(20) {
                let ticks = u32::try_from(millis * 48 % (1 << 32)).expect("it wraps").wrapping_add(voice.clock);
                let timestamp = if voice.hostile { chance.bits() } else { ticks };
                let late = voice.late.filter(|(from, _)| *from <= now.as_secs()).map_or(Duration::ZERO, |(_, by)| by);
                leaves.push((pictures.len() + number, VOICE_PACKET, timestamp, None, late));
            }
        }
        for (number, picture) in pictures.iter().enumerate() {
            let sending = &mut sending[number];
            if let Some((_, layer)) = sending.change.take_if(|(at, _)| *at <= now) {
                (sending.layer, sending.key) = (layer, true);
            }
            let Some((_, width, height, bits)) = sending.layer.map(|layer| picture.layers[layer]) else { continue };
            let there = (picture.there.0..picture.there.1).contains(&now.as_secs());
            if !there || millis < sending.next {
                continue;
            }
            sending.next = millis + 1000 / u64::from(picture.per_second);
            let usual = f64::from(bits) / 8.0 / f64::from(picture.per_second) * (0.7 + 0.6 * chance.part());
            let key = std::mem::take(&mut sending.key);
            let mut left = if key { usual * 6.0 } else { usual };
            let mut first = key.then_some(width * height);
            while left > 0.0 {
                let bytes = if left > f64::from(PACKET) { PACKET } else { 70 + small(left) };
                leaves.push((number, bytes, 0, first.take(), Duration::ZERO));
                left -= f64::from(bytes);
            }
        }
        for (of, bytes, timestamp, pixels, late) in leaves {
            sent_bits += f64::from(bytes) * 8.0;
            let free = free_at.max(now);
            let lost = (chance.part() < line.loss && now.as_secs() >= line.loses_from) || free - now > line.room;
            let number = counted[of].next;
            counted[of].next = number.wrapping_add(1);
            if lost {
                if pixels.is_some() {
                    // Without it nothing can be drawn, so another one is asked for.
                    sending[of].key = true;
                }
                continue;
            }
            let stalls = line.stalls.filter(|(each, long)| millis % each < *long);
            let free =
                free.max(stalls.map_or(free, |(each, long)| Duration::from_millis(millis - millis % each + long)));
            free_at = free + Duration::from_secs_f64(f64::from(bytes) * 8.0 / carries);
            let arrival = free_at + PROPAGATION + longer + late + line.jitter.mul_f64(chance.part());
            flying.push_back(Flying { arrival, of, bytes, number, timestamp, pixels });
        }
        flying.retain(|packet| {
            if packet.arrival > now {
                return true;
            }
            let counted = &mut counted[packet.of];
            counted.bytes += packet.bytes;
            counted.packets += 1;
            counted.missing.take(now, packet.number);
            counted.pixels = packet.pixels.unwrap_or(counted.pixels);
            if packet.of >= pictures.len() {
                downlink.hear(now, u32::try_from(packet.of).expect("few"), packet.timestamp);
            }
            false
        });
        if now < next_look {
            continue;
        }
        next_look = now + LOOK;
        let there = |picture: &&Picture| (picture.there.0..picture.there.1).contains(&now.as_secs());
        let wanted: Vec<Wanted> = pictures.iter().filter(there).map(wanted).collect();
        for counted in &mut counted {
            counted.lost = counted.missing.lost();
        }
        let names = pictures.iter().map(|picture| picture.track).chain(std::iter::repeat("voice"));
        let came: Vec<Came> = names
            .zip(&counted)
            .map(|(track, Counted { bytes, packets, lost, pixels, .. })| Came {
                track: track.to_owned(),
                bytes: *bytes,
                packets: *packets,
                lost: *lost,
                pixels: *pixels,
            })
            .collect();
        let sound = &counted[pictures.len()..];
        let (heard, unheard) = sound.iter().fold((0, 0), |sum, one| (sum.0 + one.packets, sum.1 + one.lost));
        let asked = downlink.look(now, &came, &wanted).clone();
        for counted in &mut counted {
            (counted.bytes, counted.packets) = (0, 0);
        }
        for (sending, picture) in sending.iter_mut().zip(pictures) {
            let step = asked.get(picture.track).copied().flatten();
            let layer = step.and_then(|step| picture.layers.iter().position(|(of, ..)| *of == step));
            let known = wanted_before.contains(picture.track);
            let to_be = sending.change.map_or(sending.layer, |(_, layer)| layer);
            if layer != to_be || !known {
                // What is not wanted stops at once; another layer begins with its key frame.
                let at = now + PROPAGATION + if layer.is_some() { KEY_FRAME } else { Duration::ZERO };
                sending.change = Some((at, layer));
            }
        }
        wanted_before = wanted.iter().map(|wanted| wanted.track.clone()).collect();
        let (at, limit) = (now, downlink.limit());
        seen.push(Seen { at, queue, limit, asked, sent: sent_bits / LOOK.as_secs_f64(), heard, unheard });
        (sent_bits, queue) = (0.0, Duration::MAX);
    }
    seen
}

fn small(number: f64) -> u32 {
    (0..PACKET).find(|bytes| f64::from(*bytes) >= number).unwrap_or(PACKET)
}

fn wanted(picture: &Picture) -> Wanted {
    let (step, width, height, _) = picture.layers[picture.layers.len() - 1];
    Wanted {
        track: picture.track.to_owned(),
        rank: picture.rank,
        shown: u64::from(width * height),
        layers: picture
            .layers
            .iter()
            .map(|&(step, width, height, bits)| Layer {
                step,
                width,
                height,
                bitrate: if picture.says { bits } else { 0 },
                ssrc: 0,
            })
            .collect(),
        most: Some(step),
    }
}

/// The part of the sound that was lost from a second on.
pub(crate) fn unheard(seen: &[Seen], from: u64) -> f64 {
    let looks = || seen.iter().filter(|seen| seen.at.as_secs() >= from);
    let sum = |part: fn(&Seen) -> u32| f64::from(looks().map(part).sum::<u32>());
    sum(|seen| seen.unheard) / (sum(|seen| seen.heard) + sum(|seen| seen.unheard)).max(1.0)
}

/// The longest queue between two seconds.
pub(crate) fn longest(seen: &[Seen], from: u64, to: u64) -> Duration {
    let looks = seen.iter().filter(|seen| (from..to).contains(&seen.at.as_secs()));
    looks.map(|seen| seen.queue).max().unwrap_or_default()
}

/// What is asked for of a track in a second.
pub(crate) fn asked(seen: &[Seen], track: &str, second: u64) -> Option<Step> {
    let look = seen.iter().find(|seen| seen.at.as_secs() == second)?;
    look.asked.get(track).copied().flatten()
}

/// Bits per second between two seconds.
pub(crate) fn sent(seen: &[Seen], from: u64, to: u64) -> f64 {
    let looks: Vec<f64> =
        seen.iter().filter(|seen| (from..to).contains(&seen.at.as_secs())).map(|seen| seen.sent).collect();
    looks.iter().sum::<f64>() / f64::from(u32::try_from(looks.len()).expect("few"))
}
