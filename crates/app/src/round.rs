//! Rounds at the desk: which go on, the one that this person is in, and what they do in it.
//!
//! ```text
//!             finding      asking       joining
//! Enter ─▶ [way] transports ─▶ ticket ─▶ tim::Round + rounds::Round ─▶ Meeting
//!                                                                        │ MeetingEvent
//!   page ── RoundStep ─▶ Act ─▶ [attend] ◀──────────────────────────────┘
//!                                  │ Scene ─▶ RoundsChanged        Gallery ─▶ door of pictures
//! ```
//!
//! [`Meeting`] joins the conversation's half of a round with the media server's; [`scene`] makes the view of what both
//! say and is pure; [`pictures`] carries pictures to the page; [`film`] is what this person is seen by. [`showing`] is
//! what somebody shows of a case's images, by the words of [`ears`].

mod advice;
mod attend;
mod calls;
mod check;
mod devices;
mod ears;
mod film;
mod houses;
mod leading;
mod meeting;
mod pictures;
mod presentation;
mod scene;
mod showing;
mod sight;
mod travel;
mod voice;
mod way;

pub(crate) use devices::KeptDevices;
pub use meeting::{Meeting, MeetingEvent};

use crate::Desk;
use crate::chat::{Up, sender};
use attend::{Act, Moderation, Seat};
use calls::{Call, Calls};
use check::{Check, UNWATCHED};
use contract::{
    Event, Failure, FailureCode, NotSeen, Presentation, PresentedView, Reply, RoundCallView, RoundDevicesView,
    RoundStep, RoundView, RoundsView, RunningRoundView, SeenView,
};
use devices::{Choices, Chosen, cameras_listed, listed};
use film::Cameras;
use houses::Houses;
use jiff::Timestamp;
use model::device::{DeviceError, DeviceId};
use model::round::MemberId;
use sight::Sight;
use sound::Devices;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tim::{CallNews, Running};
use tokio::sync::oneshot;

/// A membership that nobody ended ends by its time: looked at so often.
const LOOK: Duration = Duration::from_secs(60);
/// How long whoever signs out waits for a round to be left.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long the pictures of what can be shown are waited for.
const SURFACES_PATIENCE: Duration = Duration::from_secs(10);
/// What happens together is told together.
const GATHER: Duration = Duration::from_millis(60);

/// The rounds of a desk.
#[derive(Default)]
pub(crate) struct Rounds {
    state: Mutex<State>,
    /// One at a time, so that nothing older is told after something newer.
    telling: Mutex<()>,
    cameras: Cameras,
}

#[derive(Default)]
struct State {
    offered: bool,
    running: Vec<Running>,
    seat: Option<Seat>,
    /// Of the seat, as it was last told.
    round: Option<RoundView>,
    /// Shown in that round at last.
    presented: Option<PresentedView>,
    /// Counts what was shown.
    shown: u32,
    /// Counts entries: what belongs to a former one is not taken for the present.
    entries: u64,
    calls: Calls,
    houses: Houses,
    /// Before a round.
    check: Option<Check>,
    sight: Option<Sight>,
    told: Option<RoundsView>,
}

impl State {
    /// The conversation whose round this person is in, or on the way into.
    fn entered(&self) -> Option<&str> {
        let round = self.round.as_ref().filter(|round| goes_on(round));
        round.map(|round| round.conversation.as_str())
    }

    /// In a round the others would hear and see it, and the devices are in use.
    fn may_check(&self) -> Result<(), Failure> {
        let goes_on = self.entered().is_some();
        (!goes_on).then_some(()).ok_or_else(|| Failure::new(FailureCode::NotAllowed, "a round goes on"))
    }
}

