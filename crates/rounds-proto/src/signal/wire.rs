//! From a frame to a message and back (`livekit_rtc.proto`), and how much of it is let in.
//!
//! **What is unknown is counted, by length.** prost skips a field that its version of the protocol does not have. The
//! length of what was understood, written again, is therefore shorter than the frame by what was skipped. That costs
//! no second parser with a table of fields beside the generated one, and finds unknown fields at every depth. It is
//! not exact: a sender may write a field at its default, or a number in more bytes than it needs, and then the
//! difference counts those. livekit-server 1.13.3 does neither, so any number but 0 means that the server speaks of
//! something this program has not heard of.
//!
//! **A frame may not be crowded.** An empty participant takes 2 bytes on the wire and 400 in memory. Fields are
//! counted before anything is built from them.

use super::address::{JoinUrl, ServerUrl};
use super::io::Options;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use flate2::Compression;
use flate2::write::GzEncoder;
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use prost::Message;
use std::io::Write as _;

/// No frame is longer, in bytes: livekit-server reads no longer one either.
pub(super) const LONGEST_FRAME: usize = 2 * 1024 * 1024;
/// No frame has more fields in its first levels. A thousand participants with two tracks each have about 60,000.
const MOST_FIELDS: usize = 200_000;
/// The message, its kind, the participants in it, their tracks.
const LEVELS: u8 = 4;
/// `livekit_protocol` speaks this version (livekit-server, `protocol_version.go`).
const PROTOCOL: i32 = 17;

/// What a frame says.
pub(super) struct Read {
    /// None for a kind that is unknown here.
    pub(super) message: Option<Response>,
    /// Bytes of fields that are unknown here.
    pub(super) unknown: usize,
}

/// Reads a frame; none if it is too long, crowded or no `SignalResponse`.
pub(super) fn read(frame: &[u8]) -> Option<Read> {
    if frame.len() > LONGEST_FRAME || fields(frame, LEVELS)? > MOST_FIELDS {
        return None;
    }
    let whole = lk::SignalResponse::decode(frame).ok()?;
    let unknown = frame.len().saturating_sub(whole.encoded_len());
    Some(Read { message: whole.message, unknown })
}

pub(super) fn written(message: Request) -> Vec<u8> {
    lk::SignalRequest { message: Some(message) }.encode_to_vec()
}

/// The join request in its address, compressed as client-sdk-js does it (`SignalClient.ts`,
/// `createJoinRequestConnectionParams`): livekit-server would read a megabyte, but nginx before it reads a line of 8,192
/// bytes (`large_client_header_buffers`).
pub(super) fn join_url(server: &ServerUrl, request: &lk::JoinRequest) -> JoinUrl {
    let wrapped = lk::WrappedJoinRequest {
        compression: i32::from(lk::wrapped_join_request::Compression::Gzip),
        join_request: gzipped(&request.encode_to_vec()),
    };
    server.rtc(&URL_SAFE.encode(wrapped.encode_to_vec()))
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("a vector takes what is written to it");
    encoder.finish().expect("a vector takes what is written to it")
}

/// What every join request says of us.
pub(super) fn join_request(options: &Options) -> lk::JoinRequest {
    lk::JoinRequest {
        client_info: Some(lk::ClientInfo {
            // What a server does by this: tracks come from the SDP, and ICE over TCP is allowed (`clientinfo.go`).
            sdk: i32::from(lk::client_info::Sdk::Rust),
            version: options.version.clone(),
            protocol: PROTOCOL,
            os: options.system.clone(),
            ..Default::default()
        }),
        connection_settings: Some(lk::ConnectionSettings {
            auto_subscribe: options.auto_subscribe,
            adaptive_stream: options.adaptive_stream,
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(super) fn description(kind: &str, sdp: &str, id: u32) -> lk::SessionDescription {
    lk::SessionDescription { r#type: kind.to_owned(), sdp: sdp.to_owned(), id, ..Default::default() }
}

/// How many fields there are down to a depth; none if the outermost level is not protobuf.
///
/// Without a schema a text may look like a message. It is then counted as one, which makes the number too large by at
/// most half its length: `MOST_FIELDS` leaves room for the longest description of a session.
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
                if levels > 1 {
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

/// The longest `sid` or `cid` that is let in, in bytes; LiveKit's have 15.
const LONGEST_ID: usize = 128;
/// The longest identity, in bytes. MatrixRTC's are a user's id and a device's, or a hash.
const LONGEST_IDENTITY: usize = 1024;
/// The longest name that is shown, in characters.
const LONGEST_NAME: usize = 128;

/// Whether this may be the id of a room, a participant or a track: printable ASCII without spaces.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_ID && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether this may be an identity. It is compared and never cut, since two of them might be cut to the same.
pub(super) fn is_identity(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_IDENTITY && !text.chars().any(char::is_control)
}

/// Whether this may name a media section (RFC 8843 §7.2: an SDP token).
pub(super) fn is_mid(text: &str) -> bool {
    !text.is_empty() && text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A name for people's eyes: without control characters and marks that turn the direction of writing, cut.
pub(super) fn name(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !c.is_control() && !turns(*c)).take(LONGEST_NAME).collect::<String>().trim().to_owned()
}
