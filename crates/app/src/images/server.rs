//! The loopback WebSocket of the bulk pipe: 127.0.0.1 only, a random port, a token that opens once,
//! Origin and Host checked. The same tokens open the program's own URI scheme.

use super::{
    bulk::Outgoing,
    source::{FrameFailure, Images},
};
use crate::loopback::{is_own_page, same, token};
use axum::{
    Router,
    extract::{
        Query, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use bytes::Bytes;
use contract::{BulkWay, FailureCode};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Tokens given out and not used yet; older ones expire.
const OPEN_TOKENS: usize = 16;

/// The server. It lives as long as the desk.
#[derive(Clone)]
pub struct BulkServer(Arc<Inner>);

struct Inner {
    port: u16,
    images: Images,
    origins: Vec<String>,
    socket_tokens: Mutex<VecDeque<String>>,
    scheme_tokens: Mutex<VecDeque<String>>,
    /// The way that was opened last.
    way: Mutex<Option<BulkWay>>,
}

impl std::fmt::Debug for BulkServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BulkServer(127.0.0.1:{})", self.0.port)
    }
}

#[derive(Deserialize)]
struct Ticket {
    token: String,
}

impl BulkServer {
    pub(crate) async fn start(images: Images, origins: Vec<String>) -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let server = Self(Arc::new(Inner {
            port,
            images,
            origins,
            socket_tokens: Mutex::new(VecDeque::new()),
            scheme_tokens: Mutex::new(VecDeque::new()),
            way: Mutex::new(None),
        }));
        let router = Router::new().route("/bulk", get(open)).with_state(server.clone());
        tokio::spawn(async move {
            let listener = listener.tap_io(|stream| {
                // Small words and large frames alternate; waiting to fill a packet costs 40 ms.
                let _unsupported = stream.set_nodelay(true);
            });
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the bulk port closed");
            }
        });
        Ok(server)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// The way that the page has taken; none before the first image.
    pub(crate) fn way(&self) -> Option<BulkWay> {
        *self.0.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn takes(&self, way: BulkWay) {
        *self.0.way.lock().unwrap_or_else(PoisonError::into_inner) = Some(way);
    }

    /// A token that opens the socket once.
    #[must_use]
    pub fn socket_token(&self) -> String {
        issue(&mut lock(&self.0.socket_tokens))
    }

    /// A token for the scheme's requests of one page.
    #[must_use]
    pub fn scheme_token(&self) -> String {
        issue(&mut lock(&self.0.scheme_tokens))
    }

    /// One message of a frame for the scheme: the part that begins at `first_row`.
    ///
    /// # Errors
    /// [`FrameFailure`]; [`FailureCode::NotAllowed`] for a wrong token.
    pub(super) async fn scheme_frame(
        &self,
        token: &str,
        handle: u32,
        frame: u32,
        first_row: u32,
    ) -> Result<Bytes, FrameFailure> {
        if !lock(&self.0.scheme_tokens).iter().any(|known| same(known, token)) {
            return Err(FrameFailure(FailureCode::NotAllowed));
        }
        self.takes(BulkWay::Scheme);
        let messages = self.0.images.messages(handle, frame).await?;
        messages
            .into_iter()
            .find(|message| message.get(20..24) == Some(first_row.to_le_bytes().as_slice()))
            .ok_or(FrameFailure(FailureCode::NotFound))
    }

    /// Serves one WebSocket; for a shell that has its own listener and has checked the caller.
    pub async fn serve(&self, socket: WebSocket) {
        self.takes(BulkWay::Socket);
        pump(self.0.images.clone(), socket).await;
    }

    /// Origins that the page may have.
    pub(super) fn origins(&self) -> &[String] {
        &self.0.origins
    }

    fn admits(&self, headers: &HeaderMap, token: &str) -> bool {
        if !is_own_page(headers, &self.0.origins, self.0.port) {
            return false;
        }
        let mut tokens = lock(&self.0.socket_tokens);
        let found = tokens.iter().position(|known| same(known, token));
        found.is_some_and(|at| tokens.remove(at).is_some())
    }
}

fn lock(tokens: &Mutex<VecDeque<String>>) -> MutexGuard<'_, VecDeque<String>> {
    tokens.lock().unwrap_or_else(PoisonError::into_inner)
}

fn issue(tokens: &mut VecDeque<String>) -> String {
    let token = token();
    tokens.push_back(token.clone());
    while tokens.len() > OPEN_TOKENS {
        tokens.pop_front();
    }
    token
}

async fn open(
    State(server): State<BulkServer>,
    Query(ticket): Query<Ticket>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !server.admits(&headers, &ticket.token) {
        tracing::warn!("a stranger knocked at the bulk port");
        return StatusCode::FORBIDDEN.into_response();
    }
    server.takes(BulkWay::Socket);
    let images = server.0.images.clone();
    upgrade.max_message_size(1 << 16).write_buffer_size(512 << 10).on_upgrade(move |socket| pump(images, socket))
}

async fn pump(images: Images, socket: WebSocket) {
    let (mut write, mut read) = socket.split();
    let (ear, mut outgoing) = images.session().split();
    let writing = async move {
        while let Some(out) = outgoing.recv().await {
            let message = match out {
                Outgoing::Binary(bytes) => Message::Binary(bytes),
                Outgoing::Text(text) => Message::Text(text.into()),
            };
            if write.send(message).await.is_err() {
                return;
            }
        }
    };
    let reading = async move {
        while let Some(Ok(message)) = read.next().await {
            match message {
                Message::Text(text) => ear.hear(&text).await,
                Message::Close(_) => return,
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
            }
        }
    };
    tokio::select! {
        () = writing => {}
        () = reading => {}
    }
}

#[cfg(test)]
mod tests {
    use super::issue;
    use std::collections::VecDeque;

    #[test]
    fn old_tokens_expire() {
        let mut tokens = VecDeque::new();
        let first = issue(&mut tokens);
        for _ in 0..20 {
            let _next = issue(&mut tokens);
        }
        assert!(!tokens.contains(&first), "only the newest tokens open");
    }
}
