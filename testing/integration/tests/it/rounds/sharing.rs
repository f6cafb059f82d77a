//! A screen or a window of one desk seen at another, and what happens to it and to cameras meanwhile.

use super::Server;
use super::desks::{Two, asks, comes_in, done, held_on, partner, picture, pictures, says, sees, two_about};
use crate::bulk::Socket;
use codec::I420;
use codec::i420::Channel;
use codec::sample::test_card;
use codec::vp8::Decoder;
use contract::{
    MediaStopped, OwnMediaView, PictureAsked, Reply, Request, RoundDeviceKind, RoundDevicesView, RoundPictureView,
    RoundStep, RoundSurfacesView, RoundView,
};
use testkit::{CAMERA, DeskKit, Happening, WINDOW};

async fn surfaces(desk: &DeskKit) -> RoundSurfacesView {
    match desk.call(Request::Round { round: RoundStep::OpenSurfaces }).await {
        Ok(Reply::RoundSurfaces(view)) => view,
        other => panic!("what can be shown: {other:?}"),
    }
}

async fn chooses(desk: &DeskKit, device: &str) -> RoundDevicesView {
    let step = RoundStep::ChooseDevice { what: RoundDeviceKind::Camera, device: device.to_owned() };
    match desk.call(Request::Round { round: step }).await {
        Ok(Reply::RoundDevices(view)) => view,
        other => panic!("devices: {other:?}"),
    }
}

async fn shares_window(desk: &DeskKit) {
    let view = surfaces(desk).await;
    let window = view.surfaces.iter().find(|one| one.window).expect("there is one");
    asks(desk, RoundStep::ShareSurface { surface: window.id.clone() }).await;
}

fn screen(round: &RoundView) -> Option<RoundPictureView> {
    partner(round)?.screen
}

/// Whether both show the same: not a sample of luma in a hundred, of those in the middle of bars, is another one.
fn same(drawn: &I420, expected: &I420) -> bool {
    if (drawn.width(), drawn.height()) != (expected.width(), expected.height()) {
        return false;
    }
    let rows = drawn.rows(Channel::Y).zip(expected.rows(Channel::Y));
    let samples = rows.flat_map(|(drawn, expected)| drawn.iter().zip(expected));
    let (mut all, mut far) = (0, 0);
    for (drawn, expected) in samples {
        all += 1;
        far += u32::from(drawn.abs_diff(*expected) > 24);
    }
    far * 100 <= all
}

