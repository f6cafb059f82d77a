//! Who sits at the desk: discovery, sign-in through the system browser, lock and unlock, sign-out, and
//! going on with a session after a restart.

use crate::{
    Desk, failures,
    record::{
        Directory,
        read::{reference_id, text},
    },
    shelf::Owner,
};
use contract::{ConnectionView, Event, Failure, FailureCode, Permission, PersonView, PlatformView, SessionView};
use jiff::{SignedDuration, Timestamp};
use model::Role;
use platform::{
    Platform, Session,
    dicomweb::DicomwebClient,
    discovery,
    fhir::{FhirClient, FhirError},
    oidc::{
        EndReason, Person, Purpose, SessionError, SessionState, SignInAttempt, StoredTokens, TokenStore,
        TokenStoreError, Tokens,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::task::AbortHandle;
use vault::{Table, Vault};

const TOKENS: &str = "session/tokens";
const PLATFORM: &str = "session/platform";
const LAST_SEEN: &str = "session/last-seen";
const LOCKED_SINCE: &str = "session/locked-since";
/// A lock is seen after this, whether its mark is on disk or not.
const MARK_FIRST: Duration = Duration::from_millis(200);
/// How often idleness is looked at, and how exactly the lock keeps its time.
const IDLE_TICK: Duration = Duration::from_secs(1);
/// How long before the lock the person is told.
const WARN_BEFORE: SignedDuration = SignedDuration::from_secs(30);
/// How often a platform that did not answer is asked whether it does again.
pub(crate) const ASK_AGAIN: Duration = Duration::from_secs(5);
/// `Touch` is written to disk at most this often.
const SEEN_STEP: SignedDuration = SignedDuration::from_secs(30);

/// The state of the seat.
pub(crate) enum Seat {
    /// Nobody.
    Out { failure: Option<Failure> },
    /// The browser has the sign-in page.
    Waiting { platform: PlatformView, until: Timestamp, link: String, task: AbortHandle },
    /// Somebody.
    Taken(Box<Taken>),
}

/// A signed-in person with the clients that speak in their name.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) platform: Platform,
    pub(crate) session: Session,
    pub(crate) fhir: Option<FhirClient>,
    pub(crate) dicomweb: Option<DicomwebClient>,
    pub(crate) role: RoleFacts,
    pub(crate) lock: Option<Lock>,
}

/// What the directory says of the signed-in person.
#[derive(Debug, Clone, Default)]
pub(crate) struct RoleFacts {
    /// With titles, which a provider's claims may lack.
    pub(crate) name: Option<String>,
    pub(crate) short_name: Option<String>,
    pub(crate) gender: Option<String>,
    pub(crate) organization: Option<String>,
    pub(crate) organization_id: Option<String>,
    pub(crate) specialty: Option<String>,
}

/// The desk is locked.
#[derive(Clone)]
pub(crate) struct Lock {
    pub(crate) since: Timestamp,
    pub(crate) failure: Option<Failure>,
    pub(crate) asking: Option<Asking>,
}

/// The browser has a page on which the person proves again who they are.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) task: AbortHandle,
    /// The page's address, for the case that no browser opened.
    pub(crate) link: String,
}

impl Desk {
    /// The time by the clock that the desk was given.
    fn now(&self) -> Timestamp {
        self.0.egress.time().now()
    }

    pub(crate) async fn discover(&self, address: &str) -> Result<PlatformView, Failure> {
        let platform = discovery::discover(&self.0.egress, self.address(address)).await;
        platform.map(|platform| platform_view(&platform)).map_err(|error| failures::of_discovery(&error))
    }

    /// IT's address wins over what was typed.
    fn address<'a>(&'a self, typed: &'a str) -> &'a str {
        self.0.policy.address.as_deref().unwrap_or(typed)
    }

