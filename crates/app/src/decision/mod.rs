//! The board's decision as plain data: what is written, how two writers are brought together, what is signed, and how
//! all of it stands in FHIR.
//!
//! Nothing here does I/O or looks at a clock. Times, ids and keys are arguments, so that a decision can be made, signed
//! and checked again years later with the same result.

mod bundle;
mod careplan;
mod codes;
mod compare;
mod draft;
mod merge;
mod payload;
mod protocol;
mod seal;

pub use bundle::{
    Former, Second, Signing, StoredSignature, read_payload, read_signature, second_signature, signing_bundle,
};
pub use careplan::{Plan, PlanError, PlanStatus, draft_plan, read_plan, signed_plan};
pub use codes::{Category, Goal, Guideline, MeasureCode, Occasion, Outcome};
pub use compare::{Finding, check, compare};
pub use draft::{Dissent, Draft, DraftError, Measure, OpenPoint, Quorum, Vote, missing};
pub use merge::{ChoiceError, Field, Merge, differences, merge};
pub use payload::{
    Board, Diagnosis, Incomplete, Payload, PayloadError, Person, RecordPatient, Revision, Setting, sha256_hex,
};
pub use protocol::protocol;
pub use seal::{Header, PublicJwk, SealError, sign, verify};

#[cfg(test)]
pub(crate) mod examples;
