//! A round of a conversation, as long as somebody looks at it: who is in it, and the keys that come and go.
//!
//! ```text
//! sync ─▶ handlers ─┬─ state, sticky ─▶ members ──────────┐
//!                   └─ keys, requests ─▶ inbox ─▶ [tell] ─┴─▶ RoundEvent
//!                                    members ─▶ [stay] ─▶ own membership: renewed, put back, not given up
//! ```
//!
//! Two tasks, since what is heard of others must not wait for what is said of oneself.

use super::farewell::{self, EVERY, PutOff};
use super::keys::{Keys, Sender, Sent};
use super::members::{Found, Members};
use super::wire::{self, Focus, KEYS, LASTS_MS, MEMBER, Own, STICKY};
use crate::account::Account;
use crate::case::may_decide;
use crate::person::Person;
use futures_util::{StreamExt as _, stream};
use matrix_sdk::deserialized_responses::{AlgorithmInfo, EncryptionInfo};
use matrix_sdk::encryption::identities::Device;
use matrix_sdk::event_handler::EventHandlerDropGuard;
use matrix_sdk::{Client, Room, RoomState};
use matrix_sdk_base::crypto::CollectStrategy;
use model::names::ROUND_KEY_REQUEST;
use model::round::{KeyTrust, MediaKey, MemberId};
use ruma::api::client::state::get_state_events;
use ruma::events::{AnySyncMessageLikeEvent, AnySyncStateEvent, AnyToDeviceEvent};
use ruma::serde::Raw;
use ruma::{OwnedDeviceId, OwnedUserId, RoomId, UserId};
use serde_json::{Value, json};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use url::Url;

/// Keys and requests that wait to be looked at, and news that wait to be heard.
const WAITING: usize = 256;
/// A membership is renewed so long before it ends.
const AHEAD_MS: u64 = 3600 * 1000;
/// How long a membership that was written is awaited before it is written again; doubled each time.
const ECHO: Duration = Duration::from_secs(3);
const LONGEST_ECHO: Duration = Duration::from_secs(60);
/// The pause after something that the homeserver did not take.
const AGAIN: Duration = Duration::from_secs(1);

/// Somebody in a round, with one of their devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Their name on the media server.
    pub id: MemberId,
    /// Who it is.
    pub person: Person,
    /// The device, as Matrix names it.
    pub device: String,
    /// Whether it is this device.
    pub here: bool,
    /// Since when, in milliseconds of the Unix epoch, as they say it.
    pub since_ms: u64,
    /// Where their media is. None where they name no media server of a known kind.
    pub focus: Option<Focus>,
    /// Whether they moderate the conversation: their power there is at least 50.
    pub moderates: bool,
}

/// What happens in a round.
#[derive(Debug, Clone)]
pub enum RoundEvent {
    /// These are in it, who came first in front. Told at the beginning too.
    MembersChanged(Vec<Member>),
    /// The key of a member. It comes again when a device turns out to be signed.
    KeyArrived {
        /// Whose.
        from: MemberId,
        /// The key.
        key: MediaKey,
        /// What is known of the device it came from.
        trust: KeyTrust,
    },
    /// A member has not got this device's key and asks for it.
    KeyAsked {
        /// Who.
        by: MemberId,
    },
}

/// Somebody whom a key or a question did not reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Who.
    pub who: MemberId,
    /// Why.
    pub why: MissedWhy,
}

/// Why something did not reach a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissedWhy {
    /// They are no member any more, or nobody knows their device.
    Gone,
    /// Their owner has not signed the device: it may be anybody's, of the homeserver's own making too.
    Unsigned,
}

/// Why something could not be done in a round.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// No such conversation, or this person is not in it.
    #[error("there is no such conversation")]
    NotFound,
    /// Without encryption there is no round.
    #[error("the conversation is not encrypted")]
    NotEncrypted,
    /// Whether it is encrypted could not be learned.
    #[error("it is not known whether the conversation is encrypted")]
    EncryptionUnknown,
    /// Somebody's identity has changed, and the person has not decided yet.
    #[error("the identity of somebody in the conversation has changed")]
    IdentityChanged,
    /// The conversation does not let this person say that they are there.
    #[error("it is not for this person to do")]
    NotAllowed,
    /// This device has not joined.
    #[error("this device is not in the round")]
    NotThere,
    /// This device or the homeserver refused.
    #[error("it could not be done: {0}")]
    Failed(String),
}

