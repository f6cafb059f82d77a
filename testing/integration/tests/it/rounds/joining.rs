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

on_each_media_server! {
    a_second_join_under_the_same_name_ends_the_first,
    a_token_that_is_none_ends_the_join_and_says_so,
}

on_each_media_server! {
    with a browser:
    who_joins_is_seen_by_the_others_and_who_leaves_is_gone,
    who_comes_later_knows_who_is_there_and_hears_who_goes,
    words_go_both_ways_encrypted,
}

async fn who_joins_is_seen_by_the_others_and_who_leaves_is_gone(place: Place) {
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

async fn who_comes_later_knows_who_is_there_and_hears_who_goes(place: Place) {
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

async fn a_second_join_under_the_same_name_ends_the_first(place: Place) {
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

async fn a_token_that_is_none_ends_the_join_and_says_so(place: Place) {
    let forged = Place { secret: "another secret, which is long enough".to_owned(), ..place.clone() };
    let stranger = Place { key: "another".to_owned(), ..place.clone() };
    let video = json!({ "room": place.room, "roomJoin": true });
    // The second of 1970 and of 2106: over, and not yet begun.
    let over = json!({ "iss": place.key, "sub": "adler", "nbf": 0, "exp": 1, "video": video });
    let early = json!({ "iss": place.key, "sub": "adler", "nbf": 4_294_967_294_u32, "exp": u32::MAX, "video": video });
    let endless = json!({ "iss": place.key, "sub": "adler", "exp": u32::MAX, "video": video });
    let nobody = place.signed("none", &endless);
    let unsigned = nobody.rsplit_once('.').map(|(signed, _)| format!("{signed}.")).expect("three parts");
    for (token, reason) in [
        (forged.token("adler"), Reason::TokenRefused),
        (stranger.token("adler"), Reason::TokenRefused),
        (place.token_with("adler", &json!({ "roomJoin": false })), Reason::TokenRefused),
        (place.signed("HS256", &over), Reason::TokenRefused),
        (place.signed("HS256", &early), Reason::TokenRefused),
        (nobody, Reason::TokenRefused),
        (unsigned, Reason::TokenRefused),
        ("no.token.at.all".to_owned(), Reason::TokenRefused),
    ] {
        let mut ours = Ours::of(place.options(token, Encryption::None));
        let why = ours.sees("the end", |event| {
            let Event::Fact(Fact::Left(reason)) = event else { return None };
            Some(*reason)
        });
        assert_eq!(why.await, reason, "what the server says of it");
    }
}

async fn words_go_both_ways_encrypted(place: Place) {
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
        (member("bussard"), "konsil.point", &b"0.5 0.5"[..]),
        "as they were said, and by whom"
    );
    ours.sees("that the browser is encrypted", |event| {
        let Event::Standing(all) = event else { return None };
        all.contains(&(member("bussard"), State::Encrypted)).then_some(())
    })
    .await;
    ours.leaves().await;
}