impl Rounds {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Everything that the page asks about rounds.
    pub(crate) async fn round(&self, step: RoundStep) -> Result<Reply, Failure> {
        match step {
            RoundStep::OpenDevices => Ok(Reply::RoundDevices(self.round_devices().await)),
            RoundStep::ChooseDevice { what, device } => {
                let mut chosen = None;
                self.change_settings_quietly(|settings| chosen = settings.devices.take(what, &device));
                let choices = self.device_choices();
                if let Some(check) = &self.0.rounds.state().check {
                    check.choose(&choices);
                }
                if let Some(Chosen::Camera(_)) = &chosen {
                    // The next look opens it.
                    self.0.rounds.state().sight = None;
                }
                if let Some(chosen) = chosen {
                    // Without a round it is for the next one.
                    let _no_round = self.act(Act::Choose(chosen)).await;
                }
                Ok(Reply::RoundDevices(self.round_devices().await))
            }
            RoundStep::Check { listen } => self.check_devices(|check| Reply::RoundCheck(check.look(listen))),
            RoundStep::PlayTone => self.check_devices(|check| {
                check.play_tone();
                Reply::Done
            }),
            RoundStep::CheckCamera => self.check_camera(),
            RoundStep::EndCheck => {
                self.end_check();
                Ok(Reply::Done)
            }
            RoundStep::Enter { conversation, camera } => self.enter_round(&conversation, camera).map(|()| Reply::Done),
            RoundStep::Decline { conversation } => {
                let up = self.up()?;
                let id = self.0.rounds.state().calls.of(&conversation).map(|call| call.id.clone());
                // It has ended meanwhile.
                let Some(id) = id else { return Ok(Reply::Done) };
                Box::pin(up.account().decline(&conversation, &id)).await.map_err(|error| way::of_round(&error))?;
                self.0.rounds.state().calls.answer(&conversation, &id);
                self.tell_rounds();
                Ok(Reply::Done)
            }
            RoundStep::Leave => {
                self.leave_round();
                Ok(Reply::Done)
            }
            RoundStep::SetMicrophone { on } => {
                if let Some(seat) = self.0.rounds.state().seat.as_ref().filter(|_| !on) {
                    // Whatever else is under way.
                    seat.mouth.mute();
                }
                self.act(Act::Microphone(on)).await
            }
            RoundStep::SetCamera { on } => self.act(Act::Camera(on)).await,
            RoundStep::OpenSurfaces => {
                let system = self.0.capture.clone();
                let looked = tokio::task::spawn_blocking(move || devices::surfaces(&system));
                let failed = || Failure::new(FailureCode::Internal, "the screens could not be looked at");
                // A window that hangs may never answer; whoever looks is told and can look again.
                let looked = tokio::time::timeout(SURFACES_PATIENCE, looked).await.map_err(|_late| failed())?;
                Ok(Reply::RoundSurfaces(looked.map_err(|_panicked| failed())?))
            }
            RoundStep::ShareSurface { surface } => {
                let id = DeviceId::parse(&surface);
                let id = id.ok_or_else(|| Failure::new(FailureCode::InvalidInput, "that is no screen"))?;
                self.act(Act::Share(id)).await
            }
            RoundStep::OpenWay => {
                let (tell, told) = oneshot::channel();
                self.act(Act::Way(tell)).await?;
                Ok(Reply::RoundWay(told.await.map_err(|_over| no_round())?))
            }
            RoundStep::StopSharing => self.act(Act::StopSharing).await,
            RoundStep::SetHand { up } => self.act(Act::Hand(up)).await,
            RoundStep::Allow { person } => self.act(Act::Allow(member(&person)?)).await,
            RoundStep::OpenPictures => {
                let gallery = self.0.rounds.state().seat.as_ref().map(|seat| seat.gallery.clone());
                let gallery = gallery.ok_or_else(no_round)?;
                let socket = gallery.serve(&self.0.files);
                Ok(Reply::PictureDoor(contract::PictureDoorView { socket }))
            }
            RoundStep::Present { patient } => {
                let may = self.0.rounds.state().round.as_ref().map(|round| round.may_present);
                if !may.ok_or_else(no_round)? {
                    return Err(Failure::new(FailureCode::NotAllowed, "somebody else shows images"));
                }
                // Asking the record is deep.
                let case = Box::pin(self.shown_case_of(&patient)).await?;
                self.act(Act::Present { case, patient }).await
            }
            RoundStep::SetVolume { person, volume } => self.act(Act::Volume(member(&person)?, volume)).await,
            RoundStep::Mute { person } => self.moderate(Moderation::Mute(member(&person)?)).await,
            RoundStep::LowerHand { person } => self.moderate(Moderation::LowerHand(member(&person)?)).await,
            RoundStep::Remove { person } => {
                self.moderating()?;
                let who = member(&person)?;
                let (conversation, user) = {
                    let state = self.0.rounds.state();
                    let round = state.round.as_ref().ok_or_else(no_round)?;
                    let known = round.people.iter().find(|known| known.id == who.as_str());
                    (round.conversation.clone(), known.map(|known| known.person.id.clone()))
                };
                let user = user.ok_or_else(|| Failure::new(FailureCode::NotFound, "nobody of that name is there"))?;
                Box::pin(self.remove_from_conversation(&conversation, &user)).await?;
                // The media server hears of it at once where it takes this person's word; else the key is another from now on.
                let (tell, _told) = oneshot::channel();
                let _over = self.act(Act::Moderate(Moderation::SendOut(user), tell)).await;
                Ok(Reply::Done)
            }
            RoundStep::EndForAll => self.moderate(Moderation::End).await,
            RoundStep::StopPresenting => self.act(Act::StopPresenting).await,
            RoundStep::HandOver { person } => self.act(Act::HandOver(member(&person)?)).await,
            RoundStep::Show { patient, presentation } => self.act(Act::Show(patient, Box::new(presentation))).await,
            RoundStep::OpenPresented => Ok(Reply::Presented(self.0.rounds.state().presented.clone())),
            RoundStep::OpenPresentedCase { number } => self.act(Act::OpenPresentedCase(number)).await,
            RoundStep::Seen { seen } => self.act(Act::Seen(seen)).await,
        }
    }

