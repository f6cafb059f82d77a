//! The forms of MatrixRTC on the wire, in both directions: memberships and media keys.
//!
//! Written is the compatibility mode of Element Call (`docs/matrix_rtc_modes.md`): a membership as room state. Read are
//! that, the older `oldest_membership`, and the sticky membership of MSC4143. It is raw JSON: the types of ruma 0.16
//! demand keys that programs leave out and drop those that they do not know. Nothing here reads a clock; times are
//! milliseconds of the Unix epoch.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use model::round::{MediaKey, MemberId};
use ruma::{DeviceId, OwnedDeviceId, OwnedUserId, RoomId, UserId};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;
use zeroize::Zeroizing;

/// A membership in the compatibility mode, as room state.
pub(crate) const MEMBER: &str = "org.matrix.msc3401.call.member";
/// A sticky membership (MSC4143, MSC4354).
pub(crate) const STICKY: &str = "org.matrix.msc4143.rtc.member";
/// Media keys, as an encrypted to-device message (matrix-js-sdk, `ToDeviceKeyTransport`).
pub(crate) const KEYS: &str = "io.element.call.encryption_keys";

/// How long a membership lasts that does not say it (matrix-js-sdk, `DEFAULT_EXPIRE_DURATION`).
pub(crate) const LASTS_MS: u64 = 4 * 3600 * 1000;
/// MSC4354: the longest time that an event sticks.
const STICKS_MS: u64 = 3600 * 1000;
/// Media servers of one membership that are looked at.
const MOST_FOCI: usize = 8;
/// Bytes of an address, at most.
const LONGEST_URL: usize = 1024;
/// Bytes of an id of Matrix, at most (specification, appendices §4.2).
const LONGEST_ID: usize = 255;

/// Where the media of a participant is: a LiveKit server, by the service that gives tokens for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Focus {
    /// Address of the token service (`lk-jwt-service`), http or https.
    pub service: Url,
    /// The room's name there, as older programs say it.
    pub alias: Option<String>,
}

/// Which of the media servers a participant uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection {
    /// The first that the participant names.
    Own,
    /// The first that the participant names who has been there longest.
    Oldest,
}

/// What a membership says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) user: OwnedUserId,
    pub(crate) device: OwnedDeviceId,
    /// The name on the media server.
    pub(crate) id: MemberId,
    pub(crate) since_ms: u64,
    /// Over from here on.
    pub(crate) until_ms: u64,
    pub(crate) foci: Vec<Focus>,
    pub(crate) selection: Selection,
}

/// What this device writes about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) user: OwnedUserId,
    pub(crate) device: OwnedDeviceId,
    pub(crate) since_ms: u64,
    pub(crate) focus: Focus,
}

impl Own {
    /// The state key of the membership. Room versions of MSC3757 and MSC3779 take none that begins with `@`; no TIM server
    /// makes such rooms.
    pub(crate) fn state_key(&self) -> String {
        format!("_{}_{}_m.call", self.user, self.device)
    }

    /// The content of a membership that lasts so long after its beginning.
    pub(crate) fn written(&self, lasts_ms: u64) -> Value {
        let mut focus = json!({ "type": "livekit", "livekit_service_url": self.focus.service });
        if let Some(alias) = &self.focus.alias {
            focus["livekit_alias"] = json!(alias);
        }
        json!({
            "application": "m.call",
            "call_id": "",
            "scope": "m.room",
            "device_id": self.device,
            "membershipID": format!("{}:{}", self.user, self.device),
            "expires": lasts_ms,
            "created_ts": self.since_ms,
            "m.call.intent": "video",
            "focus_active": { "type": "livekit", "focus_selection": "multi_sfu" },
            "foci_preferred": [focus],
        })
    }
}

/// `@user:server:DEVICE`, as the token service's `/sfu/get` names a participant.
pub(crate) fn plain_id(user: &UserId, device: &DeviceId) -> Option<MemberId> {
    MemberId::parse(&format!("{user}:{device}")).ok()
}

