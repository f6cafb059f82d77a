//! The demonstration's first and fifth case as drafts, and the fixtures that other programs made.

use super::codes::{Category, Goal, Guideline, MeasureCode, Occasion, Outcome};
use super::draft::{Dissent, Draft, Measure, OpenPoint, Quorum, Vote};
use super::payload::{Board, Diagnosis, Person, RecordPatient, Setting};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::SigningKey;
use serde_json::Value;

/// The signature vector, made in Python and checked by two other programs.
pub(super) fn vector() -> Value {
    serde_json::from_str(include_str!("../../tests/fixtures/signature-vector.json")).expect("the fixture is JSON")
}

/// The vector's private key, worthless by design.
pub(super) fn vector_key() -> SigningKey {
    let d = vector()["private_d"].as_str().map(str::to_owned).expect("the vector has a key");
    SigningKey::from_slice(&URL_SAFE_NO_PAD.decode(d).expect("base64url")).expect("a P-256 key")
}

/// A resource of the validated examples.
pub(super) fn example(kind: &str, id: &str) -> Value {
    let bundle: Value =
        serde_json::from_str(include_str!("../../tests/fixtures/example-fhir.json")).expect("the fixture is JSON");
    let entries = bundle["entry"].as_array().expect("a bundle has entries");
    let mut resources = entries.iter().map(|entry| &entry["resource"]);
    resources.find(|r| r["resourceType"] == kind && r["id"] == id).cloned().expect("the example is there")
}

fn text(value: &Value) -> String {
    value.as_str().map(str::to_owned).expect("a text of the vector")
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().expect("a list of the vector").iter().map(text).collect()
}

/// Case 1, as a moderator would have typed the vector's payload.
pub(crate) fn auenwald() -> Draft {
    let payload = vector()["payload"].clone();
    let activities = payload["activities"].as_array().expect("a list").clone();
    let measures = activities.iter().zip(["m-1", "m-2", "m-3"]).map(|(activity, id)| Measure {
        id: id.to_owned(),
        code: MeasureCode::from_code(&text(&activity["code"])),
        text: text(&activity["text"]),
        reason: String::new(),
        responsible: Some(text(&activity["responsible"])),
    });
    let points = texts(&payload["openPoints"]).into_iter().zip(["p-1", "p-2"]);
    let participants = payload["participants"].as_array().expect("a list").clone();
    Draft {
        category: Some(Category::Praeth),
        occasion: Some(Occasion::FirstDiagnosis),
        goal: Some(Goal::Curative),
        outcome: Some(Outcome::Consensus),
        question: text(&payload["question"]),
        findings: texts(&payload["findings"]),
        text: text(&payload["text"]),
        measures: measures.collect(),
        open_points: points.map(|(text, id)| OpenPoint { id: id.to_owned(), text, owner: None }).collect(),
        vote: None,
        dissent: Vec::new(),
        guideline: Some(Guideline::Conform),
        guideline_text: "Onkopedia NSCLC".to_owned(),
        representation: "Nach Abschluss der Radiochemotherapie".to_owned(),
        present: participants.iter().map(|person| text(&person["role"])).collect(),
        quorum_reason: String::new(),
        amendment_reason: String::new(),
    }
}

