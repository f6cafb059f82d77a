//! The decision from its first word to its amendment.

use crate::{
    COORDINATOR, MODERATOR, at_work_on,
    cases::whole_case,
    code,
    demonstration::{give_to_the_validator, has_identifier},
    opened, place,
    platforms::on_each_platform,
};
use contract::{
    ConflictChoice, DecisionStage, DecisionView, DraftView, FailureCode, MeasureView, Reply, Request, VerificationView,
};
use serde_json::{Value, json};
use testkit::{DeskKit, Platform};

on_each_platform![
    what_was_answered_survives_the_end_of_the_process,
    two_writers_are_merged_by_field_and_asked_only_where_both_wrote,
    a_physician_reads_the_decision_and_writes_none,
    a_signed_decision_is_checked_tampering_is_named_and_only_an_amendment_changes_it,
    a_decision_of_an_earlier_board_is_checked_like_a_new_one,
    an_amendment_of_an_earlier_decision_stays_with_its_conference,
    an_earlier_decision_is_read_whole_and_checked_beside_the_one_that_is_open,
];

/// The recipe of the cases that no coming board has on its agenda.
const OTHERS: &str = include_str!("../../../../assets/demo/othercases.json");

pub(crate) async fn open(desk: &DeskKit, patient: &str) -> DecisionView {
    let _case = whole_case(desk, patient).await;
    match desk.call(Request::OpenDecision { patient: patient.to_owned() }).await {
        Ok(Reply::Decision(view)) => view,
        other => panic!("a decision: {:?}", code(&other)),
    }
}

pub(crate) async fn save(desk: &DeskKit, patient: &str, draft: DraftView) -> DecisionView {
    match desk.call(Request::SaveDraft { patient: patient.to_owned(), draft }).await {
        Ok(Reply::Decision(view)) => view,
        other => panic!("a saved draft: {:?}", code(&other)),
    }
}

pub(crate) async fn when(desk: &DeskKit, what: &str, holds: impl Fn(&DecisionView) -> bool) -> DecisionView {
    desk.eventually(what, |seen| seen.decision.clone().filter(|view| holds(view))).await
}

pub(crate) fn with_text(draft: &DraftView, text: &str) -> DraftView {
    DraftView { text: text.to_owned(), ..draft.clone() }
}

/// Everything that a signature needs, with everybody of the board's rule present.
pub(crate) fn complete(draft: &DraftView, text: &str, surgeon: &str) -> DraftView {
    let measure = |id: &str, code: &str, text: &str, responsible: &str| MeasureView {
        id: id.to_owned(),
        code: Some(code.to_owned()),
        text: text.to_owned(),
        reason: String::new(),
        responsible: Some(responsible.to_owned()),
    };
    let present = [MODERATOR, "dr-sonnkaya", "pd-brunnengold", "dr-ahlefels", "dr-weidenlohe", surgeon];
    DraftView {
        category: Some("praeth".to_owned()),
        outcome: Some("consensus".to_owned()),
        text: text.to_owned(),
        measures: vec![
            measure("m1", "ST", "Kurzzeitbestrahlung 5 x 5 Gy", "dr-ahlefels"),
            measure("m2", "CH", "6 Zyklen CAPOX", "dr-weidenlohe"),
        ],
        present: present.map(str::to_owned).to_vec(),
        ..draft.clone()
    }
}

/// The decision's CarePlan on the platform.
pub(crate) async fn plan(platform: &Platform, patient: &str) -> Value {
    let records = platform.records(MODERATOR).await.expect("the moderator reads records");
    let found = records.search(&format!("CarePlan?subject=Patient/{patient}&_count=50")).await.expect("a search");
    let mut ours = found.iter().filter(|plan| has_identifier(plan, "/sid/beschluss"));
    ours.next().cloned().unwrap_or_else(|| panic!("the decision of {patient} among {} plans", found.len()))
}

