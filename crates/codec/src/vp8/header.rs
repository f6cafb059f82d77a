//! The first bytes of a frame, read before libvpx sees any of it (RFC 6386 §9.1 and §19.1).

use super::LONGEST_SIDE;
use super::decoder::DecodeError;

/// Three bytes of every frame.
const TAG: usize = 3;
/// Seven more of a key frame: the start code and the size.
const KEY_TAG: usize = 10;
const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];
/// The upper two bits of a side say how it should be scaled, which nobody does.
const SIDE: u16 = 0x3fff;

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// A whole picture.
    Key { width: u16, height: u16 },
    /// What changed since others.
    Inter,
}

/// Reads and checks it.
pub(super) fn read(frame: &[u8]) -> Result<Header, DecodeError> {
    let [first, second, third, ..] = *frame else { return Err(DecodeError::Short) };
    // §9.1: the lowest bit is 0 for a key frame; the upper 19 of 24 are the length of the first partition.
    let key = first & 1 == 0;
    let first_partition = u32::from_le_bytes([first, second, third, 0]) >> 5;
    let tag = if key { KEY_TAG } else { TAG };
    let body = frame.len().checked_sub(tag).ok_or(DecodeError::Short)?;
    if usize::try_from(first_partition).map_or(true, |length| length > body) {
        return Err(DecodeError::Short);
    }
    if !key {
        return Ok(Header::Inter);
    }
    let side = |at: usize| u16::from_le_bytes([frame[at], frame[at + 1]]) & SIDE;
    let (width, height) = (side(6), side(8));
    if frame[TAG..6] != START_CODE {
        return Err(DecodeError::NoVp8);
    }
    if width == 0 || height == 0 || width > LONGEST_SIDE || height > LONGEST_SIDE {
        return Err(DecodeError::Size { width, height });
    }
    Ok(Header::Key { width, height })
}

#[cfg(test)]
mod tests {
    use super::{Header, read};
    use crate::vp8::DecodeError;

    /// The tag of a key frame without any partition, as RFC 6386 §9.1 draws it.
    fn key(width: u16, height: u16) -> Vec<u8> {
        let [w, h] = [width.to_le_bytes(), height.to_le_bytes()];
        vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, w[0], w[1], h[0], h[1]]
    }

    #[test]
    fn sides_are_fourteen_bits_and_no_longer_than_is_allowed() {
        let cases = [
            ((640, 360), Ok(Header::Key { width: 640, height: 360 })),
            ((0x4000 | 640, 0xc000 | 360), Ok(Header::Key { width: 640, height: 360 })),
            ((4096, 4096), Ok(Header::Key { width: 4096, height: 4096 })),
            ((4097, 16), Err(DecodeError::Size { width: 4097, height: 16 })),
            ((16_383, 16_383), Err(DecodeError::Size { width: 16_383, height: 16_383 })),
            ((0, 16), Err(DecodeError::Size { width: 0, height: 16 })),
        ];
        for ((width, height), expected) in cases {
            assert_eq!(read(&key(width, height)), expected, "{width} × {height}");
        }
    }

    #[test]
    fn a_frame_that_is_shorter_than_it_says_is_refused() {
        assert_eq!(read(&[]), Err(DecodeError::Short), "nothing");
        assert_eq!(read(&key(640, 360)[..9]), Err(DecodeError::Short), "a key frame without its size");
        // 1 << 5 is a first partition of one byte.
        assert_eq!(read(&[0x31, 0, 0]), Err(DecodeError::Short), "a partition that is not there");
        assert_eq!(read(&[0x31, 0, 0, 7]), Ok(Header::Inter), "and one that is");
    }

    #[test]
    fn a_key_frame_begins_with_its_code() {
        let mut frame = key(640, 360);
        frame[3] = 0x9c;
        assert_eq!(read(&frame), Err(DecodeError::NoVp8), "another code");
    }
}
