//! One line of an agenda or of the case list.

use super::{
    directory::Directory,
    identity::{identity_view, similar},
    read::{each, has_code, reference_id, text},
    timeline::patient_of,
    tumor,
};
use contract::{CaseRowView, CompletenessView, DecisionStateView, ListSource, SlotView, TnmView};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What lines are made from: resources of many patients.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct RowSources {
    pub(crate) patients: Vec<Value>,
    pub(crate) conditions: Vec<Value>,
    pub(crate) observations: Vec<Value>,
    pub(crate) registrations: Vec<Value>,
    pub(crate) plans: Vec<Value>,
    pub(crate) slots: BTreeMap<String, SlotView>,
    pub(crate) house: Option<String>,
    /// Patients whose diagnoses could not be read, or not all of them.
    #[serde(default)]
    pub(crate) unread_conditions: BTreeSet<String>,
    /// The same of stages and markers.
    #[serde(default)]
    pub(crate) unread_observations: BTreeSet<String>,
    /// Decisions could not be read, or not all of them.
    #[serde(default)]
    pub(crate) unread_plans: bool,
}

/// The line of one patient.
pub(crate) fn case_row(
    patient: &Value,
    sources: &RowSources,
    directory: &Directory,
    today: Date,
) -> Option<CaseRowView> {
    let id = super::read::id(patient)?;
    let of = |resources: &[Value]| -> Vec<Value> {
        resources.iter().filter(|r| patient_of(r).as_deref() == Some(id.as_str())).cloned().collect()
    };
    let (conditions, observations) = (of(&sources.conditions), of(&sources.observations));
    let diagnoses = tumor::diagnoses(&conditions, &observations);
    let tumor = tumor::primary(&diagnoses);
    let tnm = tumor::tnm_views(&observations).into_iter().next();
    let registrations = of(&sources.registrations);
    let registration = registrations.iter().find(|r| r["status"] == "active").or_else(|| registrations.first());
    let slot = sources.slots.get(&id).cloned();
    let plans = of(&sources.plans);
    let day = slot.as_ref().map(|slot| super::read::day(&slot.start));
    let plan = plans
        .iter()
        .filter(|plan| plan["status"] != "entered-in-error" && plan["status"] != "revoked")
        .filter(|plan| day.is_none() || plan["created"].as_str().map(super::read::day) == day)
        .max_by_key(|plan| text(&plan["created"]));
    let changed = conditions
        .iter()
        .chain(&observations)
        .chain(&registrations)
        .chain(&plans)
        .filter_map(|resource| text(&resource["meta"]["lastUpdated"]))
        .max();
    // What was read is shown, also where more could not be read.
    let unread: Vec<ListSource> = [
        (ListSource::Diagnoses, tumor.is_none() && sources.unread_conditions.contains(&id)),
        (ListSource::Stages, tnm.is_none() && sources.unread_observations.contains(&id)),
        (ListSource::Decisions, plan.is_none() && sources.unread_plans),
    ]
    .into_iter()
    .filter_map(|(source, lacking)| lacking.then_some(source))
    .collect();
    let known = Known {
        diagnoses: !sources.unread_conditions.contains(&id),
        observations: !sources.unread_observations.contains(&id),
    };
    Some(CaseRowView {
        identity: identity_view(patient, sources.house.as_deref(), today),
        diagnosis: tumor.map(|tumor| tumor.text.clone()),
        icd10: tumor.and_then(|tumor| tumor.icd10.clone()),
        organ: tumor.and_then(|tumor| tumor.icd10.as_deref()).and_then(organ).map(str::to_owned),
        side: tumor.and_then(|tumor| tumor.side.clone()),
        completeness: completeness(registration, &diagnoses, tnm.as_ref(), &observations, known),
        tnm,
        slot,
        registered_by: registration.and_then(|registration| {
            let role = reference_id(&registration["requester"], "PractitionerRole")?;
            directory.person(&role).map(|person| person.family.clone())
        }),
        question: registration.and_then(|registration| text(&registration["note"][0]["text"])),
        decision: match plan {
            None => DecisionStateView::None,
            Some(plan) if plan["status"] == "draft" => DecisionStateView::Draft,
            Some(_) => DecisionStateView::Signed,
        },
        changed,
        similar: similar(patient, sources.patients.iter()),
        kept: None,
        unread,
        patient: id,
    })
}

/// Organs by ICD-10 for the list's short word.
fn organ(icd10: &str) -> Option<&'static str> {
    Some(match icd10.get(..3)? {
        "C33" | "C34" => "lung",
        "C50" | "D05" => "breast",
        "C18" => "colon",
        "C19" | "C20" | "C21" => "rectum",
        "C61" => "prostate",
        "C43" | "D03" => "melanoma",
        "C25" => "pancreas",
        "C22" => "liver",
        "C16" => "stomach",
        "C15" => "esophagus",
        "C64" => "kidney",
        "C67" => "bladder",
        "C53" | "C54" | "C55" => "uterus",
        "C56" => "ovary",
        "C73" => "thyroid",
        "C71" => "brain",
        _ => return None,
    })
}

/// What was read whole of a patient: only of that can be said that something is missing.
#[derive(Clone, Copy)]
struct Known {
    diagnoses: bool,
    observations: bool,
}

/// The rules of completeness that a list can judge: question, diagnosis, stage, and the markers that
/// decide about therapy.
fn completeness(
    registration: Option<&Value>,
    diagnoses: &[contract::DiagnosisEntryView],
    tnm: Option<&TnmView>,
    observations: &[Value],
    known: Known,
) -> CompletenessView {
    let Some(registration) = registration else { return CompletenessView::Unknown };
    let mut rules = Vec::new();
    let question = registration["note"][0]["text"].as_str().unwrap_or_default().trim();
    if question.chars().count() < 15 {
        rules.push("R-QUESTION");
    }
    let tumor = tumor::primary(diagnoses);
    if known.diagnoses && tumor.is_none_or(|tumor| tumor.icd10.is_none() || tumor.date.is_none()) {
        rules.push("R-DIAG");
    }
    if known.observations && tnm.is_none_or(|tnm| tnm.edition.is_none()) {
        rules.push("R-TNM");
    }
    let code = tumor.and_then(|tumor| tumor.icd10.as_deref()).and_then(|code| code.get(..3)).unwrap_or_default();
    let has = |loinc: &[&str]| observations.iter().any(|o| has_code(&o["code"], "http://loinc.org", loinc));
    let says = |word: &str| {
        observations.iter().any(|o| {
            each(&o["code"]["coding"])
                .filter_map(|coding| coding["display"].as_str())
                .chain(o["code"]["text"].as_str())
                .any(|name| name.contains(word))
        })
    };
    match code {
        _ if !known.observations => {}
        "C34" if !has(&["83053-9"]) => rules.push("R-MARK"),
        "C18" | "C19" | "C20" if !has(&["81695-9"]) && !says("MMR") && !says("MSI") => rules.push("R-MMR"),
        _ => {}
    }
    if !rules.is_empty() {
        CompletenessView::Missing { rules: rules.into_iter().map(str::to_owned).collect() }
    } else if known.diagnoses && known.observations {
        CompletenessView::Complete
    } else {
        CompletenessView::Unknown
    }
}
