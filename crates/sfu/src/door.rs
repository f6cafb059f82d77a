//! What the fuzz targets reach by no other way. Only a build with the feature `fuzz` has it.

pub use crate::media::passing::{Passed, Passing};

use crate::engine::{Engine, Output};
use crate::rooms::{JoinError, Moment, Rooms, Seat};
use crate::token::Grants;
use livekit_protocol as lk;
use std::net::SocketAddr;
use std::time::Instant;

/// The answer to a datagram at the port of STUN.
#[must_use]
pub fn stun(datagram: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    crate::stun::answer(datagram, from)
}

/// Rooms and media as one machine.
#[derive(Debug)]
pub struct Whole(Engine);

/// What a socket has to do.
#[derive(Debug)]
pub enum Doing {
    /// Write a frame.
    Frame(Seat, Vec<u8>),
    /// Close.
    Close(Seat),
}

impl Whole {
    /// Nobody yet, behind the first address, with STUN at the second.
    #[must_use]
    pub fn new(media: SocketAddr, stun: SocketAddr, now: Instant) -> Self {
        Self(Engine::new([7; 32], media, stun, now))
    }

    /// Somebody comes in.
    ///
    /// # Errors
    ///
    /// [`JoinError`].
    pub fn join(&mut self, seat: Seat, grants: Grants, request: lk::JoinRequest, now: Moment) -> Result<(), JoinError> {
        self.0.join(seat, grants, request, String::new(), now)
    }

    /// A frame of a client.
    pub fn frame(&mut self, seat: Seat, frame: &[u8], now: Moment) {
        self.0.frame(seat, frame, now);
    }

    /// A datagram at the address of media.
    pub fn datagram(&mut self, from: SocketAddr, datagram: &[u8], now: Moment) {
        self.0.datagram(from, datagram, now);
    }

    /// The time goes on.
    pub fn tick(&mut self, now: Moment) {
        self.0.tick(now);
    }

    /// When [`Self::tick`] has something to do.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.0.due()
    }

    /// What a socket has to do next.
    pub fn output(&mut self) -> Option<Doing> {
        self.0.output().map(|output| match output {
            Output::Frame(seat, frame) => Doing::Frame(seat, frame),
            Output::Close(seat) => Doing::Close(seat),
        })
    }

    /// The next datagram that leaves, and where it goes.
    pub fn sent(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.0.sent()
    }

    /// Who is there.
    #[must_use]
    pub fn rooms(&self) -> &Rooms {
        &self.0.rooms
    }
}
