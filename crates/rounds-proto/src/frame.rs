//! The encryption of frames, as LiveKit defines it (client-sdk-js 2.23.0, `src/e2ee/worker`).
//!
//! ```text
//! clear bytes | ciphertext | tag 16 | IV 12 | 0x0C | index of the key 1        AES-128-GCM, AAD = clear bytes
//! IV = BE32(SSRC) | BE32(RTP timestamp) | BE32(timestamp - (frames sent mod 0xFFFF))
//! ```
//!
//! A frame is encrypted whole, before it is cut into packets: one [`Sealer`] for each stream that leaves, all of them
//! under the key that [`OwnKeys`] has in force. [`Members`] knows who takes part, has one [`Opener`] for each of them,
//! and says of each how it stands with the key and for whose key to ask.
//!
//! Times are durations since any fixed instant of a clock that never goes back, the same instant for every call.
//!
//! What the cipher cannot give: everybody who has a person's key can write frames in that person's name, and a server
//! can leave frames out. Where all have one key, a server can also show one person's frame as another's, and play a data
//! packet again after 65,536 others.

mod codec;
mod iv;
mod key;
mod members;
mod memory;
mod opener;
mod sealer;

pub use codec::{BadFrame, Codec, LARGEST_DATA, LARGEST_FRAME, NoCodec};
pub use key::{FrameKey, Material, NoPassphrase};
pub use members::{Members, State, UnsignedDevices};
pub use opener::{
    ASK_AFTER, ASK_AGAIN, FAILURE_TOLERANCE, MOST_LATE, OLD_KEY_KEPT, OpenError, Opened, Opener, RATCHET_WINDOW,
    REMEMBERED,
};
pub use sealer::{DataSealer, KeyUsed, OWN_KEY_DELAY, OwnKeys, SealError, Sealer, SourceTaken};

/// AES-GCM's tag.
const TAG_BYTES: usize = 16;
/// The byte before the index of the key: how long the IV is.
const IV_MARK: u8 = 0x0c;
/// Tag, IV, and the two bytes behind it.
const OVERHEAD: usize = TAG_BYTES + iv::IV_BYTES + 2;
