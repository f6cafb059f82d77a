//! Names of our own in other people's formats. They all begin with one domain, which is ours before a first release.

/// A conversation's case, in the content of a Matrix message.
pub const CASE: &str = "de.konsil.case";

/// A structured message, in the content of a Matrix message.
pub const MESSAGE: &str = "de.konsil.message";

/// The type of the encrypted to-device message by which somebody asks a participant of a round for their key.
pub const ROUND_KEY_REQUEST: &str = "de.konsil.round.key_request";
