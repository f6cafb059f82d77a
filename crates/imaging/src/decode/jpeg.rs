//! The JPEG family of ISO/IEC 10918-1: baseline, extended and lossless.

use super::{DecodeError, Samples, check_header, dct, lossless};
use crate::image::{ImageDescription, Photometric};

pub(super) fn decode(image: &ImageDescription, encoded: &[u8]) -> Result<Samples, DecodeError> {
    let header = header(encoded).ok_or_else(|| DecodeError::damaged("no JPEG frame header"))?;
    check_header(image, header.columns, header.rows, header.components, header.precision)?;
    let size = usize::from(image.bits_allocated / 8);
    let bytes = match (header.process, header.precision) {
        (0xC0 | 0xC1, 8 | 12) => {
            // A block of 64 pixels costs at least two bits.
            let least = image.pixels() / 256;
            if encoded.len() < least {
                return Err(DecodeError::Truncated { expected: least, got: encoded.len() });
            }
            let samples = dct::decode(encoded)?.samples;
            match size {
                1 => samples.iter().map(|s| s.to_le_bytes()[0]).collect(),
                2 => wide(&samples),
                _ => samples.iter().flat_map(|&s| u32::from(s).to_le_bytes()).collect(),
            }
        }
        (0xC3, _) => {
            // A sample costs at least one bit.
            let least = image.pixels() * header.components / 8;
            if encoded.len() < least {
                return Err(DecodeError::Truncated { expected: least, got: encoded.len() });
            }
            lossless::decode(encoded, size)?
        }
        (process, precision) => {
            return Err(DecodeError::unsupported(format!("JPEG SOF{} with {precision} bits", process & 0x0F)));
        }
    };
    let photometric = if image.photometric.is_gray() || image.photometric == Photometric::PaletteColor {
        image.photometric
    } else {
        match header.adobe_transform {
            Some(0) => Photometric::Rgb,
            Some(_) => Photometric::YbrFull,
            None if image.photometric == Photometric::Rgb => Photometric::Rgb,
            None => Photometric::YbrFull,
        }
    };
    Ok(Samples {
        bytes,
        bits: u8::try_from(image.bits_allocated).unwrap_or(u8::MAX),
        precision: u16::try_from(header.precision).ok(),
        photometric,
    })
}

/// Samples as little endian bytes.
fn wide(samples: &[u16]) -> Vec<u8> {
    let mut bytes = vec![0; samples.len() * 2];
    for (target, sample) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(samples) {
        *target = sample.to_le_bytes();
    }
    bytes
}

/// What the frame header says.
struct Header {
    process: u8,
    columns: u32,
    rows: u32,
    components: usize,
    precision: u32,
    /// The color transformation that an Adobe segment declares (ITU-T T.872 6.5.3). It describes the
    /// stream itself, so it weighs more than the object's attribute, which converters forget to
    /// change.
    adobe_transform: Option<u8>,
}

/// Walks the marker segments up to the frame header (ISO/IEC 10918-1 B.2.2).
fn header(encoded: &[u8]) -> Option<Header> {
    let mut at = 2;
    let mut adobe_transform = None;
    loop {
        while encoded.get(at) == Some(&0xFF) && encoded.get(at + 1) == Some(&0xFF) {
            at += 1;
        }
        let &[0xFF, marker, high, low] = encoded.get(at..at + 4)? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = encoded.get(at + 4..at + 2 + length)?;
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                let &[precision, r1, r0, c1, c0, components, ..] = segment else { return None };
                return Some(Header {
                    process: marker,
                    columns: u32::from(u16::from_be_bytes([c1, c0])),
                    rows: u32::from(u16::from_be_bytes([r1, r0])),
                    components: usize::from(components),
                    precision: u32::from(precision),
                    adobe_transform,
                });
            }
            0xEE if segment.starts_with(b"Adobe") => adobe_transform = segment.get(11).copied(),
            0xDA => return None,
            _ => {}
        }
        at += 2 + length;
    }
}
