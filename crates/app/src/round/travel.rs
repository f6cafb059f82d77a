//! How sound and picture travel to the media server, for whoever asks. The peer connection is read only then.

use contract::{RoundPath, RoundWayView};
use rounds::{Path, Round, Traffic};
use std::time::{Duration, Instant};

/// The figures are waited for no longer: what the person wants besides does not wait for them.
const PATIENCE: Duration = Duration::from_millis(200);
/// Rates are of a time between these two: over less they jump, and over more they are of long ago.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);

/// The way of a stay.
#[derive(Default)]
pub(super) struct Travel {
    /// The media server's host.
    pub(super) server: String,
    /// What had gone through, and when.
    before: Option<(Instant, Traffic)>,
    /// In bits per second, as they were last.
    sends: u32,
    receives: u32,
}

impl Travel {
    /// `there` is whether there is a way, and `hears_with_loss` the part of what others say that had to be made up.
    pub(super) async fn view(&mut self, round: &Round, there: bool, hears_with_loss: Option<f64>) -> RoundWayView {
        let read = tokio::time::timeout(PATIENCE, round.traffic()).await;
        let traffic = read.unwrap_or_else(|_late| self.before.map(|(_, before)| before).unwrap_or_default());
        self.measure(Instant::now(), traffic);
        let way = round.way();
        RoundWayView {
            path: traffic.path.filter(|_| there).map(|path| match path {
                Path::Udp => RoundPath::Udp,
                Path::Tcp => RoundPath::Tcp,
                Path::Relay => RoundPath::Relay,
            }),
            round_trip: traffic.round_trip.map(|time| u32::try_from(time.as_millis()).unwrap_or(u32::MAX)),
            sends: self.sends,
            receives: self.receives,
            carries: whole(way.carries),
            sends_with_loss: single(way.loss),
            hears_with_loss: hears_with_loss.map(single),
            server: self.server.clone(),
        }
    }

    fn measure(&mut self, now: Instant, traffic: Traffic) {
        let Some((then, before)) = self.before else {
            self.before = Some((now, traffic));
            return;
        };
        let time = now.saturating_duration_since(then);
        if time < SHORTEST {
            return;
        }
        // A rejoin counts from the beginning.
        let rate = |now: u64, before: u64| bits_per_second(now.checked_sub(before).unwrap_or(now), time);
        let rates = (rate(traffic.sent, before.sent), rate(traffic.received, before.received));
        (self.sends, self.receives) = if time > LONGEST { (0, 0) } else { rates };
        self.before = Some((now, traffic));
    }
}

fn bits_per_second(bytes: u64, time: Duration) -> u32 {
    #[expect(clippy::cast_precision_loss, reason = "a figure for a person")]
    let bits = bytes as f64 * 8.0;
    whole(bits / time.as_secs_f64())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what does not fit is the nearest that does"
)]
fn whole(number: f64) -> u32 {
    number.round() as u32
}

#[expect(clippy::cast_possible_truncation, reason = "a figure for a person")]
fn single(number: f64) -> f32 {
    number as f32
}

#[cfg(test)]
mod tests {
    use super::Travel;
    use rounds::Traffic;
    use std::time::{Duration, Instant};

    #[test]
    fn rates_are_of_the_last_moments_and_begin_anew_with_the_peer_connection() {
        let (mut travel, begin) = (Travel::default(), Instant::now());
        let mut after = |millis, sent, received| {
            travel.measure(begin + Duration::from_millis(millis), Traffic { sent, received, ..Traffic::default() });
            (travel.sends, travel.receives)
        };
        assert_eq!(after(0, 1_000, 5_000), (0, 0), "nothing is known yet");
        assert_eq!(after(100, 9_000, 9_000), (0, 0), "nor of so short a time");
        assert_eq!(after(1_000, 126_000, 255_000), (1_000_000, 2_000_000), "bits in a second");
        assert_eq!(after(2_000, 500, 250), (4_000, 2_000), "another one counts from its beginning");
        assert_eq!(after(60_000, 9_000_000, 9_000_000), (0, 0), "long ago is not now");
    }
}
