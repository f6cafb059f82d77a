//! Opus (RFC 6716) by libopus: voice in one channel at 48 kHz, 20 ms in a packet.
//!
//! A packet carries a coarse copy of the one before it, so that one that was lost comes back with the next.

use ::opus::{Application, Bitrate, Channels, ErrorCode};
use thiserror::Error;

/// Samples of a packet: 20 ms at 48 kHz.
pub const FRAME: usize = 960;

/// 20 ms of sound.
pub type Samples = [i16; FRAME];

/// Samples in a second, which is also RTP's clock of Opus (RFC 7587 §4.1).
pub const RATE: u32 = 48_000;

/// The longest packet of 20 ms: one frame of 1,275 bytes and its first byte (RFC 6716 §3.2.1), which is more than any
/// bit rate here asks for.
const LONGEST: usize = 1276;

/// A packet of so many bytes says no more than "silence" and need not be sent (`opus_encode` in `opus.h`).
const SILENT: usize = 2;

/// Why sound was not encoded, or no coder made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("libopus refuses with code {code}")]
pub struct EncodeError {
    /// As in `opus_defines.h`.
    pub code: i32,
}

/// Why a packet gave no sound. Another one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Nothing in it.
    #[error("the packet is empty")]
    Empty,
    /// Another duration than 20 ms.
    #[error("the packet has {samples} samples and not 960")]
    Duration {
        /// At 48 kHz.
        samples: usize,
    },
    /// Not what was encoded.
    #[error("the packet is damaged")]
    Damaged,
    /// libopus refused it.
    #[error("libopus refuses the packet with code {code}")]
    Refused {
        /// As in `opus_defines.h`.
        code: i32,
    },
}

/// Turns one voice into packets.
#[derive(Debug)]
pub struct Encoder {
    codec: ::opus::Encoder,
    /// The last packet was one that says "silence", and the far side has it.
    silent: bool,
}

impl Encoder {
    /// Bits in a second that can be asked for.
    pub const BIT_RATES: std::ops::RangeInclusive<u32> = 16_000..=64_000;

    /// At a bit rate in [`Self::BIT_RATES`], or the nearest inside, and for a line that loses `loss_percent` of its
    /// packets: with 0 no copies are made.
    ///
    /// # Errors
    /// [`EncodeError`] when there is no memory.
    pub fn new(bits_per_second: u32, loss_percent: u8) -> Result<Self, EncodeError> {
        let mut codec = ::opus::Encoder::new(RATE, Channels::Mono, Application::Voip).map_err(refused)?;
        codec.set_inband_fec(true).map_err(refused)?;
        codec.set_dtx(true).map_err(refused)?;
        let mut encoder = Self { codec, silent: false };
        encoder.set_bitrate(bits_per_second)?;
        encoder.set_loss(loss_percent)?;
        Ok(encoder)
    }

    /// From the next packet on; outside of [`Self::BIT_RATES`] the nearest inside.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn set_bitrate(&mut self, bits_per_second: u32) -> Result<(), EncodeError> {
        let rate = bits_per_second.clamp(*Self::BIT_RATES.start(), *Self::BIT_RATES.end());
        self.codec.set_bitrate(Bitrate::Bits(rate.cast_signed())).map_err(refused)
    }

    /// How many of 100 packets the line loses, by what the far side reports. More than 100 are 100.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn set_loss(&mut self, percent: u8) -> Result<(), EncodeError> {
        self.codec.set_packet_loss_perc(i32::from(percent.min(100))).map_err(refused)
    }

    /// The packet of the next 20 ms, at most 1,276 bytes. While nobody speaks there is none, but for the first, which
    /// says so, and two every 400 ms, which bring the sound of the room and say so again (RFC 6716 §2.1.9).
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn encode(&mut self, samples: &Samples) -> Result<Option<Vec<u8>>, EncodeError> {
        let packet = self.codec.encode_vec(samples, LONGEST).map_err(refused)?;
        let known = std::mem::replace(&mut self.silent, packet.len() <= SILENT);
        Ok((!(known && self.silent)).then_some(packet))
    }
}

/// Turns the packets of one voice into sound, whatever the sender's channels, and what is missing into something near.
#[derive(Debug)]
pub struct Decoder(::opus::Decoder);

impl Decoder {
    /// One that heard nothing yet.
    ///
    /// # Errors
    /// [`DecodeError::Refused`] when there is no memory.
    pub fn new() -> Result<Self, DecodeError> {
        ::opus::Decoder::new(RATE, Channels::Mono).map(Self).map_err(unheard)
    }

    /// The sound of the next packet.
    ///
    /// # Errors
    /// [`DecodeError`]: nothing was heard of these 20 ms, and [`Self::conceal`] fills them.
    pub fn decode(&mut self, packet: &[u8]) -> Result<Samples, DecodeError> {
        duration(packet)?;
        self.sound(packet, false)
    }

    /// The sound of the packet before `next`, which was lost: by the copy that `next` carries, else as
    /// [`Self::conceal`]. It has to be asked for before `next` itself is decoded.
    ///
    /// # Errors
    /// [`DecodeError`], as for [`Self::decode`].
    pub fn recover(&mut self, next: &[u8]) -> Result<Samples, DecodeError> {
        duration(next)?;
        self.sound(next, true)
    }

    /// 20 ms in place of a packet that is lost and of which there is no copy: the voice goes on and fades.
    ///
    /// # Errors
    /// [`DecodeError::Refused`].
    pub fn conceal(&mut self) -> Result<Samples, DecodeError> {
        self.sound(&[], false)
    }

    fn sound(&mut self, packet: &[u8], copy: bool) -> Result<Samples, DecodeError> {
        let mut samples = [0; FRAME];
        match self.0.decode(packet, &mut samples, copy).map_err(unheard)? {
            FRAME => Ok(samples),
            samples => Err(DecodeError::Duration { samples }),
        }
    }
}

/// What a packet says of its length, read before it is decoded (RFC 6716 §3.1).
fn duration(packet: &[u8]) -> Result<(), DecodeError> {
    if packet.is_empty() {
        return Err(DecodeError::Empty);
    }
    match ::opus::packet::get_nb_samples(packet, RATE).map_err(unheard)? {
        FRAME => Ok(()),
        samples => Err(DecodeError::Duration { samples }),
    }
}

fn refused(error: ::opus::Error) -> EncodeError {
    EncodeError { code: error.code() as i32 }
}

fn unheard(error: ::opus::Error) -> DecodeError {
    if error.code() == ErrorCode::InvalidPacket {
        return DecodeError::Damaged;
    }
    DecodeError::Refused { code: error.code() as i32 }
}
