//! How much of a frame stays readable for the server, and what an H.264 frame needs so that no ciphertext looks like a
//! start code.

/// A frame is no larger, in bytes: a 1080p picture without any compression has 3.1 million, so no encoder writes more,
/// and what is announced larger would only cost memory.
pub const LARGEST_FRAME: usize = 4 * 1024 * 1024;
/// A data packet is no larger, in bytes: what SCTP takes where nothing else was agreed on (RFC 8841 §6.1).
pub const LARGEST_DATA: usize = 65_536;

/// A codec whose frames can be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// The first byte, which says how the rest is coded (RFC 6716 §3.1), stays readable.
    Opus,
    /// The uncompressed header stays readable: 10 bytes of a key frame, 3 of another (RFC 6386 §9.1).
    Vp8,
    /// Nothing stays readable; the server finds all it needs in the payload descriptor.
    Vp9,
    /// Annex B. Everything stays readable up to the second byte of the first slice.
    H264,
}

/// A codec whose frames cannot be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCodec {
    /// LiveKit's clients disagree about AV1: JavaScript refuses, C++ leaves nothing readable.
    #[error("AV1 frames are not encrypted")]
    Av1,
    /// Not a codec of rounds.
    #[error("the codec is unknown")]
    Unknown,
}

/// What is no frame of its codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// It ends before its readable start, or before its trailer.
    #[error("the frame is too short")]
    Short,
    /// More than [`LARGEST_FRAME`], or than [`LARGEST_DATA`] for a data packet.
    #[error("the frame is too large: {bytes} bytes")]
    Large {
        /// Its length.
        bytes: usize,
    },
    /// H.264 that has no slice, or does not begin with a start code.
    #[error("the H.264 frame has no slice")]
    NoSlice,
}

impl Codec {
    /// Reads a media type as SDP and `TrackInfo.mime_type` write it, such as `video/VP8`.
    ///
    /// # Errors
    /// [`NoCodec`] when its frames cannot be encrypted.
    pub fn of_media_type(text: &str) -> Result<Self, NoCodec> {
        match text.to_ascii_lowercase().as_str() {
            "audio/opus" => Ok(Self::Opus),
            "video/vp8" => Ok(Self::Vp8),
            "video/vp9" => Ok(Self::Vp9),
            "video/h264" => Ok(Self::H264),
            "video/av1" => Err(NoCodec::Av1),
            _ => Err(NoCodec::Unknown),
        }
    }

    /// Ticks of its RTP timestamps in a second (RFC 7587 §4.1, RFC 7741 §4.1, RFC 9628 §4.1, RFC 6184 §5.1).
    #[must_use]
    pub const fn clock_hz(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Vp8 | Self::Vp9 | Self::H264 => 90_000,
        }
    }

    /// How many bytes at the start of `frame` stay readable. `frame` has at least as many.
    pub(super) fn clear_bytes(self, frame: &[u8]) -> Result<usize, BadFrame> {
        if frame.len() > LARGEST_FRAME {
            return Err(BadFrame::Large { bytes: frame.len() });
        }
        let clear = match self {
            Self::Opus => 1,
            // RFC 6386 §9.1: the lowest bit of the first byte is 0 for a key frame.
            Self::Vp8 => match frame.first() {
                Some(first) if first & 1 == 0 => 10,
                Some(_) | None => 3,
            },
            Self::Vp9 => 0,
            Self::H264 => first_slice(frame).ok_or(BadFrame::NoSlice)? + 2,
        };
        if clear <= frame.len() { Ok(clear) } else { Err(BadFrame::Short) }
    }

    /// True when what follows the readable start is escaped on the wire.
    pub(super) const fn is_escaped(self) -> bool {
        match self {
            Self::H264 => true,
            Self::Opus | Self::Vp8 | Self::Vp9 => false,
        }
    }
}

const START_CODE: [u8; 3] = [0, 0, 1];

