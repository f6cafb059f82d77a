//! [`Desk`]: the one door. Requests come in, are handed to the module that owns them, and answers go
//! out; facts leave as events.

use crate::{
    around::Around,
    cases::CaseSeat,
    chat::Outward,
    images::{BulkServer, BulkSession, Images, WorkerProgram},
    preload::Preload,
    session::Seat,
    settings::Settings,
    shelf::Shelf,
    tasks::Written,
};
use contract::{BulkAccessView, Event, Failure, FailureCode, Freshness, Place, Reply, Request, StartView, TodayView};
use futures_util::{FutureExt as _, future::BoxFuture};
use jiff::Timestamp;
use platform::{Egress, egress::EgressOptions};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};
use tokio::sync::broadcast;
use url::Url;
use vault::{RootKeyStore, Vault};

/// What a desk needs from its shell.
pub struct DeskOptions {
    /// The person's own place on disk: stores, keys, cache, log.
    pub profile: PathBuf,
    /// Where the profile's root key is kept.
    pub roots: Arc<dyn RootKeyStore + Send + Sync>,
    /// How requests leave this computer, and the clock by which sessions and locks are kept.
    pub egress: EgressOptions,
    /// The decode worker: the same executable with a worker argument.
    pub worker: WorkerProgram,
    /// How the provider's pages reach the person.
    pub pages: Pages,
    /// What IT has fixed.
    pub policy: Policy,
    /// How the window is to look from now on, as if the person had chosen it.
    pub appearance: Appearance,
    /// Origins that the page may have; the bulk socket opens to no other.
    pub origins: Vec<String>,
    /// The form of the program's own URI scheme, where the shell has one.
    pub scheme: Option<String>,
    /// Microphones and speakers.
    pub sound: Arc<dyn sound::System>,
    /// Cameras, screens and windows.
    pub capture: Arc<dyn capture::System>,
    /// How often the open case is looked at for a newer state.
    pub look_every: std::time::Duration,
}

impl std::fmt::Debug for DeskOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeskOptions").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// How a provider's pages, where people sign in, reach the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// In the system's browser; the views have the link as well, for the case that none opened.
    Browser,
    /// By the link of the views alone: whoever asks opens it.
    Link,
}

/// What IT has fixed, and what the computer is. A fixed value is shown and cannot be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The platform's address.
    pub address: Option<String>,
    /// The way of bulk bytes.
    pub bulk_way: Option<contract::BulkWay>,
    /// What draws the images.
    pub drawing: Option<contract::Drawing>,
    /// The shell knows that this computer has no graphics processor, and the page cannot see it.
    pub computed_graphics: bool,
    /// This computer keeps the recovery key of whoever signs in to chat, sealed, for the next sign-in.
    pub keeps_recovery_key: bool,
}

/// Language and colors; what is not given stays as the person has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appearance {
    /// Language of the program.
    pub language: Option<contract::Language>,
    /// Colors of the frame.
    pub theme: Option<contract::Theme>,
}

/// Why there is no desk.
#[derive(Debug, thiserror::Error)]
pub enum OpenDeskError {
    /// The profile cannot be opened.
    #[error(transparent)]
    Vault(#[from] vault::OpenError),
    /// Requests cannot leave this computer.
    #[error(transparent)]
    Egress(#[from] platform::egress::EgressSetupError),
    /// The loopback port cannot be opened.
    #[error("the loopback port cannot be opened: {0}")]
    Bulk(std::io::Error),
}

impl OpenDeskError {
    /// What the shell says about it before there is a page.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Vault(error) => crate::failures::of_open(error),
            Self::Egress(error) => {
                use platform::egress::EgressSetupError::{Certificate, Proxy, Tls};
                let code = match error {
                    Certificate(_) | Proxy => FailureCode::MachineSettingsUnreadable,
                    Tls(_) => FailureCode::Internal,
                };
                Failure::new(code, error.to_string())
            }
            Self::Bulk(error) => Failure::new(FailureCode::Internal, error.to_string()),
        }
    }
}

