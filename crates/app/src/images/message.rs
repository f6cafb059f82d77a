//! The bulk message of an image frame: a header of 32 bytes, then stored values (design: "Bulk message,
//! image frame").

use bytes::{BufMut, Bytes, BytesMut};
use imaging::{FrameFormat, StoredFrame};

/// Length of the header.
pub const HEADER_BYTES: usize = 32;
/// Payload of one message; larger frames travel in rows.
const PAYLOAD_LIMIT: usize = 1 << 20;
const VERSION: u8 = 1;
const KIND_FRAME: u8 = 3;
const LAST_PART: u8 = 2;

/// The messages of a frame, first rows first. `None` for formats that no texture takes.
#[must_use]
pub fn frame_messages(series: u32, frame: u32, stored: &StoredFrame) -> Option<Vec<Bytes>> {
    let row_bytes = stored.columns as usize * stored.format.bytes_per_pixel();
    let rows_per_part = (PAYLOAD_LIMIT / row_bytes.max(1)).max(1);
    let format = format_code(stored.format)?;
    let columns = u16::try_from(stored.columns).ok()?;
    let rows = u16::try_from(stored.rows).ok()?;
    let mut messages = Vec::new();
    let mut first_row = 0usize;
    while first_row < stored.rows as usize {
        let end_row = (first_row + rows_per_part).min(stored.rows as usize);
        let payload = stored.bytes.get(first_row * row_bytes..end_row * row_bytes)?;
        let last = end_row == stored.rows as usize;
        let mut message = BytesMut::with_capacity(HEADER_BYTES + payload.len());
        message.put_u8(VERSION);
        message.put_u8(KIND_FRAME);
        message.put_u8(format);
        message.put_u8(if last { LAST_PART } else { 0 });
        message.put_u32_le(series);
        message.put_u32_le(frame);
        message.put_u16_le(columns);
        message.put_u16_le(rows);
        message.put_u32_le(0);
        message.put_u32_le(u32::try_from(first_row).ok()?);
        message.put_u32_le(crc32fast::hash(payload));
        message.put_u32_le(0);
        message.extend_from_slice(payload);
        messages.push(message.freeze());
        first_row = end_row;
    }
    Some(messages)
}

const fn format_code(format: FrameFormat) -> Option<u8> {
    match format {
        FrameFormat::U8 => Some(0),
        FrameFormat::U16 => Some(1),
        FrameFormat::I16 => Some(2),
        FrameFormat::Rgb8 => Some(3),
        FrameFormat::U32 | FrameFormat::I32 => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{HEADER_BYTES, frame_messages};
    use imaging::{FrameFormat, StoredFrame};

    #[test]
    fn a_small_frame_is_one_message_with_the_decided_header() {
        let stored = StoredFrame { columns: 2, rows: 1, format: FrameFormat::I16, bytes: vec![1, 0, 0xFF, 0xFF] };
        let messages = frame_messages(7, 54, &stored).expect("signed 16 bit travels");
        assert_eq!(messages.len(), 1, "4 bytes fit one message");
        // CRC-32 (IEEE 802.3) of 01 00 FF FF, by Python's zlib.crc32.
        let expected = [
            1, 3, 2, 2, 7, 0, 0, 0, 54, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x86, 0xAA, 0xDE, 0x27, 0, 0, 0,
            0, 1, 0, 0xFF, 0xFF,
        ];
        assert_eq!(messages[0][..], expected[..], "header fields, checksum and payload lie where the form says");
    }

    #[test]
    fn a_large_frame_travels_in_rows_of_at_most_a_mebibyte() {
        let (columns, rows) = (1511u32, 1692u32);
        let bytes = vec![0u8; (columns * rows * 2) as usize];
        let messages =
            frame_messages(1, 0, &StoredFrame { columns, rows, format: FrameFormat::U16, bytes }).expect("travels");
        assert_eq!(messages.len(), 5, "5,113,224 bytes in rows of 3,022 need five parts");
        assert!(messages.iter().all(|m| m.len() <= HEADER_BYTES + (1 << 20)), "no payload is over 1 MiB");
        assert_eq!(messages.iter().map(|m| m[3]).collect::<Vec<_>>(), [0, 0, 0, 0, 2], "only the last part says so");
    }
}
