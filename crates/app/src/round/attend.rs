//! One stay in a round, from the wish to enter until it is over: what happens is put into the scene, and what the person
//! wants is done.

use super::advice::{Advisor, Measured};
use super::devices::{Choices, Chosen, open_camera, open_surface};
use super::ears::{Ears, Heard, Topic};
use super::film::{Cameras, Film, Films, share_out};
use super::pictures::{Gallery, Wish};
use super::scene::{OWN_PICTURE, Scene};
use super::showing::{Out, Showing};
use super::travel::Travel;
use super::voice::{MICROPHONE, Mouth, Sounds, Told};
use super::way::{self, Entered, Found};
use super::{Meeting, MeetingEvent};
use crate::Desk;
use crate::chat::{Quiet, Up};
use contract::{
    Entering, Failure, MediaStopped, OwnMediaView, Presentation, RoundEnd, RoundPhase, RoundWayView, SeenView,
};
use jiff::Timestamp;
use model::device::DeviceId;
use model::round::MemberId;
use rounds::{Event, Power, PowerError, Ticket, Word};
use rounds_proto::frame::State;
use rounds_proto::signal::{Fact, OwnFact};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Acts that wait; whoever has more waits too.
const ACTS: usize = 32;
/// What happens together is told together.
const GATHER: Duration = Duration::from_millis(60);
/// After it has changed, or somebody has come.
const ME_AGAIN: u8 = 3;
/// How often the line is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// The homeserver and the media server have to answer in this time while somebody enters.
const PATIENCE: Duration = Duration::from_secs(30);
/// The last word of a round is on its way for so long.
const FAREWELL: Duration = Duration::from_millis(700);
/// A way that was broken for so long has been missed by the others.
const MISSED: Duration = Duration::from_secs(3);
/// What is seen of a face needs so much of the way to be what it is meant to be, in bits per second, and a screen so much.
const FACE_NEEDS: f64 = 230_000.0;
const SCREEN_NEEDS: f64 = 500_000.0;
/// Cases whose patients are looked for at the same time.
const FINDING: usize = 8;

/// What a moderator does.
#[derive(Debug)]
pub(super) enum Moderation {
    Mute(MemberId),
    LowerHand(MemberId),
    /// This person (a Matrix user) is not in the conversation any more.
    SendOut(String),
    End,
}

/// What the person wants.
#[derive(Debug)]
pub(super) enum Act {
    Microphone(bool),
    Camera(bool),
    Hand(bool),
    Allow(MemberId),
    Choose(Chosen),
    /// A screen or a window.
    Share(DeviceId),
    StopSharing,
    Present {
        case: String,
        patient: String,
    },
    StopPresenting,
    HandOver(MemberId),
    /// Of which patient, and what.
    Show(String, Box<Presentation>),
    OpenPresentedCase(u32),
    Seen(SeenView),
    Volume(MemberId, f32),
    /// How sound and picture travel.
    Way(oneshot::Sender<RoundWayView>),
    /// Whether it was said is told.
    Moderate(Moderation, oneshot::Sender<bool>),
    Leave,
}

/// This person's place in a round. Dropping it leaves.
pub(super) struct Seat {
    pub(super) acts: mpsc::Sender<Act>,
    pub(super) gallery: Gallery,
    pub(super) films: Films,
    pub(super) mouth: Mouth,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.mouth.end();
        self.films.end();
        self.gallery.close();
    }
}

impl Seat {
    /// Begins to enter.
    pub(super) fn take(
        desk: Desk,
        up: Arc<Up>,
        conversation: String,
        camera: bool,
        entry: u64,
        (choices, cameras): (Choices, Cameras),
    ) -> Self {
        let (acts, wanted) = mpsc::channel(ACTS);
        let (gallery, wished) = Gallery::new();
        let (films, mouth) = (Films::default(), Mouth::default());
        let (find, found) = mpsc::channel(FINDING);
        let stay = Stay {
            showing: Showing::new(conversation.clone()),
            scene: Scene::new(conversation),
            gallery: gallery.clone(),
            desk,
            entry,
            camera: None,
            screen: None,
            films: films.clone(),
            mouth: mouth.clone(),
            cameras,
            quiet: None,
            choices,
            words: 0,
            asks: 0,
            me_again: 0,
            ears: Ears::default(),
            met: Vec::new(),
            asked: None,
            broken: None,
            advisor: Advisor::default(),
            power: None,
            travel: Travel::default(),
            made_up: None,
            find,
        };
        tokio::spawn(stay.attend(up, camera, Wants { acts: wanted, wished, found }));
        Self { acts, gallery, films, mouth }
    }
}

