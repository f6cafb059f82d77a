//! A decode worker: the same executable started with a worker argument. It reads requests from
//! standard input, answers on standard output and may die at any time; the pool replaces it.
//!
//! One request is `u32 LE length of the description ‖ u32 LE length of the frame ‖ JSON description ‖
//! frame`, one answer `u32 LE length of the JSON ‖ u32 LE length of the pixels ‖ JSON ‖ pixels`.

mod preview;

use imaging::{FrameFormat, ImageDescription, Photometric, RawFrame, decode::DecodeError};
use preview::PreviewError;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// The argument that makes an executable a worker.
pub const ARGUMENT: &str = "decode-worker";

/// Address space of a worker; a hostile header that asks for more fails instead of taking the
/// computer's memory (PS3.5 frames end at 4 GiB, real ones far below).
const MEMORY_LIMIT: u64 = 2 << 30;

/// What is asked of a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Job {
    /// A frame of an image.
    Frame(Task),
    /// A picture that somebody sends, made small.
    Preview,
}

/// What to decode.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) image: ImageDescription,
    pub(crate) transfer_syntax: String,
    /// Stored values exactly, in place of the form for a texture.
    pub(crate) raw: bool,
}

/// How it went; pixels follow an `Ok`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Ok {
        columns: u32,
        rows: u32,
        format: u8,
    },
    Raw {
        columns: u32,
        rows: u32,
        samples: u16,
        bits: u8,
        signed: bool,
        photometric: Photometric,
    },
    /// Width and height of a picture, and of the small one; a JPEG follows unless the picture itself is small.
    Preview {
        of: (u32, u32),
        size: (u32, u32),
    },
    Truncated,
    Unsupported(String),
    Damaged(String),
}

/// Serves requests until standard input ends.
///
/// # Errors
/// When the pipe to the parent breaks.
pub fn main() -> io::Result<()> {
    serve(|_frame| {})
}

/// As [`main`], with a look at each frame before it is decoded: by it a test lets a worker go wrong at the frames that
/// it chooses, behind the same limits.
///
/// # Errors
/// When the pipe to the parent breaks.
pub fn serve(look: impl Fn(&[u8])) -> io::Result<()> {
    confine();
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut encoded = Vec::new();
    loop {
        let mut lengths = [0u8; 8];
        match input.read_exact(&mut lengths) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
        let (task_length, frame_length) = split(lengths);
        let mut task = vec![0; task_length];
        input.read_exact(&mut task)?;
        encoded.resize(frame_length, 0);
        input.read_exact(&mut encoded)?;
        let job: Job = serde_json::from_slice(&task)?;
        look(&encoded);
        let (outcome, pixels) = match &job {
            Job::Frame(task) => decode(task, &encoded),
            Job::Preview => preview(&encoded),
        };
        let outcome = serde_json::to_vec(&outcome)?;
        output.write_all(&join(outcome.len(), pixels.len())?)?;
        output.write_all(&outcome)?;
        output.write_all(&pixels)?;
        output.flush()?;
    }
}

fn decode(task: &Task, encoded: &[u8]) -> (Outcome, Vec<u8>) {
    if task.raw {
        return match imaging::decode::decode_raw(&task.image, &task.transfer_syntax, encoded) {
            Ok(RawFrame { columns, rows, samples, bits, signed, photometric, bytes }) => {
                (Outcome::Raw { columns, rows, samples, bits, signed, photometric }, bytes)
            }
            Err(error) => (outcome_of(&error), Vec::new()),
        };
    }
    match imaging::decode::decode_frame(&task.image, &task.transfer_syntax, encoded) {
        Ok(frame) => {
            (Outcome::Ok { columns: frame.columns, rows: frame.rows, format: format_code(frame.format) }, frame.bytes)
        }
        Err(error) => (outcome_of(&error), Vec::new()),
    }
}

fn preview(encoded: &[u8]) -> (Outcome, Vec<u8>) {
    match preview::preview(encoded) {
        Ok(found) => (Outcome::Preview { of: found.of, size: found.size }, found.jpeg),
        Err(PreviewError::Form) => (Outcome::Unsupported("this form of a picture".to_owned()), Vec::new()),
        Err(PreviewError::TooLarge) => (Outcome::Damaged("more pixels than are read".to_owned()), Vec::new()),
        Err(PreviewError::Damaged(why)) => (Outcome::Damaged(why), Vec::new()),
    }
}

fn outcome_of(error: &DecodeError) -> Outcome {
    match error {
        DecodeError::Truncated { .. } => Outcome::Truncated,
        DecodeError::Unsupported { what } => Outcome::Unsupported(what.clone()),
        DecodeError::Mismatch { .. } | DecodeError::Damaged { .. } | DecodeError::Description { .. } => {
            Outcome::Damaged(error.to_string())
        }
    }
}

/// The lengths before an answer or a request.
pub(crate) fn join(first: usize, second: usize) -> io::Result<[u8; 8]> {
    let narrow = |n: usize| u32::try_from(n).map_err(|_too_long| io::Error::from(io::ErrorKind::InvalidInput));
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&narrow(first)?.to_le_bytes());
    bytes[4..].copy_from_slice(&narrow(second)?.to_le_bytes());
    Ok(bytes)
}

/// The lengths back as numbers.
pub(crate) const fn split([a, b, c, d, e, f, g, h]: [u8; 8]) -> (usize, usize) {
    (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]) as usize)
}

pub(crate) const fn format_code(format: FrameFormat) -> u8 {
    match format {
        FrameFormat::U8 => 0,
        FrameFormat::U16 => 1,
        FrameFormat::I16 => 2,
        FrameFormat::Rgb8 => 3,
        FrameFormat::U32 => 4,
        FrameFormat::I32 => 5,
    }
}

pub(crate) const fn format_of(code: u8) -> Option<FrameFormat> {
    Some(match code {
        0 => FrameFormat::U8,
        1 => FrameFormat::U16,
        2 => FrameFormat::I16,
        3 => FrameFormat::Rgb8,
        4 => FrameFormat::U32,
        5 => FrameFormat::I32,
        _ => return None,
    })
}

/// Gives up what a decoder has no use for: memory beyond the limit, core dumps that would hold
/// pixels, writing files.
#[cfg(unix)]
fn confine() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = |value| Rlimit { current: Some(value), maximum: Some(value) };
    for (resource, value) in [(Resource::As, MEMORY_LIMIT), (Resource::Core, 0), (Resource::Fsize, 0)] {
        // A system that refuses a limit still has the parent's time limit.
        let _refused = setrlimit(resource, limit(value));
    }
}

#[cfg(not(unix))]
fn confine() {
    let _limit = MEMORY_LIMIT;
}
