//! Refusals while lists are read: nothing that was not given is shown as if it did not exist.

use super::answers::at_work_behind;
use crate::code;
use contract::{
    BoardSessionView, CaseRowView, CasesView, CompletenessView, FailureCode, Freshness, GapView, ListSource, Part,
    Reply, Request, TodayView,
};
use testkit::{DeskKit, Spoiled};

/// Cases of the recipe: five of the board and seven others.
const CASES: usize = 12;

async fn today(desk: &DeskKit) -> TodayView {
    let answer = desk.call(Request::OpenToday).await;
    let Ok(Reply::Today(today)) = answer else { panic!("today: {:?}", code(&answer)) };
    today
}

/// What the platform says now: a slow answer follows what is kept.
async fn healed_today(desk: &DeskKit) -> TodayView {
    let told = today(desk).await;
    if told.freshness == Freshness::Current {
        return told;
    }
    desk.eventually("today anew", |seen| seen.today.clone().filter(|told| told.freshness == Freshness::Current)).await
}

async fn cases(desk: &DeskKit, query: &str) -> CasesView {
    let answer = desk.call(Request::OpenCases { query: query.to_owned() }).await;
    let Ok(Reply::Cases(cases)) = answer else { panic!("cases: {:?}", code(&answer)) };
    cases
}

fn rows(cases: &CasesView) -> &[CaseRowView] {
    let Part::Ready { value, .. } = &cases.rows else { panic!("rows: {:?}", state(&cases.rows)) };
    value
}

fn board(today: &TodayView) -> &BoardSessionView {
    let Part::Ready { value, .. } = &today.board else { panic!("a board: {:?}", state(&today.board)) };
    value
}

/// A part's state in its own word.
fn state<T>(part: &Part<T>) -> &'static str {
    match part {
        Part::Loading => "loading",
        Part::Ready { .. } => "ready",
        Part::Empty => "empty",
        Part::Denied => "denied",
        Part::Absent => "absent",
        Part::Failed { .. } => "failed",
    }
}

fn gap(gaps: &[GapView], source: ListSource) -> Option<&'static str> {
    gaps.iter().find(|gap| gap.source == source).map(|gap| state(&gap.state))
}

fn failed_with<T>(part: &Part<T>) -> Option<FailureCode> {
    match part {
        Part::Failed { failure } => Some(failure.code),
        Part::Loading | Part::Ready { .. } | Part::Empty | Part::Denied | Part::Absent => None,
    }
}

#[tokio::test]
async fn a_board_that_could_not_be_read_is_not_a_day_without_one() {
    for status in [500_u16, 403] {
        let (_platform, detour, _folder, desk) = at_work_behind().await;
        detour.spoil(
            move |_, path| {
                if path.starts_with("/fhir/Appointment") { Spoiled::Status(status) } else { Spoiled::Not }
            },
        );
        let told = today(&desk).await;
        let list = cases(&desk, "").await;
        if status == 500 {
            assert_eq!(failed_with(&told.board), Some(FailureCode::PlatformFailed), "the board");
            assert_eq!(failed_with(&told.news), Some(FailureCode::PlatformFailed), "whose news is not known either");
            assert_eq!(gap(&list.gaps, ListSource::Agenda), Some("failed"), "and the list says it");
        } else {
            assert_eq!((&told.board, &told.news), (&Part::Denied, &Part::Denied), "refused");
            assert_eq!(gap(&list.gaps, ListSource::Agenda), Some("denied"), "and the list says it");
        }
        assert_eq!(rows(&list).len(), CASES, "the cases are there all the same");
        detour.heal();
        assert_eq!(board(&healed_today(&desk).await).agenda.len(), 5, "asked again it is there");
    }
}

