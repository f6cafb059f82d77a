//! FHIR servers that page, cut, hurry, refuse and version in their own ways.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use platform::fhir::{FhirClient, FhirError, decimal_text};
use serde_json::{Value, json};
use url::Url;

use crate::{
    peer::{Moved, serve},
    provider::Provider,
};

/// A prepared answer.
struct Say {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// The connection ends after the body, before the answer does.
    cut: bool,
}

fn say(status: u16, body: impl ToString) -> Say {
    Say { status, headers: Vec::new(), body: body.to_string(), cut: false }
}

impl Say {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn cut(mut self) -> Self {
        self.cut = true;
        self
    }
}

/// What was asked.
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Say>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

async fn play(State(script): State<Script>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("requests are small");
    script.asked.lock().expect("no handler panics").push(Asked {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        body,
    });
    let answer = script.answers.lock().expect("no handler panics").pop_front();
    let Say { status, headers, body, cut } = answer.unwrap_or_else(|| say(599, "nothing more is prepared"));
    let mut response = Response::builder().status(status).header("content-type", "application/fhir+json");
    for (name, value) in headers {
        response = response.header(name, value);
    }
    let body = if cut { crate::peer::body(body.as_bytes(), 512, true) } else { Body::from(body) };
    response.body(body).expect("tests write good headers")
}

struct Scene {
    fhir: FhirClient,
    base: Url,
    script: Script,
    moved: Moved,
}

async fn scene() -> Scene {
    let provider = Provider::start().await;
    let moved = Moved::default();
    let (egress, session, _) = provider.session(&moved).await;
    let script = Script::default();
    let base = serve(Router::new().fallback(play).with_state(script.clone())).await;
    let base = base.join("fhir").expect("a plain path");
    Scene { fhir: FhirClient::new(&egress, base.clone(), &session), base, script, moved }
}

impl Scene {
    fn answers(&self, answers: impl IntoIterator<Item = Say>) {
        self.script.answers.lock().expect("no handler panics").extend(answers);
    }

    fn asked<T>(&self, read: impl Fn(&Asked) -> T) -> Vec<T> {
        self.script.asked.lock().expect("no handler panics").iter().map(read).collect()
    }
}

fn bundle(resources: impl IntoIterator<Item = Value>, next: Option<&str>) -> Value {
    let link: Vec<_> = next.into_iter().map(|url| json!({"relation": "next", "url": url})).collect();
    let entry: Vec<_> = resources.into_iter().map(|resource| json!({"resource": resource})).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entry})
}

fn condition(id: usize) -> Value {
    json!({"resourceType": "Condition", "id": format!("c{id}")})
}

fn ids(resources: &[Value]) -> Vec<&str> {
    resources.iter().filter_map(|resource| resource["id"].as_str()).collect()
}

#[tokio::test]
async fn next_links_are_followed_as_they_stand() {
    let scene = scene().await;
    // HAPI's: at the base and not under the type, and in nobody's spelling but its own.
    let next = format!("{}?_getpages=8d1b%7C3&_getpagesoffset=2&_bundletype=searchset", scene.base);
    scene
        .answers([say(200, bundle([condition(1), condition(2)], Some(&next))), say(200, bundle([condition(3)], None))]);
    let found = scene.fhir.search("Condition", &[("patient", "p")], 300).await.expect("both pages are good");
    assert_eq!(ids(&found.matches), ["c1", "c2", "c3"], "in the server's order");
    assert!(!found.more && !found.truncated, "and that is all: {found:?}");
    let uris = scene.asked(|asked| asked.uri.to_string());
    assert_eq!(
        uris,
        ["/fhir/Condition?patient=p", "/fhir?_getpages=8d1b%7C3&_getpagesoffset=2&_bundletype=searchset"],
        "the link is not rewritten"
    );
}

