//! One patient's record: identity, findings, laboratory, procedures, medication, documents, earlier
//! decisions and the registration for the board.

use super::directory::{address, given};
use super::letter::{Letter, letter};
use super::maker::{LNC, Maker, ONKO, SCT, UCUM, coding, concept, list, reference, review, shown, text};
use super::recipe;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

pub(super) const OBSERVATION_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const ALLERGY_CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";

impl Maker {
    pub(super) fn patient(&mut self, recipe: &Value) {
        let subject = self.identity(recipe);
        let primary = list(&recipe["conditions"]).find(|condition| condition["role"] == "primary");
        let primary = primary.map(|condition| text(&condition["id"]));
        let primary = primary.as_deref();
        for condition in list(&recipe["conditions"]) {
            self.condition(recipe, condition, &subject, primary);
        }
        for tnm in list(&recipe["tnm"]) {
            self.tnm(tnm, &subject, primary);
        }
        self.ecog(recipe, &subject);
        self.findings(recipe, &subject, primary);
        self.laboratory(recipe, &subject);
        self.procedures(recipe, &subject, primary);
        self.medication(recipe, &subject);
        self.allergies(recipe, &subject);
        self.documents(recipe, &subject);
        for decision in list(&recipe["prior_decisions"]) {
            self.decision(decision, &subject, primary);
        }
        self.registration(recipe, &subject, primary);
    }

    /// The Patient, and the reference to it.
    pub(super) fn identity(&mut self, recipe: &Value) -> Value {
        let id = text(&recipe["id"]);
        let mut identifiers = vec![json!({
            "use": "official",
            "type": concept("http://fhir.de/CodeSystem/identifier-type-de-basis", "KVZ10"),
            "system": "http://fhir.de/sid/gkv/kvid-10",
            "value": recipe["kvnr"],
        })];
        let houses = &recipe::network()["organizations"];
        for (house, number) in recipe["pids"].as_object().into_iter().flatten() {
            let domain = list(houses).find(|entry| entry["id"] == house.as_str()).map(|entry| text(&entry["domain"]));
            let domain = domain.expect("a patient's numbers are of houses of the network");
            identifiers.push(json!({
                "use": "usual",
                "type": concept("http://terminology.hl7.org/CodeSystem/v2-0203", "MR"),
                "system": format!("https://{domain}/sid/pid"),
                "value": number,
            }));
        }
        let phone = recipe["phone"].as_str().map(|phone| json!([{ "system": "phone", "value": phone }]));
        let home = recipe["address"].as_object().map(|_| json!([address(&recipe["address"])]));
        self.put(
            "Patient",
            &id,
            json!({
                "identifier": identifiers,
                "name": [{ "use": "official", "family": recipe["name"]["family"], "given": given(&recipe["name"]) }],
                "gender": recipe["sex"],
                "birthDate": self.born(&recipe["birth"]).to_string(),
                "telecom": phone,
                "address": home,
            }),
        );
        reference("Patient", &id)
    }

    /// The birth date that makes the person as old as the recipe says today.
    fn born(&self, birth: &Value) -> Date {
        let number = |key: &str| birth[key].as_i64().and_then(|number| i8::try_from(number).ok());
        let (age, month, day) = (number("age"), number("month"), number("day"));
        let month = month.expect("the recipe gives a month");
        let day = day.expect("the recipe gives a day");
        let not_yet = (self.today.month(), self.today.day()) < (month, day);
        let year = self.today.year() - i16::from(age.expect("the recipe gives an age")) - i16::from(not_yet);
        Date::new(year, month, day).expect("the recipe's birthdays exist in each year")
    }

    /// An Observation with what all of the record's observations share.
    pub(super) fn observation(
        &mut self,
        id: &str,
        (subject, focus): (&Value, Option<&str>),
        day: &Value,
        profile: Option<&str>,
        more: Value,
    ) {
        let mut body = json!({
            "meta": profile.map(|profile| json!({ "profile": [format!("{ONKO}StructureDefinition/{profile}")] })),
            "status": "final",
            "subject": subject,
            "focus": focus.map(|focus| json!([reference("Condition", focus)])),
            "effectiveDateTime": self.day(day),
        });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        self.put("Observation", id, body);
    }

