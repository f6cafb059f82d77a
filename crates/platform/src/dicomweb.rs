//! DICOMweb (PS3.18): QIDO-RS and WADO-RS.
//!
//! Frames are asked for as they are stored, and what a server says about their encoding is passed on
//! as its claim: one known server labels HTJ2K as uncompressed. Only a decoder can tell.

mod client;
mod multipart;

pub use self::client::{DicomwebClient, DicomwebError, EncodedFrame, Listed};
