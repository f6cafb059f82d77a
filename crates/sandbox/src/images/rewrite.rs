//! Gives an image the identity of an invented patient, as PS3.15 Annex E replaces an identity.
//!
//! Basic Application Level Confidentiality Profile with the options Retain Patient Characteristics
//! (weight and size, which SUV needs) and Retain Longitudinal Temporal Information with Modified Dates.
//! Only the header changes. The same original UID always becomes the same new one, so references
//! between images, segmentations and reports hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use dicom_core::header::Header;
use dicom_core::value::{DataSetSequence, Value};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use jiff::civil::Date;

use super::part10::trimmed;
use super::text;
use crate::phantom::header::{Identity, accession, da};
use crate::phantom::uid;

/// Number and description that a series gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeriesNames {
    pub(crate) number: u32,
    pub(crate) description: String,
}

/// What a study's images are changed to.
#[derive(Debug)]
pub(crate) struct Rewrite {
    /// New UIDs that are not derived from the old ones: those that the record names.
    pub(crate) uids: Arc<BTreeMap<String, String>>,
    /// Names by original series UID.
    pub(crate) names: Arc<BTreeMap<String, SeriesNames>>,
    /// The invented patient.
    pub(crate) identity: Identity,
    /// New study date.
    pub(crate) date: Date,
    /// Days by which every date moves; none when the original has no study date.
    pub(crate) shift_days: Option<i64>,
    /// New accession number and study id.
    pub(crate) accession: String,
    /// New institution.
    pub(crate) institution: String,
    /// New study description; none keeps the original's.
    pub(crate) title: Option<String>,
    /// Original identifiers that may stand in free text.
    pub(crate) secrets: Vec<String>,
}

impl Rewrite {
    /// The rewritten header.
    pub(crate) fn apply(&self, header: InMemDicomObject) -> InMemDicomObject {
        let mut header = header;
        header.convert_to_utf8();
        let series = text(&header, tags::SERIES_INSTANCE_UID);
        let number = text(&header, tags::SERIES_NUMBER).parse::<u32>().ok();
        let weighed = self.dataset(header);
        let mut out = weighed;
        let mut put = |tag: Tag, vr: VR, value: &str| {
            out.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
        };
        put(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        put(tags::PATIENT_NAME, VR::PN, &self.identity.name);
        put(tags::PATIENT_ID, VR::LO, &self.identity.id);
        put(tags::PATIENT_BIRTH_DATE, VR::DA, &da(self.identity.birth));
        put(tags::PATIENT_SEX, VR::CS, self.identity.sex);
        put(tags::PATIENT_AGE, VR::AS, &self.identity.age(self.date));
        put(tags::STUDY_DATE, VR::DA, &da(self.date));
        put(tags::ACCESSION_NUMBER, VR::SH, &self.accession);
        put(tags::STUDY_ID, VR::SH, &self.accession);
        put(tags::INSTITUTION_NAME, VR::LO, &self.institution);
        put(tags::REFERRING_PHYSICIAN_NAME, VR::PN, "");
        if let Some(title) = &self.title {
            put(tags::STUDY_DESCRIPTION, VR::LO, title);
        }
        match self.names.get(&series) {
            Some(names) => {
                put(tags::SERIES_NUMBER, VR::IS, &names.number.to_string());
                put(tags::SERIES_DESCRIPTION, VR::LO, &names.description);
            }
            // A number that one of the record's series has would be a second series 3 on the screen.
            None if self.title.is_some() && number.is_some_and(|n| self.names.values().any(|s| s.number == n)) => {
                put(tags::SERIES_NUMBER, VR::IS, &number.map_or(0, |n| n + 100).to_string());
            }
            None => {}
        }
        put(tags::PATIENT_IDENTITY_REMOVED, VR::CS, "YES");
        put(tags::DEIDENTIFICATION_METHOD, VR::LO, "PS3.15 Annex E, identity of an invented patient");
        put(tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, VR::CS, "MODIFIED");
        out
    }

    fn dataset(&self, object: InMemDicomObject) -> InMemDicomObject {
        InMemDicomObject::from_element_iter(object.into_iter().filter_map(|e| self.element(e)))
    }

    fn element(&self, element: InMemElement) -> Option<InMemElement> {
        let (tag, vr) = (element.tag(), element.vr());
        if removed(tag) {
            return None;
        }
        let value: Value<InMemDicomObject, Vec<u8>> = match element.into_value() {
            // Lengths of the file would not fit any more: undefined lengths are written.
            Value::Sequence(sequence) => {
                let items: Vec<InMemDicomObject> = sequence.into_items().into_iter().map(|i| self.dataset(i)).collect();
                Value::Sequence(DataSetSequence::from(items))
            }
            Value::PixelSequence(_) => return None,
            Value::Primitive(value) => Value::Primitive(self.value(tag, vr, value)),
        };
        Some(DataElement::new(tag, vr, value))
    }

    fn value(&self, tag: Tag, vr: VR, value: PrimitiveValue) -> PrimitiveValue {
        let each = |value: &PrimitiveValue, change: &dyn Fn(&str) -> String| {
            let values: Vec<String> = value.to_multi_str().iter().map(|s| change(&trimmed(s))).collect();
            match <[String; 1]>::try_from(values) {
                Ok([one]) => PrimitiveValue::from(one),
                Err(values) => PrimitiveValue::Strs(values.into()),
            }
        };
        if value.multiplicity() == 0 {
            return value;
        }
        if REPLACED.contains(&tag) {
            return each(&value, &accession);
        }
        // Only the kinds of value that can identify somebody are looked at.
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "VR is the standard's enum, and all others hold numbers or codes"
        )]
        match vr {
            VR::UI if !names_a_kind(tag) => each(&value, &|uid| self.uid(uid)),
            VR::PN => PrimitiveValue::Empty,
            VR::DA => each(&value, &|text| self.shifted(text)),
            VR::DT => each(&value, &|text| match text.get(..8) {
                Some(day) => format!("{}{}", self.shifted(day), &text[8..]),
                // Less than a day's precision cannot be moved by days.
                None => da(self.date),
            }),
            VR::AE | VR::LO | VR::SH | VR::ST | VR::LT | VR::UC | VR::UT | VR::UR => {
                if self.secrets.iter().any(|s| value.to_str().contains(s.as_str())) {
                    each(&value, &|text| {
                        self.secrets.iter().fold(text.to_owned(), |t, s| t.replace(s, &self.identity.id))
                    })
                } else {
                    value
                }
            }
            _ => value,
        }
    }

    fn uid(&self, original: &str) -> String {
        // UIDs of the standard name kinds of things, not things.
        if original.is_empty() || original.starts_with("1.2.840.10008.") {
            return original.to_owned();
        }
        self.uids.get(original).cloned().unwrap_or_else(|| uid(&["data", original]))
    }

    fn shifted(&self, text: &str) -> String {
        match (parse_date(text), self.shift_days) {
            (Some(date), Some(days)) => da(date.saturating_add(jiff::Span::new().days(days))),
            _ => da(self.date),
        }
    }
}

