//! What is asked for over lines that are simulated: a voice or two, a screen of 2.5 Mbit/s and cameras of 450 kbit/s, each in
//! a second layer too.

mod line;

use line::{Chance, Line, Picture, Seen, VOICE, Voice, asked, camera, line, longest, run, screen, sent, unheard};
use rounds_proto::downlink::{Came, Downlink, LEAST, LOOK, Missing, Rank, Wanted};
use rounds_proto::signal::{Layer, Step};
use std::time::Duration;

const NONE: Duration = Duration::from_millis(60);

fn never_limited(seen: &[Seen], what: &str) {
    let limited = seen.iter().find(|seen| seen.limit.is_some());
    assert!(limited.is_none(), "{what}: {limited:?}");
}

#[test]
fn a_screen_and_a_camera_settle_on_700_kilobits_within_ten_seconds() {
    let seen = run(&line(700_000.0), &[screen("screen"), camera("camera")], &[VOICE], 30);
    assert!(longest(&seen, 10, 30) < NONE, "{:?} stand before the line", longest(&seen, 10, 30));
    assert!(sent(&seen, 10, 30) < 650_000.0, "{} bits per second are asked for", sent(&seen, 10, 30));
    assert_eq!(asked(&seen, "screen", 29), Some(Step::Low), "the screen is there, smaller");
    assert!(unheard(&seen, 5) < 1e-9, "nothing of the voice is lost");
}

#[test]
fn a_deep_queue_is_found_and_drained() {
    let deep = Line { room: Duration::from_secs(2), ..line(700_000.0) };
    let seen = run(&deep, &[screen("screen"), camera("camera")], &[VOICE], 30);
    assert!(longest(&seen, 0, 3) > Duration::from_secs(1), "it was deep");
    assert!(longest(&seen, 12, 30) < NONE, "{:?} stand before the line", longest(&seen, 12, 30));
    assert_eq!(asked(&seen, "screen", 29), Some(Step::Low), "the screen is there, smaller");
}

#[test]
fn on_300_kilobits_voices_stay_and_one_small_picture() {
    let seen = run(&line(300_000.0), &[screen("screen"), camera("camera"), camera("other")], &[VOICE, VOICE], 40);
    assert!(longest(&seen, 10, 40) < NONE, "{:?} stand before the line", longest(&seen, 10, 40));
    assert!(unheard(&seen, 5) < 1e-9, "nothing of the voices is lost");
    let shown = ["screen", "camera", "other"].map(|track| asked(&seen, track, 39));
    let few = shown.iter().flatten().count();
    assert!(few <= 1 && shown[0].is_none(), "the screen and one camera do not fit: {shown:?}");
    let seen = run(&line(300_000.0), &[camera("camera"), camera("other")], &[VOICE], 40);
    let shown = ["camera", "other"].map(|track| asked(&seen, track, 39));
    assert_eq!(shown, [Some(Step::Low), None], "with one voice there is room for one");
}

#[test]
fn a_wide_line_gives_everything_and_is_never_limited() {
    let seen = run(&line(10_000_000.0), &[screen("screen"), camera("camera")], &[VOICE], 120);
    never_limited(&seen, "10 Mbit/s");
    assert_eq!([asked(&seen, "screen", 119), asked(&seen, "camera", 119)], [Some(Step::High); 2], "all of it");
}

#[test]
fn packets_that_are_late_by_chance_are_no_full_line() {
    let jitter = Line { jitter: Duration::from_millis(80), ..line(8_000_000.0) };
    never_limited(&run(&jitter, &[screen("screen"), camera("camera")], &[VOICE], 120), "some overtake others");
    let stalls = Line { stalls: Some((1500, 300)), ..line(8_000_000.0) };
    never_limited(&run(&stalls, &[screen("screen"), camera("camera")], &[VOICE], 120), "all stand still now and then");
}

#[test]
fn loss_without_a_queue_limits_nothing() {
    for loss in [0.05, 0.15] {
        let radio = Line { loss, ..line(8_000_000.0) };
        never_limited(&run(&radio, &[screen("screen"), camera("camera")], &[VOICE], 120), "radio");
    }
}

