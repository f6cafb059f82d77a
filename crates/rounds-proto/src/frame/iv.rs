//! IVs: which one a frame gets that leaves, and which ones are refused when they come.

use std::collections::{BTreeSet, VecDeque};

pub(super) const IV_BYTES: usize = 12;
/// The counter in an IV begins again after as many frames (client-sdk-js `FrameCryptor.ts`, `makeIV`).
const COUNTS: u32 = 0xffff;
/// Of two 32-bit timestamps the later is the one that is ahead by less than this (RFC 1982 §3.2).
const HALF: u32 = 1 << 31;

/// What AES-GCM must never see twice under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Iv([u8; IV_BYTES]);

impl Iv {
    pub(super) const fn new(bytes: [u8; IV_BYTES]) -> Self {
        Self(bytes)
    }

    fn of(source: u32, timestamp: u32, count: u32) -> Self {
        let mut bytes = [0; IV_BYTES];
        bytes[..4].copy_from_slice(&source.to_be_bytes());
        bytes[4..8].copy_from_slice(&timestamp.to_be_bytes());
        bytes[8..].copy_from_slice(&timestamp.wrapping_sub(count).to_be_bytes());
        Self(bytes)
    }

    pub(super) const fn bytes(&self) -> &[u8; IV_BYTES] {
        &self.0
    }

    /// The SSRC that the sender had; the server may have given the packets another.
    pub(super) const fn source(&self) -> u32 {
        u32::from_be_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }

    /// The sender's RTP timestamp, likewise.
    pub(super) const fn timestamp(&self) -> u32 {
        u32::from_be_bytes([self.0[4], self.0[5], self.0[6], self.0[7]])
    }
}

/// How far `timestamp` lies behind `newest`, in ticks; 0 where it is ahead.
pub(super) const fn behind(newest: u32, timestamp: u32) -> u32 {
    let behind = newest.wrapping_sub(timestamp);
    if behind < HALF { behind } else { 0 }
}

/// The later of two timestamps.
pub(super) const fn later(one: u32, other: u32) -> u32 {
    if other.wrapping_sub(one) < HALF { other } else { one }
}

/// The IVs of one source.
///
/// No IV comes twice under a key: timestamps never go back and, under one key, go once around at most, so that each
/// value is reached once; and frames of the same timestamp differ in the counter.
#[derive(Debug)]
pub(super) struct Ivs {
    source: u32,
    count: u32,
    run: Option<Run>,
}

/// What was given out under one key.
#[derive(Debug, Clone, Copy)]
struct Run {
    key: usize,
    newest: u32,
    /// Since the key's first frame, in ticks.
    passed: u32,
    /// Frames of the newest timestamp.
    same: u32,
}

/// Why there is no IV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoIv {
    /// The timestamp lies before the last one.
    WentBack,
    /// Under this key every IV may have been used.
    Spent,
}

impl Ivs {
    /// `first` is where the counter begins.
    pub(super) fn new(source: u32, first: u16) -> Self {
        Self { source, count: u32::from(first) % COUNTS, run: None }
    }

    /// For the next frame under the key with the number `key`.
    pub(super) fn next(&mut self, key: usize, timestamp: u32) -> Result<Iv, NoIv> {
        let run = match self.run {
            Some(run) if run.key == key => {
                let ahead = timestamp.wrapping_sub(run.newest);
                if ahead >= HALF {
                    return Err(NoIv::WentBack);
                }
                let passed = run.passed.checked_add(ahead).ok_or(NoIv::Spent)?;
                let same = if ahead == 0 { run.same + 1 } else { 1 };
                if same > COUNTS {
                    return Err(NoIv::Spent);
                }
                Run { key, newest: timestamp, passed, same }
            }
            Some(_) | None => Run { key, newest: timestamp, passed: 0, same: 1 },
        };
        let iv = Iv::of(self.source, timestamp, self.count);
        self.run = Some(run);
        self.count = (self.count + 1) % COUNTS;
        Ok(iv)
    }
}

/// The last IVs that came under one key.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    order: VecDeque<Iv>,
    all: BTreeSet<Iv>,
}

impl Seen {
    pub(super) fn has(&self, iv: &Iv) -> bool {
        self.all.contains(iv)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn into_ivs(self) -> impl Iterator<Item = Iv> {
        self.order.into_iter()
    }

    /// Adds one that is not there; returns the one that is forgotten for it, where there are more than `most`.
    pub(super) fn add(&mut self, iv: Iv, most: usize) -> Option<Iv> {
        self.order.push_back(iv);
        self.all.insert(iv);
        if self.order.len() <= most {
            return None;
        }
        let oldest = self.order.pop_front()?;
        self.all.remove(&oldest);
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::{Iv, Ivs, NoIv, behind, later};
    use std::collections::BTreeSet;

    #[test]
    fn timestamps_are_compared_around_the_end_of_their_range() {
        for (newest, timestamp, expected) in
            [(10, 4, 6), (4, 10, 0), (5, u32::MAX, 6), (u32::MAX, 5, 0), (7, 7, 0), (0, 1 << 31, 0), (0, u32::MAX, 1)]
        {
            assert_eq!(behind(newest, timestamp), expected, "{timestamp} behind {newest}");
        }
        assert_eq!((later(u32::MAX, 3), later(3, u32::MAX), later(3, 3)), (3, 3, 3), "3 comes after the end");
    }

    #[test]
    fn an_iv_names_source_time_and_count() {
        let mut ivs = Ivs::new(0x1122_3344, 2);
        let first = ivs.next(0, 1).map(|iv| *iv.bytes());
        // 1 - 2 = 0xFFFFFFFF.
        assert_eq!(first, Ok([0x11, 0x22, 0x33, 0x44, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]), "BE32 each");
        let read = Iv::new([0, 0, 0, 7, 0, 0, 1, 0, 9, 9, 9, 9]);
        assert_eq!((read.source(), read.timestamp()), (7, 256), "read back");
    }

    #[test]
    fn frames_of_one_timestamp_have_65_535_ivs_and_no_more() {
        let mut ivs = Ivs::new(1, 0xffff);
        let given: BTreeSet<Iv> = (0..0xffff).map(|_| ivs.next(0, 9).expect("there are as many")).collect();
        assert_eq!(given.len(), 0xffff, "all of them differ");
        assert_eq!(ivs.next(0, 9).err(), Some(NoIv::Spent), "the counter is where it began");
        assert!(ivs.next(0, 10).is_ok(), "another timestamp");
        assert_eq!(ivs.next(0, 9).err(), Some(NoIv::WentBack), "and not back");
        assert!(ivs.next(1, 9).is_ok(), "another key");
    }

    #[test]
    fn timestamps_go_around_once_under_a_key() {
        let mut ivs = Ivs::new(1, 0);
        let steps = [0, 0x7000_0000, 0xe000_0000, 0xffff_ffff];
        for step in steps {
            assert!(ivs.next(0, 5_u32.wrapping_add(step)).is_ok(), "{step:#x} after the first");
        }
        assert_eq!(ivs.next(0, 5).err(), Some(NoIv::Spent), "the first timestamp again");
        assert!(ivs.next(1, 5).is_ok(), "under another key");
    }
}
