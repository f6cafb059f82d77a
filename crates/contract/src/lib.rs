//! What crosses between Rust and the page: [`Request`] in, [`Reply`] out, [`Event`]s as facts that
//! carry a whole view model, and [`Failure`] with a code from a closed list.
//!
//! The types hold no logic. `app` alone fills them; the TypeScript side is generated from here into
//! `ui/src/generated/`. Variants and codes cross in kebab-case, fields in camelCase, 64-bit numbers as
//! strings. A field that is absent means "not possible" or "not known", never "false".
//!
//! Dates cross as ISO 8601 text; the page writes them in the reader's language. Texts of the record
//! (diagnoses, questions, documents) cross as the platform gave them; words of the program never
//! cross, only codes.

mod card;
mod case;
mod chat;
mod decision;
mod directory;
mod failure;
mod form;
mod imaging;
mod permission;
mod preload;
mod presentation;
mod request;
mod round;
mod session;
mod study;
mod today;
mod trust;
mod typed;

pub use card::*;
pub use case::*;
pub use chat::*;
pub use decision::*;
pub use directory::*;
pub use failure::*;
pub use form::*;
pub use imaging::*;
pub use permission::*;
pub use preload::*;
pub use presentation::*;
pub use request::*;
pub use round::*;
pub use session::*;
pub use study::*;
pub use today::*;
pub use trust::*;
pub use typed::*;
