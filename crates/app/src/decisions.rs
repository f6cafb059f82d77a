//! The decision of the open case, between page, journal and platform: every pause in typing is on disk
//! before it is answered, the platform gets it a moment later, two writers are merged by field, and a
//! signature is made only over what the person saw.

mod earlier;
mod keeping;
mod mark;
mod seat;
mod setting;
mod shared;
mod signing;
mod waiting;

pub(crate) use keeping::Keeping;
pub(crate) use mark::{Mark, marks};
pub(crate) use seat::DecisionSeat;

use crate::{
    Desk,
    decision::{Draft, Merge, PlanStatus, draft_plan, merge, read_plan},
    failures,
    session::{Taken, permissions},
    shelf::Owner,
};
use contract::{ConflictChoice, DecisionView, DraftView, Event, Failure, FailureCode, Permission};
use jiff::Timestamp;
use platform::fhir::{FhirClient, FhirError, Versioned};
use seat::{Kept, Server};
use serde_json::Value;
use std::time::Duration;
use vault::Vault;

/// Business identifiers of decisions.
const IDENTIFIER: &str = "https://konsil.example/sid/beschluss";
/// The platform gets a draft this long after the first change that it lacks.
const PUSH_AFTER: Duration = Duration::from_secs(3);
const STREAM: &str = "draft/";

/// Patients with an unsigned draft on this device, and when it changed last.
pub(crate) fn draft_streams(vault: &Vault) -> Vec<(String, String)> {
    let streams = vault.journal_streams().unwrap_or_else(|error| {
        tracing::error!(%error, "the journal cannot be read");
        Vec::new()
    });
    streams
        .iter()
        .filter_map(|stream| stream.reveal().strip_prefix(STREAM))
        .filter_map(|patient| Some((patient.to_owned(), Kept::newest(vault, patient).ok()??.changed.to_string())))
        .collect()
}

impl Desk {
    pub(crate) async fn open_decision(&self, patient: &str) -> Result<DecisionView, Failure> {
        let (taken, fhir) = self.seated()?;
        let settled = self.with_case(patient, |case| case.all_known())?;
        settled.await;
        if self.with_case(patient, |case| case.decision.is_some())? {
            return self.decision_view(patient);
        }
        let mark = self.kept_mark(&Owner::of(&taken), patient).await;
        // The agenda's plan as it is now; the case may have been read an hour ago.
        let (known, read) = self.with_case(patient, |case| {
            (crate::record::current_plan(&case.record).cloned(), case.record.as_of.parse::<Timestamp>().ok())
        })?;
        let known = last_known(known, read, mark.as_deref());
        let server = match known.as_ref().and_then(Server::id) {
            Some(id) => match fhir.read("CarePlan", &id).await {
                Ok(found) => Some(Server::of(found)),
                Err(FhirError::NotFound { .. }) => None,
                // Without the platform the draft on this device still opens.
                Err(error @ FhirError::Unreachable(_)) => {
                    self.note_reachability(&error);
                    known
                }
                Err(error) => return Err(failures::of_fhir(&error)),
            },
            None => None,
        };
        let (kept, unkept) = self.kept_draft(patient).await?;
        let kept = match &mark {
            Some(mark) => mark.kept_instead_of(kept),
            None => kept,
        };
        // Whoever only reads a decision does not count as present at it.
        let me = self.may(Permission::WriteDecision).ok().and_then(|_| self.my_role());
        self.with_case(patient, |case| {
            let mut seat = DecisionSeat::open(server, kept, || setting::first_draft(&case.record, me.as_deref()));
            seat.unkept = unkept;
            seat.mark = mark;
            seat.hold_mark();
            case.decision = Some(seat);
        })?;
        self.keep_mark(patient).await;
        self.look_if_unseen(patient);
        let signed = self.with_decision(patient, |seat| seat.is_signed())?;
        if signed {
            self.load_signature(&fhir, patient).await?;
        }
        self.push_later(patient);
        self.decision_view(patient)
    }

