//! Rooms, the people in them, what each of them sends and who hears it: LiveKit's signalling from the server's side
//! (`livekit_rtc.proto`, `/rtc/v1`, one peer connection, the client always offers).
//!
//! Nothing here has a socket, a clock or a codec. Facts come in by the functions of [`Rooms`], each with the time, and
//! what follows from them is taken out by [`Rooms::effect`] until there is none. [`Rooms::routes`] says whose media goes
//! where.

#![expect(deprecated, reason = "the protocol's older clients read these fields")]

mod listen;
mod names;
mod person;
mod quality;
mod requests;
mod speakers;
mod tell;

pub use person::{Kind, Layer};

use crate::sdp::{self, Carried, OfferError, Section};
use crate::token::Grants;
use livekit_protocol as lk;
use livekit_protocol::signal_response::Message as Response;
use names::Names;
use person::{Person, Track};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use thiserror::Error;

/// More people are not let into one room.
pub const MOST_PEOPLE: usize = 25;
/// There are no more rooms at one time.
pub const MOST_ROOMS: usize = 64;
/// Nobody publishes more tracks.
pub const MOST_TRACKS: usize = 32;
/// How long wishes for sections are gathered, so that microphone and camera of one person cost one offer.
const GATHER: Duration = Duration::from_millis(30);

/// One stay of one person in one room: the number of a socket, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat(pub u64);

/// When something happens.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// For durations.
    pub at: Instant,
    /// For people, in milliseconds since 1970.
    pub unix_millis: i64,
}

/// What has to be done.
#[derive(Debug)]
pub enum Effect {
    /// Write a frame to the socket.
    Say {
        /// Whose socket.
        to: Seat,
        /// What.
        message: Box<Response>,
    },
    /// Answer an offer, and pass the answer to [`Rooms::answered`].
    Answer {
        /// Who offers.
        to: Seat,
        /// The offer's number, which its answer repeats.
        id: u32,
        /// The client's description.
        offer: String,
        /// By section's name: what it is to carry.
        carried: BTreeMap<String, Carried>,
        /// Sections that carry something else than before.
        changed: Vec<String>,
    },
    /// Close the socket after what was said to it, and end the media. The seat is nobody's from now on.
    Close {
        /// Which.
        seat: Seat,
    },
}

/// A track on its way from one to many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `TR_…`.
    pub track: String,
    /// Sound or picture.
    pub kind: Kind,
    /// Who sends it.
    pub from: Seat,
    /// In which section.
    pub mid: String,
    /// Nothing of it leaves: its numbering goes on when it is opened again.
    pub muted: bool,
    /// Who hears it.
    pub to: Vec<Listener>,
}

/// One end of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Who.
    pub seat: Seat,
    /// In which section.
    pub mid: String,
    /// The largest layer that is wished; none while nothing is.
    pub layer: Option<Layer>,
}

/// Why nobody is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JoinError {
    /// The token does not let into a room.
    #[error("the token does not let into a room")]
    NotAllowed,
    /// There are 25 people in the room, or 64 rooms.
    #[error("there is no room left")]
    Full,
    /// More tracks or sections than anybody has.
    #[error("more is asked for than anybody has")]
    TooMuch,
}

/// Why a request of somebody with power over a room changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AdminError {
    /// No such room, person or track.
    #[error("there is no such room, person or track")]
    NotFound,
    /// A person's microphone is opened by that person alone.
    #[error("nobody is unmuted by somebody else")]
    Unmute,
}

/// All rooms of a server.
#[derive(Debug)]
pub struct Rooms {
    rooms: BTreeMap<String, Room>,
    /// By seat: the room's name.
    seats: BTreeMap<Seat, String>,
    names: Names,
    node: String,
    stun: String,
    effects: VecDeque<Effect>,
    routes_changed: bool,
}

#[derive(Debug)]
struct Room {
    sid: String,
    created_millis: i64,
    people: BTreeMap<Seat, Person>,
    speakers: speakers::Speakers,
}

impl Rooms {
    /// No room. The seed makes the ids of rooms, people and tracks; they are no secrets, and must not repeat. `stun` is the
    /// server that clients are told to ask for their address (RFC 7064); without any, some ask one of their own choice.
    #[must_use]
    pub fn new(seed: [u8; 32], stun: String) -> Self {
        let mut names = Names::new(seed);
        let node = names.next("ND_");
        Self {
            rooms: BTreeMap::new(),
            seats: BTreeMap::new(),
            names,
            node,
            stun,
            effects: VecDeque::new(),
            routes_changed: false,
        }
    }

