//! Who takes part in a round, how each of them stands with their key, and whom to ask for one.

use super::codec::Codec;
use super::key::FrameKey;
use super::opener::{History, OpenError, Opened, Opener, is_injected};
use livekit_protocol::EncryptedPacket;
use model::round::{KeyTrust, MediaKey, MemberId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Who left is known for so long, in case they are back (MSC4143, the grace period of a leave).
const LEFT_KEPT: Duration = Duration::from_secs(10);
/// Where LiveKit's clients put a key that all share (client-sdk-js `KeyProvider.ts`).
const SHARED_INDEX: u8 = 0;
/// Keys of no more people are kept who are no members yet.
const MOST_EARLY: usize = 256;

/// How a person stands with the key of their sound and picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No member of the round: neither heard nor seen.
    Unassigned,
    /// Their key has not come, or not the one that they use.
    KeyMissing,
    /// Their key came from a device that its owner did not sign: neither heard nor seen until that is allowed.
    Verifying,
    /// Their key is there, and opens what came last.
    Encrypted,
    /// Their key is there, and more than [`super::FAILURE_TOLERANCE`] frames in a row could not be opened.
    Failed,
}

/// What becomes of keys from devices that their owner did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsignedDevices {
    /// They are used when a person has said so, for each member.
    Ask,
    /// They are used.
    Allow,
}

/// The people of a round, and what opens their frames.
#[derive(Debug)]
pub struct Members {
    keys: Keys,
    sif_trailer: Vec<u8>,
    people: BTreeMap<MemberId, Person>,
    /// Of those who are forgotten: otherwise a server could play a stay again by ending and beginning it.
    histories: BTreeMap<MemberId, History>,
}

#[derive(Debug)]
enum Keys {
    OfEach(UnsignedDevices),
    /// One opener for all: who sent a frame only the server says, so what was opened under one name is not opened under
    /// another.
    Shared {
        key: FrameKey,
        everybodys: Box<Opener>,
    },
}

#[derive(Debug)]
struct Person {
    standing: Standing,
    opener: Opener,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Member,
    /// Their key came before their membership, at this time.
    Early(Duration),
    /// Was a member, and is forgotten at this time.
    Left(Duration),
}

impl Members {
    /// Of a round in which each person has keys of their own.
    #[must_use]
    pub fn with_keys_of_each(unsigned: UnsignedDevices) -> Self {
        Self::with(Keys::OfEach(unsigned))
    }

    /// Of a round in which all share one key, at index 0. Its members are the participants whom the server names.
    #[must_use]
    pub fn with_shared_key(key: FrameKey) -> Self {
        let everybodys = Opener::of_everybody(Duration::ZERO, SHARED_INDEX, key.clone());
        Self::with(Keys::Shared { key, everybodys: Box::new(everybodys) })
    }

    fn with(keys: Keys) -> Self {
        Self { keys, sif_trailer: Vec::new(), people: BTreeMap::new(), histories: BTreeMap::new() }
    }

    /// Takes what ends the frames that the server makes (`JoinResponse.sif_trailer`); empty, there are none.
    pub fn set_sif_trailer(&mut self, trailer: &[u8]) {
        self.sif_trailer = trailer.to_vec();
    }

    /// Takes the whole list of members, without oneself. Who is no longer on it is neither heard nor seen from here on.
    pub fn set_members(&mut self, now: Duration, members: &BTreeSet<MemberId>) {
        self.expire(now);
        for (id, person) in &mut self.people {
            if person.standing == Standing::Member && !members.contains(id) {
                person.standing = Standing::Left(now.saturating_add(LEFT_KEPT));
                person.opener.stop_waiting();
            }
        }
        for id in members {
            let person = person(&mut self.people, &mut self.histories, now, &self.keys, id);
            if person.standing != Standing::Member {
                person.standing = Standing::Member;
                if matches!(self.keys, Keys::OfEach(_)) {
                    person.opener.wait_from(now);
                }
            }
        }
    }

    /// Takes a key that came from `from` at `now`. It may come before the membership does. In a round with a shared key
    /// it is not used.
    pub fn set_key(&mut self, now: Duration, from: &MemberId, key: &MediaKey, trust: KeyTrust) {
        if matches!(self.keys, Keys::Shared { .. }) {
            return;
        }
        self.expire(now);
        if !self.people.contains_key(from) {
            self.make_room_for_early();
        }
        let person = person(&mut self.people, &mut self.histories, now, &self.keys, from);
        person.opener.set_key(now, key, trust);
    }

    /// Uses the keys of `who` although their device is not signed: a person decided so. It holds until they are
    /// forgotten.
    pub fn allow_unsigned(&mut self, who: &MemberId) {
        if let Some(person) = self.people.get_mut(who) {
            person.opener.allow_unsigned();
        }
    }

    /// Wipes all that is known of `who`, but for digests of their keys and how far each was used: nothing of them is
    /// opened a second time where they come back.
    pub fn forget(&mut self, who: &MemberId) {
        if let Some(person) = self.people.remove(who)
            && matches!(self.keys, Keys::OfEach(_))
            && let Some(history) = person.opener.into_history()
        {
            self.histories.insert(who.clone(), history);
        }
    }

