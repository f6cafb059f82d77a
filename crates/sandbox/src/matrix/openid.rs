//! OpenID tokens: somebody proves to a third party who they are on this server.

use super::Homeserver;
use super::ask::{Params, Session};
use super::refusal::{Answer, Refusal};
use super::route::Shared;
use crate::oidc::handle;
use axum::Json;
use axum::extract::{Path, State as Extract};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use serde_json::json;

const LIFE: SignedDuration = SignedDuration::from_hours(1);

pub(crate) async fn request_token(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(user): Path<String>,
) -> Answer {
    session.must_be(&user, "Cannot request tokens for other users.")?;
    let now = home.clock.now();
    let token = handle();
    let mut state = home.read();
    state.openid.retain(|_, (_, until)| *until > now);
    state.openid.insert(token.clone(), (user, now + LIFE));
    Ok(Json(json!({
        "access_token": token,
        "token_type": "Bearer",
        "matrix_server_name": home.name,
        "expires_in": LIFE.as_secs(),
    })))
}

/// Who has shown this token (server-server API, "OpenID").
pub(crate) async fn userinfo(Extract(home): Extract<Shared>, query: Params) -> Answer {
    let token = query
        .get("access_token")
        .ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "M_MISSING_TOKEN", "Access Token required"))?;
    let user = home
        .shown_by(token)
        .ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN", "Access Token unknown or expired"))?;
    Ok(Json(json!({ "sub": user })))
}

/// Whether the people of a homeserver are insured ones (`I_TiMessengerInformation`): nobody is here.
pub(crate) async fn is_insurance(Extract(home): Extract<Shared>, headers: HeaderMap, query: Params) -> Answer {
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if shown.and_then(|token| home.shown_by(token)).is_none() {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN", "OpenID token unknown or expired"));
    }
    let missing = || Refusal::new(StatusCode::BAD_REQUEST, "M_MISSING_PARAM", "serverName is missing");
    query.get("serverName").ok_or_else(missing)?;
    Ok(Json(json!({ "isInsurance": false })))
}

impl Homeserver {
    /// Whose OpenID token this is.
    pub(crate) fn shown_by(&self, token: &str) -> Option<String> {
        let now = self.clock.now();
        let state = self.read();
        state.openid.get(token).filter(|(_, until)| *until > now).map(|(user, _)| user.clone())
    }
}
