//! What keeps a person from being heard is found out and told, before a round and in it.

use super::desks::{Two, asks, comes_in, done, held_on, partner, sees, two_about};
use super::{Place, Server};
use contract::{
    FailureCode, OwnMediaView, Reply, Request, RoundAdvice, RoundPath, RoundPhase, RoundSightView, RoundStep,
    RoundWayView,
};
use sandbox::{Rounds, Sfu};
use std::time::Duration;
use testkit::{CAMERA, Condition, DeskKit, PATIENCE};
use tokio::time::timeout;
use zeroize::Zeroizing;

/// Asks until the answer is as wanted.
async fn until<T>(desk: &DeskKit, what: &str, step: &RoundStep, fits: impl Fn(Reply) -> Option<T>) -> T {
    let mut last = String::new();
    let found = timeout(PATIENCE, async {
        loop {
            let answer = desk.call(Request::Round { round: step.clone() }).await;
            last = format!("{answer:?}");
            if let Some(found) = answer.ok().and_then(&fits) {
                return found;
            }
        }
    });
    found.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}; at last: {last}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_speaks_while_muted_is_told_until_they_are_heard() {
    let Some(rounds) = held_on(Server::Own) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, None).await;
    comes_in(one, room, false).await;
    comes_in(other, room, false).await;
    asks(one, RoundStep::SetMicrophone { on: true }).await;
    sees(other, "that one is heard", |round| partner(round)?.speaking.then_some(())).await;
    asks(one, RoundStep::SetMicrophone { on: false }).await;
    let told = |muted: bool| {
        move |round: &contract::RoundView| {
            (round.advice.contains(&RoundAdvice::SpeaksWhileMuted) == muted).then_some(())
        }
    };
    sees(one, "that nobody hears them", told(true)).await;
    asks(one, RoundStep::SetMicrophone { on: true }).await;
    sees(one, "nothing of it any more", told(false)).await;
    let silent = other.seen().rounds.and_then(|view| view.round).expect("the round");
    assert_eq!(silent.advice, [], "whoever has not spoken yet has a closed microphone, and nothing is noticed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_sound_and_picture_travel_to_the_platforms_own_server_is_told() {
    travels(Server::Own).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_sound_and_picture_travel_to_livekit_is_told() {
    travels(Server::LiveKit).await;
}

async fn travels(server: Server) {
    let Some(rounds) = held_on(server) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, None).await;
    let outside = one.call(Request::Round { round: RoundStep::OpenWay }).await;
    assert_eq!(outside.expect_err("there is no round").code, FailureCode::NotFound, "before");
    comes_in(one, room, true).await;
    comes_in(other, room, true).await;
    sees(one, "the other", |round| partner(round)?.camera.map(drop)).await;
    let way = until(one, "all that is known of the way", &RoundStep::OpenWay, |answer| {
        let Reply::RoundWay(way) = answer else { return None };
        (way.path.is_some() && way.round_trip.is_some() && way.sends > 0 && way.receives > 0).then_some(way)
    });
    let RoundWayView { path, round_trip, sends_with_loss, server, carries, .. } = way.await;
    assert_eq!((path, server.as_str()), (Some(RoundPath::Udp), "127.0.0.1"), "by the shortest way");
    assert!(round_trip.is_some_and(|time| time < 200), "on this computer: {round_trip:?} ms");
    assert!(sends_with_loss < 0.05 && carries >= 60_000, "{sends_with_loss} of {carries}");
}

/// Both desks are on it.
async fn lossy(server: Server, camera: bool) {
    let Some(place) = Place::on(server).await else { return };
    let line = place.line().await;
    let sfu =
        Sfu { url: line.address().to_owned(), key: place.key.clone(), secret: Zeroizing::new(place.secret.clone()) };
    let Two { one, other, room, .. } = &two_about(Rounds::On(sfu), None).await;
    comes_in(one, room, camera).await;
    comes_in(other, room, false).await;
    asks(one, RoundStep::SetMicrophone { on: true }).await;
    sees(other, "that one is heard, and seen where they want to", |round| {
        let it = partner(round)?;
        (it.speaking && it.camera.is_some() == camera).then_some(())
    })
    .await;
    let delay = Duration::from_millis(10);
    line.set_up(Condition { loss: 0.15, delay, ..Condition::GOOD });
    let percent = sees(one, "that it is lost", |round| {
        round.advice.iter().find_map(|advice| match advice {
            RoundAdvice::SendsWithLoss { percent } => Some(*percent),
            RoundAdvice::SpeaksWhileMuted
            | RoundAdvice::MicrophoneSilent
            | RoundAdvice::Echo
            | RoundAdvice::MicrophoneClips
            | RoundAdvice::HearsWithLoss { .. }
            | RoundAdvice::NarrowWay
            | RoundAdvice::FewPictures => None,
        })
    });
    let percent = percent.await;
    assert!((5..=40).contains(&percent), "of 15: {percent}");
    line.set_up(Condition { delay, ..Condition::GOOD });
    sees(one, "that it is over", |round| round.advice.is_empty().then_some(())).await;
    let there = one.seen().rounds.and_then(|view| view.round).expect("the round");
    assert_eq!(there.phase, RoundPhase::In, "all the time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_seen_with_loss_on_the_platforms_own_server_is_told_how_much() {
    lossy(Server::Own, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_seen_with_loss_on_livekit_is_told_how_much() {
    lossy(Server::LiveKit, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_only_heard_with_loss_on_the_platforms_own_server_is_told_how_much() {
    lossy(Server::Own, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_a_round_a_person_sees_themselves_and_in_it_others_do() {
    let Some(rounds) = held_on(Server::Own) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, None).await;
    let sight = until(one, "the own picture", &RoundStep::CheckCamera, |answer| {
        let Reply::RoundSight(sight) = answer else { return None };
        sight.picture.is_some().then_some(sight)
    });
    let RoundSightView { camera, .. } = sight.await;
    assert_eq!(camera, OwnMediaView::On { device: Some(CAMERA.to_owned()) }, "by the camera");
    // The camera is free for the round at once.
    comes_in(one, room, true).await;
    let on = OwnMediaView::On { device: Some(CAMERA.to_owned()) };
    sees(one, "the same camera in the round", |round| (round.camera == on).then_some(())).await;
    comes_in(other, room, false).await;
    sees(other, "it", |round| partner(round)?.camera.map(drop)).await;
    let refused = one.call(Request::Round { round: RoundStep::CheckCamera }).await;
    assert_eq!(refused.expect_err("a round goes on").code, FailureCode::NotAllowed, "no second look");
    done(one, Request::Lock).await;
    let locked = one.call(Request::Round { round: RoundStep::CheckCamera }).await;
    assert_eq!(locked.expect_err("it is locked").code, FailureCode::Locked, "nor behind a lock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_there_is_named_with_what_they_are_and_where_they_work() {
    let Some(rounds) = held_on(Server::Own) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, None).await;
    comes_in(one, room, false).await;
    comes_in(other, room, false).await;
    let known = sees(one, "what the directory says of the other", |round| {
        let person = partner(round)?;
        Some((person.speciality.clone()?, person.house.clone()?))
    });
    // As the demonstration's recipe has it.
    assert_eq!(known.await, ("Radiologie".to_owned(), "Klinikum Eschenfurt".to_owned()), "by the directory");
}
