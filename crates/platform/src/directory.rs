//! The directory of the Telematikinfrastruktur (VZD-FHIR): services of hospitals and practices, and people, with their
//! addresses in chat.
//!
//! A search asks the full text first, as gematik advises ("Best Practices – Suche im FHIR-VZD"). A FHIR server that
//! keeps no such text is asked by its parameters, anywhere in a name or else at its beginning, and what it brings is
//! narrowed here.

mod entry;
mod pass;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;
use url::Url;

pub(crate) use self::{
    entry::folded,
    pass::{Pass, PassError, Shown},
};
pub use self::{
    entry::{Address, AddressKind, Entry},
    pass::{NoProof, Proof, Proofs},
};
use crate::{
    call::{Caller, Identity},
    egress::Egress,
    fhir::{FhirClient, FhirError, Found},
};

/// What is shown of one kind at most; gematik advises to ask for a narrower search from a hundred on.
const MOST: usize = 50;
/// What a search by parameters reads before it is narrowed here.
const MOST_CANDIDATES: usize = 200;
/// More words than these narrow nothing.
const MOST_WORDS: usize = 8;

/// A client of one directory in the name of one person. Clones share the token.
#[derive(Debug, Clone)]
pub struct DirectoryClient {
    fhir: FhirClient,
    learned: Arc<Learned>,
}

/// What the server has shown of its ways.
#[derive(Debug, Default)]
struct Learned {
    /// Its full text is refused.
    no_text: AtomicBool,
    /// Its full text has found something: what it does not find is not there.
    text: AtomicBool,
    /// Looking inside of names is refused.
    no_contains: AtomicBool,
}

/// What a search brought of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The best first.
    pub entries: Vec<Entry>,
    /// Whether the directory holds more than these.
    pub more: bool,
    /// Whether an answer broke off or a part of the question was not answered: what is here is whole, but not all.
    pub partial: bool,
}

/// What is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Services,
    People,
}

impl Kind {
    fn resource(self) -> &'static str {
        match self {
            Self::Services => "HealthcareService",
            Self::People => "PractitionerRole",
        }
    }

    /// FHIR_VZD_HOWTO_Search: only what is active may be shown, and what belongs to an entry comes along.
    fn always(self) -> Vec<(&'static str, &'static str)> {
        let (active, included): (_, &[&str]) = match self {
            Self::Services => (
                "organization.active",
                &["HealthcareService:organization", "HealthcareService:location", "HealthcareService:endpoint"],
            ),
            Self::People => (
                "practitioner.active",
                &[
                    "PractitionerRole:practitioner",
                    "PractitionerRole:organization",
                    "PractitionerRole:location",
                    "PractitionerRole:endpoint",
                ],
            ),
        };
        let mut all = vec![(active, "true"), ("endpoint.status", "active"), ("_count", "50")];
        all.extend(included.iter().map(|included| ("_include", *included)));
        all
    }

    /// Where one of the words may stand.
    fn places(self) -> [&'static str; 4] {
        match self {
            Self::Services => ["name", "organization.name", "location.address-city", "organization.address-city"],
            Self::People => {
                ["practitioner.name", "organization.name", "location.address-city", "organization.address-city"]
            }
        }
    }
}

impl DirectoryClient {
    /// A client of the directory at `base`. `proofs` says who asks.
    #[must_use]
    pub fn new(egress: &Egress, base: &Url, proofs: Arc<dyn Proofs>) -> Self {
        let pass = Pass::new(egress, below(base, "tim-authenticate"), proofs);
        let caller = Caller::by(egress, below(base, "search"), Identity::Pass(pass));
        Self { fhir: FhirClient::of(caller), learned: Arc::default() }
    }

    /// Services that can be written to: boards, clinics, practices.
    ///
    /// # Errors
    /// [`FhirError`] when nothing at all could be had; [`FhirError::NoToken`] and [`FhirError::Denied`] when the
    /// directory does not let this person in.
    pub async fn services(&self, words: &str) -> Result<Listing, FhirError> {
        self.search(Kind::Services, words).await
    }

