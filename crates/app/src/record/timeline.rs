//! The course of an illness, newest first.

use super::{
    read::{day, each, extension, has_code, id, reference_id, sort_key, text, when, words},
    reports,
};
use contract::{DiagnosisEntryView, DoseView, SlotView, TimelineEntryView, TimelineKind, TnmView};
use serde_json::Value;

const OPS: &str = "http://fhir.de/CodeSystem/bfarm/ops";
const SCT: &str = "http://snomed.info/sct";
/// Kinds of therapy as oBDS has them.
const THERAPY: &str =
    "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-therapie-typ";
/// A series of irradiations with its dose and target.
const IRRADIATION: &str = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/StructureDefinition/mii-ex-onko-strahlentherapie-bestrahlung";

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
    entries.extend(sources.procedures.iter().filter_map(treatment));
    for medication in sources.medications.iter().filter(|m| is_systemic(m)) {
        let mut made = entry(
            TimelineKind::Systemic,
            words(&medication["medicationCodeableConcept"]).unwrap_or_default(),
            text(&medication["dosage"][0]["text"]),
            when(medication, "effective"),
        );
        made.end = text(&medication["effectivePeriod"]["end"]);
        made.stopped = medication["status"] == "stopped";
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

/// A procedure, unless it was not done or not of this patient.
fn treatment(procedure: &Value) -> Option<TimelineEntryView> {
    if procedure["status"] == "entered-in-error" || procedure["status"] == "not-done" {
        return None;
    }
    let kind = kind_of(procedure);
    let start = when(procedure, "performed");
    let mut made = entry(kind, words(&procedure["code"]).unwrap_or_default(), None, start.clone());
    if kind == TimelineKind::Radiotherapy {
        made.doses = irradiation(procedure);
    }
    // What has ended without anybody having written when is a point and no bar that goes on until today.
    let over = procedure["status"] != "in-progress" && procedure["status"] != "on-hold";
    made.end = text(&procedure["performedPeriod"]["end"]).or(start.filter(|_| over));
    made.stopped = procedure["status"] == "stopped";
    Some(made)
}

fn kind_of(procedure: &Value) -> TimelineKind {
    let is = |system: &str, codes: &[&str]| {
        has_code(&procedure["category"], system, codes) || has_code(&procedure["code"], system, codes)
    };
    // OPS: 8-52 is radiotherapy, 8-53 therapy with radionuclides. oBDS reports both as one, as SNOMED CT has
    // them: radiotherapy and its course, by a beam, by sources within, by radionuclides.
    let irradiated = each(&procedure["code"]["coding"])
        .filter(|coding| coding["system"] == OPS)
        .any(|coding| coding["code"].as_str().is_some_and(|code| code.starts_with("8-52") || code.starts_with("8-53")));
    let radiotherapy = ["1287742003", "108290001", "1217123003", "33195004", "152198000", "399315003"];
    if irradiated || is(SCT, &radiotherapy) || is(THERAPY, &["ST"]) || extension(procedure, IRRADIATION).is_some() {
        TimelineKind::Radiotherapy
    } else if is(THERAPY, &["CH", "HO", "IM", "ZS", "SZ", "CI", "CZ", "CIZ", "IZ"]) {
        TimelineKind::Systemic
    } else {
        TimelineKind::Procedure
    }
}

/// Dose and target of each series.
fn irradiation(procedure: &Value) -> Vec<DoseView> {
    let series = each(&procedure["extension"]).filter(|extension| extension["url"] == IRRADIATION).map(|series| {
        let part = |url: &str| extension(series, url);
        let dose = part("Gesamtdosis").map(|dose| &dose["valueQuantity"]).and_then(|dose| {
            let unit = text(&dose["unit"]).or_else(|| text(&dose["code"]))?;
            Some((dose["value"].as_f64()?.to_string(), unit))
        });
        // The codes of targets are numbers of a list, which nobody reads.
        let target = part("Zielgebiet").map(|target| &target["valueCodeableConcept"]).and_then(|target| {
            text(&target["text"]).or_else(|| each(&target["coding"]).find_map(|coding| text(&coding["display"])))
        });
        let (value, unit) = dose.unzip();
        DoseView { value, unit: unit.unwrap_or_default(), target }
    });
    series.filter(|series| series.value.is_some() || series.target.is_some()).collect()
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
        doses: Vec::new(),
        start,
        end: None,
        stopped: false,
        document: None,
        study: None,
    }
}

