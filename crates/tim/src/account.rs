//! One person's account on a homeserver, on this device: signing in, going on after a restart, signing out.

use crate::Homeserver;
use crate::arrivals::Arrival;
use crate::file::{Interruptions, UploadJournal, Wire, forget_arrived, interruptions, strike_queued};
use crate::generation::GenerationError;
use crate::insurance::Insurances;
use crate::queue::Queues;
use crate::secrets::Secrets;
use crate::signals::Signals;
use crate::sync::{SyncState, follow, send_again, watch_parts, watch_session};
use crate::verification::Verifying;
use crate::{queue, recovery};
use matrix_sdk::authentication::matrix::MatrixSession;
use matrix_sdk::config::RequestConfig;
use matrix_sdk::encryption::{BackupDownloadStrategy, CrossSigningResetHandle, EncryptionSettings};
use matrix_sdk::notification_settings::NotificationSettings;
use matrix_sdk::store::{RoomLoadSettings, StoreConfig};
use matrix_sdk::{
    Client, SqliteCryptoStore, SqliteEventCacheStore, SqliteMediaStore, SqliteStateStore, SqliteStoreConfig,
};
use matrix_sdk_common::cross_process_lock::CrossProcessLockConfig;
use reqwest::StatusCode;
use ruma::{OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OnceCell, broadcast, watch};
use tokio::task::JoinSet;
use url::Url;
use zeroize::Zeroizing;

/// How long a sign-out waits for the homeserver: the person waits for it.
const FAREWELL: Duration = Duration::from_secs(5);
/// Folder of ciphertext that is being fetched, beside the stores.
const ARRIVING: &str = "arriving";

/// What an account needs from its owner.
pub struct AccountOptions {
    /// Where its stores lie: a folder of this account alone.
    pub folder: PathBuf,
    /// What the stores are sealed with.
    pub key: Zeroizing<[u8; 32]>,
    /// How requests leave this computer.
    pub http: reqwest::Client,
    /// The same for files: without a limit on how long an answer takes, since that of an upload comes after its end.
    pub transfers: reqwest::Client,
    /// Where tokens are kept.
    pub sessions: Arc<dyn SessionStore>,
    /// Where it is written down which files are being sent; without it none of them goes on after a restart.
    pub uploads: Option<Arc<dyn UploadJournal>>,
}

impl std::fmt::Debug for AccountOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountOptions([not shown])")
    }
}

/// Keeps the session of a device. Both calls may block for a write to the disk.
pub trait SessionStore: Send + Sync + 'static {
    /// Keeps a session in the place of the former one.
    ///
    /// # Errors
    /// [`SessionStoreError`]; the next start then needs a new sign-in.
    fn save(&self, session: &StoredSession) -> Result<(), SessionStoreError>;
}

/// The session could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("the session could not be kept: {0}")]
pub struct SessionStoreError(pub String);

/// What goes on with a session after a restart.
#[derive(Clone, Serialize, Deserialize)]
pub struct StoredSession {
    /// Base of the homeserver's API.
    pub base: Url,
    /// Matrix user id.
    pub user: String,
    device: String,
    access_token: String,
    refresh_token: Option<String>,
}

impl std::fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredSession([not shown])")
    }
}

impl Drop for StoredSession {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.access_token);
        zeroize::Zeroize::zeroize(&mut self.refresh_token);
    }
}

impl StoredSession {
    /// For a sealed store.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(self).expect("a session is plain text"))
    }

    /// None when the bytes are no session.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    fn of(client: &Client) -> Option<Self> {
        let session = client.matrix_auth().session()?;
        Some(Self {
            base: client.homeserver(),
            user: session.meta.user_id.to_string(),
            device: session.meta.device_id.to_string(),
            access_token: session.tokens.access_token.clone(),
            refresh_token: session.tokens.refresh_token.clone(),
        })
    }

    fn to_matrix(&self) -> Option<MatrixSession> {
        Some(MatrixSession {
            meta: matrix_sdk::SessionMeta {
                user_id: ruma::UserId::parse(&self.user).ok()?,
                device_id: self.device.as_str().into(),
            },
            tokens: matrix_sdk::SessionTokens {
                access_token: self.access_token.clone(),
                refresh_token: self.refresh_token.clone(),
            },
        })
    }
}