async fn what_was_answered_survives_the_end_of_the_process(platform: &Platform) {
    let patient = "pat-auenwald";
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    let first = open(&desk, patient).await;
    assert_eq!(first.stage, DecisionStage::Draft, "nobody has decided yet");
    assert!(first.draft.question.contains("Radiochemotherapie"), "the registered question is there");
    let saved = save(&desk, patient, with_text(&first.draft, "Nach Diskussion: Radiochemotherapie.")).await;
    assert!(saved.saved_here.is_some(), "the answer says that it is safe here");
    // At once: before the draft is sent to the platform.
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, MODERATOR).await;
    let again = open(&desk, patient).await;
    assert_eq!(again.draft.text, "Nach Diskussion: Radiochemotherapie.", "the text is back");
    when(&desk, "the draft on the platform", |view| view.saved_there.is_some()).await;
    assert_eq!(
        plan(platform, patient).await["description"],
        "Nach Diskussion: Radiochemotherapie.",
        "and reaches the platform"
    );
    give_to_the_validator(platform, patient).await;
}

async fn two_writers_are_merged_by_field_and_asked_only_where_both_wrote(platform: &Platform) {
    let patient = "pat-aehrenfeld";
    let (_mine, mine) = at_work_on(platform, MODERATOR).await;
    let (_theirs, theirs) = at_work_on(platform, COORDINATOR).await;
    let draft = open(&mine, patient).await.draft;
    save(&mine, patient, with_text(&draft, "Erste Fassung.")).await;
    when(&mine, "the first version on the platform", |view| view.saved_there.is_some()).await;

    let draft = open(&theirs, patient).await.draft;
    assert_eq!(draft.text, "Erste Fassung.", "the other desk reads what the first wrote");
    let changed = DraftView { representation: "in drei Monaten".to_owned(), ..draft.clone() };
    save(&theirs, patient, changed).await;
    when(&theirs, "the other's field on the platform", |view| view.saved_there.is_some()).await;

    // Mine still knows the first version.
    let draft = mine.seen().decision.expect("the open decision").draft;
    save(&mine, patient, with_text(&draft, "Zweite Fassung.")).await;
    let merged = when(&mine, "the merged draft", |view| !view.merged.is_empty() && view.saved_there.is_some()).await;
    assert_eq!(merged.draft.text, "Zweite Fassung.", "my field");
    assert_eq!(merged.draft.representation, "in drei Monaten", "the other's field");
    assert!(merged.conflicts.is_empty(), "nobody is asked");
    assert_eq!(plan(platform, patient).await["description"], "Zweite Fassung.", "the platform has both");

    // The other desk has not seen the second version and writes the same field.
    let draft = theirs.seen().decision.expect("the open decision").draft;
    save(&theirs, patient, with_text(&draft, "Dritte Fassung.")).await;
    let view = when(&theirs, "the conflict", |view| !view.conflicts.is_empty()).await;
    let conflict = &view.conflicts[0];
    assert_eq!((view.conflicts.len(), conflict.field.as_str()), (1, "text"), "one field");
    assert_eq!(
        (conflict.mine.as_str(), conflict.theirs.as_str()),
        ("Dritte Fassung.", "Zweite Fassung."),
        "both texts"
    );
    assert_eq!(plan(platform, patient).await["description"], "Zweite Fassung.", "the platform waits for the choice");
    let choices = vec![ConflictChoice { field: "text".to_owned(), keep_mine: true }];
    let request = Request::ResolveConflicts { patient: patient.to_owned(), choices };
    let answer = theirs.call(request).await;
    assert!(matches!(answer, Ok(Reply::Decision(_))), "the choice is taken: {:?}", code(&answer));
    when(&theirs, "the chosen text on the platform", |view| view.conflicts.is_empty() && view.saved_there.is_some())
        .await;
    assert_eq!(plan(platform, patient).await["description"], "Dritte Fassung.", "what was chosen");

    let answer = theirs.call(Request::PreviewSigning { patient: patient.to_owned() }).await;
    assert_eq!(code(&answer), Some(FailureCode::NotAllowed), "a coordinator signs nothing");
    give_to_the_validator(platform, patient).await;
}

