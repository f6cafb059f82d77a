//! Conversations of cases: what the links in them say, held against this person's own record.
//!
//! A link only finds the case. Who the patient is comes from the record, after its own access check; a link to what
//! this person may not open, or to another platform, names nobody. What links say is kept on the shelf, so that a start
//! without the homeserver knows it too.

use super::{Chat, Up, talk::of_conversation};
use crate::{Desk, around::Around, failures, images::identity::RecordIdentity, record, session::Taken};
use contract::{CaseAccess, ConversationCaseView, DecisionCheck, Failure, FailureCode, IdentityView, Language};
use jiff::{Timestamp, tz::TimeZone};
use platform::fhir::{FhirClient, FhirError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tim::{CaseLink, Pinned, Presence};

const SHELF: &str = "chat/cases";
const REGISTRATION: &str = "ServiceRequest";
/// Whoever names more cases than these in a conversation gets no answer about the others.
const MOST_NAMED: usize = 64;
/// What could not be read is tried again after this long, and then after twice that, and so on.
const AGAIN: Duration = Duration::from_secs(2);
const AGAIN_AT_MOST: Duration = Duration::from_secs(300);

/// What is known of the cases of all conversations.
#[derive(Default, Clone, PartialEq)]
pub(super) struct Cases {
    kept: Kept,
    /// What the record says of a case, by base and reference.
    found: BTreeMap<(String, String), Found>,
    /// Links that this desk has pinned and the sync has not brought back as pinned, by room: read all the same.
    pinning: BTreeMap<String, String>,
    /// Cases that structured messages name.
    named: BTreeMap<(String, String), CaseLink>,
    /// What the record says of decisions that structured messages point to; none while it is not known.
    checks: BTreeMap<SharedDecision, Option<DecisionCheck>>,
}

/// A decision that a structured message points to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SharedDecision {
    pub(super) case: CaseLink,
    /// `CarePlan/…`
    pub(super) decision: String,
    pub(super) sha256: String,
}

/// What outlives the program.
#[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// By room and event.
    read: BTreeMap<String, BTreeMap<String, Pinned>>,
    /// People who were asked to come to a room and have not: keys are not shared backwards, so they get the link again.
    awaited: BTreeSet<(String, String)>,
    /// Links that are not sent yet, by room.
    #[serde(default)]
    wanted: BTreeMap<String, CaseLink>,
}

/// What the record says of a case.
#[derive(Clone, PartialEq)]
enum Found {
    Open {
        patient: String,
        identity: Box<IdentityView>,
        /// All that the record says of who it is, to hold images against.
        record: Box<RecordIdentity>,
    },
    Denied,
    Elsewhere,
}

impl Cases {
    /// The links of a room, the newest first, each case once.
    fn links<'a>(&'a self, room: &str, pinned: &'a [String]) -> Vec<&'a CaseLink> {
        let read = self.kept.read.get(room);
        let mut links: Vec<&CaseLink> = Vec::new();
        for event in pinned {
            if let Some(Pinned::Case(link)) = read.and_then(|read| read.get(event))
                && !links.iter().any(|known| known.is_same_case(link))
            {
                links.push(link);
            }
        }
        links
    }

    /// What the page is told of a room's cases: one as a rule; several when people say different things.
    pub(super) fn view(&self, room: &str, pinned: &[String]) -> Vec<ConversationCaseView> {
        let read = self.kept.read.get(room);
        let newer = pinned.iter().any(|event| read.and_then(|read| read.get(event)) == Some(&Pinned::Newer));
        let newer = newer.then_some(ConversationCaseView { number: None, access: CaseAccess::Newer });
        newer.into_iter().chain(self.links(room, pinned).into_iter().map(|link| self.link_view(link))).collect()
    }

