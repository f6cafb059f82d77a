//! The shell: one task with one UDP socket and the clock, and one WebSocket for each person.
//!
//! Everything that is decided is decided by the engine. What waits is bounded: frames of clients wait for the engine,
//! which pushes back on their sockets, and a client that does not read what it is told is dropped.

use crate::admin::{self, Command as AdminCommand};
use crate::engine::{Engine, Output};
use crate::rooms::{JoinError, Moment, Seat};
use crate::token::{Grants, SigningKey};
use crate::wire;
use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use livekit_protocol as lk;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use thiserror::Error;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Frames of all clients that wait for the engine.
const WAITING_IN: usize = 256;
/// Frames that wait for one client.
const WAITING_OUT: usize = 1024;
/// Whoever is silent for so long is gone: clients ping every 5 s.
const SILENT: Duration = Duration::from_secs(20);
/// So long is waited for a client's half of the closing handshake.
const CLOSING: Duration = Duration::from_secs(2);
/// A client may say so many things at once, and so many in a second.
const BURST: u32 = 400;
const EACH_SECOND: u32 = 100;
/// No datagram of a client is longer, in bytes: an Ethernet frame carries 1,500, and loopback more.
const LONGEST_DATAGRAM: usize = 9000;
/// How long the token is good that a client gets for its next time, in seconds (livekit-server, `tokenDefaultTTL`).
const REFRESHED_SECONDS: i64 = 600;
/// So many datagrams are taken before the rest is looked after.
const BATCH: usize = 64;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// What signs the tokens that let in.
    pub key: SigningKey,
    /// The UDP port on 127.0.0.1 for media; 0 for any.
    pub media_port: u16,
}

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The port is taken.
    #[error("no UDP socket on 127.0.0.1:{port}")]
    Socket {
        /// Which.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
}

/// A running media server. Dropping it ends all rooms.
pub struct Sfu {
    state: Arc<Shared>,
    media: SocketAddr,
    task: JoinHandle<()>,
}

impl fmt::Debug for Sfu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sfu").field("media", &self.media).finish_non_exhaustive()
    }
}

impl Drop for Sfu {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) struct Shared {
    key: SigningKey,
    commands: mpsc::Sender<Command>,
}

/// What is asked of the engine's task.
pub(crate) enum Command {
    Join {
        grants: Grants,
        request: Box<lk::JoinRequest>,
        token: String,
        outbox: mpsc::Sender<Vec<u8>>,
        reply: oneshot::Sender<Result<Seat, JoinError>>,
    },
    Frame(Seat, Bytes),
    Gone(Seat),
    Admin(AdminCommand),
}

impl Sfu {
    /// Opens the socket for media and starts the server's task. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let port = options.media_port;
        let failed = |source| StartError::Socket { port, source };
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let media = socket.local_addr().map_err(failed)?;
        let stun = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let stun_address = stun.local_addr().map_err(failed)?;
        let (commands, inbox) = mpsc::channel(WAITING_IN);
        let engine = Engine::new(rand::random(), media, stun_address, Instant::now());
        let task = tokio::spawn(Task { engine, socket, stun, inbox, outboxes: BTreeMap::new(), seats: 0 }.run());
        Ok(Self { state: Arc::new(Shared { key: options.key, commands }), media, task })
    }

    /// Where media is received.
    #[must_use]
    pub fn media_address(&self) -> SocketAddr {
        self.media
    }

    /// `/`, `/rtc/v1`, `/rtc/v1/validate` and `/twirp/livekit.RoomService/…`, to be served on 127.0.0.1 under any path.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(|| async { "OK" }))
            .route("/rtc/v1", get(rtc))
            .route("/rtc/v1/validate", get(validate))
            .route("/twirp/livekit.RoomService/MutePublishedTrack", post(admin::mute))
            .route("/twirp/livekit.RoomService/RemoveParticipant", post(admin::remove))
            .with_state(Arc::clone(&self.state))
    }
}

#[derive(Deserialize)]
struct Parameters {
    join_request: Option<String>,
    access_token: Option<String>,
}

impl Shared {
    /// Who asks, by the header or by the parameter that browsers have to use.
    pub(crate) fn grants(&self, headers: &HeaderMap, parameter: Option<&str>) -> Result<Grants, Refusal> {
        let header = headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).or(parameter);
        let token =
            token.ok_or_else(|| Refusal(StatusCode::UNAUTHORIZED, "no permissions to access the room".to_owned()))?;
        self.key
            .verify(token, now().unix_millis.div_euclid(1000))
            .map_err(|error| Refusal(StatusCode::UNAUTHORIZED, error.to_string()))
    }

    pub(crate) async fn command(&self, command: Command) -> Result<(), Refusal> {
        self.commands.send(command).await.ok().ok_or_else(Refusal::ended)
    }

    fn refreshed(&self, grants: &Grants) -> String {
        self.key.sign(grants, now().unix_millis.div_euclid(1000), REFRESHED_SECONDS)
    }
}

