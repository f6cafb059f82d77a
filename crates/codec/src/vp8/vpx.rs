//! The only unsafe code of this crate: calls of the shim over libvpx (`shim.c`), which checks every return code.
//!
//! A handle owns what the shim made and is not copied. Whatever libvpx lends is behind a borrow of its handle.
#![expect(unsafe_code, reason = "libvpx is C")]

use super::{DecodeError, EncodeError, Encoded};
use crate::I420;
use crate::i420::{Channel, Plane};
use std::ffi::c_int;
use std::marker::{PhantomData, PhantomPinned};
use std::ptr::{self, NonNull};

/// How an encoder is made. Mirrors `konsil_vp8_settings` in `shim.c`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct Settings {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) kilobits_per_second: u32,
    /// 0 is the finest step of quantization, 63 the coarsest.
    pub(super) min_quantizer: u32,
    pub(super) max_quantizer: u32,
    /// How large a key frame may be, in percent of an average frame. 0 is without a limit.
    pub(super) key_frame_percent: u32,
    /// Below this difference a block counts as unchanged.
    pub(super) static_threshold: u32,
    /// The binary logarithm of their number.
    pub(super) token_partitions: u32,
    /// From -16, the fastest, to -1. Above zero libvpx measures time and decides by itself.
    pub(super) cpu_used: i32,
    pub(super) screen_content: i32,
}

/// Planes that are lent. Mirrors `konsil_vp8_planes` in `shim.c`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
struct Planes {
    bytes: [*const u8; 3],
    strides: [i32; 3],
    width: u32,
    height: u32,
}

impl Planes {
    const NONE: Self = Self { bytes: [ptr::null(); 3], strides: [0; 3], width: 0, height: 0 };
}

/// `konsil_vp8_encoder` and `konsil_vp8_decoder`: only the shim knows what is in them.
#[repr(C)]
struct Opaque {
    _nothing: [u8; 0],
    _neither_moved_nor_shared: PhantomData<(*mut u8, PhantomPinned)>,
}

// SAFETY: the declarations are those of `shim.c`.
unsafe extern "C" {
    fn konsil_vp8_encoder_new(settings: *const Settings, made: *mut *mut Opaque) -> c_int;
    fn konsil_vp8_encoder_rate(encoder: *mut Opaque, kilobits_per_second: u32, key_frame_percent: u32) -> c_int;
    fn konsil_vp8_encoder_encode(
        encoder: *mut Opaque,
        planes: *const Planes,
        time: i64,
        duration: u32,
        force_key: i32,
        bytes: *mut *const u8,
        length: *mut usize,
        key: *mut i32,
    ) -> c_int;
    fn konsil_vp8_encoder_free(encoder: *mut Opaque);
    fn konsil_vp8_decoder_new(made: *mut *mut Opaque) -> c_int;
    fn konsil_vp8_decoder_decode(
        decoder: *mut Opaque,
        bytes: *const u8,
        length: u32,
        planes: *mut Planes,
        shown: *mut i32,
    ) -> c_int;
    fn konsil_vp8_decoder_free(decoder: *mut Opaque);
}

/// `VPX_CODEC_MEM_ERROR` and `VPX_CODEC_INVALID_PARAM` of `vpx_codec.h`.
const NO_MEMORY: i32 = 2;
const INVALID: i32 = 8;
/// `KONSIL_VP8_DAMAGED` and `VPX_CODEC_CORRUPT_FRAME`.
const DAMAGED: [i32; 2] = [103, 7];

impl EncodeError {
    fn from_code(code: c_int) -> Result<(), Self> {
        if code == 0 { Ok(()) } else { Err(Self::Refused { code }) }
    }
}

impl DecodeError {
    fn from_code(code: c_int) -> Result<(), Self> {
        match code {
            0 => Ok(()),
            code if DAMAGED.contains(&code) => Err(Self::Damaged),
            code => Err(Self::Refused { code }),
        }
    }
}

/// An encoder for pictures of one size.
#[derive(Debug)]
pub(super) struct Encoder(NonNull<Opaque>);

// SAFETY: libvpx keeps nothing of a codec in a thread; with one thread in its settings it starts none. `&Encoder` gives
// no access to anything.
unsafe impl Send for Encoder {}
// SAFETY: as above.
unsafe impl Sync for Encoder {}

impl Encoder {
    pub(super) fn new(settings: &Settings) -> Result<Self, EncodeError> {
        let mut made = ptr::null_mut();
        // SAFETY: both point to memory of the declared types, which outlives the call.
        EncodeError::from_code(unsafe { konsil_vp8_encoder_new(settings, &raw mut made) })?;
        NonNull::new(made).map(Self).ok_or(EncodeError::Refused { code: NO_MEMORY })
    }

    /// `key_frame_percent` as in [`Settings`].
    pub(super) fn set_rates(&mut self, kilobits_per_second: u32, key_frame_percent: u32) -> Result<(), EncodeError> {
        // SAFETY: the encoder lives as long as this handle, and nobody else has it meanwhile.
        let code = unsafe { konsil_vp8_encoder_rate(self.0.as_ptr(), kilobits_per_second, key_frame_percent) };
        EncodeError::from_code(code)
    }

