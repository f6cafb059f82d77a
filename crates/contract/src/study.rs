//! Studies in conversations: what is said about one before it is opened, and one that came.

use crate::{Failure, IdentityGrade, IdentityView, ImagesView};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a study is, in a few words: "CT, 135 Bilder". Of a study that came it is what the sender says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct StudyLabelView {
    /// Modalities as DICOM writes them, the one with most images first.
    pub modality: Vec<String>,
    /// Images.
    pub images: u32,
    /// Series.
    pub series: u32,
}

/// A study that was found among files.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RecognizedStudyView {
    /// Names it for `BeginStudy`.
    pub id: String,
    /// What it is.
    pub label: StudyLabelView,
    /// Body Part Examined as DICOM writes it.
    pub body_part: Option<String>,
    /// Name of its file in the conversation; it names nobody.
    pub name: String,
    /// Bytes of that file.
    #[ts(type = "number")]
    pub size: u64,
    /// Places of its files among those that were looked at, in the order in which `BeginStudy` asks for them.
    pub files: Vec<u32>,
    /// Why it cannot be sent.
    pub failure: Option<Failure>,
}

impl std::fmt::Debug for RecognizedStudyView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecognizedStudyView([not shown])")
    }
}

/// A study that came in a conversation, opened for reading. It is shown under the name that its images carry, whatever
/// case is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedStudyView {
    /// The room's id.
    pub conversation: String,
    /// The message's id in the view of the conversation.
    pub message: String,
    /// Of two states of one study the greater is the newer.
    pub serial: u32,
    /// How far it is.
    pub state: ReceivedStateView,
    /// Whom the images name.
    pub patient: Option<IdentityView>,
    /// Whom the conversation's case is about, where this person may open it.
    pub case: Option<IdentityView>,
    /// What the comparison of the two said.
    pub comparison: Option<IdentityGrade>,
    /// The study. Its `patient` is no id of a record: nothing of a case can be asked for with it.
    pub images: ImagesView,
    /// Files in it that are no images of this study.
    pub left_out: u32,
    /// Images that came damaged.
    pub damaged: u32,
}

/// How far a study that came is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ReceivedStateView {
    /// On its way here.
    Fetching {
        /// Bytes that came.
        #[ts(type = "number")]
        moved: u64,
        /// Of so many, as far as that is known.
        #[ts(type = "number | null")]
        total: Option<u64>,
    },
    /// It can be read.
    Ready,
    /// It cannot be read.
    Failed {
        /// Why.
        failure: Failure,
    },
}
