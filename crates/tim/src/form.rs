//! Structured messages: an invitation to a case, a question to its board, a recommendation, a proposed appointment, a
//! document, and answers to them.
//!
//! Each is an `m.room.message` with a readable body; beside it stand the blocks of the TI-Messenger's draft for
//! structured data (`de.gematik.*`) with a FHIR resource, and our own with what the resource cannot say. What is not
//! wholly understood is the text that its body is: nothing here fails.

use crate::case::{CaseLink, is_reference, link_of};
use crate::name::clean;
use crate::person::Person;
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use model::names::MESSAGE;
use ruma::EventId;
use serde_json::{Value, json};

/// The form that this program writes and reads.
const VERSION: u64 = 1;
/// The client-server API ends an event at 65,536 bytes, and what a homeserver adds to it is short.
const LONGEST_EVENT: usize = 96 * 1024;
/// Before encryption, in bytes: base64 makes it a third longer.
const LONGEST_CONTENT: usize = 40_000;
/// A larger resource goes as a file, in bytes.
const LONGEST_RESOURCE: usize = 24_000;
/// Characters of a question at most.
pub(crate) const LONGEST_QUESTION: usize = 4000;
/// A longer appointment is none.
const LONGEST_APPOINTMENT: SignedDuration = SignedDuration::from_hours(31 * 24);
/// FHIR `instant` with a fraction of nine digits.
const LONGEST_INSTANT: usize = 40;

/// A stand-alone event of the draft.
pub(crate) const FHIR_EVENT: &str = "de.gematik.fhir";
const TEXT: &str = "de.gematik.text";
const DEFINITION: &str = "de.gematik.fhir.structure_definition";
const RESOURCE: &str = "de.gematik.fhir.resource";
/// Klinische Dokumentenklassen-Liste.
const KDL: &str = "http://dvmd.de/fhir/CodeSystem/kdl";

/// A structured message as it stands in a conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Structured {
    /// What it is.
    pub form: Form,
    /// The case that it names. Whoever reads it looks the case up in a record of their own.
    pub case: Option<CaseLink>,
    /// Its body, for programs that do not know the form.
    pub text: String,
    /// The newest answer of each person who has answered.
    pub answers: Vec<Answered>,
}

impl std::fmt::Debug for Structured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Structured([not shown])")
    }
}

/// What a structured message is.
#[derive(Clone, PartialEq, Eq)]
pub enum Form {
    /// Somebody is asked to look at the case.
    Invitation,
    /// Something is asked of the case's board.
    Question {
        /// In the sender's words.
        text: String,
    },
    /// A signed decision of the case.
    Recommendation {
        /// Type and id in the case's record: `CarePlan/…`.
        decision: String,
        /// SHA-256 of the signed payload in small hexadecimal digits, as the sender says.
        sha256: String,
    },
    /// A time that is proposed.
    Appointment {
        /// It begins.
        start: Moment,
        /// It ends, later.
        end: Moment,
    },
    /// A document of the case.
    Document {
        /// Cleaned.
        title: Option<String>,
        /// The content, in the same message.
        file: Option<DocumentFile>,
    },
    /// An answer to another message, which is the one that it replies to.
    Answer {
        /// What that one is.
        to: Kind,
        /// What it says.
        answer: Answer,
    },
    /// A newer program wrote it.
    Newer,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Form([not shown])")
    }
}

/// A document of a case that is sent: what is said beside its content.
#[derive(Clone, PartialEq, Eq)]
pub struct NewDocument {
    /// The case. Its number and nobody's name is in `text`.
    pub case: CaseLink,
    /// What the record calls it.
    pub title: String,
    /// Code of the Klinische Dokumentenklassen-Liste.
    pub kdl: Option<String>,
    /// What kind it is, in the record's words, which need not be the list's.
    pub kind: Option<String>,
    /// FHIR `instant`.
    pub date: Option<String>,
    /// For programs that read gematik's draft.
    pub text: String,
}

impl std::fmt::Debug for NewDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewDocument([not shown])")
    }
}

