//! "Nachrichten": conversations of the TI-Messenger and their lines.
//!
//! Texts cross as blocks and spans, never as HTML: what a sender wrote cannot become markup of the page.

use crate::{
    ChangedIdentityView, ComparisonView, Failure, FormView, IdentityView, RecognizedStudyView, StudyLabelView,
    TypedView,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The list of conversations and how chat is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ChatView {
    /// Whether there is chat, and what it waits for.
    pub state: ChatStateView,
    /// Whether older messages can be read on a new device.
    pub recovery: RecoveryView,
    /// The comparison of two devices that is under way or has just ended.
    pub comparison: Option<ComparisonView>,
    /// Newest first; invitations before all others.
    pub conversations: Vec<ConversationRowView>,
    /// How many messages are meant for this person and unread: people, cases and mentions, without conversations of
    /// which this person wants to notice nothing.
    pub unread: u32,
    /// Nothing outside the window says that messages arrive, until the person or the program ends that.
    pub quiet: bool,
    /// Files that were being sent when the program ended, and of which nothing can be read any more.
    pub lost_files: u32,
    /// ISO time when this was made.
    pub as_of: String,
}

/// How chat is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ChatStateView {
    /// The platform names no homeserver.
    Absent,
    /// Signing in, or the first reading.
    Connecting,
    /// Messages come and go.
    Ready,
    /// The homeserver does not answer; what is kept on this device is shown, and what is written waits.
    Offline {
        /// ISO time since when.
        since: String,
    },
    /// Chat ended and needs the person.
    Stopped {
        /// Why.
        failure: Failure,
    },
}

/// Whether the keys of older messages are safe outside this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum RecoveryView {
    /// Not known yet.
    Unknown,
    /// Set up, and this device takes part.
    Ready,
    /// Never set up: a new device would read nothing of before.
    SetUp,
    /// Set up on another device: this one needs the recovery key.
    KeyNeeded,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConversationRowView {
    /// The room's id.
    pub id: String,
    /// Its name, or the other person's.
    pub name: String,
    /// For the picture.
    pub initials: String,
    /// What it is.
    pub kind: ConversationKind,
    /// The case that it belongs to; several when people say different things.
    pub cases: Vec<ConversationCaseView>,
    /// What this person is in it.
    pub membership: ConversationMembership,
    /// The last line.
    pub last: Option<LastLineView>,
    /// Unread messages.
    pub unread: u32,
    /// Unread messages that name this person.
    pub mentions: u32,
    /// How much of it this person wants to notice.
    pub attention: Attention,
    /// Marked by this person.
    pub favorite: bool,
    /// Readable by people outside, or not encrypted: shown with a sign.
    pub public: bool,
    /// Text that was begun and not sent.
    pub draft: Option<String>,
}

/// How much of a conversation a person wants to notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Attention {
    /// Every message.
    All,
    /// What names them.
    Mentions,
    /// Nothing.
    Nothing,
}

/// Messages that have just arrived, of one conversation. Nothing of what was written, and no name of a patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ArrivalView {
    /// The room's id; absent while the desk is locked.
    pub conversation: Option<String>,
    /// What it is; absent while the desk is locked.
    pub kind: Option<ConversationKind>,
    /// Who wrote, if it is a single person and the settings let their name be shown.
    pub sender: Option<SenderView>,
    /// How many.
    pub count: u32,
    /// One of them names this person.
    pub mention: bool,
    /// Somebody asks this person to come.
    pub invitation: bool,
    /// Somebody has begun a round and calls.
    pub call: bool,
}

/// A conversation that a person wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WantedView {
    /// The room's id.
    pub conversation: String,
}

/// What a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationKind {
    /// With one person.
    Person,
    /// With several.
    Group,
    /// About a case.
    Case,
}

/// A case that a conversation names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConversationCaseView {
    /// The number that people know it by, as the conversation says.
    pub number: Option<String>,
    /// What this person's own record says of it.
    pub access: CaseAccess,
}

