//! The way back of a sign-in at a Matrix homeserver by the browser: it brings a login token (client-server API v1.11
//! §5.6.3).

use super::{SignInError, listener::Listener};
use openidconnect::CsrfToken;
use std::{fmt, time::Duration};
use url::Url;
use zeroize::Zeroizing;

/// How long the browser page may stay open.
const DEADLINE: Duration = Duration::from_secs(5 * 60);

/// A loopback port that waits for a login token. Dropping it ends that.
pub struct TokenRedirect {
    listener: Listener,
    state: CsrfToken,
    url: Url,
}

impl TokenRedirect {
    /// Opens the port.
    ///
    /// # Errors
    /// [`SignInError::Listener`] when no port can be opened.
    pub async fn begin() -> Result<Self, SignInError> {
        let listener = Listener::bind().await.map_err(|error| SignInError::Listener(error.to_string()))?;
        let state = CsrfToken::new_random();
        let url = Url::parse(&listener.token_uri(state.secret())).expect("numbers and base64url make a URL");
        Ok(Self { listener, state, url })
    }

    /// Where the homeserver is to send the browser.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Waits for the browser to bring the token.
    ///
    /// # Errors
    /// [`SignInError::Expired`] when nobody came.
    pub async fn token(self) -> Result<Zeroizing<String>, SignInError> {
        tokio::time::timeout(DEADLINE, self.listener.wait_for_token(self.state.secret()))
            .await
            .map_err(|_elapsed| SignInError::Expired)?
            .map_err(|error| SignInError::Listener(error.to_string()))
    }
}

/// Without the address: it holds the state.
impl fmt::Debug for TokenRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenRedirect([not shown])")
    }
}
