//! What the page is told of a round, from what the conversation, the media server and the own devices say. Pure: time and
//! numbers of tracks are arguments.

use crate::chat::sender;
use contract::{
    Entering, OwnMediaView, PresentingView, RoundAdvice, RoundEnd, RoundKey, RoundLine, RoundPersonView, RoundPhase,
    RoundPictureView, RoundView, SenderView,
};
use model::round::MemberId;
use rounds_proto::frame::State;
use rounds_proto::signal::{Fact, How, Kind, OwnFact, Person, Quality, Reason, ServerReason, Source, Track, TrackFact};
use std::collections::{BTreeMap, BTreeSet};
use tim::Member;

/// A round as it stands.
pub(super) struct Scene {
    pub(super) conversation: String,
    pub(super) phase: RoundPhase,
    pub(super) microphone: OwnMediaView,
    pub(super) camera: OwnMediaView,
    pub(super) screen: OwnMediaView,
    /// ISO instant.
    since: Option<String>,
    recorded: bool,
    members: Vec<Member>,
    /// As the media server names them, by `sid`.
    people: BTreeMap<String, Person>,
    /// The own `sid`.
    me: Option<String>,
    standing: BTreeMap<MemberId, State>,
    /// Their device is not signed, and nobody has decided.
    unsigned: BTreeSet<MemberId>,
    speaking: BTreeSet<String>,
    lines: BTreeMap<String, RoundLine>,
    held: BTreeSet<String>,
    /// Since when they ask for the word, in milliseconds of the Unix epoch by their own word.
    hands: BTreeMap<MemberId, u64>,
    own_hand: Option<u64>,
    volumes: BTreeMap<MemberId, f32>,
    /// Whom a moderator wants not to be heard, until they switch on again.
    hushed: BTreeSet<MemberId>,
    /// Their program shows images.
    shows: BTreeSet<MemberId>,
    pub(super) presenting: Option<PresentingView>,
    pub(super) may_present: bool,
    pub(super) advice: Vec<RoundAdvice>,
    numbers: Numbers,
}

/// Tracks as the page knows them. A number is given once.
#[derive(Default)]
pub(super) struct Numbers {
    by_track: BTreeMap<String, u32>,
    last: u32,
}

impl Numbers {
    pub(super) fn of(&mut self, track: &str) -> u32 {
        if let Some(known) = self.by_track.get(track) {
            return *known;
        }
        self.last += 1;
        self.by_track.insert(track.to_owned(), self.last);
        self.last
    }
}

/// Twice as loud as they are sent.
const LOUDEST: f32 = 2.0;

/// The number of the own picture.
pub(super) const OWN_PICTURE: &str = "own";

