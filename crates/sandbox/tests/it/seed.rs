//! The seeded record against the recipe's own reference program, and what it must hold.

use crate::harness::TODAY;
use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};
use sandbox::{Language, Plan, board_resources, resources};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

fn plan(language: Language) -> Plan {
    let today: jiff::civil::Date = TODAY.parse().expect("a date");
    Plan { today, board: today.at(15, 0, 0, 0), language }
}

fn by_place(resources: Vec<Value>) -> BTreeMap<String, Value> {
    let place = |value: &Value| format!("{}/{}", value["resourceType"], value["id"]).replace('"', "");
    resources
        .into_iter()
        .map(|mut resource| {
            // Our JSON keeps members sorted, so a patient's numbers come in the order of their houses.
            if let Some(identifiers) = resource["identifier"].as_array_mut() {
                identifiers.sort_by_key(|identifier| identifier["system"].to_string());
            }
            (place(&resource), resource)
        })
        .collect()
}

/// What the reference program prints, or a loud line that says why they are missing.
fn reference(language: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("KONSIL_DEMO")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/demo"));
    let script = folder.join("to_fhir.py");
    let arguments = ["--today", TODAY, "--board", "15:00", "--lang", language];
    let output = Command::new("python3").arg(&script).args(arguments).output();
    match output {
        Ok(output) if output.status.success() => Some(output.stdout),
        Ok(_) | Err(_) => {
            let text = format!("SKIPPED: {} did not run; set KONSIL_DEMO to its folder", script.display());
            std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes()).ok();
            None
        }
    }
}

/// The one document that is a PDF here and plain text there, and where its file lies.
static LETTER: LazyLock<(&str, String)> =
    LazyLock::new(|| ("DocumentReference/doc-auenwald-brief", "Binary/bin-auenwald-brief".to_owned()));

/// A pathology report that is a document there and a report of the laboratory's system here, as some hospitals have it.
const INSTEAD: (&str, &str) = ("DocumentReference/doc-mohnblatt-sln", "DiagnosticReport/rep-mohnblatt-sln");
/// The reference program states histologies in the diagnosis only.
const HISTOLOGY: &str = "Observation/histology-";

fn without_content(document: &Value) -> Value {
    let mut document = document.clone();
    let attachment = document["content"][0]["attachment"].as_object_mut().expect("an attachment");
    for member in ["contentType", "size", "data", "url"] {
        attachment.remove(member);
    }
    document
}

#[test]
fn the_letter_points_at_a_pdf_of_the_size_that_it_states() {
    let all = by_place(board_resources(&plan(Language::German)));
    let attachment = &all[LETTER.0]["content"][0]["attachment"];
    assert_eq!(attachment["url"], LETTER.1.as_str(), "relative, as servers keep it");
    let binary = &all[&LETTER.1];
    assert_eq!(binary["contentType"], attachment["contentType"], "application/pdf in both");
    let file = STANDARD.decode(binary["data"].as_str().expect("base64")).expect("base64");
    assert!(file.starts_with(b"%PDF-1.7\n"), "ISO 32000-1, 7.5.2");
    assert_eq!(attachment["size"], file.len(), "the size without base64");
    let text = String::from_utf8(file).expect("the file is ASCII");
    assert!(!text.contains('?'), "every letter of it has a place in WinAnsiEncoding");
}

/// What the recipe calls the specialty of a PractitionerRole in a language.
fn specialty(place: &str, language: &str) -> Value {
    let network = include_str!("../../../../assets/demo/network.json");
    let network: Value = serde_json::from_str(network).expect("the recipe is JSON");
    let mut people = network["people"].as_array().expect("people").iter();
    let person = people.find(|person| place == format!("PractitionerRole/{}", person["id"].as_str().expect("an id")));
    person.unwrap_or_else(|| panic!("{place} is of the recipe"))["specialty"][language].clone()
}

#[test]
fn the_record_is_what_the_reference_program_makes() {
    for (language, name) in [(Language::German, "de"), (Language::English, "en")] {
        let Some(printed) = reference(name) else { return };
        let bundle: Value = serde_json::from_slice(&printed).expect("the program prints a Bundle");
        let entries = bundle["entry"].as_array().expect("with entries");
        let expected = by_place(entries.iter().map(|entry| entry["resource"].clone()).collect());
        let ours = by_place(board_resources(&plan(language)));
        let missing: Vec<&String> = expected.keys().filter(|place| !ours.contains_key(*place)).collect();
        let added: Vec<&String> = ours.keys().filter(|place| !expected.contains_key(*place)).collect();
        assert_eq!(missing, [INSTEAD.0], "a report in {name} that is there as a DiagnosticReport only");
        let known = |place: &&String| **place == LETTER.1 || **place == INSTEAD.1 || place.starts_with(HISTOLOGY);
        let unknown: Vec<&String> = added.iter().copied().filter(|place| !known(place)).collect();
        assert_eq!(
            (added.len(), unknown),
            (7, Vec::new()),
            "the letter's file, the report, a histology of five tumors"
        );
        for (place, expected) in expected.iter().filter(|(place, _)| *place != INSTEAD.0) {
            if place == LETTER.0 {
                assert_eq!(without_content(&ours[place]), without_content(expected), "{place} in {name}");
            } else if place.starts_with("PractitionerRole/") {
                // The reference program names specialties in German only.
                let mut expected = expected.clone();
                expected["specialty"][0]["text"] = specialty(place, name);
                assert_eq!(ours[place], expected, "{place} in {name}");
            } else {
                // What points at the report points at where it is here.
                let expected = expected.to_string().replace(INSTEAD.0, INSTEAD.1);
                assert_eq!(ours[place], serde_json::from_str::<Value>(&expected).expect("JSON"), "{place} in {name}");
            }
        }
    }
}

