//! What surrounds a decision and nobody types: patient, board, diagnosis, people, and the rule of the
//! quorum.

use crate::{
    decision::{Board, Category, Diagnosis, Draft, Person, Quorum, RecordPatient, Setting},
    record::{
        CaseRecord, Part, PersonFacts, identity_view,
        read::{day, each, id, reference_id, text},
    },
    session::Taken,
};
use jiff::{Zoned, civil::Date};
use serde_json::Value;

/// Lines of a quorum as German hospitals publish it: SNOMED CT codes of specialities
/// that meet the line, and their name. The speciality that registered the case is the fifth line.
const LINES: [(&[&str], &[&str]); 4] = [
    (&["394914008", "394649004"], &["Radiologie", "Nuklearmedizin"]),
    (&["394915009"], &["Pathologie"]),
    (&["419815003"], &["Strahlentherapie"]),
    (&["394593009"], &["Hämatologie und internistische Onkologie"]),
];

/// What is there before anybody typed: the question as registered, and who begins the draft as
/// present. Everybody else is confirmed by hand: attendance is evidence.
pub(crate) fn first_draft(record: &CaseRecord, me: Option<&str>) -> Draft {
    let decided_before = record.part(Part::Plans).matches().iter().any(|plan| plan["status"] != "draft");
    Draft {
        category: (!decided_before).then_some(Category::Praeth),
        question: registration(record).and_then(|r| text(&r["note"][0]["text"])).unwrap_or_default(),
        present: me.map(str::to_owned).into_iter().collect(),
        ..Draft::default()
    }
}

fn registration(record: &CaseRecord) -> Option<&Value> {
    let found = record.part(Part::Registration).matches();
    found.iter().find(|r| r["status"] == "active").or_else(|| found.first())
}

/// The rule held against those present.
pub(crate) fn quorum(record: &CaseRecord, draft: &Draft) -> Quorum {
    let Some((board, _)) = &record.directory.board else { return Quorum::default() };
    let person = |role: &String| record.directory.person(role);
    let lines =
        LINES.iter().map(|(codes, words)| codes.iter().zip(*words).map(|(code, word)| named(record, code, word)));
    let mut lines: Vec<Vec<String>> = lines.map(Iterator::collect).collect();
    let registering = registration(record)
        .and_then(|r| reference_id(&r["requester"], "PractitionerRole"))
        .and_then(|role| specialty(record, person(&role)?));
    let known: Vec<String> = lines.iter().flatten().cloned().collect();
    lines.extend(registering.filter(|specialty| !known.contains(specialty)).map(|specialty| vec![specialty]));
    let present: Vec<String> =
        draft.present.iter().filter_map(person).filter_map(|person| specialty(record, person)).collect();
    let present: Vec<&str> = present.iter().map(String::as_str).collect();
    Quorum::judge(&format!("{board}/1"), &lines, &present)
}

/// A speciality of the rule: by its German name where the record uses that, else as the record's people call it.
fn named(record: &CaseRecord, code: &str, german: &str) -> String {
    let people = record.directory.people().map(|(_, person)| person);
    let mut names = people
        .filter(|person| person.specialty_code.as_deref() == Some(code))
        .filter_map(|person| person.specialty.as_deref());
    let first = names.next().unwrap_or(german);
    if names.any(|name| name == german) { german.to_owned() } else { first.to_owned() }
}

/// The speciality of a person; one of the rule's is recognized by its code or its German name.
fn specialty(record: &CaseRecord, person: &PersonFacts) -> Option<String> {
    let mut of_rule = LINES.iter().flat_map(|(codes, words)| codes.iter().copied().zip(words.iter().copied()));
    let by_code = of_rule.clone().find(|(code, _)| person.specialty_code.as_deref() == Some(*code));
    let found = by_code.or_else(|| of_rule.find(|(_, german)| person.specialty.as_deref() == Some(*german)));
    found.map(|(code, german)| named(record, code, german)).or_else(|| person.specialty.clone())
}

/// PractitionerRole id of whoever writes; empty if the provider does not say it.
pub(crate) fn author(taken: &Taken) -> String {
    let author = taken.session.person().fhir_user.unwrap_or_default();
    author.trim_start_matches("PractitionerRole/").to_owned()
}

/// By which a creation that is repeated is recognized.
pub(crate) fn identifier(created: &str, board: &str, patient: &str) -> String {
    format!("{created}/{board}/{patient}")
}

