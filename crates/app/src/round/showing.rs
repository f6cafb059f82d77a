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
    others: BTreeMap<MemberId, (SeenView, u64)>,
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
    pub(super) fn show(&mut self, presentation: Presentation, now: Instant) {
        if !self.shows_here() {
            return;
        }
        let Some(own) = &mut self.own else { return };
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

    /// True when the view has changed.
    pub(super) fn hear(&mut self, heard: &Heard, moderates: bool, now: Instant) -> bool {
        let Heard { from, topic, said } = heard;
        match topic {
            Topic::Me | Topic::Ask => false,
            Topic::Lead => self.hear_lead(from, said, moderates, now),
            Topic::Show => self.hear_show(from, said, moderates, now),
            Topic::Point => {
                let moved = self.is_of_the_presenter(from, said, now) && self.watching.point(said);
                self.untold |= moved;
                false
            }
            Topic::Mark => {
                let taken = self.is_of_the_presenter(from, said, now) && self.watching.mark(said);
                self.untold |= taken;
                false
            }
            Topic::Seen => self.hear_seen(from, said),
        }
    }

    fn hear_lead(&mut self, from: &MemberId, said: &Value, moderates: bool, now: Instant) -> bool {
        let epoch = said["epoch"].as_u64().and_then(|epoch| u32::try_from(epoch).ok()).filter(|epoch| *epoch > 0);
        let who = match &said["who"] {
            Value::Null => Some(None),
            Value::String(who) => MemberId::parse(who).ok().map(Some),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let (Some(epoch), Some(who)) = (epoch, who) else { return false };
        if self.lead.who() == Some(from) && who.as_ref() == Some(from) && epoch == self.lead.epoch() {
            self.lead.heard(now);
            return false;
        }
        if self.shows_here() && who.is_none() && epoch >= self.lead.epoch() && self.lead.is_near(epoch) {
            if self.corrected.is_some_and(|at| now.duration_since(at) < SEEN) {
                return false;
            }
            // They know of a later time at which nobody showed: this device began without having heard of it.
            self.corrected = Some(now);
            self.lead.rise_above(epoch);
            self.say_all(Vec::new());
            return false;
        }
        let taken = self.lead.hear(from, moderates, epoch, who.clone(), now);
        if taken {
            self.begin_anew();
            self.alive = self.shows_here().then_some(now + ALIVE);
        } else if who.as_ref() == Some(from) {
            self.correct(from, epoch, now);
        }
        taken
    }

    /// Somebody shows who does not know that others have shown since: told so, they begin above that.
    fn correct(&mut self, whom: &MemberId, epoch: u32, now: Instant) {
        let stale = epoch <= self.lead.epoch() && self.lead.who().is_none();
        if stale && self.corrected.is_none_or(|at| now.duration_since(at) >= SEEN) {
            self.corrected = Some(now);
            self.say_lead(vec![whom.clone()]);
        }
    }

    fn hear_show(&mut self, from: &MemberId, said: &Value, moderates: bool, now: Instant) -> bool {
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
            return false;
        }
        self.lead.shows();
        let before = self.watching.case().map(str::to_owned);
        if !self.watching.show(said) {
            return false;
        }
        self.untold = true;
        let case = self.watching.case().map(str::to_owned);
        if case == before {
            return false;
        }
        self.number += 1;
        self.case = match case {
            None => Standing::Coming,
            Some(case) => self.standing_of(&case),
        };
        true
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

    fn hear_seen(&mut self, from: &MemberId, said: &Value) -> bool {
        let number = said["show"].as_u64();
        let Some(seen) = seen_read(said).filter(|_| self.shows_here()) else { return false };
        let Some(number) = number.filter(|number| *number <= self.numbers.shows) else { return false };
        let known = self.others.insert(from.clone(), (seen, number));
        known.is_none_or(|(known, _number)| known != seen)
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
        let page = self.told.map(|told| told + FRAME).filter(|_| self.untold && self.shown().is_some());
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
        self.shown().is_some()
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
        let watching = watching.map(|(who, (seen, _))| WatchingView { person: who.as_str().to_owned(), seen: *seen });
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
mod tests {
    use super::super::ears::{Heard, Topic};
    use super::{Out, Showing};
    use contract::{
        Failure, FailureCode, NotSeen, Presentation, PresentedCase, PresentedMark, PresentedPlane, PresentedPointer,
        PresentedShape, PresentedViewport, PresentedVoi, SeenView, VoiFunction,
    };
    use model::round::MemberId;
    use serde_json::Value;
    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};

    const CASE: &str = "https://board.example/fhir|ServiceRequest/sr-1";
    const OTHER: &str = "https://board.example/fhir|ServiceRequest/sr-2";

    fn named(name: &str) -> MemberId {
        MemberId::parse(name).expect("a name")
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// An axial image of a CT, at this place of the stack.
    fn axial(number: u32) -> Presentation {
        let z = -420.5 + 2.5 * f64::from(number);
        Presentation {
            layout: "1x1".to_owned(),
            active: 0,
            views: vec![PresentedViewport {
                place: 0,
                study: "1.2.1".to_owned(),
                series: "1.2.2".to_owned(),
                instance: format!("1.2.3.{number}"),
                frame: 1,
                plane: Some(PresentedPlane {
                    origin: [-180.0, -180.0, z],
                    row: [1.0, 0.0, 0.0],
                    column: [0.0, 1.0, 0.0],
                }),
                center: [-40.0, -26.0, z],
                height: 210.0,
                voi: PresentedVoi::Window { center: 40.0, width: 400.0, function: VoiFunction::Linear },
                inverted: false,
                flipped: [false, false],
                turns: 0,
            }],
            pointer: None,
            marks: Vec::new(),
        }
    }

    fn measured(mut at: Presentation, id: &str, to: f64) -> Presentation {
        let [view] = at.views.as_slice() else { return at };
        let shape = PresentedShape::Length { from: [-40.0, -26.0, -420.5], to: [to, -26.0, -420.5] };
        let (instance, frame) = (view.instance.clone(), view.frame);
        at.marks.push(PresentedMark { id: id.to_owned(), instance, frame, shape, text: "12,0 mm".to_owned() });
        at
    }

    fn pointing(mut at: Presentation, x: f64) -> Presentation {
        at.pointer = Some(PresentedPointer { place: 0, at: [x, -26.1, -420.5] });
        at
    }

    /// Somebody at their program, of whom the others hear what it says.
    struct Person {
        name: MemberId,
        showing: Showing,
        told: Vec<Presentation>,
        looks_for: Vec<String>,
    }

    impl Person {
        fn new(name: &str, own: Option<(&str, Option<&str>)>) -> Self {
            let mut showing = Showing::new("!room".to_owned());
            showing.set_me(named(name));
            showing.set_own_case(own.map(|(case, patient)| (case.to_owned(), patient.map(str::to_owned))));
            Self { name: named(name), showing, told: Vec::new(), looks_for: Vec::new() }
        }

        /// What their program puts out, as the others hear it.
        fn says(&mut self) -> Vec<Heard> {
            let mut words = Vec::new();
            for out in self.showing.take_out() {
                match out {
                    Out::Say { topic, case, mut said, .. } => {
                        said.insert("case".to_owned(), case.into());
                        words.push(Heard { from: self.name.clone(), topic, said: Value::Object(said) });
                    }
                    Out::Tell { presentation, .. } => self.told.push(presentation),
                    Out::Find(case) => self.looks_for.push(case),
                }
            }
            words
        }

        fn hears(&mut self, words: &[Heard], now: Instant) {
            for word in words {
                self.showing.hear(word, false, now);
                self.showing.tick(now);
            }
        }

        fn case(&self) -> Option<PresentedCase> {
            self.showing.view().map(|view| view.case)
        }
    }

    fn topics(words: &[Heard]) -> Vec<Topic> {
        words.iter().map(|word| word.topic).collect()
    }

    /// Somebody who shows this case, and somebody in the same conversation.
    fn shown(case: &str) -> (Person, Person, Instant) {
        let now = Instant::now();
        let own = Some((CASE, Some("p-1")));
        let (mut one, mut other) = (Person::new("@a:h:ONE", own), Person::new("@b:h:TWO", own));
        one.showing.present(case.to_owned(), "p-1".to_owned(), false, now);
        one.showing.show(axial(0), now);
        let words = one.says();
        assert_eq!(topics(&words), [Topic::Lead, Topic::Show], "who, and what");
        other.hears(&words, now);
        other.says();
        (one, other, now)
    }

    #[test]
    fn what_is_shown_of_the_conversations_case_is_seen_at_once() {
        let (_one, other, _now) = shown(CASE);
        assert_eq!(other.told, [axial(0)]);
        assert_eq!(other.case(), Some(PresentedCase::Open { patient: "p-1".to_owned() }));
        assert!(!other.showing.may_present(false), "one shows at a time");
        assert!(other.showing.may_present(true), "a moderator may take over");
    }

    #[test]
    fn movements_go_ahead_and_all_of_it_follows_a_tenth_of_a_second_after_the_last() {
        let (mut one, mut other, mut now) = shown(CASE);
        // It is said twice more, to whoever could not be told at once.
        for after in [1_000, 3_000] {
            one.showing.tick(now + ms(after));
            assert_eq!(topics(&one.says()), [Topic::Lead, Topic::Show]);
        }
        now += ms(3_500);
        let mut at = now;
        for step in 1..=3 {
            at = now + ms(20 * step);
            one.showing.show(axial(u32::try_from(step).expect("few")), at);
            let words = one.says();
            assert_eq!(topics(&words), [Topic::Point], "a movement");
            other.hears(&words, at);
        }
        other.says();
        assert_eq!(other.told.last(), Some(&axial(3)));
        assert_eq!(one.showing.due(), Some(at + ms(100)), "then all of it");
        one.showing.tick(at + ms(100));
        assert_eq!(topics(&one.says()), [Topic::Show]);
        one.showing.tick(at + ms(5_099));
        assert_eq!(topics(&one.says()), [Topic::Lead], "that it shows is said as well");
        one.showing.tick(at + ms(5_100));
        assert_eq!(topics(&one.says()), [Topic::Show], "and again, though nothing moves");
    }

    #[test]
    fn sixty_movements_a_second_are_said_at_most_and_the_newest_wins() {
        let (mut one, mut other, now) = shown(CASE);
        one.showing.show(axial(1), now + ms(5));
        one.showing.show(axial(2), now + ms(10));
        assert_eq!(one.says(), [], "too early");
        one.showing.tick(now + ms(16));
        let words = one.says();
        other.hears(&words, now + ms(20));
        other.says();
        assert_eq!(other.told.last(), Some(&axial(2)));
    }

    #[test]
    fn a_movement_that_arrives_after_all_of_it_was_said_moves_nothing_back() {
        let (mut one, mut other, now) = shown(CASE);
        one.showing.show(axial(1), now + ms(20));
        let late = one.says();
        one.showing.show(axial(2), now + ms(40));
        let _lost = one.says();
        one.showing.tick(now + ms(140));
        other.hears(&one.says(), now + ms(140));
        other.hears(&late, now + ms(160));
        other.says();
        assert_eq!(other.told.last(), Some(&axial(2)));
    }

    #[test]
    fn a_pointer_comes_and_goes() {
        let (mut one, mut other, now) = shown(CASE);
        for (step, seen) in [pointing(axial(0), -40.2), pointing(axial(0), -39.0), axial(0)].into_iter().enumerate() {
            let at = now + ms(20 * (u64::try_from(step).expect("few") + 1));
            one.showing.show(seen.clone(), at);
            let words = one.says();
            assert_eq!(topics(&words), [Topic::Point]);
            other.hears(&words, at);
            other.says();
            assert_eq!(other.told.last(), Some(&seen));
        }
    }

    #[test]
    fn measurements_come_change_and_go_and_who_comes_later_has_them() {
        let (mut one, mut other, now) = shown(CASE);
        let mut late = Person::new("@c:h:THREE", Some((CASE, Some("p-1"))));
        let states = [
            measured(axial(0), "m1", -28.0),
            measured(measured(axial(0), "m1", -20.0), "m2", -10.0),
            measured(axial(0), "m2", -10.0),
        ];
        for (step, state) in states.into_iter().enumerate() {
            let at = now + ms(20 * (u64::try_from(step).expect("few") + 1));
            one.showing.show(state.clone(), at);
            other.hears(&one.says(), at);
            // What came together is told together, with the next frame.
            other.showing.tick(at + ms(16));
            other.says();
            assert_eq!(other.told.last(), Some(&state), "state {step}");
        }
        one.showing.greet(&late.name, now + ms(100));
        late.hears(&one.says(), now + ms(100));
        late.showing.tick(now + ms(200));
        late.says();
        assert_eq!(late.told.last(), Some(&measured(axial(0), "m2", -10.0)), "of the one that is left");
    }

    #[test]
    fn nothing_of_another_case_is_looked_for_before_the_person_wants_it() {
        let (mut one, mut other, now) = shown(OTHER);
        assert_eq!(
            (other.case(), other.told.len(), other.looks_for.len()),
            (Some(PresentedCase::Asking { number: 1 }), 0, 0)
        );
        one.showing.show(axial(1), now + ms(20));
        other.hears(&one.says(), now + ms(20));
        other.says();
        assert!(other.told.is_empty() && other.looks_for.is_empty(), "not by a movement either");

        other.showing.open_case(0);
        other.says();
        assert!(other.looks_for.is_empty(), "nor by an answer about another one");
        other.showing.open_case(1);
        other.says();
        assert_eq!(other.looks_for, [OTHER]);
        assert_eq!(other.case(), Some(PresentedCase::Opening));
        other.showing.found(OTHER, Ok("p-2".to_owned()));
        other.showing.tick(now + ms(40));
        other.says();
        assert_eq!(other.told, [axial(1)], "as it is by then");
        assert_eq!(other.case(), Some(PresentedCase::Open { patient: "p-2".to_owned() }));
    }

    #[test]
    fn a_movement_over_another_case_than_the_one_shown_is_not_drawn() {
        let (mut one, mut other, now) = shown(CASE);
        one.showing.show(axial(1), now + ms(20));
        let mut words = one.says();
        words[0].said["case"] = OTHER.into();
        other.hears(&words, now + ms(20));
        other.says();
        assert_eq!(other.told, [axial(0)]);
    }

    #[test]
    fn whoever_shows_learns_what_the_others_see() {
        let (mut one, mut other, now) = shown(CASE);
        let loading = SeenView { why: Some(NotSeen::Loading), done: 87, of: 135 };
        let seen = SeenView { why: None, done: 135, of: 135 };
        // That nothing is seen yet was said when it came; a second later it may be said anew.
        other.showing.set_seen(loading, now + ms(300));
        assert_eq!(other.says(), [], "not more than once a second");
        other.showing.tick(now + ms(1_000));
        one.hears(&other.says(), now + ms(1_000));
        let watching =
            |one: &Person| one.showing.view().expect("shown").watching.iter().map(|it| it.seen).collect::<Vec<_>>();
        assert_eq!(watching(&one), [loading]);
        other.showing.set_seen(seen, now + ms(2_500));
        one.hears(&other.says(), now + ms(2_500));
        assert_eq!(watching(&one), [seen]);
    }

    #[test]
    fn who_may_not_open_the_case_says_so() {
        let now = Instant::now();
        let (mut one, mut other) = (Person::new("@a:h:ONE", None), Person::new("@b:h:TWO", Some((CASE, None))));
        one.showing.present(CASE.to_owned(), "p-1".to_owned(), false, now);
        one.showing.show(axial(0), now);
        other.hears(&one.says(), now);
        other.says();
        assert_eq!(other.looks_for, [CASE], "the conversation's own is looked for");
        let failure = Failure::new(FailureCode::NotAllowed, "");
        other.showing.found(CASE, Err(failure.clone()));
        other.showing.tick(now + ms(1_000));
        one.hears(&other.says(), now + ms(1_000));
        assert_eq!(other.case(), Some(PresentedCase::Closed { number: 1, failure }));
        let seen = one.showing.view().expect("shown").watching;
        assert_eq!(seen.first().map(|it| it.seen.why), Some(Some(NotSeen::NoAccess)));
    }

    #[test]
    fn nobody_takes_the_images_from_the_presenter_but_a_moderator() {
        let (mut one, mut other, now) = shown(CASE);
        let words = {
            let mut third = Person::new("@c:h:THREE", None);
            third.hears(&[lead(&one, 1)], now);
            third.showing.present(OTHER.to_owned(), "p-2".to_owned(), true, now);
            third.says()
        };
        other.hears(&words, now);
        assert_eq!(
            other.showing.view().map(|view| view.person),
            Some("@a:h:ONE".to_owned()),
            "no moderator, by its word"
        );
        for word in &words {
            other.showing.hear(word, true, now);
            one.showing.hear(word, true, now);
        }
        for person in [&one, &other] {
            assert_eq!(person.showing.view().map(|view| view.person), Some("@c:h:THREE".to_owned()));
        }
        one.showing.show(axial(5), now + ms(20));
        assert_eq!(one.says(), [], "who was relieved says nothing more");
    }

    fn lead(of: &Person, epoch: u32) -> Heard {
        let said = serde_json::json!({"seq": 1, "epoch": epoch, "who": of.name.as_str()});
        Heard { from: of.name.clone(), topic: Topic::Lead, said }
    }

    #[test]
    fn of_two_who_begin_at_the_same_time_everybody_sees_the_same_one() {
        let now = Instant::now();
        let (mut one, mut other) = (Person::new("@a:h:ONE", None), Person::new("@b:h:TWO", None));
        one.showing.present(CASE.to_owned(), "p-1".to_owned(), false, now);
        other.showing.present(OTHER.to_owned(), "p-2".to_owned(), false, now);
        let (first, second) = (one.says(), other.says());
        one.hears(&second, now);
        other.hears(&first, now);
        for person in [&one, &other] {
            assert_eq!(person.showing.view().map(|view| view.person), Some("@a:h:ONE".to_owned()));
        }
    }

    /// What the others say of it, until nobody says anything.
    fn talk(people: &mut [&mut Person], now: Instant) {
        loop {
            let said: Vec<Vec<Heard>> = people.iter_mut().map(|person| person.says()).collect();
            if said.iter().all(Vec::is_empty) {
                return;
            }
            for (from, words) in said.iter().enumerate() {
                for (to, person) in people.iter_mut().enumerate() {
                    if from != to {
                        person.hears(words, now);
                    }
                }
            }
        }
    }

    #[test]
    fn who_comes_after_somebody_has_shown_and_stopped_shows_to_everybody() {
        let (mut one, mut other, now) = shown(CASE);
        one.showing.stop(now + ms(100));
        talk(&mut [&mut one, &mut other], now + ms(100));
        let mut late = Person::new("@c:h:THREE", Some((CASE, Some("p-1"))));
        // Nobody was heard by them: they begin where everybody else has long been.
        late.showing.present(CASE.to_owned(), "p-1".to_owned(), false, now + ms(5_000));
        late.showing.show(axial(7), now + ms(5_000));
        talk(&mut [&mut one, &mut other, &mut late], now + ms(5_000));
        for after in [6_000, 8_000, 11_000] {
            for person in [&mut one, &mut other, &mut late] {
                person.showing.tick(now + ms(after));
            }
            talk(&mut [&mut one, &mut other, &mut late], now + ms(after));
        }
        for person in [&one, &other, &late] {
            assert_eq!(person.showing.view().map(|view| view.person), Some("@c:h:THREE".to_owned()));
        }
        assert_eq!((one.told.last(), other.told.last()), (Some(&axial(7)), Some(&axial(7))));
    }

    #[test]
    fn a_presenter_who_was_away_and_comes_back_is_followed_again() {
        let (mut one, mut other, now) = shown(CASE);
        let alone: BTreeSet<_> = [named("@b:h:TWO")].into();
        assert!(!other.showing.set_there(&alone, now + ms(100)));
        assert!(other.showing.set_there(&alone, now + ms(3_200)), "gone");
        one.showing.show(axial(3), now + ms(4_000));
        one.showing.tick(now + ms(4_100));
        other.hears(&one.says(), now + ms(4_100));
        other.says();
        assert_eq!((other.told.last(), other.showing.may_present(false)), (Some(&axial(3)), false), "as before");
    }

    #[test]
    fn whose_end_nobody_heard_shows_no_longer_when_they_say_nothing_for_thirteen_seconds() {
        let (mut one, mut other, now) = shown(CASE);
        let both: BTreeSet<_> = [named("@a:h:ONE"), named("@b:h:TWO")].into();
        one.showing.tick(now + ms(5_000));
        other.hears(&one.says(), now + ms(5_000));
        one.showing.stop(now + ms(5_100));
        let _lost = one.says();
        assert!(!other.showing.set_there(&both, now + ms(17_900)));
        assert!(other.showing.set_there(&both, now + ms(18_000)));
        assert_eq!(other.showing.view(), None);
    }

    #[test]
    fn one_word_of_a_far_epoch_ends_nothing() {
        let now = Instant::now();
        let (mut one, mut hostile) = (Person::new("@a:h:ONE", None), Person::new("@c:h:THREE", None));
        let mut word = lead(&hostile, u32::MAX);
        word.said["who"] = Value::Null;
        one.hears(&[word], now);
        one.showing.present(CASE.to_owned(), "p-1".to_owned(), false, now);
        hostile.hears(&one.says(), now);
        assert_eq!(hostile.showing.view().map(|view| view.person), Some("@a:h:ONE".to_owned()));
    }

    #[test]
    fn who_gave_the_images_away_may_take_them_back_until_something_is_shown() {
        let (mut one, mut other, now) = shown(CASE);
        one.showing.hand_over(other.name.clone(), false, now);
        talk(&mut [&mut one, &mut other], now);
        assert!(one.showing.may_present(false), "their program may be one that shows nothing");
        other.showing.present(CASE.to_owned(), "p-1".to_owned(), false, now + ms(50));
        other.showing.show(axial(2), now + ms(50));
        talk(&mut [&mut one, &mut other], now + ms(50));
        assert!(!one.showing.may_present(false), "they show");
    }

    #[test]
    fn a_movement_that_is_lost_leaves_no_pointer_over_another_image() {
        let (mut one, mut other, now) = shown(CASE);
        one.showing.show(axial(1), now + ms(20));
        let _lost = one.says();
        one.showing.show(pointing(axial(1), -30.0), now + ms(40));
        other.hears(&one.says(), now + ms(40));
        other.says();
        assert_eq!(other.told.last(), Some(&pointing(axial(1), -30.0)));
    }

    #[test]
    fn all_of_it_is_said_twice_a_second_while_a_hand_does_not_rest() {
        let (mut one, _other, now) = shown(CASE);
        let mut shows = 0;
        for step in 1..=100_u32 {
            let at = now + ms(u64::from(20 * step));
            one.showing.show(axial(step), at);
            shows += topics(&one.says()).into_iter().filter(|topic| *topic == Topic::Show).count();
        }
        // Two seconds; and once more for whoever could not be told at the beginning.
        assert!((4..=6).contains(&shows), "{shows}");
    }

    #[test]
    fn a_presenter_who_is_gone_for_three_seconds_shows_no_longer() {
        let (_one, mut other, now) = shown(CASE);
        let alone: BTreeSet<_> = [named("@b:h:TWO")].into();
        let both: BTreeSet<_> = [named("@a:h:ONE"), named("@b:h:TWO")].into();
        assert!(!other.showing.set_there(&alone, now));
        assert!(!other.showing.set_there(&both, now + ms(2_000)), "back");
        assert!(!other.showing.set_there(&alone, now + ms(2_500)));
        assert!(!other.showing.set_there(&alone, now + ms(5_400)));
        assert!(other.showing.set_there(&alone, now + ms(5_500)));
        assert_eq!((other.showing.view(), other.showing.may_present(false)), (None, true), "anybody may");
    }

    #[test]
    fn who_comes_later_is_told_who_shows_and_what() {
        let (mut one, _other, now) = shown(CASE);
        one.showing.show(axial(4), now + ms(20));
        one.says();
        let mut late = Person::new("@c:h:THREE", Some((CASE, Some("p-1"))));
        one.showing.greet(&late.name, now + ms(30));
        let words = one.says();
        assert_eq!(topics(&words), [Topic::Lead, Topic::Show]);
        late.hears(&words, now + ms(30));
        late.says();
        assert_eq!(late.told, [axial(4)]);
    }

    #[test]
    fn who_could_not_open_the_first_words_is_told_again_and_that_it_is_shown_says_who_shows() {
        let (mut one, _other, now) = shown(CASE);
        let mut late = Person::new("@c:h:THREE", Some((CASE, Some("p-1"))));
        one.showing.greet(&late.name, now + ms(20));
        let _sealed_with_a_key_that_has_not_come = one.says();
        one.showing.tick(now + ms(1_020));
        let words = one.says();
        assert_eq!(topics(&words), [Topic::Lead, Topic::Show]);
        late.hears(&words[1..], now + ms(1_020));
        late.says();
        assert_eq!(
            (late.told.as_slice(), late.showing.view().map(|view| view.person)),
            ([axial(0)].as_slice(), Some("@a:h:ONE".to_owned()))
        );
    }

    #[test]
    fn what_no_viewer_could_draw_never_reaches_one() {
        let (mut one, mut other, now) = shown(CASE);
        let spoiled: [fn(&mut PresentedViewport); 6] = [
            |view| view.height = -1.0,
            |view| view.center[0] = 1e9,
            |view| view.instance = "../../etc".to_owned(),
            |view| view.frame = 0,
            |view| view.voi = PresentedVoi::Window { center: 0.0, width: 0.0, function: VoiFunction::Linear },
            |view| {
                view.plane = Some(PresentedPlane { origin: [0.0; 3], row: [2.0, 0.0, 0.0], column: [0.0, 1.0, 0.0] })
            },
        ];
        for (step, spoil) in spoiled.into_iter().enumerate() {
            let at = now + ms(200 * (u64::try_from(step).expect("few") + 1));
            let mut shown = axial(1);
            shown.views.iter_mut().for_each(spoil);
            one.showing.show(shown, at);
            one.showing.tick(at + ms(100));
            other.hears(&one.says(), at + ms(100));
            other.says();
            let drawn = other.told.last().map(|last| last.views.as_slice());
            let sound = |view: &PresentedViewport| view.instance == "1.2.3.0" && view.height == 210.0;
            assert!(drawn.is_some_and(|views| views.iter().all(sound)), "spoiled {step}: {drawn:?}");
        }
    }

    #[test]
    fn a_field_higher_than_a_person_is_cut_to_what_a_viewer_takes() {
        let (mut one, mut other, now) = shown(CASE);
        let mut shown = axial(0);
        shown.views[0].height = 90_000.0;
        one.showing.show(shown, now + ms(20));
        other.hears(&one.says(), now + ms(20));
        other.says();
        assert_eq!(other.told.last().map(|last| last.views[0].height), Some(5_000.0));
    }
}
