//! Searching a type: filters, order, inclusion, and the searchset Bundle page by page.

use super::element::{at, folded, period, stamp, target};
use super::filter::{Filter, unknown};
use super::parameters::{Kind, Parameter, Type, kind};
use super::refusal::Refusal;
use super::store::Shelf;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use uuid::Uuid;

/// Entries of a page when the client does not say.
const PAGE: usize = 20;
/// Entries of a page at most.
const LARGEST_PAGE: usize = 200;
/// Searches whose further pages are kept.
const KEPT: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inclusion {
    of: &'static str,
    parameter: &'static Parameter,
    only: Option<String>,
    reverse: bool,
    iterate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Total {
    WhenComplete,
    Accurate,
    Never,
}

/// A search as it was understood.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    of: &'static Type,
    filters: Vec<Filter>,
    order: Vec<(&'static Parameter, bool)>,
    page: usize,
    total: Total,
    count_only: bool,
    inclusions: Vec<Inclusion>,
    elements: Vec<String>,
    words: Vec<String>,
}

impl Query {
    /// Reads the parameters of a search on a type. An unknown one is refused, as HAPI does.
    pub(crate) fn parse(of: &'static Type, pairs: &[(String, String)]) -> Result<Self, Refusal> {
        let mut query = Self {
            of,
            filters: Vec::new(),
            order: Vec::new(),
            page: PAGE,
            total: Total::WhenComplete,
            count_only: false,
            inclusions: Vec::new(),
            elements: Vec::new(),
            words: Vec::new(),
        };
        for (name, value) in pairs {
            query.take(name, value)?;
        }
        Ok(query)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        let invalid = || Refusal::Invalid(format!("HAPI-0389: Invalid value for {name}: {value}"));
        match name {
            "_format" | "_pretty" => {}
            "_count" => {
                let count: usize = value.parse().ok().ok_or_else(invalid)?;
                self.count_only |= count == 0;
                self.page = count.clamp(1, LARGEST_PAGE);
            }
            "_total" => {
                self.total = match value {
                    "accurate" => Total::Accurate,
                    "none" => Total::Never,
                    "estimate" => Total::WhenComplete,
                    _ => return Err(invalid()),
                };
            }
            "_summary" => match value {
                "count" => self.count_only = true,
                "false" => {}
                _ => return Err(invalid()),
            },
            "_elements" => self.elements.extend(value.split(',').map(str::to_owned)),
            "_sort" => {
                for key in value.split(',') {
                    let (key, falling) = key.strip_prefix('-').map_or((key, false), |key| (key, true));
                    let parameter = self.of.parameter(key).ok_or_else(|| unknown(self.of, key))?;
                    self.order.push((parameter, falling));
                }
            }
            "_include" | "_include:iterate" | "_revinclude" | "_revinclude:iterate" => {
                let inclusion = inclusion(name, value).ok_or_else(|| {
                    Refusal::Invalid(format!("HAPI-0375: Invalid {name} parameter value: \"{value}\""))
                })?;
                self.inclusions.push(inclusion);
            }
            _ => self.filters.push(Filter::parse(self.of, name, value)?),
        }
        Ok(())
    }

    /// Lets only through what has all of these words, as beginnings of words in it or in what belongs to it.
    pub(crate) fn with_words(mut self, text: &str) -> Self {
        self.words = folded(text).split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned).collect();
        self.words.retain(|word| !word.is_empty());
        self
    }

    fn has_words(&self, body: &Value, shelf: &Shelf, base: &str) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let mut said = String::new();
        spoken(body, &mut said);
        for element in ["providedBy", "practitioner", "location"].iter().flat_map(|path| at(body, path)) {
            let belongs = target(element, base).and_then(|reference| reference.split_once('/'));
            if let Some(body) = belongs.and_then(|(kind, id)| shelf.current(kind, id)) {
                spoken(body, &mut said);
            }
        }
        let said = folded(&said);
        let has = |word: &String| said.split(|letter: char| !letter.is_alphanumeric()).any(|one| one.starts_with(word));
        self.words.iter().all(has)
    }

    /// Ids of what fits, in order.
    pub(crate) fn run(&self, shelf: &Shelf, base: &str) -> Vec<String> {
        let fits = |body: &Value| {
            self.filters.iter().all(|filter| filter.fits(body, shelf, base)) && self.has_words(body, shelf, base)
        };
        let mut found: Vec<(&str, &Arc<Value>)> = shelf.all(self.of.name).filter(|(_, body)| fits(body)).collect();
        for (parameter, falling) in self.order.iter().rev() {
            found.sort_by_cached_key(|(_, body)| Place::of(parameter, *falling, body, base));
        }
        found.into_iter().map(|(id, _)| id.to_owned()).collect()
    }
}

/// Where a resource stands in an order. Resources without the element come last in both directions.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Early(Key),
    Late(std::cmp::Reverse<Key>),
    Missing,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Time(Timestamp),
    Text(String),
}

