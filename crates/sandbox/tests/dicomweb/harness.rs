//! One door for the tests of the archive: a running router, and answers taken apart.

use std::path::PathBuf;
use std::sync::{Arc, Once};

use axum::Router;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use sandbox::dicomweb::{DicomWeb, Htj2k, router};
use sandbox::images::{Images, ImagesOptions};
use serde_json::Value;

/// The token that the tests' gate knows.
const TOKEN: &str = "Bearer known";

/// A running archive.
pub(crate) struct Archive {
    pub(crate) url: String,
    pub(crate) images: Arc<Images>,
    client: reqwest::Client,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Archive {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).expect("the answer is JSON")
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        self.json().as_array().expect("the answer is a list").clone()
    }

    /// The parts with their content type.
    pub(crate) fn parts(&self) -> Vec<(String, Vec<u8>)> {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        let boundary = self.content_type.split("boundary=").nth(1).expect("a boundary").trim_matches('"');
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        let mut at: Vec<usize> = Vec::new();
        for (i, byte) in self.body.iter().enumerate() {
            if *byte == b'\r' && self.body[i..].starts_with(&delimiter) {
                at.push(i);
            }
        }
        assert!(self.body.ends_with(b"--\r\n"), "the last delimiter closes the message");
        at.windows(2)
            .map(|pair| {
                let part = &self.body[pair[0] + delimiter.len() + 2..pair[1]];
                let end = part.windows(4).position(|w| w == b"\r\n\r\n").expect("a head and a content");
                let head = String::from_utf8(part[..end].to_vec()).expect("heads are text");
                let kind = head.lines().find_map(|l| l.strip_prefix("Content-Type: ")).expect("a content type");
                (kind.to_owned(), part[end + 4..].to_vec())
            })
            .collect()
    }
}

impl Archive {
    /// The painted demonstration on a fixed day, in a temporary folder.
    pub(crate) async fn painted() -> Self {
        Self::start(None, None, Htj2k::LikeOrthanc).await
    }

    pub(crate) async fn start(folder: Option<PathBuf>, data: Option<PathBuf>, htj2k: Htj2k) -> Self {
        let options = ImagesOptions { today: jiff::civil::date(2026, 11, 24), folder, data };
        let images = Arc::new(Images::open(&options).expect("the archive opens"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/dicom-web", listener.local_addr().expect("a bound address"));
        let gate: sandbox::dicomweb::Gate = Arc::new(|headers| {
            let known = headers.get("authorization").is_some_and(|v| v == TOKEN);
            if known { Ok(()) } else { Err(axum::http::StatusCode::FORBIDDEN) }
        });
        let service = DicomWeb { images: Arc::clone(&images), gate, base: url.clone(), htj2k };
        let app = Router::new().nest("/dicom-web", router(service));
        let server = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("the server runs until the test ends");
        });
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Another test of the process may have been first.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        Self { url, images, client: reqwest::Client::new(), server }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_as(path, "*/*").await
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Answer {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let request = self.client.get(url).header(ACCEPT, accept).header(AUTHORIZATION, TOKEN);
        Self::read(request).await
    }

    pub(crate) async fn get_without_token(&self, path: &str) -> Answer {
        Self::read(self.client.get(format!("{}{path}", self.url))).await
    }

    pub(crate) async fn store(&self, path: &str, files: &[Vec<u8>]) -> Answer {
        let mut body = Vec::new();
        for file in files {
            body.extend_from_slice(b"--XyZ\r\nContent-Type: application/dicom\r\n\r\n");
            body.extend_from_slice(file);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--XyZ--\r\n");
        self.store_raw(path, &body).await
    }

    pub(crate) async fn store_raw(&self, path: &str, body: &[u8]) -> Answer {
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .header(AUTHORIZATION, TOKEN)
            .header(CONTENT_TYPE, "multipart/related; type=\"application/dicom\"; boundary=XyZ")
            .body(body.to_vec());
        Self::read(request).await
    }

    async fn read(request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.expect("the archive answers");
        let content_type = answer.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("the answer is complete").to_vec();
        Answer { status, content_type, body }
    }

    /// Metadata of all instances of a series.
    pub(crate) async fn metadata(&self, study: &str, series: &str) -> Vec<Value> {
        self.get(&format!("/studies/{study}/series/{series}/metadata")).await.list()
    }

    /// A frame as stored, with its content type.
    pub(crate) async fn frame(&self, study: &str, series: &str, instance: &str, frame: usize) -> (String, Vec<u8>) {
        let path = format!("/studies/{study}/series/{series}/instances/{instance}/frames/{frame}");
        let accept = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*";
        self.get_as(&path, accept).await.parts().remove(0)
    }
}

/// `2.25.` and the decimal UUIDv5 of a name in the OID namespace, as the recipe's README says.
pub(crate) fn uid(name: &str) -> String {
    format!("2.25.{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).as_u128())
}

/// The first value of an attribute.
pub(crate) fn first<'a>(object: &'a Value, tag: &str) -> &'a Value {
    &object[tag]["Value"][0]
}

/// The first value as text; empty when absent.
pub(crate) fn text(object: &Value, tag: &str) -> String {
    first(object, tag).as_str().unwrap_or("").to_owned()
}

/// All values as numbers.
pub(crate) fn numbers(object: &Value, tag: &str) -> Vec<f64> {
    object[tag]["Value"].as_array().map(|v| v.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
}

/// The alphabetic form of a person's name.
pub(crate) fn name(object: &Value) -> String {
    first(object, "00100010")["Alphabetic"].as_str().unwrap_or("").to_owned()
}
