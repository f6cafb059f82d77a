//! [`FhirClient`]: read, create, update, transaction, history.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::{
    decimal,
    error::{FhirError, check},
    search::same_origin,
};
use crate::{
    call::{Caller, Repeat},
    egress::{Answer, Ask, Egress},
    oidc::Session,
};

pub(super) const FHIR_JSON: &str = "application/fhir+json";
/// One resource, a scanned letter in it included.
const RESOURCE_LIMIT: usize = 64 * 1024 * 1024;
/// Servers answer a repeated search from a cache for up to a minute (HAPI's default).
const CACHE_SECONDS: i64 = 90;

/// A client of one FHIR server in the name of one person. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FhirClient {
    pub(super) caller: Caller,
    // Unix seconds of the last write; far in the past without one.
    wrote_at: Arc<AtomicI64>,
}

/// A resource in one version. Its content does not print.
#[derive(Clone, PartialEq)]
pub struct Versioned {
    /// The resource.
    pub resource: Value,
    /// Its version without quotes and weakness mark; empty where the server keeps none.
    pub version: String,
    /// When the server stored it.
    pub last_updated: Option<Timestamp>,
}

/// One answer of a transaction, in the order of its entries.
#[derive(Clone, PartialEq)]
pub struct EntryAnswer {
    /// The status code.
    pub status: u16,
    /// Type of the resource.
    pub kind: Option<String>,
    /// Its id.
    pub id: Option<String>,
    /// Its version without quotes and weakness mark.
    pub version: Option<String>,
    /// The resource, where the server sent it back.
    pub resource: Option<Value>,
}

/// A document.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its media type.
    pub content_type: String,
    /// Its content.
    pub bytes: Bytes,
}

impl FhirClient {
    /// A client of the server at `base`.
    #[must_use]
    pub fn new(egress: &Egress, base: Url, session: &Session) -> Self {
        Self::of(Caller::new(egress, base, session))
    }

    pub(crate) fn of(caller: Caller) -> Self {
        Self { caller, wrote_at: Arc::new(AtomicI64::new(i64::MIN / 2)) }
    }

    /// The newest version of a resource.
    ///
    /// # Errors
    /// [`FhirError`].
    pub async fn read(&self, kind: &str, id: &str) -> Result<Versioned, FhirError> {
        let fresh = self.wrote_lately();
        let ask = self.question(Ask::get(self.caller.url(&[kind, id]), "fhir read"), fresh);
        versioned(check(self.caller.get(ask).await?, false).await?).await
    }

    /// One version of a resource.
    ///
    /// # Errors
    /// [`FhirError`].
    pub async fn vread(&self, kind: &str, id: &str, version: &str) -> Result<Versioned, FhirError> {
        let url = self.caller.url(&[kind, id, "_history", version]);
        let ask = self.question(Ask::get(url, "fhir vread"), false);
        versioned(check(self.caller.get(ask).await?, false).await?).await
    }

    /// The versions of a resource, newest first, at most the server's first page of them. Versions in
    /// which it was deleted are left out.
    ///
    /// # Errors
    /// [`FhirError`].
    pub async fn history(&self, kind: &str, id: &str) -> Result<Vec<Versioned>, FhirError> {
        let ask = self.question(Ask::get(self.caller.url(&[kind, id, "_history"]), "fhir history"), true);
        let mut bundle = json(check(self.caller.get(ask).await?, false).await?).await?;
        let Value::Array(entries) = bundle["entry"].take() else { return Ok(Vec::new()) };
        Ok(entries
            .into_iter()
            .map(|mut entry| (entry["resource"].take(), entry["response"]["etag"].as_str().map(version_of)))
            .filter(|(resource, _)| resource.is_object())
            .map(|(resource, etag)| with_version(resource, etag))
            .collect())
    }