    pub(crate) async fn sign_in(&self, address: &str) -> Result<(), Failure> {
        let address = self.address(address).trim().to_owned();
        let platform =
            discovery::discover(&self.0.egress, &address).await.map_err(|error| failures::of_discovery(&error))?;
        let mut attempt = SignInAttempt::begin(&self.0.egress, &platform, Purpose::SignIn)
            .await
            .map_err(|error| failures::of_sign_in(&error))?;
        // The same tab goes on to the homeserver, where the provider's cookie speaks for the person.
        let way = self.way_to_chat(&platform).await;
        if let Some(way) = &way {
            attempt.lead_on(way.page().clone());
        }
        self.change_settings_quietly(|settings| settings.address = Some(address));
        let (url, until) = (attempt.url().clone(), attempt.deadline());
        let (desk, view) = (self.clone(), platform_view(&platform));
        // The task must not end before its handle is in place.
        let (go, start) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let _started = start.await;
            match attempt.finish().await {
                Ok(tokens) => desk.take_seat(platform, tokens, way).await,
                Err(error) => desk.leave_seat(Some(failures::of_sign_in(&error))),
            }
        })
        .abort_handle();
        if let Seat::Waiting { task: former, .. } = std::mem::replace(
            &mut self.state().seat,
            Seat::Waiting { platform: view, until, link: url.to_string(), task },
        ) {
            former.abort();
        }
        let _task_lives = go.send(());
        self.tell_session();
        self.show_page(&url).await;
        Ok(())
    }

    pub(crate) fn cancel_sign_in(&self) {
        let mut state = self.state();
        match &mut state.seat {
            Seat::Waiting { task, .. } => {
                task.abort();
                state.seat = Seat::Out { failure: None };
            }
            Seat::Taken(taken) => {
                if let Some(asking) = taken.lock.as_mut().and_then(|lock| lock.asking.take()) {
                    asking.task.abort();
                }
            }
            Seat::Out { .. } => return,
        }
        drop(state);
        self.tell_session();
    }

    async fn take_seat(&self, platform: Platform, tokens: Tokens, way: Option<crate::chat::Way>) {
        let person = tokens.person.clone();
        if permissions(&person.roles).is_empty() {
            let code = if person.roles.is_empty() { FailureCode::NoRole } else { FailureCode::RoleWithoutCases };
            self.leave_seat(Some(Failure::new(code, "")));
            return;
        }
        let store = Arc::new(SealedTokens(self.0.vault.clone()));
        let kept = serde_json::to_vec(&StoredPlatform::of(&platform)).expect("a platform is plain text");
        let vault = self.0.vault.clone();
        let seen = self.now();
        let written = tokio::task::spawn_blocking(move || {
            vault.put(Table::Settings, LAST_SEEN, seen.to_string().as_bytes())?;
            vault.put(Table::Secrets, PLATFORM, &kept)
        })
        .await;
        if let Ok(Err(error)) = written {
            self.leave_seat(Some(failures::of_store(&error)));
            return;
        }
        let session = Session::open(&self.0.egress, &platform, tokens, store).await;
        tracing::info!("signed in");
        self.seat(platform, session, None, way);
    }

    fn seat(&self, platform: Platform, session: Session, lock: Option<Lock>, way: Option<crate::chat::Way>) {
        let egress = &self.0.egress;
        let fhir = platform.fhir.clone().map(|base| FhirClient::new(egress, base, &session));
        let dicomweb = platform.dicomweb.clone().map(|base| DicomwebClient::new(egress, base, &session));
        let taken = Taken { platform, session: session.clone(), fhir, dicomweb, role: RoleFacts::default(), lock };
        self.0.shelf.seat(Owner::of(&taken));
        let chatting = taken.clone();
        {
            let mut state = self.state();
            state.touched = self.now();
            state.locks_at = None;
            state.case = None;
            state.preload = None;
            (state.around, state.today, state.today_from) = (None, None, None);
            state.tasks_written.clear();
            state.seat = Seat::Taken(Box::new(taken));
        }
        self.tell_session();
        self.start_chat(&chatting, way);
        tokio::spawn(self.clone().look_up_role());
        tokio::spawn(self.clone().send_waiting_drafts());
        tokio::spawn(self.clone().watch_session(session));
    }

    /// Name with titles, organization and speciality come from the directory and follow a moment later.
    async fn look_up_role(self) {
        let Some(taken) = self.taken() else { return };
        let (Some(fhir), Some(user)) = (taken.fhir, taken.session.person().fhir_user) else { return };
        let Some(("PractitionerRole", id)) = user.split_once('/') else { return };
        let Ok(role) = fhir.read("PractitionerRole", id).await else { return };
        let role = role.resource;
        let organization_id = reference_id(&role["organization"], "Organization");
        let practitioner = async {
            let id = reference_id(&role["practitioner"], "Practitioner")?;
            fhir.read("Practitioner", &id).await.ok()
        };
        let organization = async { fhir.read("Organization", organization_id.as_deref()?).await.ok() };
        let (practitioner, organization) = tokio::join!(practitioner, organization);
        let gender = practitioner.as_ref().and_then(|found| text(&found.resource["gender"]));
        let around: Vec<Value> =
            [practitioner, organization].into_iter().flatten().map(|found| found.resource).chain([role]).collect();
        let mut directory = Directory::default();
        directory.learn(around.iter());
        let Some(person) = directory.person(id) else { return };
        let said = |words: &str| Some(words.to_owned()).filter(|words| !words.is_empty());
        let facts = RoleFacts {
            name: said(&person.name),
            short_name: said(&person.short),
            gender,
            organization: person.organization.clone(),
            organization_id,
            specialty: person.specialty.clone(),
        };
        if let Seat::Taken(taken) = &mut self.state().seat {
            taken.role = facts;
        }
        self.tell_session();
    }

    /// Refreshes ahead of need and notices the end of the session.
    async fn watch_session(self, session: Session) {
        let mut state = session.state();
        let mut pulse = tokio::time::interval(Duration::from_secs(60));
        loop {
            tokio::select! {
                changed = state.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let now = *state.borrow_and_update();
                    match now {
                        SessionState::Active => {}
                        SessionState::Ended { reason: EndReason::SignedOut } => return,
                        SessionState::Ended { reason: EndReason::Refused | EndReason::Expired | EndReason::OtherPerson } => {
                            self.leave_seat(Some(Failure::new(FailureCode::SessionEnded, "")));
                            return;
                        }
                    }
                }
                _ = pulse.tick() => match session.keep_alive().await {
                    // A token that is still valid says nothing about the network.
                    Ok(()) => {}
                    Err(SessionError::Egress(_)) => self.note_connection(false),
                    Err(error) => tracing::warn!(%error, "the session could not be kept alive"),
                },
            }
        }
    }

    pub(crate) fn leave_seat(&self, failure: Option<Failure>) {
        {
            let mut state = self.state();
            state.case = None;
            state.preload = None;
            (state.around, state.today, state.today_from) = (None, None, None);
            state.tasks_written.clear();
            state.seat = Seat::Out { failure };
        }
        self.0.shelf.leave();
        self.0.images.forget_all();
        self.stop_chat();
        self.tell_session();
    }

    pub(crate) async fn sign_out(&self) {
        let taken = self.taken();
        // Before the seat is left: the homeserver is told in the person's own name.
        self.sign_out_of_chat().await;
        self.leave_seat(None);
        if let Some(taken) = taken {
            taken.session.end().await;
        }
        let (vault, shelf) = (self.0.vault.clone(), self.0.shelf.clone());
        let wiped = tokio::task::spawn_blocking(move || {
            shelf.clear();
            vault.delete(Table::Secrets, TOKENS)?;
            vault.delete(Table::Secrets, PLATFORM)?;
            vault.delete(Table::Settings, LOCKED_SINCE)?;
            vault.frames_clear()
        })
        .await;
        if let Ok(Err(error)) = wiped {
            tracing::error!(%error, "the session's records could not be wiped");
        }
    }

    /// Goes on with the stored session: at work if the person was here a moment ago, else locked.
    pub(crate) fn restore_session(&self) {
        let vault = &self.0.vault;
        let stored = |key| vault.get(Table::Secrets, key).ok().flatten();
        let (Some(tokens), Some(platform)) = (stored(TOKENS), stored(PLATFORM)) else { return };
        let Ok(platform) = serde_json::from_slice::<StoredPlatform>(platform.reveal()) else { return };
        let Ok(platform) = platform.into_platform() else { return };
        let Ok(tokens) = StoredTokens::from_bytes(tokens.reveal()) else { return };
        let store = Arc::new(SealedTokens(vault.clone()));
        let Ok(session) = Session::restore(&self.0.egress, &platform, tokens, store) else { return };
        let moment = |key| {
            let bytes = vault.get(Table::Settings, key).ok().flatten()?;
            String::from_utf8(bytes.into_revealed()).ok()?.parse::<Timestamp>().ok()
        };
        let seen = moment(LAST_SEEN);
        let now = self.now();
        let limit = SignedDuration::from_mins(i64::from(self.state().settings.lock_after_minutes));
        let here = seen.is_some_and(|seen| now.duration_since(seen) < limit);
        // A lock outlives the program: closing the window is no way around it.
        let locked = moment(LOCKED_SINCE);
        let lock = (locked.is_some() || !here).then_some(Lock {
            since: locked.or(seen).unwrap_or(now),
            failure: None,
            asking: None,
        });
        self.seat(platform, session, lock, None);
    }

    pub(crate) fn taken(&self) -> Option<Taken> {
        match &self.state().seat {
            Seat::Taken(taken) => Some((**taken).clone()),
            Seat::Out { .. } | Seat::Waiting { .. } => None,
        }
    }

    /// The signed-in person's clients, or the failure to answer with.
    pub(crate) fn seated(&self) -> Result<(Taken, FhirClient), Failure> {
        let taken = self.taken().ok_or_else(|| Failure::new(FailureCode::SessionEnded, "nobody is signed in"))?;
        if !permissions(&taken.session.person().roles).contains(&Permission::ReadCases) {
            return Err(Failure::new(FailureCode::NotAllowed, ""));
        }
        let fhir = taken
            .fhir
            .clone()
            .ok_or_else(|| Failure::new(FailureCode::NotFound, "the platform has no case records"))?;
        Ok((taken, fhir))
    }

    pub(crate) fn is_locked(&self) -> bool {
        matches!(&self.state().seat, Seat::Taken(taken) if taken.lock.is_some())
    }

    /// Somebody is signed in and sits here; else the failure to answer with.
    pub(crate) fn at_work(&self) -> Result<(), Failure> {
        match &self.state().seat {
            Seat::Taken(taken) if taken.lock.is_none() => Ok(()),
            Seat::Taken(_) => Err(Failure::new(FailureCode::Locked, "")),
            Seat::Out { .. } | Seat::Waiting { .. } => {
                Err(Failure::new(FailureCode::SessionEnded, "nobody is signed in"))
            }
        }
    }

    pub(crate) async fn lock(&self) {
        {
            let mut state = self.state();
            let Seat::Taken(taken) = &mut state.seat else { return };
            if taken.lock.is_some() {
                return;
            }
            taken.lock = Some(Lock { since: self.now(), failure: None, asking: None });
            state.locks_at = None;
        }
        // A locked desk gives no pixels away, and fetches none.
        self.0.images.close_all();
        self.hold_preload();
        self.close_received_study();
        // Whoever sees that it is locked may end the program: the mark goes first, unless the disk is slow.
        let told = async {
            let mut mark = std::pin::pin!(self.keep_lock_mark());
            let kept = tokio::time::timeout(MARK_FIRST, mark.as_mut()).await.is_ok();
            self.tell_session();
            if !kept {
                mark.await;
            }
        };
        tokio::join!(self.fall_silent(), told);
    }

    /// Brings the mark on disk to what is true now. It is looked up in the mark's own turn, so that a lock and an
    /// unlock that follow each other closely leave the mark of the later one.
    async fn keep_lock_mark(&self) {
        let desk = self.clone();
        let kept = tokio::task::spawn_blocking(move || {
            let _turn = desk.0.lock_mark.lock().unwrap_or_else(PoisonError::into_inner);
            let since = desk.taken().and_then(|taken| taken.lock).map(|lock| lock.since.to_string());
            match since {
                Some(since) => desk.0.vault.put(Table::Settings, LOCKED_SINCE, since.as_bytes()),
                None => desk.0.vault.delete(Table::Settings, LOCKED_SINCE).map(drop),
            }
        })
        .await;
        if let Ok(Err(error)) = kept {
            tracing::warn!(%error, "the mark of the lock on disk is not what it should be");
        }
    }

    /// The person proves again who they are, at the provider: this program knows no password.
    pub(crate) async fn unlock(&self) -> Result<(), Failure> {
        let Some(taken) = self.taken().filter(|taken| taken.lock.is_some()) else { return Ok(()) };
        let person = taken.session.person();
        let purpose = Purpose::Reauthenticate { subject: person.subject, login_hint: person.login };
        let attempt = SignInAttempt::begin(&self.0.egress, &taken.platform, purpose)
            .await
            .map_err(|error| failures::of_sign_in(&error))?;
        let url = attempt.url().clone();
        let desk = self.clone();
        let (go, start) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let _started = start.await;
            let outcome = match attempt.finish().await {
                Ok(tokens) => taken.session.adopt(tokens).await.map_err(|error| failures::of_session(&error)),
                Err(error) => Err(failures::of_sign_in(&error)),
            };
            desk.finish_unlock(outcome).await;
        })
        .abort_handle();
        let asking = Asking { task, link: url.to_string() };
        if let Seat::Taken(taken) = &mut self.state().seat
            && let Some(lock) = &mut taken.lock
            && let Some(former) = lock.asking.replace(asking)
        {
            former.task.abort();
        }
        let _task_lives = go.send(());
        self.tell_session();
        self.show_page(&url).await;
        Ok(())
    }

    async fn finish_unlock(&self, outcome: Result<(), Failure>) {
        {
            let mut state = self.state();
            state.touched = self.now();
            state.locks_at = None;
            if let Seat::Taken(taken) = &mut state.seat {
                match outcome {
                    Ok(()) => taken.lock = None,
                    Err(failure) => {
                        if let Some(lock) = &mut taken.lock {
                            lock.asking = None;
                            lock.failure = Some(failure);
                        }
                    }
                }
            }
        }
        if !self.is_locked() {
            // Whoever is told that the desk is open may rely on it beyond a restart.
            self.keep_lock_mark().await;
            self.touch();
        }
        self.tell_session();
        if !self.is_locked() {
            self.go_on_with_preload();
        }
    }

    pub(crate) fn touch(&self) {
        let now = self.now();
        let (write, warned) = {
            let mut state = self.state();
            state.touched = now;
            let warned = state.locks_at.take().is_some();
            // Measured from the last writing: touches come more often than that, so never from the last touch.
            let write = state.seen.is_none_or(|seen| now.duration_since(seen) > SEEN_STEP);
            if write {
                state.seen = Some(now);
            }
            (write, warned)
        };
        if warned {
            self.tell_session();
        }
        if write {
            self.write_seen(now);
        }
    }

    fn write_seen(&self, now: Timestamp) {
        let vault = self.0.vault.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = vault.put(Table::Settings, LAST_SEEN, now.to_string().as_bytes()) {
                tracing::warn!(%error, "the time of the last touch was not kept");
            }
        });
    }

    pub(crate) fn watch_idleness(&self) {
        let desk = self.clone();
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(IDLE_TICK);
            loop {
                tick.tick().await;
                let (idle, changed) = {
                    let mut state = desk.state();
                    let limit = SignedDuration::from_mins(i64::from(state.settings.lock_after_minutes));
                    let now = desk.now();
                    let open = matches!(&state.seat, Seat::Taken(taken) if taken.lock.is_none());
                    let locks_at = near_lock(state.touched, limit, now).filter(|_| open);
                    // A longer limit, chosen meanwhile, takes the warning back as well.
                    let changed = std::mem::replace(&mut state.locks_at, locks_at) != locks_at;
                    (locks_at.is_some_and(|at| at <= now), changed)
                };
                if idle {
                    desk.lock().await;
                } else if changed {
                    desk.tell_session();
                }
            }
        });
    }

    pub(crate) fn note_connection(&self, online: bool) {
        let changed = {
            let mut state = self.state();
            match (online, state.offline_since) {
                (true, Some(_)) => {
                    state.offline_since = None;
                    true
                }
                (false, None) => {
                    state.offline_since = Some(self.now());
                    // What others wrote meanwhile is not known when it answers again.
                    let seat = state.case.as_mut().and_then(|case| case.decision.as_mut());
                    if let Some(server) = seat.and_then(|seat| seat.server.as_mut()) {
                        server.read = false;
                    }
                    true
                }
                (true, None) | (false, Some(_)) => false,
            }
        };
        if !changed {
            return;
        }
        self.tell(Event::ConnectionChanged(self.connection_view()));
        self.tell_marked_decision();
        if !online {
            tokio::spawn(self.clone().watch_for_return());
        }
    }

    /// Asks until the platform answers; any answer will do.
    async fn watch_for_return(self) {
        loop {
            tokio::time::sleep(ASK_AGAIN).await;
            // Whoever signs in finds out by that.
            let Some(taken) = self.taken() else { return };
            let online = self.state().offline_since.is_none();
            let answers = online
                || match &taken.fhir {
                    Some(fhir) => !matches!(fhir.capabilities().await, Err(FhirError::Unreachable(_))),
                    None => !matches!(taken.session.keep_alive().await, Err(SessionError::Egress(_))),
                };
            if answers {
                self.note_connection(true);
                tokio::spawn(self.clone().send_waiting_drafts());
                tokio::spawn(self.clone().look_at_marked_decision());
                self.read_lists_again().await;
                return self.read_what_is_missing().await;
            }
        }
    }

    pub(crate) fn connection_view(&self) -> ConnectionView {
        match self.state().offline_since {
            None => ConnectionView::Online,
            Some(since) => ConnectionView::Offline { since: since.to_string() },
        }
    }

    pub(crate) fn tell_session(&self) {
        self.tell(Event::SessionChanged(self.session_view()));
    }

    pub(crate) fn session_view(&self) -> SessionView {
        let in_round = self.is_in_round();
        let state = self.state();
        match &state.seat {
            Seat::Out { failure } => SessionView::SignedOut {
                address: self.0.policy.address.clone().or_else(|| state.settings.address.clone()),
                address_fixed: self.0.policy.address.is_some(),
                failure: failure.clone(),
            },
            Seat::Waiting { platform, until, link, .. } => {
                SessionView::Waiting { platform: platform.clone(), until: until.to_string(), link: link.clone() }
            }
            Seat::Taken(taken) => {
                let person = person_view(&taken.session.person(), &taken.role);
                match &taken.lock {
                    Some(lock) => SessionView::Locked {
                        person,
                        since: lock.since.to_string(),
                        waiting: lock.asking.is_some(),
                        link: lock.asking.as_ref().map(|asking| asking.link.clone()),
                        failure: lock.failure.clone(),
                        in_round,
                    },
                    None => SessionView::SignedIn {
                        person,
                        platform: platform_view(&taken.platform),
                        locks_at: state.locks_at.map(|at| at.to_string()),
                    },
                }
            }
        }
    }
}

