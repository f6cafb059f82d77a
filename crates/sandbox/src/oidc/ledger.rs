//! What the provider remembers: sign-ins under way, sessions, codes and refresh tokens.
//!
//! Pure: time and handles are arguments. Rotation and reuse follow Keycloak with
//! `revokeRefreshToken`: an old refresh token ends the whole session.

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How long the login page may stay open.
const SIGN_IN: SignedDuration = SignedDuration::from_mins(10);
/// How long a code may be exchanged (RFC 6749 §4.1.2 allows ten minutes at most).
const CODE: SignedDuration = SignedDuration::from_secs(60);
/// How long a session lives without a refresh.
pub(crate) const IDLE: SignedDuration = SignedDuration::from_mins(30);

/// An authorization request that was found to be in order.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: String,
    pub(crate) scope: String,
    pub(crate) login_hint: Option<String>,
    pub(crate) english: bool,
}

/// Somebody signed in in one browser.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) username: String,
    /// When the password was typed: the claim `auth_time`.
    pub(crate) since: Timestamp,
    seen: Timestamp,
}

#[derive(Debug)]
struct Code {
    request: Request,
    session: String,
    until: Timestamp,
}

#[derive(Debug)]
struct Grant {
    session: String,
    scope: String,
    refresh: String,
}

/// What a client brings to exchange a code.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) client: &'a str,
    pub(crate) code: &'a str,
    pub(crate) challenge: &'a str,
    pub(crate) redirect_uri: &'a str,
    /// Name and secret of the refresh token that is given out.
    pub(crate) refresh: (String, String),
}

/// What a token answer is made of.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) session: Session,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) refresh: String,
}

/// Why nothing is issued. All are `invalid_grant` to the client (RFC 6749 §5.2).
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum GrantError {
    /// Unknown, used or expired.
    #[error("Code not valid")]
    Code,
    /// The verifier does not fit: the code is burnt.
    #[error("PKCE verification failed: Code mismatch")]
    Verifier,
    /// Not the redirect of the authorization request.
    #[error("Incorrect redirect_uri")]
    Redirect,
    /// The refresh token's session has ended.
    #[error("Session not active")]
    Session,
    /// The refresh token was used before: the session has ended by that.
    #[error("Maximum allowed refresh token reuse exceeded")]
    Reuse,
}

/// Everything that must be remembered between two requests.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pending: BTreeMap<String, (Request, Timestamp)>,
    sessions: BTreeMap<String, Session>,
    codes: BTreeMap<String, Code>,
    /// Codes that were exchanged, with the session they opened.
    spent: BTreeMap<String, String>,
    grants: BTreeMap<String, Grant>,
}

impl Ledger {
    /// Keeps a request while its login page is open.
    pub(crate) fn wait(&mut self, handle: String, request: Request, now: Timestamp) {
        self.pending.retain(|_, (_, until)| *until > now);
        self.pending.insert(handle, (request, now + SIGN_IN));
    }

    /// The request whose login page this is. It stays until somebody signs in or it expires.
    pub(crate) fn waiting(&self, handle: &str, now: Timestamp) -> Option<Request> {
        self.pending.get(handle).filter(|(_, until)| *until > now).map(|(request, _)| request.clone())
    }

    /// Closes the login page and opens a session.
    pub(crate) fn sign_in(&mut self, handle: &str, id: String, username: &str, now: Timestamp) -> Session {
        self.pending.remove(handle);
        let session = Session { id: id.clone(), username: username.to_owned(), since: now, seen: now };
        self.sessions.insert(id, session.clone());
        session
    }

    /// The session of this id, if it has not ended.
    pub(crate) fn session(&self, id: &str, now: Timestamp) -> Option<&Session> {
        self.sessions.get(id).filter(|session| session.seen + IDLE > now)
    }

    /// Ends a session with all its tokens.
    pub(crate) fn end(&mut self, id: &str) {
        self.sessions.remove(id);
        self.grants.retain(|_, grant| grant.session != id);
        self.codes.retain(|_, code| code.session != id);
    }

    /// Ends everybody's sessions, as a restart of the provider would.
    pub(crate) fn end_all(&mut self) {
        *self = Self::default();
    }

    /// Promises tokens for `session` to whoever brings this code and the verifier.
    pub(crate) fn promise(&mut self, code: String, request: Request, session: &Session, now: Timestamp) {
        self.codes.retain(|_, code| code.until > now);
        self.codes.insert(code, Code { request, session: session.id.clone(), until: now + CODE });
    }

    /// Exchanges a code. Whatever the answer, the code can not be used again.
    pub(crate) fn exchange(&mut self, exchange: Exchange<'_>, now: Timestamp) -> Result<Issued, GrantError> {
        let Exchange { client, code, challenge, redirect_uri, refresh } = exchange;
        if let Some(session) = self.spent.remove(code) {
            // RFC 6749 §4.1.2: tokens issued for a code that comes a second time should be revoked.
            self.end(&session);
            return Err(GrantError::Code);
        }
        let found = self.codes.remove(code).filter(|code| code.until > now).ok_or(GrantError::Code)?;
        // RFC 6749 §4.1.3: a code is for the client that asked for it.
        if found.request.client != client {
            return Err(GrantError::Code);
        }
        if found.request.challenge != challenge {
            return Err(GrantError::Verifier);
        }
        if found.request.redirect_uri != redirect_uri {
            return Err(GrantError::Redirect);
        }
        let session = self.session(&found.session, now).cloned().ok_or(GrantError::Code)?;
        self.spent.insert(code.to_owned(), session.id.clone());
        let (grant, secret) = refresh;
        let token = format!("{grant}.{secret}");
        let scope = found.request.scope;
        self.grants.insert(grant, Grant { session: session.id.clone(), scope: scope.clone(), refresh: token.clone() });
        Ok(Issued { session, scope, nonce: found.request.nonce, refresh: token })
    }