    fn link_view(&self, link: &CaseLink) -> ConversationCaseView {
        ConversationCaseView {
            number: link.number.clone(),
            access: match self.found.get(&key(link)) {
                Some(Found::Open { patient, identity, record: _ }) => {
                    CaseAccess::Open { patient: patient.clone(), identity: identity.clone() }
                }
                Some(Found::Denied) => CaseAccess::Denied,
                Some(Found::Elsewhere) => CaseAccess::Elsewhere,
                None => CaseAccess::Unknown,
            },
        }
    }

    /// The case of a structured message, which bears no number: the conversation's own link knows it. What is not known
    /// yet is looked up later; the second answer says that there is something to look up.
    pub(super) fn named(&mut self, room: &str, pinned: &[String], link: &CaseLink) -> (ConversationCaseView, bool) {
        let own = self.links(room, pinned).into_iter().find(|own| own.is_same_case(link)).cloned();
        let link = own.unwrap_or_else(|| link.clone());
        let look = !self.found.contains_key(&key(&link))
            && !self.named.contains_key(&key(&link))
            && self.named.len() < MOST_NAMED;
        if look {
            self.named.insert(key(&link), link.clone());
        }
        (self.link_view(&link), look)
    }

    /// What the record says of a decision that a structured message points to.
    pub(super) fn check(&mut self, decision: SharedDecision) -> (DecisionCheck, bool) {
        if let Some(known) = self.checks.get(&decision) {
            return (known.unwrap_or(DecisionCheck::Pending), false);
        }
        if self.checks.len() >= MOST_NAMED {
            return (DecisionCheck::Uncheckable, false);
        }
        self.checks.insert(decision, None);
        (DecisionCheck::Pending, true)
    }

    /// A conversation is opened: what was compared a while ago is compared anew.
    pub(super) fn forget_checks(&mut self) {
        self.checks.clear();
    }

    /// The one case of a room, and its patient if this person may open it.
    pub(super) fn only(&self, room: &str, pinned: &[String]) -> Option<(CaseLink, Option<String>)> {
        match self.links(room, pinned).as_slice() {
            [link] => match self.found.get(&key(link)) {
                Some(Found::Open { patient, .. }) => Some(((*link).clone(), Some(patient.clone()))),
                Some(Found::Denied | Found::Elsewhere) | None => Some(((*link).clone(), None)),
            },
            // With two of them nobody knows which is meant.
            [] | [_, ..] => None,
        }
    }
}

impl Cases {
    /// The patient of a room's case, where there is one case and this person may open it.
    pub(super) fn patient(&self, room: &str, pinned: &[String]) -> Option<(IdentityView, RecordIdentity)> {
        let mut open = self.links(room, pinned).into_iter().filter_map(|link| match self.found.get(&key(link))? {
            Found::Open { identity, record, .. } => Some(((**identity).clone(), (**record).clone())),
            Found::Denied | Found::Elsewhere => None,
        });
        // With two of them nobody knows which is meant.
        open.next().filter(|_| open.next().is_none())
    }
}

fn key(link: &CaseLink) -> (String, String) {
    (link.base.clone(), link.reference.clone())
}

impl Chat {
    /// There may be something new to read about cases.
    pub(super) fn look_for_cases(&self) {
        self.due.notify_one();
    }
}

