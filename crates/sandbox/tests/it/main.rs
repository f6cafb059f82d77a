//! The platform as a client sees it: over HTTP, through one harness.

mod harness;
mod record;
mod seed;
mod sign_in;
mod transaction;
