//! What a request brings: whose token it is, its JSON and its query.

use super::Homeserver;
use super::refusal::Refusal;
use crate::oidc::bearer;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use url::form_urlencoded;

/// Larger JSON is refused, as Synapse does with 200 times the size of an event.
const BODY_LIMIT: usize = 200 * 65_536;

/// A signed-in device.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) user: String,
    pub(crate) device: String,
}

impl FromRequestParts<Arc<Homeserver>> for Session {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, home: &Arc<Homeserver>) -> Result<Self, Refusal> {
        let query = Params::of(parts);
        let token = bearer(&parts.headers).or(query.get("access_token"));
        let Some(token) = token else {
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "M_MISSING_TOKEN", "Missing access token"));
        };
        home.session(token)
    }
}

impl Session {
    /// Refuses what is in another user's name.
    pub(crate) fn must_be(&self, user: &str, what: &str) -> Result<(), Refusal> {
        if self.user == user { Ok(()) } else { Err(Refusal::forbidden(what)) }
    }
}

/// The JSON object of a request; without a body an empty one.
#[derive(Debug)]
pub(crate) struct Content(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for Content {
    type Rejection = Refusal;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refusal> {
        let Ok(bytes) = to_bytes(request.into_body(), BODY_LIMIT).await else {
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", "Request content is too large"));
        };
        if bytes.is_empty() {
            return Ok(Self(json!({})));
        }
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(value) if value.is_object() => Ok(Self(value)),
            Ok(_) => Err(Refusal::bad("M_BAD_JSON", "Content must be a JSON object.")),
            Err(_) => Err(Refusal::bad("M_NOT_JSON", "Content not JSON.")),
        }
    }
}

/// The query, the last of equal names.
#[derive(Debug, Default)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    fn of(parts: &Parts) -> Self {
        Self(form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// A number between zero and `most`; `otherwise` where there is none.
    pub(crate) fn number(&self, name: &str, otherwise: usize, most: usize) -> Result<usize, Refusal> {
        let Some(text) = self.get(name) else { return Ok(otherwise) };
        let number = text.parse::<usize>();
        number
            .map(|number| number.min(most))
            .map_err(|_refused| Refusal::bad("M_INVALID_PARAM", format!("Query parameter '{name}' must be a number")))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// The text of a member, which the request must have.
pub(crate) fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    body[name].as_str().ok_or_else(|| Refusal::missing(name))
}

/// The members of an object; of anything else none.
pub(crate) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The texts of a list; of anything else none.
pub(crate) fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}
