//! `/sync`: what is new since a token, at once or as soon as there is something.

use super::ask::{Params, Session};
use super::filter::{EventFilter, named};
use super::refusal::{Answer, Refusal};
use super::route::Shared;
use super::show::Viewer;
use super::state::State;
use super::sync_room::{Look, Mates, newer};
use axum::Json;
use axum::extract::State as Extract;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// To-device messages in one answer: what Synapse gives.
const INBOX: usize = 100;

/// Nobody waits longer.
const LONGEST: Duration = Duration::from_mins(5);

/// A place in the stream, and up to where a device has got its messages. They differ when there were many.
#[derive(Debug, Clone, Copy)]
struct Since {
    position: u64,
    inbox: u64,
}

impl Since {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let numbers = text.strip_prefix('s').unwrap_or_default();
        let (position, inbox) = numbers.split_once('_').unwrap_or((numbers, numbers));
        match (position.parse(), inbox.parse()) {
            (Ok(position), Ok(inbox)) => Ok(Self { position, inbox }),
            (Err(_), _) | (_, Err(_)) => Err(Refusal::bad("M_INVALID_PARAM", "Invalid stream token")),
        }
    }
}

/// The token of a place between two events.
pub(crate) fn token(position: u64) -> String {
    format!("s{position}")
}

/// The place of a token, of `/sync` or of a page.
pub(crate) fn position(token: &str) -> Result<u64, Refusal> {
    Since::parse(token).map(|since| since.position)
}

struct Wish {
    session: Session,
    since: Option<Since>,
    filter: Value,
    full: bool,
}

pub(crate) async fn sync(Extract(home): Extract<Shared>, session: Session, query: Params) -> Answer {
    let wish = Wish {
        since: query.get("since").filter(|since| !since.is_empty()).map(Since::parse).transpose()?,
        filter: named(&mut home.read(), &session.user, query.get("filter"))?,
        full: query.is("full_state"),
        session,
    };
    let timeout = query.number("timeout", 0, usize::MAX)?;
    let timeout = Duration::from_millis(u64::try_from(timeout).unwrap_or(u64::MAX)).min(LONGEST);
    let end = Instant::now() + timeout;
    let (mut news, mut closing) = (home.news.subscribe(), home.closing.subscribe());
    loop {
        let now = home.clock.now();
        home.change(|state| state.stop_typing(now));
        news.mark_unchanged();
        let (answer, something, typing) = {
            let mut state = home.read();
            let (answer, something) = answer(&mut state, &wish, now)?;
            (answer, something, state.next_typing_end(&wish.session.user))
        };
        let over = Instant::now() >= end || *closing.borrow_and_update();
        if something || over || wish.since.is_none() || wish.full {
            return Ok(Json(answer));
        }
        let typing = typing.map(|until| {
            let left = until.as_millisecond().saturating_sub(now.as_millisecond());
            Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or(0) + 1)
        });
        tokio::select! {
            changed = news.changed() => changed.expect("the server holds the sender while it answers"),
            closed = closing.changed() => closed.expect("the server holds the sender while it answers"),
            () = tokio::time::sleep_until(typing.map_or(end, |typing| typing.min(end))) => {}
        }
    }
}

/// What is new, and whether that is anything.
fn answer(state: &mut State, wish: &Wish, now: Timestamp) -> Result<(Value, bool), Refusal> {
    let user = wish.session.user.as_str();
    let since = wish.since.map_or(0, |since| since.position);
    let position = state.position();
    let device = state.device(user, &wish.session.device)?;
    if let Some(since) = wish.since {
        // A token says that its answer has arrived.
        device.inbox.retain(|(at, _)| *at > since.inbox);
    }
    let messages: Vec<&Value> = device.inbox.iter().take(INBOX).map(|(_, message)| message).collect();
    let delivered = device.inbox.get(INBOX - 1).filter(|_| device.inbox.len() > INBOX);
    let inbox = delivered.map_or(position, |(at, _)| *at);
    let mut something = !messages.is_empty();
    let mut answer = json!({
        "next_batch": format!("s{position}_{inbox}"),
        "to_device": { "events": messages },
        "device_one_time_keys_count": device.counts(),
        "device_unused_fallback_key_types": device.unused_fallback(),
        "org.matrix.msc2732.device_unused_fallback_key_types": device.unused_fallback(),
    });
    let account = state.account(user)?;
    let data = newer(&account.data, since, EventFilter(&wish.filter["account_data"]));
    something |= !data.is_empty();
    if !data.is_empty() {
        answer["account_data"] = json!({ "events": data });
    }
    if wish.since.is_some() {
        let mates = Mates::of(state, user, since);
        something |= !mates.changed.is_empty() || !mates.left.is_empty();
        answer["device_lists"] = json!({ "changed": mates.changed, "left": mates.left });
    }
    let look = Look {
        account,
        viewer: Viewer { session: &wish.session, now },
        filter: &wish.filter["room"],
        since: wish.since.map(|since| since.position),
        full: wish.full,
        position,
    };
    let mut rooms = json!({});
    let chosen = EventFilter(look.filter);
    for room in state.rooms.values().filter(|room| chosen.keeps_room(&room.id)) {
        if let Some((section, shown)) = look.room(room) {
            something = true;
            rooms[section][room.id.as_str()] = shown;
        }
    }
    if rooms.as_object().is_some_and(|rooms| !rooms.is_empty()) {
        answer["rooms"] = rooms;
    }
    Ok((answer, something))
}
