//! The loopback door of files: a WebSocket beside the bulk port, by which the page gives the bytes of a file that it
//! holds, or gets those of one that came. Origin and Host are checked, and each token opens once.

use crate::loopback::{is_own_page, same, token};
use axum::{
    Router,
    extract::{
        Query, State,
        ws::{WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt as _,
};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Tokens given out and not used yet; older ones expire.
const OPEN_TICKETS: usize = 16;

/// What happens behind the door with a socket that was let in.
pub type Serve = Box<dyn FnOnce(WebSocket) -> BoxFuture<'static, ()> + Send>;

struct Ticket {
    token: String,
    serve: Serve,
}

/// The door. It lives as long as the desk.
#[derive(Clone)]
pub struct FileDoor(Arc<Inner>);

impl std::fmt::Debug for FileDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileDoor({})", self.0.port)
    }
}

struct Inner {
    port: u16,
    origins: Vec<String>,
    tickets: Mutex<VecDeque<Ticket>>,
    /// Changes when what was let in has to go.
    shut: watch::Sender<()>,
}

#[derive(Deserialize)]
struct Knock {
    token: String,
}

impl FileDoor {
    /// The most that the page may send in one message, in bytes: a piece and where it begins.
    pub const LONGEST_MESSAGE: usize = super::files::PIECE + super::files::HEADER;

    pub(crate) async fn start(origins: Vec<String>) -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        // Short words ask for the next pieces; none of them waits for another.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "short words may wait at the door of files");
            }
        });
        let door = Self(Arc::new(Inner { port, origins, tickets: Mutex::default(), shut: watch::Sender::new(()) }));
        let router = Router::new().route("/file", get(open)).with_state(door.clone());
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the door of files closed");
            }
        });
        Ok(door)
    }

    /// An address that opens once, and what then happens.
    pub(crate) fn ticket(&self, serve: impl FnOnce(WebSocket) -> BoxFuture<'static, ()> + Send + 'static) -> String {
        let token = token();
        let address = format!("ws://127.0.0.1:{}/file?token={token}", self.0.port);
        let mut tickets = self.tickets();
        tickets.push_back(Ticket { token, serve: Box::new(serve) });
        while tickets.len() > OPEN_TICKETS {
            tickets.pop_front();
        }
        address
    }

    /// Nobody comes in with what was given out so far, and who is in has to go.
    pub(super) fn close(&self) {
        self.tickets().clear();
        self.0.shut.send_replace(());
    }

    /// Changes when the door is closed after this call.
    pub(crate) fn shut(&self) -> watch::Receiver<()> {
        self.0.shut.subscribe()
    }

    fn tickets(&self) -> MutexGuard<'_, VecDeque<Ticket>> {
        self.0.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, headers: &HeaderMap, token: &str) -> Option<Serve> {
        if !is_own_page(headers, &self.0.origins, self.0.port) {
            return None;
        }
        self.let_in(token)
    }

    /// What happens behind the door, for a shell that has checked by itself who knocks. The token is spent.
    #[must_use]
    pub fn let_in(&self, token: &str) -> Option<Serve> {
        let mut tickets = self.tickets();
        let found = tickets.iter().position(|ticket| same(&ticket.token, token))?;
        tickets.remove(found).map(|ticket| ticket.serve)
    }
}

async fn open(
    State(door): State<FileDoor>,
    Query(knock): Query<Knock>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(serve) = door.admit(&headers, &knock.token) else {
        tracing::warn!("a stranger knocked at the door of files");
        return StatusCode::FORBIDDEN.into_response();
    };
    upgrade.max_message_size(FileDoor::LONGEST_MESSAGE).max_frame_size(FileDoor::LONGEST_MESSAGE).on_upgrade(serve)
}
