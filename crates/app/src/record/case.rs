//! One case: what is asked of the platform, what came back, and the view made of it.

use super::{
    CANCER_CARE_REVIEW, ONKO,
    directory::Directory,
    identity::{identity_view, similar},
    laboratory,
    read::{each, has_code, id, reference_id, sort_key, text, when, words},
    timeline::{Sources, study_uid, timeline},
    tumor,
};
use contract::{
    AllergyView, CaseView, DecisionEntryView, DecisionStateView, DocumentEntryView, Failure, Freshness, QuestionView,
    SignatureLineView, SlotView, StudyEntryView, TherapyView,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A part of the record that is asked for by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Part {
    Patient,
    Conditions,
    Tnm,
    Ecog,
    Laboratory,
    Medication,
    Procedures,
    AdverseEvents,
    Allergies,
    Studies,
    Documents,
    Plans,
    Registration,
}

/// A search. `{p}` stands for the patient's id.
pub(crate) struct Query {
    pub(crate) part: Part,
    pub(crate) kind: &'static str,
    pub(crate) parameters: &'static [(&'static str, &'static str)],
    pub(crate) cap: usize,
}

const ECOG: &str = "http://snomed.info/sct|423740007,http://snomed.info/sct|423690003,http://loinc.org|89262-0,http://loinc.org|89247-1";
const LAB: &str = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory";

/// What a case asks of the platform: base R4 search parameters only.
pub(crate) const QUERIES: [Query; 13] = [
    Query { part: Part::Patient, kind: "Patient", parameters: &[("_id", "{p}")], cap: 1 },
    Query {
        part: Part::Conditions,
        kind: "Condition",
        parameters: &[("patient", "{p}"), ("_sort", "-recorded-date"), ("_count", "100")],
        cap: 300,
    },
    Query {
        part: Part::Tnm,
        kind: "Observation",
        parameters: &[
            ("patient", "{p}"),
            ("code", tumor::TNM_GROUPS),
            ("_include", "Observation:has-member"),
            ("_sort", "-date"),
            ("_count", "50"),
        ],
        cap: 50,
    },
    Query {
        part: Part::Ecog,
        kind: "Observation",
        parameters: &[("patient", "{p}"), ("code", ECOG), ("_sort", "-date"), ("_count", "20")],
        cap: 20,
    },
    Query {
        part: Part::Laboratory,
        kind: "Observation",
        parameters: &[("patient", "{p}"), ("category", LAB), ("_sort", "-date"), ("_count", "200")],
        cap: 2000,
    },
    Query {
        part: Part::Medication,
        kind: "MedicationStatement",
        parameters: &[("patient", "{p}"), ("_sort", "-effective"), ("_count", "100")],
        cap: 100,
    },
    Query {
        part: Part::Procedures,
        kind: "Procedure",
        parameters: &[("patient", "{p}"), ("_sort", "-date"), ("_count", "100")],
        cap: 300,
    },
    Query { part: Part::AdverseEvents, kind: "AdverseEvent", parameters: &[("subject", "Patient/{p}")], cap: 100 },
    Query { part: Part::Allergies, kind: "AllergyIntolerance", parameters: &[("patient", "{p}")], cap: 100 },
    Query {
        part: Part::Studies,
        kind: "ImagingStudy",
        parameters: &[("patient", "{p}"), ("_sort", "-started"), ("_count", "50")],
        cap: 200,
    },
    Query {
        part: Part::Documents,
        kind: "DocumentReference",
        parameters: &[("patient", "{p}"), ("status", "current"), ("_sort", "-date"), ("_count", "50")],
        cap: 300,
    },
    Query {
        part: Part::Plans,
        kind: "CarePlan",
        parameters: &[("patient", "{p}"), ("_revinclude", "Provenance:target"), ("_count", "50")],
        cap: 100,
    },
    Query {
        part: Part::Registration,
        kind: "ServiceRequest",
        parameters: &[("patient", "{p}"), ("code", CANCER_CARE_REVIEW), ("_sort", "-authored")],
        cap: 20,
    },
];

/// What is known of a part.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) enum Loaded {
    #[default]
    Loading,
    /// Matches, what came along, and whether the platform holds more.
    Here { matches: Vec<Value>, included: Vec<Value>, more: bool },
    /// The state to show in the part's place.
    Refused(contract::Part<()>),
}

