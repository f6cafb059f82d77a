//! Inviting, joining, leaving, and who may send whom away.

use super::ask::{Content, Params, Session, required};
use super::powers::{Act, Powers};
use super::refusal::{Answer, Refusal};
use super::room::{Draft, Membership};
use super::route::Shared;
use super::state::State;
use super::tim::may_invite;
use super::{Homeserver, show::Viewer};
use axum::Json;
use axum::extract::{Path, State as Extract};
use jiff::Timestamp;
use serde_json::{Value, json};

impl State {
    /// The content of somebody's membership, with the name and picture of their profile.
    pub(crate) fn member_content(&self, user: &str, membership: Membership) -> Value {
        let mut content = json!({ "membership": membership.word() });
        let shown = matches!(membership, Membership::Join | Membership::Invite | Membership::Knock);
        if let Some(account) = self.accounts.get(user).filter(|_| shown) {
            content["displayname"] = json!(account.name);
            if let Some(avatar) = &account.avatar {
                content["avatar_url"] = json!(avatar);
            }
        }
        content
    }
}

/// A wish to change a membership.
pub(crate) struct Change<'a> {
    pub(crate) by: &'a str,
    pub(crate) room: &'a str,
    pub(crate) target: &'a str,
    pub(crate) content: Value,
}

/// Changes a membership as the authorization rules of `m.room.member` allow it. What is so already stays.
pub(crate) fn change(state: &mut State, change: Change<'_>, now: Timestamp) -> Result<String, Refusal> {
    let Change { by, room: id, target, content } = change;
    let wanted = content["membership"].as_str().and_then(Membership::parse);
    let wanted = wanted.ok_or_else(|| Refusal::bad("M_BAD_JSON", "Content must have a membership"))?;
    let room = state.rooms.get(id).ok_or_else(|| Refusal::not_in_room(by, id))?;
    let (own, current) = (room.membership(by), room.membership(target));
    let powers = Powers::of(room);
    let inside = || if own == Some(Membership::Join) { Ok(()) } else { Err(Refusal::not_in_room(by, id)) };
    let may = |act| if powers.may(by, act) { Ok(()) } else { Err(Refusal::forbidden(refused(act))) };
    let above =
        || if powers.user(by) > powers.user(target) { Ok(()) } else { Err(Refusal::forbidden(refused(Act::Kick))) };
    match wanted {
        Membership::Invite => {
            inside()?;
            may(Act::Invite)?;
            match current {
                Some(Membership::Join) => {
                    return Err(Refusal::forbidden(format!("{target} is already in the room.")));
                }
                Some(Membership::Ban) => return Err(Refusal::forbidden(format!("{target} is banned from the room"))),
                Some(Membership::Invite | Membership::Knock | Membership::Leave) | None => {}
            }
            if !may_invite(state, Some(room), by, target) {
                return Err(Refusal::forbidden("Invites have been disabled on this server"));
            }
        }
        Membership::Join => {
            if by != target {
                return Err(Refusal::forbidden("Cannot force another user to join."));
            }
            let public = room.content("m.room.join_rules", "")["join_rule"] == "public";
            match current {
                Some(Membership::Join | Membership::Invite) => {}
                Some(Membership::Ban) => return Err(Refusal::forbidden("You are banned from this room")),
                Some(Membership::Knock | Membership::Leave) | None if public => {}
                Some(Membership::Knock | Membership::Leave) | None => {
                    return Err(Refusal::forbidden("You are not invited to this room."));
                }
            }
        }
        Membership::Leave if by == target => match current {
            Some(Membership::Join | Membership::Invite | Membership::Knock | Membership::Leave) => {}
            Some(Membership::Ban) | None => return Err(Refusal::not_in_room(by, id)),
        },
        Membership::Leave => {
            inside()?;
            match current {
                Some(Membership::Ban) => may(Act::Ban)?,
                Some(Membership::Join | Membership::Invite | Membership::Knock) => {
                    may(Act::Kick)?;
                    above()?;
                }
                Some(Membership::Leave) | None => {
                    return Err(Refusal::forbidden("The target user is not in the room"));
                }
            }
        }
        Membership::Ban => {
            inside()?;
            may(Act::Ban)?;
            above()?;
        }
        // No room of the TI-Messenger is knocked at here.
        Membership::Knock => return Err(Refusal::forbidden("You don't have permission to knock")),
    }
    let before = room.state("m.room.member", target);
    // Joining again or leaving again is no event of its own, unless the content says something new.
    let same = current == Some(wanted) && by == target && wanted != Membership::Invite;
    if let Some(event) = before.filter(|event| same && (wanted == Membership::Leave || event.content == content)) {
        return Ok(event.id.clone());
    }
    if let Some(account) = state.accounts.get_mut(target) {
        account.forgotten.remove(id);
    }
    Ok(state.add(id, Draft::state(by, "m.room.member", target, content), now))
}

