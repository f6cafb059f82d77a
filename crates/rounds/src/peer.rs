//! A peer connection as a round needs it: one for both directions, the client always offers.

mod estimate;
mod feedback;
mod pace;
mod traffic;

pub(crate) use estimate::Reach;
pub use traffic::{Path, Traffic};

use crate::sending::{Outgoing, Sender};
use crate::words::{CHANNELS, Channels};
use rounds_proto::signal::{Candidate, IceServer, Kind, OfferWish, PeerNo, PeerState, Sdp, Sections, SocketNo};
use rtc::interceptor::{CongestionControlBuilder, Registry, Slot};
use rtc::peer_connection::configuration::interceptor_registry::{
    configure_twcc_sender_only, register_default_interceptors,
};
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MIME_TYPE_RTX, MIME_TYPE_VP8};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;
use webrtc::data_channel::{DataChannel, RTCDataChannelInit};
use webrtc::error::{Error, Result};
use webrtc::media_stream::{track_local::TrackLocal, track_remote::TrackRemote};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceCandidateInit, RTCIceConnectionState, RTCIceServer, RTCPeerConnectionIceEvent, RTCPeerConnectionState,
    RTCSessionDescription, SettingEngineBuilder, SrtpProtectionProfile, StatsSelector,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit, RtpSender};

/// Payload types (RFC 3551 §6, dynamic ones) as this client offers them.
pub(crate) const OPUS: u8 = 111;
pub(crate) const VP8: u8 = 96;
const VP8_RTX: u8 = 97;
/// After the interceptors that webrtc-rs itself adds.
const LAST_STAGE: usize = 14_000;
/// RFC 6464.
pub(crate) const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// What peer connections and sockets tell the loop of a round.
pub(crate) enum Seen {
    Opened(SocketNo),
    Refused(SocketNo, Option<u16>),
    Closed(SocketNo),
    Came(SocketNo, Vec<u8>),
    Candidate(PeerNo, Candidate),
    State(PeerNo, PeerState),
    Track(PeerNo, Arc<dyn TrackRemote>),
    Channel(PeerNo, Arc<dyn DataChannel>),
    /// A channel of ours can be used.
    Ready(PeerNo, &'static str, u16),
    Packets(PeerNo),
    /// A packet of a data channel.
    Data(PeerNo, Vec<u8>),
}

/// More that peer connections themselves tell does not wait; they tell little.
const TOLD: usize = 1024;
/// More of what comes through sockets and data channels does not wait: whoever brings it does.
const CARRIED: usize = 64;

/// By which the loop of a round is told.
#[derive(Debug, Clone)]
pub(crate) struct Telling {
    told: mpsc::Sender<Seen>,
    carried: mpsc::Sender<Seen>,
}

impl Telling {
    /// With where the loop hears of both.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Seen>, mpsc::Receiver<Seen>) {
        let (told, hears) = mpsc::channel(TOLD);
        let (carried, takes) = mpsc::channel(CARRIED);
        (Self { told, carried }, hears, takes)
    }

    /// Says something without waiting, as a peer connection has to: the loop may be waiting for it.
    pub(crate) fn tell(&self, seen: Seen) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.told.try_send(seen) {
            tracing::error!("a round does not keep up with its peer connection");
        }
    }

    /// Hands over what came; false where nobody takes it any more.
    pub(crate) async fn carry(&self, seen: Seen) -> bool {
        self.carried.send(seen).await.is_ok()
    }
}

/// A peer connection with what belongs to it.
pub(crate) struct Peer {
    pub(crate) channels: Channels,
    connection: Arc<dyn PeerConnection>,
    /// The first offer, until it is known which STUN and TURN servers may be asked.
    held: Option<RTCSessionDescription>,
    senders: BTreeMap<String, (Arc<dyn RtpSender>, Outgoing)>,
}

