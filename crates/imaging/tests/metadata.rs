//! What objects say, read from files and from JSON, against pydicom and SimpleITK.

use crate::places;
use imaging::geometry::{self, Plane};
use imaging::{FrameFormat, Instance, NotDisplayable, Part10, TableAddress, decode};
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn a_file_and_its_json_say_the_same() {
    let (Some(data), Some(python)) = (places::data(), places::python()) else { return };
    let mut files = places::files(&data);
    files.extend(places::odd_files(&python));
    let lines = files.iter().fold(String::new(), |mut text, path| {
        writeln!(text, "{}", path.display()).expect("a string takes everything");
        text
    });
    let mut compared = 0;
    for answer in places::ask(&python, "metadata.py", &[], &lines) {
        let path = Path::new(answer["file"].as_str().expect("each line names its file"));
        let bytes = places::read(path);
        // Files without identifiers or meta information are read by one of the two only.
        let (Some(json), Ok(mut from_file)) = (answer.get("json"), Instance::from_part10(&bytes)) else { continue };
        let from_json = Instance::from_json(json).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        from_file.transfer_syntax = None;
        if let (Some(file), Some(json)) = (&mut from_file.image, &from_json.image) {
            // The transfer syntax of a file may say that it is lossy; metadata has only the attribute.
            file.lossy = json.lossy;
        }
        assert_eq!(from_file, from_json, "{}", path.display());
        compared += 1;
    }
    assert!(compared > 600, "only {compared} objects were compared");
}

#[test]
fn points_values_and_letters_are_those_of_an_independent_tool() {
    let (Some(data), Some(python)) = (places::data(), places::python()) else { return };
    let mut lines = String::new();
    // The scout has pixels that are higher than wide, the FLAIR lies oblique.
    for folder in
        ["petct/ct-ct-images", "petct/pt-pet-ac", "petct/ct-scout", "mr-flair/mr-flair", "mr-t1-sr", "mr-seg/mr-mprage"]
    {
        for path in
            places::files(&data.join(folder)).iter().filter(|p| !p.to_string_lossy().contains("/sr-")).step_by(20)
        {
            writeln!(lines, "{}", path.display()).expect("a string takes everything");
        }
    }
    let (mut points, mut oblique, mut uneven) = (0, 0, 0);
    for answer in places::ask(&python, "places.py", &[], &lines) {
        let path = Path::new(answer["file"].as_str().expect("each line names its file"));
        let bytes = places::read(path);
        let file = Part10::open(&bytes).expect("the test data reads");
        let image = file.instance().image.as_ref().expect("the object is an image");
        let frame = file.frame(0).expect("there is a frame");
        let frame = decode::decode_frame(image, file.transfer_syntax(), &frame).expect("it decodes");
        let facts = &file.instance().frames[0];
        let plane = Plane::of(facts).expect("the slice has a place");
        for point in answer["points"].as_array().expect("points") {
            let number = |key: &str| point[key].as_f64().expect("a number");
            let (column, row) = (number("column"), number("row"));
            let patient = plane.patient_from_pixel([column, row]);
            for (axis, ours) in patient.iter().enumerate() {
                let theirs = point["patient"][axis].as_f64().expect("a coordinate");
                assert!((ours - theirs).abs() < 1e-3, "{}: {patient:?} is not {}", path.display(), point["patient"]);
            }
            let ([c, r], distance) = plane.pixel_from_patient(patient);
            let back = (c - column).abs() + (r - row).abs() + distance.abs();
            assert!(back < 1e-9, "the way back ends {back} beside");
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole pixel indices")]
            let stored = frame.value(column as u32, row as u32).expect("a pixel of the frame");
            let (value, theirs) = (facts.rescale.apply(stored), number("value"));
            assert!((value - theirs).abs() < 1e-3, "{}: {value} is not {theirs}", path.display());
            points += 1;
        }
        let [a, b, c, d, e, f] = facts.orientation.expect("the slice has an orientation");
        let normal = plane.normal();
        let ours: String =
            [[a, b, c], [d, e, f], normal].iter().filter_map(|&v| geometry::letters(v).chars().next()).collect();
        let theirs = answer["orientation"].as_str().expect("letters").replace('S', "H").replace('I', "F");
        assert_eq!(ours, theirs, "{}: towards which column, row and normal grow", path.display());
        let theirs: Vec<&str> =
            answer["edges"].as_array().expect("four letters").iter().filter_map(|edge| edge.as_str()).collect();
        assert_eq!(geometry::edge_letters(&facts.orientation.expect("it lies somewhere")).to_vec(), theirs, "edges");
        oblique += usize::from(theirs.iter().any(|edge| edge.len() == 2));
        let spacing = file.instance().spacing(0).expect("a slice has a spacing");
        uneven += usize::from((spacing.between_rows - spacing.between_columns).abs() > 0.01);
        let (columns, rows) = (f64::from(image.columns) - 1.0, f64::from(image.rows) - 1.0);
        let (ours, theirs) = (spacing.length([0.0, 0.0], [columns, rows]), answer["diagonal"].as_f64().expect("mm"));
        assert!((ours - theirs).abs() < 1e-3, "{}: {ours} mm is not {theirs}", path.display());
    }
    assert!(points > 60, "only {points} points were compared");
    assert!(oblique > 0 && uneven > 0, "{oblique} oblique slices, {uneven} with uneven spacing");
}

