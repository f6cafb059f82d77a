//! [`Session`]: the tokens of a signed-in person, kept fresh.
//!
//! A refresh token works once, and a provider ends the session when it sees one twice. So refreshing
//! is single-flight, runs in a task of its own that no cancelled request can tear, and what it brings
//! is on disk before it is used.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use openidconnect::{
    Nonce, OAuth2TokenResponse as _, RefreshToken, RequestTokenError, TokenResponse as _, core::CoreErrorResponseType,
};
use tokio::sync::{Mutex as AsyncMutex, watch};

use super::{
    Person, ProviderError, StoredTokens, TokenStore, Tokens,
    provider::{OidcHttp, Provider, TokenAnswer},
    sign_in::expiry,
    tokens::secret,
};
use crate::{
    Platform,
    egress::{Ask, Egress, EgressError},
};

/// A token with less life left than this is refreshed before it is used.
const FRESH: SignedDuration = SignedDuration::from_secs(30);
/// Sign-out does not wait longer for the provider.
const FAREWELL: Duration = Duration::from_secs(5);

/// Whether the session works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// Requests go out with its token.
    Active,
    /// It is over; sign in again.
    Ended {
        /// Why.
        reason: EndReason,
    },
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The person signed out here.
    SignedOut,
    /// The provider refuses its refresh token: ended there, revoked, or too long ago.
    Refused,
    /// The token ran out, and the provider had given none to refresh it with.
    Expired,
    /// A refresh brought the tokens of somebody else.
    OtherPerson,
}

/// A session gives no token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SessionError {
    /// It is over.
    #[error("the session has ended")]
    Ended(EndReason),
    /// The provider cannot be reached; the session may still live.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The provider answers with something else than tokens; the session may still live.
    #[error("the provider gives no token: {0}")]
    Provider(String),
    /// What was stored, or what the person signed in to again, belongs to another provider or person.
    #[error("the tokens belong to another provider or person")]
    Foreign,
}

/// A signed-in person's session. Clones are the same session.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    egress: Egress,
    issuer: String,
    client_id: String,
    store: Arc<dyn TokenStore>,
    provider: AsyncMutex<Option<Arc<Provider>>>,
    current: Mutex<Current>,
    refreshing: AsyncMutex<()>,
    state: watch::Sender<SessionState>,
    // The generation of the token that was refused although it was fresh, plus one.
    denied: AtomicU64,
}

struct Current {
    // None once the session is over.
    tokens: Option<Tokens>,
    person: Person,
    generation: u64,
}

/// A token as a header, and which of the session's tokens it is.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    pub(crate) header: HeaderValue,
    generation: u64,
}

/// What to do after 401 or 403.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Ask once more with this token.
    Again(Bearer),
    /// The refusal stands.
    Stands,
}

impl Session {
    /// Puts the tokens of a sign-in to work, after storing them.
    pub async fn open(egress: &Egress, platform: &Platform, tokens: Tokens, store: Arc<dyn TokenStore>) -> Self {
        let session = Self::with(egress, platform, tokens, store);
        session.persist().await;
        session
    }

    /// Goes on with a stored session. Asks nobody; a provider that has ended it is noticed at the
    /// first request.
    ///
    /// # Errors
    /// [`SessionError::Foreign`] when it belongs to another provider than the platform's.
    pub fn restore(
        egress: &Egress,
        platform: &Platform,
        stored: StoredTokens,
        store: Arc<dyn TokenStore>,
    ) -> Result<Self, SessionError> {
        if stored.issuer != platform.issuer || stored.client_id != platform.client_id {
            return Err(SessionError::Foreign);
        }
        Ok(Self::with(egress, platform, stored.tokens, store))
    }

    fn with(egress: &Egress, platform: &Platform, tokens: Tokens, store: Arc<dyn TokenStore>) -> Self {
        Self(Arc::new(Inner {
            egress: egress.clone(),
            issuer: platform.issuer.clone(),
            client_id: platform.client_id.clone(),
            store,
            provider: AsyncMutex::new(None),
            current: Mutex::new(Current { person: tokens.person.clone(), tokens: Some(tokens), generation: 0 }),
            refreshing: AsyncMutex::new(()),
            state: watch::Sender::new(SessionState::Active),
            denied: AtomicU64::new(0),
        }))
    }