    fn moderating(&self) -> Result<(), Failure> {
        let moderates = self.0.rounds.state().round.as_ref().is_some_and(|round| round.moderates);
        moderates.then_some(()).ok_or_else(|| Failure::new(FailureCode::NotAllowed, "only for moderators"))
    }

    async fn moderate(&self, what: Moderation) -> Result<Reply, Failure> {
        self.moderating()?;
        let (tell, told) = oneshot::channel();
        self.act(Act::Moderate(what, tell)).await?;
        let said = told.await.map_err(|_over| no_round())?;
        let unsaid = || Failure::new(FailureCode::PlatformUnreachable, "the others could not be told");
        said.then_some(Reply::Done).ok_or_else(unsaid)
    }

    async fn act(&self, act: Act) -> Result<Reply, Failure> {
        let acts = self.0.rounds.state().seat.as_ref().map(|seat| seat.acts.clone());
        let acts = acts.ok_or_else(no_round)?;
        acts.send(act).await.map_err(|_over| no_round())?;
        Ok(Reply::Done)
    }

    fn enter_round(&self, conversation: &str, camera: bool) -> Result<(), Failure> {
        let up = self.up()?;
        self.end_check();
        let choices = (self.device_choices(), self.0.rounds.cameras.clone());
        let mut state = self.0.rounds.state();
        if state.entered() == Some(conversation) {
            return Ok(());
        }
        (state.entries, state.presented) = (state.entries + 1, None);
        state.calls.begin();
        state.houses.begin();
        state.calls.follow(conversation);
        let entry = state.entries;
        // One that this person is still in is left by its dropping.
        let former = state.seat.replace(Seat::take(self.clone(), up, conversation.to_owned(), camera, entry, choices));
        drop(state);
        drop(former);
        Ok(())
    }

    /// Leaves the round, or forgets one that has ended.
    pub(crate) fn leave_round(&self) {
        let seat = {
            let mut state = self.0.rounds.state();
            (state.round, state.presented, state.entries) = (None, None, state.entries + 1);
            state.seat.take()
        };
        drop(seat);
        self.tell_rounds();
    }

    /// What the round of an entry looks like now.
    fn tell_round(&self, entry: u64, view: RoundView) {
        {
            let mut state = self.0.rounds.state();
            if state.entries != entry {
                return;
            }
            let unknown = state.houses.unasked(&view.people);
            if !unknown.is_empty() {
                let desk = self.clone();
                // It ends with the round.
                tokio::spawn(async move { desk.look_up(entry, unknown).await });
            }
            state.round = Some(view);
        }
        self.tell_rounds();
    }

