//! Comparing what two devices show: how two people, or one person at two devices, make sure that nobody sits between
//! them (client-server API v1.11 §11.12.2, short authentication strings).
//!
//! One at a time. Between own devices it goes from device to device; with somebody else through the conversation of the
//! two, as other programs expect it.

use crate::account::Account;
use crate::name::clean;
use crate::person::Person;
use crate::rooms::NewConversation;
use futures_util::StreamExt as _;
use matrix_sdk::Client;
use matrix_sdk::encryption::identities::{Device, RequestVerificationError};
use matrix_sdk::encryption::verification::{
    CancelInfo, SasState, SasVerification, VerificationRequest, VerificationRequestState,
};
use ruma::events::key::verification::VerificationMethod;
use ruma::events::key::verification::cancel::CancelCode;
use ruma::events::key::verification::request::ToDeviceKeyVerificationRequestEvent;
use ruma::events::room::message::{MessageType, OriginalSyncRoomMessageEvent};
use ruma::{DeviceId, UserId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// How long a conversation that was begun for it is awaited.
const ECHO: Duration = Duration::from_secs(10);

/// A comparison of two devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Names it while it lasts.
    pub id: String,
    /// Who is at the other end.
    pub with: Counterpart,
    /// Whether the other side began it.
    pub by_them: bool,
    /// How far it is.
    pub state: VerificationState,
}

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counterpart {
    /// Another device of the signed-in person.
    OwnDevice {
        /// Its name, once it is known which one answers.
        name: Option<String>,
    },
    /// Somebody else.
    Person(Person),
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerificationState {
    /// The other side has been asked.
    Waiting,
    /// The other side asks: [`Account::accept_verification`] takes it.
    Asked,
    /// Both take part; keys are being exchanged.
    Agreeing,
    /// People compare: [`Account::compare_verification`] says what they found.
    Comparing(Symbols),
    /// This side has said that all is alike; the other one has not yet.
    Confirming,
    /// Both have said so.
    Done,
    /// It ended before, and nobody is trusted for it.
    Ended(VerificationEnd),
}

/// What both sides show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbols {
    /// Seven places in the specification's table of emoji, where both programs know it.
    pub emoji: Option<[u8; 7]>,
    /// Three numbers from 1000 to 9191.
    pub numbers: [u16; 3],
}

/// Why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationEnd {
    /// The two sides do not show the same, or the keys are not those that were shown.
    Mismatch,
    /// This side gave it up.
    Cancelled,
    /// The other side did.
    Refused,
    /// Nobody did anything for too long.
    Timeout,
    /// Another device of the person took it.
    Elsewhere,
    /// The two programs did not understand each other, or the homeserver did not answer.
    Failed,
}

/// Why it did not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum VerificationError {
    /// There is no other device, or the person has no key to compare.
    #[error("there is nothing to compare with")]
    Nobody,
    /// Another one is under way.
    #[error("another comparison is under way")]
    Busy,
    /// There is none, or it is not at this point.
    #[error("the comparison is not at this point")]
    TooLate,
    /// The homeserver does not answer or refuses.
    #[error("the homeserver did not take it: {0}")]
    Homeserver(String),
}

impl From<matrix_sdk::Error> for VerificationError {
    fn from(error: matrix_sdk::Error) -> Self {
        Self::Homeserver(error.to_string())
    }
}

/// The comparison of an account.
pub(crate) struct Verifying {
    told: watch::Sender<Option<Verification>>,
    live: Mutex<Option<Live>>,
}

struct Live {
    request: VerificationRequest,
    sas: Option<SasVerification>,
    task: AbortHandle,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Default for Verifying {
    fn default() -> Self {
        Self { told: watch::Sender::new(None), live: Mutex::default() }
    }
}

impl Account {
    /// The comparison that is under way or has just ended, now and from now on.
    #[must_use]
    pub fn verification(&self) -> watch::Receiver<Option<Verification>> {
        self.verifying.told.subscribe()
    }