    /// Whose session it is, as of the last token.
    #[must_use]
    pub fn person(&self) -> Person {
        self.0.current().person.clone()
    }

    /// The state, and every change of it.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<SessionState> {
        self.0.state.subscribe()
    }

    /// When the token in use runs out; `None` once the session is over.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.current().tokens.as_ref().map(|tokens| tokens.expires_at)
    }

    /// Refreshes the token if it is about to run out, so that a session outlives a pause in work.
    ///
    /// # Errors
    /// [`SessionError`] when the session is over or the provider cannot be asked.
    pub async fn keep_alive(&self) -> Result<(), SessionError> {
        self.bearer().await.map(drop)
    }

    /// Goes on with the tokens of a renewed sign-in of the same person.
    ///
    /// # Errors
    /// [`SessionError::Foreign`] for another person's tokens, [`SessionError::Ended`] when it is over.
    pub async fn adopt(&self, tokens: Tokens) -> Result<(), SessionError> {
        let _single = self.0.refreshing.lock().await;
        {
            let mut current = self.0.current();
            if current.person.subject != tokens.person.subject {
                return Err(SessionError::Foreign);
            }
            if current.tokens.is_none() {
                return Err(self.0.ended());
            }
            current.person = tokens.person.clone();
            current.tokens = Some(tokens);
            current.generation += 1;
        }
        self.persist().await;
        Ok(())
    }

    /// Signs out: forgets the tokens here, wipes the store and ends the session at the provider as
    /// well as it can be reached.
    pub async fn end(&self) {
        let tokens = {
            let _single = self.0.refreshing.lock().await;
            self.0.close(EndReason::SignedOut).await
        };
        let Some(tokens) = tokens else { return };
        match tokio::time::timeout(FAREWELL, self.0.farewell(&tokens)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the session could not be ended at the provider"),
            Err(_elapsed) => tracing::warn!("the provider did not confirm the end of the session in time"),
        }
    }

    /// A token that is good for the next request.
    pub(crate) async fn bearer(&self) -> Result<Bearer, SessionError> {
        let (bearer, left) = self.0.bearer()?;
        if left > FRESH {
            return Ok(bearer);
        }
        match self.refresh(bearer.generation).await {
            Ok(fresh) => Ok(fresh),
            Err(SessionError::Egress(_) | SessionError::Provider(_)) if left.is_positive() => Ok(bearer),
            Err(error) => Err(error),
        }
    }

    /// What to do after a request with `bearer` was refused. Some servers answer 403 where 401 is
    /// meant, so both are worth one fresh token; a refusal that outlives it stands for that token's
    /// life, or every forbidden part of a record would cost a refresh.
    pub(crate) async fn refused(&self, bearer: &Bearer) -> Result<Refused, SessionError> {
        if self.0.denied.load(Ordering::Relaxed) == bearer.generation + 1 {
            return Ok(Refused::Stands);
        }
        match self.refresh(bearer.generation).await {
            Ok(fresh) => Ok(Refused::Again(fresh)),
            Err(SessionError::Egress(_) | SessionError::Provider(_)) => Ok(Refused::Stands),
            Err(error) => Err(error),
        }
    }

    /// Notes that a request was refused with a token that had just been refreshed for it.
    pub(crate) fn refused_again(&self, bearer: &Bearer) {
        self.0.denied.fetch_max(bearer.generation + 1, Ordering::Relaxed);
    }

    /// The token after that of `generation`, by one refresh for all who ask.
    async fn refresh(&self, generation: u64) -> Result<Bearer, SessionError> {
        let session = self.clone();
        // In a task of its own: a caller that is dropped between the provider's answer and the store
        // would otherwise lose the only token that still works.
        let task = tokio::spawn(async move {
            let _single = session.0.refreshing.lock().await;
            let (bearer, _) = session.0.bearer()?;
            if bearer.generation > generation {
                return Ok(bearer);
            }
            session.0.rotate().await?;
            session.persist().await;
            session.0.bearer().map(|(bearer, _)| bearer)
        });
        task.await.map_err(|error| SessionError::Provider(format!("the refresh was torn: {error}")))?
    }

    /// Puts the tokens on disk. A store that fails does not end the session: the tokens before these
    /// are worthless already.
    async fn persist(&self) {
        let stored = {
            let current = self.0.current();
            let Some(tokens) = current.tokens.clone() else { return };
            StoredTokens { issuer: self.0.issuer.clone(), client_id: self.0.client_id.clone(), tokens }
        };
        let store = Arc::clone(&self.0.store);
        match tokio::task::spawn_blocking(move || store.save(&stored)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the session will not survive a restart"),
            Err(error) => tracing::error!(%error, "the session will not survive a restart"),
        }
    }
}

