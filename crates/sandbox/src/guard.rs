//! Who asks: checks the bearer token at the doors of FHIR and DICOMweb.

use crate::clock::Clock;
use crate::oidc::{Keys, TokenError, bearer};
use crate::people::granted;
use axum::http::HeaderMap;
use model::Role;
use std::sync::Arc;

/// Somebody with a valid access token. A request that passed the door carries it as an extension.
#[derive(Debug, Clone)]
pub struct Caller {
    /// User name.
    pub username: String,
    /// What the token grants.
    pub roles: Vec<Role>,
}

impl Caller {
    /// True when the person may see patient data at all. IT deploys and sees none.
    #[must_use]
    pub fn sees_patients(&self) -> bool {
        self.roles.iter().any(|role| *role != Role::It)
    }

    /// True when the person may write into the record.
    #[must_use]
    pub fn writes(&self) -> bool {
        let writers = [Role::Physician, Role::Moderator, Role::Coordinator];
        self.roles.iter().any(|role| writers.contains(role))
    }
}

/// The door.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    issuer: String,
    keys: Arc<Keys>,
    clock: Clock,
}

impl Guard {
    pub(crate) fn new(origin: &str, keys: Arc<Keys>, clock: Clock) -> Self {
        Self { issuer: format!("{origin}/oidc"), keys, clock }
    }

    /// Who asks, or why the token is refused; `None` when there is no token.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Result<Caller, Option<TokenError>> {
        let token = bearer(headers).ok_or(None)?;
        let claims = self.keys.access(token, &self.issuer, self.clock.now()).map_err(Some)?;
        let roles: Vec<String> = claims["realm_access"]["roles"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|role| role.as_str().map(str::to_owned))
            .collect();
        let username = claims["preferred_username"].as_str().unwrap_or_default().to_owned();
        Ok(Caller { username, roles: granted(&roles) })
    }
}