/// The patient of any resource that has one.
pub(crate) fn patient_of(resource: &Value) -> Option<String> {
    ["subject", "patient", "for"].iter().find_map(|name| reference_id(&resource[*name], "Patient"))
}

#[cfg(test)]
mod tests {
    use super::{IRRADIATION, OPS, THERAPY, treatment};
    use contract::{TimelineEntryView, TimelineKind};
    use serde_json::{Value, json};

    /// As the MII's module has a radiotherapy: OPS, and a series with its dose and target.
    fn radiotherapy() -> Value {
        let series = |dose: f64, target: &str| {
            json!({ "url": IRRADIATION, "extension": [
                { "url": "Gesamtdosis", "valueQuantity": { "value": dose, "unit": "Gy" } },
                { "url": "Zielgebiet", "valueCodeableConcept": { "coding": [{ "code": "3.4.", "display": target }] } },
            ] })
        };
        json!({
            "resourceType": "Procedure", "status": "completed",
            "extension": [series(50.4, "Brustdrüse"), series(16.0, "Tumorbett")],
            "category": { "coding": [{ "system": "http://snomed.info/sct", "code": "1287742003" }] },
            "code": { "text": "Bestrahlung links", "coding": [{ "system": OPS, "code": "8-522.d1" }] },
            "performedPeriod": { "start": "2026-08-03", "end": "2026-09-11" },
        })
    }

    fn shown(procedure: &Value) -> TimelineEntryView {
        treatment(procedure).expect("it is shown")
    }

    #[test]
    fn a_radiotherapy_is_a_bar_with_its_doses_and_targets() {
        let entry = shown(&radiotherapy());
        assert_eq!(entry.kind, TimelineKind::Radiotherapy, "its kind");
        assert_eq!(entry.title, "Bestrahlung links", "in the record's words");
        let told: Vec<_> = entry
            .doses
            .iter()
            .map(|dose| (dose.value.as_deref(), dose.unit.as_str(), dose.target.as_deref()))
            .collect();
        let told_of = |value, target| (Some(value), "Gy", Some(target));
        assert_eq!(told, [told_of("50.4", "Brustdrüse"), told_of("16", "Tumorbett")], "dose and target");
        assert_eq!((entry.start.as_deref(), entry.end.as_deref()), (Some("2026-08-03"), Some("2026-09-11")), "a bar");
    }

    #[test]
    fn each_of_the_ways_to_say_what_a_therapy_is_is_understood() {
        let sct = |code: &str| json!([{ "system": "http://snomed.info/sct", "code": code }]);
        let ops = |code: &str| json!([{ "system": OPS, "code": code }]);
        let typ = |code: &str| json!([{ "system": THERAPY, "code": code }]);
        for (category, code, kind) in [
            (sct("1287742003"), Value::Null, TimelineKind::Radiotherapy),
            (sct("277132007"), ops("8-523.10"), TimelineKind::Radiotherapy),
            (Value::Null, ops("8-530.60"), TimelineKind::Radiotherapy),
            (Value::Null, sct("33195004"), TimelineKind::Radiotherapy),
            (Value::Null, typ("ST"), TimelineKind::Radiotherapy),
            (Value::Null, typ("CIZ"), TimelineKind::Systemic),
            (Value::Null, typ("OP"), TimelineKind::Procedure),
            (sct("387713003"), ops("5-870.a1"), TimelineKind::Procedure),
            // The same code of another system says something else.
            (Value::Null, json!([{ "system": "urn:house", "code": "8-522" }]), TimelineKind::Procedure),
        ] {
            let procedure = json!({ "category": { "coding": category }, "code": { "coding": code } });
            assert_eq!(shown(&procedure).kind, kind, "{procedure}");
        }
    }

    #[test]
    fn only_what_goes_on_has_no_end() {
        let mut procedure = radiotherapy();
        procedure["performedPeriod"] = json!({ "start": "2026-11-02" });
        assert_eq!(shown(&procedure).end.as_deref(), Some("2026-11-02"), "it has ended, nobody knows when");
        procedure["status"] = json!("in-progress");
        assert_eq!(shown(&procedure).end, None, "until today");
        procedure["status"] = json!("stopped");
        assert!(shown(&procedure).stopped, "which the page says in its own words");
        for status in ["not-done", "entered-in-error"] {
            procedure["status"] = json!(status);
            assert_eq!(treatment(&procedure), None, "{status}");
        }
    }
}
