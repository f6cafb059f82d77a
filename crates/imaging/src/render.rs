//! The reference picture: what the GPU must draw, computed on the processor, and thumbnails.

use crate::frame::{FrameFormat, StoredFrame};
use crate::lut::GrayTransform;

/// The grays of a frame, one byte a pixel; empty for a color frame, which is shown as it is.
#[must_use]
pub fn render_gray(frame: &StoredFrame, transform: &GrayTransform<'_>) -> Vec<u8> {
    let count = frame.columns as usize * frame.rows as usize;
    match frame.format {
        FrameFormat::U8 => {
            let table: Vec<u8> = (0..=255).map(|v| transform.gray(v)).collect();
            frame.bytes.iter().map(|&b| table[usize::from(b)]).collect()
        }
        // From here on a table of all values is cheaper than the arithmetic of each pixel.
        FrameFormat::U16 if count > 65_536 => {
            let table: Vec<u8> = (0..=65_535).map(|v| transform.gray(v)).collect();
            frame.bytes.chunks_exact(2).map(|b| table[usize::from(u16::from_le_bytes([b[0], b[1]]))]).collect()
        }
        FrameFormat::I16 if count > 65_536 => {
            let table: Vec<u8> = (-32_768..=32_767).map(|v| transform.gray(v)).collect();
            frame
                .bytes
                .chunks_exact(2)
                .map(|b| table[usize::from(u16::from_le_bytes([b[0], b[1]]).wrapping_add(0x8000))])
                .collect()
        }
        FrameFormat::U16 | FrameFormat::I16 | FrameFormat::U32 | FrameFormat::I32 => {
            frame.values().into_iter().map(|v| transform.gray(v)).collect()
        }
        FrameFormat::Rgb8 => Vec::new(),
    }
}

/// A small picture of a frame that fits into `max_columns × max_rows` and keeps its proportions:
/// the mean of the shown values of each cell. Never larger than the frame. The format is `U8` for
/// gray and `Rgb8` for color.
#[must_use]
pub fn thumbnail(frame: &StoredFrame, transform: &GrayTransform<'_>, max_columns: u32, max_rows: u32) -> StoredFrame {
    let (shown, samples, format) = match frame.format {
        FrameFormat::Rgb8 => (frame.bytes.clone(), 3, FrameFormat::Rgb8),
        FrameFormat::U8 | FrameFormat::U16 | FrameFormat::I16 | FrameFormat::U32 | FrameFormat::I32 => {
            (render_gray(frame, transform), 1, FrameFormat::U8)
        }
    };
    let (columns, rows) = fit(frame.columns, frame.rows, max_columns, max_rows);
    let mut bytes = Vec::with_capacity(columns as usize * rows as usize * samples);
    let span = |i: u32, of: u32, from: u32| {
        let start = u64::from(i) * u64::from(from) / u64::from(of);
        let end = (u64::from(i + 1) * u64::from(from)).div_ceil(u64::from(of));
        (start, end)
    };
    for row in 0..rows {
        let (top, bottom) = span(row, rows, frame.rows);
        for column in 0..columns {
            let (left, right) = span(column, columns, frame.columns);
            for sample in 0..samples as u64 {
                let mut sum = 0_u64;
                for y in top..bottom {
                    for x in left..right {
                        let at = (y * u64::from(frame.columns) + x) * samples as u64 + sample;
                        sum += usize::try_from(at).ok().and_then(|at| shown.get(at)).map_or(0, |&b| u64::from(b));
                    }
                }
                let count = (bottom - top) * (right - left);
                bytes.push(u8::try_from((sum + count / 2) / count.max(1)).unwrap_or(u8::MAX));
            }
        }
    }
    StoredFrame { columns, rows, format, bytes }
}

/// The greatest size with the proportions of `columns × rows` within the limits, at least 1 × 1.
fn fit(columns: u32, rows: u32, max_columns: u32, max_rows: u32) -> (u32, u32) {
    let (columns, rows) = (columns.max(1), rows.max(1));
    let (max_columns, max_rows) = (max_columns.clamp(1, columns), max_rows.clamp(1, rows));
    let scaled = |a: u32, to: u32, of: u32| {
        let value = (u64::from(a) * u64::from(to) + u64::from(of) / 2) / u64::from(of);
        u32::try_from(value).unwrap_or(u32::MAX).max(1)
    };
    if u64::from(max_columns) * u64::from(rows) <= u64::from(max_rows) * u64::from(columns) {
        (max_columns, scaled(rows, max_columns, columns).min(max_rows))
    } else {
        (scaled(columns, max_rows, rows).min(max_columns), max_rows)
    }
}

#[cfg(test)]
mod tests {
    use super::{fit, render_gray, thumbnail};
    use crate::frame::{FrameFormat, StoredFrame};
    use crate::lut::{GrayTransform, Rescale, Window};

    fn signed(columns: u32, rows: u32, values: &[i16]) -> StoredFrame {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        StoredFrame { columns, rows, format: FrameFormat::I16, bytes }
    }

    #[test]
    fn a_soft_tissue_window_shows_known_values_as_computed_by_hand() {
        let window = Window::linear(40.0, 400.0);
        let transform = GrayTransform::window(&Rescale { slope: 1.0, intercept: -1024.0, unit: None }, &window);
        // HU -1024, -160, 40, 239, 3000: 40 → ((40-39.5)/399+0.5)×255 = 127.82.
        let frame = signed(5, 1, &[0, 864, 1064, 1263, 4024]);
        assert_eq!(render_gray(&frame, &transform), [0, 0, 128, 255, 255], "PS3.3 C.11.2.1.2.1");
    }

    #[test]
    fn large_and_small_frames_have_the_same_grays() {
        let window = Window::linear(0.0, 65_536.0);
        let transform = GrayTransform::window(&Rescale::default(), &window);
        let values: Vec<i16> = (i16::MIN..=i16::MAX).chain([-1, 0, 1]).collect();
        let by_table = render_gray(&signed(65_539, 1, &values), &transform);
        let by_pixel: Vec<u8> = values.iter().map(|&v| transform.gray(i64::from(v))).collect();
        assert_eq!(by_table, by_pixel, "the table is only a shortcut");
    }

    #[test]
    fn thumbnails_keep_proportions_and_average() {
        assert_eq!(fit(512, 256, 64, 64), (64, 32), "wide");
        assert_eq!(fit(256, 512, 64, 64), (32, 64), "tall");
        assert_eq!(fit(10, 10, 64, 64), (10, 10), "never enlarged");
        assert_eq!(fit(5000, 1, 64, 64), (64, 1), "never empty");
        let window = Window::linear(128.0, 256.0);
        let transform = GrayTransform::window(&Rescale::default(), &window);
        let small = thumbnail(&signed(2, 2, &[0, 100, 100, 200]), &transform, 1, 1);
        assert_eq!((small.columns, small.rows, small.bytes), (1, 1, vec![100]), "the mean of the four");
    }
}
