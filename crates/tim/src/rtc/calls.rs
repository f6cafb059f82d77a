//! Calls to a round: whoever begins one tells the others of the conversation (MSC4075), and they may say that they do not
//! come (MSC4310). Both are encrypted like every message, and neither says whom the conversation is about.

use super::round::{Round, RoundError, failed};
use crate::account::Account;
use crate::conversation::is_forged;
use crate::list::{Kind, kind};
use crate::person::Person;
use matrix_sdk::deserialized_responses::EncryptionInfo;
use matrix_sdk::event_handler::EventHandlerDropGuard;
use matrix_sdk::{Room, RoomState};
use ruma::events::AnySyncMessageLikeEvent;
use ruma::serde::Raw;
use ruma::{EventId, OwnedUserId, UserId};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// A call to a round (MSC4075, its unstable name).
pub(crate) const CALL: &str = "org.matrix.msc4075.rtc.notification";
/// Somebody does not come (MSC4310, its unstable name).
pub(crate) const DECLINE: &str = "org.matrix.msc4310.rtc.decline";

/// How long a call lasts that is sent here.
const LASTS_MS: u64 = 60_000;
/// No call lasts longer, whatever it says (MSC4075 recommends it).
const LONGEST_MS: u64 = 90_000;
/// A clock that is further from the homeserver's is not believed (MSC4075).
const APART_MS: u64 = 20_000;
/// Calls that wait to be heard.
const WAITING: usize = 64;
/// Bytes of an event's id, at most (specification, appendices §4.2).
const LONGEST_ID: usize = 255;

/// What is heard of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallNews {
    /// Somebody calls.
    Called {
        /// The room's id.
        room: String,
        /// The call's own id, for [`Account::decline`].
        id: String,
        /// Who calls.
        by: Person,
        /// What the conversation is: the call is for this person alone, or for everybody in it.
        kind: Kind,
        /// It stops then, in milliseconds of the Unix epoch by this computer's clock.
        until_ms: u64,
    },
    /// Somebody does not come: another one, or this person on another device.
    Declined {
        /// The room's id.
        room: String,
        /// Which call.
        id: String,
        /// Who.
        by: Person,
    },
}

/// Calls for as long as somebody listens.
pub struct Calls {
    news: mpsc::Receiver<CallNews>,
    _handler: EventHandlerDropGuard,
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Calls")
    }
}

impl Calls {
    /// The next one; none where there is none any more.
    pub async fn next(&mut self) -> Option<CallNews> {
        self.news.recv().await
    }
}

impl Account {
    /// Calls to rounds that come from now on, and those that have come and go on. The own ones are not among them.
    pub fn calls(&self) -> Calls {
        let (tell, news) = mpsc::channel(WAITING);
        let own = self.client.user_id().map(ToOwned::to_owned);
        let heard = move |event: Raw<AnySyncMessageLikeEvent>, room: Room, info: Option<EncryptionInfo>| {
            // A homeserver could say in clear, or with somebody's name, who calls and who does not come.
            let sealed = info.is_some() && !is_forged(info.as_ref());
            let heard = own.as_deref().filter(|_| sealed).and_then(|own| hear(&event, own, now_ms()));
            let (tell, own) = (tell.clone(), own.clone());
            async move {
                let Some(Heard { id, sender, what }) = heard else { return };
                let by = Person::of_member(&room, &sender).await;
                let (kind, room) = (kind(&room).await, room.room_id().to_string());
                let news = match what {
                    What::Call { .. } if own.as_ref() == Some(&sender) => return,
                    What::Call { until_ms } => CallNews::Called { room, id, by, kind, until_ms },
                    What::Decline { of } => CallNews::Declined { room, id: of, by },
                };
                // Whoever does not listen has more to do than to be called.
                let _unheard = tell.try_send(news);
            }
        };
        let handler = self.client.add_event_handler(heard);
        Calls { news, _handler: self.client.event_handler_drop_guard(handler) }
    }

    /// Says to everybody in the conversation, and to the other devices of this person, that they do not come.
    ///
    /// # Errors
    /// [`RoundError`]
    pub async fn decline(&self, room: &str, call: &str) -> Result<(), RoundError> {
        let room = self.room(room).filter(|room| room.state() == RoomState::Joined).ok_or(RoundError::NotFound)?;
        let content = json!({ "m.relates_to": { "rel_type": "m.reference", "event_id": call } });
        send(&room, DECLINE, content).await.map(drop)
    }
}

