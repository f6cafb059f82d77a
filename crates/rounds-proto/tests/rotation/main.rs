//! Whose key opens what: scripts of coming and leaving. The expected moments are those of Element Call's own rules.

use model::round::MemberId;
use rounds_proto::rotation::{AGAIN, AHEAD, PAUSE, Rotation, Step, YOUNG};
use std::collections::BTreeSet;
use std::time::Duration;

const START: Duration = Duration::from_secs(100);

fn id(name: &str) -> MemberId {
    MemberId::parse(&format!("@{name}:klinikum.example:KONSIL01")).expect("a name")
}

fn those(names: &[&str]) -> BTreeSet<MemberId> {
    names.iter().map(|name| id(name)).collect()
}

/// Alone in the round, with the first key in force since [`START`].
fn began(members: &[&str]) -> Rotation {
    let mut rotation = Rotation::new();
    rotation.set_members(START, &those(members));
    rotation.begin_anew();
    assert_eq!(rotation.next(START), Some(Step::Make { index: 0, to: those(members) }), "the first key");
    rotation.sent(START, 0);
    assert_eq!(rotation.next(START), Some(Step::Use { index: 0 }), "without one nothing leaves");
    assert_eq!(rotation.next(START), None, "that is all");
    rotation
}

#[test]
fn nothing_is_made_before_something_may_be_sent() {
    let mut rotation = Rotation::new();
    rotation.set_members(START, &those(&["adler", "bussard"]));
    assert_eq!(rotation.next(START), None, "one only looks");
    assert_eq!(rotation.wake(), None, "and nothing is awaited");
}

#[test]
fn who_leaves_does_not_get_the_next_key_which_is_used_a_second_after_it_went_out() {
    let mut rotation = began(&["adler", "bussard"]);
    rotation.set_members(START, &those(&["adler"]));
    assert_eq!(rotation.next(START), Some(Step::Make { index: 1, to: those(&["adler"]) }), "however young the last is");
    let sent = START + Duration::from_millis(300);
    rotation.sent(sent, 1);
    assert_eq!(rotation.next(sent), None, "it lies with the others first");
    assert_eq!(rotation.wake(), Some(sent + AHEAD), "for a second");
    assert_eq!(rotation.next(sent + AHEAD), Some(Step::Use { index: 1 }), "then it is in force");
}

#[test]
fn who_comes_gets_a_young_key_and_a_new_one_where_it_is_old() {
    let mut rotation = began(&["adler"]);
    let young = START + YOUNG - Duration::from_millis(1);
    rotation.set_members(young, &those(&["adler", "bussard"]));
    assert_eq!(rotation.next(young), Some(Step::Hand { index: 0, to: those(&["bussard"]) }), "only the newcomer");
    let old = START + YOUNG;
    rotation.set_members(old, &those(&["adler", "bussard", "falke"]));
    let to = those(&["adler", "bussard", "falke"]);
    assert_eq!(rotation.next(old), Some(Step::Make { index: 1, to }), "nothing from before is opened by it");
}

#[test]
fn of_many_changes_at_once_one_key_comes() {
    let mut rotation = began(&["adler", "bussard", "falke"]);
    rotation.set_members(START, &those(&["bussard", "falke"]));
    rotation.set_members(START, &those(&["falke"]));
    rotation.set_members(START, &those(&["falke", "milan"]));
    assert_eq!(rotation.next(START), Some(Step::Make { index: 1, to: those(&["falke", "milan"]) }), "one for all");
    assert_eq!(rotation.next(START), None, "and no other");
}

#[test]
fn who_left_while_a_key_went_out_has_it_no_longer_than_until_the_next() {
    let mut rotation = began(&["adler", "bussard"]);
    rotation.set_members(START + YOUNG, &those(&["adler", "bussard", "falke"]));
    let Some(Step::Make { index: 1, .. }) = rotation.next(START + YOUNG) else { panic!("a new key") };
    rotation.set_members(START + YOUNG, &those(&["adler", "falke"]));
    rotation.sent(START + YOUNG, 1);
    assert_eq!(
        rotation.next(START + YOUNG),
        Some(Step::Make { index: 2, to: those(&["adler", "falke"]) }),
        "the one that left had the last"
    );
    rotation.sent(START + YOUNG, 2);
    let then = START + YOUNG + AHEAD;
    assert_eq!(rotation.next(then), Some(Step::Use { index: 1 }), "in their order");
    assert_eq!(rotation.next(then), Some(Step::Use { index: 2 }), "and the last one stays");
    assert_eq!(rotation.next(then), None, "that is all");
}

#[test]
fn whoever_asks_gets_the_key_again_but_not_at_each_question_and_no_stranger() {
    let mut rotation = began(&["adler"]);
    rotation.asked(START, &id("adler"));
    assert_eq!(rotation.next(START), Some(Step::Hand { index: 0, to: those(&["adler"]) }), "it was lost");
    rotation.asked(START + PAUSE - Duration::from_millis(1), &id("adler"));
    assert_eq!(rotation.next(START + PAUSE), None, "the answer may be on its way");
    rotation.asked(START + PAUSE, &id("adler"));
    assert!(rotation.next(START + PAUSE).is_some(), "it did not come");
    rotation.asked(START + PAUSE, &id("habicht"));
    assert_eq!(rotation.next(START + PAUSE), None, "who is not there gets nothing");
}

#[test]
fn a_key_that_did_not_go_out_is_never_used() {
    let mut rotation = began(&["adler", "bussard"]);
    rotation.set_members(START, &those(&["adler"]));
    let step = rotation.next(START).expect("a new key");
    rotation.failed(START, &step);
    assert_eq!(rotation.next(START), None, "not at once");
    assert_eq!(rotation.wake(), Some(START + AGAIN), "after a pause");
    assert_eq!(rotation.next(START + AGAIN), Some(Step::Make { index: 2, to: those(&["adler"]) }), "another one");
    assert_eq!(rotation.next(START + AGAIN + AHEAD), None, "the first was not used meanwhile");
}

#[test]
fn after_joining_anew_no_former_key_is_used() {
    let mut rotation = began(&["adler", "bussard"]);
    rotation.set_members(START, &those(&["adler"]));
    assert!(matches!(rotation.next(START), Some(Step::Make { index: 1, .. })), "a new key goes out");
    rotation.begin_anew();
    rotation.sent(START, 1);
    let later = START + AHEAD;
    assert_eq!(rotation.next(later), Some(Step::Make { index: 2, to: those(&["adler"]) }), "another is made first");
    rotation.sent(later, 2);
    assert_eq!(rotation.next(later), Some(Step::Use { index: 2 }), "and used at once, since none is in force");
}

#[test]
fn after_key_255_comes_key_0() {
    let mut rotation = began(&["adler"]);
    for index in (1..=u8::MAX).chain([0]) {
        rotation.begin_anew();
        assert_eq!(rotation.next(START), Some(Step::Make { index, to: those(&["adler"]) }), "rising by one");
        rotation.sent(START, index);
        assert_eq!(rotation.next(START), Some(Step::Use { index }), "each in its turn");
    }
}
