//! A new identity: the last resort when neither the recovery key nor a confirmed device is left.

use crate::account::Account;
use crate::proof::{Proof, ProofError};
use matrix_sdk::encryption::CrossSigningResetAuthType;
use ruma::serde::Raw;
use serde_json::json;

impl Account {
    /// Makes new keys for the account, confirms this device with them, and forgets the former recovery key and what it
    /// opens. Everybody else is told that the identity has changed; other own devices have to be confirmed again.
    ///
    /// Without a proof the homeserver says what it wants; nothing at it has changed then, and nothing is deleted.
    ///
    /// # Errors
    /// [`ProofError`].
    pub async fn reset_identity(&self, proof: Option<Proof<'_>>) -> Result<(), ProofError> {
        let mut begun = self.resetting.lock().await;
        match (proof, begun.take()) {
            (Some(proof), Some(handle)) => {
                let auth = self.authentication(proof)?;
                if let Err(error) = handle.auth(Some(auth)).await {
                    *begun = Some(handle);
                    return Err(self.demand(&error).await);
                }
            }
            (Some(_) | None, _) => match self.client.encryption().reset_cross_signing().await {
                Ok(None) => {}
                Ok(Some(handle)) => {
                    let asked = match handle.auth_type() {
                        CrossSigningResetAuthType::Uiaa(asked) => self.way(asked).await,
                        CrossSigningResetAuthType::OAuth(_) => None,
                    };
                    *begun = Some(handle);
                    return Err(asked.map_or(ProofError::NoWay, ProofError::Needed));
                }
                Err(error) => return Err(self.demand(&error).await),
            },
        }
        // Only now: whoever gives up before loses nothing. What the former key opens is not readable with the new one.
        if let Err(error) = self.client.encryption().backups().disable_and_delete().await {
            tracing::warn!(%error, "the former backup of keys stays at the homeserver");
        }
        let nothing = Raw::new(&json!({})).map_err(|error| ProofError::Refused(error.to_string()))?.cast_unchecked();
        let kind = "m.secret_storage.default_key".into();
        let forgotten = self.client.account().set_account_data_raw(kind, nothing).await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "the former recovery key is still named at the homeserver");
        }
        Ok(())
    }
}