    fn ecog(&mut self, recipe: &Value, subject: &Value) {
        for (number, entry) in (1..).zip(list(&recipe["ecog"])) {
            let value = concept(
                &format!("{ONKO}CodeSystem/mii-cs-onko-allgemeiner-leistungszustand-ecog"),
                &entry["v"].to_string(),
            );
            self.observation(
                &format!("ecog-{}-{number}", short(recipe)),
                (subject, None),
                &entry["d"],
                Some("mii-pr-onko-allgemeiner-leistungszustand-ecog"),
                json!({
                    "code": { "coding": [coding(SCT, "423740007", None, None), coding(LNC, "89262-0", None, None)] },
                    "valueCodeableConcept": value,
                }),
            );
        }
    }

    fn findings(&mut self, recipe: &Value, subject: &Value, primary: Option<&str>) {
        for (number, finding) in (1..).zip(list(&recipe["findings"])) {
            if finding.get("arrives_with").is_some() {
                continue;
            }
            let code = match finding["loinc"].as_str() {
                Some(loinc) => shown(LNC, loinc, &text(&recipe::codes()["loinc_finding"][loinc]["display"])),
                None => json!({ "text": finding["text_key"] }),
            };
            let mut more = json!({ "code": code, "category": [laboratory()] });
            if let Some(document) = finding["doc"].as_str() {
                more["derivedFrom"] = json!([reference("DocumentReference", document)]);
            }
            let measured = finding["unit"].as_str().zip(finding["value"].as_str().and_then(plain_number));
            match measured {
                Some((unit, number)) => {
                    more["valueQuantity"] = json!({ "value": number, "unit": unit, "system": UCUM, "code": unit });
                }
                None => more["valueString"] = json!(self.said(&finding["text"])),
            }
            let id = format!("finding-{}-{number}", short(recipe));
            self.observation(&id, (subject, primary), &finding["d"], None, more);
        }
    }

    fn laboratory(&mut self, recipe: &Value, subject: &Value) {
        let sex = if recipe["sex"] == "female" { "f" } else { "m" };
        for analyte in list(&recipe["labs"]) {
            let loinc = text(&analyte["loinc"]);
            let known = &recipe::codes()["loinc_lab"][loinc.as_str()];
            let (low, high) = (&known["ref"][sex][0], &known["ref"][sex][1]);
            let quantity =
                |value: &Value| json!({ "value": value, "unit": known["ucum"], "system": UCUM, "code": known["ucum"] });
            let mut range = Map::new();
            for (key, limit) in [("low", low), ("high", high)] {
                if !limit.is_null() {
                    range.insert(key.to_owned(), quantity(limit));
                }
            }
            let mut code = shown(LNC, &loinc, &text(&known["display"]));
            code["text"] = known[self.lang()].clone();
            for value in list(&analyte["values"]) {
                let measured = value["v"].as_f64().expect("laboratory values are numbers");
                let flag = if high.as_f64().is_some_and(|high| measured > high) {
                    "H"
                } else if low.as_f64().is_some_and(|low| measured < low) {
                    "L"
                } else {
                    "N"
                };
                let judged = (!range.is_empty()).then(|| {
                    let system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
                    json!([concept(system, flag)])
                });
                let days_ago = -value["d"].as_i64().expect("the recipe's days are whole");
                self.put(
                    "Observation",
                    &format!("lab-{}-{loinc}-{days_ago}", short(recipe)),
                    json!({
                        "status": "final",
                        "category": [laboratory()],
                        "code": code,
                        "subject": subject,
                        "effectiveDateTime": self.at(&value["d"], "08:10"),
                        "issued": self.at(&value["d"], "11:30"),
                        "valueQuantity": quantity(&value["v"]),
                        "referenceRange": (!range.is_empty()).then(|| json!([range])),
                        "interpretation": judged,
                    }),
                );
            }
        }
    }