#[tokio::test]
async fn a_next_link_to_another_host_is_not_followed() {
    let scene = scene().await;
    scene.answers([say(200, bundle([condition(1)], Some("http://evil.example/fhir?page=2")))]);
    let found = scene.fhir.search("Condition", &[], 300).await.expect("the first page is good");
    assert_eq!(ids(&found.matches), ["c1"], "what was read is kept");
    assert!(found.truncated, "and marked as not all");
}

#[tokio::test]
async fn a_redirect_to_another_host_does_not_get_the_token() {
    let scene = scene().await;
    scene.answers([say(307, "").with("location", "http://localhost:1/fhir/Patient/p")]);
    let refused = scene.fhir.read("Patient", "p").await;
    assert!(matches!(refused, Err(FhirError::Unreachable(_))), "{refused:?}");
    assert_eq!(scene.asked(|_| ()).len(), 1, "nobody else was asked");
}

#[tokio::test]
async fn a_bundle_cut_in_half_keeps_what_was_whole() {
    let scene = scene().await;
    let whole = bundle((0..40).map(condition), None).to_string();
    let half = whole[..whole.find("c20").expect("it is in there")].to_owned();
    scene.answers([say(200, half).cut()]);
    let found = scene.fhir.search("Condition", &[], 300).await.expect("half is better than nothing");
    assert_eq!(found.matches.len(), 20, "the conditions before the cut");
    assert!(found.truncated, "and it is said that they are not all");
}

#[tokio::test]
async fn a_failing_second_page_keeps_the_first() {
    let scene = scene().await;
    scene.answers([say(200, bundle([condition(1)], Some("?page=2"))), say(500, "")]);
    let found = scene.fhir.search("Condition", &[], 300).await.expect("the first page is good");
    assert_eq!((ids(&found.matches), found.truncated), (vec!["c1"], true), "kept, and marked");
}

#[tokio::test]
async fn a_cap_ends_the_reading_and_says_that_there_is_more() {
    let scene = scene().await;
    scene.answers([say(200, bundle((0..3).map(condition), Some("?page=2")))]);
    let found = scene.fhir.search("Condition", &[], 3).await.expect("the page is good");
    assert_eq!((found.matches.len(), found.more), (3, true), "the next page is not asked for");
    scene.answers([say(200, bundle((0..3).map(condition), None))]);
    let found = scene.fhir.search("Condition", &[], 2).await.expect("the page is good");
    assert_eq!((found.matches.len(), found.more), (2, true), "a page larger than the cap is cut");
    scene.answers([say(200, bundle((0..3).map(condition), None))]);
    let found = scene.fhir.search("Condition", &[], 3).await.expect("the page is good");
    assert_eq!((found.matches.len(), found.more), (3, false), "as many as the cap are not more");
}

#[tokio::test]
async fn what_comes_along_is_told_from_what_was_asked_for() {
    let scene = scene().await;
    scene.answers([say(
        200,
        json!({"resourceType": "Bundle", "total": 1, "entry": [
            {"resource": condition(1), "search": {"mode": "match"}},
            {"resource": {"resourceType": "Observation", "id": "o"}, "search": {"mode": "include"}},
            {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}},
            {"resource": {"resourceType": "FutureThing", "id": "f"}},
            {"fullUrl": "urn:uuid:1"},
        ]}),
    )]);
    let found = scene.fhir.search("Condition", &[], 300).await.expect("the page is good");
    assert_eq!(ids(&found.matches), ["c1"], "of the kind that was asked for");
    assert_eq!(ids(&found.included), ["o", "f"], "what was included lies apart, and so does what nobody knows");
    assert_eq!(found.total, Some(1), "the server's count");
}

