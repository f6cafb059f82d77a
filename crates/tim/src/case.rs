//! Which case a conversation belongs to: an encrypted message says it, a pinned event id finds it again.
//!
//! Nothing of it stands in what a homeserver can read: no name, no topic, no state but the id of an event. The link only
//! finds the case; whoever reads it looks the case up in a record of their own.

use crate::account::Account;
use crate::conversation::{Conversation, ConversationError};
use crate::name::clean;
use matrix_sdk::Room;
use matrix_sdk::deserialized_responses::{TimelineEvent, VerificationLevel, VerificationState};
use model::names::CASE;
use ruma::events::room::pinned_events::RoomPinnedEventsEventContent;
use ruma::events::room::power_levels::UserPowerLevel;
use ruma::{EventId, OwnedEventId, UInt, UserId, int};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The form of the link that this program writes and reads.
const VERSION: u64 = 1;
/// Letters of an address at most, of a case's number at most.
const LONGEST: usize = 1024;
const LONGEST_NUMBER: usize = 64;
/// Pinned events that are looked at, from the newest on: a hostile room pins thousands.
const MOST_PINNED: usize = 20;

/// A case of a record.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CaseLink {
    /// Base address of the FHIR server that has it, without a slash at its end.
    pub base: String,
    /// Type and id there, such as `ServiceRequest/sr-0417`.
    pub reference: String,
    /// The number that people know it by.
    pub number: Option<String>,
}

impl std::fmt::Debug for CaseLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CaseLink([not shown])")
    }
}

impl CaseLink {
    /// Whether both mean the same case.
    #[must_use]
    pub fn is_same_case(&self, other: &Self) -> bool {
        self.base == other.base && self.reference == other.reference
    }
}

/// What a pinned event says of the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pinned {
    /// The conversation belongs to this case.
    Case(CaseLink),
    /// It names one in a form that a newer program writes.
    Newer,
    /// It says nothing that counts.
    Nothing,
}

/// How somebody stands to a room, as far as this device knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// A member.
    There,
    /// Asked, and not come yet.
    Awaited,
    /// Gone, or never willing to come.
    Gone,
}

impl Account {
    /// Event ids that are pinned in a conversation, the newest first.
    #[must_use]
    pub fn pinned(&self, room: &str) -> Vec<String> {
        self.room(room).map(|room| pinned(&room)).unwrap_or_default()
    }

    /// What a pinned event says of the case. None when that is not known yet: its key has not come, its sender's device
    /// is not known as signed, or the homeserver does not answer.
    pub async fn read_case(&self, room: &str, event: &str) -> Option<Pinned> {
        let (room, id) = (self.room(room)?, EventId::parse(event).ok()?);
        let mut event = room.load_or_fetch_event(&id, None).await.ok();
        // What is kept was judged when it came: a sender's device may have signed itself since.
        if event.as_ref().is_none_or(|event| event.kind.is_utd() || matches!(signature(event), Signature::NotYet)) {
            // Whoever never writes in a room follows nobody's keys there, and has them as they came with the message.
            if let Some(sender) = event.as_ref().and_then(TimelineEvent::sender)
                && let Err(error) = self.client.encryption().request_user_identity(&sender).await
            {
                tracing::debug!(%error, "a sender's keys could not be asked for");
            }
            event = fetch(&room, &id).await;
        }
        let event = event.filter(|event| !event.kind.is_utd())?;
        let levels = room.power_levels().await.ok()?;
        if !event.sender().is_some_and(|sender| may_decide(levels.for_user(&sender))) {
            return Some(Pinned::Nothing);
        }
        match signature(&event) {
            Signature::Good => {}
            Signature::NotYet => return None,
            Signature::Bad => return Some(Pinned::Nothing),
        }
        let content = event.raw().get_field::<Value>("content").ok().flatten()?;
        Some(match read(&content) {
            Some(Ok(link)) => Pinned::Case(link),
            Some(Err(Unreadable::Newer)) => Pinned::Newer,
            Some(Err(Unreadable::Malformed)) | None => Pinned::Nothing,
        })
    }

