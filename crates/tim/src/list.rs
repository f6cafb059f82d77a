//! The list of conversations.

use crate::account::{Account, AccountError, of_sdk};
use crate::arrivals::Attention;
use crate::conversation::is_forged;
use crate::name::clean;
use crate::person::Person;
use crate::text::one_line;
use crate::typed::Typed;
use futures_util::Stream;
use jiff::Timestamp;
use matrix_sdk::{Client, ComposerDraft, ComposerDraftType, Room, RoomDisplayName, RoomState};
use matrix_sdk_base::deserialized_responses::RawAnySyncOrStrippedState;
use matrix_sdk_base::latest_event;
use matrix_sdk_ui::timeline::{LatestEventValue, MsgLikeKind, RoomExt as _, TimelineItemContent};
use ruma::events::room::history_visibility::HistoryVisibility;
use ruma::events::room::message::MessageType;
use ruma::room::JoinRule;
use ruma::{MilliSecondsSinceUnixEpoch, OwnedRoomId, RoomId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

const FORGOTTEN: &[u8] = b"de.konsil.forgotten";

/// A conversation as a list shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// The room's id.
    pub id: String,
    /// Its name, or the other person's.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What the signed-in person is in it.
    pub membership: Membership,
    /// The last line.
    pub last: Option<Last>,
    /// Unread messages.
    pub unread: u64,
    /// Unread messages that name this person.
    pub mentions: u64,
    /// How much of it this person wants to notice.
    pub attention: Attention,
    /// Marked by this person.
    pub favorite: bool,
    /// Readable by people outside, or not encrypted (gemSpec_TI-M_Basis A_25562-01).
    pub public: bool,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Row([not shown])")
    }
}

/// What a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// With one person.
    Person,
    /// With several.
    Group,
}

/// What the signed-in person is in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// A member.
    Joined,
    /// Asked to come.
    Invited {
        /// Who asks.
        by: Option<Person>,
    },
    /// Gone; the past is still readable.
    Left,
}

/// The last line of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// Who wrote it.
    pub sender: Person,
    /// What it is, with its text in one line.
    pub kind: LastKind,
    /// When.
    pub at: Timestamp,
}

/// What the last line is.
#[derive(Clone, PartialEq, Eq)]
pub enum LastKind {
    /// Text in one line.
    Text(String),
    /// A file with its name.
    File(String),
    /// Deleted.
    Redacted,
    /// It cannot be decrypted on this device yet.
    Undecryptable,
}

impl std::fmt::Debug for LastKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LastKind([not shown])")
    }
}

