//! Tokens: what a sign-in brings, and the form in which a [`TokenStore`] keeps it.

use std::fmt;

use jiff::Timestamp;
use model::Phi;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Person;

/// A secret text. It does not print, and its memory is wiped when it is dropped.
pub type Secret = Phi<Zeroizing<String>>;

pub(crate) fn secret(text: impl Into<String>) -> Secret {
    Phi::new(Zeroizing::new(text.into()))
}

/// What a finished sign-in brings.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Who signed in.
    pub person: Person,
    /// When the person last proved who they are, by the provider's clock.
    pub authenticated_at: Option<Timestamp>,
    pub(crate) access: Secret,
    pub(crate) expires_at: Timestamp,
    pub(crate) refresh: Option<Secret>,
    pub(crate) id_token: Secret,
}

/// A session in the form that a vault keeps. Sealing it is the store's task.
#[derive(Debug, Clone)]
pub struct StoredTokens {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) tokens: Tokens,
}

/// What was kept cannot be read back.
#[derive(Debug, thiserror::Error)]
#[error("the stored session cannot be read: {0}")]
pub struct StoredTokensError(String);

/// The store refused.
#[derive(Debug, thiserror::Error)]
#[error("the session could not be stored: {0}")]
pub struct TokenStoreError(pub String);

/// Keeps a session over restarts. Called on a blocking thread.
pub trait TokenStore: Send + Sync + 'static {
    /// Keeps `tokens` in place of what was kept before. Returns when they are on disk: the provider
    /// has already forgotten their predecessors.
    ///
    /// # Errors
    /// [`TokenStoreError`] says why; the session goes on in memory.
    fn save(&self, tokens: &StoredTokens) -> Result<(), TokenStoreError>;

    /// Forgets them.
    ///
    /// # Errors
    /// [`TokenStoreError`] says why.
    fn wipe(&self) -> Result<(), TokenStoreError>;
}

#[derive(Serialize, Deserialize)]
struct Kept {
    v: u8,
    issuer: String,
    client_id: String,
    access: String,
    expires_at: Timestamp,
    refresh: Option<String>,
    id_token: String,
    authenticated_at: Option<Timestamp>,
    person: Person,
}

impl Drop for Kept {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.access.zeroize();
        self.refresh.zeroize();
        self.id_token.zeroize();
    }
}

impl StoredTokens {
    /// The bytes to seal.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let tokens = &self.tokens;
        let kept = Kept {
            v: 1,
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            access: tokens.access.reveal().to_string(),
            expires_at: tokens.expires_at,
            refresh: tokens.refresh.as_ref().map(|token| token.reveal().to_string()),
            id_token: tokens.id_token.reveal().to_string(),
            authenticated_at: tokens.authenticated_at,
            person: tokens.person.clone(),
        };
        Zeroizing::new(serde_json::to_vec(&kept).expect("strings, numbers and times always serialize"))
    }

    /// Reads back what [`StoredTokens::to_bytes`] gave.
    ///
    /// # Errors
    /// [`StoredTokensError`] when it is damaged or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoredTokensError> {
        let mut kept: Kept = serde_json::from_slice(bytes)
            .map_err(|error| StoredTokensError(format!("{:?} at column {}", error.classify(), error.column())))?;
        if kept.v != 1 {
            return Err(StoredTokensError(format!("version {}", kept.v)));
        }
        Ok(Self {
            issuer: std::mem::take(&mut kept.issuer),
            client_id: std::mem::take(&mut kept.client_id),
            tokens: Tokens {
                person: kept.person.clone(),
                authenticated_at: kept.authenticated_at,
                access: secret(std::mem::take(&mut kept.access)),
                expires_at: kept.expires_at,
                refresh: kept.refresh.take().map(secret),
                id_token: secret(std::mem::take(&mut kept.id_token)),
            },
        })
    }

    /// Whose session it is.
    #[must_use]
    pub fn person(&self) -> &Person {
        &self.tokens.person
    }

    /// The provider that it belongs to.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}

impl fmt::Display for StoredTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stored session")
    }
}
