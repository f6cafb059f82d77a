//! The case list and the open case.

use crate::{
    Desk,
    around::{self, Asked},
    failures,
    images::{
        Sealed,
        identity::{RecordIdentity, fold},
    },
    newer::Newer,
    record::{
        self, Archive, CANCER_CARE_REVIEW, CaseRecord, Directory, Loaded, Part, QUERIES, Query, RowSources, Session,
        case_row, case_view, filled, next_session,
        read::{reference_id, text},
        record_identity,
    },
    session::Taken,
    shelf::{self, Owner},
};
use contract::{
    BoardNameView, CaseRowView, CaseView, CasesView, Event, Failure, FailureCode, Freshness, GapView, IdentityGrade,
    ImagesView, ListSource,
};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use jiff::{Timestamp, Zoned};
use model::PatientId;
use platform::fhir::{FhirClient, FhirError, Found};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tokio::{sync::watch, task::AbortHandle};

/// The case that is open. Only one is: a second patient on screen would be a confusion waiting.
pub(crate) struct CaseSeat {
    pub(crate) patient: String,
    pub(crate) record: CaseRecord,
    pub(crate) images: Option<ImagesView>,
    pub(crate) sealed: Sealed,
    pub(crate) decision: Option<crate::decisions::DecisionSeat>,
    identity: watch::Sender<bool>,
    all: watch::Sender<bool>,
    /// A load is under way.
    reading: watch::Sender<bool>,
    /// The load, and when it began.
    load: Option<(AbortHandle, Timestamp)>,
    /// What is known of newer states.
    pub(crate) newer: Newer,
    /// Somebody asked while a load was under way, after something had failed.
    again: bool,
    tasks: Vec<AbortHandle>,
}

impl Drop for CaseSeat {
    fn drop(&mut self) {
        for task in self.tasks.iter().chain(self.load.as_ref().map(|(load, _)| load)) {
            task.abort();
        }
    }
}

impl CaseSeat {
    /// The task ends with the case.
    pub(crate) fn own(&mut self, task: AbortHandle) {
        self.tasks.retain(|task| !task.is_finished());
        self.tasks.push(task);
    }

    pub(crate) fn is_reading(&self) -> bool {
        *self.reading.borrow()
    }

    /// A load that brings nothing for so long is given up for a new one when the person asks.
    fn is_stuck(&self, now: Timestamp) -> bool {
        let waits = !self.record.settled();
        self.is_reading() && waits && self.load.as_ref().is_some_and(|(_, began)| now.duration_since(*began) > STUCK)
    }

    pub(crate) fn record_identity(&self) -> RecordIdentity {
        self.record.patient_resource().map(record_identity).unwrap_or_default()
    }

    pub(crate) fn listed_studies(&self) -> Vec<String> {
        self.record.listed_studies()
    }

    /// Ends when every part of the record and the board have answered.
    /// A record that is kept whole is not waited for longer than a person would.
    pub(crate) fn all_known(&self) -> impl Future<Output = ()> + use<> {
        let mut known = self.all.subscribe();
        let kept = self.record.freshness != Freshness::Current && self.record.settled();
        async move {
            let answered = known.wait_for(|known| *known);
            if kept {
                let _elapsed = tokio::time::timeout(KEPT_PATIENCE, answered).await;
            } else {
                let _closed = answered.await;
            }
        }
    }

    /// Ends when patient and studies have answered.
    pub(crate) fn identity_known(&self) -> impl Future<Output = ()> + use<> {
        let mut known = self.identity.subscribe();
        async move {
            // An error means that the case was closed; whoever waits finds that out next.
            let _closed = known.wait_for(|known| *known).await;
        }
    }
}

/// Board, people and agenda around the person.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Surroundings {
    pub(crate) directory: Directory,
    pub(crate) session: Option<Session>,
    pub(crate) sources: RowSources,
    pub(crate) more: bool,
    /// What of all this could not be read, or not wholly.
    #[serde(default)]
    pub(crate) gaps: Vec<GapView>,
}

