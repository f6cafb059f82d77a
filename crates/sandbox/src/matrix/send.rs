//! Writing into a room: messages, state, redactions.

use super::ask::{Content, Params, Session, required};
use super::membership::{Change, change};
use super::powers::{Act, Powers};
use super::refusal::{Answer, Refusal};
use super::room::Draft;
use super::route::Shared;
use super::state::State;
use super::{Homeserver, delayed, tim};
use axum::Json;
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Client-server API, "Size limits": the complete event has at most 65,536 bytes; this leaves room for the rest of it.
const CONTENT_LIMIT: usize = 65_000;

fn check_size(content: &Value) -> Result<(), Refusal> {
    if content.to_string().len() > CONTENT_LIMIT {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", "event too large"));
    }
    Ok(())
}

/// The same transaction of the same device gives the same event. A refusal is not remembered.
fn once(
    home: &Homeserver,
    session: &Session,
    request: String,
    write: impl FnOnce(&mut State) -> Result<String, Refusal>,
) -> Answer {
    let key = (session.user.clone(), session.device.clone(), request);
    home.change(|state| {
        let id = match state.transactions.get(&key) {
            Some(id) => id.clone(),
            None => {
                let id = write(state)?;
                state.transactions.insert(key, id.clone());
                id
            }
        };
        Ok(Json(json!({ "event_id": id })))
    })
}

/// An event that somebody wants to send: with a key it is state.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) room: String,
    pub(super) kind: String,
    pub(super) key: Option<String>,
    pub(super) content: Value,
    pub(super) transaction: Option<String>,
}

/// Writes it, if whoever wants it may.
pub(super) fn write(state: &mut State, session: &Session, wish: &Wish, now: Timestamp) -> Result<String, Refusal> {
    match &wish.key {
        Some(key) => set(state, session, wish, key, now),
        None => message(state, session, wish, now),
    }
}

fn message(state: &mut State, session: &Session, wish: &Wish, now: Timestamp) -> Result<String, Refusal> {
    let Wish { room, kind, content, transaction, .. } = wish;
    let found = state.inside(room, &session.user)?;
    Powers::of(found).may_send(&session.user, kind, false)?;
    tim::check_message(kind, content)?;
    if kind == "m.room.redaction" {
        let target = required(content, "redacts")?.to_owned();
        return redact_event(state, session, room, &target, content.clone(), transaction.clone(), now);
    }
    if kind == "m.reaction" && reacted(found, &session.user, content) {
        let text = "Can't send same reaction twice";
        return Err(Refusal::bad("M_DUPLICATE_ANNOTATION", text));
    }
    let draft = Draft {
        sender: session.user.clone(),
        kind: kind.clone(),
        state_key: None,
        content: content.clone(),
        redacts: None,
        transaction: transaction.clone().map(|transaction| (session.device.clone(), transaction)),
    };
    Ok(state.add(room, draft, now))
}

fn set(state: &mut State, session: &Session, wish: &Wish, key: &str, now: Timestamp) -> Result<String, Refusal> {
    let me = session.user.as_str();
    let Wish { room, kind, content, .. } = wish;
    if kind == "m.room.member" {
        return change(state, Change { by: me, room, target: key, content: content.clone() }, now);
    }
    let found = state.inside(room, me)?;
    let powers = Powers::of(found);
    powers.may_send(me, kind, true)?;
    if key.starts_with('@') && key != me {
        return Err(Refusal::forbidden("You are not allowed to set others state"));
    }
    if kind == "m.room.create" {
        return Err(Refusal::forbidden("A room is created once"));
    }
    if kind == "m.room.power_levels" {
        powers.may_change(me, content)?;
    }
    tim::check_state(kind, content)?;
    // What is so already is no event of its own.
    let same = found.state(kind, key).filter(|event| event.content == *content && event.sender == me);
    match same {
        Some(event) => Ok(event.id.clone()),
        None => Ok(state.add(room, Draft::state(me, kind, key, content.clone()), now)),
    }
}

pub(crate) async fn send(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((room, kind, transaction)): Path<(String, String, String)>,
    query: Params,
    Content(content): Content,
) -> Answer {
    check_size(&content)?;
    let request = format!("send {room} {kind} {transaction}");
    let wish = Wish { room, kind, key: None, content, transaction: Some(transaction) };
    if let Some(delay) = delayed::asked(&query)? {
        return home.delay(session, wish, delay);
    }
    let now = home.event_time();
    once(&home, &session, request, |state| write(state, &session, &wish, now))
}

/// Client-server API, "Annotations": nobody annotates an event twice with the same key.
fn reacted(room: &super::room::Room, user: &str, content: &Value) -> bool {
    let relation = &content["m.relates_to"];
    let mut before = room.related(relation["event_id"].as_str().unwrap_or_default());
    before.any(|event| {
        event.sender == user && event.kind == "m.reaction" && event.content["m.relates_to"]["key"] == relation["key"]
    })
}

pub(crate) async fn redact(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((room, target, transaction)): Path<(String, String, String)>,
    Content(content): Content,
) -> Answer {
    let now = home.clock.now();
    once(&home, &session, format!("redact {room} {target} {transaction}"), |state| {
        redact_event(state, &session, &room, &target, content, Some(transaction.clone()), now)
    })
}

fn redact_event(
    state: &mut State,
    session: &Session,
    room: &str,
    target: &str,
    mut content: Value,
    transaction: Option<String>,
    now: Timestamp,
) -> Result<String, Refusal> {
    let found = state.inside(room, &session.user)?;
    let powers = Powers::of(found);
    powers.may_send(&session.user, "m.room.redaction", false)?;
    let event = found.event(target).filter(|event| found.shows(&session.user, event));
    let event = event.ok_or_else(|| Refusal::not_found("Event not found."))?;
    if event.sender != session.user && !powers.may(&session.user, Act::Redact) {
        return Err(Refusal::forbidden("You don't have permission to redact events"));
    }
    tim::check_redaction(event, now)?;
    if let Some(members) = content.as_object_mut() {
        members.remove("redacts");
    }
    let draft = Draft {
        sender: session.user.clone(),
        kind: "m.room.redaction".to_owned(),
        state_key: None,
        content,
        redacts: Some(target.to_owned()),
        transaction: transaction.map(|transaction| (session.device.clone(), transaction)),
    };
    Ok(state.add(room, draft, now))
}

pub(crate) async fn put_state(
    home: Extract<Shared>,
    session: Session,
    Path((room, kind)): Path<(String, String)>,
    query: Params,
    Content(content): Content,
) -> Answer {
    put(&home, session, &query, Wish { room, kind, key: Some(String::new()), content, transaction: None })
}

pub(crate) async fn put_state_with_key(
    home: Extract<Shared>,
    session: Session,
    Path((room, kind, key)): Path<(String, String, String)>,
    query: Params,
    Content(content): Content,
) -> Answer {
    put(&home, session, &query, Wish { room, kind, key: Some(key), content, transaction: None })
}

fn put(home: &Homeserver, session: Session, query: &Params, wish: Wish) -> Answer {
    check_size(&wish.content)?;
    if let Some(delay) = delayed::asked(query)? {
        return home.delay(session, wish, delay);
    }
    let now = home.clock.now();
    let id = home.change(|state| write(state, &session, &wish, now))?;
    Ok(Json(json!({ "event_id": id })))
}
