//! One stay in a round, from the wish to enter until it is over: what happens is put into the scene, and what the person
//! wants is done.

use super::camera::{CAMERA, Camera, TestCard};
use super::pictures::{Gallery, Wish};
use super::scene::{OWN_PICTURE, Scene};
use super::voice::{Choices, MICROPHONE, Sounds};
use super::way::{self, Entered, Found};
use super::{Meeting, MeetingEvent};
use crate::Desk;
use crate::chat::Up;
use contract::{Entering, Failure, MediaStopped, OwnMediaView, RoundDeviceKind, RoundEnd, RoundPhase};
use jiff::Timestamp;
use model::round::MemberId;
use rounds::{Event, Ticket, Word};
use rounds_proto::frame::State;
use rounds_proto::signal::{Fact, OwnFact};
use serde_json::{Value, json};
use sound::Choice;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Acts that wait; whoever has more waits too.
const ACTS: usize = 32;
/// What happens together is told together.
const GATHER: Duration = Duration::from_millis(60);
/// How often the line is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// The homeserver and the media server have to answer in this time while somebody enters.
const PATIENCE: Duration = Duration::from_secs(30);
/// What somebody's program says of its own person.
const ME: &str = "konsil.me";

/// What the person wants.
#[derive(Debug)]
pub(super) enum Act {
    Microphone(bool),
    Camera(bool),
    Hand(bool),
    Allow(MemberId),
    Choose(RoundDeviceKind, Choice),
    Leave,
}

/// This person's place in a round. Dropping it leaves.
pub(super) struct Seat {
    pub(super) acts: mpsc::Sender<Act>,
    pub(super) gallery: Gallery,
}

impl Drop for Seat {
    fn drop(&mut self) {
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
        choices: Choices,
    ) -> Self {
        let (acts, wanted) = mpsc::channel(ACTS);
        let (gallery, wished) = Gallery::new();
        let name = desk.conversation_name(&conversation);
        let patient = desk.patient_of(&conversation);
        let stay = Stay {
            scene: Scene::new(conversation, name, patient),
            gallery: gallery.clone(),
            desk,
            entry,
            camera: None,
            choices,
            words: 0,
            heard: BTreeMap::new(),
            met: Vec::new(),
        };
        tokio::spawn(stay.attend(up, camera, wanted, wished));
        Self { acts, gallery }
    }
}

struct Stay {
    desk: Desk,
    entry: u64,
    scene: Scene,
    gallery: Gallery,
    camera: Option<Camera>,
    choices: Choices,
    /// Words that were said under [`ME`].
    words: u64,
    /// The last number of each person's words under [`ME`]; an older one is not looked at.
    heard: BTreeMap<MemberId, u64>,
    /// Whom this person's own state was told.
    met: Vec<MemberId>,
}