#[test]
fn what_is_no_picture_says_so() {
    let Some(data) = places::data() else { return };
    for (folder, expected) in [
        ("petct/rwv-pet-suv-factors", Err(NotDisplayable::RealWorldValues)),
        ("petct/seg-segmentation", Err(NotDisplayable::Segmentation)),
        ("mr-t1-sr/sr-sr-len-bdir", Err(NotDisplayable::StructuredReport)),
        ("mr-flair/doc-smart-reporting-gmbh-pdf-report", Err(NotDisplayable::Document)),
        ("ecg/ecg", Err(NotDisplayable::Waveform)),
        ("dx-htj2k", Ok(())),
        ("wsi", Ok(())),
    ] {
        for path in places::files(&data.join(folder)) {
            let instance = Instance::from_part10(&places::read(&path)).expect("the test data reads");
            assert_eq!(instance.displayable().map(|_| ()), expected, "{}", path.display());
        }
    }
}

#[test]
fn a_mislabeled_htj2k_frame_is_recognized() {
    let Some(data) = places::data() else { return };
    let path = &places::files(&data.join("dx-htj2k"))[0];
    let bytes = places::read(path);
    let file = Part10::open(&bytes).expect("the test data reads");
    let image = file.instance().image.as_ref().expect("a chest X-ray");
    let frame = file.frame(0).expect("one frame");
    let right = decode::decode_frame(image, file.transfer_syntax(), &frame);
    let wrong = decode::decode_frame(image, "1.2.840.10008.1.2.1", &frame);
    assert_eq!(right.as_ref().map(|f| f.format), Ok(FrameFormat::U16), "12 bits");
    assert_eq!(right, wrong, "an archive may send the stored bytes under a native label");
}

#[test]
fn the_patient_does_not_print() {
    let Some(data) = places::data() else { return };
    let path = &places::files(&data.join("petct/ct-ct-images"))[0];
    let instance = Instance::from_part10(&places::read(path)).expect("the test data reads");
    let id = instance.patient.id.reveal();
    assert!(!id.is_empty(), "the object names a patient");
    assert!(!format!("{instance:?}").contains(id.as_str()), "a log line must not");
}

/// An image of one pixel in the DICOM JSON model with further attributes.
fn one_pixel(photometric: &str, more: serde_json::Value) -> Instance {
    let mut object = serde_json::json!({
        "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
        "0020000E": {"vr": "UI", "Value": ["1.2.3.4"]},
        "00080018": {"vr": "UI", "Value": ["1.2.3.4.5"]},
        "00280002": {"vr": "US", "Value": [1]},
        "00280004": {"vr": "CS", "Value": [photometric]},
        "00280010": {"vr": "US", "Value": [1]},
        "00280011": {"vr": "US", "Value": [1]},
        "00280100": {"vr": "US", "Value": [16]},
        "00280101": {"vr": "US", "Value": [12]},
        "00280103": {"vr": "US", "Value": [0]},
    });
    let (Some(object_map), serde_json::Value::Object(more)) = (object.as_object_mut(), more) else {
        panic!("both are objects");
    };
    object_map.extend(more);
    Instance::from_json(&object).expect("it has its identifiers")
}

