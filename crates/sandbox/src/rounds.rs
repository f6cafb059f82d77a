//! The platform's own media server, which holds the rounds of its conversations: below its origin for what is said, on a
//! port of its own for sound and picture.
//!
//! Its secret is made at the start, known to the homeserver alone and gone with the process. Nobody in a round costs two
//! sockets and a task that sleeps.

use crate::matrix::{Rounds, Sfu};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use sfu::StartError;
use sfu::token::SigningKey;
use zeroize::Zeroizing;

/// Where it is, below the origin.
const PATH: &str = "/sfu";

/// What its secret is called.
const KEY: &str = "platform";

/// The server in this process. Dropping it ends all rounds.
#[derive(Debug)]
pub(crate) struct MediaServer(sfu::Sfu);

/// What holds the rounds of a platform at `origin`, and how the homeserver knows it.
pub(crate) async fn held(rounds: &Rounds, origin: &str) -> Result<(Option<MediaServer>, Option<Sfu>), StartError> {
    match rounds {
        Rounds::Here => {
            let secret = secret();
            let signing = Zeroizing::new(secret.as_bytes().to_vec());
            let key = SigningKey::new(KEY, signing).expect("the name is a word and the secret has 64 letters");
            let server = sfu::Sfu::start(sfu::Options { key, media_port: 0 }).await?;
            // `http` becomes `ws`, and `https` becomes `wss`.
            let url = format!("{}{PATH}", origin.replacen("http", "ws", 1));
            Ok((Some(MediaServer(server)), Some(Sfu { url, key: KEY.to_owned(), secret })))
        }
        Rounds::On(sfu) => Ok((None, Some(sfu.clone()))),
        Rounds::Nowhere => Ok((None, None)),
    }
}

/// 256 bits in hexadecimal.
fn secret() -> Zeroizing<String> {
    let bytes = Zeroizing::new(rand::random::<[u8; 32]>());
    // As long as it becomes, so that no copy is left behind while it grows.
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for byte in bytes.iter() {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])));
    }
    text
}

impl MediaServer {
    pub(crate) fn router(&self) -> Router {
        Router::new().nest(PATH, self.0.router().layer(from_fn(manners)))
    }
}

/// What programs in a browser need, as livekit-server has it (`server.go`).
async fn manners(request: Request, next: Next) -> Response {
    let asks = request.method() == Method::OPTIONS;
    let mut response = if asks { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*, Authorization"));
    response
}