impl Loaded {
    pub(crate) fn matches(&self) -> &[Value] {
        match self {
            Self::Here { matches, .. } => matches,
            Self::Loading | Self::Refused(_) => &[],
        }
    }

    pub(crate) fn included(&self) -> &[Value] {
        match self {
            Self::Here { included, .. } => included,
            Self::Loading | Self::Refused(_) => &[],
        }
    }

    fn settled(&self) -> bool {
        !matches!(self, Self::Loading)
    }

    /// True while nothing is known of the part but that it could not be read.
    pub(crate) fn failed(&self) -> bool {
        matches!(self, Self::Loading | Self::Refused(contract::Part::Failed { .. }))
    }

    /// The part's state with a list made of what is here. Empty only when the platform answered so.
    fn list<T>(&self, make: impl FnOnce(&[Value], &[Value]) -> Vec<T>) -> contract::Part<Vec<T>> {
        match self {
            Self::Loading => contract::Part::Loading,
            Self::Refused(state) => refused(state),
            Self::Here { matches, included, more } => {
                let value = make(matches, included);
                if value.is_empty() { contract::Part::Empty } else { contract::Part::Ready { value, more: *more } }
            }
        }
    }
}

fn refused<T>(state: &contract::Part<()>) -> contract::Part<T> {
    match state {
        contract::Part::Loading => contract::Part::Loading,
        contract::Part::Ready { .. } | contract::Part::Empty => contract::Part::Empty,
        contract::Part::Denied => contract::Part::Denied,
        contract::Part::Absent => contract::Part::Absent,
        contract::Part::Failed { failure } => contract::Part::Failed { failure: failure.clone() },
    }
}

/// Everything read of one patient.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct CaseRecord {
    pub(crate) patient: String,
    pub(crate) parts: BTreeMap<Part, Loaded>,
    pub(crate) directory: Directory,
    pub(crate) slot: Option<SlotView>,
    /// Appointment id of the session on whose agenda the case stands.
    pub(crate) session: Option<String>,
    /// Patients among whom similar names are looked for.
    pub(crate) neighbors: Vec<Value>,
    /// Domain of the person's own house, for its number.
    pub(crate) house: Option<String>,
    /// What the archive said; `None` until it answered.
    pub(crate) archive: Option<Archive>,
    pub(crate) as_of: String,
    /// Whether it is what the platform says, or what an earlier reading said.
    #[serde(skip)]
    pub(crate) freshness: Freshness,
    /// Why something could not be read anew.
    #[serde(skip)]
    pub(crate) stale: Option<Failure>,
}

/// What the image archive said of a patient's studies, by Study Instance UID.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Archive {
    /// Found there.
    pub(crate) held: BTreeSet<String>,
    /// Found there as another person's.
    pub(crate) refused: BTreeSet<String>,
    /// Every question was answered, so that what was not found is not there.
    pub(crate) complete: bool,
}

impl Archive {
    /// Whether a study can be opened; `None` while that is not known.
    pub(crate) fn holds(&self, study: &str) -> Option<bool> {
        if self.refused.contains(study) {
            Some(false)
        } else if self.held.contains(study) {
            Some(true)
        } else {
            self.complete.then_some(false)
        }
    }
}

const STILL_LOADING: Loaded = Loaded::Loading;

impl CaseRecord {
    pub(crate) fn part(&self, part: Part) -> &Loaded {
        self.parts.get(&part).unwrap_or(&STILL_LOADING)
    }

    /// Takes what was read. A part that is here stays when reading it again fails, and the record is then as old as
    /// it was.
    pub(crate) fn set(&mut self, part: Part, loaded: Loaded) {
        match loaded {
            Loaded::Refused(contract::Part::Failed { failure }) if matches!(self.part(part), Loaded::Here { .. }) => {
                self.stale = Some(failure);
            }
            loaded @ (Loaded::Here { .. } | Loaded::Refused(_) | Loaded::Loading) => {
                self.parts.insert(part, loaded);
            }
        }
    }

    /// Everything is being read again.
    pub(crate) fn begin_reading(&mut self) {
        self.stale = None;
        if let Freshness::Kept { failure } = &mut self.freshness {
            *failure = None;
        }
    }

