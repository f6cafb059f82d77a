//! The DICOM attributes of painted images: patient, study, series, equipment and the modality's own.

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use jiff::civil::{Date, Time};

use super::grid::Grid;
use super::recipe::{PatientRecipe, Recipe, SeriesRecipe, StudyRecipe};
use super::{pet, projection, uid};

/// A patient as images name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// `Family^Given`.
    pub(crate) name: String,
    /// Patient number of the organization that made the study.
    pub(crate) id: String,
    /// Day of birth.
    pub(crate) birth: Date,
    /// `M` or `F`.
    pub(crate) sex: &'static str,
}

impl Identity {
    /// The identity under which an organization knows a patient, with the age counted from `today`.
    pub(crate) fn of(patient: &PatientRecipe, organization: &str, today: Date) -> Self {
        let birth = patient.birth;
        let had_birthday = (today.month(), today.day()) >= (birth.month, birth.day);
        let year = today.year() - birth.age - i16::from(!had_birthday);
        // A recipe names no 29 February; the first of the month stands in for a day that is not there.
        let birth = Date::new(year, birth.month, birth.day)
            .or_else(|_| Date::new(year, birth.month, 1))
            .unwrap_or(Date::constant(1970, 1, 1));
        Self {
            name: format!("{}^{}", patient.name.family, patient.name.given),
            id: patient.pids.get(organization).cloned().unwrap_or_default(),
            birth,
            sex: if patient.sex == "female" { "F" } else { "M" },
        }
    }

    /// Patient's Age at a day, as PS3.5 §6.2 writes it.
    pub(crate) fn age(&self, at: Date) -> String {
        let years = at.year() - self.birth.year();
        let full = (at.month(), at.day()) >= (self.birth.month(), self.birth.day());
        format!("{:03}Y", years - i16::from(!full))
    }
}

/// A day as a DICOM date.
pub(crate) fn da(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}

/// A time as a DICOM time.
pub(crate) fn tm(time: Time) -> String {
    time.strftime("%H%M%S").to_string()
}

/// Collects attributes; the object keeps them in order.
#[derive(Debug)]
pub(crate) struct Attributes(pub(crate) InMemDicomObject);

impl Attributes {
    fn new() -> Self {
        Self(InMemDicomObject::new_empty())
    }

    /// A text or decimal string; several values are joined by a backslash.
    pub(crate) fn text(&mut self, tag: Tag, vr: VR, value: impl Into<String>) -> &mut Self {
        let value: String = value.into();
        let value = if value.contains('\\') {
            PrimitiveValue::Strs(value.split('\\').map(str::to_owned).collect())
        } else {
            PrimitiveValue::from(value)
        };
        self.0.put(DataElement::new(tag, vr, value));
        self
    }

    fn short(&mut self, tag: Tag, value: u16) -> &mut Self {
        self.0.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        self
    }

    fn empty(&mut self, tag: Tag, vr: VR) -> &mut Self {
        self.0.put(DataElement::new(tag, vr, PrimitiveValue::Empty));
        self
    }

    fn items(&mut self, tag: Tag, items: Vec<Self>) -> &mut Self {
        let items: Vec<InMemDicomObject> = items.into_iter().map(|i| i.0).collect();
        self.0.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(items)));
        self
    }

    fn code(value: &str, scheme: &str, meaning: &str) -> Self {
        let mut item = Self::new();
        item.text(tags::CODE_VALUE, VR::SH, value).text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, scheme).text(
            tags::CODE_MEANING,
            VR::LO,
            meaning,
        );
        item
    }
}

/// A number as a decimal string of at most 16 characters (PS3.5 §6.2).
pub(crate) fn ds(value: f64) -> String {
    let mut digits = 10;
    loop {
        let text = format!("{value:.digits$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
        if text.len() <= 16 || digits == 0 {
            return if text == "-0" { "0".to_owned() } else { text };
        }
        digits -= 1;
    }
}

fn list(values: &[f64]) -> String {
    values.iter().map(|v| ds(*v)).collect::<Vec<_>>().join("\\")
}

/// What one header is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// The whole recipe.
    pub(crate) recipe: &'a Recipe,
    /// The study.
    pub(crate) study: &'a StudyRecipe,
    /// The series.
    pub(crate) series: &'a SeriesRecipe,
    /// The day from which dates count.
    pub(crate) today: Date,
    /// Index of the instance in its series, from 0.
    pub(crate) index: usize,
}

