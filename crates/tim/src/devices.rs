//! The devices that are signed in to the account, and ending the session of one.

use crate::account::{Account, AccountError};
use crate::name::clean;
use crate::proof::{Proof, ProofError};
use jiff::Timestamp;
use ruma::DeviceId;

/// A device that is signed in to the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnDevice {
    /// Names it.
    pub id: String,
    /// As the person called it; none where nobody did.
    pub name: Option<String>,
    /// Whether it is this one.
    pub this: bool,
    /// What is known of it.
    pub trust: DeviceTrust,
    /// When the homeserver saw it last, where it says so.
    pub last_seen: Option<Timestamp>,
}

/// What is known of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceTrust {
    /// The person has confirmed it: by the recovery key, or beside another device.
    Confirmed,
    /// Not yet.
    Unconfirmed,
    /// It has no keys: it reads no message.
    NoKeys,
}

impl Account {
    /// Every device of the account: this one first, then the one that was seen last.
    ///
    /// # Errors
    /// [`AccountError`] when the homeserver refuses or does not answer.
    pub async fn devices(&self) -> Result<Vec<OwnDevice>, AccountError> {
        let own = self.client.user_id().ok_or(AccountError::Session)?;
        let listed = self.client.devices().await.map_err(|error| crate::account::of_sdk(&error.into()))?;
        // One that came since the last answer of the sync has keys that this device has not asked for yet.
        let known = self.client.encryption().get_user_devices(own).await;
        let known = known.map_err(|error| AccountError::Store(error.to_string()))?;
        let mut devices: Vec<OwnDevice> = listed
            .devices
            .into_iter()
            .map(|device| OwnDevice {
                this: self.client.device_id() == Some(&*device.device_id),
                trust: match known.get(&device.device_id) {
                    Some(found) if found.is_cross_signed_by_owner() => DeviceTrust::Confirmed,
                    Some(_) => DeviceTrust::Unconfirmed,
                    None => DeviceTrust::NoKeys,
                },
                name: device.display_name.as_deref().map(clean).filter(|name| !name.is_empty()),
                last_seen: device.last_seen_ts.map(crate::list::moment),
                id: device.device_id.into(),
            })
            .collect();
        devices.sort_by(|a, b| {
            b.this.cmp(&a.this).then_with(|| b.last_seen.cmp(&a.last_seen)).then_with(|| a.id.cmp(&b.id))
        });
        Ok(devices)
    }

    /// Gives a device another name; others see it too.
    ///
    /// # Errors
    /// [`AccountError`] when the homeserver refuses or does not answer.
    pub async fn rename_device(&self, id: &str, name: &str) -> Result<(), AccountError> {
        let renamed = self.client.rename_device(<&DeviceId>::from(id), &clean(name)).await;
        renamed.map(|_| ()).map_err(|error| crate::account::of_sdk(&error.into()))
    }

    /// Ends the session of another device. Homeservers want to know first who asks: without a proof comes what they
    /// want.
    ///
    /// # Errors
    /// [`ProofError`]; the session goes on then.
    pub async fn end_device(&self, id: &str, proof: Option<Proof<'_>>) -> Result<(), ProofError> {
        let auth = proof.map(|proof| self.authentication(proof)).transpose()?;
        match self.client.delete_devices(&[id.into()], auth).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.demand(&error.into()).await),
        }
    }
}