/// A round that is looked at, and joined if the person wants. Dropping it ends that without a word: who was in it is seen
/// in it until the homeserver or the time ends the membership, so [`Round::leave`] comes first.
pub struct Round {
    shared: Arc<Shared>,
    _handlers: Vec<EventHandlerDropGuard>,
    // Ends its tasks when it is dropped.
    _tasks: JoinSet<()>,
}

struct Shared {
    room: Room,
    user: OwnedUserId,
    device: OwnedDeviceId,
    members: Mutex<Members>,
    joined: Mutex<Option<Joined>>,
    // Counts changes of both.
    revision: watch::Sender<u64>,
}

/// This device's own membership.
#[derive(Debug, Clone)]
struct Joined {
    own: Own,
    /// That says so.
    event: String,
    until_ms: u64,
    written: Instant,
    echo: Duration,
    farewell: Option<String>,
    put_off: Instant,
}

/// What came to this device.
enum Came {
    Key(Sent),
    Request(Sender),
}

impl std::fmt::Debug for Round {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Round([not shown])")
    }
}

impl Account {
    /// Looks at the round of a conversation, which nobody may be in. What happens in it comes by the receiver; whoever
    /// does not read it loses keys, once 256 of them wait.
    ///
    /// # Errors
    /// [`RoundError`].
    pub async fn round(&self, room: &str) -> Result<(Round, mpsc::Receiver<RoundEvent>), RoundError> {
        let room = self.room(room).filter(|room| room.state() == RoomState::Joined).ok_or(RoundError::NotFound)?;
        check_encryption(&room).await?;
        let (user, device) = (self.client.user_id(), self.client.device_id());
        let (user, device) = user.zip(device).ok_or(RoundError::NotFound)?;
        let shared = Arc::new(Shared {
            user: user.to_owned(),
            device: device.to_owned(),
            members: Mutex::default(),
            joined: Mutex::default(),
            revision: watch::Sender::new(0),
            room,
        });
        let (inbox, came) = mpsc::channel(WAITING);
        // Before the question, so that nothing falls between them.
        let handlers = shared.listen(&inbox);
        shared.ask_all().await?;
        let (tell, events) = mpsc::channel(WAITING);
        let mut tasks = JoinSet::new();
        tasks.spawn(tell_news(shared.clone(), came, tell));
        tasks.spawn(stay(shared.clone()));
        Ok((Round { shared, _handlers: handlers, _tasks: tasks }, events))
    }
}

impl Round {
    /// This device's name on the media server. None where its ids are too long for one.
    #[must_use]
    pub fn id(&self) -> Option<MemberId> {
        wire::plain_id(&self.shared.user, &self.shared.device)
    }

    /// Who is in it, who came first in front.
    pub async fn members(&self) -> Vec<Member> {
        self.shared.shown().await
    }

    /// Whether the conversation lets this person say that they are there. One that another program made may not.
    pub async fn may_join(&self) -> bool {
        self.lets_join().await.unwrap_or(false)
    }

    /// None where it is not known yet: whoever has just come to a conversation has not heard who may what in it.
    async fn lets_join(&self) -> Option<bool> {
        let levels = self.shared.room.power_levels().await.ok()?;
        Some(levels.user_can_send_state(&self.shared.user, MEMBER.into()))
    }

