//! Bulk bytes over the program's own URI scheme: the second way, complete, for systems whose web view
//! forbids loopback sockets. One request is one bulk message.

use crate::desk::DeskSlot;
use contract::FailureCode;
use tauri::http::{Request, Response, StatusCode, header};

/// Answers `/frame/{series}/{frame}?row={first row}&token={token}`.
pub(crate) async fn answer(slot: DeskSlot, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    let Some(wanted) = Wanted::read(&request) else { return refuse(StatusCode::NOT_FOUND, Vec::new()) };
    let Ok(desk) = slot.desk().await else { return refuse(StatusCode::SERVICE_UNAVAILABLE, Vec::new()) };
    match desk.bulk().scheme_frame(&wanted.token, wanted.series, wanted.frame, wanted.row).await {
        Ok(message) => respond(StatusCode::OK, "application/octet-stream", message.to_vec()),
        Err(failure) if failure.0 == FailureCode::NotAllowed => refuse(StatusCode::FORBIDDEN, Vec::new()),
        Err(failure) => {
            let said = serde_json::json!({ "series": wanted.series, "frame": wanted.frame, "code": failure.0 });
            refuse(StatusCode::UNPROCESSABLE_ENTITY, said.to_string().into_bytes())
        }
    }
}

struct Wanted {
    series: u32,
    frame: u32,
    row: u32,
    token: String,
}

impl Wanted {
    fn read(request: &Request<Vec<u8>>) -> Option<Self> {
        let mut path = request.uri().path().trim_matches('/').split('/');
        let ("frame", series, frame) = (path.next()?, path.next()?.parse().ok()?, path.next()?.parse().ok()?) else {
            return None;
        };
        let query = request.uri().query().unwrap_or_default();
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let row = value("row").map_or(Some(0), |row| row.parse().ok())?;
        Some(Self { series, frame, row, token: value("token")?.to_owned() })
    }
}

fn refuse(status: StatusCode, body: Vec<u8>) -> Response<Vec<u8>> {
    respond(status, "application/json", body)
}

fn respond(status: StatusCode, kind: &str, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    // The page's origin is another scheme; without this header a fetch of it cannot read the answer.
    for (name, value) in
        [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"), (header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")]
    {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
