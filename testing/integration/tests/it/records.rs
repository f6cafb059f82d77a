//! Reading, searching and writing records as the program does it. Each fact works on resources of its own.

use crate::{COORDINATOR, MODERATOR, client::records, platforms::on_each_platform};
use app::decision::{
    Board, Category, Diagnosis, Draft, Finding, Goal, Guideline, Measure, MeasureCode, Occasion, OpenPoint, Outcome,
    Payload, Person, PublicJwk, Quorum, RecordPatient, Revision, Setting, Signing, check, draft_plan, read_payload,
    read_signature, sign, signed_plan, signing_bundle,
};
use platform::fhir::FhirError;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::Platform;
use uuid::Uuid;

on_each_platform![
    a_search_follows_next_links_to_the_cap_and_no_further,
    who_saved_first_wins_and_every_version_can_be_read,
    creating_twice_under_one_identifier_makes_one_resource,
    what_somebody_else_wrote_is_found_past_the_servers_cache,
    refusals_say_what_they_are,
    the_server_declares_what_the_program_needs,
    a_decision_is_drafted_signed_in_one_step_and_holds_when_it_is_read_again,
];

/// A naming system of these tests.
const SYSTEM: &str = "https://konsil.example/sid/test";

/// Marks what a test made; servers keep what other tests and runs made.
fn mark() -> String {
    Uuid::new_v4().to_string()
}

fn patient(mark: &str, number: usize) -> Value {
    json!({
        "resourceType": "Patient",
        "identifier": [
            {"system": SYSTEM, "value": format!("{mark}-{number}")},
            {"system": format!("{SYSTEM}/run"), "value": mark},
        ],
        "name": [{"family": "Prüfstein", "given": [format!("Nr. {number}")]}],
    })
}

fn transaction(entries: Vec<Value>) -> Value {
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}

fn post(resource: Value) -> Value {
    let kind = resource["resourceType"].clone();
    json!({"fullUrl": format!("urn:uuid:{}", Uuid::new_v4()), "resource": resource, "request": {"method": "POST", "url": kind}})
}

async fn a_search_follows_next_links_to_the_cap_and_no_further(platform: &Platform) {
    let ((client, _), mark) = (records(platform, MODERATOR).await, mark());
    let answers = client.transaction(&transaction((0..45).map(|n| post(patient(&mark, n))).collect())).await;
    assert_eq!(answers.expect("the patients are stored").len(), 45, "one answer each");

    let run = format!("{SYSTEM}/run|{mark}");
    let parameters = [("identifier", run.as_str()), ("_count", "20")];
    let all = client.search("Patient", &parameters, 500).await.expect("a search over three pages");
    let ids: BTreeSet<&str> = all.matches.iter().filter_map(|patient| patient["id"].as_str()).collect();
    assert_eq!((ids.len(), all.matches.len()), (45, 45), "each patient once");
    assert!(!all.more && !all.truncated && all.damaged == 0, "and nothing behind them: {all:?}");
    let some = client.search("Patient", &parameters, 30).await.expect("a search with a cap");
    assert!(some.matches.len() == 30 && some.more, "the cap, and word of more: {some:?}");
}

async fn who_saved_first_wins_and_every_version_can_be_read(platform: &Platform) {
    let (client, _) = records(platform, MODERATOR).await;
    let first = client.create(&patient(&mark(), 1), None).await.expect("a patient is created");
    let id = first.resource["id"].as_str().expect("the server gave it an id").to_owned();
    let mut mine = first.resource.clone();
    mine["gender"] = json!("female");
    let mut theirs = first.resource.clone();
    theirs["gender"] = json!("other");
    let second = client.update(&theirs, &first.version).await.expect("the first update");
    assert_ne!(second.version, first.version, "a new version");
    let late = client.update(&mine, &first.version).await;
    assert!(matches!(late, Err(FhirError::Conflict(_))), "the second update of the same version: {late:?}");

    let newest = client.read("Patient", &id).await.expect("it is read");
    assert_eq!((&newest.resource["gender"], &newest.version), (&json!("other"), &second.version), "the first is kept");
    let history = client.history("Patient", &id).await.expect("its history");
    let versions: Vec<&str> = history.iter().map(|one| one.version.as_str()).collect();
    assert_eq!(versions, [second.version.as_str(), first.version.as_str()], "newest first");
    assert!(newest.last_updated >= first.last_updated && first.last_updated.is_some(), "with times");
    let old = client.vread("Patient", &id, &first.version).await.expect("the first version");
    assert!(old.resource["gender"].is_null(), "as it was");
}

async fn creating_twice_under_one_identifier_makes_one_resource(platform: &Platform) {
    let ((client, _), mark) = (records(platform, MODERATOR).await, mark());
    let condition = format!("identifier={SYSTEM}|{mark}-1");
    let first = client.create(&patient(&mark, 1), Some(&condition)).await.expect("the first time");
    let second = client.create(&patient(&mark, 1), Some(&condition)).await.expect("the second time");
    assert_eq!(second.resource["id"], first.resource["id"], "the same resource");
    assert_eq!(second.version, first.version, "unchanged");
    let identifier = format!("{SYSTEM}|{mark}-1");
    let found = client.search("Patient", &[("identifier", identifier.as_str())], 10).await.expect("it is found");
    assert_eq!(found.matches.len(), 1, "and found once");
}

