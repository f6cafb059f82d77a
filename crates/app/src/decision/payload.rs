//! [`Payload`]: the signed content `konsil-beschluss/1`, independent of how a server writes FHIR.

use super::codes::{Category, MeasureCode, Outcome};
use super::draft::{Draft, Quorum};
use contract::PayloadLineView;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// Name and version of the schema.
pub(super) const SCHEMA: &str = "konsil-beschluss/1";

/// What surrounds a decision and nobody types: whose it is, of which board, on which day.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// FHIR id of the CarePlan; with the revision it is the decision's name in the payload.
    pub id: String,
    /// Business identifier of the decision, by which a repeated creation is recognized.
    pub identifier: String,
    /// Whose decision.
    pub patient: RecordPatient,
    /// Of which board.
    pub board: Board,
    /// When the case was called, ISO 8601 in UTC.
    pub start: Option<String>,
    /// When it ended.
    pub end: Option<String>,
    /// Date of the conference (oBDS 18.1), `YYYY-MM-DD`.
    pub created: String,
    /// What it is about.
    pub diagnosis: Diagnosis,
    /// Everybody whom the draft can name.
    pub people: Vec<Person>,
    /// What the rule says of those present.
    pub quorum: Quorum,
    /// PractitionerRole id of the moderator.
    pub author: String,
    /// FHIR id of the Encounter that holds the attendance.
    pub encounter: Option<String>,
    /// References on which the decision rests, such as `ServiceRequest/reg-1`, `Observation/tnm-1`.
    pub evidence: Vec<String>,
}

/// The patient as the record says.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordPatient {
    /// FHIR id.
    pub id: String,
    /// Number of the statutory health insurance.
    pub kvnr: Option<String>,
    /// Family name.
    pub family: String,
    /// Given names.
    pub given: String,
    /// `YYYY-MM-DD`.
    pub birth_date: Option<String>,
}

/// A person who can take part.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// PractitionerRole id.
    pub role: String,
    /// "Dr. med. Amina Falkenried".
    pub name: String,
    /// In the record's words.
    pub specialty: Option<String>,
}

/// The board and its session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// HealthcareService id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Appointment id of the session.
    pub session: Option<String>,
}

/// The diagnosis.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnosis {
    /// Condition id.
    pub condition: Option<String>,
    /// ICD-10-GM code.
    pub icd10gm: Option<String>,
    /// In words.
    pub text: String,
}

/// Which version of a decision is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// 1, 2, …
    pub number: u32,
    /// SHA-256 of the former payload in hexadecimal; absent for the first.
    pub replaces: Option<String>,
}

impl Revision {
    /// The first version of a decision.
    #[must_use]
    pub const fn first() -> Self {
        Self { number: 1, replaces: None }
    }

    /// The version after `former`.
    #[must_use]
    pub fn after(former: &Payload) -> Self {
        Self { number: former.revision.saturating_add(1), replaces: Some(former.sha256()) }
    }
}

/// The signed content. Every element is shown before signing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Payload {
    schema: String,
    /// CarePlan id.
    pub id: String,
    /// 1, 2, …
    pub revision: u32,
    /// SHA-256 of the former payload.
    pub replaces: Option<String>,
    /// Why it was amended.
    pub reason: Option<String>,
    /// Whose.
    pub patient: PayloadPatient,
    /// Of which board.
    pub board: Board,
    /// When the case was discussed.
    pub case: PayloadCase,
    /// Date of the conference.
    pub created: String,
    /// Kind of the conference.
    pub category: Category,
    /// About what.
    pub diagnosis: Diagnosis,
    /// The question.
    pub question: String,
    /// The decision's text.
    pub text: String,
    /// At most three lines.
    pub findings: Vec<String>,
    /// Measures in order.
    pub activities: Vec<PayloadActivity>,
    /// Those present, in order.
    pub participants: Vec<Person>,
    /// Whether the rule was met.
    pub quorum: PayloadQuorum,
    /// How it was decided.
    pub vote: PayloadVote,
    /// Dissents.
    pub dissent: Vec<PayloadDissent>,
    /// Texts of the open points.
    pub open_points: Vec<String>,
}

/// The patient in a payload.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PayloadPatient {
    /// Number of the statutory health insurance.
    pub kvnr: Option<String>,
    /// Family name.
    pub family: String,
    /// Given names.
    pub given: String,
    /// Date of birth.
    pub birth_date: Option<String>,
}

/// Start and end of the case in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadCase {
    /// When it was called.
    pub start: Option<String>,
    /// When it ended.
    pub end: Option<String>,
}

