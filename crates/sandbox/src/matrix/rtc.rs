//! The way into the media server of a round: which one it is (MSC4143), and who is let in.
//!
//! Who is let in is said as lk-jwt-service says it (`POST /sfu/get`): whoever shows an OpenID token gets one of LiveKit's
//! in the name of a device. Beyond that service this one asks whether the person is in the room and has such a device,
//! which it can since it is the homeserver as well. It never talks to the media server: both know one secret.

use super::Homeserver;
use super::ask::{Content, Session};
use super::powers::Powers;
use super::refusal::{Answer, Refusal, unrecognized};
use super::route::Shared;
use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Where the token service is, below the origin.
pub(crate) const SERVICE: &str = "/livekit";

/// How long somebody is let in: what lk-jwt-service gives.
const LIFE: SignedDuration = SignedDuration::from_hours(1);

/// The one round of a room (MSC4143).
const SLOT: &str = "m.call#ROOM";

/// Whoever has this power in the room leads its round.
const LEADS: i64 = 50;

/// Where the rounds of conversations are held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Rounds {
    /// On a media server of the platform's own, in its process.
    #[default]
    Here,
    /// On somebody else's.
    On(Sfu),
    /// Nowhere: the homeserver names no media server.
    Nowhere,
}

/// A server that speaks LiveKit's protocol.
#[derive(Clone, PartialEq, Eq)]
pub struct Sfu {
    /// Where clients open its WebSocket: `ws://HOST:PORT` or `wss://HOST`, with a path where it has one.
    pub url: String,
    /// The name of the secret that it shares with this platform.
    pub key: String,
    /// The secret.
    pub secret: Zeroizing<String>,
}

impl std::fmt::Debug for Sfu {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sfu").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Homeserver {
    /// The media servers of rounds as MSC4143 writes them; none where there is none.
    pub(crate) fn transports(&self) -> Vec<Value> {
        let service = format!("{}{SERVICE}", self.origin);
        let one = |_sfu: &Sfu| json!({ "type": "livekit", "livekit_service_url": service });
        self.sfu.iter().map(one).collect()
    }
}

/// MSC4143, "Discovery of RTC transports".
pub(crate) async fn transports(Extract(home): Extract<Shared>, _session: Session) -> Json<Value> {
    Json(json!({ "rtc_transports": home.transports() }))
}

/// `POST /sfu/get` of lk-jwt-service.
pub(crate) async fn sfu_get(Extract(home): Extract<Shared>, Content(body): Content) -> Answer {
    let sfu = home.sfu.as_ref().ok_or_else(unrecognized)?;
    let word = |value: &Value, name: &str| {
        let found = value[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        found.ok_or_else(|| Refusal::bad("M_BAD_JSON", format!("The request lacks {name}")))
    };
    let (room, device, shown) = (word(&body, "room")?, word(&body, "device_id")?, &body["openid_token"]);
    let (token, server) = (word(shown, "access_token")?, word(shown, "matrix_server_name")?);
    let user = home.shown_by(&token).filter(|_| server == home.name);
    let user = user.ok_or_else(|| {
        Refusal::new(StatusCode::UNAUTHORIZED, "M_UNAUTHORIZED", "The request could not be authorised.")
    })?;
    let state = home.read();
    let account = state.account(&user)?;
    let leads = Powers::of(state.inside(&room, &user)?).user(&user) >= LEADS;
    if !account.devices.contains_key(&device) {
        return Err(Refusal::forbidden(format!("User {user} has no device {device}")));
    }
    let claims = claims(sfu, &room, &format!("{user}:{device}"), &account.name, leads, home.clock.now());
    Ok(Json(json!({ "url": sfu.url, "jwt": signed(&claims, sfu.secret.as_bytes()) })))
}

/// What LiveKit is told of somebody (its `auth.ClaimGrants`). The round is there once the first has come.
fn claims(sfu: &Sfu, room: &str, identity: &str, name: &str, leads: bool, now: Timestamp) -> Value {
    let mut video = json!({
        "room": alias(room),
        "roomJoin": true,
        "canPublish": true,
        "canSubscribe": true,
        "canPublishData": true,
        "canUpdateOwnMetadata": true,
    });
    if leads {
        video["roomAdmin"] = json!(true);
    }
    json!({
        "iss": sfu.key,
        "sub": identity,
        "name": name,
        "nbf": now.as_second(),
        "exp": (now + LIFE).as_second(),
        "video": video,
    })
}

/// What a room's round is called on the media server, which need not know the room.
fn alias(room: &str) -> String {
    STANDARD_NO_PAD.encode(Sha256::digest(json!([room, SLOT]).to_string()))
}

/// A compact JWS with HS256 (RFC 7515 §7.1).
fn signed(claims: &Value, secret: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    let signature = signature(&input, secret);
    format!("{input}.{signature}")
}

/// RFC 7518 §3.2.
fn signature(input: &str, secret: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(input.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Sfu, URL_SAFE_NO_PAD, alias, signature};
    use base64::Engine as _;
    use zeroize::Zeroizing;

    /// RFC 7515, Appendix A.1.1.
    #[test]
    fn a_signature_is_the_one_of_the_standard() {
        let input = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                     eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = URL_SAFE_NO_PAD.decode(key).expect("the standard's key");
        assert_eq!(signature(input, &key), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "as the standard has it");
    }

    /// By Python's `hashlib` and `base64` from `["!runde:klinikum.example","m.call#ROOM"]`.
    #[test]
    fn a_round_is_called_by_a_hash_of_its_room() {
        assert_eq!(
            alias("!runde:klinikum.example"),
            "PkUHVLlT3FNoC2eiyv1zKLO36ztVPGtOIYRw0Ljq0is",
            "as others name it"
        );
    }

    #[test]
    fn the_secret_does_not_print() {
        let secret = Zeroizing::new("geheim".to_owned());
        let sfu = Sfu { url: "wss://sfu.example".to_owned(), key: "name".to_owned(), secret };
        assert!(!format!("{sfu:?}").contains("geheim"), "{sfu:?}");
    }
}
