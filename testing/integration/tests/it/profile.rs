//! What lies in a profile, and who may open it.

use crate::{
    MODERATOR,
    bulk::{Way, frames},
    code,
    decision::written,
    images::opened_series,
    opened, place,
    platforms::on_each_platform,
};
use contract::{FailureCode, Reply, Request};
use std::{collections::BTreeSet, fs, path::Path};
use testkit::{DeskKit, Platform, find_in_files, phi};

on_each_platform![a_profile_holds_no_name_no_text_and_no_token_in_the_clear,];

async fn a_profile_holds_no_name_no_text_and_no_token_in_the_clear(platform: &Platform) {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    let text = "Vertrauliches Wort im Entwurf";
    written(&desk, "pat-mohnblatt", text).await;
    let _today = desk.call(Request::OpenToday).await.expect("today");
    let _list = desk.call(Request::OpenCases { query: "Mohnblatt".to_owned() }).await.expect("a list");
    let Ok(Reply::Diagnosis(diagnosis)) = desk.call(Request::Diagnose).await else { panic!("a diagnosis") };
    let kept = diagnosis.lines.iter().find(|line| line.key == "kept-cases").map(|line| line.value.as_str());
    assert_eq!(kept, Some("1"), "the case that was opened is kept");
    let series = opened_series(&desk, "FDG-PET/CT", "CT AC 3,75 mm").await;
    let frames = frames(&desk, Way::Socket, &series, 40, 42).await;
    let frame = frames.get(&41).and_then(|frame| frame.as_ref().ok()).expect("a frame of the body");
    let middle = frame.len() / 2;
    let row = frame.get(middle..middle + 256).expect("half a row of the middle").to_vec();
    assert!(row.iter().collect::<BTreeSet<_>>().len() > 16, "a row through the body is found by its values");
    desk.kill().await.expect("the process ends");
    let mut needles = phi::needles();
    // A token begins with `{"alg`, `{"kid` or `{"typ` in base64; three letters alone are found in any megabyte of noise.
    let tokens = ["eyjhbgc", "eyjrawq", "eyj0exa", "access_token", "refresh_token"];
    needles.extend(tokens.map(str::to_owned).into_iter().chain([text.to_lowercase()]));
    assert!(place.profile.join("vault.sqlite3").is_file(), "there is something to look into");
    let found = find_in_files(&place.profile, &needles).expect("the profile can be read");
    assert_eq!(found, None, "nothing of a person lies in the clear");
    assert!(!lies_in_a_file(&place.profile, &row), "and no row of an image");
}

/// Whether a file of the folder or below has these bytes.
fn lies_in_a_file(folder: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(folder).expect("a folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return lies_in_a_file(&path, bytes);
        }
        // What is no file, a socket for instance, holds nothing.
        fs::read(&path).is_ok_and(|file| file.windows(bytes.len()).any(|window| window == bytes))
    })
}

#[tokio::test]
async fn a_profile_opens_only_with_its_own_root() {
    let (_folder, place) = place();
    opened(&place, MODERATOR).await.kill().await.expect("the process ends");
    let root = fs::read_dir(&place.roots).expect("a keyring").next().expect("one root").expect("an entry").path();
    let right = fs::read(&root).expect("32 bytes");
    fs::write(&root, [7; 32]).expect("another root");
    let refused = DeskKit::open(&place, MODERATOR).await.err().map(|failure| failure.code);
    assert_eq!(refused, Some(FailureCode::StoreUnreadable), "another root");
    fs::remove_file(&root).expect("no root");
    let refused = DeskKit::open(&place, MODERATOR).await.err().map(|failure| failure.code);
    assert_eq!(refused, Some(FailureCode::StoreUnreadable), "a root that is gone is not made anew");
    fs::write(&root, right).expect("the right root");
    let desk = opened(&place, MODERATOR).await;
    let answer = desk.call(Request::Start).await;
    assert!(matches!(answer, Ok(Reply::Started(_))), "nothing was lost meanwhile: {:?}", code(&answer));
}

#[tokio::test]
async fn two_programs_do_not_share_a_profile() {
    let (_folder, place) = place();
    let first = opened(&place, MODERATOR).await;
    let refused = DeskKit::open(&place, MODERATOR).await.err().map(|failure| failure.code);
    assert_eq!(refused, Some(FailureCode::ProfileInUse), "the second is told");
    first.kill().await.expect("the process ends");
    let second = DeskKit::open(&place, MODERATOR).await;
    assert!(second.is_ok(), "a killed program leaves no lock behind");
}