impl Place {
    fn of(parameter: &Parameter, falling: bool, body: &Value, base: &str) -> Self {
        let keys = parameter.paths.iter().flat_map(|path| at(body, path)).filter_map(|element| {
            Some(match parameter.kind {
                Kind::Date => Key::Time(period(element)?.0),
                Kind::Reference(_) => Key::Text(target(element, base)?.to_owned()),
                Kind::Token | Kind::Uri | Kind::Text => Key::Text(folded(&words(element)?)),
            })
        });
        let key = if falling { keys.max() } else { keys.min() };
        match (key, falling) {
            (None, _) => Self::Missing,
            (Some(key), false) => Self::Early(key),
            (Some(key), true) => Self::Late(std::cmp::Reverse(key)),
        }
    }
}

/// What gematik's full text has of a resource: names, specialties, qualifications and addresses.
fn spoken(body: &Value, said: &mut String) {
    let paths = [
        "name",
        "name.family",
        "name.given",
        "name.prefix",
        "name.text",
        "specialty.text",
        "specialty.coding.display",
        "qualification.code.text",
        "qualification.code.coding.display",
        "address.line",
        "address.city",
        "address.postalCode",
    ];
    for word in paths.iter().flat_map(|path| at(body, path)).filter_map(Value::as_str) {
        said.push(' ');
        said.push_str(word);
    }
}

fn words(element: &Value) -> Option<String> {
    let coded = |value: &Value| value.get("code").or(value.get("value")).and_then(Value::as_str).map(str::to_owned);
    element.as_str().map(str::to_owned).or_else(|| coded(element)).or_else(|| coded(element.get("coding")?.get(0)?))
}

fn inclusion(name: &str, value: &str) -> Option<Inclusion> {
    let mut parts = value.split(':');
    let of = kind(parts.next()?)?;
    let parameter = of.parameter(parts.next()?)?;
    let reference = matches!(parameter.kind, Kind::Reference(_));
    let only = parts.next().map(str::to_owned);
    reference.then(|| Inclusion {
        of: of.name,
        parameter,
        only,
        reverse: name.starts_with("_revinclude"),
        iterate: name.ends_with(":iterate"),
    })
}

impl Inclusion {
    /// What this brings in for one resource.
    fn bring(&self, kind: &str, id: &str, body: &Value, shelf: &Shelf, base: &str) -> Vec<(String, String)> {
        if self.reverse {
            let here = format!("{kind}/{id}");
            let points = |body: &Value| {
                let elements = self.parameter.paths.iter().flat_map(|path| at(body, path));
                elements.filter_map(|element| target(element, base)).any(|reference| reference == here)
            };
            let found = shelf.all(self.of).filter(|(_, body)| points(body));
            return found.map(|(id, _)| (self.of.to_owned(), id.to_owned())).collect();
        }
        if kind != self.of {
            return Vec::new();
        }
        let elements = self.parameter.paths.iter().flat_map(|path| at(body, path));
        elements
            .filter_map(|element| target(element, base)?.split_once('/'))
            .filter(|(kind, _)| self.only.as_deref().is_none_or(|only| only == *kind) && self.takes(kind))
            .map(|(kind, id)| (kind.to_owned(), id.to_owned()))
            .collect()
    }

    fn takes(&self, kind: &str) -> bool {
        match self.parameter.kind {
            Kind::Reference(types) => types.is_empty() || types.contains(&kind),
            Kind::Token | Kind::Date | Kind::Text | Kind::Uri => false,
        }
    }
}

/// A search whose further pages may be asked for.
#[derive(Debug)]
struct Kept {
    handle: String,
    query: Arc<Query>,
    ids: Arc<Vec<String>>,
}

/// The searches whose pages are kept. The oldest go first.
#[derive(Debug, Default)]
pub(crate) struct Pages(VecDeque<Kept>);

