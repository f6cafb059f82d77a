//! A person in a room: what is said of them to others, what they publish, what they hear.

use super::listen::Heard;
use super::{Moment, Seat};
use crate::sdp::Section;
use crate::token::Grants;
use livekit_protocol as lk;
use livekit_protocol::participant_info::State;
use std::collections::BTreeMap;
use std::time::Instant;

/// Sound or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// One of up to three sizes of a picture. livekit-client names them `q`, `h` and `f`, the smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// `q`, or the only one.
    Low,
    /// `h`.
    Medium,
    /// `f`.
    High,
}

impl Layer {
    /// All of them, the smallest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// By its name in the description (RFC 8851). Names of other clients count as the largest.
    #[must_use]
    pub fn of_rid(rid: Option<&str>) -> Self {
        match rid {
            None | Some("q") => Self::Low,
            Some("h") => Self::Medium,
            Some(_) => Self::High,
        }
    }

    /// Its place, the smallest first.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Low => 0,
            Self::Medium => 1,
            Self::High => 2,
        }
    }
}

/// What somebody sends, or is about to send.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) kind: Kind,
    pub(super) info: lk::TrackInfo,
    /// The client's name of it, and of its copies in other codecs.
    pub(super) cids: Vec<String>,
    /// The section that carries it; none while no offer names it. Only then others hear of it.
    pub(super) mid: Option<String>,
    /// Whether the others were told of it in its section.
    pub(super) announced: bool,
    /// Whether the publisher was told that somebody hears it.
    pub(super) subscribed: bool,
    /// The largest layer that somebody wishes, as the publisher was told; none of them at all.
    pub(super) told: Option<Option<Layer>>,
    /// When the publisher is told that less is wished.
    pub(super) lower_due: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Person {
    pub(super) seat: Seat,
    pub(super) sid: String,
    pub(super) grants: Grants,
    pub(super) state: State,
    pub(super) reason: lk::DisconnectReason,
    pub(super) joined_millis: i64,
    pub(super) version: u32,
    client_protocol: i32,
    capabilities: Vec<i32>,
    /// Whether everything is heard that is not declined.
    pub(super) auto_subscribe: bool,
    pub(super) quality: lk::ConnectionQuality,
    /// A track has gone out of its section, and nobody was told yet.
    pub(super) unbound: bool,
    /// In the order of their publishing.
    pub(super) tracks: Vec<Track>,
    /// Whom the person lets hear; none: everybody.
    pub(super) audience: Option<Vec<lk::TrackPermission>>,
    /// By the track's id.
    pub(super) hears: BTreeMap<String, Heard>,
    /// What was said about tracks of others, by the track's id.
    pub(super) wishes: BTreeMap<String, bool>,
    /// Of the last offer.
    pub(super) sections: Vec<Section>,
    /// When sections are asked for.
    pub(super) sections_due: Option<Instant>,
    /// Whether an offer was answered.
    pub(super) answered: bool,
}

impl Person {
    pub(super) fn new(seat: Seat, sid: String, grants: Grants, request: &lk::JoinRequest, now: Moment) -> Self {
        let client = request.client_info.clone().unwrap_or_default();
        let mut capabilities = client.capabilities;
        capabilities.truncate(16);
        Self {
            seat,
            sid,
            grants,
            state: State::Joining,
            reason: lk::DisconnectReason::UnknownReason,
            joined_millis: now.unix_millis,
            version: 0,
            client_protocol: client.client_protocol,
            capabilities,
            auto_subscribe: request.connection_settings.as_ref().is_some_and(|settings| settings.auto_subscribe),
            quality: lk::ConnectionQuality::Excellent,
            unbound: false,
            tracks: Vec::new(),
            audience: None,
            hears: BTreeMap::new(),
            wishes: BTreeMap::new(),
            sections: Vec::new(),
            sections_due: None,
            answered: false,
        }
    }

    /// What the others are told. A track is told of from the moment on in which a section carries it.
    pub(super) fn info(&self) -> lk::ParticipantInfo {
        let tracks: Vec<lk::TrackInfo> =
            self.tracks.iter().filter(|track| track.mid.is_some()).map(|track| track.info.clone()).collect();
        lk::ParticipantInfo {
            sid: self.sid.clone(),
            identity: self.grants.identity.clone(),
            state: i32::from(self.state),
            is_publisher: !tracks.is_empty(),
            tracks,
            metadata: self.grants.metadata.clone(),
            joined_at: self.joined_millis.div_euclid(1000),
            joined_at_ms: self.joined_millis,
            name: self.grants.name.clone(),
            version: self.version,
            permission: Some(self.permission()),
            disconnect_reason: i32::from(self.reason),
            client_protocol: self.client_protocol,
            capabilities: self.capabilities.clone(),
            ..lk::ParticipantInfo::default()
        }
    }

    fn permission(&self) -> lk::ParticipantPermission {
        lk::ParticipantPermission {
            can_subscribe: self.grants.subscribe,
            can_publish: self.grants.publish,
            can_publish_data: self.grants.publish_data,
            can_publish_sources: self.grants.sources.iter().filter_map(|name| source(name)).map(i32::from).collect(),
            hidden: self.grants.hidden,
            ..lk::ParticipantPermission::default()
        }
    }