#[tokio::test]
async fn diagnoses_that_were_refused_are_not_missing() {
    let (_platform, detour, _folder, desk) = at_work_behind().await;
    detour.spoil(|_, path| if path.starts_with("/fhir/Condition") { Spoiled::Status(403) } else { Spoiled::Not });
    let list = cases(&desk, "").await;
    assert_eq!(gap(&list.gaps, ListSource::Diagnoses), Some("denied"), "the list says it");
    assert_eq!(rows(&list).len(), CASES, "every case is there");
    for row in rows(&list) {
        assert_eq!(row.diagnosis, None, "{}: no diagnosis", row.patient);
        assert!(row.unread.contains(&ListSource::Diagnoses), "{}: because it was refused", row.patient);
        let rules = match &row.completeness {
            CompletenessView::Missing { rules } => rules.as_slice(),
            CompletenessView::Unknown => &[],
            CompletenessView::Complete => panic!("{}: nobody knows whether it is complete", row.patient),
        };
        assert!(!rules.iter().any(|rule| rule == "R-DIAG"), "{}: nobody knows that it is missing", row.patient);
    }
    let looked = cases(&desk, "C34.1").await;
    assert_eq!(looked.rows, Part::Denied, "a search that could not look has not found nothing");
    let told = today(&desk).await;
    assert_eq!(gap(&board(&told).gaps, ListSource::Diagnoses), Some("denied"), "the agenda says it too");
    detour.heal();
    healed_today(&desk).await;
    cases(&desk, "").await;
    // What was read before may be shown for a moment.
    let whole = |list: &CasesView| list.freshness == Freshness::Current && list.gaps.is_empty();
    let list = desk.eventually("that nothing is lacking", |seen| seen.cases.clone().filter(whole)).await;
    assert!(rows(&list).iter().all(|row| row.unread.is_empty()), "of no line");
}

#[tokio::test]
async fn decisions_and_stages_that_failed_are_not_absent() {
    let (_platform, detour, _folder, desk) = at_work_behind().await;
    detour.spoil(|_, path| {
        let spoiled = ["/fhir/CarePlan", "/fhir/Observation", "/fhir/List"];
        if spoiled.iter().any(|kind| path.starts_with(kind)) { Spoiled::Status(500) } else { Spoiled::Not }
    });
    let list = cases(&desk, "").await;
    for source in [ListSource::Decisions, ListSource::Stages, ListSource::Order] {
        assert_eq!(gap(&list.gaps, source), Some("failed"), "{source:?}");
    }
    for row in rows(&list) {
        let (stage, decision) = (ListSource::Stages, ListSource::Decisions);
        assert!(row.tnm.is_none() && row.unread.contains(&stage), "{}: the stage is not known", row.patient);
        assert!(row.unread.contains(&decision), "{}: whether it is decided is not known", row.patient);
        assert_ne!(row.completeness, CompletenessView::Complete, "{}", row.patient);
    }
}

#[tokio::test]
async fn news_of_which_a_part_was_refused_say_so() {
    for (refused, source) in
        [("/fhir/DocumentReference", ListSource::Documents), ("/fhir/ImagingStudy", ListSource::Studies)]
    {
        let (_platform, detour, _folder, desk) = at_work_behind().await;
        detour.spoil(move |_, path| if path.starts_with(refused) { Spoiled::Status(403) } else { Spoiled::Not });
        let told = today(&desk).await;
        match &told.news {
            Part::Ready { .. } => assert_eq!(gap(&told.news_gaps, source), Some("denied"), "{refused}"),
            other @ (Part::Loading | Part::Empty | Part::Denied | Part::Absent | Part::Failed { .. }) => {
                assert_eq!(state(other), "denied", "{refused}: with nothing from the other source");
            }
        }
        assert_eq!(board(&told).agenda.len(), 5, "the board does not mind");
    }
    let (_platform, detour, _folder, desk) = at_work_behind().await;
    detour.spoil(|_, path| {
        let both = ["/fhir/DocumentReference", "/fhir/ImagingStudy"];
        if both.iter().any(|kind| path.starts_with(kind)) { Spoiled::Status(403) } else { Spoiled::Not }
    });
    assert_eq!(today(&desk).await.news, Part::Denied, "both refused");
}