/// A status and a sentence, as livekit-server answers before the upgrade (`rtcservice.go`).
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) String);

impl Refusal {
    fn ended() -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, "the server has ended".to_owned())
    }
}

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

/// What a request for a place asks for, and who asks.
fn wanted(shared: &Shared, headers: &HeaderMap, parameters: &Parameters) -> Result<(Grants, lk::JoinRequest), Refusal> {
    let grants = shared.grants(headers, parameters.access_token.as_deref())?;
    if !grants.join || grants.room.is_empty() {
        return Err(Refusal(StatusCode::UNAUTHORIZED, JoinError::NotAllowed.to_string()));
    }
    let request = parameters.join_request.as_deref().unwrap_or_default();
    let request = wire::join_request(request).map_err(|error| Refusal(StatusCode::BAD_REQUEST, error.to_string()))?;
    Ok((grants, request))
}

/// A client asks why its socket did not open.
async fn validate(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Result<&'static str, Refusal> {
    wanted(&shared, &headers, &parameters)?;
    Ok("success")
}

async fn rtc(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let (grants, request) = wanted(&shared, &headers, &parameters)?;
    let upgrade = upgrade.ok().ok_or_else(|| Refusal(StatusCode::NOT_FOUND, "not a WebSocket".to_owned()))?;
    let (outbox, frames) = mpsc::channel(WAITING_OUT);
    let (reply, seat) = oneshot::channel();
    let token = shared.refreshed(&grants);
    shared.command(Command::Join { grants, request: Box::new(request), token, outbox, reply }).await?;
    let seat = seat.await.ok().ok_or_else(Refusal::ended)?;
    let seat = seat.map_err(|error| Refusal(status(error), error.to_string()))?;
    // Where the upgrade fails, this goes and the seat with it.
    let seat = Taken { seat, commands: shared.commands.clone() };
    let upgrade = upgrade.max_message_size(wire::LONGEST_FRAME).max_frame_size(wire::LONGEST_FRAME);
    Ok(upgrade.on_upgrade(move |socket| talk(socket, seat, frames)).into_response())
}

fn status(error: JoinError) -> StatusCode {
    match error {
        JoinError::NotAllowed => StatusCode::UNAUTHORIZED,
        JoinError::Full => StatusCode::SERVICE_UNAVAILABLE,
        JoinError::TooMuch => StatusCode::BAD_REQUEST,
    }
}

/// A seat that is given back when its socket ends, however it ends.
struct Taken {
    seat: Seat,
    commands: mpsc::Sender<Command>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let (seat, commands) = (self.seat, self.commands.clone());
        if let Err(mpsc::error::TrySendError::Full(gone)) = commands.try_send(Command::Gone(seat))
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { commands.send(gone).await });
        }
    }
}

/// Carries frames both ways until one side ends.
async fn talk(mut socket: WebSocket, taken: Taken, mut frames: mpsc::Receiver<Vec<u8>>) {
    let mut allowance = Allowance::new(Instant::now());
    loop {
        tokio::select! {
            biased;
            frame = frames.recv() => match frame {
                Some(frame) => {
                    if socket.send(Message::Binary(frame.into())).await.is_err() {
                        return;
                    }
                }
                None => {
                    let frame = CloseFrame { code: close_code::NORMAL, reason: "".into() };
                    let _ = socket.send(Message::Close(Some(frame))).await;
                    return end(socket).await;
                }
            },
            came = tokio::time::timeout(SILENT, socket.recv()) => match came {
                Ok(Some(Ok(Message::Binary(frame)))) => {
                    if !allowance.take(Instant::now())
                        || taken.commands.send(Command::Frame(taken.seat, frame)).await.is_err()
                    {
                        return;
                    }
                }
                // LiveKit takes JSON as well; no client of today sends it.
                Ok(Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_)))) => {
                    if !allowance.take(Instant::now()) {
                        return;
                    }
                }
                Ok(Some(Ok(Message::Close(_)))) => return end(socket).await,
                Ok(Some(Err(_)) | None) | Err(_) => return,
            },
        }
    }
}

/// Waits for the other side's end of the closing handshake (RFC 6455 §7.1.1), so that neither takes it for a fault.
async fn end(mut socket: WebSocket) {
    let rest = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = tokio::time::timeout(CLOSING, rest).await;
}

