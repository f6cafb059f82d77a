//! Everything that the homeserver remembers, behind one lock, and the one stream in which it all happens.

use super::backup::Backups;
use super::delayed::Waiting;
use super::push;
use super::refusal::Refusal;
use super::room::{Draft, Membership, Room};
use super::sessions::Tokens;
use crate::oidc::handle;
use crate::people::Person;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A value and the position at which it was set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stamped {
    pub(crate) at: u64,
    pub(crate) content: Value,
}

/// A key that is given out again and again when no one-time key is left.
#[derive(Debug, Clone)]
pub(crate) struct Fallback {
    pub(crate) id: String,
    pub(crate) key: Value,
    pub(crate) used: bool,
}

/// A signed-in device and its part of the encryption.
#[derive(Default)]
pub(crate) struct Device {
    pub(crate) name: Option<String>,
    pub(crate) seen: Option<Timestamp>,
    pub(crate) keys: Option<Value>,
    /// By algorithm and id, as they were uploaded: `signed_curve25519:AAAAAQ`.
    pub(crate) one_time: BTreeMap<String, Value>,
    /// By algorithm.
    pub(crate) fallback: BTreeMap<String, Fallback>,
    /// To-device messages that were not acknowledged.
    pub(crate) inbox: VecDeque<(u64, Value)>,
    /// To-device transactions that were sent.
    pub(crate) sent: BTreeSet<String>,
}

impl Device {
    /// How many one-time keys are left of each algorithm; always of the one that everybody uses.
    pub(crate) fn counts(&self) -> Value {
        let mut counts = BTreeMap::from([("signed_curve25519", 0)]);
        for id in self.one_time.keys() {
            let algorithm = id.split(':').next().unwrap_or_default();
            *counts.entry(algorithm).or_default() += 1;
        }
        json!(counts)
    }

    pub(crate) fn unused_fallback(&self) -> Vec<&str> {
        self.fallback.iter().filter(|(_, key)| !key.used).map(|(algorithm, _)| algorithm.as_str()).collect()
    }
}

/// Somebody's account.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) name: String,
    pub(crate) avatar: Option<String>,
    pub(crate) devices: BTreeMap<String, Device>,
    /// `master_key`, `self_signing_key`, `user_signing_key`.
    pub(crate) cross: BTreeMap<String, Value>,
    /// Signatures on other people's keys, by user and key, which nobody else sees; and when they were made.
    pub(crate) vouched: BTreeMap<String, (u64, BTreeMap<String, Value>)>,
    /// When a device or a cross-signing key changed last.
    pub(crate) keys_at: u64,
    pub(crate) data: BTreeMap<String, Stamped>,
    pub(crate) room_data: BTreeMap<String, BTreeMap<String, Stamped>>,
    pub(crate) forgotten: BTreeSet<String>,
    pub(crate) filters: Vec<Value>,
    pub(crate) backups: Backups,
}

/// Everything.
#[derive(Default)]
pub(crate) struct State {
    server: String,
    position: u64,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) rooms: BTreeMap<String, Room>,
    pub(crate) tokens: Tokens,
    /// Events by user, device and request: the same transaction gives the same event.
    pub(crate) transactions: BTreeMap<(String, String, String), String>,
    pub(crate) delayed: Waiting,
    /// Sessions of user-interactive authentication: whose, and for what.
    pub(crate) proofs: BTreeMap<String, (String, String)>,
    /// OpenID tokens: whose, and until when.
    pub(crate) openid: BTreeMap<String, (String, Timestamp)>,
}

impl State {
    /// Everybody has an account from the start.
    pub(crate) fn new(server: &str, people: &[Person]) -> Self {
        let mut state = Self { server: server.to_owned(), ..Self::default() };
        for person in people {
            let user = state.user_id(&person.username);
            let at = state.tick();
            let rules = Stamped { at, content: json!({ "global": push::predefined(&user, &person.username) }) };
            let account = Account {
                username: person.username.clone(),
                name: person.name.clone(),
                data: BTreeMap::from([("m.push_rules".to_owned(), rules)]),
                ..Account::default()
            };
            state.accounts.insert(user, account);
        }
        state
    }