    /// What has to be done next.
    pub fn effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Somebody comes in. What is said first is `join`; whoever was there under the same identity goes.
    ///
    /// A request to resume finds nobody: the socket was the stay. It is answered by a leave that asks to join anew
    /// (`LeaveRequest.Action.RECONNECT`), which is all of a resume that the protocol demands.
    ///
    /// # Errors
    ///
    /// [`JoinError`]; nothing has changed then.
    pub fn join(
        &mut self,
        seat: Seat,
        grants: Grants,
        request: lk::JoinRequest,
        token: String,
        now: Moment,
    ) -> Result<(), JoinError> {
        if !grants.join || grants.room.is_empty() {
            return Err(JoinError::NotAllowed);
        }
        if request.reconnect {
            self.say(seat, Response::Leave(tell::leave(lk::DisconnectReason::StateMismatch, tell::Action::Reconnect)));
            self.effects.push_back(Effect::Close { seat });
            return Ok(());
        }
        if request.add_track_requests.len() > MOST_TRACKS {
            return Err(JoinError::TooMuch);
        }
        self.replace(&grants, now);
        self.enter(seat, grants, &request, token, now)?;
        for track in request.add_track_requests {
            self.add_track(seat, track, now);
        }
        if let Some(offer) = request.publisher_offer {
            self.offer(seat, offer, now);
        }
        self.settle(seat, now);
        Ok(())
    }

    /// Whoever sits in the room under this identity goes (livekit-server, `roommanager.go`).
    fn replace(&mut self, grants: &Grants, now: Moment) {
        let former = self
            .rooms
            .get(&grants.room)
            .and_then(|room| room.people.values().find(|person| person.grants.identity == grants.identity))
            .map(|person| person.seat);
        if let Some(former) = former {
            self.dismiss(former, lk::DisconnectReason::DuplicateIdentity, now);
        }
    }

    fn enter(
        &mut self,
        seat: Seat,
        grants: Grants,
        request: &lk::JoinRequest,
        token: String,
        now: Moment,
    ) -> Result<(), JoinError> {
        if !self.rooms.contains_key(&grants.room) {
            if self.rooms.len() >= MOST_ROOMS {
                return Err(JoinError::Full);
            }
            let room = Room {
                sid: self.names.next("RM_"),
                created_millis: now.unix_millis,
                people: BTreeMap::new(),
                speakers: speakers::Speakers::new(now.at),
            };
            self.rooms.insert(grants.room.clone(), room);
        }
        let room = self.rooms.get_mut(&grants.room).expect("it is there or was made");
        if room.people.len() >= MOST_PEOPLE {
            return Err(JoinError::Full);
        }
        let person = Person::new(seat, self.names.next("PA_"), grants, request, now);
        let name = person.grants.room.clone();
        room.people.insert(seat, person);
        self.seats.insert(seat, name);
        self.greet(seat, token);
        self.tell_of(seat, tell::To::Others);
        Ok(())
    }

    /// What a client said.
    pub fn said(&mut self, seat: Seat, request: lk::signal_request::Message, now: Moment) {
        if self.seats.contains_key(&seat) {
            self.take(seat, request, now);
            self.settle(seat, now);
        }
    }

