//! What was sent to one listener in one section, for a while: what got lost on the way is sent again as it was
//! (RFC 4585 §6.2.1). Pure.
//!
//! The stack does this by itself where a client takes retransmissions in a stream of their own (RFC 4588). No client
//! does so for sound, so there the packet itself comes again under its own number.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::media::{ExtensionValues, Pt};
use str0m::rtp::rtcp::NackEntry;
use str0m::rtp::{RtpWrite, Vp8Patch};

/// What is older comes too late for anybody's ear.
const KEPT_FOR: Duration = Duration::from_secs(1);
/// More packets are not kept: a second of a picture in 3 Mbit/s.
const MOST: usize = 400;
/// One packet is sent again at most so often, whoever asks: what asking costs others is bounded.
const MOST_TIMES: u8 = 4;
/// Whoever asks again sooner has not waited for the answer.
const BETWEEN: Duration = Duration::from_millis(10);

/// A packet as it leaves.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) codec: Pt,
    pub(super) sequence: u64,
    pub(super) timestamp: u32,
    pub(super) at: Instant,
    pub(super) marker: bool,
    pub(super) values: ExtensionValues,
    pub(super) payload: Arc<[u8]>,
    pub(super) patch: Option<Vp8Patch>,
}

impl Sent {
    /// For the stack; `kept` where the stack is to send it again by itself.
    pub(super) fn written(&self, kept: bool) -> RtpWrite {
        // The time is that of the first sending also later, since the sender's reports are made from the two.
        let written =
            RtpWrite::new(self.codec, self.sequence.into(), self.timestamp, self.at, Arc::clone(&self.payload))
                .marker(self.marker)
                .ext_vals(self.values.clone())
                .nackable(kept);
        match self.patch {
            Some(patch) => written.vp8_patch(patch),
            None => written,
        }
    }
}

#[derive(Debug)]
struct Kept {
    packet: Sent,
    times: u8,
    last: Instant,
}

/// In the order of the numbers.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<Kept>);

impl History {
    /// Keeps what is sent.
    pub(super) fn keep(&mut self, packet: Sent) {
        let now = packet.at;
        let old = |kept: &Kept| now.saturating_duration_since(kept.packet.at) > KEPT_FOR;
        while self.0.len() >= MOST || self.0.front().is_some_and(old) {
            self.0.pop_front();
        }
        // Most come in their order.
        let place = self.0.partition_point(|kept| kept.packet.sequence < packet.sequence);
        self.0.insert(place, Kept { last: packet.at, packet, times: 0 });
    }

    /// What is to be sent again, where these are missing.
    pub(super) fn again(&mut self, missing: NackEntry, now: Instant) -> Vec<RtpWrite> {
        let Some(newest) = self.0.back().map(|kept| kept.packet.sequence) else { return Vec::new() };
        let numbers = missing.into_iter(newest.into());
        numbers.filter_map(|number| self.one(*number, now)).collect()
    }

    fn one(&mut self, number: u64, now: Instant) -> Option<RtpWrite> {
        let place = self.0.binary_search_by_key(&number, |kept| kept.packet.sequence).ok()?;
        let kept = self.0.get_mut(place)?;
        let age = now.saturating_duration_since(kept.packet.at);
        let waited = kept.times == 0 || now.saturating_duration_since(kept.last) >= BETWEEN;
        if age > KEPT_FOR || kept.times >= MOST_TIMES || !waited {
            return None;
        }
        kept.times += 1;
        kept.last = now;
        Some(kept.packet.written(false))
    }
}

#[cfg(test)]
mod tests {
    use super::{BETWEEN, History, KEPT_FOR, MOST, MOST_TIMES, Sent};
    use std::sync::Arc;
    use std::time::{Duration, Instant};
    use str0m::media::ExtensionValues;
    use str0m::rtp::rtcp::NackEntry;

    fn packet(sequence: u64, at: Instant) -> Sent {
        let payload: Arc<[u8]> = Arc::from(sequence.to_be_bytes());
        let values = ExtensionValues::default();
        Sent { codec: 111.into(), sequence, timestamp: 0, at, marker: false, values, payload, patch: None }
    }

    fn missing(pid: u16, blp: u16) -> NackEntry {
        NackEntry { pid, blp }
    }

    fn count(history: &mut History, pid: u16, blp: u16, now: Instant) -> usize {
        history.again(missing(pid, blp), now).len()
    }

    #[test]
    fn what_is_missing_is_sent_again_across_a_turn_of_the_numbers() {
        let (mut history, now) = (History::default(), Instant::now());
        for sequence in 65_530..65_545 {
            history.keep(packet(sequence, now));
        }
        // RFC 4585 §6.2.1: 65534 and, by the bits, the second and fourth after it.
        assert_eq!(count(&mut history, 65_534, 0b1010, now), 3, "the bitmask counts from the one after");
        assert_eq!(count(&mut history, 8, 0, now), 1, "65544, after the turn");
        assert_eq!(count(&mut history, 9, 0, now), 0, "65545 was never sent");
        assert_eq!(count(&mut history, 65_529, 0, now), 0, "nor was what is before the first");
    }

    #[test]
    fn what_came_out_of_order_is_found() {
        let (mut history, now) = (History::default(), Instant::now());
        for sequence in [7, 9, 8, 11, 10] {
            history.keep(packet(sequence, now));
        }
        assert_eq!(count(&mut history, 7, 0b1111, now), 5, "all of them");
    }

    #[test]
    fn whoever_asks_without_end_gets_each_packet_a_few_times() {
        let (mut history, began) = (History::default(), Instant::now());
        history.keep(packet(7, began));
        let asked = (0..1000).map(|at| began + Duration::from_micros(at * 100));
        let sent: usize = asked.map(|now| count(&mut history, 7, 0, now)).sum();
        assert_eq!(sent, usize::from(MOST_TIMES), "of a thousand");
        history.keep(packet(8, began));
        assert_eq!(count(&mut history, 8, 0, began), 1, "at once");
        assert_eq!(count(&mut history, 8, 0, began + BETWEEN / 2), 0, "the answer is under way");
    }

    #[test]
    fn what_is_too_old_or_too_much_is_forgotten() {
        let (mut history, began) = (History::default(), Instant::now());
        history.keep(packet(7, began));
        assert_eq!(count(&mut history, 7, 0, began + KEPT_FOR * 2), 0, "nobody waits for it");
        for sequence in 8..2000 {
            history.keep(packet(sequence, began));
        }
        assert_eq!(history.0.len(), MOST, "of two thousand");
    }
}
