//! Cross-signing keys and signatures.

use super::ask::{Content, Session, members};
use super::devices::prove;
use super::refusal::{Answer, Refusal};
use super::route::Shared;
use super::state::State;
use axum::Json;
use axum::extract::State as Extract;
use serde_json::{Value, json};

const KINDS: [&str; 3] = ["master_key", "self_signing_key", "user_signing_key"];

/// The first keys need no proof; replacing them does (client-server API v1.11, and MSC3967 before).
pub(crate) async fn upload(Extract(home): Extract<Shared>, session: Session, Content(body): Content) -> Answer {
    home.change(|state| {
        let account = state.mine(&session.user);
        let keys: Vec<(&str, &Value)> =
            KINDS.into_iter().map(|kind| (kind, &body[kind])).filter(|(_, key)| key.is_object()).collect();
        if keys.iter().any(|(_, key)| key["user_id"] != session.user) {
            return Err(Refusal::bad("M_INVALID_PARAM", "The keys are of another user"));
        }
        let same = |kind: &str, key: &Value| account.cross.get(kind).is_some_and(|known| known["keys"] == key["keys"]);
        let new: Vec<(&str, &Value)> = keys.into_iter().filter(|(kind, key)| !same(kind, key)).collect();
        if new.is_empty() {
            return Ok(Json(json!({})));
        }
        if !account.cross.contains_key("master_key") && body["master_key"].is_null() {
            return Err(Refusal::bad("M_INVALID_PARAM", "No master key"));
        }
        if account.cross.contains_key("master_key") {
            prove(state, &session, &body, "add a device signing key to your account")?;
        }
        let at = state.tick();
        let account = state.mine(&session.user);
        account.cross.extend(new.into_iter().map(|(kind, key)| (kind.to_owned(), key.clone())));
        account.keys_at = at;
        Ok(Json(json!({})))
    })
}

pub(crate) async fn signatures(Extract(home): Extract<Shared>, session: Session, Content(body): Content) -> Answer {
    home.change(|state| {
        let mut failures = json!({});
        for (user, objects) in members(&body) {
            for (id, signed) in members(objects) {
                let added = if *user == session.user {
                    sign_own(state, user, id, signed)
                } else {
                    sign_other(state, &session.user, user, id, signed)
                };
                if added.is_none() {
                    failures[user.as_str()][id.as_str()] =
                        json!({ "errcode": "M_NOT_FOUND", "error": "No such key or signature" });
                }
            }
        }
        Ok(Json(json!({ "failures": failures })))
    })
}

/// A device is named by its id, a master key by its public part, which stands behind the algorithm in its key id.
fn sign_own(state: &mut State, user: &str, id: &str, signed: &Value) -> Option<()> {
    let at = state.tick();
    let account = state.accounts.get_mut(user)?;
    let device = account.devices.get_mut(id).and_then(|device| device.keys.as_mut());
    let master = account.cross.get_mut("master_key").filter(|key| holds(key, id));
    let target = device.or(master).filter(|target| target["keys"] == signed["keys"])?;
    // Only somebody's own signatures stand on their own keys.
    for (key, signature) in members(&signed["signatures"][user]) {
        target["signatures"][user][key] = signature.clone();
    }
    account.keys_at = at;
    Some(())
}

/// A signature on somebody else's master key stays with who made it.
fn sign_other(state: &mut State, by: &str, user: &str, id: &str, signed: &Value) -> Option<()> {
    let master = state.accounts.get(user)?.cross.get("master_key").filter(|key| holds(key, id))?;
    let key =
        members(&master["keys"]).next().map(|(key, _)| key.clone()).filter(|_| master["keys"] == signed["keys"])?;
    let own = signed["signatures"].get(by)?.clone();
    let at = state.tick();
    let (changed, vouched) = state.accounts.get_mut(by)?.vouched.entry(user.to_owned()).or_default();
    *changed = at;
    let kept = vouched.entry(key).or_insert_with(|| json!({}));
    for (name, signature) in members(&own) {
        kept[by][name] = signature.clone();
    }
    Some(())
}

fn holds(key: &Value, id: &str) -> bool {
    members(&key["keys"])
        .any(|(name, public)| public == id || name.split_once(':').is_some_and(|(_, public)| public == id))
}
