//! People, houses and the board: names for references.

use super::read::{each, id, reference_id, text, words};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is known of the people and houses around a board.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Directory {
    people: BTreeMap<String, PersonFacts>,
    organizations: BTreeMap<String, String>,
    /// FHIR id and name of the board.
    pub(crate) board: Option<(String, String)>,
    /// PractitionerRole ids of its members with their role in it, in the board's order.
    pub(crate) members: Vec<(String, String)>,
}

/// A person in one role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PersonFacts {
    /// "Dr. med. Amina Falkenried".
    pub(crate) name: String,
    /// "Falkenried".
    pub(crate) family: String,
    /// "Dr. Falkenried".
    pub(crate) short: String,
    /// In the record's words.
    pub(crate) specialty: Option<String>,
    /// SNOMED CT code of the speciality.
    pub(crate) specialty_code: Option<String>,
    /// House.
    pub(crate) organization: Option<String>,
}

impl Directory {
    /// Takes in Organization, Practitioner, PractitionerRole, CareTeam and HealthcareService resources;
    /// others are passed over.
    pub(crate) fn learn<'a>(&mut self, resources: impl Iterator<Item = &'a Value> + Clone) {
        for resource in resources.clone().filter(|resource| resource["resourceType"] == "Organization") {
            if let (Some(id), Some(name)) = (id(resource), text(&resource["name"])) {
                self.organizations.insert(id, name);
            }
        }
        let practitioners: BTreeMap<String, &Value> = resources
            .clone()
            .filter(|resource| resource["resourceType"] == "Practitioner")
            .filter_map(|resource| Some((id(resource)?, resource)))
            .collect();
        for resource in resources {
            match resource["resourceType"].as_str() {
                Some("PractitionerRole") => self.learn_role(resource, &practitioners),
                Some("CareTeam") => {
                    self.members = each(&resource["participant"])
                        .filter_map(|participant| {
                            let role = words(&participant["role"][0]).unwrap_or_default();
                            Some((reference_id(&participant["member"], "PractitionerRole")?, role))
                        })
                        .collect();
                }
                Some("HealthcareService") => {
                    self.board = id(resource).map(|id| (id, text(&resource["name"]).unwrap_or_default()));
                }
                _ => {}
            }
        }
    }

    fn learn_role(&mut self, role: &Value, practitioners: &BTreeMap<String, &Value>) {
        let Some(id) = id(role) else { return };
        let practitioner =
            reference_id(&role["practitioner"], "Practitioner").and_then(|id| practitioners.get(&id).copied());
        let name = practitioner.map(|practitioner| &practitioner["name"][0]);
        let display = text(&role["practitioner"]["display"]);
        let prefix = name.map(|name| joined(&name["prefix"])).unwrap_or_default();
        let family = name
            .and_then(|name| text(&name["family"]))
            .or_else(|| display.as_deref().and_then(|name| name.rsplit(' ').next()).map(str::to_owned))
            .unwrap_or_default();
        let full = name
            .map(|name| [prefix.clone(), joined(&name["given"]), family.clone()].join(" ").trim().to_owned())
            .or(display)
            .unwrap_or_else(|| family.clone());
        let title = prefix.split(' ').filter(|word| *word != "med.").collect::<Vec<_>>().join(" ");
        let facts = PersonFacts {
            short: [title, family.clone()]
                .iter()
                .filter(|part| !part.is_empty())
                .cloned()
                .collect::<Vec<_>>()
                .join(" "),
            name: full,
            family,
            specialty: words(&role["specialty"][0]),
            specialty_code: text(&role["specialty"][0]["coding"][0]["code"]),
            organization: text(&role["organization"]["display"]).or_else(|| {
                let id = reference_id(&role["organization"], "Organization")?;
                self.organizations.get(&id).cloned()
            }),
        };
        self.people.insert(id, facts);
    }

    /// Everybody, by PractitionerRole id.
    pub(crate) fn people(&self) -> impl Iterator<Item = (&String, &PersonFacts)> {
        self.people.iter()
    }

    /// The person behind a PractitionerRole id.
    pub(crate) fn person(&self, role: &str) -> Option<&PersonFacts> {
        self.people.get(role)
    }

    /// The person a reference names: in the directory, else by its display.
    pub(crate) fn name_of(&self, reference: &Value) -> Option<String> {
        reference_id(reference, "PractitionerRole")
            .and_then(|id| self.people.get(&id))
            .map(|person| person.name.clone())
            .or_else(|| text(&reference["display"]))
    }

    /// The house a reference names.
    pub(crate) fn organization_of(&self, reference: &Value) -> Option<String> {
        text(&reference["display"]).or_else(|| {
            let id = reference_id(reference, "Organization")?;
            self.organizations.get(&id).cloned()
        })
    }
}

fn joined(parts: &Value) -> String {
    each(parts).filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}
