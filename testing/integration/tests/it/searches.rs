//! What the searches of a case bring that no other search does.

use crate::{
    MODERATOR, at_work_on, cases::whole_case, client::records, code, faults::behind, platforms::on_each_platform,
    recipe,
};
use contract::{CaseView, DocumentContent, LabSeriesView, ListSource, Part, Reply, Request, TimelineKind};
use jiff::{ToSpan as _, Zoned};
use sandbox::Options;
use serde_json::{Value, json};
use testkit::{Platform, Spoiled};

on_each_platform![a_pathology_report_that_is_no_document_is_listed_and_read_like_one];

const MOHNBLATT: &str = include_str!("../../../../assets/demo/patients/5-mohnblatt-melanom.json");
const AUENWALD: &str = include_str!("../../../../assets/demo/patients/1-auenwald-lunge.json");

fn ready<T>(part: &Part<T>) -> &T {
    match part {
        Part::Ready { value, .. } => value,
        Part::Loading | Part::Empty | Part::Denied | Part::Absent | Part::Failed { .. } => {
            panic!("the part is not there")
        }
    }
}

async fn a_pathology_report_that_is_no_document_is_listed_and_read_like_one(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let case = whole_case(&desk, "pat-mohnblatt").await;
    let recipe = recipe(MOHNBLATT);
    let told = recipe["documents"].as_array().expect("documents").iter().find(|one| one["form"] == "report");
    let told = told.expect("the recipe has a report");
    let title = told["title"]["de"].as_str().expect("a title");
    let entries: Vec<_> = ready(&case.documents).iter().filter(|entry| entry.title == title).collect();
    assert_eq!(entries.len(), 1, "it is among the documents, once");
    assert!(entries[0].author.as_deref().is_some_and(|name| name.contains("Brunnengold")), "who wrote it");
    assert!(entries[0].organization.is_some(), "of which house");
    let dates: Vec<_> = ready(&case.documents).iter().filter_map(|entry| entry.at.as_deref()?.get(..10)).collect();
    assert!(dates.is_sorted_by(|newer, older| newer >= older), "the newest first: {dates:?}");
    let course = ready(&case.timeline).iter().find(|entry| entry.title == title).expect("it is in the course");
    assert_eq!(course.kind, TimelineKind::Pathology, "as pathology");
    assert_eq!(course.document.as_deref(), Some(entries[0].id.as_str()), "and opens from there");
    let request = Request::ReadDocument { patient: case.patient.clone(), document: entries[0].id.clone() };
    let answer = desk.call(request).await;
    let Ok(Reply::Document(document)) = answer else { panic!("a report: {:?}", code(&answer)) };
    let DocumentContent::Text { text } = document.content else { panic!("a report is text") };
    assert_eq!(told["text_de"], text.as_str(), "the recipe's words");
}

/// A resource of the lung case.
fn of_auenwald(kind: &str, more: Value) -> Value {
    let mut resource = json!({"resourceType": kind, "subject": {"reference": "Patient/pat-auenwald"}});
    let (Value::Object(members), Value::Object(more)) = (&mut resource, more) else { panic!("objects") };
    members.extend(more);
    resource
}

fn observation(system: &str, code: &str, more: Value) -> Value {
    let mut observation = of_auenwald("Observation", more);
    observation["status"] = json!("final");
    observation["code"] = json!({"coding": [{"system": system, "code": code}]});
    observation
}

fn years_ago(years: i32) -> String {
    Zoned::now().date().saturating_sub(years.years()).to_string()
}

const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";