impl Desk {
    /// Reads what links say, for as long as chat is up.
    pub(super) async fn follow_cases(&self, up: &Up) {
        let owner = self.owner();
        if let Some(owner) = &owner {
            let (shelf, whose) = (self.0.shelf.clone(), owner.clone());
            let kept = tokio::task::spawn_blocking(move || shelf.get::<Kept>(&whose, SHELF, Timestamp::now())).await;
            if let Ok(Some((_, kept))) = kept {
                self.0.chat.state().cases.kept = kept;
            }
        }
        let mut pause = AGAIN;
        // The list may have been told before the shelf was read.
        let (mut told, mut on_shelf) = (Cases::default(), self.0.chat.state().cases.kept.clone());
        loop {
            let whole = self.read_links(up).await
                & self.find_cases().await
                & self.check_decisions().await
                & self.send_what_is_wanted(up).await
                & self.greet_the_awaited(up).await;
            let now = self.0.chat.state().cases.clone();
            if now != told {
                self.publish_list(up).await;
                self.tell_open_conversation().await;
                told = now.clone();
            }
            if now.kept != on_shelf
                && let Some(owner) = owner.clone()
            {
                on_shelf = now.kept.clone();
                let shelf = self.0.shelf.clone();
                let keep = move || shelf.put(&owner, SHELF, Timestamp::now(), &now.kept);
                if let Err(error) = tokio::task::spawn_blocking(keep).await {
                    tracing::error!(%error, "the cases of conversations are not kept");
                }
            }
            if whole {
                pause = AGAIN;
                self.0.chat.due.notified().await;
            } else {
                // Keys come by themselves, without anything in the list that changes.
                let _told = tokio::time::timeout(pause, self.0.chat.due.notified()).await;
                pause = (pause * 2).min(AGAIN_AT_MOST);
            }
        }
    }

    /// True when every pinned event is read.
    async fn read_links(&self, up: &Up) -> bool {
        let mut whole = true;
        for room in up.account.joined() {
            let pinned = up.account.pinned(&room);
            let unread: Vec<String> = {
                let mut chat = self.0.chat.state();
                let cases = &mut chat.cases;
                if cases.pinning.get(&room).is_some_and(|event| pinned.contains(event)) {
                    cases.pinning.remove(&room);
                }
                let pinning = cases.pinning.get(&room);
                if pinned.is_empty() && pinning.is_none() {
                    cases.kept.read.remove(&room);
                    continue;
                }
                let read = cases.kept.read.entry(room.clone()).or_default();
                read.retain(|event, _| pinned.contains(event) || pinning == Some(event));
                pinned.into_iter().filter(|event| !read.contains_key(event)).collect()
            };
            for event in unread {
                match up.account.read_case(&room, &event).await {
                    Some(said) => {
                        let mut chat = self.0.chat.state();
                        chat.cases.kept.read.entry(room.clone()).or_default().insert(event, said);
                    }
                    None => whole = false,
                }
            }
        }
        whole
    }

    /// True when the record has said of every case what it says.
    async fn find_cases(&self) -> bool {
        let wanted: Vec<CaseLink> = {
            let chat = self.0.chat.state();
            let links = chat.cases.kept.read.values().flat_map(BTreeMap::values).filter_map(|said| match said {
                Pinned::Case(link) => Some(link.clone()),
                Pinned::Newer | Pinned::Nothing => None,
            });
            let links = links.chain(chat.cases.named.values().cloned());
            links.filter(|link| !chat.cases.found.contains_key(&key(link))).collect()
        };
        let mut whole = true;
        for link in wanted {
            match self.find_case(&link).await {
                Ok(found) => {
                    self.0.chat.state().cases.found.insert(key(&link), found);
                }
                Err(failure) => {
                    tracing::debug!(code = ?failure.code, "the case of a conversation could not be looked up");
                    whole = false;
                }
            }
        }
        whole
    }

    /// True when the record has said of every decision that was pointed to what it says.
    async fn check_decisions(&self) -> bool {
        let wanted: Vec<SharedDecision> = {
            let chat = self.0.chat.state();
            let open = chat.cases.checks.iter().filter(|(_, said)| said.is_none());
            open.map(|(decision, _)| decision.clone()).collect()
        };
        let mut whole = true;
        for shared in wanted {
            let found = self.0.chat.state().cases.found.get(&key(&shared.case)).cloned();
            let check = match found {
                Some(Found::Open { patient, .. }) => self.check_decision(&patient, &shared).await,
                Some(Found::Denied | Found::Elsewhere) => Ok(DecisionCheck::Uncheckable),
                // Its case comes first, and whether that came is said there.
                None => continue,
            };
            match check {
                Ok(check) => {
                    // A conversation that was opened meanwhile asks anew.
                    if let Some(said) = self.0.chat.state().cases.checks.get_mut(&shared) {
                        *said = Some(check);
                    }
                }
                Err(failure) => {
                    tracing::debug!(code = ?failure.code, "a recommendation could not be compared");
                    whole = false;
                }
            }
        }
        whole
    }

