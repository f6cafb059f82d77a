//! One stay in a round, from the wish to enter until it is over: what happens is put into the scene, and what the person
//! wants is done.

mod moderating;
mod sending;
mod words;

use super::advice::Advisor;
use super::devices::{Choices, Chosen, open_surface};
use super::ears::Ears;
use super::film::{Cameras, Film, Films};
use super::pictures::{Gallery, Wish};
use super::scene::{OWN_PICTURE, Scene};
use super::showing::Showing;
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
use rounds::{Event, Power, Ticket};
use rounds_proto::signal::{Fact, OwnFact};
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
/// A way that was broken for so long has been missed by the others.
const MISSED: Duration = Duration::from_secs(3);
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
        let left = self.is_left(&from);
        let wants = if left { Vec::new() } else { wants };
        if !left && !meeting.members().await.iter().any(|member| !member.here) {
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
                    Some(_) if self.is_left(&from) => break,
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

    /// Whoever waits to say what they want keeps the queue open when the seat is left, so that alone does not tell.
    fn is_left(&self, from: &Wants) -> bool {
        from.acts.is_closed() || self.mouth.is_over()
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
