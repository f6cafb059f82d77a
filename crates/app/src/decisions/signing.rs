//! Signing, checking and the versions of a signed decision.

use super::{seat::Server, setting::names_plan};
use crate::{
    Desk,
    decision::{
        Finding, Former, Payload, PublicJwk, Revision, Signing, check, missing, read_payload, read_plan,
        read_signature, sign, signed_plan, signing_bundle,
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

/// System of a protocol's identifier, `PLAN-REVISION`.
const PROTOCOL: &str = "https://konsil.example/sid/protokoll";

impl Desk {
    pub(crate) async fn preview_signing(&self, patient: &str) -> Result<SigningPreviewView, Failure> {
        let taken = self.may(Permission::SignDecision)?;
        // What is signed must be what the platform has, so a waiting draft goes first.
        self.push_draft(patient).await?;
        let (draft, conflicts, amending) =
            self.with_decision(patient, |seat| (seat.merge.draft.clone(), seat.merge.conflicts.len(), seat.amending))?;
        if conflicts > 0 {
            return Err(Failure::new(FailureCode::Conflict, "fields wait for a choice"));
        }
        let setting = self.setting(patient, &taken, &draft)?;
        let lacks = missing(&draft, &setting.quorum, amending);
        if !lacks.is_empty() {
            return Err(Failure::new(FailureCode::InvalidInput, lacks.join(" ")));
        }
        let revision = if amending { self.next_revision(patient).await? } else { Revision::first() };
        let payload = Payload::build(&draft, &setting, &revision)
            .map_err(|error| Failure::new(FailureCode::InvalidInput, error.to_string()))?;
        let view = SigningPreviewView {
            canonical: payload.canonical(),
            sha256: payload.sha256(),
            lines: payload.lines(),
            signer: taken.role.short_name.clone().unwrap_or_else(|| short_name(&taken.session.person())),
        };
        self.with_decision(patient, |seat| seat.preview = Some(payload))?;
        Ok(view)
    }

    pub(crate) async fn sign_decision(&self, patient: &str, sha256: &str) -> Result<(), Failure> {
        let taken = self.may(Permission::SignDecision)?;
        let seen = self.with_decision(patient, |seat| seat.preview.as_ref().map(Payload::sha256))?;
        if seen.as_deref() != Some(sha256) {
            return Err(Failure::new(FailureCode::Conflict, "the decision changed after the preview"));
        }
        let person = taken.session.person();
        let purpose = Purpose::Reauthenticate { subject: person.subject, login_hint: person.login };
        let attempt = SignInAttempt::begin(&self.0.egress, &taken.platform, purpose)
            .await
            .map_err(|error| failures::of_sign_in(&error))?;
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
        let (payload, draft, server) = self
            .with_decision(patient, |seat| {
                Some((seat.preview.clone()?, seat.merge.draft.clone(), seat.server.clone()?))
            })?
            .ok_or_else(|| Failure::new(FailureCode::Conflict, "the decision is not on the platform"))?;
        let setting = self.setting(patient, taken, &draft)?;
        let plan = signed_plan(&draft, &setting, &payload, Some(&server.resource))
            .map_err(|error| Failure::new(FailureCode::Conflict, error.to_string()))?;
        let vault = self.0.vault.clone();
        let subject = taken.session.person().subject;
        let key = tokio::task::spawn_blocking(move || vault.signing_key(&subject))
            .await
            .map_err(|error| Failure::new(FailureCode::Internal, error.to_string()))?
            .map_err(|error| failures::of_store(&error))?;
        let now = Timestamp::now();
        let jws = sign(&payload.canonical(), &key, now.as_second());
        let public = PublicJwk::of(&key);
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
                self.pull(&fhir, patient).await?;
                return Err(Failure::new(FailureCode::Conflict, "somebody else saved first"));
            }
            Err(error) => return Err(failures::of_fhir(&error)),
        }
        tracing::info!(revision = payload.revision, "a decision was signed");
        let id = server.id().unwrap_or_default();
        let stored = fhir.read("CarePlan", &id).await.map_err(|error| failures::of_fhir(&error))?;
        self.with_decision(patient, |seat| {
            seat.server = Some(Server::of(stored));
            seat.preview = None;
            seat.amending = false;
            seat.dirty = false;
        })?;
        self.forget_draft(patient).await;
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
        let Signed { signature, versions } = self.read_signed(fhir, patient, &server).await?;
        self.with_decision(patient, |seat| {
            seat.signature = signature;
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
        let lines = self.signature_lines(patient, &id, &signatures);
        let revision = read_plan(&server.resource).ok().and_then(|plan| plan.revision).unwrap_or(1);
        let versions = history.map(|history| former_versions(&history, revision, &lines)).unwrap_or_default();
        Ok(Signed { signature: newest(&lines, revision), versions })
    }

    /// Hash of the payload, signer and time of each signature on a plan, newest first.
    pub(super) fn signature_lines(
        &self,
        patient: &str,
        plan: &str,
        provenances: &[Value],
    ) -> Vec<(String, SignatureLineView)> {
        let mut lines: Vec<(String, SignatureLineView)> = provenances
            .iter()
            .filter(|provenance| names_plan(provenance, plan))
            .filter_map(|provenance| {
                let signature = read_signature(provenance)?;
                let by = self.name_of_role(patient, signature.signer.as_deref(), &provenance["signature"][0]["who"]);
                Some((signature.sha256.unwrap_or_default(), SignatureLineView { by, at: signature.at }))
            })
            .collect();
        lines.sort_by(|a, b| b.1.at.cmp(&a.1.at));
        lines
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
        match self.look_at_signature(fhir, patient, plan).await {
            Ok(Finding::Matches(_)) => VerificationView::Matches,
            Ok(Finding::Differs(_, fields)) => VerificationView::Differs { fields },
            Ok(Finding::Broken(_) | Finding::NoPayload) => VerificationView::Broken,
            Err(failure) => VerificationView::Unchecked { failure },
        }
    }

    async fn look_at_signature(&self, fhir: &FhirClient, patient: &str, id: &str) -> Result<Finding, Failure> {
        let not_here = |what: &str| Failure::new(FailureCode::NotFound, what);
        let plan = fhir.read("CarePlan", id).await.map_err(|error| failures::of_fhir(&error))?;
        let revision = read_plan(&plan.resource).ok().and_then(|plan| plan.revision).unwrap_or(1);
        let (document, _) = self
            .protocol_of(fhir, &Server::of(plan.clone()), revision)
            .await?
            .ok_or_else(|| not_here("no protocol"))?;
        let canonical = read_payload(&document).ok_or_else(|| not_here("no payload"))?;
        let sha256 = crate::decision::sha256_hex(canonical.as_bytes());
        let target = format!("CarePlan/{id}");
        let signatures = fhir
            .search_fresh("Provenance", &[("target", target.as_str()), ("_count", "20")], 50)
            .await
            .map_err(|error| failures::of_fhir(&error))?;
        let signature = signatures
            .matches
            .iter()
            .filter_map(read_signature)
            .find(|signature| signature.sha256.as_deref() == Some(sha256.as_str()))
            .ok_or_else(|| not_here("no signature of this payload"))?;
        let key = signature.key.ok_or_else(|| not_here("no key"))?;
        let record = fhir.read("Patient", patient).await.map_err(|error| failures::of_fhir(&error))?;
        Ok(check(&canonical, &signature.jws, &key, &plan.resource, Some(&record.resource)))
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

/// What the record holds of the signatures on a decision.
pub(super) struct Signed {
    pub(super) signature: Option<SignatureView>,
    pub(super) versions: Vec<VersionView>,
}

/// The newest signature, not checked yet.
pub(super) fn newest(lines: &[(String, SignatureLineView)], revision: u32) -> Option<SignatureView> {
    lines.first().map(|(sha256, line)| SignatureView {
        line: line.clone(),
        sha256: sha256.clone(),
        revision,
        check: None,
    })
}

/// Signed versions below the current revision, newest first, with the signature that belongs to each.
fn former_versions(
    history: &[platform::fhir::Versioned],
    current: u32,
    lines: &[(String, SignatureLineView)],
) -> Vec<VersionView> {
    let mut versions: Vec<VersionView> = Vec::new();
    for version in history {
        let Ok(plan) = read_plan(&version.resource) else { continue };
        let Some(revision) = plan.revision.filter(|revision| *revision < current) else { continue };
        if versions.iter().any(|known| known.revision == revision) {
            continue;
        }
        // Signatures are newest first: the one of revision n is n places from the end.
        let line = lines.len().checked_sub(revision as usize).and_then(|at| lines.get(at));
        versions.push(VersionView {
            revision,
            line: line
                .map_or_else(|| SignatureLineView { by: String::new(), at: String::new() }, |(_, line)| line.clone()),
            text: plan.draft.text.clone(),
            reason: Some(plan.draft.amendment_reason.clone()).filter(|reason| !reason.is_empty()),
        });
    }
    versions.sort_by_key(|version| std::cmp::Reverse(version.revision));
    versions
}
