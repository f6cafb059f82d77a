//! Frames of VP8 out of RTP packets (RFC 7741), in order and whole, or not at all: half a frame never reaches a cipher.
//!
//! A packet that is missing is waited for, since it is sent again where it was lost. Who waits too long is given the
//! next key frame: everything between would be painted on a picture that is not there.

use crate::frame::LARGEST_FRAME;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// A packet that was lost comes again after a round trip, or two.
const PATIENCE: Duration = Duration::from_millis(300);
/// The largest frame has some 1,800 packets; more than these do not wait.
const MOST_WAITING: usize = 4096;
/// RFC 3550 appendix A.1, `MAX_DROPOUT`: whoever jumps further has begun anew.
const JUMP: i64 = 3000;

/// What of an RTP packet (RFC 3550 §5.1) a frame is put together from.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its number.
    pub sequence: u16,
    /// Its time.
    pub timestamp: u32,
    /// The last of its frame.
    pub marker: bool,
    /// What follows the header.
    pub payload: Bytes,
}

/// A whole frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Whole {
    /// As it was encrypted.
    pub bytes: Vec<u8>,
    /// Of RTP.
    pub timestamp: u32,
    /// It depends on no other.
    pub key: bool,
    /// Frames are missing before it.
    pub gap: bool,
}

impl Whole {
    /// How large a picture that depends on no other is, in pixels (RFC 6386 §9.1, where it is never encrypted); none where
    /// it does not say.
    #[must_use]
    pub fn size(&self) -> Option<(u16, u16)> {
        let header = self.bytes.get(3..10).filter(|_| self.key)?;
        let &[0x9d, 0x01, 0x2a, width, more_width, height, more_height] = header else { return None };
        // The two highest bits say how it is to be enlarged.
        let side = |low, high| u16::from_le_bytes([low, high]) & 0x3fff;
        Some((side(width, more_width), side(height, more_height)))
    }
}

/// One stream, from one SSRC.
#[derive(Debug, Default)]
pub struct Frames {
    waiting: BTreeMap<i64, Part>,
    /// The packet that comes next.
    next: Option<i64>,
    highest: i64,
    /// The packet that is missing, and since when.
    hole: Option<(i64, Duration)>,
    /// The last frame that went out was followed by nothing that is missing.
    unbroken: bool,
    lost: bool,
}

impl Frames {
    /// Takes a packet and gives out the frames that are whole by it.
    pub fn push(&mut self, now: Duration, part: Part) -> Vec<Whole> {
        let place = self.place(part.sequence);
        if self.next.is_some_and(|next| place < next) {
            return Vec::new();
        }
        self.waiting.insert(place, part);
        if self.waiting.len() > MOST_WAITING {
            self.begin_anew();
        }
        let mut out = Vec::new();
        while let Some(step) = self.step(now) {
            out.extend(step);
        }
        out
    }

    /// Nothing is shown any more until a key frame comes.
    #[must_use]
    pub fn awaits_key(&self) -> bool {
        !self.unbroken
    }

    /// Shows nothing more before the next key frame: what went out did not arrive.
    pub fn skip_to_key(&mut self) {
        (self.unbroken, self.lost) = (false, true);
    }

    /// The packet's place in a row that does not wrap.
    fn place(&mut self, sequence: u16) -> i64 {
        let last = self.highest.rem_euclid(1 << 16);
        let ahead = (i64::from(sequence) - last + (1 << 15)).rem_euclid(1 << 16) - (1 << 15);
        let fresh = self.next.is_none() && self.waiting.is_empty();
        if fresh {
            self.highest = i64::from(sequence);
            return self.highest;
        }
        let place = self.highest + ahead;
        if ahead > JUMP {
            self.begin_anew();
        }
        self.highest = self.highest.max(place);
        place
    }

    fn begin_anew(&mut self) {
        self.waiting.clear();
        (self.next, self.hole) = (None, None);
        self.skip_to_key();
    }

