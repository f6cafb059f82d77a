//! From the library's timeline to lines that a page can show.

use super::event_of;
use super::foreign;
use super::naming::{Naming, naming};
use super::pending::{Act, Acts, Pending};
use super::replays::Replays;
use crate::case::CaseLink;
use crate::file::{DescribedStudy, StudyLabel, in_parts, picture_of, study_said};
use crate::form::{self, Answered, DocumentFile, Form, Structured};
use crate::list::moment;
use crate::name::{clean_file, clean_media_type};
use crate::person::Person;
use crate::recovery::RecoveryState;
use crate::text::{Block, blocks, one_line, with_everybody};
use crate::typed::Typed;
use jiff::Timestamp;
use matrix_sdk::QueueWedgeError;
use matrix_sdk::deserialized_responses::{EncryptionInfo, VerificationLevel, VerificationState};
use matrix_sdk_base::crypto::types::events::UtdCause;
use matrix_sdk_ui::eyeball_im::Vector;
use matrix_sdk_ui::timeline::{
    AnyOtherStateEventContentChange as StateChange, EncryptedMessage, EventSendState, EventTimelineItem,
    InReplyToDetails, MembershipChange, MsgLikeContent, MsgLikeKind, OtherMessageLike, TimelineDetails,
    TimelineEventShieldState, TimelineEventShieldStateCode, TimelineItem, TimelineItemContent, TimelineItemKind,
    VirtualTimelineItem,
};
use reqwest::StatusCode;
use ruma::events::Mentions;
use ruma::events::room::message::{FormattedBody, MessageType};
use ruma::{EventId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the sender says about a picture or a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Whether there is a small one.
    pub thumbnail: bool,
}

/// A line of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A day begins.
    Day {
        /// Stable while the line is shown.
        id: String,
        /// A moment of that day.
        at: Timestamp,
    },
    /// What follows is unread.
    Unread {
        /// Stable while the line is shown.
        id: String,
    },
    /// A message.
    Message(Box<Message>),
    /// People came, left or changed the conversation.
    Changes {
        /// Stable while the line is shown.
        id: String,
        /// In order.
        changes: Vec<Change>,
        /// When the last was.
        at: Timestamp,
    },
}

/// Names a message while its conversation is open, also before the homeserver has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageId(pub String);

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name here.
    pub id: MessageId,
    /// The event's id, once the homeserver has it.
    pub event: Option<String>,
    /// Who wrote it.
    pub sender: Person,
    /// When, as the homeserver says.
    pub at: Timestamp,
    /// What it says.
    pub body: Body,
    /// Whether it was changed.
    pub edited: bool,
    /// The message it answers.
    pub reply_to: Option<Replied>,
    /// Reactions in the order of the first of each.
    pub reactions: Vec<Reaction>,
    /// How far an own message is.
    pub sending: Sending,
    /// What was done to it here and waits, or was not taken.
    pub pending: Option<Pending>,
    /// Whether the signed-in person may change it.
    pub may_edit: bool,
    /// Whether the signed-in person may delete it for everyone.
    pub may_redact: bool,
    /// It came in clear into an encrypted conversation.
    pub in_clear: bool,
    /// Whom it means to reach. What this person wrote reaches others.
    pub naming: Naming,
    /// Who has read up to here and no further, by user id, without sender and signed-in person. Empty unless the person
    /// wants it ([`crate::Signals`]).
    pub read_by: Vec<String>,
}

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// Text.
    Text {
        /// Its blocks.
        blocks: Vec<Block>,
        /// As it was typed.
        source: Typed,
    },
    /// What the sender does.
    Emote(Vec<Block>),
    /// A file.
    File {
        /// Cleaned name.
        name: String,
        /// Media type as the sender says, where that is one.
        mimetype: Option<String>,
        /// Bytes as the sender says.
        size: Option<u64>,
        /// What the sender says about the study that it is.
        study: Option<StudyLabel>,
        /// What the sender says about the picture that it is, or about the small one of a study.
        picture: Option<Picture>,
        /// What the sender wrote about it (MSC2530); empty where that is nothing.
        caption: Vec<Block>,
    },
    /// A structured message.
    Form(Box<Structured>),
    /// Deleted.
    Redacted {
        /// By whom.
        by: Option<Person>,
        /// When.
        at: Option<Timestamp>,
    },
    /// It cannot be decrypted yet.
    Undecryptable(Undecryptable),
    /// The homeserver gives out a former message over again.
    Repeated,
    /// A kind that is not shown.
    Unsupported {
        /// What the sender wrote for programs like this one.
        fallback: Option<String>,
    },
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body([not shown])")
    }
}

