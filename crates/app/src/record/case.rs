//! One case: what came back from the platform, and the view made of it.

use super::{
    ONKO,
    directory::Directory,
    identity::{identity_view, similar},
    laboratory,
    queries::{Part, QUERIES},
    read::{each, has_code, id, reference_id, sort_key, text, when, words},
    reports,
    timeline::{Sources, study_uid, timeline},
    tumor,
};
use crate::decision::read_signature;
use contract::{
    AllergyView, CaseView, DecisionEntryView, DecisionStateView, DocumentEntryView, EntryMeasureView, Failure,
    Freshness, GapView, ListSource, QuestionView, SignatureLineView, SlotView, StudyEntryView, TherapyView,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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
    let (pathology, genes, alone) =
        (record.part(Part::Pathology), record.part(Part::Genes), record.part(Part::TnmAlone));
    let observed = each_once(&[lab.matches(), pathology.matches(), genes.matches()]);
    let diagnoses = tumor::diagnoses(conditions.matches(), &observed);
    let stages = tumor::tnm_views(&each_once(&[tnm.matches(), tnm.included(), alone.matches()]));
    let (documents, found_reports) = (record.part(Part::Documents), record.part(Part::Reports));
    let reports: Vec<Value> = reports::shown(found_reports.matches(), documents.matches()).cloned().collect();
    let plans = record.part(Part::Plans);
    let board = record.directory.board.as_ref().map(|(_, name)| name.as_str());
    let course = timeline(&Sources {
        diagnoses: &diagnoses,
        tnm: &stages,
        documents: documents.matches(),
        reports: &reports,
        studies: record.part(Part::Studies).matches(),
        procedures: record.part(Part::Procedures).matches(),
        medications: record.part(Part::Medication).matches(),
        prescriptions: record.part(Part::Prescriptions).matches(),
        adverse_events: record.part(Part::AdverseEvents).matches(),
        course: record.part(Part::Course).matches(),
        plans: plans.matches(),
        slot: record.slot.as_ref(),
        board,
    });
    let current = current_plan(record);
    CaseView {
        patient: record.patient.clone(),
        // The desk's to say, as is whether there is something newer.
        serial: 0,
        identity: identity_view(patient, record.house.as_deref(), today),
        similar: if patient.is_null() { Vec::new() } else { similar(patient, record.neighbors.iter()) },
        allergies: record.part(Part::Allergies).list(|found, _| found.iter().filter_map(allergy).collect()),
        question: question(record),
        diagnoses: conditions.list(|_, _| diagnoses),
        tnm: together(&[tnm, alone], stages),
        ecog: record.part(Part::Ecog).list(|found, _| tumor::ecog_views(found)),
        findings: together(&[pathology, lab, genes], laboratory::findings(&observed)),
        therapies: record.part(Part::Procedures).list(|found, _| procedures(found)),
        medication: medication(record),
        laboratory: lab.list(|found, _| laboratory::laboratory(found)),
        documents: together(&[documents, found_reports], entries(documents.matches(), &reports, &record.directory)),
        studies: studies(record),
        timeline: if record.settled() {
            together(&COURSE.map(|part| record.part(part)), course)
        } else {
            contract::Part::Loading
        },
        gaps: gaps(record),
        decisions: plans.list(|found, included| decisions(found, included, record, current)),
        slot: record.slot.clone(),
        decision: match current {
            None => DecisionStateView::None,
            Some(plan) if plan["status"] == "draft" => DecisionStateView::Draft,
            Some(_) => DecisionStateView::Signed,
        },
        as_of: record.as_of.clone(),
        freshness: record.freshness.clone(),
        newer: None,
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

/// Parts of which the course is put together.
const COURSE: [Part; 12] = [
    Part::Conditions,
    Part::Tnm,
    Part::TnmAlone,
    Part::Documents,
    Part::Reports,
    Part::Studies,
    Part::Procedures,
    Part::Medication,
    Part::Prescriptions,
    Part::AdverseEvents,
    Part::Course,
    Part::Plans,
];

/// What is missing of the course, and of parts that several searches fill, when one of these is refused.
const SOURCES: [(Part, ListSource); 14] = [
    (Part::Conditions, ListSource::Diagnoses),
    (Part::Tnm, ListSource::Stages),
    (Part::TnmAlone, ListSource::Stages),
    (Part::Pathology, ListSource::Histology),
    (Part::Genes, ListSource::Genes),
    (Part::Reports, ListSource::Reports),
    (Part::Documents, ListSource::Documents),
    (Part::Studies, ListSource::Studies),
    (Part::Procedures, ListSource::Procedures),
    (Part::Medication, ListSource::Medication),
    (Part::Prescriptions, ListSource::Medication),
    (Part::AdverseEvents, ListSource::AdverseEvents),
    (Part::Course, ListSource::Course),
    (Part::Plans, ListSource::Decisions),
];

/// What of the record was refused or failed. What a platform does not offer is not missed.
fn gaps(record: &CaseRecord) -> Vec<GapView> {
    let mut gaps: Vec<GapView> = Vec::new();
    for (part, source) in SOURCES {
        let Loaded::Refused(state) = record.part(part) else { continue };
        let lacking = matches!(state, contract::Part::Denied | contract::Part::Failed { .. });
        if lacking && !gaps.iter().any(|gap| gap.source == source) {
            gaps.push(GapView { source, state: state.clone() });
        }
    }
    gaps
}

/// What several searches found, each resource once.
fn each_once(found: &[&[Value]]) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let all = found.iter().flat_map(|resources| resources.iter());
    all.filter(|resource| id(resource).is_none_or(|id| seen.insert(id))).cloned().collect()
}

/// The state of what is made from several searches: here as soon as one brought something, and empty only when none of
/// them was refused. A search that a platform does not offer says nothing where another one answered.
fn together<T>(parts: &[&Loaded], value: Vec<T>) -> contract::Part<Vec<T>> {
    if !value.is_empty() {
        let more = parts.iter().any(|part| matches!(part, Loaded::Here { more: true, .. }));
        return contract::Part::Ready { value, more };
    }
    let states: Vec<contract::Part<Vec<T>>> = parts.iter().map(|part| part.list(|_, _| Vec::new())).collect();
    let rank = |state: &contract::Part<Vec<T>>| match state {
        contract::Part::Loading => 0,
        contract::Part::Denied => 1,
        contract::Part::Failed { .. } => 2,
        contract::Part::Empty | contract::Part::Ready { .. } => 3,
        contract::Part::Absent => 4,
    };
    states.into_iter().min_by_key(rank).unwrap_or(contract::Part::Empty)
}

fn newest_first<T>(mut entries: Vec<T>, at: impl Fn(&T) -> Option<&str>) -> Vec<T> {
    entries.sort_by_key(|entry| std::cmp::Reverse(at(entry).map(sort_key)));
    entries
}

/// Whether the record says that it was an error, or that it never came to be.
fn is_void(resource: &Value) -> bool {
    let void = ["entered-in-error", "not-done", "not-taken", "cancelled", "draft"];
    resource["status"].as_str().is_some_and(|status| void.contains(&status))
        || resource["docStatus"] == "entered-in-error"
}

fn procedures(found: &[Value]) -> Vec<TherapyView> {
    let therapies = found.iter().filter(|procedure| !is_void(procedure)).filter_map(|procedure| {
        Some(TherapyView {
            text: words(&procedure["code"])?,
            dose: None,
            start: when(procedure, "performed"),
            end: text(&procedure["performedPeriod"]["end"]),
            stopped: procedure["status"] == "stopped",
        })
    });
    newest_first(therapies.collect(), |therapy| therapy.start.as_deref())
}

/// What is taken, and what was prescribed without a statement that it is taken.
fn medication(record: &CaseRecord) -> contract::Part<Vec<TherapyView>> {
    let (statements, prescriptions) = (record.part(Part::Medication), record.part(Part::Prescriptions));
    let taken: Vec<TherapyView> = statements
        .matches()
        .iter()
        .filter(|statement| !is_void(statement))
        .filter_map(|statement| {
            Some(TherapyView {
                text: words(&statement["medicationCodeableConcept"])?,
                dose: text(&statement["dosage"][0]["text"]),
                start: when(statement, "effective"),
                end: text(&statement["effectivePeriod"]["end"]),
                stopped: statement["status"] == "stopped",
            })
        })
        .collect();
    let stated: BTreeSet<String> = statements
        .matches()
        .iter()
        .flat_map(|statement| each(&statement["basedOn"]))
        .filter_map(|request| reference_id(request, "MedicationRequest"))
        .collect();
    let prescribed = prescriptions.matches().iter().filter(|request| !is_void(request)).filter_map(|request| {
        let text_of = words(&request["medicationCodeableConcept"])?;
        let known = id(request).is_some_and(|id| stated.contains(&id))
            || taken.iter().any(|therapy| therapy.end.is_none() && therapy.text == text_of);
        (!known).then(|| TherapyView {
            text: text_of,
            dose: text(&request["dosageInstruction"][0]["text"]),
            start: text(&request["authoredOn"]),
            end: None,
            stopped: request["status"] == "stopped",
        })
    });
    let prescribed: Vec<TherapyView> = prescribed.collect();
    let all = newest_first(taken.into_iter().chain(prescribed).collect(), |therapy| therapy.start.as_deref());
    together(&[statements, prescriptions], all)
}

/// Documents, and the reports that none of them holds.
fn entries(documents: &[Value], reports: &[Value], directory: &Directory) -> Vec<DocumentEntryView> {
    let documents = documents.iter().filter(|document| !is_void(document));
    let documents = documents.filter_map(|document| document_entry(document, directory));
    let reports = reports.iter().filter_map(|report| reports::entry(report, directory));
    newest_first(documents.chain(reports).collect(), |entry| entry.at.as_deref())
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
            .filter(|study| !is_void(study))
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
                title: text(&plan["title"]),
                text: text(&plan["description"]),
                measures: entry_measures(plan),
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

/// Activities that say what is recommended, whoever wrote them.
fn entry_measures(plan: &Value) -> Vec<EntryMeasureView> {
    let system = format!("{ONKO}CodeSystem/mii-cs-onko-therapie-typ");
    each(&plan["activity"])
        .map(|activity| &activity["detail"])
        .map(|detail| EntryMeasureView {
            code: super::read::code(&detail["code"], &system),
            text: text(&detail["description"]).or_else(|| words(&detail["code"])).unwrap_or_default(),
        })
        .filter(|measure| measure.code.is_some() || !measure.text.is_empty())
        .collect()
}

/// The signature that made the newest state of a plan final; one beside it makes nothing newer.
fn signature_line(plan: &str, included: &[Value], record: &CaseRecord) -> Option<SignatureLineView> {
    let mut signed: Vec<(Option<String>, SignatureLineView)> = included
        .iter()
        .filter(|resource| resource["resourceType"] == "Provenance")
        .filter(|provenance| {
            each(&provenance["target"]).any(|target| reference_id(target, "CarePlan").as_deref() == Some(plan))
        })
        .filter_map(|provenance| {
            let signature = provenance["signature"].get(0)?;
            let line = SignatureLineView {
                by: record.directory.name_of(&signature["who"]).unwrap_or_default(),
                at: text(&signature["when"])?,
            };
            Some((read_signature(provenance).and_then(|signature| signature.sha256), line))
        })
        .collect();
    signed.sort_by_key(|(_, line)| sort_key(&line.at));
    let (newest, line) = signed.last()?;
    let first = newest.as_ref().and_then(|_| signed.iter().find(|(sha256, _)| sha256 == newest));
    Some(first.map_or(line, |(_, line)| line).clone())
}

#[cfg(test)]
mod tests {
    use super::{Archive, CaseRecord, Loaded, Part, case_view, current_plan, together};
    use contract::SlotView;
    use jiff::civil::date;
    use serde_json::json;

    #[test]
    fn what_was_an_error_or_never_came_to_be_is_no_therapy_no_finding_and_no_study() {
        let of = |status: &str, more: serde_json::Value| {
            let mut resource = json!({"id": status, "status": status});
            resource.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            resource
        };
        let mut record = CaseRecord::default();
        let mut put = |part: Part, statuses: &[&str], more: serde_json::Value| {
            let matches = statuses.iter().map(|status| of(status, more.clone())).collect();
            record.set(part, Loaded::Here { matches, included: vec![], more: false });
        };
        put(Part::Procedures, &["completed", "not-done", "entered-in-error"], json!({"code": {"text": "Lobektomie"}}));
        let drug = json!({"medicationCodeableConcept": {"text": "Cisplatin"}});
        put(Part::Medication, &["active", "not-taken", "entered-in-error"], drug);
        let other = json!({"medicationCodeableConcept": {"text": "Durvalumab"}});
        put(Part::Prescriptions, &["stopped", "cancelled", "draft", "entered-in-error"], other);
        put(Part::Documents, &["current", "entered-in-error"], json!({"description": "Brief"}));
        let study = json!({"identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}]});
        put(Part::Studies, &["available", "cancelled", "entered-in-error"], study);
        let view = case_view(&record, date(2026, 11, 24));
        let texts = |part: &contract::Part<Vec<contract::TherapyView>>| {
            let contract::Part::Ready { value, .. } = part else { panic!("{part:?}") };
            value.iter().map(|one| (one.text.clone(), one.stopped)).collect()
        };
        let operated: Vec<(String, bool)> = texts(&view.therapies);
        assert_eq!(operated, [("Lobektomie".to_owned(), false)], "the one that was done");
        let drugs: Vec<(String, bool)> = texts(&view.medication);
        let expected = [("Cisplatin".to_owned(), false), ("Durvalumab".to_owned(), true)];
        assert_eq!(drugs, expected, "what is taken, and that the other one was stopped");
        let contract::Part::Ready { value: documents, .. } = &view.documents else { panic!("documents") };
        let contract::Part::Ready { value: studies, .. } = &view.studies else { panic!("studies") };
        assert_eq!((documents.len(), studies.len()), (1, 1), "one of each");
    }

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

    #[test]
    fn what_several_searches_make_is_empty_only_when_none_was_refused() {
        let here = || Loaded::Here { matches: Vec::new(), included: Vec::new(), more: false };
        let refused = |state| Loaded::Refused(state);
        let state = |parts: &[&Loaded]| together(parts, Vec::<u8>::new());
        let (denied, absent) = (refused(contract::Part::Denied), refused(contract::Part::Absent));
        assert_eq!(state(&[&here(), &here()]), contract::Part::Empty, "both answered");
        assert_eq!(state(&[&here(), &denied]), contract::Part::Denied, "one was refused");
        assert_eq!(state(&[&denied, &Loaded::Loading]), contract::Part::Loading, "one has not answered");
        assert_eq!(state(&[&here(), &absent]), contract::Part::Empty, "the other answered");
        assert_eq!(state(&[&absent, &absent]), contract::Part::Absent, "neither is offered");
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
