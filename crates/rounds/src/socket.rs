//! The WebSocket of the signalling (RFC 6455), over the HTTP client that everything else of the program uses: proxy,
//! private authorities and the rule of https hold for it too.

use crate::peer::{Seen, Telling};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::StatusCode;
use reqwest::header::{
    AUTHORIZATION, CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use rounds_proto::signal::{JoinUrl, SocketNo, Token};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// The course takes no longer frame.
const LONGEST: usize = 2 * 1024 * 1024;
/// More frames do not wait for a socket.
const WAITING: usize = 256;

/// A socket, until it is dropped.
pub(crate) struct Socket {
    out: mpsc::Sender<Vec<u8>>,
}

impl Socket {
    /// Opens one; what becomes of it is told.
    pub(crate) fn open(http: reqwest::Client, no: SocketNo, url: &JoinUrl, token: &Token, seen: Telling) -> Self {
        let (out, outgoing) = mpsc::channel(WAITING);
        let (url, token) = (url.clone(), token.clone());
        tokio::spawn(async move {
            let end = match connect(&http, &url, &token).await {
                Ok(stream) => {
                    if seen.carry(Seen::Opened(no)).await {
                        carry(stream, outgoing, no, &seen).await;
                    }
                    Seen::Closed(no)
                }
                Err(status) => Seen::Refused(no, status.map(|status| status.as_u16())),
            };
            // Where nobody takes it the round is over.
            let _over = seen.carry(end).await;
        });
        Self { out }
    }

    /// False where it is of no use any more: nothing leaves, or not for long.
    pub(crate) fn send(&self, frame: Vec<u8>) -> bool {
        self.out.try_send(frame).is_ok()
    }

    /// Says that it is over, and lets what was sent go out.
    pub(crate) fn close(self) {
        // The task ends by itself once nothing more can come.
        drop(self.out);
    }
}

/// RFC 6455 §4.1. The status where the server did not want it; none where it could not be asked.
async fn connect(
    http: &reqwest::Client,
    url: &JoinUrl,
    token: &Token,
) -> Result<WebSocketStream<reqwest::Upgraded>, Option<StatusCode>> {
    // `ws` and `wss` are `http` and `https` until the socket is open.
    let url = url.as_str().strip_prefix("ws").map(|rest| format!("http{rest}")).ok_or(None)?;
    let mut authorization = HeaderValue::from_str(&token.authorization()).map_err(|_error| None)?;
    authorization.set_sensitive(true);
    let key = generate_key();
    let answer = http
        .get(url)
        .header(AUTHORIZATION, authorization)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .send()
        .await
        .map_err(|error| {
            // Its text would hold the address, and that our ICE password.
            tracing::info!(
                connect = error.is_connect(),
                timeout = error.is_timeout(),
                "the round's server is not reached"
            );
            None
        })?;
    let status = answer.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(Some(status));
    }
    let accepted = answer.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
    if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(None);
    }
    let stream = answer.upgrade().await.map_err(|_error| None)?;
    let limits = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, Some(limits)).await)
}

/// Carries frames both ways until one side ends it.
async fn carry(
    mut stream: WebSocketStream<reqwest::Upgraded>,
    mut outgoing: mpsc::Receiver<Vec<u8>>,
    no: SocketNo,
    seen: &Telling,
) {
    loop {
        tokio::select! {
            frame = outgoing.recv() => match frame {
                Some(frame) => {
                    if stream.send(Message::Binary(Bytes::from(frame))).await.is_err() {
                        return;
                    }
                }
                None => {
                    // The server may be gone; nothing more is wanted of it.
                    let _closed = stream.close(None).await;
                    return;
                }
            },
            message = stream.next() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    if !seen.carry(Seen::Came(no, bytes.to_vec())).await {
                        return;
                    }
                }
                // LiveKit's protocol has no others; pings are answered by the library.
                Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        }
    }
}
