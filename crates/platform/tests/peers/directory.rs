//! A directory that lets nobody in, forgets its tokens, breaks off, or keeps no full text.

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{Router, body::Body, extract::Request, response::Response, routing::any};
use http::HeaderMap;
use jiff::SignedDuration;
use platform::{
    directory::{AddressKind, DirectoryClient, NoProof, Proof, Proofs},
    egress::EgressError,
    fhir::FhirError,
};
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use crate::peer::{Moved, body, serve};

/// What the directory was asked: path with query, and headers.
type Asked = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// A homeserver's proofs, counted.
#[derive(Default)]
struct Home {
    given: AtomicU32,
    refuses: bool,
}

impl Proofs for Home {
    fn proof(&self) -> Pin<Box<dyn Future<Output = Result<Proof, NoProof>> + Send + '_>> {
        let number = self.given.fetch_add(1, Ordering::SeqCst);
        let proof = if self.refuses {
            Err(NoProof("M_FORBIDDEN".to_owned()))
        } else {
            let token = Zeroizing::new(format!("proof-{number}"));
            Ok(Proof { token, server_name: "hospital.tim.example".to_owned() })
        };
        Box::pin(ready(proof))
    }
}

/// Answers `/tim-authenticate` with numbered tokens, and searches by `search`, which gets the decoded query.
async fn directory(
    search: impl Fn(&str, &HeaderMap) -> (u16, Value, bool) + Clone + Send + Sync + 'static,
) -> (Url, Asked) {
    let asked = Asked::default();
    let (noted, tokens) = (asked.clone(), Arc::new(AtomicU32::new(0)));
    let app = Router::new().fallback(any(move |request: Request| {
        let path = request.uri().to_string();
        let headers = request.headers().clone();
        noted.lock().expect("no handler panics").push((path.clone(), headers.clone()));
        let (status, answer, cut) = if path.starts_with("/vzd/tim-authenticate") {
            let number = tokens.fetch_add(1, Ordering::SeqCst);
            (
                200,
                json!({"access_token": format!("token-{number}"), "token_type": "bearer", "expires_in": 86400}),
                false,
            )
        } else {
            let query = url::form_urlencoded::parse(path.split_once('?').map_or("", |(_, query)| query).as_bytes())
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join("&");
            search(&query, &headers)
        };
        let text = answer.to_string();
        let content = if cut { body(&text.as_bytes()[..text.len() - 40], 256, true) } else { Body::from(text) };
        let answer = Response::builder().status(status).header("content-type", "application/fhir+json").body(content);
        ready(answer.expect("tests write good headers"))
    }));
    let url = serve(app).await;
    (url.join("vzd").expect("a path"), asked)
}

fn client(base: &Url) -> (DirectoryClient, Arc<Home>, Moved) {
    let (home, time) = (Arc::new(Home::default()), Moved::default());
    (DirectoryClient::new(&time.egress(), base, home.clone()), home, time)
}

fn paths(asked: &Asked) -> Vec<String> {
    asked.lock().expect("no handler panics").iter().map(|(path, _)| path.clone()).collect()
}

fn header(asked: &Asked, at: usize, name: &str) -> Option<String> {
    let asked = asked.lock().expect("no handler panics");
    asked[at].1.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn entry(mode: &str, resource: Value) -> Value {
    json!({"fullUrl": "x", "resource": resource, "search": {"mode": mode}})
}

fn endpoint(id: &str, code: &str, status: &str, address: &str) -> Value {
    entry(
        "include",
        json!({
            "resourceType": "Endpoint", "id": id, "status": status, "name": format!("Anmeldung {id}"), "address": address,
            "connectionType": {"system": "https://gematik.de/fhir/directory/CodeSystem/EndpointDirectoryConnectionType", "code": code},
            "payloadType": [{"coding": [{"code": "tim-chat"}]}],
        }),
    )
}

/// A service with five endpoints of which two can be written to.
fn board() -> Vec<Value> {
    vec![
        entry(
            "match",
            json!({
                "resourceType": "HealthcareService", "id": "board", "active": true, "name": "Tumorboard",
                "providedBy": {"reference": "Organization/house"}, "location": [{"reference": "Location/here"}],
                "specialty": [{"coding": [{"code": "x", "display": "Onkologie"}]}],
                "endpoint": [
                    {"reference": "Endpoint/off"}, {"reference": "Endpoint/mail"}, {"reference": "Endpoint/odd"},
                    {"reference": "Endpoint/person"}, {"reference": "Endpoint/board"},
                ],
            }),
        ),
        entry(
            "include",
            json!({"resourceType": "Organization", "id": "house", "active": true, "name": "Uniklinik Erlenstadt"}),
        ),
        entry("include", json!({"resourceType": "Location", "id": "here", "address": {"city": "Erlenstadt"}})),
        endpoint("off", "tim-fa", "off", "matrix:u/old:tim.example"),
        endpoint("mail", "kim-1.5", "active", "mailto:board@kim.example"),
        endpoint("odd", "tim", "active", "matrix:r/room:tim.example"),
        endpoint("person", "tim", "active", "matrix:u/ilva:tim.example"),
        endpoint("board", "tim-fa", "active", "matrix:u/tumorboard:tim.example"),
    ]
}

fn bundle(entries: &[Value]) -> Value {
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entries})
}

