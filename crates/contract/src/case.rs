//! The case: one patient's record as a board reads it.

use crate::{DecisionStateView, Freshness, GapView, IdentityView, Part, SimilarView, SlotView, TimelineKind, TnmView};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A case on screen. Each part loads and fails alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CaseView {
    /// FHIR id of the patient.
    pub patient: String,
    /// Of two states of one patient's view the greater is the newer, whichever of answer and event arrived first.
    pub serial: u32,
    /// The banner.
    pub identity: IdentityView,
    /// Other patients easily confused with this one.
    pub similar: Vec<SimilarView>,
    /// Allergies; `Empty` reads "keine Angaben", never "keine Allergien".
    pub allergies: Part<Vec<AllergyView>>,
    /// The question to the board.
    pub question: Part<QuestionView>,
    /// Diagnoses, the primary tumour first.
    pub diagnoses: Part<Vec<DiagnosisEntryView>>,
    /// TNM, newest first.
    pub tnm: Part<Vec<TnmView>>,
    /// ECOG, newest first.
    pub ecog: Part<Vec<EcogView>>,
    /// Biomarkers and other single findings.
    pub findings: Part<Vec<FindingView>>,
    /// Operations, radiotherapy and other procedures, newest first.
    pub therapies: Part<Vec<TherapyView>>,
    /// What is taken or prescribed, newest first.
    pub medication: Part<Vec<TherapyView>>,
    /// Laboratory, one entry an analyte and unit.
    pub laboratory: Part<Vec<LabSeriesView>>,
    /// Documents, newest first.
    pub documents: Part<Vec<DocumentEntryView>>,
    /// Studies known to the record or to the image archive.
    pub studies: Part<Vec<StudyEntryView>>,
    /// The course, newest first.
    pub timeline: Part<Vec<TimelineEntryView>>,
    /// Decisions, newest first.
    pub decisions: Part<Vec<DecisionEntryView>>,
    /// What could not be read: it is missing in the course, and in parts that several searches fill.
    pub gaps: Vec<GapView>,
    /// Place on the next board's agenda.
    pub slot: Option<SlotView>,
    /// How far the current decision is.
    pub decision: DecisionStateView,
    /// ISO time when this was read; of the oldest part of it.
    pub as_of: String,
    /// Whether that was just now.
    pub freshness: Freshness,
    /// ISO time when it became known that the platform has something newer. What is shown stays as it is until the
    /// person asks for it by opening the case again.
    pub newer: Option<String>,
}

/// An allergy or the statement that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AllergyView {
    /// In the record's words.
    pub text: String,
    /// True when the entry states that none is known (SCT 716186003).
    pub none_known: bool,
}

/// The written request to the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct QuestionView {
    /// First note of the registration.
    pub text: String,
    /// Further notes.
    pub notes: Vec<String>,
    /// Who registered.
    pub by: Option<String>,
    /// Of which house.
    pub organization: Option<String>,
    /// ISO time.
    pub at: Option<String>,
}

/// A diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosisEntryView {
    /// FHIR id of the Condition.
    pub id: String,
    /// In the record's words.
    pub text: String,
    /// ICD-10-GM code.
    pub icd10: Option<String>,
    /// ICD-10-GM text.
    pub icd10_text: Option<String>,
    /// ICD-O morphology, "8140/3".
    pub morphology: Option<String>,
    /// ICD-O topography.
    pub topography: Option<String>,
    /// `L`, `R`, `B`, …
    pub side: Option<String>,
    /// Grading, "3".
    pub grading: Option<String>,
    /// True for the tumour the board speaks about.
    pub primary: bool,
    /// True for other illnesses (not a tumour or metastasis).
    pub comorbidity: bool,
    /// ISO date.
    pub date: Option<String>,
}

/// General condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EcogView {
    /// "0" to "4" or "U".
    pub value: String,
    /// ISO date.
    pub date: Option<String>,
}

/// A single finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FindingView {
    /// LOINC, if coded.
    pub loinc: Option<String>,
    /// Its name in the record's words.
    pub name: String,
    /// Its value in the record's words, or the digits of a number as the record gives them.
    pub value: String,
    /// The unit of a number, which may be empty; absent where the value is no number.
    pub unit: Option<String>,
    /// ISO date.
    pub date: Option<String>,
}

/// A therapy or a medication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TherapyView {
    /// In the record's words.
    pub text: String,
    /// Dose, for medication.
    pub dose: Option<String>,
    /// ISO start.
    pub start: Option<String>,
    /// ISO end.
    pub end: Option<String>,
    /// True when it was stopped before its end.
    pub stopped: bool,
}