struct Stay {
    desk: Desk,
    entry: u64,
    scene: Scene,
    gallery: Gallery,
    camera: Option<Film>,
    screen: Option<Film>,
    films: Films,
    mouth: Mouth,
    cameras: Cameras,
    /// While a screen is shown, nothing of this program's notices is to be seen on it.
    quiet: Option<Quiet>,
    choices: Choices,
    showing: Showing,
    /// Words that were said of this person's own state, and as a moderator.
    words: u64,
    asks: u64,
    /// So often it is said once more, each second: our key may reach somebody after the first word.
    me_again: u8,
    ears: Ears,
    /// Whom this person's own state was told.
    met: Vec<MemberId>,
    /// What a moderator wants of this person.
    asked: Option<Asked>,
    /// Since when there is no way to the media server.
    broken: Option<Instant>,
    advisor: Advisor,
    power: Option<Power>,
    travel: Travel,
    /// The part of what others said that had to be made up, as it was at the last look.
    made_up: Option<f64>,
    /// Where the patients of cases are told.
    find: mpsc::Sender<FoundCase>,
}

/// What a moderator wants of this person.
#[derive(Clone, Copy)]
enum Asked {
    Mute,
    LowerHand,
    End,
}

/// Whose case it is, by its name.
type FoundCase = (String, Result<String, Failure>);

/// What comes from elsewhere on this computer.
struct Wants {
    acts: mpsc::Receiver<Act>,
    wished: mpsc::Receiver<Wish>,
    found: mpsc::Receiver<FoundCase>,
}

impl Stay {
    async fn attend(mut self, up: Arc<Up>, camera: bool, mut from: Wants) {
        self.tell();
        // What is wanted meanwhile: nobody has to wait for it.
        let mut wants = Vec::new();
        let allowed = {
            let way = self.ask_in(&up);
            tokio::pin!(way);
            loop {
                tokio::select! {
                    allowed = &mut way => break allowed,
                    act = from.acts.recv() => match act {
                        // The person thought better of it, and nothing was said of them yet.
                        Some(Act::Leave) | None => return,
                        Some(act) => wants.push(act),
                    },
                }
            }
        };
        let entered = match allowed {
            Ok((found, ticket)) => {
                self.doing(Entering::Joining);
                // From here on the conversation says that this person is there, so it goes on to where they can leave.
                way::enter(&self.desk.clone(), found, ticket).await
            }
            Err(failure) => Err(failure),
        };
        match entered {
            Ok(entered) => {
                if camera {
                    wants.insert(0, Act::Camera(true));
                }
                self.stay(entered, wants, from).await;
            }
            Err(failure) => {
                tracing::warn!(code = ?failure.code, detail = %failure.detail, "a round was not entered");
                self.scene.phase = RoundPhase::Ended { why: RoundEnd::Failed { failure } };
                self.tell();
            }
        }
    }

    /// Where it is held, and a ticket for it.
    async fn ask_in(&mut self, up: &Up) -> Result<(Found, Ticket), Failure> {
        let conversation = self.scene.conversation.clone();
        let desk = self.desk.clone();
        let found = in_time(way::find(&desk, up, &conversation)).await?;
        self.doing(Entering::Asking);
        let ticket = in_time(way::ask(&desk, up, &conversation, &found)).await?;
        Ok((found, ticket))
    }

    fn doing(&mut self, doing: Entering) {
        self.scene.phase = RoundPhase::Entering { doing };
        self.tell();
    }

