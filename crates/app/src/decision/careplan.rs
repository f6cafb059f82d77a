//! A decision as CarePlan: MII's `mii-pr-onko-tumorkonferenz` with our extensions, and back.
//!
//! What another program wrote and we do not know stays as it is: foreign extensions, activities, performers, reasons,
//! and the state of every measure.

use super::codes::{Category, Goal, Guideline, MeasureCode, Occasion, Outcome};
use super::draft::{Dissent, Draft, Measure, OpenPoint, Vote};
use super::payload::{Payload, Setting, sha256_hex};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt;
use thiserror::Error;

/// Base of our extensions.
pub(super) const EXTENSIONS: &str = "https://konsil.example/fhir/StructureDefinition/";
/// System of a decision's business identifier.
pub(super) const IDENTIFIER: &str = "https://konsil.example/sid/beschluss";
/// The resource that names a person in a house.
pub(super) const PRACTITIONER_ROLE: &str = "PractitionerRole";

const PROFILE: &str =
    "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/StructureDefinition/mii-pr-onko-tumorkonferenz";
const CATEGORY: &str =
    "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-therapieplanung-typ";
const THERAPY: &str =
    "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-therapie-typ";

const VOTE: &str = "beschluss-abstimmung";
const QUORUM: &str = "beschluss-quorum";
const DISSENT: &str = "beschluss-votum";
const OCCASION: &str = "beschluss-anlass";
const GOAL: &str = "beschluss-ziel";
const QUESTION: &str = "beschluss-frage";
const FINDING: &str = "beschluss-befund";
const GUIDELINE: &str = "beschluss-leitlinie";
const REPRESENTATION: &str = "beschluss-wiedervorstellung";
const OPEN_POINT: &str = "beschluss-offener-punkt";
const REVISION: &str = "beschluss-fassung";
const OURS: [&str; 11] =
    [VOTE, QUORUM, DISSENT, OCCASION, GOAL, QUESTION, FINDING, GUIDELINE, REPRESENTATION, OPEN_POINT, REVISION];
/// On `activity.detail`: the measure's own id, because servers may drop element ids.
const MEASURE_ID: &str = "massnahme-id";

/// A CarePlan as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Plan {
    /// What it says, as a draft.
    pub draft: Draft,
    /// FHIR id.
    pub id: Option<String>,
    /// `meta.versionId`, the content of the ETag.
    pub version: Option<String>,
    /// How far it is.
    pub status: PlanStatus,
    /// FHIR id of the patient.
    pub patient: Option<String>,
    /// Date of the conference.
    pub created: Option<String>,
    /// PractitionerRole id of the author.
    pub author: Option<String>,
    /// Version of the signed content; absent in a draft.
    pub revision: Option<u32>,
    /// SHA-256 of the former payload.
    pub replaces: Option<String>,
    /// Whether the rule was met.
    pub quorum_met: Option<bool>,
    /// By which rule.
    pub quorum_rule: Option<String>,
    /// For, against, neither, as written.
    pub vote: Option<(u32, u32, u32)>,
    /// Condition ids.
    pub addresses: Vec<String>,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

/// `CarePlan.status` (request-status).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanStatus {
    /// Being written.
    Draft,
    /// Signed.
    Active,
    /// Signed, and held back.
    OnHold,
    /// Replaced.
    Revoked,
    /// Every measure is done.
    Completed,
    /// Written by mistake, such as for the wrong patient.
    EnteredInError,
    /// Not known, or not readable.
    Unknown,
}

impl PlanStatus {
    fn of(plan: &Value) -> Self {
        match plan["status"].as_str() {
            Some("draft") => Self::Draft,
            Some("active") => Self::Active,
            Some("on-hold") => Self::OnHold,
            Some("revoked") => Self::Revoked,
            Some("completed") => Self::Completed,
            Some("entered-in-error") => Self::EnteredInError,
            Some(_) | None => Self::Unknown,
        }
    }
}

