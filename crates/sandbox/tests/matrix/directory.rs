//! The directory: its door, and whom it lists.

use crate::harness::{AMINA, Home, text};
use serde_json::{Value, json};

async fn get(home: &Home, path: &str, header: Option<(&str, &str)>) -> (u16, Value) {
    let mut request = home.client.get(home.url(path));
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let answer = request.send().await.expect("the platform answers");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

/// A token of the directory.
async fn let_in(home: &Home) -> String {
    let amina = home.device(AMINA).await;
    let proof = amina.post(&format!("/user/{}/openid/request_token", amina.user), &json!({})).await.good();
    let door = format!("/vzd/tim-authenticate?mxId={}", text(&proof["matrix_server_name"]));
    let (status, answer) = get(home, &door, Some(("x-matrix-openid-token", text(&proof["access_token"])))).await;
    assert_eq!((status, &answer["expires_in"]), (200, &json!(86_400)), "a day, as gematik's directory gives it");
    format!("Bearer {}", text(&answer["access_token"]))
}

fn ids(bundle: &Value, kind: &str) -> Vec<String> {
    let entries = bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]);
    entries
        .filter(|resource| resource["resourceType"] == kind)
        .map(|resource| text(&resource["id"]).to_owned())
        .collect()
}

#[tokio::test]
async fn only_who_shows_a_token_of_this_homeserver_gets_in() {
    let home = Home::start().await;
    let server = home.running.matrix().server_name().to_owned();
    for (domain, token) in [(server.as_str(), "made-up"), ("elsewhere.example", "made-up")] {
        let door = format!("/vzd/tim-authenticate?mxId={domain}");
        let (status, _) = get(&home, &door, Some(("x-matrix-openid-token", token))).await;
        assert_eq!(status, 401, "{domain}");
    }
    let services = "/vzd/search/HealthcareService?organization.active=true";
    assert_eq!(get(&home, services, None).await.0, 401, "nothing without a token");
    let token = let_in(&home).await;
    assert_eq!(get(&home, services, Some(("authorization", &token))).await.0, 200, "and all with it");
    assert_eq!(get(&home, "/vzd/search/Patient", Some(("authorization", &token))).await.0, 404, "no patients");
    home.running.clock.advance(86_400);
    assert_eq!(get(&home, services, Some(("authorization", &token))).await.0, 401, "until a day is over");
    let (_, document) = get(&home, "/.well-known/konsil", None).await;
    assert_eq!(document["directory"]["base"], format!("{}/vzd", home.running.url), "the platform names it");
}

#[tokio::test]
async fn a_board_is_found_by_words_of_its_name_its_house_and_its_place() {
    let home = Home::start().await;
    let token = let_in(&home).await;
    let search = async |query: &str| {
        let path = format!("/vzd/search/{query}");
        let (status, bundle) = get(&home, &path, Some(("authorization", &token))).await;
        assert_eq!(status, 200, "{query}: {bundle}");
        bundle
    };
    let services =
        "HealthcareService?organization.active=true&endpoint.status=active&_include=HealthcareService:endpoint";
    let bundle = search(&format!("{services}&_text=tumor+UNIVERSITATSKLINIK+erlen+hamato")).await;
    assert_eq!(
        ids(&bundle, "HealthcareService"),
        ["tumorboard-erlenstadt"],
        "beginnings of words, without case and marks"
    );
    let address = format!("matrix:u/tumorboard-erlenstadt:{}", home.running.matrix().server_name());
    let endpoint = &bundle["entry"][1]["resource"];
    assert_eq!(
        (&endpoint["address"], &endpoint["connectionType"]["code"]),
        (&json!(address), &json!("tim-fa")),
        "its address"
    );
    let none = search(&format!("{services}&_text=tumorboard+kinder")).await;
    assert!(ids(&none, "HealthcareService").is_empty(), "one whose only address is suspended");
    let people =
        "PractitionerRole?practitioner.active=true&_include=PractitionerRole:practitioner&_text=radiologie+eschenfurt";
    assert_eq!(ids(&search(people).await, "Practitioner"), ["dr-sonnkaya"], "a person by specialty and place");
}
