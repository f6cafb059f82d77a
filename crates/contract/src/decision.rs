//! The board's decision: draft, conflict, preview, signature, verification, amendment.

use crate::{Failure, SignatureLineView};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The screen "Beschluss" of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DecisionView {
    /// FHIR id of the patient.
    pub patient: String,
    /// Of two states of one patient's view the greater is the newer, whichever of answer and event arrived first.
    pub serial: u32,
    /// How far it is.
    pub stage: DecisionStage,
    /// What is being written, or what was signed.
    pub draft: DraftView,
    /// Who took part; from the board's members until a round tells.
    pub participants: Vec<ParticipantView>,
    /// Whom a measure can name as responsible, or an open point as owner.
    pub people: Vec<PersonChoiceView>,
    /// Which disciplines the rule asks for and which are missing.
    pub quorum: QuorumView,
    /// ISO time when the draft was last safe on this device; absent while it is in memory only.
    pub saved_here: Option<String>,
    /// ISO time when the draft was last safe on the platform; absent while it waits.
    pub saved_there: Option<String>,
    /// Why the draft is in memory only, or why the platform does not take it; it is tried again by itself.
    pub save_failure: Option<Failure>,
    /// Fields that somebody else changed at the same time; signing waits until each is chosen.
    pub conflicts: Vec<ConflictView>,
    /// "Von Dr. … geändert": fields merged without a conflict since the last time.
    pub merged: Vec<MergedView>,
    /// What keeps it from being signed, as keys the page has words for; empty means it can be signed.
    pub missing: Vec<String>,
    /// True when this person may write.
    pub can_write: bool,
    /// True when this person may sign.
    pub can_sign: bool,
    /// True when this person may put their signature beside the one that is there.
    pub can_countersign: bool,
    /// Address of the page that asks who signs, to open it in another browser; absent while none waits.
    pub link: Option<String>,
    /// This person has marked it for signing, or the mark was withdrawn and they have not said that they know. It is not
    /// written while the mark stands.
    pub mark: Option<SigningMarkView>,
    /// Signed state, with what a check found.
    pub signature: Option<SignatureView>,
    /// Former versions of a signed decision, newest first.
    pub versions: Vec<VersionView>,
    /// Why the last attempt to sign failed; the text is safe.
    pub failure: Option<Failure>,
}

/// How far a decision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionStage {
    /// Being written.
    Draft,
    /// The browser asks the person to prove who they are.
    Signing,
    /// Signed.
    Signed,
    /// Signed, and the browser asks whoever signs beside the first to prove who they are.
    Countersigning,
    /// Signed, and an amendment is being written.
    Amending,
}

/// "Vorgemerkt": what a person wants to sign once the platform has exactly this content. Nothing of it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum SigningMarkView {
    /// The platform cannot be reached, or does not have exactly this content yet.
    Waiting {
        /// Who marked it: "Dr. Falkenried".
        by: String,
        /// ISO time.
        at: String,
        /// SHA-256 in hexadecimal of the payload that was shown.
        sha256: String,
    },
    /// The platform has exactly this content: the person can sign it.
    Ready {
        /// As before.
        by: String,
        /// As before.
        at: String,
        /// As before; the preview for signing has another one where the platform has given the decision its id since.
        sha256: String,
    },
    /// Something else stands there: the mark no longer holds.
    Withdrawn {
        /// ISO time when it was marked.
        at: String,
        /// Fields that differ, as in [`ConflictView::field`] or in [`VerificationView::Differs`].
        fields: Vec<String>,
    },
}

/// The decision's content, field by field.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DraftView {
    /// `praeth`, `postop`, `postth`; never `ther`.
    pub category: Option<String>,
    /// `ED`, `LR`, `M`, `TV`, `S`.
    pub occasion: Option<String>,
    /// `curative`, `palliative`.
    pub goal: Option<String>,
    /// `consensus`, `majority`.
    pub outcome: Option<String>,
    /// The question it answers.
    pub question: String,
    /// Up to three lines of findings.
    pub findings: Vec<String>,
    /// The decision's text.
    pub text: String,
    /// Measures in order.
    pub measures: Vec<MeasureView>,
    /// Open points.
    pub open_points: Vec<OpenPointView>,
    /// Votes, when there was no consensus.
    pub vote: Option<VoteView>,
    /// Dissent with a name.
    pub dissent: Vec<DissentView>,
    /// `conform`, `deviation`, or absent.
    pub guideline: Option<String>,
    /// Name of the guideline, or the reason for the deviation.
    pub guideline_text: String,
    /// When it comes back, in words.
    pub representation: String,
    /// Roles (FHIR ids) of those present.
    pub present: Vec<String>,
    /// Why it is decided though a discipline is missing.
    pub quorum_reason: String,
    /// Why a signed decision is amended.
    pub amendment_reason: String,
}

