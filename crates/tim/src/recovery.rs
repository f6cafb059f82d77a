//! The recovery key: what opens older messages on a new device (client-server API v1.11 §11.12.3, secret storage).

use crate::Account;
use crate::secrets::{Asking, Secrets};
use futures_util::{Stream, StreamExt as _, stream};
use matrix_sdk::Client;
use matrix_sdk::encryption::recovery;
use ruma::events::secret::send::ToDeviceSecretSendEvent;
use std::sync::Arc;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::WatchStream;
use zeroize::Zeroizing;

/// Whether the keys of messages are safe outside this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryState {
    /// Not known yet.
    Unknown,
    /// Set up, and this device takes part.
    Ready,
    /// Never set up.
    SetUp,
    /// Set up on another device: this one needs the key.
    KeyNeeded,
}

/// A recovery key, to be written down.
pub struct RecoveryKey(Zeroizing<String>);

impl RecoveryKey {
    /// The key in groups of four characters.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryKey([not shown])")
    }
}

/// Why the recovery key could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// It is not the key of this account, or was mistyped.
    #[error("the recovery key is not the one of this account")]
    WrongKey,
    /// There is one already.
    #[error("a recovery key exists already")]
    Exists,
    /// The homeserver does not answer or refuses.
    #[error("the homeserver did not take it: {0}")]
    Homeserver(String),
}

impl Account {
    /// Whether recovery is set up.
    #[must_use]
    pub fn recovery_state(&self) -> RecoveryState {
        state(&self.client, *self.secrets.borrow())
    }

    /// Every change of it.
    pub fn recovery_changes(&self) -> impl Stream<Item = RecoveryState> + Send + use<> {
        let (client, secrets) = (self.client.clone(), self.secrets.subscribe());
        let told = client.encryption().recovery().state_stream().map(drop);
        let here = WatchStream::from_changes(self.secrets.subscribe()).map(drop);
        stream::select(told, here).map(move |()| state(&client, *secrets.borrow()))
    }

    /// Makes a recovery key, and a backup of the keys of messages that it opens. Takes as long as the upload.
    ///
    /// # Errors
    /// [`RecoveryError`]; nothing is set up then.
    pub async fn set_up_recovery(&self) -> Result<RecoveryKey, RecoveryError> {
        // After a sign-in the library makes a backup by itself. With two at the same time the key kept would be that of
        // one, and the backup that of the other.
        self.client.encryption().wait_for_e2ee_initialization_tasks().await;
        let key = self.client.encryption().recovery().enable().wait_for_backups_to_upload().await;
        key.map(|key| RecoveryKey(Zeroizing::new(key))).map_err(|error| of_sdk(&error))
    }

    /// Opens older messages with the recovery key.
    ///
    /// # Errors
    /// [`RecoveryError`]; nothing changed then.
    pub async fn recover(&self, key: &str) -> Result<(), RecoveryError> {
        self.client.encryption().recovery().recover(key.trim()).await.map_err(|error| of_sdk(&error))
    }
}

/// Whether all secrets are here. What arrives from another own device after a comparison comes in any order, and the
/// library looks more than once at the same time: the oldest look may have the last word, and the person would be asked
/// for a key that is not needed (matrix-rust-sdk #3445). A look of our own is taken after each thing that may complete
/// them, and the other devices are asked again for what none of them has sent.
pub(crate) async fn follow(secrets: Secrets, client: Client, told: watch::Sender<bool>) {
    let sent = Arc::new(Notify::new());
    let came = sent.clone();
    let handler = client.add_event_handler(move |_: ToDeviceSecretSendEvent| {
        let came = came.clone();
        async move { came.notify_one() }
    });
    let _guard = client.event_handler_drop_guard(handler);
    let mut backups = client.encryption().backups().state_stream().boxed();
    let mut states = client.encryption().recovery().state_stream().boxed();
    let mut confirmed = client.encryption().verification_state();
    let mut asking = Asking::default();
    loop {
        let here = secrets.are_here().await;
        told.send_if_modified(|known| std::mem::replace(known, here) != here);
        asking.is_called_for(!here && secrets.may_be_asked_for(), Instant::now());
        let due = asking.due();
        let more = tokio::select! {
            () = sent.notified() => true,
            () = until(due) => {
                secrets.ask().await;
                asking.asked(Instant::now());
                true
            }
            state = backups.next() => state.is_some(),
            state = states.next() => state.is_some(),
            state = confirmed.next() => state.is_some(),
        };
        if !more {
            return;
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// What the library knows, and what it may have missed.
pub(crate) fn state(client: &Client, secrets: bool) -> RecoveryState {
    match client.encryption().recovery().state() {
        recovery::RecoveryState::Unknown => RecoveryState::Unknown,
        recovery::RecoveryState::Enabled => RecoveryState::Ready,
        recovery::RecoveryState::Incomplete if secrets => RecoveryState::Ready,
        recovery::RecoveryState::Incomplete => RecoveryState::KeyNeeded,
        recovery::RecoveryState::Disabled => RecoveryState::SetUp,
    }
}

fn of_sdk(error: &recovery::RecoveryError) -> RecoveryError {
    use matrix_sdk::encryption::secret_storage::SecretStorageError;
    match error {
        recovery::RecoveryError::BackupExistsOnServer => RecoveryError::Exists,
        recovery::RecoveryError::SecretStorage(SecretStorageError::SecretStorageKey(_)) => RecoveryError::WrongKey,
        recovery::RecoveryError::SecretStorage(error) => RecoveryError::Homeserver(error.to_string()),
        recovery::RecoveryError::Sdk(error) => RecoveryError::Homeserver(error.to_string()),
    }
}
