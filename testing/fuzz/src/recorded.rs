//! Rounds with livekit-server that were recorded for the tests of `rounds-proto`, as frames.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const RECORDINGS: [&str; 4] = [
    include_str!("../../../crates/rounds-proto/tests/captures/duo-alice.jsonl"),
    include_str!("../../../crates/rounds-proto/tests/captures/e2ee.jsonl"),
    include_str!("../../../crates/rounds-proto/tests/captures/resume.jsonl"),
    include_str!("../../../crates/rounds-proto/tests/captures/rust-alice.jsonl"),
];

/// What went over the socket.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// The client opened a socket with this join request.
    Open(Vec<u8>),
    /// A frame of the server's.
    Server(Vec<u8>),
    /// A frame of the client's.
    Client(Vec<u8>),
    /// The socket was closed.
    Close,
}

/// All recordings, each in its order.
pub(crate) fn all() -> impl Iterator<Item = Vec<Said>> {
    RECORDINGS.into_iter().map(|text| text.lines().filter_map(said).collect())
}

fn said(line: &str) -> Option<Said> {
    let line: Value = serde_json::from_str(line).ok()?;
    let bytes = |value: &Value| STANDARD.decode(value.get("b64")?.as_str()?).ok();
    match line.get("dir")?.as_str()? {
        "open" => line.get("join_request").and_then(bytes).map(Said::Open),
        "s2c" => bytes(&line).map(Said::Server),
        "c2s" => bytes(&line).map(Said::Client),
        "close" => Some(Said::Close),
        _ => None,
    }
}