/// What this person's own record says of a case that a conversation names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "access", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum CaseAccess {
    /// It can be opened.
    Open {
        /// FHIR id of the patient: opens the case.
        patient: String,
        /// Who.
        identity: Box<IdentityView>,
    },
    /// It was not looked up yet.
    Unknown,
    /// This person may not open it.
    Denied,
    /// It lies on another platform.
    Elsewhere,
    /// The conversation says it in a form that a newer program writes.
    Newer,
}

/// What the signed-in person is in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ConversationMembership {
    /// A member.
    Joined,
    /// Asked to come.
    Invited {
        /// Who asks.
        by: Option<SenderView>,
    },
    /// Gone, with the past still readable.
    Left,
}

/// The last line as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LastLineView {
    /// Who wrote it.
    pub sender: SenderView,
    /// What it is.
    pub kind: LastLineKind,
    /// Its text in one line, where it has one.
    pub text: Option<String>,
    /// ISO time.
    pub at: String,
}

/// What the last line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum LastLineKind {
    /// Text.
    Text,
    /// A file; the text is its name.
    File,
    /// Deleted.
    Redacted,
    /// It cannot be decrypted on this device yet.
    Undecryptable,
}

/// A person in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SenderView {
    /// Matrix user id.
    pub id: String,
    /// Name as the homeserver gives it, without control characters.
    pub name: String,
    /// For the picture.
    pub initials: String,
    /// Whether it is the signed-in person.
    pub own: bool,
    /// Somebody else here has the same name: the id is shown beside it.
    pub ambiguous: bool,
}

/// An open conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConversationView {
    /// The room's id.
    pub id: String,
    /// Its name, or the other person's.
    pub name: String,
    /// For the picture.
    pub initials: String,
    /// What it is.
    pub kind: ConversationKind,
    /// The case that it belongs to; several when people say different things.
    pub cases: Vec<ConversationCaseView>,
    /// Whether this person may say which case it belongs to.
    pub may_link: bool,
    /// What this person is in it.
    pub membership: ConversationMembership,
    /// How much of it this person wants to notice.
    pub attention: Attention,
    /// What protects it.
    pub encryption: EncryptionView,
    /// Who is in it.
    pub members: Vec<SenderView>,
    /// How many are in it.
    pub member_count: u32,
    /// Of the members, those whom this person has confirmed by a comparison, by Matrix user id.
    pub confirmed: Vec<String>,
    /// Those whose identity has changed: nothing is sent until this person has decided about each.
    pub changed: Vec<ChangedIdentityView>,
    /// Oldest first.
    pub lines: Vec<LineView>,
    /// What there is before the first line.
    pub earlier: EarlierView,
    /// What this person had not read when it was opened begins before the first line: `OpenUnread` shows it.
    pub unread_before: bool,
    /// Where in the past it was opened; absent where it follows what is written.
    pub past: Option<PastView>,
    /// Files that this person is sending, in the order in which they were begun.
    pub outgoing: Vec<OutgoingView>,
    /// The largest file that the homeserver takes, in bytes, once it has said so.
    #[ts(type = "number | null")]
    pub largest_file: Option<u64>,
    /// Who is typing.
    pub typing: Vec<SenderView>,
    /// Whether this person may write here.
    pub may_send: bool,
    /// Whether this person may name everybody at once.
    pub may_name_all: bool,
    /// Whether this person may ask others to come.
    pub may_invite: bool,
    /// Whether this person may give it another name.
    pub may_rename: bool,
    /// Whether this person may send others away.
    pub may_remove: bool,
    /// Whether it is among this person's favorites.
    pub favorite: bool,
    /// Text that was begun and not sent.
    pub draft: Option<TypedView>,
    /// ISO time when this was made.
    pub as_of: String,
}

/// A part of a conversation's past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PastView {
    /// The day that was asked for (ISO date); absent where it was what this person has not read.
    pub day: Option<String>,
    /// What there is after the last line.
    pub later: EarlierView,
}

