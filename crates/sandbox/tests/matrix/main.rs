//! The homeserver as a client sees it: over HTTP, by the client-server API.

mod delayed;
mod directory;
mod encryption;
mod harness;
mod history;
mod media;
mod personal;
mod rooms;
mod rtc;
mod sign_in;
mod sync;
