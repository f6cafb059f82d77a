//! What goes through a peer connection, and by which way, read from its statistics (W3C webrtc-stats §8).

use rtc::peer_connection::transport::RTCIceCandidateType;
use rtc::statistics::report::{RTCStatsReport, RTCStatsReportEntry};
use rtc::statistics::stats::ice_candidate::RTCIceCandidateStats;
use rtc::statistics::stats::ice_candidate_pair::RTCIceCandidatePairStats;
use std::time::Duration;

/// By what packets travel to the media server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Straight to it, by UDP.
    Udp,
    /// Straight to it, by TCP.
    Tcp,
    /// By a TURN server (RFC 8656).
    Relay,
}

/// What has gone through a round's peer connection since that was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// None while no way was found.
    pub path: Option<Path>,
    /// To the server and back, as the last check of the way (RFC 7675) took; none before the first.
    pub round_trip: Option<Duration>,
    /// Bytes that left.
    pub sent: u64,
    /// Bytes that came.
    pub received: u64,
    /// In so many packets, those of RTCP among them.
    pub packets_received: u64,
}

pub(super) fn of(report: &RTCStatsReport) -> Traffic {
    let mut traffic = Traffic::default();
    // One that was left for another keeps what went through it.
    for pair in report.candidate_pairs() {
        traffic.sent = traffic.sent.saturating_add(pair.bytes_sent);
        traffic.received = traffic.received.saturating_add(pair.bytes_received);
        traffic.packets_received = traffic.packets_received.saturating_add(pair.packets_received);
    }
    let chosen = report.transport().map(|transport| transport.selected_candidate_pair_id.as_str());
    if let Some(RTCStatsReportEntry::IceCandidatePair(pair)) = chosen.and_then(|id| report.get(id)) {
        traffic.path = Some(path(report, pair));
        let measured = pair.responses_received > 0 && pair.current_round_trip_time > 0.0;
        traffic.round_trip = measured.then(|| Duration::try_from_secs_f64(pair.current_round_trip_time).ok()).flatten();
    }
    traffic
}

fn path(report: &RTCStatsReport, pair: &RTCIceCandidatePairStats) -> Path {
    let own = match report.get(&format!("RTCLocalIceCandidate_{}", pair.local_candidate_id)) {
        Some(RTCStatsReportEntry::LocalCandidate(own)) => Some(own),
        _ => None,
    };
    let other = match report.get(&format!("RTCRemoteIceCandidate_{}", pair.remote_candidate_id)) {
        Some(RTCStatsReportEntry::RemoteCandidate(other)) => Some(other),
        _ => None,
    };
    let is_tcp = |candidate: &RTCIceCandidateStats| candidate.protocol.eq_ignore_ascii_case("tcp");
    if own.is_some_and(|own| own.candidate_type == RTCIceCandidateType::Relay) {
        Path::Relay
    } else if own.or(other).is_some_and(is_tcp) {
        Path::Tcp
    } else {
        Path::Udp
    }
}
