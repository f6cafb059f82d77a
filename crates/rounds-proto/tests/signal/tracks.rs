//! Our own tracks, and wishes about those of others.

use crate::script::{BEN, Script, answer, ben, camera, join, leave, microphone, published, track, update};
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use rounds_proto::signal::{CodecWanted, Fact, Input, Output, OwnFact, Refusal, Step, View};
use std::time::Duration;

/// A round in which the microphone is published, nothing of it told any more.
fn with_microphone() -> Script {
    let mut script = Script::connected();
    script.input(Input::Publish(microphone()));
    script.server(published("mic", track("TR_mic", lk::TrackType::Audio)));
    script.make_offer("second offer");
    script.server(answer(2, &[]));
    script.outputs.clear();
    script
}

fn own(what: OwnFact) -> Fact {
    Fact::Own { cid: "mic".to_owned(), what }
}

fn mutes(script: &Script) -> Vec<(String, bool)> {
    let mutes = script.sent().into_iter().filter_map(|request| match request {
        Request::Mute(mute) => Some((mute.sid, mute.muted)),
        _ => None,
    });
    mutes.collect()
}

const VIEW: View = View { shown: true, step: Step::High, width: 320, height: 180, fps: 0, priority: 1 };

#[test]
fn muting_is_told_once_each_time() {
    let mut script = with_microphone();
    for muted in [true, true, false] {
        script.input(Input::Mute("mic", muted));
    }
    assert_eq!(mutes(&script), [("TR_mic".to_owned(), true), ("TR_mic".to_owned(), false)], "two changes");
    script.input(Input::Mute("unknown", true));
    assert_eq!(mutes(&script).len(), 2, "what is not there is not muted");
}

#[test]
fn whoever_mutes_before_the_server_has_a_place_is_muted_when_it_has() {
    let mut script = Script::connected();
    script.input(Input::Publish(microphone()));
    script.input(Input::Mute("mic", true));
    assert_eq!(mutes(&script), [], "there is no name for it yet");
    script.server(published("mic", track("TR_mic", lk::TrackType::Audio)));
    assert_eq!(mutes(&script), [("TR_mic".to_owned(), true)], "at once");
}

#[test]
fn a_server_may_mute_and_never_unmute() {
    let mut script = with_microphone();
    let mute = |muted| Response::Mute(lk::MuteTrackRequest { sid: "TR_mic".to_owned(), muted });
    script.server(mute(true));
    assert_eq!(script.facts(), [own(OwnFact::MutedByServer)], "muted");
    script.server(mute(false));
    assert_eq!(script.facts(), [], "a microphone is opened by its owner");
    assert_eq!(script.course.counts().unmutes_refused, 1, "and the try is counted");
    script.input(Input::Mute("mic", false));
    assert_eq!(mutes(&script), [("TR_mic".to_owned(), false)], "who may");
}

#[test]
fn a_track_goes_with_its_section() {
    let mut script = with_microphone();
    script.input(Input::Unpublish("mic"));
    assert_eq!(script.offers()[0].remove, ["mic"], "an offer without it");
    assert_eq!(script.facts(), [own(OwnFact::Unpublished)], "told");
    script.input(Input::Unpublish("mic"));
    assert_eq!(script.outputs, [], "once");
    let mut script = with_microphone();
    let said = lk::TrackUnpublishedResponse { track_sid: "TR_mic".to_owned() };
    script.server(Response::TrackUnpublished(said));
    assert_eq!(script.offers()[0].remove, ["mic"], "by the server's wish too");
    assert_eq!(script.facts(), [own(OwnFact::Unpublished)], "told");
}

#[test]
fn only_wanted_layers_are_named() {
    let mut script = with_microphone();
    let quality = |quality: lk::VideoQuality, enabled| lk::SubscribedQuality { quality: quality.into(), enabled };
    let qualities = vec![
        quality(lk::VideoQuality::Low, true),
        quality(lk::VideoQuality::Medium, false),
        quality(lk::VideoQuality::High, false),
    ];
    let codec = lk::SubscribedCodec { codec: "vp8".to_owned(), qualities: qualities.clone() };
    let track_sid = || "TR_mic".to_owned();
    let said =
        lk::SubscribedQualityUpdate { track_sid: track_sid(), subscribed_codecs: vec![codec], ..Default::default() };
    script.server(Response::SubscribedQualityUpdate(said));
    let low = |codec: &str| CodecWanted { codec: codec.to_owned(), low: true, medium: false, high: false };
    assert_eq!(script.facts(), [own(OwnFact::Wanted(vec![low("vp8")]))], "as the server says today");
    #[expect(deprecated, reason = "what an older server says")]
    let said =
        lk::SubscribedQualityUpdate { track_sid: track_sid(), subscribed_qualities: qualities, ..Default::default() };
    script.server(Response::SubscribedQualityUpdate(said));
    assert_eq!(script.facts(), [own(OwnFact::Wanted(vec![low("")]))], "as it said before");
    script.server(Response::TrackSubscribed(lk::TrackSubscribed { track_sid: track_sid() }));
    assert_eq!(script.facts(), [own(OwnFact::Subscribed)], "somebody receives it");
    let stranger = lk::TrackSubscribed { track_sid: "TR_other".to_owned() };
    script.server(Response::TrackSubscribed(stranger));
    assert_eq!((script.facts(), script.course.counts().unexpected), (Vec::new(), 1), "nothing of others");
}

