//! The layer that finds patient data in log lines: a name, a birth date or a number of an invented patient in any
//! field of any line ends the process that wrote it.

use jiff::Timestamp;
use sandbox::{Language, Plan, resources};
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{EnvFilter, Layer, layer::Context, layer::SubscriberExt as _, registry::LookupSpan};

/// Everything that must not appear: what names the patients of the demonstration today, by itself.
#[must_use]
pub fn needles() -> Vec<String> {
    let mut found = BTreeSet::new();
    for patient in patients() {
        let families = list(&patient["name"]).into_iter().map(|name| name["family"].clone());
        let numbers = list(&patient["identifier"]).into_iter().map(|identifier| identifier["value"].clone());
        let values = families.chain(numbers).filter_map(|value| value.as_str().map(str::to_lowercase));
        found.extend(values.chain(dates(patient["birthDate"].as_str().unwrap_or_default())));
    }
    found.retain(|needle| needle.chars().count() >= 4);
    found.into_iter().collect()
}

/// Their given names. They count as whole words only, and in lines only: their few letters stand in other words, and in
/// any megabyte of noise. Shorter ones are words of German.
fn given_names() -> Vec<String> {
    let names = patients().into_iter().flat_map(|patient| list(&patient["name"]));
    let given = names.flat_map(|name| list(&name["given"]));
    let given: BTreeSet<String> = given.filter_map(|name| name.as_str().map(str::to_lowercase)).collect();
    given.into_iter().filter(|name| name.chars().count() >= 4).collect()
}

fn patients() -> Vec<Value> {
    let plan = Plan::starting(Timestamp::now(), Language::German);
    resources(&plan).into_iter().filter(|resource| resource["resourceType"] == "Patient").collect()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// A day as FHIR, DICOM and a person write it.
fn dates(day: &str) -> Vec<String> {
    let mut forms = vec![day.to_owned(), day.replace('-', "")];
    if let [year, month, day] = *day.split('-').collect::<Vec<_>>() {
        forms.push(format!("{day}.{month}.{year}"));
    }
    forms
}

/// The needle that `text` holds. A patient's FHIR id is an id of ours and may be written; it is looked at apart
/// because those of the demonstration are made of names.
#[must_use]
pub fn leak<'a>(text: &str, needles: &'a [String]) -> Option<&'a str> {
    let lower = text.to_lowercase();
    needles.iter().map(String::as_str).find(|needle| {
        lower
            .match_indices(needle)
            .any(|(at, _)| !lower[..at].ends_with('-') || needle.chars().all(|c| !c.is_alphabetic()))
    })
}

/// Whether one of these stands in `text` as a word.
fn called(text: &str, names: &[String]) -> bool {
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    words.any(|word| names.iter().any(|name| name == word))
}

/// Watches every line of this process from now on; `tell` gets the line that should not be.
pub fn watch(tell: impl Fn(&str) + Send + Sync + 'static) {
    // A process that logs already keeps its subscriber; tests start with this.
    let _already = tracing::subscriber::set_global_default(watching(tell));
}

fn watching(tell: impl Fn(&str) + Send + Sync + 'static) -> impl Subscriber + Send + Sync {
    let filter = EnvFilter::new("debug,app=trace,platform=trace,vault=trace,imaging=trace");
    let layer = Watch { needles: needles(), given: given_names(), tell: Arc::new(tell) };
    tracing_subscriber::registry().with(layer.with_filter(filter))
}

struct Watch {
    needles: Vec<String>,
    given: Vec<String>,
    tell: Arc<dyn Fn(&str) + Send + Sync>,
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _string_takes_all = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Watch {
    fn look(&self, target: &str, line: &Line) {
        if leak(&line.0, &self.needles).is_some() || called(&line.0, &self.given) {
            (self.tell)(&format!("{target}:{}", line.0));
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Watch {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.look(event.metadata().target(), &line);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut line = Line::default();
        attributes.record(&mut line);
        self.look(attributes.metadata().target(), &line);
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        values.record(&mut line);
        self.look("span", &line);
    }
}

#[cfg(test)]
mod tests {
    use super::{called, dates, given_names, leak, needles, watching};
    use std::sync::{Arc, Mutex, PoisonError};

    #[test]
    fn names_dates_and_numbers_of_the_demonstration_are_found() {
        let needles = needles();
        for line in
            ["patient Auenwald read", "AUENWALD^GERNOT", "kvnr=X110127457", "EF-0098812", "born …-03-14 TH-204417"]
        {
            assert!(leak(line, &needles).is_some(), "{line}");
        }
        for (at, mark) in [(4, b'-'), (2, b'.')] {
            let dates = needles.iter().filter(|needle| needle.len() == 10 && needle.as_bytes()[at] == mark).count();
            assert!(dates >= 6, "birth dates are looked for too, as they are stored and as they are shown");
        }
        assert_eq!(dates("1957-03-14"), ["1957-03-14", "19570314", "14.03.1957"], "in three forms");
        assert_eq!(leak("read Patient/pat-auenwald in 3 ms", &needles), None, "the id that the platform gave");
    }

    #[test]
    fn a_given_name_is_found_as_a_word_and_not_in_other_words() {
        let given = given_names();
        for line in ["GERNOT", "name=\"Ayşe Nur\"", "Wilfried's case", "selma_4", "{\"a\":\"Petra\"}"] {
            assert!(called(line, &given), "{line}");
        }
        for line in ["only the petrarch", "a milanese", "nur gelesen", "pandora"] {
            assert!(!called(line, &given), "{line}");
        }
    }

    #[test]
    fn a_name_in_any_field_of_an_event_or_a_span_is_told() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let lines = told.clone();
        let watched = watching(move |line| lines.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned()));
        tracing::subscriber::with_default(watched, || {
            tracing::info!("a case was opened");
            tracing::debug!(family = "Birkenlicht", "in a field");
            tracing::warn!("in the words: Steinklee");
            tracing::warn!("by the given name: Wilfried");
            let _span = tracing::info_span!("in a span", url = %"/Patient?name=mohnblatt").entered();
        });
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(told.len(), 4, "each once, and the honest line not: {told:?}");
    }
}
