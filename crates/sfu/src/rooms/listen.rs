//! Who hears what: wishes, permissions, and the sections of a description that carry it.

use super::quality::Wish;
use super::{GATHER, Kind, Moment, Response, Room, Rooms, Seat};
use crate::sdp::Carried;
use livekit_protocol as lk;
use std::collections::{BTreeMap, BTreeSet};

/// A track of somebody else.
#[derive(Debug)]
pub(super) struct Heard {
    /// Whose.
    pub(super) publisher: Seat,
    pub(super) kind: Kind,
    /// The section that carries it; none while there is none.
    pub(super) mid: Option<String>,
    pub(super) wish: Wish,
}

impl Rooms {
    /// Brings everybody in the room of a seat up to what is published, wished and allowed.
    pub(super) fn settle(&mut self, seat: Seat, now: Moment) {
        let Some(room) = self.room_of_mut(seat) else { return };
        let seats: Vec<Seat> = room.people.keys().copied().collect();
        let mut said: Vec<(Seat, Response)> = Vec::new();
        for listener in seats {
            said.extend(room.settle(listener, now).into_iter().map(|message| (listener, message)));
        }
        said.extend(room.first_heard());
        said.extend(room.raise_qualities(now));
        self.routes_changed |= !said.is_empty();
        for (to, message) in said {
            self.say(to, message);
        }
    }

    /// Says how many sections are missing for what a person is to hear. None missing is said as well: it asks for an
    /// offer all the same (client-sdk-js, `onMediaSectionsRequirement`).
    pub(super) fn ask_for_sections(&mut self, seat: Seat, now: Moment) {
        let Some(person) = self.person_mut(seat) else { return };
        if person.sections_due.is_none_or(|due| due > now.at) {
            return;
        }
        person.sections_due = None;
        let missing = |kind: Kind| {
            let waiting = person.hears.values().filter(|heard| heard.kind == kind && heard.mid.is_none()).count();
            let free = person.sections.iter().filter(|section| {
                section.kind == kind
                    && section.receives
                    && !person.hears.values().any(|heard| heard.mid.as_deref() == Some(section.mid.as_str()))
            });
            u32::try_from(waiting.saturating_sub(free.count())).unwrap_or(u32::MAX)
        };
        let requirement =
            lk::MediaSectionsRequirement { num_audios: missing(Kind::Audio), num_videos: missing(Kind::Video) };
        self.say(seat, Response::MediaSectionsRequirement(requirement));
    }
}

impl Room {
    /// What one person is to hear from now on; gives what that person is told.
    fn settle(&mut self, seat: Seat, now: Moment) -> Vec<Response> {
        let mut said = Vec::new();
        let Some(listener) = self.people.get(&seat) else { return said };
        let mut wanted: BTreeMap<String, (Seat, String, Kind)> = BTreeMap::new();
        let mut declined: BTreeSet<String> = BTreeSet::new();
        for publisher in self.people.values().filter(|person| person.seat != seat) {
            for track in publisher.tracks.iter().filter(|track| track.mid.is_some()) {
                let sid = &track.info.sid;
                let wished = listener.wishes.get(sid).copied().unwrap_or(listener.auto_subscribe);
                if !wished || !listener.grants.subscribe {
                    continue;
                }
                if publisher.lets_hear(listener, sid) {
                    wanted.insert(sid.clone(), (publisher.seat, publisher.sid.clone(), track.kind));
                } else {
                    declined.insert(sid.clone());
                }
            }
        }
        let Some(listener) = self.people.get_mut(&seat) else { return said };
        let before = listener.hears.len();
        let mut gone: Vec<String> = listener.hears.keys().filter(|sid| !wanted.contains_key(*sid)).cloned().collect();
        listener.hears.retain(|sid, _| wanted.contains_key(sid));
        let fewer = listener.hears.len() < before;
        let mut more = false;
        for (sid, (publisher, participant_sid, kind)) in wanted {
            if listener.hears.contains_key(&sid) {
                continue;
            }
            more = true;
            listener.hears.insert(sid.clone(), Heard { publisher, kind, mid: None, wish: Wish::default() });
            said.push(permission(participant_sid, sid, true));
        }
        gone.retain(|sid| declined.contains(sid));
        said.extend(gone.into_iter().map(|sid| permission(String::new(), sid, false)));
        if (fewer || more) && listener.sections_due.is_none() {
            listener.sections_due = Some(now.at + GATHER);
        }
        said
    }

    /// Gives free sections of an offer to what waits for one. Gives what each section carries, and which of them carry
    /// something else than before.
    pub(super) fn assign(&mut self, seat: Seat, now: Moment) -> Option<(BTreeMap<String, Carried>, Vec<String>)> {
        let person = self.people.get_mut(&seat)?;
        let receiving: BTreeMap<&str, Kind> = person
            .sections
            .iter()
            .filter(|section| section.receives)
            .map(|section| (section.mid.as_str(), section.kind))
            .collect();
        for heard in person.hears.values_mut() {
            if heard.mid.as_ref().is_some_and(|mid| receiving.get(mid.as_str()) != Some(&heard.kind)) {
                heard.mid = None;
            }
        }
        let taken: BTreeSet<String> = person.hears.values().filter_map(|heard| heard.mid.clone()).collect();
        let mut free: Vec<(&str, Kind)> = person
            .sections
            .iter()
            // What would send as well is the client's own.
            .filter(|section| section.receives && !section.sends && !taken.contains(&section.mid))
            .map(|section| (section.mid.as_str(), section.kind))
            .collect();
        let mut changed = Vec::new();
        let mut waiting = false;
        for heard in person.hears.values_mut().filter(|heard| heard.mid.is_none()) {
            match free.iter().position(|(_, kind)| *kind == heard.kind) {
                Some(at) => {
                    let (mid, _) = free.remove(at);
                    heard.mid = Some(mid.to_owned());
                    changed.push(mid.to_owned());
                }
                None => waiting = true,
            }
        }
        person.sections_due = waiting.then_some(now.at + GATHER);
        let carried: Vec<(String, Seat, String)> = person
            .hears
            .iter()
            .filter_map(|(track, heard)| Some((heard.mid.clone()?, heard.publisher, track.clone())))
            .collect();
        let carried = carried.into_iter().filter_map(|(mid, publisher, track)| {
            let participant = self.people.get(&publisher)?.sid.clone();
            Some((mid, Carried { participant, track }))
        });
        Some((carried.collect(), changed))
    }

    /// Tells publishers of tracks that somebody hears for the first time.
    fn first_heard(&mut self) -> Vec<(Seat, Response)> {
        let heard: BTreeSet<String> = self
            .people
            .values()
            .flat_map(|person| person.hears.iter().filter(|(_, heard)| heard.mid.is_some()).map(|(sid, _)| sid.clone()))
            .collect();
        let mut said = Vec::new();
        for person in self.people.values_mut() {
            for track in &mut person.tracks {
                if !track.subscribed && heard.contains(&track.info.sid) {
                    track.subscribed = true;
                    let message = lk::TrackSubscribed { track_sid: track.info.sid.clone() };
                    said.push((person.seat, Response::TrackSubscribed(message)));
                }
            }
        }
        said
    }
}

fn permission(participant_sid: String, track_sid: String, allowed: bool) -> Response {
    Response::SubscriptionPermissionUpdate(lk::SubscriptionPermissionUpdate { participant_sid, track_sid, allowed })
}