    /// Says that this device is there, with its media at the LiveKit server of this token service, and goes on saying it
    /// until [`Round::leave`]. Whoever has joined already begins anew, upon which others send their keys once more.
    ///
    /// # Errors
    /// [`RoundError`]; this device is not in it then.
    pub async fn join(&self, service: &Url) -> Result<(), RoundError> {
        let (shared, client) = (&self.shared, self.shared.room.client());
        check_encryption(&shared.room).await?;
        // Where it is not known the homeserver says.
        if self.lets_join().await == Some(false) {
            return Err(RoundError::NotAllowed);
        }
        let former = shared.joined().take();
        let own = Own {
            user: shared.user.clone(),
            device: shared.device.clone(),
            since_ms: now_ms(),
            focus: Focus { service: service.clone(), alias: Some(shared.room.room_id().to_string()) },
        };
        // First of all: a program that ends between the two is not seen in a round forever.
        let farewell = match former.and_then(|joined| joined.farewell) {
            Some(farewell) => Some(farewell),
            None if farewell::can_be_put_off(&client).await => shared.leave_later(&own).await,
            None => None,
        };
        let event = match shared.write(&own, own.written(LASTS_MS)).await {
            Ok(event) => event,
            Err(error) => {
                if let Some(farewell) = farewell {
                    farewell::take_back(&client, farewell).await;
                }
                return Err(failed(&error));
            }
        };
        let now = Instant::now();
        // Due at once: servers have taken it back when its own sender wrote in its place.
        let put_off = now.checked_sub(EVERY).unwrap_or(now);
        let until_ms = own.since_ms.saturating_add(LASTS_MS);
        *shared.joined() = Some(Joined { own, event, until_ms, written: now, echo: ECHO, farewell, put_off });
        shared.changed();
        Ok(())
    }

    /// Says that this device is there no more, also where that was said before a restart of the program.
    ///
    /// # Errors
    /// [`RoundError::Failed`] when the homeserver did not take it; it may be tried again, and what was left with the
    /// homeserver says it in a few seconds.
    pub async fn leave(&self) -> Result<(), RoundError> {
        let joined = self.shared.joined().take();
        self.shared.changed();
        let own = Own {
            user: self.shared.user.clone(),
            device: self.shared.device.clone(),
            since_ms: 0,
            focus: Focus { service: self.shared.room.client().homeserver(), alias: None },
        };
        self.shared.write(&own, json!({})).await.map_err(|error| failed(&error))?;
        if let Some(farewell) = joined.and_then(|joined| joined.farewell) {
            farewell::take_back(&self.shared.room.client(), farewell).await;
        }
        Ok(())
    }

    /// Sends this device's key to those members, encrypted for their devices and no others; this device itself is passed
    /// over. Gives those whom it did not reach. A device that its owner has not signed gets it only where `least` says
    /// so: a homeserver could have made it up, and would hear and see the round.
    ///
    /// # Errors
    /// [`RoundError`]; nobody got it then.
    pub async fn send_key(&self, key: &MediaKey, to: &[MemberId], least: KeyTrust) -> Result<Vec<Missed>, RoundError> {
        let own = self.own()?;
        let content = wire::keys_written(key, self.shared.room.room_id(), &own, now_ms());
        self.shared.send(KEYS, &content, to, least).await
    }

    /// Asks a member for their key, once. Tells whether the question went out.
    ///
    /// # Errors
    /// [`RoundError`].
    pub async fn ask_for_key(&self, member: &MemberId) -> Result<bool, RoundError> {
        let own = self.own()?;
        let content = wire::request_written(self.shared.room.room_id(), &own);
        // A question tells nothing that the membership does not.
        let to = std::slice::from_ref(member);
        let missed = self.shared.send(ROUND_KEY_REQUEST, &content, to, KeyTrust::Unsigned).await?;
        Ok(missed.is_empty())
    }

    pub(super) fn room(&self) -> &Room {
        &self.shared.room
    }

    /// The event that says that this device is there.
    pub(super) fn membership_event(&self) -> Option<String> {
        self.shared.joined().as_ref().map(|joined| joined.event.clone())
    }

    fn own(&self) -> Result<Own, RoundError> {
        self.shared.joined().as_ref().map(|joined| joined.own.clone()).ok_or(RoundError::NotThere)
    }
}

