//! The discovery document at `/.well-known/konsil`: where the parts of the platform are.

use axum::Json;
use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};

/// The client that the platform knows. It is public: it has no secret.
pub(crate) const CLIENT_ID: &str = "konsil";

/// Who runs the platform.
pub(crate) const ORGANIZATION: &str = "Klinikverbund Eschenland";

/// Serves the document. A part that the platform lacks is absent from it.
pub(crate) fn router(origin: &str, homeserver: &str) -> Router {
    let document = document(origin, homeserver);
    Router::new().route("/.well-known/konsil", get(async move || Json(document.clone())))
}

fn document(origin: &str, homeserver: &str) -> Value {
    json!({
        "v": 1,
        "organisation": {
            "name": ORGANIZATION,
            "support": { "phone": "+49 30 23125 100", "mail": "it@eschenland.example" },
        },
        "oidc": { "issuer": format!("{origin}/oidc"), "client_id": CLIENT_ID },
        "fhir": { "base": format!("{origin}/fhir") },
        "dicomweb": { "base": format!("{origin}/dicom-web") },
        "matrix": { "server_name": homeserver },
        "directory": { "base": format!("{origin}/vzd") },
    })
}
