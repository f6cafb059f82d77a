//! STOW-RS: taking in Part 10 files (PS3.18 §10.5). Each file goes to disk as it arrives.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::multipart::{Splitter, Step, with_type};
use super::{DicomWeb, Refusal};
use crate::images::{AddError, Images, Received};

pub(crate) async fn store(
    State(service): State<DicomWeb>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    take_in(service, &headers, body, None).await
}

pub(crate) async fn store_in_study(
    State(service): State<DicomWeb>,
    Path(study): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    take_in(service, &headers, body, Some(study)).await
}

async fn take_in(
    service: DicomWeb,
    headers: &HeaderMap,
    body: Body,
    study: Option<String>,
) -> Result<Response, Refusal> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let boundary = boundary(content_type)
        .ok_or_else(|| Refusal::Bad("the body must be multipart/related; type=\"application/dicom\"".to_owned()))?;
    let (sender, receiver) = mpsc::channel(8);
    let images = std::sync::Arc::clone(&service.images);
    let worker = tokio::task::spawn_blocking(move || receive(&images, &boundary, receiver, study.as_deref()));
    let mut stream = body.into_data_stream();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|e| Refusal::Bad(format!("the body breaks off: {e}")))?;
        // A worker that has given up says why below.
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    drop(sender);
    let results = worker
        .await
        .map_err(|e| Refusal::Broken(e.to_string()))?
        .map_err(|e| Refusal::Bad(format!("the body is not a complete multipart message: {e}")))?;
    Ok(response(&service.base, &results))
}

fn boundary(content_type: &str) -> Option<String> {
    let mut parts = content_type.split(';');
    if !parts.next()?.trim().eq_ignore_ascii_case("multipart/related") {
        return None;
    }
    let value = parts.find_map(|p| {
        let (name, value) = p.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    (!value.is_empty() && value.len() <= 70).then_some(value)
}

type Outcome = Result<Received, AddError>;

fn receive(
    images: &Images,
    boundary: &str,
    mut pieces: mpsc::Receiver<bytes::Bytes>,
    study: Option<&str>,
) -> io::Result<Vec<Outcome>> {
    let mut splitter = Splitter::new(boundary);
    let mut path = PathBuf::new();
    let mut file: Option<File> = None;
    let mut results = Vec::new();
    let mut result = Ok(());
    while let Some(piece) = pieces.blocking_recv() {
        result = splitter.push(&piece, &mut file, |step, file| {
            match step {
                Step::Begin => {
                    path = images.inbox();
                    *file = Some(File::create(&path)?);
                }
                Step::Finish => {
                    if let Some(whole) = file.take() {
                        whole.sync_all()?;
                        let taken = images.receive(&path, study);
                        if taken.is_err() {
                            std::fs::remove_file(&path)?;
                        }
                        results.push(taken);
                    }
                }
            }
            Ok(())
        });
        if result.is_err() {
            break;
        }
    }
    if file.take().is_some() {
        std::fs::remove_file(&path)?;
    }
    result?;
    if splitter.complete() {
        Ok(results)
    } else {
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the last delimiter is missing"))
    }
}

/// PS3.18 §10.5.3: 200 when all was stored, 202 when some, 409 when none.
fn response(base: &str, results: &[Outcome]) -> Response {
    let mut stored = Vec::new();
    let mut failed = Vec::new();
    let mut study = None;
    for result in results {
        match result {
            Ok(r) => {
                study.get_or_insert_with(|| r.study.clone());
                let url = format!("{base}/studies/{}/series/{}/instances/{}", r.study, r.series, r.instance);
                stored.push(json!({
                    "00081150": { "vr": "UI", "Value": [r.sop_class] },
                    "00081155": { "vr": "UI", "Value": [r.instance] },
                    "00081190": { "vr": "UR", "Value": [url] },
                }));
            }
            Err(error) => {
                tracing::warn!(%error, "an instance was not taken in");
                // PS3.4 Annex GG: cannot understand, data set does not match, out of resources.
                let reason = match error {
                    AddError::Form(_) => 0xC000,
                    AddError::OtherStudy => 0xA900,
                    AddError::Io(_) => 0xA700,
                };
                failed.push(json!({ "00081197": { "vr": "US", "Value": [reason] } }));
            }
        }
    }
    let status = match (stored.is_empty(), failed.is_empty()) {
        (false, true) => StatusCode::OK,
        (false, false) => StatusCode::ACCEPTED,
        (true, _) => StatusCode::CONFLICT,
    };
    let mut body = serde_json::Map::new();
    if let Some(study) = study {
        body.insert("00081190".to_owned(), json!({ "vr": "UR", "Value": [format!("{base}/studies/{study}")] }));
    }
    if !stored.is_empty() {
        body.insert("00081199".to_owned(), json!({ "vr": "SQ", "Value": stored }));
    }
    if !failed.is_empty() {
        body.insert("00081198".to_owned(), json!({ "vr": "SQ", "Value": failed }));
    }
    with_type(status, "application/dicom+json", Value::Object(body).to_string().into())
}
