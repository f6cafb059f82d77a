//! What somebody shows of a case's images to the others in a round: their presentation state, which every other one
//! draws from the images of their own archive. Pixels are never in it.

use crate::{Failure, VoiFunction};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Who shows images in a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PresentingView {
    /// The id that they have among the round's people.
    pub person: String,
    /// This device shows.
    pub here: bool,
    /// Of which case.
    pub case: PresentedCase,
    /// What the others see, of each who has said so; told to whoever shows.
    pub watching: Vec<WatchingView>,
}

/// Of which case images are shown, and whether this person sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum PresentedCase {
    /// Nothing is shown yet.
    Coming,
    /// Another one than the conversation's: nothing of it is fetched before this person says so.
    Asking {
        /// Names it in `OpenPresentedCase`: by the time of the answer it may be another one.
        number: u32,
    },
    /// It is being looked for.
    Opening,
    /// It may be shown.
    Open {
        /// FHIR id of the patient.
        patient: String,
    },
    /// This person cannot open it.
    Closed {
        /// As in `Asking`.
        number: u32,
        /// Why.
        failure: Failure,
    },
}

/// What somebody sees of that which is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WatchingView {
    /// The id that they have among the round's people.
    pub person: String,
    /// What they see.
    pub seen: SeenView,
}

/// How far somebody sees what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SeenView {
    /// Why it is not seen; absent where it is.
    pub why: Option<NotSeen>,
    /// Images of the series that are there.
    pub done: u32,
    /// Images of the series.
    pub of: u32,
}

/// Why somebody does not see what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum NotSeen {
    /// The image is on its way.
    Loading,
    /// They may not open the case.
    NoAccess,
    /// Their archive does not have it.
    NotFound,
    /// Their archive has it of another person.
    OtherPatient,
    /// Their program cannot show it.
    NotDisplayable,
    /// They look at something else.
    Aside,
}

/// What is shown at the moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PresentedView {
    /// Of two of one round the greater is the newer.
    pub serial: u32,
    /// FHIR id of the patient.
    pub patient: String,
    /// The presentation state.
    pub presentation: Presentation,
}

/// A presentation state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Presentation {
    /// How the viewports share the image area: `1x1`, `1x2` (one row of two), `2x1` or `2x2`.
    pub layout: String,
    /// The place that the presenter works in, from 0.
    pub active: u32,
    /// What the places show; one that is empty is left out. Nine at most.
    pub views: Vec<PresentedViewport>,
    /// Where the presenter points.
    pub pointer: Option<PresentedPointer>,
    /// What the presenter has measured on these images. 64 at most.
    pub marks: Vec<PresentedMark>,
}

/// What one viewport shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PresentedViewport {
    /// Its place, from 0.
    pub place: u32,
    /// Study Instance UID.
    pub study: String,
    /// Name of the series' entry in the strip.
    pub series: String,
    /// SOP Instance UID.
    pub instance: String,
    /// Frame number within the instance, from 1.
    pub frame: u32,
    /// Where the image lies in the patient; absent where it has no geometry, and then all points are columns and rows
    /// of the frame, in pixels from the outer corner of the first one, with a third number of 0.
    pub plane: Option<PresentedPlane>,
    /// What is in the middle of the viewport: mm in the patient (LPS), or pixels.
    pub center: [f64; 3],
    /// Height of the visible field, in mm or in pixels of the finer spacing; 1 to 5,000 mm.
    pub height: f64,
    /// How values become grey.
    pub voi: PresentedVoi,
    /// Low values are bright.
    pub inverted: bool,
    /// Left and right of the image exchanged, and top and bottom; before it is turned.
    pub flipped: [bool; 2],
    /// Quarter turns clockwise, 0 to 3.
    pub turns: u32,
}

/// Where an image lies in the patient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PresentedPlane {
    /// Image Position (Patient), in mm.
    pub origin: [f64; 3],
    /// Direction of a row, as Image Orientation (Patient) says it.
    pub row: [f64; 3],
    /// Direction of a column.
    pub column: [f64; 3],
}

/// How values become grey.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "by", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum PresentedVoi {
    /// As each frame is stored.
    AsStored,
    /// By a window, in rescaled values.
    Window {
        /// Window Center.
        center: f64,
        /// Window Width.
        width: f64,
        /// VOI LUT Function.
        function: VoiFunction,
    },
    /// By the table at this place of each frame's list.
    Table {
        /// The place, from 0.
        place: u32,
    },
}

/// A measurement of the presenter. Everybody measures the same points on the image of their own archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PresentedMark {
    /// The presenter's own id of it.
    pub id: String,
    /// SOP Instance UID of the image it lies on.
    pub instance: String,
    /// Frame number within the instance, from 1.
    pub frame: u32,
    /// What was measured.
    pub shape: PresentedShape,
    /// As the presenter's screen writes it.
    pub text: String,
}

/// The points of a measurement, as `center` is given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum PresentedShape {
    /// A distance.
    Length {
        /// Its beginning.
        from: [f64; 3],
        /// Its end.
        to: [f64; 3],
    },
    /// The value at a point.
    Probe {
        /// The point.
        at: [f64; 3],
    },
}

/// Where somebody points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PresentedPointer {
    /// The viewport's place.
    pub place: u32,
    /// The point, as `center` is given.
    pub at: [f64; 3],
}