    async fn check_decision(&self, patient: &str, shared: &SharedDecision) -> Result<DecisionCheck, Failure> {
        let (_, fhir) = match self.seated() {
            Ok(seated) => seated,
            Err(failure) if failure.code == FailureCode::NotAllowed => return Ok(DecisionCheck::Uncheckable),
            Err(failure) => return Err(failure),
        };
        let Some((_, id)) = shared.decision.split_once('/') else { return Ok(DecisionCheck::Uncheckable) };
        self.compare_shared(&fhir, patient, id, &shared.sha256).await
    }

    async fn find_case(&self, link: &CaseLink) -> Result<Found, Failure> {
        let (taken, fhir) = match self.seated() {
            Ok(seated) => seated,
            Err(failure) if failure.code == FailureCode::NotAllowed => return Ok(Found::Denied),
            Err(failure) => return Err(failure),
        };
        let id = match (base(&taken), link.reference.split_once('/')) {
            (Some(own), Some((REGISTRATION, id))) if own == link.base => id.to_owned(),
            (Some(_) | None, Some(_) | None) => return Ok(Found::Elsewhere),
        };
        let around = self.state().around.clone();
        if let Some(found) = around.as_deref().and_then(|around| of_the_list(around, &id)) {
            return Ok(found);
        }
        self.ask_for_case(&fhir, &id, around.as_deref()).await
    }

    async fn ask_for_case(&self, fhir: &FhirClient, id: &str, around: Option<&Around>) -> Result<Found, Failure> {
        let refused = |error: FhirError| {
            if matches!(error, FhirError::Denied(_) | FhirError::NotFound { .. }) {
                Ok(Found::Denied)
            } else {
                Err(failures::of_fhir(&error))
            }
        };
        let registration = match fhir.read(REGISTRATION, id).await {
            Ok(registration) => registration.resource,
            Err(error) => return refused(error),
        };
        let Some(patient) = record::read::reference_id(&registration["subject"], "Patient") else {
            return Ok(Found::Denied);
        };
        match fhir.read("Patient", &patient).await {
            Ok(found) => {
                let house = around.and_then(|around| around.what.sources.house.as_deref());
                let identity = record::identity_view(&found.resource, house, today());
                let record = Box::new(record::record_identity(&found.resource));
                Ok(Found::Open { patient, identity: Box::new(identity), record })
            }
            Err(error) => refused(error),
        }
    }

    /// True when nobody is left to whom a link is to be sent.
    async fn greet_the_awaited(&self, up: &Up) -> bool {
        let awaited = self.0.chat.state().cases.kept.awaited.clone();
        let mut there: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (room, user) in awaited {
            match up.account.presence(&room, &user).await {
                Presence::There => there.entry(room).or_default().push(user),
                Presence::Awaited => {}
                Presence::Gone => {
                    self.0.chat.state().cases.kept.awaited.remove(&(room, user));
                }
            }
        }
        let mut whole = true;
        for (room, users) in there {
            let link = {
                let chat = self.0.chat.state();
                let pinned = up.account.pinned(&room);
                match chat.cases.links(&room, &pinned).as_slice() {
                    [link] => Some((*link).clone()),
                    // None, or people say different things: nothing is repeated then.
                    [] | [_, ..] => None,
                }
            };
            let sent = match link {
                Some(link) => self.send_link(up, &room, &link).await,
                None => Ok(()),
            };
            match sent {
                Ok(()) => {}
                Err(failure) if is_final(&failure) => {
                    tracing::warn!(code = ?failure.code, "who has come gets no link from here");
                }
                Err(failure) => {
                    tracing::debug!(code = ?failure.code, "who has come does not have the link yet");
                    whole = false;
                    continue;
                }
            }
            let mut chat = self.0.chat.state();
            for user in users {
                chat.cases.kept.awaited.remove(&(room.clone(), user));
            }
        }
        whole
    }

