//! From fields to an [`Instance`].

use super::ReadError;
use super::fields::Fields;
use crate::image::{ImageDescription, Palette, Photometric};
use crate::instance::{FrameFacts, Instance, PatientIdentity, PresentationShape};
use crate::lut::{Lut, VoiFunction, Window};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use model::{IdError, Phi, SeriesUid, SopInstanceUid, StudyUid};
use std::sync::Arc;

/// An object may claim this many frames; more are not believed, since each costs memory here.
const MOST_FRAMES: i64 = 1 << 20;

/// The attributes read here, at any level. Everything else is skipped unparsed: private elements,
/// overlays, waveforms.
pub(super) fn is_wanted(tag: Tag) -> bool {
    matches!(
        tag,
        tags::SPECIFIC_CHARACTER_SET
            | tags::SOP_CLASS_UID
            | tags::SOP_INSTANCE_UID
            | tags::STUDY_DATE
            | tags::SERIES_DATE
            | tags::ACQUISITION_DATE
            | tags::CONTENT_DATE
            | tags::ACQUISITION_DATE_TIME
            | tags::STUDY_TIME
            | tags::SERIES_TIME
            | tags::ACQUISITION_TIME
            | tags::CONTENT_TIME
            | tags::ACCESSION_NUMBER
            | tags::MODALITY
            | tags::INSTITUTION_NAME
            | tags::STUDY_DESCRIPTION
            | tags::SERIES_DESCRIPTION
            | tags::PATIENT_NAME
            | tags::PATIENT_ID
            | tags::ISSUER_OF_PATIENT_ID
            | tags::PATIENT_BIRTH_DATE
            | tags::PATIENT_SEX
            | tags::BODY_PART_EXAMINED
            | tags::SLICE_THICKNESS
            | tags::IMAGER_PIXEL_SPACING
            | tags::NOMINAL_SCANNED_PIXEL_SPACING
            | tags::STUDY_INSTANCE_UID
            | tags::SERIES_INSTANCE_UID
            | tags::SERIES_NUMBER
            | tags::ACQUISITION_NUMBER
            | tags::INSTANCE_NUMBER
            | tags::IMAGE_POSITION_PATIENT
            | tags::IMAGE_ORIENTATION_PATIENT
            | tags::FRAME_OF_REFERENCE_UID
            | tags::SAMPLES_PER_PIXEL
            | tags::PHOTOMETRIC_INTERPRETATION
            | tags::PLANAR_CONFIGURATION
            | tags::NUMBER_OF_FRAMES
            | tags::ROWS
            | tags::COLUMNS
            | tags::PIXEL_SPACING
            | tags::PIXEL_SPACING_CALIBRATION_TYPE
            | tags::BITS_ALLOCATED
            | tags::BITS_STORED
            | tags::HIGH_BIT
            | tags::PIXEL_REPRESENTATION
            | tags::PIXEL_PADDING_VALUE
            | tags::PIXEL_PADDING_RANGE_LIMIT
            | tags::WINDOW_CENTER
            | tags::WINDOW_WIDTH
            | tags::RESCALE_INTERCEPT
            | tags::RESCALE_SLOPE
            | tags::RESCALE_TYPE
            | tags::WINDOW_CENTER_WIDTH_EXPLANATION
            | tags::VOILUT_FUNCTION
            | tags::LOSSY_IMAGE_COMPRESSION
            | tags::LOSSY_IMAGE_COMPRESSION_RATIO
            | tags::MODALITY_LUT_SEQUENCE
            | tags::VOILUT_SEQUENCE
            | tags::LUT_DESCRIPTOR
            | tags::LUT_EXPLANATION
            | tags::MODALITY_LUT_TYPE
            | tags::LUT_DATA
            | tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR
            | tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR
            | tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR
            | tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE
            | tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE
            | tags::PLANE_POSITION_SEQUENCE
            | tags::PLANE_ORIENTATION_SEQUENCE
            | tags::PIXEL_MEASURES_SEQUENCE
            | tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE
            | tags::FRAME_VOILUT_SEQUENCE
            | tags::AVAILABLE_TRANSFER_SYNTAX_UID
            | tags::UNITS
            | tags::PRESENTATION_LUT_SHAPE
    )
}

