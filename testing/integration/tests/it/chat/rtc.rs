//! Who is in a round of a conversation, and whose keys count. What nobody else's program would send is sent by the
//! library itself, without ours in between; what Element Call says is said by matrix-js-sdk, on which it stands.

use super::peer::together;
use super::{Device, Home, Pair, pair};
use crate::client::plain;
use futures_util::FutureExt as _;
use matrix_sdk::config::SyncSettings;
use matrix_sdk::ruma::events::AnyToDeviceEvent;
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{DeviceId, RoomId, UserId};
use matrix_sdk::{Client, Room};
use matrix_sdk_base::crypto::CollectStrategy;
use model::round::{KeyTrust, MediaKey, MemberId};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use testkit::PATIENCE;
use tim::{Member, Missed, MissedWhy, NewConversation, Round, RoundError, RoundEvent};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use url::Url;

on_each_homeserver! {
    two_are_seen_in_a_round_and_get_each_others_keys_until_one_leaves,
    a_member_is_asked_for_a_key_and_hears_it,
    a_key_counts_only_from_the_device_that_it_names,
    a_key_that_comes_before_the_membership_waits_for_it,
    a_key_in_clear_counts_for_nothing,
    a_device_that_its_owner_did_not_sign_gets_no_key_unless_the_person_wants_it,
    a_membership_that_has_ended_is_none,
    nobody_is_in_a_round_by_somebody_elses_word,
    a_membership_that_somebody_takes_away_is_said_again,
    a_conversation_without_encryption_has_no_round,
    where_only_who_leads_may_say_so_nobody_else_joins,
    another_program_and_ours_see_each_other_in_a_round_and_have_each_others_keys,
}