/// How a person signs in.
pub enum SignIn<'a> {
    /// With a user name and a password.
    Password {
        /// User name, or user id.
        user: &'a str,
        /// Password.
        password: &'a str,
    },
    /// With what the browser brought back.
    Token(&'a str),
}

impl std::fmt::Debug for SignIn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignIn([not shown])")
    }
}

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The stores cannot be opened: damaged, or sealed with another key.
    #[error("the chat store cannot be opened: {0}")]
    Store(String),
    /// A newer program wrote the stores. They are left as they are.
    #[error("the chat store is of a newer program: {0}")]
    Newer(String),
    /// No space for them.
    #[error("no space for the chat store")]
    DiskFull,
    /// The homeserver does not answer.
    #[error("the homeserver cannot be reached: {0}")]
    Unreachable(String),
    /// The homeserver says no, by this code.
    #[error("the homeserver refused: {0}")]
    Refused(String),
    /// The homeserver has too much to do, or a fault of its own: later it may say something else.
    #[error("the homeserver does not take it now: {0}")]
    Later(String),
    /// What was kept is no session.
    #[error("the kept session cannot be used")]
    Session,
}

/// A signed-in account that follows its homeserver. Dropping it stops that.
pub struct Account {
    pub(crate) client: Client,
    state: watch::Sender<SyncState>,
    softly: Arc<AtomicBool>,
    pub(crate) signals: watch::Sender<Signals>,
    // Rooms whose encryption was asked for.
    pub(crate) asked: Mutex<BTreeSet<OwnedRoomId>>,
    // Conversations that this person has left and wants out of the list: the homeserver's word of it may come later.
    pub(crate) forgotten: watch::Sender<BTreeSet<OwnedRoomId>>,
    // How far the homeserver's clock is ahead.
    pub(crate) clock: watch::Sender<crate::clock::Ahead>,
    // Conversations with one person that were begun here: the list of them comes back only with a later sync.
    pub(crate) begun: Mutex<BTreeMap<OwnedUserId, OwnedRoomId>>,
    pub(crate) verifying: Arc<Verifying>,
    // Whether this device has all that recovery brings.
    pub(crate) secrets: watch::Sender<bool>,
    // Whether the homeserver finds events by their time, as far as it is known.
    pub(crate) finds_by_time: AtomicBool,
    // A new identity that waits for a proof.
    pub(crate) resetting: tokio::sync::Mutex<Option<CrossSigningResetHandle>>,
    folder: PathBuf,
    pub(crate) wire: Wire,
    interruptions: Interruptions,
    pub(crate) arrivals: broadcast::Sender<Arrival>,
    pub(crate) rules: OnceCell<NotificationSettings>,
    pub(crate) insurances: Arc<Insurances>,
    // Ends its tasks when it is dropped.
    tasks: Mutex<JoinSet<()>>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Account([not shown])")
    }
}