impl Peer {
    /// Makes one, with its first offer.
    pub(crate) async fn build(
        no: PeerNo,
        sections: Sections,
        senders: &[Outgoing],
        reach: Reach,
        seen: Telling,
    ) -> Result<(Self, Sdp)> {
        let mut engine = engine()?;
        let registry = register_default_interceptors(Registry::new(), &mut engine)?;
        let registry = configure_twcc_sender_only(registry, &mut engine)?
            .with(Slot::CongestionControl, CongestionControlBuilder::new(estimate::Estimate::new(reach)).build())
            .with(Slot::from(LAST_STAGE), feedback::Feedback::default());
        let settings = pace::hurried(SettingEngineBuilder::new())
            // A server on this machine.
            .with_include_loopback_candidate(true)
            // Names of this machine are told to nobody, and where only loopback is up its socket cannot be made.
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
            .with_srtp_protection_profiles(vec![
                SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            ])
            .build();
        let connection = PeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_media_engine(engine)
            .with_setting_engine(settings)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(Handler { no, seen: seen.clone() }))
            .with_udp_addrs(local_addresses())
            .with_tcp_addrs(local_addresses())
            .build()
            .await?;
        let connection: Arc<dyn PeerConnection> = Arc::new(connection);
        let mut channels = Channels::default();
        for kind in CHANNELS {
            let reach = RTCDataChannelInit {
                ordered: kind.ordered,
                max_retransmits: kind.max_retransmits,
                ..RTCDataChannelInit::default()
            };
            let channel = connection.create_data_channel(kind.label, Some(reach)).await?;
            channels.add(no, kind.label, channel, &seen);
        }
        let mut peer = Self { channels, connection, held: None, senders: BTreeMap::new() };
        for outgoing in senders {
            peer.add_sender(outgoing).await?;
        }
        peer.add_sections(RtpCodecKind::Audio, sections.audios).await?;
        peer.add_sections(RtpCodecKind::Video, sections.videos).await?;
        let offer = peer.connection.create_offer(None).await?;
        let sdp = Sdp::new(offer.sdp.clone());
        peer.held = Some(offer);
        Ok((peer, sdp))
    }

    /// These STUN and TURN servers may be asked from here on. The first time lets the first offer be set, by which
    /// candidates are looked for.
    pub(crate) async fn set_ice_servers(&mut self, servers: Vec<IceServer>) -> Result<()> {
        let servers = servers
            .into_iter()
            .map(|server| RTCIceServer {
                urls: server.urls,
                username: server.username,
                credential: server.credential.as_str().to_owned(),
            })
            .collect();
        let configuration = RTCConfigurationBuilder::new().with_ice_servers(servers).build();
        self.connection.set_configuration(configuration).await?;
        match self.held.take() {
            Some(offer) => self.connection.set_local_description(offer).await,
            None => Ok(()),
        }
    }

    /// Makes and sets another offer.
    pub(crate) async fn offer(&mut self, wish: &OfferWish, add: &[Outgoing]) -> Result<Sdp> {
        for cid in &wish.remove {
            if let Some((sender, outgoing)) = self.senders.remove(cid) {
                outgoing.unbind();
                self.connection.remove_track(&sender).await?;
            }
        }
        for outgoing in add {
            self.add_sender(outgoing).await?;
        }
        self.add_sections(RtpCodecKind::Audio, wish.audios).await?;
        self.add_sections(RtpCodecKind::Video, wish.videos).await?;
        if wish.restart_ice {
            self.connection.restart_ice().await?;
        }
        let offer = self.connection.create_offer(None).await?;
        let sdp = Sdp::new(offer.sdp.clone());
        self.connection.set_local_description(offer).await?;
        Ok(sdp)
    }

    pub(crate) async fn answer(&self, sdp: &Sdp) -> Result<()> {
        let answer = RTCSessionDescription::answer(sdp.as_str().to_owned())?;
        self.connection.set_remote_description(answer).await?;
        self.tell_places().await
    }

    pub(crate) async fn add_candidate(&self, candidate: Candidate) -> Result<()> {
        if candidate.candidate.is_empty() {
            // There are no more.
            return Ok(());
        }
        let init = RTCIceCandidateInit {
            candidate: candidate.candidate,
            sdp_mid: candidate.mid,
            sdp_mline_index: candidate.line,
            username_fragment: candidate.ufrag,
            url: None,
        };
        self.connection.add_ice_candidate(init).await
    }

    /// What has gone through it, and how.
    pub(crate) async fn traffic(&self) -> Traffic {
        traffic::of(&self.connection.get_stats(Instant::now(), StatsSelector::None).await)
    }

    /// What was sent by it is sent by none, before another one sends it.
    pub(crate) fn unbind(&self) {
        for (_sender, outgoing) in self.senders.values() {
            outgoing.unbind();
        }
    }

    /// Ends it.
    pub(crate) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(error = kind_of(&error), "a peer connection did not close in order");
        }
    }

    async fn add_sender(&mut self, outgoing: &Outgoing) -> Result<()> {
        let Sender { track, cid } = outgoing.bind().map_err(|error| Error::Other(error.to_string()))?;
        let only_sends = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            ..RTCRtpTransceiverInit::default()
        };
        let track: Arc<dyn TrackLocal> = track;
        let transceiver = self.connection.add_transceiver_from_track(track, Some(only_sends)).await?;
        let sender = transceiver.sender().await?.ok_or(Error::ErrRTPSenderNotExisted)?;
        self.senders.insert(cid, (sender, outgoing.clone()));
        Ok(())
    }

    async fn add_sections(&self, kind: RtpCodecKind, count: u32) -> Result<()> {
        for _ in 0..count {
            let only_receives = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Recvonly,
                ..RTCRtpTransceiverInit::default()
            };
            self.connection.add_transceiver_from_kind(kind, Some(only_receives)).await?;
        }
        Ok(())
    }

    /// What was negotiated is written on each packet: webrtc-rs itself writes neither mid nor rid.
    async fn tell_places(&self) -> Result<()> {
        for transceiver in self.connection.get_transceivers().await {
            let Some(sender) = transceiver.sender().await? else { continue };
            let cid = sender.track().track_id().await;
            let Some((_sender, outgoing)) = self.senders.get(&cid) else { continue };
            let mid = transceiver.mid().await?.unwrap_or_default();
            let extensions = sender.get_parameters().await?.rtp_parameters.header_extensions;
            let ids = extensions.into_iter().filter_map(|extension| {
                let id = u8::try_from(extension.id).ok()?;
                Some((extension.uri, id))
            });
            outgoing.set_place(&mid, &ids.collect());
        }
        Ok(())
    }
}

