//! The FHIR R4 server: read, vread, history, search, create, update, delete, batch and transaction on
//! JSON that is kept as it came.
//!
//! It copies the awkward sides of HAPI FHIR on purpose: 409 for a version conflict, weak and bare
//! ETags, no `Bundle.total` while pages follow, opaque `next` links at the base address, references
//! without versions, 400 for an unknown search parameter.

mod bundle;
mod capability;
mod directory;
mod element;
mod filter;
mod parameters;
mod refusal;
mod rest;
mod search;
mod store;

pub(crate) use directory::Directory;
pub(crate) use directory::router as directory_router;
pub use store::JournalError;
pub(crate) use store::Store;

use crate::clock::Clock;
use crate::guard::{Caller, Guard};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::any;
use parameters::Type;
use refusal::{Refusal, outcome};
use rest::{Answer, Here, known};
use search::{Pages, Query};
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The largest request body.
const LARGEST: usize = 32 * 1024 * 1024;

/// The server.
#[derive(Debug)]
pub(crate) struct Fhir {
    origin: String,
    base: String,
    guard: Guard,
    clock: Clock,
    store: Arc<Store>,
    pages: Mutex<Pages>,
}

impl Fhir {
    /// A server at `{origin}/fhir`.
    pub(crate) fn new(origin: &str, guard: Guard, clock: Clock, store: Arc<Store>) -> Self {
        let base = format!("{origin}/fhir");
        Self { origin: origin.to_owned(), base, guard, clock, store, pages: Mutex::new(Pages::default()) }
    }

    /// Taken before the shelf where both are needed: a batch searches while it holds this.
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the demonstration's resources. What a person has changed is left as it is.
pub(crate) fn seed(store: &Store, resources: Vec<Value>, clock: &Clock) -> Result<(), JournalError> {
    let now = clock.now();
    let written = store.change(|shelf| {
        for resource in resources {
            let kind = resource["resourceType"].as_str().unwrap_or_default().to_owned();
            let id = resource["id"].as_str().unwrap_or_default().to_owned();
            if shelf.newest(&kind, &id).is_none_or(|version| version.seeded) {
                shelf.write(&kind, &id, resource, now, true);
            }
        }
        Ok(())
    });
    written.map_err(|refusal| JournalError::Folder(std::io::Error::other(refusal)))
}

/// The server's routes below `/fhir`.
pub(crate) fn router(fhir: Arc<Fhir>) -> Router {
    Router::new()
        .route("/fhir", any(handle))
        .route("/fhir/", any(handle))
        .route("/fhir/{*path}", any(handle))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(fhir)
}

async fn handle(State(fhir): State<Arc<Fhir>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    match fhir.answer(&method, &uri, &headers, &body) {
        Ok(answer) => respond(&fhir.base, answer, &method, &headers),
        Err(refusal) => refuse(&refusal),
    }
}

/// What somebody wants of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Read,
    Write,
}

/// Who may: nobody without a role, IT no patient data, study assistants and guests write nothing.
pub(crate) fn allowed(caller: &Caller, of: &Type, asked: Asked) -> Result<(), Refusal> {
    let reads = if of.open { !caller.roles.is_empty() } else { caller.sees_patients() };
    let may = match asked {
        Asked::Read => reads,
        Asked::Write => reads && caller.writes(),
    };
    if may { Ok(()) } else { Err(Refusal::Forbidden(of.name.to_owned())) }
}

impl Fhir {
    fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Answer, Refusal> {
        let now = self.clock.now();
        let here = Here { base: &self.base, now };
        let path = uri.path().trim_start_matches("/fhir").trim_matches('/');
        let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
        let mut pairs = pairs(uri.query().unwrap_or_default().as_bytes());
        acceptable(headers, &pairs)?;
        if steps == ["metadata"] && method == Method::GET {
            return Ok(Answer::of(200, capability::statement(&self.base, &self.origin, now)));
        }
        let caller = self.caller(headers)?;
        let link = format!("{}{}", self.origin, uri.path_and_query().map_or("", |path| path.as_str()));
        match (method.as_str(), steps.as_slice()) {
            ("GET", []) if pairs.iter().any(|(name, _)| name == "_getpages") => {
                self.further(&caller, &pairs, now, &link)
            }
            ("POST", []) => {
                let bundle = json(headers, body)?;
                bundle::answer(&self.store, &mut self.pages(), &caller, &bundle, here)
            }
            ("GET", [name]) => self.search(&caller, name, &pairs, now, &link),
            ("POST", [name, "_search"]) => {
                if !media(headers).starts_with("application/x-www-form-urlencoded") {
                    return Err(Refusal::MediaType);
                }
                pairs.extend(self::pairs(body));
                self.search(&caller, name, &pairs, now, &link)
            }
            ("POST", [name]) => {
                let of = writable(&caller, name)?;
                let resource = json(headers, body)?;
                let unless = text(headers, "if-none-exist");
                self.store.change(|shelf| rest::create(shelf, of, resource, unless, here))
            }
            ("PUT", [name]) if !pairs.is_empty() => {
                let of = writable(&caller, name)?;
                let resource = json(headers, body)?;
                let condition = uri.query().unwrap_or_default();
                let if_match = text(headers, "if-match");
                self.store.change(|shelf| rest::update_where(shelf, of, condition, resource, if_match, here))
            }
            ("PUT", [name, id]) => {
                let of = writable(&caller, name)?;
                let resource = json(headers, body)?;
                self.store.change(|shelf| rest::update(shelf, of, id, resource, text(headers, "if-match"), here))
            }
            ("DELETE", [name, id]) => {
                let of = writable(&caller, name)?;
                self.store.change(|shelf| rest::delete(shelf, of, id, text(headers, "if-match"), here))
            }
            ("GET", [name, id]) => rest::read(&self.store.read(), readable(&caller, name)?, id),
            ("GET", [name, id, "_history"]) => rest::history(&self.store.read(), readable(&caller, name)?, id, here),
            ("GET", [name, id, "_history", number]) => {
                rest::vread(&self.store.read(), readable(&caller, name)?, id, number)
            }
            ("GET" | "POST" | "PUT" | "DELETE", _) => {
                Err(Refusal::NotFound(format!("HAPI-0302: There is nothing at {path}")))
            }
            (other, _) => Err(Refusal::Method(other.to_owned())),
        }
    }

    fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        self.guard.caller(headers).map_err(|error| {
            Refusal::Unauthorized(error.map_or("A bearer token is needed".to_owned(), |error| error.to_string()))
        })
    }

    fn search(
        &self,
        caller: &Caller,
        name: &str,
        pairs: &[(String, String)],
        now: jiff::Timestamp,
        link: &str,
    ) -> Result<Answer, Refusal> {
        let query = Query::parse(readable(caller, name)?, pairs)?;
        let (mut pages, shelf) = (self.pages(), self.store.read());
        Ok(Answer::of(200, pages.first(query, &shelf, &self.base, now, link)))
    }

    fn further(
        &self,
        caller: &Caller,
        pairs: &[(String, String)],
        now: jiff::Timestamp,
        link: &str,
    ) -> Result<Answer, Refusal> {
        let handle = pairs.iter().find(|(name, _)| name == "_getpages").map_or("", |(_, handle)| handle.as_str());
        let (pages, shelf) = (self.pages(), self.store.read());
        if !caller.sees_patients() && !pages.is_open(handle) {
            return Err(Refusal::Forbidden("this search".to_owned()));
        }
        Ok(Answer::of(200, pages.further(pairs, &shelf, &self.base, now, link)?))
    }
}

fn readable(caller: &Caller, name: &str) -> Result<&'static Type, Refusal> {
    let of = known(name)?;
    allowed(caller, of, Asked::Read)?;
    Ok(of)
}

fn writable(caller: &Caller, name: &str) -> Result<&'static Type, Refusal> {
    let of = known(name)?;
    allowed(caller, of, Asked::Write)?;
    Ok(of)
}

fn pairs(query: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query).into_owned().collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn media(headers: &HeaderMap) -> String {
    text(headers, "content-type").unwrap_or_default().to_lowercase()
}

/// Only JSON is spoken.
fn acceptable(headers: &HeaderMap, pairs: &[(String, String)]) -> Result<(), Refusal> {
    let asked = pairs.iter().find(|(name, _)| name == "_format").map(|(_, value)| value.as_str());
    let asked = asked.or(text(headers, "accept")).unwrap_or("json");
    let json = asked.contains("json") || asked.contains("*/*") || asked.contains("application/*");
    if json { Ok(()) } else { Err(Refusal::NotAcceptable) }
}

fn json(headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    if !media(headers).contains("json") {
        return Err(Refusal::MediaType);
    }
    let parsed: Result<Value, _> = serde_json::from_slice(body);
    let value = parsed.map_err(|error| {
        Refusal::Invalid(format!("HAPI-0450: Failed to parse request body as JSON resource. Error was: {error}"))
    })?;
    if value.is_object() {
        return Ok(value);
    }
    Err(Refusal::Invalid("HAPI-0450: Failed to parse request body as JSON resource. Error was: no object".to_owned()))
}

fn respond(base: &str, answer: Answer, method: &Method, headers: &HeaderMap) -> Response {
    let mut response = Response::builder();
    let mut status = answer.status;
    if let Some((place, number, at)) = &answer.version {
        let etag = format!("W/\"{number}\"");
        if *method == Method::GET && text(headers, "if-none-match") == Some(&etag) {
            status = 304;
        }
        response = response.header(ETAG, etag).header(LAST_MODIFIED, element::http_date(*at));
        if answer.written {
            response = response.header(LOCATION, format!("{base}/{place}/_history/{number}"));
        }
    }
    let prefer = if answer.written { text(headers, "prefer").unwrap_or_default() } else { "" };
    let body = match &answer.body {
        _ if status == 304 || prefer.contains("return=minimal") => Body::empty(),
        Some(_) if prefer.contains("return=OperationOutcome") => {
            Body::from(outcome("information", "informational", "Successfully stored").to_string())
        }
        Some(body) => Body::from(body.to_string()),
        None => Body::empty(),
    };
    finish(response.status(status), body)
}

fn refuse(refusal: &Refusal) -> Response {
    let mut response = Response::builder().status(refusal.status());
    if refusal.status() == 401 {
        response = response.header(WWW_AUTHENTICATE, "Bearer realm=\"konsil\", error=\"invalid_token\"");
    }
    finish(response, Body::from(refusal.outcome().to_string()))
}

fn finish(response: http::response::Builder, body: Body) -> Response {
    let response = response.header(CONTENT_TYPE, "application/fhir+json;charset=UTF-8");
    response.body(body).unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