#[test]
fn radio_that_is_narrow_too_settles_and_widens_all_the_same() {
    let radio = Line { loss: 0.05, carries: vec![(0, 700_000.0), (30, 8_000_000.0)], ..line(0.0) };
    let seen = run(&radio, &[screen("screen"), camera("camera")], &[VOICE], 240);
    assert!(longest(&seen, 10, 30) < NONE, "{:?} stand before the line", longest(&seen, 10, 30));
    assert_eq!(
        [asked(&seen, "screen", 239), asked(&seen, "camera", 239)],
        [Some(Step::High); 2],
        "all of it comes back"
    );
}

#[test]
fn what_was_held_back_comes_back_when_the_line_is_wide_again() {
    let widens = Line { carries: vec![(0, 8_000_000.0), (20, 300_000.0), (50, 8_000_000.0)], ..line(0.0) };
    let pictures = [screen("screen"), camera("camera"), camera("other")];
    let seen = run(&widens, &pictures, &[VOICE], 180);
    assert!(longest(&seen, 35, 50) < NONE, "{:?} stand before the line", longest(&seen, 35, 50));
    let all = |second| ["screen", "camera", "other"].map(|track| asked(&seen, track, second));
    assert_eq!(all(19), [Some(Step::High); 3], "before");
    assert!(all(49).contains(&None), "something is held back");
    assert!(!all(95).contains(&None), "45 s later everything is seen: {:?}", all(95));
    assert_eq!(all(179), [Some(Step::High); 3], "and then as it was");
    assert_eq!(seen.last().and_then(|seen| seen.limit), None, "and nothing is known to be too much");
}

#[test]
fn what_was_too_much_is_tried_ever_more_seldom() {
    let seen = run(&line(700_000.0), &[screen("screen"), camera("camera")], &[VOICE], 1500);
    let high = |seen: &Seen| seen.asked.get("camera") == Some(&Some(Step::High));
    let tries = seen.windows(2).filter(|looks| high(&looks[1]) && !high(&looks[0])).map(|looks| looks[1].at);
    let tries: Vec<Duration> = tries.collect();
    let gaps: Vec<u64> = tries.windows(2).map(|tries| (tries[1] - tries[0]).as_secs()).collect();
    assert!(tries[0] >= Duration::from_secs(30), "not before half a minute: {tries:?}");
    assert!(gaps[0] >= 60 && gaps[1] >= 120, "and then each time after twice as long: {gaps:?}");
    assert!(gaps.len() >= 4 && gaps.iter().skip(2).all(|gap| *gap >= 230), "in the end each four minutes: {gaps:?}");
    let bad = seen.iter().filter(|seen| seen.at.as_secs() > 10 && seen.queue > NONE).count();
    assert!(bad * 30 < seen.len(), "a voice is late in {bad} of {} looks", seen.len());
}

#[test]
fn a_layer_is_known_by_what_comes_and_not_by_what_is_said_of_it() {
    let layers =
        vec![(Step::Low, 320, 180, 150_000), (Step::Medium, 640, 360, 800_000), (Step::High, 1280, 720, 2_000_000)];
    for says in [false, true] {
        let face = Picture { layers: layers.clone(), says, ..camera("camera") };
        let seen = run(&line(700_000.0), &[face], &[VOICE], 40);
        assert!(longest(&seen, 10, 30) < NONE, "{:?} stand before the line", longest(&seen, 10, 30));
        assert_eq!(asked(&seen, "camera", 29), Some(Step::Low), "the medium one is none for it");
    }
}

#[test]
fn without_a_voice_loss_alone_tells() {
    let seen = run(&line(700_000.0), &[screen("screen"), camera("camera")], &[], 30);
    assert!(longest(&seen, 10, 30) < NONE, "{:?} stand before the line", longest(&seen, 10, 30));
    assert_eq!(asked(&seen, "screen", 29), Some(Step::Low), "the screen is there, smaller");
    let radio = Line { loss: 0.15, ..line(8_000_000.0) };
    never_limited(&run(&radio, &[screen("screen"), camera("camera")], &[], 60), "a bad line that is wide");
}

