//! Reading a room: messages, one event, its surroundings, what relates to it, and the state.

use super::ask::{Params, Session};
use super::filter::{EventFilter, parse};
use super::refusal::{Answer, Refusal};
use super::room::{Event, Room};
use super::route::Shared;
use super::show::Viewer;
use super::sync::{position, token};
use axum::Json;
use axum::extract::{Path, State as Extract};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// No page is longer.
const MOST: usize = 1000;

/// Which way a page goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Back,
    Forward,
}

impl Direction {
    fn of(query: &Params, otherwise: Option<Self>) -> Result<Self, Refusal> {
        match query.get("dir") {
            Some("b") => Ok(Self::Back),
            Some("f") => Ok(Self::Forward),
            Some(_) => Err(Refusal::bad("M_INVALID_PARAM", "Query parameter 'dir' must be one of ['b', 'f']")),
            None => otherwise.ok_or_else(|| Refusal::missing("dir")),
        }
    }
}

/// A page of what somebody may see, and where the next one begins when there is more.
struct Page<'a> {
    events: Vec<&'a Event>,
    next: Option<u64>,
}

/// Walks from a position; `to` is where it stops.
fn page<'a>(
    seen: impl DoubleEndedIterator<Item = &'a Event>,
    direction: Direction,
    limit: usize,
    keeps: impl Fn(&Event) -> bool,
) -> Page<'a> {
    let mut events: Vec<&Event> = Vec::new();
    let ordered: Box<dyn Iterator<Item = &'a Event> + '_> = match direction {
        Direction::Back => Box::new(seen.rev()),
        Direction::Forward => Box::new(seen),
    };
    let mut next = None;
    for event in ordered.filter(|event| keeps(event)) {
        if events.len() == limit {
            next = events.last().map(|last| match direction {
                Direction::Back => last.at - 1,
                Direction::Forward => last.at,
            });
            break;
        }
        events.push(event);
    }
    Page { events, next }
}

pub(crate) async fn messages(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    query: Params,
) -> Answer {
    let direction = Direction::of(&query, None)?;
    let limit = query.number("limit", 10, MOST)?;
    let filter = query.get("filter").map(parse).transpose()?.unwrap_or_default();
    let filter = EventFilter(&filter);
    let now = home.clock.now();
    let state = home.read();
    let (room, horizon) = state.readable(&room, &session.user)?;
    let end = state.position().min(horizon);
    let from = match (query.get("from"), direction) {
        (Some(token), _) => position(token)?,
        (None, Direction::Back) => end,
        (None, Direction::Forward) => 0,
    };
    let to = query.get("to").map(position).transpose()?;
    let stretch = match direction {
        Direction::Back => room.between(to.unwrap_or(0), from.min(end)),
        Direction::Forward => room.between(from, to.unwrap_or(end).min(end)),
    };
    let keeps = |event: &Event| filter.keeps(event) && room.shows(&session.user, event);
    let page = page(stretch.iter(), direction, limit, keeps);
    let viewer = Viewer { session: &session, now };
    let mut answer = json!({
        "chunk": page.events.iter().map(|event| viewer.show(room, event)).collect::<Vec<_>>(),
        "start": token(from),
    });
    // At an end of what may be seen there is no further token.
    if let Some(next) = page.next {
        answer["end"] = json!(token(next));
    } else if let (Direction::Forward, Some(last)) = (direction, page.events.last()) {
        // More may come after them; once there is nothing there is no token either, as Synapse has it.
        answer["end"] = json!(token(last.at));
    }
    if filter.lazy() {
        answer["state"] = json!(senders(room, &page.events, horizon, viewer));
    }
    Ok(Json(answer))
}

/// The memberships of who wrote these events.
fn senders(room: &Room, events: &[&Event], position: u64, viewer: Viewer<'_>) -> Vec<Value> {
    let users: BTreeSet<&str> = events.iter().map(|event| event.sender.as_str()).collect();
    let members = users.into_iter().filter_map(|user| room.state_at("m.room.member", user, position));
    members.map(|event| viewer.show(room, event)).collect()
}

/// An event that somebody may see.
fn visible<'a>(room: &'a Room, horizon: u64, user: &str, id: &str) -> Result<&'a Event, Refusal> {
    let event = room.event(id).filter(|event| event.at <= horizon && room.shows(user, event));
    event.ok_or_else(|| Refusal::not_found("Event not found."))
}

pub(crate) async fn event(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((room, id)): Path<(String, String)>,
) -> Answer {
    let now = home.clock.now();
    let state = home.read();
    let (room, horizon) = state.readable(&room, &session.user)?;
    let event = visible(room, horizon, &session.user, &id)?;
    Ok(Json(Viewer { session: &session, now }.show(room, event)))
}