/// A case that is opened again is read anew when it is older than this.
const FRESH: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);
/// A person who waits this long is offered to try again.
const STUCK: jiff::SignedDuration = jiff::SignedDuration::from_secs(8);
/// A decision is opened on a kept record when the platform takes longer than this.
const KEPT_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
/// Cases that are listed at most.
const CASE_CAP: usize = 500;
const CARE_PLAN_CATEGORIES: &str = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-therapieplanung-typ|praeth,https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-therapieplanung-typ|postop,https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-therapieplanung-typ|postth";

impl Desk {
    /// Works on the open case, if it is this patient's.
    pub(crate) fn with_case<T>(&self, patient: &str, work: impl FnOnce(&mut CaseSeat) -> T) -> Result<T, Failure> {
        match &mut self.state().case {
            Some(case) if case.patient == patient => Ok(work(case)),
            Some(_) | None => Err(Failure::new(FailureCode::NotFound, "the case is not open")),
        }
    }

    pub(crate) async fn cases(&self, query: &str) -> Result<CasesView, Failure> {
        let (taken, fhir) = self.seated()?;
        query.clone_into(&mut self.state().query);
        let found = self.around(fhir, taken.clone(), Asked::Cases { query: query.to_owned() }).await;
        Ok(self.cases_view(&taken, query, &found))
    }

    pub(crate) fn cases_view(&self, taken: &Taken, query: &str, found: &around::Found) -> CasesView {
        let now = Timestamp::now();
        let query = query.to_owned();
        let (around, freshness) = match found {
            Ok((around, freshness)) => (around, freshness.clone()),
            Err(error) => {
                return CasesView {
                    query,
                    rows: failures::part_of_fhir(error),
                    gaps: Vec::new(),
                    board: None,
                    as_of: now.to_string(),
                    freshness: Freshness::Current,
                };
            }
        };
        let mut rows = around.what.rows(&query);
        self.mark_kept(&Owner::of(taken), &mut rows, now);
        let session = around.what.session.as_ref();
        let board = session.map(|session| BoardNameView { name: session.name.clone(), start: session.start.clone() });
        let rows = if rows.is_empty() {
            // What could not be read may have held the case that is looked for.
            let holds = [ListSource::Cases, ListSource::Decisions, ListSource::Names, ListSource::Diagnoses];
            let gap = holds.into_iter().find_map(|source| around.what.gap(source));
            gap.map_or(contract::Part::Empty, failures::part_of_gap)
        } else {
            contract::Part::Ready { value: rows, more: around.what.more }
        };
        let gaps = around.what.gaps.clone();
        CasesView { query, rows, gaps, board, as_of: around.read.to_string(), freshness }
    }

    /// Says of each line whether its case opens without the platform.
    pub(crate) fn mark_kept(&self, owner: &Owner, rows: &mut [CaseRowView], now: Timestamp) {
        let kept = self.0.shelf.cases(owner, now);
        for row in rows {
            row.kept = kept.get(&row.patient).map(Timestamp::to_string);
        }
    }

    pub(crate) fn open_case(&self, patient: &str) -> Result<CaseView, Failure> {
        let (taken, fhir) = self.seated()?;
        let patient = PatientId::parse(patient)
            .map_err(|error| Failure::new(FailureCode::InvalidInput, error.to_string()))?
            .as_str()
            .to_owned();
        let now = Timestamp::now();
        let known = self.with_case(&patient, |case| {
            let read: Option<Timestamp> = case.record.as_of.parse().ok();
            let newer = case.newer.known.take().is_some();
            case.newer.asked |= newer;
            let old =
                newer || case.record.lacks_something() || read.is_none_or(|read| now.duration_since(read) > FRESH);
            let reading = case.is_reading();
            case.again |= reading && case.record.lacks_something();
            let begin = (old && !reading) || case.is_stuck(now);
            (self.numbered(&case.record, &case.newer), begin)
        });
        if let Ok((view, begin)) = known {
            if begin {
                self.load_in_background(&patient, fhir, taken)?;
            }
            return Ok(view);
        }
        let kept = self.0.shelf.get::<CaseRecord>(&Owner::of(&taken), &shelf::case(&patient), now);
        let record = match kept {
            Some((_, kept)) if kept.patient == patient => {
                CaseRecord { freshness: Freshness::Kept { failure: None }, ..kept }
            }
            Some(_) | None => CaseRecord { patient: patient.clone(), as_of: now.to_string(), ..CaseRecord::default() },
        };
        let view = self.numbered(&record, &Newer::default());
        // Pixels of the former case are out of reach before the new one is there.
        self.0.images.forget_all();
        let left = self.state().case.replace(CaseSeat {
            patient: patient.clone(),
            record,
            images: None,
            sealed: Sealed::default(),
            decision: None,
            identity: watch::Sender::new(false),
            all: watch::Sender::new(false),
            reading: watch::Sender::new(false),
            load: None,
            newer: Newer::default(),
            again: false,
            tasks: Vec::new(),
        });
        self.load_in_background(&patient, fhir, taken)?;
        // The case before this one may have been left in the middle of a pause in typing.
        if let Some(left) = left.filter(|left| left.decision.as_ref().is_some_and(|seat| seat.dirty)) {
            tokio::spawn(self.clone().send_drafts_of(vec![left.patient.clone()]));
        }
        Ok(view)
    }

