//! A picture as codecs take and give it: 8 bits in 4:2:0, luma and two planes of color at half the size.

use thiserror::Error;

/// Which plane of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Luma.
    Y,
    /// The difference of blue.
    U,
    /// The difference of red.
    V,
}

impl Channel {
    /// All three, in the order in which they lie in a picture.
    pub const ALL: [Self; 3] = [Self::Y, Self::U, Self::V];

    /// Columns and rows of this plane in a picture of `width` × `height`: of color one for two, and one more where a
    /// side is odd.
    #[must_use]
    pub fn size(self, width: u16, height: u16) -> (usize, usize) {
        let (width, height) = (usize::from(width), usize::from(height));
        match self {
            Self::Y => (width, height),
            Self::U | Self::V => (width.div_ceil(2), height.div_ceil(2)),
        }
    }
}

/// One plane: rows of bytes, each beginning `stride` bytes behind the one above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plane<B = Vec<u8>> {
    /// All rows. The last one may end with its last sample.
    pub bytes: B,
    /// Bytes from row to row.
    pub stride: usize,
}

/// The planes do not hold a picture of this size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ShapeError {
    /// A side has no length.
    #[error("a picture of {width} × {height} has no pixels")]
    Empty {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// Rows overlap.
    #[error("{channel:?} has {stride} bytes from row to row and {width} samples in each")]
    Stride {
        /// Which plane.
        channel: Channel,
        /// Bytes from row to row.
        stride: usize,
        /// Samples in a row.
        width: usize,
    },
    /// Rows are missing.
    #[error("{channel:?} has {got} of {expected} bytes")]
    Short {
        /// Which plane.
        channel: Channel,
        /// Bytes that the size and the stride ask for.
        expected: usize,
        /// Bytes there.
        got: usize,
    },
}

/// A picture. Its planes are its own (`I420`) or lie somewhere else (`I420<&[u8]>`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct I420<B = Vec<u8>> {
    width: u16,
    height: u16,
    planes: [Plane<B>; 3],
}

impl<B> std::fmt::Debug for I420<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is seen in a round is nobody else's.
        write!(f, "I420({} × {} [not shown])", self.width, self.height)
    }
}

