//! What is said to whom: messages that describe a room and its people.

use super::person::Person;
use super::{Response, Rooms, Seat};
use livekit_protocol as lk;
use livekit_protocol::leave_request;
use prost::Message as _;

/// What the server says it is: the version of livekit-server whose signalling this is.
const SERVER_VERSION: &str = "1.13.3";
/// `protocol_version.go`.
const PROTOCOL: i32 = 17;
/// In seconds (livekit-server, `room.go`).
const PING_INTERVAL: i32 = 5;
const PING_TIMEOUT: i32 = 15;

/// Whom a change of a person is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// Everybody else in the room.
    Others,
    /// The person as well.
    All,
}

/// What a client does after it was told to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing.
    Disconnect,
    /// It joins anew.
    Reconnect,
}

pub(super) fn leave(reason: lk::DisconnectReason, action: Action) -> lk::LeaveRequest {
    let action_ = match action {
        Action::Disconnect => leave_request::Action::Disconnect,
        Action::Reconnect => leave_request::Action::Reconnect,
    };
    lk::LeaveRequest {
        // What clients before protocol 12 read.
        can_reconnect: action == Action::Reconnect,
        reason: i32::from(reason),
        action: i32::from(action_),
        regions: None,
    }
}

/// A data packet with its sender's name, which is the server's to say.
///
/// Fields are appended: of a field that comes twice, the last one counts (protobuf, "Last One Wins"). So nothing of a
/// packet is lost that is unknown here.
pub(super) fn signed(packet: &[u8], sender: &Person) -> Vec<u8> {
    let name = lk::DataPacket {
        participant_identity: sender.grants.identity.clone(),
        participant_sid: sender.sid.clone(),
        ..lk::DataPacket::default()
    };
    let mut written = packet.to_vec();
    written.extend(name.encode_to_vec());
    written
}

impl Rooms {
    /// `join`, and the token for the next time.
    pub(super) fn greet(&mut self, seat: Seat, token: String) {
        let Some(room) = self.room_of(seat) else { return };
        let Some(person) = room.people.get(&seat) else { return };
        let others = room.people.values().filter(|other| other.seat != seat && !other.grants.hidden);
        let publishers = room.people.values().filter(|person| !person.tracks.is_empty()).count();
        let codec = |mime: &str| lk::Codec { mime: mime.to_owned(), fmtp_line: String::new() };
        let codecs = vec![codec("video/VP8"), codec("audio/opus")];
        let join = lk::JoinResponse {
            room: Some(lk::Room {
                sid: room.sid.clone(),
                name: person.grants.room.clone(),
                creation_time: room.created_millis.div_euclid(1000),
                creation_time_ms: room.created_millis,
                num_participants: u32::try_from(room.people.len()).unwrap_or(u32::MAX),
                num_publishers: u32::try_from(publishers).unwrap_or(u32::MAX),
                enabled_codecs: codecs.clone(),
                ..lk::Room::default()
            }),
            participant: Some(person.info()),
            other_participants: others.map(Person::info).collect(),
            server_version: SERVER_VERSION.to_owned(),
            ice_servers: vec![lk::IceServer { urls: vec![self.stun.clone()], ..lk::IceServer::default() }],
            ping_interval: PING_INTERVAL,
            ping_timeout: PING_TIMEOUT,
            server_info: Some(self.server_info()),
            enabled_publish_codecs: codecs,
            fast_publish: person.grants.publish,
            ..lk::JoinResponse::default()
        };
        self.say(seat, Response::Join(join));
        self.say(seat, Response::RefreshToken(token));
    }

    fn server_info(&self) -> lk::ServerInfo {
        lk::ServerInfo {
            version: SERVER_VERSION.to_owned(),
            protocol: PROTOCOL,
            node_id: self.node.clone(),
            ..lk::ServerInfo::default()
        }
    }

    /// Says how a person is by now, with the next version. Whoever is hidden is known to nobody else.
    pub(super) fn tell_of(&mut self, seat: Seat, to: To) {
        let Some(room) = self.room_of_mut(seat) else { return };
        let Some(person) = room.people.get_mut(&seat) else { return };
        person.version = person.version.saturating_add(1);
        let (info, hidden) = (person.info(), person.grants.hidden);
        let told: Vec<Seat> =
            room.people.keys().copied().filter(|other| if *other == seat { to == To::All } else { !hidden }).collect();
        for other in told {
            self.say(other, Response::Update(lk::ParticipantUpdate { participants: vec![info.clone()] }));
        }
    }

    /// Tells of tracks that have come into a section or gone out of it with the last offer.
    pub(super) fn announce_bound(&mut self, seat: Seat) {
        let Some(person) = self.person_mut(seat) else { return };
        let mut changed = std::mem::take(&mut person.unbound);
        for track in person.tracks.iter_mut().filter(|track| track.mid.is_some() && !track.announced) {
            track.announced = true;
            changed = true;
        }
        if changed {
            self.routes_changed = true;
            self.tell_of(seat, To::All);
        }
    }
}