pub(crate) fn platform_view(platform: &Platform) -> PlatformView {
    PlatformView {
        name: platform.organization.clone(),
        host: platform.host.clone(),
        sign_in_host: platform.sign_in_host(),
        support_phone: platform.support_phone.clone(),
        support_mail: platform.support_mail.clone(),
    }
}

/// When idleness locks, if that is near enough to be told.
fn near_lock(touched: Timestamp, limit: SignedDuration, now: Timestamp) -> Option<Timestamp> {
    let at = touched.saturating_add(limit).ok()?;
    (at.duration_since(now) <= WARN_BEFORE).then_some(at)
}

/// A name for speaking has the academic degree without its faculty: "Dr. med." is "Dr.", "PD Dr. med." is
/// "PD Dr.". Providers that send no title of its own have it in the full name, before the given name.
pub(crate) fn short_name(person: &Person) -> String {
    let family = person.family.clone().unwrap_or_else(|| person.name.clone());
    let before = person.given.as_deref().and_then(|given| person.name.split_once(given)).map(|(before, _)| before);
    let title = person.prefix.as_deref().or(before).unwrap_or_default();
    let title: Vec<&str> = title.split_whitespace().filter(|word| *word != "med.").collect();
    title.into_iter().chain([family.as_str()]).collect::<Vec<_>>().join(" ")
}

