//! How fast is sent over ways that are simulated: a narrowest place that serves one packet after the other, with a queue
//! before it, and packets that are lost by number. The ways are those by which webrtc-rs judges its own estimator
//! (rtc-interceptor 0.21.1, `benches/congestion_control.rs`), and so are the figures: what came through in the last 30 %
//! of the time, and when a mean over two seconds came within 35 % of what the way carries and stayed there.

use rounds_proto::rate::{LEAST, Rate, Sent};
use std::collections::VecDeque;
use std::time::Duration;

const PACKET: usize = 1200;
const BITS: f64 = 9600.0;
const TICK: Duration = Duration::from_millis(1);
/// How often a server says what arrived.
const FEEDBACK: Duration = Duration::from_millis(100);
const PROPAGATION: Duration = Duration::from_millis(20);

#[derive(Clone, Copy)]
struct Way {
    carries: f64,
    /// Bits; what does not fit is lost.
    room: f64,
    lost_one_in: Option<usize>,
    /// From then on it carries five times as much.
    widens: Option<Duration>,
    /// So much longer is a packet under way at most, each by chance.
    jitter: Duration,
}

const STEADY: Way =
    Way { carries: 3_000_000.0, room: 3_000_000.0, lost_one_in: None, widens: None, jitter: Duration::ZERO };
const NARROW: Way = Way { carries: 300_000.0, room: 6_000_000.0, ..STEADY };

struct Run {
    length: Duration,
    /// When, target, bits that came through since the last, the queue.
    course: Vec<(Duration, f64, f64, Duration)>,
}

fn run(way: Way, length: Duration, start: f64) -> Run {
    let mut rate = Rate::new(start);
    let (mut now, mut credit, mut free_at) = (Duration::ZERO, 0.0, Duration::ZERO);
    let mut flying: VecDeque<Sent> = VecDeque::new();
    let (mut next, mut number) = (FEEDBACK, 0_usize);
    let mut course = Vec::new();
    let mut state = 11_u32;
    let mut chance = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1_u32 << 24)
    };
    while now < length {
        now += TICK;
        let carries = if way.widens.is_some_and(|at| now >= at) { way.carries * 5.0 } else { way.carries };
        credit += rate.target() * TICK.as_secs_f64();
        while credit >= BITS {
            credit -= BITS;
            number += 1;
            let waiting = free_at.saturating_sub(now).as_secs_f64() * carries;
            let lost = way.lost_one_in.is_some_and(|one_in| number.is_multiple_of(one_in)) || waiting + BITS > way.room;
            let arrival = (!lost).then(|| {
                free_at = free_at.max(now) + Duration::from_secs_f64(BITS / carries);
                free_at + PROPAGATION + way.jitter.mul_f64(chance())
            });
            flying.push_back(Sent { bytes: PACKET, departure: now, arrival });
        }
        if now >= next {
            next += FEEDBACK;
            let mut told = Vec::new();
            // What was lost is known by what came after it.
            let known = flying.iter().rposition(|packet| packet.arrival.is_some_and(|arrival| arrival <= now));
            for packet in flying.drain(..known.map_or(0, |last| last + 1)) {
                told.push(packet);
            }
            rate.take(now, &told);
            let bits = told.iter().filter(|packet| packet.arrival.is_some()).map(|_| BITS).sum();
            course.push((now, rate.target(), bits, free_at.saturating_sub(now)));
        }
    }
    Run { length, course }
}

impl Run {
    /// The part of what the way could have carried that came through in the last 30 % of the time.
    fn used(&self, carries: f64) -> f64 {
        let from = self.length.mul_f64(0.7);
        let bits: f64 = self.course.iter().filter(|(at, ..)| *at >= from).map(|(_, _, bits, _)| bits).sum();
        bits / (carries * (self.length - from).as_secs_f64())
    }

