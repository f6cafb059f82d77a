//! Answers that are refusals, halves, or of the wrong kind.

use super::{listed_series, open, opened_series, save, text_on, until, with_text};
use crate::{
    COORDINATOR, MODERATOR,
    bulk::{Way, frames, over_each_way},
    cases::whole_case,
    code, opened, place,
};
use contract::{Calibration, ConflictChoice, FailureCode, FrameView, IdentityGrade, ImagesView, Part, Reply, Request};
use sandbox::Options;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tempfile::TempDir;
use testkit::{DeskKit, Detour, Platform, Spoiled};

over_each_way![
    a_frame_that_breaks_off_is_fetched_again_and_a_line_that_always_breaks_is_told,
    a_frame_in_another_syntax_than_its_label_is_no_picture_and_the_next_one_is,
    the_label_of_a_frame_counts_and_not_what_the_metadata_declared,
    an_image_without_spacing_has_no_millimeters_for_anybody_to_measure_in,
];

const PATIENT: &str = "pat-auenwald";

pub(crate) async fn at_work_behind() -> (Platform, Detour, TempDir, DeskKit) {
    let (platform, detour) = Detour::start(Options::default()).await.expect("a platform starts");
    let (folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    (platform, detour, folder, desk)
}

fn is_write(method: &http::Method) -> bool {
    method == http::Method::PUT || method == http::Method::POST
}

#[tokio::test]
async fn a_412_is_merged_and_sent_again_without_asking_anybody() {
    let (platform, detour, _folder, desk) = at_work_behind().await;
    let draft = open(&desk, PATIENT).await.draft;
    save(&desk, PATIENT, with_text(&draft, "Erste Fassung.")).await;
    let first = until(&desk, "the first version on the platform", |view| view.saved_there.is_some()).await;
    let refusals = Arc::new(AtomicUsize::new(0));
    let count = refusals.clone();
    detour.spoil(move |method, path| {
        // RFC 9110 §15.5.13: the condition of `If-Match` was false.
        let refuse = method == http::Method::PUT && path.starts_with("/fhir/CarePlan");
        if refuse && count.fetch_add(1, Ordering::SeqCst) == 0 { Spoiled::Status(412) } else { Spoiled::Not }
    });
    save(&desk, PATIENT, with_text(&first.draft, "Zweite Fassung.")).await;
    let sent = until(&desk, "the second version on the platform", |view| view.saved_there.is_some()).await;
    assert!(refusals.load(Ordering::SeqCst) >= 2, "it was refused and sent again");
    assert_eq!(sent.draft.text, "Zweite Fassung.", "nothing typed is lost");
    assert!(sent.conflicts.is_empty() && sent.save_failure.is_none(), "nobody is asked, nothing is open");
    assert_eq!(text_on(&platform, PATIENT).await.as_deref(), Some("Zweite Fassung."), "the platform has it");
}

#[tokio::test]
async fn what_a_platform_lets_us_write_over_is_brought_back_and_somebody_chooses() {
    let (platform, detour, _folder, desk) = at_work_behind().await;
    let draft = open(&desk, PATIENT).await.draft;
    save(&desk, PATIENT, with_text(&draft, "Erste Fassung.")).await;
    let first = until(&desk, "the first version on the platform", |view| view.saved_there.is_some()).await;
    detour.spoil(|method, path| {
        let heedless = method == http::Method::PUT && path.starts_with("/fhir/CarePlan");
        if heedless { Spoiled::Unconditional } else { Spoiled::Not }
    });
    let records = platform.records(COORDINATOR).await.expect("somebody else may write");
    let found = records.search(&format!("CarePlan?subject=Patient/{PATIENT}&status=draft")).await.expect("a search");
    let reference = format!("CarePlan/{}", found[0]["id"].as_str().expect("an id"));
    records.change(&reference, |plan| plan["description"] = json!("Von jemand anderem.")).await.expect("taken");

    save(&desk, PATIENT, with_text(&first.draft, "Zweite Fassung.")).await;
    let asked = until(&desk, "the conflict", |view| !view.conflicts.is_empty()).await;
    let texts = (asked.conflicts[0].mine.as_str(), asked.conflicts[0].theirs.as_str());
    assert_eq!(texts, ("Zweite Fassung.", "Von jemand anderem."), "what was written over is there");
    let choices = vec![ConflictChoice { field: "text".to_owned(), keep_mine: false }];
    desk.call(Request::ResolveConflicts { patient: PATIENT.to_owned(), choices }).await.expect("the choice is taken");
    until(&desk, "theirs on the platform", |view| view.saved_there.is_some() && view.conflicts.is_empty()).await;
    assert_eq!(text_on(&platform, PATIENT).await.as_deref(), Some("Von jemand anderem."), "and there again");
}

#[tokio::test]
async fn a_platform_that_fails_at_every_write_is_told_and_the_draft_waits_for_it() {
    let (platform, detour, _folder, desk) = at_work_behind().await;
    let draft = open(&desk, PATIENT).await.draft;
    detour.spoil(
        |method, path| {
            if is_write(method) && path.starts_with("/fhir") { Spoiled::Status(500) } else { Spoiled::Not }
        },
    );
    let saved = save(&desk, PATIENT, with_text(&draft, "Trotz 500 geschrieben.")).await;
    assert!(saved.saved_here.is_some(), "safe on this device");
    let told = until(&desk, "the failure", |view| view.save_failure.is_some()).await;
    assert_eq!(told.save_failure.map(|failure| failure.code), Some(FailureCode::PlatformFailed), "what it says");
    assert!(told.saved_here.is_some() && told.saved_there.is_none(), "safe here and not there");
    let answer = desk.call(Request::PreviewSigning { patient: PATIENT.to_owned() }).await;
    assert_eq!(code(&answer), Some(FailureCode::PlatformFailed), "nothing is signed that the platform lacks");
    detour.heal();
    let sent = until(&desk, "the draft on the platform", |view| view.saved_there.is_some()).await;
    assert_eq!((sent.draft.text.as_str(), sent.save_failure), ("Trotz 500 geschrieben.", None), "and then it is sent");
    assert_eq!(text_on(&platform, PATIENT).await.as_deref(), Some("Trotz 500 geschrieben."), "the platform has it");
}

#[tokio::test]
async fn one_search_that_fails_empties_one_part_and_asking_again_fills_it() {
    for (spoiled, expected) in [(500_u16, FailureCode::PlatformFailed), (0, FailureCode::AnswerUnreadable)] {
        let (_platform, detour, _folder, desk) = at_work_behind().await;
        detour.spoil(move |_, path| match (path.starts_with("/fhir/DocumentReference"), spoiled) {
            (false, _) => Spoiled::Not,
            // What a proxy says that wants a password.
            (true, 0) => Spoiled::Bytes(|_| b"<!doctype html><title>Proxy</title>".to_vec()),
            (true, status) => Spoiled::Status(status),
        });
        let case = whole_case(&desk, PATIENT).await;
        let Part::Failed { failure } = &case.documents else { panic!("the documents can't be there") };
        assert_eq!(failure.code, expected, "what the part says");
        assert!(matches!(case.laboratory, Part::Ready { .. }), "the laboratory is there");
        assert!(matches!(case.question, Part::Ready { .. }), "the question is there");
        detour.heal();
        desk.call(Request::OpenCase { patient: PATIENT.to_owned() }).await.expect("asked again");
        desk.eventually("the documents", |seen| {
            matches!(seen.case.as_ref()?.documents, Part::Ready { .. }).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn resources_that_nobody_knows_are_passed_over() {
    let (_platform, detour, _folder, desk) = at_work_behind().await;
    let known = whole_case(&desk, PATIENT).await;
    drop(desk);
    detour.spoil(|method, path| {
        if is_write(method) || !path.starts_with("/fhir/") || path.starts_with("/fhir/metadata") {
            return Spoiled::Not;
        }
        Spoiled::Json(|bundle| {
            let Some(entries) = bundle["entry"].as_array_mut() else { return };
            entries.insert(0, json!({"resource": {"resourceType": "Starship", "id": "x", "patient": [7]}}));
            entries.push(json!({"search": {"mode": "match"}}));
            entries.push(json!({"resource": {"id": "without-a-type"}}));
        })
    });
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&_platform.url).await.expect("the moderator may sign in");
    let case = whole_case(&desk, PATIENT).await;
    assert_eq!(case.identity, known.identity, "the banner");
    let parts = |part: &Part<Vec<contract::DocumentEntryView>>| match part {
        Part::Ready { value, .. } => value.len(),
        Part::Loading | Part::Empty | Part::Denied | Part::Absent | Part::Failed { .. } => 0,
    };
    assert!(parts(&known.documents) > 0, "there are documents");
    assert_eq!(parts(&case.documents), parts(&known.documents), "the documents");
    assert_eq!(case.tnm, known.tnm, "the stage");
    assert_eq!(case.question, known.question, "the question");
    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    let Ok(Reply::Cases(cases)) = answer else { panic!("a list: {:?}", code(&answer)) };
    let Part::Ready { value, .. } = cases.rows else { panic!("rows") };
    assert_eq!(value.len(), 12, "the list");
}

/// Takes the name from every patient of a bundle.
fn nameless(bundle: &mut Value) {
    for entry in bundle["entry"].as_array_mut().into_iter().flatten() {
        if let Some(patient) = entry["resource"].as_object_mut().filter(|one| one["resourceType"] == "Patient") {
            patient.remove("name");
        }
    }
}

#[tokio::test]
async fn a_patient_without_a_name_is_a_case_like_any_other_and_no_image_is_taken_for_theirs_unseen() {
    let (_platform, detour, _folder, desk) = at_work_behind().await;
    detour.spoil(
        |method, path| {
            if is_write(method) || !path.starts_with("/fhir/") { Spoiled::Not } else { Spoiled::Json(nameless) }
        },
    );
    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    let Ok(Reply::Cases(cases)) = answer else { panic!("a list: {:?}", code(&answer)) };
    let Part::Ready { value: rows, .. } = cases.rows else { panic!("rows") };
    assert!(rows.iter().any(|row| row.patient == PATIENT), "the case is in the list");
    let case = whole_case(&desk, PATIENT).await;
    assert_eq!((&case.identity.family, &case.identity.given), (&None, &None), "there is no name");
    assert_eq!(case.identity.kvnr.as_deref(), Some("X110127457"), "the recipe's number tells who it is");
    assert!(case.identity.birth_date.is_some(), "and so does the birth date");
    assert!(matches!(case.documents, Part::Ready { .. }), "the record is there");
    let draft = open(&desk, PATIENT).await.draft;
    let saved = save(&desk, PATIENT, with_text(&draft, "Für jemanden ohne Namen.")).await;
    assert!(saved.saved_here.is_some(), "and a decision can be written");
    let images = images(&desk, |view| !view.loading).await;
    let silently: Vec<_> =
        images.studies.iter().filter(|study| study.identity == IdentityGrade::Same).map(|study| &study.study).collect();
    assert!(silently.is_empty(), "an image with a name is not taken for somebody's without one: {silently:?}");
}

async fn images(desk: &DeskKit, settled: impl Fn(&ImagesView) -> bool) -> ImagesView {
    let _images = desk.call(Request::OpenImages { patient: PATIENT.to_owned() }).await.expect("the images open");
    desk.eventually("the studies", |seen| seen.images.clone().filter(|view| settled(view))).await
}

#[tokio::test]
async fn an_archive_that_fails_is_told_and_asked_again() {
    let (_platform, detour, _folder, desk) = at_work_behind().await;
    detour.spoil(|_, path| if path.starts_with("/dicom-web") { Spoiled::Status(500) } else { Spoiled::Not });
    let case = whole_case(&desk, PATIENT).await;
    assert!(matches!(case.documents, Part::Ready { .. }), "the record does not mind");
    let told = images(&desk, |view| !view.loading).await;
    assert_eq!(told.failure.map(|failure| failure.code), Some(FailureCode::PlatformFailed), "what it says");
    detour.heal();
    let back = images(&desk, |view| !view.loading && !view.studies.is_empty()).await;
    assert_eq!(back.failure, None, "asked again it is there");
}

#[tokio::test]
async fn series_that_could_not_be_looked_into_can_be_opened_later() {
    let (_platform, detour, _folder, desk) = at_work_behind().await;
    detour.spoil(|_, path| {
        if path.ends_with("/metadata") && path.starts_with("/dicom-web") { Spoiled::Status(500) } else { Spoiled::Not }
    });
    let (study, series) = listed_series(&desk, PATIENT, "FDG-PET/CT", "PET AC").await;
    let view = images(&desk, |view| !view.loading).await;
    let entry = view.studies.iter().flat_map(|study| &study.series).find(|entry| entry.series == series);
    assert!(entry.is_some_and(|entry| entry.displayable), "a failing archive makes no series undisplayable");
    let request = Request::OpenSeries { patient: PATIENT.to_owned(), study, series };
    assert_eq!(code(&desk.call(request.clone()).await), Some(FailureCode::PlatformFailed), "told on the click");
    detour.heal();
    let answer = desk.call(request).await;
    assert!(matches!(answer, Ok(Reply::Series(_))), "and on the next it opens: {:?}", code(&answer));
}

fn is_frame(path: &str) -> bool {
    path.contains("/frames/")
}

async fn a_frame_that_breaks_off_is_fetched_again_and_a_line_that_always_breaks_is_told(way: Way) {
    let (_platform, detour, _folder, desk) = at_work_behind().await;
    let series = opened_series(&desk, PATIENT, "FDG-PET/CT", "PET AC").await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    detour.spoil(move |_, path| {
        let first = is_frame(path) && count.fetch_add(1, Ordering::SeqCst) == 0;
        if first { Spoiled::Half } else { Spoiled::Not }
    });
    let got = frames(&desk, way, &series, 3, 3).await;
    let values = got[&3].as_ref().expect("a second attempt brings it");
    assert_eq!(values.len(), 128 * 128 * 2, "whole: the recipe's matrix in 16 bits");
    assert!(asked.load(Ordering::SeqCst) >= 2, "the first was cut");
    detour.spoil(|_, path| if is_frame(path) { Spoiled::Half } else { Spoiled::Not });
    let got = frames(&desk, way, &series, 4, 4).await;
    assert_eq!(got[&4].as_ref().err().map(String::as_str), Some("platform-unreachable"), "no half picture");
    detour.heal();
    let got = frames(&desk, way, &series, 3, 5).await;
    assert!(got.values().all(Result::is_ok), "the rest works on: {:?}", got.keys());
}

/// Changes the transfer syntax by which the archive labels a frame (PS3.18 §8.7.3.5.2).
fn relabel(body: Vec<u8>, syntax: &str) -> Vec<u8> {
    let word = b"transfer-syntax=";
    let Some(at) = body.windows(word.len()).position(|window| window == word) else { return body };
    let from = at + word.len();
    let to = from + body[from..].iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.')).unwrap_or(0);
    [&body[..from], syntax.as_bytes(), &body[to..]].concat()
}

/// What raw values are called, and how the label is changed.
type Relabeled = (&'static str, fn(Vec<u8>) -> Vec<u8>);

async fn a_frame_in_another_syntax_than_its_label_is_no_picture_and_the_next_one_is(way: Way) {
    let rules: [Relabeled; 4] = [
        ("JPEG-LS", |body| relabel(body, "1.2.840.10008.1.2.4.80")),
        ("JPEG 2000", |body| relabel(body, "1.2.840.10008.1.2.4.90")),
        ("RLE", |body| relabel(body, "1.2.840.10008.1.2.5")),
        ("a syntax that does not exist", |body| relabel(body, "1.2.840.10008.1.2.4.999")),
    ];
    let (_platform, detour, _folder, desk) = at_work_behind().await;
    let series = opened_series(&desk, PATIENT, "FDG-PET/CT", "PET AC").await;
    // None of these is among the frames that the window of a series without one is made from.
    for (frame, (name, rule)) in (20_u32..).zip(rules) {
        detour.spoil(move |_, path| if is_frame(path) { Spoiled::Bytes(rule) } else { Spoiled::Not });
        let got = frames(&desk, way, &series, frame, frame).await;
        let told = got[&frame].as_ref().err().map(String::as_str).unwrap_or("a picture");
        assert!(
            ["image-damaged", "image-truncated", "encoding-unsupported"].contains(&told),
            "raw values that are called {name} give {told}"
        );
        detour.heal();
        let got = frames(&desk, way, &series, frame, frame).await;
        assert!(got[&frame].is_ok(), "nothing wrong was kept of frame {frame}: {got:?}");
    }
}

async fn the_label_of_a_frame_counts_and_not_what_the_metadata_declared(way: Way) {
    let (_platform, detour, _folder, desk) = at_work_behind().await;
    // (0008,3002) Available Transfer Syntax UID says RLE (PS3.5 A.4.2); the frames come as they are.
    detour.spoil(|_, path| {
        if !path.ends_with("/metadata") {
            return Spoiled::Not;
        }
        Spoiled::Json(|instances| {
            for instance in instances.as_array_mut().into_iter().flatten() {
                instance["00083002"] = json!({"vr": "UI", "Value": ["1.2.840.10008.1.2.5"]});
            }
        })
    });
    let series = opened_series(&desk, PATIENT, "FDG-PET/CT", "PET AC").await;
    let got = frames(&desk, way, &series, 0, 2).await;
    assert!(got.values().all(Result::is_ok), "the archive's own label is what was sent: {got:?}");
}

/// Takes the spacing of pixels from one instance or from all of them.
fn without_spacing(instances: &mut Value, one: bool) {
    let all = instances.as_array_mut().into_iter().flatten();
    for instance in all.skip(usize::from(one)).take(if one { 1 } else { usize::MAX }) {
        if let Some(instance) = instance.as_object_mut() {
            // Pixel Spacing, Imager Pixel Spacing, Nominal Scanned Pixel Spacing.
            for tag in ["00280030", "00181164", "00182010"] {
                instance.remove(tag);
            }
        }
    }
}

/// Whose spacing is taken, and how; of how many images it is gone.
type Unspaced = (&'static str, fn(&mut Value), usize);

async fn an_image_without_spacing_has_no_millimeters_for_anybody_to_measure_in(way: Way) {
    let rules: [Unspaced; 2] = [
        ("all", |instances| without_spacing(instances, false), 135),
        ("one", |instances| without_spacing(instances, true), 1),
    ];
    for (name, rule, count) in rules {
        let (_platform, detour, _folder, desk) = at_work_behind().await;
        detour.spoil(move |_, path| if path.ends_with("/metadata") { Spoiled::Json(rule) } else { Spoiled::Not });
        let series = opened_series(&desk, PATIENT, "FDG-PET/CT", "CT AC 3,75 mm").await;
        // The page's viewer measures in pixels exactly when both are absent (`viewer::scene::length`).
        let unspaced = |frame: &&FrameView| {
            let own = series.pixels.get(frame.pixels as usize).and_then(|pixels| pixels.scale);
            let (spacing, calibration) =
                own.map_or((series.spacing, series.calibration), |scale| (scale.spacing, scale.calibration));
            (spacing, calibration) == (None, Calibration::None)
        };
        assert_eq!(series.frames.iter().filter(unspaced).count(), count, "{name} without spacing");
        assert_eq!(series.unit.as_deref(), Some("HU"), "densities do not need it");
        assert_eq!(series.frames.len(), 135, "every image is shown all the same");
        let got = frames(&desk, way, &series, 0, 1).await;
        assert!(got.values().all(Result::is_ok), "with its pixels");
    }
}
