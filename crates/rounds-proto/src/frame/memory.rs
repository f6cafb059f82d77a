//! What is remembered of the frames and packets that one key opened, so that none is opened twice.
//!
//! Frames and packets have one memory: a data packet is authenticated as a VP9 frame is, with nothing readable before
//! it, so one could come again as the other. What remains is a packet that is forgotten and comes as the first frame of
//! a source that was not there before; it is no picture.

use super::iv::{Iv, Seen, later};
use super::opener::OpenError;
use std::collections::BTreeMap;

/// Of one key.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    frames: Seen,
    /// By source, the latest timestamp whose IV was forgotten: without its IV, nothing up to it can be told from a
    /// repetition.
    frame_floors: BTreeMap<u32, u32>,
    packets: Seen,
    /// The latest time of a packet whose IV was forgotten.
    packet_floor: Option<u32>,
}

impl Memory {
    /// Whether this IV opened nothing before.
    pub(super) fn check(&self, iv: &Iv) -> Result<(), OpenError> {
        if self.frames.has(iv) || self.packets.has(iv) {
            return Err(OpenError::Repeated);
        }
        let floor = self.frame_floors.get(&iv.source()).copied();
        if is_above(floor, iv.timestamp()) { Ok(()) } else { Err(OpenError::Late) }
    }

    /// The same for a data packet, whose sources are drawn anew for each: their times have one floor.
    pub(super) fn check_packet(&self, iv: &Iv) -> Result<(), OpenError> {
        self.check(iv)?;
        if is_above(self.packet_floor, iv.timestamp()) { Ok(()) } else { Err(OpenError::Late) }
    }

    /// Remembers a frame's IV, and of those before it the last `most`.
    pub(super) fn add_frame(&mut self, iv: Iv, most: usize) {
        if let Some(forgotten) = self.frames.add(iv, most) {
            self.raise_frame_floor(&forgotten);
        }
    }

    /// Remembers a packet's IV, and of those before it the last `most`. Without `has_floor`, one that is forgotten may
    /// come again.
    pub(super) fn add_packet(&mut self, iv: Iv, most: usize, has_floor: bool) {
        if let Some(forgotten) = self.packets.add(iv, most)
            && has_floor
        {
            self.raise_packet_floor(&forgotten);
        }
    }

    /// Whether the key opened nothing yet.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.packets.is_empty() && self.frame_floors.is_empty() && self.packet_floor.is_none()
    }

    /// Forgets every IV, and refuses what is not later than they were.
    #[must_use]
    pub(super) fn condensed(mut self) -> Self {
        for iv in std::mem::take(&mut self.frames).into_ivs() {
            self.raise_frame_floor(&iv);
        }
        for iv in std::mem::take(&mut self.packets).into_ivs() {
            self.raise_packet_floor(&iv);
        }
        self
    }

    /// Refuses also what this one refuses, which remembers no IVs.
    pub(super) fn absorb(&mut self, condensed: &Self) {
        for (source, floor) in &condensed.frame_floors {
            let own = self.frame_floors.entry(*source).or_insert(*floor);
            *own = later(*own, *floor);
        }
        if let Some(floor) = condensed.packet_floor {
            self.packet_floor = Some(self.packet_floor.map_or(floor, |own| later(own, floor)));
        }
    }

    fn raise_frame_floor(&mut self, iv: &Iv) {
        let floor = self.frame_floors.entry(iv.source()).or_insert(iv.timestamp());
        *floor = later(*floor, iv.timestamp());
    }

    fn raise_packet_floor(&mut self, iv: &Iv) {
        self.packet_floor = Some(self.packet_floor.map_or(iv.timestamp(), |floor| later(floor, iv.timestamp())));
    }
}

/// Whether `timestamp` is later than `floor`.
pub(super) fn is_after(floor: u32, timestamp: u32) -> bool {
    floor != timestamp && later(floor, timestamp) == timestamp
}

fn is_above(floor: Option<u32>, timestamp: u32) -> bool {
    floor.is_none_or(|floor| is_after(floor, timestamp))
}
