//! [`TimProxy`]: a TI-Messenger's proxy before a homeserver, as far as a client notices it: it lets through a list of
//! routes and looks into what is sent.
//!
//! The list is that of gematik's reference implementation (`tim-ref/messenger-proxy`, `InboundClientRoutes.kt`), in the
//! words of the Matrix client-server API v1.11. A requirement stands beside what it asks for; where none is named, the
//! reference implementation alone says so.

use crate::{Detour, Spoiled};
use axum::http::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, RwLock},
};
use url::Url;

/// Routes that belong together.
struct Part {
    /// Where the requirement is that asks for them, in gemSpec_TI-M_Basis unless another is named.
    requirement: &'static str,
    /// What all their paths begin with.
    under: &'static str,
    /// Methods, and the rest of the path: `{}` is any one segment.
    routes: &'static [(&'static str, &'static str)],
}

const V3: &str = "/_matrix/client/v3/";

/// Everything that passes.
const PASSES: &[Part] = &[
    Part {
        requirement: "A_26265",
        under: "/",
        routes: &[
            ("GET", ".well-known/matrix/client"),
            ("GET", ".well-known/matrix/support"),
            ("GET", "_matrix/client/versions"),
            ("GET", "_matrix/federation/v1/openid/userinfo"),
        ],
    },
    Part {
        requirement: "I_TiMessengerInformation",
        under: "/tim-information/",
        routes: &[("GET", "v1/server/isInsurance"), ("GET", "v1/server/findByIk")],
    },
    Part {
        requirement: "A_25394, A_25458",
        under: V3,
        routes: &[
            ("GET POST", "login"),
            ("GET", "login/sso/redirect"),
            ("GET", "login/sso/redirect/{}"),
            ("GET", "login/cas/redirect"),
            ("GET", "login/cas/ticket"),
            ("POST", "refresh"),
            ("POST", "logout"),
            ("POST", "logout/all"),
            ("POST", "register"),
            ("GET", "account/whoami"),
            ("POST", "account/password"),
            ("GET POST", "account/3pid"),
            ("POST", "account/3pid/add"),
            ("POST", "account/3pid/bind"),
            ("POST", "account/3pid/delete"),
            ("POST", "account/3pid/unbind"),
            ("POST", "user/{}/openid/request_token"),
            ("GET", "devices"),
            ("GET PUT DELETE", "devices/{}"),
            ("POST", "delete_devices"),
        ],
    },
    Part {
        requirement: "A_26077, A_25514",
        under: V3,
        routes: &[
            ("POST", "keys/upload"),
            ("POST", "keys/query"),
            ("POST", "keys/claim"),
            ("GET", "keys/changes"),
            ("POST", "keys/device_signing/upload"),
            ("POST", "keys/signatures/upload"),
            ("PUT", "sendToDevice/{}/{}"),
            ("GET POST", "room_keys/version"),
            ("GET PUT DELETE", "room_keys/version/{}"),
            ("GET PUT DELETE", "room_keys/keys"),
            ("GET PUT DELETE", "room_keys/keys/{}"),
            ("GET PUT DELETE", "room_keys/keys/{}/{}"),
        ],
    },
    // Dehydrated devices are the one thing unstable.
    Part {
        requirement: "",
        under: "/_matrix/client/unstable/org.matrix.msc3814.v1/",
        routes: &[("GET PUT DELETE", "dehydrated_device"), ("POST", "dehydrated_device/{}/events")],
    },
    Part {
        requirement: "A_26262, A_26263",
        under: "/_matrix/client/v1/media/",
        routes: &[
            ("GET", "config"),
            ("GET", "download/{}/{}"),
            ("GET", "download/{}/{}/{}"),
            ("GET", "thumbnail/{}/{}"),
        ],
    },
    Part {
        requirement: "",
        under: "/_matrix/media/v3/",
        routes: &[
            ("POST", "upload"),
            ("GET", "config"),
            ("GET", "download/{}/{}"),
            ("GET", "download/{}/{}/{}"),
            ("GET", "thumbnail/{}/{}"),
        ],
    },
    Part {
        requirement: "",
        under: V3,
        routes: &[
            ("GET", "pushers"),
            ("POST", "pushers/set"),
            ("GET", "notifications"),
            ("GET", "pushrules"),
            ("GET", "pushrules/"),
            ("GET", "pushrules/{}"),
            ("GET", "pushrules/{}/"),
            ("GET", "pushrules/{}/{}"),
            ("GET PUT DELETE", "pushrules/{}/{}/{}"),
            ("GET PUT", "pushrules/{}/{}/{}/enabled"),
            ("GET PUT", "pushrules/{}/{}/{}/actions"),
        ],
    },
    Part {
        requirement: "A_25368-01, A_28342, A_28343",
        under: V3,
        routes: &[
            ("POST", "createRoom"),
            ("POST", "join/{}"),
            ("POST", "knock/{}"),
            ("GET", "joined_rooms"),
            ("POST", "rooms/{}/invite"),
            ("POST", "rooms/{}/join"),
            ("POST", "rooms/{}/leave"),
            ("POST", "rooms/{}/forget"),
            ("POST", "rooms/{}/kick"),
            ("POST", "rooms/{}/ban"),
            ("POST", "rooms/{}/unban"),
            ("POST", "rooms/{}/upgrade"),
            ("GET", "rooms/{}/members"),
            ("GET", "rooms/{}/joined_members"),
            ("GET", "rooms/{}/state"),
            ("GET PUT", "rooms/{}/state/{}"),
            // An empty state key may leave the stroke behind.
            ("GET PUT", "rooms/{}/state/{}/"),
            ("GET PUT", "rooms/{}/state/{}/{}"),
            ("GET", "rooms/{}/messages"),
            ("GET", "rooms/{}/event/{}"),
            ("GET", "rooms/{}/context/{}"),
            ("PUT", "rooms/{}/send/{}/{}"),
            ("PUT", "rooms/{}/redact/{}/{}"),
            ("POST", "rooms/{}/receipt/{}/{}"),
            ("POST", "rooms/{}/read_markers"),
            ("PUT", "rooms/{}/typing/{}"),
            ("POST", "rooms/{}/report/{}"),
            ("GET", "rooms/{}/aliases"),
            ("GET PUT DELETE", "directory/room/{}"),
            ("GET PUT", "directory/list/room/{}"),
            ("GET POST", "publicRooms"),
            ("GET", "user/{}/rooms/{}/tags"),
            ("PUT DELETE", "user/{}/rooms/{}/tags/{}"),
            ("GET PUT", "user/{}/rooms/{}/account_data/{}"),
        ],
    },
    Part {
        requirement: "",
        under: "/_matrix/client/v1/rooms/",
        routes: &[
            ("GET", "{}/relations/{}"),
            ("GET", "{}/relations/{}/{}"),
            ("GET", "{}/relations/{}/{}/{}"),
            ("GET", "{}/hierarchy"),
        ],
    },
    Part {
        requirement: "A_25436 (presence can be switched off)",
        under: V3,
        routes: &[
            ("GET", "sync"),
            ("POST", "search"),
            ("GET", "capabilities"),
            ("GET", "profile/{}"),
            ("GET PUT", "profile/{}/displayname"),
            ("GET PUT", "profile/{}/avatar_url"),
            ("GET PUT", "presence/{}/status"),
            ("POST", "user/{}/filter"),
            ("GET", "user/{}/filter/{}"),
            ("GET PUT", "user/{}/account_data/{}"),
            ("POST", "user_directory/search"),
            ("GET", "thirdparty/protocols"),
            ("GET", "thirdparty/protocol/{}"),
            ("GET", "thirdparty/user"),
            ("GET", "thirdparty/location"),
        ],
    },
];

