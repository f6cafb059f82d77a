//! From encoded bytes to stored values.
//!
//! [`decode_raw`] gives the stored values exactly, [`decode_frame`] the form for a texture: gray
//! values as they are, color ready to show. Headers of compressed streams are compared with the
//! image description before a codec sees them.

mod color;
mod dct;
mod entropy;
mod jpeg;
mod jpeg2000;
mod jpeg_ls;
mod lossless;
mod native;
mod rle;

use crate::frame::{RawFrame, StoredFrame};
use crate::image::{ImageDescription, Photometric};

/// Why a frame cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than the frame needs.
    #[error("the image data ends early: {got} of {expected} bytes")]
    Truncated {
        /// Bytes needed.
        expected: usize,
        /// Bytes there.
        got: usize,
    },
    /// No codec here reads this.
    #[error("{what} cannot be displayed")]
    Unsupported {
        /// Name of the transfer syntax or feature.
        what: String,
    },
    /// The compressed stream has another size or depth than the object says.
    #[error("the image data does not fit its description: {what}")]
    Mismatch {
        /// What differs.
        what: String,
    },
    /// The codec gave up.
    #[error("the image data is damaged: {why}")]
    Damaged {
        /// What the codec said.
        why: String,
    },
    /// The description contradicts itself.
    #[error("the image description is not valid: {what}")]
    Description {
        /// What is wrong.
        what: &'static str,
    },
}

impl DecodeError {
    fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    fn damaged(why: impl ToString) -> Self {
        Self::Damaged { why: why.to_string() }
    }
}

/// Decompressed samples as a codec gives them, before masking.
struct Samples {
    /// Little endian, 1, 2 or 4 bytes each, samples of a pixel beside each other.
    bytes: Vec<u8>,
    /// 8, 16 or 32.
    bits: u8,
    /// Bits that the codec says are used; `None` where only the description knows.
    precision: Option<u16>,
    /// What the samples mean.
    photometric: Photometric,
}

/// How a frame is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Native { big_endian: bool },
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
    DeflatedFrame,
}

/// The stored values of one frame: decompressed, samples of a pixel beside each other, masked to
/// Bits Stored and sign-extended.
///
/// `encoded` is the frame alone, as [`crate::Part10::frame`] or a WADO-RS part gives it. The label
/// `transfer_syntax` is not trusted where bytes say otherwise: a stream of JPEG 2000 (`FF 4F FF 51`)
/// or of the JPEG family (`FF D8`) under a native label and with a length that no native frame has
/// is decoded as what it is.
///
/// # Errors
/// [`DecodeError`] says why the frame cannot be shown.
pub fn decode_raw(image: &ImageDescription, transfer_syntax: &str, encoded: &[u8]) -> Result<RawFrame, DecodeError> {
    check(image)?;
    let codec = codec(image, transfer_syntax, encoded)?;
    let samples = match codec {
        Codec::Native { big_endian } => native::decode(image, encoded, big_endian)?,
        Codec::Rle => rle::decode(image, encoded)?,
        Codec::Jpeg => jpeg::decode(image, encoded)?,
        Codec::JpegLs => jpeg_ls::decode(image, encoded)?,
        Codec::Jpeg2000 => jpeg2000::decode(image, encoded)?,
        Codec::DeflatedFrame => native::decode(image, &native::inflate(image, encoded)?, false)?,
    };
    let expected = image.pixels() * usize::from(image.samples_per_pixel) * usize::from(samples.bits / 8);
    if samples.bytes.len() != expected {
        return Err(DecodeError::Truncated { expected, got: samples.bytes.len() });
    }
    let Samples { mut bytes, bits, precision, photometric } = samples;
    native::mask(image, &mut bytes, bits, precision);
    Ok(RawFrame {
        columns: u32::from(image.columns),
        rows: u32::from(image.rows),
        samples: image.samples_per_pixel,
        bits,
        signed: image.signed,
        photometric,
        bytes,
    })
}

/// One frame in the form for a texture. Gray frames carry stored values; color frames are converted
/// to RGB of 8 bits, palettes applied.
///
/// # Errors
/// [`DecodeError`] says why the frame cannot be shown.
pub fn decode_frame(
    image: &ImageDescription,
    transfer_syntax: &str,
    encoded: &[u8],
) -> Result<StoredFrame, DecodeError> {
    color::to_stored(image, decode_raw(image, transfer_syntax, encoded)?)
}

