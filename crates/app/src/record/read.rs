//! Reading FHIR JSON: codings, references, dates. Every function takes what may be missing.

use serde_json::Value;

/// The elements of an array, or none.
pub(crate) fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// An element as text.
pub(crate) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The code of a system in a CodeableConcept.
pub(crate) fn code(concept: &Value, system: &str) -> Option<String> {
    each(&concept["coding"]).find(|coding| coding["system"] == system).and_then(|coding| text(&coding["code"]))
}

/// The first code of any system.
pub(crate) fn any_code(concept: &Value) -> Option<String> {
    each(&concept["coding"]).find_map(|coding| text(&coding["code"]))
}

/// True when the concept carries one of these codes of a system.
pub(crate) fn has_code(concept: &Value, system: &str, codes: &[&str]) -> bool {
    each(&concept["coding"])
        .any(|coding| coding["system"] == system && coding["code"].as_str().is_some_and(|code| codes.contains(&code)))
}

/// A concept in words: its text, else a display, else a code.
pub(crate) fn words(concept: &Value) -> Option<String> {
    text(&concept["text"])
        .or_else(|| each(&concept["coding"]).find_map(|coding| text(&coding["display"])))
        .or_else(|| any_code(concept))
}

/// The logical id behind a relative or absolute reference to a resource of `kind`.
pub(crate) fn reference_id(reference: &Value, kind: &str) -> Option<String> {
    id_of(reference["reference"].as_str()?, kind)
}

/// As [`reference_id`], from the reference's text.
pub(crate) fn id_of(reference: &str, kind: &str) -> Option<String> {
    let reference = reference.split("/_history/").next()?;
    let mut parts = reference.rsplit('/');
    let (id, found) = (parts.next()?, parts.next()?);
    (found == kind && !id.is_empty()).then(|| id.to_owned())
}

/// The logical id of a resource.
pub(crate) fn id(resource: &Value) -> Option<String> {
    text(&resource["id"])
}

/// The first of several `x[...]` elements that is a date or time, of an Observation or the like.
pub(crate) fn when(resource: &Value, name: &str) -> Option<String> {
    text(&resource[format!("{name}DateTime")])
        .or_else(|| text(&resource[format!("{name}Period")]["start"]))
        .or_else(|| text(&resource[format!("{name}Instant")]))
        .or_else(|| text(&resource[name]))
}

/// The day of a FHIR date or time, as far as it is given.
pub(crate) fn day(moment: &str) -> String {
    moment.split('T').next().unwrap_or_default().to_owned()
}

/// A key by which FHIR dates and times sort: partial dates before whole ones of the same month, times
/// of different zones by their instant.
pub(crate) fn sort_key(moment: &str) -> String {
    moment.parse::<jiff::Timestamp>().map_or_else(|_partial| moment.to_owned(), |instant| instant.to_string())
}

/// The value of an extension.
pub(crate) fn extension<'a>(element: &'a Value, url: &str) -> Option<&'a Value> {
    each(&element["extension"]).find(|extension| extension["url"] == url)
}

#[cfg(test)]
mod tests {
    use super::{code, id_of, words};
    use serde_json::json;

    #[test]
    fn references_are_read_in_every_form_of_the_standard() {
        for (reference, expected) in [
            ("Patient/pat-1", Some("pat-1")),
            ("https://fhir.example/r4/Patient/pat-1", Some("pat-1")),
            ("Patient/pat-1/_history/3", Some("pat-1")),
            ("Practitioner/pat-1", None),
            ("urn:uuid:7d1d", None),
        ] {
            assert_eq!(id_of(reference, "Patient").as_deref(), expected, "{reference}");
        }
    }

    #[test]
    fn a_concept_speaks_by_text_then_display_then_code() {
        let concept = json!({"coding": [{"system": "s", "code": "c", "display": "d"}]});
        assert_eq!(words(&concept).as_deref(), Some("d"), "display stands in for a missing text");
        assert_eq!(code(&concept, "s").as_deref(), Some("c"), "the code of its system");
        assert_eq!(words(&json!({})), None, "an empty concept says nothing");
    }
}
