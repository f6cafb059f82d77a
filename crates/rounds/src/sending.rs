//! What leaves: encoded frames of our own tracks, sealed and cut into packets.

use crate::keys::Keys;
use crate::line::{Line, Turn};
use crate::peer::{AUDIO_LEVEL, OPUS, VP8, codec_of};
use bytes::Bytes;
use rounds_proto::frame::{Codec, SealError, Sealer, SourceTaken};
use rounds_proto::signal::{Kind, Source, Step, TrackWish};
use rtc::rtcp::payload_feedbacks::{
    full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication,
};
use rtc::rtp::{Packet, codec::vp8::Vp8Payloader, header::Header, packetizer::Payloader as _};
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use webrtc::media_stream::MediaStreamTrack;
use webrtc::media_stream::track_local::{TrackLocal as _, TrackLocalEvent, static_rtp::TrackLocalStaticRTP};

/// RTP payloads are no longer, in bytes: with all headers a packet then fits the 1,280 of IPv6 (RFC 8200 §5).
const MTU: usize = 1188;
/// RFC 8843 §15.1, and RFC 8852 §3.1: which section and which layer a packet belongs to.
const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";

/// Why a frame did not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OutgoingError {
    /// There is no way to the server at the moment, or the track has no such layer.
    #[error("the track is not sent at the moment")]
    NotSent,
    /// It must not leave as it is: there is no key, or it is no frame.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The line is slow, and this picture would be late: the encoder is to leave out some.
    #[error("the line is slow")]
    Slow,
    /// The picture cannot be cut into packets.
    #[error("the frame cannot be cut into packets")]
    Cut,
}

/// How loud a packet of sound is (RFC 6464). A server tells by it who speaks, so it is not encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loudness {
    /// 0 is the loudest, 127 is silence: decibels below full scale.
    pub below: u8,
    /// Somebody speaks.
    pub voice: bool,
}

impl Loudness {
    /// Nothing is heard.
    pub const SILENCE: Self = Self { below: 127, voice: false };

    fn extension(self) -> Bytes {
        Bytes::copy_from_slice(&[u8::from(self.voice) << 7 | self.below.min(127)])
    }
}

/// A track of ours. It outlives peer connections: after a rejoin frames go on by the new one.
#[derive(Clone)]
pub struct Outgoing(Arc<Inner>);

struct Inner {
    cid: String,
    kind: Kind,
    steps: Vec<Step>,
    source: Source,
    keys: Keys,
    line: Line,
    bound: Mutex<Option<Bound>>,
    /// Layers of which a key frame is wanted, by `rid`.
    wishes: Mutex<BTreeSet<&'static str>>,
    wished: Notify,
}

/// What it is in one peer connection.
struct Bound {
    track: Arc<TrackLocalStaticRTP>,
    layers: Vec<LayerOut>,
    /// The server has answered the offer that it is in; before that nobody knows its source (RFC 9429 §5.7).
    named: bool,
    /// Hears what those who receive it ask for, from the answer on: webrtc-rs ends a track's events where they are asked
    /// for before it is bound, and nobody would hear that a key frame is wanted.
    listens: Option<AbortHandle>,
}

struct LayerOut {
    step: Step,
    ssrc: u32,
    sequence: u16,
    /// Where its clock begins (RFC 3550 §5.1: at random).
    clock: u32,
    sealer: Option<Sealer>,
    /// On each packet.
    extensions: Vec<(u8, Bytes)>,
    level: Option<u8>,
    payloader: Vp8Payloader,
}

/// For a new transceiver.
pub(crate) struct Sender {
    pub(crate) track: Arc<TrackLocalStaticRTP>,
    pub(crate) cid: String,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outgoing({}, {:?})", self.0.cid, self.0.steps)
    }
}

impl Outgoing {
    pub(crate) fn new(wish: &TrackWish, keys: Keys, line: Line) -> Self {
        let layers: Vec<_> = wish.layers.iter().map(|layer| layer.step).collect();
        Self(Arc::new(Inner {
            cid: wish.cid.clone(),
            kind: wish.kind,
            steps: if layers.is_empty() { vec![Step::High] } else { layers },
            source: wish.source,
            keys,
            line,
            bound: Mutex::new(None),
            wishes: Mutex::default(),
            wished: Notify::new(),
        }))
    }

    /// As it was wished.
    #[must_use]
    pub fn cid(&self) -> &str {
        &self.0.cid
    }

