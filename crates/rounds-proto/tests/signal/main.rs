//! The signalling of a round, driven by scripts: what a shell does and a server says, and what follows.
//!
//! `captures` are recordings of livekit-server 1.13.3 with client-sdk-js 2.23.0 and with a client on webrtc-rs 0.21.1,
//! on loopback; what they end in stands in the tests as the recording's own JSON named it.

#![expect(clippy::wildcard_enum_match_arm, reason = "a script looks for one kind among many")]
#![expect(clippy::unwrap_in_result, reason = "what a script cannot read fails its test")]

mod address;
mod alive;
mod captures;
mod ends;
mod hostile;
mod join;
mod negotiation;
mod people;
mod resume;
mod script;
mod tracks;