impl Account {
    /// All conversations: invitations first, then favorites, then the rest; each with the newest last line first.
    pub async fn rows(&self) -> Vec<Row> {
        let latest = self.client.latest_events().await;
        let permissions = crate::permission::known(&self.client).await;
        let mut rows = Vec::new();
        for room in self.client.rooms() {
            let Some(membership) = membership(&room).await else { continue };
            if membership == Membership::Left && self.forgotten.borrow().contains(room.room_id()) {
                continue;
            }
            // It is being refused.
            if crate::permission::is_unwanted(&room, &permissions, &self.insurances).await {
                continue;
            }
            // Begun here, and nothing but its id has come: it has no name yet, nor anybody in it.
            if membership == Membership::Joined && !room.is_state_partially_or_fully_synced() {
                continue;
            }
            // Idempotent: a room's last line is computed only for who asks for it.
            if membership == Membership::Joined
                && let Err(error) = latest.listen_to_room(room.room_id()).await
            {
                tracing::debug!(%error, "a conversation has no last line");
            }
            self.learn_encryption(&room);
            rows.push(Row { attention: self.attention_of(room.room_id()).await, ..row(&room, membership).await });
        }
        rows.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.id.cmp(&b.id)));
        rows
    }

    /// Conversations that this person is in, by room id.
    #[must_use]
    pub fn joined(&self) -> Vec<String> {
        let rooms = self.client.joined_rooms();
        rooms.iter().filter(|room| !room.is_space()).map(|room| room.room_id().to_string()).collect()
    }

    /// A room that is not encrypted has no event that says so: the homeserver is asked, once.
    fn learn_encryption(&self, room: &Room) {
        let unknown = room.state() == RoomState::Joined && room.encryption_state().is_unknown();
        if unknown && self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(room.room_id().to_owned()) {
            let room = room.clone();
            tokio::spawn(async move {
                if let Err(error) = room.request_encryption_state().await {
                    tracing::debug!(%error, "whether a conversation is encrypted is not known");
                }
            });
        }
    }

    /// Tells that the list may have changed, once for any number of changes since the last time.
    pub fn list_changes(&self) -> impl Stream<Item = ()> + Send + use<> {
        let rooms = self.client.subscribe_to_all_room_updates();
        let infos = self.client.room_info_notable_update_receiver();
        let forgotten = self.forgotten.subscribe();
        futures_util::stream::unfold((rooms, infos, forgotten), |(mut rooms, mut infos, mut forgotten)| async move {
            let open = tokio::select! {
                told = rooms.recv() => !matches!(told, Err(RecvError::Closed)),
                told = infos.recv() => !matches!(told, Err(RecvError::Closed)),
                told = forgotten.changed() => told.is_ok(),
            };
            (rooms, infos) = (rooms.resubscribe(), infos.resubscribe());
            open.then_some(((), (rooms, infos, forgotten)))
        })
    }

    /// Takes an invitation.
    ///
    /// # Errors
    /// [`AccountError`] when the homeserver refuses or does not answer.
    pub async fn join(&self, room: &str) -> Result<(), AccountError> {
        let Some(room) = self.room(room) else { return Err(AccountError::Refused("M_NOT_FOUND".to_owned())) };
        room.join().await.map_err(|error| of_sdk(&error))?;
        if self.forgotten.send_if_modified(|forgotten| forgotten.remove(room.room_id())) {
            self.keep_forgotten().await;
        }
        Ok(())
    }

    /// Leaves a conversation and forgets it (gemSpec_TI-M_Basis A_28342: both in one), or refuses an invitation. One that
    /// somebody else ended for this person is forgotten.
    ///
    /// # Errors
    /// As [`Account::join`]. What was left and could not be forgotten stays in the list as history (A_28343), and this
    /// forgets it.
    pub async fn leave(&self, room: &str) -> Result<(), AccountError> {
        let Some(room) = self.room(room) else { return Err(AccountError::Refused("M_NOT_FOUND".to_owned())) };
        match room.state() {
            RoomState::Joined | RoomState::Invited | RoomState::Knocked => {
                room.leave().await.map_err(|error| of_sdk(&error))?;
            }
            RoomState::Left | RoomState::Banned => {}
        }
        self.forgotten.send_modify(|forgotten| {
            forgotten.insert(room.room_id().to_owned());
        });
        self.keep_forgotten().await;
        // The library forgets an invitation by itself.
        let forgotten = if self.client.get_room(room.room_id()).is_some() { room.forget().await } else { Ok(()) };
        self.forgotten.send_modify(|rooms| {
            if forgotten.is_err() {
                rooms.remove(room.room_id());
            }
        });
        if forgotten.is_err() {
            self.keep_forgotten().await;
        }
        forgotten.map_err(|error| of_sdk(&error))
    }

    async fn keep_forgotten(&self) {
        let kept = serde_json::to_vec(&*self.forgotten.borrow()).unwrap_or_default();
        if let Err(error) = self.client.state_store().set_custom_value_no_read(FORGOTTEN, kept).await {
            tracing::warn!(%error, "what was forgotten may be in the list again after a start");
        }
    }

    /// Puts a conversation among the favorites, or takes it out again, on all devices of this person.
    ///
    /// # Errors
    /// As [`Account::join`].
    pub async fn set_favorite(&self, room: &str, favorite: bool) -> Result<(), AccountError> {
        let Some(room) = self.room(room) else { return Err(AccountError::Refused("M_NOT_FOUND".to_owned())) };
        room.set_is_favourite(favorite, None).await.map_err(|error| of_sdk(&error))
    }

    /// Keeps what was typed into a conversation and not sent; empty text forgets it.
    ///
    /// # Errors
    /// [`AccountError::DiskFull`] or [`AccountError::Store`] when it is not on disk.
    pub async fn keep_draft(&self, room: &str, text: impl Into<Typed>) -> Result<(), AccountError> {
        let typed = text.into();
        let Some(room) = self.room(room) else { return Err(AccountError::Refused("M_NOT_FOUND".to_owned())) };
        let kept = if typed.text.is_empty() {
            room.clear_composer_draft(None).await
        } else {
            let draft = ComposerDraft {
                html_text: typed.draft_markup(),
                plain_text: typed.text,
                draft_type: ComposerDraftType::NewMessage,
                attachments: Vec::new(),
            };
            room.save_composer_draft(draft, None).await
        };
        kept.map_err(|error| crate::account::of_store(&error))
    }

    /// What was typed and not sent, by room id.
    pub async fn drafts(&self) -> BTreeMap<String, Typed> {
        let mut drafts = BTreeMap::new();
        for room in self.client.joined_rooms() {
            if let Ok(Some(draft)) = room.load_composer_draft(None).await {
                let typed = Typed::of_draft(draft.plain_text, draft.html_text.as_deref());
                drafts.insert(room.room_id().to_string(), typed);
            }
        }
        drafts
    }

    pub(crate) fn room(&self, id: &str) -> Option<Room> {
        self.client.get_room(RoomId::parse(id).ok().as_deref()?)
    }
}

