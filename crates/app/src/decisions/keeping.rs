//! Drafts on their way to the disk. One that the disk would not take stays here and is offered again until it
//! does: it outlives the page, a lock and the closing of its case.

use super::seat::Kept;
use crate::{Desk, failures};
use contract::{Failure, FailureCode};
use jiff::Timestamp;
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::{Mutex, MutexGuard};

/// A disk that was full is tried again after this long.
const KEEP_AGAIN: Duration = Duration::from_secs(2);

/// Drafts that are nowhere but in memory, by patient, and why.
#[derive(Default)]
pub(crate) struct Keeping(Mutex<Waiting>);

type Waiting = BTreeMap<String, (Kept, Failure)>;

impl Desk {
    /// The draft is on this device's disk when this returns without a failure.
    pub(super) async fn keep_draft(&self, patient: &str) -> Result<(), Failure> {
        // One writer at a time: an older state never follows a newer one.
        let mut waiting = self.0.keeping.0.lock().await;
        let idle = waiting.is_empty();
        let kept = self.with_decision(patient, |seat| seat.kept(Timestamp::now()))?;
        let done = self.append(&mut waiting, patient, kept).await;
        if idle && done.is_err() {
            self.keep_again();
        }
        done
    }

    /// What the disk has of a patient's draft, or would have if it had taken it.
    pub(super) async fn kept_draft(&self, patient: &str) -> Result<(Option<Kept>, Option<Failure>), Failure> {
        let waiting = self.0.keeping.0.lock().await;
        if let Some((kept, failure)) = waiting.get(patient) {
            return Ok((Some(kept.clone()), Some(failure.clone())));
        }
        let (vault, owner) = (self.0.vault.clone(), patient.to_owned());
        let kept = tokio::task::spawn_blocking(move || Kept::newest(&vault, &owner))
            .await
            .map_err(|error| Failure::new(FailureCode::Internal, error.to_string()))?
            .map_err(|error| failures::of_store(&error))?;
        Ok((kept, None))
    }

    /// The decision is signed: nothing of it waits here any longer.
    pub(super) async fn forget_draft(&self, patient: &str) {
        let mut waiting = self.0.keeping.0.lock().await;
        waiting.remove(patient);
        let _closed = self.with_decision(patient, |seat| seat.unkept = None);
        let (vault, owner) = (self.0.vault.clone(), patient.to_owned());
        let forgotten = tokio::task::spawn_blocking(move || Kept::forget(&vault, &owner)).await;
        if let Ok(Err(error)) = forgotten {
            tracing::warn!(%error, "the draft of a signed decision is still in the journal");
        }
    }

    async fn append(&self, waiting: &mut MutexGuard<'_, Waiting>, patient: &str, kept: Kept) -> Result<(), Failure> {
        let (vault, owner, state) = (self.0.vault.clone(), patient.to_owned(), kept.clone());
        let failure = match tokio::task::spawn_blocking(move || state.append(&vault, &owner)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(failures::of_store(&error)),
            Err(error) => Some(Failure::new(FailureCode::Internal, error.to_string())),
        };
        let changed = kept.changed;
        match &failure {
            None => {
                waiting.remove(patient);
            }
            Some(failure) => {
                waiting.insert(patient.to_owned(), (kept, failure.clone()));
            }
        }
        // Its case may have been closed meanwhile.
        let _closed = self.with_decision(patient, |seat| {
            seat.unkept = failure.clone();
            if failure.is_none() {
                seat.saved_here = Some(changed);
            }
        });
        failure.map_or(Ok(()), Err)
    }

    /// Offers what waits to the disk until nothing does.
    fn keep_again(&self) {
        tracing::warn!("a draft is in memory only: the disk did not take it");
        let desk = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(KEEP_AGAIN).await;
                let mut waiting = desk.0.keeping.0.lock().await;
                let drafts: Vec<(String, Kept)> =
                    waiting.iter().map(|(patient, (kept, _))| (patient.clone(), kept.clone())).collect();
                let mut taken = Vec::new();
                for (patient, kept) in drafts {
                    let newest = desk.with_decision(&patient, |seat| seat.kept(Timestamp::now())).unwrap_or(kept);
                    if desk.append(&mut waiting, &patient, newest).await.is_ok() {
                        taken.push(patient);
                    }
                }
                let done = waiting.is_empty();
                drop(waiting);
                for patient in taken {
                    tracing::info!("the disk took a draft that had waited");
                    desk.tell_decision(&patient);
                }
                if done {
                    return;
                }
            }
        });
    }
}
