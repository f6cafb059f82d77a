//! FHIR R4: reading, searching and writing resources, as JSON values.
//!
//! What a resource means is not known here; it is known how servers answer, page, version and refuse.

mod client;
mod decimal;
mod error;
mod search;

pub use self::{
    client::{Attachment, EntryAnswer, FhirClient, Versioned},
    decimal::decimal_text,
    error::FhirError,
    search::Found,
};
