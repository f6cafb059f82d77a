//! Who wrote in the past days: a client that is there for as long as the past is written, and then signs out.

use super::ColleagueError;
use crate::people::PASSWORD;
use std::path::Path;
use std::sync::Arc;
use tim::{Account, AccountOptions, SessionStore, SessionStoreError, SignIn, StoredSession, SyncState};
use zeroize::Zeroizing;

/// Nothing of theirs outlives the process.
struct Forgetful;

impl SessionStore for Forgetful {
    fn save(&self, _session: &StoredSession) -> Result<(), SessionStoreError> {
        Ok(())
    }
}

/// Signs somebody in; with the recovery key of who has another device, so that this one is theirs to everybody else.
pub(super) async fn sign_in(
    homeserver: &tim::Homeserver,
    person: &str,
    folder: &Path,
    recovery: Option<&str>,
) -> Result<Account, ColleagueError> {
    let options = AccountOptions {
        folder: folder.join("past").join(person),
        key: Zeroizing::new(rand::random()),
        http: http(),
        transfers: http(),
        sessions: Arc::new(Forgetful),
        uploads: None,
    };
    let way = SignIn::Password { user: person, password: PASSWORD };
    let account = Account::sign_in(options, homeserver, way, "Konsil").await?;
    let mut state = account.state();
    // An account that ends instead of beginning shows it at the first request.
    drop(state.wait_for(|state| matches!(state, SyncState::Ready | SyncState::Ended)).await);
    if let Some(key) = recovery {
        account.recover(key).await?;
    }
    Ok(account)
}

/// They ask nobody but this computer.
pub(super) fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client for loopback needs nothing of the system")
}
