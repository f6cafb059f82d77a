//! RLE Lossless (PS3.5 Annex G). The decoder is ours because the one of dicom-rs panics on data that
//! is cut short.

use super::{DecodeError, Samples};
use crate::image::{ImageDescription, Photometric};

/// Segments: one for each byte of each sample, the most significant first (PS3.5 G.2).
pub(super) fn decode(image: &ImageDescription, encoded: &[u8]) -> Result<Samples, DecodeError> {
    if image.bits_allocated == 1 {
        return Err(DecodeError::unsupported("RLE of single bits"));
    }
    let size = usize::from(image.bits_allocated / 8);
    let samples = usize::from(image.samples_per_pixel);
    let header: &[u8; 64] = encoded.first_chunk().ok_or(DecodeError::Truncated { expected: 64, got: encoded.len() })?;
    let number = |i: usize| {
        let at = i * 4;
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize
    };
    let segments = number(0);
    if segments != size * samples || segments > 15 {
        return Err(DecodeError::Mismatch { what: format!("{segments} RLE segments, {} expected", size * samples) });
    }
    let pixels = image.pixels();
    let stride = size * samples;
    // Two bytes give at most 128 (G.3.2): a size that the data cannot fill is not allocated.
    let least = pixels * stride / 64;
    if encoded.len() < least {
        return Err(DecodeError::Truncated { expected: least, got: encoded.len() });
    }
    let mut bytes = vec![0; pixels * stride];
    let mut plane = Vec::with_capacity(pixels);
    for segment in 0..segments {
        let start = number(segment + 1);
        let end = if segment + 1 < segments { number(segment + 2) } else { encoded.len() };
        let packed = encoded
            .get(start..end.min(encoded.len()))
            .filter(|_| start >= 64)
            .ok_or(DecodeError::Truncated { expected: start, got: encoded.len() })?;
        plane.clear();
        unpack(packed, pixels, &mut plane);
        if plane.len() < pixels {
            return Err(DecodeError::Truncated { expected: pixels, got: plane.len() });
        }
        let (sample, byte) = (segment / size, segment % size);
        let offset = sample * size + (size - 1 - byte);
        for (target, &value) in bytes.iter_mut().skip(offset).step_by(stride).zip(&plane) {
            *target = value;
        }
    }
    let photometric = match image.photometric {
        // RLE carries every sample of every pixel (PS3.5 8.2.2).
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
    let bits = u8::try_from(image.bits_allocated).unwrap_or(u8::MAX);
    Ok(Samples { bytes, bits, precision: None, photometric })
}

/// The decoder of PS3.5 G.3.2: 0 to 127 copies, -127 to -1 repeats, -128 does nothing.
fn unpack(packed: &[u8], pixels: usize, plane: &mut Vec<u8>) {
    let mut rest = packed;
    while plane.len() < pixels
        && let Some((&control, after)) = rest.split_first()
    {
        let room = pixels - plane.len();
        if control < 128 {
            let count = usize::from(control) + 1;
            let literal = &after[..count.min(after.len())];
            plane.extend_from_slice(&literal[..literal.len().min(room)]);
            rest = &after[literal.len()..];
        } else if control > 128 {
            let Some((&value, next)) = after.split_first() else { return };
            let count = 257 - usize::from(control);
            plane.resize(plane.len() + count.min(room), value);
            rest = next;
        } else {
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unpack;

    #[test]
    fn packed_runs_unpack() {
        // The example of Apple's Technical Note TN1023, whose PackBits PS3.5 G.3 adopts.
        let packed = [0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7, 0xAA];
        let expected = [
            0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0x22, 0xAA, 0xAA, 0xAA, 0xAA,
            0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA,
        ];
        let mut plane = Vec::new();
        unpack(&packed, 24, &mut plane);
        assert_eq!(plane, expected, "literals and repeats");
    }
}
