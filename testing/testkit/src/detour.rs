//! [`Detour`]: a reverse proxy before a platform that spoils the answers a test chooses, as proxies, busy
//! servers and broken lines do.

use crate::{Platform, browser};
use anyhow::Context as _;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use futures_util::stream;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimePrinter};
use reqwest::Client;
use sandbox::{Options, Sandbox};
use serde_json::Value;
use std::{
    fmt, io,
    sync::{Arc, PoisonError, RwLock},
};

/// What becomes of an answer.
pub enum Spoiled {
    /// It passes as it is.
    Not,
    /// The platform is not asked; this status is the answer, with an empty body.
    Status(u16),
    /// The platform is not asked and the connection ends without an answer's end.
    Hangup,
    /// The first half of the body comes, then the connection ends.
    Half,
    /// The body is another one, its type the same.
    Bytes(fn(Vec<u8>) -> Vec<u8>),
    /// The `Date` header says this many seconds later, as of a computer whose clock is behind.
    Dated(i64),
    /// The JSON body is changed.
    Json(fn(&mut Value)),
    /// The JSON body is changed by what only this test knows.
    Edited(Box<dyn Fn(&mut Value) + Send + Sync>),
    /// `If-Match` goes no further, as before a server that does not know it.
    Unconditional,
    /// The platform is not asked; this JSON is the answer.
    Instead {
        /// The status.
        status: u16,
        /// Seconds of a `Retry-After`.
        retry_after: Option<u32>,
        /// The body.
        body: Value,
    },
}

impl fmt::Debug for Spoiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spoiled")
    }
}

type Rule = Arc<dyn Fn(&Method, &str, &[u8]) -> Spoiled + Send + Sync>;

/// A proxy that passes everything until it is told otherwise.
#[derive(Clone)]
pub struct Detour(Arc<RwLock<Rule>>);

impl fmt::Debug for Detour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Detour")
    }
}

#[derive(Clone)]
struct Way {
    client: Client,
    target: String,
    detour: Detour,
}

impl Detour {
    /// Starts a platform that clients reach through the proxy only.
    ///
    /// # Errors
    /// When one of them does not start.
    pub async fn start(options: Options) -> anyhow::Result<(Platform, Self)> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let running = Sandbox::start(Options { origin: Some(origin), ..options }).await?;
        let detour = Self::open(listener, format!("http://{}", running.address))?;
        Ok((Platform::of(running), detour))
    }

    /// A proxy before a server that somebody else runs, and its own address. It answers as long as the runtime it was
    /// started in.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn before(target: &str) -> anyhow::Result<(String, Self)> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = format!("http://{}", listener.local_addr()?);
        Ok((address, Self::open(listener, target.trim_end_matches('/').to_owned())?))
    }

    fn open(listener: tokio::net::TcpListener, target: String) -> anyhow::Result<Self> {
        let detour = Self(Arc::new(RwLock::new(Arc::new(|_, _, _| Spoiled::Not))));
        let way = Way { client: browser::client()?, target, detour: detour.clone() };
        let app = Router::new().fallback(pass).with_state(way);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(detour)
    }

    /// From now on `rule` says what becomes of the answer to a method and a path with its query.
    pub fn spoil(&self, rule: impl Fn(&Method, &str) -> Spoiled + Send + Sync + 'static) {
        self.judge(move |method, path, _| rule(method, path));
    }

    /// The same for a rule that looks into what is asked as well.
    pub fn judge(&self, rule: impl Fn(&Method, &str, &[u8]) -> Spoiled + Send + Sync + 'static) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rule);
    }

    /// Everything passes again.
    pub fn heal(&self) {
        self.spoil(|_, _| Spoiled::Not);
    }
}

async fn pass(State(way): State<Way>, request: Request) -> Response {
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let rule = way.detour.0.read().unwrap_or_else(PoisonError::into_inner).clone();
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return plain(400) };
    let spoiled = rule(&parts.method, &path, &body);
    let answer = match &spoiled {
        Spoiled::Status(status) => Ok(plain(*status)),
        Spoiled::Hangup => Ok(cut(HeaderMap::new(), StatusCode::OK, Bytes::new())),
        Spoiled::Instead { status, retry_after, body } => Ok(instead(*status, *retry_after, body)),
        Spoiled::Not
        | Spoiled::Half
        | Spoiled::Bytes(_)
        | Spoiled::Dated(_)
        | Spoiled::Unconditional
        | Spoiled::Json(_)
        | Spoiled::Edited(_) => way.ask(parts, body, &path, &spoiled).await,
    };
    answer.unwrap_or_else(|_upstream_is_gone| plain(502))
}

impl Way {
    async fn ask(&self, mut parts: Parts, body: Bytes, path: &str, spoiled: &Spoiled) -> anyhow::Result<Response> {
        for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
            parts.headers.remove(name);
        }
        if matches!(spoiled, Spoiled::Unconditional) {
            parts.headers.remove(header::IF_MATCH);
        }
        let asked = self.client.request(parts.method, format!("{}{path}", self.target)).headers(parts.headers);
        let answer = asked.body(body).send().await?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
            headers.remove(name);
        }
        let body = answer.bytes().await?;
        let body = match spoiled {
            Spoiled::Half => {
                let half = body.slice(..body.len() / 2);
                return Ok(cut(headers, status, half));
            }
            Spoiled::Bytes(change) => Bytes::from(change(body.to_vec())),
            Spoiled::Json(change) => edited(&body, change)?,
            Spoiled::Edited(change) => edited(&body, change)?,
            Spoiled::Dated(seconds) => {
                let date = Timestamp::now() + SignedDuration::from_secs(*seconds);
                // RFC 9110 §5.6.7.
                let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&date)?;
                headers.insert(header::DATE, date.parse()?);
                body
            }
            Spoiled::Not | Spoiled::Unconditional | Spoiled::Status(_) | Spoiled::Hangup | Spoiled::Instead { .. } => {
                body
            }
        };
        Ok(response(headers, status, Body::from(body)))
    }
}

fn edited(body: &[u8], change: impl Fn(&mut Value)) -> anyhow::Result<Bytes> {
    let mut value: Value = serde_json::from_slice(body).context("an answer that is no JSON")?;
    change(&mut value);
    Ok(Bytes::from(value.to_string()))
}

fn plain(status: u16) -> Response {
    let status = StatusCode::from_u16(status).expect("a test names a status of HTTP");
    response(HeaderMap::new(), status, Body::empty())
}

fn instead(status: u16, retry_after: Option<u32>, body: &Value) -> Response {
    let mut answer = plain(status);
    *answer.body_mut() = Body::from(body.to_string());
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}

/// An answer whose connection ends before it does.
fn cut(headers: HeaderMap, status: StatusCode, begun: Bytes) -> Response {
    let end = Err(io::Error::other("the line is cut"));
    // What was written goes out before the end comes, since each piece is awaited.
    let pieces = stream::unfold(Some(Ok(begun)).into_iter().chain([end]), |mut pieces| async move {
        tokio::task::yield_now().await;
        pieces.next().map(|piece| (piece, pieces))
    });
    response(headers, status, Body::from_stream(pieces))
}

fn response(headers: HeaderMap, status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
