//! Facts about pictures and sound that go into bytes and come back, and about bytes that nobody encoded.

mod another_decoder;
mod hostile;
mod judge;
mod picture;
mod sound;
