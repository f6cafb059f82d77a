//! Diagnosis and stage: Condition, grading and TNM in the shape of MII Onkologie.

use super::maker::{LNC, Maker, ONKO, SCT, TNM, coding, concept, reference, text};
use super::patient::{OBSERVATION_CATEGORY, short};
use super::recipe;
use serde_json::{Value, json};

const ICD_O: &str = "http://terminology.hl7.org/CodeSystem/icd-o-3";

impl Maker {
    pub(super) fn condition(&mut self, recipe: &Value, condition: &Value, subject: &Value, primary: Option<&str>) {
        let day = self.day(&condition["d"]);
        let ended = condition.get("d_end").map(|end| self.day(end));
        let mut states = vec![verification("confirmed")];
        let clinical = if ended.is_some() { "resolved" } else { "active" };
        let mut body = json!({
            "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", clinical),
            "code": self.icd(&text(&condition["icd10gm"]), &condition["text"]),
            "subject": subject,
            "recordedDate": day,
            "abatementDateTime": ended,
        });
        if condition["role"] == "primary" {
            as_primary(&mut body, condition, &day);
            let system = format!("{ONKO}CodeSystem/mii-cs-onko-primaertumor-diagnosesicherung");
            states.push(coding(&system, &text(&condition["certainty"]), None, None));
        }
        body["verificationStatus"] = json!({ "coding": states });
        self.put("Condition", &text(&condition["id"]), body);
        if condition["role"] == "primary" && condition["morph"].is_string() {
            self.observation(
                &format!("histology-{}", short(recipe)),
                (subject, primary),
                &condition["d"],
                // The oncology module's profile wants the specimen, which the recipe does not tell.
                None,
                json!({
                    "code": concept(LNC, "59847-4"),
                    "valueCodeableConcept": { "coding": [coding(ICD_O, &text(&condition["morph"]), None, Some("3.2"))] },
                    "category": [concept(OBSERVATION_CATEGORY, "laboratory")],
                }),
            );
        }
        if let Some(grading) = condition["grading"].as_str() {
            self.observation(
                &format!("grading-{}", short(recipe)),
                (subject, primary),
                &condition["d"],
                Some("mii-pr-onko-grading"),
                json!({
                    "code": concept(LNC, "33732-9"),
                    "valueCodeableConcept": concept(&format!("{ONKO}CodeSystem/mii-cs-onko-grading"), grading),
                    "category": [concept(OBSERVATION_CATEGORY, "laboratory")],
                }),
            );
        }
    }

    /// An ICD-10-GM code of this year with its official text and the record's words.
    pub(super) fn icd(&self, code: &str, words: &Value) -> Value {
        let display = text(&recipe::codes()["codes"]["icd10gm"][code][0]);
        let year = self.today.year().to_string();
        let system = "http://fhir.de/CodeSystem/bfarm/icd-10-gm";
        json!({ "coding": [coding(system, code, Some(&display), Some(&year))], "text": self.said(words) })
    }

    /// T, N and M as observations of their own under the classification.
    pub(super) fn tnm(&mut self, tnm: &Value, subject: &Value, primary: Option<&str>) {
        let id = text(&tnm["id"]);
        let method = edition(&text(&tnm["edition"]));
        let mut members = Vec::new();
        for axis in ["T", "N", "M"] {
            let prefix = match axis {
                "M" => tnm["prefix_m"].as_str().unwrap_or("c").to_owned(),
                _ => text(&tnm["prefix"]),
            };
            let suffix = axis == "N" && tnm["sn"].as_bool().unwrap_or_default();
            let member = format!("{id}-{}", axis.to_lowercase());
            self.category(&member, axis, (&prefix, &text(&tnm[axis]), suffix), &tnm["d"], (subject, primary, &method));
            members.push(reference("Observation", &member));
        }
        if tnm["y"].as_bool().unwrap_or_default() {
            let member = format!("{id}-y");
            self.observation(
                &member,
                (subject, primary),
                &tnm["d"],
                Some("mii-pr-onko-tnm-y-symbol"),
                json!({
                    "code": concept(LNC, "101658-3"),
                    "valueCodeableConcept": concept(SCT, "421755005"),
                    "method": method,
                }),
            );
            members.push(reference("Observation", &member));
        }
        let group = if tnm["kind"] == "pathological" { "399588009" } else { "399537006" };
        self.observation(
            &id,
            (subject, primary),
            &tnm["d"],
            Some("mii-pr-onko-tnm-klassifikation"),
            json!({
                "code": concept(SCT, group),
                "valueCodeableConcept": concept(TNM, &text(&tnm["stage"])),
                "method": method,
                "hasMember": members,
            }),
        );
    }

    /// One of T, N and M.
    pub(super) fn category(
        &mut self,
        id: &str,
        axis: &str,
        (prefix, value, sentinel): (&str, &str, bool),
        day: &Value,
        (subject, primary, method): (&Value, Option<&str>, &Value),
    ) {
        let mut value = concept(TNM, value);
        if sentinel {
            value["extension"] = json!([{
                "url": format!("{ONKO}StructureDefinition/mii-ex-onko-tnm-sn-suffix"),
                "valueCodeableConcept": concept(TNM, "sn"),
            }]);
        }
        let mut code = concept(SCT, category_code(axis, prefix));
        code["extension"] = json!([{
            "url": format!("{ONKO}StructureDefinition/mii-ex-onko-tnm-cp-praefix"),
            "valueCodeableConcept": concept(TNM, prefix),
        }]);
        self.observation(
            id,
            (subject, primary),
            day,
            Some(&format!("mii-pr-onko-tnm-{}-kategorie", axis.to_lowercase())),
            json!({ "code": code, "valueCodeableConcept": value, "method": method }),
        );
    }
}

