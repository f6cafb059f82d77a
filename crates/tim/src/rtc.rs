//! Who is in a video round of a conversation, and the keys of their media, over Matrix (MatrixRTC).
//!
//! Sound and pictures are not here: what a [`Round`] says goes to whoever speaks with the media server, and what is to
//! be said comes from there. The homeserver knows who is in a round and never with which key.

mod calls;
mod farewell;
mod keys;
mod members;
mod round;
mod running;
mod transports;
mod wire;

pub(crate) use calls::{CALL, DECLINE};
pub use calls::{CallNews, Calls};
pub use round::{Member, Missed, MissedWhy, Round, RoundError, RoundEvent};
pub use running::{Running, RunningChanges};
pub use wire::Focus;
