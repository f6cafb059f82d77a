//! Signing, signing beside somebody else, checking, and the versions of a signed decision.

use super::{
    seat::{Preview, Server},
    setting::names_plan,
};
use crate::{
    Desk,
    decision::{
        Draft, Finding, Former, Payload, PublicJwk, Revision, Second, Signing, check, missing, read_payload, read_plan,
        read_signature, second_signature, sha256_hex, sign, signed_plan, signing_bundle,
    },
    failures,
    session::{Asking, Taken, short_name},
};
use contract::{
    DecisionView, Failure, FailureCode, Permission, SignatureLineView, SignatureView, SigningPreviewView,
    VerificationView, VersionView,
};
use jiff::{Timestamp, tz::TimeZone};
use platform::{
    fhir::{FhirClient, FhirError},
    oidc::{Purpose, SignInAttempt},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// System of a protocol's identifier, `PLAN-REVISION`.
const PROTOCOL: &str = "https://konsil.example/sid/protokoll";

impl Desk {
    pub(crate) async fn preview_signing(&self, patient: &str) -> Result<SigningPreviewView, Failure> {
        let taken = self.may(Permission::SignDecision)?;
        if self.with_decision(patient, |seat| seat.is_signed() && !seat.amending)? {
            return self.preview_second(&taken, patient).await;
        }
        let (marked, amending) = self.with_decision(patient, |seat| (seat.is_marked(), seat.amending))?;
        let out_of_reach = match self.bring_up(patient, marked).await {
            Ok(()) => None,
            // An amendment names what it replaces, which the platform alone knows; what is marked is so already.
            Err(failure) if comes_back(&failure) && !amending && !marked => Some(failure),
            Err(failure) => return Err(failure),
        };
        if self.with_decision(patient, |seat| seat.is_signed() && !seat.amending)? {
            self.tell_decision(patient);
            return Err(Failure::new(FailureCode::AlreadySigned, "somebody has signed it meanwhile"));
        }
        let (draft, conflicts, still_marked) = self
            .with_decision(patient, |seat| (seat.merge.draft.clone(), seat.merge.conflicts.len(), seat.is_marked()))?;
        if marked && !still_marked {
            self.tell_decision(patient);
            return Err(Failure::new(FailureCode::Conflict, "the platform has something else than what was marked"));
        }
        if conflicts > 0 {
            return Err(Failure::new(FailureCode::Conflict, "fields wait for a choice"));
        }
        let setting = self.setting(patient, &taken, &draft)?;
        let lacks = missing(&draft, &setting.quorum, amending);
        if !lacks.is_empty() {
            let lacking = || Failure::new(FailureCode::InvalidInput, lacks.join(" "));
            return Err(out_of_reach.unwrap_or_else(lacking));
        }
        let revision = if amending { self.next_revision(patient).await? } else { Revision::first() };
        let payload = Payload::build(&draft, &setting, &revision)
            .map_err(|error| Failure::new(FailureCode::InvalidInput, error.to_string()))?;
        if !self.with_decision(patient, |seat| seat.covers(&payload))? {
            self.keep_mark(patient).await;
            self.tell_decision(patient);
            return Err(Failure::new(FailureCode::Conflict, "the record says something else than what was marked"));
        }
        let view = self.show_preview(&taken, patient, Preview { payload, second: false })?;
        Ok(SigningPreviewView { out_of_reach, ..view })
    }

    /// What is signed must be what the platform has, so a waiting draft goes first; of what was marked the platform's
    /// version is read before that.
    async fn bring_up(&self, patient: &str, marked: bool) -> Result<(), Failure> {
        if self.is_offline() {
            // It is asked again all the time: another attempt would only take as long.
            return Err(Failure::new(FailureCode::PlatformUnreachable, "the platform did not answer lately"));
        }
        if marked { self.bring_marked(patient).await } else { self.push_draft(patient).await }
    }

    /// What was signed, as it lies in the record and once its signatures hold: nobody signs beside one that does not.
    async fn preview_second(&self, taken: &Taken, patient: &str) -> Result<SigningPreviewView, Failure> {
        let (_, fhir) = self.seated()?;
        let id = self.with_decision(patient, |seat| seat.server.as_ref().and_then(Server::id))?;
        let id = id.ok_or_else(|| Failure::new(FailureCode::NotFound, "no decision"))?;
        self.load_signature(&fhir, patient).await?;
        let me = self.my_role();
        if !self.with_decision(patient, |seat| seat.awaits(me.as_deref()))? {
            return Err(Failure::new(FailureCode::AlreadySigned, "this person has signed it"));
        }
        let looked = self.look_at_signature(&fhir, patient, &id).await?;
        let payload = match looked.finding {
            Finding::Matches(_) => Payload::parse(&looked.canonical).ok(),
            Finding::Differs(..) | Finding::Broken(_) | Finding::NoPayload => None,
        };
        let Some(payload) = payload else {
            self.check_signature(&fhir, patient).await?;
            self.tell_decision(patient);
            return Err(Failure::new(FailureCode::Conflict, "the decision is not as it was signed"));
        };
        self.show_preview(taken, patient, Preview { payload, second: true })
    }

    fn show_preview(&self, taken: &Taken, patient: &str, preview: Preview) -> Result<SigningPreviewView, Failure> {
        let payload = &preview.payload;
        let view = SigningPreviewView {
            canonical: payload.canonical(),
            sha256: payload.sha256(),
            lines: payload.lines(),
            signer: signer_of(taken),
            out_of_reach: None,
        };
        self.with_decision(patient, |seat| seat.preview = Some(preview))?;
        Ok(view)
    }

    pub(crate) async fn sign_decision(&self, patient: &str, sha256: &str) -> Result<(), Failure> {
        let taken = self.may(Permission::SignDecision)?;
        let fits = self.with_decision(patient, |seat| {
            let seen = seat.preview.as_ref().map(|seen| seen.payload.clone());
            seen.is_some_and(|seen| seen.sha256() == sha256 && seat.covers(&seen))
        })?;
        if !fits {
            self.keep_mark(patient).await;
            self.tell_decision(patient);
            return Err(Failure::new(FailureCode::Conflict, "the decision changed after the preview"));
        }
        let person = taken.session.person();
        let purpose = Purpose::Reauthenticate { subject: person.subject, login_hint: person.login };
        let attempt = SignInAttempt::begin(&self.0.egress, &taken.platform, purpose).await.map_err(|error| {
            let failure = failures::of_sign_in(&error);
            if failure.code == FailureCode::PlatformUnreachable {
                self.note_connection(false);
            }
            failure
        })?;
        let url = attempt.url().clone();
        let (desk, owner) = (self.clone(), patient.to_owned());
        let (go, start) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let _started = start.await;
            let outcome = match attempt.finish().await {
                Ok(tokens) => match taken.session.adopt(tokens).await {
                    Ok(()) => desk.hand_over(&taken, &owner).await,
                    Err(error) => Err(failures::of_session(&error)),
                },
                Err(error) => Err(failures::of_sign_in(&error)),
            };
            let _closed = desk.with_decision(&owner, |seat| {
                seat.signing = None;
                seat.failure = outcome.err();
            });
            desk.tell_decision(&owner);
        })
        .abort_handle();
        self.with_decision(patient, |seat| {
            seat.failure = None;
            if let Some(former) = seat.signing.replace(Asking { task, link: url.to_string() }) {
                former.task.abort();
            }
        })?;
        let _task_lives = go.send(());
        self.tell_decision(patient);
        self.show_page(&url).await;
        Ok(())
    }

    pub(crate) fn cancel_signing(&self, patient: &str) -> Result<(), Failure> {
        self.with_decision(patient, |seat| {
            if let Some(asking) = seat.signing.take() {
                asking.task.abort();
            }
        })?;
        self.tell_decision(patient);
        Ok(())
    }

    /// The signature is made and the platform takes decision, signature and protocol in one step.
    async fn hand_over(&self, taken: &Taken, patient: &str) -> Result<(), Failure> {
        let (_, fhir) = self.seated()?;
        let (preview, draft, server) = self
            .with_decision(patient, |seat| {
                Some((seat.preview.clone()?, seat.merge.draft.clone(), seat.server.clone()?))
            })?
            .ok_or_else(|| Failure::new(FailureCode::Conflict, "the decision changed after the preview"))?;
        let payload = preview.payload;
        if preview.second {
            return self.hand_over_second(taken, patient, &payload, &server).await;
        }
        let setting = self.setting(patient, taken, &draft)?;
        // What the platform gets is made of the draft, what is signed is the preview: they have to be one.
        let revision = Revision { number: payload.revision, replaces: payload.replaces.clone() };
        if !Payload::build(&draft, &setting, &revision).is_ok_and(|now| now == payload) {
            return Err(Failure::new(FailureCode::Conflict, "the decision changed after the preview"));
        }
        let plan = signed_plan(&draft, &setting, &payload, Some(&server.resource))
            .map_err(|error| Failure::new(FailureCode::Conflict, error.to_string()))?;
        let now = Timestamp::now();
        let (jws, public) = self.signature_of(taken, &payload, now).await?;
        let signer = self.my_role().unwrap_or_default();
        let at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let local = now.to_zoned(TimeZone::system()).strftime("%d.%m.%Y, %H:%M").to_string();
        let former = match payload.revision {
            1 => None,
            revision => self.protocol_of(&fhir, &server, revision - 1).await?,
        };
        let base = taken.platform.fhir.as_ref().map(ToString::to_string).unwrap_or_default();
        let bundle = signing_bundle(&Signing {
            base: &base,
            plan: &plan,
            version: &server.version,
            payload: &payload,
            jws: &jws,
            key: &public,
            quorum_reason: &draft.quorum_reason,
            signer: &signer,
            signer_name: &taken.session.person().name,
            organization: taken.role.organization_id.as_deref(),
            at: &at,
            at_local: &local,
            former: former.as_ref().map(|(document, version)| Former { document, version }),
        });
        match fhir.transaction(&bundle).await {
            Ok(_) => {}
            Err(FhirError::Conflict(_)) => {
                let pulled = self.pull(&fhir, patient).await;
                self.keep_mark(patient).await;
                pulled?;
                return Err(Failure::new(FailureCode::Conflict, "somebody else saved first"));
            }
            Err(error) => {
                self.note_reachability(&error);
                return Err(failures::of_fhir(&error));
            }
        }
        tracing::info!(revision = payload.revision, "a decision was signed");
        let id = server.id().unwrap_or_default();
        let stored = fhir.read("CarePlan", &id).await.map_err(|error| failures::of_fhir(&error))?;
        self.with_decision(patient, |seat| {
            seat.server = Some(Server::of(stored));
            seat.preview = None;
            seat.amending = false;
            seat.dirty = false;
            seat.mark_changed |= seat.mark.take().is_some();
        })?;
        self.forget_draft(patient).await;
        self.keep_mark(patient).await;
        self.load_signature(&fhir, patient).await?;
        self.check_signature(&fhir, patient).await?;
        self.refresh_plans(&fhir, patient).await;
        Ok(())
    }

    /// A signature of this person over what they saw, with the key that it can be checked by.
    async fn signature_of(
        &self,
        taken: &Taken,
        payload: &Payload,
        now: Timestamp,
    ) -> Result<(String, PublicJwk), Failure> {
        let vault = self.0.vault.clone();
        let subject = taken.session.person().subject;
        let key = tokio::task::spawn_blocking(move || vault.signing_key(&subject))
            .await
            .map_err(|error| Failure::new(FailureCode::Internal, error.to_string()))?
            .map_err(|error| failures::of_store(&error))?;
        Ok((sign(&payload.canonical(), &key, now.as_second()), PublicJwk::of(&key)))
    }

    /// The platform takes one more signature; decision and protocol stay as they are. Whoever asked for it sees it done.
    async fn hand_over_second(
        &self,
        taken: &Taken,
        patient: &str,
        payload: &Payload,
        server: &Server,
    ) -> Result<(), Failure> {
        let (_, fhir) = self.seated()?;
        let plan = server.id().unwrap_or_default();
        let now = Timestamp::now();
        let (jws, public) = self.signature_of(taken, payload, now).await?;
        let provenance = second_signature(&Second {
            plan: &plan,
            payload,
            jws: &jws,
            key: &public,
            signer: &self.my_role().unwrap_or_default(),
            organization: taken.role.organization_id.as_deref(),
            at: &now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        });
        fhir.create(&provenance, None).await.map_err(|error| failures::of_fhir(&error))?;
        tracing::info!(revision = payload.revision, "a decision was signed by one more person");
        self.with_decision(patient, |seat| seat.preview = None)?;
        self.finish_tasks_about(&plan).await;
        self.load_signature(&fhir, patient).await?;
        self.check_signature(&fhir, patient).await?;
        self.refresh_plans(&fhir, patient).await;
        Ok(())
    }

    /// Signature, revision and former versions of a signed decision.
    pub(crate) async fn load_signature(&self, fhir: &FhirClient, patient: &str) -> Result<(), Failure> {
        let server = self.with_decision(patient, |seat| seat.server.clone())?;
        let Some(server) = server.filter(|server| server.id().is_some()) else { return Ok(()) };
        let plan = read_plan(&server.resource)
            .map_err(|error| Failure::new(FailureCode::AnswerUnreadable, error.to_string()))?;
        let Signed { signature, signers, versions } = self.read_signed(fhir, patient, &server).await?;
        self.with_decision(patient, |seat| {
            seat.signature = signature;
            seat.signers = signers;
            seat.versions = versions;
            if !seat.amending {
                seat.merge = crate::decision::Merge::settled(plan.draft.clone(), plan.draft);
                seat.dirty = false;
            }
        })
    }

    /// What the platform has of the signatures on a decision.
    pub(super) async fn read_signed(
        &self,
        fhir: &FhirClient,
        patient: &str,
        server: &Server,
    ) -> Result<Signed, Failure> {
        let id = server.id().unwrap_or_default();
        let target = format!("CarePlan/{id}");
        let of_plan = [("target", target.as_str()), ("_count", "20")];
        let (signatures, history) =
            tokio::join!(fhir.search_fresh("Provenance", &of_plan, 50), fhir.history("CarePlan", &id),);
        let signatures = signatures.map_err(|error| failures::of_fhir(&error))?.matches;
        let signed = payloads(self.signature_lines(patient, &id, &signatures));
        let now = read_plan(&server.resource).ok();
        let revision = now.as_ref().and_then(|plan| plan.revision).unwrap_or(1);
        let reason = now.map(|plan| plan.draft.amendment_reason).unwrap_or_default();
        let versions = history.map(|history| former_versions(&history, revision, &reason, &signed)).unwrap_or_default();
        let signers = signed.first().map(|payload| payload.signers.clone()).unwrap_or_default();
        Ok(Signed { signature: newest(&signed, revision), signers, versions })
    }

    /// Each signature on a plan.
    pub(super) fn signature_lines(&self, patient: &str, plan: &str, provenances: &[Value]) -> Vec<SignatureOn> {
        provenances
            .iter()
            .filter(|provenance| names_plan(provenance, plan))
            .filter_map(|provenance| {
                let signature = read_signature(provenance)?;
                let by = self.name_of_role(patient, signature.signer.as_deref(), &provenance["signature"][0]["who"]);
                Some(SignatureOn {
                    sha256: signature.sha256.unwrap_or_default(),
                    signer: signature.signer,
                    line: SignatureLineView { by, at: signature.at },
                })
            })
            .collect()
    }

    fn name_of_role(&self, patient: &str, role: Option<&str>, who: &Value) -> String {
        let known = self.with_case(patient, |case| {
            role.and_then(|role| case.record.directory.person(role)).map(|person| person.name.clone())
        });
        known.ok().flatten().or_else(|| who["display"].as_str().map(str::to_owned)).unwrap_or_default()
    }

    pub(crate) async fn verify_decision(&self, patient: &str) -> Result<DecisionView, Failure> {
        let (_, fhir) = self.seated()?;
        self.check_signature(&fhir, patient).await?;
        self.decision_view(patient)
    }

    /// Compares stored payload, signature and today's record, all read anew.
    async fn check_signature(&self, fhir: &FhirClient, patient: &str) -> Result<(), Failure> {
        let id = self.with_decision(patient, |seat| seat.server.as_ref().and_then(Server::id))?;
        let check = match id {
            Some(id) => self.checked(fhir, patient, &id).await,
            None => VerificationView::Unchecked { failure: Failure::new(FailureCode::NotFound, "no decision") },
        };
        self.with_decision(patient, |seat| {
            if let Some(signature) = &mut seat.signature {
                signature.check = Some(check);
            }
        })
    }

    /// What a check of a decision finds.
    pub(super) async fn checked(&self, fhir: &FhirClient, patient: &str, plan: &str) -> VerificationView {
        match self.look_at_signature(fhir, patient, plan).await.map(|looked| looked.finding) {
            Ok(Finding::Matches(_)) => VerificationView::Matches,
            Ok(Finding::Differs(_, fields)) => VerificationView::Differs { fields },
            Ok(Finding::Broken(_) | Finding::NoPayload) => VerificationView::Broken,
            Err(failure) => VerificationView::Unchecked { failure },
        }
    }

    async fn look_at_signature(&self, fhir: &FhirClient, patient: &str, id: &str) -> Result<Looked, Failure> {
        let not_here = |what: &str| Failure::new(FailureCode::NotFound, what);
        let plan = fhir.read("CarePlan", id).await.map_err(|error| failures::of_fhir(&error))?;
        let revision = read_plan(&plan.resource).ok().and_then(|plan| plan.revision).unwrap_or(1);
        let (document, _) = self
            .protocol_of(fhir, &Server::of(plan.clone()), revision)
            .await?
            .ok_or_else(|| not_here("no protocol"))?;
        let canonical = read_payload(&document).ok_or_else(|| not_here("no payload"))?;
        let sha256 = sha256_hex(canonical.as_bytes());
        let target = format!("CarePlan/{id}");
        let signatures = fhir
            .search_fresh("Provenance", &[("target", target.as_str()), ("_count", "20")], 50)
            .await
            .map_err(|error| failures::of_fhir(&error))?;
        let of_payload = signatures
            .matches
            .iter()
            .filter_map(read_signature)
            .filter(|signature| signature.sha256.as_deref() == Some(sha256.as_str()));
        let record = fhir.read("Patient", patient).await.map_err(|error| failures::of_fhir(&error))?;
        // Each of them has to hold: one that does not is never hidden by one that does.
        let mut finding = None;
        for signature in of_payload {
            let key = signature.key.ok_or_else(|| not_here("no key"))?;
            let found = check(&canonical, &signature.jws, &key, &plan.resource, Some(&record.resource));
            if matches!(found, Finding::Broken(_) | Finding::NoPayload) {
                return Ok(Looked { canonical, finding: found });
            }
            finding = Some(found);
        }
        let finding = finding.ok_or_else(|| not_here("no signature of this payload"))?;
        Ok(Looked { canonical, finding })
    }

    /// The protocol of a revision, with its version.
    pub(super) async fn protocol_of(
        &self,
        fhir: &FhirClient,
        server: &Server,
        revision: u32,
    ) -> Result<Option<(Value, String)>, Failure> {
        let name = format!("{PROTOCOL}|{}-{revision}", server.id().unwrap_or_default());
        let found = fhir
            .search_fresh("DocumentReference", &[("identifier", name.as_str())], 2)
            .await
            .map_err(|error| failures::of_fhir(&error))?;
        Ok(found.matches.into_iter().next().map(|document| {
            let version = document["meta"]["versionId"].as_str().unwrap_or_default().to_owned();
            (document, version)
        }))
    }

    async fn next_revision(&self, patient: &str) -> Result<Revision, Failure> {
        let (_, fhir) = self.seated()?;
        let server = self.with_decision(patient, |seat| seat.server.clone())?;
        let server = server.ok_or_else(|| Failure::new(FailureCode::NotFound, "no decision"))?;
        let revision = read_plan(&server.resource).ok().and_then(|plan| plan.revision).unwrap_or(1);
        let former =
            self.protocol_of(&fhir, &server, revision).await?.and_then(|(document, _)| read_payload(&document));
        let former = former.and_then(|canonical| Payload::parse(&canonical).ok());
        former
            .map(|payload| Revision::after(&payload))
            .ok_or_else(|| Failure::new(FailureCode::NotFound, "the former payload is missing"))
    }

    /// The case's list of decisions as it is after signing.
    async fn refresh_plans(&self, fhir: &FhirClient, patient: &str) {
        self.reload_part(fhir, patient, crate::record::Part::Plans).await;
        self.reload_part(fhir, patient, crate::record::Part::Documents).await;
        self.tell_case(patient);
    }
}

