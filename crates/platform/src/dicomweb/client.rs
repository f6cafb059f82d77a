//! [`DicomwebClient`]: studies, series, metadata, frames and whole instances.

use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use model::{SeriesUid, SopInstanceUid, StudyUid};
use serde_json::Value;
use url::Url;

use super::multipart::{Part, PartError, first_part, parameter};
use crate::{
    call::{CallError, Caller},
    egress::{Answer, Ask, Egress, EgressError},
    elements::{Elements, Target},
    oidc::{EndReason, Session, SessionError},
};

const DICOM_JSON: &str = "application/dicom+json";
/// Metadata of one series: some thousand slices with their private tags.
const METADATA_LIMIT: usize = 256 * 1024 * 1024;
/// One frame: a chest X-ray takes 30 MB, a mammography 60 MB.
const FRAME_LIMIT: usize = 256 * 1024 * 1024;
/// One instance with all its frames.
const INSTANCE_LIMIT: usize = 1024 * 1024 * 1024;
const PAGE: usize = 200;

/// A client of one DICOMweb server in the name of one person. Cheap to clone. Dropping a future
/// cancels its request.
#[derive(Debug, Clone)]
pub struct DicomwebClient {
    caller: Caller,
}

/// Objects as DICOM JSON (PS3.18 F), which does not print.
#[derive(Clone, Default)]
pub struct Listed {
    /// The objects.
    pub items: Vec<Value>,
    /// True when the cap was reached and the server holds more.
    pub more: bool,
    /// True when the answer broke off: what is here is whole, but not all.
    pub truncated: bool,
    /// Objects that could not be read and were left out.
    pub damaged: usize,
}

/// One frame as the server sent it.
#[derive(Clone, PartialEq, Eq)]
pub struct EncodedFrame {
    /// The encoded pixels.
    pub bytes: Bytes,
    /// The media type without parameters: `image/jls`, `application/octet-stream`.
    pub content_type: String,
    /// The transfer syntax that the server claims.
    pub transfer_syntax: Option<String>,
}

/// Why a DICOMweb request did not bring what was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DicomwebError {
    /// No answer, or none that was whole.
    #[error(transparent)]
    Unreachable(EgressError),
    /// The session is over; sign in again.
    #[error("the session has ended")]
    SessionEnded(EndReason),
    /// The provider gives no token at the moment.
    #[error("the provider gives no token: {0}")]
    NoToken(String),
    /// 401 or 403, with a fresh token too.
    #[error("not allowed (status {0})")]
    Denied(u16),
    /// 404 or 410.
    #[error("not found")]
    NotFound,
    /// The server cannot send it in a form that we read, or refuses the question.
    #[error("refused (status {0})")]
    Refused(u16),
    /// The server failed; for a frame, the whole instance may still be had.
    #[error("the server failed (status {0})")]
    Server(u16),
    /// The answer is not what it should be.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// The answer is larger than anything that is expected here.
    #[error("the answer is too large")]
    TooLarge,
}

impl From<CallError> for DicomwebError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Egress(error) | CallError::Session(SessionError::Egress(error)) => error.into(),
            CallError::Session(SessionError::Ended(reason)) => Self::SessionEnded(reason),
            CallError::Session(error @ (SessionError::Provider(_) | SessionError::Foreign)) => {
                Self::NoToken(error.to_string())
            }
            // An archive is asked in the session's name.
            CallError::Pass(error) => Self::NoToken(error.to_string()),
        }
    }
}

impl From<EgressError> for DicomwebError {
    fn from(error: EgressError) -> Self {
        if matches!(error, EgressError::TooLarge { .. }) { Self::TooLarge } else { Self::Unreachable(error) }
    }
}

impl DicomwebClient {
    /// A client of the server at `base`.
    #[must_use]
    pub fn new(egress: &Egress, base: Url, session: &Session) -> Self {
        Self { caller: Caller::new(egress, base, session) }
    }

    /// Studies that match (PS3.18 10.6): `[("PatientID", …), ("includefield", …)]`.
    ///
    /// # Errors
    /// [`DicomwebError`].
    pub async fn studies(&self, parameters: &[(&str, &str)], cap: usize) -> Result<Listed, DicomwebError> {
        self.list(&["studies"], parameters, cap, "qido studies").await
    }