    /// Opens a frame of `who`, as [`Opener::open`] does. What the server made is recognized first, since it also sends
    /// in the name of those who have left.
    ///
    /// # Errors
    /// [`OpenError`] when it has to be dropped.
    pub fn open(&mut self, now: Duration, who: &MemberId, codec: Codec, frame: &[u8]) -> Result<Opened, OpenError> {
        if is_injected(frame, &self.sif_trailer) {
            return Ok(Opened::Injected);
        }
        let opener = member(&mut self.people, who)?;
        match &mut self.keys {
            Keys::OfEach(_) => opener.open(now, codec, &self.sif_trailer, frame),
            Keys::Shared { everybodys, .. } => {
                let got = everybodys.open(now, codec, &self.sif_trailer, frame);
                opener.judge(now, &got);
                got
            }
        }
    }

    /// Opens a data packet of `who`, as [`Opener::open_data`] does.
    ///
    /// # Errors
    /// [`OpenError`] when it has to be dropped.
    pub fn open_data(&mut self, now: Duration, who: &MemberId, packet: &EncryptedPacket) -> Result<Vec<u8>, OpenError> {
        let opener = member(&mut self.people, who)?;
        match &mut self.keys {
            Keys::OfEach(_) => opener.open_data(now, packet),
            Keys::Shared { everybodys, .. } => everybodys.open_data(now, packet),
        }
    }

    /// How `who` stands. Whoever is not known is not assigned.
    #[must_use]
    pub fn state(&self, who: &MemberId) -> State {
        self.people.get(who).map_or(State::Unassigned, Person::state)
    }

    /// How each member stands, in the order of their names.
    pub fn states(&self) -> impl Iterator<Item = (&MemberId, State)> {
        self.people
            .iter()
            .filter(|(_, person)| person.standing == Standing::Member)
            .map(|(id, person)| (id, person.state()))
    }

    /// The members whose key is to be asked for at `now`: 2, 5, 15 and 45 s after it was missing, and each time once;
    /// then each minute in which frames or packets of theirs still fail.
    pub fn to_be_asked(&mut self, now: Duration) -> Vec<MemberId> {
        self.expire(now);
        let members = self.people.iter_mut().filter(|(_, person)| person.standing == Standing::Member);
        members.filter_map(|(id, person)| person.opener.is_to_be_asked(now).then(|| id.clone())).collect()
    }

    /// When [`Members::to_be_asked`] is to be called next, at the latest. It also wipes what has had its time.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.people.values().filter_map(Person::deadline).min()
    }

    fn expire(&mut self, now: Duration) {
        let over = self.people.iter().filter(|(_, person)| match person.standing {
            Standing::Left(ends) => ends <= now,
            Standing::Member | Standing::Early(_) => false,
        });
        for id in over.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.forget(&id);
        }
        for person in self.people.values_mut() {
            person.opener.expire(now);
        }
    }

    /// The one who waits longest goes.
    fn make_room_for_early(&mut self) {
        let early = self.people.iter().filter_map(|(id, person)| match person.standing {
            Standing::Early(since) => Some((since, id)),
            Standing::Member | Standing::Left(_) => None,
        });
        if early.clone().count() < MOST_EARLY {
            return;
        }
        if let Some(first) = early.min().map(|(_, id)| id.clone()) {
            self.forget(&first);
        }
    }
}

impl Person {
    fn new(now: Duration, keys: &Keys, history: Option<History>) -> Self {
        let mut opener = history.map_or_else(Opener::silent, Opener::after);
        match keys {
            Keys::OfEach(UnsignedDevices::Ask) => {}
            Keys::OfEach(UnsignedDevices::Allow) => opener.allow_unsigned(),
            // For how they stand; it opens nothing.
            Keys::Shared { key, .. } => opener.set_shared(now, SHARED_INDEX, key.clone()),
        }
        Self { standing: Standing::Early(now), opener }
    }

    fn state(&self) -> State {
        match self.standing {
            Standing::Member => self.opener.state(),
            Standing::Early(_) | Standing::Left(_) => State::Unassigned,
        }
    }

    fn deadline(&self) -> Option<Duration> {
        let left = match self.standing {
            Standing::Left(ends) => Some(ends),
            Standing::Member | Standing::Early(_) => None,
        };
        left.into_iter().chain(self.opener.deadline()).min()
    }
}

/// The person `id`, who may be new.
fn person<'a>(
    people: &'a mut BTreeMap<MemberId, Person>,
    histories: &mut BTreeMap<MemberId, History>,
    now: Duration,
    keys: &Keys,
    id: &MemberId,
) -> &'a mut Person {
    people.entry(id.clone()).or_insert_with(|| Person::new(now, keys, histories.remove(id)))
}

fn member<'a>(people: &'a mut BTreeMap<MemberId, Person>, who: &MemberId) -> Result<&'a mut Opener, OpenError> {
    match people.get_mut(who) {
        Some(Person { standing: Standing::Member, opener }) => Ok(opener),
        Some(_) | None => Err(OpenError::Unassigned),
    }
}
