//! Batches and transactions: placeholders, conditions, all or nothing.

use crate::harness::{Platform, draft, refused, text};
use serde_json::{Value, json};

fn bundle(kind: &str, entries: Vec<Value>) -> Value {
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries })
}

fn decision() -> Value {
    let mut plan = draft("x", "signed");
    plan["identifier"] = json!([{ "system": "urn:test", "value": "decision" }]);
    json!({
        "fullUrl": "urn:uuid:6d1d7ef4-59ee-4ae0-8b3b-6f5c42d3a001",
        "resource": plan,
        "request": { "method": "POST", "url": "CarePlan", "ifNoneExist": "identifier=urn:test|decision" },
    })
}

fn provenance() -> Value {
    json!({
        "fullUrl": "urn:uuid:6d1d7ef4-59ee-4ae0-8b3b-6f5c42d3a002",
        "resource": {
            "resourceType": "Provenance",
            "target": [{ "reference": "urn:uuid:6d1d7ef4-59ee-4ae0-8b3b-6f5c42d3a001" }],
            "recorded": "2026-11-24T15:07:00+01:00",
            "agent": [{ "who": { "reference": "PractitionerRole/dr-falkenried" } }],
        },
        "request": { "method": "POST", "url": "Provenance" },
    })
}

#[tokio::test]
async fn placeholders_become_the_ids_that_the_server_gave() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    // The reference stands before what it refers to: the order of the entries does not matter.
    let reply = fhir.post("", &[], &bundle("transaction", vec![provenance(), decision()])).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["type"], "transaction-response", "the answer to a transaction");
    let response = &reply.body["entry"][1]["response"];
    assert_eq!(response["status"], "201 Created", "the decision is new");
    assert_eq!(response["etag"], "1", "bare, as HAPI answers");
    let place = text(&response["location"]);
    let plan = place.strip_suffix("/_history/1").expect("the location names the version");
    let found = fhir.get(&format!("Provenance?target={plan}")).await;
    assert_eq!(found.body["entry"][0]["resource"]["target"][0]["reference"], plan, "the placeholder is replaced");
}

#[tokio::test]
async fn a_condition_that_is_met_points_to_what_is_there() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let first = fhir.post("", &[], &bundle("transaction", vec![decision()])).await;
    let second = fhir.post("", &[], &bundle("transaction", vec![decision(), provenance()])).await;
    assert_eq!(second.body["entry"][0]["response"]["status"], "200 OK", "nothing is stored again");
    let place = &first.body["entry"][0]["response"]["location"];
    assert_eq!(&second.body["entry"][0]["response"]["location"], place, "the one from before");
    let plan = text(place).replace("/_history/1", "");
    let found = fhir.get(&format!("Provenance?target={plan}&_summary=count")).await;
    assert_eq!(found.body["total"], 1, "the new Provenance points to the old decision");
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    fhir.put("CarePlan/plan-a", &[], &draft("plan-a", "first")).await;
    fhir.put("CarePlan/plan-a", &[], &draft("plan-a", "second")).await;
    let stale = json!({
        "resource": draft("plan-a", "third"),
        "request": { "method": "PUT", "url": "CarePlan/plan-a", "ifMatch": "W/\"1\"" },
    });
    refused(&fhir.post("", &[], &bundle("transaction", vec![decision(), provenance(), stale])).await, 409);
    assert!(fhir.get("CarePlan?identifier=urn:test|decision").await.ids("match").is_empty(), "nothing was stored");
    let good = json!({
        "resource": draft("plan-a", "third"),
        "request": { "method": "PUT", "url": "CarePlan/plan-a", "ifMatch": "W/\"2\"" },
    });
    let reply = fhir.post("", &[], &bundle("transaction", vec![decision(), good])).await;
    assert_eq!(reply.body["entry"][1]["response"]["etag"], "3", "{}", reply.body);
}

#[tokio::test]
async fn a_placeholder_without_a_resource_is_refused() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    refused(&fhir.post("", &[], &bundle("transaction", vec![provenance()])).await, 400);
    refused(&fhir.post("", &[], &bundle("collection", vec![])).await, 422);
}

#[tokio::test]
async fn a_batch_answers_each_entry_by_itself() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let get = |url: &str| json!({ "request": { "method": "GET", "url": url } });
    let entries = vec![get("Patient/pat-auenwald"), get("Patient/nobody"), get("Patient?family=Steinklee"), decision()];
    let reply = fhir.post("", &[], &bundle("batch", entries)).await;
    let rows = reply.body["entry"].as_array().expect("one answer for each entry");
    let status: Vec<String> = rows.iter().map(|row| text(&row["response"]["status"])).collect();
    assert_eq!(status, ["200 OK", "404 Not Found", "200 OK", "201 Created"], "each has its own status");
    assert_eq!(rows[0]["resource"]["id"], "pat-auenwald", "a read brings the resource");
    assert_eq!(rows[1]["response"]["outcome"]["resourceType"], "OperationOutcome", "a refusal says why");
    assert_eq!(rows[2]["resource"]["type"], "searchset", "a search brings a Bundle");
}

#[tokio::test]
async fn versions_are_taken_out_of_references() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let mut entry = provenance()["resource"].clone();
    entry["target"] = json!([{ "reference": "CarePlan/dec-birkenlicht-1/_history/1" }]);
    let reply = fhir.post("Provenance", &[], &entry).await;
    assert_eq!(reply.body["target"][0]["reference"], "CarePlan/dec-birkenlicht-1", "as HAPI does by default");
}

#[tokio::test]
async fn who_may_not_write_may_not_write_in_a_bundle() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("ebbelund").await;
    refused(&fhir.post("", &[], &bundle("transaction", vec![decision()])).await, 403);
}
