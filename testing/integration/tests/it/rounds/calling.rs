//! Whoever begins a round calls the others of the conversation: what they see of it, and what they answer.

use super::desks::{Two, asks, comes_in, partner, sees, two_about};
use contract::{RoundCallView, RoundStep};
use sandbox::Rounds;
use testkit::{DeskKit, Seen};

async fn call(desk: &DeskKit) -> RoundCallView {
    desk.eventually("a call", |seen| seen.rounds.as_ref()?.calls.first().cloned()).await
}

async fn no_call(desk: &DeskKit, what: &str) {
    desk.eventually(what, |seen| seen.rounds.as_ref()?.calls.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_begins_a_round_calls_and_hears_who_does_not_come_until_they_do() {
    let Two { one, other, room, .. } = &two_about(Rounds::Here, None).await;
    comes_in(one, room, false).await;
    let RoundCallView { conversation, direct, person, .. } = call(other).await;
    assert_eq!((conversation.as_str(), direct, person.own), (room.as_str(), true, false), "for them alone");

    asks(other, RoundStep::Decline { conversation: room.clone() }).await;
    no_call(other, "that it is silent").await;
    let declined = sees(one, "who does not come", |round| round.declined.first().cloned()).await;
    assert!(!declined.own, "it is the other");

    comes_in(other, room, false).await;
    sees(one, "that they have come after all", |round| {
        partner(round)?;
        round.declined.is_empty().then_some(())
    })
    .await;
    // Who comes into a round that goes on calls nobody: it would be seen by whoever is in it no longer.
    asks(one, RoundStep::Leave).await;
    one.eventually("that the other is there alone", |seen| {
        let rounds = seen.rounds.as_ref().filter(|rounds| rounds.round.is_none())?;
        rounds.running.iter().any(|round| round.people.len() == 1).then_some(())
    })
    .await;
    assert_eq!(one.seen().rounds.expect("it was told").calls, [], "nor did they call back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_over_when_it_was_followed_or_whoever_called_has_left() {
    let Two { one, other, room, .. } = &two_about(Rounds::Here, Some("pat-auenwald")).await;
    comes_in(one, room, false).await;
    // A call may be heard before the desk knows of which case the conversation is.
    let of_case = |seen: &Seen| {
        let call = seen.rounds.as_ref()?.calls.first()?;
        call.patient.is_some().then(|| call.clone())
    };
    let RoundCallView { direct, patient, name, .. } = other.eventually("a call of the case", of_case).await;
    assert_eq!((direct, patient.as_deref(), name.as_str()), (false, Some("pat-auenwald"), "Fall 1"), "of the case");
    comes_in(other, room, false).await;
    no_call(other, "that it was followed").await;
    asks(other, RoundStep::Leave).await;
    asks(one, RoundStep::Leave).await;
    for desk in [one, other] {
        desk.eventually("that nobody is there", |seen| seen.rounds.as_ref()?.running.is_empty().then_some(())).await;
    }

    comes_in(one, room, false).await;
    let again = call(other).await;
    assert_eq!(again.conversation, *room, "called once more");
    asks(one, RoundStep::Leave).await;
    no_call(other, "that whoever called has left").await;
}
