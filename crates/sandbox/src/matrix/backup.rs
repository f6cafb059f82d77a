//! Server-side key backup (client-server API, "Server-side key backups").

use super::ask::{Content, Params, Session, members, required};
use super::refusal::{Answer, Refusal};
use super::route::Shared;
use axum::Json;
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One version of somebody's backup.
#[derive(Debug, Default)]
struct Backup {
    algorithm: String,
    auth_data: Value,
    etag: u64,
    /// By room and session.
    keys: BTreeMap<(String, String), Value>,
}

impl Backup {
    fn told(&self) -> Value {
        json!({ "count": self.keys.len(), "etag": self.etag.to_string() })
    }

    /// Takes a session's key unless the one that is there is better.
    fn put(&mut self, room: &str, session: &str, key: &Value) {
        let place = (room.to_owned(), session.to_owned());
        if self.keys.get(&place).is_none_or(|known| better(key, known)) {
            self.keys.insert(place, key.clone());
            self.etag += 1;
        }
    }
}

/// "PUT /room_keys/keys": verified before unverified, then the one that begins earlier, then the one that was
/// forwarded less often.
fn better(new: &Value, old: &Value) -> bool {
    let rank = |key: &Value| {
        let number = |name: &str| key[name].as_u64().unwrap_or(0);
        (key["is_verified"] != json!(true), number("first_message_index"), number("forwarded_count"))
    };
    rank(new) < rank(old)
}

/// Somebody's backups; the highest version is the one in use.
#[derive(Debug, Default)]
pub(crate) struct Backups {
    last: u64,
    versions: BTreeMap<u64, Backup>,
}

impl Backups {
    fn named(&self, version: &str) -> Result<(u64, &Backup), Refusal> {
        let number = version.parse::<u64>().ok();
        let found = number.and_then(|number| Some((number, self.versions.get(&number)?)));
        found.ok_or_else(|| Refusal::not_found("Unknown backup version"))
    }

    fn shown(&self, number: u64, backup: &Backup) -> Value {
        let mut shown = backup.told();
        shown["version"] = json!(number.to_string());
        shown["algorithm"] = json!(backup.algorithm);
        shown["auth_data"] = backup.auth_data.clone();
        shown
    }

    /// The version in use, when it is the one that is meant: nobody writes into an old one.
    fn current(&mut self, version: &str) -> Result<&mut Backup, Refusal> {
        let wrong = |current: u64| {
            Refusal::new(StatusCode::FORBIDDEN, "M_WRONG_ROOM_KEYS_VERSION", "Wrong backup version.")
                .with("current_version", json!(current.to_string()))
        };
        let (number, backup) =
            self.versions.iter_mut().next_back().ok_or_else(|| Refusal::not_found("No current backup version"))?;
        if version == number.to_string() { Ok(backup) } else { Err(wrong(*number)) }
    }
}

pub(crate) async fn create(Extract(home): Extract<Shared>, session: Session, Content(body): Content) -> Answer {
    let algorithm = required(&body, "algorithm")?.to_owned();
    let auth_data = data_of(&body)?;
    let mut state = home.read();
    let backups = &mut state.mine(&session.user).backups;
    backups.last += 1;
    backups.versions.insert(backups.last, Backup { algorithm, auth_data, ..Backup::default() });
    Ok(Json(json!({ "version": backups.last.to_string() })))
}

fn data_of(body: &Value) -> Result<Value, Refusal> {
    Some(&body["auth_data"]).filter(|data| data.is_object()).cloned().ok_or_else(|| Refusal::missing("auth_data"))
}

pub(crate) async fn latest(Extract(home): Extract<Shared>, session: Session) -> Answer {
    let mut state = home.read();
    let backups = &state.mine(&session.user).backups;
    let newest = backups.versions.iter().next_back();
    newest
        .map(|(number, backup)| Json(backups.shown(*number, backup)))
        .ok_or_else(|| Refusal::not_found("No current backup version"))
}

pub(crate) async fn version(Extract(home): Extract<Shared>, session: Session, Path(version): Path<String>) -> Answer {
    let mut state = home.read();
    let backups = &state.mine(&session.user).backups;
    let (number, backup) = backups.named(&version)?;
    Ok(Json(backups.shown(number, backup)))
}

pub(crate) async fn update(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(version): Path<String>,
    Content(body): Content,
) -> Answer {
    let auth_data = data_of(&body)?;
    let mut state = home.read();
    let backups = &mut state.mine(&session.user).backups;
    let (number, backup) = backups.named(&version)?;
    if body.get("version").is_some_and(|named| *named != version) {
        return Err(Refusal::bad("M_INVALID_PARAM", "Version in body does not match"));
    }
    if backup.algorithm != required(&body, "algorithm")? {
        return Err(Refusal::bad("M_INVALID_PARAM", "Algorithm does not match"));
    }
    if let Some(backup) = backups.versions.get_mut(&number) {
        backup.auth_data = auth_data;
    }
    Ok(Json(json!({})))
}

