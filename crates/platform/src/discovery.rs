//! Discovery: what a platform offers, from the one document that it publishes under
//! `/.well-known/konsil`.

use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use url::Url;

use crate::egress::{Ask, Egress, EgressError, Follow, is_loopback};

/// Larger documents are refused.
const DOCUMENT_LIMIT: usize = 64 * 1024;

/// A platform: who runs it, and where its parts are. What it lacks is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// The host as the person knows it, with its port where it has one.
    pub host: String,
    /// The organization's name.
    pub organization: String,
    /// Telephone of its support.
    pub support_phone: Option<String>,
    /// E-mail of its support.
    pub support_mail: Option<String>,
    /// The OpenID provider's issuer, exactly as published: it is compared character by character.
    pub issuer: String,
    /// This program's client id at the provider.
    pub client_id: String,
    /// Base of the FHIR server.
    pub fhir: Option<Url>,
    /// Base of the DICOMweb server.
    pub dicomweb: Option<Url>,
    /// Server name of the TI-Messenger homeserver.
    pub matrix: Option<String>,
    /// Where tokens for video rounds are issued.
    pub rounds: Option<Url>,
    /// Base of the directory.
    pub directory: Option<Url>,
    /// Terms of use.
    pub terms: Option<Url>,
    /// Names of further things that the platform offers.
    pub features: Vec<String>,
}

/// The parts of a platform that IT sets by policy or a person types by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformParts {
    /// The organization's name; the issuer's host stands in for it.
    pub organization: Option<String>,
    /// The OpenID provider's issuer.
    pub issuer: String,
    /// The client id at the provider.
    pub client_id: String,
    /// Base of the FHIR server.
    pub fhir: Option<String>,
    /// Base of the DICOMweb server.
    pub dicomweb: Option<String>,
    /// Server name of the homeserver.
    pub matrix: Option<String>,
    /// Where tokens for video rounds are issued.
    pub rounds: Option<String>,
    /// Base of the directory.
    pub directory: Option<String>,
}

/// Why there is no platform.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// What was typed is no domain, e-mail address or invitation link.
    #[error("the address is no domain, e-mail address or link")]
    Address,
    /// No answer.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The host answers, and it is no platform.
    #[error("{host} offers no platform (status {status})")]
    NotFound {
        /// The host.
        host: String,
        /// Its answer.
        status: u16,
    },
    /// The document is of a kind that this version does not know.
    #[error("the discovery document is of version {0}")]
    TooNew(u64),
    /// The document is no discovery document.
    #[error("the discovery document cannot be used: {0}")]
    Unreadable(String),
}

/// Fetches and checks the discovery document of the platform at `address`: a domain, an e-mail
/// address, an invitation's link, or `http://127.0.0.1:PORT`.
///
/// # Errors
/// [`DiscoverError`] says whether the address, the network or the document is at fault.
pub async fn discover(egress: &Egress, address: &str) -> Result<Platform, DiscoverError> {
    let url = document_url(address)?;
    let host = crate::egress::host_of(&url);
    let mut ask = Ask::get(url, "discovery").header(header::ACCEPT, HeaderValue::from_static("application/json"));
    ask.follow = Follow::SameHost;
    let answer = egress.send(ask).await?;
    if answer.status != StatusCode::OK {
        return Err(DiscoverError::NotFound { host, status: answer.status.as_u16() });
    }
    let body = answer.bytes(DOCUMENT_LIMIT).await?;
    read_document(host, &body)
}

impl Platform {
    /// A platform whose parts are pinned, without a discovery document.
    ///
    /// # Errors
    /// [`DiscoverError::Unreadable`] names the part that is no address.
    pub fn from_parts(parts: PlatformParts) -> Result<Self, DiscoverError> {
        let issuer = secure_url("issuer", &parts.issuer)?;
        let host = crate::egress::host_of(&issuer);
        Ok(Self {
            organization: parts.organization.unwrap_or_else(|| host.clone()),
            host,
            support_phone: None,
            support_mail: None,
            issuer: parts.issuer,
            client_id: parts.client_id,
            fhir: optional_url("fhir", parts.fhir)?,
            dicomweb: optional_url("dicomweb", parts.dicomweb)?,
            matrix: parts.matrix,
            rounds: optional_url("rounds", parts.rounds)?,
            directory: optional_url("directory", parts.directory)?,
            terms: None,
            features: Vec::new(),
        })
    }

    /// The provider's host, to show where the sign-in page comes from.
    #[must_use]
    pub fn sign_in_host(&self) -> String {
        Url::parse(&self.issuer).map(|url| crate::egress::host_of(&url)).unwrap_or_default()
    }
}