    fn procedures(&mut self, recipe: &Value, subject: &Value, primary: Option<&str>) {
        let year = self.today.year().to_string();
        for procedure in list(&recipe["procedures"]) {
            let codes: Vec<Value> = ["ops", "ops2"]
                .iter()
                .filter_map(|key| procedure[*key].as_str())
                .map(|code| coding("http://fhir.de/CodeSystem/bfarm/ops", code, None, Some(&year)))
                .collect();
            let mut code = json!({ "text": self.dated(&self.said(&procedure["text"])) });
            if !codes.is_empty() {
                code["coding"] = json!(codes);
            }
            let mut body = json!({
                "status": if procedure["outcome"] == "stopped" { "stopped" } else { "completed" },
                "code": code,
                "subject": subject,
                "basedOn": procedure["based_on"].as_str().map(|plan| json!([reference("CarePlan", plan)])),
                "performer": [{ "actor": reference("Organization", &text(&procedure["org"])) }],
            });
            if procedure.get("therapy").is_some() {
                body["reasonReference"] = json!(primary.map(|primary| [reference("Condition", primary)]));
            }
            match procedure.get("d_end") {
                Some(end) => {
                    body["performedPeriod"] = json!({ "start": self.day(&procedure["d"]), "end": self.day(end) });
                }
                None => body["performedDateTime"] = json!(self.day(&procedure["d"])),
            }
            self.put("Procedure", &text(&procedure["id"]), body);
        }
    }

    fn medication(&mut self, recipe: &Value, subject: &Value) {
        for (number, medication) in (1..).zip(list(&recipe["medications"])) {
            let until = medication.get("until_d").map(|until| self.day(until));
            let mut period = json!({ "start": self.day(&medication["since_d"]) });
            let status = if until.is_some() { "completed" } else { "active" };
            if let Some(until) = until {
                period["end"] = json!(until);
            }
            self.put(
                "MedicationStatement",
                &format!("med-{}-{number}", short(recipe)),
                json!({
                    "status": status,
                    "medicationCodeableConcept": { "text": medication["text"] },
                    "subject": subject,
                    "effectivePeriod": period,
                    "dosage": [{ "text": medication["dose"] }],
                }),
            );
        }
    }

    fn allergies(&mut self, recipe: &Value, subject: &Value) {
        let active = concept(ALLERGY_CLINICAL, "active");
        for (number, allergy) in (1..).zip(list(&recipe["allergies"])) {
            self.put(
                "AllergyIntolerance",
                &format!("allergy-{}-{number}", short(recipe)),
                json!({ "clinicalStatus": active, "code": { "text": allergy[self.lang()] }, "patient": subject }),
            );
        }
        let statement = &recipe["allergy_statement"];
        if let Some(sct) = statement["sct"].as_str() {
            let mut code = concept(SCT, sct);
            code["text"] = statement[self.lang()].clone();
            self.put(
                "AllergyIntolerance",
                &format!("allergy-{}-0", short(recipe)),
                json!({ "clinicalStatus": active, "code": code, "patient": subject }),
            );
        }
    }

    fn documents(&mut self, recipe: &Value, subject: &Value) {
        for document in list(&recipe["documents"]).filter(|document| document.get("arrives").is_none()) {
            let content = self.dated(&text(&document["text_de"]));
            if document["form"] == "report" {
                self.report(document, subject, &content);
                continue;
            }
            let kdl = text(&document["kdl"]);
            let display = text(&recipe::codes()["codes"]["kdl"][kdl.as_str()]);
            let written = self.at(&document["d"], &text(&document["t"]));
            let mut attachment = if document["form"] == "pdf" {
                self.letter(recipe, document, &content)
            } else {
                json!({
                    "contentType": "text/plain;charset=utf-8",
                    "size": content.len(),
                    "data": STANDARD.encode(content.as_bytes()),
                })
            };
            attachment["language"] = json!("de");
            attachment["title"] = document["title"]["de"].clone();
            attachment["creation"] = json!(written);
            self.put(
                "DocumentReference",
                &text(&document["id"]),
                json!({
                    "status": "current",
                    "docStatus": "final",
                    "type": shown("http://dvmd.de/fhir/CodeSystem/kdl", &kdl, &display),
                    "subject": subject,
                    "date": written,
                    "author": [reference("PractitionerRole", &text(&document["author"]))],
                    "custodian": reference("Organization", &text(&document["organization"])),
                    "description": self.said(&document["title"]),
                    "content": [{ "attachment": attachment }],
                }),
            );
        }
    }