/// A measure in a payload. Its state is outside of what is signed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadActivity {
    /// oBDS 19.1.
    pub code: MeasureCode,
    /// In words.
    pub text: String,
    /// PractitionerRole id.
    pub responsible: Option<String>,
}

/// The quorum in a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadQuorum {
    /// Whether it was met.
    pub met: bool,
    /// By which rule.
    pub rule: Option<String>,
}

/// The vote in a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadVote {
    /// Consensus or majority.
    pub kind: Outcome,
    /// For.
    pub agree: u32,
    /// Against.
    pub disagree: u32,
    /// Neither.
    pub abstain: u32,
}

/// A dissent in a payload.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadDissent {
    /// PractitionerRole id.
    pub role: String,
    /// In the person's words.
    pub text: String,
}

/// What a draft lacks for becoming a payload.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Incomplete {
    /// A field without which there is no payload.
    #[error("{0} is missing")]
    Field(&'static str),
    /// Somebody is named whom the setting does not know; the role id is ours.
    #[error("nobody is known as {0}")]
    Person(String),
}

/// Why a text is no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// No JSON, or elements are missing, unknown or of another type.
    #[error("it is no payload of the schema")]
    Schema,
    /// Another schema or a newer version.
    #[error("it is of another schema")]
    OtherSchema,
    /// Not the canonical form: other order, spaces, escapes or another Unicode form.
    #[error("it is not in canonical form")]
    NotCanonical,
}

impl Payload {
    /// The payload of a draft.
    ///
    /// # Errors
    /// [`Incomplete`] when the draft cannot be signed as it is; [`super::missing`] says it in the page's words.
    pub fn build(draft: &Draft, setting: &Setting, revision: &Revision) -> Result<Self, Incomplete> {
        let kind = draft.outcome.ok_or(Incomplete::Field("outcome"))?;
        let vote = draft.effective_vote().ok_or(Incomplete::Field("vote"))?;
        let activities = draft
            .measures
            .iter()
            .map(|measure| {
                Ok(PayloadActivity {
                    code: measure.code.ok_or(Incomplete::Field("measure-code"))?,
                    text: clean(&measure.text),
                    responsible: measure.responsible.clone(),
                })
            })
            .collect::<Result<_, Incomplete>>()?;
        let participants = draft
            .present
            .iter()
            .map(|role| {
                let person = setting.people.iter().find(|person| person.role == *role);
                person.cloned().ok_or_else(|| Incomplete::Person(role.clone()))
            })
            .collect::<Result<_, _>>()?;
        let amended = revision.number > 1;
        let payload = Self {
            schema: SCHEMA.to_owned(),
            id: setting.id.clone(),
            revision: revision.number,
            replaces: revision.replaces.clone(),
            reason: amended.then(|| clean(&draft.amendment_reason)),
            patient: PayloadPatient {
                kvnr: setting.patient.kvnr.clone(),
                family: setting.patient.family.clone(),
                given: setting.patient.given.clone(),
                birth_date: setting.patient.birth_date.clone(),
            },
            board: setting.board.clone(),
            case: PayloadCase { start: setting.start.clone(), end: setting.end.clone() },
            created: setting.created.clone(),
            category: draft.category.ok_or(Incomplete::Field("category"))?,
            diagnosis: setting.diagnosis.clone(),
            question: clean(&draft.question),
            text: clean(&draft.text),
            findings: draft.findings.iter().map(|line| clean(line)).filter(|line| !line.is_empty()).collect(),
            activities,
            participants,
            quorum: PayloadQuorum { met: setting.quorum.is_met(), rule: setting.quorum.rule.clone() },
            vote: PayloadVote { kind, agree: vote.agree, disagree: vote.disagree, abstain: vote.abstain },
            dissent: draft
                .dissent
                .iter()
                .map(|dissent| PayloadDissent { role: dissent.role.clone(), text: clean(&dissent.text) })
                .collect(),
            open_points: draft.open_points.iter().map(|point| clean(&point.text)).collect(),
        };
        Ok(payload.normalized())
    }

    /// Reads a stored payload. Only the canonical form is accepted, so that what is shown is what was signed.
    ///
    /// # Errors
    /// [`PayloadError`] when it is none.
    pub fn parse(canonical: &str) -> Result<Self, PayloadError> {
        let value: Value = serde_json::from_str(canonical).map_err(|_why| PayloadError::Schema)?;
        if value.get("schema").and_then(Value::as_str) != Some(SCHEMA) {
            return Err(PayloadError::OtherSchema);
        }
        let payload: Self = serde_json::from_value(value).map_err(|_why| PayloadError::Schema)?;
        if payload.canonical() == canonical { Ok(payload) } else { Err(PayloadError::NotCanonical) }
    }