impl<B: AsRef<[u8]>> I420<B> {
    /// A picture of `width` × `height` in three planes, in the order of [`Channel::ALL`].
    ///
    /// # Errors
    /// [`ShapeError`] when the planes do not hold it.
    pub fn new(width: u16, height: u16, planes: [Plane<B>; 3]) -> Result<Self, ShapeError> {
        if width == 0 || height == 0 {
            return Err(ShapeError::Empty { width, height });
        }
        for (channel, plane) in Channel::ALL.into_iter().zip(&planes) {
            let (columns, rows) = channel.size(width, height);
            if plane.stride < columns {
                return Err(ShapeError::Stride { channel, stride: plane.stride, width: columns });
            }
            let expected = plane.stride.saturating_mul(rows - 1).saturating_add(columns);
            let got = plane.bytes.as_ref().len();
            if got < expected {
                return Err(ShapeError::Short { channel, expected, got });
            }
        }
        Ok(Self { width, height, planes })
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> u16 {
        self.height
    }

    /// One plane, with whatever lies between its rows.
    #[must_use]
    pub fn plane(&self, channel: Channel) -> Plane<&[u8]> {
        let [y, u, v] = &self.planes;
        let plane = match channel {
            Channel::Y => y,
            Channel::U => u,
            Channel::V => v,
        };
        Plane { bytes: plane.bytes.as_ref(), stride: plane.stride }
    }

    /// The samples of one plane, row by row from above.
    pub fn rows(&self, channel: Channel) -> impl Iterator<Item = &[u8]> {
        let (columns, rows) = channel.size(self.width, self.height);
        let Plane { bytes, stride } = self.plane(channel);
        bytes.chunks(stride).take(rows).map(move |row| &row[..columns])
    }

    /// The same picture in memory of its own, with nothing between rows.
    #[must_use]
    pub fn tight(&self) -> I420 {
        let planes = Channel::ALL.map(|channel| {
            let (columns, rows) = channel.size(self.width, self.height);
            let mut bytes = Vec::with_capacity(columns * rows);
            self.rows(channel).for_each(|row| bytes.extend_from_slice(row));
            Plane { bytes, stride: columns }
        });
        I420 { width: self.width, height: self.height, planes }
    }

    /// The same picture at another size, each of its samples the mean of those that it stands for. None where a side is 0.
    #[must_use]
    pub fn scaled(&self, (width, height): (u16, u16)) -> Option<I420> {
        let planes = Channel::ALL.map(|channel| {
            let (columns, rows) = channel.size(width, height);
            let lines: Vec<&[u8]> = self.rows(channel).collect();
            Plane { bytes: means(&lines, columns, rows), stride: columns }
        });
        I420::new(width, height, planes).ok()
    }

    /// The same picture at the size that [`fitted`] gives; none where it fits already.
    #[must_use]
    pub fn scaled_within(&self, within: (u16, u16)) -> Option<I420> {
        let (size, fits) = ((self.width, self.height), fitted((self.width, self.height), within));
        if size == fits { None } else { self.scaled(fits) }
    }
}

/// The size of a picture whose sides are `longest` and `shortest` at most, as it stands and as near to `size` as that allows.
/// A size that fits stays as it is; another one has even sides, of 16 at least.
#[must_use]
pub fn fitted((width, height): (u16, u16), (longest, shortest): (u16, u16)) -> (u16, u16) {
    let (long, short) = (u32::from(width.max(height)), u32::from(width.min(height)).max(1));
    let (longest, shortest) = (u32::from(longest), u32::from(shortest));
    if long <= longest && short <= shortest {
        return (width, height);
    }
    // The smaller of the two ratios, as a fraction.
    let (over, under) = if longest * short <= shortest * long { (longest, long) } else { (shortest, short) };
    let side = |pixels: u16| u16::try_from((u32::from(pixels) * over / under).max(16) & !1).unwrap_or(u16::MAX);
    (side(width), side(height))
}

fn means(lines: &[&[u8]], columns: usize, rows: usize) -> Vec<u8> {
    let wide = lines.first().map_or(0, |line| line.len());
    let part = |at: usize, of: usize, whole: usize| {
        let begin = at * whole / of;
        begin..((at + 1) * whole / of).clamp(begin + 1, whole.max(begin + 1))
    };
    let mut made = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        let from = lines.get(part(row, rows, lines.len())).unwrap_or_default();
        for column in 0..columns {
            let across = part(column, columns, wide);
            let mut sum = 0_u32;
            let mut count = 0_u32;
            for line in from {
                for sample in line.get(across.clone()).unwrap_or_default() {
                    sum += u32::from(*sample);
                    count += 1;
                }
            }
            made.push(u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX));
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::{Channel, I420, Plane, ShapeError, fitted};

    #[test]
    fn a_picture_is_fitted_as_it_stands_and_never_made_larger() {
        for (size, within, expected) in [
            ((1920, 1080), (1920, 1200), (1920, 1080)),
            ((641, 361), (1920, 1200), (641, 361)),
            ((3840, 2160), (1920, 1200), (1920, 1080)),
            ((2560, 1600), (1920, 1200), (1920, 1200)),
            ((1080, 1920), (640, 360), (360, 640)),
            ((640, 480), (640, 360), (480, 360)),
            ((4096, 64), (960, 600), (960, 16)),
        ] {
            assert_eq!(fitted(size, within), expected, "{size:?} within {within:?}");
        }
    }

    fn plane(length: usize, stride: usize) -> Plane {
        Plane { bytes: (0..=u8::MAX).cycle().take(length).collect(), stride }
    }

    #[test]
    fn odd_sides_have_one_column_and_row_of_color_more() {
        let sizes = Channel::ALL.map(|channel| channel.size(5, 3));
        assert_eq!(sizes, [(5, 3), (3, 2), (3, 2)], "5 × 3");
    }

    #[test]
    fn planes_that_do_not_hold_the_picture_are_refused() {
        let made = |width, height, y, u| I420::new(width, height, [y, u, plane(6, 3)]).map(|_| ());
        assert_eq!(made(5, 3, plane(15, 5), plane(6, 3)), Ok(()), "it fits");
        assert_eq!(made(5, 3, plane(21, 8), plane(6, 3)), Ok(()), "the last row may end with its last sample");
        assert_eq!(made(0, 3, plane(15, 5), plane(6, 3)), Err(ShapeError::Empty { width: 0, height: 3 }), "no columns");
        let short = ShapeError::Short { channel: Channel::U, expected: 6, got: 5 };
        assert_eq!(made(5, 3, plane(15, 5), plane(5, 3)), Err(short), "a sample is missing");
        let overlap = ShapeError::Stride { channel: Channel::Y, stride: 4, width: 5 };
        assert_eq!(made(5, 3, plane(15, 4), plane(6, 3)), Err(overlap), "rows overlap");
        let endless = made(5, 3, plane(15, usize::MAX), plane(6, 3));
        assert!(matches!(endless, Err(ShapeError::Short { .. })), "a stride past all memory: {endless:?}");
    }

    #[test]
    fn what_lies_between_rows_is_no_part_of_the_picture() {
        let wide = I420::new(3, 2, [plane(16, 8), plane(4, 4), plane(4, 4)]).expect("it fits");
        let rows: Vec<&[u8]> = wide.rows(Channel::Y).collect();
        assert_eq!(rows, [&[0, 1, 2], &[8, 9, 10]], "two rows of three");
        assert_eq!(wide.tight().plane(Channel::Y), Plane { bytes: &[0, 1, 2, 8, 9, 10][..], stride: 3 }, "and tight");
    }

    #[test]
    fn a_picture_does_not_print_its_pixels() {
        let picture = I420::new(3, 2, [plane(6, 3), plane(2, 2), plane(2, 2)]).expect("it fits");
        assert_eq!(format!("{picture:?}"), "I420(3 × 2 [not shown])", "the size alone");
    }
}
