//! An open conversation: its lines as they are, and what a person does in it.

mod acts;
mod day;
mod following;
mod foreign;
mod forms;
mod lines;
mod naming;
mod pending;
mod replays;
mod trust;
mod versions;

pub use acts::ConversationError;
pub(crate) use acts::LONGEST_TEXT;
pub(crate) use lines::is_forged;
pub use lines::{
    Body, Change, ChangeKind, Line, Message, MessageId, Picture, Reaction, Replied, Sending, SendingFailed,
    Undecryptable,
};
pub use naming::{Loud, Naming};
pub use pending::{Act, Pending};
pub use trust::ChangedIdentity;
pub use versions::Version;

use crate::account::Account;
use crate::clock;
use crate::file::Wire;
use crate::list::{Kind, Membership, is_public, kind, membership, name};
use crate::person::Person;
use crate::queue::Entered;
use crate::recovery;
use crate::signals::Signals;
use crate::sync::SyncState;
use following::Followed;
use matrix_sdk::{Room, RoomMemberships};
use matrix_sdk_ui::Timeline;
use matrix_sdk_ui::eyeball_im::Vector;
use matrix_sdk_ui::timeline::{TimelineFocus, TimelineItem};
use ruma::{EventId, OwnedEventId, OwnedUserId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Lines that are asked for at a time.
const PAGE: u16 = 50;
/// Fewer lines than this do not fill a window: more are read without being asked.
const SCREENFUL: usize = 30;
/// How long what lies before the first line waits for the homeserver's first answer after a start.
const FIRST_ANSWER: Duration = Duration::from_secs(2);
/// What came with the homeserver's first answer is counted after so long.
const COUNTED: Duration = Duration::from_secs(2);

/// An open conversation. Dropping it ends its following of the room.
pub struct Conversation {
    pub(crate) room: Room,
    signals: watch::Receiver<Signals>,
    follows: watch::Receiver<SyncState>,
    secrets: watch::Receiver<bool>,
    clock: watch::Receiver<clock::Ahead>,
    pub(crate) wire: Wire,
    shared: Arc<Shared>,
    _entered: Entered,
    _tasks: JoinSet<()>,
}

struct Shared {
    timeline: watch::Sender<Arc<Timeline>>,
    items: Mutex<Vector<Arc<TimelineItem>>>,
    typing: Mutex<Vec<OwnedUserId>>,
    replays: Mutex<replays::Replays>,
    acts: Mutex<pending::Acts>,
    earlier: watch::Sender<Earlier>,
    // Of a conversation that was opened in the past.
    later: watch::Sender<Option<Earlier>>,
    // None until it is known.
    trust: watch::Sender<Option<trust::Trust>>,
    // What was read before it was opened.
    read: Mutex<Read>,
    // Counts changes; what changed is read from the rest.
    revision: watch::Sender<u64>,
}

/// How far somebody had read when they opened a conversation.
struct Read {
    to: Option<OwnedEventId>,
    /// More had come.
    is_short: bool,
    /// Somebody was at the end before the homeserver answered.
    is_seen: bool,
    /// What comes from here on has come since.
    is_over: bool,
}

/// What lies beyond the first or the last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing.
    None,
    /// There is more.
    More,
    /// It is being read.
    Loading,
    /// It could not be read.
    Failed,
}

/// What somebody may do to a conversation itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// Ask others to come.
    pub invite: bool,
    /// Give it another name.
    pub rename: bool,
    /// Send others away.
    pub remove: bool,
}

/// What protects a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// Not known yet: nothing is sent.
    Unknown,
    /// End to end.
    On {
        /// Devices that can read it.
        devices: usize,
        /// Of them, those that their owners have not confirmed.
        unconfirmed: Vec<Device>,
    },
    /// None.
    Off,
}

/// A device of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Whose.
    pub owner: Person,
    /// Its name, or its id.
    pub name: String,
}

impl std::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Conversation([not shown])")
    }
}

impl Account {
    /// Opens a conversation with what this device has of it.
    ///
    /// # Errors
    /// [`ConversationError`] when there is none, or it cannot be read.
    pub async fn conversation(&self, id: &str) -> Result<Conversation, ConversationError> {
        let room = self.room(id).ok_or(ConversationError::NotFound)?;
        Conversation::open(room, self, following::live(), None).await
    }
}