#[tokio::test]
async fn a_proof_of_the_homeserver_opens_the_directory_once_for_all_searches() {
    let (base, asked) = directory(|_, _| (200, bundle(&board()), false)).await;
    let (client, home, _) = client(&base);
    let found = client.services("Tumorboard Uniklinik").await.expect("it answers");
    assert_eq!(found.entries.len(), 1, "one board: {found:?}");
    let board = &found.entries[0];
    assert_eq!(board.name, "Tumorboard", "its own name");
    assert_eq!(board.organization.as_deref(), Some("Uniklinik Erlenstadt"), "the house that came along");
    assert_eq!(board.place.as_deref(), Some("Erlenstadt"), "its place");
    assert_eq!(board.specialties, ["Onkologie"], "the display of a coding");
    let addresses: Vec<_> = board.addresses.iter().map(|address| (address.id.as_str(), address.kind)).collect();
    // FHIR_VZD_HOWTO_Search: the client leaves out what is not active; the others are no addresses in chat.
    let expected = [("@tumorboard:tim.example", AddressKind::Functional), ("@ilva:tim.example", AddressKind::Person)];
    assert_eq!(addresses, expected, "the board's own address before that of a person");
    assert!(!found.partial && !found.more, "all of it: {found:?}");

    client.people("Ilva").await.expect("it answers again");
    assert_eq!(home.given.load(Ordering::SeqCst), 1, "one proof for both");
    let paths = paths(&asked);
    assert_eq!(paths[0], "/vzd/tim-authenticate?mxId=hospital.tim.example", "as gematik writes it");
    assert_eq!(header(&asked, 0, "x-matrix-openid-token").as_deref(), Some("proof-0"), "with the homeserver's word");
    assert!(
        paths[1].starts_with("/vzd/search/HealthcareService?organization.active=true&endpoint.status=active"),
        "{paths:?}"
    );
    assert!(paths.iter().any(|path| path.ends_with("_text=Tumorboard+Uniklinik")), "the full text: {paths:?}");
    let long = "_text=Tumorboard+Universit%C3%A4tsklinik";
    assert!(paths.iter().any(|path| path.ends_with(long)), "and by the house's other name: {paths:?}");
    assert_eq!(header(&asked, 1, "authorization").as_deref(), Some("Bearer token-0"), "with the directory's token");
    assert_eq!(header(&asked, 1, "x-matrix-openid-token"), None, "and without the proof");
    assert!(paths[3].starts_with("/vzd/search/PractitionerRole?practitioner.active=true"), "{paths:?}");
}

#[tokio::test]
async fn a_token_that_ended_is_had_anew_once_and_a_refusal_stands() {
    let (base, asked) = directory(|_, headers| {
        let token = headers["authorization"].to_str().unwrap_or_default();
        if token == "Bearer token-0" { (401, json!({}), false) } else { (200, bundle(&board()), false) }
    })
    .await;
    let (client, home, time) = client(&base);
    assert_eq!(client.services("Tumorboard").await.expect("the second token is taken").entries.len(), 1, "found");
    assert_eq!(home.given.load(Ordering::SeqCst), 2, "one exchange more");
    // Its life is a day, as the directory says.
    time.by(SignedDuration::from_hours(24));
    client.services("Tumorboard").await.expect("it answers");
    assert_eq!(home.given.load(Ordering::SeqCst), 3, "a token whose time is over is not sent");
    assert_eq!(
        header(&asked, paths(&asked).len() - 1, "authorization").as_deref(),
        Some("Bearer token-2"),
        "the third"
    );

    let (base, asked) = directory(|_, _| (403, json!({}), false)).await;
    let (client, home, _) = self::client(&base);
    let refused = client.services("Tumorboard").await;
    assert!(matches!(refused, Err(FhirError::Denied(403))), "it is said so: {refused:?}");
    assert_eq!((home.given.load(Ordering::SeqCst), paths(&asked).len()), (2, 4), "and not asked for ever");
}