pub(crate) async fn delete_version(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(version): Path<String>,
) -> Answer {
    let mut state = home.read();
    let backups = &mut state.mine(&session.user).backups;
    let (number, _) = backups.named(&version)?;
    backups.versions.remove(&number);
    Ok(Json(json!({})))
}

/// What a request is about: everything, a room, or a session in it.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    room: Option<&'a str>,
    session: Option<&'a str>,
}

impl Part<'_> {
    fn has(self, (room, session): &(String, String)) -> bool {
        self.room.is_none_or(|one| one == room) && self.session.is_none_or(|one| one == session)
    }
}

const ALL: Part<'static> = Part { room: None, session: None };

fn put(home: &Shared, session: &Session, part: Part<'_>, query: &Params, body: &Value) -> Answer {
    let version = query.get("version").ok_or_else(|| Refusal::missing("version"))?;
    let mut state = home.read();
    let backup = state.mine(&session.user).backups.current(version)?;
    match (part.room, part.session) {
        (Some(room), Some(id)) => backup.put(room, id, body),
        (Some(room), None) => put_room(backup, room, body)?,
        (None, _) => {
            let rooms = body["rooms"].as_object().ok_or_else(|| Refusal::missing("rooms"))?;
            for (room, sessions) in rooms {
                put_room(backup, room, sessions)?;
            }
        }
    }
    Ok(Json(backup.told()))
}

fn put_room(backup: &mut Backup, room: &str, body: &Value) -> Result<(), Refusal> {
    if !body["sessions"].is_object() {
        return Err(Refusal::missing("sessions"));
    }
    for (id, key) in members(&body["sessions"]) {
        backup.put(room, id, key);
    }
    Ok(())
}

fn get(home: &Shared, session: &Session, part: Part<'_>, query: &Params) -> Answer {
    let version = query.get("version").ok_or_else(|| Refusal::missing("version"))?;
    let mut state = home.read();
    let (_, backup) = state.mine(&session.user).backups.named(version)?;
    let found = backup.keys.iter().filter(|(place, _)| part.has(place));
    let mut rooms = json!({});
    for ((room, id), key) in found {
        rooms[room.as_str()]["sessions"][id.as_str()] = key.clone();
    }
    match (part.room, part.session) {
        (Some(room), Some(id)) => {
            let key = &rooms[room]["sessions"][id];
            if key.is_null() { Err(Refusal::not_found("No room_keys found")) } else { Ok(Json(key.clone())) }
        }
        (Some(room), None) => {
            let sessions = &rooms[room]["sessions"];
            Ok(Json(json!({ "sessions": if sessions.is_null() { json!({}) } else { sessions.clone() } })))
        }
        (None, _) => Ok(Json(json!({ "rooms": rooms }))),
    }
}

fn delete(home: &Shared, session: &Session, part: Part<'_>, query: &Params) -> Answer {
    let version = query.get("version").ok_or_else(|| Refusal::missing("version"))?;
    let mut state = home.read();
    let backup = state.mine(&session.user).backups.current(version)?;
    let before = backup.keys.len();
    backup.keys.retain(|place, _| !part.has(place));
    if backup.keys.len() != before {
        backup.etag += 1;
    }
    Ok(Json(backup.told()))
}

pub(crate) async fn put_all(
    Extract(home): Extract<Shared>,
    session: Session,
    query: Params,
    Content(body): Content,
) -> Answer {
    put(&home, &session, ALL, &query, &body)
}

pub(crate) async fn get_all(Extract(home): Extract<Shared>, session: Session, query: Params) -> Answer {
    get(&home, &session, ALL, &query)
}

pub(crate) async fn delete_all(Extract(home): Extract<Shared>, session: Session, query: Params) -> Answer {
    delete(&home, &session, ALL, &query)
}

pub(crate) async fn put_room_keys(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    query: Params,
    Content(body): Content,
) -> Answer {
    put(&home, &session, Part { room: Some(&room), session: None }, &query, &body)
}

pub(crate) async fn get_room_keys(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    query: Params,
) -> Answer {
    get(&home, &session, Part { room: Some(&room), session: None }, &query)
}

pub(crate) async fn delete_room_keys(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    query: Params,
) -> Answer {
    delete(&home, &session, Part { room: Some(&room), session: None }, &query)
}

pub(crate) async fn put_key(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((room, id)): Path<(String, String)>,
    query: Params,
    Content(body): Content,
) -> Answer {
    put(&home, &session, Part { room: Some(&room), session: Some(&id) }, &query, &body)
}

pub(crate) async fn get_key(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((room, id)): Path<(String, String)>,
    query: Params,
) -> Answer {
    get(&home, &session, Part { room: Some(&room), session: Some(&id) }, &query)
}

pub(crate) async fn delete_key(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((room, id)): Path<(String, String)>,
    query: Params,
) -> Answer {
    delete(&home, &session, Part { room: Some(&room), session: Some(&id) }, &query)
}
