//! Discovery, sign-in, lock, restart, sign-out.

use crate::{MODERATOR, at_work, code, opened, place};
use contract::{Failure, FailureCode, Permission, Reply, Request, SessionView};
use testkit::{DeskKit, Platform};

async fn session(desk: &DeskKit) -> SessionView {
    match desk.call(Request::Start).await {
        Ok(Reply::Started(view)) => view.session,
        other => panic!("a start view: {other:?}"),
    }
}

async fn locked(desk: &DeskKit) -> Option<Failure> {
    let found = desk.eventually("the locked desk", |seen| match seen.session.as_ref()? {
        SessionView::Locked { waiting: false, failure, .. } => Some(failure.clone()),
        SessionView::Locked { waiting: true, .. }
        | SessionView::SignedOut { .. }
        | SessionView::Waiting { .. }
        | SessionView::SignedIn { .. } => None,
    });
    found.await
}

#[tokio::test]
async fn a_platform_is_found_by_its_address() {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    let found = desk.call(Request::Discover { address: Platform::shared().url.clone() }).await;
    let Ok(Reply::Platform(platform)) = found else { panic!("a platform: {found:?}") };
    assert_eq!(platform.name, "Klinikverbund Eschenland", "the network of the recipe");
    for (address, expected) in [
        ("not an address at all", FailureCode::AddressUnreadable),
        ("http://127.0.0.1:9", FailureCode::PlatformUnreachable),
        ("http://konsil.example", FailureCode::PlatformUnreachable),
    ] {
        let answer = desk.call(Request::Discover { address: address.to_owned() }).await;
        assert_eq!(code(&answer), Some(expected), "{address}: {answer:?}");
    }
}

#[tokio::test]
async fn signing_in_tells_who_is_there_and_what_they_may() {
    let (_folder, desk) = at_work(MODERATOR).await;
    let person = desk
        .eventually("the house of the person", |seen| match seen.session.as_ref()? {
            SessionView::SignedIn { person, .. } => person.organization.is_some().then(|| person.clone()),
            SessionView::SignedOut { .. } | SessionView::Waiting { .. } | SessionView::Locked { .. } => None,
        })
        .await;
    assert_eq!(person.name, "Dr. med. Amina Falkenried", "the recipe's display name");
    assert_eq!((person.short_name.as_str(), person.initials.as_str()), ("Dr. Falkenried", "AF"), "short forms");
    assert_eq!(person.organization.as_deref(), Some("Thoraxklinik Tannhalde"), "the recipe's house");
    assert_eq!(person.may, [Permission::ReadCases, Permission::WriteDecision, Permission::SignDecision], "a moderator");
}

#[tokio::test]
async fn a_physician_is_not_offered_the_decision() {
    let (_folder, desk) = at_work("dr-sonnkaya").await;
    let SessionView::SignedIn { person, .. } = session(&desk).await else { panic!("signed in") };
    assert_eq!(person.may, [Permission::ReadCases], "physicians read and discuss");
}

#[tokio::test]
async fn somebody_without_a_role_for_the_program_is_not_let_in() {
    let (_folder, place) = place();
    let desk = opened(&place, "it-buchfink").await;
    let error = desk.sign_in(&Platform::shared().url).await.expect_err("IT sees no patients");
    assert!(error.to_string().contains("NoRole"), "the reason is the role: {error}");
    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    assert_eq!(code(&answer), Some(FailureCode::SessionEnded), "nobody sits here");
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, "it-buchfink").await;
    assert!(matches!(session(&desk).await, SessionView::SignedOut { .. }), "nor after a restart");
}

#[tokio::test]
async fn a_restart_goes_on_where_the_person_was() {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&Platform::shared().url).await.expect("the moderator may sign in");
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, MODERATOR).await;
    let view = session(&desk).await;
    assert!(matches!(view, SessionView::SignedIn { .. }), "a moment later the person is at work: {view:?}");
    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    assert!(matches!(answer, Ok(Reply::Cases(_))), "with a session that still opens doors: {answer:?}");
}

