//! A decision that the case lists, to read: not the one that is open, and nothing of it is written.

use super::{
    seat::{DecisionSeat, Server},
    setting,
    signing::{Signed, newest, payloads},
};
use crate::{
    Desk,
    decision::{Merge, Quorum, read_plan},
    failures,
    record::Part,
};
use contract::{DecisionView, Failure, FailureCode, VerificationView};
use platform::fhir::FhirError;
use serde_json::Value;

impl Desk {
    pub(crate) async fn read_decision(&self, patient: &str, decision: &str) -> Result<DecisionView, Failure> {
        let (_, fhir) = self.seated()?;
        let not_listed = || Failure::new(FailureCode::NotFound, "the case lists no such decision");
        let (listed, provenances) = self
            .with_case(patient, |case| {
                let plans = case.record.part(Part::Plans);
                let listed = plans.matches().iter().find(|plan| plan["id"] == decision)?;
                let of_plans = |resource: &&Value| resource["resourceType"] == "Provenance";
                let provenances: Vec<Value> = plans.included().iter().filter(of_plans).cloned().collect();
                Some((listed.clone(), provenances))
            })?
            .ok_or_else(not_listed)?;
        let (server, signed) = match fhir.read("CarePlan", decision).await {
            Ok(found) => {
                let server = Server::of(found);
                let mut signed = self.read_signed(&fhir, patient, &server).await?;
                if let Some(signature) = &mut signed.signature {
                    signature.check = Some(self.checked(&fhir, patient, decision).await);
                }
                (server, signed)
            }
            // Without the platform it is shown as the case was read, and says that nothing was checked.
            Err(error @ FhirError::Unreachable(_)) => {
                let revision = read_plan(&listed).ok().and_then(|plan| plan.revision).unwrap_or(1);
                let mut signature = newest(&payloads(self.signature_lines(patient, decision, &provenances)), revision);
                if let Some(signature) = &mut signature {
                    signature.check = Some(VerificationView::Unchecked { failure: failures::of_fhir(&error) });
                }
                (Server::stale(listed), Signed { signature, signers: Vec::new(), versions: Vec::new() })
            }
            Err(error) => return Err(failures::of_fhir(&error)),
        };
        let plan = read_plan(&server.resource)
            .map_err(|error| Failure::new(FailureCode::AnswerUnreadable, error.to_string()))?;
        if plan.patient.as_deref() != Some(patient) {
            return Err(Failure::new(FailureCode::OtherPatient, ""));
        }
        let mut seat =
            DecisionSeat::new(Merge::settled(plan.draft.clone(), plan.draft), Some(server), None, false, false);
        seat.signature = signed.signature;
        seat.versions = signed.versions;
        self.with_case(patient, |case| {
            let record = &case.record;
            // Today's rule says nothing about a conference that was judged otherwise at its time.
            let judged = setting::quorum(record, &seat.merge.draft);
            let same = plan.quorum_met == Some(judged.is_met());
            let quorum = if same { judged } else { Quorum::default() };
            DecisionView { serial: self.next_serial(), ..seat.view(record, &quorum, &[], None) }
        })
    }
}