fn person_view(person: &Person, role: &RoleFacts) -> PersonView {
    let initial = |text: &Option<String>| text.as_deref().and_then(|text| text.chars().next());
    PersonView {
        name: role.name.clone().unwrap_or_else(|| person.name.clone()),
        short_name: role.short_name.clone().unwrap_or_else(|| short_name(person)),
        gender: person.gender.clone().or_else(|| role.gender.clone()),
        initials: [initial(&person.given), initial(&person.family)].into_iter().flatten().collect(),
        organization: role.organization.clone(),
        specialty: role.specialty.clone(),
        may: permissions(&person.roles),
    }
}

/// What roles offer. The platform still decides on every request.
pub(crate) fn permissions(roles: &[Role]) -> Vec<Permission> {
    let mut may = Vec::new();
    let any = |wanted: &[Role]| roles.iter().any(|role| wanted.contains(role));
    if any(&[Role::Physician, Role::Moderator, Role::Coordinator, Role::Study, Role::Guest]) {
        may.push(Permission::ReadCases);
    }
    if any(&[Role::Moderator, Role::Coordinator]) {
        may.push(Permission::WriteDecision);
    }
    if any(&[Role::Moderator]) {
        may.push(Permission::SignDecision);
    }
    may
}

/// The session's tokens, sealed in the vault before they are used.
struct SealedTokens(Arc<Vault>);

