#![doc = include_str!("../README.md")]
//!
//! Reading order: [`Instance`] (what an object says), [`Stack`] (how frames lie in the patient),
//! [`geometry`] (millimeters and letters), [`lut`] and [`render`] (from stored values to gray),
//! [`presets`]; with the feature `decode` the readers [`Part10`] and [`decode`].

mod auto_window;
mod frame;
pub mod geometry;
mod image;
mod instance;
pub mod lut;
pub mod presets;
pub mod render;
mod stack;

#[cfg(feature = "decode")]
pub mod decode;
#[cfg(feature = "decode")]
pub mod encapsulated;
#[cfg(feature = "decode")]
mod read;

pub use auto_window::{Sample, auto_window};
pub use frame::{FrameFormat, RawFrame, StoredFrame};
pub use image::{ImageDescription, Palette, Photometric};
pub use instance::{FrameFacts, Instance, NotDisplayable, PatientIdentity, PresentationShape};
#[cfg(feature = "decode")]
pub use read::{FrameError, Part10, ReadError, TableAddress, frame_bytes};
pub use stack::{Note, Stack, StackFrame, Volume, split};
