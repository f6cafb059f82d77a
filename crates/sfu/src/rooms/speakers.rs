//! Who speaks: from the loudness that each packet of sound states (RFC 6464), as livekit-server finds it
//! (`sfu/audio/audiolevel.go`, `room.go`). Frames are encrypted; this number is not.

use super::{Moment, Response, Rooms, Seat};
use livekit_protocol as lk;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long is listened before it is said (`audio.update_interval`).
const WINDOW: Duration = Duration::from_millis(400);
/// What is louder than this many −dBov counts (`audio.active_level`).
const ACTIVE: u8 = 35;
/// So many hundredths of the packets have to count (`audio.min_percentile`).
const SHARE: u32 = 40;
/// A packet of sound every 20 ms.
const EXPECTED: u32 = 20;

#[derive(Debug)]
pub(super) struct Speakers {
    window_ends: Instant,
    heard: BTreeMap<Seat, Loudness>,
    /// As it was said last: eighths of the full loudness.
    speaking: BTreeMap<Seat, u8>,
}

#[derive(Debug)]
struct Loudness {
    counted: u32,
    loudest: u8,
}

impl Speakers {
    pub(super) fn new(now: Instant) -> Self {
        Self { window_ends: now + WINDOW, heard: BTreeMap::new(), speaking: BTreeMap::new() }
    }

    pub(super) fn due(&self) -> Instant {
        self.window_ends
    }

    pub(super) fn heard(&mut self, seat: Seat, below_full: u8) {
        if below_full <= ACTIVE {
            let loudness = self.heard.entry(seat).or_insert(Loudness { counted: 0, loudest: u8::MAX });
            loudness.counted = loudness.counted.saturating_add(1);
            loudness.loudest = loudness.loudest.min(below_full);
        }
    }

    pub(super) fn left(&mut self, seat: Seat) {
        self.heard.remove(&seat);
        self.speaking.remove(&seat);
    }

    /// Ends a window; gives whose loudness is another than it was, in eighths.
    fn end(&mut self, now: Instant) -> Vec<(Seat, u8)> {
        self.window_ends = now + WINDOW;
        let mut speaking = BTreeMap::new();
        for (seat, loudness) in std::mem::take(&mut self.heard) {
            if loudness.counted * 100 >= EXPECTED * SHARE {
                speaking.insert(seat, eighths(&loudness));
            }
        }
        let mut changed: Vec<(Seat, u8)> = speaking
            .iter()
            .filter(|(seat, level)| self.speaking.get(seat) != Some(level))
            .map(|(s, l)| (*s, *l))
            .collect();
        changed.extend(self.speaking.keys().filter(|seat| !speaking.contains_key(seat)).map(|seat| (*seat, 0)));
        self.speaking = speaking;
        changed
    }
}

/// The loudest packet, less what is missing of a full window, as an amplitude in eighths and never silent.
fn eighths(loudness: &Loudness) -> u8 {
    let weight = 20.0 * (f64::from(loudness.counted.min(EXPECTED)) / f64::from(EXPECTED)).log10();
    let below = f64::from(loudness.loudest) - weight;
    let amplitude = 10_f64.powf(-below / 20.0);
    (1..8).find(|eighth| amplitude <= f64::from(*eighth) / 8.0).unwrap_or(8)
}

impl Rooms {
    pub(super) fn tell_speakers(&mut self, now: Moment) {
        let mut said: Vec<(Seat, lk::SpeakersChanged)> = Vec::new();
        for room in self.rooms.values_mut().filter(|room| room.speakers.due() <= now.at) {
            let changed = room.speakers.end(now.at);
            let speakers: Vec<lk::SpeakerInfo> = changed
                .into_iter()
                .filter_map(|(seat, eighth)| {
                    let person = room.people.get(&seat).filter(|person| !person.grants.hidden)?;
                    let level = f32::from(eighth) / 8.0;
                    Some(lk::SpeakerInfo { sid: person.sid.clone(), level, active: eighth > 0 })
                })
                .collect();
            if !speakers.is_empty() {
                said.extend(room.people.keys().map(|to| (*to, lk::SpeakersChanged { speakers: speakers.clone() })));
            }
        }
        for (to, message) in said {
            self.say(to, Response::SpeakersChanged(message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Loudness, eighths};

    #[test]
    fn half_of_the_full_amplitude_all_the_time_is_four_eighths() {
        // 20·log10(1/2) = −6.02 dB.
        assert_eq!(eighths(&Loudness { counted: 20, loudest: 7 }), 4, "7 dB below full is 0.447");
        assert_eq!(eighths(&Loudness { counted: 20, loudest: 0 }), 8, "the full amplitude");
        assert_eq!(eighths(&Loudness { counted: 8, loudest: 35 }), 1, "hardly anything is still somebody");
    }
}