/// How much a client may say.
struct Allowance {
    left: u32,
    counted: Instant,
}

impl Allowance {
    fn new(now: Instant) -> Self {
        Self { left: BURST, counted: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        let passed = u32::try_from(now.saturating_duration_since(self.counted).as_millis()).unwrap_or(u32::MAX);
        let earned = passed.saturating_mul(EACH_SECOND) / 1000;
        if earned > 0 {
            self.left = self.left.saturating_add(earned).min(BURST);
            self.counted = now;
        }
        self.left.checked_sub(1).map(|left| self.left = left).is_some()
    }
}

struct Task {
    engine: Engine,
    socket: UdpSocket,
    stun: UdpSocket,
    inbox: mpsc::Receiver<Command>,
    outboxes: BTreeMap<Seat, mpsc::Sender<Vec<u8>>>,
    seats: u64,
}

enum Turn {
    Command(Option<Command>),
    Readable(bool),
    Asked(bool),
    Due,
}

impl Task {
    async fn run(mut self) {
        let mut datagram = vec![0; LONGEST_DATAGRAM];
        loop {
            self.put_out().await;
            let due = self.engine.due();
            let turn = tokio::select! {
                command = self.inbox.recv() => Turn::Command(command),
                readable = self.socket.readable() => Turn::Readable(readable.is_ok()),
                asked = self.stun.readable() => Turn::Asked(asked.is_ok()),
                () = until(due) => Turn::Due,
            };
            match turn {
                Turn::Command(Some(command)) => self.obey(command),
                // Nobody is left who could ask for anything.
                Turn::Command(None) => return,
                Turn::Readable(false) | Turn::Asked(false) => return,
                Turn::Readable(true) => self.read(&mut datagram),
                Turn::Asked(true) => self.say_address(&mut datagram),
                Turn::Due => {}
            }
            self.engine.tick(now());
        }
    }

    fn read(&mut self, datagram: &mut [u8]) {
        for _ in 0..BATCH {
            match self.socket.try_recv_from(datagram) {
                Ok((length, from)) => {
                    // Whatever reaches 127.0.0.1 is from this machine, under any of its addresses: Chromium prefers a
                    // network's own to the loopback's.
                    if let Some(datagram) = datagram.get(..length) {
                        self.engine.datagram(from, datagram, now());
                    }
                }
                // A former peer's port is closed (ICMP), or there is nothing more.
                Err(_) => return,
            }
        }
    }

    fn say_address(&self, datagram: &mut [u8]) {
        for _ in 0..BATCH {
            let Ok((length, from)) = self.stun.try_recv_from(datagram) else { return };
            if let Some(answer) = datagram.get(..length).and_then(|datagram| crate::stun::answer(datagram, from)) {
                // Whoever does not hear it asks again.
                let _ = self.stun.try_send_to(&answer, from);
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Join { grants, request, token, outbox, reply } => {
                self.seats += 1;
                let seat = Seat(self.seats);
                self.outboxes.insert(seat, outbox);
                let joined = self.engine.join(seat, grants, *request, token, now());
                if joined.is_err() {
                    self.outboxes.remove(&seat);
                }
                if reply.send(joined.map(|()| seat)).is_err() {
                    self.gone(seat);
                }
            }
            Command::Frame(seat, frame) => self.engine.frame(seat, &frame, now()),
            Command::Gone(seat) => self.gone(seat),
            Command::Admin(command) => {
                command.obey(&mut self.engine.rooms, now());
                self.engine.settle(now());
            }
        }
    }

    fn gone(&mut self, seat: Seat) {
        if self.outboxes.remove(&seat).is_some() {
            self.engine.rooms.lost(seat, now());
            self.engine.settle(now());
        }
    }

    async fn put_out(&mut self) {
        while let Some(output) = self.engine.output() {
            match output {
                Output::Frame(seat, frame) => {
                    let full = self.outboxes.get(&seat).is_some_and(|outbox| outbox.try_send(frame).is_err());
                    if full {
                        self.gone(seat);
                    }
                }
                Output::Close(seat) => {
                    self.outboxes.remove(&seat);
                }
            }
        }
        while let Some((to, datagram)) = self.engine.sent() {
            // What the system does not take is lost, as on any line; the stack's retransmissions know.
            let _ = self.socket.send_to(&datagram, to).await;
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

pub(crate) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment { at: Instant::now(), unix_millis: i64::try_from(since.as_millis()).unwrap_or(i64::MAX) }
}
