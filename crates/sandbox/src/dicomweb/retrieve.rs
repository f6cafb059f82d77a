//! WADO-RS instances: whole Part 10 files, as stored or uncompressed (PS3.18 §10.4.1.1.1).

use std::io;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;

use super::frames::{Form, decode};
use super::stream::Sink;
use super::{DicomWeb, Htj2k, Refusal, accept, blocking, multipart, stream};
use crate::images::part10::{self, Piece};
use crate::images::{Found, Place};

const DICOM: &str = "application/dicom";

pub(crate) async fn study(
    State(service): State<DicomWeb>,
    Path(study): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = service.images.find(&study, None, None);
    answer(service, headers, found).await
}

pub(crate) async fn series(
    State(service): State<DicomWeb>,
    Path((study, series)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = service.images.find(&study, Some(&series), None);
    answer(service, headers, found).await
}

pub(crate) async fn instance(
    State(service): State<DicomWeb>,
    Path((study, series, instance)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = service.images.find(&study, Some(&series), Some(&instance));
    answer(service, headers, found).await
}

/// One file on its way: everything that is needed to send it.
#[derive(Debug)]
struct Parcel {
    found: Found,
    place: std::sync::Arc<Place>,
    /// The whole file as it is, or the header that replaces the file's.
    header: Option<(InMemDicomObject, Vec<u8>)>,
    form: Form,
}

async fn answer(service: DicomWeb, headers: HeaderMap, found: Vec<Found>) -> Result<Response, Refusal> {
    if found.is_empty() {
        return Err(Refusal::NotFound);
    }
    let ranges = accept::ranges(&headers, DICOM);
    let wanted = ranges.iter().find(|r| matches!(r.media.as_str(), "application/dicom" | "application/*" | "*/*"));
    let Some(wanted) = wanted.cloned() else {
        return Err(Refusal::NotAcceptable("instances are application/dicom".to_owned()));
    };
    let single = !wanted.multipart && wanted.media == DICOM && found.len() == 1;
    let syntax = wanted.transfer_syntax;
    blocking(move || {
        let htj2k = service.htj2k;
        // The first file is prepared before the answer begins, so that a refusal has a status.
        let mut first = found.into_iter();
        let head = first.next().map(|f| parcel(f, syntax.as_deref(), htj2k)).ok_or(Refusal::NotFound)??;
        if single {
            let body = stream::body(move |sink| send(&head, sink));
            return Ok(multipart::with_type(StatusCode::OK, DICOM, body));
        }
        Ok(multipart::response(DICOM, move |parts| {
            let mut next = Some(head);
            while let Some(one) = next.take() {
                send(&one, parts.begin(DICOM, None)?)?;
                if let Some(found) = first.next() {
                    next = Some(parcel(found, syntax.as_deref(), htj2k).map_err(io::Error::other)?);
                }
            }
            Ok(())
        }))
    })
    .await
}

fn parcel(found: Found, syntax: Option<&str>, htj2k: Htj2k) -> Result<Parcel, Refusal> {
    let place = found.instance.place()?;
    let stored = place.layout.transfer_syntax.clone();
    let compressed = place.layout.native.is_none() && !place.layout.fragments.is_empty();
    let form = match syntax {
        Some("*") => Form::Stored,
        Some(syntax) if syntax == stored => Form::Stored,
        Some(uids::EXPLICIT_VR_LITTLE_ENDIAN) => Form::Decoded,
        None => {
            if compressed {
                Form::Decoded
            } else {
                Form::Stored
            }
        }
        Some(syntax) => return Err(Refusal::NotAcceptable(format!("{syntax}; the instance is stored as {stored}"))),
    };
    if form == Form::Decoded && htj2k == Htj2k::LikeOrthanc && accept::is_htj2k(&stored) {
        return Err(Refusal::Broken(format!("Unknown transfer syntax {stored}")));
    }
    let header = match (form, found.instance.header_changes()) {
        (Form::Stored, false) => None,
        (Form::Stored, true) => {
            let header = found.instance.header()?;
            let bytes = part10::encode_header(&header, &stored).map_err(|e| Refusal::Broken(e.to_string()))?;
            Some((header, bytes))
        }
        (Form::Decoded, _) => Some(uncompressed(&found, &place)?),
    };
    Ok(Parcel { found, place, header, form })
}

/// The header of the uncompressed instance with the head of its Pixel Data.
fn uncompressed(found: &Found, place: &Place) -> Result<(InMemDicomObject, Vec<u8>), Refusal> {
    let mut header = found.instance.header()?;
    if place.layout.element.is_none() {
        let bytes = part10::encode_header(&header, uids::EXPLICIT_VR_LITTLE_ENDIAN);
        return Ok((header, bytes.map_err(|e| Refusal::Broken(e.to_string()))?));
    }
    let first = decode(&found.instance, &header, place, 0)?;
    let original = header.clone();
    header.put(DataElement::new(
        tags::PHOTOMETRIC_INTERPRETATION,
        VR::CS,
        PrimitiveValue::from(first.photometric.as_str()),
    ));
    if first.samples > 1 {
        header.put(DataElement::new(tags::PLANAR_CONFIGURATION, VR::US, PrimitiveValue::from(0_u16)));
    }
    let syntax = uids::EXPLICIT_VR_LITTLE_ENDIAN;
    let mut bytes = part10::encode_header(&header, syntax).map_err(|e| Refusal::Broken(e.to_string()))?;
    let length = first.bytes.len() * found.instance.frames();
    let length = u32::try_from(length + length % 2)
        .map_err(|e| Refusal::NotAcceptable(format!("too large without compression: {e}")))?;
    bytes.extend_from_slice(&[0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0]);
    bytes.extend_from_slice(&length.to_le_bytes());
    Ok((original, bytes))
}

fn send(parcel: &Parcel, sink: &Sink) -> io::Result<()> {
    let Some((header, bytes)) = &parcel.header else {
        let length = std::fs::metadata(&parcel.place.path)?.len();
        return sink.send_pieces(&parcel.place.path, &[Piece { offset: 0, length }]);
    };
    sink.send(bytes.clone())?;
    match parcel.form {
        Form::Stored => {
            // What follows Pixel Data (padding, signatures) would speak of the original and stays behind.
            let element: Vec<Piece> = parcel.place.layout.element.into_iter().collect();
            sink.send_pieces(&parcel.place.path, &element)?;
            let delimited = !parcel.place.layout.fragments.is_empty();
            if delimited && !parcel.place.layout.complete {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the stored pixel data is cut off"));
            }
        }
        Form::Decoded if parcel.place.layout.element.is_none() => {}
        Form::Decoded => {
            let mut sent = 0;
            for index in 0..parcel.found.instance.frames() {
                let frame = decode(&parcel.found.instance, header, &parcel.place, index).map_err(io::Error::other)?;
                sent += frame.bytes.len();
                sink.send(frame.bytes)?;
            }
            if sent % 2 == 1 {
                sink.send(&[0][..])?;
            }
        }
    }
    Ok(())
}
