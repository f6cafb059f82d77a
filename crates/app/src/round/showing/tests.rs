//! Scripts of who shows what to whom: people at their programs, whose words are carried from one to the other by hand.

use super::{Out, Showing};
use crate::round::ears::{Heard, Topic};
use contract::{
    Failure, FailureCode, NotSeen, Presentation, PresentedCase, PresentedMark, PresentedPlane, PresentedPointer,
    PresentedShape, PresentedViewport, PresentedVoi, SeenView, VoiFunction,
};
use model::round::MemberId;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const CASE: &str = "https://board.example/fhir|ServiceRequest/sr-1";
const OTHER: &str = "https://board.example/fhir|ServiceRequest/sr-2";

fn named(name: &str) -> MemberId {
    MemberId::parse(name).expect("a name")
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// An axial image of a CT, at this place of the stack.
fn axial(number: u32) -> Presentation {
    let z = -420.5 + 2.5 * f64::from(number);
    Presentation {
        layout: "1x1".to_owned(),
        active: 0,
        views: vec![PresentedViewport {
            place: 0,
            study: "1.2.1".to_owned(),
            series: "1.2.2".to_owned(),
            instance: format!("1.2.3.{number}"),
            frame: 1,
            plane: Some(PresentedPlane { origin: [-180.0, -180.0, z], row: [1.0, 0.0, 0.0], column: [0.0, 1.0, 0.0] }),
            center: [-40.0, -26.0, z],
            height: 210.0,
            voi: PresentedVoi::Window { center: 40.0, width: 400.0, function: VoiFunction::Linear },
            inverted: false,
            flipped: [false, false],
            turns: 0,
        }],
        pointer: None,
        marks: Vec::new(),
    }
}

fn measured(mut at: Presentation, id: &str, to: f64) -> Presentation {
    let [view] = at.views.as_slice() else { return at };
    let shape = PresentedShape::Length { from: [-40.0, -26.0, -420.5], to: [to, -26.0, -420.5] };
    let (instance, frame) = (view.instance.clone(), view.frame);
    at.marks.push(PresentedMark { id: id.to_owned(), instance, frame, shape, text: "12,0 mm".to_owned() });
    at
}

fn pointing(mut at: Presentation, x: f64) -> Presentation {
    at.pointer = Some(PresentedPointer { place: 0, at: [x, -26.1, -420.5] });
    at
}

/// Somebody at their program, of whom the others hear what it says.
struct Person {
    name: MemberId,
    showing: Showing,
    told: Vec<Presentation>,
    looks_for: Vec<String>,
}

impl Person {
    fn new(name: &str, own: Option<(&str, Option<&str>)>) -> Self {
        let mut showing = Showing::new("!room".to_owned());
        showing.set_me(named(name));
        showing.set_own_case(own.map(|(case, patient)| (case.to_owned(), patient.map(str::to_owned))));
        Self { name: named(name), showing, told: Vec::new(), looks_for: Vec::new() }
    }

    /// What their program puts out, as the others hear it.
    fn says(&mut self) -> Vec<Heard> {
        let mut words = Vec::new();
        for out in self.showing.take_out() {
            match out {
                Out::Say { topic, case, mut said, .. } => {
                    said.insert("case".to_owned(), case.into());
                    words.push(Heard { from: self.name.clone(), topic, said: Value::Object(said) });
                }
                Out::Tell { presentation, .. } => self.told.push(presentation),
                Out::Find(case) => self.looks_for.push(case),
            }
        }
        words
    }

    fn hears(&mut self, words: &[Heard], now: Instant) {
        for word in words {
            self.showing.hear(word, false, now);
            self.showing.tick(now);
        }
    }

    fn case(&self) -> Option<PresentedCase> {
        self.showing.view().map(|view| view.case)
    }
}

fn topics(words: &[Heard]) -> Vec<Topic> {
    words.iter().map(|word| word.topic).collect()
}

/// Somebody who shows this case, and somebody in the same conversation.
fn shown(case: &str) -> (Person, Person, Instant) {
    let now = Instant::now();
    let own = Some((CASE, Some("p-1")));
    let (mut one, mut other) = (Person::new("@a:h:ONE", own), Person::new("@b:h:TWO", own));
    one.showing.present(case.to_owned(), "p-1".to_owned(), false, now);
    one.showing.show("p-1", axial(0), now);
    let words = one.says();
    assert_eq!(topics(&words), [Topic::Lead, Topic::Show], "who, and what");
    other.hears(&words, now);
    other.says();
    (one, other, now)
}

#[test]
fn what_is_shown_of_the_conversations_case_is_seen_at_once() {
    let (_one, other, _now) = shown(CASE);
    assert_eq!(other.told, [axial(0)]);
    assert_eq!(other.case(), Some(PresentedCase::Open { patient: "p-1".to_owned() }));
    assert!(!other.showing.may_present(false), "one shows at a time");
    assert!(other.showing.may_present(true), "a moderator may take over");
}

#[test]
fn movements_go_ahead_and_all_of_it_follows_a_tenth_of_a_second_after_the_last() {
    let (mut one, mut other, mut now) = shown(CASE);
    // It is said twice more, to whoever could not be told at once.
    for after in [1_000, 3_000] {
        one.showing.tick(now + ms(after));
        assert_eq!(topics(&one.says()), [Topic::Lead, Topic::Show]);
    }
    now += ms(3_500);
    let mut at = now;
    for step in 1..=3 {
        at = now + ms(20 * step);
        one.showing.show("p-1", axial(u32::try_from(step).expect("few")), at);
        let words = one.says();
        assert_eq!(topics(&words), [Topic::Point], "a movement");
        other.hears(&words, at);
    }
    other.says();
    assert_eq!(other.told.last(), Some(&axial(3)));
    assert_eq!(one.showing.due(), Some(at + ms(100)), "then all of it");
    one.showing.tick(at + ms(100));
    assert_eq!(topics(&one.says()), [Topic::Show]);
    one.showing.tick(at + ms(5_099));
    assert_eq!(topics(&one.says()), [Topic::Lead], "that it shows is said as well");
    one.showing.tick(at + ms(5_100));
    assert_eq!(topics(&one.says()), [Topic::Show], "and again, though nothing moves");
}

#[test]
fn sixty_movements_a_second_are_said_at_most_and_the_newest_wins() {
    let (mut one, mut other, now) = shown(CASE);
    one.showing.show("p-1", axial(1), now + ms(5));
    one.showing.show("p-1", axial(2), now + ms(10));
    assert_eq!(one.says(), [], "too early");
    one.showing.tick(now + ms(16));
    let words = one.says();
    other.hears(&words, now + ms(20));
    other.says();
    assert_eq!(other.told.last(), Some(&axial(2)));
}

#[test]
fn a_movement_that_arrives_after_all_of_it_was_said_moves_nothing_back() {
    let (mut one, mut other, now) = shown(CASE);
    one.showing.show("p-1", axial(1), now + ms(20));
    let late = one.says();
    one.showing.show("p-1", axial(2), now + ms(40));
    let _lost = one.says();
    one.showing.tick(now + ms(140));
    other.hears(&one.says(), now + ms(140));
    other.hears(&late, now + ms(160));
    other.says();
    assert_eq!(other.told.last(), Some(&axial(2)));
}

#[test]
fn a_pointer_comes_and_goes() {
    let (mut one, mut other, now) = shown(CASE);
    for (step, seen) in [pointing(axial(0), -40.2), pointing(axial(0), -39.0), axial(0)].into_iter().enumerate() {
        let at = now + ms(20 * (u64::try_from(step).expect("few") + 1));
        one.showing.show("p-1", seen.clone(), at);
        let words = one.says();
        assert_eq!(topics(&words), [Topic::Point]);
        other.hears(&words, at);
        other.says();
        assert_eq!(other.told.last(), Some(&seen));
    }
}

#[test]
fn measurements_come_change_and_go_and_who_comes_later_has_them() {
    let (mut one, mut other, now) = shown(CASE);
    let mut late = Person::new("@c:h:THREE", Some((CASE, Some("p-1"))));
    let states = [
        measured(axial(0), "m1", -28.0),
        measured(measured(axial(0), "m1", -20.0), "m2", -10.0),
        measured(axial(0), "m2", -10.0),
    ];
    for (step, state) in states.into_iter().enumerate() {
        let at = now + ms(20 * (u64::try_from(step).expect("few") + 1));
        one.showing.show("p-1", state.clone(), at);
        other.hears(&one.says(), at);
        // What came together is told together, with the next frame.
        other.showing.tick(at + ms(16));
        other.says();
        assert_eq!(other.told.last(), Some(&state), "state {step}");
    }
    one.showing.greet(&late.name, now + ms(100));
    late.hears(&one.says(), now + ms(100));
    late.showing.tick(now + ms(200));
    late.says();
    assert_eq!(late.told.last(), Some(&measured(axial(0), "m2", -10.0)), "of the one that is left");
}

#[test]
fn nothing_of_another_case_is_looked_for_before_the_person_wants_it() {
    let (mut one, mut other, now) = shown(OTHER);
    assert_eq!(
        (other.case(), other.told.len(), other.looks_for.len()),
        (Some(PresentedCase::Asking { number: 1 }), 0, 0)
    );
    one.showing.show("p-1", axial(1), now + ms(20));
    other.hears(&one.says(), now + ms(20));
    other.says();
    assert!(other.told.is_empty() && other.looks_for.is_empty(), "not by a movement either");

    other.showing.open_case(0);
    other.says();
    assert!(other.looks_for.is_empty(), "nor by an answer about another one");
    other.showing.open_case(1);
    other.says();
    assert_eq!(other.looks_for, [OTHER]);
    assert_eq!(other.case(), Some(PresentedCase::Opening));
    other.showing.found(OTHER, Ok("p-2".to_owned()));
    other.showing.tick(now + ms(40));
    other.says();
    assert_eq!(other.told, [axial(1)], "as it is by then");
    assert_eq!(other.case(), Some(PresentedCase::Open { patient: "p-2".to_owned() }));
}

#[test]
fn a_movement_over_another_case_than_the_one_shown_is_not_drawn() {
    let (mut one, mut other, now) = shown(CASE);
    one.showing.show("p-1", axial(1), now + ms(20));
    let mut words = one.says();
    words[0].said["case"] = OTHER.into();
    other.hears(&words, now + ms(20));
    other.says();
    assert_eq!(other.told, [axial(0)]);
}

#[test]
fn whoever_shows_learns_what_the_others_see() {
    let (mut one, mut other, now) = shown(CASE);
    let loading = SeenView { why: Some(NotSeen::Loading), done: 87, of: 135 };
    let seen = SeenView { why: None, done: 135, of: 135 };
    // That nothing is seen yet was said when it came; a second later it may be said anew.
    other.showing.set_seen(loading, now + ms(300));
    assert_eq!(other.says(), [], "not more than once a second");
    other.showing.tick(now + ms(1_000));
    one.hears(&other.says(), now + ms(1_000));
    let watching =
        |one: &Person| one.showing.view().expect("shown").watching.iter().map(|it| it.seen).collect::<Vec<_>>();
    assert_eq!(watching(&one), [loading]);
    other.showing.set_seen(seen, now + ms(2_500));
    one.hears(&other.says(), now + ms(2_500));
    assert_eq!(watching(&one), [seen]);
}

#[test]
fn who_may_not_open_the_case_says_so() {
    let now = Instant::now();
    let (mut one, mut other) = (Person::new("@a:h:ONE", None), Person::new("@b:h:TWO", Some((CASE, None))));
    one.showing.present(CASE.to_owned(), "p-1".to_owned(), false, now);
    one.showing.show("p-1", axial(0), now);
    other.hears(&one.says(), now);
    other.says();
    assert_eq!(other.looks_for, [CASE], "the conversation's own is looked for");
    let failure = Failure::new(FailureCode::NotAllowed, "");
    other.showing.found(CASE, Err(failure.clone()));
    other.showing.tick(now + ms(1_000));
    one.hears(&other.says(), now + ms(1_000));
    assert_eq!(other.case(), Some(PresentedCase::Closed { number: 1, failure }));
    let seen = one.showing.view().expect("shown").watching;
    assert_eq!(seen.first().map(|it| it.seen.why), Some(Some(NotSeen::NoAccess)));
}

#[test]
fn nobody_takes_the_images_from_the_presenter_but_a_moderator() {
    let (mut one, mut other, now) = shown(CASE);
    let words = {
        let mut third = Person::new("@c:h:THREE", None);
        third.hears(&[lead(&one, 1)], now);
        third.showing.present(OTHER.to_owned(), "p-2".to_owned(), true, now);
        third.says()
    };
    other.hears(&words, now);
    assert_eq!(other.showing.view().map(|view| view.person), Some("@a:h:ONE".to_owned()), "no moderator, by its word");
    for word in &words {
        other.showing.hear(word, true, now);
        one.showing.hear(word, true, now);
    }
    for person in [&one, &other] {
        assert_eq!(person.showing.view().map(|view| view.person), Some("@c:h:THREE".to_owned()));
    }
    one.showing.show("p-1", axial(5), now + ms(20));
    assert_eq!(one.says(), [], "who was relieved says nothing more");
}

fn lead(of: &Person, epoch: u32) -> Heard {
    let said = serde_json::json!({"seq": 1, "epoch": epoch, "who": of.name.as_str()});
    Heard { from: of.name.clone(), topic: Topic::Lead, said }
}

#[test]
fn of_two_who_begin_at_the_same_time_everybody_sees_the_same_one() {
    let now = Instant::now();
    let (mut one, mut other) = (Person::new("@a:h:ONE", None), Person::new("@b:h:TWO", None));
    one.showing.present(CASE.to_owned(), "p-1".to_owned(), false, now);
    other.showing.present(OTHER.to_owned(), "p-2".to_owned(), false, now);
    let (first, second) = (one.says(), other.says());
    one.hears(&second, now);
    other.hears(&first, now);
    for person in [&one, &other] {
        assert_eq!(person.showing.view().map(|view| view.person), Some("@a:h:ONE".to_owned()));
    }
}

/// What the others say of it, until nobody says anything.
fn talk(people: &mut [&mut Person], now: Instant) {
    loop {
        let said: Vec<Vec<Heard>> = people.iter_mut().map(|person| person.says()).collect();
        if said.iter().all(Vec::is_empty) {
            return;
        }
        for (from, words) in said.iter().enumerate() {
            for (to, person) in people.iter_mut().enumerate() {
                if from != to {
                    person.hears(words, now);
                }
            }
        }
    }
}

#[test]
fn who_comes_after_somebody_has_shown_and_stopped_shows_to_everybody() {
    let (mut one, mut other, now) = shown(CASE);
    one.showing.stop(now + ms(100));
    talk(&mut [&mut one, &mut other], now + ms(100));
    let mut late = Person::new("@c:h:THREE", Some((CASE, Some("p-1"))));
    // Nobody was heard by them: they begin where everybody else has long been.
    late.showing.present(CASE.to_owned(), "p-1".to_owned(), false, now + ms(5_000));
    late.showing.show("p-1", axial(7), now + ms(5_000));
    talk(&mut [&mut one, &mut other, &mut late], now + ms(5_000));
    for after in [6_000, 8_000, 11_000] {
        for person in [&mut one, &mut other, &mut late] {
            person.showing.tick(now + ms(after));
        }
        talk(&mut [&mut one, &mut other, &mut late], now + ms(after));
    }
    for person in [&one, &other, &late] {
        assert_eq!(person.showing.view().map(|view| view.person), Some("@c:h:THREE".to_owned()));
    }
    assert_eq!((one.told.last(), other.told.last()), (Some(&axial(7)), Some(&axial(7))));
}

#[test]
fn a_presenter_who_was_away_and_comes_back_is_followed_again() {
    let (mut one, mut other, now) = shown(CASE);
    let alone: BTreeSet<_> = [named("@b:h:TWO")].into();
    assert!(!other.showing.set_there(&alone, now + ms(100)));
    assert!(other.showing.set_there(&alone, now + ms(3_200)), "gone");
    one.showing.show("p-1", axial(3), now + ms(4_000));
    one.showing.tick(now + ms(4_100));
    other.hears(&one.says(), now + ms(4_100));
    other.says();
    assert_eq!((other.told.last(), other.showing.may_present(false)), (Some(&axial(3)), false), "as before");
}

#[test]
fn whose_end_nobody_heard_shows_no_longer_when_they_say_nothing_for_thirteen_seconds() {
    let (mut one, mut other, now) = shown(CASE);
    let both: BTreeSet<_> = [named("@a:h:ONE"), named("@b:h:TWO")].into();
    one.showing.tick(now + ms(5_000));
    other.hears(&one.says(), now + ms(5_000));
    one.showing.stop(now + ms(5_100));
    let _lost = one.says();
    assert!(!other.showing.set_there(&both, now + ms(17_900)));
    assert!(other.showing.set_there(&both, now + ms(18_000)));
    assert_eq!(other.showing.view(), None);
}

#[test]
fn one_word_of_a_far_epoch_ends_nothing() {
    let now = Instant::now();
    let (mut one, mut hostile) = (Person::new("@a:h:ONE", None), Person::new("@c:h:THREE", None));
    let mut word = lead(&hostile, u32::MAX);
    word.said["who"] = Value::Null;
    one.hears(&[word], now);
    one.showing.present(CASE.to_owned(), "p-1".to_owned(), false, now);
    hostile.hears(&one.says(), now);
    assert_eq!(hostile.showing.view().map(|view| view.person), Some("@a:h:ONE".to_owned()));
}

#[test]
fn who_gave_the_images_away_may_take_them_back_until_something_is_shown() {
    let (mut one, mut other, now) = shown(CASE);
    one.showing.hand_over(other.name.clone(), false, now);
    talk(&mut [&mut one, &mut other], now);
    assert!(one.showing.may_present(false), "their program may be one that shows nothing");
    other.showing.present(CASE.to_owned(), "p-1".to_owned(), false, now + ms(50));
    other.showing.show("p-1", axial(2), now + ms(50));
    talk(&mut [&mut one, &mut other], now + ms(50));
    assert!(!one.showing.may_present(false), "they show");
}

#[test]
fn a_movement_that_is_lost_leaves_no_pointer_over_another_image() {
    let (mut one, mut other, now) = shown(CASE);
    one.showing.show("p-1", axial(1), now + ms(20));
    let _lost = one.says();
    one.showing.show("p-1", pointing(axial(1), -30.0), now + ms(40));
    other.hears(&one.says(), now + ms(40));
    other.says();
    assert_eq!(other.told.last(), Some(&pointing(axial(1), -30.0)));
}

#[test]
fn all_of_it_is_said_twice_a_second_while_a_hand_does_not_rest() {
    let (mut one, _other, now) = shown(CASE);
    let mut shows = 0;
    for step in 1..=100_u32 {
        let at = now + ms(u64::from(20 * step));
        one.showing.show("p-1", axial(step), at);
        shows += topics(&one.says()).into_iter().filter(|topic| *topic == Topic::Show).count();
    }
    // Two seconds; and once more for whoever could not be told at the beginning.
    assert!((4..=6).contains(&shows), "{shows}");
}

#[test]
fn a_presenter_who_is_gone_for_three_seconds_shows_no_longer() {
    let (_one, mut other, now) = shown(CASE);
    let alone: BTreeSet<_> = [named("@b:h:TWO")].into();
    let both: BTreeSet<_> = [named("@a:h:ONE"), named("@b:h:TWO")].into();
    assert!(!other.showing.set_there(&alone, now));
    assert!(!other.showing.set_there(&both, now + ms(2_000)), "back");
    assert!(!other.showing.set_there(&alone, now + ms(2_500)));
    assert!(!other.showing.set_there(&alone, now + ms(5_400)));
    assert!(other.showing.set_there(&alone, now + ms(5_500)));
    assert_eq!((other.showing.view(), other.showing.may_present(false)), (None, true), "anybody may");
}

#[test]
fn who_comes_later_is_told_who_shows_and_what() {
    let (mut one, _other, now) = shown(CASE);
    one.showing.show("p-1", axial(4), now + ms(20));
    one.says();
    let mut late = Person::new("@c:h:THREE", Some((CASE, Some("p-1"))));
    one.showing.greet(&late.name, now + ms(30));
    let words = one.says();
    assert_eq!(topics(&words), [Topic::Lead, Topic::Show]);
    late.hears(&words, now + ms(30));
    late.says();
    assert_eq!(late.told, [axial(4)]);
}

#[test]
fn who_could_not_open_the_first_words_is_told_again_and_that_it_is_shown_says_who_shows() {
    let (mut one, _other, now) = shown(CASE);
    let mut late = Person::new("@c:h:THREE", Some((CASE, Some("p-1"))));
    one.showing.greet(&late.name, now + ms(20));
    let _sealed_with_a_key_that_has_not_come = one.says();
    one.showing.tick(now + ms(1_020));
    let words = one.says();
    assert_eq!(topics(&words), [Topic::Lead, Topic::Show]);
    late.hears(&words[1..], now + ms(1_020));
    late.says();
    assert_eq!(
        (late.told.as_slice(), late.showing.view().map(|view| view.person)),
        ([axial(0)].as_slice(), Some("@a:h:ONE".to_owned()))
    );
}

#[test]
fn what_no_viewer_could_draw_never_reaches_one() {
    let (mut one, mut other, now) = shown(CASE);
    let spoiled: [fn(&mut PresentedViewport); 6] = [
        |view| view.height = -1.0,
        |view| view.center[0] = 1e9,
        |view| view.instance = "../../etc".to_owned(),
        |view| view.frame = 0,
        |view| view.voi = PresentedVoi::Window { center: 0.0, width: 0.0, function: VoiFunction::Linear },
        |view| view.plane = Some(PresentedPlane { origin: [0.0; 3], row: [2.0, 0.0, 0.0], column: [0.0, 1.0, 0.0] }),
    ];
    for (step, spoil) in spoiled.into_iter().enumerate() {
        let at = now + ms(200 * (u64::try_from(step).expect("few") + 1));
        let mut shown = axial(1);
        shown.views.iter_mut().for_each(spoil);
        one.showing.show("p-1", shown, at);
        one.showing.tick(at + ms(100));
        other.hears(&one.says(), at + ms(100));
        other.says();
        let drawn = other.told.last().map(|last| last.views.as_slice());
        let sound = |view: &PresentedViewport| view.instance == "1.2.3.0" && view.height == 210.0;
        assert!(drawn.is_some_and(|views| views.iter().all(sound)), "spoiled {step}: {drawn:?}");
    }
}

#[test]
fn a_field_higher_than_a_person_is_cut_to_what_a_viewer_takes() {
    let (mut one, mut other, now) = shown(CASE);
    let mut shown = axial(0);
    shown.views[0].height = 90_000.0;
    one.showing.show("p-1", shown, now + ms(20));
    other.hears(&one.says(), now + ms(20));
    other.says();
    assert_eq!(other.told.last().map(|last| last.views[0].height), Some(5_000.0));
}