impl Inner {
    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> SessionError {
        match *self.state.borrow() {
            SessionState::Ended { reason } => SessionError::Ended(reason),
            SessionState::Active => SessionError::Ended(EndReason::SignedOut),
        }
    }

    fn bearer(&self) -> Result<(Bearer, SignedDuration), SessionError> {
        let current = self.current();
        let Some(tokens) = &current.tokens else { return Err(self.ended()) };
        let left = tokens.expires_at.duration_since(self.egress.time().now());
        let mut header = HeaderValue::from_str(&format!("Bearer {}", tokens.access.reveal().as_str()))
            .map_err(|_refused| SessionError::Provider("the token cannot be a header".to_owned()))?;
        header.set_sensitive(true);
        Ok((Bearer { header, generation: current.generation }, left))
    }

    async fn provider(&self) -> Result<Arc<Provider>, SessionError> {
        let mut kept = self.provider.lock().await;
        if let Some(provider) = &*kept {
            return Ok(Arc::clone(provider));
        }
        let provider = Provider::discover(&self.egress, &self.issuer).await.map_err(|error| match error {
            ProviderError::Egress(error) => SessionError::Egress(error),
            error @ (ProviderError::Status(_) | ProviderError::Metadata(_)) => {
                SessionError::Provider(error.to_string())
            }
        })?;
        Ok(Arc::clone(kept.insert(Arc::new(provider))))
    }