#[test]
fn tables_that_the_metadata_leaves_out_are_named_and_taken_in() {
    let item = |address: &str| {
        serde_json::json!({"vr": "SQ", "Value": [{
            "00283002": {"vr": "SS", "Value": [3, -1, 12]},
            "00283006": {"vr": "OW", "BulkDataURI": address},
        }]})
    };
    let more = serde_json::json!({"00283010": item("bulk/voi"), "00283000": item("bulk/modality")});
    let without = one_pixel("MONOCHROME2", more.clone());
    assert!(without.frames[0].voi_luts.is_empty(), "nothing is invented");
    let mut object = serde_json::json!({
        "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
        "0020000E": {"vr": "UI", "Value": ["1.2.3.4"]},
        "00080018": {"vr": "UI", "Value": ["1.2.3.4.5"]},
        "00280010": {"vr": "US", "Value": [1]},
        "00280011": {"vr": "US", "Value": [1]},
        "00280100": {"vr": "US", "Value": [16]},
        "7FE00010": {"vr": "OW", "BulkDataURI": "bulk/pixels"},
    });
    let (Some(map), serde_json::Value::Object(more)) = (object.as_object_mut(), more) else {
        panic!("both are objects");
    };
    map.extend(more);
    let mut addresses = Instance::table_addresses(&object);
    addresses.sort();
    let at = |address: &str, needed| TableAddress { address: address.to_owned(), needed };
    assert_eq!(addresses, [at("bulk/modality", true), at("bulk/voi", false)], "tables, and not the pixels");
    let tables = addresses.into_iter().map(|table| (table.address, vec![1, 0, 2, 0, 0xFF, 0x0F])).collect();
    let with = Instance::from_json_with(&object, &tables).expect("it has its identifiers");
    assert_eq!(with.frames[0].voi_luts[0].entries, [1, 2, 4095], "little endian words (PS3.18 F.2.7)");
    let modality = with.frames[0].modality_lut.as_ref().expect("its data was taken in");
    assert_eq!((modality.first, modality.greatest()), (65_535, 4095), "unsigned pixels have unsigned inputs");
}

#[test]
fn a_modality_table_that_cannot_be_read_is_not_taken_as_missing() {
    let table = |descriptor: serde_json::Value, data: serde_json::Value| {
        let item = serde_json::json!({
            "00283002": {"vr": "US", "Value": descriptor},
            "00283006": {"vr": "US", "Value": data},
        });
        let sequence = serde_json::json!({"00283000": {"vr": "SQ", "Value": [item]}});
        let frame = one_pixel("MONOCHROME2", sequence).frames[0].clone();
        (frame.modality_lut.is_some(), frame.modality_unknown)
    };
    let json = |numbers: &[u16]| serde_json::json!(numbers);
    assert_eq!(table(json(&[3, 0, 16]), json(&[1, 2, 3])), (true, false), "a whole table");
    assert_eq!(table(json(&[3, 0, 16]), json(&[1, 2])), (false, true), "an entry is missing");
    assert_eq!(table(json(&[3, 0]), json(&[1, 2, 3])), (false, true), "a descriptor has three numbers");
    assert_eq!(table(json(&[3, 0, 16]), json(&[])), (false, true), "no entries");
    let none = one_pixel("MONOCHROME2", serde_json::json!({"00283000": {"vr": "SQ"}}));
    assert!(!none.frames[0].modality_unknown, "an empty sequence says nothing");
}

#[test]
fn polarity_follows_the_presentation_shape_and_without_one_the_photometric_interpretation() {
    let shape = |term: &str| serde_json::json!({"20500020": {"vr": "CS", "Value": [term]}});
    for (photometric, more, inverted) in [
        ("MONOCHROME1", serde_json::json!({}), true),
        ("MONOCHROME2", serde_json::json!({}), false),
        // PS3.3 C.8.11.3: INVERSE goes with MONOCHROME1, IDENTITY with MONOCHROME2; both say one thing once.
        ("MONOCHROME1", shape("INVERSE"), true),
        ("MONOCHROME2", shape("IDENTITY"), false),
        ("MONOCHROME2", shape("INVERSE"), true),
        ("MONOCHROME1", shape("IDENTITY"), false),
        ("MONOCHROME1", shape("LIN OD"), true),
        ("PALETTE COLOR", shape("INVERSE"), false),
    ] {
        assert_eq!(one_pixel(photometric, more.clone()).is_inverted(), inverted, "{photometric} with {more}");
    }
}
