//! From what `tim` says to what the page is told.

use super::forms::FormContext;
use contract::{
    BlockView, ChatStateView, ChatView, ConversationCaseView, ConversationKind, ConversationMembership,
    ConversationRowView, ConversationView, DeviceView, EarlierView, EncryptionView, Failure, FailureCode, LastLineKind,
    LastLineView, LineView, MessageAct, MessageBodyView, MessageVersionView, MessageVersionsView, MessageView,
    NoticeKind, NoticeView, PendingView, PictureView, ReactionView, RecoveryView, RepliedView, SenderView, SendingView,
    SpanView, UndecryptableCause,
};
use jiff::{Timestamp, tz::TimeZone};
use std::collections::BTreeMap;
use std::time::SystemTime;
use tim::{
    Act, Attention, Block, Body, Change, ChangeKind, Conversation, Device, Earlier, Encryption, Kind, Last, LastKind,
    Line, Loud, Membership, Message, Naming, Pending, Person, Reaction, RecoveryState, Replied, Row, Sending,
    SendingFailed, Span, Structured, SyncState, Typed, Undecryptable, Version, Whom,
};

pub(super) fn chat(
    rows: &[Row],
    state: SyncState,
    recovery: RecoveryState,
    drafts: &BTreeMap<String, Typed>,
    cases: impl Fn(&str) -> Vec<ConversationCaseView>,
    quiet: bool,
) -> ChatView {
    let conversations: Vec<_> = rows.iter().map(|row| self::row(row, drafts, cases(&row.id))).collect();
    let meant = conversations.iter().map(|row| match (row.attention, row.kind) {
        (contract::Attention::Nothing, _) => 0,
        (contract::Attention::All, ConversationKind::Person | ConversationKind::Case) => row.unread,
        (contract::Attention::All, ConversationKind::Group) | (contract::Attention::Mentions, _) => row.mentions,
    });
    ChatView {
        state: match state {
            // It is begun anew at once.
            SyncState::Connecting | SyncState::Broken => ChatStateView::Connecting,
            SyncState::Ready => ChatStateView::Ready,
            SyncState::Offline { since } => ChatStateView::Offline { since: iso(since) },
            SyncState::DiskFull => ChatStateView::Stopped { failure: Failure::new(FailureCode::DiskFull, "") },
            SyncState::Ended => ChatStateView::Stopped { failure: Failure::new(FailureCode::SessionEnded, "") },
        },
        recovery: match recovery {
            RecoveryState::Unknown => RecoveryView::Unknown,
            RecoveryState::Ready => RecoveryView::Ready,
            RecoveryState::SetUp => RecoveryView::SetUp,
            RecoveryState::KeyNeeded => RecoveryView::KeyNeeded,
        },
        comparison: None,
        unread: meant.fold(0, u32::saturating_add),
        conversations,
        quiet,
        lost_files: 0,
        as_of: Timestamp::now().to_string(),
    }
}

/// True when the second view says something else than the first, besides when it was made.
pub(super) fn differs(shown: &ChatView, made: &ChatView) -> bool {
    let timeless = |view: &ChatView| ChatView { as_of: String::new(), ..view.clone() };
    timeless(shown) != timeless(made)
}

fn row(row: &Row, drafts: &BTreeMap<String, Typed>, cases: Vec<ConversationCaseView>) -> ConversationRowView {
    ConversationRowView {
        id: row.id.clone(),
        name: row.name.clone(),
        initials: initials(&row.name),
        kind: kind(row.kind, &cases),
        cases,
        membership: membership(&row.membership),
        last: row.last.as_ref().map(last),
        unread: count(row.unread),
        mentions: count(row.mentions),
        attention: attention(row.attention),
        favorite: row.favorite,
        public: row.public,
        draft: drafts.get(&row.id).map(|draft| draft.text.clone()),
    }
}

