//! The evaluation platform in one process: OpenID Connect, FHIR R4, DICOMweb, a Matrix homeserver with a media server
//! for its rounds, and a directory on one loopback origin, filled with an invented tumor board.
//!
//! It answers the way real servers answer, their awkward sides included, so that a client that works
//! here works against Keycloak, HAPI and Orthanc as well. It is not a product: it keeps its data in
//! memory or in one folder and trusts everybody who knows the password of its invented people.

// The futures of chat are deep.
#![recursion_limit = "256"]

mod clock;
mod colleagues;
pub mod dicomweb;
mod discovery;
mod fhir;
mod guard;
pub mod images;
mod matrix;
mod oidc;
mod people;
pub mod phantom;
mod rounds;
mod seed;
mod start;

pub use clock::{Clock, berlin};
pub use fhir::JournalError;
pub use guard::Caller;
pub use matrix::{ChatOptions, Homeserver, MediaError, Rounds, Sfu};
pub use people::{PASSWORD, Person, people};
pub use seed::{Language, Plan, board_resources, resources};
pub use start::{Options, Running, Sandbox, StartError};