    /// True when every link that somebody asked for is sent.
    async fn send_what_is_wanted(&self, up: &Up) -> bool {
        let wanted = self.0.chat.state().cases.kept.wanted.clone();
        let mut whole = true;
        for (room, link) in wanted {
            match self.send_link(up, &room, &link).await {
                Ok(()) => {}
                Err(failure) if is_final(&failure) => {
                    tracing::warn!(code = ?failure.code, "a conversation cannot be given to its case");
                }
                Err(_later) => {
                    whole = false;
                    continue;
                }
            }
            self.0.chat.state().cases.kept.wanted.remove(&room);
        }
        whole
    }

    /// The link is sent as soon as it can be, also by a later run of the program.
    pub(super) fn want_link(&self, room: &str, link: CaseLink) {
        self.0.chat.state().cases.kept.wanted.insert(room.to_owned(), link);
        self.0.chat.look_for_cases();
    }

    /// Says that a conversation belongs to a patient's case.
    pub(crate) async fn link_case(&self, conversation: &str, patient: &str) -> Result<(), Failure> {
        let up = self.up()?;
        let link = self.link_of(patient).await?;
        self.send_link(&up, conversation, &link).await?;
        self.0.chat.look_for_cases();
        Ok(())
    }

    /// The link of a patient's case: the newest registration.
    pub(super) async fn link_of(&self, patient: &str) -> Result<CaseLink, Failure> {
        let (taken, fhir) = self.seated()?;
        let base = base(&taken).ok_or_else(|| Failure::new(FailureCode::NotFound, "the platform has no records"))?;
        let around = self.state().around.clone();
        let listed: Vec<Value> = around.map(|around| around.what.sources.registrations.clone()).unwrap_or_default();
        let registration = match newest_of(&listed, patient) {
            Some(registration) => registration.clone(),
            None => {
                let found = fhir.search(REGISTRATION, &[("patient", patient), ("_sort", "-authored")], 20).await;
                let found = found.map_err(|error| failures::of_fhir(&error))?;
                let newest = newest_of(&found.matches, patient).cloned();
                newest.ok_or_else(|| Failure::new(FailureCode::NotFound, "the case has no registration"))?
            }
        };
        let id = record::read::id(&registration)
            .ok_or_else(|| Failure::new(FailureCode::NotFound, "the registration has no id"))?;
        let number = registration["identifier"][0]["value"].as_str().map(str::to_owned);
        Ok(CaseLink { base, reference: format!("{REGISTRATION}/{id}"), number })
    }

    /// The name of a patient's case by which images of it are shown in rounds: `base|reference`.
    pub(crate) async fn shown_case_of(&self, patient: &str) -> Result<String, Failure> {
        self.link_of(patient).await.map(|link| shown_name(&link))
    }

    /// The case of a conversation by that name, and its patient where this person may open it.
    pub(crate) fn shown_case(&self, room: &str) -> Option<(String, Option<String>)> {
        let up = self.up().ok()?;
        let pinned = up.account.pinned(room);
        let (link, patient) = self.0.chat.state().cases.only(room, &pinned)?;
        Some((shown_name(&link), patient))
    }

    /// The patient of a case by that name.
    pub(crate) async fn find_shown_case(&self, name: &str) -> Result<String, Failure> {
        let not_here = || Failure::new(FailureCode::NotFound, "the case is not one of this platform");
        let (base, reference) = name.rsplit_once('|').ok_or_else(not_here)?;
        let link = CaseLink { base: base.to_owned(), reference: reference.to_owned(), number: None };
        match self.find_case(&link).await? {
            Found::Open { patient, .. } => Ok(patient),
            Found::Denied => Err(Failure::new(FailureCode::NotAllowed, "the case is not open to this person")),
            Found::Elsewhere => Err(not_here()),
        }
    }