fn refused(act: Act) -> &'static str {
    match act {
        Act::Invite => "You don't have permission to invite users",
        Act::Kick => "You cannot kick this user.",
        Act::Ban => "You don't have permission to ban",
        Act::Redact => "You don't have permission to redact events",
    }
}

/// What the routes do: changes a membership, with the reason that the request gives.
fn set(
    home: &Homeserver,
    session: &Session,
    room: &str,
    target: &str,
    membership: Membership,
    body: &Value,
) -> Result<(), Refusal> {
    let now = home.event_time();
    home.change(|state| {
        let mut content = state.member_content(target, membership);
        if let Some(reason) = body["reason"].as_str() {
            content["reason"] = json!(reason);
        }
        change(state, Change { by: &session.user, room, target, content }, now).map(|_event| ())
    })
}

/// Both routes: by room, and by room or alias. There are no aliases.
pub(crate) async fn join(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    Content(body): Content,
) -> Answer {
    if !home.read().rooms.contains_key(&room) {
        let text = "Can't join remote room because no servers that are in the room have been provided.";
        return Err(Refusal::new(axum::http::StatusCode::NOT_FOUND, "M_UNKNOWN", text));
    }
    set(&home, &session, &room, &session.user, Membership::Join, &body)?;
    Ok(Json(json!({ "room_id": room })))
}

pub(crate) async fn leave(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    Content(body): Content,
) -> Answer {
    set(&home, &session, &room, &session.user, Membership::Leave, &body)?;
    Ok(Json(json!({})))
}

pub(crate) async fn invite(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    Content(body): Content,
) -> Answer {
    let target = required(&body, "user_id")?;
    set(&home, &session, &room, target, Membership::Invite, &body)?;
    Ok(Json(json!({})))
}

pub(crate) async fn kick(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    Content(body): Content,
) -> Answer {
    let target = required(&body, "user_id")?;
    if home.read().rooms.get(&room).and_then(|room| room.membership(target)) == Some(Membership::Ban) {
        return Err(Refusal::forbidden("The target user is not in the room"));
    }
    set(&home, &session, &room, target, Membership::Leave, &body)?;
    Ok(Json(json!({})))
}

pub(crate) async fn ban(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    Content(body): Content,
) -> Answer {
    set(&home, &session, &room, required(&body, "user_id")?, Membership::Ban, &body)?;
    Ok(Json(json!({})))
}

pub(crate) async fn unban(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    Content(body): Content,
) -> Answer {
    let target = required(&body, "user_id")?;
    if home.read().inside(&room, &session.user)?.membership(target) != Some(Membership::Ban) {
        return Err(Refusal::forbidden(format!("{target} is not banned from the room")));
    }
    set(&home, &session, &room, target, Membership::Leave, &body)?;
    Ok(Json(json!({})))
}

pub(crate) async fn forget(Extract(home): Extract<Shared>, session: Session, Path(room): Path<String>) -> Answer {
    home.change(|state| {
        let known = state.rooms.get(&room).and_then(|room| room.membership(&session.user));
        match known {
            Some(Membership::Leave | Membership::Ban) => {}
            Some(Membership::Join | Membership::Invite | Membership::Knock) => {
                return Err(Refusal::bad("M_UNKNOWN", format!("User {} in room {room}", session.user)));
            }
            None => return Err(Refusal::bad("M_UNKNOWN", format!("Not a known room: {room}"))),
        }
        state.mine(&session.user).forgotten.insert(room);
        Ok(Json(json!({})))
    })
}

pub(crate) async fn joined_rooms(Extract(home): Extract<Shared>, session: Session) -> Json<Value> {
    let state = home.read();
    let joined = state.rooms.values().filter(|room| room.membership(&session.user) == Some(Membership::Join));
    let ids: Vec<&str> = joined.map(|room| room.id.as_str()).collect();
    Json(json!({ "joined_rooms": ids }))
}

pub(crate) async fn members(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
    query: Params,
) -> Answer {
    let now = home.clock.now();
    let state = home.read();
    let (room, horizon) = state.readable(&room, &session.user)?;
    let position = match query.get("at") {
        Some(token) => super::sync::position(token)?.min(horizon),
        None => horizon,
    };
    let viewer = Viewer { session: &session, now };
    let wanted = |event: &&super::room::Event| {
        let membership = event.membership().map(Membership::word);
        event.kind == "m.room.member"
            && query.get("membership").is_none_or(|only| membership == Some(only))
            && query.get("not_membership").is_none_or(|not| membership != Some(not))
    };
    let chunk: Vec<Value> = room.whole_state(position).filter(wanted).map(|event| viewer.show(room, event)).collect();
    Ok(Json(json!({ "chunk": chunk })))
}

pub(crate) async fn joined_members(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(room): Path<String>,
) -> Answer {
    let state = home.read();
    let room = state.inside(&room, &session.user)?;
    let mut joined = json!({});
    for user in room.joined(u64::MAX) {
        let content = room.content("m.room.member", user);
        joined[user] = json!({ "display_name": content["displayname"], "avatar_url": content["avatar_url"] });
    }
    Ok(Json(json!({ "joined": joined })))
}
