//! DICOMweb servers: frames as stored, labels that lie, answers that break off.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::{Query, Request},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use model::{SeriesUid, SopInstanceUid, StudyUid};
use platform::{
    dicomweb::{DicomwebClient, DicomwebError},
    egress::EgressError,
};
use serde_json::{Value, json};

use crate::{
    peer::{Moved, body, serve},
    provider::Provider,
};

const FRAME: &str = "/studies/1.2/series/1.3/instances/1.4/frames/1";
const INSTANCE: &str = "/studies/1.2/series/1.3/instances/1.4";
const METADATA: &str = "/studies/1.2/series/1.3/metadata";

async fn client(app: Router) -> DicomwebClient {
    let provider = Provider::start().await;
    let (egress, session, _) = provider.session(&Moved::default()).await;
    let base = serve(Router::new().nest("/dicom-web", app)).await;
    DicomwebClient::new(&egress, base.join("dicom-web").expect("a plain path"), &session)
}

fn uids() -> (StudyUid, SeriesUid, SopInstanceUid) {
    (
        StudyUid::parse("1.2").expect("a UID"),
        SeriesUid::parse("1.3").expect("a UID"),
        SopInstanceUid::parse("1.4").expect("a UID"),
    )
}

/// An answer that arrives in pieces and may end before its end.
fn pieces(content_type: &str, content: &[u8], piece: usize, cut: bool) -> Response {
    ([(header::CONTENT_TYPE, content_type.to_owned())], body(content, piece, cut)).into_response()
}

fn related(part_type: &str, content: &[u8]) -> Vec<u8> {
    let mut body = format!("--b-1\r\nContent-Type: {part_type}\r\n\r\n").into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--b-1--\r\n");
    body
}

#[tokio::test]
async fn a_frame_comes_as_stored_with_the_servers_label() {
    // Bytes that look like the boundary's beginning belong to the picture.
    let content = b"\xff\xd8\r\n--b-\r\n--b\r\n\r\n\xff\xd9".as_slice();
    for piece in [1, 2, 7, 1000] {
        let app = Router::new().route(
            FRAME,
            get(move |request: Request| async move {
                let accept = request.headers()[header::ACCEPT].to_str().expect("text").to_owned();
                if accept != r#"multipart/related; type="application/octet-stream"; transfer-syntax=*"# {
                    return StatusCode::NOT_ACCEPTABLE.into_response();
                }
                let body = related("image/jls; transfer-syntax=1.2.840.10008.1.2.4.80", content);
                pieces(r#"multipart/related; type="image/jls"; boundary="b-1""#, &body, piece, false)
            }),
        );
        let (study, series, instance) = uids();
        let frame = client(app).await.frame(&study, &series, &instance, 1).await.expect("it is there");
        assert_eq!(frame.bytes.as_ref(), content, "in pieces of {piece}");
        assert_eq!(frame.content_type, "image/jls", "the media type");
        assert_eq!(frame.transfer_syntax.as_deref(), Some("1.2.840.10008.1.2.4.80"), "the claimed syntax");
    }
}

#[tokio::test]
async fn a_frame_that_breaks_off_is_asked_for_once_more() {
    let asked = Arc::new(AtomicUsize::new(0));
    for (good_from, whole) in [(1, true), (9, false)] {
        let count = Arc::clone(&asked);
        count.store(0, Ordering::SeqCst);
        let app = Router::new().route(
            FRAME,
            get(move || {
                let nth = count.fetch_add(1, Ordering::SeqCst);
                async move {
                    let body = related("application/octet-stream", &[7; 5000]);
                    let cut = nth < good_from;
                    let end = if cut { 3000 } else { body.len() };
                    pieces("multipart/related; boundary=b-1", &body[..end], 512, cut)
                }
            }),
        );
        let (study, series, instance) = uids();
        let frame = client(app).await.frame(&study, &series, &instance, 1).await;
        match frame {
            Ok(frame) => assert!(whole && frame.bytes.len() == 5000, "the second attempt is whole"),
            Err(error) => assert!(
                !whole && matches!(error, DicomwebError::Unreachable(EgressError::Broken { .. })),
                "half a frame is no frame: {error:?}"
            ),
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2, "and no third attempt");
    }
}

