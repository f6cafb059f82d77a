//! Studies, the gate between persons, and frames over the bulk pipe.

use crate::{
    MODERATOR, at_work_on,
    bulk::{Pipe, Way, frames, over_each_way},
    code,
    faults::behind,
    opened, part10, place,
    platforms::{on_each_platform, on_each_platform_over_each_way},
};
use contract::{
    FailureCode, IdentityGrade, ImagesView, LengthUnit, MarkView, MeasurementView, Reply, Request, SeriesEntryView,
    SeriesView, StudyView,
};
use futures_util::{SinkExt, StreamExt};
use sandbox::Options;
use std::{collections::BTreeSet, fs};
use testkit::{DeskKit, PATIENCE, Platform, Spoiled};
use tokio::{sync::watch, time::timeout};
use tokio_tungstenite::tungstenite::Message;

on_each_platform![
    the_studies_of_the_case_are_listed_newest_first_with_who_they_show,
    another_person_s_image_is_refused_and_nothing_of_it_is_given,
    a_series_says_how_it_lies_in_the_patient,
    every_frame_arrives_once_and_never_more_than_was_granted,
];

on_each_platform_over_each_way![
    frames_that_are_not_there_fail_by_name_and_the_pipe_goes_on,
    a_locked_desk_gives_no_pixels_by_handles_given_out_before,
];

over_each_way![images_of_two_sizes_in_one_series_are_two_entries_and_all_of_them_are_seen,];

const PATIENT: &str = "pat-auenwald";

async fn studies(desk: &DeskKit, settled: impl Fn(&ImagesView) -> bool) -> ImagesView {
    let _case = desk.call(Request::OpenCase { patient: PATIENT.to_owned() }).await.expect("the case opens");
    let _images = desk.call(Request::OpenImages { patient: PATIENT.to_owned() }).await.expect("the images open");
    desk.eventually("the studies", |seen| seen.images.clone().filter(|view| settled(view))).await
}

/// Study and series by their descriptions in the recipe.
fn series_of(view: &ImagesView, study: &str, series: &str) -> Option<(String, String)> {
    let study = view.studies.iter().find(|entry| entry.description == study)?;
    let series = study.series.iter().find(|entry| entry.description == series)?;
    Some((study.study.clone(), series.series.clone()))
}

pub(crate) async fn opened_series(desk: &DeskKit, study: &str, series: &str) -> SeriesView {
    let view = studies(desk, |view| series_of(view, study, series).is_some()).await;
    let (study, series) = series_of(&view, study, series).expect("it is listed");
    let answer = desk.call(Request::OpenSeries { patient: PATIENT.to_owned(), study, series }).await;
    match answer {
        Ok(Reply::Series(view)) => view,
        other => panic!("a series: {:?}", code(&other)),
    }
}

async fn the_studies_of_the_case_are_listed_newest_first_with_who_they_show(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let view = studies(&desk, |view| view.studies.len() >= 4).await;
    let of_the_patient: Vec<&StudyView> =
        view.studies.iter().filter(|study| study.identity == IdentityGrade::Same).collect();
    let titles: Vec<&str> = of_the_patient.iter().map(|study| study.description.as_str()).collect();
    assert_eq!(titles, ["MRT Schädel", "FDG-PET/CT", "CT Thorax und Oberbauch"], "days -19, -20 and -33 of the recipe");
}

async fn another_person_s_image_is_refused_and_nothing_of_it_is_given(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let view = studies(&desk, |view| view.studies.len() >= 4).await;
    let stray =
        view.studies.iter().find(|study| study.description == "Röntgen Thorax").expect("the archive lists it here");
    let IdentityGrade::Other { other } = &stray.identity else { panic!("another person: {:?}", stray.study) };
    assert_eq!(
        (other.family.as_deref(), other.number.as_deref()),
        (Some("Auerwald"), Some("TH-204471")),
        "who it shows"
    );
    assert!(stray.series.is_empty(), "no series of it is listed");
    let request = Request::ConfirmIdentity { patient: PATIENT.to_owned(), study: stray.study.clone() };
    let _confirmed = desk.call(request).await;
    for series in ["1.2.3", &stray.study] {
        let request =
            Request::OpenSeries { patient: PATIENT.to_owned(), study: stray.study.clone(), series: series.to_owned() };
        assert_eq!(code(&desk.call(request).await), Some(FailureCode::OtherPatient), "no click opens it");
    }
}

