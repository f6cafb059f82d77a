//! What somebody keeps for themselves: account data, tags, and the answers of what this server does not have.

use super::ask::{Content, Session};
use super::refusal::{Answer, Refusal};
use super::route::Shared;
use super::{Homeserver, delayed, tim};
use axum::Json;
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

const TAGS: &str = "m.tag";

pub(crate) async fn get_data(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((user, kind)): Path<(String, String)>,
) -> Answer {
    session.must_be(&user, "Cannot get account data for other users.")?;
    let found = home.read().mine(&user).data.get(&kind).map(|data| data.content.clone());
    found.or_else(|| tim::default_account_data(&kind)).map(Json).ok_or_else(missing)
}

pub(crate) async fn put_data(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((user, kind)): Path<(String, String)>,
    Content(content): Content,
) -> Answer {
    session.must_be(&user, "Cannot add account data for other users.")?;
    refuse_own_routes(&kind)?;
    home.change(|state| state.set_data(&user, None, &kind, content));
    Ok(Json(json!({})))
}

pub(crate) async fn get_room_data(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((user, room, kind)): Path<(String, String, String)>,
) -> Answer {
    session.must_be(&user, "Cannot get account data for other users.")?;
    let data = room_data(&home, &user, &room, &kind);
    data.map(Json).ok_or_else(missing)
}

pub(crate) async fn put_room_data(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((user, room, kind)): Path<(String, String, String)>,
    Content(content): Content,
) -> Answer {
    session.must_be(&user, "Cannot add account data for other users.")?;
    refuse_own_routes(&kind)?;
    home.change(|state| state.set_data(&user, Some(&room), &kind, content));
    Ok(Json(json!({})))
}

fn missing() -> Refusal {
    Refusal::not_found("Account data not found")
}

/// What has a route of its own is not set as data.
fn refuse_own_routes(kind: &str) -> Result<(), Refusal> {
    if matches!(kind, "m.fully_read" | "m.push_rules") {
        let text = format!("Cannot set {kind} through this API.");
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "M_BAD_JSON", text));
    }
    Ok(())
}

fn room_data(home: &Homeserver, user: &str, room: &str, kind: &str) -> Option<Value> {
    let mut state = home.read();
    let data = state.mine(user).room_data.get(room).and_then(|data| data.get(kind));
    data.map(|data| data.content.clone())
}

pub(crate) async fn tags(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((user, room)): Path<(String, String)>,
) -> Answer {
    session.must_be(&user, "Cannot get tags for other users.")?;
    Ok(Json(room_data(&home, &user, &room, TAGS).unwrap_or_else(|| json!({ "tags": {} }))))
}

pub(crate) async fn put_tag(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((user, room, tag)): Path<(String, String, String)>,
    Content(content): Content,
) -> Answer {
    session.must_be(&user, "Cannot add tags for other users.")?;
    change_tags(&home, &user, &room, |tags| {
        tags.insert(tag, content);
    });
    Ok(Json(json!({})))
}

pub(crate) async fn delete_tag(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((user, room, tag)): Path<(String, String, String)>,
) -> Answer {
    session.must_be(&user, "Cannot add tags for other users.")?;
    change_tags(&home, &user, &room, |tags| {
        tags.remove(&tag);
    });
    Ok(Json(json!({})))
}

fn change_tags(home: &Homeserver, user: &str, room: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let known = room_data(home, user, room, TAGS).unwrap_or_default();
    let mut tags = known["tags"].as_object().cloned().unwrap_or_default();
    change(&mut tags);
    home.change(|state| state.set_data(user, Some(room), TAGS, json!({ "tags": tags })));
}

pub(crate) async fn capabilities(_session: Session) -> Json<Value> {
    let versions: Map<String, Value> =
        tim::ROOM_VERSIONS.iter().map(|version| ((*version).to_owned(), json!("stable"))).collect();
    Json(json!({ "capabilities": {
        "m.room_versions": { "default": tim::ROOM_VERSIONS[0], "available": versions },
        "m.change_password": { "enabled": false },
        "m.set_displayname": { "enabled": false },
        "m.set_avatar_url": { "enabled": true },
        "m.3pid_changes": { "enabled": false },
        "m.get_login_token": { "enabled": false },
        "org.matrix.msc4140.delayed_events": {
            "max_delay_ms": u64::try_from(delayed::LONGEST.as_millis()).unwrap_or(u64::MAX),
            "max_scheduled": delayed::MOST,
        },
    } }))
}

/// Presence is switched off (A_25436): it may be set and is never told.
pub(crate) async fn put_presence(session: Session, Path(user): Path<String>) -> Answer {
    session.must_be(&user, "Can only set your own presence state")?;
    Ok(Json(json!({})))
}

pub(crate) async fn get_presence(_session: Session, Path(_user): Path<String>) -> Json<Value> {
    Json(json!({ "presence": "offline" }))
}

/// What a client asks of every server, and this one has nothing of: TURN servers, bridges.
pub(crate) async fn nothing(_session: Session) -> Json<Value> {
    Json(json!({}))
}

pub(crate) async fn no_pushers(_session: Session) -> Json<Value> {
    Json(json!({ "pushers": [] }))
}

pub(crate) async fn no_notifications(_session: Session) -> Json<Value> {
    Json(json!({ "notifications": [] }))
}

pub(crate) async fn no_third_party_ids(_session: Session) -> Json<Value> {
    Json(json!({ "threepids": [] }))
}