    /// Asks another own device: the one of this id, or any that is confirmed.
    ///
    /// # Errors
    /// [`VerificationError`].
    pub async fn verify_own_device(&self, device: Option<&str>) -> Result<(), VerificationError> {
        self.verifying.check_free()?;
        let own = self.client.user_id().ok_or(VerificationError::Nobody)?;
        let encryption = self.client.encryption();
        let failed = |error: matrix_sdk::encryption::CryptoStoreError| VerificationError::Homeserver(error.to_string());
        let methods = vec![VerificationMethod::SasV1];
        let request = if let Some(device) = device {
            let found = encryption.get_device(own, <&DeviceId>::from(device)).await.map_err(failed)?;
            let found = found.ok_or(VerificationError::Nobody)?;
            found.request_verification_with_methods(methods).await?
        } else {
            let others = encryption.get_user_devices(own).await?;
            let confirmed = |device: &Device| {
                !device.is_deleted()
                    && Some(device.device_id()) != self.client.device_id()
                    && device.is_cross_signed_by_owner()
            };
            if !others.devices().any(|device| confirmed(&device)) {
                return Err(VerificationError::Nobody);
            }
            let identity = encryption.get_user_identity(own).await.map_err(failed)?.ok_or(VerificationError::Nobody)?;
            identity.request_verification_with_methods(methods).await.map_err(|error| of_request(&error))?
        };
        self.verifying.begin(request, Counterpart::OwnDevice { name: None }, false);
        Ok(())
    }

    /// Asks somebody else, in the conversation of the two, which is begun where there is none.
    ///
    /// # Errors
    /// [`VerificationError`].
    pub async fn verify_person(&self, user: &str) -> Result<(), VerificationError> {
        self.verifying.check_free()?;
        let user = UserId::parse(user).map_err(|_error| VerificationError::Nobody)?;
        // The library would make a room of its own kind.
        if self.conversation_with(user.as_str()).is_none() {
            let begun = self.begin(NewConversation::Direct(user.as_str())).await;
            begun.map_err(|error| VerificationError::Homeserver(error.to_string()))?;
        }
        let mut updates = self.client.subscribe_to_all_room_updates();
        let marked = async {
            while self.client.get_dm_room(&user).is_none() {
                let _told = tokio::time::timeout(Duration::from_millis(500), updates.recv()).await;
            }
        };
        if tokio::time::timeout(ECHO, marked).await.is_err() {
            return Err(VerificationError::Homeserver("the conversation has not come by the sync".to_owned()));
        }
        // Asked only now: a TIM server names keys to people of the same conversation.
        let identity = self.client.encryption().request_user_identity(&user).await?;
        let identity = identity.ok_or(VerificationError::Nobody)?;
        let request = identity.request_verification_with_methods(vec![VerificationMethod::SasV1]).await;
        let request = request.map_err(|error| of_request(&error))?;
        let person = match request.room_id().and_then(|room| self.client.get_room(room)) {
            Some(room) => Person::of_member(&room, &user).await,
            None => Person::new(&user, None, false, request.own_user_id()),
        };
        self.verifying.begin(request, Counterpart::Person(person), false);
        Ok(())
    }

    /// Takes what the other side asks.
    ///
    /// # Errors
    /// [`VerificationError`].
    pub async fn accept_verification(&self) -> Result<(), VerificationError> {
        let request = self.verifying.request()?;
        if !matches!(request.state(), VerificationRequestState::Requested { .. }) {
            return Err(VerificationError::TooLate);
        }
        Ok(request.accept_with_methods(vec![VerificationMethod::SasV1]).await?)
    }

    /// Says whether both sides show the same. Unless it is so on both sides nobody is trusted.
    ///
    /// # Errors
    /// [`VerificationError`].
    pub async fn compare_verification(&self, same: bool) -> Result<(), VerificationError> {
        let sas = self.verifying.live().as_ref().and_then(|live| live.sas.clone());
        let sas = sas.filter(SasVerification::can_be_presented).ok_or(VerificationError::TooLate)?;
        if same {
            sas.confirm().await?
        } else {
            sas.mismatch().await?
        }
        Ok(())
    }

