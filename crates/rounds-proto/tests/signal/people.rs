//! Who is in the round, as far as the server is believed.

use crate::script::{BEN, ME, Script, answer, ben, join, person, sections, track, update};
use livekit_protocol as lk;
use livekit_protocol::signal_response::Message as Response;
use rounds_proto::signal::{
    Fact, Input, Output, PersonQuality, Quality, ServerReason, Step, SubscriptionFailure, TrackFact,
};

fn gone(version: u32) -> lk::ParticipantInfo {
    lk::ParticipantInfo {
        state: lk::participant_info::State::Disconnected.into(),
        disconnect_reason: lk::DisconnectReason::ClientInitiated.into(),
        ..person(BEN, "ben", version)
    }
}

fn muted(version: u32, muted: bool) -> lk::ParticipantInfo {
    let mut ben = ben(version);
    ben.tracks[0].muted = muted;
    ben
}

#[test]
fn a_person_comes_changes_and_goes() {
    let mut script = Script::connected();
    script.server(update(vec![ben(1)]));
    let facts = script.facts();
    assert!(
        matches!(&facts[0], Fact::Person(person) if person.identity.as_str() == "ben"),
        "first the person: {facts:?}"
    );
    let published = facts.iter().filter(|f| matches!(f, Fact::Track { what: TrackFact::Published(_), .. })).count();
    assert_eq!(published, 2, "then the tracks");
    script.server(update(vec![muted(2, true)]));
    let facts = script.facts();
    let fact = Fact::Track { person: BEN.to_owned(), track: "TR_benmic".to_owned(), what: TrackFact::Muted(true) };
    assert!(facts.contains(&fact), "mute is told: {facts:?}");
    script.server(update(vec![muted(2, true)]));
    assert_eq!(script.facts(), [], "the same again is not");
    script.server(update(vec![gone(3)]));
    let facts = script.facts();
    let Some(Fact::PersonLeft { person, identity, reason }) = facts.last() else { panic!("{facts:?}") };
    let farewell = (person.as_str(), identity.as_str(), *reason);
    assert_eq!(farewell, (BEN, "ben", ServerReason::ClientInitiated), "last the farewell");
    assert_eq!(facts.len(), 3, "after both tracks: {facts:?}");
}

#[test]
fn an_older_state_does_not_undo_a_newer_one() {
    let mut script = Script::connected();
    script.server(update(vec![muted(5, true)]));
    script.facts();
    script.server(update(vec![muted(4, false)]));
    assert_eq!(script.facts(), [], "version 4 after 5");
    script.server(update(vec![gone(6)]));
    script.facts();
    script.server(update(vec![muted(5, false)]));
    assert_eq!(script.facts(), [], "nobody comes back by a late message");
    script.server(update(vec![ben(7)]));
    assert_eq!(script.course.others().count(), 1, "but by a newer one");
}

#[test]
fn a_second_stay_of_an_identity_replaces_the_first() {
    let mut script = Script::with_ben();
    script.server(update(vec![person("PA_ben2", "ben", 1)]));
    let facts = script.facts();
    let left = facts.iter().any(
        |f| matches!(f, Fact::PersonLeft { person, reason: ServerReason::DuplicateIdentity, .. } if person == BEN),
    );
    assert!(left, "the first ended: {facts:?}");
    let sids: Vec<_> = script.course.others().map(|person| person.sid.clone()).collect();
    assert_eq!(sids, ["PA_ben2"], "one Ben is left");
    script.server(update(vec![gone(9)]));
    let sids: Vec<_> = script.course.others().map(|person| person.sid.clone()).collect();
    assert_eq!(sids, ["PA_ben2"], "the late farewell of the first does not end the second");
}