impl Conversation {
    async fn open(
        room: Room,
        account: &Account,
        focus: TimelineFocus,
        read_to: Option<OwnedEventId>,
    ) -> Result<Self, ConversationError> {
        let past = matches!(focus, TimelineFocus::Event { .. });
        let followed = Followed::read(&room, focus, 0).await?;
        let shared = Arc::new(Shared {
            timeline: watch::Sender::new(followed.timeline.clone()),
            items: Mutex::new(followed.items.clone()),
            typing: Mutex::new(Vec::new()),
            replays: Mutex::default(),
            acts: Mutex::default(),
            earlier: watch::Sender::new(Earlier::More),
            later: watch::Sender::new(past.then_some(Earlier::More)),
            trust: watch::Sender::new(None),
            read: Mutex::new(Read {
                is_short: read_to.is_some(),
                is_seen: false,
                is_over: read_to.is_some(),
                to: read_to,
            }),
            revision: watch::Sender::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(following::follow(room.clone(), shared.clone(), followed, !past));
        tasks.spawn({
            let (shared, room) = (shared.clone(), room.clone());
            async move {
                let (_guard, mut typing) = room.subscribe_to_typing_notifications();
                loop {
                    match typing.recv().await {
                        Ok(people) => {
                            *shared.typing.lock().unwrap_or_else(PoisonError::into_inner) = people;
                            shared.changed();
                        }
                        Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => return,
                    }
                }
            }
        });
        tasks.spawn({
            let (shared, mut signals) = (shared.clone(), account.signals.subscribe());
            async move {
                // What is shown of others goes with it.
                while signals.changed().await.is_ok() {
                    shared.changed();
                }
            }
        });
        tasks.spawn(pending::follow(room.clone(), shared.clone(), account.wire.queues.clone()));
        tasks.spawn({
            let (shared, mut clock) = (shared.clone(), account.clock());
            async move {
                // What can be deleted goes by it.
                while clock.changed().await.is_ok() {
                    shared.changed();
                }
            }
        });
        tasks.spawn(trust::follow(room.clone(), shared.clone(), account.wire.queues.clone()));
        tasks.spawn(following::follow_gaps(shared.clone()));
        if !past {
            tasks.spawn({
                let (shared, room, mut follows) = (shared.clone(), room.clone(), account.state());
                async move {
                    // What is read from here on moves the mark. At a start it is known with the homeserver's first answer.
                    if follows.wait_for(|state| *state == SyncState::Ready).await.is_err() {
                        return;
                    }
                    if let Some(to) = room.fully_read_event_id() {
                        shared.read().to = Some(to);
                        shared.changed();
                    }
                    tokio::time::sleep(COUNTED).await;
                    // Whoever was at the end and sees nothing new has read everything, and is not asked again.
                    let mut read = shared.read();
                    read.is_short |= !read.is_over && room.num_unread_messages() > 0;
                    read.is_over |= read.is_seen;
                }
            });
        }
        let conversation = Self {
            signals: account.signals.subscribe(),
            follows: account.state(),
            secrets: account.secrets.subscribe(),
            clock: account.clock(),
            wire: account.wire.clone(),
            shared,
            _entered: account.wire.queues.enter(&room),
            room,
            _tasks: tasks,
        };
        if !past && conversation.shared.items().len() < SCREENFUL {
            conversation.load_earlier();
        }
        Ok(conversation)
    }

    /// The room's id.
    #[must_use]
    pub fn id(&self) -> String {
        self.room.room_id().to_string()
    }

    /// Its name, or the other person's.
    pub async fn name(&self) -> String {
        name(&self.room).await
    }

    /// What it is.
    pub async fn kind(&self) -> Kind {
        kind(&self.room).await
    }

    /// What the signed-in person is in it.
    pub async fn membership(&self) -> Membership {
        membership(&self.room).await.unwrap_or(Membership::Left)
    }

    /// Event ids that are pinned in it, the newest first.
    #[must_use]
    pub fn pinned(&self) -> Vec<String> {
        crate::case::pinned(&self.room)
    }

    /// Tells that something changed, once for any number of changes since the last time.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.revision.subscribe()
    }

    /// What lies before the first line.
    #[must_use]
    pub fn earlier(&self) -> Earlier {
        *self.shared.earlier.borrow()
    }

    /// The lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let items = self.shared.items().clone();
        let read_to = self.unread_after();
        let recovery = recovery::state(&self.room.client(), *self.secrets.borrow());
        let around = lines::Around {
            own: self.room.own_user_id(),
            recovery,
            receipts: self.signals().receipts,
            replays: &self.shared.replays(),
            acts: &self.shared.acts(),
            now: clock::now(*self.clock.borrow()),
            read_to: read_to.as_deref(),
            live: self.later().is_none(),
        };
        lines::lines(&items, &around)
    }

