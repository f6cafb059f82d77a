//! "Heute" and "Fälle": what the day wants, and the list of cases.

use crate::{Freshness, Part};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The screen "Heute".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TodayView {
    /// The next session of a board this person belongs to.
    pub board: Part<BoardSessionView>,
    /// What is asked of this person, the most urgent first.
    pub tasks: Part<Vec<TaskView>>,
    /// Unsigned drafts of this person on this device.
    pub drafts: Vec<DraftEntryView>,
    /// What arrived on the platform in the cases of the next board, newest first.
    pub news: Part<Vec<NewsView>>,
    /// What the news lack.
    pub news_gaps: Vec<GapView>,
    /// ISO time: news are since then.
    pub news_since: String,
    /// ISO time when this was read.
    pub as_of: String,
    /// Whether that was just now.
    pub freshness: Freshness,
}

/// A session of a board with its agenda.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BoardSessionView {
    /// FHIR id of the session's Appointment.
    pub id: String,
    /// "Interdisziplinäres Tumorboard Eschenland".
    pub name: String,
    /// ISO start.
    pub start: String,
    /// ISO end.
    pub end: String,
    /// True when this person moderates.
    pub moderating: bool,
    /// How many members have accepted, and how many there are.
    pub accepted: u32,
    /// Members in all.
    pub members: u32,
    /// Cases in the agenda's order.
    pub agenda: Vec<CaseRowView>,
    /// What the agenda lacks.
    pub gaps: Vec<GapView>,
}

/// What lists and cases are made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ListSource {
    /// Sessions and the cases on their agenda.
    Agenda,
    /// The coordination's order of an agenda.
    Order,
    /// Registrations, and with them who is a case.
    Cases,
    /// Diagnoses.
    Diagnoses,
    /// Stages and markers.
    Stages,
    /// Decisions.
    Decisions,
    /// Members of the board and other people.
    People,
    /// Patients of that name on the whole platform.
    Names,
    /// Documents that arrived.
    Documents,
    /// Studies that arrived.
    Studies,
    /// Histology, grading and markers.
    Histology,
    /// Genetic findings.
    Genes,
    /// Pathology reports that are no documents.
    Reports,
    /// Operations, radiotherapy and other procedures.
    Procedures,
    /// Medication and prescriptions.
    Medication,
    /// Adverse events.
    AdverseEvents,
    /// What became of the illness.
    Course,
}

/// Something of a list or case that could not be read: it says less than the platform knows, and never "nothing" in its
/// place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct GapView {
    /// What.
    pub source: ListSource,
    /// Why; `Ready` when some of it is here and not all.
    pub state: Part<()>,
}

/// One line of an agenda or of the case list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CaseRowView {
    /// FHIR id of the patient: opens the case.
    pub patient: String,
    /// Who, with what tells persons apart.
    pub identity: IdentityView,
    /// The primary tumour in the record's words, or absent.
    pub diagnosis: Option<String>,
    /// ICD-10-GM code.
    pub icd10: Option<String>,
    /// Organ in a word for the list: "lung", …; the page has the word.
    pub organ: Option<String>,
    /// `L` or `R` or `B`.
    pub side: Option<String>,
    /// "cT2b cN3 cM0" and stage.
    pub tnm: Option<TnmView>,
    /// Position in the agenda from 1, with start and end.
    pub slot: Option<SlotView>,
    /// Registering person's family name.
    pub registered_by: Option<String>,
    /// What the board is asked, in the words of whoever registered the case.
    pub question: Option<String>,
    /// What completeness says.
    pub completeness: CompletenessView,
    /// How far the decision is.
    pub decision: DecisionStateView,
    /// ISO time of the last change known.
    pub changed: Option<String>,
    /// Family names of other patients that are easily confused with this one.
    pub similar: Vec<SimilarView>,
    /// ISO time when the record that this device keeps was read; absent when it keeps none.
    pub kept: Option<String>,
    /// What is absent above because it could not be read.
    pub unread: Vec<ListSource>,
}

/// A place on an agenda.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SlotView {
    /// From 1.
    pub number: u32,
    /// ISO start.
    pub start: String,
    /// ISO end.
    pub end: String,
}

