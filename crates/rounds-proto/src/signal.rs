//! The signalling of a round.