fn last(last: &Last) -> LastLineView {
    let (kind, text) = match &last.kind {
        LastKind::Text(text) => (LastLineKind::Text, Some(text.clone())),
        LastKind::File(name) => (LastLineKind::File, Some(name.clone())),
        LastKind::Redacted => (LastLineKind::Redacted, None),
        LastKind::Undecryptable => (LastLineKind::Undecryptable, None),
    };
    LastLineView { sender: sender(&last.sender), kind, text, at: last.at.to_string() }
}

/// The whole view of an open conversation.
pub(super) async fn conversation(
    of: &Conversation,
    draft: Option<Typed>,
    cases: Vec<ConversationCaseView>,
    attention: Attention,
    forms: &(dyn Fn(&Structured) -> FormContext + Sync),
) -> ConversationView {
    let name = of.name().await;
    let members: Vec<_> = of.members().await.iter().map(sender).collect();
    let (rights, loud, what) = (of.rights().await, of.loud().await, of.kind().await);
    let marks = (what != Kind::Person).then_some(&loud);
    ConversationView {
        id: of.id(),
        initials: initials(&name),
        name,
        kind: kind(what, &cases),
        cases,
        may_link: of.may_link_case().await,
        membership: membership(&of.membership().await),
        attention: self::attention(attention),
        encryption: encryption(of.encryption().await),
        member_count: count(members.len() as u64),
        confirmed: of.confirmed(),
        changed: of.changed_identities().await.iter().map(super::trust::changed).collect(),
        lines: of.lines().iter().map(|line| self::line(line, &members, marks, forms)).collect(),
        earlier: beyond(of.earlier()),
        unread_before: of.unread_before().is_some(),
        past: None,
        outgoing: Vec::new(),
        largest_file: None,
        typing: of.typing().await.iter().map(sender).collect(),
        may_send: of.may_send().await,
        may_name_all: members.iter().any(|member| member.own && loud.has(&member.id)),
        may_invite: rights.invite,
        may_rename: rights.rename,
        may_remove: rights.remove,
        favorite: of.is_favorite(),
        members,
        draft: draft.as_ref().map(super::typed::view),
        as_of: Timestamp::now().to_string(),
    }
}

pub(super) fn beyond(beyond: Earlier) -> EarlierView {
    match beyond {
        Earlier::None => EarlierView::None,
        Earlier::More => EarlierView::More,
        Earlier::Loading => EarlierView::Loading,
        Earlier::Failed => EarlierView::Failed,
    }
}

fn encryption(encryption: Encryption) -> EncryptionView {
    match encryption {
        Encryption::Unknown => EncryptionView::Unknown,
        Encryption::Off => EncryptionView::Plain,
        Encryption::On { devices, unconfirmed } => EncryptionView::Encrypted {
            devices: count(devices as u64),
            unconfirmed: unconfirmed
                .iter()
                .map(|Device { owner, name }| DeviceView { owner: sender(owner), name: name.clone() })
                .collect(),
        },
    }
}

fn line(
    line: &Line,
    members: &[SenderView],
    marks: Option<&Loud>,
    forms: &dyn Fn(&Structured) -> FormContext,
) -> LineView {
    match line {
        Line::Day { id, at } => {
            LineView::Day { id: id.clone(), date: at.to_zoned(TimeZone::system()).date().to_string() }
        }
        Line::Unread { id } => LineView::Unread { id: id.clone() },
        Line::Message(message) => LineView::Message(Box::new(self::message(message, members, marks, forms))),
        Line::Changes { id, changes, at } => {
            LineView::Notice { id: id.clone(), changes: changes.iter().map(change).collect(), at: at.to_string() }
        }
    }
}

