//! The content repository: uploads and downloads that are never held whole.
//!
//! Downloads want a token (Matrix v1.11, "authenticated media"); the old addresses know nothing. There are no
//! thumbnails, since nearly everything here is encrypted, and no `Range`, as on Synapse.

use super::ask::{Params, Session};
use super::refusal::{Answer, Refusal};
use super::route::Shared;
use crate::oidc::handle;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path as Named, State as Extract};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

const PIECE: usize = 256 * 1024;

/// How long a promised upload may take, and how many somebody may have promised: what Synapse gives.
const PROMISE: SignedDuration = SignedDuration::from_hours(24);
const PROMISES: usize = 5;

/// Why uploads can not be kept.
#[derive(Debug, thiserror::Error)]
#[error("the folder of uploads can not be used: {0}")]
pub struct MediaError(#[from] std::io::Error);

/// What is known of a file.
#[derive(Debug, Clone)]
enum Upload {
    /// Its address was given out, its bytes have not come.
    Promised {
        owner: String,
        until: Timestamp,
    },
    /// Its bytes are coming.
    Coming {
        owner: String,
    },
    There {
        kind: String,
        name: Option<String>,
        length: u64,
    },
}

/// The files, in a folder that lives as long as the server.
pub(crate) struct Media {
    folder: PathBuf,
    uploads: Mutex<BTreeMap<String, Upload>>,
}

impl Media {
    /// An empty repository in `folder`, or in the system's temporary folder. What a former run has left is removed:
    /// nobody knows its addresses any more.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, MediaError> {
        let folder = match folder {
            Some(folder) => folder.join("matrix-media"),
            None => std::env::temp_dir().join(format!("konsil-sandbox-media-{}", handle())),
        };
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, uploads: Mutex::default() })
    }

    fn uploads(&self) -> MutexGuard<'_, BTreeMap<String, Upload>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(id)
    }

    /// Streams a body to disk.
    async fn store(&self, id: &str, body: Body, limit: u64) -> Result<u64, Refusal> {
        let path = self.path(id);
        let stored = write(&path, body, limit).await;
        if stored.is_err() {
            // What is left of a broken upload is nobody's.
            tokio::fs::remove_file(&path).await.ok();
        }
        stored
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, "the folder of uploads stays behind");
        }
    }
}

async fn write(path: &Path, body: Body, limit: u64) -> Result<u64, Refusal> {
    let broken = |error: std::io::Error| {
        tracing::warn!(%error, "an upload can not be kept");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN", "Internal server error")
    };
    let mut file = tokio::io::BufWriter::with_capacity(PIECE, tokio::fs::File::create(path).await.map_err(broken)?);
    let mut bytes = body.into_data_stream();
    let mut length = 0;
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(|_gone| Refusal::bad("M_UNKNOWN", "The upload broke off"))?;
        length += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if length > limit {
            return Err(too_large());
        }
        file.write_all(&piece).await.map_err(broken)?;
    }
    file.flush().await.map_err(broken)?;
    Ok(length)
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", "Upload request body is too large")
}

/// What an upload says about itself. Synapse takes none without a length.
fn announced(headers: &HeaderMap, limit: u64) -> Result<(), Refusal> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let length = length.ok_or_else(|| Refusal::bad("M_UNKNOWN", "Request must specify a Content-Length"))?;
    if length > limit { Err(too_large()) } else { Ok(()) }
}

fn there(headers: &HeaderMap, query: &Params, length: u64) -> Upload {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let name = query.get("filename").map(str::to_owned);
    Upload::There { kind: kind.unwrap_or("application/octet-stream").to_owned(), name, length }
}

pub(crate) async fn upload(
    Extract(home): Extract<Shared>,
    _session: Session,
    query: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    announced(&headers, home.options.upload_limit)?;
    let id = handle();
    let length = home.media.store(&id, body, home.options.upload_limit).await?;
    home.media.uploads().insert(id.clone(), there(&headers, &query, length));
    Ok(Json(json!({ "content_uri": format!("mxc://{}/{id}", home.name) })))
}

/// Gives an address out before the bytes come.
pub(crate) async fn create(Extract(home): Extract<Shared>, session: Session) -> Answer {
    let now = home.clock.now();
    let mut uploads = home.media.uploads();
    uploads.retain(|_, upload| !matches!(upload, Upload::Promised { until, .. } if *until <= now));
    let pending = uploads.values().filter(|upload| {
        matches!(upload, Upload::Promised { owner, .. } | Upload::Coming { owner, .. } if *owner == session.user)
    });
    if pending.count() >= PROMISES {
        let status = StatusCode::TOO_MANY_REQUESTS;
        return Err(
            Refusal::new(status, "M_LIMIT_EXCEEDED", "Too many pending uploads").with("retry_after_ms", json!(60_000))
        );
    }
    let (id, until) = (handle(), now + PROMISE);
    uploads.insert(id.clone(), Upload::Promised { owner: session.user, until });
    Ok(Json(json!({
        "content_uri": format!("mxc://{}/{id}", home.name),
        "unused_expires_at": until.as_millisecond(),
    })))
}

