//! An image archive: what was stored comes back, as a stack and as exactly the pixels that the files hold.

use crate::{MODERATOR, client, platforms::on_each_platform, servers::skipped};
use imaging::{FrameFormat, Instance, Part10, Stack, StoredFrame, decode::decode_frame};
use model::{SeriesUid, SopInstanceUid, StudyUid};
use platform::dicomweb::{DicomwebError, EncodedFrame};
use serde_json::Value;
use std::path::PathBuf;
use testkit::Platform;
use url::Url;

on_each_platform![
    a_jpeg_ls_ct_comes_back_as_a_volume_with_the_pixels_of_its_files,
    an_htj2k_x_ray_is_had_as_a_whole_instance_where_its_frame_is_not,
    what_is_not_there_is_nothing_and_no_failure,
];

/// JPEG-LS Lossless (PS3.5 A.4.3).
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";

/// A file and what it says.
pub(crate) struct Stored {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    pub(crate) instance: Instance,
}

/// Neighboring slices of a CT, stored as JPEG-LS.
pub(crate) fn ct() -> Option<Vec<Stored>> {
    files("petct/ct-ct-images", 12)
}

/// All slices of it.
pub(crate) fn whole_ct() -> Option<Vec<Stored>> {
    files("petct/ct-ct-images", usize::MAX)
}

/// An X-ray of the chest, stored as HTJ2K.
pub(crate) fn dx() -> Option<Vec<Stored>> {
    files("dx-htj2k/dx-thorax-kl", 1)
}

