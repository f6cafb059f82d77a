//! Trust as the page sees it: two desks of one person.

use crate::{MODERATOR, at_work_on, code};
use contract::{
    ChatStateView, ComparisonStateView, ComparisonView, CounterpartView, DeviceTrust, FailureCode, ProofGiven,
    ProofWay, RecoveryView, Reply, Request, TrustStep,
};
use sandbox::Options;
use serde_json::json;
use testkit::{DeskKit, Detour, Platform, Spoiled};

async fn asks(desk: &DeskKit, trust: TrustStep) -> Result<Reply, contract::Failure> {
    desk.call(Request::Trust { trust }).await
}

async fn does(desk: &DeskKit, trust: TrustStep) {
    let said = format!("{trust:?}");
    let done = asks(desk, trust).await;
    assert!(matches!(done, Ok(Reply::Done)), "{said}: {:?}", code(&done));
}

async fn is_ready(desk: &DeskKit) {
    let ready = |view: &contract::ChatView| (view.state == ChatStateView::Ready).then_some(());
    desk.eventually("chat", |seen| seen.chat.as_ref().and_then(ready)).await;
}

/// Waits until the comparison is what is wanted.
async fn compares<T>(desk: &DeskKit, what: &str, wanted: impl Fn(&ComparisonView) -> Option<T>) -> T {
    desk.eventually(what, |seen| seen.chat.as_ref()?.comparison.as_ref().and_then(&wanted)).await
}

async fn shows(desk: &DeskKit) -> (Option<Vec<u8>>, Vec<u16>) {
    compares(desk, "something to compare", |view| match &view.state {
        ComparisonStateView::Comparing { emoji, numbers } => Some((emoji.clone(), numbers.clone())),
        ComparisonStateView::Waiting
        | ComparisonStateView::Asked
        | ComparisonStateView::Agreeing
        | ComparisonStateView::Confirming
        | ComparisonStateView::Done
        | ComparisonStateView::Ended { .. } => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_desk_is_confirmed_beside_the_first_and_signed_out_from_it() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_one, first) = at_work_on(&platform, MODERATOR).await;
    is_ready(&first).await;
    let nobody = asks(&first, TrustStep::VerifyDevice { device: None }).await;
    assert_eq!(code(&nobody), Some(FailureCode::NothingToCompare), "there is no other device");
    let key = first.call(Request::SetUpRecovery).await;
    assert!(matches!(key, Ok(Reply::RecoveryKey(_))), "there is something to recover: {:?}", code(&key));

    let (_other, second) = at_work_on(&platform, MODERATOR).await;
    is_ready(&second).await;
    let needed = |view: &contract::ChatView| (view.recovery == RecoveryView::KeyNeeded).then_some(());
    second.eventually("that it is not confirmed", |seen| seen.chat.as_ref().and_then(needed)).await;
    let listed = asks(&second, TrustStep::OpenDevices).await;
    let Ok(Reply::Devices(listed)) = listed else { panic!("devices: {:?}", code(&listed)) };
    let this = listed.devices.first().expect("at least this one").clone();
    assert_eq!((this.this, this.trust), (true, DeviceTrust::Unconfirmed), "this one first");

    does(&second, TrustStep::VerifyDevice { device: None }).await;
    let asked =
        compares(&first, "the question", |view| matches!(view.state, ComparisonStateView::Asked).then(|| view.clone()));
    let asked = asked.await;
    assert!(asked.by_them && matches!(asked.with, CounterpartView::Device { .. }), "by the other device: {asked:?}");
    does(&first, TrustStep::AcceptVerification).await;
    assert_eq!(shows(&first).await, shows(&second).await, "both show the same");
    does(&first, TrustStep::CompareVerification { same: true }).await;
    does(&second, TrustStep::CompareVerification { same: true }).await;
    for desk in [&first, &second] {
        compares(desk, "the end", |view| (view.state == ComparisonStateView::Done).then_some(())).await;
        does(desk, TrustStep::LeaveVerification).await;
    }
    let ready = |view: &contract::ChatView| (view.recovery == RecoveryView::Ready).then_some(());
    second.eventually("that it is confirmed", |seen| seen.chat.as_ref().and_then(ready)).await;

    let end = |proof| TrustStep::EndDevice { device: this.id.clone(), proof };
    let wanted = asks(&first, end(None)).await;
    let Ok(Reply::ProofWanted(wanted)) = wanted else { panic!("a proof is wanted: {:?}", code(&wanted)) };
    assert_eq!((wanted.way, wanted.again), (ProofWay::Password, false), "the password of the account");
    let password = |password: &str, session: &str| {
        Some(ProofGiven::Password { session: session.to_owned(), password: password.to_owned() })
    };
    let again = asks(&first, end(password("wrong", &wanted.session))).await;
    let Ok(Reply::ProofWanted(again)) = again else { panic!("once more: {:?}", code(&again)) };
    assert!(again.again, "it was wrong");
    does(&first, end(password(sandbox::PASSWORD, &again.session))).await;
    let ended = |view: &contract::ChatView| match &view.state {
        ChatStateView::Stopped { failure } => Some(failure.code),
        ChatStateView::Absent | ChatStateView::Connecting | ChatStateView::Ready | ChatStateView::Offline { .. } => {
            None
        }
    };
    let why = second.eventually("the end of its session", |seen| seen.chat.as_ref().and_then(ended)).await;
    assert_eq!(why, FailureCode::SessionEnded, "it says why, and offers to sign in again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_that_cannot_be_given_here_is_said_before_anything_is_tried() {
    let (platform, detour) = Detour::start(Options::default()).await.expect("a platform starts");
    let (_one, first) = at_work_on(&platform, MODERATOR).await;
    is_ready(&first).await;
    let (_other, second) = at_work_on(&platform, MODERATOR).await;
    is_ready(&second).await;
    let listed = asks(&first, TrustStep::OpenDevices).await;
    let Ok(Reply::Devices(listed)) = listed else { panic!("devices: {:?}", code(&listed)) };
    let other = listed.devices.iter().find(|device| !device.this).expect("the second desk's").id.clone();
    // A page in the browser that a TI-Messenger's proxy does not forward, and a stage that only other programs know.
    for stages in [json!(["m.login.sso"]), json!(["org.example.card"]), json!(["m.login.password", "m.login.terms"])] {
        let flows = json!([{ "stages": stages }]);
        detour.spoil(move |method, path| {
            if path.contains("/auth/m.login.sso/") {
                return Spoiled::Status(404);
            }
            let ends = (method == "DELETE" && path.contains("/devices/")) || path.contains("/delete_devices");
            if !ends {
                return Spoiled::Not;
            }
            let body = json!({ "session": "one", "flows": flows, "params": {} });
            Spoiled::Instead { status: 401, retry_after: None, body }
        });
        let ended = asks(&first, TrustStep::EndDevice { device: other.clone(), proof: None }).await;
        assert_eq!(code(&ended), Some(FailureCode::ProofImpossible), "{stages}");
    }
    detour.heal();
    let listed = asks(&first, TrustStep::OpenDevices).await;
    let Ok(Reply::Devices(listed)) = listed else { panic!("devices: {:?}", code(&listed)) };
    assert!(listed.devices.iter().any(|device| device.id == other), "the other device is still signed in");
}
