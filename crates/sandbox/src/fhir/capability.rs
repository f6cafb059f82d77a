//! The CapabilityStatement at `/fhir/metadata`: what this server says it can do.

use super::element::stamp;
use super::parameters::{COMMON, Kind, Parameter, TYPES, Type};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The statement. It is read without a token.
pub(super) fn statement(base: &str, origin: &str, now: Timestamp) -> Value {
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": stamp(now),
        "kind": "instance",
        "software": { "name": "Konsil sandbox", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "Evaluation platform with invented data", "url": base },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [{
            "mode": "server",
            "security": {
                "service": [{ "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "OAuth",
                }] }],
                "description": format!("Bearer tokens of {origin}/oidc"),
            },
            "resource": TYPES.iter().map(resource).collect::<Vec<_>>(),
            "interaction": [{ "code": "transaction" }, { "code": "batch" }],
        }],
    })
}

fn resource(of: &Type) -> Value {
    let interactions = ["read", "vread", "update", "delete", "history-instance", "create", "search-type"];
    json!({
        "type": of.name,
        "interaction": interactions.map(|code| json!({ "code": code })),
        "versioning": "versioned-update",
        "readHistory": true,
        "updateCreate": true,
        "conditionalCreate": true,
        "conditionalRead": "not-match",
        "conditionalUpdate": true,
        "searchInclude": references(of.parameters).map(|name| format!("{}:{name}", of.name)).collect::<Vec<_>>(),
        "searchParam": of.parameters.iter().chain(COMMON).map(parameter).collect::<Vec<_>>(),
    })
}

fn references(parameters: &'static [Parameter]) -> impl Iterator<Item = &'static str> {
    let only = parameters.iter().filter(|parameter| matches!(parameter.kind, Kind::Reference(_)));
    only.map(|parameter| parameter.name)
}

fn parameter(parameter: &Parameter) -> Value {
    let kind = match parameter.kind {
        Kind::Token => "token",
        Kind::Reference(_) => "reference",
        Kind::Date => "date",
        Kind::Text => "string",
        Kind::Uri => "uri",
    };
    json!({ "name": parameter.name, "type": kind })
}