fn check(image: &ImageDescription) -> Result<(), DecodeError> {
    let wrong = |what| Err(DecodeError::Description { what });
    if image.rows == 0 || image.columns == 0 {
        return wrong("Rows or Columns is 0");
    }
    match image.samples_per_pixel {
        1 | 3 | 4 => {}
        _ => return wrong("Samples per Pixel is neither 1 nor 3"),
    }
    match image.bits_allocated {
        1 | 8 | 16 | 32 => {}
        12 | 24 | 64 => return Err(DecodeError::unsupported(format!("Bits Allocated {}", image.bits_allocated))),
        _ => return wrong("Bits Allocated is no multiple of 8"),
    }
    if image.bits_stored == 0 || image.bits_stored > image.bits_allocated || image.high_bit >= image.bits_allocated {
        return wrong("Bits Stored and High Bit do not fit into Bits Allocated");
    }
    if image.high_bit + 1 < image.bits_stored {
        return wrong("High Bit is below Bits Stored");
    }
    let colors = match image.photometric {
        Photometric::Monochrome1 | Photometric::Monochrome2 | Photometric::PaletteColor => 1,
        Photometric::Rgb
        | Photometric::YbrFull
        | Photometric::YbrFull422
        | Photometric::YbrPartial422
        | Photometric::YbrPartial420
        | Photometric::YbrIct
        | Photometric::YbrRct => 3,
    };
    if image.samples_per_pixel != colors {
        return wrong("Samples per Pixel does not fit the Photometric Interpretation");
    }
    Ok(())
}

/// PS3.5 10 and PS3.6 A: the transfer syntaxes read here.
fn codec(image: &ImageDescription, transfer_syntax: &str, encoded: &[u8]) -> Result<Codec, DecodeError> {
    let uid = transfer_syntax.trim_matches([' ', '\0']);
    let labeled = match uid {
        // The data set of a deflated object is inflated before its frames are cut out.
        "1.2.840.10008.1.2" | "1.2.840.10008.1.2.1" | "1.2.840.10008.1.2.1.99" | "1.2.840.10008.1.2.1.98" => {
            Codec::Native { big_endian: false }
        }
        "1.2.840.10008.1.2.2" => Codec::Native { big_endian: true },
        "1.2.840.10008.1.2.5" => Codec::Rle,
        "1.2.840.10008.1.2.8.1" => Codec::DeflatedFrame,
        "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => {
            Codec::Jpeg
        }
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => Codec::JpegLs,
        "1.2.840.10008.1.2.4.90"
        | "1.2.840.10008.1.2.4.91"
        | "1.2.840.10008.1.2.4.201"
        | "1.2.840.10008.1.2.4.202"
        | "1.2.840.10008.1.2.4.203" => Codec::Jpeg2000,
        other => return Err(DecodeError::unsupported(format!("transfer syntax {other}"))),
    };
    let found = if jpeg2000::begins(encoded) {
        Codec::Jpeg2000
    } else if encoded.starts_with(&[0xFF, 0xD8]) {
        if jpeg_ls::is_jpeg_ls(encoded) { Codec::JpegLs } else { Codec::Jpeg }
    } else {
        return Ok(labeled);
    };
    match labeled {
        Codec::Native { .. } if encoded.len().abs_diff(image.native_frame_bits().div_ceil(8)) <= 1 => Ok(labeled),
        Codec::Rle | Codec::DeflatedFrame => Ok(labeled),
        Codec::Native { .. } | Codec::Jpeg | Codec::JpegLs | Codec::Jpeg2000 => Ok(found),
    }
}

/// Runs a codec of others; its panic on damaged data is that frame's failure and no more.
fn guarded<T>(decode: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode))
        .unwrap_or_else(|_panic| Err(DecodeError::damaged("the codec failed")))
}

/// Fails unless a compressed stream's own header fits the description. Rows and columns must match
/// exactly, so that nothing is allocated for a size that the object does not have.
fn check_header(
    image: &ImageDescription,
    columns: u32,
    rows: u32,
    components: usize,
    precision: u32,
) -> Result<(), DecodeError> {
    let described = (u32::from(image.columns), u32::from(image.rows), usize::from(image.samples_per_pixel));
    if (columns, rows, components) != described {
        return Err(DecodeError::Mismatch {
            what: format!(
                "{columns} × {rows} × {components} in the stream, {} × {} × {} in the description",
                described.0, described.1, described.2
            ),
        });
    }
    if precision == 0 || precision > u32::from(image.bits_allocated) {
        return Err(DecodeError::Mismatch {
            what: format!("{precision} bits in the stream, {} allocated", image.bits_allocated),
        });
    }
    Ok(())
}
