//! The bulk message that carries a frame, or rows of one: a header of 32 bytes and stored values.

use crate::Format;
use thiserror::Error;

/// Length of the header.
pub const HEADER_BYTES: usize = 32;

const VERSION: u8 = 1;
const KIND_FRAME: u8 = 3;
const FLAG_PREVIEW: u8 = 1;
const FLAG_LAST: u8 = 2;

/// A message whose header has been understood and whose payload has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameMessage<'a> {
    /// Series handle.
    pub series: u32,
    /// Frame index, from 0.
    pub frame: u32,
    /// Format of the payload.
    pub format: Format,
    /// A reduced picture that a better one follows.
    pub preview: bool,
    /// The last part of its frame.
    pub last: bool,
    /// Columns of the frame.
    pub columns: u32,
    /// Rows of the frame.
    pub rows: u32,
    /// The request that it answers.
    pub request: u32,
    /// First row of the payload within the frame.
    pub first_row: u32,
    /// Rows in the payload.
    pub part_rows: u32,
    /// Stored values, little endian, row by row.
    pub payload: &'a [u8],
}

/// Why a message is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MessageError {
    /// Shorter than its header.
    #[error("the message has {0} bytes, fewer than its header")]
    Short(usize),
    /// A version of the form that is not known here.
    #[error("version {0} of the bulk form is not known")]
    Version(u8),
    /// Not an image frame.
    #[error("kind {0} is no image frame")]
    Kind(u8),
    /// A format that is not known here.
    #[error("pixel format {0} is not known")]
    Format(u8),
    /// Flags or reserved bytes that are not known here.
    #[error("flags or reserved bytes hold something unknown")]
    Reserved,
    /// The payload is not whole rows of the frame.
    #[error("a payload of {payload} bytes from row {first_row} does not fit {columns} × {rows}")]
    Rows {
        /// Bytes of the payload.
        payload: usize,
        /// First row.
        first_row: u32,
        /// Columns.
        columns: u32,
        /// Rows.
        rows: u32,
    },
    /// The payload was changed on its way.
    #[error("the payload's CRC-32 is {found:08x}, the header says {said:08x}")]
    Crc {
        /// As the header says.
        said: u32,
        /// As computed.
        found: u32,
    },
}

impl<'a> FrameMessage<'a> {
    /// Reads a message and checks everything that needs no series.
    pub fn read(message: &'a [u8]) -> Result<Self, MessageError> {
        let Some((header, payload)) = message.split_at_checked(HEADER_BYTES) else {
            return Err(MessageError::Short(message.len()));
        };
        let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let half = |at: usize| u32::from(u16::from_le_bytes([header[at], header[at + 1]]));
        if header[0] != VERSION {
            return Err(MessageError::Version(header[0]));
        }
        if header[1] != KIND_FRAME {
            return Err(MessageError::Kind(header[1]));
        }
        let format = match header[2] {
            0 => Format::U8,
            1 => Format::U16,
            2 => Format::I16,
            3 => Format::Rgb8,
            other => return Err(MessageError::Format(other)),
        };
        let flags = header[3];
        if flags & !(FLAG_PREVIEW | FLAG_LAST) != 0 || word(28) != 0 {
            return Err(MessageError::Reserved);
        }
        let (columns, rows, first_row) = (half(12), half(14), word(20));
        let bad_rows = || MessageError::Rows { payload: payload.len(), first_row, columns, rows };
        let row_bytes = columns as usize * format.bytes();
        if row_bytes == 0 || payload.is_empty() || !payload.len().is_multiple_of(row_bytes) {
            return Err(bad_rows());
        }
        let part_rows = u32::try_from(payload.len() / row_bytes).map_err(|_overflow| bad_rows())?;
        if first_row.checked_add(part_rows).is_none_or(|end| end > rows) {
            return Err(bad_rows());
        }
        let (said, found) = (word(24), crc32fast::hash(payload));
        if said != found {
            return Err(MessageError::Crc { said, found });
        }
        Ok(Self {
            series: word(4),
            frame: word(8),
            format,
            preview: flags & FLAG_PREVIEW != 0,
            last: flags & FLAG_LAST != 0,
            columns,
            rows,
            request: word(16),
            first_row,
            part_rows,
            payload,
        })
    }
}
