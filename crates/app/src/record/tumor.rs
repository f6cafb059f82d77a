//! Diagnoses and TNM.

use super::{
    ONKO,
    read::{code, day, each, extension, has_code, id, reference_id, sort_key, text, when, words},
};
use contract::{DiagnosisEntryView, EcogView, TnmView};
use serde_json::Value;
use std::collections::BTreeMap;

const SNOMED: &str = "http://snomed.info/sct";
const LOINC: &str = "http://loinc.org";
const ICD10_GM: &str = "http://fhir.de/CodeSystem/bfarm/icd-10-gm";
const ICD_O: &str = "http://terminology.hl7.org/CodeSystem/icd-o-3";

/// TNM stage groups: SNOMED CT as MII writes them, LOINC as older servers do.
pub(crate) const TNM_GROUPS: &str = "http://snomed.info/sct|399390009,http://snomed.info/sct|399537006,http://snomed.info/sct|399588009,http://loinc.org|21908-9,http://loinc.org|21902-2,http://loinc.org|21914-7";
/// T, N and M by themselves: of any kind, clinical, pathological.
pub(crate) const TNM_ALONE: &str = "http://snomed.info/sct|78873005,http://snomed.info/sct|399504009,http://snomed.info/sct|384625004,http://snomed.info/sct|277206009,http://snomed.info/sct|399534004,http://snomed.info/sct|371494008,http://snomed.info/sct|277208005,http://snomed.info/sct|399387003,http://snomed.info/sct|371497001";
const GROUP_SNOMED: [&str; 3] = ["399390009", "399537006", "399588009"];
const GROUP_LOINC: [&str; 3] = ["21908-9", "21902-2", "21914-7"];

/// True for ICD-10 codes of tumors: C00 to C97, D00 to D09, D37 to D48.
fn is_tumor(icd10: &str) -> bool {
    let mut chars = icd10.chars();
    let letter = chars.next();
    let number: Option<u32> = icd10.get(1..3).and_then(|digits| digits.parse().ok());
    match (letter, number) {
        (Some('C'), Some(number)) => number <= 97,
        (Some('D'), Some(number)) => number <= 9 || (37..=48).contains(&number),
        _ => false,
    }
}

/// Metastases and secondary tumors: C77 to C79.
fn is_secondary(icd10: &str) -> bool {
    matches!(icd10.get(..3), Some("C77" | "C78" | "C79"))
}

/// All diagnoses, the primary tumor first, then other tumors, then the rest; newest first in each.
pub(crate) fn diagnoses(conditions: &[Value], observations: &[Value]) -> Vec<DiagnosisEntryView> {
    let valid = || conditions.iter().filter(|condition| is_valid(condition));
    // What names no tumor is about the only one.
    let only = valid().filter(|condition| icd10(condition).as_deref().is_some_and(is_tumor)).count() == 1;
    let mut entries: Vec<DiagnosisEntryView> =
        valid().filter_map(|condition| entry(condition, observations, only)).collect();
    let rank = |entry: &DiagnosisEntryView| (!entry.primary, entry.comorbidity);
    entries.sort_by(|a, b| {
        rank(a).cmp(&rank(b)).then_with(|| {
            let key = |e: &DiagnosisEntryView| e.date.as_deref().map(sort_key).unwrap_or_default();
            key(b).cmp(&key(a))
        })
    });
    // A tumor is called primary once: the newest one by profile or code.
    let mut seen = false;
    for entry in &mut entries {
        if entry.primary {
            entry.primary = !seen;
            seen = true;
        }
    }
    entries
}

/// The primary tumor among them.
pub(crate) fn primary(entries: &[DiagnosisEntryView]) -> Option<&DiagnosisEntryView> {
    entries.iter().find(|entry| entry.primary)
}

fn is_valid(condition: &Value) -> bool {
    let wrong = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
    !has_code(&condition["verificationStatus"], wrong, &["entered-in-error", "refuted"])
}

fn icd10(condition: &Value) -> Option<String> {
    code(&condition["code"], ICD10_GM).or_else(|| {
        each(&condition["code"]["coding"])
            .find(|coding| coding["system"].as_str().is_some_and(|system| system.contains("icd-10")))
            .and_then(|coding| text(&coding["code"]))
    })
}

