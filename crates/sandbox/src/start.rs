//! Starting and stopping the platform.

use crate::clock::Clock;
use crate::colleagues::{Colleagues, Surroundings};
use crate::dicomweb::{self, DicomWeb, Gate, Htj2k};
use crate::discovery;
use crate::fhir::{self, Directory, Fhir, JournalError, Store};
use crate::guard::Guard;
use crate::images::{Images, ImagesOptions, OpenError};
use crate::matrix::{self, ChatOptions, Homeserver, MediaError};
use crate::oidc::{self, Keys, Provider};
use crate::people::{Person, people};
use crate::rounds::{self, MediaServer};
use crate::seed::{Language, Plan, listed, resources, with_archive};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::serve::ListenerExt as _;
use jiff::civil::{Date, Time};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What can be chosen before the start. `Options::default()` is a platform in memory at a free port.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The origin under which clients reach the platform when something stands in between, such as a reverse
    /// proxy; its own address by default.
    pub origin: Option<String>,
    /// Where resources, images and the signing key are kept; nothing is kept without it. Chat is in memory only, with
    /// a folder as well.
    pub folder: Option<PathBuf>,
    /// A folder with DICOM files to serve in place of the generated images.
    pub data: Option<PathBuf>,
    /// The day that the demonstration takes for today; the clock's day by default.
    pub today: Option<Date>,
    /// When the board begins; three minutes after the start, rounded up to five, by default.
    pub board_start: Option<Time>,
    /// The language of titles, summaries, questions and people's specialties in the record.
    pub language: Language,
    /// How long an access token is valid.
    pub access_token_seconds: u32,
    /// What can be chosen of the homeserver.
    pub chat: ChatOptions,
    /// Whether the invented colleagues write and answer in chat.
    pub colleagues: bool,
    /// The clock of tokens, versions and the demonstration's day.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            origin: None,
            folder: None,
            data: None,
            today: None,
            board_start: None,
            language: Language::German,
            access_token_seconds: 300,
            chat: ChatOptions::default(),
            colleagues: false,
            clock: Clock::system(),
        }
    }
}

impl Options {
    /// The demonstration's plan for a start now.
    fn plan(&self) -> Plan {
        let now = self.clock.now();
        let mut plan = Plan::starting(now, self.language);
        if let Some(today) = self.today {
            let days = plan.board.date() - plan.today;
            plan.board = (today + days).to_datetime(plan.board.time());
            plan.today = today;
        }
        if let Some(time) = self.board_start {
            plan.board = plan.today.to_datetime(time);
        }
        plan
    }
}

/// Why the platform can not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken or not allowed.
    #[error("127.0.0.1:{port} can not be used: {source}")]
    Port {
        /// The port that was asked for.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// The folder can not be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The images can not be opened.
    #[error(transparent)]
    Images(#[from] OpenError),
    /// What is sent in chat can not be kept.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// There is no port for the media of rounds.
    #[error(transparent)]
    Rounds(#[from] sfu::StartError),
    /// The colleagues have no place on disk, or no thread.
    #[error("nobody can answer in chat: {0}")]
    Colleagues(std::io::Error),
}

/// The evaluation platform.
#[derive(Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Starts the platform on 127.0.0.1 and answers when it accepts connections.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let port = |source| StartError::Port { port: options.port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(port)?;
        let address = listener.local_addr().map_err(port)?;
        let url = options.origin.clone().unwrap_or_else(|| format!("http://{address}"));
        let plan = options.plan();
        let images = open_images(&options, &plan).await?;
        let (keys, store) = kept(&options)?;
        let clock = options.clock.clone();
        fhir::seed(&store, with_archive(resources(&plan), images.listings()), &clock)?;
        let keys = Arc::new(keys);
        let provider =
            Arc::new(Provider::new(&url, Arc::clone(&keys), clock.clone(), people(), options.access_token_seconds));
        let (rounds, sfu) = rounds::held(&options.chat.rounds, &url).await?;
        let homeserver = Arc::new(Homeserver::new(
            &url,
            options.chat.clone(),
            sfu,
            clock.clone(),
            Arc::clone(&provider),
            &listed::with_listed(people()),
            options.folder.as_deref(),
        )?);
        for username in listed::closed() {
            homeserver.close_account(&username);
        }
        let directory = Arc::new(Directory::new(&url, clock.clone(), Arc::clone(&homeserver)));
        let guard = Guard::new(&url, keys, clock.clone());
        let archive = DicomWeb {
            images: Arc::new(images),
            gate: gate(guard.clone()),
            base: format!("{url}/dicom-web"),
            htj2k: Htj2k::default(),
        };
        let fhir = Arc::new(Fhir::new(&url, guard, clock.clone(), Arc::new(store)));
        let app: Router = discovery::router(&url, homeserver.server_name())
            .merge(oidc::router(Arc::clone(&provider)))
            .merge(fhir::router(fhir))
            .merge(matrix::router(Arc::clone(&homeserver)))
            .merge(fhir::directory_router(directory))
            .nest("/dicom-web", dicomweb::router(archive))
            .merge(rounds.as_ref().map(MediaServer::router).unwrap_or_default());
        let (shutdown, stopped) = oneshot::channel::<()>();
        let waiting = Arc::clone(&homeserver);
        // As other servers do: the end of an answer does not wait until its beginning is acknowledged.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "the ends of answers may wait");
            }
        });
        let server = axum::serve(listener, app).with_graceful_shutdown(async move {
            // A dropped handle stops the platform as well.
            stopped.await.ok();
            waiting.stop_waiting();
        });
        let task = tokio::spawn(async move { server.await });
        // It ends with the server.
        tokio::spawn(Arc::clone(&homeserver).keep_delays());
        let around = Surroundings { url: url.clone(), plan, folder: options.folder.clone() };
        let colleagues = options.colleagues.then(|| Colleagues::at_work(Arc::clone(&homeserver), around)).transpose();
        let colleagues = colleagues.map_err(StartError::Colleagues)?;
        tracing::info!(%url, "the platform is ready");
        Ok(Running { url, address, clock, provider, homeserver, colleagues, rounds, shutdown: Some(shutdown), task })
    }
}

