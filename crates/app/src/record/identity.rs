//! Who a patient is: the banner, the comparison with images, and who is easily confused with whom.

use super::read::{each, text};
use crate::images::identity::{RecordIdentity, edit_distance, fold};
use contract::{IdentityView, SimilarView};
use jiff::civil::Date;
use model::Phi;
use serde_json::Value;

/// The system of the Krankenversichertennummer.
const KVNR: &str = "http://fhir.de/sid/gkv/kvid-10";

/// The banner's line. `house` is the domain whose number is preferred, as in `https://HOUSE/sid/pid`.
pub(crate) fn identity_view(patient: &Value, house: Option<&str>, today: Date) -> IdentityView {
    let name = official_name(patient);
    let birth_date = text(&patient["birthDate"]);
    let numbers: Vec<&Value> = each(&patient["identifier"]).filter(|identifier| identifier["system"] != KVNR).collect();
    let own = house.and_then(|house| {
        numbers.iter().find(|identifier| identifier["system"].as_str().is_some_and(|system| system.contains(house)))
    });
    IdentityView {
        family: name.and_then(|name| text(&name["family"]).or_else(|| text(&name["text"]))),
        given: name.map(given).filter(|given| !given.is_empty()),
        age: birth_date.as_deref().and_then(|date| age(date, today)),
        birth_date,
        gender: text(&patient["gender"]),
        kvnr: each(&patient["identifier"])
            .find(|identifier| identifier["system"] == KVNR)
            .and_then(|identifier| text(&identifier["value"])),
        number: own.or_else(|| numbers.first()).and_then(|identifier| text(&identifier["value"])),
        deceased: text(&patient["deceasedDateTime"])
            .or_else(|| (patient["deceasedBoolean"] == true).then(|| "yes".to_owned())),
    }
}

fn official_name(patient: &Value) -> Option<&Value> {
    each(&patient["name"])
        .find(|name| name["use"] == "official")
        .or_else(|| each(&patient["name"]).find(|name| name["use"] != "old"))
        .or_else(|| patient["name"].get(0))
}

fn given(name: &Value) -> String {
    each(&name["given"]).filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

/// Whole years; `None` for a partial birth date.
fn age(birth_date: &str, today: Date) -> Option<u32> {
    let born: Date = birth_date.parse().ok()?;
    let mut years = i32::from(today.year()) - i32::from(born.year());
    if (today.month(), today.day()) < (born.month(), born.day()) {
        years -= 1;
    }
    u32::try_from(years).ok()
}

/// Every name, birth date and number for the identity gate.
pub(crate) fn record_identity(patient: &Value) -> RecordIdentity {
    RecordIdentity {
        names: each(&patient["name"])
            .filter_map(|name| Some(Phi::new((text(&name["family"])?, given(name)))))
            .collect(),
        birth_date: text(&patient["birthDate"]).map(Phi::new),
        numbers: each(&patient["identifier"])
            .filter_map(|identifier| text(&identifier["value"]))
            .map(Phi::new)
            .collect(),
    }
}

/// Others among `patients` whose family name is within two letters of this one's and whose given name
/// or day and month of birth agree, or who share the birthday and a similar family name.
pub(crate) fn similar<'a>(patient: &Value, patients: impl Iterator<Item = &'a Value>) -> Vec<SimilarView> {
    let name = |patient: &Value| {
        let name = official_name(patient)?;
        Some((fold(&text(&name["family"])?), fold(&given(name))))
    };
    let Some((family, given_names)) = name(patient) else { return Vec::new() };
    let mut found = Vec::new();
    for other in patients.filter(|other| other["id"] != patient["id"]) {
        let Some((other_family, other_given)) = name(other) else { continue };
        let close_family = edit_distance(&family, &other_family) <= 2;
        let close_given = edit_distance(&given_names, &other_given) <= 2;
        let birthday = patient["birthDate"] == other["birthDate"] && !patient["birthDate"].is_null();
        if close_family && (close_given || birthday) {
            let shown = identity_view(other, None, Date::MIN);
            let name = [shown.family, shown.given].into_iter().flatten().collect::<Vec<_>>().join(", ");
            found.push(SimilarView { name, birth_date: shown.birth_date });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{identity_view, similar};
    use jiff::civil::date;
    use serde_json::json;

    #[test]
    fn the_banner_prefers_the_own_houses_number_and_counts_whole_years() {
        let patient = json!({"name": [{"family": "Auenwald", "given": ["Gernot"]}], "birthDate": "1957-03-14", "gender": "male",
            "identifier": [{"system": "http://fhir.de/sid/gkv/kvid-10", "value": "X110127457"},
                {"system": "https://eschenfurt.example/sid/pid", "value": "EF-0098812"},
                {"system": "https://tannhalde.example/sid/pid", "value": "TH-204417"}]});
        let view = identity_view(&patient, Some("tannhalde.example"), date(2026, 3, 13));
        assert_eq!(view.number.as_deref(), Some("TH-204417"), "the number of this house");
        assert_eq!(view.kvnr.as_deref(), Some("X110127457"), "the insurer's number apart");
        assert_eq!(view.age, Some(68), "one day before the 69th birthday");
    }

    #[test]
    fn a_swapped_letter_in_the_same_given_name_is_similar() {
        let a = json!({"id": "a", "name": [{"family": "Auenwald", "given": ["Gernot"]}]});
        let b = json!({"id": "b", "name": [{"family": "Auerwald", "given": ["Gernot"]}], "birthDate": "1955-03-14"});
        let c = json!({"id": "c", "name": [{"family": "Birkenlicht", "given": ["Selma"]}]});
        let found = similar(&a, [&a, &b, &c].into_iter());
        assert_eq!(found.len(), 1, "only the decoy");
        assert_eq!(found[0].name, "Auerwald, Gernot", "named in full");
    }
}
