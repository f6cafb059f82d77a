//! Pathology reports that are no documents: they are read and listed like them.

use super::{
    directory::Directory,
    read::{each, id, id_of, reference_id, text, when, words},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use contract::DocumentEntryView;
use serde_json::{Value, json};

/// Before the FHIR id of a report where documents and reports share a list.
const PREFIX: &str = "DiagnosticReport/";

/// The reports to show: not those that were taken back, nor those that a listed document holds.
pub(crate) fn shown<'a>(reports: &'a [Value], documents: &'a [Value]) -> impl Iterator<Item = &'a Value> {
    reports.iter().filter(move |report| {
        let taken_back = matches!(report["status"].as_str(), Some("entered-in-error" | "cancelled"));
        !taken_back && !documents.iter().any(|document| holds(document, report))
    })
}

fn holds(document: &Value, report: &Value) -> bool {
    let named = each(&document["context"]["related"]).filter_map(|related| reference_id(related, "DiagnosticReport"));
    let mut named = named.filter_map(|named| (report["id"] == named.as_str()).then_some(()));
    let file = document["content"][0]["attachment"]["url"].as_str();
    let same = |form: &Value| file.is_some_and(|file| same_file(form["url"].as_str(), file));
    named.next().is_some() || each(&report["presentedForm"]).any(same)
}

fn same_file(one: Option<&str>, other: &str) -> bool {
    one.is_some_and(|one| one == other || id_of(one, "Binary").is_some_and(|id| id_of(other, "Binary") == Some(id)))
}

/// The report of an entry's id.
pub(crate) fn named<'a>(reports: &'a [Value], entry: &str) -> Option<&'a Value> {
    let wanted = entry.strip_prefix(PREFIX)?;
    reports.iter().find(|report| report["id"] == wanted)
}

/// The id under which a report is listed.
pub(crate) fn entry_id(report: &Value) -> Option<String> {
    Some(format!("{PREFIX}{}", id(report)?))
}

pub(crate) fn title(report: &Value) -> String {
    text(&report["presentedForm"][0]["title"]).or_else(|| words(&report["code"])).unwrap_or_default()
}

pub(crate) fn at(report: &Value) -> Option<String> {
    when(report, "effective").or_else(|| text(&report["issued"]))
}

/// A report's line.
pub(crate) fn entry(report: &Value, directory: &Directory) -> Option<DocumentEntryView> {
    let people = || each(&report["resultsInterpreter"]).chain(each(&report["performer"]));
    Some(DocumentEntryView {
        id: entry_id(report)?,
        title: title(report),
        kdl: None,
        kind: words(&report["code"]),
        author: people().find_map(|person| {
            // A house is told as such.
            reference_id(person, "Organization").is_none().then(|| directory.name_of(person)).flatten()
        }),
        organization: people()
            .find_map(|house| reference_id(house, "Organization").and_then(|_house| directory.organization_of(house))),
        at: at(report),
        content_type: text(&attachment(report)["contentType"])
            .map(|kind| kind.split(';').next().unwrap_or_default().trim().to_owned())
            .unwrap_or_default(),
    })
}

/// What is read of a report: its printed form, else its conclusion.
pub(crate) fn attachment(report: &Value) -> Value {
    let form = &report["presentedForm"][0];
    if form["data"].is_string() || form["url"].is_string() {
        return form.clone();
    }
    let said = text(&report["conclusion"]).or_else(|| each(&report["conclusionCode"]).find_map(words));
    match said {
        Some(said) => json!({
            "contentType": "text/plain;charset=utf-8",
            "size": said.len(),
            "data": BASE64_STANDARD.encode(said),
        }),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::shown;
    use serde_json::json;

    #[test]
    fn a_report_that_is_also_a_document_is_listed_once() {
        let reports = [
            json!({"id": "named", "status": "final"}),
            json!({"id": "same-file", "status": "final", "presentedForm": [{"url": "https://fhir.example/r4/Binary/b"}]}),
            json!({"id": "alone", "status": "final", "presentedForm": [{"url": "Binary/other"}]}),
            json!({"id": "wrong", "status": "entered-in-error"}),
        ];
        let documents = [
            json!({"context": {"related": [{"reference": "DiagnosticReport/named"}]}, "content": [{"attachment": {}}]}),
            json!({"content": [{"attachment": {"url": "Binary/b"}}]}),
        ];
        let ids: Vec<&str> = shown(&reports, &documents).filter_map(|report| report["id"].as_str()).collect();
        assert_eq!(ids, ["alone"], "what no document holds, and nothing that was taken back");
    }
}