    fn load_in_background(&self, patient: &str, fhir: FhirClient, taken: Taken) -> Result<(), Failure> {
        self.with_case(patient, |case| {
            if let Some((former, _)) = case.load.take() {
                former.abort();
            }
            case.reading.send_replace(true);
        })?;
        let (desk, owner) = (self.clone(), patient.to_owned());
        let task = tokio::spawn(async move {
            loop {
                desk.load_case(&fhir, &taken, &owner).await;
                // What is open besides the record follows it when the person asked for a newer state, not otherwise.
                if desk.with_case(&owner, |case| std::mem::take(&mut case.newer.asked)) == Ok(true) {
                    desk.list_new_studies(&owner);
                    if let Err(failure) = desk.follow_decision(&fhir, &owner).await {
                        tracing::info!(code = ?failure.code, "the open decision stays as it is");
                    }
                }
                let again = desk.with_case(&owner, |case| {
                    let again = std::mem::take(&mut case.again) && case.record.lacks_something();
                    case.reading.send_replace(again);
                    again
                });
                if !again.unwrap_or(false) {
                    return;
                }
            }
        })
        .abort_handle();
        self.with_case(patient, |case| case.load = Some((task, Timestamp::now())))
    }

    /// The platform answers again: what of the open case could not be read is read now.
    pub(crate) async fn read_what_is_missing(&self) {
        let reading = self.state().case.as_ref().map(|case| case.reading.subscribe());
        // Parts of a load that began without the platform may still be failing.
        if let Some(mut reading) = reading {
            let _closed = reading.wait_for(|reading| !reading).await;
        }
        let lacking = |case: &&CaseSeat| case.record.lacks_something() && !case.is_reading();
        let patient = self.state().case.as_ref().filter(lacking).map(|case| case.patient.clone());
        let Some(patient) = patient else { return };
        let begun = self.seated().and_then(|(taken, fhir)| self.load_in_background(&patient, fhir, taken));
        if let Err(failure) = begun {
            tracing::info!(code = ?failure.code, "the open case stays as it is");
        }
    }

