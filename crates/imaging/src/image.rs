//! What the Image Pixel module says about the samples (PS3.3 C.7.6.3).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Photometric Interpretation (0028,0004), PS3.3 C.7.6.3.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Photometric {
    /// Low values are bright.
    Monochrome1,
    /// Low values are dark.
    Monochrome2,
    /// Samples are indices of a palette.
    PaletteColor,
    /// Red, green, blue.
    Rgb,
    /// Luminance and two chrominances, full range.
    YbrFull,
    /// The same with chrominance of every second column.
    YbrFull422,
    /// Luminance from 16 to 235, chrominance of every second column.
    YbrPartial422,
    /// Luminance from 16 to 235, chrominance of every second column and row.
    YbrPartial420,
    /// Irreversible color transformation of JPEG 2000.
    YbrIct,
    /// Reversible color transformation of JPEG 2000.
    YbrRct,
}

impl Photometric {
    /// The value of a defined term; `None` for terms that no viewer of today knows.
    #[must_use]
    pub fn parse(term: &str) -> Option<Self> {
        Some(match term.trim_matches([' ', '\0']) {
            "MONOCHROME1" => Self::Monochrome1,
            "MONOCHROME2" => Self::Monochrome2,
            "PALETTE COLOR" => Self::PaletteColor,
            "RGB" => Self::Rgb,
            "YBR_FULL" => Self::YbrFull,
            "YBR_FULL_422" => Self::YbrFull422,
            "YBR_PARTIAL_422" => Self::YbrPartial422,
            "YBR_PARTIAL_420" => Self::YbrPartial420,
            "YBR_ICT" => Self::YbrIct,
            "YBR_RCT" => Self::YbrRct,
            _ => return None,
        })
    }

    /// The defined term.
    #[must_use]
    pub const fn term(self) -> &'static str {
        match self {
            Self::Monochrome1 => "MONOCHROME1",
            Self::Monochrome2 => "MONOCHROME2",
            Self::PaletteColor => "PALETTE COLOR",
            Self::Rgb => "RGB",
            Self::YbrFull => "YBR_FULL",
            Self::YbrFull422 => "YBR_FULL_422",
            Self::YbrPartial422 => "YBR_PARTIAL_422",
            Self::YbrPartial420 => "YBR_PARTIAL_420",
            Self::YbrIct => "YBR_ICT",
            Self::YbrRct => "YBR_RCT",
        }
    }

    /// True where a pixel is one gray value.
    #[must_use]
    pub const fn is_gray(self) -> bool {
        matches!(self, Self::Monochrome1 | Self::Monochrome2)
    }
}

impl fmt::Display for Photometric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.term())
    }
}

/// What a decoder must know about the pixels of an object. It crosses to a worker process, hence
/// serializes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageDescription {
    /// Rows (0028,0010).
    pub rows: u16,
    /// Columns (0028,0011).
    pub columns: u16,
    /// Samples per Pixel (0028,0002).
    pub samples_per_pixel: u16,
    /// Bits Allocated (0028,0100).
    pub bits_allocated: u16,
    /// Bits Stored (0028,0101).
    pub bits_stored: u16,
    /// High Bit (0028,0102).
    pub high_bit: u16,
    /// Pixel Representation (0028,0103): two's complement if true.
    pub signed: bool,
    /// Photometric Interpretation (0028,0004).
    pub photometric: Photometric,
    /// Planar Configuration (0028,0006): color by plane if true.
    pub planar: bool,
    /// Pixel Padding Value (0028,0120) and Pixel Padding Range Limit (0028,0121) as an inclusive
    /// range of stored values.
    pub padding: Option<(i32, i32)>,
    /// Lossy Image Compression (0028,2110) is `01`, or the transfer syntax is a lossy one.
    pub lossy: bool,
    /// Lossy Image Compression Ratio (0028,2112), the last one given.
    pub lossy_ratio: Option<f64>,
    /// The color tables of PALETTE COLOR.
    pub palette: Option<Palette>,
}

impl ImageDescription {
    /// Pixels of a frame.
    #[must_use]
    pub const fn pixels(&self) -> usize {
        self.rows as usize * self.columns as usize
    }

    /// Bits of one frame in native encoding (PS3.5 8.1.1, 8.2). YBR_FULL_422 carries two samples a
    /// pixel there (PS3.3 C.7.6.3.1.2).
    #[must_use]
    pub const fn native_frame_bits(&self) -> usize {
        let samples = match self.photometric {
            Photometric::YbrFull422 | Photometric::YbrPartial422 => 2,
            Photometric::Monochrome1
            | Photometric::Monochrome2
            | Photometric::PaletteColor
            | Photometric::Rgb
            | Photometric::YbrFull
            | Photometric::YbrPartial420
            | Photometric::YbrIct
            | Photometric::YbrRct => self.samples_per_pixel as usize,
        };
        self.pixels() * samples * self.bits_allocated as usize
    }

    /// Least and greatest stored value that Bits Stored can express.
    #[must_use]
    pub const fn stored_range(&self) -> (i64, i64) {
        let bits = if self.bits_stored > 32 { 32 } else { self.bits_stored };
        if self.signed && bits > 0 { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) }
    }
}

/// The three tables of PALETTE COLOR (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6), already expanded if they
/// were stored segmented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Palette {
    /// The stored value that the first entry belongs to.
    pub first: i32,
    /// Bits of an entry, 8 or 16.
    pub bits: u8,
    /// Red.
    pub red: Vec<u16>,
    /// Green.
    pub green: Vec<u16>,
    /// Blue.
    pub blue: Vec<u16>,
}

impl Palette {
    /// The color of a stored value. Values below the first take the first entry, values above the
    /// last the last (PS3.3 C.7.6.3.1.5).
    #[must_use]
    pub fn color(&self, stored: i64) -> [u8; 3] {
        let index = usize::try_from(stored - i64::from(self.first)).unwrap_or(0);
        let shift = u32::from(self.bits.saturating_sub(8));
        [&self.red, &self.green, &self.blue].map(|table| {
            let entry = table.get(index).or_else(|| table.last()).copied().unwrap_or(0);
            u8::try_from((entry >> shift) & 0xFF).unwrap_or(u8::MAX)
        })
    }
}
