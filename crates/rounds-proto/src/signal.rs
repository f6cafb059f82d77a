//! The signalling of a round: the client's side of LiveKit's `/rtc/v1`, one peer connection, the client always offers.
//!
//! ```text
//!             Join                offer made             socket open               join
//!   New ────────────▶ Building ────────────▶ Opening ────────────▶ Greeting ────────────▶ Up
//!                        ▲                      ▲                                          │
//!                        │ rejoin               │ resume                                   │ something broke
//!                        └──────────────────────┴──────────── Waiting ◀────────────────────┘
//!                                                                │ ten attempts, or a word that is final
//!                                                                └────────▶ Left
//! ```
//!
//! [`Course`] is fed with what the shell did and saw ([`Input`]), with the time and a random number, and afterwards
//! drained by [`Course::poll`] until nothing comes; then the shell waits for the world or until [`Course::due`].
//! **The order of outputs counts**: an answer is set before the candidates after it are added.
//!
//! Two rules hold throughout. What comes from a socket or a peer connection that was replaced is not looked at, since
//! each has a number. And nothing the server says is believed beyond its measure: lists, names and numbers have ends
//! (`wire`), other hosts than ours are not visited (`alternative_url`, regions, foreign ICE servers), and a microphone
//! that its owner muted is not opened by a message.

mod io;

mod course;

mod facts;
mod offers;
mod own;
mod people;
mod pulse;
mod reason;

mod address;
mod wire;

pub use address::{AddressError, IceHosts, IceServer, JoinUrl, ServerUrl, Token};
pub use course::Course;
pub use facts::{
    CodecWanted, Fact, How, Joined, OwnFact, PersonQuality, Quality, Refusal, Speaker, SubscriptionFailure, TrackFact,
};
pub use io::{
    Candidate, Counts, Frame, Input, Options, OptionsError, Output, PeerNo, PeerState, Sdp, Sections, SocketNo, View,
};
pub use offers::OfferWish;
pub use own::{Layer, Step, TrackWish};
pub use people::{Encryption, Identity, Kind, Permissions, Person, Presence, Source, Track};
pub use reason::{Cause, Reason, ServerReason};
