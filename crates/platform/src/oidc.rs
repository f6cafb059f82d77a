//! OpenID Connect: sign-in by the system browser with a loopback redirect (RFC 8252), and the session
//! that keeps tokens fresh afterwards.
//!
//! [`SignInAttempt::begin`] gives the address to open and a listener; [`SignInAttempt::finish`] gives
//! [`Tokens`]; [`Session::open`] puts them to work.

mod claims;
mod listener;
mod provider;
mod session;
mod sign_in;
mod token_redirect;
mod tokens;

pub(crate) use self::session::{Bearer, Refused};
pub use self::{
    claims::Person,
    provider::ProviderError,
    session::{EndReason, Session, SessionError, SessionState},
    sign_in::{Purpose, SignInAttempt, SignInError},
    token_redirect::TokenRedirect,
    tokens::{Secret, StoredTokens, StoredTokensError, TokenStore, TokenStoreError, Tokens},
};
