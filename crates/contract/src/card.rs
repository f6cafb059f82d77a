//! A contact as a card: the own one to be shown, another's to be taken.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// This person's own card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OwnCardView {
    /// Name with title.
    pub name: String,
    /// Matrix user id.
    pub address: String,
    /// The card as text (RFC 6350).
    pub text: String,
    /// The same as a QR code (ISO/IEC 18004): a row of modules each, `1` for dark ones, without the border.
    pub modules: Vec<String>,
}

/// Somebody else's card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CardView {
    /// What the card says; the address where it says nothing.
    pub name: String,
    /// Matrix user id.
    pub address: String,
    /// Whether it is this person's own.
    pub own: bool,
}
