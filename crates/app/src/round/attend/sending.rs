//! What this person sends of themselves in a stay: microphone, camera and screen, and whether the way has room for it.

use super::Stay;
use crate::round::Meeting;
use crate::round::advice::Measured;
use crate::round::devices::open_camera;
use crate::round::film::{Film, share_out};
use crate::round::pictures::Wish;
use crate::round::scene::OWN_PICTURE;
use crate::round::voice::{MICROPHONE, Sounds};
use contract::{MediaStopped, OwnMediaView};

/// What is seen of a face needs so much of the way to be what it is meant to be, in bits per second, and a screen so much.
const FACE_NEEDS: f64 = 230_000.0;
const SCREEN_NEEDS: f64 = 500_000.0;

impl Stay {
    /// What this person sends by this track goes off against their wish, and they are told.
    pub(super) async fn stop(&mut self, meeting: &Meeting, voice: &mut Sounds, cid: &str, why: MediaStopped) {
        let is = |film: &Option<Film>| film.as_ref().is_some_and(|film| film.cid() == cid);
        if cid == MICROPHONE {
            self.set_seen_microphone(voice.stop_microphone(why));
        } else if is(&self.camera) {
            self.close_camera(meeting).await;
            self.scene.camera = OwnMediaView::Stopped { why };
        } else if is(&self.screen) {
            self.close_screen(meeting).await;
            self.scene.screen = OwnMediaView::Stopped { why };
        }
    }

    /// A desk that locks stops what is filmed, and what begins to be filmed after that sees the lock.
    pub(super) async fn open_camera(&mut self, meeting: &Meeting) {
        let (system, choice) = (self.desk.0.capture.clone(), self.choices.camera.clone());
        let opens = Box::new(move || open_camera(&system, &choice));
        self.camera = Some(Film::of_camera(&self.films, &self.cameras, self.gallery.clone(), opens));
        self.scene.camera = OwnMediaView::Opening;
        if self.desk.is_locked() {
            self.close_camera(meeting).await;
            self.scene.camera = OwnMediaView::Off;
        }
    }

    /// Switched on again it is another track.
    pub(super) async fn close_camera(&mut self, meeting: &Meeting) {
        if let Some(camera) = self.camera.take() {
            meeting.media().unpublish(camera.cid()).await;
        }
    }

    pub(super) async fn close_screen(&mut self, meeting: &Meeting) {
        self.quiet = None;
        if let Some(screen) = self.screen.take() {
            meeting.media().unpublish(screen.cid()).await;
        }
    }

    /// What was wanted before the desk locked may come here after it.
    pub(super) async fn set_microphone(&mut self, meeting: &Meeting, voice: &mut Sounds, on: bool) {
        let desk = self.desk.clone();
        let may = move || !desk.is_locked();
        let seen = voice.set_microphone(meeting.media(), on, may).await;
        self.set_seen_microphone(seen);
    }

    pub(super) fn set_seen_microphone(&mut self, seen: OwnMediaView) {
        if self.scene.microphone != seen {
            self.advisor.set_microphone(matches!(seen, OwnMediaView::On { .. } | OwnMediaView::Opening));
        }
        self.scene.microphone = seen;
    }

    /// What the way to the server carries is shared out among what is sent, and what it lacks is told.
    pub(super) fn look_at_way(&mut self, meeting: &Meeting, voice: &mut Sounds) {
        let way = meeting.media().way();
        self.made_up = voice.look();
        voice.set_loss(way.loss);
        share_out(way.carries, self.camera.as_ref(), self.screen.as_ref());
        // What cannot be sent or heard while the way is being mended is said by other words.
        if self.scene.there().is_none() {
            return;
        }
        let seen = |film: &Option<Film>| film.as_ref().is_some_and(Film::is_seen);
        let fits = |needs| way.full.is_none_or(|full| full >= needs) || way.carries >= needs;
        let narrow = (seen(&self.camera) && !fits(FACE_NEEDS)) || (seen(&self.screen) && !fits(SCREEN_NEEDS));
        let heard = matches!(self.scene.microphone, OwnMediaView::On { .. });
        let sends = heard || seen(&self.camera) || seen(&self.screen);
        let few = self.scene.holds_back();
        self.advisor.look(Measured { lost: sends.then_some(way.loss), made_up: self.made_up, narrow, few });
    }

    /// A device that does not answer any more says nothing by itself.
    pub(super) async fn look_at_films(&mut self, meeting: &Meeting) {
        let lost = OwnMediaView::Stopped { why: MediaStopped::DeviceLost };
        if self.camera.as_ref().is_some_and(Film::is_stuck) {
            self.close_camera(meeting).await;
            self.scene.camera = lost.clone();
            self.show();
        }
        if self.screen.as_ref().is_some_and(Film::is_stuck) {
            self.close_screen(meeting).await;
            self.scene.screen = lost;
            self.show();
        }
    }

    pub(super) async fn settle_camera(&mut self, meeting: &Meeting) {
        let Some(camera) = &mut self.camera else { return };
        self.scene.camera = camera.settle(meeting.media()).await;
        if let OwnMediaView::Stopped { .. } = self.scene.camera {
            self.close_camera(meeting).await;
        }
    }

    pub(super) async fn settle_screen(&mut self, meeting: &Meeting) {
        let Some(screen) = &mut self.screen else { return };
        self.scene.screen = screen.settle(meeting.media()).await;
        if let OwnMediaView::Stopped { .. } = self.scene.screen {
            self.close_screen(meeting).await;
        }
    }

    pub(super) async fn wish(&mut self, meeting: &Meeting, wish: Wish) {
        match wish {
            Wish::View(track, _) | Wish::Key(track) if track == OWN_PICTURE => {
                if let Some(camera) = &self.camera {
                    camera.want_own_key();
                }
            }
            Wish::View(track, view) => meeting.media().view(&track, view).await,
            Wish::Key(track) => meeting.media().want_key(&track),
        }
    }
}
