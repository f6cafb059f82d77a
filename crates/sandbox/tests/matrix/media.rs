//! Files: streamed both ways, with a limit that is told and kept.

use crate::harness::{AMINA, Device, Home, LEYLA, text};
use reqwest::Body;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use sandbox::ChatOptions;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const MIB: usize = 1024 * 1024;

/// Bytes without a pattern that a mistake could hide behind: each differs with its place.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|place| u8::try_from(((place * 2_654_435_761) >> 13) & 255).unwrap_or(0)).collect()
}

async fn upload(device: &Device<'_>, query: &str, body: Vec<u8>) -> (u16, Value) {
    let url = device.home.url(&format!("/_matrix/media/v3/upload{query}"));
    let request = device.home.client.post(url).bearer_auth(&device.token).header(CONTENT_TYPE, "application/dicom");
    let answer = request.body(body).send().await.expect("the platform answers");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// Server and id of an address.
fn parts(uri: &Value) -> String {
    text(uri).trim_start_matches("mxc://").to_owned()
}

async fn download(device: &Device<'_>, media: &str) -> reqwest::Response {
    let url = device.home.url(&format!("/_matrix/client/v1/media/download/{media}"));
    device.home.client.get(url).bearer_auth(&device.token).send().await.expect("the platform answers")
}

#[tokio::test]
async fn forty_mebibytes_go_there_and_back_unchanged() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let sent = bytes(40 * MIB);
    let digest = Sha256::digest(&sent);
    let (status, body) = upload(&amina, "?filename=Sch%C3%A4del%201.dcm", sent).await;
    assert_eq!(status, 200, "{body}");
    let media = parts(&body["content_uri"]);
    assert!(media.starts_with(home.running.matrix().server_name()), "the address names this server: {media}");
    let answer = download(&leyla, &media).await;
    assert_eq!(answer.status(), 200, "anybody with a token");
    assert_eq!(answer.headers()[CONTENT_LENGTH], (40 * MIB).to_string().as_str(), "its length is told");
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/dicom", "and its type");
    let disposition = answer.headers()["content-disposition"].to_str().unwrap_or_default().to_owned();
    assert_eq!(disposition, "attachment; filename*=utf-8''Sch%C3%A4del%201.dcm", "RFC 5987: and its name");
    let got = answer.bytes().await.expect("the whole file");
    assert_eq!(Sha256::digest(&got), digest, "every byte is there");
}

#[tokio::test]
async fn files_are_given_out_only_with_a_token_and_at_the_new_address() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let (_, body) = upload(&amina, "", bytes(10)).await;
    let media = parts(&body["content_uri"]);
    let open = async |path: &str| home.ask(reqwest::Method::GET, &format!("{path}/{media}"), None, None).await;
    open("/client/v1/media/download").await.refused(401, "M_MISSING_TOKEN");
    open("/media/v3/download").await.refused(404, "M_NOT_FOUND");
    open("/media/v3/thumbnail").await.refused(404, "M_NOT_FOUND");
    amina.newer(&format!("/media/thumbnail/{media}?width=64&height=64")).await.refused(404, "M_NOT_FOUND");
    amina.newer("/media/download/other.example/x").await.refused(404, "M_NOT_FOUND");
    let named = download(&amina, &format!("{media}/brief.pdf")).await;
    let disposition = named.headers()["content-disposition"].to_str().unwrap_or_default().to_owned();
    assert_eq!(disposition, "attachment; filename*=utf-8''brief.pdf", "under the name that is asked for");
}

#[tokio::test]
async fn the_limit_is_told_and_kept() {
    let limit = 1000;
    let home = Home::with(ChatOptions { upload_limit: limit, ..ChatOptions::default() }).await;
    let amina = home.device(AMINA).await;
    assert_eq!(amina.newer("/media/config").await.good()["m.upload.size"], 1000, "told");
    let (status, _) = upload(&amina, "", bytes(1000)).await;
    assert_eq!(status, 200, "what just fits is taken");
    let (status, body) = upload(&amina, "", bytes(1001)).await;
    assert_eq!((status, text(&body["errcode"])), (413, "M_TOO_LARGE"), "one byte more is not");
}

#[tokio::test]
async fn an_upload_without_a_length_is_refused() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>("a"), Ok("b")]);
    let url = home.url("/_matrix/media/v3/upload");
    let request = home.client.post(url).bearer_auth(&amina.token).body(Body::wrap_stream(pieces));
    let answer = request.send().await.expect("the platform answers");
    assert_eq!(answer.status(), 400, "as Synapse does");
}

#[tokio::test]
async fn an_address_is_given_out_first_and_filled_once() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let create =
        async || home.ask(reqwest::Method::POST, "/media/v1/create", Some(&amina.token), Some(&json!({}))).await;
    let media = parts(&create().await.good()["content_uri"]);
    assert_eq!(download(&amina, &media).await.status(), 504, "nothing is there yet");
    let fill = async |device: &Device<'_>, media: &str| {
        let url = home.url(&format!("/_matrix/media/v3/upload/{media}"));
        let request = home.client.put(url).bearer_auth(&device.token).body(bytes(10));
        request.send().await.expect("the platform answers").status().as_u16()
    };
    assert_eq!(fill(&leyla, &media).await, 403, "it is Amina's");
    assert_eq!(fill(&amina, &media).await, 200, "she fills it");
    assert_eq!(fill(&amina, &media).await, 409, "once");
    assert_eq!(
        fill(&amina, &format!("{}/none", home.running.matrix().server_name())).await,
        404,
        "nobody has promised it"
    );
    let got = download(&leyla, &media).await.bytes().await.expect("the file");
    assert_eq!(got.as_ref(), bytes(10), "it is there");
    for _ in 0..5 {
        create().await.good();
    }
    create().await.refused(429, "M_LIMIT_EXCEEDED");
}
