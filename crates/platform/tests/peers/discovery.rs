//! Discovery documents that are too large, too new, elsewhere or incomplete.

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse as _, Redirect},
    routing::get,
};
use platform::{
    discovery::{DiscoverError, discover},
    egress::EgressError,
};

use crate::peer::{Moved, body, serve};

const PATH: &str = "/.well-known/konsil";
const LEAST: &str =
    r#"{"v":1,"organisation":{"name":"Haus"},"oidc":{"issuer":"https://id.example/r","client_id":"k"}}"#;

async fn document(text: impl Into<String>) -> Result<platform::Platform, DiscoverError> {
    let text = text.into();
    let base = serve(Router::new().route(PATH, get(move || async move { text }))).await;
    discover(&Moved::default().egress(), base.as_str().trim_end_matches('/')).await
}

#[tokio::test]
async fn the_example_document_is_read_whole() {
    let found = document(
        r#"{"v":1,"organisation":{"name":"Klinikverbund Eschenland","support":{"phone":"+49 30 23125 100",
        "mail":"it@eschenland.example"}},"oidc":{"issuer":"https://id.eschenland.example/realms/konsil","client_id":"konsil"},
        "fhir":{"base":"https://fhir.eschenland.example/fhir"},"dicomweb":{"base":"https://pacs.eschenland.example/dicom-web"},
        "matrix":{"server_name":"eschenland.example"},"rounds":{"token_service":"https://rtc.eschenland.example"},
        "directory":{"base":"https://vzd.eschenland.example"},"terms":"https://eschenland.example/terms",
        "features":["second-opinion"],"a-newer-key":{"is":"ignored"}}"#,
    )
    .await
    .expect("it is the example of the design");
    assert_eq!(found.organization, "Klinikverbund Eschenland", "the organization");
    assert_eq!(found.issuer, "https://id.eschenland.example/realms/konsil", "the issuer, unchanged");
    assert_eq!(found.fhir.map(|url| url.to_string()).as_deref(), Some("https://fhir.eschenland.example/fhir"), "FHIR");
    assert_eq!(found.matrix.as_deref(), Some("eschenland.example"), "the homeserver");
    assert_eq!(found.features, ["second-opinion"], "features");
}

#[tokio::test]
async fn what_a_platform_lacks_is_absent() {
    let found = document(LEAST).await.expect("organization and issuer suffice");
    assert!(found.fhir.is_none() && found.dicomweb.is_none() && found.matrix.is_none(), "nothing is invented");
}

#[tokio::test]
async fn a_newer_document_is_refused_by_its_version_whatever_its_shape() {
    let refused = document(r#"{"v":2,"everything":"else"}"#).await;
    assert!(matches!(refused, Err(DiscoverError::TooNew(2))), "{refused:?}");
}

#[tokio::test]
async fn more_than_64_kib_is_refused_whether_announced_or_not() {
    let large = format!("{LEAST}{}", " ".repeat(64 * 1024));
    let announced = document(large.clone()).await;
    assert!(matches!(announced, Err(DiscoverError::Egress(EgressError::TooLarge { .. }))), "{announced:?}");

    let streamed = move || {
        let pieces = body(large.as_bytes(), 1000, false);
        async move { pieces }
    };
    let base = serve(Router::new().route(PATH, get(streamed))).await;
    let refused = discover(&Moved::default().egress(), base.as_str()).await;
    assert!(matches!(refused, Err(DiscoverError::Egress(EgressError::TooLarge { .. }))), "{refused:?}");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_refused() {
    let other = serve(Router::new().route(PATH, get(|| async { LEAST }))).await;
    let target = format!("http://localhost:{}{PATH}", other.port().expect("it has one"));
    let base = serve(Router::new().route(PATH, get(move || async move { Redirect::temporary(&target) }))).await;
    let refused = discover(&Moved::default().egress(), base.as_str()).await;
    assert!(matches!(refused, Err(DiscoverError::Egress(EgressError::RedirectRefused { .. }))), "{refused:?}");
}

#[tokio::test]
async fn three_redirects_on_the_same_host_are_followed_and_a_fourth_is_not() {
    let base = serve(
        Router::new()
            .route(PATH, get(|| async { Redirect::temporary("/a") }))
            .route("/a", get(|| async { Redirect::temporary("/b") }))
            .route("/b", get(|| async { Redirect::temporary("/c") }))
            .route("/c", get(|| async { LEAST })),
    )
    .await;
    discover(&Moved::default().egress(), base.as_str()).await.expect("three are followed");

    let base = serve(Router::new().route(PATH, get(|| async { Redirect::temporary(PATH) }))).await;
    let refused = discover(&Moved::default().egress(), base.as_str()).await;
    assert!(matches!(refused, Err(DiscoverError::Egress(EgressError::RedirectRefused { .. }))), "{refused:?}");
}

#[tokio::test]
async fn a_host_without_a_platform_is_told_from_one_that_is_not_there() {
    let base = serve(Router::new().fallback(|| async { StatusCode::NOT_FOUND.into_response() })).await;
    let refused = discover(&Moved::default().egress(), base.as_str()).await;
    assert!(matches!(refused, Err(DiscoverError::NotFound { status: 404, .. })), "{refused:?}");

    let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback has free ports");
    let address = socket.local_addr().expect("it is bound");
    drop(socket);
    let refused = discover(&Moved::default().egress(), &format!("http://{address}")).await;
    assert!(matches!(refused, Err(DiscoverError::Egress(EgressError::Unreachable { .. }))), "{refused:?}");
}

#[tokio::test]
async fn a_part_without_tls_is_refused() {
    let refused = document(LEAST.replace("https://id.example", "http://id.example")).await;
    assert!(matches!(refused, Err(DiscoverError::Unreadable(_))), "{refused:?}");
    let refused = discover(&Moved::default().egress(), "http://konsil.example").await;
    assert!(matches!(refused, Err(DiscoverError::Egress(EgressError::NotSecure { .. }))), "{refused:?}");
}