    async fn stay(mut self, entered: Entered, wants: Vec<Act>, mut from: Wants) {
        let Entered { meeting, mut told, mut pictures, mut sounds, began, server, power } = entered;
        (self.travel.server, self.power) = (server, power);
        // Whoever has thought better of it meanwhile calls nobody and opens nothing.
        let wants = if from.acts.is_closed() { Vec::new() } else { wants };
        if !from.acts.is_closed() && !meeting.members().await.iter().any(|member| !member.here) {
            self.desk.call_others(self.entry, meeting.membership());
        }
        let mut voice = Sounds::start(&self.desk.0.sound, self.choices.clone(), began, self.mouth.clone());
        for want in wants {
            self.act(&meeting, &mut voice, want).await;
        }
        self.show();
        let mut look = tokio::time::interval(LOOK);
        // When what has changed is told; sound and pictures come so often that a pause among them may never be.
        let mut untold: Option<Instant> = None;
        let soon = |untold: Option<Instant>| untold.or_else(|| Instant::now().checked_add(GATHER));
        loop {
            self.carry_out(&meeting).await;
            let words = self.showing.due().into_iter().chain(self.ears.due()).min();
            tokio::select! {
                event = told.recv() => match event {
                    Some(event) => {
                        self.take(&meeting, &mut voice, event).await;
                        untold = soon(untold);
                        if self.scene.is_over() {
                            break;
                        }
                    }
                    None => break,
                },
                act = from.acts.recv() => match act {
                    Some(Act::Leave) | None => break,
                    // What was wanted before the seat was left is not wanted any more.
                    Some(_) if from.acts.is_closed() => break,
                    // They come as often as a hand moves and change nothing of the view.
                    Some(Act::Show(patient, presentation)) => {
                        self.showing.show(&patient, *presentation, Instant::now());
                    }
                    Some(Act::Seen(seen)) => self.showing.set_seen(seen, Instant::now()),
                    Some(act) => {
                        self.act(&meeting, &mut voice, act).await;
                        untold = soon(untold);
                        if self.scene.is_over() {
                            break;
                        }
                    }
                },
                Some(picture) = pictures.recv() => self.gallery.put(&picture.track, &picture),
                Some(sound) = sounds.recv() => voice.put(sound),
                what = voice.changed() => {
                    match what {
                        Told::Device => self.set_seen_microphone(voice.microphone()),
                        Told::Notice(notice) => self.advisor.hear(notice, Instant::now()),
                    }
                    untold = soon(untold);
                }
                () = changed(&mut self.camera) => {
                    self.settle_camera(&meeting).await;
                    untold = soon(untold);
                }
                () = changed(&mut self.screen) => {
                    self.settle_screen(&meeting).await;
                    untold = soon(untold);
                }
                Some(wish) = from.wished.recv() => self.wish(&meeting, wish).await,
                Some((case, found)) = from.found.recv() => {
                    self.showing.found(&case, found);
                    untold = soon(untold);
                }
                () = until(words) => {
                    let now = Instant::now();
                    while let Some(heard) = self.ears.ripe(now) {
                        self.listen(&heard, now);
                    }
                    self.showing.tick(now);
                }
                _ = look.tick() => {
                    if self.desk.is_left(&self.scene.conversation) {
                        self.scene.phase = RoundPhase::Ended { why: RoundEnd::Removed };
                        break;
                    }
                    if self.me_again > 0 && self.say_me(&meeting, Vec::new()).await {
                        self.me_again -= 1;
                    }
                    let now = Instant::now();
                    let changed = match self.scene.there() {
                        Some(there) => {
                            self.broken = None;
                            self.showing.set_there(&there, now)
                        }
                        // Others have ended by then what this device showed.
                        None if now.duration_since(*self.broken.get_or_insert(now)) >= MISSED => {
                            let me = self.showing.me().cloned();
                            me.is_some_and(|me| self.showing.lose(&me))
                        }
                        None => false,
                    };
                    if changed {
                        untold = soon(untold);
                    }
                    self.look_at_way(&meeting, &mut voice);
                    if self.scene.advice != self.advisor.advice(Instant::now()) {
                        untold = soon(untold);
                    }
                    self.look_at_films(&meeting).await;
                }
                () = until(untold) => {
                    untold = None;
                    self.show();
                    voice.keep(&self.scene.voices());
                }
            }
        }
        let unheard = self.ears.unheard();
        if unheard > 0 {
            tracing::warn!(unheard, "words in a round were too many");
        }
        // Nobody is to see or hear this person any longer, whatever the servers say. Devices take their time to close.
        (self.camera, self.screen) = (None, None);
        voice.fall_silent();
        tokio::task::spawn_blocking(move || drop(voice));
        if let Err(error) = meeting.leave().await {
            tracing::warn!(%error, "the homeserver did not hear that a round was left");
        }
        if !self.scene.is_over() {
            self.scene.phase = RoundPhase::Ended { why: RoundEnd::Lost };
        }
        self.tell();
        self.gallery.close();
    }