impl Shared {
    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn joined(&self) -> MutexGuard<'_, Option<Joined>> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.revision.send_modify(|revision| *revision = revision.wrapping_add(1));
    }

    fn listen(self: &Arc<Self>, inbox: &mpsc::Sender<Came>) -> Vec<EventHandlerDropGuard> {
        let client = self.room.client();
        let state = client.add_room_event_handler(self.room.room_id(), {
            let shared = self.clone();
            move |event: Raw<AnySyncStateEvent>| {
                let shared = shared.clone();
                async move {
                    let Ok(event) = event.deserialize_as_unchecked::<Value>() else { return };
                    let changed = shared.members().take_state(&event);
                    if changed {
                        shared.changed();
                    }
                }
            }
        });
        let sticky = client.add_room_event_handler(self.room.room_id(), {
            let shared = self.clone();
            move |event: Raw<AnySyncMessageLikeEvent>| {
                let shared = shared.clone();
                async move {
                    if event.get_field::<String>("type").ok().flatten().is_none_or(|kind| kind != STICKY) {
                        return;
                    }
                    let Ok(event) = event.deserialize_as_unchecked::<Value>() else { return };
                    let changed = shared.members().take_sticky(&event);
                    if changed {
                        shared.changed();
                    }
                }
            }
        });
        let to_device = client.add_event_handler({
            let (shared, inbox) = (self.clone(), inbox.clone());
            move |event: Raw<AnyToDeviceEvent>, info: Option<EncryptionInfo>| {
                let came = came(&event, info, shared.room.room_id());
                let inbox = inbox.clone();
                async move {
                    // The sync does not wait for whoever hears this.
                    if let Some(came) = came
                        && inbox.try_send(came).is_err()
                    {
                        tracing::warn!("more media keys came than were taken");
                    }
                }
            }
        });
        [state, sticky, to_device].into_iter().map(|handler| client.event_handler_drop_guard(handler)).collect()
    }

    /// The library's store leaves out memberships that its types do not know, so the homeserver is asked.
    async fn ask_all(&self) -> Result<(), RoundError> {
        let request = get_state_events::v3::Request::new(self.room.room_id().to_owned());
        let answer = self.room.client().send(request).await.map_err(|error| failed(&error.into()))?;
        let state = answer.room_state.iter().filter(|event| {
            let kind = event.get_field::<String>("type").ok().flatten();
            kind.is_some_and(|kind| matches!(kind.as_str(), MEMBER | "m.room.member"))
        });
        let state: Vec<Value> = state.filter_map(|event| event.deserialize_as_unchecked().ok()).collect();
        self.members().take_all(&state);
        Ok(())
    }

    async fn shown(&self) -> Vec<Member> {
        let found = self.members().now(now_ms());
        // Where they are not known nobody moderates.
        let powers = self.room.power_levels().await.ok();
        let moderates = |user: &UserId| powers.as_ref().is_some_and(|powers| may_decide(powers.for_user(user)));
        let mut shown = Vec::with_capacity(found.len());
        for Found { membership, focus } in found {
            shown.push(Member {
                person: Person::of_member(&self.room, &membership.user).await,
                here: membership.user == self.user && membership.device == self.device,
                moderates: moderates(&membership.user),
                id: membership.id,
                device: membership.device.to_string(),
                since_ms: membership.since_ms,
                focus,
            });
        }
        shown
    }

    /// Gives the event's id.
    async fn write(&self, own: &Own, content: Value) -> Result<String, matrix_sdk::Error> {
        let sent = self.room.send_state_event_raw(MEMBER, &own.state_key(), content).await?;
        Ok(sent.event_id.to_string())
    }

    /// Keeps what was done for this device's membership, unless it has left or joined anew meanwhile.
    fn goes_on(&self, joined: &Joined) -> bool {
        let mut now = self.joined();
        let same = now.as_ref().is_some_and(|now| now.own == joined.own);
        if same {
            *now = Some(joined.clone());
        }
        same
    }

    async fn take_away(&self, joined: &Joined) {
        if let Err(error) = self.write(&joined.own, json!({})).await {
            tracing::warn!(%error, "a membership of a round ends later than it should");
        }
        if let Some(farewell) = &joined.farewell {
            farewell::take_back(&self.room.client(), farewell.clone()).await;
        }
    }

    async fn leave_later(&self, own: &Own) -> Option<String> {
        farewell::leave_later(&self.room.client(), self.room.room_id().to_owned(), own.state_key()).await
    }

    async fn send(
        &self,
        kind: &str,
        content: &Value,
        to: &[MemberId],
        least: KeyTrust,
    ) -> Result<Vec<Missed>, RoundError> {
        check_encryption(&self.room).await?;
        if crate::queue::is_held(&self.room).await.map_err(|error| failed(&error))? {
            return Err(RoundError::IdentityChanged);
        }
        let found = self.members().now(now_ms());
        let (mut devices, mut missed) = (Vec::new(), Vec::new());
        for id in to {
            let membership = found.iter().map(|found| &found.membership).find(|membership| membership.id == *id);
            if membership.is_some_and(|membership| membership.user == self.user && membership.device == self.device) {
                continue;
            }
            let device = match membership {
                Some(membership) => known_device(&self.room.client(), &membership.user, &membership.device).await,
                None => None,
            };
            let why = match (device, least) {
                (None, _) => MissedWhy::Gone,
                (Some(device), KeyTrust::OwnerSigned) if !device.is_cross_signed_by_owner() => MissedWhy::Unsigned,
                (Some(device), KeyTrust::OwnerSigned | KeyTrust::Unsigned) => {
                    devices.push((id, device));
                    continue;
                }
            };
            missed.push(Missed { who: id.clone(), why });
        }
        if devices.is_empty() {
            return Ok(missed);
        }
        let content = Raw::new(content).map_err(|error| RoundError::Failed(error.to_string()))?.cast_unchecked();
        let to = devices.iter().map(|(_, device)| device).collect();
        let encryption = self.room.client().encryption();
        let sent = encryption.encrypt_and_send_raw_to_device(to, kind, content, CollectStrategy::AllDevices);
        for (user, device) in sent.await.map_err(|error| failed(&error))? {
            let same = |one: &Device| one.user_id() == user && one.device_id() == device;
            let gone = devices.iter().filter(|(_, one)| same(one));
            missed.extend(gone.map(|(id, _)| Missed { who: (*id).clone(), why: MissedWhy::Gone }));
        }
        Ok(missed)
    }

    /// The names of the device that has sent something, if it is a member's.
    fn names(&self, of: &Sender) -> Vec<MemberId> {
        self.members().of_device(&of.user, &of.device, now_ms())
    }

    /// Whether the channel that something came by is of the device that it claims, and whether that device is signed.
    async fn trust(&self, sender: &Sender) -> Option<KeyTrust> {
        // A stranger's keys are not asked for.
        if !self.members().is_in_room(&sender.user) {
            return None;
        }
        let device = known_device(&self.room.client(), &sender.user, &sender.device).await?;
        if device.curve25519_key().is_none_or(|key| key.to_base64() != sender.curve) {
            tracing::warn!("a media key came from another device than it says");
            return None;
        }
        Some(if device.is_cross_signed_by_owner() { KeyTrust::OwnerSigned } else { KeyTrust::Unsigned })
    }
}

