//! QIDO-RS, WADO-RS and STOW-RS, with Orthanc's manners.

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use sandbox::dicomweb::Htj2k;

use super::harness::{Archive, first, name, numbers, text, uid};

const LUNG_CT: &str = "study-auenwald-ct";

#[tokio::test]
async fn whoever_the_gate_does_not_know_gets_403() {
    let archive = Archive::painted().await;
    assert_eq!(archive.get_without_token("/studies").await.status, 403, "a search without a token");
    let metadata = format!("/studies/{}/metadata", uid(LUNG_CT));
    assert_eq!(archive.get_without_token(&metadata).await.status, 403, "metadata without a token");
}

#[tokio::test]
async fn nothing_found_is_an_empty_list_and_200() {
    let archive = Archive::painted().await;
    for query in ["/studies?PatientID=nobody", "/studies/1.2.3/series", "/series?Modality=XA"] {
        assert!(archive.get(query).await.list().is_empty(), "{query} finds nothing");
    }
}

#[tokio::test]
async fn studies_are_found_by_patient_date_modality_and_uid() {
    let archive = Archive::painted().await;
    // Today is 2026-11-24; the PET/CT is 20 days old, the CT 33 and the MR 19.
    let cases = [
        ("PatientID=EF-0098812", 3),
        ("00100020=EF-0098812", 3),
        ("PatientName=Auenwald*", 3),
        ("PatientName=auen*", 3),
        ("PatientName=Aue?wald%5EGernot", 4),
        ("PatientID=EF-0098812&StudyDate=20261104", 1),
        ("PatientID=EF-0098812&StudyDate=20261101-20261105", 2),
        ("PatientID=EF-0098812&StudyDate=-20261022", 1),
        ("ModalitiesInStudy=PT", 2),
        ("ModalitiesInStudy=DX", 1),
        ("PatientName=%C3%84hrenfeld*", 2),
    ];
    for (query, expected) in cases {
        let found = archive.get(&format!("/studies?{query}")).await.list();
        assert_eq!(found.len(), expected, "{query}");
    }
    let one = archive.get(&format!("/studies?StudyInstanceUID={}", uid("study-auenwald-petct"))).await.list();
    assert_eq!(one.len(), 1, "by UID");
    assert_eq!(name(&one[0]), "Auenwald^Gernot", "the patient");
    assert_eq!(text(&one[0], "00080020"), "20261104", "the date");
    // 69 years today, born on 14 March.
    assert_eq!(text(&one[0], "00100030"), "19570314", "the birth date");
    assert_eq!(first(&one[0], "00201206"), 2, "two series");
    assert_eq!(first(&one[0], "00201208"), 270, "2 × 135 instances");
    assert_eq!(one[0]["00080061"]["Value"], serde_json::json!(["CT", "PT"]), "modalities");
}

#[tokio::test]
async fn an_unknown_attribute_is_a_bad_request_and_fuzzy_matching_has_no_effect() {
    let archive = Archive::painted().await;
    assert_eq!(archive.get("/studies?NoSuchThing=1").await.status, 400, "an unknown keyword");
    let fuzzy = archive.get("/studies?PatientName=Auenwalt*&fuzzymatching=true").await.list();
    assert!(fuzzy.is_empty(), "a similar name is not found");
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let archive = Archive::painted().await;
    let path = format!("/studies/{}/series/{}/instances", uid(LUNG_CT), uid(&format!("{LUNG_CT}/2")));
    let all = archive.get(&path).await.list();
    assert_eq!(all.len(), 120, "all instances of the series");
    let mut paged = Vec::new();
    for offset in (0..160).step_by(50) {
        paged.extend(archive.get(&format!("{path}?limit=50&offset={offset}")).await.list());
    }
    assert_eq!(paged, all, "three pages are the whole");
}

#[tokio::test]
async fn include_field_adds_attributes_to_an_answer() {
    let archive = Archive::painted().await;
    let query = format!("/studies?StudyInstanceUID={}", uid(LUNG_CT));
    let plain = archive.get(&query).await.list();
    assert!(plain[0]["00081030"].is_null(), "the description is not there unasked");
    let full = archive.get(&format!("{query}&includefield=StudyDescription")).await.list();
    assert_eq!(text(&full[0], "00081030"), "CT Thorax und Oberbauch", "the description");
    let all = archive.get(&format!("{query}&includefield=all")).await.list();
    assert_eq!(text(&all[0], "00080080"), "Klinikum Eschenfurt", "the institution");
}