impl Account {
    /// Signs in as a new device. What a former device left in the folder is set aside beside it and not removed: keys
    /// that nobody else has may be in it.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn sign_in(
        options: AccountOptions,
        homeserver: &Homeserver,
        way: SignIn<'_>,
        device_name: &str,
    ) -> Result<Self, AccountError> {
        // A newer program goes on with it; set aside, it would find a new device instead.
        crate::generation::check(&options.folder).await.map(drop).or_else(damaged_is_set_aside)?;
        set_aside(&options.folder).await?;
        let (client, secrets) = build(&options, &homeserver.base).await?;
        let auth = client.matrix_auth();
        let login = match way {
            SignIn::Password { user, password } => auth.login_username(user, password),
            SignIn::Token(token) => auth.login_token(token),
        };
        login
            .initial_device_display_name(device_name)
            .request_refresh_token()
            .send()
            .await
            .map_err(|error| of_sdk(&error))?;
        keep(&client, options.sessions.as_ref());
        Self::start(client, secrets, options).await
    }

    /// Signs in again as the same device, after a session that [`Account::ended_softly`]: what the folder holds goes on.
    ///
    /// # Errors
    /// [`AccountError`], also when somebody else signs in; what the folder holds is unchanged.
    pub async fn sign_in_again(
        options: AccountOptions,
        stored: &StoredSession,
        way: SignIn<'_>,
    ) -> Result<Self, AccountError> {
        let (client, secrets) = build(&options, &stored.base).await?;
        let auth = client.matrix_auth();
        let login = match way {
            SignIn::Password { user, password } => auth.login_username(user, password),
            SignIn::Token(token) => auth.login_token(token),
        };
        login.device_id(&stored.device).request_refresh_token().send().await.map_err(|error| of_sdk(&error))?;
        if client.user_id().is_none_or(|user| user.as_str() != stored.user) {
            return Err(AccountError::Session);
        }
        keep(&client, options.sessions.as_ref());
        Self::start(client, secrets, options).await
    }

    /// Goes on with a kept session, without asking the homeserver.
    ///
    /// # Errors
    /// [`AccountError`]; what the folder holds is unchanged.
    pub async fn restore(options: AccountOptions, stored: &StoredSession) -> Result<Self, AccountError> {
        let (client, secrets) = Self::restored(&options, stored).await?;
        Self::start(client, secrets, options).await
    }

    /// The same, and what this device has of conversations is read from the homeserver anew. Keys, and what waits to be
    /// sent, stay.
    ///
    /// # Errors
    /// [`AccountError`]; keys and what waits to be sent are unchanged.
    pub async fn restore_without_lines(options: AccountOptions, stored: &StoredSession) -> Result<Self, AccountError> {
        let (client, secrets) = Self::restored(&options, stored).await?;
        client.event_cache().clear_all_rooms().await.map_err(|error| of_store(&error))?;
        Self::start(client, secrets, options).await
    }

    async fn restored(options: &AccountOptions, stored: &StoredSession) -> Result<(Client, Secrets), AccountError> {
        let session = stored.to_matrix().ok_or(AccountError::Session)?;
        let (client, secrets) = build(options, &stored.base).await?;
        client
            .matrix_auth()
            .restore_session(session, RoomLoadSettings::default())
            .await
            .map_err(|error| of_sdk(&error))?;
        Ok((client, secrets))
    }

    async fn start(client: Client, secrets: Secrets, options: AccountOptions) -> Result<Self, AccountError> {
        let failures = client.task_monitor().subscribe();
        // After the session and never before: the task that heals undecryptable messages looks for the keys once.
        client.event_cache().subscribe().map_err(|error| of_store(&error))?;
        queue::close(&client).await;
        let mut interruptions = interruptions(options.uploads.clone()).await;
        // Before the queue sends: what it has sent is no longer in it.
        strike_queued(&client, &mut interruptions).await;
        let arriving = options.folder.join(ARRIVING);
        forget_arrived(&arriving).await;
        let state = watch::Sender::new(SyncState::Connecting);
        let queues = Queues::new(state.subscribe());
        let wire = Wire {
            client: client.clone(),
            http: options.transfers,
            folder: arriving,
            journal: options.uploads,
            queues: queues.clone(),
        };
        let verifying = Arc::new(Verifying::default());
        verifying.listen(&client);
        let arrivals = crate::arrivals::channel();
        crate::arrivals::listen(&client, state.subscribe(), arrivals.clone()).await;
        let mut tasks = JoinSet::new();
        let softly = Arc::new(AtomicBool::new(false));
        tasks.spawn(watch_session(client.clone(), state.clone(), softly.clone(), options.sessions));
        tasks.spawn(watch_parts(failures, state.clone()));
        tasks.spawn(follow(client.clone(), state.clone()));
        tasks.spawn(send_again(client.clone(), queues.clone()));
        tasks.spawn(queue::follow(client.clone(), queues));
        let all_secrets = watch::Sender::new(false);
        tasks.spawn(recovery::follow(secrets, client.clone(), all_secrets.clone()));
        let insurances = Arc::new(Insurances::new(client.clone(), options.http.clone()));
        tasks.spawn(crate::permission::refuse_unwanted(client.clone(), insurances.clone()));
        let forgotten = watch::Sender::new(crate::list::still_forgotten(&client).await);
        tasks.spawn(crate::list::forget_left(client.clone(), forgotten.clone()));
        let clock = watch::Sender::new(None);
        tasks.spawn(crate::clock::follow(client.clone(), options.http, clock.clone(), state.subscribe()));
        Ok(Self {
            client,
            state,
            softly,
            signals: watch::Sender::new(Signals::default()),
            asked: Mutex::default(),
            forgotten,
            clock,
            begun: Mutex::default(),
            verifying,
            secrets: all_secrets,
            finds_by_time: AtomicBool::new(true),
            resetting: tokio::sync::Mutex::default(),
            folder: options.folder,
            wire,
            interruptions,
            arrivals,
            rules: OnceCell::new(),
            insurances,
            tasks: Mutex::new(tasks),
        })
    }

    /// Matrix user id.
    #[must_use]
    pub fn user(&self) -> String {
        self.client.user_id().map(ToString::to_string).unwrap_or_default()
    }

    /// Files that were being sent when the program ended, as this start found them. [`crate::Conversation::take_up`] goes
    /// on with one.
    #[must_use]
    pub fn interruptions(&self) -> &Interruptions {
        &self.interruptions
    }

    /// How chat is doing, now and from now on.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<SyncState> {
        self.state.subscribe()
    }

    /// Whether the homeserver ended the session and leaves the device as it is (client-server API v1.11 §5.7.1, "soft
    /// logout"; gemSpec_TI-M_Basis A_25458): the same device may sign in again.
    #[must_use]
    pub fn ended_softly(&self) -> bool {
        *self.state.borrow() == SyncState::Ended && self.softly.load(Ordering::SeqCst)
    }

    /// Ends everything that writes what is on disk by itself: what was opened can be read, and another account may begin
    /// from the same folder.
    pub async fn stop(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }

    /// Ends the session at the homeserver, and removes what this device kept. Keys of messages stay in the backup.
    pub async fn sign_out(&self) {
        // A loop that goes on after this would ask for new tokens again and again.
        self.stop().await;
        if self.state.send_replace(SyncState::Ended) != SyncState::Ended {
            match tokio::time::timeout(FAREWELL, self.client.matrix_auth().logout()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the chat session could not be ended at the homeserver"),
                Err(_elapsed) => tracing::warn!("the homeserver did not answer the sign-out in time"),
            }
        }
        if let Err(error) = remove(&self.folder).await {
            tracing::error!(%error, "the chat store could not be removed");
        }
    }
}

