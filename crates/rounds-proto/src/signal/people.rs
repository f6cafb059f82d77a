//! Who is in the round, with which tracks.
//!
//! The server repeats whole participants with a rising `version`, and a late one must not undo a newer one
//! (client-sdk-js, `Participant.updateInfo`). A person is known by the `sid` of this stay; whoever joins again under
//! the same identity has another one, and replaces the old.

use super::facts::{Fact, TrackFact};
use super::own::{Layer, Step};
use super::reason::ServerReason;
use super::wire;
use livekit_protocol as lk;
use std::collections::BTreeMap;
use std::fmt;

/// More people than these are not let in.
pub(super) const MOST_PEOPLE: usize = 1000;
/// More tracks of one person than these are not let in.
pub(super) const MOST_TRACKS: usize = 200;

/// A participant.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Of this stay in the room, `PA_…`.
    pub sid: String,
    /// As the token says.
    pub identity: Identity,
    /// For people's eyes: an untrusted text of at most 128 characters.
    pub name: String,
    /// How far the person's own join is.
    pub presence: Presence,
    /// What the person may do.
    pub permissions: Permissions,
    /// At most 200, in the order of their ids.
    pub tracks: BTreeMap<String, Track>,
    version: u32,
}

impl fmt::Debug for Person {
    // Names and identities are of people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person")
            .field("sid", &self.sid)
            .field("presence", &self.presence)
            .field("permissions", &self.permissions)
            .field("tracks", &self.tracks)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Who a person is to the server that made the token: an untrusted text of at most 1,024 bytes. It may be a user's id,
/// so it does not print.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity(String);

impl Identity {
    /// None for what cannot be one.
    fn of(text: String) -> Option<Self> {
        wire::is_identity(&text).then_some(Self(text))
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// `ParticipantInfo.State`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The signalling is there.
    Joining,
    /// The server has the offer.
    Joined,
    /// Sound and picture can flow.
    Active,
    /// Gone.
    Disconnected,
}

/// `ParticipantPermission`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permissions {
    /// May receive.
    pub subscribe: bool,
    /// May send sound and picture.
    pub publish: bool,
    /// May send data.
    pub publish_data: bool,
    /// What may be sent; empty means everything.
    pub sources: Vec<Source>,
    /// The others do not see this person.
    pub hidden: bool,
}

/// A track that somebody publishes.
#[derive(Clone, PartialEq, Eq)]
pub struct Track {
    /// `TR_…`.
    pub sid: String,
    /// Sound or picture.
    pub kind: Kind,
    /// Where it comes from.
    pub source: Source,
    /// An untrusted text of at most 128 characters.
    pub name: String,
    /// Nothing is sent at the moment, and by the publisher's will.
    pub muted: bool,
    /// Of the largest layer, in pixels; 0 for sound.
    pub width: u32,
    /// Of the largest layer, in pixels; 0 for sound.
    pub height: u32,
    /// `video/VP8`, `audio/opus` …; an untrusted text of at most 128 characters.
    pub mime_type: String,
    /// What the publisher says of the encryption of its frames. Only decrypting proves it.
    pub encryption: Encryption,
    /// Whether there are several layers to choose from.
    pub simulcast: bool,
    /// As the publisher says, at most one of each step, the smallest first; of a picture that says nothing, its whole size.
    /// Empty for sound.
    pub layers: Vec<Layer>,
}

impl fmt::Debug for Track {
    // The name is the publisher's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Track")
            .field("sid", &self.sid)
            .field("kind", &self.kind)
            .field("source", &self.source)
            .field("muted", &self.muted)
            .field("size", &(self.width, self.height))
            .field("encryption", &self.encryption)
            .field("simulcast", &self.simulcast)
            .finish_non_exhaustive()
    }
}

/// `TrackType` without data tracks, which are none of a round's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// `TrackSource`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Not said.
    Unknown,
    /// A camera.
    Camera,
    /// A microphone.
    Microphone,
    /// A screen or a window.
    Screen,
    /// The sound of a screen or a window.
    ScreenAudio,
}

/// `Encryption.Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// In clear.
    None,
    /// AES-GCM, as `frame` does it.
    Gcm,
    /// Something else.
    Custom,
}

