//! A clock that is ten minutes wrong, and a provider that does not answer.

use super::{PROGRAM, open, save, with_text};
use crate::{MODERATOR, code, opened, place};
use contract::{FailureCode, Freshness, Part, Reply, Request, SessionView};
use sandbox::Options;
use testkit::{DeskKit, Detour, PATIENCE, PlatformProcess, Spoiled};

const PATIENT: &str = "pat-mohnblatt";

/// Why the sign-in failed, as the page is told.
async fn refused(desk: &DeskKit, address: &str) -> (FailureCode, String) {
    let answer = desk.call(Request::SignIn { address: address.to_owned() }).await;
    if let Err(failure) = answer {
        return (failure.code, failure.detail);
    }
    let failure = desk.eventually("the refusal", |seen| match seen.session.as_ref()? {
        SessionView::SignedOut { failure, .. } => failure.clone(),
        SessionView::Waiting { .. } | SessionView::Locked { .. } | SessionView::SignedIn { .. } => None,
    });
    let failure = failure.await;
    (failure.code, failure.detail)
}

#[tokio::test]
async fn a_clock_ten_minutes_wrong_is_named_with_its_minutes_either_way() {
    for seconds in [600, -600] {
        let (platform, detour) = Detour::start(Options::default()).await.expect("a platform starts");
        detour.spoil(move |_, _| Spoiled::Dated(seconds));
        let (_folder, place) = place();
        let desk = opened(&place, MODERATOR).await;
        let found = refused(&desk, &platform.url).await;
        assert_eq!(found, (FailureCode::ClockSkew, "10".to_owned()), "{seconds} seconds");
        // The clock is set right; the same desk goes on.
        detour.heal();
        desk.sign_in(&platform.url).await.expect("now the moderator may sign in");
    }
}

#[tokio::test]
async fn tokens_of_a_provider_whose_clock_is_wrong_are_not_called_forged() {
    for seconds in [600, -600] {
        let (_folder, place) = place();
        let desk = opened(&place, MODERATOR).await;
        let platform = testkit::Platform::start(Options::default()).await.expect("a platform starts");
        platform.advance(seconds);
        let found = refused(&desk, &platform.url).await;
        assert_eq!(found, (FailureCode::ClockSkew, "10".to_owned()), "{seconds} seconds");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_at_sign_in_and_nothing_else_is_asked_of_the_person() {
    let (platform, detour) = Detour::start(Options::default()).await.expect("a platform starts");
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    for status in [503, 500] {
        detour.spoil(move |_, path| if path.starts_with("/oidc") { Spoiled::Status(status) } else { Spoiled::Not });
        let found = refused(&desk, &platform.url).await.0;
        assert_eq!(found, FailureCode::PlatformFailed, "{status} is the platform's fault and not the person's");
    }
    detour.heal();
    desk.sign_in(&platform.url).await.expect("with the provider back the moderator signs in");
}

#[tokio::test]
async fn a_provider_that_goes_down_costs_no_word_and_no_session() {
    // Tokens so short that each request needs a fresh one.
    let options = Options { access_token_seconds: 5, ..Options::default() };
    let (platform, detour) = Detour::start(options).await.expect("a platform starts");
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    let draft = open(&desk, PATIENT).await.draft;
    detour.spoil(|_, path| if path.starts_with("/oidc") { Spoiled::Status(503) } else { Spoiled::Not });
    let saved = save(&desk, PATIENT, with_text(&draft, "Ohne Anmeldedienst geschrieben.")).await;
    assert!(saved.saved_here.is_some(), "what is typed is safe here");
    // Until the last token is over.
    let ask = async {
        loop {
            let answer = desk.call(Request::OpenCases { query: String::new() }).await;
            let Ok(Reply::Cases(cases)) = answer else { panic!("a list that says why: {:?}", code(&answer)) };
            // Without a list, or beside the one that was read at the sign-in and is kept.
            match (cases.rows, cases.freshness) {
                (Part::Failed { failure }, _) | (_, Freshness::Kept { failure: Some(failure) }) => return failure,
                (_, Freshness::Current | Freshness::Kept { failure: None }) => {}
            }
        }
    };
    let failure = tokio::time::timeout(PATIENCE, ask).await.expect("the token of five seconds is over by then");
    assert!(
        matches!(failure.code, FailureCode::PlatformFailed | FailureCode::PlatformUnreachable),
        "not the person's session: {:?}",
        failure.code
    );
    let session = desk.seen().session;
    assert!(matches!(session, Some(SessionView::SignedIn { .. })), "nobody is thrown out: {session:?}");
    detour.heal();
    let sent = super::until(&desk, "the draft on the platform", |view| view.saved_there.is_some()).await;
    assert_eq!(sent.draft.text, "Ohne Anmeldedienst geschrieben.", "with the provider back it goes on");
}

#[tokio::test]
async fn a_platform_that_was_killed_is_told_at_sign_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut platform = PlatformProcess::start(PROGRAM, folder.path()).await.expect("a platform starts");
    platform.kill().await.expect("the platform ends");
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    assert_eq!(refused(&desk, &platform.url).await.0, FailureCode::PlatformUnreachable, "nobody listens");
    let platform = platform.again().await.expect("the platform starts at the same port");
    desk.sign_in(&platform.url).await.expect("and then the moderator signs in");
}
