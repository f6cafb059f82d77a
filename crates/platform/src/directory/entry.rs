//! [`Entry`]: one line of a directory, put together from a resource and what came along with it.

use model::MatrixId;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

/// A service or a person that can be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The resource's id.
    pub id: String,
    /// The service's or the person's name.
    pub name: String,
    /// The house.
    pub organization: Option<String>,
    /// The city.
    pub place: Option<String>,
    /// Specialties in the directory's words.
    pub specialties: Vec<String>,
    /// Where it can be written to; at least one.
    pub addresses: Vec<Address>,
}

/// An address in chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The Matrix user id.
    pub id: MatrixId,
    /// Who answers.
    pub kind: AddressKind,
    /// What the directory calls it.
    pub name: Option<String>,
}

/// Who answers at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressKind {
    /// Somebody of a service (`tim-fa`).
    Functional,
    /// A person (`tim`).
    Person,
    /// A program (`tim-bot`).
    Bot,
}

impl Entry {
    /// How well it fits, the smaller the better; none when a word is nowhere in it.
    pub(super) fn rank(&self, wanted: &[String]) -> Option<u8> {
        let name = folded(&self.name);
        let mut around = vec![name.clone()];
        around.extend(self.organization.iter().chain(&self.place).chain(&self.specialties).map(|text| folded(text)));
        around.extend(self.addresses.iter().filter_map(|address| address.name.as_deref()).map(folded));
        let all_in = |texts: &[String]| wanted.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())));
        if all_in(std::slice::from_ref(&name)) {
            return Some(0);
        }
        if !all_in(&around) {
            return None;
        }
        let first = wanted.first().is_some_and(|word| name.contains(word.as_str()));
        Some(if first { 1 } else { 2 })
    }
}

/// Of a HealthcareService; none when it cannot be written to.
pub(super) fn service(resource: &Value, included: &[&Value]) -> Option<Entry> {
    let organization = referred(&resource["providedBy"], included);
    if !active(resource) || !organization.is_none_or(active) {
        return None;
    }
    let house = organization.and_then(|organization| text(&organization["name"]));
    let house = house.or_else(|| text(&resource["providedBy"]["display"]));
    let name = text(&resource["name"]).or_else(|| house.clone())?;
    let mut locations = list(&resource["location"]).filter_map(|reference| referred(reference, included));
    let place =
        locations.find_map(|location| text(&location["address"]["city"])).or_else(|| organization.and_then(city));
    Some(Entry {
        id: format!("HealthcareService/{}", resource["id"].as_str()?),
        organization: house.filter(|house| *house != name),
        name,
        place,
        specialties: concepts(&resource["specialty"]),
        addresses: some(addresses(resource, included))?,
    })
}

/// Of a PractitionerRole.
pub(super) fn person(resource: &Value, included: &[&Value]) -> Option<Entry> {
    let practitioner = referred(&resource["practitioner"], included);
    let organization = referred(&resource["organization"], included);
    if !active(resource) || !practitioner.is_none_or(active) {
        return None;
    }
    let name = practitioner.and_then(human_name).or_else(|| text(&resource["practitioner"]["display"]))?;
    let mut locations = list(&resource["location"]).filter_map(|reference| referred(reference, included));
    let place = locations
        .find_map(|location| text(&location["address"]["city"]))
        .or_else(|| practitioner.and_then(city))
        .or_else(|| organization.and_then(city));
    let mut specialties = concepts(&resource["specialty"]);
    if let Some(practitioner) = practitioner {
        for qualification in list(&practitioner["qualification"]) {
            specialties.extend(concept(&qualification["code"]).filter(|word| !specialties.contains(word)));
        }
    }
    Some(Entry {
        id: format!("PractitionerRole/{}", resource["id"].as_str()?),
        name,
        organization: organization
            .and_then(|organization| text(&organization["name"]))
            .or_else(|| text(&resource["organization"]["display"])),
        place,
        specialties,
        addresses: some(addresses(resource, included))?,
    })
}

fn some<T>(all: Vec<T>) -> Option<Vec<T>> {
    Some(all).filter(|all| !all.is_empty())
}

/// Those in use: a search that asks for them brings the others of the same entry as well (FHIR_VZD_HOWTO_Search).
fn addresses(resource: &Value, included: &[&Value]) -> Vec<Address> {
    let mut all: Vec<Address> = Vec::new();
    for endpoint in list(&resource["endpoint"]).filter_map(|reference| referred(reference, included)) {
        if endpoint["status"] != "active" {
            continue;
        }
        let kind = match endpoint["connectionType"]["code"].as_str() {
            Some("tim") => AddressKind::Person,
            Some("tim-fa") => AddressKind::Functional,
            Some("tim-bot") => AddressKind::Bot,
            Some(_) | None => continue,
        };
        let Ok(id) = MatrixId::parse(endpoint["address"].as_str().unwrap_or_default()) else { continue };
        if all.iter().all(|known| known.id != id) {
            all.push(Address { id, kind, name: text(&endpoint["name"]) });
        }
    }
    all.sort_by_key(|address| address.kind);
    all
}

fn active(resource: &Value) -> bool {
    resource["active"] != false
}

fn city(resource: &Value) -> Option<String> {
    list(&resource["address"]).find_map(|address| text(&address["city"]))
}

fn concepts(value: &Value) -> Vec<String> {
    list(value).filter_map(concept).collect()
}

fn concept(value: &Value) -> Option<String> {
    let displayed = || list(&value["coding"]).find_map(|coding| text(&coding["display"]));
    text(&value["text"]).or_else(displayed)
}

/// The text as it is written, else its parts.
fn human_name(practitioner: &Value) -> Option<String> {
    let names: Vec<&Value> = list(&practitioner["name"]).collect();
    let name = names.iter().find(|name| name["use"] == "official").or(names.first())?;
    if let Some(whole) = text(&name["text"]) {
        return Some(whole);
    }
    let parts = list(&name["prefix"]).chain(list(&name["given"])).chain([&name["family"]]);
    let joined = parts.filter_map(text).collect::<Vec<_>>().join(" ");
    Some(joined).filter(|name| !name.is_empty())
}

/// The resource that a reference names, by type and id, whatever stands before them.
fn referred<'a>(reference: &Value, included: &[&'a Value]) -> Option<&'a Value> {
    let mut steps = reference["reference"].as_str()?.split("/_history/").next()?.rsplit('/');
    let (id, kind) = (steps.next()?, steps.next()?);
    included.iter().find(|one| one["resourceType"] == kind && one["id"] == id).copied()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// In one line, without what could pass for another name: control characters and marks of direction.
fn text(value: &Value) -> Option<String> {
    let seen = |letter: &char| {
        !letter.is_control()
            && !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let clean: String = value.as_str()?.chars().filter(seen).collect();
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(clean).filter(|text| !text.is_empty())
}

/// Without case and marks, as servers compare.
pub(crate) fn folded(text: &str) -> String {
    text.nfd()
        .filter(|letter| !('\u{300}'..='\u{36f}').contains(letter))
        .flat_map(char::to_lowercase)
        .collect::<String>()
        .replace('ß', "ss")
}