/// Why a message cannot be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecryptable {
    /// The recovery key opens it.
    RecoveryKeyNeeded,
    /// It is older than this device, and nobody kept its key.
    BeforeThisDevice,
    /// It is older than this person's membership.
    BeforeJoining,
    /// Its key has not come yet.
    KeyMissing,
    /// The sender did not give this device the key.
    Withheld,
    /// The sender's device is not confirmed by its owner.
    SenderNotTrusted,
    /// Somebody else wrote it than the homeserver says.
    SenderForged,
}

/// The message that another one answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Replied {
    /// Its event id.
    pub event: String,
    /// Who wrote it, where known.
    pub sender: Option<Person>,
    /// Its text in one line.
    pub text: Option<String>,
}

impl std::fmt::Debug for Replied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Replied([not shown])")
    }
}

/// A reaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub key: String,
    /// Who, in order.
    pub senders: Vec<String>,
    /// Whether the signed-in person is among them.
    pub own: bool,
}

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// The homeserver has it.
    Sent,
    /// On its way, or waiting for the network.
    Waiting,
    /// It was not taken.
    Failed(SendingFailed),
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendingFailed {
    /// The homeserver says that this person may not.
    NotAllowed,
    /// It is larger than the homeserver takes.
    TooLarge,
    /// The homeserver says no, for another reason.
    Refused,
    /// Anything else; trying again may help.
    Other,
}

impl SendingFailed {
    pub(super) fn of(error: &matrix_sdk::Error) -> Self {
        if let matrix_sdk::Error::SendQueueWedgeError(error) = error {
            return Self::of_queue(error);
        }
        match error.as_client_api_error() {
            // Client-server API v1.11 §4.2.
            Some(answer) if answer.status_code == StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            Some(answer) => answer.error_kind().map_or(Self::Other, |kind| Self::of_code(kind.errcode().as_str())),
            None => Self::Other,
        }
    }

    /// What is kept of an error on disk is its text alone, which holds "[413 / M_TOO_LARGE]".
    pub(super) fn of_queue(error: &QueueWedgeError) -> Self {
        let QueueWedgeError::GenericApiError { msg } = error else { return Self::Other };
        let code = msg.split_once('[').and_then(|(_, rest)| rest.split_once(']')?.0.split_once(" / "));
        code.map_or(Self::Other, |(_, code)| Self::of_code(code))
    }

    fn of_code(code: &str) -> Self {
        match code {
            "M_FORBIDDEN" => Self::NotAllowed,
            "M_TOO_LARGE" => Self::TooLarge,
            _ => Self::Refused,
        }
    }
}

/// A change of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub kind: ChangeKind,
    /// Who did it.
    pub sender: Person,
    /// Whom it concerns, if somebody else.
    pub target: Option<Person>,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The conversation was begun.
    Created,
    /// Somebody was asked to come.
    Invited,
    /// Somebody came.
    Joined,
    /// Somebody left.
    Left,
    /// Somebody was removed.
    Removed,
    /// Name or subject changed.
    Renamed,
    /// Encryption was switched on.
    Encrypted,
    /// Somebody said which case it belongs to.
    CaseNamed,
}

/// The id of the mark before what is unread. The library's own has the same in place of it.
const UNREAD: &str = "__read_marker";

/// Messages older than this are not redacted (gemSpec_TI-M_Basis A_28358).
const REDACTABLE_HOURS: i64 = 24;

/// Whether servers take a redaction of it, by their own clock. Where that is not known they are asked.
pub(super) fn is_young(event: &EventTimelineItem, now: Option<Timestamp>) -> bool {
    now.is_none_or(|now| now.duration_since(moment(event.timestamp())).as_hours() < REDACTABLE_HOURS)
}

