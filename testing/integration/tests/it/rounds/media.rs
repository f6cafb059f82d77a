//! Sound and picture.

use super::Place;
use super::browser::{Browser, Colors};
use super::devices::{ONE, turned_on};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::round::MediaKey;
use rounds::Encryption;
use rounds_proto::frame::{Codec, FrameKey, Material};
use rounds_proto::signal::Step;
use serde_json::{Value, json};

/// SMPTE's bars at 75 %, as our camera shows them.
pub(super) const BARS: Colors = [[191, 191, 191], [0, 191, 191], [0, 191, 0], [191, 0, 191], [0, 0, 191]];
const HZ: i64 = 440;

/// A key for both: as ours takes it, and as the browser does.
pub(super) fn key() -> (FrameKey, Value) {
    let secret: [u8; 32] = rand::random();
    let key = Material::from_key(&MediaKey::new(0, secret.to_vec()).expect("32 bytes")).frame_key();
    (key, json!({ "key": STANDARD.encode(secret) }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_sees_and_hears_ours_encrypted() {
    let Some(place) = Place::new() else { return };
    let (key, how) = key();
    let browser = Browser::joins(&place, "bussard", &how).await;
    let mut ours = place.joins("adler", Encryption::Shared(key));
    ours.comes_in().await;
    let _devices = turned_on(&ours.round, true, &ONE).await;
    browser.sees("adler", &BARS).await;
    browser.hears("adler", HZ).await;
    let tracks = browser.does(json!({ "do": "tracks" })).await;
    let tracks = tracks.as_array().expect("a list");
    assert_eq!(tracks.len(), 2, "{tracks:?}");
    assert!(tracks.iter().all(|track| track["encrypted"] == true), "{tracks:?}");
    assert_eq!(browser.does(json!({ "do": "errors" })).await, json!([]), "nothing went wrong");
    ours.leaves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_later_sees_a_picture_of_three_sizes_at_once() {
    let Some(place) = Place::new() else { return };
    let (key, how) = key();
    let mut ours = place.joins("adler", Encryption::Shared(key));
    ours.comes_in().await;
    let sizes = [(Step::Low, 160, 90, 100_000), (Step::Medium, 320, 180, 180_000), (Step::High, 640, 360, 450_000)];
    let _devices = turned_on(&ours.round, true, &sizes).await;
    let browser = Browser::joins(&place, "bussard", &how).await;
    browser.sees("adler", &BARS).await;
    let widest = json!({ "do": "pixels", "who": "adler" });
    browser.until("the largest", widest, |picture| (picture["width"] == 640).then_some(())).await;
    ours.leaves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_opens_neither_picture_nor_sound() {
    let Some(place) = Place::new() else { return };
    let ((_, theirs), (ours, _)) = (key(), key());
    let browser = Browser::joins(&place, "bussard", &theirs).await;
    browser.does(json!({ "do": "publish", "video": true, "audio": true })).await;
    let mut ours = place.joins("adler", Encryption::Shared(ours));
    ours.comes_in().await;
    let _devices = turned_on(&ours.round, true, &ONE).await;
    ours.sees("that the key does not fit", |event| {
        let rounds::Event::Standing(all) = event else { return None };
        all.contains(&(super::member("bussard"), rounds_proto::frame::State::Failed)).then_some(())
    })
    .await;
    let complaint = json!({ "do": "errors" });
    browser
        .until("the browser's complaint", complaint, |errors| {
            errors.as_array()?.iter().any(|error| error["what"] == "encryption").then_some(())
        })
        .await;
    assert_eq!(browser.does(json!({ "do": "pixels", "who": "adler" })).await, Value::Null, "no picture was drawn");
    assert!(ours.received.pictures.try_recv().is_err(), "and none came out here");
    assert!(ours.received.sounds.try_recv().is_err(), "nor any sound");
    ours.leaves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_ours_see_and_hear_each_other() {
    let Some(place) = Place::new() else { return };
    let (key, _) = key();
    let mut one = place.joins("adler", Encryption::Shared(key.clone()));
    one.comes_in().await;
    let mut other = place.joins("bussard", Encryption::Shared(key));
    other.comes_in().await;
    let _devices = (turned_on(&one.round, true, &ONE).await, turned_on(&other.round, true, &ONE).await);
    for ours in [&mut one, &mut other] {
        let mut decoder = codec::vp8::Decoder::new();
        let mut drawn = 0;
        ours.looks("ten pictures that can be drawn", |picture| {
            let shown = decoder.decode(&picture.bytes).expect("it is VP8").map(|shown| (shown.width(), shown.height()));
            drawn += usize::from(shown == Some((640, 360)));
            (drawn == 10).then_some(())
        })
        .await;
        let mut voice = codec::opus::Decoder::new().expect("a decoder");
        let mut heard = 0;
        ours.listens("the tone", |sound| {
            let samples = voice.decode(&sound.bytes).expect("it is Opus");
            heard += usize::from(samples.iter().any(|sample| sample.unsigned_abs() > 8_000));
            (heard == 20).then_some(())
        })
        .await;
    }
    one.leaves().await;
    other.leaves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_track_that_ends_and_another_in_its_place_are_told_apart() {
    let Some(place) = Place::new() else { return };
    let (key, how) = key();
    let mut ours = place.joins("adler", Encryption::Shared(key));
    ours.comes_in().await;
    for identity in ["bussard", "falke"] {
        let browser = Browser::joins(&place, identity, &how).await;
        browser.does(json!({ "do": "publish", "video": true })).await;
        let track = ours.track_of(identity).await;
        ours.looks("the picture of who is there", |picture| (picture.track == track).then_some(())).await;
        browser.does(json!({ "do": "leave" })).await;
        ours.sees("that it has gone", |event| {
            matches!(event, rounds::Event::Fact(rounds_proto::signal::Fact::PersonLeft { .. })).then_some(())
        })
        .await;
    }
    ours.leaves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_s_encrypted_picture_and_sound_arrive_in_clear() {
    let Some(place) = Place::new() else { return };
    let (key, how) = key();
    let browser = Browser::joins(&place, "bussard", &how).await;
    browser.does(json!({ "do": "publish", "video": true, "audio": true })).await;
    let mut ours = place.joins("adler", Encryption::Shared(key));
    ours.comes_in().await;
    let first = ours.looks("the first picture", |picture| Some(picture.clone())).await;
    assert!(first.key && !first.gap, "it begins with one that depends on no other");
    assert_eq!(first.codec, Codec::Vp8, "as we offered it");
    // RFC 6386 §9.1: the start code of a key frame.
    assert_eq!(first.bytes.get(3..6), Some(&[0x9d, 0x01, 0x2a][..]), "and it is one, in clear");
    let mut shown = 0;
    ours.looks("twenty pictures", |picture| {
        shown += usize::from(picture.track == first.track);
        (shown == 20).then_some(())
    })
    .await;
    let mut heard = 0;
    ours.listens("fifty packets of sound", |sound| {
        heard += usize::from(!sound.bytes.is_empty());
        (heard == 50).then_some(())
    })
    .await;
    ours.leaves().await;
}
