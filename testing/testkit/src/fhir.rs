//! [`FhirDoor`]: plain FHIR requests in a person's name, as another program would make them.

use anyhow::Context as _;
use reqwest::{Client, header};
use serde_json::Value;

/// A FHIR server with a token.
#[derive(Debug)]
pub struct FhirDoor {
    client: Client,
    base: String,
    token: String,
}

impl FhirDoor {
    pub(crate) fn new(client: Client, base: String, token: String) -> Self {
        Self { client, base: base.trim_end_matches('/').to_owned(), token }
    }

    /// The access token, to look for it where it must not be.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A resource.
    ///
    /// # Errors
    /// When the server does not give it.
    pub async fn read(&self, reference: &str) -> anyhow::Result<Value> {
        self.get(&format!("{}/{reference}", self.base)).await
    }

    /// The matches of a search such as `CarePlan?patient=…`.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn search(&self, query: &str) -> anyhow::Result<Vec<Value>> {
        let bundle = self.get(&format!("{}/{query}", self.base)).await?;
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        Ok(entries.into_iter().map(|entry| entry["resource"].clone()).collect())
    }

    /// Changes a resource as it is now, and gives it back as stored.
    ///
    /// # Errors
    /// When somebody else was faster, or the server refuses it.
    pub async fn change(&self, reference: &str, change: impl FnOnce(&mut Value)) -> anyhow::Result<Value> {
        let mut resource = self.read(reference).await?;
        let version = resource["meta"]["versionId"].as_str().context("a version")?.to_owned();
        change(&mut resource);
        let answer = self
            .client
            .put(format!("{}/{reference}", self.base))
            .bearer_auth(&self.token)
            .header(header::IF_MATCH, format!("W/\"{version}\""))
            .header(header::CONTENT_TYPE, "application/fhir+json")
            .body(resource.to_string())
            .send()
            .await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    async fn get(&self, url: &str) -> anyhow::Result<Value> {
        let request = self.client.get(url).bearer_auth(&self.token).header(header::ACCEPT, "application/fhir+json");
        // Servers may answer a repeated search from what they found before (FHIR R4 §3.1.1.4).
        let request = request.header(header::CACHE_CONTROL, "no-cache");
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}
