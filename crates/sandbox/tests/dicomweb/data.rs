//! A folder of real files under an invented identity: nothing of the original is left but the pixels.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dicom_core::VR;
use dicom_core::header::Header;
use dicom_core::value::Value as DicomValue;
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, InMemDicomObject, open_file};
use sandbox::dicomweb::Htj2k;
use serde_json::Value;

use super::harness::{Archive, first, name, numbers, text, uid};

const STUDY: &str = "study-auenwald-petct";

/// The folder of real files; none prints why the test proves nothing.
fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("KONSIL_TEST_DATA").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    if folder.join("petct").is_dir() {
        return Some(folder);
    }
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    {
        eprintln!("SKIPPED: no test data; name its folder in KONSIL_TEST_DATA");
    }
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "dcm") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn original(object: &InMemDicomObject, tag: dicom_core::Tag) -> String {
    object
        .get(tag)
        .and_then(|e| e.to_str().ok())
        .map(|s| s.trim_end_matches(['\0', ' ']).to_owned())
        .unwrap_or_default()
}

/// What identifies an original: UIDs that are not the standard's, dates, names and numbers.
fn identifying(object: &InMemDicomObject, into: &mut BTreeSet<String>) {
    for element in object.iter() {
        if let DicomValue::Sequence(items) = element.value() {
            for item in items.items() {
                identifying(item, into);
            }
            continue;
        }
        let vr = element.vr();
        let tag = element.tag();
        let wanted = matches!(vr, VR::UI | VR::PN | VR::DA)
            || [
                tags::PATIENT_ID,
                tags::ACCESSION_NUMBER,
                tags::STUDY_ID,
                tags::STATION_NAME,
                tags::DEVICE_SERIAL_NUMBER,
                tags::CONTAINER_IDENTIFIER,
            ]
            .contains(&tag);
        if !wanted {
            continue;
        }
        for value in element.value().to_multi_str().map(|v| v.to_vec()).unwrap_or_default() {
            let value = value.trim_matches(['\0', ' ']).to_owned();
            if value.len() >= 5 && !value.starts_with("1.2.840.10008.") {
                into.insert(value);
            }
        }
    }
}

async fn with_data() -> Option<(Archive, Vec<DefaultDicomObject>)> {
    let folder = folder()?;
    let archive = Archive::start(None, Some(folder.clone()), Htj2k::LikeOrthanc).await;
    let petct = files(&folder.join("petct")).iter().map(|f| open_file(f).expect("a Part 10 file")).collect();
    Some((archive, petct))
}

#[tokio::test]
async fn the_lung_cases_pet_ct_is_the_folders_under_the_records_uids() {
    let Some((archive, originals)) = with_data().await else { return };
    let found = archive.get(&format!("/studies?StudyInstanceUID={}&includefield=all", uid(STUDY))).await.list();
    assert_eq!(found.len(), 1, "the study of the record");
    assert_eq!(name(&found[0]), "Auenwald^Gernot", "the record's patient");
    assert_eq!(text(&found[0], "00100020"), "EF-0098812", "the record's number");
    assert_eq!(text(&found[0], "00100030"), "19570314", "the record's birth date");
    assert_eq!(text(&found[0], "00080020"), "20261104", "the record's date");
    assert_eq!(text(&found[0], "00081030"), "FDG-PET/CT", "the record's title");
    assert_eq!(first(&found[0], "00201208"), originals.len(), "all files of the folder");
    for (number, modality) in [(3, "CT"), (4, "PT")] {
        let series = archive.metadata(&uid(STUDY), &uid(&format!("{STUDY}/{number}"))).await;
        assert_eq!(series.len(), 135, "slices of {modality}");
        assert_eq!(text(&series[0], "00080060"), modality, "modality of series {number}");
        assert_eq!(first(&series[0], "00200011"), number, "series number");
        assert_eq!(text(&series[0], "00101010"), "069Y", "age");
        let frames: BTreeSet<String> = series.iter().map(|s| text(s, "00200052")).collect();
        assert_eq!(frames.len(), 1, "one frame of reference");
    }
    let listed = archive.images.listings().iter().find(|l| l.id == STUDY).expect("listed");
    assert_eq!(listed.uid, uid(STUDY), "the record's list names the same study");
}

