//! The session under load, under refusal and under cancellation.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures_util::future::join_all;
use jiff::SignedDuration;
use platform::{
    Session,
    fhir::{FhirClient, FhirError},
    oidc::{EndReason, Purpose, SessionError, SessionState},
};
use serde_json::json;

use crate::{
    peer::{Moved, Shelf, serve},
    provider::Provider,
};

/// A FHIR server that knows which tokens it takes, and what was on the shelf when one came.
#[derive(Clone, Default)]
struct Guard {
    refused: Arc<Mutex<Vec<&'static str>>>,
    status: Arc<Mutex<u16>>,
    seen: Arc<Mutex<Vec<(String, bool)>>>,
    shelf: Arc<Mutex<Option<Arc<Shelf>>>>,
}

async fn resource(State(guard): State<Guard>, headers: HeaderMap) -> Response {
    let bearer = headers["authorization"].to_str().expect("tokens are text");
    let token = bearer.strip_prefix("Bearer ").expect("the scheme is Bearer").to_owned();
    let kept =
        guard.shelf.lock().expect("no handler panics").as_ref().is_some_and(|shelf| shelf.text().contains(&token));
    let refused = guard.refused.lock().expect("no handler panics").iter().any(|bad| *bad == token || *bad == "*");
    guard.seen.lock().expect("no handler panics").push((token, kept));
    if refused {
        let status = *guard.status.lock().expect("no handler panics");
        return StatusCode::from_u16(status).expect("tests name real statuses").into_response();
    }
    Json(json!({"resourceType": "Patient", "id": "p"})).into_response()
}

struct Scene {
    provider: Provider,
    moved: Moved,
    session: Session,
    shelf: Arc<Shelf>,
    guard: Guard,
    fhir: FhirClient,
}

