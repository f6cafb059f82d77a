//! Batch and transaction (FHIR R4 §3.1.0.11).

use super::refusal::Refusal;
use super::rest::{self, Answer, Here, known};
use super::search::{Pages, Query};
use super::store::{Shelf, Store};
use super::{Asked, allowed};
use crate::guard::Caller;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// One entry, understood.
#[derive(Debug, Clone)]
struct Entry {
    method: String,
    url: String,
    full_url: Option<String>,
    resource: Option<Value>,
    if_match: Option<String>,
    if_none_exist: Option<String>,
}

/// Answers a Bundle.
pub(super) fn answer(
    store: &Store,
    pages: &mut Pages,
    caller: &Caller,
    bundle: &Value,
    here: Here<'_>,
) -> Result<Answer, Refusal> {
    if bundle["resourceType"] != "Bundle" {
        return Err(Refusal::Invalid("HAPI-0450: A Bundle is expected at the base address".to_owned()));
    }
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    match bundle["type"].as_str() {
        Some("transaction") => {
            let entries: Vec<Entry> = entries.iter().map(entry).collect::<Result<_, _>>()?;
            let rows = store.change(|shelf| transaction(shelf, pages, caller, entries, here))?;
            Ok(reply("transaction-response", rows))
        }
        Some("batch") => {
            let rows = entries.iter().map(|value| {
                match entry(value)
                    .and_then(|entry| store.change(|shelf| one(shelf, pages, caller, entry.clone(), here)))
                {
                    Ok(answer) => row(&answer),
                    Err(refusal) => refused(&refusal),
                }
            });
            Ok(reply("batch-response", rows.collect()))
        }
        Some(_) | None => Err(Refusal::Unprocessable(
            "HAPI-0527: Unable to process transaction where incoming Bundle.type is not batch or transaction"
                .to_owned(),
        )),
    }
}

fn entry(value: &Value) -> Result<Entry, Refusal> {
    let request = &value["request"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let method = text(&request["method"]).ok_or_else(|| {
        Refusal::Invalid("HAPI-0532: Bundle entry has missing or invalid HTTP Verb defined".to_owned())
    })?;
    Ok(Entry {
        method,
        url: text(&request["url"]).unwrap_or_default().trim_start_matches('/').to_owned(),
        full_url: text(&value["fullUrl"]),
        resource: value.get("resource").cloned(),
        if_match: text(&request["ifMatch"]),
        if_none_exist: text(&request["ifNoneExist"]),
    })
}

/// All or nothing. First deletions, then creations, then updates, then reads; the answers stand in
/// the order of the request.
fn transaction(
    shelf: &mut Shelf,
    pages: &mut Pages,
    caller: &Caller,
    mut entries: Vec<Entry>,
    here: Here<'_>,
) -> Result<Vec<Value>, Refusal> {
    let mut places = BTreeMap::new();
    let mut created = BTreeMap::new();
    for (number, entry) in entries.iter().enumerate() {
        let Some(full_url) = entry.full_url.clone().filter(|url| url.starts_with("urn:")) else { continue };
        let of = known(entry.url.split(['/', '?']).next().unwrap_or_default())?;
        let place = match (entry.method.as_str(), entry.if_none_exist.as_deref()) {
            ("POST", Some(condition)) => rest::the_one(shelf, of, condition, here.base)?,
            ("PUT", _) if !entry.url.contains('?') => entry.url.split('/').nth(1).map(str::to_owned),
            _ => None,
        };
        let id = match place {
            Some(id) => id,
            None if entry.method == "POST" => {
                let id = shelf.fresh_id();
                created.insert(number, id.clone());
                id
            }
            None => continue,
        };
        places.insert(full_url, format!("{}/{id}", of.name));
    }
    for entry in &mut entries {
        if let Some(resource) = &mut entry.resource {
            rewrite(resource, &places, shelf, here)?;
        }
    }
    let mut answers: BTreeMap<usize, Value> = BTreeMap::new();
    for verb in ["DELETE", "POST", "PUT", "GET"] {
        for (number, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.method == verb) {
            let answer = match created.get(&number) {
                Some(id) => create_as(shelf, caller, entry, id, here)?,
                None => one(shelf, pages, caller, entry.clone(), here)?,
            };
            answers.insert(number, row(&answer));
        }
    }
    if answers.len() < entries.len() {
        return Err(Refusal::Invalid("HAPI-0532: Bundle entry has an HTTP Verb that is not supported".to_owned()));
    }
    Ok(answers.into_values().collect())
}

/// A POST whose id was given out before, so that others could refer to it.
fn create_as(shelf: &mut Shelf, caller: &Caller, entry: &Entry, id: &str, here: Here<'_>) -> Result<Answer, Refusal> {
    let of = known(&entry.url)?;
    allowed(caller, of, Asked::Write)?;
    let body = entry.resource.clone().ok_or_else(no_resource)?;
    rest::create_as(shelf, of, id, body, here)
}

/// One entry by itself.
fn one(shelf: &mut Shelf, pages: &mut Pages, caller: &Caller, entry: Entry, here: Here<'_>) -> Result<Answer, Refusal> {
    let (path, query) = match entry.url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (entry.url.as_str(), None),
    };
    let steps: Vec<&str> = path.split('/').collect();
    let of = known(steps.first().copied().unwrap_or_default())?;
    let if_match = entry.if_match.as_deref();
    match (entry.method.as_str(), steps.as_slice(), query) {
        ("GET", [_, id], _) => {
            allowed(caller, of, Asked::Read)?;
            rest::read(shelf, of, id)
        }
        ("GET", [_, id, "_history", number], _) => {
            allowed(caller, of, Asked::Read)?;
            rest::vread(shelf, of, id, number)
        }
        ("GET", [_], query) => {
            allowed(caller, of, Asked::Read)?;
            let query = query.unwrap_or_default();
            let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let link = format!("{}/{}", here.base, entry.url);
            let bundle = pages.first(Query::parse(of, &pairs)?, shelf, here.base, here.now, &link);
            Ok(Answer::of(200, bundle))
        }
        ("POST", [_], None) => {
            allowed(caller, of, Asked::Write)?;
            let body = entry.resource.ok_or_else(no_resource)?;
            rest::create(shelf, of, body, entry.if_none_exist.as_deref(), here)
        }
        ("PUT", [_, id], None) => {
            allowed(caller, of, Asked::Write)?;
            rest::update(shelf, of, id, entry.resource.ok_or_else(no_resource)?, if_match, here)
        }
        ("PUT", [_], Some(condition)) => {
            allowed(caller, of, Asked::Write)?;
            rest::update_where(shelf, of, condition, entry.resource.ok_or_else(no_resource)?, if_match, here)
        }
        ("DELETE", [_, id], None) => {
            allowed(caller, of, Asked::Write)?;
            rest::delete(shelf, of, id, if_match, here)
        }
        (method, _, _) => Err(Refusal::Invalid(format!("HAPI-0532: {method} {} is not supported", entry.url))),
    }
}