    /// Whether something of this source may be sent.
    pub(super) fn may_publish(&self, wire: i32) -> bool {
        self.grants.publish
            && (self.grants.sources.is_empty()
                || self.grants.sources.iter().filter_map(|name| source(name)).any(|allowed| i32::from(allowed) == wire))
    }

    /// Whether somebody may hear a track of this person.
    pub(super) fn lets_hear(&self, listener: &Self, track: &str) -> bool {
        let Some(audience) = &self.audience else { return true };
        audience.iter().any(|one| {
            let named = if one.participant_identity.is_empty() {
                one.participant_sid == listener.sid
            } else {
                one.participant_identity == listener.grants.identity
            };
            named && (one.all_tracks || one.track_sids.iter().any(|sid| sid == track))
        })
    }

    /// Ties tracks to the sections that carry them, and forgets those whose section carries nothing any more.
    ///
    /// A section names its track (`a=msid`); one that names none takes the first track of its kind that has no section
    /// yet (livekit-server, `getPendingTrack`).
    pub(super) fn bind(&mut self, sections: &[Section]) {
        let before = self.tracks.len();
        self.tracks.retain(|track| {
            track.mid.as_ref().is_none_or(|mid| sections.iter().any(|section| &section.mid == mid && section.sends))
        });
        self.unbound |= self.tracks.len() < before;
        for section in sections.iter().filter(|section| section.sends) {
            if self.tracks.iter().any(|track| track.mid.as_deref() == Some(section.mid.as_str())) {
                continue;
            }
            let waits = |track: &&mut Track| track.mid.is_none() && track.kind == section.kind;
            let by_name = section.track.as_ref().and_then(|name| {
                self.tracks.iter().position(|track| {
                    track.mid.is_none() && track.kind == section.kind && track.cids.iter().any(|cid| cid == name)
                })
            });
            let found = match by_name {
                Some(at) => self.tracks.get_mut(at),
                None => self.tracks.iter_mut().find(waits),
            };
            if let Some(track) = found {
                track.carry(section);
            }
        }
    }
}

impl Track {
    pub(super) fn new(sid: String, kind: Kind, request: lk::AddTrackRequest, now: Moment) -> Self {
        let mut cids = vec![request.cid.clone()];
        cids.extend(request.simulcast_codecs.iter().map(|codec| codec.cid.clone()).filter(|cid| !cid.is_empty()));
        let mut layers = request.layers;
        if layers.is_empty()
            && let Some(codec) = request.simulcast_codecs.first()
        {
            layers.clone_from(&codec.layers);
        }
        layers.truncate(Layer::ALL.len());
        // As livekit-server says it when a client does not: what belongs together is synchronized.
        let screen = [lk::TrackSource::ScreenShare, lk::TrackSource::ScreenShareAudio].map(i32::from);
        let stream = match request.stream {
            stream if !stream.is_empty() => stream,
            _ if screen.contains(&request.source) => "screen_share".to_owned(),
            _ => "camera".to_owned(),
        };
        let info = lk::TrackInfo {
            sid,
            r#type: request.r#type,
            name: request.name,
            muted: request.muted,
            width: request.width,
            height: request.height,
            simulcast: kind == Kind::Video && layers.len() > 1,
            disable_dtx: request.disable_dtx,
            source: request.source,
            codecs: vec![lk::SimulcastCodecInfo {
                cid: request.cid,
                layers: layers.clone(),
                video_layer_mode: i32::from(lk::video_layer::Mode::OneSpatialLayerPerStream),
                ..lk::SimulcastCodecInfo::default()
            }],
            layers,
            stereo: request.stereo,
            disable_red: request.disable_red,
            encryption: request.encryption,
            stream,
            version: Some(lk::TimedVersion { unix_micro: now.unix_millis.saturating_mul(1000), ticks: 0 }),
            audio_features: request.audio_features,
            ..lk::TrackInfo::default()
        };
        Self { kind, info, cids, mid: None, announced: false, subscribed: false, told: None, lower_due: None }
    }

    fn carry(&mut self, section: &Section) {
        self.mid = Some(section.mid.clone());
        // The only codecs that an answer names.
        let mime = match self.kind {
            Kind::Audio => "audio/opus",
            Kind::Video => "video/VP8",
        };
        mime.clone_into(&mut self.info.mime_type);
        section.mid.clone_into(&mut self.info.mid);
        for (layer, (rid, place)) in self.info.layers.iter_mut().zip(section.rids.iter().zip(0_i32..)) {
            rid.clone_into(&mut layer.rid);
            layer.spatial_layer = place;
        }
        for codec in &mut self.info.codecs {
            mime.clone_into(&mut codec.mime_type);
            section.mid.clone_into(&mut codec.mid);
            codec.layers.clone_from(&self.info.layers);
        }
    }
}

/// `TrackSource` by the name that a token has for it (livekit/protocol, `auth/grants.go`).
fn source(name: &str) -> Option<lk::TrackSource> {
    lk::TrackSource::from_str_name(&name.to_ascii_uppercase())
}
