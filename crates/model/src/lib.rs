//! Shared vocabulary of Konsil: identifiers, roles and [`Phi`], the wrapper that keeps patient data
//! from being printed.
//!
//! Nothing here does I/O, knows a protocol or crosses to the page. A type belongs here only when two
//! crates of different layers speak of it.

pub mod device;
mod ids;
mod matrix;
pub mod names;
mod phi;
mod role;
pub mod round;

pub use ids::{IdError, PatientId, SeriesUid, SopInstanceUid, StudyUid};
pub use matrix::{MatrixId, NoMatrixId};
pub use phi::Phi;
pub use role::Role;
