//! Finding a board or a person in the directory, and writing to them.

use super::{Home, desks::sees_chat};
use crate::client::{egress, found, plain, records};
use crate::{MODERATOR, at_work_on, code, platforms::on_each_platform};
use axum::extract::Path;
use axum::http::{HeaderMap, Uri};
use axum::routing::get;
use axum::{Json, Router};
use contract::{
    ChatStateView, ConversationMembership, DirectoryEntryView, DirectoryView, FailureCode, Part, Reply, Request,
};
use platform::directory::{DirectoryClient, NoProof, Proof, Proofs};
use sandbox::Options;
use serde_json::{Value, json};
use std::{future::Future, pin::Pin, sync::Arc};
use testkit::{DeskKit, Platform};
use url::Url;
use zeroize::Zeroizing;

on_each_platform![any_fhir_server_carries_a_directory];

async fn search(desk: &DeskKit, words: &str) -> DirectoryView {
    let found = desk.call(Request::SearchDirectory { words: words.to_owned() }).await;
    let Ok(Reply::Directory(found)) = found else { panic!("a directory: {:?}", code(&found)) };
    found
}

fn entries(part: &Part<Vec<DirectoryEntryView>>) -> &[DirectoryEntryView] {
    match part {
        Part::Ready { value, .. } => value,
        Part::Loading | Part::Empty | Part::Denied | Part::Absent | Part::Failed { .. } => &[],
    }
}

fn names(part: &Part<Vec<DirectoryEntryView>>) -> Vec<&str> {
    entries(part).iter().map(|entry| entry.name.as_str()).collect()
}

async fn in_chat(platform: &Platform) -> (tempfile::TempDir, DeskKit) {
    let (folder, desk) = at_work_on(platform, MODERATOR).await;
    sees_chat(&desk, "chat", |view| (view.state == ChatStateView::Ready).then_some(())).await;
    (folder, desk)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_is_found_by_what_one_calls_it_and_written_to() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, desk) = in_chat(&platform).await;
    let found = search(&desk, "Tumorboard Uniklinik").await;
    // The recipe of the directory.
    let expected = [
        "Tumorboard, Universitätsklinikum Erlenstadt",
        "Molekulares Tumorboard, Universitätsklinikum Erlenstadt",
        "Interdisziplinäres Tumorboard Buchenried",
    ];
    let mut listed = names(&found.services);
    listed.sort_unstable();
    let mut wanted = expected;
    wanted.sort_unstable();
    assert_eq!(listed, wanted, "both hospitals' boards, and not the one whose address is suspended");
    assert!(!found.partial, "all of it");
    let board = entries(&found.services).iter().find(|entry| entry.name == expected[0]).expect("it is among them");
    assert_eq!(board.place.as_deref(), Some("Erlenstadt"), "where it is");
    assert_eq!(board.addresses[0].name.as_deref(), Some("Anmeldestelle"), "who answers");

    let address = board.addresses[0].id.clone();
    let begun = desk.call(Request::BeginConversation { people: vec![address.clone()], name: None, case: None }).await;
    let Ok(Reply::Begun(begun)) = begun else { panic!("a conversation: {:?}", code(&begun)) };
    let row = sees_chat(&desk, "the conversation", |view| {
        view.conversations.iter().find(|row| row.id == begun.conversation).cloned()
    })
    .await;
    assert_eq!((row.name.as_str(), &row.membership), (expected[0], &ConversationMembership::Joined), "with the board");

    let people = search(&desk, "Sonnkaya").await;
    assert_eq!(
        (names(&people.services).len(), names(&people.people)),
        (0, vec!["Dr. med. Leyla Sonnkaya"]),
        "a person"
    );
    assert_eq!(entries(&people.people)[0].organization.as_deref(), Some("Klinikum Eschenfurt"), "and her house");
    let own = search(&desk, "Falkenried").await;
    assert_eq!(own.people, Part::Empty, "nobody finds themselves");
    let short = search(&desk, "Tu").await;
    assert_eq!((short.services, short.people), (Part::Empty, Part::Empty), "two letters are no question");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nobody_unasked_is_found_and_not_reached() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, desk) = in_chat(&platform).await;
    let found = search(&desk, "Rotdornhain Erlenstadt").await;
    let person = entries(&found.people).first().expect("she is listed");
    let people = vec![person.addresses[0].id.clone()];
    let refused = desk.call(Request::BeginConversation { people, name: None, case: None }).await;
    assert_eq!(code(&refused), Some(FailureCode::NotAllowed), "the homeserver says no, and not why (A_26021-01)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_is_gone_or_forgets_its_token_keeps_nobody_from_writing() {
    let (platform, detour, _folder, desk) = crate::faults::behind().await;
    sees_chat(&desk, "chat", |view| (view.state == ChatStateView::Ready).then_some(())).await;
    assert_eq!(names(&search(&desk, "Thoraxboard").await.services), ["Thoraxboard Tannhalde"], "before");
    // The directory's tokens live a day; the homeserver's session is refreshed meanwhile.
    platform.advance(86_401);
    let found = search(&desk, "Thoraxboard").await;
    assert_eq!(names(&found.services), ["Thoraxboard Tannhalde"], "a new token is had by itself: {found:?}");
    detour.spoil(
        |_, path| {
            if path.starts_with("/vzd") { testkit::Spoiled::Status(503) } else { testkit::Spoiled::Not }
        },
    );
    let found = search(&desk, "Thoraxboard").await;
    assert!(matches!(found.services, Part::Failed { .. }), "it is said: {:?}", found.services);
    let home = Home::at(&platform).await;
    let people = vec![home.id("thoraxboard-tannhalde")];
    let begun = desk.call(Request::BeginConversation { people, name: None, case: None }).await;
    assert!(matches!(begun, Ok(Reply::Begun(_))), "by the whole address it goes on: {:?}", code(&begun));
}

