//! The interactions of FHIR's REST interface (R4 §3.1.0) on one resource or one type, without HTTP:
//! the same functions answer a request and an entry of a batch.

use super::element::{relative, stamp};
use super::parameters::{CODES, Type, kind};
use super::refusal::{Refusal, outcome};
use super::search::Query;
use super::store::{Done, Shelf, Version};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// What an interaction answers.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Option<Arc<Value>>,
    /// `Type/id` and version of the resource that is answered or was written.
    pub(crate) version: Option<(String, u32, Timestamp)>,
    /// True for a write: the answer names its location.
    pub(crate) written: bool,
}

impl Answer {
    pub(super) fn of(status: u16, body: Value) -> Self {
        Self { status, body: Some(Arc::new(body)), version: None, written: false }
    }

    fn version(status: u16, place: String, version: &Version) -> Self {
        let name = Some((place, version.number, version.at));
        Self { status, body: version.body.clone(), version: name, written: false }
    }
}

/// The surroundings of an interaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here<'a> {
    pub(crate) base: &'a str,
    pub(crate) now: Timestamp,
}

/// The type of this name, or 404.
pub(crate) fn known(name: &str) -> Result<&'static Type, Refusal> {
    kind(name).ok_or_else(|| Refusal::NotFound(format!("HAPI-0302: Unknown resource type '{name}'")))
}

/// Read.
pub(crate) fn read(shelf: &Shelf, of: &Type, id: &str) -> Result<Answer, Refusal> {
    let version = shelf.newest(of.name, id).ok_or_else(|| missing(of, id))?;
    if version.body.is_none() {
        return Err(Refusal::Gone(stamp(version.at)));
    }
    Ok(Answer::version(200, format!("{}/{id}", of.name), version))
}

/// Read of one version.
pub(crate) fn vread(shelf: &Shelf, of: &Type, id: &str, number: &str) -> Result<Answer, Refusal> {
    let versions = shelf.versions(of.name, id);
    let wanted = versions.iter().find(|version| version.number.to_string() == number);
    let version = wanted.ok_or_else(|| {
        Refusal::NotFound(format!("HAPI-0979: Version \"{number}\" is not valid for resource {}/{id}", of.name))
    })?;
    if version.body.is_none() {
        return Err(Refusal::Gone(stamp(version.at)));
    }
    Ok(Answer::version(200, format!("{}/{id}", of.name), version))
}

/// History of one resource, newest first.
pub(crate) fn history(shelf: &Shelf, of: &Type, id: &str, here: Here<'_>) -> Result<Answer, Refusal> {
    let versions = shelf.versions(of.name, id);
    if versions.is_empty() {
        return Err(missing(of, id));
    }
    let url = format!("{}/{id}", of.name);
    let entries: Vec<Value> = versions
        .iter()
        .rev()
        .map(|version| {
            let (method, status) = match (&version.body, version.number) {
                (None, _) => ("DELETE", "204 No Content"),
                (Some(_), 1) => ("POST", "201 Created"),
                (Some(_), _) => ("PUT", "200 OK"),
            };
            let mut entry = json!({
                "fullUrl": format!("{}/{url}", here.base),
                "request": { "method": method, "url": format!("{url}/_history/{}", version.number) },
                "response": { "status": status, "etag": format!("W/\"{}\"", version.number), "lastModified": stamp(version.at) },
            });
            if let Some(body) = &version.body {
                entry["resource"] = body.as_ref().clone();
            }
            entry
        })
        .collect();
    Ok(Answer::of(
        200,
        json!({
            "resourceType": "Bundle",
            "id": Uuid::new_v4().to_string(),
            "meta": { "lastUpdated": stamp(here.now) },
            "type": "history",
            "total": entries.len(),
            "link": [{ "relation": "self", "url": format!("{}/{url}/_history", here.base) }],
            "entry": entries,
        }),
    ))
}

