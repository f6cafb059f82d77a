//! The course of an illness, newest first.

use super::{
    read::{day, each, id, reference_id, sort_key, text, when, words},
    reports,
};
use contract::{DiagnosisEntryView, SlotView, TimelineEntryView, TimelineKind, TnmView};
use serde_json::Value;

/// What the course is put together from.
pub(crate) struct Sources<'a> {
    pub(crate) diagnoses: &'a [DiagnosisEntryView],
    pub(crate) tnm: &'a [TnmView],
    pub(crate) documents: &'a [Value],
    pub(crate) reports: &'a [Value],
    pub(crate) studies: &'a [Value],
    pub(crate) procedures: &'a [Value],
    pub(crate) medications: &'a [Value],
    pub(crate) prescriptions: &'a [Value],
    pub(crate) adverse_events: &'a [Value],
    pub(crate) course: &'a [Value],
    pub(crate) plans: &'a [Value],
    pub(crate) slot: Option<&'a SlotView>,
    pub(crate) board: Option<&'a str>,
}

pub(crate) fn timeline(sources: &Sources<'_>) -> Vec<TimelineEntryView> {
    let mut entries = Vec::new();
    for diagnosis in sources.diagnoses.iter().filter(|diagnosis| !diagnosis.comorbidity) {
        entries.push(entry(
            TimelineKind::Diagnosis,
            diagnosis.text.clone(),
            diagnosis.icd10.clone(),
            diagnosis.date.clone(),
        ));
    }
    for tnm in sources.tnm {
        let mut title = tnm.text.clone();
        if let Some(stage) = &tnm.stage {
            title = format!("{title}, {stage}");
        }
        let edition = tnm.edition.as_ref().map(|edition| format!("UICC {edition}"));
        entries.push(entry(TimelineKind::Stage, title, edition, tnm.date.clone()));
    }
    for document in sources.documents {
        let kdl = text(&document["type"]["coding"][0]["code"]).unwrap_or_default();
        // KDL classes (2025): PT pathology; imaging reports accompany their study and are told there.
        let kind = if kdl.starts_with("PT") { TimelineKind::Pathology } else { TimelineKind::Document };
        let title = text(&document["description"]).or_else(|| words(&document["type"])).unwrap_or_default();
        let mut made = entry(kind, title, None, text(&document["date"]));
        made.document = id(document);
        entries.push(made);
    }
    for report in sources.reports {
        let mut made = entry(TimelineKind::Pathology, reports::title(report), None, reports::at(report));
        made.document = reports::entry_id(report);
        entries.push(made);
    }
    for study in sources.studies {
        let title = text(&study["description"]).unwrap_or_default();
        let modalities: Vec<&str> = each(&study["modality"]).filter_map(|modality| modality["code"].as_str()).collect();
        let mut made = entry(TimelineKind::Imaging, title, Some(modalities.join(" · ")), text(&study["started"]));
        made.study = study_uid(study);
        entries.push(made);
    }
    for procedure in sources.procedures {
        let mut made = entry(
            TimelineKind::Procedure,
            words(&procedure["code"]).unwrap_or_default(),
            (procedure["status"] == "stopped").then(|| "stopped".to_owned()),
            when(procedure, "performed"),
        );
        made.end = text(&procedure["performedPeriod"]["end"]);
        entries.push(made);
    }
    for medication in sources.medications.iter().filter(|m| is_systemic(m)) {
        let mut made = entry(
            TimelineKind::Systemic,
            words(&medication["medicationCodeableConcept"]).unwrap_or_default(),
            text(&medication["dosage"][0]["text"]),
            when(medication, "effective"),
        );
        made.end = text(&medication["effectivePeriod"]["end"]);
        entries.push(made);
    }
    for prescription in sources.prescriptions.iter().filter(|m| is_systemic(m)) {
        entries.push(entry(
            TimelineKind::Systemic,
            words(&prescription["medicationCodeableConcept"]).unwrap_or_default(),
            text(&prescription["dosageInstruction"][0]["text"]),
            text(&prescription["authoredOn"]),
        ));
    }
    for observation in sources.course.iter().filter(|observation| observation["status"] != "entered-in-error") {
        let Some(title) = words(&observation["valueCodeableConcept"]) else { continue };
        entries.push(entry(TimelineKind::Course, title, None, when(observation, "effective")));
    }
    for event in sources.adverse_events {
        entries.push(entry(
            TimelineKind::AdverseEvent,
            words(&event["event"]).unwrap_or_default(),
            None,
            text(&event["date"]),
        ));
    }
    for plan in sources.plans.iter().filter(|plan| plan["status"] != "draft" && plan["status"] != "entered-in-error") {
        let title = text(&plan["title"]).unwrap_or_default();
        entries.push(entry(TimelineKind::Board, title, text(&plan["description"]), text(&plan["created"])));
    }
    if let (Some(slot), Some(board)) = (sources.slot, sources.board) {
        entries.push(entry(TimelineKind::Board, board.to_owned(), None, Some(slot.start.clone())));
    }
    let key = |entry: &TimelineEntryView| entry.start.as_deref().map(|at| (day(at), sort_key(at)));
    entries.sort_by_key(|entry| std::cmp::Reverse(key(entry)));
    entries
}

/// Medication with an end or tied to a decision or an order is therapy; what runs on for years is home medication.
fn is_systemic(medication: &Value) -> bool {
    each(&medication["basedOn"]).next().is_some() || medication["effectivePeriod"]["end"].is_string()
}

/// The Study Instance UID of an ImagingStudy.
pub(crate) fn study_uid(study: &Value) -> Option<String> {
    each(&study["identifier"])
        .find(|identifier| identifier["system"] == "urn:dicom:uid")
        .and_then(|identifier| text(&identifier["value"]))
        .map(|value| value.trim_start_matches("urn:oid:").to_owned())
}

fn entry(kind: TimelineKind, title: String, detail: Option<String>, start: Option<String>) -> TimelineEntryView {
    TimelineEntryView {
        kind,
        title,
        detail: detail.filter(|text| !text.is_empty()),
        start,
        end: None,
        document: None,
        study: None,
    }
}

/// The patient of any resource that has one.
pub(crate) fn patient_of(resource: &Value) -> Option<String> {
    ["subject", "patient", "for"].iter().find_map(|name| reference_id(&resource[*name], "Patient"))
}