    /// Gives it up, or forgets the one that has ended.
    pub async fn leave_verification(&self) {
        let live = self.verifying.live().take();
        self.verifying.told.send_replace(None);
        if let Some(live) = live
            && let Err(error) = live.request.cancel().await
        {
            tracing::debug!(%error, "the other side was not told that a comparison was given up");
        }
    }
}

impl Verifying {
    /// Hears what others ask. The client keeps only a weak hold of it, since it holds the client.
    pub(crate) fn listen(self: &Arc<Self>, client: &Client) {
        let verifying = Arc::downgrade(self);
        client.add_event_handler(move |event: ToDeviceKeyVerificationRequestEvent, client: Client| {
            let verifying = verifying.clone();
            async move { asked(&verifying, &client, &event.sender, event.content.transaction_id.as_str()).await }
        });
        let verifying = Arc::downgrade(self);
        client.add_event_handler(move |event: OriginalSyncRoomMessageEvent, client: Client| {
            let verifying = verifying.clone();
            async move {
                if matches!(event.content.msgtype, MessageType::VerificationRequest(_)) {
                    asked(&verifying, &client, &event.sender, event.event_id.as_str()).await;
                }
            }
        });
    }

    fn live(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self) -> Result<VerificationRequest, VerificationError> {
        self.live().as_ref().map(|live| live.request.clone()).ok_or(VerificationError::TooLate)
    }

    fn is_free(&self) -> bool {
        self.told.borrow().as_ref().is_none_or(|told| match told.state {
            VerificationState::Done | VerificationState::Ended(_) => true,
            VerificationState::Waiting
            | VerificationState::Asked
            | VerificationState::Agreeing
            | VerificationState::Comparing(_)
            | VerificationState::Confirming => false,
        })
    }

    fn check_free(&self) -> Result<(), VerificationError> {
        if self.is_free() { Ok(()) } else { Err(VerificationError::Busy) }
    }

    fn begin(self: &Arc<Self>, request: VerificationRequest, with: Counterpart, by_them: bool) {
        let id = request.flow_id().to_owned();
        let state = if by_them { VerificationState::Asked } else { VerificationState::Waiting };
        let told = Verification { id: id.clone(), with, by_them, state };
        let mut live = self.live();
        let (go, start) = tokio::sync::oneshot::channel::<()>();
        let (weak, asked) = (Arc::downgrade(self), request.clone());
        let task = tokio::spawn(async move {
            if start.await.is_ok() {
                follow(&weak, &asked).await;
            }
        })
        .abort_handle();
        *live = Some(Live { request, sas: None, task });
        self.told.send_replace(Some(told));
        let _task_lives = go.send(());
    }

    fn tell(&self, id: &str, state: VerificationState) {
        self.told.send_if_modified(|told| match told {
            Some(told) if told.id == id && told.state != state => {
                told.state = state;
                true
            }
            Some(_) | None => false,
        });
    }