/// What the lines depend on besides what was written.
pub(super) struct Around<'a> {
    pub(super) own: &'a UserId,
    pub(super) recovery: RecoveryState,
    /// Whether it is shown who has read.
    pub(super) receipts: bool,
    pub(super) replays: &'a Replays,
    pub(super) acts: &'a Acts,
    /// By the homeserver's clock.
    pub(super) now: Option<Timestamp>,
    /// The last event that was read when the conversation was opened.
    pub(super) read_to: Option<&'a EventId>,
    /// It follows what is written now.
    pub(super) live: bool,
}

/// All lines, with neighboring changes folded into one.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows; what is not named here is treated alike")]
pub(super) fn lines(items: &Vector<Arc<TimelineItem>>, around: &Around<'_>) -> Vec<Line> {
    let own = around.own;
    let mut lines = Vec::with_capacity(items.len());
    let twice = twice(items);
    let unread_after = unread_after(items, around);
    for item in items.iter().filter(|item| !twice.contains(&item.unique_id().0)) {
        let id = item.unique_id().0.clone();
        match item.kind() {
            TimelineItemKind::Virtual(VirtualTimelineItem::DateDivider(at)) => {
                lines.push(Line::Day { id, at: moment(*at) });
            }
            TimelineItemKind::Virtual(VirtualTimelineItem::ReadMarker) => lines.push(Line::Unread { id }),
            TimelineItemKind::Virtual(VirtualTimelineItem::TimelineStart) => {}
            TimelineItemKind::Event(event) => match event.content() {
                TimelineItemContent::MsgLike(content)
                    if around.replays.holds(event) && !matches!(content.kind, MsgLikeKind::Redacted) =>
                {
                    lines.push(Line::Message(Box::new(bare(id, event, Body::Repeated, own))));
                }
                // What it asks is said where it is answered.
                TimelineItemContent::MsgLike(content) if asks_verification(content) => {}
                TimelineItemContent::MsgLike(content) if names_case(event, content) => {
                    fold(&mut lines, id, event, own, Some(ChangeKind::CaseNamed), None);
                }
                TimelineItemContent::MsgLike(content) => {
                    let mut message = message(id, event, content, around);
                    if around.receipts {
                        message.read_by = read_by(event, own);
                    }
                    lines.push(Line::Message(Box::new(message)));
                }
                TimelineItemContent::FailedToParseMessageLike { .. } => {
                    let body = Body::Unsupported { fallback: None };
                    lines.push(Line::Message(Box::new(bare(id, event, body, own))));
                }
                TimelineItemContent::MembershipChange(change) => {
                    let target = (change.user_id() != event.sender())
                        .then(|| Person::new(change.user_id(), change.display_name().as_deref(), false, own));
                    fold(&mut lines, id, event, own, membership(change.change()), target);
                }
                TimelineItemContent::OtherState(state) => {
                    let kind = match state.content() {
                        StateChange::RoomCreate(_) => Some(ChangeKind::Created),
                        StateChange::RoomEncryption(_) => Some(ChangeKind::Encrypted),
                        StateChange::RoomName(_) | StateChange::RoomTopic(_) => Some(ChangeKind::Renamed),
                        _ => None,
                    };
                    fold(&mut lines, id, event, own, kind, None);
                }
                TimelineItemContent::ProfileChange(_)
                | TimelineItemContent::FailedToParseState { .. }
                | TimelineItemContent::CallInvite
                | TimelineItemContent::RtcNotification { .. } => {}
            },
        }
        if unread_after.as_deref() == Some(item.unique_id().0.as_str()) {
            lines.push(Line::Unread { id: UNREAD.to_owned() });
        }
    }
    gather_answers(&mut lines);
    lines
}

/// The item after which what was not read begins, where the library sets no mark of its own: the person has come to the
/// end meanwhile, and would not find the beginning. Whoever answers has found it.
fn unread_after(items: &Vector<Arc<TimelineItem>>, around: &Around<'_>) -> Option<String> {
    let read_to = around.read_to?;
    if items.iter().any(|item| matches!(item.kind(), TimelineItemKind::Virtual(VirtualTimelineItem::ReadMarker))) {
        return None;
    }
    let at = items.iter().position(|item| event_of(item) == Some(read_to))?;
    let after: Vec<_> = items.iter().skip(at + 1).filter_map(|item| item.as_event()).collect();
    let (others, own): (Vec<_>, Vec<_>) = after.into_iter().partition(|event| event.sender() != around.own);
    (!others.is_empty() && (own.is_empty() || !around.live)).then(|| items[at].unique_id().0.clone())
}

