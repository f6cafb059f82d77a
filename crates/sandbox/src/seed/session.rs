//! Today's session: studies of the cases, the board's appointment, its slots and the agenda.

use super::maker::{DCM, Maker, coding, list, reference, review, text, uid};
use super::recipe;
use serde_json::{Value, json};

impl Maker {
    pub(super) fn images(&mut self) {
        for study in list(&recipe::imaging()["studies"]) {
            let id = text(&study["id"]);
            let series: Vec<Value> = list(&study["series"])
                .map(|series| {
                    json!({
                        "uid": uid(&format!("{id}/{}", series["no"])),
                        "number": series["no"],
                        "modality": coding(DCM, &text(&series["modality"]), None, None),
                        "description": series["description"],
                        "numberOfInstances": series["matrix"][2],
                    })
                })
                .collect();
            let images: u64 = series.iter().filter_map(|series| series["numberOfInstances"].as_u64()).sum();
            let modalities = list(&study["modalities"]).map(|name| coding(DCM, &text(name), None, None));
            // A study that another person's name stands in is listed where the archive filed it.
            let listed = study["identity_trap"]["listed_under_patient"].as_str().map(str::to_owned);
            let listed = listed.unwrap_or_else(|| text(&study["patient"]));
            self.put(
                "ImagingStudy",
                &id,
                json!({
                    "identifier": [{ "system": "urn:dicom:uid", "value": format!("urn:oid:{}", uid(&id)) }],
                    "status": "available",
                    "modality": modalities.collect::<Vec<_>>(),
                    "subject": reference("Patient", &listed),
                    "started": self.at(&study["d"], &text(&study["t"])),
                    "description": self.said(&study["title"]),
                    "numberOfSeries": series.len(),
                    "numberOfInstances": images,
                    "series": series,
                }),
            );
        }
    }

    pub(super) fn session(&mut self) {
        let board = &recipe::network()["board"];
        let agenda = recipe::agenda();
        let today = self.today.to_string();
        let session = format!("session-{today}");
        let number = |value: &Value| value.as_i64().expect("the agenda's minutes are whole");
        let mut participants = vec![json!({
            "actor": reference("HealthcareService", &text(&board["id"])),
            "status": "accepted",
        })];
        participants.extend(list(&board["members"]).map(invited));
        self.put(
            "Appointment",
            &session,
            json!({
                "status": "booked",
                "serviceType": [review()],
                "description": board["name_de"],
                "start": self.minute(0),
                "end": self.minute(number(&agenda["session"]["duration_min"])),
                "participant": participants,
            }),
        );
        for slot in list(&agenda["slots"]) {
            let start = number(&slot["start_min"]);
            let mut participants = vec![json!({
                "actor": reference("Patient", &text(&slot["patient"])),
                "required": "information-only",
                "status": "accepted",
            })];
            participants.extend(list(&slot["presenters"]).map(invited));
            self.put(
                "Appointment",
                &text(&slot["id"]),
                json!({
                    "status": "booked",
                    "serviceType": [review()],
                    "start": self.minute(start),
                    "end": self.minute(start + number(&slot["duration_min"])),
                    "basedOn": [reference("ServiceRequest", &text(&slot["registration"]))],
                    "supportingInformation": [reference("Appointment", &session)],
                    "participant": participants,
                }),
            );
        }
        let entries =
            list(&agenda["slots"]).map(|slot| json!({ "item": reference("Appointment", &text(&slot["id"])) }));
        let order = coding("http://terminology.hl7.org/CodeSystem/list-order", "user", None, None);
        self.put(
            "List",
            &format!("agenda-{today}"),
            json!({
                "status": "current",
                "mode": "working",
                "title": format!("Tagesordnung {} {today}", text(&board["short"])),
                "code": { "text": "agenda" },
                "date": self.minute(-480),
                "source": reference("PractitionerRole", &text(&board["coordinator"])),
                "orderedBy": { "coding": [order] },
                "entry": entries.collect::<Vec<_>>(),
            }),
        );
    }
}

fn invited(person: &Value) -> Value {
    json!({
        "actor": reference("PractitionerRole", &text(person)),
        "required": "required",
        "status": "accepted",
    })
}