/// Where a homeserver sends events later. No proxy lets through what puts them off.
mod a_device_that_is_heard_of_no_more_is_gone {
    use super::super::Home;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_the_sandbox() {
        super::whoever_is_heard_of_no_more_is_gone(&Home::sandbox().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_synapse() {
        if let Some(home) = Home::synapse().await {
            super::whoever_is_heard_of_no_more_is_gone(&home).await;
        }
    }
}

const MEMBER: &str = "org.matrix.msc3401.call.member";
const KEYS: &str = "io.element.call.encryption_keys";

pub(crate) fn service() -> Url {
    Url::parse("https://sfu.klinikum.example/jwt").expect("an address")
}

pub(crate) fn key(index: u8, byte: u8) -> MediaKey {
    MediaKey::new(index, vec![byte; 16]).expect("16 bytes are a key")
}

/// A round that somebody looks at.
pub(crate) struct Seat {
    pub(crate) round: Round,
    events: Receiver<RoundEvent>,
}

impl Seat {
    pub(crate) async fn of(device: &Device, room: &str) -> Self {
        let (round, events) = device.account.round(room).await.expect("there may be a round");
        Self { round, events }
    }

    pub(crate) fn id(&self) -> MemberId {
        self.round.id().expect("the ids are short")
    }

    pub(crate) async fn joins(&self) {
        self.round.join(&service()).await.expect("whoever is in the conversation may join");
    }

    /// Waits for an event that fits.
    pub(crate) async fn hears<T>(&mut self, what: &str, mut fits: impl FnMut(&RoundEvent) -> Option<T>) -> T {
        let found = timeout(PATIENCE, async {
            loop {
                let event = self.events.recv().await.expect("the round goes on");
                if let Some(found) = fits(&event) {
                    return found;
                }
            }
        });
        found.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"))
    }

    /// Waits until exactly these are there.
    pub(crate) async fn sees(&mut self, what: &str, wanted: &[&MemberId]) -> Vec<Member> {
        self.hears(what, |event| match event {
            RoundEvent::MembersChanged(members) => {
                let there: Vec<&MemberId> = members.iter().map(|member| &member.id).collect();
                (there == wanted).then(|| members.clone())
            }
            RoundEvent::KeyArrived { .. } | RoundEvent::KeyAsked { .. } => None,
        })
        .await
    }

    /// Waits for the next key: whose, its place, its bytes and what is known of the device.
    pub(crate) async fn gets(&mut self, what: &str) -> (MemberId, u8, Vec<u8>, KeyTrust) {
        self.hears(what, |event| match event {
            RoundEvent::KeyArrived { from, key, trust } => {
                Some((from.clone(), key.index, key.reveal().to_vec(), *trust))
            }
            RoundEvent::MembersChanged(_) | RoundEvent::KeyAsked { .. } => None,
        })
        .await
    }

    async fn sends(&self, key: &MediaKey, to: &MemberId) {
        let missed = self.round.send_key(key, std::slice::from_ref(to), KeyTrust::Unsigned).await.expect("it goes");
        assert_eq!(missed, [], "and reaches its device");
    }
}

/// Two in a round, who see each other.
async fn two(home: &Home, first: &str, second: &str) -> (Pair, Seat, Seat) {
    let pair = pair(home, first, second).await;
    let (mut one, mut other) = (Seat::of(&pair.one, &pair.room).await, Seat::of(&pair.other, &pair.room).await);
    one.joins().await;
    other.sees("the first", &[&one.id()]).await;
    other.joins().await;
    let (first, second) = (one.id(), other.id());
    one.sees("both", &[&first, &second]).await;
    other.sees("both", &[&first, &second]).await;
    (pair, one, other)
}

async fn two_are_seen_in_a_round_and_get_each_others_keys_until_one_leaves(home: &Home) {
    // Only somebody's first device signs itself.
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let pair = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let (mut one, mut other) = (Seat::of(&pair.one, &pair.room).await, Seat::of(&pair.other, &pair.room).await);
    assert!(one.round.members().await.is_empty(), "nobody is there yet");
    let alone = one.round.send_key(&key(0, 1), &[], KeyTrust::Unsigned).await;
    assert!(matches!(alone, Err(RoundError::NotThere)), "and nobody sends a key without being there: {alone:?}");
    one.joins().await;
    let seen = other.sees("the first", &[&one.id()]).await;
    assert_eq!(one.id().as_str().rsplit_once(':').expect("user and device").0, pair.one.account.user(), "who it is");
    assert_eq!(seen[0].focus.as_ref().map(|focus| focus.service.clone()), Some(service()), "and where the media is");
    assert!(!seen[0].here, "not this device");
    other.joins().await;
    let seen = one.sees("both", &[&one.id(), &other.id()]).await;
    assert!(seen[0].here && !seen[1].here, "oneself first, who came first");
    other.sees("both", &[&one.id(), &other.id()]).await;

    one.sends(&key(0, 1), &one.id()).await;
    one.sends(&key(0, 1), &other.id()).await;
    let (from, index, secret, mut trust) = other.gets("the key").await;
    assert_eq!((from, index, secret), (one.id(), 0, vec![1; 16]), "as it was sent");
    // The signature of a new device comes a moment after it.
    while trust == KeyTrust::Unsigned {
        trust = other.gets("the signature").await.3;
    }
    other.sends(&key(255, 2), &one.id()).await;
    let (from, index, secret, _) = one.gets("the other's key").await;
    assert_eq!((from, index, secret), (other.id(), 255, vec![2; 16]), "as it was sent");

    one.round.leave().await.expect("it is taken");
    other.sees("that the first has left", &[&other.id()]).await;
    let missed = other.round.send_key(&key(0, 3), &[one.id()], KeyTrust::Unsigned).await.expect("it is tried");
    assert_eq!(missed, [Missed { who: one.id(), why: MissedWhy::Gone }], "whoever has left gets no key");
    let device = one.id().as_str().rsplit_once(':').expect("user and device").1.to_owned();
    let path = format!("/_matrix/client/v3/rooms/{}/state/{MEMBER}", pair.room);
    let path = format!("{path}/_{}_{device}_m.call", pair.one.account.user());
    assert_eq!(home.ask(&pair.first, &path).await, json!({}), "nothing is left of it");
}

async fn a_member_is_asked_for_a_key_and_hears_it(home: &Home) {
    let (_pair, mut one, other) = two(home, "dr-silbertal", "taubengruen").await;
    assert!(other.round.ask_for_key(&one.id()).await.expect("it can be asked"), "the question goes out");
    let by = one.hears("the question", |event| match event {
        RoundEvent::KeyAsked { by } => Some(by.clone()),
        RoundEvent::MembersChanged(_) | RoundEvent::KeyArrived { .. } => None,
    });
    assert_eq!(by.await, other.id(), "who asked");
}

/// The library itself, as somebody who may be in the conversation.
struct Stranger {
    room: Room,
    following: AbortHandle,
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl Stranger {
    async fn of(home: &Home, user: &str, room: &str) -> Self {
        let client = Client::builder().homeserver_url(&home.direct).http_client(plain());
        let client = client.respect_login_well_known(false).build().await.expect("it reaches the homeserver");
        client.matrix_auth().login_username(user, sandbox::PASSWORD).await.expect("it may sign in");
        let room = client.join_room_by_id(&RoomId::parse(room).expect("a room's id")).await.expect("it was asked");
        client.sync_once(SyncSettings::default()).await.expect("the homeserver answers");
        let following = tokio::spawn(async move {
            let _ended = client.sync(SyncSettings::default()).await;
        })
        .abort_handle();
        Self { room, following }
    }

    fn device(&self) -> String {
        self.room.client().device_id().expect("it is signed in").to_string()
    }

    fn id(&self) -> MemberId {
        MemberId::parse(&format!("{}:{}", self.room.own_user_id(), self.device())).expect("a name")
    }

    /// The keys that come from now on.
    fn keys(&self) -> Receiver<Value> {
        let (tell, came) = channel(16);
        self.room.client().add_event_handler(move |event: Raw<AnyToDeviceEvent>| {
            let tell = tell.clone();
            async move {
                if event.get_field::<String>("type").ok().flatten().as_deref() == Some(KEYS) {
                    let content = event.get_field::<Value>("content").ok().flatten().unwrap_or_default();
                    tell.send(content).await.expect("the fact listens");
                }
            }
        });
        came
    }

    /// Sends a key, encrypted, in the name of some device.
    async fn sends_key(&self, to: &MemberId, claimed: &str, key: &str) {
        let (user, device) = to.as_str().rsplit_once(':').expect("user and device");
        let (user, device) = (UserId::parse(user).expect("a user"), <&DeviceId>::from(device));
        let encryption = self.room.client().encryption();
        encryption.request_user_identity(&user).await.expect("the homeserver answers");
        let device = encryption.get_device(&user, device).await.expect("it can be read").expect("it is known");
        let content = json!({
            "keys": { "index": 0, "key": key }, "room_id": self.room.room_id(),
            "member": { "claimed_device_id": claimed },
            "session": { "call_id": "", "application": "m.call", "scope": "m.room" },
        });
        let content = Raw::new(&content).expect("JSON").cast_unchecked();
        let sent =
            encryption.encrypt_and_send_raw_to_device(vec![&device], KEYS, content, CollectStrategy::AllDevices).await;
        assert_eq!(sent.expect("it goes"), [], "and reaches its device");
    }

    async fn joins(&self) {
        let key = format!("_{}_{}", self.room.own_user_id(), self.device());
        let content = membership(&self.device(), now_ms(), 14_400_000);
        self.room.send_state_event_raw(MEMBER, &key, content).await.expect("it may");
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    u64::try_from(since.as_millis()).expect("a time of this age")
}

/// A membership as matrix-js-sdk writes it.
fn membership(device: &str, created: u64, expires: u64) -> Value {
    json!({
        "call_id": "", "scope": "m.room", "application": "m.call", "device_id": device,
        "created_ts": created, "expires": expires,
        "focus_active": { "type": "livekit", "focus_selection": "oldest_membership" },
        "foci_preferred": [{ "type": "livekit", "livekit_service_url": "https://other.example", "livekit_alias": "a" }]
    })
}

/// Ours in a round, and the library in the same conversation.
async fn with_stranger(home: &Home, first: &str, second: &str) -> (Device, String, Seat, Stranger) {
    let (first, second) = (home.person(first).await, home.person(second).await);
    let device = home.device(&first).await;
    let room = device.account.begin(NewConversation::Direct(&home.id(&second))).await.expect("it may be begun");
    let stranger = Stranger::of(home, &second, &room).await;
    let mut seat = Seat::of(&device, &room).await;
    seat.joins().await;
    let own = seat.id();
    seat.sees("oneself", &[&own]).await;
    (device, room, seat, stranger)
}

async fn a_key_counts_only_from_the_device_that_it_names(home: &Home) {
    let (first, second, third) =
        (home.person("dr-falkenried").await, home.person("dr-silbertal").await, home.person("taubengruen").await);
    let (one, other) = (home.device(&first).await, home.device(&second).await);
    let room = one.account.begin(NewConversation::Group { name: "Fall 1" }).await.expect("it may be begun");
    for person in [&second, &third] {
        one.account.invite(&room, &home.id(person)).await.expect("they may be asked");
    }
    other.comes_to(&room).await;
    let stranger = Stranger::of(home, &third, &room).await;
    let second_user = second;
    let (mut mine, mut theirs) = (Seat::of(&one, &room).await, Seat::of(&other, &room).await);
    mine.joins().await;
    theirs.sees("the first", &[&mine.id()]).await;
    theirs.joins().await;
    let (first, second) = (mine.id(), theirs.id());
    mine.sees("both", &[&first, &second]).await;
    theirs.sees("both", &[&first, &second]).await;
    stranger.joins().await;
    mine.sees("all three", &[&first, &second, &stranger.id()]).await;

    // In the name of the second one's device: by another device of the same person, and by somebody else.
    let named = second.as_str().rsplit_once(':').expect("user and device").1;
    let beside = Stranger::of(home, &second_user, &room).await;
    beside.sends_key(&first, named, "AAAAAAAAAAAAAAAAAAAAAA").await;
    stranger.sends_key(&first, named, "AAAAAAAAAAAAAAAAAAAAAA").await;
    stranger.sends_key(&first, "NOTTHERE", "AAAAAAAAAAAAAAAAAAAAAA").await;
    stranger.sends_key(&first, &stranger.device(), "AwMDAwMDAwMDAwMDAwMDAw").await;
    let (from, _, secret, _) = mine.gets("a key").await;
    assert_eq!((from, secret), (stranger.id(), vec![3; 16]), "the first that counts is in its own name");
    theirs.sends(&key(0, 2), &first).await;
    loop {
        let (from, _, secret, _) = mine.gets("the second's key").await;
        // A device may turn out to be signed meanwhile; what it sent is told once more.
        if from == second {
            assert_eq!(secret, [2; 16], "nobody has sent another in its name");
            return;
        }
        assert_eq!((from, secret), (stranger.id(), vec![3; 16]), "nor in a name that does not exist");
    }
}

async fn a_key_that_comes_before_the_membership_waits_for_it(home: &Home) {
    let (_device, _room, mut seat, stranger) = with_stranger(home, "dr-kranichbach", "ebbelund").await;
    stranger.sends_key(&seat.id(), &stranger.device(), "AQEBAQEBAQEBAQEBAQEBAQ==").await;
    stranger.joins().await;
    let mut there = false;
    let (there, from, secret) = seat
        .hears("the key", |event| match event {
            RoundEvent::MembersChanged(members) => {
                there = members.len() == 2;
                None
            }
            RoundEvent::KeyArrived { from, key, .. } => Some((there, from.clone(), key.reveal().to_vec())),
            RoundEvent::KeyAsked { .. } => None,
        })
        .await;
    assert_eq!((from, secret), (stranger.id(), vec![1; 16]), "it was kept");
    assert!(there, "and told once its sender was there");
}

async fn a_key_in_clear_counts_for_nothing(home: &Home) {
    let (pair, one, mut other) = two(home, "dr-falkenried", "dr-heidekorn").await;
    let user = pair.one.account.user();
    let device = one.id().as_str().rsplit_once(':').expect("user and device").1.to_owned();
    let (theirs, their_device) = (pair.other.account.user(), other.id());
    let their_device = their_device.as_str().rsplit_once(':').expect("user and device").1;
    assert!(user.contains(&pair.first), "the sender is right");
    let content = json!({
        "keys": { "index": 0, "key": "AAAAAAAAAAAAAAAAAAAAAA==" }, "room_id": pair.room,
        "member": { "claimed_device_id": device, "id": one.id().as_str() },
        "session": { "call_id": "", "application": "m.call", "scope": "m.room" }, "sent_ts": now_ms(),
    });
    let token = home.token(&pair.first).await;
    let path = format!("/_matrix/client/v3/sendToDevice/{KEYS}/{:032x}", rand::random::<u128>());
    let messages = json!({ "messages": { theirs: { their_device: content } } });
    let (status, answer) = home.does(Method::PUT, &token, &path, &messages).await;
    assert_eq!(status, 200, "the homeserver does not care: {answer}");
    one.sends(&key(0, 1), &other.id()).await;
    let (from, _, secret, _) = other.gets("a key").await;
    assert_eq!((from, secret), (one.id(), vec![1; 16]), "the first that counts is the one that came encrypted");
}

async fn a_device_that_its_owner_did_not_sign_gets_no_key_unless_the_person_wants_it(home: &Home) {
    let (_device, _room, mut seat, stranger) = with_stranger(home, "dr-kranichbach", "ebbelund").await;
    let mut came = stranger.keys();
    stranger.joins().await;
    let (own, theirs) = (seat.id(), stranger.id());
    seat.sees("both", &[&own, &theirs]).await;
    let to = [theirs.clone()];
    let missed = seat.round.send_key(&key(1, 1), &to, KeyTrust::OwnerSigned).await.expect("it is tried");
    assert_eq!(missed, [Missed { who: theirs, why: MissedWhy::Unsigned }], "it is told, and may be asked about");
    let missed = seat.round.send_key(&key(2, 2), &to, KeyTrust::Unsigned).await.expect("it goes");
    assert_eq!(missed, [], "the person wants it");
    let first = timeout(PATIENCE, came.recv()).await.expect("it comes in time").expect("it listens");
    assert_eq!(first["keys"]["index"], 2, "nothing was sent before");
}

/// Says, in the name of `user`, what stands under a key.
async fn puts(home: &Home, user: &str, room: &str, key: &str, content: &Value) {
    let token = home.token(user).await;
    let path = format!("/_matrix/client/v3/rooms/{room}/state/{MEMBER}/{key}");
    let (status, answer) = home.does(Method::PUT, &token, &path, content).await;
    assert_eq!(status, 200, "{answer}");
}

fn named(user: &str, device: &str) -> MemberId {
    MemberId::parse(&format!("{user}:{device}")).expect("a name")
}

async fn a_membership_that_has_ended_is_none(home: &Home) {
    let pair = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let user = pair.one.account.user();
    let says = async |device: &str, created: u64, expires: u64| {
        puts(home, &pair.first, &pair.room, &format!("_{user}_{device}_m.call"), &membership(device, created, expires))
            .await;
    };
    // One from before this device looks, and one while it does.
    says("OVER1", now_ms() - 60_000, 1000).await;
    let mut seat = Seat::of(&pair.other, &pair.room).await;
    says("OVER2", now_ms() - 60_000, 1000).await;
    says("LONG", now_ms(), 14_400_000).await;
    seat.sees("the one that lasts", &[&named(&user, "LONG")]).await;
    let soon = now_ms();
    says("SHORT", soon, 15_000).await;
    seat.sees("one that ends soon", &[&named(&user, "LONG"), &named(&user, "SHORT")]).await;
    seat.sees("its end", &[&named(&user, "LONG")]).await;
    assert!(now_ms() >= soon + 15_000, "not before its time");
}

async fn nobody_is_in_a_round_by_somebody_elses_word(home: &Home) {
    let pair = pair(home, "dr-falkenried", "dr-heidekorn").await;
    let (user, victim) = (pair.one.account.user(), pair.other.account.user());
    let mut seat = Seat::of(&pair.other, &pair.room).await;
    puts(home, &pair.first, &pair.room, &format!("_{victim}_A_m.call"), &membership("A", now_ms(), 14_400_000)).await;
    puts(home, &pair.first, &pair.room, &format!("_{user}_B_m.call"), &membership("A", now_ms(), 14_400_000)).await;
    puts(home, &pair.first, &pair.room, &format!("_{user}_C_m.call"), &membership("C", now_ms(), 14_400_000)).await;
    let seen = seat.hears("somebody", |event| match event {
        RoundEvent::MembersChanged(members) => (!members.is_empty()).then(|| members.clone()),
        RoundEvent::KeyArrived { .. } | RoundEvent::KeyAsked { .. } => None,
    });
    let seen: Vec<MemberId> = seen.await.into_iter().map(|member| member.id).collect();
    assert_eq!(seen, [named(&user, "C")], "only who speaks for oneself");
}

async fn a_membership_that_somebody_takes_away_is_said_again(home: &Home) {
    let (pair, one, mut other) = two(home, "dr-falkenried", "dr-heidekorn").await;
    let (user, device) = (pair.one.account.user(), one.id());
    let device = device.as_str().rsplit_once(':').expect("user and device").1;
    let second = pair.other.account.user();
    let second = second.trim_start_matches('@').split(':').next().expect("a user id");
    puts(home, second, &pair.room, &format!("_{user}_{device}_m.call"), &json!({})).await;
    other.sees("that it is gone", &[&other.id()]).await;
    let (first, second) = (one.id(), other.id());
    other.sees("that it is back", &[&first, &second]).await;
}

async fn a_conversation_without_encryption_has_no_round(home: &Home) {
    let user = home.person("dr-falkenried").await;
    let room = home.create(&user, &json!({ "preset": "private_chat", "room_version": "10" })).await;
    let device = home.device(&user).await;
    let refused = device
        .eventually("the room", async || match device.account.round(&room).await {
            Err(RoundError::NotFound) => None,
            other => Some(other),
        })
        .await;
    assert!(matches!(refused, Err(RoundError::NotEncrypted)), "its keys would be anybody's: {refused:?}");
    let none = device.account.round("!nothing:klinikum.example").now_or_never();
    assert!(matches!(none, Some(Err(RoundError::NotFound))), "and there is none where there is no conversation");
}

async fn where_only_who_leads_may_say_so_nobody_else_joins(home: &Home) {
    let (first, second) = (home.person("dr-falkenried").await, home.person("dr-heidekorn").await);
    let encryption =
        json!({ "type": "m.room.encryption", "state_key": "", "content": { "algorithm": "m.megolm.v1.aes-sha2" } });
    let request = json!({
        "preset": "private_chat", "room_version": "10", "invite": [home.id(&second)], "initial_state": [encryption],
    });
    let room = home.create(&first, &request).await;
    let other = home.device(&second).await;
    other.comes_to(&room).await;
    let (round, _events) = other.eventually("the whole room", async || other.account.round(&room).await.ok()).await;
    let refused = other
        .eventually("what may be done there", async || {
            (!round.may_join().await).then_some(round.join(&service()).await)
        })
        .await;
    assert!(matches!(refused, Err(RoundError::NotAllowed)), "another program made it: {refused:?}");
}

async fn another_program_and_ours_see_each_other_in_a_round_and_have_each_others_keys(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Some((ours, peer, room)) = together(home).await else { return };
    let mut seat = Seat::of(&ours, &room).await;
    let theirs = named(&peer.user, &peer.device);
    peer.until("the round", json!({ "do": "rtcJoin", "room": room, "service": "https://other.example" }), |_| Some(()))
        .await;
    let seen = seat.sees("the other program", &[&theirs]).await;
    let focus = seen[0].focus.as_ref().expect("it names a media server");
    assert_eq!((focus.service.as_str(), focus.alias.as_deref()), ("https://other.example/", Some(&*room)), "its own");

    seat.joins().await;
    let id = seat.id();
    let (user, device) = id.as_str().rsplit_once(':').expect("user and device");
    seat.sees("both", &[&theirs, &id]).await;
    let members = json!({ "do": "rtcMembers", "room": room });
    let read = peer.until("our membership", members.clone(), |members| {
        members.as_array()?.iter().find(|member| member["user"] == user && member["device"] == device).cloned()
    });
    let read = read.await;
    let focus = json!([{ "type": "livekit", "livekit_service_url": service(), "livekit_alias": room }]);
    assert_eq!((&read["foci"], &read["selection"]), (&focus, &json!("multi_sfu")), "it reads what we wrote");
    let lasts = read["lasts"].as_i64().expect("a time");
    assert!((14_100_000..=14_460_000).contains(&lasts), "about four hours: {lasts}");

    // Its key comes to us once it sees us.
    let mut came = seat.gets("its key").await;
    while came.3 == KeyTrust::Unsigned {
        came = seat.gets("its signature").await;
    }
    assert_eq!(came.0, theirs, "in its own name");
    let all = peer.does(json!({ "do": "rtcKeys" })).await;
    let made = all[theirs.as_str()].as_array().expect("it has made one").last().expect("the last").clone();
    let hex: String = came.2.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((json!(came.1), json!(hex)), (made["index"].clone(), made["key"].clone()), "the key that it uses");

    // And ours to it.
    seat.sends(&key(201, 0xfb), &theirs).await;
    let wanted = json!([{ "index": 201, "key": "fb".repeat(16) }]);
    peer.until("our key", json!({ "do": "rtcKeys" }), |keys| (keys[id.as_str()] == wanted).then_some(())).await;

    seat.round.leave().await.expect("it is taken");
    peer.until("that we have left", members, |members| (members.as_array()?.len() == 1).then_some(())).await;
    assert_eq!(peer.does(json!({ "do": "rtcLeave", "room": room })).await, json!(true), "it says so");
    seat.sees("that it has left", &[]).await;
}

async fn whoever_is_heard_of_no_more_is_gone(home: &Home) {
    let (pair, one, mut other) = two(home, "dr-falkenried", "dr-heidekorn").await;
    let key = format!("_{}_{}_m.call", pair.one.account.user(), one.id().as_str().rsplit_once(':').expect("two").1);
    let path = format!("/_matrix/client/v3/rooms/{}/state/{MEMBER}/{key}", pair.room);
    drop((one, pair.one));
    let left = other.id();
    other.sees("that the first is gone", &[&left]).await;
    assert_eq!(home.ask(&pair.first, &path).await, json!({}), "the homeserver has said so");
}