    /// Stores a new resource. With `if_none_exist` (a search, `identifier=system|value`) the one that
    /// fits it is given back instead, so that a repeated request makes no second one.
    ///
    /// # Errors
    /// [`FhirError`]; [`FhirError::Conflict`] when several fit the condition.
    pub async fn create(&self, resource: &Value, if_none_exist: Option<&str>) -> Result<Versioned, FhirError> {
        let kind = kind_of(resource)?;
        let mut ask = self.statement(Method::POST, self.caller.url(&[kind]), "fhir create", resource);
        let mut repeat = Repeat::OnlyIfNotDone;
        if let Some(condition) = if_none_exist {
            let condition = encode_condition(condition);
            let value = HeaderValue::from_str(&condition).map_err(|_refused| FhirError::Unaskable("the condition"))?;
            ask.headers.insert("if-none-exist", value);
            repeat = Repeat::Harmless;
        }
        let answer = check(self.caller.call(ask, repeat).await?.answer, false).await?;
        self.note_write();
        self.written(answer, kind).await
    }

    /// Stores the next version of a resource, if `if_match` is the newest.
    ///
    /// # Errors
    /// [`FhirError`]; [`FhirError::Conflict`] when somebody else wrote first.
    pub async fn update(&self, resource: &Value, if_match: &str) -> Result<Versioned, FhirError> {
        let kind = kind_of(resource)?;
        let id = resource["id"].as_str().ok_or(FhirError::Unaskable("the resource has no id"))?;
        let mut ask = self.statement(Method::PUT, self.caller.url(&[kind, id]), "fhir update", resource);
        let etag = HeaderValue::from_str(&format!("W/\"{}\"", version_of(if_match)))
            .map_err(|_refused| FhirError::Unaskable("the version"))?;
        ask.headers.insert(header::IF_MATCH, etag);
        let called = self.caller.call(ask, Repeat::Harmless).await?;
        self.note_write();
        match check(called.answer, false).await {
            Ok(answer) => self.written(answer, kind).await,
            // The first attempt may have been carried out and only its answer lost: then it is our own
            // version that stands in the way.
            Err(FhirError::Conflict(diagnosis)) if called.repeated => {
                let stored = self.read(kind, id).await?;
                if same_content(&stored.resource, resource) { Ok(stored) } else { Err(FhirError::Conflict(diagnosis)) }
            }
            Err(error) => Err(error),
        }
    }

    /// Carries out a bundle of type `transaction`: all of it or nothing.
    ///
    /// # Errors
    /// [`FhirError`]; [`FhirError::Conflict`] when the condition of one entry does not hold.
    pub async fn transaction(&self, bundle: &Value) -> Result<Vec<EntryAnswer>, FhirError> {
        if bundle["resourceType"] != "Bundle" {
            return Err(FhirError::Unaskable("no Bundle"));
        }
        let mut url = self.caller.base.clone();
        url.path_segments_mut().expect("a base is http or https, which has a path").pop_if_empty();
        let ask = self.statement(Method::POST, url, "fhir transaction", bundle);
        let repeat = if repeats_harmlessly(bundle) { Repeat::Harmless } else { Repeat::OnlyIfNotDone };
        let answer = check(self.caller.call(ask, repeat).await?.answer, false).await?;
        self.note_write();
        let mut answer = json(answer).await?;
        let Value::Array(entries) = answer["entry"].take() else {
            return Err(FhirError::Unreadable("a transaction's answer without entries".to_owned()));
        };
        Ok(entries.into_iter().map(entry_answer).collect())
    }