/// The membership that a state event of type [`MEMBER`] says, given whole. None where it says that somebody has left, or
/// nothing that counts: somebody may set state under anybody's key, and means nobody but themselves.
pub(crate) fn member(event: &Value) -> Option<Membership> {
    let (sender, content) = (user(&event["sender"])?, &event["content"]);
    let device = device(&content["device_id"])?;
    let key = event["state_key"].as_str()?;
    // matrix-js-sdk left the application out of the key until 2025.
    let key = key.strip_prefix('_').unwrap_or(key);
    let mine = format!("{sender}_{device}");
    if key.strip_suffix("_m.call").unwrap_or(key) != mine {
        return None;
    }
    let call = content["application"] == "m.call" && content["call_id"] == "" && content["scope"] == "m.room";
    if !call || content["focus_active"]["type"] != "livekit" {
        return None;
    }
    let selection = match content["focus_active"]["focus_selection"].as_str() {
        Some("oldest_membership") => Selection::Oldest,
        Some(_) | None => Selection::Own,
    };
    let sent_ms = event["origin_server_ts"].as_u64()?;
    // A clock that is ahead makes nobody the newest for hours.
    let since_ms = number(&content["created_ts"])?.map_or(sent_ms, |created| created.min(sent_ms));
    let lasts_ms = number(&content["expires"])?.unwrap_or(LASTS_MS);
    let foci = foci(content["foci_preferred"].as_array()?);
    let id = plain_id(&sender, &device)?;
    Some(Membership {
        user: sender,
        device,
        id,
        since_ms,
        until_ms: since_ms.saturating_add(lasts_ms),
        foci,
        selection,
    })
}

/// A sticky event of type [`STICKY`], given whole: whose, and the membership. None where it is not to be understood; no
/// membership where somebody has left.
pub(crate) fn sticky(event: &Value) -> Option<((OwnedUserId, String), Option<Membership>)> {
    let (sender, content) = (user(&event["sender"])?, &event["content"]);
    let key = short(&content["msc4354_sticky_key"], LONGEST_ID)?.to_owned();
    let place = (sender.clone(), key.clone());
    if content.as_object()?.len() == 1 {
        return Some((place, None));
    }
    let (said, device) = (&content["member"], device(&content["member"]["device_id"])?);
    let own = said["user_id"] == sender.as_str() && said["id"] == key.as_str();
    if !own || content["slot_id"] != "m.call#ROOM" || content["application"]["type"] != "m.call" {
        return None;
    }
    let sticks_ms = event["msc4354_sticky"]["duration_ms"].as_u64()?.min(STICKS_MS);
    let since_ms = event["origin_server_ts"].as_u64()?;
    let foci = foci(content["rtc_transports"].as_array()?);
    let id = hashed_id(&sender, &device, &key)?;
    let until_ms = since_ms.saturating_add(sticks_ms);
    let membership = Membership { user: sender, device, id, since_ms, until_ms, foci, selection: Selection::Own };
    Some((place, Some(membership)))
}

/// The name on the media server of somebody with a sticky membership, as the token service's `/get_token` makes it:
/// SHA-256 over canonical JSON of the three (lk-jwt-service, `helper.go`).
fn hashed_id(user: &UserId, device: &DeviceId, member: &str) -> Option<MemberId> {
    let hash = Sha256::digest(json!([user, device, member]).to_string());
    MemberId::parse(&base64::engine::general_purpose::STANDARD_NO_PAD.encode(hash)).ok()
}

fn foci(said: &[Value]) -> Vec<Focus> {
    said.iter().filter_map(focus).take(MOST_FOCI).collect()
}

fn focus(said: &Value) -> Option<Focus> {
    if said["type"] != "livekit" {
        return None;
    }
    let service = Url::parse(short(&said["livekit_service_url"], LONGEST_URL)?).ok()?;
    let alias = short(&said["livekit_alias"], LONGEST_ID).map(ToOwned::to_owned);
    matches!(service.scheme(), "https" | "http").then_some(Focus { service, alias })
}

