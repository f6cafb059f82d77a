//! The case list, the case and its documents, against the demonstration's recipe.

use crate::{MODERATOR, at_work, at_work_on, code, platforms::on_each_platform, recipe};
use contract::{CaseRowView, CaseView, DocumentContent, FailureCode, Part, Reply, Request};
use serde_json::Value;
use std::collections::BTreeSet;
use testkit::{DeskKit, Platform};

on_each_platform![
    today_shows_the_board_s_agenda,
    the_list_has_the_board_s_cases_in_its_order_and_then_the_others_by_name,
    the_search_understands_umlauts_case_and_marks,
    a_case_shows_what_the_record_says,
    no_part_of_a_case_of_the_board_is_missing,
    the_laboratory_shows_the_course_of_each_analyte,
    the_patient_who_is_easily_taken_for_this_one_is_named,
    a_document_is_read_inside,
    a_case_that_is_none_says_so_in_every_part,
];

const AUENWALD: &str = include_str!("../../../../assets/demo/patients/1-auenwald-lunge.json");
const OTHERS: &str = include_str!("../../../../assets/demo/othercases.json");
/// The agenda of the recipe.
const BOARD: [&str; 5] = ["pat-auenwald", "pat-birkenlicht", "pat-steinklee", "pat-aehrenfeld", "pat-mohnblatt"];

async fn rows(desk: &DeskKit, query: &str) -> Vec<CaseRowView> {
    match desk.call(Request::OpenCases { query: query.to_owned() }).await {
        Ok(Reply::Cases(cases)) if cases.rows == Part::Empty => Vec::new(),
        Ok(Reply::Cases(cases)) => ready(&cases.rows).clone(),
        other => panic!("cases for {query}: {other:?}"),
    }
}

/// The case with every part answered.
pub(crate) async fn whole_case(desk: &DeskKit, patient: &str) -> CaseView {
    let answer = desk.call(Request::OpenCase { patient: patient.to_owned() }).await;
    assert!(matches!(answer, Ok(Reply::Case(_))), "the case opens at once: {answer:?}");
    desk.eventually("every part of the case", |seen| {
        let case = seen.case.as_ref().filter(|case| case.patient == patient)?;
        let json = serde_json::to_value(case).expect("a view is JSON");
        let loading = json.as_object()?.values().any(|part| part["state"] == "loading");
        // The neighbors with similar names come last.
        (!loading && case.slot.is_some()).then(|| case.clone())
    })
    .await
}

fn ready<T>(part: &Part<T>) -> &T {
    match part {
        Part::Ready { value, .. } => value,
        Part::Loading | Part::Empty | Part::Denied | Part::Absent | Part::Failed { .. } => {
            panic!("the part is not there")
        }
    }
}

async fn today_shows_the_board_s_agenda(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let answer = desk.call(Request::OpenToday).await;
    let Ok(Reply::Today(today)) = answer else { panic!("today: {:?}", code(&answer)) };
    let board = ready(&today.board);
    let agenda: Vec<&str> = board.agenda.iter().map(|row| row.patient.as_str()).collect();
    assert_eq!(agenda, BOARD, "the agenda of the recipe");
    assert!(board.moderating, "she moderates");
}

async fn the_list_has_the_board_s_cases_in_its_order_and_then_the_others_by_name(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let others = recipe(OTHERS);
    let others: Vec<&Value> = others["cases"].as_array().expect("cases").iter().collect();
    let known: BTreeSet<&str> = others.iter().filter_map(|case| case["id"].as_str()).chain(BOARD).collect();
    // Other facts write cases of their own into the same record.
    let rows = rows(&desk, "").await.into_iter().filter(|row| known.contains(row.patient.as_str()));
    let rows: Vec<CaseRowView> = rows.collect();
    let ids: Vec<&str> = rows.iter().map(|row| row.patient.as_str()).collect();
    assert_eq!(ids.len(), 12, "five cases of the board and seven others: {ids:?}");
    assert_eq!(ids[..5], BOARD, "the agenda of the recipe");
    let numbers: Vec<u32> = rows.iter().filter_map(|row| Some(row.slot.as_ref()?.number)).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5], "places on the agenda");
    let mut others: Vec<&str> = others.iter().filter_map(|case| case["name"]["family"].as_str()).collect();
    others.sort_unstable();
    let found: Vec<&str> = rows[5..].iter().filter_map(|row| row.identity.family.as_deref()).collect();
    assert_eq!(found, others, "by family name");
}

async fn the_search_understands_umlauts_case_and_marks(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    for (query, expected) in [
        ("Ährenfeld", "pat-aehrenfeld"),
        ("aehrenfeld", "pat-aehrenfeld"),
        ("AEHREN", "pat-aehrenfeld"),
        ("ayse", "pat-mohnblatt"),
        ("X330491275", "pat-steinklee"),
        ("birkenlicht selma", "pat-birkenlicht"),
    ] {
        let found: Vec<String> = rows(&desk, query).await.into_iter().map(|row| row.patient).collect();
        assert_eq!(found, [expected], "{query}");
    }
    assert!(rows(&desk, "nobody of this name").await.is_empty(), "and finds nothing where nothing is");
}