#[test]
fn who_comes_and_goes_takes_and_leaves_room() {
    let pictures = [
        Picture { there: (0, 60), ..camera("first") },
        Picture { there: (20, 100), ..camera("second") },
        Picture { there: (40, 80), ..screen("screen") },
        Picture { there: (120, u64::MAX), ..camera("late") },
    ];
    let others = [(21, 70), (41, 43), (44, 60)].map(|there| Voice { there, clock: u32::MAX - 48_000, ..VOICE });
    let voices = [&[VOICE][..], &others].concat();
    let seen = run(&line(900_000.0), &pictures, &voices, 160);
    assert_eq!(asked(&seen, "first", 19), Some(Step::High), "alone it fits");
    assert!(asked(&seen, "first", 39).is_some() && asked(&seen, "second", 39).is_some(), "both do, smaller");
    assert_eq!(asked(&seen, "screen", 59), Some(Step::Low), "the screen comes before the faces");
    assert!(asked(&seen, "second", 99).is_some(), "and leaves room to one");
    assert_eq!(asked(&seen, "late", 159), Some(Step::High), "nothing is remembered of a line that nobody fills");
    for (from, to) in [(30, 40), (130, 160)] {
        assert!(longest(&seen, from, to) < NONE, "{:?} from {from} on", longest(&seen, from, to));
    }
}

#[test]
fn a_voice_that_is_late_by_itself_is_no_full_line() {
    let late = Voice { late: Some((10, Duration::from_millis(400))), ..VOICE };
    never_limited(&run(&line(8_000_000.0), &[screen("screen")], &[VOICE, late], 60), "the other comes in time");
}

#[test]
fn a_voice_that_begins_knows_nothing_of_a_queue_that_is_gone() {
    let voices = [(0, 3), (40, 80)].map(|there| Voice { there, ..VOICE });
    let seen = run(&line(700_000.0), &[screen("screen")], &voices, 80);
    let limit = |second| seen.iter().find(|seen| seen.at.as_secs() == second).and_then(|seen| seen.limit);
    assert!(limit(39).is_some(), "the line was full at the beginning");
    assert!(limit(79) >= limit(39), "and is not taken for full again: {:?}, {:?}", limit(39), limit(79));
}

#[test]
fn a_queue_that_is_not_ours_is_not_fought_for_ever() {
    let longer = Line { longer: Some((20, Duration::from_millis(300))), ..line(8_000_000.0) };
    let bad = Line { longer: Some((20, Duration::from_millis(40))), loss: 0.2, loses_from: 20, ..line(8_000_000.0) };
    for way in [longer, bad] {
        let seen = run(&way, &[screen("screen"), camera("camera")], &[VOICE], 300);
        let least = seen.iter().filter_map(|seen| seen.limit).fold(f64::INFINITY, f64::min);
        assert!((200_000.0..3_000_000.0).contains(&least), "after three times it is left at that: {least}");
        assert!(asked(&seen, "camera", 299).is_some(), "and what was held back comes back");
    }
}

#[test]
fn clocks_that_are_set_at_random_tell_nothing() {
    let hostile = Voice { hostile: true, ..VOICE };
    let wraps = Voice { clock: u32::MAX - 48_000 * 30, ..VOICE };
    for voices in [vec![hostile], vec![hostile, VOICE], vec![wraps], vec![wraps, hostile]] {
        let seen = run(&line(8_000_000.0), &[screen("screen"), camera("camera")], &voices, 60);
        never_limited(&seen, "a wide line");
    }
    let seen = run(&line(700_000.0), &[screen("screen"), camera("camera")], &[hostile, wraps], 40);
    assert!(longest(&seen, 10, 30) < NONE, "the other one tells: {:?}", longest(&seen, 10, 30));
}

#[test]
fn what_is_missing_is_counted_by_its_numbers() {
    let lost = |packets: &[(u64, u16)]| {
        let mut missing = Missing::default();
        for (millis, number) in packets {
            missing.take(Duration::from_millis(*millis), *number);
        }
        missing.lost()
    };
    for (packets, expected, why) in [
        (&[(0, 65_534), (20, 65_535), (40, 0), (60, 1)][..], 0, "they begin anew after 65,535"),
        (&[(0, 1), (20, 2), (40, 5), (60, 6)], 2, "two are missing"),
        (&[(0, 1), (1, 5), (2, 3), (2, 4), (3, 2), (4, 6)], 0, "three were overtaken"),
        (&[(0, 1), (20, 3), (40, 4), (140, 2)], 1, "one was lost and sent again"),
        (&[(0, 1), (20, 2), (20, 2), (40, 3)], 0, "one came twice"),
        (&[(0, 1), (20, 40_000), (40, 40_001), (60, 40_003)], 1, "another stream begins"),
        (&[(0, 1), (20, 3), (7000, 9)], 1, "nothing is missing after a pause"),
    ] {
        assert_eq!(lost(packets), expected, "{why}");
    }
}

