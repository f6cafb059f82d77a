//! "Neuer Stand": whether the platform has something newer than the open case shows. It is looked for quietly while
//! somebody has the case before them; nothing on the screen changes until the person asks for it.

use crate::{
    Desk,
    cases::{CaseSeat, How, ask},
    decision::{PlanStatus, read_plan},
    failures,
    record::{CaseRecord, QUERIES, current_plan},
};
use contract::{Failure, FailureCode, Freshness, Place};
use jiff::{SignedDuration, Timestamp};
use platform::fhir::FhirClient;
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

/// A case that somebody has before them is looked at this often.
pub const LOOK_EVERY: Duration = Duration::from_secs(120);
/// A server's clock may be behind this computer's; what is known already is recognized by its version.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);

/// What is known of newer states of a case.
#[derive(Default)]
pub(crate) struct Newer {
    /// When it was found that there is one.
    pub(crate) known: Option<Timestamp>,
    /// The person has asked for it, and it is being read.
    pub(crate) asked: bool,
    /// What was found so far. A record is cut at its most, so reading it again need not bring all of this.
    found: BTreeSet<String>,
}

impl Desk {
    /// Looks at the open case again and again.
    pub(crate) fn watch_case(&self, every: Duration) {
        let desk = self.clone();
        tokio::spawn(async move {
            let mut tick = interval(every);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                // A platform that is gone is looked for elsewhere.
                if !desk.is_offline() && !desk.is_locked() {
                    desk.look_for_newer().await;
                }
            }
        });
    }

    async fn look_for_newer(&self) {
        let Ok((_, fhir)) = self.seated() else { return };
        let Some((patient, read)) = self.looked_at() else { return };
        let since = (read - CLOCKS_DIFFER).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        for query in &QUERIES {
            let asked = self.with_case(&patient, |case| !case.record.part(query.part).failed());
            if asked != Ok(true) {
                continue;
            }
            match ask(&fhir, query, &patient, How::StoredSince(&since)).await {
                Ok(found) if self.is_newer(&patient, &found.matches) => return self.tell_case(&patient),
                Ok(_) => {}
                Err(error) => {
                    self.note_reachability(&error);
                    tracing::info!(%error, "a look at a part of the open case failed");
                    // A part that the server refuses does not hide what is new in the others.
                    if !error.is_answer() {
                        return;
                    }
                }
            }
        }
    }

    /// Patient and time of reading of the case that somebody looks at, unless it is being read or known to be old.
    fn looked_at(&self) -> Option<(String, Timestamp)> {
        let state = self.state();
        let case = state.case.as_ref()?;
        let before_them = matches!(&state.place, Place::Case { patient, .. } if *patient == case.patient);
        let quiet = case.newer.known.is_none() && !case.is_reading() && case.record.freshness == Freshness::Current;
        let read = case.record.as_of.parse().ok()?;
        (before_them && quiet).then(|| (case.patient.clone(), read))
    }

    /// True when one of these is not what the case shows.
    fn is_newer(&self, patient: &str, found: &[Value]) -> bool {
        let newer = self.with_case(patient, |case| {
            let own = own_writing(case);
            let known = known(&case.record);
            let news: Vec<String> = found
                .iter()
                .filter(|resource| !own(resource))
                .filter_map(name)
                .filter(|name| !known.contains(name) && !case.newer.found.contains(name))
                .collect();
            if news.is_empty() || case.is_reading() {
                return false;
            }
            case.newer.known = Some(Timestamp::now());
            case.newer.found.extend(news);
            true
        });
        newer.unwrap_or(false)
    }

    /// The open decision takes over what the record says now, as it does when somebody else saved first.
    pub(crate) async fn follow_decision(&self, fhir: &FhirClient, patient: &str) -> Result<(), Failure> {
        let newest = self.with_case(patient, |case| {
            let seat = case.decision.as_ref().filter(|seat| seat.signing.is_none())?;
            let plan = current_plan(&case.record)?;
            let here = seat.server.as_ref();
            let other = here.is_some_and(|here| here.resource["id"] != plan["id"]);
            let same = here.and_then(|here| name(&here.resource)) == name(plan);
            if other || same { None } else { plan["id"].as_str().map(str::to_owned) }
        })?;
        let Some(id) = newest else { return Ok(()) };
        let stored = fhir.read("CarePlan", &id).await.map_err(|error| failures::of_fhir(&error))?;
        let there = read_plan(&stored.resource)
            .map_err(|error| Failure::new(FailureCode::AnswerUnreadable, error.to_string()))?;
        let draft = self.with_decision(patient, |seat| seat.merge.draft.clone())?;
        self.stored(patient, &draft, stored)?;
        if there.status != PlanStatus::Draft {
            self.load_signature(fhir, patient).await?;
        }
        self.keep_mark(patient).await;
        self.tell_decision(patient);
        Ok(())
    }
}

/// Which resources are this desk's own, or may be while they are on their way.
fn own_writing(case: &CaseSeat) -> impl Fn(&Value) -> bool + use<> {
    let seat = case.decision.as_ref();
    let under_way = seat.is_some_and(|seat| seat.pushing || seat.signing.is_some());
    let stored = seat.and_then(|seat| name(&seat.server.as_ref()?.resource));
    move |resource| {
        resource["resourceType"] == "CarePlan" && (under_way || (stored.is_some() && name(resource) == stored))
    }
}

/// Everything that the record holds, by name.
fn known(record: &CaseRecord) -> BTreeSet<String> {
    record.parts.values().flat_map(|part| part.matches().iter().chain(part.included())).filter_map(name).collect()
}

/// A resource in its version.
fn name(resource: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let version = text(&resource["meta"]["versionId"]).or_else(|| text(&resource["meta"]["lastUpdated"]))?;
    Some(format!("{}/{}/{version}", resource["resourceType"].as_str()?, resource["id"].as_str()?))
}

#[cfg(test)]
mod tests {
    use super::{known, name};
    use crate::record::{CaseRecord, Loaded, Part};
    use serde_json::{Value, json};

    fn plan(version: &str) -> Value {
        json!({"resourceType": "CarePlan", "id": "p", "meta": {"versionId": version}})
    }

    #[test]
    fn another_version_is_news_and_the_same_one_is_not() {
        let mut record = CaseRecord::default();
        record.set(Part::Plans, Loaded::Here { matches: vec![plan("1")], included: Vec::new(), more: false });
        let known = known(&record);
        let is_known = |resource: &Value| name(resource).is_some_and(|name| known.contains(&name));
        assert!(is_known(&plan("1")), "it is shown");
        assert!(!is_known(&plan("2")), "somebody has written");
        let other = json!({"resourceType": "Condition", "id": "p", "meta": {"versionId": "1"}});
        assert!(!is_known(&other), "another resource of the same number");
    }
}
