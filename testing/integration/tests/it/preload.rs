//! "alle vorladen": the images of the next board lie here before anybody opens them, and open without the archive.

use crate::{
    MODERATOR,
    bulk::{Way, frames},
    code,
    images::opened_series,
    opened, place, platforms,
    servers::Servers,
};
use contract::{FailureCode, PreloadCaseState, PreloadState, PreloadView, Reply, Request, SessionView, TodayView};
use sandbox::Options;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use testkit::{DeskKit, DeskPlace, Detour, Platform, Spoiled};

const PATIENT: &str = "pat-auenwald";
/// The rest of the board.
const OTHERS: [&str; 4] = ["pat-birkenlicht", "pat-steinklee", "pat-aehrenfeld", "pat-mohnblatt"];

/// A record in which only one case of the board names images.
fn images_of_one_case(path: &str) -> Spoiled {
    let lists_others = path.starts_with("/fhir/ImagingStudy") && !path.contains(PATIENT);
    if lists_others && OTHERS.iter().any(|other| path.contains(other)) {
        Spoiled::Json(|bundle| {
            if let Some(bundle) = bundle.as_object_mut() {
                bundle.remove("entry");
                bundle.insert("total".to_owned(), json!(0));
            }
        })
    } else {
        Spoiled::Not
    }
}

fn of_images(path: &str) -> bool {
    path.starts_with("/dicom-web")
}

fn of_frame(path: &str) -> bool {
    of_images(path) && path.contains("/frames/")
}

