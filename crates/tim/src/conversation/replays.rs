//! Messages that a homeserver gives out a second time, as another event.
//!
//! A message of a Megolm session has an index that its author uses once. The library does not look at it, and the
//! encrypted event is gone when a line is here. So where two events of a session say the same, word for word, they are
//! asked for as the homeserver has them: with two indexes the author has written twice, with one the later event is the
//! former over again. An answer that said "accepted" before "declined" would else be the newest once more.

use super::Shared;
use matrix_sdk::{HttpError, Room};
use matrix_sdk_base::crypto::vodozemac::megolm::MegolmMessage;
use matrix_sdk_ui::eyeball_im::Vector;
use matrix_sdk_ui::timeline::{EventTimelineItem, TimelineItem};
use ruma::api::client::{context::get_context, room::get_room_event};
use ruma::events::AnyTimelineEvent;
use ruma::serde::Raw;
use ruma::{EventId, OwnedEventId, UInt};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

/// What was looked at, of an open conversation.
#[derive(Default)]
pub(super) struct Replays {
    known: BTreeSet<OwnedEventId>,
    alike: BTreeMap<u64, BTreeSet<OwnedEventId>>,
    repeated: BTreeSet<OwnedEventId>,
}

impl Replays {
    /// Whether an event is a former one over again.
    pub(super) fn holds(&self, event: &EventTimelineItem) -> bool {
        event.event_id().is_some_and(|id| self.repeated.contains(id))
    }

    /// Takes in what is new among the lines; gives events that say the same in the same session, in their order.
    pub(super) fn take(&mut self, items: &Vector<Arc<TimelineItem>>) -> Vec<Vec<OwnedEventId>> {
        let mut grown = BTreeSet::new();
        for event in items.iter().filter_map(|item| item.as_event()) {
            let Some(id) = event.event_id().filter(|id| !self.known.contains(*id)) else { continue };
            let Some(said) = said(event) else { continue };
            self.known.insert(id.to_owned());
            let of = self.alike.entry(said).or_default();
            of.insert(id.to_owned());
            if of.len() > 1 {
                grown.insert(said);
            }
        }
        let ordered = |said: &u64| -> Option<Vec<OwnedEventId>> {
            let of = self.alike.get(said)?;
            let events = items.iter().filter_map(|item| item.as_event()?.event_id());
            Some(events.filter(|id| of.contains(*id)).map(ToOwned::to_owned).collect())
        };
        grown.iter().filter_map(ordered).collect()
    }

    /// They are looked at again when something changes.
    fn forget(&mut self, events: &[OwnedEventId]) {
        for event in events {
            self.known.remove(event);
        }
    }
}

/// What an event says, by whom and in which session; none where that is not known.
fn said(event: &EventTimelineItem) -> Option<u64> {
    let session = event.encryption_info()?.session_id()?;
    let content = event.original_json()?.get_field::<Box<serde_json::value::RawValue>>("content").ok()??;
    let mut hasher = DefaultHasher::new();
    (event.sender(), session, content.get()).hash(&mut hasher);
    Some(hasher.finish())
}

/// Finds out which of events that say the same are former ones over again.
pub(super) async fn judge(room: Room, shared: Arc<Shared>, events: Vec<OwnedEventId>) {
    let (mut first, mut indexes) = (None, BTreeSet::new());
    let (mut unfounded, mut repeated) = (Vec::new(), Vec::new());
    for id in &events {
        match index(&room, id).await {
            // Another text than was shown proves nothing of the one that was.
            Ok(Some((index, content))) if *first.get_or_insert_with(|| content.clone()) == content => {
                if !indexes.insert(index) {
                    repeated.push(id.clone());
                }
            }
            Ok(_) => unfounded.push(id.clone()),
            Err(error) => {
                tracing::debug!(%error, "whether a message came twice could not be asked");
                shared.replays().forget(&events);
                return;
            }
        }
    }
    // A homeserver that knows the one and denies the other has shown what it does not have.
    if !indexes.is_empty() {
        repeated.append(&mut unfounded);
    }
    if !repeated.is_empty() {
        tracing::warn!(events = repeated.len(), "messages were given out a second time");
        shared.replays().repeated.extend(repeated);
        shared.changed();
    }
}

/// The index under which an event is encrypted, and what it says; none when the homeserver has no such event.
async fn index(room: &Room, id: &EventId) -> Result<Option<(u32, Value)>, HttpError> {
    let Some(raw) = encrypted(room, id).await? else { return Ok(None) };
    let field = |name: &str| raw.get_field::<Value>(name).ok().flatten();
    if field("event_id").is_none_or(|found| found != id.as_str()) {
        return Ok(None);
    }
    let content = field("content").unwrap_or_default();
    let Some(message) = content["ciphertext"].as_str().and_then(|text| MegolmMessage::from_base64(text).ok()) else {
        return Ok(None);
    };
    // Its index is believed only of what can be read.
    let Ok(event) = room.decrypt_event(raw.cast_ref_unchecked(), None).await else { return Ok(None) };
    let said = event.raw().get_field::<Value>("content").ok().flatten().filter(|_| !event.kind.is_utd());
    Ok(said.map(|said| (message.message_index(), said)))
}

/// As the homeserver has it. Proxies of the TI-Messenger may not forward `/event`: then it stands in its context.
async fn encrypted(room: &Room, id: &EventId) -> Result<Option<Raw<AnyTimelineEvent>>, HttpError> {
    let (client, place) = (room.client(), room.room_id().to_owned());
    match client.send(get_room_event::v3::Request::new(place.clone(), id.to_owned())).await {
        Ok(found) => return Ok(Some(found.event)),
        Err(error) if refuses(&error) => {}
        Err(error) => return Err(error),
    }
    let mut request = get_context::v3::Request::new(place, id.to_owned());
    request.limit = UInt::MIN;
    match client.send(request).await {
        Ok(found) => Ok(found.event),
        Err(error) if refuses(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether it is an answer, and not a fault or a wish to be asked later.
fn refuses(error: &HttpError) -> bool {
    error.as_client_api_error().is_some_and(|error| error.status_code.is_client_error() && error.status_code != 429)
}
