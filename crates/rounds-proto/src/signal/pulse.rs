//! Whether the server still lives: pings at its interval, and our own sooner notice.
//!
//! LiveKit's own rule needs up to 20 s to see a dead node (a ping each 5 s, 15 s for its pong). A round is silent that
//! long only if nobody notices, so sound and picture count too: where packets stop, one ping goes out at once, and if
//! for 2 s neither a word nor a packet comes, the server is taken for dead.

use std::time::Duration;

/// Packets that stopped for so long cause a ping. Opus sends one each 400 ms even in silence (RFC 6716 §2.1.9).
const PACKETS_STOPPED: Duration = Duration::from_millis(500);
/// So long may nothing at all come after a ping.
const SILENCE: Duration = Duration::from_secs(2);
/// `JoinResponse.ping_interval` of livekit-server, where the server names none, in seconds.
const INTERVAL: u64 = 5;
/// `JoinResponse.ping_timeout` of livekit-server, where the server names none, in seconds.
const TIMEOUT: u64 = 15;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    Ping,
    Silent,
    NoPong,
}

#[derive(Debug, Clone)]
pub(super) struct Pulse {
    interval: Duration,
    timeout: Duration,
    next_ping: Duration,
    last_pong: Duration,
    /// When the oldest ping went out after which nothing came.
    unanswered: Option<Duration>,
    /// When the last ping went out, for the round trip.
    last_ping: Duration,
    round_trip: Duration,
    last_packet: Option<Duration>,
    /// The stop of packets that is going on has had its ping.
    asked: bool,
}

impl Pulse {
    /// Begins with the numbers of `JoinResponse`, in seconds; absurd ones are brought to 1–60 s and 2–120 s.
    pub(super) fn new(now: Duration, interval: i32, timeout: i32) -> Self {
        let seconds = |wire: i32, usual: u64, least: u64, most: u64| {
            let wire = u64::try_from(wire).ok().filter(|wire| *wire > 0).unwrap_or(usual);
            Duration::from_secs(wire.clamp(least, most))
        };
        let interval = seconds(interval, INTERVAL, 1, 60);
        Self {
            interval,
            timeout: seconds(timeout, TIMEOUT, 2, 120),
            next_ping: now + interval,
            last_pong: now,
            unanswered: None,
            last_ping: now,
            round_trip: Duration::ZERO,
            last_packet: None,
            asked: false,
        }
    }

    /// The same numbers for a new socket.
    pub(super) fn renew(&mut self, now: Duration) {
        self.next_ping = now + self.interval;
        self.last_pong = now;
        self.unanswered = None;
        self.last_packet = None;
        self.asked = false;
    }

    /// A ping goes out: its time and the last round trip, in milliseconds, as `Ping` wants them.
    pub(super) fn ping(&mut self, now: Duration) -> (i64, i64) {
        self.next_ping = now + self.interval;
        self.unanswered.get_or_insert(now);
        self.last_ping = now;
        self.asked = true;
        (millis(now), millis(self.round_trip))
    }

    pub(super) fn pong(&mut self, now: Duration) {
        if self.unanswered.is_some() {
            self.round_trip = now.saturating_sub(self.last_ping);
        }
        self.unanswered = None;
        self.last_pong = now;
    }

    /// Something came through the socket.
    pub(super) fn heard(&mut self, now: Duration) {
        if let Some(since) = self.unanswered {
            self.unanswered = Some(since.max(now));
        }
    }

    /// Something came through the peer connection.
    pub(super) fn packet(&mut self, now: Duration) {
        self.last_packet = Some(now);
        self.asked = false;
    }

    pub(super) fn due(&self) -> Duration {
        let mut due = self.next_ping.min(self.last_pong + self.timeout);
        if let Some(silent) = self.silent_at() {
            due = due.min(silent);
        }
        if let Some(ask) = self.ask_at() {
            due = due.min(ask);
        }
        due
    }

    pub(super) fn check(&self, now: Duration) -> Verdict {
        if self.silent_at().is_some_and(|at| at <= now) {
            Verdict::Silent
        } else if self.last_pong + self.timeout <= now {
            Verdict::NoPong
        } else if self.next_ping <= now || self.ask_at().is_some_and(|at| at <= now) {
            Verdict::Ping
        } else {
            Verdict::Fine
        }
    }

    fn silent_at(&self) -> Option<Duration> {
        let since = self.unanswered?;
        Some(since.max(self.last_packet.unwrap_or_default()) + SILENCE)
    }

    fn ask_at(&self) -> Option<Duration> {
        let last = self.last_packet.filter(|_last| !self.asked && self.unanswered.is_none())?;
        Some(last + PACKETS_STOPPED)
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
