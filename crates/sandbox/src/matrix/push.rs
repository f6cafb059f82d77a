//! Push rules: the predefined ones, and what somebody changes of them. The client counts with them, since the server
//! can not read encrypted messages.

use super::ask::{Content, Params, Session};
use super::refusal::{Answer, Refusal};
use super::route::Shared;
use super::state::State;
use axum::Json;
use axum::extract::{Path, State as Extract};
use serde_json::{Value, json};

const KINDS: [&str; 5] = ["override", "content", "room", "sender", "underride"];

/// Client-server API, "Predefined Rules".
pub(crate) fn predefined(user: &str, username: &str) -> Value {
    let rule = |id: &str, conditions: Value, actions: Value| json!({ "rule_id": id, "default": true, "enabled": true, "conditions": conditions, "actions": actions });
    let is = |key: &str, pattern: &str| json!({ "kind": "event_match", "key": key, "pattern": pattern });
    let sound = json!({ "set_tweak": "sound", "value": "default" });
    let highlight = json!({ "set_tweak": "highlight" });
    let notify = json!(["notify"]);
    let ring = json!(["notify", { "set_tweak": "sound", "value": "ring" }]);
    let loud = json!(["notify", sound]);
    let mention = json!(["notify", highlight, sound]);
    let pair = json!({ "kind": "room_member_count", "is": "2" });
    let mut master = rule(".m.rule.master", json!([]), json!([]));
    master["enabled"] = json!(false);
    json!({
        "override": [
            master,
            rule(".m.rule.suppress_notices", json!([is("content.msgtype", "m.notice")]), json!([])),
            rule(
                ".m.rule.invite_for_me",
                json!([
                    is("type", "m.room.member"),
                    is("content.membership", "invite"),
                    is("state_key", user),
                ]),
                loud.clone(),
            ),
            rule(".m.rule.member_event", json!([is("type", "m.room.member")]), json!([])),
            rule(
                ".m.rule.is_user_mention",
                json!([{
                    "kind": "event_property_contains",
                    "key": "content.m\\.mentions.user_ids",
                    "value": user,
                }]),
                mention.clone(),
            ),
            rule(".m.rule.contains_display_name", json!([{ "kind": "contains_display_name" }]), mention.clone()),
            rule(
                ".m.rule.is_room_mention",
                json!([
                    { "kind": "event_property_is", "key": "content.m\\.mentions.room", "value": true },
                    { "kind": "sender_notification_permission", "key": "room" },
                ]),
                json!(["notify", highlight]),
            ),
            rule(
                ".m.rule.roomnotif",
                json!([
                    is("content.body", "@room"),
                    { "kind": "sender_notification_permission", "key": "room" },
                ]),
                json!(["notify", highlight]),
            ),
            rule(
                ".m.rule.tombstone",
                json!([is("type", "m.room.tombstone"), is("state_key", "")]),
                json!(["notify", highlight]),
            ),
            rule(".m.rule.reaction", json!([is("type", "m.reaction")]), json!([])),
            rule(
                ".m.rule.room.server_acl",
                json!([is("type", "m.room.server_acl"), is("state_key", "")]),
                json!([]),
            ),
            rule(
                ".m.rule.suppress_edits",
                json!([{
                    "kind": "event_property_is",
                    "key": "content.m\\.relates_to.rel_type",
                    "value": "m.replace",
                }]),
                json!([]),
            ),
        ],
        "content": [{
            "rule_id": ".m.rule.contains_user_name",
            "default": true,
            "enabled": true,
            "pattern": username,
            "actions": mention,
        }],
        "room": [],
        "sender": [],
        "underride": [
            rule(".m.rule.call", json!([is("type", "m.call.invite")]), ring),
            rule(
                ".m.rule.encrypted_room_one_to_one",
                json!([pair, is("type", "m.room.encrypted")]),
                loud.clone(),
            ),
            rule(".m.rule.room_one_to_one", json!([pair, is("type", "m.room.message")]), loud),
            rule(".m.rule.message", json!([is("type", "m.room.message")]), notify.clone()),
            rule(".m.rule.encrypted", json!([is("type", "m.room.encrypted")]), notify),
        ],
    })
}

fn rules(state: &mut State, user: &str) -> Value {
    state.mine(user).data.get("m.push_rules").map(|data| data.content.clone()).unwrap_or_default()
}

