//! "Vorgemerkt": what is marked for signing without the platform, what becomes of it, and that it is never signed by itself.

use crate::{
    COORDINATOR, MODERATOR, code,
    decision::{checked, complete, open, open_earlier, plan, save, when, with_text},
    demonstration::give_to_the_validator,
    faults::behind,
    offline, opened, place,
    platforms::on_each_platform,
};
use contract::{
    DecisionStage, DecisionView, DraftMark, FailureCode, Reply, Request, SigningMarkView, SigningPreviewView,
    VerificationView,
};
use serde_json::{Value, json};
use testkit::{DeskKit, Platform, Spoiled};

on_each_platform![
    a_mark_outlives_the_program_and_is_signed_only_when_it_is_confirmed,
    what_somebody_else_changed_meanwhile_withdraws_the_mark_and_is_named,
];

const PATIENT: &str = "pat-steinklee";

async fn preview(desk: &DeskKit, patient: &str) -> SigningPreviewView {
    match desk.call(Request::PreviewSigning { patient: patient.to_owned() }).await {
        Ok(Reply::SigningPreview(view)) => view,
        other => panic!("a preview: {:?}", code(&other)),
    }
}

async fn mark(desk: &DeskKit, patient: &str, sha256: &str) -> DecisionView {
    let request = Request::MarkDecision { patient: patient.to_owned(), sha256: sha256.to_owned() };
    match desk.call(request).await {
        Ok(Reply::Decision(view)) => view,
        other => panic!("a marked decision: {:?}", code(&other)),
    }
}

async fn withdraw(desk: &DeskKit, patient: &str) -> DecisionView {
    match desk.call(Request::WithdrawMark { patient: patient.to_owned() }).await {
        Ok(Reply::Decision(view)) => view,
        other => panic!("a decision without a mark: {:?}", code(&other)),
    }
}

/// Hash of what is marked, while the mark stands.
fn marked(view: &DecisionView) -> Option<&str> {
    match view.mark.as_ref()? {
        SigningMarkView::Waiting { sha256, .. } | SigningMarkView::Ready { sha256, .. } => Some(sha256),
        SigningMarkView::Withdrawn { .. } => None,
    }
}

fn ready(view: &DecisionView) -> bool {
    matches!(view.mark, Some(SigningMarkView::Ready { .. }))
}

fn withdrawn(view: &DecisionView) -> Option<&[String]> {
    match view.mark.as_ref()? {
        SigningMarkView::Withdrawn { fields, .. } => Some(fields),
        SigningMarkView::Waiting { .. } | SigningMarkView::Ready { .. } => None,
    }
}

/// Previews once more, which the platform has to agree to, and signs in the browser.
async fn confirm(desk: &DeskKit, patient: &str) -> (DecisionView, SigningPreviewView) {
    let preview = preview(desk, patient).await;
    assert_eq!(preview.out_of_reach, None, "the platform has it");
    let request = Request::SignDecision { patient: patient.to_owned(), sha256: preview.sha256.clone() };
    assert_eq!(desk.call(request).await, Ok(Reply::Done), "the browser opens");
    let signed = when(desk, "the signature", |view| {
        assert_eq!(view.failure, None, "signing does not fail");
        view.stage == DecisionStage::Signed && view.signature.is_some()
    });
    (signed.await, preview)
}

/// Signatures on the decision, as another program finds them.
async fn signatures(platform: &Platform, patient: &str) -> usize {
    let records = platform.records(MODERATOR).await.expect("the moderator reads records");
    let id = plan(platform, patient).await["id"].as_str().expect("an id").to_owned();
    let found = records.search(&format!("Provenance?target=CarePlan/{id}")).await.expect("a search");
    found.iter().filter(|one| one["signature"].is_array()).count()
}

/// Somebody else writes other words into the first measure.
async fn change_first_measure(platform: &Platform, patient: &str) {
    let records = platform.records(COORDINATOR).await.expect("somebody else may write");
    let reference = format!("CarePlan/{}", plan(platform, patient).await["id"].as_str().expect("an id"));
    let change = |plan: &mut Value| plan["activity"][0]["detail"]["description"] = json!("Langzeitbestrahlung");
    records.change(&reference, change).await.expect("taken");
}

/// How "Heute" has the draft of a patient.
async fn on_today(desk: &DeskKit, patient: &str) -> Option<Option<DraftMark>> {
    let today = offline::today(desk).await;
    today.drafts.into_iter().find(|draft| draft.patient == patient).map(|draft| draft.mark)
}