impl NewDocument {
    /// The FHIR R4 resource, for a content of this name, type and length.
    #[must_use]
    pub fn resource(&self, name: &str, mimetype: Option<&str>, size: u64) -> Value {
        let mut attachment = json!({ "title": name, "contentType": mimetype.unwrap_or("application/octet-stream") });
        // FHIR R4 unsignedInt.
        if let Ok(size) = i32::try_from(size) {
            attachment["size"] = json!(size);
        }
        let mut resource = json!({
            "resourceType": "DocumentReference", "status": "current", "description": self.title,
            "content": [{ "attachment": attachment }],
            "context": { "related": [of_case(&self.case)] },
        });
        if let Some(code) = &self.kdl {
            resource["type"]["coding"] = json!([{ "system": KDL, "code": code }]);
        }
        if let Some(kind) = &self.kind {
            resource["type"]["text"] = json!(kind);
        }
        if let Some(date) = &self.date {
            resource["date"] = json!(date);
        }
        resource
    }

    /// What stands beside the content's file in its message.
    pub(crate) fn blocks(&self, name: &str, mimetype: Option<&str>, size: u64) -> Value {
        json!({
            TEXT: [{ "mimetype": "text/plain", "body": self.text }],
            DEFINITION: definition("DocumentReference"),
            RESOURCE: self.resource(name, mimetype, size),
            MESSAGE: {
                "v": VERSION, "kind": Kind::Document.name(),
                "case": { "base": self.case.base, "ref": self.case.reference },
            },
        })
    }
}

/// A file that is the content of a document.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentFile {
    /// Cleaned name.
    pub name: String,
    /// Media type as the sender says.
    pub mimetype: Option<String>,
    /// Bytes as the sender says.
    pub size: Option<u64>,
}

impl std::fmt::Debug for DocumentFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DocumentFile([not shown])")
    }
}

/// The kinds of structured messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Form::Invitation`]
    Invitation,
    /// [`Form::Question`]
    Question,
    /// [`Form::Recommendation`]
    Recommendation,
    /// [`Form::Appointment`]
    Appointment,
    /// [`Form::Document`]
    Document,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Invitation, Self::Question, Self::Recommendation, Self::Appointment, Self::Document];

    fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Question => "question",
            Self::Recommendation => "recommendation",
            Self::Appointment => "appointment",
            Self::Document => "document",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What somebody says to a structured message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Accepted,
    /// No.
    Declined,
    /// Perhaps.
    Tentative,
}

impl Answer {
    const ALL: [Self; 3] = [Self::Accepted, Self::Declined, Self::Tentative];

    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Tentative => "tentative",
        }
    }
}

/// Who has answered, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Who.
    pub by: Person,
    /// What.
    pub answer: Answer,
}

/// A moment and the offset of the clock by which somebody named it (FHIR R4 `instant`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The moment.
    pub at: Timestamp,
    /// Offset from UTC.
    pub offset: Offset,
}

impl Moment {
    /// The moment that a text such as `2026-11-25T15:00:00+01:00` names; none where it names no offset.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST_INSTANT {
            return None;
        }
        let pieces = Pieces::parse(text).ok()?;
        pieces.time()?;
        Some(Self { at: text.parse().ok()?, offset: pieces.to_numeric_offset()? })
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.at.display_with_offset(self.offset))
    }
}