#[tokio::test]
async fn genes_prescriptions_the_course_and_old_markers_are_shown_and_old_laboratory_is_not() {
    let platform = Platform::start(Options::default()).await.expect("a platform starts");
    let (fhir, _) = records(&platform, MODERATOR).await;
    let laboratory = json!([{"coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}]);
    let coded = |code: &str| json!({"coding": [{"system": LOINC, "code": code}]});
    for resource in [
        observation(
            LOINC,
            "69548-6",
            json!({
                "valueCodeableConcept": coded("LA9633-4"),
                "component": [
                    {"code": coded("48018-6"), "valueCodeableConcept": {"coding": [
                        {"system": "http://www.genenames.org/geneId", "code": "HGNC:3236", "display": "EGFR"}]}},
                    {"code": coded("48005-3"), "valueCodeableConcept": {"text": "p.Leu858Arg"}},
                ],
            }),
        ),
        observation(
            SNOMED,
            "396432002",
            json!({
            "effectiveDateTime": years_ago(1), "valueCodeableConcept": {"text": "Teilremission"}}),
        ),
        // Without a category, and from long before: a marker all the same.
        observation(
            LOINC,
            "85330-9",
            json!({
            "effectiveDateTime": years_ago(7), "valueQuantity": {"value": 30, "unit": "%"}}),
        ),
        observation(
            LOINC,
            "2160-0",
            json!({
            "category": laboratory, "effectiveDateTime": years_ago(4),
            "valueQuantity": {"value": 7.77, "unit": "mg/dL"}}),
        ),
        of_auenwald(
            "MedicationRequest",
            json!({
            "status": "active", "intent": "order", "authoredOn": years_ago(1),
            "medicationCodeableConcept": {"text": "Dexamethason 4 mg"},
            "dosageInstruction": [{"text": "1-0-0"}]}),
        ),
        of_auenwald(
            "MedicationRequest",
            json!({
            "status": "stopped", "intent": "order", "medicationCodeableConcept": {"text": "Pantoprazol 40 mg"}}),
        ),
    ] {
        fhir.create(&resource, None).await.expect("the record takes it");
    }
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    let case = whole_case(&desk, "pat-auenwald").await;
    let finding = |loinc: &str| ready(&case.findings).iter().find(|finding| finding.loinc.as_deref() == Some(loinc));
    let gene = finding("69548-6").map(|found| (found.name.as_str(), found.value.as_str()));
    assert_eq!(gene, Some(("EGFR", "p.Leu858Arg")), "a gene and its change");
    assert_eq!(finding("85330-9").map(|found| found.value.as_str()), Some("30"), "a marker of seven years ago");
    let course = ready(&case.timeline).iter().find(|entry| entry.kind == TimelineKind::Course);
    assert_eq!(course.map(|entry| entry.title.as_str()), Some("Teilremission"), "what became of it");
    let taken = |name: &str| ready(&case.medication).iter().find(|medication| medication.text == name);
    assert_eq!(taken("Dexamethason 4 mg").and_then(|one| one.dose.as_deref()), Some("1-0-0"), "a prescription");
    assert!(taken("Pantoprazol 40 mg").is_none(), "one that ended is not taken");
    let old = |series: &LabSeriesView| series.values.iter().any(|value| value.text == "7.77");
    assert!(!ready(&case.laboratory).iter().any(old), "a creatinine of four years ago tells nothing of today");
    assert!(!ready(&case.laboratory).is_empty(), "the values of the recipe are there");
}

/// SNOMED CT codes of stage groups.
const GROUPS: [&str; 3] = ["399390009", "399537006", "399588009"];

/// Takes the stage groups out of a bundle.
fn ungrouped(bundle: &mut Value) {
    let Some(entries) = bundle["entry"].as_array_mut() else { return };
    entries.retain(|entry| {
        let codings = entry["resource"]["code"]["coding"].as_array();
        !codings.into_iter().flatten().any(|coding| coding["code"].as_str().is_some_and(|code| GROUPS.contains(&code)))
    });
    // What came along with a group does not come without it.
    entries.retain(|entry| entry["search"]["mode"] != "include");
}

#[tokio::test]
async fn a_stage_is_put_together_where_a_server_keeps_no_group() {
    let (_platform, detour, _folder, desk) = behind().await;
    detour.spoil(|_, path| if path.starts_with("/fhir/Observation") { Spoiled::Json(ungrouped) } else { Spoiled::Not });
    let case = whole_case(&desk, "pat-auenwald").await;
    let recipe = recipe(AUENWALD);
    let told = &recipe["tnm"][0];
    let word = |axis: &str| format!("c{}", told[axis].as_str().expect("a category"));
    let expected = [word("T"), word("N"), word("M")].join(" ");
    let stages = ready(&case.tnm);
    assert_eq!((stages[0].text.as_str(), stages[0].stage.as_deref()), (expected.as_str(), None), "T, N and M alone");
    assert_eq!(stages[0].edition.as_deref(), told["edition"].as_str(), "with their edition");
    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    let Ok(Reply::Cases(cases)) = answer else { panic!("a list: {:?}", code(&answer)) };
    let row = ready(&cases.rows).iter().find(|row| row.patient == "pat-auenwald").expect("its line");
    assert_eq!(row.tnm.as_ref().map(|tnm| tnm.text.clone()), Some(expected), "in the list as well");
}

#[tokio::test]
async fn a_laboratory_without_categories_is_asked_by_its_codes() {
    let (_platform, detour, _folder, desk) = behind().await;
    detour.spoil(|_, path| {
        // HTTP 400 to a parameter that a server does not know (FHIR R4 §3.1.1.3.3).
        if path.starts_with("/fhir/Observation") && path.contains("category=") {
            Spoiled::Status(400)
        } else {
            Spoiled::Not
        }
    });
    let case = whole_case(&desk, "pat-auenwald").await;
    let shown: Vec<_> = ready(&case.laboratory).iter().filter_map(|series| series.loinc.as_deref()).collect();
    // What the recipe has of the panel that opens first and of that for the lung.
    for loinc in [
        "718-7", "6690-2", "777-3", "2160-0", "98979-8", "1742-6", "2532-0", "1988-5", "1751-7", "6301-6", "2039-6",
        "25390-6", "3016-3", "20150-9", "19926-5", "19911-7",
    ] {
        assert!(shown.contains(&loinc), "{loinc} is among {shown:?}");
    }
}

fn gap(case: &CaseView, source: ListSource) -> Option<&Part<()>> {
    case.gaps.iter().find(|gap| gap.source == source).map(|gap| &gap.state)
}

#[tokio::test]
async fn what_several_searches_fill_says_which_of_them_was_refused() {
    let (_platform, detour, _folder, desk) = behind().await;
    detour.spoil(|_, path| {
        let refused = ["/fhir/MedicationStatement", "/fhir/DiagnosticReport", "/fhir/Procedure"];
        if refused.iter().any(|kind| path.starts_with(kind)) { Spoiled::Status(403) } else { Spoiled::Not }
    });
    let case = whole_case(&desk, "pat-auenwald").await;
    assert_eq!(case.medication, Part::Denied, "no medication is a statement, a refusal is none");
    assert_eq!(case.therapies, Part::Denied, "nor are procedures");
    assert!(!ready(&case.documents).is_empty(), "the documents are there");
    for source in [ListSource::Reports, ListSource::Medication, ListSource::Procedures] {
        assert_eq!(gap(&case, source), Some(&Part::Denied), "{source:?} is missing in the course, which says so");
    }
    assert_eq!(gap(&case, ListSource::Documents), None, "what answered is no gap");
}