    /// Everything that was asked for at `began` has answered.
    pub(crate) fn end_reading(&mut self, began: String) {
        self.freshness = match &self.stale {
            None => {
                self.as_of = began;
                Freshness::Current
            }
            Some(failure) => Freshness::Kept { failure: Some(failure.clone()) },
        };
    }

    /// What of it is worth keeping: what the platform said, and not what failed. `None` for a record that the
    /// platform does not give to this person.
    pub(crate) fn to_keep(&self) -> Option<Self> {
        self.patient_resource()?;
        let mut kept = self.clone();
        kept.parts
            .retain(|_, loaded| !matches!(loaded, Loaded::Loading | Loaded::Refused(contract::Part::Failed { .. })));
        Some(kept)
    }

    pub(crate) fn patient_resource(&self) -> Option<&Value> {
        self.part(Part::Patient).matches().first()
    }

    /// True when something could not be read, the last time or at all: asking again may bring it.
    pub(crate) fn lacks_something(&self) -> bool {
        let failed = |part: &Loaded| matches!(part, Loaded::Refused(contract::Part::Failed { .. }));
        self.stale.is_some() || self.parts.values().any(failed)
    }

    /// True when every part has answered.
    pub(crate) fn settled(&self) -> bool {
        QUERIES.iter().all(|query| self.part(query.part).settled())
    }

    /// Study Instance UIDs that the record lists.
    pub(crate) fn listed_studies(&self) -> Vec<String> {
        self.part(Part::Studies).matches().iter().filter_map(study_uid).collect()
    }
}

/// The view of a case.
pub(crate) fn case_view(record: &CaseRecord, today: Date) -> CaseView {
    let empty = Value::Null;
    let patient = record.patient_resource().unwrap_or(&empty);
    let conditions = record.part(Part::Conditions);
    let lab = record.part(Part::Laboratory);
    let tnm = record.part(Part::Tnm);
    let diagnoses = tumor::diagnoses(conditions.matches(), lab.matches());
    let tnm_observations: Vec<Value> = tnm.matches().iter().chain(tnm.included()).cloned().collect();
    let stages = tumor::tnm_views(&tnm_observations);
    let plans = record.part(Part::Plans);
    let board = record.directory.board.as_ref().map(|(_, name)| name.as_str());
    let course = timeline(&Sources {
        diagnoses: &diagnoses,
        tnm: &stages,
        documents: record.part(Part::Documents).matches(),
        studies: record.part(Part::Studies).matches(),
        procedures: record.part(Part::Procedures).matches(),
        medications: record.part(Part::Medication).matches(),
        adverse_events: record.part(Part::AdverseEvents).matches(),
        plans: plans.matches(),
        slot: record.slot.as_ref(),
        board,
    });
    let current = current_plan(record);
    CaseView {
        patient: record.patient.clone(),
        // The desk's to say.
        serial: 0,
        identity: identity_view(patient, record.house.as_deref(), today),
        similar: if patient.is_null() { Vec::new() } else { similar(patient, record.neighbors.iter()) },
        allergies: record.part(Part::Allergies).list(|found, _| found.iter().filter_map(allergy).collect()),
        question: question(record),
        diagnoses: conditions.list(|_, _| diagnoses.clone()),
        tnm: tnm.list(|_, _| stages.clone()),
        ecog: record.part(Part::Ecog).list(|found, _| tumor::ecog_views(found)),
        findings: lab.list(|found, _| laboratory::findings(found)),
        therapies: therapies(record),
        laboratory: lab.list(|found, _| laboratory::laboratory(found)),
        documents: record
            .part(Part::Documents)
            .list(|found, _| found.iter().filter_map(|d| document_entry(d, &record.directory)).collect()),
        studies: studies(record),
        timeline: if record.settled() {
            if course.is_empty() { contract::Part::Empty } else { contract::Part::Ready { value: course, more: false } }
        } else {
            contract::Part::Loading
        },
        decisions: plans.list(|found, included| decisions(found, included, record, current)),
        slot: record.slot.clone(),
        decision: match current {
            None => DecisionStateView::None,
            Some(plan) if plan["status"] == "draft" => DecisionStateView::Draft,
            Some(_) => DecisionStateView::Signed,
        },
        as_of: record.as_of.clone(),
        freshness: record.freshness.clone(),
    }
}

