//! The OpenID provider: its metadata and keys, and HTTP for the `openidconnect` crate.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use http::HeaderValue;
use jiff::Timestamp;
use openidconnect::{
    AdditionalProviderMetadata, AsyncHttpClient, Client, ClientId, DiscoveryError, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields, IssuerUrl,
    ProviderMetadata, StandardErrorResponse, StandardTokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreErrorResponseType,
        CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
        CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken,
        CoreRevocationErrorResponse, CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::claims::OurClaims;
use crate::egress::{Ask, Egress, EgressError, Follow};

/// Metadata, key sets and token answers are small.
const ANSWER_LIMIT: usize = 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct OurMetadata {
    /// OpenID Connect RP-Initiated Logout 1.0 §2.1.
    pub(super) end_session_endpoint: Option<Url>,
    /// RFC 9207 §3.
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for OurMetadata {}

pub(super) type Metadata = ProviderMetadata<
    OurMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

pub(super) type TokenAnswer = StandardTokenResponse<
    IdTokenFields<
        OurClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

pub(super) type OidcClient = Client<
    OurClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    TokenAnswer,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The provider's metadata cannot be had or used.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// No answer.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The provider answers with an error.
    #[error("the provider answered with status {0}")]
    Status(u16),
    /// Its metadata or keys are of no use.
    #[error("the provider's metadata cannot be used: {0}")]
    Metadata(String),
}

/// Metadata and keys of the provider, and its clock.
#[derive(Debug, Clone)]
pub(super) struct Provider {
    pub(super) metadata: Metadata,
    pub(super) date: Option<Timestamp>,
}

impl Provider {
    pub(super) async fn discover(egress: &Egress, issuer: &str) -> Result<Self, ProviderError> {
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|error| ProviderError::Metadata(error.to_string()))?;
        let http = OidcHttp::new(egress.clone());
        #[expect(clippy::wildcard_enum_match_arm, reason = "the crate's enum is open")]
        let refused = |error| match error {
            DiscoveryError::Request(error) => ProviderError::Egress(error),
            DiscoveryError::Response(status, ..) => ProviderError::Status(status.as_u16()),
            other => ProviderError::Metadata(other.to_string()),
        };
        let metadata = Metadata::discover_async(issuer, &http).await.map_err(refused)?;
        Ok(Self { metadata, date: http.date() })
    }

    pub(super) fn client(&self, client_id: &str) -> OidcClient {
        Client::from_provider_metadata(self.metadata.clone(), ClientId::new(client_id.to_owned()), None)
            // A public client names itself in the form; without a secret there is nothing for HTTP Basic.
            .set_auth_type(openidconnect::AuthType::RequestBody)
    }

    pub(super) fn ours(&self) -> &OurMetadata {
        self.metadata.additional_metadata()
    }
}

/// [`Egress`] in the form that the `openidconnect` crate asks for. It notes the provider's clock.
pub(super) struct OidcHttp {
    egress: Egress,
    date: Arc<Mutex<Option<Timestamp>>>,
}

impl OidcHttp {
    pub(super) fn new(egress: Egress) -> Self {
        Self { egress, date: Arc::default() }
    }

    /// `Date` of the last answer.
    pub(super) fn date(&self) -> Option<Timestamp> {
        *self.date.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'c> AsyncHttpClient<'c> for OidcHttp {
    type Error = EgressError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, EgressError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let text = parts.uri.to_string();
            let url = Url::parse(&text).map_err(|_refused| EgressError::NotSecure { host: String::new() })?;
            let mut ask = Ask::new(parts.method.clone(), url, "sign-in");
            ask.headers = parts.headers;
            if parts.method == http::Method::GET {
                ask.follow = Follow::SameOrigin;
                ask = ask.header(http::header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            } else {
                ask.body = Some(body.into());
            }
            let answer = self.egress.send(ask).await?;
            if let Some(date) = answer.date() {
                *self.date.lock().unwrap_or_else(PoisonError::into_inner) = Some(date);
            }
            let (status, headers) = (answer.status, answer.headers.clone());
            let body = answer.bytes(ANSWER_LIMIT).await?;
            let mut response = HttpResponse::new(body.to_vec());
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        })
    }
}
