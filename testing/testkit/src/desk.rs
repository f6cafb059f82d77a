//! [`DeskKit`]: a desk in a process of its own, seen from outside as the page sees it.

use crate::{
    PATIENCE, browser,
    desk_process::{Asked, Fetched, Happening, KEEPS_RECOVERY_KEY, ORIGIN, Said, Wish},
    misbehaving, phi,
};
use anyhow::{Context as _, bail};
use contract::{
    ArrivalView, CaseView, CasesView, ChatView, ConnectionView, ConversationView, DecisionView, Event, Failure,
    ImagesView, PreloadView, PresentedView, ReceivedStudyView, Reply, Request, RoundsView, SessionView, TodayView,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::{Mutex as Turn, oneshot, watch},
    time::timeout,
};

/// Where a desk lives: the test program, the profile, and the place of its root.
#[derive(Debug, Clone)]
pub struct DeskPlace {
    /// The executable that calls [`crate::main`].
    pub program: PathBuf,
    /// The profile.
    pub profile: PathBuf,
    /// A folder outside of it.
    pub roots: PathBuf,
    /// Files of certificate authorities, as `--ca` names them.
    pub ca: Vec<PathBuf>,
    /// What the process has in its environment beside the test's own.
    pub environment: Vec<(String, String)>,
    /// The time for a frame, with decode workers that misbehave at marked frames; else the worker that ships, with its
    /// own time.
    pub misbehaving: Option<Duration>,
    /// What IT has fixed: the recovery key is kept on this computer.
    pub keeps_recovery_key: bool,
}

impl DeskPlace {
    /// A place in a folder of the test's own.
    #[must_use]
    pub fn under(program: &str, folder: &Path) -> Self {
        Self {
            program: program.into(),
            profile: folder.join("profile"),
            roots: folder.join("roots"),
            ca: Vec::new(),
            environment: Vec::new(),
            misbehaving: None,
            keeps_recovery_key: false,
        }
    }
}

/// The newest of each view model, as a page would hold it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Who is there.
    pub session: Option<SessionView>,
    /// Whether the platform answers.
    pub connection: Option<ConnectionView>,
    /// "Heute".
    pub today: Option<TodayView>,
    /// Images of the next board.
    pub preload: Option<PreloadView>,
    /// "Fälle".
    pub cases: Option<CasesView>,
    /// The open case.
    pub case: Option<CaseView>,
    /// Its studies.
    pub images: Option<ImagesView>,
    /// Its decision.
    pub decision: Option<DecisionView>,
    /// The list of conversations.
    pub chat: Option<ChatView>,
    /// The open conversation.
    pub conversation: Option<ConversationView>,
    /// What has arrived and was to be noticed.
    pub arrivals: Vec<ArrivalView>,
    /// The open study of a message.
    pub received: Option<ReceivedStudyView>,
    /// Rounds.
    pub rounds: Option<RoundsView>,
    /// What is shown in the round.
    pub presented: Option<PresentedView>,
    ended: bool,
    leak: Option<String>,
}

type Waiting = Arc<Mutex<BTreeMap<u64, oneshot::Sender<Answer>>>>;

/// What a wish was answered with.
#[derive(Debug)]
enum Answer {
    Reply(Box<Result<Reply, Failure>>),
    Fetched(Fetched),
    Hears(bool),
    Done,
}

/// An open desk. Dropping it kills its process.
#[derive(Debug)]
pub struct DeskKit {
    child: Child,
    input: Turn<ChildStdin>,
    waiting: Waiting,
    next: AtomicU64,
    seen: watch::Receiver<Seen>,
}

impl DeskKit {
    /// The origin that the bulk port knows.
    pub const ORIGIN: &str = ORIGIN;