/// Where the document of the platform that a person means is found.
fn document_url(address: &str) -> Result<Url, DiscoverError> {
    let address = address.trim();
    let url = if address.contains("://") {
        let (_, rest) = address.split_once("://").ok_or(DiscoverError::Address)?;
        match Url::parse(address) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => url,
            // An invitation's link may be the program's own: konsil://HOST/….
            Ok(url) if url.scheme() == "konsil" => {
                Url::parse(&format!("https://{rest}")).map_err(|_refused| DiscoverError::Address)?
            }
            Ok(_) | Err(_) => return Err(DiscoverError::Address),
        }
    } else {
        let host = address.rsplit_once('@').map_or(address, |(_, host)| host);
        let host = host.split(['/', '?', '#']).next().unwrap_or_default();
        Url::parse(&format!("https://{host}/")).map_err(|_refused| DiscoverError::Address)?
    };
    let named = url.host_str().is_some_and(|host| host.contains('.') || host.contains(':') || is_loopback(&url));
    if !named || !url.username().is_empty() || url.password().is_some() {
        return Err(DiscoverError::Address);
    }
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(EgressError::NotSecure { host: crate::egress::host_of(&url) }.into());
    }
    url.join("/.well-known/konsil").map_err(|_refused| DiscoverError::Address)
}

#[derive(Deserialize)]
struct Version {
    v: u64,
}

#[derive(Deserialize)]
struct Document {
    organisation: Organisation,
    oidc: Oidc,
    fhir: Option<Base>,
    dicomweb: Option<Base>,
    matrix: Option<Matrix>,
    rounds: Option<Rounds>,
    directory: Option<Base>,
    terms: Option<String>,
    #[serde(default)]
    features: Vec<String>,
}

#[derive(Deserialize)]
struct Organisation {
    name: String,
    #[serde(default)]
    support: Support,
}

#[derive(Deserialize, Default)]
struct Support {
    phone: Option<String>,
    mail: Option<String>,
}

#[derive(Deserialize)]
struct Oidc {
    issuer: String,
    client_id: String,
}

#[derive(Deserialize)]
struct Base {
    base: String,
}

#[derive(Deserialize)]
struct Matrix {
    server_name: String,
}

#[derive(Deserialize)]
struct Rounds {
    token_service: String,
}

fn read_document(host: String, body: &[u8]) -> Result<Platform, DiscoverError> {
    let unreadable = |error: serde_json::Error| DiscoverError::Unreadable(error.to_string());
    // The version is read by itself first: a newer document may have another shape.
    let Version { v } = serde_json::from_slice(body).map_err(unreadable)?;
    if v != 1 {
        return Err(DiscoverError::TooNew(v));
    }
    let document: Document = serde_json::from_slice(body).map_err(unreadable)?;
    secure_url("issuer", &document.oidc.issuer)?;
    Ok(Platform {
        host,
        organization: document.organisation.name,
        support_phone: document.organisation.support.phone,
        support_mail: document.organisation.support.mail,
        issuer: document.oidc.issuer,
        client_id: document.oidc.client_id,
        fhir: optional_url("fhir", document.fhir.map(|part| part.base))?,
        dicomweb: optional_url("dicomweb", document.dicomweb.map(|part| part.base))?,
        matrix: document.matrix.map(|part| part.server_name),
        rounds: optional_url("rounds", document.rounds.map(|part| part.token_service))?,
        directory: optional_url("directory", document.directory.map(|part| part.base))?,
        terms: optional_url("terms", document.terms)?,
        features: document.features,
    })
}

fn optional_url(part: &str, text: Option<String>) -> Result<Option<Url>, DiscoverError> {
    text.map(|text| secure_url(part, &text)).transpose()
}

fn secure_url(part: &str, text: &str) -> Result<Url, DiscoverError> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => Ok(url),
        Ok(_) => Err(DiscoverError::Unreadable(format!("{part} is not https"))),
        Err(error) => Err(DiscoverError::Unreadable(format!("{part}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{DiscoverError, document_url};

    #[test]
    fn a_domain_an_address_and_an_invitation_lead_to_the_same_document() {
        for address in [
            "konsil.eschenland.example",
            " konsil.eschenland.example ",
            "konsil.eschenland.example/",
            "a.falkenried@konsil.eschenland.example",
            "https://konsil.eschenland.example",
            "https://konsil.eschenland.example/einladung/7f3a?code=x#y",
            "konsil://konsil.eschenland.example/einladung/7f3a",
        ] {
            let found = document_url(address).map(String::from);
            assert!(
                matches!(&found, Ok(url) if url == "https://konsil.eschenland.example/.well-known/konsil"),
                "{address}: {found:?}"
            );
        }
        let loopback = document_url("http://127.0.0.1:8080").map(String::from);
        assert!(matches!(&loopback, Ok(url) if url == "http://127.0.0.1:8080/.well-known/konsil"), "{loopback:?}");
        let ported = document_url("konsil.example:8443").map(String::from);
        assert!(matches!(&ported, Ok(url) if url == "https://konsil.example:8443/.well-known/konsil"), "{ported:?}");
    }

    #[test]
    fn what_names_no_host_is_refused_before_anybody_is_asked() {
        for address in
            ["", "   ", "konsil", "Dr. Falkenried", "file:///etc/passwd", "https://", "https://u:p@a.example", "@"]
        {
            let refused = document_url(address);
            assert!(matches!(refused, Err(DiscoverError::Address)), "{address:?}: {refused:?}");
        }
    }
}
