//! The first message of a socket, and with it a join or the resume of a session.

use super::{Course, LONGEST_TRAILER, MOST_BAD_FRAMES, PEER, Stage};
use crate::signal::facts::{Fact, How, Joined};
use crate::signal::io::{Output, SocketNo};
use crate::signal::people::Person;
use crate::signal::pulse::Pulse;
use crate::signal::reason::Cause;
use crate::signal::wire;
use livekit_protocol as lk;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use std::time::Duration;

impl Course {
    pub(super) fn on_frame(&mut self, now: Duration, chance: u64, socket: SocketNo, frame: &[u8]) {
        let how = match self.stage {
            Stage::Greeting { socket: current, how, .. } if current == socket => Some(how),
            Stage::Up { socket: current } if current == socket => None,
            Stage::New
            | Stage::Building
            | Stage::Opening { .. }
            | Stage::Greeting { .. }
            | Stage::Up { .. }
            | Stage::Waiting { .. }
            | Stage::Left => {
                self.counts.stale_inputs += 1;
                return;
            }
        };
        self.counts.frames += 1;
        let Some(read) = wire::read(frame) else {
            self.counts.bad_frames += 1;
            self.bad_frames += 1;
            if how.is_some() {
                self.fail(now, chance, How::Rejoin, Cause::BadFirstMessage);
            } else if self.bad_frames > MOST_BAD_FRAMES {
                self.fail(now, chance, How::Rejoin, Cause::Garbled);
            }
            return;
        };
        self.counts.unknown_bytes += u64::try_from(read.unknown).unwrap_or_default();
        if let Some(pulse) = &mut self.pulse {
            pulse.heard(now);
        }
        match (read.message, how) {
            (Some(message), None) => self.on_message(now, chance, message),
            (Some(message), Some(how)) => self.on_first(now, chance, socket, how, message),
            (None, None) => self.counts.unknown_messages += 1,
            (None, Some(_)) => {
                self.counts.unknown_messages += 1;
                self.fail(now, chance, How::Rejoin, Cause::BadFirstMessage);
            }
        }
    }

    /// The first message decides what the socket is (client-sdk-js, `SignalClient.validateFirstMessage`).
    pub(super) fn on_first(&mut self, now: Duration, chance: u64, socket: SocketNo, how: How, message: Response) {
        match (message, how) {
            (Response::Leave(leave), _) => self.on_leave(now, chance, &leave),
            (Response::Join(join), How::Rejoin) => self.on_joined(now, chance, socket, join),
            (Response::Reconnect(reconnect), How::Resume) => self.on_reconnected(now, socket, Some(reconnect)),
            (Response::Join(_), How::Resume) => {
                self.fail(now, chance, How::Rejoin, Cause::BadFirstMessage);
            }
            // A server that goes on with a session may say so by going on.
            (other, How::Resume) => {
                self.on_reconnected(now, socket, None);
                self.on_message(now, chance, other);
            }
            (_, How::Rejoin) => self.fail(now, chance, How::Rejoin, Cause::BadFirstMessage),
        }
    }

    pub(super) fn on_joined(&mut self, now: Duration, chance: u64, socket: SocketNo, join: lk::JoinResponse) {
        let (me, left_out) = join.participant.map_or((None, 1), Person::of);
        self.counts.refused += left_out;
        let room = join.room.unwrap_or_default();
        let Some(me) = me.filter(|_me| wire::is_id(&room.sid)) else {
            // Also a server that is busy and names another one: its address is not ours, so it is not followed.
            self.fail(now, chance, How::Rejoin, Cause::BadFirstMessage);
            return;
        };
        self.stage = Stage::Up { socket };
        self.pulse = Some(Pulse::new(now, join.ping_interval, join.ping_timeout));
        self.roster.clear();
        self.speakers.clear();
        self.me = Some(me.clone());
        let mut unsaid = Vec::new();
        for other in join.other_participants {
            if !self.is_ours(&other) {
                self.roster.take(other, &mut unsaid, &mut self.counts.refused);
            }
        }
        let server = join.server_info.unwrap_or_default();
        let mut sif_trailer = join.sif_trailer;
        sif_trailer.truncate(LONGEST_TRAILER);
        let joined = Joined {
            again: self.joined,
            room: room.sid,
            room_name: wire::name(&room.name),
            me,
            others: self.roster.people().cloned().collect(),
            sif_trailer,
            server_version: wire::name(&server.version),
            server_node: wire::name(&server.node_id),
        };
        self.joined = true;
        self.fact(Fact::Joined(Box::new(joined)));
        self.use_ice_servers(join.ice_servers);
        if let Some(peer) = &mut self.peer {
            peer.offers.heard(now);
            if !peer.connected {
                peer.until = Some(now + PEER);
            }
        }
        self.send_candidates();
        let requests = self.own.ask();
        self.send_all(requests);
        let usual = self.options.auto_subscribe;
        self.send_wishes(|wanted| wanted != usual);
    }

