//! Events as clients get them (client-server API, "Event format").

use super::ask::Session;
use super::room::{Event, Room};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Who looks, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer<'a> {
    pub(crate) session: &'a Session,
    pub(crate) now: Timestamp,
}

impl Viewer<'_> {
    /// An event with everything that belongs to it.
    pub(crate) fn show(self, room: &Room, event: &Event) -> Value {
        let mut shown = self.plain(room, event);
        if let Some(redaction) = event.redacted_by.as_deref().and_then(|id| room.event(id)) {
            shown["unsigned"]["redacted_because"] = self.plain(room, redaction);
        }
        if let Some(edit) = room.edit_of(event) {
            shown["unsigned"]["m.relations"] = json!({ "m.replace": self.plain(room, edit) });
        }
        shown
    }

    /// The same as it stands in `/sync`, where the room is known.
    pub(crate) fn show_in_sync(self, room: &Room, event: &Event) -> Value {
        let mut shown = self.show(room, event);
        if let Some(members) = shown.as_object_mut() {
            members.remove("room_id");
        }
        shown
    }

    fn plain(self, room: &Room, event: &Event) -> Value {
        let mut shown = json!({
            "type": event.kind,
            "event_id": event.id,
            "room_id": room.id,
            "sender": event.sender,
            "origin_server_ts": event.milliseconds,
            "content": event.content,
            "unsigned": { "age": self.now.as_millisecond() - event.milliseconds },
        });
        if let Some(key) = &event.state_key {
            shown["state_key"] = json!(key);
        }
        if let Some(target) = &event.redacts {
            shown["redacts"] = json!(target);
            // Later room versions have it in the content; servers put it in both places for clients of any age.
            shown["content"]["redacts"] = json!(target);
        }
        let own = |(device, _): &&(String, String)| *device == self.session.device && event.sender == self.session.user;
        if let Some((_, transaction)) = event.transaction.as_ref().filter(own) {
            shown["unsigned"]["transaction_id"] = json!(transaction);
        }
        if let Some(former) = room.replaced_by(event) {
            shown["unsigned"]["replaces_state"] = json!(former.id);
            shown["unsigned"]["prev_content"] = former.content.clone();
        }
        shown
    }
}

/// A state event for somebody who is not in the room yet ("Stripped state").
pub(crate) fn stripped(event: &Event) -> Value {
    json!({
        "type": event.kind,
        "sender": event.sender,
        "state_key": event.state_key,
        "content": event.content,
    })
}
