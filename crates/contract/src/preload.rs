//! Images of the next board on their way to this computer before anybody opens them.

use crate::Failure;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How far the images of an agenda's cases lie on this computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PreloadView {
    /// Of two states the greater is the newer, whichever of answer and event arrived first.
    pub serial: u32,
    /// FHIR id of the session's Appointment.
    pub session: String,
    /// What goes on.
    pub state: PreloadState,
    /// Images that lie here.
    pub images: u32,
    /// Of so many: those that the record names, until the archive has said how many it holds; absent while that is not
    /// known of every case.
    pub of: Option<u32>,
    /// Bytes that they take here.
    #[ts(type = "number")]
    pub bytes: u64,
    /// About so many bytes all of them will take; absent until the archive has said how large the images are.
    #[ts(type = "number | null")]
    pub of_bytes: Option<u64>,
    /// In the agenda's order.
    pub cases: Vec<PreloadCaseView>,
}

/// What goes on with the images of an agenda.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum PreloadState {
    /// Nothing, and something is lacking.
    Idle,
    /// They come.
    Running {
        /// Bytes a second, once that can be said.
        #[ts(type = "number | null")]
        rate: Option<u64>,
        /// Seconds until all are here, once that can be said.
        seconds: Option<u32>,
    },
    /// The platform cannot be reached; it goes on by itself.
    Waiting,
    /// All that the record names lies here.
    Done {
        /// ISO time when the last of them came; absent where there was nothing to fetch.
        at: Option<String>,
    },
    /// All that could be had lies here, and some could not.
    Partly {
        /// Cases that lack something.
        cases: u32,
    },
    /// There is no room for more.
    Full {
        /// Cases that lie here whole.
        cases: u32,
        /// The disk is full; else what this program may take of it.
        disk: bool,
    },
}

/// How far the images of one case lie here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PreloadCaseView {
    /// FHIR id of the patient.
    pub patient: String,
    /// How far.
    pub state: PreloadCaseState,
    /// Studies of another person that are filed under this one: nothing of them was fetched.
    pub refused: u32,
    /// Studies under another number, which somebody confirms one by one when the case is open: not fetched either.
    pub unconfirmed: u32,
    /// Images that did not come.
    pub missing: u32,
    /// Why.
    pub failure: Option<Failure>,
}

/// How far the images of a case lie here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum PreloadCaseState {
    /// Some are lacking, or nothing is known of them.
    Lacking,
    /// They are coming.
    Coming,
    /// All are here.
    Here,
    /// There are none.
    Without,
}
