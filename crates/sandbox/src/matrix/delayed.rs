//! Events that are sent later, unless somebody puts them off or takes them back (MSC4140). A client in a call leaves one
//! that says that it is gone, and puts it off for as long as it is there.
//!
//! As Synapse 1.163 does it: whoever has an id may put off, send and take back; only the owner is told of one. Whether
//! its sender may send it is judged when it is due, and one that may not be sent is lost. An event of somebody else that
//! sets the same state takes it back.

use super::Homeserver;
use super::ask::{Content, Params, Session};
use super::refusal::{Answer, Refusal};
use super::route::Shared;
use super::send::{self, Wish};
use super::state::State;
use crate::oidc::handle;
use axum::Json;
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The longest delay: `max_event_delay_duration` of the servers that the client is tested against.
pub(crate) const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// How many wait for one person: what Synapse allows.
pub(crate) const MOST: usize = 100;

/// The query's parameter.
const DELAY: &str = "org.matrix.msc4140.delay";

/// How long the task sleeps when nothing waits.
const IDLE: Duration = Duration::from_hours(1);

/// An event that waits.
#[derive(Debug, Clone)]
pub(crate) struct Delayed {
    session: Session,
    wish: Wish,
    delay: SignedDuration,
    since: Timestamp,
}

impl Delayed {
    fn due(&self) -> Timestamp {
        self.since.saturating_add(self.delay).unwrap_or(Timestamp::MAX)
    }
}

/// All events that wait, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Waiting(BTreeMap<String, Delayed>);

impl Waiting {
    fn next(&self) -> Option<Timestamp> {
        self.0.values().map(Delayed::due).min()
    }

    fn taken(&mut self, id: &str) -> Result<Delayed, Refusal> {
        self.0.remove(id).ok_or_else(unknown)
    }

    /// Those that are due, the first first.
    fn due(&mut self, now: Timestamp) -> Vec<Delayed> {
        let mut due: Vec<Delayed> =
            self.0.extract_if(.., |_, waiting| waiting.due() <= now).map(|(_, one)| one).collect();
        due.sort_by_key(Delayed::due);
        due
    }

    /// Takes back what others would set in the place of an event that was just set.
    pub(crate) fn give_way(&mut self, sender: &str, room: &str, kind: &str, key: &str) {
        self.0.retain(|_, waiting| {
            let same =
                waiting.wish.room == room && waiting.wish.kind == kind && waiting.wish.key.as_deref() == Some(key);
            !same || waiting.session.user == sender
        });
    }

    fn of(&self, user: &str) -> Vec<(&String, &Delayed)> {
        let mut own: Vec<_> = self.0.iter().filter(|(_, waiting)| waiting.session.user == user).collect();
        own.sort_by_key(|(_, waiting)| waiting.due());
        own
    }
}

fn unknown() -> Refusal {
    Refusal::not_found("Delayed event not found")
}

/// The delay that a request asks for, if it asks for one.
pub(super) fn asked(query: &Params) -> Result<Option<SignedDuration>, Refusal> {
    let Some(text) = query.get(DELAY) else { return Ok(None) };
    let bad = |what: &str| Refusal::bad("M_INVALID_PARAM", format!("Query parameter {DELAY} must be {what}"));
    let milliseconds: i64 = text.parse().map_err(|_no_number| bad("an integer"))?;
    if milliseconds < 0 {
        return Err(bad("a positive integer."));
    }
    Ok(Some(SignedDuration::from_millis(milliseconds)))
}