async fn a_case_shows_what_the_record_says(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let recipe = recipe(AUENWALD);
    let case = whole_case(&desk, "pat-auenwald").await;
    assert_eq!(case.identity.family.as_deref(), recipe["name"]["family"].as_str(), "family name");
    assert_eq!(case.identity.kvnr.as_deref(), recipe["kvnr"].as_str(), "KVNR");
    assert_eq!(case.identity.age.map(u64::from), recipe["birth"]["age"].as_u64(), "age today");
    let tnm = &ready(&case.tnm)[0];
    assert_eq!((tnm.text.as_str(), tnm.stage.as_deref()), ("cT2b cN3 cM0", Some("IIIB")), "TNM with its prefixes");
    assert_eq!(
        Some(ready(&case.question).text.as_str()),
        recipe["registration"]["question"]["de"].as_str(),
        "question"
    );
    let ecog = &recipe["ecog"];
    let expected = ecog[0]["value"].as_u64().or_else(|| ecog["value"].as_u64()).map(|value| value.to_string());
    assert_eq!(Some(ready(&case.ecog)[0].value.clone()), expected.or(Some("1".to_owned())), "general condition");
    let measured = ready(&case.findings).iter().find(|finding| finding.unit.is_some()).expect("a measured finding");
    let number = |text: &str| text.parse::<f64>().ok();
    assert_eq!(
        (number(&measured.value), measured.unit.as_deref()),
        (recipe["findings"][0]["value"].as_str().and_then(number), recipe["findings"][0]["unit"].as_str()),
        "a finding in numbers"
    );
    let documents = recipe["documents"].as_array().expect("documents").len();
    assert!(ready(&case.documents).len() >= documents, "all {documents} documents of the recipe");
    let labs = ready(&case.laboratory).len();
    assert!(labs > 0 && labs <= recipe["labs"].as_array().map_or(usize::MAX, Vec::len), "one row an analyte: {labs}");
}

async fn no_part_of_a_case_of_the_board_is_missing(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, "dr-sonnkaya").await;
    for patient in BOARD {
        let case = serde_json::to_value(whole_case(&desk, patient).await).expect("a view is JSON");
        // What the recipe tells of each of the five.
        for part in ["diagnoses", "tnm", "ecog", "laboratory", "documents", "studies", "question", "timeline"] {
            assert_eq!(case[part]["state"], "ready", "{patient}: {part}");
        }
        for (part, value) in case.as_object().expect("a view is an object") {
            let state = value["state"].as_str().unwrap_or("ready");
            assert!(!["failed", "denied", "absent"].contains(&state), "{patient}: {part} is {state}");
        }
    }
}

async fn the_laboratory_shows_the_course_of_each_analyte(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let case = whole_case(&desk, "pat-auenwald").await;
    let recipe = recipe(AUENWALD);
    let mut compared = 0;
    for analyte in recipe["labs"].as_array().expect("a laboratory") {
        let loinc = analyte["loinc"].as_str();
        let Some(series) = ready(&case.laboratory).iter().find(|series| series.loinc.as_deref() == loinc) else {
            continue;
        };
        let shown: Vec<f64> = series.values.iter().map(|value| value.value).collect();
        // The recipe tells days before today, the oldest first.
        let told: Vec<f64> =
            analyte["values"].as_array().expect("values").iter().filter_map(|value| value["v"].as_f64()).collect();
        assert_eq!(shown, told, "{loinc:?}: each value once, the oldest first");
        compared += usize::from(shown.len() > 1);
    }
    assert!(compared >= 5, "a course is more than one value: {compared} have one");
}

async fn the_patient_who_is_easily_taken_for_this_one_is_named(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let _case = whole_case(&desk, "pat-auenwald").await;
    let similar = desk
        .eventually("the similar patient", |seen| {
            let case = seen.case.as_ref()?;
            (!case.similar.is_empty()).then(|| case.similar.clone())
        })
        .await;
    assert_eq!(similar.len(), 1, "one other: {}", similar.len());
    assert!(similar[0].name.contains("Auerwald"), "the decoy of the recipe");
}

async fn a_document_is_read_inside(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let case = whole_case(&desk, "pat-auenwald").await;
    let entry =
        ready(&case.documents).iter().find(|entry| entry.id == "doc-auenwald-ct").expect("the report of the CT");
    let request = Request::ReadDocument { patient: case.patient.clone(), document: entry.id.clone() };
    let answer = desk.call(request).await;
    let Ok(Reply::Document(document)) = answer else { panic!("a document: {:?}", code(&answer)) };
    let DocumentContent::Text { text } = document.content else { panic!("a report is text") };
    assert!(text.contains("46 x 42"), "the size that the recipe's report quotes");
}

#[tokio::test]
async fn a_letter_in_a_binary_of_its_own_is_read_as_the_pdf_that_it_is() {
    let (_folder, desk) = at_work(MODERATOR).await;
    let case = whole_case(&desk, "pat-auenwald").await;
    let request = Request::ReadDocument { patient: case.patient.clone(), document: "doc-auenwald-brief".to_owned() };
    let answer = desk.call(request).await;
    let Ok(Reply::Document(document)) = answer else { panic!("a document: {:?}", code(&answer)) };
    assert_eq!(document.entry.content_type, "application/pdf", "as the record says");
    let DocumentContent::Pdf { data } = document.content else { panic!("a PDF") };
    // "%PDF-1.7" in base64.
    assert!(data.starts_with("JVBERi0xLjcK"), "the file as it lies in the Binary");
}

async fn a_case_that_is_none_says_so_in_every_part(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let answer = desk.call(Request::OpenCase { patient: "no/such id".to_owned() }).await;
    assert_eq!(code(&answer), Some(FailureCode::InvalidInput), "no FHIR id");
    let answer = desk.call(Request::OpenDecision { patient: "pat-auenwald".to_owned() }).await;
    assert_eq!(code(&answer), Some(FailureCode::NotFound), "a decision needs its case open");
}
