//! A voice over ways that are simulated: a packet each 20 ms, lost by chance and sent again after a round trip, late by
//! chance; played every 20 ms by a clock of its own.

use rounds_proto::jitter::{Jitter, Moment, TICKS, Tally};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

struct Chance(u32);

impl Chance {
    fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0
    }

    fn part(&mut self) -> f64 {
        f64::from(self.bits() >> 8) / f64::from(1_u32 << 24)
    }
}

#[derive(Clone, Copy)]
struct Way {
    loss: f64,
    round_trip: Duration,
    jitter: Duration,
    /// Lost packets are sent again.
    again: bool,
}

struct Played {
    tally: Tally,
    /// How long after it was sent each packet was played, sorted.
    delays: Vec<Duration>,
    wait: Duration,
}

impl Played {
    fn delay(&self, part: f64) -> Duration {
        let count = f64::from(u32::try_from(self.delays.len()).expect("few"));
        let place = (0..self.delays.len()).find(|place| f64::from(u32::try_from(*place).expect("few")) >= count * part);
        place.map_or(Duration::ZERO, |place| self.delays[place])
    }

    /// The part of all moments that was neither played nor copied.
    fn made_up(&self) -> f64 {
        let number = |count: u64| f64::from(u32::try_from(count).expect("few"));
        let all = number(self.tally.played + self.tally.copied + self.tally.made_up + self.tally.drawn_out);
        number(self.tally.made_up + self.tally.drawn_out) / all
    }
}

/// Talks for a minute; the first seconds, in which the way is got to know, do not count.
fn talk(way: Way) -> Played {
    const PACKETS: u32 = 3000;
    let one_way = way.round_trip / 2;
    let mut chance = Chance(5);
    let mut arrivals = BinaryHeap::new();
    for packet in 0..PACKETS {
        let mut leaves = Duration::from_millis(20) * packet;
        loop {
            let lost = chance.part() < way.loss;
            let arrives = leaves + one_way + way.jitter.mul_f64(chance.part());
            if !lost {
                arrivals.push(Reverse((arrives, packet)));
                break;
            }
            if !way.again {
                break;
            }
            // The one after it shows that it is missing.
            leaves = leaves + Duration::from_millis(20) + way.round_trip;
            if leaves > Duration::from_millis(20) * packet + Duration::from_millis(400) {
                break;
            }
        }
    }
    let mut jitter = Jitter::default();
    let (mut delays, mut before) = (Vec::new(), Tally::default());
    let mut now = Duration::from_millis(7);
    while now < Duration::from_millis(20) * PACKETS {
        while arrivals.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Reverse((at, packet)) = arrivals.pop().expect("it was there a moment ago");
            // The number wraps, and so does the clock.
            let sequence = u16::try_from((packet + 65_000) % 65_536).expect("16 bits");
            let timestamp = packet.wrapping_mul(TICKS).wrapping_add(u32::MAX - 500_000);
            jitter.push(at, sequence, timestamp, [&packet.to_be_bytes()[..], &[0; 40]].concat());
        }
        let told = match jitter.pull(now) {
            Moment::Packet(bytes) => vec![bytes],
            Moment::Both(first, second) => vec![first, second],
            Moment::Copy(_) | Moment::MadeUp | Moment::Silence => Vec::new(),
        };
        if now < Duration::from_secs(5) {
            before = jitter.tally();
        } else {
            for bytes in told {
                let packet = u32::from_be_bytes(bytes[..4].try_into().expect("four bytes"));
                delays.push(now - Duration::from_millis(20) * packet);
            }
        }
        now += Duration::from_millis(20);
    }
    delays.sort();
    let all = jitter.tally();
    let tally = Tally {
        played: all.played - before.played,
        copied: all.copied - before.copied,
        made_up: all.made_up - before.made_up,
        drawn_out: all.drawn_out - before.drawn_out,
        late: all.late - before.late,
    };
    Played { tally, delays, wait: jitter.wait() }
}

const GOOD: Way = Way { loss: 0.0, round_trip: Duration::from_millis(20), jitter: Duration::ZERO, again: true };

#[test]
fn on_a_good_way_nothing_is_made_up_and_nothing_waits_long() {
    let played = talk(GOOD);
    assert_eq!((played.tally.made_up, played.tally.copied, played.tally.late), (0, 0, 0), "{:?}", played.tally);
    assert!(played.delay(0.95) <= Duration::from_millis(60), "{:?}", played.delay(0.95));
}

#[test]
fn packets_that_are_late_by_chance_are_waited_for() {
    let played = talk(Way { jitter: Duration::from_millis(60), ..GOOD });
    assert!(played.made_up() <= 0.05, "{} made up: {:?}", played.made_up(), played.tally);
    assert!(played.delay(0.95) <= Duration::from_millis(140), "{:?} of {:?}", played.delay(0.95), played.wait);
}

#[test]
fn with_a_fifth_lost_and_sent_again_a_twentieth_is_made_up_within_200_ms() {
    let way = Way { loss: 0.2, round_trip: Duration::from_millis(50), jitter: Duration::from_millis(5), again: true };
    let played = talk(way);
    assert!(played.made_up() <= 0.05, "{} made up: {:?}", played.made_up(), played.tally);
    assert!(played.delay(0.95) <= Duration::from_millis(200), "{:?} of {:?}", played.delay(0.95), played.wait);
}

#[test]
fn what_is_lost_for_good_is_taken_from_the_packet_after_it() {
    let played = talk(Way { loss: 0.05, again: false, ..GOOD });
    let Tally { copied, made_up, .. } = played.tally;
    assert!(copied > 10 * made_up && copied > 80, "{:?}", played.tally);
}