/// What was forgotten in a former run, and is here all the same.
pub(crate) async fn still_forgotten(client: &Client) -> BTreeSet<OwnedRoomId> {
    let kept = match client.state_store().get_custom_value(FORGOTTEN).await {
        Ok(kept) => kept.unwrap_or_default(),
        Err(error) => {
            tracing::warn!(%error, "what was forgotten could not be read");
            return BTreeSet::new();
        }
    };
    let mut forgotten: BTreeSet<OwnedRoomId> = serde_json::from_slice(&kept).unwrap_or_default();
    // One that is not here may come back with the first answer, which tells once more that it was left.
    forgotten.retain(|id| client.get_room(id).is_none_or(|room| room.state() == RoomState::Left));
    forgotten
}

/// Forgets again what the homeserver names once more as left: an answer that was on its way brings back what was
/// forgotten meanwhile.
pub(crate) async fn forget_left(client: Client, forgotten: watch::Sender<BTreeSet<OwnedRoomId>>) {
    let mut updates = client.subscribe_to_all_room_updates();
    loop {
        let again: Vec<Room> = forgotten.borrow().iter().filter_map(|id| client.get_room(id)).collect();
        for room in again.into_iter().filter(|room| room.state() == RoomState::Left) {
            match room.forget().await {
                Ok(()) => forgotten.send_modify(|_rooms| {}),
                // It is in no list, and is forgotten with the next answer.
                Err(error) => tracing::debug!(code = ?of_sdk(&error), "what was left could not be forgotten again"),
            }
        }
        match updates.recv().await {
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// None for rooms that are no conversation of this person.
pub(crate) async fn membership(room: &Room) -> Option<Membership> {
    if room.is_space() {
        return None;
    }
    match room.state() {
        RoomState::Joined => Some(Membership::Joined),
        RoomState::Left => Some(Membership::Left),
        RoomState::Invited => {
            let by = match room.invite_details().await {
                Ok(invite) => Some(match invite.inviter {
                    Some(member) => Person::new(
                        member.user_id(),
                        member.display_name(),
                        member.name_ambiguous(),
                        room.own_user_id(),
                    ),
                    None => Person::new(&invite.inviter_id, None, false, room.own_user_id()),
                }),
                Err(_) => None,
            };
            Some(Membership::Invited { by })
        }
        RoomState::Knocked | RoomState::Banned => None,
    }
}

async fn row(room: &Room, membership: Membership) -> Row {
    Row {
        id: room.room_id().to_string(),
        name: name(room).await,
        kind: kind(room).await,
        last: last(room).await,
        unread: if membership == Membership::Joined { room.num_unread_messages() } else { 0 },
        mentions: if membership == Membership::Joined { room.num_unread_mentions() } else { 0 },
        attention: Attention::default(),
        favorite: room.is_favourite(),
        public: is_public(room),
        membership,
    }
}

/// Invitations, favorites, the rest; each with the newest first.
fn order(row: &Row) -> (bool, bool, std::cmp::Reverse<Option<Timestamp>>) {
    let invited = matches!(row.membership, Membership::Invited { .. });
    (!invited, !row.favorite, std::cmp::Reverse(row.last.as_ref().map(|last| last.at)))
}

pub(crate) async fn name(room: &Room) -> String {
    if let Some(name) = own_name(room).await {
        return name;
    }
    let name = match room.display_name().await {
        Ok(
            RoomDisplayName::Named(name)
            | RoomDisplayName::Aliased(name)
            | RoomDisplayName::Calculated(name)
            | RoomDisplayName::EmptyWas(name),
        ) => name,
        Ok(RoomDisplayName::Empty) | Err(_) => String::new(),
    };
    clean(&name)
}

/// The name that a room of the TI-Messenger bears beside the standard one, and before it (gemSpec_TI-M_Basis A_26338-02).
/// Rooms of the second kind have the standard one alone (A_28595).
async fn own_name(room: &Room) -> Option<String> {
    if !has_own_name(room) {
        return None;
    }
    let state = room.get_state_event("de.gematik.tim.room.name".into(), "").await.ok()??;
    let content = match &state {
        RawAnySyncOrStrippedState::Sync(event) => event.get_field::<Named>("content"),
        RawAnySyncOrStrippedState::Stripped(event) => event.get_field::<Named>("content"),
    };
    Some(clean(&content.ok()??.name)).filter(|name| !name.is_empty())
}

pub(crate) fn has_own_name(room: &Room) -> bool {
    room.room_type()
        .is_some_and(|kind| kind.as_str().starts_with("de.gematik.tim.roomtype.") && !kind.as_str().ends_with(".v2"))
}

#[derive(serde::Deserialize)]
struct Named {
    name: String,
}

pub(crate) async fn kind(room: &Room) -> Kind {
    if room.is_direct().await.unwrap_or(false) && room.active_members_count() <= 2 { Kind::Person } else { Kind::Group }
}

pub(crate) fn is_public(room: &Room) -> bool {
    matches!(room.join_rule(), Some(JoinRule::Public))
        || matches!(room.history_visibility(), Some(HistoryVisibility::WorldReadable))
        || (!room.encryption_state().is_unknown() && !room.encryption_state().is_encrypted())
}

async fn last(room: &Room) -> Option<Last> {
    let own = room.own_user_id();
    let (sender, profile, content, timestamp) = match room.latest_event().await {
        LatestEventValue::Remote { timestamp, sender, profile, content, .. }
        | LatestEventValue::Local { timestamp, sender, profile, content, .. } => (sender, profile, content, timestamp),
        LatestEventValue::None | LatestEventValue::RemoteInvite { .. } => return None,
    };
    let kind = last_kind(&content)?;
    // The library's lines for the list do not say it.
    let forged = matches!(
        (**room).latest_event(),
        latest_event::LatestEventValue::Remote(event) if is_forged(event.encryption_info().map(AsRef::as_ref))
    );
    let kind = if forged { LastKind::Undecryptable } else { kind };
    Some(Last { sender: Person::of_profile(&sender, &profile, own), kind, at: moment(timestamp) })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows; what is not named here is treated alike")]
fn last_kind(content: &TimelineItemContent) -> Option<LastKind> {
    let TimelineItemContent::MsgLike(message) = content else { return None };
    match &message.kind {
        MsgLikeKind::Message(message) => Some(match message.msgtype() {
            MessageType::File(file) => LastKind::File(crate::name::clean_file(file.filename())),
            MessageType::Image(image) => LastKind::File(crate::name::clean_file(image.filename())),
            MessageType::Audio(audio) => LastKind::File(crate::name::clean_file(audio.filename())),
            MessageType::Video(video) => LastKind::File(crate::name::clean_file(video.filename())),
            MessageType::VerificationRequest(_) => return None,
            _ if message.body().trim().is_empty() => LastKind::Redacted,
            _ => LastKind::Text(one_line(message.body())),
        }),
        MsgLikeKind::Redacted => Some(LastKind::Redacted),
        MsgLikeKind::UnableToDecrypt(_) => Some(LastKind::Undecryptable),
        MsgLikeKind::Sticker(_) | MsgLikeKind::Poll(_) | MsgLikeKind::Other(_) | MsgLikeKind::LiveLocation(_) => None,
    }
}

/// Times of other computers are not believed beyond what a calendar holds.
pub(crate) fn moment(time: MilliSecondsSinceUnixEpoch) -> Timestamp {
    Timestamp::from_millisecond(i64::from(time.get())).unwrap_or(Timestamp::UNIX_EPOCH)
}
