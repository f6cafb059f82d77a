//! What a moderator of the conversation does to a round, and what nobody else can.

use super::Server;
use super::desks::{Two, asks, comes_in, held_on, partner, sees, two_about};
use contract::{
    FailureCode, MediaStopped, OwnMediaView, Request, RoundEnd, RoundKey, RoundPersonView, RoundPhase, RoundStep,
    RoundView,
};
use testkit::DeskKit;

fn ended(round: &RoundView) -> Option<RoundEnd> {
    match &round.phase {
        RoundPhase::Ended { why } => Some(why.clone()),
        RoundPhase::Entering { .. } | RoundPhase::In | RoundPhase::Reconnecting { .. } => None,
    }
}

/// The id of the other in the view of one.
async fn id_of_the_other(desk: &DeskKit) -> String {
    sees(desk, "the other", |round| {
        // The media server may name somebody before the conversation does.
        partner(round).filter(|it| it.key != RoundKey::Unassigned).map(|it| it.id.clone())
    })
    .await
}

async fn in_a_round() -> Option<Two> {
    let two = two_about(held_on(Server::Own)?, Some("pat-auenwald")).await;
    comes_in(&two.one, &two.room, false).await;
    comes_in(&two.other, &two.room, false).await;
    sees(&two.one, "that it moderates", |round| round.moderates.then_some(())).await;
    Some(two)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_muted_is_told_so_and_can_speak_again_by_themselves() {
    let Some(Two { one, other, .. }) = &in_a_round().await else { return };
    let speaks = |it: &&RoundPersonView| it.speaking && !it.muted;
    asks(other, RoundStep::SetMicrophone { on: true }).await;
    sees(one, "that the other speaks", |round| partner(round).filter(speaks).map(drop)).await;
    asks(one, RoundStep::Mute { person: id_of_the_other(one).await }).await;
    let stopped = OwnMediaView::Stopped { why: MediaStopped::ByServer };
    sees(other, "that it was muted", |round| (round.microphone == stopped).then_some(())).await;
    sees(one, "that the other is silent", |round| partner(round).filter(|it| it.muted).map(drop)).await;
    asks(other, RoundStep::SetMicrophone { on: true }).await;
    sees(one, "that the other speaks again", |round| partner(round).filter(speaks).map(drop)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_is_lowered_for_everybody() {
    let Some(Two { one, other, .. }) = &in_a_round().await else { return };
    // What the first one says is heard by whoever has their key.
    asks(one, RoundStep::SetHand { up: true }).await;
    sees(other, "the first one's hand", |round| (partner(round)?.hand == Some(1)).then_some(())).await;
    asks(one, RoundStep::SetHand { up: false }).await;
    asks(other, RoundStep::SetHand { up: true }).await;
    sees(one, "the hand", |round| (partner(round)?.hand == Some(1)).then_some(())).await;
    asks(one, RoundStep::LowerHand { person: id_of_the_other(one).await }).await;
    for desk in [one, other] {
        sees(desk, "no hand", |round| round.people.iter().all(|it| it.hand.is_none()).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_a_moderator_mutes_removes_or_ends() {
    let Some(Two { one, other, .. }) = &in_a_round().await else { return };
    let person = id_of_the_other(other).await;
    let steps = [
        RoundStep::Mute { person: person.clone() },
        RoundStep::LowerHand { person: person.clone() },
        RoundStep::Remove { person },
        RoundStep::EndForAll,
    ];
    for round in steps {
        let refused = other.call(Request::Round { round }).await;
        assert_eq!(refused.expect_err("it is not theirs").code, FailureCode::NotAllowed);
    }
    assert!(sees(one, "the round", |round| Some(ended(round).is_none())).await, "and it goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_that_is_ended_for_all_is_over_for_all_and_says_so() {
    let Some(Two { one, other, .. }) = &in_a_round().await else { return };
    // Their keys have to be there, or nobody hears that it ends.
    asks(other, RoundStep::SetHand { up: true }).await;
    sees(one, "the hand", |round| (partner(round)?.hand == Some(1)).then_some(())).await;
    asks(one, RoundStep::SetHand { up: true }).await;
    let both = |round: &RoundView| (round.people.iter().filter(|it| it.hand.is_some()).count() == 2).then_some(());
    sees(other, "both hands", both).await;
    asks(one, RoundStep::EndForAll).await;
    for desk in [one, other] {
        assert_eq!(sees(desk, "the end", ended).await, RoundEnd::Closed);
    }
    other.eventually("that nobody is there", |seen| seen.rounds.as_ref()?.running.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_removed_is_out_of_round_and_conversation_and_told_why() {
    let Some(Two { one, other, .. }) = &in_a_round().await else { return };
    asks(one, RoundStep::Remove { person: id_of_the_other(one).await }).await;
    assert_eq!(sees(other, "the end", ended).await, RoundEnd::Removed);
    sees(one, "that the other is gone", |round| (round.people.len() == 1).then_some(())).await;
}