fn shown(track: &str, rank: Rank, side: u32, bits: [u32; 2], most: Option<Step>) -> Wanted {
    let layer = |step, side, bitrate| Layer { step, width: side, height: side, bitrate, ssrc: 0 };
    let layers = vec![layer(Step::Low, 100, bits[0]), layer(Step::High, 200, bits[1])];
    Wanted { track: track.to_owned(), rank, shown: u64::from(side).pow(2), layers, most }
}

/// What is asked for once 0.85 of 600 kbit/s came through a full line.
fn limited_to_510(wanted: &[Wanted]) -> Vec<Option<Step>> {
    let mut downlink = Downlink::default();
    let came = |lost| Came { track: wanted[0].track.clone(), bytes: 18_750, packets: 30, lost, pixels: 0 };
    for look in 1..=12 {
        downlink.look(LOOK * look, &[came(20)], wanted);
    }
    assert!(downlink.limit().is_some_and(|limit| (limit - 510_000.0).abs() < 1.0), "{:?}", downlink.limit());
    let asked = downlink.allot(wanted);
    wanted.iter().filter_map(|one| asked.get(&one.track).copied()).collect()
}

#[test]
fn screens_go_first_then_who_speaks_then_the_largest() {
    let bits = [100_000, 300_000];
    let [small, large] =
        [("small", 10), ("large", 50)].map(|(name, side)| shown(name, Rank::Face, side, bits, Some(Step::High)));
    let speaker = shown("speaker", Rank::Speaker, 10, bits, Some(Step::High));
    let screen = shown("screen", Rank::Screen, 10, bits, Some(Step::High));
    let hidden = shown("hidden", Rank::Screen, 10, bits, None);
    let (low, high) = (Some(Step::Low), Some(Step::High));
    // 440 kbit/s are for pictures.
    let all = [hidden, small.clone(), large.clone(), speaker.clone(), screen];
    assert_eq!(limited_to_510(&all), [None, None, low, high], "a screen as it is, and room for one");
    let faces = [small, large.clone(), speaker.clone()];
    assert_eq!(limited_to_510(&faces), [low, low, low], "each, before one is larger");
    let two = [large, speaker];
    assert_eq!(limited_to_510(&two), [low, high], "and then who speaks");
    let tile = [shown("small tile", Rank::Speaker, 10, bits, Some(Step::Low))];
    assert_eq!(limited_to_510(&tile), [low], "no more than is of use");
}

#[test]
fn what_does_not_fit_is_held_back_but_not_the_first_one_that_nearly_does() {
    let screen = |bits| [shown("screen", Rank::Screen, 10, [bits, 2_000_000], Some(Step::High))];
    assert_eq!(limited_to_510(&screen(540_000)), [Some(Step::Low)], "nearly");
    assert_eq!(limited_to_510(&screen(560_000)), [None], "not any more");
    let two = [screen(540_000)[0].clone(), shown("face", Rank::Face, 10, [100_000, 300_000], Some(Step::High))];
    assert_eq!(limited_to_510(&two), [Some(Step::Low), None], "and that before another one that fits");
}

#[test]
fn whatever_is_said_the_limit_keeps_its_floor() {
    let mut chance = Chance::new(7);
    let mut downlink = Downlink::default();
    let wanted = [
        shown("screen", Rank::Screen, 10, [0, 0], Some(Step::High)),
        shown("face", Rank::Face, 0, [1, u32::MAX], None),
    ];
    for look in 1..5_000 {
        let now = LOOK * look;
        for _ in 0..20 {
            downlink.hear(Duration::from_millis(u64::from(chance.bits())), chance.bits() % 99, chance.bits());
        }
        let came = ["screen", "face", "nobody"].map(|track| Came {
            track: track.to_owned(),
            bytes: chance.bits(),
            packets: chance.bits() >> (chance.bits() % 32),
            lost: chance.bits() >> (chance.bits() % 32),
            pixels: chance.bits(),
        });
        downlink.look(now, &came, &wanted);
        assert!(downlink.limit().is_none_or(|limit| limit >= LEAST), "{:?}", downlink.limit());
    }
}
