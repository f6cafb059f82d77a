//! Searching: pages, the cap, and what is kept of an answer that breaks off.

use std::{collections::BTreeSet, fmt};

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use url::Url;

use super::{
    client::{FHIR_JSON, FhirClient},
    decimal,
    error::{FhirError, check},
};
use crate::{
    call::Repeat,
    egress::{Answer, Ask, EgressError},
    elements::{Elements, Target},
};

/// One page is not read further than this.
const PAGE_LIMIT: usize = 64 * 1024 * 1024;
/// Longer questions go as a form: proxies and servers cut addresses from about 2 kB on.
const LONGEST_ADDRESS: usize = 1900;
/// A server that pages without end is left.
const MOST_PAGES: usize = 200;

/// What a search brought.
#[derive(Clone, Default)]
pub struct Found {
    /// The resources that match, in the server's order.
    pub matches: Vec<Value>,
    /// Resources that came along because a match refers to them or is referred to.
    pub included: Vec<Value>,
    /// The number of matches, where the server tells it.
    pub total: Option<u64>,
    /// True when the cap was reached and the server holds more.
    pub more: bool,
    /// True when an answer broke off or a later page failed: what is here is whole, but not all.
    pub truncated: bool,
    /// Entries that could not be read and were left out.
    pub damaged: usize,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found")
            .field("matches", &self.matches.len())
            .field("included", &self.included.len())
            .field("total", &self.total)
            .field("more", &self.more)
            .field("truncated", &self.truncated)
            .field("damaged", &self.damaged)
            .finish()
    }
}

/// A page that was read, and where the next one is.
struct Page {
    next: Option<String>,
    /// Why it broke off.
    broken: Option<EgressError>,
    whole: bool,
}

impl FhirClient {
    /// Searches, following the server's pages until `cap` matches are here. A cap of 0 asks for none.
    ///
    /// # Errors
    /// [`FhirError`] when the first page cannot be had at all. A later failure makes the result
    /// [`Found::truncated`].
    pub async fn search(&self, kind: &str, parameters: &[(&str, &str)], cap: usize) -> Result<Found, FhirError> {
        self.search_as(kind, parameters, cap, false).await
    }

    /// Searches past the server's cache, for what somebody else may just have written.
    ///
    /// # Errors
    /// As [`FhirClient::search`].
    pub async fn search_fresh(&self, kind: &str, parameters: &[(&str, &str)], cap: usize) -> Result<Found, FhirError> {
        self.search_as(kind, parameters, cap, true).await
    }