impl TokenStore for SealedTokens {
    fn save(&self, tokens: &StoredTokens) -> Result<(), TokenStoreError> {
        let bytes = tokens.to_bytes();
        self.0.put(Table::Secrets, TOKENS, &bytes).map_err(|error| TokenStoreError(error.to_string()))
    }

    fn wipe(&self) -> Result<(), TokenStoreError> {
        self.0.delete(Table::Secrets, TOKENS).map(drop).map_err(|error| TokenStoreError(error.to_string()))
    }
}

/// A platform as it is kept with the session, so that a restart needs no network.
#[derive(Serialize, Deserialize)]
struct StoredPlatform {
    host: String,
    organization: String,
    support_phone: Option<String>,
    support_mail: Option<String>,
    issuer: String,
    client_id: String,
    fhir: Option<url::Url>,
    dicomweb: Option<url::Url>,
    #[serde(default)]
    matrix: Option<String>,
}

impl StoredPlatform {
    fn of(platform: &Platform) -> Self {
        Self {
            host: platform.host.clone(),
            organization: platform.organization.clone(),
            support_phone: platform.support_phone.clone(),
            support_mail: platform.support_mail.clone(),
            issuer: platform.issuer.clone(),
            client_id: platform.client_id.clone(),
            fhir: platform.fhir.clone(),
            dicomweb: platform.dicomweb.clone(),
            matrix: platform.matrix.clone(),
        }
    }