/// Who signs, or marks for signing.
pub(super) fn signer_of(taken: &Taken) -> String {
    taken.role.short_name.clone().unwrap_or_else(|| short_name(&taken.session.person()))
}

/// A platform that is gone or fails comes back by itself; what else keeps a decision from it needs somebody.
fn comes_back(failure: &Failure) -> bool {
    matches!(failure.code, FailureCode::PlatformUnreachable | FailureCode::PlatformFailed)
}

/// A payload as it lies in the record, and what is found of it.
struct Looked {
    canonical: String,
    finding: Finding,
}

/// What the record holds of the signatures on a decision.
pub(super) struct Signed {
    pub(super) signature: Option<SignatureView>,
    /// PractitionerRole ids of those who signed what is there now.
    pub(super) signers: Vec<String>,
    pub(super) versions: Vec<VersionView>,
}

/// One signature on a plan.
pub(super) struct SignatureOn {
    sha256: String,
    signer: Option<String>,
    line: SignatureLineView,
}

/// A payload that was signed, by one person or several.
pub(super) struct SignedPayload {
    sha256: String,
    /// In the order of time.
    lines: Vec<SignatureLineView>,
    signers: Vec<String>,
}

/// What was signed, the newest first; a signature beside another one makes nothing newer.
pub(super) fn payloads(mut signatures: Vec<SignatureOn>) -> Vec<SignedPayload> {
    signatures.sort_by(|a, b| a.line.at.cmp(&b.line.at));
    let mut all: Vec<SignedPayload> = Vec::new();
    for SignatureOn { sha256, signer, line } in signatures {
        match all.iter_mut().find(|known| known.sha256 == sha256) {
            // The same person's second signature says nothing more.
            Some(known) if signer.as_ref().is_some_and(|signer| known.signers.contains(signer)) => {}
            Some(known) => {
                known.lines.push(line);
                known.signers.extend(signer);
            }
            None => all.push(SignedPayload { sha256, lines: vec![line], signers: signer.into_iter().collect() }),
        }
    }
    all.reverse();
    all
}

