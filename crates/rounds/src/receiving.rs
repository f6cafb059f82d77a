//! What comes from others: each track has a task that puts its frames together, opens them and hands them on.

use crate::keys::Keys;
use crate::peer::{Seen, Telling};
use crate::portions::{Coming, Head};
use bytes::Bytes;
use model::round::MemberId;
use rounds_proto::assembly::{Frames, Part};
use rounds_proto::frame::{Codec, Opened};
use rounds_proto::signal::PeerNo;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::Packet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

/// A key frame is asked for no more often: a server answers no faster (LiveKit's `rtc.pli_throttle`), and each one is
/// large.
const KEY_PAUSE: Duration = Duration::from_millis(300);
/// Asking that leads to nothing grows rarer, up to this: the person's key may be missing, which no key frame mends.
const LONGEST_KEY_PAUSE: Duration = Duration::from_secs(5);
/// The course wants to hear each 250 ms that packets come.
const PULSE: Duration = Duration::from_millis(200);
/// More pictures than these do not wait for whoever draws them, of all tracks together.
pub(crate) const PICTURES: usize = 64;
/// More packets of sound than these do not wait for whoever plays them: 25 people for 200 ms.
pub(crate) const SOUNDS: usize = 256;

/// A wish for each track that there can be; whoever wishes more names none.
const MOST_WISHES: usize = 1024;

/// An encoded frame of somebody's picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// The track's `sid`.
    pub track: String,
    /// How it is encoded.
    pub codec: Codec,
    /// It depends on no other.
    pub key: bool,
    /// Frames are missing before it.
    pub gap: bool,
    /// RTP's clock of 90 kHz, modulo 2³².
    pub timestamp: u32,
    /// Since the round began.
    pub at: Duration,
    /// For the decoder.
    pub bytes: Bytes,
}

/// An encoded packet of somebody's voice.
#[derive(Clone, PartialEq, Eq)]
pub struct Sound {
    /// The track's `sid`.
    pub track: String,
    /// RTP's number, modulo 2¹⁶. Packets come as they came, so out of order too.
    pub sequence: u16,
    /// RTP's clock of 48 kHz, modulo 2³².
    pub timestamp: u32,
    /// Since the round began.
    pub at: Duration,
    /// For the decoder; empty in silence.
    pub bytes: Bytes,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { track, key, gap, timestamp, bytes, .. } = self;
        write!(f, "Picture({track}, key: {key}, gap: {gap}, at {timestamp}, {} bytes)", bytes.len())
    }
}

impl fmt::Debug for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { track, sequence, timestamp, bytes, .. } = self;
        write!(f, "Sound({track}, {sequence}, at {timestamp}, {} bytes)", bytes.len())
    }
}

/// What all tasks that receive have in common.
#[derive(Debug, Clone)]
pub(crate) struct Hearing {
    pub(crate) keys: Keys,
    pub(crate) seen: Telling,
    pub(crate) pictures: mpsc::Sender<Picture>,
    pub(crate) sounds: mpsc::Sender<Sound>,
    pub(crate) coming: Coming,
    /// Who publishes a track, by its `sid`.
    publishers: Arc<Mutex<BTreeMap<String, Arc<MemberId>>>>,
    /// Tracks of which a picture is wanted that depends on no other.
    wished: Wishes,
    /// Milliseconds of the round at which it was last said that packets come.
    told: Arc<AtomicU64>,
}

/// Tracks of which somebody wants a picture that depends on no other, by their `sid`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes(Arc<Mutex<BTreeSet<String>>>);

impl Wishes {
    pub(crate) fn wish(&self, track: &str) {
        let mut wished = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if wished.len() < MOST_WISHES {
            wished.insert(track.to_owned());
        }
    }

    fn take(&self, track: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(track)
    }
}

impl Hearing {
    pub(crate) fn new(
        keys: Keys,
        seen: Telling,
        pictures: mpsc::Sender<Picture>,
        sounds: mpsc::Sender<Sound>,
        wished: Wishes,
    ) -> Self {
        let (coming, publishers, told) = (Coming::default(), Arc::default(), Arc::default());
        Self { keys, seen, pictures, sounds, coming, publishers, wished, told }
    }

    /// Who publishes each track, by its `sid`, as the server says.
    pub(crate) fn set_publishers(&self, all: BTreeMap<String, Arc<MemberId>>) {
        *self.publishers.lock().unwrap_or_else(PoisonError::into_inner) = all;
    }

    // For each packet, so nothing of it is copied.
    fn publisher(&self, track: &str) -> Option<Arc<MemberId>> {
        self.publishers.lock().unwrap_or_else(PoisonError::into_inner).get(track).cloned()
    }

