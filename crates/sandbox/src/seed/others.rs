//! Cases that only fill the lists: identity, diagnosis, stage in words, registration, and a short
//! decision where there was one; and the demonstration user's tasks.

use super::maker::{Maker, ONKO, SCT, concept, list, reference, review, shown, text};
use super::patient::short;
use super::recipe;
use super::tumor::{as_primary, edition, verification};
use serde_json::{Value, json};

/// How long before its board a case was registered, and its diagnosis made.
const REGISTERED_BEFORE: i64 = 9;
const DIAGNOSED_BEFORE: i64 = 21;

impl Maker {
    pub(super) fn other_cases(&mut self) {
        let other = recipe::other_cases();
        for case in list(&other["cases"]) {
            self.other_case(case);
        }
        for task in list(&other["my_tasks"]) {
            self.task(task);
        }
    }

    fn other_case(&mut self, case: &Value) {
        let subject = self.identity(case);
        let name = short(case);
        let board = case["board_d"].as_i64().expect("the recipe's days are whole");
        // What was registered lies in the past, also for a board to come.
        let registered = json!((board - REGISTERED_BEFORE).min(-1));
        let diagnosed = json!((board - DIAGNOSED_BEFORE).min(-3));
        let condition = format!("cond-{name}");
        self.other_condition(&condition, case, &subject, &diagnosed);
        self.stage_in_words(case, &subject, &condition, &diagnosed);
        let by = text(&case["registered_by"]);
        let status = match text(&case["status"]).as_str() {
            "draft" => "draft",
            "incomplete" | "complete" => "active",
            _ => "completed",
        };
        let mut code = concept(SCT, "720006006");
        code["text"] = json!("Anmeldung Tumorkonferenz");
        self.put(
            "ServiceRequest",
            &format!("reg-{name}"),
            json!({
                "status": status,
                "intent": "plan",
                "category": [review()],
                "code": code,
                "priority": "routine",
                "subject": subject,
                "occurrenceDateTime": self.day(&case["board_d"]),
                "authoredOn": self.at(&registered, "10:00"),
                "requester": reference("PractitionerRole", &by),
                "performer": [reference("HealthcareService", &text(&recipe::network()["board"]["id"]))],
                "reasonReference": [reference("Condition", &condition)],
                "supportingInfo": [subject, reference("PractitionerRole", &by), reference("Condition", &condition)],
            }),
        );
        let decision = &case["decision"];
        if decision.is_object() {
            let mut decision = decision.clone();
            decision["d"] = case["board_d"].clone();
            let words = text(&decision["text_de"]);
            let activities: Vec<Value> = list(&decision["codes"])
                .map(|code| {
                    let code = text(code);
                    let display = text(&recipe::codes()["codes"]["therapie"][code.as_str()][0]);
                    let system = format!("{ONKO}CodeSystem/mii-cs-onko-therapie-typ");
                    let code = shown(&system, &code, &display);
                    json!({ "detail": { "code": code, "status": "not-started", "description": words } })
                })
                .collect();
            self.plan(&format!("dec-{name}"), &decision, (&subject, Some(&condition)), &words, &activities);
        }
    }

    fn other_condition(&mut self, id: &str, case: &Value, subject: &Value, day: &Value) {
        let found = &case["condition"];
        let when = self.day(day);
        let active = concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active");
        let mut body = json!({
            "clinicalStatus": active,
            "code": self.icd(&text(&found["icd10gm"]), &found["text"]),
            "subject": subject,
            "recordedDate": when,
        });
        if found["morph"].is_string() {
            let mut primary = found.clone();
            primary["id"] = json!(id);
            as_primary(&mut body, &primary, &when);
            let system = format!("{ONKO}CodeSystem/mii-cs-onko-primaertumor-diagnosesicherung");
            let seen_by_histology = super::maker::coding(&system, "7", None, None);
            body["verificationStatus"] = json!({ "coding": [verification("confirmed"), seen_by_histology] });
        } else {
            body["verificationStatus"] = json!({ "coding": [verification("provisional")] });
        }
        self.put("Condition", id, body);
        if let Some(code) = case["secondary_icd10gm"].as_str() {
            let words = &recipe::codes()["codes"]["icd10gm"][code];
            self.put(
                "Condition",
                &format!("{id}-m"),
                json!({
                    "clinicalStatus": active,
                    "verificationStatus": { "coding": [verification("confirmed")] },
                    "code": self.icd(code, &json!({ "de": words[0], "en": words[1] })),
                    "subject": subject,
                    "recordedDate": when,
                }),
            );
        }
    }

    /// `pT2a pN1 cM0` as observations under a classification without a stage. Words that are no
    /// category, such as "extensive disease", have no place in TNM.
    fn stage_in_words(&mut self, case: &Value, subject: &Value, condition: &str, day: &Value) {
        let words = text(&case["tnm_text"]);
        let parts: Vec<(&str, &str)> = words.split(' ').filter_map(category).collect();
        if parts.is_empty() {
            return;
        }
        let method = edition("8");
        let id = format!("tnm-{}-1", short(case));
        let mut members = Vec::new();
        for (prefix, value) in &parts {
            let axis = value.get(..1).unwrap_or_default();
            let member = format!("{id}-{}", axis.to_lowercase());
            self.category(&member, axis, (prefix, value, false), day, (subject, Some(condition), &method));
            members.push(reference("Observation", &member));
        }
        let pathological = parts.iter().any(|(prefix, value)| *prefix == "p" && value.starts_with('T'));
        self.observation(
            &id,
            (subject, Some(condition)),
            day,
            Some("mii-pr-onko-tnm-klassifikation"),
            json!({
                "code": concept(SCT, if pathological { "399588009" } else { "399537006" }),
                "method": method,
                "hasMember": members,
            }),
        );
    }

    fn task(&mut self, task: &Value) {
        let patient = text(&task["patient"]);
        let decided = list(&recipe::other_cases()["cases"])
            .any(|case| case["id"] == patient.as_str() && case["decision"].is_object());
        let focus = decided.then(|| reference("CarePlan", &format!("dec-{}", patient.trim_start_matches("pat-"))));
        self.put(
            "Task",
            &text(&task["id"]),
            json!({
                "status": "requested",
                "intent": "order",
                "priority": "routine",
                "code": { "text": task["kind"] },
                "description": self.said(task),
                "focus": focus,
                "for": reference("Patient", &patient),
                "authoredOn": self.at(&json!(-1), "09:00"),
                "requester": reference("PractitionerRole", &text(&recipe::network()["board"]["coordinator"])),
                "owner": reference("PractitionerRole", &text(&recipe::network()["board"]["moderator"])),
                "restriction": { "period": { "end": self.day(&task["due_d"]) } },
            }),
        );
    }
}

/// Splits `cT2b` into prefix and value.
fn category(word: &str) -> Option<(&str, &str)> {
    let prefix = word.get(..1).filter(|prefix| ["c", "p"].contains(prefix))?;
    let value = word.get(1..).filter(|value| value.starts_with(['T', 'N', 'M']))?;
    Some((prefix, value))
}
