//! What is known of the open decision, what of it is kept on disk, and its view.

use super::mark::Mark;
use crate::{
    decision::{Draft, Field, Merge, Payload, PlanStatus, Quorum, missing, read_plan},
    record::CaseRecord,
    session::Asking,
};
use contract::{
    DecisionStage, DecisionView, Failure, ParticipantView, Permission, PersonChoiceView, SignatureView, VersionView,
};
use jiff::Timestamp;
use platform::fhir::Versioned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vault::{StoreError, Vault};

/// The platform's version of the decision.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) resource: Value,
    pub(crate) version: String,
    /// The platform said so since this decision was opened.
    #[serde(skip)]
    pub(crate) read: bool,
}

impl Server {
    pub(crate) fn of(found: Versioned) -> Self {
        Self { resource: found.resource, version: found.version, read: true }
    }

    /// A version read a while ago; the platform refuses to overwrite a newer one.
    pub(crate) fn stale(resource: Value) -> Self {
        let version = resource["meta"]["versionId"].as_str().unwrap_or_default().to_owned();
        Self { resource, version, read: false }
    }

    pub(crate) fn id(&self) -> Option<String> {
        self.resource["id"].as_str().map(str::to_owned)
    }
}

/// What survives a crash.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) merge: Merge,
    pub(crate) amending: bool,
    pub(crate) changed: Timestamp,
}

impl Kept {
    pub(crate) fn newest(vault: &Vault, patient: &str) -> Result<Option<Self>, StoreError> {
        let entry = vault.journal_last(&format!("draft/{patient}"))?;
        // An entry of a form that this version does not read is left where it is.
        Ok(entry.and_then(|entry| serde_json::from_slice(entry.value.reveal()).ok()))
    }

    /// Appends and forgets what came before: only the newest state counts, and it is on disk first.
    pub(crate) fn append(&self, vault: &Vault, patient: &str) -> Result<(), StoreError> {
        let stream = format!("draft/{patient}");
        let former = vault.journal_last(&stream)?.map(|entry| entry.seq);
        let bytes = serde_json::to_vec(self).map_err(|error| StoreError::Failed(error.to_string()))?;
        vault.journal_append(&stream, &bytes)?;
        former.map_or(Ok(()), |former| vault.journal_compact(&stream, former))
    }

    /// The decision is signed: nothing of it waits here any longer.
    pub(crate) fn forget(vault: &Vault, patient: &str) -> Result<(), StoreError> {
        let stream = format!("draft/{patient}");
        let newest = vault.journal_last(&stream)?.map(|entry| entry.seq);
        newest.map_or(Ok(()), |newest| vault.journal_compact(&stream, newest))
    }
}

/// What a person was shown before they sign.
#[derive(Clone)]
pub(crate) struct Preview {
    pub(crate) payload: Payload,
    /// Somebody else has signed it; this signature comes beside theirs.
    pub(crate) second: bool,
}

/// The open decision.
pub(crate) struct DecisionSeat {
    /// What is here, what is on the platform, and where they disagree.
    pub(crate) merge: Merge,
    /// Fields taken over since the page last wrote.
    pub(crate) merged: Vec<Field>,
    /// Who wrote them; the platform's version may have another author since.
    pub(crate) merged_author: Option<String>,
    pub(crate) server: Option<Server>,
    pub(crate) saved_here: Option<Timestamp>,
    pub(crate) saved_there: Option<Timestamp>,
    /// Why the disk did not take what is here.
    pub(crate) unkept: Option<Failure>,
    /// Why the platform did not take what is here, if that needs somebody.
    pub(crate) unsent: Option<Failure>,
    /// The platform lacks something that is here.
    pub(crate) dirty: bool,
    pub(crate) pushing: bool,
    pub(crate) amending: bool,
    pub(crate) signing: Option<Asking>,
    /// What the person saw and may sign.
    pub(crate) preview: Option<Preview>,
    /// What this person has marked for signing.
    pub(crate) mark: Option<Box<Mark>>,
    /// The disk does not have the mark as it is here.
    pub(crate) mark_changed: bool,
    pub(crate) signature: Option<SignatureView>,
    /// PractitionerRole ids of those who have signed what is there now.
    pub(crate) signers: Vec<String>,
    pub(crate) versions: Vec<VersionView>,
    /// Why the last attempt to sign failed.
    pub(crate) failure: Option<Failure>,
}

impl Drop for DecisionSeat {
    fn drop(&mut self) {
        if let Some(asking) = &self.signing {
            asking.task.abort();
        }
    }
}

