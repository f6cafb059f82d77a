//! Sign-in: answers that come from elsewhere, are old, forged or somebody else's.

use jiff::SignedDuration;
use model::Role;
use platform::oidc::{Purpose, SignInAttempt, SignInError};
use serde_json::json;

use crate::{
    peer::Moved,
    provider::{Behavior, Provider, browse, redirect_of},
};

fn again() -> Purpose {
    Purpose::Reauthenticate { subject: "f3a1".to_owned(), login_hint: Some("falkenried".to_owned()) }
}

type Lie = fn(&mut Behavior);

/// Signs in at a provider that was told to lie.
async fn lied_to(lie: impl FnOnce(&mut Behavior), purpose: Purpose) -> Result<(), SignInError> {
    let provider = Provider::start().await;
    lie(&mut provider.behavior());
    provider.sign_in(&Moved::default().egress(), purpose).await.map(drop)
}

#[tokio::test]
async fn the_person_and_the_roles_come_from_the_id_token() {
    let provider = Provider::start().await;
    let tokens = provider.sign_in(&Moved::default().egress(), Purpose::SignIn).await.expect("the provider is honest");
    let person = tokens.person;
    assert_eq!(person.name, "Amina Falkenried", "name");
    assert_eq!(person.prefix.as_deref(), Some("Dr. med."), "title");
    assert_eq!(person.gender.as_deref(), Some("female"), "gender");
    assert_eq!(person.fhir_user.as_deref(), Some("PractitionerRole/dr-falkenried"), "resource");
    assert_eq!(person.roles, [Role::Physician, Role::Moderator], "each role once, unknown ones not at all");
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_refused() {
    for iss in [Some("https://evil.example"), None] {
        let refused = lied_to(|b| b.redirect_iss = iss.map(str::to_owned), Purpose::SignIn).await;
        assert!(matches!(refused, Err(SignInError::Untrusted(_))), "{iss:?}: {refused:?}");
    }
}

#[tokio::test]
async fn a_forged_or_misdirected_id_token_is_refused() {
    let lies: [(&str, Lie); 6] = [
        ("nonce", |b| b.claims = json!({"nonce": "another"})),
        ("issuer", |b| b.claims = json!({"iss": "https://evil.example"})),
        ("audience", |b| b.claims = json!({"aud": "another"})),
        ("second audience", |b| b.claims = json!({"aud": ["konsil", "another"]})),
        ("signature", |b| b.foreign_key = true),
        ("no signature", |b| b.unsigned = true),
    ];
    for (what, lie) in lies {
        let refused = lied_to(lie, Purpose::SignIn).await;
        assert!(matches!(refused, Err(SignInError::Untrusted(_))), "{what}: {refused:?}");
    }
}

#[tokio::test]
async fn an_id_token_may_be_a_minute_late_and_no_more() {
    let now = jiff::Timestamp::now().as_second();
    lied_to(|b| b.claims = json!({"exp": now - 30}), Purpose::SignIn).await.expect("30 s are within the leeway");
    let refused = lied_to(|b| b.claims = json!({"exp": now - 120}), Purpose::SignIn).await;
    assert!(matches!(refused, Err(SignInError::Untrusted(_))), "{refused:?}");
}

#[tokio::test]
async fn a_clock_that_is_ten_minutes_off_is_named_with_its_minutes() {
    for minutes in [10, -10] {
        let provider = Provider::start().await;
        let moved = Moved::default();
        moved.by(SignedDuration::from_mins(minutes));
        let refused = provider.sign_in(&moved.egress(), Purpose::SignIn).await;
        let Err(SignInError::ClockSkew { minutes: told }) = refused else { panic!("it was {refused:?}") };
        assert_eq!(told, minutes, "positive when this computer is ahead");
    }
}

#[tokio::test]
async fn a_clock_that_is_four_minutes_off_is_no_obstacle() {
    for minutes in [4, -4] {
        let provider = Provider::start().await;
        let moved = Moved::default();
        moved.by(SignedDuration::from_mins(minutes));
        provider.sign_in(&moved.egress(), Purpose::SignIn).await.expect("four minutes are tolerated");
    }
}

#[tokio::test]
async fn a_wrong_state_or_path_gets_400_and_the_attempt_goes_on() {
    let provider = Provider::start().await;
    let attempt = SignInAttempt::begin(&Moved::default().egress(), &provider.platform, Purpose::SignIn)
        .await
        .expect("the provider answers");
    let right = redirect_of(attempt.url().clone()).await;
    let finishing = tokio::spawn(attempt.finish());

    let mut wrong = right.clone();
    wrong.set_query(Some("code=evil&state=guessed"));
    assert_eq!(browse(wrong).await, 400, "another state");
    let mut wrong = right.clone();
    wrong.set_path("/favicon.ico");
    assert_eq!(browse(wrong).await, 400, "another path");
    assert!(!finishing.is_finished(), "the attempt goes on");

    assert_eq!(browse(right).await, 200, "the right one is taken");
    finishing.await.expect("it does not panic").expect("and the sign-in succeeds");
}

#[tokio::test]
async fn a_silent_connection_does_not_hold_up_the_browser() {
    let provider = Provider::start().await;
    let attempt = SignInAttempt::begin(&Moved::default().egress(), &provider.platform, Purpose::SignIn)
        .await
        .expect("the provider answers");
    let right = redirect_of(attempt.url().clone()).await;
    let port = right.port().expect("the listener has one");
    let _silent = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    let finishing = tokio::spawn(attempt.finish());
    assert_eq!(browse(right).await, 200, "the browser is answered");
    finishing.await.expect("it does not panic").expect("the sign-in succeeds");
}

#[tokio::test]
async fn a_refusal_at_the_provider_is_a_cancellation() {
    let cancelled = lied_to(|b| b.redirect_error = Some("access_denied"), Purpose::SignIn).await;
    assert!(matches!(cancelled, Err(SignInError::Cancelled(_))), "{cancelled:?}");
    let refused = lied_to(|b| b.redirect_error = Some("invalid_request"), Purpose::SignIn).await;
    assert!(matches!(refused, Err(SignInError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn dropping_an_attempt_closes_its_port() {
    let provider = Provider::start().await;
    let attempt = SignInAttempt::begin(&Moved::default().egress(), &provider.platform, Purpose::SignIn)
        .await
        .expect("the provider answers");
    let port = redirect_of(attempt.url().clone()).await.port().expect("the listener has one");
    drop(attempt);
    let refused = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
    assert!(refused.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn unlocking_needs_the_same_person_proved_anew() {
    lied_to(|_| {}, again()).await.expect("the person has just signed in");

    let other = lied_to(|b| b.claims = json!({"sub": "another"}), again()).await;
    assert!(matches!(other, Err(SignInError::OtherPerson)), "{other:?}");

    let an_hour_ago = jiff::Timestamp::now().as_second() - 3600;
    let old = lied_to(|b| b.claims = json!({"auth_time": an_hour_ago}), again()).await;
    assert!(matches!(old, Err(SignInError::NotReauthenticated)), "{old:?}");

    let silent = lied_to(|b| b.claims = json!({"auth_time": null}), again()).await;
    assert!(matches!(silent, Err(SignInError::NotReauthenticated)), "{silent:?}");
}

#[tokio::test]
async fn unlocking_asks_the_provider_to_ask_again() {
    let provider = Provider::start().await;
    let attempt = SignInAttempt::begin(&Moved::default().egress(), &provider.platform, again())
        .await
        .expect("the provider answers");
    let asked: Vec<_> = attempt.url().query_pairs().into_owned().collect();
    for wanted in [("max_age", "0"), ("prompt", "login"), ("login_hint", "falkenried")] {
        let wanted = (wanted.0.to_owned(), wanted.1.to_owned());
        assert!(asked.contains(&wanted), "{wanted:?} is in {asked:?}");
    }
}
