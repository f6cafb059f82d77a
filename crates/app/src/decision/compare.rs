//! Checking a signed decision: the stored payload against its signature, and against what the record says today.

use super::careplan::{Plan, is_foreign, read_plan};
use super::payload::Payload;
use super::seal::{Header, PublicJwk, SealError, verify};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Payload and signature belong together, and the record says the same.
    Matches(Header),
    /// The signature holds, but the record says something else in these elements of the payload.
    Differs(Header, Vec<String>),
    /// The signature does not hold.
    Broken(SealError),
    /// What is stored is no payload that we can read.
    NoPayload,
}

/// Checks signature and record. `patient` is the Patient of the record; without it the patient's identity is compared
/// by nothing.
#[must_use]
pub fn check(canonical: &str, jws: &str, key: &PublicJwk, plan: &Value, patient: Option<&Value>) -> Finding {
    let header = match verify(canonical, jws, key) {
        Ok(header) => header,
        Err(error) => return Finding::Broken(error),
    };
    let Ok(payload) = Payload::parse(canonical) else { return Finding::NoPayload };
    let fields = compare(&payload, plan, patient);
    if fields.is_empty() { Finding::Matches(header) } else { Finding::Differs(header, fields) }
}

/// The elements of the payload in which the CarePlan says something else, in the payload's names. State and deviation
/// of measures are outside of what is signed. Board, times and names of participants stand only in the payload.
#[must_use]
pub fn compare(payload: &Payload, plan: &Value, patient: Option<&Value>) -> Vec<String> {
    // A CarePlan that cannot be read says nothing of what was signed.
    let Ok(read) = read_plan(plan) else { return vec!["plan".to_owned()] };
    let draft = &read.draft;
    let activities_match = foreign_details(plan) == 0
        && draft.measures.len() == payload.activities.len()
        && draft.measures.iter().zip(&payload.activities).all(|(there, signed)| {
            there.code == Some(signed.code)
                && same(&there.text, &signed.text)
                && there.responsible == signed.responsible
        });
    let present_match = draft.present.iter().eq(payload.participants.iter().map(|person| &person.role));
    let dissent_match = draft.dissent.len() == payload.dissent.len()
        && draft.dissent.iter().zip(&payload.dissent).all(|(a, b)| a.role == b.role && same(&a.text, &b.text));
    let points_match = same_lines(draft.open_points.iter().map(|point| &point.text), &payload.open_points);
    let condition_match =
        payload.diagnosis.condition.as_ref().is_none_or(|signed| read.addresses.iter().any(|id| id == signed));
    let reason_match = same(&draft.amendment_reason, payload.reason.as_deref().unwrap_or_default());
    let comparisons = [
        ("id", read.id.as_deref() == Some(payload.id.as_str())),
        ("revision", read.revision == Some(payload.revision)),
        ("replaces", read.replaces == payload.replaces),
        ("reason", reason_match),
        ("patient", patient.is_none_or(|patient| same_patient(payload, &read, patient))),
        ("created", read.created.as_deref() == Some(payload.created.as_str())),
        ("category", draft.category == Some(payload.category)),
        ("diagnosis", condition_match),
        ("question", same(&draft.question, &payload.question)),
        ("findings", same_lines(draft.findings.iter(), &payload.findings)),
        ("text", same(&draft.text, &payload.text)),
        ("activities", activities_match),
        ("participants", present_match),
        ("quorum", read.quorum_met == Some(payload.quorum.met) && read.quorum_rule == payload.quorum.rule),
        ("vote", draft.outcome == Some(payload.vote.kind) && read.vote == Some(votes(payload))),
        ("dissent", dissent_match),
        ("openPoints", points_match),
    ];
    comparisons.into_iter().filter(|(_, equal)| !equal).map(|(name, _)| name.to_owned()).collect()
}

fn votes(payload: &Payload) -> (u32, u32, u32) {
    (payload.vote.agree, payload.vote.disagree, payload.vote.abstain)
}

// What was signed is in form C and without outer spaces; a server may have kept what the person typed.
fn same(a: &str, b: &str) -> bool {
    a.trim().nfc().eq(b.trim().nfc())
}

fn same_lines<'a>(there: impl ExactSizeIterator<Item = &'a String>, signed: &[String]) -> bool {
    there.len() == signed.len() && there.zip(signed).all(|(a, b)| same(a, b))
}

fn same_patient(payload: &Payload, plan: &Plan, patient: &Value) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let official = patient["name"]
        .as_array()
        .and_then(|names| names.iter().find(|name| name["use"] == "official").or_else(|| names.first()));
    let given = official
        .and_then(|name| name["given"].as_array())
        .map(|names| names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
    let kvnr = patient["identifier"]
        .as_array()
        .and_then(|identifiers| identifiers.iter().find(|id| id["system"] == KVNR).and_then(|id| id["value"].as_str()));
    plan.patient.as_deref() == patient["id"].as_str()
        && same(&official.map(|name| text(&name["family"])).unwrap_or_default(), &payload.patient.family)
        && same(&given.unwrap_or_default(), &payload.patient.given)
        && patient["birthDate"].as_str() == payload.patient.birth_date.as_deref()
        && kvnr == payload.patient.kvnr.as_deref()
}

const KVNR: &str = "http://fhir.de/sid/gkv/kvid-10";

