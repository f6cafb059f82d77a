//! One condition of a search: its parameter, its values, and whether a resource fits.

use super::element::{at, folded, moment, period, relative, target};
use super::parameters::{Kind, Parameter, Type, kind};
use super::refusal::Refusal;
use super::store::Shelf;
use serde_json::Value;

/// How a parameter is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    Plain,
    /// `:exact`.
    Exact,
    /// `:not`.
    Not,
    /// `:missing=true` or `false`.
    Missing(bool),
    /// A chain: the filter is for the resources that are referred to.
    Chain(&'static str, Box<Filter>),
}

/// A condition. Its values are alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    parameter: &'static Parameter,
    way: Way,
    values: Vec<String>,
}

impl Filter {
    /// Reads `name=value` of a query on a type.
    pub(super) fn parse(of: &'static Type, name: &str, value: &str) -> Result<Self, Refusal> {
        let (head, chained) = match name.split_once('.') {
            Some((head, rest)) => (head, Some(rest)),
            None => (name, None),
        };
        let (head, modifier) = match head.split_once(':') {
            Some((head, modifier)) => (head, Some(modifier)),
            None => (head, None),
        };
        let parameter = of.parameter(head).ok_or_else(|| unknown(of, head))?;
        if let Some(rest) = chained {
            let next = chain_type(of, parameter, modifier)?;
            let inner = Self::parse(next, rest, value)?;
            return Ok(Self { parameter, way: Way::Chain(next.name, Box::new(inner)), values: Vec::new() });
        }
        let mut values = split(value);
        let way = match (modifier, parameter.kind) {
            (None, _) => Way::Plain,
            (Some("exact"), Kind::Text) => Way::Exact,
            (Some("not"), Kind::Token) => Way::Not,
            (Some("missing"), _) => Way::Missing(value == "true"),
            (Some(other), Kind::Reference(_)) if kind(other).is_some() => {
                values = values.into_iter().map(|id| format!("{other}/{id}")).collect();
                Way::Plain
            }
            (Some(other), _) => {
                return Err(Refusal::Invalid(format!("HAPI-1258: Modifier :{other} is not supported for {head}")));
            }
        };
        if parameter.kind == Kind::Date && way == Way::Plain {
            for value in &values {
                let (_, date) = prefix(value);
                if moment(date).is_none() {
                    return Err(Refusal::Invalid(format!("HAPI-0524: Invalid date/time format: {value}")));
                }
            }
        }
        Ok(Self { parameter, way, values })
    }

    /// Whether a resource fits.
    pub(super) fn fits(&self, resource: &Value, shelf: &Shelf, base: &str) -> bool {
        let elements = || self.parameter.paths.iter().flat_map(|path| at(resource, path));
        match &self.way {
            Way::Missing(missing) => elements().next().is_none() == *missing,
            Way::Chain(next, inner) => elements().filter_map(|element| target(element, base)).any(|reference| {
                let Some((kind, id)) = reference.split_once('/').filter(|(kind, _)| kind == next) else { return false };
                shelf.current(kind, id).is_some_and(|body| inner.fits(body, shelf, base))
            }),
            Way::Not => !elements().any(|element| self.values.iter().any(|value| token(element, value))),
            Way::Exact => {
                elements().any(|element| element.as_str().is_some_and(|text| self.values.iter().any(|v| v == text)))
            }
            Way::Plain => elements().any(|element| {
                self.values.iter().any(|value| match self.parameter.kind {
                    Kind::Token => token(element, value),
                    Kind::Reference(types) => refers(element, value, types, base),
                    Kind::Date => dated(element, value),
                    Kind::Text => element.as_str().is_some_and(|text| folded(text).starts_with(&folded(value))),
                    Kind::Uri => element.as_str().is_some_and(|text| {
                        text == value || text.split_once('|').is_some_and(|(canonical, _)| canonical == value)
                    }),
                })
            }),
        }
    }
}

/// What HAPI says to a parameter that it does not know.
pub(super) fn unknown(of: &Type, name: &str) -> Refusal {
    Refusal::Invalid(format!(
        "HAPI-0524: Unknown search parameter \"{name}\" for resource type \"{}\". Valid search parameters for this \
         search are: [{}]",
        of.name,
        of.names()
    ))
}

fn chain_type(of: &Type, parameter: &Parameter, modifier: Option<&str>) -> Result<&'static Type, Refusal> {
    let named = match (modifier, parameter.kind) {
        (Some(name), Kind::Reference(_)) => Some(name),
        (None, Kind::Reference([only])) => Some(*only),
        (None, Kind::Reference(_)) => Some("Patient"),
        (_, Kind::Token | Kind::Date | Kind::Text | Kind::Uri) => None,
    };
    named
        .and_then(kind)
        .ok_or_else(|| Refusal::Invalid(format!("HAPI-1245: {} of {} can not be chained", parameter.name, of.name)))
}

/// Splits alternatives at commas that are not escaped (FHIR R4 §3.1.1.4.0.1).
fn split(value: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut escaped = false;
    for letter in value.chars() {
        match (escaped, letter) {
            (false, '\\') => escaped = true,
            (false, ',') => all.push(String::new()),
            (_, letter) => {
                escaped = false;
                if let Some(last) = all.last_mut() {
                    last.push(letter);
                }
            }
        }
    }
    all.retain(|value| !value.is_empty());
    all
}