/// How a proxy says that it does not know a route (A_25641-01 wants a standard error of Matrix).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// 404.
    NotFound,
    /// 405.
    NotAllowed,
}

type Rule = Arc<dyn Fn(&Method, &str) -> Spoiled + Send + Sync>;

/// A proxy before a homeserver; it answers as long as the runtime it was started in.
pub struct TimProxy {
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    passed: Arc<Mutex<BTreeSet<String>>>,
    refused: Arc<Mutex<BTreeSet<String>>>,
    fault: Arc<RwLock<Rule>>,
}

impl std::fmt::Debug for TimProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimProxy").field("address", &self.address).finish_non_exhaustive()
    }
}

impl TimProxy {
    /// Starts one before the homeserver at `base`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn before(base: &Url, unknown: Unknown) -> anyhow::Result<Self> {
        let (address, detour) = Detour::before(base.as_str()).await?;
        let (passed, refused) = <(Arc<Mutex<BTreeSet<String>>>, Arc<Mutex<BTreeSet<String>>>)>::default();
        let none: Rule = Arc::new(|_, _| Spoiled::Not);
        let fault = Arc::new(RwLock::new(none));
        let (let_through, record, rule, own) = (passed.clone(), refused.clone(), fault.clone(), address.clone());
        detour.judge(move |method, path, body| {
            let bare = path.split('?').next().unwrap_or_default();
            if passes(method, bare).is_none() {
                let asked = format!("{method} {}", anonymous(bare));
                record.lock().unwrap_or_else(PoisonError::into_inner).insert(asked);
                let status = if unknown == Unknown::NotFound { 404 } else { 405 };
                return refusal(status, "M_UNRECOGNIZED", "Unrecognized request");
            }
            if let Some(requirement) = forbidden(method, path, body) {
                let asked = format!("{method} {} ({requirement})", anonymous(bare));
                record.lock().unwrap_or_else(PoisonError::into_inner).insert(asked);
                return refusal(400, "M_FORBIDDEN", requirement);
            }
            let asked = format!("{method} {}", anonymous(bare));
            let_through.lock().unwrap_or_else(PoisonError::into_inner).insert(asked);
            if bare == "/.well-known/matrix/client" {
                let body = json!({ "m.homeserver": { "base_url": own } });
                return Spoiled::Instead { status: 200, retry_after: None, body };
            }
            let rule = rule.read().unwrap_or_else(PoisonError::into_inner).clone();
            rule(method, path)
        });
        Ok(Self { address, passed, refused, fault })
    }

    /// What passed so far: method and path, ids as `{}`.
    #[must_use]
    pub fn passed(&self) -> BTreeSet<String> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was refused so far: method and path, ids as `{}`, and the requirement where what was sent is to blame.
    #[must_use]
    pub fn refused(&self) -> BTreeSet<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on `rule` says what becomes of the answer to what passes.
    pub fn spoil(&self, rule: impl Fn(&Method, &str) -> Spoiled + Send + Sync + 'static) {
        *self.fault.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rule);
    }

    /// What passes is answered as the homeserver answers it, again.
    pub fn heal(&self) {
        self.spoil(|_, _| Spoiled::Not);
    }
}