    /// Trades the refresh token for new tokens. Only ever called by one task at a time.
    async fn rotate(&self) -> Result<(), SessionError> {
        let refresh = self.current().tokens.as_ref().and_then(|tokens| tokens.refresh.clone());
        let Some(refresh) = refresh else {
            self.close(EndReason::Expired).await;
            return Err(SessionError::Ended(EndReason::Expired));
        };
        let provider = self.provider().await?;
        let client = provider.client(&self.client_id);
        let http = OidcHttp::new(self.egress.clone());
        let token = RefreshToken::new(refresh.reveal().to_string());
        let request =
            client.exchange_refresh_token(&token).map_err(|error| SessionError::Provider(error.to_string()))?;
        // Its life is counted from before the request: a token may only seem older than it is.
        let asked_at = self.egress.time().now();
        let answer: TokenAnswer = match request.request_async(&http).await {
            Ok(answer) => answer,
            Err(RequestTokenError::Request(error)) => return Err(SessionError::Egress(error)),
            Err(RequestTokenError::ServerResponse(answer)) if is_final(answer.error()) => {
                tracing::info!(error = %answer.error(), "the provider has ended the session");
                self.close(EndReason::Refused).await;
                return Err(SessionError::Ended(EndReason::Refused));
            }
            Err(RequestTokenError::ServerResponse(answer)) => {
                return Err(SessionError::Provider(answer.error().to_string()));
            }
            Err(RequestTokenError::Parse(..)) => return Err(SessionError::Provider("unreadable answer".to_owned())),
            Err(RequestTokenError::Other(reason)) => return Err(SessionError::Provider(reason)),
        };
        let expires_at = expiry(asked_at, &answer);

        // OpenID Connect Core 1.0 §12.2: the ID token is optional here and has no nonce of ours; a
        // key that the provider has rotated in meanwhile is no reason to end a session.
        let renewed = answer.id_token().and_then(|id_token| {
            let any_nonce = |_: Option<&Nonce>| Ok(());
            match id_token.claims(&client.id_token_verifier(), any_nonce) {
                Ok(claims) => Some((Person::from_id_token(claims), id_token.to_string())),
                Err(error) => {
                    tracing::debug!(%error, "the renewed ID token is not used");
                    None
                }
            }
        });
        let foreign = {
            let mut current = self.current();
            let subject = current.person.subject.clone();
            let Some(tokens) = &mut current.tokens else { return Err(self.ended()) };
            match renewed {
                Some((person, _)) if person.subject != subject => true,
                renewed => {
                    tokens.access = secret(answer.access_token().secret().as_str());
                    tokens.expires_at = expires_at;
                    if let Some(refresh) = answer.refresh_token() {
                        tokens.refresh = Some(secret(refresh.secret().as_str()));
                    }
                    if let Some((mut person, id_token)) = renewed {
                        tokens.id_token = secret(id_token);
                        // Roles that came from elsewhere than the ID token are kept.
                        if person.roles.is_empty() {
                            person.roles.clone_from(&tokens.person.roles);
                        }
                        person.fhir_user = person.fhir_user.or_else(|| tokens.person.fhir_user.clone());
                        person.prefix = person.prefix.or_else(|| tokens.person.prefix.clone());
                        tokens.person = person.clone();
                        current.person = person;
                    }
                    current.generation += 1;
                    false
                }
            }
        };
        if foreign {
            self.close(EndReason::OtherPerson).await;
            return Err(SessionError::Ended(EndReason::OtherPerson));
        }
        Ok(())
    }

    /// Forgets the tokens, here and in the store.
    async fn close(&self, reason: EndReason) -> Option<Tokens> {
        let tokens = self.current().tokens.take();
        if tokens.is_some() {
            self.state.send_replace(SessionState::Ended { reason });
            let store = Arc::clone(&self.store);
            match tokio::task::spawn_blocking(move || store.wipe()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the stored session could not be wiped"),
                Err(error) => tracing::error!(%error, "the stored session could not be wiped"),
            }
        }
        tokens
    }

    /// OpenID Connect RP-Initiated Logout 1.0 §2. The refresh token goes along for providers that end
    /// a session by it without asking in a browser.
    async fn farewell(&self, tokens: &Tokens) -> Result<(), SessionError> {
        let provider = self.provider().await?;
        let Some(url) = provider.ours().end_session_endpoint.clone() else { return Ok(()) };
        // The serializer must not live across an await: it is not Send.
        let form = {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("id_token_hint", tokens.id_token.reveal());
            form.append_pair("client_id", &self.client_id);
            if let Some(refresh) = &tokens.refresh {
                form.append_pair("refresh_token", refresh.reveal());
            }
            form.finish()
        };
        let ask = Ask::new(Method::POST, url, "sign-out").body("application/x-www-form-urlencoded", form);
        let answer = self.egress.send(ask).await?;
        if answer.status.is_client_error() || answer.status.is_server_error() {
            return Err(SessionError::Provider(format!("status {}", answer.status.as_u16())));
        }
        Ok(())
    }
}

/// RFC 6749 §5.2: with these the refresh token will never work again.
fn is_final(error: &CoreErrorResponseType) -> bool {
    match error {
        CoreErrorResponseType::InvalidGrant
        | CoreErrorResponseType::InvalidClient
        | CoreErrorResponseType::UnauthorizedClient
        | CoreErrorResponseType::InvalidScope
        | CoreErrorResponseType::UnsupportedGrantType => true,
        CoreErrorResponseType::InvalidRequest | CoreErrorResponseType::Extension(_) => false,
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("issuer", &self.0.issuer)
            .field("state", &*self.0.state.borrow())
            .finish_non_exhaustive()
    }
}