impl Form {
    /// Its kind; an answer has that of what it answers, and what a newer program wrote has none.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Invitation => Some(Kind::Invitation),
            Self::Question { .. } => Some(Kind::Question),
            Self::Recommendation { .. } => Some(Kind::Recommendation),
            Self::Appointment { .. } => Some(Kind::Appointment),
            Self::Document { .. } => Some(Kind::Document),
            Self::Answer { to, .. } => Some(*to),
            Self::Newer => None,
        }
    }

    /// The FHIR R4 resource that says the same, where this program writes one.
    #[must_use]
    pub fn resource(&self, case: Option<&CaseLink>) -> Option<Value> {
        match self {
            Self::Invitation => Some(json!({
                "resourceType": "Task", "status": "requested", "intent": "proposal", "focus": case.map(of_case)?,
            })),
            // Who it is about is found by the case, by whoever may open it (FHIR R4 data-absent-reason: masked).
            Self::Question { text } => Some(json!({
                "resourceType": "ServiceRequest", "status": "active", "intent": "proposal",
                "code": { "coding": [{
                    "system": "http://snomed.info/sct", "code": "720006006",
                    "display": "Cancer care review (procedure)",
                }] },
                "subject": { "extension": [{
                    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked",
                }] },
                "basedOn": [case.map(of_case)?],
                "note": [{ "text": text }],
            })),
            // FHIR R4 Appointment app-1: a participant has a type or an actor.
            Self::Appointment { start, end } => Some(json!({
                "resourceType": "Appointment", "status": "proposed",
                "start": start.to_string(), "end": end.to_string(),
                "participant": [{
                    "type": [{ "coding": [{
                        "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "ATND",
                        "display": "attender",
                    }] }],
                    "status": "needs-action",
                }],
            })),
            Self::Recommendation { .. } | Self::Document { .. } | Self::Answer { .. } | Self::Newer => None,
        }
    }
}

fn of_case(case: &CaseLink) -> Value {
    json!({ "reference": format!("{}/{}", case.base, case.reference) })
}

/// The content of a message; none where it is too large, where a resource cannot stand in it, or where this program does
/// not write such a form.
pub(crate) fn written(form: &Form, case: Option<&CaseLink>, text: &str, answers: Option<&EventId>) -> Option<Value> {
    let mut block = json!({ "v": VERSION, "kind": form.kind()?.name() });
    if let Some(case) = case {
        block["case"] = json!({ "base": case.base, "ref": case.reference });
    }
    let mut content = json!({
        "msgtype": "m.text", "body": text, "m.mentions": {},
        TEXT: [{ "mimetype": "text/plain", "body": text }],
    });
    match form {
        Form::Invitation | Form::Question { .. } | Form::Appointment { .. } => {
            let resource = form.resource(case)?;
            if !may_be_inline(&resource) {
                return None;
            }
            content[DEFINITION] = definition(resource["resourceType"].as_str()?);
            content[RESOURCE] = resource;
        }
        Form::Recommendation { decision, sha256 } => block["decision"] = json!({ "ref": decision, "sha256": sha256 }),
        Form::Answer { answer, .. } => block["answer"] = json!(answer.name()),
        // A document stands beside its file.
        Form::Document { .. } | Form::Newer => return None,
    }
    if let Some(event) = answers {
        content["m.relates_to"] = json!({ "m.in_reply_to": { "event_id": event } });
    }
    content[MESSAGE] = block;
    (content.to_string().len() <= LONGEST_CONTENT).then_some(content)
}

fn definition(kind: &str) -> Value {
    json!({
        "url": format!("http://hl7.org/fhir/StructureDefinition/{kind}"), "version": "4.0.1", "type": kind,
        "fhir_version": "4.0.1", "content": [],
    })
}

/// Canonical JSON has no numbers but whole ones (client-server API, appendix 3.1): anything else cannot be signed.
fn may_be_inline(resource: &Value) -> bool {
    fn whole(value: &Value) -> bool {
        match value {
            Value::Number(number) => !number.is_f64(),
            Value::Array(values) => values.iter().all(whole),
            Value::Object(values) => values.values().all(whole),
            Value::Null | Value::Bool(_) | Value::String(_) => true,
        }
    }
    whole(resource) && resource.to_string().len() <= LONGEST_RESOURCE
}

