//! A round of a conversation: its members and their keys by the homeserver, sound and picture by a media server.

use super::Ours;
use super::devices::{Devices, ONE, turned_on};
use super::table::{Table, identity};
use crate::chat::rtc::{Seat, key};
use crate::chat::{Device, pair};
use app::round::{Meeting, MeetingEvent};
use model::round::{KeyTrust, MediaKey, MemberId};
use rounds::{Encryption, Event, Picture, Sound, UnsignedDevices};
use rounds_proto::signal::{Fact, OwnFact, TrackFact};
use std::time::Duration;
use testkit::PATIENCE;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// A program asks for a key that has not come by then.
const ASKED_AFTER: Duration = Duration::from_secs(3);

on_each_media_server! {
    in a conversation:
    two_of_a_conversation_see_and_hear_each_other_by_keys_that_only_their_devices_have,
    who_leaves_a_round_is_gone_for_the_other,
    a_device_that_is_let_in_but_is_not_of_the_round_is_neither_seen_nor_heard_and_sees_nobody,
    whoever_left_and_comes_back_gets_another_key_than_before,
}

/// One device in it, with both halves joined.
struct Seated {
    meeting: Meeting,
    told: Receiver<MeetingEvent>,
    pictures: Receiver<Picture>,
    sounds: Receiver<Sound>,
    id: MemberId,
}

impl Seated {
    async fn of(table: &Table, device: &Device, room: &str) -> Self {
        let (round, news) = device.account.round(room).await.expect("there may be a round");
        let id = round.id().expect("the ids are short");
        round.join(&table.service).await.expect("whoever is in the conversation may join");
        let ours = table.joins(device, room, &id, Encryption::OfEach(UnsignedDevices::Ask)).await;
        let Ours { round: media, received, .. } = ours;
        let (meeting, told) = Meeting::of((round, news), (media, received.events), KeyTrust::OwnerSigned);
        Self { meeting, told, pictures: received.pictures, sounds: received.sounds, id }
    }

    async fn hears<T>(&mut self, what: &str, mut fits: impl FnMut(&MeetingEvent) -> Option<T>) -> T {
        let found = timeout(PATIENCE, async {
            loop {
                let event = self.told.recv().await.expect("the round goes on");
                if let Some(found) = fits(&event) {
                    return found;
                }
            }
        });
        found.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"))
    }

    async fn comes_in(&mut self) {
        self.hears("that sound and picture can flow", |event| {
            matches!(event, MeetingEvent::Media(Event::Fact(Fact::Connected))).then_some(())
        })
        .await;
    }

    /// Draws ten pictures; gives of which tracks.
    async fn draws(&mut self, what: &str) -> Vec<String> {
        let mut decoder = codec::vp8::Decoder::new();
        let drawn = timeout(PATIENCE, async {
            let mut drawn = Vec::new();
            while drawn.len() < 10 {
                let picture = self.pictures.recv().await.expect("the round goes on");
                // One that follows a lost one may not be drawn.
                let shown = decoder.decode(&picture.bytes).ok().flatten();
                if shown.is_some_and(|shown| (shown.width(), shown.height()) == (640, 360)) {
                    drawn.push(picture.track);
                }
            }
            drawn
        });
        drawn.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"))
    }

    /// Plays twenty packets that are loud; gives of which tracks.
    async fn plays(&mut self, what: &str) -> Vec<String> {
        let mut voice = codec::opus::Decoder::new().expect("a decoder");
        let played = timeout(PATIENCE, async {
            let mut played = Vec::new();
            while played.len() < 20 {
                let sound = self.sounds.recv().await.expect("the round goes on");
                let samples = voice.decode(&sound.bytes).expect("it is Opus");
                if samples.iter().any(|sample| sample.unsigned_abs() > 8_000) {
                    played.push(sound.track);
                }
            }
            played
        });
        played.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"))
    }

    /// Waits until somebody has so many tracks; gives their `sid`s.
    async fn tracks_of(&mut self, who: &MemberId, count: usize) -> Vec<String> {
        let (mut person, mut tracks) = (None, Vec::new());
        self.hears("somebody's tracks", |event| {
            match event {
                MeetingEvent::Media(Event::Fact(Fact::Person(seen))) if seen.identity.as_str() == who.as_str() => {
                    person = Some(seen.sid.clone());
                }
                MeetingEvent::Media(Event::Fact(Fact::Track { person: whose, track, what })) => {
                    if person.as_ref() == Some(whose) && matches!(what, TrackFact::Published(_)) {
                        tracks.push(track.clone());
                    }
                }
                MeetingEvent::Media(_) | MeetingEvent::Members(_) | MeetingEvent::Unsigned(_) => {}
            }
            (tracks.len() == count).then_some(())
        })
        .await;
        tracks
    }
}

/// Both in it, each with both devices on.
async fn two(table: &Table, one: &Device, other: &Device, room: &str) -> ((Seated, Seated), (Devices, Devices)) {
    let mut one = Seated::of(table, one, room).await;
    one.comes_in().await;
    let mut other = Seated::of(table, other, room).await;
    other.comes_in().await;
    let devices =
        (turned_on(one.meeting.media(), true, &ONE).await, turned_on(other.meeting.media(), true, &ONE).await);
    ((one, other), devices)
}

async fn two_of_a_conversation_see_and_hear_each_other_by_keys_that_only_their_devices_have(table: Table) {
    let pair = pair(&table.home, "dr-falkenried", "dr-heidekorn").await;
    let ((mut one, mut other), _devices) = two(&table, &pair.one, &pair.other, &pair.room).await;
    one.draws("the other's pictures").await;
    one.plays("the other's tone").await;
    other.draws("the first one's pictures").await;
    other.plays("the first one's tone").await;
    one.meeting.leave().await.expect("it is taken");
    other.meeting.leave().await.expect("it is taken");
}

