//! The line: pictures wait here for their turn, so that a large one does not push out everything behind it. Sound never
//! waits.

use crate::peer::Reach;
use rtc::rtp::Packet;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use webrtc::media_stream::track_local::{TrackLocal as _, static_rtp::TrackLocalStaticRTP};

/// Pictures leave by so much faster than they come, or a queue would never end.
const FASTER: f64 = 1.25;
/// So much may leave at once: the machine's clock is no finer.
const BURST: Duration = Duration::from_millis(10);
/// Who waits longer is late: the next pictures are left out.
const LONGEST: Duration = Duration::from_millis(300);
/// Without its payload a packet has so many bytes: UDP, IP, RTP with extensions, and what authenticates it.
const HEADERS: usize = 70;

/// What goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// An image that others look at.
    Shared,
    /// A face.
    Face,
}

/// The pictures that wait, and the task that lets them go.
#[derive(Debug, Clone)]
pub(crate) struct Line(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queues: Mutex<Queues>,
    filled: Notify,
    reach: Reach,
}

#[derive(Debug, Default)]
struct Queues {
    shared: VecDeque<Waiting>,
    faces: VecDeque<Waiting>,
    bytes: usize,
    over: bool,
}

struct Waiting {
    track: Arc<TrackLocalStaticRTP>,
    packet: Packet,
    bytes: usize,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Waiting({} bytes)", self.bytes)
    }
}

impl Line {
    pub(crate) fn new(reach: Reach) -> Self {
        let line = Self(Arc::new(Inner { queues: Mutex::default(), filled: Notify::new(), reach }));
        tokio::spawn(line.clone().run());
        line
    }

    pub(crate) fn reach(&self) -> &Reach {
        &self.0.reach
    }

    /// Whether a picture that comes now would be late.
    pub(crate) fn is_full(&self) -> bool {
        bits(self.queues().bytes) > self.0.reach.target() * FASTER * LONGEST.as_secs_f64()
    }

    pub(crate) fn put(&self, turn: Turn, track: &Arc<TrackLocalStaticRTP>, packets: Vec<Packet>) {
        let mut queues = self.queues();
        for packet in packets {
            let bytes = packet.payload.len() + HEADERS;
            queues.bytes += bytes;
            let waiting = Waiting { track: track.clone(), packet, bytes };
            match turn {
                Turn::Shared => queues.shared.push_back(waiting),
                Turn::Face => queues.faces.push_back(waiting),
            }
        }
        drop(queues);
        self.0.filled.notify_one();
    }

    /// What waits of a track does not leave any more.
    pub(crate) fn forget(&self, track: &Arc<TrackLocalStaticRTP>) {
        let mut queues = self.queues();
        let Queues { shared, faces, bytes, .. } = &mut *queues;
        for queue in [shared, faces] {
            queue.retain(|waiting| {
                let stays = !Arc::ptr_eq(&waiting.track, track);
                *bytes -= if stays { 0 } else { waiting.bytes };
                stays
            });
        }
    }

    /// Nothing leaves any more.
    pub(crate) fn close(&self) {
        *self.queues() = Queues { over: true, ..Queues::default() };
        self.0.filled.notify_one();
    }

    async fn run(self) {
        let mut credit = 0.0;
        let mut last = Instant::now();
        loop {
            let next = {
                let mut queues = self.queues();
                if queues.over {
                    return;
                }
                let next = queues.shared.pop_front().or_else(|| queues.faces.pop_front());
                queues.bytes -= next.as_ref().map_or(0, |next| next.bytes);
                next
            };
            let Some(next) = next else {
                self.0.filled.notified().await;
                continue;
            };
            let rate = self.0.reach.target() * FASTER;
            let now = Instant::now();
            credit = (credit + now.duration_since(last).as_secs_f64() * rate).min(rate * BURST.as_secs_f64());
            last = now;
            credit -= bits(next.bytes);
            if credit < 0.0 {
                tokio::time::sleep(Duration::from_secs_f64(-credit / rate)).await;
            }
            // Its track may have gone with its peer connection, and the error's text would hold the packet.
            let _gone = next.track.write_rtp(next.packet).await;
        }
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bits(bytes: usize) -> f64 {
    u32::try_from(bytes).map_or(f64::MAX, f64::from) * 8.0
}

#[cfg(test)]
mod tests {
    use super::{Line, Turn};
    use crate::peer::Reach;
    use bytes::Bytes;
    use rtc::rtp::{Packet, header::Header};
    use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
    use std::sync::Arc;
    use webrtc::media_stream::MediaStreamTrack;
    use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;

    fn track(name: &str) -> Arc<TrackLocalStaticRTP> {
        let [stream, id, label] = [name; 3].map(str::to_owned);
        Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(stream, id, label, RtpCodecKind::Video, Vec::new())))
    }

    // Its loop does not run meanwhile: there is one thread, and nothing here waits.
    #[tokio::test]
    async fn what_waits_of_a_track_that_ends_does_not_leave_and_takes_no_place() {
        let line = Line::new(Reach::default());
        let (screen, face) = (track("screen"), track("camera"));
        let packet = Packet { header: Header::default(), payload: Bytes::from_static(&[0; 1000]) };
        line.put(Turn::Face, &face, vec![packet.clone()]);
        let of_the_face = line.queues().bytes;
        line.put(Turn::Shared, &screen, vec![packet; 3000]);
        assert!(line.is_full(), "more than a second of it waits");
        line.forget(&screen);
        let queues = line.queues();
        assert_eq!((queues.shared.len(), queues.faces.len(), queues.bytes), (0, 1, of_the_face), "the other's alone");
    }
}
