//! How much of what was sent has arrived.

use std::collections::HashMap;
use str0m::rtp::Ssrc;
use str0m::rtp::rtcp::{ReceptionReport, ReportList};

/// Packets over some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Loss {
    /// Were sent.
    pub(crate) expected: u64,
    /// Did not arrive.
    pub(crate) missing: u64,
}

impl Loss {
    pub(super) fn add(&mut self, other: Self) {
        self.expected += other.expected;
        self.missing += other.missing;
    }
}

/// What a client reports of the streams that go to it (RFC 3550 §6.4.1): both numbers only grow.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// The highest number and the sum of the lost, as they were said last.
    last: HashMap<Ssrc, (u32, u32)>,
    sum: Loss,
}

/// No client has more streams: 25 people with four tracks each are 100, and each repaired picture has two.
const MOST_STREAMS: usize = 400;

impl Reports {
    pub(super) fn heard(&mut self, reports: &ReportList<ReceptionReport>) {
        for report in reports {
            self.one(report.ssrc, report.max_seq, report.packets_lost);
        }
    }

    pub(super) fn one(&mut self, stream: Ssrc, highest: u32, lost: u32) {
        if self.last.len() >= MOST_STREAMS && !self.last.contains_key(&stream) {
            return;
        }
        // A first report has nothing before it, and numbers that fall are another stream's.
        if let Some((highest_before, lost_before)) = self.last.insert(stream, (highest, lost))
            && let Some(expected) = highest.checked_sub(highest_before)
        {
            // What comes twice or late makes the sum of the lost fall.
            let missing = lost.saturating_sub(lost_before).min(expected);
            self.sum.add(Loss { expected: expected.into(), missing: missing.into() });
        }
    }

    /// The sum since this was asked last.
    pub(super) fn take(&mut self) -> Loss {
        std::mem::take(&mut self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::{Loss, Reports};

    #[test]
    fn the_loss_is_what_the_reports_grew_by() {
        let mut reports = Reports::default();
        // RFC 3550 §6.4.1: 1,000 packets up to the first report, then 100 of which 30 are lost.
        reports.one(1.into(), 1000, 5);
        assert_eq!(reports.take(), Loss::default(), "nothing is before it");
        reports.one(1.into(), 1100, 35);
        reports.one(2.into(), 7, 0);
        assert_eq!(reports.take(), Loss { expected: 100, missing: 30 }, "since then");
        reports.one(1.into(), 50, 0);
        assert_eq!(reports.take(), Loss::default(), "another stream under the same number");
        reports.one(1.into(), 60, 0x00ff_ffff);
        assert_eq!(reports.take(), Loss { expected: 10, missing: 10 }, "no more than were sent");
    }
}
