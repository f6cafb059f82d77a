//! The words of a stay: what is said to the others, of this person and of images, and what is heard of them.

use super::{Asked, ME_AGAIN, Stay, in_time};
use crate::round::Meeting;
use crate::round::ears::{Heard, Topic};
use crate::round::showing::Out;
use model::round::MemberId;
use rounds::Word;
use rounds_proto::frame::State;
use serde_json::{Map, Value, json};
use std::time::Instant;

impl Stay {
    /// Tells this person's own state to whoever can hear it for the first time.
    pub(super) async fn greet(&mut self, meeting: &Meeting, standing: &[(MemberId, State)]) {
        let there: Vec<_> = standing.iter().filter(|(_, state)| *state == State::Encrypted).collect();
        self.met.retain(|who| standing.iter().any(|(there, _)| there == who));
        let new: Vec<_> = there.into_iter().map(|(who, _)| who.clone()).filter(|who| !self.met.contains(who)).collect();
        if new.is_empty() {
            return;
        }
        // Where it does not go out, since the way is still being made, it does with the next look.
        self.say_me(meeting, new.clone()).await;
        self.me_again = ME_AGAIN;
        for who in &new {
            self.showing.greet(who, Instant::now());
        }
        self.met.extend(new);
    }

    pub(super) async fn say_me(&mut self, meeting: &Meeting, to: Vec<MemberId>) -> bool {
        self.words += 1;
        let said = json!({"seq": self.words, "hand": self.scene.own_hand_after(), "deaf": false});
        let Value::Object(said) = said else { return false };
        self.say(meeting, Topic::Me, None, said, to).await
    }

    /// True when it went out.
    pub(super) async fn say(
        &self,
        meeting: &Meeting,
        topic: Topic,
        case: Option<String>,
        mut said: Map<String, Value>,
        to: Vec<MemberId>,
    ) -> bool {
        said.insert("v".to_owned(), json!(1));
        said.insert("session".to_owned(), json!(self.scene.conversation));
        said.insert("case".to_owned(), json!(case));
        let said = Value::Object(said).to_string().into_bytes();
        match meeting.media().say(topic.name(), said, !topic.is_lossy(), to).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%error, topic = topic.name(), "something was not said");
                false
            }
        }
    }

    pub(super) fn hear(&mut self, word: &Word) {
        if !self.scene.is_member(&word.from) {
            return;
        }
        let now = Instant::now();
        let heard = self.ears.hear(&word.from, &word.topic, &word.payload, &self.scene.conversation, now);
        if let Some(heard) = heard {
            self.listen(&heard, now);
        }
    }

    pub(super) fn listen(&mut self, heard: &Heard, now: Instant) {
        if heard.topic == Topic::Me {
            self.scene.set_hand(&heard.from, heard.said["hand"].as_u64());
            self.scene.set_shows(heard.from.clone());
            return;
        }
        if heard.topic == Topic::Ask {
            self.listen_to_moderator(heard);
            return;
        }
        if heard.topic == Topic::Show {
            // It may have come to the conversation since.
            self.showing.set_own_case(self.desk.shown_case(&self.scene.conversation));
        }
        let moderates = self.scene.moderates(&heard.from);
        self.showing.hear(heard, moderates, now);
        self.showing.tick(now);
    }

    fn listen_to_moderator(&mut self, Heard { from, said, .. }: &Heard) {
        if !self.scene.moderates(from) {
            return;
        }
        let who = said["who"].as_str().and_then(|who| MemberId::parse(who).ok());
        let here = who.is_some() && who.as_ref() == self.scene.here();
        match (said["what"].as_str(), who) {
            (Some("end"), _) => self.asked = Some(Asked::End),
            (Some("mute"), Some(_)) if here => self.asked = Some(Asked::Mute),
            (Some("unhand"), Some(_)) if here => self.asked = Some(Asked::LowerHand),
            (Some("mute"), Some(who)) => self.scene.hush(who),
            (Some("unhand"), Some(who)) => self.scene.set_hand(&who, None),
            _ => {}
        }
    }

    /// What came of words and wishes about images.
    pub(super) async fn carry_out(&mut self, meeting: &Meeting) {
        for out in self.showing.take_out() {
            match out {
                Out::Say { topic, case, said, to } => {
                    let _said = self.say(meeting, topic, case, said, to).await;
                }
                Out::Tell { patient, presentation } => self.desk.tell_presented(self.entry, patient, presentation),
                Out::Find(case) => {
                    let (desk, find) = (self.desk.clone(), self.find.clone());
                    tokio::spawn(async move {
                        let found = in_time(desk.find_shown_case(&case)).await;
                        // Where nobody waits for it the round is over.
                        let _over = find.send((case, found)).await;
                    });
                }
            }
        }
    }
}