/// The application. Clones are the same desk.
#[derive(Clone)]
pub struct Desk(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) vault: Arc<Vault>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) egress: Egress,
    pages: Pages,
    pub(crate) policy: Policy,
    pub(crate) scheme: Option<String>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) outward: broadcast::Sender<Outward>,
    pub(crate) images: Images,
    pub(crate) bulk: BulkServer,
    pub(crate) files: crate::chat::FileDoor,
    /// Whose turn it is to write the lock's mark.
    pub(crate) lock_mark: Mutex<()>,
    /// Held while the settings go to the disk.
    pub(crate) settings_kept: Mutex<()>,
    pub(crate) keeping: crate::decisions::Keeping,
    /// Held while a mark for signing goes to the disk.
    pub(crate) marks_kept: tokio::sync::Mutex<()>,
    /// Counts those who look whether what is marked can be signed.
    pub(crate) mark_looks: AtomicU64,
    pub(crate) chat: crate::chat::Chat,
    pub(crate) rounds: crate::round::Rounds,
    pub(crate) sound: Arc<dyn sound::System>,
    pub(crate) capture: Arc<dyn capture::System>,
    serials: AtomicU32,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) seat: Seat,
    pub(crate) settings: Settings,
    pub(crate) place: Place,
    pub(crate) offline_since: Option<Timestamp>,
    pub(crate) touched: Timestamp,
    /// When idleness locks, once the person has been warned of it.
    pub(crate) locks_at: Option<Timestamp>,
    /// When `touched` was last kept on disk.
    pub(crate) seen: Option<Timestamp>,
    pub(crate) case: Option<CaseSeat>,
    /// How far the images of the next board lie here.
    pub(crate) preload: Option<Preload>,
    /// What was read last around the person.
    pub(crate) around: Option<Arc<Around>>,
    /// "Heute" as the page has it.
    pub(crate) today: Option<TodayView>,
    /// What that was made from.
    pub(crate) today_from: Option<(Arc<Around>, Freshness)>,
    /// Tasks as this desk wrote them, by id.
    pub(crate) tasks_written: BTreeMap<String, Written>,
    /// What was searched for last in "Fälle".
    pub(crate) query: String,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk")
    }
}

/// Facts that wait for a slow page; a page that falls behind asks for everything again.
const EVENT_BACKLOG: usize = 256;

impl Desk {
    /// Opens the profile and goes on where the person was. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// [`OpenDeskError`]; the profile is then unchanged.
    pub async fn open(options: DeskOptions) -> Result<Self, OpenDeskError> {
        let DeskOptions {
            profile,
            roots,
            egress,
            worker,
            pages,
            policy,
            appearance,
            origins,
            scheme,
            sound,
            capture,
            look_every,
        } = options;
        let opened = tokio::task::spawn_blocking(move || Vault::open(&profile, roots.as_ref())).await;
        let vault = Arc::new(opened.expect("opening a vault does not panic")?);
        let shelf = Arc::new(Shelf::open(vault.clone(), Timestamp::now()));
        let egress = Egress::new(egress)?;
        let touched = egress.time().now();
        let settings = Settings::load(&vault, &policy);
        let place = crate::settings::load_place(&vault);
        let images = Images::new(vault.clone(), worker);
        let bulk = BulkServer::start(images.clone(), origins.clone()).await.map_err(OpenDeskError::Bulk)?;
        let files = crate::chat::FileDoor::start(origins).await.map_err(OpenDeskError::Bulk)?;
        let desk = Self(Arc::new(Inner {
            vault,
            shelf,
            egress,
            pages,
            policy,
            scheme,
            events: broadcast::Sender::new(EVENT_BACKLOG),
            outward: broadcast::Sender::new(EVENT_BACKLOG),
            images,
            bulk,
            files,
            lock_mark: Mutex::new(()),
            settings_kept: Mutex::new(()),
            keeping: crate::decisions::Keeping::default(),
            marks_kept: tokio::sync::Mutex::new(()),
            mark_looks: AtomicU64::new(0),
            chat: crate::chat::Chat::default(),
            rounds: crate::round::Rounds::default(),
            sound,
            capture,
            serials: AtomicU32::new(1),
            state: Mutex::new(State {
                seat: Seat::Out { failure: None },
                settings,
                place,
                offline_since: None,
                touched,
                locks_at: None,
                seen: None,
                case: None,
                preload: None,
                around: None,
                today: None,
                today_from: None,
                tasks_written: BTreeMap::new(),
                query: String::new(),
            }),
        }));
        if appearance != Appearance::default() {
            desk.change_settings_quietly(|settings| {
                settings.language = appearance.language.unwrap_or(settings.language);
                settings.theme = appearance.theme.unwrap_or(settings.theme);
            });
        }
        desk.restore_session();
        desk.watch_idleness();
        desk.watch_lists();
        desk.watch_case(look_every);
        Ok(desk)
    }