    /// Opens a desk at `place`; whoever it sends to the browser signs in as `user`.
    ///
    /// # Errors
    /// The desk's own refusal.
    ///
    /// # Panics
    /// When the process cannot be started.
    pub async fn open(place: &DeskPlace, user: &str) -> Result<Self, Failure> {
        let mut child = Command::new(&place.program)
            .arg("desk")
            .args([&place.profile, &place.roots])
            .args(&place.ca)
            .envs(place.misbehaving.map(|time| (misbehaving::FRAME_TIME, time.as_millis().to_string())))
            .envs(place.keeps_recovery_key.then_some((KEEPS_RECOVERY_KEY, "1")))
            .envs(place.environment.iter().map(|(name, value)| (name, value)))
            .env("BROWSER", format!("{} browser %s", place.program.display()))
            .env(browser::USER, user)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the test program can be started");
        let input = Turn::new(child.stdin.take().expect("standard input is piped"));
        let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        let first = timeout(PATIENCE, lines.next_line()).await;
        let first =
            first.expect("a desk opens or refuses in time").ok().flatten().expect("a desk says that it is open");
        match serde_json::from_str(&first).expect("a desk says JSON") {
            Said::Refused(failure) => return Err(failure),
            Said::Leak(line) => panic!("patient data in a log line: {line}"),
            Said::Open
            | Said::Reply { .. }
            | Said::Fetched { .. }
            | Said::Hears { .. }
            | Said::Done { .. }
            | Said::Fact(_) => {}
        }
        let waiting = Waiting::default();
        let (tell, seen) = watch::channel(Seen::default());
        let answers = waiting.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                match serde_json::from_str(&line) {
                    Ok(said) => take(said, &answers, &tell),
                    Err(error) => tell.send_modify(|seen| seen.leak = Some(format!("no line of a desk: {error}"))),
                }
            }
            answers.lock().unwrap_or_else(PoisonError::into_inner).clear();
            tell.send_modify(|seen| seen.ended = true);
        });
        let desk = Self { child, input, waiting, next: AtomicU64::new(1), seen };
        desk.look_first().await;
        Ok(desk)
    }

    /// Asks for what holds, as a page does at its start: a desk that goes on with a session may have told its facts before
    /// anybody heard.
    async fn look_first(&self) {
        let started = self.call(Request::Start).await;
        if let Ok(Reply::Started(view)) = started
            && matches!(view.session, SessionView::SignedIn { .. })
        {
            self.look_at_chat().await;
        }
    }

    /// Asks how chat is, so that what was seen of it is not older than this.
    pub async fn look_at_chat(&self) {
        // The desk may be locked or signed out by now; then a fact follows.
        let _may_be_gone = self.call(Request::OpenChat).await;
    }

    /// Takes a request to its end.
    ///
    /// # Errors
    /// The desk's failure.
    ///
    /// # Panics
    /// When the desk does not answer, or wrote patient data into its log.
    pub async fn call(&self, request: Request) -> Result<Reply, Failure> {
        let what = format!("{request:?}").chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
        match self.ask(Wish::Call(Box::new(request)), &what).await {
            Answer::Reply(answer) => *answer,
            Answer::Fetched(_) | Answer::Hears(_) | Answer::Done => panic!("{what} is answered by a reply"),
        }
    }

    /// Asks the program's own scheme, as the web view does for a page of `origin`.
    ///
    /// # Panics
    /// When the desk does not answer, or wrote patient data into its log.
    pub async fn fetch(&self, address: &str, origin: Option<&str>) -> Fetched {
        let wish = Wish::Fetch { address: address.to_owned(), origin: origin.map(str::to_owned) };
        match self.ask(wish, "the scheme").await {
            Answer::Fetched(answer) => answer,
            Answer::Reply(_) | Answer::Hears(_) | Answer::Done => panic!("the scheme answers as a scheme"),
        }
    }

    /// Puts the desk's clock ahead, as of a person who is away that long.
    ///
    /// # Panics
    /// When the desk does not answer, or wrote patient data into its log.
    pub async fn put_ahead(&self, seconds: i64) {
        match self.ask(Wish::PutAhead { seconds }, "the clock").await {
            Answer::Done => {}
            Answer::Reply(_) | Answer::Fetched(_) | Answer::Hears(_) => panic!("the clock is put ahead"),
        }
    }

    /// Lets something happen to the desk's devices.
    ///
    /// # Panics
    /// When the desk does not answer, or wrote patient data into its log.
    pub async fn happens(&self, what: Happening) {
        match self.ask(Wish::Happen(what), "what happens").await {
            Answer::Done => {}
            Answer::Reply(_) | Answer::Fetched(_) | Answer::Hears(_) => panic!("it happens"),
        }
    }

    /// Whether the desk's microphone is open at this moment.
    ///
    /// # Panics
    /// When the desk does not answer, or wrote patient data into its log.
    pub async fn hears(&self) -> bool {
        match self.ask(Wish::Hears, "the microphone").await {
            Answer::Hears(open) => open,
            Answer::Reply(_) | Answer::Fetched(_) | Answer::Done => panic!("it is open, or it is not"),
        }
    }

    async fn ask(&self, wish: Wish, what: &str) -> Answer {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, tell);
        let mut line = serde_json::to_vec(&Asked { id, what: wish }).expect("a request is JSON");
        line.push(b'\n');
        let mut input = self.input.lock().await;
        input.write_all(&line).await.expect("the desk listens");
        input.flush().await.expect("the desk listens");
        drop(input);
        let answer = timeout(PATIENCE, answer).await;
        self.assert_no_leak();
        answer
            .unwrap_or_else(|_| panic!("{what} is answered in time"))
            .unwrap_or_else(|_| panic!("{what}: the desk is gone"))
    }

    /// Waits for a fact.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn eventually<T>(&self, what: &str, find: impl Fn(&Seen) -> Option<T>) -> T {
        let mut seen = self.seen.clone();
        let mut found = None;
        // What is found counts, also where it is over a moment later.
        let comes = seen.wait_for(|seen| {
            found = find(seen);
            found.is_some() || seen.leak.is_some() || seen.ended
        });
        if timeout(PATIENCE, comes).await.is_err() {
            let seen = self.seen.borrow();
            let chat = seen.chat.as_ref().map(|chat| &chat.state);
            panic!("{what} did not come; chat is {chat:?}, the session is {:?}", seen.session);
        }
        self.assert_no_leak();
        found.unwrap_or_else(|| panic!("{what} did not come before the desk ended"))
    }

    /// The newest of everything.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Signs in at a platform, or says why not.
    ///
    /// # Errors
    /// When the session ends in a failure.
    pub async fn sign_in(&self, address: &str) -> anyhow::Result<()> {
        self.call(Request::SignIn { address: address.to_owned() })
            .await
            .map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
        let outcome = self.eventually("the end of the sign-in", |seen| match seen.session.as_ref()? {
            SessionView::SignedIn { .. } => Some(None),
            SessionView::SignedOut { failure: Some(failure), .. } => Some(Some(failure.clone())),
            SessionView::SignedOut { failure: None, .. } | SessionView::Waiting { .. } | SessionView::Locked { .. } => {
                None
            }
        });
        match outcome.await {
            None => Ok(()),
            Some(failure) => bail!("{:?}: {}", failure.code, failure.detail),
        }
    }

    /// Ends the process at once and without warning, as a power cut does.
    ///
    /// # Errors
    /// When the system does not let go of it.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("the process ends")
    }

    fn assert_no_leak(&self) {
        let leak = self.seen.borrow().leak.clone();
        assert_eq!(leak, None, "no log line holds patient data");
    }
}