#[test]
fn references_of_the_record_lead_somewhere() {
    let all = by_place(resources(&plan(Language::German)));
    let mut open = Vec::new();
    for (place, resource) in &all {
        collect(resource, &mut |reference| {
            if !all.contains_key(reference) {
                open.push(format!("{place} -> {reference}"));
            }
        });
    }
    assert_eq!(open, Vec::<String>::new(), "each reference is to a resource that is seeded");
}

fn collect(value: &Value, found: &mut impl FnMut(&str)) {
    if let Some(reference) = value.get("reference").and_then(Value::as_str) {
        found(reference);
    }
    if let Some(members) = value.as_object() {
        members.values().for_each(|member| collect(member, found));
    }
    if let Some(list) = value.as_array() {
        list.iter().for_each(|entry| collect(entry, found));
    }
}

#[test]
fn seven_more_cases_fill_the_lists_and_three_tasks_wait() {
    let all = by_place(resources(&plan(Language::German)));
    let count = |kind: &str| all.keys().filter(|place| place.starts_with(&format!("{kind}/"))).count();
    assert_eq!(count("Patient"), 13, "five cases, the decoy, seven more");
    assert_eq!(count("Task"), 3, "the demonstration user's tasks");
    assert_eq!(count("CarePlan"), 6, "two earlier decisions of the board's cases and four of the others");
    let draft = &all["ServiceRequest/reg-moosgrund"];
    assert_eq!(draft["status"], "draft", "a registration that was begun");
    assert_eq!(all["Patient/pat-ahornlicht"]["birthDate"], "1975-04-11", "51 years old");
    assert!(!all.contains_key("Observation/tnm-lindenfurt-1"), "words that are no TNM make no observation");
    assert_eq!(all["Observation/tnm-tannlicht-1"]["code"]["coding"][0]["code"], "399588009", "pT1a is pathological");
}

#[test]
fn each_earlier_decision_is_signed_on_its_day_and_has_its_protocol() {
    for language in [Language::German, Language::English] {
        let all = by_place(resources(&plan(language)));
        let of_kind = |kind: &str| all.values().filter(|resource| resource["resourceType"] == kind).collect::<Vec<_>>();
        let (plans, signatures) = (of_kind("CarePlan"), of_kind("Provenance"));
        assert_eq!((plans.len(), signatures.len()), (6, 9), "one signature each, and three were countersigned");
        for plan in plans {
            let (id, day) = (plan["id"].as_str().expect("an id"), plan["created"].as_str().expect("a day"));
            let target = format!("CarePlan/{id}");
            let of_plan = signatures.iter().filter(|signature| signature["target"][0]["reference"] == target.as_str());
            let role = |signature: &Value| signature["agent"][0]["type"]["coding"][0]["code"].clone();
            let (first, second): (Vec<&Value>, Vec<&Value>) =
                of_plan.partition(|signature| role(signature) == "author");
            let [signature] = first[..] else { panic!("{id} is signed by one author: {}", first.len()) };
            for second in &second {
                assert_eq!(role(second), "attester", "{id}: the other signature makes no version");
                assert_eq!(
                    second["signature"][0]["who"],
                    json!({"reference": "PractitionerRole/dr-weidenlohe"}),
                    "{id}"
                );
                assert_eq!(second["entity"], signature["entity"], "{id}: over the same payload");
                assert_ne!(second["signature"][0]["data"], signature["signature"][0]["data"], "{id}: with another key");
            }
            // As `second_signature` of the recipe says.
            let countersigned = ["dec-lindenfurt", "dec-ahornlicht", "dec-kirschgrund"].contains(&id);
            assert_eq!(second.len(), usize::from(countersigned), "{id}: signatures beside it");
            assert_eq!(signature["signature"][0]["who"], plan["author"], "{id}: by its author");
            let at = signature["signature"][0]["when"].as_str().expect("a time");
            assert!(at.starts_with(day) && at.ends_with('Z'), "{id}: signed at {at} in UTC, decided on {day}");
            let document = &all[&format!("DocumentReference/protokoll-{id}-1")];
            assert_eq!(document["context"]["related"][0]["reference"], target.as_str(), "{id}: its protocol");
            let stored = document["content"][1]["attachment"]["data"].as_str().expect("the payload beside it");
            let payload = STANDARD.decode(stored).expect("base64");
            let payload: Value = serde_json::from_slice(&payload).expect("a payload is JSON");
            assert_eq!(payload["text"], plan["description"], "{id}: what was signed");
        }
    }
}

#[test]
fn signatures_are_the_same_at_every_start() {
    let signatures = || -> Vec<Value> {
        let all = resources(&plan(Language::German));
        all.into_iter().filter(|resource| resource["resourceType"] == "Provenance").collect()
    };
    assert_eq!(signatures(), signatures(), "nothing is random (RFC 6979)");
}

#[test]
fn ages_do_not_drift() {
    let on = |today: &str| {
        let today: jiff::civil::Date = today.parse().expect("a date");
        let all = by_place(resources(&Plan { today, board: today.at(15, 0, 0, 0), language: Language::German }));
        all["Patient/pat-auenwald"]["birthDate"].clone()
    };
    assert_eq!(on("2027-03-13"), "1957-03-14", "69 years old on the day before the birthday");
    assert_eq!(on("2027-03-14"), "1958-03-14", "and on the birthday");
}