/// What an event says in a structured form: the form and the case that it names.
pub(crate) fn read(event: &str) -> Option<(Form, Option<CaseLink>)> {
    if event.len() > LONGEST_EVENT || !event.contains(MESSAGE) {
        return None;
    }
    let event: Value = serde_json::from_str(event).ok()?;
    let content = &event["content"];
    let block = content.get(MESSAGE)?;
    match block["v"].as_u64() {
        Some(VERSION) => {}
        Some(version) if version > VERSION => return Some((Form::Newer, None)),
        Some(_) | None => return None,
    }
    let case = match block.get("case") {
        Some(case) => Some(link_of(case)?),
        None => None,
    };
    let kind = Kind::of(block["kind"].as_str()?)?;
    if let Some(answer) = block.get("answer") {
        let answer = Answer::ALL.into_iter().find(|known| answer == known.name())?;
        return Some((Form::Answer { to: kind, answer }, case));
    }
    // Without a case only an appointment has a meaning.
    if case.is_none() && kind != Kind::Appointment {
        return None;
    }
    let resource = &content[RESOURCE];
    if !may_be_inline(resource) {
        return None;
    }
    let is = |kind: &str| resource["resourceType"] == kind;
    let form = match kind {
        Kind::Invitation => Form::Invitation,
        Kind::Question if is("ServiceRequest") => {
            let text = resource["note"][0]["text"].as_str()?.trim();
            let fits = !text.is_empty() && text.chars().count() <= LONGEST_QUESTION;
            fits.then(|| Form::Question { text: text.to_owned() })?
        }
        Kind::Recommendation => {
            let (decision, sha256) = (block["decision"]["ref"].as_str()?, block["decision"]["sha256"].as_str()?);
            let digest = sha256.len() == 64 && sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let plan = decision.starts_with("CarePlan/") && is_reference(decision);
            (digest && plan)
                .then(|| Form::Recommendation { decision: decision.to_owned(), sha256: sha256.to_owned() })?
        }
        Kind::Appointment if is("Appointment") && resource["status"] == "proposed" => {
            let (start, end) = (Moment::parse(resource["start"].as_str()?)?, Moment::parse(resource["end"].as_str()?)?);
            let long = end.at.duration_since(start.at);
            (SignedDuration::ZERO < long && long <= LONGEST_APPOINTMENT).then_some(Form::Appointment { start, end })?
        }
        Kind::Document if is("DocumentReference") => {
            let said = [&resource["description"], &resource["content"][0]["attachment"]["title"]];
            let title = said.iter().find_map(|title| title.as_str()).map(clean).filter(|title| !title.is_empty());
            Form::Document { title, file: None }
        }
        Kind::Question | Kind::Appointment | Kind::Document => return None,
    };
    Some((form, case))
}