    async fn take(&mut self, meeting: &Meeting, voice: &mut Sounds, event: MeetingEvent) {
        match event {
            MeetingEvent::Members(members) => {
                self.ears.set_members(&members.iter().map(|member| member.id.clone()).collect());
                // Who came in anew under the same name counts from the beginning, and has heard nothing.
                for member in members.iter().filter(|member| self.scene.came_anew(member)) {
                    self.ears.forget(&member.id);
                    self.met.retain(|who| who != &member.id);
                    self.showing.lose(&member.id);
                }
                self.scene.set_members(members);
                if let Some(me) = self.scene.here() {
                    self.showing.set_me(me.clone());
                }
            }
            MeetingEvent::Unsigned(who) => self.scene.set_unsigned(who),
            MeetingEvent::Media(Event::Fact(fact)) => self.take_fact(meeting, voice, fact).await,
            MeetingEvent::Media(Event::Standing(standing)) => {
                self.greet(meeting, &standing).await;
                self.scene.set_standing(standing);
            }
            MeetingEvent::Media(Event::Word(word)) => {
                self.hear(&word);
                if let Some(what) = self.asked.take() {
                    self.do_as_asked(meeting, voice, what).await;
                }
            }
            // The meeting sees to keys by itself.
            MeetingEvent::Media(Event::OwnKeyDue { .. } | Event::KeyMissing(_)) => {}
        }
    }

    async fn take_fact(&mut self, meeting: &Meeting, voice: &mut Sounds, fact: Fact) {
        if let Fact::Own { cid, what } = &fact {
            match what {
                OwnFact::Wanted(wanted) => {
                    let films = self.camera.iter().chain(&self.screen);
                    for film in films.filter(|film| film.cid() == cid) {
                        film.set_wanted(wanted);
                    }
                }
                OwnFact::MutedByServer => self.stop(meeting, voice, cid, MediaStopped::ByServer).await,
                OwnFact::Refused(_) => self.stop(meeting, voice, cid, MediaStopped::Refused).await,
                // This person's own wish to end it names none that is there.
                OwnFact::Unpublished if cid != MICROPHONE => {
                    self.stop(meeting, voice, cid, MediaStopped::ByServer).await;
                }
                OwnFact::Published { .. } | OwnFact::Subscribed | OwnFact::Unpublished => {}
            }
        }
        // Another peer connection has another memory of who wants what.
        if let Fact::Joined(joined) = &fact
            && joined.again
        {
            for film in self.camera.iter().chain(&self.screen) {
                film.want_all();
            }
        }
        if let (Fact::TokenRefreshed(token), Some(power)) = (&fact, &mut self.power) {
            power.renew(token.clone());
        }
        // Whoever has just come to the media server did not hear what was said before.
        if let Fact::Person(_) = fact {
            self.me_again = ME_AGAIN;
        }
        self.scene.take(fact, &Timestamp::now().to_string());
    }