/// The CarePlan of the board on whose agenda the case stands: by the conference's day. Of a case on no agenda it is a
/// draft, else the newest decision if somebody signed it and the board was not asked again since.
pub(crate) fn current_plan(record: &CaseRecord) -> Option<&Value> {
    let plans = record.part(Part::Plans).matches();
    let day = record.slot.as_ref().map(|slot| super::read::day(&slot.start));
    let of_board =
        |plan: &&Value| is_decision(plan) && plan["status"] != "entered-in-error" && plan["status"] != "revoked";
    let mut of_board = plans.iter().filter(of_board);
    match day {
        Some(day) => of_board.find(|plan| day_of(plan, "created").as_ref() == Some(&day)),
        None => of_board.clone().find(|plan| plan["status"] == "draft").or_else(|| {
            let decided = of_board.max_by_key(|plan| day_of(plan, "created"))?;
            signature_line(&id(decided)?, record.part(Part::Plans).included(), record)?;
            let registrations = record.part(Part::Registration);
            let asked = registrations.matches().iter().map(|registration| day_of(registration, "authoredOn")).max();
            let answered = asked.flatten() <= day_of(decided, "created");
            (registrations.settled() && answered).then_some(decided)
        }),
    }
}

fn day_of(resource: &Value, element: &str) -> Option<String> {
    resource[element].as_str().map(super::read::day)
}

fn is_decision(plan: &Value) -> bool {
    let system = format!("{ONKO}CodeSystem/mii-cs-onko-therapieplanung-typ");
    each(&plan["category"]).any(|category| has_code(category, &system, &["praeth", "postop", "postth"]))
        || each(&plan["meta"]["profile"])
            .filter_map(Value::as_str)
            .any(|profile| profile.ends_with("mii-pr-onko-tumorkonferenz"))
}

fn allergy(resource: &Value) -> Option<AllergyView> {
    let status = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
    if has_code(&resource["verificationStatus"], status, &["refuted", "entered-in-error"]) {
        return None;
    }
    Some(AllergyView {
        text: words(&resource["code"])?,
        none_known: has_code(&resource["code"], "http://snomed.info/sct", &["716186003"]),
    })
}

fn question(record: &CaseRecord) -> contract::Part<QuestionView> {
    match record.part(Part::Registration) {
        Loaded::Loading => contract::Part::Loading,
        Loaded::Refused(state) => refused(state),
        Loaded::Here { matches, .. } => {
            let registration = matches.iter().find(|r| r["status"] == "active").or_else(|| matches.first());
            let Some(registration) = registration else { return contract::Part::Empty };
            let mut notes = each(&registration["note"]).filter_map(|note| text(&note["text"]));
            let Some(question) = notes.next() else { return contract::Part::Empty };
            let by = reference_id(&registration["requester"], "PractitionerRole");
            contract::Part::Ready {
                value: QuestionView {
                    text: question,
                    notes: notes.collect(),
                    by: record.directory.name_of(&registration["requester"]),
                    organization: by.and_then(|id| record.directory.person(&id)?.organization.clone()),
                    at: text(&registration["authoredOn"]),
                },
                more: false,
            }
        }
    }
}

fn therapies(record: &CaseRecord) -> contract::Part<Vec<TherapyView>> {
    let (procedures, medication) = (record.part(Part::Procedures), record.part(Part::Medication));
    let mut all: Vec<TherapyView> = procedures
        .matches()
        .iter()
        .filter_map(|procedure| {
            Some(TherapyView {
                text: words(&procedure["code"])?,
                dose: None,
                start: when(procedure, "performed"),
                end: text(&procedure["performedPeriod"]["end"]),
                medication: false,
                stopped: procedure["status"] == "stopped",
            })
        })
        .chain(medication.matches().iter().filter_map(|statement| {
            Some(TherapyView {
                text: words(&statement["medicationCodeableConcept"])?,
                dose: text(&statement["dosage"][0]["text"]),
                start: when(statement, "effective"),
                end: text(&statement["effectivePeriod"]["end"]),
                medication: true,
                stopped: statement["status"] == "stopped",
            })
        }))
        .collect();
    all.sort_by_key(|therapy| std::cmp::Reverse(therapy.start.as_deref().map(sort_key)));
    if !all.is_empty() {
        return contract::Part::Ready { value: all, more: false };
    }
    let none = |loaded: &Loaded| loaded.list(|_, _| Vec::<TherapyView>::new());
    // An error in one of the two is said, and never shown as "nothing there".
    match (none(procedures), none(medication)) {
        (contract::Part::Empty, other) => other,
        (other, _) => other,
    }
}

