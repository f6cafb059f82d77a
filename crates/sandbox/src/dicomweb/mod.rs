//! DICOMweb: QIDO-RS, WADO-RS and STOW-RS (PS3.18) over the archive, with the manners of Orthanc 1.10
//! and its DICOMweb plugin 1.7 wherever PS3.18 leaves room, because clients meet that server.
//!
//! Everything is streamed: metadata instance by instance, pixels piece by piece from the file.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::images::Images;

mod accept;
mod frames;
mod metadata;
mod multipart;
mod qido;
mod rendered;
mod retrieve;
mod stow;
mod stream;

/// Decides by a request's headers whether its sender may use the archive.
pub type Gate = Arc<dyn Fn(&HeaderMap) -> Result<(), StatusCode> + Send + Sync>;

/// How images in High-Throughput JPEG 2000 are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Htj2k {
    /// As Orthanc 1.10 does, which does not know these transfer syntaxes: frames as stored are refused
    /// with 500, decoded frames are the encoded bytes under the label of explicit VR little endian. Whole
    /// instances as stored are right.
    #[default]
    LikeOrthanc,
    /// As PS3.18 says.
    Conforming,
}

/// What the router serves.
#[derive(Clone)]
pub struct DicomWeb {
    /// The archive.
    pub images: Arc<Images>,
    /// Who may use it. A refusal is answered with the gate's status.
    pub gate: Gate,
    /// The service's address as clients see it, which addresses in answers begin with:
    /// `http://127.0.0.1:PORT/dicom-web`.
    pub base: String,
    /// Manners with HTJ2K.
    pub htj2k: Htj2k,
}

impl fmt::Debug for DicomWeb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DicomWeb").field("htj2k", &self.htj2k).finish_non_exhaustive()
    }
}

/// The routes, to be nested under a path such as `/dicom-web`.
pub fn router(service: DicomWeb) -> Router {
    Router::new()
        .route("/studies", get(qido::studies).post(stow::store))
        .route("/series", get(qido::series))
        .route("/instances", get(qido::instances))
        .route("/studies/{study}", get(retrieve::study).post(stow::store_in_study))
        .route("/studies/{study}/series", get(qido::series_of_study))
        .route("/studies/{study}/instances", get(qido::instances_of_study))
        .route("/studies/{study}/metadata", get(metadata::study))
        .route("/studies/{study}/thumbnail", get(rendered::study_thumbnail))
        .route("/studies/{study}/series/{series}", get(retrieve::series))
        .route("/studies/{study}/series/{series}/instances", get(qido::instances_of_series))
        .route("/studies/{study}/series/{series}/metadata", get(metadata::series))
        .route("/studies/{study}/series/{series}/thumbnail", get(rendered::series_thumbnail))
        .route("/studies/{study}/series/{series}/instances/{instance}", get(retrieve::instance))
        .route("/studies/{study}/series/{series}/instances/{instance}/metadata", get(metadata::instance))
        .route("/studies/{study}/series/{series}/instances/{instance}/frames/{frames}", get(frames::frames))
        .route("/studies/{study}/series/{series}/instances/{instance}/bulk/{*path}", get(metadata::bulk))
        .route("/studies/{study}/series/{series}/instances/{instance}/rendered", get(rendered::instance))
        .route("/studies/{study}/series/{series}/instances/{instance}/thumbnail", get(rendered::instance_thumbnail))
        .route("/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered", get(rendered::frame))
        .route(
            "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail",
            get(rendered::frame_thumbnail),
        )
        .route("/", post(stow::store))
        .layer(from_fn_with_state(service.clone(), admit))
        .with_state(service)
}

async fn admit(State(service): State<DicomWeb>, request: Request, next: Next) -> Response {
    match (service.gate)(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(status) => status.into_response(),
    }
}

/// Why a request is refused; each has a short reason for whoever reads the answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// A parameter or path cannot be understood.
    #[error("{0}")]
    Bad(String),
    /// No such study, series, instance or frame.
    #[error("not found")]
    NotFound,
    /// None of the accepted forms can be made.
    #[error("none of the accepted media types can be made: {0}")]
    NotAcceptable(String),
    /// A file is damaged or cannot be decoded.
    #[error("{0}")]
    Broken(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let body = serde_json::json!({ "HttpStatus": status.as_u16(), "Message": self.to_string() });
        (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    }
}

impl From<crate::images::part10::ReadError> for Refusal {
    fn from(error: crate::images::part10::ReadError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Runs blocking work of a request.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Refusal::Broken(format!("the image could not be worked on: {error}"))),
    }
}
