//! WADO-RS frames: as stored, or decoded to little endian (PS3.18 §10.4.1.1.3).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use dicom_core::value::{PixelFragmentSequence, Value};
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use dicom_pixeldata::PixelDecoder;

use super::accept::{self, Range};
use super::{DicomWeb, Htj2k, Refusal, blocking, multipart};
use crate::images::part10::{BIG_ENDIAN, Layout, Piece, chain, read_pieces};
use crate::images::{Instance, Place};

const DECODED: &str = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1";

/// How pixels leave the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The bytes of the file.
    Stored,
    /// Stored values, little endian, uncompressed.
    Decoded,
}

/// The first acceptable form that can be made.
fn choose(ranges: &[Range], stored: &str) -> Option<Form> {
    ranges.iter().find_map(|range| {
        let syntax = range.transfer_syntax.as_deref();
        match range.media.as_str() {
            "application/octet-stream" | "application/*" | "*/*" => match syntax {
                None | Some(uids::EXPLICIT_VR_LITTLE_ENDIAN) => Some(Form::Decoded),
                Some("*") => Some(Form::Stored),
                Some(other) => (other == stored).then_some(Form::Stored),
            },
            media => {
                let fits = media == accept::frame_media(stored) && media != "application/octet-stream";
                (fits && syntax.is_none_or(|s| s == "*" || s == stored)).then_some(Form::Stored)
            }
        }
    })
}

pub(crate) async fn frames(
    State(service): State<DicomWeb>,
    Path((study, series, instance, list)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found =
        service.images.find(&study, Some(&series), Some(&instance)).into_iter().next().ok_or(Refusal::NotFound)?;
    let numbers = numbers(&list)?;
    let ranges = accept::ranges(&headers, "application/octet-stream");
    blocking(move || {
        let instance = Arc::clone(&found.instance);
        let place = instance.place()?;
        let stored = place.layout.transfer_syntax.clone();
        if numbers.iter().any(|n| *n > instance.frames()) {
            return Err(Refusal::NotFound);
        }
        let form =
            choose(&ranges, &stored).ok_or_else(|| Refusal::NotAcceptable(format!("frames are stored as {stored}")))?;
        let like_orthanc = service.htj2k == Htj2k::LikeOrthanc && accept::is_htj2k(&stored);
        if like_orthanc && form == Form::Stored {
            return Err(if ranges.iter().any(|r| r.media == "image/jphc") {
                Refusal::Bad("unknown media type image/jphc".to_owned())
            } else {
                Refusal::Broken(format!("Unknown transfer syntax {stored}"))
            });
        }
        if form == Form::Stored || like_orthanc || raw(&place.layout) {
            let label = if like_orthanc { DECODED.to_owned() } else { stored_label(&place.layout) };
            let all: Vec<Vec<Piece>> =
                numbers.iter().map(|n| pieces(&instance, &place, n - 1)).collect::<Result<_, _>>()?;
            return Ok(multipart::response("application/octet-stream", move |parts| {
                for pieces in &all {
                    let length = pieces.iter().map(|p| p.length).sum();
                    parts.begin(&label, Some(length))?.send_pieces(&place.path, pieces)?;
                }
                Ok(())
            }));
        }
        // The first frame is decoded before the answer begins, so that a damaged one has a status.
        let header = instance.header()?;
        let first = decode(&instance, &header, &place, numbers[0] - 1)?;
        Ok(multipart::response("application/octet-stream", move |parts| {
            let mut first = Some(first);
            for number in &numbers {
                let frame = match first.take() {
                    Some(frame) => frame,
                    None => decode(&instance, &header, &place, number - 1).map_err(std::io::Error::other)?,
                };
                parts.begin(DECODED, u64::try_from(frame.bytes.len()).ok())?.send(frame.bytes)?;
            }
            Ok(())
        }))
    })
    .await
}

fn numbers(list: &str) -> Result<Vec<usize>, Refusal> {
    let numbers: Option<Vec<usize>> =
        list.split(',').map(|n| n.trim().parse::<usize>().ok().filter(|n| *n > 0)).collect();
    numbers.filter(|n| !n.is_empty()).ok_or_else(|| Refusal::Bad(format!("not a list of frame numbers: {list}")))
}

/// Native little endian: stored and decoded are the same bytes.
fn raw(layout: &Layout) -> bool {
    layout.native.is_some() && layout.transfer_syntax != BIG_ENDIAN
}

fn stored_label(layout: &Layout) -> String {
    if raw(layout) {
        return DECODED.to_owned();
    }
    format!("{}; transfer-syntax={}", accept::frame_media(&layout.transfer_syntax), layout.transfer_syntax)
}

fn pieces(instance: &Instance, place: &Place, index: usize) -> Result<Vec<Piece>, Refusal> {
    place.layout.frame(index, instance.frames(), instance.frame_bits()).ok_or(Refusal::NotFound)
}

/// One decoded frame.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Stored values, little endian, samples of a pixel beside each other where the decoder joins them.
    pub(crate) bytes: Vec<u8>,
    /// Samples per pixel.
    pub(crate) samples: u16,
    /// Photometric interpretation of `bytes`.
    pub(crate) photometric: String,
}

/// Decodes one frame from its own bytes, whatever the size of the file.
pub(crate) fn decode(
    instance: &Instance,
    header: &InMemDicomObject,
    place: &Place,
    index: usize,
) -> Result<Frame, Refusal> {
    let samples = header.get(tags::SAMPLES_PER_PIXEL).and_then(|e| e.to_int::<u16>().ok()).unwrap_or(1);
    let photometric = crate::images::text(header, tags::PHOTOMETRIC_INTERPRETATION);
    let mut bytes = read_pieces(&place.path, &pieces(instance, place, index)?)?;
    let layout = &place.layout;
    if layout.native.is_some() {
        if layout.transfer_syntax == BIG_ENDIAN
            && header.get(tags::BITS_ALLOCATED).and_then(|e| e.to_int::<u16>().ok()) == Some(16)
        {
            bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse());
        }
        return Ok(Frame { bytes, samples, photometric });
    }
    let broken = |text: String| Refusal::Broken(format!("frame {} cannot be decoded: {text}", index + 1));
    let mut object = header.clone();
    object.put(DataElement::new(tags::NUMBER_OF_FRAMES, VR::IS, PrimitiveValue::from("1")));
    let fragments = PixelFragmentSequence::new_fragments(vec![bytes]);
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, Value::<InMemDicomObject, Vec<u8>>::from(fragments)));
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(layout.transfer_syntax.as_str())
        .media_storage_sop_class_uid(crate::images::text(header, tags::SOP_CLASS_UID))
        .media_storage_sop_instance_uid(crate::images::text(header, tags::SOP_INSTANCE_UID));
    let object = object.with_meta(meta).map_err(|e| broken(chain(&e)))?;
    let decoded = object.decode_pixel_data_frame(0).map_err(|e| broken(chain(&e)))?;
    let photometric = decoded.photometric_interpretation().to_string();
    Ok(Frame { samples: decoded.samples_per_pixel(), photometric, bytes: decoded.into_data() })
}
