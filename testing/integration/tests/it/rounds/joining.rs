//! Coming, being seen, and leaving.

use super::browser::Browser;
use super::{Ours, Place, member};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::round::MediaKey;
use rounds::{Encryption, Event};
use rounds_proto::frame::{Material, State};
use rounds_proto::signal::{Fact, Reason, ServerReason};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_is_seen_by_the_others_and_who_leaves_is_gone() {
    let Some(place) = Place::new() else { return };
    let mut ours = place.joins("adler", Encryption::None);
    ours.comes_in().await;
    let browser = Browser::joins(&place, "bussard", &json!({})).await;
    let named = json!({ "do": "participants" });
    browser.until("our client", named.clone(), |people| (people[0]["who"] == "adler").then_some(())).await;
    ours.sees("the browser", |event| {
        let Event::Fact(Fact::Person(person)) = event else { return None };
        (person.identity.as_str() == "bussard").then_some(())
    })
    .await;
    ours.leaves().await;
    browser.until("that it has left", named, |people| (people.as_array()?.is_empty()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_later_knows_who_is_there_and_hears_who_goes() {
    let Some(place) = Place::new() else { return };
    let browser = Browser::joins(&place, "bussard", &json!({})).await;
    let mut ours = place.joins("adler", Encryption::None);
    let there = ours.sees("the round", |event| {
        let Event::Fact(Fact::Joined(joined)) = event else { return None };
        Some(joined.others.iter().map(|other| other.identity.as_str().to_owned()).collect::<Vec<_>>())
    });
    assert_eq!(there.await, ["bussard"], "whoever was there before");
    browser.does(json!({ "do": "leave" })).await;
    ours.sees("that it has gone", |event| matches!(event, Event::Fact(Fact::PersonLeft { .. })).then_some(())).await;
    ours.leaves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_join_under_the_same_name_ends_the_first() {
    let Some(place) = Place::new() else { return };
    let mut first = place.joins("adler", Encryption::None);
    first.comes_in().await;
    let mut second = place.joins("adler", Encryption::None);
    second.comes_in().await;
    let why = first.sees("the end", |event| {
        let Event::Fact(Fact::Left(reason)) = event else { return None };
        Some(*reason)
    });
    assert_eq!(why.await, Reason::Server(ServerReason::DuplicateIdentity), "it is said why");
    second.leaves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_none_ends_the_join_and_says_so() {
    let Some(place) = Place::new() else { return };
    let forged = Place { secret: "another secret, which is long enough".to_owned(), ..place.clone() };
    for (token, reason) in [
        (forged.token("adler"), Reason::TokenRefused),
        (place.token_with("adler", &json!({ "roomJoin": false })), Reason::TokenRefused),
    ] {
        let mut ours = Ours::of(place.options(token, Encryption::None));
        let why = ours.sees("the end", |event| {
            let Event::Fact(Fact::Left(reason)) = event else { return None };
            Some(*reason)
        });
        assert_eq!(why.await, reason, "what the server says of it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_go_both_ways_encrypted() {
    let Some(place) = Place::new() else { return };
    let secret: [u8; 32] = rand::random();
    let key = Material::from_key(&MediaKey::new(0, secret.to_vec()).expect("32 bytes")).frame_key();
    let browser = Browser::joins(&place, "bussard", &json!({ "key": STANDARD.encode(secret) })).await;
    let mut ours = place.joins("adler", Encryption::Shared(key));
    ours.comes_in().await;
    let heard = json!({ "do": "heard" });
    let named = json!({ "do": "participants" });
    browser.until("our client", named, |people| (people[0]["who"] == "adler").then_some(())).await;
    // A channel opens a moment after the connection.
    let text = "0.25 0.75";
    loop {
        if ours.round.say("konsil.point", text.as_bytes().to_vec(), true, Vec::new()).await.is_ok() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let word = browser.until("our words", heard, |words| words.get(0).cloned()).await;
    assert_eq!(word["text"], text, "as they were said");
    assert_eq!(word["who"], "adler", "by whom");
    assert_eq!(word["encrypted"], true, "and not in clear");
    browser.does(json!({ "do": "say", "topic": "konsil.point", "text": "0.5 0.5" })).await;
    let word = ours.sees("the browser's words", |event| {
        let Event::Word(word) = event else { return None };
        Some(word.clone())
    });
    let word = word.await;
    assert_eq!(
        (word.from, word.topic.as_str(), &word.payload[..]),
        (member("bussard"), "konsil.point", &b"0.5 0.5"[..])
    );
    ours.sees("that the browser is encrypted", |event| {
        let Event::Standing(all) = event else { return None };
        all.contains(&(member("bussard"), State::Encrypted)).then_some(())
    })
    .await;
    ours.leaves().await;
}
