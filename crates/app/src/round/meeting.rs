//! One round: what a conversation knows of its members and their keys, and the media server that carries sound and
//! picture, joined. Neither knows the other.
//!
//! ```text
//! tim::Round ── members, keys, questions ─▶ [keep] ─ whose key opens what ─▶ rounds::Round
//!            ◀─ our key, our questions ────        ◀─ a key is due or missing ─
//! ```

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use model::round::{KeyTrust, MediaKey, MemberId};
use rounds_proto::rotation::{Rotation, Step};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tim::{Member, Missed, MissedWhy, RoundError, RoundEvent};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Bytes of a key, as Element Call makes them.
const SECRET: usize = 16;
/// News that wait to be heard, and decisions that wait to be carried out.
const WAITING: usize = 256;

/// What happens in a round. Keys come and go without a word.
#[derive(Debug)]
pub enum MeetingEvent {
    /// These are in it by the conversation's word, this device among them.
    Members(Vec<Member>),
    /// Our key did not go to this member, whose device its owner has not signed: [`Meeting::allow`] is for a person to
    /// decide. Told once for each.
    Unsigned(MemberId),
    /// What the media server and those who send say.
    Media(rounds::Event),
}

/// A round of which both halves are joined. Dropping it leaves the media server; [`Meeting::leave`] says so to the
/// conversation as well.
pub struct Meeting {
    membership: Arc<tim::Round>,
    media: Arc<rounds::Round>,
    allowed: mpsc::Sender<MemberId>,
    // Ends it when it is dropped.
    _keeping: JoinSet<()>,
}

impl std::fmt::Debug for Meeting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meeting([not shown])")
    }
}

impl Meeting {
    /// Joins the two halves of one round; both have been joined by whoever calls. `least` is what a device has to be to
    /// get our key without anybody being asked.
    #[must_use]
    pub fn of(
        membership: (tim::Round, mpsc::Receiver<RoundEvent>),
        media: (rounds::Round, mpsc::Receiver<rounds::Event>),
        least: KeyTrust,
    ) -> (Self, mpsc::Receiver<MeetingEvent>) {
        let ((membership, news), (media, carried)) = (membership, media);
        let (membership, media) = (Arc::new(membership), Arc::new(media));
        let ((tell, told), (allowed, allowing)) = (mpsc::channel(WAITING), mpsc::channel(WAITING));
        let keeper = Keeper {
            membership: membership.clone(),
            media: media.clone(),
            least,
            began: Instant::now(),
            rotation: Rotation::new(),
            keys: BTreeMap::new(),
            allowed: BTreeSet::new(),
            asked_about: BTreeSet::new(),
            tell,
        };
        let mut keeping = JoinSet::new();
        keeping.spawn(keeper.keep(news, carried, allowing));
        (Self { membership, media, allowed, _keeping: keeping }, told)
    }

    /// What carries sound and picture.
    #[must_use]
    pub fn media(&self) -> &rounds::Round {
        &self.media
    }

    /// Who is in it now, by the conversation's word.
    pub async fn members(&self) -> Vec<Member> {
        self.membership.members().await
    }

    /// Who is in it, by the conversation's word.
    pub(super) fn membership(&self) -> Arc<tim::Round> {
        self.membership.clone()
    }

    /// A person decided that this member takes part although their device is not signed.
    pub async fn allow(&self, who: &MemberId) {
        // Where nobody takes it the round is over.
        let _over = self.allowed.send(who.clone()).await;
    }

    /// Says to the conversation and to the media server that this device is there no more.
    ///
    /// # Errors
    /// [`RoundError`] when the homeserver did not take it: others see this device in the round until its time ends.
    pub async fn leave(&self) -> Result<(), RoundError> {
        // Nobody is to hear this device meanwhile.
        self.media.leave().await;
        self.membership.leave().await
    }
}

/// What came of something that was sent.
enum Done {
    Key(Step, Result<Vec<Missed>, RoundError>),
    Question,
}

struct Keeper {
    membership: Arc<tim::Round>,
    media: Arc<rounds::Round>,
    least: KeyTrust,
    began: Instant,
    rotation: Rotation,
    /// The newest, and those that are not in force yet.
    keys: BTreeMap<u8, Arc<MediaKey>>,
    allowed: BTreeSet<MemberId>,
    asked_about: BTreeSet<MemberId>,
    tell: mpsc::Sender<MeetingEvent>,
}

