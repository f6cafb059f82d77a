//! From stored values to the form for a texture: palettes and color spaces (PS3.3 C.7.6.3.1.2).

use super::DecodeError;
use crate::frame::{FrameFormat, RawFrame, StoredFrame};
use crate::image::{ImageDescription, Palette, Photometric};

pub(super) fn to_stored(image: &ImageDescription, raw: RawFrame) -> Result<StoredFrame, DecodeError> {
    let RawFrame { columns, rows, bits, signed, photometric, bytes, .. } = raw;
    let stored = |format, bytes| StoredFrame { columns, rows, format, bytes };
    match photometric {
        Photometric::Monochrome1 | Photometric::Monochrome2 => Ok(match (bits, signed) {
            (8, false) => stored(FrameFormat::U8, bytes),
            (8, true) => {
                let wide = bytes.iter().flat_map(|b| i16::from(b.cast_signed()).to_le_bytes()).collect();
                stored(FrameFormat::I16, wide)
            }
            (16, false) => stored(FrameFormat::U16, bytes),
            (16, true) => stored(FrameFormat::I16, bytes),
            (_, false) => stored(FrameFormat::U32, bytes),
            (_, true) => stored(FrameFormat::I32, bytes),
        }),
        Photometric::PaletteColor => {
            let palette = image.palette.as_ref().ok_or(DecodeError::Description { what: "the palette is missing" })?;
            Ok(stored(FrameFormat::Rgb8, apply_palette(palette, &bytes, bits, signed)))
        }
        Photometric::Rgb | Photometric::YbrIct | Photometric::YbrRct => {
            Ok(stored(FrameFormat::Rgb8, to_8_bits(image, bytes, bits)))
        }
        Photometric::YbrFull | Photometric::YbrFull422 => {
            let mut rgb = to_8_bits(image, bytes, bits);
            rgb.chunks_exact_mut(3).for_each(full_to_rgb);
            Ok(stored(FrameFormat::Rgb8, rgb))
        }
        Photometric::YbrPartial422 | Photometric::YbrPartial420 => {
            let mut rgb = to_8_bits(image, bytes, bits);
            rgb.chunks_exact_mut(3).for_each(partial_to_rgb);
            Ok(stored(FrameFormat::Rgb8, rgb))
        }
    }
}

fn apply_palette(palette: &Palette, bytes: &[u8], bits: u8, signed: bool) -> Vec<u8> {
    match bits {
        8 => {
            let table: Vec<[u8; 3]> = (0..=255_u8)
                .map(|b| palette.color(if signed { i64::from(b.cast_signed()) } else { i64::from(b) }))
                .collect();
            bytes.iter().flat_map(|&b| table[usize::from(b)]).collect()
        }
        16 => bytes
            .chunks_exact(2)
            .flat_map(|b| {
                let value = u16::from_le_bytes([b[0], b[1]]);
                palette.color(if signed { i64::from(value.cast_signed()) } else { i64::from(value) })
            })
            .collect(),
        _ => bytes
            .chunks_exact(4)
            .flat_map(|b| palette.color(i64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))))
            .collect(),
    }
}

/// The highest 8 bits of each sample.
fn to_8_bits(image: &ImageDescription, bytes: Vec<u8>, bits: u8) -> Vec<u8> {
    let shift = u32::from(image.bits_stored.saturating_sub(8));
    let narrow = |value: u32| u8::try_from((value >> shift).min(255)).unwrap_or(u8::MAX);
    match bits {
        8 => bytes,
        16 => bytes.chunks_exact(2).map(|b| narrow(u32::from(u16::from_le_bytes([b[0], b[1]])))).collect(),
        _ => bytes.chunks_exact(4).map(|b| narrow(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect(),
    }
}

fn byte(value: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the clamp keeps it in a byte")]
    {
        (value + 0.5).floor().clamp(0.0, 255.0) as u8
    }
}

/// The inverse of the equations of YBR_FULL, as ITU-T T.871 7 writes them.
fn full_to_rgb(pixel: &mut [u8]) {
    let [y, cb, cr] = [0, 1, 2].map(|i| f32::from(pixel[i]));
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    pixel[0] = byte(y + 1.402 * cr);
    pixel[1] = byte(y - 0.344_136_3 * cb - 0.714_136_3 * cr);
    pixel[2] = byte(y + 1.772 * cb);
}

/// The same for YBR_PARTIAL: luminance from 16 to 235, chrominance from 16 to 240 (ITU-R BT.601).
fn partial_to_rgb(pixel: &mut [u8]) {
    let [y, cb, cr] = [0, 1, 2].map(|i| f32::from(pixel[i]));
    let (y, cb, cr) = ((y - 16.0) * (255.0 / 219.0), (cb - 128.0) * (255.0 / 224.0), (cr - 128.0) * (255.0 / 224.0));
    pixel[0] = byte(y + 1.402 * cr);
    pixel[1] = byte(y - 0.344_136_3 * cb - 0.714_136_3 * cr);
    pixel[2] = byte(y + 1.772 * cb);
}

#[cfg(test)]
mod tests {
    use super::full_to_rgb;

    #[test]
    fn full_range_colors_convert_as_jfif_says() {
        // Y, Cb and Cr of pure colors by PS3.3 C.7.6.3.1.2: red is 76.2, 85.0, 255.5.
        for (ybr, rgb) in [([76, 85, 255], [254, 0, 0]), ([255, 128, 128], [255; 3]), ([0, 128, 128], [0; 3])] {
            let mut pixel = ybr;
            full_to_rgb(&mut pixel);
            assert_eq!(pixel, rgb, "{ybr:?}");
        }
    }
}
