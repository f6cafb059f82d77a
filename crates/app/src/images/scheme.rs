//! The program's own URI scheme: the second way of bulk bytes, complete, for systems whose web view forbids loopback
//! sockets. One request is one bulk message. The shell that has the scheme hands its requests over as they come.

use super::server::BulkServer;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use contract::FailureCode;
use serde::Serialize;

/// The authority of the scheme's addresses. Web views that know no schemes of a program's own write it into a host
/// name (`http://bulk.localhost`); their shells take it apart again.
const HOST: &str = "localhost";

/// A request that is none of our page's.
struct Stranger;

/// A frame that does not come.
#[derive(Debug, Serialize)]
struct Failed {
    series: u32,
    frame: u32,
    code: FailureCode,
}

impl BulkServer {
    /// Answers `/frame/{series}/{frame}?row={first row}&token={token}`.
    pub async fn answer(&self, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        let Ok(page) = self.page_of(request) else {
            tracing::warn!("a stranger asked by the bulk scheme");
            return respond(StatusCode::FORBIDDEN, None, Vec::new());
        };
        let Some(wanted) = Wanted::read(request) else { return respond(StatusCode::NOT_FOUND, page, Vec::new()) };
        let Wanted { series, frame, row, token } = wanted;
        match self.scheme_frame(token, series, frame, row).await {
            Ok(message) => respond(StatusCode::OK, page, message.to_vec()),
            Err(failure) if failure.0 == FailureCode::NotAllowed => respond(StatusCode::FORBIDDEN, page, Vec::new()),
            Err(failure) => {
                let failed = Failed { series, frame, code: failure.0 };
                let said = serde_json::to_vec(&failed).expect("numbers and a code");
                respond(StatusCode::UNPROCESSABLE_ENTITY, page, said)
            }
        }
    }

    /// The origin that may read the answer. A web view that names none gives the answer to no other page than ours
    /// either.
    fn page_of(&self, request: &Request<Vec<u8>>) -> Result<Option<HeaderValue>, Stranger> {
        if request.uri().host() != Some(HOST) {
            return Err(Stranger);
        }
        let named = request.headers().get(header::ORIGIN);
        let known = self.origins().iter().find(|known| named.is_none_or(|named| named == known.as_str()));
        match (named, known) {
            (Some(_), None) => Err(Stranger),
            (_, known) => Ok(known.and_then(|known| HeaderValue::from_str(known).ok())),
        }
    }
}

struct Wanted<'a> {
    series: u32,
    frame: u32,
    row: u32,
    token: &'a str,
}

impl<'a> Wanted<'a> {
    fn read(request: &'a Request<Vec<u8>>) -> Option<Self> {
        let mut path = request.uri().path().trim_matches('/').split('/');
        let ("frame", series, frame) = (path.next()?, path.next()?.parse().ok()?, path.next()?.parse().ok()?) else {
            return None;
        };
        let query = request.uri().query().unwrap_or_default();
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let row = value("row").map_or(Some(0), |row| row.parse().ok())?;
        Some(Self { series, frame, row, token: value("token")? })
    }
}

/// The page's origin is another scheme: without its name in the answer a fetch of it could not read that (WHATWG
/// Fetch, CORS check).
fn respond(status: StatusCode, page: Option<HeaderValue>, body: Vec<u8>) -> Response<Vec<u8>> {
    let kind = if status == StatusCode::OK { "application/octet-stream" } else { "application/json" };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(page) = page {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page);
    }
    response
}
