//! The recovery key: made, used, and kept on this computer where IT has fixed that.
//!
//! A kept key is sealed in the vault under the person's Matrix id. It outlives a sign-out, since the sign-in after it is
//! what it is for, and it goes when it no longer fits or when IT no longer has it kept.

use super::Up;
use crate::Desk;
use contract::{Failure, FailureCode, RecoveryKeyView};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tim::{RecoveryError, RecoveryState};
use tokio::sync::Notify;
use vault::{StoreError, Table, Vault};
use zeroize::Zeroizing;

/// How far a kept key is.
#[derive(Default)]
pub(super) struct Keeping {
    /// It is being tried: the person is not asked meanwhile.
    trying: AtomicBool,
    /// Tells that this is over.
    pub(super) tried: Notify,
    /// Whose turn it is: a kept key that fails must not take one with it that the person has typed meanwhile.
    turn: tokio::sync::Mutex<()>,
}

impl Keeping {
    /// What the person is told of the account's state.
    pub(super) fn shown(&self, state: RecoveryState) -> RecoveryState {
        match state {
            RecoveryState::KeyNeeded if self.trying.load(Ordering::Acquire) => RecoveryState::Unknown,
            RecoveryState::Unknown | RecoveryState::Ready | RecoveryState::SetUp | RecoveryState::KeyNeeded => state,
        }
    }

    fn tries(&self, trying: bool) {
        self.trying.store(trying, Ordering::Release);
        if !trying {
            self.tried.notify_one();
        }
    }
}

impl Desk {
    pub(crate) fn set_up_recovery(&self) -> BoxFuture<'_, Result<RecoveryKeyView, Failure>> {
        async {
            let up = self.up()?;
            let _turn = self.0.chat.keeping.turn.lock().await;
            let key = up.account.set_up_recovery().await.map_err(|error| of_recovery(&error))?;
            // A key that could not be kept is shown as if nobody kept any: it opens the account already.
            let kept = self.keep_recovery_key(&up.account.user(), key.reveal()).await;
            Ok(RecoveryKeyView { key: key.reveal().to_owned(), kept })
        }
        .boxed()
    }

    pub(crate) fn recover<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let up = self.up()?;
            let _turn = self.0.chat.keeping.turn.lock().await;
            up.account.recover(key).await.map_err(|error| of_recovery(&error))?;
            let _kept = self.keep_recovery_key(&up.account.user(), key.trim()).await;
            Ok(())
        }
        .boxed()
    }

    /// Uses the kept key whenever this device needs one.
    pub(super) async fn recover_by_itself(&self, up: &Up) {
        let user = up.account.user();
        // A chat that ended meanwhile may have left it unfinished.
        self.0.chat.keeping.tries(false);
        if !self.0.policy.keeps_recovery_key {
            self.forget_recovery_key(&user).await;
            return;
        }
        let mut changes = Box::pin(up.account.recovery_changes());
        let mut state = up.account.state();
        loop {
            if up.account.recovery_state() == RecoveryState::KeyNeeded {
                self.try_kept_key(up, &user).await;
            }
            // A homeserver that did not answer is asked again when it is back.
            let open = tokio::select! {
                told = changes.next() => told.is_some(),
                told = state.changed() => told.is_ok(),
            };
            if !open {
                return;
            }
        }
    }

    async fn try_kept_key(&self, up: &Up, user: &str) {
        let keeping = &self.0.chat.keeping;
        let _turn = keeping.turn.lock().await;
        let (vault, row) = (self.0.vault.clone(), row(user));
        let Some(key) = of_vault(vault, move |vault| kept(vault, &row)).await.flatten() else { return };
        keeping.tries(true);
        match up.account.recover(&key).await {
            Ok(()) => tracing::info!("the kept recovery key has confirmed this device"),
            Err(RecoveryError::WrongKey) => {
                tracing::info!("the kept recovery key no longer fits and is dropped");
                self.forget_recovery_key(user).await;
            }
            Err(error @ (RecoveryError::Exists | RecoveryError::Homeserver(_))) => {
                tracing::warn!(code = ?of_recovery(&error).code, "the kept recovery key could not be used");
            }
        }
        keeping.tries(false);
    }

    /// Whether it is kept, which IT decides and the disk allows.
    async fn keep_recovery_key(&self, user: &str, key: &str) -> bool {
        if !self.0.policy.keeps_recovery_key {
            return false;
        }
        let (vault, row, key) = (self.0.vault.clone(), row(user), Zeroizing::new(key.as_bytes().to_vec()));
        of_vault(vault, move |vault| vault.put(Table::Secrets, &row, &key)).await.is_some()
    }

    pub(super) async fn forget_recovery_key(&self, user: &str) {
        let (vault, row) = (self.0.vault.clone(), row(user));
        let _told = of_vault(vault, move |vault| vault.delete(Table::Secrets, &row)).await;
    }
}

/// The vault's answer; what it refuses is told to the log.
async fn of_vault<T: Send + 'static>(
    vault: Arc<Vault>,
    ask: impl FnOnce(&Vault) -> Result<T, StoreError> + Send + 'static,
) -> Option<T> {
    match tokio::task::spawn_blocking(move || ask(&vault)).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the vault does not keep the recovery key");
            None
        }
        Err(error) => {
            tracing::error!(%error, "the vault stumbled over the recovery key");
            None
        }
    }
}

fn row(user: &str) -> String {
    format!("chat/recovery-key/{user}")
}

fn kept(vault: &Vault, row: &str) -> Result<Option<Zeroizing<String>>, StoreError> {
    let Some(bytes) = vault.get(Table::Secrets, row)? else { return Ok(None) };
    let bytes = Zeroizing::new(bytes.into_revealed());
    Ok(std::str::from_utf8(&bytes).ok().map(|key| Zeroizing::new(key.to_owned())))
}

fn of_recovery(error: &RecoveryError) -> Failure {
    let code = match error {
        RecoveryError::WrongKey => FailureCode::RecoveryKeyWrong,
        RecoveryError::Exists => FailureCode::Conflict,
        RecoveryError::Homeserver(_) => FailureCode::PlatformFailed,
    };
    Failure::new(code, error.to_string())
}
