//! What a client may say, one function a kind.

use super::person::{Layer, Track};
use super::quality::Wish;
use super::{Effect, Kind, MOST_TRACKS, Moment, Response, Rooms, Seat, tell};
use livekit_protocol as lk;
use livekit_protocol::request_response::{Reason, Request as Refused};
use livekit_protocol::signal_request::Message as Request;

/// More wishes about tracks of others are not kept: 25 people with 32 tracks each.
const MOST_WISHES: usize = 800;
/// No id or name in a request is longer, in bytes.
const LONGEST_TEXT: usize = 256;

impl Rooms {
    pub(super) fn take(&mut self, seat: Seat, request: Request, now: Moment) {
        match request {
            Request::Offer(offer) => self.offer(seat, offer, now),
            Request::AddTrack(track) => self.add_track(seat, track, now),
            Request::Mute(mute) => self.muted(seat, &mute),
            Request::Subscription(subscription) => self.subscription(seat, &subscription),
            Request::TrackSetting(setting) => self.setting(seat, &setting),
            Request::UpdateVideoTrack(size) => self.resized(seat, &size),
            Request::SubscriptionPermission(permission) => self.audience(seat, permission),
            Request::Ping(sent) => self.say(seat, Response::Pong(sent)),
            Request::PingReq(ping) => {
                let pong = lk::Pong { last_ping_timestamp: ping.timestamp, timestamp: now.unix_millis };
                self.say(seat, Response::PongResp(pong));
            }
            Request::Leave(_) => {
                self.part(seat, lk::DisconnectReason::ClientInitiated, now);
                self.effects.push_back(Effect::Close { seat });
            }
            Request::UpdateMetadata(update) => self.refuse(seat, update.request_id, Refused::UpdateMetadata(update)),
            // The client offers, so it answers nothing. Layers come with the track, and are not changed later.
            // Nothing can be resumed, so there is no state to bring up. The rest is not spoken here, and clients do
            // without: simulated faults, features of microphones, data tracks, blobs.
            // Where a client is shows its first check.
            Request::Answer(_)
            | Request::Trickle(_)
            | Request::UpdateLayers(_)
            | Request::SyncState(_)
            | Request::Simulate(_)
            | Request::UpdateAudioTrack(_)
            | Request::PublishDataTrackRequest(_)
            | Request::UnpublishDataTrackRequest(_)
            | Request::UpdateDataSubscription(_)
            | Request::StoreDataBlobRequest(_)
            | Request::GetDataBlobRequest(_) => {}
        }
    }

    fn refuse(&mut self, seat: Seat, request_id: u32, request: Refused) {
        let refused = lk::RequestResponse {
            request_id,
            reason: i32::from(Reason::NotAllowed),
            message: "not allowed".to_owned(),
            request: Some(request),
        };
        self.say(seat, Response::RequestResponse(refused));
    }

    /// A track is announced: it gets its id at once, and is published when an offer carries it.
    pub(super) fn add_track(&mut self, seat: Seat, request: lk::AddTrackRequest, now: Moment) {
        let sound = is_bounded(&request);
        let kind = match lk::TrackType::try_from(request.r#type) {
            Ok(lk::TrackType::Audio) => Kind::Audio,
            Ok(lk::TrackType::Video) => Kind::Video,
            Ok(lk::TrackType::Data) | Err(_) => return,
        };
        let Some(person) = self.person_mut(seat) else { return };
        if !sound || !person.may_publish(request.source) || person.tracks.len() >= MOST_TRACKS {
            self.refuse(seat, 0, Refused::AddTrack(request));
            return;
        }
        // Asked twice, or a copy in another codec: the track is the one that is there.
        let known = person
            .tracks
            .iter()
            .find(|track| track.info.sid == request.sid || track.cids.contains(&request.cid))
            .map(|track| track.info.clone());
        if let Some(track) = known {
            let published = lk::TrackPublishedResponse { cid: request.cid, track: Some(track) };
            self.say(seat, Response::TrackPublished(published));
            return;
        }
        let sid = self.names.next(prefix(kind, request.source));
        let cid = request.cid.clone();
        let track = Track::new(sid, kind, request, now);
        let published = lk::TrackPublishedResponse { cid, track: Some(track.info.clone()) };
        if let Some(person) = self.person_mut(seat) {
            person.tracks.push(track);
        }
        self.say(seat, Response::TrackPublished(published));
    }