    /// Takes what lies first: a frame, or something that is none. None while something has to come first.
    fn step(&mut self, now: Duration) -> Option<Option<Whole>> {
        let (&first, _) = self.waiting.first_key_value()?;
        if let Some(next) = self.next
            && first > next
        {
            return self.give_up(now, next, first).then_some(None);
        }
        let end = match self.end_of(first) {
            End::Nothing => {
                self.drop_until(first + 1);
                return Some(None);
            }
            End::Stray => {
                self.skip_to_key();
                self.drop_until(first + 1);
                return Some(None);
            }
            End::At(end) => end,
            End::Missing(missing) => {
                let beyond = self.waiting.range(missing..).next().map(|(&place, _)| place);
                return beyond.is_some_and(|beyond| self.give_up(now, missing, beyond)).then_some(None);
            }
        };
        let frame = self.take(first, end);
        self.next = Some(end + 1);
        self.hole = None;
        Some(frame)
    }

    /// Whether the packets from `missing` on are no longer waited for; then `beyond` is next.
    fn give_up(&mut self, now: Duration, missing: i64, beyond: i64) -> bool {
        let since = match self.hole {
            Some((place, since)) if place == missing => since,
            Some(_) | None => now,
        };
        if now.saturating_sub(since) < PATIENCE {
            self.hole = Some((missing, since));
            return false;
        }
        self.skip_to_key();
        self.drop_until(beyond);
        true
    }

    fn drop_until(&mut self, place: i64) {
        self.waiting = self.waiting.split_off(&place);
        self.next = Some(place);
        self.hole = None;
    }

    /// Where the frame ends that begins at `first`. It ends with its marker, or where another timestamp begins: the
    /// packet with the marker may be one of those that carry nothing.
    fn end_of(&self, first: i64) -> End {
        let Some(begin) = self.waiting.get(&first) else { return End::Missing(first) };
        if begin.payload.is_empty() {
            // A server fills the line with such packets to see how wide it is.
            return End::Nothing;
        }
        // S is set, and the partition is the first one.
        if begin.payload.first().is_none_or(|first| first & 0x17 != 0x10) || after_descriptor(&begin.payload).is_none()
        {
            return End::Stray;
        }
        let timestamp = begin.timestamp;
        let mut place = first;
        loop {
            match self.waiting.get(&place) {
                None => return End::Missing(place),
                Some(part) if part.timestamp != timestamp => return End::At(place - 1),
                Some(part) if part.marker => return End::At(place),
                Some(_) => place += 1,
            }
        }
    }

    /// The frame from `first` to `end`; none when it is of no use.
    fn take(&mut self, first: i64, end: i64) -> Option<Whole> {
        let rest = self.waiting.split_off(&(end + 1));
        let parts = std::mem::replace(&mut self.waiting, rest);
        let timestamp = parts.get(&first)?.timestamp;
        let mut bytes = Vec::new();
        for part in parts.values().filter(|part| !part.payload.is_empty()) {
            let payload = after_descriptor(&part.payload);
            let Some(payload) = payload.filter(|payload| bytes.len() + payload.len() <= LARGEST_FRAME) else {
                self.skip_to_key();
                return None;
            };
            bytes.extend_from_slice(payload);
        }
        // RFC 6386 §9.1: the first bit says whether it depends on another; it is never encrypted.
        let key = bytes.first()? & 1 == 0;
        if !self.unbroken && !key {
            self.lost = true;
            return None;
        }
        self.unbroken = true;
        Some(Whole { bytes, timestamp, key, gap: std::mem::take(&mut self.lost) })
    }
}

/// What follows the payload descriptor (RFC 7741 §4.2); none where the packet ends in it. rtc's own reader refuses packets
/// of fewer than four bytes, as which the end of a frame may come.
fn after_descriptor(payload: &[u8]) -> Option<&[u8]> {
    let (&first, mut rest) = payload.split_first()?;
    if first & 0x80 != 0 {
        let (&extensions, after) = rest.split_first()?;
        rest = after;
        if extensions & 0x80 != 0 {
            // The picture's number has seven bits, or fifteen.
            let long = rest.first()? & 0x80 != 0;
            rest = rest.get(if long { 2 } else { 1 }..)?;
        }
        if extensions & 0x40 != 0 {
            rest = rest.get(1..)?;
        }
        if extensions & 0x30 != 0 {
            rest = rest.get(1..)?;
        }
    }
    (!rest.is_empty()).then_some(rest)
}