/// Waits until what comes by the door is `expected`.
async fn comes(socket: &mut Socket, decoder: &mut Decoder, track: u32, expected: &I420) {
    loop {
        let (kind, _flags, of, _, _, bytes) = picture(socket).await;
        if (kind, of) != (1, track) {
            continue;
        }
        // The first may depend on one that was not sent here.
        let Ok(Some(drawn)) = decoder.decode(&bytes) else { continue };
        if same(&drawn.tight(), expected) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_is_seen_by_the_other_in_its_own_pixels_as_it_changes() {
    shown(Server::Own).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_on_livekit_is_seen_by_the_other_in_its_own_pixels_as_it_changes() {
    shown(Server::LiveKit).await;
}

async fn shown(server: Server) {
    let Some(rounds) = held_on(server) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, None).await;
    comes_in(one, room, false).await;
    comes_in(other, room, false).await;
    let view = surfaces(one).await;
    let offered: Vec<_> =
        view.surfaces.iter().map(|one| (one.window, one.name.as_deref(), one.width, one.height)).collect();
    assert_eq!(offered, [(false, None, 1280, 720), (true, Some(WINDOW), 800, 600)], "the screen first");
    shares_window(one).await;
    let on = OwnMediaView::On { device: Some(WINDOW.to_owned()) };
    sees(one, "that it is shown", |round| (round.screen == on).then_some(())).await;
    let RoundPictureView { track, width, height, .. } = sees(other, "the window", screen).await;
    assert_eq!((width, height), (800, 600), "in its own pixels");
    let mut socket = pictures(other).await;
    let mut decoder = Decoder::new();
    says(&mut socket, &PictureAsked::View { track, width: 1600, height: 1200, visible: true }).await;
    comes(&mut socket, &mut decoder, track, &test_card(800, 600, 0)).await;
    one.happens(Happening::WindowShows(20, 800, 600)).await;
    comes(&mut socket, &mut decoder, track, &test_card(800, 600, 20)).await;
    // A window is made larger while it is shown.
    one.happens(Happening::WindowShows(40, 1000, 700)).await;
    comes(&mut socket, &mut decoder, track, &test_card(1000, 700, 40)).await;
    sees(other, "how large it is", |round| (screen(round)?.width == 1000).then_some(())).await;
    // Whoever looks later sees it although nothing changes any more.
    let mut socket = pictures(other).await;
    let mut decoder = Decoder::new();
    says(&mut socket, &PictureAsked::View { track, width: 1600, height: 1200, visible: true }).await;
    comes(&mut socket, &mut decoder, track, &test_card(1000, 700, 40)).await;

    asks(one, RoundStep::StopSharing).await;
    sees(other, "that nothing is shown", |round| partner(round)?.screen.is_none().then_some(())).await;
    sees(one, "so here", |round| (round.screen == OwnMediaView::Off).then_some(())).await;
    // And once more, and the whole screen in its place.
    shares_window(one).await;
    sees(other, "the window again", |round| screen(round).filter(|screen| screen.width == 1000)).await;
    let whole = view.surfaces.iter().find(|one| !one.window).expect("there is one").id.clone();
    asks(one, RoundStep::ShareSurface { surface: whole }).await;
    let RoundPictureView { track, .. } =
        sees(other, "the screen", |round| screen(round).filter(|screen| screen.width == 1280)).await;
    says(&mut socket, &PictureAsked::View { track, width: 1600, height: 1200, visible: true }).await;
    comes(&mut socket, &mut Decoder::new(), track, &test_card(1280, 720, 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_is_closed_and_a_desk_that_locks_show_nothing_any_more() {
    let Some(rounds) = held_on(Server::Own) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, None).await;
    comes_in(one, room, false).await;
    comes_in(other, room, false).await;
    shares_window(one).await;
    sees(other, "the window", screen).await;
    one.happens(Happening::WindowCloses).await;
    let lost = OwnMediaView::Stopped { why: MediaStopped::DeviceLost };
    sees(one, "that it is told", |round| (round.screen == lost).then_some(())).await;
    sees(other, "that it is gone", |round| partner(round)?.screen.is_none().then_some(())).await;

    let view = surfaces(one).await;
    let [whole] = view.surfaces.as_slice() else { panic!("only the screen is left: {view:?}") };
    asks(one, RoundStep::ShareSurface { surface: whole.id.clone() }).await;
    sees(other, "the screen", screen).await;
    sees(one, "that it is shown", |round| (round.screen == OwnMediaView::On { device: None }).then_some(())).await;
    done(one, Request::Lock).await;
    sees(other, "that nothing is shown behind a lock", |round| partner(round)?.screen.is_none().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_screens_are_forbidden_or_gone_it_is_said_and_nothing_is_shown() {
    let Some(rounds) = held_on(Server::Own) else { return };
    let Two { one, room, .. } = &two_about(rounds, None).await;
    comes_in(one, room, false).await;
    asks(one, RoundStep::ShareSurface { surface: "surface-77".to_owned() }).await;
    let stopped = |why| move |round: &RoundView| (round.screen == OwnMediaView::Stopped { why }).then_some(());
    sees(one, "that there is no such one", stopped(MediaStopped::DeviceLost)).await;
    let known = surfaces(one).await.surfaces;
    one.happens(Happening::ScreensAreForbidden).await;
    let view = surfaces(one).await;
    assert_eq!((view.surfaces.len(), view.hindered), (0, Some(MediaStopped::DeviceDenied)), "nothing is offered");
    let first = known.first().expect("there was one").id.clone();
    asks(one, RoundStep::ShareSurface { surface: first }).await;
    sees(one, "that it is forbidden", stopped(MediaStopped::DeviceDenied)).await;
    asks(one, RoundStep::StopSharing).await;
    sees(one, "that it is taken note of", |round| (round.screen == OwnMediaView::Off).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_is_taken_or_pulled_out_is_said_and_the_test_picture_stands_in_where_it_is_chosen() {
    let Some(rounds) = held_on(Server::Own) else { return };
    let Two { one, other, room, .. } = &two_about(rounds, None).await;
    comes_in(one, room, true).await;
    comes_in(other, room, false).await;
    let on = OwnMediaView::On { device: Some(CAMERA.to_owned()) };
    sees(one, "the own camera", |round| (round.camera == on).then_some(())).await;
    sees(other, "it", |round| partner(round)?.camera.map(drop)).await;
    one.happens(Happening::CameraIsTaken).await;
    asks(one, RoundStep::SetCamera { on: false }).await;
    asks(one, RoundStep::SetCamera { on: true }).await;
    let busy = OwnMediaView::Stopped { why: MediaStopped::DeviceBusy };
    sees(one, "that another program has it", |round| (round.camera == busy).then_some(())).await;
    sees(other, "that it is gone", |round| partner(round)?.camera.is_none().then_some(())).await;

    let view = chooses(one, "test-card").await;
    let listed: Vec<_> = view.cameras.iter().map(|camera| (camera.name.as_deref(), camera.chosen)).collect();
    assert_eq!(listed, [(Some(CAMERA), false), (None, true)], "the test picture is chosen");
    asks(one, RoundStep::SetCamera { on: true }).await;
    sees(one, "the test picture", |round| (round.camera == OwnMediaView::On { device: None }).then_some(())).await;
    sees(other, "it", |round| partner(round)?.camera.map(drop)).await;

    // Chosen while it is on, a camera takes its place; pulled out it is told.
    comes_from_its_camera(other).await;
    other.happens(Happening::CameraIsGone).await;
    let lost = OwnMediaView::Stopped { why: MediaStopped::DeviceLost };
    sees(other, "that it is gone", |round| (round.camera == lost).then_some(())).await;
    sees(one, "that nothing is seen of it", |round| partner(round)?.camera.is_none().then_some(())).await;
}

/// First by the test picture, and then by its camera.
async fn comes_from_its_camera(desk: &DeskKit) {
    let view = chooses(desk, "test-card").await;
    let camera = view.cameras.iter().find(|camera| camera.name.is_some()).expect("there is one").id.clone();
    asks(desk, RoundStep::SetCamera { on: true }).await;
    sees(desk, "the test picture", |round| (round.camera == OwnMediaView::On { device: None }).then_some(())).await;
    chooses(desk, &camera).await;
    let on = OwnMediaView::On { device: Some(CAMERA.to_owned()) };
    sees(desk, "its camera", |round| (round.camera == on).then_some(())).await;
}
