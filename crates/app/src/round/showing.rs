//! Images that are shown in a round: by this person to the others, or by another one to this person. Pure: what is to be
//! said and told is put out, and time is an argument.
//!
//! Nobody is shown images by another one: everybody's program draws those of its own archive. A case other than the
//! conversation's is not even looked for before this person wants to see it.

use super::ears::{Heard, Topic};
use super::leading::{Lead, Numbers, Said, Telling, Watching};
use contract::{Failure, NotSeen, Presentation, PresentedCase, PresentingView, SeenView, WatchingView};
use model::round::MemberId;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What is shown is told to the page so often at most.
const FRAME: Duration = Duration::from_millis(16);
/// What this person sees is told to whoever shows so often at most.
const SEEN: Duration = Duration::from_secs(1);
/// Whoever could not be told, because our key had not reached them or the way was still being made, is told after so long.
/// Nobody says that they heard.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// Whoever shows says so, though nothing moves.
const ALIVE: Duration = Duration::from_secs(5);
/// The name of a case, its session and what is around them in a word, without the two themselves.
const ENVELOPE: usize = 64;

/// Something that is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Out {
    /// To the others, or to those who are named.
    Say {
        topic: Topic,
        /// As `base|reference`.
        case: Option<String>,
        said: Map<String, Value>,
        to: Vec<MemberId>,
    },
    /// To the page.
    Tell {
        /// FHIR id of the patient.
        patient: String,
        /// What is shown of them.
        presentation: Presentation,
    },
    /// The patient of this case is wanted, given to [`Showing::found`].
    Find(String),
}

/// Images in a round.
#[derive(Debug)]
pub(super) struct Showing {
    session: String,
    me: Option<MemberId>,
    /// Of the conversation, with its patient where this person may open it.
    own_case: Option<(String, Option<String>)>,
    lead: Lead,
    own: Option<Own>,
    /// Of the last words about what this person showed.
    numbers: Numbers,
    leads: u64,
    watching: Watching,
    case: Standing,
    /// Patients of cases that this person wanted to see, by the case's name.
    opened: BTreeMap<String, String>,
    seen: Option<SeenView>,
    seen_told: Option<(SeenView, Instant)>,
    seens: u64,
    others: BTreeMap<MemberId, SeenView>,
    /// Counts the cases that were shown: an answer about one is not taken for another.
    number: u32,
    /// When the page was told, and whether it knows all.
    told: Option<Instant>,
    untold: bool,
    /// When everybody is told once more who shows what.
    again: Vec<Instant>,
    /// When whoever shows says so again.
    alive: Option<Instant>,
    /// When somebody who did not know who shows was told last, or this device was.
    corrected: Option<Instant>,
    out: Vec<Out>,
}

/// What this person shows.
#[derive(Debug)]
struct Own {
    case: String,
    patient: String,
    telling: Option<Telling>,
}

#[derive(Debug, Clone, PartialEq)]
enum Standing {
    Coming,
    Asking,
    Opening,
    Open { patient: String },
    Closed { failure: Failure },
}

impl Showing {
    pub(super) fn new(session: String) -> Self {
        Self {
            session,
            me: None,
            own_case: None,
            lead: Lead::default(),
            own: None,
            numbers: Numbers::default(),
            leads: 0,
            watching: Watching::default(),
            case: Standing::Coming,
            opened: BTreeMap::new(),
            seen: None,
            seen_told: None,
            seens: 0,
            others: BTreeMap::new(),
            number: 0,
            told: None,
            untold: false,
            again: Vec::new(),
            alive: None,
            corrected: None,
            out: Vec::new(),
        }
    }

    pub(super) fn set_me(&mut self, me: MemberId) {
        self.me = Some(me);
    }

    /// The case that the conversation belongs to, where it is one.
    pub(super) fn set_own_case(&mut self, case: Option<(String, Option<String>)>) {
        self.own_case = case;
        // The conversation may say later than somebody shows it which case is its own.
        if self.case == Standing::Asking
            && let Some(case) = self.watching.case().map(str::to_owned)
        {
            self.case = self.standing_of(&case);
            self.untold = true;
        }
    }

