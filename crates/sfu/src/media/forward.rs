//! One track on its way to one listener: its packets are numbered anew, so that a change of layer is no hole
//! (RFC 3550 §5.1, RFC 7741 §4.2). Pure.
//!
//! A change of layer, and every beginning, waits for the first packet of a key frame. Frames are encrypted end to end;
//! what is read is the payload descriptor and the one bit behind it that tells a key frame, which the encryption leaves
//! in clear for this (client-sdk-js, `FrameCryptor.getUnencryptedBytes`).

use crate::rooms::Layer;
use std::time::{Duration, Instant};
use str0m::rtp::{Vp8Descriptor, Vp8Patch};

/// Where the numbers of a stream begin: anywhere but at zero, below which nothing can be numbered.
const FIRST_SEQUENCE: u64 = 1000;
/// The bits of a long and a short picture id, of a temporal index and of a key frame's index (RFC 7741 §4.2).
const LONG_PICTURE: u16 = 0x7fff;
const SHORT_PICTURE: u16 = 0x7f;
const KEY_INDEX: u8 = 0x1f;

/// What a packet says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) layer: Layer,
    /// Counted on beyond 16 bits.
    pub(super) sequence: u64,
    pub(super) timestamp: u32,
    pub(super) arrived: Instant,
    /// Whether decoding can begin here: the first packet of a key frame, or any packet of sound.
    pub(super) begins: bool,
    /// Of a packet of VP8.
    pub(super) picture: Option<Vp8Descriptor>,
}

/// What a packet says to the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rewritten {
    pub(super) sequence: u64,
    pub(super) timestamp: u32,
    pub(super) patch: Option<Vp8Patch>,
}

#[derive(Debug)]
pub(super) struct Forward {
    /// In units a second.
    clock: u32,
    current: Option<Course>,
    last: Option<Last>,
}

/// A run of packets of one layer.
#[derive(Debug, Clone, Copy)]
struct Course {
    layer: Layer,
    began_at: u64,
    sends_from: u64,
    timestamp: u32,
    picture: u16,
    temporal: u8,
    key: u8,
}

/// The newest that was sent.
#[derive(Debug, Clone, Copy)]
struct Last {
    sequence: u64,
    timestamp: u32,
    at: Instant,
    picture: u16,
    temporal: u8,
    key: u8,
}

impl Forward {
    pub(super) fn new(clock: u32) -> Self {
        Self { clock, current: None, last: None }
    }

    pub(super) fn layer(&self) -> Option<Layer> {
        self.current.map(|course| course.layer)
    }

    /// Nothing is sent until decoding can begin anew.
    pub(super) fn pause(&mut self) {
        self.current = None;
    }

    /// What becomes of a packet, where `target` is the layer that is to be sent by now. None: it does not leave.
    pub(super) fn packet(&mut self, head: Head, target: Layer) -> Option<Rewritten> {
        let here = self.current.is_some_and(|course| course.layer == head.layer);
        let wanted = head.layer == target || (self.current.is_none() && head.layer < target);
        if !here {
            if !head.begins || !wanted {
                return None;
            }
            self.current = Some(self.begin(head));
        }
        let course = self.current?;
        // What was sent before the change arrives late and belongs to nothing.
        let sequence = course.sends_from + head.sequence.checked_sub(course.began_at)?;
        let timestamp = head.timestamp.wrapping_add(course.timestamp);
        let mut sent = Last { sequence, timestamp, at: head.arrived, picture: 0, temporal: 0, key: 0 };
        let patch = head.picture.and_then(|picture| course.rewrite(picture, &mut sent));
        if head.picture.is_none()
            && let Some(last) = self.last
        {
            // Padding between frames has no picture.
            (sent.picture, sent.temporal, sent.key) = (last.picture, last.temporal, last.key);
        }
        if self.last.is_none_or(|last| last.sequence < sequence) {
            self.last = Some(sent);
        }
        Some(Rewritten { sequence, timestamp, patch })
    }

    fn begin(&self, head: Head) -> Course {
        let Some(last) = self.last else {
            return Course {
                layer: head.layer,
                began_at: head.sequence,
                sends_from: FIRST_SEQUENCE,
                timestamp: 0,
                picture: 0,
                temporal: 0,
                key: 0,
            };
        };
        let picture = head.picture;
        let after = last.timestamp.wrapping_add(self.ticks(head.arrived.saturating_duration_since(last.at)));
        Course {
            layer: head.layer,
            began_at: head.sequence,
            sends_from: last.sequence + 1,
            timestamp: after.wrapping_sub(head.timestamp),
            picture: last
                .picture
                .wrapping_add(1)
                .wrapping_sub(picture.and_then(|picture| picture.picture_id()).unwrap_or_default()),
            temporal: last
                .temporal
                .wrapping_add(1)
                .wrapping_sub(picture.and_then(|picture| picture.tl0_pic_idx()).unwrap_or_default()),
            key: last
                .key
                .wrapping_add(1)
                .wrapping_sub(picture.and_then(|picture| picture.key_idx()).unwrap_or_default()),
        }
    }

    /// A duration in the units of a timestamp, one at least: two frames never have the same.
    fn ticks(&self, passed: Duration) -> u32 {
        let ticks = passed.as_micros().saturating_mul(u128::from(self.clock)) / 1_000_000;
        u32::try_from(ticks).unwrap_or(u32::MAX).max(1)
    }
}

impl Course {
    /// New numbers for a packet's picture. The descriptor does not tell how long its id is: one that the short form
    /// cannot hold belongs to the long one.
    fn rewrite(&self, picture: Vp8Descriptor, sent: &mut Last) -> Option<Vp8Patch> {
        [LONG_PICTURE, SHORT_PICTURE].into_iter().find_map(|mask| {
            let mut patch = picture.patch();
            if let Some(id) = picture.picture_id() {
                sent.picture = id.wrapping_add(self.picture) & mask;
                patch = patch.picture_id(sent.picture);
            }
            if let Some(index) = picture.tl0_pic_idx() {
                sent.temporal = index.wrapping_add(self.temporal);
                patch = patch.tl0_pic_idx(sent.temporal);
            }
            if let Some(index) = picture.key_idx() {
                sent.key = index.wrapping_add(self.key) & KEY_INDEX;
                patch = patch.key_idx(sent.key);
            }
            patch.build().ok()
        })
    }
}
