//! JPEG-LS (ISO/IEC 14495-1) through CharLS.

use super::{DecodeError, Samples, check_header, native};
use crate::image::{ImageDescription, Photometric};

/// What the frame header (SOF55) and the first scan header say.
struct Header {
    columns: u32,
    rows: u32,
    components: usize,
    precision: u32,
    by_plane: bool,
}

/// True if the stream's frame header is that of JPEG-LS.
pub(super) fn is_jpeg_ls(encoded: &[u8]) -> bool {
    header(encoded).is_some()
}

pub(super) fn decode(image: &ImageDescription, encoded: &[u8]) -> Result<Samples, DecodeError> {
    let header = header(encoded).ok_or_else(|| DecodeError::damaged("no JPEG-LS frame header"))?;
    check_header(image, header.columns, header.rows, header.components, header.precision)?;
    // CharLS 2.4.5 reads zeros behind the end of a stream that was cut short, for seconds even where
    // the picture is tiny. A whole stream ends with EOI (ISO/IEC 14495-1 C.1.1), perhaps padded;
    // within entropy-coded data these two bytes cannot occur (A.1).
    if !encoded.windows(2).rev().any(|pair| pair == [0xFF, 0xD9]) {
        return Err(DecodeError::damaged("the stream ends early"));
    }
    let bytes = charls::CharLS::default().decode(encoded).map_err(DecodeError::damaged)?;
    // CharLS gives one byte a sample up to 8 bits of precision, two above.
    let coded = if header.precision <= 8 { 1 } else { 2 };
    let bytes = if header.by_plane && header.components > 1 {
        native::interleave(&bytes, header.components, coded)
    } else {
        bytes
    };
    let bytes = widen(bytes, coded, usize::from(image.bits_allocated / 8));
    let photometric = match image.photometric {
        // JPEG-LS has no subsampling of its own.
        Photometric::YbrFull422 => Photometric::YbrFull,
        other @ (Photometric::Monochrome1
        | Photometric::Monochrome2
        | Photometric::PaletteColor
        | Photometric::Rgb
        | Photometric::YbrFull
        | Photometric::YbrPartial422
        | Photometric::YbrPartial420
        | Photometric::YbrIct
        | Photometric::YbrRct) => other,
    };
    Ok(Samples {
        bytes,
        bits: u8::try_from(image.bits_allocated).unwrap_or(u8::MAX),
        precision: u16::try_from(header.precision).ok(),
        photometric,
    })
}

/// Samples of `from` bytes as samples of `to` bytes.
pub(super) fn widen(bytes: Vec<u8>, from: usize, to: usize) -> Vec<u8> {
    if from >= to {
        return bytes;
    }
    let mut wide = vec![0; bytes.len() / from * to];
    for (target, source) in wide.chunks_exact_mut(to).zip(bytes.chunks_exact(from)) {
        target[..from].copy_from_slice(source);
    }
    wide
}

/// Walks the marker segments up to the first scan (ISO/IEC 14495-1 C.1).
fn header(encoded: &[u8]) -> Option<Header> {
    let mut at = 2;
    let mut found: Option<Header> = None;
    loop {
        while encoded.get(at) == Some(&0xFF) && encoded.get(at + 1) == Some(&0xFF) {
            at += 1;
        }
        let &[0xFF, marker, high, low] = encoded.get(at..at + 4)? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = encoded.get(at + 4..at + 2 + length)?;
        match marker {
            0xF7 => {
                let &[precision, r1, r0, c1, c0, components, ..] = segment else { return None };
                found = Some(Header {
                    columns: u32::from(u16::from_be_bytes([c1, c0])),
                    rows: u32::from(u16::from_be_bytes([r1, r0])),
                    components: usize::from(components),
                    precision: u32::from(precision),
                    by_plane: false,
                });
            }
            0xDA => {
                let mut header = found?;
                // Ns, Ns pairs, NEAR, ILV, point transform (C.2.3).
                let scan = usize::from(*segment.first()?);
                header.by_plane = *segment.get(1 + 2 * scan + 1)? == 0;
                return Some(header);
            }
            _ => {}
        }
        at += 2 + length;
    }
}
