//! Whole series of the test data as stacks.

use crate::places;
use imaging::geometry::{Calibration, Plane};
use imaging::lut::Window;
use imaging::{Instance, Note, Part10, Sample, Stack, auto_window, decode};

fn stack(folder: &str) -> Option<Stack> {
    let data = places::data()?;
    let read = |path| Instance::from_part10(&places::read(path)).expect("the test data reads");
    Some(Stack::of(places::files(&data.join(folder)).iter().map(|path| read(path)).collect()))
}

fn keys(stack: &Stack) -> Vec<&'static str> {
    stack.notes.iter().map(Note::key).collect()
}

#[test]
fn the_ct_is_a_volume_from_the_head_to_the_feet() {
    let Some(stack) = stack("petct/ct-ct-images") else { return };
    assert_eq!((stack.frames.len(), keys(&stack)), (135, vec![]), "135 slices, nothing odd");
    let volume = stack.volume.expect("a volume");
    // Image Position (Patient) of the files 0001 and 0002: z is 78 and 74.730003.
    assert!((volume.plane_distance - 3.27).abs() < 1e-3, "{} mm", volume.plane_distance);
    let heights: Vec<f64> = (0..135).filter_map(|i| Some(stack.facts(i)?.position?[2])).collect();
    assert!(heights.is_sorted_by(|a, b| a > b), "z falls from slice to slice");
    assert!(heights.first().is_some_and(|z| (z - 78.0).abs() < 1e-9), "file 0001 is the uppermost");
}

#[test]
fn the_pet_lies_over_the_ct() {
    let (Some(ct), Some(pet)) = (stack("petct/ct-ct-images"), stack("petct/pt-pet-ac")) else { return };
    assert_eq!(pet.frames.len(), 135, "as many slices as the CT has");
    assert!(pet.volume.is_some(), "a volume: {:?}", pet.notes);
    let frames = |stack: &Stack| stack.instances[0].frame_of_reference.clone();
    assert_eq!(frames(&ct), frames(&pet), "one frame of reference");
    for i in [0, 67, 134] {
        let (ct, pet) = (ct.facts(i).and_then(Plane::of), pet.facts(i).and_then(Plane::of));
        let (ct, pet) = (ct.expect("a plane"), pet.expect("a plane"));
        let ([column, row], distance) = ct.pixel_from_patient(pet.patient_from_pixel([63.5, 63.5]));
        assert!(distance.abs() < 0.1, "slice {i} lies {distance} mm off");
        assert!((0.0..512.0).contains(&column) && (0.0..512.0).contains(&row), "the PET's center is in the CT");
    }
}

#[test]
fn the_localizer_has_three_orientations() {
    let Some(stack) = stack("mr-t1-sr/mr-3-plane-loc") else { return };
    assert!(keys(&stack).contains(&"mixed-orientation"), "{:?}", stack.notes);
    assert_eq!(stack.volume, None, "three planes make no volume");
}

#[test]
fn the_sagittal_series_is_a_volume() {
    let Some(stack) = stack("mr-seg/mr-mprage") else { return };
    assert_eq!((stack.frames.len(), keys(&stack)), (128, vec![]), "128 slices");
    let distance = stack.volume.expect("a volume").plane_distance;
    assert!((distance - 1.33).abs() < 1e-3, "{distance} mm");
}

#[test]
fn the_oblique_series_says_where_slices_are_missing() {
    let Some(stack) = stack("mr-flair/mr-flair") else { return };
    // The instance numbers that the folder holds; all others up to 48 were left out.
    let numbers: Vec<i32> = (0..36).filter_map(|i| stack.instance(i)?.instance_number).collect();
    let missing: Vec<usize> = (0..35).filter(|&i| numbers[i + 1].abs_diff(numbers[i]) > 1).collect();
    let gaps: Vec<usize> = stack
        .notes
        .iter()
        .filter_map(|note| if let Note::Gap { after, .. } = note { Some(*after) } else { None })
        .collect();
    assert_eq!(gaps, missing, "behind the slices {numbers:?}");
    assert_eq!((gaps.len(), stack.volume), (7, None), "seven gaps, no volume");
}

#[test]
fn a_missing_slice_is_a_gap() {
    let Some(stack) = stack("petct/ct-ct-images") else { return };
    let mut instances = stack.instances.clone();
    let lost = stack.frames[100].instance;
    instances.remove(lost);
    assert_eq!(keys(&Stack::of(instances)), ["gap"], "between slices 99 and 101");
}

#[test]
fn a_chest_film_measures_with_its_calibrated_spacing() {
    let Some(stack) = stack("dx-htj2k") else { return };
    // Pixel Spacing 0.13598, Imager Pixel Spacing 0.143: the device corrected for magnification.
    let spacing = stack.instances[0].spacing(0).expect("the film has a spacing");
    assert_eq!((spacing.between_rows, spacing.calibration), (0.13598, Calibration::Calibrated), "not the detector's");
}

/// The window made from five frames of a series, as the program chooses them.
fn window_of_five(folder: &str, modality: &str) -> Option<Window> {
    let stack = stack(folder)?;
    let paths = places::files(&places::data()?.join(folder));
    let files: Vec<Vec<u8>> = paths.iter().map(|path| places::read(path)).collect();
    let count = stack.frames.len();
    let frames: Vec<_> = (0..5)
        .map(|i| {
            let index = count * (2 * i + 1) / 10;
            let place = stack.frames[index];
            let part10 = Part10::open(&files[place.instance]).expect("the test data reads");
            let image = part10.instance().image.clone().expect("a picture");
            let encoded = part10.frame(place.frame).expect("the frame is there");
            (index, decode::decode_frame(&image, part10.transfer_syntax(), &encoded).expect("it decodes"))
        })
        .collect();
    let samples: Vec<_> = frames
        .iter()
        .filter_map(|(index, frame)| Some(Sample { frame, facts: stack.facts(*index)?, padding: None }))
        .collect();
    auto_window(&samples, modality)
}

#[test]
fn five_frames_tell_the_window_of_a_whole_series() {
    let upper = |window: &Window| window.center + window.width / 2.0;
    // By numpy over all 135 slices, each with its own slope: the 99.9th percentiles are 9360.4 Bq/ml and 777.9.
    for (folder, all) in [("petct/pt-pet-ac", 9360.4), ("petct/pt-pet-nac", 777.9)] {
        let Some(window) = window_of_five(folder, "PT") else { return };
        assert!((window.center - window.width / 2.0).abs() < 1e-9, "{folder} begins at nothing: {window:?}");
        assert!((upper(&window) / all - 1.0).abs() < 0.2, "{folder}: {window:?}, all slices say {all}");
    }
    // Likewise the 99th percentile of all 128 slices of MPRAGE: 414.
    let window = window_of_five("mr-seg/mr-mprage", "MR").expect("the data is there");
    assert!((upper(&window) / 414.0 - 1.0).abs() < 0.1, "{window:?}");
}