#[tokio::test]
async fn no_identifier_uid_or_date_of_the_originals_is_left_in_any_study() {
    let Some(folder) = folder() else { return };
    let archive = Archive::start(None, Some(folder.clone()), Htj2k::LikeOrthanc).await;
    let mut secrets = BTreeSet::new();
    let mut makers = BTreeSet::new();
    let all = files(&folder);
    for file in &all {
        let object =
            dicom_object::OpenFileOptions::new().read_until(tags::PIXEL_DATA).open_file(file).expect("a Part 10 file");
        identifying(&object, &mut secrets);
        makers.insert(original(&object, tags::MANUFACTURER));
    }
    // A segmentation's author is given as its maker, whom PS3.15 lets stay.
    secrets.retain(|s| !makers.contains(s));
    assert!(secrets.len() > all.len(), "at least an instance UID of every file: {}", secrets.len());
    let mut seen = 0;
    for listed in archive.images.listings().iter().filter(|l| l.id == STUDY || l.id.starts_with("study-data-")) {
        assert_eq!(listed.patient, "pat-auenwald", "{} is in the lung case's record", listed.id);
        let answer = archive.get(&format!("/studies/{}/metadata", listed.uid)).await;
        let instances = answer.list();
        seen += instances.len();
        let words: BTreeSet<&str> = std::str::from_utf8(&answer.body)
            .expect("JSON is UTF-8")
            .split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-' || c == '_'))
            .collect();
        for secret in &secrets {
            assert!(!words.contains(secret.as_str()), "{secret} is left in {}", listed.id);
        }
        for instance in &instances {
            assert_eq!(name(instance), "Auenwald^Gernot", "the name in every instance");
            assert_eq!(text(instance, "0020000D"), listed.uid, "the study in every instance");
        }
    }
    assert_eq!(seen, all.len(), "every file is served");
}

#[tokio::test]
async fn frames_and_files_carry_the_original_pixels() {
    let Some((archive, originals)) = with_data().await else { return };
    // Position and modality find the original of a slice without its UID.
    let mut by_place: BTreeMap<(String, i64), &DefaultDicomObject> = BTreeMap::new();
    for object in &originals {
        let description = original(object, tags::SERIES_DESCRIPTION);
        if description.contains("NAC") || object.get(tags::IMAGE_POSITION_PATIENT).is_none() {
            continue;
        }
        let z = object.element(tags::IMAGE_POSITION_PATIENT).expect("there").to_multi_float64().expect("numbers")[2];
        let key = (original(object, tags::MODALITY), micrometers(z));
        by_place.entry(key).or_insert(object);
    }
    for (number, modality) in [(3, "CT"), (4, "PT")] {
        let (study, series) = (uid(STUDY), uid(&format!("{STUDY}/{number}")));
        for slice in archive.metadata(&study, &series).await {
            let z = numbers(&slice, "00200032")[2];
            let object = by_place[&(modality.to_owned(), micrometers(z))];
            let instance = text(&slice, "00080018");
            let (kind, frame) = archive.frame(&study, &series, &instance, 1).await;
            assert_eq!(kind, "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80", "label as stored");
            assert!(frame == fragments(object), "{modality} at {z}: the encoded bytes of the file");
            assert!(slice["7FE00010"].is_null(), "compressed pixels have no bulk address");
        }
    }
}

fn micrometers(mm: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a position in a patient")]
    let rounded = (mm * 1000.0).round() as i64;
    rounded
}

fn fragments(object: &InMemDicomObject) -> Vec<u8> {
    let element = object.element(tags::PIXEL_DATA).expect("pixels");
    element.fragments().expect("encapsulated").concat()
}

