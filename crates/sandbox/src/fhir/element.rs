//! Looks into resources: elements by path, references, dates with their precision, folded text.

use crate::clock::berlin;
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

/// All values at a dotted path, lists looked through.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    for step in path.split('.') {
        let next = found.into_iter().filter_map(|value| value.get(step));
        found = next
            .flat_map(|value| match value.as_array() {
                Some(list) => list.iter().collect::<Vec<_>>(),
                None => vec![value],
            })
            .collect();
    }
    found
}

/// The reference of a Reference, without the server's own base and without a version.
pub(crate) fn target<'a>(value: &'a Value, base: &str) -> Option<&'a str> {
    let text = value.get("reference").and_then(Value::as_str)?;
    Some(relative(text, base))
}

/// `Type/id` of a reference to this server; others stay as they are.
pub(crate) fn relative<'a>(text: &'a str, base: &str) -> &'a str {
    let text = text.strip_prefix(base).map_or(text, |rest| rest.trim_start_matches('/'));
    text.split_once("/_history/").map_or(text, |(head, _)| head)
}

/// The period that a date, dateTime, instant or Period covers: from, and up to but not including.
///
/// A date without a time zone is a day in Berlin. An open end of a Period reaches to the end of time.
pub(crate) fn period(value: &Value) -> Option<(Timestamp, Timestamp)> {
    if let Some(text) = value.as_str() {
        return moment(text);
    }
    let start = value.get("start").and_then(Value::as_str).map(moment);
    let end = value.get("end").and_then(Value::as_str).map(moment);
    match (start, end) {
        (None, None) => None,
        (start, end) => {
            let from = start.map_or(Some(Timestamp::MIN), |start| start.map(|(from, _)| from))?;
            let to = end.map_or(Some(Timestamp::MAX), |end| end.map(|(_, to)| to))?;
            Some((from, to))
        }
    }
}

/// The period of a FHIR date of any precision (R4 §2.24.0.1).
pub(crate) fn moment(text: &str) -> Option<(Timestamp, Timestamp)> {
    if text.contains('T') {
        return instant(text);
    }
    let day = |date: Date| date.to_zoned(berlin()).ok().map(|zoned| zoned.timestamp());
    let mut parts = text.split('-');
    let year: i16 = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month: Option<i8> = parts.next().map(str::parse).transpose().ok()?;
    let date: Option<i8> = parts.next().map(str::parse).transpose().ok()?;
    if parts.next().is_some() {
        return None;
    }
    let first = Date::new(year, month.unwrap_or(1), date.unwrap_or(1)).ok()?;
    let span = match (month, date) {
        (None, _) => Span::new().years(1),
        (Some(_), None) => Span::new().months(1),
        (Some(_), Some(_)) => Span::new().days(1),
    };
    Some((day(first)?, day(first.checked_add(span).ok()?)?))
}

fn instant(text: &str) -> Option<(Timestamp, Timestamp)> {
    let (_, time) = text.split_once('T')?;
    let digits = time.split(['Z', '+', '-']).next()?;
    let zoned = digits.len() < time.len();
    let start = if zoned {
        // A plus sign that was not encoded in a query arrives as a space.
        text.replace(' ', "+").parse::<Timestamp>().ok()?
    } else {
        text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(berlin()).ok()?.timestamp()
    };
    let span = if digits.contains('.') {
        Span::new().milliseconds(1)
    } else if digits.len() > 5 {
        Span::new().seconds(1)
    } else {
        Span::new().minutes(1)
    };
    Some((start, start.checked_add(span).ok()?))
}

/// Text without case and marks, as names are compared: `Ährenfeld` is found by `ahrenfeld`.
pub(crate) fn folded(text: &str) -> String {
    let plain = text.nfd().filter(|letter| !('\u{300}'..='\u{36f}').contains(letter));
    plain.collect::<String>().to_lowercase().replace('ß', "ss")
}

/// The instant of a version as FHIR writes it.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}

/// The same for the header `Last-Modified` (RFC 9110 §5.6.7).
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::{at, folded, moment, relative};
    use serde_json::json;

    #[test]
    fn a_date_covers_its_precision_in_berlin() {
        for (text, from, to) in [
            ("2026", "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"),
            ("2026-07", "2026-06-30T22:00:00Z", "2026-07-31T22:00:00Z"),
            ("2026-11-24", "2026-11-23T23:00:00Z", "2026-11-24T23:00:00Z"),
            ("2026-11-24T15:00+01:00", "2026-11-24T14:00:00Z", "2026-11-24T14:01:00Z"),
            ("2026-11-24T15:00:05Z", "2026-11-24T15:00:05Z", "2026-11-24T15:00:06Z"),
        ] {
            let expected = (from.parse().expect("a timestamp"), to.parse().expect("a timestamp"));
            assert_eq!(moment(text), Some(expected), "{text}");
        }
        for text in ["26", "2026-13", "2026-11-31", "yesterday", "2026-1-1-1"] {
            assert_eq!(moment(text), None, "{text} is no date");
        }
    }

    #[test]
    fn lists_are_looked_through() {
        let resource = json!({ "name": [{ "given": ["A", "B"] }, { "given": ["C"] }, {}] });
        let found: Vec<_> = at(&resource, "name.given").into_iter().filter_map(|value| value.as_str()).collect();
        assert_eq!(found, ["A", "B", "C"], "in the resource's order");
    }

    #[test]
    fn marks_and_case_do_not_matter_in_names() {
        assert_eq!(folded("Ährenfeld"), "ahrenfeld", "the umlaut loses its dots");
        assert_eq!(folded("Ayşe"), "ayse", "the cedilla goes");
        assert_eq!(folded("Voß"), "voss", "sharp s is two letters");
    }

    #[test]
    fn an_absolute_reference_to_the_own_base_is_relative() {
        let base = "http://127.0.0.1:1/fhir";
        assert_eq!(relative("http://127.0.0.1:1/fhir/Patient/a/_history/3", base), "Patient/a", "base and version go");
        assert_eq!(relative("https://other.example/Patient/a", base), "https://other.example/Patient/a", "others stay");
    }
}