/// Puts an instance together. `transfer_syntax` is the file's, where there is a file.
pub(super) fn instance(fields: &Fields, transfer_syntax: Option<&str>) -> Result<Instance, ReadError> {
    let text = |tag| fields.text(tag);
    let int = |tag| fields.integer(tag).and_then(|v| i32::try_from(v).ok());
    let transfer_syntax = transfer_syntax.map(str::to_owned).or_else(|| text(tags::AVAILABLE_TRANSFER_SYNTAX_UID));
    let image = image(fields, transfer_syntax.as_deref());
    let number_of_frames = fields.integer(tags::NUMBER_OF_FRAMES).map_or(1, |n| n.clamp(1, MOST_FRAMES));
    let number_of_frames = u32::try_from(number_of_frames).unwrap_or(1);
    let frames = image.as_ref().map_or_else(Vec::new, |image| frames(fields, image, number_of_frames as usize));
    let date = |tag| text(tag).map(|d| iso_date(&d));
    let time = |tag| text(tag).map(|t| iso_time(&t));
    let acquired_at = text(tags::ACQUISITION_DATE_TIME);
    Ok(Instance {
        study: uid(fields, tags::STUDY_INSTANCE_UID, "Study Instance UID", StudyUid::parse)?,
        series: uid(fields, tags::SERIES_INSTANCE_UID, "Series Instance UID", SeriesUid::parse)?,
        sop_instance: uid(fields, tags::SOP_INSTANCE_UID, "SOP Instance UID", SopInstanceUid::parse)?,
        sop_class: text(tags::SOP_CLASS_UID).unwrap_or_default(),
        modality: text(tags::MODALITY).unwrap_or_default(),
        transfer_syntax,
        patient: PatientIdentity {
            id: Phi::new(text(tags::PATIENT_ID).unwrap_or_default()),
            issuer: text(tags::ISSUER_OF_PATIENT_ID).map(Phi::new),
            name: Phi::new(text(tags::PATIENT_NAME).map_or_else(String::new, |name| alphabetic(&name))),
            birth_date: date(tags::PATIENT_BIRTH_DATE).map(Phi::new),
            sex: text(tags::PATIENT_SEX),
        },
        study_description: text(tags::STUDY_DESCRIPTION),
        series_description: text(tags::SERIES_DESCRIPTION),
        study_date: date(tags::STUDY_DATE),
        study_time: time(tags::STUDY_TIME),
        series_date: date(tags::SERIES_DATE),
        series_time: time(tags::SERIES_TIME),
        acquisition_date: date(tags::ACQUISITION_DATE)
            .or_else(|| acquired_at.as_deref().and_then(|at| at.get(..8)).map(iso_date))
            .or_else(|| date(tags::CONTENT_DATE)),
        acquisition_time: time(tags::ACQUISITION_TIME)
            .or_else(|| acquired_at.as_deref().and_then(|at| at.get(8..14)).map(iso_time))
            .or_else(|| time(tags::CONTENT_TIME)),
        institution: text(tags::INSTITUTION_NAME),
        accession_number: text(tags::ACCESSION_NUMBER),
        body_part: text(tags::BODY_PART_EXAMINED),
        series_number: int(tags::SERIES_NUMBER),
        acquisition_number: int(tags::ACQUISITION_NUMBER),
        instance_number: int(tags::INSTANCE_NUMBER),
        number_of_frames,
        frame_of_reference: text(tags::FRAME_OF_REFERENCE_UID),
        presentation: text(tags::PRESENTATION_LUT_SHAPE).and_then(|term| presentation(&term)),
        image,
        frames,
    })
}

fn uid<T>(
    fields: &Fields,
    tag: Tag,
    attribute: &'static str,
    parse: impl Fn(&str) -> Result<T, IdError>,
) -> Result<T, ReadError> {
    let text = fields.text(tag).unwrap_or_default();
    parse(&text).map_err(|_why| ReadError::Identifier { attribute })
}

/// The first component group of a person's name (PS3.5 6.2.1.2).
fn alphabetic(name: &str) -> String {
    name.split('=').next().unwrap_or_default().trim().to_owned()
}

/// `YYYYMMDD` and the older `YYYY.MM.DD` as `YYYY-MM-DD`; anything else as it is.
fn iso_date(text: &str) -> String {
    let digits = text.replace('.', "");
    if digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit()) {
        format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..])
    } else {
        text.to_owned()
    }
}

/// `HHMMSS.FFFFFF` and its shorter forms as `HH:MM:SS`; anything else as it is.
fn iso_time(text: &str) -> String {
    let digits: String = text.replace(':', "").chars().take_while(char::is_ascii_digit).collect();
    match digits.len() {
        2 => format!("{digits}:00:00"),
        4 => format!("{}:{}:00", &digits[..2], &digits[2..]),
        6 => format!("{}:{}:{}", &digits[..2], &digits[2..4], &digits[4..]),
        _ => text.to_owned(),
    }
}

