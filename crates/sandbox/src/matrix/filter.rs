//! Filters of `/sync`, `/messages` and their kin (client-server API, "Filtering").

use super::ask::{Content, Session, texts};
use super::refusal::{Answer, Refusal};
use super::room::Event;
use super::route::Shared;
use super::state::State;
use axum::Json;
use axum::extract::{Path, State as Extract};
use serde_json::{Value, json};

/// A filter of events; an empty one keeps all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventFilter<'a>(pub(crate) &'a Value);

impl EventFilter<'_> {
    pub(crate) fn limit(self, otherwise: usize) -> usize {
        let limit = self.0["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        limit.unwrap_or(otherwise).clamp(1, 1000)
    }

    pub(crate) fn lazy(self) -> bool {
        self.0["lazy_load_members"] == json!(true)
    }

    pub(crate) fn keeps(self, event: &Event) -> bool {
        let url = &self.0["contains_url"];
        self.keeps_kind(&event.kind)
            && self.list("senders").is_none_or(|mut senders| senders.any(|sender| sender == event.sender))
            && !texts(&self.0["not_senders"]).any(|sender| sender == event.sender)
            && url.as_bool().is_none_or(|wanted| event.content["url"].is_string() == wanted)
    }

    pub(crate) fn keeps_kind(self, kind: &str) -> bool {
        self.list("types").is_none_or(|mut types| types.any(|pattern| fits(pattern, kind)))
            && !texts(&self.0["not_types"]).any(|pattern| fits(pattern, kind))
    }

    pub(crate) fn keeps_room(self, room: &str) -> bool {
        self.list("rooms").is_none_or(|mut rooms| rooms.any(|one| one == room))
            && !texts(&self.0["not_rooms"]).any(|one| one == room)
    }

    fn list(&self, name: &str) -> Option<impl Iterator<Item = &str>> {
        self.0[name].is_array().then(|| texts(&self.0[name]))
    }
}

/// A type with `*` for any letters.
fn fits(pattern: &str, kind: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == kind,
        Some((start, rest)) => kind.strip_prefix(start).is_some_and(|left| {
            let mut ends = (0..=left.len()).filter(|at| left.is_char_boundary(*at));
            ends.any(|at| left.get(at..).is_some_and(|tail| fits(rest, tail)))
        }),
    }
}

/// The filter that a query names: JSON, or the id of one that was stored.
pub(crate) fn named(state: &mut State, user: &str, query: Option<&str>) -> Result<Value, Refusal> {
    match query {
        None => Ok(json!({})),
        Some(text) if text.starts_with('{') => parse(text),
        Some(id) => stored(state, user, id),
    }
}

/// The filter of `/messages` and its kin, which is always JSON.
pub(crate) fn parse(text: &str) -> Result<Value, Refusal> {
    serde_json::from_str::<Value>(text)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| Refusal::bad("M_INVALID_PARAM", "The filter is not JSON"))
}

fn stored(state: &mut State, user: &str, id: &str) -> Result<Value, Refusal> {
    let place = id.parse::<usize>().ok();
    let found = place.and_then(|place| state.mine(user).filters.get(place).cloned());
    found.ok_or_else(|| Refusal::not_found("No such filter"))
}

pub(crate) async fn store(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(user): Path<String>,
    Content(filter): Content,
) -> Answer {
    session.must_be(&user, "Cannot create filters for other users")?;
    let mut state = home.read();
    let filters = &mut state.mine(&user).filters;
    let place = filters.iter().position(|known| *known == filter).unwrap_or(filters.len());
    if place == filters.len() {
        filters.push(filter);
    }
    Ok(Json(json!({ "filter_id": place.to_string() })))
}

pub(crate) async fn get(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((user, id)): Path<(String, String)>,
) -> Answer {
    session.must_be(&user, "Cannot get filters for other users")?;
    Ok(Json(stored(&mut home.read(), &user, &id)?))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, kind, expected) in [
            ("m.room.message", "m.room.message", true),
            ("m.room.*", "m.room.message", true),
            ("*", "m.room.message", true),
            ("m.*.name", "m.room.name", true),
            ("m.room.*", "m.reaction", false),
            ("m.room", "m.room.name", false),
        ] {
            assert_eq!(fits(pattern, kind), expected, "{pattern} and {kind}");
        }
    }
}
