//! The devices of an account: their list, their names, and the end of a session.

use super::Home;
use testkit::PATIENCE;
use tim::{Proof, ProofError, ProofWay, SyncState};
use tokio::time::timeout;

on_each_homeserver! {
    a_device_that_is_signed_out_is_gone_from_the_list_and_its_session_ends,
    a_device_gets_another_name,
}

async fn a_device_that_is_signed_out_is_gone_from_the_list_and_its_session_ends(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let person = home.person("dr-silbertal").await;
    let (one, other) = (home.device(&person).await, home.device(&person).await);
    let devices = one.account.devices().await.expect("the homeserver answers");
    assert!(devices.first().is_some_and(|device| device.this), "this one comes first");
    let found = devices.iter().find(|device| !device.this).expect("the other one is there");
    assert_eq!(found.name.as_deref(), Some("a test"), "under the name that it gave itself");
    assert!(found.last_seen.is_some(), "and seen just now");

    let asked = one.account.end_device(&found.id, None).await;
    let Err(ProofError::Needed(demand)) = asked else { panic!("who asks is to be proved: {asked:?}") };
    assert_eq!(demand.way, ProofWay::Password, "as these homeservers do");
    let wrong = Proof::Password { session: &demand.session, password: "wrong" };
    let refused = one.account.end_device(&found.id, Some(wrong)).await;
    let Err(ProofError::Wrong(demand)) = refused else { panic!("a wrong password is called so: {refused:?}") };
    assert_eq!(*other.account.state().borrow(), SyncState::Ready, "nothing has ended");
    let right = Proof::Password { session: &demand.session, password: sandbox::PASSWORD };
    one.account.end_device(&found.id, Some(right)).await.expect("the right one does it");

    let left = one.account.devices().await.expect("the homeserver answers");
    assert!(left.iter().all(|device| device.id != found.id), "it is gone from the list");
    let mut state = other.account.state();
    let ended = timeout(PATIENCE, state.wait_for(|state| *state == SyncState::Ended));
    let ended = ended.await.expect("the other device hears of it in time");
    assert!(ended.is_ok(), "that its session has ended");
}

async fn a_device_gets_another_name(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let one = home.device(&home.person("dr-silbertal").await).await;
    let this = one.account.devices().await.expect("the homeserver answers").swap_remove(0);
    one.account.rename_device(&this.id, "Board\u{202e}raum\n3").await.expect("it may be renamed");
    let named = one.account.devices().await.expect("the homeserver answers").swap_remove(0);
    assert_eq!(named.name.as_deref(), Some("Boardraum 3"), "without what turns or breaks a line (Unicode TR36)");
}
