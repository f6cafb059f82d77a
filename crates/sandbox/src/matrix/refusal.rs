//! What a homeserver says no with: a status, an error code of the specification, and a sentence.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// What most routes answer.
pub(crate) type Answer = Result<Json<Value>, Refusal>;

/// A standard error response (Matrix client-server API, "Standard error response").
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// Empty for the challenge of user-interactive authentication, which carries none.
    pub(crate) code: &'static str,
    pub(crate) text: String,
    pub(crate) more: Map<String, Value>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        Self { status, code, text: text.into(), more: Map::new() }
    }

    /// 400: the request can not be obeyed as it is.
    pub(crate) fn bad(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, text)
    }

    /// 403 `M_FORBIDDEN`.
    pub(crate) fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "M_FORBIDDEN", text)
    }

    /// 404 `M_NOT_FOUND`.
    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", text)
    }

    /// 401 `M_UNKNOWN_TOKEN`.
    pub(crate) fn unknown_token(text: &str, soft_logout: bool) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN", text).with("soft_logout", json!(soft_logout))
    }

    /// The same for somebody who is not in a room and for a room that does not exist, so that nobody learns which
    /// rooms there are.
    pub(crate) fn not_in_room(user: &str, room: &str) -> Self {
        Self::forbidden(format!("User {user} not in room {room}"))
    }

    /// 400 `M_MISSING_PARAM`.
    pub(crate) fn missing(name: &str) -> Self {
        Self::bad("M_MISSING_PARAM", format!("Missing params: [\"{name}\"]"))
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let retry = self.more.get("retry_after_ms").and_then(Value::as_u64);
        let mut body = self.more;
        if !self.code.is_empty() {
            body.insert("errcode".to_owned(), json!(self.code));
            body.insert("error".to_owned(), json!(self.text));
        }
        let mut response = (self.status, Json(Value::Object(body))).into_response();
        if let Some(milliseconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(milliseconds.div_ceil(1000)));
        }
        response
    }
}

/// 404 for a route that does not exist, as a client's probing expects it.
pub(crate) fn unrecognized() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "M_UNRECOGNIZED", "Unrecognized request")
}

/// 405 for a route that exists with another method.
pub(crate) fn wrong_method() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "M_UNRECOGNIZED", "Unrecognized request")
}