#[test]
fn no_more_people_and_tracks_are_let_in_than_there_can_be() {
    let mut script = Script::connected();
    let crowd = |from: u32| (from..from + 600).map(|n| person(&format!("PA_{n}"), &format!("id{n}"), 1)).collect();
    script.server(update(crowd(0)));
    script.server(update(crowd(600)));
    assert_eq!(script.course.others().count(), 1000, "a thousand");
    assert_eq!(script.course.counts().refused, 200, "the rest is counted");
    let tracks = (0..250).map(|n| track(&format!("TR_{n}"), lk::TrackType::Audio)).collect();
    script.server(update(vec![lk::ParticipantInfo { tracks, ..person("PA_0", "id0", 2) }]));
    let first = script.course.others().find(|person| person.sid == "PA_0").expect("still there");
    assert_eq!(first.tracks.len(), 200, "two hundred tracks");
}

#[test]
fn names_are_cut_and_cannot_turn_the_line() {
    let mut script = Script::connected();
    let name = format!("  Dr.\n\u{202e}annA\u{0} {}", "x".repeat(500));
    script.server(update(vec![lk::ParticipantInfo { name, ..person(BEN, "ben", 1) }]));
    let ben = script.course.others().next().expect("Ben is let in");
    assert!(ben.name.starts_with("Dr.annA xxx"), "{}", ben.name);
    assert!(ben.name.chars().count() <= 128, "{} characters", ben.name.chars().count());
}

#[test]
fn ids_that_can_be_none_are_refused() {
    let mut script = Script::connected();
    let long = "a".repeat(1025);
    for (sid, identity) in [("", "a"), ("PA 1", "a"), ("PA_\n", "a"), ("PA_1", ""), ("PA_1", "a\u{0}"), ("PA_1", &long)]
    {
        script.server(update(vec![person(sid, identity, 1)]));
    }
    script.server(update(vec![person(&"P".repeat(129), "a", 1)]));
    assert_eq!((script.course.others().count(), script.course.counts().refused), (0, 7), "nobody");
    let data = track("TR_data", lk::TrackType::Data);
    let nameless = track("", lk::TrackType::Audio);
    script.server(update(vec![lk::ParticipantInfo { tracks: vec![data, nameless], ..person(BEN, "ben", 1) }]));
    assert!(script.course.others().all(|person| person.tracks.is_empty()), "data tracks are none of a round's");
}

#[test]
fn our_own_state_is_not_one_of_the_others() {
    let mut script = Script::connected();
    let mut me = person(ME, "me", 4);
    script.server(update(vec![me.clone()]));
    assert_eq!((script.facts(), script.course.others().count()), (Vec::new(), 0), "nothing new");
    me.version = 5;
    me.permission = Some(lk::ParticipantPermission {
        can_subscribe: true,
        can_publish: true,
        can_publish_sources: vec![lk::TrackSource::Microphone.into()],
        ..Default::default()
    });
    script.server(update(vec![me]));
    let facts = script.facts();
    let [Fact::Permissions(permissions)] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!(permissions.sources, [rounds_proto::signal::Source::Microphone], "only the microphone is left");
    assert!(!permissions.publish_data, "and no data");
    script.server(update(vec![person(ME, "me", 4)]));
    assert_eq!(script.facts(), [], "an older state gives nothing back");
}

#[test]
fn speakers_are_told_whole_and_the_loudest_first() {
    let mut script = Script::with_ben();
    let speaker = |sid: &str, level: f32, active| lk::SpeakerInfo { sid: sid.to_owned(), level, active };
    let mut changed = |speakers| {
        script.server(Response::SpeakersChanged(lk::SpeakersChanged { speakers }));
        let facts = script.facts();
        let [Fact::Speakers(speakers)] = facts.as_slice() else { panic!("{facts:?}") };
        speakers.iter().map(|s| (s.person.clone(), s.level)).collect::<Vec<_>>()
    };
    let told = |sid: &str, level: f32| (sid.to_owned(), level);
    assert_eq!(changed(vec![speaker(BEN, 0.25, true)]), [told(BEN, 0.25)], "Ben");
    assert_eq!(changed(vec![speaker(ME, 0.5, true)]), [told(ME, 0.5), told(BEN, 0.25)], "and we, louder");
    assert_eq!(changed(vec![speaker(BEN, 0.0, false)]), [told(ME, 0.5)], "Ben stopped");
    assert_eq!(changed(vec![speaker(ME, f32::NAN, true)]), [told(ME, 0.0)], "no number is silence");
    assert_eq!(changed(vec![speaker(ME, 7.0, true)]), [told(ME, 1.0)], "and nothing is louder than 1");
    assert_eq!(changed(vec![speaker(BEN, 0.5, true)]).len(), 2, "Ben again");
    script.server(update(vec![gone(2)]));
    script.facts();
    script.server(Response::SpeakersChanged(lk::SpeakersChanged::default()));
    let facts = script.facts();
    assert!(matches!(&facts[0], Fact::Speakers(speakers) if speakers.len() == 1), "who left does not speak: {facts:?}");
}