async fn a_physician_reads_the_decision_and_writes_none(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, "dr-sonnkaya").await;
    let view = open(&desk, "pat-mohnblatt").await;
    assert!(!view.can_write && !view.can_sign, "neither is offered");
    let request = Request::SaveDraft { patient: "pat-mohnblatt".to_owned(), draft: view.draft };
    assert_eq!(code(&desk.call(request).await), Some(FailureCode::NotAllowed), "nor taken");
}

/// Previews, signs in the browser, and gives the view that says so.
async fn sign(desk: &DeskKit, patient: &str, revision: u32) -> (DecisionView, String) {
    let answer = desk.call(Request::PreviewSigning { patient: patient.to_owned() }).await;
    let Ok(Reply::SigningPreview(preview)) = answer else { panic!("a preview: {answer:?}") };
    assert_eq!(preview.signer, "Dr. Falkenried", "who will sign");
    let wrong = Request::SignDecision { patient: patient.to_owned(), sha256: "0".repeat(64) };
    assert_eq!(code(&desk.call(wrong).await), Some(FailureCode::Conflict), "nothing is signed that was not shown");
    let request = Request::SignDecision { patient: patient.to_owned(), sha256: preview.sha256.clone() };
    assert_eq!(desk.call(request).await, Ok(Reply::Done), "the browser opens");
    let signed = when(desk, "the signature", |view| {
        assert_eq!(view.failure, None, "signing does not fail");
        view.stage == DecisionStage::Signed
            && view.signature.as_ref().is_some_and(|signature| signature.revision == revision)
    });
    (signed.await, preview.canonical)
}

pub(crate) async fn checked(desk: &DeskKit, patient: &str) -> VerificationView {
    match desk.call(Request::VerifyDecision { patient: patient.to_owned() }).await {
        Ok(Reply::Decision(view)) => view.signature.and_then(|signature| signature.check).expect("a check was made"),
        other => panic!("a checked decision: {:?}", code(&other)),
    }
}

