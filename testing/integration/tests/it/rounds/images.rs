//! Images that one desk shows in a round and another one follows: who shows, what of it arrives, and what nobody gets to
//! see without wanting to.

use super::Server;
use super::desks::{Two, asks, comes_in, held_on, partner, sees, two_about};
use contract::{
    FailureCode, NotSeen, Presentation, PresentedCase, PresentedMark, PresentedPlane, PresentedPointer, PresentedShape,
    PresentedViewport, PresentedVoi, Request, RoundStep, SeenView, VoiFunction,
};
use testkit::DeskKit;

const PATIENT: &str = "pat-auenwald";
const ANOTHER: &str = "pat-birkenlicht";

/// Image 1 and the following of a stack, with the pointer on it.
fn at(image: u32) -> Presentation {
    let z = -420.5 + 2.5 * f64::from(image);
    Presentation {
        layout: "1x2".to_owned(),
        active: 0,
        views: vec![PresentedViewport {
            place: 0,
            study: "2.25.1".to_owned(),
            series: "2.25.2~2".to_owned(),
            instance: format!("2.25.3.{image}"),
            frame: 1,
            plane: Some(PresentedPlane { origin: [-180.0, -180.0, z], row: [1.0, 0.0, 0.0], column: [0.0, 1.0, 0.0] }),
            center: [-40.0, -26.0, z],
            height: 210.5,
            voi: PresentedVoi::Window { center: 40.0, width: 400.0, function: VoiFunction::Linear },
            inverted: false,
            flipped: [true, false],
            turns: 3,
        }],
        pointer: Some(PresentedPointer { place: 0, at: [-40.25, -26.125, z] }),
        marks: Vec::new(),
    }
}

/// With a length of 23.5 mm on it.
fn measured(mut shown: Presentation) -> Presentation {
    let (instance, z) = (shown.views[0].instance.clone(), shown.views[0].center[2]);
    shown.marks.push(PresentedMark {
        id: "m1".to_owned(),
        instance,
        frame: 1,
        shape: PresentedShape::Length { from: [-40.0, -26.0, z], to: [-16.5, -26.0, z] },
        text: "23,5 mm".to_owned(),
    });
    shown
}

/// As soon as the page offers it, which is when this device knows itself among the members.
async fn presents(desk: &DeskKit, patient: &str) {
    sees(desk, "that it may show", |round| round.may_present.then_some(())).await;
    asks(desk, RoundStep::Present { patient: patient.to_owned() }).await;
}

async fn shows(desk: &DeskKit, patient: &str, presentation: Presentation) {
    asks(desk, RoundStep::Show { patient: patient.to_owned(), presentation }).await;
}