fn no_resource() -> Refusal {
    Refusal::Invalid("HAPI-0533: Bundle entry has no resource".to_owned())
}

/// Replaces `urn:uuid:` and conditional references by what they stand for.
fn rewrite(value: &mut Value, places: &BTreeMap<String, String>, shelf: &Shelf, here: Here<'_>) -> Result<(), Refusal> {
    if let Some(members) = value.as_object_mut() {
        if let Some(text) = members.get("reference").and_then(Value::as_str) {
            let place = match (places.get(text), text.split_once('?')) {
                (Some(place), _) => Some(place.clone()),
                (None, Some((name, condition))) if !name.contains(':') => {
                    let of = known(name)?;
                    let found = rest::the_one(shelf, of, condition, here.base)?;
                    let id = found.ok_or_else(|| {
                        Refusal::NotFound(format!("HAPI-1091: Invalid match URL \"{text}\" - No resources match"))
                    })?;
                    Some(format!("{name}/{id}"))
                }
                (None, _) if text.starts_with("urn:uuid:") => {
                    return Err(Refusal::Invalid(format!(
                        "HAPI-0541: Unable to satisfy placeholder ID {text} found in the bundle"
                    )));
                }
                (None, _) => None,
            };
            if let Some(place) = place {
                members.insert("reference".to_owned(), json!(place));
            }
        }
        members.values_mut().try_for_each(|member| rewrite(member, places, shelf, here))
    } else if let Some(list) = value.as_array_mut() {
        list.iter_mut().try_for_each(|entry| rewrite(entry, places, shelf, here))
    } else {
        Ok(())
    }
}

/// The etag of a transaction's answer is bare, as HAPI's is.
fn row(answer: &Answer) -> Value {
    let mut response = json!({ "status": status_line(answer.status) });
    if let Some((place, number, at)) = &answer.version {
        response["location"] = json!(format!("{place}/_history/{number}"));
        response["etag"] = json!(number.to_string());
        response["lastModified"] = json!(super::element::stamp(*at));
    }
    let mut row = json!({ "response": response });
    match &answer.body {
        Some(body) if !answer.written && body["resourceType"] == "OperationOutcome" => {
            row["response"]["outcome"] = body.as_ref().clone();
        }
        Some(body) if !answer.written => row["resource"] = body.as_ref().clone(),
        Some(_) | None => {}
    }
    row
}

fn refused(refusal: &Refusal) -> Value {
    json!({ "response": { "status": status_line(refusal.status()), "outcome": refusal.outcome() } })
}

fn status_line(status: u16) -> String {
    let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    format!("{status} {}", reason.unwrap_or_default())
}

fn reply(kind: &str, rows: Vec<Value>) -> Answer {
    let id = Uuid::new_v4().to_string();
    Answer::of(200, json!({ "resourceType": "Bundle", "id": id, "type": kind, "entry": rows }))
}
