#![doc = include_str!("../README.md")]

pub mod i420;
pub mod opus;
pub mod sample;
pub mod vp8;

pub use i420::I420;
