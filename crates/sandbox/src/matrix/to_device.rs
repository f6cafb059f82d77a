//! Messages to devices: kept for each until it acknowledges them.

use super::ask::{Content, Session, members};
use super::refusal::{Answer, Refusal};
use super::route::Shared;
use super::state::State;
use axum::Json;
use axum::extract::{Path, State as Extract};
use serde_json::{Value, json};

pub(crate) async fn send(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((kind, transaction)): Path<(String, String)>,
    Content(body): Content,
) -> Answer {
    if !body["messages"].is_object() {
        return Err(Refusal::missing("messages"));
    }
    home.change(|state| {
        let device = state.device(&session.user, &session.device)?;
        if device.sent.insert(format!("{kind} {transaction}")) {
            for (user, contents) in members(&body["messages"]) {
                for (device, content) in members(contents) {
                    let message = json!({ "type": kind, "sender": session.user, "content": content });
                    deliver(state, user, device, &message);
                }
            }
        }
        Ok(Json(json!({})))
    })
}

/// Puts a message into the inbox of a device, or of all of somebody's devices.
fn deliver(state: &mut State, user: &str, device: &str, message: &Value) {
    let Some(account) = state.accounts.get(user) else { return };
    let targets: Vec<String> = account.devices.keys().filter(|id| device == "*" || *id == device).cloned().collect();
    for target in targets {
        let at = state.tick();
        if let Ok(device) = state.device(user, &target) {
            device.inbox.push_back((at, message.clone()));
        }
    }
}
