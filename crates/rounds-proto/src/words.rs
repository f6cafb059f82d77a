//! What is heard of the words of a round: short packets over its data channels, encrypted like frames where the round is.

use crate::frame::Members;
use livekit_protocol as lk;
use model::round::MemberId;
use prost::Message as _;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A topic is no longer, in bytes.
pub const LONGEST_TOPIC: usize = 128;
/// No `sid` is longer, in bytes; LiveKit's have 15.
const LONGEST_SID: usize = 128;
/// A server that names more stays of people than these makes them up.
const MOST_SPEAKERS: usize = 10_000;

/// Something that somebody's program said to ours.
#[derive(Clone, PartialEq, Eq)]
pub struct Word {
    /// Who. In a round with keys it was encrypted with that person's.
    pub from: MemberId,
    /// What it is about: an untrusted text of at most 128 bytes.
    pub topic: String,
    /// What was said.
    pub payload: Vec<u8>,
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Word({}, {} bytes)", self.topic, self.payload.len())
    }
}

/// What was heard in one session.
#[derive(Debug, Default)]
pub struct Hearing {
    /// The number of the last reliable word by the speaker's `sid`.
    heard: BTreeMap<String, u32>,
}

impl Hearing {
    /// Reads what came; none for what is no word, cannot be opened, is in clear where it must not be, or was heard. In a
    /// round with keys `members` opens it, else there are none.
    pub fn hear(&mut self, now: Duration, members: Option<&mut Members>, bytes: &[u8]) -> Option<Word> {
        let packet = lk::DataPacket::decode(bytes).ok()?;
        let from = MemberId::parse(&packet.participant_identity).ok()?;
        let user = match (packet.value?, members) {
            (lk::data_packet::Value::EncryptedPacket(sealed), Some(members)) => {
                let opened = members.open_data(now, &from, &sealed).ok()?;
                let payload = lk::EncryptedPacketPayload::decode(&opened[..]).ok()?.value?;
                let lk::encrypted_packet_payload::Value::User(user) = payload else { return None };
                user
            }
            (lk::data_packet::Value::User(user), None) => user,
            // In a round with keys nothing is believed that is in clear.
            (_, _) => return None,
        };
        let topic = user.topic.unwrap_or_default();
        if topic.len() > LONGEST_TOPIC || topic.chars().any(char::is_control) {
            return None;
        }
        if packet.sequence > 0 {
            if self.heard.len() > MOST_SPEAKERS || packet.participant_sid.len() > LONGEST_SID {
                return None;
            }
            let heard = self.heard.entry(packet.participant_sid).or_default();
            if packet.sequence <= *heard {
                return None;
            }
            *heard = packet.sequence;
        }
        Some(Word { from, topic, payload: user.payload })
    }
}

#[cfg(test)]
mod tests {
    use super::{Hearing, LONGEST_SID, Word};
    use crate::frame::{Members, UnsignedDevices};
    use livekit_protocol as lk;
    use prost::Message as _;
    use std::time::Duration;

    fn packet(sid: &str, sequence: u32) -> Vec<u8> {
        let user = lk::UserPacket { payload: b"word".to_vec(), ..lk::UserPacket::default() };
        lk::DataPacket {
            participant_identity: "@adler:klinikum.example:KONSIL01".to_owned(),
            participant_sid: sid.to_owned(),
            sequence,
            value: Some(lk::data_packet::Value::User(user)),
            ..lk::DataPacket::default()
        }
        .encode_to_vec()
    }

    fn hear(hearing: &mut Hearing, bytes: &[u8]) -> Option<Word> {
        hearing.hear(Duration::ZERO, None, bytes)
    }

    #[test]
    fn a_reliable_word_is_heard_once() {
        let mut hearing = Hearing::default();
        assert!(hear(&mut hearing, &packet("PA_1", 1)).is_some(), "the first");
        assert_eq!(hear(&mut hearing, &packet("PA_1", 1)), None, "said again");
        assert!(hear(&mut hearing, &packet("PA_2", 1)).is_some(), "of another stay");
        assert!(hear(&mut hearing, &packet("PA_1", 0)).is_some(), "a lossy one has no number");
    }

    #[test]
    fn in_a_round_with_keys_nothing_in_clear_is_heard() {
        let mut members = Members::with_keys_of_each(UnsignedDevices::Ask);
        let heard = Hearing::default().hear(Duration::ZERO, Some(&mut members), &packet("PA_1", 1));
        assert_eq!(heard, None, "it is in clear");
    }

    #[test]
    fn no_long_name_of_a_stay_is_kept() {
        let mut hearing = Hearing::default();
        assert!(hear(&mut hearing, &packet(&"x".repeat(LONGEST_SID), 1)).is_some(), "128 bytes");
        assert_eq!(hear(&mut hearing, &packet(&"x".repeat(LONGEST_SID + 1), 1)), None, "one more");
    }
}
