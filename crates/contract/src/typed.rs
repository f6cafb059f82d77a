//! Texts that are being written in chat, with those whom they name.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A text as it stands in the field where it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TypedView {
    /// The text, each name in it with its "@".
    pub text: String,
    /// Whom it names, in their order, none within another one.
    pub named: Vec<NamedView>,
}

/// Somebody whom a text names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct NamedView {
    /// Where "@" stands, in UTF-16 code units from the beginning of the text.
    pub start: u32,
    /// How long "@" and the name are together, in UTF-16 code units.
    pub length: u32,
    /// Matrix user id; absent where it is everybody in the conversation.
    pub person: Option<String>,
}
