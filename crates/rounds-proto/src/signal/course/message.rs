//! What the server says once the signalling is up.

use super::{Course, MOST_WAITING};
use crate::signal::address::Token;
use crate::signal::facts::{
    CodecWanted, Fact, How, OwnFact, PersonQuality, Quality, Refusal, Speaker, SubscriptionFailure, TrackFact,
};
use crate::signal::io::{Candidate, Output, Sdp};
use crate::signal::own::Step;
use crate::signal::people::{MOST_PEOPLE, MOST_TRACKS, Permissions, Person};
use crate::signal::reason::{Cause, Reason, ServerReason};
use crate::signal::wire;
use livekit_protocol as lk;
use livekit_protocol::signal_response::Message as Response;
use std::collections::BTreeMap;
use std::time::Duration;

impl Course {
    pub(super) fn on_message(&mut self, now: Duration, chance: u64, message: Response) {
        match message {
            Response::Answer(answer) => self.on_answer(answer),
            Response::Trickle(trickle) => self.on_trickle(&trickle),
            Response::Update(update) => self.on_update(update.participants),
            Response::TrackPublished(said) => self.on_track_published(said),
            Response::TrackUnpublished(said) => self.on_track_unpublished(&said.track_sid),
            Response::Leave(leave) => self.on_leave(now, chance, &leave),
            Response::Mute(mute) => self.on_muted(&mute),
            Response::SpeakersChanged(said) => self.on_speakers(&said.speakers),
            Response::RoomUpdate(said) => {
                let room = said.room.unwrap_or_default();
                self.fact(Fact::Room { people: room.num_participants, recording: room.active_recording });
            }
            Response::ConnectionQuality(said) => self.on_quality(said.updates),
            Response::StreamStateUpdate(said) => self.on_streams(said.stream_states),
            Response::SubscribedQualityUpdate(said) => self.on_qualities(said),
            Response::SubscriptionPermissionUpdate(said) => {
                self.track_fact(&said.track_sid, |track| Fact::Allowed { track, allowed: said.allowed });
            }
            Response::SubscriptionResponse(said) => {
                let why = SubscriptionFailure::of(said.err);
                self.track_fact(&said.track_sid, |track| Fact::Unavailable { track, why });
            }
            Response::RequestResponse(said) => self.on_request_response(said),
            Response::TrackSubscribed(said) => self.own_fact(&said.track_sid, OwnFact::Subscribed),
            Response::RefreshToken(token) => match Token::parse(token) {
                Ok(token) => {
                    self.token = token.clone();
                    self.fact(Fact::TokenRefreshed(token));
                }
                Err(_error) => self.counts.refused += 1,
            },
            Response::Pong(_) | Response::PongResp(_) => {
                if let Some(pulse) = &mut self.pulse {
                    pulse.pong(now);
                }
            }
            Response::MediaSectionsRequirement(said) => self.on_sections(&said),
            Response::RoomMoved(_) => self.leave(Reason::Moved),
            // A second join or resume on one socket, an offer to a client that alone offers, and what rounds do not
            // have: data tracks, blobs, audio in several codecs.
            Response::Join(_)
            | Response::Reconnect(_)
            | Response::Offer(_)
            | Response::SubscribedAudioCodecUpdate(_)
            | Response::PublishDataTrackResponse(_)
            | Response::UnpublishDataTrackResponse(_)
            | Response::DataTrackSubscriberHandles(_)
            | Response::StoreDataBlobResponse(_)
            | Response::GetDataBlobResponse(_) => self.counts.unexpected += 1,
        }
    }

