//! "Nachrichten": chat beside the session. It signs in with the same browser page, follows its homeserver for as long
//! as somebody sits at the desk, and tells the list and the open conversation as whole views.
//!
//! [`crate::chat::cases`] finds out which case a conversation belongs to; [`crate::chat::views`] turns what `tim` says
//! into what the page is told, and decides nothing.

mod card;
mod cases;
mod directory;
mod document;
mod door;
mod files;
mod forms;
mod notices;
mod people;
mod permission;
mod pictures;
mod recovery;
mod saving;
mod study;
mod talk;
mod trust;
mod typed;
mod uploads;
mod views;

pub use door::{FileDoor, Serve};
pub(crate) use files::Begun;
pub use notices::{Outward, Quiet};
pub(crate) use views::sender;

use crate::{Desk, failures, session::Taken};
use cases::Cases;
use contract::{ChatStateView, ChatView, Event, Failure, FailureCode, RecoveryView};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use platform::{
    Platform,
    directory::DirectoryClient,
    oidc::{SignInError, TokenRedirect},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};
use talk::Open;
use tim::{
    Account, AccountError, AccountOptions, Homeserver, SessionStore, SessionStoreError, SignIn, Signals, StoredSession,
    SyncState, Typed,
};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use uploads::SealedUploads;
use url::Url;
use vault::{Table, Vault};

const SESSION: &str = "chat/session";
/// What happens together is told together: one view for it.
const GATHER: Duration = Duration::from_millis(60);
/// A part of the library that ends more often than [`MOST_BREAKS`] in this time is said.
const SHORTLY: Duration = Duration::from_secs(600);
/// The first time chat begins anew as it was, the second without the lines that it keeps.
const MOST_BREAKS: usize = 2;
/// Looking for a homeserver holds up a sign-in no longer than this.
const DISCOVERY: Duration = Duration::from_secs(4);

/// The chat of a desk.
#[derive(Default)]
pub(crate) struct Chat {
    state: Mutex<State>,
    /// Tells that links of cases may be read or sent.
    due: Notify,
    /// Where files of messages are saved; none where the page does that.
    downloads: OnceLock<PathBuf>,
    /// Tells that a day that is being looked for is no longer wanted.
    searching: Notify,
    /// The recovery key that this computer keeps.
    keeping: recovery::Keeping,
}

#[derive(Default)]
struct State {
    phase: Phase,
    open: Option<Arc<Open>>,
    /// The list as the page has it.
    view: Option<ChatView>,
    /// What was begun and not sent, by conversation.
    drafts: BTreeMap<String, Typed>,
    cases: Cases,
    quieter: notices::Quieter,
    /// What is being sent.
    files: files::Files,
    /// Studies that were found and may be sent.
    found: study::Found,
    /// The study of a message that is open.
    reading: Option<study::Reading>,
    /// When parts of the library ended that may not.
    breaks: Vec<Instant>,
    /// What was open then, and is opened again.
    reopen: Option<String>,
}

#[derive(Default)]
enum Phase {
    /// The platform names no homeserver, or nobody is signed in.
    #[default]
    Absent,
    /// Signing in.
    Connecting(AbortHandle),
    /// At work.
    Up(Arc<Up>),
    /// It needs the person.
    Stopped(Failure),
}

/// A signed-in account and the task that tells its list.
pub(crate) struct Up {
    account: Account,
    /// Where the platform names one.
    directory: Option<DirectoryClient>,
    task: AbortHandle,
}

/// How chat begins.
#[derive(Default)]
struct Start {
    /// With a sign-in, where this device has no session.
    way: Option<Way>,
    /// As the device that was there before, where its session ended softly.
    former: Option<StoredSession>,
    /// Without the lines that this device keeps.
    without_lines: bool,
}

/// What it takes to be in chat.
enum Connecting {
    /// It is, or will be.
    Nothing,
    /// The session that is kept goes on.
    Restoring,
    /// A sign-in by the browser.
    SignIn,
}