/// The two shapes that an image may have (PS3.3 C.11.6.1.2); the other terms are a printer's.
fn presentation(term: &str) -> Option<PresentationShape> {
    match term {
        "IDENTITY" => Some(PresentationShape::Identity),
        "INVERSE" => Some(PresentationShape::Inverse),
        _ => None,
    }
}

/// The Image Pixel module. Objects that lack Rows or Columns have no picture; a missing Photometric
/// Interpretation is read off the number of samples.
fn image(fields: &Fields, transfer_syntax: Option<&str>) -> Option<ImageDescription> {
    let rows = fields.u16(tags::ROWS).filter(|&n| n > 0)?;
    let columns = fields.u16(tags::COLUMNS).filter(|&n| n > 0)?;
    let samples_per_pixel = fields.u16(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
    let bits_allocated = fields.u16(tags::BITS_ALLOCATED)?;
    let bits_stored = fields.u16(tags::BITS_STORED).filter(|&b| b > 0 && b <= bits_allocated).unwrap_or(bits_allocated);
    let high_bit = fields
        .u16(tags::HIGH_BIT)
        .filter(|&b| b < bits_allocated && b + 1 >= bits_stored)
        .unwrap_or_else(|| bits_stored.saturating_sub(1));
    let signed = fields.u16(tags::PIXEL_REPRESENTATION) == Some(1);
    let photometric = fields.text(tags::PHOTOMETRIC_INTERPRETATION).and_then(|term| Photometric::parse(&term));
    let photometric =
        photometric.unwrap_or(if samples_per_pixel == 3 { Photometric::Rgb } else { Photometric::Monochrome2 });
    let padding = fields.words(tags::PIXEL_PADDING_VALUE).first().map(|&value| {
        let value = as_stored(value, signed);
        let limit = fields.words(tags::PIXEL_PADDING_RANGE_LIMIT).first().map_or(value, |&l| as_stored(l, signed));
        (value.min(limit), value.max(limit))
    });
    Some(ImageDescription {
        rows,
        columns,
        samples_per_pixel,
        bits_allocated,
        bits_stored,
        high_bit,
        signed,
        photometric,
        planar: samples_per_pixel > 1 && fields.u16(tags::PLANAR_CONFIGURATION) == Some(1),
        padding,
        lossy: fields.text(tags::LOSSY_IMAGE_COMPRESSION).as_deref() == Some("01")
            || transfer_syntax.is_some_and(is_lossy),
        lossy_ratio: fields.numbers(tags::LOSSY_IMAGE_COMPRESSION_RATIO).last().copied(),
        palette: palette(fields, signed),
    })
}

/// Transfer syntaxes that cannot be lossless. Those that may be either rely on the attribute.
fn is_lossy(transfer_syntax: &str) -> bool {
    matches!(transfer_syntax, "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51")
}

fn as_stored(word: u16, signed: bool) -> i32 {
    if signed { i32::from(word.cast_signed()) } else { i32::from(word) }
}

/// The palette of PS3.3 C.7.9.
fn palette(fields: &Fields, signed: bool) -> Option<Palette> {
    let channel = |descriptor, data, segmented| {
        let words = fields.words(descriptor);
        let &[entries, first, bits] = words.as_slice() else { return None };
        // An entry count of 0 means 65,536 (PS3.3 C.7.6.3.1.5).
        let count = if entries == 0 { 65_536 } else { usize::from(entries) };
        let stored = fields.words(data);
        let table =
            if stored.is_empty() { expand_segments(&fields.words(segmented), count)? } else { unpack(stored, count) };
        (!table.is_empty()).then(|| (as_stored(first, signed), bits, table))
    };
    let (first, bits, red) = channel(
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    )?;
    let (_, _, green) = channel(
        tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    )?;
    let (_, _, blue) = channel(
        tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    )?;
    // Writers declare 16 bits and fill 8 of them; then the low byte is the color.
    let narrow = [&red, &green, &blue].iter().all(|t| t.iter().all(|&v| v < 256));
    let bits = if bits > 8 && !narrow { 16 } else { 8 };
    Some(Palette { first, bits, red, green, blue })
}

/// Entries of 8 bits may lie two to a word, the first in the low byte (PS3.3 C.7.6.3.1.6).
fn unpack(words: Vec<u16>, count: usize) -> Vec<u16> {
    if words.len() < count && words.len() == count.div_ceil(2) {
        words.iter().flat_map(|w| w.to_le_bytes().map(u16::from)).take(count).collect()
    } else {
        words
    }
}

/// Segmented palettes (PS3.3 C.7.9.2): discrete runs, linear slopes, and copies of earlier segments.
fn expand_segments(words: &[u16], count: usize) -> Option<Vec<u16>> {
    let mut table: Vec<u16> = Vec::new();
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < words.len() && table.len() < count {
        starts.push(at);
        at = segment(words, at, count, &mut table, Some(&starts))?;
    }
    table.truncate(count);
    (!table.is_empty()).then_some(table)
}

fn segment(words: &[u16], at: usize, count: usize, table: &mut Vec<u16>, starts: Option<&[usize]>) -> Option<usize> {
    let opcode = *words.get(at)?;
    let length = usize::from(*words.get(at + 1)?);
    match opcode {
        0 => {
            table.extend_from_slice(words.get(at + 2..at + 2 + length)?);
            Some(at + 2 + length)
        }
        1 => {
            let from = f64::from(*table.last()?);
            let to = f64::from(*words.get(at + 2)?);
            for step in 1..=length.min(count) {
                #[expect(clippy::cast_precision_loss, reason = "at most 65,536 steps")]
                let value = from + (to - from) * step as f64 / length as f64;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between two entries of 16 bits"
                )]
                table.push(value.round() as u16);
            }
            Some(at + 3)
        }
        2 => {
            // An indirect segment repeats `length` segments from a byte offset; it may not contain
            // another one.
            let starts = starts?;
            let offset = usize::from(*words.get(at + 2)?) | (usize::from(*words.get(at + 3)?) << 16);
            let mut from = offset / 2;
            if !starts.contains(&from) {
                return None;
            }
            for _ in 0..length {
                from = segment(words, from, count, table, None)?;
                if table.len() >= count {
                    break;
                }
            }
            Some(at + 4)
        }
        _ => None,
    }
}