impl Source {
    fn of(wire: i32) -> Self {
        match lk::TrackSource::try_from(wire) {
            Ok(lk::TrackSource::Camera) => Self::Camera,
            Ok(lk::TrackSource::Microphone) => Self::Microphone,
            Ok(lk::TrackSource::ScreenShare) => Self::Screen,
            Ok(lk::TrackSource::ScreenShareAudio) => Self::ScreenAudio,
            Ok(lk::TrackSource::Unknown) | Err(_) => Self::Unknown,
        }
    }

    pub(super) fn wire(self) -> i32 {
        i32::from(match self {
            Self::Unknown => lk::TrackSource::Unknown,
            Self::Camera => lk::TrackSource::Camera,
            Self::Microphone => lk::TrackSource::Microphone,
            Self::Screen => lk::TrackSource::ScreenShare,
            Self::ScreenAudio => lk::TrackSource::ScreenShareAudio,
        })
    }
}

impl Permissions {
    fn of(wire: Option<lk::ParticipantPermission>) -> Self {
        let wire = wire.unwrap_or_default();
        let mut sources: Vec<Source> = wire.can_publish_sources.iter().take(16).map(|s| Source::of(*s)).collect();
        sources.sort_unstable();
        sources.dedup();
        Self {
            subscribe: wire.can_subscribe,
            publish: wire.can_publish,
            publish_data: wire.can_publish_data,
            sources,
            hidden: wire.hidden,
        }
    }
}

impl Track {
    /// None for a data track and for an id that cannot be one.
    pub(super) fn of(wire: &lk::TrackInfo) -> Option<Self> {
        let kind = match lk::TrackType::try_from(wire.r#type) {
            Ok(lk::TrackType::Audio) => Kind::Audio,
            Ok(lk::TrackType::Video) => Kind::Video,
            Ok(lk::TrackType::Data) | Err(_) => return None,
        };
        let encryption = match lk::encryption::Type::try_from(wire.encryption) {
            Ok(lk::encryption::Type::None) => Encryption::None,
            Ok(lk::encryption::Type::Gcm) => Encryption::Gcm,
            Ok(lk::encryption::Type::Custom) | Err(_) => Encryption::Custom,
        };
        wire::is_id(&wire.sid).then(|| Self {
            sid: wire.sid.clone(),
            kind,
            source: Source::of(wire.source),
            name: wire::name(&wire.name),
            muted: wire.muted,
            width: wire.width,
            height: wire.height,
            mime_type: wire::name(&wire.mime_type),
            encryption,
            simulcast: wire.codecs.iter().any(|codec| codec.layers.len() > 1),
            layers: if kind == Kind::Video { layers(wire) } else { Vec::new() },
        })
    }
}

#[expect(deprecated, reason = "older servers name the layers there only")]
fn layers(wire: &lk::TrackInfo) -> Vec<Layer> {
    let said = wire.codecs.first().map(|codec| &codec.layers).filter(|layers| !layers.is_empty());
    let mut known: BTreeMap<Step, Layer> = BTreeMap::new();
    for layer in said.unwrap_or(&wire.layers) {
        if let Some(step) = Step::of(layer.quality) {
            let lk::VideoLayer { width, height, bitrate, ssrc, .. } = *layer;
            known.entry(step).or_insert(Layer { step, width, height, bitrate, ssrc });
        }
    }
    if known.is_empty() {
        let whole = Layer { step: Step::High, width: wire.width, height: wire.height, bitrate: 0, ssrc: 0 };
        known.insert(whole.step, whole);
    }
    known.into_values().collect()
}

impl Person {
    /// None if its ids cannot be any; the second number counts what was left out.
    pub(super) fn of(wire: lk::ParticipantInfo) -> (Option<Self>, u64) {
        let Some(identity) = Identity::of(wire.identity).filter(|_identity| wire::is_id(&wire.sid)) else {
            return (None, 1);
        };
        let presence = match lk::participant_info::State::try_from(wire.state) {
            Ok(lk::participant_info::State::Joining) | Err(_) => Presence::Joining,
            Ok(lk::participant_info::State::Joined) => Presence::Joined,
            Ok(lk::participant_info::State::Active) => Presence::Active,
            Ok(lk::participant_info::State::Disconnected) => Presence::Disconnected,
        };
        let tracks: BTreeMap<String, Track> = wire
            .tracks
            .iter()
            .take(MOST_TRACKS)
            .filter_map(Track::of)
            .map(|track| (track.sid.clone(), track))
            .collect();
        let left_out = wire.tracks.len().saturating_sub(tracks.len());
        let person = Self {
            name: wire::name(&wire.name),
            sid: wire.sid,
            identity,
            presence,
            permissions: Permissions::of(wire.permission),
            tracks,
            version: wire.version,
        };
        (Some(person), u64::try_from(left_out).unwrap_or(u64::MAX))
    }