/// Tells what happens, until nobody listens.
async fn tell_news(shared: Arc<Shared>, mut came: mpsc::Receiver<Came>, tell: mpsc::Sender<RoundEvent>) {
    let mut revision = shared.revision.subscribe();
    let signatures = match shared.room.client().encryption().devices_stream().await {
        Ok(devices) => devices.map(drop).left_stream(),
        Err(error) => {
            tracing::warn!(%error, "a device that is signed later is noticed late");
            stream::pending().right_stream()
        }
    };
    let mut signatures = pin!(signatures);
    let (mut keys, mut shown) = (Keys::default(), None);
    loop {
        revision.borrow_and_update();
        if !tell_members(&shared, &mut keys, &mut shown, &tell).await {
            return;
        }
        // Keys come as often before a membership as after it.
        let mut news = keys.awaited(|sender| !told(&shared, shown.as_deref(), sender).is_empty());
        let mut asked = None;
        let end = shared.members().next_end_ms(now_ms());
        let (end, waits) = (until(end.unwrap_or_default()), end.is_some());
        if news.is_empty() {
            tokio::select! {
                one = came.recv() => match one {
                    Some(Came::Key(sent)) => news.push(sent),
                    Some(Came::Request(sender)) => asked = Some(sender),
                    None => return,
                },
                changed = revision.changed() => if changed.is_err() { return },
                Some(()) = signatures.next() => {
                    for (id, sent) in keys.unsigned() {
                        if shared.trust(&sent.from).await == Some(KeyTrust::OwnerSigned)
                            && keys.give(&id, &sent, KeyTrust::OwnerSigned)
                            && tell.send(arrived(id, &sent, KeyTrust::OwnerSigned)).await.is_err()
                        {
                            return;
                        }
                    }
                }
                () = tokio::time::sleep(end), if waits => {}
                () = tell.closed() => return,
            }
        }
        // A membership may have come meanwhile, and is told before what its owner has sent.
        if !tell_members(&shared, &mut keys, &mut shown, &tell).await {
            return;
        }
        if let Some(sender) = asked
            && shared.trust(&sender).await.is_some()
        {
            for by in told(&shared, shown.as_deref(), &sender) {
                if tell.send(RoundEvent::KeyAsked { by }).await.is_err() {
                    return;
                }
            }
        }
        for sent in news {
            let Some(trust) = shared.trust(&sent.from).await else { continue };
            let names = told(&shared, shown.as_deref(), &sent.from);
            if names.is_empty() {
                keys.wait(sent);
                continue;
            }
            for id in names {
                if keys.give(&id, &sent, trust) && tell.send(arrived(id, &sent, trust)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Tells who is there if that has changed. Tells whether somebody listens.
async fn tell_members(
    shared: &Shared,
    keys: &mut Keys,
    shown: &mut Option<Vec<Member>>,
    tell: &mpsc::Sender<RoundEvent>,
) -> bool {
    let members = shared.shown().await;
    if shown.as_ref() == Some(&members) {
        return true;
    }
    keys.keep(|id| members.iter().any(|member| member.id == *id));
    *shown = Some(members.clone());
    tell.send(RoundEvent::MembersChanged(members)).await.is_ok()
}

/// The names of the device that has sent something, as far as they were told: whoever listens hears of nobody's key
/// before their membership.
fn told(shared: &Shared, shown: Option<&[Member]>, of: &Sender) -> Vec<MemberId> {
    let mut names = shared.names(of);
    names.retain(|name| shown.unwrap_or_default().iter().any(|member| member.id == *name));
    names
}

fn arrived(from: MemberId, sent: &Sent, trust: KeyTrust) -> RoundEvent {
    RoundEvent::KeyArrived { from, key: sent.key.clone(), trust }
}

/// Keeps this device's membership as long as it has joined: renews it before it ends, puts off the leave that waits at
/// the homeserver, and says it again when it is gone, whoever took it away.
async fn stay(shared: Arc<Shared>) {
    let mut revision = shared.revision.subscribe();
    let client = shared.room.client();
    loop {
        revision.borrow_and_update();
        if shared.room.state() != RoomState::Joined {
            // Sent away: nothing can be said here any more.
            shared.joined().take();
        }
        let joined = shared.joined().clone();
        let Some(mut joined) = joined else {
            if revision.changed().await.is_err() {
                return;
            }
            continue;
        };
        let (mut pause, mut lost) = (EVERY, false);
        if let Some(id) = &joined.farewell {
            if joined.put_off.elapsed() >= EVERY {
                match farewell::put_off(&client, id).await {
                    PutOff::Done => joined.put_off = Instant::now(),
                    PutOff::Gone => {
                        joined.farewell = shared.leave_later(&joined.own).await;
                        joined.put_off = Instant::now();
                        lost = true;
                    }
                    PutOff::Unknown => pause = AGAIN,
                }
            }
            pause = pause.min(EVERY.saturating_sub(joined.put_off.elapsed()).max(AGAIN));
        }
        let now = now_ms();
        let seen = shared.members().says(&joined.own.state_key(), now);
        if seen {
            joined.echo = ECHO;
        }
        lost |= !seen && joined.written.elapsed() >= joined.echo;
        let wrote = lost || now.saturating_add(AHEAD_MS) >= joined.until_ms;
        if wrote {
            let lasts_ms = lasts_ms(now.saturating_sub(joined.own.since_ms));
            joined.written = Instant::now();
            match shared.write(&joined.own, joined.own.written(lasts_ms)).await {
                Ok(event) => {
                    joined.event = event;
                    joined.until_ms = joined.own.since_ms.saturating_add(lasts_ms);
                }
                Err(error) => tracing::warn!(%error, "a membership of a round could not be said again"),
            }
            if !seen {
                joined.echo = (joined.echo * 2).min(LONGEST_ECHO);
            }
        }
        if !seen {
            pause = pause.min(joined.echo.saturating_sub(joined.written.elapsed()).max(AGAIN));
        }
        if !shared.goes_on(&joined) {
            // Whoever left meanwhile is not brought back by what was on its way.
            if wrote && shared.joined().is_none() {
                shared.take_away(&joined).await;
            }
            continue;
        }
        tokio::select! {
            changed = revision.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// How long a membership of this age lasts, counted from its beginning: whole times of four hours.
fn lasts_ms(age_ms: u64) -> u64 {
    let times = age_ms.saturating_add(AHEAD_MS) / LASTS_MS;
    LASTS_MS.saturating_mul(times.saturating_add(1))
}

/// What a message to this device says, if it belongs to this round and came encrypted.
fn came(event: &Raw<AnyToDeviceEvent>, info: Option<EncryptionInfo>, room: &RoomId) -> Option<Came> {
    let kind = event.get_field::<String>("type").ok().flatten()?;
    if kind != KEYS && kind != ROUND_KEY_REQUEST {
        return None;
    }
    let content = event.get_field::<Value>("content").ok().flatten()?;
    let Some(EncryptionInfo { sender, sender_device, algorithm_info, .. }) = info else {
        tracing::warn!("a media key came in clear and is not taken");
        return None;
    };
    let AlgorithmInfo::OlmV1Curve25519AesSha2 { curve25519_public_key_base64: curve } = algorithm_info else {
        return None;
    };
    let (named, device) = wire::claimed(&content)?;
    let said = event.get_field::<OwnedUserId>("sender").ok().flatten()?;
    if named != room.as_str() || said != sender || sender_device.is_some_and(|known| known != device) {
        return None;
    }
    let from = Sender { user: sender, device, curve };
    if kind == ROUND_KEY_REQUEST {
        return Some(Came::Request(from));
    }
    let (key, sent_ms) = wire::keys(&content)?;
    Some(Came::Key(Sent { from, key, sent_ms }))
}

/// A device as its owner published it, asked for if it is not known yet.
async fn known_device(client: &Client, user: &UserId, id: &ruma::DeviceId) -> Option<Device> {
    let encryption = client.encryption();
    if let Some(device) = encryption.get_device(user, id).await.ok()? {
        return (!device.is_deleted()).then_some(device);
    }
    if let Err(error) = encryption.request_user_identity(user).await {
        tracing::debug!(%error, "somebody's devices could not be asked for");
    }
    encryption.get_device(user, id).await.ok()?.filter(|device| !device.is_deleted())
}

pub(super) async fn check_encryption(room: &Room) -> Result<(), RoundError> {
    let state = room.latest_encryption_state().await.map_err(|_error| RoundError::EncryptionUnknown)?;
    if state.is_unknown() {
        Err(RoundError::EncryptionUnknown)
    } else if state.is_encrypted() {
        Ok(())
    } else {
        Err(RoundError::NotEncrypted)
    }
}

pub(super) fn failed(error: &matrix_sdk::Error) -> RoundError {
    match error.client_api_error_kind() {
        Some(kind) if kind.errcode().as_str() == "M_FORBIDDEN" => RoundError::NotAllowed,
        Some(kind) => RoundError::Failed(kind.errcode().to_string()),
        None => RoundError::Failed(error.to_string()),
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// From now to a time of the Unix epoch, and a day at most.
fn until(time_ms: u64) -> Duration {
    Duration::from_millis(time_ms.saturating_sub(now_ms()).min(24 * 3600 * 1000))
}

#[cfg(test)]
mod tests {
    use super::{AHEAD_MS, LASTS_MS, lasts_ms};

    #[test]
    fn a_membership_is_renewed_by_whole_times_and_always_lasts_longer_than_it_is_looked_ahead() {
        assert_eq!(lasts_ms(0), LASTS_MS, "four hours at first");
        assert_eq!(lasts_ms(3 * 3600 * 1000), 2 * LASTS_MS, "eight after three");
        assert_eq!(lasts_ms(7 * 3600 * 1000), 3 * LASTS_MS, "twelve after seven");
        for hour in 0..100 {
            assert!(lasts_ms(hour * 3600 * 1000) > hour * 3600 * 1000 + AHEAD_MS, "{hour}");
        }
    }
}
