//! A platform that is killed in the middle of what it sends, and comes back at the same address.

use super::{PROGRAM, open, opened_series, save, until, with_text};
use crate::{
    MODERATOR,
    bulk::{Pipe, Way, frames, over_each_way},
    cases::whole_case,
    code, opened, place,
};
use contract::{ConnectionView, FailureCode, Part, Reply, Request};
use futures_util::StreamExt as _;
use std::{collections::BTreeMap, path::Path};
use tempfile::TempDir;
use testkit::{DeskKit, PlatformProcess};

over_each_way![frames_that_came_stay_and_the_others_come_when_the_platform_is_back,];

const PATIENT: &str = "pat-auenwald";

async fn at_work_at(folder: &Path) -> (PlatformProcess, TempDir, DeskKit) {
    let platform = PlatformProcess::start(PROGRAM, folder).await.expect("a platform starts");
    let (kept, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    (platform, kept, desk)
}

fn offline(connection: Option<&ConnectionView>) -> bool {
    matches!(connection, Some(ConnectionView::Offline { .. }))
}

async fn frames_that_came_stay_and_the_others_come_when_the_platform_is_back(way: Way) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut platform, _kept, desk) = at_work_at(folder.path()).await;
    let series = opened_series(&desk, PATIENT, "FDG-PET/CT", "PET AC").await;
    // Killed in mid-stream: all frames are wanted and some have come.
    let mut pipe = Pipe::open(&desk, way).await;
    let last = u32::try_from(series.frames.len() - 1).expect("a hundred or so");
    let mut coming = pipe.want(series.handle, 0, last).await;
    let mut before = BTreeMap::new();
    while before.len() < 5 {
        let (frame, what) = coming.next().await.expect("a frame");
        before.insert(frame, what.expect("the platform is there"));
    }
    platform.kill().await.expect("the platform ends");
    let codes: Vec<String> = coming.filter_map(async |(_, what)| what.err()).collect().await;
    assert!(!codes.is_empty(), "the kill was in mid-stream");
    assert!(codes.iter().all(|code| code == "platform-unreachable"), "every other frame says why: {codes:?}");

    // What had come is here without the platform.
    for (frame, values) in &before {
        let again = frames(&desk, way, &series, *frame, *frame).await;
        assert!(again[frame].as_ref().is_ok_and(|again| again == values), "frame {frame} is shown as before");
    }
    let _platform = platform.again().await.expect("the platform starts at the same port");
    let all = frames(&desk, way, &series, 0, last).await;
    let missing: Vec<_> = all.iter().filter(|(_, what)| what.is_err()).collect();
    assert!(missing.is_empty(), "with the platform every frame is back: {missing:?}");
}

#[tokio::test]
async fn a_case_says_that_the_platform_is_gone_and_fills_by_itself_when_it_is_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut platform, _kept, desk) = at_work_at(folder.path()).await;
    let known = whole_case(&desk, PATIENT).await;
    platform.kill().await.expect("the platform ends");

    // A case that had not been read: every part says so, and so does the connection.
    let answer = desk.call(Request::OpenCase { patient: "pat-steinklee".to_owned() }).await;
    assert!(matches!(answer, Ok(Reply::Case(_))), "the case opens all the same: {:?}", code(&answer));
    let failed = desk.eventually("the failed case", |seen| {
        let case = seen.case.clone().filter(|case| case.patient == "pat-steinklee")?;
        matches!(case.documents, Part::Failed { .. }).then_some(case)
    });
    let Part::Failed { failure } = failed.await.documents else { panic!("looked for above") };
    assert_eq!(failure.code, FailureCode::PlatformUnreachable, "what the page has words for");
    desk.eventually("the bar that says offline", |seen| offline(seen.connection.as_ref()).then_some(())).await;

    let _platform = platform.again().await.expect("the platform starts at the same port");
    // Nobody presses anything.
    desk.eventually("the bar to go", |seen| (!offline(seen.connection.as_ref())).then_some(())).await;
    desk.eventually("the case", |seen| {
        let case = seen.case.as_ref().filter(|case| case.patient == "pat-steinklee")?;
        let ready = matches!(case.documents, Part::Ready { .. }) && matches!(case.laboratory, Part::Ready { .. });
        (ready && matches!(case.question, Part::Ready { .. })).then_some(())
    })
    .await;
    let again = whole_case(&desk, PATIENT).await;
    assert_eq!(again.documents, known.documents, "and the other case reads as before");
}

#[tokio::test]
async fn asking_again_asks_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut platform, _kept, desk) = at_work_at(folder.path()).await;
    platform.kill().await.expect("the platform ends");
    let ask = || desk.call(Request::OpenCase { patient: PATIENT.to_owned() });
    ask().await.expect("the case opens");
    desk.eventually("the failed case", |seen| {
        matches!(seen.case.as_ref()?.documents, Part::Failed { .. }).then_some(())
    })
    .await;
    let _platform = platform.again().await.expect("the platform starts at the same port");
    // The button beside the message, pressed at once.
    let found = desk.eventually("the documents", |seen| match &seen.case.as_ref()?.documents {
        Part::Ready { .. } => Some(true),
        Part::Loading | Part::Empty | Part::Denied | Part::Absent | Part::Failed { .. } => None,
    });
    let (_asked, found) = tokio::join!(ask(), found);
    assert!(found, "they come");
}

#[tokio::test]
async fn a_draft_written_while_the_platform_is_gone_reaches_it_later() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut platform, _kept, desk) = at_work_at(folder.path()).await;
    let draft = open(&desk, PATIENT).await.draft;
    platform.kill().await.expect("the platform ends");
    let saved = save(&desk, PATIENT, with_text(&draft, "Ohne Netz geschrieben.")).await;
    assert!(saved.saved_here.is_some() && saved.saved_there.is_none(), "safe here, not there");
    desk.eventually("the bar that says offline", |seen| offline(seen.connection.as_ref()).then_some(())).await;
    let _platform = platform.again().await.expect("the platform starts at the same port");
    let sent = until(&desk, "the draft on the platform", |view| view.saved_there.is_some()).await;
    assert_eq!((sent.draft.text.as_str(), sent.save_failure), ("Ohne Netz geschrieben.", None), "as it was written");
}