    pub(crate) fn user_id(&self, username: &str) -> String {
        format!("@{username}:{}", self.server)
    }

    /// The position of what happened last.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The position of what happens next.
    pub(crate) fn tick(&mut self) -> u64 {
        self.position += 1;
        self.position
    }

    pub(crate) fn account(&self, user: &str) -> Result<&Account, Refusal> {
        self.accounts.get(user).ok_or_else(|| Refusal::not_found("User not found"))
    }

    /// The account of somebody who has a token.
    pub(crate) fn mine(&mut self, user: &str) -> &mut Account {
        self.accounts.get_mut(user).expect("only accounts have tokens")
    }

    /// The device of a token. One that was signed out meanwhile is refused.
    pub(crate) fn device(&mut self, user: &str, device: &str) -> Result<&mut Device, Refusal> {
        let found = self.accounts.get_mut(user).and_then(|account| account.devices.get_mut(device));
        found.ok_or_else(|| Refusal::unknown_token("Invalid access token passed.", false))
    }

    /// Signs a device out with all that it has.
    pub(crate) fn remove_device(&mut self, user: &str, device: &str) {
        self.tokens.end_device(user, device);
        let at = self.tick();
        let account = self.mine(user);
        account.devices.remove(device);
        account.keys_at = at;
    }

    /// A room in which somebody is joined.
    pub(crate) fn inside(&self, room: &str, user: &str) -> Result<&Room, Refusal> {
        let found = self.rooms.get(room).filter(|room| room.membership(user) == Some(Membership::Join));
        found.ok_or_else(|| Refusal::not_in_room(user, room))
    }

    /// A room that somebody may read, and up to which position.
    pub(crate) fn readable(&self, room: &str, user: &str) -> Result<(&Room, u64), Refusal> {
        let forgotten = self.accounts.get(user).is_some_and(|account| account.forgotten.contains(room));
        let found = self.rooms.get(room).filter(|_| !forgotten);
        let horizon = found.and_then(|room| Some((room, room.horizon(user)?)));
        horizon.ok_or_else(|| Refusal::not_in_room(user, room))
    }

    /// Adds an event. Whether it may be added is for the caller to know.
    pub(crate) fn add(&mut self, room: &str, draft: Draft, now: Timestamp) -> String {
        let at = self.tick();
        let id = format!("${}", handle());
        if let Some(key) = &draft.state_key {
            self.delayed.give_way(&draft.sender, room, &draft.kind, key);
        }
        let room = self.rooms.get_mut(room).expect("the caller has found the room");
        let redacts = draft.redacts.clone();
        if room.typing.remove(&draft.sender).is_some() {
            room.typing_at = at;
        }
        room.push(id.clone(), at, now, draft);
        if let Some(target) = redacts {
            room.redact(&target, &id);
        }
        id
    }

    /// Sets a member of somebody's own data.
    pub(crate) fn set_data(&mut self, user: &str, room: Option<&str>, kind: &str, content: Value) {
        let at = self.tick();
        let account = self.mine(user);
        let data = match room {
            Some(room) => account.room_data.entry(room.to_owned()).or_default(),
            None => &mut account.data,
        };
        data.insert(kind.to_owned(), Stamped { at, content });
    }

    /// Ends typing that was not repeated in time.
    pub(crate) fn stop_typing(&mut self, now: Timestamp) {
        let mut position = self.position;
        for room in self.rooms.values_mut().filter(|room| !room.typing.is_empty()) {
            if room.stop_typing(now) {
                position += 1;
                room.typing_at = position;
                room.touched = position;
            }
        }
        self.position = position;
    }

    /// When the next typing ends that somebody can see.
    pub(crate) fn next_typing_end(&self, user: &str) -> Option<Timestamp> {
        let mine = self.rooms.values().filter(|room| !room.typing.is_empty());
        let mine = mine.filter(|room| room.membership(user) == Some(Membership::Join));
        mine.flat_map(|room| room.typing.values()).min().copied()
    }
}