/// Create. With a condition that one resource fulfils, nothing is stored and that one is answered.
pub(crate) fn create(
    shelf: &mut Shelf,
    of: &'static Type,
    body: Value,
    unless: Option<&str>,
    here: Here<'_>,
) -> Result<Answer, Refusal> {
    let body = checked(of, body, here.base)?;
    if let Some(condition) = unless
        && let Some(id) = the_one(shelf, of, condition, here.base)?
    {
        let mut answer = read(shelf, of, &id)?;
        answer.written = true;
        return Ok(answer);
    }
    let id = shelf.fresh_id();
    store(shelf, of, &id, body, here)
}

/// Create with an id that the server gave out before.
pub(crate) fn create_as(
    shelf: &mut Shelf,
    of: &'static Type,
    id: &str,
    body: Value,
    here: Here<'_>,
) -> Result<Answer, Refusal> {
    let body = checked(of, body, here.base)?;
    store(shelf, of, id, body, here)
}

/// Update, or create with the client's id.
pub(crate) fn update(
    shelf: &mut Shelf,
    of: &'static Type,
    id: &str,
    body: Value,
    if_match: Option<&str>,
    here: Here<'_>,
) -> Result<Answer, Refusal> {
    match body.get("id").and_then(Value::as_str) {
        None => return Err(Refusal::Invalid(
            "HAPI-0419: Can not update resource, resource body must contain an ID element for update (PUT) operation"
                .to_owned(),
        )),
        Some(inside) if inside != id => {
            return Err(Refusal::Invalid(format!(
                "HAPI-0420: Can not update resource, resource body must contain an ID element which matches the request URL for update (PUT) operation - Resource body ID of \"{inside}\" does not match URL ID of \"{id}\""
            )));
        }
        Some(_) => {}
    }
    let body = checked(of, body, here.base)?;
    let present = shelf.newest(of.name, id).cloned();
    match (&present, if_match) {
        (Some(version), Some(wanted)) => matches_version(of, id, version, wanted)?,
        (None, Some(wanted)) => {
            return Err(Refusal::Conflict(format!(
                "HAPI-0989: Trying to update {}/{id}/_history/{} but this is not known",
                of.name,
                bare(wanted)
            )));
        }
        (None, None) => client_id(id)?,
        (Some(_), None) => {}
    }
    store(shelf, of, id, body, here)
}

/// Update of what a condition names.
pub(crate) fn update_where(
    shelf: &mut Shelf,
    of: &'static Type,
    condition: &str,
    mut body: Value,
    if_match: Option<&str>,
    here: Here<'_>,
) -> Result<Answer, Refusal> {
    match the_one(shelf, of, condition, here.base)? {
        Some(id) => {
            body["id"] = json!(id);
            update(shelf, of, &id, body, if_match, here)
        }
        None => create(shelf, of, body, None, here),
    }
}

/// Delete. It is no error when there is nothing.
pub(crate) fn delete(
    shelf: &mut Shelf,
    of: &Type,
    id: &str,
    if_match: Option<&str>,
    here: Here<'_>,
) -> Result<Answer, Refusal> {
    if let (Some(version), Some(wanted)) = (shelf.newest(of.name, id).cloned(), if_match) {
        matches_version(of, id, &version, wanted)?;
    }
    let text = if shelf.delete(of.name, id, here.now) {
        "Successfully deleted 1 resource(s)."
    } else {
        "Not deleted, resource was not found."
    };
    Ok(Answer::of(200, outcome("information", "informational", text)))
}

fn store(shelf: &mut Shelf, of: &Type, id: &str, body: Value, here: Here<'_>) -> Result<Answer, Refusal> {
    let done = shelf.write(of.name, id, body, here.now, false);
    let status = match done {
        Done::Created => 201,
        Done::Updated | Done::Unchanged => 200,
    };
    let version = shelf.newest(of.name, id).ok_or_else(|| missing(of, id))?;
    let mut answer = Answer::version(status, format!("{}/{id}", of.name), version);
    answer.written = true;
    Ok(answer)
}

