//! Conversions between number types, each with the reason why nothing is lost.

/// The nearest `f32`: what a shader can hold.
#[expect(clippy::cast_possible_truncation, reason = "a shader has only 32 bits; the rounding is wanted")]
pub(crate) fn narrow(value: f64) -> f32 {
    value as f32
}

/// Whole device pixels; negative numbers and NaN become 0.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and canvases are far smaller")]
pub(crate) fn pixels(value: f64) -> u32 {
    value.round().max(0.0) as u32
}

/// An image size or frame number for a shader.
pub(crate) fn signed(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// The place of a pixel or an entry; negative numbers and NaN become 0.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and what it numbers is far smaller")]
pub(crate) fn index(value: f32) -> usize {
    value as usize
}

/// The whole number that is nearest to one from 0 to 255; halves go up.
#[expect(clippy::cast_possible_truncation, reason = "eight bits of the sum are the number, whatever is above them")]
pub(crate) fn byte(value: f32) -> u8 {
    // From 256 to 511 the first eight bits of the fraction count whole numbers. Several times faster than a cast, which
    // asks about each value whether it can be one.
    ((value + 256.5).to_bits() >> 15) as u8
}