    /// The last event that this person had read when the conversation was opened, if what came after it begins before
    /// the first line. [`Account::conversation_unread`] opens it there.
    #[must_use]
    pub fn unread_before(&self) -> Option<String> {
        let read_to = self.unread_after().filter(|_| self.later().is_none() && self.earlier() != Earlier::None)?;
        let here = self.shared.items().iter().any(|item| event_of(item) == Some(&*read_to));
        (!here).then(|| read_to.to_string())
    }

    /// The last event that was read, if more had come when the conversation was opened.
    fn unread_after(&self) -> Option<OwnedEventId> {
        let mut read = self.shared.read();
        // Counting goes on for a moment after the homeserver's answer.
        read.is_short = read.is_short || (!read.is_over && self.room.num_unread_messages() > 0);
        read.to.clone().filter(|_| read.is_short)
    }

    /// Who is typing, without the signed-in person; nobody unless the person wants it.
    pub async fn typing(&self) -> Vec<Person> {
        if !self.signals().typing {
            return Vec::new();
        }
        let typing = self.shared.typing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut people = Vec::new();
        for id in typing {
            people.push(Person::of_member(&self.room, &id).await);
        }
        people
    }

    /// Who is in it, the signed-in person first, then by name. Asks the homeserver the first time.
    pub async fn members(&self) -> Vec<Person> {
        let Ok(members) = self.room.members(RoomMemberships::JOIN).await else { return Vec::new() };
        let own = self.room.own_user_id();
        let mut people: Vec<_> = members
            .iter()
            .map(|member| Person::new(member.user_id(), member.display_name(), member.name_ambiguous(), own))
            .collect();
        people.sort_by(|a, b| b.own.cmp(&a.own).then_with(|| a.name.cmp(&b.name)).then_with(|| a.id.cmp(&b.id)));
        people
    }

    /// What protects it, as far as this device knows.
    pub async fn encryption(&self) -> Encryption {
        let state = self.room.encryption_state();
        if state.is_unknown() {
            return Encryption::Unknown;
        }
        if !state.is_encrypted() {
            return Encryption::Off;
        }
        let encryption = self.room.client().encryption();
        let (mut devices, mut unconfirmed) = (0, Vec::new());
        for owner in self.members().await {
            let Ok(id) = ruma::UserId::parse(&owner.id) else { continue };
            let Ok(found) = encryption.get_user_devices(&id).await else { continue };
            for device in found.devices().filter(|device| !device.is_deleted()) {
                devices += 1;
                if !device.is_cross_signed_by_owner() {
                    let name = device.display_name().map(crate::name::clean).filter(|name| !name.is_empty());
                    let name = name.unwrap_or_else(|| device.device_id().to_string());
                    unconfirmed.push(Device { owner: owner.clone(), name });
                }
            }
        }
        Encryption::On { devices, unconfirmed }
    }

    /// Whether it is among this person's favorites.
    #[must_use]
    pub fn is_favorite(&self) -> bool {
        self.room.is_favourite()
    }