/// A file that is being sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OutgoingView {
    /// Names it while it is being sent.
    pub id: String,
    /// Name without path or control characters.
    pub name: String,
    /// Bytes; 0 while they are not known.
    #[ts(type = "number")]
    pub size: u64,
    /// The study that it is.
    pub study: Option<StudyLabelView>,
    /// The program has its bytes: the page need not give them.
    pub held: bool,
    /// It was begun again from its first byte: the file that was chosen is not the one that was begun.
    pub anew: bool,
    /// How far it is.
    pub state: OutgoingStateView,
}

/// How far a file that is being sent is. What was sent is a message and no longer here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum OutgoingStateView {
    /// It waits for the page to give its bytes: the door was not opened, or the page has closed it, which pauses the
    /// file. `ResumeAttachment` goes on.
    Waiting,
    /// Its images are being fetched from the archive.
    Gathering {
        /// Images that are here.
        done: u32,
        /// Of so many; 0 while that is not known.
        of: u32,
    },
    /// On its way.
    Sending {
        /// Bytes that were handed to the network.
        #[ts(type = "number")]
        sent: u64,
    },
    /// The program ended while it was being sent. `TakeUpAttachment` goes on where the person chooses the file once more;
    /// a study goes on when it is sent once more; where all bytes are sent, `ResumeAttachment` sends the message.
    Interrupted {
        /// Bytes that are at the homeserver.
        #[ts(type = "number")]
        sent: u64,
    },
    /// It stopped. `ResumeAttachment` goes on where the page still has the file, `CancelAttachment` gives it up.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// What the sender says about a picture or a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PictureView {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// There is a small one: `OpenThumbnail` gives it.
    pub thumbnail: bool,
}

/// The door by which the bytes of a file cross: a WebSocket on the loopback address that opens once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FileDoorView {
    /// The file that is sent by it; absent where one is fetched.
    pub attachment: Option<String>,
    /// Address with its token.
    pub socket: String,
}

impl std::fmt::Debug for FileDoorView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileDoorView([not shown])")
    }
}

/// What the page hears at the door of a file, as text. The pieces of a file that it fetches come between as binary
/// messages of at most 256 KiB, in their order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum FileSaid {
    /// Give these bytes of the file, as binary messages: where the piece begins in 8 bytes, little endian, then at most
    /// 256 KiB. Nothing else may be sent: asking is the credit.
    Read {
        /// Where they begin.
        #[ts(type = "number")]
        offset: u64,
        /// How many.
        #[ts(type = "number")]
        length: u64,
    },
    /// What comes; the first word about a file that is fetched.
    File {
        /// Name without path or control characters.
        name: String,
        /// Media type as the sender says; it is not believed.
        mimetype: Option<String>,
        /// Bytes as the sender says.
        #[ts(type = "number | null")]
        size: Option<u64>,
    },
    /// What the files are that were looked at. The last word.
    Studies {
        /// The studies among them.
        studies: Vec<RecognizedStudyView>,
        /// Files that belong to none.
        left_out: u32,
    },
    /// All is there, and it is what was sent. The last word.
    Done {
        /// Bytes.
        #[ts(type = "number")]
        size: u64,
    },
    /// Of a file that is being saved, so much has come. When all has, its first 64 bytes follow as one binary message, and
    /// it waits for `Keep`.
    Moved {
        /// Bytes.
        #[ts(type = "number")]
        bytes: u64,
    },
    /// It is saved. The last word.
    Saved {
        /// Under this name: another one where the name was taken.
        name: String,
    },
    /// It ended before. What came is to be thrown away. The last word.
    Failed {
        /// Why.
        failure: Failure,
    },
}

impl std::fmt::Debug for FileSaid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileSaid([not shown])")
    }
}

/// What the page says at the door of a file, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum FileHeard {
    /// So many more bytes may come. Nothing comes before the first of these words.
    Credit {
        /// Bytes.
        #[ts(type = "number")]
        bytes: u64,
    },
    /// The file that is being sent cannot be read any more.
    Unreadable,
    /// The file that is being saved may have its name. Without it nothing is saved.
    Keep,
}