    /// All parts at once, each shown when it is there.
    async fn load_case(&self, fhir: &FhirClient, taken: &Taken, patient: &str) {
        let began = Timestamp::now();
        let _closed = self.with_case(patient, |case| {
            case.newer.known = None;
            case.record.begin_reading();
        });
        let mut parts: FuturesUnordered<_> = QUERIES
            .iter()
            .map(|query| async move {
                // A colleague may be writing: a draft that a server remembers from a minute ago would be taken for
                // the newest and written over.
                let how =
                    if matches!(query.part, Part::Plans | Part::Documents) { How::Fresh } else { How::Remembered };
                (query.part, ask(fhir, query, patient, how).await)
            })
            .collect();
        let around = async {
            match self.read_around(fhir, taken, &Asked::Cases { query: String::new() }).await {
                Ok(found) => Ok(found),
                Err(error) => {
                    tracing::warn!(%error, "board and directory could not be read");
                    Err(match failures::part_of_fhir::<()>(&error) {
                        contract::Part::Failed { failure } => Some(failure),
                        // A platform that does not give them has nothing newer to say.
                        contract::Part::Denied
                        | contract::Part::Absent
                        | contract::Part::Empty
                        | contract::Part::Loading
                        | contract::Part::Ready { .. } => None,
                    })
                }
            }
        };
        tokio::pin!(around);
        let mut around_done = false;
        // Patient and studies of this reading: those of an earlier one say nothing about who is shown now.
        let mut awaited = BTreeSet::from([Part::Patient, Part::Studies]);
        loop {
            tokio::select! {
                Some((part, found)) = parts.next(), if !parts.is_empty() => {
                    if let Err(error) = &found {
                        self.note_reachability(error);
                    } else {
                        self.note_connection(true);
                    }
                    let loaded = loaded(found);
                    let _closed = self.with_case(patient, |case| {
                        case.record.set(part, loaded);
                        awaited.remove(&part);
                        if awaited.is_empty() {
                            case.identity.send_replace(true);
                        }
                    });
                }
                found = &mut around, if !around_done => {
                    around_done = true;
                    let _closed = self.with_case(patient, |case| match &found {
                        Ok(found) => place_among(&mut case.record, &found.what),
                        Err(failure) => case.record.stale = failure.clone().or(case.record.stale.take()),
                    });
                }
                else => break,
            }
            self.tell_case(patient);
        }
        self.look_for_similar(fhir, patient).await;
        let _closed = self.with_case(patient, |case| case.record.end_reading(began.to_string()));
        self.keep_case(&Owner::of(taken), patient, began).await;
        let _closed = self.with_case(patient, |case| case.all.send_replace(true));
        self.tell_case(patient);
        // Thumbnails and the comparison of persons are there before the first click on an image.
        if let Err(failure) = self.open_images(patient) {
            tracing::info!(code = ?failure.code, "no images are fetched ahead");
        }
    }

    /// Seals what was read, so that it opens without the platform.
    async fn keep_case(&self, owner: &Owner, patient: &str, read: Timestamp) {
        let settled = self.with_case(patient, |case| {
            let record = &case.record;
            let whole = record.freshness == Freshness::Current;
            (whole && !record.part(Part::Patient).failed()).then(|| record.to_keep())
        });
        let Ok(Some(record)) = settled else { return };
        self.keep_record(owner, patient, read, record).await;
    }

    async fn keep_record(&self, owner: &Owner, patient: &str, read: Timestamp, record: Option<CaseRecord>) {
        let (shelf, owner, what) = (self.0.shelf.clone(), owner.clone(), shelf::case(patient));
        let writing = tokio::task::spawn_blocking(move || match record {
            Some(record) => shelf.put(&owner, &what, read, &record),
            // The platform says that there is no such record, or none for this person.
            None => shelf.forget(&owner, &what),
        });
        if let Err(error) = writing.await {
            tracing::error!(%error, "a case is not kept");
        }
    }

    /// Reads a case as opening it does and keeps it, without showing anything of it. Patient and studies have answered.
    pub(crate) async fn read_ahead(
        &self,
        fhir: &FhirClient,
        taken: &Taken,
        patient: &str,
    ) -> Result<CaseRecord, Failure> {
        let began = Timestamp::now();
        let mut record = CaseRecord { patient: patient.to_owned(), ..CaseRecord::default() };
        let answers =
            QUERIES.iter().map(|query| async move { (query.part, ask(fhir, query, patient, How::Remembered).await) });
        for (part, found) in join_all(answers).await {
            if let Err(error) = &found {
                self.note_reachability(error);
            }
            record.set(part, loaded(found));
        }
        for part in [Part::Patient, Part::Studies] {
            match record.part(part) {
                Loaded::Refused(contract::Part::Failed { failure }) => return Err(failure.clone()),
                Loaded::Refused(contract::Part::Denied) => return Err(Failure::new(FailureCode::NotAllowed, "")),
                // A platform without lists of studies names none.
                Loaded::Refused(
                    contract::Part::Absent
                    | contract::Part::Empty
                    | contract::Part::Loading
                    | contract::Part::Ready { .. },
                )
                | Loaded::Loading
                | Loaded::Here { .. } => {}
            }
        }
        if record.patient_resource().is_none() {
            return Err(Failure::new(FailureCode::NotFound, "the platform has no such patient"));
        }
        let around = self.state().around.clone();
        if let Some(around) = around {
            place_among(&mut record, &around.what);
        }
        let alike = named_alike(fhir, &record).await;
        let lacks = record.lacks_something() || alike.is_none();
        meet(&mut record, alike.unwrap_or_default());
        record.end_reading(began.to_string());
        let owner = Owner::of(taken);
        // What is kept already may hold what could not be read this time.
        let worse = lacks && self.0.shelf.cases(&owner, began).contains_key(patient);
        if !worse {
            self.keep_record(&owner, patient, began, record.to_keep()).await;
        }
        Ok(record)
    }

