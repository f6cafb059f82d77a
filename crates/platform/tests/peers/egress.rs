//! Certificates, and what a log line may hold.

use std::sync::Arc;

use axum::{Json, Router, routing::get};
use platform::{
    discovery::{DiscoverError, discover},
    egress::{Egress, EgressError, EgressOptions, EgressSetupError},
    fhir::FhirClient,
};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::{
    peer::{Moved, log, serve},
    provider::Provider,
};

// The authority's key was thrown away; both certificates hold for a hundred years.
const CA: &[u8] = include_bytes!("tls/ca.pem");

/// A platform behind a certificate of the test's own authority.
async fn secure_platform() -> String {
    let chain = vec![CertificateDer::from_pem_slice(include_bytes!("tls/leaf.pem")).expect("it is a certificate")];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/leaf.key")).expect("it is a key");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("key and certificate belong together");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let socket = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports");
    let address = socket.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.ok()?;
                let mut request = vec![0; 4096];
                let _any = stream.read(&mut request).await.ok()?;
                let body =
                    r#"{"v":1,"organisation":{"name":"Haus"},"oidc":{"issuer":"https://id.example","client_id":"k"}}"#;
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                stream.write_all(head.as_bytes()).await.ok()?;
                stream.write_all(body.as_bytes()).await.ok()?;
                stream.shutdown().await.ok()
            });
        }
    });
    format!("https://{address}")
}

#[tokio::test]
async fn an_untrusted_certificate_is_refused_and_its_issuer_named() {
    let address = secure_platform().await;
    let refused = discover(&Moved::default().egress(), &address).await;
    let Err(DiscoverError::Egress(EgressError::CertificateNotTrusted { issuer, .. })) = refused else {
        panic!("it was {refused:?}");
    };
    assert_eq!(issuer.as_deref(), Some("Eschenland Test CA"), "the common name that openssl was given");
}

#[tokio::test]
async fn an_added_authority_is_trusted() {
    let address = secure_platform().await;
    let options = EgressOptions { extra_ca_pem: vec![CA.to_vec()], ..Moved::default().options() };
    let egress = Egress::new(options).expect("the authority is a certificate");
    let found = discover(&egress, &address).await.expect("its certificate holds for 127.0.0.1");
    assert_eq!(found.organization, "Haus", "the document came through");
}

#[test]
fn a_text_that_is_no_certificate_is_refused_with_its_number() {
    let options = EgressOptions { extra_ca_pem: vec![CA.to_vec(), b"hello".to_vec()], ..EgressOptions::default() };
    let refused = Egress::new(options);
    assert!(matches!(refused, Err(EgressSetupError::Certificate(2))), "{refused:?}");
}

#[tokio::test]
async fn no_log_line_names_a_patient_or_a_token() {
    let provider = Provider::start().await;
    let (egress, session, _) = provider.session(&Moved::default()).await;
    let patient = json!({"resourceType": "Patient", "id": "pat-auenwald", "name": [{"family": "Auenwald"}]});
    let refusal = json!({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "Auenwald 1957-03-02"}]});
    let base =
        serve(Router::new().route("/fhir/Patient/pat-auenwald", get(move || async move { Json(patient) })).route(
            "/fhir/Patient",
            get(move || async move { (axum::http::StatusCode::UNPROCESSABLE_ENTITY, Json(refusal)) }),
        ))
        .await;
    let fhir = FhirClient::new(&egress, base.join("fhir").expect("a plain path"), &session);
    let read = fhir.read("Patient", "pat-auenwald").await.expect("it is there");
    let refused = fhir.search("Patient", &[("family", "Auenwald"), ("birthdate", "1957-03-02")], 10).await;
    tracing::debug!(?read, ?refused, ?session, "what a careless line would print");

    // Every test of this program writes into the same log.
    let log = log().text();
    assert!(log.contains("fhir read"), "requests are logged at all: {log}");
    for secret in ["auenwald", "Auenwald", "1957-03-02", "token-1", "refresh-1", "the-code", "Falkenried"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}
