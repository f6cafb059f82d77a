//! The homeserver's word for who somebody is, towards others: an OpenID token (client-server API, "OpenID").

use crate::account::{Account, AccountError, of_sdk};
use matrix_sdk::Client;
use ruma::api::client::account::request_openid_token::v3::Request;
use std::time::Duration;
use zeroize::Zeroizing;

/// Asks for such tokens, without holding the account.
#[derive(Clone)]
pub struct OpenId(Client);

/// A token. Whoever has it may pass for this person until it ends: it goes to one server of the person's own choice.
pub struct OpenIdToken {
    /// What is shown.
    pub token: Zeroizing<String>,
    /// The homeserver that knows it.
    pub server_name: String,
    /// For how long it was given.
    pub expires_in: Duration,
}

impl std::fmt::Debug for OpenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenId([not shown])")
    }
}

impl std::fmt::Debug for OpenIdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenIdToken([not shown])")
    }
}

impl Account {
    /// Asks for tokens that prove who this person is.
    #[must_use]
    pub fn openid(&self) -> OpenId {
        OpenId(self.client.clone())
    }
}

impl OpenId {
    pub(crate) const fn of(client: Client) -> Self {
        Self(client)
    }

    /// A fresh one.
    ///
    /// # Errors
    /// [`AccountError`] when the homeserver refuses or does not answer.
    pub async fn token(&self) -> Result<OpenIdToken, AccountError> {
        let user = self.0.user_id().ok_or(AccountError::Session)?.to_owned();
        let answer = self.0.send(Request::new(user)).await.map_err(|error| of_sdk(&error.into()))?;
        Ok(OpenIdToken {
            token: Zeroizing::new(answer.access_token),
            server_name: answer.matrix_server_name.to_string(),
            expires_in: answer.expires_in,
        })
    }
}