#[tokio::test]
async fn signing_out_leaves_nothing_to_go_on_with() {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&Platform::shared().url).await.expect("the moderator may sign in");
    assert_eq!(desk.call(Request::SignOut).await, Ok(Reply::Done), "signing out is taken");
    let view = session(&desk).await;
    assert!(matches!(view, SessionView::SignedOut { failure: None, .. }), "out, and not by a fault: {view:?}");
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, MODERATOR).await;
    let SessionView::SignedOut { address, .. } = session(&desk).await else { panic!("signed out") };
    assert_eq!(address.as_deref(), Some(Platform::shared().url.as_str()), "the address is remembered, the session not");
}

#[tokio::test]
async fn a_locked_desk_answers_nothing_of_a_case_until_the_same_person_is_back() {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&Platform::shared().url).await.expect("the moderator may sign in");
    assert_eq!(desk.call(Request::Lock).await, Ok(Reply::Done), "locking is taken");
    assert_eq!(locked(&desk).await, None, "locked without a fault");
    for request in [
        Request::OpenCases { query: String::new() },
        Request::OpenCase { patient: "pat-auenwald".to_owned() },
        Request::OpenBulk,
    ] {
        assert_eq!(code(&desk.call(request.clone()).await), Some(FailureCode::Locked), "{request:?}");
    }
    assert_eq!(desk.call(Request::Unlock).await, Ok(Reply::Done), "the browser opens");
    desk.eventually("the unlocked desk", |seen| {
        matches!(seen.session, Some(SessionView::SignedIn { .. })).then_some(())
    })
    .await;
    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    assert!(matches!(answer, Ok(Reply::Cases(_))), "at work again: {answer:?}");
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, MODERATOR).await;
    let view = session(&desk).await;
    assert!(matches!(view, SessionView::SignedIn { .. }), "a restart does not lock anew: {view:?}");
}

#[tokio::test]
async fn somebody_else_cannot_unlock() {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&Platform::shared().url).await.expect("the moderator may sign in");
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, "dr-sonnkaya").await;
    assert_eq!(desk.call(Request::Lock).await, Ok(Reply::Done), "locking is taken");
    assert_eq!(desk.call(Request::Unlock).await, Ok(Reply::Done), "the browser opens");
    let failure = desk
        .eventually("the refusal", |seen| match seen.session.as_ref()? {
            SessionView::Locked { failure, .. } => failure.clone(),
            SessionView::SignedOut { .. } | SessionView::Waiting { .. } | SessionView::SignedIn { .. } => None,
        })
        .await;
    assert_eq!(failure.code, FailureCode::SignInRefused, "another person than the one whose desk this is");
    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    assert_eq!(code(&answer), Some(FailureCode::Locked), "and it stays locked");
}

#[tokio::test]
async fn a_session_that_the_provider_ended_is_over_here_too() {
    let platform = Platform::start(Default::default()).await.expect("a platform in memory starts");
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    platform.end_sessions();
    // Its access tokens are still valid for minutes, so the platform's clock goes on.
    platform.advance(3600);
    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    let view = desk.eventually("the end of the session", |seen| match seen.session.as_ref()? {
        SessionView::SignedOut { failure, .. } => failure.clone(),
        SessionView::Waiting { .. } | SessionView::Locked { .. } | SessionView::SignedIn { .. } => None,
    });
    assert_eq!(view.await.code, FailureCode::SessionEnded, "the page is told why; the list said {answer:?}");
}

#[tokio::test]
async fn a_platform_that_is_gone_is_told_and_nothing_hangs() {
    let platform = Platform::start(Default::default()).await.expect("a platform in memory starts");
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    platform.stop().await;
    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    let Ok(Reply::Cases(cases)) = answer else { panic!("a list that says why it is none: {answer:?}") };
    let contract::Part::Failed { failure } = cases.rows else { panic!("failed rows: {:?}", cases.as_of) };
    assert_eq!(failure.code, FailureCode::PlatformUnreachable, "nobody answers");
    desk.eventually("the missing connection", |seen| {
        matches!(seen.connection, Some(contract::ConnectionView::Offline { .. })).then_some(())
    })
    .await;
}