/// A signed-in person and a server that refuses `tokens` with `status`.
async fn scene(status: u16, tokens: &[&'static str]) -> Scene {
    let provider = Provider::start().await;
    let moved = Moved::default();
    let (egress, session, shelf) = provider.session(&moved).await;
    let guard = Guard::default();
    *guard.status.lock().expect("no handler panics") = status;
    *guard.refused.lock().expect("no handler panics") = tokens.to_vec();
    *guard.shelf.lock().expect("no handler panics") = Some(Arc::clone(&shelf));
    let base = serve(Router::new().route("/Patient/p", get(resource)).with_state(guard.clone())).await;
    let fhir = FhirClient::new(&egress, base, &session);
    Scene { provider, moved, session, shelf, guard, fhir }
}

impl Scene {
    fn tokens_seen(&self) -> Vec<String> {
        self.guard.seen.lock().expect("no handler panics").iter().map(|(token, _)| token.clone()).collect()
    }
}

#[tokio::test]
async fn twenty_refused_requests_make_one_refresh() {
    for status in [401, 403] {
        let scene = scene(status, &["token-1"]).await;
        let all = join_all((0..20).map(|_| scene.fhir.read("Patient", "p"))).await;
        assert!(all.iter().all(Result::is_ok), "all are answered in the end: {all:?}");
        assert_eq!(scene.provider.behavior().refreshes, 1, "a second refresh would end the session");
    }
}

#[tokio::test]
async fn a_token_is_refreshed_before_it_runs_out() {
    let scene = scene(401, &[]).await;
    scene.moved.by(SignedDuration::from_secs(300 - 40));
    scene.fhir.read("Patient", "p").await.expect("the token holds");
    scene.moved.by(SignedDuration::from_secs(300 - 25));
    scene.fhir.read("Patient", "p").await.expect("the next one holds");
    assert_eq!(scene.tokens_seen(), ["token-1", "token-2"], "the second goes out with less than 30 s left");
}

#[tokio::test]
async fn a_new_token_is_stored_before_it_is_used() {
    let scene = scene(401, &["token-1"]).await;
    scene.fhir.read("Patient", "p").await.expect("the second token is taken");
    let seen = scene.guard.seen.lock().expect("no handler panics").clone();
    assert_eq!(seen.last(), Some(&("token-2".to_owned(), true)), "it lies on the shelf when it is first seen");
    assert!(scene.shelf.text().contains("refresh-2"), "and with it the refresh token that works once more");
}

#[tokio::test]
async fn a_cancelled_request_does_not_tear_the_refresh() {
    let scene = scene(401, &["token-1"]).await;
    // The provider holds its answer back until the request has been dropped.
    let held = scene.provider.gate.lock().await;
    let fhir = scene.fhir.clone();
    let request = tokio::spawn(async move { fhir.read("Patient", "p").await });
    eventually(|| scene.provider.behavior().arrived == 1).await;
    request.abort();
    assert!(request.await.is_err(), "it is cancelled");
    drop(held);

    scene.fhir.read("Patient", "p").await.expect("the refresh went on without its caller");
    assert_eq!(scene.provider.behavior().refreshes, 1, "and was not repeated");
}

#[tokio::test]
async fn a_refused_refresh_ends_the_session_and_wipes_the_store() {
    let scene = scene(401, &["*"]).await;
    let state = scene.session.state();
    // The provider has seen this refresh token before.
    scene.fhir.read("Patient", "p").await.expect_err("every token is refused");
    let stolen = scene.shelf.kept().expect("the session is stored");
    let other = Session::restore(&scene.moved.egress(), &scene.provider.platform, stolen, Arc::new(Shelf::default()));
    let other = other.expect("it is the same provider");
    scene.moved.by(SignedDuration::from_mins(10));
    other.keep_alive().await.expect("the copy refreshes first");
    let refused = scene.session.keep_alive().await;
    assert!(matches!(refused, Err(SessionError::Ended(EndReason::Refused))), "{refused:?}");
    assert_eq!(*state.borrow(), SessionState::Ended { reason: EndReason::Refused }, "everybody is told");
    assert!(scene.shelf.kept().is_none(), "nothing is left in the store");
    let after = scene.fhir.read("Patient", "p").await;
    assert!(matches!(after, Err(FhirError::SessionEnded(EndReason::Refused))), "{after:?}");
}

#[tokio::test]
async fn a_provider_that_is_down_does_not_end_the_session() {
    let scene = scene(401, &[]).await;
    scene.provider.behavior().refresh_status = Some(503);
    scene.moved.by(SignedDuration::from_secs(300 - 10));
    scene.fhir.read("Patient", "p").await.expect("the old token still has ten seconds");
    scene.moved.by(SignedDuration::from_mins(6));
    let refused = scene.fhir.read("Patient", "p").await;
    assert!(matches!(refused, Err(FhirError::NoToken(_))), "{refused:?}");
    scene.provider.behavior().refresh_status = None;
    scene.fhir.read("Patient", "p").await.expect("it goes on as soon as the provider is back");
}

#[tokio::test]
async fn a_lasting_refusal_costs_one_refresh_and_not_one_each() {
    let scene = scene(403, &["*"]).await;
    for _ in 0..5 {
        let refused = scene.fhir.read("Patient", "p").await;
        assert!(matches!(refused, Err(FhirError::Denied(403))), "{refused:?}");
    }
    assert_eq!(scene.provider.behavior().refreshes, 1, "five forbidden parts of a record cost one");
}

#[tokio::test]
async fn a_stored_session_goes_on_after_a_restart() {
    let scene = scene(401, &[]).await;
    let stored = scene.shelf.kept().expect("the session is stored");
    let egress = scene.moved.egress();
    let again = Session::restore(&egress, &scene.provider.platform, stored.clone(), Arc::new(Shelf::default()))
        .expect("it is the same provider");
    assert_eq!(again.person(), scene.session.person(), "with the same person");

    let mut elsewhere = scene.provider.platform.clone();
    elsewhere.issuer = "https://elsewhere.example".to_owned();
    let refused = Session::restore(&egress, &elsewhere, stored, Arc::new(Shelf::default()));
    assert!(matches!(refused, Err(SessionError::Foreign)), "{refused:?}");
}

#[tokio::test]
async fn signing_out_ends_the_session_at_the_provider() {
    let scene = scene(401, &[]).await;
    scene.session.end().await;
    let logouts = scene.provider.behavior().logouts.clone();
    assert_eq!(logouts.len(), 1, "the provider is told once");
    assert!(logouts[0].contains("id_token_hint=ey") && logouts[0].contains("client_id=konsil"), "and by whom");
    assert!(scene.shelf.kept().is_none(), "nothing is left in the store");
    let after = scene.fhir.read("Patient", "p").await;
    assert!(matches!(after, Err(FhirError::SessionEnded(EndReason::SignedOut))), "{after:?}");
}

#[tokio::test]
async fn the_tokens_of_an_unlocking_take_the_place_of_the_old_ones() {
    let scene = scene(401, &["token-1"]).await;
    let egress = scene.moved.egress();
    let again = Purpose::Reauthenticate { subject: "f3a1".to_owned(), login_hint: None };
    let tokens = scene.provider.sign_in(&egress, again).await.expect("the same person");
    let writes = scene.shelf.writes();
    scene.session.adopt(tokens).await.expect("the same person");
    assert_eq!(scene.shelf.writes(), writes + 1, "they are stored");
    scene.fhir.read("Patient", "p").await.expect("the new token is taken");
    assert_eq!(scene.tokens_seen(), ["token-2"], "without a refresh");
}

/// Lets the other tasks run until `done`.
async fn eventually(done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), waiting).await.expect("it happens");
}