    /// People who can be written to.
    ///
    /// # Errors
    /// As [`DirectoryClient::services`].
    pub async fn people(&self, words: &str) -> Result<Listing, FhirError> {
        self.search(Kind::People, words).await
    }

    async fn search(&self, kind: Kind, typed: &str) -> Result<Listing, FhirError> {
        let words = words(typed);
        if words.is_empty() {
            return Ok(Listing::default());
        }
        let ways = ways(words);
        let learned = &self.learned;
        if !learned.no_text.load(Ordering::Relaxed) {
            match self.by_text(kind, &ways).await {
                Ok(listing) if !listing.entries.is_empty() || listing.more => {
                    learned.text.store(true, Ordering::Relaxed);
                    return Ok(listing);
                }
                Ok(listing) if learned.text.load(Ordering::Relaxed) => return Ok(listing),
                // A server may keep the text of a resource alone, and not of what belongs to it.
                Ok(_) => {}
                Err(error) if is_no_such_way(&error) => learned.no_text.store(true, Ordering::Relaxed),
                Err(error) => return Err(error),
            }
        }
        if !learned.no_contains.load(Ordering::Relaxed) {
            match self.by_parameters(kind, &ways, ":contains").await {
                // HAPI has it switched off at first, since it costs much where there is much.
                Err(error) if is_no_such_way(&error) => learned.no_contains.store(true, Ordering::Relaxed),
                answer => return answer,
            }
        }
        self.by_parameters(kind, &ways, "").await
    }

    async fn by_text(&self, kind: Kind, ways: &[Vec<String>]) -> Result<Listing, FhirError> {
        let found = match ways {
            [one, other, ..] => {
                let (one, other) = tokio::join!(self.asked_text(kind, one), self.asked_text(kind, other));
                vec![one?, other?]
            }
            [one] => vec![self.asked_text(kind, one).await?],
            [] => Vec::new(),
        };
        Ok(listing(kind, &found, ways, Brought::ByText, false))
    }

    async fn asked_text(&self, kind: Kind, words: &[String]) -> Result<Found, FhirError> {
        let text = words.join(" ");
        let mut parameters = kind.always();
        parameters.push(("_text", &text));
        self.fhir.search(kind.resource(), &parameters, MOST).await
    }

    async fn asked_place(&self, kind: Kind, place: &str, any: &str) -> Result<Found, FhirError> {
        let mut parameters = kind.always();
        parameters.push((place, any));
        self.fhir.search(kind.resource(), &parameters, MOST_CANDIDATES).await
    }

    async fn by_parameters(&self, kind: Kind, ways: &[Vec<String>], modifier: &str) -> Result<Listing, FhirError> {
        // R4 §3.1.1.4: a comma is "or".
        let any = ways.iter().flatten().collect::<BTreeSet<_>>().into_iter().cloned().collect::<Vec<_>>().join(",");
        let [one, two, three, four] = kind.places().map(|place| format!("{place}{modifier}"));
        let answers = tokio::join!(
            self.asked_place(kind, &one, &any),
            self.asked_place(kind, &two, &any),
            self.asked_place(kind, &three, &any),
            self.asked_place(kind, &four, &any),
        );
        let (mut found, mut failed) = (Vec::new(), None);
        for answer in <[_; 4]>::from(answers) {
            match answer {
                Ok(answer) => found.push(answer),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if found.is_empty() => Err(error),
            failed => Ok(listing(kind, &found, ways, Brought::ByParameters, failed.is_some())),
        }
    }
}

fn is_no_such_way(error: &FhirError) -> bool {
    matches!(error, FhirError::UnknownParameter(_) | FhirError::Rejected { .. })
}

fn below(base: &Url, segment: &str) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut().expect("a base is http or https, which has a path").pop_if_empty().push(segment);
    url
}

