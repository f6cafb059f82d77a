//! Native frames (PS3.5 8.1, 8.2) and the masking that all codecs share.

use super::{DecodeError, Samples};
use crate::image::{ImageDescription, Photometric};
use std::io::Read as _;

/// A native frame to interleaved little endian samples.
pub(super) fn decode(image: &ImageDescription, encoded: &[u8], big_endian: bool) -> Result<Samples, DecodeError> {
    let expected = image.native_frame_bits().div_ceil(8);
    let data = encoded.get(..expected).ok_or(DecodeError::Truncated { expected, got: encoded.len() })?;
    if image.bits_allocated == 1 {
        // PS3.5 8.1.1: the first pixel is the least significant bit.
        let bytes = (0..image.pixels()).map(|i| (data[i / 8] >> (i % 8)) & 1).collect();
        return Ok(Samples { bytes, bits: 8, precision: None, photometric: image.photometric });
    }
    let size = usize::from(image.bits_allocated / 8);
    let mut bytes = data.to_vec();
    if big_endian {
        match size {
            2 => bytes.chunks_exact_mut(2).for_each(|b| b.swap(0, 1)),
            4 => bytes.chunks_exact_mut(4).for_each(<[u8]>::reverse),
            _ => {}
        }
    }
    let (bytes, photometric) = match image.photometric {
        Photometric::YbrFull422 => (spread_chroma(&bytes, size), Photometric::YbrFull),
        Photometric::YbrPartial422 => (spread_chroma(&bytes, size), Photometric::YbrPartial422),
        Photometric::YbrPartial420 => return Err(DecodeError::unsupported("YBR_PARTIAL_420")),
        Photometric::Monochrome1
        | Photometric::Monochrome2
        | Photometric::PaletteColor
        | Photometric::Rgb
        | Photometric::YbrFull
        | Photometric::YbrIct
        | Photometric::YbrRct => {
            let bytes = if image.planar && image.samples_per_pixel > 1 {
                interleave(&bytes, usize::from(image.samples_per_pixel), size)
            } else {
                bytes
            };
            (bytes, image.photometric)
        }
    };
    let bits = u8::try_from(image.bits_allocated).unwrap_or(u8::MAX);
    Ok(Samples { bytes, bits, precision: None, photometric })
}

/// From color by plane to color by pixel (PS3.3 C.7.6.3.1.3).
pub(super) fn interleave(planes: &[u8], samples: usize, size: usize) -> Vec<u8> {
    let plane = planes.len() / samples.max(1);
    let mut bytes = vec![0; planes.len()];
    for (sample, source) in planes.chunks_exact(plane.max(1)).take(samples).enumerate() {
        for (pixel, value) in source.chunks_exact(size).enumerate() {
            let at = (pixel * samples + sample) * size;
            bytes[at..at + size].copy_from_slice(value);
        }
    }
    bytes
}

/// Y1 Y2 Cb Cr to Y1 Cb Cr Y2 Cb Cr (PS3.3 C.7.6.3.1.2 YBR_FULL_422).
fn spread_chroma(packed: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(packed.len() / 2 * 3);
    for group in packed.chunks_exact(4 * size) {
        let (luminance, chrominance) = group.split_at(2 * size);
        for y in luminance.chunks_exact(size) {
            bytes.extend_from_slice(y);
            bytes.extend_from_slice(chrominance);
        }
    }
    bytes
}

/// A frame of Deflated Image Frame Compression (PS3.5 10.20), never longer than the description says.
pub(super) fn inflate(image: &ImageDescription, encoded: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let expected = image.native_frame_bits().div_ceil(8);
    let mut bytes = Vec::new();
    flate2::read::DeflateDecoder::new(encoded)
        .take(expected as u64)
        .read_to_end(&mut bytes)
        .map_err(DecodeError::damaged)?;
    Ok(bytes)
}

/// Keeps the bits of Bits Stored and extends their sign over the whole sample (PS3.5 8.1.1).
///
/// `precision` is that of a compressed stream whose samples have no meaning above it: a signed
/// sample's sign sits in its highest bit, even where Bits Stored is larger.
pub(super) fn mask(image: &ImageDescription, bytes: &mut [u8], bits: u8, precision: Option<u16>) {
    if image.bits_allocated == 1 {
        return;
    }
    let allocated = u32::from(bits);
    let stored = precision.map_or(image.bits_stored, |p| p.min(image.bits_stored));
    let stored = u32::from(stored).clamp(1, allocated);
    // Compressed streams carry the samples right-aligned, whatever High Bit says.
    let low = if precision.is_some() { 0 } else { u32::from(image.high_bit + 1 - image.bits_stored) };
    if stored == allocated && low == 0 {
        return;
    }
    let up = allocated.saturating_sub(stored + low);
    let down = allocated - stored;
    match (bits, image.signed) {
        (8, false) => bytes.iter_mut().for_each(|b| *b = (*b << up) >> down),
        (8, true) => bytes.iter_mut().for_each(|b| *b = ((*b << up).cast_signed() >> down).cast_unsigned()),
        (16, signed) => bytes.chunks_exact_mut(2).for_each(|b| {
            let value = u16::from_le_bytes([b[0], b[1]]) << up;
            let value = if signed { (value.cast_signed() >> down).cast_unsigned() } else { value >> down };
            b.copy_from_slice(&value.to_le_bytes());
        }),
        (_, signed) => bytes.chunks_exact_mut(4).for_each(|b| {
            let value = u32::from_le_bytes([b[0], b[1], b[2], b[3]]) << up;
            let value = if signed { (value.cast_signed() >> down).cast_unsigned() } else { value >> down };
            b.copy_from_slice(&value.to_le_bytes());
        }),
    }
}