async fn a_mark_outlives_the_program_and_is_signed_only_when_it_is_confirmed(platform: &Platform) {
    let patient = "pat-tannlicht";
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    let draft = open_earlier(&desk, patient).await.draft;
    let typed = save(&desk, patient, complete(&draft, "Radiochemotherapie.", "prof-sturmwald")).await;
    assert_eq!(typed.missing, [""; 0], "nothing is missing");
    let shown = preview(&desk, patient).await;
    let wrong = Request::MarkDecision { patient: patient.to_owned(), sha256: "0".repeat(64) };
    assert_eq!(code(&desk.call(wrong).await), Some(FailureCode::Conflict), "nothing is marked that was not shown");

    let view = mark(&desk, patient, &shown.sha256).await;
    assert_eq!((view.stage, marked(&view)), (DecisionStage::Draft, Some(shown.sha256.as_str())), "marked, not signed");
    assert!(!view.can_write, "what is marked is frozen");
    let other = with_text(&view.draft, "Abwarten.");
    let answer = desk.call(Request::SaveDraft { patient: patient.to_owned(), draft: other.clone() }).await;
    assert_eq!(code(&answer), Some(FailureCode::Conflict), "and not written");
    let view = withdraw(&desk, patient).await;
    assert!(view.mark.is_none() && view.can_write, "taken back it is a draft like any other");
    save(&desk, patient, other).await;
    save(&desk, patient, typed.draft).await;
    let again = preview(&desk, patient).await;
    assert_eq!(again.sha256, shown.sha256, "the same content has the same hash");
    mark(&desk, patient, &again.sha256).await;
    desk.kill().await.expect("the process ends");

    let desk = opened(&place, MODERATOR).await;
    assert_eq!(on_today(&desk, patient).await, Some(Some(DraftMark::Standing)), "nobody forgets it");
    let view = open_earlier(&desk, patient).await;
    assert_eq!(marked(&view), Some(shown.sha256.as_str()), "it is marked as before");
    assert_eq!((view.stage, view.signature), (DecisionStage::Draft, None), "and nothing more");
    let view = when(&desk, "the platform's version", ready).await;
    assert_eq!(view.draft.text, "Radiochemotherapie.", "exactly this is there");
    assert_eq!(signatures(platform, patient).await, 0, "the platform has no signature");

    let (signed, confirmed) = confirm(&desk, patient).await;
    assert_eq!(confirmed.sha256, shown.sha256, "what was shown when it was marked");
    assert_eq!(signed.mark, None, "nothing is marked any longer");
    assert_eq!(checked(&desk, patient).await, VerificationView::Matches, "payload, signature and record agree");
    crate::door::verifies(platform, patient, &confirmed.canonical).await;
    assert_eq!(on_today(&desk, patient).await, None, "and it is no draft");
    give_to_the_validator(platform, patient).await;
}

