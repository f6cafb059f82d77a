//! "Neuer Stand": what somebody else writes while a case is open, seen from the desk at which it is open.

use crate::{
    COORDINATOR, MODERATOR, at_work_on, code,
    decision::{save, when, with_text},
    platforms::on_each_platform,
};
use contract::{CaseTab, CaseView, DecisionView, Freshness, Place, Reply, Request};
use testkit::{DeskKit, Platform};

on_each_platform![what_somebody_else_writes_is_told_and_shown_only_when_it_is_asked_for];

/// A case that no other fact opens for writing.
const PATIENT: &str = "pat-quellmoor";

async fn open_case(desk: &DeskKit) -> CaseView {
    match desk.call(Request::OpenCase { patient: PATIENT.to_owned() }).await {
        Ok(Reply::Case(view)) => view,
        other => panic!("the case: {:?}", code(&other)),
    }
}

async fn open_decision(desk: &DeskKit) -> DecisionView {
    let _case = open_case(desk).await;
    let place = Place::Case { patient: PATIENT.to_owned(), tab: CaseTab::Decision };
    assert_eq!(desk.call(Request::RememberPlace { place }).await, Ok(Reply::Done), "the case is before the person");
    match desk.call(Request::OpenDecision { patient: PATIENT.to_owned() }).await {
        Ok(Reply::Decision(view)) => view,
        other => panic!("a decision: {:?}", code(&other)),
    }
}

async fn newer(desk: &DeskKit, what: &str) -> CaseView {
    desk.eventually(what, |seen| seen.case.clone().filter(|case| case.patient == PATIENT && case.newer.is_some())).await
}

async fn what_somebody_else_writes_is_told_and_shown_only_when_it_is_asked_for(platform: &Platform) {
    let (_mine, mine) = at_work_on(platform, MODERATOR).await;
    let (_theirs, theirs) = at_work_on(platform, COORDINATOR).await;
    let here = open_decision(&mine).await;
    let there = open_decision(&theirs).await;
    let read = mine.seen().case.expect("the case was told");
    assert_eq!((read.freshness, read.newer), (Freshness::Current, None), "what is shown is what there is");

    save(&theirs, PATIENT, with_text(&there.draft, "Lobektomie links.")).await;
    when(&theirs, "the other's draft on the platform", |view| view.saved_there.is_some()).await;
    let told = newer(&mine, "that there is something newer").await;
    assert_eq!(told.as_of, read.as_of, "what is shown is what was read before");
    let seen = mine.seen().decision.map_or(here.draft.text.clone(), |view| view.draft.text);
    assert_eq!(seen, here.draft.text, "nothing moves under the reader");

    let _asked = open_case(&mine).await;
    let taken = when(&mine, "the other's text", |view| view.draft.text == "Lobektomie links.").await;
    assert!(taken.conflicts.is_empty(), "nothing was written here");
    mine.eventually("the newer state", |seen| {
        seen.case.as_ref().filter(|case| case.newer.is_none() && case.as_of > read.as_of).map(drop)
    })
    .await;

    // Each wrote a field of its own: both are kept.
    let mut draft = taken.draft.clone();
    draft.representation = "nach vier Wochen".to_owned();
    save(&mine, PATIENT, draft).await;
    when(&mine, "my field on the platform", |view| view.saved_there.is_some()).await;
    newer(&theirs, "that the other one has written").await;
    let _asked = open_case(&theirs).await;
    let merged = when(&theirs, "my field", |view| view.draft.representation == "nach vier Wochen").await;
    assert_eq!(merged.draft.text, "Lobektomie links.", "and their own");
    assert_eq!(mine.seen().case.and_then(|case| case.newer), None, "what this desk wrote itself is no news to it");
}