/// A DICOM date.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    Date::strptime("%Y%m%d", text.get(..8)?).ok()
}

/// UIDs that name a class, a syntax or a scheme, also where a vendor has defined it.
fn names_a_kind(tag: Tag) -> bool {
    [
        tags::SOP_CLASS_UID,
        tags::REFERENCED_SOP_CLASS_UID,
        tags::ORIGINAL_SPECIALIZED_SOP_CLASS_UID,
        tags::RELATED_GENERAL_SOP_CLASS_UID,
        tags::TRANSFER_SYNTAX_UID,
        tags::CODING_SCHEME_UID,
        tags::CONTEXT_UID,
        tags::MAPPING_RESOURCE_UID,
    ]
    .contains(&tag)
}

/// PS3.15 Table E.1-1: what is removed. Whole groups where all of a group identifies (patient but for a
/// few attributes, trial, visit, request, signatures) or cannot be judged (private).
fn removed(tag: Tag) -> bool {
    const PATIENT: [Tag; 7] = [
        tags::PATIENT_NAME,
        tags::PATIENT_ID,
        tags::PATIENT_BIRTH_DATE,
        tags::PATIENT_SEX,
        tags::PATIENT_AGE,
        tags::PATIENT_SIZE,
        tags::PATIENT_WEIGHT,
    ];
    match tag.group() {
        0x0010 => !PATIENT.contains(&tag),
        0x0012 | 0x0032 | 0x0038 | 0x0400 | 0x4008 | 0xFFFA => true,
        0x5000..=0x501E => true,
        0x6000..=0x601E => tag.element() == 0x4000,
        group => group % 2 == 1 || tag.element() == 0 || REMOVED.contains(&tag),
    }
}