impl Pages {
    /// The first page of a search.
    pub(crate) fn first(&mut self, query: Query, shelf: &Shelf, base: &str, now: Timestamp, link: &str) -> Value {
        let ids = Arc::new(query.run(shelf, base));
        if query.count_only {
            return json!({
                "resourceType": "Bundle",
                "id": Uuid::new_v4().to_string(),
                "meta": { "lastUpdated": stamp(now), "tag": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED",
                }] },
                "type": "searchset",
                "total": ids.len(),
                "link": [{ "relation": "self", "url": link }],
            });
        }
        let query = Arc::new(query);
        let handle = Uuid::new_v4().to_string();
        if ids.len() > query.page {
            if self.0.len() == KEPT {
                self.0.pop_front();
            }
            self.0.push_back(Kept { handle: handle.clone(), query: Arc::clone(&query), ids: Arc::clone(&ids) });
        }
        let page = Page { query: &query, ids: &ids, handle: &handle, offset: 0, count: query.page };
        page.bundle(shelf, base, now, link)
    }

    /// A further page. `pairs` are the parameters of the `next` link.
    pub(crate) fn further(
        &self,
        pairs: &[(String, String)],
        shelf: &Shelf,
        base: &str,
        now: Timestamp,
        link: &str,
    ) -> Result<Value, Refusal> {
        let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let handle = value("_getpages").unwrap_or_default();
        let kept = self.0.iter().find(|kept| kept.handle == handle);
        let kept = kept.ok_or_else(|| Refusal::PageGone(handle.to_owned()))?;
        let number = |name: &str, fallback: usize| value(name).and_then(|text| text.parse().ok()).unwrap_or(fallback);
        let count = number("_count", kept.query.page).clamp(1, LARGEST_PAGE);
        let offset = number("_getpagesoffset", 0);
        let page = Page { query: &kept.query, ids: &kept.ids, handle, offset, count };
        Ok(page.bundle(shelf, base, now, link))
    }

    /// Whether a kept search is about patients.
    pub(crate) fn is_open(&self, handle: &str) -> bool {
        self.0.iter().find(|kept| kept.handle == handle).is_some_and(|kept| kept.query.of.open)
    }
}

struct Page<'a> {
    query: &'a Query,
    ids: &'a [String],
    handle: &'a str,
    offset: usize,
    count: usize,
}

impl Page<'_> {
    fn bundle(&self, shelf: &Shelf, base: &str, now: Timestamp, link: &str) -> Value {
        let of = self.query.of.name;
        let ids = self.ids.iter().skip(self.offset).take(self.count);
        let matches: Vec<(String, String)> =
            ids.filter(|id| shelf.current(of, id).is_some()).map(|id| (of.to_owned(), id.clone())).collect();
        let mut entries: Vec<Value> =
            matches.iter().filter_map(|(kind, id)| self.entry(kind, id, "match", shelf, base)).collect();
        for (kind, id) in self.included(&matches, shelf, base) {
            entries.extend(self.entry(&kind, &id, "include", shelf, base));
        }
        let following = self.offset + self.count;
        let more = following < self.ids.len();
        let mut links = vec![json!({ "relation": "self", "url": link })];
        if more {
            // An opaque link at the base, not under the resource type.
            let next = format!(
                "{base}?_getpages={}&_getpagesoffset={following}&_count={}&_bundletype=searchset",
                self.handle, self.count
            );
            links.push(json!({ "relation": "next", "url": next }));
        }
        let mut bundle = json!({
            "resourceType": "Bundle",
            "id": Uuid::new_v4().to_string(),
            "meta": { "lastUpdated": stamp(now) },
            "type": "searchset",
            "link": links,
        });
        let total = match self.query.total {
            Total::Accurate => true,
            // HAPI knows the total only when it has read to the end.
            Total::WhenComplete => !more && self.offset == 0,
            Total::Never => false,
        };
        if total {
            bundle["total"] = json!(self.ids.len());
        }
        if !entries.is_empty() {
            bundle["entry"] = json!(entries);
        }
        bundle
    }

    fn included(&self, matches: &[(String, String)], shelf: &Shelf, base: &str) -> Vec<(String, String)> {
        let mut known: BTreeSet<(String, String)> = matches.iter().cloned().collect();
        let mut out: Vec<(String, String)> = Vec::new();
        let mut from = matches.to_vec();
        let mut first = true;
        while !from.is_empty() {
            let mut next = Vec::new();
            for (kind, id) in &from {
                let Some(body) = shelf.current(kind, id) else { continue };
                for inclusion in self.query.inclusions.iter().filter(|inclusion| first || inclusion.iterate) {
                    for found in inclusion.bring(kind, id, body, shelf, base) {
                        if shelf.current(&found.0, &found.1).is_some() && known.insert(found.clone()) {
                            next.push(found);
                        }
                    }
                }
            }
            out.extend(next.iter().cloned());
            from = next;
            first = false;
        }
        out
    }

    fn entry(&self, kind: &str, id: &str, mode: &str, shelf: &Shelf, base: &str) -> Option<Value> {
        let body = shelf.current(kind, id)?;
        let resource = if self.query.elements.is_empty() || mode == "include" {
            body.as_ref().clone()
        } else {
            subset(body, &self.query.elements)
        };
        Some(json!({ "fullUrl": format!("{base}/{kind}/{id}"), "resource": resource, "search": { "mode": mode } }))
    }
}

/// `_elements`: the tag says that this must never be written back.
fn subset(body: &Value, elements: &[String]) -> Value {
    let members = body.as_object().into_iter().flatten();
    let kept = members.filter(|(name, _)| {
        ["resourceType", "id", "meta"].contains(&name.as_str()) || elements.iter().any(|element| element == *name)
    });
    let mut out = Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect());
    let tag = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED" });
    let mut tags = body["meta"]["tag"].as_array().cloned().unwrap_or_default();
    tags.push(tag);
    out["meta"]["tag"] = json!(tags);
    out
}