/// What holds per frame: functional groups over shared groups over the object's own attributes.
fn frames(fields: &Fields, image: &ImageDescription, count: usize) -> Vec<Arc<FrameFacts>> {
    let mut base = FrameFacts::default();
    // PS3.3 C.8.9.1.1.3: what rescaled PET values are is said here.
    base.rescale.unit = fields.text(tags::UNITS);
    overlay(&mut base, fields, image);
    if let Some(shared) = fields.items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE).first() {
        overlay_groups(&mut base, shared, image);
    }
    let base = Arc::new(base);
    let per_frame = fields.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    (0..count)
        .map(|frame| match per_frame.get(frame) {
            Some(groups) => {
                let mut facts = FrameFacts::clone(&base);
                overlay_groups(&mut facts, groups, image);
                if facts == *base { Arc::clone(&base) } else { Arc::new(facts) }
            }
            None => Arc::clone(&base),
        })
        .collect()
}

fn overlay_groups(facts: &mut FrameFacts, groups: &Fields, image: &ImageDescription) {
    for sequence in [
        tags::PLANE_POSITION_SEQUENCE,
        tags::PLANE_ORIENTATION_SEQUENCE,
        tags::PIXEL_MEASURES_SEQUENCE,
        tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
        tags::FRAME_VOILUT_SEQUENCE,
    ] {
        if let Some(group) = groups.items(sequence).first() {
            overlay(facts, group, image);
        }
    }
}

/// Takes over what `fields` says; what it does not say stays.
fn overlay(facts: &mut FrameFacts, fields: &Fields, image: &ImageDescription) {
    fn set<T>(place: &mut Option<T>, value: Option<T>) {
        if value.is_some() {
            *place = value;
        }
    }
    set(&mut facts.position, fields.vector(tags::IMAGE_POSITION_PATIENT));
    set(&mut facts.orientation, fields.vector(tags::IMAGE_ORIENTATION_PATIENT));
    set(&mut facts.pixel_spacing, fields.vector(tags::PIXEL_SPACING));
    set(&mut facts.imager_pixel_spacing, fields.vector(tags::IMAGER_PIXEL_SPACING));
    set(&mut facts.nominal_scanned_pixel_spacing, fields.vector(tags::NOMINAL_SCANNED_PIXEL_SPACING));
    set(&mut facts.calibration_type, fields.text(tags::PIXEL_SPACING_CALIBRATION_TYPE));
    set(&mut facts.slice_thickness, fields.number(tags::SLICE_THICKNESS));
    if let Some(slope) = fields.number(tags::RESCALE_SLOPE).filter(|&slope| slope != 0.0) {
        facts.rescale.slope = slope;
    }
    if let Some(intercept) = fields.number(tags::RESCALE_INTERCEPT) {
        facts.rescale.intercept = intercept;
    }
    set(&mut facts.rescale.unit, fields.text(tags::RESCALE_TYPE));
    if let Some(item) = fields.items(tags::MODALITY_LUT_SEQUENCE).first() {
        facts.modality_lut = lut(item, image.signed).map(Arc::new);
        facts.modality_unknown = facts.modality_lut.is_none();
    }
    let windows = windows(fields);
    if !windows.is_empty() {
        facts.windows = windows;
    }
    let (least, greatest) = image.stored_range();
    let negative = facts.modality_lut.is_none() && facts.rescale.apply(least).min(facts.rescale.apply(greatest)) < 0.0;
    let tables: Vec<Arc<Lut>> =
        fields.items(tags::VOILUT_SEQUENCE).iter().filter_map(|item| lut(item, negative)).map(Arc::new).collect();
    if !tables.is_empty() {
        facts.voi_luts = tables;
    }
}