/// What protects a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum EncryptionView {
    /// Not known yet: nothing is sent until it is.
    Unknown,
    /// End to end.
    Encrypted {
        /// Devices that can read it.
        devices: u32,
        /// Of them, those that their owners have not confirmed.
        unconfirmed: Vec<DeviceView>,
    },
    /// Not encrypted.
    Plain,
}

/// A device of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DeviceView {
    /// Whose.
    pub owner: SenderView,
    /// Its name, or its id.
    pub name: String,
}

/// What lies beyond the first or the last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum EarlierView {
    /// Nothing.
    None,
    /// There is more.
    More,
    /// It is being read.
    Loading,
    /// It could not be read; asking again may help.
    Failed,
}

/// A line of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum LineView {
    /// A day begins.
    Day {
        /// Stable while the line is shown.
        id: String,
        /// ISO date, of this computer's time zone.
        date: String,
    },
    /// What follows is unread.
    Unread {
        /// Stable while the line is shown.
        id: String,
    },
    /// A message.
    Message(Box<MessageView>),
    /// Somebody came, left, or changed the conversation; neighbors are folded into one.
    Notice {
        /// Stable while the line is shown.
        id: String,
        /// In order.
        changes: Vec<NoticeView>,
        /// ISO time of the last.
        at: String,
    },
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    /// Stable while the line is shown, also when the homeserver has given it an event id.
    pub id: String,
    /// The event's id, once the homeserver has it.
    pub event: Option<String>,
    /// Who wrote it.
    pub sender: SenderView,
    /// ISO time.
    pub at: String,
    /// What it says.
    pub body: MessageBodyView,
    /// Whether it was changed.
    pub edited: bool,
    /// The message it answers.
    pub reply_to: Option<RepliedView>,
    /// Reactions in the order of the first of each.
    pub reactions: Vec<ReactionView>,
    /// How far an own message is.
    pub sending: SendingView,
    /// What this person did to it and has not reached the homeserver: it waits, or was not taken. It is shown as if it
    /// had; `RetryMessage` tries again, `CancelMessage` gives it up and brings back what was.
    pub pending: Option<PendingView>,
    /// Whether this person may change it.
    pub may_edit: bool,
    /// Whether this person may delete it for everyone.
    pub may_redact: bool,
    /// True for what did not come encrypted into an encrypted conversation.
    pub in_clear: bool,
    /// Whether it names this person, by themselves or with everybody. In a conversation with one person all is meant for
    /// them, and nothing is marked.
    pub names_me: bool,
    /// Who has read up to here and no further, without the sender and this person; nobody unless this person wants it.
    pub read_by: Vec<SenderView>,
}

/// What a message has said so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MessageVersionsView {
    /// Oldest first; the last one is what it says now.
    pub versions: Vec<MessageVersionView>,
}

/// A text that a message had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MessageVersionView {
    /// ISO time since which it said so.
    pub at: String,
    /// Its blocks.
    pub blocks: Vec<BlockView>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum MessageBodyView {
    /// Text.
    Text {
        /// Its blocks.
        blocks: Vec<BlockView>,
        /// As it was typed, to change it; absent where this person did not write it.
        source: Option<TypedView>,
    },
    /// What the sender does: "Lerchenhain …".
    Emote {
        /// Its blocks.
        blocks: Vec<BlockView>,
    },
    /// A file.
    File {
        /// Name without path or control characters.
        name: String,
        /// Media type as the sender says.
        mimetype: Option<String>,
        /// Bytes.
        #[ts(type = "number | null")]
        size: Option<u64>,
        /// The study that it is, as the sender says.
        study: Option<StudyLabelView>,
        /// The picture or video that it is, as the sender says.
        picture: Option<PictureView>,
        /// What the sender wrote about it; empty where that is nothing.
        caption: Vec<BlockView>,
    },
    /// A structured message.
    Form {
        /// What it is.
        form: FormView,
        /// The case that it names, by this person's own record.
        case: Option<ConversationCaseView>,
        /// What it says to programs that do not know the form.
        text: String,
    },
    /// Deleted.
    Redacted {
        /// By whom, where known.
        by: Option<SenderView>,
        /// ISO time, where known.
        at: Option<String>,
    },
    /// It cannot be decrypted yet.
    Undecryptable {
        /// Why.
        cause: UndecryptableCause,
    },
    /// The homeserver gives out a former message over again.
    Repeated,
    /// A kind that this version does not show.
    Unsupported {
        /// What the sender wrote for programs like this one.
        fallback: Option<String>,
    },
}