    async fn search_as(
        &self,
        kind: &str,
        parameters: &[(&str, &str)],
        cap: usize,
        fresh: bool,
    ) -> Result<Found, FhirError> {
        let fresh = fresh || self.wrote_lately();
        let mut found = Found::default();
        let answer = self.first_page(kind, parameters, fresh).await?;
        let answer = check(answer, true).await?;
        let mut page_url = answer.url.clone();
        let mut page = self.read_page(answer, kind, cap, &mut found).await?;
        let mut seen = BTreeSet::new();
        loop {
            if page.broken.is_some() || !page.whole {
                found.truncated = true;
                break;
            }
            let Some(next) = page.next else { break };
            if found.matches.len() >= cap {
                found.more = true;
                break;
            }
            // The link is followed as it stands: it may be opaque and lie beside the resource type.
            let url = match page_url.join(&next) {
                Ok(url) if url.origin() == self.caller.base.origin() && seen.len() < MOST_PAGES => url,
                Ok(_) | Err(_) => {
                    tracing::warn!(host = self.caller.base.host_str(), "the next page lies elsewhere and is not read");
                    found.truncated = true;
                    break;
                }
            };
            if !seen.insert(next) {
                found.truncated = true;
                break;
            }
            page_url = url.clone();
            let asked = match self.caller.get(self.question(Ask::get(url, "fhir search page"), fresh)).await {
                Ok(answer) => check(answer, false).await,
                Err(error) => Err(error.into()),
            };
            let read = match asked {
                Ok(answer) => self.read_page(answer, kind, cap, &mut found).await,
                Err(error) => Err(error),
            };
            page = match read {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "a later page failed");
                    found.truncated = true;
                    break;
                }
            };
        }
        if found.matches.len() > cap {
            found.matches.truncate(cap);
            found.more = true;
        }
        Ok(found)
    }

    async fn first_page(&self, kind: &str, parameters: &[(&str, &str)], fresh: bool) -> Result<Answer, FhirError> {
        let mut url = self.caller.url(&[kind]);
        // Form encoding turns `|` into %7C, which some proxies insist on.
        url.query_pairs_mut().extend_pairs(parameters);
        let long = url.as_str().len() > LONGEST_ADDRESS;
        if !long {
            return Ok(self.caller.get(self.question(Ask::get(url, "fhir search"), fresh)).await?);
        }
        let form = url.query().unwrap_or_default().to_owned();
        let ask = Ask::new(Method::POST, self.caller.url(&[kind, "_search"]), "fhir search")
            .body("application/x-www-form-urlencoded", form);
        let answer = self.caller.call(self.question(ask, fresh), Repeat::Harmless).await?.answer;
        // R4 3.1.1.1.1: a server shall support both forms; one that does not gets the long address.
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            return Ok(self.caller.get(self.question(Ask::get(url, "fhir search"), fresh)).await?);
        }
        Ok(answer)
    }

    pub(super) fn question(&self, ask: Ask, fresh: bool) -> Ask {
        let ask = ask.header(header::ACCEPT, HeaderValue::from_static(FHIR_JSON));
        if fresh { ask.header(header::CACHE_CONTROL, HeaderValue::from_static("no-cache")) } else { ask }
    }

    async fn read_page(
        &self,
        mut answer: Answer,
        kind: &str,
        cap: usize,
        found: &mut Found,
    ) -> Result<Page, FhirError> {
        let mut elements = Elements::of(Target::Member("entry")).reading(decimal::read);
        let mut read = 0;
        let mut broken = None;
        let before = found.matches.len() + found.included.len();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) => {
                    read += chunk.len();
                    if read > PAGE_LIMIT {
                        broken = Some(EgressError::TooLarge {
                            host: crate::egress::host_of(&self.caller.base),
                            limit: PAGE_LIMIT,
                        });
                        break;
                    }
                    elements.push(&chunk, |entry| sort_in(entry, kind, cap, found));
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "a page broke off");
                    broken = Some(error);
                    break;
                }
            }
        }
        let rest = elements.finish();
        found.damaged += rest.damaged;
        let Some(frame) = rest.frame else {
            // Nothing at all could be read: that is no part of an answer.
            if found.matches.len() + found.included.len() == before && rest.damaged == 0 {
                return Err(match broken {
                    Some(error) => FhirError::Unreachable(error),
                    None => FhirError::Unreadable("no JSON".to_owned()),
                });
            }
            return Ok(Page { next: None, broken, whole: false });
        };
        if frame["resourceType"] != "Bundle" {
            return Err(FhirError::Unreadable("no Bundle".to_owned()));
        }
        found.total = found.total.or_else(|| frame["total"].as_u64());
        let next = frame["link"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|link| link["relation"] == "next")
            .and_then(|link| link["url"].as_str())
            .map(str::to_owned);
        Ok(Page { next, broken, whole: true })
    }
}

/// R4 Bundle.entry.search.mode: `match`, `include` or `outcome`. Without one it is a match if it is of the kind that
/// was asked for, and else came along: it must not take the place of what somebody asked for.
fn sort_in(mut entry: Value, kind: &str, cap: usize, found: &mut Found) {
    let resource = entry["resource"].take();
    if resource.is_null() {
        return;
    }
    match entry["search"]["mode"].as_str() {
        Some("include") => found.included.push(resource),
        Some("outcome") => {}
        _ if resource["resourceType"] == "OperationOutcome" => {}
        _ if resource["resourceType"] != kind => found.included.push(resource),
        // One more than the cap is kept, to know that there is more.
        _ if found.matches.len() <= cap => found.matches.push(resource),
        _ => {}
    }
}

/// Same origin as the base, for addresses that a server wrote into its answers.
pub(super) fn same_origin(base: &Url, text: &str) -> Option<Url> {
    base.join(text).ok().filter(|url| url.origin() == base.origin())
}
