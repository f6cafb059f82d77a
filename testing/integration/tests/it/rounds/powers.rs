//! What somebody with power over a room does to others from outside: LiveKit's `RoomService` by Twirp.

use super::Place;
use super::devices::{ONE, turned_on};
use super::media::key;
use crate::client::plain;
use rounds::{Encryption, Event};
use rounds_proto::signal::{Fact, OwnFact, Reason, ServerReason, TrackFact};
use serde_json::{Value, json};

on_each_media_server! {
    who_is_sent_out_is_told_and_so_are_the_others,
    who_is_muted_is_told_and_is_heard_no_more,
    nobody_without_power_over_the_room_sends_out_or_mutes,
}

/// Asks the server; gives its status.
async fn asks(place: &Place, token: &str, act: &str, request: &Value) -> u16 {
    let url = format!("{}/twirp/livekit.RoomService/{act}", place.address.replacen("ws", "http", 1));
    let answer = plain().post(url).bearer_auth(token).json(request).send().await.expect("the server answers");
    answer.status().as_u16()
}

fn leader(place: &Place) -> String {
    place.token_with("leads", &json!({ "roomJoin": false, "roomAdmin": true }))
}

async fn who_is_sent_out_is_told_and_so_are_the_others(place: Place) {
    // One after the other: LiveKit tells of whoever comes 3 s later at most, and not at all of whoever is gone by then.
    let mut one = place.joins("adler", Encryption::None);
    one.comes_in().await;
    let mut other = place.joins("bussard", Encryption::None);
    other.comes_in().await;
    let request = json!({ "room": place.room, "identity": "adler" });
    assert_eq!(asks(&place, &leader(&place), "RemoveParticipant", &request).await, 200, "whoever leads may");
    let why = one.sees("the end", |event| {
        let Event::Fact(Fact::Left(reason)) = event else { return None };
        Some(*reason)
    });
    assert_eq!(why.await, Reason::Server(ServerReason::Removed), "it is said why");
    other
        .sees("that it has gone", |event| {
            let Event::Fact(Fact::PersonLeft { identity, .. }) = event else { return None };
            (identity.as_str() == "adler").then_some(())
        })
        .await;
    assert_eq!(asks(&place, &leader(&place), "RemoveParticipant", &request).await, 404, "nobody is there any more");
    other.leaves().await;
}

async fn who_is_muted_is_told_and_is_heard_no_more(place: Place) {
    let (key, _) = key();
    let mut one = place.joins("adler", Encryption::Shared(key.clone()));
    one.comes_in().await;
    let mut other = place.joins("bussard", Encryption::Shared(key));
    other.comes_in().await;
    let _devices = turned_on(&one.round, true, &ONE).await;
    let track = other.listens("the tone", |sound| Some(sound.track.clone())).await;
    let request = json!({ "room": place.room, "identity": "adler", "trackSid": track, "muted": true });
    assert_eq!(asks(&place, &leader(&place), "MutePublishedTrack", &request).await, 200, "whoever leads may");
    one.sees("that it is muted", |event| {
        let Event::Fact(Fact::Own { cid, what: OwnFact::MutedByServer }) = event else { return None };
        (cid == "microphone").then_some(())
    })
    .await;
    other
        .sees("that the other is muted", |event| {
            let Event::Fact(Fact::Track { track: which, what: TrackFact::Muted(true), .. }) = event else {
                return None;
            };
            (*which == track).then_some(())
        })
        .await;
    // What was under way comes before the next pictures.
    while other.received.pictures.try_recv().is_ok() {}
    other.shows("two pictures", 2).await;
    while other.received.sounds.try_recv().is_ok() {}
    other.shows("pictures, which go on", 20).await;
    assert!(other.received.sounds.try_recv().is_err(), "but no sound");
    one.leaves().await;
    other.leaves().await;
}

async fn nobody_without_power_over_the_room_sends_out_or_mutes(place: Place) {
    let mut one = place.joins("adler", Encryption::None);
    one.comes_in().await;
    let elsewhere = Place { room: "another".to_owned(), ..place.clone() };
    let forged = Place { secret: "another secret, which is long enough".to_owned(), ..place.clone() };
    let request = json!({ "room": place.room, "identity": "adler", "trackSid": "TR_x", "muted": true });
    for act in ["RemoveParticipant", "MutePublishedTrack"] {
        for token in [place.token("bussard"), leader(&elsewhere), leader(&forged)] {
            assert_eq!(asks(&place, &token, act, &request).await, 401, "{act}");
        }
    }
    let other = place.joins("bussard", Encryption::None);
    one.sees("another, since it is still there", |event| {
        let Event::Fact(Fact::Person(person)) = event else { return None };
        (person.identity.as_str() == "bussard").then_some(())
    })
    .await;
    one.leaves().await;
    other.leaves().await;
}
