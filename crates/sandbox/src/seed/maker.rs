//! Collects resources and knows the recipe's conventions: relative days, texts with days in them,
//! codings, references and UIDs.

use super::{Language, Plan};
use crate::clock::berlin;
use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Span};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Base of the oncology module's canonical addresses.
pub(super) const ONKO: &str = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/";
pub(super) const SCT: &str = "http://snomed.info/sct";
pub(super) const LNC: &str = "http://loinc.org";
pub(super) const UCUM: &str = "http://unitsofmeasure.org";
pub(super) const TNM: &str = "https://www.uicc.org/resources/tnm";
pub(super) const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";

/// Resources under way.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) today: Date,
    pub(super) board: DateTime,
    pub(super) language: Language,
    pub(super) out: Vec<Value>,
}

impl Maker {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { today: plan.today, board: plan.board, language: plan.language, out: Vec::new() }
    }

    /// Key of a text in the plan's language.
    pub(super) fn lang(&self) -> &'static str {
        match self.language {
            Language::German => "de",
            Language::English => "en",
        }
    }

    /// The text of `{de, en}` in the plan's language.
    pub(super) fn said(&self, texts: &Value) -> String {
        text(&texts[self.lang()])
    }

    fn date(&self, day: i64) -> Date {
        self.today.saturating_add(Span::new().days(day))
    }

    /// Day `d` as a FHIR date.
    pub(super) fn day(&self, d: &Value) -> String {
        self.date(d.as_i64().expect("the recipe's days are whole")).to_string()
    }

    /// Day `d` at local time `t` as a FHIR dateTime; `live` is nine minutes into the board.
    pub(super) fn at(&self, d: &Value, t: &str) -> String {
        if t == "live" {
            return self.minute(9);
        }
        let time: Time = t.parse().expect("the recipe's times are HH:MM");
        iso(self.date(d.as_i64().expect("the recipe's days are whole")).to_datetime(time))
    }

    /// So many minutes after the board's start.
    pub(super) fn minute(&self, minutes: i64) -> String {
        let start = self.board.to_zoned(berlin()).expect("the board's time is in the calendar");
        let at = start.saturating_add(SignedDuration::from_mins(minutes));
        at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// Replaces `{d:-25}` by that day as the reader writes dates.
    pub(super) fn dated(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{d:") {
            out.push_str(before);
            let Some((day, tail)) = after.split_once('}') else {
                out.push_str("{d:");
                rest = after;
                continue;
            };
            let form = match self.language {
                Language::German => "%d.%m.%Y",
                Language::English => "%d %b %Y",
            };
            let day = self.date(day.parse().expect("the recipe's days are whole"));
            out.push_str(&day.strftime(form).to_string());
            rest = tail;
        }
        out.push_str(rest);
        out
    }

    /// Adds a resource; members that are null, empty objects or empty lists are left out.
    pub(super) fn put(&mut self, kind: &str, id: &str, body: Value) {
        let mut resource = Map::new();
        resource.insert("resourceType".to_owned(), json!(kind));
        resource.insert("id".to_owned(), json!(id));
        if let Value::Object(members) = body {
            resource.extend(members.into_iter().filter(|(_, value)| !is_empty(value)));
        }
        self.out.push(Value::Object(resource));
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

fn iso(local: DateTime) -> String {
    let zoned = local.to_zoned(berlin()).expect("the recipe's times are in the calendar");
    zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// The string of a value, or nothing.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The entries of a list, or none.
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A Coding; `display` and `version` only when given.
pub(super) fn coding(system: &str, code: &str, display: Option<&str>, version: Option<&str>) -> Value {
    let mut coding = json!({ "system": system, "code": code });
    if let Some(version) = version {
        coding["version"] = json!(version);
    }
    if let Some(display) = display.filter(|display| !display.is_empty()) {
        coding["display"] = json!(display);
    }
    coding
}

/// A CodeableConcept with one coding.
pub(super) fn concept(system: &str, code: &str) -> Value {
    json!({ "coding": [coding(system, code, None, None)] })
}

/// A CodeableConcept with one coding and its display.
pub(super) fn shown(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [coding(system, code, Some(display), None)] })
}

/// A Reference.
pub(super) fn reference(kind: &str, id: &str) -> Value {
    json!({ "reference": format!("{kind}/{id}") })
}

/// A UID made of an id: `2.25.` and the decimal of UUIDv5 (PS3.5 B.2).
pub(crate) fn uid(name: &str) -> String {
    format!("2.25.{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).as_u128())
}

/// The kind of meeting, as the board, its sessions and registrations are coded.
pub(super) fn review() -> Value {
    shown(SCT, "720006006", "Cancer care review (procedure)")
}