/// One analyte in one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LabSeriesView {
    /// LOINC.
    pub loinc: Option<String>,
    /// In the record's words.
    pub name: String,
    /// As the laboratory wrote it.
    pub unit: String,
    /// Lower limit of the newest value's own range, digits kept ("13.50").
    pub low: Option<String>,
    /// Upper limit.
    pub high: Option<String>,
    /// Oldest first.
    pub values: Vec<LabValueView>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LabValueView {
    /// ISO time.
    pub at: String,
    /// The number as sent, digits kept ("12.80").
    pub text: String,
    /// The number, for the curve.
    pub value: f64,
    /// `N`, `L`, `H`, `LL`, `HH` as the laboratory says, else by the range; absent when unknown.
    pub flag: Option<String>,
}

/// A document of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DocumentEntryView {
    /// FHIR id; of a report that is no document with its type before it, "DiagnosticReport/…".
    pub id: String,
    /// Title.
    pub title: String,
    /// KDL code.
    pub kdl: Option<String>,
    /// Text of the KDL code.
    pub kind: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Of which house.
    pub organization: Option<String>,
    /// ISO time.
    pub at: Option<String>,
    /// MIME type.
    pub content_type: String,
}

/// A document to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DocumentView {
    /// Its entry.
    pub entry: DocumentEntryView,
    /// What can be shown of it.
    pub content: DocumentContent,
}

/// What can be shown of a document. Its form is what the bytes are, not what the record calls them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "form", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum DocumentContent {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// A web page; the page shows its words and nothing else of it.
    Html {
        /// As sent.
        html: String,
    },
    /// A PDF file.
    Pdf {
        /// Base64.
        data: String,
    },
    /// A picture that a web view can draw.
    Picture {
        /// `image/png` or `image/jpeg`.
        media_type: String,
        /// Base64.
        data: String,
    },
    /// More than the program takes into memory.
    TooLarge {
        /// Its size in bytes.
        bytes: u32,
        /// The most that is shown.
        limit: u32,
    },
    /// A form that the program does not show.
    Unknown,
}

/// A study in the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct StudyEntryView {
    /// Study Instance UID.
    pub study: String,
    /// Description.
    pub description: String,
    /// Modalities.
    pub modalities: Vec<String>,
    /// ISO time.
    pub at: Option<String>,
    /// Images.
    pub instances: Option<u32>,
    /// Whether the archive holds it, so that it can be opened; absent until the archive has answered.
    pub available: Option<bool>,
    /// True when it is another person's: it is not opened and nothing of it is drawn.
    pub refused: bool,
}

/// A series of a radiotherapy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DoseView {
    /// Total dose, with a decimal point.
    pub value: Option<String>,
    /// Of the dose, in the record's words: Gy.
    pub unit: String,
    /// What was irradiated, in the record's words.
    pub target: Option<String>,
}

/// An entry of the course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntryView {
    /// Kind.
    pub kind: TimelineKind,
    /// In the record's words.
    pub title: String,
    /// Second line.
    pub detail: Option<String>,
    /// What was irradiated, and how much: each series of a radiotherapy.
    pub doses: Vec<DoseView>,
    /// ISO date or time, possibly partial.
    pub start: Option<String>,
    /// ISO end, for bars; the start of what has ended at an unknown time.
    pub end: Option<String>,
    /// It was ended before its time.
    pub stopped: bool,
    /// The document behind it.
    pub document: Option<String>,
    /// The study behind it.
    pub study: Option<String>,
}

/// A decision in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DecisionEntryView {
    /// FHIR id of the CarePlan.
    pub id: String,
    /// ISO date of the conference.
    pub created: Option<String>,
    /// `praeth`, `postop`, `postth`, `ther`.
    pub category: Option<String>,
    /// Its title, which names the board.
    pub title: Option<String>,
    /// Its text.
    pub text: Option<String>,
    /// What it recommends, in order.
    pub measures: Vec<EntryMeasureView>,
    /// `draft`, `active`, … as FHIR says.
    pub status: String,
    /// Who signed and when, as the Provenance says.
    pub signed: Option<SignatureLineView>,
    /// True when the entry is the current board's.
    pub current: bool,
}

/// A measure in a decision's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EntryMeasureView {
    /// oBDS 19.1: `ST`, `CH`, …
    pub code: Option<String>,
    /// In the decision's words.
    pub text: String,
}

/// "Gezeichnet von … am …".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SignatureLineView {
    /// Full name.
    pub by: String,
    /// ISO time.
    pub at: String,
}
