//! Pictures into frames: one frame for each picture, at a bit rate that may change at any time.

use super::vpx;
use super::{CLOCK, LONGEST_SIDE, SHORTEST_SIDE};
use crate::I420;
use thiserror::Error;

/// What the pictures show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tuning {
    /// A person: movement first, at a bit rate that is kept.
    Camera,
    /// A screen: letters stay sharp, and what is new may take longer to come.
    Screen,
}

/// A frame as it goes over the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoded {
    /// VP8 of one picture, without any container.
    pub bytes: Vec<u8>,
    /// True for a key frame: it can be decoded without any other.
    pub key: bool,
}

impl std::fmt::Debug for Encoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Encoded({} bytes [not shown], key: {})", self.bytes.len(), self.key)
    }
}

/// Why a picture was not encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// A side is shorter than [`SHORTEST_SIDE`] or longer than [`LONGEST_SIDE`].
    #[error("a picture of {width} × {height} is not encoded")]
    Size {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The picture is not later than the one before it.
    #[error("time stamp {pts} is not behind {last}")]
    Time {
        /// Of this picture.
        pts: u64,
        /// Of the last one.
        last: u64,
    },
    /// libvpx refused it, with its `vpx_codec_err_t`.
    #[error("libvpx refuses the picture with code {code}")]
    Refused {
        /// As in `vpx_codec.h`.
        code: i32,
    },
}

/// Turns the pictures of one source into frames.
///
/// The bit rate is that of time as the pictures' stamps tell it, smoothed over eight of them: a camera that is irregular
/// does not make its pictures good and bad in turns, and the first one after a pause is no burst.
#[derive(Debug)]
pub struct Encoder {
    tuning: Tuning,
    bits_per_second: u32,
    frames_per_second: u32,
    /// Of this size since its last key frame that a change of size made. None until the first picture.
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    codec: vpx::Encoder,
    size: (u16, u16),
    last: u64,
    /// libvpx's own clock, which is without gaps. It has a picture's share of bits from how far the clock goes for it.
    clock: i64,
    /// Ticks from picture to picture, smoothed.
    interval: u32,
}

impl Encoder {
    /// Bits in a second that can be asked for.
    pub const BIT_RATES: std::ops::RangeInclusive<u32> = 30_000..=20_000_000;
    /// Frames in a second that can be asked for.
    pub const FRAME_RATES: std::ops::RangeInclusive<u32> = 1..=60;

    /// One without a size yet: it takes that of the first picture. Rates outside of [`Self::BIT_RATES`] and
    /// [`Self::FRAME_RATES`] are the nearest inside.
    #[must_use]
    pub fn new(tuning: Tuning, bits_per_second: u32, frames_per_second: u32) -> Self {
        Self {
            tuning,
            bits_per_second: within(&Self::BIT_RATES, bits_per_second),
            frames_per_second: within(&Self::FRAME_RATES, frames_per_second),
            state: None,
        }
    }

    /// From the next picture on.
    ///
    /// # Errors
    /// [`EncodeError::Refused`].
    pub fn set_bitrate(&mut self, bits_per_second: u32) -> Result<(), EncodeError> {
        self.bits_per_second = within(&Self::BIT_RATES, bits_per_second);
        self.rates()
    }

    /// How many pictures a second are expected from now on.
    ///
    /// # Errors
    /// [`EncodeError::Refused`].
    pub fn set_framerate(&mut self, frames_per_second: u32) -> Result<(), EncodeError> {
        self.frames_per_second = within(&Self::FRAME_RATES, frames_per_second);
        let interval = self.interval();
        if let Some(state) = &mut self.state {
            state.interval = interval;
        }
        self.rates()
    }

