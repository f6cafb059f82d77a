//! A round of a conversation: its members and their keys by the homeserver, sound and picture by LiveKit.

use super::devices::{ONE, turned_on};
use super::{Ours, Place};
use crate::chat::rtc::{Seat, key, service};
use crate::chat::{Device, Home, pair};
use app::round::{Meeting, MeetingEvent};
use model::round::{KeyTrust, MemberId};
use rounds::{Encryption, Event, Picture, UnsignedDevices};
use rounds_proto::signal::Fact;
use testkit::PATIENCE;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// One device in it, with both halves joined.
struct Seated {
    meeting: Meeting,
    told: Receiver<MeetingEvent>,
    pictures: Receiver<Picture>,
    id: MemberId,
}

impl Seated {
    async fn of(place: &Place, device: &Device, room: &str) -> Self {
        let (round, news) = device.account.round(room).await.expect("there may be a round");
        let id = round.id().expect("the ids are short");
        round.join(&service()).await.expect("whoever is in the conversation may join");
        let ours = place.joins(id.as_str(), Encryption::OfEach(UnsignedDevices::Ask));
        let Ours { round: media, received, facts: _ } = ours;
        let (meeting, told) = Meeting::of((round, news), (media, received.events), KeyTrust::OwnerSigned);
        Self { meeting, told, pictures: received.pictures, id }
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

    /// Draws ten pictures.
    async fn draws(&mut self, what: &str) {
        let mut decoder = codec::vp8::Decoder::new();
        let drawn = timeout(PATIENCE, async {
            let mut drawn = 0;
            while drawn < 10 {
                let picture = self.pictures.recv().await.expect("the round goes on");
                // One that follows a lost one may not be drawn.
                let shown = decoder.decode(&picture.bytes).ok().flatten();
                drawn += u32::from(shown.is_some_and(|shown| (shown.width(), shown.height()) == (640, 360)));
            }
        });
        drawn.await.unwrap_or_else(|_elapsed| panic!("not in time: {what}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_a_conversation_see_each_other_by_keys_that_only_their_devices_have() {
    let Some(place) = Place::new() else { return };
    // Only somebody's first device signs itself.
    let home = Home::sandbox().await;
    let pair = pair(&home, "dr-falkenried", "dr-heidekorn").await;
    let mut one = Seated::of(&place, &pair.one, &pair.room).await;
    one.comes_in().await;
    let mut other = Seated::of(&place, &pair.other, &pair.room).await;
    other.comes_in().await;
    let _devices =
        (turned_on(one.meeting.media(), true, &ONE).await, turned_on(other.meeting.media(), true, &ONE).await);
    one.draws("the other's pictures").await;
    other.draws("the first one's pictures").await;

    // A token alone opens nothing.
    let mut stranger = place.joins("habicht", Encryption::OfEach(UnsignedDevices::Allow));
    stranger.comes_in().await;
    stranger.round.set_members(&[one.id.clone(), other.id.clone()].into()).await;
    let asked = stranger.sees("whose key is missing", |event| match event {
        Event::KeyMissing(who) => Some(who.clone()),
        Event::Fact(_) | Event::Standing(_) | Event::OwnKeyDue { .. } | Event::Word(_) => None,
    });
    assert!([&one.id, &other.id].contains(&&asked.await), "of those who send");
    one.draws("the other's pictures, beside a stranger").await;
    assert!(stranger.received.pictures.try_recv().is_err(), "and sees nobody");
    stranger.leaves().await;
    let members: Vec<_> = one.meeting.members().await.into_iter().map(|member| member.id).collect();
    assert_eq!(members, [one.id.clone(), other.id.clone()], "nor is somebody of the conversation");
    one.meeting.leave().await.expect("it is taken");
    other.meeting.leave().await.expect("it is taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_left_and_comes_back_gets_another_key_than_before() {
    let Some(place) = Place::new() else { return };
    let home = Home::sandbox().await;
    let pair = pair(&home, "dr-kranichbach", "ebbelund").await;
    let mut listener = Seat::of(&pair.other, &pair.room).await;
    listener.joins().await;
    let second = listener.id();
    let mut one = Seated::of(&place, &pair.one, &pair.room).await;
    one.comes_in().await;
    let mut keys = Vec::new();
    while keys.last().is_none_or(|(_, trust)| *trust == KeyTrust::Unsigned) {
        let (from, index, secret, trust) = listener.gets("the first key").await;
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