/// PS3.15 Table E.1-1, action D: what must have a value gets another one.
const REPLACED: [Tag; 3] = [tags::DEVICE_SERIAL_NUMBER, tags::CONTAINER_IDENTIFIER, tags::SPECIMEN_IDENTIFIER];

const REMOVED: [Tag; 67] = [
    tags::INSTITUTION_ADDRESS,
    tags::INSTITUTION_CODE_SEQUENCE,
    tags::REFERRING_PHYSICIAN_ADDRESS,
    tags::REFERRING_PHYSICIAN_TELEPHONE_NUMBERS,
    tags::REFERRING_PHYSICIAN_IDENTIFICATION_SEQUENCE,
    tags::CONSULTING_PHYSICIAN_NAME,
    tags::CONSULTING_PHYSICIAN_IDENTIFICATION_SEQUENCE,
    tags::STATION_NAME,
    tags::INSTITUTIONAL_DEPARTMENT_NAME,
    tags::INSTITUTIONAL_DEPARTMENT_TYPE_CODE_SEQUENCE,
    tags::PHYSICIANS_OF_RECORD,
    tags::PHYSICIANS_OF_RECORD_IDENTIFICATION_SEQUENCE,
    tags::PERFORMING_PHYSICIAN_NAME,
    tags::PERFORMING_PHYSICIAN_IDENTIFICATION_SEQUENCE,
    tags::NAME_OF_PHYSICIANS_READING_STUDY,
    tags::PHYSICIANS_READING_STUDY_IDENTIFICATION_SEQUENCE,
    tags::OPERATORS_NAME,
    tags::OPERATOR_IDENTIFICATION_SEQUENCE,
    tags::ADMITTING_DIAGNOSES_DESCRIPTION,
    tags::ADMITTING_DIAGNOSES_CODE_SEQUENCE,
    tags::DERIVATION_DESCRIPTION,
    Tag(0x0008, 0x4000),
    Tag(0x0008, 0x1000),
    tags::DEVICE_UID,
    tags::PLATE_ID,
    tags::GENERATOR_ID,
    tags::CASSETTE_ID,
    tags::GANTRY_ID,
    tags::DETECTOR_ID,
    Tag(0x0018, 0x4000),
    tags::ACQUISITION_DEVICE_PROCESSING_DESCRIPTION,
    tags::ACQUISITION_PROTOCOL_DESCRIPTION,
    tags::PROTOCOL_NAME,
    tags::CONTRIBUTION_DESCRIPTION,
    tags::CONTRIBUTING_EQUIPMENT_SEQUENCE,
    tags::IMAGE_COMMENTS,
    tags::FRAME_COMMENTS,
    Tag(0x0020, 0x3406),
    Tag(0x0028, 0x4000),
    tags::SCHEDULED_STATION_AE_TITLE,
    tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME,
    tags::SCHEDULED_STATION_NAME,
    tags::SCHEDULED_PROCEDURE_STEP_LOCATION,
    tags::PERFORMED_STATION_AE_TITLE,
    tags::PERFORMED_STATION_NAME,
    tags::PERFORMED_LOCATION,
    tags::PERFORMED_PROCEDURE_STEP_ID,
    tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION,
    tags::COMMENTS_ON_THE_PERFORMED_PROCEDURE_STEP,
    tags::REQUEST_ATTRIBUTES_SEQUENCE,
    tags::REQUESTED_PROCEDURE_ID,
    tags::REQUESTED_PROCEDURE_LOCATION,
    tags::REQUESTED_PROCEDURE_COMMENTS,
    tags::REASON_FOR_THE_REQUESTED_PROCEDURE,
    tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
    tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
    tags::IMAGING_SERVICE_REQUEST_COMMENTS,
    tags::CONFIDENTIALITY_CONSTRAINT_ON_PATIENT_DATA_DESCRIPTION,
    tags::VERIFYING_OBSERVER_SEQUENCE,
    tags::VERIFYING_OBSERVER_NAME,
    tags::VERIFYING_ORGANIZATION,
    tags::AUTHOR_OBSERVER_SEQUENCE,
    tags::PARTICIPANT_SEQUENCE,
    tags::CUSTODIAL_ORGANIZATION_SEQUENCE,
    tags::CONTENT_CREATOR_IDENTIFICATION_CODE_SEQUENCE,
    tags::REFERENCED_PATIENT_SEQUENCE,
    tags::ICON_IMAGE_SEQUENCE,
];
