//! Media keys that came, until they are no longer needed: those of devices that are not members yet wait, and the last
//! of each member is told again when its device turns out to be signed. In memory only.

use model::round::{KeyTrust, MediaKey, MemberId};
use ruma::{OwnedDeviceId, OwnedUserId};
use std::collections::{BTreeMap, VecDeque};

/// Keys that wait for a membership, of one device and of all.
const MOST_OF_ONE: usize = 4;
const MOST: usize = 256;

/// Who has sent something, proven by Olm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sender {
    pub(crate) user: OwnedUserId,
    pub(crate) device: OwnedDeviceId,
    /// The Curve25519 key of the channel it came by, in base64.
    pub(crate) curve: String,
}

/// A key that came by a channel of that device.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) from: Sender,
    pub(crate) key: MediaKey,
    pub(crate) sent_ms: Option<u64>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    waiting: VecDeque<Sent>,
    given: BTreeMap<MemberId, (Sent, KeyTrust)>,
}

impl Keys {
    /// Keeps a key until its sender is a member. The oldest make room.
    pub(crate) fn wait(&mut self, sent: Sent) {
        let same = |one: &Sent| one.from.user == sent.from.user && one.from.device == sent.from.device;
        if self.waiting.iter().filter(|one| same(one)).count() >= MOST_OF_ONE
            && let Some(oldest) = self.waiting.iter().position(same)
        {
            self.waiting.remove(oldest);
        }
        if self.waiting.len() >= MOST {
            self.waiting.pop_front();
        }
        self.waiting.push_back(sent);
    }

    /// Takes out what waits and is of somebody who is there, in the order in which it came.
    pub(crate) fn awaited(&mut self, mut is_there: impl FnMut(&Sender) -> bool) -> Vec<Sent> {
        let (ready, waiting) = self.waiting.drain(..).partition(|sent| is_there(&sent.from));
        self.waiting = waiting;
        Vec::from(ready)
    }

    /// Whether a key is to be told, and is then known as told. A message that was overtaken is not.
    pub(crate) fn give(&mut self, id: &MemberId, sent: &Sent, trust: KeyTrust) -> bool {
        let overtaken = self.given.get(id).is_some_and(|(known, _)| {
            known.key.index == sent.key.index && known.sent_ms.zip(sent.sent_ms).is_some_and(|(old, new)| new < old)
        });
        if !overtaken {
            self.given.insert(id.clone(), (sent.clone(), trust));
        }
        !overtaken
    }

    /// The last keys of devices that were not signed.
    pub(crate) fn unsigned(&self) -> Vec<(MemberId, Sent)> {
        let unsigned = self.given.iter().filter(|(_, (_, trust))| *trust == KeyTrust::Unsigned);
        unsigned.map(|(id, (sent, _))| (id.clone(), sent.clone())).collect()
    }

    /// Forgets what was told of those who are gone.
    pub(crate) fn keep(&mut self, is_there: impl Fn(&MemberId) -> bool) {
        self.given.retain(|id, _| is_there(id));
    }
}

#[cfg(test)]
mod tests {
    use super::{Keys, Sender, Sent};
    use model::round::{KeyTrust, MediaKey, MemberId};

    fn sent(device: &str, index: u8, sent_ms: Option<u64>) -> Sent {
        let from = Sender {
            user: ruma::user_id!("@a:s").to_owned(),
            device: device.into(),
            curve: "not looked at".to_owned(),
        };
        Sent { from, key: MediaKey::new(index, vec![7; 16]).expect("16 bytes"), sent_ms }
    }

    fn id() -> MemberId {
        MemberId::parse("@a:s:A").expect("a name")
    }

    #[test]
    fn keys_wait_for_their_sender_and_come_in_their_order() {
        let mut keys = Keys::default();
        for (device, index) in [("A", 0), ("B", 0), ("A", 1)] {
            keys.wait(sent(device, index, None));
        }
        let came: Vec<u8> = keys.awaited(|from| from.device == "A").iter().map(|one| one.key.index).collect();
        assert_eq!(came, [0, 1], "both, the first first");
        assert_eq!(keys.awaited(|from| from.device == "A").len(), 0, "once");
        assert_eq!(keys.awaited(|_| true).len(), 1, "the other one still waits");
    }

    #[test]
    fn whoever_sends_many_keys_pushes_out_nobody_elses() {
        let mut keys = Keys::default();
        keys.wait(sent("B", 9, None));
        for index in 0..200 {
            keys.wait(sent("A", index, None));
        }
        let left: Vec<u8> = keys.awaited(|_| true).iter().map(|one| one.key.index).collect();
        assert_eq!(left, [9, 196, 197, 198, 199], "the last four, and the other's");
        for device in 0..1000 {
            keys.wait(sent(&format!("D{device}"), 0, None));
        }
        assert_eq!(keys.awaited(|_| true).len(), 256, "no more than that");
    }

    #[test]
    fn a_key_that_was_overtaken_is_not_told() {
        let mut keys = Keys::default();
        assert!(keys.give(&id(), &sent("A", 0, Some(5)), KeyTrust::Unsigned), "the first");
        assert!(!keys.give(&id(), &sent("A", 0, Some(4)), KeyTrust::Unsigned), "an older one in its place");
        assert!(keys.give(&id(), &sent("A", 1, Some(4)), KeyTrust::Unsigned), "but another place is another key");
        assert!(keys.give(&id(), &sent("A", 1, None), KeyTrust::Unsigned), "and without times nothing is older");
        assert_eq!(keys.unsigned().len(), 1, "it may be signed later");
        keys.give(&id(), &sent("A", 1, None), KeyTrust::OwnerSigned);
        assert_eq!(keys.unsigned().len(), 0, "and then it is");
    }

    #[test]
    fn what_was_told_of_somebody_who_is_gone_is_forgotten() {
        let mut keys = Keys::default();
        keys.give(&id(), &sent("A", 0, Some(5)), KeyTrust::Unsigned);
        keys.keep(|_| false);
        assert!(keys.give(&id(), &sent("A", 0, Some(4)), KeyTrust::Unsigned), "it begins anew");
    }
}