/// The words of what was typed, without what has a meaning of its own in a search (FHIR_VZD_HOWTO_Search, "Simple
/// full-text search": a stroke or a full stop lets it find nothing).
fn words(typed: &str) -> Vec<String> {
    let words = typed.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.take(MOST_WORDS).map(str::to_owned).collect()
}

/// The same house has two names, and a directory keeps one of them.
fn ways(words: Vec<String>) -> Vec<Vec<String>> {
    let other = |word: &String| match folded(word) {
        short if short.starts_with("uniklini") => "Universitätsklinik".to_owned(),
        long if long.starts_with("universitatsklini") => "Uniklinik".to_owned(),
        _ => word.clone(),
    };
    let others: Vec<String> = words.iter().map(other).collect();
    if others == words { vec![words] } else { vec![words, others] }
}

/// How much of the question the server has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brought {
    /// All of it. It knows more than is shown here, such as the street: such entries are the last.
    ByText,
    /// One of the words: the others are looked for here.
    ByParameters,
}

fn listing(kind: Kind, found: &[Found], ways: &[Vec<String>], brought: Brought, partial: bool) -> Listing {
    let included: Vec<&Value> = found.iter().flat_map(|found| &found.included).collect();
    let wanted: Vec<Vec<String>> = ways.iter().map(|words| words.iter().map(|word| folded(word)).collect()).collect();
    let mut seen = BTreeSet::new();
    let mut entries: Vec<(u8, Entry)> = found
        .iter()
        .flat_map(|found| &found.matches)
        .filter_map(|resource| match kind {
            Kind::Services => entry::service(resource, &included),
            Kind::People => entry::person(resource, &included),
        })
        .filter(|entry| seen.insert(entry.id.clone()))
        .filter_map(|entry| match (wanted.iter().filter_map(|words| entry.rank(words)).min(), brought) {
            (Some(rank), _) => Some((rank, entry)),
            (None, Brought::ByText) => Some((u8::MAX, entry)),
            (None, Brought::ByParameters) => None,
        })
        .collect();
    // Stable: among equals the directory's order.
    entries.sort_by_key(|(rank, _)| *rank);
    let more = found.iter().any(|found| found.more) || entries.len() > MOST;
    entries.truncate(MOST);
    Listing {
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        more,
        partial: partial || found.iter().any(|found| found.truncated || found.damaged > 0),
    }
}

#[cfg(test)]
mod tests {
    use super::{below, ways, words};
    use url::Url;

    #[test]
    fn what_has_a_meaning_of_its_own_in_a_search_is_left_out() {
        assert_eq!(words(" Dr. Franz-Wallraff-Str. 2, \"x\" "), ["Dr", "Franz", "Wallraff", "Str", "2", "x"], "words");
        assert_eq!(words("Uniklinik Köln*|~"), ["Uniklinik", "Köln"], "letters of any language stay");
        assert!(words(" -+,| ").is_empty(), "nothing is asked for signs alone");
    }

    #[test]
    fn a_university_hospital_is_asked_for_by_both_of_its_names() {
        let asked = |typed: &str| ways(words(typed)).iter().map(|way| way.join(" ")).collect::<Vec<_>>();
        assert_eq!(asked("Tumorboard Uniklinik"), ["Tumorboard Uniklinik", "Tumorboard Universitätsklinik"], "short");
        assert_eq!(asked("universitätsklinikum X"), ["universitätsklinikum X", "Uniklinik X"], "long");
        assert_eq!(asked("Tumorboard Tannhalde"), ["Tumorboard Tannhalde"], "another house");
    }

    #[test]
    fn routes_lie_below_the_base_with_and_without_a_stroke() {
        for base in ["https://vzd.example/dir", "https://vzd.example/dir/", "https://vzd.example/dir?x=1"] {
            let base = Url::parse(base).expect("a URL");
            assert_eq!(below(&base, "search").as_str(), "https://vzd.example/dir/search", "{base}");
        }
    }
}