    fn into_platform(self) -> Result<Platform, discovery::DiscoverError> {
        let mut platform = Platform::from_parts(discovery::PlatformParts {
            organization: Some(self.organization),
            issuer: self.issuer,
            client_id: self.client_id,
            fhir: self.fhir.map(String::from),
            dicomweb: self.dicomweb.map(String::from),
            matrix: self.matrix,
            rounds: None,
            directory: None,
        })?;
        platform.host = self.host;
        platform.support_phone = self.support_phone;
        platform.support_mail = self.support_mail;
        Ok(platform)
    }
}

#[cfg(test)]
mod tests {
    use super::near_lock;
    use jiff::{SignedDuration, Timestamp};

    #[test]
    fn the_lock_is_told_thirty_seconds_before_and_not_earlier() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a timestamp");
        let touched = at("2026-11-24T13:00:00Z");
        let limit = SignedDuration::from_mins(10);
        for (now, expected) in [
            ("2026-11-24T13:00:00Z", None),
            ("2026-11-24T13:09:29Z", None),
            ("2026-11-24T13:09:30Z", Some("2026-11-24T13:10:00Z")),
            ("2026-11-24T13:10:00Z", Some("2026-11-24T13:10:00Z")),
            // A computer that slept wakes after the lock was due.
            ("2026-11-24T15:00:00Z", Some("2026-11-24T13:10:00Z")),
        ] {
            assert_eq!(near_lock(touched, limit, at(now)), expected.map(at), "at {now}");
        }
    }
}
