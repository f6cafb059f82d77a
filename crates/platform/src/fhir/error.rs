//! [`FhirError`]: how a FHIR server refuses.

use http::StatusCode;
use model::Phi;
use serde_json::Value;

use crate::{
    call::CallError,
    directory::PassError,
    egress::{Answer, EgressError},
    oidc::{EndReason, SessionError},
};

/// Why a FHIR request did not bring what was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FhirError {
    /// No answer, or none that was whole.
    #[error(transparent)]
    Unreachable(EgressError),
    /// The session is over; sign in again.
    #[error("the session has ended")]
    SessionEnded(EndReason),
    /// The provider gives no token at the moment.
    #[error("the provider gives no token: {0}")]
    NoToken(String),
    /// 401 or 403, with a fresh token too.
    #[error("not allowed (status {0})")]
    Denied(u16),
    /// 404 or 410.
    #[error("not found{}", if *gone { ": it was deleted" } else { "" })]
    NotFound {
        /// True for 410: it existed.
        gone: bool,
    },
    /// The server does not know a search parameter of this question.
    #[error("the server does not know a search parameter")]
    UnknownParameter(Phi<String>),
    /// 409 or 412: somebody else wrote first, or the condition fits several.
    #[error("the version is not the newest, or the condition fits several resources")]
    Conflict(Phi<String>),
    /// The server refuses what was sent, with its diagnosis, which may quote the record.
    #[error("refused (status {status})")]
    Rejected {
        /// The status code.
        status: u16,
        /// The server's words.
        diagnosis: Phi<String>,
    },
    /// The server failed.
    #[error("the server failed (status {0})")]
    Server(u16),
    /// The answer is not what it should be.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// What was to be sent is no resource, or an address leads elsewhere.
    #[error("the request cannot be made: {0}")]
    Unaskable(&'static str),
}

impl FhirError {
    /// Whether the server said something: then other questions may fare better. Else it is gone, or the session is.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        !matches!(self, Self::Unreachable(_) | Self::NoToken(_) | Self::SessionEnded(_))
    }
}

impl From<CallError> for FhirError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Egress(error) | CallError::Session(SessionError::Egress(error)) => Self::Unreachable(error),
            CallError::Session(SessionError::Ended(reason)) => Self::SessionEnded(reason),
            CallError::Session(error @ (SessionError::Provider(_) | SessionError::Foreign)) => {
                Self::NoToken(error.to_string())
            }
            CallError::Pass(PassError::Egress(error)) => Self::Unreachable(error),
            CallError::Pass(PassError::Refused(status)) => Self::Denied(status),
            CallError::Pass(error @ (PassError::NoProof(_) | PassError::Failed(_) | PassError::Unreadable)) => {
                Self::NoToken(error.to_string())
            }
        }
    }
}

/// Answers of an error are read no further than this.
const OUTCOME_LIMIT: usize = 256 * 1024;

/// Gives the answer back if it is a success, or says why not.
pub(super) async fn check(answer: Answer, searching: bool) -> Result<Answer, FhirError> {
    let status = answer.status;
    if status.is_success() {
        return Ok(answer);
    }
    let code = status.as_u16();
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => FhirError::Denied(code),
        StatusCode::NOT_FOUND => FhirError::NotFound { gone: false },
        StatusCode::GONE => FhirError::NotFound { gone: true },
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => {
            FhirError::Conflict(Phi::new(outcome(answer).await.text))
        }
        _ if status.is_client_error() => {
            let outcome = outcome(answer).await;
            // Servers say it in the code (R4 `not-supported`) or only in words.
            if searching && status == StatusCode::BAD_REQUEST && outcome.is_about_a_parameter() {
                FhirError::UnknownParameter(Phi::new(outcome.text))
            } else {
                FhirError::Rejected { status: code, diagnosis: Phi::new(outcome.text) }
            }
        }
        _ => FhirError::Server(code),
    })
}

struct Outcome {
    codes: Vec<String>,
    text: String,
}

impl Outcome {
    fn is_about_a_parameter(&self) -> bool {
        self.codes.iter().any(|code| code == "not-supported") || self.text.to_ascii_lowercase().contains("parameter")
    }
}

async fn outcome(answer: Answer) -> Outcome {
    let body = answer.bytes(OUTCOME_LIMIT).await.unwrap_or_default();
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut found = Outcome { codes: Vec::new(), text: String::new() };
    for issue in value["issue"].as_array().into_iter().flatten() {
        if let Some(code) = issue["code"].as_str() {
            found.codes.push(code.to_owned());
        }
        let words = issue["diagnostics"].as_str().or_else(|| issue["details"]["text"].as_str());
        if let Some(words) = words {
            if !found.text.is_empty() {
                found.text.push_str("; ");
            }
            found.text.push_str(words);
        }
    }
    found
}
