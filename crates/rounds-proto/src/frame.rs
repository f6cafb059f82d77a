//! The encryption of frames.
