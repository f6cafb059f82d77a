//! Ids as LiveKit writes them: a prefix and twelve letters and digits (livekit/protocol, `utils/guid/id.go`).

use sha2::{Digest as _, Sha256};

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LENGTH: usize = 12;

/// A run of ids from a seed. They say nothing and are no secrets.
#[derive(Debug)]
pub(super) struct Names {
    seed: [u8; 32],
    given: u64,
}

impl Names {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self { seed, given: 0 }
    }

    pub(super) fn next(&mut self, prefix: &str) -> String {
        self.given += 1;
        let digest = Sha256::new().chain_update(self.seed).chain_update(self.given.to_be_bytes()).finalize();
        let letters = digest.iter().take(LENGTH).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
        prefix.chars().chain(letters).collect()
    }
}
