//! Uploads and downloads of ciphertext by the client's own requests: bodies are streams.
//!
//! What can be tried again is, with pauses that grow: a line that was cut, a homeserver that is busy or asks to wait. An
//! access token that has run out is renewed once.

use super::{FileError, UploadJournal};
use crate::queue::Queues;
use matrix_sdk::Client;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Body, RequestBuilder, Response, StatusCode};
use ruma::{MxcUri, OwnedMxcUri};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use url::Url;

/// Pauses between attempts; after the last one it is given up.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];
/// A homeserver may ask for no longer pause than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Nothing moves for so long: the line is dead.
const SILENCE: Duration = Duration::from_secs(30);
/// So long the answer to an upload may take after its last byte was handed over. Some megabytes of it wait in the
/// system's buffers then, and a slow line takes minutes for them.
const LAST_SILENCE: Duration = Duration::from_secs(300);
/// An error is short.
const LONGEST_ERROR: usize = 16 * 1024;

/// What transfers need of an account.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) client: Client,
    /// Without a limit on how long an answer takes: that of an upload comes after its last byte.
    pub(crate) http: reqwest::Client,
    /// Where ciphertext waits until it was checked.
    pub(crate) folder: PathBuf,
    /// Where it is written down what is being sent; none where nothing outlives the run.
    pub(crate) journal: Option<Arc<dyn UploadJournal>>,
    /// What is to be sent once a file is whole.
    pub(crate) queues: Arc<Queues>,
}

/// Why an attempt did not succeed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Another attempt may help, after a pause that the homeserver may have named.
    Again(Option<Duration>, FileError),
    /// The access token has run out.
    Token(String),
    /// None will.
    Final(FileError),
}

/// Counts attempts at one upload or download.
#[derive(Default)]
pub(super) struct Attempts {
    pauses: usize,
    renewed: bool,
}

impl Wire {
    /// The largest upload that the homeserver takes.
    pub(super) async fn limit(&self) -> Result<u64, FileError> {
        match self.client.load_or_fetch_max_upload_size().await {
            Ok(limit) => Ok(limit.into()),
            Err(error) => Err(match error.client_api_error_kind() {
                Some(kind) => FileError::Refused(kind.errcode().to_string()),
                None => FileError::Unreachable(error.to_string()),
            }),
        }
    }

    /// Uploads `length` bytes of ciphertext. `moved` counts them, and what went before.
    pub(super) async fn upload(
        &self,
        length: u64,
        body: Body,
        moved: watch::Receiver<super::Progress>,
    ) -> Result<OwnedMxcUri, Trouble> {
        let end = moved.borrow().moved + length;
        // No name and no type: the homeserver learns the size.
        let request = self
            .http
            .post(self.address(&["_matrix", "media", "v3", "upload"])?)
            .header(CONTENT_TYPE, super::form::BYTES)
            // Without it the body would be sent in chunks, which homeservers refuse.
            .header(CONTENT_LENGTH, length)
            .body(body);
        let answer = tokio::select! {
            answer = self.ask(request) => answer?,
            () = silence(moved, end) => return Err(Trouble::Again(None, FileError::Unreachable("silence".to_owned()))),
        };
        let answer = short(answer).await?;
        let url = answer["content_uri"].as_str().map(OwnedMxcUri::from).filter(|url| url.is_valid());
        url.ok_or_else(|| Trouble::Final(FileError::Refused("no address".to_owned())))
    }

    /// The answer to a download whose body has not been read.
    pub(super) async fn download(&self, url: &MxcUri) -> Result<Response, Trouble> {
        let (server, id) = url.parts().map_err(|_error| Trouble::Final(FileError::Form))?;
        let path = ["_matrix", "client", "v1", "media", "download", server.as_str(), id];
        let asked = tokio::time::timeout(SILENCE, self.ask(self.http.get(self.address(&path)?)));
        let answer = asked.await.map_err(|_elapsed| {
            let silence = FileError::Unreachable("silence".to_owned());
            Trouble::Again(None, silence)
        })?;
        answer.map_err(|trouble| match trouble {
            // Its time was over, or its homeserver does not know it.
            Trouble::Final(FileError::Refused(code)) if code == "M_NOT_FOUND" => Trouble::Final(FileError::NotFound),
            trouble @ (Trouble::Final(_) | Trouble::Again(..) | Trouble::Token(_)) => trouble,
        })
    }

