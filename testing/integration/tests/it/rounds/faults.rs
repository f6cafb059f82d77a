//! Bad lines: what is lost comes again, and what was cut is resumed.

use super::browser::Browser;
use super::devices::{Devices, ONE, turned_on, turned_on_in_a_storm};
use super::media::{BARS, key};
use super::{Ours, Place, Server};
use crate::servers::Servers;
use rounds::{Encryption, Event, Path, Sound};
use rounds_proto::signal::{Fact, How, Quality, Step, View};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;
use testkit::{BadLine, Condition, PATIENCE};
use tokio::time::{Instant, timeout};

/// As `testing/servers/coturn` gives them to coturn.
const RELAYS: RangeInclusive<u16> = 30_000..=30_999;

/// What takes three times as much as the line did is tried again after two minutes (`rounds_proto::downlink`).
const COMES_BACK: Duration = Duration::from_secs(240);

on_each_media_server! {
    with a browser:
    a_network_that_is_gone_for_five_seconds_is_resumed_within_two,
    a_round_that_is_joined_anew_goes_on_both_ways,
    sound_that_is_lost_on_the_way_comes_again,
}

on_each_media_server! {
    sound_that_is_lost_on_the_way_there_comes_again,
    pictures_that_are_lost_on_the_way_come_again,
    over_a_narrow_line_voices_come_in_time_and_what_does_not_fit_is_held_back_until_it_does,
    a_line_from_which_nothing_comes_is_told_to_be_bad,
}

/// A way that has held for so long, which is ten seconds and a little, is as good as a new one.
const STEADY: Duration = Duration::from_secs(11);

fn is_break(event: &Event) -> bool {
    matches!(event, Event::Fact(Fact::Interrupted { .. }))
}

/// Our client on a bad line, and a browser on a good one that shows and says something.
async fn watching(place: &Place) -> (BadLine, Ours, Browser) {
    let (key, how) = key();
    let browser = Browser::joins(place, "bussard", &how).await;
    browser.does(json!({ "do": "publish", "video": true, "audio": true })).await;
    let line = place.line().await;
    let ours = Place { address: line.address().to_owned(), ..place.clone() }.joins("adler", Encryption::Shared(key));
    (line, ours, browser)
}

/// The part of the sound that came, from 0 to 1, over so many packets.
async fn heard(ours: &mut Ours, packets: u16) -> f64 {
    let mut numbers = BTreeSet::new();
    let mut first = None;
    let span = ours
        .listens("sound", |sound| {
            let first = *first.get_or_insert(sound.sequence);
            let number = sound.sequence.wrapping_sub(first);
            // What was sent before the first is not of it.
            if number < u16::MAX / 2 {
                numbers.insert(number);
            }
            let span = numbers.last().copied().unwrap_or_default();
            (span >= packets).then_some(span)
        })
        .await;
    // The last ones may still be under way.
    let came = numbers.range(..span - 50).count();
    f64::from(u32::try_from(came).expect("few")) / f64::from(span - 50)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_socket_is_resumed_and_one_picture_is_missed_at_most() {
    let Some(place) = Place::with_a_browser(Server::LiveKit).await else { return };
    let (line, mut ours, _browser) = watching(&place).await;
    ours.comes_in().await;
    // A way that was found at the second attempt is joined anew at the next break, unless it has held for ten seconds.
    if ours.facts.iter().any(is_break) {
        ours.facts.retain(|event| !is_break(event));
        let began = Instant::now();
        ours.looks("that it holds", |_| (began.elapsed() > STEADY).then_some(())).await;
    }
    ours.shows("twenty pictures", 20).await;
    line.cut_signalling();
    let how = ours.sees("that it is interrupted", |event| {
        let Event::Fact(Fact::Interrupted { how, .. }) = event else { return None };
        Some(*how)
    });
    assert_eq!(how.await, How::Resume, "sound and picture go on meanwhile");
    let mut gaps = 0;
    let resumed = async {
        loop {
            tokio::select! {
                event = ours.received.events.recv() => match event.expect("the round goes on") {
                    Event::Fact(Fact::Resumed { .. }) => return,
                    Event::Fact(_)
                    | Event::Standing(_)
                    | Event::OwnKeyDue { .. }
                    | Event::KeyMissing(_)
                    | Event::Word(_) => {}
                },
                picture = ours.received.pictures.recv() => gaps += u32::from(picture.expect("it goes on").gap),
            }
        }
    };
    timeout(PATIENCE, resumed).await.expect("it goes on in time");
    gaps += ours.shows("forty pictures", 40).await;
    // New credentials of ICE may cost a packet, and webrtc-rs then forgets that it is missing.
    assert!(gaps <= 1, "the others came: {gaps}");
    ours.leaves().await;
}

async fn a_network_that_is_gone_for_five_seconds_is_resumed_within_two(place: Place) {
    let (line, mut ours, _browser) = watching(&place).await;
    ours.comes_in().await;
    ours.looks("the first picture", |picture| picture.key.then_some(())).await;
    line.set_dark(true);
    let mut gone = tokio::time::interval_at(Instant::now() + Duration::from_secs(5), Duration::from_secs(5));
    gone.tick().await;
    while ours.received.pictures.try_recv().is_ok() {}
    line.set_dark(false);
    let began = Instant::now();
    ours.looks("the next picture", |_| Some(())).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(2), "it took {took:?}");
    ours.leaves().await;
}