    /// The frame of the next picture, shown at `pts` in ticks of [`CLOCK`]. It is a key frame where `force_key` wants
    /// one, where the size is another one, and where libvpx finds a new scene.
    ///
    /// # Errors
    /// [`EncodeError`]. The picture is left out, and the next one may be tried.
    pub fn encode<B: AsRef<[u8]>>(
        &mut self,
        picture: &I420<B>,
        pts: u64,
        force_key: bool,
    ) -> Result<Encoded, EncodeError> {
        let size = (picture.width(), picture.height());
        let (settings, expected) = (self.settings(size)?, self.interval());
        if let Some(last) = self.state.as_ref().map(|state| state.last).filter(|last| pts <= *last) {
            return Err(EncodeError::Time { pts, last });
        }
        let state = match &mut self.state {
            Some(state) if state.size == size => state,
            // libvpx can be told of another size, but not of a larger one, and what it does then has had its holes.
            former => {
                let codec = vpx::Encoder::new(&settings)?;
                former.insert(State { codec, size, last: pts, clock: 0, interval: expected })
            }
        };
        // A picture that is late counts as one that was left out, however long it took.
        let passed = pts.saturating_sub(state.last).min(2 * u64::from(expected));
        if let Some(passed) = u32::try_from(passed).ok().filter(|passed| *passed > 0) {
            state.interval = (7 * state.interval + passed).div_ceil(8);
        }
        let encoded = state.codec.encode(picture, state.clock, state.interval, force_key)?;
        state.last = pts;
        state.clock += i64::from(state.interval);
        Ok(encoded)
    }

    /// Ticks from picture to picture, as they are expected.
    fn interval(&self) -> u32 {
        CLOCK / self.frames_per_second
    }

    fn rates(&mut self) -> Result<(), EncodeError> {
        let (rate, key_frame) = (self.bits_per_second / 1000, self.key_frame_percent());
        self.state.as_mut().map_or(Ok(()), |state| state.codec.set_rates(rate, key_frame))
    }

    fn key_frame_percent(&self) -> u32 {
        match self.tuning {
            // A third of a second, and three frames at least.
            Tuning::Camera => (33 * self.frames_per_second).max(300),
            // As long as it takes: it comes once, and then everybody can read it.
            Tuning::Screen => 0,
        }
    }

    fn settings(&self, (width, height): (u16, u16)) -> Result<vpx::Settings, EncodeError> {
        let sides = SHORTEST_SIDE..=LONGEST_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(EncodeError::Size { width, height });
        }
        let pixels = u32::from(width) * u32::from(height);
        let camera = vpx::Settings {
            width: u32::from(width),
            height: u32::from(height),
            kilobits_per_second: self.bits_per_second / 1000,
            min_quantizer: 2,
            max_quantizer: 56,
            key_frame_percent: self.key_frame_percent(),
            static_threshold: 1,
            // Several can be decoded by several threads, which is worth it in large pictures and costs nine bytes.
            token_partitions: if pixels > SMALL { 2 } else { 0 },
            cpu_used: cpu_used(pixels),
            screen_content: 0,
        };
        Ok(match self.tuning {
            Tuning::Camera => camera,
            Tuning::Screen => vpx::Settings {
                // A page of small letters begins with 36 dB and grows better from there as far as the bit rate goes; at
                // 56, as for a camera, it begins with 26 dB and cannot be read for seconds.
                max_quantizer: 36,
                static_threshold: 100,
                cpu_used: FASTEST,
                screen_content: 1,
                ..camera
            },
        })
    }
}

const SMALL: u32 = 640 * 360;
const LARGE: u32 = 1280 * 720;
const FULL: u32 = 1920 * 1080;
/// Half the time of -4 in 1080p. The rest of the way to -16 would save another seventh.
const FASTEST: i32 = -12;

/// libvpx's speed for a camera: what is small has the time to be good (decision 0050).
fn cpu_used(pixels: u32) -> i32 {
    match pixels {
        0..SMALL => -4,
        SMALL..LARGE => -6,
        LARGE..FULL => -8,
        FULL.. => FASTEST,
    }
}

fn within(range: &std::ops::RangeInclusive<u32>, wanted: u32) -> u32 {
    wanted.clamp(*range.start(), *range.end())
}