async fn who_leaves_a_round_is_gone_for_the_other(table: Table) {
    let pair = pair(&table.home, "dr-falkenried", "dr-heidekorn").await;
    let ((mut one, mut other), _devices) = two(&table, &pair.one, &pair.other, &pair.room).await;
    one.draws("the other's pictures").await;
    other.draws("the first one's pictures").await;
    let here = one.id.clone();
    other.meeting.leave().await.expect("it is taken");
    let (mut by_the_server, mut by_the_conversation) = (false, false);
    one.hears("that it has gone, from both", |event| {
        match event {
            MeetingEvent::Members(members) => by_the_conversation |= members.iter().all(|member| member.id == here),
            MeetingEvent::Media(Event::Fact(Fact::PersonLeft { identity, .. })) => {
                by_the_server |= identity.as_str() == other.id.as_str();
            }
            MeetingEvent::Media(_) | MeetingEvent::Unsigned(_) => {}
        }
        (by_the_server && by_the_conversation).then_some(())
    })
    .await;
    one.meeting.leave().await.expect("it is taken");
}

/// Any member of the conversation gets a ticket; that alone opens nothing.
async fn a_device_that_is_let_in_but_is_not_of_the_round_is_neither_seen_nor_heard_and_sees_nobody(table: Table) {
    let pair = pair(&table.home, "dr-falkenried", "dr-heidekorn").await;
    let third = table.home.device("dr-heidekorn").await;
    let ((mut one, mut other), _devices) = two(&table, &pair.one, &pair.other, &pair.room).await;
    one.draws("the other's pictures").await;
    other.draws("the first one's pictures").await;

    let id = identity(&third, &pair.room).await;
    let mut stranger = table.joins(&third, &pair.room, &id, Encryption::OfEach(UnsignedDevices::Allow)).await;
    stranger.comes_in().await;
    stranger.round.set_members(&[one.id.clone(), other.id.clone()].into()).await;
    let own = MediaKey::new(0, rand::random::<[u8; 16]>().to_vec()).expect("16 bytes");
    stranger.round.set_own_key(&own).expect("it is the first");
    let _on = turned_on(&stranger.round, true, &ONE).await;
    let tracks = one.tracks_of(&id, 2).await;
    stranger
        .sees("that its picture goes out", |event| {
            matches!(event, Event::Fact(Fact::Own { what: OwnFact::Subscribed, .. })).then_some(())
        })
        .await;
    while one.pictures.try_recv().is_ok() || one.sounds.try_recv().is_ok() {}
    let asked = stranger.sees("whose key is missing", |event| match event {
        Event::KeyMissing(who) => Some(who.clone()),
        Event::Fact(_) | Event::Standing(_) | Event::OwnKeyDue { .. } | Event::Word(_) => None,
    });
    assert!([&one.id, &other.id].contains(&&asked.await), "of those who send");
    let mut seen = one.draws("the other's pictures, beside a stranger").await;
    seen.extend(one.plays("the other's tone, beside a stranger").await);
    assert!(!seen.is_empty() && seen.iter().all(|track| !tracks.contains(track)), "and nothing of the stranger's");
    assert!(stranger.received.pictures.try_recv().is_err(), "who sees nobody");
    assert!(stranger.received.sounds.try_recv().is_err(), "and hears nobody");
    stranger.leaves().await;
    let members: Vec<_> = one.meeting.members().await.into_iter().map(|member| member.id).collect();
    assert_eq!(members, [one.id.clone(), other.id.clone()], "nor is somebody of the round");
    one.meeting.leave().await.expect("it is taken");
    other.meeting.leave().await.expect("it is taken");
}

async fn whoever_left_and_comes_back_gets_another_key_than_before(table: Table) {
    let pair = pair(&table.home, "dr-kranichbach", "ebbelund").await;
    let mut listener = Seat::of(&pair.other, &pair.room).await;
    listener.joins().await;
    let second = listener.id();
    let mut one = Seated::of(&table, &pair.one, &pair.room).await;
    one.comes_in().await;
    let mut keys = Vec::new();
    while keys.last().is_none_or(|(_, trust)| *trust == KeyTrust::Unsigned) {
        let given = timeout(ASKED_AFTER, listener.gets("the first key")).await;
        let Ok((from, index, secret, trust)) = given else {
            // Whoever is not known to be signed yet is given none, and asks for it as a program does.
            listener.round.ask_for_key(&one.id).await.expect("it can be asked for");
            continue;
        };
        assert_eq!((&from, index), (&one.id, 0), "of the one who sends");
        keys.push((secret, trust));
    }
    let first = keys.pop().expect("it came").0;
    listener.round.leave().await.expect("it is taken");
    one.hears("that the other has left", |event| match event {
        MeetingEvent::Members(members) => (members.len() == 1).then_some(()),
        MeetingEvent::Unsigned(_) | MeetingEvent::Media(_) => None,
    })
    .await;
    listener.joins().await;
    let (index, next) = loop {
        let (from, index, secret, _) = listener.gets("the next key").await;
        assert_eq!(from, one.id, "nobody else sends");
        if index > 0 {
            break (index, secret);
        }
    };
    assert_eq!(index, 1, "the one that was made at the leaving: whoever left came back in ten seconds");
    assert_ne!(next, first, "another one");
    assert_ne!(second, one.id, "two devices");
    let ours = key(0, 7);
    let missed = listener.round.send_key(&ours, std::slice::from_ref(&one.id), KeyTrust::OwnerSigned).await;
    assert_eq!(missed.expect("it goes"), [], "and both may send");
    one.meeting.leave().await.expect("it is taken");
}
