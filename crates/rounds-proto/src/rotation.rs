//! When a key of one's own is made, who gets it, and from when on it is in force.
//!
//! Whoever has left must not hear what comes after, and whoever comes not what came before. Rules and times are those of
//! Element Call, so that both change keys at the same moments (matrix-js-sdk, `matrixrtc/RTCEncryptionManager.ts`): a
//! new key on each leaving; one on each coming unless the last one is younger than [`YOUNG`], which the newcomer then
//! gets; and [`AHEAD`] between handing it out and using it, so that it is there before what it opens.
//!
//! Time is an argument, counted from any moment; the keys themselves are with whoever asks.

use model::round::MemberId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A key of this age may be given to who comes.
pub const YOUNG: Duration = Duration::from_secs(10);
/// So long a key lies with the others before it is used.
pub const AHEAD: Duration = Duration::from_secs(1);
/// The pause after one that could not be handed out.
pub const AGAIN: Duration = Duration::from_secs(1);
/// Whoever asks again before is not heard: an answer may be on its way.
pub const PAUSE: Duration = Duration::from_secs(2);

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a key under this index, and send it to those. [`Rotation::sent`] or [`Rotation::failed`] tells how it went.
    Make {
        /// From 0 on, rising by one; after 255 comes 0.
        index: u8,
        /// Everybody but oneself; perhaps nobody.
        to: BTreeSet<MemberId>,
    },
    /// Send the newest key, which is this one, to those as well.
    Hand {
        /// Of the newest key.
        index: u8,
        /// Who has not got it, or asks for it again.
        to: BTreeSet<MemberId>,
    },
    /// From now on this one is in force.
    Use {
        /// Of a key that was sent.
        index: u8,
    },
}

/// One's own keys in one round.
#[derive(Debug, Default)]
pub struct Rotation {
    members: BTreeSet<MemberId>,
    /// A key is in force, or will be: somebody may send.
    wanted: bool,
    /// The next one cannot wait for the former: none is in force.
    bare: bool,
    /// Another key is due.
    due: bool,
    not_before: Duration,
    newest: Option<Newest>,
    next_index: u8,
    /// Sent, and not in force yet.
    waiting: Vec<(Duration, u8)>,
    /// Who is to get the newest key too.
    hand: BTreeSet<MemberId>,
    answered: BTreeMap<MemberId, Duration>,
}

#[derive(Debug)]
struct Newest {
    index: u8,
    made: Duration,
    holders: BTreeSet<MemberId>,
}

impl Rotation {
    /// Before anything is sent.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing may be sent with a former key: one joins, or joins anew.
    pub fn begin_anew(&mut self) {
        self.wanted = true;
        self.bare = true;
        self.due = true;
        self.waiting.clear();
    }

    /// Takes the whole list of members, without oneself.
    pub fn set_members(&mut self, now: Duration, members: &BTreeSet<MemberId>) {
        self.members.clone_from(members);
        self.answered.retain(|who, _at| members.contains(who));
        self.hand.retain(|who| members.contains(who));
        let Some(newest) = &self.newest else { return };
        let new: BTreeSet<_> = members.difference(&newest.holders).cloned().collect();
        if newest.holders.difference(members).next().is_some() {
            self.due = true;
        } else if new.is_empty() {
            // Nobody came and nobody left.
        } else if now.saturating_sub(newest.made) < YOUNG {
            self.hand.extend(new);
        } else {
            self.due = true;
        }
    }

    /// A member has not got the key.
    pub fn asked(&mut self, now: Duration, who: &MemberId) {
        let soon = self.answered.get(who).is_some_and(|at| now.saturating_sub(*at) < PAUSE);
        if !soon && self.members.contains(who) {
            self.answered.insert(who.clone(), now);
            self.hand.insert(who.clone());
        }
    }

    /// What is to be done now. Only one of making and handing out at a time: the next comes once it is told how that went.
    pub fn next(&mut self, now: Duration) -> Option<Step> {
        if let Some(step) = self.in_force(now) {
            return Some(step);
        }
        if now < self.not_before || !self.wanted {
            return None;
        }
        if self.due {
            self.due = false;
            self.hand.clear();
            let index = self.next_index;
            self.next_index = index.wrapping_add(1);
            self.newest = Some(Newest { index, made: now, holders: self.members.clone() });
            return Some(Step::Make { index, to: self.members.clone() });
        }
        let newest = self.newest.as_mut()?;
        if self.hand.is_empty() {
            return None;
        }
        let to = std::mem::take(&mut self.hand);
        newest.holders.extend(to.iter().cloned());
        Some(Step::Hand { index: newest.index, to })
    }

    /// The next key that is in force from now on: this needs nobody's answer, and waits for none.
    pub fn in_force(&mut self, now: Duration) -> Option<Step> {
        let place = self.waiting.iter().position(|(at, _index)| *at <= now)?;
        let (_at, index) = self.waiting.remove(place);
        Some(Step::Use { index })
    }

    /// When [`Rotation::in_force`] is to be asked.
    #[must_use]
    pub fn in_force_at(&self) -> Option<Duration> {
        self.waiting.iter().map(|(at, _index)| *at).min()
    }

    /// A key that was made went out.
    pub fn sent(&mut self, now: Duration, index: u8) {
        let newest = self.newest.as_ref().is_some_and(|newest| newest.index == index);
        // One from before a new beginning is of no use.
        if newest && !(self.bare && self.due) {
            let at = if self.bare { now } else { now + AHEAD };
            self.bare = false;
            self.waiting.push((at, index));
        }
    }

    /// Nobody got it. A made one is not used and another is made; one that was handed out is handed out again.
    pub fn failed(&mut self, now: Duration, step: &Step) {
        self.not_before = now + AGAIN;
        match step {
            Step::Make { .. } => self.due = true,
            Step::Hand { to, .. } => self.hand.extend(to.intersection(&self.members).cloned()),
            Step::Use { .. } => {}
        }
    }

    /// The key that newcomers get.
    #[must_use]
    pub fn newest(&self) -> Option<u8> {
        self.newest.as_ref().map(|newest| newest.index)
    }

    /// Whether this key went out and is not in force yet.
    #[must_use]
    pub fn awaits(&self, index: u8) -> bool {
        self.waiting.iter().any(|(_at, waiting)| *waiting == index)
    }

    /// When [`Rotation::next`] is to be asked even if nothing happens.
    #[must_use]
    pub fn wake(&self) -> Option<Duration> {
        let again = (self.wanted && (self.due || !self.hand.is_empty())).then_some(self.not_before);
        self.in_force_at().into_iter().chain(again).min()
    }
}
