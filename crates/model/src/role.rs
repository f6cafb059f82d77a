//! What a person may do, as the platform's token says.

/// A realm role of the platform. Roles decide what is offered; the platform still decides what is
/// allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads cases and images, discusses.
    Physician,
    /// Leads a board: words and signs decisions.
    Moderator,
    /// Keeps agenda, completeness and minutes.
    Coordinator,
    /// Screens for trials; sees a reduced record.
    Study,
    /// Takes part in one case.
    Guest,
    /// Asks for a second opinion.
    Patient,
    /// Deploys; sees no patient data.
    It,
}

impl Role {
    /// The role of a claim value; unknown values grant nothing.
    #[must_use]
    pub fn from_claim(claim: &str) -> Option<Self> {
        Some(match claim {
            "physician" => Self::Physician,
            "moderator" => Self::Moderator,
            "coordinator" => Self::Coordinator,
            "study" => Self::Study,
            "guest" => Self::Guest,
            "patient" => Self::Patient,
            "it" => Self::It,
            _ => return None,
        })
    }
}