impl Subject<'_> {
    fn date(&self) -> Date {
        study_date(self.study, self.today)
    }

    fn time(&self) -> Time {
        study_time(self.study)
    }
}

/// The day of a study.
pub(crate) fn study_date(study: &StudyRecipe, today: Date) -> Date {
    today.saturating_add(jiff::Span::new().days(study.d))
}

/// The clock time of a study.
pub(crate) fn study_time(study: &StudyRecipe) -> Time {
    study.t.parse().unwrap_or(Time::constant(12, 0, 0, 0))
}

/// Everything but Pixel Data. `slope` is a PET slice's own rescale slope.
pub(crate) fn header(subject: Subject<'_>, grid: &Grid, slope: &str) -> InMemDicomObject {
    let mut a = Attributes::new();
    general(&mut a, subject);
    match subject.series.modality.as_str() {
        "CT" => ct(&mut a, subject),
        "PT" => pt(&mut a, subject, slope),
        "MR" => mr(&mut a, subject),
        "MG" => mg(&mut a, subject),
        _ => dx(&mut a, subject),
    }
    if matches!(subject.series.modality.as_str(), "CT" | "PT" | "MR") {
        plane(&mut a, subject, grid);
    }
    pixels(&mut a, subject);
    a.0
}

/// The SOP class of a modality.
pub(crate) fn sop_class(modality: &str) -> &'static str {
    match modality {
        "CT" => uids::CT_IMAGE_STORAGE,
        "PT" => uids::POSITRON_EMISSION_TOMOGRAPHY_IMAGE_STORAGE,
        "MR" => uids::MR_IMAGE_STORAGE,
        "MG" => uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
        _ => uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
    }
}

fn general(a: &mut Attributes, s: Subject<'_>) {
    let (date, time) = (s.date(), s.time());
    let number = s.index + 1;
    let series_time = time.saturating_add(jiff::Span::new().minutes(i64::from(s.series.no)));
    let identity = s.recipe.patients.get(&s.study.patient).map(|p| Identity::of(p, &s.study.organization, s.today));
    let institution = s.recipe.organizations.get(&s.study.organization).cloned().unwrap_or_default();
    a.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192")
        .text(tags::SOP_CLASS_UID, VR::UI, sop_class(&s.series.modality))
        .text(tags::SOP_INSTANCE_UID, VR::UI, uid(&[&s.study.id, &s.series.no.to_string(), &number.to_string()]))
        .text(tags::STUDY_DATE, VR::DA, da(date))
        .text(tags::SERIES_DATE, VR::DA, da(date))
        .text(tags::ACQUISITION_DATE, VR::DA, da(date))
        .text(tags::CONTENT_DATE, VR::DA, da(date))
        .text(tags::STUDY_TIME, VR::TM, tm(time))
        .text(tags::SERIES_TIME, VR::TM, tm(series_time))
        .text(tags::ACQUISITION_TIME, VR::TM, tm(series_time))
        .text(tags::CONTENT_TIME, VR::TM, tm(series_time))
        .text(tags::ACCESSION_NUMBER, VR::SH, accession(&s.study.id))
        .text(tags::MODALITY, VR::CS, s.series.modality.clone())
        .text(tags::MANUFACTURER, VR::LO, "Konsil demonstration")
        .text(tags::INSTITUTION_NAME, VR::LO, institution)
        .empty(tags::REFERRING_PHYSICIAN_NAME, VR::PN)
        .text(tags::STUDY_DESCRIPTION, VR::LO, s.study.title.de.clone())
        .text(tags::SERIES_DESCRIPTION, VR::LO, s.series.description.clone())
        .text(tags::MANUFACTURER_MODEL_NAME, VR::LO, "Phantom")
        .text(tags::DEVICE_SERIAL_NUMBER, VR::LO, "1")
        .text(tags::SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION"))
        .text(tags::STUDY_INSTANCE_UID, VR::UI, uid(&[&s.study.id]))
        .text(tags::SERIES_INSTANCE_UID, VR::UI, uid(&[&s.study.id, &s.series.no.to_string()]))
        .text(tags::STUDY_ID, VR::SH, accession(&s.study.id))
        .text(tags::SERIES_NUMBER, VR::IS, s.series.no.to_string())
        .text(tags::INSTANCE_NUMBER, VR::IS, number.to_string());
    let part = body_part(&s.series.phantom);
    a.text(tags::BODY_PART_EXAMINED, VR::CS, part);
    if part == "BREAST" && s.series.laterality.is_none() {
        // Both sides are in the picture (PS3.3 C.7.3.1, type 2C).
        a.empty(tags::LATERALITY, VR::CS);
    }
    if let Some(p) = identity {
        a.text(tags::PATIENT_AGE, VR::AS, p.age(date))
            .text(tags::PATIENT_NAME, VR::PN, p.name)
            .text(tags::PATIENT_ID, VR::LO, p.id)
            .text(tags::PATIENT_BIRTH_DATE, VR::DA, da(p.birth))
            .text(tags::PATIENT_SEX, VR::CS, p.sex);
    }
    if let Some(weight) = s.series.weight_kg {
        a.text(tags::PATIENT_WEIGHT, VR::DS, ds(weight));
    }
}

/// Body Part Examined (PS3.16 Annex L) of a phantom.
fn body_part(phantom: &str) -> &'static str {
    const PARTS: [(&str, &str); 5] =
        [("thorax", "CHEST"), ("abdomen", "ABDOMEN"), ("brain", "BRAIN"), ("breast", "BREAST"), ("pelvis", "PELVIS")];
    PARTS.iter().find(|(name, _)| phantom.starts_with(name)).map_or("", |(_, part)| part)
}