    /// From when on the target's mean over two seconds was within 35 % of what the way carries, counted from `begin`.
    fn reached(&self, begin: Duration, carries: f64) -> Option<Duration> {
        let mut since = None;
        for (index, (at, ..)) in self.course.iter().enumerate().filter(|(_, (at, ..))| *at >= begin) {
            let window =
                self.course[..=index].iter().rev().take_while(|(then, ..)| *at - *then <= Duration::from_secs(2));
            let window: Vec<f64> = window.filter(|(then, ..)| *then >= begin).map(|(_, target, ..)| *target).collect();
            let mean = window.iter().sum::<f64>() / f64::from(u32::try_from(window.len()).expect("few"));
            if (mean - carries).abs() / carries <= 0.35 {
                since.get_or_insert(*at - begin);
            } else {
                since = None;
            }
        }
        since
    }

    /// The longest queue after `from`.
    fn queue(&self, from: Duration) -> Duration {
        self.course.iter().filter(|(at, ..)| *at >= from).map(|(.., queue)| *queue).max().unwrap_or_default()
    }

    fn holds(&self, what: &str, way: Way, begin: Duration, least: f64) {
        let carries = if begin.is_zero() { way.carries } else { way.carries * 5.0 };
        let (used, reached) = (self.used(carries), self.reached(begin, carries));
        let queue = self.queue(begin + Duration::from_secs(5));
        assert!(used >= least, "{what}: {used} of it is used");
        assert!(reached.is_some_and(|reached| reached < Duration::from_secs(5)), "{what}: reached after {reached:?}");
        assert!(queue < Duration::from_millis(250), "{what}: a queue of {queue:?}");
    }
}

const HALF_A_MINUTE: Duration = Duration::from_secs(30);

#[test]
fn a_steady_way_is_used_by_85_percent_and_reached_within_five_seconds() {
    for start in [300_000.0, 1_000_000.0, 8_000_000.0] {
        run(STEADY, HALF_A_MINUTE, start).holds("steady", STEADY, Duration::ZERO, 0.85);
    }
}

#[test]
fn a_way_of_a_quarter_of_the_start_is_found_and_its_queue_goes_away() {
    run(NARROW, HALF_A_MINUTE, 1_200_000.0).holds("narrow", NARROW, Duration::ZERO, 0.85);
}

#[test]
fn loss_at_any_rate_does_not_slow_down() {
    for (one_in, least) in [(20, 0.6), (5, 0.4)] {
        let way = Way { lost_one_in: Some(one_in), ..STEADY };
        run(way, HALF_A_MINUTE, 1_200_000.0).holds(&format!("one in {one_in} lost"), way, Duration::ZERO, least);
    }
}

#[test]
fn packets_that_are_late_by_chance_are_no_queue() {
    let way = Way { jitter: Duration::from_millis(40), ..STEADY };
    run(way, HALF_A_MINUTE, 1_000_000.0).holds("jitter", way, Duration::ZERO, 0.85);
}

#[test]
fn a_way_that_becomes_wider_is_used_by_85_percent_within_five_seconds() {
    let begin = Duration::from_secs(15);
    let way = Way { carries: 600_000.0, room: 6_000_000.0, widens: Some(begin), ..STEADY };
    run(way, Duration::from_secs(40), 1_200_000.0).holds("step", way, begin, 0.85);
}

#[test]
fn a_way_without_room_for_a_queue_is_used_without_losing_much() {
    let way = Way { room: 2.0 * BITS, ..STEADY };
    let run = run(way, HALF_A_MINUTE, 1_000_000.0);
    let used = run.used(way.carries);
    let from = run.length.mul_f64(0.7);
    let asked: Vec<f64> = run.course.iter().filter(|(at, ..)| *at >= from).map(|(_, target, ..)| *target).collect();
    let asked = asked.iter().sum::<f64>() / f64::from(u32::try_from(asked.len()).expect("few"));
    assert!(used >= 0.8, "{used} of it is used");
    assert!(asked <= way.carries * 1.15, "{asked} bits a second were sent into it");
}

