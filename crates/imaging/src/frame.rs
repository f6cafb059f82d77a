//! Frames after decoding: the stored values as the standard defines them, and the forms in which
//! they travel to a texture.

use crate::image::Photometric;

/// How the samples of a [`StoredFrame`] lie in its bytes; little endian, rows from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameFormat {
    /// One unsigned byte a pixel.
    U8,
    /// One unsigned 16-bit sample a pixel.
    U16,
    /// One signed 16-bit sample a pixel.
    I16,
    /// Red, green and blue, one byte each, ready to show.
    Rgb8,
    /// One unsigned 32-bit sample a pixel.
    U32,
    /// One signed 32-bit sample a pixel.
    I32,
}

impl FrameFormat {
    /// Bytes of one pixel.
    #[must_use]
    pub const fn bytes_per_pixel(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::Rgb8 => 3,
            Self::U32 | Self::I32 => 4,
        }
    }
}

/// One frame, ready for a texture: gray frames carry stored values, color frames what is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredFrame {
    /// Pixels in a row.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
    /// What the bytes are.
    pub format: FrameFormat,
    /// `columns × rows × bytes_per_pixel` bytes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for StoredFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredFrame({} × {} {:?})", self.columns, self.rows, self.format)
    }
}

impl StoredFrame {
    /// The stored value of a gray pixel; `None` outside the frame and for color.
    #[must_use]
    pub fn value(&self, column: u32, row: u32) -> Option<i64> {
        if column >= self.columns || row >= self.rows {
            return None;
        }
        let size = self.format.bytes_per_pixel();
        let at = (row as usize * self.columns as usize + column as usize) * size;
        let bytes = self.bytes.get(at..at + size)?;
        match (self.format, bytes) {
            (FrameFormat::U8, &[a]) => Some(i64::from(a)),
            (FrameFormat::U16, &[a, b]) => Some(i64::from(u16::from_le_bytes([a, b]))),
            (FrameFormat::I16, &[a, b]) => Some(i64::from(i16::from_le_bytes([a, b]))),
            (FrameFormat::U32, &[a, b, c, d]) => Some(i64::from(u32::from_le_bytes([a, b, c, d]))),
            (FrameFormat::I32, &[a, b, c, d]) => Some(i64::from(i32::from_le_bytes([a, b, c, d]))),
            (
                FrameFormat::U8
                | FrameFormat::U16
                | FrameFormat::I16
                | FrameFormat::U32
                | FrameFormat::I32
                | FrameFormat::Rgb8,
                _,
            ) => None,
        }
    }

    /// All gray values in order, as numbers; empty for color.
    #[must_use]
    pub fn values(&self) -> Vec<i64> {
        match self.format {
            FrameFormat::U8 => self.bytes.iter().map(|&b| i64::from(b)).collect(),
            FrameFormat::U16 => {
                self.bytes.chunks_exact(2).map(|b| i64::from(u16::from_le_bytes([b[0], b[1]]))).collect()
            }
            FrameFormat::I16 => {
                self.bytes.chunks_exact(2).map(|b| i64::from(i16::from_le_bytes([b[0], b[1]]))).collect()
            }
            FrameFormat::U32 => {
                self.bytes.chunks_exact(4).map(|b| i64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect()
            }
            FrameFormat::I32 => {
                self.bytes.chunks_exact(4).map(|b| i64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect()
            }
            FrameFormat::Rgb8 => Vec::new(),
        }
    }
}

/// The stored values of one frame exactly: decompressed, samples of a pixel beside each other,
/// masked to Bits Stored and sign-extended, but no color conversion and no palette.
#[derive(Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// Pixels in a row.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
    /// Samples of a pixel.
    pub samples: u16,
    /// Bits of a sample in `bytes`: 8, 16 or 32.
    pub bits: u8,
    /// Two's complement if true.
    pub signed: bool,
    /// What the samples mean after decompression; differs from the object's attribute where the
    /// codec undoes a color transformation of its own (JPEG 2000).
    pub photometric: Photometric,
    /// Little endian, rows from top to bottom.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for RawFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawFrame({} × {} × {}, {} bit)", self.columns, self.rows, self.samples, self.bits)
    }
}
