//! The recovery key that IT has kept on the computer.

use super::desks::sees_chat;
use crate::{MODERATOR, code, opened, place};
use contract::{ChatStateView, FailureCode, ProofGiven, RecoveryView, Reply, Request, SettingsView, TrustStep};
use sandbox::Options;
use testkit::{DeskKit, DeskPlace, Platform, find_in_files};

/// A place whose IT has the key kept.
fn keeping_place() -> (tempfile::TempDir, DeskPlace) {
    let (folder, place) = place();
    (folder, DeskPlace { keeps_recovery_key: true, ..place })
}

async fn signed_in(place: &DeskPlace, platform: &Platform) -> DeskKit {
    let desk = opened(place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the person may sign in");
    sees_chat(&desk, "chat", |view| (view.state == ChatStateView::Ready).then_some(())).await;
    desk
}

/// Signs out and in again: a new device of the same person at the same computer.
async fn anew(desk: DeskKit, place: &DeskPlace, platform: &Platform) -> DeskKit {
    let out = desk.call(Request::SignOut).await;
    assert!(matches!(out, Ok(Reply::Done)), "signed out: {:?}", code(&out));
    desk.kill().await.expect("it ends");
    signed_in(place, platform).await
}

async fn comes_to(desk: &DeskKit, recovery: RecoveryView) {
    sees_chat(desk, &format!("{recovery:?}"), |view| (view.recovery == recovery).then_some(())).await;
}

async fn set_up(desk: &DeskKit) -> (String, bool) {
    comes_to(desk, RecoveryView::SetUp).await;
    // At once: what the library does by itself for a new account is waited for.
    let made = desk.call(Request::SetUpRecovery).await;
    let Ok(Reply::RecoveryKey(view)) = made else { panic!("it is the first: {:?}", code(&made)) };
    comes_to(desk, RecoveryView::Ready).await;
    (view.key, view.kept)
}

async fn settings(desk: &DeskKit) -> SettingsView {
    let started = desk.call(Request::Start).await;
    let Ok(Reply::Started(start)) = started else { panic!("the start: {:?}", code(&started)) };
    start.settings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_computer_keeps_confirms_the_next_sign_in_by_itself() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (folder, place) = keeping_place();
    let desk = signed_in(&place, &platform).await;
    assert!(settings(&desk).await.fixed.contains(&"recovery-key".to_owned()), "the page knows that IT has fixed it");
    let (key, kept) = set_up(&desk).await;
    assert!(kept, "the person does not have to keep it");
    let desk = anew(desk, &place, &platform).await;
    comes_to(&desk, RecoveryView::Ready).await;
    desk.kill().await.expect("it ends");
    let bare: String = key.split_whitespace().collect();
    let found = find_in_files(&folder.path().join("profile"), &[key, bare]).expect("the profile can be read");
    assert_eq!(found, None, "the key lies nowhere in clear");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_key_confirms_the_device_that_comes_after_a_damaged_store() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (folder, place) = keeping_place();
    let desk = signed_in(&place, &platform).await;
    set_up(&desk).await;
    desk.kill().await.expect("it ends");
    let chat = folder.path().join("profile/chat");
    for file in ["matrix-sdk-crypto.sqlite3-wal", "matrix-sdk-crypto.sqlite3-shm"] {
        // There may be none.
        let _gone = std::fs::remove_file(chat.join(file));
    }
    std::fs::write(chat.join("matrix-sdk-crypto.sqlite3"), [0x55; 4096]).expect("it can be written");
    let desk = opened(&place, MODERATOR).await;
    let unreadable = |view: &contract::ChatView| match &view.state {
        ChatStateView::Stopped { failure } => (failure.code == FailureCode::ChatStoreDamaged).then_some(()),
        ChatStateView::Absent | ChatStateView::Connecting | ChatStateView::Ready | ChatStateView::Offline { .. } => {
            None
        }
    };
    sees_chat(&desk, "that the store is damaged", unreadable).await;
    let again = desk.call(Request::ConnectChat).await;
    assert!(again.is_ok(), "a new sign-in: {:?}", code(&again));
    comes_to(&desk, RecoveryView::Ready).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_policy_no_key_is_kept_and_one_that_was_goes() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, mut place) = place();
    let desk = signed_in(&place, &platform).await;
    let (key, kept) = set_up(&desk).await;
    assert!(!kept, "the person keeps it");
    let desk = anew(desk, &place, &platform).await;
    comes_to(&desk, RecoveryView::KeyNeeded).await;

    place.keeps_recovery_key = true;
    let desk = anew(desk, &place, &platform).await;
    comes_to(&desk, RecoveryView::KeyNeeded).await;
    let typed = desk.call(Request::Recover { key }).await;
    assert!(matches!(typed, Ok(Reply::Done)), "the key that the person has: {:?}", code(&typed));
    let desk = anew(desk, &place, &platform).await;
    comes_to(&desk, RecoveryView::Ready).await;

    place.keeps_recovery_key = false;
    let desk = anew(desk, &place, &platform).await;
    comes_to(&desk, RecoveryView::KeyNeeded).await;
    place.keeps_recovery_key = true;
    let desk = anew(desk, &place, &platform).await;
    comes_to(&desk, RecoveryView::KeyNeeded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_key_that_no_longer_fits_is_dropped_and_the_person_is_asked() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, here) = keeping_place();
    let desk = signed_in(&here, &platform).await;
    let (former, _kept) = set_up(&desk).await;
    let out = desk.call(Request::SignOut).await;
    assert!(matches!(out, Ok(Reply::Done)), "signed out: {:?}", code(&out));
    desk.kill().await.expect("it ends");

    let (_other, there) = place();
    let elsewhere = signed_in(&there, &platform).await;
    comes_to(&elsewhere, RecoveryView::KeyNeeded).await;
    let reset = |proof| Request::Trust { trust: TrustStep::ResetIdentity { proof } };
    let wanted = elsewhere.call(reset(None)).await;
    let Ok(Reply::ProofWanted(wanted)) = wanted else { panic!("a proof is wanted: {:?}", code(&wanted)) };
    let password = ProofGiven::Password { session: wanted.session, password: sandbox::PASSWORD.to_owned() };
    let done = elsewhere.call(reset(Some(password))).await;
    assert!(matches!(done, Ok(Reply::Done)), "a new identity: {:?}", code(&done));
    let (key, _not_kept) = set_up(&elsewhere).await;
    assert_ne!(key, former, "recovery was changed elsewhere");

    let desk = signed_in(&here, &platform).await;
    comes_to(&desk, RecoveryView::KeyNeeded).await;
    let typed = desk.call(Request::Recover { key }).await;
    assert!(matches!(typed, Ok(Reply::Done)), "the person has the new one: {:?}", code(&typed));
    let desk = anew(desk, &here, &platform).await;
    comes_to(&desk, RecoveryView::Ready).await;
}
