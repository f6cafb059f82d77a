//! Files that are empty, renamed, or taken away while they are shown.

use super::{PROGRAM, opened_series};
use crate::{
    MODERATOR,
    bulk::{Way, frames, over_each_way},
    opened, part10, place,
};
use sandbox::Options;
use serde_json::Value;
use std::{fs, path::Path, process::Command};
use testkit::Platform;

over_each_way![an_archive_s_file_that_becomes_empty_is_told_and_the_other_images_are_shown,];

const PATIENT: &str = "pat-auenwald";
/// Rows and columns of an image of these tests.
const SIDE: u16 = 16;

/// An image whose pixels are all its own number.
fn image(number: u16) -> Vec<u8> {
    let pixels: Vec<u8> = (0..SIDE * SIDE).flat_map(|_| number.to_le_bytes()).collect();
    part10::image(number, [SIDE, SIDE], &pixels)
}

/// Good images under honest and other names, and files that are none.
fn folder_of_all_sorts(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("a file");
    write("1.dcm", &image(1));
    write("renamed.pdf", &image(2));
    write("NAMELESS", &image(3));
    write("empty.dcm", b"");
    write("letter.dcm", b"Sehr geehrte Frau Kollegin, anbei die Bilder.");
    write("zeros.dcm", &[0; 4096]);
}

fn konsil(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = Command::new(PROGRAM).args(arguments).output().expect("the program can be started");
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

#[test]
fn what_a_file_is_counts_and_not_what_it_is_called() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    folder_of_all_sorts(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().expect("a path of text").to_owned();
    let (exit, answer) = konsil(&["inspect", folder.path().to_str().expect("text"), "--json"]);
    assert_eq!(exit, Some(1), "damage was found: {answer}");
    assert_eq!((&answer["files"], &answer["objects"]), (&6.into(), &3.into()), "three of six are images");
    let damage = answer["damage"].as_array().expect("a list");
    let mut kinds: Vec<(&str, &str)> = damage
        .iter()
        .map(|entry| {
            let file = entry["file"].as_str().expect("a file");
            (file.rsplit('/').next().expect("a name"), entry["kind"].as_str().expect("a kind"))
        })
        .collect();
    kinds.sort_unstable();
    let expected = [("empty.dcm", "empty"), ("letter.dcm", "not-dicom"), ("zeros.dcm", "not-dicom")];
    assert_eq!(kinds, expected, "each of the others by its own fault");

    let out = path("out.raw");
    let (exit, answer) = konsil(&["decode", &path("renamed.pdf"), "--frame", "1", "-o", &out]);
    assert_eq!((exit, &answer["rows"]), (Some(0), &SIDE.into()), "an image is decoded under any name");
    assert_eq!(fs::read(&out).expect("values")[..2], [2, 0], "its own values");
    for name in ["empty.dcm", "letter.dcm", "zeros.dcm"] {
        let (exit, answer) = konsil(&["decode", &path(name), "--frame", "1", "-o", &path("none.raw")]);
        assert_eq!(exit, Some(1), "{name} is told: {answer}");
        assert!(!folder.path().join("none.raw").exists(), "and nothing is written for {name}");
    }
}

async fn an_archive_s_file_that_becomes_empty_is_told_and_the_other_images_are_shown(way: Way) {
    let data = tempfile::tempdir().expect("a temporary folder");
    folder_of_all_sorts(data.path());
    let options = Options { data: Some(data.path().to_owned()), ..Options::default() };
    let platform = Platform::start(options).await.expect("a folder of all sorts is no reason not to start");
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    let series = opened_series(&desk, PATIENT, "Without spacing", "Series").await;
    assert_eq!(series.frames.len(), 3, "the images and nothing else");
    assert_eq!(series.spacing, None, "without a spacing nothing is in millimeters");
    assert_eq!(series.calibration, contract::Calibration::None, "and the page is told so");
    // What was listed is taken away behind the archive's back: the last image, which the strip has not looked at.
    fs::write(data.path().join("NAMELESS"), b"").expect("a file");
    let got = frames(&desk, way, &series, 0, 2).await;
    assert!(got[&2].is_err(), "an image that is gone is told and not drawn");
    for (frame, value) in [(0, 1_u16), (1, 2)] {
        let values = got[&frame].as_ref().unwrap_or_else(|code| panic!("image {frame} is shown: {code}"));
        let expected: Vec<u8> = (0..SIDE * SIDE).flat_map(|_| value.to_le_bytes()).collect();
        assert_eq!(values, &expected, "image {frame} with its own values");
    }
}
