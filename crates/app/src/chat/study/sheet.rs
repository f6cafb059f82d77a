//! The small picture that goes with a study: up to four of its images beside each other, so that whoever gets it sees
//! what it is before all of it is fetched.

use crate::Desk;
use crate::chat::pictures::within;
use bytes::Bytes;
use imaging::{FrameFormat, StoredFrame};
use std::ops::Range;
use tim::{FileError, Outgoing, Source, Thumbnail};

/// The side of an image in it, in pixels.
const CELL: u32 = 160;
const QUALITY: u8 = 82;

impl Desk {
    /// Looks at some images of a study before it is sent; `shown` is where they lie in its file. One that cannot be shown
    /// is left out: what is sent says nothing about it that the study does not say itself.
    pub(in crate::chat) async fn look_at_study(
        &self,
        outgoing: &mut Outgoing,
        source: &mut dyn Source,
        shown: &[Range<u64>],
    ) -> Result<(), FileError> {
        if outgoing.has_thumbnail() {
            return Ok(());
        }
        let mut cells = Vec::new();
        for place in shown {
            let file = Bytes::from(within(source, place.clone()).await?);
            cells.extend(self.0.images.glance(file, (CELL, CELL)).await);
        }
        if let Some(sheet) = sheet(&cells) {
            outgoing.shows_images(sheet);
        }
        Ok(())
    }
}

/// One image alone, two beside each other, more in two rows; each in the middle of its place, on black.
fn sheet(cells: &[StoredFrame]) -> Option<Thumbnail> {
    let (across, down) = match cells.len() {
        0 => return None,
        1 => (1, 1),
        2 => (2, 1),
        _ => (2, 2),
    };
    let (width, height) = (across * CELL, down * CELL);
    let mut rgb = vec![0_u8; width as usize * height as usize * 3];
    for (cell, number) in cells.iter().zip(0_u32..across * down) {
        let (left, top) = (number % across * CELL, number / across * CELL);
        let (left, top) = (left + CELL.checked_sub(cell.columns)? / 2, top + CELL.checked_sub(cell.rows)? / 2);
        let samples = match cell.format {
            FrameFormat::Rgb8 => 3,
            FrameFormat::U8 => 1,
            FrameFormat::U16 | FrameFormat::I16 | FrameFormat::U32 | FrameFormat::I32 => return None,
        };
        for (row, line) in (top..).zip(cell.bytes.chunks_exact(cell.columns as usize * samples)) {
            let at = (row as usize * width as usize + left as usize) * 3;
            let into = rgb.get_mut(at..at + cell.columns as usize * 3)?;
            for (into, pixel) in into.chunks_exact_mut(3).zip(line.chunks_exact(samples)) {
                match pixel {
                    [gray] => into.fill(*gray),
                    color => into.copy_from_slice(color),
                }
            }
        }
    }
    let narrow = |side: u32| u16::try_from(side).ok();
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, QUALITY)
        .encode(&rgb, narrow(width)?, narrow(height)?, jpeg_encoder::ColorType::Rgb)
        .ok()?;
    Some(Thumbnail { bytes: jpeg, mimetype: "image/jpeg".to_owned(), size: (width, height) })
}

#[cfg(test)]
mod tests {
    use super::{CELL, FrameFormat, StoredFrame, sheet};

    fn gray(columns: u32, rows: u32, value: u8) -> StoredFrame {
        let bytes = vec![value; columns as usize * rows as usize];
        StoredFrame { columns, rows, format: FrameFormat::U8, bytes }
    }

    #[test]
    fn images_stand_beside_each_other_and_each_in_the_middle_of_its_place() {
        assert!(sheet(&[]).is_none(), "of no image there is none");
        assert_eq!(sheet(&[gray(CELL, 40, 9)]).expect("one").size, (CELL, CELL), "one alone");
        assert_eq!(sheet(&[gray(9, 9, 9), gray(9, 9, 9)]).expect("two").size, (2 * CELL, CELL), "two");
        let red = StoredFrame {
            columns: CELL,
            rows: CELL,
            format: FrameFormat::Rgb8,
            bytes: [200, 0, 0].repeat((CELL * CELL) as usize),
        };
        // A wide one, a whole one of color, and one that is smaller than its place.
        let made = sheet(&[gray(CELL, CELL / 2, 255), red, gray(40, 40, 120)]).expect("three");
        assert_eq!(made.size, (2 * CELL, 2 * CELL), "in two rows");
        let mut decoder = jpeg_decoder::Decoder::new(made.bytes.as_slice());
        let pixels = decoder.decode().expect("a JPEG");
        let at = |x: u32, y: u32| {
            let at = ((y * 2 * CELL + x) * 3) as usize;
            [pixels[at], pixels[at + 1], pixels[at + 2]]
        };
        let near = |found: [u8; 3], expected: [u8; 3]| found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 12);
        let half = CELL / 2;
        for (what, (x, y), expected) in [
            ("the wide one", (half, half), [255; 3]),
            ("above it", (half, CELL / 8), [0; 3]),
            ("below it", (half, CELL - CELL / 8), [0; 3]),
            ("that of color", (CELL + half, half), [200, 0, 0]),
            ("the small one", (half, CELL + half), [120; 3]),
            ("beside it", (CELL / 8, CELL + half), [0; 3]),
            ("where none is", (CELL + half, CELL + half), [0; 3]),
        ] {
            assert!(near(at(x, y), expected), "{what}: {:?} instead of {expected:?}", at(x, y));
        }
    }
}