/// An order number that looks like one, from the id of the study.
pub(crate) fn accession(study: &str) -> String {
    let digits = uid(&[study, "accession"]);
    format!("A{}", digits.get(5..15).unwrap_or("0"))
}

fn plane(a: &mut Attributes, s: Subject<'_>, grid: &Grid) {
    let position = grid.position(s.index);
    let orientation = [grid.row, grid.column].concat();
    // PET says it by its codes, which exclude the short form (PS3.3 C.7.3.1).
    if s.series.modality != "PT" {
        a.text(tags::PATIENT_POSITION, VR::CS, "HFS");
    }
    a.text(tags::SLICE_THICKNESS, VR::DS, ds(s.series.spacing_mm[2]))
        .text(tags::IMAGE_POSITION_PATIENT, VR::DS, list(&position))
        .text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, list(&orientation))
        .text(tags::FRAME_OF_REFERENCE_UID, VR::UI, uid(&[&s.study.id, "frame-of-reference"]))
        .empty(tags::POSITION_REFERENCE_INDICATOR, VR::LO)
        .text(tags::PIXEL_SPACING, VR::DS, list(&[grid.spacing[1], grid.spacing[0]]));
}

fn pixels(a: &mut Attributes, s: Subject<'_>) {
    let (signed, bits) = match s.series.modality.as_str() {
        "CT" | "PT" => (1, 16),
        "MR" => (0, 16),
        _ => (0, projection::BITS),
    };
    let dimension = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    a.short(tags::SAMPLES_PER_PIXEL, 1)
        .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2")
        .short(tags::ROWS, dimension(s.series.matrix[1]))
        .short(tags::COLUMNS, dimension(s.series.matrix[0]))
        .short(tags::BITS_ALLOCATED, 16)
        .short(tags::BITS_STORED, bits)
        .short(tags::HIGH_BIT, bits - 1)
        .short(tags::PIXEL_REPRESENTATION, signed);
}

/// Stored value of 0 HU; the values themselves are signed, so that noise in air is not cut off.
pub(crate) const CT_OFFSET: i16 = 1024;

fn ct(a: &mut Attributes, s: Subject<'_>) {
    let soft = ("40", "400", "WEICHTEIL");
    let lung = ("-600", "1600", "LUNGE");
    let (one, two) = if s.series.window.as_deref() == Some("lung") { (lung, soft) } else { (soft, lung) };
    a.text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\AXIAL")
        .text(tags::KVP, VR::DS, "120")
        .text(tags::CONVOLUTION_KERNEL, VR::SH, if s.series.noise_hu > 25.0 { "LUNG" } else { "STANDARD" })
        .text(tags::GANTRY_DETECTOR_TILT, VR::DS, "0")
        .text(tags::ACQUISITION_NUMBER, VR::IS, "1")
        .text(tags::RESCALE_INTERCEPT, VR::DS, format!("-{CT_OFFSET}"))
        .text(tags::RESCALE_SLOPE, VR::DS, "1")
        .text(tags::RESCALE_TYPE, VR::LO, "HU")
        .text(tags::WINDOW_CENTER, VR::DS, format!("{}\\{}", one.0, two.0))
        .text(tags::WINDOW_WIDTH, VR::DS, format!("{}\\{}", one.1, two.1))
        .text(tags::WINDOW_CENTER_WIDTH_EXPLANATION, VR::LO, format!("{}\\{}", one.2, two.2));
}