    /// Canonical JSON (RFC 8785) of the payload in Unicode normalization form C.
    #[must_use]
    pub fn canonical(&self) -> String {
        serde_json_canonicalizer::to_string(&self.normalized_value())
            .expect("strings, integers, booleans and null always have a canonical form")
    }

    /// SHA-256 of [`Payload::canonical`] in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        sha256_hex(self.canonical().as_bytes())
    }

    /// Every element as path and value, for showing what will be signed: `patient.family`, `activities.0.text`.
    /// An empty list is one line with an empty value, so that "no dissent" is seen too; `null` is an empty value.
    #[must_use]
    pub fn lines(&self) -> Vec<PayloadLineView> {
        let mut lines = Vec::new();
        let value = self.normalized_value();
        for name in ELEMENTS {
            flatten(name, &value[name], &mut lines);
        }
        lines
    }

    /// The elements in which another payload says something else, in the order in which a person reads them.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (here, there) = (self.normalized_value(), other.normalized_value());
        ELEMENTS.into_iter().filter(|name| here[*name] != there[*name]).map(str::to_owned).collect()
    }

    fn normalized(&self) -> Self {
        serde_json::from_value(self.normalized_value()).expect("normalization changes no structure")
    }

    fn normalized_value(&self) -> Value {
        let mut value = serde_json::to_value(self).expect("a payload is plain data with text keys");
        normalize(&mut value);
        value
    }
}

// The order in which a person reads it.
const ELEMENTS: [&str; 20] = [
    "schema",
    "id",
    "revision",
    "replaces",
    "reason",
    "patient",
    "board",
    "case",
    "created",
    "category",
    "diagnosis",
    "question",
    "findings",
    "text",
    "activities",
    "participants",
    "quorum",
    "vote",
    "dissent",
    "openPoints",
];

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

// FHIR has no strings of spaces (R4 §2.24.0.1), so a payload with outer spaces could never match its record.
fn clean(text: &str) -> String {
    text.trim().to_owned()
}

fn flatten(path: &str, value: &Value, lines: &mut Vec<PayloadLineView>) {
    let mut line = |value: String| lines.push(PayloadLineView { path: path.to_owned(), value });
    match value {
        Value::Null => line(String::new()),
        Value::Bool(value) => line(value.to_string()),
        Value::Number(value) => line(value.to_string()),
        Value::String(value) => line(value.clone()),
        Value::Array(items) if items.is_empty() => line(String::new()),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                flatten(&format!("{path}.{n}"), item, lines);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                flatten(&format!("{path}.{name}"), field, lines);
            }
        }
    }
}

fn normalize(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.nfc().collect(),
        Value::Array(items) => items.iter_mut().for_each(normalize),
        Value::Object(fields) => fields.values_mut().for_each(normalize),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

macro_rules! redacted {
    ($($name:ident),+) => {
        $(
            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(concat!(stringify!($name), " [not shown]"))
                }
            }
        )+
    };
}
redacted!(Setting, RecordPatient, Person, Board, Diagnosis, Payload, PayloadPatient, PayloadActivity, PayloadDissent);

#[cfg(test)]
mod tests {
    use super::super::examples::{auenwald, auenwald_setting, vector};
    use super::{Incomplete, Payload, PayloadError, Revision, sha256_hex};

    #[test]
    fn the_vector_s_payload_has_the_vector_s_canonical_form_and_hash() {
        let vector = vector();
        let payload: Payload = serde_json::from_value(vector["payload"].clone()).expect("the schema fits");
        assert_eq!(payload.canonical(), vector["canonical_utf8"].as_str().expect("text"), "RFC 8785");
        assert_eq!(payload.sha256(), vector["sha256_hex"].as_str().expect("text"), "SHA-256");
    }

    #[test]
    fn the_draft_of_the_first_case_gives_the_vector_s_payload() {
        let built = Payload::build(&auenwald(), &auenwald_setting(), &Revision::first()).expect("it is complete");
        assert_eq!(built.canonical(), vector()["canonical_utf8"].as_str().expect("text"), "element by element");
        let back = Payload::parse(&built.canonical()).expect("it is canonical");
        assert!(back == built, "a stored payload reads as it was built");
    }

    #[test]
    fn text_is_normalized_before_it_is_signed() {
        let mut decomposed = auenwald();
        decomposed.text = decomposed.text.replace('ä', "a\u{308}").replace('ü', "u\u{308}");
        assert!(decomposed.text != auenwald().text, "the two differ in their Unicode form");
        let build = |draft| Payload::build(draft, &auenwald_setting(), &Revision::first()).expect("it is complete");
        assert_eq!(build(&decomposed).canonical(), build(&auenwald()).canonical(), "form C is what is signed");
    }

