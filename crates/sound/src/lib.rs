#![doc = include_str!("../README.md")]

pub mod capture;
pub mod device;
mod ends;
pub mod level;
mod limiter;
pub mod memory;
pub mod mixer;
pub mod playout;
pub mod rate;
pub mod seat;
pub mod speech;
pub mod system;
pub mod watch;

pub use capture::{Capture, Hearing, Shutter, Wanted};
pub use device::{Choice, Device, Devices, Kind, System};
pub use ends::{Ended, Feed, Tap};
pub use model::device::{DeviceError, DeviceId};
pub use playout::{Echo, Playout, Voice};
pub use seat::{Clock, Seat};
pub use speech::{Heard, Notice, Packet, Settings};
pub use watch::Watch;

/// Samples of 10 ms at 48 kHz.
pub const TICK: usize = 480;

/// 10 ms at 48 kHz, numbers from -1 to 1.
pub type Tick = [f32; TICK];

/// 10 ms of nothing.
pub const SILENCE: Tick = [0.0; TICK];