    pub(super) async fn send_link(&self, up: &Up, room: &str, link: &CaseLink) -> Result<(), Failure> {
        let former: Vec<String> = {
            let chat = self.0.chat.state();
            let read = chat.cases.kept.read.get(room).into_iter().flatten();
            read.filter(|(_, said)| matches!(said, Pinned::Case(_))).map(|(event, _)| event.clone()).collect()
        };
        let text = sentence(link, self.state().settings.language);
        let event = up.account.link_case(room, link, &text, &former).await.map_err(|error| of_conversation(&error))?;
        let mut chat = self.0.chat.state();
        chat.cases.pinning.insert(room.to_owned(), event.clone());
        chat.cases.kept.read.entry(room.to_owned()).or_default().insert(event, Pinned::Case(link.clone()));
        Ok(())
    }

    /// Who comes to a conversation of a case later gets its link then.
    pub(super) fn await_them(&self, room: &str, people: impl Iterator<Item = String>) {
        let mut chat = self.0.chat.state();
        chat.cases.kept.awaited.extend(people.map(|person| (room.to_owned(), person)));
    }
}

/// Whether a link can never be sent to its room by this person.
fn is_final(failure: &Failure) -> bool {
    matches!(failure.code, FailureCode::NotAllowed | FailureCode::NotFound)
}

/// For programs that know nothing of cases. It names no patient.
fn sentence(link: &CaseLink, language: Language) -> String {
    match (language, &link.number) {
        (Language::De, Some(number)) => format!("Dieses Gespräch gehört zu Fall {number}."),
        (Language::De, None) => "Dieses Gespräch gehört zu einem Fall. Konsil zeigt, zu welchem.".to_owned(),
        (Language::En, Some(number)) => format!("This conversation belongs to case {number}."),
        (Language::En, None) => "This conversation belongs to a case. Konsil shows which one.".to_owned(),
    }
}

fn shown_name(link: &CaseLink) -> String {
    format!("{}|{}", link.base, link.reference)
}

fn base(taken: &Taken) -> Option<String> {
    taken.platform.fhir.as_ref().map(|base| base.as_str().trim_end_matches('/').to_owned())
}

fn today() -> jiff::civil::Date {
    Timestamp::now().to_zoned(TimeZone::system()).date()
}

fn of_the_list(around: &Around, registration: &str) -> Option<Found> {
    let sources = &around.what.sources;
    let registered = sources.registrations.iter().find(|one| record::read::id(one).as_deref() == Some(registration))?;
    let patient = record::read::reference_id(&registered["subject"], "Patient")?;
    let resource = sources.patients.iter().find(|one| record::read::id(one).as_deref() == Some(patient.as_str()))?;
    let identity = record::identity_view(resource, sources.house.as_deref(), today());
    let record = Box::new(record::record_identity(resource));
    Some(Found::Open { patient, identity: Box::new(identity), record })
}

fn newest_of<'a>(registrations: &'a [Value], patient: &str) -> Option<&'a Value> {
    let of_patient = |one: &&Value| record::read::reference_id(&one["subject"], "Patient").as_deref() == Some(patient);
    registrations.iter().filter(of_patient).max_by_key(|one| one["authoredOn"].as_str())
}

#[cfg(test)]
mod tests {
    use super::{Failure, FailureCode, is_final};

    #[test]
    fn a_link_that_may_not_be_sent_is_not_tried_for_ever() {
        for (code, ends) in [
            (FailureCode::NotAllowed, true),
            (FailureCode::NotFound, true),
            (FailureCode::PlatformUnreachable, false),
            (FailureCode::PlatformFailed, false),
            (FailureCode::IdentityChanged, false),
        ] {
            assert_eq!(is_final(&Failure::new(code, "")), ends, "{code:?}");
        }
    }
}