#[tokio::test]
async fn a_page_that_is_no_bundle_is_unreadable() {
    let scene = scene().await;
    for body in ["<html>Wartung</html>", "{\"resourceType\":\"Patient\"}", ""] {
        scene.answers([say(200, body)]);
        let refused = scene.fhir.search("Condition", &[], 300).await;
        assert!(matches!(refused, Err(FhirError::Unreadable(_))), "{body}: {refused:?}");
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_after_the_time_that_it_named() {
    let scene = scene().await;
    scene.answers([say(429, "").with("retry-after", "7"), say(200, condition(1))]);
    scene.fhir.read("Condition", "c1").await.expect("the second attempt is good");
    assert_eq!(scene.moved.pauses(), [Duration::from_secs(7)], "one pause, as named");
}

#[tokio::test]
async fn a_failing_server_is_asked_three_times_more_with_growing_pauses() {
    let scene = scene().await;
    scene.answers([say(502, ""), say(503, ""), say(504, ""), say(503, "")]);
    let refused = scene.fhir.read("Condition", "c1").await;
    assert!(matches!(refused, Err(FhirError::Server(503))), "{refused:?}");
    let pauses = scene.moved.pauses();
    assert_eq!(pauses.len(), 3, "three more attempts");
    for (pause, whole) in pauses.iter().zip([250, 500, 1000]) {
        let range = Duration::from_millis(whole / 2)..=Duration::from_millis(whole);
        assert!(range.contains(pause), "{pause:?} lies in {range:?}");
    }
}

#[tokio::test]
async fn a_500_is_told_at_once() {
    let scene = scene().await;
    scene.answers([say(500, "")]);
    let refused = scene.fhir.read("Condition", "c1").await;
    assert!(matches!(refused, Err(FhirError::Server(500))), "{refused:?}");
    assert!(scene.moved.pauses().is_empty(), "a fault is no traffic jam");
}

#[tokio::test]
async fn a_write_is_only_repeated_when_its_condition_lets_it_happen_once() {
    let scene = scene().await;
    scene.answers([say(503, "")]);
    let refused = scene.fhir.create(&json!({"resourceType": "Task"}), None).await;
    assert!(matches!(refused, Err(FhirError::Server(503))), "it may have been carried out: {refused:?}");

    let task = json!({"resourceType": "Task", "id": "t", "meta": {"versionId": "1"}});
    scene.answers([say(503, ""), say(201, &task)]);
    let stored = scene.fhir.create(&json!({"resourceType": "Task"}), Some("identifier=urn:konsil|a b")).await;
    assert_eq!(stored.expect("the second attempt is good").version, "1", "the version");
    let conditions =
        scene.asked(|asked| asked.headers.get("if-none-exist").map(|value| value.to_str().expect("text").to_owned()));
    let condition = Some("identifier=urn:konsil%7Ca%20b".to_owned());
    assert_eq!(conditions, [None, condition.clone(), condition], "the condition goes along each time");
}

#[tokio::test]
async fn versions_are_the_same_however_a_server_writes_them() {
    let scene = scene().await;
    for etag in ["W/\"4\"", "\"4\"", "4"] {
        scene.answers([say(200, condition(1)).with("etag", etag)]);
        assert_eq!(scene.fhir.read("Condition", "c1").await.expect("it is there").version, "4", "{etag}");
        scene.answers([say(200, condition(1)).with("etag", "W/\"5\"")]);
        let stored = scene.fhir.update(&condition(1), etag).await.expect("nobody was faster");
        assert_eq!(stored.version, "5", "the next version");
    }
    let sent = scene.asked(|asked| asked.headers.get("if-match").map(|value| value.to_str().expect("text").to_owned()));
    assert!(sent.iter().flatten().all(|value| value == "W/\"4\""), "FHIR's own form goes out: {sent:?}");
}

#[tokio::test]
async fn both_statuses_of_a_conflict_are_one() {
    let scene = scene().await;
    for status in [409, 412] {
        scene.answers([say(status, "")]);
        let refused = scene.fhir.update(&condition(1), "1").await;
        assert!(matches!(refused, Err(FhirError::Conflict(_))), "{status}: {refused:?}");
    }
}

#[tokio::test]
async fn a_conflict_with_our_own_lost_attempt_is_none() {
    let scene = scene().await;
    let sent = json!({"resourceType": "CarePlan", "id": "d", "description": "x"});
    let stored = json!({"resourceType": "CarePlan", "id": "d", "description": "x", "meta": {"versionId": "2"}});
    scene.answers([say(504, ""), say(412, ""), say(200, &stored)]);
    assert_eq!(scene.fhir.update(&sent, "1").await.expect("it was stored").version, "2", "by the first attempt");

    let other = json!({"resourceType": "CarePlan", "id": "d", "description": "y", "meta": {"versionId": "2"}});
    scene.answers([say(504, ""), say(412, ""), say(200, &other)]);
    let refused = scene.fhir.update(&sent, "1").await;
    assert!(matches!(refused, Err(FhirError::Conflict(_))), "somebody else's is one: {refused:?}");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let scene = scene().await;
    let outcome = |words: &str| json!({"resourceType": "OperationOutcome", "issue": [{"code": "processing", "diagnostics": words}]});
    scene.answers([
        say(404, ""),
        say(410, ""),
        say(400, outcome("HAPI-0524: Unknown search parameter \"contributor\"")),
        say(400, outcome("HAPI-0960: Can not create resource")),
        say(422, outcome("CarePlan.intent: minimum required = 1")),
    ]);
    let search = async || scene.fhir.search("CarePlan", &[("contributor", "x")], 9).await.map(drop);
    let write = async || scene.fhir.create(&json!({"resourceType": "CarePlan"}), None).await.map(drop);
    assert!(matches!(search().await, Err(FhirError::NotFound { gone: false })), "404");
    assert!(matches!(search().await, Err(FhirError::NotFound { gone: true })), "410");
    assert!(matches!(search().await, Err(FhirError::UnknownParameter(_))), "HAPI's words for it");
    assert!(matches!(write().await, Err(FhirError::Rejected { status: 400, .. })), "no parameter in a write");
    let Err(FhirError::Rejected { diagnosis, .. }) = write().await else { panic!("422 is a refusal") };
    assert_eq!(diagnosis.reveal(), "CarePlan.intent: minimum required = 1", "with the server's words");
}

#[tokio::test]
async fn pipes_are_encoded_and_a_long_question_goes_as_a_form() {
    let scene = scene().await;
    scene.answers([say(200, bundle([], None)), say(200, bundle([condition(1)], None))]);
    scene.fhir.search("Observation", &[("code", "http://loinc.org|21908-9")], 9).await.expect("an empty page is good");
    let codes = vec!["http://loinc.org|21908-9"; 100].join(",");
    scene.fhir.search("Observation", &[("code", &codes)], 9).await.expect("the form is understood");
    let asked = scene.asked(|asked| (asked.method.clone(), asked.uri.to_string()));
    assert_eq!(
        asked,
        [
            (Method::GET, "/fhir/Observation?code=http%3A%2F%2Floinc.org%7C21908-9".to_owned()),
            (Method::POST, "/fhir/Observation/_search".to_owned()),
        ],
        "method and address"
    );
    let form = scene.asked(|asked| asked.body.clone());
    assert!(form[1].starts_with(b"code=http%3A%2F%2Floinc.org%7C21908-9%2C"), "the codes are in the form");
}

#[tokio::test]
async fn the_servers_cache_is_passed_by_after_a_write() {
    let scene = scene().await;
    scene.answers([
        say(200, bundle([], None)),
        say(200, condition(1)),
        say(200, bundle([], None)),
        say(200, bundle([], None)),
    ]);
    scene.fhir.search("Condition", &[], 9).await.expect("good");
    scene.fhir.update(&condition(1), "1").await.expect("good");
    scene.fhir.search("Condition", &[], 9).await.expect("good");
    scene.moved.by(jiff::SignedDuration::from_mins(2));
    scene.fhir.search("Condition", &[], 9).await.expect("good");
    let fresh = scene.asked(|asked| asked.headers.get("cache-control").is_some_and(|value| value == "no-cache"));
    assert_eq!(fresh, [false, false, true, false], "for a while, and then no more");
}

#[tokio::test]
async fn a_transactions_answer_is_read_in_both_forms() {
    let scene = scene().await;
    scene.answers([say(
        200,
        json!({"resourceType": "Bundle", "type": "transaction-response", "entry": [
            {"response": {"status": "201 Created", "location": "Provenance/9/_history/1", "etag": "1"}},
            {"response": {"status": "200", "location": "https://a.example/fhir/CarePlan/d/_history/3", "etag": "W/\"3\""},
             "resource": {"resourceType": "CarePlan", "id": "d"}},
        ]}),
    )]);
    let sent = json!({"resourceType": "Bundle", "type": "transaction", "entry": []});
    let answers = scene.fhir.transaction(&sent).await.expect("it is carried out");
    let read: Vec<_> =
        answers.iter().map(|a| (a.status, a.kind.as_deref(), a.id.as_deref(), a.version.as_deref())).collect();
    assert_eq!(
        read,
        [(201, Some("Provenance"), Some("9"), Some("1")), (200, Some("CarePlan"), Some("d"), Some("3")),],
        "status, type, id, version"
    );
    assert_eq!(scene.asked(|asked| asked.uri.to_string()), ["/fhir"], "it goes to the base itself");
}

#[tokio::test]
async fn a_write_without_a_body_is_read_anew() {
    let scene = scene().await;
    scene.answers([
        say(201, "").with("location", "https://elsewhere.example/fhir/Task/7/_history/1"),
        say(200, json!({"resourceType": "Task", "id": "7", "meta": {"versionId": "1"}})),
    ]);
    let stored = scene.fhir.create(&json!({"resourceType": "Task"}), None).await.expect("it is stored");
    assert_eq!(stored.resource["id"], "7", "the resource");
    assert_eq!(scene.asked(|asked| asked.uri.to_string()), ["/fhir/Task", "/fhir/Task/7"], "from this server");
}

#[tokio::test]
async fn documents_come_from_this_server_only() {
    let scene = scene().await;
    scene.answers([say(200, json!({"resourceType": "Binary", "contentType": "application/pdf", "data": "JVBERg=="}))]);
    let document = scene.fhir.attachment("Binary/b").await.expect("it is there");
    assert_eq!(
        (document.content_type.as_str(), document.bytes.as_ref()),
        ("application/pdf", b"%PDF".as_slice()),
        "decoded"
    );
    let refused = scene.fhir.attachment("https://evil.example/Binary/b").await;
    assert!(matches!(refused, Err(FhirError::Unaskable(_))), "{refused:?}");
    assert_eq!(scene.asked(|asked| asked.uri.to_string()), ["/fhir/Binary/b"], "one request");
}

#[tokio::test]
async fn decimals_keep_the_digits_that_the_server_sent() {
    let scene = scene().await;
    // As text: a JSON value of this test would lose what is looked for.
    let resource = r#"{"resourceType":"Observation","id":"hb","valueQuantity":{"value":12.80,"unit":"g/dL"}}"#;
    let found = format!(r#"{{"resourceType":"Bundle","total":1,"entry":[{{"resource":{resource}}}]}}"#);
    scene.answers([say(200, found), say(200, resource), say(200, resource)]);
    let search = scene.fhir.search("Observation", &[("patient", "p")], 10).await.expect("an answer");
    let read = scene.fhir.read("Observation", "hb").await.expect("it is there");
    let written = scene.fhir.update(&read.resource, "1").await.expect("it is taken");
    for (how, resource) in [("searched", &search.matches[0]), ("read", &read.resource), ("written", &written.resource)]
    {
        let digits = decimal_text(&resource["valueQuantity"], "value");
        assert_eq!(digits.as_deref(), Some("12.80"), "{how}: two decimals were measured (R4, `decimal`)");
    }
    let sent = scene.asked(|asked| String::from_utf8_lossy(&asked.body).into_owned()).pop().expect("an update");
    assert!(sent.contains(r#""value":12.80"#) && !sent.contains("_value"), "written back as it came: {sent}");
}