    /// What is shown in the round of an entry.
    fn tell_presented(&self, entry: u64, patient: String, presentation: Presentation) {
        let view = {
            let mut state = self.0.rounds.state();
            if state.entries != entry {
                return;
            }
            // They never begin anew: a page has the last one of a former round.
            state.shown += 1;
            let view = PresentedView { serial: state.shown, patient, presentation };
            state.presented = Some(view.clone());
            view
        };
        self.tell(Event::Presented(view));
    }

    /// Nobody shows anything in the round of an entry.
    fn forget_presented(&self, entry: u64) {
        let mut state = self.0.rounds.state();
        if state.entries == entry {
            state.presented = None;
        }
    }

    pub(crate) fn rounds_view(&self) -> RoundsView {
        let state = self.0.rounds.state();
        let (offered, running, mut round) = (state.offered, state.running.clone(), state.round.clone());
        let calls: Vec<Call> = state.calls.going_on(now_ms(), &running, state.entered()).into_iter().cloned().collect();
        if let Some(round) = &mut round {
            for person in &mut round.people {
                state.houses.tell(person);
            }
            let there: Vec<_> = round.people.iter().map(|known| known.person.id.clone()).collect();
            round.declined = state.calls.not_coming(&there).map(sender).collect();
        }
        drop(state);
        if let Some(round) = &mut round {
            round.name = self.conversation_name(&round.conversation);
            round.patient = self.patient_of(&round.conversation);
        }
        let calls = calls.into_iter().map(|call| RoundCallView {
            name: self.conversation_name(&call.room),
            patient: self.patient_of(&call.room),
            person: sender(&call.by),
            direct: call.direct,
            until: instant(call.until_ms),
            conversation: call.room,
        });
        let calls = calls.collect();
        let running = running.iter().map(|running| RunningRoundView {
            conversation: running.room.clone(),
            name: self.conversation_name(&running.room),
            patient: self.patient_of(&running.room),
            people: running.people.iter().map(sender).collect(),
            since: instant(running.since_ms),
        });
        RoundsView { offered, running: running.collect(), calls, round }
    }

    /// Tells them, if they are others than before.
    pub(crate) fn tell_rounds(&self) {
        let _turn = self.0.rounds.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let view = self.rounds_view();
        let ended = {
            let mut state = self.0.rounds.state();
            if state.told.as_ref() == Some(&view) {
                return;
            }
            let before = state.told.replace(view.clone()).and_then(|before| before.round);
            before.is_some_and(|before| goes_on(&before)) && !view.round.as_ref().is_some_and(goes_on)
        };
        self.tell(Event::RoundsChanged(view));
        if ended {
            self.tell_lock();
        }
    }

    /// In a round, or on the way into one.
    pub(crate) fn is_in_round(&self) -> bool {
        self.0.rounds.state().entered().is_some()
    }

    /// A locked screen says whether a round goes on.
    fn tell_lock(&self) {
        if self.is_locked() {
            self.tell_session();
        }
    }

