//! Rooms and media as one machine: what one of them says is done by the other until both are quiet.

use crate::media::{Fact, Media};
use crate::rooms::{Effect, JoinError, Moment, Rooms, Seat};
use crate::token::Grants;
use crate::wire;
use livekit_protocol as lk;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

/// What the shell has to do.
#[derive(Debug)]
pub(crate) enum Output {
    /// Write a frame to a socket.
    Frame(Seat, Vec<u8>),
    /// Close a socket after what was written.
    Close(Seat),
}

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) rooms: Rooms,
    media: Media,
    outputs: VecDeque<Output>,
}

impl Engine {
    pub(crate) fn new(seed: [u8; 32], media: SocketAddr, stun: SocketAddr, now: Instant) -> Self {
        Self {
            rooms: Rooms::new(seed, format!("stun:{stun}")),
            media: Media::new(media, now),
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn join(
        &mut self,
        seat: Seat,
        grants: Grants,
        request: lk::JoinRequest,
        token: String,
        now: Moment,
    ) -> Result<(), JoinError> {
        let joined = self.rooms.join(seat, grants, request, token, now);
        self.settle(now);
        joined
    }

    /// A frame of a client. One that is no message ends the stay.
    pub(crate) fn frame(&mut self, seat: Seat, frame: &[u8], now: Moment) {
        match wire::request(frame) {
            Ok(Some(request)) => self.rooms.said(seat, request, now),
            Ok(None) => {}
            Err(_) => self.rooms.misbehaved(seat, now),
        }
        self.settle(now);
    }

    pub(crate) fn datagram(&mut self, from: SocketAddr, datagram: &[u8], now: Moment) {
        self.media.receive(from, datagram, now.at);
        self.settle(now);
    }

    pub(crate) fn tick(&mut self, now: Moment) {
        if self.rooms.due().is_some_and(|due| due <= now.at) {
            self.rooms.tick(now);
        }
        self.media.tick(now.at);
        self.settle(now);
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        self.rooms.due().into_iter().chain(self.media.due()).min()
    }

    pub(crate) fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn sent(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.media.datagram()
    }

    /// Does what follows from what happened, until nothing does.
    pub(crate) fn settle(&mut self, now: Moment) {
        loop {
            while let Some(fact) = self.media.fact() {
                self.happened(fact, now);
            }
            let Some(effect) = self.rooms.effect() else { break };
            match effect {
                Effect::Say { to, message } => self.outputs.push_back(Output::Frame(to, wire::response(*message))),
                Effect::Answer { to, id, offer, carried, changed } => {
                    match self.media.answer(to, &offer, &carried, &changed, now.at) {
                        Ok((sdp, candidates)) => self.rooms.answered(to, id, sdp, &candidates, now),
                        Err(_) => self.rooms.refused(to, now),
                    }
                }
                Effect::Close { seat } => {
                    self.media.close(seat);
                    self.outputs.push_back(Output::Close(seat));
                }
            }
        }
        if self.rooms.routes_changed() {
            self.media.route(&self.rooms.routes(), now.at);
        }
    }

    fn happened(&mut self, fact: Fact, now: Moment) {
        match fact {
            Fact::Connected(seat) => self.rooms.connected(seat),
            Fact::Lost(seat) => self.rooms.lost(seat, now),
            Fact::Loudness(seat, below_full) => self.rooms.loudness(seat, below_full),
            Fact::Line { of, up, down, silent } => {
                self.rooms.line(of, [up, down].map(|loss| (loss.expected, loss.missing)), silent);
            }
            Fact::Data { from, channel, packet } => {
                let Some((to, packet)) = self.rooms.data(from, &packet) else { return };
                for listener in to {
                    self.media.send(listener, channel, &packet, now.at);
                }
            }
        }
    }
}
