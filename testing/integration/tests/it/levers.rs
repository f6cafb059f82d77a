//! What needs a platform that can be put out of order: sessions ended at the provider, a clock put forward, a platform
//! that is gone. No test does that to servers that others use, so these run on a sandbox of their own.

use crate::{MODERATOR, opened, place};
use contract::{FailureCode, Reply, Request, SessionView};
use testkit::Platform;

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