impl Stay {
    async fn attend(mut self, up: Arc<Up>, camera: bool, mut acts: mpsc::Receiver<Act>, wished: mpsc::Receiver<Wish>) {
        self.tell();
        // What is wanted meanwhile: nobody has to wait for it.
        let mut wants = Vec::new();
        let allowed = {
            let way = self.ask_in(&up);
            tokio::pin!(way);
            loop {
                tokio::select! {
                    allowed = &mut way => break allowed,
                    act = acts.recv() => match act {
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
                self.stay(entered, wants, acts, wished).await;
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

    async fn stay(
        mut self,
        entered: Entered,
        wants: Vec<Act>,
        mut acts: mpsc::Receiver<Act>,
        mut wished: mpsc::Receiver<Wish>,
    ) {
        let Entered { meeting, mut told, mut pictures, mut sounds, began } = entered;
        let mut voice = Sounds::start(&self.desk.0.sound, self.choices.clone(), began);
        for want in wants {
            self.act(&meeting, &mut voice, want).await;
        }
        self.show();
        let mut look = tokio::time::interval(LOOK);
        // When what has changed is told; sound and pictures come so often that a pause among them may never be.
        let mut untold: Option<Instant> = None;
        let soon = |untold: Option<Instant>| untold.or_else(|| Instant::now().checked_add(GATHER));
        loop {
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
                act = acts.recv() => match act {
                    Some(Act::Leave) | None => break,
                    Some(act) => {
                        self.act(&meeting, &mut voice, act).await;
                        untold = soon(untold);
                    }
                },
                Some(picture) = pictures.recv() => self.gallery.put(&picture.track, &picture),
                Some(sound) = sounds.recv() => voice.put(sound),
                () = voice.changed() => {
                    self.scene.microphone = voice.microphone();
                    untold = soon(untold);
                }
                Some(wish) = wished.recv() => self.wish(&meeting, wish).await,
                _ = look.tick() => {
                    let way = meeting.media().way();
                    voice.set_loss(way.loss);
                    if let Some(camera) = &self.camera {
                        camera.set_line(way.carries);
                    }
                }
                () = until(untold) => {
                    untold = None;
                    self.show();
                    voice.keep(&self.scene.voices());
                }
            }
        }
        // Nobody is to see or hear this person any longer, whatever the servers say. Devices take their time to close.
        self.camera = None;
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
            MeetingEvent::Members(members) => self.scene.set_members(members),
            MeetingEvent::Unsigned(who) => self.scene.set_unsigned(who),
            MeetingEvent::Media(Event::Fact(fact)) => self.take_fact(meeting, voice, fact).await,
            MeetingEvent::Media(Event::Standing(standing)) => {
                self.greet(meeting, &standing).await;
                self.scene.set_standing(standing);
            }
            MeetingEvent::Media(Event::Word(word)) => self.hear(&word),
            // The meeting sees to keys by itself.
            MeetingEvent::Media(Event::OwnKeyDue { .. } | Event::KeyMissing(_)) => {}
        }
    }

    async fn take_fact(&mut self, meeting: &Meeting, voice: &mut Sounds, fact: Fact) {
        if let Fact::Own { cid, what } = &fact {
            match what {
                OwnFact::Wanted(wanted) => {
                    if let Some(camera) = self.camera.as_ref().filter(|_| cid == CAMERA) {
                        camera.set_wanted(wanted);
                    }
                }
                OwnFact::MutedByServer => self.stop(meeting, voice, cid, MediaStopped::ByServer).await,
                OwnFact::Refused(_) => self.stop(meeting, voice, cid, MediaStopped::Refused).await,
                OwnFact::Published { .. } | OwnFact::Subscribed | OwnFact::Unpublished => {}
            }
        }
        self.scene.take(fact, &Timestamp::now().to_string());
    }

    /// What this person sends by this track goes off against their wish, and they are told.
    async fn stop(&mut self, meeting: &Meeting, voice: &mut Sounds, cid: &str, why: MediaStopped) {
        match cid {
            MICROPHONE => self.scene.microphone = voice.stop_microphone(why),
            CAMERA => {
                self.camera = None;
                self.scene.camera = OwnMediaView::Stopped { why };
                // Switched on again it is another track.
                meeting.media().unpublish(CAMERA).await;
            }
            _ => {}
        }
    }

    async fn act(&mut self, meeting: &Meeting, voice: &mut Sounds, act: Act) {
        match act {
            Act::Microphone(on) => self.scene.microphone = voice.set_microphone(meeting.media(), on).await,
            Act::Choose(what, choice) => voice.choose(what, choice),
            Act::Camera(true) => {
                if self.camera.is_none() {
                    let source = Box::new(TestCard::new());
                    self.camera = Some(Camera::start(meeting.media(), self.gallery.clone(), source).await);
                    self.scene.camera = OwnMediaView::On { device: None };
                }
            }
            Act::Camera(false) => {
                self.camera = None;
                self.scene.camera = OwnMediaView::Off;
                meeting.media().unpublish(CAMERA).await;
            }
            Act::Hand(up) => {
                let now_ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
                let _after = self.scene.set_own_hand(up, now_ms);
                self.say_me(meeting, Vec::new()).await;
            }
            // It ends the stay, which has seen to it.
            Act::Leave => {}
            Act::Allow(who) => {
                meeting.allow(&who).await;
                self.scene.allow(&who);
            }
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
        if !new.is_empty() && self.say_me(meeting, new.clone()).await {
            self.met.extend(new);
        }
    }

    async fn say_me(&mut self, meeting: &Meeting, to: Vec<MemberId>) -> bool {
        self.words += 1;
        let said = json!({
            "v": 1, "session": self.scene.conversation, "case": null, "seq": self.words,
            "hand": self.scene.own_hand_after(), "deaf": false,
        });
        match meeting.media().say(ME, said.to_string().into_bytes(), true, to).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%error, "the own state was not told");
                false
            }
        }
    }

    fn hear(&mut self, word: &Word) {
        if word.topic != ME {
            return;
        }
        let Ok(said) = serde_json::from_slice::<Value>(&word.payload) else { return };
        let Some(number) = said["seq"].as_u64() else { return };
        let last = self.heard.entry(word.from.clone()).or_default();
        if said["v"] != 1 || number <= *last {
            return;
        }
        *last = number;
        self.scene.set_hand(&word.from, said["hand"].as_u64());
    }

    /// The view, and the tracks that it names.
    fn show(&mut self) {
        self.tell();
        let mut tracks = self.scene.pictures();
        if self.camera.is_some() {
            tracks.push((self.scene.own_picture(), OWN_PICTURE.to_owned()));
        }
        self.gallery.set_tracks(tracks);
    }

    fn tell(&mut self) {
        self.desk.tell_round(self.entry, self.scene.view());
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