/// The second half of the browser's way: from the identity provider on to the homeserver.
pub(crate) struct Way {
    homeserver: Homeserver,
    redirect: TokenRedirect,
    page: Url,
}

impl Way {
    /// Where the browser goes.
    pub(crate) fn page(&self) -> &Url {
        &self.page
    }
}

impl Up {
    /// The platform's, asked in the name of this account.
    pub(crate) fn directory(&self) -> Option<&DirectoryClient> {
        self.directory.as_ref()
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }
}

impl Chat {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// How the browser goes on to the homeserver after a sign-in; none when the platform has none, when it offers no
    /// sign-in by the browser, or when this device is signed in to it already.
    pub(crate) async fn way_to_chat(&self, platform: &Platform) -> Option<Way> {
        if kept(&self.0.vault).is_some() {
            return None;
        }
        match tokio::time::timeout(DISCOVERY, self.find_way(platform)).await {
            Ok(Ok(way)) => Some(way),
            Ok(Err(failure)) => {
                tracing::warn!(code = ?failure.code, detail = %failure.detail, "no way to the homeserver");
                None
            }
            Err(_elapsed) => {
                tracing::warn!("the homeserver did not answer in time");
                None
            }
        }
    }

    async fn find_way(&self, platform: &Platform) -> Result<Way, Failure> {
        let name = platform.matrix.as_deref().ok_or_else(|| Failure::new(FailureCode::NotFound, "no homeserver"))?;
        let egress = self.0.egress.clone();
        let http = move |url: &Url| egress.client_for(url);
        let homeserver = Homeserver::discover(&http, name).await.map_err(|error| failures::of_homeserver(&error))?;
        let redirect = TokenRedirect::begin().await.map_err(|error| failures::of_sign_in(&error))?;
        let page = homeserver
            .browser_page(redirect.url())
            .ok_or_else(|| Failure::new(FailureCode::ChatSignInUnknown, "no sign-in by the browser"))?;
        Ok(Way { homeserver, redirect, page })
    }

    /// Begins chat for who has just sat down.
    pub(crate) fn start_chat(&self, taken: &Taken, way: Option<Way>) {
        self.start_chat_as(taken, Start { way, ..Start::default() });
    }