async fn what_somebody_else_wrote_is_found_past_the_servers_cache(platform: &Platform) {
    let ((mine, _), (theirs, _)) = (records(platform, MODERATOR).await, records(platform, COORDINATOR).await);
    let mark = mark();
    let identifier = format!("{SYSTEM}|{mark}-1");
    let parameters = [("identifier", identifier.as_str())];
    let before = mine.search("Patient", &parameters, 10).await.expect("a search");
    assert_eq!(before.matches.len(), 0, "nothing yet");
    theirs.create(&patient(&mark, 1), None).await.expect("somebody else writes");
    let fresh = mine.search_fresh("Patient", &parameters, 10).await.expect("a search past the cache");
    assert_eq!(fresh.matches.len(), 1, "it is there");
    // After a write of one's own every search is such a search.
    mine.create(&patient(&mark, 2), None).await.expect("a write of one's own");
    let own = format!("{SYSTEM}|{mark}-2");
    let found = mine.search("Patient", &[("identifier", own.as_str())], 10).await.expect("a search");
    assert_eq!(found.matches.len(), 1, "one's own is found at once");
}

async fn refusals_say_what_they_are(platform: &Platform) {
    let (client, _) = records(platform, MODERATOR).await;
    let unknown = client.search("Patient", &[("shoe-size", "43")], 10).await;
    assert!(matches!(unknown, Err(FhirError::UnknownParameter(_))), "{unknown:?}");
    let missing = client.read("Patient", "nobody-of-this-name").await;
    assert!(matches!(missing, Err(FhirError::NotFound { gone: false })), "{missing:?}");
    let broken = client.create(&json!({"resourceType": "Patient", "gender": "tree"}), None).await;
    assert!(matches!(broken, Err(FhirError::Rejected { .. })), "{broken:?}");
    let pair = json!({"system": SYSTEM, "value": mark()});
    let twins = json!({"resourceType": "Patient", "identifier": [pair]});
    client.create(&twins, None).await.expect("one twin");
    client.create(&twins, None).await.expect("another");
    let condition = format!("identifier={SYSTEM}|{}", pair["value"].as_str().unwrap_or_default());
    let ambiguous = client.create(&twins, Some(&condition)).await;
    assert!(matches!(ambiguous, Err(FhirError::Conflict(_))), "several fit: {ambiguous:?}");
}

async fn the_server_declares_what_the_program_needs(platform: &Platform) {
    let statement = records(platform, MODERATOR).await.0.capabilities().await.expect("a CapabilityStatement");
    assert_eq!(statement["fhirVersion"], "4.0.1", "FHIR R4");
    let rest = &statement["rest"][0];
    let has = |list: &Value, code: &str| list.as_array().into_iter().flatten().any(|one| one["code"] == code);
    assert!(has(&rest["interaction"], "transaction"), "transactions");
    let resources = rest["resource"].as_array().expect("resource types");
    let plan = resources.iter().find(|resource| resource["type"] == "CarePlan").expect("CarePlan");
    for interaction in ["read", "vread", "update", "create", "search-type", "history-instance"] {
        assert!(has(&plan["interaction"], interaction), "CarePlan can {interaction}");
    }
}

fn draft() -> Draft {
    Draft {
        category: Some(Category::Praeth),
        occasion: Some(Occasion::FirstDiagnosis),
        goal: Some(Goal::Curative),
        outcome: Some(Outcome::Consensus),
        question: "Definitive Radiochemotherapie?".to_owned(),
        findings: vec!["cT2b cN3 cM0".to_owned(), "ECOG 1".to_owned()],
        text: "Definitive Radiochemotherapie.\nDanach Durvalumab über 12 Monate.".to_owned(),
        measures: vec![Measure {
            id: "m-1".to_owned(),
            code: MeasureCode::from_code("ST"),
            text: "Bestrahlung 60 Gy".to_owned(),
            reason: String::new(),
            responsible: Some("dr-ahlefels".to_owned()),
        }],
        open_points: vec![OpenPoint { id: "p-1".to_owned(), text: "Lungenfunktion".to_owned(), owner: None }],
        guideline: Some(Guideline::Conform),
        guideline_text: "S3 Lungenkarzinom".to_owned(),
        present: vec!["dr-falkenried".to_owned(), "dr-ahlefels".to_owned()],
        ..Draft::default()
    }
}

