//! Keycloak: signing in, refreshing, being found out, signing out. Each test signs in anew, so that none ends the session
//! of another.

use crate::servers::{Servers, Shelf, egress};
use jiff::{SignedDuration, Timestamp};
use model::Role;
use platform::{
    Egress, Session, Time,
    egress::EgressOptions,
    oidc::{EndReason, Purpose, SessionError, SessionState, SignInAttempt, SignInError, StoredTokens, Tokens},
};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use testkit::browser;

const NEEDED: [&str; 1] = ["keycloak"];
/// Longer than the realm's access tokens live, five minutes, less the half minute at which one is renewed.
const NEARLY_EXPIRED: i64 = 280;

/// A clock that a test puts forward.
#[derive(Clone, Default)]
struct Ahead(Arc<AtomicI64>);

impl Ahead {
    fn egress(&self) -> Egress {
        let ahead = self.0.clone();
        let now = move || Timestamp::now() + SignedDuration::from_secs(ahead.load(Ordering::Relaxed));
        let options = EgressOptions { time: Time::system().with_now(now), ..EgressOptions::default() };
        Egress::new(options).expect("the options hold")
    }

    fn put_forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

async fn sign_in(servers: &Servers, egress: &Egress, user: &str, purpose: Purpose) -> Result<Tokens, SignInError> {
    let attempt = SignInAttempt::begin(egress, &servers.platform(), purpose).await?;
    let (page, user) = (attempt.url().clone(), user.to_owned());
    let walked = tokio::spawn(async move { browser::walk(&page, &user, sandbox::PASSWORD, None).await });
    let tokens = attempt.finish().await;
    let end = walked.await.expect("the browser does not panic").expect("the browser signs in");
    assert_eq!(end.url.host_str(), Some("127.0.0.1"), "the browser comes back to this computer");
    tokens
}

/// A session, and the shelf that holds its newest tokens.
async fn session(servers: &Servers, egress: &Egress, user: &str) -> (Session, Arc<Shelf>) {
    let tokens = sign_in(servers, egress, user, Purpose::SignIn).await.expect("the person signs in");
    let shelf = Arc::new(Shelf::default());
    (Session::open(egress, &servers.platform(), tokens, shelf.clone()).await, shelf)
}

/// Another program that got hold of the same tokens.
fn thief(servers: &Servers, egress: &Egress, stolen: StoredTokens) -> Session {
    Session::restore(egress, &servers.platform(), stolen, Arc::new(Shelf::default())).expect("they are this platform's")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_with_pkce_brings_a_person_with_roles_and_their_record() {
    let Some(servers) = Servers::with(&NEEDED) else { return };
    let tokens = sign_in(&servers, &egress(), "dr-falkenried", Purpose::SignIn).await.expect("she signs in");
    let person = tokens.person;
    assert_eq!(person.roles, [Role::Physician, Role::Moderator], "roles as the realm gives them");
    assert_eq!(person.fhir_user.as_deref(), Some("PractitionerRole/dr-falkenried"), "who she is in the record");
    assert_eq!(person.name, "Amina Falkenried", "her name");
    assert_eq!(person.login.as_deref(), Some("dr-falkenried"), "the hint for the next time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coordinator_is_no_physician_and_an_account_without_a_role_has_none() {
    let Some(servers) = Servers::with(&NEEDED) else { return };
    for (user, roles) in [("taubengruen", vec![Role::Coordinator]), ("ohne-rolle", vec![])] {
        let tokens = sign_in(&servers, &egress(), user, Purpose::SignIn).await.expect("they sign in");
        assert_eq!(tokens.person.roles, roles, "{user}: the provider's own roles grant nothing here");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_without_pkce_is_refused() {
    let Some(servers) = Servers::with(&NEEDED) else { return };
    let attempt = SignInAttempt::begin(&egress(), &servers.platform(), Purpose::SignIn).await.expect("it begins");
    let mut page = attempt.url().clone();
    let without: Vec<(String, String)> =
        page.query_pairs().into_owned().filter(|(name, _)| !name.starts_with("code_challenge")).collect();
    page.query_pairs_mut().clear().extend_pairs(without);
    let walked = tokio::spawn(async move { browser::walk(&page, "dr-sonnkaya", sandbox::PASSWORD, None).await });
    let refused = attempt.finish().await.map(|tokens| tokens.person);
    assert!(matches!(refused, Err(SignInError::Refused(_))), "the provider insists on it: {refused:?}");
    walked.await.expect("the browser does not panic").expect("the browser sees the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_renewed_before_it_runs_out_and_its_predecessor_is_replaced_on_disk() {
    let Some(servers) = Servers::with(&NEEDED) else { return };
    let ahead = Ahead::default();
    let (session, shelf) = session(&servers, &ahead.egress(), "dr-sonnkaya").await;
    let first = (session.expires_at(), shelf.kept().map(|kept| kept.to_bytes()));
    session.keep_alive().await.expect("the token is fresh");
    assert_eq!(session.expires_at(), first.0, "a fresh token is kept");
    for turn in 1..=2 {
        let before = session.expires_at();
        ahead.put_forward(NEARLY_EXPIRED);
        session.keep_alive().await.expect("the provider gives another");
        assert!(session.expires_at() > before, "turn {turn}: it lives longer");
        assert_ne!(shelf.kept().map(|kept| kept.to_bytes()), first.1, "turn {turn}: the shelf has the new one");
    }
    session.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_make_one_refresh() {
    let Some(servers) = Servers::with(&NEEDED) else { return };
    let ahead = Ahead::default();
    let (session, _shelf) = session(&servers, &ahead.egress(), "dr-rosenpfad").await;
    ahead.put_forward(NEARLY_EXPIRED);
    // A second use of the same refresh token would end the session.
    let all = futures_util::future::join_all((0..16).map(|_| session.keep_alive())).await;
    assert!(all.iter().all(Result::is_ok), "all of them get a token: {all:?}");
    ahead.put_forward(NEARLY_EXPIRED);
    session.keep_alive().await.expect("the session lives on");
    session.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_used_twice_ends_the_session_for_both() {
    let Some(servers) = Servers::with(&NEEDED) else { return };
    let ahead = Ahead::default();
    let egress = ahead.egress();
    let (owner, shelf) = session(&servers, &egress, "pd-brunnengold").await;
    let thief = thief(&servers, &egress, shelf.kept().expect("it was kept"));
    ahead.put_forward(NEARLY_EXPIRED);
    owner.keep_alive().await.expect("the first use is good");
    let second = thief.keep_alive().await;
    assert!(
        matches!(second, Ok(()) | Err(SessionError::Ended(EndReason::Refused))),
        "the token still lives: {second:?}"
    );
    assert!(matches!(*thief.state().borrow(), SessionState::Ended { reason: EndReason::Refused }), "found out");
    ahead.put_forward(NEARLY_EXPIRED);
    let third = owner.keep_alive().await;
    assert!(matches!(third, Err(SessionError::Ended(EndReason::Refused))), "the owner has to sign in again: {third:?}");
    assert!(shelf.kept().is_none(), "worthless tokens are not kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_ends_the_session_at_the_provider() {
    let Some(servers) = Servers::with(&NEEDED) else { return };
    let ahead = Ahead::default();
    let egress = ahead.egress();
    let (session, shelf) = session(&servers, &egress, "dr-ahlefels").await;
    let copy = thief(&servers, &egress, shelf.kept().expect("it was kept"));
    session.end().await;
    assert!(shelf.kept().is_none(), "nothing is kept here");
    ahead.put_forward(NEARLY_EXPIRED);
    let refused = copy.keep_alive().await;
    assert!(
        matches!(*copy.state().borrow(), SessionState::Ended { reason: EndReason::Refused }),
        "a copy of the tokens is worth nothing: {refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proving_again_who_one_is_is_noticed_and_another_person_is_refused() {
    let Some(servers) = Servers::with(&NEEDED) else { return };
    let egress = egress();
    let first = sign_in(&servers, &egress, "it-buchfink", Purpose::SignIn).await.expect("he signs in");
    let again =
        || Purpose::Reauthenticate { subject: first.person.subject.clone(), login_hint: first.person.login.clone() };
    let second = sign_in(&servers, &egress, "it-buchfink", again()).await.expect("he proves it");
    assert_eq!(second.person.subject, first.person.subject, "the same account");
    assert!(second.authenticated_at >= first.authenticated_at, "not earlier than the first time");
    let other = sign_in(&servers, &egress, "taubengruen", again()).await.map(|tokens| tokens.person);
    assert!(matches!(other, Err(SignInError::OtherPerson)), "it is not his session: {other:?}");
}
