//! VP8 (RFC 6386) by libvpx, on the caller's thread.

mod decoder;
mod encoder;
mod header;
mod vpx;

pub use decoder::{DecodeError, Decoder};
pub use encoder::{EncodeError, Encoded, Encoder, Tuning};

/// The longest side of a picture that is encoded or decoded. The format allows 16,383.
pub const LONGEST_SIDE: u16 = 4096;

/// The shortest side that is encoded: one macroblock.
pub const SHORTEST_SIDE: u16 = 16;

/// Ticks of a time stamp in a second: RTP's clock of video (RFC 7741 §4.1).
pub const CLOCK: u32 = 90_000;