    /// The content of an attachment or `Binary`, by the address in the record. Only addresses of this
    /// server are asked.
    ///
    /// # Errors
    /// [`FhirError`]; [`FhirError::Unaskable`] for an address elsewhere.
    pub async fn attachment(&self, address: &str) -> Result<Attachment, FhirError> {
        let url = same_origin(&self.caller.base, address)
            .filter(|url| url.path().starts_with(self.caller.base.path()))
            .ok_or(FhirError::Unaskable("the document lies on another server"))?;
        let ask = Ask::get(url, "fhir attachment").header(header::ACCEPT, HeaderValue::from_static(FHIR_JSON));
        let answer = check(self.caller.get(ask).await?, false).await?;
        let content_type = answer.header(header::CONTENT_TYPE).unwrap_or("application/octet-stream").to_owned();
        let bytes = answer.bytes(RESOURCE_LIMIT).await.map_err(FhirError::Unreachable)?;
        if !content_type.contains("json") {
            return Ok(Attachment { content_type, bytes });
        }
        let binary: Value = serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))?;
        let (Some(kind), Some(data)) = (binary["contentType"].as_str(), binary["data"].as_str()) else {
            return Err(FhirError::Unreadable("no Binary".to_owned()));
        };
        let bytes = STANDARD.decode(data).map_err(|error| FhirError::Unreadable(error.to_string()))?;
        Ok(Attachment { content_type: kind.to_owned(), bytes: bytes.into() })
    }

    /// What the server says that it can do.
    ///
    /// # Errors
    /// [`FhirError`].
    pub async fn capabilities(&self) -> Result<Value, FhirError> {
        let ask = self.question(Ask::get(self.caller.url(&["metadata"]), "fhir metadata"), false);
        json(check(self.caller.get(ask).await?, false).await?).await
    }

    pub(super) fn wrote_lately(&self) -> bool {
        let now = self.caller.egress.time().now().as_second();
        now.saturating_sub(self.wrote_at.load(Ordering::Relaxed)) < CACHE_SECONDS
    }

    fn note_write(&self) {
        self.wrote_at.store(self.caller.egress.time().now().as_second(), Ordering::Relaxed);
    }

    fn statement(&self, method: Method, url: Url, kind: &'static str, resource: &Value) -> Ask {
        let body = decimal::write(resource);
        let mut ask = self.question(Ask::new(method, url, kind).body(FHIR_JSON, body), false);
        ask.headers.insert("prefer", HeaderValue::from_static("return=representation"));
        ask
    }

    /// The resource that a write gives back, read anew where the server sends none.
    async fn written(&self, answer: Answer, kind: &str) -> Result<Versioned, FhirError> {
        let place = answer
            .header(header::LOCATION)
            .or_else(|| answer.header(header::CONTENT_LOCATION))
            .and_then(|location| place_of(location, kind));
        let etag = answer.header(header::ETAG).map(version_of);
        let status = answer.status;
        let body = answer.bytes(RESOURCE_LIMIT).await.map_err(FhirError::Unreachable)?;
        if let Ok(resource) = decimal::read(&body)
            && resource["resourceType"] == kind
        {
            // A conditional create that found something may be answered with what was sent.
            if resource["id"].is_string() {
                return Ok(with_version(resource, etag));
            }
        }
        match place {
            Some(id) => self.read(kind, &id).await,
            None => Err(FhirError::Unreadable(format!("status {status} without a resource or its place"))),
        }
    }
}

impl fmt::Debug for Versioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Versioned")
            .field("kind", &self.resource["resourceType"].as_str())
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EntryAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryAnswer")
            .field("status", &self.status)
            .field("kind", &self.kind)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("content_type", &self.content_type)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// `W/"2"`, `"2"` and `2` are the same version.
pub(super) fn version_of(etag: &str) -> String {
    let etag = etag.trim();
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"').to_owned()
}

fn with_version(resource: Value, etag: Option<String>) -> Versioned {
    let meta = &resource["meta"];
    let version = etag.or_else(|| meta["versionId"].as_str().map(str::to_owned)).unwrap_or_default();
    let last_updated = meta["lastUpdated"].as_str().and_then(|text| text.parse().ok());
    Versioned { version, last_updated, resource }
}

async fn versioned(answer: Answer) -> Result<Versioned, FhirError> {
    let etag = answer.header(header::ETAG).map(version_of);
    let resource = json(answer).await?;
    if !resource["resourceType"].is_string() {
        return Err(FhirError::Unreadable("no resource".to_owned()));
    }
    Ok(with_version(resource, etag))
}

async fn json(answer: Answer) -> Result<Value, FhirError> {
    let body = answer.bytes(RESOURCE_LIMIT).await.map_err(FhirError::Unreachable)?;
    decimal::read(&body).map_err(|error| unreadable(&error))
}

/// serde's own words may quote the text.
fn unreadable(error: &serde_json::Error) -> FhirError {
    FhirError::Unreadable(format!("JSON {:?} in line {}, column {}", error.classify(), error.line(), error.column()))
}

fn kind_of(resource: &Value) -> Result<&str, FhirError> {
    resource["resourceType"].as_str().ok_or(FhirError::Unaskable("the resource has no type"))
}