async fn what_somebody_else_changed_meanwhile_withdraws_the_mark_and_is_named(platform: &Platform) {
    let patient = "pat-moosgrund";
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    let draft = open_earlier(&desk, patient).await.draft;
    save(&desk, patient, complete(&draft, "Radiochemotherapie.", "prof-sturmwald")).await;
    let shown = preview(&desk, patient).await;
    mark(&desk, patient, &shown.sha256).await;
    desk.kill().await.expect("the process ends");
    change_first_measure(platform, patient).await;

    let desk = opened(&place, MODERATOR).await;
    let view = open_earlier(&desk, patient).await;
    assert_eq!(withdrawn(&view), Some(&["measure/m1".to_owned()][..]), "the measure is named");
    assert_eq!(view.draft.measures[0].text, "Langzeitbestrahlung", "and is there as it is now");
    assert_eq!((view.stage, view.can_write), (DecisionStage::Draft, true), "to go on with");
    let old = Request::SignDecision { patient: patient.to_owned(), sha256: shown.sha256 };
    assert_eq!(code(&desk.call(old).await), Some(FailureCode::Conflict), "what was marked is not signed any more");
    assert_eq!(signatures(platform, patient).await, 0, "nothing was signed");
    desk.kill().await.expect("the process ends");

    let desk = opened(&place, MODERATOR).await;
    assert_eq!(on_today(&desk, patient).await, Some(Some(DraftMark::Withdrawn)), "told until somebody knows");
    assert!(withdrawn(&open_earlier(&desk, patient).await).is_some(), "here too");
    assert_eq!(withdraw(&desk, patient).await.mark, None, "they know");
    assert_eq!(on_today(&desk, patient).await, Some(None), "what is left is a draft");
    give_to_the_validator(platform, patient).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_marked_without_the_platform_and_signed_when_it_is_back_and_somebody_confirms() {
    let records = tempfile::tempdir().expect("a folder");
    let (first, port) = offline::platform(records.path(), testkit::lasting_port()).await;
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&first.url).await.expect("the moderator may sign in");
    let _today = offline::today(&desk).await;
    let draft = open(&desk, PATIENT).await.draft;
    save(&desk, PATIENT, with_text(&draft, "Mit Netz begonnen.")).await;
    when(&desk, "the first text on the platform", |view| view.saved_there.is_some()).await;
    first.stop().await;

    let typed = save(&desk, PATIENT, complete(&draft, "Ohne Netz beschlossen.", "dr-lerchenhain")).await;
    assert_eq!(typed.missing, [""; 0], "nothing is missing");
    let shown = preview(&desk, PATIENT).await;
    let why = shown.out_of_reach.as_ref().map(|failure| failure.code);
    assert_eq!(why, Some(FailureCode::PlatformUnreachable), "it cannot be signed, and says why");
    let sign = Request::SignDecision { patient: PATIENT.to_owned(), sha256: shown.sha256.clone() };
    assert_eq!(code(&desk.call(sign).await), Some(FailureCode::PlatformUnreachable), "nor is it");
    let view = mark(&desk, PATIENT, &shown.sha256).await;
    let Some(SigningMarkView::Waiting { by, .. }) = &view.mark else { panic!("it waits: {:?}", view.mark) };
    assert_eq!(by, "Dr. Falkenried", "who marked it");
    let preview_again = Request::PreviewSigning { patient: PATIENT.to_owned() };
    assert_eq!(code(&desk.call(preview_again).await), Some(FailureCode::PlatformUnreachable), "nobody to confirm to");
    desk.kill().await.expect("the process ends");

    let desk = opened(&place, MODERATOR).await;
    assert_eq!(on_today(&desk, PATIENT).await, Some(Some(DraftMark::Standing)), "nobody forgets it");
    let opens = desk.call(Request::OpenCase { patient: PATIENT.to_owned() }).await;
    assert!(matches!(opens, Ok(Reply::Case(_))), "the case opens from what is kept: {:?}", code(&opens));
    let Ok(Reply::Decision(view)) = desk.call(Request::OpenDecision { patient: PATIENT.to_owned() }).await else {
        panic!("the decision opens")
    };
    assert_eq!(marked(&view), Some(shown.sha256.as_str()), "marked as before");
    assert!(!ready(&view) && !view.can_write, "waiting and frozen");
    assert_eq!(view.draft.text, "Ohne Netz beschlossen.", "with its text");

    let (second, _) = offline::platform(records.path(), port).await;
    let view = when(&desk, "the platform's word that it has exactly this", ready).await;
    assert_eq!((view.stage, view.signature), (DecisionStage::Draft, None), "which signs nothing");
    assert_eq!(signatures(&second, PATIENT).await, 0, "there neither");
    let (signed, confirmed) = confirm(&desk, PATIENT).await;
    assert_eq!(confirmed.sha256, shown.sha256, "what was shown without the platform");
    assert_eq!(signed.mark, None, "nothing is marked any longer");
    assert_eq!(checked(&desk, PATIENT).await, VerificationView::Matches, "payload, signature and record agree");
    crate::door::verifies(&second, PATIENT, &confirmed.canonical).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_that_the_platform_never_had_is_marked_and_gets_its_id_before_it_is_signed() {
    let records = tempfile::tempdir().expect("a folder");
    let (first, port) = offline::platform(records.path(), testkit::lasting_port()).await;
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&first.url).await.expect("the moderator may sign in");
    let draft = open(&desk, PATIENT).await.draft;
    first.stop().await;
    save(&desk, PATIENT, complete(&draft, "Ohne Netz begonnen.", "dr-lerchenhain")).await;
    let shown = preview(&desk, PATIENT).await;
    let payload: Value = serde_json::from_str(&shown.canonical).expect("a payload is JSON");
    assert_eq!(payload["id"], "", "nobody has given it one");
    mark(&desk, PATIENT, &shown.sha256).await;

    let (second, _) = offline::platform(records.path(), port).await;
    when(&desk, "the platform's word that it has exactly this", ready).await;
    let (_, confirmed) = confirm(&desk, PATIENT).await;
    let mut named: Value = serde_json::from_str(&confirmed.canonical).expect("a payload is JSON");
    assert_eq!(named["id"], plan(&second, PATIENT).await["id"], "the platform's id");
    named["id"] = json!("");
    assert_eq!(named, payload, "and nothing else is new");
    assert_eq!(checked(&desk, PATIENT).await, VerificationView::Matches, "payload, signature and record agree");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_marked_without_the_platform_is_not_signed_when_somebody_changed_it_there() {
    let records = tempfile::tempdir().expect("a folder");
    let (first, port) = offline::platform(records.path(), testkit::lasting_port()).await;
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&first.url).await.expect("the moderator may sign in");
    let draft = open(&desk, PATIENT).await.draft;
    save(&desk, PATIENT, complete(&draft, "Mit Netz beschlossen.", "dr-lerchenhain")).await;
    when(&desk, "the text on the platform", |view| view.saved_there.is_some()).await;
    first.stop().await;
    // Nothing waits for the platform, so only the provider is missed.
    let shown = preview(&desk, PATIENT).await;
    let sign = Request::SignDecision { patient: PATIENT.to_owned(), sha256: shown.sha256.clone() };
    assert_eq!(code(&desk.call(sign).await), Some(FailureCode::PlatformUnreachable), "who signs cannot be proved");
    let view = mark(&desk, PATIENT, &shown.sha256).await;
    assert!(marked(&view).is_some() && !ready(&view), "marked instead");
    desk.kill().await.expect("the process ends");

    let (second, _) = offline::platform(records.path(), port).await;
    change_first_measure(&second, PATIENT).await;
    let desk = opened(&place, MODERATOR).await;
    let view = open(&desk, PATIENT).await;
    assert_eq!(withdrawn(&view), Some(&["measure/m1".to_owned()][..]), "the measure is named");
    assert_eq!(signatures(&second, PATIENT).await, 0, "nothing was signed");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_is_of_one_person_and_outlives_their_signing_out() {
    let platform = Platform::start(sandbox::Options::default()).await.expect("a platform in memory starts");
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    let draft = open(&desk, PATIENT).await.draft;
    save(&desk, PATIENT, complete(&draft, "Vorgemerkt.", "dr-lerchenhain")).await;
    let shown = preview(&desk, PATIENT).await;
    mark(&desk, PATIENT, &shown.sha256).await;
    assert_eq!(desk.call(Request::SignOut).await, Ok(Reply::Done), "signing out is taken");
    desk.kill().await.expect("the process ends");

    let desk = opened(&place, COORDINATOR).await;
    desk.sign_in(&platform.url).await.expect("somebody else may sign in");
    let view = open(&desk, PATIENT).await;
    assert_eq!((view.mark, view.can_write), (None, true), "nothing of it for somebody else, who writes as ever");
    assert_eq!(on_today(&desk, PATIENT).await, Some(None), "nor in their list");
    let request = Request::MarkDecision { patient: PATIENT.to_owned(), sha256: shown.sha256.clone() };
    assert_eq!(code(&desk.call(request).await), Some(FailureCode::NotAllowed), "who may not sign marks nothing");
    assert_eq!(desk.call(Request::SignOut).await, Ok(Reply::Done), "signing out is taken");
    desk.kill().await.expect("the process ends");

    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in again");
    assert_eq!(marked(&open(&desk, PATIENT).await), Some(shown.sha256.as_str()), "their own mark is there");
    assert_eq!(desk.call(Request::Lock).await, Ok(Reply::Done), "locking is taken");
    let request = Request::WithdrawMark { patient: PATIENT.to_owned() };
    assert_eq!(code(&desk.call(request).await), Some(FailureCode::Locked), "behind the lock nothing is done to it");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_whose_answer_was_lost_is_found_and_its_mark_goes() {
    let (platform, detour, _folder, desk) = behind().await;
    let draft = open(&desk, PATIENT).await.draft;
    save(&desk, PATIENT, complete(&draft, "Gezeichnet, Antwort verloren.", "dr-lerchenhain")).await;
    let shown = preview(&desk, PATIENT).await;
    // The transaction is taken, and what the platform says about it breaks off.
    detour.spoil(|method, path| {
        let transaction = method == http::Method::POST && path.trim_end_matches('/') == "/fhir";
        if transaction { Spoiled::Half } else { Spoiled::Not }
    });
    let request = Request::SignDecision { patient: PATIENT.to_owned(), sha256: shown.sha256.clone() };
    assert_eq!(desk.call(request).await, Ok(Reply::Done), "the browser opens");
    let failed = when(&desk, "the failure", |view| view.failure.is_some()).await;
    assert_eq!(failed.failure.map(|failure| failure.code), Some(FailureCode::PlatformUnreachable), "the line broke");
    let view = mark(&desk, PATIENT, &shown.sha256).await;
    assert!(marked(&view).is_some() && view.signature.is_none(), "nobody here knows that it is signed");
    detour.heal();
    let found = when(&desk, "the signature", |view| view.stage == DecisionStage::Signed && view.mark.is_none()).await;
    assert!(found.signature.is_some(), "it is told by its signature");
    assert_eq!(checked(&desk, PATIENT).await, VerificationView::Matches, "which holds");
    assert_eq!(signatures(&platform, PATIENT).await, 1, "and is the only one");
}