/// A document's line.
pub(crate) fn document_entry(document: &Value, directory: &Directory) -> Option<DocumentEntryView> {
    let attachment = &document["content"][0]["attachment"];
    let kdl = "http://dvmd.de/fhir/CodeSystem/kdl";
    Some(DocumentEntryView {
        id: id(document)?,
        title: text(&document["description"])
            .or_else(|| text(&attachment["title"]))
            .or_else(|| words(&document["type"]))
            .unwrap_or_default(),
        kdl: super::read::code(&document["type"], kdl),
        kind: words(&document["type"]),
        author: each(&document["author"]).find_map(|author| directory.name_of(author)),
        organization: directory.organization_of(&document["custodian"]),
        at: text(&document["date"]).or_else(|| text(&attachment["creation"])),
        content_type: text(&attachment["contentType"])
            .map(|kind| kind.split(';').next().unwrap_or_default().trim().to_owned())
            .unwrap_or_default(),
    })
}

fn studies(record: &CaseRecord) -> contract::Part<Vec<StudyEntryView>> {
    record.part(Part::Studies).list(|found, _| {
        found
            .iter()
            .filter_map(|study| {
                let uid = study_uid(study)?;
                let refused = record.archive.as_ref().is_some_and(|archive| archive.refused.contains(&uid));
                let available = record.archive.as_ref().and_then(|archive| archive.holds(&uid));
                Some(StudyEntryView {
                    study: uid,
                    description: text(&study["description"]).unwrap_or_default(),
                    modalities: each(&study["modality"]).filter_map(|modality| text(&modality["code"])).collect(),
                    at: text(&study["started"]),
                    instances: study["numberOfInstances"].as_u64().and_then(|n| u32::try_from(n).ok()),
                    available,
                    refused,
                })
            })
            .collect()
    })
}

fn decisions(
    plans: &[Value],
    included: &[Value],
    record: &CaseRecord,
    current: Option<&Value>,
) -> Vec<DecisionEntryView> {
    let mut entries: Vec<DecisionEntryView> = plans
        .iter()
        .filter(|plan| plan["status"] != "entered-in-error")
        .filter_map(|plan| {
            let id = id(plan)?;
            let system = format!("{ONKO}CodeSystem/mii-cs-onko-therapieplanung-typ");
            Some(DecisionEntryView {
                created: text(&plan["created"]),
                category: each(&plan["category"]).find_map(|category| super::read::code(category, &system)),
                text: text(&plan["description"]),
                status: text(&plan["status"]).unwrap_or_default(),
                signed: signature_line(&id, included, record),
                current: current.is_some_and(|current| current["id"] == plan["id"]),
                id,
            })
        })
        .collect();
    // A server's `date` search means the period, not the conference: sorted here.
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.created.as_deref().map(sort_key)));
    entries
}

/// The newest signature on a plan.
fn signature_line(plan: &str, included: &[Value], record: &CaseRecord) -> Option<SignatureLineView> {
    let mut signed: Vec<SignatureLineView> = included
        .iter()
        .filter(|resource| resource["resourceType"] == "Provenance")
        .filter(|provenance| {
            each(&provenance["target"]).any(|target| reference_id(target, "CarePlan").as_deref() == Some(plan))
        })
        .filter_map(|provenance| {
            let signature = provenance["signature"].get(0)?;
            Some(SignatureLineView {
                by: record.directory.name_of(&signature["who"]).unwrap_or_default(),
                at: text(&signature["when"])?,
            })
        })
        .collect();
    signed.sort_by_key(|line| sort_key(&line.at));
    signed.pop()
}

#[cfg(test)]
mod tests {
    use super::{Archive, CaseRecord, Loaded, Part, case_view, current_plan};
    use contract::SlotView;
    use jiff::civil::date;
    use serde_json::json;

    fn availability(archive: Option<Archive>) -> Vec<Option<bool>> {
        let study = |uid: &str| {
            json!({"resourceType": "ImagingStudy",
                   "identifier": [{"system": "urn:dicom:uid", "value": format!("urn:oid:{uid}")}]})
        };
        let mut record = CaseRecord { archive, ..CaseRecord::default() };
        let matches = vec![study("1.2.1"), study("1.2.2"), study("1.2.3")];
        record.set(Part::Studies, Loaded::Here { matches, included: Vec::new(), more: false });
        let contract::Part::Ready { value, .. } = case_view(&record, date(2026, 11, 24)).studies else {
            panic!("three studies")
        };
        value.iter().map(|study| study.available).collect()
    }