/// An error in the form of Matrix.
#[must_use]
pub fn refusal(status: u16, code: &str, words: &str) -> Spoiled {
    Spoiled::Instead { status, retry_after: None, body: json!({ "errcode": code, "error": words }) }
}

/// By which requirement a route passes, empty where none is named; none when it does not pass.
fn passes(method: &Method, path: &str) -> Option<&'static str> {
    let within = |part: &&Part| {
        let Some(rest) = path.strip_prefix(part.under) else { return false };
        part.routes
            .iter()
            .any(|(methods, template)| methods.split(' ').any(|one| one == method.as_str()) && fits(rest, template))
    };
    PASSES.iter().find(within).map(|part| part.requirement)
}

fn fits(path: &str, template: &str) -> bool {
    let (path, template): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len()
        && path
            .iter()
            .zip(&template)
            .all(|(part, wanted)| if *wanted == "{}" { !part.is_empty() } else { part == wanted })
}

/// A path without ids: they change with each run.
fn anonymous(path: &str) -> String {
    let is_id = |part: &str| ["!", "$", "@", "%21", "%24", "%40"].iter().any(|sign| part.starts_with(sign));
    path.split('/').map(|part| if is_id(part) { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

/// The requirement that forbids what is asked. What only a homeserver knows (the age of a redacted event, A_28358) is
/// not looked at.
fn forbidden(method: &Method, path: &str, body: &[u8]) -> Option<&'static str> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let parts: Vec<&str> = path.strip_prefix(V3)?.split('/').collect();
    let version = |key: &str| body[key].as_str().is_some_and(|version| !["9", "10"].contains(&version));
    match (method.as_str(), parts.as_slice()) {
        ("POST", ["createRoom"]) => {
            let created = &body["creation_content"]["type"];
            if body["invite"].as_array().is_some_and(|invited| invited.len() > 1) {
                Some("A_25368-01")
            } else if version("room_version") {
                Some("A_26202")
            } else if created == "de.gematik.tim.roomtype.default.v2" {
                Some("A_28596")
            } else {
                None
            }
        }
        ("POST", ["rooms", _, "upgrade"]) => version("new_version").then_some("A_26203"),
        ("PUT", ["rooms", _, "state", "m.room.join_rules", ..]) => (body["join_rule"] == "public").then_some("A_28271"),
        ("PUT", ["rooms", _, "send", kind, _]) => {
            let relation = &body["m.relates_to"];
            if relation["rel_type"] == "m.thread" {
                Some("A_25395-02")
            } else if *kind == "m.reaction" && !is_reaction(relation) {
                Some("A_26228-01")
            } else {
                None
            }
        }
        ("PUT", ["presence", ..]) => {
            body["status_msg"].as_str().is_some_and(|words| words.chars().count() > 250).then_some("status_msg")
        }
        ("POST", ["register"]) => query.contains("kind=guest").then_some("guest"),
        (_, ["publicRooms"]) => query.contains("server=").then_some("A_26520"),
        _ => None,
    }
}

/// Exactly one emoji of Unicode without a digit in it, and as an annotation.
fn is_reaction(relation: &Value) -> bool {
    let key = relation["key"].as_str().unwrap_or_default();
    relation["rel_type"] == "m.annotation" && emojis::get(key).is_some() && !key.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::{forbidden, passes};
    use axum::http::Method;
    use serde_json::{Value, json};

    #[test]
    fn what_gematiks_proxy_does_not_forward_does_not_pass() {
        // As the reference implementation answers 404 to them.
        for (method, path) in [
            (Method::POST, "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"),
            (Method::POST, "/_matrix/client/unstable/org.matrix.msc4140/delayed_events/x/restart"),
            (Method::GET, "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports"),
            (Method::GET, "/_matrix/client/v3/voip/turnServer"),
            (Method::POST, "/_matrix/client/v1/login/get_token"),
            (Method::GET, "/_matrix/client/v1/media/preview_url"),
            (Method::GET, "/_matrix/client/v1/rooms/!r:s/timestamp_to_event"),
            (Method::GET, "/_matrix/client/v1/rooms/!r:s/threads"),
            (Method::GET, "/_matrix/client/v1/auth_metadata"),
            (Method::POST, "/_matrix/media/v1/create"),
            (Method::POST, "/_matrix/client/v3/sync"),
            (Method::GET, "/_matrix/client/v3/rooms//messages"),
        ] {
            assert_eq!(passes(&method, path), None, "{method} {path}");
        }
        for (method, path) in [
            (Method::GET, "/_matrix/client/v3/sync"),
            (Method::PUT, "/_matrix/client/v3/rooms/%21r%3As/send/m.room.encrypted/1"),
            (Method::GET, "/_matrix/client/v3/rooms/!r:s/state/m.room.encryption/"),
            (Method::GET, "/_matrix/client/versions"),
        ] {
            assert!(passes(&method, path).is_some(), "{method} {path}");
        }
    }

    #[test]
    fn what_a_requirement_forbids_is_refused_by_its_number() {
        let asked = |method: Method, path: &str, body: &Value| {
            forbidden(&method, &format!("/_matrix/client/v3/{path}"), body.to_string().as_bytes())
        };
        let send = |kind: &str, body: &Value| asked(Method::PUT, &format!("rooms/!r:s/send/{kind}/1"), body);
        let thread = json!({ "m.relates_to": { "rel_type": "m.thread", "event_id": "$e" } });
        assert_eq!(send("m.room.encrypted", &thread), Some("A_25395-02"), "threads, encrypted too");
        let reaction =
            |key: &str| json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": "$e", "key": key } });
        assert_eq!(send("m.reaction", &reaction("👍🏽")), None, "one emoji");
        for key in ["ok", "1", "1️⃣", "👍 👍", "👍👍", "———", ""] {
            assert_eq!(send("m.reaction", &reaction(key)), Some("A_26228-01"), "{key:?}");
        }
        let create = |body: &Value| asked(Method::POST, "createRoom", body);
        assert_eq!(create(&json!({ "invite": ["@a:s", "@b:s"] })), Some("A_25368-01"), "two at once");
        assert_eq!(create(&json!({ "room_version": "11" })), Some("A_26202"), "a newer room");
        assert_eq!(create(&json!({ "room_version": "10", "invite": ["@a:s"] })), None, "as TIM has it");
        let open = asked(Method::PUT, "rooms/!r:s/state/m.room.join_rules/", &json!({ "join_rule": "public" }));
        assert_eq!(open, Some("A_28271"), "nothing is opened to everybody");
        assert_eq!(
            asked(Method::GET, "publicRooms?server=other", &Value::Null),
            Some("A_26520"),
            "other servers' rooms"
        );
    }
}