impl Round {
    /// Calls the others to it. Gives the call's id.
    ///
    /// # Errors
    /// [`RoundError::NotThere`] where this device has not joined.
    pub async fn call(&self) -> Result<String, RoundError> {
        let membership = self.membership_event().ok_or(RoundError::NotThere)?;
        let direct = kind(self.room()).await == Kind::Person;
        let content = json!({
            "m.mentions": { "room": true, "user_ids": [] },
            "notification_type": if direct { "ring" } else { "notification" },
            "m.relates_to": { "rel_type": "m.reference", "event_id": membership },
            "sender_ts": now_ms(),
            "lifetime": LASTS_MS,
            "m.call.intent": "video",
        });
        send(self.room(), CALL, content).await
    }
}

/// Only where it is encrypted.
async fn send(room: &Room, kind: &str, content: Value) -> Result<String, RoundError> {
    super::round::check_encryption(room).await?;
    if crate::queue::is_held(room).await.map_err(|error| failed(&error))? {
        return Err(RoundError::IdentityChanged);
    }
    let sent = room.send_raw(kind, content).await.map_err(|error| failed(&error))?;
    Ok(sent.response.event_id.to_string())
}

/// An event that is about calls.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    id: String,
    sender: OwnedUserId,
    what: What,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    Call { until_ms: u64 },
    Decline { of: String },
}

/// None for everything else, and for calls that are over or make no sense.
fn hear(event: &Raw<AnySyncMessageLikeEvent>, own: &UserId, now_ms: u64) -> Option<Heard> {
    let kind = event.get_field::<String>("type").ok().flatten()?;
    if !matches!(kind.as_str(), CALL | DECLINE) {
        return None;
    }
    understand(&event.deserialize_as_unchecked().ok()?, own, now_ms)
}