/// The id in `…/Type/id` or `…/Type/id/_history/version`.
fn place_of(location: &str, kind: &str) -> Option<String> {
    let mut segments = location.split('/').skip_while(|segment| *segment != kind).skip(1);
    segments.next().map(str::to_owned).filter(|id| !id.is_empty())
}

/// Percent-encodes what a header or a proxy would stumble over and leaves `=` and `&` as they are.
fn encode_condition(condition: &str) -> String {
    condition
        .bytes()
        .map(|byte| match byte {
            b'|' | b' ' | b'"' | b'<' | b'>' | b'#' | b'+' | 0x7f.. | ..0x20 => format!("%{byte:02X}"),
            _ => char::from(byte).to_string(),
        })
        .collect()
}

/// True when every entry reads, or carries a condition that lets it happen only once.
fn repeats_harmlessly(bundle: &Value) -> bool {
    bundle["entry"].as_array().into_iter().flatten().all(|entry| {
        let request = &entry["request"];
        match request["method"].as_str() {
            Some("GET" | "HEAD") => true,
            Some("POST") => request["ifNoneExist"].is_string(),
            // A second attempt at an update whose first was carried out is a conflict, no second effect,
            // but the whole bundle would fail by it: a failure that the first attempt was not.
            _ => false,
        }
    })
}

/// Compares without what the server adds.
fn same_content(a: &Value, b: &Value) -> bool {
    let bare = |value: &Value| {
        let mut value = value.clone();
        if let Some(object) = value.as_object_mut() {
            object.remove("meta");
        }
        value
    };
    bare(a) == bare(b)
}

fn entry_answer(mut entry: Value) -> EntryAnswer {
    let response = &entry["response"];
    let status = response["status"]
        .as_str()
        .and_then(|text| text.split_whitespace().next())
        .and_then(|code| code.parse().ok())
        .unwrap_or(StatusCode::OK.as_u16());
    let mut place = response["location"].as_str().unwrap_or_default().split('/').rev().collect::<Vec<_>>();
    let located = if place.get(1) == Some(&"_history") { Some(place[0].to_owned()) } else { None };
    if located.is_some() {
        place.drain(..2);
    }
    let (id, kind) = match place[..] {
        [id, kind, ..] => (Some(id.to_owned()), Some(kind.to_owned())),
        _ => (None, None),
    };
    let version = response["etag"].as_str().map(version_of).or(located);
    let resource = Some(entry["resource"].take()).filter(Value::is_object);
    let named = |key: &str| resource.as_ref().and_then(|resource| resource[key].as_str()).map(str::to_owned);
    EntryAnswer {
        status,
        kind: kind.or_else(|| named("resourceType")),
        id: id.or_else(|| named("id")),
        version,
        resource,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{encode_condition, entry_answer, place_of, version_of};

    #[test]
    fn weak_quoted_and_bare_versions_are_the_same() {
        for etag in ["W/\"12\"", "\"12\"", "12", " W/\"12\" "] {
            assert_eq!(version_of(etag), "12", "{etag}");
        }
    }

    #[test]
    fn a_place_is_read_and_never_followed() {
        for (location, id) in [
            ("https://elsewhere.example/fhir/CarePlan/a-1/_history/3", Some("a-1")),
            ("CarePlan/a-1", Some("a-1")),
            ("https://fhir.example/Patient/p", None),
        ] {
            assert_eq!(place_of(location, "CarePlan").as_deref(), id, "{location}");
        }
    }

    #[test]
    fn a_transactions_bare_etag_and_its_location_are_understood() {
        let answer = entry_answer(json!({"response": {
            "status": "201 Created", "location": "CarePlan/7/_history/1", "etag": "1"
        }}));
        assert_eq!(
            (answer.status, answer.kind.as_deref(), answer.id.as_deref(), answer.version.as_deref()),
            (201, Some("CarePlan"), Some("7"), Some("1")),
            "HAPI's form"
        );
    }

    #[test]
    fn a_condition_keeps_its_form_and_loses_its_pipe() {
        assert_eq!(
            encode_condition("identifier=urn:a|b c&status=draft"),
            "identifier=urn:a%7Cb%20c&status=draft",
            "pipe and space are encoded, separators stay"
        );
    }
}
