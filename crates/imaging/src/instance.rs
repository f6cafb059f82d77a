//! What one SOP instance says: who, when, which series, and per frame where and with which values.

use crate::geometry::Spacing;
use crate::image::{ImageDescription, Photometric};
use crate::lut::{Lut, Rescale, Window};
use model::{Phi, SeriesUid, SopInstanceUid, StudyUid};
use std::sync::Arc;

/// The patient as the object names them, for the comparison with the record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatientIdentity {
    /// Patient ID (0010,0020); empty if missing.
    pub id: Phi<String>,
    /// Issuer of Patient ID (0010,0021).
    pub issuer: Option<Phi<String>>,
    /// Patient's Name (0010,0010), alphabetic group, components separated by `^`; empty if missing.
    pub name: Phi<String>,
    /// Patient's Birth Date (0010,0030) as `YYYY-MM-DD`, or as written where it is no date.
    pub birth_date: Option<Phi<String>>,
    /// Patient's Sex (0010,0040): `M`, `F`, `O`.
    pub sex: Option<String>,
}

impl PatientIdentity {
    /// Family name and given name of the alphabetic group (PS3.5 6.2.1.1).
    #[must_use]
    pub fn family_and_given(&self) -> Phi<(String, String)> {
        self.name.clone().map(|name| {
            let mut parts = name.split('^').map(|part| part.trim().to_owned());
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        })
    }
}

/// One SOP instance without its pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Study Instance UID.
    pub study: StudyUid,
    /// Series Instance UID.
    pub series: SeriesUid,
    /// SOP Instance UID.
    pub sop_instance: SopInstanceUid,
    /// SOP Class UID; empty if missing.
    pub sop_class: String,
    /// Modality; empty if missing.
    pub modality: String,
    /// Transfer syntax of the bytes, where known: from the file, or Available Transfer Syntax UID.
    pub transfer_syntax: Option<String>,
    /// The patient.
    pub patient: PatientIdentity,
    /// Study Description.
    pub study_description: Option<String>,
    /// Series Description.
    pub series_description: Option<String>,
    /// Study Date as `YYYY-MM-DD`, or as written where it is no date.
    pub study_date: Option<String>,
    /// Study Time as `HH:MM:SS`, or as written where it is no time.
    pub study_time: Option<String>,
    /// Series Date.
    pub series_date: Option<String>,
    /// Series Time.
    pub series_time: Option<String>,
    /// Acquisition Date, else Content Date.
    pub acquisition_date: Option<String>,
    /// Acquisition Time, else Content Time.
    pub acquisition_time: Option<String>,
    /// Institution Name.
    pub institution: Option<String>,
    /// Accession Number.
    pub accession_number: Option<String>,
    /// Body Part Examined.
    pub body_part: Option<String>,
    /// Series Number.
    pub series_number: Option<i32>,
    /// Acquisition Number.
    pub acquisition_number: Option<i32>,
    /// Instance Number.
    pub instance_number: Option<i32>,
    /// Number of Frames; 1 where the attribute is missing.
    pub number_of_frames: u32,
    /// Frame of Reference UID.
    pub frame_of_reference: Option<String>,
    /// The pixels' description; `None` for objects without pixels.
    pub image: Option<ImageDescription>,
    /// Presentation LUT Shape (2050,0020), where given.
    pub presentation: Option<PresentationShape>,
    /// What holds for each frame, `number_of_frames` entries where `image` is given. One shared
    /// entry where the object says nothing per frame.
    pub frames: Vec<Arc<FrameFacts>>,
}