    pub(super) fn on_answer(&mut self, answer: lk::SessionDescription) {
        let Some(peer) = &mut self.peer else { return };
        let sdp = Sdp(answer.sdp);
        if answer.r#type != "answer" || !peer.offers.answer(answer.id, &sdp) {
            self.counts.stale_answers += 1;
            return;
        }
        let mut bound = BTreeMap::new();
        for (mid, track) in answer.mid_to_track_id.into_iter().collect::<BTreeMap<_, _>>() {
            if wire::is_mid(&mid) && wire::is_id(&track) && bound.len() < 2 * MOST_PEOPLE {
                bound.insert(mid, track);
            } else {
                self.counts.refused += 1;
            }
        }
        let no = peer.no;
        let early = std::mem::take(&mut peer.early);
        let before = std::mem::replace(&mut peer.bound, bound.clone());
        let mids = bound.iter().map(|(mid, track)| (mid.clone(), track.clone())).collect();
        self.put(Output::Answer { peer: no, sdp, mids });
        for candidate in early {
            self.put(Output::Candidate(no, candidate));
        }
        for mid in before.keys().filter(|mid| !bound.contains_key(*mid)) {
            self.fact(Fact::Bound { mid: mid.clone(), track: None });
        }
        for (mid, track) in bound {
            if before.get(&mid) != Some(&track) {
                self.fact(Fact::Bound { mid, track: Some(track) });
            }
        }
    }

    pub(super) fn on_trickle(&mut self, trickle: &lk::TrickleRequest) {
        let Some(peer) = &mut self.peer else { return };
        if trickle.target != i32::from(lk::SignalTarget::Publisher) {
            self.counts.unexpected += 1;
            return;
        }
        let Some(candidate) = Candidate::read(&trickle.candidate_init) else {
            // The end of candidates may come without one.
            self.counts.refused += u64::from(!trickle.candidate_init.is_empty());
            return;
        };
        if candidate.candidate.is_empty() {
            return;
        }
        if !peer.offers.holds_candidates() {
            let no = peer.no;
            self.put(Output::Candidate(no, candidate));
        } else if peer.early.len() < MOST_WAITING {
            peer.early.push(candidate);
        } else {
            self.counts.refused += 1;
        }
    }

    pub(super) fn on_update(&mut self, people: Vec<lk::ParticipantInfo>) {
        let mut facts = Vec::new();
        for person in people {
            if self.is_ours(&person) {
                self.on_me(person);
            } else {
                self.roster.take(person, &mut facts, &mut self.counts.refused);
            }
        }
        for fact in facts {
            self.on_person_fact(fact);
        }
    }

    pub(super) fn on_person_fact(&mut self, fact: Fact) {
        let mut requests = Vec::new();
        match &fact {
            Fact::Track { track, what: TrackFact::Published(_), .. } => {
                let differs =
                    self.subscriptions.get(track).is_some_and(|wanted| *wanted != self.options.auto_subscribe);
                requests.extend(self.subscription(track).filter(|_request| differs));
                requests.extend(self.track_setting(track));
            }
            Fact::Track { track, what: TrackFact::Unpublished, .. } => {
                self.subscriptions.remove(track);
                self.views.remove(track);
            }
            Fact::PersonLeft { person, .. } => {
                self.speakers.remove(person);
            }
            Fact::Joined(_)
            | Fact::Connected
            | Fact::Resumed { .. }
            | Fact::Interrupted { .. }
            | Fact::Person(_)
            | Fact::Track { what: TrackFact::Muted(_), .. }
            | Fact::Bound { .. }
            | Fact::Own { .. }
            | Fact::Permissions(_)
            | Fact::Speakers(_)
            | Fact::Quality(_)
            | Fact::Stream { .. }
            | Fact::Allowed { .. }
            | Fact::Unavailable { .. }
            | Fact::Refused(_)
            | Fact::Room { .. }
            | Fact::TokenRefreshed(_)
            | Fact::Left(_) => {}
        }
        self.fact(fact);
        self.send_all(requests);
    }

    pub(super) fn on_me(&mut self, wire: lk::ParticipantInfo) {
        let (me, left_out) = Person::of(wire);
        self.counts.refused += left_out;
        let (Some(me), Some(before)) = (me, &self.me) else { return };
        // Another stay of ours is one that ends.
        if me.sid != before.sid || !me.is_at_least(before) {
            return;
        }
        let permissions: Option<Permissions> = (me.permissions != before.permissions).then(|| me.permissions.clone());
        self.me = Some(me);
        if let Some(permissions) = permissions {
            self.fact(Fact::Permissions(permissions));
        }
    }

    pub(super) fn on_track_published(&mut self, said: lk::TrackPublishedResponse) {
        let cid = said.cid.clone();
        let Some(track) = self.own.published(said) else {
            self.counts.unexpected += 1;
            return;
        };
        let size = self.own.by_cid(&cid).and_then(|own| own.other_size());
        self.fact(Fact::Own { cid, what: OwnFact::Published { track } });
        self.tell_mutes();
        self.send_all(size);
        let without_sender = self.own.without_sender();
        if let Some(peer) = &mut self.peer {
            for cid in without_sender {
                peer.offers.want_sender(cid);
            }
        }
    }

    pub(super) fn on_track_unpublished(&mut self, track: &str) {
        let Some(cid) = self.own.by_sid(track).map(|own| own.wish.cid.clone()) else {
            self.counts.unexpected += 1;
            return;
        };
        self.on_unpublish(&cid);
    }

    pub(super) fn on_request_response(&mut self, said: lk::RequestResponse) {
        use lk::request_response::Request;
        let Some(refusal) = Refusal::of(said.reason) else { return };
        match said.request {
            // livekit-server, `participant.go`, `AddTrack`: the request comes back with the reason.
            Some(Request::AddTrack(track)) if self.own.is_unanswered(&track.cid) => {
                self.end_own(&track.cid, OwnFact::Refused(refusal));
            }
            Some(
                Request::AddTrack(_)
                | Request::Trickle(_)
                | Request::Mute(_)
                | Request::UpdateMetadata(_)
                | Request::UpdateAudioTrack(_)
                | Request::UpdateVideoTrack(_)
                | Request::PublishDataTrack(_)
                | Request::UnpublishDataTrack(_),
            )
            | None => self.fact(Fact::Refused(refusal)),
        }
    }

    pub(super) fn on_muted(&mut self, mute: &lk::MuteTrackRequest) {
        if !mute.muted {
            self.counts.unmutes_refused += 1;
            return;
        }
        let Some(own) = self.own.by_sid(&mute.sid) else {
            self.counts.unexpected += 1;
            return;
        };
        own.wish.muted = true;
        let cid = own.wish.cid.clone();
        self.fact(Fact::Own { cid, what: OwnFact::MutedByServer });
        self.tell_mutes();
    }

    pub(super) fn on_speakers(&mut self, changed: &[lk::SpeakerInfo]) {
        for speaker in changed {
            if !speaker.active {
                self.speakers.remove(&speaker.sid);
            } else if wire::is_id(&speaker.sid)
                && (self.speakers.len() < MOST_PEOPLE || self.speakers.contains_key(&speaker.sid))
            {
                let level = if speaker.level.is_finite() { speaker.level.clamp(0.0, 1.0) } else { 0.0 };
                self.speakers.insert(speaker.sid.clone(), level);
            } else {
                self.counts.refused += 1;
            }
        }
        let mut speakers: Vec<Speaker> =
            self.speakers.iter().map(|(person, level)| Speaker { person: person.clone(), level: *level }).collect();
        speakers.sort_by(|a, b| b.level.total_cmp(&a.level));
        self.fact(Fact::Speakers(speakers));
    }

    pub(super) fn on_quality(&mut self, updates: Vec<lk::ConnectionQualityInfo>) {
        let said = updates.into_iter().take(MOST_PEOPLE).filter(|update| wire::is_id(&update.participant_sid));
        let qualities: Vec<PersonQuality> = said
            .filter_map(|update| {
                Some(PersonQuality { quality: Quality::of(update.quality)?, person: update.participant_sid })
            })
            .collect();
        self.fact(Fact::Quality(qualities));
    }

    pub(super) fn on_streams(&mut self, streams: Vec<lk::StreamStateInfo>) {
        for stream in streams.into_iter().take(2 * MOST_TRACKS) {
            match lk::StreamState::try_from(stream.state) {
                Ok(lk::StreamState::Active) => {
                    self.track_fact(&stream.track_sid, |t| Fact::Stream { track: t, paused: false })
                }
                Ok(lk::StreamState::Paused) => {
                    self.track_fact(&stream.track_sid, |t| Fact::Stream { track: t, paused: true })
                }
                Err(_unknown) => self.counts.unexpected += 1,
            }
        }
    }

    pub(super) fn on_qualities(&mut self, said: lk::SubscribedQualityUpdate) {
        let wanted = |codec: &str, qualities: &[lk::SubscribedQuality]| {
            let on = |step: Step| qualities.iter().any(|quality| quality.quality == step.wire() && quality.enabled);
            CodecWanted { codec: wire::name(codec), low: on(Step::Low), medium: on(Step::Medium), high: on(Step::High) }
        };
        #[expect(deprecated, reason = "a server that knows one codec only says it there")]
        let codecs = if said.subscribed_codecs.is_empty() {
            vec![wanted("", &said.subscribed_qualities)]
        } else {
            said.subscribed_codecs.iter().take(8).map(|codec| wanted(&codec.codec, &codec.qualities)).collect()
        };
        self.own_fact(&said.track_sid, OwnFact::Wanted(codecs));
    }

    pub(super) fn on_sections(&mut self, said: &lk::MediaSectionsRequirement) {
        let Some(peer) = &mut self.peer else { return };
        // 0 and 0 is a wish too: the spare sections are enough, and an offer lets the server fill them.
        if !peer.offers.want_sections(said.num_audios, said.num_videos) {
            self.counts.refused += 1;
        }
    }

    pub(super) fn on_leave(&mut self, now: Duration, chance: u64, leave: &lk::LeaveRequest) {
        use lk::leave_request::Action;
        let reason = ServerReason::of(leave.reason);
        match Action::try_from(leave.action) {
            Ok(Action::Resume) => self.fail(now, chance, How::Resume, Cause::ServerAsked(reason)),
            Ok(Action::Reconnect) => self.fail(now, chance, How::Rejoin, Cause::ServerAsked(reason)),
            Ok(Action::Disconnect) | Err(_) if reason.is_final() => self.leave(Reason::Server(reason)),
            // The server ends the session for a reason of its own; another may hold it.
            Ok(Action::Disconnect) | Err(_) => {
                let cause = Cause::ServerAsked(reason);
                if self.up().is_some() {
                    self.next_server();
                }
                self.fail(now, chance, How::Rejoin, cause);
            }
        }
    }
}
