//! JPEG 2000 and HTJ2K (ISO/IEC 15444-1, -15) through openjp2.

use super::{DecodeError, Samples, check_header, guarded};
use crate::image::{ImageDescription, Photometric};

/// SOC and SIZ of a codestream, or the signature box of a JP2 file.
pub(super) fn begins(encoded: &[u8]) -> bool {
    codestream(encoded).is_some()
}

/// Archives wrap the codestream in JP2 boxes although PS3.5 A.4.4 forbids it; the codestream is then
/// in the box `jp2c`.
fn codestream(encoded: &[u8]) -> Option<&[u8]> {
    if encoded.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]) {
        return Some(encoded);
    }
    if !encoded.starts_with(&[0, 0, 0, 0x0C, b'j', b'P', b' ', b' ']) {
        return None;
    }
    let at = encoded.windows(8).position(|w| w[..4] == *b"jp2c" && w[4..] == [0xFF, 0x4F, 0xFF, 0x51])?;
    encoded.get(at + 4..)
}

pub(super) fn decode(image: &ImageDescription, encoded: &[u8]) -> Result<Samples, DecodeError> {
    let stream = codestream(encoded).ok_or_else(|| DecodeError::damaged("no JPEG 2000 codestream"))?;
    let (columns, rows, components, precision) =
        siz(stream).ok_or_else(|| DecodeError::damaged("no image size in the codestream"))?;
    check_header(image, columns, rows, components, precision)?;

    let decoded = guarded(|| jpeg2k::Image::from_bytes(stream).map_err(DecodeError::damaged))?;
    let planes = decoded.components();
    let pixels = image.pixels();
    if planes.len() != components || planes.iter().any(|p| p.data().len() != pixels) {
        return Err(DecodeError::Mismatch { what: "subsampled or missing components".to_owned() });
    }
    let size = usize::from(image.bits_allocated / 8);
    let stride = size * components;
    let mut bytes = vec![0; pixels * stride];
    for (i, plane) in planes.iter().enumerate() {
        let targets = bytes.chunks_exact_mut(stride).map(|pixel| &mut pixel[i * size..(i + 1) * size]);
        for (target, sample) in targets.zip(plane.data()) {
            target.copy_from_slice(&sample.to_le_bytes()[..size]);
        }
    }
    // PS3.5 8.2.4: the codestream undoes RCT and ICT by itself.
    let photometric = match image.photometric {
        Photometric::YbrIct | Photometric::YbrRct => Photometric::Rgb,
        Photometric::YbrFull422 => Photometric::YbrFull,
        other @ (Photometric::Monochrome1
        | Photometric::Monochrome2
        | Photometric::PaletteColor
        | Photometric::Rgb
        | Photometric::YbrFull
        | Photometric::YbrPartial422
        | Photometric::YbrPartial420) => other,
    };
    Ok(Samples {
        bytes,
        bits: u8::try_from(image.bits_allocated).unwrap_or(u8::MAX),
        precision: u16::try_from(precision).ok(),
        photometric,
    })
}

/// Columns, rows, components and greatest precision of the SIZ segment (ISO/IEC 15444-1 A.5.1).
fn siz(stream: &[u8]) -> Option<(u32, u32, usize, u32)> {
    let number = |at: usize| {
        let bytes = stream.get(at..at + 4)?;
        Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    // SOC 2, SIZ 2, Lsiz 2, Rsiz 2; then Xsiz, Ysiz, XOsiz, YOsiz.
    let columns = number(8)?.checked_sub(number(16)?)?;
    let rows = number(12)?.checked_sub(number(20)?)?;
    let components = usize::from(u16::from_be_bytes([*stream.get(40)?, *stream.get(41)?]));
    let mut precision = 0;
    for component in 0..components.min(4) {
        let depth = u32::from(stream.get(42 + component * 3)? & 0x7F) + 1;
        precision = precision.max(depth);
    }
    Some((columns, rows, components, precision))
}