fn message(
    message: &Message,
    members: &[SenderView],
    marks: Option<&Loud>,
    forms: &dyn Fn(&Structured) -> FormContext,
) -> MessageView {
    MessageView {
        id: message.id.0.clone(),
        event: message.event.clone(),
        sender: sender(&message.sender),
        at: message.at.to_string(),
        body: body(&message.body, message.sender.own, members, forms),
        edited: message.edited,
        reply_to: message.reply_to.as_ref().map(|Replied { event, sender: by, text }| RepliedView {
            event: event.clone(),
            sender: by.as_ref().map(sender),
            text: text.clone(),
        }),
        reactions: message
            .reactions
            .iter()
            .map(|Reaction { key, senders, own }| ReactionView {
                key: key.clone(),
                senders: senders.iter().map(|id| known(id, members)).collect(),
                own: *own,
            })
            .collect(),
        sending: sending(message.sending),
        pending: message.pending.map(|Pending { act, sending }| PendingView {
            act: match act {
                Act::Change => MessageAct::Change,
                Act::Deletion => MessageAct::Deletion,
                Act::Reaction => MessageAct::Reaction,
            },
            sending: self::sending(sending),
        }),
        may_edit: message.may_edit,
        may_redact: message.may_redact,
        in_clear: message.in_clear,
        names_me: marks.is_some_and(|loud| match message.naming {
            Naming::Own => true,
            Naming::Everybody => loud.has(&message.sender.id),
            Naming::Others => false,
        }),
        read_by: message.read_by.iter().map(|id| known(id, members)).collect(),
    }
}

fn sending(sending: Sending) -> SendingView {
    let why = match sending {
        Sending::Sent => return SendingView::Sent,
        Sending::Waiting => return SendingView::Waiting,
        Sending::Failed(SendingFailed::NotAllowed) => FailureCode::NotAllowed,
        Sending::Failed(SendingFailed::TooLarge) => FailureCode::TooLarge,
        Sending::Failed(SendingFailed::Refused) => FailureCode::Refused,
        Sending::Failed(SendingFailed::Other) => FailureCode::PlatformFailed,
    };
    SendingView::Failed { failure: Failure::new(why, "") }
}

pub(super) async fn versions(versions: &[Version], of: &Conversation) -> MessageVersionsView {
    let members: Vec<_> = of.members().await.iter().map(sender).collect();
    let version = |version: &Version| MessageVersionView {
        at: version.at.to_string(),
        blocks: blocks(&version.blocks, &members),
    };
    MessageVersionsView { versions: versions.iter().map(version).collect() }
}

fn body(body: &Body, own: bool, members: &[SenderView], forms: &dyn Fn(&Structured) -> FormContext) -> MessageBodyView {
    match body {
        Body::Text { blocks, source } => {
            let source = own.then(|| super::typed::view(source));
            MessageBodyView::Text { blocks: self::blocks(blocks, members), source }
        }
        Body::Emote(blocks) => MessageBodyView::Emote { blocks: self::blocks(blocks, members) },
        Body::File { name, mimetype, size, study, picture, caption } => MessageBodyView::File {
            caption: self::blocks(caption, members),
            name: name.clone(),
            mimetype: mimetype.clone(),
            size: *size,
            study: study.as_ref().map(super::study::label_view),
            picture: picture.map(|picture| PictureView {
                width: picture.width,
                height: picture.height,
                thumbnail: picture.thumbnail,
            }),
        },
        Body::Form(said) => super::forms::body(said, forms(said)),
        Body::Redacted { by, at } => {
            MessageBodyView::Redacted { by: by.as_ref().map(sender), at: at.map(|at| at.to_string()) }
        }
        Body::Undecryptable(cause) => MessageBodyView::Undecryptable {
            cause: match cause {
                Undecryptable::RecoveryKeyNeeded => UndecryptableCause::RecoveryKeyNeeded,
                Undecryptable::BeforeThisDevice => UndecryptableCause::BeforeThisDevice,
                Undecryptable::BeforeJoining => UndecryptableCause::BeforeJoining,
                Undecryptable::KeyMissing => UndecryptableCause::KeyMissing,
                Undecryptable::Withheld => UndecryptableCause::Withheld,
                Undecryptable::SenderNotTrusted => UndecryptableCause::SenderNotTrusted,
                Undecryptable::SenderForged => UndecryptableCause::SenderForged,
            },
        },
        Body::Repeated => MessageBodyView::Repeated,
        Body::Unsupported { fallback } => MessageBodyView::Unsupported { fallback: fallback.clone() },
    }
}