/// What surrounds case 1.
pub(crate) fn auenwald_setting() -> Setting {
    let payload = vector()["payload"].clone();
    let people = payload["participants"].as_array().expect("a list").iter();
    Setting {
        id: text(&payload["id"]),
        identifier: "ITE-2026-11-24-1".to_owned(),
        patient: RecordPatient {
            id: "pat-auenwald".to_owned(),
            kvnr: Some("X110127457".to_owned()),
            family: "Auenwald".to_owned(),
            given: "Gernot".to_owned(),
            birth_date: Some("1957-03-14".to_owned()),
        },
        board: Board {
            id: "board-ite".to_owned(),
            name: "Interdisziplinäres Tumorboard Eschenland".to_owned(),
            session: Some("session-ite-2026-11-24".to_owned()),
        },
        start: Some(text(&payload["case"]["start"])),
        end: Some(text(&payload["case"]["end"])),
        created: "2026-11-24".to_owned(),
        diagnosis: Diagnosis {
            condition: Some("cond-auenwald-ca".to_owned()),
            icd10gm: Some("C34.1".to_owned()),
            text: "Adenokarzinom rechter Oberlappen".to_owned(),
        },
        people: people.map(|person| serde_json::from_value(person.clone()).expect("a person")).collect(),
        quorum: Quorum { rule: Some("board-ite/1".to_owned()), met: 5, of: 5, missing: Vec::new() },
        author: "dr-falkenried".to_owned(),
        encounter: Some("enc-auenwald-2026-11-24".to_owned()),
        evidence: vec!["ServiceRequest/reg-auenwald".to_owned(), "Observation/tnm-auenwald-1".to_owned()],
    }
}

/// Case 5: a majority with a dissent, a deviation from the guideline, a reason and an owner.
pub(super) fn mohnblatt() -> Draft {
    let mut present = auenwald().present;
    present.push("dr-heidekorn".to_owned());
    Draft {
        category: Some(Category::Postth),
        occasion: Some(Occasion::Course),
        outcome: Some(Outcome::Majority),
        text: "Umstellung auf Dabrafenib/Trametinib bis zu einer adjuvanten Gesamtdauer von 12 Monaten.\n\
               Keine erneute PD-1-Blockade nach Hepatitis Grad 3."
            .to_owned(),
        measures: vec![Measure {
            id: "m-9".to_owned(),
            code: Some(MeasureCode::Zs),
            text: "Dabrafenib 150 mg 2x täglich und Trametinib 2 mg 1x täglich".to_owned(),
            reason: "BRAF V600E; Hepatitis unter PD-1-Blockade".to_owned(),
            responsible: Some("dr-heidekorn".to_owned()),
        }],
        open_points: vec![OpenPoint {
            id: "p-9".to_owned(),
            text: "Echokardiographie vor Beginn".to_owned(),
            owner: Some("dr-heidekorn".to_owned()),
        }],
        vote: Some(Vote { agree: 6, disagree: 1, abstain: 1 }),
        dissent: vec![Dissent {
            role: "dr-weidenlohe".to_owned(),
            text: "Zeitabstand zur Operation überschreitet das Fenster der Zulassungsstudie.".to_owned(),
        }],
        guideline: Some(Guideline::Deviation),
        guideline_text: "S3 Melanom: Zeitabstand zur Operation".to_owned(),
        representation: "Bei Toxizität, sonst nach 6 Monaten".to_owned(),
        quorum_reason: "Nuklearmedizin telefonisch".to_owned(),
        present,
        question: String::new(),
        ..auenwald()
    }
}

/// What surrounds case 5.
pub(super) fn mohnblatt_setting() -> Setting {
    let mut setting = auenwald_setting();
    setting.people.push(Person {
        role: "dr-heidekorn".to_owned(),
        name: "Dr. med. Zoë Heidekorn".to_owned(),
        specialty: Some("Dermatologie, Dermatoonkologie".to_owned()),
    });
    Setting {
        id: "dec-mohnblatt-2026-11-24".to_owned(),
        identifier: "ITE-2026-11-24-5".to_owned(),
        patient: RecordPatient {
            id: "pat-mohnblatt".to_owned(),
            kvnr: Some("X550812364".to_owned()),
            family: "Mohnblatt".to_owned(),
            given: "Ayşe Nur".to_owned(),
            birth_date: Some("1982-01-23".to_owned()),
        },
        diagnosis: Diagnosis {
            condition: Some("cond-mohnblatt-ca".to_owned()),
            icd10gm: Some("C43.7".to_owned()),
            text: "Superfiziell spreitendes Melanom Unterschenkel links".to_owned(),
        },
        start: None,
        end: None,
        quorum: Quorum { met: 4, missing: vec!["Nuklearmedizin".to_owned()], ..setting.quorum },
        encounter: None,
        evidence: Vec::new(),
        ..setting
    }
}