/// Opens the archive where blocking is allowed.
async fn open_images(options: &Options, plan: &Plan) -> Result<Images, OpenError> {
    let wanted = ImagesOptions { today: plan.today, folder: options.folder.clone(), data: options.data.clone() };
    let opened = tokio::task::spawn_blocking(move || Images::open(&wanted)).await;
    opened.unwrap_or_else(|error| Err(OpenError::Folder(std::io::Error::other(error))))
}

/// The archive refuses with 403 whatever is wrong with a token, as Orthanc behind a filter script does.
fn gate(guard: Guard) -> Gate {
    Arc::new(move |headers: &HeaderMap| match guard.caller(headers) {
        Ok(caller) if caller.sees_patients() => Ok(()),
        Ok(_) | Err(_) => Err(StatusCode::FORBIDDEN),
    })
}

/// The signing key and the resources, from the folder when there is one.
fn kept(options: &Options) -> Result<(Keys, Store), JournalError> {
    let Some(folder) = &options.folder else { return Ok((Keys::fresh(), Store::in_memory())) };
    std::fs::create_dir_all(folder)?;
    Ok((Keys::kept(&folder.join("signing-key"))?, Store::kept(&folder.join("fhir.jsonl"))?))
}

/// A platform that answers. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// The origin of everything: `http://127.0.0.1:PORT`, unless [`Options::origin`] names another.
    pub url: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The platform's clock: putting it forward makes tokens expire.
    pub clock: Clock,
    provider: Arc<Provider>,
    homeserver: Arc<Homeserver>,
    colleagues: Option<Colleagues>,
    rounds: Option<MediaServer>,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Who can sign in.
    #[must_use]
    pub fn people(&self) -> Vec<Person> {
        people()
    }

    /// The homeserver: its name, everybody's id there, and the faults that a test wishes.
    #[must_use]
    pub fn matrix(&self) -> &Homeserver {
        &self.homeserver
    }

    /// Ends all sessions at the identity provider: refresh tokens are refused, access tokens live on
    /// until they expire.
    pub fn end_sessions(&self) {
        self.provider.end_all();
    }

    /// Stops answering, and waits until open requests are answered.
    pub async fn stop(mut self) {
        if let Some(colleagues) = self.colleagues.take() {
            colleagues.end().await;
        }
        // Whoever is in a round is sent out.
        drop(self.rounds.take());
        drop(self.shutdown.take());
        if let Ok(Err(error)) = self.task.await {
            tracing::warn!(%error, "the platform did not stop as it should");
        }
    }

    /// Runs until the platform is stopped by a signal of the caller's choice.
    pub async fn run_until(self, signal: impl Future<Output = ()>) {
        signal.await;
        self.stop().await;
    }
}
