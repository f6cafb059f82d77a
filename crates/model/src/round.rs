//! What two sides of the program say about a round: who is in it, and with which key a person's sound and picture are
//! encrypted. Whoever exchanges keys and whoever uses them know these words only.

use std::fmt;
use zeroize::Zeroizing;

/// A participant, as the media server names them: `@user:server:DEVICE` where the round belongs to a room of a
/// conversation, else whatever the token says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(String);

/// What is there names no participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMemberId;

impl fmt::Display for NoMemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text names no participant of a round")
    }
}

impl std::error::Error for NoMemberId {}

/// A user id and a device id have at most 255 bytes each, with a colon between them.
const LONGEST: usize = 511;

impl MemberId {
    /// Takes a name of 1 to 511 bytes without control characters.
    ///
    /// # Errors
    /// [`NoMemberId`] when it is none.
    pub fn parse(text: &str) -> Result<Self, NoMemberId> {
        let good = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
        if good { Ok(Self(text.to_owned())) } else { Err(NoMemberId) }
    }

    /// The name as it is on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The secret from which the key of one participant's frames is derived. It does not print and leaves memory with its
/// owner.
#[derive(Clone)]
pub struct MediaKey {
    /// Its place in the participant's ring, which each frame names.
    pub index: u8,
    secret: Zeroizing<Vec<u8>>,
}

/// The secret is shorter than 16 or longer than 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMediaKey;

impl fmt::Display for NoMediaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key has 16 to 64 bytes")
    }
}

impl std::error::Error for NoMediaKey {}

impl MediaKey {
    /// From 16 to 64 bytes, which have to be random.
    ///
    /// # Errors
    /// [`NoMediaKey`] when there are fewer or more.
    pub fn new(index: u8, secret: Vec<u8>) -> Result<Self, NoMediaKey> {
        let secret = Zeroizing::new(secret);
        if (16..=64).contains(&secret.len()) { Ok(Self { index, secret }) } else { Err(NoMediaKey) }
    }

    /// For deriving from it, and for the encrypted message that carries it.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.secret
    }
}

impl fmt::Debug for MediaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaKey({}, [not shown])", self.index)
    }
}

/// What is known of the device that a key came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyTrust {
    /// Its owner signed it.
    OwnerSigned,
    /// Nobody did; it may be anybody's.
    Unsigned,
}

#[cfg(test)]
mod tests {
    use super::{MediaKey, MemberId, NoMediaKey, NoMemberId};

    #[test]
    fn a_participant_has_a_name_that_can_be_written_in_a_line() {
        let id = MemberId::parse("@adler:klinikum.example:KONSIL01").map(|id| id.to_string());
        assert_eq!(id.as_deref(), Ok("@adler:klinikum.example:KONSIL01"), "the form of a conversation's member");
        for text in ["", "a\nb", "a\0", &"a".repeat(512)] {
            assert_eq!(MemberId::parse(text), Err(NoMemberId), "{text:?}");
        }
    }

    #[test]
    fn a_media_key_shows_its_place_and_nothing_else() {
        let key = MediaKey::new(201, vec![171; 16]).expect("16 bytes are a key");
        assert_eq!(format!("{key:?}"), "MediaKey(201, [not shown])", "a secret must not reach a log line");
        for length in [0, 15, 65] {
            assert_eq!(MediaKey::new(0, vec![0; length]).err(), Some(NoMediaKey), "{length} bytes");
        }
    }
}