/// Why a message cannot be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum UndecryptableCause {
    /// It was written before this device was there, and its key is in the backup: the recovery key opens it.
    RecoveryKeyNeeded,
    /// It was written before this device was there, and nobody kept its key.
    BeforeThisDevice,
    /// It was written before this person was in the conversation.
    BeforeJoining,
    /// Its key has not come yet; it is asked for.
    KeyMissing,
    /// The sender sends only to confirmed devices, and this one is not.
    Withheld,
    /// The sender's device is not confirmed by its owner.
    SenderNotTrusted,
    /// Somebody else wrote it than the homeserver says.
    SenderForged,
}

/// A block of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum BlockView {
    /// A paragraph; a span's text may hold line breaks.
    Paragraph {
        /// Its spans.
        spans: Vec<SpanView>,
    },
    /// A quotation.
    Quote {
        /// What is quoted.
        blocks: Vec<BlockView>,
    },
    /// Text as it is, in a fixed width.
    Code {
        /// The text.
        text: String,
    },
    /// A list.
    List {
        /// With numbers.
        ordered: bool,
        /// Its entries.
        items: Vec<Vec<BlockView>>,
    },
}

/// A run of text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SpanView {
    /// The text; of somebody who is named the name that they bear here, whatever the sender calls them.
    pub text: String,
    /// Bold.
    pub strong: bool,
    /// Italic.
    pub emphasis: bool,
    /// Struck through.
    pub strike: bool,
    /// In a fixed width.
    pub code: bool,
    /// Where it leads: `https` or `mailto` only.
    pub link: Option<String>,
    /// Whom it names.
    pub mention: Option<SenderView>,
    /// It names everybody in the conversation.
    pub everybody: bool,
}

/// The message that another one answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RepliedView {
    /// Its event id.
    pub event: String,
    /// Who wrote it; absent while it is being fetched.
    pub sender: Option<SenderView>,
    /// Its text in one line; absent while it is being fetched or when it has none.
    pub text: Option<String>,
}

/// A reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReactionView {
    /// The emoji.
    pub key: String,
    /// Who, in order.
    pub senders: Vec<SenderView>,
    /// Whether the signed-in person is among them.
    pub own: bool,
}

/// How far a message is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum SendingView {
    /// The homeserver has it.
    Sent,
    /// On its way, or waiting for the network.
    Waiting,
    /// It was not taken; it can be tried again or given up.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// Something that a person did to a message and has not reached the homeserver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PendingView {
    /// What.
    pub act: MessageAct,
    /// How far it is: never `Sent`.
    pub sending: SendingView,
}

/// What can be done to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum MessageAct {
    /// It says something else.
    Change,
    /// It is deleted for everyone.
    Deletion,
    /// A reaction.
    Reaction,
}

/// A change of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct NoticeView {
    /// What.
    pub kind: NoticeKind,
    /// Who did it.
    pub sender: SenderView,
    /// Whom it concerns, if somebody else.
    pub target: Option<SenderView>,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
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
    /// Something else, of no consequence for a reader.
    Changed,
}

/// The recovery key, shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryKeyView {
    /// In groups of four characters.
    pub key: String,
    /// This computer keeps it, as IT has fixed: the person does not have to.
    pub kept: bool,
}

impl std::fmt::Debug for RecoveryKeyView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryKeyView([not shown])")
    }
}

/// People whom the homeserver found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FoundPeopleView {
    /// In the homeserver's order.
    pub people: Vec<SenderView>,
    /// Whether there are more than these.
    pub more: bool,
}

/// A conversation that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BegunView {
    /// The room's id.
    pub conversation: String,
    /// Who could not be asked to come, by Matrix user id. The homeserver does not say why.
    pub refused: Vec<String>,
}
