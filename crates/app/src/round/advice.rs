//! What keeps a person from being heard or from hearing, and when they are told. Pure: the stay measures and has the clock.
//!
//! Each thing is told when it lasts and is taken back when it has been gone for a while, so that no line on the screen
//! flickers. What is most urgent stands in front: somebody who is not heard at all comes before somebody who is heard badly.

use contract::RoundAdvice;
use sound::Notice;
use std::time::{Duration, Instant};

/// A line that loses this part of what it carries is told of.
const BAD: f64 = 0.05;
/// And one that loses less is not any more.
const GOOD: f64 = 0.03;
/// Looks, a second apart, in which it is bad before it is told.
const LASTS: u8 = 4;
/// And in which it is good before that is taken back.
const GONE: u8 = 8;
/// Another figure is told where it differs by so much: one that moves each second is not read.
const MOVES: u8 = 3;
/// Whoever spoke while muted sees it for so long after the last time.
const MUTED: Duration = Duration::from_secs(8);
/// As often as the microphone tells that it goes on, and a little.
const AGAIN: Duration = Duration::from_secs(18);

/// What a look at a round has shown.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Measured {
    /// The part of what is sent that is lost, from 0 to 1; none where nothing is sent.
    pub(super) lost: Option<f64>,
    /// The part of what others say that had to be made up, from 0 to 1; none where nobody speaks.
    pub(super) made_up: Option<f64>,
    /// What is to be seen of this person does not fit the way.
    pub(super) narrow: bool,
    /// Pictures of others are held back.
    pub(super) few: bool,
}

/// What is told.
#[derive(Debug, Default)]
pub(super) struct Advisor {
    muted: Option<Instant>,
    clips: Option<Instant>,
    echo: Option<Instant>,
    silent: bool,
    /// The microphone.
    on: bool,
    sends: Line,
    hears: Line,
    narrow: Line,
    few: Line,
}

/// Something that gets worse and better.
#[derive(Debug, Default)]
struct Line {
    bad: u8,
    good: u8,
    /// In percent.
    told: Option<u8>,
}

impl Line {
    fn take(&mut self, part: f64) {
        if part >= BAD {
            (self.bad, self.good) = (self.bad.saturating_add(1), 0);
        } else if part < GOOD {
            (self.bad, self.good) = (0, self.good.saturating_add(1));
        }
        let now = percent(part);
        match self.told {
            None if self.bad >= LASTS => self.told = Some(now),
            Some(_) if self.good >= GONE => self.told = None,
            Some(told) if part >= BAD && told.abs_diff(now) >= MOVES => self.told = Some(now),
            Some(_) | None => {}
        }
    }
}

impl Advisor {
    /// Takes what the microphone says of itself.
    pub(super) fn hear(&mut self, notice: Notice, now: Instant) {
        match notice {
            // What was noticed before it was switched on is done with.
            Notice::SpeaksWhileMuted => self.muted = (!self.on).then_some(now),
            Notice::Clips => self.clips = Some(now),
            Notice::Echo => self.echo = Some(now),
            Notice::Silent => self.silent = true,
            Notice::HeardAgain => self.silent = false,
        }
    }

    /// The microphone is on, or off, or another: what was said of it before is done with.
    pub(super) fn set_microphone(&mut self, on: bool) {
        (self.clips, self.echo, self.silent, self.on) = (None, None, false, on);
        if on {
            self.muted = None;
        }
    }

    /// Takes a look; one comes each second.
    pub(super) fn look(&mut self, measured: Measured) {
        self.sends.take(measured.lost.unwrap_or(0.0));
        self.hears.take(measured.made_up.unwrap_or(0.0));
        self.narrow.take(if measured.narrow { 1.0 } else { 0.0 });
        self.few.take(if measured.few { 1.0 } else { 0.0 });
    }

