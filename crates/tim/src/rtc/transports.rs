//! Where rounds can be held: the LiveKit servers that the homeserver names, by their token services (MSC4143, "Discovery
//! of RTC transports").

use crate::account::{Account, AccountError};
use crate::homeserver::{Clients, address, fetch};
use reqwest::StatusCode;
use serde::Deserialize;
use std::time::Duration;
use url::Url;

/// Whoever has not answered then does not.
const PATIENCE: Duration = Duration::from_secs(20);
/// More are not looked at.
const MOST: usize = 8;

#[derive(Deserialize)]
struct Transports {
    #[serde(default)]
    rtc_transports: Vec<Transport>,
}

/// What older homeservers say in their discovery document.
#[derive(Deserialize)]
struct WellKnown {
    #[serde(default, rename = "org.matrix.msc4143.rtc_foci")]
    foci: Vec<Transport>,
}

#[derive(Deserialize)]
struct Transport {
    #[serde(default, rename = "type")]
    kind: String,
    livekit_service_url: Option<String>,
}

impl Account {
    /// Token services of the LiveKit servers that the homeserver names, the preferred one first. None where no round can
    /// be held.
    ///
    /// # Errors
    /// [`AccountError`] when the homeserver does not answer, or answers with something else.
    pub async fn transports(&self, http: Clients<'_>) -> Result<Vec<Url>, AccountError> {
        let told = match self.told_by_the_api().await? {
            Some(told) => told,
            None => self.told_by_the_document(http).await?,
        };
        Ok(services(told))
    }

    /// None where the homeserver does not know the question.
    async fn told_by_the_api(&self) -> Result<Option<Vec<Transport>>, AccountError> {
        let mut url = self.client.homeserver();
        let path = ["_matrix", "client", "unstable", "org.matrix.msc4143", "rtc", "transports"];
        url.path_segments_mut().map_err(|()| AccountError::Session)?.pop_if_empty().extend(path);
        let token = self.client.access_token().ok_or(AccountError::Session)?;
        let asked = tokio::time::timeout(PATIENCE, self.wire.http.get(url).bearer_auth(token).send());
        let unreachable = |error: reqwest::Error| AccountError::Unreachable(error.without_url().to_string());
        let late = |_elapsed| AccountError::Unreachable("silence".to_owned());
        let answer = asked.await.map_err(late)?.map_err(unreachable)?;
        match answer.status() {
            status if status.is_success() => {}
            // A proxy of the TI-Messenger answers 403 to paths that it does not know.
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::FORBIDDEN => return Ok(None),
            status => return Err(AccountError::Unreachable(format!("status {}", status.as_u16()))),
        }
        let read = tokio::time::timeout(PATIENCE, crate::homeserver::body(answer)).await.map_err(late)?;
        let body = read.map_err(AccountError::Unreachable)?;
        let told: Transports =
            serde_json::from_slice(&body).map_err(|error| AccountError::Unreachable(error.to_string()))?;
        Ok(Some(told.rtc_transports))
    }

    async fn told_by_the_document(&self, http: Clients<'_>) -> Result<Vec<Transport>, AccountError> {
        let unreachable = |error: crate::HomeserverError| AccountError::Unreachable(error.to_string());
        let user = self.client.user_id().ok_or(AccountError::Session)?;
        let own = address(http, user.server_name().as_str()).map_err(unreachable)?;
        let document = own.join("/.well-known/matrix/client").map_err(|_error| AccountError::Session)?;
        let read = tokio::time::timeout(PATIENCE, fetch::<WellKnown>(http, document));
        let found = read.await.map_err(|_elapsed| AccountError::Unreachable("silence".to_owned()))?;
        Ok(found.map_err(unreachable)?.map(|found| found.foci).unwrap_or_default())
    }
}

fn services(told: Vec<Transport>) -> Vec<Url> {
    let livekit = told.into_iter().take(MOST).filter(|transport| transport.kind == "livekit");
    let services = livekit.filter_map(|transport| Url::parse(&transport.livekit_service_url?).ok());
    services.filter(|service| matches!(service.scheme(), "http" | "https") && service.has_host()).collect()
}