fn entry(condition: &Value, observations: &[Value], only: bool) -> Option<DiagnosisEntryView> {
    let id = id(condition)?;
    let icd10 = icd10(condition);
    let tumor = icd10.as_deref().is_some_and(is_tumor);
    let by_profile = each(&condition["meta"]["profile"])
        .filter_map(Value::as_str)
        .any(|profile| profile.ends_with("mii-pr-onko-diagnose-primaertumor"));
    let site = |system: &str| each(&condition["bodySite"]).find_map(|site| code(site, system));
    let morphology = "StructureDefinition/mii-ex-onko-histology-morphology-behavior-icdo3";
    let observed = |loinc: &str| {
        observations.iter().filter(|o| o["status"] != "entered-in-error").find(|observation| {
            let mut about = each(&observation["focus"]).filter_map(|focus| reference_id(focus, "Condition")).peekable();
            let named = about.peek().is_some();
            has_code(&observation["code"], LOINC, &[loinc])
                && (about.any(|about| about == id) || (!named && only && tumor))
        })
    };
    let (grading, histology) = (observed("33732-9"), observed("59847-4"));
    Some(DiagnosisEntryView {
        text: words(&condition["code"]).unwrap_or_default(),
        icd10_text: each(&condition["code"]["coding"]).find_map(|coding| text(&coding["display"])),
        morphology: extension(condition, &format!("{ONKO}{morphology}"))
            .and_then(|found| code(&found["valueCodeableConcept"], ICD_O))
            .or_else(|| histology.and_then(|found| code(&found["valueCodeableConcept"], ICD_O))),
        topography: site(ICD_O),
        side: site(&format!("{ONKO}CodeSystem/mii-cs-onko-seitenlokalisation")),
        grading: grading
            .and_then(|found| code(&found["valueCodeableConcept"], &format!("{ONKO}CodeSystem/mii-cs-onko-grading"))),
        primary: by_profile || (tumor && !icd10.as_deref().is_some_and(is_secondary)),
        comorbidity: !tumor,
        date: text(&condition["recordedDate"]).or_else(|| when(condition, "onset")),
        icd10,
        id,
    })
}

/// Stage groups with their T, N and M, newest first.
pub(crate) fn tnm_views(observations: &[Value]) -> Vec<TnmView> {
    let mut views: Vec<TnmView> = observations
        .iter()
        .filter(|o| has_code(&o["code"], SNOMED, &GROUP_SNOMED) || has_code(&o["code"], LOINC, &GROUP_LOINC))
        .filter(|o| o["status"] != "entered-in-error")
        .map(|group| tnm_view(group, observations))
        .collect();
    if views.is_empty() {
        views = without_group(observations);
    }
    views.sort_by(|a, b| b.date.cmp(&a.date));
    views
}

/// T, N and M of each day, where a server keeps no group around them.
fn without_group(observations: &[Value]) -> Vec<TnmView> {
    let mut days: BTreeMap<Option<String>, Vec<&Value>> = BTreeMap::new();
    let codes: Vec<&str> =
        TNM_ALONE.split(',').filter_map(|token| token.strip_prefix(SNOMED)?.strip_prefix('|')).collect();
    let alone = observations.iter().filter(|o| has_code(&o["code"], SNOMED, &codes));
    for observation in alone.filter(|o| o["status"] != "entered-in-error") {
        days.entry(when(observation, "effective").map(|at| day(&at))).or_default().push(observation);
    }
    let views = days.into_iter().map(|(date, found)| {
        let part = |letter| found.iter().find_map(|observation| category(observation, letter, false));
        let edition = |o: &&Value| code(&o["method"], &format!("{ONKO}CodeSystem/mii-cs-onko-tnm-version"));
        TnmView {
            text: ['T', 'N', 'M'].into_iter().filter_map(part).collect::<Vec<_>>().join(" "),
            stage: None,
            edition: found.iter().find_map(edition),
            date,
        }
    });
    views.filter(|view| !view.text.is_empty()).collect()
}

fn tnm_view(group: &Value, observations: &[Value]) -> TnmView {
    let members: Vec<&Value> = each(&group["hasMember"])
        .filter_map(|reference| reference_id(reference, "Observation"))
        .filter_map(|wanted| observations.iter().find(|o| o["id"].as_str() == Some(wanted.as_str())))
        .collect();
    let treated = members.iter().any(|member| has_code(&member["code"], LOINC, &["101658-3"]));
    let mut parts = Vec::new();
    for letter in ['T', 'N', 'M'] {
        if let Some(part) = members.iter().find_map(|member| category(member, letter, treated)) {
            parts.push(part);
        }
    }
    TnmView {
        text: parts.join(" "),
        stage: value_code(group),
        edition: code(&group["method"], &format!("{ONKO}CodeSystem/mii-cs-onko-tnm-version")),
        date: when(group, "effective"),
    }
}

