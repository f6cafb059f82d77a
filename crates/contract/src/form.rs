//! Structured messages: an appointment, a question to the board, a recommendation, an invitation to a case, a document.

use crate::SenderView;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the page asks about structured messages. All but an appointment need a conversation that belongs to one case,
/// which this person may open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "step", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum FormStep {
    /// Propose a time.
    ProposeAppointment {
        /// ISO time with its offset.
        start: String,
        /// ISO time with its offset.
        end: String,
    },
    /// Ask the case's board something.
    AskBoard {
        /// As it was typed.
        question: String,
    },
    /// Ask the others to look at the case.
    InviteToCase,
    /// Signed decisions of the case. Answered by `Shareable`.
    ListDecisions,
    /// Point to a signed decision of the case.
    ShareDecision {
        /// FHIR id of the CarePlan.
        decision: String,
    },
    /// Send a document of the case with its content.
    ShareDocument {
        /// Its id in the case's view.
        document: String,
    },
    /// Answer a structured message of somebody else.
    Answer {
        /// The message's id in the view.
        message: String,
        /// What.
        answer: FormAnswer,
    },
}

impl std::fmt::Debug for FormStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormStep([not shown])")
    }
}

/// What somebody says to a structured message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum FormAnswer {
    /// Yes.
    Accepted,
    /// No.
    Declined,
    /// Perhaps.
    Tentative,
}

/// What a structured message is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "form", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum FormView {
    /// Somebody is asked to look at the case.
    Invitation,
    /// Something is asked of the case's board.
    Question {
        /// In the sender's words.
        text: String,
    },
    /// A signed decision of the case.
    Recommendation {
        /// What a comparison with this person's own record said.
        check: DecisionCheck,
    },
    /// A time that is proposed.
    Appointment {
        /// ISO time.
        start: String,
        /// ISO time.
        end: String,
        /// Of each person who has answered.
        answers: Vec<FormAnsweredView>,
    },
    /// A document of the case.
    Document {
        /// What it is called.
        title: Option<String>,
        /// Its content, in the same message.
        file: Option<DocumentFileView>,
    },
    /// An answer to the message that it replies to.
    Answer {
        /// What.
        answer: FormAnswer,
    },
    /// A newer program wrote it.
    Newer,
}

impl std::fmt::Debug for FormView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormView([not shown])")
    }
}

/// Who has answered, and what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FormAnsweredView {
    /// Who.
    pub by: SenderView,
    /// What.
    pub answer: FormAnswer,
}

/// The file of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DocumentFileView {
    /// Name without path or control characters.
    pub name: String,
    /// Media type as the sender says.
    pub mimetype: Option<String>,
    /// Bytes.
    #[ts(type = "number | null")]
    pub size: Option<u64>,
}

/// Whether a recommendation is the signed decision in this person's own record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionCheck {
    /// Not compared yet.
    Pending,
    /// Its hash is that of the signed payload, and the signature holds.
    Matches,
    /// It was, and the decision was amended since.
    Replaced,
    /// Its hash is that of no signed payload of the decision, or the decision is of another patient.
    Differs,
    /// There is nothing to compare it with: this person may not read it, or no signature is there.
    Uncheckable,
}

/// Decisions that a conversation may be told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ShareableView {
    /// The newest first.
    pub decisions: Vec<ShareableDecisionView>,
}

/// A signed decision.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ShareableDecisionView {
    /// FHIR id of the CarePlan.
    pub id: String,
    /// ISO date of the conference.
    pub created: Option<String>,
    /// Its title, which names the board.
    pub title: Option<String>,
}

impl std::fmt::Debug for ShareableDecisionView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShareableDecisionView([not shown])")
    }
}