/// `system|code`, `|code`, `system|` or `code` against a Coding, CodeableConcept, Identifier,
/// ContactPoint, code or boolean. The text of a CodeableConcept is not a code.
fn token(element: &Value, wanted: &str) -> bool {
    if let Some(codings) = element.get("coding").and_then(Value::as_array) {
        return codings.iter().any(|coding| token(coding, wanted));
    }
    let (system, code) = match wanted.split_once('|') {
        Some((system, code)) => (Some(system), code),
        None => (None, wanted),
    };
    if let Some(flag) = element.as_bool() {
        return flag.to_string() == code;
    }
    if let Some(text) = element.as_str() {
        // A code has an implicit system that the resource does not carry.
        return code.is_empty() || text == code;
    }
    let has = |key: &str| element.get(key).and_then(Value::as_str);
    let value = has("code").or(has("value"));
    let code_fits = if code.is_empty() { system.is_some_and(|system| !system.is_empty()) } else { value == Some(code) };
    let system_fits = match system {
        None => true,
        Some("") => has("system").is_none(),
        Some(system) => has("system") == Some(system),
    };
    code_fits && system_fits
}

fn refers(element: &Value, wanted: &str, types: &[&str], base: &str) -> bool {
    let Some(reference) = target(element, base) else { return false };
    if !types.is_empty() && !types.iter().any(|kind| reference.split('/').next() == Some(kind)) {
        return false;
    }
    let wanted = relative(wanted, base);
    if wanted.contains('/') { reference == wanted } else { reference.rsplit('/').next() == Some(wanted) }
}

fn prefix(value: &str) -> (&str, &str) {
    match value.get(..2) {
        Some(prefix @ ("eq" | "ne" | "gt" | "lt" | "ge" | "le" | "sa" | "eb")) => {
            (prefix, value.get(2..).unwrap_or_default())
        }
        Some(_) | None => ("eq", value),
    }
}

/// FHIR R4 §3.1.1.4.5: both sides are periods.
fn dated(element: &Value, wanted: &str) -> bool {
    let (prefix, date) = prefix(wanted);
    let (Some((from, to)), Some((low, high))) = (period(element), moment(date)) else { return false };
    match prefix {
        "ne" => !(from >= low && to <= high),
        "gt" => to > high,
        "lt" => from < low,
        "ge" => to > low,
        "le" => from < high,
        "sa" => from >= high,
        "eb" => to <= low,
        _ => from >= low && to <= high,
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, Shelf};
    use crate::fhir::parameters::kind;
    use serde_json::{Value, json};

    fn fits(of: &str, name: &str, value: &str, resource: &Value) -> bool {
        let of = kind(of).expect("the type is kept");
        let filter = Filter::parse(of, name, value).expect("the parameter is known");
        filter.fits(resource, &Shelf::default(), "http://127.0.0.1:1/fhir")
    }

    #[test]
    fn tokens_compare_system_and_code() {
        let coded = json!({ "code": { "coding": [{ "system": "s", "code": "a" }], "text": "words" } });
        for (value, expected) in [
            ("a", true),
            ("s|a", true),
            ("t|a", false),
            ("|a", false),
            ("s|", true),
            ("t|", false),
            ("x,s|a", true),
            ("words", false),
        ] {
            assert_eq!(fits("Observation", "code", value, &coded), expected, "code={value}");
        }
        assert!(!fits("Observation", "code:not", "s|a", &coded), "not excludes");
        assert!(fits("Observation", "category:missing", "true", &coded), "there is no category");
    }

    #[test]
    fn dates_compare_as_periods() {
        let day = json!({ "effectiveDateTime": "2026-11-24" });
        for (value, expected) in [
            ("2026-11-24", true),
            ("2026-11", true),
            ("2026-11-25", false),
            ("ge2026-11-24", true),
            ("gt2026-11-24", false),
            ("gt2026-11-23", true),
            ("le2026-11-24", true),
            ("lt2026-11-24", false),
            ("sa2026-11-23", true),
            ("eb2026-11-24", false),
            ("ne2026-11-24", false),
        ] {
            assert_eq!(fits("Observation", "date", value, &day), expected, "date={value}");
        }
        let since = json!({ "effectivePeriod": { "start": "2022-11-25" } });
        assert!(fits("MedicationStatement", "effective", "ge2026-01-01", &since), "an open period goes on");
        assert!(!fits("MedicationStatement", "effective", "lt2022-11-25", &since), "it had not begun");
    }

    #[test]
    fn references_may_be_given_in_three_ways() {
        let resource = json!({ "subject": { "reference": "Patient/a" } });
        for (name, value, expected) in [
            ("subject", "Patient/a", true),
            ("subject", "a", true),
            ("subject:Patient", "a", true),
            ("subject", "http://127.0.0.1:1/fhir/Patient/a", true),
            ("patient", "a", true),
            ("patient", "b", false),
            ("subject:Organization", "a", false),
        ] {
            assert_eq!(fits("Observation", name, value, &resource), expected, "{name}={value}");
        }
    }

    #[test]
    fn names_are_found_by_their_beginning_without_marks() {
        let patient = json!({ "name": [{ "family": "Ährenfeld", "given": ["Wilfried"] }] });
        assert!(fits("Patient", "name", "ahr", &patient), "the beginning of the family name");
        assert!(fits("Patient", "name", "wilf", &patient), "the beginning of the given name");
        assert!(!fits("Patient", "family", "feld", &patient), "not from within");
        assert!(fits("Patient", "family:exact", "Ährenfeld", &patient), "exactly");
        assert!(!fits("Patient", "family:exact", "ährenfeld", &patient), "not exactly");
    }
}