/// PS3.3 C.8.9: everything that SUV by body weight needs.
fn pt(a: &mut Attributes, s: Subject<'_>, slope: &str) {
    let start = s.time().saturating_add(jiff::Span::new().minutes(i64::from(s.series.no)));
    let uptake = super::numbers::to_i32(s.series.uptake_min.unwrap_or(60.0));
    let injection = s.date().to_datetime(start).saturating_sub(jiff::Span::new().minutes(uptake));
    let mut dose = Attributes::new();
    dose.text(tags::RADIOPHARMACEUTICAL, VR::LO, "Fluorodeoxyglucose")
        .text(tags::RADIOPHARMACEUTICAL_START_TIME, VR::TM, tm(injection.time()))
        .text(tags::RADIONUCLIDE_TOTAL_DOSE, VR::DS, ds(s.series.injected_mbq.unwrap_or(0.0) * 1e6))
        .text(tags::RADIONUCLIDE_HALF_LIFE, VR::DS, ds(pet::HALF_LIFE_S))
        .text(tags::RADIONUCLIDE_POSITRON_FRACTION, VR::DS, "0.9673")
        .text(
            tags::RADIOPHARMACEUTICAL_START_DATE_TIME,
            VR::DT,
            format!("{}{}", da(injection.date()), tm(injection.time())),
        )
        .items(tags::RADIONUCLIDE_CODE_SEQUENCE, vec![Attributes::code("C-111A1", "SRT", "^18^Fluorine")])
        .items(
            tags::RADIOPHARMACEUTICAL_CODE_SEQUENCE,
            vec![Attributes::code("C-B1031", "SRT", "Fluorodeoxyglucose F^18^")],
        );
    let mut recumbent = Attributes::code("F-10450", "SRT", "recumbent");
    recumbent
        .items(tags::PATIENT_ORIENTATION_MODIFIER_CODE_SEQUENCE, vec![Attributes::code("F-10340", "SRT", "supine")]);
    a.text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY")
        .text(tags::CORRECTED_IMAGE, VR::CS, "DECY\\ATTN\\SCAT\\DTIM\\RAN\\NORM")
        .text(tags::ACTUAL_FRAME_DURATION, VR::IS, "180000")
        .text(tags::COLLIMATOR_TYPE, VR::CS, "NONE")
        .items(tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE, vec![dose])
        .items(tags::PATIENT_ORIENTATION_CODE_SEQUENCE, vec![recumbent])
        .items(tags::PATIENT_GANTRY_RELATIONSHIP_CODE_SEQUENCE, vec![Attributes::code("F-10470", "SRT", "headfirst")])
        .short(tags::NUMBER_OF_SLICES, u16::try_from(pet::slices(s.series.matrix)).unwrap_or(u16::MAX))
        .text(tags::SERIES_TYPE, VR::CS, "WHOLE BODY\\IMAGE")
        .text(tags::UNITS, VR::CS, "BQML")
        .text(tags::COUNTS_SOURCE, VR::CS, "EMISSION")
        .text(tags::RANDOMS_CORRECTION_METHOD, VR::CS, "SING")
        .text(tags::ATTENUATION_CORRECTION_METHOD, VR::LO, "CT")
        .text(tags::SCATTER_CORRECTION_METHOD, VR::LO, "model")
        .text(tags::DECAY_CORRECTION, VR::CS, "START")
        .text(tags::RECONSTRUCTION_METHOD, VR::LO, "phantom")
        .text(tags::FRAME_REFERENCE_TIME, VR::DS, "0")
        .text(tags::DECAY_FACTOR, VR::DS, "1")
        .short(tags::IMAGE_INDEX, u16::try_from(s.index + 1).unwrap_or(u16::MAX))
        .text(tags::RESCALE_INTERCEPT, VR::DS, "0")
        .text(tags::RESCALE_SLOPE, VR::DS, slope);
}

