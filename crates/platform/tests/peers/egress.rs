//! Certificates, and what a log line may hold.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, routing::get};
use platform::{
    Platform,
    dicomweb::DicomwebClient,
    discovery::{DiscoverError, PlatformParts, discover},
    egress::{AddedAuthorities, Egress, EgressError, EgressOptions, EgressSetupError, ProxyChoice},
    fhir::FhirClient,
    oidc::{Purpose, SignInAttempt},
};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use url::Url;

use crate::{
    peer::{Moved, log, serve},
    provider::Provider,
};

// The authority's key was thrown away; both certificates hold for a hundred years.
const CA: &[u8] = include_bytes!("tls/ca.pem");

/// Serves `app` behind a certificate of the test's own authority, which holds for 127.0.0.1 and
/// `platform.example`.
async fn secure(app: Router) -> SocketAddr {
    let plain = serve(app).await;
    let plain = (plain.host_str().expect("it has a host").to_owned(), plain.port().expect("it has a port"));
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
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports");
    let address = socket.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let (acceptor, plain) = (acceptor.clone(), plain.clone());
            tokio::spawn(async move {
                let mut outside = acceptor.accept(stream).await.ok()?;
                let mut inside = TcpStream::connect(plain).await.ok()?;
                copy_bidirectional(&mut outside, &mut inside).await.ok()
            });
        }
    });
    address
}

fn document() -> Router {
    let document = json!({"v": 1, "organisation": {"name": "Haus"},
        "oidc": {"issuer": "https://id.example", "client_id": "k"}});
    Router::new().route("/.well-known/konsil", get(move || async move { Json(document) }))
}

/// A platform that only says who it is.
async fn secure_platform() -> String {
    format!("https://{}", secure(document()).await)
}

/// A proxy as hospitals have them (RFC 9110 §9.3.6), which leads every tunnel to `server`, and the heads of the
/// requests that it got.
async fn proxy(server: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports");
    let address = socket.local_addr().expect("it is bound");
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut client = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if client.read_line(&mut head).await.ok()? == 0 {
                        return None;
                    }
                }
                seen.lock().expect("no test panics while it holds this").push(head);
                client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
                let mut server = TcpStream::connect(server).await.ok()?;
                copy_bidirectional(&mut client, &mut server).await.ok()
            });
        }
    });
    (address, heads)
}

fn heads(seen: &Mutex<Vec<String>>) -> Vec<String> {
    seen.lock().expect("no test panics while it holds this").clone()
}

fn authority(content: &[u8]) -> AddedAuthorities {
    AddedAuthorities { name: "/etc/konsil/ca.pem".to_owned(), content: content.to_vec() }
}

/// The way out through a proxy, with the test's authority.
fn through(proxy: SocketAddr, except: &str) -> Egress {
    let url = Url::parse(&format!("http://it:secret@{proxy}")).expect("an address");
    let proxy = ProxyChoice::Fixed { url, except: except.to_owned() };
    Egress::new(EgressOptions { added: vec![authority(CA)], proxy, ..Moved::default().options() })
        .expect("authority and proxy can be used")
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
    let options = EgressOptions { added: vec![authority(CA)], ..Moved::default().options() };
    let egress = Egress::new(options).expect("the authority is a certificate");
    let found = discover(&egress, &address).await.expect("its certificate holds for 127.0.0.1");
    assert_eq!(found.organization, "Haus", "the document came through");
}

#[tokio::test]
async fn an_authority_in_der_is_trusted_too() {
    let der = CertificateDer::from_pem_slice(CA).expect("it is a certificate");
    let options = EgressOptions { added: vec![authority(&der)], ..Moved::default().options() };
    let egress = Egress::new(options).expect("Windows writes certificates in this form");
    assert!(discover(&egress, &secure_platform().await).await.is_ok(), "its certificate holds");
}

#[test]
fn a_file_without_a_certificate_is_refused_by_its_name() {
    let damaged = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let whole = String::from_utf8(CA.to_vec()).expect("PEM is text");
    for content in ["", "hello", damaged, &format!("{whole}{damaged}"), &whole[..whole.len() / 2]] {
        let file = AddedAuthorities { name: "haus.pem".to_owned(), content: content.as_bytes().to_vec() };
        let refused = Egress::new(EgressOptions { added: vec![authority(CA), file], ..EgressOptions::default() });
        let Err(error @ EgressSetupError::Certificate(_)) = refused else { panic!("{content:?}: {refused:?}") };
        assert_eq!(error.to_string(), "haus.pem holds no certificate that can be read", "{content:?}");
    }
}

#[tokio::test]
async fn sign_in_records_and_images_go_through_the_proxy() {
    let issuer = "https://platform.example/realm";
    let metadata = json!({"issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"]});
    let app = document()
        .route("/realm/.well-known/openid-configuration", get(move || async move { Json(metadata) }))
        .route("/realm/jwks", get(|| async { Json(json!({"keys": []})) }))
        .route("/fhir/Patient/p", get(|| async { Json(json!({"resourceType": "Patient", "id": "p"})) }))
        .route("/dicom-web/studies", get(|| async { Json(json!([])) }));
    let (proxy, seen) = proxy(secure(app).await).await;
    let egress = through(proxy, "");
    let (_, session, _) = Provider::start().await.session(&Moved::default()).await;

    assert!(discover(&egress, "platform.example").await.is_ok(), "the discovery document");
    let platform = Platform::from_parts(PlatformParts {
        organization: None,
        issuer: issuer.to_owned(),
        client_id: "konsil".to_owned(),
        fhir: None,
        dicomweb: None,
        matrix: None,
        rounds: None,
        directory: None,
    })
    .expect("the parts are addresses");
    assert!(SignInAttempt::begin(&egress, &platform, Purpose::SignIn).await.is_ok(), "the provider");
    let base = |path: &str| Url::parse("https://platform.example").and_then(|url| url.join(path)).expect("an address");
    let patient = FhirClient::new(&egress, base("fhir"), &session).read("Patient", "p").await;
    assert!(patient.is_ok(), "a record: {patient:?}");
    let studies = DicomwebClient::new(&egress, base("dicom-web"), &session).studies(&[], 10).await;
    assert!(studies.is_ok(), "a list of studies: {:?}", studies.err());

    let heads = heads(&seen);
    assert!(!heads.is_empty(), "platform.example has no address: nothing else leads there");
    // RFC 7617 §2: base64 of "it:secret".
    for head in heads.iter().map(|head| head.to_ascii_lowercase()) {
        assert!(head.starts_with("connect platform.example:443 http/1.1\r\n"), "only tunnels: {head}");
        assert!(head.contains("proxy-authorization: basic axq6c2vjcmv0\r\n"), "with the proxy's password: {head}");
        assert!(!head.contains("token-1"), "the session's token stays inside the tunnel");
    }
    assert!(!log().text().contains("it:secret"), "the password is not logged");
    assert_eq!(egress.facts().proxy, proxy.to_string(), "nor shown");
}

#[tokio::test]
async fn excepted_hosts_and_loopback_are_asked_without_the_proxy() {
    let server = secure(document()).await;
    let (proxy, seen) = proxy(server).await;
    let refused = discover(&through(proxy, "haus.example, platform.example"), "platform.example").await;
    assert!(matches!(refused, Err(DiscoverError::Egress(EgressError::Unreachable { .. }))), "it has no address");
    let found = discover(&through(proxy, ""), &format!("https://{server}")).await;
    assert!(found.is_ok(), "loopback is this computer: {found:?}");
    assert_eq!(heads(&seen), Vec::<String>::new(), "the proxy was not asked");
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