fn understand(event: &Value, own: &UserId, now_ms: u64) -> Option<Heard> {
    let content = &event["content"];
    let relation = &content["m.relates_to"];
    let of = relation["event_id"].as_str().filter(|of| of.len() <= LONGEST_ID && EventId::parse(of).is_ok())?;
    if relation["rel_type"] != "m.reference" {
        return None;
    }
    let what = match event["type"].as_str()? {
        DECLINE => What::Decline { of: of.to_owned() },
        CALL => {
            if !matches!(content["notification_type"].as_str(), Some("ring" | "notification")) {
                return None;
            }
            let mentions = &content["m.mentions"];
            let named = mentions["user_ids"].as_array().is_some_and(|ids| ids.iter().any(|id| id == own.as_str()));
            if mentions["room"] != true && !named {
                return None;
            }
            let received = event["origin_server_ts"].as_u64()?;
            let sent = content["sender_ts"].as_u64().filter(|sent| sent.abs_diff(received) <= APART_MS);
            let lasts = content["lifetime"].as_u64().unwrap_or(LASTS_MS).min(LONGEST_MS);
            let until_ms = sent.unwrap_or(received).saturating_add(lasts);
            // By this computer's clock, which may be another one: the homeserver says how long ago it was (§4.6).
            let until_ms = match event["unsigned"]["age"].as_u64() {
                Some(age) => now_ms.saturating_sub(age).saturating_add(until_ms).saturating_sub(received),
                None => until_ms,
            };
            // One that says the future is as long as any, and no longer.
            let until_ms = until_ms.min(now_ms.saturating_add(LONGEST_MS));
            if until_ms <= now_ms {
                return None;
            }
            What::Call { until_ms }
        }
        _ => return None,
    };
    let sender = OwnedUserId::try_from(event["sender"].as_str()?).ok()?;
    Some(Heard { id: event["event_id"].as_str()?.to_owned(), sender, what })
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(now).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{CALL, DECLINE, What, understand};
    use ruma::OwnedUserId;
    use serde_json::{Value, json};

    const NOW: u64 = 1_780_000_000_000;

    fn me() -> OwnedUserId {
        OwnedUserId::try_from("@falkenried:klinik.example").expect("an id")
    }

    /// As Element Call sends it (MSC4075).
    fn call() -> Value {
        json!({
            "type": CALL, "event_id": "$call", "sender": "@sonnkaya:klinik.example", "origin_server_ts": NOW - 2_000,
            "content": {
                "m.mentions": { "user_ids": [], "room": true }, "notification_type": "ring",
                "m.relates_to": { "rel_type": "m.reference", "event_id": "$member" },
                "sender_ts": NOW - 3_000, "lifetime": 30_000, "m.call.intent": "video",
            },
        })
    }

    fn until(event: &Value) -> Option<u64> {
        match understand(event, &me(), NOW)?.what {
            What::Call { until_ms } => Some(until_ms),
            What::Decline { .. } => None,
        }
    }

    #[test]
    fn a_call_lasts_as_long_as_it_says_and_no_longer_than_any_may() {
        assert_eq!(until(&call()), Some(NOW - 3_000 + 30_000), "from when it was sent");
        let changed = |key: &str, value: Value| {
            let mut event = call();
            event["content"][key] = value;
            event
        };
        assert_eq!(until(&changed("lifetime", json!(600_000))), Some(NOW - 3_000 + 90_000), "no longer");
        assert_eq!(until(&changed("lifetime", Value::Null)), Some(NOW - 3_000 + 60_000), "it does not say");
        assert_eq!(until(&changed("sender_ts", json!(NOW + 500_000))), Some(NOW - 2_000 + 30_000), "a clock far away");
        assert_eq!(until(&changed("lifetime", json!(1_000))), None, "it is over");
        assert_eq!(until(&changed("notification_type", json!("shout"))), None, "of no known kind");
        let mut future = call();
        future["origin_server_ts"] = json!(NOW + 3_600_000);
        assert_eq!(until(&future), Some(NOW + 90_000), "a homeserver's clock that is ahead");
        let mut behind = call();
        behind["origin_server_ts"] = json!(NOW - 300_000);
        behind["content"]["sender_ts"] = json!(NOW - 301_000);
        assert_eq!(until(&behind), None, "it was long ago");
        behind["unsigned"] = json!({ "age": 2_000 });
        assert_eq!(until(&behind), Some(NOW - 3_000 + 30_000), "this computer's clock is ahead, and it was just now");
    }

    #[test]
    fn a_call_is_for_whom_it_names() {
        let mut event = call();
        event["content"]["m.mentions"] = json!({ "user_ids": ["@silbertal:klinik.example"] });
        assert_eq!(until(&event), None, "somebody else");
        event["content"]["m.mentions"] = json!({ "user_ids": ["@falkenried:klinik.example"] });
        assert!(until(&event).is_some(), "this person");
        event["content"]["m.mentions"] = json!({ "room": "true" });
        assert_eq!(until(&event), None, "nobody");
    }

    #[test]
    fn what_names_no_event_or_nobody_is_no_call() {
        for (what, pointer, value) in [
            ("no relation", "/content/m.relates_to", Value::Null),
            ("another relation", "/content/m.relates_to/rel_type", json!("m.replace")),
            ("no id", "/content/m.relates_to/event_id", json!("member")),
            ("a long id", "/content/m.relates_to/event_id", json!(format!("${}", "x".repeat(300)))),
            ("nobody", "/sender", json!("sonnkaya")),
            ("no event", "/event_id", Value::Null),
            ("another event", "/type", json!("m.room.message")),
        ] {
            let mut event = call();
            *event.pointer_mut(pointer).expect("it is there") = value;
            assert_eq!(understand(&event, &me(), NOW), None, "{what}");
        }
    }

    #[test]
    fn who_does_not_come_says_to_which_call() {
        let event = json!({
            "type": DECLINE, "event_id": "$decline", "sender": "@brunnengold:klinik.example", "origin_server_ts": NOW,
            "content": { "m.relates_to": { "rel_type": "m.reference", "event_id": "$call" } },
        });
        let heard = understand(&event, &me(), NOW).expect("it is one");
        assert_eq!(heard.sender.as_str(), "@brunnengold:klinik.example", "who");
        assert_eq!(heard.what, What::Decline { of: "$call".to_owned() }, "to which");
    }
}
