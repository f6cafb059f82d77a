//! Receipts, read markers and typing.

use super::ask::{Content, Session};
use super::refusal::{Answer, Refusal};
use super::room::Receipt;
use super::route::Shared;
use super::state::State;
use axum::Json;
use axum::extract::{Path, State as Extract};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const FULLY_READ: &str = "m.fully_read";

pub(crate) async fn receipt(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((room, kind, event)): Path<(String, String, String)>,
    Content(body): Content,
) -> Answer {
    let now = home.clock.now();
    let thread = body["thread_id"].as_str().map(str::to_owned);
    home.change(|state| set(state, &session.user, &room, &kind, &event, thread, now))?;
    Ok(Json(json!({})))
}

pub(crate) async fn read_markers(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    Content(body): Content,
) -> Answer {
    let now = home.clock.now();
    home.change(|state| {
        for kind in ["m.read", "m.read.private", FULLY_READ] {
            if let Some(event) = body[kind].as_str() {
                set(state, &session.user, &room, kind, event, None, now)?;
            }
        }
        Ok(Json(json!({})))
    })
}

/// Moves a marker. It never goes back.
fn set(
    state: &mut State,
    user: &str,
    room_id: &str,
    kind: &str,
    event: &str,
    thread: Option<String>,
    now: Timestamp,
) -> Result<(), Refusal> {
    if !["m.read", "m.read.private", FULLY_READ].contains(&kind) {
        let text = "Receipt type must be one of ['m.read', 'm.read.private', 'm.fully_read']";
        return Err(Refusal::bad("M_INVALID_PARAM", text));
    }
    let room = state.inside(room_id, user)?;
    // A receipt for what the server does not know is taken and forgotten, as servers do that catch up.
    let Some(place) = room.event(event).map(|event| event.at) else { return Ok(()) };
    if kind == FULLY_READ {
        let account = state.accounts.get(user).and_then(|account| account.room_data.get(room_id));
        let known = account.and_then(|data| data.get(FULLY_READ)).and_then(|data| data.content["event_id"].as_str());
        if known.and_then(|id| room.event(id)).is_none_or(|known| known.at < place) {
            state.set_data(user, Some(room_id), FULLY_READ, json!({ "event_id": event }));
        }
        return Ok(());
    }
    let key = (user.to_owned(), kind.to_owned());
    let known = room.receipts.get(&key).and_then(|receipt| room.event(&receipt.event));
    if known.is_some_and(|known| known.at >= place) {
        return Ok(());
    }
    let at = state.tick();
    if let Some(room) = state.rooms.get_mut(room_id) {
        let milliseconds = now.as_millisecond();
        room.receipts.insert(key, Receipt { event: event.to_owned(), milliseconds, at, thread });
        room.touched = at;
    }
    Ok(())
}

pub(crate) async fn typing(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((room, user)): Path<(String, String)>,
    Content(body): Content,
) -> Answer {
    session.must_be(&user, "Cannot set another user's typing state")?;
    let until = typing_end(&body, home.clock.now());
    home.change(|state| {
        state.inside(&room, &user)?;
        let at = state.tick();
        if let Some(room) = state.rooms.get_mut(&room) {
            let changed = match until {
                Some(until) => room.typing.insert(user, until).is_none(),
                None => room.typing.remove(&user).is_some(),
            };
            if changed {
                room.typing_at = at;
                room.touched = at;
            }
        }
        Ok(Json(json!({})))
    })
}

fn typing_end(body: &Value, now: Timestamp) -> Option<Timestamp> {
    let milliseconds = body["timeout"].as_i64().unwrap_or(30_000).clamp(0, 120_000);
    (body["typing"] == json!(true)).then(|| now + SignedDuration::from_millis(milliseconds))
}
