//! What arrives and wants to be noticed, and how much of it a person wants to notice.
//!
//! Push rules decide (Client-Server API, "Push Notifications"). They are applied here and not by the homeserver, which
//! cannot read the messages.

use crate::account::{Account, AccountError};
use crate::list::{Kind, kind};
use crate::person::Person;
use crate::rtc::{CALL, DECLINE};
use crate::sync::SyncState;
use matrix_sdk::Client;
use matrix_sdk::deserialized_responses::RawAnySyncOrStrippedTimelineEvent;
use matrix_sdk::notification_settings::{NotificationSettings, RoomNotificationMode};
use ruma::push::Action;
use ruma::{OwnedUserId, RoomId};
use tokio::sync::{broadcast, watch};

/// More than this at a time is an absence, whose messages the list shows.
const WAITING: usize = 64;

/// A message or an invitation that push rules want to be noticed. It says nothing of what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The room's id.
    pub conversation: String,
    /// What it is.
    pub kind: Kind,
    /// Who wrote; none when the homeserver does not say.
    pub sender: Option<Person>,
    /// It names this person.
    pub mention: bool,
    /// Somebody asks this person to come.
    pub invitation: bool,
    /// Somebody has begun a round and calls.
    pub call: bool,
}

/// How much of a conversation a person wants to notice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Attention {
    /// Every message.
    #[default]
    All,
    /// What names them.
    Mentions,
    /// Nothing.
    Nothing,
}

impl Attention {
    fn of(mode: RoomNotificationMode) -> Self {
        match mode {
            RoomNotificationMode::AllMessages => Self::All,
            RoomNotificationMode::MentionsAndKeywordsOnly => Self::Mentions,
            RoomNotificationMode::Mute => Self::Nothing,
        }
    }

    fn mode(self) -> RoomNotificationMode {
        match self {
            Self::All => RoomNotificationMode::AllMessages,
            Self::Mentions => RoomNotificationMode::MentionsAndKeywordsOnly,
            Self::Nothing => RoomNotificationMode::Mute,
        }
    }
}

pub(crate) fn channel() -> broadcast::Sender<Arrival> {
    broadcast::Sender::new(WAITING)
}

/// Tells what arrives from now on. What the first answer of a homeserver brings was there before and is not told.
pub(crate) async fn listen(client: &Client, state: watch::Receiver<SyncState>, tell: broadcast::Sender<Arrival>) {
    client
        .register_notification_handler(move |notification, room, _client| {
            let (tell, first) = (tell.clone(), *state.borrow() == SyncState::Connecting);
            async move {
                if first {
                    return;
                }
                let (sender, invitation, kind_of_event) = match &notification.event {
                    RawAnySyncOrStrippedTimelineEvent::Sync(event) => {
                        (event.get_field::<OwnedUserId>("sender"), false, event.get_field::<String>("type"))
                    }
                    RawAnySyncOrStrippedTimelineEvent::Stripped(event) => {
                        (event.get_field("sender"), true, event.get_field("type"))
                    }
                };
                // Calls are told by themselves, as long as they go on.
                if kind_of_event.ok().flatten().is_some_and(|kind| kind == CALL || kind == DECLINE) {
                    return;
                }
                let mention = notification.actions.iter().any(Action::is_highlight);
                let sender = match sender.ok().flatten() {
                    Some(id) => Some(Person::of_member(&room, &id).await),
                    None => None,
                };
                let kind = kind(&room).await;
                let conversation = room.room_id().to_string();
                // Nobody listens while nobody sits at the desk.
                let _unheard = tell.send(Arrival { conversation, kind, sender, mention, invitation, call: false });
            }
        })
        .await;
}

impl Account {
    /// Messages and invitations that arrive from now on and want to be noticed.
    pub fn arrivals(&self) -> broadcast::Receiver<Arrival> {
        self.arrivals.subscribe()
    }

    async fn rules(&self) -> &NotificationSettings {
        self.rules.get_or_init(|| self.client.notification_settings()).await
    }

    /// How much of a conversation this person wants to notice.
    pub async fn attention(&self, conversation: &str) -> Attention {
        match RoomId::parse(conversation) {
            Ok(room) => self.attention_of(&room).await,
            Err(_) => Attention::default(),
        }
    }

    pub(crate) async fn attention_of(&self, room: &RoomId) -> Attention {
        let mode = self.rules().await.get_user_defined_room_notification_mode(room).await;
        mode.map_or_else(Attention::default, Attention::of)
    }

    /// Says it, to all devices of this person.
    ///
    /// # Errors
    /// [`AccountError`] when the homeserver refuses or does not answer.
    pub async fn set_attention(&self, conversation: &str, attention: Attention) -> Result<(), AccountError> {
        let not_found = |_| AccountError::Refused("M_NOT_FOUND".to_owned());
        let room = RoomId::parse(conversation).map_err(not_found)?;
        let rules = self.rules().await;
        rules
            .set_room_notification_mode(&room, attention.mode())
            .await
            .map_err(|error| AccountError::Unreachable(error.to_string()))
    }

    /// Tells that rules of this person have changed, on this device or another.
    pub async fn attention_changes(&self) -> broadcast::Receiver<()> {
        self.rules().await.subscribe_to_changes()
    }
}
