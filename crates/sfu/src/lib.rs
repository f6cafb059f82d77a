#![doc = include_str!("../README.md")]

mod admin;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod door;
mod engine;
mod media;
pub mod rooms;
pub mod sdp;
mod server;
mod stun;
pub mod token;
pub mod wire;

pub use server::{Options, Sfu, StartError};
