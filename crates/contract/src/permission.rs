//! Who may write to this person first.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Who may invite this person to a conversation. The homeserver keeps it, for all devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PermissionsView {
    /// What holds for those who are not named.
    pub everybody: EverybodyMay,
    /// Those for whom the opposite holds: Matrix user ids, and server names for whole houses.
    pub exceptions: Vec<String>,
    /// Whether the opposite holds for insured people, who are patients.
    pub insured: bool,
}

/// What holds for everybody who is not named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum EverybodyMay {
    /// Everybody may invite, except those who are named.
    Invite,
    /// Nobody may, except those who are named.
    NotInvite,
}