/// Lines of an event that has another one after it. For a moment there are two: as this device sent it, and as it came
/// back.
fn twice(items: &Vector<Arc<TimelineItem>>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let events = items.iter().rev().filter_map(|item| Some((item, item.as_event()?.event_id()?)));
    events.filter(|(_, event)| !seen.insert(*event)).map(|(item, _)| item.unique_id().0.clone()).collect()
}

/// Puts answers to what they answer, of each person the newest.
fn gather_answers(lines: &mut [Line]) {
    let mut all: BTreeMap<String, Vec<(Structured, Answered)>> = BTreeMap::new();
    for line in lines.iter() {
        if let Line::Message(message) = line
            && let Body::Form(said) = &message.body
            && let Form::Answer { answer, .. } = said.form
            && let Some(reply) = &message.reply_to
        {
            let of = all.entry(reply.event.clone()).or_default();
            of.retain(|(_, former)| former.by.id != message.sender.id);
            of.push(((**said).clone(), Answered { by: message.sender.clone(), answer }));
        }
    }
    if all.is_empty() {
        return;
    }
    for line in lines {
        if let Line::Message(message) = line
            && let Body::Form(asked) = &mut message.body
            && !matches!(asked.form, Form::Answer { .. })
            && let Some(answers) = message.event.as_ref().and_then(|event| all.remove(event))
        {
            // Whoever answers something else than what stands here has read something else.
            let same = |said: &Structured| {
                said.form.kind() == asked.form.kind()
                    && match (&said.case, &asked.case) {
                        (Some(one), Some(other)) => one.is_same_case(other),
                        (None, None) => true,
                        (Some(_), None) | (None, Some(_)) => false,
                    }
            };
            let fitting =
                answers.into_iter().filter(|(said, answered)| same(said) && answered.by.id != message.sender.id);
            asked.answers = fitting.map(|(_, answered)| answered).collect();
        }
    }
}

/// The link of a case is no line to read; one that may be forged stays the text that it is.
fn names_case(event: &EventTimelineItem, content: &MsgLikeContent) -> bool {
    let said = matches!(&content.kind, MsgLikeKind::Message(message) if !message.is_edited());
    let sound = event.encryption_info().is_some() && matches!(event.get_shield(false), TimelineEventShieldState::None);
    let block = || {
        let json: serde_json::Value = serde_json::from_str(event.latest_json()?.json().get()).ok()?;
        crate::case::read(&json["content"])
    };
    said && sound && matches!(block(), Some(Ok(_)))
}

/// Other programs send the request for a comparison as a message with a text that explains it.
fn asks_verification(content: &MsgLikeContent) -> bool {
    matches!(&content.kind, MsgLikeKind::Message(message)
        if matches!(message.msgtype(), MessageType::VerificationRequest(_)))
}

fn membership(change: Option<MembershipChange>) -> Option<ChangeKind> {
    match change? {
        MembershipChange::Joined | MembershipChange::InvitationAccepted | MembershipChange::KnockAccepted => {
            Some(ChangeKind::Joined)
        }
        MembershipChange::Left | MembershipChange::InvitationRejected => Some(ChangeKind::Left),
        MembershipChange::Invited => Some(ChangeKind::Invited),
        MembershipChange::Kicked
        | MembershipChange::Banned
        | MembershipChange::KickedAndBanned
        | MembershipChange::InvitationRevoked => Some(ChangeKind::Removed),
        MembershipChange::None
        | MembershipChange::Error
        | MembershipChange::Unbanned
        | MembershipChange::Knocked
        | MembershipChange::KnockRetracted
        | MembershipChange::KnockDenied
        | MembershipChange::NotImplemented => None,
    }
}

fn fold(
    lines: &mut Vec<Line>,
    id: String,
    event: &EventTimelineItem,
    own: &UserId,
    kind: Option<ChangeKind>,
    target: Option<Person>,
) {
    let Some(kind) = kind else { return };
    let change = Change { kind, sender: Person::of_profile(event.sender(), event.sender_profile(), own), target };
    let when = moment(event.timestamp());
    if let Some(Line::Changes { changes, at, .. }) = lines.last_mut() {
        changes.push(change);
        *at = when;
    } else {
        lines.push(Line::Changes { id, changes: vec![change], at: when });
    }
}