    /// A pathology report that is no document.
    fn report(&mut self, document: &Value, subject: &Value, content: &str) {
        let written = self.at(&document["d"], &text(&document["t"]));
        let mut code = concept(LNC, "60568-3");
        code["text"] = json!("Pathologiebefund");
        self.put(
            "DiagnosticReport",
            &report_id(document),
            json!({
                "status": "final",
                "category": [concept("http://terminology.hl7.org/CodeSystem/v2-0074", "PAT")],
                "code": code,
                "subject": subject,
                "effectiveDateTime": written,
                "issued": written,
                "performer": [
                    reference("PractitionerRole", &text(&document["author"])),
                    reference("Organization", &text(&document["organization"])),
                ],
                "presentedForm": [{
                    "contentType": "text/plain;charset=utf-8",
                    "language": "de",
                    "size": content.len(),
                    "data": STANDARD.encode(content.as_bytes()),
                    "title": self.said(&document["title"]),
                    "creation": written,
                }],
            }),
        );
    }

    /// A letter as a PDF in a Binary of its own, as archives keep it, and the attachment that points there.
    fn letter(&mut self, recipe: &Value, document: &Value, content: &str) -> Value {
        let network = recipe::network();
        let named = |entries: &str, id: &Value| {
            list(&network[entries]).find(|entry| entry["id"] == *id).cloned().unwrap_or_default()
        };
        let house = named("organizations", &document["organization"]);
        let author = named("people", &document["author"]);
        let (place, name) = (&house["address"], &recipe["name"]);
        let codes = &recipe::codes()["loinc_lab"];
        let head = ["Wert", "Ergebnis", "Einheit", "Datum"].map(str::to_owned);
        let newest = list(&recipe["labs"]).filter_map(|analyte| {
            let known = &codes[analyte["loinc"].as_str()?];
            let value = list(&analyte["values"]).last()?;
            let number = value["v"].to_string().replace('.', ",");
            let day = self.dated(&format!("{{d:{}}}", value["d"]));
            Some([text(&known["de"]), number, printed_unit(&text(&known["ucum"])), day])
        });
        let file = letter(&Letter {
            sender: vec![
                text(&house["name"]),
                format!("{}, {} {}", text(&place["line"]), text(&place["postalCode"]), text(&place["city"])),
                format!("Telefon {}", text(&house["phone"])),
            ],
            patient: format!(
                "{}, {}, geboren am {}, KVNR {}",
                text(&name["family"]),
                text(&name["given"]),
                self.born(&recipe["birth"]).strftime("%d.%m.%Y"),
                text(&recipe["kvnr"])
            ),
            title: text(&document["title"]["de"]),
            dated: format!("{}, {}", text(&place["city"]), self.dated(&format!("{{d:{}}}", document["d"]))),
            paragraphs: content.lines().map(str::to_owned).collect(),
            signer: vec![text(&author["display"]), text(&author["specialty"]["de"])],
            table_title: "Anlage: Laborwerte".to_owned(),
            table: std::iter::once(head).chain(newest).collect(),
        });
        let id = text(&document["id"]).replacen("doc-", "bin-", 1);
        let (kind, data) = ("application/pdf", STANDARD.encode(&file));
        self.put("Binary", &id, json!({ "contentType": kind, "data": data }));
        json!({ "contentType": kind, "size": file.len(), "url": format!("Binary/{id}") })
    }

    /// An earlier decision of the board as a CarePlan.
    fn decision(&mut self, decision: &Value, subject: &Value, primary: Option<&str>) {
        let therapies = &recipe::codes()["codes"]["therapie"];
        let activities: Vec<Value> = list(&decision["activities"])
            .map(|activity| {
                let code = text(&activity["code"]);
                let system = format!("{ONKO}CodeSystem/mii-cs-onko-therapie-typ");
                let mut detail = json!({
                    "code": shown(&system, &code, &text(&therapies[code.as_str()][0])),
                    "status": activity["status"],
                    "description": self.said(&activity["text"]),
                });
                if let Some(deviation) = activity.get("deviation") {
                    let system = format!("{ONKO}CodeSystem/mii-cs-onko-therapieabweichung");
                    let mut reason = concept(&system, &text(&deviation["reason"]));
                    reason["text"] = json!(self.said(&deviation["text"]));
                    detail["statusReason"] = reason;
                }
                json!({ "detail": detail })
            })
            .collect();
        let text_of_plan = self.said(&decision["text"]);
        self.plan(&text(&decision["id"]), decision, (subject, primary), &text_of_plan, &activities);
    }

