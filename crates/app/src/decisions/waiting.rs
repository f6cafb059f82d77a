//! Drafts on this device whose decision is not open: written without the platform, or left before the platform had
//! them. They reach it without anybody opening their case again.

use super::{
    DecisionSeat, IDENTIFIER, draft_streams, mark,
    seat::{Kept, Server},
    setting,
};
use crate::{
    Desk,
    decision::{Draft, draft_plan, read_plan},
    failures,
    record::{CaseRecord, current_plan},
    session::Taken,
    shelf::{self, Owner},
};
use contract::{Failure, FailureCode, Permission};
use jiff::Timestamp;
use platform::fhir::{FhirClient, FhirError, Versioned};
use serde_json::Value;
use vault::Table;

/// Others who save the same decision meanwhile are merged with so often; then the draft waits for the next occasion.
const ATTEMPTS: usize = 3;

impl Desk {
    /// Sends what waits. What another version contradicts waits for somebody to choose.
    pub(crate) async fn send_waiting_drafts(self) {
        let vault = self.0.vault.clone();
        let Ok(streams) = tokio::task::spawn_blocking(move || draft_streams(&vault)).await else { return };
        self.send_drafts_of(streams.into_iter().map(|(patient, _)| patient).collect()).await;
    }

    /// The same for these patients.
    pub(crate) async fn send_drafts_of(self, patients: Vec<String>) {
        let Ok((taken, fhir)) = self.seated() else { return };
        if self.may(Permission::WriteDecision).is_err() {
            return;
        }
        for patient in patients {
            // An open decision sends by itself.
            if self.with_decision(&patient, |_| ()).is_ok() {
                continue;
            }
            match self.send_waiting(&taken, &fhir, &patient).await {
                Ok(false) => {}
                Ok(true) => tracing::info!("the platform took a draft that had waited"),
                Err(failure) => {
                    tracing::warn!(code = ?failure.code, "a draft still waits for the platform");
                    if failure.code == FailureCode::PlatformUnreachable {
                        return;
                    }
                }
            }
        }
    }

    /// Whether the platform has taken the draft.
    async fn send_waiting(&self, taken: &Taken, fhir: &FhirClient, patient: &str) -> Result<bool, Failure> {
        let (Some(kept), _) = self.kept_draft(patient).await? else { return Ok(false) };
        // An amendment is signed and never sent as a draft.
        if kept.amending || !kept.merge.conflicts.is_empty() {
            return Ok(false);
        }
        let owner = Owner::of(taken);
        let (shelf, whose, what) = (self.0.shelf.clone(), owner.clone(), shelf::case(patient));
        let found = tokio::task::spawn_blocking(move || shelf.get::<CaseRecord>(&whose, &what, Timestamp::now())).await;
        // Of another person, or too old: what surrounds the decision is not known.
        let Ok(Some((_, record))) = found else { return Ok(false) };
        let id = current_plan(&record).and_then(|plan| plan["id"].as_str()).map(str::to_owned);
        let mut server = match id {
            Some(id) => there(fhir, &id).await?,
            None => None,
        };
        for _ in 0..ATTEMPTS {
            let mut seat = DecisionSeat::open(server.clone(), Some(kept.clone()), Draft::default);
            self.hold_closed_mark(&owner, patient, &mut seat).await;
            if seat.is_signed() || !seat.dirty || !seat.merge.conflicts.is_empty() {
                return Ok(false);
            }
            let draft = seat.merge.draft.clone();
            let known = server.as_ref().map(|server| &server.resource);
            let mut setting = setting::setting(&record, &draft, known, setting::author(taken))
                .ok_or_else(|| Failure::new(FailureCode::NotFound, "the patient is not known"))?;
            if let Some(mark) = &seat.mark {
                mark.keep_conference(&mut setting);
            }
            let plan = draft_plan(&draft, &setting, known)
                .map_err(|error| Failure::new(FailureCode::AlreadySigned, error.to_string()))?;
            match write(fhir, server.as_ref(), &plan, &setting.identifier).await {
                Ok(stored) => {
                    let taken = read_plan(&stored.resource).is_ok_and(|plan| plan.draft == draft);
                    if taken {
                        return Ok(true);
                    }
                    // Somebody else had created it: that version is merged with.
                    server = Some(Server::of(stored));
                }
                Err(FhirError::Conflict(_)) => {
                    let Some(id) = server.as_ref().and_then(Server::id) else {
                        return Err(Failure::new(FailureCode::Conflict, "several decisions of this session exist"));
                    };
                    server = there(fhir, &id).await?;
                }
                Err(error) => {
                    self.note_reachability(&error);
                    return Err(failures::of_fhir(&error));
                }
            }
        }
        Err(Failure::new(FailureCode::Conflict, "the decision changes all the time"))
    }
}