impl Homeserver {
    /// Keeps an event for later.
    pub(super) fn delay(&self, session: Session, wish: Wish, delay: SignedDuration) -> Answer {
        if delay > LONGEST {
            let (wanted, most) = (delay.as_millis(), LONGEST.as_millis());
            let text = format!("The requested delay ({wanted}ms) exceeds the allowed maximum ({most}ms)");
            return Err(Refusal::bad("ORG.MATRIX.MSC4140_DELAY_TOO_LARGE", text));
        }
        let now = self.clock.now();
        let id = format!("syd_{}", handle());
        {
            let mut state = self.read();
            let request = wish.transaction.as_ref().map(|one| format!("delay {} {} {one}", wish.room, wish.kind));
            let request = request.map(|request| (session.user.clone(), session.device.clone(), request));
            if let Some(known) = request.as_ref().and_then(|request| state.transactions.get(request)) {
                return Ok(Json(json!({ "delay_id": known })));
            }
            if !state.rooms.contains_key(&wish.room) {
                return Err(Refusal::not_found(format!("Could not find room version for {}", wish.room)));
            }
            if let [(_, first), ..] = state.delayed.of(&session.user).as_slice()
                && state.delayed.of(&session.user).len() >= MOST
            {
                let text = "The maximum number of delayed events has been reached.";
                let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "M_LIMIT_EXCEEDED", text);
                let left = first.due().duration_since(now).as_millis().max(1);
                return Err(refusal.with("retry_after_ms", json!(u64::try_from(left).unwrap_or(u64::MAX))));
            }
            if let Some(request) = request {
                state.transactions.insert(request, id.clone());
            }
            state.delayed.0.insert(id.clone(), Delayed { session, wish, delay, since: now });
        }
        self.put_off.notify_one();
        Ok(Json(json!({ "delay_id": id })))
    }

    /// Sends what is due. Each has the time at which it was due.
    pub(super) fn send_due(&self) {
        let now = self.clock.now();
        if self.read().delayed.next().is_none_or(|next| next > now) {
            return;
        }
        self.change(|state| {
            for delayed in state.delayed.due(now) {
                let due = delayed.due();
                // What its sender may not send is lost, and nobody is told.
                if let Err(refusal) = send::write(state, &delayed.session, &delayed.wish, due) {
                    tracing::debug!(code = refusal.code, "a delayed event was not sent");
                }
            }
        });
    }

    /// Sends each when it is due, until the server stops.
    pub(crate) async fn keep_delays(self: Arc<Self>) {
        let (mut clock, mut closing) = (self.clock.moves(), self.closing.subscribe());
        while !*closing.borrow_and_update() {
            self.send_due();
            let left = self.read().delayed.next().map(|next| next.duration_since(self.clock.now()));
            let left = left.map_or(IDLE, |left| Duration::try_from(left).unwrap_or_default());
            tokio::select! {
                () = tokio::time::sleep(left.min(IDLE) + Duration::from_millis(1)) => {}
                () = self.put_off.notified() => {}
                moved = clock.changed() => moved.expect("the server holds its clock"),
                closed = closing.changed() => closed.expect("the server holds the sender"),
            }
        }
    }
}

fn shown(id: &str, delayed: &Delayed) -> Value {
    let mut shown = json!({
        "delay_id": id,
        "room_id": delayed.wish.room,
        "type": delayed.wish.kind,
        "content": delayed.wish.content,
        "delay_ms": milliseconds(delayed.delay),
        "delayed_since_ts": delayed.since.as_millisecond(),
    });
    if let Some(key) = &delayed.wish.key {
        shown["state_key"] = json!(key);
    }
    shown
}

fn milliseconds(delay: SignedDuration) -> i64 {
    i64::try_from(delay.as_millis()).unwrap_or(i64::MAX)
}

/// The owner's, by when they are due; with the names of an earlier revision beside the newer ones.
pub(crate) async fn list(Extract(home): Extract<Shared>, session: Session) -> Json<Value> {
    let state = home.read();
    let own = state.delayed.of(&session.user).into_iter().map(|(id, delayed)| {
        let mut shown = shown(id, delayed);
        shown["delay"] = shown["delay_ms"].clone();
        shown["running_since"] = shown["delayed_since_ts"].clone();
        shown
    });
    Json(json!({ "delayed_events": own.collect::<Vec<_>>() }))
}

pub(crate) async fn one(Extract(home): Extract<Shared>, session: Session, Path(id): Path<String>) -> Answer {
    let state = home.read();
    let own = state.delayed.0.get(&id).filter(|delayed| delayed.session.user == session.user);
    own.map(|delayed| Json(shown(&id, delayed))).ok_or_else(unknown)
}

/// What is done with an event that waits.
#[derive(Debug, Clone, Copy)]
enum Act {
    Cancel,
    Restart,
    Send,
}

/// Without a token: who has the id may do it (MSC4140, "Managing delayed events").
pub(crate) async fn update(home: Extract<Shared>, Path(id): Path<String>, Content(body): Content) -> Answer {
    let act = match body["action"].as_str() {
        Some("cancel") => Act::Cancel,
        Some("restart") => Act::Restart,
        Some("send") => Act::Send,
        Some(_) => {
            let text = "'action' is not one of 'cancel', 'restart', 'send'";
            return Err(Refusal::bad("M_INVALID_PARAM", text));
        }
        None => return Err(Refusal::bad("M_MISSING_PARAM", "'action' is missing")),
    };
    act_on(&home, &id, act)
}

pub(crate) async fn cancel(home: Extract<Shared>, Path(id): Path<String>) -> Answer {
    act_on(&home, &id, Act::Cancel)
}

pub(crate) async fn restart(home: Extract<Shared>, Path(id): Path<String>) -> Answer {
    act_on(&home, &id, Act::Restart)
}

pub(crate) async fn send_now(home: Extract<Shared>, Path(id): Path<String>) -> Answer {
    act_on(&home, &id, Act::Send)
}

fn act_on(home: &Homeserver, id: &str, act: Act) -> Answer {
    let now = home.clock.now();
    match act {
        Act::Cancel => drop(home.read().delayed.taken(id)?),
        Act::Restart => home.read().delayed.0.get_mut(id).ok_or_else(unknown)?.since = now,
        Act::Send => {
            home.change(|state: &mut State| {
                let delayed = state.delayed.taken(id)?;
                send::write(state, &delayed.session, &delayed.wish, now)
            })?;
        }
    }
    home.put_off.notify_one();
    Ok(Json(json!({})))
}
