//! Sound and picture.

use super::Place;
use super::browser::{Browser, Colors};
use super::devices::{ONE, turned_on};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::round::MediaKey;
use rounds::{Encryption, Event};
use rounds_proto::frame::{Codec, FrameKey, Material};
use rounds_proto::signal::{Fact, OwnFact, Step, TrackFact, View};
use serde_json::{Value, json};

on_each_media_server! {
    two_of_ours_see_and_hear_each_other,
    a_track_that_is_muted_and_opened_again_is_told_and_goes_on,
    who_shows_a_picture_small_gets_a_small_one,
}

on_each_media_server! {
    with a browser:
    a_browser_sees_and_hears_ours_encrypted,
    who_comes_later_sees_a_picture_of_three_sizes_at_once,
    another_key_opens_neither_picture_nor_sound,
    a_track_that_ends_and_another_in_its_place_are_told_apart,
    a_browser_s_encrypted_picture_and_sound_arrive_in_clear,
}

/// SMPTE's bars at 75 %, as our camera shows them.
pub(super) const BARS: Colors = [[191, 191, 191], [0, 191, 191], [0, 191, 0], [191, 0, 191], [0, 0, 191]];
const HZ: i64 = 440;

/// A key for both: as ours takes it, and as the browser does.
pub(super) fn key() -> (FrameKey, Value) {
    let secret: [u8; 32] = rand::random();
    let key = Material::from_key(&MediaKey::new(0, secret.to_vec()).expect("32 bytes")).frame_key();
    (key, json!({ "key": STANDARD.encode(secret) }))
}

async fn a_browser_sees_and_hears_ours_encrypted(place: Place) {
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

async fn who_comes_later_sees_a_picture_of_three_sizes_at_once(place: Place) {
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

async fn another_key_opens_neither_picture_nor_sound(place: Place) {
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

async fn two_of_ours_see_and_hear_each_other(place: Place) {
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

async fn a_track_that_ends_and_another_in_its_place_are_told_apart(place: Place) {
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

async fn a_browser_s_encrypted_picture_and_sound_arrive_in_clear(place: Place) {
    let (key, how) = key();
    let browser = Browser::joins(&place, "bussard", &how).await;
    browser.does(json!({ "do": "publish", "video": true, "audio": true })).await;
    let mut ours = place.joins("adler", Encryption::Shared(key));
    ours.comes_in().await;
    let first = ours.looks("the first picture", |picture| Some(picture.clone())).await;
    // Of what was shown before some packets may have come, which is a gap before it.
    assert!(first.key, "it begins with one that depends on no other");
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

async fn a_track_that_is_muted_and_opened_again_is_told_and_goes_on(place: Place) {
    let (key, _) = key();
    let mut one = place.joins("adler", Encryption::Shared(key.clone()));
    one.comes_in().await;
    let mut other = place.joins("bussard", Encryption::Shared(key));
    other.comes_in().await;
    let _devices = turned_on(&one.round, true, &ONE).await;
    let track = other.looks("a picture", |picture| Some(picture.track.clone())).await;
    for muted in [true, false] {
        // What comes between being opened again and being told so belongs to what is looked for.
        while !muted && other.received.pictures.try_recv().is_ok() {}
        one.round.mute("camera", muted).await;
        other
            .sees("that it is muted, or no longer", |event| {
                let Event::Fact(Fact::Track { track: which, what: TrackFact::Muted(now), .. }) = event else {
                    return None;
                };
                (*which == track && *now == muted).then_some(())
            })
            .await;
    }
    other.looks("a picture that depends on no other", |picture| picture.key.then_some(())).await;
    one.leaves().await;
    other.leaves().await;
}

async fn who_shows_a_picture_small_gets_a_small_one(place: Place) {
    let (key, _) = key();
    let mut one = place.joins("adler", Encryption::Shared(key.clone()));
    one.comes_in().await;
    let mut other = place.joins("bussard", Encryption::Shared(key));
    other.comes_in().await;
    let sizes = [(Step::Low, 160, 90, 100_000), (Step::Medium, 320, 180, 180_000), (Step::High, 640, 360, 450_000)];
    let _devices = turned_on(&one.round, true, &sizes).await;
    let mut decoder = codec::vp8::Decoder::new();
    let mut track = String::new();
    for (width, height) in [(640, 360), (160, 90), (320, 180), (640, 360)] {
        if !track.is_empty() {
            let view = View { shown: true, step: Step::High, width, height, fps: 0, priority: 0 };
            other.round.view(&track, view).await;
        }
        other
            .looks("a picture of the wished size", |picture| {
                picture.track.clone_into(&mut track);
                let shown = decoder.decode(&picture.bytes).ok().flatten()?;
                ((shown.width(), shown.height()) == (u16::try_from(width).ok()?, u16::try_from(height).ok()?))
                    .then_some(())
            })
            .await;
    }
    let view = View { shown: true, step: Step::High, width: 160, height: 90, fps: 0, priority: 0 };
    other.round.view(&track, view).await;
    one.sees("that the larger ones need not be sent", |event| {
        let Event::Fact(Fact::Own { what: OwnFact::Wanted(wanted), .. }) = event else { return None };
        wanted.iter().any(|codec| codec.low && !codec.medium && !codec.high).then_some(())
    })
    .await;
    one.leaves().await;
    other.leaves().await;
}