    fn start_chat_as(&self, taken: &Taken, start: Start) {
        if taken.platform.matrix.is_none() {
            self.stop_chat();
            return;
        }
        let (desk, taken) = (self.clone(), taken.clone());
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let _started = gone.await;
            match desk.account(&taken, start).await {
                Ok(account) => desk.follow_chat(account, &taken),
                Err(failure) => {
                    tracing::warn!(code = ?failure.code, detail = %failure.detail, "chat did not begin");
                    desk.0.chat.state().phase = Phase::Stopped(failure);
                    desk.tell_bare_chat();
                }
            }
        })
        .abort_handle();
        self.set_phase(Phase::Connecting(task));
        self.tell_bare_chat();
        let _task_lives = go.send(());
    }

    async fn account(&self, taken: &Taken, start: Start) -> Result<Account, Failure> {
        let Start { way, former, without_lines } = start;
        let owner = owner(taken);
        let (folder, key) = self.0.vault.chat_store();
        let egress = self.0.egress.clone();
        let options = |base: &Url| -> Result<AccountOptions, Failure> {
            let clients = egress.client_for(base).zip(egress.transfers_for(base));
            let (http, transfers) =
                clients.ok_or_else(|| Failure::new(FailureCode::NotAllowed, "the homeserver may not be asked"))?;
            let sessions = Arc::new(SealedSession { vault: self.0.vault.clone(), owner: owner.clone() });
            let uploads = SealedUploads { vault: self.0.vault.clone(), owner: owner.clone() };
            Ok(AccountOptions {
                folder: folder.clone(),
                key: key.clone(),
                http,
                transfers,
                sessions,
                uploads: Some(Arc::new(uploads)),
            })
        };
        if let Some(Kept { session, .. }) = kept(&self.0.vault).filter(|kept| kept.owner == owner) {
            let options = options(&session.base)?;
            let restored = if without_lines {
                Account::restore_without_lines(options, &session).await
            } else {
                Account::restore(options, &session).await
            };
            return restored.map_err(|error| of_account(&error));
        }
        let way = way.ok_or_else(|| Failure::new(FailureCode::SessionEnded, "not signed in to the homeserver"))?;
        let token = way.redirect.token().await.map_err(|error: SignInError| failures::of_sign_in(&error))?;
        if let Some(former) = former {
            let again = Account::sign_in_again(options(&former.base)?, &former, SignIn::Token(&token));
            return again.await.map_err(|error| of_account(&error));
        }
        Account::sign_in(options(&way.homeserver.base)?, &way.homeserver, SignIn::Token(&token), device_name())
            .await
            .map_err(|error| of_account(&error))
    }

    /// Signs in to the homeserver alone, by the browser: the platform's session goes on.
    pub(crate) async fn connect_chat(&self) -> Result<(), Failure> {
        let taken = self.taken().ok_or_else(|| Failure::new(FailureCode::SessionEnded, "nobody is signed in"))?;
        // A new sign-in would be a new device, which reads nothing of what was said so far.
        match self.what_connecting_takes(&taken) {
            Connecting::Nothing => return Ok(()),
            Connecting::Restoring => {
                self.start_chat(&taken, None);
                return Ok(());
            }
            Connecting::SignIn => {}
        }
        let former = kept(&self.0.vault);
        let softly = self.up().is_ok_and(|up| up.account.ended_softly());
        if former.is_some() {
            let vault = self.0.vault.clone();
            let forgotten = tokio::task::spawn_blocking(move || vault.delete(Table::Secrets, SESSION)).await;
            if let Ok(Err(error)) = forgotten {
                return Err(failures::of_store(&error));
            }
        }
        let way = self.find_way(&taken.platform).await?;
        let page = way.page.clone();
        let same = |kept: &Kept| softly && kept.owner == owner(&taken) && kept.session.base == way.homeserver.base;
        let former = former.filter(same).map(|kept| kept.session);
        self.start_chat_as(&taken, Start { way: Some(way), former, ..Start::default() });
        self.show_page(&page).await;
        Ok(())
    }

    fn follow_chat(&self, account: Account, taken: &Taken) {
        let (desk, taken_there) = (self.clone(), taken.clone());
        let (give, given) = tokio::sync::oneshot::channel::<Arc<Up>>();
        let task = tokio::spawn(async move {
            if let Ok(up) = given.await {
                tokio::join!(
                    desk.tell_list(&up),
                    desk.follow_cases(&up),
                    desk.follow_arrivals(&up),
                    desk.follow_rounds(&up),
                    desk.finish_uploads(&up),
                    desk.recover_by_itself(&up),
                    desk.come_back(),
                    desk.begin_anew_when_broken(&up, &taken_there)
                );
            }
        })
        .abort_handle();
        let directory = self.directory_of(&account, &taken.platform);
        let up = Arc::new(Up { account, directory, task });
        self.set_phase(Phase::Up(up.clone()));
        self.offer_uploads(&up);
        self.tell_signals();
        let _task_lives = give.send(up);
    }

    /// Begins anew where a part of the library has ended that may not: everything is on disk. Where that does not help
    /// for long, it is said.
    async fn begin_anew_when_broken(&self, up: &Up, taken: &Taken) {
        let mut state = up.account.state();
        if state.wait_for(|state| *state == SyncState::Broken).await.is_err() {
            return;
        }
        // Two that follow would write into the same stores.
        up.account.stop().await;
        let open = self.followed();
        let breaks = {
            let mut chat = self.0.chat.state();
            // A second end may come before what was open is open again.
            chat.reopen = open.or(chat.reopen.take());
            chat.breaks.retain(|at| at.elapsed() < SHORTLY);
            chat.breaks.push(Instant::now());
            chat.breaks.len()
        };
        if breaks > MOST_BREAKS {
            let failure = Failure::new(FailureCode::ChatStoreDamaged, "a part of chat ends again and again");
            self.set_phase(Phase::Stopped(failure));
            self.tell_bare_chat();
        } else {
            self.start_chat_as(taken, Start { without_lines: breaks > 1, ..Start::default() });
        }
    }

    /// To what was open when chat had to begin anew.
    async fn come_back(&self) {
        let Some(room) = self.0.chat.state().reopen.clone() else { return };
        match self.open_conversation(&room).await {
            Ok(view) => self.tell(Event::ConversationChanged(view)),
            Err(failure) => tracing::warn!(code = ?failure.code, "what was open could not be opened again"),
        }
    }

    /// What others may see of the person, as the settings have it.
    pub(crate) fn tell_signals(&self) {
        let signals = {
            let settings = &self.state().settings;
            Signals { typing: settings.typing_notices, receipts: settings.read_receipts }
        };
        if let Ok(up) = self.up() {
            up.account.set_signals(signals);
        }
    }

    /// Tells the list, now and at each change.
    async fn tell_list(&self, up: &Up) {
        let mut list = Box::pin(up.account.list_changes());
        let mut recovery = Box::pin(up.account.recovery_changes());
        let mut verification = up.account.verification();
        let mut state = up.account.state();
        let mut attention = up.account.attention_changes().await;
        self.load_drafts(up).await;
        loop {
            self.publish_list(up).await;
            self.0.chat.look_for_cases();
            let open = tokio::select! {
                told = list.next() => told.is_some(),
                told = recovery.next() => told.is_some(),
                () = self.0.chat.keeping.tried.notified() => true,
                told = verification.changed() => told.is_ok(),
                told = state.changed() => told.is_ok(),
                told = attention.recv() => !matches!(told, Err(tokio::sync::broadcast::error::RecvError::Closed)),
            };
            if !open {
                return;
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    async fn publish_list(&self, up: &Up) {
        let rows = up.account.rows().await;
        let state = *up.account.state().borrow();
        let view = {
            let chat = self.0.chat.state();
            let cases = |room: &str| chat.cases.view(room, &up.account.pinned(room));
            let quiet = chat.quieter.holds();
            let recovery = self.0.chat.keeping.shown(up.account.recovery_state());
            let mut view = views::chat(&rows, state, recovery, &chat.drafts, cases, quiet);
            view.lost_files = chat.files.broken_off.lost;
            view.comparison = up.account.verification().borrow().as_ref().map(trust::comparison);
            view
        };
        let changed = {
            let mut chat = self.0.chat.state();
            let changed = chat.view.as_ref().is_none_or(|shown| views::differs(shown, &view));
            if changed {
                chat.view = Some(view.clone());
            }
            changed
        };
        if changed {
            self.put_outward(Outward::Unread(view.unread));
            self.tell(Event::ChatChanged(view));
            // They bear the names of conversations.
            self.tell_rounds();
        }
    }

    /// The list as it is.
    pub(crate) fn chat_view(&self) -> ChatView {
        let chat = self.0.chat.state();
        match (&chat.phase, &chat.view) {
            (Phase::Up(_), Some(view)) => view.clone(),
            (Phase::Up(_) | Phase::Connecting(_), _) => bare(ChatStateView::Connecting),
            (Phase::Absent, _) => bare(ChatStateView::Absent),
            (Phase::Stopped(failure), _) => bare(ChatStateView::Stopped { failure: failure.clone() }),
        }
    }

    fn tell_bare_chat(&self) {
        self.tell(Event::ChatChanged(self.chat_view()));
    }

    fn set_phase(&self, phase: Phase) {
        self.stop_files();
        self.stop_rounds();
        let former = {
            let mut chat = self.0.chat.state();
            (chat.open, chat.view, chat.cases) = (None, None, Cases::default());
            (chat.found, chat.reading) = (study::Found::default(), None);
            std::mem::replace(&mut chat.phase, phase)
        };
        match former {
            Phase::Connecting(task) => task.abort(),
            Phase::Up(up) => up.task.abort(),
            Phase::Absent | Phase::Stopped(_) => {}
        }
    }

    /// Ends following; what this device keeps stays.
    pub(crate) fn stop_chat(&self) {
        self.set_phase(Phase::Absent);
        let mut chat = self.0.chat.state();
        chat.drafts.clear();
        chat.quieter = notices::Quieter::default();
        // They were the last person's.
        (chat.reopen, chat.breaks) = (None, Vec::new());
        drop(chat);
        self.put_outward(Outward::Unread(0));
    }

    /// Ends the session at the homeserver and removes what this device keeps.
    pub(crate) async fn sign_out_of_chat(&self) {
        let up = self.up().ok();
        self.end_round().await;
        self.stop_chat();
        if let Some(up) = up {
            up.account.sign_out().await;
        }
        let vault = self.0.vault.clone();
        let forgotten = tokio::task::spawn_blocking(move || {
            vault.clear(Table::Uploads)?;
            vault.delete(Table::Secrets, SESSION)
        });
        if let Ok(Err(error)) = forgotten.await {
            tracing::error!(%error, "the chat session could not be wiped");
        }
    }

    fn what_connecting_takes(&self, taken: &Taken) -> Connecting {
        match &self.0.chat.state().phase {
            Phase::Up(up) => match *up.account.state().borrow() {
                SyncState::DiskFull => Connecting::Restoring,
                SyncState::Ended => Connecting::SignIn,
                // The last begins anew by itself.
                SyncState::Connecting | SyncState::Ready | SyncState::Offline { .. } | SyncState::Broken => {
                    Connecting::Nothing
                }
            },
            // The device is in order, and the computer is what is the matter.
            Phase::Stopped(failure) if matches!(failure.code, FailureCode::DiskFull | FailureCode::StoreNewer) => {
                Connecting::Restoring
            }
            // Asked a second time before the first has come to an end. Where it waits for the browser, that is shown
            // again.
            Phase::Connecting(_) if kept(&self.0.vault).is_some_and(|kept| kept.owner == owner(taken)) => {
                Connecting::Nothing
            }
            Phase::Absent | Phase::Connecting(_) | Phase::Stopped(_) => Connecting::SignIn,
        }
    }

    /// The name of a conversation as the list has it; empty where it does not.
    pub(crate) fn conversation_name(&self, room: &str) -> String {
        let chat = self.0.chat.state();
        let rows = chat.view.iter().flat_map(|view| &view.conversations);
        rows.filter(|row| row.id == room).map(|row| row.name.clone()).next().unwrap_or_default()
    }

    /// Whether this person was in a conversation and is in it no more.
    pub(crate) fn is_left(&self, room: &str) -> bool {
        let chat = self.0.chat.state();
        let mut rows = chat.view.iter().flat_map(|view| &view.conversations);
        rows.any(|row| row.id == room && row.membership == contract::ConversationMembership::Left)
    }

    /// The patient whose case a conversation belongs to, where this person may open it.
    pub(crate) fn patient_of(&self, room: &str) -> Option<String> {
        let chat = self.0.chat.state();
        let row = chat.view.as_ref()?.conversations.iter().find(|row| row.id == room)?;
        row.cases.iter().find_map(|case| match &case.access {
            contract::CaseAccess::Open { patient, .. } => Some(patient.clone()),
            contract::CaseAccess::Unknown
            | contract::CaseAccess::Denied
            | contract::CaseAccess::Elsewhere
            | contract::CaseAccess::Newer => None,
        })
    }

    pub(crate) fn up(&self) -> Result<Arc<Up>, Failure> {
        match &self.0.chat.state().phase {
            Phase::Up(up) => Ok(up.clone()),
            Phase::Absent | Phase::Connecting(_) => Err(Failure::new(FailureCode::NotFound, "there is no chat")),
            Phase::Stopped(failure) => Err(failure.clone()),
        }
    }
}

fn bare(state: ChatStateView) -> ChatView {
    ChatView {
        state,
        recovery: RecoveryView::Unknown,
        comparison: None,
        conversations: Vec::new(),
        unread: 0,
        quiet: false,
        lost_files: 0,
        as_of: Timestamp::now().to_string(),
    }
}

/// What other people's devices call this one.
fn device_name() -> &'static str {
    if cfg!(windows) {
        "Konsil, Windows"
    } else if cfg!(target_os = "macos") {
        "Konsil, macOS"
    } else {
        "Konsil, Linux"
    }
}

/// Whose chat it is: another person at the same profile is another account.
fn owner(taken: &Taken) -> String {
    format!("{}|{}", taken.platform.issuer, taken.session.person().subject)
}

/// The homeserver's session as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    owner: String,
    session: StoredSession,
}