/// Why a decision cannot be written into, or read from, a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PlanError {
    /// It is another resource.
    #[error("it is no CarePlan")]
    NotACarePlan,
    /// It belongs to another patient.
    #[error("it belongs to another patient")]
    OtherPatient,
    /// A draft must not take the place of what was signed.
    #[error("it is already signed")]
    AlreadySigned,
    /// It was replaced or was a mistake.
    #[error("it is revoked or was entered in error")]
    Closed,
}

/// The draft as CarePlan, for `PUT` with `If-Match`, or for `POST` with `If-None-Exist` on the identifier. `known` is
/// the version on the platform.
///
/// # Errors
/// [`PlanError`] when `known` must not be overwritten by a draft.
pub fn draft_plan(draft: &Draft, setting: &Setting, known: Option<&Value>) -> Result<Value, PlanError> {
    let mut plan = started(setting, known)?;
    match PlanStatus::of(&plan) {
        PlanStatus::Draft => {}
        PlanStatus::Active
        | PlanStatus::OnHold
        | PlanStatus::Revoked
        | PlanStatus::Completed
        | PlanStatus::EnteredInError
        | PlanStatus::Unknown => return Err(PlanError::AlreadySigned),
    }
    write(&mut plan, draft, setting, None);
    Ok(plan)
}

/// The signed decision as CarePlan. `payload` is what was built from the same draft and setting. Its state is kept
/// when it is an amendment.
///
/// # Errors
/// [`PlanError`] when `known` is not to be signed.
pub fn signed_plan(
    draft: &Draft,
    setting: &Setting,
    payload: &Payload,
    known: Option<&Value>,
) -> Result<Value, PlanError> {
    let mut plan = started(setting, known)?;
    match PlanStatus::of(&plan) {
        PlanStatus::Draft => plan["status"] = json!("active"),
        PlanStatus::Active | PlanStatus::OnHold | PlanStatus::Completed => {}
        PlanStatus::Revoked | PlanStatus::EnteredInError | PlanStatus::Unknown => return Err(PlanError::Closed),
    }
    write(&mut plan, draft, setting, Some(payload));
    Ok(plan)
}

/// Reads a CarePlan, whoever wrote it. A code or a form that is not ours is left out and kept by the next writing.
///
/// # Errors
/// [`PlanError::NotACarePlan`].
pub fn read_plan(plan: &Value) -> Result<Plan, PlanError> {
    if plan["resourceType"] != "CarePlan" {
        return Err(PlanError::NotACarePlan);
    }
    let status = PlanStatus::of(plan);
    let code = |name: &str, part: &str| extension(plan, name).and_then(|e| text(inner(e, part, "valueCode")));
    let said = |name: &str| extension(plan, name).and_then(|e| text(&e["valueString"])).unwrap_or_default();
    let vote = extension(plan, VOTE).and_then(|e| {
        let count = |part| inner(e, part, "valueUnsignedInt").as_u64().and_then(|n| u32::try_from(n).ok());
        Some((count("zustimmung")?, count("ablehnung")?, count("enthaltung")?))
    });
    let outcome = code(VOTE, "art").and_then(|code| Outcome::from_code(&code));
    // A signed consensus carries the number of those present, which nobody counted.
    let counted = vote.filter(|_| status == PlanStatus::Draft || outcome == Some(Outcome::Majority));
    let quorum = extension(plan, QUORUM);
    let revision = extension(plan, REVISION);
    let in_quorum = |part, kind| quorum.map_or(&Value::Null, |e| inner(e, part, kind));
    let in_revision = |part, kind| revision.map_or(&Value::Null, |e| inner(e, part, kind));
    let simple = |name: &str| extension(plan, name).and_then(|e| text(&e["valueCode"]));
    let draft = Draft {
        category: our_category(plan),
        occasion: simple(OCCASION).and_then(|code| Occasion::from_code(&code)),
        goal: simple(GOAL).and_then(|code| Goal::from_code(&code)),
        outcome,
        question: said(QUESTION),
        findings: extensions(plan, FINDING).filter_map(|e| text(&e["valueString"])).collect(),
        text: text(&plan["description"]).unwrap_or_default(),
        measures: measures(plan).into_iter().map(|(_, measure)| measure).collect(),
        open_points: open_points(plan),
        vote: counted.map(|(agree, disagree, abstain)| Vote { agree, disagree, abstain }),
        dissent: dissents(plan),
        guideline: code(GUIDELINE, "art").and_then(|code| Guideline::from_code(&code)),
        guideline_text: extension(plan, GUIDELINE)
            .and_then(|e| text(inner(e, "text", "valueString")))
            .unwrap_or_default(),
        representation: said(REPRESENTATION),
        present: present(plan),
        quorum_reason: text(in_quorum("begruendung", "valueString")).unwrap_or_default(),
        amendment_reason: text(in_revision("grund", "valueString")).unwrap_or_default(),
    };
    Ok(Plan {
        draft,
        id: text(&plan["id"]),
        version: text(&plan["meta"]["versionId"]),
        status,
        patient: id_of(&plan["subject"], "Patient"),
        created: text(&plan["created"]),
        author: id_of(&plan["author"], PRACTITIONER_ROLE),
        revision: in_revision("nummer", "valuePositiveInt").as_u64().and_then(|n| u32::try_from(n).ok()),
        replaces: text(in_revision("ersetzt", "valueString")),
        quorum_met: in_quorum("erfuellt", "valueBoolean").as_bool(),
        quorum_rule: text(in_quorum("regel", "valueString")),
        vote,
        addresses: list(&plan["addresses"]).iter().filter_map(|r| id_of(r, "Condition")).collect(),
    })
}