fn blocks(blocks: &[Block], members: &[SenderView]) -> Vec<BlockView> {
    let block = |block: &Block| match block {
        Block::Paragraph(spans) => {
            BlockView::Paragraph { spans: spans.iter().map(|span| self::span(span, members)).collect() }
        }
        Block::Quote(blocks) => BlockView::Quote { blocks: self::blocks(blocks, members) },
        Block::Code(text) => BlockView::Code { text: text.clone() },
        Block::List { ordered, items } => BlockView::List {
            ordered: *ordered,
            items: items.iter().map(|blocks| self::blocks(blocks, members)).collect(),
        },
    };
    blocks.iter().map(block).collect()
}

fn span(span: &Span, members: &[SenderView]) -> SpanView {
    let (mention, everybody) = match &span.mention {
        Some(Whom::Person(id)) => (Some(named(id, members)), false),
        Some(Whom::Everybody) => (None, true),
        None => (None, false),
    };
    SpanView {
        // The words in a link are its sender's: they may be another person's name.
        text: mention.as_ref().map_or_else(|| span.text.clone(), name_of),
        strong: span.strong,
        emphasis: span.emphasis,
        strike: span.strike,
        code: span.code,
        link: span.link.clone(),
        mention,
        everybody,
    }
}

fn change(change: &Change) -> NoticeView {
    NoticeView {
        kind: match change.kind {
            ChangeKind::Created => NoticeKind::Created,
            ChangeKind::Invited => NoticeKind::Invited,
            ChangeKind::Joined => NoticeKind::Joined,
            ChangeKind::Left => NoticeKind::Left,
            ChangeKind::Removed => NoticeKind::Removed,
            ChangeKind::Renamed => NoticeKind::Renamed,
            ChangeKind::Encrypted => NoticeKind::Encrypted,
            ChangeKind::CaseNamed => NoticeKind::CaseNamed,
        },
        sender: sender(&change.sender),
        target: change.target.as_ref().map(sender),
    }
}

pub(crate) fn sender(person: &Person) -> SenderView {
    SenderView {
        id: person.id.clone(),
        name: person.name.clone(),
        initials: initials(&person.name),
        own: person.own,
        ambiguous: person.ambiguous,
    }
}

/// Somebody by user id: a member, or a person of whom only the id is known.
fn known(id: &str, members: &[SenderView]) -> SenderView {
    members.iter().find(|member| member.id == id).cloned().unwrap_or_else(|| {
        let name = id.trim_start_matches('@').split(':').next().unwrap_or(id).to_owned();
        SenderView { id: id.to_owned(), initials: initials(&name), name, own: false, ambiguous: false }
    })
}

/// Somebody whom a text names. Of one who is not here nothing is known but the id, which nobody else can have.
fn named(id: &str, members: &[SenderView]) -> SenderView {
    let here = members.iter().find(|member| member.id == id).cloned();
    here.unwrap_or_else(|| SenderView { name: id.to_owned(), ..known(id, &[]) })
}

/// What stands in a text for somebody whom it names, as the field where texts are written has it.
fn name_of(person: &SenderView) -> String {
    let name = person.name.trim_start_matches('@');
    if person.ambiguous { format!("@{name} ({})", person.id) } else { format!("@{name}") }
}

fn attention(attention: Attention) -> contract::Attention {
    match attention {
        Attention::All => contract::Attention::All,
        Attention::Mentions => contract::Attention::Mentions,
        Attention::Nothing => contract::Attention::Nothing,
    }
}