    /// Which rounds there are, as long as chat is there.
    pub(crate) async fn follow_rounds(&self, up: &Up) {
        let mut changes = up.account().running_changes();
        let mut calls = up.account().calls();
        let mut known = false;
        loop {
            let running = up.account().running().await;
            self.0.rounds.state().running = running;
            self.tell_rounds();
            if !known {
                known = self.look_for_media_servers(up).await;
                self.tell_rounds();
            }
            let now_ms = now_ms();
            let call_ends = self.0.rounds.state().calls.next_end_ms(now_ms);
            let call_ends = call_ends.map(|at| Duration::from_millis(at.saturating_sub(now_ms)));
            // What was not to be learned is asked for again with the next look.
            let pause = call_ends.map_or(LOOK, |pause| pause.min(LOOK));
            tokio::select! {
                goes_on = changes.happen() => if !goes_on {
                    return;
                },
                news = calls.next() => match news {
                    Some(news) => self.take_call(up, news).await,
                    None => return,
                },
                () = tokio::time::sleep(pause) => continue,
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    async fn take_call(&self, up: &Up, news: CallNews) {
        match news {
            CallNews::Called { room, id, by, kind, until_ms } => {
                let direct = kind == tim::Kind::Person;
                let call = Call { room: room.clone(), id, by: by.clone(), direct, until_ms };
                if !self.0.rounds.state().calls.called(call, now_ms()) {
                    return;
                }
                // Whoever is in that round, here or elsewhere, needs no notice.
                let running = up.account().running().await;
                let is_call = self.is_called(&room, &running);
                if is_call {
                    self.tell_call(up, &room, kind, by).await;
                }
            }
            CallNews::Declined { room, id, by } => self.0.rounds.state().calls.declined(&room, &id, by),
        }
    }

    fn is_called(&self, room: &str, running: &[Running]) -> bool {
        let state = self.0.rounds.state();
        state.calls.going_on(now_ms(), running, state.entered()).iter().any(|call| call.room == room)
    }

    /// Calls the others of the conversation to the round of an entry, as whoever begins it.
    fn call_others(&self, entry: u64, membership: Arc<tim::Round>) {
        let desk = self.clone();
        tokio::spawn(async move {
            if desk.0.rounds.state().entries != entry {
                return;
            }
            match membership.call().await {
                Ok(id) => {
                    let mut state = desk.0.rounds.state();
                    let room = state.round.as_ref().map(|round| round.conversation.clone());
                    if let Some(room) = room.filter(|_| state.entries == entry) {
                        state.calls.set_own(room, id);
                    }
                }
                // They see that it goes on all the same.
                Err(error) => tracing::warn!(%error, "nobody was called to a round"),
            }
        });
    }

    /// Whether it is known now.
    async fn look_for_media_servers(&self, up: &Up) -> bool {
        match way::services(self, up).await {
            Ok(services) => {
                self.0.rounds.state().offered = !services.is_empty();
                true
            }
            Err(failure) => {
                tracing::warn!(code = ?failure.code, detail = %failure.detail, "whether rounds are held is not known");
                false
            }
        }
    }

    /// Does something with the check, and begins it where none goes on. In a round the others would hear it.
    fn check_devices(&self, with: impl FnOnce(&mut Check) -> Reply) -> Result<Reply, Failure> {
        self.at_work()?;
        let choices = self.device_choices();
        let mut state = self.0.rounds.state();
        state.may_check()?;
        if let Some(check) = &mut state.check {
            return Ok(with(check));
        }
        let reply = with(state.check.insert(Check::start(&self.0.sound, choices)));
        drop(state);
        let desk = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UNWATCHED).await;
                let unwatched = desk.0.rounds.state().check.as_ref().map(|check| check.looked.elapsed() >= UNWATCHED);
                match unwatched {
                    Some(false) => {}
                    Some(true) => {
                        let check = desk.0.rounds.state().check.take();
                        tokio::task::spawn_blocking(move || drop(check));
                        return;
                    }
                    None => return,
                }
            }
        });
        self.while_at_work(reply)
    }

    /// What the camera sees, which is opened where it is not.
    fn check_camera(&self) -> Result<Reply, Failure> {
        self.at_work()?;
        let choice = self.device_choices().camera;
        let mut state = self.0.rounds.state();
        state.may_check()?;
        let (system, cameras) = (&self.0.capture, &self.0.rounds.cameras);
        // Whoever comes back after a while has it opened again.
        let kept = state.sight.take().filter(|sight| !sight.is_unwatched());
        let sight = state.sight.insert(kept.unwrap_or_else(|| Sight::start(system, cameras, choice))).look();
        drop(state);
        self.while_at_work(Reply::RoundSight(sight))
    }

    /// A lock or a sign-out that came while a check began ends it.
    fn while_at_work(&self, reply: Reply) -> Result<Reply, Failure> {
        self.at_work().inspect_err(|_failure| self.end_check())?;
        Ok(reply)
    }

    /// Microphone, speaker and camera close. They take their time.
    fn end_check(&self) {
        let check = {
            let mut state = self.0.rounds.state();
            // It closes by itself.
            state.sight = None;
            state.check.take()
        };
        tokio::task::spawn_blocking(move || drop(check));
    }

    async fn round_devices(&self) -> RoundDevicesView {
        let (sound, capture) = (self.0.sound.clone(), self.0.capture.clone());
        // A system that hangs holds up nobody else.
        let sound = tokio::task::spawn_blocking(move || sound.devices());
        let cameras = tokio::task::spawn_blocking(move || capture.cameras());
        let found = match sound.await {
            Ok(Ok(devices)) => devices,
            Ok(Err(DeviceError::NoneThere)) | Err(_) => Devices::default(),
            Ok(Err(error)) => {
                tracing::warn!(%error, "microphones and speakers could not be listed");
                Devices::default()
            }
        };
        let cameras = match cameras.await {
            Ok(Ok(cameras)) => cameras,
            Ok(Err(DeviceError::NoneThere)) | Err(_) => Vec::new(),
            Ok(Err(error)) => {
                tracing::warn!(%error, "cameras could not be listed");
                Vec::new()
            }
        };
        let choices = self.device_choices();
        RoundDevicesView {
            microphones: listed(&found, sound::Kind::Microphone, &choices.microphone),
            speakers: listed(&found, sound::Kind::Speaker, &choices.speaker),
            cameras: cameras_listed(&cameras, &choices.camera),
        }
    }

    fn device_choices(&self) -> Choices {
        Choices::of(&self.state().settings.devices)
    }

    /// Nobody sits here: this person is neither heard nor seen and shows nothing, and no pictures are given away. The round goes on.
    pub(crate) async fn fall_silent(&self) {
        self.end_check();
        let seat = {
            let state = self.0.rounds.state();
            state.seat.as_ref().map(|seat| {
                seat.mouth.shut();
                seat.films.stop();
                (seat.acts.clone(), seat.gallery.clone())
            })
        };
        let Some((acts, gallery)) = seat else { return };
        gallery.shut();
        let unseen = SeenView { why: Some(NotSeen::Aside), done: 0, of: 0 };
        for act in
            [Act::Microphone(false), Act::Camera(false), Act::StopSharing, Act::StopPresenting, Act::Seen(unseen)]
        {
            // Where nobody takes it the round is over.
            let _over = acts.send(act).await;
        }
    }

    /// Leaves a round while the homeserver still takes this device's word for it.
    pub(crate) async fn end_round(&self) {
        let acts = self.0.rounds.state().seat.as_ref().map(|seat| {
            seat.mouth.end();
            seat.films.end();
            seat.acts.clone()
        });
        let Some(acts) = acts else { return };
        let left = async {
            if acts.send(Act::Leave).await.is_ok() {
                acts.closed().await;
            }
        };
        if tokio::time::timeout(FAREWELL, left).await.is_err() {
            tracing::warn!("a round could not be left in time");
        }
    }

    /// Chat is gone, and rounds with it.
    pub(crate) fn stop_rounds(&self) {
        let former = {
            let mut state = self.0.rounds.state();
            let entries = state.entries + 1;
            let shown = state.shown;
            std::mem::replace(&mut *state, State { entries, shown, ..State::default() })
        };
        let ended = former.entered().is_some();
        drop(former);
        if ended {
            self.tell_lock();
        }
    }
}

fn goes_on(round: &RoundView) -> bool {
    !matches!(round.phase, contract::RoundPhase::Ended { .. })
}

fn member(person: &str) -> Result<MemberId, Failure> {
    MemberId::parse(person).map_err(|error| Failure::new(FailureCode::InvalidInput, error.to_string()))
}

fn no_round() -> Failure {
    Failure::new(FailureCode::NotFound, "there is no round")
}

fn refused(detail: &str) -> Failure {
    Failure::new(FailureCode::RoundRefused, detail)
}

fn no_rounds(detail: &str) -> Failure {
    Failure::new(FailureCode::NoRounds, detail)
}

fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}

fn instant(ms: u64) -> String {
    let at = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