    /// What this person sends by this track goes off against their wish, and they are told.
    async fn stop(&mut self, meeting: &Meeting, voice: &mut Sounds, cid: &str, why: MediaStopped) {
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

    async fn act(&mut self, meeting: &Meeting, voice: &mut Sounds, act: Act) {
        match act {
            Act::Microphone(on) => {
                self.set_microphone(meeting, voice, on).await;
            }
            Act::Choose(choice) => {
                voice.choose(&choice);
                if let Chosen::Camera(choice) = choice {
                    let another = self.choices.camera != choice;
                    self.choices.camera = choice;
                    if another && self.camera.is_some() {
                        self.close_camera(meeting).await;
                        self.open_camera(meeting).await;
                    }
                }
            }
            Act::Camera(true) => {
                if self.camera.is_none() {
                    self.open_camera(meeting).await;
                }
            }
            Act::Share(surface) => {
                self.close_screen(meeting).await;
                let system = self.desk.0.capture.clone();
                self.quiet = Some(self.desk.quiet());
                let opens = Box::new(move || open_surface(&system, &surface));
                self.screen = Some(Film::of_screen(&self.films, opens));
                self.scene.screen = OwnMediaView::Opening;
                if self.desk.is_locked() {
                    self.close_screen(meeting).await;
                    self.scene.screen = OwnMediaView::Off;
                }
            }
            Act::StopSharing => {
                self.scene.screen = OwnMediaView::Off;
                self.close_screen(meeting).await;
            }
            Act::Camera(false) => {
                self.scene.camera = OwnMediaView::Off;
                self.close_camera(meeting).await;
            }
            Act::Hand(up) => {
                let now_ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
                let _after = self.scene.set_own_hand(up, now_ms);
                self.say_me(meeting, Vec::new()).await;
                self.me_again = ME_AGAIN;
            }
            Act::Present { case, patient } => {
                let moderates = self.moderates_here();
                self.showing.present(case, patient, moderates, Instant::now());
            }
            Act::StopPresenting => self.showing.stop(Instant::now()),
            Act::HandOver(who) if self.scene.is_member(&who) => {
                let moderates = self.moderates_here();
                self.showing.hand_over(who, moderates, Instant::now());
            }
            // They have left meanwhile.
            Act::HandOver(_) => {}
            Act::OpenPresentedCase(number) => self.showing.open_case(number),
            Act::Volume(who, volume) => self.scene.set_volume(who, volume),
            Act::Way(tell) => {
                let there = self.scene.there().is_some();
                // Who asked may have gone.
                let _gone = tell.send(self.travel.view(meeting.media(), there, self.made_up).await);
            }
            Act::Moderate(what, done) => {
                // Whoever was sent out was so by the conversation's own rules.
                let may = matches!(what, Moderation::SendOut(_)) || self.moderates_here();
                let said = may && self.moderate(meeting, what).await;
                // Who asked may have gone.
                let _gone = done.send(said);
            }
            // The stay has seen to these.
            Act::Leave | Act::Show(..) | Act::Seen(_) => {}
            Act::Allow(who) => {
                meeting.allow(&who).await;
                self.scene.allow(&who);
            }
        }
    }

    /// A desk that locks stops what is filmed, and what begins to be filmed after that sees the lock.
    async fn open_camera(&mut self, meeting: &Meeting) {
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
    async fn close_camera(&mut self, meeting: &Meeting) {
        if let Some(camera) = self.camera.take() {
            meeting.media().unpublish(camera.cid()).await;
        }
    }

    async fn close_screen(&mut self, meeting: &Meeting) {
        self.quiet = None;
        if let Some(screen) = self.screen.take() {
            meeting.media().unpublish(screen.cid()).await;
        }
    }

    /// What was wanted before the desk locked may come here after it.
    async fn set_microphone(&mut self, meeting: &Meeting, voice: &mut Sounds, on: bool) {
        let desk = self.desk.clone();
        let may = move || !desk.is_locked();
        let seen = voice.set_microphone(meeting.media(), on, may).await;
        self.set_seen_microphone(seen);
    }

    fn set_seen_microphone(&mut self, seen: OwnMediaView) {
        if self.scene.microphone != seen {
            self.advisor.set_microphone(matches!(seen, OwnMediaView::On { .. } | OwnMediaView::Opening));
        }
        self.scene.microphone = seen;
    }

    /// What the way to the server carries is shared out among what is sent, and what it lacks is told.
    fn look_at_way(&mut self, meeting: &Meeting, voice: &mut Sounds) {
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
    async fn look_at_films(&mut self, meeting: &Meeting) {
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

    async fn settle_camera(&mut self, meeting: &Meeting) {
        let Some(camera) = &mut self.camera else { return };
        self.scene.camera = camera.settle(meeting.media()).await;
        if let OwnMediaView::Stopped { .. } = self.scene.camera {
            self.close_camera(meeting).await;
        }
    }

    async fn settle_screen(&mut self, meeting: &Meeting) {
        let Some(screen) = &mut self.screen else { return };
        self.scene.screen = screen.settle(meeting.media()).await;
        if let OwnMediaView::Stopped { .. } = self.scene.screen {
            self.close_screen(meeting).await;
        }
    }

    async fn wish(&mut self, meeting: &Meeting, wish: Wish) {
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

    /// Tells this person's own state to whoever can hear it for the first time.
    async fn greet(&mut self, meeting: &Meeting, standing: &[(MemberId, State)]) {
        let there: Vec<_> = standing.iter().filter(|(_, state)| *state == State::Encrypted).collect();
        self.met.retain(|who| standing.iter().any(|(there, _)| there == who));
        let new: Vec<_> = there.into_iter().map(|(who, _)| who.clone()).filter(|who| !self.met.contains(who)).collect();
        if new.is_empty() {
            return;
        }
        // Where it does not go out, since the way is still being made, it does with the next look.
        self.say_me(meeting, new.clone()).await;
        self.me_again = ME_AGAIN;
        for who in &new {
            self.showing.greet(who, Instant::now());
        }
        self.met.extend(new);
    }

    async fn say_me(&mut self, meeting: &Meeting, to: Vec<MemberId>) -> bool {
        self.words += 1;
        let said = json!({"seq": self.words, "hand": self.scene.own_hand_after(), "deaf": false});
        let Value::Object(said) = said else { return false };
        self.say(meeting, Topic::Me, None, said, to).await
    }

    /// True when it went out.
    async fn say(
        &self,
        meeting: &Meeting,
        topic: Topic,
        case: Option<String>,
        mut said: Map<String, Value>,
        to: Vec<MemberId>,
    ) -> bool {
        said.insert("v".to_owned(), json!(1));
        said.insert("session".to_owned(), json!(self.scene.conversation));
        said.insert("case".to_owned(), json!(case));
        let said = Value::Object(said).to_string().into_bytes();
        match meeting.media().say(topic.name(), said, !topic.is_lossy(), to).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%error, topic = topic.name(), "something was not said");
                false
            }
        }
    }

    fn hear(&mut self, word: &Word) {
        if !self.scene.is_member(&word.from) {
            return;
        }
        let now = Instant::now();
        let heard = self.ears.hear(&word.from, &word.topic, &word.payload, &self.scene.conversation, now);
        if let Some(heard) = heard {
            self.listen(&heard, now);
        }
    }

    fn listen(&mut self, heard: &Heard, now: Instant) {
        if heard.topic == Topic::Me {
            self.scene.set_hand(&heard.from, heard.said["hand"].as_u64());
            self.scene.set_shows(heard.from.clone());
            return;
        }
        if heard.topic == Topic::Ask {
            self.listen_to_moderator(heard);
            return;
        }
        if heard.topic == Topic::Show {
            // It may have come to the conversation since.
            self.showing.set_own_case(self.desk.shown_case(&self.scene.conversation));
        }
        let moderates = self.scene.moderates(&heard.from);
        self.showing.hear(heard, moderates, now);
        self.showing.tick(now);
    }

    fn listen_to_moderator(&mut self, Heard { from, said, .. }: &Heard) {
        if !self.scene.moderates(from) {
            return;
        }
        let who = said["who"].as_str().and_then(|who| MemberId::parse(who).ok());
        let here = who.is_some() && who.as_ref() == self.scene.here();
        match (said["what"].as_str(), who) {
            (Some("end"), _) => self.asked = Some(Asked::End),
            (Some("mute"), Some(_)) if here => self.asked = Some(Asked::Mute),
            (Some("unhand"), Some(_)) if here => self.asked = Some(Asked::LowerHand),
            (Some("mute"), Some(who)) => self.scene.hush(who),
            (Some("unhand"), Some(who)) => self.scene.set_hand(&who, None),
            _ => {}
        }
    }

    async fn do_as_asked(&mut self, meeting: &Meeting, voice: &mut Sounds, asked: Asked) {
        match asked {
            Asked::Mute => {
                // Also where it is muted already, and open to notice who speaks.
                voice.fall_silent();
                let on = matches!(self.scene.microphone, OwnMediaView::On { .. } | OwnMediaView::Opening);
                if on {
                    self.set_microphone(meeting, voice, false).await;
                    self.stop(meeting, voice, MICROPHONE, MediaStopped::ByServer).await;
                }
            }
            Asked::LowerHand => {
                let _none = self.scene.set_own_hand(false, 0);
                self.say_me(meeting, Vec::new()).await;
                self.me_again = ME_AGAIN;
            }
            Asked::End => self.scene.phase = RoundPhase::Ended { why: RoundEnd::Closed },
        }
    }

    /// True when the others were told.
    async fn moderate(&mut self, meeting: &Meeting, what: Moderation) -> bool {
        match what {
            Moderation::Mute(who) => {
                let said = self.ask(meeting, "mute", Some(&who)).await;
                if let Some(track) = self.scene.microphone_of(&who) {
                    let muted = who.clone();
                    self.enforce(|power| async move { power.mute(&muted, &track).await });
                }
                if said {
                    self.scene.hush(who);
                }
                said
            }
            Moderation::LowerHand(who) => {
                let said = self.ask(meeting, "unhand", Some(&who)).await;
                if said {
                    self.scene.set_hand(&who, None);
                }
                said
            }
            Moderation::SendOut(who) => {
                self.send_out(self.scene.devices_of(&who), true);
                true
            }
            Moderation::End => {
                let said = self.ask(meeting, "end", None).await || self.power.is_some();
                if said {
                    // Who leaves at once takes the word along that is still on its way.
                    tokio::time::sleep(FAREWELL).await;
                    // Some programs do not know the word.
                    self.send_out(self.scene.others(), false);
                    self.scene.phase = RoundPhase::Ended { why: RoundEnd::Closed };
                }
                said
            }
        }
    }

    fn send_out(&self, devices: Vec<MemberId>, for_good: bool) {
        self.enforce(|power| async move {
            let mut all = Ok(());
            for device in &devices {
                match power.send_out(device, for_good).await {
                    Ok(()) | Err(PowerError::NotThere) => {}
                    Err(error) => all = Err(error),
                }
            }
            all
        });
    }

    /// Has the media server do it too, where it takes this person's word for it: not every program does as it is asked.
    fn enforce<F>(&self, act: impl FnOnce(Power) -> F)
    where
        F: Future<Output = Result<(), PowerError>> + Send + 'static,
    {
        let Some(doing) = self.power.clone().map(act) else { return };
        // It goes on when the round is over, as the end for all does, and has an end of its own.
        tokio::spawn(async move {
            match doing.await {
                // They have gone, or do not speak, by themselves.
                Ok(()) | Err(PowerError::NotThere) => {}
                Err(error) => tracing::warn!(%error, "the media server did not do what a moderator wanted"),
            }
        });
    }

    async fn ask(&mut self, meeting: &Meeting, what: &str, who: Option<&MemberId>) -> bool {
        self.asks += 1;
        let said = json!({"seq": self.asks, "what": what, "who": who.map(MemberId::as_str)});
        let Value::Object(said) = said else { return false };
        self.say(meeting, Topic::Ask, None, said, Vec::new()).await
    }

    fn moderates_here(&self) -> bool {
        self.scene.here().is_some_and(|me| self.scene.moderates(me))
    }

    /// What came of words and wishes about images.
    async fn carry_out(&mut self, meeting: &Meeting) {
        for out in self.showing.take_out() {
            match out {
                Out::Say { topic, case, said, to } => {
                    let _said = self.say(meeting, topic, case, said, to).await;
                }
                Out::Tell { patient, presentation } => self.desk.tell_presented(self.entry, patient, presentation),
                Out::Find(case) => {
                    let (desk, find) = (self.desk.clone(), self.find.clone());
                    tokio::spawn(async move {
                        let found = in_time(desk.find_shown_case(&case)).await;
                        // Where nobody waits for it the round is over.
                        let _over = find.send((case, found)).await;
                    });
                }
            }
        }
    }

    /// The view, and the tracks that it names.
    fn show(&mut self) {
        self.scene.advice = self.advisor.advice(Instant::now());
        self.scene.may_present = self.showing.may_present(self.moderates_here());
        self.scene.presenting = self.showing.view();
        if !self.showing.is_shown() {
            self.desk.forget_presented(self.entry);
        }
        let mut tracks = self.scene.pictures();
        if self.camera.is_some() {
            tracks.push((self.scene.own_picture(), OWN_PICTURE.to_owned()));
        }
        self.gallery.set_tracks(tracks);
        // Whoever hears of a picture may ask for it at once.
        self.tell();
    }

    fn tell(&mut self) {
        self.desk.tell_round(self.entry, self.scene.view());
    }
}

async fn changed(film: &mut Option<Film>) {
    match film {
        Some(film) => film.changed().await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

async fn in_time<T>(doing: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = |_elapsed| Failure::new(contract::FailureCode::PlatformUnreachable, "no answer in time");
    tokio::time::timeout(PATIENCE, doing).await.map_err(late)?
}