fn value_code(observation: &Value) -> Option<String> {
    let value = &observation["valueCodeableConcept"];
    each(&value["coding"]).find_map(|coding| text(&coding["code"])).or_else(|| text(&value["text"]))
}

/// "cT2b", "ypN0(sn)": the prefix is never dropped.
fn category(member: &Value, letter: char, treated: bool) -> Option<String> {
    let value = value_code(member).filter(|value| value.starts_with(letter))?;
    let prefix = extension(&member["code"], &format!("{ONKO}StructureDefinition/mii-ex-onko-tnm-cp-praefix"))
        .and_then(|found| each(&found["valueCodeableConcept"]["coding"]).find_map(|coding| text(&coding["code"])))
        .or_else(|| {
            let clinical = ["399504009", "399534004", "399387003"];
            let pathological = ["384625004", "371494008", "371497001"];
            let is = |codes: &[&str]| has_code(&member["code"], SNOMED, codes);
            if is(&clinical) { Some("c".to_owned()) } else { is(&pathological).then(|| "p".to_owned()) }
        })
        .unwrap_or_default();
    // AJCC and UICC: y marks a classification during or after therapy, and not the M category that
    // was taken over from before.
    let y = if treated && prefix == "p" { "y" } else { "" };
    let sn =
        extension(&member["valueCodeableConcept"], &format!("{ONKO}StructureDefinition/mii-ex-onko-tnm-sn-suffix"));
    Some(format!("{y}{prefix}{value}{}", if sn.is_some() { "(sn)" } else { "" }))
}

/// General condition, newest first; value or components (MII 2025 and 2026).
pub(crate) fn ecog_views(observations: &[Value]) -> Vec<EcogView> {
    let is_ecog = |concept: &Value| {
        has_code(concept, SNOMED, &["423740007", "423690003"]) || has_code(concept, LOINC, &["89262-0", "89247-1"])
    };
    let mut views: Vec<EcogView> = observations
        .iter()
        .filter(|observation| is_ecog(&observation["code"]))
        .filter_map(|observation| {
            let value = value_code(observation)
                .or_else(|| observation["valueInteger"].as_i64().map(|value| value.to_string()))
                .or_else(|| each(&observation["component"]).find_map(value_code))?;
            Some(EcogView { value, date: when(observation, "effective") })
        })
        .collect();
    views.sort_by(|a, b| b.date.cmp(&a.date));
    views
}

#[cfg(test)]
mod tests {
    use super::{is_tumor, tnm_views};
    use serde_json::json;

    #[test]
    fn tumor_codes_are_those_of_the_registry() {
        for (code, expected) in
            [("C34.1", true), ("C97", true), ("D05.1", true), ("D10", false), ("D37.0", true), ("J44.82", false)]
        {
            assert_eq!(is_tumor(code), expected, "{code}");
        }
    }

    #[test]
    fn tnm_keeps_its_prefixes_and_the_sentinel_suffix() {
        let onko = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/StructureDefinition/";
        let member = |id: &str, prefix: &str, value: &str, sn: bool| {
            let mut concept = json!({"coding": [{"system": "https://www.uicc.org/resources/tnm", "code": value}]});
            if sn {
                concept["extension"] = json!([{"url": format!("{onko}mii-ex-onko-tnm-sn-suffix")}]);
            }
            json!({"id": id, "code": {"coding": [], "extension": [{"url": format!("{onko}mii-ex-onko-tnm-cp-praefix"),
                "valueCodeableConcept": {"coding": [{"code": prefix}]}}]}, "valueCodeableConcept": concept})
        };
        let observations = [
            json!({"id": "g", "code": {"coding": [{"system": "http://snomed.info/sct", "code": "399588009"}]},
                "valueCodeableConcept": {"coding": [{"code": "IA"}]}, "effectiveDateTime": "2026-11-18",
                "hasMember": [{"reference": "Observation/t"}, {"reference": "Observation/n"}, {"reference": "Observation/m"}, {"reference": "Observation/y"}]}),
            member("t", "p", "T1b", false),
            member("n", "p", "N0", true),
            member("m", "c", "M0", false),
            json!({"id": "y", "code": {"coding": [{"system": "http://loinc.org", "code": "101658-3"}]}}),
        ];
        let views = tnm_views(&observations);
        assert_eq!(views[0].text, "ypT1b ypN0(sn) cM0", "as the board's recipe writes it");
        assert_eq!(views[0].stage.as_deref(), Some("IA"), "the stage group's own value");
    }
}