async fn a_series_says_how_it_lies_in_the_patient(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let series = opened_series(&desk, "FDG-PET/CT", "CT AC 3,75 mm").await;
    assert_eq!((series.columns, series.rows, series.frames.len()), (512, 512, 135), "the recipe's matrix");
    assert_eq!(series.spacing, Some([0.976_562, 0.976_562]), "the recipe's spacing");
    let distance = series.volume.expect("parallel planes").plane_distance;
    assert!((distance - 3.27).abs() < 1e-6, "the recipe's distance of planes: {distance}");
    assert_eq!(series.unit.as_deref(), Some("HU"), "a CT");
    assert!(series.notes.is_empty(), "nothing is odd about it: {:?}", series.notes);
}

fn number(message: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(message[at..at + 4].try_into().expect("four bytes"))
}

/// Credit is the socket's: over the scheme a page asks for each message.
async fn every_frame_arrives_once_and_never_more_than_was_granted(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let series = opened_series(&desk, "FDG-PET/CT", "PET AC").await;
    let last = u32::try_from(series.frames.len() - 1).expect("a hundred or so");
    let mut socket = crate::bulk::socket(&desk).await;
    let want = format!(r#"{{"type":"want","series":{},"first":0,"last":{last},"near":60}}"#, series.handle);
    socket.send(Message::text(want)).await.expect("the pipe listens");
    for hostile in ["", "{}", "[]", "\u{0}", r#"{"type":"credit","n":-1}"#, r#"{"type":"want","series":"x"}"#] {
        socket.send(Message::text(hostile)).await.expect("words without meaning are passed over");
    }
    socket.send(Message::binary(vec![0xFF; 40])).await.expect("bytes without meaning are passed over");
    let (mut granted, mut got, mut frames, mut first) = (0, 0, BTreeSet::new(), None);
    while frames.len() <= last as usize {
        if got == granted {
            // Without credit nothing comes: an answered ping proves that the pipe had its say.
            socket.send(Message::text(r#"{"type":"ping"}"#)).await.expect("the pipe listens");
            let answer =
                timeout(PATIENCE, socket.next()).await.expect("an answer in time").expect("open").expect("whole");
            assert_eq!(answer, Message::text(r#"{"type":"pong"}"#), "no frame without credit, after {got}");
            socket.send(Message::text(r#"{"type":"credit","n":7}"#)).await.expect("the pipe listens");
            granted += 7;
        }
        let message = timeout(PATIENCE, socket.next()).await.expect("a frame in time").expect("open").expect("whole");
        let Message::Binary(bytes) = message else { panic!("a frame: {message:?}") };
        got += 1;
        assert_eq!((bytes[0], bytes[1]), (1, 3), "version and kind");
        assert_eq!(number(&bytes, 4), series.handle, "of the series asked for");
        assert_eq!(number(&bytes, 24), crc32fast::hash(&bytes[32..]), "the checksum of the payload");
        assert_eq!(bytes.len(), 32 + 128 * 128 * 2, "the recipe's matrix in 16 bits");
        let frame = number(&bytes, 8);
        first.get_or_insert(frame);
        assert!(frames.insert(frame), "frame {frame} arrives once");
    }
    assert_eq!(frames, (0..=last).collect(), "every frame");
    assert!(first.is_some_and(|first| first.abs_diff(60) <= 8), "the nearest come first: {first:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_image_of_a_series_comes_before_a_page_asks_for_it_and_is_fetched_once() {
    let (_platform, detour, _folder, desk) = behind().await;
    let (tell, mut asked) = watch::channel(Vec::new());
    detour.spoil(move |_, path| {
        if path.contains("/frames/") {
            tell.send_modify(|asked| asked.push(path.to_owned()));
        }
        Spoiled::Not
    });
    let series = opened_series(&desk, "FDG-PET/CT", "PET AC").await;
    let of_first = |path: &String| path.contains(&format!("/{}/frames/", series.frames[0].instance));
    let begun = asked.wait_for(|asked| asked.iter().any(of_first));
    drop(timeout(PATIENCE, begun).await.expect("nobody has to ask").expect("the way stays open"));
    let mut pipe = Pipe::open(&desk, Way::Socket).await;
    let got = pipe.frames(series.handle, 0, 0).await;
    assert_eq!(got[&0].as_ref().map(Vec::len), Ok(128 * 128 * 2), "the page gets it");
    assert_eq!(asked.borrow().iter().filter(|path| of_first(path)).count(), 1, "and the archive was asked for it once");
}

async fn frames_that_are_not_there_fail_by_name_and_the_pipe_goes_on(platform: &Platform, way: Way) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let series = opened_series(&desk, "FDG-PET/CT", "PET AC").await;
    let mut pipe = Pipe::open(&desk, way).await;
    let none = Err("not-found".to_owned());
    assert_eq!(pipe.frames(series.handle, 5000, 5000).await[&5000], none, "no such frame");
    assert_eq!(pipe.frames(4_000_000, 0, 0).await[&0], none, "no such series");
    let got = pipe.frames(series.handle, 3, 3).await;
    assert_eq!(got[&3].as_ref().map(Vec::len), Ok(128 * 128 * 2), "and a frame that is there");
}

async fn a_locked_desk_gives_no_pixels_by_handles_given_out_before(platform: &Platform, way: Way) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let series = opened_series(&desk, "FDG-PET/CT", "PET AC").await;
    let mut pipe = Pipe::open(&desk, way).await;
    let before = pipe.frames(series.handle, 0, 1).await;
    assert!(before.values().all(Result::is_ok), "while it is open they come");
    desk.call(Request::Lock).await.expect("locking is taken");
    // The second had come before and is kept on this device.
    for (frame, what) in pipe.frames(series.handle, 1, 2).await {
        assert_eq!(what, Err("not-found".to_owned()), "a failure and no pixels for frame {frame}");
    }
}

fn length(series: &str) -> MeasurementView {
    MeasurementView {
        id: "one".to_owned(),
        series: series.to_owned(),
        instance: format!("{series}.7"),
        frame: 1,
        mark: MarkView::Length { from: [10.5, 20.25], to: [40.0, 60.75], value: 46.0, unit: LengthUnit::Mm },
    }
}

async fn measured(desk: &DeskKit) -> Vec<MeasurementView> {
    let _case = desk.call(Request::OpenCase { patient: PATIENT.to_owned() }).await.expect("the case opens");
    match desk.call(Request::OpenMeasurements { patient: PATIENT.to_owned() }).await {
        Ok(Reply::Measurements(view)) => view.measurements,
        other => panic!("measurements: {:?}", code(&other)),
    }
}

#[tokio::test]
async fn what_was_measured_survives_a_killed_program_and_is_seen_by_nobody_else() {
    let (_folder, place) = place();
    let keep = |series: &str, measurements: Vec<MeasurementView>| Request::KeepMeasurements {
        patient: PATIENT.to_owned(),
        series: series.to_owned(),
        measurements,
    };
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&Platform::shared().url).await.expect("the moderator may sign in");
    assert_eq!(measured(&desk).await, [], "nothing at first");
    for series in ["1.2.3", "1.2.4"] {
        assert_eq!(desk.call(keep(series, vec![length(series)])).await, Ok(Reply::Done), "it is on the disk");
    }
    assert_eq!(desk.call(keep("1.2.4", Vec::new())).await, Ok(Reply::Done), "and the second is deleted");
    let stray = desk.call(keep("1.2.3", vec![length("1.2.4")])).await;
    assert_eq!(code(&stray), Some(FailureCode::InvalidInput), "a measurement of another series");
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, MODERATOR).await;
    assert_eq!(measured(&desk).await, [length("1.2.3")], "as it was measured");
    assert_eq!(desk.call(Request::SignOut).await, Ok(Reply::Done), "signed out");
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, "dr-sonnkaya").await;
    desk.sign_in(&Platform::shared().url).await.expect("the radiologist may sign in");
    assert_eq!(measured(&desk).await, [], "another person's notes");
}

/// A chest from behind and from the side, in one series.
async fn images_of_two_sizes_in_one_series_are_two_entries_and_all_of_them_are_seen(way: Way) {
    // Rows and columns of each image, by its number: the second is the one from the side.
    let sizes = [(1_u16, [24_u16, 16_u16]), (2, [12, 20]), (3, [24, 16])];
    let pixels = |number: u16, [rows, columns]: [u16; 2]| -> Vec<u8> {
        (0..rows * columns).flat_map(|pixel| (1000 * number + pixel).to_le_bytes()).collect()
    };
    let data = tempfile::tempdir().expect("a temporary folder");
    for (number, size) in sizes {
        let file = part10::image(number, size, &pixels(number, size));
        fs::write(data.path().join(format!("{number}.dcm")), file).expect("a file");
    }
    let options = Options { data: Some(data.path().to_owned()), ..Options::default() };
    let platform = Platform::start(options).await.expect("the sandbox starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    let entries = |view: &ImagesView| -> Vec<SeriesEntryView> {
        let study = view.studies.iter().find(|study| study.description == "Without spacing");
        study.map(|study| study.series.clone()).unwrap_or_default()
    };
    let listed =
        |view: &ImagesView| entries(view).len() == 2 && entries(view).iter().all(|entry| entry.thumbnail.is_some());
    let view = studies(&desk, listed).await;
    let study = view.studies.iter().find(|study| study.description == "Without spacing").expect("it is listed");
    let titles: Vec<(&str, u32)> =
        study.series.iter().map(|entry| (entry.description.as_str(), entry.instances)).collect();
    assert_eq!(titles, [("Series", 2), ("20 × 12, Series", 1)], "each with its own images");
    for (entry, numbers) in study.series.iter().zip([[1, 3].as_slice(), &[2]]) {
        let request = Request::OpenSeries {
            patient: PATIENT.to_owned(),
            study: study.study.clone(),
            series: entry.series.clone(),
        };
        let Ok(Reply::Series(series)) = desk.call(request).await else { panic!("{} opens", entry.series) };
        assert_eq!((&series.series, &series.description), (&entry.series, &entry.description), "what was asked for");
        let found: Vec<Option<i32>> = series.frames.iter().map(|frame| frame.number).collect();
        assert_eq!(found, numbers.iter().map(|number| Some(i32::from(*number))).collect::<Vec<_>>(), "its images");
        let last = u32::try_from(numbers.len() - 1).expect("few");
        let got = frames(&desk, way, &series, 0, last).await;
        for (frame, &number) in (0..).zip(numbers) {
            let (_, size) = sizes[usize::from(number - 1)];
            assert_eq!([series.rows, series.columns], size.map(u32::from), "the size of image {number}");
            assert_eq!(got[&frame].as_ref(), Ok(&pixels(number, size)), "the values of image {number}");
        }
        let small = SeriesView { handle: entry.thumbnail.expect("it has one"), ..series };
        let got = frames(&desk, way, &small, 0, 0).await;
        assert!(got[&0].as_ref().is_ok_and(|bytes| !bytes.is_empty()), "a picture for the strip");
    }
    let none = Request::OpenSeries {
        patient: PATIENT.to_owned(),
        study: study.study.clone(),
        series: format!("{}~3", study.series[0].series),
    };
    assert_eq!(code(&desk.call(none).await), Some(FailureCode::NotFound), "there is no third part");
}
