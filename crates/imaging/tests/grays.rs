//! From stored values to grays as pydicom computes them, on real objects and on those with rare attributes.

use crate::places;
use imaging::lut::{GrayTransform, Voi, Window};
use imaging::{Part10, decode};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Files that the reference reports on: its own and some of each real series.
fn lines() -> Option<String> {
    let data = places::data()?;
    let mut lines = String::new();
    for folder in ["petct/ct-ct-images", "petct/pt-pet-ac", "petct/ct-scout", "mr-flair/mr-flair", "mr-seg/mr-mprage"] {
        for path in places::files(&data.join(folder)).iter().step_by(30) {
            writeln!(lines, "{}", path.display()).expect("a string takes everything");
        }
    }
    Some(lines)
}

/// The gray of a value from 0 to 1 as a level may be one of two only where it lies between them.
fn same_level(ours: u8, shade: f64) -> bool {
    let level = shade * 255.0;
    let near_half = (level.fract() - 0.5).abs() < 2e-3;
    let off = (f64::from(ours) - (level + 0.5).floor()).abs();
    off == 0.0 || (near_half && off <= 1.0)
}

#[test]
fn rescaled_values_and_grays_are_those_of_an_independent_tool() {
    let (Some(lines), Some(python)) = (lines(), places::python()) else { return };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("grays");
    std::fs::create_dir_all(&folder).expect("the folder of the build takes files");
    let (mut files, mut windowed, mut by_table) = (0, 0, 0);
    for answer in places::ask(&python, "grays.py", &[&folder], &lines) {
        let path = Path::new(answer["file"].as_str().expect("each line names its file"));
        let bytes = places::read(path);
        let file = Part10::open(&bytes).expect("the object reads");
        let instance = file.instance();
        let image = instance.image.as_ref().expect("the object is an image");
        let encoded = file.frame(0).expect("there is a frame");
        let frame = decode::decode_frame(image, file.transfer_syntax(), &encoded).expect("it decodes");
        let facts = &instance.frames[0];
        let unused = Window::linear(0.0, 1.0);
        let window = facts.windows.first().unwrap_or(&unused);
        let mut transform = GrayTransform::window(&facts.rescale, window);
        transform.modality = facts.modality_lut.as_deref();
        let table = facts.voi_luts.first().map(|lut| GrayTransform { voi: Voi::Table(lut), ..transform.clone() });
        files += 1;
        for point in answer["points"].as_array().expect("points") {
            let index = |key: &str| u32::try_from(point[key].as_u64().expect("an index")).expect("a small one");
            let stored = frame.value(index("column"), index("row")).expect("a pixel of the frame");
            let context = format!("{}: stored {stored}, {point}", path.display());
            let rescaled = point["rescaled"].as_f64().expect("a number");
            assert!((facts.rescaled(stored) - rescaled).abs() <= 1e-6 * rescaled.abs().max(1.0), "{context}");
            let shade = |value: &Value| value.as_f64();
            if let Some(shade) = shade(&point["window"]) {
                windowed += 1;
                assert!(same_level(transform.gray(stored), shade), "{context}: {}", transform.gray(stored));
            }
            if let Some(shade) = shade(&point["table"]) {
                by_table += 1;
                let ours = table.as_ref().expect("the sequence was read").gray(stored);
                assert!(same_level(ours, shade), "{context}: {ours}");
            }
        }
    }
    assert!(files > 25 && windowed > 10_000 && by_table > 3_000, "{files} files, {windowed} and {by_table} grays");
}