    /// Says that a conversation belongs to a case, and pins that in the place of what said it before. The text is for
    /// programs that know nothing of cases. Gives the event's id.
    ///
    /// # Errors
    /// [`ConversationError`]; the conversation belongs to what it belonged to.
    pub async fn link_case(
        &self,
        room: &str,
        link: &CaseLink,
        text: &str,
        former: &[String],
    ) -> Result<String, ConversationError> {
        let room = self.room(room).ok_or(ConversationError::NotFound)?;
        let encryption = room.latest_encryption_state().await.map_err(|_error| ConversationError::EncryptionUnknown)?;
        if !encryption.is_encrypted() {
            return Err(ConversationError::NotEncrypted);
        }
        let failed = |error: matrix_sdk::Error| ConversationError::Failed(error.to_string());
        let own = room.own_user_id();
        let levels = room.power_levels().await.map_err(|error| ConversationError::Failed(error.to_string()))?;
        if !may_decide(levels.for_user(own)) {
            return Err(ConversationError::NotAllowed);
        }
        // It goes at once and not by the queue that would hold it.
        if crate::queue::is_held(&room).await.map_err(failed)? {
            return Err(ConversationError::IdentityChanged);
        }
        let sent = room.send_raw("m.room.message", written(link, text)).await.map_err(failed)?;
        let event = sent.response.event_id;
        let mut pinned: Vec<OwnedEventId> = room.pinned_event_ids().unwrap_or_default();
        pinned.retain(|pinned| !former.iter().any(|former| *former == pinned.as_str()));
        pinned.push(event.clone());
        room.send_state_event(RoomPinnedEventsEventContent::new(pinned)).await.map_err(failed)?;
        Ok(event.to_string())
    }

    /// How somebody stands to a conversation.
    pub async fn presence(&self, room: &str, user: &str) -> Presence {
        use ruma::events::room::member::MembershipState;
        let (Some(room), Ok(user)) = (self.room(room), UserId::parse(user)) else { return Presence::Gone };
        match room.get_member_no_sync(&user).await.ok().flatten().map(|member| member.membership().clone()) {
            Some(MembershipState::Join) => Presence::There,
            Some(MembershipState::Leave | MembershipState::Ban) => Presence::Gone,
            // An invitation that was just sent is not here before the sync brings it.
            Some(_) | None => Presence::Awaited,
        }
    }
}

pub(crate) fn pinned(room: &matrix_sdk_base::Room) -> Vec<String> {
    let pinned = room.pinned_event_ids().unwrap_or_default();
    pinned.iter().rev().take(MOST_PINNED).map(ToString::to_string).collect()
}

impl Conversation {
    /// Whether the signed-in person may say which case it belongs to.
    pub async fn may_link_case(&self) -> bool {
        let levels = self.room.power_levels().await;
        levels.is_ok_and(|levels| may_decide(levels.for_user(self.room.own_user_id())))
    }
}

/// TIM proxies may not forward `/event`: then the event stands in the middle of its context.
async fn fetch(room: &Room, id: &EventId) -> Option<TimelineEvent> {
    match room.event(id, None).await {
        Ok(event) => Some(event),
        Err(error) => {
            tracing::debug!(%error, "a pinned event is looked for in its context");
            let context = room.event_with_context(id, true, UInt::MIN, None).await.ok()?;
            context.event
        }
    }
}

/// 50 and more, as for the room's name: whoever may not do that does not decide what the room is about.
pub(crate) fn may_decide(level: UserPowerLevel) -> bool {
    match level {
        UserPowerLevel::Infinite => true,
        UserPowerLevel::Int(level) => level >= int!(50),
        _ => false,
    }
}

/// Whether an event is encrypted by a device that its owner has signed.
enum Signature {
    Good,
    /// A device that is new signs itself a moment later, and its signature comes with a later sync.
    NotYet,
    Bad,
}

fn signature(event: &TimelineEvent) -> Signature {
    let Some(info) = event.encryption_info() else { return Signature::Bad };
    match &info.verification_state {
        VerificationState::Verified | VerificationState::Unverified(VerificationLevel::UnverifiedIdentity) => {
            Signature::Good
        }
        VerificationState::Unverified(VerificationLevel::UnsignedDevice | VerificationLevel::None(_)) => {
            Signature::NotYet
        }
        VerificationState::Unverified(
            VerificationLevel::VerificationViolation | VerificationLevel::MismatchedSender,
        ) => Signature::Bad,
    }
}

fn written(link: &CaseLink, text: &str) -> Value {
    let mut block = json!({ "v": VERSION, "base": link.base, "ref": link.reference });
    if let Some(number) = &link.number {
        block["number"] = json!(number);
    }
    json!({ "msgtype": "m.text", "body": text, "m.mentions": {}, CASE: block })
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Newer,
    Malformed,
}