fn bare(id: String, event: &EventTimelineItem, body: Body, own: &UserId) -> Message {
    Message {
        id: MessageId(id),
        event: event.event_id().map(ToString::to_string),
        sender: Person::of_profile(event.sender(), event.sender_profile(), own),
        at: moment(event.timestamp()),
        body,
        edited: false,
        reply_to: None,
        reactions: Vec::new(),
        sending: sending(event),
        pending: None,
        may_edit: false,
        may_redact: false,
        in_clear: false,
        naming: Naming::Others,
        read_by: Vec::new(),
    }
}

fn read_by(event: &EventTimelineItem, own: &UserId) -> Vec<String> {
    let others = event.read_receipts().keys().filter(|reader| *reader != own && *reader != event.sender());
    others.map(ToString::to_string).collect()
}

/// Whether the keys are another person's than the one whom the homeserver names as the sender.
pub(crate) fn is_forged(encryption: Option<&EncryptionInfo>) -> bool {
    encryption.is_some_and(|info| {
        matches!(info.verification_state, VerificationState::Unverified(VerificationLevel::MismatchedSender))
    })
}

fn message(id: String, event: &EventTimelineItem, content: &MsgLikeContent, around: &Around<'_>) -> Message {
    let own = around.own;
    let undone = undone(event, content, around.acts);
    let mut said = body(event, content, undone.as_ref(), around);
    let pending = event.event_id().and_then(|id| around.acts.of(id));
    if let (Some(Pending { act: Act::Deletion, .. }), Body::Redacted { by, at: None }) = (pending, &mut said) {
        // The homeserver has not said it yet.
        *by = Some(Person::of_profile(own, event.sender_profile(), own));
    }
    let deleted = matches!(said, Body::Redacted { .. });
    let shield = event.get_shield(false);
    let naming = match content.as_message() {
        Some(message) if !event.is_own() && !is_forged(event.encryption_info()) => {
            naming(message.mentions(), &said, own)
        }
        Some(_) | None => Naming::Others,
    };
    Message {
        naming,
        edited: undone.is_none() && content.as_message().is_some_and(|message| message.is_edited()),
        reply_to: content.in_reply_to.as_ref().map(|reply| replied(reply, own)),
        reactions: content
            .reactions
            .iter()
            .map(|(key, by)| Reaction {
                key: key.clone(),
                senders: by.keys().map(ToString::to_string).collect(),
                own: by.contains_key(own),
            })
            .collect(),
        may_edit: matches!(said, Body::Text { .. }) && event.is_editable(),
        may_redact: event.is_own() && !deleted && (is_young(event, around.now) || event.is_editable()),
        pending,
        in_clear: matches!(
            shield,
            TimelineEventShieldState::Red { code: TimelineEventShieldStateCode::SentInClear }
                | TimelineEventShieldState::Grey { code: TimelineEventShieldStateCode::SentInClear }
        ) && !deleted,
        ..bare(id, event, said, own)
    }
}

/// What a message said at first, where a change of it was given up that the library goes on showing.
fn undone(event: &EventTimelineItem, content: &MsgLikeContent, acts: &Acts) -> Option<MessageType> {
    let given_up = content.as_message()?.is_edited() && acts.is_undone(event.event_id()?);
    // A change that the homeserver has comes with what it says.
    if !given_up || event.latest_edit_json().is_some() {
        return None;
    }
    event.original_json()?.get_field("content").ok()?
}