/// The content that carries a key to the devices of others.
pub(crate) fn keys_written(key: &MediaKey, room: &RoomId, own: &Own, now_ms: u64) -> Value {
    let secret = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(key.reveal()));
    json!({
        "keys": { "index": key.index, "key": *secret },
        "room_id": room,
        "member": { "claimed_device_id": own.device, "id": format!("{}:{}", own.user, own.device) },
        "session": { "call_id": "", "application": "m.call", "scope": "m.room" },
        "sent_ts": now_ms,
    })
}

/// The key in the content of a message of type [`KEYS`], and when it was sent, if it says that.
pub(crate) fn keys(content: &Value) -> Option<(MediaKey, Option<u64>)> {
    let index = u8::try_from(content["keys"]["index"].as_u64()?).ok()?;
    // 64 bytes have 88 letters.
    let secret = decoded(short(&content["keys"]["key"], 88)?)?;
    Some((MediaKey::new(index, secret).ok()?, content["sent_ts"].as_u64()))
}

/// The content by which a participant is asked for their key.
pub(crate) fn request_written(room: &RoomId, own: &Own) -> Value {
    json!({
        "room_id": room,
        "member": { "claimed_device_id": own.device, "id": format!("{}:{}", own.user, own.device) },
    })
}

/// The room, and the device that its sender claims to be, of a key or of a request for one.
pub(crate) fn claimed(content: &Value) -> Option<(String, OwnedDeviceId)> {
    let room = short(&content["room_id"], LONGEST_ID)?.to_owned();
    Some((room, device(&content["member"]["claimed_device_id"])?))
}

/// Base64 with or without padding, of either alphabet.
fn decoded(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let standard = Zeroizing::new(text.replace('-', "+").replace('_', "/"));
    LENIENT.decode(standard.as_bytes()).ok()
}

fn user(value: &Value) -> Option<OwnedUserId> {
    UserId::parse(short(value, LONGEST_ID)?).ok()
}

fn device(value: &Value) -> Option<OwnedDeviceId> {
    let id = short(value, LONGEST_ID)?;
    (!id.is_empty() && !id.chars().any(char::is_control)).then(|| id.into())
}

fn short(value: &Value, longest: usize) -> Option<&str> {
    value.as_str().filter(|text| text.len() <= longest)
}