fn mr(a: &mut Attributes, s: Subject<'_>) {
    let adc = s.series.contrast.as_deref() == Some("adc");
    let (center, width) = if adc { ("1200", "2400") } else { ("120", "240") };
    let (repetition, echo) = if s.series.description.starts_with("T1") { ("550", "12") } else { ("4500", "100") };
    a.text(tags::IMAGE_TYPE, VR::CS, if adc { "DERIVED\\PRIMARY\\DIFFUSION\\ADC" } else { "ORIGINAL\\PRIMARY\\M" })
        .text(tags::SCANNING_SEQUENCE, VR::CS, if adc { "EP" } else { "SE" })
        .text(tags::SEQUENCE_VARIANT, VR::CS, "SK")
        .empty(tags::SCAN_OPTIONS, VR::CS)
        .text(tags::MR_ACQUISITION_TYPE, VR::CS, "2D")
        .text(tags::REPETITION_TIME, VR::DS, repetition)
        .text(tags::ECHO_TIME, VR::DS, echo)
        .text(tags::ECHO_TRAIN_LENGTH, VR::IS, "1")
        .text(tags::MAGNETIC_FIELD_STRENGTH, VR::DS, "3")
        .text(tags::SPACING_BETWEEN_SLICES, VR::DS, ds(s.series.spacing_mm[2]))
        .text(tags::WINDOW_CENTER, VR::DS, center)
        .text(tags::WINDOW_WIDTH, VR::DS, width);
}

/// PS3.3 C.8.11: what a detector's image has in common.
fn detector(a: &mut Attributes, s: Subject<'_>, window: (&str, &str)) {
    a.text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY")
        .text(tags::PRESENTATION_INTENT_TYPE, VR::CS, "FOR PRESENTATION")
        .text(tags::IMAGER_PIXEL_SPACING, VR::DS, list(&[s.series.spacing_mm[1], s.series.spacing_mm[0]]))
        .text(tags::DETECTOR_TYPE, VR::CS, "DIRECT")
        .text(tags::PIXEL_INTENSITY_RELATIONSHIP, VR::CS, "LOG")
        .text(tags::RESCALE_INTERCEPT, VR::DS, "0")
        .text(tags::RESCALE_SLOPE, VR::DS, "1")
        .text(tags::RESCALE_TYPE, VR::LO, "US")
        .text(tags::PRESENTATION_LUT_SHAPE, VR::CS, "IDENTITY")
        .text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00")
        .text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO")
        .text(tags::WINDOW_CENTER, VR::DS, window.0)
        .text(tags::WINDOW_WIDTH, VR::DS, window.1)
        .items(tags::ACQUISITION_CONTEXT_SEQUENCE, Vec::new());
    // PS3.3 C.7.6.16.2.1: +1 when a higher value means less intensity at the detector; the values are
    // logarithms of attenuation.
    a.0.put(DataElement::new(tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN, VR::SS, PrimitiveValue::from(-1_i16)));
}

fn dx(a: &mut Attributes, s: Subject<'_>) {
    detector(a, s, ("2500", "3600"));
    a.text(tags::VIEW_POSITION, VR::CS, "PA")
        .text(tags::POSITIONER_TYPE, VR::CS, "COLUMN")
        .text(tags::PATIENT_ORIENTATION, VR::CS, "L\\F")
        .text(tags::IMAGE_LATERALITY, VR::CS, "B")
        .items(tags::ANATOMIC_REGION_SEQUENCE, vec![Attributes::code("T-D3000", "SRT", "Chest")])
        .items(tags::VIEW_CODE_SEQUENCE, vec![Attributes::code("R-10214", "SRT", "postero-anterior")]);
}

fn mg(a: &mut Attributes, s: Subject<'_>) {
    detector(a, s, ("1900", "3400"));
    let oblique = s.series.view.as_deref() == Some("MLO");
    let view = if oblique {
        Attributes::code("R-10226", "SRT", "medio-lateral oblique")
    } else {
        Attributes::code("R-10242", "SRT", "cranio-caudal")
    };
    let mut view = view;
    view.items(tags::VIEW_MODIFIER_CODE_SEQUENCE, Vec::new());
    a.text(tags::VIEW_POSITION, VR::CS, if oblique { "MLO" } else { "CC" })
        .text(tags::PATIENT_ORIENTATION, VR::CS, if oblique { "A\\FR" } else { "A\\R" })
        .text(tags::IMAGE_LATERALITY, VR::CS, s.series.laterality.clone().unwrap_or_default())
        .text(tags::PARTIAL_VIEW, VR::CS, "NO")
        .text(tags::BREAST_IMPLANT_PRESENT, VR::CS, "NO")
        .text(tags::POSITIONER_TYPE, VR::CS, "MAMMOGRAPHIC")
        .text(tags::ORGAN_EXPOSED, VR::CS, "BREAST")
        .items(tags::ANATOMIC_REGION_SEQUENCE, vec![Attributes::code("T-04000", "SRT", "Breast")])
        .items(tags::VIEW_CODE_SEQUENCE, vec![view]);
}