impl Keeper {
    async fn keep(
        mut self,
        mut news: mpsc::Receiver<RoundEvent>,
        mut carried: mpsc::Receiver<rounds::Event>,
        mut allowing: mpsc::Receiver<MemberId>,
    ) {
        // A dead network holds up what is sent, and nothing else.
        let mut sending = FuturesUnordered::new();
        let mut busy = false;
        loop {
            let now = self.now();
            while let Some(step) = if busy { self.rotation.in_force(now) } else { self.rotation.next(now) } {
                busy |= self.act(step, &mut sending);
            }
            let wake = if busy { self.rotation.in_force_at() } else { self.rotation.wake() };
            let wake = wake.map(|at| self.began + at);
            let goes_on = tokio::select! {
                Some(done) = sending.next(), if !sending.is_empty() => {
                    if let Done::Key(step, sent) = done {
                        busy = false;
                        self.went(&step, sent).await;
                    }
                    true
                }
                event = news.recv() => match event {
                    Some(event) => self.hear(event).await,
                    None => false,
                },
                event = carried.recv() => match event {
                    Some(event) => self.carry(event, &mut sending).await,
                    None => false,
                },
                Some(who) = allowing.recv() => {
                    self.media.allow_unsigned(&who).await;
                    self.rotation.asked(self.now(), &who);
                    self.allowed.insert(who);
                    true
                }
                () = until(wake) => true,
            };
            if !goes_on {
                return;
            }
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// What the conversation says. Tells whether somebody still listens.
    async fn hear(&mut self, event: RoundEvent) -> bool {
        match event {
            RoundEvent::MembersChanged(members) => {
                let others = members.iter().filter(|member| !member.here).map(|member| member.id.clone()).collect();
                self.media.set_members(&others).await;
                self.rotation.set_members(self.now(), &others);
                self.asked_about.retain(|who| others.contains(who));
                self.tell.send(MeetingEvent::Members(members)).await.is_ok()
            }
            RoundEvent::KeyArrived { from, key, trust } => {
                self.media.set_key(&from, &key, trust).await;
                true
            }
            RoundEvent::KeyAsked { by } => {
                self.rotation.asked(self.now(), &by);
                true
            }
        }
    }

    /// What the media server says.
    async fn carry(&mut self, event: rounds::Event, sending: &mut Sending) -> bool {
        match event {
            rounds::Event::OwnKeyDue { .. } => self.rotation.begin_anew(),
            rounds::Event::KeyMissing(who) => {
                let membership = self.membership.clone();
                sending.push(Box::pin(async move {
                    if let Err(error) = membership.ask_for_key(&who).await {
                        tracing::warn!(%error, "a member could not be asked for a key");
                    }
                    Done::Question
                }));
            }
            event @ (rounds::Event::Fact(_) | rounds::Event::Standing(_) | rounds::Event::Word(_)) => {
                return self.tell.send(MeetingEvent::Media(event)).await.is_ok();
            }
        }
        true
    }

    /// Begins what the rotation wants; tells whether it has to be waited for.
    fn act(&mut self, step: Step, sending: &mut Sending) -> bool {
        let (key, to) = match &step {
            Step::Use { index } => {
                self.puts_in_force(*index);
                return false;
            }
            Step::Make { index, to } => (self.make(*index), to.clone()),
            Step::Hand { index, to } => (self.keys.get(index).cloned(), to.clone()),
        };
        // What is not there any more was followed by another one.
        let Some(key) = key else { return false };
        let (known, other): (Vec<_>, Vec<_>) = to.into_iter().partition(|who| self.allowed.contains(who));
        let (membership, least) = (self.membership.clone(), self.least);
        sending.push(Box::pin(async move {
            let sent = async {
                let mut missed = membership.send_key(&key, &known, KeyTrust::Unsigned).await?;
                missed.extend(membership.send_key(&key, &other, least).await?);
                Ok(missed)
            };
            Done::Key(step, sent.await)
        }));
        true
    }

    fn make(&mut self, index: u8) -> Option<Arc<MediaKey>> {
        let secret: [u8; SECRET] = rand::random();
        let key = MediaKey::new(index, secret.to_vec()).map(Arc::new).ok()?;
        self.keys.insert(index, key.clone());
        Some(key)
    }

    fn puts_in_force(&mut self, index: u8) {
        let Some(key) = self.keys.get(&index) else { return };
        if self.media.set_own_key(key).is_err() {
            tracing::error!("a media key was made twice");
            self.rotation.begin_anew();
        }
        // Only the newest is handed out again.
        let newest = self.rotation.newest();
        self.keys.retain(|kept, _key| Some(*kept) == newest || self.rotation.awaits(*kept));
    }

    async fn went(&mut self, step: &Step, sent: Result<Vec<Missed>, RoundError>) {
        let now = self.now();
        match sent {
            Ok(missed) => {
                if let Step::Make { index, .. } = step {
                    self.rotation.sent(now, *index);
                }
                for missed in missed {
                    // Who has gone needs none; who is there and was missed asks for it.
                    if missed.why == MissedWhy::Unsigned && self.asked_about.insert(missed.who.clone()) {
                        // Where nobody listens the loop ends by itself.
                        let _over = self.tell.send(MeetingEvent::Unsigned(missed.who)).await;
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a media key could not be handed out");
                self.rotation.failed(now, step);
            }
        }
    }
}

type Sending = FuturesUnordered<BoxFuture<'static, Done>>;

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
