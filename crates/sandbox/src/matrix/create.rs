//! `createRoom`.

use super::ask::{Content, Session, members, texts};
use super::refusal::{Answer, Refusal};
use super::room::{Draft, Membership, Room};
use super::route::Shared;
use super::tim::{ROOM_VERSIONS, may_invite};
use crate::oidc::handle;
use axum::Json;
use axum::extract::State as Extract;
use serde_json::{Value, json};

/// What a preset sets (client-server API, "createRoom").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preset {
    Private,
    Trusted,
    Public,
}

impl Preset {
    fn of(body: &Value) -> Result<Self, Refusal> {
        match body["preset"].as_str() {
            Some("private_chat") => Ok(Self::Private),
            Some("trusted_private_chat") => Ok(Self::Trusted),
            Some("public_chat") => Ok(Self::Public),
            Some(other) => Err(Refusal::bad("M_UNKNOWN", format!("'{other}' is not a valid preset"))),
            None if body["visibility"] == "public" => Ok(Self::Public),
            None => Ok(Self::Private),
        }
    }

    fn state(self) -> [(&'static str, Value); 3] {
        let (rule, guests) = match self {
            Self::Private | Self::Trusted => ("invite", "can_join"),
            Self::Public => ("public", "forbidden"),
        };
        [
            ("m.room.join_rules", json!({ "join_rule": rule })),
            ("m.room.history_visibility", json!({ "history_visibility": "shared" })),
            ("m.room.guest_access", json!({ "guest_access": guests })),
        ]
    }
}

pub(crate) async fn create(Extract(home): Extract<Shared>, session: Session, Content(body): Content) -> Answer {
    let preset = Preset::of(&body)?;
    let version = version(&body)?;
    let invited: Vec<&str> = texts(&body["invite"]).collect();
    if invited.len() > 1 {
        // A_25368-01; the module's status is 400.
        return Err(Refusal::bad("M_FORBIDDEN", "When creating a room a maximum of one participant can be invited"));
    }
    let initial = initial_state(&body)?;
    let now = home.event_time();
    home.change(|state| {
        if let Some(stranger) = invited.iter().find(|user| !may_invite(state, None, &session.user, user)) {
            return Err(Refusal::forbidden(format!("{stranger} is not allowed to be invited")));
        }
        let id = format!("!{}:{}", handle().get(..18).unwrap_or_default(), home.name);
        state.rooms.insert(id.clone(), Room::new(id.clone()));
        let me = session.user.as_str();
        let joining = state.member_content(me, Membership::Join);
        let inviting: Vec<(&str, Value)> = invited
            .iter()
            .map(|user| {
                let mut content = state.member_content(user, Membership::Invite);
                if body["is_direct"] == json!(true) {
                    content["is_direct"] = json!(true);
                }
                (*user, content)
            })
            .collect();
        let mut put = |kind: &str, key: &str, content: Value| {
            state.add(&id, Draft::state(me, kind, key, content), now);
        };
        put("m.room.create", "", creation(&body, me, version, preset));
        put("m.room.member", me, joining);
        put("m.room.power_levels", "", levels(&body, me, preset, &invited));
        let overridden = |kind: &str| initial.iter().any(|(one, key, _)| *one == kind && key.is_empty());
        for (kind, content) in preset.state().into_iter().filter(|(kind, _)| !overridden(kind)) {
            put(kind, "", content);
        }
        for (kind, key, content) in &initial {
            put(kind, key, (*content).clone());
        }
        for (kind, name) in [("m.room.name", "name"), ("m.room.topic", "topic")] {
            if let Some(text) = body[name].as_str() {
                put(kind, "", json!({ name: text }));
            }
        }
        for (user, content) in inviting {
            put("m.room.member", user, content);
        }
        Ok(Json(json!({ "room_id": id })))
    })
}

fn version(body: &Value) -> Result<&'static str, Refusal> {
    let unsupported =
        || Refusal::bad("M_UNSUPPORTED_ROOM_VERSION", "Your homeserver does not support this room version");
    let wished = &body["room_version"];
    if wished.is_null() {
        return Ok(ROOM_VERSIONS[0]);
    }
    ROOM_VERSIONS.into_iter().find(|version| wished == version).ok_or_else(unsupported)
}

fn initial_state(body: &Value) -> Result<Vec<(&str, &str, &Value)>, Refusal> {
    let mut all = Vec::new();
    for event in body["initial_state"].as_array().into_iter().flatten() {
        let kind = event["type"].as_str().ok_or_else(|| Refusal::missing("type"))?;
        let key = event["state_key"].as_str().unwrap_or_default();
        super::tim::check_state(kind, &event["content"])?;
        if matches!(kind, "m.room.create" | "m.room.member") || !event["content"].is_object() {
            return Err(Refusal::bad("M_INVALID_ROOM_STATE", format!("{kind} can not be an initial state")));
        }
        all.push((kind, key, &event["content"]));
    }
    Ok(all)
}

fn creation(body: &Value, me: &str, version: &str, preset: Preset) -> Value {
    let mut content = body["creation_content"].clone();
    if !content.is_object() {
        content = json!({});
    }
    if preset == Preset::Public {
        // A_25325-01: a public room is never federated.
        content["m.federate"] = json!(false);
    }
    content["creator"] = json!(me);
    content["room_version"] = json!(version);
    content
}

fn levels(body: &Value, me: &str, preset: Preset, invited: &[&str]) -> Value {
    let mut levels = json!({
        "users": { me: 100 },
        "users_default": 0,
        "events": {
            "m.room.name": 50,
            "m.room.power_levels": 100,
            "m.room.history_visibility": 100,
            "m.room.canonical_alias": 50,
            "m.room.avatar": 50,
            "m.room.tombstone": 100,
            "m.room.server_acl": 100,
            "m.room.encryption": 100,
        },
        "events_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        "invite": if preset == Preset::Public { 50 } else { 0 },
        "historical": 100,
    });
    if preset == Preset::Trusted {
        for user in invited {
            levels["users"][*user] = json!(100);
        }
    }
    for (name, value) in members(&body["power_level_content_override"]) {
        levels[name.as_str()] = value.clone();
    }
    levels
}