    /// A signed decision of the board.
    pub(super) fn plan(
        &mut self,
        id: &str,
        decision: &Value,
        (subject, primary): (&Value, Option<&str>),
        words: &str,
        activities: &[Value],
    ) {
        let kind = format!("{ONKO}CodeSystem/mii-cs-onko-therapieplanung-typ");
        self.put(
            "CarePlan",
            id,
            json!({
                "meta": { "profile": [format!("{ONKO}StructureDefinition/mii-pr-onko-tumorkonferenz")] },
                "status": "active",
                "intent": "plan",
                "category": [concept(&kind, &text(&decision["category"]))],
                "title": format!("Beschluss {}", text(&recipe::network()["board"]["name_de"])),
                "description": words,
                "subject": subject,
                "created": self.day(&decision["d"]),
                "author": reference("PractitionerRole", &text(&decision["signed_by"])),
                "addresses": primary.map(|primary| json!([reference("Condition", primary)])),
                "activity": activities,
            }),
        );
    }

    fn registration(&mut self, recipe: &Value, subject: &Value, primary: Option<&str>) {
        let registration = &recipe["registration"];
        let Some(id) = registration["id"].as_str() else { return };
        let by = text(&registration["by"]);
        let authored = self.at(&registration["d"], &text(&registration["t"]));
        let notes: Vec<Value> = ["question", "question_radiology", "question_pathology", "patient_wish"]
            .iter()
            .filter_map(|key| registration[*key][self.lang()].as_str())
            .map(|note| json!({ "authorReference": reference("Practitioner", &by), "time": authored, "text": note }))
            .collect();
        let primary = primary.map(|primary| reference("Condition", primary));
        let documents = list(&recipe["documents"]).filter(|document| document.get("arrives").is_none());
        let mut supporting = vec![subject.clone(), reference("PractitionerRole", &by)];
        supporting.extend(primary.clone());
        supporting.extend(documents.map(|document| {
            if document["form"] == "report" {
                reference("DiagnosticReport", &report_id(document))
            } else {
                reference("DocumentReference", &text(&document["id"]))
            }
        }));
        let mut code = concept(SCT, "720006006");
        code["text"] = json!("Anmeldung Tumorkonferenz");
        let board = text(&recipe::network()["board"]["id"]);
        self.put(
            "ServiceRequest",
            id,
            json!({
                "status": "active",
                "intent": "plan",
                "category": [review()],
                "code": code,
                "priority": registration["priority"],
                "subject": subject,
                "authoredOn": authored,
                "requester": reference("PractitionerRole", &by),
                "performer": [reference("HealthcareService", &board)],
                "reasonReference": primary.map(|primary| json!([primary])),
                "note": notes,
                "supportingInfo": supporting,
            }),
        );
    }
}

/// The patient's id without its prefix, as it stands in the ids of the record.
pub(super) fn short(recipe: &Value) -> String {
    text(&recipe["id"]).trim_start_matches("pat-").to_owned()
}

/// The id of a document that is a report.
fn report_id(document: &Value) -> String {
    text(&document["id"]).replacen("doc-", "rep-", 1)
}

fn laboratory() -> Value {
    json!({ "coding": [coding(LNC, "26436-6", None, None), coding(OBSERVATION_CATEGORY, "laboratory", None, None)] })
}

/// A UCUM unit as a laboratory prints it: annotations are no part of the unit.
fn printed_unit(ucum: &str) -> String {
    let unit = ucum.replace("{1.73_m2}", "1,73 m²").replace("10*3/uL", "/nl");
    if unit.starts_with('{') { String::new() } else { unit }
}

fn plain_number(text: &str) -> Option<f64> {
    let digits = !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
    if digits { text.parse().ok() } else { None }
}
