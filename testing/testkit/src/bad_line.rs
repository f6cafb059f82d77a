//! [`BadLine`]: the way of one participant to a LiveKit server, made as bad as a test wants it.
//!
//! It stands for the server: its address relays the signalling, and in what the server says each candidate gets a port of
//! the line's own, so that all media passes it as well. Candidates of the client are left out for the same reason; the
//! server then finds it as a peer-reflexive one (RFC 8445 §7.3.1.3). Which packet is lost or late is by chance with a fixed
//! seed.

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::ws::{self, WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::{SinkExt as _, StreamExt as _};
use livekit_protocol as lk;
use lk::signal_request::Message as Asked;
use lk::signal_response::Message as Said;
use prost::Message as _;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Frame};

/// How one direction is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    /// The part of UDP's packets that is lost, from 0 to 1.
    pub loss: f64,
    /// How long each of them is under way.
    pub delay: Duration,
    /// So much longer at most, each by chance, so that some overtake others.
    pub jitter: Duration,
    /// Bits per second; none for no limit.
    pub rate: Option<f64>,
    /// What waits longer because of it is lost.
    pub queue: Duration,
    /// No packet of UDP passes, as behind a firewall.
    pub no_udp: bool,
}

impl Condition {
    /// Nothing is the matter.
    pub const GOOD: Self = Self {
        loss: 0.0,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        rate: None,
        queue: Duration::from_millis(200),
        no_udp: false,
    };
}

/// What passed in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Packets of UDP that arrived.
    pub packets: u64,
    /// Packets of UDP that did not.
    pub lost: u64,
    /// Bytes of TCP's media.
    pub stream_bytes: u64,
}

/// The line.
#[derive(Debug, Clone)]
pub struct BadLine {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: String,
    /// Where the server's media is, and where the line's is.
    ports: Ports,
    /// Of a relay (TURN), where nobody else gets through.
    relay: Option<RangeInclusive<u16>>,
    up: Mutex<Direction>,
    down: Mutex<Direction>,
    /// Everything stands still, the signalling too.
    dark: watch::Sender<bool>,
    /// Changes when the signalling's sockets are cut.
    cut: watch::Sender<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    udp: u16,
    tcp: u16,
    own_udp: u16,
    own_tcp: u16,
}

#[derive(Debug)]
struct Direction {
    condition: Condition,
    passed: Passed,
    free_at: Option<Instant>,
    chance: u32,
}

impl Direction {
    fn new(seed: u32) -> Mutex<Self> {
        Mutex::new(Self { condition: Condition::GOOD, passed: Passed::default(), free_at: None, chance: seed })
    }

    fn chance(&mut self) -> f64 {
        self.chance = self.chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.chance >> 8) / f64::from(1_u32 << 24)
    }

    /// When a packet arrives; none where it does not.
    fn arrival(&mut self, bytes: usize, dark: bool) -> Option<Instant> {
        let now = Instant::now();
        let Condition { loss, delay, jitter, rate, queue, no_udp } = self.condition;
        let lost = self.chance() < loss || no_udp || dark;
        let through = match rate {
            Some(rate) => {
                let time = Duration::from_secs_f64(f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) * 8.0 / rate);
                let free = self.free_at.map_or(now, |free| free.max(now));
                let full = free.duration_since(now) > queue;
                if !full {
                    self.free_at = Some(free + time);
                }
                (!full).then_some(free + time)
            }
            None => Some(now),
        };
        let arrival = through.filter(|_| !lost);
        let passed = &mut self.passed;
        *(if arrival.is_some() { &mut passed.packets } else { &mut passed.lost }) += 1;
        let late = jitter.mul_f64(self.chance());
        arrival.map(|at| at + delay + late)
    }
}