    /// A track shows a picture of another size, by which others choose what they want of it.
    fn resized(&mut self, seat: Seat, size: &lk::UpdateLocalVideoTrack) {
        let Some(person) = self.person_mut(seat) else { return };
        let Some(track) = person.tracks.iter_mut().find(|track| track.info.sid == size.track_sid) else { return };
        if (track.info.width, track.info.height) != (size.width, size.height) {
            (track.info.width, track.info.height) = (size.width, size.height);
            self.tell_of(seat, tell::To::All);
        }
    }

    fn muted(&mut self, seat: Seat, mute: &lk::MuteTrackRequest) {
        let Some(person) = self.person_mut(seat) else { return };
        let Some(track) = person.tracks.iter_mut().find(|track| track.info.sid == mute.sid) else { return };
        if track.info.muted != mute.muted {
            track.info.muted = mute.muted;
            self.routes_changed = true;
            self.tell_of(seat, tell::To::All);
        }
    }

    fn subscription(&mut self, seat: Seat, subscription: &lk::UpdateSubscription) {
        let Some(room) = self.room_of_mut(seat) else { return };
        let named = subscription.participant_tracks.iter().flat_map(|participant| &participant.track_sids);
        let known: Vec<String> = named
            .chain(&subscription.track_sids)
            .filter(|sid| room.people.values().any(|person| person.tracks.iter().any(|track| track.info.sid == **sid)))
            .cloned()
            .collect();
        let Some(person) = room.people.get_mut(&seat) else { return };
        for sid in known {
            if person.wishes.len() < MOST_WISHES || person.wishes.contains_key(&sid) {
                person.wishes.insert(sid, subscription.subscribe);
            }
        }
    }

    fn setting(&mut self, seat: Seat, setting: &lk::UpdateTrackSettings) {
        let Some(person) = self.person_mut(seat) else { return };
        let wish =
            Wish { disabled: setting.disabled, quality: setting.quality, width: setting.width, height: setting.height };
        for sid in &setting.track_sids {
            if let Some(heard) = person.hears.get_mut(sid) {
                heard.wish = wish;
            }
        }
        self.routes_changed = true;
    }

    fn audience(&mut self, seat: Seat, permission: lk::SubscriptionPermission) {
        let Some(person) = self.person_mut(seat) else { return };
        let mut permissions = permission.track_permissions;
        permissions.truncate(super::MOST_PEOPLE * 2);
        person.audience = (!permission.all_participants).then_some(permissions);
    }
}

/// Everything of it is told to all others, so everything has an end.
fn is_bounded(request: &lk::AddTrackRequest) -> bool {
    let copies = &request.simulcast_codecs;
    let layers = request.layers.iter().chain(copies.iter().flat_map(|codec| &codec.layers));
    let texts = [&request.cid, &request.name, &request.stream, &request.sid].into_iter();
    let texts = texts.chain(copies.iter().flat_map(|codec| [&codec.codec, &codec.cid]));
    let few = |layers: &[lk::VideoLayer]| layers.len() <= Layer::ALL.len();
    texts.chain(layers.map(|layer| &layer.rid)).all(|text| text.len() <= LONGEST_TEXT)
        && !request.cid.is_empty()
        && few(&request.layers)
        && copies.len() <= 4
        && copies.iter().all(|codec| few(&codec.layers))
        && request.audio_features.len() <= 16
}

/// `TR_`, the kind, the source (livekit/protocol, `utils/guid/id.go`).
fn prefix(kind: Kind, source: i32) -> &'static str {
    match (kind, lk::TrackSource::try_from(source)) {
        (Kind::Audio, Ok(lk::TrackSource::Microphone)) => "TR_AM",
        (Kind::Audio, Ok(lk::TrackSource::ScreenShareAudio)) => "TR_AS",
        (
            Kind::Audio,
            Ok(lk::TrackSource::Unknown | lk::TrackSource::Camera | lk::TrackSource::ScreenShare) | Err(_),
        ) => "TR_A",
        (Kind::Video, Ok(lk::TrackSource::Camera)) => "TR_VC",
        (Kind::Video, Ok(lk::TrackSource::ScreenShare)) => "TR_VS",
        (
            Kind::Video,
            Ok(lk::TrackSource::Unknown | lk::TrackSource::Microphone | lk::TrackSource::ScreenShareAudio) | Err(_),
        ) => "TR_V",
    }
}