fn take(said: Said, answers: &Waiting, tell: &watch::Sender<Seen>) {
    match said {
        Said::Open | Said::Refused(_) => {}
        Said::Leak(line) => tell.send_modify(|seen| seen.leak = Some(line)),
        Said::Fact(event) => tell.send_modify(|seen| learn(seen, event)),
        Said::Reply { id, answer } => {
            if let Ok(reply) = &answer {
                tell.send_modify(|seen| learn_reply(seen, reply));
            }
            pass_on(answers, id, Answer::Reply(Box::new(answer)));
        }
        Said::Fetched { id, answer } => pass_on(answers, id, Answer::Fetched(answer)),
        Said::Hears { id, open } => pass_on(answers, id, Answer::Hears(open)),
        Said::Done { id } => pass_on(answers, id, Answer::Done),
    }
}

fn pass_on(answers: &Waiting, id: u64, answer: Answer) {
    let waiting = answers.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    if let Some(waiting) = waiting {
        // The test may have stopped waiting.
        let _unheard = waiting.send(answer);
    }
}

fn learn(seen: &mut Seen, event: Event) {
    match event {
        Event::SessionChanged(view) => seen.session = Some(view),
        Event::ConnectionChanged(view) => seen.connection = Some(view),
        Event::CaseChanged(view) => seen.case = Some(view),
        Event::ImagesChanged(view) => seen.images = Some(view),
        Event::DecisionChanged(view) => seen.decision = Some(view),
        Event::TodayChanged(view) => seen.today = Some(view),
        Event::PreloadChanged(view) => learn_preload(seen, view),
        Event::CasesChanged(view) => seen.cases = Some(view),
        Event::ChatChanged(view) => seen.chat = Some(view),
        Event::ConversationChanged(view) => seen.conversation = Some(view),
        Event::MessagesArrived(view) => seen.arrivals.push(view),
        Event::ReceivedStudyChanged(view) => seen.received = Some(view),
        Event::RoundsChanged(view) => seen.rounds = Some(view),
        Event::Presented(view) => seen.presented = Some(view),
        Event::SettingsChanged(_) | Event::ConversationWanted(_) => {}
    }
}