/// Where the header of the first coded slice lies: NAL unit type 1 or 5 (ITU-T H.264 table 7-1).
fn first_slice(frame: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let start = at + frame.get(at..)?.windows(START_CODE.len()).position(|three| three == START_CODE)?;
        // ITU-T H.264 B.1.1: nothing but zeros before the first start code.
        if at == 0 && frame[..start].iter().any(|byte| *byte != 0) {
            return None;
        }
        let header = start + START_CODE.len();
        if matches!(frame.get(header)? & 0x1f, 1 | 5) {
            return Some(header);
        }
        at = header;
    }
}

/// `clear` with every start code of 3 bytes made one of 4. A receiver builds frames from packets with start codes of
/// 4 bytes, whatever the encoder wrote, and has to authenticate the same bytes (`naluUtils.ts`,
/// `normalizeAnnexBStartCodes`).
pub(super) fn with_long_start_codes(clear: &[u8]) -> Vec<u8> {
    let mut long = Vec::with_capacity(clear.len() + 8);
    let mut before = None;
    for (at, byte) in clear.iter().enumerate() {
        if before != Some(0) && clear[at..].starts_with(&START_CODE) {
            long.push(0);
        }
        long.push(*byte);
        before = Some(*byte);
    }
    long
}

/// Puts a 3 before every byte below 4 that follows two zeros (ITU-T H.264 §7.4.1).
pub(super) fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(bytes.len() + bytes.len() / 64 + 8);
    let mut zeros = 0;
    for byte in bytes {
        if zeros >= 2 && *byte <= 3 {
            escaped.push(3);
            zeros = 0;
        }
        escaped.push(*byte);
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
    }
    escaped
}

/// Takes every 3 away that follows two zeros.
pub(super) fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut zeros = 0;
    for byte in bytes {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        plain.push(*byte);
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{BadFrame, Codec, escaped, unescaped, with_long_start_codes};

    #[test]
    fn the_first_slice_ends_the_readable_start() {
        // ITU-T H.264 table 7-1: 0x67 and 0x68 are parameter sets, 0x09 a delimiter, 0x65 and 0x41 slices.
        for (frame, expected) in [
            (&[0, 0, 0, 1, 0x65, 0x88, 7][..], Ok(6)),
            (&[0, 0, 1, 0x41, 0x9a], Ok(5)),
            (&[0, 0, 0, 0, 0, 1, 0x41, 0x9a], Ok(8)),
            (&[0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 0, 1, 0x65, 0x88, 0], Ok(22)),
            (&[0, 0, 0, 1, 0x65], Err(BadFrame::Short)),
            (&[0, 0, 0, 1], Err(BadFrame::NoSlice)),
            (&[0, 0, 0, 1, 0x67, 1, 2, 3], Err(BadFrame::NoSlice)),
            (&[7, 0, 0, 0, 1, 0x65, 0x88], Err(BadFrame::NoSlice)),
            (&[], Err(BadFrame::NoSlice)),
        ] {
            assert_eq!(Codec::H264.clear_bytes(frame), expected, "{frame:02x?}");
        }
    }

    #[test]
    fn only_start_codes_of_three_bytes_grow() {
        assert_eq!(with_long_start_codes(&[0, 0, 1, 7, 0, 0, 1, 8]), [0, 0, 0, 1, 7, 0, 0, 0, 1, 8], "both were short");
        assert_eq!(with_long_start_codes(&[0, 0, 0, 1, 7, 0, 0, 2]), [0, 0, 0, 1, 7, 0, 0, 2], "neither was");
    }

    #[test]
    fn escaped_bytes_hold_no_start_code_and_come_back() {
        // ITU-T H.264 §7.4.1: 000000, 000001, 000002 and 000003 must not occur.
        for (plain, wire) in [
            (&[0, 0, 0, 0, 0, 0][..], &[0, 0, 3, 0, 0, 3, 0, 0][..]),
            (&[0, 0, 1], &[0, 0, 3, 1]),
            (&[0, 0, 3], &[0, 0, 3, 3]),
            (&[0, 0, 4], &[0, 0, 4]),
            (&[0, 3, 0, 0], &[0, 3, 0, 0]),
        ] {
            assert_eq!(escaped(plain), wire, "{plain:?}");
            assert_eq!(unescaped(wire), plain, "{wire:?}");
        }
    }
}
