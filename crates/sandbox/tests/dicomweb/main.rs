//! The archive as clients meet it: searches, metadata, frames, files, and the truth in its images.

mod data;
mod harness;
mod phantoms;
mod protocol;