    /// Exchanges a refresh token for a new one.
    pub(crate) fn refresh(&mut self, token: &str, secret: &str, now: Timestamp) -> Result<Issued, GrantError> {
        let (name, _) = token.split_once('.').ok_or(GrantError::Session)?;
        let grant = self.grants.get_mut(name).ok_or(GrantError::Session)?;
        let session = grant.session.clone();
        if grant.refresh != token {
            self.end(&session);
            return Err(GrantError::Reuse);
        }
        let Some(session) = self.sessions.get_mut(&session).filter(|session| session.seen + IDLE > now) else {
            self.end(&session);
            return Err(GrantError::Session);
        };
        session.seen = now;
        grant.refresh = format!("{name}.{secret}");
        Ok(Issued { session: session.clone(), scope: grant.scope.clone(), nonce: None, refresh: grant.refresh.clone() })
    }

    /// The session of a refresh token, used or not.
    pub(crate) fn session_of(&self, token: &str) -> Option<String> {
        let (name, _) = token.split_once('.')?;
        self.grants.get(name).map(|grant| grant.session.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::{Exchange, GrantError, IDLE, Ledger, Request, Session};
    use jiff::{SignedDuration, Timestamp};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn request() -> Request {
        Request {
            client: "konsil".to_owned(),
            redirect_uri: "http://127.0.0.1:1/cb".to_owned(),
            state: None,
            nonce: Some("n".to_owned()),
            challenge: "c".to_owned(),
            scope: "openid".to_owned(),
            login_hint: None,
            english: false,
        }
    }

    fn signed_in(ledger: &mut Ledger) -> Session {
        ledger.wait("page".to_owned(), request(), NOW);
        let session = ledger.sign_in("page", "s".to_owned(), "somebody", NOW);
        ledger.promise("code".to_owned(), request(), &session, NOW);
        session
    }

    fn exchange(ledger: &mut Ledger, challenge: &str, now: Timestamp) -> Result<String, GrantError> {
        exchange_as(ledger, "konsil", challenge, now)
    }

    fn exchange_as(ledger: &mut Ledger, client: &str, challenge: &str, now: Timestamp) -> Result<String, GrantError> {
        let redirect_uri = "http://127.0.0.1:1/cb";
        let refresh = ("g".to_owned(), "r1".to_owned());
        let exchange = Exchange { client, code: "code", challenge, redirect_uri, refresh };
        ledger.exchange(exchange, now).map(|issued| issued.refresh)
    }

    #[test]
    fn a_wrong_verifier_burns_the_code() {
        let mut ledger = Ledger::default();
        signed_in(&mut ledger);
        assert_eq!(exchange(&mut ledger, "other", NOW), Err(GrantError::Verifier), "the verifier does not fit");
        assert_eq!(exchange(&mut ledger, "c", NOW), Err(GrantError::Code), "the code is gone");
    }

    #[test]
    fn a_code_is_for_the_client_that_asked_for_it() {
        let mut ledger = Ledger::default();
        signed_in(&mut ledger);
        let refused = exchange_as(&mut ledger, "another", "c", NOW);
        assert_eq!(refused, Err(GrantError::Code), "it was given to another client");
    }

    #[test]
    fn a_code_used_twice_ends_the_session_that_it_opened() {
        let mut ledger = Ledger::default();
        signed_in(&mut ledger);
        let refresh = exchange(&mut ledger, "c", NOW).expect("the first exchange is in order");
        assert_eq!(exchange(&mut ledger, "c", NOW), Err(GrantError::Code), "a code is good once");
        assert!(ledger.refresh(&refresh, "r2", NOW).is_err(), "the tokens of the first exchange are void");
    }

    #[test]
    fn a_code_is_void_after_a_minute() {
        let mut ledger = Ledger::default();
        signed_in(&mut ledger);
        let late = NOW + SignedDuration::from_secs(61);
        assert_eq!(exchange(&mut ledger, "c", late), Err(GrantError::Code), "the code came too late");
    }

    #[test]
    fn an_old_refresh_token_ends_the_session_and_the_new_token_with_it() {
        let mut ledger = Ledger::default();
        signed_in(&mut ledger);
        let first = exchange(&mut ledger, "c", NOW).expect("the exchange is in order");
        let second = ledger.refresh(&first, "r2", NOW).expect("the first refresh is in order").refresh;
        assert_ne!(first, second, "each refresh rotates the token");
        assert_eq!(ledger.refresh(&first, "r3", NOW).err(), Some(GrantError::Reuse), "reuse is noticed");
        assert_eq!(ledger.refresh(&second, "r4", NOW).err(), Some(GrantError::Session), "the new token died too");
        assert!(ledger.session("s", NOW).is_none(), "the browser has to sign in again");
    }

    #[test]
    fn an_idle_session_can_not_be_refreshed() {
        let mut ledger = Ledger::default();
        signed_in(&mut ledger);
        let token = exchange(&mut ledger, "c", NOW).expect("the exchange is in order");
        assert_eq!(ledger.refresh(&token, "r2", NOW + IDLE).err(), Some(GrantError::Session), "it was idle too long");
    }
}