/// What holds for one frame: from the classic modules, or from the functional groups of an enhanced
/// multi-frame object (PS3.3 C.7.6.16), the frame's own before the shared ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FrameFacts {
    /// Image Position (Patient) in mm.
    pub position: Option<[f64; 3]>,
    /// Image Orientation (Patient): row direction, then column direction.
    pub orientation: Option<[f64; 6]>,
    /// Pixel Spacing in mm: between rows, between columns.
    pub pixel_spacing: Option<[f64; 2]>,
    /// Imager Pixel Spacing in mm.
    pub imager_pixel_spacing: Option<[f64; 2]>,
    /// Nominal Scanned Pixel Spacing in mm, of digitized film.
    pub nominal_scanned_pixel_spacing: Option<[f64; 2]>,
    /// Pixel Spacing Calibration Type: `GEOMETRY` or `FIDUCIAL`.
    pub calibration_type: Option<String>,
    /// Slice Thickness in mm.
    pub slice_thickness: Option<f64>,
    /// Slope and intercept of the modality transformation.
    pub rescale: Rescale,
    /// Modality LUT Sequence, in place of slope and intercept.
    pub modality_lut: Option<Arc<Lut>>,
    /// There is a Modality LUT Sequence and it cannot be read: nobody knows what the stored values mean.
    pub modality_unknown: bool,
    /// Windows in the order stored.
    pub windows: Vec<Window>,
    /// VOI LUT Sequence.
    pub voi_luts: Vec<Arc<Lut>>,
}

impl FrameFacts {
    /// The output of the modality transformation for a stored value, exactly: the table's entry where
    /// there is a table, else the rescaled value (PS3.3 C.11.1).
    #[must_use]
    pub fn rescaled(&self, stored: i64) -> f64 {
        match &self.modality_lut {
            Some(table) => f64::from(table.lookup(stored)),
            None => self.rescale.apply(stored),
        }
    }
}

/// Presentation LUT Shape (2050,0020) of an image (PS3.3 C.11.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PresentationShape {
    /// IDENTITY: the output of the VOI transformation is shown as it is.
    Identity,
    /// INVERSE: it is inverted.
    Inverse,
}

/// Why an object is not shown as a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotDisplayable {
    /// A structured report.
    StructuredReport,
    /// A list of key images.
    KeyObjects,
    /// A segmentation, shown only over its images.
    Segmentation,
    /// A map from stored to real-world values.
    RealWorldValues,
    /// A PDF, CDA or a model.
    Document,
    /// An electrocardiogram or another waveform.
    Waveform,
    /// A presentation state.
    PresentationState,
    /// A structure set, a plan, a dose or a treatment record.
    Radiotherapy,
    /// A registration or fiducials.
    Registration,
    /// Raw data of the scanner.
    RawData,
    /// A video.
    Video,
    /// Floating point values.
    FloatingPoint,
    /// No pixels, and none of the above.
    NoPixels,
}

impl Instance {
    /// Whether the object is a picture to show, and why not otherwise.
    ///
    /// # Errors
    /// [`NotDisplayable`] is the reason, for the list of series.
    pub fn displayable(&self) -> Result<&ImageDescription, NotDisplayable> {
        if let Some(reason) = kind_without_picture(&self.sop_class) {
            return Err(reason);
        }
        if self.transfer_syntax.as_deref().is_some_and(is_video) {
            return Err(NotDisplayable::Video);
        }
        let image = self.image.as_ref().ok_or(NotDisplayable::NoPixels)?;
        if image.bits_allocated == 64 {
            return Err(NotDisplayable::FloatingPoint);
        }
        Ok(image)
    }

    /// Whether the object is a picture to show.
    #[must_use]
    pub fn is_displayable(&self) -> bool {
        self.displayable().is_ok()
    }

    /// Whether low values are bright. Presentation LUT Shape says the same as MONOCHROME1 where both
    /// are given as the standard demands (PS3.3 C.8.11.3); where they differ, the shape has the
    /// last word, since it stands last in the order of transformations (PS3.4 N.2).
    #[must_use]
    pub fn is_inverted(&self) -> bool {
        let Some(photometric) = self.image.as_ref().map(|image| image.photometric) else { return false };
        match self.presentation {
            Some(shape) => photometric.is_gray() && shape == PresentationShape::Inverse,
            None => photometric == Photometric::Monochrome1,
        }
    }