    /// The stack answered an offer. `candidates` are the server's addresses, said once more by `trickle`, since some
    /// clients take them from there alone.
    pub fn answered(&mut self, seat: Seat, id: u32, sdp: String, candidates: &[String], now: Moment) {
        let Some(person) = self.person_mut(seat) else { return };
        let carried = person.hears.iter().filter_map(|(track, heard)| Some((heard.mid.clone()?, track.clone())));
        let answer =
            lk::SessionDescription { r#type: "answer".to_owned(), sdp, id, mid_to_track_id: carried.collect() };
        let first = !std::mem::replace(&mut person.answered, true);
        if person.state == lk::participant_info::State::Joining {
            person.state = lk::participant_info::State::Joined;
        }
        self.say(seat, Response::Answer(answer));
        if first {
            for (index, candidate) in candidates.iter().enumerate() {
                let init = serde_json::json!({
                    "candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": null,
                });
                let last = index + 1 == candidates.len();
                self.say(
                    seat,
                    Response::Trickle(lk::TrickleRequest {
                        candidate_init: init.to_string(),
                        target: i32::from(lk::SignalTarget::Publisher),
                        r#final: last,
                    }),
                );
            }
        }
        self.announce_bound(seat);
        self.settle(seat, now);
    }

    /// The stack could not read an offer: the stay ends.
    pub fn refused(&mut self, seat: Seat, now: Moment) {
        self.dismiss(seat, lk::DisconnectReason::JoinFailure, now);
    }

    /// Sound and picture can flow.
    pub fn connected(&mut self, seat: Seat) {
        if let Some(person) = self.person_mut(seat)
            && person.state != lk::participant_info::State::Active
        {
            person.state = lk::participant_info::State::Active;
            self.tell_of(seat, tell::To::All);
        }
    }

    /// The socket is gone, or the way of the media: the stay ends, and a client that wants to go on joins anew.
    pub fn lost(&mut self, seat: Seat, now: Moment) {
        if !self.seats.contains_key(&seat) {
            return;
        }
        self.part(seat, lk::DisconnectReason::SignalClose, now);
        self.effects.push_back(Effect::Close { seat });
    }

    /// Too much came over the socket, or what came is no protocol of ours.
    pub fn misbehaved(&mut self, seat: Seat, now: Moment) {
        self.dismiss(seat, lk::DisconnectReason::StateMismatch, now);
    }

    /// A packet of sound says how loud it is (RFC 6464 §3), in −dBov: 0 is the loudest, 127 silence.
    pub fn loudness(&mut self, seat: Seat, below_full: u8) {
        if let Some(room) = self.seats.get(&seat).and_then(|name| self.rooms.get_mut(name)) {
            room.speakers.heard(seat, below_full);
        }
    }

    /// How a person's line was since the last time: of what was sent each way, how many packets were expected and how
    /// many of them are missing, and whether nothing at all is heard from there.
    pub fn line(&mut self, seat: Seat, ways: [(u64, u64); 2], silent: bool) {
        let Some(person) = self.person_mut(seat) else { return };
        let quality = quality::of_line(ways, silent);
        if person.quality != quality {
            person.quality = quality;
            self.tell_quality(seat);
        }
    }

    /// The time goes on. Call it when [`Rooms::due`] has come, or earlier.
    pub fn tick(&mut self, now: Moment) {
        let seats: Vec<Seat> = self.seats.keys().copied().collect();
        for seat in seats {
            self.ask_for_sections(seat, now);
            self.lower_qualities(seat, now);
        }
        self.tell_speakers(now);
    }

    /// When [`Rooms::tick`] has something to do; none while there is nobody.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let people = self.rooms.values().flat_map(|room| room.people.values());
        let dues = people.flat_map(|person| {
            person.sections_due.into_iter().chain(person.tracks.iter().filter_map(|track| track.lower_due))
        });
        let speakers = self.rooms.values().map(|room| room.speakers.due());
        dues.chain(speakers).min()
    }

    /// Whether [`Rooms::routes`] says something else than when this was asked the last time.
    pub fn routes_changed(&mut self) -> bool {
        std::mem::take(&mut self.routes_changed)
    }