/// True of an activity that is not in the form in which we write measures.
pub(super) fn is_foreign(activity: &Value) -> bool {
    measure(activity).is_none()
}

/// The id in a reference to a resource of `kind`, relative or absolute, with or without a version.
pub(super) fn id_of(reference: &Value, kind: &str) -> Option<String> {
    let mut parts = reference["reference"].as_str()?.split('/').skip_while(|part| *part != kind);
    parts.next()?;
    parts.next().filter(|id| !id.is_empty()).map(str::to_owned)
}

fn started(setting: &Setting, known: Option<&Value>) -> Result<Value, PlanError> {
    let subject = format!("Patient/{}", setting.patient.id);
    let Some(known) = known else {
        let mut plan = json!({
            "resourceType": "CarePlan",
            "identifier": [{"system": IDENTIFIER, "value": setting.identifier}],
            "status": "draft",
            "intent": "plan",
            "title": format!("Beschluss {}", setting.board.name),
            "subject": {"reference": subject},
        });
        if !setting.id.is_empty() {
            plan["id"] = json!(setting.id);
        }
        return Ok(plan);
    };
    if known["resourceType"] != "CarePlan" {
        return Err(PlanError::NotACarePlan);
    }
    if id_of(&known["subject"], "Patient").as_deref() != Some(setting.patient.id.as_str()) {
        return Err(PlanError::OtherPatient);
    }
    let mut plan = known.clone();
    if let Some(meta) = plan["meta"].as_object_mut() {
        meta.remove("versionId");
        meta.remove("lastUpdated");
    }
    // A generated narrative tells the former content.
    if plan["text"]["status"] == "generated" {
        remove(&mut plan, "text");
    }
    Ok(plan)
}

fn write(plan: &mut Value, draft: &Draft, setting: &Setting, signed: Option<&Payload>) {
    if let Some(category) = draft.category {
        if our_category(plan) != Some(category) {
            let coding = json!({"system": CATEGORY, "code": category.code(), "display": category.german()});
            plan["category"] = json!([{"coding": [coding]}]);
        }
    } else if our_category(plan).is_some() {
        remove(plan, "category");
    }
    set_text(plan, "description", &draft.text);
    plan["created"] = json!(setting.created);
    plan["author"] = role(&setting.author);
    if let Some(encounter) = &setting.encounter {
        plan["encounter"] = json!({"reference": format!("Encounter/{encounter}")});
    }
    if let Some(condition) = &setting.diagnosis.condition {
        add_reference(plan, "addresses", &format!("Condition/{condition}"));
    }
    for evidence in &setting.evidence {
        add_reference(plan, "supportingInfo", evidence);
    }
    let others = list(&plan["contributor"]).iter().filter(|r| id_of(r, PRACTITIONER_ROLE).is_none()).cloned();
    let contributors: Vec<Value> = draft.present.iter().map(|id| role(id)).chain(others).collect();
    set_list(plan, "contributor", contributors);
    let activities = activities(plan, draft);
    set_list(plan, "activity", activities);
    let foreign = list(&plan["extension"]).iter().filter(|e| !OURS.iter().any(|name| is_ours(e, name))).cloned();
    let written: Vec<Value> = foreign.chain(our_extensions(draft, setting, signed)).collect();
    set_list(plan, "extension", written);
    claim_profile(plan);
}