fn kept(vault: &Vault) -> Option<Kept> {
    let bytes = vault.get(Table::Secrets, SESSION).ok().flatten()?;
    serde_json::from_slice(bytes.reveal()).ok()
}

struct SealedSession {
    vault: Arc<Vault>,
    owner: String,
}

impl SessionStore for SealedSession {
    fn save(&self, session: &StoredSession) -> Result<(), SessionStoreError> {
        let kept = Kept { owner: self.owner.clone(), session: session.clone() };
        let bytes = serde_json::to_vec(&kept).map_err(|error| SessionStoreError(error.to_string()))?;
        let bytes = zeroize::Zeroizing::new(bytes);
        self.vault.put(Table::Secrets, SESSION, &bytes).map_err(|error| SessionStoreError(error.to_string()))
    }
}

pub(crate) fn of_account(error: &AccountError) -> Failure {
    let code = match error {
        AccountError::Store(_) => FailureCode::ChatStoreDamaged,
        AccountError::Newer(_) => FailureCode::StoreNewer,
        AccountError::DiskFull => FailureCode::DiskFull,
        AccountError::Unreachable(_) => FailureCode::PlatformUnreachable,
        AccountError::Refused(code) => of_refusal(code),
        AccountError::Later(_) => FailureCode::TryLater,
        AccountError::Session => FailureCode::SessionEnded,
    };
    Failure::new(code, error.to_string())
}