#[tokio::test]
async fn a_frame_that_ends_without_its_boundary_is_no_frame() {
    let body = related("application/octet-stream", &[7; 100]);
    let app = Router::new().route(
        FRAME,
        get(move || {
            let body = body[..120].to_vec();
            async move { pieces("multipart/related; boundary=b-1", &body, 50, false) }
        }),
    );
    let (study, series, instance) = uids();
    let frame = client(app).await.frame(&study, &series, &instance, 1).await;
    assert!(matches!(frame, Err(DicomwebError::Unreachable(EgressError::Broken { .. }))), "{frame:?}");
}

#[tokio::test]
async fn a_server_that_fails_on_a_frame_still_gives_the_instance() {
    let mut file = vec![0; 128];
    file.extend_from_slice(b"DICM and the rest");
    let whole = related("application/dicom; transfer-syntax=1.2.840.10008.1.2.4.201", &file);
    let app = Router::new()
        .route(FRAME, get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route(INSTANCE, get(move || async move { pieces("multipart/related; boundary=b-1", &whole, 9, false) }));
    let client = client(app).await;
    let (study, series, instance) = uids();
    let frame = client.frame(&study, &series, &instance, 1).await;
    assert!(matches!(frame, Err(DicomwebError::Server(500))), "{frame:?}");
    assert_eq!(client.instance(&study, &series, &instance).await.expect("it is there").as_ref(), file, "the file");
}

#[tokio::test]
async fn an_instance_that_is_no_dicom_file_is_refused() {
    let app = Router::new().route(INSTANCE, get(|| async { "<html>Anmeldung</html>" }));
    let (study, series, instance) = uids();
    let refused = client(app).await.instance(&study, &series, &instance).await;
    assert!(matches!(refused, Err(DicomwebError::Unreadable(_))), "{refused:?}");
}

#[tokio::test]
async fn metadata_that_breaks_off_keeps_what_was_whole() {
    let all: Vec<Value> = (0..50).map(|n| json!({"00080018": {"vr": "UI", "Value": [format!("1.4.{n}")]}})).collect();
    let text = json!(all).to_string();
    let app = Router::new().route(
        METADATA,
        get(move || {
            let half = text.as_bytes()[..text.len() / 2].to_vec();
            async move { pieces("application/dicom+json", &half, 100, true) }
        }),
    );
    let (study, series, _) = uids();
    let found = client(app).await.series_metadata(&study, &series).await.expect("half is better than nothing");
    assert_eq!(found.items, all[..found.items.len()], "the first ones, unchanged");
    assert!(found.truncated && (20..26).contains(&found.items.len()), "{found:?}");
}

#[tokio::test]
async fn nothing_found_is_an_empty_list_in_both_forms() {
    for answer in [(StatusCode::NO_CONTENT, ""), (StatusCode::OK, "[]")] {
        let app = Router::new().route("/studies", get(move || async move { answer }));
        let found = client(app).await.studies(&[("PatientID", "x")], 50).await.expect("that is an answer");
        assert!(found.items.is_empty() && !found.truncated && !found.more, "{found:?}");
    }
}

#[tokio::test]
async fn lists_are_read_page_by_page_up_to_the_cap() {
    let studies = || {
        Router::new().route(
            "/studies",
            get(|Query(query): Query<Vec<(String, String)>>| async move {
                let number = |name: &str| {
                    let (_, value) = query.iter().find(|(key, _)| key == name).expect("limit and offset are given");
                    value.parse::<usize>().expect("they are numbers")
                };
                let end = 450.min(number("offset") + number("limit"));
                json!((number("offset")..end).map(|n| json!({"n": n})).collect::<Vec<_>>()).to_string()
            }),
        )
    };
    let all = client(studies()).await.studies(&[], 1000).await.expect("all pages are good");
    assert_eq!((all.items.len(), all.more), (450, false), "all of them, once");
    let some = client(studies()).await.studies(&[], 300).await.expect("all pages are good");
    assert_eq!((some.items.len(), some.more), (300, true), "as many as asked for");
    let exact = client(studies()).await.studies(&[], 450).await.expect("all pages are good");
    assert_eq!((exact.items.len(), exact.more), (450, false), "as many as there are");
}

#[tokio::test]
async fn a_server_that_ignores_the_offset_is_not_asked_for_ever() {
    let page: Vec<Value> = (0..200).map(|n| json!({"n": n})).collect();
    let text = json!(page).to_string();
    let app = Router::new().route("/studies", get(move || async move { text }));
    let found = client(app).await.studies(&[], 1000).await.expect("the page is good");
    assert_eq!(found.items.len(), 200, "each once");
}