impl DecisionSeat {
    pub(crate) fn new(
        merge: Merge,
        server: Option<Server>,
        saved_here: Option<Timestamp>,
        dirty: bool,
        amending: bool,
    ) -> Self {
        let saved_there = server
            .as_ref()
            .and_then(|server| server.resource["meta"]["lastUpdated"].as_str()?.parse().ok())
            .filter(|_| !dirty);
        Self {
            merged: merge.merged.clone(),
            merged_author: server.as_ref().and_then(|server| read_plan(&server.resource).ok()?.author),
            merge,
            server,
            saved_here,
            saved_there,
            unkept: None,
            unsent: None,
            dirty,
            pushing: false,
            amending,
            signing: None,
            preview: None,
            mark: None,
            mark_changed: false,
            signature: None,
            signers: Vec::new(),
            versions: Vec::new(),
            failure: None,
        }
    }

    pub(crate) fn is_signed(&self) -> bool {
        self.server
            .as_ref()
            .and_then(|server| read_plan(&server.resource).ok())
            .is_some_and(|plan| !matches!(plan.status, PlanStatus::Draft | PlanStatus::Unknown))
    }

    pub(crate) fn kept(&self, changed: Timestamp) -> Kept {
        Kept { merge: self.merge.clone(), amending: self.amending, changed }
    }

    /// `me` is the PractitionerRole id of whoever looks.
    pub(crate) fn view(
        &self,
        record: &CaseRecord,
        quorum: &Quorum,
        may: &[Permission],
        me: Option<&str>,
    ) -> DecisionView {
        let signed = self.is_signed();
        let stage = match (&self.signing, signed, self.amending) {
            (Some(_), true, false) => DecisionStage::Countersigning,
            (Some(_), _, _) => DecisionStage::Signing,
            (None, true, true) => DecisionStage::Amending,
            (None, true, false) => DecisionStage::Signed,
            (None, false, _) => DecisionStage::Draft,
        };
        let open = !signed || self.amending;
        let by = self.other_writer(record);
        let merged_by = self.merged_author.as_ref().and_then(|role| Some(record.directory.person(role)?.short.clone()));
        DecisionView {
            patient: record.patient.clone(),
            // The desk's to say.
            serial: 0,
            stage,
            draft: self.merge.draft.view(),
            participants: participants(record, &self.merge.draft),
            people: people(record),
            quorum: quorum.view(),
            saved_here: self.saved_here.filter(|_| self.unkept.is_none()).map(|at| at.to_string()),
            saved_there: self.saved_there.filter(|_| !self.dirty).map(|at| at.to_string()),
            save_failure: self.unkept.clone().or_else(|| self.unsent.clone().filter(|_| self.dirty)),
            conflicts: self.merge.conflict_views(by.as_deref()),
            merged: self
                .merged
                .iter()
                .map(|field| contract::MergedView { field: field.name(), by: merged_by.clone() })
                .collect(),
            missing: if open { missing(&self.merge.draft, quorum, self.amending) } else { Vec::new() },
            // What is signed is amended by whoever may sign.
            can_write: if open {
                may.contains(&Permission::WriteDecision) && !self.is_marked()
            } else {
                may.contains(&Permission::SignDecision)
            },
            can_sign: open && may.contains(&Permission::SignDecision),
            can_countersign: !open && may.contains(&Permission::SignDecision) && self.awaits(me),
            link: self.signing.as_ref().map(|asking| asking.link.clone()),
            // The desk's to say as well: it knows whether the platform answers.
            mark: None,
            signature: self.signature.clone(),
            versions: self.versions.clone(),
            failure: self.failure.clone(),
        }
    }

    /// Whether somebody signed what is there, and this person did not.
    pub(crate) fn awaits(&self, me: Option<&str>) -> bool {
        let signed = self.signature.is_some() && !self.amending;
        signed && me.is_some_and(|me| !self.signers.iter().any(|signer| signer == me))
    }

    /// Who wrote the platform's version: its author, since a CarePlan names no other writer.
    fn other_writer(&self, record: &CaseRecord) -> Option<String> {
        let plan = read_plan(&self.server.as_ref()?.resource).ok()?;
        record.directory.person(&plan.author?).map(|person| person.short.clone())
    }
}

fn participants(record: &CaseRecord, draft: &Draft) -> Vec<ParticipantView> {
    let members = &record.directory.members;
    let guests = draft.present.iter().filter(|role| !members.iter().any(|(member, _)| member == *role));
    members
        .iter()
        .map(|(role, word)| (role, word.as_str()))
        .chain(guests.map(|role| (role, "")))
        .filter_map(|(role, word)| {
            let person = record.directory.person(role)?;
            Some(ParticipantView {
                role: role.clone(),
                name: person.name.clone(),
                family: person.family.clone(),
                specialty: person.specialty.clone(),
                organization: person.organization.clone(),
                moderator: word == "moderator",
                present: draft.present.contains(role),
            })
        })
        .collect()
}

fn people(record: &CaseRecord) -> Vec<PersonChoiceView> {
    record
        .directory
        .members
        .iter()
        .filter_map(|(role, _)| {
            let person = record.directory.person(role)?;
            Some(PersonChoiceView {
                role: role.clone(),
                name: person.short.clone(),
                specialty: person.specialty.clone(),
            })
        })
        .collect()
}
