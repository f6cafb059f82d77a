//! Synapse with Keycloak as its OpenID provider: the person signs in once, in one tab, for both.

use super::{Shelf, found, options};
use crate::servers::{Servers, skipped};
use crate::{MODERATOR, opened, place};
use contract::ChatStateView;
use platform::oidc::TokenRedirect;
use std::sync::Arc;
use tempfile::TempDir;
use testkit::{PATIENCE, browser};
use tim::{Account, Homeserver, Proof, ProofError, ProofWay, SignIn, SignInWay, SyncState};
use tokio::time::timeout;

/// Synapse, where it offers to sign in at Keycloak.
async fn with_provider(servers: &Servers) -> Option<Homeserver> {
    let port = servers.address("synapse").port().expect("it has a port of its own");
    let homeserver = found(&format!("127.0.0.1:{port}")).await;
    if homeserver.ways.iter().any(|way| matches!(way, SignInWay::Browser { provider: Some(_) })) {
        return Some(homeserver);
    }
    skipped("Synapse was started without Keycloak; start both with `cargo xtask servers up`");
    None
}

/// A new device, by the browser.
async fn signs_in(homeserver: &Homeserver, user: &'static str) -> (TempDir, Account) {
    let redirect = TokenRedirect::begin().await.expect("a port is free");
    let page = homeserver.browser_page(redirect.url()).expect("there is a way by the browser");
    let walk = tokio::spawn(async move { browser::walk(&page, user, sandbox::PASSWORD, None).await });
    let token = timeout(PATIENCE, redirect.token()).await.expect("in time").expect("the browser brings it");
    walk.await.expect("it ends").expect("the person may sign in");
    let (folder, shelf) = (tempfile::tempdir().expect("a temporary folder"), Arc::new(Shelf::default()));
    let account = Account::sign_in(options(&folder, &shelf), homeserver, SignIn::Token(&token), "a test").await;
    let account = account.expect("the token is good");
    let mut state = account.state();
    let ready = timeout(PATIENCE, state.wait_for(|state| *state == SyncState::Ready)).await.expect("in time");
    assert!(ready.is_ok(), "it follows the homeserver");
    (folder, account)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_without_a_password_signs_in_and_proves_who_asks_in_the_browser() {
    let Some(servers) = Servers::with(&["keycloak", "synapse"]) else { return };
    let Some(homeserver) = with_provider(&servers).await else { return };
    let (_one, one) = signs_in(&homeserver, "dr-sonnkaya").await;
    assert_eq!(one.user(), format!("@dr-sonnkaya:{}", homeserver.server_name), "who they are at the provider");
    let (_other, other) = signs_in(&homeserver, "dr-sonnkaya").await;
    let devices = other.devices().await.expect("the homeserver answers");
    let this = devices.iter().find(|device| device.this).expect("it knows itself").id.clone();

    let asked = one.end_device(&this, None).await;
    let Err(ProofError::Needed(demand)) = asked else { panic!("who asks is to be proved: {asked:?}") };
    let ProofWay::Page(page) = &demand.way else { panic!("there is no password: {demand:?}") };
    let early = one.end_device(&this, Some(Proof::Page { session: &demand.session })).await;
    assert!(early.is_err(), "nobody has been to the page: {early:?}");
    browser::walk(page, "dr-sonnkaya", sandbox::PASSWORD, None).await.expect("it leads to the provider and back");
    one.end_device(&this, Some(Proof::Page { session: &demand.session })).await.expect("now it is proved");
    let mut state = other.state();
    let ended = timeout(PATIENCE, state.wait_for(|state| *state == SyncState::Ended)).await.expect("in time");
    assert!(ended.is_ok(), "its session has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sign_in_opens_the_platform_and_chat_on_keycloak_and_synapse() {
    let Some(servers) = Servers::with(&["keycloak", "hapi", "orthanc", "synapse"]) else { return };
    if with_provider(&servers).await.is_none() {
        return;
    }
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(servers.discovery_with_chat()).await.expect("the person may sign in");
    let ready = |view: &contract::ChatView| (view.state == ChatStateView::Ready).then_some(());
    desk.eventually("chat, without a second password", |seen| seen.chat.as_ref().and_then(ready)).await;
}
