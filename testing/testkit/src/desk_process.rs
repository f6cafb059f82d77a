//! The inner side of a [`DeskKit`](crate::DeskKit): a desk that takes requests as JSON lines on standard
//! input and says replies and facts as JSON lines on standard output.

use crate::{misbehaving, phi, roots::FolderRoots};
use anyhow::Context as _;
use app::{Appearance, Desk, DeskOptions, EgressOptions, Pages, Policy, WorkerProgram};
use axum::http;
use codec::sample::test_card;
use contract::{Event, Failure, Reply, Request};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sound::memory::Memory;
use std::{
    io::{self, BufRead as _, Write as _},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{broadcast::error::RecvError, mpsc};

/// The origin that the test's page pretends to have.
pub(crate) const ORIGIN: &str = "http://konsil.test";

/// The address of the program's own scheme, as a desktop's page writes it.
const SCHEME: &str = "bulk://localhost";

/// Is in the environment of a desk whose IT has the recovery key kept.
pub(crate) const KEEPS_RECOVERY_KEY: &str = "KONSIL_TEST_KEEPS_RECOVERY_KEY";

/// A test does not wait for minutes until the open case is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a page asks, with a number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) id: u64,
    pub(crate) what: Wish,
}

/// What a page asks of the program.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Wish {
    Call(Box<Request>),
    /// An address of the program's own scheme, and the origin that the web view names.
    Fetch {
        address: String,
        origin: Option<String>,
    },
    /// The desk's clock goes on by so many seconds.
    PutAhead {
        seconds: i64,
    },
    Happen(Happening),
    /// Whether the microphone is open.
    Hears,
}

/// What a desk says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said {
    Open,
    Refused(Failure),
    Reply { id: u64, answer: Result<Reply, Failure> },
    Fetched { id: u64, answer: Fetched },
    Hears { id: u64, open: bool },
    Done { id: u64 },
    Fact(Event),
    Leak(String),
}

/// What the scheme answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The origin whose page may read it.
    pub allowed: Option<String>,
    /// The body.
    #[serde(with = "base64_text")]
    pub body: Vec<u8>,
}

/// The microphone of every desk.
pub const MICROPHONE: &str = "Mikrofon";

/// The camera of every desk; it shows the test picture.
pub const CAMERA: &str = "Kamera";

/// The window of every desk, of 800 × 600 pixels; it shows number 0 of the test pictures. There is a screen behind it.
pub const WINDOW: &str = "Befund";

/// What happens to a desk's devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happening {
    /// The camera is pulled out.
    CameraIsGone,
    /// Another program takes the camera.
    CameraIsTaken,
    /// The window shows this number of the test pictures, at this size.
    WindowShows(u32, u16, u16),
    /// The window is closed.
    WindowCloses,
    /// The operating system forbids to take screens.
    ScreensAreForbidden,
}

/// Camera, screen and window of a desk.
#[derive(Clone)]
struct Sights {
    memory: capture::memory::Memory,
    camera: capture::DeviceId,
    window: capture::DeviceId,
}

impl Sights {
    fn new() -> Self {
        let memory = capture::memory::Memory::default();
        let camera = memory.plug(CAMERA, None);
        memory.show(capture::SurfaceKind::Screen, None, test_card(1280, 720, 0));
        let window = memory.show(capture::SurfaceKind::Window, Some(WINDOW), test_card(800, 600, 0));
        Self { memory, camera, window }
    }

    fn happen(&self, what: Happening) {
        match what {
            Happening::CameraIsGone => self.memory.unplug(&self.camera),
            Happening::CameraIsTaken => self.memory.refuse(&self.camera, Some(capture::DeviceError::Busy)),
            Happening::WindowShows(number, width, height) => {
                self.memory.paint(&self.window, test_card(width, height, number));
            }
            Happening::WindowCloses => self.memory.close(&self.window),
            Happening::ScreensAreForbidden => self.memory.hinder(Some(capture::DeviceError::Denied)),
        }
    }
}

/// Noise in syllables, four in a second: a steady sound would be taken out as what a room hums.
fn syllables() -> impl FnMut(u64) -> f32 {
    let mut state = 1_u32;
    move |sample| {
        // Numerical Recipes' generator, of which the upper bits are used.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f32::from(u16::try_from(state >> 16).unwrap_or_default()) / 32_768.0 - 1.0;
        let part = f32::from(u16::try_from(sample % 12_000).unwrap_or_default()) / 12_000.0;
        let loudness = if sample / 12_000 % 8 == 7 { 0.0 } else { (part * std::f32::consts::PI).sin() };
        noise * loudness * 0.3
    }
}

/// `desk PROFILE ROOTS [CA…]`.
pub(crate) fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(2).map(PathBuf::from);
    let profile = arguments.next().context("a profile")?;
    let roots = FolderRoots(arguments.next().context("roots")?);
    let ca: Vec<PathBuf> = arguments.collect();
    phi::watch(|line| say(&Said::Leak(line.to_owned())));
    tokio::runtime::Runtime::new()?.block_on(serve(profile, roots, &ca))
}

