//! Our own tracks: what is wished, what the server knows of it, and what is in the peer connection.

use super::people::{Kind, Source, Track};
use super::wire;
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use std::time::Duration;

/// More tracks of ours are not sent at the same time.
const MOST_OWN: usize = 8;
/// `q`, `h`, `f`.
const MOST_LAYERS: usize = 3;
/// So long may a server think about a place for a track (client-sdk-js, `RTCEngine.addTrack`).
const PLACE: Duration = Duration::from_secs(10);

/// A track that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackWish {
    /// Names the track here and in the `a=msid` of the offer, where the server looks for it: printable ASCII of at
    /// most 128 bytes, another one for each track.
    pub cid: String,
    /// Sound or picture.
    pub kind: Kind,
    /// Where it comes from.
    pub source: Source,
    /// `vp8`, `opus` …, as the offer has it.
    pub codec: String,
    /// In pixels; 0 for sound.
    pub width: u32,
    /// In pixels; 0 for sound.
    pub height: u32,
    /// From the smallest to the largest; a single one is [`Step::High`]. Empty for sound.
    pub layers: Vec<Layer>,
    /// Whether its frames are encrypted as `frame` does it.
    pub encrypted: bool,
    /// Whether it begins muted.
    pub muted: bool,
}

/// One size of a picture that is sent in several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Which one.
    pub step: Step,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// In bits per second.
    pub bitrate: u32,
    /// Of its packets; 0 where the offer alone says it.
    pub ssrc: u32,
}

/// `VideoQuality`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// `q`.
    Low,
    /// `h`.
    Medium,
    /// `f`.
    High,
}

impl Step {
    pub(super) fn wire(self) -> i32 {
        i32::from(match self {
            Self::Low => lk::VideoQuality::Low,
            Self::Medium => lk::VideoQuality::Medium,
            Self::High => lk::VideoQuality::High,
        })
    }

    /// None for what is no layer.
    pub(super) fn of(wire: i32) -> Option<Self> {
        match lk::VideoQuality::try_from(wire).ok()? {
            lk::VideoQuality::Low => Some(Self::Low),
            lk::VideoQuality::Medium => Some(Self::Medium),
            lk::VideoQuality::High => Some(Self::High),
            lk::VideoQuality::Off => None,
        }
    }
}

impl TrackWish {
    fn request(&self) -> lk::AddTrackRequest {
        let kind = match self.kind {
            Kind::Audio => lk::TrackType::Audio,
            Kind::Video => lk::TrackType::Video,
        };
        let encryption = if self.encrypted { lk::encryption::Type::Gcm } else { lk::encryption::Type::None };
        let codec = lk::SimulcastCodec { codec: self.codec.clone(), cid: self.cid.clone(), ..Default::default() };
        lk::AddTrackRequest {
            cid: self.cid.clone(),
            // Names are for logs of servers, and ours say nothing of people.
            name: String::new(),
            r#type: i32::from(kind),
            source: self.source.wire(),
            width: self.width,
            height: self.height,
            muted: self.muted,
            layers: self.layers.iter().map(|layer| layer.wire()).collect(),
            simulcast_codecs: if self.kind == Kind::Video { vec![codec] } else { Vec::new() },
            // No offer of ours has RED, and under encryption no one's has (client-sdk-js, `LocalParticipant.ts`).
            disable_red: true,
            encryption: i32::from(encryption),
            ..Default::default()
        }
    }
}

impl Layer {
    fn wire(self) -> lk::VideoLayer {
        lk::VideoLayer {
            quality: self.step.wire(),
            width: self.width,
            height: self.height,
            bitrate: self.bitrate,
            ssrc: self.ssrc,
            ..Default::default()
        }
    }
}

/// A track of ours and how far it is.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) wish: TrackWish,
    /// The server was asked; whether it takes the track for muted.
    told: Option<bool>,
    /// Since when the server can answer.
    asked: Option<Duration>,
    /// Its picture got another size after the server was asked.
    resized: bool,
    /// The server's answer.
    pub(super) published: Option<lk::TrackPublishedResponse>,
    /// There is a sender for it in the peer connection, or one was ordered.
    pub(super) in_peer: bool,
}

impl Own {
    pub(super) fn sid(&self) -> Option<&str> {
        self.published.as_ref().and_then(|said| said.track.as_ref()).map(|track| track.sid.as_str())
    }
}

#[derive(Debug, Default)]
pub(super) struct OwnTracks(Vec<Own>);

impl OwnTracks {
    pub(super) fn has(&self, cid: &str) -> bool {
        self.0.iter().any(|own| own.wish.cid == cid)
    }

    /// Whether the wish can be one; a second with the same `cid` cannot.
    pub(super) fn wish(&mut self, wish: TrackWish) -> bool {
        if self.has(&wish.cid) || self.0.len() >= MOST_OWN || wish.layers.len() > MOST_LAYERS || !wire::is_id(&wish.cid)
        {
            return false;
        }
        self.0.push(Own { wish, told: None, asked: None, resized: false, published: None, in_peer: false });
        true
    }

    pub(super) fn remove(&mut self, cid: &str) -> Option<Own> {
        let index = self.0.iter().position(|own| own.wish.cid == cid)?;
        Some(self.0.remove(index))
    }

    pub(super) fn by_cid(&mut self, cid: &str) -> Option<&mut Own> {
        self.0.iter_mut().find(|own| own.wish.cid == cid)
    }

