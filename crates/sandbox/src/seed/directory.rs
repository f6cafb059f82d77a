//! Houses, people and the board as Organization, Practitioner, PractitionerRole, HealthcareService
//! and CareTeam.

use super::maker::{Maker, SCT, concept, list, reference, review, text};
use super::recipe;
use serde_json::{Value, json};

impl Maker {
    pub(super) fn directory(&mut self) {
        let network = recipe::network();
        for house in list(&network["organizations"]) {
            let parent = house["partOf"].as_str().map(|id| reference("Organization", id));
            self.put(
                "Organization",
                &text(&house["id"]),
                json!({
                    "active": true,
                    "name": house["name"],
                    "telecom": [{ "system": "phone", "value": house["phone"] }, { "system": "email", "value": house["email"] }],
                    "address": [address(&house["address"])],
                    "partOf": parent,
                }),
            );
        }
        for person in list(&network["people"]) {
            self.person(person);
        }
        let board = &network["board"];
        let id = text(&board["id"]);
        self.put(
            "HealthcareService",
            &id,
            json!({
                "active": true,
                "providedBy": reference("Organization", &text(&board["organization"])),
                "type": [review()],
                "name": board["name_de"],
            }),
        );
        let members: Vec<Value> = list(&board["members"])
            .map(|member| {
                let role = list(&network["people"]).find(|person| person["id"] == *member);
                let role = role.expect("members of the board are people of the network");
                json!({
                    "role": [{ "text": role["board_role"] }],
                    "member": reference("PractitionerRole", &text(member)),
                })
            })
            .collect();
        self.put("CareTeam", &id, json!({ "status": "active", "name": board["name_de"], "participant": members }));
    }

    fn person(&mut self, person: &Value) {
        let id = text(&person["id"]);
        let mut name = json!({ "use": "official", "family": person["family"], "given": given(person) });
        if person["prefix"] != "" {
            name["prefix"] = json!([person["prefix"]]);
        }
        self.put(
            "Practitioner",
            &id,
            json!({
                "active": true,
                "name": [name],
                "gender": person["gender"],
                "telecom": [
                    { "system": "phone", "value": person["phone"] },
                    { "system": "email", "value": person["email"] },
                    { "system": "other", "value": person["matrix_id"] },
                ],
            }),
        );
        let mut practitioner = reference("Practitioner", &id);
        practitioner["display"] = person["display"].clone();
        let mut specialty = match person["specialty"]["sct"].as_str() {
            Some(code) => concept(SCT, code),
            None => json!({}),
        };
        specialty["text"] = json!(self.said(&person["specialty"]));
        self.put(
            "PractitionerRole",
            &id,
            json!({
                "active": true,
                "practitioner": practitioner,
                "organization": reference("Organization", &text(&person["organization"])),
                "specialty": [specialty],
            }),
        );
    }
}

/// An Address in Germany.
pub(super) fn address(address: &Value) -> Value {
    json!({ "line": [address["line"]], "postalCode": address["postalCode"], "city": address["city"], "country": "DE" })
}

/// Given names one by one.
pub(super) fn given(name: &Value) -> Vec<String> {
    text(&name["given"]).split(' ').map(str::to_owned).collect()
}
