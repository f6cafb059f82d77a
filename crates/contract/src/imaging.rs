//! Studies, series and what a viewport needs to draw them. Pixels go by the bulk pipe, never here.

use crate::{Failure, IdentityView};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The screen "Bilder" of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ImagesView {
    /// FHIR id of the patient.
    pub patient: String,
    /// Of two states of one patient's view the greater is the newer, whichever of answer and event arrived first.
    pub serial: u32,
    /// Studies, newest first.
    pub studies: Vec<StudyView>,
    /// True until every study has answered.
    pub loading: bool,
    /// Why studies are missing from the list, if the archive failed.
    pub failure: Option<Failure>,
}

/// A study with its series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct StudyView {
    /// Study Instance UID.
    pub study: String,
    /// Description.
    pub description: String,
    /// ISO date or time.
    pub at: Option<String>,
    /// House that made it.
    pub institution: Option<String>,
    /// What the comparison of persons said.
    pub identity: IdentityGrade,
    /// Series in order; empty when the study is refused.
    pub series: Vec<SeriesEntryView>,
}

/// Whether the study is this patient's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "grade", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum IdentityGrade {
    /// The same person.
    Same,
    /// The same but for spelling; the mark stays.
    Spelling {
        /// As the images say.
        other: IdentityView,
    },
    /// Name and birth date agree, the number does not: shown after confirmation.
    Unclear {
        /// As the images say.
        other: IdentityView,
        /// True once the person has confirmed it.
        confirmed: bool,
    },
    /// Another person: not shown.
    Other {
        /// As the images say.
        other: IdentityView,
    },
}

/// A series in the strip, or the part of one whose images have one size and kind of pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SeriesEntryView {
    /// Names the entry: the Series Instance UID, and for the parts of a series behind the first one `~2`, `~3`, …
    pub series: String,
    /// Modality: `CT`, `PT`, …
    pub modality: String,
    /// Description, behind the size of the images for further parts.
    pub description: String,
    /// Series number.
    pub number: Option<i32>,
    /// Images.
    pub instances: u32,
    /// True when there are pictures to show.
    pub displayable: bool,
    /// Bulk handle of a one-frame picture, `rgb8` or `u8`, ready to show as it is; absent if none.
    pub thumbnail: Option<u32>,
}

/// A series opened for a viewport.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SeriesView {
    /// Names the series on the bulk pipe and in the viewer.
    pub handle: u32,
    /// Study Instance UID.
    pub study: String,
    /// Name of the entry in the strip.
    pub series: String,
    /// Modality.
    pub modality: String,
    /// Description, as in the strip.
    pub description: String,
    /// Columns of every frame.
    pub columns: u32,
    /// Rows of every frame.
    pub rows: u32,
    /// How stored values arrive.
    pub format: FrameFormat,
    /// Frames in the order of the stack.
    pub frames: Vec<FrameView>,
    /// Row and column spacing in mm (between rows, between columns); absent when uncalibrated.
    pub spacing: Option<[f64; 2]>,
    /// Where the spacing comes from.
    pub calibration: Calibration,
    /// Whether the frames are one volume of parallel, equally spaced planes.
    pub volume: Option<VolumeView>,
    /// What is odd about the stack, as keys the page has words for: `gap`, `mixed-orientation`, …
    pub notes: Vec<String>,
    /// Unit of rescaled values: `HU`, `US` (unspecified), …; absent when unknown.
    pub unit: Option<String>,
    /// True for MONOCHROME1: low values are bright.
    pub inverted: bool,
    /// Windows stored with the images.
    pub windows: Vec<WindowView>,
    /// Window to begin with, in rescaled values, of every frame that names none of its own.
    pub window: WindowView,
    /// "Weichteil", "Lunge", …: keys of the presets that fit the modality, in the order of the digits.
    pub presets: Vec<PresetView>,
    /// The stored bytes are lossy: the corner says so.
    pub lossy: bool,
    /// What pixels mean, each kind once; frames point here.
    pub pixels: Vec<PixelsView>,
    /// Look-up tables; `pixels` point here.
    pub tables: Vec<TableView>,
}

/// What the pixels of frames mean beyond slope and intercept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PixelsView {
    /// Least and greatest stored value that is no part of the picture (PS3.3 C.7.5.1.1.2).
    pub padding: Option<[i32; 2]>,
    /// The table that stands in place of slope and intercept (PS3.3 C.11.1).
    pub modality: Option<u32>,
    /// Tables that may stand in place of a window (PS3.3 C.11.2.1.1).
    pub voi: Vec<u32>,
    /// Stored without a window: the first of `voi` is what the frame begins with.
    pub begins_with_table: bool,
    /// The frame's own window, where it is not the series'.
    pub window: Option<WindowView>,
    /// The frame's own polarity, where it is not the series'.
    pub inverted: Option<bool>,
    /// The frame's own scale, where it is not the series'.
    pub scale: Option<ScaleView>,
}