    pub(super) fn by_sid(&mut self, sid: &str) -> Option<&mut Own> {
        self.0.iter_mut().find(|own| own.sid() == Some(sid))
    }

    /// Nothing of before counts in a new peer connection and a new join; every track gets a sender at once.
    pub(super) fn begin_again(&mut self) -> Vec<String> {
        for own in &mut self.0 {
            own.told = None;
            own.asked = None;
            own.resized = false;
            own.published = None;
            own.in_peer = true;
        }
        self.0.iter().map(|own| own.wish.cid.clone()).collect()
    }

    /// The requests for tracks that are in the first offer; they go with it.
    pub(super) fn ask_with_offer(&mut self) -> Vec<lk::AddTrackRequest> {
        let waiting = self.0.iter_mut().filter(|own| own.told.is_none() && own.in_peer);
        waiting.map(Own::ask).collect()
    }

    /// The requests for tracks that the server was not asked for.
    pub(super) fn ask(&mut self) -> Vec<Request> {
        let waiting = self.0.iter_mut().filter(|own| own.told.is_none());
        waiting.map(|own| Request::AddTrack(own.ask())).collect()
    }

    /// The server can answer from here on.
    pub(super) fn wait_from(&mut self, now: Duration) {
        for own in self.0.iter_mut().filter(|own| own.is_unanswered()) {
            own.asked.get_or_insert(now);
        }
    }

    /// Whether the server was asked for a place and has not answered.
    pub(super) fn is_waiting(&self) -> bool {
        self.0.iter().any(Own::is_unanswered)
    }

    /// The same of one track.
    pub(super) fn is_unanswered(&self, cid: &str) -> bool {
        self.0.iter().any(|own| own.wish.cid == cid && own.is_unanswered())
    }

    /// When the first answer is late.
    pub(super) fn due(&self) -> Option<Duration> {
        self.0.iter().filter_map(Own::due).min()
    }

    /// Tracks that the server did not answer for in time.
    pub(super) fn late(&self, now: Duration) -> Vec<String> {
        let late = self.0.iter().filter(|own| own.due().is_some_and(|due| due <= now));
        late.map(|own| own.wish.cid.clone()).collect()
    }

    /// The server has a place for a track: its `sid`. None if there is no such track, or it has one already.
    pub(super) fn published(&mut self, said: lk::TrackPublishedResponse) -> Option<String> {
        let track = Track::of(said.track.as_ref()?)?;
        let own = self.by_cid(&said.cid).filter(|own| own.published.is_none())?;
        own.published = Some(said);
        Some(track.sid)
    }

    /// What the server is reminded of when a session goes on.
    pub(super) fn known(&self) -> Vec<lk::TrackPublishedResponse> {
        self.0.iter().filter_map(|own| own.published.clone()).collect()
    }

    /// What the server is told of tracks that it takes for muted and that are not, or the other way round. It knows
    /// them by their `sid`, so it is not told before it has a place for them.
    pub(super) fn tell_mutes(&mut self) -> Vec<Request> {
        let differ = self.0.iter_mut().filter(|own| own.told != Some(own.wish.muted));
        differ
            .filter_map(|own| {
                let sid = own.sid()?.to_owned();
                own.told = Some(own.wish.muted);
                Some(Request::Mute(lk::MuteTrackRequest { sid, muted: own.wish.muted }))
            })
            .collect()
    }

    /// What the server is told where a socket may have taken along what it was told before.
    pub(super) fn tell_again(&mut self) -> Vec<Request> {
        for own in self.0.iter_mut().filter(|own| own.published.is_some()) {
            own.told = None;
        }
        let mut requests = self.tell_mutes();
        requests.extend(self.0.iter().filter_map(Own::other_size));
        requests
    }

    /// Tracks the server has a place for and that got no sender.
    pub(super) fn without_sender(&mut self) -> Vec<String> {
        let waiting = self.0.iter_mut().filter(|own| own.published.is_some() && !own.in_peer);
        waiting
            .map(|own| {
                own.in_peer = true;
                own.wish.cid.clone()
            })
            .collect()
    }
}

impl Own {
    fn ask(&mut self) -> lk::AddTrackRequest {
        self.told = Some(self.wish.muted);
        self.wish.request()
    }

    fn is_unanswered(&self) -> bool {
        self.told.is_some() && self.published.is_none()
    }

    fn due(&self) -> Option<Duration> {
        Some(self.asked.filter(|_since| self.is_unanswered())? + PLACE)
    }

    /// Takes another size of the picture, and says what the server is told; it is told later where it does not know
    /// the track yet. None for more layers than there are.
    pub(super) fn resize(&mut self, width: u32, height: u32, layers: Vec<Layer>) -> Option<Request> {
        if layers.len() > MOST_LAYERS {
            return None;
        }
        self.wish.width = width;
        self.wish.height = height;
        self.wish.layers = layers;
        self.resized = self.told.is_some();
        self.size()
    }

    fn size(&self) -> Option<Request> {
        let track_sid = self.sid()?.to_owned();
        let (width, height) = (self.wish.width, self.wish.height);
        Some(Request::UpdateVideoTrack(lk::UpdateLocalVideoTrack { track_sid, width, height }))
    }

    /// The size that the server was not asked with.
    pub(super) fn other_size(&self) -> Option<Request> {
        self.size().filter(|_size| self.resized)
    }
}