#[test]
fn who_is_silent_has_lost_nothing_and_is_heard_again_in_time() {
    let mut jitter = Jitter::default();
    let mut now = Duration::ZERO;
    let mut word = |jitter: &mut Jitter, number: u16, time: u32| {
        let mut heard = Vec::new();
        for packet in 0..10_u16 {
            jitter.push(now, number + packet, time + u32::from(packet) * TICKS, vec![1; 50]);
            heard.push(jitter.pull(now));
            now += Duration::from_millis(20);
        }
        for _ in 0..40 {
            heard.push(jitter.pull(now));
            now += Duration::from_millis(20);
        }
        heard
    };
    // Fifty moments from the beginning of a word to the next: the clock goes on, the numbers do not.
    for round in 0..20_u16 {
        let heard = word(&mut jitter, round * 10, u32::from(round) * 50 * TICKS);
        let played = heard.iter().filter(|moment| matches!(moment, Moment::Packet(_))).count();
        assert_eq!(played, 10, "all of word {round}");
        let first = heard.iter().position(|moment| matches!(moment, Moment::Packet(_)));
        assert!(first.is_some_and(|first| first <= 4), "word {round} begins in time: {first:?}");
    }
    let Tally { late, copied, made_up, .. } = jitter.tally();
    assert_eq!((late, copied, made_up), (0, 0, 0), "{:?}", jitter.tally());
}

/// An encoder that says nothing in silence sends a packet each 400 ms all the same (RFC 6716 §2.1.9).
#[test]
fn an_open_microphone_in_a_quiet_room_has_lost_nothing() {
    let mut jitter = Jitter::default();
    let mut now = Duration::ZERO;
    for number in 0..50_u16 {
        jitter.push(now, number, u32::from(number) * 20 * TICKS, vec![1; 6]);
        for _ in 0..20 {
            let _played = jitter.pull(now);
            now += Duration::from_millis(20);
        }
    }
    assert_eq!(jitter.tally().made_up, 0, "{:?}", jitter.tally());
}

#[test]
fn what_is_lost_at_the_end_of_a_word_is_known_when_the_next_begins() {
    let mut jitter = Jitter::default();
    let mut now = Duration::ZERO;
    for number in 0..20_u16 {
        // The last two of ten never come, and then nothing for ten moments.
        let time = u32::from(number / 10 * 20 + number % 10) * TICKS;
        if number % 10 < 8 {
            jitter.push(now, number, time, vec![1; 50]);
        }
        for _ in 0..if number % 10 == 9 { 11 } else { 1 } {
            let _played = jitter.pull(now);
            now += Duration::from_millis(20);
        }
    }
    let made_up = jitter.tally().made_up;
    assert!((2..=8).contains(&made_up), "two of the first word, and a breath after them: {:?}", jitter.tally());
}

#[test]
fn a_wait_that_is_too_long_becomes_shorter_without_a_gap() {
    let mut jitter = Jitter::default();
    let mut now = Duration::ZERO;
    let mut delays = Vec::new();
    for packet in 0..3000_u32 {
        now = Duration::from_millis(20) * packet;
        // Bad for ten seconds, then good.
        let late = if packet < 500 { Duration::from_millis(u64::from(packet % 10) * 20) } else { Duration::ZERO };
        jitter.push(now + late, u16::try_from(packet).expect("few"), packet * TICKS, vec![2; 50]);
        let _played = jitter.pull(now + Duration::from_millis(3));
        delays.push(jitter.wait());
    }
    assert!(delays[490] > Duration::from_millis(150), "{:?} while it is bad", delays[490]);
    assert!(delays[2900] < Duration::from_millis(50), "{:?} when it is good, at {now:?}", delays[2900]);
    assert_eq!(jitter.tally().made_up, 0, "{:?}", jitter.tally());
}

#[test]
fn nonsense_neither_piles_up_nor_ends_it() {
    let mut jitter = Jitter::default();
    let mut chance = Chance(77);
    for step in 0..50_000_u32 {
        let now = Duration::from_millis(u64::from(step));
        let [high, low, ..] = chance.bits().to_be_bytes();
        let (sequence, timestamp) = (u16::from_be_bytes([high, low]), chance.bits());
        jitter.push(now, sequence, timestamp, vec![0; 3]);
        let _any = jitter.pull(now);
    }
    assert!(jitter.wait() <= rounds_proto::jitter::LONGEST, "{:?}", jitter.wait());
}

#[test]
fn a_moment_that_is_over_is_not_played_after_a_later_one() {
    let mut jitter = Jitter::default();
    let mut now = Duration::ZERO;
    // By its number each packet follows the one before; the third is of a moment before the second's.
    for (sequence, moment) in [(1, 0), (2, 5), (3, 2), (4, 6)] {
        jitter.push(now, sequence, moment * TICKS, vec![u8::try_from(moment).expect("few"); 20]);
    }
    let mut played = Vec::new();
    for _moment in 0..50 {
        now += Duration::from_millis(20);
        match jitter.pull(now) {
            Moment::Packet(packet) => played.push(packet[0]),
            Moment::Both(first, second) => played.extend([first[0], second[0]]),
            Moment::Copy(_) | Moment::MadeUp | Moment::Silence => {}
        }
    }
    assert_eq!(played, [0, 5, 6], "in the order of their moments");
    assert_eq!(jitter.tally().late, 1, "and one was too late");
}
