//! The layer that finds patient data in log lines: a family name, a birth date or a number of an invented
//! patient in any field of any line ends the process that wrote it.

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

/// Everything that must not appear: what names the patients of the demonstration today.
#[must_use]
pub fn needles() -> Vec<String> {
    let plan = Plan::starting(Timestamp::now(), Language::German);
    let mut found = BTreeSet::new();
    for patient in resources(&plan).iter().filter(|resource| resource["resourceType"] == "Patient") {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let families = list(&patient["name"]).into_iter().map(|name| name["family"].clone());
        let numbers = list(&patient["identifier"]).into_iter().map(|identifier| identifier["value"].clone());
        let date = patient["birthDate"].as_str().unwrap_or_default();
        let values = families.chain(numbers).filter_map(|value| value.as_str().map(str::to_lowercase));
        found.extend(values.chain([date.to_owned(), date.replace('-', "")]));
    }
    found.retain(|needle| needle.chars().count() >= 4);
    found.into_iter().collect()
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

/// Watches every line of this process from now on; `tell` gets the line that should not be.
pub fn watch(tell: impl Fn(&str) + Send + Sync + 'static) {
    // A process that logs already keeps its subscriber; tests start with this.
    let _already = tracing::subscriber::set_global_default(watching(tell));
}

fn watching(tell: impl Fn(&str) + Send + Sync + 'static) -> impl Subscriber + Send + Sync {
    let filter = EnvFilter::new("debug,app=trace,platform=trace,vault=trace,imaging=trace");
    let layer = Watch { needles: needles(), tell: Arc::new(tell) };
    tracing_subscriber::registry().with(layer.with_filter(filter))
}

struct Watch {
    needles: Vec<String>,
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
        if leak(&line.0, &self.needles).is_some() {
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
    use super::{leak, needles, watching};
    use std::sync::{Arc, Mutex, PoisonError};

    #[test]
    fn names_dates_and_numbers_of_the_demonstration_are_found() {
        let needles = needles();
        for line in
            ["patient Auenwald read", "AUENWALD^GERNOT", "kvnr=X110127457", "EF-0098812", "born …-03-14 TH-204417"]
        {
            assert!(leak(line, &needles).is_some(), "{line}");
        }
        let dates = needles.iter().filter(|needle| needle.len() == 10 && needle.as_bytes()[4] == b'-').count();
        assert!(dates >= 6, "birth dates are looked for too");
        assert_eq!(leak("read Patient/pat-auenwald in 3 ms", &needles), None, "the id that the platform gave");
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
            let _span = tracing::info_span!("in a span", url = %"/Patient?name=mohnblatt").entered();
        });
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(told.len(), 3, "each once, and the honest line not: {told:?}");
    }
}
