//! Series on the GPU or in memory, viewports on a canvas, and the arithmetic that leads from one to the other.
#![doc = include_str!("../README.md")]

mod gpu;
mod look;
mod message;
mod number;
mod painter;
mod passes;
mod reading;
pub mod scene;
mod series;
mod stack;
mod viewer;

pub use gpu::{Gpu, OpenError};
pub use message::{FrameMessage, HEADER_BYTES, MessageError};
pub use painter::Rgba;
pub use reading::{ReadError, Reading};
pub use series::{Calibration, Format, Frame, Function, Pixels, Scale, Series, SeriesError, Spacing, Table, Window};
pub use stack::{Arrival, FrameError};
pub use viewer::{Chosen, Located, Presented, Rect, SceneError, State, Viewer};

/// Every shader module that the passes can ask for: its name and its whole WGSL text.
pub fn shader_modules() -> Vec<(String, String)> {
    passes::modules()
}
