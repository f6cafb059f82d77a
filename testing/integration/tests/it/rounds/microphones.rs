//! When a desk's microphone is open and when it is not: behind a lock, signed out, and after a round was left.

use super::Server;
use super::desks::{Two, asks, comes_in, done, held_on, partner, sees, two_about};
use contract::{FailureCode, OwnMediaView, Request, RoundAdvice, RoundStep, RoundView, SessionView};
use futures_util::future::join_all;
use testkit::{DeskKit, PATIENCE};
use tokio::time::timeout;

async fn closes(desk: &DeskKit) {
    let closed = timeout(PATIENCE, async { while desk.hears().await {} });
    assert!(closed.await.is_ok(), "the microphone closes");
}

fn check() -> Request {
    Request::Round { round: RoundStep::Check { listen: false } }
}

/// Begins a check of the microphone, and asks for it until that is open.
async fn is_checked(desk: &DeskKit) {
    let opens = timeout(PATIENCE, async {
        while !desk.hears().await {
            desk.call(check()).await.expect("there is no round");
        }
    });
    assert!(opens.await.is_ok(), "the microphone opens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_out_while_they_speak_is_not_listened_to_any_more() {
    let Some(rounds) = held_on(Server::Own) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, None).await;
    comes_in(one, room, false).await;
    comes_in(other, room, false).await;
    assert!(!other.hears().await, "nobody listens before it is wanted");
    asks(other, RoundStep::SetMicrophone { on: true }).await;
    sees(one, "that the other speaks", |round| partner(round)?.speaking.then_some(())).await;
    assert!(other.hears().await, "by the microphone");
    done(other, Request::SignOut).await;
    closes(other).await;
    sees(one, "that the other is gone", |round| (round.people.len() == 1).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_ends_with_a_lock_and_with_a_sign_out_and_none_begins_after_them() {
    let Some(rounds) = held_on(Server::Own) else { return };
    let Two { one, other, .. } = &two_about(rounds, None).await;
    for (desk, end, code) in
        [(one, Request::Lock, FailureCode::Locked), (other, Request::SignOut, FailureCode::SessionEnded)]
    {
        is_checked(desk).await;
        done(desk, end).await;
        closes(desk).await;
        for asked in [check(), Request::Round { round: RoundStep::CheckCamera }] {
            let refused = desk.call(asked).await;
            assert_eq!(refused.expect_err("nobody sits here").code, code, "nothing is opened for nobody");
        }
        assert!(!desk.hears().await, "it stays closed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_lock_nobody_listens_whether_somebody_speaks_while_muted_and_the_round_is_said_to_go_on() {
    let Some(rounds) = held_on(Server::Own) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, Some("pat-auenwald")).await;
    comes_in(one, room, false).await;
    comes_in(other, room, false).await;
    asks(other, RoundStep::SetMicrophone { on: true }).await;
    sees(one, "that the other is heard", |round| partner(round)?.speaking.then_some(())).await;
    asks(other, RoundStep::SetMicrophone { on: false }).await;
    sees(other, "that nobody hears them", |round| round.advice.contains(&RoundAdvice::SpeaksWhileMuted).then_some(()))
        .await;
    assert!(other.hears().await, "to notice that the microphone stays open");
    done(other, Request::Lock).await;
    closes(other).await;
    goes_on_behind_the_lock(other, true).await;
    sees(one, "that the other is there, and silent", |round| partner(round).filter(|it| it.muted).map(drop)).await;
    sees(one, "that they lead", |round| round.moderates.then_some(())).await;
    asks(one, RoundStep::EndForAll).await;
    goes_on_behind_the_lock(other, false).await;
    assert!(!other.hears().await, "and nobody has listened since");
}

async fn goes_on_behind_the_lock(desk: &DeskKit, goes_on: bool) {
    desk.eventually("what the locked screen says of the round", |seen| match seen.session.as_ref()? {
        SessionView::Locked { in_round, .. } => (*in_round == goes_on).then_some(()),
        SessionView::SignedOut { .. } | SessionView::Waiting { .. } | SessionView::SignedIn { .. } => None,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_wanted_before_a_round_was_left_is_not_done_after_it() {
    let Some(rounds) = held_on(Server::Own) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, None).await;
    comes_in(one, room, false).await;
    asks(other, RoundStep::Enter { conversation: room.clone(), camera: false }).await;
    // More than a round has room for while somebody comes in. Some of it finds no round any more.
    let wanted = (0..20).flat_map(|_| {
        [RoundStep::SetMicrophone { on: true }, RoundStep::SetCamera { on: true }, RoundStep::SetHand { up: true }]
    });
    let wanted = wanted.map(|step| other.call(Request::Round { round: step }));
    let (_answers, ()) = tokio::join!(join_all(wanted), asks(other, RoundStep::Leave));
    other.eventually("that there is no round", |seen| seen.rounds.as_ref()?.round.is_none().then_some(())).await;
    closes(other).await;
    sees(one, "that nobody else is there", |round| (round.people.len() == 1).then_some(())).await;

    comes_in(other, room, false).await;
    let as_they_came = |round: &RoundView| {
        let here = round.people.iter().find(|person| person.here)?;
        Some((round.microphone.clone(), round.camera.clone(), here.hand))
    };
    let nothing = (OwnMediaView::Off, OwnMediaView::Off, None);
    assert_eq!(sees(other, "themselves", as_they_came).await, nothing, "the next round begins with nothing of it");
    sees(one, "the other, as they came in", |round| {
        partner(round).filter(|it| it.muted && it.camera.is_none() && it.hand.is_none()).map(drop)
    })
    .await;
    assert!(!other.hears().await, "and with a closed microphone");
}