    /// Whose media goes where.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        self.rooms.values().flat_map(Room::routes).collect()
    }

    /// Who gets a data packet of somebody, and with which sender's name in it: the others of the room, or those whom it
    /// names (`DataPacket.destination_identities`). None if the sender may not, or if it is no packet.
    #[must_use]
    pub fn data(&self, from: Seat, packet: &[u8]) -> Option<(Vec<Seat>, Vec<u8>)> {
        let room = self.room_of(from)?;
        let sender = room.people.get(&from)?;
        if !sender.grants.publish_data || packet.len() > crate::wire::LONGEST_DATA {
            return None;
        }
        let read = crate::wire::message::<lk::DataPacket>(packet, 4).ok()?;
        // Who speaks is the server's to say (livekit-server, `participant.go`).
        if matches!(read.value, Some(lk::data_packet::Value::Speaker(_))) {
            return None;
        }
        let named = |identity: &String| {
            read.destination_identities.is_empty() || read.destination_identities.contains(identity)
        };
        let to = room.people.values().filter(|person| person.seat != from && named(&person.grants.identity));
        Some((to.map(|person| person.seat).collect(), tell::signed(packet, sender)))
    }

    /// Mutes somebody's track: it goes nowhere from now on, and the client is told.
    ///
    /// # Errors
    ///
    /// [`AdminError`].
    pub fn mute(
        &mut self,
        room: &str,
        identity: &str,
        track: &str,
        muted: bool,
        now: Moment,
    ) -> Result<lk::TrackInfo, AdminError> {
        let seat = self.seat_of(room, identity).ok_or(AdminError::NotFound)?;
        let person = self.person_mut(seat).ok_or(AdminError::NotFound)?;
        let found = person.tracks.iter_mut().find(|own| own.info.sid == track).ok_or(AdminError::NotFound)?;
        if !muted && found.info.muted {
            return Err(AdminError::Unmute);
        }
        found.info.muted = muted;
        let info = found.info.clone();
        self.routes_changed = true;
        self.say(seat, Response::Mute(lk::MuteTrackRequest { sid: track.to_owned(), muted }));
        self.tell_of(seat, tell::To::All);
        self.settle(seat, now);
        Ok(info)
    }

    /// Sends somebody out of a room.
    ///
    /// # Errors
    ///
    /// [`AdminError::NotFound`].
    pub fn remove(&mut self, room: &str, identity: &str, now: Moment) -> Result<(), AdminError> {
        let seat = self.seat_of(room, identity).ok_or(AdminError::NotFound)?;
        self.dismiss(seat, lk::DisconnectReason::ParticipantRemoved, now);
        Ok(())
    }

    /// Who is in a room, in the order of their coming.
    #[must_use]
    pub fn people(&self, room: &str) -> Vec<lk::ParticipantInfo> {
        self.rooms.get(room).map(|room| room.people.values().map(Person::info).collect()).unwrap_or_default()
    }

    fn seat_of(&self, room: &str, identity: &str) -> Option<Seat> {
        let mut people = self.rooms.get(room)?.people.values();
        people.find(|person| person.grants.identity == identity).map(|person| person.seat)
    }

    fn room_of(&self, seat: Seat) -> Option<&Room> {
        self.rooms.get(self.seats.get(&seat)?)
    }

    fn room_of_mut(&mut self, seat: Seat) -> Option<&mut Room> {
        self.rooms.get_mut(self.seats.get(&seat)?)
    }

    fn person_mut(&mut self, seat: Seat) -> Option<&mut Person> {
        self.room_of_mut(seat)?.people.get_mut(&seat)
    }

    /// Ends a stay, and tells the person why. Whoever has none, since frames of theirs still came, is told nothing.
    fn dismiss(&mut self, seat: Seat, reason: lk::DisconnectReason, now: Moment) {
        if !self.seats.contains_key(&seat) {
            return;
        }
        self.say(seat, Response::Leave(tell::leave(reason, tell::Action::Disconnect)));
        self.part(seat, reason, now);
        self.effects.push_back(Effect::Close { seat });
    }

    fn part(&mut self, seat: Seat, reason: lk::DisconnectReason, now: Moment) {
        let Some(name) = self.seats.get(&seat).cloned() else { return };
        if let Some(person) = self.person_mut(seat) {
            person.state = lk::participant_info::State::Disconnected;
            person.reason = reason;
            person.tracks.clear();
        }
        self.tell_of(seat, tell::To::Others);
        self.seats.remove(&seat);
        let Some(room) = self.rooms.get_mut(&name) else { return };
        room.people.remove(&seat);
        room.speakers.left(seat);
        self.routes_changed = true;
        match room.people.keys().next().copied() {
            Some(other) => self.settle(other, now),
            None => {
                self.rooms.remove(&name);
            }
        }
    }

    /// A new description of what a client sends and would receive.
    fn offer(&mut self, seat: Seat, offer: lk::SessionDescription, now: Moment) {
        match sdp::sections(&offer.sdp) {
            Ok(sections) => self.negotiate(seat, offer, sections, now),
            Err(OfferError::TooLarge | OfferError::Mid) => self.refused(seat, now),
        }
    }

    fn negotiate(&mut self, seat: Seat, offer: lk::SessionDescription, sections: Vec<Section>, now: Moment) {
        let Some(person) = self.person_mut(seat) else { return };
        person.bind(&sections);
        person.sections = sections;
        // Whoever comes into a room in which others publish is given their tracks by the first answer.
        self.settle(seat, now);
        let Some(room) = self.room_of_mut(seat) else { return };
        let Some((carried, changed)) = room.assign(seat, now) else { return };
        self.routes_changed = true;
        self.effects.push_back(Effect::Answer { to: seat, id: offer.id, offer: offer.sdp, carried, changed });
    }

    fn say(&mut self, to: Seat, message: Response) {
        self.effects.push_back(Effect::Say { to, message: Box::new(message) });
    }
}

impl Room {
    fn routes(&self) -> Vec<Route> {
        let published = self.people.values().flat_map(|person| person.tracks.iter().map(move |track| (person, track)));
        published.filter_map(|(person, track)| self.route(person, track)).collect()
    }

    fn route(&self, person: &Person, track: &Track) -> Option<Route> {
        let mid = track.mid.clone()?;
        let to = self.people.values().filter_map(|listener| {
            let heard = listener.hears.get(&track.info.sid)?;
            Some(Listener { seat: listener.seat, mid: heard.mid.clone()?, layer: heard.wish.layer(track) })
        });
        Some(Route {
            track: track.info.sid.clone(),
            kind: track.kind,
            from: person.seat,
            mid,
            muted: track.info.muted,
            to: to.collect(),
        })
    }
}