fn our_extensions(draft: &Draft, setting: &Setting, signed: Option<&Payload>) -> Vec<Value> {
    let part = |name: &str, kind: &str, value: Value| json!({"url": name, kind: value});
    let words = |name: &str, value: &str| (!blank(value)).then(|| part(name, "valueString", json!(value)));
    let whole = |name: &str, parts: Vec<Value>| {
        (!parts.is_empty()).then(|| json!({"url": format!("{EXTENSIONS}{name}"), "extension": parts}))
    };
    let simple = |name: &str, kind: &str, value: Value| json!({"url": format!("{EXTENSIONS}{name}"), kind: value});
    let said = |name: &str, value: &str| (!blank(value)).then(|| simple(name, "valueString", json!(value)));

    let vote = if signed.is_some() { draft.effective_vote() } else { draft.vote };
    let mut vote_parts: Vec<Value> =
        draft.outcome.map(|outcome| part("art", "valueCode", json!(outcome.code()))).into_iter().collect();
    if let Some(vote) = vote {
        vote_parts.push(part("zustimmung", "valueUnsignedInt", json!(vote.agree)));
        vote_parts.push(part("ablehnung", "valueUnsignedInt", json!(vote.disagree)));
        vote_parts.push(part("enthaltung", "valueUnsignedInt", json!(vote.abstain)));
    }
    let quorum_parts = [
        Some(part("erfuellt", "valueBoolean", json!(setting.quorum.is_met()))),
        setting.quorum.rule.as_deref().and_then(|rule| words("regel", rule)),
        words("begruendung", &draft.quorum_reason),
    ];
    let guideline_parts = [
        draft.guideline.map(|guideline| part("art", "valueCode", json!(guideline.code()))),
        words("text", &draft.guideline_text),
    ];
    let revision_parts = [
        signed.map(|payload| part("nummer", "valuePositiveInt", json!(payload.revision))),
        signed.and_then(|payload| payload.replaces.as_deref()).and_then(|hash| words("ersetzt", hash)),
        words("grund", &draft.amendment_reason),
    ];
    let dissents = draft.dissent.iter().filter_map(|dissent| {
        let parts = [Some(part("person", "valueReference", role(&dissent.role))), words("text", &dissent.text)];
        whole(DISSENT, parts.into_iter().flatten().collect())
    });
    let points = draft.open_points.iter().filter_map(|point| {
        let owner = point.owner.as_deref().map(|id| part("verantwortlich", "valueReference", role(id)));
        let parts = [Some(part("id", "valueString", json!(point.id))), words("text", &point.text), owner];
        whole(OPEN_POINT, parts.into_iter().flatten().collect())
    });
    [
        whole(VOTE, vote_parts),
        whole(QUORUM, quorum_parts.into_iter().flatten().collect()),
        draft.occasion.map(|occasion| simple(OCCASION, "valueCode", json!(occasion.code()))),
        draft.goal.map(|goal| simple(GOAL, "valueCode", json!(goal.code()))),
        said(QUESTION, &draft.question),
    ]
    .into_iter()
    .flatten()
    .chain(draft.findings.iter().filter_map(|line| said(FINDING, line)))
    .chain(dissents)
    .chain(whole(GUIDELINE, guideline_parts.into_iter().flatten().collect()))
    .chain(said(REPRESENTATION, &draft.representation))
    .chain(points)
    .chain(whole(REVISION, revision_parts.into_iter().flatten().collect()))
    .collect()
}

