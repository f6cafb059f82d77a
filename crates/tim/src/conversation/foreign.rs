//! Messages of kinds that other programs have: that something was said, and its text for programs that do not know it.

use crate::form;
use ruma::events::room::message::Relation;
use ruma::events::{AnySyncMessageLikeEvent, AnySyncTimelineEvent, SyncMessageLikeEvent};
use serde_json::Value;

/// Kinds of Matrix' own that somebody reads and the library does not show: extensible events (MSC1767), polls (MSC3381).
const READ: &[&str] = &[
    "m.audio",
    "m.emote",
    "m.file",
    "m.image",
    "m.location",
    "m.message",
    "m.notice",
    "m.poll.start",
    "m.video",
    "m.voice",
];
/// Whose other kinds are for programs: calls, keys, comparisons, members of rounds, answers to polls.
const FOR_PROGRAMS: &[&str] = &["m.", "org.matrix.", "io.element.", "im.vector.", "de.konsil."];

/// Whether an event that the library leaves out is something that somebody said.
pub(super) fn is_said(event: &AnySyncTimelineEvent) -> bool {
    match event {
        AnySyncTimelineEvent::MessageLike(AnySyncMessageLikeEvent::RoomMessage(SyncMessageLikeEvent::Original(
            event,
        ))) => !matches!(event.content.relates_to, Some(Relation::Replacement(_))),
        AnySyncTimelineEvent::MessageLike(event) => event.original_content().is_some() && is_of_people(&kind(event)),
        AnySyncTimelineEvent::State(_) => false,
    }
}

fn kind(event: &AnySyncMessageLikeEvent) -> String {
    event.event_type().to_string()
}

fn is_of_people(kind: &str) -> bool {
    READ.contains(&kind) || !FOR_PROGRAMS.iter().any(|space| kind.starts_with(space))
}

/// The text that an event of an unknown kind has for programs that do not know it: gematik's, an extensible event's, or
/// the body of an ordinary message.
pub(super) fn text(event: &str) -> Option<String> {
    if let Some(text) = form::text_of_fhir(event) {
        return Some(text);
    }
    let event: Value = serde_json::from_str(event).ok()?;
    let content = event.get("content")?;
    let extensible = content["m.text"].as_array().and_then(|texts| {
        texts.iter().find(|text| text["mimetype"].as_str().is_none_or(|kind| kind == "text/plain"))?["body"].as_str()
    });
    let text = extensible.or_else(|| content["org.matrix.msc1767.text"].as_str()).or_else(|| content["body"].as_str());
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{is_of_people, text};
    use serde_json::json;

    #[test]
    fn what_programs_tell_each_other_is_nothing_that_was_said() {
        for kind in [
            "m.call.invite",
            "m.call.candidates",
            "m.room.encryption",
            "m.room.member",
            "m.reaction",
            "m.key.verification.start",
            "m.poll.response",
            "m.rtc.notification",
            "org.matrix.msc3401.call.member",
            "org.matrix.msc4143.rtc.member",
            "io.element.call.encryption_keys",
            "de.konsil.round.key_request",
        ] {
            assert!(!is_of_people(kind), "{kind}");
        }
        for kind in ["de.gematik.fhir", "de.wald-krankenhaus.dicom", "com.example.note", "m.poll.start", "m.message"] {
            assert!(is_of_people(kind), "{kind}");
        }
    }

    #[test]
    fn the_text_for_other_programs_is_found_where_each_of_them_puts_it() {
        let of =
            |content: serde_json::Value| text(&json!({ "type": "com.example.note", "content": content }).to_string());
        let gematik = json!({ "de.gematik.text": [{ "mimetype": "text/plain", "body": "Rezept" }] });
        assert_eq!(of(gematik).as_deref(), Some("Rezept"), "structuredData.json of gematik's api-ti-messenger");
        let html = json!({ "mimetype": "text/html", "body": "<b>Notiz</b>" });
        let extensible = json!({ "m.text": [html, { "body": "Notiz" }] });
        assert_eq!(of(extensible).as_deref(), Some("Notiz"), "MSC1767: plain where no type is named");
        assert_eq!(of(json!({ "org.matrix.msc1767.text": "alt" })).as_deref(), Some("alt"), "its former name");
        assert_eq!(of(json!({ "body": " Zettel " })).as_deref(), Some("Zettel"), "as an ordinary message");
        for nothing in [json!({}), json!({ "body": 7 }), json!({ "body": " " }), json!({ "m.text": [html] }), json!([])]
        {
            assert_eq!(of(nothing.clone()), None, "{nothing}");
        }
    }
}
