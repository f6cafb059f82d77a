//! One offer at a time, with rising numbers.
//!
//! The client always offers (single peer connection), so there is no glare; what can go wrong is an answer to an offer
//! that is no longer the last one, and a second offer before the first is answered. Wishes that come while one is
//! under way wait, and the next offer takes them all.

use super::io::{PeerNo, Sdp};
use std::time::Duration;

/// So long may the making of an offer take, and so long its answer (livekit-server, `transport.go`: 15 s).
const STEP: Duration = Duration::from_secs(15);
/// More sections of one kind than these are not added at once.
const MOST_AT_ONCE: u32 = 200;
/// More sections of one kind than these are not added in all: a thousand people, one track each of both kinds.
const MOST_SECTIONS: u32 = 1000;

/// An offer that the peer connection is to make.
///
/// After a lost socket the offer before it may stand unanswered. This one is then set on top of it, which JSEP allows
/// (RFC 9429 §3.2: a local offer in `have-local-offer`), and nothing is taken back: a rollback would free the sections of
/// that offer, and a peer connection that names them anew gives them other `mid`s than the server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferWish {
    /// In which peer connection.
    pub peer: PeerNo,
    /// Comes back with the offer. A wish that a later one replaced is still carried out as far as its sections and
    /// senders go; its offer is not looked at.
    pub offer: u32,
    /// So many sections that only receive sound are added first.
    pub audios: u32,
    /// So many sections that only receive pictures are added first.
    pub videos: u32,
    /// For these tracks of ours a sender is added first.
    pub add: Vec<String>,
    /// The senders of these tracks of ours are stopped first.
    pub remove: Vec<String>,
    /// With new ICE credentials.
    pub restart_ice: bool,
}

/// Where the negotiation is.
#[derive(Debug, Default)]
enum Phase {
    #[default]
    Calm,
    /// The peer connection makes an offer.
    Making { since: Duration },
    /// The server has it. It counts from when the server can answer: after the socket is open, for the first one.
    Sent { sdp: Sdp, since: Option<Duration> },
}

#[derive(Debug, Default)]
pub(super) struct Offers {
    phase: Phase,
    last: u32,
    wanted: bool,
    restart: bool,
    /// The one under way has new ICE credentials.
    restarting: bool,
    audios: u32,
    videos: u32,
    all_audios: u32,
    all_videos: u32,
    add: Vec<String>,
    remove: Vec<String>,
    answered: Option<(Sdp, Sdp)>,
}

/// Which step did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    Offer,
    Answer,
}

impl Offers {
    /// For a new peer connection, whose first offer is under way.
    pub(super) fn first(now: Duration, audios: u32, videos: u32) -> Self {
        Self { phase: Phase::Making { since: now }, last: 1, all_audios: audios, all_videos: videos, ..Self::default() }
    }

    pub(super) fn last(&self) -> u32 {
        self.last
    }

    pub(super) fn want(&mut self) {
        self.wanted = true;
    }

    pub(super) fn want_restart(&mut self) {
        self.wanted = true;
        self.restart = true;
    }

    /// More sections are wanted; whether all of them are granted.
    pub(super) fn want_sections(&mut self, audios: u32, videos: u32) -> bool {
        let room = |asked: u32, waiting: u32, all: u32| {
            asked.min(MOST_AT_ONCE.saturating_sub(waiting)).min(MOST_SECTIONS.saturating_sub(all))
        };
        let (granted_audios, granted_videos) =
            (room(audios, self.audios, self.all_audios), room(videos, self.videos, self.all_videos));
        self.audios += granted_audios;
        self.videos += granted_videos;
        self.all_audios += granted_audios;
        self.all_videos += granted_videos;
        self.wanted = true;
        (granted_audios, granted_videos) == (audios, videos)
    }

    pub(super) fn want_sender(&mut self, cid: String) {
        self.add.push(cid);
        self.wanted = true;
    }

    /// A track goes whose sender is there or was ordered.
    pub(super) fn unwant_sender(&mut self, cid: &str) {
        let ordered = self.add.len();
        self.add.retain(|add| add != cid);
        if self.add.len() == ordered {
            self.remove.push(cid.to_owned());
            self.wanted = true;
        }
    }

    /// The next offer, if one is wanted and none is under way.
    pub(super) fn next(&mut self, now: Duration, peer: PeerNo) -> Option<OfferWish> {
        if !self.wanted || !matches!(self.phase, Phase::Calm) {
            return None;
        }
        self.wanted = false;
        self.last = self.last.saturating_add(1);
        self.phase = Phase::Making { since: now };
        self.restarting = std::mem::take(&mut self.restart);
        Some(OfferWish {
            peer,
            offer: self.last,
            audios: std::mem::take(&mut self.audios),
            videos: std::mem::take(&mut self.videos),
            add: std::mem::take(&mut self.add),
            remove: std::mem::take(&mut self.remove),
            restart_ice: self.restarting,
        })
    }

    pub(super) fn is_making(&self) -> bool {
        matches!(self.phase, Phase::Making { .. })
    }

    /// The peer connection made an offer; whether it is the one that is waited for. `now` is none where the server
    /// cannot answer yet.
    pub(super) fn made(&mut self, now: Option<Duration>, offer: u32, sdp: &Sdp) -> bool {
        let expected = self.is_making() && offer == self.last;
        if expected {
            self.phase = Phase::Sent { sdp: sdp.clone(), since: now };
        }
        expected
    }

    /// The server can answer from here on.
    pub(super) fn heard(&mut self, now: Duration) {
        if let Phase::Sent { since: since @ None, .. } = &mut self.phase {
            *since = Some(now);
        }
    }

    /// The server answered; whether it is the last offer that it answered. A server that does not number (0) can only
    /// mean that one.
    pub(super) fn answer(&mut self, offer: u32, sdp: &Sdp) -> bool {
        if offer != 0 && offer != self.last {
            return false;
        }
        match std::mem::take(&mut self.phase) {
            Phase::Sent { sdp: offered, .. } => {
                self.answered = Some((offered, sdp.clone()));
                self.restarting = false;
                true
            }
            other @ (Phase::Calm | Phase::Making { .. }) => {
                self.phase = other;
                false
            }
        }
    }

    /// The socket is gone: what was under way will not be answered.
    pub(super) fn lost(&mut self) {
        match std::mem::take(&mut self.phase) {
            Phase::Calm => {}
            Phase::Making { .. } | Phase::Sent { .. } => self.wanted = true,
        }
    }

    /// The last offer that was answered, with its answer.
    pub(super) fn answered(&self) -> Option<&(Sdp, Sdp)> {
        self.answered.as_ref()
    }

    /// Whether candidates that come belong to an answer that has not come.
    pub(super) fn holds_candidates(&self) -> bool {
        self.answered.is_none() || (self.restarting && !matches!(self.phase, Phase::Calm))
    }

    pub(super) fn is_restarting(&self) -> bool {
        self.restart || (self.restarting && !matches!(self.phase, Phase::Calm))
    }

    pub(super) fn due(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Calm => None,
            Phase::Making { since } => Some(*since + STEP),
            Phase::Sent { since, .. } => since.map(|since| since + STEP),
        }
    }

    pub(super) fn late(&self, now: Duration) -> Option<Late> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        match &self.phase {
            Phase::Calm => None,
            Phase::Making { .. } => Some(Late::Offer),
            Phase::Sent { .. } => Some(Late::Answer),
        }
    }
}