    #[test]
    fn only_the_canonical_form_of_the_schema_is_read() {
        let canonical = vector()["canonical_utf8"].as_str().expect("text").to_owned();
        for (text, expected) in [
            (canonical.replacen("{\"activities\"", "{ \"activities\"", 1), PayloadError::NotCanonical),
            (canonical.replace('ö', "\\u00f6"), PayloadError::NotCanonical),
            (canonical.replace('ö', "o\u{308}"), PayloadError::NotCanonical),
            (canonical.replace("konsil-beschluss/1", "konsil-beschluss/2"), PayloadError::OtherSchema),
            (canonical.replacen("{\"activities\"", "{\"more\":1,\"activities\"", 1), PayloadError::Schema),
            (canonical.replace("\"category\":\"praeth\"", "\"category\":\"ther\""), PayloadError::Schema),
            (canonical[1..].to_owned(), PayloadError::Schema),
        ] {
            assert_eq!(Payload::parse(&text).err(), Some(expected), "{}", &text[..40]);
        }
        assert!(Payload::parse(&canonical).is_ok(), "the canonical form itself is read");
    }

    #[test]
    fn an_amendment_names_what_it_replaces_and_why() {
        let first = Payload::build(&auenwald(), &auenwald_setting(), &Revision::first()).expect("it is complete");
        let mut draft = auenwald();
        draft.amendment_reason = "Dosis ergänzt".to_owned();
        let second = Payload::build(&draft, &auenwald_setting(), &Revision::after(&first)).expect("it is complete");
        assert_eq!(second.revision, 2, "the second version");
        assert_eq!(second.replaces.as_deref(), vector()["sha256_hex"].as_str(), "the hash of the first");
        assert_eq!(second.reason.as_deref(), Some("Dosis ergänzt"), "and the reason");
    }

    #[test]
    fn the_elements_in_which_two_payloads_differ_are_named() {
        let build = |change: fn(&mut super::Draft, &mut super::Setting)| {
            let (mut draft, mut setting) = (auenwald(), auenwald_setting());
            change(&mut draft, &mut setting);
            Payload::build(&draft, &setting, &Revision::first()).expect("it is complete")
        };
        let payload = build(|_, _| {});
        assert_eq!(payload.differences(&payload), [""; 0], "the same payload");
        let other = build(|draft, setting| {
            setting.patient.birth_date = Some("1955-03-14".to_owned());
            draft.measures[0].text.push('!');
        });
        assert_eq!(payload.differences(&other), ["patient", "activities"], "each element once");
    }

    #[test]
    fn what_is_incomplete_has_no_payload() {
        let build = |change: fn(&mut super::Draft)| {
            let mut draft = auenwald();
            change(&mut draft);
            Payload::build(&draft, &auenwald_setting(), &Revision::first()).err()
        };
        assert_eq!(build(|d| d.category = None), Some(Incomplete::Field("category")), "no category");
        assert_eq!(build(|d| d.measures[1].code = None), Some(Incomplete::Field("measure-code")), "no code");
        let stranger = Some(Incomplete::Person("dr-unbekannt".to_owned()));
        assert_eq!(build(|d| d.present.push("dr-unbekannt".to_owned())), stranger, "nobody knows this person");
    }

    #[test]
    fn every_element_is_shown_once() {
        let payload = Payload::build(&auenwald(), &auenwald_setting(), &Revision::first()).expect("it is complete");
        let lines = payload.lines();
        let value = |path: &str| {
            let found: Vec<_> = lines.iter().filter(|line| line.path == path).map(|line| line.value.clone()).collect();
            assert_eq!(found.len(), 1, "{path} has one line");
            found[0].clone()
        };
        assert_eq!(value("patient.family"), "Auenwald", "a nested element");
        assert_eq!(value("activities.2.code"), "IM", "an element of a list");
        assert_eq!(value("quorum.met"), "true", "a boolean");
        assert_eq!(value("dissent"), "", "an empty list is shown as empty");
        assert_eq!(value("replaces"), "", "null is shown as empty");
        let leaves = payload.canonical().matches("\":").count() + payload.findings.len() + payload.open_points.len();
        assert!(lines.len() > 50 && lines.len() < leaves, "{} lines", lines.len());
    }

    #[test]
    fn sha_256_is_the_standard_s() {
        // FIPS 180-4, example "abc".
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), expected, "the published digest");
    }
}
