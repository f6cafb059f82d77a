//! Moderating: what a moderator wants of this person is done, and what this person wants as one is said and enforced.

use super::{Asked, ME_AGAIN, Moderation, Stay};
use crate::round::Meeting;
use crate::round::ears::Topic;
use crate::round::voice::{MICROPHONE, Sounds};
use contract::{MediaStopped, OwnMediaView, RoundEnd, RoundPhase};
use model::round::MemberId;
use rounds::{Power, PowerError};
use serde_json::{Value, json};
use std::time::Duration;

/// The last word of a round is on its way for so long.
const FAREWELL: Duration = Duration::from_millis(700);

impl Stay {
    pub(super) async fn do_as_asked(&mut self, meeting: &Meeting, voice: &mut Sounds, asked: Asked) {
        match asked {
            Asked::Mute => {
                // Also where it is muted already, and open to notice who speaks.
                voice.fall_silent();
                let on = matches!(self.scene.microphone, OwnMediaView::On { .. } | OwnMediaView::Opening);
                if on {
                    self.set_microphone(meeting, voice, false).await;
                    self.stop(meeting, voice, MICROPHONE, MediaStopped::ByServer).await;
                }
            }
            Asked::LowerHand => {
                let _none = self.scene.set_own_hand(false, 0);
                self.say_me(meeting, Vec::new()).await;
                self.me_again = ME_AGAIN;
            }
            Asked::End => self.scene.phase = RoundPhase::Ended { why: RoundEnd::Closed },
        }
    }

    /// True when the others were told.
    pub(super) async fn moderate(&mut self, meeting: &Meeting, what: Moderation) -> bool {
        match what {
            Moderation::Mute(who) => {
                let said = self.ask(meeting, "mute", Some(&who)).await;
                if let Some(track) = self.scene.microphone_of(&who) {
                    let muted = who.clone();
                    self.enforce(|power| async move { power.mute(&muted, &track).await });
                }
                if said {
                    self.scene.hush(who);
                }
                said
            }
            Moderation::LowerHand(who) => {
                let said = self.ask(meeting, "unhand", Some(&who)).await;
                if said {
                    self.scene.set_hand(&who, None);
                }
                said
            }
            Moderation::SendOut(who) => {
                self.send_out(self.scene.devices_of(&who), true);
                true
            }
            Moderation::End => {
                let said = self.ask(meeting, "end", None).await || self.power.is_some();
                if said {
                    // Who leaves at once takes the word along that is still on its way.
                    tokio::time::sleep(FAREWELL).await;
                    // Some programs do not know the word.
                    self.send_out(self.scene.others(), false);
                    self.scene.phase = RoundPhase::Ended { why: RoundEnd::Closed };
                }
                said
            }
        }
    }

    fn send_out(&self, devices: Vec<MemberId>, for_good: bool) {
        self.enforce(|power| async move {
            let mut all = Ok(());
            for device in &devices {
                match power.send_out(device, for_good).await {
                    Ok(()) | Err(PowerError::NotThere) => {}
                    Err(error) => all = Err(error),
                }
            }
            all
        });
    }

    /// Has the media server do it too, where it takes this person's word for it: not every program does as it is asked.
    fn enforce<F>(&self, act: impl FnOnce(Power) -> F)
    where
        F: Future<Output = Result<(), PowerError>> + Send + 'static,
    {
        let Some(doing) = self.power.clone().map(act) else { return };
        // It goes on when the round is over, as the end for all does, and has an end of its own.
        tokio::spawn(async move {
            match doing.await {
                // They have gone, or do not speak, by themselves.
                Ok(()) | Err(PowerError::NotThere) => {}
                Err(error) => tracing::warn!(%error, "the media server did not do what a moderator wanted"),
            }
        });
    }

    async fn ask(&mut self, meeting: &Meeting, what: &str, who: Option<&MemberId>) -> bool {
        self.asks += 1;
        let said = json!({"seq": self.asks, "what": what, "who": who.map(MemberId::as_str)});
        let Value::Object(said) = said else { return false };
        self.say(meeting, Topic::Ask, None, said, Vec::new()).await
    }

    pub(super) fn moderates_here(&self) -> bool {
        self.scene.here().is_some_and(|me| self.scene.moderates(me))
    }
}