#[test]
fn a_track_is_wished_once_and_not_too_many() {
    let mut script = Script::connected();
    for n in 0..9 {
        script.input(Input::Publish(rounds_proto::signal::TrackWish { cid: format!("mic{n}"), ..microphone() }));
    }
    let told = script.facts();
    assert_eq!(told, [Fact::Own { cid: "mic8".to_owned(), what: OwnFact::Unpublished }], "the ninth is refused");
    let mut script = Script::connected();
    for cid in ["mic", "mic", "", "a b"] {
        script.input(Input::Publish(rounds_proto::signal::TrackWish { cid: cid.to_owned(), ..microphone() }));
    }
    let asked = script.sent().iter().filter(|request| matches!(request, Request::AddTrack(_))).count();
    assert_eq!((asked, script.course.counts().refused), (1, 3), "one of each name");
}

#[test]
fn a_picture_of_another_size_is_told() {
    let mut script = Script::connected();
    script.input(Input::Publish(camera()));
    script.server(published("cam", track("TR_cam", lk::TrackType::Video)));
    script.outputs.clear();
    script.input(Input::Resize { cid: "cam", width: 1280, height: 720, layers: camera().layers });
    let sent = script.sent();
    let [Request::UpdateVideoTrack(update)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((update.track_sid.as_str(), update.width, update.height), ("TR_cam", 1280, 720), "as it is");
}

#[test]
fn a_refused_request_is_told_and_an_accepted_one_not() {
    let mut script = Script::connected();
    for reason in [lk::request_response::Reason::Ok, lk::request_response::Reason::NotAllowed] {
        let said = lk::RequestResponse { reason: reason.into(), ..Default::default() };
        script.server(Response::RequestResponse(said));
    }
    assert_eq!(script.facts(), [Fact::Refused(Refusal::NotAllowed)], "one");
}

#[test]
fn a_subscription_names_the_publisher() {
    let mut script = Script::with_ben();
    script.input(Input::Subscribe("TR_bencam", false));
    let sent = script.sent();
    let [Request::Subscription(wish)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((wish.track_sids.as_slice(), wish.subscribe), (&["TR_bencam".to_owned()][..], false), "the track");
    assert_eq!(wish.participant_tracks[0].participant_sid, BEN, "and whose it is");
}

#[test]
fn wishes_about_tracks_wait_until_there_are_such() {
    let mut script = Script::connected();
    script.input(Input::Subscribe("TR_bencam", false));
    script.input(Input::View("TR_benmic", VIEW));
    assert_eq!(script.sent(), [], "nobody is there");
    script.server(update(vec![ben(1)]));
    let sent = script.sent();
    assert!(sent.iter().any(|request| matches!(request, Request::Subscription(_))), "the subscription: {sent:?}");
    let Some(Request::TrackSetting(setting)) = sent.iter().find(|r| matches!(r, Request::TrackSetting(_))) else {
        panic!("{sent:?}")
    };
    assert_eq!(
        (setting.width, setting.height, setting.priority, setting.disabled),
        (320, 180, 1, false),
        "and the view"
    );
    script.outputs.clear();
    script.input(Input::View("TR_benmic", VIEW));
    assert_eq!(script.sent(), [], "the same again is not sent");
    script.input(Input::View("TR_benmic", View { shown: false, ..VIEW }));
    let sent = script.sent();
    assert!(matches!(sent.as_slice(), [Request::TrackSetting(setting)] if setting.disabled), "hidden: {sent:?}");
    script.input(Input::View("no track", VIEW));
    assert_eq!(script.course.counts().refused, 1, "what cannot be a track");
}

#[test]
fn everything_is_wished_again_in_a_new_session() {
    let mut script = Script::with_ben();
    script.input(Input::Publish(microphone()));
    script.server(published("mic", track("TR_mic", lk::TrackType::Audio)));
    script.input(Input::Mute("mic", true));
    script.input(Input::Subscribe("TR_bencam", false));
    script.input(Input::View("TR_benmic", VIEW));
    script.server(leave(lk::leave_request::Action::Reconnect, lk::DisconnectReason::Migration));
    script.outputs.clear();
    script.pass(Duration::ZERO);
    assert!(matches!(&script.outputs[0], Output::Build { senders, .. } if senders == &["mic"]), "a sender for it");
    script.greet();
    let (_base, request) = script.last_open().expect("a socket");
    assert!(request.add_track_requests[0].muted, "muted from the first");
    script.outputs.clear();
    script.server(join(vec![ben(1)]));
    let kinds: Vec<_> =
        script.sent().iter().map(|r| matches!(r, Request::Subscription(_) | Request::TrackSetting(_))).collect();
    assert_eq!(kinds, [true, true], "both wishes about Ben");
    script.facts();
    script.server(published("mic", track("TR_mic2", lk::TrackType::Audio)));
    let told = own(OwnFact::Published { track: "TR_mic2".to_owned() });
    assert_eq!(script.facts(), [told], "the track has another place");
    script.input(Input::Mute("mic", false));
    assert_eq!(mutes(&script), [("TR_mic2".to_owned(), false)], "and is known by it");
}

#[test]
fn a_track_has_one_place() {
    let mut script = with_microphone();
    script.server(published("mic", track("TR_other", lk::TrackType::Audio)));
    script.server(published("unknown", track("TR_other", lk::TrackType::Audio)));
    assert_eq!((script.facts(), script.course.counts().unexpected), (Vec::new(), 2), "no second, and no other");
}

#[test]
fn a_wish_goes_with_its_track() {
    let mut script = Script::with_ben();
    script.input(Input::Subscribe("TR_benmic", false));
    script.input(Input::View("TR_benmic", VIEW));
    script.server(update(vec![crate::script::person(BEN, "ben", 2)]));
    script.outputs.clear();
    script.server(update(vec![ben(3)]));
    assert_eq!(script.sent(), [], "what comes later is wished anew");
}

#[test]
fn a_track_that_the_server_says_nothing_of_is_given_up_after_ten_seconds() {
    // Client-sdk-js, `RTCEngine.addTrack`: 10 s.
    for with_offer in [false, true] {
        let mut script = Script::new();
        if with_offer {
            script.input(Input::Publish(microphone()));
        }
        script.connect();
        if !with_offer {
            script.input(Input::Publish(microphone()));
        }
        script.outputs.clear();
        script.flowing = true;
        script.pass(Duration::from_millis(9_999));
        assert_eq!(script.facts(), [], "with the first offer: {with_offer}; it has its time");
        script.pass(Duration::from_millis(1));
        let removed: Vec<_> = script.offers().into_iter().flat_map(|wish| wish.remove).collect();
        let expected: &[&str] = if with_offer { &["mic"] } else { &[] };
        assert_eq!(removed, expected, "a sender that is there is stopped");
        assert_eq!(script.facts(), [own(OwnFact::Refused(Refusal::NoAnswer))], "told, once");
        script.input(Input::Publish(microphone()));
        let asked = script.sent().iter().filter(|request| matches!(request, Request::AddTrack(_))).count();
        assert_eq!(asked, 1, "and it may be wished again");
    }
}

#[test]
fn a_size_that_came_before_the_place_is_told_with_it() {
    let mut script = Script::connected();
    script.input(Input::Publish(camera()));
    script.input(Input::Resize { cid: "cam", width: 1280, height: 720, layers: camera().layers });
    script.outputs.clear();
    script.server(published("cam", track("TR_cam", lk::TrackType::Video)));
    let told = script.sent().iter().any(|r| matches!(r, Request::UpdateVideoTrack(size) if size.width == 1280));
    assert!(told, "{:?}", script.sent());
}

#[test]
fn a_track_that_the_server_refuses_is_gone() {
    use lk::request_response::{Reason, Request as Refused};
    let refused = |cid: &str, reason: Reason| {
        let request = Refused::AddTrack(lk::AddTrackRequest { cid: cid.to_owned(), ..Default::default() });
        Response::RequestResponse(lk::RequestResponse {
            reason: reason.into(),
            request: Some(request),
            ..Default::default()
        })
    };
    for (reason, refusal) in [
        (Reason::NotAllowed, Refusal::NotAllowed),
        (Reason::LimitExceeded, Refusal::LimitExceeded),
        (Reason::UnsupportedType, Refusal::Unsupported),
    ] {
        let mut script = Script::new();
        script.input(Input::Publish(microphone()));
        script.connect();
        script.outputs.clear();
        script.server(refused("mic", Reason::Queued));
        assert_eq!(script.facts(), [], "{reason:?}: queued is not refused");
        script.server(refused("mic", reason));
        assert_eq!(script.offers()[0].remove, ["mic"], "{reason:?}: its sender is stopped");
        assert_eq!(script.facts(), [own(OwnFact::Refused(refusal))], "{reason:?}: told of the track");
        script.server(leave(lk::leave_request::Action::Reconnect, lk::DisconnectReason::Migration));
        script.pass(Duration::ZERO);
        let built = script.outputs.iter().find_map(|output| match output {
            Output::Build { senders, .. } => Some(senders.clone()),
            _ => None,
        });
        assert_eq!(built, Some(Vec::new()), "{reason:?}: nor is it sent after a new join");
    }
    let mut script = with_microphone();
    script.server(refused("mic", Reason::NotAllowed));
    assert_eq!(script.facts(), [Fact::Refused(Refusal::NotAllowed)], "a track that has its place keeps it");
}

#[test]
fn a_second_wish_of_the_same_name_says_nothing_of_the_track_that_is_there() {
    let mut script = with_microphone();
    script.input(Input::Publish(microphone()));
    assert_eq!((script.outputs.len(), script.course.counts().refused), (0, 1), "{:?}", script.outputs);
    script.input(Input::Mute("mic", true));
    assert_eq!(mutes(&script), [("TR_mic".to_owned(), true)], "it is there");
}