/// Where a frame ends.
enum End {
    At(i64),
    /// This packet has not come yet.
    Missing(i64),
    /// It carries nothing.
    Nothing,
    /// It is no beginning of a frame.
    Stray,
}

#[cfg(test)]
mod tests {
    use super::{Frames, PATIENCE, Part, Whole};
    use bytes::Bytes;
    use std::time::Duration;

    const KEY: u8 = 0x00;
    const DELTA: u8 = 0x01;
    /// RFC 7741 §4.2: S is set, the partition's number is 0.
    const BEGINS: u8 = 0x10;
    const GOES_ON: u8 = 0x00;

    fn part(sequence: u16, timestamp: u32, marker: bool, payload: &[u8]) -> Part {
        Part { sequence, timestamp, marker, payload: Bytes::copy_from_slice(payload) }
    }

    /// A frame in two packets.
    fn pair(sequence: u16, timestamp: u32, kind: u8) -> [Part; 2] {
        [
            part(sequence, timestamp, false, &[BEGINS, kind, 7]),
            part(sequence.wrapping_add(1), timestamp, true, &[GOES_ON, 8, 9]),
        ]
    }

    fn all(frames: &mut Frames, now: Duration, parts: impl IntoIterator<Item = Part>) -> Vec<Whole> {
        parts.into_iter().flat_map(|part| frames.push(now, part)).collect()
    }

    fn times(frames: &[Whole]) -> Vec<u32> {
        frames.iter().map(|frame| frame.timestamp).collect()
    }

    #[test]
    fn a_frame_is_its_packets_without_their_descriptors() {
        let mut frames = Frames::default();
        let out = all(&mut frames, Duration::ZERO, pair(65_535, 10, KEY));
        let whole = Whole { bytes: vec![KEY, 7, 8, 9], timestamp: 10, key: true, gap: false };
        assert_eq!(out, [whole], "across the end of the numbers too");
        assert!(!frames.awaits_key(), "from here on others can follow");
    }