    /// The most urgent in front.
    pub(super) fn advice(&self, now: Instant) -> Vec<RoundAdvice> {
        let lately = |at: Option<Instant>, long| at.is_some_and(|at| now.saturating_duration_since(at) < long);
        let told = |yes: bool, advice| yes.then_some(advice);
        let all = [
            told(lately(self.muted, MUTED), RoundAdvice::SpeaksWhileMuted),
            told(self.silent && self.on, RoundAdvice::MicrophoneSilent),
            told(lately(self.echo, AGAIN) && self.on, RoundAdvice::Echo),
            told(lately(self.clips, AGAIN) && self.on, RoundAdvice::MicrophoneClips),
            self.sends.told.map(|percent| RoundAdvice::SendsWithLoss { percent }),
            self.hears.told.map(|percent| RoundAdvice::HearsWithLoss { percent }),
            told(self.narrow.told.is_some(), RoundAdvice::NarrowWay),
            told(self.few.told.is_some(), RoundAdvice::FewPictures),
        ];
        all.into_iter().flatten().collect()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between the two limits")]
fn percent(part: f64) -> u8 {
    (part * 100.0).round().clamp(0.0, 100.0) as u8
}

#[cfg(test)]
mod tests {
    use super::{Advisor, Measured};
    use contract::RoundAdvice;
    use sound::Notice;
    use std::time::{Duration, Instant};

    const fn lost(part: f64) -> Measured {
        Measured { lost: Some(part), made_up: None, narrow: false, few: false }
    }

    fn after(advisor: &mut Advisor, looks: usize, measured: Measured) -> Vec<RoundAdvice> {
        for _ in 0..looks {
            advisor.look(measured);
        }
        advisor.advice(Instant::now())
    }

    #[test]
    fn loss_is_told_once_it_lasts_and_for_as_long_as_it_is_not_gone_for_a_while() {
        let mut advisor = Advisor::default();
        let twelve = [RoundAdvice::SendsWithLoss { percent: 12 }];
        assert_eq!(after(&mut advisor, 3, lost(0.12)), [], "a moment's trouble is not worth a word");
        assert_eq!(after(&mut advisor, 1, lost(0.12)), twelve, "it lasts");
        assert_eq!(after(&mut advisor, 20, lost(0.04)), twelve, "neither good nor bad: nothing changes");
        assert_eq!(after(&mut advisor, 7, lost(0.0)), twelve, "it may come back");
        assert_eq!(after(&mut advisor, 1, lost(0.0)), [], "it is gone");
        assert_eq!(after(&mut advisor, 3, lost(0.5)), [], "and it has to last again");
    }

    #[test]
    fn a_figure_changes_only_by_what_somebody_would_notice() {
        let mut advisor = Advisor::default();
        let told = |percent| [RoundAdvice::SendsWithLoss { percent }];
        assert_eq!(after(&mut advisor, 4, lost(0.12)), told(12), "at first");
        assert_eq!(after(&mut advisor, 5, lost(0.14)), told(12), "two more are none");
        assert_eq!(after(&mut advisor, 1, lost(0.31)), told(31), "much more are said at once");
        assert_eq!(after(&mut advisor, 1, Measured::default()), told(31), "a look without any says nothing");
    }

    #[test]
    fn who_is_not_heard_at_all_is_told_before_who_is_heard_badly() {
        let (mut advisor, now) = (Advisor::default(), Instant::now());
        advisor.hear(Notice::SpeaksWhileMuted, now);
        assert_eq!(advisor.advice(now), [RoundAdvice::SpeaksWhileMuted], "nobody hears them");
        assert_eq!(advisor.advice(now + Duration::from_secs(8)), [], "the word of a moment goes");
        advisor.set_microphone(true);
        let bad = Measured { lost: Some(0.2), made_up: Some(0.1), narrow: true, few: true };
        for _ in 0..4 {
            advisor.look(bad);
        }
        for notice in [Notice::Clips, Notice::Silent, Notice::Echo, Notice::SpeaksWhileMuted] {
            advisor.hear(notice, now);
        }
        let all = [
            RoundAdvice::MicrophoneSilent,
            RoundAdvice::Echo,
            RoundAdvice::MicrophoneClips,
            RoundAdvice::SendsWithLoss { percent: 20 },
            RoundAdvice::HearsWithLoss { percent: 10 },
            RoundAdvice::NarrowWay,
            RoundAdvice::FewPictures,
        ];
        assert_eq!(advisor.advice(now), all, "in this order, and somebody who is heard is not muted");
        advisor.hear(Notice::HeardAgain, now);
        assert_eq!(advisor.advice(now + Duration::from_secs(20)), all[3..], "what has not come again goes");
    }

    #[test]
    fn what_was_said_of_a_microphone_is_done_with_when_it_is_switched() {
        let (mut advisor, now) = (Advisor::default(), Instant::now());
        advisor.hear(Notice::SpeaksWhileMuted, now);
        advisor.set_microphone(true);
        assert_eq!(advisor.advice(now), [], "they are heard");
        advisor.hear(Notice::Silent, now);
        assert_eq!(advisor.advice(now), [RoundAdvice::MicrophoneSilent], "by a microphone that gives nothing");
        advisor.set_microphone(true);
        assert_eq!(advisor.advice(now), [], "by another one");
        advisor.hear(Notice::Silent, now);
        advisor.set_microphone(false);
        assert_eq!(advisor.advice(now), [], "who is muted is to be silent");
        advisor.hear(Notice::SpeaksWhileMuted, now);
        assert_eq!(advisor.advice(now), [RoundAdvice::SpeaksWhileMuted], "and is told when they are not");
    }
}
