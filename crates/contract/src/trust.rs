//! Trust between people and devices: own devices, comparing two of them, and people whose identity has changed.

use crate::SenderView;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the page asks about trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "step", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum TrustStep {
    /// Own devices. Answered by `Devices`.
    OpenDevices,
    /// Give an own device another name.
    RenameDevice {
        /// Its id.
        device: String,
        /// As it was typed.
        name: String,
    },
    /// End the session of another own device. Answered by `Done`, or by `ProofWanted`.
    EndDevice {
        /// Its id.
        device: String,
        /// Absent the first time.
        proof: Option<ProofGiven>,
    },
    /// A new identity, when neither recovery key nor another device is left. Answered by `Done`, or by `ProofWanted`.
    ResetIdentity {
        /// Absent the first time.
        proof: Option<ProofGiven>,
    },
    /// Ask another own device to compare. `ChatChanged` tells the rest.
    VerifyDevice {
        /// Its id; absent: any that is confirmed.
        device: Option<String>,
    },
    /// Ask somebody to compare. `ChatChanged` tells the rest.
    VerifyPerson {
        /// Matrix user id.
        person: String,
    },
    /// Take what the other side asks.
    AcceptVerification,
    /// Both sides show the same, or not.
    CompareVerification {
        /// Whether they do.
        same: bool,
    },
    /// Give the comparison up, or forget one that has ended.
    LeaveVerification,
    /// Take somebody's new identity, without a comparison.
    AcceptIdentity {
        /// The room's id.
        conversation: String,
        /// Matrix user id.
        person: String,
    },
}

/// A proof of who asks.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "way", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ProofGiven {
    /// The password of the account.
    Password {
        /// As `ProofWanted` says.
        session: String,
        /// As it was typed.
        password: String,
    },
    /// The person has confirmed it in the browser.
    Browser {
        /// As `ProofWanted` says.
        session: String,
    },
}

impl std::fmt::Debug for ProofGiven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProofGiven([not shown])")
    }
}

/// What the homeserver wants before it does what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProofWantedView {
    /// Belongs into the proof.
    pub session: String,
    /// How to prove it.
    pub way: ProofWay,
    /// Whether the proof before was wrong.
    pub again: bool,
}

/// How a person proves who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ProofWay {
    /// With the password of the account.
    Password,
    /// In the system browser, which has been opened.
    Browser,
}

/// Own devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DevicesView {
    /// This one first, then the one that was seen last.
    pub devices: Vec<OwnDeviceView>,
}

/// A device that is signed in to the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OwnDeviceView {
    /// Names it.
    pub id: String,
    /// As the person called it.
    pub name: Option<String>,
    /// Whether it is this one.
    pub this: bool,
    /// What is known of it.
    pub trust: DeviceTrust,
    /// ISO time when the homeserver saw it last, where it says so.
    pub last_seen: Option<String>,
}

/// What is known of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceTrust {
    /// The person has confirmed it.
    Confirmed,
    /// Not yet.
    Unconfirmed,
    /// It reads no message.
    NoKeys,
}

/// A comparison of two devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ComparisonView {
    /// Names it while it lasts.
    pub id: String,
    /// Who is at the other end.
    pub with: CounterpartView,
    /// Whether the other side began it.
    pub by_them: bool,
    /// How far it is.
    pub state: ComparisonStateView,
}

/// Who is at the other end of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "who", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum CounterpartView {
    /// Another own device.
    Device {
        /// Its name, once it is known which one answers.
        name: Option<String>,
    },
    /// Somebody else.
    Person {
        /// Who.
        person: SenderView,
    },
}

/// How far a comparison is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ComparisonStateView {
    /// The other side has been asked.
    Waiting,
    /// The other side asks.
    Asked,
    /// Both take part; there is nothing to see yet.
    Agreeing,
    /// The person compares.
    Comparing {
        /// Seven places in the Matrix specification's table of emoji, from 0 to 63; absent where the other program has
        /// none.
        emoji: Option<Vec<u8>>,
        /// Three numbers.
        numbers: Vec<u16>,
    },
    /// This side has said that all is alike; the other one has not yet.
    Confirming,
    /// Both have.
    Done,
    /// It ended before, and nobody is trusted for it.
    Ended {
        /// Why.
        end: ComparisonEnd,
    },
}

/// Why a comparison ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ComparisonEnd {
    /// The two sides did not show the same.
    Mismatch,
    /// This side gave it up.
    Cancelled,
    /// The other side did.
    Refused,
    /// Nobody did anything for too long.
    Timeout,
    /// Another device of the person took it.
    Elsewhere,
    /// The two programs did not understand each other, or the homeserver did not answer.
    Failed,
}

/// Somebody whose identity has changed, and about whom nothing is decided yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ChangedIdentityView {
    /// Who.
    pub person: SenderView,
    /// Whether the former identity was confirmed by a comparison.
    pub was_confirmed: bool,
}