/// An answer may be overtaken by a fact.
fn learn_preload(seen: &mut Seen, view: PreloadView) {
    if seen.preload.as_ref().is_none_or(|here| here.serial < view.serial) {
        seen.preload = Some(view);
    }
}

fn learn_reply(seen: &mut Seen, reply: &Reply) {
    match reply {
        Reply::Started(view) => {
            // A fact that came before the answer is the younger one; one that comes after it takes its place.
            seen.session.get_or_insert_with(|| view.session.clone());
            seen.connection.get_or_insert_with(|| view.connection.clone());
        }
        Reply::Today(view) => seen.today = Some(view.clone()),
        Reply::Preload(Some(view)) => learn_preload(seen, view.clone()),
        Reply::Cases(view) => seen.cases = Some(view.clone()),
        Reply::Case(view) => seen.case = Some(view.clone()),
        Reply::Images(view) => seen.images = Some(view.clone()),
        Reply::Decision(view) => seen.decision = Some(view.clone()),
        Reply::Chat(view) => {
            if seen.chat.as_ref().is_none_or(|here| here.as_of <= view.as_of) {
                seen.chat = Some(view.clone());
            }
        }
        Reply::Conversation(view) => seen.conversation = Some(view.clone()),
        Reply::ReceivedStudy(view) => seen.received = Some(view.clone()),
        Reply::Rounds(view) => seen.rounds = Some(view.clone()),
        Reply::Presented(view) => seen.presented.clone_from(view),
        Reply::Done
        | Reply::Preload(None)
        | Reply::Platform(_)
        | Reply::Document(_)
        | Reply::Series(_)
        | Reply::BulkAccess(_)
        | Reply::SigningPreview(_)
        | Reply::Settings(_)
        | Reply::Measurements(_)
        | Reply::TextBlocks(_)
        | Reply::FileDoor(_)
        | Reply::RecoveryKey(_)
        | Reply::Devices(_)
        | Reply::ProofWanted(_)
        | Reply::Shareable(_)
        | Reply::People(_)
        | Reply::Directory(_)
        | Reply::Permissions(_)
        | Reply::OwnCard(_)
        | Reply::Card(_)
        | Reply::Begun(_)
        | Reply::Versions(_)
        | Reply::RoundDevices(_)
        | Reply::RoundSurfaces(_)
        | Reply::PictureDoor(_)
        | Reply::RoundCheck(_)
        | Reply::Diagnosis(_)
        | Reply::RoundSight(_)
        | Reply::RoundWay(_) => {}
    }
}

/// The first file under `folder` that holds a needle in any form in which text is stored, with the needle.
///
/// # Errors
/// When the folder cannot be read.
pub fn find_in_files(folder: &Path, needles: &[String]) -> std::io::Result<Option<(PathBuf, String)>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find_in_files(&path, needles)? {
                return Ok(Some(found));
            }
            continue;
        }
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            // What a program works with goes away while it runs.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(needle) = phi::leak(&text, needles) {
            return Ok(Some((path, needle.to_owned())));
        }
    }
    Ok(None)
}