#[tokio::test]
async fn half_an_answer_is_shown_as_half() {
    let mut entries = board();
    entries.extend(board());
    let (base, _) = directory(move |_, _| (200, bundle(&entries), true)).await;
    let found = client(&base).0.services("Tumorboard").await.expect("what came is whole");
    assert_eq!((found.entries.len(), found.partial), (1, true), "once, and marked: {found:?}");
}

#[tokio::test]
async fn a_server_without_full_text_is_asked_by_names_and_places_and_narrowed_here() {
    let (base, asked) = directory(|query, _| {
        if query.contains("_text=") {
            // HAPI's words without a full text index.
            return (400, json!({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "HAPI-1192: Fulltext search is not enabled"}]}), false);
        }
        if query.contains("location.address-city") {
            return (500, json!({}), false);
        }
        let mut entries = board();
        entries.push(entry(
            "match",
            json!({
                "resourceType": "HealthcareService", "id": "other", "name": "Tumorboard",
                "providedBy": {"reference": "Organization/other", "display": "Uniklinik Anderswo"},
                "endpoint": [{"reference": "Endpoint/board"}],
            }),
        ));
        (200, bundle(&entries), false)
    })
    .await;
    let (client, ..) = client(&base);
    let found = client.services("tumorboard erlen").await.expect("three of four answer");
    let names: Vec<_> = found.entries.iter().map(|entry| entry.organization.as_deref()).collect();
    assert_eq!(names, [Some("Uniklinik Erlenstadt")], "every word is somewhere in it");
    assert!(found.partial, "a question without an answer is told");
    let asked_for: Vec<_> =
        paths(&asked).iter().filter(|path| path.contains("%3Acontains=erlen%2Ctumorboard")).cloned().collect();
    assert_eq!(asked_for.len(), 4, "name, house and two places: {asked_for:?}");
    client.services("tumorboard").await.expect("it answers");
    assert_eq!(
        paths(&asked).iter().filter(|path| path.contains("_text=")).count(),
        1,
        "the full text is not asked again"
    );
}

#[tokio::test]
async fn why_nobody_gets_in_is_told_apart() {
    let (base, _) = directory(|_, _| (200, bundle(&[]), false)).await;
    let egress = Moved::default().egress();
    let home = Arc::new(Home { refuses: true, ..Home::default() });
    let answer = DirectoryClient::new(&egress, &base, home).services("x").await;
    assert!(matches!(answer, Err(FhirError::NoToken(_))), "the homeserver says no: {answer:?}");

    let refusing = Router::new().fallback(any(|| ready(http::StatusCode::UNAUTHORIZED)));
    let (strangers, ..) = client(&serve(refusing).await);
    let answer = strangers.services("x").await;
    assert!(matches!(answer, Err(FhirError::Denied(401))), "the directory says no: {answer:?}");

    let wrong = Router::new().fallback(any(|| ready("<html>")));
    let (portal, ..) = client(&serve(wrong).await);
    let answer = portal.services("x").await;
    assert!(matches!(answer, Err(FhirError::NoToken(_))), "a page is no token: {answer:?}");

    let (gone, ..) = client(&Url::parse("http://127.0.0.1:1/vzd").expect("a URL"));
    let answer = gone.services("x").await;
    assert!(matches!(answer, Err(FhirError::Unreachable(EgressError::Unreachable { .. }))), "nobody there: {answer:?}");
}

#[tokio::test]
async fn nothing_is_asked_for_signs_alone() {
    let (base, asked) = directory(|_, _| (200, bundle(&board()), false)).await;
    let found = client(&base).0.services(" -,| ").await.expect("that is no error");
    assert!(found.entries.is_empty() && paths(&asked).is_empty(), "no request at all");
}
