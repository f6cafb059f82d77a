#![doc = include_str!("../README.md")]

mod card;
mod convert;
pub mod device;
pub mod memory;
pub mod system;
pub mod y4m;

pub use card::TestCard;
pub use convert::{Layout, Raw, rgb};
pub use device::{Camera, Size, Surface, SurfaceKind, System, VideoSource};
pub use model::device::{DeviceError, DeviceId};
