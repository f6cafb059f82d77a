//! The few conversions between numbers that painting needs, each saturating.

/// Nearest `i16`, saturating.
#[expect(clippy::cast_possible_truncation, reason = "float to integer casts saturate")]
pub(crate) fn to_i16(value: f64) -> i16 {
    value.round() as i16
}

/// Nearest `u16`, saturating.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float to integer casts saturate")]
pub(crate) fn to_u16(value: f64) -> u16 {
    value.round() as u16
}

/// Nearest `i32`, saturating.
#[expect(clippy::cast_possible_truncation, reason = "float to integer casts saturate")]
pub(crate) fn to_i32(value: f64) -> i32 {
    value.round() as i32
}

/// Single precision is enough for values that end in 16 bits.
#[expect(clippy::cast_possible_truncation, reason = "values end in 16 bits")]
pub(crate) fn to_f32(value: f64) -> f32 {
    value as f32
}

/// Smallest index that is not below `value`, between 0 and `limit`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=limit before")]
pub(crate) fn ceil_index(value: f64, limit: usize) -> usize {
    if value <= 0.0 {
        0
    } else if value >= as_f64(limit) {
        limit
    } else {
        value.ceil() as usize
    }
}

/// An index as a number.
#[expect(clippy::cast_precision_loss, reason = "indexes of voxels are far below 2^52")]
pub(crate) fn as_f64(index: usize) -> f64 {
    index as f64
}

/// A size of the recipe as an index.
pub(crate) fn size(value: u32) -> usize {
    usize::try_from(value).expect("the targets have at least 32-bit addresses")
}