/// What identifies a patient on screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct IdentityView {
    /// Family name; absent when the record has none.
    pub family: Option<String>,
    /// Given names.
    pub given: Option<String>,
    /// ISO date, possibly only a year or month.
    pub birth_date: Option<String>,
    /// Years, when the birth date is complete.
    pub age: Option<u32>,
    /// `male`, `female`, `other`, `unknown`.
    pub gender: Option<String>,
    /// Krankenversichertennummer, ten characters.
    pub kvnr: Option<String>,
    /// Number of the person's own house, else of another.
    pub number: Option<String>,
    /// ISO date of death, or "yes" when only that is known.
    pub deceased: Option<String>,
}

/// Another patient that is easily taken for this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SimilarView {
    /// The other's name.
    pub name: String,
    /// The other's birth date.
    pub birth_date: Option<String>,
}

/// TNM with its edition and date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TnmView {
    /// "cT2b cN3 cM0", prefixes kept.
    pub text: String,
    /// "IIIB".
    pub stage: Option<String>,
    /// UICC edition, "8".
    pub edition: Option<String>,
    /// ISO date.
    pub date: Option<String>,
}

/// What the completeness rules found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum CompletenessView {
    /// Not evaluated here.
    Unknown,
    /// Nothing missing.
    Complete,
    /// Rule ids of what is missing: `R-MMR`.
    Missing {
        /// In order of weight.
        rules: Vec<String>,
    },
}

/// How far the decision of a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionStateView {
    /// None begun.
    None,
    /// A draft exists.
    Draft,
    /// Signed.
    Signed,
}

/// An unsigned draft of this person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DraftEntryView {
    /// FHIR id of the patient.
    pub patient: String,
    /// Who.
    pub identity: IdentityView,
    /// ISO time of the last change.
    pub changed: String,
    /// Absent where this person has not marked it for signing.
    pub mark: Option<DraftMark>,
}

/// How the mark of a draft stands, as far as this device knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DraftMark {
    /// It waits for being confirmed.
    Standing,
    /// Something else stands on the platform.
    Withdrawn,
}

/// An open task of this person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TaskView {
    /// FHIR id of the Task.
    pub id: String,
    /// What is to do, in the record's words.
    pub title: String,
    /// FHIR id of the patient, whose case opens.
    pub patient: Option<String>,
    /// Who; absent when the platform does not tell.
    pub identity: Option<IdentityView>,
    /// ISO date of the conference, of a task about a decision.
    pub decided: Option<String>,
    /// ISO date by which it is wanted.
    pub due: Option<String>,
}

/// One thing that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct NewsView {
    /// What kind.
    pub kind: TimelineKind,
    /// In the record's words.
    pub title: String,
    /// FHIR id of the patient.
    pub patient: String,
    /// Who.
    pub identity: IdentityView,
    /// ISO time.
    pub at: String,
}

/// The screen "Fälle".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CasesView {
    /// What was searched for.
    pub query: String,
    /// Cases, those of the next board first in its order, then by name.
    pub rows: Part<Vec<CaseRowView>>,
    /// What the lines lack.
    pub gaps: Vec<GapView>,
    /// The next board, for the group's title.
    pub board: Option<BoardNameView>,
    /// ISO time when this was read.
    pub as_of: String,
    /// Whether that was just now.
    pub freshness: Freshness,
}

/// A board's name and date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BoardNameView {
    /// The name.
    pub name: String,
    /// ISO start.
    pub start: String,
}

/// Kinds of entries in the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum TimelineKind {
    /// Condition.
    Diagnosis,
    /// TNM.
    Stage,
    /// Histology, molecular pathology.
    Pathology,
    /// ImagingStudy.
    Imaging,
    /// Operation or other procedure.
    Procedure,
    /// Radiotherapy.
    Radiotherapy,
    /// Systemic therapy.
    Systemic,
    /// AdverseEvent.
    AdverseEvent,
    /// What became of the illness: remission, progression.
    Course,
    /// Tumour board.
    Board,
    /// Any other document.
    Document,
}
