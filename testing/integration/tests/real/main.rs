//! The client's code against real servers: Keycloak, HAPI FHIR and Orthanc, as `cargo xtask servers up` starts them.
//!
//! `KONSIL_SERVERS` names the file that lists them. A test whose server is not in it says SKIPPED, loudly, and passes:
//! `cargo xtask test servers` starts them all, so that nothing is skipped there.

mod archive;
mod board;
mod chromium;
mod pictures;
mod provider;
mod records;
mod servers;
mod written;