    #[test]
    fn a_study_is_available_only_once_the_archive_has_said_so() {
        let said = |complete| Archive {
            held: ["1.2.1".to_owned(), "1.2.2".to_owned()].into(),
            refused: ["1.2.2".to_owned()].into(),
            complete,
        };
        assert_eq!(availability(None), [None, None, None], "nobody has asked yet");
        assert_eq!(
            availability(Some(said(false))),
            [Some(true), Some(false), None],
            "a failed archive has not said what it lacks"
        );
        assert_eq!(availability(Some(said(true))), [Some(true), Some(false), Some(false)], "the third is not there");
    }

    /// Plans by id, status and day of the conference.
    fn decided(plans: &[(&str, &str, &str)], registered: &str) -> CaseRecord {
        let plan = |(id, status, created): &(&str, &str, &str)| {
            json!({"resourceType": "CarePlan", "id": id, "status": status, "created": created, "category": [{"coding": [{
                "system": format!("{}CodeSystem/mii-cs-onko-therapieplanung-typ", super::ONKO), "code": "praeth"}]}]})
        };
        let signature = |(id, _, created): &(&str, &str, &str)| {
            json!({"resourceType": "Provenance", "target": [{"reference": format!("CarePlan/{id}")}],
                   "signature": [{"when": format!("{created}T15:07:48Z")}]})
        };
        let here = |matches, included| Loaded::Here { matches, included, more: false };
        let mut record = CaseRecord::default();
        let signatures = plans.iter().filter(|(_, status, _)| *status != "draft").map(signature).collect();
        record.set(Part::Plans, here(plans.iter().map(plan).collect(), signatures));
        let registration = json!({"status": "completed", "authoredOn": registered});
        record.set(Part::Registration, here(vec![registration], Vec::new()));
        record
    }

    #[test]
    fn on_an_agenda_the_decision_is_that_of_its_day() {
        let slot = |start: &str| Some(SlotView { number: 1, start: start.to_owned(), end: String::new() });
        let mut record = decided(&[("past", "active", "2026-11-17")], "2026-11-08T10:00:00+01:00");
        record.slot = slot("2026-11-24T15:00:00+01:00");
        assert_eq!(current_plan(&record), None, "today's is not begun");
        record.slot = slot("2026-11-17T15:00:00+01:00");
        assert_eq!(current_plan(&record).map(|plan| &plan["id"]), Some(&json!("past")), "the day of the conference");
    }

    #[test]
    fn on_no_agenda_the_newest_decision_stands_until_the_board_is_asked_again() {
        let past = [("older", "active", "2026-05-05"), ("newer", "completed", "2026-11-17")];
        let id = |record: &CaseRecord| current_plan(record).map(|plan| plan["id"].clone());
        assert_eq!(id(&decided(&past, "2026-11-08T10:00:00+01:00")), Some(json!("newer")), "the newest");
        assert_eq!(id(&decided(&past, "2026-11-18T10:00:00+01:00")), None, "a new question has no answer yet");
        let begun = [past[0], past[1], ("begun", "draft", "2026-11-24")];
        assert_eq!(id(&decided(&begun, "2026-11-18T10:00:00+01:00")), Some(json!("begun")), "a draft comes first");
        let closed = [past[0], ("wrong", "entered-in-error", "2026-11-17")];
        assert_eq!(id(&decided(&closed, "2026-04-08")), Some(json!("older")), "a mistake is no decision");
        let mut unread = decided(&past, "2026-11-08T10:00:00+01:00");
        unread.parts.insert(Part::Registration, Loaded::Loading);
        assert_eq!(id(&unread), None, "what was asked is not known yet");
        let mut unsigned = decided(&past, "2026-11-08T10:00:00+01:00");
        let Some(Loaded::Here { included, .. }) = unsigned.parts.get_mut(&Part::Plans) else { panic!("plans") };
        included.clear();
        assert_eq!(id(&unsigned), None, "what nobody signed is not shown as signed");
    }
}