#[test]
fn quality_streams_permissions_and_the_room_are_told() {
    let mut script = Script::with_ben();
    let quality = lk::ConnectionQualityInfo {
        participant_sid: BEN.to_owned(),
        quality: lk::ConnectionQuality::Lost.into(),
        score: 1.0,
    };
    let unknown = lk::ConnectionQualityInfo { quality: 99, ..quality.clone() };
    script.server(Response::ConnectionQuality(lk::ConnectionQualityUpdate { updates: vec![quality, unknown] }));
    let lost = PersonQuality { person: BEN.to_owned(), quality: Quality::Lost };
    assert_eq!(script.facts(), [Fact::Quality(vec![lost])], "an unknown quality is none");
    let stream = |state: lk::StreamState| lk::StreamStateInfo {
        participant_sid: BEN.to_owned(),
        track_sid: "TR_bencam".to_owned(),
        state: state.into(),
    };
    let stream_states = vec![stream(lk::StreamState::Paused), stream(lk::StreamState::Active)];
    script.server(Response::StreamStateUpdate(lk::StreamStateUpdate { stream_states }));
    let track = || "TR_bencam".to_owned();
    let told = [Fact::Stream { track: track(), paused: true }, Fact::Stream { track: track(), paused: false }];
    assert_eq!(script.facts(), told, "paused and active");
    let said = lk::SubscriptionPermissionUpdate { track_sid: track(), allowed: false, ..Default::default() };
    script.server(Response::SubscriptionPermissionUpdate(said));
    assert_eq!(script.facts(), [Fact::Allowed { track: track(), allowed: false }], "not allowed");
    let err = lk::SubscriptionError::SeCodecUnsupported.into();
    script.server(Response::SubscriptionResponse(lk::SubscriptionResponse { track_sid: track(), err }));
    assert_eq!(script.facts(), [Fact::Unavailable { track: track(), why: SubscriptionFailure::Codec }], "no codec");
    let room = Some(lk::Room { num_participants: 2, active_recording: true, ..Default::default() });
    script.server(Response::RoomUpdate(lk::RoomUpdate { room }));
    assert_eq!(script.facts(), [Fact::Room { people: 2, recording: true }], "somebody records");
}

#[test]
fn a_rejoin_replaces_everyone() {
    let mut script = Script::with_ben();
    let speaks = |sid: &str| {
        let speakers = vec![lk::SpeakerInfo { sid: sid.to_owned(), level: 0.5, active: true }];
        Response::SpeakersChanged(lk::SpeakersChanged { speakers })
    };
    script.server(speaks(BEN));
    script.server(crate::script::leave(lk::leave_request::Action::Reconnect, lk::DisconnectReason::Migration));
    script.pass(std::time::Duration::ZERO);
    script.greet();
    script.outputs.clear();
    script.server(join(vec![person("PA_cem", "cem", 1)]));
    let facts = script.facts();
    let Some(Fact::Joined(joined)) = facts.first() else { panic!("{facts:?}") };
    assert!(joined.again, "not for the first time");
    let sids: Vec<_> = joined.others.iter().map(|person| person.sid.as_str()).collect();
    assert_eq!(sids, ["PA_cem"], "Ben left meanwhile");
    script.server(speaks("PA_cem"));
    let facts = script.facts();
    assert!(matches!(&facts[0], Fact::Speakers(speakers) if speakers.len() == 1), "and does not speak: {facts:?}");
}

