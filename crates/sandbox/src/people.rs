//! The invented people who can sign in, taken from the recipe's network.

use crate::seed::recipe;
use model::Role;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// The password of all invented people.
pub const PASSWORD: &str = "konsil";

/// Somebody who can sign in.
#[derive(Debug, Clone, Serialize)]
pub struct Person {
    /// User name and FHIR id of the Practitioner and the PractitionerRole.
    pub username: String,
    /// Full name with title.
    pub name: String,
    /// Given names.
    pub given: String,
    /// Family name.
    pub family: String,
    /// `female` or `male`.
    pub gender: String,
    /// E-mail address.
    pub email: String,
    /// Name of the house.
    pub organization: String,
    /// Speciality in German.
    pub specialty_de: String,
    /// Speciality in English.
    pub specialty_en: String,
    /// Realm roles as the token carries them.
    pub roles: Vec<String>,
}

impl Person {
    /// The OpenID subject: stable over restarts, and no name.
    pub(crate) fn subject(&self) -> String {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("konsil-sandbox/{}", self.username).as_bytes()).to_string()
    }

    /// The resource that the claim `fhirUser` names.
    pub(crate) fn fhir_user(&self) -> String {
        format!("PractitionerRole/{}", self.username)
    }
}

/// All invented people in the recipe's order, the demonstration's user first.
#[must_use]
pub fn people() -> Vec<Person> {
    let network = recipe::network();
    let houses = network["organizations"].as_array().expect("the recipe lists organizations");
    let people = network["people"].as_array().expect("the recipe lists people");
    people.iter().map(|entry| person(entry, houses)).collect()
}

fn person(entry: &Value, houses: &[Value]) -> Person {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let house = houses.iter().find(|house| house["id"] == entry["organization"]);
    Person {
        username: text(&entry["id"]),
        name: text(&entry["display"]),
        given: text(&entry["given"]),
        family: text(&entry["family"]),
        gender: text(&entry["gender"]),
        email: text(&entry["email"]),
        organization: house.map(|house| text(&house["name"])).unwrap_or_default(),
        specialty_de: text(&entry["specialty"]["de"]),
        specialty_en: text(&entry["specialty"]["en"]),
        roles: roles(entry["board_role"].as_str().unwrap_or_default()),
    }
}

/// The realm roles of somebody with this part in the board. A moderator is a physician as well.
fn roles(board_role: &str) -> Vec<String> {
    let names: &[&str] = match board_role {
        "moderator" => &["physician", "moderator"],
        "coordinator" => &["coordinator"],
        "study" => &["study"],
        "guest" => &["guest"],
        "it" => &["it"],
        _ => &["physician"],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The roles of claim values; unknown values grant nothing.
pub(crate) fn granted(claims: &[String]) -> Vec<Role> {
    claims.iter().filter_map(|claim| Role::from_claim(claim)).collect()
}