/// The link in a message's content, if it has one.
pub(crate) fn read(content: &Value) -> Option<Result<CaseLink, Unreadable>> {
    let block = content.get(CASE)?;
    Some(match block["v"].as_u64() {
        Some(VERSION) => link_of(block).ok_or(Unreadable::Malformed),
        Some(version) if version > VERSION => Err(Unreadable::Newer),
        Some(_) | None => Err(Unreadable::Malformed),
    })
}

/// The case that a block names by `base` and `ref`.
pub(crate) fn link_of(block: &Value) -> Option<CaseLink> {
    let base = block["base"].as_str()?.trim_end_matches('/');
    let web = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"))?;
    let reference = block["ref"].as_str()?;
    let number = block["number"].as_str().map(clean).filter(|number| !number.is_empty());
    let short = base.len() <= LONGEST && number.as_ref().is_none_or(|number| number.chars().count() <= LONGEST_NUMBER);
    (!web.is_empty() && is_reference(reference) && short).then(|| CaseLink {
        base: base.to_owned(),
        reference: reference.to_owned(),
        number,
    })
}

/// Whether a text is type and id of a resource, such as `ServiceRequest/sr-0417`.
pub(crate) fn is_reference(text: &str) -> bool {
    let Some((kind, id)) = text.split_once('/') else { return false };
    let kind_fits = (1..=LONGEST_NUMBER).contains(&kind.len()) && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
    // FHIR R4 `id`: [A-Za-z0-9\-\.]{1,64}; one of dots alone would lead elsewhere in a path.
    let id_fits = (1..=64).contains(&id.len())
        && id.bytes().any(|byte| byte != b'.')
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    kind_fits && id_fits
}

#[cfg(test)]
mod tests {
    use super::{CaseLink, Unreadable, read, written};
    use serde_json::{Value, json};

    fn link() -> CaseLink {
        CaseLink {
            base: "https://fhir.eschenland.example/fhir".to_owned(),
            reference: "ServiceRequest/sr-0417".to_owned(),
            number: Some("K-2026-0417".to_owned()),
        }
    }

    #[test]
    fn a_link_is_written_as_a_text_with_the_case_beside_it() {
        let content = written(&link(), "Dieses Gespräch gehört zu Fall K-2026-0417.");
        let expected = json!({
            "msgtype": "m.text", "body": "Dieses Gespräch gehört zu Fall K-2026-0417.", "m.mentions": {},
            "de.konsil.case": {
                "v": 1, "base": "https://fhir.eschenland.example/fhir", "ref": "ServiceRequest/sr-0417",
                "number": "K-2026-0417"
            }
        });
        assert_eq!(content, expected, "the form that is agreed");
        assert_eq!(read(&content), Some(Ok(link())), "and it is read again");
    }

    #[test]
    fn keys_that_are_not_known_do_not_matter_and_a_newer_form_is_told_apart() {
        let with = |key: &str, value: Value| {
            let mut content = written(&link(), "x");
            content["de.konsil.case"][key] = value;
            read(&content).expect("it has a block")
        };
        assert_eq!(with("later", json!({ "a": [1] })), Ok(link()), "a new key is passed over");
        assert_eq!(with("v", json!(2)), Err(Unreadable::Newer), "a newer form is not guessed at");
        assert_eq!(read(&json!({ "body": "x" })), None, "another message has none");
    }

    #[test]
    fn what_is_no_address_of_a_case_is_refused() {
        for (key, value) in [
            ("base", json!("javascript:alert(1)")),
            ("base", json!("https://")),
            ("base", json!(format!("https://{}", "a".repeat(2000)))),
            ("ref", json!("ServiceRequest")),
            ("ref", json!("ServiceRequest/../Patient/1")),
            ("ref", json!(format!("ServiceRequest/{}", "a".repeat(65)))),
            ("ref", json!(7)),
            ("number", json!("9".repeat(65))),
            ("v", json!("1")),
            ("v", json!(0)),
        ] {
            let mut content = written(&link(), "x");
            content["de.konsil.case"][key] = value.clone();
            assert_eq!(read(&content), Some(Err(Unreadable::Malformed)), "{key}: {}", value.to_string().len());
        }
    }
}
