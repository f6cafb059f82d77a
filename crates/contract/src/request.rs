//! The closed lists: everything the page may ask, every answer, every event, every place.

use crate::{
    BulkAccessView, CaseView, CasesView, ConflictChoice, ConnectionView, DecisionView, DiagnosisView, DocumentView,
    DraftView, ImagesView, MeasurementView, MeasurementsView, PlatformView, SeriesView, SessionView, SettingsView,
    SigningPreviewView, StartView, TextBlockView, TodayView,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the page asks.
#[expect(
    clippy::large_enum_variant,
    reason = "requests are few and live for one call; a box would only hide the draft"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Request {
    /// Everything the page needs at its start. Answered by `Started`.
    Start,
    /// Who is behind an address. Answered by `Platform`.
    Discover {
        /// Domain, e-mail address or invitation link.
        address: String,
    },
    /// Open the sign-in page in the system browser. `SessionChanged` tells the rest.
    SignIn {
        /// As in `Discover`.
        address: String,
    },
    /// Give up waiting for the browser.
    CancelSignIn,
    /// End the session here and at the provider.
    SignOut,
    /// Lock.
    Lock,
    /// Prove again who is there, in the browser.
    Unlock,
    /// The person did something: the idle clock starts again.
    Touch,
    /// "Heute". Answered by `Today`.
    OpenToday,
    /// "Fälle". Answered by `Cases`.
    OpenCases {
        /// Filter text.
        query: String,
    },
    /// A case. Answered by `Case` at once with what is known; `CaseChanged` brings the parts.
    OpenCase {
        /// FHIR id of the patient.
        patient: String,
    },
    /// A document's content. Answered by `Document`.
    ReadDocument {
        /// FHIR id of the patient.
        patient: String,
        /// FHIR id of the DocumentReference.
        document: String,
    },
    /// The studies of a case. Answered by `Images`; `ImagesChanged` brings the rest.
    OpenImages {
        /// FHIR id of the patient.
        patient: String,
    },
    /// Show a study whose number differs although name and birth date agree.
    ConfirmIdentity {
        /// FHIR id of the patient.
        patient: String,
        /// Study Instance UID.
        study: String,
    },
    /// Make a series ready for a viewport. Answered by `Series`.
    OpenSeries {
        /// FHIR id of the patient.
        patient: String,
        /// Study Instance UID.
        study: String,
        /// Name of its entry in the strip.
        series: String,
    },
    /// Let go of a series.
    CloseSeries {
        /// Its handle.
        handle: u32,
    },
    /// How to reach the bulk pipe. Answered by `BulkAccess`.
    OpenBulk,
    /// What this person has measured on the patient's images. Answered by `Measurements`.
    OpenMeasurements {
        /// FHIR id of the patient.
        patient: String,
    },
    /// The measurements of one series as they are now. Answered by `Done` once they are safe on disk.
    KeepMeasurements {
        /// FHIR id of the patient.
        patient: String,
        /// Name of its entry in the strip.
        series: String,
        /// All of the series; none deletes what was kept.
        measurements: Vec<MeasurementView>,
    },
    /// The decision of a case. Answered by `Decision`.
    OpenDecision {
        /// FHIR id of the patient.
        patient: String,
    },
    /// The draft as it is now. Answered by `Decision` once it is safe on disk.
    SaveDraft {
        /// FHIR id of the patient.
        patient: String,
        /// Whole content.
        draft: DraftView,
    },
    /// Choices between two texts. Answered by `Decision`.
    ResolveConflicts {
        /// FHIR id of the patient.
        patient: String,
        /// One a conflict.
        choices: Vec<ConflictChoice>,
    },
    /// Exactly what would be signed. Answered by `SigningPreview`.
    PreviewSigning {
        /// FHIR id of the patient.
        patient: String,
    },
    /// Sign what was previewed. `DecisionChanged` tells the rest.
    SignDecision {
        /// FHIR id of the patient.
        patient: String,
        /// Hash of the preview that the person saw.
        sha256: String,
    },
    /// Give up signing while the browser waits.
    CancelSigning {
        /// FHIR id of the patient.
        patient: String,
    },
    /// Begin an amendment of the signed decision. Answered by `Decision`.
    AmendDecision {
        /// FHIR id of the patient.
        patient: String,
    },
    /// This person's text blocks. Answered by `TextBlocks`.
    OpenTextBlocks,
    /// All text blocks as they are now. Answered by `Done` once they are safe on disk.
    KeepTextBlocks {
        /// In the order to show.
        blocks: Vec<TextBlockView>,
    },
    /// Check payload, signature and record. Answered by `Decision`.
    VerifyDecision {
        /// FHIR id of the patient.
        patient: String,
    },
    /// New settings. Answered by `Settings`.
    ChangeSettings {
        /// All of them; `fixed` is ignored.
        settings: SettingsView,
    },
    /// Where the person is, so that a crashed page comes back there.
    RememberPlace {
        /// The place.
        place: Place,
    },
    /// What "Verbindung und Diagnose" shows. Answered by `Diagnosis`.
    Diagnose,
    /// Faults that the page caught: for the log.
    ReportFaults {
        /// One line each, without patient data.
        lines: Vec<String>,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", content = "value", rename_all = "kebab-case")]
pub enum Reply {
    /// Taken; events tell the rest.
    Done,
    /// To `Start`.
    Started(StartView),
    /// To `Discover`.
    Platform(PlatformView),
    /// To `OpenToday`.
    Today(TodayView),
    /// To `OpenCases`.
    Cases(CasesView),
    /// To `OpenCase`.
    Case(CaseView),
    /// To `ReadDocument`.
    Document(DocumentView),
    /// To `OpenImages`.
    Images(ImagesView),
    /// To `OpenSeries`.
    Series(SeriesView),
    /// To `OpenBulk`.
    BulkAccess(BulkAccessView),
    /// To `OpenMeasurements`.
    Measurements(MeasurementsView),
    /// To `OpenDecision` and its kin.
    Decision(DecisionView),
    /// To `OpenTextBlocks`.
    TextBlocks(Vec<TextBlockView>),
    /// To `PreviewSigning`.
    SigningPreview(SigningPreviewView),
    /// To `ChangeSettings`.
    Settings(SettingsView),
    /// To `Diagnose`.
    Diagnosis(DiagnosisView),
}

/// A fact, with the whole view model it changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", content = "value", rename_all = "kebab-case")]
pub enum Event {
    /// Signed in, out, locked, waiting.
    SessionChanged(SessionView),
    /// Settings, also from another window.
    SettingsChanged(SettingsView),
    /// The platform answers again, or no longer.
    ConnectionChanged(ConnectionView),
    /// "Heute".
    TodayChanged(TodayView),
    /// "Fälle", for the query that it names.
    CasesChanged(CasesView),
    /// The open case.
    CaseChanged(CaseView),
    /// The open case's studies.
    ImagesChanged(ImagesView),
    /// The open case's decision.
    DecisionChanged(DecisionView),
}

/// Where the person is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "screen", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Place {
    /// "Heute".
    Today,
    /// "Fälle".
    Cases,
    /// A case.
    Case {
        /// FHIR id of the patient.
        patient: String,
        /// Which tab.
        tab: CaseTab,
    },
    /// "Einstellungen".
    Settings,
}

/// A tab of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum CaseTab {
    /// Übersicht.
    Overview,
    /// Bilder.
    Images,
    /// Befunde.
    Documents,
    /// Labor.
    Laboratory,
    /// Verlauf.
    Timeline,
    /// Beschlüsse.
    Decision,
}