    /// The series of a study.
    ///
    /// # Errors
    /// [`DicomwebError`].
    pub async fn series(
        &self,
        study: &StudyUid,
        parameters: &[(&str, &str)],
        cap: usize,
    ) -> Result<Listed, DicomwebError> {
        self.list(&["studies", study.as_str(), "series"], parameters, cap, "qido series").await
    }

    /// The instances of a series.
    ///
    /// # Errors
    /// [`DicomwebError`].
    pub async fn instances(
        &self,
        study: &StudyUid,
        series: &SeriesUid,
        parameters: &[(&str, &str)],
        cap: usize,
    ) -> Result<Listed, DicomwebError> {
        let path = ["studies", study.as_str(), "series", series.as_str(), "instances"];
        self.list(&path, parameters, cap, "qido instances").await
    }

    /// All attributes of all instances of a series, without bulk data (PS3.18 10.4.1.1.2).
    ///
    /// # Errors
    /// [`DicomwebError`] when nothing could be read; a later break makes the result truncated.
    pub async fn series_metadata(&self, study: &StudyUid, series: &SeriesUid) -> Result<Listed, DicomwebError> {
        let url = self.caller.url(&["studies", study.as_str(), "series", series.as_str(), "metadata"]);
        self.objects(url, "wado metadata").await
    }

    /// One frame as it is stored; the first is number 1 (PS3.18 10.4.1.1.3).
    ///
    /// # Errors
    /// [`DicomwebError`]; after [`DicomwebError::Server`] or [`DicomwebError::Refused`] the whole
    /// [`instance`](Self::instance) may still be had.
    pub async fn frame(
        &self,
        study: &StudyUid,
        series: &SeriesUid,
        instance: &SopInstanceUid,
        number: u32,
    ) -> Result<EncodedFrame, DicomwebError> {
        let number = number.to_string();
        let path = [
            "studies",
            study.as_str(),
            "series",
            series.as_str(),
            "instances",
            instance.as_str(),
            "frames",
            number.as_str(),
        ];
        let accept = r#"multipart/related; type="application/octet-stream"; transfer-syntax=*"#;
        let part = self.part(self.caller.url(&path), accept, "wado frame", FRAME_LIMIT).await?;
        Ok(EncodedFrame {
            transfer_syntax: parameter(&part.content_type, "transfer-syntax").filter(|uid| uid != "*"),
            content_type: part.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
            bytes: part.bytes,
        })
    }

    /// A whole instance as the original file (PS3.10).
    ///
    /// # Errors
    /// [`DicomwebError`].
    pub async fn instance(
        &self,
        study: &StudyUid,
        series: &SeriesUid,
        instance: &SopInstanceUid,
    ) -> Result<Bytes, DicomwebError> {
        let path = ["studies", study.as_str(), "series", series.as_str(), "instances", instance.as_str()];
        let accept = r#"multipart/related; type="application/dicom"; transfer-syntax=*"#;
        let part = self.part(self.caller.url(&path), accept, "wado instance", INSTANCE_LIMIT).await?;
        // PS3.10 7.1: a preamble of 128 bytes and the prefix.
        if part.bytes.get(128..132) != Some(b"DICM".as_slice()) {
            return Err(DicomwebError::Unreadable("no DICOM file".to_owned()));
        }
        Ok(part.bytes)
    }

    /// Bulk data (a document, a waveform) by the address in the metadata. Only addresses of this
    /// server are asked.
    ///
    /// # Errors
    /// [`DicomwebError`].
    pub async fn bulk_data(&self, address: &str) -> Result<EncodedFrame, DicomwebError> {
        let url = self
            .caller
            .base
            .join(address)
            .ok()
            .filter(|url| url.origin() == self.caller.base.origin())
            .ok_or_else(|| DicomwebError::Unreadable("the bulk data lies on another server".to_owned()))?;
        let accept = r#"multipart/related; type="application/octet-stream"; transfer-syntax=*"#;
        let part = self.part(url, accept, "wado bulk data", FRAME_LIMIT).await?;
        Ok(EncodedFrame {
            transfer_syntax: parameter(&part.content_type, "transfer-syntax").filter(|uid| uid != "*"),
            content_type: part.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
            bytes: part.bytes,
        })
    }