fn activities(plan: &Value, draft: &Draft) -> Vec<Value> {
    let known = measures(plan);
    let all = list(&plan["activity"]);
    let ours = draft.measures.iter().map(|measure| {
        let at = known.iter().find(|(_, there)| there.id == measure.id).map(|(at, _)| *at);
        let mut activity = at.map_or_else(|| json!({"detail": {"status": "not-started"}}), |at| all[at].clone());
        write_detail(&mut activity["detail"], measure);
        activity
    });
    ours.chain(all.iter().filter(|activity| is_foreign(activity)).cloned()).collect()
}

fn write_detail(detail: &mut Value, measure: &Measure) {
    match measure.code {
        Some(code) if therapy(detail) == Some(code) => {}
        Some(code) => {
            let coding = json!({"system": THERAPY, "code": code.code(), "display": code.german()});
            detail["code"] = json!({"coding": [coding]});
        }
        None => remove(detail, "code"),
    }
    set_text(detail, "description", &measure.text);
    let others = list(&detail["performer"]).iter().filter(|r| id_of(r, PRACTITIONER_ROLE).is_none()).cloned();
    let performers: Vec<Value> = measure.responsible.iter().map(|id| role(id)).chain(others).collect();
    set_list(detail, "performer", performers);
    // `reasonCode` is the standard's place for a rationale in words; coded reasons are somebody else's.
    let coded = list(&detail["reasonCode"]).iter().filter(|reason| reason["coding"].is_array()).cloned();
    let reason = (!blank(&measure.reason)).then(|| json!({"text": measure.reason}));
    let reasons: Vec<Value> = reason.into_iter().chain(coded).collect();
    set_list(detail, "reasonCode", reasons);
    let foreign = list(&detail["extension"]).iter().filter(|e| !is_ours(e, MEASURE_ID)).cloned();
    let id = json!({"url": format!("{EXTENSIONS}{MEASURE_ID}"), "valueString": measure.id});
    let written: Vec<Value> = foreign.chain([id]).collect();
    set_list(detail, "extension", written);
}

// The profile demands a category and a coded therapy in every detail; a draft that lacks them does not claim it.
fn claim_profile(plan: &mut Value) {
    let complete = list(&plan["category"]).len() == 1
        && list(&plan["activity"]).iter().all(|activity| {
            activity["detail"].is_null() || activity["detail"]["code"]["coding"][0]["code"].is_string()
        });
    let others = list(&plan["meta"]["profile"]).iter().filter(|claim| *claim != PROFILE).cloned();
    let claims: Vec<Value> = others.chain(complete.then(|| json!(PROFILE))).collect();
    if !plan["meta"].is_object() {
        plan["meta"] = json!({});
    }
    set_list(&mut plan["meta"], "profile", claims);
    if plan["meta"].as_object().is_some_and(Map::is_empty) {
        remove(plan, "meta");
    }
}

fn measures(plan: &Value) -> Vec<(usize, Measure)> {
    let mut seen = BTreeSet::new();
    let found = list(&plan["activity"]).iter().enumerate().filter_map(|(at, activity)| Some((at, measure(activity)?)));
    found
        .map(|(at, mut measure)| {
            measure.id = unused(&mut seen, measure.id);
            (at, measure)
        })
        .collect()
}

// A measure that another program wrote has no id of ours; it gets one from its content, so that it is the same
// measure at every reading until somebody changes it.
fn measure(activity: &Value) -> Option<Measure> {
    let detail = activity.get("detail").filter(|detail| detail.is_object())?;
    let code = therapy(detail);
    if activity.get("reference").is_some() || (code.is_none() && detail.get("code").is_some()) {
        return None;
    }
    let words = text(&detail["description"]);
    let id = extension(detail, MEASURE_ID).and_then(|e| text(&e["valueString"]));
    if code.is_none() && words.is_none() && id.is_none() {
        return None;
    }
    let words = words.unwrap_or_default();
    let id = id.unwrap_or_else(|| {
        let content = format!("{}|{words}", code.map_or("", MeasureCode::code));
        format!("x{}", &sha256_hex(content.as_bytes())[..12])
    });
    let reason = list(&detail["reasonCode"]).iter().find(|reason| !reason["coding"].is_array());
    Some(Measure {
        id,
        code,
        text: words,
        reason: reason.and_then(|reason| text(&reason["text"])).unwrap_or_default(),
        responsible: list(&detail["performer"]).iter().find_map(|r| id_of(r, PRACTITIONER_ROLE)),
    })
}