async fn build(options: &AccountOptions, base: &Url) -> Result<(Client, Secrets), AccountError> {
    tokio::fs::create_dir_all(&options.folder).await.map_err(|error| of_io(&error))?;
    crate::generation::claim(&options.folder).await.map_err(of_generation)?;
    let (stores, keys) = open_stores(options).await?;
    let client = Client::builder()
        .homeserver_url(base)
        .http_client(options.http.clone())
        // Failing soon is what tells that the network is gone; the loop asks again by itself.
        .request_config(RequestConfig::short_retry().timeout(Duration::from_secs(30)))
        .store_config(stores)
        .handle_refresh_tokens()
        // The address is the one that was found and may be asked; what stands behind a proxy would name itself instead.
        .respect_login_well_known(false)
        .with_encryption_settings(EncryptionSettings {
            auto_enable_cross_signing: true,
            auto_enable_backups: true,
            backup_download_strategy: BackupDownloadStrategy::AfterDecryptionFailure,
        })
        .build()
        .await
        .map_err(|error| AccountError::Unreachable(error.to_string()))?;
    crate::settled::go_back(&client).await;
    let secrets = Secrets::new(client.clone(), keys);
    Ok((client, secrets))
}

/// The stores of a client, and the one that holds its keys for questions of our own.
async fn open_stores(options: &AccountOptions) -> Result<(StoreConfig, SqliteCryptoStore), AccountError> {
    let config = SqliteStoreConfig::new(&options.folder).key(Some(&options.key));
    let (state, lines, media, keys) = tokio::try_join!(
        SqliteStateStore::open_with_config(&config),
        SqliteEventCacheStore::open_with_config(&config),
        SqliteMediaStore::open_with_config(&config),
        SqliteCryptoStore::open_with_config(&config),
    )
    .map_err(|error| of_store(&error))?;
    // The profile's lock keeps every other process away; the library's own lock would be renewed 20 times a second.
    let stores = StoreConfig::new(CrossProcessLockConfig::SingleProcess)
        .state_store(state)
        .event_cache_store(lines)
        .media_store(media)
        .crypto_store(keys.clone());
    Ok((stores, keys))
}