impl BadLine {
    /// Before the server at `address` (`ws://…`), whose media is at these ports of loopback.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn before(address: &str, udp: u16, tcp: u16) -> Result<Self> {
        Self::with(address, udp, tcp, None).await
    }

    /// As [`BadLine::before`], and behind a firewall that lets media to the server only from the ports of a relay. The client
    /// is told of the relays that the server names.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn by_a_relay(address: &str, udp: u16, tcp: u16, relay: RangeInclusive<u16>) -> Result<Self> {
        Self::with(address, udp, tcp, Some(relay)).await
    }

    async fn with(address: &str, udp: u16, tcp: u16, relay: Option<RangeInclusive<u16>>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the signalling")?;
        let media = UdpSocket::bind("127.0.0.1:0").await.context("a port for packets")?;
        let streams = TcpListener::bind("127.0.0.1:0").await.context("a port for streams")?;
        let ports = Ports { udp, tcp, own_udp: media.local_addr()?.port(), own_tcp: streams.local_addr()?.port() };
        let shared = Arc::new(Shared {
            server: address.trim_end_matches('/').to_owned(),
            ports,
            relay,
            up: Direction::new(1),
            down: Direction::new(2),
            dark: watch::Sender::new(false),
            cut: watch::Sender::new(0),
        });
        let own = format!("ws://127.0.0.1:{}", listener.local_addr()?.port());
        let router = Router::new().fallback(signal).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        tokio::spawn(packets(shared.clone(), Arc::new(media)));
        tokio::spawn(stream_of(shared.clone(), streams));
        Ok(Self { address: own, shared })
    }

    /// In the place of the server's.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// From here on the way to the server is like this.
    pub fn set_up(&self, condition: Condition) {
        locked(&self.shared.up).condition = condition;
    }

    /// From here on the way from the server is like this.
    pub fn set_down(&self, condition: Condition) {
        locked(&self.shared.down).condition = condition;
    }

    /// Nothing passes any more, or everything again; no connection is closed by it.
    pub fn set_dark(&self, dark: bool) {
        self.shared.dark.send_replace(dark);
    }

    /// Cuts the signalling; a new socket may be opened at once.
    pub fn cut_signalling(&self) {
        self.shared.cut.send_modify(|number| *number += 1);
    }

    /// What passed to the server.
    #[must_use]
    pub fn up(&self) -> Passed {
        locked(&self.shared.up).passed
    }

    /// What passed from the server.
    #[must_use]
    pub fn down(&self) -> Passed {
        locked(&self.shared.down).passed
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Waits while everything stands still.
    async fn until_light(&self) {
        let mut dark = self.dark.subscribe();
        // The line lives as long as this value.
        let _gone = dark.wait_for(|dark| !*dark).await;
    }
}