    async fn part(
        &self,
        url: Url,
        accept: &'static str,
        kind: &'static str,
        limit: usize,
    ) -> Result<Part, DicomwebError> {
        let ask = Ask::get(url, kind).header(header::ACCEPT, HeaderValue::from_static(accept));
        let mut second = false;
        loop {
            let answer = check(self.caller.get(ask.clone()).await?)?;
            if answer.status == StatusCode::NO_CONTENT {
                return Err(DicomwebError::NotFound);
            }
            match first_part(answer, limit).await {
                Ok(part) => return Ok(part),
                // A connection that breaks in mid-frame is worth one more attempt: the frame may come
                // from another server behind the same name.
                Err(PartError::Egress(EgressError::Broken { .. })) if !second => second = true,
                Err(PartError::Egress(error)) => return Err(error.into()),
                Err(PartError::Malformed(why)) => return Err(DicomwebError::Unreadable(why.to_owned())),
                Err(PartError::TooLarge) => return Err(DicomwebError::TooLarge),
            }
        }
    }

    /// Asks page by page; servers differ in whether they page by themselves.
    async fn list(
        &self,
        path: &[&str],
        parameters: &[(&str, &str)],
        cap: usize,
        kind: &'static str,
    ) -> Result<Listed, DicomwebError> {
        let mut all = Listed::default();
        loop {
            let page = PAGE.min(cap + 1 - all.items.len());
            let mut url = self.caller.url(path);
            url.query_pairs_mut()
                .extend_pairs(parameters)
                .append_pair("limit", &page.to_string())
                .append_pair("offset", &all.items.len().to_string());
            let found = match self.objects(url, kind).await {
                Ok(found) => found,
                Err(error) if all.items.is_empty() => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "a later page failed");
                    all.truncated = true;
                    return Ok(all);
                }
            };
            let count = found.items.len() + found.damaged;
            // A server that ignores the offset would send its first page for ever.
            let repeats = !all.items.is_empty() && found.items.first() == all.items.first();
            if !repeats {
                all.items.extend(found.items);
                all.damaged += found.damaged;
            }
            all.truncated |= found.truncated;
            if all.items.len() > cap {
                all.items.truncate(cap);
                all.more = true;
            }
            if repeats || all.truncated || all.more || count < page {
                return Ok(all);
            }
        }
    }

    async fn objects(&self, url: Url, kind: &'static str) -> Result<Listed, DicomwebError> {
        let ask = Ask::get(url, kind).header(header::ACCEPT, HeaderValue::from_static(DICOM_JSON));
        let mut answer = check(self.caller.get(ask).await?)?;
        let mut listed = Listed::default();
        // Nothing found is 204 here and an empty array there.
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(listed);
        }
        let mut elements = Elements::of(Target::Root);
        let mut read = 0;
        let mut broken = None;
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) => {
                    read += chunk.len();
                    if read > METADATA_LIMIT {
                        return Err(DicomwebError::TooLarge);
                    }
                    elements.push(&chunk, |object| listed.items.push(object));
                }
                Ok(None) => break,
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        let rest = elements.finish();
        listed.damaged = rest.damaged;
        listed.truncated = rest.frame.is_none();
        let is_array = rest.frame.as_ref().is_none_or(Value::is_array);
        match broken {
            Some(error) if listed.items.is_empty() => Err(error.into()),
            None if !is_array || (listed.truncated && listed.items.is_empty()) => {
                Err(DicomwebError::Unreadable("no DICOM JSON".to_owned()))
            }
            _ => Ok(listed),
        }
    }
}

fn check(answer: Answer) -> Result<Answer, DicomwebError> {
    let status = answer.status;
    if status.is_success() {
        return Ok(answer);
    }
    let code = status.as_u16();
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => DicomwebError::Denied(code),
        StatusCode::NOT_FOUND | StatusCode::GONE => DicomwebError::NotFound,
        _ if status.is_server_error() => DicomwebError::Server(code),
        _ => DicomwebError::Refused(code),
    })
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listed")
            .field("items", &self.items.len())
            .field("more", &self.more)
            .field("truncated", &self.truncated)
            .field("damaged", &self.damaged)
            .finish()
    }
}

impl fmt::Debug for EncodedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodedFrame")
            .field("bytes", &self.bytes.len())
            .field("content_type", &self.content_type)
            .field("transfer_syntax", &self.transfer_syntax)
            .finish()
    }
}
