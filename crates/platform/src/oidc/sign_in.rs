//! One attempt to sign in: authorization code with PKCE (RFC 7636), state, nonce, and the checks of
//! OpenID Connect Core 1.0 §3.1.3.7.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use http::{HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use openidconnect::{
    AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, CsrfToken, LoginHint, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    TokenResponse as _,
    core::{CoreAuthPrompt, CoreJwsSigningAlgorithm, CoreResponseType},
};
use url::Url;

use super::{
    Person, ProviderError, Tokens,
    claims::OurClaims,
    listener::{Listener, Outcome},
    provider::{OidcHttp, Provider, TokenAnswer},
    tokens::secret,
};
use crate::{
    Platform,
    egress::{Ask, Egress, EgressError},
};

/// How long the browser page may stay open.
const DEADLINE: Duration = Duration::from_secs(5 * 60);
/// Difference of the clocks that is tolerated when times in a token are compared.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// Difference of the clocks from which on it is an error of its own.
const SKEW_LIMIT: SignedDuration = SignedDuration::from_mins(5);
/// Life of an access token whose answer does not tell it (RFC 6749 §5.1 only recommends that it does).
const ASSUMED_LIFE: Duration = Duration::from_secs(60);

/// Why the person is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A new session.
    SignIn,
    /// The same person proves again who they are: to unlock, or before signing.
    Reauthenticate {
        /// The account that must come back.
        subject: String,
        /// The name to fill in.
        login_hint: Option<String>,
    },
}

/// The browser has a page to open, and this listens for its return. Dropping it ends the attempt.
pub struct SignInAttempt {
    url: Url,
    deadline: Timestamp,
    egress: Egress,
    platform: Platform,
    provider: Provider,
    purpose: Purpose,
    listener: Listener,
    redirect: RedirectUrl,
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    began: Timestamp,
    onward: Option<Url>,
}

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The provider's metadata cannot be had.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// No answer to the exchange of the code.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The two clocks differ; positive when this computer's is ahead.
    #[error("this computer's clock and the provider's differ by {minutes} minutes")]
    ClockSkew {
        /// Whole minutes.
        minutes: i64,
    },
    /// The person refused or closed the page.
    #[error("the sign-in was cancelled: {0}")]
    Cancelled(String),
    /// Nobody came back within the deadline.
    #[error("nobody signed in within five minutes")]
    Expired,
    /// The provider refused.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// The answer comes from elsewhere than it should, or does not hold.
    #[error("the provider's answer cannot be trusted: {0}")]
    Untrusted(String),
    /// Somebody else signed in than the person whose session it is.
    #[error("another person signed in")]
    OtherPerson,
    /// The person did not prove again who they are.
    #[error("the provider did not ask the person again")]
    NotReauthenticated,
    /// No port could be opened on this computer.
    #[error("no loopback port could be opened: {0}")]
    Listener(String),
}

