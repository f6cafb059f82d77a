//! Everything that FHIR says no to, and the OperationOutcome that says it.

use serde_json::{Value, json};

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request is not understood: broken JSON, wrong type, unknown parameter.
    #[error("{0}")]
    Invalid(String),
    /// No token, or one that is not valid.
    #[error("{0}")]
    Unauthorized(String),
    /// The person may not.
    #[error("Access denied: {0}")]
    Forbidden(String),
    /// There is no such resource or resource type.
    #[error("{0}")]
    NotFound(String),
    /// The resource is there no more.
    #[error("Resource was deleted at {0}")]
    Gone(String),
    /// A page of a search that is no longer kept.
    #[error("Search ID \"{0}\" does not exist and may have expired")]
    PageGone(String),
    /// The method is not offered at this address.
    #[error("{0} is not supported here")]
    Method(String),
    /// Only JSON is spoken.
    #[error("Only application/fhir+json is supported")]
    NotAcceptable,
    /// The body is not in a format that is understood.
    #[error("Content-Type must be application/fhir+json")]
    MediaType,
    /// Somebody else wrote in between.
    #[error("{0}")]
    Conflict(String),
    /// A condition names more than one resource.
    #[error("{0}")]
    Precondition(String),
    /// The resource can be read, but breaks a rule.
    #[error("{0}")]
    Unprocessable(String),
    /// The folder can not be written.
    #[error("The change could not be stored: {0}")]
    Storage(String),
}

impl Refusal {
    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) => 400,
            Self::Unauthorized(_) => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound(_) => 404,
            Self::Method(_) => 405,
            Self::NotAcceptable => 406,
            // HAPI answers a version conflict with 409, where FHIR R4 §3.1.0.4.2 says 412.
            Self::Conflict(_) => 409,
            Self::Gone(_) | Self::PageGone(_) => 410,
            Self::Precondition(_) => 412,
            Self::MediaType => 415,
            Self::Unprocessable(_) => 422,
            Self::Storage(_) => 500,
        }
    }

    /// The code of `http://hl7.org/fhir/issue-type`.
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::Unauthorized(_) => "login",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not-found",
            Self::Gone(_) | Self::PageGone(_) => "deleted",
            Self::Method(_) | Self::NotAcceptable | Self::MediaType => "not-supported",
            Self::Conflict(_) => "conflict",
            Self::Precondition(_) => "multiple-matches",
            Self::Unprocessable(_) => "business-rule",
            Self::Storage(_) => "exception",
        }
    }

    /// The body of the answer.
    pub(crate) fn outcome(&self) -> Value {
        outcome("error", self.code(), &self.to_string())
    }
}

/// An OperationOutcome with one issue.
pub(crate) fn outcome(severity: &str, code: &str, text: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{ "severity": severity, "code": code, "diagnostics": text }],
    })
}
