//! Discovery, sign-in, lock, restart, sign-out.

use crate::{
    MODERATOR, at_work_on,
    bulk::{Pipe, Way},
    code,
    faults::opened_series,
    opened, place,
    platforms::on_each_platform,
};
use contract::{Failure, FailureCode, Permission, Reply, Request, SessionView, SettingsView};
use testkit::{DeskKit, Platform};

on_each_platform![
    a_platform_is_found_by_its_address,
    signing_in_tells_who_is_there_and_what_they_may,
    a_physician_is_not_offered_the_decision,
    somebody_without_a_role_for_the_program_is_not_let_in,
    a_restart_goes_on_where_the_person_was,
    signing_out_leaves_nothing_to_go_on_with,
    a_locked_desk_answers_nothing_of_a_case_until_the_same_person_is_back,
    a_desk_that_is_killed_as_soon_as_it_is_seen_to_be_locked_starts_locked,
    somebody_else_cannot_unlock,
];

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

async fn a_platform_is_found_by_its_address(platform: &Platform) {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    let found = desk.call(Request::Discover { address: platform.url.clone() }).await;
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

async fn signing_in_tells_who_is_there_and_what_they_may(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
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

async fn a_physician_is_not_offered_the_decision(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, "dr-sonnkaya").await;
    let SessionView::SignedIn { person, .. } = session(&desk).await else { panic!("signed in") };
    assert_eq!(person.may, [Permission::ReadCases], "physicians read and discuss");
}

async fn somebody_without_a_role_for_the_program_is_not_let_in(platform: &Platform) {
    let (_folder, place) = place();
    let desk = opened(&place, "it-buchfink").await;
    let error = desk.sign_in(&platform.url).await.expect_err("IT sees no patients");
    assert!(error.to_string().contains("RoleWithoutCases"), "the reason is the role: {error}");
    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    assert_eq!(code(&answer), Some(FailureCode::SessionEnded), "nobody sits here");
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, "it-buchfink").await;
    assert!(matches!(session(&desk).await, SessionView::SignedOut { .. }), "nor after a restart");
}

async fn a_restart_goes_on_where_the_person_was(platform: &Platform) {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, MODERATOR).await;
    let view = session(&desk).await;
    assert!(matches!(view, SessionView::SignedIn { .. }), "a moment later the person is at work: {view:?}");
    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    assert!(matches!(answer, Ok(Reply::Cases(_))), "with a session that still opens doors: {answer:?}");
}

async fn signing_out_leaves_nothing_to_go_on_with(platform: &Platform) {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    assert_eq!(desk.call(Request::SignOut).await, Ok(Reply::Done), "signing out is taken");
    let view = session(&desk).await;
    assert!(matches!(view, SessionView::SignedOut { failure: None, .. }), "out, and not by a fault: {view:?}");
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, MODERATOR).await;
    let SessionView::SignedOut { address, .. } = session(&desk).await else { panic!("signed out") };
    assert_eq!(address.as_deref(), Some(platform.url.as_str()), "the address is remembered, the session not");
}

async fn a_locked_desk_answers_nothing_of_a_case_until_the_same_person_is_back(platform: &Platform) {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
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

async fn a_desk_that_is_killed_as_soon_as_it_is_seen_to_be_locked_starts_locked(platform: &Platform) {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    tokio::select! {
        failure = locked(&desk) => assert_eq!(failure, None, "locked without a fault"),
        taken = desk.call(Request::Lock) => assert_eq!(taken, Ok(Reply::Done), "locking is taken"),
    }
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, MODERATOR).await;
    let view = session(&desk).await;
    assert!(matches!(view, SessionView::Locked { .. }), "and nobody passes by ending the program: {view:?}");
}

async fn somebody_else_cannot_unlock(platform: &Platform) {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
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

/// Minutes until the lock: the fewest that the settings have.
const IDLE_MINUTES: u16 = 3;

/// Waits until the person is warned of the lock, or is not any longer.
async fn warned(desk: &DeskKit, expected: bool) {
    desk.eventually(if expected { "the warning" } else { "the end of the warning" }, |seen| {
        match seen.session.as_ref()? {
            SessionView::SignedIn { locks_at, .. } => (locks_at.is_some() == expected).then_some(()),
            SessionView::Locked { .. } | SessionView::SignedOut { .. } | SessionView::Waiting { .. } => None,
        }
    })
    .await;
}

#[tokio::test]
async fn an_idle_desk_warns_and_locks_unless_it_is_touched() {
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&Platform::shared().url).await.expect("the moderator may sign in");
    let Ok(Reply::Started(start)) = desk.call(Request::Start).await else { panic!("a start view") };
    let settings = SettingsView { lock_after_minutes: IDLE_MINUTES, ..start.settings };
    let changed = desk.call(Request::ChangeSettings { settings }).await;
    let Ok(Reply::Settings(settings)) = changed else { panic!("settings: {changed:?}") };
    assert_eq!(settings.lock_after_minutes, IDLE_MINUTES, "as it was chosen");
    let series = opened_series(&desk, "pat-auenwald", "FDG-PET/CT", "PET AC").await;
    let mut pipes = Vec::new();
    for way in Way::BOTH {
        pipes.push((way, Pipe::open(&desk, way).await));
    }

    // A second into the half minute before the lock.
    let nearly = i64::from(IDLE_MINUTES) * 60 - 29;
    desk.call(Request::Touch).await.expect("somebody is here");
    desk.put_ahead(nearly).await;
    warned(&desk, true).await;
    desk.call(Request::Touch).await.expect("somebody is here");
    warned(&desk, false).await;
    // Longer than the limit by now, but not since the last touch.
    desk.put_ahead(nearly).await;
    warned(&desk, true).await;
    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    assert!(matches!(answer, Ok(Reply::Cases(_))), "still at work: {answer:?}");
    desk.put_ahead(30).await;
    assert_eq!(locked(&desk).await, None, "locked without a fault");

    let answer = desk.call(Request::OpenCases { query: String::new() }).await;
    assert_eq!(code(&answer), Some(FailureCode::Locked), "nothing of a case");
    for (way, pipe) in &mut pipes {
        let got = pipe.frames(series.handle, 0, 0).await;
        assert_eq!(got[&0], Err("not-found".to_owned()), "no pixels: {way:?}");
    }
    drop(pipes);
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, MODERATOR).await;
    let view = session(&desk).await;
    assert!(matches!(view, SessionView::Locked { .. }), "a restart is no way around it: {view:?}");
}
