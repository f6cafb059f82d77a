//! Errors as the page sees them: a code somebody acts on, and a technical detail for the log.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What went wrong, in a word that the page has a text for in every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCode {
    /// The address is no domain, e-mail address or invitation link.
    AddressUnreadable,
    /// The host answered, but it offers no Konsil platform.
    PlatformNotFound,
    /// No answer from the platform.
    PlatformUnreachable,
    /// The platform's discovery document is of a newer kind.
    PlatformTooNew,
    /// The certificate is not trusted; the detail names the issuer.
    CertificateNotTrusted,
    /// This computer's clock and the provider's differ; the detail is the difference in minutes.
    ClockSkew,
    /// The person closed or refused the browser page.
    SignInCancelled,
    /// The provider's answer could not be trusted.
    SignInRefused,
    /// The account has no role for this program.
    NoRole,
    /// The account has roles, and none of them opens cases.
    RoleWithoutCases,
    /// The session ended at the provider; sign in again.
    SessionEnded,
    /// The platform says no.
    NotAllowed,
    /// The platform does not have it.
    NotFound,
    /// Somebody else saved first.
    Conflict,
    /// The platform refused what was sent; the detail is its diagnosis.
    Rejected,
    /// The platform says no and not why.
    Refused,
    /// What was sent is larger than the platform takes.
    TooLarge,
    /// The platform has too much to do, or a fault of its own: later it may say something else.
    TryLater,
    /// The platform failed.
    PlatformFailed,
    /// An answer could not be read.
    AnswerUnreadable,
    /// The OS keyring is missing, locked or refused.
    KeyringUnavailable,
    /// The local store cannot be read with this key.
    StoreUnreadable,
    /// A newer program wrote the local store.
    StoreNewer,
    /// No space left on this device.
    DiskFull,
    /// What IT set for this computer cannot be used; the detail names the file.
    MachineSettingsUnreadable,
    /// Another program uses this profile.
    ProfileInUse,
    /// The file is no DICOM file.
    NotDicom,
    /// The file ends too early.
    ImageTruncated,
    /// The pixel encoding is not supported.
    EncodingUnsupported,
    /// The pixel data is damaged.
    ImageDamaged,
    /// Decoding took too much time or memory.
    DecoderStopped,
    /// The image belongs to another person than the record.
    OtherPatient,
    /// This kind of object has no picture.
    NotDisplayable,
    /// The program is locked.
    Locked,
    /// A field is missing or wrong; the detail names it.
    InvalidInput,
    /// The decision is already signed.
    AlreadySigned,
    /// The recovery key is not the one of this account.
    RecoveryKeyWrong,
    /// The identity of somebody in the conversation has changed, and nothing is decided yet.
    IdentityChanged,
    /// There is no other device, or the person has no key to compare.
    NothingToCompare,
    /// The homeserver wants a proof of who asks that cannot be given here.
    ProofImpossible,
    /// What this device keeps of chat is damaged.
    ChatStoreDamaged,
    /// The homeserver offers no way of signing in that this program knows.
    ChatSignInUnknown,
    /// The message is too long.
    MessageTooLong,
    /// The file is larger than the homeserver takes, or than this program holds; the detail is the largest in bytes.
    FileTooLarge,
    /// The file could not be read to its end, or changed meanwhile.
    FileUnreadable,
    /// The file is not what was sent.
    FileAltered,
    /// The file could not be written where it goes.
    FileNotSaved,
    /// The platform names no media server, so no round can be held.
    NoRounds,
    /// The media server or its token service does not let this person into the round.
    RoundRefused,
    /// A bug of ours.
    Internal,
}

/// A refusal or fault on its way to the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What the page says about it.
    pub code: FailureCode,
    /// For the log and the code for IT; never shown as a sentence, never about a patient.
    pub detail: String,
}

impl Failure {
    /// A failure with its technical detail.
    pub fn new(code: FailureCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// Whether a view is what the platform says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Freshness {
    /// Read from the platform.
    #[default]
    Current,
    /// Kept on this device from an earlier reading, whose time is the view's `as_of`. Never shown as current.
    Kept {
        /// Why it could not be read anew; absent while it is being read.
        failure: Option<Failure>,
    },
}

/// A part of a view that loads and fails by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Part<T> {
    /// Asked for, not answered.
    Loading,
    /// Here; `more` when the stated cap was reached and the platform holds further entries.
    Ready {
        /// The content.
        value: T,
        /// True when the list was cut at its cap.
        more: bool,
    },
    /// The platform answered: nothing.
    Empty,
    /// 401 or 403.
    Denied,
    /// The platform does not offer this.
    Absent,
    /// The platform failed or could not be reached.
    Failed {
        /// Why.
        failure: Failure,
    },
}