/// What surrounds a draft; `known` is the platform's version of the decision. `None` while the patient is not known.
pub(crate) fn setting(record: &CaseRecord, draft: &Draft, known: Option<&Value>, author: String) -> Option<Setting> {
    let patient = record.patient_resource()?;
    let identity = identity_view(patient, record.house.as_deref(), Date::MIN);
    let conditions = record.part(Part::Conditions).matches();
    let diagnoses = crate::record::diagnoses(conditions);
    let tumor = crate::record::primary(&diagnoses);
    let (board, board_name) = record.directory.board.clone().unwrap_or_default();
    // An amendment belongs to the conference that decided, whatever the next agenda says.
    let held = known.filter(|plan| plan["status"] != "draft").and_then(|plan| text(&plan["created"]));
    let of_slot = record.slot.as_ref().map(|slot| day(&slot.start));
    let elsewhere = held.is_some() && held != of_slot;
    let created = held.or(of_slot).unwrap_or_else(|| Zoned::now().date().to_string());
    let registered = registration(record).and_then(id);
    let stage = record.part(Part::Tnm).matches().first().and_then(id);
    let people = record.directory.people().map(|(role, person)| Person {
        role: role.clone(),
        name: person.name.clone(),
        specialty: person.specialty.clone(),
    });
    Some(Setting {
        id: known.and_then(id).unwrap_or_default(),
        identifier: identifier(&created, &board, &record.patient),
        patient: RecordPatient {
            id: record.patient.clone(),
            kvnr: identity.kvnr,
            family: identity.family.unwrap_or_default(),
            given: identity.given.unwrap_or_default(),
            birth_date: identity.birth_date,
        },
        board: Board { id: board, name: board_name, session: record.session.clone().filter(|_| !elsewhere) },
        // The agenda says when a case was to be called, and nobody says when it was: what is signed claims no more than is known.
        start: None,
        end: None,
        created,
        diagnosis: Diagnosis {
            condition: tumor.map(|tumor| tumor.id.clone()),
            icd10gm: tumor.and_then(|tumor| tumor.icd10.clone()),
            text: tumor.map(|tumor| tumor.text.clone()).unwrap_or_default(),
        },
        people: people.collect(),
        quorum: quorum(record, draft),
        author,
        encounter: None,
        evidence: [registered.map(|id| format!("ServiceRequest/{id}")), stage.map(|id| format!("Observation/{id}"))]
            .into_iter()
            .flatten()
            .collect(),
    })
}

/// True when a resource names this decision.
pub(crate) fn names_plan(resource: &Value, plan: &str) -> bool {
    each(&resource["target"])
        .chain(each(&resource["context"]["related"]))
        .any(|reference| reference_id(reference, "CarePlan").as_deref() == Some(plan))
}

#[cfg(test)]
mod tests {
    use super::quorum;
    use crate::{
        decision::{Draft, Quorum},
        record::{CaseRecord, Loaded, Part},
    };
    use serde_json::{Value, json};

    /// Role, SNOMED CT code and words of a speciality; the last person has registered the case.
    fn judged(people: &[(&str, Option<&str>, &str)], present: &[&str]) -> Quorum {
        let role = |(id, code, words): &(&str, Option<&str>, &str)| {
            let coding: Vec<Value> =
                code.iter().map(|code| json!({"system": "http://snomed.info/sct", "code": code})).collect();
            json!({"resourceType": "PractitionerRole", "id": id, "specialty": [{"coding": coding, "text": words}]})
        };
        let mut known: Vec<Value> = people.iter().map(role).collect();
        known.push(json!({"resourceType": "HealthcareService", "id": "board", "name": "Board"}));
        let mut record = CaseRecord::default();
        record.directory.learn(known.iter());
        let (registering, ..) = people.last().expect("somebody registers");
        let registration = json!({"requester": {"reference": format!("PractitionerRole/{registering}")}});
        record.set(Part::Registration, Loaded::Here { matches: vec![registration], included: vec![], more: false });
        let present = present.iter().map(|role| (*role).to_owned()).collect();
        quorum(&record, &Draft { present, ..Draft::default() })
    }

    const ENGLISH: [(&str, Option<&str>, &str); 5] = [
        ("a", Some("394914008"), "Radiology"),
        ("b", Some("394915009"), "General pathology"),
        ("c", Some("419815003"), "Radiation oncology"),
        ("d", Some("394593009"), "Medical oncology"),
        ("e", Some("394612005"), "Urology"),
    ];

    #[test]
    fn a_record_in_english_meets_the_rule_and_is_told_in_its_words() {
        let whole = judged(&ENGLISH, &["a", "b", "c", "d", "e"]);
        assert_eq!((whole.met, whole.of), (5, 5), "four lines and the organ's speciality");
        let alone = judged(&ENGLISH, &["d"]);
        let missing = ["Radiology/Nuklearmedizin", "General pathology", "Radiation oncology", "Urology"];
        assert_eq!(alone.missing, missing, "nobody of this record names nuclear medicine in English");
    }

    #[test]
    fn a_speciality_of_the_rule_that_registers_is_no_line_of_its_own() {
        let oncology = &ENGLISH[..4];
        assert_eq!(judged(oncology, &["a", "b", "c", "d"]).of, 4, "medical oncology stands in the rule");
    }

    #[test]
    fn german_names_count_without_codes() {
        let german = [
            ("a", Some("394649004"), "Nuklearmedizin, PET"),
            ("b", None, "Pathologie"),
            ("c", Some("0900"), "Strahlentherapie"),
            ("d", Some("394593009"), "Onkologie"),
            ("d2", Some("394593009"), "Hämatologie und internistische Onkologie"),
        ];
        let found = judged(&german, &["a", "b", "c"]);
        assert_eq!(found.missing, ["Hämatologie und internistische Onkologie"], "the rule's own name where it is used");
    }
}
