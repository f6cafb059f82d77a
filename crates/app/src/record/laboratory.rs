//! Laboratory values, one series an analyte and unit, and single findings.

use super::read::{any_code, code, each, has_code, sort_key, text, when, words};
use contract::{FindingView, LabSeriesView, LabValueView};
use platform::fhir::decimal_text;
use serde_json::Value;
use std::collections::BTreeMap;

const LOINC: &str = "http://loinc.org";
const FLAGS: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
/// Findings of pathology that carry a number and are still no laboratory curve.
const FINDINGS: [&str; 9] =
    ["83053-9", "85337-4", "85339-0", "85319-2", "85330-9", "81695-9", "94734-1", "59847-4", "69548-6"];
/// How oncologists call them: LOINC's own names are sentences, and records often carry nothing else.
const SHORT_NAMES: [(&str, &str); 10] = [
    ("83053-9", "PD-L1 TPS"),
    ("85337-4", "ER"),
    ("85339-0", "PR"),
    ("85319-2", "HER2"),
    ("85330-9", "Ki-67"),
    ("81695-9", "MSI"),
    ("94734-1", "ISUP"),
    ("69548-6", "Gen"),
    ("59847-4", "ICD-O"),
    ("33732-9", "Grading"),
];
/// The order in which the panel opens; others follow by name.
const ORDER: [&str; 24] = [
    "718-7", "6690-2", "777-3", "2160-0", "98979-8", "1742-6", "1920-8", "2324-2", "6768-6", "1975-2", "2532-0",
    "14804-9", "1988-5", "1751-7", "6301-6", "2039-6", "25390-6", "24108-3", "2857-1", "6875-9", "47275-3", "20150-9",
    "19926-5", "19911-7",
];

/// Numbers over time. A value in another unit is a series of its own: nothing is converted.
pub(crate) fn laboratory(observations: &[Value]) -> Vec<LabSeriesView> {
    let mut series: BTreeMap<(String, String), Vec<&Value>> = BTreeMap::new();
    for observation in observations.iter().filter(|o| is_value(o)) {
        let key = code(&observation["code"], LOINC).or_else(|| words(&observation["code"])).unwrap_or_default();
        let unit = unit(observation);
        series.entry((key, unit)).or_default().push(observation);
    }
    let mut views: Vec<LabSeriesView> = series.into_values().filter_map(|values| series_view(&values)).collect();
    let place = |view: &LabSeriesView| {
        let loinc = view.loinc.as_deref().unwrap_or_default();
        ORDER.iter().position(|known| *known == loinc).unwrap_or(ORDER.len())
    };
    views.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.name.cmp(&b.name)));
    views
}

fn is_value(observation: &Value) -> bool {
    observation["valueQuantity"]["value"].is_number()
        && observation["status"] != "entered-in-error"
        && !has_code(&observation["code"], LOINC, &FINDINGS)
}

/// µ exists twice in Unicode; the micro sign is shown.
fn unit(observation: &Value) -> String {
    let quantity = &observation["valueQuantity"];
    text(&quantity["unit"]).or_else(|| text(&quantity["code"])).unwrap_or_default().replace('\u{3bc}', "\u{b5}")
}

fn series_view(observations: &[&Value]) -> Option<LabSeriesView> {
    let mut ordered: Vec<&Value> = observations.to_vec();
    ordered.sort_by_key(|observation| when(observation, "effective").map(|at| sort_key(&at)));
    let newest = ordered.last()?;
    let range = &newest["referenceRange"][0];
    Some(LabSeriesView {
        loinc: code(&newest["code"], LOINC),
        name: words(&newest["code"]).unwrap_or_default(),
        unit: unit(newest),
        low: decimal_text(&range["low"], "value"),
        high: decimal_text(&range["high"], "value"),
        values: ordered.iter().filter_map(|observation| value_view(observation)).collect(),
    })
}

fn value_view(observation: &Value) -> Option<LabValueView> {
    let value = observation["valueQuantity"]["value"].as_f64()?;
    let text = decimal_text(&observation["valueQuantity"], "value")?;
    let range = &observation["referenceRange"][0];
    let flag = code(&observation["interpretation"][0], FLAGS).or_else(|| {
        let (low, high) = (range["low"]["value"].as_f64(), range["high"]["value"].as_f64());
        match (low, high) {
            (Some(low), _) if value < low => Some("L".to_owned()),
            (_, Some(high)) if value > high => Some("H".to_owned()),
            (None, None) => None,
            (Some(_), _) | (None, Some(_)) => Some("N".to_owned()),
        }
    });
    Some(LabValueView { at: when(observation, "effective")?, text, value, flag })
}

