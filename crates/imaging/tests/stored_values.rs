//! Frames decode to the stored values that pydicom and its codecs find: each of the test data, and 16 of each microscopy
//! slide unless `KONSIL_TEST_EVERY_TILE=1`.

use crate::places;
use imaging::{FrameFormat, Part10, decode};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What the reference says about one file: a frame, or why it gives no pixels.
struct Reference {
    file: PathBuf,
    answer: Result<Frame, String>,
}

/// One frame as one of the two reads it.
#[derive(Debug, PartialEq)]
struct Frame {
    index: usize,
    form: String,
    stored: String,
    /// Only for color.
    shown: Option<String>,
}

/// Asks the reference about files; with `frames` given, only about those.
fn reference(python: &Path, files: &[(PathBuf, Vec<usize>)]) -> Vec<Reference> {
    let mut lines = String::new();
    for (file, frames) in files {
        write!(lines, "{}", file.display()).expect("a string takes everything");
        frames.iter().for_each(|f| write!(lines, "\t{f}").expect("a string takes everything"));
        lines.push('\n');
    }
    places::ask(python, "stored_values.py", &[], &lines)
        .into_iter()
        .map(|value| {
            let file = PathBuf::from(value["file"].as_str().expect("each line names its file"));
            let answer = match value["error"].as_str() {
                Some(why) => Err(why.to_owned()),
                None => Ok(Frame {
                    index: usize::try_from(value["frame"].as_u64().expect("a frame number")).expect("a small number"),
                    form: format!(
                        "{}x{}x{} {} {}",
                        value["columns"], value["rows"], value["samples"], value["bits"], value["signed"]
                    ),
                    stored: value["sha256"].as_str().expect("a hash").to_owned(),
                    shown: value["shown"].as_str().map(str::to_owned),
                }),
            };
            Reference { file, answer }
        })
        .collect()
}

/// The same as we read it.
fn ours(part10: &Part10<'_>, index: usize) -> Result<Frame, String> {
    let image = part10.instance().image.as_ref().ok_or("no image")?;
    let encoded = part10.frame(index).map_err(|e| e.to_string())?;
    let raw = decode::decode_raw(image, part10.transfer_syntax(), &encoded).map_err(|e| e.to_string())?;
    let shown = decode::decode_frame(image, part10.transfer_syntax(), &encoded).map_err(|e| e.to_string())?;
    Ok(Frame {
        index,
        form: format!("{}x{}x{} {} {}", raw.columns, raw.rows, raw.samples, raw.bits, raw.signed),
        stored: sha256(&raw.bytes),
        shown: (shown.format == FrameFormat::Rgb8).then(|| sha256(&shown.bytes)),
    })
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

fn differences(answers: &[Reference]) -> (usize, Vec<String>) {
    let mut equal = 0;
    let mut different = Vec::new();
    let mut open: Option<(PathBuf, Vec<u8>)> = None;
    for reference in answers {
        let Ok(expected) = &reference.answer else { continue };
        if open.as_ref().is_none_or(|(path, _)| *path != reference.file) {
            open = Some((reference.file.clone(), places::read(&reference.file)));
        }
        let bytes = open.as_ref().map(|(_, bytes)| bytes.as_slice()).expect("just opened");
        let name = reference.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = Part10::open(bytes).map_err(|e| e.to_string()).and_then(|file| ours(&file, expected.index));
        match found {
            // Colors of more than 8 bits are not converted by the reference.
            Ok(found) if expected.shown.is_none() && found.stored == expected.stored && found.form == expected.form => {
                equal += 1;
            }
            Ok(found) if found == *expected => equal += 1,
            Ok(found) => different.push(format!("{name}: {found:?}, reference {expected:?}")),
            Err(why) => different.push(format!("{name} frame {}: {why}", expected.index)),
        }
    }
    (equal, different)
}

#[test]
fn the_frames_of_every_file_of_the_test_data_have_the_stored_values_of_the_reference() {
    let (Some(data), Some(python)) = (places::data(), places::python()) else { return };
    let every = places::every_tile();
    let asked: Vec<(PathBuf, Vec<usize>)> = places::files(&data)
        .into_iter()
        .filter_map(|path| {
            let bytes = places::read(&path);
            let file = Part10::open(&bytes).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
            if !file.has_pixels() {
                return None;
            }
            // A slide has thousands of tiles: 16 of them, spread over the file, stand for all where not all are asked for.
            let frames = file.instance().number_of_frames as usize;
            let sample = if !every && file.instance().modality == "SM" && frames > 16 {
                (0..16).map(|i| i * (frames - 1) / 15).collect()
            } else {
                Vec::new()
            };
            Some((path, sample))
        })
        .collect();
    let answers = reference(&python, &asked);
    let refused: Vec<String> =
        answers.iter().filter_map(|r| r.answer.as_ref().err().map(|e| format!("{}: {e}", r.file.display()))).collect();
    assert_eq!(refused, Vec::<String>::new(), "the reference reads every file of the test data");
    let (equal, different) = differences(&answers);
    assert_eq!(different, Vec::<String>::new(), "{equal} frames are equal");
    assert!(equal > 1500, "only {equal} frames were compared");
}

#[test]
fn the_odd_files_of_pydicom_have_the_stored_values_of_the_reference() {
    let Some(python) = places::python() else { return };
    let asked: Vec<(PathBuf, Vec<usize>)> = places::odd_files(&python)
        .into_iter()
        .filter(|path| Part10::open(&places::read(path)).is_ok_and(|file| file.has_pixels()))
        .map(|path| (path, Vec::new()))
        .collect();
    let (equal, different) = differences(&reference(&python, &asked));
    assert_eq!(different, Vec::<String>::new(), "{equal} frames are equal");
    assert!(equal > 50, "only {equal} frames were compared");
}