// A measure that somebody else wrote in a form of their own is still a measure that nobody signed.
fn foreign_details(plan: &Value) -> usize {
    let activities = plan["activity"].as_array().map(Vec::as_slice).unwrap_or_default();
    activities.iter().filter(|activity| is_foreign(activity) && activity["detail"].is_object()).count()
}

#[cfg(test)]
mod tests {
    use super::super::careplan::signed_plan;
    use super::super::examples::{auenwald, auenwald_setting, example, mohnblatt, mohnblatt_setting, vector};
    use super::super::payload::{Payload, Revision};
    use super::super::seal::{PublicJwk, SealError};
    use super::{Finding, check, compare};
    use serde_json::{Value, json};

    fn signed() -> (Payload, Value) {
        let payload = Payload::build(&auenwald(), &auenwald_setting(), &Revision::first()).expect("it is complete");
        let plan = signed_plan(&auenwald(), &auenwald_setting(), &payload, None).expect("it can be written");
        (payload, plan)
    }

    #[test]
    fn what_was_written_from_the_payload_matches_it() {
        let (payload, plan) = signed();
        assert_eq!(compare(&payload, &plan, Some(&example("Patient", "pat-auenwald"))), [""; 0], "case 1");
        let payload = Payload::build(&mohnblatt(), &mohnblatt_setting(), &Revision::first()).expect("it is complete");
        let plan = signed_plan(&mohnblatt(), &mohnblatt_setting(), &payload, None).expect("it can be written");
        assert_eq!(compare(&payload, &plan, None), [""; 0], "case 5");
    }

    #[test]
    fn each_change_by_a_third_hand_is_named() {
        let (payload, plan) = signed();
        let with = |change: fn(&mut Value)| {
            let mut changed = plan.clone();
            change(&mut changed);
            assert!(changed != plan, "the change changes something");
            compare(&payload, &changed, Some(&example("Patient", "pat-auenwald")))
        };
        let no_code = |plan: &mut Value| plan["activity"][0]["detail"]["code"]["coding"][0]["code"] = json!("CH");
        assert_eq!(with(|plan| plan["description"] = json!("anderes")), ["text"], "the text");
        assert_eq!(with(no_code), ["activities"], "a code");
        assert_eq!(with(|plan| plan["activity"][1]["detail"]["description"] = json!("x")), ["activities"], "a measure");
        assert_eq!(with(|plan| plan["activity"].as_array_mut().expect("a list").swap(0, 1)), ["activities"], "order");
        let foreign = |plan: &mut Value| {
            let extra = json!({"detail": {"code": {"text": "Hyperthermie"}, "status": "not-started"}});
            plan["activity"].as_array_mut().expect("a list").push(extra);
        };
        assert_eq!(with(foreign), ["activities"], "a measure in another form");
        assert_eq!(
            with(|plan| drop(plan["contributor"].as_array_mut().expect("a list").pop())),
            ["participants"],
            "who"
        );
        assert_eq!(with(|plan| plan["created"] = json!("2026-11-25")), ["created"], "the date");
        assert_eq!(with(|plan| plan["subject"]["reference"] = json!("Patient/pat-x")), ["patient"], "the patient");
        assert_eq!(with(|plan| plan["addresses"] = json!([])), ["diagnosis"], "the diagnosis");
        let in_extensions = ["revision", "question", "findings", "quorum", "vote", "openPoints"];
        assert_eq!(with(|plan| plan["extension"] = json!([])), in_extensions, "all that stands in extensions");
    }

    #[test]
    fn state_and_deviation_of_a_measure_are_outside_of_what_is_signed() {
        let (payload, mut plan) = signed();
        plan["activity"][0]["detail"]["status"] = json!("stopped");
        plan["activity"][0]["detail"]["statusReason"] = json!({"text": "Wunsch des Patienten"});
        plan["meta"]["versionId"] = json!("17");
        plan["text"] = json!({"status": "generated", "div": "<div>…</div>"});
        assert_eq!(compare(&payload, &plan, None), [""; 0], "none of it was signed");
    }

    #[test]
    fn another_person_s_record_is_found() {
        let (payload, plan) = signed();
        let mut patient = example("Patient", "pat-auenwald");
        patient["birthDate"] = json!("1955-03-14");
        assert_eq!(compare(&payload, &plan, Some(&patient)), ["patient"], "another date of birth");
    }

    #[test]
    fn a_check_tells_a_broken_signature_from_a_changed_record() {
        let (payload, plan) = signed();
        let vector = vector();
        let jws = vector["jws_detached"].as_str().expect("text");
        let key: PublicJwk = serde_json::from_value(vector["public_jwk"].clone()).expect("a key");
        let canonical = payload.canonical();
        assert!(matches!(check(&canonical, jws, &key, &plan, None), Finding::Matches(_)), "the vector's signature");
        let mut changed = plan.clone();
        changed["description"] = json!("anderes");
        let found = check(&canonical, jws, &key, &changed, None);
        assert!(matches!(&found, Finding::Differs(_, fields) if fields == &["text"]), "{found:?}");
        let broken = check(&canonical.replace("60 bis", "61 bis"), jws, &key, &plan, None);
        assert_eq!(broken, Finding::Broken(SealError::Mismatch), "another payload");
        assert_eq!(compare(&payload, &json!({"resourceType": "Basic"}), None), ["plan"], "no CarePlan at all");
    }
}