pub(super) fn kind(kind: Kind, cases: &[ConversationCaseView]) -> ConversationKind {
    match kind {
        Kind::Person | Kind::Group if !cases.is_empty() => ConversationKind::Case,
        Kind::Person => ConversationKind::Person,
        Kind::Group => ConversationKind::Group,
    }
}

fn membership(membership: &Membership) -> ConversationMembership {
    match membership {
        Membership::Joined => ConversationMembership::Joined,
        Membership::Invited { by } => ConversationMembership::Invited { by: by.as_ref().map(sender) },
        Membership::Left => ConversationMembership::Left,
    }
}

/// Two letters: of the first and the last word of a name, without titles, which end with a full stop or are "PD".
/// The directory's form "Name, Vorname" (TI-Messenger) turns them round.
pub(super) fn initials(name: &str) -> String {
    let turned = name.split_once(", ").map(|(family, given)| format!("{given} {family}"));
    let name = turned.as_deref().unwrap_or(name);
    let words: Vec<&str> = name
        .split(|c: char| c.is_whitespace() || c == ':')
        .filter(|word| !word.ends_with('.') && *word != "PD" && word.starts_with(char::is_alphanumeric))
        .collect();
    let letter = |word: Option<&&str>| word.and_then(|word| word.chars().next()).map(|c| c.to_uppercase().to_string());
    let first = letter(words.first()).unwrap_or_default();
    let second = if words.len() > 1 { letter(words.last()).unwrap_or_default() } else { String::new() };
    [first, second].concat()
}

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn iso(time: SystemTime) -> String {
    Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use super::{initials, span};
    use contract::SenderView;
    use tim::{Span, Whom};

    #[test]
    fn whoever_is_named_bears_the_name_that_they_have_here() {
        let anna = SenderView {
            id: "@anna:tim.example".to_owned(),
            name: "Dr. Anna Silbertal".to_owned(),
            initials: "AS".to_owned(),
            own: true,
            ambiguous: false,
        };
        let link = |text: &str, id: &str| Span {
            text: text.to_owned(),
            mention: Some(Whom::Person(id.to_owned())),
            ..Span::default()
        };
        let shown = |link: &Span, anna: &SenderView| span(link, std::slice::from_ref(anna));
        let own = shown(&link("Prof. Brunnengold", &anna.id), &anna);
        assert_eq!(own.text, "@Dr. Anna Silbertal", "whatever the sender calls her");
        assert_eq!(own.mention, Some(anna.clone()), "and it is she");
        let other = shown(&link("Dr. Anna Silbertal", "@x:evil.example"), &anna);
        assert_eq!(other.text, "@x:evil.example", "whoever is not here has no name of theirs");
        assert!(other.mention.is_some_and(|who| !who.own), "and is nobody else");
        let twice = SenderView { ambiguous: true, ..anna.clone() };
        let own = shown(&link("Anna", &anna.id), &twice);
        assert_eq!(own.text, "@Dr. Anna Silbertal (@anna:tim.example)", "with the id where a name is not enough");
        let plain = span(&Span { text: "@Alle".to_owned(), mention: Some(Whom::Everybody), ..Span::default() }, &[]);
        assert_eq!((plain.text.as_str(), plain.mention, plain.everybody), ("@Alle", None, true), "all are nobody");
    }

    #[test]
    fn initials_are_of_given_and_family_name_without_titles() {
        for (name, letters) in [
            ("Dr. med. Amina Falkenried", "AF"),
            ("PD Dr. Theo Brunnengold", "TB"),
            ("Falkenried, Amina", "AF"),
            ("Mirela Taubengrün", "MT"),
            ("Fall 1: Auenwald", "FA"),
            ("Tumorboard", "T"),
            ("ärztin", "Ä"),
            ("", ""),
        ] {
            assert_eq!(initials(name), letters, "of {name:?}");
        }
    }
}