impl SignInAttempt {
    /// Asks the provider for its metadata and opens the loopback port.
    ///
    /// # Errors
    /// [`SignInError`] when the provider cannot be asked, or the clocks differ.
    pub async fn begin(egress: &Egress, platform: &Platform, purpose: Purpose) -> Result<Self, SignInError> {
        let provider = Provider::discover(egress, &platform.issuer).await?;
        let began = egress.time().now();
        check_clocks(began, provider.date)?;
        let listener = Listener::bind().await.map_err(|error| SignInError::Listener(error.to_string()))?;
        let redirect =
            RedirectUrl::new(listener.redirect_uri()).map_err(|error| SignInError::Listener(error.to_string()))?;
        let client = provider.client(&platform.client_id).set_redirect_uri(redirect.clone());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge);
        if let Purpose::Reauthenticate { login_hint, .. } = &purpose {
            // OpenID Connect Core 1.0 §3.1.2.1: max_age also makes auth_time required in the answer.
            request = request.set_max_age(Duration::ZERO).add_prompt(CoreAuthPrompt::Login);
            if let Some(hint) = login_hint {
                request = request.set_login_hint(LoginHint::new(hint.clone()));
            }
        }
        let (url, state, nonce) = request.url();
        let deadline = began.checked_add(DEADLINE).unwrap_or(began);
        Ok(Self {
            url,
            deadline,
            egress: egress.clone(),
            platform: platform.clone(),
            provider,
            purpose,
            listener,
            redirect,
            state,
            nonce,
            verifier,
            began,
            onward: None,
        })
    }

    /// Leads the browser on to this page when it has brought its code, in the same tab.
    pub fn lead_on(&mut self, page: Url) {
        self.onward = Some(page);
    }

    /// The page to open in the browser.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// When the attempt ends by itself.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// Waits for the browser to come back, and exchanges its code for tokens.
    ///
    /// # Errors
    /// [`SignInError`] says what did not hold.
    pub async fn finish(self) -> Result<Tokens, SignInError> {
        let Self {
            egress, platform, provider, purpose, listener, redirect, state, nonce, verifier, began, onward, ..
        } = self;
        let answer = tokio::time::timeout(DEADLINE, listener.wait(state.secret(), onward.as_ref()))
            .await
            .map_err(|_elapsed| SignInError::Expired)?
            .map_err(|error| SignInError::Listener(error.to_string()))?;
        check_sender(&provider, answer.iss.as_deref())?;
        let code = match answer.outcome {
            Outcome::Code(code) => AuthorizationCode::new(code.to_string()),
            Outcome::Refused(error) if error == "access_denied" => return Err(SignInError::Cancelled(error)),
            Outcome::Refused(error) => return Err(SignInError::Refused(error)),
        };

        let http = OidcHttp::new(egress.clone());
        let client = provider.client(&platform.client_id).set_redirect_uri(redirect);
        let answer: TokenAnswer = client
            .exchange_code(code)
            .map_err(|error| SignInError::Untrusted(error.to_string()))?
            .set_pkce_verifier(verifier)
            .request_async(&http)
            .await
            .map_err(|error| match error {
                RequestTokenError::Request(error) => SignInError::Egress(error),
                RequestTokenError::ServerResponse(answer) => SignInError::Refused(answer.error().to_string()),
                RequestTokenError::Parse(..) => SignInError::Untrusted("the token answer is unreadable".to_owned()),
                RequestTokenError::Other(reason) => SignInError::Untrusted(reason),
            })?;
        let now = egress.time().now();
        check_clocks(now, http.date())?;

        let id_token = answer.id_token().ok_or_else(|| SignInError::Untrusted("no ID token".to_owned()))?;
        let issued = Arc::new(Mutex::new(None));
        let checked_at = |time: SystemTime| {
            let verifier = client
                .id_token_verifier()
                // An unsigned token, or one signed with a shared secret that a public client lacks, proves nothing.
                .set_allowed_algs(signing_algorithms())
                .set_time_fn(move || time.into())
                .set_issue_time_verifier_fn({
                    let issued = Arc::clone(&issued);
                    move |time| {
                        *issued.lock().unwrap_or_else(PoisonError::into_inner) = Some(time.timestamp());
                        Ok(())
                    }
                });
            id_token.claims(&verifier, &nonce)
        };
        let checked = checked_at(SystemTime::from(now.checked_sub(LEEWAY).unwrap_or(now)));
        if matches!(checked, Err(ClaimsVerificationError::Expired(_))) {
            // The time of issue comes last in the order of checks: it is read as of a moment at which nothing is
            // expired, and everything else holds then as it does now.
            let _only_its_time = checked_at(SystemTime::UNIX_EPOCH);
        }
        let issued = issued
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .and_then(|seconds| Timestamp::from_second(seconds).ok());
        // Without a `Date` header the time of issue shows the difference as well.
        if matches!(checked, Ok(_) | Err(ClaimsVerificationError::Expired(_))) {
            check_clocks(now, issued)?;
        }
        let claims = checked.map_err(|error| SignInError::Untrusted(error.to_string()))?;

        let authenticated_at = claims.auth_time().and_then(|time| Timestamp::from_second(time.timestamp()).ok());
        if let Purpose::Reauthenticate { subject, .. } = &purpose {
            if claims.subject().as_str() != subject {
                return Err(SignInError::OtherPerson);
            }
            // Both times are the provider's; only the duration is ours, so the clocks need not agree.
            let waited = now.duration_since(began);
            let since = issued.zip(authenticated_at).map(|(issued, at)| issued.duration_since(at));
            if since.is_none_or(|since| since > waited + LEEWAY) {
                return Err(SignInError::NotReauthenticated);
            }
        }

        let mut person = Person::from_id_token(claims);
        let access = answer.access_token().secret();
        if person.roles.is_empty() {
            if let Some(more) = userinfo(&egress, &provider, access, &person.subject).await {
                person.complete(&more);
            }
            if let Some(more) = OurClaims::of_access_token(access) {
                person.complete(&more);
            }
        }
        Ok(Tokens {
            person,
            authenticated_at,
            access: secret(access.as_str()),
            expires_at: expiry(now, &answer),
            refresh: answer.refresh_token().map(|token| secret(token.secret().as_str())),
            id_token: secret(id_token.to_string()),
        })
    }
}