fn windows(fields: &Fields) -> Vec<Window> {
    let function = fields.text(tags::VOILUT_FUNCTION).map_or(VoiFunction::Linear, |term| VoiFunction::parse(&term));
    let names = fields.texts(tags::WINDOW_CENTER_WIDTH_EXPLANATION);
    let centers = fields.numbers(tags::WINDOW_CENTER);
    let widths = fields.numbers(tags::WINDOW_WIDTH);
    let window = |(i, (&center, &width))| Window {
        center,
        width,
        function,
        explanation: names.get(i).filter(|name: &&String| !name.is_empty()).cloned(),
    };
    centers.iter().zip(&widths).enumerate().map(window).filter(Window::is_valid).collect()
}

/// An item of a LUT sequence. The first mapped value is signed where the table's input can be
/// negative, whatever value representation the writer chose (PS3.3 C.11.1.1.1, C.11.2.1.1).
fn lut(item: &Fields, signed: bool) -> Option<Lut> {
    let words = item.words(tags::LUT_DESCRIPTOR);
    let &[entries, first, bits] = words.as_slice() else { return None };
    let count = if entries == 0 { 65_536 } else { usize::from(entries) };
    let data = item.words(tags::LUT_DATA);
    // Two entries share a word only where each has 8 bits.
    let entries = if bits <= 8 { unpack(data, count) } else { data };
    // Inputs beyond the last entry take it (PS3.3 C.11.1.1.1): a table that was cut would give its last one to tissue.
    (entries.len() >= count).then(|| Lut {
        first: as_stored(first, signed),
        bits: u8::try_from(bits.clamp(1, 16)).unwrap_or(16),
        entries,
        explanation: item.text(tags::LUT_EXPLANATION),
        unit: item.text(tags::MODALITY_LUT_TYPE),
    })
}

#[cfg(test)]
mod tests {
    use super::{expand_segments, iso_date, iso_time, unpack};

    #[test]
    fn dates_and_times_read_as_iso() {
        assert_eq!(iso_date("20260228"), "2026-02-28", "PS3.5 6.2 DA");
        assert_eq!(iso_date("1993.08.22"), "1993-08-22", "the form of ACR-NEMA");
        assert_eq!(iso_date("unknown"), "unknown", "as written");
        assert_eq!(iso_time("070907.0705 "), "07:09:07", "PS3.5 6.2 TM");
        assert_eq!(iso_time("1010"), "10:10:00", "hours and minutes");
    }

    #[test]
    fn entries_of_eight_bits_unpack_from_words() {
        assert_eq!(unpack(vec![0x0201, 0x0403], 4), [1, 2, 3, 4], "low byte first");
        assert_eq!(unpack(vec![7, 8], 2), [7, 8], "one entry a word");
    }

    #[test]
    fn segmented_palettes_expand_as_the_standard_shows() {
        // PS3.3 C.7.9.2: a discrete segment of one value, then linear segments.
        let words = [0, 1, 0, 1, 4, 100, 0, 2, 7, 9];
        assert_eq!(expand_segments(&words, 7), Some(vec![0, 25, 50, 75, 100, 7, 9]), "discrete, linear, discrete");
        // An indirect segment copies the segment at byte 6 (word 3).
        let words = [0, 1, 0, 0, 2, 5, 6, 2, 1, 6, 0];
        assert_eq!(expand_segments(&words, 5), Some(vec![0, 5, 6, 5, 6]), "indirect");
        assert_eq!(expand_segments(&[1, 4, 9], 4), None, "a slope needs a start");
    }
}