#[tokio::test]
async fn a_rewritten_instance_is_a_whole_file_with_the_original_fragments() {
    let Some((archive, originals)) = with_data().await else { return };
    let (study, series) = (uid(STUDY), uid(&format!("{STUDY}/3")));
    let instance = text(&archive.metadata(&study, &series).await[40], "00080018");
    let path = format!("/studies/{study}/series/{series}/instances/{instance}");
    let stored = archive.get_as(&path, "multipart/related; type=\"application/dicom\"; transfer-syntax=*").await;
    let object = dicom_object::from_reader(std::io::Cursor::new(&stored.parts()[0].1)).expect("a Part 10 file");
    assert_eq!(
        object.meta().media_storage_sop_instance_uid().trim_end_matches('\0'),
        instance,
        "file meta information"
    );
    assert_eq!(original(&object, tags::PATIENT_NAME), "Auenwald^Gernot", "the name");
    let bytes = fragments(&object);
    assert!(originals.iter().any(|o| fragments_or_none(o) == Some(bytes.clone())), "the fragments are a file's");

    // Decoded, it agrees with the decoded frame.
    let plain = archive.get_as(&path, "multipart/related; type=\"application/dicom\"").await;
    let object = dicom_object::from_reader(std::io::Cursor::new(&plain.parts()[0].1)).expect("a Part 10 file");
    assert_eq!(object.meta().transfer_syntax().trim_end_matches('\0'), "1.2.840.10008.1.2.1", "uncompressed");
    let decoded = archive.get(&format!("{path}/frames/1")).await.parts().remove(0);
    assert_eq!(decoded.0, "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1", "label of decoded frames");
    assert_eq!(decoded.1.len(), 512 * 512 * 2, "a decoded frame");
    assert!(object.element(tags::PIXEL_DATA).expect("pixels").to_bytes().expect("bytes")[..] == decoded.1, "same");
}

fn fragments_or_none(object: &InMemDicomObject) -> Option<Vec<u8>> {
    object.get(tags::PIXEL_DATA).and_then(|e| e.fragments().map(<[_]>::concat))
}

#[tokio::test]
async fn references_between_instances_hold_after_rewriting() {
    let Some((archive, _)) = with_data().await else { return };
    let all = archive.get(&format!("/studies/{}/metadata", uid(STUDY))).await.list();
    let known: BTreeSet<String> = all.iter().map(|i| text(i, "00080018")).collect();
    let mut referenced = BTreeSet::new();
    for segmentation in all.iter().filter(|i| text(i, "00080060") == "SEG") {
        for series in segmentation["00081115"]["Value"].as_array().into_iter().flatten() {
            for instance in series["0008114A"]["Value"].as_array().into_iter().flatten() {
                referenced.insert(text(instance, "00081155"));
            }
        }
    }
    assert!(!referenced.is_empty(), "the segmentations refer to images");
    let missing: Vec<&String> = referenced.difference(&known).collect();
    assert!(missing.is_empty(), "{} of {} references lead nowhere", missing.len(), referenced.len());
}

#[tokio::test]
async fn htj2k_is_answered_as_orthanc_does_and_whole_instances_are_right() {
    let Some(folder) = folder() else { return };
    let data = Some(folder.join("dx-htj2k"));
    for htj2k in [Htj2k::LikeOrthanc, Htj2k::Conforming] {
        let archive = Archive::start(None, data.clone(), htj2k).await;
        let found = archive.get("/instances?Modality=DX&PatientID=EF-0098812").await.list();
        let one: &Value = &found[0];
        let url = text(one, "00081190");
        let frame = format!("{url}/frames/1");
        let stored = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*";
        let as_stored = archive.get_as(&frame, stored).await;
        let decoded = archive.get_as(&frame, "application/octet-stream").await;
        let whole = archive.get_as(&url, "multipart/related; type=\"application/dicom\"; transfer-syntax=*").await;
        let object = dicom_object::from_reader(std::io::Cursor::new(&whole.parts()[0].1)).expect("a Part 10 file");
        let encoded = fragments(&object);
        assert_eq!(encoded[..2], [0xFF, 0x4F], "a codestream");
        match htj2k {
            Htj2k::LikeOrthanc => {
                assert_eq!(as_stored.status, 500, "frames as stored");
                assert!(decoded.parts()[0].1 == encoded, "the encoded bytes under the label of decoded ones");
                assert_eq!(archive.get(&format!("{url}/rendered")).await.status, 400, "a picture");
            }
            Htj2k::Conforming => {
                let (kind, bytes) = as_stored.parts().remove(0);
                assert_eq!(kind, "image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202", "as stored");
                assert!(bytes == encoded, "the encoded bytes");
                // Rows × columns × 2 bytes, by the data's description.
                assert_eq!(decoded.parts()[0].1.len(), 1692 * 1511 * 2, "decoded");
            }
        }
    }
}