async fn a_signed_decision_is_checked_tampering_is_named_and_only_an_amendment_changes_it(platform: &Platform) {
    let patient = "pat-steinklee";
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let draft = open(&desk, patient).await.draft;
    let lacking =
        save(&desk, patient, DraftView { text: "Totale neoadjuvante Therapie.".to_owned(), ..draft.clone() }).await;
    assert!(lacking.missing.contains(&"measures".to_owned()), "a decision without measures is not signed");
    let answer = desk.call(Request::PreviewSigning { patient: patient.to_owned() }).await;
    assert_eq!(code(&answer), Some(FailureCode::InvalidInput), "nor previewed: {answer:?}");

    let ready = save(&desk, patient, complete(&draft, "Totale neoadjuvante Therapie.", "dr-lerchenhain")).await;
    assert_eq!(ready.missing, [""; 0], "nothing is missing");
    assert!(ready.quorum.missing.is_empty() && ready.quorum.met == ready.quorum.of, "every line of the rule is met");
    let (signed, canonical) = sign(&desk, patient, 1).await;
    let signature = signed.signature.expect("a signature");
    assert_eq!(signature.line.by, "Dr. med. Amina Falkenried", "who signed");
    assert_eq!(signature.check, Some(VerificationView::Matches), "checked at once");
    let answer = desk.call(Request::SaveDraft { patient: patient.to_owned(), draft: signed.draft.clone() }).await;
    assert_eq!(code(&answer), Some(FailureCode::AlreadySigned), "a signed decision is not written");
    assert_eq!(checked(&desk, patient).await, VerificationView::Matches, "payload, signature and record agree");
    crate::door::verifies(platform, patient, &canonical).await;

    let records = platform.records(COORDINATOR).await.expect("somebody else may write");
    let reference = format!("CarePlan/{}", plan(platform, patient).await["id"].as_str().expect("an id"));
    let tampered = records.change(&reference, |plan| plan["description"] = json!("Abwarten.")).await.expect("taken");
    assert_eq!(tampered["description"], "Abwarten.", "the platform does not know what was signed");
    let found = checked(&desk, patient).await;
    assert_eq!(found, VerificationView::Differs { fields: vec!["text".to_owned()] }, "the field is named");
    let restored = records.change(&reference, |plan| plan["description"] = json!("Totale neoadjuvante Therapie."));
    restored.await.expect("taken");
    assert_eq!(checked(&desk, patient).await, VerificationView::Matches, "the record says again what was signed");

    // The record was changed by a third hand; the desk reads it anew as a person would, by opening the case again.
    let _other = whole_case(&desk, "pat-auenwald").await;
    let view = open(&desk, patient).await;
    assert_eq!(view.stage, DecisionStage::Signed, "signed, as the platform says");
    let answer = desk.call(Request::AmendDecision { patient: patient.to_owned() }).await;
    let Ok(Reply::Decision(view)) = answer else { panic!("an amendment: {:?}", code(&answer)) };
    assert_eq!(view.stage, DecisionStage::Amending, "an amendment has begun");
    let amended = DraftView {
        text: "Totale neoadjuvante Therapie, danach Restaging.".to_owned(),
        amendment_reason: "Restaging ergänzt".to_owned(),
        ..view.draft
    };
    let view = save(&desk, patient, amended).await;
    assert_eq!(view.missing, [""; 0], "nothing is missing");
    let (signed, second) = sign(&desk, patient, 2).await;
    let second: Value = serde_json::from_str(&second).expect("a payload is JSON");
    assert_eq!(second["case"], json!({"start": null, "end": null}), "the agenda's plan is no fact");
    assert_eq!(second["revision"], 2, "the second version");
    assert_eq!(second["replaces"], signature.sha256.as_str(), "names the hash of the first");
    assert_eq!(signed.versions.len(), 1, "the former version is kept");
    assert_eq!(
        (signed.versions[0].revision, signed.versions[0].text.as_str()),
        (1, "Totale neoadjuvante Therapie."),
        "with its text"
    );
    let former = &signed.versions[0];
    assert_eq!(former.reason.as_deref(), Some("Restaging ergänzt"), "and why it was replaced");
    assert_eq!(former.line, signature.line, "and who had signed it");
    assert_eq!(checked(&desk, patient).await, VerificationView::Matches, "the new version agrees with the record");
    give_to_the_validator(platform, patient).await;
}

const FALKENRIED: &str = "Dr. med. Amina Falkenried";
const WEIDENLOHE: &str = "Dr. med. Jonas Weidenlohe";

/// Opens the decision of a case that stands on no agenda.
pub(crate) async fn open_earlier(desk: &DeskKit, patient: &str) -> DecisionView {
    let answer = desk.call(Request::OpenCase { patient: patient.to_owned() }).await;
    assert!(matches!(answer, Ok(Reply::Case(_))), "the case opens: {:?}", code(&answer));
    match desk.call(Request::OpenDecision { patient: patient.to_owned() }).await {
        Ok(Reply::Decision(view)) => view,
        other => panic!("a decision: {:?}", code(&other)),
    }
}

