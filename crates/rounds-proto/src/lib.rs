#![doc = include_str!("../README.md")]

pub mod assembly;
pub mod downlink;
pub mod frame;
pub mod jitter;
pub mod rate;
pub mod rotation;
pub mod signal;
pub mod words;