/// `undone` is what it said before a change that was given up.
fn body(
    event: &EventTimelineItem,
    content: &MsgLikeContent,
    undone: Option<&MessageType>,
    around: &Around<'_>,
) -> Body {
    let own = around.own;
    // Nobody is to read words under a name that is not their author's.
    if is_forged(event.encryption_info()) {
        return Body::Undecryptable(Undecryptable::SenderForged);
    }
    match &content.kind {
        // A message older than a day is deleted so (gemSpec_TI-M_Basis A_25577-01).
        MsgLikeKind::Message(message)
            if undone.is_none() && message.is_edited() && message.body().trim().is_empty() =>
        {
            Body::Redacted { by: Some(Person::of_profile(event.sender(), event.sender_profile(), own)), at: None }
        }
        MsgLikeKind::Message(message) => {
            let (content, edited) =
                (undone.unwrap_or_else(|| message.msgtype()), undone.is_none() && message.is_edited());
            // An edit never changes files: one that drops the block leaves its text.
            let json = event.original_json().filter(|_| !edited);
            let study = json.and_then(|json| study_said(json.json().get()));
            match json.and_then(|json| in_parts(json.json().get())) {
                Some(Ok(file)) => {
                    let (name, mimetype, size) = (file.name, file.mimetype, file.size);
                    let (study, picture) = study.map(|study| (study.label, study.picture)).unzip();
                    Body::File { name, mimetype, size, study, picture: picture.flatten(), caption: Vec::new() }
                }
                Some(Err(_form)) => Body::Unsupported { fallback: Some(one_line(content.body())) },
                None => {
                    // What came in clear, or was changed, is the text that it is.
                    let encrypted = json.filter(|_| event.encryption_info().is_some());
                    match encrypted.and_then(|json| form::read(json.json().get())) {
                        Some((form, case)) => structured(form, case, content),
                        None => loud(said(content, study), message.mentions()),
                    }
                }
            }
        }
        MsgLikeKind::Redacted => redacted(event, own),
        MsgLikeKind::UnableToDecrypt(encrypted) => Body::Undecryptable(undecryptable(encrypted, around.recovery)),
        MsgLikeKind::Poll(poll) => Body::Unsupported { fallback: poll.fallback_text().map(|text| one_line(&text)) },
        MsgLikeKind::Sticker(sticker) => Body::Unsupported { fallback: Some(one_line(&sticker.content().body)) },
        MsgLikeKind::Other(other) if is_fhir(other) => {
            let text = event.original_json().and_then(|json| form::text_of_fhir(json.json().get()));
            match text {
                Some(text) => Body::Text { blocks: blocks(&text, None), source: Typed::from(text) },
                None => Body::Unsupported { fallback: None },
            }
        }
        MsgLikeKind::Other(_) => {
            Body::Unsupported { fallback: event.original_json().and_then(|json| foreign::text(json.json().get())) }
        }
        MsgLikeKind::LiveLocation(_) => Body::Unsupported { fallback: None },
    }
}

fn is_fhir(other: &OtherMessageLike) -> bool {
    other.event_type().to_string() == form::FHIR_EVENT
}

fn structured(form: Form, case: Option<CaseLink>, message: &MessageType) -> Body {
    let text = message.body().to_owned();
    let form = match form {
        Form::Document { title, file: _ } => Form::Document { title, file: document(message) },
        Form::Invitation
        | Form::Question { .. }
        | Form::Recommendation { .. }
        | Form::Appointment { .. }
        | Form::Answer { .. }
        | Form::Newer => form,
    };
    Body::Form(Box::new(Structured { form, case, text, answers: Vec::new() }))
}