/// The bytes of an address that was given out. A cut upload may come again from its beginning; a whole one stays.
pub(crate) async fn fill(
    Extract(home): Extract<Shared>,
    session: Session,
    Named((server, id)): Named<(String, String)>,
    query: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    announced(&headers, home.options.upload_limit)?;
    let now = home.clock.now();
    let until = {
        let mut uploads = home.media.uploads();
        let upload = uploads.get_mut(&id).filter(|_| server == home.name);
        match upload {
            Some(Upload::Promised { owner, until }) if *owner == session.user && *until > now => {
                let until = *until;
                uploads.insert(id.clone(), Upload::Coming { owner: session.user.clone() });
                until
            }
            Some(Upload::Promised { owner, .. }) if *owner != session.user => {
                return Err(Refusal::forbidden("Only the creator of the media ID can upload to it"));
            }
            Some(Upload::Coming { .. } | Upload::There { .. }) => {
                let text = "Media ID already has content";
                return Err(Refusal::new(StatusCode::CONFLICT, "M_CANNOT_OVERWRITE_MEDIA", text));
            }
            Some(Upload::Promised { .. }) | None => return Err(Refusal::not_found("Unknown media ID")),
        }
    };
    // A request that is dropped in the middle leaves the address promised, so that it can come again.
    let mut claim = Claim { media: &home.media, id: &id, back: Some(Upload::Promised { owner: session.user, until }) };
    let length = home.media.store(&id, body, home.options.upload_limit).await?;
    claim.back = Some(there(&headers, &query, length));
    drop(claim);
    Ok(Json(json!({})))
}

/// Puts the entry of an upload back whatever becomes of the request.
struct Claim<'a> {
    media: &'a Media,
    id: &'a str,
    back: Option<Upload>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(upload) = self.back.take() {
            self.media.uploads().insert(self.id.to_owned(), upload);
        }
    }
}

pub(crate) async fn config(Extract(home): Extract<Shared>, _session: Session) -> Json<Value> {
    Json(json!({ "m.upload.size": home.options.upload_limit }))
}

pub(crate) async fn download(
    Extract(home): Extract<Shared>,
    _session: Session,
    Named((server, id)): Named<(String, String)>,
) -> Result<Response, Refusal> {
    send(&home, &server, &id, None).await
}

pub(crate) async fn download_as(
    Extract(home): Extract<Shared>,
    _session: Session,
    Named((server, id, name)): Named<(String, String, String)>,
) -> Result<Response, Refusal> {
    send(&home, &server, &id, Some(name)).await
}

async fn send(home: &Shared, server: &str, id: &str, wished: Option<String>) -> Result<Response, Refusal> {
    let upload = home.media.uploads().get(id).filter(|_| server == home.name).cloned();
    let (kind, name, length) = match upload {
        Some(Upload::There { kind, name, length }) => (kind, wished.or(name), length),
        Some(Upload::Promised { .. } | Upload::Coming { .. }) => {
            let text = "Media has not been uploaded yet";
            return Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, "M_NOT_YET_UPLOADED", text));
        }
        None => return Err(Refusal::not_found("Not found")),
    };
    let file = tokio::fs::File::open(home.media.path(id)).await;
    let file = file.map_err(|_gone| Refusal::not_found("Not found"))?;
    let mut response = Body::from_stream(ReaderStream::with_capacity(file, PIECE)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let kind = HeaderValue::from_str(&kind).ok();
    headers.insert(header::CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    // A file that people send each other is never shown by a browser on this origin.
    headers.insert(header::CONTENT_DISPOSITION, disposition(name.as_deref()));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400, immutable"));
    Ok(response)
}

/// RFC 6266 with the name as RFC 5987 spells it.
fn disposition(name: Option<&str>) -> HeaderValue {
    let named = name.map(|name| {
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        format!("attachment; filename*=utf-8''{}", name.replace('+', "%20"))
    });
    let value = named.and_then(|text| HeaderValue::from_str(&text).ok());
    value.unwrap_or(HeaderValue::from_static("attachment"))
}

/// No thumbnails, and nothing at the old addresses.
pub(crate) async fn none() -> Refusal {
    Refusal::not_found("Not found")
}