    fn tell_pulse(&self, peer: PeerNo) {
        let now = u64::try_from(self.keys.now().as_millis()).unwrap_or(u64::MAX);
        let told = self.told.load(Ordering::Relaxed);
        let due = now.saturating_sub(told) >= u64::try_from(PULSE.as_millis()).unwrap_or(u64::MAX);
        if due && self.told.compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.seen.tell(Seen::Packets(peer));
        }
    }

    /// Receives a track of a peer connection until it ends.
    pub(crate) async fn receive(self, peer: PeerNo, track: Arc<dyn TrackRemote>) {
        // Its `a=msid` names the track's `sid`; a section that is used again has another track object.
        let sid = track.track_id().await;
        let mut stream: Option<Stream> = None;
        while let Some(event) = track.poll().await {
            if matches!(event, TrackRemoteEvent::OnEnded) {
                return;
            }
            // Reports of the sender's clock are not needed yet; sound and picture say when they are muted.
            let TrackRemoteEvent::OnRtpPacket(packet) = event else { continue };
            self.tell_pulse(peer);
            if stream.as_ref().is_none_or(|stream| stream.ssrc != packet.header.ssrc) {
                stream = Stream::of(track.as_ref(), packet.header.ssrc).await;
            }
            let Some(stream) = &mut stream else { continue };
            stream.count(&self, &sid, &packet);
            let Some(publisher) = self.publisher(&sid) else { continue };
            if stream.take(&self, &sid, &publisher, packet) {
                let ask = PictureLossIndication { sender_ssrc: 0, media_ssrc: stream.ssrc };
                // The connection may have gone; then another one comes.
                let _asked = track.write_rtcp(vec![Box::new(ask)]).await;
            }
        }
    }
}

/// One SSRC of a track.
struct Stream {
    ssrc: u32,
    codec: Codec,
    frames: Frames,
    asked: Option<Duration>,
    pause: Duration,
}

impl Stream {
    /// None for a codec that we did not offer.
    async fn of(track: &dyn TrackRemote, ssrc: u32) -> Option<Self> {
        let codec = track.codec(ssrc).await?;
        let codec = Codec::of_media_type(&codec.mime_type).ok()?;
        Some(Self { ssrc, codec, frames: Frames::default(), asked: None, pause: KEY_PAUSE })
    }

    fn count(&self, hearing: &Hearing, sid: &str, packet: &Packet) {
        let Packet { header, payload } = packet;
        let head = Head {
            at: hearing.keys.now(),
            ssrc: self.ssrc,
            number: header.sequence_number,
            timestamp: header.timestamp,
            payload: payload.len(),
        };
        // Padding says nothing of when a voice was said.
        if self.codec == Codec::Opus && !payload.is_empty() {
            hearing.coming.hear(sid, head);
        } else {
            hearing.coming.see(sid, head);
        }
    }

    /// Takes a packet; says whether a key frame is to be asked for.
    fn take(&mut self, hearing: &Hearing, sid: &str, publisher: &MemberId, packet: Packet) -> bool {
        let now = hearing.keys.now();
        if self.codec == Codec::Opus {
            self.hear(hearing, now, sid, publisher, packet);
            return false;
        }
        if hearing.wished.take(sid) {
            self.frames.skip_to_key();
        }
        let part = Part {
            sequence: packet.header.sequence_number,
            timestamp: packet.header.timestamp,
            marker: packet.header.marker,
            payload: packet.payload,
        };
        for whole in self.frames.push(now, part) {
            if let Some(size) = whole.size() {
                hearing.coming.measure(self.ssrc, size);
            }
            // It may be one that the key comes for in a moment: what follows cannot be drawn without it.
            let Ok(opened) = hearing.keys.open(publisher, self.codec, whole.bytes) else {
                self.frames.skip_to_key();
                continue;
            };
            let Opened::Frame(bytes) = opened else { continue };
            let picture = Picture {
                track: sid.to_owned(),
                codec: self.codec,
                key: whole.key,
                gap: whole.gap,
                timestamp: whole.timestamp,
                at: now,
                bytes: Bytes::from(bytes),
            };
            if hearing.pictures.try_send(picture).is_err() {
                // Whoever draws is slow: nothing piles up, and sound goes on.
                self.frames.skip_to_key();
            } else {
                self.pause = KEY_PAUSE;
            }
        }
        let due = self.asked.is_none_or(|asked| now.saturating_sub(asked) >= self.pause);
        if !(self.frames.awaits_key() && due) {
            return false;
        }
        self.pause = if self.asked.is_some() { (self.pause * 2).min(LONGEST_KEY_PAUSE) } else { self.pause };
        self.asked = Some(now);
        true
    }

    fn hear(&self, hearing: &Hearing, now: Duration, sid: &str, publisher: &MemberId, packet: Packet) {
        // Padding that a server fills the line with.
        if packet.payload.is_empty() {
            return;
        }
        let bytes = match hearing.keys.open(publisher, self.codec, packet.payload.to_vec()) {
            Ok(Opened::Frame(bytes)) => bytes,
            Ok(Opened::Empty) => Vec::new(),
            Ok(Opened::Injected) | Err(_) => return,
        };
        let sound = Sound {
            track: sid.to_owned(),
            sequence: packet.header.sequence_number,
            timestamp: packet.header.timestamp,
            at: now,
            bytes: Bytes::from(bytes),
        };
        if hearing.sounds.try_send(sound).is_err() {
            tracing::debug!("nobody plays what is heard");
        }
    }
}