    /// Patients of the whole platform whose family name begins alike: the one that is easily taken for this one
    /// need not be on any agenda.
    async fn look_for_similar(&self, fhir: &FhirClient, patient: &str) {
        let Ok(record) = self.with_case(patient, |case| case.record.clone()) else { return };
        let Some(found) = named_alike(fhir, &record).await else { return };
        let _closed = self.with_case(patient, |case| meet(&mut case.record, found));
        self.tell_case(patient);
    }

    /// Asks again for one part.
    pub(crate) async fn reload_part(&self, fhir: &FhirClient, patient: &str, part: Part) {
        for query in QUERIES.iter().filter(|query| query.part == part) {
            let loaded = loaded(ask(fhir, query, patient, How::Fresh).await);
            let _closed = self.with_case(patient, |case| case.record.set(part, loaded));
        }
    }

    fn numbered(&self, record: &CaseRecord, newer: &Newer) -> CaseView {
        CaseView {
            serial: self.next_serial(),
            newer: newer.known.map(|at| at.to_string()),
            ..case_view(record, Zoned::now().date())
        }
    }

    pub(crate) fn tell_case(&self, patient: &str) {
        let view = self.with_case(patient, |case| {
            if let Some(images) = &case.images {
                let uids = |wanted: fn(&IdentityGrade) -> bool| {
                    images
                        .studies
                        .iter()
                        .filter(|study| wanted(&study.identity))
                        .map(|study| study.study.clone())
                        .collect::<BTreeSet<_>>()
                };
                let refused = uids(|identity| matches!(identity, IdentityGrade::Other { .. }));
                if !images.loading {
                    // An archive that failed has not said what it lacks.
                    let complete = images.failure.is_none();
                    case.record.archive = Some(Archive { held: uids(|_| true), refused, complete });
                }
            }
            self.numbered(&case.record, &case.newer)
        });
        if let Ok(view) = view {
            self.tell(Event::CaseChanged(view));
        }
    }

    pub(crate) fn note_reachability(&self, error: &FhirError) {
        if matches!(error, FhirError::Unreachable(_)) {
            self.note_connection(false);
        }
    }
}

/// Board, people and the other cases around a record.
fn place_among(record: &mut CaseRecord, what: &Surroundings) {
    let Surroundings { directory, session, sources, .. } = what;
    if let Some(contract::Part::Failed { failure }) = what.gap(ListSource::Agenda) {
        // Whether the case is still on the agenda is not known.
        record.stale = Some(failure.clone());
    } else {
        record.session = session.as_ref().map(|session| session.id.clone());
        record.slot = sources.slots.get(&record.patient).cloned();
    }
    record.neighbors.clone_from(&sources.patients);
    record.house.clone_from(&sources.house);
    record.directory = directory.clone();
}

/// What a search says of order, company and pages; whoever looks for news needs none of them.
const OF_NO_NEWS: [&str; 4] = ["_include", "_revinclude", "_sort", "_count"];

/// How one of a case's searches is asked.
#[derive(Clone, Copy)]
pub(crate) enum How<'a> {
    /// A server may answer from its memory.
    Remembered,
    /// It may not.
    Fresh,
    /// As before, and only what it stored since (a FHIR instant).
    StoredSince(&'a str),
}