/// The text of a stand-alone event of the draft.
pub(crate) fn text_of_fhir(event: &str) -> Option<String> {
    if event.len() > LONGEST_EVENT {
        return None;
    }
    let event: Value = serde_json::from_str(event).ok()?;
    let texts = event["content"].get(TEXT)?.as_array()?;
    let plain = texts.iter().find(|text| text["mimetype"] == "text/plain")?;
    plain["body"].as_str().filter(|body| !body.trim().is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{Answer, Form, Kind, LONGEST_QUESTION, Moment, NewDocument, read, text_of_fhir, written};
    use crate::case::CaseLink;
    use serde_json::{Value, json};

    const TEXT: &str = "Terminvorschlag: 25.11.2026, 15:00 bis 15:40.";

    fn case() -> CaseLink {
        CaseLink {
            base: "https://fhir.eschenland.example/fhir".to_owned(),
            reference: "ServiceRequest/sr-0417".to_owned(),
            number: None,
        }
    }

    fn moment(text: &str) -> Moment {
        Moment::parse(text).expect("a moment")
    }

    fn appointment() -> Form {
        Form::Appointment { start: moment("2026-11-25T15:00:00+01:00"), end: moment("2026-11-25T15:40:00+01:00") }
    }

    fn forms() -> [Form; 5] {
        [
            Form::Invitation,
            Form::Question { text: "Operation oder Bestrahlung?\nDie Lunge ist knapp.".to_owned() },
            Form::Recommendation { decision: "CarePlan/dec-1".to_owned(), sha256: "0f".repeat(32) },
            appointment(),
            Form::Answer { to: Kind::Appointment, answer: Answer::Tentative },
        ]
    }

    fn event(content: &Value) -> String {
        json!({ "type": "m.room.message", "content": content }).to_string()
    }

    #[test]
    fn an_appointment_is_written_as_it_is_agreed() {
        let content = written(&appointment(), Some(&case()), TEXT, None).expect("it is short");
        let expected = json!({
            "msgtype": "m.text", "body": TEXT, "m.mentions": {},
            "de.gematik.text": [{ "mimetype": "text/plain", "body": TEXT }],
            "de.gematik.fhir.structure_definition": {
                "url": "http://hl7.org/fhir/StructureDefinition/Appointment", "version": "4.0.1",
                "type": "Appointment", "fhir_version": "4.0.1", "content": [],
            },
            "de.gematik.fhir.resource": {
                "resourceType": "Appointment", "status": "proposed",
                "start": "2026-11-25T15:00:00+01:00", "end": "2026-11-25T15:40:00+01:00",
                "participant": [{
                    "type": [{ "coding": [{
                        "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "ATND",
                        "display": "attender",
                    }] }],
                    "status": "needs-action",
                }],
            },
            "de.konsil.message": {
                "v": 1, "kind": "appointment",
                "case": { "base": "https://fhir.eschenland.example/fhir", "ref": "ServiceRequest/sr-0417" },
            },
        });
        assert_eq!(content, expected, "the form that is agreed");
    }

    #[test]
    fn what_is_written_is_read_again() {
        for form in forms() {
            let content = written(&form, Some(&case()), TEXT, None).expect("it is short");
            assert!(read(&event(&content)) == Some((form, Some(case()))), "{content}");
        }
        let alone = written(&appointment(), None, TEXT, None).expect("it is short");
        assert!(read(&event(&alone)) == Some((appointment(), None)), "an appointment needs no case");
        let reply = ruma::event_id!("$question");
        let content = written(&forms()[4], None, "Zugesagt", Some(reply)).expect("it is short");
        assert_eq!(content["m.relates_to"], json!({ "m.in_reply_to": { "event_id": "$question" } }), "a reply");
    }

    #[test]
    fn a_document_stands_beside_its_file_and_is_read_again() {
        let document = NewDocument {
            case: case(),
            title: "Koloskopie".to_owned(),
            kdl: Some("AU050102".to_owned()),
            kind: Some("Endoskopiebefund".to_owned()),
            date: Some("2026-11-12T09:30:00+01:00".to_owned()),
            text: "Endoskopiebefund zu Fall K-2026-0417.".to_owned(),
        };
        let mut content = json!({ "msgtype": "m.file", "body": "Endoskopiebefund-2026-11-12.pdf" });
        let blocks = document.blocks("Endoskopiebefund-2026-11-12.pdf", Some("application/pdf"), 48_213);
        content.as_object_mut().expect("one").extend(blocks.as_object().expect("one").clone());
        let resource = &content["de.gematik.fhir.resource"];
        assert_eq!(resource["content"][0]["attachment"]["size"], 48_213, "whole numbers only");
        assert_eq!(resource["subject"], Value::Null, "nobody");
        let read = read(&event(&content));
        let form = Form::Document { title: Some("Koloskopie".to_owned()), file: None };
        assert!(read == Some((form, Some(case()))), "its file is the message's");
    }

    #[test]
    fn a_resource_names_its_case_and_nobody() {
        let whole = "https://fhir.eschenland.example/fhir/ServiceRequest/sr-0417";
        let task = Form::Invitation.resource(Some(&case())).expect("it has one");
        assert_eq!((&task["status"], &task["intent"]), (&json!("requested"), &json!("proposal")), "as it is agreed");
        assert_eq!(task["focus"]["reference"], whole, "the case");
        let asked = forms()[1].resource(Some(&case())).expect("it has one");
        assert_eq!(asked["code"]["coding"][0]["code"], "720006006", "SNOMED CT: cancer care review");
        assert_eq!(asked["basedOn"][0]["reference"], whole, "the case");
        assert_eq!(asked["subject"]["reference"], Value::Null, "nobody");
        assert_eq!(Form::Invitation.resource(None), None, "there is nothing to invite to");
    }

    #[test]
    fn a_newer_form_is_told_apart_and_keys_that_are_not_known_do_not_matter() {
        let mut content = written(&appointment(), Some(&case()), TEXT, None).expect("it is short");
        content["de.konsil.message"]["later"] = json!([{ "a": 1.5 }]);
        assert!(read(&event(&content)) == Some((appointment(), Some(case()))), "a new key is passed over");
        content["de.konsil.message"]["v"] = json!(2);
        assert!(read(&event(&content)) == Some((Form::Newer, None)), "a newer form is not guessed at");
    }

    #[test]
    fn what_is_not_wholly_understood_is_a_text() {
        type Change = fn(&mut Value);
        let odd: [(&str, usize, Change); 18] = [
            ("no version", 3, |c| c["de.konsil.message"]["v"] = json!("1")),
            ("version zero", 3, |c| c["de.konsil.message"]["v"] = json!(0)),
            ("another kind", 3, |c| c["de.konsil.message"]["kind"] = json!("party")),
            ("a block that is none", 3, |c| c["de.konsil.message"] = json!("appointment")),
            ("a case that is no address", 3, |c| c["de.konsil.message"]["case"]["base"] = json!("javascript:x")),
            ("a case that is none", 3, |c| c["de.konsil.message"]["case"] = Value::Null),
            ("no resource", 3, |c| c["de.gematik.fhir.resource"] = Value::Null),
            ("another resource", 3, |c| c["de.gematik.fhir.resource"]["resourceType"] = json!("Patient")),
            ("a time without an offset", 3, |c| c["de.gematik.fhir.resource"]["start"] = json!("2026-11-25T15:00:00")),
            ("a day", 3, |c| c["de.gematik.fhir.resource"]["start"] = json!("2026-11-25")),
            ("an end before its beginning", 3, |c| {
                c["de.gematik.fhir.resource"]["end"] = json!("2026-11-25T14:59:00+01:00");
            }),
            ("a year of waiting", 3, |c| c["de.gematik.fhir.resource"]["end"] = json!("2027-11-25T15:00:00+01:00")),
            ("a number that cannot be signed", 3, |c| c["de.gematik.fhir.resource"]["priority"] = json!(1.5)),
            ("a resource that is too large", 3, |c| {
                c["de.gematik.fhir.resource"]["comment"] = json!("x".repeat(24_000))
            }),
            ("a question without words", 1, |c| c["de.gematik.fhir.resource"]["note"] = json!([])),
            ("a question without an end", 1, |c| {
                c["de.gematik.fhir.resource"]["note"][0]["text"] = json!("x".repeat(LONGEST_QUESTION + 1));
            }),
            ("a digest that is none", 2, |c| c["de.konsil.message"]["decision"]["sha256"] = json!("0F".repeat(32))),
            ("an answer that is none", 4, |c| c["de.konsil.message"]["answer"] = json!("perhaps")),
        ];
        for (what, which, change) in odd {
            let mut content = written(&forms()[which], Some(&case()), TEXT, None).expect("it is short");
            assert!(read(&event(&content)).is_some(), "before: {what}");
            change(&mut content);
            assert!(read(&event(&content)).is_none(), "{what}");
        }
        for reference in ["CarePlan", "CarePlan/", "CarePlan/../Patient/1", "Patient/1"] {
            let mut content = written(&forms()[2], Some(&case()), TEXT, None).expect("it is short");
            content["de.konsil.message"]["decision"]["ref"] = json!(reference);
            assert!(read(&event(&content)).is_none(), "{reference}");
        }
        assert!(read("").is_none() && read("de.konsil.message").is_none(), "no event");
        let mut huge = written(&appointment(), None, TEXT, None).expect("it is short");
        huge["body"] = json!("x".repeat(100 * 1024));
        assert!(read(&event(&huge)).is_none(), "longer than an event may be");
        assert!(written(&Form::Question { text: "\u{1}".repeat(3800) }, Some(&case()), "x", None).is_some(), "it fits");
        assert!(written(&Form::Question { text: "\u{1}".repeat(4000) }, Some(&case()), "x", None).is_none(), "24 kB");
    }

    #[test]
    fn a_document_has_a_title_without_tricks() {
        let content = json!({
            "de.gematik.fhir.resource": { "resourceType": "DocumentReference", "status": "current",
                "description": "Befund\u{202E}fdp\n" },
            "de.konsil.message": { "v": 1, "kind": "document", "case": {
                "base": "https://fhir.eschenland.example/fhir", "ref": "ServiceRequest/sr-0417" } },
        });
        let expected = Form::Document { title: Some("Befundfdp".to_owned()), file: None };
        assert!(read(&event(&content)) == Some((expected, Some(case()))), "cleaned");
    }

    #[test]
    fn a_stand_alone_event_is_its_plain_text() {
        let with = |texts: Value| event(&json!({ "de.gematik.text": texts }));
        let html = json!({ "mimetype": "text/html", "body": "<b>x</b>" });
        let plain = json!({ "mimetype": "text/plain", "body": "Rezept" });
        assert_eq!(text_of_fhir(&with(json!([html, plain]))).as_deref(), Some("Rezept"), "the plain one");
        for texts in [json!([html]), json!([]), json!("Rezept"), json!([{ "mimetype": "text/plain", "body": " " }])] {
            assert_eq!(text_of_fhir(&with(texts)), None, "there is none");
        }
    }

    #[test]
    fn a_moment_keeps_the_clock_by_which_it_was_named() {
        assert_eq!(moment("2026-11-25T15:00:00+01:00").to_string(), "2026-11-25T15:00:00+01:00", "as it was named");
        assert_eq!(moment("2026-11-25T14:00:00Z").at, moment("2026-11-25T15:00:00+01:00").at, "the same moment");
        for text in ["", "15:00", "2026-11-25T15:00:00", "2026-13-25T15:00:00Z", "x"] {
            assert!(Moment::parse(text).is_none(), "{text}");
        }
    }

    /// xorshift64 (Marsaglia 2003): a fixed row of numbers.
    struct Row(u64);

    impl Row {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % (end as u64)).expect("it is below a usize")
        }
    }

    /// Puts something else at some place of a value.
    fn mutate(value: &mut Value, row: &mut Row) {
        let strange = [
            Value::Null,
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
            json!(""),
            json!("\u{202E}\u{0}"),
            json!([[[[]]]]),
            json!({ "": {} }),
            json!("9999-12-31T23:59:59.999999999+14:00"),
            json!("-009999-01-01T00:00:00-23:59"),
            json!("CarePlan/../x"),
        ];
        let children = match value {
            Value::Array(values) => values.iter_mut().collect::<Vec<_>>(),
            Value::Object(values) => values.values_mut().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        if children.is_empty() || row.below(4) == 0 {
            *value = strange[row.below(strange.len())].clone();
            return;
        }
        let chosen = row.below(children.len());
        if let Some(child) = children.into_iter().nth(chosen) {
            mutate(child, row);
        }
    }

    #[test]
    fn no_event_breaks_the_reader() {
        let mut row = Row(0x5EED_0417);
        let (mut texts, mut cards) = (0, 0);
        for round in 0..6000 {
            let form = forms()[round % 5].clone();
            let mut content = written(&form, Some(&case()), TEXT, None).expect("it is short");
            for _ in 0..=row.below(3) {
                mutate(&mut content, &mut row);
            }
            let mut text = event(&content).into_bytes();
            if row.below(3) == 0 {
                let at = row.below(text.len());
                text[at] = u8::try_from(row.below(256)).expect("a byte");
            }
            let text = String::from_utf8_lossy(&text);
            match read(&text) {
                Some((Form::Question { text }, _)) => assert!(text.len() <= 4 * LONGEST_QUESTION, "bounded"),
                Some((Form::Appointment { start, end }, _)) => assert!(start.at < end.at, "in order"),
                Some((Form::Recommendation { sha256, .. }, _)) => assert_eq!(sha256.len(), 64, "a digest"),
                Some((Form::Invitation, case)) => assert!(case.is_some(), "to a case"),
                Some((Form::Document { .. } | Form::Answer { .. } | Form::Newer, _)) => {}
                None => texts += 1,
            }
            cards += usize::from(read(&text).is_some());
            let _text = text_of_fhir(&text);
        }
        assert!(texts > 1000 && cards > 1000, "both happen: {texts} and {cards}");
    }
}