    pub(super) fn on_reconnected(&mut self, now: Duration, socket: SocketNo, said: Option<lk::ReconnectResponse>) {
        self.stage = Stage::Up { socket };
        if let Some(pulse) = &mut self.pulse {
            pulse.renew(now);
        }
        let said = said.unwrap_or_default();
        self.use_ice_servers(said.ice_servers);
        let sync = self.sync_state();
        self.send(Request::SyncState(sync));
        if let Some(peer) = &mut self.peer {
            peer.offers.want_restart();
            if !peer.connected {
                peer.until = Some(now + PEER);
            }
        }
        self.fact(Fact::Resumed { last_message: said.last_message_seq });
        // What was said last through the old socket may be lost, so all of it is said again.
        let again = self.own.tell_again();
        self.send_all(again);
        let requests = self.own.ask();
        self.send_all(requests);
        self.send_wishes(|_wanted| true);
    }

    /// `SyncState` for a single peer connection: our last answered offer, and its answer (`livekit_rtc.proto`).
    pub(super) fn sync_state(&self) -> lk::SyncState {
        let answered = self.peer.as_ref().and_then(|peer| peer.offers.answered());
        // The wishes that differ from what the server does by itself (client-sdk-js, `RTCEngine.sendSyncState`).
        let different = self.subscriptions.iter().filter(|(_track, wanted)| **wanted != self.options.auto_subscribe);
        let hidden = self.views.iter().filter(|(_track, view)| !view.shown);
        lk::SyncState {
            offer: answered.map(|(offer, _answer)| wire::description("offer", &offer.0, 0)),
            answer: answered.map(|(_offer, answer)| wire::description("answer", &answer.0, 0)),
            subscription: Some(lk::UpdateSubscription {
                track_sids: different.map(|(track, _wanted)| track.clone()).collect(),
                subscribe: !self.options.auto_subscribe,
                participant_tracks: Vec::new(),
            }),
            publish_tracks: self.own.known(),
            data_channels: self.peer.as_ref().map(|peer| peer.channels.clone()).unwrap_or_default(),
            track_sids_disabled: hidden.map(|(track, _view)| track.clone()).collect(),
            ..Default::default()
        }
    }

    /// The wishes about others' tracks, for a server that may not know them: subscriptions where `is_said` says so.
    pub(super) fn send_wishes(&mut self, is_said: impl Fn(bool) -> bool) {
        let said = self.subscriptions.iter().filter(|(_track, wanted)| is_said(**wanted));
        let mut requests: Vec<Request> = said.filter_map(|(track, _wanted)| self.subscription(track)).collect();
        requests.extend(self.views.keys().filter_map(|track| self.track_setting(track)));
        self.send_all(requests);
    }

    pub(super) fn use_ice_servers(&mut self, offered: Vec<lk::IceServer>) {
        let (kept, dropped) = self.options.ice_hosts.keep(offered);
        self.counts.dropped_ice_urls += dropped;
        if let Some(no) = self.peer.as_ref().map(|peer| peer.no) {
            self.put(Output::IceServers(no, kept));
        }
    }
}