/// What a homeserver's no says by its code (client-server API v1.11 §4.2). Whatever names no cause that a person knows is
/// said without one.
pub(crate) fn of_refusal(code: &str) -> FailureCode {
    match code {
        "M_FORBIDDEN" | "M_GUEST_ACCESS_FORBIDDEN" => FailureCode::NotAllowed,
        "M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN" => FailureCode::SessionEnded,
        "M_NOT_FOUND" => FailureCode::NotFound,
        "M_TOO_LARGE" => FailureCode::TooLarge,
        "M_LIMIT_EXCEEDED" => FailureCode::TryLater,
        _ => FailureCode::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::{AccountError, FailureCode, of_account};

    #[test]
    fn a_refusal_is_said_with_no_other_cause_than_the_homeserver_names() {
        let refused = |code: &str| AccountError::Refused(code.to_owned());
        for (error, code) in [
            (refused("M_FORBIDDEN"), FailureCode::NotAllowed),
            (refused("M_TOO_LARGE"), FailureCode::TooLarge),
            (refused("M_LIMIT_EXCEEDED"), FailureCode::TryLater),
            (refused("M_UNKNOWN_TOKEN"), FailureCode::SessionEnded),
            (refused("M_BAD_STATE"), FailureCode::Refused),
            (refused("M_UNKNOWN"), FailureCode::Refused),
            (refused("DE.EXAMPLE.OWN"), FailureCode::Refused),
            (AccountError::Later("502 Bad Gateway".to_owned()), FailureCode::TryLater),
        ] {
            assert_eq!(of_account(&error).code, code, "{error}");
        }
    }
}