fn open_points(plan: &Value) -> Vec<OpenPoint> {
    let mut seen = BTreeSet::new();
    extensions(plan, OPEN_POINT)
        .map(|e| OpenPoint {
            id: unused(&mut seen, text(inner(e, "id", "valueString")).unwrap_or_else(|| "x".to_owned())),
            text: text(inner(e, "text", "valueString")).unwrap_or_default(),
            owner: id_of(inner(e, "verantwortlich", "valueReference"), PRACTITIONER_ROLE),
        })
        .collect()
}

// One dissent a person: should a record hold two, both texts are kept under the one name.
fn dissents(plan: &Value) -> Vec<Dissent> {
    let mut found: Vec<Dissent> = Vec::new();
    for e in extensions(plan, DISSENT) {
        let Some(role) = id_of(inner(e, "person", "valueReference"), PRACTITIONER_ROLE) else { continue };
        let words = text(inner(e, "text", "valueString")).unwrap_or_default();
        match found.iter_mut().find(|dissent| dissent.role == role) {
            Some(dissent) => dissent.text = format!("{}\n{words}", dissent.text),
            None => found.push(Dissent { role, text: words }),
        }
    }
    found
}

fn present(plan: &Value) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let roles = list(&plan["contributor"]).iter().filter_map(|r| id_of(r, PRACTITIONER_ROLE));
    roles.filter(|role| seen.insert(role.clone())).collect()
}

fn unused(seen: &mut BTreeSet<String>, id: String) -> String {
    let free = (1..)
        .map(|n| if n == 1 { id.clone() } else { format!("{id}-{n}") })
        .find(|candidate| !seen.contains(candidate))
        .expect("a finite set leaves a number free");
    seen.insert(free.clone());
    free
}

fn our_category(plan: &Value) -> Option<Category> {
    let coding = &plan["category"][0]["coding"][0];
    if coding["system"] == CATEGORY { Category::from_code(coding["code"].as_str()?) } else { None }
}

fn therapy(detail: &Value) -> Option<MeasureCode> {
    let coding = list(&detail["code"]["coding"]).iter().find(|coding| coding["system"] == THERAPY)?;
    MeasureCode::from_code(coding["code"].as_str()?)
}

fn is_ours(extension: &Value, name: &str) -> bool {
    extension["url"].as_str().and_then(|url| url.strip_prefix(EXTENSIONS)) == Some(name)
}

fn extensions<'a>(of: &'a Value, name: &'a str) -> impl Iterator<Item = &'a Value> {
    list(&of["extension"]).iter().filter(move |e| is_ours(e, name))
}

/// The first of our extensions with this name.
pub(super) fn extension<'a>(of: &'a Value, name: &'a str) -> Option<&'a Value> {
    extensions(of, name).next()
}

fn inner<'a>(extension: &'a Value, part: &str, kind: &str) -> &'a Value {
    list(&extension["extension"]).iter().find(|e| e["url"] == part).map_or(&Value::Null, |e| &e[kind])
}