/// The newest signature, not checked yet.
pub(super) fn newest(signed: &[SignedPayload], revision: u32) -> Option<SignatureView> {
    let SignedPayload { sha256, lines, .. } = signed.first()?;
    let (line, others) = lines.split_first()?;
    Some(SignatureView { line: line.clone(), others: others.to_vec(), sha256: sha256.clone(), revision, check: None })
}

/// Signed versions below the current revision, newest first, with the signature that belongs to each and why its successor
/// replaced it; `reason` is the current one's.
fn former_versions(
    history: &[platform::fhir::Versioned],
    current: u32,
    reason: &str,
    signed: &[SignedPayload],
) -> Vec<VersionView> {
    let mut plans: BTreeMap<u32, Draft> = BTreeMap::new();
    // The newest first: the last state of each revision counts.
    for plan in history.iter().filter_map(|version| read_plan(&version.resource).ok()) {
        if let Some(revision) = plan.revision.filter(|revision| *revision < current) {
            plans.entry(revision).or_insert(plan.draft);
        }
    }
    let replaced_for = |revision: u32| {
        let successor = revision.saturating_add(1);
        let said =
            if successor == current { Some(reason) } else { plans.get(&successor).map(|d| &*d.amendment_reason) };
        said.filter(|said| !said.is_empty()).map(str::to_owned)
    };
    let versions = plans.iter().rev().map(|(&revision, draft)| {
        // What was signed is newest first, the current revision's before all.
        let back = usize::try_from(current - revision).ok();
        let line = back.and_then(|back| signed.get(back)?.lines.first());
        let nobody = || SignatureLineView { by: String::new(), at: String::new() };
        VersionView {
            revision,
            line: line.cloned().unwrap_or_else(nobody),
            text: draft.text.clone(),
            reason: replaced_for(revision),
        }
    });
    versions.collect()
}