#[tokio::test]
async fn the_x_ray_in_auenwalds_record_carries_auerwalds_identity() {
    let archive = Archive::painted().await;
    let listed = archive.images.listings().iter().find(|l| l.id == "study-auerwald-dx").expect("the record lists it");
    assert_eq!(listed.patient, "pat-auenwald", "in the wrong record, on purpose");
    let by_uid = archive.get(&format!("/studies?StudyInstanceUID={}", listed.uid)).await.list();
    assert_eq!(name(&by_uid[0]), "Auerwald^Gernot", "the name in the image");
    assert_eq!(text(&by_uid[0], "00100020"), "TH-204471", "the number in the image");
    let by_patient = archive.get("/studies?PatientID=TH-204417").await.list();
    assert!(by_patient.is_empty(), "a search by Auenwald's number does not find it");
    let by_other = archive.get("/studies?PatientID=TH-204471").await.list();
    assert_eq!(by_other.len(), 1, "a search by Auerwald's number does");
}

#[tokio::test]
async fn metadata_describe_geometry_identity_and_values_of_a_ct() {
    let archive = Archive::painted().await;
    let (study, series) = (uid(LUNG_CT), uid(&format!("{LUNG_CT}/2")));
    let all = archive.metadata(&study, &series).await;
    assert_eq!(all.len(), 120, "one object an instance");
    let ct = &all[10];
    assert_eq!(text(ct, "00080018"), uid(&format!("{LUNG_CT}/2/11")), "the instance's UID by the recipe's rule");
    assert_eq!(text(ct, "00080005"), "ISO_IR 192", "character set");
    assert_eq!(numbers(ct, "00200037"), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0], "orientation");
    // Topmost slice at z = 195 mm, 3 mm apart.
    assert_eq!(numbers(ct, "00200032")[2], 195.0 - 30.0, "position of the eleventh slice");
    assert_eq!(numbers(ct, "00280030"), [0.78, 0.78], "spacing");
    assert_eq!(numbers(ct, "00281052"), [-1024.0], "rescale intercept");
    assert_eq!(text(ct, "00080070"), "Konsil demonstration", "manufacturer");
    assert_eq!(text(ct, "00101010"), "069Y", "age");
    assert!(ct["00083002"].is_null(), "the available transfer syntax is not told");
    let bulk = ct["7FE00010"]["BulkDataURI"].as_str().expect("native pixels have an address");
    let through_bulk = archive.get(bulk).await.parts().remove(0).1;
    let (kind, frame) = archive.frame(&study, &series, &text(ct, "00080018"), 1).await;
    assert_eq!(kind, "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1", "label of native frames");
    assert_eq!(frame.len(), 512 * 512 * 2, "a frame's bytes");
    assert!(through_bulk == frame, "bulk data of a single frame is the frame");
}

#[tokio::test]
async fn what_does_not_exist_is_404_and_what_cannot_be_made_406() {
    let archive = Archive::painted().await;
    let (study, series) = (uid(LUNG_CT), uid(&format!("{LUNG_CT}/2")));
    let instance = format!("/studies/{study}/series/{series}/instances/{}", uid(&format!("{LUNG_CT}/2/1")));
    for path in [
        "/studies/1.2.3/metadata".to_owned(),
        format!("/studies/{study}/series/1.2.3/metadata"),
        format!("{instance}/frames/2"),
    ] {
        assert_eq!(archive.get(&path).await.status, 404, "{path}");
    }
    for accept in [
        "image/jls",
        "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.4.80",
        "text/html",
    ] {
        let answer = archive.get_as(&format!("{instance}/frames/1"), accept).await;
        assert_eq!(answer.status, 406, "{accept}");
    }
    assert_eq!(archive.get(&format!("{instance}/frames/zero")).await.status, 400, "not a frame number");
}

#[tokio::test]
async fn an_instance_comes_as_a_part_10_file() {
    let archive = Archive::painted().await;
    let (study, series) = (uid(LUNG_CT), uid(&format!("{LUNG_CT}/2")));
    let instance = uid(&format!("{LUNG_CT}/2/60"));
    let path = format!("/studies/{study}/series/{series}/instances/{instance}");
    let answer = archive.get_as(&path, "multipart/related; type=\"application/dicom\"; transfer-syntax=*").await;
    let parts = answer.parts();
    assert_eq!(parts.len(), 1, "one instance, one part");
    let object = dicom_object::from_reader(std::io::Cursor::new(&parts[0].1)).expect("a Part 10 file");
    assert_eq!(object.meta().transfer_syntax(), "1.2.840.10008.1.2.1", "explicit VR little endian");
    let pixels = object.element(tags::PIXEL_DATA).expect("pixels").to_bytes().expect("bytes");
    let (_, frame) = archive.frame(&study, &series, &instance, 1).await;
    assert!(*pixels == frame[..], "the file's pixels are the frame's");
}

