//! Whom a message names besides in its words (client-server API v1.11, "User and room mentions").

use super::Conversation;
use super::lines::{Body, Sending};
use super::pending::{Act, Pending};
use crate::text::{Block, Span};
use crate::typed::{Whom, linked};
use matrix_sdk_ui::timeline::EventTimelineItem;
use ruma::events::Mentions;
use ruma::events::room::message::{FormattedBody, MessageType};
use ruma::events::room::power_levels::RoomPowerLevels;
use ruma::{OwnedUserId, UserId};
use std::collections::BTreeSet;

/// Whom a message means to reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Naming {
    /// Nobody, or others than the signed-in person.
    #[default]
    Others,
    /// The signed-in person, among others perhaps.
    Own,
    /// All who are in the conversation, where its sender may do that ([`Loud`]).
    Everybody,
}

/// Who may name everybody in a conversation at once: `notifications.room` of the power levels.
#[derive(Debug)]
pub struct Loud(RoomPowerLevels);

impl Loud {
    /// Whether somebody may, by Matrix user id.
    #[must_use]
    pub fn has(&self, user: &str) -> bool {
        UserId::parse(user).is_ok_and(|user| self.0.user_can_trigger_room_notification(&user))
    }
}

impl Conversation {
    /// Who may name everybody in it.
    pub async fn loud(&self) -> Loud {
        Loud(self.room.power_levels_or_default().await)
    }

    /// Whom a message named so far, as far as anybody was told: of a change that was not taken nobody has heard.
    pub(super) fn named_before(&self, event: &EventTimelineItem) -> Before {
        let unheard = event.event_id().is_some_and(|id| {
            let acts = self.shared.acts();
            let failed = matches!(acts.of(id), Some(Pending { act: Act::Change, sending: Sending::Failed(_) }));
            failed || acts.is_undone(id)
        });
        if unheard {
            let first = event.original_json().and_then(|json| json.get_field::<First>("content").ok().flatten());
            let First { mentions, formatted_body } = first.unwrap_or_default();
            let words = linked(formatted_body.map(FormattedBody::html).as_ref());
            return Before { mentions, words };
        }
        let Some(message) = event.content().as_message() else { return Before::default() };
        let words = if let MessageType::Text(text) = message.msgtype() {
            linked(text.formatted.as_ref())
        } else {
            BTreeSet::new()
        };
        Before { mentions: message.mentions().cloned(), words }
    }
}

/// Whom a message named before it is changed.
#[derive(Default)]
pub(super) struct Before {
    /// Those who were told; none where it did not say.
    pub(super) mentions: Option<Mentions>,
    words: BTreeSet<OwnedUserId>,
}

impl Before {
    /// Those whom it names without a word, as an answer names whom it answers: a change of its words leaves them.
    pub(super) fn silent(&self) -> Mentions {
        let all = self.mentions.iter().flat_map(|mentions| &mentions.user_ids);
        Mentions::with_user_ids(all.filter(|id| !self.words.contains(*id)).cloned())
    }
}

/// What a message said at first.
#[derive(Default, serde::Deserialize)]
struct First {
    #[serde(rename = "m.mentions")]
    mentions: Option<Mentions>,
    formatted_body: Option<String>,
}

/// Whom a message names: as it says, and where it says nothing, as older programs do, in its words.
pub(super) fn naming(mentions: Option<&Mentions>, body: &Body, own: &UserId) -> Naming {
    match mentions {
        Some(mentions) if mentions.user_ids.contains(own) => Naming::Own,
        Some(mentions) if mentions.room => Naming::Everybody,
        Some(_) => Naming::Others,
        None => {
            let blocks = match body {
                Body::Text { blocks, .. } | Body::Emote(blocks) => blocks.as_slice(),
                Body::File { caption, .. } => caption.as_slice(),
                Body::Form(_)
                | Body::Redacted { .. }
                | Body::Undecryptable(_)
                | Body::Repeated
                | Body::Unsupported { .. } => &[],
            };
            if names(blocks, own) { Naming::Own } else { Naming::Others }
        }
    }
}

/// What is quoted was said to others.
fn names(blocks: &[Block], own: &UserId) -> bool {
    let is_own = |span: &Span| match &span.mention {
        Some(Whom::Person(id)) => id == own.as_str(),
        Some(Whom::Everybody) | None => false,
    };
    blocks.iter().any(|block| match block {
        Block::Paragraph(spans) => spans.iter().any(is_own),
        Block::List { items, .. } => items.iter().any(|item| names(item, own)),
        Block::Quote(_) | Block::Code(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::{Naming, naming};
    use crate::conversation::lines::said;
    use ruma::events::Mentions;
    use ruma::events::room::message::MessageType;
    use ruma::{UserId, user_id};
    use serde_json::{Value, json};

    fn own() -> &'static UserId {
        user_id!("@anna:tim.example")
    }

    fn of(mentions: Option<Value>, markup: &str) -> Naming {
        let mentions: Option<Mentions> = mentions.map(|json| serde_json::from_value(json).expect("mentions"));
        let message: MessageType = serde_json::from_value(json!({
            "msgtype": "m.text", "body": "Anna", "format": "org.matrix.custom.html", "formatted_body": markup,
        }))
        .expect("a message");
        naming(mentions.as_ref(), &said(&message, None), own())
    }

    #[test]
    fn a_message_names_whom_it_says_and_not_whom_its_words_show() {
        let link = "<a href=\"https://matrix.to/#/@anna:tim.example\">Anna</a>";
        assert_eq!(of(Some(json!({ "user_ids": ["@anna:tim.example"] })), "x"), Naming::Own, "without a word");
        assert_eq!(of(Some(json!({})), link), Naming::Others, "a link alone tells nobody");
        assert_eq!(of(Some(json!({ "room": true })), "x"), Naming::Everybody, "all");
        let both = json!({ "room": true, "user_ids": ["@anna:tim.example"] });
        assert_eq!(of(Some(both), "x"), Naming::Own, "her above all");
        assert_eq!(of(Some(json!({ "user_ids": ["@ben:tim.example"] })), "x"), Naming::Others, "somebody else");
    }

    #[test]
    fn a_message_of_an_older_program_names_whom_its_words_link_to() {
        let link = "<a href=\"https://matrix.to/#/@anna:tim.example\">Anna</a>";
        assert_eq!(of(None, link), Naming::Own, "in a sentence");
        assert_eq!(of(None, &format!("<ul><li>{link}</li></ul>")), Naming::Own, "in a list");
        assert_eq!(of(None, &format!("<blockquote>{link}</blockquote>x")), Naming::Others, "not in what is quoted");
        assert_eq!(of(None, "Anna"), Naming::Others, "nor by her name alone");
    }
}
