//! The directory: services and people of other houses that can be written to.

use crate::Part;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a search of the directory brought. Services come first: one looks for a board, and less often for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryView {
    /// Boards, clinics, practices.
    pub services: Part<Vec<DirectoryEntryView>>,
    /// People.
    pub people: Part<Vec<DirectoryEntryView>>,
    /// True when an answer broke off: what is here is whole, but not all.
    pub partial: bool,
}

/// A service or a person of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryEntryView {
    /// Its id in the directory.
    pub id: String,
    /// Its name.
    pub name: String,
    /// For the picture.
    pub initials: String,
    /// The house.
    pub organization: Option<String>,
    /// The city.
    pub place: Option<String>,
    /// Specialties in the directory's words.
    pub specialties: Vec<String>,
    /// Where it can be written to, the best first.
    pub addresses: Vec<DirectoryAddressView>,
}

/// An address of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryAddressView {
    /// Matrix user id.
    pub id: String,
    /// What the directory calls it: "Anmeldestelle".
    pub name: Option<String>,
    /// A program answers.
    pub bot: bool,
}