/// The first files of a series of the test data.
fn files(folder: &str, most: usize) -> Option<Vec<Stored>> {
    let data = std::env::var_os("KONSIL_TEST_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(data.join(folder)) else {
        skipped(&format!("the test data has no {folder}"));
        return None;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    let stored = paths.into_iter().take(most).map(|path| {
        let bytes = std::fs::read(&path).expect("the file can be read");
        let instance = Instance::from_part10(&bytes).expect("the file is DICOM");
        Stored { path, bytes, instance }
    });
    Some(stored.collect())
}

impl Stored {
    pub(crate) fn decoded(&self) -> StoredFrame {
        let file = Part10::open(&self.bytes).expect("the file opens");
        let image = self.instance.image.as_ref().expect("the file holds an image");
        decode_frame(image, file.transfer_syntax(), &file.frame(0).expect("it has a frame")).expect("it decodes")
    }
}

/// STOW-RS (PS3.18 10.5), as a modality would.
pub(crate) async fn store(archive: &Url, token: &str, files: impl Iterator<Item = &[u8]>) {
    let boundary = "konsil-test-boundary";
    let mut body = Vec::new();
    for file in files {
        body.extend_from_slice(format!("--{boundary}\r\nContent-Type: application/dicom\r\n\r\n").as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let answer = client::plain()
        .post(format!("{}/studies", archive.as_str().trim_end_matches('/')))
        .bearer_auth(token)
        .header("accept", "application/dicom+json")
        .header("content-type", format!("multipart/related; type=\"application/dicom\"; boundary={boundary}"))
        .body(body)
        .send()
        .await
        .expect("the archive answers");
    let status = answer.status();
    let report: Value = answer.json().await.expect("the archive reports what it stored");
    // PS3.18 10.5.3: Failed SOP Sequence.
    assert!(
        status.is_success() && report["00081198"]["Value"].as_array().is_none_or(Vec::is_empty),
        "{status}: {report}"
    );
}

/// Stores files on a platform.
pub(crate) async fn stored(platform: &Platform, files: &[Stored]) {
    let records = platform.records(MODERATOR).await.expect("the moderator may sign in");
    let found = client::found(&client::egress(), platform).await;
    let archive = found.dicomweb.expect("it has images");
    store(&archive, records.token(), files.iter().map(|file| file.bytes.as_slice())).await;
}

fn value<'a>(object: &'a Value, tag: &str) -> &'a Value {
    &object[tag]["Value"][0]
}

async fn a_jpeg_ls_ct_comes_back_as_a_volume_with_the_pixels_of_its_files(platform: &Platform) {
    let Some(files) = ct() else { return };
    stored(platform, &files).await;
    let client = client::archive(platform, MODERATOR).await;
    let (study, series) = (&files[0].instance.study, &files[0].instance.series);

    let found = client.studies(&[("StudyInstanceUID", study.as_str()), ("includefield", "00081030")], 10).await;
    let found = found.expect("QIDO-RS for studies");
    assert_eq!(found.items.len(), 1, "the study is listed once");
    let listed = client.series(study, &[], 100).await.expect("QIDO-RS for series");
    let ours =
        listed.items.iter().find(|item| value(item, "0020000E") == series.as_str()).expect("the series is listed");
    assert_eq!(value(ours, "00080060"), "CT", "its modality");
    let instances = client.instances(study, series, &[], 1000).await.expect("QIDO-RS for instances");
    assert_eq!(instances.items.len(), files.len(), "every instance is listed once");

    let metadata = client.series_metadata(study, series).await.expect("WADO-RS metadata");
    assert!(!metadata.truncated && metadata.damaged == 0, "whole metadata");
    let from_archive: Vec<Instance> =
        metadata.items.iter().map(|item| Instance::from_json(item).expect("metadata can be read")).collect();
    let stack = Stack::of(from_archive);
    let from_files = Stack::of(files.iter().map(|file| file.instance.clone()).collect());
    let order = |stack: &Stack| -> Vec<String> {
        (0..stack.frames.len())
            .filter_map(|at| stack.instance(at))
            .map(|i| i.sop_instance.as_str().to_owned())
            .collect()
    };
    assert_eq!(order(&stack), order(&from_files), "the same order as from the files");
    assert_eq!(stack.volume, from_files.volume, "the same planes");
    assert!(stack.volume.is_some() && stack.notes.is_empty(), "a volume without remarks: {:?}", stack.notes);

    for (at, place) in stack.frames.iter().enumerate() {
        let instance = stack.instance(at).expect("each frame has its instance");
        let number = u32::try_from(place.frame + 1).expect("few frames");
        let frame = client.frame(study, series, &instance.sop_instance, number).await.expect("WADO-RS frame");
        assert_eq!(frame.transfer_syntax.as_deref(), Some(JPEG_LS), "frame {at} comes as it is stored");
        let image = instance.image.as_ref().expect("metadata describe the image");
        let got = decode_frame(image, JPEG_LS, &frame.bytes).expect("the frame decodes");
        let file =
            files.iter().find(|file| file.instance.sop_instance == instance.sop_instance).expect("it was stored");
        assert!(got == file.decoded(), "frame {at} has the file's stored values");
    }
}

async fn an_htj2k_x_ray_is_had_as_a_whole_instance_where_its_frame_is_not(platform: &Platform) {
    let Some(files) = dx() else { return };
    stored(platform, &files).await;
    let client = client::archive(platform, MODERATOR).await;
    let Stored { bytes, instance, .. } = &files[0];
    let (study, series, sop) = (&instance.study, &instance.series, &instance.sop_instance);

    let metadata = client.series_metadata(study, series).await.expect("WADO-RS metadata");
    let described = Instance::from_json(&metadata.items[0]).expect("metadata can be read");
    let image = described.image.as_ref().expect("metadata describe the image");
    let expected = files[0].decoded();
    assert_eq!(expected.format, FrameFormat::U16, "a radiograph of more than 8 bits");

    // Some servers know no frames of this transfer syntax; others send one. Either way is the same picture.
    match client.frame(study, series, sop, 1).await {
        Ok(EncodedFrame { bytes, transfer_syntax, .. }) => {
            let syntax = transfer_syntax.unwrap_or_default();
            let got = decode_frame(image, &syntax, &bytes).expect("whatever its label, it decodes");
            assert!(got == expected, "the file's stored values");
        }
        Err(error) => assert!(matches!(error, DicomwebError::Server(_) | DicomwebError::Refused(_)), "{error:?}"),
    }
    let whole = client.instance(study, series, sop).await.expect("WADO-RS instance");
    let file = Part10::open(&whole).expect("it is a DICOM file");
    let original = Part10::open(bytes).expect("it is a DICOM file");
    assert_eq!(file.transfer_syntax(), original.transfer_syntax(), "the original transfer syntax");
    let frame = file.frame(0).expect("it has its frame");
    let got = decode_frame(image, file.transfer_syntax(), &frame).expect("it decodes with the archive's description");
    assert!(got == expected, "the file's stored values");
}

async fn what_is_not_there_is_nothing_and_no_failure(platform: &Platform) {
    let client = client::archive(platform, MODERATOR).await;
    let nobody = client.studies(&[("PatientID", "nobody-has-this-number")], 10).await.expect("an answer");
    assert!(nobody.items.is_empty() && !nobody.more, "no study");
    let uid = "1.2.826.0.1.3680043.9.7433.999.1";
    let study = StudyUid::parse(uid).expect("a UID");
    let series = SeriesUid::parse(uid).expect("a UID");
    let instance = SopInstanceUid::parse(uid).expect("a UID");
    let missing = client.frame(&study, &series, &instance, 1).await;
    assert!(matches!(missing, Err(DicomwebError::NotFound)), "{missing:?}");
}
