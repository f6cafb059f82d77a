//! Signed decisions that a conversation is told of, and what a reader's own record says of one that came.

use super::{seat::Server, setting::names_plan};
use crate::{
    Desk,
    decision::{PlanStatus, read_payload, read_plan, read_signature, sha256_hex, verify},
    failures,
};
use contract::{DecisionCheck, Failure, FailureCode, ShareableDecisionView};
use platform::fhir::{FhirClient, FhirError};
use serde_json::Value;

/// Former versions that are looked at: nobody amends a decision as often.
const MOST_REVISIONS: usize = 8;

impl Desk {
    /// The signed decisions of a patient, the newest first.
    pub(crate) async fn shareable_decisions(&self, patient: &str) -> Result<Vec<ShareableDecisionView>, Failure> {
        let (_, fhir) = self.seated()?;
        let parameters = [("patient", patient), ("_revinclude", "Provenance:target"), ("_count", "50")];
        let found = fhir.search_fresh("CarePlan", &parameters, 100).await;
        let found = found.map_err(|error| failures::of_fhir(&error))?;
        let mut decisions: Vec<ShareableDecisionView> = found
            .matches
            .iter()
            .filter_map(|plan| {
                let id = plan["id"].as_str()?;
                let open = read_plan(plan).is_ok_and(|plan| plan.status != PlanStatus::Draft);
                let signed = found.included.iter().any(|one| names_plan(one, id) && read_signature(one).is_some());
                let text = |value: &Value| value.as_str().map(str::to_owned);
                (open && signed && plan["status"] != "entered-in-error").then(|| ShareableDecisionView {
                    id: id.to_owned(),
                    created: text(&plan["created"]),
                    title: text(&plan["title"]),
                })
            })
            .collect();
        decisions.sort_by(|a, b| b.created.cmp(&a.created));
        Ok(decisions)
    }

    /// Hash of the payload that was signed last, once the signature is known to hold.
    pub(crate) async fn signed_hash(&self, patient: &str, decision: &str) -> Result<String, Failure> {
        let (_, fhir) = self.seated()?;
        let not_here = |what: &str| Failure::new(FailureCode::NotFound, what);
        let plan = fhir.read("CarePlan", decision).await.map_err(|error| failures::of_fhir(&error))?;
        let revision = read_plan(&plan.resource).ok().and_then(|plan| plan.revision);
        let revision = revision.ok_or_else(|| not_here("the decision is not signed"))?;
        let protocol = self.protocol_of(&fhir, &Server::of(plan), revision).await?;
        let canonical = protocol.and_then(|(document, _)| read_payload(&document));
        let canonical = canonical.ok_or_else(|| not_here("no payload"))?;
        let sha256 = sha256_hex(canonical.as_bytes());
        match self.compare_shared(&fhir, patient, decision, &sha256).await? {
            DecisionCheck::Matches => Ok(sha256),
            DecisionCheck::Differs => Err(Failure::new(FailureCode::OtherPatient, "")),
            DecisionCheck::Pending | DecisionCheck::Replaced | DecisionCheck::Uncheckable => {
                Err(not_here("no signature that holds"))
            }
        }
    }

    /// Holds a hash that came with a conversation against what is signed in this person's own record.
    pub(crate) async fn compare_shared(
        &self,
        fhir: &FhirClient,
        patient: &str,
        decision: &str,
        sha256: &str,
    ) -> Result<DecisionCheck, Failure> {
        let server = match fhir.read("CarePlan", decision).await {
            Ok(found) => Server::of(found),
            Err(FhirError::Denied(_) | FhirError::NotFound { .. }) => return Ok(DecisionCheck::Uncheckable),
            Err(error) => return Err(failures::of_fhir(&error)),
        };
        let Ok(plan) = read_plan(&server.resource) else { return Ok(DecisionCheck::Uncheckable) };
        if plan.patient.as_deref() != Some(patient) {
            return Ok(DecisionCheck::Differs);
        }
        let Some(newest) = plan.revision else { return Ok(DecisionCheck::Uncheckable) };
        let mut any = false;
        for revision in (1..=newest).rev().take(MOST_REVISIONS) {
            let protocol = self.protocol_of(fhir, &server, revision).await?;
            let Some(canonical) = protocol.and_then(|(document, _)| read_payload(&document)) else { continue };
            any = true;
            if sha256_hex(canonical.as_bytes()) != sha256 {
                continue;
            }
            if !self.is_signed(fhir, decision, &canonical, sha256).await? {
                return Ok(DecisionCheck::Uncheckable);
            }
            return Ok(if revision == newest { DecisionCheck::Matches } else { DecisionCheck::Replaced });
        }
        Ok(if any { DecisionCheck::Differs } else { DecisionCheck::Uncheckable })
    }

    async fn is_signed(
        &self,
        fhir: &FhirClient,
        decision: &str,
        canonical: &str,
        sha256: &str,
    ) -> Result<bool, Failure> {
        let target = format!("CarePlan/{decision}");
        let of_plan = [("target", target.as_str()), ("_count", "20")];
        let signatures = fhir.search_fresh("Provenance", &of_plan, 50).await;
        let signatures = signatures.map_err(|error| failures::of_fhir(&error))?.matches;
        let mut of_payload = signatures
            .iter()
            .filter_map(read_signature)
            .filter(|signature| signature.sha256.as_deref() == Some(sha256));
        Ok(of_payload.any(|signature| signature.key.is_some_and(|key| verify(canonical, &signature.jws, &key).is_ok())))
    }
}