/// The record's own short text, else the name of art, else what LOINC says.
fn finding_name(concept: &Value) -> String {
    let known = code(concept, LOINC).and_then(|loinc| SHORT_NAMES.iter().find(|(code, _)| *code == loinc));
    text(&concept["text"])
        .or_else(|| known.map(|(_, name)| (*name).to_owned()))
        .or_else(|| words(concept))
        .or_else(|| any_code(concept))
        .unwrap_or_default()
}

/// A genetic variant by its gene and its change, which stand in components (HL7 Genomics Reporting: 48018-6 gene studied,
/// 48005-3 protein change, 48004-6 DNA change). One that was looked for and not found has only its value.
fn variant(observation: &Value) -> Option<FindingView> {
    if !has_code(&observation["code"], LOINC, &["69548-6"]) {
        return None;
    }
    let component = |loinc: &str| {
        let found = each(&observation["component"]).find(|component| has_code(&component["code"], LOINC, &[loinc]))?;
        words(&found["valueCodeableConcept"]).or_else(|| text(&found["valueString"]))
    };
    let absent = has_code(&observation["valueCodeableConcept"], LOINC, &["LA9634-2"]);
    let change = component("48005-3").or_else(|| component("48004-6")).filter(|_| !absent);
    Some(FindingView {
        loinc: Some("69548-6".to_owned()),
        name: component("48018-6").unwrap_or_else(|| finding_name(&observation["code"])),
        value: change.or_else(|| words(&observation["valueCodeableConcept"]))?,
        unit: None,
        date: when(observation, "effective"),
    })
}

/// Biomarkers and other single findings, newest first.
pub(crate) fn findings(observations: &[Value]) -> Vec<FindingView> {
    let mut views: Vec<FindingView> = observations
        .iter()
        .filter(|o| !is_value(o) && o["status"] != "entered-in-error")
        // Grading and histology of a tumor are shown with it.
        .filter(|o| !has_code(&o["code"], LOINC, &["33732-9", "59847-4"]) || each(&o["focus"]).next().is_none())
        .filter_map(|observation| {
            if let Some(variant) = variant(observation) {
                return Some(variant);
            }
            let number = decimal_text(&observation["valueQuantity"], "value");
            let unit = number.is_some().then(|| unit(observation));
            let value = number
                .or_else(|| text(&observation["valueString"]))
                .or_else(|| words(&observation["valueCodeableConcept"]))?;
            Some(FindingView {
                loinc: code(&observation["code"], LOINC),
                name: finding_name(&observation["code"]),
                value,
                unit,
                date: when(observation, "effective"),
            })
        })
        .collect();
    views.sort_by(|a, b| b.date.cmp(&a.date));
    views
}

#[cfg(test)]
mod tests {
    use super::{findings, laboratory};
    use serde_json::json;

    #[test]
    fn histology_is_no_marker_beside_its_tumor_and_has_a_name_where_it_stands_alone() {
        let histology = json!({"status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "59847-4"}]},
            "valueCodeableConcept": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/icd-o-3", "code": "8140/3"}]}});
        let mut of_tumor = histology.clone();
        of_tumor["focus"] = json!([{"reference": "Condition/c"}]);
        let grading = json!({"status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "33732-9"}]},
            "valueCodeableConcept": {"text": "G3"}});
        let shown = findings(&[histology, of_tumor, grading]);
        let words: Vec<(&str, &str)> = shown.iter().map(|found| (&*found.name, &*found.value)).collect();
        assert_eq!(words, [("ICD-O", "8140/3"), ("Grading", "G3")], "once, and not under a number of LOINC");
    }

    #[test]
    fn two_units_are_two_curves_and_digits_are_kept() {
        let value = |at: &str, value: serde_json::Value, unit: &str| {
            json!({"status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}], "text": "Hämoglobin"},
                "effectiveDateTime": at, "valueQuantity": {"value": value, "unit": unit},
                "referenceRange": [{"low": {"value": 13.5}, "high": {"value": 17.2}}]})
        };
        let series = laboratory(&[
            value("2026-11-24T08:10:00+01:00", json!(12.8), "g/dL"),
            value("2026-11-03T08:10:00+01:00", json!(13), "g/dL"),
            value("2026-11-03T08:10:00+01:00", json!(8.1), "mmol/L"),
        ]);
        assert_eq!(series.len(), 2, "mmol/L is never mixed with g/dL");
        assert_eq!(
            series[0].values.iter().map(|v| v.text.as_str()).collect::<Vec<_>>(),
            ["13", "12.8"],
            "oldest first, as sent"
        );
        assert_eq!(series[0].values[1].flag.as_deref(), Some("L"), "below the value's own range");
        let range = (series[0].low.as_deref(), series[0].high.as_deref());
        assert_eq!(range, (Some("13.5"), Some("17.2")), "the newest value's range");
    }
}