/// A number that may be left out, but not be something else.
#[expect(clippy::option_option, reason = "the outer one says that it is none")]
fn number(value: &Value) -> Option<Option<u64>> {
    if value.is_null() { Some(None) } else { value.as_u64().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::{Focus, Own, Selection, claimed, keys, keys_written, member, request_written, sticky};
    use model::round::MediaKey;
    use ruma::room_id;
    use serde_json::{Value, json};
    use url::Url;

    const USER: &str = "@adler:klinikum.example";

    fn own() -> Own {
        Own {
            user: ruma::user_id!("@adler:klinikum.example").to_owned(),
            device: "KONSIL01".into(),
            since_ms: 1_795_000_000_000,
            focus: Focus {
                service: Url::parse("https://sfu.klinikum.example/jwt").expect("an address"),
                alias: Some("!board:klinikum.example".to_owned()),
            },
        }
    }

    /// The membership that Element Call writes in its compatibility mode.
    fn element() -> Value {
        json!({
            "application": "m.call", "call_id": "", "scope": "m.room", "device_id": "KONSIL01",
            "membershipID": "@adler:klinikum.example:KONSIL01", "expires": 14_400_000, "created_ts": 1_795_000_000_000_u64,
            "m.call.intent": "video",
            "focus_active": { "type": "livekit", "focus_selection": "multi_sfu" },
            "foci_preferred": [{
                "type": "livekit", "livekit_service_url": "https://sfu.klinikum.example/jwt",
                "livekit_alias": "!board:klinikum.example"
            }]
        })
    }

    /// The membership of matrix-js-sdk 37.5 (`LegacyMembershipManager.makeMyMembership`).
    fn js() -> Value {
        json!({
            "call_id": "", "scope": "m.room", "application": "m.call", "device_id": "KONSIL01", "expires": 14_400_000,
            "focus_active": { "type": "livekit", "focus_selection": "oldest_membership" }, "foci_preferred": []
        })
    }

    fn state(key: &str, content: &Value) -> Value {
        json!({
            "type": "org.matrix.msc3401.call.member", "sender": USER, "state_key": key, "event_id": "$e",
            "origin_server_ts": 1_795_000_060_000_u64, "content": content
        })
    }

    const KEY: &str = "_@adler:klinikum.example_KONSIL01_m.call";

    #[test]
    fn a_membership_is_written_as_element_call_writes_it_and_read_again() {
        assert_eq!(own().written(14_400_000), element(), "the form that others read");
        assert_eq!(own().state_key(), KEY, "under the key of this device");
        let read = member(&state(KEY, &element())).expect("a membership");
        assert_eq!(read.id.as_str(), "@adler:klinikum.example:KONSIL01", "the name on the media server");
        assert_eq!((read.since_ms, read.until_ms), (1_795_000_000_000, 1_795_014_400_000), "from its beginning on");
        assert_eq!((read.foci, read.selection), (vec![own().focus], Selection::Own), "its own server");
    }

    #[test]
    fn the_membership_of_matrix_js_sdk_counts_from_when_it_was_sent() {
        let read = member(&state("_@adler:klinikum.example_KONSIL01", &js())).expect("a membership");
        assert_eq!((read.since_ms, read.until_ms), (1_795_000_060_000, 1_795_014_460_000), "the server's time");
        assert_eq!((read.foci.len(), read.selection), (0, Selection::Oldest), "where the oldest one is");
        let mut content = js();
        content["expires"] = Value::Null;
        content["created_ts"] = json!(1_795_009_000_000_u64);
        let read = member(&state(KEY, &content)).expect("a membership");
        assert_eq!(read.until_ms, 1_795_014_460_000, "four hours, and none has begun before it was said");
    }

    #[test]
    fn whoever_has_left_or_speaks_for_somebody_else_is_no_member() {
        assert_eq!(member(&state(KEY, &json!({}))), None, "gone");
        for key in [
            "_@other:klinikum.example_KONSIL01_m.call",
            "_@adler:klinikum.example_OTHER_m.call",
            "_@adler:klinikum.example_KONSIL01_m.call_m.call",
            "__@adler:klinikum.example_KONSIL01_m.call",
            "@adler:klinikum.example",
            "",
        ] {
            assert_eq!(member(&state(key, &element())), None, "{key}");
        }
        let mut event = state(KEY, &element());
        event["sender"] = json!("@other:klinikum.example");
        assert_eq!(member(&event), None, "set by somebody else");
        event["sender"] = Value::Null;
        assert_eq!(member(&event), None, "set by nobody");
    }

    #[test]
    fn hostile_memberships_are_none() {
        for (key, value) in [
            ("device_id", json!("x".repeat(256))),
            ("device_id", json!(7)),
            ("device_id", json!("KONSIL01\n")),
            ("application", json!("m.whiteboard")),
            ("call_id", json!("another")),
            ("scope", json!("m.user")),
            ("expires", json!(-1)),
            ("expires", json!("soon")),
            ("expires", json!(1.5)),
            ("created_ts", json!(-5)),
            ("focus_active", json!([])),
            ("focus_active", json!({ "type": "mesh" })),
            ("foci_preferred", json!({})),
            ("foci_preferred", Value::Null),
        ] {
            let mut content = element();
            content[key] = value.clone();
            assert_eq!(member(&state(KEY, &content)), None, "{key}: {value}");
        }
        for content in [json!([]), json!("x"), json!({ "memberships": [] }), Value::Null] {
            assert_eq!(member(&state(KEY, &content)), None, "{content}");
        }
        let mut content = element();
        content["expires"] = json!(u64::MAX);
        assert_eq!(member(&state(KEY, &content)).map(|read| read.until_ms), Some(u64::MAX), "no overflow");
    }

    #[test]
    fn only_addresses_of_the_web_are_media_servers_and_only_a_few_of_them() {
        let one = |url: String| json!({ "type": "livekit", "livekit_service_url": url });
        let mut content = element();
        content["foci_preferred"] = json!([
            { "type": "mesh" }, one("javascript:alert(1)".to_owned()), one("file:///etc".to_owned()), 7,
            one(format!("https://{}", "a".repeat(1024))), one("https://a.example".to_owned())
        ]);
        let read = member(&state(KEY, &content)).expect("a membership");
        let found: Vec<&str> = read.foci.iter().map(|focus| focus.service.as_str()).collect();
        assert_eq!(found, ["https://a.example/"], "the only one");
        content["foci_preferred"] = json!(vec![one("https://a.example".to_owned()); 100]);
        assert_eq!(member(&state(KEY, &content)).map(|read| read.foci.len()), Some(8), "not all of a hundred");
    }

    /// The sticky membership of Element Call (`membershipData/rtc.ts`).
    fn sticking() -> Value {
        json!({
            "type": "org.matrix.msc4143.rtc.member", "sender": USER, "origin_server_ts": 1_795_000_000_000_u64,
            "msc4354_sticky": { "duration_ms": 3_600_000 },
            "content": {
                "slot_id": "m.call#ROOM",
                "member": {
                    "id": "0b4c1e7a-4c55-4b52-9d7e-0a3a9ad1b6a1", "user_id": USER, "device_id": "KONSIL01"
                },
                "application": { "type": "m.call", "m.call.intent": "video" },
                "rtc_transports": [{ "type": "livekit", "livekit_service_url": "https://sfu.klinikum.example/jwt" }],
                "versions": [], "msc4354_sticky_key": "0b4c1e7a-4c55-4b52-9d7e-0a3a9ad1b6a1"
            }
        })
    }

    #[test]
    fn a_sticky_membership_has_a_hashed_name_and_lasts_an_hour_at_most() {
        let (place, read) = sticky(&sticking()).expect("it is understood");
        let read = read.expect("a membership");
        // Python: base64(sha256(json.dumps([user, device, id], separators=(',', ':')))) without padding.
        assert_eq!(read.id.as_str(), HASHED, "of user, device and membership");
        assert_eq!((read.until_ms, read.foci.len()), (1_795_003_600_000, 1), "an hour");
        let mut longer = sticking();
        longer["msc4354_sticky"]["duration_ms"] = json!(86_400_000);
        let read = sticky(&longer).and_then(|(_, read)| read);
        assert_eq!(read.map(|read| read.until_ms), Some(1_795_003_600_000), "and no longer");
        let mut left = sticking();
        left["content"] = json!({ "msc4354_sticky_key": "0b4c1e7a-4c55-4b52-9d7e-0a3a9ad1b6a1" });
        assert_eq!(sticky(&left), Some((place, None)), "gone, from the same place");
    }

    #[test]
    fn hostile_sticky_memberships_are_none() {
        for (path, value) in [
            ("/content/member/user_id", json!("@other:klinikum.example")),
            ("/content/member/id", json!("another")),
            ("/content/member/device_id", json!("")),
            ("/content/slot_id", json!("m.call#other")),
            ("/content/application/type", json!("m.whiteboard")),
            ("/content/rtc_transports", json!("none")),
            ("/content/msc4354_sticky_key", json!("k".repeat(256))),
            ("/msc4354_sticky/duration_ms", json!(-1)),
            ("/content", json!([])),
        ] {
            let mut event = sticking();
            *event.pointer_mut(path).expect("a key") = value;
            assert_eq!(sticky(&event), None, "{path}");
        }
        let mut event = sticking();
        event.as_object_mut().expect("an object").remove("msc4354_sticky");
        assert_eq!(sticky(&event), None, "it does not stick");
    }

    const HASHED: &str = "fLSzvDe104CaUgEA/FfvpxSyui4biyuTp45Lv3eCZ9A";
    const SECRET: [u8; 16] = [240, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255];

    #[test]
    fn a_key_is_written_as_matrix_js_sdk_writes_it() {
        let key = MediaKey::new(0, SECRET.to_vec()).expect("16 bytes");
        let expected = json!({
            "keys": { "index": 0, "key": "8PHy8/T19vf4+fr7/P3+/w==" }, "room_id": "!board:klinikum.example",
            "member": { "claimed_device_id": "KONSIL01", "id": "@adler:klinikum.example:KONSIL01" },
            "session": { "call_id": "", "application": "m.call", "scope": "m.room" }, "sent_ts": 5
        });
        assert_eq!(keys_written(&key, room_id!("!board:klinikum.example"), &own(), 5), expected, "the agreed form");
    }

    #[test]
    fn a_key_is_read_in_each_way_of_writing_base64() {
        for text in
            ["8PHy8/T19vf4+fr7/P3+/w==", "8PHy8/T19vf4+fr7/P3+/w", "8PHy8_T19vf4-fr7_P3-_w==", "8PHy8_T19vf4-fr7_P3-_w"]
        {
            // As matrix-js-sdk 37.5 sends it (`ToDeviceKeyTransport.sendKey`): no id, no time.
            let content = json!({
                "keys": { "index": 255, "key": text }, "room_id": "!board:klinikum.example",
                "member": { "claimed_device_id": "ABCDEF" },
                "session": { "call_id": "", "application": "m.call", "scope": "m.room" }
            });
            let (key, sent_ms) = keys(&content).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((key.index, key.reveal(), sent_ms), (255, &SECRET[..], None), "{text}");
            assert_eq!(claimed(&content), Some(("!board:klinikum.example".to_owned(), "ABCDEF".into())), "{text}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let good = json!({
            "keys": { "index": 1, "key": "8PHy8/T19vf4+fr7/P3+/w==" }, "room_id": "!r:s",
            "member": { "claimed_device_id": "A" }
        });
        assert!(keys(&good).is_some() && claimed(&good).is_some(), "this is one");
        for (path, value) in [
            ("/keys/index", json!(256)),
            ("/keys/index", json!(-1)),
            ("/keys/index", json!("1")),
            ("/keys/index", json!(1.0)),
            ("/keys/key", json!("8PHy8/T19vf4+fr7/P3+")),
            ("/keys/key", json!("A".repeat(88))),
            ("/keys/key", json!("A".repeat(4096))),
            ("/keys/key", json!("not base64 at all !!!!!!")),
            ("/keys", json!([])),
            ("/room_id", json!(7)),
            ("/room_id", json!("!".repeat(256))),
            ("/member", json!({ "id": "A" })),
            ("/member/claimed_device_id", json!("")),
        ] {
            let mut content = good.clone();
            *content.pointer_mut(path).expect("a key") = value;
            assert!(keys(&content).is_none() || claimed(&content).is_none(), "{path}");
        }
        assert!(keys(&json!("x")).is_none() && keys(&Value::Null).is_none(), "nor is anything else");
    }

    #[test]
    fn a_request_for_a_key_names_who_asks() {
        let content = request_written(room_id!("!board:klinikum.example"), &own());
        let expected = json!({
            "room_id": "!board:klinikum.example",
            "member": { "claimed_device_id": "KONSIL01", "id": "@adler:klinikum.example:KONSIL01" }
        });
        assert_eq!(content, expected, "the agreed form");
        assert_eq!(claimed(&content), Some(("!board:klinikum.example".to_owned(), "KONSIL01".into())), "and read");
    }
}