/// Asks one of a case's searches, and in another way where the server does not take it.
pub(crate) async fn ask(fhir: &FhirClient, query: &Query, patient: &str, how: How<'_>) -> Result<Found, FhirError> {
    let today = Zoned::now().date();
    let ways = std::iter::once(query.parameters).chain(query.otherwise);
    let mut found = Ok(Found::default());
    for way in ways {
        let mut parameters = filled(way, patient, today);
        if let How::StoredSince(since) = how {
            parameters.retain(|(name, _)| !OF_NO_NEWS.contains(name));
            parameters.push(("_lastUpdated", format!("ge{since}")));
        }
        let borrowed: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        found = match how {
            How::Remembered => fhir.search(query.kind, &borrowed, query.cap).await,
            How::Fresh | How::StoredSince(_) => fhir.search_fresh(query.kind, &borrowed, query.cap).await,
        };
        if !matches!(found, Err(FhirError::UnknownParameter(_) | FhirError::Rejected { status: 400, .. })) {
            break;
        }
    }
    found
}

fn loaded(found: Result<Found, FhirError>) -> Loaded {
    match found {
        Ok(found) => {
            let more = found.more || found.truncated || found.damaged > 0;
            Loaded::Here { matches: found.matches, included: found.included, more }
        }
        Err(error) => Loaded::Refused(failures::part_of_fhir(&error)),
    }
}

/// Board, agenda, people, and what the list's lines are made from.
pub(crate) async fn surroundings(
    fhir: &FhirClient,
    taken: &Taken,
    query: &str,
    now: Timestamp,
) -> Result<Surroundings, FhirError> {
    let from = (now - jiff::SignedDuration::from_hours(12)).to_string();
    let until = (now + jiff::SignedDuration::from_hours(28 * 24)).to_string();
    let (from, until) = (format!("ge{from}"), format!("le{until}"));
    let appointment_parameters =
        [("date", from.as_str()), ("date", until.as_str()), ("service-type", CANCER_CARE_REVIEW), ("_count", "100")];
    let registration_parameters =
        [("code", CANCER_CARE_REVIEW), ("_include", "ServiceRequest:patient"), ("_count", "100")];
    let plan_parameters = [("category", CARE_PLAN_CATEGORIES), ("_include", "CarePlan:patient"), ("_count", "100")];
    let (people, appointments, lists, registrations, plans, named) = tokio::join!(
        people(fhir, taken),
        fhir.search("Appointment", &appointment_parameters, 400),
        fhir.search("List", &[("status", "current"), ("_count", "50")], 50),
        fhir.search("ServiceRequest", &registration_parameters, CASE_CAP),
        fhir.search_fresh("CarePlan", &plan_parameters, CASE_CAP),
        patients_named(fhir, query),
    );
    let mut gaps = Gaps::default();
    let registrations = registrations?;
    gaps.note_partial(ListSource::Cases, &registrations);
    // Servers without these resources, or that do not give them to this person, still have cases.
    let appointments = gaps.read(ListSource::Agenda, appointments)?;
    let lists = gaps.read(ListSource::Order, lists)?;
    let plans = gaps.read(ListSource::Decisions, plans)?;
    let named = gaps.read(ListSource::Names, named)?.matches;
    let mut directory = Directory::default();
    for found in people {
        let found = gaps.read(ListSource::People, found)?;
        directory.learn(found.matches.iter().chain(&found.included));
    }
    let session = next_session(&appointments.matches, now);
    let slots = session
        .as_ref()
        .map(|session| record::slots(session, &appointments.matches, &lists.matches))
        .unwrap_or_default();
    let mut patients: BTreeMap<String, Value> = BTreeMap::new();
    for patient in registrations.included.iter().chain(&plans.included).chain(&named) {
        if patient["resourceType"] == "Patient"
            && let Some(id) = text(&patient["id"])
        {
            patients.insert(id, patient.clone());
        }
    }
    let ids: Vec<String> = patients.keys().cloned().collect();
    let more = registrations.more || plans.more;
    let mut sources = RowSources {
        patients: patients.into_values().collect(),
        registrations: registrations.matches,
        unread_plans: plans.more || gaps.has(ListSource::Decisions),
        plans: plans.matches,
        slots,
        house: house(taken),
        ..RowSources::default()
    };
    read_of_patients(fhir, &ids, &mut sources, &mut gaps).await?;
    Ok(Surroundings { directory, session, sources, more, gaps: gaps.0 })
}

/// What could not be read, each source once.
#[derive(Default)]
struct Gaps(Vec<GapView>);