impl Desk {
    /// Holds what this person has marked against what such a decision is now, and tells "Heute" if that is no longer the same.
    async fn hold_closed_mark(&self, owner: &Owner, patient: &str, seat: &mut DecisionSeat) {
        let _turn = self.0.marks_kept.lock().await;
        seat.mark = self.kept_mark(owner, patient).await;
        seat.hold_mark();
        if !seat.mark_changed {
            return;
        }
        let (key, whose, mark) = (owner.key(patient), patient.to_owned(), seat.mark.clone());
        // It was opened meanwhile, and has seen to its mark by itself.
        if self.with_decision(patient, |_| ()).is_ok() {
            return;
        }
        let written = self.with_vault(move |vault| match mark {
            Some(mark) => mark::put(vault, &key, &mark),
            // It is signed as it was marked: nothing of it waits here any longer.
            None => vault.delete(Table::Marks, &key).and_then(|_was_there| Kept::forget(vault, &whose)),
        });
        match written.await {
            Ok(()) => self.show_drafts_again(),
            Err(failure) => tracing::warn!(code = ?failure.code, "the mark on disk is not what it should be"),
        }
    }
}

async fn there(fhir: &FhirClient, id: &str) -> Result<Option<Server>, Failure> {
    match fhir.read("CarePlan", id).await {
        Ok(found) => Ok(Some(Server::of(found))),
        Err(FhirError::NotFound { .. }) => Ok(None),
        Err(error) => Err(failures::of_fhir(&error)),
    }
}

/// What somebody else had written between the version that was known and ours, where a server pays no heed to `If-Match` and
/// took ours over theirs: the numbers of the versions are not neighbors then. Servers that do not number them tell nothing.
pub(super) async fn written_over(
    fhir: &FhirClient,
    known: Option<&Server>,
    stored: &Versioned,
) -> Result<Option<Draft>, Failure> {
    let number = |version: &str| version.parse::<u64>().ok();
    let between = known.and_then(|known| Some((number(&known.version)?, number(&stored.version)?, known.id()?)));
    let Some((former, ours, id)) = between.filter(|(former, ours, _)| *ours > former.saturating_add(1)) else {
        return Ok(None);
    };
    tracing::warn!(former, ours, "the platform took a decision over another version of it");
    match fhir.vread("CarePlan", &id, &(ours - 1).to_string()).await {
        Ok(theirs) => Ok(read_plan(&theirs.resource).ok().map(|plan| plan.draft)),
        Err(FhirError::NotFound { .. }) => Ok(None),
        Err(error) => Err(failures::of_fhir(&error)),
    }
}

/// Over the version that is known, or as a new decision unless there is one of this session.
pub(super) async fn write(
    fhir: &FhirClient,
    server: Option<&Server>,
    plan: &Value,
    identifier: &str,
) -> Result<Versioned, FhirError> {
    match server {
        None => fhir.create(plan, Some(&format!("identifier={IDENTIFIER}|{identifier}"))).await,
        Some(server) => fhir.update(plan, &server.version).await,
    }
}