    pub(crate) async fn save_draft(&self, patient: &str, view: DraftView) -> Result<DecisionView, Failure> {
        self.may(Permission::WriteDecision)?;
        let draft =
            Draft::from_view(&view).map_err(|error| Failure::new(FailureCode::InvalidInput, error.to_string()))?;
        self.with_decision(patient, |seat| {
            if seat.is_signed() && !seat.amending {
                return Err(Failure::new(FailureCode::AlreadySigned, ""));
            }
            // The page offers to take the mark back first.
            if seat.is_marked() && draft != seat.merge.draft {
                return Err(Failure::new(FailureCode::Conflict, "it is marked for signing"));
            }
            seat.write(draft);
            Ok(())
        })??;
        let kept = self.keep_draft(patient).await;
        // A full disk keeps nothing from the platform.
        self.push_later(patient);
        kept?;
        self.decision_view(patient)
    }

    pub(crate) async fn resolve_conflicts(
        &self,
        patient: &str,
        choices: &[ConflictChoice],
    ) -> Result<DecisionView, Failure> {
        self.may(Permission::WriteDecision)?;
        self.with_decision(patient, |seat| {
            for choice in choices {
                seat.merge
                    .choose(&choice.field, choice.keep_mine)
                    .map_err(|error| Failure::new(FailureCode::InvalidInput, error.to_string()))?;
            }
            seat.dirty = true;
            seat.preview = None;
            Ok(())
        })??;
        self.keep_draft(patient).await?;
        self.push_later(patient);
        self.decision_view(patient)
    }

    pub(crate) async fn amend_decision(&self, patient: &str) -> Result<DecisionView, Failure> {
        self.may(Permission::SignDecision)?;
        self.with_decision(patient, |seat| {
            if !seat.is_signed() {
                return Err(Failure::new(FailureCode::InvalidInput, "the decision is not signed"));
            }
            seat.amending = true;
            seat.preview = None;
            seat.merge.draft.amendment_reason = String::new();
            Ok(())
        })??;
        self.keep_draft(patient).await?;
        self.decision_view(patient)
    }

    /// Sends the draft to the platform once typing has paused.
    fn push_later(&self, patient: &str) {
        let begin = self.with_decision(patient, |seat| {
            let begin = seat.dirty && !seat.pushing && !seat.amending;
            seat.pushing |= begin;
            begin
        });
        if !begin.unwrap_or(false) {
            return;
        }
        let desk = self.clone();
        let owner = patient.to_owned();
        let task = tokio::spawn(async move {
            let mut pause = PUSH_AFTER;
            loop {
                tokio::time::sleep(pause).await;
                let pushed = desk.push_draft(&owner).await;
                match &pushed {
                    Ok(()) => pause = PUSH_AFTER,
                    Err(failure) => {
                        tracing::warn!(code = ?failure.code, "the draft waits for the platform");
                        pause = (pause * 2).min(Duration::from_secs(60));
                    }
                }
                let _closed = desk.with_decision(&owner, |seat| seat.unsent = pushed.err().filter(needs_somebody));
                if let Ok(view) = desk.decision_view(&owner) {
                    desk.tell(Event::DecisionChanged(view));
                }
                let go_on = desk.with_decision(&owner, |seat| {
                    let go_on = seat.dirty && seat.merge.conflicts.is_empty();
                    seat.pushing = go_on;
                    go_on
                });
                if !go_on.unwrap_or(false) {
                    return;
                }
            }
        })
        .abort_handle();
        // The case may have been closed in between; then the task finds nothing to do.
        let _closed = self.with_case(patient, |case| case.own(task));
    }

    /// One attempt to bring the platform's copy up to what is here.
    async fn push_draft(&self, patient: &str) -> Result<(), Failure> {
        let pushed = self.send_draft(patient).await;
        // What came back may be something else than what was marked.
        self.keep_mark(patient).await;
        pushed
    }

