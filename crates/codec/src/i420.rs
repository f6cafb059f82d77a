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
}

#[cfg(test)]
mod tests {
    use super::{Channel, I420, Plane, ShapeError};

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
