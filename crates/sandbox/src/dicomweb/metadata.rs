//! WADO-RS metadata as DICOM JSON (PS3.18 Annex F) and the bulk data that it points to.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use dicom_core::Tag;
use dicom_core::value::Value as DicomValue;
use dicom_object::InMemDicomObject;
use serde_json::{Map, Value, json};

use super::{DicomWeb, Refusal, blocking, multipart, stream};
use crate::images::Found;
use crate::images::part10::ReadError;

pub(crate) async fn study(State(service): State<DicomWeb>, Path(study): Path<String>) -> Result<Response, Refusal> {
    answer(service.base.clone(), service.images.find(&study, None, None))
}

pub(crate) async fn series(
    State(service): State<DicomWeb>,
    Path((study, series)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    answer(service.base.clone(), service.images.find(&study, Some(&series), None))
}

pub(crate) async fn instance(
    State(service): State<DicomWeb>,
    Path((study, series, instance)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    answer(service.base.clone(), service.images.find(&study, Some(&series), Some(&instance)))
}

fn answer(base: String, found: Vec<Found>) -> Result<Response, Refusal> {
    if found.is_empty() {
        return Err(Refusal::NotFound);
    }
    let body = stream::body(move |sink| {
        for (index, found) in found.iter().enumerate() {
            let one = one(&base, found).map_err(std::io::Error::other)?;
            let mut bytes = vec![if index == 0 { b'[' } else { b',' }];
            serde_json::to_writer(&mut bytes, &one)?;
            sink.send(bytes)?;
        }
        sink.send(&b"]"[..])
    });
    Ok(multipart::with_type(StatusCode::OK, "application/dicom+json", body))
}

/// Available Transfer Syntax UID is absent and Pixel Data appears only where it is native: both as at
/// Orthanc, so clients learn the stored syntax from the first frame.
fn one(base: &str, found: &Found) -> Result<Value, ReadError> {
    let mut value = json(&found.instance.header()?);
    let url = format!(
        "{base}/studies/{}/series/{}/instances/{}/bulk",
        found.study.uid,
        found.series().uid,
        found.instance.uid
    );
    if let Some(map) = value.as_object_mut() {
        point_at_bulk(map, &url);
        if found.instance.has_native_pixels()? {
            map.insert("7FE00010".to_owned(), json!({ "vr": "OW", "BulkDataURI": format!("{url}/7fe00010") }));
        }
    }
    Ok(value)
}

/// Replaces every binary value by an address.
fn point_at_bulk(map: &mut Map<String, Value>, url: &str) {
    for (tag, element) in map.iter_mut() {
        let Some(element) = element.as_object_mut() else { continue };
        let url = format!("{url}/{}", tag.to_lowercase());
        if element.remove("InlineBinary").is_some() {
            element.insert("BulkDataURI".to_owned(), Value::String(url));
        } else if element.get("vr").and_then(Value::as_str) == Some("SQ")
            && let Some(items) = element.get_mut("Value").and_then(Value::as_array_mut)
        {
            for (index, item) in items.iter_mut().enumerate() {
                if let Some(item) = item.as_object_mut() {
                    point_at_bulk(item, &format!("{url}/{}", index + 1));
                }
            }
        }
    }
}

/// DICOM JSON of an object. Decimal and integer strings become numbers, as at Orthanc.
pub(crate) fn json(object: &InMemDicomObject) -> Value {
    let mut value = dicom_json::to_value(object).unwrap_or_else(|error| {
        tracing::warn!(%error, "attributes without JSON form");
        json!({})
    });
    if let Some(map) = value.as_object_mut() {
        numbers(map);
    }
    value
}

fn numbers(map: &mut Map<String, Value>) {
    for element in map.values_mut() {
        let Some(element) = element.as_object_mut() else { continue };
        let vr = element.get("vr").and_then(Value::as_str).unwrap_or("").to_owned();
        let Some(values) = element.get_mut("Value").and_then(Value::as_array_mut) else { continue };
        for value in values {
            match (vr.as_str(), &*value) {
                ("SQ", _) => {
                    if let Some(item) = value.as_object_mut() {
                        numbers(item);
                    }
                }
                ("IS", Value::String(text)) => {
                    if let Ok(number) = text.trim().parse::<i64>() {
                        *value = json!(number);
                    }
                }
                ("DS", Value::String(text)) => {
                    if let Some(number) = text.trim().parse::<f64>().ok().filter(|n| n.is_finite()) {
                        *value = json!(number);
                    }
                }
                _ => {}
            }
        }
    }
}

pub(crate) async fn bulk(
    State(service): State<DicomWeb>,
    Path((study, series, instance, path)): Path<(String, String, String, String)>,
) -> Result<Response, Refusal> {
    let found =
        service.images.find(&study, Some(&series), Some(&instance)).into_iter().next().ok_or(Refusal::NotFound)?;
    blocking(move || {
        if path.eq_ignore_ascii_case("7fe00010") {
            let place = found.instance.place()?;
            let native = place.layout.native.ok_or(Refusal::NotFound)?;
            return Ok(multipart::response("application/octet-stream", move |parts| {
                parts.begin("application/octet-stream", Some(native.length))?.send_pieces(&place.path, &[native])
            }));
        }
        let header = found.instance.header()?;
        let bytes = binary(&header, &path).ok_or(Refusal::NotFound)?;
        Ok(multipart::response("application/octet-stream", move |parts| {
            let length = u64::try_from(bytes.len()).ok();
            parts.begin("application/octet-stream", length)?.send(bytes)
        }))
    })
    .await
}

/// The value at a path such as `54000100/1/54001010`.
fn binary(object: &InMemDicomObject, path: &str) -> Option<Vec<u8>> {
    let mut steps = path.split('/');
    let mut object = object;
    loop {
        let name = steps.next()?;
        let tag = Tag(u16::from_str_radix(name.get(..4)?, 16).ok()?, u16::from_str_radix(name.get(4..)?, 16).ok()?);
        let element = object.get(tag)?;
        match steps.next() {
            None => {
                return match element.value() {
                    DicomValue::Primitive(value) => Some(value.to_bytes().into_owned()),
                    DicomValue::Sequence(_) | DicomValue::PixelSequence(_) => None,
                };
            }
            Some(number) => {
                let index = number.parse::<usize>().ok()?.checked_sub(1)?;
                object = element.items()?.get(index)?;
            }
        }
    }
}