/// The rules of a kind, to be changed.
fn change(
    home: &Shared,
    user: &str,
    (scope, kind): (&str, &str),
    change: impl FnOnce(&mut Vec<Value>) -> Result<(), Refusal>,
) -> Answer {
    if scope != "global" || !KINDS.contains(&kind) {
        return Err(Refusal::bad("M_INVALID_PARAM", "Unknown scope or kind of push rules"));
    }
    home.change(|state| {
        let mut all = rules(state, user);
        let list = all["global"][kind].as_array_mut();
        change(list.ok_or_else(|| Refusal::not_found("Push rules not found"))?)?;
        state.set_data(user, None, "m.push_rules", all);
        Ok(Json(json!({})))
    })
}

pub(crate) async fn all(Extract(home): Extract<Shared>, session: Session) -> Json<Value> {
    Json(rules(&mut home.read(), &session.user))
}

pub(crate) async fn global(Extract(home): Extract<Shared>, session: Session) -> Json<Value> {
    Json(rules(&mut home.read(), &session.user)["global"].clone())
}

type Address = Path<(String, String, String)>;

fn find(home: &Shared, session: &Session, (scope, kind, id): &(String, String, String)) -> Result<Value, Refusal> {
    let all = rules(&mut home.read(), &session.user);
    let mut list = all[scope][kind].as_array().into_iter().flatten();
    let found = list.find(|rule| rule["rule_id"] == **id).cloned();
    found.ok_or_else(|| Refusal::not_found("Push rule not found"))
}

pub(crate) async fn get(Extract(home): Extract<Shared>, session: Session, Path(address): Address) -> Answer {
    find(&home, &session, &address).map(Json)
}

pub(crate) async fn put(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((scope, kind, id)): Address,
    query: Params,
    Content(body): Content,
) -> Answer {
    if id.starts_with('.') {
        return Err(Refusal::bad("M_INVALID_PARAM", "Cannot add a rule whose id starts with a dot"));
    }
    let mut rule = json!({
        "rule_id": id,
        "default": false,
        "enabled": true,
        "actions": body["actions"].as_array().ok_or_else(|| Refusal::missing("actions"))?,
    });
    match kind.as_str() {
        "override" | "underride" => rule["conditions"] = body["conditions"].clone(),
        "content" => rule["pattern"] = body["pattern"].clone(),
        _ => {}
    }
    change(&home, &session.user, (&scope, &kind), |list| {
        list.retain(|rule| rule["rule_id"] != id);
        let place = |wanted: Option<&str>| list.iter().position(|rule| wanted.is_some_and(|id| rule["rule_id"] == id));
        // Without a place a rule is the first of somebody's own, after the master rule.
        let master = list.iter().take_while(|rule| rule["rule_id"] == ".m.rule.master").count();
        let at = place(query.get("before")).or(place(query.get("after")).map(|at| at + 1)).unwrap_or(master);
        list.insert(at, rule);
        Ok(())
    })
}

pub(crate) async fn delete(
    Extract(home): Extract<Shared>,
    session: Session,
    Path((scope, kind, id)): Address,
) -> Answer {
    change(&home, &session.user, (&scope, &kind), |list| {
        let before = list.len();
        list.retain(|rule| rule["rule_id"] != id || rule["default"] == json!(true));
        if list.len() == before { Err(Refusal::not_found("Push rule not found")) } else { Ok(()) }
    })
}

pub(crate) async fn get_enabled(Extract(home): Extract<Shared>, session: Session, Path(address): Address) -> Answer {
    Ok(Json(json!({ "enabled": find(&home, &session, &address)?["enabled"] })))
}

pub(crate) async fn get_actions(Extract(home): Extract<Shared>, session: Session, Path(address): Address) -> Answer {
    Ok(Json(json!({ "actions": find(&home, &session, &address)?["actions"] })))
}

pub(crate) async fn put_enabled(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(address): Address,
    Content(body): Content,
) -> Answer {
    let enabled = body["enabled"].as_bool().ok_or_else(|| Refusal::missing("enabled"))?;
    set(&home, &session, &address, "enabled", json!(enabled))
}

pub(crate) async fn put_actions(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(address): Address,
    Content(body): Content,
) -> Answer {
    let actions = body["actions"].as_array().ok_or_else(|| Refusal::missing("actions"))?;
    set(&home, &session, &address, "actions", json!(actions))
}

fn set(
    home: &Shared,
    session: &Session,
    (scope, kind, id): &(String, String, String),
    name: &str,
    value: Value,
) -> Answer {
    change(home, &session.user, (scope, kind), |list| {
        let rule = list.iter_mut().find(|rule| rule["rule_id"] == **id);
        rule.ok_or_else(|| Refusal::not_found("Push rule not found"))?[name] = value;
        Ok(())
    })
}