/// A desk at a sandbox that a test can spoil.
async fn at_work() -> (Platform, Detour, TempDir, DeskPlace, DeskKit) {
    let (platform, detour) = Detour::start(Options::default()).await.expect("a platform starts");
    detour.spoil(|_, path| images_of_one_case(path));
    let (folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    (platform, detour, folder, place, desk)
}

async fn today(desk: &DeskKit) -> TodayView {
    match desk.call(Request::OpenToday).await {
        Ok(Reply::Today(view)) => view,
        other => panic!("today: {:?}", code(&other)),
    }
}

/// How far it is, with the agenda on the screen.
async fn looked(desk: &DeskKit) -> PreloadView {
    today(desk).await;
    match desk.call(Request::OpenPreload).await {
        Ok(Reply::Preload(Some(view))) => view,
        other => panic!("how far the images are: {:?}", code(&other)),
    }
}

async fn begun(desk: &DeskKit) {
    let view = looked(desk).await;
    assert_eq!((view.state, view.images), (PreloadState::Idle, 0), "nothing lies here");
    assert_eq!(desk.call(Request::StartPreload).await, Ok(Reply::Done), "it begins");
}

/// Waits until nothing more is fetched, as long as images keep coming.
async fn ended(desk: &DeskKit) -> PreloadView {
    let (mut images, mut of) = (0, None);
    loop {
        let view = desk.eventually("more images", |seen| {
            let view = seen.preload.as_ref()?;
            (over(view) || view.images > images || view.of != of).then(|| view.clone())
        });
        let view = view.await;
        if over(&view) {
            return view;
        }
        (images, of) = (view.images, view.of);
    }
}

fn over(view: &PreloadView) -> bool {
    match view.state {
        PreloadState::Done { .. } | PreloadState::Partly { .. } | PreloadState::Full { .. } => true,
        PreloadState::Idle | PreloadState::Running { .. } | PreloadState::Waiting => false,
    }
}

/// Everything is fetched, the archive is cut off, the program starts anew, and a series opens with all its frames.
async fn opens_without_the_archive(place: &DeskPlace, desk: DeskKit, cut: impl Fn()) {
    let before = looked(&desk).await;
    assert!(before.of.is_some_and(|of| of > 0), "the record says how many there are: {:?}", before.of);
    assert_eq!(before.of_bytes, None, "and nobody knows how large they are");
    begun(&desk).await;
    let view = ended(&desk).await;
    let PreloadState::Done { at: Some(at) } = view.state.clone() else { panic!("all came: {:?}", view.state) };
    assert_eq!(Some(view.images), view.of, "every image");
    assert!(view.bytes > 0 && view.of_bytes == Some(view.bytes), "and what they take is known");
    let auenwald = view.cases.iter().find(|case| case.patient == PATIENT).expect("it is on the agenda");
    assert_eq!((auenwald.state, auenwald.refused), (PreloadCaseState::Here, 1), "but for another person's");

    cut();
    desk.kill().await.expect("the process ends");
    let desk = opened(place, MODERATOR).await;
    let again = looked(&desk).await;
    assert_eq!(again.state, PreloadState::Done { at: Some(at) }, "it says so without asking the archive");
    for (study, series, columns) in [("FDG-PET/CT", "PET AC", 128), ("FDG-PET/CT", "CT AC 3,75 mm", 512)] {
        let series = opened_series(&desk, study, series).await;
        assert_eq!(series.columns, columns, "the recipe's matrix");
        let last = u32::try_from(series.frames.len() - 1).expect("a hundred or so");
        let came = frames(&desk, Way::Socket, &series, 0, last).await;
        let lacking: Vec<_> = came.iter().filter(|(_, what)| what.is_err()).collect();
        assert_eq!((came.len(), lacking.len()), (series.frames.len(), 0), "every frame: {lacking:?}");
    }
}

mod what_was_fetched_ahead_opens_completely_without_the_archive {
    use super::{
        Detour, MODERATOR, Servers, Spoiled, at_work, images_of_one_case, of_images, opened, opens_without_the_archive,
        place, platforms,
    };

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_the_sandbox() {
        let (_platform, detour, _folder, place, desk) = at_work().await;
        let cut = || detour.spoil(|_, path| if of_images(path) { Spoiled::Hangup } else { images_of_one_case(path) });
        opens_without_the_archive(&place, desk, cut).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_keycloak_hapi_and_orthanc() {
        // Says that it is skipped, and fills the servers otherwise.
        if platforms::keycloak_hapi_and_orthanc().await.is_none() {
            return;
        }
        let servers = Servers::with(&["keycloak", "hapi", "orthanc"]).expect("they run");
        let (archive, detour) = Detour::before(servers.address("orthanc").as_str()).await.expect("a proxy starts");
        let (_folder, place) = place();
        let desk = opened(&place, MODERATOR).await;
        desk.sign_in(&servers.discovery_by(&archive)).await.expect("the moderator may sign in");
        opens_without_the_archive(&place, desk, || detour.spoil(|_, _| Spoiled::Hangup)).await;
    }
}

#[tokio::test]
async fn nothing_of_another_person_s_study_is_asked_for() {
    let (_platform, detour, _folder, _place, desk) = at_work().await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    detour.spoil(move |_, path| {
        if of_images(path) {
            log.lock().expect("no test panics while it holds this").push(path.to_owned());
        }
        // The study of the brain belongs to somebody else, in the archive's list alone.
        if path.starts_with("/dicom-web/studies?") { Spoiled::Json(of_somebody_else) } else { images_of_one_case(path) }
    });
    begun(&desk).await;
    let view = ended(&desk).await;
    let case = view.cases.iter().find(|case| case.patient == PATIENT).expect("it is on the agenda");
    assert_eq!((case.refused, case.state), (2, PreloadCaseState::Here), "named, and no failure of the others");
    let _case = desk.call(Request::OpenCase { patient: PATIENT.to_owned() }).await.expect("the case opens");
    let refused = desk.eventually("the refused study", |seen| {
        let studies = &seen.images.as_ref()?.studies;
        studies.iter().find(|study| study.description == "MRT Schädel").map(|study| study.study.clone())
    });
    let below = format!("/dicom-web/studies/{}", refused.await);
    let asked = asked.lock().expect("no test panics while it holds this").clone();
    assert!(asked.iter().all(|path| !path.starts_with(&below)), "no series and no image of it");
}

fn of_somebody_else(studies: &mut Value) {
    for study in studies.as_array_mut().into_iter().flatten() {
        if study["00081030"]["Value"][0] == "MRT Schädel" {
            study["00100010"] = json!({"vr": "PN", "Value": [{"Alphabetic": "Birkenlicht^Selma"}]});
        }
    }
}

#[tokio::test]
async fn a_lost_archive_is_waited_for_behind_no_lock_and_what_came_is_not_fetched_again() {
    let (_platform, detour, _folder, _place, desk) = at_work().await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    // The first ten images come, then nothing more.
    detour.spoil(move |_, path| {
        let mut log = log.lock().expect("no test panics while it holds this");
        if of_frame(path) && log.len() < 10 {
            log.push(path.to_owned());
            return Spoiled::Not;
        }
        if of_frame(path) || (of_images(path) && !log.is_empty()) { Spoiled::Hangup } else { images_of_one_case(path) }
    });
    begun(&desk).await;
    let waiting = desk.eventually("that it waits", |seen| {
        seen.preload.clone().filter(|view| view.state == PreloadState::Waiting && view.images >= 6)
    });
    let waiting = waiting.await;
    assert!(waiting.images <= 10 && waiting.of.is_some_and(|of| of > 10), "some are lacking: {:?}", waiting.of);

    assert_eq!(desk.call(Request::Lock).await, Ok(Reply::Done), "locking is taken");
    assert_eq!(code(&desk.call(Request::OpenPreload).await), Some(FailureCode::Locked), "nothing is told behind it");
    let log = asked.clone();
    let again = Arc::new(Mutex::new(Vec::new()));
    let second = again.clone();
    detour.spoil(move |_, path| {
        if of_frame(path) {
            second.lock().expect("no test panics while it holds this").push(path.to_owned());
        }
        images_of_one_case(path)
    });
    assert_eq!(desk.call(Request::Unlock).await, Ok(Reply::Done), "the browser opens");
    desk.eventually("the unlocked desk", |seen| {
        matches!(seen.session, Some(SessionView::SignedIn { .. })).then_some(())
    })
    .await;
    let view = ended(&desk).await;
    assert!(matches!(view.state, PreloadState::Done { at: Some(_) }), "it goes on by itself: {:?}", view.state);
    let (first, again) = (
        log.lock().expect("no test panics while it holds this").len(),
        again.lock().expect("no test panics while it holds this").len(),
    );
    let kept = usize::try_from(waiting.images).expect("few");
    let of = usize::try_from(view.images).expect("some hundred");
    assert!(again <= of - kept, "{first} were asked for, {kept} had come, and {again} of {of} after that");
}

#[tokio::test]
async fn a_study_that_the_archive_fails_to_give_is_named_and_comes_when_somebody_asks_again() {
    let (_platform, detour, _folder, _place, desk) = at_work().await;
    let log = Arc::new(Mutex::new(None));
    let spoiled = log.clone();
    // The first series whose images are asked for comes half, and its instances fail.
    detour.spoil(move |_, path| {
        let Some((_, rest)) = path.split_once("/series/").filter(|_| of_images(path)) else {
            return images_of_one_case(path);
        };
        let series = rest.split('/').next().unwrap_or_default().to_owned();
        let mut spoiled = spoiled.lock().expect("no test panics while it holds this");
        if of_frame(path) && spoiled.is_none() {
            *spoiled = Some(series.clone());
        }
        if spoiled.as_ref() == Some(&series) && rest.contains("/instances/") {
            return Spoiled::Status(500);
        }
        images_of_one_case(path)
    });
    begun(&desk).await;
    let view = ended(&desk).await;
    assert_eq!(view.state, PreloadState::Partly { cases: 1 }, "one case lacks something");
    let case = view.cases.iter().find(|case| case.patient == PATIENT).expect("it is on the agenda");
    assert_eq!(case.failure.as_ref().map(|failure| failure.code), Some(FailureCode::PlatformFailed), "and why");
    assert!(case.missing > 0 && view.images > 0, "{} did not come, {} did", case.missing, view.images);
    detour.spoil(|_, path| images_of_one_case(path));
    assert_eq!(desk.call(Request::StartPreload).await, Ok(Reply::Done), "once more");
    desk.eventually("all of them", |seen| {
        matches!(seen.preload.as_ref()?.state, PreloadState::Done { .. }).then_some(())
    })
    .await;
}

#[tokio::test]
async fn whoever_stops_it_stops_it_and_nothing_of_it_outlives_signing_out() {
    let (_platform, detour, _folder, place, desk) = at_work().await;
    detour.spoil(|_, path| if of_frame(path) { Spoiled::Hangup } else { images_of_one_case(path) });
    begun(&desk).await;
    desk.eventually("that it waits", |seen| {
        seen.preload.clone().filter(|view| view.state == PreloadState::Waiting).map(drop)
    })
    .await;
    assert_eq!(desk.call(Request::StopPreload).await, Ok(Reply::Done), "it stops");
    desk.eventually("that it has stopped", |seen| {
        seen.preload.clone().filter(|view| view.state == PreloadState::Idle).map(drop)
    })
    .await;
    detour.spoil(|_, path| images_of_one_case(path));
    assert_eq!(desk.call(Request::StartPreload).await, Ok(Reply::Done), "and begins again");
    assert!(matches!(ended(&desk).await.state, PreloadState::Done { .. }), "to its end");
    assert_eq!(desk.call(Request::SignOut).await, Ok(Reply::Done), "signing out is taken");
    let left = std::fs::read_dir(place.profile.join("frames")).expect("the folder is there");
    let left = left.flatten().filter(|entry| entry.path().is_dir()).flat_map(|shelf| std::fs::read_dir(shelf.path()));
    assert_eq!(left.flatten().count(), 0, "no frame and no metadata is left");
}