    fn name_device(&self, id: &str, name: Option<&str>) {
        let name = name.map(clean).filter(|name| !name.is_empty());
        self.told.send_if_modified(|told| match told {
            Some(Verification { id: own, with: Counterpart::OwnDevice { name: known }, .. })
                if own == id && name.is_some() && *known != name =>
            {
                *known = name;
                true
            }
            Some(_) | None => false,
        });
    }
}

/// Somebody asks. What is under way goes on; whoever asks meanwhile hears nothing, and may ask again.
async fn asked(verifying: &Weak<Verifying>, client: &Client, sender: &UserId, flow: &str) {
    let Some(verifying) = verifying.upgrade() else { return };
    // Without one it is too old, or not meant for this device.
    let Some(request) = client.encryption().get_verification_request(sender, flow).await else { return };
    if request.we_started() || request.is_passive() || request.is_done() || request.is_cancelled() {
        return;
    }
    if !verifying.is_free() {
        tracing::info!("a comparison was asked for while another one is under way");
        return;
    }
    let with = if request.is_self_verification() {
        let name = match request.state() {
            VerificationRequestState::Requested { other_device_data, .. } => {
                other_device_data.display_name().map(clean).filter(|name| !name.is_empty())
            }
            VerificationRequestState::Created { .. }
            | VerificationRequestState::Ready { .. }
            | VerificationRequestState::Transitioned { .. }
            | VerificationRequestState::Done
            | VerificationRequestState::Cancelled(_) => None,
        };
        Counterpart::OwnDevice { name }
    } else {
        Counterpart::Person(match request.room_id().and_then(|room| client.get_room(room)) {
            Some(room) => Person::of_member(&room, sender).await,
            None => Person::new(sender, None, false, request.own_user_id()),
        })
    };
    verifying.begin(request, with, true);
}

/// From the library's states to ours, until the end.
async fn follow(verifying: &Weak<Verifying>, request: &VerificationRequest) {
    let id = request.flow_id();
    let mut changes = Box::pin(request.changes());
    let mut state = request.state();
    let sas = loop {
        {
            let Some(verifying) = verifying.upgrade() else { return };
            match state {
                VerificationRequestState::Created { .. } => {}
                VerificationRequestState::Requested { other_device_data, .. } => {
                    verifying.name_device(id, other_device_data.display_name());
                    verifying.tell(id, VerificationState::Asked);
                }
                VerificationRequestState::Ready { other_device_data, .. } => {
                    verifying.name_device(id, other_device_data.display_name());
                    verifying.tell(id, VerificationState::Agreeing);
                    // Who asked begins; where the other program does so all the same, both go on with one of the two.
                    if request.we_started()
                        && let Err(error) = request.start_sas().await
                    {
                        tracing::debug!(%error, "a comparison could not begin");
                        verifying.tell(id, VerificationState::Ended(VerificationEnd::Failed));
                        return;
                    }
                }
                VerificationRequestState::Transitioned { verification } => {
                    let Some(sas) = verification.sas() else {
                        verifying.tell(id, VerificationState::Ended(VerificationEnd::Failed));
                        return;
                    };
                    if let Some(live) = verifying.live().as_mut() {
                        live.sas = Some(sas.clone());
                    }
                    break sas;
                }
                VerificationRequestState::Done => {
                    verifying.tell(id, VerificationState::Done);
                    return;
                }
                VerificationRequestState::Cancelled(info) => {
                    verifying.tell(id, VerificationState::Ended(end(&info)));
                    return;
                }
            }
        }
        let Some(next) = changes.next().await else { return };
        state = next;
    };
    compare(verifying, &sas, id).await;
}

/// The same for the comparison itself.
async fn compare(verifying: &Weak<Verifying>, sas: &SasVerification, id: &str) {
    let mut changes = Box::pin(sas.changes());
    let mut state = sas.state();
    loop {
        let told = match state {
            SasState::Started { .. } => match sas.accept().await {
                Ok(()) => VerificationState::Agreeing,
                Err(error) => {
                    tracing::debug!(%error, "a comparison could not be taken");
                    VerificationState::Ended(VerificationEnd::Failed)
                }
            },
            SasState::Created { .. } | SasState::Accepted { .. } => VerificationState::Agreeing,
            SasState::KeysExchanged { emojis, decimals: (first, second, third) } => {
                let emoji = emojis.map(|emojis| emojis.indices);
                VerificationState::Comparing(Symbols { emoji, numbers: [first, second, third] })
            }
            SasState::Confirmed => VerificationState::Confirming,
            SasState::Done { .. } => VerificationState::Done,
            SasState::Cancelled(info) => VerificationState::Ended(end(&info)),
        };
        let over = matches!(told, VerificationState::Done | VerificationState::Ended(_));
        let Some(verifying) = verifying.upgrade() else { return };
        verifying.tell(id, told);
        drop(verifying);
        if over {
            return;
        }
        let Some(next) = changes.next().await else { return };
        state = next;
    }
}

/// Another key than the one that was shown is as bad as another picture.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows; what is not named here is treated alike")]
fn end(info: &CancelInfo) -> VerificationEnd {
    match info.cancel_code() {
        CancelCode::MismatchedSas
        | CancelCode::MismatchedCommitment
        | CancelCode::KeyMismatch
        | CancelCode::UserMismatch => VerificationEnd::Mismatch,
        CancelCode::Timeout => VerificationEnd::Timeout,
        CancelCode::Accepted => VerificationEnd::Elsewhere,
        CancelCode::User if info.cancelled_by_us() => VerificationEnd::Cancelled,
        CancelCode::User => VerificationEnd::Refused,
        _ => VerificationEnd::Failed,
    }
}

fn of_request(error: &RequestVerificationError) -> VerificationError {
    VerificationError::Homeserver(error.to_string())
}
