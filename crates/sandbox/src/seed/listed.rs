//! What the directory lists: services and people with their addresses in chat, those of the network and those of two
//! houses beside it.

use super::directory::{address, given};
use super::maker::{list, reference, text};
use super::recipe;
use crate::people::Person;
use serde_json::{Value, json};

const CONNECTION: &str = "https://gematik.de/fhir/directory/CodeSystem/EndpointDirectoryConnectionType";
const PAYLOAD: &str = "https://gematik.de/fhir/directory/CodeSystem/EndpointDirectoryPayloadType";

/// The accounts that nobody signs in to, beside those who do.
pub(crate) fn with_listed(mut people: Vec<Person>) -> Vec<Person> {
    let listed = recipe::directory();
    let account = |entry: &Value, name: String| Person {
        username: text(&entry["id"]),
        name,
        given: text(&entry["given"]),
        family: text(&entry["family"]),
        gender: text(&entry["gender"]),
        email: String::new(),
        organization: String::new(),
        specialty_de: String::new(),
        specialty_en: String::new(),
        roles: Vec::new(),
    };
    people.extend(list(&listed["services"]).map(|service| account(service, text(&service["name"]))));
    people.extend(list(&listed["people"]).map(|person| account(person, display(person))));
    people
}

/// Whoever takes invitations only from those whom they have allowed.
pub(crate) fn closed() -> Vec<String> {
    let people = list(&recipe::directory()["people"]);
    people.filter(|person| person["closed"] == true).map(|person| text(&person["id"])).collect()
}

/// The directory's resources, with addresses on this homeserver.
pub(crate) fn resources(server: &str) -> Vec<Value> {
    let (network, listed) = (recipe::network(), recipe::directory());
    let mut all = Vec::new();
    for house in list(&network["organizations"]).chain(list(&listed["organizations"])) {
        let id = text(&house["id"]);
        let place = json!({ "name": house["name"], "address": address(&house["address"]) });
        all.push(resource("Organization", &id, json!({ "active": true, "name": house["name"] })));
        all.push(resource("Location", &id, place));
    }
    for service in list(&listed["services"]) {
        let id = text(&service["id"]);
        let status = service["endpoint_status"].as_str().unwrap_or("active");
        all.push(endpoint(&id, ("tim-fa", "TI-Messenger Functional Account"), status, &service["endpoint"], server));
        let house = text(&service["organization"]);
        all.push(resource(
            "HealthcareService",
            &id,
            json!({
                "active": true,
                "name": service["name"],
                "providedBy": reference("Organization", &house),
                "location": [reference("Location", &house)],
                "specialty": [{ "text": service["specialty"] }],
                "endpoint": [reference("Endpoint", &id)],
            }),
        ));
    }
    for person in list(&network["people"]).chain(list(&listed["people"])) {
        all.extend(listed_person(person, server));
    }
    all
}

fn listed_person(person: &Value, server: &str) -> [Value; 3] {
    let (id, house) = (text(&person["id"]), text(&person["organization"]));
    let specialty = person["specialty"]["de"].as_str().or(person["specialty"].as_str()).unwrap_or_default();
    let mut name =
        json!({ "use": "official", "family": person["family"], "given": given(person), "text": display(person) });
    if person["prefix"] != "" {
        name["prefix"] = json!([person["prefix"]]);
    }
    [
        endpoint(&id, ("tim", "TI-Messenger"), "active", &json!(null), server),
        resource(
            "Practitioner",
            &id,
            json!({ "active": true, "name": [name], "qualification": [{ "code": { "text": specialty } }] }),
        ),
        resource(
            "PractitionerRole",
            &id,
            json!({
                "active": true,
                "practitioner": reference("Practitioner", &id),
                "organization": reference("Organization", &house),
                "location": [reference("Location", &house)],
                "endpoint": [reference("Endpoint", &id)],
            }),
        ),
    ]
}

fn endpoint(id: &str, connection: (&str, &str), status: &str, name: &Value, server: &str) -> Value {
    let (code, display) = connection;
    let mut content = json!({
        "status": status,
        "connectionType": { "system": CONNECTION, "code": code, "display": display },
        "payloadType": [{ "coding": [{ "system": PAYLOAD, "code": "tim-chat", "display": "TI-Messenger chat" }] }],
        "address": format!("matrix:u/{id}:{server}"),
    });
    if name.is_string() {
        content["name"] = name.clone();
    }
    resource("Endpoint", id, content)
}

fn resource(kind: &str, id: &str, mut content: Value) -> Value {
    content["resourceType"] = json!(kind);
    content["id"] = json!(id);
    content
}

fn display(person: &Value) -> String {
    let parts = ["prefix", "given", "family"].map(|part| text(&person[part]));
    parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
}
