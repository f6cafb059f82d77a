//! What one person's devices keep secret together, and asking the others for it (client-server API v1.11 §11.12.1,
//! sharing of secrets).
//!
//! The library asks once, when a comparison is done, and sends these questions and its last word of the comparison side
//! by side (`Client::send_outgoing_requests`, `buffer_unordered`). A question that overtakes it comes from a device that
//! the other one does not trust yet, and is never answered. So whoever is still without them asks again.

use matrix_sdk::encryption::VerificationState;
use matrix_sdk::encryption::recovery::RecoveryState;
use matrix_sdk::{Client, SqliteCryptoStore};
use matrix_sdk_base::crypto::store::CryptoStore as _;
use matrix_sdk_base::crypto::store::types::Changes;
use matrix_sdk_base::crypto::{CryptoStoreError, GossipRequest, SecretInfo};
use ruma::api::client::to_device::send_event_to_device::v3::Request;
use ruma::events::secret::request::{
    RequestAction, SecretName, SecretRequestAction, ToDeviceSecretRequestEventContent as Question,
};
use ruma::events::{AnyToDeviceEventContent, ToDeviceEventType};
use ruma::serde::Raw;
use ruma::to_device::DeviceIdOrAllDevices;
use ruma::{DeviceId, OwnedDeviceId, TransactionId, UserId};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer is awaited before the first question is asked again; each later one waits twice as long.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is asked again. Nobody has them if the other devices have not answered within two minutes.
const QUESTIONS: u32 = 6;

/// The secrets of an account on this device.
#[derive(Clone)]
pub(crate) struct Secrets {
    client: Client,
    store: SqliteCryptoStore,
}

impl Secrets {
    pub(crate) fn new(client: Client, store: SqliteCryptoStore) -> Self {
        Self { client, store }
    }

    /// Whether all that recovery brings is here.
    pub(crate) async fn are_here(&self) -> bool {
        let encryption = self.client.encryption();
        encryption.cross_signing_status().await.is_some_and(|status| status.is_complete())
            && encryption.backups().are_enabled().await
    }

    /// Whether other devices would answer, and have what is not here.
    pub(crate) fn may_be_asked_for(&self) -> bool {
        let encryption = self.client.encryption();
        encryption.verification_state().get() == VerificationState::Verified
            && encryption.recovery().state() == RecoveryState::Incomplete
    }

    /// Asks the other devices for each that is missing. What comes is taken by the library, and from a confirmed device
    /// only.
    pub(crate) async fn ask(&self) {
        match self.missing().await {
            Ok(missing) => {
                for name in missing {
                    tracing::info!(secret = %name, "asking the own devices again");
                    if let Err(error) = self.ask_for(name).await {
                        tracing::warn!(%error, "the own devices could not be asked");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "it is not known which secrets are missing"),
        }
    }

    async fn missing(&self) -> Result<Vec<SecretName>, CryptoStoreError> {
        let status = self.client.encryption().cross_signing_status().await;
        let keys = status.map(|status| {
            [
                (status.has_master, SecretName::CrossSigningMasterKey),
                (status.has_self_signing, SecretName::CrossSigningSelfSigningKey),
                (status.has_user_signing, SecretName::CrossSigningUserSigningKey),
            ]
        });
        let backup = self.store.load_backup_keys().await.map_err(CryptoStoreError::backend)?.decryption_key.is_some();
        let all = keys.into_iter().flatten().chain([(backup, SecretName::RecoveryKey)]);
        Ok(all.filter_map(|(here, name)| (!here).then_some(name)).collect())
    }

    async fn ask_for(&self, name: SecretName) -> Result<(), matrix_sdk::Error> {
        let Some((user, device)) = self.client.user_id().zip(self.client.device_id()) else { return Ok(()) };
        let request = GossipRequest {
            request_recipient: user.to_owned(),
            request_id: TransactionId::new(),
            info: SecretInfo::SecretRequest(name.clone()),
            sent_out: true,
        };
        let message = question(user, device, &request.request_id, name)?;
        // Before it leaves: an answer to a question that is not written down is dropped.
        let changes = Changes { key_requests: vec![request], ..Changes::default() };
        self.store.save_changes(changes).await.map_err(CryptoStoreError::backend)?;
        self.client.send(message).await?;
        Ok(())
    }
}

fn question(
    user: &UserId,
    device: &DeviceId,
    id: &TransactionId,
    name: SecretName,
) -> Result<Request, serde_json::Error> {
    let action = RequestAction::Request(SecretRequestAction::new(name));
    let device: OwnedDeviceId = device.to_owned();
    let content = AnyToDeviceEventContent::SecretRequest(Question::new(action, device, id.to_owned()));
    let to_all = BTreeMap::from([(DeviceIdOrAllDevices::AllDevices, Raw::new(&content)?)]);
    let messages = BTreeMap::from([(user.to_owned(), to_all)]);
    Ok(Request::new_raw(ToDeviceEventType::SecretRequest, TransactionId::new(), messages))
}

/// When to ask again.
#[derive(Debug, Default)]
pub(crate) struct Asking(Option<(Instant, u32)>);

impl Asking {
    /// Begins where it is called for and has not begun, and ends where it is not.
    pub(crate) fn is_called_for(&mut self, called_for: bool, now: Instant) {
        if called_for {
            self.0.get_or_insert((now + PATIENCE, 0));
        } else {
            self.0 = None;
        }
    }

    /// When; never while there is nothing to ask, or it was asked often enough.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0.filter(|(_at, asked)| *asked < QUESTIONS).map(|(at, _asked)| at)
    }

    /// It was asked.
    pub(crate) fn asked(&mut self, now: Instant) {
        if let Some((at, asked)) = &mut self.0 {
            *asked += 1;
            *at = now + PATIENCE * 2_u32.pow(*asked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_after_2_4_8_16_32_and_64_seconds_and_then_no_more() {
        let mut now = Instant::now();
        let mut asking = Asking::default();
        assert_eq!(asking.due(), None, "nothing is missing");
        for pause in [2, 4, 8, 16, 32, 64] {
            asking.is_called_for(true, now);
            let at = asking.due().expect("it is called for");
            assert_eq!(at - now, Duration::from_secs(pause), "each waits twice as long");
            asking.is_called_for(true, now + Duration::from_secs(1));
            assert_eq!(asking.due(), Some(at), "what happens meanwhile does not put it off");
            now = at;
            asking.asked(now);
        }
        assert_eq!(asking.due(), None, "nobody has them");
        asking.is_called_for(false, now);
        asking.is_called_for(true, now);
        assert_eq!(asking.due(), Some(now + PATIENCE), "after the next comparison it begins anew");
    }
}