    /// Waits until those who receive it want a key frame of the layer `step`. Asked for twice is asked for once.
    pub async fn key_wanted(&self, step: Step) {
        loop {
            let wished = self.0.wished.notified();
            tokio::pin!(wished);
            // From here on nothing is missed.
            wished.as_mut().enable();
            if self.wishes().remove(rid(step)) {
                return;
            }
            wished.await;
        }
    }

    /// Sends an encoded picture of the layer `step` ([`Step::High`] where there is one). `timestamp` is RTP's, of 90 kHz,
    /// beginning anywhere and modulo 2³².
    ///
    /// # Errors
    /// [`OutgoingError`]; nothing of it left.
    pub async fn send_picture(&self, step: Step, frame: &[u8], timestamp: u32) -> Result<(), OutgoingError> {
        self.send(step, frame, timestamp, None).await
    }

    /// Nothing of it leaves from now on, nor what waits. The server is told by [`crate::Round::unpublish`].
    pub fn end(&self) {
        self.unbind();
    }

    /// Whether a picture that is sent now would be late, or has no way at all: the encoder leaves it out, and nothing has to
    /// begin anew.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.bound().as_ref().is_none_or(|bound| !bound.named) || self.0.line.is_full()
    }

    /// Sends an encoded packet of sound. `timestamp` is RTP's, of 48 kHz, beginning anywhere and modulo 2³².
    ///
    /// # Errors
    /// [`OutgoingError`]; nothing of it left.
    pub async fn send_sound(&self, packet: &[u8], timestamp: u32, loudness: Loudness) -> Result<(), OutgoingError> {
        self.send(Step::High, packet, timestamp, Some(loudness)).await
    }

    async fn send(
        &self,
        step: Step,
        frame: &[u8],
        timestamp: u32,
        loudness: Option<Loudness>,
    ) -> Result<(), OutgoingError> {
        let turn = match (self.0.kind, self.0.source) {
            (Kind::Audio, _) => None,
            (Kind::Video, Source::Screen) => Some(Turn::Shared),
            (Kind::Video, _) => Some(Turn::Face),
        };
        if turn.is_some() && self.0.line.is_full() {
            return Err(OutgoingError::Slow);
        }
        let (track, packets) = self.packets(step, frame, timestamp, loudness)?;
        match turn {
            Some(turn) => {
                self.0.line.put(turn, &track, packets);
                // It may have ended between the two.
                if self.bound().as_ref().is_none_or(|bound| !Arc::ptr_eq(&bound.track, &track)) {
                    self.0.line.forget(&track);
                    return Err(OutgoingError::NotSent);
                }
            }
            None => {
                for packet in packets {
                    // Its text would hold the packet, so it is not kept.
                    track.write_rtp(packet).await.map_err(|_error| OutgoingError::NotSent)?;
                }
            }
        }
        Ok(())
    }

    fn packets(
        &self,
        step: Step,
        frame: &[u8],
        timestamp: u32,
        loudness: Option<Loudness>,
    ) -> Result<(Arc<TrackLocalStaticRTP>, Vec<Packet>), OutgoingError> {
        let mut bound = self.bound();
        let bound = bound.as_mut().filter(|bound| bound.named).ok_or(OutgoingError::NotSent)?;
        let track = bound.track.clone();
        let layer = bound.layers.iter_mut().find(|layer| layer.step == step).ok_or(OutgoingError::NotSent)?;
        let timestamp = layer.clock.wrapping_add(timestamp);
        let sealed = match &mut layer.sealer {
            Some(sealer) => {
                let sealed = self.0.keys.seal(|own, now| sealer.seal(own, now, frame, timestamp))?;
                Bytes::from(sealed.ok_or(SealError::NoKey)?)
            }
            None => Bytes::copy_from_slice(frame),
        };
        let (parts, payload_type) = match self.0.kind {
            Kind::Audio => (vec![sealed], OPUS),
            Kind::Video => (layer.payloader.payload(MTU, &sealed).map_err(|_error| OutgoingError::Cut)?, VP8),
        };
        let last = parts.len();
        let mut packets = Vec::with_capacity(last);
        for (number, payload) in parts.into_iter().enumerate() {
            let mut header = Header {
                version: 2,
                marker: self.0.kind == Kind::Video && number + 1 == last,
                payload_type,
                sequence_number: layer.sequence,
                timestamp,
                ssrc: layer.ssrc,
                ..Header::default()
            };
            let level = layer.level.zip(loudness).map(|(id, loudness)| (id, loudness.extension()));
            for (id, value) in layer.extensions.iter().cloned().chain(level) {
                header.set_extension(id, value).map_err(|_error| OutgoingError::Cut)?;
            }
            layer.sequence = layer.sequence.wrapping_add(1);
            packets.push(Packet { header, payload });
        }
        Ok((track, packets))
    }

    /// For a new peer connection: sources, clocks and numbers are drawn anew.
    pub(crate) fn bind(&self) -> Result<Sender, SourceTaken> {
        self.unbind();
        let codec = match self.0.kind {
            Kind::Audio => Codec::Opus,
            Kind::Video => Codec::Vp8,
        };
        let mut layers = Vec::new();
        for &step in &self.0.steps {
            let ssrc = rand::random::<u32>() | 1;
            let mut payloader = Vp8Payloader::default();
            payloader.enable_picture_id = true;
            layers.push(LayerOut {
                step,
                ssrc,
                sequence: rand::random(),
                clock: rand::random(),
                sealer: self.0.keys.sealer(ssrc, codec)?,
                extensions: Vec::new(),
                level: None,
                payloader,
            });
        }
        let several = layers.len() > 1;
        let codings = layers.iter().map(|layer| RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(layer.ssrc),
                rid: if several { rid(layer.step).to_owned() } else { String::new() },
                ..RTCRtpCodingParameters::default()
            },
            codec: codec_of(self.0.kind),
            active: true,
            ..RTCRtpEncodingParameters::default()
        });
        let kind = match self.0.kind {
            Kind::Audio => RtpCodecKind::Audio,
            Kind::Video => RtpCodecKind::Video,
        };
        let cid = self.0.cid.clone();
        let stream = MediaStreamTrack::new(format!("s-{cid}"), cid.clone(), cid.clone(), kind, codings.collect());
        let track = Arc::new(TrackLocalStaticRTP::new(stream));
        // Whoever receives it begins with nothing.
        let first = self.0.steps.iter().map(|&step| rid(step)).collect::<Vec<_>>();
        *self.bound() = Some(Bound { track: track.clone(), layers, named: false, listens: None });
        self.ask(first);
        Ok(Sender { track, cid })
    }

    /// Nothing of it leaves from now on, nor what waits.
    pub(crate) fn unbind(&self) {
        let Some(bound) = self.bound().take() else { return };
        self.0.line.forget(&bound.track);
        if let Some(listens) = bound.listens {
            listens.abort();
        }
    }

    /// What was negotiated: its section, and the ids of header extensions by their URI.
    pub(crate) fn set_place(&self, mid: &str, ids: &BTreeMap<String, u8>) {
        let Some(bound) = &mut *self.bound() else { return };
        bound.named = true;
        if bound.listens.is_none() {
            let sources = bound.layers.iter().map(|layer| (layer.ssrc, rid(layer.step))).collect();
            bound.listens = Some(tokio::spawn(listen(self.clone(), bound.track.clone(), sources)).abort_handle());
        }
        let several = bound.layers.len() > 1;
        for layer in &mut bound.layers {
            layer.level = ids.get(AUDIO_LEVEL).copied();
            layer.extensions.clear();
            if several {
                let mid = ids.get(MID).map(|&id| (id, Bytes::copy_from_slice(mid.as_bytes())));
                let rid = ids.get(RID).map(|&id| (id, Bytes::from_static(rid(layer.step).as_bytes())));
                layer.extensions.extend(mid.into_iter().chain(rid));
            }
        }
    }

    fn ask(&self, layers: impl IntoIterator<Item = &'static str>) {
        self.wishes().extend(layers);
        self.0.wished.notify_waiters();
    }

    fn bound(&self) -> MutexGuard<'_, Option<Bound>> {
        self.0.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wishes(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        self.0.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears what those who receive it ask for.
async fn listen(outgoing: Outgoing, track: Arc<TrackLocalStaticRTP>, sources: Vec<(u32, &'static str)>) {
    while let Some(TrackLocalEvent::OnRtcpPacket(packets)) = track.poll().await {
        let mut asked = BTreeSet::new();
        for packet in &packets {
            let packet = packet.as_any();
            if let Some(loss) = packet.downcast_ref::<PictureLossIndication>() {
                asked.insert(loss.media_ssrc);
            }
            if let Some(request) = packet.downcast_ref::<FullIntraRequest>() {
                asked.extend(request.fir.iter().map(|entry| entry.ssrc));
            }
        }
        outgoing.ask(sources.iter().filter(|(ssrc, _)| asked.contains(ssrc)).map(|&(_, layer)| layer));
    }
}

/// As LiveKit's clients call them (client-sdk-js `publishUtils.ts`, `videoRids`).
fn rid(step: Step) -> &'static str {
    match step {
        Step::Low => "q",
        Step::Medium => "h",
        Step::High => "f",
    }
}