impl Gaps {
    fn has(&self, source: ListSource) -> bool {
        self.0.iter().any(|gap| gap.source == source)
    }

    /// What could be read, or nothing and a gap. A platform that went away in the middle has said nothing.
    fn read(&mut self, source: ListSource, found: Result<Found, FhirError>) -> Result<Found, FhirError> {
        match found {
            Err(error) if !error.is_answer() => Err(error),
            Err(error) => {
                tracing::warn!(%error, ?source, "a part of the surroundings could not be read");
                self.note(source, failures::part_of_fhir(&error));
                Ok(Found::default())
            }
            Ok(found) => {
                self.note_partial(source, &found);
                Ok(found)
            }
        }
    }

    fn note_partial(&mut self, source: ListSource, found: &Found) {
        if incomplete(source, found) {
            self.note(source, contract::Part::Ready { value: (), more: true });
        }
    }

    /// Of two reasons the one that says more stays.
    fn note(&mut self, source: ListSource, state: contract::Part<()>) {
        match self.0.iter_mut().find(|gap| gap.source == source) {
            None => self.0.push(GapView { source, state }),
            Some(gap) if matches!(gap.state, contract::Part::Ready { .. }) => gap.state = state,
            Some(_) => {}
        }
    }
}

/// True when not all of it is here. Where a list is cut at its cap it says so by itself, and the order and the people
/// that a line needs are among the first.
fn incomplete(source: ListSource, found: &Found) -> bool {
    let counts = match source {
        ListSource::Agenda | ListSource::Diagnoses | ListSource::Stages => true,
        ListSource::Order
        | ListSource::Cases
        | ListSource::Decisions
        | ListSource::People
        | ListSource::Names
        | ListSource::Documents
        | ListSource::Studies
        | ListSource::Histology
        | ListSource::Genes
        | ListSource::Reports
        | ListSource::Procedures
        | ListSource::Medication
        | ListSource::AdverseEvents
        | ListSource::Course => false,
    };
    found.truncated || found.damaged > 0 || (counts && found.more)
}

/// The domain of the person's own house, from the account's name.
fn house(taken: &Taken) -> Option<String> {
    let organization = taken.role.organization_id.as_deref()?;
    organization.strip_prefix("org-").map(str::to_owned).or_else(|| Some(organization.to_owned()))
}

/// The board, its members, and everybody with a role.
async fn people(fhir: &FhirClient, taken: &Taken) -> [Result<Found, FhirError>; 3] {
    let user = taken.session.person().fhir_user.unwrap_or_default();
    let board = [("service-type", CANCER_CARE_REVIEW), ("_count", "20")];
    let teams = [("participant", user.as_str()), ("_count", "20")];
    let roles = [
        ("_include", "PractitionerRole:practitioner"),
        ("_include", "PractitionerRole:organization"),
        ("_count", "200"),
    ];
    let (boards, teams, roles) = tokio::join!(
        fhir.search("HealthcareService", &board, 20),
        fhir.search("CareTeam", &teams, 20),
        fhir.search("PractitionerRole", &roles, 1000),
    );
    [boards, teams, roles]
}

/// Patients of the whole platform whose family name begins like the record's; `None` where they are not known.
async fn named_alike(fhir: &FhirClient, record: &CaseRecord) -> Option<Vec<Value>> {
    let Some(family) = record.patient_resource().and_then(|patient| text(&patient["name"][0]["family"])) else {
        return Some(Vec::new());
    };
    let beginning: String = family.chars().take(3).collect();
    match fhir.search("Patient", &[("family", beginning.as_str()), ("_count", "50")], 100).await {
        Ok(found) => Some(found.matches),
        Err(error) => {
            tracing::warn!(%error, "patients with similar names are looked for on the agenda alone");
            None
        }
    }
}

/// Others beside whom a name is read, each once.
fn meet(record: &mut CaseRecord, others: Vec<Value>) {
    let known: BTreeSet<String> = record.neighbors.iter().filter_map(|other| text(&other["id"])).collect();
    let news = others.into_iter().filter(|other| text(&other["id"]).is_some_and(|id| !known.contains(&id)));
    record.neighbors.extend(news);
}