    #[test]
    fn a_key_frame_says_how_large_it_is() {
        let whole = |bytes: &[u8], key| Whole { bytes: bytes.to_vec(), timestamp: 0, key, gap: false };
        // RFC 6386 §9.1: three bytes, the start code, then 14 bits of each side and two of its scale.
        let frame = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x07, 0xb0, 0x44, 0];
        assert_eq!(whole(&frame, true).size(), Some((1920, 1200)), "without its scale");
        assert_eq!(whole(&frame, false).size(), None, "another one does not");
        assert_eq!(whole(&frame[..9], true).size(), None, "half a header says nothing");
        assert_eq!(whole(&[0; 11], true).size(), None, "nor what is none");
    }

    #[test]
    fn what_a_descriptor_has_more_is_passed_over() {
        // RFC 7741 §4.2: X; then I, L and T; a number of fifteen bits, TL0PICIDX, TID.
        for descriptor in [&[0x90, 0x80, 0x05][..], &[0x90, 0x80, 0x85, 0x01], &[0x90, 0xe0, 0x85, 0x01, 0x07, 0x40]] {
            let mut frames = Frames::default();
            let payload = [descriptor, &[KEY, 7, 8, 9]].concat();
            let out = all(&mut frames, Duration::ZERO, [part(0, 10, true, &payload)]);
            assert_eq!(out.first().map(|whole| &whole.bytes[..]), Some(&[KEY, 7, 8, 9][..]), "{descriptor:02x?}");
        }
        let mut frames = Frames::default();
        let cut_off = all(&mut frames, Duration::ZERO, [part(0, 10, true, &[0x90, 0x80]), part(1, 20, true, &[0x90])]);
        assert_eq!(cut_off, [], "and none that is cut off is a frame");
    }

    #[test]
    fn a_packet_that_comes_late_takes_its_place() {
        let mut frames = Frames::default();
        let mut parts = [pair(0, 10, KEY), pair(2, 20, DELTA), pair(4, 30, DELTA)].concat();
        parts.swap(2, 5);
        assert_eq!(times(&all(&mut frames, Duration::ZERO, parts)), [10, 20, 30], "in the order of their numbers");
    }

    #[test]
    fn a_frame_ends_where_another_begins() {
        let mut frames = Frames::default();
        let unmarked = [part(0, 10, false, &[BEGINS, KEY]), part(1, 10, false, &[])];
        assert_eq!(all(&mut frames, Duration::ZERO, unmarked), [], "it may go on");
        let out = all(&mut frames, Duration::ZERO, pair(2, 20, DELTA));
        assert_eq!(times(&out), [10, 20], "the next one says that it does not");
    }

    #[test]
    fn what_is_missing_is_waited_for_and_then_a_key_frame_is_next() {
        let mut frames = Frames::default();
        assert_eq!(times(&all(&mut frames, Duration::ZERO, pair(0, 10, KEY))), [10], "the beginning");
        let [lost, half] = pair(2, 20, DELTA);
        let later = [vec![half], pair(4, 30, DELTA).to_vec()].concat();
        assert_eq!(all(&mut frames, Duration::ZERO, later), [], "it may come again");
        let mut other = Frames::default();
        all(&mut other, Duration::ZERO, pair(0, 10, KEY));
        let after = [pair(2, 20, DELTA)[1].clone(), lost];
        assert_eq!(times(&all(&mut other, PATIENCE, after)), [20], "and where it does nothing is lost");

        let out = all(&mut frames, PATIENCE, pair(6, 40, DELTA));
        assert_eq!(out, [], "without what it depends on");
        assert!(frames.awaits_key(), "so one is to be asked for");
        let out = all(&mut frames, PATIENCE, [pair(8, 50, KEY), pair(10, 60, DELTA)].concat());
        assert_eq!(times(&out), [50, 60], "from the key frame on");
        assert_eq!(out.iter().map(|frame| frame.gap).collect::<Vec<_>>(), [true, false], "and it is said once");
    }

    #[test]
    fn a_hole_inside_a_frame_costs_that_frame() {
        let mut frames = Frames::default();
        let parts = [part(0, 10, false, &[BEGINS, KEY]), part(2, 10, true, &[GOES_ON, 1])];
        assert_eq!(all(&mut frames, Duration::ZERO, parts), [], "the middle may come again");
        let out = all(&mut frames, PATIENCE, [pair(3, 20, DELTA), pair(5, 30, KEY)].concat());
        assert_eq!(times(&out), [30], "it does not");
    }

    #[test]
    fn who_jumps_far_begins_anew_and_nobody_can_make_packets_pile_up() {
        let mut frames = Frames::default();
        all(&mut frames, Duration::ZERO, pair(0, 10, KEY));
        let out = all(&mut frames, Duration::ZERO, pair(20_000, 20, KEY));
        assert_eq!(times(&out), [20], "without waiting for 20,000 packets");
        let mut frames = Frames::default();
        all(&mut frames, Duration::ZERO, pair(0, 10, KEY));
        for number in 0..30_000_u32 {
            let sequence = u16::try_from((number * 2 + 4) % 65_536).expect("it is below 65,536");
            frames.push(Duration::ZERO, part(sequence, number, false, &[GOES_ON, 0]));
            assert!(frames.waiting.len() <= super::MOST_WAITING, "after {number} packets");
        }
    }

    #[test]
    fn nonsense_is_no_frame() {
        let mut frames = Frames::default();
        let mut state = 0x9e37_79b9_u32;
        for number in 0..20_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let bytes = state.to_be_bytes();
            let length = usize::from(bytes[0] % 5);
            let sequence = u16::from_be_bytes([bytes[1], bytes[2]]);
            let payload = bytes.get(..length).unwrap_or_default();
            frames.push(
                Duration::from_millis(u64::from(number)),
                part(sequence, state >> 24, bytes[3] & 1 == 1, payload),
            );
        }
        let out = all(&mut frames, Duration::from_secs(60), [pair(7, 10, KEY), pair(9, 20, KEY)].concat());
        assert!(
            times(&out).ends_with(&[20]) || frames.waiting.len() < 5_000,
            "it goes on, or waits for what is missing"
        );
    }
}
