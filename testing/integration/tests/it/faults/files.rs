//! Files that are empty, renamed, or taken away while they are shown.

use super::{PROGRAM, frames, opened_series};
use crate::{MODERATOR, opened, part10::Part10, place};
use sandbox::Options;
use serde_json::Value;
use std::{fs, path::Path, process::Command};
use testkit::Platform;

const PATIENT: &str = "pat-auenwald";
/// Rows and columns of an image of these tests.
const SIDE: u16 = 16;

/// A CT image in explicit VR little endian with a preamble (PS3.10 §7.1), without any spacing of its pixels.
fn image(instance: u16) -> Vec<u8> {
    let mut file = Part10::new();
    let number = format!("{instance:02}");
    // PS3.5 §9.1: an odd UID ends with NUL.
    let uid = format!("1.2.3.4.{instance:03}\0");
    let (class, syntax) = (b"1.2.840.10008.5.1.4.1.1.2\0", b"1.2.840.10008.1.2.1\0");
    // PS3.10 §7.1: the length of the group counts three elements with headers of eight bytes each.
    let group = u32::try_from(3 * 8 + class.len() + uid.len() + syntax.len()).expect("small");
    file.put(0x0002, 0x0000, b"UL", &group.to_le_bytes());
    file.put(0x0002, 0x0002, b"UI", class);
    file.put(0x0002, 0x0003, b"UI", uid.as_bytes());
    file.put(0x0002, 0x0010, b"UI", syntax);
    file.put(0x0008, 0x0016, b"UI", class);
    file.put(0x0008, 0x0018, b"UI", uid.as_bytes());
    file.put(0x0008, 0x0020, b"DA", b"20260101");
    file.put(0x0008, 0x0060, b"CS", b"CT");
    file.put(0x0008, 0x1030, b"LO", b"Without spacing ");
    file.put(0x0008, 0x103E, b"LO", b"Series");
    file.put(0x0010, 0x0010, b"PN", b"Nobody^Nils ");
    file.put(0x0010, 0x0020, b"LO", b"N1");
    file.put(0x0020, 0x000D, b"UI", b"1.2.3\0");
    file.put(0x0020, 0x000E, b"UI", b"1.2.3.9\0");
    file.put(0x0020, 0x0013, b"IS", number.as_bytes());
    file.put(0x0028, 0x0002, b"US", &[1, 0]);
    file.put(0x0028, 0x0004, b"CS", b"MONOCHROME2 ");
    file.put(0x0028, 0x0010, b"US", &SIDE.to_le_bytes());
    file.put(0x0028, 0x0011, b"US", &SIDE.to_le_bytes());
    file.put(0x0028, 0x0100, b"US", &[16, 0]);
    file.put(0x0028, 0x0101, b"US", &[16, 0]);
    file.put(0x0028, 0x0102, b"US", &[15, 0]);
    file.put(0x0028, 0x0103, b"US", &[0, 0]);
    let pixels: Vec<u8> = (0..SIDE * SIDE).flat_map(|_| instance.to_le_bytes()).collect();
    file.put(0x7FE0, 0x0010, b"OW", &pixels);
    file.into_bytes()
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

#[tokio::test]
async fn an_archive_s_file_that_becomes_empty_is_told_and_the_other_images_are_shown() {
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
    let got = frames(&desk, &series, 0, 2).await;
    assert!(got[&2].is_err(), "an image that is gone is told and not drawn");
    for (frame, value) in [(0, 1_u16), (1, 2)] {
        let values = got[&frame].as_ref().unwrap_or_else(|code| panic!("image {frame} is shown: {code}"));
        let expected: Vec<u8> = (0..SIDE * SIDE).flat_map(|_| value.to_le_bytes()).collect();
        assert_eq!(values, &expected, "image {frame} with its own values");
    }
}