/// Hands the session's tokens to their keeper.
pub(crate) fn keep(client: &Client, sessions: &dyn SessionStore) {
    let Some(session) = StoredSession::of(client) else { return };
    if let Err(error) = sessions.save(&session) {
        tracing::error!(%error, "the chat session will not outlive this run");
    }
}

/// The folder, and what was set aside beside it.
async fn remove(folder: &Path) -> Result<(), AccountError> {
    let mut number = 0;
    let mut next = folder.to_owned();
    loop {
        match tokio::fs::remove_dir_all(&next).await {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && number > 0 => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(of_io(&error)),
        }
        number += 1;
        next = aside(folder, number);
    }
}

async fn set_aside(folder: &Path) -> Result<(), AccountError> {
    if !tokio::fs::try_exists(folder).await.map_err(|error| of_io(&error))? {
        return Ok(());
    }
    let mut number = 1;
    while tokio::fs::try_exists(aside(folder, number)).await.map_err(|error| of_io(&error))? {
        number += 1;
    }
    tokio::fs::rename(folder, aside(folder, number)).await.map_err(|error| of_io(&error))
}

fn aside(folder: &Path, number: u32) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(format!("-aside-{number}"));
    folder.with_file_name(name)
}

fn of_generation(error: GenerationError) -> AccountError {
    match error {
        GenerationError::Io(error) => of_io(&error),
        GenerationError::Newer(_) => AccountError::Newer(error.to_string()),
        GenerationError::Unreadable => AccountError::Store(error.to_string()),
    }
}

/// A new device begins without a store, so a damaged one is no reason not to.
fn damaged_is_set_aside(error: GenerationError) -> Result<(), AccountError> {
    match error {
        GenerationError::Unreadable => Ok(()),
        GenerationError::Io(_) | GenerationError::Newer(_) => Err(of_generation(error)),
    }
}

fn of_io(error: &std::io::Error) -> AccountError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        AccountError::DiskFull
    } else {
        AccountError::Store(error.to_string())
    }
}

pub(crate) fn of_store(error: &(dyn std::error::Error + 'static)) -> AccountError {
    if crate::disk::is_full(error) { AccountError::DiskFull } else { AccountError::Store(error.to_string()) }
}

pub(crate) fn of_sdk(error: &matrix_sdk::Error) -> AccountError {
    let Some(answer) = error.as_client_api_error() else { return AccountError::Unreachable(error.to_string()) };
    let code = answer.error_kind().map_or_else(|| answer.status_code.to_string(), |kind| kind.errcode().to_string());
    if answer.status_code.is_server_error() || answer.status_code == StatusCode::TOO_MANY_REQUESTS {
        AccountError::Later(code)
    } else {
        AccountError::Refused(code)
    }
}