/// Sockets on every interface that there is when they are made, also after the network changed; and one on loopback,
/// which the wildcards leave out, for a server on this machine.
fn local_addresses() -> Vec<&'static str> {
    vec!["0.0.0.0:0", "[::]:0", "127.0.0.1:0"]
}

/// Opus, and VP8 with its retransmissions: an answer then has nothing else.
fn engine() -> Result<MediaEngine> {
    let feedback = |kinds: &[(&str, &str)]| {
        let kinds =
            kinds.iter().map(|&(typ, parameter)| RTCPFeedback { typ: typ.to_owned(), parameter: parameter.to_owned() });
        kinds.collect::<Vec<_>>()
    };
    let codec = |rtp_codec, payload_type| RTCRtpCodecParameters { rtp_codec, payload_type };
    let mut engine = MediaEngine::default();
    // Lost sound is asked for again too, which webrtc-rs leaves out by itself and LiveKit answers.
    let opus = RTCRtpCodec { rtcp_feedback: feedback(&[("nack", "")]), ..codec_of(Kind::Audio) };
    engine.register_codec(codec(opus, OPUS), RtpCodecKind::Audio)?;
    let kinds = [("goog-remb", ""), ("ccm", "fir"), ("nack", ""), ("nack", "pli")];
    let vp8 = RTCRtpCodec { rtcp_feedback: feedback(&kinds), ..codec_of(Kind::Video) };
    engine.register_codec(codec(vp8, VP8), RtpCodecKind::Video)?;
    let again = RTCRtpCodec {
        mime_type: MIME_TYPE_RTX.to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: format!("apt={VP8}"),
        rtcp_feedback: Vec::new(),
    };
    engine.register_codec(codec(again, VP8_RTX), RtpCodecKind::Video)?;
    let level = RTCRtpHeaderExtensionCapability { uri: AUDIO_LEVEL.to_owned() };
    engine.register_header_extension(level, RtpCodecKind::Audio, None)?;
    Ok(engine)
}

/// The codec of each kind: RFC 7587 §7, RFC 7741 §6.
pub(crate) fn codec_of(kind: Kind) -> RTCRtpCodec {
    let (mime_type, clock_rate, channels, fmtp) = match kind {
        Kind::Audio => (MIME_TYPE_OPUS, 48_000, 2, "minptime=10;useinbandfec=1"),
        Kind::Video => (MIME_TYPE_VP8, 90_000, 0, ""),
    };
    RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: fmtp.to_owned(),
        rtcp_feedback: Vec::new(),
    }
}

/// What kind of error it is. Its text may hold a whole packet.
pub(crate) fn kind_of(error: &Error) -> String {
    format!("{error:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

struct Handler {
    no: PeerNo,
    seen: Telling,
}

impl Handler {
    fn tell(&self, seen: Seen) {
        self.seen.tell(seen);
    }
}

// These run on the connection's own task: nothing here waits.
#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        match event.candidate.to_json() {
            Ok(init) => self.tell(Seen::Candidate(
                self.no,
                Candidate {
                    candidate: init.candidate,
                    mid: init.sdp_mid,
                    line: init.sdp_mline_index,
                    ufrag: init.username_fragment,
                },
            )),
            Err(error) => tracing::warn!(error = kind_of(&error), "a candidate cannot be written"),
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        if matches!(state, RTCIceConnectionState::Connected | RTCIceConnectionState::Completed) {
            self.tell(Seen::State(self.no, PeerState::IceConnected));
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let told = if state == RTCPeerConnectionState::Connected {
            PeerState::Connected
        } else if state == RTCPeerConnectionState::Disconnected {
            PeerState::Disconnected
        } else if state == RTCPeerConnectionState::Failed {
            PeerState::Failed
        } else {
            // It is new, or we closed it.
            return;
        };
        self.tell(Seen::State(self.no, told));
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.tell(Seen::Channel(self.no, channel));
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        self.tell(Seen::Track(self.no, track));
    }
}
