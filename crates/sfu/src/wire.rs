//! From bytes to messages (`livekit_rtc.proto`), and how much of them is let in.
//!
//! A frame may be short and its message large: an empty participant takes two bytes on the wire and hundreds in memory.
//! So fields are counted before anything is built from them.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use flate2::read::GzDecoder;
use livekit_protocol as lk;
use livekit_protocol::wrapped_join_request::Compression;
use prost::Message as _;
use std::io::Read as _;
use thiserror::Error;

/// No frame of the signalling is longer, in bytes. A `sync_state` with two descriptions of 25 kB is far below.
pub const LONGEST_FRAME: usize = 1024 * 1024;
/// No description of a session is longer, in bytes: livekit-client's with eight sections has 22 kB.
pub const LONGEST_SDP: usize = 256 * 1024;
/// No data packet is longer, in bytes; what the answer's `max-message-size` says is larger (RFC 8841 §6).
pub(crate) const LONGEST_DATA: usize = 64 * 1024;
/// No join request is longer, in bytes, as it travels in the address. livekit-client's has 6 kB.
const LONGEST_JOIN: usize = 256 * 1024;
/// A join request is unpacked no further, in bytes.
const LONGEST_PLAIN: u64 = 1024 * 1024;
/// No frame has more fields.
const MOST_FIELDS: usize = 20_000;
/// How deep fields are counted: the message, its kind, the lists in it, what is in them.
const LEVELS: u8 = 5;

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WireError {
    /// More bytes or fields than any client has.
    #[error("longer than any message is")]
    TooLong,
    /// No base64url, no gzip, no protobuf, or no `JoinRequest`.
    #[error("not a message of this protocol")]
    Malformed,
}

/// Reads the parameter `join_request` of `/rtc/v1`: base64url of a `WrappedJoinRequest`.
///
/// # Errors
///
/// [`WireError`]; a gzip stream is read no further than 1 MiB.
pub fn join_request(parameter: &str) -> Result<lk::JoinRequest, WireError> {
    if parameter.len() > LONGEST_JOIN {
        return Err(WireError::TooLong);
    }
    // With padding (client-sdk-js) or without (others).
    let bytes =
        URL_SAFE.decode(parameter).or_else(|_| URL_SAFE_NO_PAD.decode(parameter)).ok().ok_or(WireError::Malformed)?;
    let wrapped = message::<lk::WrappedJoinRequest>(&bytes, 1)?;
    let inner = match Compression::try_from(wrapped.compression) {
        Ok(Compression::None) => wrapped.join_request,
        Ok(Compression::Gzip) => {
            let mut plain = Vec::new();
            GzDecoder::new(wrapped.join_request.as_slice())
                .take(LONGEST_PLAIN)
                .read_to_end(&mut plain)
                .ok()
                .ok_or(WireError::Malformed)?;
            plain
        }
        Err(_) => return Err(WireError::Malformed),
    };
    message(&inner, LEVELS)
}

/// Reads one frame of a client. None for a kind of request that is unknown here: newer clients may have some.
///
/// # Errors
///
/// [`WireError`].
pub fn request(frame: &[u8]) -> Result<Option<lk::signal_request::Message>, WireError> {
    Ok(message::<lk::SignalRequest>(frame, LEVELS)?.message)
}

/// One frame for a client.
#[must_use]
pub fn response(message: lk::signal_response::Message) -> Vec<u8> {
    lk::SignalResponse { message: Some(message) }.encode_to_vec()
}

pub(crate) fn message<T: prost::Message + Default>(bytes: &[u8], levels: u8) -> Result<T, WireError> {
    if bytes.len() > LONGEST_FRAME {
        return Err(WireError::TooLong);
    }
    if fields(bytes, levels).ok_or(WireError::Malformed)? > MOST_FIELDS {
        return Err(WireError::TooLong);
    }
    T::decode(bytes).ok().ok_or(WireError::Malformed)
}

/// How many fields there are down to a depth; none if the outermost level is not protobuf.
///
/// Without a schema a text may look like a message, and is then counted as one, which makes the number too large by at
/// most half its length. A description of a session is told by how it begins (RFC 8866 §5.1) and counts as one field.
fn fields(mut bytes: &[u8], levels: u8) -> Option<usize> {
    let mut count = 0_usize;
    while !bytes.is_empty() {
        let (key, rest) = varint(bytes)?;
        bytes = rest;
        count += 1;
        match key & 7 {
            0 => bytes = varint(bytes)?.1,
            1 => bytes = bytes.get(8..)?,
            2 => {
                let (length, rest) = varint(bytes)?;
                let length = usize::try_from(length).ok()?;
                let inner = rest.get(..length)?;
                bytes = rest.get(length..)?;
                let text = inner.starts_with(b"v=0");
                if levels > 1 && !text {
                    count = count.saturating_add(fields(inner, levels - 1).unwrap_or_default());
                }
            }
            5 => bytes = bytes.get(4..)?,
            _ => return None,
        }
    }
    Some(count)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(index).ok()? * 7)?;
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}