/// Opens the socket at the server first: what it refuses is refused here.
async fn signal(State(line): State<Arc<Shared>>, upgrade: WebSocketUpgrade, request: Request) -> Response {
    line.until_light().await;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Ok(mut asked) = format!("{}{path}", line.server).into_client_request() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if let Some(token) = request.headers().get(header::AUTHORIZATION) {
        asked.headers_mut().insert(header::AUTHORIZATION, HeaderValue::clone(token));
    }
    let limits = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    match tokio_tungstenite::connect_async_with_config(asked, Some(limits), true).await {
        Ok((server, _)) => upgrade.on_upgrade(move |client| relay(line, client, server)),
        Err(WsError::Http(answer)) => answer.status().into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

type Server = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<TcpStream>>;

async fn relay(line: Arc<Shared>, mut client: WebSocket, mut server: Server) {
    let mut cut = line.cut.subscribe();
    loop {
        tokio::select! {
            _ = cut.changed() => return,
            asked = client.recv() => match asked {
                Some(Ok(ws::Message::Binary(bytes))) => {
                    line.until_light().await;
                    let Some(bytes) = to_server(&bytes) else { continue };
                    if server.send(Frame::Binary(bytes.into())).await.is_err() {
                        return;
                    }
                }
                Some(Ok(ws::Message::Text(_) | ws::Message::Ping(_) | ws::Message::Pong(_))) => {}
                Some(Ok(ws::Message::Close(_)) | Err(_)) | None => {
                    let _closed = server.close(None).await;
                    return;
                }
            },
            said = server.next() => match said {
                Some(Ok(Frame::Binary(bytes))) => {
                    line.until_light().await;
                    let bytes = to_client(&line.ports, line.relay.is_some(), &bytes);
                    if client.send(ws::Message::Binary(bytes.into())).await.is_err() {
                        return;
                    }
                }
                Some(Ok(Frame::Text(_) | Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => {}
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
            },
        }
    }
}

/// Without candidates; none where nothing is left of it.
fn to_server(bytes: &[u8]) -> Option<Vec<u8>> {
    let Ok(mut asked) = lk::SignalRequest::decode(bytes) else { return Some(bytes.to_vec()) };
    match &mut asked.message {
        Some(Asked::Trickle(_)) => return None,
        Some(Asked::Offer(offer)) => offer.sdp = without_candidates(&offer.sdp),
        _ => {}
    }
    Some(asked.encode_to_vec())
}

fn without_candidates(sdp: &str) -> String {
    sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:")).collect()
}

/// With the line's own ports.
fn to_client(ports: &Ports, relayed: bool, bytes: &[u8]) -> Vec<u8> {
    let Ok(mut said) = lk::SignalResponse::decode(bytes) else { return bytes.to_vec() };
    match &mut said.message {
        Some(Said::Trickle(trickle)) => trickle.candidate_init = ports.own(&trickle.candidate_init),
        Some(Said::Answer(answer)) => answer.sdp = ports.own(&answer.sdp),
        // They would be a way beside the line.
        Some(Said::Join(join)) if !relayed => join.ice_servers.clear(),
        Some(Said::Reconnect(reconnect)) if !relayed => reconnect.ice_servers.clear(),
        _ => {}
    }
    said.encode_to_vec()
}

impl Ports {
    /// Candidates name an address and a port with a blank between them (RFC 8839 §5.1).
    fn own(&self, text: &str) -> String {
        text.replace(&format!(" {} typ ", self.udp), &format!(" {} typ ", self.own_udp))
            .replace(&format!(" {} typ ", self.tcp), &format!(" {} typ ", self.own_tcp))
    }
}

/// Relays packets: each address of the client has a socket of its own towards the server.
async fn packets(line: Arc<Shared>, own: Arc<UdpSocket>) {
    let mut ways: BTreeMap<SocketAddr, Arc<UdpSocket>> = BTreeMap::new();
    let mut buffer = vec![0; 65_536];
    loop {
        // The kernel says here that somebody to whom something was sent is gone.
        let Ok((length, from)) = own.recv_from(&mut buffer).await else { continue };
        if line.relay.as_ref().is_some_and(|relay| !relay.contains(&from.port())) {
            continue;
        }
        let packet = buffer[..length].to_vec();
        let way = match ways.get(&from) {
            Some(way) => way.clone(),
            None => {
                let Ok(way) = UdpSocket::bind("127.0.0.1:0").await else { continue };
                if way.connect(("127.0.0.1", line.ports.udp)).await.is_err() {
                    continue;
                }
                let way = Arc::new(way);
                ways.insert(from, way.clone());
                tokio::spawn(back(line.clone(), own.clone(), way.clone(), from));
                way
            }
        };
        let dark = *line.dark.borrow();
        let Some(at) = locked(&line.up).arrival(length, dark) else { continue };
        tokio::spawn(async move {
            until(at).await;
            // Nobody may be there.
            let _gone = way.send(&packet).await;
        });
    }
}

async fn back(line: Arc<Shared>, own: Arc<UdpSocket>, way: Arc<UdpSocket>, to: SocketAddr) {
    let mut buffer = vec![0; 65_536];
    loop {
        let Ok(length) = way.recv(&mut buffer).await else { return };
        let dark = *line.dark.borrow();
        let Some(at) = locked(&line.down).arrival(length, dark) else { continue };
        let (packet, own) = (buffer[..length].to_vec(), own.clone());
        tokio::spawn(async move {
            until(at).await;
            // Nobody may be there.
            let _gone = own.send_to(&packet, to).await;
        });
    }
}

/// A packet is under way so long.
async fn until(at: Instant) {
    let _passed = tokio::time::timeout_at(at, std::future::pending::<()>()).await;
}

/// Relays streams; they are not lossy, but they stand still with everything else.
async fn stream_of(line: Arc<Shared>, listener: TcpListener) {
    loop {
        let Ok((client, _)) = listener.accept().await else { return };
        if line.relay.is_some() {
            continue;
        }
        let Ok(server) = TcpStream::connect(("127.0.0.1", line.ports.tcp)).await else { continue };
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::spawn(pour(line.clone(), from_client, to_server, |line| &line.up));
        tokio::spawn(pour(line.clone(), from_server, to_client, |line| &line.down));
    }
}

async fn pour(
    line: Arc<Shared>,
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    direction: fn(&Shared) -> &Mutex<Direction>,
) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut buffer = vec![0; 16_384];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        line.until_light().await;
        locked(direction(&line)).passed.stream_bytes += u64::try_from(length).unwrap_or_default();
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