    async fn send_draft(&self, patient: &str) -> Result<(), Failure> {
        let (taken, fhir) = self.seated()?;
        let (draft, server) = {
            let snapshot = self.with_decision(patient, |seat| {
                let waits = !seat.dirty || !seat.merge.conflicts.is_empty() || seat.amending || seat.is_signed();
                (!waits).then(|| (seat.merge.draft.clone(), seat.server.clone()))
            })?;
            let Some(snapshot) = snapshot else { return Ok(()) };
            snapshot
        };
        let setting = self.setting(patient, &taken, &draft)?;
        let known = server.as_ref().map(|server| &server.resource);
        let plan = draft_plan(&draft, &setting, known)
            .map_err(|error| Failure::new(FailureCode::AlreadySigned, error.to_string()))?;
        match waiting::write(&fhir, server.as_ref(), &plan, &setting.identifier).await {
            Ok(stored) => {
                self.note_connection(true);
                match waiting::written_over(&fhir, server.as_ref(), &stored).await? {
                    Some(lost) => self.bring_back(patient, &lost, stored).await,
                    None => self.stored(patient, &draft, stored),
                }
            }
            Err(FhirError::Conflict(_)) => self.pull(&fhir, patient).await,
            Err(error) => {
                self.note_reachability(&error);
                Err(failures::of_fhir(&error))
            }
        }
    }

    /// The platform has taken what was sent, or gave back what somebody else created first.
    pub(crate) fn stored(&self, patient: &str, sent: &Draft, stored: Versioned) -> Result<(), Failure> {
        let there = read_plan(&stored.resource)
            .map_err(|error| Failure::new(FailureCode::AnswerUnreadable, error.to_string()))?;
        self.with_decision(patient, |seat| {
            let server = Server::of(stored);
            if there.draft == *sent {
                seat.dirty = seat.merge.draft != *sent;
                seat.merge.theirs = there.draft;
                seat.saved_there = Some(Timestamp::now());
            } else {
                seat.take_theirs(&there.draft);
                seat.merged_author.clone_from(&there.author);
            }
            seat.server = Some(server);
            seat.hold_mark();
        })
    }

    /// The platform let us write over what somebody else had written: it is merged with, as if it had refused.
    async fn bring_back(&self, patient: &str, lost: &Draft, stored: Versioned) -> Result<(), Failure> {
        let author = read_plan(&stored.resource).ok().and_then(|plan| plan.author);
        self.with_decision(patient, |seat| {
            seat.take_theirs(lost);
            seat.merged_author = author;
            seat.server = Some(Server::of(stored));
            // The platform has ours without theirs.
            seat.dirty = true;
            seat.hold_mark();
        })?;
        self.keep_draft(patient).await
    }

    /// Somebody else wrote first: their version is fetched and merged by field.
    async fn pull(&self, fhir: &FhirClient, patient: &str) -> Result<(), Failure> {
        let id = self.with_decision(patient, |seat| seat.server.as_ref().and_then(Server::id))?;
        let Some(id) = id else {
            return Err(Failure::new(FailureCode::Conflict, "several decisions of this session exist"));
        };
        let newest = fhir.read("CarePlan", &id).await.map_err(|error| failures::of_fhir(&error))?;
        let there = read_plan(&newest.resource)
            .map_err(|error| Failure::new(FailureCode::AnswerUnreadable, error.to_string()))?;
        let signed = there.status != PlanStatus::Draft;
        self.with_decision(patient, |seat| {
            seat.take_theirs(&there.draft);
            seat.server = Some(Server::of(newest));
            seat.hold_mark();
        })?;
        if signed {
            self.load_signature(fhir, patient).await?;
        }
        self.keep_draft(patient).await
    }

    pub(crate) fn with_decision<T>(
        &self,
        patient: &str,
        work: impl FnOnce(&mut DecisionSeat) -> T,
    ) -> Result<T, Failure> {
        let missing = || Failure::new(FailureCode::NotFound, "the decision is not open");
        self.with_case(patient, |case| case.decision.as_mut().map(work))?.ok_or_else(missing)
    }

    pub(crate) fn decision_view(&self, patient: &str) -> Result<DecisionView, Failure> {
        let (taken, _) = self.seated()?;
        let may = permissions(&taken.session.person().roles);
        let missing = || Failure::new(FailureCode::NotFound, "the decision is not open");
        let me = self.my_role();
        let online = !self.is_offline();
        self.with_case(patient, |case| {
            let record = &case.record;
            let seat = case.decision.as_ref()?;
            let quorum = setting::quorum(record, &seat.merge.draft);
            let (serial, mark) = (self.next_serial(), seat.mark_view(online));
            Some(DecisionView { serial, mark, ..seat.view(record, &quorum, &may, me.as_deref()) })
        })?
        .ok_or_else(missing)
    }