async fn serve(profile: PathBuf, roots: FolderRoots, ca: &[PathBuf]) -> anyhow::Result<()> {
    let egress = match app::egress_options(ca) {
        Ok(egress) => egress,
        Err(failure) => {
            say(&Said::Refused(failure));
            return Ok(());
        }
    };
    let ahead = Arc::new(AtomicI64::new(0));
    let seconds = ahead.clone();
    let now = move || Timestamp::now().saturating_add(SignedDuration::from_secs(seconds.load(Ordering::SeqCst)));
    let time = egress.time.clone().with_now(move || now().expect("seconds can be added to every time"));
    let downloads = profile.with_file_name("downloads");
    // A microphone that hears somebody, and a speaker.
    let sound = Memory::default();
    let microphone = sound.plug_microphone(MICROPHONE, 48_000, 1, Box::new(syllables()));
    sound.plug_speaker("Lautsprecher", 48_000, 2);
    let _heard = sound.run()?;
    let sights = Sights::new();
    let options = DeskOptions {
        profile,
        roots: Arc::new(roots),
        egress: EgressOptions { time, ..egress },
        worker: worker()?,
        pages: Pages::Browser,
        policy: Policy { keeps_recovery_key: std::env::var_os(KEEPS_RECOVERY_KEY).is_some(), ..Policy::default() },
        appearance: Appearance::default(),
        origins: vec![ORIGIN.to_owned()],
        scheme: Some(SCHEME.to_owned()),
        sound: Arc::new(sound.clone()),
        capture: Arc::new(sights.memory.clone()),
        look_every: LOOK_EVERY,
    };
    let desk = match Desk::open(options).await {
        Ok(desk) => desk,
        Err(error) => {
            say(&Said::Refused(error.failure()));
            return Ok(());
        }
    };
    desk.saves_into(downloads);
    let mut facts = desk.events();
    say(&Said::Open);
    tokio::spawn(async move {
        loop {
            match facts.recv().await {
                Ok(fact) => say(&Said::Fact(fact)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
    let (tell, mut asked) = mpsc::channel::<Asked>(16);
    // Standard input of tokio would keep the process alive until one more line comes.
    std::thread::Builder::new().name("input".to_owned()).spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(asked) = line.map_err(anyhow::Error::from).and_then(|line| Ok(serde_json::from_str(&line)?)) else {
                return;
            };
            if tell.blocking_send(asked).is_err() {
                return;
            }
        }
    })?;
    while let Some(Asked { id, what }) = asked.recv().await {
        let (desk, ahead, sights) = (desk.clone(), ahead.clone(), sights.clone());
        let (sound, microphone) = (sound.clone(), microphone.clone());
        tokio::spawn(async move {
            match what {
                Wish::Call(request) => say(&Said::Reply { id, answer: desk.call(*request).await }),
                Wish::PutAhead { seconds } => {
                    ahead.fetch_add(seconds, Ordering::SeqCst);
                    say(&Said::Done { id });
                }
                Wish::Happen(what) => {
                    sights.happen(what);
                    say(&Said::Done { id });
                }
                Wish::Hears => say(&Said::Hears { id, open: sound.is_open(&microphone) }),
                Wish::Fetch { address, origin } => {
                    if let Some(request) = asked_by_web_view(&address, origin.as_deref()) {
                        say(&Said::Fetched { id, answer: Fetched::of(desk.bulk().answer(&request).await) });
                    }
                }
            }
        });
    }
    Ok(())
}

/// A request as a web view makes it; nothing if the address is none.
fn asked_by_web_view(address: &str, origin: Option<&str>) -> Option<http::Request<Vec<u8>>> {
    let mut request = http::Request::get(address);
    if let Some(origin) = origin {
        request = request.header(http::header::ORIGIN, origin);
    }
    request.body(Vec::new()).ok()
}

impl Fetched {
    fn of(response: http::Response<Vec<u8>>) -> Self {
        let allowed = response.headers().get(http::header::ACCESS_CONTROL_ALLOW_ORIGIN);
        let allowed = allowed.and_then(|allowed| allowed.to_str().ok()).map(str::to_owned);
        Self { status: response.status().as_u16(), allowed, body: response.into_body() }
    }
}

fn worker() -> anyhow::Result<WorkerProgram> {
    let program = std::env::current_exe()?;
    Ok(match std::env::var(misbehaving::FRAME_TIME) {
        Ok(millis) => misbehaving::program(program, Duration::from_millis(millis.parse()?)),
        Err(_not_wanted) => WorkerProgram::of(program),
    })
}

fn say(said: &Said) {
    let Ok(mut line) = serde_json::to_vec(said) else { return };
    line.push(b'\n');
    let mut out = io::stdout().lock();
    // Nobody listens any longer: the test is over.
    let _over = out.write_all(&line).and_then(|()| out.flush());
}

/// Bytes in a line of JSON.
mod base64_text {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
