//! Device keys: uploaded, asked for, and handed out once.

use super::ask::{Content, Params, Session, members, texts};
use super::refusal::{Answer, Refusal};
use super::route::Shared;
use super::state::{Account, Device, Fallback, State};
use super::sync::position;
use super::sync_room::Mates;
use axum::Json;
use axum::extract::State as Extract;
use serde_json::{Value, json};

pub(crate) async fn upload(Extract(home): Extract<Shared>, session: Session, Content(body): Content) -> Answer {
    home.change(|state| {
        let device = state.device(&session.user, &session.device)?;
        let fresh = new_keys(&session, device, &body["device_keys"])?;
        let added = new_one_time(device, &body["one_time_keys"])?;
        device.one_time.extend(added);
        for (id, key) in members(&body["fallback_keys"]) {
            let algorithm = id.split(':').next().unwrap_or_default().to_owned();
            let same = device.fallback.get(&algorithm).is_some_and(|known| known.id == *id && known.key == *key);
            if !same {
                device.fallback.insert(algorithm, Fallback { id: id.clone(), key: key.clone(), used: false });
            }
        }
        if let Some(keys) = fresh {
            device.keys = Some(keys);
        }
        let counts = device.counts();
        // The device's own `/sync` tells its counts, so it wakes on every upload.
        let at = state.tick();
        if body["device_keys"].is_object() {
            state.mine(&session.user).keys_at = at;
        }
        Ok(Json(json!({ "one_time_key_counts": counts })))
    })
}

fn new_keys(session: &Session, device: &Device, keys: &Value) -> Result<Option<Value>, Refusal> {
    if keys.is_null() {
        return Ok(None);
    }
    if keys["user_id"] != session.user || keys["device_id"] != session.device {
        return Err(Refusal::bad("M_BAD_JSON", "The keys are of another device"));
    }
    let mut keys = keys.clone();
    // Signatures that were added by cross-signing outlive a second upload of the same keys.
    let known = device.keys.as_ref().filter(|known| known["keys"] == keys["keys"]);
    for (by, signatures) in known.into_iter().flat_map(|known| members(&known["signatures"])) {
        for (key, signature) in members(signatures) {
            if keys["signatures"][by].get(key).is_none() {
                keys["signatures"][by][key] = signature.clone();
            }
        }
    }
    Ok(Some(keys))
}

/// A key with the id of another one would hand out what the device no longer has.
fn new_one_time(device: &Device, keys: &Value) -> Result<Vec<(String, Value)>, Refusal> {
    let mut added = Vec::new();
    for (id, key) in members(keys) {
        match device.one_time.get(id) {
            Some(known) if known == key => {}
            Some(known) => {
                let text = format!("One time key {id} already exists. Old key: {known}; new key: {key}");
                return Err(Refusal::bad("M_UNKNOWN", text));
            }
            None => added.push((id.clone(), key.clone())),
        }
    }
    Ok(added)
}

pub(crate) async fn query(Extract(home): Extract<Shared>, session: Session, Content(body): Content) -> Answer {
    if !body["device_keys"].is_object() {
        return Err(Refusal::missing("device_keys"));
    }
    let state = home.read();
    let mut answer = json!({
        "device_keys": {}, "failures": {}, "master_keys": {}, "self_signing_keys": {}, "user_signing_keys": {},
    });
    let asking = state.account(&session.user)?;
    for (user, wanted) in members(&body["device_keys"]) {
        let (_, server) = user.split_once(':').unwrap_or(("", ""));
        if server != home.name {
            answer["failures"][server] = json!({ "status": 503, "message": "Not ready for retry" });
            continue;
        }
        answer["device_keys"][user.as_str()] = json!({});
        let Some(account) = state.accounts.get(user) else { continue };
        let wanted: Vec<&str> = texts(wanted).collect();
        for (id, device) in &account.devices {
            if let Some(keys) = device.keys.as_ref().filter(|_| wanted.is_empty() || wanted.contains(&id.as_str())) {
                let mut keys = keys.clone();
                keys["unsigned"] = json!({ "device_display_name": device.name });
                answer["device_keys"][user.as_str()][id.as_str()] = keys;
            }
        }
        for kind in ["master_key", "self_signing_key", "user_signing_key"] {
            // Whom somebody has verified is nobody else's business.
            let told = kind != "user_signing_key" || *user == session.user;
            if let Some(key) = account.cross.get(kind).filter(|_| told) {
                let mut key = key.clone();
                if kind == "master_key" {
                    vouch(asking, user, &mut key);
                }
                answer[format!("{kind}s")][user.as_str()] = key;
            }
        }
    }
    Ok(Json(answer))
}

/// Adds the signatures that only the one who asks has made and sees.
fn vouch(asking: &Account, user: &str, key: &mut Value) {
    let Some((_, vouched)) = asking.vouched.get(user) else { return };
    for (id, signed) in vouched {
        if key["keys"].get(id).is_none() {
            continue;
        }
        for (by, signatures) in members(signed) {
            for (name, signature) in members(signatures) {
                key["signatures"][by][name] = signature.clone();
            }
        }
    }
}

/// One key for each device that is asked for, and none of them twice; then the fallback key.
pub(crate) async fn claim(Extract(home): Extract<Shared>, _session: Session, Content(body): Content) -> Answer {
    if !body["one_time_keys"].is_object() {
        return Err(Refusal::missing("one_time_keys"));
    }
    home.change(|state| {
        let mut claimed = json!({});
        for (user, devices) in members(&body["one_time_keys"]) {
            for (device, algorithm) in members(devices) {
                if let Some((id, key)) = take(state, user, device, algorithm.as_str().unwrap_or_default()) {
                    claimed[user.as_str()][device.as_str()] = json!({ id: key });
                }
            }
        }
        Ok(Json(json!({ "one_time_keys": claimed, "failures": {} })))
    })
}

fn take(state: &mut State, user: &str, device: &str, algorithm: &str) -> Option<(String, Value)> {
    // The device learns by its `/sync` that it has to upload new ones.
    let _told = state.tick();
    let device = state.accounts.get_mut(user)?.devices.get_mut(device)?;
    let first = device.one_time.keys().find(|id| id.split(':').next() == Some(algorithm)).cloned();
    if let Some(id) = first {
        return device.one_time.remove_entry(&id);
    }
    let fallback = device.fallback.get_mut(algorithm)?;
    fallback.used = true;
    Some((fallback.id.clone(), fallback.key.clone()))
}

pub(crate) async fn changes(Extract(home): Extract<Shared>, session: Session, query: Params) -> Answer {
    let from = position(query.get("from").ok_or_else(|| Refusal::missing("from"))?)?;
    let state = home.read();
    let mates = Mates::of(&state, &session.user, from);
    Ok(Json(json!({ "changed": mates.changed, "left": mates.left })))
}