    /// What this person may do to the conversation itself. One with a single person stays as it is.
    pub async fn rights(&self) -> Rights {
        if self.room.state() != matrix_sdk::RoomState::Joined || self.kind().await == Kind::Person {
            return Rights::default();
        }
        let Ok(levels) = self.room.power_levels().await else { return Rights::default() };
        let own = self.room.own_user_id();
        Rights {
            invite: levels.user_can_invite(own),
            rename: levels.user_can_send_state(own, ruma::events::StateEventType::RoomName),
            remove: levels.user_can_kick(own),
        }
    }

    /// Whether this person may write here.
    pub async fn may_send(&self) -> bool {
        if self.room.state() != matrix_sdk::RoomState::Joined {
            return false;
        }
        let Ok(levels) = self.room.power_levels().await else { return true };
        levels.user_can_send_message(self.room.own_user_id(), ruma::events::MessageLikeEventType::RoomMessage)
    }

    /// Whether people outside can read it, or it is not encrypted.
    #[must_use]
    pub fn is_public(&self) -> bool {
        is_public(&self.room)
    }

    /// Reads lines before the first one; [`Conversation::changes`] tells when they are there.
    pub fn load_earlier(&self) {
        if !begin(&self.shared.earlier, |earlier| Some(earlier)) {
            return;
        }
        self.shared.changed();
        let (shared, timeline, mut follows) = (self.shared.clone(), self.timeline(), self.follows.clone());
        tokio::spawn(async move {
            // The keys of what was written meanwhile come with it; without them each line would be read twice.
            let answered = async { follows.wait_for(|state| *state != SyncState::Connecting).await.is_ok() };
            let _without_keys_then = tokio::time::timeout(FIRST_ANSWER, answered).await;
            shared.earlier.send_replace(reached(timeline.paginate_backwards(PAGE).await));
            shared.changed();
        });
    }

    /// What lies after the last line of a conversation that was opened in the past; nothing for one that follows what
    /// is written.
    #[must_use]
    pub fn later(&self) -> Option<Earlier> {
        *self.shared.later.borrow()
    }

    /// Reads lines after the last one; [`Conversation::changes`] tells when they are there.
    pub fn load_later(&self) {
        if !begin(&self.shared.later, Option::as_mut) {
            return;
        }
        self.shared.changed();
        let (shared, timeline) = (self.shared.clone(), self.timeline());
        tokio::spawn(async move {
            shared.later.send_replace(Some(reached(timeline.paginate_forwards(PAGE).await)));
            shared.changed();
        });
    }

    pub(crate) fn timeline(&self) -> Arc<Timeline> {
        self.shared.timeline.borrow().clone()
    }

    pub(crate) fn signals(&self) -> Signals {
        *self.signals.borrow()
    }

    pub(crate) fn item(&self, id: &MessageId) -> Option<Arc<TimelineItem>> {
        self.shared.items().iter().find(|item| item.unique_id().0 == id.0).cloned()
    }
}

/// Whether more is to be read now.
fn begin<T>(told: &watch::Sender<T>, of: impl FnOnce(&mut T) -> Option<&mut Earlier>) -> bool {
    told.send_if_modified(|told| match of(told) {
        Some(more @ (Earlier::More | Earlier::Failed)) => {
            *more = Earlier::Loading;
            true
        }
        Some(Earlier::None | Earlier::Loading) | None => false,
    })
}

fn reached(read: Result<bool, matrix_sdk_ui::timeline::Error>) -> Earlier {
    match read {
        Ok(true) => Earlier::None,
        Ok(false) => Earlier::More,
        Err(error) => {
            tracing::debug!(%error, "more messages could not be read");
            Earlier::Failed
        }
    }
}

fn event_of(item: &TimelineItem) -> Option<&EventId> {
    item.as_event()?.event_id()
}

impl Shared {
    fn items(&self) -> MutexGuard<'_, Vector<Arc<TimelineItem>>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After an absence there are lines again before the first one, also where the beginning was reached before.
    fn has_gap(&self) {
        let reached = self.earlier.send_if_modified(|earlier| {
            let reached = *earlier == Earlier::None;
            if reached {
                *earlier = Earlier::More;
            }
            reached
        });
        if reached {
            self.changed();
        }
    }

    fn replays(&self) -> MutexGuard<'_, replays::Replays> {
        self.replays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.revision.send_modify(|revision| *revision = revision.wrapping_add(1));
    }
}
