//! The viewer for the page: JSON and bytes in, pixels on a canvas out.
#![doc = include_str!("../README.md")]

#[cfg(target_arch = "wasm32")]
mod surface;
#[cfg(target_arch = "wasm32")]
mod web;
pub mod wire;
