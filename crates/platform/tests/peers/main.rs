//! The platform's clients against peers that break off, lie, hurry and refuse. Every peer is a small
//! server on loopback inside the test.

mod dicomweb;
mod directory;
mod discovery;
mod egress;
mod fhir;
mod peer;
mod provider;
mod session;
mod sign_in;