/// How to read distances in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ScaleView {
    /// Row and column spacing in mm; absent when uncalibrated.
    pub spacing: Option<[f64; 2]>,
    /// Where the spacing comes from.
    pub calibration: Calibration,
}

/// A look-up table of the Modality LUT or VOI LUT Sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TableView {
    /// The first input that is mapped; others outside take the first or the last entry.
    pub first: i32,
    /// The greatest value that an entry may have.
    pub greatest: u16,
    /// Entries.
    pub entries: Vec<u16>,
    /// Explanation stored with it.
    pub name: Option<String>,
}

/// How stored values travel and lie in the texture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum FrameFormat {
    /// 8 bit unsigned.
    U8,
    /// 16 bit unsigned.
    U16,
    /// 16 bit signed.
    I16,
    /// Colour, ready to show.
    Rgb8,
}

/// One frame of a stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FrameView {
    /// SOP Instance UID.
    pub instance: String,
    /// Frame number within the instance, from 1.
    pub frame: u32,
    /// Instance number, for the corner.
    pub number: Option<i32>,
    /// Image Position (Patient) in mm.
    pub position: Option<[f64; 3]>,
    /// Image Orientation (Patient): row and column direction.
    pub orientation: Option<[f64; 6]>,
    /// Slice thickness in mm.
    pub thickness: Option<f64>,
    /// Slope from stored to rescaled value.
    pub slope: f64,
    /// Intercept.
    pub intercept: f64,
    /// Which of the series' `pixels` it has.
    pub pixels: u32,
}

/// Geometry of a volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct VolumeView {
    /// Distance of neighbouring planes in mm.
    pub plane_distance: f64,
}

/// Where a distance in mm comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Calibration {
    /// Pixel Spacing in a plane of the patient.
    Patient,
    /// Pixel Spacing calibrated by the device or by a fiducial.
    Calibrated,
    /// Only Imager Pixel Spacing: at the detector, not in the patient.
    Detector,
    /// None: lengths read "px".
    None,
}

/// A window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WindowView {
    /// Window Center in rescaled values.
    pub center: f64,
    /// Window Width.
    pub width: f64,
    /// How values become grey (PS3.3 C.11.2.1.2, C.11.2.1.3).
    pub function: VoiFunction,
    /// Explanation stored with it.
    pub name: Option<String>,
}

/// VOI LUT Function (0028,1056).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum VoiFunction {
    /// LINEAR.
    Linear,
    /// LINEAR_EXACT.
    LinearExact,
    /// SIGMOID.
    Sigmoid,
}

/// A window of ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PresetView {
    /// `soft-tissue`, `lung`, `liver`, `bone`, `brain`, `mediastinum`, …
    pub key: String,
    /// Its window.
    pub window: WindowView,
}

/// What somebody has measured on a patient's images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MeasurementsView {
    /// FHIR id of the patient.
    pub patient: String,
    /// In the order in which they were made.
    pub measurements: Vec<MeasurementView>,
}

/// One measurement, with its number as it was read when it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MeasurementView {
    /// The page's own id, unique in the patient's list.
    pub id: String,
    /// Name of the series' entry in the strip, when it was made.
    pub series: String,
    /// SOP Instance UID of the image it lies on: a place in the stack changes when an image arrives late.
    pub instance: String,
    /// Frame number within the instance, from 1.
    pub frame: u32,
    /// What was measured.
    pub mark: MarkView,
}

/// A mark on an image; columns and rows in pixels from the outer corner of the first one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum MarkView {
    /// A distance.
    Length {
        /// Column and row of its beginning.
        from: [f64; 2],
        /// Column and row of its end.
        to: [f64; 2],
        /// How long.
        value: f64,
        /// `mm`, or `px` on an image without calibration.
        unit: LengthUnit,
    },
    /// The value at a point.
    Probe {
        /// Column and row.
        at: [f64; 2],
        /// The value with its unit, as it was shown.
        text: String,
    },
}

/// The unit of a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum LengthUnit {
    /// Millimeters in the patient.
    Mm,
    /// Pixels.
    Px,
}

/// How the page reaches the bulk pipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BulkAccessView {
    /// `ws://127.0.0.1:PORT/bulk?token=…`, once; absent when policy forbids the socket.
    pub socket: Option<String>,
    /// `bulk://localhost` or its form on this system; absent in a plain browser.
    pub scheme: Option<String>,
    /// Token for the scheme's requests.
    pub token: String,
}