/// A measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MeasureView {
    /// Our own id, stable through edits and merges.
    pub id: String,
    /// oBDS 19.1: `ST`, `CH`, …
    pub code: Option<String>,
    /// The measure.
    pub text: String,
    /// Why.
    pub reason: String,
    /// PractitionerRole id of who is responsible.
    pub responsible: Option<String>,
}

/// An open point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OpenPointView {
    /// Our own id.
    pub id: String,
    /// What.
    pub text: String,
    /// PractitionerRole id of the owner.
    pub owner: Option<String>,
}

/// Votes counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct VoteView {
    /// For.
    pub agree: u32,
    /// Against.
    pub disagree: u32,
    /// Neither.
    pub abstain: u32,
}

/// A dissent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DissentView {
    /// PractitionerRole id.
    pub role: String,
    /// In the person's words.
    pub text: String,
}

/// Someone who took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantView {
    /// PractitionerRole id.
    pub role: String,
    /// "Dr. med. Amina Falkenried".
    pub name: String,
    /// "Falkenried".
    pub family: String,
    /// Speciality in the record's words.
    pub specialty: Option<String>,
    /// House.
    pub organization: Option<String>,
    /// True for the moderator.
    pub moderator: bool,
    /// True when present.
    pub present: bool,
}

/// A person to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PersonChoiceView {
    /// PractitionerRole id.
    pub role: String,
    /// "Dr. Ahlefels".
    pub name: String,
    /// Speciality.
    pub specialty: Option<String>,
}

/// The board's rule and what it says of those present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct QuorumView {
    /// Lines that are met.
    pub met: u32,
    /// Lines in all; 0 when the board has no rule.
    pub of: u32,
    /// Specialities that are missing, in the record's words.
    pub missing: Vec<String>,
}

/// One field in which two people wrote at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConflictView {
    /// `text`, `category`, `measure/<id>`, `open-point/<id>`, …
    pub field: String,
    /// What is here.
    pub mine: String,
    /// What is on the platform.
    pub theirs: String,
    /// Who wrote it, if known.
    pub by: Option<String>,
}

/// A field taken over from somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MergedView {
    /// As in [`ConflictView::field`].
    pub field: String,
    /// Who, if known.
    pub by: Option<String>,
}

/// Which text of a conflict is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConflictChoice {
    /// As in [`ConflictView::field`].
    pub field: String,
    /// True for what is here.
    pub keep_mine: bool,
}

/// Exactly what will be signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SigningPreviewView {
    /// The payload `konsil-beschluss/1` as canonical JSON (RFC 8785).
    pub canonical: String,
    /// SHA-256 of it in hexadecimal.
    pub sha256: String,
    /// The same payload, for showing every element in order.
    pub lines: Vec<PayloadLineView>,
    /// Who will sign: "Dr. Falkenried".
    pub signer: String,
    /// Why it cannot be signed now: the platform is gone or fails. It can be marked for signing.
    pub out_of_reach: Option<Failure>,
}

/// One element of the payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PayloadLineView {
    /// `patient.family`, `activities.0.text`, …
    pub path: String,
    /// Its value as text; codes stay codes.
    pub value: String,
}

/// A signed decision's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SignatureView {
    /// "Gezeichnet von … am …": whose signature made the decision final.
    pub line: SignatureLineView,
    /// Who signed the same payload after that, in the order of time.
    pub others: Vec<SignatureLineView>,
    /// SHA-256 of the payload in hexadecimal.
    pub sha256: String,
    /// 1, 2, …
    pub revision: u32,
    /// What a check in this session found; absent until one was made.
    pub check: Option<VerificationView>,
}

/// What a check of payload, signature and record found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum VerificationView {
    /// Payload and signature belong together, and the record says the same.
    Matches,
    /// The signature holds, but the record says something else in these fields.
    Differs {
        /// `text`, `activities`, …
        fields: Vec<String>,
    },
    /// The signature does not fit the payload.
    Broken,
    /// It could not be checked.
    Unchecked {
        /// Why.
        failure: Failure,
    },
}

/// A former version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    /// 1, 2, …
    pub revision: u32,
    /// Who and when.
    pub line: SignatureLineView,
    /// Its text.
    pub text: String,
    /// Why it was replaced, as its successor says.
    pub reason: Option<String>,
}

/// A text that a person uses again and again; "/" in a text of the decision offers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TextBlockView {
    /// What it is found by.
    pub name: String,
    /// What is inserted.
    pub text: String,
}