    /// `time` and `duration` in ticks of [`super::CLOCK`].
    pub(super) fn encode<B: AsRef<[u8]>>(
        &mut self,
        picture: &I420<B>,
        time: i64,
        duration: u32,
        force_key: bool,
    ) -> Result<Encoded, EncodeError> {
        let planes = lent(picture).ok_or(EncodeError::Refused { code: INVALID })?;
        let (mut bytes, mut length, mut key) = (ptr::null(), 0, 0);
        // SAFETY: the encoder lives and nobody else has it; the planes have the rows and columns that the size asks for,
        // see `lent`, and are read only during the call; the shim refuses another size than the encoder's.
        let code = unsafe {
            konsil_vp8_encoder_encode(
                self.0.as_ptr(),
                &raw const planes,
                time,
                duration,
                i32::from(force_key),
                &raw mut bytes,
                &raw mut length,
                &raw mut key,
            )
        };
        EncodeError::from_code(code)?;
        if bytes.is_null() {
            return Err(EncodeError::Refused { code: NO_MEMORY });
        }
        // SAFETY: where the shim succeeds it lends `length` bytes of the encoder, good until its next call, which needs
        // this same handle.
        let bytes = unsafe { std::slice::from_raw_parts(bytes, length) }.to_vec();
        Ok(Encoded { bytes, key: key != 0 })
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made by `konsil_vp8_encoder_new` and freed here only.
        unsafe { konsil_vp8_encoder_free(self.0.as_ptr()) }
    }
}

/// The planes of a picture as C takes them. `None` where a stride has no place in an `int`.
fn lent<B: AsRef<[u8]>>(picture: &I420<B>) -> Option<Planes> {
    let (width, height) = (picture.width(), picture.height());
    let mut planes = Planes { width: u32::from(width), height: u32::from(height), ..Planes::NONE };
    for (n, channel) in Channel::ALL.into_iter().enumerate() {
        let Plane { bytes, stride } = picture.plane(channel);
        let (columns, rows) = channel.size(width, height);
        // The picture was checked when it was made. Here the check stands beside the pointer that needs it, since a type
        // that lends bytes may lend others each time.
        if stride < columns || bytes.len() < stride.checked_mul(rows - 1)?.checked_add(columns)? {
            return None;
        }
        planes.bytes[n] = bytes.as_ptr();
        planes.strides[n] = i32::try_from(stride).ok()?;
    }
    Some(planes)
}

/// A decoder, with the picture of its last frame.
#[derive(Debug)]
pub(super) struct Decoder {
    codec: NonNull<Opaque>,
    /// Into memory of the codec, good until its next call.
    shown: Option<Planes>,
}

// SAFETY: as for `Encoder`. `&Decoder` gives memory to read, which only `&mut Decoder` changes.
unsafe impl Send for Decoder {}
// SAFETY: as above.
unsafe impl Sync for Decoder {}

impl Decoder {
    pub(super) fn new() -> Result<Self, DecodeError> {
        let mut made = ptr::null_mut();
        // SAFETY: the pointer points to memory of the declared type, which outlives the call.
        DecodeError::from_code(unsafe { konsil_vp8_decoder_new(&raw mut made) })?;
        let codec = NonNull::new(made).ok_or(DecodeError::Refused { code: NO_MEMORY })?;
        Ok(Self { codec, shown: None })
    }

    /// After an error there is no picture.
    pub(super) fn decode(&mut self, frame: &[u8]) -> Result<(), DecodeError> {
        self.shown = None;
        let length = u32::try_from(frame.len()).or(Err(DecodeError::Refused { code: INVALID }))?;
        let (mut planes, mut shown) = (Planes::NONE, 0);
        // SAFETY: the decoder lives and nobody else has it; `length` bytes lie at the pointer and are read only during
        // the call; the others point to memory of the declared types.
        let code = unsafe {
            konsil_vp8_decoder_decode(self.codec.as_ptr(), frame.as_ptr(), length, &raw mut planes, &raw mut shown)
        };
        DecodeError::from_code(code)?;
        self.shown = (shown != 0).then_some(planes);
        Ok(())
    }

    /// What the last frame showed.
    pub(super) fn picture(&self) -> Option<I420<&[u8]>> {
        let planes = self.shown?;
        let (width, height) = (u16::try_from(planes.width).ok()?, u16::try_from(planes.height).ok()?);
        let mut lent = [Plane { bytes: &[][..], stride: 0 }; 3];
        for ((channel, lent), (&bytes, &stride)) in
            Channel::ALL.into_iter().zip(&mut lent).zip(planes.bytes.iter().zip(&planes.strides))
        {
            let (columns, rows) = channel.size(width, height);
            let stride = usize::try_from(stride).ok().filter(|stride| *stride >= columns)?;
            if bytes.is_null() || rows == 0 {
                return None;
            }
            // SAFETY: libvpx lends `rows` rows of `columns` samples, each `stride` bytes behind the other, and they stay
            // until the next call, which needs `&mut self`.
            let bytes = unsafe { std::slice::from_raw_parts(bytes, stride * (rows - 1) + columns) };
            *lent = Plane { bytes, stride };
        }
        I420::new(width, height, lent).ok()
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made by `konsil_vp8_decoder_new` and freed here only.
        unsafe { konsil_vp8_decoder_free(self.codec.as_ptr()) }
    }
}