async fn patients_named(fhir: &FhirClient, query: &str) -> Result<Found, FhirError> {
    let query = query.trim();
    if query.chars().count() < 2 {
        return Ok(Found::default());
    }
    fhir.search("Patient", &[("name", query), ("_count", "50")], 100).await
}

/// Patients asked for in one search; the address stays below what proxies cut.
const PATIENTS_AT_ONCE: usize = 30;

async fn read_of_patients(
    fhir: &FhirClient,
    ids: &[String],
    sources: &mut RowSources,
    gaps: &mut Gaps,
) -> Result<(), FhirError> {
    let codes = [record::TNM_GROUPS, record::TNM_ALONE, "http://loinc.org|83053-9,http://loinc.org|81695-9"].join(",");
    let searches = ids.chunks(PATIENTS_AT_ONCE).map(|chunk| {
        let (wanted, codes) = (chunk.join(","), codes.clone());
        async move {
            let conditions = [("patient", wanted.as_str()), ("_count", "200")];
            let observations = [
                ("patient", wanted.as_str()),
                ("code", codes.as_str()),
                ("_include", "Observation:has-member"),
                ("_count", "200"),
            ];
            let found = tokio::join!(
                fhir.search("Condition", &conditions, 1000),
                fhir.search("Observation", &observations, 1000)
            );
            (chunk, found)
        }
    });
    let lacking = |source, found: &Result<Found, FhirError>| found.as_ref().map_or(true, |f| incomplete(source, f));
    for (chunk, (conditions, observations)) in join_all(searches).await {
        if lacking(ListSource::Diagnoses, &conditions) {
            sources.unread_conditions.extend(chunk.iter().cloned());
        }
        if lacking(ListSource::Stages, &observations) {
            sources.unread_observations.extend(chunk.iter().cloned());
        }
        sources.conditions.extend(gaps.read(ListSource::Diagnoses, conditions)?.matches);
        let found = gaps.read(ListSource::Stages, observations)?;
        sources.observations.extend(found.matches);
        sources.observations.extend(found.included);
    }
    Ok(())
}

impl Surroundings {
    /// Why something could not be read, or not wholly.
    pub(crate) fn gap(&self, source: ListSource) -> Option<&contract::Part<()>> {
        self.gaps.iter().find(|gap| gap.source == source).map(|gap| &gap.state)
    }

    /// Lines that fit the query: those of the next board in its order, then by name.
    pub(crate) fn rows(&self, query: &str) -> Vec<CaseRowView> {
        let today = Zoned::now().date();
        let registered: BTreeSet<String> = self
            .sources
            .registrations
            .iter()
            .chain(&self.sources.plans)
            .filter_map(|resource| reference_id(&resource["subject"], "Patient"))
            .collect();
        let wanted: Vec<String> = fold(query).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let mut rows: Vec<CaseRowView> = self
            .sources
            .patients
            .iter()
            // A patient without a case is found by name and not listed otherwise.
            .filter(|patient| !wanted.is_empty() || text(&patient["id"]).is_some_and(|id| registered.contains(&id)))
            .filter_map(|patient| case_row(patient, &self.sources, &self.directory, today))
            .filter(|row| fits(row, &wanted))
            .collect();
        rows.sort_by_key(|row| {
            let name =
                [&row.identity.family, &row.identity.given].map(|part| fold(part.as_deref().unwrap_or_default()));
            (row.slot.as_ref().map_or(u32::MAX, |slot| slot.number), name, row.identity.birth_date.clone())
        });
        rows
    }
}

/// Every word is found in the name (either order, umlauts folded), a number, the diagnosis or its code.
fn fits(row: &CaseRowView, wanted: &[String]) -> bool {
    let identity = &row.identity;
    let haystack = [
        &identity.family,
        &identity.given,
        &identity.kvnr,
        &identity.number,
        &identity.birth_date,
        &row.diagnosis,
        &row.icd10,
    ]
    .into_iter()
    .flatten()
    .map(|text| fold(text))
    .collect::<Vec<_>>()
    .join(" ");
    // "Muller" finds "Müller": the vowel without its second letter counts as well.
    let bare = haystack.replace("ae", "a").replace("oe", "o").replace("ue", "u");
    wanted.iter().all(|word| haystack.contains(word) || bare.contains(word))
}
