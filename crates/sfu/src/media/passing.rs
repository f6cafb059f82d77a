//! One track on its way without the stack: packets as they come out of it, and how they would be written into it again.

use super::flow::Flow;
use super::head;
use super::history::{History, Sent};
use super::loss::Reports;
use crate::rooms::{Kind, Layer, Listener, Route, Seat};
use std::sync::Arc;
use std::time::Instant;
use str0m::media::{ExtensionValues, Mid};
use str0m::rtp::rtcp::NackEntry;

/// A track with its listeners.
#[derive(Debug)]
pub struct Passing {
    route: Route,
    flow: Flow,
    histories: Vec<History>,
    reports: Reports,
}

/// A packet as it leaves to one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// Which.
    pub listener: usize,
    /// Counted on beyond 16 bits.
    pub sequence: u64,
    /// Of RTP.
    pub timestamp: u32,
}

impl Passing {
    /// With so many listeners, who wish the largest layer.
    #[must_use]
    pub fn new(kind: Kind, listeners: u8) -> Self {
        let to = (1..=u64::from(listeners)).map(|seat| Listener {
            seat: Seat(seat),
            mid: "0".to_owned(),
            layer: Some(Layer::High),
        });
        let route = Route {
            track: "TR_1".to_owned(),
            kind,
            from: Seat(0),
            mid: "0".to_owned(),
            muted: false,
            to: to.collect(),
        };
        let flow = Flow::new(&route);
        let histories = route.to.iter().map(|_| History::default()).collect();
        Self { route, flow, histories, reports: Reports::default() }
    }

    /// A packet arrived; gives what leaves.
    pub fn packet(&mut self, layer: Layer, numbers: (u64, u32), payload: &[u8], now: Instant) -> Vec<Passed> {
        let head = head(self.route.kind, layer, numbers, now, payload);
        self.flow.arrived(&head, None);
        let mut passed = Vec::new();
        for (at, rewritten) in self.flow.forward(head) {
            if let Some(history) = self.histories.get_mut(at) {
                history.keep(Sent {
                    codec: 96.into(),
                    sequence: rewritten.sequence,
                    timestamp: rewritten.timestamp,
                    at: now,
                    marker: false,
                    values: ExtensionValues::default(),
                    payload: Arc::from(payload),
                    patch: rewritten.patch,
                });
            }
            passed.push(Passed { listener: at, sequence: rewritten.sequence, timestamp: rewritten.timestamp });
        }
        passed
    }

    /// A listener wishes another layer, or nothing.
    pub fn wish(&mut self, listener: usize, layer: Option<Layer>) {
        if let Some(to) = self.route.to.get_mut(listener) {
            to.layer = layer;
        }
        self.flow.update(&self.route);
    }

    /// The publisher is muted or not.
    pub fn mute(&mut self, muted: bool) {
        self.route.muted = muted;
        self.flow.update(&self.route);
    }

    /// A listener misses packets (RFC 4585 §6.2.1); gives how many are sent again.
    pub fn missing(&mut self, listener: usize, pid: u16, blp: u16, now: Instant) -> usize {
        self.histories.get_mut(listener).map_or(0, |history| history.again(NackEntry { pid, blp }, now).len())
    }

    /// A listener lost its picture.
    pub fn lost_picture(&mut self, listener: usize, now: Instant) {
        if let Some(to) = self.route.to.get(listener) {
            self.flow.lost_picture(to.seat, Mid::from("0"), now);
        }
    }

    /// How many key frames are asked for by now.
    pub fn requests(&mut self, now: Instant) -> usize {
        self.flow.requests(now).len()
    }

    /// A listener reports what arrived of a stream: its highest number, and how many are lost.
    pub fn report(&mut self, stream: u32, highest: u32, lost: u32) {
        self.reports.one(stream.into(), highest, lost);
    }

    /// How many packets were expected since the last time and how many of them are missing: from the publisher, and at the
    /// listeners.
    pub fn losses(&mut self) -> [(u64, u64); 2] {
        [self.flow.arrival(), self.reports.take()].map(|loss| (loss.expected, loss.missing))
    }
}