    /// The next bytes of an answer.
    pub(super) async fn piece(answer: &mut Response) -> Result<Option<bytes::Bytes>, Trouble> {
        let silent = |_elapsed| Trouble::Again(None, FileError::Unreachable("silence".to_owned()));
        tokio::time::timeout(SILENCE, answer.chunk()).await.map_err(silent)?.map_err(unreachable)
    }

    /// Waits before another attempt; an error when there is none.
    pub(super) async fn after(&self, attempts: &mut Attempts, trouble: Trouble) -> Result<(), FileError> {
        match trouble {
            Trouble::Final(error) => Err(error),
            Trouble::Token(used) => {
                if std::mem::replace(&mut attempts.renewed, true) {
                    return Err(FileError::Refused("M_UNKNOWN_TOKEN".to_owned()));
                }
                // The sync loop may have renewed it meanwhile.
                if self.client.access_token().is_some_and(|token| token != used) {
                    return Ok(());
                }
                let renewed = self.client.refresh_access_token().await;
                renewed.map_err(|error| FileError::Refused(format!("M_UNKNOWN_TOKEN: {error}")))
            }
            Trouble::Again(wished, error) => {
                let Some(pause) = PAUSES.get(attempts.pauses) else { return Err(error) };
                attempts.pauses += 1;
                let pause = wished.unwrap_or(*pause).min(LONGEST_PAUSE);
                tracing::debug!(%error, ?pause, "a transfer is tried again");
                tokio::time::sleep(pause).await;
                Ok(())
            }
        }
    }

    fn address(&self, path: &[&str]) -> Result<Url, Trouble> {
        let mut url = self.client.homeserver();
        url.path_segments_mut()
            .map_err(|()| Trouble::Final(FileError::Refused("no address".to_owned())))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Response, Trouble> {
        let token = self.client.access_token().ok_or_else(|| {
            let code = "M_MISSING_TOKEN".to_owned();
            Trouble::Final(FileError::Refused(code))
        })?;
        let answer = request.bearer_auth(&token).send().await.map_err(unreachable)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let seconds = |value: &reqwest::header::HeaderValue| value.to_str().ok()?.parse().ok();
        let header = answer.headers().get(RETRY_AFTER).and_then(seconds).map(Duration::from_secs);
        let body = short(answer).await.unwrap_or_default();
        let wished = header.or_else(|| body["retry_after_ms"].as_u64().map(Duration::from_millis));
        let code = body["errcode"].as_str().unwrap_or(status.as_str()).to_owned();
        Err(match status {
            StatusCode::UNAUTHORIZED => Trouble::Token(token),
            StatusCode::TOO_MANY_REQUESTS => Trouble::Again(wished, FileError::Refused(code)),
            StatusCode::PAYLOAD_TOO_LARGE => Trouble::Final(match self.limit().await {
                Ok(limit) => FileError::TooLarge { limit },
                Err(error) => error,
            }),
            status if status.is_server_error() => Trouble::Again(wished, FileError::Unreachable(code)),
            _ => Trouble::Final(FileError::Refused(code)),
        })
    }
}

fn unreachable(error: reqwest::Error) -> Trouble {
    Trouble::Again(None, FileError::Unreachable(error.without_url().to_string()))
}

/// A short answer, as JSON.
async fn short(mut answer: Response) -> Result<Value, Trouble> {
    let mut body = Vec::new();
    while let Some(piece) = Wire::piece(&mut answer).await? {
        body.extend_from_slice(&piece);
        if body.len() > LONGEST_ERROR {
            return Err(Trouble::Final(FileError::Refused("the answer is too long".to_owned())));
        }
    }
    let unreadable = |error: serde_json::Error| Trouble::Final(FileError::Refused(error.to_string()));
    serde_json::from_slice(&body).map_err(unreadable)
}

/// Ends when nothing has moved for too long.
async fn silence(mut moved: watch::Receiver<super::Progress>, end: u64) {
    loop {
        let patience = if moved.borrow_and_update().moved < end { SILENCE } else { LAST_SILENCE };
        let Ok(Ok(())) = tokio::time::timeout(patience, moved.changed()).await else { return };
    }
}

/// Removes what a former run has left of files that were arriving.
pub(crate) async fn forget_arrived(folder: &Path) {
    match tokio::fs::remove_dir_all(folder).await {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, "ciphertext of a former run stays behind"),
    }
}