    pub(crate) fn tell_decision(&self, patient: &str) {
        if let Ok(view) = self.decision_view(patient) {
            self.tell(Event::DecisionChanged(view));
        }
    }

    pub(crate) fn may(&self, permission: Permission) -> Result<Taken, Failure> {
        let (taken, _) = self.seated()?;
        if permissions(&taken.session.person().roles).contains(&permission) {
            Ok(taken)
        } else {
            Err(Failure::new(FailureCode::NotAllowed, ""))
        }
    }

    /// PractitionerRole id of the signed-in person.
    pub(crate) fn my_role(&self) -> Option<String> {
        let user = self.taken()?.session.person().fhir_user?;
        user.strip_prefix("PractitionerRole/").map(str::to_owned)
    }

    pub(crate) fn setting(
        &self,
        patient: &str,
        taken: &Taken,
        draft: &Draft,
    ) -> Result<crate::decision::Setting, Failure> {
        self.with_case(patient, |case| {
            let seat = case.decision.as_ref();
            let known = seat.and_then(|seat| seat.server.as_ref()).map(|server| &server.resource);
            let mut setting = setting::setting(&case.record, draft, known, setting::author(taken))?;
            if let Some(mark) = seat.and_then(|seat| seat.mark.as_deref()) {
                mark.keep_conference(&mut setting);
            }
            Some(setting)
        })?
        .ok_or_else(|| Failure::new(FailureCode::NotFound, "the patient is not known"))
    }
}

/// The newest version of the decision that this device knows without asking. What was marked may be younger than the case
/// that is kept; a case that was read since knows better, also that there is none.
fn last_known(known: Option<Value>, read: Option<Timestamp>, mark: Option<&Mark>) -> Option<Server> {
    let marked = mark.filter(|mark| read.is_none_or(|read| read < mark.at)).and_then(|mark| mark.server.clone());
    marked.or_else(|| known.map(Server::stale))
}

/// A lost network is shown by the connection, an ended session by the sign-in page; what else keeps a draft from
/// the platform is told beside it.
fn needs_somebody(failure: &Failure) -> bool {
    !matches!(failure.code, FailureCode::PlatformUnreachable | FailureCode::SessionEnded)
}

impl DecisionSeat {
    /// Brings in what the platform has now.
    fn take_theirs(&mut self, theirs: &Draft) {
        let next = self.merge.onto(theirs);
        self.merged = next.merged.clone();
        self.dirty = next.draft != *theirs;
        if next.draft != self.merge.draft {
            self.preview = None;
        }
        self.merge = next;
    }

    fn write(&mut self, draft: Draft) {
        if draft != self.merge.draft {
            self.merge.draft = draft;
            self.dirty = true;
            self.merged.clear();
            self.failure = None;
            // What was shown is no longer what would be signed.
            self.preview = None;
        }
    }

    fn open(server: Option<Server>, kept: Option<Kept>, first: impl FnOnce() -> Draft) -> Self {
        let there = server.as_ref().and_then(|server| read_plan(&server.resource).ok());
        let signed = there.as_ref().is_some_and(|plan| plan.status != PlanStatus::Draft);
        let theirs = there.map(|plan| plan.draft);
        // A draft that was kept before the platform ever had one waits for it too; a mere beginning does not.
        let waits = server.is_some() || kept.is_some();
        let (merge, saved_here, amending) = match (kept, theirs) {
            (Some(kept), Some(theirs)) if !signed || kept.amending => {
                let merged = if kept.merge.theirs == theirs { kept.merge } else { kept.merge.onto(&theirs) };
                (merged, Some(kept.changed), kept.amending && signed)
            }
            (Some(kept), None) => (kept.merge, Some(kept.changed), false),
            (Some(_) | None, Some(theirs)) => (Merge::settled(theirs.clone(), theirs), None, false),
            (None, None) => (merge(&Draft::default(), &first(), &Draft::default()), None, false),
        };
        let dirty = waits && merge.draft != merge.theirs;
        Self::new(merge, server, saved_here, dirty, amending)
    }
}