async fn a_decision_of_an_earlier_board_is_checked_like_a_new_one(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let records = platform.records(COORDINATOR).await.expect("somebody else may write");
    let others = crate::recipe(OTHERS);
    let decided = others["cases"].as_array().expect("cases").iter().filter(|case| case["decision"].is_object());
    let decided: Vec<&Value> = decided.filter(|case| case["id"] != AMENDED).collect();
    assert_eq!(decided.len(), 3, "of seven other cases, one more is amended by another fact");
    for case in decided {
        let patient = case["id"].as_str().expect("an id");
        let view = open_earlier(&desk, patient).await;
        assert_eq!(view.stage, DecisionStage::Signed, "{patient}: it was signed");
        assert_eq!(Some(view.draft.text.as_str()), case["decision"]["text_de"].as_str(), "{patient}: as decided");
        let signature = view.signature.expect("a signature");
        let name = |role: &str| if role == MODERATOR { FALKENRIED } else { WEIDENLOHE };
        let by = case["decision"]["signed_by"].as_str().map(name);
        assert_eq!((Some(signature.line.by.as_str()), signature.revision), (by, 1), "{patient}: as the recipe says");
        if case["decision"]["second_signature"] == "done" {
            let others: Vec<&str> = signature.others.iter().map(|line| line.by.as_str()).collect();
            assert_eq!(others, [WEIDENLOHE], "{patient}: the board's second signer");
            assert!(!view.can_countersign, "{patient}: the moderator has signed it");
        }
        let plan = plan(platform, patient).await;
        let day = plan["created"].as_str().expect("the day of the conference");
        assert!(signature.line.at.starts_with(day), "{patient}: on {day}, not {}", signature.line.at);
        assert_eq!(checked(&desk, patient).await, VerificationView::Matches, "{patient}: all agree");

        let reference = format!("CarePlan/{}", plan["id"].as_str().expect("an id"));
        let write = |words: Value| records.change(&reference, move |plan| plan["description"] = words);
        write(json!("Abwarten.")).await.expect("taken");
        let found = checked(&desk, patient).await;
        assert_eq!(found, VerificationView::Differs { fields: vec!["text".to_owned()] }, "{patient}: tampering");
        write(plan["description"].clone()).await.expect("taken");
        assert_eq!(checked(&desk, patient).await, VerificationView::Matches, "{patient}: as it was");
    }
    // These have a board to come, so their earlier decisions stand in the list of their case.
    for patient in ["pat-birkenlicht", "pat-mohnblatt"] {
        let case = whole_case(&desk, patient).await;
        let contract::Part::Ready { value: decisions, .. } = case.decisions else { panic!("{patient}: decisions") };
        let earlier = decisions.iter().filter(|decision| decision.id.starts_with("dec-") && !decision.current);
        let signed: Vec<&str> = earlier.filter_map(|entry| Some(entry.signed.as_ref()?.by.as_str())).collect();
        assert_eq!(signed, ["Dr. med. Amina Falkenried"], "{patient}: signed by whom the recipe names");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_signed_by_one_more_person_who_was_asked_to() {
    // A platform of its own: the task is gone and the signatures are others afterwards.
    let platform = &Platform::start(sandbox::Options::default()).await.expect("a platform in memory starts");
    let patient = "pat-wiesenquell";
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let today = desk.call(Request::OpenToday).await;
    assert!(matches!(today, Ok(Reply::Today(_))), "what is asked of the moderator: {:?}", code(&today));
    let before = open_earlier(&desk, patient).await;
    let first = before.signature.expect("a signature");
    assert_eq!((first.line.by.as_str(), first.others.len()), (WEIDENLOHE, 0), "the deputy signed alone");
    assert!(before.can_countersign, "the moderator may sign beside them");
    let signers = |resources: &[Value]| resources.iter().filter(|one| one["signature"].is_array()).count();
    let records = platform.records(MODERATOR).await.expect("the moderator reads records");
    let signatures =
        format!("Provenance?target=CarePlan/{}", plan(platform, patient).await["id"].as_str().expect("an id"));
    assert_eq!(signers(&records.search(&signatures).await.expect("a search")), 1, "as the platform has it");

    let answer = desk.call(Request::PreviewSigning { patient: patient.to_owned() }).await;
    let Ok(Reply::SigningPreview(preview)) = answer else { panic!("a preview: {answer:?}") };
    assert_eq!(
        (preview.sha256.as_str(), preview.signer.as_str()),
        (first.sha256.as_str(), "Dr. Falkenried"),
        "the same"
    );
    let request = Request::SignDecision { patient: patient.to_owned(), sha256: preview.sha256 };
    assert_eq!(desk.call(request).await, Ok(Reply::Done), "the browser opens");
    let signed = when(&desk, "the second signature", |view| {
        assert_eq!(view.failure, None, "signing does not fail");
        view.signature.as_ref().is_some_and(|signature| !signature.others.is_empty())
    });
    let signed = signed.await;
    let signature = signed.signature.expect("a signature");
    assert_eq!((&signature.line, signature.revision), (&first.line, 1), "who made it final, and no new version");
    assert_eq!(signature.others[0].by, FALKENRIED, "who signed beside them");
    assert!(!signed.can_countersign, "nobody signs twice");
    assert_eq!(checked(&desk, patient).await, VerificationView::Matches, "both signatures hold");
    assert_eq!(signers(&records.search(&signatures).await.expect("a search")), 2, "the platform has both");
    let task = records.search("Task?_id=task-zweitzeichnen").await.expect("a search");
    assert_eq!(task[0]["status"], "completed", "what was asked is done");
    let again = desk.call(Request::PreviewSigning { patient: patient.to_owned() }).await;
    assert_eq!(code(&again), Some(FailureCode::AlreadySigned), "there is nothing left to sign");
    give_to_the_validator(platform, patient).await;

    // One signature that does not hold is never hidden by another one that does.
    let second = records.search(&signatures).await.expect("a search");
    let second =
        second.iter().find(|one| one["agent"][0]["type"]["coding"][0]["code"] == "attester").expect("it is there");
    let reference = format!("Provenance/{}", second["id"].as_str().expect("an id"));
    let (data, foreign) = (second["signature"][0]["data"].clone(), json!("eyJhbGciOiJFUzI1NiJ9Li5h"));
    records.change(&reference, |one| one["signature"][0]["data"] = foreign).await.expect("taken");
    assert_eq!(checked(&desk, patient).await, VerificationView::Broken, "the moderator's does not fit the payload");
    records.change(&reference, |one| one["signature"][0]["data"] = data).await.expect("taken");
    assert_eq!(checked(&desk, patient).await, VerificationView::Matches, "as it was");
}

const MOHNBLATT: &str = include_str!("../../../../assets/demo/patients/5-mohnblatt-melanom.json");

async fn read(desk: &DeskKit, patient: &str, decision: &str) -> Result<Reply, contract::Failure> {
    desk.call(Request::ReadDecision { patient: patient.to_owned(), decision: decision.to_owned() }).await
}

async fn an_earlier_decision_is_read_whole_and_checked_beside_the_one_that_is_open(platform: &Platform) {
    let patient = "pat-mohnblatt";
    let recipe = crate::recipe(MOHNBLATT);
    let [prior] = recipe["prior_decisions"].as_array().map(Vec::as_slice).expect("decisions") else {
        panic!("the recipe has one earlier decision")
    };
    let id = prior["id"].as_str().expect("an id");
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let open = open(&desk, patient).await;
    assert_eq!(open.stage, DecisionStage::Draft, "the coming board has not decided");
    let case = whole_case(&desk, patient).await;
    let contract::Part::Ready { value: entries, .. } = case.decisions else { panic!("decisions") };
    let entry = entries.iter().find(|entry| entry.id == id).expect("the case lists it");
    assert!(!entry.current, "it is not the coming board's");
    assert_eq!(entry.text.as_deref(), prior["text"]["de"].as_str(), "its text");
    assert_eq!(entry.category.as_deref(), prior["category"].as_str(), "its kind");
    let named = entry.title.as_deref().is_some_and(|title| title.contains("Interdisziplinäres Tumorboard Eschenland"));
    assert!(named, "its board: {:?}", entry.title);
    let codes = |measures: &[MeasureView]| measures.iter().filter_map(|measure| measure.code.clone()).collect();
    let wanted: Vec<String> = prior["activities"]
        .as_array()
        .expect("activities")
        .iter()
        .filter_map(|activity| activity["code"].as_str().map(str::to_owned))
        .collect();
    let listed: Vec<String> = entry.measures.iter().filter_map(|measure| measure.code.clone()).collect();
    assert_eq!(listed, wanted, "what it recommends");

    let Ok(Reply::Decision(whole)) = read(&desk, patient, id).await else { panic!("the earlier decision") };
    assert_eq!((whole.stage, whole.can_write, whole.can_sign), (DecisionStage::Signed, false, false), "only to read");
    assert_eq!(Some(whole.draft.text.as_str()), prior["text"]["de"].as_str(), "as decided");
    let measures: Vec<String> = codes(&whole.draft.measures);
    assert_eq!(measures, wanted, "with every measure");
    let signature = whole.signature.expect("a signature");
    assert_eq!(signature.line.by, "Dr. med. Amina Falkenried", "who signed");
    assert_eq!(signature.check, Some(VerificationView::Matches), "checked when it was opened");

    let reference = format!("CarePlan/{id}");
    let records = platform.records(COORDINATOR).await.expect("somebody else may write");
    let before = records.read(&reference).await.expect("the plan")["description"].clone();
    records.change(&reference, |plan| plan["description"] = json!("Abwarten.")).await.expect("taken");
    let Ok(Reply::Decision(whole)) = read(&desk, patient, id).await else { panic!("the earlier decision") };
    let differs = Some(VerificationView::Differs { fields: vec!["text".to_owned()] });
    assert_eq!(whole.signature.expect("a signature").check, differs, "tampering is named here too");
    records.change(&reference, |plan| plan["description"] = before).await.expect("taken");

    let answer = desk.call(Request::OpenDecision { patient: patient.to_owned() }).await;
    let Ok(Reply::Decision(still)) = answer else { panic!("the open decision: {:?}", code(&answer)) };
    assert_eq!((still.stage, still.draft), (DecisionStage::Draft, open.draft), "the open decision is the one it was");
    let foreign = read(&desk, patient, "dec-lindenfurt").await;
    assert_eq!(code(&foreign), Some(FailureCode::NotFound), "a decision of another case is not read");
}

/// Whose earlier decision is amended; the other facts leave it alone.
const AMENDED: &str = "pat-kirschgrund";

async fn an_amendment_of_an_earlier_decision_stays_with_its_conference(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let signed = open_earlier(&desk, AMENDED).await;
    let first = signed.signature.expect("a signature");
    let before = plan(platform, AMENDED).await;
    let answer = desk.call(Request::AmendDecision { patient: AMENDED.to_owned() }).await;
    let Ok(Reply::Decision(view)) = answer else { panic!("an amendment: {:?}", code(&answer)) };
    let amended = DraftView { amendment_reason: "Verlaufskontrolle ergänzt".to_owned(), ..view.draft };
    let view = save(&desk, AMENDED, amended).await;
    assert_eq!(view.missing, [""; 0], "nothing is missing");
    let (_, second) = sign(&desk, AMENDED, 2).await;
    let second: Value = serde_json::from_str(&second).expect("a payload is JSON");
    assert_eq!(second["replaces"], first.sha256.as_str(), "names the hash of the first");
    assert_eq!(second["created"], before["created"], "no new conference decided");
    assert_eq!(second["board"]["session"], Value::Null, "nor the one that comes next");
    assert_eq!(plan(platform, AMENDED).await["created"], before["created"], "and the record says so");
    assert_eq!(checked(&desk, AMENDED).await, VerificationView::Matches, "payload, signature and record agree");
    give_to_the_validator(platform, AMENDED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quorum_is_met_and_told_in_a_record_in_english() {
    let options = sandbox::Options { language: sandbox::Language::English, ..sandbox::Options::default() };
    let platform = Platform::start(options).await.expect("a platform in memory starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    let view = open(&desk, "pat-steinklee").await;
    let missing = [
        "Radiology/Nuclear medicine",
        "Pathology",
        "Radiation oncology",
        "Haematology and medical oncology",
        "Visceral surgery",
    ];
    assert_eq!(view.quorum.missing, missing, "the board's rule in the words of the recipe");
    let ready =
        save(&desk, "pat-steinklee", complete(&view.draft, "Total neoadjuvant therapy.", "dr-lerchenhain")).await;
    assert_eq!((ready.quorum.met, ready.quorum.of), (5, 5), "every line is met");
    platform.stop().await;
}

/// A draft with `text`, safe on the device.
pub(crate) async fn written(desk: &DeskKit, patient: &str, text: &str) {
    let draft = open(desk, patient).await.draft;
    save(desk, patient, with_text(&draft, text)).await;
}
