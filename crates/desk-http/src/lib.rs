#![doc = include_str!("../README.md")]

use app::{Desk, FileDoor};
use axum::{
    Router,
    body::Body,
    extract::{
        Query, Request, State,
        ws::{Message, WebSocketUpgrade},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use contract::{Failure, FailureCode, Reply};
use futures_util::{SinkExt, StreamExt};
use rand::Rng;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tower_http::services::ServeDir;

/// The cookie that stands for the one-time token.
const COOKIE: &str = "konsil-desk";

/// A desk served to one browser.
pub struct Served {
    /// The address to open; its token works once.
    pub start: String,
    /// Where the server listens.
    pub address: SocketAddr,
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Served({})", self.address)
    }
}

#[derive(Clone)]
struct Door {
    desk: Desk,
    address: SocketAddr,
    token: Arc<Mutex<Option<String>>>,
    cookie: Arc<String>,
    bulk: Arc<Mutex<Vec<String>>>,
}

/// Serves `desk` and the page in `pages` on `listener`, which must be bound to loopback.
///
/// # Errors
/// When the listener has no address.
pub fn serve(desk: Desk, pages: PathBuf, listener: tokio::net::TcpListener) -> std::io::Result<Served> {
    let address = listener.local_addr()?;
    let (token, cookie) = (random(), random());
    let door = Door {
        desk,
        address,
        token: Arc::new(Mutex::new(Some(token.clone()))),
        cookie: Arc::new(cookie),
        bulk: Arc::default(),
    };
    let inside = Router::new()
        .route("/call", post(call))
        .route("/events", get(events))
        .fallback_service(ServeDir::new(pages))
        .layer(middleware::from_fn_with_state(door.clone(), guard));
    // The sockets of images and files have tokens of their own, as in the window.
    let router = Router::new()
        .route("/start", get(start))
        .route("/bulk", get(bulk))
        .route("/file", get(file))
        .merge(inside)
        .with_state(door);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the desk's port closed");
        }
    });
    Ok(Served { start: format!("http://{address}/start?token={token}"), address })
}

fn random() -> String {
    rand::rng().random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Host, Origin and cookie of every request but the first.
async fn guard(State(door): State<Door>, request: Request, next: Next) -> Response {
    if !door.knows_origin(request.headers()) || !door.knows_cookie(request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut response = next.run(request).await;
    let policy = format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; font-src 'self'; \
         worker-src 'self'; connect-src 'self' ws://{}; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        door.address
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

impl Door {
    /// The door of a file at this port: the page's policy lets it reach no other.
    fn here(&self, socket: String) -> String {
        match socket.rsplit_once('=') {
            Some((_, token)) => format!("ws://{}/file?token={token}", self.address),
            None => socket,
        }
    }

    /// A name that leads here by DNS is no page of ours, nor is another origin's.
    fn knows_origin(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let own = self.address.to_string();
        text(header::HOST) == Some(own.as_str())
            && text(header::ORIGIN).is_none_or(|origin| origin == format!("http://{own}"))
    }

    fn knows_cookie(&self, headers: &HeaderMap) -> bool {
        let wanted = format!("{COOKIE}={}", self.cookie);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .any(|cookie| cookie.trim() == wanted)
    }
}

/// The start address: its token becomes a cookie that no script reads and no other site sends.
async fn start(
    State(door): State<Door>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let mut token = lock(&door.token);
    if !door.knows_origin(&headers) || token.is_none() || query.get("token") != token.as_ref() {
        return StatusCode::FORBIDDEN.into_response();
    }
    *token = None;
    drop(token);
    let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/", door.cookie);
    match HeaderValue::from_str(&cookie) {
        Ok(cookie) => {
            // A page instead of a redirect: SameSite=Strict holds the cookie back on a redirect that began elsewhere.
            let mut response = Redirect::to("/").into_response();
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            response
        }
        Err(_not_ascii) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn call(State(door): State<Door>, body: axum::body::Bytes) -> Response {
    let request = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            return json(StatusCode::BAD_REQUEST, &Failure::new(FailureCode::InvalidInput, error.to_string()));
        }
    };
    match door.desk.call(request).await {
        Ok(Reply::BulkAccess(mut access)) => {
            let token = random();
            let mut open = lock(&door.bulk);
            open.push(token.clone());
            let surplus = open.len().saturating_sub(16);
            open.drain(..surplus);
            access.socket = Some(format!("ws://{}/bulk?token={token}", door.address));
            access.scheme = None;
            json(StatusCode::OK, &Reply::BulkAccess(access))
        }
        Ok(Reply::FileDoor(mut file)) => {
            file.socket = door.here(file.socket);
            json(StatusCode::OK, &Reply::FileDoor(file))
        }
        Ok(Reply::PictureDoor(mut pictures)) => {
            pictures.socket = door.here(pictures.socket);
            json(StatusCode::OK, &Reply::PictureDoor(pictures))
        }
        Ok(reply) => json(StatusCode::OK, &reply),
        Err(failure) => json(StatusCode::UNPROCESSABLE_ENTITY, &failure),
    }
}

fn json(status: StatusCode, value: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn events(State(door): State<Door>, upgrade: WebSocketUpgrade) -> Response {
    let mut events = door.desk.events();
    upgrade.on_upgrade(move |socket| async move {
        let (mut write, mut read) = socket.split();
        loop {
            tokio::select! {
                event = events.recv() => {
                    let event = match event {
                        Ok(event) => event,
                        Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => continue,
                        Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                    };
                    let Ok(text) = serde_json::to_string(&event) else { continue };
                    if write.send(Message::Text(text.into())).await.is_err() {
                        return;
                    }
                }
                heard = read.next() => match heard {
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return,
                },
            }
        }
    })
}

async fn bulk(
    State(door): State<Door>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let spent = {
        let mut open = lock(&door.bulk);
        let found = query.get("token").and_then(|token| open.iter().position(|known| known == token));
        found.map(|at| open.remove(at)).is_some()
    };
    if !spent || !door.knows_origin(&headers) || headers.get(header::ORIGIN).is_none() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let bulk = door.desk.bulk();
    upgrade.max_message_size(1 << 16).write_buffer_size(512 << 10).on_upgrade(move |socket| async move {
        bulk.serve(socket).await;
    })
}

async fn file(
    State(door): State<Door>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let own = door.knows_origin(&headers) && headers.contains_key(header::ORIGIN);
    let serve = query.get("token").filter(|_| own).and_then(|token| door.desk.files().let_in(token));
    let Some(serve) = serve else { return StatusCode::FORBIDDEN.into_response() };
    let longest = FileDoor::LONGEST_MESSAGE;
    upgrade.max_message_size(longest).max_frame_size(longest).on_upgrade(serve)
}