/// Without the address: it holds the state.
impl fmt::Debug for SignInAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInAttempt")
            .field("issuer", &self.platform.issuer)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

pub(super) fn expiry(now: Timestamp, answer: &TokenAnswer) -> Timestamp {
    now.checked_add(answer.expires_in().unwrap_or(ASSUMED_LIFE)).unwrap_or(now)
}

fn signing_algorithms() -> Vec<CoreJwsSigningAlgorithm> {
    vec![
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::EcdsaP384Sha384,
        CoreJwsSigningAlgorithm::EdDsa,
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
        CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        CoreJwsSigningAlgorithm::RsaSsaPssSha384,
        CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    ]
}

/// RFC 9207 §2.4: an answer that names another issuer, or none where one was announced, is not ours.
fn check_sender(provider: &Provider, iss: Option<&str>) -> Result<(), SignInError> {
    match iss {
        Some(iss) if iss == provider.metadata.issuer().as_str() => Ok(()),
        Some(_) => Err(SignInError::Untrusted("the answer names another issuer".to_owned())),
        None if provider.ours().authorization_response_iss_parameter_supported => {
            Err(SignInError::Untrusted("the answer names no issuer".to_owned()))
        }
        None => Ok(()),
    }
}

fn check_clocks(ours: Timestamp, theirs: Option<Timestamp>) -> Result<(), SignInError> {
    let Some(theirs) = theirs else { return Ok(()) };
    let ahead = ours.duration_since(theirs);
    if ahead.abs() > SKEW_LIMIT {
        // Half minutes round away from zero, so that ten minutes less a few seconds are called ten.
        let minutes = (ahead.as_secs() + 30 * ahead.as_secs().signum()) / 60;
        return Err(SignInError::ClockSkew { minutes });
    }
    Ok(())
}

/// OpenID Connect Core 1.0 §5.3. Its subject must be the ID token's (§5.3.2).
async fn userinfo(egress: &Egress, provider: &Provider, access: &str, subject: &str) -> Option<OurClaims> {
    let url = provider.metadata.userinfo_endpoint()?.url().clone();
    let mut bearer = HeaderValue::from_str(&format!("Bearer {access}")).ok()?;
    bearer.set_sensitive(true);
    let ask = Ask::get(url, "userinfo").header(header::AUTHORIZATION, bearer);
    let answer = egress.send(ask).await.ok()?;
    if answer.status != StatusCode::OK {
        return None;
    }
    let value: serde_json::Value = serde_json::from_slice(&answer.bytes(256 * 1024).await.ok()?).ok()?;
    if value["sub"].as_str() != Some(subject) {
        return None;
    }
    serde_json::from_value(value).ok()
}
