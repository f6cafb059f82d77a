//! Signing in and out: password, login token, refresh.

use super::ask::{Content, Params, Session, required};
use super::refusal::{Answer, Refusal};
use super::sessions::{Pair, TokenRefusal};
use super::sso::PROVIDER_ID;
use super::state::State;
use super::{Homeserver, route::Shared};
use crate::oidc::handle;
use crate::people::PASSWORD;
use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// How somebody can sign in.
pub(crate) async fn flows(Extract(home): Extract<Shared>) -> Json<Value> {
    Json(json!({ "flows": [
        {
            "type": "m.login.sso",
            "identity_providers": [{ "id": PROVIDER_ID, "name": home.provider_name() }],
        },
        { "type": "m.login.token" },
        { "type": "m.login.password" },
    ] }))
}

pub(crate) async fn login(Extract(home): Extract<Shared>, Content(body): Content) -> Answer {
    let now = home.clock.now();
    let user = match required(&body, "type")? {
        "m.login.password" => {
            let user = by_password(&home.read(), &body);
            user.ok_or_else(|| Refusal::forbidden("Invalid username or password"))?
        }
        "m.login.token" => {
            let user = home.read().tokens.redeem(required(&body, "token")?, now);
            user.ok_or_else(|| Refusal::forbidden("Invalid login token"))?
        }
        other => return Err(Refusal::bad("M_UNKNOWN", format!("Unknown login type {other}"))),
    };
    let device = match body["device_id"].as_str().filter(|device| !device.is_empty()) {
        Some(device) if device.len() > 512 => {
            return Err(Refusal::bad("M_INVALID_PARAM", "device_id cannot be longer than 512 characters."));
        }
        Some(device) => device.to_owned(),
        None => handle().chars().filter(char::is_ascii_alphanumeric).take(10).collect::<String>().to_uppercase(),
    };
    let mut answer = json!({
        "user_id": user,
        "device_id": device,
        "home_server": home.name,
        "well_known": { "m.homeserver": { "base_url": home.origin } },
    });
    let name = body["initial_device_display_name"].as_str().map(str::to_owned);
    let refreshable = body["refresh_token"] == json!(true);
    let until = home.token_end();
    home.change(|state| {
        // Who signs in on a device that exists takes it over: its keys stay, its tokens end.
        state.tokens.end_device(&user, &device);
        let at = state.tick();
        let account = state.mine(&user);
        let known = account.devices.entry(device.clone()).or_default();
        known.name = name.or(known.name.take());
        account.keys_at = at;
        let pair = Pair { access: handle(), refresh: handle() };
        answer["access_token"] = json!(pair.access);
        if refreshable {
            state.tokens.give_pair(&user, &device, &pair, until);
            answer["refresh_token"] = json!(pair.refresh);
            answer["expires_in_ms"] = home.lifetime();
        } else {
            state.tokens.give(&user, &device, pair.access);
        }
    });
    Ok(Json(answer))
}

/// Who is meant and has typed the right password.
pub(crate) fn by_password(state: &State, body: &Value) -> Option<String> {
    let identifier = &body["identifier"];
    let named = identifier["user"].as_str().filter(|_| identifier["type"] == "m.id.user");
    let name = named.or_else(|| body["user"].as_str())?;
    let user = if name.starts_with('@') { name.to_owned() } else { state.user_id(&name.to_lowercase()) };
    (body["password"] == PASSWORD && state.accounts.contains_key(&user)).then_some(user)
}

impl Homeserver {
    fn lifetime(&self) -> Value {
        json!(u64::from(self.options.access_token_seconds) * 1000)
    }
}

pub(crate) async fn refresh(Extract(home): Extract<Shared>, Content(body): Content) -> Answer {
    let old = required(&body, "refresh_token")?;
    let pair = Pair { access: handle(), refresh: handle() };
    let until = home.token_end();
    let refreshed = home.read().tokens.refresh(old, &pair, until);
    match refreshed {
        Ok(()) => Ok(Json(json!({
            "access_token": pair.access,
            "refresh_token": pair.refresh,
            "expires_in_ms": home.lifetime(),
        }))),
        Err(TokenRefusal::Spent) => Err(Refusal::forbidden(TokenRefusal::Spent.to_string())),
        Err(TokenRefusal::Unknown | TokenRefusal::Expired) => {
            let text = "refresh token does not exist";
            Err(Refusal::new(StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN", text).with("soft_logout", json!(false)))
        }
    }
}

pub(crate) async fn logout(Extract(home): Extract<Shared>, session: Session) -> Json<Value> {
    home.change(|state| state.remove_device(&session.user, &session.device));
    Json(json!({}))
}

pub(crate) async fn logout_all(Extract(home): Extract<Shared>, session: Session) -> Json<Value> {
    home.change(|state| {
        let devices: Vec<String> = state.mine(&session.user).devices.keys().cloned().collect();
        for device in devices {
            state.remove_device(&session.user, &device);
        }
    });
    Json(json!({}))
}

pub(crate) async fn whoami(session: Session) -> Json<Value> {
    Json(json!({ "user_id": session.user, "device_id": session.device, "is_guest": false }))
}

/// Registration is closed, as on every homeserver of the TI; a guest is refused alike.
pub(crate) async fn register(_query: Params) -> Refusal {
    Refusal::forbidden("Registration has been disabled")
}
