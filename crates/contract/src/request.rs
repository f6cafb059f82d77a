//! The closed lists: everything the page may ask, every answer, every event, every place.

use crate::{
    ArrivalView, Attention, BegunView, BulkAccessView, CardView, CaseView, CasesView, ChatView, ConflictChoice,
    ConnectionView, ConversationView, DecisionView, DevicesView, DiagnosisView, DirectoryView, DocumentView, DraftView,
    FileDoorView, FormStep, FoundPeopleView, ImagesView, MeasurementView, MeasurementsView, MessageVersionsView,
    NamedView, OwnCardView, PermissionsView, PictureDoorView, PlatformView, PreloadView, PresentedView,
    ProofWantedView, ReceivedStudyView, RecoveryKeyView, RoundCheckView, RoundDevicesView, RoundSightView, RoundStep,
    RoundSurfacesView, RoundWayView, RoundsView, SeriesView, SessionView, SettingsView, ShareableView,
    SigningPreviewView, StartView, TextBlockView, TodayView, TrustStep, WantedView,
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
    /// Says that a task is done, or takes that back. Answered by `Today`, or by `Conflict` when somebody else changed
    /// the task since it was read.
    FinishTask {
        /// FHIR id of the Task.
        task: String,
        /// Whether it is done.
        done: bool,
    },
    /// How far the images of the next board lie here. Answered by `Preload`.
    OpenPreload,
    /// Fetch them, ahead of whoever opens them. `PreloadChanged` tells the rest.
    StartPreload,
    /// Stop that; what is here stays.
    StopPreload,
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
    /// A decision that the case lists, to read: checked anew, and not the one that is open. Answered by `Decision`.
    ReadDecision {
        /// FHIR id of the patient.
        patient: String,
        /// FHIR id of the CarePlan.
        decision: String,
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
    /// Exactly what would be signed; of a signed decision what was signed, to sign beside it. Answered by `SigningPreview`.
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
    /// Mark for signing what was previewed, while the platform cannot be reached. Answered by `Decision` once it is safe on
    /// disk. It is signed by `SignDecision` after another preview, and never by itself.
    MarkDecision {
        /// FHIR id of the patient.
        patient: String,
        /// Hash of the preview that the person saw.
        sha256: String,
    },
    /// Take the mark back, or say that one is known to be withdrawn. Answered by `Decision`.
    WithdrawMark {
        /// FHIR id of the patient.
        patient: String,
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
    /// "Nachrichten". Answered by `Chat`; `ChatChanged` tells the rest.
    OpenChat,
    /// Sign in to chat alone, in the system browser, after it stopped. `ChatChanged` tells the rest.
    ConnectChat,
    /// A conversation. Answered by `Conversation` with what this device has; `ConversationChanged` tells the rest.
    OpenConversation {
        /// The room's id.
        conversation: String,
    },
    /// The conversation is no longer on the screen.
    CloseConversation,
    /// Lines before the first one. `ConversationChanged` brings them.
    LoadEarlier {
        /// The room's id.
        conversation: String,
    },
    /// The conversation at the first line of a day or after it, as `Conversation` with its `past`; `NotFound` when
    /// nothing was written since. May take long where the homeserver does not find events by their time;
    /// `OpenConversation` gives it up, and brings back what is written now.
    OpenDay {
        /// The room's id.
        conversation: String,
        /// ISO date.
        day: String,
    },
    /// The open conversation where what this person had not read begins, as `Conversation` with its `past`; `NotFound`
    /// when that is not known, or the homeserver no longer has it.
    OpenUnread {
        /// The room's id.
        conversation: String,
    },
    /// Lines after the last one of a past. `ConversationChanged` brings them.
    LoadLater {
        /// The room's id.
        conversation: String,
    },
    /// Send a text. Answered by `Done` once it is safe on disk.
    SendMessage {
        /// The room's id.
        conversation: String,
        /// As it was typed.
        text: String,
        /// Whom it names.
        named: Vec<NamedView>,
        /// Event id of the message that it answers.
        reply_to: Option<String>,
    },
    /// Change an own message.
    EditMessage {
        /// The room's id.
        conversation: String,
        /// The message's id in the view.
        message: String,
        /// As it was typed.
        text: String,
        /// Whom it names.
        named: Vec<NamedView>,
    },
    /// Delete a message for everyone.
    RedactMessage {
        /// The room's id.
        conversation: String,
        /// The message's id in the view.
        message: String,
    },
    /// Add a reaction, or take it back.
    ToggleReaction {
        /// The room's id.
        conversation: String,
        /// The message's id in the view.
        message: String,
        /// One emoji.
        key: String,
    },
    /// Try a message again that was not taken, or what was done to one.
    RetryMessage {
        /// The room's id.
        conversation: String,
        /// The message's id in the view.
        message: String,
    },
    /// Give up a message that the homeserver does not have yet, or what was done to one: that is then as it was.
    CancelMessage {
        /// The room's id.
        conversation: String,
        /// The message's id in the view.
        message: String,
    },
    /// Send a file. Answered by `FileDoor`: the page opens it and gives the bytes as they are asked for.
    BeginAttachment {
        /// The room's id.
        conversation: String,
        /// The file's name.
        name: String,
        /// Bytes.
        #[ts(type = "number")]
        size: u64,
        /// When it was last changed, in milliseconds since 1970.
        #[ts(type = "number | null")]
        modified: Option<i64>,
        /// Media type, where it is known.
        mimetype: Option<String>,
        /// Width of a picture or a video, in pixels.
        width: Option<u32>,
        /// Height of a picture or a video, in pixels.
        height: Option<u32>,
    },
    /// Go on with a file whose bytes nobody has any more: the person has chosen it once more. It goes on after the parts
    /// that are done if size and time of the last change are the same, else it begins anew. Answered by `FileDoor`.
    TakeUpAttachment {
        /// The room's id.
        conversation: String,
        /// The file's id in the view.
        attachment: String,
        /// The chosen file's name.
        name: String,
        /// Bytes.
        #[ts(type = "number")]
        size: u64,
        /// When it was last changed, in milliseconds since 1970.
        #[ts(type = "number | null")]
        modified: Option<i64>,
        /// Media type, where it is known.
        mimetype: Option<String>,
    },
    /// Look which studies there are among files. Answered by `FileDoor`: the page opens it and gives the bytes of all of
    /// them, one file after the other, as they are asked for; the last word is `Studies`.
    LookAtFiles {
        /// The room's id.
        conversation: String,
        /// Bytes of each.
        #[ts(type = "number[]")]
        sizes: Vec<u64>,
    },
    /// Send a study that was found. Answered by `FileDoor`: the page gives the bytes of its files, in the order that the
    /// view says.
    BeginStudy {
        /// The room's id.
        conversation: String,
        /// The study's id in the view.
        study: String,
    },
    /// Send a study of the open case from the archive. Answered by `Done`; the conversation tells how far it is.
    SendStudy {
        /// The room's id.
        conversation: String,
        /// FHIR id of the patient.
        patient: String,
        /// Study Instance UID.
        study: String,
    },
    /// Go on with a file that stopped. Answered by `FileDoor`, or by `Done` where the program has its bytes; parts that are
    /// done are not asked for again.
    ResumeAttachment {
        /// The room's id.
        conversation: String,
        /// The file's id in the view.
        attachment: String,
    },
    /// Give up a file that is being sent.
    CancelAttachment {
        /// The room's id.
        conversation: String,
        /// The file's id in the view.
        attachment: String,
    },
    /// The bytes of a message's file. Answered by `FileDoor`.
    OpenAttachment {
        /// The room's id.
        conversation: String,
        /// The message's id in the view.
        message: String,
    },
    /// The small picture of a message. Answered by `FileDoor`.
    OpenThumbnail {
        /// The room's id.
        conversation: String,
        /// The message's id in the view.
        message: String,
    },
    /// Save the file of a message where downloads go, without giving it to the page. Answered by `FileDoor`, by which the
    /// page hears how far it is.
    SaveAttachment {
        /// The room's id.
        conversation: String,
        /// The message's id in the view.
        message: String,
    },
    /// A study of a message, to read. Answered by `ReceivedStudy`; `ReceivedStudyChanged` brings the rest.
    OpenReceivedStudy {
        /// The room's id.
        conversation: String,
        /// The message's id in the view.
        message: String,
    },
    /// The study of a message is no longer on the screen: what is here of it goes.
    CloseReceivedStudy,
    /// Make a series of the open study of a message ready for a viewport. Answered by `Series`.
    OpenReceivedSeries {
        /// The message's id in the view.
        message: String,
        /// Name of its entry in the strip.
        series: String,
    },
    /// Everything up to the last line was read.
    MarkRead {
        /// The room's id.
        conversation: String,
    },
    /// How much of a conversation this person wants to notice, on all devices.
    SetAttention {
        /// The room's id.
        conversation: String,
        /// How much.
        attention: Attention,
    },
    /// Nothing outside the window says that messages arrive, or it does again. Ends with the session.
    SetQuiet {
        /// Quiet from now on.
        quiet: bool,
    },
    /// Show a notice outside the window. It names no patient and repeats no message.
    ShowNotice {
        /// One line.
        title: String,
        /// A second one.
        body: Option<String>,
        /// The room's id of the conversation that opens when the notice is clicked.
        conversation: Option<String>,
    },
    /// The person writes, or no longer. Nobody is told unless the settings say so.
    SetTyping {
        /// The room's id.
        conversation: String,
        /// Whether something is being written.
        typing: bool,
    },
    /// What was typed and not sent. Answered by `Done` once it is safe on disk.
    KeepMessageDraft {
        /// The room's id.
        conversation: String,
        /// Empty text forgets it.
        text: String,
        /// Whom it names.
        named: Vec<NamedView>,
    },
    /// Take an invitation.
    JoinConversation {
        /// The room's id.
        conversation: String,
    },
    /// Leave a conversation and forget it, or refuse an invitation. One that this person is in no more is forgotten.
    LeaveConversation {
        /// The room's id.
        conversation: String,
    },
    /// People to write to, by name or address. Answered by `People`.
    FindPeople {
        /// As it was typed.
        words: String,
    },
    /// Services and people of the directory. Answered by `Directory`.
    SearchDirectory {
        /// As it was typed.
        words: String,
    },
    /// Who may write to this person first. Answered by `Permissions`.
    OpenPermissions,
    /// Decide it. Answered by `Permissions`.
    ChangePermissions {
        /// All of it.
        permissions: PermissionsView,
    },
    /// This person's own contact. Answered by `OwnCard`.
    OpenOwnCard,
    /// What somebody's card says, or an address in any of its forms. Answered by `Card`; nothing of it is kept.
    ReadCard {
        /// Its text.
        text: String,
    },
    /// Let somebody write to this person first.
    AcceptContact {
        /// Matrix user id.
        address: String,
    },
    /// Begin a conversation, or find the one that there is with a single person. Answered by `Begun`.
    BeginConversation {
        /// Matrix user ids.
        people: Vec<String>,
        /// With a name it is a group. A name is not encrypted: it never names a patient.
        name: Option<String>,
        /// FHIR id of the patient whose case it belongs to; it needs a name then.
        case: Option<String>,
    },
    /// Ask more people to come to a group. Answered by `Begun`.
    InviteToConversation {
        /// The room's id.
        conversation: String,
        /// Matrix user ids.
        people: Vec<String>,
    },
    /// Send somebody away from a group.
    RemoveFromConversation {
        /// The room's id.
        conversation: String,
        /// Matrix user id.
        person: String,
    },
    /// Give a group another name, which is not encrypted.
    RenameConversation {
        /// The room's id.
        conversation: String,
        /// It never names a patient.
        name: String,
    },
    /// Put a conversation among the favorites, or take it out again.
    SetFavorite {
        /// The room's id.
        conversation: String,
        /// Whether it is one.
        favorite: bool,
    },
    /// What a message said before it was changed. Answered by `Versions`.
    OpenVersions {
        /// The room's id.
        conversation: String,
        /// The line's id.
        message: String,
    },
    /// Say that a conversation belongs to a case, in the place of what it belonged to.
    LinkCase {
        /// The room's id.
        conversation: String,
        /// FHIR id of the patient.
        patient: String,
    },
    /// Make a recovery key, so that a new device reads older messages. Answered by `RecoveryKey`.
    SetUpRecovery,
    /// Use the recovery key on this device.
    Recover {
        /// As it was typed or pasted.
        key: String,
    },
    /// A structured message: send one, or answer one.
    Form {
        /// The room's id.
        conversation: String,
        /// What.
        step: FormStep,
    },
    /// Something about trust between people and devices.
    Trust {
        /// What.
        trust: TrustStep,
    },
    /// The rounds that this person can see. Answered by `Rounds`; `RoundsChanged` tells the rest.
    OpenRounds,
    /// Something about a round.
    Round {
        /// What.
        round: RoundStep,
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
    /// To `OpenToday` and `FinishTask`.
    Today(TodayView),
    /// To `OpenPreload`; none without an agenda or an image archive.
    Preload(Option<PreloadView>),
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
    /// To `OpenChat`.
    Chat(ChatView),
    /// To `OpenConversation`.
    Conversation(ConversationView),
    /// To `FindPeople`.
    People(FoundPeopleView),
    /// To `SearchDirectory`.
    Directory(DirectoryView),
    /// To `OpenPermissions` and `ChangePermissions`.
    Permissions(PermissionsView),
    /// To `OpenOwnCard`.
    OwnCard(OwnCardView),
    /// To `ReadCard`.
    Card(CardView),
    /// To `BeginConversation` and `InviteToConversation`.
    Begun(BegunView),
    /// To `OpenVersions`.
    Versions(MessageVersionsView),
    /// To `BeginAttachment` and its kin.
    FileDoor(FileDoorView),
    /// To `OpenReceivedStudy`.
    ReceivedStudy(ReceivedStudyView),
    /// To `SetUpRecovery`.
    RecoveryKey(RecoveryKeyView),
    /// Decisions that a conversation may be told of.
    Shareable(ShareableView),
    /// Own devices.
    Devices(DevicesView),
    /// The homeserver wants to know first who asks.
    ProofWanted(ProofWantedView),
    /// To `OpenRounds`.
    Rounds(RoundsView),
    /// Devices for rounds.
    RoundDevices(RoundDevicesView),
    /// What of the screens can be shown in a round.
    RoundSurfaces(RoundSurfacesView),
    /// How the microphone hears this person.
    RoundCheck(RoundCheckView),
    /// How the camera sees this person.
    RoundSight(RoundSightView),
    /// How sound and picture travel.
    RoundWay(RoundWayView),
    /// Where pictures of a round come from.
    PictureDoor(PictureDoorView),
    /// What is shown in a round, if anything is that this person may see.
    Presented(Option<PresentedView>),
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
    /// Images of the next board, also while another screen is shown.
    PreloadChanged(PreloadView),
    /// "Fälle", for the query that it names.
    CasesChanged(CasesView),
    /// The open case.
    CaseChanged(CaseView),
    /// The open case's studies.
    ImagesChanged(ImagesView),
    /// The open case's decision.
    DecisionChanged(DecisionView),
    /// "Nachrichten", also while another screen is shown: the rail counts.
    ChatChanged(ChatView),
    /// The open conversation.
    ConversationChanged(ConversationView),
    /// Messages arrived that are to be noticed, also while the desk is locked.
    MessagesArrived(ArrivalView),
    /// A notice outside the window was clicked: open this conversation.
    ConversationWanted(WantedView),
    /// The open study of a message.
    ReceivedStudyChanged(ReceivedStudyView),
    /// Rounds, also while another screen is shown: the bar of the running one is always there.
    RoundsChanged(RoundsView),
    /// What somebody shows in the round, as often as it changes; only of a case that this person has opened or that is
    /// the conversation's.
    Presented(PresentedView),
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
    /// "Nachrichten".
    Messages {
        /// The room's id of the open conversation.
        conversation: Option<String>,
    },
    /// "Runden".
    Rounds,
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