    /// Facts from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// One more consumer of the bulk pipe, for a shell that carries it itself.
    #[must_use]
    pub fn bulk_session(&self) -> BulkSession {
        self.0.images.session()
    }

    /// Takes a request to its end.
    ///
    /// # Errors
    /// A [`Failure`] whose code the page has words for.
    // In a box: the futures of chat are deeper than the compiler looks from another crate by itself.
    pub fn call(&self, request: Request) -> BoxFuture<'_, Result<Reply, Failure>> {
        self.answer(request).boxed()
    }

    async fn answer(&self, request: Request) -> Result<Reply, Failure> {
        if self.is_locked() && !allowed_while_locked(&request) {
            return Err(Failure::new(FailureCode::Locked, ""));
        }
        match request {
            Request::Start => Ok(Reply::Started(self.start_view())),
            Request::Discover { address } => self.discover(&address).await.map(Reply::Platform),
            Request::SignIn { address } => self.sign_in(&address).await.map(|()| Reply::Done),
            Request::CancelSignIn => {
                self.cancel_sign_in();
                Ok(Reply::Done)
            }
            Request::SignOut => {
                self.sign_out().await;
                Ok(Reply::Done)
            }
            Request::Lock => {
                self.lock().await;
                Ok(Reply::Done)
            }
            Request::Unlock => self.unlock().await.map(|()| Reply::Done),
            Request::Touch => {
                self.touch();
                Ok(Reply::Done)
            }
            Request::OpenToday => self.today().await.map(Reply::Today),
            Request::FinishTask { task, done } => self.finish_task(&task, done).await.map(Reply::Today),
            Request::OpenPreload => Box::pin(self.open_preload()).await.map(Reply::Preload),
            Request::StartPreload => Box::pin(self.start_preload()).await.map(|()| Reply::Done),
            Request::StopPreload => {
                self.stop_preload();
                Ok(Reply::Done)
            }
            Request::OpenCases { query } => self.cases(&query).await.map(Reply::Cases),
            Request::OpenCase { patient } => self.open_case(&patient).map(Reply::Case),
            Request::ReadDocument { patient, document } => {
                self.read_document(&patient, &document).await.map(Reply::Document)
            }
            Request::OpenImages { patient } => self.open_images(&patient).map(Reply::Images),
            Request::ConfirmIdentity { patient, study } => {
                self.confirm_identity(&patient, &study).map(|()| Reply::Done)
            }
            Request::OpenSeries { patient, study, series } => {
                Box::pin(self.open_series(&patient, &study, &series)).await.map(Reply::Series)
            }
            Request::CloseSeries { handle } => {
                self.0.images.close(handle);
                Ok(Reply::Done)
            }
            Request::OpenBulk => Ok(Reply::BulkAccess(self.bulk_access())),
            Request::OpenMeasurements { patient } => self.open_measurements(&patient).await.map(Reply::Measurements),
            Request::KeepMeasurements { patient, series, measurements } => {
                self.keep_measurements(&patient, &series, measurements).await.map(|()| Reply::Done)
            }
            Request::OpenDecision { patient } => Box::pin(self.open_decision(&patient)).await.map(Reply::Decision),
            Request::ReadDecision { patient, decision } => {
                Box::pin(self.read_decision(&patient, &decision)).await.map(Reply::Decision)
            }
            Request::SaveDraft { patient, draft } => {
                Box::pin(self.save_draft(&patient, draft)).await.map(Reply::Decision)
            }
            Request::ResolveConflicts { patient, choices } => {
                Box::pin(self.resolve_conflicts(&patient, &choices)).await.map(Reply::Decision)
            }
            Request::PreviewSigning { patient } => {
                Box::pin(self.preview_signing(&patient)).await.map(Reply::SigningPreview)
            }
            Request::SignDecision { patient, sha256 } => {
                Box::pin(self.sign_decision(&patient, &sha256)).await.map(|()| Reply::Done)
            }
            Request::MarkDecision { patient, sha256 } => {
                Box::pin(self.mark_decision(&patient, &sha256)).await.map(Reply::Decision)
            }
            Request::WithdrawMark { patient } => Box::pin(self.withdraw_mark(&patient)).await.map(Reply::Decision),
            Request::CancelSigning { patient } => self.cancel_signing(&patient).map(|()| Reply::Done),
            Request::AmendDecision { patient } => Box::pin(self.amend_decision(&patient)).await.map(Reply::Decision),
            Request::OpenTextBlocks => self.open_text_blocks().await.map(Reply::TextBlocks),
            Request::KeepTextBlocks { blocks } => self.keep_text_blocks(blocks).await.map(|()| Reply::Done),
            Request::VerifyDecision { patient } => Box::pin(self.verify_decision(&patient)).await.map(Reply::Decision),
            Request::OpenChat => Ok(Reply::Chat(self.chat_view())),
            Request::ConnectChat => Box::pin(self.connect_chat()).await.map(|()| Reply::Done),
            Request::OpenConversation { conversation } => {
                Box::pin(self.open_conversation(&conversation)).await.map(Reply::Conversation)
            }
            Request::CloseConversation => {
                self.close_conversation();
                Ok(Reply::Done)
            }
            Request::LoadEarlier { conversation } => self.load_earlier(&conversation).map(|()| Reply::Done),
            Request::OpenDay { conversation, day } => {
                Box::pin(self.open_day(&conversation, &day)).await.map(Reply::Conversation)
            }
            Request::OpenUnread { conversation } => {
                Box::pin(self.open_unread(&conversation)).await.map(Reply::Conversation)
            }
            Request::LoadLater { conversation } => self.load_later(&conversation).map(|()| Reply::Done),
            Request::SendMessage { conversation, text, named, reply_to } => {
                let sent = self.send_message(&conversation, text, &named, reply_to.as_deref());
                Box::pin(sent).await.map(|()| Reply::Done)
            }
            Request::EditMessage { conversation, message, text, named } => {
                Box::pin(self.edit_message(&conversation, message, text, &named)).await.map(|()| Reply::Done)
            }
            Request::RedactMessage { conversation, message } => {
                Box::pin(self.redact_message(&conversation, message)).await.map(|()| Reply::Done)
            }
            Request::ToggleReaction { conversation, message, key } => {
                Box::pin(self.toggle_reaction(&conversation, message, &key)).await.map(|()| Reply::Done)
            }
            Request::RetryMessage { conversation, message } => {
                Box::pin(self.retry_message(&conversation, message)).await.map(|()| Reply::Done)
            }
            Request::CancelMessage { conversation, message } => {
                Box::pin(self.cancel_message(&conversation, message)).await.map(|()| Reply::Done)
            }
            Request::BeginAttachment { conversation, name, size, modified, mimetype, width, height } => {
                let file = crate::chat::Begun { name, size, modified, mimetype, picture: width.zip(height) };
                self.begin_attachment(&conversation, file).await.map(Reply::FileDoor)
            }
            Request::TakeUpAttachment { conversation, attachment, name, size, modified, mimetype } => {
                let file = crate::chat::Begun { name, size, modified, mimetype, picture: None };
                self.take_up_attachment(&conversation, &attachment, file).await.map(Reply::FileDoor)
            }
            Request::LookAtFiles { conversation, sizes } => {
                self.look_at_files(&conversation, sizes).map(Reply::FileDoor)
            }
            Request::BeginStudy { conversation, study } => {
                Box::pin(self.begin_study(&conversation, &study)).await.map(Reply::FileDoor)
            }
            Request::SendStudy { conversation, patient, study } => {
                Box::pin(self.send_study(&conversation, &patient, &study)).await.map(|()| Reply::Done)
            }
            Request::ResumeAttachment { conversation, attachment } => {
                let door = Box::pin(self.resume_attachment(&conversation, &attachment)).await?;
                Ok(door.map_or(Reply::Done, Reply::FileDoor))
            }
            Request::CancelAttachment { conversation, attachment } => {
                Box::pin(self.cancel_attachment(&conversation, &attachment)).await.map(|()| Reply::Done)
            }
            Request::OpenAttachment { conversation, message } => {
                self.open_attachment(&conversation, message).map(Reply::FileDoor)
            }
            Request::OpenThumbnail { conversation, message } => {
                self.open_thumbnail(&conversation, message).map(Reply::FileDoor)
            }
            Request::SaveAttachment { conversation, message } => {
                self.save_attachment(&conversation, message).map(Reply::FileDoor)
            }
            Request::SetAttention { conversation, attention } => {
                Box::pin(self.set_attention(&conversation, attention)).await.map(|()| Reply::Done)
            }
            Request::SetQuiet { quiet } => {
                Box::pin(self.set_quiet(quiet)).await;
                Ok(Reply::Done)
            }
            Request::ShowNotice { title, body, conversation } => {
                self.show_notice(title, body, conversation);
                Ok(Reply::Done)
            }
            Request::OpenReceivedStudy { conversation, message } => {
                self.open_received_study(&conversation, &message).map(Reply::ReceivedStudy)
            }
            Request::CloseReceivedStudy => {
                self.close_received_study();
                Ok(Reply::Done)
            }
            Request::OpenReceivedSeries { message, series } => {
                Box::pin(self.open_received_series(&message, &series)).await.map(Reply::Series)
            }
            Request::MarkRead { conversation } => Box::pin(self.mark_read(&conversation)).await.map(|()| Reply::Done),
            Request::SetTyping { conversation, typing } => {
                Box::pin(self.set_typing(&conversation, typing)).await.map(|()| Reply::Done)
            }
            Request::KeepMessageDraft { conversation, text, named } => {
                self.keep_message_draft(&conversation, text, &named).await.map(|()| Reply::Done)
            }
            Request::JoinConversation { conversation } => {
                Box::pin(self.join_conversation(&conversation)).await.map(|()| Reply::Done)
            }
            Request::LeaveConversation { conversation } => {
                Box::pin(self.leave_conversation(&conversation)).await.map(|()| Reply::Done)
            }
            Request::FindPeople { words } => Box::pin(self.find_people(&words)).await.map(Reply::People),
            Request::SearchDirectory { words } => Box::pin(self.search_directory(&words)).await.map(Reply::Directory),
            Request::OpenPermissions => Box::pin(self.permissions()).await.map(Reply::Permissions),
            Request::ChangePermissions { permissions } => {
                Box::pin(self.change_permissions(permissions)).await.map(Reply::Permissions)
            }
            Request::OpenOwnCard => self.own_card().map(Reply::OwnCard),
            Request::ReadCard { text } => self.read_card(&text).map(Reply::Card),
            Request::AcceptContact { address } => self.accept_contact(&address).await.map(|()| Reply::Done),
            Request::BeginConversation { people, name, case } => {
                Box::pin(self.begin_conversation(&people, name.as_deref(), case.as_deref())).await.map(Reply::Begun)
            }
            Request::InviteToConversation { conversation, people } => {
                Box::pin(self.invite_to_conversation(&conversation, &people)).await.map(Reply::Begun)
            }
            Request::RemoveFromConversation { conversation, person } => {
                Box::pin(self.remove_from_conversation(&conversation, &person)).await.map(|()| Reply::Done)
            }
            Request::RenameConversation { conversation, name } => {
                Box::pin(self.rename_conversation(&conversation, &name)).await.map(|()| Reply::Done)
            }
            Request::SetFavorite { conversation, favorite } => {
                Box::pin(self.set_favorite(&conversation, favorite)).await.map(|()| Reply::Done)
            }
            Request::OpenVersions { conversation, message } => {
                self.open_versions(&conversation, message).await.map(Reply::Versions)
            }
            Request::LinkCase { conversation, patient } => {
                Box::pin(self.link_case(&conversation, &patient)).await.map(|()| Reply::Done)
            }
            Request::SetUpRecovery => self.set_up_recovery().await.map(Reply::RecoveryKey),
            Request::Recover { key } => self.recover(&key).await.map(|()| Reply::Done),
            Request::Form { conversation, step } => Box::pin(self.form(&conversation, step)).await,
            Request::Trust { trust } => Box::pin(self.trust(trust)).await,
            Request::OpenRounds => Ok(Reply::Rounds(self.rounds_view())),
            Request::Round { round } => Box::pin(self.round(round)).await,
            Request::ChangeSettings { settings } => self.change_settings(settings).map(Reply::Settings),
            Request::RememberPlace { place } => self.remember_place(place).map(|()| Reply::Done),
            Request::Diagnose => Ok(Reply::Diagnosis(self.diagnosis())),
            Request::ReportFaults { lines } => {
                // The page's own faults: script positions and messages of ours, counted and cut.
                for line in lines.iter().take(20) {
                    tracing::warn!(target: "konsil::page", fault = %line.chars().take(300).collect::<String>());
                }
                Ok(Reply::Done)
            }
        }
    }

    /// Sends the person to a page of a provider.
    pub(crate) async fn show_page(&self, page: &Url) {
        match self.0.pages {
            // The views have the link to be copied, so this is no end of the attempt.
            Pages::Browser => {
                if let Err(error) = platform::browser::open(page).await {
                    tracing::warn!(%error, "no browser opened");
                }
            }
            Pages::Link => {}
        }
    }

    fn bulk_access(&self) -> BulkAccessView {
        let bulk = &self.0.bulk;
        BulkAccessView {
            socket: Some(format!("ws://127.0.0.1:{}/bulk?token={}", bulk.port(), bulk.socket_token())),
            scheme: self.0.scheme.clone(),
            token: bulk.scheme_token(),
        }
    }

    /// The door by which the bytes of files cross, for shells that serve it themselves.
    #[must_use]
    pub fn files(&self) -> crate::chat::FileDoor {
        self.0.files.clone()
    }

    /// The bulk pipe, for a shell with a scheme or a listener of its own.
    #[must_use]
    pub fn bulk(&self) -> BulkServer {
        self.0.bulk.clone()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the view that is being made. Taken while the state is held, so that numbers grow with states.
    pub(crate) fn next_serial(&self) -> u32 {
        self.0.serials.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn tell(&self, event: Event) {
        // Behind a lock nothing of the record leaves; the page asks again when it is open.
        if self.is_locked() && of_the_record(&event) {
            return;
        }
        // No listener is no fault: the page asks for everything at its start.
        let _unheard = self.0.events.send(event);
    }

    fn start_view(&self) -> StartView {
        let (session, connection) = (self.session_view(), self.connection_view());
        // One guard for both: two in one expression would wait for each other.
        let state = self.state();
        StartView {
            session,
            settings: state.settings.view(&self.0.policy),
            connection,
            place: state.place.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

fn of_the_record(event: &Event) -> bool {
    match event {
        Event::TodayChanged(_)
        | Event::PreloadChanged(_)
        | Event::CasesChanged(_)
        | Event::CaseChanged(_)
        | Event::ImagesChanged(_)
        | Event::DecisionChanged(_)
        | Event::ChatChanged(_)
        | Event::ConversationChanged(_)
        | Event::ConversationWanted(_)
        | Event::ReceivedStudyChanged(_)
        | Event::RoundsChanged(_)
        | Event::Presented(_) => true,
        // Who tells of messages leaves names out while the desk is locked.
        Event::SessionChanged(_)
        | Event::SettingsChanged(_)
        | Event::ConnectionChanged(_)
        | Event::MessagesArrived(_) => false,
    }
}

fn allowed_while_locked(request: &Request) -> bool {
    match request {
        Request::Start
        | Request::CancelSignIn
        | Request::SignOut
        | Request::Lock
        | Request::Unlock
        | Request::ChangeSettings { .. }
        | Request::RememberPlace { .. }
        | Request::ShowNotice { .. }
        | Request::ReportFaults { .. }
        | Request::Diagnose => true,
        Request::Discover { .. }
        | Request::SignIn { .. }
        | Request::Touch
        | Request::OpenToday
        | Request::FinishTask { .. }
        | Request::OpenPreload
        | Request::StartPreload
        | Request::StopPreload
        | Request::OpenCases { .. }
        | Request::OpenCase { .. }
        | Request::ReadDocument { .. }
        | Request::OpenImages { .. }
        | Request::ConfirmIdentity { .. }
        | Request::OpenSeries { .. }
        | Request::CloseSeries { .. }
        | Request::OpenBulk
        | Request::OpenMeasurements { .. }
        | Request::KeepMeasurements { .. }
        | Request::OpenDecision { .. }
        | Request::ReadDecision { .. }
        | Request::SaveDraft { .. }
        | Request::ResolveConflicts { .. }
        | Request::PreviewSigning { .. }
        | Request::SignDecision { .. }
        | Request::MarkDecision { .. }
        | Request::WithdrawMark { .. }
        | Request::CancelSigning { .. }
        | Request::AmendDecision { .. }
        | Request::OpenTextBlocks
        | Request::KeepTextBlocks { .. }
        | Request::VerifyDecision { .. }
        | Request::OpenChat
        | Request::ConnectChat
        | Request::OpenConversation { .. }
        | Request::CloseConversation
        | Request::LoadEarlier { .. }
        | Request::OpenDay { .. }
        | Request::OpenUnread { .. }
        | Request::LoadLater { .. }
        | Request::SendMessage { .. }
        | Request::EditMessage { .. }
        | Request::RedactMessage { .. }
        | Request::ToggleReaction { .. }
        | Request::RetryMessage { .. }
        | Request::CancelMessage { .. }
        | Request::BeginAttachment { .. }
        | Request::TakeUpAttachment { .. }
        | Request::ResumeAttachment { .. }
        | Request::CancelAttachment { .. }
        | Request::OpenAttachment { .. }
        | Request::OpenThumbnail { .. }
        | Request::SaveAttachment { .. }
        | Request::LookAtFiles { .. }
        | Request::BeginStudy { .. }
        | Request::SendStudy { .. }
        | Request::OpenReceivedStudy { .. }
        | Request::CloseReceivedStudy
        | Request::OpenReceivedSeries { .. }
        | Request::MarkRead { .. }
        | Request::SetAttention { .. }
        | Request::SetQuiet { .. }
        | Request::SetTyping { .. }
        | Request::KeepMessageDraft { .. }
        | Request::JoinConversation { .. }
        | Request::LeaveConversation { .. }
        | Request::FindPeople { .. }
        | Request::SearchDirectory { .. }
        | Request::OpenPermissions
        | Request::OpenOwnCard
        | Request::ReadCard { .. }
        | Request::AcceptContact { .. }
        | Request::ChangePermissions { .. }
        | Request::BeginConversation { .. }
        | Request::InviteToConversation { .. }
        | Request::RemoveFromConversation { .. }
        | Request::RenameConversation { .. }
        | Request::SetFavorite { .. }
        | Request::OpenVersions { .. }
        | Request::LinkCase { .. }
        | Request::SetUpRecovery
        | Request::Recover { .. }
        | Request::Form { .. }
        | Request::Trust { .. }
        | Request::OpenRounds
        | Request::Round { .. } => false,
    }
}
