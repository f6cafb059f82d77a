//! Frames into pictures. Whatever comes from a peer may be anything.

use super::header::{self, Header};
use super::vpx;
use crate::I420;
use thiserror::Error;

/// Why there is no picture. After any of them frames are refused until a key frame comes, which has to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Bytes are missing.
    #[error("the frame ends before it should")]
    Short,
    /// The start code of a key frame is another one.
    #[error("this is not VP8")]
    NoVp8,
    /// A side is 0 or longer than [`super::LONGEST_SIDE`].
    #[error("a picture of {width} × {height} is not decoded")]
    Size {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// There was no key frame since the decoder began or failed.
    #[error("nothing can be built on before a key frame")]
    NoKeyFrame,
    /// Not what was encoded, or built upon such a frame.
    #[error("the frame is damaged")]
    Damaged,
    /// libvpx refused it, with its `vpx_codec_err_t`.
    #[error("libvpx refuses the frame with code {code}")]
    Refused {
        /// As in `vpx_codec.h`.
        code: i32,
    },
}

/// Turns the frames of one source into pictures. It has memory for four pictures of the last key frame's size, which is
/// at most 110 MB.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Of this size since its key frame. None until one came, and again after an error.
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    codec: vpx::Decoder,
    size: (u16, u16),
}

impl Decoder {
    /// One that waits for a key frame.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The picture of the next frame. It lies in the decoder until the next call. A frame that is not for showing
    /// (RFC 6386 §9.1, `show_frame`) has none and is no error.
    ///
    /// # Errors
    /// [`DecodeError`]; a key frame is needed then.
    pub fn decode(&mut self, frame: &[u8]) -> Result<Option<I420<&[u8]>>, DecodeError> {
        // What failed is never built upon: the state comes back only behind a frame that was good.
        let former = self.state.take();
        let state = self.state.insert(after(former, frame)?);
        Ok(state.codec.picture())
    }
}

/// The state behind one more frame.
fn after(former: Option<State>, frame: &[u8]) -> Result<State, DecodeError> {
    let mut state = match (header::read(frame)?, former) {
        (Header::Inter, Some(former)) => former,
        (Header::Inter, None) => return Err(DecodeError::NoKeyFrame),
        (Header::Key { width, height }, Some(former)) if former.size == (width, height) => former,
        // Another size is another decoder, so that nothing of one size is ever read in another.
        (Header::Key { width, height }, _) => State { codec: vpx::Decoder::new()?, size: (width, height) },
    };
    state.codec.decode(frame)?;
    Ok(state)
}