fn setting(mark: &str, patient: &str, kvnr: &str) -> Setting {
    let person = |role: &str, name: &str| Person { role: role.to_owned(), name: name.to_owned(), specialty: None };
    Setting {
        id: format!("dec-{mark}"),
        identifier: format!("TEST-{mark}"),
        patient: RecordPatient {
            id: patient.to_owned(),
            kvnr: Some(kvnr.to_owned()),
            family: "Prüfstein".to_owned(),
            given: "Karla".to_owned(),
            birth_date: Some("1960-02-29".to_owned()),
        },
        board: Board { id: "board-ite".to_owned(), name: "Tumorboard".to_owned(), session: None },
        start: None,
        end: None,
        created: "2026-11-24".to_owned(),
        diagnosis: Diagnosis { condition: None, icd10gm: Some("C34.1".to_owned()), text: "Adenokarzinom".to_owned() },
        people: vec![
            person("dr-falkenried", "Dr. med. Amina Falkenried"),
            person("dr-ahlefels", "Dr. med. Ngozi Ahlefels"),
        ],
        quorum: Quorum { rule: Some("board-ite/1".to_owned()), met: 2, of: 2, missing: Vec::new() },
        author: "dr-falkenried".to_owned(),
        encounter: None,
        evidence: Vec::new(),
    }
}

async fn a_decision_is_drafted_signed_in_one_step_and_holds_when_it_is_read_again(platform: &Platform) {
    let ((client, base), mark) = (records(platform, MODERATOR).await, mark());
    // A naming system of the statutory health insurance.
    let kvnr = "X110127457";
    let record = json!({
        "resourceType": "Patient",
        "identifier": [{"system": "http://fhir.de/sid/gkv/kvid-10", "value": kvnr}, {"system": SYSTEM, "value": mark}],
        "name": [{"use": "official", "family": "Prüfstein", "given": ["Karla"]}],
        "birthDate": "1960-02-29",
    });
    let record = client.create(&record, None).await.expect("the patient is stored").resource;
    let patient = record["id"].as_str().expect("an id").to_owned();
    let (draft, mut setting) = (draft(), setting(&mark, &patient, kvnr));

    let mut plan = draft_plan(&draft, &setting, None).expect("a draft can be written");
    // The server names it, as for a decision that the program begins.
    plan.as_object_mut().expect("a resource is an object").remove("id");
    let system = plan["identifier"][0]["system"].as_str().expect("a draft has an identifier");
    let condition = format!("identifier={system}|{}", setting.identifier);
    let begun = client.create(&plan, Some(&condition)).await.expect("the draft is stored");
    let again = client.create(&plan, Some(&condition)).await.expect("a repetition");
    assert_eq!(again.resource["id"], begun.resource["id"], "makes no second draft");
    setting.id = begun.resource["id"].as_str().expect("an id").to_owned();
    let next = draft_plan(&draft, &setting, Some(&begun.resource)).expect("it goes on");
    let saved = client.update(&next, &begun.version).await.expect("the draft is saved");

    let payload = Payload::build(&draft, &setting, &Revision::first()).expect("it is complete");
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a P-256 key");
    let jws = sign(&payload.canonical(), &key, 1_795_529_268);
    let plan = signed_plan(&draft, &setting, &payload, Some(&saved.resource)).expect("it can be signed");
    let bundle = signing_bundle(&Signing {
        base: base.as_str(),
        plan: &plan,
        version: &saved.version,
        payload: &payload,
        jws: &jws,
        key: &PublicJwk::of(&key),
        quorum_reason: "",
        signer: "dr-falkenried",
        signer_name: "Dr. med. Amina Falkenried",
        organization: Some("org-tannhalde"),
        at: "2026-11-24T14:07:48Z",
        at_local: "24.11.2026, 15:07",
        former: None,
    });
    let answers = client.transaction(&bundle).await.expect("it is signed");
    let kinds: Vec<(u16, &str)> = answers.iter().map(|a| (a.status, a.kind.as_deref().unwrap_or_default())).collect();
    assert_eq!(kinds, [(200, "CarePlan"), (201, "Provenance"), (201, "DocumentReference")], "all three");
    let twice = client.transaction(&bundle).await;
    assert!(matches!(twice, Err(FhirError::Conflict(_))), "a repetition is refused as a whole: {twice:?}");

    let stored = client.read("CarePlan", &setting.id).await.expect("the decision is read").resource;
    assert_eq!(stored["status"], "active", "it is in force");
    let target = format!("CarePlan/{}", setting.id);
    let signatures = client.search("Provenance", &[("target", target.as_str())], 10).await.expect("signatures");
    assert_eq!(signatures.matches.len(), 1, "one signature");
    let signature = read_signature(&signatures.matches[0]).expect("it is read");
    let subject = format!("Patient/{patient}");
    let documents = client.search("DocumentReference", &[("subject", subject.as_str())], 10).await.expect("protocols");
    assert_eq!(documents.matches.len(), 1, "one protocol");
    let canonical = read_payload(&documents.matches[0]).expect("the payload lies beside it");
    let key = signature.key.expect("the key lies beside it");
    let found = check(&canonical, &signature.jws, &key, &stored, Some(&record));
    assert!(matches!(found, Finding::Matches(_)), "payload, signature and record agree: {found:?}");
}