async fn shown(desk: &DeskKit, what: &str, expected: &Presentation) {
    desk.eventually(what, |seen| {
        let shown = seen.presented.as_ref().filter(|shown| shown.patient == PATIENT)?;
        (&shown.presentation == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_shows_of_the_conversations_case_another_sees_as_it_moves() {
    follow(Server::Own).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_shows_on_livekit_another_sees_as_it_moves() {
    follow(Server::LiveKit).await;
}

async fn follow(server: Server) {
    let Some(rounds) = held_on(server) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, Some(PATIENT)).await;
    comes_in(one, room, false).await;
    presents(one, PATIENT).await;
    let own = sees(one, "that one shows", |round| round.presenting.clone());
    assert_eq!((own.await.here, one.seen().presented), (true, None), "and nothing is shown to oneself");
    shows(one, PATIENT, at(1)).await;

    // Who comes later is told.
    comes_in(other, room, false).await;
    shown(other, "what is shown", &at(1)).await;
    let presenting = sees(other, "who shows", |round| {
        let presenting = round.presenting.clone()?;
        (presenting.case == PresentedCase::Open { patient: PATIENT.to_owned() })
            .then_some((presenting, round.may_present))
    });
    let (presenting, may_present) = presenting.await;
    let who = sees(other, "the other", |round| Some(partner(round)?.id.clone())).await;
    assert_eq!((presenting.person, presenting.here, may_present), (who, false, false), "one shows at a time");
    let refused = other.call(Request::Round { round: RoundStep::Present { patient: PATIENT.to_owned() } }).await;
    assert_eq!(refused.expect_err("it is refused").code, FailureCode::NotAllowed, "and nobody takes it");

    // Faster than they can be told; the last is what counts.
    for image in 2..=60 {
        shows(one, PATIENT, at(image)).await;
    }
    shown(other, "the last image", &at(60)).await;
    shows(one, PATIENT, measured(at(60))).await;
    shown(other, "what was measured", &measured(at(60))).await;
    let mut without = at(60);
    without.pointer = None;
    shows(one, PATIENT, without.clone()).await;
    shown(other, "that pointer and length are gone", &without).await;

    let seen = SeenView { why: Some(NotSeen::Loading), done: 87, of: 135 };
    asks(other, RoundStep::Seen { seen }).await;
    sees(one, "how far the other is", |round| {
        round.presenting.as_ref()?.watching.iter().any(|watching| watching.seen == seen).then_some(())
    })
    .await;

    let person = sees(one, "the other", |round| Some(partner(round)?.id.clone())).await;
    asks(one, RoundStep::HandOver { person }).await;
    sees(other, "that it is to show", |round| round.presenting.as_ref().filter(|it| it.here).map(drop)).await;
    asks(other, RoundStep::Present { patient: PATIENT.to_owned() }).await;
    shows(other, PATIENT, at(7)).await;
    shown(one, "what the other shows", &at(7)).await;
    asks(other, RoundStep::StopPresenting).await;
    for desk in [one, other] {
        sees(desk, "that nobody shows", |round| (round.presenting.is_none() && round.may_present).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_case_than_the_conversations_is_shown_to_nobody_who_has_not_said_so() {
    let Some(rounds) = held_on(Server::Own) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, Some(PATIENT)).await;
    comes_in(one, room, false).await;
    comes_in(other, room, false).await;
    presents(one, ANOTHER).await;
    shows(one, ANOTHER, at(1)).await;
    let number = sees(other, "a question", |round| match round.presenting.as_ref()?.case {
        PresentedCase::Asking { number } => Some(number),
        PresentedCase::Coming | PresentedCase::Opening | PresentedCase::Open { .. } | PresentedCase::Closed { .. } => {
            None
        }
    })
    .await;
    sees(one, "that the other does not see it", |round| {
        let watching = &round.presenting.as_ref()?.watching;
        watching.iter().any(|it| it.seen.why == Some(NotSeen::Aside)).then_some(())
    })
    .await;
    assert_eq!(other.seen().presented, None, "nothing of it came to the page");
    asks(other, RoundStep::OpenPresentedCase { number }).await;
    let seen = other.eventually("what is shown", |seen| seen.presented.clone()).await;
    assert_eq!((seen.patient.as_str(), seen.presentation), (ANOTHER, at(1)));
    // A page that is at another patient already says nothing of this one's case.
    shows(one, PATIENT, at(9)).await;
    shows(one, ANOTHER, at(2)).await;
    let next = |seen: &testkit::Seen| seen.presented.clone().filter(|seen| seen.presentation != at(1));
    let seen = other.eventually("the next image", next).await;
    assert_eq!((seen.patient.as_str(), seen.presentation), (ANOTHER, at(2)), "and nothing between");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presenter_who_leaves_shows_nothing_any_more() {
    let Some(rounds) = held_on(Server::Own) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, Some(PATIENT)).await;
    comes_in(one, room, false).await;
    comes_in(other, room, false).await;
    presents(one, PATIENT).await;
    shows(one, PATIENT, at(1)).await;
    shown(other, "what is shown", &at(1)).await;
    asks(one, RoundStep::Leave).await;
    sees(other, "that nobody shows", |round| (round.presenting.is_none() && round.may_present).then_some(())).await;
}