    /// Whether this is not older than the other state of the same person.
    pub(super) fn is_at_least(&self, other: &Self) -> bool {
        self.version >= other.version
    }
}

/// Everyone but ourselves.
#[derive(Debug, Default)]
pub(super) struct Roster {
    people: BTreeMap<String, Person>,
    /// The last versions of those who left: a message that overtook the farewell must not bring them back.
    gone: BTreeMap<String, u32>,
}

impl Roster {
    pub(super) fn clear(&mut self) {
        self.people.clear();
        self.gone.clear();
    }

    pub(super) fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// Whose track this is.
    pub(super) fn owner(&self, track: &str) -> Option<&Person> {
        self.people.values().find(|person| person.tracks.contains_key(track))
    }

    /// Takes a participant's newest state, and says what is different. Counts in `refused` what was not let in.
    pub(super) fn take(&mut self, wire: lk::ParticipantInfo, facts: &mut Vec<Fact>, refused: &mut u64) {
        let reason = ServerReason::of(wire.disconnect_reason);
        let (person, left_out) = Person::of(wire);
        *refused = refused.saturating_add(left_out);
        let Some(person) = person else { return };
        if person.presence == Presence::Disconnected {
            self.goodbye(&person, reason, facts);
            return;
        }
        let newest = self.people.get(&person.sid).map(|known| known.version);
        let gone = self.gone.get(&person.sid);
        if newest.is_some_and(|newest| newest > person.version) || gone.is_some_and(|gone| *gone >= person.version) {
            return;
        }
        self.replace(&person, facts);
        if newest.is_none() && self.people.len() >= MOST_PEOPLE {
            *refused = refused.saturating_add(1);
            return;
        }
        self.gone.remove(&person.sid);
        let before = self.people.insert(person.sid.clone(), person.clone());
        compare(before.as_ref(), &person, facts);
    }

    fn goodbye(&mut self, person: &Person, reason: ServerReason, facts: &mut Vec<Fact>) {
        if self.gone.len() < MOST_PEOPLE {
            self.gone.insert(person.sid.clone(), person.version);
        }
        if let Some(known) = self.people.remove(&person.sid) {
            leave(&known, reason, facts);
        }
    }

    /// An earlier stay of the same identity ends where a new one begins.
    fn replace(&mut self, person: &Person, facts: &mut Vec<Fact>) {
        let earlier = self.people.values().find(|known| known.identity == person.identity && known.sid != person.sid);
        if let Some(earlier) = earlier.map(|known| known.sid.clone())
            && let Some(known) = self.people.remove(&earlier)
        {
            if self.gone.len() < MOST_PEOPLE {
                self.gone.insert(earlier, known.version);
            }
            leave(&known, ServerReason::DuplicateIdentity, facts);
        }
    }
}

fn leave(person: &Person, reason: ServerReason, facts: &mut Vec<Fact>) {
    for sid in person.tracks.keys() {
        facts.push(Fact::Track { person: person.sid.clone(), track: sid.clone(), what: TrackFact::Unpublished });
    }
    facts.push(Fact::PersonLeft { person: person.sid.clone(), identity: person.identity.clone(), reason });
}

/// What is different between two states of one person.
fn compare(before: Option<&Person>, after: &Person, facts: &mut Vec<Fact>) {
    let same = before.is_some_and(|before| Person { version: after.version, ..before.clone() } == *after);
    if same {
        return;
    }
    facts.push(Fact::Person(after.clone()));
    let none = BTreeMap::new();
    let earlier = before.map_or(&none, |before| &before.tracks);
    let mut say = |sid: &String, what| facts.push(Fact::Track { person: after.sid.clone(), track: sid.clone(), what });
    for sid in earlier.keys().filter(|sid| !after.tracks.contains_key(*sid)) {
        say(sid, TrackFact::Unpublished);
    }
    for (sid, track) in &after.tracks {
        match earlier.get(sid) {
            None => say(sid, TrackFact::Published(track.clone())),
            Some(known) if known.muted != track.muted => say(sid, TrackFact::Muted(track.muted)),
            Some(_) => {}
        }
    }
}
