//! Somebody's devices, and user-interactive authentication by password.

use super::ask::{Content, Session, texts};
use super::login::by_password;
use super::refusal::{Answer, Refusal};
use super::route::Shared;
use super::state::{Device, State};
use crate::oidc::handle;
use axum::Json;
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// Asks for the password until the request brings it ("User-interactive authentication"). A session is good for one
/// thing, so that a proof for one device does not delete another.
pub(crate) fn prove(state: &mut State, session: &Session, body: &Value, what: &str) -> Result<(), Refusal> {
    let auth = &body["auth"];
    let Some(proof) = auth["session"].as_str() else {
        let id = handle();
        state.proofs.insert(id.clone(), (session.user.clone(), what.to_owned()));
        return Err(challenge(&id));
    };
    let Some((user, begun_for)) = state.proofs.get(proof) else {
        return Err(Refusal::bad("M_UNKNOWN", format!("Unknown session ID: {proof}")));
    };
    if *user != session.user || begun_for != what {
        let text = "Requested operation has changed during the UI authentication session.";
        return Err(Refusal::forbidden(text));
    }
    let right = auth["type"] == "m.login.password" && by_password(state, auth).as_ref() == Some(&session.user);
    if !right {
        let mut refusal = challenge(proof);
        refusal.code = "M_FORBIDDEN";
        "Invalid username or password".clone_into(&mut refusal.text);
        return Err(refusal);
    }
    state.proofs.remove(proof);
    Ok(())
}

fn challenge(id: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "", "")
        .with("session", json!(id))
        .with("flows", json!([{ "stages": ["m.login.password"] }]))
        .with("params", json!({}))
        .with("completed", json!([]))
}

pub(crate) async fn list(Extract(home): Extract<Shared>, session: Session) -> Json<Value> {
    let mut state = home.read();
    let devices: Vec<Value> = state.mine(&session.user).devices.iter().map(|(id, device)| shown(id, device)).collect();
    Json(json!({ "devices": devices }))
}

fn shown(id: &str, device: &Device) -> Value {
    json!({
        "device_id": id,
        "display_name": device.name,
        "last_seen_ip": device.seen.map(|_| "127.0.0.1"),
        "last_seen_ts": device.seen.map(|time| time.as_millisecond()),
    })
}

pub(crate) async fn one(Extract(home): Extract<Shared>, session: Session, Path(id): Path<String>) -> Answer {
    let mut state = home.read();
    let device = state.mine(&session.user).devices.get(&id);
    device.map(|device| Json(shown(&id, device))).ok_or_else(|| Refusal::not_found("No device found"))
}

pub(crate) async fn rename(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(id): Path<String>,
    Content(body): Content,
) -> Answer {
    home.change(|state| {
        let at = state.tick();
        let account = state.mine(&session.user);
        let device = account.devices.get_mut(&id).ok_or_else(|| Refusal::not_found("No device found"))?;
        if let Some(name) = body["display_name"].as_str() {
            device.name = Some(name.to_owned());
            // Others see the name with the keys.
            account.keys_at = at;
        }
        Ok(Json(json!({})))
    })
}

pub(crate) async fn delete(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(id): Path<String>,
    Content(body): Content,
) -> Answer {
    delete_all(&home, &session, &body, &[id])
}

pub(crate) async fn delete_many(Extract(home): Extract<Shared>, session: Session, Content(body): Content) -> Answer {
    let ids: Vec<String> = texts(&body["devices"]).map(str::to_owned).collect();
    if !body["devices"].is_array() {
        return Err(Refusal::missing("devices"));
    }
    delete_all(&home, &session, &body, &ids)
}

fn delete_all(home: &Shared, session: &Session, body: &Value, ids: &[String]) -> Answer {
    home.change(|state| {
        prove(state, session, body, &format!("delete {}", ids.join(" ")))?;
        for id in ids {
            if state.mine(&session.user).devices.contains_key(id) {
                state.remove_device(&session.user, id);
            }
        }
        Ok(Json(json!({})))
    })
}
