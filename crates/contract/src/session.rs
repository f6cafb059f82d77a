//! Sign-in, lock, settings, connection: what the frame shows.

use crate::{Failure, Place};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Everything the page needs at its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct StartView {
    /// Who is here.
    pub session: SessionView,
    /// How it looks.
    pub settings: SettingsView,
    /// Whether the platform answers.
    pub connection: ConnectionView,
    /// Where the person was, after a crash of the page.
    pub place: Place,
    /// The program's version.
    pub version: String,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum SessionView {
    /// Nobody. `address` is what was used last.
    SignedOut {
        /// The address typed or set before.
        address: Option<String>,
        /// True when IT set it: the field is not shown.
        address_fixed: bool,
        /// Why the last session or attempt ended, if it did not end as wished.
        failure: Option<Failure>,
    },
    /// The system browser has the page open.
    Waiting {
        /// The platform being signed in to.
        platform: PlatformView,
        /// ISO time when the attempt ends by itself.
        until: String,
        /// The page's address, to open it in another browser.
        link: String,
    },
    /// Signed in, but locked.
    Locked {
        /// Whose desk this is.
        person: PersonView,
        /// ISO time since when.
        since: String,
        /// True while the browser page for unlocking is open.
        waiting: bool,
        /// That page's address, to open it in another browser; absent while nothing waits.
        link: Option<String>,
        /// Why the last attempt to unlock failed.
        failure: Option<Failure>,
        /// A round goes on, without this person's picture and with their microphone off.
        in_round: bool,
    },
    /// At work.
    SignedIn {
        /// Who.
        person: PersonView,
        /// Where.
        platform: PlatformView,
        /// ISO time of the lock, unless somebody does something before; absent until it is near.
        locks_at: Option<String>,
    },
}

/// A platform as its discovery document names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PlatformView {
    /// The organisation's name.
    pub name: String,
    /// Its host, as the person knows it.
    pub host: String,
    /// The identity provider's host.
    pub sign_in_host: String,
    /// Telephone of its support.
    pub support_phone: Option<String>,
    /// E-mail of its support.
    pub support_mail: Option<String>,
}

/// The signed-in person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PersonView {
    /// Full name with title: "Dr. med. Amina Falkenried".
    pub name: String,
    /// How the person is addressed: "Dr. Falkenried".
    pub short_name: String,
    /// `female`, `male` or absent: for "Frau" and "Herr".
    pub gender: Option<String>,
    /// Initials for the picture.
    pub initials: String,
    /// The house.
    pub organization: Option<String>,
    /// The speciality.
    pub specialty: Option<String>,
    /// What the person may be offered.
    pub may: Vec<Permission>,
}

/// What the frame may offer. The platform still decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Read case records and images.
    ReadCases,
    /// Write the draft of a decision.
    WriteDecision,
    /// Sign a decision.
    SignDecision,
}

/// Whether the platform answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ConnectionView {
    /// It answers, or nothing was asked yet.
    Online,
    /// It does not.
    Offline {
        /// ISO time since when.
        since: String,
    },
}

/// The person's settings, with what IT has set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    /// `office` (light) or `reading-room` (dark).
    pub theme: Theme,
    /// The language of the program.
    pub language: Language,
    /// Percent, 90 to 150.
    pub font_size: u16,
    /// Size of corner text in the images in px, 11 to 18.
    pub image_text_size: u16,
    /// Minutes without input until the lock; 3 to 60.
    pub lock_after_minutes: u16,
    /// Which way bulk bytes take; `auto` probes at start.
    pub bulk_way: BulkWay,
    /// What draws the images; `auto` takes the graphics processor where there is one.
    pub drawing: Drawing,
    /// The program knows that this computer has no graphics processor, and the page cannot see it.
    pub computed_graphics: bool,
    /// Single-letter shortcuts on (WCAG 2.1.4).
    pub letter_keys: bool,
    /// Others are told that this person writes, and this person is told of them.
    pub typing_notices: bool,
    /// Others are told how far this person has read, and this person is told of them.
    pub read_receipts: bool,
    /// Notices outside the window when messages arrive.
    pub notices: bool,
    /// They name who wrote.
    pub notice_names: bool,
    /// Names of the settings that IT has fixed.
    pub fixed: Vec<String>,
}

/// Colours of the frame; never of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// "Büro".
    Office,
    /// "Lesesaal".
    ReadingRoom,
}

/// A language of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// German.
    De,
    /// English.
    En,
}

/// How pixels reach the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum BulkWay {
    /// Probe at start.
    Auto,
    /// Loopback WebSocket.
    Socket,
    /// The program's own URI scheme.
    Scheme,
}

/// What draws the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Drawing {
    /// The graphics processor where there is one, else the processor.
    Auto,
    /// The graphics processor, or what the system computes in its stead.
    Graphics,
    /// The processor.
    Processor,
}

/// What "Verbindung und Diagnose" shows; every line may be copied to IT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosisView {
    /// Name and value, in the order to show.
    pub lines: Vec<DiagnosisLine>,
}

/// One line of the diagnosis. Holds no patient data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosisLine {
    /// A key the page has a word for: `version`, `profile`, `platform`, `keyring`, `workers`, …
    pub key: String,
    /// The value.
    pub value: String,
}