    /// What has come to be done.
    pub(super) fn take_out(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.out)
    }

    pub(super) fn may_present(&self, moderates: bool) -> bool {
        self.me.as_ref().is_some_and(|me| self.lead.may_take(me, moderates))
    }

    fn shows_here(&self) -> bool {
        self.me.is_some() && self.lead.who() == self.me.as_ref()
    }

    /// This person shows images of a case from now on.
    pub(super) fn present(&mut self, case: String, patient: String, moderates: bool, now: Instant) {
        let Some(me) = self.me.clone().filter(|_| self.may_present(moderates)) else { return };
        if !self.shows_here() {
            self.lead.set(&me, Some(me.clone()), now);
            self.begin_anew();
            self.say_lead(Vec::new());
            self.alive = Some(now + ALIVE);
            self.again = AGAIN.map(|after| now + after).to_vec();
        }
        self.own = Some(Own { case, patient, telling: None });
    }

    /// This person shows no longer.
    pub(super) fn stop(&mut self, now: Instant) {
        let Some(me) = self.me.clone() else { return };
        if self.shows_here() {
            self.lead.set(&me, None, now);
            self.begin_anew();
            self.say_lead(Vec::new());
            self.again = AGAIN.map(|after| now + after).to_vec();
        }
    }

    /// Somebody else is to show.
    pub(super) fn hand_over(&mut self, to: MemberId, moderates: bool, now: Instant) {
        let Some(me) = self.me.clone() else { return };
        if self.shows_here() || moderates && to != me {
            self.lead.set(&me, Some(to), now);
            self.begin_anew();
            self.say_lead(Vec::new());
            self.again = AGAIN.map(|after| now + after).to_vec();
        }
    }

    /// What is on this person's screen.
    pub(super) fn show(&mut self, patient: &str, presentation: Presentation, now: Instant) {
        if !self.shows_here() {
            return;
        }
        // A page that has gone on to another case says nothing of that one.
        let Some(own) = self.own.as_mut().filter(|own| own.patient == patient) else { return };
        // From now on whoever named this person has given the images away.
        self.lead.shows();
        match &mut own.telling {
            Some(telling) => telling.put(presentation),
            None => {
                let around = ENVELOPE + self.session.len() + own.case.len();
                own.telling = Some(Telling::new(presentation, around, self.numbers));
            }
        }
        self.tick(now);
    }

    /// Somebody can be heard for the first time: whoever shows says what.
    pub(super) fn greet(&mut self, who: &MemberId, now: Instant) {
        if !self.shows_here() {
            // How often it has changed, so that their own showing is taken for newer.
            if self.lead.epoch() > 0 {
                self.say_lead(vec![who.clone()]);
            }
            return;
        }
        self.again = AGAIN.map(|after| now + after).to_vec();
        self.say_all(vec![who.clone()]);
    }

    /// Who shows, and what.
    fn say_all(&mut self, to: Vec<MemberId>) {
        self.say_lead(to.clone());
        let Some((case, telling)) = self.own.as_mut().and_then(|own| Some((own.case.clone(), own.telling.as_mut()?)))
        else {
            return;
        };
        let (said, marks) = (telling.whole(), telling.all_marks());
        self.numbers = telling.numbers();
        self.say(Topic::Show, Some(case.clone()), said, to.clone());
        for mark in marks {
            self.say(Topic::Mark, Some(case.clone()), mark, to.clone());
        }
    }

    /// Who is there: a presenter who is not shows no longer after a while. True when something has changed.
    pub(super) fn set_there(&mut self, there: &BTreeSet<MemberId>, now: Instant) -> bool {
        self.others.retain(|who, _seen| there.contains(who));
        let over = self.lead.look(self.me.as_ref(), |who| there.contains(who), now);
        if over {
            self.begin_anew();
        }
        over
    }

    /// This device, or somebody else, was away for too long to show any longer. True when something has changed.
    pub(super) fn lose(&mut self, who: &MemberId) -> bool {
        let lost = self.lead.who() == Some(who);
        if lost {
            self.lead.lose();
            self.begin_anew();
        }
        lost
    }

    /// This device.
    pub(super) fn me(&self) -> Option<&MemberId> {
        self.me.as_ref()
    }

    /// Takes what somebody's program said.
    pub(super) fn hear(&mut self, heard: &Heard, moderates: bool, now: Instant) {
        let Heard { from, topic, said } = heard;
        match topic {
            Topic::Me | Topic::Ask => {}
            Topic::Lead => self.hear_lead(from, said, moderates, now),
            Topic::Show => self.hear_show(from, said, moderates, now),
            Topic::Point => {
                let moved = self.is_of_the_presenter(from, said, now) && self.watching.point(said);
                self.untold |= moved;
            }
            Topic::Mark => {
                let taken = self.is_of_the_presenter(from, said, now) && self.watching.mark(said);
                self.untold |= taken;
            }
            Topic::Seen => self.hear_seen(from, said),
        }
    }

    fn hear_lead(&mut self, from: &MemberId, said: &Value, moderates: bool, now: Instant) {
        let epoch = said["epoch"].as_u64().and_then(|epoch| u32::try_from(epoch).ok()).filter(|epoch| *epoch > 0);
        let who = match &said["who"] {
            Value::Null => Some(None),
            Value::String(who) => MemberId::parse(who).ok().map(Some),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let (Some(epoch), Some(who)) = (epoch, who) else { return };
        if self.lead.who() == Some(from) && who.as_ref() == Some(from) && epoch == self.lead.epoch() {
            self.lead.heard(now);
            return;
        }
        if self.shows_here() && who.is_none() && epoch >= self.lead.epoch() && self.lead.is_near(epoch) {
            if self.corrected.is_some_and(|at| now.duration_since(at) < SEEN) {
                return;
            }
            // They know of a later time at which nobody showed: this device began without having heard of it.
            self.corrected = Some(now);
            self.lead.rise_above(epoch);
            self.say_all(Vec::new());
            return;
        }
        let taken = self.lead.hear(from, moderates, epoch, who.clone(), now);
        if taken {
            self.begin_anew();
            self.alive = self.shows_here().then_some(now + ALIVE);
        } else if who.as_ref() == Some(from) {
            self.correct(from, epoch, now);
        }
    }

    /// Somebody shows who does not know that others have shown since: told so, they begin above that.
    fn correct(&mut self, whom: &MemberId, epoch: u32, now: Instant) {
        let stale = epoch <= self.lead.epoch() && self.lead.who().is_none();
        if stale && self.corrected.is_none_or(|at| now.duration_since(at) >= SEEN) {
            self.corrected = Some(now);
            self.say_lead(vec![whom.clone()]);
        }
    }

    fn hear_show(&mut self, from: &MemberId, said: &Value, moderates: bool, now: Instant) {
        // That they began may have been said before anybody could hear it.
        let began = said["epoch"].as_u64().and_then(|epoch| u32::try_from(epoch).ok());
        if let Some(epoch) = began.filter(|epoch| *epoch > 0 && self.lead.who() != Some(from)) {
            if self.lead.hear(from, moderates, epoch, Some(from.clone()), now) {
                self.begin_anew();
            } else {
                self.correct(from, epoch, now);
            }
        }
        if !self.is_of_the_presenter(from, said, now) {
            return;
        }
        self.lead.shows();
        let before = self.watching.case().map(str::to_owned);
        if !self.watching.show(said) {
            return;
        }
        self.untold = true;
        let case = self.watching.case().map(str::to_owned);
        if case == before {
            return;
        }
        self.number += 1;
        self.case = match case {
            None => Standing::Coming,
            Some(case) => self.standing_of(&case),
        };
    }

    /// What is known of a case that begins to be shown.
    fn standing_of(&mut self, case: &str) -> Standing {
        if let Some(patient) = self.opened.get(case) {
            return Standing::Open { patient: patient.clone() };
        }
        match &self.own_case {
            Some((own, Some(patient))) if own == case => Standing::Open { patient: patient.clone() },
            Some((own, None)) if own == case => {
                self.out.push(Out::Find(case.to_owned()));
                Standing::Opening
            }
            Some(_) | None => Standing::Asking,
        }
    }

    /// This person wants to see a case that is not the conversation's, or tries again.
    pub(super) fn open_case(&mut self, number: u32) {
        let asked = match &self.case {
            Standing::Asking | Standing::Closed { .. } => number == self.number,
            Standing::Coming | Standing::Opening | Standing::Open { .. } => false,
        };
        if let Some(case) = self.watching.case().filter(|_| asked) {
            self.out.push(Out::Find(case.to_owned()));
            self.case = Standing::Opening;
        }
    }

    /// Whose case it is, or why this person cannot open it.
    pub(super) fn found(&mut self, case: &str, found: Result<String, Failure>) {
        if let Ok(patient) = &found {
            self.opened.insert(case.to_owned(), patient.clone());
        }
        if self.watching.case() == Some(case) {
            self.case = match found {
                Ok(patient) => Standing::Open { patient },
                Err(failure) => Standing::Closed { failure },
            };
            self.untold = true;
        }
    }

    fn hear_seen(&mut self, from: &MemberId, said: &Value) {
        let number = said["show"].as_u64().filter(|number| *number <= self.numbers.shows);
        if let Some((seen, _number)) = seen_read(said).filter(|_| self.shows_here()).zip(number) {
            self.others.insert(from.clone(), seen);
        }
    }

    fn is_of_the_presenter(&mut self, from: &MemberId, said: &Value, now: Instant) -> bool {
        let theirs = self.lead.who() == Some(from);
        let epoch = said["epoch"].as_u64().and_then(|epoch| u32::try_from(epoch).ok());
        if theirs && let Some(epoch) = epoch.filter(|epoch| *epoch > self.lead.epoch()) {
            // They have begun anew above what others knew of.
            self.lead.hear(from, false, epoch, Some(from.clone()), now);
        }
        let now_theirs = theirs && epoch == Some(self.lead.epoch());
        if now_theirs {
            self.lead.heard(now);
        }
        now_theirs
    }

    /// What the page says of that which is shown.
    pub(super) fn set_seen(&mut self, seen: SeenView, now: Instant) {
        self.seen = Some(seen);
        self.tick(now);
    }

    /// Another presenter, or none.
    fn begin_anew(&mut self) {
        self.own = None;
        self.watching = Watching::default();
        self.case = Standing::Coming;
        (self.seen, self.seen_told) = (None, None);
        self.others.clear();
        self.again.clear();
        self.alive = None;
        self.untold = false;
    }

    /// When [`Showing::tick`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        let telling = self.own.as_ref().and_then(|own| own.telling.as_ref()?.due());
        let page = self.told.map(|told| told + FRAME).filter(|_| self.untold && self.is_shown());
        let seen = self.seen_due();
        telling.into_iter().chain(page).chain(seen).chain(self.again.iter().copied()).chain(self.alive).min()
    }

    fn seen_due(&self) -> Option<Instant> {
        let (told, at) = self.seen_told?;
        (self.seen_now()? != told).then(|| at + SEEN)
    }

    /// Says and tells what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        let due = self.again.len();
        self.again.retain(|at| *at > now);
        if self.alive.is_some_and(|at| now >= at) {
            self.alive = Some(now + ALIVE);
            self.say_lead(Vec::new());
        }
        // Those times are of this device's own word alone.
        if self.again.len() < due {
            self.say_all(Vec::new());
        }
        let next = self.own.as_mut().and_then(|own| Some((own.case.clone(), own.telling.as_mut()?)));
        if let Some((case, telling)) = next {
            let said: Vec<_> = std::iter::from_fn(|| telling.next(now)).collect();
            self.numbers = telling.numbers();
            for said in said {
                let (topic, said) = match said {
                    Said::Show(said) => (Topic::Show, said),
                    Said::Point(said) => (Topic::Point, said),
                    Said::Mark(said) => (Topic::Mark, said),
                };
                self.say(topic, Some(case.clone()), said, Vec::new());
            }
        }
        if self.untold
            && self.told.is_none_or(|told| now >= told + FRAME)
            && let Some((patient, presentation)) = self.shown()
        {
            (self.untold, self.told) = (false, Some(now));
            self.out.push(Out::Tell { patient, presentation });
        }
        self.tell_seen(now);
    }

    fn tell_seen(&mut self, now: Instant) {
        let Some((seen, presenter)) = self.seen_now().zip(self.lead.who().cloned()) else { return };
        if self.seen_told.is_some_and(|(told, at)| told == seen || now < at + SEEN) {
            return;
        }
        self.seen_told = Some((seen, now));
        self.seens += 1;
        let said = json!({
            "seq": self.seens, "show": self.watching.shows(), "ok": seen.why.is_none(),
            "why": seen.why.map(why_written), "done": seen.done, "of": seen.of,
        });
        let Value::Object(said) = said else { return };
        self.say(Topic::Seen, self.watching.case().map(str::to_owned), said, vec![presenter]);
    }

    /// What this person sees; none before anything is shown to them.
    fn seen_now(&self) -> Option<SeenView> {
        if self.shows_here() || self.watching.shows() == 0 {
            return None;
        }
        let without = |why| SeenView { why: Some(why), done: 0, of: 0 };
        match &self.case {
            Standing::Open { .. } => Some(self.seen.unwrap_or(without(NotSeen::Aside))),
            Standing::Closed { .. } => Some(without(NotSeen::NoAccess)),
            Standing::Asking => Some(without(NotSeen::Aside)),
            Standing::Opening | Standing::Coming => Some(without(NotSeen::Loading)),
        }
    }

    fn shown(&self) -> Option<(String, Presentation)> {
        let Standing::Open { patient } = &self.case else { return None };
        Some((patient.clone(), self.watching.presentation()?.clone()))
    }

    /// Whether something is shown that this person may see.
    pub(super) fn is_shown(&self) -> bool {
        matches!(self.case, Standing::Open { .. }) && self.watching.presentation().is_some()
    }

    /// Who shows.
    pub(super) fn view(&self) -> Option<PresentingView> {
        let who = self.lead.who()?;
        let here = self.shows_here();
        let case = match (&self.own, here) {
            (Some(own), true) => PresentedCase::Open { patient: own.patient.clone() },
            (None, true) => PresentedCase::Coming,
            (_, false) => match &self.case {
                Standing::Coming => PresentedCase::Coming,
                Standing::Asking => PresentedCase::Asking { number: self.number },
                Standing::Opening => PresentedCase::Opening,
                Standing::Open { patient } => PresentedCase::Open { patient: patient.clone() },
                Standing::Closed { failure } => PresentedCase::Closed { number: self.number, failure: failure.clone() },
            },
        };
        let watching = self.others.iter();
        let watching = watching.map(|(who, seen)| WatchingView { person: who.as_str().to_owned(), seen: *seen });
        Some(PresentingView { person: who.as_str().to_owned(), here, case, watching: watching.collect() })
    }

    fn say_lead(&mut self, to: Vec<MemberId>) {
        self.leads += 1;
        let said = json!({
            "seq": self.leads, "epoch": self.lead.epoch(), "who": self.lead.who().map(MemberId::as_str),
        });
        let Value::Object(said) = said else { return };
        self.say(Topic::Lead, None, said, to);
    }

    fn say(&mut self, topic: Topic, case: Option<String>, mut said: Map<String, Value>, to: Vec<MemberId>) {
        if topic != Topic::Lead {
            said.insert("epoch".to_owned(), json!(self.lead.epoch()));
        }
        self.out.push(Out::Say { topic, case, said, to });
    }
}

fn why_written(why: NotSeen) -> &'static str {
    match why {
        NotSeen::Loading => "loading",
        NotSeen::NoAccess => "noAccess",
        NotSeen::NotFound => "notFound",
        NotSeen::OtherPatient => "otherPatient",
        NotSeen::NotDisplayable => "notDisplayable",
        NotSeen::Aside => "aside",
    }
}

fn seen_read(said: &Value) -> Option<SeenView> {
    let number = |name: &str| said[name].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
    let why = if said["ok"].as_bool()? {
        None
    } else {
        Some(match said["why"].as_str()? {
            "loading" => NotSeen::Loading,
            "noAccess" => NotSeen::NoAccess,
            "notFound" => NotSeen::NotFound,
            "otherPatient" => NotSeen::OtherPatient,
            "notDisplayable" => NotSeen::NotDisplayable,
            "aside" => NotSeen::Aside,
            _ => return None,
        })
    };
    Some(SeenView { why, done: number("done"), of: number("of") })
}

#[cfg(test)]
mod tests;
