//! Proving who asks, for what a homeserver does not do for a token alone (client-server API v1.11 §5.4, user-interactive
//! authentication).

use crate::account::Account;
use ruma::UserId;
use ruma::api::client::uiaa::{
    AuthData, AuthType, FallbackAcknowledgement, MatrixUserIdentifier, Password, UiaaInfo, UserIdentifier,
};
use std::time::Duration;
use url::Url;

/// How long a page is waited for: the person waits for it.
const ANSWER: Duration = Duration::from_secs(10);

/// A proof of who asks.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// The password of the account.
    Password {
        /// As [`Demand`] says.
        session: &'a str,
        /// The password.
        password: &'a str,
    },
    /// The person has been to the page of [`ProofWay::Page`].
    Page {
        /// As [`Demand`] says.
        session: &'a str,
    },
}

impl std::fmt::Debug for Proof<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof([not shown])")
    }
}

/// What a homeserver wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Belongs into the proof.
    pub session: String,
    /// How to prove it.
    pub way: ProofWay,
}

/// How to prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofWay {
    /// With the password of the account.
    Password,
    /// At this page, in the browser.
    Page(Url),
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The homeserver wants a proof first.
    #[error("the homeserver wants a proof")]
    Needed(Demand),
    /// The proof was wrong; it may be tried again.
    #[error("the proof was wrong")]
    Wrong(Demand),
    /// The homeserver wants a proof that cannot be given with this program, or not through what stands before it.
    #[error("the homeserver wants a proof that cannot be given here")]
    NoWay,
    /// The homeserver says no.
    #[error("the homeserver refused: {0}")]
    Refused(String),
    /// No answer.
    #[error("the homeserver cannot be reached: {0}")]
    Unreachable(String),
}

impl Account {
    pub(crate) fn authentication(&self, proof: Proof<'_>) -> Result<AuthData, ProofError> {
        let own = self.client.user_id().ok_or_else(|| ProofError::Refused("M_UNKNOWN_TOKEN".to_owned()))?;
        Ok(match proof {
            Proof::Password { session, password } => AuthData::Password(of_password(own, session, password)),
            Proof::Page { session } => {
                AuthData::FallbackAcknowledgement(FallbackAcknowledgement::new(session.to_owned()))
            }
        })
    }

    /// What an answer to a request without a proof, or with a wrong one, asks for.
    pub(crate) async fn demand(&self, error: &matrix_sdk::Error) -> ProofError {
        let Some(asked) = error.as_uiaa_response() else {
            return match error.client_api_error_kind() {
                Some(kind) => ProofError::Refused(kind.errcode().to_string()),
                None => ProofError::Unreachable(error.to_string()),
            };
        };
        let wrong = asked.auth_error.is_some();
        match self.way(asked).await {
            Some(demand) if wrong => ProofError::Wrong(demand),
            Some(demand) => ProofError::Needed(demand),
            None => ProofError::NoWay,
        }
    }

    /// The last step of a flow whose others are done.
    pub(crate) async fn way(&self, asked: &UiaaInfo) -> Option<Demand> {
        let session = asked.session.clone()?;
        let rest = |wanted: &AuthType| {
            asked.flows.iter().any(|flow| {
                let mut left = flow.stages.iter().filter(|stage| !asked.completed.contains(stage));
                left.next() == Some(wanted) && left.next().is_none()
            })
        };
        if rest(&AuthType::Password) {
            return Some(Demand { session, way: ProofWay::Password });
        }
        if rest(&AuthType::Sso) {
            let page = fallback_page(&self.client.homeserver(), &session)?;
            // A proxy of a TI-Messenger does not forward it: nobody is to be led to a page that is not there.
            let there = tokio::time::timeout(ANSWER, self.wire.http.get(page.clone()).send()).await.ok()?.ok()?;
            return there.status().is_success().then_some(Demand { session, way: ProofWay::Page(page) });
        }
        None
    }
}

fn of_password(own: &UserId, session: &str, password: &str) -> Password {
    let identifier = UserIdentifier::Matrix(MatrixUserIdentifier::new(own.to_string()));
    let mut proof = Password::new(identifier, password.to_owned());
    proof.session = Some(session.to_owned());
    proof
}

/// Client-server API v1.11 §5.4.4, "Fallback".
fn fallback_page(base: &Url, session: &str) -> Option<Url> {
    let mut page = base.clone();
    let path = ["_matrix", "client", "v3", "auth", "m.login.sso", "fallback", "web"];
    page.path_segments_mut().ok()?.pop_if_empty().extend(path);
    page.query_pairs_mut().append_pair("session", session);
    Some(page)
}

#[cfg(test)]
mod tests {
    use super::fallback_page;
    use url::Url;

    #[test]
    fn the_page_of_a_proof_is_where_the_client_server_api_puts_it() {
        let base = Url::parse("https://matrix.tim.example/").expect("a URL");
        let page = fallback_page(&base, "a b").expect("there is a page");
        let expected = "https://matrix.tim.example/_matrix/client/v3/auth/m.login.sso/fallback/web?session=a+b";
        assert_eq!(page.as_str(), expected, "GET /_matrix/client/v3/auth/<auth type>/fallback/web?session=<session>");
    }
}