    /// What rescaled values of a frame (from 0) are: `HU`, `BQML`, `US` (unspecified), …; `None` where
    /// the object does not say. A CT image that does not say has Hounsfield units (PS3.3 C.8.2.1.1.2).
    #[must_use]
    pub fn unit(&self, frame: usize) -> Option<&str> {
        let facts = self.frames.get(frame)?;
        let table = facts.modality_lut.as_ref().and_then(|table| table.unit.as_deref());
        table.or(facts.rescale.unit.as_deref()).or((self.modality == "CT").then_some("HU"))
    }

    /// The window to begin with: the first one stored, else the modality's first preset. `None`
    /// where neither is there: then [`crate::auto_window`] makes one from the values.
    #[must_use]
    pub fn initial_window(&self, frame: usize) -> Option<Window> {
        let stored = self.frames.get(frame)?.windows.first().cloned();
        stored.or_else(|| crate::presets::of(&self.modality).first().map(crate::presets::Preset::window))
    }

    /// The spacing that lengths in a frame may use. `frame` counts from 0.
    #[must_use]
    pub fn spacing(&self, frame: usize) -> Option<Spacing> {
        Spacing::of(self.frames.get(frame)?, &self.modality)
    }
}

/// The storage SOP classes of PS3.4 B.5 that hold no picture of their own.
fn kind_without_picture(sop_class: &str) -> Option<NotDisplayable> {
    let class = sop_class.strip_prefix("1.2.840.10008.5.1.4.1.1.")?;
    let (group, member) = class.split_once('.').unwrap_or((class, ""));
    Some(match (group, member) {
        ("88", "59") => NotDisplayable::KeyObjects,
        ("88", _) => NotDisplayable::StructuredReport,
        ("66", "4" | "5" | "7" | "8") => NotDisplayable::Segmentation,
        ("66", "1" | "2" | "3") => NotDisplayable::Registration,
        ("66", _) => NotDisplayable::RawData,
        ("67", _) => NotDisplayable::RealWorldValues,
        ("104", _) => NotDisplayable::Document,
        ("9", _) => NotDisplayable::Waveform,
        ("11", _) => NotDisplayable::PresentationState,
        ("30", _) => NotDisplayable::FloatingPoint,
        ("481", "1" | "23") => return None,
        ("481", _) => NotDisplayable::Radiotherapy,
        ("77", "1.1.1" | "1.2.1" | "1.4.1") => NotDisplayable::Video,
        _ => return None,
    })
}

/// MPEG-2, MPEG-4, HEVC and SMPTE ST 2110 (PS3.5 10.7 to 10.17).
fn is_video(transfer_syntax: &str) -> bool {
    matches!(
        transfer_syntax,
        "1.2.840.10008.1.2.4.100"
            | "1.2.840.10008.1.2.4.101"
            | "1.2.840.10008.1.2.4.102"
            | "1.2.840.10008.1.2.4.103"
            | "1.2.840.10008.1.2.4.104"
            | "1.2.840.10008.1.2.4.105"
            | "1.2.840.10008.1.2.4.106"
            | "1.2.840.10008.1.2.4.107"
            | "1.2.840.10008.1.2.4.108"
            | "1.2.840.10008.1.2.4.100.1"
            | "1.2.840.10008.1.2.4.101.1"
            | "1.2.840.10008.1.2.4.102.1"
            | "1.2.840.10008.1.2.4.103.1"
            | "1.2.840.10008.1.2.4.104.1"
            | "1.2.840.10008.1.2.4.105.1"
            | "1.2.840.10008.1.2.4.106.1"
            | "1.2.840.10008.1.2.7.1"
            | "1.2.840.10008.1.2.7.2"
            | "1.2.840.10008.1.2.7.3"
    )
}
