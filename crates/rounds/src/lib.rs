#![doc = include_str!("../README.md")]

mod keys;
mod line;
mod peer;
mod portions;
mod power;
mod receiving;
mod round;
mod sending;
mod socket;
mod ticket;
mod words;

pub use keys::Encryption;
pub use peer::{Path, Traffic};
pub use power::{Power, PowerError};
pub use receiving::{Picture, Sound};
pub use round::{Event, Options, Received, Round, Way};
pub use rounds_proto::frame::UnsignedDevices;
pub use rounds_proto::words::Word;
pub use sending::{Loudness, Outgoing, OutgoingError};
pub use ticket::{Asking, Proof, Ticket, TicketError};
pub use words::WordError;