fn role(id: &str) -> Value {
    json!({"reference": format!("{PRACTITIONER_ROLE}/{id}")})
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

// FHIR has no empty strings, and a string of spaces says nothing.
fn blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn set_text(of: &mut Value, name: &str, text: &str) {
    if blank(text) {
        remove(of, name);
    } else {
        of[name] = json!(text);
    }
}

// FHIR has no empty lists.
fn set_list(of: &mut Value, name: &str, items: Vec<Value>) {
    if items.is_empty() {
        remove(of, name);
    } else {
        of[name] = Value::Array(items);
    }
}

fn remove(of: &mut Value, name: &str) {
    if let Some(fields) = of.as_object_mut() {
        fields.remove(name);
    }
}

fn add_reference(plan: &mut Value, name: &str, reference: &str) {
    let known = list(&plan[name]);
    if known.iter().any(|r| r["reference"] == reference) {
        return;
    }
    let items = known.iter().cloned().chain([json!({"reference": reference})]).collect();
    set_list(plan, name, items);
}

#[cfg(test)]
mod tests {
    use super::super::draft::Draft;
    use super::super::examples::{auenwald, auenwald_setting, example, mohnblatt, mohnblatt_setting};
    use super::super::payload::{Payload, Revision};
    use super::{PlanError, PlanStatus, draft_plan, read_plan, signed_plan};
    use serde_json::{Value, json};

    fn read(plan: &Value) -> Draft {
        read_plan(plan).expect("a CarePlan").draft
    }

    #[test]
    fn a_draft_comes_back_as_it_was_written() {
        for (draft, setting) in [(auenwald(), auenwald_setting()), (mohnblatt(), mohnblatt_setting())] {
            let plan = draft_plan(&draft, &setting, None).expect("it can be written");
            assert!(read(&plan) == draft, "every field: {plan}");
            let again = draft_plan(&draft, &setting, Some(&plan)).expect("it can be written again");
            assert_eq!(again, plan, "writing twice changes nothing");
        }
        let empty = draft_plan(&Draft::default(), &auenwald_setting(), None).expect("an empty draft can be written");
        assert!(read(&empty) == Draft::default(), "an empty draft: {empty}");
        assert!(empty.get("meta").is_none(), "it does not claim a profile that it does not meet");
    }

    #[test]
    fn the_signed_plan_is_the_example_s_with_more_in_its_extensions() {
        let payload = Payload::build(&auenwald(), &auenwald_setting(), &Revision::first()).expect("it is complete");
        let plan = signed_plan(&auenwald(), &auenwald_setting(), &payload, None).expect("it can be written");
        let expected = example("CarePlan", "dec-auenwald-2026-11-24");
        for name in [
            "resourceType",
            "id",
            "identifier",
            "status",
            "intent",
            "category",
            "title",
            "description",
            "subject",
            "encounter",
            "created",
            "author",
            "contributor",
            "addresses",
            "supportingInfo",
        ] {
            assert_eq!(plan[name], expected[name], "{name}");
        }
        for extension in expected["extension"].as_array().expect("a list") {
            assert!(plan["extension"].as_array().expect("a list").contains(extension), "{extension}");
        }
        for (ours, theirs) in plan["activity"].as_array().expect("a list").iter().zip([0, 1, 2]) {
            let theirs = &expected["activity"][theirs]["detail"];
            for name in ["code", "status", "description"] {
                assert_eq!(ours["detail"][name], theirs[name], "{name}");
            }
        }
        let back = read_plan(&plan).expect("a CarePlan");
        assert_eq!((back.status, back.revision), (PlanStatus::Active, Some(1)), "signed, first version");
        assert!(back.draft == auenwald(), "an amendment begins with what was signed");
    }

    #[test]
    fn plans_of_other_programs_are_read_and_their_measures_keep_their_ids() {
        let plan = example("CarePlan", "dec-mohnblatt-1");
        let draft = read(&plan);
        assert_eq!(draft.measures.len(), 1, "one measure");
        assert_eq!(draft.measures[0].text, "Pembrolizumab adjuvant 12 Monate", "its text");
        assert_eq!(draft.measures[0].code.map(super::MeasureCode::code), Some("IM"), "its code");
        assert!(read(&plan) == draft, "a second reading gives the same ids");
        let two = example("CarePlan", "dec-aehrenfeld-2026-11-24");
        assert_eq!(read(&two).measures.len(), 2, "the reference to a RequestGroup is no measure");
    }

    #[test]
    fn what_we_do_not_know_stays() {
        let setting = auenwald_setting();
        let mut known = draft_plan(&auenwald(), &setting, None).expect("it can be written");
        known["meta"]["versionId"] = json!("7");
        known["meta"]["tag"] = json!([{"code": "theirs"}]);
        known["note"] = json!([{"text": "Notiz"}]);
        known["extension"]
            .as_array_mut()
            .expect("a list")
            .push(json!({"url": "https://other.example/x", "valueCode": "y"}));
        known["contributor"].as_array_mut().expect("a list").push(json!({"reference": "Organization/org-1"}));
        known["activity"][0]["progress"] = json!([{"text": "begonnen"}]);
        known["activity"][0]["detail"]["status"] = json!("in-progress");
        known["activity"][0]["detail"]["performer"]
            .as_array_mut()
            .expect("a list")
            .push(json!({"reference": "Organization/org-2"}));
        known["activity"][0]["detail"]["reasonCode"] =
            json!([{"coding": [{"system": "http://snomed.info/sct", "code": "1"}]}]);
        let foreign = json!({"reference": {"reference": "RequestGroup/rg-1"}});
        known["activity"].as_array_mut().expect("a list").insert(0, foreign.clone());

        let mut draft = read(&known);
        draft.measures.swap(0, 1);
        draft.measures[1].reason = "wegen der Lage".to_owned();
        draft.text = "Neu".to_owned();
        let written = draft_plan(&draft, &setting, Some(&known)).expect("it can be written");
        assert!(read(&written) == draft, "what was changed is there");
        assert!(written["meta"].get("versionId").is_none(), "the server counts versions");
        for (pointer, expected) in [
            ("/meta/tag", known["meta"]["tag"].clone()),
            ("/note", known["note"].clone()),
            ("/activity/1/progress", json!([{"text": "begonnen"}])),
            ("/activity/1/detail/status", json!("in-progress")),
            ("/activity/1/detail/performer/1", json!({"reference": "Organization/org-2"})),
            ("/activity/1/detail/reasonCode/1", known["activity"][1]["detail"]["reasonCode"][0].clone()),
            ("/activity/3", foreign),
            ("/contributor/7", json!({"reference": "Organization/org-1"})),
            ("/extension/0", json!({"url": "https://other.example/x", "valueCode": "y"})),
        ] {
            assert_eq!(written.pointer(pointer), Some(&expected), "{pointer}");
        }
    }

    #[test]
    fn a_plan_is_not_written_over_another_patient_s_or_a_signed_one() {
        let setting = auenwald_setting();
        let plan = draft_plan(&auenwald(), &setting, None).expect("it can be written");
        let with = |name: &str, value: Value| {
            let mut known = plan.clone();
            known[name] = value;
            draft_plan(&auenwald(), &setting, Some(&known)).err()
        };
        assert_eq!(
            with("subject", json!({"reference": "Patient/pat-auerwald"})),
            Some(PlanError::OtherPatient),
            "decoy"
        );
        assert_eq!(with("status", json!("active")), Some(PlanError::AlreadySigned), "signed");
        assert_eq!(with("resourceType", json!("Basic")), Some(PlanError::NotACarePlan), "another resource");
        let payload = Payload::build(&auenwald(), &setting, &Revision::first()).expect("it is complete");
        let mut known = plan.clone();
        known["status"] = json!("entered-in-error");
        let closed = signed_plan(&auenwald(), &setting, &payload, Some(&known));
        assert_eq!(closed.err(), Some(PlanError::Closed), "a mistake is not signed");
    }

    #[test]
    fn references_are_read_in_every_form() {
        for reference in ["Patient/p1", "Patient/p1/_history/4", "https://fhir.eschenland.example/fhir/Patient/p1"] {
            let found = super::id_of(&json!({"reference": reference}), "Patient");
            assert_eq!(found.as_deref(), Some("p1"), "{reference}");
        }
        assert_eq!(super::id_of(&json!({"reference": "Group/p1"}), "Patient"), None, "another kind");
        assert_eq!(super::id_of(&json!({"display": "x"}), "Patient"), None, "no reference");
    }
}