/// A directory's door before the records of a platform, which are any FHIR server's: it lets everybody in.
async fn door_before(platform: &Platform) -> Url {
    let (records, base) =
        (platform.records(MODERATOR).await.expect("the moderator has them"), records_of(platform).await);
    let token = records.token().to_owned();
    let front = Router::new()
        .route(
            "/vzd/tim-authenticate",
            get(async move || Json(json!({"access_token": token, "token_type": "bearer", "expires_in": 300}))),
        )
        .route(
            "/vzd/search/{kind}",
            get(async move |Path(kind): Path<String>, uri: Uri, headers: HeaderMap| {
                let asked = format!("{base}/{kind}?{}", uri.query().unwrap_or_default());
                let answer = plain().get(asked).header("authorization", &headers["authorization"]).send().await;
                let answer = answer.expect("the records answer");
                let status = answer.status();
                (status, answer.bytes().await.expect("all of it"))
            }),
        );
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports");
    let url = format!("http://{}/vzd", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, front).await });
    Url::parse(&url).expect("a URL")
}

async fn records_of(platform: &Platform) -> String {
    let found = found(&egress(), platform).await;
    found.fhir.expect("it has records").as_str().trim_end_matches('/').to_owned()
}

struct Anybody;

impl Proofs for Anybody {
    fn proof(&self) -> Pin<Box<dyn Future<Output = Result<Proof, NoProof>> + Send + '_>> {
        let proof = Proof { token: Zeroizing::new("proof".to_owned()), server_name: "tim.example".to_owned() };
        Box::pin(std::future::ready(Ok(proof)))
    }
}

/// A FHIR server that is no VZD-FHIR carries the same resources: it has no full text, and perhaps looks only at the
/// beginnings of names.
async fn any_fhir_server_carries_a_directory(platform: &Platform) {
    let (client, _) = records(platform, MODERATOR).await;
    // Servers keep what earlier runs made.
    let mark = format!("Q{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
    let id = |kind: &str| format!("{kind}-{}", mark.to_lowercase());
    let put = |kind: &str, mut resource: Value| {
        let id = id(kind);
        let kind = resource["resourceType"].as_str().expect("a type").to_owned();
        resource["id"] = json!(id);
        json!({"resource": resource, "request": {"method": "PUT", "url": format!("{kind}/{id}")}})
    };
    let reference = |kind: &str, of: &str| json!({"reference": format!("{kind}/{}", id(of))});
    let endpoint = |status: &str, address: &str| {
        json!({
            "resourceType": "Endpoint", "status": status, "address": address,
            "connectionType": {"system": "https://gematik.de/fhir/directory/CodeSystem/EndpointDirectoryConnectionType", "code": "tim-fa"},
            "payloadType": [{"coding": [{"system": "https://gematik.de/fhir/directory/CodeSystem/EndpointDirectoryPayloadType", "code": "tim-chat"}]}],
        })
    };
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        put("house", json!({"resourceType": "Organization", "active": true, "name": format!("{mark} Klinik Erlenstadt")})),
        put("place", json!({"resourceType": "Location", "address": {"city": format!("{mark}burg")}})),
        put("open", endpoint("active", "matrix:u/board:tim.example")),
        put("shut", endpoint("off", "matrix:u/old:tim.example")),
        put("board", json!({
            "resourceType": "HealthcareService", "active": true, "name": "Tumorboard der Lunge",
            "providedBy": reference("Organization", "house"), "location": [reference("Location", "place")],
            "endpoint": [reference("Endpoint", "shut"), reference("Endpoint", "open")],
        })),
        put("person", json!({"resourceType": "Practitioner", "active": true, "name": [{"family": mark, "given": ["Ilva"], "prefix": ["Prof."]}]})),
        put("mine", json!({
            "resourceType": "Endpoint", "status": "active", "address": "matrix:u/ilva:tim.example",
            "connectionType": {"system": "https://gematik.de/fhir/directory/CodeSystem/EndpointDirectoryConnectionType", "code": "tim"},
            "payloadType": [{"coding": [{"code": "tim-chat"}]}],
        })),
        put("role", json!({
            "resourceType": "PractitionerRole", "active": true, "practitioner": reference("Practitioner", "person"),
            "organization": reference("Organization", "house"), "endpoint": [reference("Endpoint", "mine")],
        })),
    ]});
    client.transaction(&bundle).await.expect("the server takes it");

    let base = door_before(platform).await;
    let directory = DirectoryClient::new(&egress(), &base, Arc::new(Anybody));
    for words in [format!("{mark} Tumorboard"), format!("lunge {mark}burg"), format!("Tumorboard Erlenstadt {mark}")] {
        let found = directory.services(&words).await.expect("it answers");
        let boards: Vec<_> = found.entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(boards, ["Tumorboard der Lunge"], "{words}");
        let addresses: Vec<_> = found.entries[0].addresses.iter().map(|address| address.id.as_str()).collect();
        assert_eq!(addresses, ["@board:tim.example"], "the one that is in use");
        assert_eq!(found.entries[0].place.as_deref(), Some(format!("{mark}burg").as_str()), "its place");
    }
    let none = directory.services(&format!("Tumorboard {mark} Anderswo")).await.expect("it answers");
    assert!(none.entries.is_empty(), "every word counts");
    let person = directory.people(&mark).await.expect("it answers");
    let names: Vec<_> = person.entries.iter().map(|entry| entry.name.clone()).collect();
    assert_eq!(names, [format!("Prof. Ilva {mark}")], "a person by the family name");
}