#[test]
fn who_sends_little_is_not_told_that_much_could_be_sent() {
    let mut rate = Rate::new(500_000.0);
    for tenth in 0..600_u32 {
        let departure = Duration::from_millis(u64::from(tenth) * 100);
        let voice = |part: u64| {
            let departure = departure + Duration::from_millis(part);
            Sent { bytes: 120, departure, arrival: Some(departure + PROPAGATION) }
        };
        rate.take(departure + FEEDBACK, &[voice(0), voice(20), voice(40), voice(60), voice(80)]);
    }
    assert!((LEAST..=500_000.0).contains(&rate.target()), "voice alone shows nothing of the way: {}", rate.target());
}

#[test]
fn what_a_voice_alone_loses_is_known_and_forgotten_when_it_is_over() {
    let mut rate = Rate::new(500_000.0);
    let mut take = |tenths: std::ops::Range<u64>, lost: bool| {
        for tenth in tenths {
            let packets: Vec<_> = (0..5_u64)
                .map(|part| {
                    let departure = Duration::from_millis(tenth * 100 + part * 20);
                    let arrival = (!lost || part > 0).then_some(departure + PROPAGATION);
                    Sent { bytes: 120, departure, arrival }
                })
                .collect();
            rate.take(Duration::from_millis(tenth * 100) + FEEDBACK, &packets);
        }
        rate.loss()
    };
    assert!(take(0..5, true) < 1e-9, "too few to tell");
    let told = take(5..50, true);
    assert!((told - 0.2).abs() < 0.01, "one of five: {told}");
    assert!(take(50..100, false) < 1e-9, "the last seconds count");
}

#[test]
fn that_the_way_was_full_is_told_for_half_a_minute() {
    let mut rate = Rate::new(500_000.0);
    let mut full = Vec::new();
    for tenth in 0..500_u64 {
        let departure = Duration::from_millis(tenth * 100);
        // 480 kbit/s into a way that carries 240 for two seconds, then little.
        let packets = if tenth < 20 { 5_u64 } else { 1 };
        let sent: Vec<_> = (0..packets)
            .map(|part| {
                let departure = departure + Duration::from_millis(part * 20);
                let queue = if tenth < 20 { departure } else { Duration::ZERO };
                Sent { bytes: 1200, departure, arrival: Some(departure + PROPAGATION + queue) }
            })
            .collect();
        let now = departure + FEEDBACK;
        rate.take(now, &sent);
        full.push(rate.full(now));
    }
    let told = full[19].expect("it was full a moment ago");
    assert!((150_000.0..350_000.0).contains(&told), "what came through: {told}");
    assert!(full[200].is_some() && full[400].is_none(), "and not for ever");
}

/// Half a megabit of pictures over a way that carries ten, on machines that are so busy that everything stands still for a
/// quarter of a second now and then.
#[test]
fn a_busy_machine_is_no_narrow_way() {
    let mut rate = Rate::new(1_000_000.0);
    let mut least = f64::MAX;
    for tenth in 0..300_u64 {
        let begin = Duration::from_millis(tenth * 100);
        let busy = tenth % 7 < 2;
        let sent: Vec<_> = (0..5_u64)
            .map(|part| {
                let departure = begin + Duration::from_millis(part * 20);
                let until = Duration::from_millis((tenth - tenth % 7 + 2) * 100 + 50);
                let arrival = if busy { until.max(departure) } else { departure };
                Sent { bytes: 1200, departure, arrival: Some(arrival + PROPAGATION) }
            })
            .collect();
        rate.take(begin + Duration::from_millis(300), &sent);
        least = least.min(rate.target());
    }
    assert!(least >= 480_000.0, "what is sent can go on being sent: {least}");
}

#[test]
fn what_a_hostile_server_says_keeps_the_rate_within_its_ends() {
    let mut rate = Rate::default();
    let mut state = 7_u64;
    for step in 0..20_000_u64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let packet = Sent {
            bytes: usize::try_from(state >> 44).expect("20 bits"),
            departure: Duration::from_millis(state >> 40),
            arrival: (state & 1 == 0).then(|| Duration::from_millis(state >> 20 & 0xff_ffff)),
        };
        rate.take(Duration::from_millis(step), &[packet, packet]);
        let target = rate.target();
        assert!((LEAST..=rounds_proto::rate::MOST).contains(&target), "{target} after {step}");
    }
}