/// The content of a document, where it is in the same message.
fn document(message: &MessageType) -> Option<DocumentFile> {
    match said(message, None) {
        Body::File { name, mimetype, size, .. } => Some(DocumentFile { name, mimetype, size }),
        Body::Text { .. }
        | Body::Emote(_)
        | Body::Form(_)
        | Body::Redacted { .. }
        | Body::Undecryptable(_)
        | Body::Repeated
        | Body::Unsupported { .. } => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows; what is not named here is treated alike")]
pub(super) fn said(message: &MessageType, study: Option<DescribedStudy>) -> Body {
    let file = |name: &str, mimetype: Option<&str>, size: Option<ruma::UInt>, caption: Vec<Block>| Body::File {
        name: clean_file(name),
        mimetype: mimetype.and_then(clean_media_type),
        size: size.map(u64::from),
        study: None,
        picture: picture_of(message),
        caption,
    };
    // What is no other text than the name is none (MSC2530).
    let caption = |text: Option<&str>, formatted: Option<&FormattedBody>| {
        text.map(|text| blocks(text, formatted)).unwrap_or_default()
    };
    match message {
        MessageType::Text(text) => {
            let source = Typed::of_message(&text.body, text.formatted.as_ref());
            Body::Text { blocks: blocks(&text.body, text.formatted.as_ref()), source }
        }
        MessageType::Notice(text) => {
            let source = Typed::of_message(&text.body, text.formatted.as_ref());
            Body::Text { blocks: blocks(&text.body, text.formatted.as_ref()), source }
        }
        MessageType::Emote(text) => Body::Emote(blocks(&text.body, text.formatted.as_ref())),
        MessageType::File(content) => {
            let info = content.info.as_deref();
            // The text of a study is what programs show that know no studies.
            let caption = match &study {
                None => caption(content.caption(), content.formatted_caption()),
                Some(_) => Vec::new(),
            };
            let (study, picture) = study.map(|study| (study.label, study.picture)).unzip();
            Body::File {
                name: clean_file(content.filename()),
                mimetype: info.and_then(|i| clean_media_type(i.mimetype.as_deref()?)),
                size: info.and_then(|i| i.size).map(u64::from),
                study,
                picture: picture.flatten(),
                caption,
            }
        }
        MessageType::Image(content) => {
            let info = content.info.as_deref();
            let caption = caption(content.caption(), content.formatted_caption());
            file(content.filename(), info.and_then(|i| i.mimetype.as_deref()), info.and_then(|i| i.size), caption)
        }
        MessageType::Audio(content) => {
            let info = content.info.as_deref();
            let caption = caption(content.caption(), content.formatted_caption());
            file(content.filename(), info.and_then(|i| i.mimetype.as_deref()), info.and_then(|i| i.size), caption)
        }
        MessageType::Video(content) => {
            let info = content.info.as_deref();
            let caption = caption(content.caption(), content.formatted_caption());
            file(content.filename(), info.and_then(|i| i.mimetype.as_deref()), info.and_then(|i| i.size), caption)
        }
        other => Body::Unsupported { fallback: Some(one_line(other.body())) },
    }
}

/// What a message says that names everybody.
fn loud(said: Body, mentions: Option<&Mentions>) -> Body {
    if !mentions.is_some_and(|mentions| mentions.room) {
        return said;
    }
    match said {
        Body::Text { blocks, source } => Body::Text { blocks: with_everybody(blocks), source: source.with_everybody() },
        Body::Emote(blocks) => Body::Emote(with_everybody(blocks)),
        Body::File { name, mimetype, size, study, picture, caption } => {
            Body::File { name, mimetype, size, study, picture, caption: with_everybody(caption) }
        }
        other @ (Body::Form(_)
        | Body::Redacted { .. }
        | Body::Undecryptable(_)
        | Body::Repeated
        | Body::Unsupported { .. }) => other,
    }
}

/// Who deleted it and when stand in the event's `unsigned` (client-server API v1.11 §11.4, redactions).
fn redacted(event: &EventTimelineItem, own: &UserId) -> Body {
    let because = event
        .original_json()
        .and_then(|json| serde_json::from_str::<serde_json::Value>(json.json().get()).ok())
        .map(|json| json["unsigned"]["redacted_because"].clone());
    let by = because.as_ref().and_then(|because| UserId::parse(because["sender"].as_str()?).ok()).map(|id| {
        if id == event.sender() {
            Person::of_profile(&id, event.sender_profile(), own)
        } else {
            Person::new(&id, None, false, own)
        }
    });
    let at = because.and_then(|because| Timestamp::from_millisecond(because["origin_server_ts"].as_i64()?).ok());
    Body::Redacted { by, at }
}

fn undecryptable(encrypted: &EncryptedMessage, recovery: RecoveryState) -> Undecryptable {
    let key_needed = matches!(recovery, RecoveryState::KeyNeeded);
    let cause = match encrypted {
        EncryptedMessage::MegolmV1AesSha2 { cause, .. } => *cause,
        EncryptedMessage::OlmV1Curve25519AesSha2 { .. } | EncryptedMessage::Unknown => UtdCause::Unknown,
    };
    match cause {
        UtdCause::SentBeforeWeJoined => Undecryptable::BeforeJoining,
        UtdCause::VerificationViolation | UtdCause::UnsignedDevice | UtdCause::UnknownDevice => {
            Undecryptable::SenderNotTrusted
        }
        UtdCause::WithheldForUnverifiedOrInsecureDevice | UtdCause::WithheldBySender => Undecryptable::Withheld,
        UtdCause::HistoricalMessageAndDeviceIsUnverified => Undecryptable::RecoveryKeyNeeded,
        UtdCause::HistoricalMessageAndBackupIsDisabled | UtdCause::Unknown if key_needed => {
            Undecryptable::RecoveryKeyNeeded
        }
        UtdCause::HistoricalMessageAndBackupIsDisabled => Undecryptable::BeforeThisDevice,
        UtdCause::Unknown => Undecryptable::KeyMissing,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows; what is not named here is treated alike")]
fn replied(reply: &InReplyToDetails, own: &UserId) -> Replied {
    let event = reply.event_id.to_string();
    match &reply.event {
        TimelineDetails::Ready(embedded) => Replied {
            event,
            sender: Some(Person::of_profile(&embedded.sender, &embedded.sender_profile, own)),
            text: embedded.content.as_message().map(|message| match message.msgtype() {
                MessageType::File(file) => clean_file(file.filename()),
                MessageType::Image(image) => clean_file(image.filename()),
                MessageType::Audio(audio) => clean_file(audio.filename()),
                MessageType::Video(video) => clean_file(video.filename()),
                _ => one_line(message.body()),
            }),
        },
        TimelineDetails::Unavailable | TimelineDetails::Pending | TimelineDetails::Error(_) => {
            Replied { event, sender: None, text: None }
        }
    }
}

fn sending(event: &EventTimelineItem) -> Sending {
    match event.send_state() {
        None | Some(EventSendState::Sent { .. }) => Sending::Sent,
        Some(EventSendState::NotSentYet { .. } | EventSendState::SendingFailed { is_recoverable: true, .. }) => {
            Sending::Waiting
        }
        Some(EventSendState::SendingFailed { error, is_recoverable: false }) => {
            Sending::Failed(SendingFailed::of(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, SendingFailed, said};
    use crate::text::Block;
    use matrix_sdk::QueueWedgeError;
    use ruma::events::room::message::MessageType;
    use serde_json::json;

    #[test]
    fn what_was_refused_before_the_program_ended_keeps_its_reason() {
        for (msg, why) in [
            ("the server returned an error: [413 / M_TOO_LARGE] event too large", SendingFailed::TooLarge),
            ("the server returned an error: [403 / M_FORBIDDEN] no", SendingFailed::NotAllowed),
            ("the server returned an error: [400 / M_BAD_STATE] no", SendingFailed::Refused),
            ("the server returned an error: [400] {}", SendingFailed::Other),
            ("something else", SendingFailed::Other),
        ] {
            let kept = QueueWedgeError::GenericApiError { msg: msg.to_owned() };
            assert_eq!(SendingFailed::of_queue(&kept), why, "{msg}");
        }
        assert_eq!(SendingFailed::of_queue(&QueueWedgeError::MissingMediaContent), SendingFailed::Other, "no answer");
    }

    #[test]
    fn a_text_beside_a_file_is_its_caption_and_its_markup_is_taken_apart() {
        for kind in ["m.file", "m.image", "m.audio", "m.video"] {
            let with = |more: serde_json::Value| {
                let mut content = json!({ "msgtype": kind, "body": "CT.png", "url": "mxc://a.example/b" });
                for (key, value) in more.as_object().expect("an object") {
                    content[key] = value.clone();
                }
                let message: MessageType = serde_json::from_value(content).expect("a message");
                let Body::File { name, caption, .. } = said(&message, None) else { panic!("a file") };
                (name, caption)
            };
            assert_eq!(with(json!({})), ("CT.png".to_owned(), Vec::new()), "{kind}: its body is its name");
            let same = json!({ "filename": "CT.png" });
            assert_eq!(with(same), ("CT.png".to_owned(), Vec::new()), "{kind}: the same twice is no caption");
            // MSC2530, in the client-server API since v1.10.
            let (name, caption) = with(json!({
                "filename": "CT.png", "body": "Siehe Pfeil", "format": "org.matrix.custom.html",
                "formatted_body": "Siehe <b>Pfeil</b><script>x()</script>",
            }));
            assert_eq!(name, "CT.png", "{kind}: the name is the file's");
            let [Block::Paragraph(spans)] = caption.as_slice() else { panic!("one paragraph") };
            let text: Vec<_> = spans.iter().map(|span| (span.text.as_str(), span.strong)).collect();
            assert_eq!(text, [("Siehe ", false), ("Pfeil", true)], "{kind}: without what is no text");
        }
    }
}