#[tokio::test]
async fn pictures_keep_the_aspect_and_are_png_or_jpeg() {
    let archive = Archive::painted().await;
    let study = uid("study-auerwald-dx");
    let series = uid("study-auerwald-dx/1");
    let instance = format!("/studies/{study}/series/{series}/instances/{}", uid("study-auerwald-dx/1/1"));
    let png = archive.get_as(&format!("{instance}/rendered"), "image/png").await;
    assert_eq!(png.content_type, "image/png", "the accepted type");
    let reader = png::Decoder::new(std::io::Cursor::new(&png.body)).read_info().expect("a PNG");
    assert_eq!((reader.info().width, reader.info().height), (1500, 1700), "full size");
    let thumbnail = archive.get_as(&format!("/studies/{study}/series/{series}/thumbnail"), "image/png").await;
    let reader = png::Decoder::new(std::io::Cursor::new(&thumbnail.body)).read_info().expect("a PNG");
    // At most 128 high, 1500 : 1700.
    assert_eq!((reader.info().width, reader.info().height), (112, 126), "a thumbnail");
    let jpeg = archive.get(&format!("{instance}/rendered?viewport=300,300")).await;
    assert!(jpeg.body.starts_with(&[0xFF, 0xD8, 0xFF]), "JPEG when anything is accepted");
}

#[tokio::test]
async fn what_is_stored_is_found_again_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = Archive::start(Some(folder.path().to_owned()), None, Htj2k::default()).await;
    let (study, series) = (uid(LUNG_CT), uid(&format!("{LUNG_CT}/2")));
    let path = format!("/studies/{study}/series/{series}/instances/{}", uid(&format!("{LUNG_CT}/2/60")));
    let original = archive.get_as(&path, "multipart/related; type=\"application/dicom\"; transfer-syntax=*").await;
    let mut object = dicom_object::from_reader(std::io::Cursor::new(&original.parts()[0].1)).expect("a Part 10 file");
    for (tag, value) in [
        (tags::STUDY_INSTANCE_UID, "2.25.1001"),
        (tags::SERIES_INSTANCE_UID, "2.25.1002"),
        (tags::SOP_INSTANCE_UID, "2.25.1003"),
    ] {
        object.put(DataElement::new(tag, VR::UI, PrimitiveValue::from(value)));
    }
    let mut file = Vec::new();
    object.write_all(&mut file).expect("a file");

    let answer = archive.store("/studies", &[file.clone()]).await.json();
    let stored = &answer["00081199"]["Value"][0];
    assert_eq!(text(stored, "00081155"), "2.25.1003", "the stored instance");
    let address = "/studies/2.25.1001/series/2.25.1002/instances/2.25.1003";
    assert!(text(stored, "00081190").ends_with(address), "its address");
    assert_eq!(archive.store("/studies/2.25.7", &[file.clone()]).await.status, 409, "another study is named");
    assert_eq!(archive.store("/studies", &[b"not DICOM".to_vec()]).await.status, 409, "not DICOM");
    let mixed = archive.store("/studies", &[file, b"not DICOM".to_vec()]).await;
    assert_eq!(mixed.status, 202, "one of two");

    let again = Archive::start(Some(folder.path().to_owned()), None, Htj2k::default()).await;
    for archive in [&archive, &again] {
        let found = archive.get("/studies?StudyInstanceUID=2.25.1001").await.list();
        assert_eq!(found.len(), 1, "the study");
        let (_, frame) = archive.frame("2.25.1001", "2.25.1002", "2.25.1003", 1).await;
        assert_eq!(frame.len(), 512 * 512 * 2, "its frame");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing_of_its_last_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = Archive::start(Some(folder.path().to_owned()), None, Htj2k::default()).await;
    let answer = archive.store_raw("/studies", b"--XyZ\r\nContent-Type: application/dicom\r\n\r\nhalf a fi").await;
    assert_eq!(answer.status, 400, "an incomplete message");
    let left = std::fs::read_dir(folder.path().join("images/received")).expect("the folder").count();
    assert_eq!(left, 0, "no file stays");
}