/// The single resource that a condition names, none, or 412 for several.
pub(crate) fn the_one(
    shelf: &Shelf,
    of: &'static Type,
    condition: &str,
    base: &str,
) -> Result<Option<String>, Refusal> {
    let condition = condition.split_once('?').map_or(condition, |(_, query)| query);
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(condition.as_bytes()).into_owned().collect();
    if pairs.is_empty() {
        return Err(Refusal::Invalid("A condition needs a search parameter".to_owned()));
    }
    let mut found = Query::parse(of, &pairs)?.run(shelf, base).into_iter();
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => Ok(Some(one)),
        (Some(_), Some(_)) => Err(Refusal::Precondition(format!(
            "HAPI-0958: Failed to process conditional operation on {} with match URL \"{condition}\" because this \
             search matched more than 1 resources",
            of.name
        ))),
    }
}

/// `W/"1"`, `"1"` and `1` are the same version.
fn bare(etag: &str) -> &str {
    etag.trim().trim_start_matches("W/").trim_matches('"')
}

fn matches_version(of: &Type, id: &str, version: &Version, wanted: &str) -> Result<(), Refusal> {
    if bare(wanted) == version.number.to_string() {
        return Ok(());
    }
    Err(Refusal::Conflict(format!(
        "HAPI-0989: Trying to update {0}/{id}/_history/{1} but this is not the current version",
        of.name,
        bare(wanted)
    )))
}

/// FHIR R4 §2.24.0.1 `id`; and ids of digits only are the server's own.
fn client_id(id: &str) -> Result<(), Refusal> {
    let letters = id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.');
    if id.is_empty() || id.len() > 64 || !letters {
        return Err(Refusal::Invalid(format!("HAPI-0521: Invalid ID \"{id}\"")));
    }
    if id.chars().all(|letter| letter.is_ascii_digit()) {
        return Err(Refusal::Invalid(format!(
            "HAPI-0960: Can not create resource with ID[{id}], no resource with this ID exists and clients may only \
             assign IDs which begin with a non-numeric character on this server"
        )));
    }
    Ok(())
}

fn missing(of: &Type, id: &str) -> Refusal {
    Refusal::NotFound(format!("HAPI-2001: Resource {}/{id} is not known", of.name))
}

/// Reads a resource: its type, the elements that must be there, and codes with a fixed list. A
/// resource that breaks its own profile is stored all the same.
fn checked(of: &Type, mut body: Value, base: &str) -> Result<Value, Refusal> {
    let inside = body.get("resourceType").and_then(Value::as_str);
    if inside != Some(of.name) {
        return Err(Refusal::Invalid(format!(
            "HAPI-0450: Failed to parse request body as JSON resource. Error was: Incorrect resource type found, \
             expected \"{}\" but found \"{}\"",
            of.name,
            inside.unwrap_or("nothing")
        )));
    }
    for (kind, element, codes) in CODES {
        let value = body.get(element).filter(|_| *kind == of.name);
        if let Some(value) = value.filter(|value| value.as_str().is_none_or(|code| !codes.contains(&code))) {
            return Err(Refusal::Invalid(format!(
                "HAPI-0450: Failed to parse request body as JSON resource. Error was: [element=\"{element}\"] Invalid \
                 attribute value {value}"
            )));
        }
    }
    if let Some(element) = of.required.iter().find(|element| body.get(**element).is_none_or(Value::is_null)) {
        return Err(Refusal::Unprocessable(format!("{}.{element} is required", of.name)));
    }
    unversioned(&mut body, base);
    Ok(body)
}

/// Takes the version out of references, as HAPI does by default: what `CarePlan/x/_history/4` said
/// comes back as `CarePlan/x`.
fn unversioned(value: &mut Value, base: &str) {
    if let Some(members) = value.as_object_mut() {
        if let Some(text) = members.get("reference").and_then(Value::as_str) {
            let plain = relative(text, base).to_owned();
            members.insert("reference".to_owned(), json!(plain));
        }
        members.values_mut().for_each(|member| unversioned(member, base));
    } else if let Some(list) = value.as_array_mut() {
        list.iter_mut().for_each(|entry| unversioned(entry, base));
    }
}