pub(crate) async fn context(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((room, id)): Path<(String, String)>,
    query: Params,
) -> Answer {
    let limit = query.number("limit", 10, MOST)?;
    let filter = query.get("filter").map(parse).transpose()?.unwrap_or_default();
    let filter = EventFilter(&filter);
    let now = home.clock.now();
    let state = home.read();
    let (room, horizon) = state.readable(&room, &session.user)?;
    let event = visible(room, horizon, &session.user, &id)?;
    let keeps = |event: &Event| filter.keeps(event) && room.shows(&session.user, event);
    let before = page(room.between(0, event.at - 1).iter(), Direction::Back, limit / 2, keeps);
    let after = page(room.between(event.at, horizon).iter(), Direction::Forward, limit.div_ceil(2), keeps);
    let viewer = Viewer { session: &session, now };
    let shown = |events: &[&Event]| events.iter().map(|event| viewer.show(room, event)).collect::<Vec<_>>();
    let (first, last) = (before.events.last().copied().unwrap_or(event), after.events.last().copied().unwrap_or(event));
    let around: Vec<&Event> = before.events.iter().chain(&after.events).copied().chain([event]).collect();
    let members = if filter.lazy() {
        senders(room, &around, last.at, viewer)
    } else {
        room.whole_state(last.at).map(|event| viewer.show(room, event)).collect()
    };
    Ok(Json(json!({
        "event": viewer.show(room, event),
        "events_before": shown(&before.events),
        "events_after": shown(&after.events),
        "start": token(first.at - 1),
        "end": token(last.at),
        "state": members,
    })))
}

pub(crate) async fn relations(
    home: Extract<Shared>,
    session: Session,
    Path((room, id)): Path<(String, String)>,
    query: Params,
) -> Answer {
    related(&home, &session, (&room, &id, None, None), &query)
}

pub(crate) async fn relations_of_type(
    home: Extract<Shared>,
    session: Session,
    Path((room, id, relation)): Path<(String, String, String)>,
    query: Params,
) -> Answer {
    related(&home, &session, (&room, &id, Some(&relation), None), &query)
}

pub(crate) async fn relations_of_kind(
    home: Extract<Shared>,
    session: Session,
    Path((room, id, relation, kind)): Path<(String, String, String, String)>,
    query: Params,
) -> Answer {
    related(&home, &session, (&room, &id, Some(&relation), Some(&kind)), &query)
}

fn related(
    home: &Shared,
    session: &Session,
    (room, id, relation, kind): (&str, &str, Option<&str>, Option<&str>),
    query: &Params,
) -> Answer {
    let direction = Direction::of(query, Some(Direction::Back))?;
    let limit = query.number("limit", 5, MOST)?;
    let from = query.get("from").map(position).transpose()?;
    let now = home.clock.now();
    let state = home.read();
    let (room, horizon) = state.readable(room, &session.user)?;
    visible(room, horizon, &session.user, id)?;
    let keeps = |event: &Event| {
        let within = match direction {
            Direction::Back => from.is_none_or(|from| event.at <= from),
            Direction::Forward => from.is_none_or(|from| event.at > from),
        };
        within
            && event.at <= horizon
            && relation.is_none_or(|wanted| event.relation().is_some_and(|(relation, _)| relation == wanted))
            && kind.is_none_or(|wanted| event.kind == wanted)
            && room.shows(&session.user, event)
    };
    let page = page(room.related(id), direction, limit, keeps);
    let viewer = Viewer { session, now };
    let mut answer = json!({ "chunk": page.events.iter().map(|event| viewer.show(room, event)).collect::<Vec<_>>() });
    if let Some(next) = page.next {
        answer["next_batch"] = json!(token(next));
    }
    if let Some(from) = query.get("from") {
        answer["prev_batch"] = json!(from);
    }
    Ok(Json(answer))
}

/// The event that is nearest to a time on one side of it.
pub(crate) async fn timestamp_to_event(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    query: Params,
) -> Answer {
    let direction = Direction::of(&query, None)?;
    let time = query.get("ts").and_then(|text| text.parse::<i64>().ok()).ok_or_else(|| Refusal::missing("ts"))?;
    let state = home.read();
    let (room, horizon) = state.readable(&room, &session.user)?;
    let mut seen = room.between(0, horizon).iter().filter(|event| room.shows(&session.user, event));
    let found = match direction {
        Direction::Back => seen.rfind(|event| event.milliseconds <= time),
        Direction::Forward => seen.find(|event| event.milliseconds >= time),
    };
    let event = found.ok_or_else(|| Refusal::not_found(format!("Unable to find event from {time}")))?;
    Ok(Json(json!({ "event_id": event.id, "origin_server_ts": event.milliseconds })))
}

pub(crate) async fn state(Extract(home): Extract<Shared>, session: Session, Path(room): Path<String>) -> Answer {
    let now = home.clock.now();
    let state = home.read();
    let (room, horizon) = state.readable(&room, &session.user)?;
    let viewer = Viewer { session: &session, now };
    Ok(Json(room.whole_state(horizon).map(|event| viewer.show(room, event)).collect()))
}

pub(crate) async fn state_event(
    home: Extract<Shared>,
    session: Session,
    Path((room, kind)): Path<(String, String)>,
    query: Params,
) -> Answer {
    one_state(&home, &session, (&room, &kind, ""), &query)
}

pub(crate) async fn state_event_with_key(
    home: Extract<Shared>,
    session: Session,
    Path((room, kind, key)): Path<(String, String, String)>,
    query: Params,
) -> Answer {
    one_state(&home, &session, (&room, &kind, &key), &query)
}

fn one_state(home: &Shared, session: &Session, (room, kind, key): (&str, &str, &str), query: &Params) -> Answer {
    let now = home.clock.now();
    let state = home.read();
    let (room, horizon) = state.readable(room, &session.user)?;
    let event = room.state_at(kind, key, horizon).ok_or_else(|| Refusal::not_found("Event not found."))?;
    if query.get("format") == Some("event") {
        return Ok(Json(Viewer { session, now }.show(room, event)));
    }
    Ok(Json(event.content.clone()))
}