/// The TNM edition as a method.
pub(super) fn edition(edition: &str) -> Value {
    concept(&format!("{ONKO}CodeSystem/mii-cs-onko-tnm-version"), edition)
}

/// SNOMED CT codes of the clinical and pathological categories.
fn category_code(axis: &str, prefix: &str) -> &'static str {
    match (axis, prefix) {
        ("T", "c") => "399504009",
        ("T", _) => "384625004",
        ("N", "c") => "399534004",
        ("N", _) => "371494008",
        (_, "c") => "399387003",
        (_, _) => "371497001",
    }
}

pub(super) fn verification(code: &str) -> Value {
    coding("http://terminology.hl7.org/CodeSystem/condition-ver-status", code, None, None)
}

/// What the profile of a primary tumor asks for beyond a plain diagnosis.
pub(super) fn as_primary(body: &mut Value, condition: &Value, day: &str) {
    let icd_o = |code: &Value| coding(ICD_O, &text(code), None, Some("3.2"));
    let side = format!("{ONKO}CodeSystem/mii-cs-onko-seitenlokalisation");
    body["meta"] = json!({ "profile": [format!("{ONKO}StructureDefinition/mii-pr-onko-diagnose-primaertumor")] });
    body["identifier"] = json!([{ "system": "https://eschenland.example/sid/tumor", "value": condition["id"] }]);
    body["category"] = json!([{ "coding": [coding(SCT, "55342001", Some("Neoplastic disease"), None)] }]);
    body["extension"] = json!([
        { "url": "http://hl7.org/fhir/StructureDefinition/condition-assertedDate", "valueDateTime": day },
        {
            "url": format!("{ONKO}StructureDefinition/mii-ex-onko-histology-morphology-behavior-icdo3"),
            "valueCodeableConcept": { "coding": [icd_o(&condition["morph"])] },
        },
    ]);
    let place = [icd_o(&condition["topo"]), coding(&side, &text(&condition["side"]), None, None)];
    body["bodySite"] = json!([{ "coding": place }]);
}
