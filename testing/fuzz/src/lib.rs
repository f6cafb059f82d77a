#![doc = include_str!("../README.md")]

mod chance;
mod memory;
mod recorded;
mod tape;
mod targets;

pub use chance::Chance;

/// Something of a round that reads bytes of somebody else.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// As it is named on the command line.
    pub name: &'static str,
    /// What reads.
    pub about: &'static str,
    /// Reads one input, and panics where a fact about it does not hold.
    pub run: fn(&[u8]),
    /// Inputs that mean something, from which others are made.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// So many bytes may an input take at once at most, in Rust's memory.
    pub most_bytes: usize,
    /// So many changed inputs are tried by the tests.
    pub tries: u32,
}

/// All of them.
pub const TARGETS: [Target; 17] = targets::ALL;

impl Target {
    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Runs an input.
    ///
    /// # Panics
    ///
    /// Where a fact does not hold, or where the input takes more memory than [`Target::most_bytes`].
    pub fn check(&self, input: &[u8]) {
        let peak = memory::peak(|| (self.run)(input));
        assert!(peak <= self.most_bytes, "an input of {} bytes took {peak} bytes of memory", input.len());
    }
}
