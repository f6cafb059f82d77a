//! What opens when the platform is gone, for whom, and how old it says that it is.

use crate::{MODERATOR, cases::whole_case, code, opened, place};
use contract::{
    CaseView, CasesView, ConnectionView, DraftView, FailureCode, Freshness, Part, Reply, Request, SessionView,
    TodayView,
};
use jiff::Timestamp;
use sandbox::Options;
use std::{path::Path, time::Instant};
use testkit::{DeskKit, PATIENCE, Platform};

const PATIENT: &str = "pat-auenwald";
const OTHER: &str = "pat-mohnblatt";

pub(crate) async fn today(desk: &DeskKit) -> TodayView {
    match desk.call(Request::OpenToday).await {
        Ok(Reply::Today(view)) => view,
        other => panic!("today: {:?}", code(&other)),
    }
}

async fn cases(desk: &DeskKit, query: &str) -> CasesView {
    match desk.call(Request::OpenCases { query: query.to_owned() }).await {
        Ok(Reply::Cases(view)) => view,
        other => panic!("cases: {:?}", code(&other)),
    }
}

fn patients(view: &CasesView) -> Vec<&str> {
    match &view.rows {
        Part::Ready { value, .. } => value.iter().map(|row| row.patient.as_str()).collect(),
        Part::Loading | Part::Empty | Part::Denied | Part::Absent | Part::Failed { .. } => Vec::new(),
    }
}

fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

fn unreachable(freshness: &Freshness) -> bool {
    match freshness {
        Freshness::Kept { failure: Some(failure) } => failure.code == FailureCode::PlatformUnreachable,
        Freshness::Kept { failure: None } | Freshness::Current => false,
    }
}

/// Opens the decision, which waits until the whole case was read and kept.
async fn draft(desk: &DeskKit) -> DraftView {
    match desk.call(Request::OpenDecision { patient: PATIENT.to_owned() }).await {
        Ok(Reply::Decision(view)) => view.draft,
        other => panic!("a decision: {:?}", code(&other)),
    }
}

/// Reads today, the list and one case, as a person does before a board.
async fn read_all(desk: &DeskKit) -> (TodayView, CasesView, CaseView) {
    let (today, cases) = (today(desk).await, cases(desk, "").await);
    let case = whole_case(desk, PATIENT).await;
    draft(desk).await;
    (today, cases, case)
}

/// A platform whose records outlive it, on a port that stays the same.
pub(crate) async fn platform(folder: &Path, port: u16) -> (Platform, u16) {
    let options = Options { folder: Some(folder.to_owned()), port, ..Options::default() };
    let platform = Platform::start(options).await.expect("a platform starts");
    let port = platform.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address with a port");
    (platform, port)
}

#[tokio::test]
async fn what_was_read_opens_with_its_age_and_what_is_written_reaches_the_platform_later() {
    let records = tempfile::tempdir().expect("a folder");
    let (first, port) = platform(records.path(), testkit::lasting_port()).await;
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&first.url).await.expect("the moderator may sign in");
    let (read_today, read_cases, read_case) = read_all(&desk).await;
    assert_eq!(read_today.freshness, Freshness::Current, "the platform has just said so");
    desk.kill().await.expect("the process ends");
    first.stop().await;
    let gone = Timestamp::now();

    let desk = opened(&place, MODERATOR).await;
    let today = today(&desk).await;
    assert_ne!(today.freshness, Freshness::Current, "never shown as current");
    assert!(at(&today.as_of) < gone, "with the time when it was read: {}", today.as_of);
    let (Part::Ready { value: board, .. }, Part::Ready { value: known, .. }) = (&today.board, &read_today.board) else {
        panic!("the board is there")
    };
    assert_eq!((&board.name, board.moderating), (&known.name, known.moderating), "the same board and role");
    assert_eq!(board.agenda.len(), known.agenda.len(), "with its agenda");
    let told = desk
        .eventually("why it is not current", |seen| seen.today.clone().filter(|today| unreachable(&today.freshness)));
    assert_eq!(told.await.as_of, today.as_of, "and it gets no younger by asking");
    let offline = desk.eventually("the missing connection", |seen| match seen.connection.as_ref()? {
        ConnectionView::Offline { since } => Some(since.clone()),
        ConnectionView::Online => None,
    });
    assert!(at(&offline.await) > gone, "the head says since when");

    let list = cases(&desk, "").await;
    assert_eq!(patients(&list), patients(&read_cases), "the same cases in the same order");
    assert!(at(&list.as_of) < gone && list.freshness != Freshness::Current, "with their age");
    let Part::Ready { value: rows, .. } = &list.rows else { panic!("rows") };
    let kept: Vec<&str> = rows.iter().filter(|row| row.kept.is_some()).map(|row| row.patient.as_str()).collect();
    assert_eq!(kept, [PATIENT], "only the case that was opened opens now");
    assert_eq!(patients(&cases(&desk, "auenwald").await), [PATIENT], "the search works on what is here");

    let Ok(Reply::Case(case)) = desk.call(Request::OpenCase { patient: PATIENT.to_owned() }).await else {
        panic!("the case opens")
    };
    assert_eq!((&case.laboratory, &case.documents), (&read_case.laboratory, &read_case.documents), "the record");
    assert_eq!(case.identity, read_case.identity, "of the same patient");
    assert!(case.freshness != Freshness::Current && at(&case.as_of) < gone, "as old as it is");
    let case =
        desk.eventually("why it is not current", |seen| seen.case.clone().filter(|case| unreachable(&case.freshness)));
    assert_eq!(case.await.laboratory, read_case.laboratory, "a failed reading takes nothing away");

    let text = "Ohne Netz geschrieben.";
    let written = DraftView { text: text.to_owned(), ..draft(&desk).await };
    let saved = desk.call(Request::SaveDraft { patient: PATIENT.to_owned(), draft: written }).await;
    let Ok(Reply::Decision(saved)) = saved else { panic!("a saved draft: {:?}", code(&saved)) };
    assert!(saved.saved_here.is_some() && saved.saved_there.is_none(), "safe here, not there");

    let (second, _) = platform(records.path(), port).await;
    desk.eventually("the draft on the platform", |seen| {
        seen.decision.as_ref()?.saved_there.as_ref().filter(|there| at(there) > gone).cloned()
    })
    .await;
    desk.eventually("the fresh case", |seen| {
        let case = seen.case.as_ref()?;
        (case.freshness == Freshness::Current && at(&case.as_of) > gone).then_some(())
    })
    .await;
    let list = desk.call(Request::OpenCases { query: String::new() }).await;
    assert!(matches!(list, Ok(Reply::Cases(_))), "at work again: {:?}", code(&list));
    desk.eventually("the fresh list", |seen| {
        seen.cases.as_ref().filter(|cases| cases.freshness == Freshness::Current && at(&cases.as_of) > gone).map(drop)
    })
    .await;
    second.stop().await;
}