impl Scene {
    pub(super) fn new(conversation: String) -> Self {
        Self {
            conversation,
            phase: RoundPhase::Entering { doing: Entering::Finding },
            microphone: OwnMediaView::Off,
            camera: OwnMediaView::Off,
            screen: OwnMediaView::Off,
            since: None,
            recorded: false,
            members: Vec::new(),
            people: BTreeMap::new(),
            me: None,
            standing: BTreeMap::new(),
            unsigned: BTreeSet::new(),
            speaking: BTreeSet::new(),
            lines: BTreeMap::new(),
            held: BTreeSet::new(),
            hands: BTreeMap::new(),
            own_hand: None,
            volumes: BTreeMap::new(),
            hushed: BTreeSet::new(),
            shows: BTreeSet::new(),
            presenting: None,
            may_present: false,
            advice: Vec::new(),
            numbers: Numbers::default(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, RoundPhase::Ended { .. })
    }

    /// Who is in it by the conversation's word.
    pub(super) fn set_members(&mut self, members: Vec<Member>) {
        let there: BTreeSet<_> = members.iter().map(|member| member.id.clone()).collect();
        self.unsigned.retain(|who| there.contains(who));
        self.hands.retain(|who, _since| there.contains(who));
        self.hushed.retain(|who| there.contains(who));
        self.shows.retain(|who| there.contains(who));
        self.volumes.retain(|who, _volume| there.contains(who));
        self.members = members;
    }

    pub(super) fn set_standing(&mut self, standing: Vec<(MemberId, State)>) {
        self.standing = standing.into_iter().collect();
    }

    pub(super) fn set_unsigned(&mut self, who: MemberId) {
        self.unsigned.insert(who);
    }

    pub(super) fn allow(&mut self, who: &MemberId) {
        self.unsigned.remove(who);
    }

    /// This device in it.
    pub(super) fn here(&self) -> Option<&MemberId> {
        self.members.iter().find(|member| member.here).map(|member| &member.id)
    }

    /// Whether somebody moderates the conversation.
    pub(super) fn moderates(&self, who: &MemberId) -> bool {
        self.members.iter().any(|member| member.moderates && &member.id == who)
    }

    /// Whether somebody who was there has come in once more.
    pub(super) fn came_anew(&self, member: &Member) -> bool {
        let known = self.members.iter().find(|known| known.id == member.id);
        known.is_some_and(|known| known.since_ms != member.since_ms && !known.here)
    }

    /// Somebody's program has said of itself that it shows images.
    pub(super) fn set_shows(&mut self, who: MemberId) {
        if self.is_member(&who) {
            self.shows.insert(who);
        }
    }

    pub(super) fn is_member(&self, who: &MemberId) -> bool {
        self.members.iter().any(|member| &member.id == who)
    }

    /// Who is there by the word of both servers, this device among them; none while the way to one is broken.
    pub(super) fn there(&self) -> Option<BTreeSet<MemberId>> {
        if self.phase != RoundPhase::In {
            return None;
        }
        let there = |member: &&Member| {
            member.here || self.people.values().any(|person| person.identity.as_str() == member.id.as_str())
        };
        Some(self.members.iter().filter(there).map(|member| member.id.clone()).collect())
    }

    /// Somebody asks for the word since this many milliseconds after they came in, or no longer.
    pub(super) fn set_hand(&mut self, who: &MemberId, hand: Option<u64>) {
        let Some(member) = self.members.iter().find(|member| &member.id == who) else { return };
        match hand {
            Some(after) => self.hands.insert(who.clone(), member.since_ms.saturating_add(after)),
            None => self.hands.remove(who),
        };
    }

    /// As [`Scene::set_hand`], for this person. Gives milliseconds after coming in.
    pub(super) fn set_own_hand(&mut self, up: bool, now_ms: u64) -> Option<u64> {
        self.own_hand = up.then(|| self.own_hand.unwrap_or(now_ms));
        self.own_hand_after()
    }

    /// Since when this person asks for the word, in milliseconds after coming in.
    pub(super) fn own_hand_after(&self) -> Option<u64> {
        let came = self.members.iter().find(|member| member.here).map_or(0, |member| member.since_ms);
        Some(self.own_hand?.saturating_sub(came))
    }

    /// The own picture's number.
    pub(super) fn own_picture(&mut self) -> u32 {
        self.numbers.of(OWN_PICTURE)
    }

    /// Pictures of others: number and `sid`.
    pub(super) fn pictures(&mut self) -> Vec<(u32, String)> {
        let numbers = &mut self.numbers;
        let tracks = self.people.values().flat_map(|person| person.tracks.values());
        let pictures = tracks.filter(|track| track.kind == Kind::Video);
        pictures.map(|track| (numbers.of(&track.sid), track.sid.clone())).collect()
    }

    /// Tracks of others' voices that are to be heard, by `sid`, and how loud.
    pub(super) fn voices(&self) -> BTreeMap<String, f32> {
        let heard = self.people.values().filter(|person| !self.is_hushed(person));
        let tracks = heard.flat_map(|person| person.tracks.values().map(|track| (self.volume_of(person), track)));
        let voices = tracks.filter(|(_volume, track)| track.kind == Kind::Audio);
        voices.map(|(volume, track)| (track.sid.clone(), volume)).collect()
    }

    /// The devices of somebody in it, by their Matrix id.
    pub(super) fn devices_of(&self, user: &str) -> Vec<MemberId> {
        let devices = self.members.iter().filter(|member| !member.here && member.person.id == user);
        devices.map(|member| member.id.clone()).collect()
    }

    /// The others, by the conversation's word.
    pub(super) fn others(&self) -> Vec<MemberId> {
        self.members.iter().filter(|member| !member.here).map(|member| member.id.clone()).collect()
    }

    /// What somebody speaks by, as the media server calls it.
    pub(super) fn microphone_of(&self, who: &MemberId) -> Option<String> {
        let person = self.people.values().find(|person| person.identity.as_str() == who.as_str())?;
        sent(person, Source::Microphone).map(|track| track.sid.clone())
    }

    fn is_hushed(&self, person: &Person) -> bool {
        self.hushed.iter().any(|who| who.as_str() == person.identity.as_str())
    }

    fn volume_of(&self, person: &Person) -> f32 {
        let known = self.volumes.iter().find(|(who, _volume)| who.as_str() == person.identity.as_str());
        known.map_or(1.0, |(_who, volume)| *volume)
    }

    /// How loud somebody is here.
    pub(super) fn set_volume(&mut self, who: MemberId, volume: f32) {
        if volume.is_finite() && self.is_member(&who) {
            self.volumes.insert(who, volume.clamp(0.0, LOUDEST));
        }
    }

    /// A moderator wants somebody not to be heard. Whoever does as they are told can be heard again when they want to.
    pub(super) fn hush(&mut self, who: MemberId) {
        if self.people.values().any(|person| person.identity.as_str() == who.as_str() && speaks(person)) {
            self.hushed.insert(who);
        }
    }

    fn unhush(&mut self, sid: &str) {
        let Some(person) = self.people.get(sid).filter(|person| !speaks(person)) else { return };
        let identity = person.identity.as_str().to_owned();
        self.hushed.retain(|who| who.as_str() != identity);
    }

    /// What the media server says. `now` is an ISO instant.
    pub(super) fn take(&mut self, fact: Fact, now: &str) {
        match fact {
            Fact::Joined(joined) => {
                self.me = Some(joined.me.sid.clone());
                self.people = joined.others.into_iter().map(|person| (person.sid.clone(), person)).collect();
                (self.speaking, self.held, self.lines) = <(BTreeSet<_>, BTreeSet<_>, BTreeMap<_, _>)>::default();
                if !joined.again {
                    self.phase = RoundPhase::Entering { doing: Entering::Connecting };
                }
            }
            Fact::Connected => {
                self.since.get_or_insert_with(|| now.to_owned());
                self.phase = RoundPhase::In;
            }
            Fact::Resumed { .. } => self.phase = RoundPhase::In,
            Fact::Interrupted { how, attempt, .. } => {
                // The first attempt takes moments, and sound and picture stay as they are.
                if self.since.is_some() && (how == How::Rejoin || attempt > 1) {
                    self.phase = RoundPhase::Reconnecting { attempt };
                }
            }
            Fact::Person(person) => {
                self.people.insert(person.sid.clone(), person);
            }
            Fact::PersonLeft { person, .. } => {
                self.people.remove(&person);
                self.speaking.remove(&person);
                self.lines.remove(&person);
            }
            Fact::Track { person, track, what } => {
                self.take_track(&person, &track, what);
                self.unhush(&person);
            }
            Fact::Speakers(speakers) => {
                self.speaking = speakers.into_iter().map(|speaker| speaker.person).collect();
            }
            Fact::Quality(known) => {
                for known in known {
                    let line = match known.quality {
                        Quality::Excellent | Quality::Good => RoundLine::Good,
                        Quality::Poor => RoundLine::Weak,
                        Quality::Lost => RoundLine::Lost,
                    };
                    self.lines.insert(known.person, line);
                }
            }
            Fact::Stream { track, paused } => {
                if paused {
                    self.held.insert(track);
                } else {
                    self.held.remove(&track);
                }
            }
            Fact::Room { recording, .. } => self.recorded = recording,
            Fact::Left(reason) => self.phase = RoundPhase::Ended { why: end(reason) },
            Fact::Own { what: OwnFact::Published { .. } | OwnFact::Subscribed | OwnFact::Wanted(_), .. }
            | Fact::Own { what: OwnFact::MutedByServer | OwnFact::Refused(_) | OwnFact::Unpublished, .. }
            | Fact::Bound { .. }
            | Fact::Permissions(_)
            | Fact::Allowed { .. }
            | Fact::Unavailable { .. }
            | Fact::Refused(_)
            | Fact::TokenRefreshed(_) => {}
        }
    }

    fn take_track(&mut self, person: &str, track: &str, what: TrackFact) {
        let Some(person) = self.people.get_mut(person) else { return };
        match what {
            TrackFact::Published(published) => {
                person.tracks.insert(track.to_owned(), published);
            }
            TrackFact::Muted(muted) => {
                if let Some(track) = person.tracks.get_mut(track) {
                    track.muted = muted;
                }
            }
            TrackFact::Unpublished => {
                person.tracks.remove(track);
                self.held.remove(track);
            }
        }
    }

    pub(super) fn view(&mut self) -> RoundView {
        let queue = self.queue();
        let mut here = Vec::new();
        let mut others = Vec::new();
        let members = std::mem::take(&mut self.members);
        for member in &members {
            let hand = queue.iter().position(|who| who == &member.id).and_then(|place| u32::try_from(place + 1).ok());
            if member.here {
                here.push(self.own(member, hand));
            } else {
                let person = self.people.values().find(|person| person.identity.as_str() == member.id.as_str());
                let person = person.cloned();
                others.push(self.other(&member.id, sender(&member.person), person.as_ref(), hand));
            }
        }
        let known = |person: &Person| members.iter().any(|member| member.id.as_str() == person.identity.as_str());
        let strangers: Vec<_> = self.people.values().filter(|person| !known(person)).cloned().collect();
        for person in strangers {
            if let Ok(id) = MemberId::parse(person.identity.as_str()) {
                let mut shown = self.other(&id, stranger(&person), None, None);
                shown.key = RoundKey::Unassigned;
                others.push(shown);
            }
        }
        self.members = members;
        here.append(&mut others);
        RoundView {
            conversation: self.conversation.clone(),
            phase: self.phase.clone(),
            since: self.since.clone(),
            people: here,
            microphone: self.microphone.clone(),
            camera: self.camera.clone(),
            screen: self.screen.clone(),
            // The desk knows.
            name: String::new(),
            patient: None,
            declined: Vec::new(),
            advice: self.advice.clone(),
            recorded: self.recorded,
            encrypted: true,
            presenting: self.presenting.clone(),
            may_present: self.may_present,
            moderates: self.here().is_some_and(|me| self.moderates(me)),
        }
    }

    /// Who asks for the word, who asked first in front.
    fn queue(&self) -> Vec<MemberId> {
        let mut hands: Vec<_> = self.hands.iter().map(|(who, since)| (*since, who.clone())).collect();
        let me = self.members.iter().find(|member| member.here).map(|member| member.id.clone());
        hands.extend(self.own_hand.zip(me));
        hands.sort();
        hands.into_iter().map(|(_since, who)| who).collect()
    }

    fn own(&mut self, member: &Member, hand: Option<u32>) -> RoundPersonView {
        let (speaking, line) = match &self.me {
            Some(me) => (self.speaking.contains(me), self.lines.get(me).copied()),
            None => (false, None),
        };
        let sends = matches!(self.camera, OwnMediaView::On { .. });
        let own = RoundPictureView { track: self.own_picture(), held: false, width: 0, height: 0 };
        RoundPersonView {
            id: member.id.as_str().to_owned(),
            person: sender(&member.person),
            // The desk knows.
            speciality: None,
            house: None,
            here: true,
            speaking,
            muted: !matches!(self.microphone, OwnMediaView::On { .. }),
            volume: 1.0,
            shows: true,
            hand,
            key: if self.since.is_some() { RoundKey::Encrypted } else { RoundKey::Coming },
            line,
            camera: sends.then_some(own),
            screen: None,
        }
    }

    fn other(
        &mut self,
        id: &MemberId,
        person: SenderView,
        there: Option<&Person>,
        hand: Option<u32>,
    ) -> RoundPersonView {
        let key = if self.unsigned.contains(id) {
            RoundKey::Unconfirmed
        } else {
            match (there, self.standing.get(id)) {
                (None, _) => RoundKey::Coming,
                (Some(_), Some(State::Encrypted)) => RoundKey::Encrypted,
                (Some(_), Some(State::Verifying)) => RoundKey::Unconfirmed,
                (Some(_), Some(State::Failed)) => RoundKey::Failed,
                (Some(_), Some(State::Unassigned)) => RoundKey::Unassigned,
                (Some(_), Some(State::KeyMissing) | None) => RoundKey::Missing,
            }
        };
        let sends = |source| there.and_then(|person| sent(person, source));
        let hushed = there.is_some_and(|person| self.is_hushed(person));
        let microphone = sends(Source::Microphone).is_some() && !hushed;
        let (camera, screen) = (sends(Source::Camera).cloned(), sends(Source::Screen).cloned());
        RoundPersonView {
            id: id.as_str().to_owned(),
            person,
            // The desk knows.
            speciality: None,
            house: None,
            here: false,
            speaking: microphone && there.is_some_and(|person| self.speaking.contains(&person.sid)),
            muted: !microphone,
            volume: self.volumes.get(id).copied().unwrap_or(1.0),
            shows: self.shows.contains(id),
            hand,
            key,
            line: there.and_then(|person| self.lines.get(&person.sid).copied()),
            camera: camera.map(|track| self.picture(&track)),
            screen: screen.map(|track| self.picture(&track)),
        }
    }

    /// Pictures of others are there, and do not come since the line is narrow.
    pub(super) fn holds_back(&self) -> bool {
        let mut tracks = self.people.values().flat_map(|person| person.tracks.values());
        tracks.any(|track| !track.muted && self.held.contains(&track.sid))
    }

    fn picture(&mut self, track: &Track) -> RoundPictureView {
        let held = self.held.contains(&track.sid);
        RoundPictureView { track: self.numbers.of(&track.sid), held, width: track.width, height: track.height }
    }
}

fn speaks(person: &Person) -> bool {
    sent(person, Source::Microphone).is_some()
}

/// What somebody sends of a source.
fn sent(person: &Person, source: Source) -> Option<&Track> {
    person.tracks.values().find(|track| track.source == source && !track.muted)
}

/// Somebody of whom only the media server knows. Its word for a name is not taken for one.
fn stranger(person: &Person) -> SenderView {
    let id = person.identity.as_str().to_owned();
    SenderView { name: id.clone(), id, initials: "?".to_owned(), own: false, ambiguous: false }
}

fn end(reason: Reason) -> RoundEnd {
    match reason {
        Reason::Server(ServerReason::Removed) => RoundEnd::Removed,
        Reason::ByUs | Reason::Server(ServerReason::RoomDeleted | ServerReason::RoomClosed) => RoundEnd::Closed,
        Reason::Server(ServerReason::DuplicateIdentity) => RoundEnd::Elsewhere,
        Reason::TokenRefused | Reason::NotAllowed => {
            RoundEnd::Failed { failure: super::refused("by the media server") }
        }
        Reason::NoServer => RoundEnd::Failed { failure: super::no_rounds("no media server is there") },
        Reason::Server(_) | Reason::Moved | Reason::GaveUp(_) => RoundEnd::Lost,
    }
}