#[test]
fn our_own_ghost_is_nobody() {
    let mut script = Script::new();
    script.input(rounds_proto::signal::Input::Join);
    script.greet();
    script.server(join(vec![person("PA_earlier", "me", 9), ben(1)]));
    let sids: Vec<_> = script.course.others().map(|person| person.sid.clone()).collect();
    assert_eq!(sids, [BEN], "an earlier stay of ours is none of the others");
    script.facts();
    script.server(update(vec![person("PA_earlier", "me", 10)]));
    assert_eq!((script.facts(), script.course.others().count()), (Vec::new(), 1), "nor later");
    assert_eq!(script.course.me().map(|me| me.sid.as_str()), Some(ME), "nor ourselves");
}

#[test]
fn a_section_leads_to_whose_track_it_carries() {
    let mut script = Script::connected();
    script.server(sections(0, 0));
    script.make_offer("second offer");
    script.server(answer(2, &[("3", "TR_bencam"), ("4", "TR_nobodys")]));
    let who = |script: &Script, mid: &str| script.course.who_at(mid).map(|who| who.as_str().to_owned());
    assert_eq!(who(&script, "3"), None, "the answer came before the person");
    script.server(update(vec![ben(1)]));
    assert_eq!(who(&script, "3").as_deref(), Some("ben"), "then it is Ben's");
    assert_eq!((who(&script, "4"), who(&script, "5")), (None, None), "what is nobody's, and what is not there");
    script.server(update(vec![gone(2)]));
    assert_eq!(who(&script, "3"), None, "Ben left");
}

#[test]
fn the_ice_servers_come_with_the_join_and_before_the_answer_even_if_there_are_none() {
    let mut script = Script::new();
    script.input(Input::Join);
    script.greet();
    script.server(join(Vec::new()));
    script.server(answer(1, &[]));
    let order: Vec<_> = script
        .outputs
        .iter()
        .filter_map(|output| match output {
            Output::IceServers(_, servers) => Some(("servers", servers.len())),
            Output::Answer { .. } => Some(("answer", 0)),
            _ => None,
        })
        .collect();
    assert_eq!(order, [("servers", 0), ("answer", 0)], "the first offer is set between them");
}

#[test]
#[expect(deprecated, reason = "older servers name the layers there only")]
fn a_picture_names_its_layers_the_smallest_first() {
    let layer = |quality: i32, width: u32| lk::VideoLayer { quality, width, height: width, ..Default::default() };
    let (low, medium, high) =
        (lk::VideoQuality::Low.into(), lk::VideoQuality::Medium.into(), lk::VideoQuality::High.into());
    let named = |of_codec: Vec<lk::VideoLayer>, layers: Vec<lk::VideoLayer>| {
        let mut script = Script::connected();
        let mut ben = ben(1);
        ben.tracks[1].width = 640;
        ben.tracks[1].codecs = vec![lk::SimulcastCodecInfo { layers: of_codec, ..Default::default() }];
        ben.tracks[1].layers = layers;
        script.server(update(vec![ben]));
        let others: Vec<_> = script.course.others().collect();
        assert_eq!(others[0].tracks["TR_benmic"].layers, [], "a voice has none");
        others[0].tracks["TR_bencam"].layers.iter().map(|layer| (layer.step, layer.width)).collect::<Vec<_>>()
    };
    let both = named(vec![layer(high, 9), layer(low, 3), layer(high, 7), layer(99, 1)], vec![layer(medium, 5)]);
    assert_eq!(both, [(Step::Low, 3), (Step::High, 9)], "each once, and nothing that is none");
    let old = named(Vec::new(), vec![layer(medium, 5), layer(lk::VideoQuality::Off.into(), 1)]);
    assert_eq!(old, [(Step::Medium, 5)], "as older servers say");
    assert_eq!(named(Vec::new(), Vec::new()), [(Step::High, 640)], "else it is there as a whole");
}