#[tokio::test]
async fn a_draft_reaches_the_platform_although_its_case_was_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, port) = platform(folder.path(), testkit::lasting_port()).await;
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&first.url).await.expect("the moderator may sign in");
    read_all(&desk).await;
    first.stop().await;

    let text = "Ohne Netz geschrieben und verlassen.";
    let written = DraftView { text: text.to_owned(), ..draft(&desk).await };
    let saved = desk.call(Request::SaveDraft { patient: PATIENT.to_owned(), draft: written }).await;
    assert!(matches!(saved, Ok(Reply::Decision(_))), "safe here: {:?}", code(&saved));
    let other = desk.call(Request::OpenCase { patient: OTHER.to_owned() }).await;
    assert!(matches!(other, Ok(Reply::Case(_))), "another case is open: {:?}", code(&other));

    let (second, _) = platform(folder.path(), port).await;
    let records = second.records(MODERATOR).await.expect("a second program reads");
    let began = Instant::now();
    loop {
        let plans = records.search(&format!("CarePlan?subject=Patient/{PATIENT}&_count=50")).await.expect("plans");
        if plans.iter().any(|plan| plan["status"] == "draft" && plan.to_string().contains(text)) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "the draft did not come: {plans:?}");
    }
    whole_case(&desk, PATIENT).await;
    assert_eq!(draft(&desk).await.text, text, "and it is what opens again");
    second.stop().await;
}

#[tokio::test]
async fn a_locked_desk_stays_locked_without_the_platform() {
    let platform = Platform::start(Options::default()).await.expect("a platform in memory starts");
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    read_all(&desk).await;
    assert_eq!(desk.call(Request::Lock).await, Ok(Reply::Done), "locking is taken");
    desk.kill().await.expect("the process ends");
    platform.stop().await;

    let desk = opened(&place, MODERATOR).await;
    for request in [
        Request::OpenToday,
        Request::OpenCases { query: String::new() },
        Request::OpenCase { patient: PATIENT.to_owned() },
    ] {
        assert_eq!(code(&desk.call(request.clone()).await), Some(FailureCode::Locked), "{request:?}");
    }
    let refused = desk.call(Request::Unlock).await;
    assert_eq!(code(&refused), Some(FailureCode::PlatformUnreachable), "who it is cannot be proved: {refused:?}");
    assert_eq!(code(&desk.call(Request::OpenToday).await), Some(FailureCode::Locked), "so it stays locked");
}

#[tokio::test]
async fn nothing_that_was_read_outlives_signing_out_or_opens_for_somebody_else() {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&Platform::shared().url).await.expect("the moderator may sign in");
    read_all(&desk).await;
    assert_eq!(desk.call(Request::SignOut).await, Ok(Reply::Done), "signing out is taken");
    assert_eq!(code(&desk.call(Request::OpenToday).await), Some(FailureCode::SessionEnded), "nobody sits here");
    desk.sign_in(&Platform::shared().url).await.expect("the moderator may sign in again");
    let Part::Ready { value: rows, .. } = cases(&desk, "").await.rows else { panic!("rows") };
    assert!(rows.iter().all(|row| row.kept.is_none()), "no case was left on this device");
    let Ok(Reply::Case(case)) = desk.call(Request::OpenCase { patient: PATIENT.to_owned() }).await else {
        panic!("the case opens")
    };
    assert_eq!((case.freshness, case.laboratory), (Freshness::Current, Part::Loading), "it is read anew");
    desk.kill().await.expect("the process ends");
}

#[tokio::test]
async fn today_tells_when_it_changes() {
    let records = tempfile::tempdir().expect("a folder");
    let (platform, _) = platform(records.path(), 0).await;
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    assert_eq!(today(&desk).await.freshness, Freshness::Current, "read");
    let SessionView::SignedIn { .. } = desk.seen().session.expect("a session") else { panic!("signed in") };
    platform.stop().await;
    // Another screen notices that the platform is gone.
    let _list = cases(&desk, "").await;
    let again = today(&desk).await;
    assert_ne!(again.freshness, Freshness::Current, "what is there is shown at once");
    desk.eventually("the reason as an event", |seen| {
        seen.today.as_ref().filter(|t| unreachable(&t.freshness)).map(drop)
    })
    .await;
}
