//! Signing in, refreshing, being found out, signing out. Each fact signs in anew, so that none ends the session of
//! another.

use crate::{
    client::{Ahead, Shelf, egress, found, session, sign_in},
    platforms::on_each_platform,
};
use model::Role;
use platform::{
    Egress, Session,
    oidc::{EndReason, Purpose, SessionError, SessionState, SignInAttempt, SignInError, StoredTokens},
};
use std::sync::Arc;
use testkit::{Platform, browser};

on_each_platform![
    a_code_with_pkce_brings_a_person_with_roles_and_their_record,
    a_coordinator_is_no_physician_and_neither_is_it,
    a_page_without_pkce_is_refused,
    a_token_is_renewed_before_it_runs_out_and_its_predecessor_is_replaced_on_disk,
    many_requests_at_once_make_one_refresh,
    a_refresh_token_used_twice_ends_the_session_for_both,
    signing_out_ends_the_session_at_the_provider,
    proving_again_who_one_is_is_noticed_and_another_person_is_refused,
];

/// Longer than the providers' access tokens live, five minutes, less the half minute at which one is renewed.
const NEARLY_EXPIRED: i64 = 280;

/// Another program that got hold of the same tokens.
fn thief(egress: &Egress, platform: &platform::Platform, stolen: StoredTokens) -> Session {
    Session::restore(egress, platform, stolen, Arc::new(Shelf::default())).expect("they are this platform's")
}

async fn a_code_with_pkce_brings_a_person_with_roles_and_their_record(platform: &Platform) {
    let egress = egress();
    let found = found(&egress, platform).await;
    let tokens = sign_in(&egress, &found, "dr-falkenried", Purpose::SignIn).await.expect("she signs in");
    let person = tokens.person;
    assert_eq!(person.roles, [Role::Physician, Role::Moderator], "roles as the realm gives them");
    assert_eq!(person.fhir_user.as_deref(), Some("PractitionerRole/dr-falkenried"), "who she is in the record");
    // Titles stand in some providers' claims and not in others'.
    assert!(person.name.ends_with("Amina Falkenried"), "her name");
    assert_eq!((person.given.as_deref(), person.family.as_deref()), (Some("Amina"), Some("Falkenried")), "its parts");
    assert_eq!(person.login.as_deref(), Some("dr-falkenried"), "the hint for the next time");
}

async fn a_coordinator_is_no_physician_and_neither_is_it(platform: &Platform) {
    let egress = egress();
    let found = found(&egress, platform).await;
    for (user, roles) in [("taubengruen", vec![Role::Coordinator]), ("it-buchfink", vec![Role::It])] {
        let tokens = sign_in(&egress, &found, user, Purpose::SignIn).await.expect("they sign in");
        assert_eq!(tokens.person.roles, roles, "{user}: and the provider's own roles grant nothing");
    }
}

async fn a_page_without_pkce_is_refused(platform: &Platform) {
    let egress = egress();
    let found = found(&egress, platform).await;
    let attempt = SignInAttempt::begin(&egress, &found, Purpose::SignIn).await.expect("it begins");
    let mut page = attempt.url().clone();
    let without: Vec<(String, String)> =
        page.query_pairs().into_owned().filter(|(name, _)| !name.starts_with("code_challenge")).collect();
    page.query_pairs_mut().clear().extend_pairs(without);
    let walked = tokio::spawn(async move { browser::walk(&page, "dr-sonnkaya", sandbox::PASSWORD, None).await });
    let refused = attempt.finish().await.map(|tokens| tokens.person);
    assert!(matches!(refused, Err(SignInError::Refused(_))), "the provider insists on it: {refused:?}");
    walked.await.expect("the browser does not panic").expect("the browser sees the end");
}

async fn a_token_is_renewed_before_it_runs_out_and_its_predecessor_is_replaced_on_disk(platform: &Platform) {
    let ahead = Ahead::default();
    let egress = ahead.egress();
    let found = found(&egress, platform).await;
    let (session, shelf) = session(&egress, &found, "dr-sonnkaya").await;
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

async fn many_requests_at_once_make_one_refresh(platform: &Platform) {
    let ahead = Ahead::default();
    let egress = ahead.egress();
    let found = found(&egress, platform).await;
    let (session, _shelf) = session(&egress, &found, "dr-rosenpfad").await;
    ahead.put_forward(NEARLY_EXPIRED);
    // A second use of the same refresh token would end the session.
    let all = futures_util::future::join_all((0..16).map(|_| session.keep_alive())).await;
    assert!(all.iter().all(Result::is_ok), "all of them get a token: {all:?}");
    ahead.put_forward(NEARLY_EXPIRED);
    session.keep_alive().await.expect("the session lives on");
    session.end().await;
}

async fn a_refresh_token_used_twice_ends_the_session_for_both(platform: &Platform) {
    let ahead = Ahead::default();
    let egress = ahead.egress();
    let found = found(&egress, platform).await;
    let (owner, shelf) = session(&egress, &found, "pd-brunnengold").await;
    let thief = thief(&egress, &found, shelf.kept().expect("it was kept"));
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

async fn signing_out_ends_the_session_at_the_provider(platform: &Platform) {
    let ahead = Ahead::default();
    let egress = ahead.egress();
    let found = found(&egress, platform).await;
    let (session, shelf) = session(&egress, &found, "dr-ahlefels").await;
    let copy = thief(&egress, &found, shelf.kept().expect("it was kept"));
    session.end().await;
    assert!(shelf.kept().is_none(), "nothing is kept here");
    ahead.put_forward(NEARLY_EXPIRED);
    let refused = copy.keep_alive().await;
    assert!(
        matches!(*copy.state().borrow(), SessionState::Ended { reason: EndReason::Refused }),
        "a copy of the tokens is worth nothing: {refused:?}"
    );
}

async fn proving_again_who_one_is_is_noticed_and_another_person_is_refused(platform: &Platform) {
    let egress = egress();
    let found = found(&egress, platform).await;
    let first = sign_in(&egress, &found, "it-buchfink", Purpose::SignIn).await.expect("he signs in");
    let again =
        || Purpose::Reauthenticate { subject: first.person.subject.clone(), login_hint: first.person.login.clone() };
    let second = sign_in(&egress, &found, "it-buchfink", again()).await.expect("he proves it");
    assert_eq!(second.person.subject, first.person.subject, "the same account");
    assert!(second.authenticated_at >= first.authenticated_at, "not earlier than the first time");
    let other = sign_in(&egress, &found, "taubengruen", again()).await.map(|tokens| tokens.person);
    assert!(matches!(other, Err(SignInError::OtherPerson)), "it is not his session: {other:?}");
}