async fn a_round_that_is_joined_anew_goes_on_both_ways(place: Place) {
    let (key, how) = key();
    let browser = Browser::joins(&place, "bussard", &how).await;
    browser.does(json!({ "do": "publish", "video": true, "audio": true })).await;
    let line = place.line().await;
    let mut ours =
        Place { address: line.address().to_owned(), ..place.clone() }.joins("adler", Encryption::Shared(key));
    ours.comes_in().await;
    let _devices = turned_on(&ours.round, true, &ONE).await;
    browser.sees("adler", &BARS).await;
    // What was at the join is not this.
    ours.facts.retain(|event| !is_break(event));
    // Longer than a resume is tried.
    line.set_dark(true);
    ours.sees("that it is to be joined anew", |event| {
        let Event::Fact(Fact::Interrupted { how, .. }) = event else { return None };
        (*how == How::Rejoin).then_some(())
    })
    .await;
    while ours.received.pictures.try_recv().is_ok() {}
    line.set_dark(false);
    ours.sees("that it is let in again", |event| {
        let Event::Fact(Fact::Joined(joined)) = event else { return None };
        joined.again.then_some(())
    })
    .await;
    ours.looks("a picture again", |picture| picture.key.then_some(())).await;
    let seen = |picture: &serde_json::Value| picture["frames"].as_u64();
    let act = json!({ "do": "pixels", "who": "adler" });
    let before = browser.until("our picture", act.clone(), seen).await;
    browser.until("our picture, and that it moves", act, |picture| (seen(picture)? > before + 20).then_some(())).await;
    ours.leaves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_udp_does_not_pass_sound_and_picture_come_by_tcp() {
    let Some(place) = Place::with_a_browser(Server::LiveKit).await else { return };
    let (line, mut ours, _browser) = watching(&place).await;
    let firewall = Condition { no_udp: true, ..Condition::GOOD };
    line.set_up(firewall);
    line.set_down(firewall);
    ours.comes_in().await;
    ours.looks("a picture", |picture| picture.key.then_some(())).await;
    assert!(heard(&mut ours, 150).await > 0.99, "and the sound");
    assert!(line.down().stream_bytes > 20_000, "{:?}", line.down());
    assert_eq!(line.down().packets, 0, "nothing came by UDP");
    assert_eq!(ours.round.traffic().await.path, Some(Path::Tcp), "which is told");
    ours.leaves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_only_a_relay_gets_through_sound_and_picture_come_by_it() {
    let Some(place) = Place::with_a_browser(Server::LiveKit).await else { return };
    if Servers::with(&["coturn", "livekit"]).is_none() {
        return;
    }
    let (key, how) = key();
    let browser = Browser::joins(&place, "bussard", &how).await;
    browser.does(json!({ "do": "publish", "video": true, "audio": true })).await;
    let line = BadLine::by_a_relay(&place.address, place.udp, place.tcp, RELAYS).await.expect("there are free ports");
    let mut ours =
        Place { address: line.address().to_owned(), ..place.clone() }.joins("adler", Encryption::Shared(key));
    ours.comes_in().await;
    ours.looks("a picture", |picture| picture.key.then_some(())).await;
    assert!(heard(&mut ours, 150).await > 0.95, "and the sound");
    assert!(line.down().packets > 100, "through it: {:?}", line.down());
    assert_eq!(ours.round.traffic().await.path, Some(Path::Relay), "which is told");
    let _devices = turned_on(&ours.round, true, &ONE).await;
    browser.sees("adler", &BARS).await;
    ours.leaves().await;
}

async fn sound_that_is_lost_on_the_way_comes_again(place: Place) {
    let (line, mut ours, _browser) = watching(&place).await;
    ours.comes_in().await;
    let delay = Duration::from_millis(25);
    line.set_up(Condition { delay, ..Condition::GOOD });
    line.set_down(Condition { loss: 0.2, delay, ..Condition::GOOD });
    let part = heard(&mut ours, 500).await;
    assert!(part > 0.95, "of a fifth that was lost: {part}");
    ours.looks("pictures too", |picture| picture.key.then_some(())).await;
    ours.leaves().await;
}

/// Two of ours who share a key, the first on a line that can be made bad, and the first shows and says something.
async fn showing(place: &Place, line: &BadLine) -> (Ours, Ours, Devices) {
    let (key, _) = key();
    let mut other = place.joins("bussard", Encryption::Shared(key.clone()));
    other.comes_in().await;
    let mut one = Place { address: line.address().to_owned(), ..place.clone() }.joins("adler", Encryption::Shared(key));
    one.comes_in().await;
    let devices = turned_on(&one.round, true, &ONE).await;
    (one, other, devices)
}

async fn sound_that_is_lost_on_the_way_there_comes_again(place: Place) {
    let line = place.line().await;
    let (one, mut other, _devices) = showing(&place, &line).await;
    other.looks("a picture", |picture| picture.key.then_some(())).await;
    let delay = Duration::from_millis(25);
    line.set_up(Condition { loss: 0.1, delay, ..Condition::GOOD });
    line.set_down(Condition { delay, ..Condition::GOOD });
    let part = heard(&mut other, 500).await;
    assert!(part > 0.97, "of a tenth that was lost: {part}");
    one.leaves().await;
    other.leaves().await;
}

async fn pictures_that_are_lost_on_the_way_come_again(place: Place) {
    let line = place.line().await;
    let (key, _) = key();
    let mut one = place.joins("adler", Encryption::Shared(key.clone()));
    one.comes_in().await;
    let mut other =
        Place { address: line.address().to_owned(), ..place.clone() }.joins("bussard", Encryption::Shared(key));
    other.comes_in().await;
    let _devices = turned_on(&one.round, true, &ONE).await;
    other.looks("a picture", |picture| picture.key.then_some(())).await;
    let delay = Duration::from_millis(25);
    line.set_up(Condition { delay, ..Condition::GOOD });
    line.set_down(Condition { loss: 0.05, delay, ..Condition::GOOD });
    let gaps = other.shows("two hundred pictures", 200).await;
    assert!(line.down().lost > 20, "{:?}", line.down());
    assert!(gaps <= 4, "{gaps} holes, and {} packets were lost", line.down().lost);
    one.leaves().await;
    other.leaves().await;
}

async fn a_line_from_which_nothing_comes_is_told_to_be_bad(place: Place) {
    let line = place.line().await;
    let (_one, mut other, _devices) = showing(&place, &line).await;
    let sid = other
        .sees("who is there", |event| {
            let Event::Fact(Fact::Person(person)) = event else { return None };
            (person.identity.as_str() == "adler").then(|| person.sid.clone())
        })
        .await;
    other.looks("a picture", |picture| picture.key.then_some(())).await;
    line.set_dark(true);
    other
        .sees("that the line is bad", |event| {
            let Event::Fact(Fact::Quality(people)) = event else { return None };
            // LiveKit calls it poor and soon sends the person away.
            let bad = |quality| matches!(quality, Quality::Poor | Quality::Lost);
            people.iter().any(|said| said.person == sid && bad(said.quality)).then_some(())
        })
        .await;
    other.leaves().await;
}

/// How much later than the fastest each packet of a voice comes.
struct Voice {
    /// RTP's time of the first packet.
    began: u32,
    /// In seconds.
    fastest: f64,
    /// Of the last five seconds.
    late: VecDeque<f64>,
}

impl Voice {
    const LAST: usize = 250;

    fn of(sound: &Sound) -> Self {
        Self { began: sound.timestamp, fastest: f64::INFINITY, late: VecDeque::new() }
    }

    fn take(&mut self, sound: &Sound) {
        let said = f64::from(sound.timestamp.wrapping_sub(self.began).cast_signed()) / 48_000.0;
        let way = sound.at.as_secs_f64() - said;
        self.fastest = self.fastest.min(way);
        self.late.push_back(way - self.fastest);
        while self.late.len() > Self::LAST {
            self.late.pop_front();
        }
    }

    /// Nothing of the last five seconds, or nearly nothing, was later than this many seconds.
    fn comes_within(&self, seconds: f64) -> bool {
        let late = self.late.iter().filter(|late| **late > seconds).count();
        self.late.len() == Self::LAST && late <= Self::LAST / 50
    }
}

async fn over_a_narrow_line_voices_come_in_time_and_what_does_not_fit_is_held_back_until_it_does(place: Place) {
    let line = place.line().await;
    let (key, _) = key();
    let mut shown = Vec::new();
    for name in ["adler", "bussard"] {
        let mut one = place.joins(name, Encryption::Shared(key.clone()));
        one.comes_in().await;
        let devices = turned_on_in_a_storm(&one.round, true, &[(Step::High, 160, 90, 800_000)]).await;
        shown.push((one, devices));
    }
    let mut ours =
        Place { address: line.address().to_owned(), ..place.clone() }.joins("corvus", Encryption::Shared(key));
    ours.comes_in().await;
    let way = Condition { delay: Duration::from_millis(25), ..Condition::GOOD };
    line.set_up(way);
    line.set_down(way);
    let mut voices: BTreeMap<String, Voice> = BTreeMap::new();
    let hear = |voices: &mut BTreeMap<String, Voice>, sound: &Sound| {
        voices.entry(sound.track.clone()).or_insert_with(|| Voice::of(sound)).take(sound);
        (voices.len() == 2 && voices.values().all(|voice| voice.comes_within(0.15))).then_some(())
    };
    let mut seen = BTreeSet::new();
    ours.looks("both pictures", |picture| {
        seen.insert(picture.track.clone());
        (seen.len() == 2).then_some(())
    })
    .await;
    for track in &seen {
        ours.round
            .view(track, View { shown: true, step: Step::High, width: 160, height: 90, fps: 0, priority: 0 })
            .await;
    }
    ours.listens("two voices", |sound| hear(&mut voices, sound)).await;
    // With room for both voices, and not for one picture of 800 kbit/s; a second of it stands before the line.
    line.set_down(Condition { rate: Some(300_000.0), queue: Duration::from_secs(1), ..way });
    ours.sees("that a picture is held back", |event| {
        matches!(event, Event::Fact(Fact::Stream { paused: true, .. })).then_some(())
    })
    .await;
    voices.values_mut().for_each(|voice| voice.late.clear());
    ours.listens("two voices in time", |sound| hear(&mut voices, sound)).await;
    // With room for everything again: what was held back comes back by itself.
    ours.facts.retain(|event| !matches!(event, Event::Fact(Fact::Stream { .. })));
    line.set_down(way);
    let back = ours
        .sees_within(COMES_BACK, "that a picture is shown again", |event| {
            let Event::Fact(Fact::Stream { track, paused: false }) = event else { return None };
            Some(track.clone())
        })
        .await;
    while ours.received.pictures.try_recv().is_ok() {}
    ours.looks("that picture", |picture| (picture.track == back).then_some(())).await;
    ours.leaves().await;
    for (one, _devices) in shown {
        one.leaves().await;
    }
}
